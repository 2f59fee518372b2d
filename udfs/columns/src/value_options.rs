//! `value_options(right, pool, rank, unit, decimals, gap, gap_share, draw)`: the right value among three that are measured elsewhere.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, ListBuilder, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, plan_err};
use spatialmill_geometry::distractors::{Gap, ladder, value_options};

use crate::dice::Dice;
use crate::value_text::value_text;
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const VALUE_OPTIONS: Function = Function {
    doc: FunctionDoc {
        name: "value_options",
        signature: "value_options(right, pool, rank, unit, decimals, gap, gap_share, draw)",
        summary: "four values with their unit, as texts in ascending order, `right` among them: the others are drawn from `pool`, at least `gap` and `gap_share` of the larger one apart; null where too few are apart",
        details: "\
`right` is a measured value above 0, `pool` a list of values that other items of the dataset have, `rank` how many of the \
options are to be below the right one (0 to 3; fewer where not so many fit), `unit` as in `value_slot`, `draw` a number in [0, 1) that orders the pool. All \
are rounded to `decimals` before they are compared. Any two options are at least `gap` apart, and at least `gap_share` of the \
larger one. Where the pool has too few such values, the right one times 0.7, 1.4, 0.5, 1.8, ... fills up.\n\n\
Draw the rank first, from 0 to 3: then the right option is the least as often as the largest. The order of the pool does not matter.",
        example: Example {
            sql: "SELECT value_options(2.04, [1.9, 3.0, 0.4, 2.1, 4.5], 1, 'm', 1, 0.3, 0.25, 0.5)",
            result: "[0.4 metres, 2.0 metres, 3.0 metres, 4.5 metres]",
        },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [_, pool, ..] if types.len() == 8 && pool.is_list() => Ok(options_type()),
        _ => {
            plan_err!("`value_options` takes a value, a list of values, a rank, a unit, decimals, two gaps and a draw")
        }
    },
    call: Call::Values(call),
};

const OPTIONS: usize = 4;

fn options_type() -> DataType {
    DataType::new_list(DataType::Utf8, true)
}

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let number = |at: usize| -> Result<Float64Array> {
        Ok(cast(&arguments.column(at)?, &DataType::Float64)?.as_primitive::<Float64Type>().clone())
    };
    let pools = cast(&arguments.column(1)?, &DataType::new_list(DataType::Float64, true))?;
    let pools = pools.as_list::<i32>();
    let (right, rank, unit, decimals) = (number(0)?, number(2)?, arguments.text(3)?, number(4)?);
    let (gap, gap_share, draw) = (number(5)?, number(6)?, number(7)?);
    let mut options = ListBuilder::new(StringBuilder::new());
    for row in 0..arguments.rows() {
        if [&right, &rank, &decimals, &gap, &gap_share, &draw].iter().any(|column| column.is_null(row)) {
            options.append_null();
            continue;
        }
        let decimals = decimals.value(row).clamp(0.0, 9.0) as u8;
        let steps = 10_f64.powi(i32::from(decimals));
        let rounded = |value: f64| (value * steps).round() / steps;
        let pool = if pools.is_null(row) { None } else { Some(pools.value(row)) };
        let pool = pool.iter().flat_map(|pool| pool.as_primitive::<Float64Type>().iter().flatten());
        let gap = Gap { absolute: gap.value(row), relative: gap_share.value(row) };
        let right = rounded(right.value(row));
        let mut others = drawn(pool.map(rounded), draw.value(row));
        others.extend(ladder(right).map(rounded));
        match value_options(right, &others, rank.value(row) as usize, OPTIONS, gap) {
            Some(found) => {
                options.append_value(found.into_iter().map(|value| Some(value_text(value, unit.value(row), decimals))))
            }
            None => options.append_null(),
        }
    }
    Ok(Arc::new(options.finish()))
}

/// The values in an order that follows from the draw and from each value alone.
fn drawn(pool: impl Iterator<Item = f64>, draw: f64) -> Vec<f64> {
    let mut keyed: Vec<(usize, f64)> =
        pool.map(|value| (Dice(draw.to_bits() ^ value.to_bits()).below(usize::MAX), value)).collect();
    keyed.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    keyed.into_iter().map(|(_, value)| value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_a_pool_does_not_matter() {
        let pool = [0.4, 1.9, 2.1, 3.0, 4.5, 4.5];
        let mut reversed = pool;
        reversed.reverse();
        assert_eq!(drawn(pool.into_iter(), 0.3), drawn(reversed.into_iter(), 0.3));
        assert_ne!(drawn(pool.into_iter(), 0.3), drawn(pool.into_iter(), 0.7));
    }
}
