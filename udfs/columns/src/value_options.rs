//! `value_options(right, pool, unit, decimals, gap, gap_share, draw)`: the right value among three that are measured elsewhere.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, ListBuilder, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, plan_err};
use spatialmill_geometry::distractors::{Gap, value_options};

use crate::dice::Dice;
use crate::value_text::value_text;
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const VALUE_OPTIONS: Function = Function {
    doc: FunctionDoc {
        name: "value_options",
        signature: "value_options(right, pool, unit, decimals, gap, gap_share, draw)",
        summary: "four values with their unit, as texts in ascending order, `right` among them: the others are as likely in `pool`, at least `gap` and `gap_share` of the larger one apart; null where they are not",
        details: "\
`right` is a measured value above 0, `pool` a list of values that are measured in the dataset, `unit` as in `value_slot`, `draw` a number in [0, 1). All are \
rounded to `decimals` before they are compared. The others are a quarter, a half and three quarters of the pool further than the right one, more or less and \
round the end, so that nothing but a measurement tells which of the four is right. Any two options must be at least `gap` apart, and at least `gap_share` of the larger \
one.\n\n\
Of a pool of fewer than eight values the others are the right one times 0.28, 0.4, 0.64, 1.5, 2.2 or 3.2. The order of the pool does not matter.",
        example: Example {
            sql: "SELECT value_options(2.04, range(0, 100), 'm', 0, 1, 0.25, 0.5)",
            result: "[2 metres, 31 metres, 51 metres, 81 metres]",
        },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [_, pool, ..] if types.len() == 7 && pool.is_list() => Ok(options_type()),
        _ => {
            plan_err!("`value_options` takes a value, a list of values, a unit, decimals, two gaps and a draw")
        }
    },
    call: Call::Values(call),
};

fn options_type() -> DataType {
    DataType::new_list(DataType::Utf8, true)
}

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let number = |at: usize| -> Result<Float64Array> {
        Ok(cast(&arguments.column(at)?, &DataType::Float64)?.as_primitive::<Float64Type>().clone())
    };
    let pools = cast(&arguments.column(1)?, &DataType::new_list(DataType::Float64, true))?;
    let pools = pools.as_list::<i32>();
    let (right, unit, decimals) = (number(0)?, arguments.text(2)?, number(3)?);
    let (gap, gap_share, draw) = (number(4)?, number(5)?, number(6)?);
    let mut options = ListBuilder::new(StringBuilder::new());
    for row in 0..arguments.rows() {
        if [&right, &decimals, &gap, &gap_share, &draw].iter().any(|column| column.is_null(row)) {
            options.append_null();
            continue;
        }
        let decimals = decimals.value(row).clamp(0.0, 9.0) as u8;
        let pool = if pools.is_null(row) { None } else { Some(pools.value(row)) };
        let pool = pool.iter().flat_map(|pool| pool.as_primitive::<Float64Type>().iter().flatten());
        let mut pool: Vec<f64> = pool.filter(|value| *value > 0.0 && value.is_finite()).collect();
        pool.sort_unstable_by(f64::total_cmp);
        let gap = Gap { absolute: gap.value(row), relative: gap_share.value(row) };
        let mut dice = Dice(draw.value(row).to_bits());
        let mut share = || dice.below(SHARES) as f64 / SHARES as f64;
        match value_options(right.value(row), &pool, [share(), share()], 10_f64.powi(i32::from(decimals)), gap) {
            Some(found) => {
                options.append_value(found.into_iter().map(|value| Some(value_text(value, unit.value(row), decimals))))
            }
            None => options.append_null(),
        }
    }
    Ok(Arc::new(options.finish()))
}

/// Draws of a share, so many different ones.
const SHARES: usize = 1 << 20;
