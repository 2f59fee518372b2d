//! `report`: the dataset as a page.

use std::path::PathBuf;

use clap::Args;

use super::Global;
use crate::error::Result;
use crate::progress::tell_line;

/// Write one self-contained HTML page: counts against targets, answer balance, margins, depth, quarantine and a gallery
#[derive(Debug, Args)]
pub struct Report {
    /// Where to; report.html in the project's folder unless given
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Report {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        let mill = global.mill().await?;
        let out = self.out.unwrap_or_else(|| global.project.join("report.html"));
        mill.report(&out).await?;
        tell_line(format_args!("wrote {}", out.display()));
        Ok(())
    }
}
