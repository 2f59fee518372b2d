//! `route_legs(points, straight)`: the legs of a route over viewpoints, and the turns between them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, Int64Array, StringArray, new_empty_array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{Result, plan_err};
use spatialmill_geometry::Vector3;
use spatialmill_geometry::route::{Leg, TurnRules, legs};

use crate::lists::{Lists, list_type, lists_of};
use crate::record::{Numbers, Record, Shape};
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const ROUTE_LEGS: Function = Function {
    doc: FunctionDoc {
        name: "route_legs",
        signature: "route_legs(points, straight)",
        summary: "the straight legs of a route over points (x, y, z), each with its bearing, length and rise, and the turn onto it: how many degrees and which action",
        details: "\
`points` is a list of (x, y, z) in the order of the route, in a world whose z points up, such as R2R's viewpoints; `straight` is in degrees. While a turn \
is at most `straight`, the two legs of the least turn become one, whose bearing is that of its chord. Out comes a list of (from_index, to_index, bearing, \
length, rise, turn, action): the indices of the points at its ends, from 0; `bearing` clockwise from +y (-180 to 180); `length` along the points and \
`rise`, metres; `turn`, right > 0, and `action` onto this leg from the one before: turn_left or turn_right (35 to 145 degrees), turn_back (155 and more). \
`turn` and `action` are null for the first leg, and `action` for a turn between two actions, where two people would not agree.\n\n\
Null for a null list or limit, for a coordinate that is null or not finite, and for a route that goes nowhere on the ground plan.",
        example: Example {
            // North, a little to the right, and then east.
            sql: "SELECT concat(l[2]['from_index'], ' ', round(l[2]['turn'], 2), ' ', l[2]['action']) FROM (SELECT route_legs(
            [{x: 0, y: 0, z: 0}, {x: 0, y: 2, z: 0}, {x: 0.1, y: 4, z: 0}, {x: 3, y: 4.2, z: 0}], 20) AS l)",
            result: "2 84.62 turn_right",
        },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [points, straight] => {
            Shape::List(POINT).check("route_legs", "points", points)?;
            Shape::Number.check("route_legs", "straight", straight)?;
            Ok(list_type(fields()))
        }
        _ => plan_err!("`route_legs` takes a list of points and degrees, and not {} arguments", types.len()),
    },
    call: Call::Values(call),
};

const POINT: &[(&str, Shape)] = &[("x", Shape::Number), ("y", Shape::Number), ("z", Shape::Number)];

fn fields() -> Fields {
    let number = |name: &str| Field::new(name, DataType::Float64, true);
    let index = |name: &str| Field::new(name, DataType::Int64, true);
    let action = Field::new("action", DataType::Utf8, true);
    vec![
        index("from_index"),
        index("to_index"),
        number("bearing"),
        number("length"),
        number("rise"),
        number("turn"),
        action,
    ]
    .into()
}

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let (points, straight) = (Lists::new(&arguments.column(0)?)?, Numbers::of(&arguments.column(1)?)?);
    let nowhere = || NullBuffer::new_null(arguments.rows());
    if points.values.is_empty() {
        let columns = fields().iter().map(|field| new_empty_array(field.data_type())).collect();
        return lists_of(fields(), columns, vec![0; arguments.rows()], Some(nowhere()));
    }
    let record = Record(&points.values);
    let [x, y, z] = ["x", "y", "z"].map(|axis| record.number(axis));
    let (x, y, z) = (x?, y?, z?);
    let (x, y, z) = (x.or_nan(), y.or_nan(), z.or_nan());
    let of_row = |row: usize| {
        let own: Vec<Vector3<f64>> = points.range(row).map(|i| Vector3::new(x[i], y[i], z[i])).collect();
        legs(&own, straight.get(row)?)
    };
    let found: Vec<Option<Vec<Leg>>> = (0..arguments.rows()).map(of_row).collect();
    // Each with the turn onto it.
    let all: Vec<(Leg, Option<f64>)> = found.iter().flatten().flat_map(|legs| turned(legs)).collect();
    let number = |of: fn(&Leg) -> f64| -> ArrayRef {
        Arc::new(all.iter().map(|(leg, _)| of(leg)).map(Some).collect::<Float64Array>())
    };
    let index = |of: fn(&Leg) -> usize| -> ArrayRef {
        Arc::new(all.iter().map(|(leg, _)| Some(of(leg) as i64)).collect::<Int64Array>())
    };
    let action = |turn: f64| TurnRules::default().action(turn).map(|action| action.name());
    let columns: Vec<ArrayRef> = vec![
        index(|leg| leg.from),
        index(|leg| leg.to),
        number(|leg| leg.bearing),
        number(|leg| leg.length),
        number(|leg| leg.rise),
        Arc::new(all.iter().map(|(_, turn)| *turn).collect::<Float64Array>()),
        Arc::new(all.iter().map(|(_, turn)| turn.and_then(action)).collect::<StringArray>()),
    ];
    let nulls = NullBuffer::from_iter(found.iter().map(Option::is_some));
    lists_of(fields(), columns, found.iter().map(|legs| legs.as_ref().map_or(0, Vec::len)), Some(nulls))
}

fn turned(legs: &[Leg]) -> impl Iterator<Item = (Leg, Option<f64>)> {
    let before = std::iter::once(None).chain(legs.iter().map(Some));
    legs.iter().zip(before).map(|(leg, before)| (*leg, before.map(|before| before.turn_to(leg))))
}
