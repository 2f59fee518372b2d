//! Points of a cloud or a mesh: `FLOAT[]`, x, y and z of each in turn, as `surfaces` has vertices.

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, ListArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, exec_err};
use spatialmill_geometry::Vector3;

/// A column of lists of points.
#[derive(Debug)]
pub struct PointsColumn(Option<(ListArray, Float64Array)>);

impl PointsColumn {
    pub fn of(column: &ArrayRef) -> Result<Self> {
        match column.data_type() {
            DataType::Null => Ok(Self(None)),
            DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => {
                let lists = cast(column, &DataType::new_list(DataType::Float64, true))?;
                let lists = lists.as_list::<i32>().clone();
                let numbers = lists.values().as_primitive::<Float64Type>().clone();
                Ok(Self(Some((lists, numbers))))
            }
            other => exec_err!("points are a list of numbers, x, y and z of each in turn, and not a {other}"),
        }
    }

    /// The finite points of a row: scans write NaN where they know nothing. None where three does not divide how many numbers there are.
    pub fn get(&self, row: usize) -> Option<Vec<Vector3<f64>>> {
        Some(self.each(row)?.filter(is_finite).collect())
    }

    /// All points of a row, as long as each of them is finite.
    pub fn all_finite(&self, row: usize) -> Option<Vec<Vector3<f64>>> {
        self.each(row)?.map(|point| is_finite(&point).then_some(point)).collect()
    }

    /// All points of a row, for those that count them: an index into a mesh's vertices goes past those that are not finite.
    pub fn every(&self, row: usize) -> Option<Vec<Vector3<f64>>> {
        Some(self.each(row)?.collect())
    }

    fn each(&self, row: usize) -> Option<impl Iterator<Item = Vector3<f64>>> {
        let (lists, numbers) = self.0.as_ref()?;
        let ends = lists.value_offsets();
        let (start, end) = (ends[row] as usize, ends[row + 1] as usize);
        if lists.is_null(row) || (end - start) % 3 != 0 {
            return None;
        }
        let number = |i: usize| if numbers.is_valid(i) { numbers.value(i) } else { f64::NAN };
        Some((start..end).step_by(3).map(move |i| Vector3::new(number(i), number(i + 1), number(i + 2))))
    }
}

fn is_finite(point: &Vector3<f64>) -> bool {
    point.iter().all(|at| at.is_finite())
}
