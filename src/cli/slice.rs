//! `slice`: the part of the dataset that somebody needs.

use clap::Args;
use datafusion::prelude::{ident, lit};

use super::limits::Limits;
use super::output::{OutputFormat, to_stdout, to_url};
use super::watch::Watch;
use super::{Global, columns, out};
use crate::error::Result;
use crate::progress::tell_line;
use crate::slice::{Selection, slices};
use crate::suggestion;

/// Take samples of the dataset by task, relation, format, source, licence or a SQL predicate, as JSON lines on stdout or as a file
///
/// Each filter may be repeated: --relation left --relation right takes both. Filters of different kinds must all hold.
#[derive(Debug, Args)]
pub struct Slice {
    #[command(flatten)]
    selection: Selection,
    /// At most so many samples
    #[arg(long)]
    limit: Option<usize>,
    /// Write a .parquet or .jsonl file (path, file:// or s3:// URL) instead of stdout
    #[arg(long, value_name = "URL")]
    out: Option<String>,
    /// Print how many samples there are, and nothing else
    #[arg(long, conflicts_with = "out")]
    count: bool,
    /// Print how many samples there are of each value of these columns: --by task,image_format
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', conflicts_with_all = ["out", "count"])]
    by: Vec<String>,
    /// Name the slices of queries/slices/, for --named
    #[arg(long, exclusive = true)]
    list: bool,
    #[command(flatten)]
    limits: Limits,
}

impl Slice {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        if self.list {
            let project = global.project()?;
            let rows: Vec<Vec<String>> =
                slices(&project).into_iter().map(|(name, doc)| vec![name.to_owned(), doc.to_owned()]).collect();
            return out(&columns(&["slice", "what it is"], &rows));
        }
        let limits = self.limits;
        limits.within(self.take(global)).await
    }

    async fn take(self, global: &Global) -> Result<()> {
        let mill = global.mill().await?;
        let _watch = Watch::over(&mill)?;
        let mut rows = self.selection.rows(&mill, None).await?.rows;
        if !self.by.is_empty() {
            let known: Vec<&str> = rows.schema().fields().iter().map(|field| field.name().as_str()).collect();
            self.by.iter().try_for_each(|column| suggestion::known("column", column.trim(), &known))?;
            let n = datafusion::functions_aggregate::expr_fn::count(lit(1)).alias("samples");
            let by = || self.by.iter().map(|column| ident(column.trim())).collect::<Vec<_>>();
            let counted = rows.aggregate(by(), vec![n])?;
            let counted = counted.sort(by().into_iter().map(|column| column.sort(true, false)).collect())?;
            return to_stdout(self.limits.rows(counted.execute_stream().await?), OutputFormat::Table).await.map(drop);
        }
        if let Some(limit) = self.limit {
            rows = rows.limit(0, Some(limit))?;
        }
        if self.count {
            return out(&format!("{}\n", rows.count().await?));
        }
        let stream = self.limits.rows(rows.execute_stream().await?);
        let n = match &self.out {
            Some(url) => to_url(stream, url).await?,
            None => to_stdout(stream, OutputFormat::Json).await?,
        };
        if n == 0 {
            tell_line(format_args!(
                "no sample has all of this; `spatialmill slice --by task,relation,source` shows what there is"
            ));
        } else if let Some(url) = &self.out {
            tell_line(format_args!("{n} samples to {url}"));
        }
        Ok(())
    }
}
