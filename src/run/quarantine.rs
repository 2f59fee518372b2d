//! The quarantine writer: rows that could not be used, on their way into parts of the table `quarantine`.
//!
//! In: the quarantined rows of one shard of one stage. Out: parts of `quarantine` and their staging record. The table has a shard for each
//! stage and shard (`<stage>/<shard>`), so that building a shard again replaces its quarantined rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tokio::sync::mpsc::Receiver;

use super::build::{BuiltShard, forget};
use super::json_rows::to_batch;
use super::{Mill, Run};
use crate::error::Result;
use crate::tables::{Quarantined, Unusable};
use crate::warehouse::{Commit, Empty, Part, PartWriter, StagingRecord, Table, WriteOptions};

pub(super) const QUARANTINE: &str = "quarantine";

impl Mill {
    /// Replaces what quarantine says of these shards of a stage.
    pub(super) async fn quarantine(&self, stage: &str, made: &[BuiltShard], gone: &[String], run: &Run) -> Result<()> {
        let table = self.quarantine_table().await?;
        let known = table.shards();
        let name = |shard: &str| format!("{stage}/{shard}");
        let mut commit = Commit { run_id: run.id.clone(), ..Commit::default() };
        commit.add = made.iter().flat_map(|made| made.lost.iter().cloned()).collect();
        let without = made.iter().filter(|made| made.lost.is_empty()).map(|made| made.shard.as_str());
        let without = without.chain(gone.iter().map(String::as_str)).map(name);
        commit.remove_shards = without.filter(|name| known.contains_key(name.as_str())).collect();
        if !commit.add.is_empty() || !commit.remove_shards.is_empty() {
            table.commit(&commit).await?;
        }
        Ok(())
    }

    /// Removes the staging records of quarantined rows, once the table that they are missing from has its commit.
    pub(super) async fn forget_quarantine(&self, lost: &[Part]) -> Result<()> {
        if !lost.is_empty() {
            let staging = self.quarantine_table().await?.staging();
            for part in lost {
                forget(&staging, &part.shard, &part.fingerprint).await;
            }
        }
        Ok(())
    }

    /// The table of what cannot be used.
    pub(super) async fn quarantine_table(&self) -> Result<Table> {
        self.open_or_create(QUARANTINE).await
    }

    /// What could not be used of a shard that an interrupted run made durable.
    pub(super) async fn staged_quarantine(
        &self,
        stage: &str,
        shard: &str,
        fingerprint: &str,
        run: &Run,
    ) -> Result<Option<Vec<Part>>> {
        let Some(table) = self.warehouse.table(QUARANTINE).await? else { return Ok(None) };
        let record = table.staging().find(&format!("{stage}/{shard}"), fingerprint, &run.id).await?;
        Ok(record.map(|record| record.parts))
    }

    /// What `quarantine` says of these shards of stages (`<stage>/<shard>`) is missing or damaged.
    pub(super) async fn lost_quarantine(&self) -> Result<BTreeSet<String>> {
        match self.warehouse.table(QUARANTINE).await? {
            Some(table) => table.broken_shards().await,
            None => Ok(BTreeSet::new()),
        }
    }
}

/// What cannot be used of one shard, on its way into parts of `quarantine`. It holds one batch.
pub(super) struct QuarantineWriter {
    table: Table,
    options: Arc<WriteOptions>,
    run: Run,
    source: String,
    stage: String,
    /// There when something was written: mostly there is nothing to write.
    writer: Option<PartWriter>,
    rows: Vec<Value>,
}

/// Bytes that a key, a file or a message may have.
const LONGEST: usize = 2000;

/// Quarantined rows that are written at a time.
const BATCH_ROWS: usize = 4096;

impl QuarantineWriter {
    /// Of a shard of a stage, to be written to the table `quarantine`.
    pub fn new(quarantine: &Table, stage: &str, shard: &str, fingerprint: &str, run: &Run) -> Self {
        let options = quarantine.write_options(&run.id, &format!("{stage}/{shard}"), fingerprint);
        let source = shard.split('/').next().unwrap_or_default().to_owned();
        Self {
            table: quarantine.clone(),
            options: Arc::new(options),
            run: run.clone(),
            source,
            stage: stage.to_owned(),
            writer: None,
            rows: Vec::new(),
        }
    }

    pub async fn push(&mut self, lost: Quarantined) -> Result<()> {
        let Quarantined { key, uri, why: Unusable { code, message }, loss } = lost;
        let (key, uri, message) = (bounded(key), uri.map(bounded), bounded(message));
        self.rows
            .push(json!({"run_id": self.run.id, "source": self.source, "stage": self.stage, "key": key, "uri": uri,
            "code": code, "message": message, "loss": loss, "at": self.run.started}));
        if self.rows.len() >= BATCH_ROWS {
            self.flush().await?;
        }
        Ok(())
    }

    /// Writes everything that comes.
    pub async fn drain(mut self, mut losses: Receiver<Vec<Quarantined>>) -> Result<Vec<Part>> {
        while let Some(some) = losses.recv().await {
            for lost in some {
                self.push(lost).await?;
            }
        }
        self.finish().await
    }

    /// The parts, which a staging record names, so that they wait for their commit; none where nothing was lost.
    pub async fn finish(mut self) -> Result<Vec<Part>> {
        self.flush().await?;
        let Some(writer) = self.writer else { return Ok(Vec::new()) };
        let parts = writer.finish(Empty::WriteNothing).await?;
        let (shard, fingerprint) = (self.options.shard.clone(), self.options.fingerprint.clone());
        let (info, run_id) = (Map::new(), self.run.id.clone());
        let record = StagingRecord { shard, fingerprint, parts: parts.clone(), info, run_id };
        self.table.staging().save(&record).await?;
        Ok(parts)
    }

    async fn flush(&mut self) -> Result<()> {
        let Some(batch) = to_batch(Arc::clone(self.table.schema()), &self.rows)? else { return Ok(()) };
        self.rows.clear();
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => self.writer.insert(PartWriter::new(Arc::clone(&self.options), 0, 1)?),
        };
        writer.write(&batch).await
    }
}

/// A text that a row of `quarantine` can hold: file names and values that stand in a message come from data, and may have any length.
fn bounded(text: String) -> String {
    if text.len() <= LONGEST {
        return text;
    }
    let (start, end) = (text.floor_char_boundary(LONGEST / 2), text.ceil_char_boundary(text.len() - LONGEST / 4));
    format!("{} .. {} bytes left out .. {}", &text[..start], end - start, &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_any_length_is_bounded() {
        assert_eq!(bounded("ä".repeat(1000)), "ä".repeat(1000));
        for text in ["ä".repeat(1001), format!("a{}", "ä".repeat(7_000_000)), "x".repeat(2001)] {
            let bounded = bounded(text);
            assert!(bounded.len() < LONGEST && bounded.contains(" bytes left out .. "), "{bounded}");
        }
    }
}
