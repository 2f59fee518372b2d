//! The run log: the table `runs`, a row for each version of each table, with what the run that wrote it did.
//!
//! In: the logs of the other tables. Out: one part a version, for the versions that `runs` does not have yet; a run that died before it
//! wrote its row is entered by the next one.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use super::json_rows::to_batch;
use super::quarantine::QUARANTINE;
use super::{Mill, Run, iso};
use crate::error::{Kind, Result};
use crate::warehouse::{Commit, Empty, Part, PartWriter, Table};

pub(super) const RUNS: &str = "runs";

/// How often entering runs is tried again when other runs were faster.
const ROUNDS: usize = 8;

/// How many versions back `runs` looks for rows that a dead run did not write.
const LOOK_BACK: usize = 1000;

impl Mill {
    /// Enters every version of every table that `runs` does not have yet. Another run may do so at the same time: what it was
    /// faster with is left to it.
    pub(super) async fn record_runs(&self, run: &Run) -> Result<()> {
        for round in 0..ROUNDS {
            let table = self.open_or_create(RUNS).await?;
            // Another name for each round's files, and another one than those of the run's tables.
            let run = Run { id: format!("{}-runs-{round}", run.id), ..run.clone() };
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
        let lost = table.broken_shards().await?;
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

/// A few rows as one part.
async fn write_rows(table: &Table, run: &Run, shard: &str, rows: &[impl Serialize]) -> Result<Vec<Part>> {
    let options = Arc::new(table.write_options(&run.id, shard, "-"));
    let mut writer = PartWriter::new(options, 0, 1)?;
    if let Some(batch) = to_batch(Arc::clone(table.schema()), rows)? {
        writer.write(&batch).await?;
    }
    writer.finish(Empty::WritePart).await
}
