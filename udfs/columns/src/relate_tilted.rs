//! `relate_tilted(subject, object, pitch)`: what is left of above and below when nobody knows how far the camera is tilted.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::{Result, plan_err};
use spatialmill_geometry::relate::when_tilted;

use crate::record::{Numbers, Shape};
use crate::relate::{VIEW_BOX, fact_fields, facts_of, with_view_boxes};
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const RELATE_TILTED: Function = Function {
    doc: FunctionDoc {
        name: "relate_tilted",
        signature: "relate_tilted(subject, object, pitch)",
        summary: "above or below, as long as it holds however far up or down the camera is tilted, at most by so many degrees; with the least value and margin and the largest overlap of all tilts",
        details: "\
As `relate` on the axis vertical, for frames whose gravity nobody knows. `pitch` is in degrees. The relation must be the same \
for each pitch of the camera from -pitch to +pitch; `value` and `margin` are the least and `overlap` the largest over all of \
them.\n\n\
Null where some pitch turns the relation round, and for a pitch of 90 degrees or more.",
        example: Example {
        // The cup is 1 m lower, but 4 m further away: for a camera that looks 30 degrees up it would be the higher one.
        sql: "SELECT concat(relate_tilted(lamp, cup, 10)['relation'], ' ', coalesce(relate_tilted(lamp, cup, 30)['relation'], 'nothing'))
            FROM (SELECT
                {centre: {x: 0, y: 2, z: 1}, extent: {x: 0.1, y: 0.1, z: 0.1}, low: {x: 0, y: 2, z: 1}, nearest: 2} AS lamp,
                {centre: {x: 0, y: 6, z: 0}, extent: {x: 0.1, y: 0.1, z: 0.1}, low: {x: 0, y: 6, z: 0}, nearest: 6} AS cup)",
        result: "above nothing",
    },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [subject, object, pitch] => {
            Shape::Struct(VIEW_BOX).check("relate_tilted", "subject", subject)?;
            Shape::Struct(VIEW_BOX).check("relate_tilted", "object", object)?;
            Shape::Number.check("relate_tilted", "pitch", pitch)?;
            Ok(DataType::Struct(fact_fields()))
        }
        _ => plan_err!("`relate_tilted` takes a subject, an object and degrees, and not {} arguments", types.len()),
    },
    call: Call::Values(call),
};

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let (subjects, objects) = (arguments.column(0)?, arguments.column(1)?);
    let pitch = Numbers::of(&arguments.column(2)?)?;
    let pitch = pitch.or_nan();
    with_view_boxes(&subjects, |subjects| {
        with_view_boxes(&objects, |objects| {
            let one = |row: usize| {
                let tilted = |degrees: f64| when_tilted(subjects, objects, row, degrees.to_radians());
                Some(pitch[row]).filter(|degrees| (0.0..90.0).contains(degrees)).and_then(tilted)
            };
            facts_of((0..pitch.len()).map(one))
        })
    })
}
