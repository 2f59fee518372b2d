//! SQL functions of one name: `noun_phrase`, `plural`, `a_an`, `is_are` and `countable`. Null stays null.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::{Result, plan_err};

use crate::{Arguments, Example, Function, nouns, reserved};

/// See [`reserved`] for what is taken out of a name.
pub const NOUN_PHRASE: Function = Function {
    name: "noun_phrase",
    usage: "noun_phrase(text)",
    doc: "a caption or category as a name fit for a sentence, without article and control words; null where no name is left",
    example: Example { sql: "SELECT noun_phrase('A red chair <image>.')", answer: "red chair ‹image›" },
    answer: |types| one_text("noun_phrase", types).map(|()| DataType::Utf8),
    call: |arguments| text(arguments, reserved::noun_phrase),
};

pub const PLURAL: Function = Function {
    name: "plural",
    usage: "plural(noun)",
    doc: "several of what a noun phrase names",
    example: Example { sql: "SELECT plural('cup of tea')", answer: "cups of tea" },
    answer: |types| one_text("plural", types).map(|()| DataType::Utf8),
    call: |arguments| text(arguments, |noun| Some(nouns::plural(noun))),
};

pub const A_AN: Function = Function {
    name: "a_an",
    usage: "a_an(noun)",
    doc: "a noun phrase with its indefinite article: a, an, or some",
    example: Example { sql: "SELECT a_an('umbrella')", answer: "an umbrella" },
    answer: |types| one_text("a_an", types).map(|()| DataType::Utf8),
    call: |arguments| text(arguments, |noun| Some(nouns::a_an(noun))),
};

pub const IS_ARE: Function = Function {
    name: "is_are",
    usage: "is_are(noun)",
    doc: "the verb that agrees with a noun phrase",
    example: Example { sql: "SELECT is_are('pair of scissors') || ', ' || is_are('scissors')", answer: "is, are" },
    answer: |types| one_text("is_are", types).map(|()| DataType::Utf8),
    call: |arguments| text(arguments, |noun| Some(nouns::is_are(noun).to_owned())),
};

pub const COUNTABLE: Function = Function {
    name: "countable",
    usage: "countable(noun)",
    doc: "true for what there can be one, two, three of; false for scissors, kitchen cabinets and furniture",
    example: Example { sql: "SELECT countable('chair') AND NOT countable('furniture')", answer: "true" },
    answer: |types| one_text("countable", types).map(|()| DataType::Boolean),
    call: |arguments| {
        let names = arguments.text(0)?;
        Ok(Arc::new(names.iter().map(|name| name.map(nouns::countable)).collect::<BooleanArray>()))
    },
};

fn one_text(function: &str, types: &[DataType]) -> Result<()> {
    match types {
        [DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null] => Ok(()),
        [other] => plan_err!("`{function}` takes a text, not a {other}"),
        _ => plan_err!("`{function}` takes one argument and not {}", types.len()),
    }
}

fn text(arguments: &Arguments, of: impl Fn(&str) -> Option<String>) -> Result<ArrayRef> {
    let names = arguments.text(0)?;
    Ok(Arc::new(names.iter().map(|name| name.and_then(&of)).collect::<StringArray>()))
}
