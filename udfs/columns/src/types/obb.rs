//! Oriented boxes: `STRUCT<centre STRUCT<x, y, z>, axes DOUBLE[], lengths STRUCT<x, y, z>>`. The nine numbers of `axes` are three unit vectors,
//! one after the other; lengths are full.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, ListArray, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, Float64Type};
use datafusion::common::{Result, exec_err};
use spatialmill_geometry::{BoxError, OrientedBox, Vector3};

use super::vec3::{VEC3, Vec3Column, vec3_array, vec3_fields};
use crate::record::{Record, Shape};

/// What a function needs of an argument that is one.
pub const OBB: Shape = Shape::Struct(&[("centre", VEC3), ("axes", Shape::Numbers), ("lengths", VEC3)]);

/// The fields of the Arrow type.
pub fn obb_fields() -> Fields {
    let vec3 = |name: &str| Field::new(name, DataType::Struct(vec3_fields()), true);
    let axes = Field::new("axes", DataType::new_list(DataType::Float64, true), true);
    vec![vec3("centre"), axes, vec3("lengths")].into()
}

/// Oriented boxes as a column, null where there is none.
pub fn obb_array(boxes: &[Option<OrientedBox>]) -> Result<ArrayRef> {
    let axes = boxes.iter().flat_map(|obb| (0..9).map(move |i| obb.map(|obb| obb.axes[i / 3][i % 3])));
    let lengths = OffsetBuffer::from_lengths(std::iter::repeat_n(9, boxes.len()));
    let item = Arc::new(Field::new_list_field(DataType::Float64, true));
    let axes = ListArray::try_new(item, lengths, Arc::new(Float64Array::from_iter(axes)), None)?;
    let vec3 = |of: fn(OrientedBox) -> Vector3<f64>| vec3_array(boxes.iter().map(move |obb| obb.map(of)));
    let columns: Vec<ArrayRef> = vec![vec3(|obb| obb.centre), Arc::new(axes), vec3(|obb| obb.lengths)];
    let nulls = NullBuffer::from_iter(boxes.iter().map(Option::is_some));
    Ok(Arc::new(StructArray::try_new(obb_fields(), columns, Some(nulls))?))
}

/// A column of oriented boxes.
#[derive(Debug)]
pub struct ObbColumn {
    /// None for a column of nothing but nulls.
    parts: Option<(Vec3Column, ListArray, Float64Array, Vec3Column)>,
    nulls: Option<NullBuffer>,
}

impl ObbColumn {
    pub fn of(column: &ArrayRef) -> Result<Self> {
        if column.data_type() == &DataType::Null {
            return Ok(Self { parts: None, nulls: None });
        }
        let Some(structs) = column.as_struct_opt() else {
            return exec_err!(
                "an oriented box is a struct of centre, axes and lengths and not a {}",
                column.data_type()
            );
        };
        let record = Record(structs);
        let axes = cast(record.field("axes")?, &DataType::new_list(DataType::Float64, true))?;
        let axes = axes.as_list::<i32>().clone();
        let numbers = axes.values().as_primitive::<Float64Type>().clone();
        let (centre, lengths) = (Vec3Column::of(record.field("centre")?)?, Vec3Column::of(record.field("lengths")?)?);
        Ok(Self { parts: Some((centre, axes, numbers, lengths)), nulls: structs.nulls().cloned() })
    }

    /// The box of a row. Axes of another number than nine are no axes.
    pub fn get(&self, row: usize) -> Option<std::result::Result<OrientedBox, BoxError>> {
        let (centre, axes, numbers, lengths) = self.parts.as_ref()?;
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return None;
        }
        let ends = axes.value_offsets();
        let own = if axes.is_null(row) { &[] } else { &numbers.values()[ends[row] as usize..ends[row + 1] as usize] };
        let axes = match *own {
            [a, b, c, d, e, f, g, h, i] => [Vector3::new(a, b, c), Vector3::new(d, e, f), Vector3::new(g, h, i)],
            _ => [Vector3::repeat(f64::NAN); 3],
        };
        Some(OrientedBox { centre: centre.or_nan(row), axes, lengths: lengths.or_nan(row) }.checked())
    }
}
