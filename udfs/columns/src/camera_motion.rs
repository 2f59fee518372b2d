//! `camera_motion(first, second)`: how a camera moved and turned from one frame to another.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::{Result, plan_err};
use spatialmill_geometry::camera_motion::CameraMotion;

use crate::number_struct::{number_fields, number_structs};
use crate::record::Shape;
use crate::types::PoseColumn;
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const CAMERA_MOTION: Function = Function {
    doc: FunctionDoc {
        name: "camera_motion",
        signature: "camera_motion(first, second)",
        summary: "where the second of two cameras is in view space of the first one (right, forward, up, distance in metres), and by how much it looks further right and up (turn, tilt in degrees)",
        details: "\
`first` and `second` are poses, `frames.world_from_camera`, of one scene whose z points up. Out comes a struct: `right`, `forward` and `up`, the \
way to the second camera in view space of the first one; `distance`, its length; `lesser_over_greater`, of right and forward the lesser over the \
greater, 0 where one word says the way and 1 where it goes diagonally, null where nothing moved sideways or ahead; `turn`, by how much the second \
looks further right, seen from above (-180 to 180); `tilt`, by how much it looks further up; and `rotation`, the angle of the whole rotation.\n\n\
Null for a null pose and for one that is no rigid motion.",
        example: Example {
            // From the origin, looking along +y, to 2 m ahead and 1 m to the left, looking along +x.
            sql: "SELECT m.right || ' ' || m.forward || ' ' || m.lesser_over_greater || ' ' || round(m.turn, 6) FROM (SELECT camera_motion(
            [1, 0, 0, 0, 0, 0, 1, 0, 0, -1, 0, 1.5, 0, 0, 0, 1], [0, 0, 1, -1, -1, 0, 0, 2, 0, -1, 0, 1.5, 0, 0, 0, 1]) AS m)",
            result: "-1.0 2.0 0.5 90.0",
        },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [first, second] => {
            Shape::Numbers.check("camera_motion", "first", first)?;
            Shape::Numbers.check("camera_motion", "second", second)?;
            Ok(DataType::Struct(number_fields(FIELDS)))
        }
        _ => plan_err!("`camera_motion` takes two poses and not {} arguments", types.len()),
    },
    call: Call::Values(call),
};

const FIELDS: [&str; 8] = ["right", "forward", "up", "distance", "lesser_over_greater", "turn", "tilt", "rotation"];

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let (first, second) = (PoseColumn::of(&arguments.column(0)?)?, PoseColumn::of(&arguments.column(1)?)?);
    let motion = |row: usize| {
        let found = CameraMotion::between(&first.get(row)?.ok()?, &second.get(row)?.ok()?);
        let CameraMotion { moved, distance, lesser_over_greater, turn, tilt, rotation } = found;
        Some([
            Some(moved.x),
            Some(moved.y),
            Some(moved.z),
            Some(distance),
            lesser_over_greater,
            Some(turn),
            Some(tilt),
            Some(rotation),
        ])
    };
    number_structs(FIELDS, &(0..arguments.rows()).map(motion).collect::<Vec<_>>())
}
