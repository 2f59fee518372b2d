//! The arguments of one call, constant or a column each.

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::ColumnarValue;

/// What a function is called with.
#[derive(Debug)]
pub struct Arguments<'a> {
    function: &'static str,
    values: &'a [ColumnarValue],
    rows: usize,
}

impl<'a> Arguments<'a> {
    pub fn new(function: &'static str, values: &'a [ColumnarValue], rows: usize) -> Self {
        Self { function, values, rows }
    }

    /// How many answers are wanted.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// All of them, as they came.
    pub fn values(&self) -> &'a [ColumnarValue] {
        self.values
    }

    /// The one at `i` as a column with a value for each row.
    pub fn column(&self, i: usize) -> Result<ArrayRef> {
        match self.values.get(i) {
            Some(value) => value.to_array(self.rows),
            None => exec_err!("`{}` misses its argument {}", self.function, i + 1),
        }
    }

    /// All of them, as columns.
    pub fn columns(&self) -> Result<Vec<ArrayRef>> {
        self.values.iter().map(|value| value.to_array(self.rows)).collect()
    }

    /// The one at `i`, which must be the same text in all rows.
    pub fn constant_text(&self, i: usize) -> Result<Option<&'a str>> {
        match self.values.get(i) {
            Some(ColumnarValue::Scalar(value)) if value.is_null() => Ok(None),
            Some(ColumnarValue::Scalar(value)) if value.try_as_str().is_some() => Ok(value.try_as_str().flatten()),
            _ => exec_err!("`{}` needs a text that is the same for all rows as its argument {}", self.function, i + 1),
        }
    }

    /// The one at `i` as plain strings, whichever way Arrow stores them.
    pub fn text(&self, i: usize) -> Result<StringArray> {
        text(&self.column(i)?)
    }
}

/// `column` as plain strings, without a copy where it is stored as such.
pub fn text(column: &ArrayRef) -> Result<StringArray> {
    let plain = if column.data_type() == &DataType::Utf8 { column.clone() } else { cast(column, &DataType::Utf8)? };
    Ok(plain.as_string::<i32>().clone())
}
