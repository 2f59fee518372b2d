//! `status`: what the warehouse holds.

use std::collections::BTreeMap;

use clap::Args;
use datafusion::prelude::ident;

use super::output::{OutputFormat, to_stdout};
use super::{Global, columns, out};
use crate::error::Result;

/// Print each table's version, shards, rows and bytes, and the latest runs
#[derive(Debug, Args)]
pub struct Status {}

impl Status {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        let mill = global.mill().await?;
        let mut rows = Vec::new();
        let (tables, unreadable) = mill.readable_tables().await?;
        for table in tables {
            let bytes: u64 = table.parts().iter().map(|part| part.bytes).sum();
            rows.push(vec![
                table.name().to_owned(),
                table.version().to_string(),
                table.shards().len().to_string(),
                table.parts().len().to_string(),
                table.rows().to_string(),
                readable(bytes),
            ]);
        }
        let heading = ["table", "version", "shards", "parts", "rows", "size"];
        out(&format!("warehouse {}\n\n{}", mill.warehouse.location(), columns(&heading, &rows)))?;
        if let Some(unreadable) = unreadable {
            return Err(unreadable);
        }
        let Some(runs) = mill.warehouse.table("runs").await? else { return Ok(()) };
        let latest = mill
            .session(&BTreeMap::new())
            .await?
            .read_table(runs.provider())?
            .select_columns(&["finished", "table", "version", "rows_in", "rows_out", "seed", "run_id"])?
            .sort(vec![ident("finished").sort(false, false)])?
            .limit(0, Some(LATEST_RUNS))?;
        out("\nlatest runs\n")?;
        to_stdout(latest.execute_stream().await?, OutputFormat::Table).await?;
        Ok(())
    }
}

/// About two builds.
const LATEST_RUNS: usize = 16;

/// Bytes with a unit that keeps the number short.
fn readable(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_have_units() {
        assert_eq!(super::readable(512), "512 B");
        assert_eq!(super::readable(1536), "1.5 KiB");
        assert_eq!(super::readable(3 << 40), "3.0 TiB");
    }
}
