//! `number_options(right, draw, turn, frequencies)`: four numbers to choose from, none of which looks more right than the others.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListBuilder, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type};
use datafusion::common::{Result, exec_datafusion_err, plan_err};
use spatialmill_geometry::options::numbers_to_choose_from;

use crate::lists::Lists;
use crate::record::{Record, Shape};
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const NUMBER_OPTIONS: Function = Function {
    doc: FunctionDoc {
        name: "number_options",
        signature: "number_options(right, draw, turn, frequencies)",
        summary: "four numbers, as texts, with the right one at index `turn` (0-3); `frequencies` is a list of (n, times): how often each number is right where it may be any; null where `right` is no number",
        details: "\
`right` is the right number as a text, `draw` a number in [0, 1), `turn` the index of the right option (0 to 3), \
`frequencies` a list of (n, times): how often each number is right where it may be any. Most rooms have one sofa: whoever \
sees the options 1, 2, 3 and 4 says 1 and is right, if the others are merely numbers nearby. So the four are drawn by how \
often each number is right, such that each of them is right equally often. They go up from the right one and start again at \
the least, so that their order tells as little as the numbers do.\n\n\
Null where `right` is no number.",
        example: Example {
            sql: "SELECT number_options('1', 0.5, 2, [{n: '0', times: 10}, {n: '1', times: 10}, {n: '2', times: 10}, {n: '3', times: 10}])",
            result: "[3, 0, 1, 2]",
        },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [_, _, _, frequencies] => {
            Shape::List(FREQUENCY).check("number_options", "frequencies", frequencies)?;
            Ok(DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))))
        }
        _ => plan_err!("`number_options` takes four arguments and not {}", types.len()),
    },
    call: Call::Values(call),
};

const FREQUENCY: &[(&str, Shape)] = &[("n", Shape::Text), ("times", Shape::Number)];

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let right = arguments.text(0)?;
    let draw = cast(&arguments.column(1)?, &DataType::Float64)?;
    let draw = draw.as_primitive::<Float64Type>();
    let turn = cast(&arguments.column(2)?, &DataType::Int64)?;
    let turn = turn.as_primitive::<Int64Type>();
    let frequencies = Lists::new(&arguments.column(3)?)?;
    let known: Vec<Option<(u64, u64)>> = if frequencies.values.is_empty() {
        Vec::new()
    } else {
        let record = Record(&frequencies.values);
        let (numbers, times) = (record.text("n")?, record.number("times")?);
        let times = times.or_nan();
        // A null or a negative number of times is none.
        numbers.iter().zip(times.iter()).map(|(number, times)| Some((number?.parse().ok()?, *times as u64))).collect()
    };
    let mut options = ListBuilder::new(StringBuilder::new());
    for row in 0..arguments.rows() {
        if right.is_null(row) {
            options.append_null();
            continue;
        }
        let number: u64 = right
            .value(row)
            .parse()
            .map_err(|_| exec_datafusion_err!("`number_options` finds no number in `{}`", right.value(row)))?;
        let frequencies: Vec<(u64, u64)> = known[frequencies.range(row)].iter().flatten().copied().collect();
        let sorted = numbers_to_choose_from(number, draw.value(row), &frequencies);
        let at = sorted.iter().position(|option| *option == number).unwrap_or(0) as i64;
        for place in 0..sorted.len() as i64 {
            let from = (at + place - turn.value(row)).rem_euclid(sorted.len() as i64) as usize;
            options.values().append_value(sorted[from].to_string());
        }
        options.append(true);
    }
    Ok(Arc::new(options.finish()))
}
