//! Staged shards: what the staging records of a stage's or a source's tables say, read back for the driver.
//!
//! In: shards with their fingerprints. Out: for each of them what was built (parts, quarantined parts, row counts), why it failed, or nothing.
//! A record that another version wrote, or whose quarantined parts are gone, is removed: its shard is made again.

use std::collections::{BTreeMap, BTreeSet};

use super::built_shard::BuiltShard;
use super::worker::{COUNTS, QUARANTINE_PARTS, Wanted, Worker};
use crate::error::Result;
use crate::progress::tell_line;
use crate::tables::RowCounts;
use crate::warehouse::{Part, StagedShard, StagingError, StagingRecord, Table};

/// A shard of each table that an order writes: one of a stage, four of an import.
pub(super) type BuiltTables = BTreeMap<String, BuiltShard>;

/// What orders have left.
#[derive(Default)]
pub(super) struct Staged {
    /// By shard.
    pub built: BTreeMap<String, BuiltTables>,
    pub failed: BTreeMap<String, StagingError>,
}

impl Worker<'_> {
    /// What orders of these shards have left, of this process or another.
    pub(super) async fn staged(&self, wanted: &[Wanted]) -> Result<Staged> {
        let mut staged = Staged::default();
        let mut asked: Vec<&Wanted> = wanted.iter().collect();
        let mut unusable = BTreeSet::new();
        for table in self.tables() {
            let keys: Vec<(String, String)> =
                asked.iter().map(|one| (one.shard.clone(), one.fingerprint.clone())).collect();
            if keys.is_empty() {
                break;
            }
            let mut outcomes = table.staging().find_all(&keys).await?;
            // An order that did not get to all of its tables is not complete.
            asked.retain(|one| match outcomes.remove(&one.shard) {
                Some(StagedShard::Built(record)) => match built(record) {
                    Some(built) => {
                        staged.built.entry(one.shard.clone()).or_default().insert(table.name().to_owned(), built);
                        true
                    }
                    None => {
                        unusable.insert(one.shard.clone());
                        false
                    }
                },
                Some(StagedShard::Failed(error)) => {
                    staged.failed.insert(one.shard.clone(), error);
                    false
                }
                None => false,
            });
        }
        let tables = self.tables().len();
        staged.built.retain(|_, built| built.len() == tables);
        let quarantined: Vec<Part> =
            staged.built.values().flat_map(BTreeMap::values).flat_map(|built| built.quarantined.clone()).collect();
        for part in self.quarantine.broken_parts(&quarantined).await? {
            unusable.extend(
                part.shard.strip_prefix(self.stage_name()).and_then(|shard| shard.strip_prefix('/')).map(str::to_owned),
            );
        }
        if !unusable.is_empty() {
            staged.built.retain(|shard, _| !unusable.contains(shard));
            let unusable: Vec<Wanted> = wanted.iter().filter(|one| unusable.contains(&one.shard)).cloned().collect();
            self.unstage(&unusable).await?;
        }
        Ok(staged)
    }

    /// Removes every record of these shards.
    pub(super) async fn unstage(&self, shards: &[Wanted]) -> Result<()> {
        let tables: Vec<&Table> = self.tables().into_iter().map(|table| &***table).collect();
        unstage(&tables, &self.quarantine, self.stage_name(), shards).await
    }
}

/// Removes every record of shards of a stage, in its tables and in `quarantine`.
async fn unstage(tables: &[&Table], quarantine: &Table, stage: &str, shards: &[Wanted]) -> Result<()> {
    if shards.is_empty() {
        return Ok(());
    }
    let keys = |name: &dyn Fn(&str) -> String| -> Vec<(String, String)> {
        shards.iter().map(|one| (name(&one.shard), one.fingerprint.clone())).collect()
    };
    for table in tables {
        table.staging().remove_all(&keys(&str::to_owned)).await?;
    }
    quarantine.staging().remove_all(&keys(&|shard| format!("{stage}/{shard}"))).await
}

/// Removes every record of shards that are committed. Some that stay behind grow old, and `gc` removes them: no reason to fail what has
/// been done.
pub(super) async fn forget_staged(tables: &[&Table], quarantine: &Table, stage: &str, shards: &[Wanted]) {
    if let Err(error) = unstage(tables, quarantine, stage, shards).await {
        tell_line(format_args!("left to gc: {error}"));
    }
}

/// What became of the rows of all tables of an order.
pub(super) fn counts_of(built: &BuiltTables) -> RowCounts {
    let mut all = RowCounts::default();
    built.values().for_each(|built| all.add(&built.counts));
    all
}

/// What a record says was built, where it says all that is needed.
fn built(record: StagingRecord) -> Option<BuiltShard> {
    let StagingRecord { shard, parts, mut info, .. } = record;
    let counts: RowCounts = serde_json::from_value(info.remove(COUNTS)?).ok()?;
    let quarantined: Vec<Part> = serde_json::from_value(info.remove(QUARANTINE_PARTS)?).ok()?;
    Some(BuiltShard { shard, parts, quarantined, counts })
}
