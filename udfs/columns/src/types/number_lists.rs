//! Lists of numbers, `DOUBLE[]` or `FLOAT[]`: what points and poses are read from.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, ListArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, exec_err};

/// A column of lists of numbers; none where the column is nothing but nulls.
#[derive(Debug)]
pub struct NumberLists(Option<(ListArray, Float64Array)>);

impl NumberLists {
    /// `what` says in an error what the column is to hold.
    pub fn of(column: &ArrayRef, what: &str) -> Result<Self> {
        match column.data_type() {
            DataType::Null => Ok(Self(None)),
            DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => {
                let lists = cast(column, &DataType::new_list(DataType::Float64, true))?;
                let lists = lists.as_list::<i32>().clone();
                let numbers = lists.values().as_primitive::<Float64Type>().clone();
                Ok(Self(Some((lists, numbers))))
            }
            other => exec_err!("{what} and not a {other}"),
        }
    }

    /// The numbers of a row; a null number is NaN.
    pub fn get(&self, row: usize) -> Option<Numbers<'_>> {
        let (lists, numbers) = self.0.as_ref().filter(|(lists, _)| lists.is_valid(row))?;
        let ends = lists.value_offsets();
        Some(Numbers { numbers, range: ends[row] as usize..ends[row + 1] as usize })
    }
}

/// The numbers of one row.
pub struct Numbers<'a> {
    numbers: &'a Float64Array,
    range: Range<usize>,
}

impl Numbers<'_> {
    pub fn len(&self) -> usize {
        self.range.len()
    }

    /// The n-th number.
    pub fn at(&self, n: usize) -> f64 {
        let at = self.range.start + n;
        if self.numbers.is_valid(at) { self.numbers.value(at) } else { f64::NAN }
    }
}
