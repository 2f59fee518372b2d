//! SQL functions of one name: `noun_phrase`, `plural`, `a_an`, `is_are` and `countable`. Null stays null.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::{Result, plan_err};

use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc, nouns, reserved};

pub const NOUN_PHRASE: Function = Function {
    doc: FunctionDoc {
        name: "noun_phrase",
        signature: "noun_phrase(text)",
        summary: "a caption or category as a name fit for a sentence, without article and control words; null where no name is left",
        details: "\
Articles at the beginning, a full stop at the end, line breaks and control characters are removed; words that a trainer would \
obey, such as <image> or <box>, are written with other brackets. Null where no name is left.",
        example: Example { sql: "SELECT noun_phrase('A red chair <image>.')", result: "red chair ‹image›" },
        cost: Cost::Cheap,
    },
    return_type: |types| one_text("noun_phrase", types).map(|()| DataType::Utf8),
    call: Call::Values(|arguments| text(arguments, reserved::noun_phrase)),
};

pub const PLURAL: Function = Function {
    doc: FunctionDoc {
        name: "plural",
        signature: "plural(noun)",
        summary: "several of what a noun phrase names",
        details: "\
The word that carries the number is the head of the phrase: cups in \"cups of tea\", table in \"dining table\". Plurals follow \
English spelling rules and a short list of exceptions. What is plural already stays.",
        example: Example { sql: "SELECT plural('cup of tea')", result: "cups of tea" },
        cost: Cost::Cheap,
    },
    return_type: |types| one_text("plural", types).map(|()| DataType::Utf8),
    call: Call::Values(|arguments| text(arguments, |noun| Some(nouns::plural(noun)))),
};

pub const A_AN: Function = Function {
    doc: FunctionDoc {
        name: "a_an",
        signature: "a_an(noun)",
        summary: "a noun phrase with its indefinite article: a, an, or some",
        details: "\
The article follows the sound of the first word (an hour, a uniform); \"some\" stands before plurals and before what cannot be \
counted.",
        example: Example { sql: "SELECT a_an('umbrella')", result: "an umbrella" },
        cost: Cost::Cheap,
    },
    return_type: |types| one_text("a_an", types).map(|()| DataType::Utf8),
    call: Call::Values(|arguments| text(arguments, |noun| Some(nouns::a_an(noun)))),
};

pub const IS_ARE: Function = Function {
    doc: FunctionDoc {
        name: "is_are",
        signature: "is_are(noun)",
        summary: "the verb that agrees with a noun phrase",
        details: "\
By the head of the phrase: \"cups of tea are\", \"a pair of scissors is\".",
        example: Example { sql: "SELECT is_are('pair of scissors') || ', ' || is_are('scissors')", result: "is, are" },
        cost: Cost::Cheap,
    },
    return_type: |types| one_text("is_are", types).map(|()| DataType::Utf8),
    call: Call::Values(|arguments| text(arguments, |noun| Some(nouns::is_are(noun).to_owned()))),
};

pub const COUNTABLE: Function = Function {
    doc: FunctionDoc {
        name: "countable",
        signature: "countable(noun)",
        summary: "true for what there can be one, two, three of; false for scissors, kitchen cabinets and furniture",
        details: "\
False for plurals without a singular (scissors), for phrases that are plural already (kitchen cabinets), and for masses \
(furniture, water).",
        example: Example { sql: "SELECT countable('chair') AND NOT countable('furniture')", result: "true" },
        cost: Cost::Cheap,
    },
    return_type: |types| one_text("countable", types).map(|()| DataType::Boolean),
    call: Call::Values(|arguments| {
        let names = arguments.text(0)?;
        Ok(Arc::new(names.iter().map(|name| name.map(nouns::countable)).collect::<BooleanArray>()))
    }),
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
