//! The books: `quarantine` (what could not be used) and `runs` (what each run did), both tables like any other.
//!
//! Quarantine has a shard for each stage and shard, so that making a shard again replaces what was said of it. `runs` is what the
//! logs of the other tables say: a run that died before it wrote its line is entered by the next one.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::json::ReaderBuilder;
use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc::Receiver;

use super::build::{BuiltShard, forget};
use super::{Mill, Run, iso};
use crate::error::{Context, Kind, Result};
use crate::pipeline::account::Lost;
use crate::warehouse::{Commit, Empty, Part, PartWriter, Record, Table, WriteOptions};

pub(super) const QUARANTINE: &str = "quarantine";
pub(super) const RUNS: &str = "runs";

/// How often entering runs is tried again when other runs were faster.
const ROUNDS: usize = 8;

/// How many versions back `runs` looks for lines that a dead run did not write.
const LOOK_BACK: usize = 1000;

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
    pub(super) async fn forget_losses(&self, lost: &[Part]) -> Result<()> {
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
    pub(super) async fn losses_before(
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
    pub(super) async fn lost_books(&self) -> Result<BTreeSet<String>> {
        match self.warehouse.table(QUARANTINE).await? {
            Some(table) => table.lost_shards().await,
            None => Ok(BTreeSet::new()),
        }
    }

    /// Enters every version of every table that `runs` does not have yet. Another run may do so at the same time: what it was
    /// faster with is left to it.
    pub(super) async fn record_runs(&self, run: &Run) -> Result<()> {
        for round in 0..ROUNDS {
            let table = self.open_or_create(RUNS).await?;
            // Another name for each round's files, and another one than those of the run's tables.
            let run = Run { id: format!("{}-books-{round}", run.id), ..run.clone() };
            let commit = self.missing_runs(&table, &run).await?;
            match table.commit(&commit).await {
                Err(error) if [Kind::Conflict, Kind::Lost].contains(&error.kind()) => {}
                outcome => return outcome.map(drop),
            }
        }
        // What is not entered now is entered by the next run.
        Ok(())
    }

    async fn missing_runs(&self, table: &Table, run: &Run) -> Result<Commit> {
        let lost = table.lost_shards().await?;
        let mut known: BTreeSet<String> = table.shards().into_keys().map(str::to_owned).collect();
        known.retain(|shard| !lost.contains(shard));
        let mut commit = Commit { run_id: run.id.clone(), ..Commit::default() };
        for written in self.tables().await? {
            let name = written.name().to_owned();
            if [RUNS, QUARANTINE].contains(&name.as_str()) {
                continue;
            }
            for entry in written.history(LOOK_BACK).await? {
                let Some(run_id) = entry.info.get("run_id").and_then(Value::as_str) else { continue };
                // A run writes a table once for each source.
                let shard = format!("{run_id}/{name}/{}", entry.version);
                if known.contains(&shard) {
                    // Older versions are known, too, unless their lines are lost.
                    match lost.is_empty() {
                        true => break,
                        false => continue,
                    }
                }
                let of = |field: &str| entry.info.get(field).cloned().unwrap_or(Value::Null);
                let codes: Vec<Value> = of("quarantined")
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|pair| json!({"code": pair["reason"], "n": pair["n"]}))
                    .collect();
                let row = json!({"run_id": run_id, "table": name, "version": entry.version, "started": of("started"),
                    "finished": iso(entry.at), "rows_in": of("rows_in"), "rows_out": of("rows_out"), "filtered": of("filtered"),
                    "quarantined": codes, "fingerprint": of("fingerprint"), "seed": of("seed")});
                run.is_at_work(&self.warehouse).await?;
                commit.add.extend(write_rows(table, run, &shard, &[row]).await?);
            }
        }
        // A lost line of a table that is no more cannot be had again.
        let is_had = |shard: &String| commit.add.iter().any(|part| part.shard == *shard);
        commit.remove_shards = lost.into_iter().filter(|shard| !is_had(shard)).collect();
        Ok(commit)
    }
}

/// What cannot be used of one shard, on its way into parts of `quarantine`. It holds one batch.
pub(super) struct Losses {
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

impl Losses {
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

    pub async fn push(&mut self, lost: Lost) -> Result<()> {
        let Lost { key, uri, code, message, loss } = lost;
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
    pub async fn drain(mut self, mut losses: Receiver<Vec<Lost>>) -> Result<Vec<Part>> {
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
        let record = Record { shard, fingerprint, parts: parts.clone(), info, run_id };
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

/// A few rows as one part.
async fn write_rows(table: &Table, run: &Run, shard: &str, rows: &[impl Serialize]) -> Result<Vec<Part>> {
    let options = Arc::new(table.write_options(&run.id, shard, "-"));
    let mut writer = PartWriter::new(options, 0, 1)?;
    if let Some(batch) = to_batch(Arc::clone(table.schema()), rows)? {
        writer.write(&batch).await?;
    }
    writer.finish(Empty::WritePart).await
}

/// Rows that serialise by column name, as Arrow.
pub(super) fn to_batch(schema: SchemaRef, rows: &[impl Serialize]) -> Result<Option<RecordBatch>> {
    let mut decoder = ReaderBuilder::new(schema)
        .with_batch_size(rows.len().max(1))
        .build_decoder()
        .or_internal(|| "the schema has no JSON reader".into())?;
    decoder.serialize(rows).or_internal(|| "a row does not fit its schema".into())?;
    decoder.flush().or_internal(|| "a row does not fit its schema".into())
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
