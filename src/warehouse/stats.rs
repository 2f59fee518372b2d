//! A part's statistics: collected from its Parquet footer, kept as Delta's JSON in the log, and read back for plans.
//!
//! Only columns of plain numbers, booleans and text at the top level have bounds. Text bounds may be cut short by the Parquet
//! writer; a cut lower bound is still a lower bound, a cut upper bound is rounded up by it, so both remain true.

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int32Type, Int64Type, Schema};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, ScalarValue, Statistics};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::file::metadata::ParquetMetaData;
use serde_json::{Map, Value, json};

/// Delta's statistics of a file just written. Columns in `without_bounds` (long unique text) get none.
pub(super) fn collect(metadata: &ParquetMetaData, schema: &Schema, without_bounds: &[String]) -> String {
    let mut bounds = Bounds::default();
    for field in schema.fields() {
        if is_plain(field.data_type()) && !without_bounds.contains(field.name()) {
            // Statistics only make reading faster: a column whose own cannot be had does without.
            let _ = bounds.add(field.name(), metadata, schema);
        }
    }
    let Bounds { min, max, nulls } = bounds;
    let rows = metadata.file_metadata().num_rows();
    json!({ "numRecords": rows, "minValues": min, "maxValues": max, "nullCount": nulls }).to_string()
}

#[derive(Default)]
struct Bounds {
    min: Map<String, Value>,
    max: Map<String, Value>,
    nulls: Map<String, Value>,
}

impl Bounds {
    fn add(&mut self, column: &str, file: &ParquetMetaData, schema: &Schema) -> parquet::errors::Result<()> {
        let converter = StatisticsConverter::try_new(column, schema, file.file_metadata().schema_descr())?;
        let groups = file.row_groups();
        let nulls = converter.row_group_null_counts(groups)?;
        if nulls.null_count() > 0 {
            return Ok(());
        }
        let nulls = nulls.values();
        self.nulls.insert(column.to_owned(), json!(nulls.iter().sum::<u64>()));
        // A row group may lack bounds only where it has nothing but nulls; a column of NaN lacks them too and gets none here.
        let has_values = |group: usize| nulls[group].cast_signed() < groups[group].num_rows();
        let (mins, maxes) = (converter.row_group_mins(groups)?, converter.row_group_maxes(groups)?);
        if (0..groups.len()).any(|group| has_values(group) && (mins.is_null(group) || maxes.is_null(group))) {
            return Ok(());
        }
        if let (Some(min), Some(max)) = (extreme(&mins, Ordering::Less), extreme(&maxes, Ordering::Greater)) {
            self.min.insert(column.to_owned(), min);
            self.max.insert(column.to_owned(), max);
        }
        Ok(())
    }
}

fn is_plain(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Boolean | DataType::Int32 | DataType::Int64 | DataType::Float32 | DataType::Float64 | DataType::Utf8
    )
}

/// The value that is `wanted` (less or greater) than all others, or `None` when all are null or JSON cannot say it.
fn extreme(values: &ArrayRef, wanted: Ordering) -> Option<Value> {
    fn pick<T: PartialOrd>(values: impl Iterator<Item = Option<T>>, wanted: Ordering) -> Option<T> {
        values.flatten().reduce(|best, value| if value.partial_cmp(&best) == Some(wanted) { value } else { best })
    }
    match values.data_type() {
        DataType::Boolean => pick(values.as_boolean().iter(), wanted).map(Value::from),
        DataType::Int32 => pick(values.as_primitive::<Int32Type>().iter(), wanted).map(Value::from),
        DataType::Int64 => pick(values.as_primitive::<Int64Type>().iter(), wanted).map(Value::from),
        DataType::Float32 => pick(values.as_primitive::<Float32Type>().iter(), wanted)
            .and_then(|x| serde_json::Number::from_f64(x.into()).map(Value::Number)),
        DataType::Float64 => pick(values.as_primitive::<Float64Type>().iter(), wanted)
            .and_then(|x| serde_json::Number::from_f64(x).map(Value::Number)),
        DataType::Utf8 => pick(values.as_string::<i32>().iter(), wanted).map(Value::from),
        _ => None,
    }
}

