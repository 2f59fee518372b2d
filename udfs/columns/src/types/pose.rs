//! Poses: `DOUBLE[]` of 16 numbers, a 4x4 matrix row by row.

use std::array;

use arrow::array::ArrayRef;
use datafusion::common::Result;
use spatialmill_geometry::{PoseError, Rigid};
use thiserror::Error;

use super::number_lists::NumberLists;

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
pub struct PoseColumn(NumberLists);

impl PoseColumn {
    pub fn of(column: &ArrayRef) -> Result<Self> {
        Ok(Self(NumberLists::of(column, "a pose is a list of 16 numbers")?))
    }

    /// The pose of a row.
    pub fn get(&self, row: usize) -> Option<std::result::Result<Rigid, InvalidPose>> {
        let numbers = self.0.get(row)?;
        Some(match numbers.len() {
            16 => Rigid::from_row_major(&array::from_fn(|n| numbers.at(n))).map_err(InvalidPose::from),
            other => Err(InvalidPose::Numbers(other)),
        })
    }
}
