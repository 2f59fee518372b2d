//! `verify`: stored tables against their logs, their checks and their keys.

use clap::Args;

use super::{Global, columns, out};
use crate::error::{Error, Result};

/// Check every part's bytes and rows against the log, and every stage's checks and keys
#[derive(Debug, Args)]
pub struct Verify {
    /// Tables; all when none is given
    tables: Vec<String>,
}

impl Verify {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        let mill = global.mill().await?;
        let mut rows = Vec::new();
        let mut damage = 0;
        for name in mill.warehouse.tables().await? {
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
