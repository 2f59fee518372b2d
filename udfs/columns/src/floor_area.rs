//! `floor_area(points, alpha, grid)`: the floor area of a room from the points of its scan.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::{Result, plan_err};
use spatialmill_geometry::floor_area::{FloorArea, FloorRules};

use crate::number_struct::{number_fields, number_structs};
use crate::record::{Numbers, Shape};
use crate::types::PointsColumn;
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const FLOOR_AREA: Function = Function {
    doc: FunctionDoc {
        name: "floor_area",
        signature: "floor_area(points, alpha, grid)",
        summary: "the floor area of a scanned room, m²: of the alpha shape of its points on the ground plan, with its holes filled",
        details: "\
`points` is a list of numbers, x, y and z of each point in turn, in scan order, in a frame whose z points up; points that are not finite are left \
out. `alpha`, per metre, says how large gaps are floor: triangles of the Delaunay triangulation with a circumradius of less than 1/alpha (VSI-Bench \
takes 5). Of the points in a cell of a grid with the side `grid` metres the first one counts; 0 keeps all. Out comes a struct: `area`, of the alpha \
shape, its holes filled and its parts added up; `unfilled`, without the holes; `hull`, of the convex hull; `points`, how many counted; and \
`largest_part`, the share of them (0-1) in the largest part of the floor that steps of half a metre join.\n\n\
Null for null arguments, without three points that are on no line, for an alpha or a grid below 0, and where three does not divide how many numbers \
there are.",
        example: Example {
            // The corners of a square of 20 cm and its middle; without the grid's help nothing else counts.
            sql: "SELECT floor_area([0, 0, 0, 0.2, 0, 0, 0, 0.2, 1, 0.2, 0.2, 1, 0.1, 0.1, 0, 0.1, 0.1, 9], 5, 0.05)['points']",
            result: "5.0",
        },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [points, alpha, grid] => {
            Shape::Numbers.check("floor_area", "points", points)?;
            Shape::Number.check("floor_area", "alpha", alpha)?;
            Shape::Number.check("floor_area", "grid", grid)?;
            Ok(DataType::Struct(number_fields(FIELDS)))
        }
        _ => plan_err!("`floor_area` takes points, an alpha and the side of a grid, and not {} arguments", types.len()),
    },
    call: Call::Values(call),
};

const FIELDS: [&str; 5] = ["area", "unfilled", "hull", "points", "largest_part"];

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let points = PointsColumn::of(&arguments.column(0)?)?;
    let (alpha, grid) = (Numbers::of(&arguments.column(1)?)?, Numbers::of(&arguments.column(2)?)?);
    let measured = |row: usize| {
        let positive = |numbers: &Numbers| numbers.get(row).filter(|number| *number >= 0.0);
        let rules = FloorRules { alpha_per_m: positive(&alpha)?, grid_m: positive(&grid)?, ..FloorRules::default() };
        let found = FloorArea::of(points.get(row)?.iter().map(|point| [point.x, point.y]), &rules)?;
        let FloorArea { area_m2, unfilled_m2, hull_m2, points, largest_part } = found;
        Some([area_m2, unfilled_m2, hull_m2, points as f64, largest_part].map(Some))
    };
    number_structs(FIELDS, &(0..arguments.rows()).map(measured).collect::<Vec<_>>())
}
