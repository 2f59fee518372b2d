//! The run log: the table `runs`, a row for each version of each table, with what the run that wrote it did.
//!
//! In: the logs of the other tables. Out: one part a version, for the versions that `runs` does not have yet; a run that died before it
//! wrote its row is entered by the next one.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use super::json_rows::to_batch;
use super::snapshot::{PinnedTable, Snapshot};
use super::{Mill, Run, iso};
use crate::error::{Kind, Result};
use crate::pipeline::IMPORTED;
use crate::warehouse::{Commit, Empty, Part, PartWriter, Table};

pub(super) const RUNS: &str = "runs";

/// How often entering runs is tried again when other runs were faster.
const ROUNDS: usize = 8;

/// How many versions back `runs` looks for rows that a dead run did not write.
const LOOK_BACK: usize = 1000;

impl Mill {
    /// Enters every version of every table that `runs` does not have yet. Another run may do so at the same time: what it was
    /// faster with is left to it.
    pub(super) async fn record_runs(&self, snapshot: &Snapshot, run: &Run) -> Result<()> {
        for round in 0..ROUNDS {
            let table = self.open_or_create(snapshot, RUNS).await?;
            // Another name for each round's files, and another one than those of the run's tables.
            let run = Run { id: format!("{}-runs-{round}", run.id), ..run.clone() };
            let commit = self.missing_runs(snapshot, &table, &run).await?;
            if commit.add.is_empty() && commit.remove_shards.is_empty() {
                return Ok(());
            }
            match table.commit(&commit).await {
                Err(error) if [Kind::Conflict, Kind::Lost].contains(&error.kind()) => snapshot.forget(RUNS),
                outcome => return outcome.map(|table| drop(snapshot.replace(table))),
            }
        }
        // What is not entered now is entered by the next run.
        Ok(())
    }

    async fn missing_runs(&self, snapshot: &Snapshot, table: &PinnedTable, run: &Run) -> Result<Commit> {
        let lost = table.broken().await?;
        let known: BTreeSet<&str> = table.shard_names().filter(|shard| !lost.contains(*shard)).collect();
        let mut commit = Commit { run_id: run.id.clone(), ..Commit::default() };
        for name in IMPORTED.iter().copied().chain(self.pipeline.order.iter().map(String::as_str)) {
            let Some(written) = snapshot.table(name).await? else { continue };
            let unknown = if lost.is_empty() { unknown_versions(&written, &known) } else { LOOK_BACK };
            if unknown == 0 {
                continue;
            }
            for entry in written.history(unknown).await? {
                let Some(run_id) = entry.info.get("run_id").and_then(Value::as_str) else { continue };
                // A run writes a table once for each source.
                let shard = format!("{run_id}/{name}/{}", entry.version);
                if known.contains(shard.as_str()) {
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
                    "quarantined": codes, "fingerprint": of("fingerprint"), "seed": of("seed"), "peak_memory": of("peak_memory")});
                run.is_at_work(&self.warehouse).await?;
                commit.add.extend(write_rows(table, run, &shard, &[row]).await?);
            }
        }
        // A lost line of a table that is no more cannot be had again.
        let is_had = |shard: &String| commit.add.iter().any(|part| part.shard == *shard);
        commit.remove_shards = lost.iter().filter(|shard| !is_had(shard)).cloned().collect();
        Ok(commit)
    }
}

/// How many of a table's newest versions `runs` may not have. What was entered last is known without a look at the table's log, unless the
/// table has parts of a run that began later: then it was removed, and made again under versions that `runs` has of the one before.
fn unknown_versions(table: &PinnedTable, known: &BTreeSet<&str>) -> usize {
    let of_table = |shard: &&str| -> Option<(u64, String)> {
        let mut parts = shard.rsplitn(3, '/');
        let version = parts.next()?.parse().ok()?;
        (parts.next()? == table.name()).then_some((version, parts.next()?.to_owned()))
    };
    let newest_run = table.parts().iter().map(|part| part.run_id.as_str()).max().unwrap_or_default();
    match known.iter().filter_map(of_table).max() {
        // A table that was just created has no parts and no run.
        None => usize::try_from(table.version()).unwrap_or(LOOK_BACK).min(LOOK_BACK),
        Some((version, run))
            if version <= table.version() && (version < table.version() || run.as_str() >= newest_run) =>
        {
            usize::try_from(table.version() - version).unwrap_or(LOOK_BACK).min(LOOK_BACK)
        }
        Some(_) => LOOK_BACK,
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
