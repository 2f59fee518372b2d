//! Points of a cloud or a mesh: `FLOAT[]`, x, y and z of each in turn, as `surfaces` has vertices.

use arrow::array::ArrayRef;
use datafusion::common::Result;
use spatialmill_geometry::Vector3;

use super::number_lists::NumberLists;

/// A column of lists of points.
#[derive(Debug)]
pub struct PointsColumn(NumberLists);

impl PointsColumn {
    pub fn of(column: &ArrayRef) -> Result<Self> {
        Ok(Self(NumberLists::of(column, "points are a list of numbers, x, y and z of each in turn,")?))
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
        let numbers = self.0.get(row).filter(|numbers| numbers.len().is_multiple_of(3))?;
        Some(
            (0..numbers.len())
                .step_by(3)
                .map(move |n| Vector3::new(numbers.at(n), numbers.at(n + 1), numbers.at(n + 2))),
        )
    }
}

fn is_finite(point: &Vector3<f64>) -> bool {
    point.iter().all(|at| at.is_finite())
}
