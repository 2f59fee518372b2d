//! `box_corners(obb)`: the eight corners of an oriented box.

use arrow::array::{ArrayRef, AsArray};
use arrow::buffer::NullBuffer;
use datafusion::common::{Result, plan_err};
use spatialmill_geometry::Vector3;

use crate::lists::{list_type, lists_of};
use crate::types::{OBB, ObbColumn, vec3_array, vec3_fields};
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const BOX_CORNERS: Function = Function {
    doc: FunctionDoc {
        name: "box_corners",
        signature: "box_corners(obb)",
        summary: "the eight corners (x, y, z) of an oriented box",
        details: "\
`obb` is (centre, axes, lengths). Out comes a list of eight points in the box's frame. The corner at index i, from 0, lies on the positive side \
along axis k where bit k of i is set: the first is at the low end of all axes, the last at the high end.\n\n\
Null for a null box and for one that is none.",
        example: Example {
            sql: "SELECT box_corners({centre: {x: 0, y: 0, z: 0}, axes: [1, 0, 0, 0, 1, 0, 0, 0, 1], lengths: {x: 2, y: 4, z: 6}})[7]",
            result: "{x: -1.0, y: 2.0, z: 3.0}",
        },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [obb] => {
            OBB.check("box_corners", "obb", obb)?;
            Ok(list_type(vec3_fields()))
        }
        _ => plan_err!("`box_corners` takes one oriented box and not {} arguments", types.len()),
    },
    call: Call::Values(call),
};

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let boxes = ObbColumn::of(&arguments.column(0)?)?;
    let corners: Vec<Option<[Vector3<f64>; 8]>> =
        (0..arguments.rows()).map(|row| Some(boxes.get(row)?.ok()?.corners())).collect();
    let points = vec3_array(corners.iter().flatten().flatten().map(|corner| Some(*corner)));
    let nulls = NullBuffer::from_iter(corners.iter().map(Option::is_some));
    let columns = points.as_struct().columns().to_vec();
    lists_of(vec3_fields(), columns, corners.iter().map(|corners| corners.map_or(0, |_| 8)), Some(nulls))
}
