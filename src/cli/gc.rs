//! `gc`: files that no kept version needs.

use std::time::Duration;

use clap::Args;

use super::limits::duration;
use super::{Global, columns, out};
use crate::error::Result;
use crate::warehouse::Retention;

/// Delete parts and staging records that no kept version refers to, once they are older than a grace period
///
/// What a build that is running wrote or took over stays whatever the grace; what one left behind that died counts as running for five
/// minutes. A build whose parts are taken away all the same makes them again.
#[derive(Debug, Args)]
pub struct Gc {
    /// How old a file must be: 90m, 24h, 7d
    #[arg(long, default_value = "24h", value_parser = duration)]
    grace: Duration,
    /// How many versions of each table stay readable
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    keep_versions: u64,
    /// Say what would be deleted, and delete nothing
    #[arg(long)]
    dry_run: bool,
}

impl Gc {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        let mill = global.mill().await?;
        let retention = Retention { versions: self.keep_versions, grace: self.grace };
        let mut rows = Vec::new();
        let (tables, unreadable) = mill.readable_tables().await?;
        // What other programs keep beside our tables is theirs.
        for table in tables.iter().filter(|table| mill.schemas.contains_key(table.name())) {
            let found = if self.dry_run {
                mill.warehouse.preview_garbage(table, retention).await?
            } else {
                mill.warehouse.collect_garbage(table, retention).await?
            };
            let counts = [found.files, found.bytes, found.staging_files].map(|count| count.to_string());
            rows.push([vec![table.name().to_owned()], counts.to_vec()].concat());
        }
        let files = if self.dry_run { "files to delete" } else { "files deleted" };
        out(&columns(&["table", files, "bytes", "staging files"], &rows))?;
        unreadable.map_or(Ok(()), Err)
    }
}
