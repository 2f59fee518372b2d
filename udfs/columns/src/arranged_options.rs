//! `arranged_options(options, answer, index, draw)`: the options of a choice in an order that tells nothing of the answer.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListBuilder, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::common::{Result, exec_err, plan_err};

use crate::dice::Dice;
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const ARRANGED_OPTIONS: Function = Function {
    doc: FunctionDoc {
        name: "arranged_options",
        signature: "arranged_options(options, answer, index, draw)",
        summary: "the options of a choice with the right one at `index`, from 0, and the others in an order that the draw shuffles",
        details: "\
`options` is a list of texts in any order, `answer` the right one among them, `index` the place that it is to have, from 0, \
and `draw` a number in [0, 1). The order of the others depends on the draw alone. Null where any argument is null; an error \
where the answer is not exactly one of the options.",
        example: Example { sql: "SELECT arranged_options(['cup', 'vase'], 'vase', 0, 0.5)", result: "[vase, cup]" },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [_, _, index, draw] if index.is_numeric() && draw.is_numeric() => Ok(options_type()),
        _ => plan_err!("`arranged_options` takes a list of texts, a text, an index and a draw"),
    },
    call: Call::Values(call),
};

fn options_type() -> DataType {
    DataType::new_list(DataType::Utf8, true)
}

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let options = cast(&arguments.column(0)?, &options_type())?;
    let options = options.as_list::<i32>();
    let answers = arguments.text(1)?;
    let indices = cast(&arguments.column(2)?, &DataType::Int64)?;
    let indices = indices.as_primitive::<Int64Type>();
    let draws = cast(&arguments.column(3)?, &DataType::Float64)?;
    let draws = draws.as_primitive::<Float64Type>();
    let mut arranged = ListBuilder::new(StringBuilder::new());
    for row in 0..arguments.rows() {
        if options.is_null(row) || answers.is_null(row) || indices.is_null(row) || draws.is_null(row) {
            arranged.append_null();
            continue;
        }
        let (answer, of_row) = (answers.value(row), options.value(row));
        let of_row = of_row.as_string::<i32>();
        let mut others: Vec<&str> = of_row.iter().flatten().filter(|option| *option != answer).collect();
        if others.len() + 1 != of_row.len() {
            let all: Vec<&str> = of_row.iter().flatten().collect();
            return exec_err!("the answer `{answer}` must be exactly one of the options {}", all.join(", "));
        }
        // By text, so that the order in which a query lists them tells nothing either.
        others.sort_unstable();
        let mut dice = Dice(draws.value(row).to_bits());
        for at in (1..others.len()).rev() {
            others.swap(at, dice.below(at + 1));
        }
        let index = usize::try_from(indices.value(row)).unwrap_or(0).min(others.len());
        others.insert(index, answer);
        others.into_iter().for_each(|option| arranged.values().append_value(option));
        arranged.append(true);
    }
    Ok(Arc::new(arranged.finish()))
}
