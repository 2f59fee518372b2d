//! Hashes of some arguments of each row.
//!
//! They depend on the values alone: not on the row's place, on how Arrow stores a string or how wide an integer is. The hash of
//! what came before is the seed of what comes next, and each part adds its kind, so that ('ab', 'c') and ('a', 'bc') differ, and so
//! do 1, '1', true and null. Columns are hashed one after the other: a row's parts are never put together.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, ListArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::ColumnarValue;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::arguments::{Arguments, text};

/// Hashes the arguments of each row, in order, once for each seed. Constants at their head are hashed once for all rows.
pub fn hash_rows<const SEEDS: usize>(arguments: &Arguments, seeds: [u64; SEEDS]) -> Result<Vec<[u64; SEEDS]>> {
    let values = arguments.values();
    let head = values.iter().take_while(|value| matches!(value, ColumnarValue::Scalar(_))).count();
    let mut constant = [seeds];
    for value in &values[..head] {
        Part::new(value)?.add_to(&mut constant);
    }
    let [constant] = constant;
    let mut hashes = vec![constant; arguments.rows()];
    for value in &values[head..] {
        Part::new(value)?.add_to(&mut hashes);
    }
    Ok(hashes)
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

    /// Adds the value in each row to the hashes of that row.
    fn add_to<const SEEDS: usize>(&self, hashes: &mut [[u64; SEEDS]]) {
        let row_of = |row: usize| if self.is_constant { 0 } else { row };
        let each = hashes.iter_mut().enumerate().map(|(row, hashes)| (row_of(row), hashes));
        match &self.values {
            Values::Null => each.for_each(|(_, hashes)| add(hashes, None)),
            Values::Bool(column) => each.for_each(|(row, hashes)| {
                let value = [u8::from(column.value(row))];
                add(hashes, column.is_valid(row).then_some((BOOL, &value)));
            }),
            Values::Int(column) => each.for_each(|(row, hashes)| {
                let value = column.value(row).to_le_bytes();
                add(hashes, column.is_valid(row).then_some((INT, &value)));
            }),
            Values::Float(column) => each.for_each(|(row, hashes)| {
                let value = canonical(column.value(row)).to_le_bytes();
                add(hashes, column.is_valid(row).then_some((FLOAT, &value)));
            }),
            Values::Text(column) => each.for_each(|(row, hashes)| add_text(hashes, column, row)),
            Values::Texts(lists, items) => each.for_each(|(row, hashes)| {
                let (start, end) = (lists.value_offsets()[row] as usize, lists.value_offsets()[row + 1] as usize);
                let length = ((end - start) as u64).to_le_bytes();
                add(hashes, lists.is_valid(row).then_some((TEXTS, &length)));
                // A null list may hold values; they are no part of it.
                let items_of = if lists.is_valid(row) { start..end } else { 0..0 };
                items_of.for_each(|item| add_text(hashes, items, item));
            }),
        }
    }
}

/// The kinds of parts: numbers with no pattern, so that no kind's seed is another kind's for a likely hash.
const NULL: u64 = 0x9e37_79b9_7f4a_7c15;
const BOOL: u64 = 0xc2b2_ae3d_27d4_eb4f;
const INT: u64 = 0x1656_67b1_9e37_79f9;
const FLOAT: u64 = 0x85eb_ca77_c2b2_ae63;
const TEXT: u64 = 0x27d4_eb2f_1656_67c5;
const TEXTS: u64 = 0xd6e8_feb8_6659_fd93;

/// Adds a part, its kind and its bytes; a null has neither.
#[inline]
fn add<const SEEDS: usize>(hashes: &mut [u64; SEEDS], part: Option<(u64, &[u8])>) {
    let (kind, bytes) = part.unwrap_or((NULL, &[]));
    for hash in hashes {
        *hash = xxh3_64_with_seed(bytes, *hash ^ kind);
    }
}

#[inline]
fn add_text<const SEEDS: usize>(hashes: &mut [u64; SEEDS], column: &StringArray, row: usize) {
    add(hashes, column.is_valid(row).then(|| (TEXT, column.value(row).as_bytes())));
}

/// One zero and one NaN, though floats have several.
fn canonical(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value + 0.0 }
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
}
