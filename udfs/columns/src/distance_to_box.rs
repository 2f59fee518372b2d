//! `distance_to_box(point, obb)`: the distance of a point, such as a camera's centre, to an oriented box.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use arrow::datatypes::DataType;
use datafusion::common::{Result, plan_err};

use crate::types::{OBB, ObbColumn, VEC3, Vec3Column};
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const DISTANCE_TO_BOX: Function = Function {
    doc: FunctionDoc {
        name: "distance_to_box",
        signature: "distance_to_box(point, obb)",
        summary: "the exact distance of a point, such as a camera's centre, to an oriented box, metres; 0 inside",
        details: "\
`point` is (x, y, z), `obb` (centre, axes, lengths), both in the same frame, metres. The centre of a camera whose pose is `world_from_camera` is \
`{x: world_from_camera[4], y: world_from_camera[8], z: world_from_camera[12]}`.\n\n\
Null for a null point or box, for a point that is not finite, and for a box that is none.",
        example: Example {
            sql: "SELECT distance_to_box({x: 0, y: 1.5, z: 0}, {centre: {x: 3, y: 0, z: 0}, axes: [1, 0, 0, 0, 1, 0, 0, 0, 1], lengths: {x: 2, y: 3, z: 2}})",
            result: "2.0",
        },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [point, obb] => {
            VEC3.check("distance_to_box", "point", point)?;
            OBB.check("distance_to_box", "obb", obb)?;
            Ok(DataType::Float64)
        }
        _ => plan_err!("`distance_to_box` takes a point and an oriented box, and not {} arguments", types.len()),
    },
    call: Call::Values(call),
};

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let (points, boxes) = (Vec3Column::of(&arguments.column(0)?)?, ObbColumn::of(&arguments.column(1)?)?);
    let distance = |row: usize| Some(boxes.get(row)?.ok()?.distance_to(&points.get(row)?)).filter(|d| d.is_finite());
    Ok(Arc::new((0..arguments.rows()).map(distance).collect::<Float64Array>()))
}
