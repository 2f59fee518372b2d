//! `apparent_rotation(first, second, turned)`: by how much an object seems to turn from one image to another.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err, plan_err};
use spatialmill_geometry::apparent_rotation::{OrbitPosition, apparent_rotation};

use crate::number_struct::{number_fields, number_structs};
use crate::record::{Numbers, Record, Shape};
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const APPARENT_ROTATION: Function = Function {
    doc: FunctionDoc {
        name: "apparent_rotation",
        signature: "apparent_rotation(first, second, turned)",
        summary: "by how much an object seems to turn from one image to another, seen from above, degrees, counter-clockwise > 0, because the camera went round it or because it was turned",
        details: "\
`first` and `second` are from where the two cameras look at the object, as `orbit_position` gives it; `turned` is by how much the object itself was \
turned from the first to the second image, counter-clockwise from above, degrees: 0 for one that stands still. Out comes a struct: `rotation` \
(-180 to 180), `turned` less the way that the camera went round the object; `elevation_change`, by how much the second camera is higher above it; \
and `disagreement`, how far the optical axes say another rotation than the lines of sight (0 to 180), null where a camera looks straight up or \
down.\n\n\
Null where `first`, `second` or `turned` is null.",
        example: Example {
            // The camera goes 60 degrees counter-clockwise: the object seems to turn clockwise.
            sql: "SELECT apparent_rotation({azimuth: 170, elevation: 10, distance: 2, axis_azimuth: 170},
            {azimuth: -130, elevation: 15, distance: 2, axis_azimuth: -128}, 0)",
            result: "{rotation: -60.0, elevation_change: 5.0, disagreement: 2.0}",
        },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [first, second, turned] => {
            Shape::Struct(POSITION).check("apparent_rotation", "first", first)?;
            Shape::Struct(POSITION).check("apparent_rotation", "second", second)?;
            Shape::Number.check("apparent_rotation", "turned", turned)?;
            Ok(DataType::Struct(number_fields(FIELDS)))
        }
        _ => plan_err!("`apparent_rotation` takes two orbit positions and degrees, and not {} arguments", types.len()),
    },
    call: Call::Values(call),
};

const POSITION: &[(&str, Shape)] = &[
    ("azimuth", Shape::Number),
    ("elevation", Shape::Number),
    ("distance", Shape::Number),
    ("axis_azimuth", Shape::Number),
];

const FIELDS: [&str; 3] = ["rotation", "elevation_change", "disagreement"];

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let (first, second) = (positions(&arguments.column(0)?)?, positions(&arguments.column(1)?)?);
    let turned = Numbers::of(&arguments.column(2)?)?;
    let one = |row: usize| {
        let found = apparent_rotation(&first[row]?, &second[row]?, turned.get(row)?);
        Some([Some(found.degrees), Some(found.elevation_change), found.disagreement])
    };
    number_structs(FIELDS, &(0..arguments.rows()).map(one).collect::<Vec<_>>())
}

fn positions(column: &ArrayRef) -> Result<Vec<Option<OrbitPosition>>> {
    if column.data_type() == &DataType::Null {
        return Ok(vec![None; column.len()]);
    }
    let Some(structs) = column.as_struct_opt() else {
        return exec_err!("an orbit position is a struct and not a {}", column.data_type());
    };
    let record = Record(structs);
    let [azimuth, elevation, distance, axis] =
        ["azimuth", "elevation", "distance", "axis_azimuth"].map(|name| record.number(name));
    let (azimuth, elevation, distance, axis) = (azimuth?, elevation?, distance?, axis?);
    let one = |row: usize| {
        let axis_azimuth = axis.get(row);
        let (azimuth, elevation, distance) = (azimuth.get(row)?, elevation.get(row)?, distance.get(row)?);
        structs.is_valid(row).then_some(OrbitPosition { azimuth, elevation, distance, axis_azimuth })
    };
    Ok((0..structs.len()).map(one).collect())
}
