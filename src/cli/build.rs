//! `build`: everything that is stale, up to the dataset.

use clap::Args;

use super::{Global, columns, out};
use crate::error::Result;
use crate::run::build::Built;

/// Import what changed, then make every stale shard of every table up to `dataset`
///
/// Each table changes in one commit, so that readers see whole versions only. A build that is interrupted is taken up by the next one
/// at the shard. Exit code 3: too many rows were quarantined, and nothing of that table was published.
#[derive(Debug, Args)]
pub struct Build {
    /// Stop after this table
    #[arg(long, value_name = "TABLE")]
    until: Option<String>,
    /// Do not look at the sources; build from what is imported
    #[arg(long)]
    no_import: bool,
}

impl Build {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        let mill = global.mill().await?;
        if !self.no_import {
            mill.import(&[]).await?;
        }
        let built = mill.build(self.until.as_deref()).await?;
        out(&summary(&built))
    }
}

/// One line a table, then why rows did not go on.
pub(super) fn summary(built: &[Built]) -> String {
    let rows: Vec<Vec<String>> = built
        .iter()
        .map(|b| {
            let l = &b.ledger;
            let filtered: u64 = l.filtered.values().sum();
            [
                b.table.clone(),
                b.version.to_string(),
                b.made.to_string(),
                b.fresh.to_string(),
                l.rows_in.to_string(),
                l.rows_out.to_string(),
                filtered.to_string(),
                l.quarantined.len().to_string(),
            ]
            .to_vec()
        })
        .collect();
    let heading = ["table", "version", "made", "up to date", "rows in", "rows out", "filtered", "quarantined"];
    let mut text = columns(&heading, &rows);
    for b in built.iter().filter(|b| !b.ledger.filtered.is_empty()) {
        let mut reasons: Vec<(&String, &u64)> = b.ledger.filtered.iter().collect();
        reasons.sort_by(|x, y| y.1.cmp(x.1).then(x.0.cmp(y.0)));
        let reasons: Vec<Vec<String>> = reasons.into_iter().map(|(r, n)| vec![r.clone(), n.to_string()]).collect();
        text += &format!("\n{}", columns(&[&format!("filtered from {}", b.table), "rows"], &reasons));
    }
    text
}
