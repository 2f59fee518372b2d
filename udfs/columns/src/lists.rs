//! Lists of structs, one list a row: what is known of all objects of a frame, or of all strata of a dataset.
//!
//! The values of all lists lie in one struct array, so a function works on whole columns and on ranges of their rows.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StructArray, new_null_array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{Result, exec_err};

/// A list of structs for each row.
#[derive(Debug)]
pub struct Lists {
    lists: ListArray,
    /// The structs of all lists, one after the other, and nothing else.
    pub values: StructArray,
}

impl Lists {
    pub fn new(column: &ArrayRef) -> Result<Self> {
        let lists = match column.data_type() {
            DataType::List(_) => column.clone(),
            DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
                cast(column, &DataType::List(item.clone()))?
            }
            // A literal null.
            DataType::Null => {
                new_null_array(&DataType::new_list(DataType::Struct(Fields::empty()), true), column.len())
            }
            other => return exec_err!("a list of structs is needed and not a {other}"),
        };
        let lists = lists.as_list::<i32>().clone();
        // A slice of a column keeps the values of the whole column.
        let (first, last) = (lists.value_offsets()[0] as usize, lists.value_offsets()[lists.len()] as usize);
        let values = lists.values().slice(first, last - first);
        match values.as_struct_opt() {
            Some(values) => Ok(Self { values: values.clone(), lists }),
            // What an empty list in SQL is a list of.
            None if values.is_empty() => Ok(Self { values: StructArray::new_empty_fields(0, None), lists }),
            None => exec_err!("a list of structs is needed and not a list of {}", values.data_type()),
        }
    }

    /// The rows of `values` that each list holds; `None` for a null.
    pub fn ranges(&self) -> impl Iterator<Item = Option<Range<usize>>> + Clone + '_ {
        let offsets = self.lists.value_offsets();
        let first = offsets[0];
        (0..self.lists.len()).map(move |row| {
            self.lists.is_valid(row).then(|| (offsets[row] - first) as usize..(offsets[row + 1] - first) as usize)
        })
    }

    /// How many lists there are.
    pub fn rows(&self) -> usize {
        self.lists.len()
    }

    /// The rows of `values` that one list holds; none for a null.
    pub fn range(&self, row: usize) -> Range<usize> {
        let offsets = self.lists.value_offsets();
        let first = offsets[0];
        if self.lists.is_null(row) {
            0..0
        } else {
            (offsets[row] - first) as usize..(offsets[row + 1] - first) as usize
        }
    }

    pub fn nulls(&self) -> Option<&NullBuffer> {
        self.lists.nulls()
    }
}

/// The type of a list of structs.
pub fn list_type(fields: Fields) -> DataType {
    DataType::List(item(fields))
}

/// Lists of `lengths` structs with these columns, null where `nulls` says so.
pub fn lists_of(
    fields: Fields,
    columns: Vec<ArrayRef>,
    lengths: impl IntoIterator<Item = usize>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef> {
    let rows = columns.first().map_or(0, |column| column.len());
    if i32::try_from(rows).is_err() {
        return exec_err!("{rows} structs do not fit into the lists of one batch; lower `build.batch_size`");
    }
    let values = StructArray::try_new_with_length(fields.clone(), columns, None, rows)?;
    Ok(Arc::new(ListArray::try_new(item(fields), OffsetBuffer::from_lengths(lengths), Arc::new(values), nulls)?))
}

fn item(fields: Fields) -> FieldRef {
    Arc::new(Field::new_list_field(DataType::Struct(fields), true))
}
