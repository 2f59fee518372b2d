//! Lists of structs from Rust rows: the rows that a function gives for each row of its arguments in, one Arrow list column out. And the structs that
//! functions are given.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, RecordBatch, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Schema};
use arrow::json::ReaderBuilder;
use datafusion::error::{DataFusionError, Result};
use serde::Serialize;

use crate::tables::QUARANTINED;

/// The column `quarantined`, for what is [`Unusable`](crate::tables::Unusable).
pub fn quarantined_field() -> Field {
    let lost = vec![Field::new("code", DataType::Utf8, true), Field::new("message", DataType::Utf8, true)];
    Field::new(QUARANTINED, DataType::Struct(lost.into()), true)
}

/// The type of what a function of such lists gives.
pub fn list_type(fields: &Fields) -> DataType {
    DataType::new_list(DataType::Struct(fields.clone()), true)
}

/// The rows of each argument row as a list.
pub fn to_lists<T: Serialize>(fields: &Fields, rows: &[Vec<T>]) -> Result<ArrayRef> {
    let schema = Arc::new(Schema::new(fields.clone()));
    let flat: Vec<&T> = rows.iter().flatten().collect();
    let mut decoder = ReaderBuilder::new(Arc::clone(&schema)).with_batch_size(flat.len().max(1)).build_decoder()?;
    decoder.serialize(&flat)?;
    let batch = decoder.flush()?.unwrap_or_else(|| RecordBatch::new_empty(schema));
    let offsets = OffsetBuffer::from_lengths(rows.iter().map(Vec::len));
    let item = Arc::new(Field::new_list_field(DataType::Struct(fields.clone()), true));
    Ok(Arc::new(ListArray::try_new(item, offsets, Arc::new(StructArray::from(batch)), None)?))
}

/// A column that must hold structs.
pub fn column_of_structs(column: &ArrayRef, name: &str) -> Result<StructArray> {
    match column.as_struct_opt() {
        Some(structs) => Ok(structs.clone()),
        None => Err(DataFusionError::Execution(format!("`{name}` is {}, not a struct", column.data_type()))),
    }
}
