//! `report`: the dataset as a page.

use std::path::PathBuf;

use clap::Args;

use super::Global;
use crate::error::Result;

/// Write one self-contained HTML page: counts against targets, answer balance, margins, depth, quarantine and a gallery
#[derive(Debug, Args)]
pub struct Report {
    /// Where to
    #[arg(long, default_value = "report.html", value_name = "FILE")]
    out: PathBuf,
}

impl Report {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        let mill = global.mill().await?;
        mill.report(&self.out).await?;
        eprintln!("wrote {}", self.out.display());
        Ok(())
    }
}
