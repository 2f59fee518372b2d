//! `heading(world_from_camera)`: where a camera looks, as a compass bearing.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use arrow::datatypes::DataType;
use datafusion::common::{Result, plan_err};
use spatialmill_geometry::camera_motion::heading;

use crate::record::Shape;
use crate::types::PoseColumn;
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const HEADING: Function = Function {
    doc: FunctionDoc {
        name: "heading",
        signature: "heading(world_from_camera)",
        summary: "the bearing in which a camera looks, clockwise from the world's +y, degrees (-180 to 180), as R2R counts headings",
        details: "\
`world_from_camera` is a pose, `frames.world_from_camera`, in a world whose z points up. Of a camera that looks straight up or down, the bearing \
is that of the top of its image.\n\n\
Null for a null pose and for one that is no rigid motion.",
        example: Example {
            // The camera looks along +x.
            sql: "SELECT heading([0, 0, 1, 0, -1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 1])",
            result: "90.0",
        },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [pose] => {
            Shape::Numbers.check("heading", "world_from_camera", pose)?;
            Ok(DataType::Float64)
        }
        _ => plan_err!("`heading` takes one pose and not {} arguments", types.len()),
    },
    call: Call::Values(call),
};

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let poses = PoseColumn::of(&arguments.column(0)?)?;
    let one = |row: usize| Some(heading(&poses.get(row)?.ok()?));
    Ok(Arc::new((0..arguments.rows()).map(one).collect::<Float64Array>()))
}
