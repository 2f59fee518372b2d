//! Pixel boxes: `STRUCT<x0 DOUBLE, y0 DOUBLE, x1 DOUBLE, y1 DOUBLE>`.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{Result, exec_err};
use spatialmill_geometry::PixelBox;

use crate::record::{Numbers, Record, Shape};

const EDGES: [&str; 4] = ["x0", "y0", "x1", "y1"];

/// What a function needs of an argument that is one.
pub const PIXEL_BOX: Shape =
    Shape::Struct(&[("x0", Shape::Number), ("y0", Shape::Number), ("x1", Shape::Number), ("y1", Shape::Number)]);

/// The fields of the Arrow type.
pub fn pixel_box_fields() -> Fields {
    EDGES.map(|edge| Field::new(edge, DataType::Float64, true)).to_vec().into()
}

/// A column of pixel boxes.
#[derive(Debug)]
pub struct PixelBoxColumn {
    edges: [Numbers; 4],
    nulls: Option<NullBuffer>,
}

impl PixelBoxColumn {
    pub fn of(column: &ArrayRef) -> Result<Self> {
        if column.data_type() == &DataType::Null {
            let nulls = Some(NullBuffer::new_null(column.len()));
            return Ok(Self { edges: EDGES.map(|_| Numbers::nulls(column.len())), nulls });
        }
        let Some(structs) = column.as_struct_opt() else {
            return exec_err!("a box is a struct of x0, y0, x1 and y1 and not a {}", column.data_type());
        };
        let [x0, y0, x1, y1] = EDGES.map(|edge| Record(structs).number(edge));
        Ok(Self { edges: [x0?, y0?, x1?, y1?], nulls: structs.nulls().cloned() })
    }

    /// The box of a row; one without an edge is no place.
    pub fn get(&self, row: usize) -> Option<PixelBox> {
        let is_there = self.nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
        is_there.then(|| self.or_nan(row))
    }

    /// The box of a row whose table has no nulls in this column: an edge that is missing after all is NaN.
    pub fn or_nan(&self, row: usize) -> PixelBox {
        let [x0, y0, x1, y1] = self.edges.each_ref().map(|edge| edge.get(row).unwrap_or(f64::NAN));
        PixelBox { x0, y0, x1, y1 }
    }
}
