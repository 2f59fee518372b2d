//! `format_allowed(allow, task, source, text_format, image_format)`: whether the project lets a sample have this format.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err, plan_err};

use crate::format::{ImageFormat, TextFormat};
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const FORMAT_ALLOWED: Function = Function {
    doc: FunctionDoc {
        name: "format_allowed",
        signature: "format_allowed(allow, task, source, text_format, image_format)",
        summary: "whether the TOML table `allow` lets a task and a source have a format",
        details: "\
`allow` is a TOML table. Its keys are tasks, sources and \"*\" for anything; its values are lists of \"text/image\", where \"*\" is \
any: `office = [\"natural/*\", \"mark/boxes\"]`. A sample must be allowed by every key that names it; without a key that does, \
everything is allowed.",
        example: Example {
            sql: "SELECT format_allowed('office = [\"natural/*\"]', 'size_comparison', 'office', 'mark', 'boxes')",
            result: "false",
        },
        cost: Cost::Cheap,
    },
    return_type: |types| match types.len() {
        5 => Ok(DataType::Boolean),
        n => plan_err!("`format_allowed` takes five arguments and not {n}"),
    },
    call: Call::Values(call),
};

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let allow = parse(arguments.constant_text(0)?.unwrap_or_default())?;
    let [task, source, text, image] = [1, 2, 3, 4].map(|at| arguments.text(at));
    let (task, source, text, image) = (task?, source?, text?, image?);
    let allowed = |row: usize| {
        let of = |name: &str| {
            allow.get(name).is_none_or(|patterns| {
                patterns.iter().any(|[wanted_text, wanted_image]| {
                    fits(wanted_text, text.value(row)) && fits(wanted_image, image.value(row))
                })
            })
        };
        of("*") && of(task.value(row)) && of(source.value(row))
    };
    Ok(Arc::new((0..arguments.rows()).map(|row| Some(allowed(row))).collect::<BooleanArray>()))
}

fn fits(wanted: &str, value: &str) -> bool {
    wanted == "*" || wanted == value
}

fn parse(text: &str) -> Result<BTreeMap<String, Vec<[String; 2]>>> {
    let hint = "each key is a task, a source or \"*\", and each value a list such as [\"natural/*\", \"mark/boxes\"]";
    let lists: BTreeMap<String, Vec<String>> = match toml::from_str(text) {
        Ok(lists) => lists,
        Err(error) => return exec_err!("`formats.allow` is wrong: {}; {hint}", error.message()),
    };
    let mut allow = BTreeMap::new();
    for (name, patterns) in lists {
        let mut pairs = Vec::new();
        for pattern in patterns {
            let Some((text, image)) = pattern.split_once('/').filter(|(text, image)| {
                (*text == "*" || TextFormat::named(text).is_some())
                    && (*image == "*" || ImageFormat::named(image).is_some())
            }) else {
                return exec_err!("`formats.allow` names the format `{pattern}`, which is none; {hint}");
            };
            pairs.push([text.to_owned(), image.to_owned()]);
        }
        allow.insert(name, pairs);
    }
    Ok(allow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_format_is_refused() {
        assert!(parse("'*' = ['*/*']\noffice = ['mark/boxes']").is_ok());
        for wrong in ["office = 'natural/*'", "office = ['natural']", "office = ['natural/box']", "office ="] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
