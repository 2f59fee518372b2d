//! Structs of numbers as results: one row each, null where a function says nothing.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::Result;

/// The fields of a struct of numbers.
pub fn number_fields<const N: usize>(names: [&str; N]) -> Fields {
    names.map(|name| Field::new(name, DataType::Float64, true)).to_vec().into()
}

/// Rows with a number for each name.
pub fn number_structs<const N: usize>(names: [&str; N], rows: &[Option<[Option<f64>; N]>]) -> Result<ArrayRef> {
    let column = |k: usize| -> ArrayRef {
        Arc::new(rows.iter().map(|row| row.and_then(|row| row[k])).collect::<Float64Array>())
    };
    let nulls = NullBuffer::from_iter(rows.iter().map(Option::is_some));
    let columns = (0..N).map(column).collect();
    Ok(Arc::new(StructArray::try_new_with_length(number_fields(names), columns, Some(nulls), rows.len())?))
}
