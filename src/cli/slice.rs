//! `slice`: the part of the dataset that somebody needs.

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use clap::Args;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::Expr;
use datafusion::prelude::{DataFrame, ident, lit};

use super::Global;
use super::output::{Format, to_stdout, to_url};
use crate::error::{Error, Result};
use crate::progress::tell_line;

/// Take samples of the dataset by task, relation, format, source or split, as JSON lines on stdout or as a file
///
/// Each filter may be repeated: --relation left --relation right takes both. Filters of different kinds must all hold.
#[derive(Debug, Args)]
pub struct Slice {
    /// position_comparison, size_comparison, existence_estimation, object_counting
    #[arg(long)]
    task: Vec<String>,
    /// left, right, above, below, near, far, wider, thinner, taller, shorter, larger, smaller
    #[arg(long)]
    relation: Vec<String>,
    /// yes_no, choice, open, number
    #[arg(long)]
    answer_form: Vec<String>,
    /// natural, ...: how things are referred to
    #[arg(long)]
    text_format: Vec<String>,
    /// original, ...: what is drawn on the image
    #[arg(long)]
    image_format: Vec<String>,
    /// the name of a [[source]]
    #[arg(long)]
    source: Vec<String>,
    /// train, val or test
    #[arg(long)]
    split: Vec<String>,
    /// At most so many samples
    #[arg(long)]
    limit: Option<usize>,
    /// Write a .parquet or .jsonl file (path, file:// or s3:// URL) instead of stdout
    #[arg(long, value_name = "URL")]
    out: Option<String>,
    /// Print how many samples there are, and nothing else
    #[arg(long, conflicts_with = "out")]
    count: bool,
}

impl Slice {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        let mill = global.mill().await?;
        let dataset = mill
            .warehouse
            .table("dataset")
            .await?
            .ok_or_else(|| Error::input("there is no dataset yet").hint("`spatialmill build` makes it"))?;
        let context = mill.session(&Default::default()).await?;
        let mut rows = context.read_table(dataset.provider())?;
        let filters: [(&str, &Vec<String>); 7] = [
            ("task", &self.task),
            ("relation", &self.relation),
            ("answer_form", &self.answer_form),
            ("text_format", &self.text_format),
            ("image_format", &self.image_format),
            ("source", &self.source),
            ("split", &self.split),
        ];
        for (column, wanted) in filters.into_iter().filter(|(_, wanted)| !wanted.is_empty()) {
            let there = values_of(context.read_table(dataset.provider())?, column).await?;
            if let Some(wrong) = wanted.iter().find(|value| !there.contains(value)) {
                return Err(Error::usage(format!("no sample has the {} `{wrong}`", column.replace('_', " "))).hint(
                    match there.as_slice() {
                        [] => "the dataset is empty; `spatialmill report` says what became of its rows".to_owned(),
                        there => format!("there are: {}", there.join(", ")),
                    },
                ));
            }
            let wanted: Vec<Expr> = wanted.iter().map(|value| lit(value.as_str())).collect();
            rows = rows.filter(ident(column).in_list(wanted, false))?;
        }
        if let Some(limit) = self.limit {
            rows = rows.limit(0, Some(limit))?;
        }
        if self.count {
            return super::out(&format!("{}\n", rows.count().await?));
        }
        let stream = rows.execute_stream().await?;
        let n = match &self.out {
            Some(url) => to_url(stream, url).await?,
            None => to_stdout(stream, Format::Json).await?,
        };
        if n == 0 {
            tell_line(format_args!(
                "no sample has all of this; `spatialmill sql -c \"SELECT task, relation, source, count(*) FROM dataset GROUP BY ALL\"` shows what there is"
            ));
        } else if let Some(url) = &self.out {
            tell_line(format_args!("{n} samples to {url}"));
        }
        Ok(())
    }
}

/// The values of a column of few values, in order.
async fn values_of(rows: DataFrame, column: &str) -> Result<Vec<String>> {
    let rows = rows.select(vec![ident(column)])?.distinct()?.sort(vec![ident(column).sort(true, false)])?;
    let mut values = Vec::new();
    for batch in rows.collect().await? {
        let column = cast(batch.column(0), &DataType::Utf8).map_err(DataFusionError::from)?;
        values.extend(column.as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    Ok(values)
}
