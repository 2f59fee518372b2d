//! `verify`: the files of tables against their logs, logs against `runs`, rows against their stages' checks and keys. Out: findings.
//!
//! A log that was emptied, cut or removed says nothing of what is gone. `runs` does: it has a line for each version of each table,
//! with the time at which it was finished. Only lines that are younger than what the log has now are held against it, because a
//! table that was removed and made again, or a version that was made again after its log was cut, is as it should be.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, lit};
use datafusion::prelude::{ident, not};

use super::run_log::RUNS;
use super::{Mill, iso, read_only};
use crate::error::Result;
use crate::pipeline::IMPORTED;
use crate::progress::tell_line;
use crate::suggestion;
use crate::warehouse::{LogEntry, Table};

/// Something that is not as it should be.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The table.
    pub table: String,
    /// False for what costs only space.
    pub is_damage: bool,
    /// What and where.
    pub text: String,
}

/// The last line that `runs` has of a version.
struct Remembered {
    finished: String,
    run_id: String,
    rows_out: Option<i64>,
}

impl Mill {
    /// Verifies stored tables, all where none is named: logs, then bytes, then rows. What is damaged is noted, so that the next build makes it
    /// again.
    pub async fn verify(&self, names: &[String]) -> Result<Vec<Finding>> {
        let stored = self.warehouse.table_names().await?;
        let made = IMPORTED.iter().copied().chain(self.pipeline.order.iter().map(String::as_str));
        let all: Vec<&str> = stored.iter().map(String::as_str).chain(made).collect();
        names.iter().try_for_each(|name| suggestion::known("table", name, &all))?;
        let is_wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
        let damage = |table: &str, text: String| Finding { table: table.to_owned(), is_damage: true, text };
        let mut findings = Vec::new();
        let mut remembered = self.remembered().await.unwrap_or_else(|error| {
            findings.push(damage(RUNS, error.to_string()));
            BTreeMap::new()
        });
        let known: BTreeSet<&str> =
            stored.iter().chain(self.schemas.keys()).map(String::as_str).filter(|name| is_wanted(name)).collect();
        for name in known {
            let lines = remembered.remove(name).unwrap_or_default();
            match self.warehouse.table(name).await {
                Ok(Some(table)) => {
                    findings.extend(self.verify_versions(&table, &lines).await?);
                    findings.extend(self.verify_table(&table).await?);
                }
                // What another program keeps beside ours is its own.
                Err(_) if !self.schemas.contains_key(name) => {}
                Err(error) => {
                    let hint = error.advice().map(|hint| format!("; {hint}")).unwrap_or_default();
                    findings.push(damage(name, format!("{error}{hint}")));
                }
                Ok(None) if self.warehouse.has_parts(name).await? => {
                    findings.push(damage(name, "there are parts and no log that names them".to_owned()));
                }
                Ok(None) if self.is_made(name) && !lines.is_empty() => {
                    findings.push(damage(name, "`runs` has versions of it, and it is gone".to_owned()));
                }
                Ok(None) => {}
            }
        }
        Ok(findings)
    }

    /// Looks at the bytes of every table and notes what is damaged.
    pub async fn mark_damaged(&self) -> Result<()> {
        for table in self.tables().await? {
            note(&table, &table.verify().await?).await;
        }
        Ok(())
    }

    /// True for a table that an import or a build makes.
    fn is_made(&self, name: &str) -> bool {
        IMPORTED.contains(&name) || self.pipeline.order.iter().any(|stage| stage == name)
    }

    /// What `runs` has of each version of each table.
    async fn remembered(&self) -> Result<BTreeMap<String, BTreeMap<u64, Remembered>>> {
        let mut all: BTreeMap<String, BTreeMap<u64, Remembered>> = BTreeMap::new();
        let Some(runs) = self.warehouse.table(RUNS).await? else { return Ok(all) };
        let rows = self.session_without_tables()?.read_table(runs.provider())?;
        let columns = ["table", "version", "finished", "run_id", "rows_out"];
        for batch in rows.select(columns.map(ident).to_vec())?.collect().await? {
            let as_type = |column: usize, to: &DataType| {
                cast(batch.column(column), to).map_err(datafusion::error::DataFusionError::from)
            };
            let text = [0, 2, 3].map(|column| as_type(column, &DataType::Utf8));
            let [table, finished, run_id] = text;
            let (table, finished, run_id) = (table?, finished?, run_id?);
            let (version, rows_out) = (as_type(1, &DataType::Int64)?, as_type(4, &DataType::Int64)?);
            let (version, rows_out) = (version.as_primitive::<Int64Type>(), rows_out.as_primitive::<Int64Type>());
            let text = |array: &arrow::array::ArrayRef, row: usize| array.as_string::<i32>().value(row).to_owned();
            for row in 0..batch.num_rows() {
                let line = Remembered {
                    finished: text(&finished, row),
                    run_id: text(&run_id, row),
                    rows_out: rows_out.iter().nth(row).flatten(),
                };
                let versions = all.entry(text(&table, row)).or_default();
                let version = version.value(row).unsigned_abs();
                if versions.get(&version).is_none_or(|before| before.finished < line.finished) {
                    versions.insert(version, line);
                }
            }
        }
        Ok(all)
    }

