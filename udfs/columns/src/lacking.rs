//! `lacking(needs, offers)`: what a format needs of a question that the question does not offer.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringBuilder};
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err, plan_err};

use crate::{Arguments, Example, Function};

/// Fields that are null count as false. A field of `needs` that `offers` has not is a mistake in the query.
pub const LACKING: Function = Function {
    name: "lacking",
    usage: "lacking(needs, offers)",
    doc: "the name of the first field that is true in `needs` and not in `offers`; null where nothing is lacking",
    example: Example {
        sql: "SELECT lacking({name: true, mask: true}, {name: true, box: true, mask: false})",
        answer: "mask",
    },
    answer: |types| match types {
        [DataType::Struct(needs), DataType::Struct(offers)] => {
            match needs.iter().find(|need| offers.find(need.name()).is_none()) {
                Some(missing) => plan_err!("`lacking` finds no field `{}` in what is offered", missing.name()),
                None => Ok(DataType::Utf8),
            }
        }
        _ => plan_err!("`lacking` takes two structs of booleans"),
    },
    call,
};

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let (needs, offers) = (arguments.column(0)?, arguments.column(1)?);
    let (needs, offers) = (needs.as_struct(), offers.as_struct());
    let mut pairs = Vec::with_capacity(needs.num_columns());
    for (field, need) in needs.fields().iter().zip(needs.columns()) {
        let offer = offers.column_by_name(field.name());
        match (need.as_boolean_opt(), offer.and_then(|offer| offer.as_boolean_opt())) {
            (Some(need), Some(offer)) => pairs.push((field.name(), need, offer)),
            _ => return exec_err!("`{}` is no boolean, in what is needed or in what is offered", field.name()),
        }
    }
    let mut names = StringBuilder::with_capacity(needs.len(), 0);
    for row in 0..needs.len() {
        let is = |values: &BooleanArray| values.is_valid(row) && values.value(row);
        names.append_option(pairs.iter().find(|(_, need, offer)| is(need) && !is(offer)).map(|(name, ..)| name));
    }
    Ok(Arc::new(names.finish()))
}
