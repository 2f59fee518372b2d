//! `orbit_position(world_from_camera, centre)`: from where a camera looks at an object.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::{Result, plan_err};
use spatialmill_geometry::apparent_rotation::OrbitPosition;

use crate::number_struct::{number_fields, number_structs};
use crate::record::Shape;
use crate::types::{PoseColumn, VEC3, Vec3Column};
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const ORBIT_POSITION: Function = Function {
    doc: FunctionDoc {
        name: "orbit_position",
        signature: "orbit_position(world_from_camera, centre)",
        summary: "from where a camera looks at an object: azimuth and elevation of the camera as seen from the object's centre, degrees, and its distance",
        details: "\
`world_from_camera` is a pose, `centre` the object's centre (x, y, z), in a world whose z points up. Out comes a struct: `azimuth`, \
counter-clockwise from +x about the object's vertical (-180 to 180); `elevation` above the horizontal; `distance` in the unit of the world; and \
`axis_azimuth`, the azimuth by the camera's optical axis, which differs from the first one where the object is not in the middle of the image, and \
is null where the camera looks straight up or down.\n\n\
Null for a null pose or centre, for a pose that is no rigid motion, and for a camera right above or below the centre.",
        example: Example {
            // 4 m south of the object and 3 m higher.
            sql: "SELECT o.azimuth || ' ' || round(o.elevation, 2) || ' ' || o.distance FROM (SELECT orbit_position(
            [1, 0, 0, 0, 0, 0, 1, -4, 0, -1, 0, 3, 0, 0, 0, 1], {x: 0, y: 0, z: 0}) AS o)",
            result: "-90.0 36.87 5.0",
        },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [pose, centre] => {
            Shape::Numbers.check("orbit_position", "world_from_camera", pose)?;
            VEC3.check("orbit_position", "centre", centre)?;
            Ok(DataType::Struct(number_fields(FIELDS)))
        }
        _ => plan_err!("`orbit_position` takes a pose and a centre, and not {} arguments", types.len()),
    },
    call: Call::Values(call),
};

const FIELDS: [&str; 4] = ["azimuth", "elevation", "distance", "axis_azimuth"];

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let (poses, centres) = (PoseColumn::of(&arguments.column(0)?)?, Vec3Column::of(&arguments.column(1)?)?);
    let one = |row: usize| {
        let found = OrbitPosition::of(&poses.get(row)?.ok()?, &centres.get(row)?)?;
        Some([Some(found.azimuth), Some(found.elevation), Some(found.distance), found.axis_azimuth])
    };
    number_structs(FIELDS, &(0..arguments.rows()).map(one).collect::<Vec<_>>())
}
