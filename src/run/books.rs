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
use serde_json::{Value, json};

use super::build::Made;
use super::{Mill, Run, iso};
use crate::error::{Context, Result};
use crate::warehouse::{Commit, Empty, Part, PartWriter, Table};

const QUARANTINE: &str = "quarantine";
const RUNS: &str = "runs";

/// How many versions back `runs` looks for lines that a dead run did not write.
const LOOK_BACK: usize = 1000;

impl Mill {
    /// Replaces what quarantine says of these shards of a stage.
    pub(super) async fn quarantine(&self, stage: &str, made: &[Made], gone: &[String], run: &Run) -> Result<()> {
        let has_some = made.iter().any(|m| !m.ledger.quarantined.is_empty());
        let stored = self.warehouse.table(QUARANTINE).await?;
        if stored.is_none() && !has_some {
            return Ok(());
        }
        let table = self.open_or_create(QUARANTINE).await?;
        let known = table.shards();
        let name = |shard: &str| format!("{stage}/{shard}");
        let mut commit = Commit { run_id: run.id.clone(), ..Commit::default() };
        for shard in made {
            let rows: Vec<Value> = shard
                .ledger
                .quarantined
                .iter()
                .map(|lost| {
                    let source = shard.shard.split('/').next();
                    json!({"run_id": run.id, "source": source, "stage": stage, "key": lost.key, "uri": lost.uri,
                           "code": lost.code, "message": lost.message, "at": run.started})
                })
                .collect();
            if !rows.is_empty() {
                commit.add.extend(write_rows(&table, run, &name(&shard.shard), &rows).await?);
            } else if known.contains_key(name(&shard.shard).as_str()) {
                commit.remove_shards.push(name(&shard.shard));
            }
        }
        commit.remove_shards.extend(gone.iter().map(|shard| name(shard)).filter(|name| known.contains_key(name.as_str())));
        if !commit.add.is_empty() || !commit.remove_shards.is_empty() {
            table.commit(&commit).await?;
        }
        Ok(())
    }

    /// Enters every version of every table that `runs` does not have yet.
    pub(super) async fn record_runs(&self) -> Result<()> {
        let table = self.open_or_create(RUNS).await?;
        let known: BTreeSet<String> = table.shards().into_keys().map(str::to_owned).collect();
        let mut commit = Commit::default();
        for name in self.warehouse.tables().await? {
            if [RUNS, QUARANTINE].contains(&name.as_str()) {
                continue;
            }
            let Some(written) = self.warehouse.table(&name).await? else { continue };
            for entry in written.history(LOOK_BACK).await? {
                let Some(run_id) = entry.info.get("run_id").and_then(Value::as_str) else { continue };
                let shard = format!("{run_id}/{name}");
                if known.contains(&shard) {
                    break;
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
                let run = Run { id: run_id.to_owned(), started: String::new() };
                commit.add.extend(write_rows(&table, &run, &shard, &[row]).await?);
                commit.run_id = run_id.to_owned();
            }
        }
        if !commit.add.is_empty() {
            table.commit(&commit).await?;
        }
        Ok(())
    }
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
