//! `first_missing(required, available)`: the first way of referring that a format requires and a question does not have available.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringBuilder};
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err, plan_err};

use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const FIRST_MISSING: Function = Function {
    doc: FunctionDoc {
        name: "first_missing",
        signature: "first_missing(required, available)",
        summary: "the name of the first field that is true in `required` and not in `available`; null where nothing is missing",
        details: "\
Both are structs of booleans. A field that is null counts as false; a field of `required` that `available` lacks is an error \
of the query. It says why a question cannot be asked in a format: `questions.available` against `formats.required`.",
        example: Example {
            sql: "SELECT first_missing({name: true, mask: true}, {name: true, box: true, mask: false})",
            result: "mask",
        },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [DataType::Struct(required), DataType::Struct(available)] => {
            match required.iter().find(|wanted| available.find(wanted.name()).is_none()) {
                Some(missing) => plan_err!("`first_missing` finds no field `{}` in `available`", missing.name()),
                None => Ok(DataType::Utf8),
            }
        }
        _ => plan_err!("`first_missing` takes two structs of booleans"),
    },
    call: Call::Values(call),
};

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let (required, available) = (arguments.column(0)?, arguments.column(1)?);
    let (required, available) = (required.as_struct(), available.as_struct());
    let mut pairs = Vec::with_capacity(required.num_columns());
    for (field, wanted) in required.fields().iter().zip(required.columns()) {
        let given = available.column_by_name(field.name());
        match (wanted.as_boolean_opt(), given.and_then(|given| given.as_boolean_opt())) {
            (Some(wanted), Some(given)) => pairs.push((field.name(), wanted, given)),
            _ => return exec_err!("`{}` is no boolean, in `required` or in `available`", field.name()),
        }
    }
    let mut names = StringBuilder::with_capacity(required.len(), 0);
    for row in 0..required.len() {
        let is = |values: &BooleanArray| values.is_valid(row) && values.value(row);
        names.append_option(pairs.iter().find(|(_, wanted, given)| is(wanted) && !is(given)).map(|(name, ..)| name));
    }
    Ok(Arc::new(names.finish()))
}
