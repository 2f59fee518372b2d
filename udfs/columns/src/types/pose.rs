//! Poses: `DOUBLE[]` of 16 numbers, a 4x4 matrix row by row.

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, ListArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, exec_err};
use spatialmill_geometry::{PoseError, Rigid};
use thiserror::Error;

/// Why a row holds no pose.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum InvalidPose {
    #[error("a pose has 16 numbers, not {0}")]
    Numbers(usize),
    #[error(transparent)]
    Motion(#[from] PoseError),
}

/// A column of poses.
#[derive(Debug)]
pub struct PoseColumn(Option<(ListArray, Float64Array)>);

impl PoseColumn {
    pub fn of(column: &ArrayRef) -> Result<Self> {
        match column.data_type() {
            DataType::Null => Ok(Self(None)),
            DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => {
                let lists = cast(column, &DataType::new_list(DataType::Float64, true))?;
                let lists = lists.as_list::<i32>().clone();
                let numbers = lists.values().as_primitive::<Float64Type>().clone();
                Ok(Self(Some((lists, numbers))))
            }
            other => exec_err!("a pose is a list of 16 numbers and not a {other}"),
        }
    }

    /// The pose of a row.
    pub fn get(&self, row: usize) -> Option<std::result::Result<Rigid, InvalidPose>> {
        let (lists, numbers) = self.0.as_ref()?;
        if lists.is_null(row) {
            return None;
        }
        let ends = lists.value_offsets();
        let own = &numbers.values()[ends[row] as usize..ends[row + 1] as usize];
        Some(match <&[f64; 16]>::try_from(own) {
            Ok(matrix) => Rigid::from_row_major(matrix).map_err(InvalidPose::from),
            Err(_) => Err(InvalidPose::Numbers(own.len())),
        })
    }
}
