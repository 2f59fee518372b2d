//! `relative_direction(stand, face, query)`: where an object is for who stands at one object and faces another.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{Result, plan_err};
use spatialmill_geometry::direction::{Direction, Sector};

use crate::types::{OBB, ObbColumn};
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const RELATIVE_DIRECTION: Function = Function {
    doc: FunctionDoc {
        name: "relative_direction",
        signature: "relative_direction(stand, face, query)",
        summary: "where the object `query` is for who stands at `stand` and faces `face` (oriented boxes): the angle, counter-clockwise from above, and for each difficulty the sector, how far its boundaries are, and how many corners lie elsewhere",
        details: "\
`stand`, `face` and `query` are (centre, axes, lengths) in one frame whose z points up. Out comes a struct: `angle`, from the direction to `face` to \
the direction to `query`, counter-clockwise, 0 to 360 degrees; `to_face` and `to_query`, the distances of the centres on the ground plan, metres; \
and, for three difficulties, a struct (sector, boundary, corners_elsewhere, corners_beyond):\n\n\
\x20   easy     left, right                                         begin at 0, 180\n\
\x20   medium   left, back, right                                   begin at 0, 135, 225\n\
\x20   hard     front-left, back-left, back-right, front-right      begin at 0, 90, 180, 270\n\n\
`boundary` is how many degrees the angle is from the nearer of BOTH boundaries of its sector; `corners_elsewhere` how many of the eight corners of \
`query` lie in other sectors, and `corners_beyond` how many of those beyond the farther boundary.\n\n\
Null for a null box, for one that is none, and where `face` or `query` is right above or below `stand`.",
        example: Example {
            // The lamp is north-west of the bed, the desk north of it.
            sql: "SELECT concat(d.angle, ' ', d.hard.sector, ' ', d.medium.boundary) FROM (SELECT relative_direction(
            {centre: {x: 0, y: 0, z: 0}, axes: [1, 0, 0, 0, 1, 0, 0, 0, 1], lengths: {x: 2, y: 1, z: 1}},
            {centre: {x: 0, y: 4, z: 0}, axes: [1, 0, 0, 0, 1, 0, 0, 0, 1], lengths: {x: 1, y: 1, z: 1}},
            {centre: {x: -3, y: 3, z: 0}, axes: [1, 0, 0, 0, 1, 0, 0, 0, 1], lengths: {x: 1, y: 1, z: 1}}) AS d)",
            result: "45.0 front-left 45.0",
        },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [stand, face, query] => {
            OBB.check("relative_direction", "stand", stand)?;
            OBB.check("relative_direction", "face", face)?;
            OBB.check("relative_direction", "query", query)?;
            Ok(DataType::Struct(fields()))
        }
        _ => plan_err!("`relative_direction` takes three oriented boxes and not {} arguments", types.len()),
    },
    call: Call::Values(call),
};

fn sector_fields() -> Fields {
    let count = |name: &str| Field::new(name, DataType::Int64, true);
    vec![
        Field::new("sector", DataType::Utf8, true),
        Field::new("boundary", DataType::Float64, true),
        count("corners_elsewhere"),
        count("corners_beyond"),
    ]
    .into()
}

fn fields() -> Fields {
    let number = |name: &str| Field::new(name, DataType::Float64, true);
    let sector = |name: &str| Field::new(name, DataType::Struct(sector_fields()), true);
    vec![number("angle"), number("to_face"), number("to_query"), sector("easy"), sector("medium"), sector("hard")]
        .into()
}

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let boxes = [0, 1, 2].map(|i| arguments.column(i).and_then(|column| ObbColumn::of(&column)));
    let [stand, face, query] = boxes;
    let (stand, face, query) = (stand?, face?, query?);
    let one = |row: usize| Direction::of(&stand.get(row)?.ok()?, &face.get(row)?.ok()?, &query.get(row)?.ok()?);
    let found: Vec<Option<Direction>> = (0..arguments.rows()).map(one).collect();
    let number = |of: fn(&Direction) -> f64| -> ArrayRef {
        Arc::new(found.iter().map(|found| found.as_ref().map(of)).collect::<Float64Array>())
    };
    let columns = vec![
        number(|found| found.angle),
        number(|found| found.to_facing),
        number(|found| found.to_queried),
        sectors(&found, |found| found.easy)?,
        sectors(&found, |found| found.medium)?,
        sectors(&found, |found| found.hard)?,
    ];
    Ok(Arc::new(StructArray::try_new_with_length(fields(), columns, Some(nulls(&found)), found.len())?))
}

fn sectors(found: &[Option<Direction>], of: fn(&Direction) -> Sector) -> Result<ArrayRef> {
    let sectors = || found.iter().map(|found| found.as_ref().map(of));
    let count = |of: fn(Sector) -> u32| -> ArrayRef {
        Arc::new(sectors().map(|sector| Some(i64::from(of(sector?)))).collect::<Int64Array>())
    };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(sectors().map(|sector| Some(sector?.name)).collect::<StringArray>()),
        Arc::new(sectors().map(|sector| Some(sector?.boundary)).collect::<Float64Array>()),
        count(|sector| sector.corners_elsewhere),
        count(|sector| sector.corners_beyond),
    ];
    Ok(Arc::new(StructArray::try_new_with_length(sector_fields(), columns, Some(nulls(found)), found.len())?))
}

fn nulls(found: &[Option<Direction>]) -> NullBuffer {
    NullBuffer::from_iter(found.iter().map(Option::is_some))
}
