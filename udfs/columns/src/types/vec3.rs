//! Points and vectors: `STRUCT<x DOUBLE, y DOUBLE, z DOUBLE>`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{Result, exec_err};
use spatialmill_geometry::Vector3;

use crate::record::{Numbers, Record, Shape};

/// What a function needs of an argument that is one.
pub const VEC3: Shape = Shape::Struct(&[("x", Shape::Number), ("y", Shape::Number), ("z", Shape::Number)]);

/// The fields of the Arrow type.
pub fn vec3_fields() -> Fields {
    ["x", "y", "z"].map(|axis| Field::new(axis, DataType::Float64, true)).to_vec().into()
}

/// Points as a column, null where there is none.
pub fn vec3_array(vectors: impl Iterator<Item = Option<Vector3<f64>>> + Clone) -> ArrayRef {
    let axis =
        |k: usize| -> ArrayRef { Arc::new(vectors.clone().map(|vector| Some(vector?[k])).collect::<Float64Array>()) };
    let nulls = NullBuffer::from_iter(vectors.clone().map(|vector| vector.is_some()));
    Arc::new(StructArray::new(vec3_fields(), vec![axis(0), axis(1), axis(2)], Some(nulls)))
}

/// A column of points or vectors.
#[derive(Debug)]
pub struct Vec3Column {
    axes: [Numbers; 3],
    nulls: Option<NullBuffer>,
}

impl Vec3Column {
    pub fn of(column: &ArrayRef) -> Result<Self> {
        let rows = column.len();
        if column.data_type() == &DataType::Null {
            let axes = [Numbers::nulls(rows), Numbers::nulls(rows), Numbers::nulls(rows)];
            return Ok(Self { axes, nulls: Some(NullBuffer::new_null(rows)) });
        }
        let Some(structs) = column.as_struct_opt() else {
            return exec_err!("a point is a struct of x, y and z and not a {}", column.data_type());
        };
        let record = Record(structs);
        let axes = [record.number("x")?, record.number("y")?, record.number("z")?];
        Ok(Self { axes, nulls: structs.nulls().cloned() })
    }

    /// The vector of a row; a part of it that is missing is NaN.
    pub fn get(&self, row: usize) -> Option<Vector3<f64>> {
        let is_there = self.nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
        is_there.then(|| self.or_nan(row))
    }

    /// The vector of a row, NaN where it is missing.
    pub fn or_nan(&self, row: usize) -> Vector3<f64> {
        self.axes.each_ref().map(|axis| axis.get(row).unwrap_or(f64::NAN)).into()
    }
}
