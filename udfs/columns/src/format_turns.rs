//! `format_turns(formats, available, draw)`: in which order a question's formats come, and how early each of them comes.
//!
//! Samples are kept by comparing a draw with a rate. Were each sample's draw its own, the few that are kept of a few questions might all
//! be asked the same way round. So the formats that suit a question are shuffled, each takes a turn in that order, and the earlier
//! ones are kept: what is kept of a question takes its turns one after the other.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, StructArray, new_empty_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, Float64Type};
use datafusion::common::{Result, exec_err, plan_err};

use crate::dice::Dice;
use crate::lists::{Lists, list_type, lists_of};
use crate::record::{Record, Shape};
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const FORMAT_TURNS: Function = Function {
    doc: FunctionDoc {
        name: "format_turns",
        signature: "format_turns(formats, available, draw)",
        summary: "for each of the formats (text_format, image_format, required, allowed) its turn, 0 and up in an order that the draw shuffles, and how early that is among those that suit (drawn, in [0, 1)): allowed, and requiring nothing that is not `available`",
        details: "\
`formats` is a list of (text_format, image_format, required, allowed), `available` a struct of booleans, `draw` a number in \
[0, 1). Out comes a list of (turn, drawn) in the same order. A format suits the question when it is allowed and requires \
nothing that is not available. The formats are shuffled by the draw; `turn` is the place in that order, `drawn` is uniform in \
[0, 1) for each format that suits, and above 1 for the others.\n\n\
What is kept of a question is kept by `drawn`, and takes turns by `turn`: were each sample's draw its own, the few that are \
kept of a few questions might all be asked the same way round.",
        example: Example {
            sql: "SELECT array_length(format_turns([
            {text_format: 'natural', image_format: 'boxes', required: {box: true}, allowed: true},
            {text_format: 'natural', image_format: 'original', required: {box: false}, allowed: true}
        ], {box: true}, 0.5))",
            result: "2",
        },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [formats, DataType::Struct(_), draw] if draw.is_numeric() => {
            Shape::List(FORMAT).check("format_turns", "formats", formats)?;
            Ok(list_type(fields()))
        }
        _ => plan_err!("`format_turns` takes a list of formats, a struct of booleans and a draw"),
    },
    call: Call::Values(call),
};

const FORMAT: &[(&str, Shape)] =
    &[("text_format", Shape::Text), ("image_format", Shape::Text), ("required", Shape::Struct(&[]))];

fn fields() -> Fields {
    vec![Field::new("turn", DataType::Int64, false), Field::new("drawn", DataType::Float64, false)].into()
}

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let formats = Lists::new(&arguments.column(0)?)?;
    if formats.values.is_empty() {
        let columns = fields().iter().map(|field| new_empty_array(field.data_type())).collect();
        return lists_of(fields(), columns, vec![0; arguments.rows()], formats.nulls().cloned());
    }
    let available = arguments.column(1)?;
    let draws = cast(&arguments.column(2)?, &DataType::Float64)?;
    let draws = draws.as_primitive::<Float64Type>();
    let record = Record(&formats.values);
    let Some(required) = record.field("required")?.as_struct_opt() else {
        return exec_err!("`required` of a format is no struct of booleans");
    };
    let pairs = pairs(required, available.as_struct())?;
    let allowed = match record.field("allowed")?.as_boolean_opt() {
        Some(allowed) => allowed.clone(),
        None => return exec_err!("`allowed` of a format is no boolean"),
    };
    let (texts, images) = (record.text("text_format")?, record.text("image_format")?);
    let is = |values: &BooleanArray, row: usize| values.is_valid(row) && values.value(row);
    let (mut turns, mut drawn) = (Vec::new(), Vec::new());
    let mut lengths = Vec::with_capacity(arguments.rows());
    for row in 0..arguments.rows() {
        let range = formats.range(row);
        lengths.push(range.len());
        let suits = |format: &usize| {
            is(&allowed, *format) && pairs.iter().all(|(wanted, given)| !is(wanted, *format) || is(given, row))
        };
        // By name, because an aggregation gives them in any order.
        let mut named: Vec<usize> = range.clone().collect();
        named.sort_by_key(|format| (texts.value(*format), images.value(*format)));
        let (mut order, others): (Vec<usize>, Vec<usize>) = named.into_iter().partition(suits);
        let suited = order.len();
        let mut dice = Dice(draws.value(row).to_bits());
        for at in (1..suited).rev() {
            order.swap(at, dice.below(at + 1));
        }
        order.extend(others);
        let start = turns.len();
        turns.resize(start + order.len(), 0);
        drawn.resize(start + order.len(), 0.0);
        let within = dice.unit();
        for (turn, format) in order.into_iter().enumerate() {
            let at = start + format - range.start;
            turns[at] = turn as i64;
            drawn[at] = ((turn as f64 + within) / suited.max(1) as f64).min(BELOW_ONE);
        }
    }
    let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(turns)), Arc::new(Float64Array::from(drawn))];
    lists_of(fields(), columns, lengths, formats.nulls().cloned())
}

/// The largest number below 1.
const BELOW_ONE: f64 = 1.0 - f64::EPSILON / 2.0;

/// What each format requires, beside what each row has available.
fn pairs(required: &StructArray, available: &StructArray) -> Result<Vec<(BooleanArray, BooleanArray)>> {
    let of = |(field, wanted): (&arrow::datatypes::FieldRef, &ArrayRef)| {
        let given = available.column_by_name(field.name());
        match (wanted.as_boolean_opt(), given.and_then(|given| given.as_boolean_opt())) {
            (Some(wanted), Some(given)) => Ok((wanted.clone(), given.clone())),
            _ => exec_err!("`{}` is no boolean, in `required` or in `available`", field.name()),
        }
    };
    required.fields().iter().zip(required.columns()).map(of).collect()
}
