//! The quarantine writer: rows that could not be used, on their way into parts of the table `quarantine`.
//!
//! In: the quarantined rows of one shard of one stage. Out: parts of `quarantine` and their staging record. The table has a shard for each
//! stage and shard (`<stage>/<shard>`), so that building a shard again replaces its quarantined rows.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tokio::sync::mpsc::Receiver;

use super::built_shard::BuiltShard;
use super::json_rows::to_batch;
use super::order::Order;
use super::snapshot::Snapshot;
use super::{Mill, Run};
use crate::error::Result;
use crate::tables::{Quarantined, Unusable};
use crate::warehouse::{Commit, Empty, Part, PartWriter, StagingRecord, Table, WriteOptions};

pub(super) const QUARANTINE: &str = "quarantine";

impl Mill {
    /// Replaces what quarantine says of these shards of a stage.
    pub(super) async fn commit_quarantine(
        &self,
        snapshot: &Snapshot,
        stage: &str,
        made: &[BuiltShard],
        gone: &[String],
        run: &Run,
    ) -> Result<()> {
        let table = self.open_or_create(snapshot, QUARANTINE).await?;
        let name = |shard: &str| format!("{stage}/{shard}");
        let mut commit = Commit { run_id: run.id.clone(), ..Commit::default() };
        commit.add = made.iter().flat_map(|made| made.quarantined.iter().cloned()).collect();
        let without = made.iter().filter(|made| made.quarantined.is_empty()).map(|made| made.shard.as_str());
        let without = without.chain(gone.iter().map(String::as_str)).map(name);
        commit.remove_shards = without.filter(|name| table.fingerprint_of(name).is_some()).collect();
        if !commit.add.is_empty() || !commit.remove_shards.is_empty() {
            snapshot.replace(table.commit(&commit).await?);
        }
        Ok(())
    }
}

/// The quarantined rows of one shard, on their way into parts of `quarantine`. It holds one batch.
pub(super) struct QuarantineWriter {
    table: Table,
    options: Arc<WriteOptions>,
    run_id: String,
    started: String,
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
    /// Of the shard of an order, to be written to the table `quarantine`.
    pub fn new(quarantine: &Table, stage: &str, order: &Order, started: &str) -> Self {
        let name = format!("{stage}/{}", order.shard);
        let source = order.shard.split('/').next().unwrap_or_default().to_owned();
        Self {
            options: Arc::new(quarantine.write_options(&order.run_id, &name, &order.fingerprint)),
            table: quarantine.clone(),
            run_id: order.run_id.clone(),
            started: started.to_owned(),
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
            .push(json!({"run_id": self.run_id, "source": self.source, "stage": self.stage, "key": key, "uri": uri,
            "code": code, "message": message, "loss": loss, "at": self.started}));
        if self.rows.len() >= BATCH_ROWS {
            self.flush().await?;
        }
        Ok(())
    }

    /// Writes everything that comes.
    pub async fn drain(mut self, mut rows: Receiver<Vec<Quarantined>>) -> Result<Vec<Part>> {
        while let Some(some) = rows.recv().await {
            for lost in some {
                self.push(lost).await?;
            }
        }
        self.finish().await
    }

    /// The parts, which a staging record names until they are committed; none where no row was quarantined.
    pub async fn finish(mut self) -> Result<Vec<Part>> {
        self.flush().await?;
        let Some(writer) = self.writer else { return Ok(Vec::new()) };
        let parts = writer.finish(Empty::WriteNothing).await?;
        let (shard, fingerprint) = (self.options.shard.clone(), self.options.fingerprint.clone());
        let record = StagingRecord { shard, fingerprint, parts: parts.clone(), info: Map::new(), run_id: self.run_id };
        // Not first-wins: an attempt that died may have had other rows here, where a model failed. The record of the stage's own table names
        // the parts that belong to it.
        self.table.staging().replace(&record).await?;
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
