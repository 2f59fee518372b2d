//! Counts of an export: how many of its samples each value of a column has, for its card and its manifest. In: rows of `dataset`, and later the
//! samples that are left out. Out: counts by column and value.

use std::collections::BTreeMap;

use datafusion::functions_aggregate::expr_fn::count;
use datafusion::prelude::{DataFrame, ident, lit};
use serde_json::{Map, Value};

use crate::error::Result;
use crate::tables::{Sample, from_arrow};

/// How many samples each value of a column has, by column.
pub type ExportCounts = BTreeMap<&'static str, BTreeMap<String, u64>>;

/// What a null counts as.
const UNKNOWN: &str = "unknown";

/// Takes samples out of the counts that are not exported after all.
pub fn uncount(counts: &mut ExportCounts, samples: &[Sample]) {
    for sample in samples {
        for (column, values) in counts.iter_mut() {
            let value = match *column {
                "source" => Some(&sample.source),
                "licence" => sample.licence.as_ref(),
                "split" => sample.split.as_ref(),
                "task" => Some(&sample.task),
                "relation" => Some(&sample.relation),
                "answer_form" => Some(&sample.answer_form),
                "text_format" => Some(&sample.text_format),
                _ => Some(&sample.image_format),
            };
            if let Some(n) = values.get_mut(value.map_or(UNKNOWN, String::as_str)) {
                *n -= 1;
            }
        }
    }
    counts.values_mut().for_each(|values| values.retain(|_, n| *n > 0));
}

/// How many samples each value of the columns of few values has.
pub async fn counts(rows: &DataFrame) -> Result<ExportCounts> {
    let columns = ["source", "licence", "split", "task", "relation", "answer_form", "text_format", "image_format"];
    let mut counts = ExportCounts::new();
    let grouped =
        rows.clone().aggregate(columns.map(ident).to_vec(), vec![count(lit(1)).alias("n")])?.collect().await?;
    for batch in &grouped {
        for row in from_arrow::rows::<Map<String, Value>>(batch)? {
            let n = row.get("n").and_then(Value::as_u64).unwrap_or_default();
            for name in columns {
                let value = row.get(name).and_then(Value::as_str).unwrap_or(UNKNOWN);
                *counts.entry(name).or_default().entry(value.to_owned()).or_default() += n;
            }
        }
    }
    Ok(counts)
}
