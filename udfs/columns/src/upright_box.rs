//! `upright_box(points)`: the upright oriented box around points.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::{Result, plan_err};
use spatialmill_geometry::OrientedBox;

use crate::record::Shape;
use crate::types::{PointsColumn, obb_array, obb_fields};
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const UPRIGHT_BOX: Function = Function {
    doc: FunctionDoc {
        name: "upright_box",
        signature: "upright_box(points)",
        summary: "the upright oriented box (centre, axes, lengths) of least floor area around points; lengths.x is its longer horizontal side, lengths.z its height",
        details: "\
`points` is a list of numbers, x, y and z of each point in turn, as `surfaces.vertices`, in a frame whose z points up; points that are not finite \
are left out. The rectangle on the ground plan is found by rotating calipers. The longest side of the box is the size of the object that a \
person would measure; that of a box that may tilt runs across the object.\n\n\
Null for a null list, where no point is finite, and where three does not divide how many numbers there are.",
        example: Example {
            // A square of side √2 that stands on its corner, 2 m high.
            sql: "SELECT round(power(b.lengths.x, 2), 6) || ' ' || b.lengths.z FROM (SELECT upright_box([1, 0, 0, 0, 1, 0, -1, 0, 2, 0, -1, 2]) AS b)",
            result: "2.0 2.0",
        },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [points] => {
            Shape::Numbers.check("upright_box", "points", points)?;
            Ok(DataType::Struct(obb_fields()))
        }
        _ => plan_err!("`upright_box` takes one list of coordinates and not {} arguments", types.len()),
    },
    call: Call::Values(call),
};

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let points = PointsColumn::of(&arguments.column(0)?)?;
    let boxes: Vec<Option<OrientedBox>> =
        (0..arguments.rows()).map(|row| OrientedBox::upright_of(&points.get(row)?)).collect();
    obb_array(&boxes)
}
