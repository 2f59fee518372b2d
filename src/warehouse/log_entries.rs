//! Log entries: what each version's file in `_delta_log` says: when it was committed, by which run, with which counts and parts.

use deltalake_core::kernel::{Action, Add};
use deltalake_core::logstore::get_actions;
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Map, Value};

use super::Table;
use super::commit::Counts;
use crate::error::{Context, Result};

/// One version's entry in the log.
#[derive(Debug, Clone)]
pub struct LogEntry {
    /// The version that it made.
    pub version: u64,
    /// When, milliseconds since 1970.
    pub at: u64,
    /// What it was, in Delta's words: `CREATE TABLE`, `WRITE`, ...
    /// Empty where the entry does not say, as those of ours do.
    pub operation: String,
    /// What the commit said of itself: `run_id` and everything in [`Commit::info`](super::Commit::info).
    pub info: Map<String, Value>,
    /// The paths of the parts that it added.
    pub added: Vec<String>,
    /// How many they are, with their rows, as far as the log says it.
    pub(super) counted: Counts,
    /// True where its file cannot be read as an entry; what else is said here is then empty.
    pub(super) is_torn: bool,
}

/// Entries that are read at the same time.
const AT_ONCE: usize = 8;

impl Table {
    /// The entries of at most `limit` versions, newest first, this one included.
    pub async fn history(&self, limit: usize) -> Result<Vec<LogEntry>> {
        let versions = stream::iter((0..=self.version()).rev().take(limit));
        let mut read = versions.map(|version| self.entry(version)).buffered(AT_ONCE);
        let mut entries = Vec::new();
        while let Some(Some(entry)) = read.try_next().await? {
            entries.push(entry);
        }
        Ok(entries)
    }

    /// One version's entry, or `None` when it is no longer in the log.
    pub(super) async fn entry(&self, version: u64) -> Result<Option<LogEntry>> {
        let what = || format!("cannot read version {version} in the log of {}", self.location().url());
        let Some(bytes) = self.delta.log_store().read_commit_entry(version).await.or_input(what)? else {
            return Ok(None);
        };
        let mut entry = LogEntry {
            version,
            at: 0,
            operation: String::new(),
            info: Map::new(),
            added: Vec::new(),
            counted: Counts::default(),
            is_torn: false,
        };
        let Ok(actions) = get_actions(version, &bytes) else { return Ok(Some(LogEntry { is_torn: true, ..entry })) };
        for action in actions {
            match action {
                Action::Add(Add { path, tags, .. }) => {
                    let rows = tags.and_then(|mut tags| tags.remove("rows").flatten()).and_then(|n| n.parse().ok());
                    entry.counted.parts += 1;
                    entry.counted.rows += rows.unwrap_or(0u64);
                    entry.added.push(path);
                }
                Action::CommitInfo(mut info) => {
                    entry.at = info.timestamp.unwrap_or_default().unsigned_abs();
                    entry.operation = info.operation.unwrap_or_default();
                    if let Some(Value::Object(ours)) = info.info.remove("spatialmill") {
                        entry.info = ours;
                    }
                }
                _ => {}
            }
        }
        Ok(Some(entry))
    }
}
