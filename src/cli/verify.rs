//! `verify`: stored tables against their logs, their checks and their keys.

use clap::Args;

use super::limits::Timeout;
use super::watch::Watch;
use super::{Global, columns, out};
use crate::error::{Error, Result};
use crate::run::verify::Finding;
use crate::suggestion::known;

/// Check logs against `runs`, every part's bytes and rows against its log, and every stage's checks and keys; or an export against its table
///
/// What is damaged is noted in the warehouse: the next `build` makes its shards again.
#[derive(Debug, Args)]
pub struct Verify {
    /// Tables; all when none is given
    tables: Vec<String>,
    /// Read an export by its loader's own rule and compare every record with the version of the dataset that it is of
    #[arg(long, value_name = "URL", conflicts_with = "tables")]
    export: Option<String>,
    #[command(flatten)]
    timeout: Timeout,
}

impl Verify {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        self.timeout.within(self.verified(global)).await
    }

    async fn verified(&self, global: &Global) -> Result<()> {
        let mill = global.mill().await?;
        let _watch = Watch::over(&mill)?;
        if let Some(url) = &self.export {
            let verified = mill.verify_export(url).await?;
            for fault in &verified.faults {
                out(&format!("{fault}\n"))?;
            }
            let (files, samples, images) = (verified.files, verified.samples, verified.images);
            out(&format!("{samples} samples, {files} files, {images} images: {} faults\n", verified.faulty))?;
            return match (verified.faulty, verified.damaged) {
                (0, _) => Ok(()),
                (n, 0) => Err(Error::input(format!("{n} faults")).hint(
                    "its files are as they were written, and are not what the tables of this project say now: the same `export` with --replace writes it anew from them; please report it if that is not what the tables say either",
                )),
                (n, _) => Err(Error::input(format!("{n} faults")).hint(
                    "copy it again from where it is whole, or write it anew by the same `export` with --replace",
                )),
            };
        }
        let names: Vec<&str> = mill.schemas.keys().map(String::as_str).collect();
        self.tables.iter().try_for_each(|table| known("table", table, &names))?;
        let findings = mill.verify(&self.tables).await?;
        let damage = findings.iter().filter(|finding| finding.is_damage).count();
        let row = |finding: Finding| {
            let mark = if finding.is_damage { "DAMAGE" } else { "note" };
            vec![mark.to_owned(), finding.table, finding.text]
        };
        let rows: Vec<Vec<String>> = findings.into_iter().map(row).collect();
        if rows.is_empty() {
            return out("every table is whole\n");
        }
        out(&columns(&["", "table", "finding"], &rows))?;
        match damage {
            0 => Ok(()),
            n => {
                Err(Error::input(format!("{n} findings are damage")).hint(
                    "`spatialmill build` makes again what is missing or damaged, `build --force TABLE` a table whose log was altered; or put the \
                     files back",
                ))
            }
        }
    }
}
