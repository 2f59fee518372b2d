//! The warehouse: stored tables, each a set of Parquet parts under a Delta Lake log, behind one URL.
//!
//! ```text
//!  plan ─► WriteParts ─► parts/<run>/<shard>-<attempt>-<n>.parquet ─► Table::commit ─► _delta_log/<version>.json
//!          (sink)        durable, invisible                 one PUT-if-absent  visible, whole
//!                            │
//!                            └─► _staging/<shard>-<fingerprint>.json: staging record, from which another build resumes the shard
//! ```
//!
//! Beside the tables, `_tombstones/` names parts that must be treated as absent (`gc` is about to delete them, or they were found damaged),
//! and `_leases/` holds a lease for each run that is at work. Bytes are verified as they are read, by block
//! checksums in the log.
//!
//! A table's rows are divided in **shards**, stable slices of a source; each active part belongs to one shard and carries the
//! shard's fingerprint. A commit replaces whole shards. Readers see one version: nothing is read that the log does not name, data is
//! never listed, and parts are immutable.

mod checksums;
mod clustering;
mod commit;
mod content_hash;
#[cfg(test)]
mod fault_store;
mod gc;
mod lease;
mod local_store;
mod location;
mod log_entries;
mod log_file_cache;
pub mod odd_keys;
mod part;
mod part_writer;
mod retry_store;
mod s3;
mod scan;
mod schema;
mod sink;
mod staging;
mod stats;
mod table;
#[cfg(test)]
mod tests;
mod tombstones;
mod verify;

pub use commit::Commit;
pub use content_hash::content_hash_of;
pub use gc::{Collected, Retention};
pub use lease::Lease;
pub use location::{Location, object_url, open_object};
pub use log_entries::LogEntry;
pub use part::Part;
pub use part_writer::{Empty, PartWriter, WriteOptions};
pub use sink::write_parts;
pub use staging::{StagedShard, Staging, StagingError, StagingRecord};
pub use table::Table;
pub use tombstones::Tombstones;
pub use verify::Discrepancy;

use std::path::Path;

use arrow::datatypes::SchemaRef;
use futures::{StreamExt, stream};

use crate::error::{Context, Result};

/// Tables that are opened at the same time.
const OPENED_AT_ONCE: usize = 8;

/// The place where all stored tables are.
#[derive(Debug, Clone)]
pub struct Warehouse {
    location: Location,
}

impl Warehouse {
    /// Opens the warehouse at a path, `file://`, `s3://bucket/prefix` or `memory://name`; a relative path starts at `base`.
    ///
    /// Nothing is read or created yet. Credentials and endpoint of S3 come from the `AWS_*` environment.
    pub fn open(url: &str, base: &Path) -> Result<Self> {
        Ok(Self { location: Location::parse(url, base)? })
    }

    /// Where it is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The newest version of a table, or `None` when it was never created.
    pub async fn table(&self, name: &str) -> Result<Option<Table>> {
        Table::open(&self.location, name, None).await
    }

    /// The newest versions of tables, opened at the same time, with their names and in their order; `None` for one that does not exist.
    pub async fn open_all(&self, names: &[String]) -> Vec<(String, Result<Option<Table>>)> {
        let open = async |name: &String| (name.clone(), self.table(name).await);
        stream::iter(names.iter().map(open)).buffered(OPENED_AT_ONCE).collect().await
    }

    /// A table as it was at `version`; fails where the table exists but the version does not.
    pub async fn table_at(&self, name: &str, version: u64) -> Result<Option<Table>> {
        Table::open(&self.location, name, Some(version)).await
    }

    /// The table, created empty (version 0) when it does not exist yet.
    ///
    /// A table that exists must have the same columns, but for columns that may be null and are new: those are added.
    pub async fn create(&self, name: &str, schema: SchemaRef) -> Result<Table> {
        Table::create(&self.location, name, schema).await
    }

    /// The names of all folders that may be tables, sorted: one listing. Opening one says whether it is a table.
    pub async fn table_names(&self) -> Result<Vec<String>> {
        let mut names = self.location.children().await?;
        names.sort();
        Ok(names)
    }

    /// True where a table's folder holds parts, with or without a log.
    pub async fn has_parts(&self, name: &str) -> Result<bool> {
        let folder = self.location.child(name)?.path("parts");
        let first = self.location.store().list(Some(&folder)).next().await.transpose();
        first.or_input(|| format!("cannot list {folder}")).map(|found| found.is_some())
    }
}
