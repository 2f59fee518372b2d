//! `yaw_and_tilt(motion)`: what part of a rigid motion is a turn about the vertical.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::{Result, plan_err};
use spatialmill_geometry::camera_motion::yaw_and_tilt;

use crate::number_struct::{number_fields, number_structs};
use crate::record::Shape;
use crate::types::PoseColumn;
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const YAW_AND_TILT: Function = Function {
    doc: FunctionDoc {
        name: "yaw_and_tilt",
        signature: "yaw_and_tilt(motion)",
        summary: "by how much a rigid motion turns about the vertical (yaw, counter-clockwise from above > 0) and tilts it (tilt), degrees",
        details: "\
`motion` is a 4 x 4 matrix of 16 numbers row by row, in a world whose z points up, such as the motion of an object between two scans of a room. \
An object that stood and stands upright has a tilt near 0.\n\n\
Null for a null matrix and for one that is no rigid motion.",
        example: Example {
            sql: "SELECT yaw_and_tilt([0, -1, 0, 5, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1])",
            result: "{yaw: 90.0, tilt: 0.0}",
        },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [motion] => {
            Shape::Numbers.check("yaw_and_tilt", "motion", motion)?;
            Ok(DataType::Struct(number_fields(FIELDS)))
        }
        _ => plan_err!("`yaw_and_tilt` takes one rigid motion and not {} arguments", types.len()),
    },
    call: Call::Values(call),
};

const FIELDS: [&str; 2] = ["yaw", "tilt"];

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let motions = PoseColumn::of(&arguments.column(0)?)?;
    let one = |row: usize| {
        let (yaw, tilt) = yaw_and_tilt(&motions.get(row)?.ok()?);
        Some([Some(yaw), Some(tilt)])
    };
    number_structs(FIELDS, &(0..arguments.rows()).map(one).collect::<Vec<_>>())
}
