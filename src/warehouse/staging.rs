//! Staging records: shards whose parts are durable but not committed, from which another build resumes after an interruption.
//!
//! A record is written after a shard's parts and names them. A later build that wants the same shard with the same fingerprint claims
//! the record, checks that its parts exist with the right sizes and have no tombstone (in this order, for which `tombstones` gives the
//! reason) and commits them. A record is a hint and never a truth: without it, or with a torn one, the shard is built again.

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
pub struct StagingRecord {
    /// The shard.
    pub shard: String,
    /// Of everything that it was made from.
    pub fingerprint: String,
    /// Its parts.
    pub parts: Vec<Part>,
    /// What else the build needs: counts of rows filtered and quarantined.
    pub info: Map<String, Value>,
    /// The run that wrote it, or claimed it since.
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

    /// Writes a record; its parts must be durable already.
    pub async fn save(&self, record: &StagingRecord) -> Result<()> {
        let path = self.path(&record.shard, &record.fingerprint);
        let bytes = serde_json::to_vec(record).or_internal(|| "cannot write a staging record as JSON".into())?;
        self.location.store().put(&path, PutPayload::from(bytes)).await.or_input(|| format!("cannot write {path}"))?;
        Ok(())
    }

    /// Claims the record of this shard and fingerprint for a run; none where there is no record or a part is broken.
    pub async fn find(&self, shard: &str, fingerprint: &str, run_id: &str) -> Result<Option<StagingRecord>> {
        let Some(record) = self.read(&self.path(shard, fingerprint)).await? else { return Ok(None) };
        if record.shard != shard || record.fingerprint != fingerprint {
            return Ok(None);
        }
        // Rewritten with this run's id, so that `gc` sees who needs the parts; only then are they looked up.
        let record = StagingRecord { run_id: run_id.to_owned(), ..record };
        self.save(&record).await?;
        Ok(self.table.broken_parts(&record.parts).await?.is_empty().then_some(record))
    }

    /// Removes a record whose parts are committed, or not needed.
    pub async fn remove(&self, shard: &str, fingerprint: &str) -> Result<()> {
        let path = self.path(shard, fingerprint);
        match self.location.store().delete(&path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error).or_input(|| format!("cannot remove {path}")),
        }
    }

    /// All records, with their paths and ages. One that was `seen` before is not read again: where it was rewritten since, a build
    /// claimed it, and its parts are those that it had.
    pub(super) async fn all(&self, seen: &HashMap<Path, StoredRecord>) -> Result<Vec<StoredRecord>> {
        let mut records = Vec::new();
        for object in self.location.files(FOLDER).await? {
            let version =
                RecordVersion { written: object.last_modified.timestamp_millis().unsigned_abs(), tag: object.e_tag };
            let (record, rewritten) = match seen.get(&object.location) {
                Some(before) => (before.record.clone(), before.version != version),
                None => (self.read(&object.location).await?, false),
            };
            records.push(StoredRecord { path: object.location, version, record, rewritten });
        }
        Ok(records)
    }

    async fn read(&self, path: &Path) -> Result<Option<StagingRecord>> {
        let found = match self.location.store().get(path).await {
            Ok(found) => found.bytes().await,
            Err(error) => Err(error),
        };
        match found {
            // A torn record is as good as none.
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error).or_input(|| format!("cannot read {path}")),
        }
    }

    fn path(&self, shard: &str, fingerprint: &str) -> Path {
        self.location.path(&format!("{FOLDER}/{}-{}.json", path_name(shard), path_name(fingerprint)))
    }
}

/// A record with its path and age.
pub(super) struct StoredRecord {
    pub(super) path: Path,
    pub(super) version: RecordVersion,
    /// `None` when it is torn.
    pub(super) record: Option<StagingRecord>,
    /// Whether it was rewritten since it was seen before.
    pub(super) rewritten: bool,
}

/// Identifies one write of a record: some stores keep times by the second, others have no tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RecordVersion {
    /// Milliseconds since 1970.
    pub(super) written: u64,
    pub(super) tag: Option<String>,
}
