//! `polygon_area(points)`: the area inside a floor's outline.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use arrow::datatypes::DataType;
use datafusion::common::{Result, plan_err};
use spatialmill_geometry::polygon;

use crate::record::Shape;
use crate::types::PointsColumn;
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const POLYGON_AREA: Function = Function {
    doc: FunctionDoc {
        name: "polygon_area",
        signature: "polygon_area(points)",
        summary: "the area inside an outline on the ground plan, m², such as a floor's that a source gives",
        details: "\
`points` is a list of numbers, x, y and z of each corner in turn, in either direction around an outline that does not cross itself; heights do not \
count. Fewer than three corners enclose nothing.\n\n\
Null for a null list, where a number is not finite, and where three does not divide how many numbers there are.",
        example: Example {
            // A square of 2 m without one of its quarters.
            sql: "SELECT polygon_area([0, 0, 0, 2, 0, 0, 2, 1, 0, 1, 1, 0, 1, 2, 0, 0, 2, 0])",
            result: "3.0",
        },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [points] => {
            Shape::Numbers.check("polygon_area", "points", points)?;
            Ok(DataType::Float64)
        }
        _ => plan_err!("`polygon_area` takes one list of coordinates and not {} arguments", types.len()),
    },
    call: Call::Values(call),
};

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let points = PointsColumn::of(&arguments.column(0)?)?;
    // Without one of its corners an outline is another one.
    let area =
        |row: usize| Some(polygon::area(&points.all_finite(row)?.iter().map(|p| [p.x, p.y]).collect::<Vec<_>>()));
    Ok(Arc::new((0..arguments.rows()).map(area).collect::<Float64Array>()))
}