    async fn verify_versions(&self, table: &Table, lines: &BTreeMap<u64, Remembered>) -> Result<Vec<Finding>> {
        let entries: BTreeMap<u64, LogEntry> =
            table.history(usize::MAX).await?.into_iter().map(|entry| (entry.version, entry)).collect();
        let newest = entries.values().next_back().map(|entry| time_of(&iso(entry.at)).to_owned()).unwrap_or_default();
        let added: BTreeMap<&str, u64> =
            entries.values().flat_map(|entry| entry.added.iter().map(|path| (path.as_str(), entry.version))).collect();
        // What the table has now is of this version or a newer one.
        let oldest = table.parts().iter().map(|part| added.get(part.path.as_str()).copied().unwrap_or_default()).min();
        let mut findings = Vec::new();
        let mut found = |version: u64, text: String| {
            let is_past = oldest.is_some_and(|oldest| version < oldest);
            let since = if is_past { "; all that the table has was made since" } else { "" };
            findings.push(Finding {
                table: table.name().to_owned(),
                is_damage: !is_past,
                text: format!("{text}{since}"),
            });
        };
        for (version, line) in lines {
            let finished = time_of(&line.finished);
            let run = &line.run_id;
            match entries.get(version) {
                None if *version > table.version() && finished > newest.as_str() => {
                    let end = table.version();
                    found(*version, format!("`runs` has version {version} of run {run}, and the log ends at {end}"));
                }
                None => {}
                Some(entry) if finished < time_of(&iso(entry.at)) => {}
                Some(entry) => {
                    let of = |field: &str| entry.info.get(field);
                    if of("run_id").and_then(|id| id.as_str()) != Some(run) {
                        found(
                            *version,
                            format!("`runs` says that run {run} made version {version}, and the log does not"),
                        );
                    } else if let (Some(said), Some(logged)) = (line.rows_out, of("rows_out").and_then(|n| n.as_i64()))
                        && said != logged
                    {
                        found(*version, format!("`runs` says {said} rows of version {version}, and the log {logged}"));
                    }
                }
            }
        }
        Ok(findings)
    }

    async fn verify_table(&self, table: &Table) -> Result<Vec<Finding>> {
        let name = table.name();
        let stored = table.verify().await?;
        note(table, &stored).await;
        let finding = |is_damage, text| Finding { table: name.to_owned(), is_damage, text };
        let mut findings: Vec<Finding> =
            stored.into_iter().map(|found| finding(found.is_damage(), found.to_string())).collect();
        if findings.iter().any(|finding| finding.is_damage) {
            // Rows of damaged files say nothing.
            return Ok(findings);
        }
        let Some(stage) = self.pipeline.stages.get(name) else { return Ok(findings) };
        // Without the other tables, which may be what is damaged.
        let context = self.session_without_tables()?;
        context.register_table(name, table.provider())?;
        for check in &stage.checks {
            let rows = context.table(name).await?;
            let broken = rows.clone().filter(not(rows.parse_sql_expr(&read_only::predicate(check)?)?))?.count().await?;
            if broken > 0 {
                findings.push(finding(true, format!("{broken} rows break the check `{check}`")));
            }
        }
        if !stage.keys.is_empty() {
            let keys: Vec<Expr> = stage.keys.iter().map(ident).collect();
            let twice = context
                .table(name)
                .await?
                .aggregate(keys, vec![count(lit(1)).alias("n")])?
                .filter(ident("n").gt(lit(1)))?
                .count()
                .await?;
            if twice > 0 {
                let text = format!("{twice} keys ({}) have more than one row", stage.keys.join(", "));
                findings.push(finding(true, text));
            }
        }
        Ok(findings)
    }
}

/// Leaves word of what is damaged for the next build.
async fn note(table: &Table, found: &[crate::warehouse::Discrepancy]) {
    let lost = found.iter().filter_map(|finding| finding.lost_part().map(str::to_owned)).collect();
    if let Err(error) = table.mark_damaged(lost).await {
        // A warehouse that may only be read can be verified, too.
        tell_line(format_args!("what is damaged could not be noted for the next build: {error}"));
    }
}

/// To the millisecond, however a time is written behind it.
fn time_of(text: &str) -> &str {
    text.get(..23).unwrap_or(text)
}
