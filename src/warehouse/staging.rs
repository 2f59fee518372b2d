//! Records of shards whose parts are durable but not committed: what a build that was interrupted leaves for the next one.
//!
//! A record is written after a shard's parts and names them. A later build that wants the same shard with the same fingerprint
//! says that it is at work on it, checks that the parts are there with the right sizes and that nobody is about to remove them
//! (in this order, which `condemned` argues for) and takes them over. A record is a hint and never a truth: without it, or with a
//! torn one, the shard is built again.

use std::collections::HashMap;

use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::part_writer::path_name;
use super::{Location, Part, Table};
use crate::error::{Context, Result};

/// The folder of the records, next to the parts. Delta readers pass over names that begin with `_`.
pub(super) const FOLDER: &str = "_staging";

/// One shard that was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The shard.
    pub shard: String,
    /// Of everything that it was made from.
    pub fingerprint: String,
    /// Its parts.
    pub parts: Vec<Part>,
    /// What else the build wants to find again: counts of rows filtered and quarantined.
    pub info: Map<String, Value>,
    /// The run that wrote it, or took it over since.
    #[serde(default)]
    pub run_id: String,
}

/// A table's records.
#[derive(Debug, Clone)]
pub struct Staging {
    table: Table,
    location: Location,
}

impl Staging {
    pub(super) fn new(table: Table) -> Self {
        Self { location: table.location().clone(), table }
    }

    /// Keeps a record; its parts must be durable already.
    pub async fn save(&self, record: &Record) -> Result<()> {
        let path = self.path(&record.shard, &record.fingerprint);
        let bytes = serde_json::to_vec(record).or_internal(|| "cannot write a staging record as JSON".into())?;
        self.location.store().put(&path, PutPayload::from(bytes)).await.or_input(|| format!("cannot write {path}"))?;
        Ok(())
    }

    /// The record of this shard and fingerprint, if there is one and its parts are all there, taken over by a run.
    pub async fn find(&self, shard: &str, fingerprint: &str, run_id: &str) -> Result<Option<Record>> {
        let Some(record) = self.read(&self.path(shard, fingerprint)).await? else { return Ok(None) };
        if record.shard != shard || record.fingerprint != fingerprint {
            return Ok(None);
        }
        // Written anew, so that `gc` sees who wants the parts, and only then looked for.
        let record = Record { run_id: run_id.to_owned(), ..record };
        self.save(&record).await?;
        Ok(self.table.lost(&record.parts).await?.is_empty().then_some(record))
    }

    /// Forgets a record; its parts are committed, or not wanted.
    pub async fn remove(&self, shard: &str, fingerprint: &str) -> Result<()> {
        let path = self.path(shard, fingerprint);
        match self.location.store().delete(&path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error).or_input(|| format!("cannot remove {path}")),
        }
    }

    /// All records, with the paths and ages that `gc` wants. One that was `seen` before is not read again: where it was written anew
    /// since, somebody wants it, and its parts are those that it had.
    pub(super) async fn all(&self, seen: &HashMap<Path, Stored>) -> Result<Vec<Stored>> {
        let mut records = Vec::new();
        for object in self.location.files(FOLDER).await? {
            let version =
                Version { written: object.last_modified.timestamp_millis().unsigned_abs(), tag: object.e_tag };
            let (record, anew) = match seen.get(&object.location) {
                Some(before) => (before.record.clone(), before.version != version),
                None => (self.read(&object.location).await?, false),
            };
            records.push(Stored { path: object.location, version, record, anew });
        }
        Ok(records)
    }

    async fn read(&self, path: &Path) -> Result<Option<Record>> {
        let found = match self.location.store().get(path).await {
            Ok(found) => found.bytes().await,
            Err(error) => Err(error),
        };
        match found {
            // A record that cannot be understood is as good as none.
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error).or_input(|| format!("cannot read {path}")),
        }
    }

    fn path(&self, shard: &str, fingerprint: &str) -> Path {
        self.location.path(&format!("{FOLDER}/{}-{}.json", path_name(shard), path_name(fingerprint)))
    }
}

/// A record as it lies in the store.
pub(super) struct Stored {
    pub(super) path: Path,
    pub(super) version: Version,
    /// `None` when it cannot be understood.
    pub(super) record: Option<Record>,
    /// Whether it was written anew since it was seen before.
    pub(super) anew: bool,
}

/// Which writing of a record it is: some stores tell times by the second, others have no tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    /// Milliseconds since 1970.
    pub(super) written: u64,
    pub(super) tag: Option<String>,
}
