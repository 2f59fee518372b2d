//! `footprint_overlap(a, b)`: whether two objects stand over one another.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use arrow::datatypes::DataType;
use datafusion::common::{Result, plan_err};

use crate::types::{OBB, ObbColumn};
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const FOOTPRINT_OVERLAP: Function = Function {
    doc: FunctionDoc {
        name: "footprint_overlap",
        signature: "footprint_overlap(a, b)",
        summary: "the share (0-1) of the smaller of two oriented boxes' footprints on the ground plan that lies on the larger one: 1 where one stands on, under or in the other",
        details: "\
`a` and `b` are (centre, axes, lengths) in one frame whose z points up. A box's footprint is its outline seen from above. Of a plate or a pole, \
whose footprint has no area, the length or the place counts.\n\n\
Null for a null box, for one that is none, and where neither footprint has an area.",
        example: Example {
            // Half of the lamp stands on the table.
            sql: "SELECT footprint_overlap({centre: {x: 0, y: 0, z: 0}, axes: [1, 0, 0, 0, 1, 0, 0, 0, 1], lengths: {x: 2, y: 1, z: 1}},
            {centre: {x: 1, y: 0, z: 1}, axes: [1, 0, 0, 0, 1, 0, 0, 0, 1], lengths: {x: 0.5, y: 0.5, z: 1}})",
            result: "0.5",
        },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [a, b] => {
            OBB.check("footprint_overlap", "a", a)?;
            OBB.check("footprint_overlap", "b", b)?;
            Ok(DataType::Float64)
        }
        _ => plan_err!("`footprint_overlap` takes two oriented boxes and not {} arguments", types.len()),
    },
    call: Call::Values(call),
};

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let (a, b) = (ObbColumn::of(&arguments.column(0)?)?, ObbColumn::of(&arguments.column(1)?)?);
    let overlap = |row: usize| a.get(row)?.ok()?.footprint_overlap(&b.get(row)?.ok()?);
    Ok(Arc::new((0..arguments.rows()).map(overlap).collect::<Float64Array>()))
}