/// What plans may know of a part: the exact number of rows, and bounds that hold but may not be reached.
///
/// A fraction may be read from JSON a little beside what was written, so that its bounds are widened by a little more: a part that has the very
/// number that is looked for must be read.
pub(super) fn for_plans(stats: &str, rows: u64, bytes: u64, schema: &Schema) -> Statistics {
    let stats: Value = serde_json::from_str(stats).unwrap_or_default();
    let column = |name: &str, data_type: &DataType| {
        let bound = |of: &str, towards: f64| {
            let bound = match (stats.get(of)?.get(name)?, data_type) {
                (value, DataType::Float64) => ScalarValue::from(widened(value.as_f64()?, towards)),
                (value, _) => scalar(value, data_type)?,
            };
            Some(Precision::Inexact(bound))
        };
        let nulls = || usize::try_from(stats.get("nullCount")?.get(name)?.as_u64()?).ok().map(Precision::Exact);
        ColumnStatistics {
            null_count: nulls().unwrap_or(Precision::Absent),
            min_value: bound("minValues", f64::NEG_INFINITY).unwrap_or(Precision::Absent),
            max_value: bound("maxValues", f64::INFINITY).unwrap_or(Precision::Absent),
            ..ColumnStatistics::new_unknown()
        }
    };
    Statistics {
        num_rows: usize::try_from(rows).map_or(Precision::Absent, Precision::Exact),
        total_byte_size: usize::try_from(bytes).map_or(Precision::Absent, Precision::Inexact),
        column_statistics: schema.fields().iter().map(|field| column(field.name(), field.data_type())).collect(),
    }
}

/// Some units in the last place further; serde_json reads two beside at most.
fn widened(mut bound: f64, towards: f64) -> f64 {
    for _ in 0..4 {
        bound = if towards < bound { bound.next_down() } else { bound.next_up() };
    }
    bound
}

fn scalar(value: &Value, data_type: &DataType) -> Option<ScalarValue> {
    #[expect(clippy::cast_possible_truncation, reason = "the number was an f32 before it was written as JSON")]
    let single = |x: f64| x as f32;
    match data_type {
        DataType::Boolean => value.as_bool().map(ScalarValue::from),
        DataType::Int32 => value.as_i64().and_then(|n| i32::try_from(n).ok()).map(ScalarValue::from),
        DataType::Int64 => value.as_i64().map(ScalarValue::from),
        DataType::Float32 => value.as_f64().map(single).map(ScalarValue::from),
        DataType::Utf8 => value.as_str().map(ScalarValue::from),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, Int32Array, RecordBatch, StringArray};
    use parquet::arrow::ArrowWriter;

    use super::*;

    #[test]
    fn bounds_span_the_row_groups() {
        let batch = RecordBatch::try_from_iter_with_nullable([
            ("n", Arc::new(Int32Array::from(vec![Some(5), None, Some(-2)])) as _, true),
            ("x", Arc::new(Float64Array::from(vec![0.5, f64::NAN, 2.5])) as _, false),
            ("s", Arc::new(StringArray::from(vec!["b", "a", "c"])) as _, false),
            ("long", Arc::new(StringArray::from(vec!["b", "a", "c"])) as _, false),
            ("empty", Arc::new(Int32Array::from(vec![None, None, None])) as _, true),
        ])
        .unwrap();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
        for row in 0..3 {
            writer.write(&batch.slice(row, 1)).unwrap();
            writer.flush().unwrap();
        }
        let text = collect(&writer.close().unwrap(), &batch.schema(), &["long".to_owned()]);
        let stats: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(stats["numRecords"], 3);
        assert_eq!(stats["minValues"], json!({ "n": -2, "s": "a" }), "x has a row group of NaN alone");
        assert_eq!(stats["maxValues"], json!({ "n": 5, "s": "c" }));
        assert_eq!(stats["nullCount"], json!({ "n": 1, "x": 0, "s": 0, "empty": 3 }));

        let plans = for_plans(&text, 3, 99, &batch.schema());
        assert_eq!(plans.num_rows, Precision::Exact(3));
        assert_eq!(plans.column_statistics[0].min_value, Precision::Inexact(ScalarValue::from(-2)));
        assert_eq!(plans.column_statistics[0].null_count, Precision::Exact(1));
        assert_eq!(plans.column_statistics[1].min_value, Precision::Absent);
    }

    #[test]
    fn bounds_hold_for_numbers_that_json_reads_beside_themselves() {
        for (x, is_above) in [(0.19327636160092454, true), (0.21035592752722154, false)] {
            let read: f64 = serde_json::from_str(&x.to_string()).unwrap();
            assert_eq!(read > x, is_above, "{x} is read as {read}");
            let batch = RecordBatch::try_from_iter([("x", Arc::new(Float64Array::from(vec![x])) as ArrayRef)]).unwrap();
            let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
            writer.write(&batch).unwrap();
            let plans = for_plans(&collect(&writer.close().unwrap(), &batch.schema(), &[]), 1, 9, &batch.schema());
            let bounds = &plans.column_statistics[0];
            let (min, max) = (bounds.min_value.get_value().unwrap(), bounds.max_value.get_value().unwrap());
            assert!(*min <= ScalarValue::from(x) && ScalarValue::from(x) <= *max, "{x} is in {min} to {max}");
        }
    }
}
