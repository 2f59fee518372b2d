//! The bytes that stand for some arguments of a row, to be hashed.
//!
//! They depend on the values alone: not on the row's place, on how Arrow stores a string or how wide an integer is. Each
//! part says its kind and its length, so that ('ab', 'c') and ('a', 'bc') differ, and so do 1, '1', true and null.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, ListArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::ColumnarValue;

use crate::arguments::{Arguments, text};

/// Hashes the arguments of each row, in order. One buffer serves all rows; constants at its head are written once.
pub fn hash_rows<T>(arguments: &Arguments, mut hash: impl FnMut(&[u8]) -> T) -> Result<Vec<T>> {
    let (values, mut key) = (arguments.values(), Vec::with_capacity(128));
    let head = values.iter().take_while(|value| matches!(value, ColumnarValue::Scalar(_))).count();
    for value in &values[..head] {
        Part::new(value)?.write(0, &mut key);
    }
    let parts = values[head..].iter().map(Part::new).collect::<Result<Vec<_>>>()?;
    let constant = key.len();
    Ok((0..arguments.rows())
        .map(|row| {
            key.truncate(constant);
            parts.iter().for_each(|part| part.write(row, &mut key));
            hash(&key)
        })
        .collect())
}

/// Whether values of these types can be hashed.
pub fn check_types(function: &str, types: &[DataType]) -> Result<()> {
    match types.iter().find(|kind| Stored::of(kind).is_none()) {
        Some(kind) => plan_err!("`{function}` cannot hash a {kind}; cast it to VARCHAR"),
        None => Ok(()),
    }
}

/// One argument, constant or not.
struct Part {
    values: Values,
    /// A constant has one row, which stands for all.
    is_constant: bool,
}

enum Values {
    Null,
    Bool(BooleanArray),
    Int(Int64Array),
    Float(Float64Array),
    Text(StringArray),
    Texts(ListArray, StringArray),
}

/// What a type is hashed as.
enum Stored {
    Null,
    Bool,
    Int,
    Float,
    Text,
    Texts,
}

impl Stored {
    fn of(kind: &DataType) -> Option<Self> {
        Some(match kind {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Bool,
            kind if kind.is_integer() => Self::Int,
            DataType::Float32 | DataType::Float64 => Self::Float,
            kind if is_text(kind) => Self::Text,
            DataType::List(item) | DataType::LargeList(item) if is_text(item.data_type()) => Self::Texts,
            _ => return None,
        })
    }
}

fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, value) => is_text(value),
        _ => false,
    }
}

impl Part {
    fn new(value: &ColumnarValue) -> Result<Self> {
        let (column, is_constant) = match value {
            ColumnarValue::Array(column) => (column.clone(), false),
            ColumnarValue::Scalar(constant) => (ScalarValue::to_array(constant)?, true),
        };
        Ok(Self { values: Values::new(&column)?, is_constant })
    }

    fn write(&self, row: usize, key: &mut Vec<u8>) {
        self.values.write(if self.is_constant { 0 } else { row }, key);
    }
}

impl Values {
    fn new(column: &ArrayRef) -> Result<Self> {
        Ok(match Stored::of(column.data_type()) {
            Some(Stored::Null) => Self::Null,
            Some(Stored::Bool) => Self::Bool(column.as_boolean().clone()),
            Some(Stored::Int) => Self::Int(cast(column, &DataType::Int64)?.as_primitive::<Int64Type>().clone()),
            Some(Stored::Float) => Self::Float(cast(column, &DataType::Float64)?.as_primitive::<Float64Type>().clone()),
            Some(Stored::Text) => Self::Text(text(column)?),
            Some(Stored::Texts) => {
                let lists = cast(column, &DataType::new_list(DataType::Utf8, true))?;
                let lists = lists.as_list::<i32>().clone();
                let items = text(lists.values())?;
                Self::Texts(lists, items)
            }
            None => return plan_err!("cannot hash a {}; cast it to VARCHAR", column.data_type()),
        })
    }

    fn write(&self, row: usize, key: &mut Vec<u8>) {
        match self {
            Self::Bool(column) if column.is_valid(row) => key.extend([1, u8::from(column.value(row))]),
            Self::Int(column) if column.is_valid(row) => {
                key.push(2);
                key.extend(column.value(row).to_le_bytes());
            }
            Self::Float(column) if column.is_valid(row) => {
                key.push(3);
                // One zero and one NaN, though floats have several.
                let value = column.value(row);
                let value = if value.is_nan() { f64::NAN } else { value + 0.0 };
                key.extend(value.to_le_bytes());
            }
            Self::Text(column) => write_text(column, row, key),
            Self::Texts(lists, items) if lists.is_valid(row) => {
                let (start, end) = (lists.value_offsets()[row] as usize, lists.value_offsets()[row + 1] as usize);
                key.push(5);
                key.extend(((end - start) as u32).to_le_bytes());
                (start..end).for_each(|item| write_text(items, item, key));
            }
            _ => key.push(0),
        }
    }
}

fn write_text(column: &StringArray, row: usize, key: &mut Vec<u8>) {
    if column.is_valid(row) {
        let text = column.value(row);
        key.push(4);
        key.extend((text.len() as u32).to_le_bytes());
        key.extend(text.as_bytes());
    } else {
        key.push(0);
    }
}
