//! `value_text(value, unit, decimals)`: a number with its unit in words.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::common::{Result, plan_err};

use crate::phrases::slots::Quantity;
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const VALUE_TEXT: Function = Function {
    doc: FunctionDoc {
        name: "value_text",
        signature: "value_text(value, unit, decimals)",
        summary: "a number with its unit in words, as phrases say a value slot: 2.3 metres",
        details: "\
`unit` and `decimals` are those of `value_slot`. The options of `value_options` are written the same way, so that an answer is one of them.",
        example: Example { sql: "SELECT value_text(202.4, 'cm', 0)", result: "202 centimetres" },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [value, _, decimals] if value.is_numeric() && decimals.is_numeric() => Ok(DataType::Utf8),
        _ => plan_err!("`value_text` takes a value, a unit and a number of decimals"),
    },
    call: Call::Values(call),
};

/// A number as [`VALUE_TEXT`] says it.
pub fn value_text(value: f64, unit: &str, decimals: u8) -> String {
    let mut text = String::new();
    Quantity { value, unit, decimals }.write(&mut text);
    text
}

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let values = cast(&arguments.column(0)?, &DataType::Float64)?;
    let decimals = cast(&arguments.column(2)?, &DataType::Int64)?;
    let (values, decimals) = (values.as_primitive::<Float64Type>(), decimals.as_primitive::<Int64Type>());
    let units = arguments.text(1)?;
    let texts = values.iter().zip(units.iter()).zip(decimals.iter());
    let texts = texts.map(|((value, unit), decimals)| Some(value_text(value?, unit?, decimals?.clamp(0, 9) as u8)));
    Ok(Arc::new(texts.collect::<StringArray>()))
}
