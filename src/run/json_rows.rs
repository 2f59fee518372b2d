//! JSON rows: values that serialise by column name, as Arrow batches of a table's schema.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::json::ReaderBuilder;
use serde::Serialize;

use crate::error::{Context, Result};

/// Rows that serialise by column name, as Arrow.
pub(super) fn to_batch(schema: SchemaRef, rows: &[impl Serialize]) -> Result<Option<RecordBatch>> {
    let mut decoder = ReaderBuilder::new(schema)
        .with_batch_size(rows.len().max(1))
        .build_decoder()
        .or_internal(|| "the schema has no JSON reader".into())?;
    decoder.serialize(rows).or_internal(|| "a row does not fit its schema".into())?;
    decoder.flush().or_internal(|| "a row does not fit its schema".into())
}
