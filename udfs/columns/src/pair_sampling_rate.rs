//! `pair_sampling_rate(per_frame, objects, axes, pairs)`: Bernoulli sampling of a frame's object pairs, with an expected number of draws.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, exec_err, plan_err};

use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const PAIR_SAMPLING_RATE: Function = Function {
    doc: FunctionDoc {
        name: "pair_sampling_rate",
        signature: "pair_sampling_rate(per_frame, objects, axes, pairs)",
        summary: "the probability with which to draw each pair of a frame's objects on each of so many axes, so that `per_frame` of them are drawn on average; `pairs` is ordered (a chair beside a table is not a table beside a chair) or unordered",
        details: "\
A frame of many objects has very many pairs: each is drawn with the probability that makes `per_frame` of them the expected \
number, so that crowded frames do not fill the dataset. Above 1, all pairs are drawn. With fewer than two objects there is no \
pair.",
        example: Example {
            // Four objects make six pairs, on each of three axes.
            sql: "SELECT pair_sampling_rate(9.0, 4, 3, 'unordered')",
            result: "0.5",
        },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [per_frame, objects, axes, _] if [per_frame, objects, axes].iter().all(|given| given.is_numeric()) => {
            Ok(DataType::Float64)
        }
        _ => plan_err!("`pair_sampling_rate` takes three numbers and 'ordered' or 'unordered'"),
    },
    call: Call::Values(call),
};

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let pairs_of_two = match arguments.constant_text(3)? {
        Some("ordered") => 1.0,
        Some("unordered") => 0.5,
        other => return exec_err!("`pair_sampling_rate` counts pairs as 'ordered' or 'unordered', not as {other:?}"),
    };
    let number = |i: usize| cast(&arguments.column(i)?, &DataType::Float64);
    let (per_frame, objects, axes) = (number(0)?, number(1)?, number(2)?);
    let [per_frame, objects, axes] = [&per_frame, &objects, &axes].map(|column| column.as_primitive::<Float64Type>());
    let rate = |row: usize| {
        if per_frame.is_null(row) || objects.is_null(row) || axes.is_null(row) {
            return None;
        }
        let n = objects.value(row);
        Some(per_frame.value(row) / (axes.value(row) * pairs_of_two * n * (n - 1.0)))
    };
    Ok(Arc::new((0..arguments.rows()).map(rate).collect::<Float64Array>()))
}
