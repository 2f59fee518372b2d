//! `verify`: stored tables against their logs, their checks and their keys.

use clap::Args;

use super::{Global, columns, out};
use crate::error::{Error, Result};
use crate::suggestion::known;

/// Check every part's bytes and rows against the log, and every stage's checks and keys; or an export against its table
#[derive(Debug, Args)]
pub struct Verify {
    /// Tables; all when none is given
    tables: Vec<String>,
    /// Read an export by its loader's own rule and compare every record with the version of the dataset that it is of
    #[arg(long, value_name = "URL", conflicts_with = "tables")]
    export: Option<String>,
}

impl Verify {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        let mill = global.mill().await?;
        if let Some(url) = &self.export {
            let verified = mill.verify_export(url).await?;
            for fault in &verified.faults {
                out(&format!("{fault}\n"))?;
            }
            let (files, samples, images) = (verified.files, verified.samples, verified.images);
            out(&format!("{samples} samples, {files} files, {images} images: {} faults\n", verified.faulty))?;
            return match verified.faulty {
                0 => Ok(()),
                n => Err(Error::input(format!("{n} faults")).hint("export it again with --replace")),
            };
        }
        let mut rows = Vec::new();
        let mut damage = 0;
        let stored = mill.warehouse.tables().await?;
        self.tables.iter().try_for_each(|table| known("table", table, &stored))?;
        for name in stored {
            if !self.tables.is_empty() && !self.tables.contains(&name) {
                continue;
            }
            for finding in mill.verify(&name).await? {
                damage += usize::from(finding.is_damage);
                let mark = if finding.is_damage { "DAMAGE" } else { "note" };
                rows.push(vec![mark.to_owned(), name.clone(), finding.text]);
            }
        }
        if rows.is_empty() {
            return out("every table is whole\n");
        }
        out(&columns(&["", "table", "finding"], &rows))?;
        match damage {
            0 => Ok(()),
            n => {
                Err(Error::input(format!("{n} findings are damage"))
                    .hint("rebuild the shards named, or restore the files"))
            }
        }
    }
}
