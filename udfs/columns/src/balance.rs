//! `balance(strata, targets, max_number_share, min_keep_rate)`: what part of each stratum of samples to keep, so that the shares are those
//! wanted.
//!
//! Targets are a TOML table. A dimension that is not named stays as it is.
//!
//! ```toml
//! source = "uniform"                                   # as many samples of each source
//! task = { position_comparison = 0.6, size_comparison = 0.4 }
//! axis = { lateral = 1, vertical = 1, depth = 1 }      # topics: left and right together, above and below together, ...
//! relation = "uniform"                                 # left as often as wider; of a task with relations of its own, within it and among
//!                                                      # choices of as many options
//! answer_form = { yes_no = 2, choice = 1, open = 1 }   # shares are relative to each other
//! answer = "uniform"                                   # within each task, relation, answer form and format: as many yes as no
//! format = "uniform"                                   # text/image: as many natural/original as mark/numbers, and so on; of a task with
//!                                                      # relations of its own, within it: it may have few formats
//! shortcut = { box = 1, none = 1 }                     # what gives the answer without a look at the scene
//! text_format = { natural = 3, mark = 1 }              # or each side of it alone, as image_format
//! ```
//!
//! How many cups a table has is for the world to say: `answer = "uniform"` keeps numbers as they are, and thins only those that would be
//! right more often than `max_number_share` allows of one relation; in a choice of four, more often than a quarter. No scarce value may push
//! what is kept of its dimension below `min_keep_rate`.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, StringArray};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{Result, exec_err, plan_err};
use serde::Deserialize;
use spatialmill_geometry::balance::{Cell, Margin, Rules, keep_rates};
use spatialmill_geometry::options::capped;
use spatialmill_geometry::relate::RELATIONS;

use crate::lists::{Lists, list_type, lists_of};
use crate::record::{Numbers, Record, Shape};
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const BALANCE: Function = Function {
    doc: FunctionDoc {
        name: "balance",
        signature: "balance(strata, targets, max_number_share, min_keep_rate)",
        summary: "the strata with a keep rate each, so that what is kept has the shares that the TOML text `targets` asks for, no number is the answer to more than `max_number_share` of open countings, and no scarce value pushes what is kept below `min_keep_rate`",
        details: "\
`strata` is one list of (source, task, relation, topic, answer_form, answer, text_format, image_format, shortcut, samples), \
`targets` a TOML table: `task = { position_comparison = 0.6, size_comparison = 0.4 }`, `answer = \"uniform\"`, `source = \
\"uniform\"` and so on; `[balance]` of mill.toml explains the keys. Out comes the same list with `rate`, the part of each \
stratum to keep. The rates are found by raking (iterative proportional fitting), so that the shares of what is kept are those \
of the targets, with as many samples as possible. A dimension without a target stays as it is.",
        example: Example {
        sql: "SELECT round(rate, 3) FROM (SELECT unnest(unnest(balance([
            {source: 'office', task: 'size_comparison', relation: 'wider', topic: 'width', answer_form: 'yes_no', answer: 'yes',
                text_format: 'mark', image_format: 'boxes', shortcut: 'none', samples: 800},
            {source: 'office', task: 'size_comparison', relation: 'wider', topic: 'width', answer_form: 'yes_no', answer: 'no',
                text_format: 'mark', image_format: 'boxes', shortcut: 'none', samples: 200}
        ], 'answer = \"uniform\"', 0.35, 0.05)))) AS t(source, task, relation, topic, answer_form, answer, text_format, image_format, shortcut, samples, rate)",
        result: "0.25",
    },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [strata, _, max_number_share, min_keep_rate] => {
            Shape::Number.check("balance", "max_number_share", max_number_share)?;
            Shape::Number.check("balance", "min_keep_rate", min_keep_rate)?;
            Shape::List(STRATUM).check("balance", "strata", strata)?;
            Ok(list_type(rated(&fields_of(strata))))
        }
        _ => plan_err!("`balance` takes four arguments, strata, targets and two shares, and not {}", types.len()),
    },
    call: Call::Values(call),
};

const STRATUM: &[(&str, Shape)] = &[
    ("source", Shape::Text),
    ("task", Shape::Text),
    ("relation", Shape::Text),
    ("topic", Shape::Text),
    ("answer_form", Shape::Text),
    ("answer", Shape::Text),
    ("text_format", Shape::Text),
    ("image_format", Shape::Text),
    ("shortcut", Shape::Text),
    ("samples", Shape::Number),
];

/// What a target may be given for.
pub const DIMENSIONS: &[&str] = &[
    "source",
    "task",
    "axis",
    "relation",
    "answer_form",
    "answer",
    "text_format",
    "image_format",
    "format",
    "shortcut",
];

/// What is wanted of each dimension.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Targets {
    source: Option<Wanted>,
    task: Option<Wanted>,
    axis: Option<Wanted>,
    relation: Option<Wanted>,
    answer_form: Option<Wanted>,
    answer: Option<Wanted>,
    text_format: Option<Wanted>,
    image_format: Option<Wanted>,
    format: Option<Wanted>,
    shortcut: Option<Wanted>,
}

/// The two shares that bound what balancing does; see the module.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    max_number_share: f64,
    min_keep_rate: f64,
}

/// Of the four numbers of a choice, each is to be right equally often.
const QUARTER: f64 = 0.25;

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Wanted {
    Shares(BTreeMap<String, f64>),
    Word(Word),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Uniform,
}

impl Wanted {
    fn of(&self, value: &str) -> Option<f64> {
        match self {
            Self::Shares(shares) => shares.get(value).copied(),
            Self::Word(Word::Uniform) => Some(1.0),
        }
    }
}

impl Targets {
    pub fn parse(text: &str) -> Result<Self> {
        let targets: Self = match toml::from_str(text) {
            Ok(targets) => targets,
            Err(error) => {
                let message = error.message();
                return exec_err!(
                    "the balance targets are wrong: {message}; a dimension is \"uniform\" or {{ value = share }}"
                );
            }
        };
        for wanted in targets.dimensions().into_iter().flatten() {
            if let Wanted::Shares(shares) = wanted
                && let Some((value, share)) = shares.iter().find(|(_, share)| !share.is_finite() || **share < 0.0)
            {
                return exec_err!("the balance target of `{value}` is {share}; a share is 0 or more");
            }
        }
        Ok(targets)
    }

    /// Whether no answer is to be more likely than another.
    pub fn evens_answers(&self) -> bool {
        matches!(self.answer, Some(Wanted::Word(Word::Uniform)))
    }

    fn dimensions(&self) -> [Option<&Wanted>; 10] {
        let formats = [&self.text_format, &self.image_format, &self.format, &self.shortcut];
        let [text, image, both, shortcut] = formats.map(Option::as_ref);
        let [source, task, axis, relation, form, answer] =
            [&self.source, &self.task, &self.axis, &self.relation, &self.answer_form, &self.answer].map(Option::as_ref);
        [source, task, axis, relation, form, answer, text, image, both, shortcut]
    }
}

fn fields_of(strata: &DataType) -> Fields {
    match strata {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => match item.data_type() {
            DataType::Struct(fields) => fields.clone(),
            _ => Fields::empty(),
        },
        _ => Fields::empty(),
    }
}

fn rated(fields: &Fields) -> Fields {
    fields.iter().cloned().chain([Arc::new(Field::new("rate", DataType::Float64, false))]).collect()
}

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let strata = Lists::new(&arguments.column(0)?)?;
    let targets = Targets::parse(arguments.constant_text(1)?.unwrap_or_default())?;
    let share = |i: usize| -> Result<f64> {
        let column = Numbers::of(&arguments.column(i)?)?;
        // Without a row there is nothing to balance.
        let share = column.or_nan().first().copied().unwrap_or(1.0);
        if (0.0..=1.0).contains(&share) { Ok(share) } else { exec_err!("a share is 0 to 1 and not {share}") }
    };
    let bounds = Bounds { max_number_share: share(2)?, min_keep_rate: share(3)? };
    let mut rates = vec![1.0; strata.values.len()];
    let mut lengths = Vec::with_capacity(arguments.rows());
    let columns = if strata.values.is_empty() { None } else { Some(Strata::new(&Record(&strata.values))?) };
    for rows in strata.ranges() {
        let mut rows: Vec<usize> = rows.unwrap_or_default().collect();
        lengths.push(rows.len());
        if let Some(columns) = &columns {
            // One order, whatever order an aggregation gave them, so that the rates' last digits are the same too.
            rows.sort_by_key(|row| columns.key(*row));
            for (row, rate) in rows.iter().zip(columns.rates(&rows, &targets, bounds)) {
                rates[*row] = rate;
            }
        }
    }
    let fields = rated(strata.values.fields());
    let columns = strata.values.columns().iter().cloned().chain([Arc::new(Float64Array::from(rates)) as ArrayRef]);
    lists_of(fields, columns.collect(), lengths, strata.nulls().cloned())
}

/// The columns of all strata.
struct Strata {
    source: StringArray,
    task: StringArray,
    relation: StringArray,
    topic: StringArray,
    answer_form: StringArray,
    answer: StringArray,
    text_format: StringArray,
    image_format: StringArray,
    shortcut: StringArray,
    samples: Vec<u64>,
}

impl Strata {
    fn new(record: &Record) -> Result<Self> {
        Ok(Self {
            source: record.text("source")?,
            task: record.text("task")?,
            relation: record.text("relation")?,
            topic: record.text("topic")?,
            answer_form: record.text("answer_form")?,
            answer: record.text("answer")?,
            text_format: record.text("text_format")?,
            image_format: record.text("image_format")?,
            shortcut: record.text("shortcut")?,
            // NaN, of a null, becomes 0.
            samples: record.number("samples")?.or_nan().iter().map(|n| *n as u64).collect(),
        })
    }

    fn key(&self, row: usize) -> ([&str; 8], u64) {
        let what = [&self.source, &self.task, &self.relation, &self.answer_form, &self.answer];
        let [source, task, relation, form, answer] = what.map(|column| column.value(row));
        let how = [&self.text_format, &self.image_format, &self.shortcut];
        let [text, image, shortcut] = how.map(|column| column.value(row));
        ([source, task, relation, form, answer, text, image, shortcut], self.samples[row])
    }

    /// The keep rates of `rows`, in their order.
    fn rates(&self, rows: &[usize], targets: &Targets, bounds: Bounds) -> Vec<f64> {
        let whole = |column: &'_ StringArray, row: usize| Some((String::new(), column.value(row).to_owned()));
        let margins = [
            margins(rows, &targets.source, |row| whole(&self.source, row)),
            margins(rows, &targets.task, |row| whole(&self.task, row)),
            margins(rows, &targets.axis, |row| whole(&self.topic, row)),
            margins(rows, &targets.relation, |row| {
                let options = self.answer.value(row).split_once(" of ").map_or("", |(_, options)| options);
                let family = self.family(row, &targets.relation);
                let group = if family.is_empty() { family } else { format!("{family}/{options}") };
                Some((group, self.relation.value(row).to_owned()))
            }),
            margins(rows, &targets.answer_form, |row| whole(&self.answer_form, row)),
            margins(rows, &targets.answer, |row| self.answered(row, targets)),
            margins(rows, &targets.text_format, |row| {
                Some((self.family(row, &targets.text_format), self.text_format.value(row).to_owned()))
            }),
            margins(rows, &targets.image_format, |row| {
                Some((self.family(row, &targets.image_format), self.image_format.value(row).to_owned()))
            }),
            margins(rows, &targets.format, |row| Some((self.family(row, &targets.format), self.format(row)))),
            // Within each axis: what the boxes tell of near and far says nothing of what they tell of widths.
            margins(rows, &targets.shortcut, |row| {
                Some((self.topic.value(row).to_owned(), self.shortcut.value(row).to_owned()))
            }),
            self.numbers(rows, targets, bounds),
        ];
        let counts: Vec<u64> = rows.iter().map(|row| self.samples[*row]).collect();
        let rules = Rules { least_kept: bounds.min_keep_rate };
        keep_rates(&counts, &margins.concat(), &rules).rates
    }

    /// Among which strata a dimension is evened out. Tasks that ask about the twelve relations of two objects do so together. One with relations of its own is
    /// balanced alone: a task of one relation would else be a twelfth of the others, and one that has no marks would take from them all formats that
    /// have some. Shares that are given one by one are those of the whole dataset.
    fn family(&self, row: usize, wanted: &Option<Wanted>) -> String {
        match wanted {
            Some(Wanted::Word(Word::Uniform)) if !self.is_shared(row) => self.task.value(row).to_owned(),
            _ => String::new(),
        }
    }

    /// Whether the relation is one of the twelve of two objects, which several tasks ask about.
    fn is_shared(&self, row: usize) -> bool {
        RELATIONS.iter().any(|relation| relation.name == self.relation.value(row))
    }

    /// What is asked, and the answer: answers are balanced among those to one kind of question.
    fn answered(&self, row: usize, targets: &Targets) -> Option<(String, String)> {
        let form = self.answer_form.value(row);
        if self.is_number(row) && targets.evens_answers() {
            return None;
        }
        // Within each format too, so that none of them gives an answer away.
        let answer = self.answer.value(row);
        // "C of 4": letters are balanced among choices of as many options.
        let (answer, options) = answer.split_once(" of ").unwrap_or((answer, ""));
        let question = [self.task.value(row), self.relation.value(row), form, options, &self.format(row)].join("/");
        Some((question, answer.to_owned()))
    }

    /// Whether the answer is a number: one that is asked for, or one of four.
    fn is_number(&self, row: usize) -> bool {
        self.answer.value(row).bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    }

    /// For each task that counts, each form of its questions and each relation that they ask about: the numbers that are right too often,
    /// each, and all others together. By relation, because more objects are beside a table than above it, and a question says which it means.
    fn numbers(&self, rows: &[usize], targets: &Targets, bounds: Bounds) -> Vec<Margin> {
        if !targets.evens_answers() {
            return Vec::new();
        }
        let mut groups: BTreeMap<[&str; 3], BTreeMap<&str, Vec<usize>>> = BTreeMap::new();
        for (stratum, row) in rows.iter().enumerate().filter(|(_, row)| self.is_number(**row)) {
            let group = [&self.task, &self.answer_form, &self.relation].map(|column| column.value(*row));
            groups.entry(group).or_default().entry(self.answer.value(*row)).or_default().push(stratum);
        }
        let of_group = |([_, form, _], values): ([&str; 3], BTreeMap<&str, Vec<usize>>)| {
            let strata: Vec<Vec<usize>> = values.into_values().collect();
            let times = |strata: &Vec<usize>| strata.iter().map(|stratum| self.samples[rows[*stratum]]).sum();
            let times: Vec<u64> = strata.iter().map(times).collect();
            let most = match form {
                "choice" => QUARTER,
                _ => bounds.max_number_share,
            };
            let kept = capped(&times, most, bounds.min_keep_rate);
            let (mut cells, mut others) = (Vec::new(), Cell { strata: Vec::new(), target: 0.0 });
            for ((strata, n), kept) in strata.into_iter().zip(times).zip(kept) {
                if kept < n as f64 {
                    cells.push(Cell { strata, target: kept });
                } else {
                    others.strata.extend(strata);
                    others.target += kept;
                }
            }
            cells.push(others);
            Margin { cells }
        };
        groups.into_iter().map(of_group).collect()
    }

    fn format(&self, row: usize) -> String {
        [self.text_format.value(row), self.image_format.value(row)].join("/")
    }
}

/// The margins of one dimension: one for each group, in it a cell for each value that a share is wanted of. `place` gives the
/// group and the value of a row.
fn margins(rows: &[usize], wanted: &Option<Wanted>, place: impl Fn(usize) -> Option<(String, String)>) -> Vec<Margin> {
    let Some(wanted) = wanted else { return Vec::new() };
    let mut groups: BTreeMap<String, BTreeMap<String, Vec<usize>>> = BTreeMap::new();
    for (stratum, row) in rows.iter().enumerate() {
        if let Some((group, value)) = place(*row) {
            groups.entry(group).or_default().entry(value).or_default().push(stratum);
        }
    }
    let cell = |(value, strata): (String, Vec<usize>)| wanted.of(&value).map(|target| Cell { strata, target });
    groups.into_values().map(|values| Margin { cells: values.into_iter().filter_map(cell).collect() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(strata: &[([&str; 5], u64)], targets: &str, expected: &[f64]) {
        check_bounded(strata, targets, 0.35, expected);
    }

    fn check_bounded(strata: &[([&str; 5], u64)], targets: &str, max_number_share: f64, expected: &[f64]) {
        let column = |k: usize| StringArray::from_iter_values(strata.iter().map(|(values, _)| values[k]));
        let columns = Strata {
            source: column(0),
            task: column(1),
            relation: column(2),
            topic: column(2)
                .iter()
                .map(|relation| RELATIONS.iter().find(|known| Some(known.name) == relation).map(|known| known.axis))
                .collect(),
            answer_form: column(3),
            answer: column(4),
            text_format: StringArray::from_iter_values(strata.iter().map(|_| "natural")),
            image_format: StringArray::from_iter_values(strata.iter().map(|_| "original")),
            shortcut: StringArray::from_iter_values(strata.iter().map(|_| "none")),
            samples: strata.iter().map(|(_, samples)| *samples).collect(),
        };
        let rows: Vec<usize> = (0..strata.len()).collect();
        let rates = columns.rates(
            &rows,
            &Targets::parse(targets).expect("good targets"),
            Bounds { max_number_share, min_keep_rate: 0.05 },
        );
        assert!(rates.iter().zip(expected).all(|(a, b)| (a - b).abs() < 2e-3), "{rates:?}, expected {expected:?}");
    }

    #[test]
    fn answers_are_balanced_within_their_kind_of_question() {
        let strata = [
            (["coco", "position_comparison", "left", "yes_no", "yes"], 600),
            (["coco", "position_comparison", "left", "yes_no", "no"], 300),
            (["coco", "position_comparison", "near", "yes_no", "yes"], 10),
            (["coco", "position_comparison", "near", "yes_no", "no"], 40),
        ];
        check(&strata, "answer = 'uniform'", &[0.5, 1.0, 1.0, 0.25]);
    }

    #[test]
    fn tasks_with_relations_of_their_own_take_nothing_from_others() {
        let strata = [
            (["homes", "position_comparison", "left", "yes_no", "yes"], 900),
            (["homes", "position_comparison", "near", "yes_no", "yes"], 300),
            (["homes", "room_size", "floor_area", "number", "20"], 3),
            (["homes", "relative_direction", "direction_left", "choice", "A of 2"], 50),
            (["homes", "relative_direction", "direction_left", "choice", "A of 3"], 40),
            (["homes", "relative_direction", "direction_back", "choice", "A of 3"], 10),
        ];
        check(&strata, "relation = 'uniform'\nformat = 'uniform'", &[1.0 / 3.0, 1.0, 1.0, 1.0, 0.25, 1.0]);
    }

    #[test]
    fn letters_are_balanced_among_choices_of_as_many_options() {
        let letter = |letter, samples| (["homes", "rotation_estimation", "clockwise", "choice", letter], samples);
        let strata = [
            letter("A of 2", 500),
            letter("B of 2", 500),
            letter("A of 3", 80),
            letter("B of 3", 40),
            letter("C of 3", 40),
        ];
        check(&strata, "answer = 'uniform'", &[1.0, 1.0, 0.5, 1.0, 1.0]);
    }

    #[test]
    fn no_number_is_right_too_often() {
        let number = |form, n, samples| (["coco", "object_counting", "left", form, n], samples);
        let strata = [
            number("number", "1", 900),
            number("number", "2", 50),
            number("number", "3", 50),
            number("number", "4", 30),
            number("choice", "1", 900),
            number("choice", "2", 100),
            number("choice", "3", 100),
            number("choice", "4", 100),
        ];
        // 70 of 200 are 35 %; a quarter each.
        let rates = [70.0 / 900.0, 1.0, 1.0, 1.0, 1.0 / 9.0, 1.0, 1.0, 1.0];
        check(&strata, "answer = 'uniform'", &rates);
        check_bounded(&strata[..4], "answer = 'uniform'", 0.5, &[130.0 / 900.0, 1.0, 1.0, 1.0]);
        check(&strata[..2], "answer = { 1 = 1, 2 = 1 }", &[50.0 / 900.0, 1.0]);
    }

    #[test]
    fn an_axis_is_both_of_its_relations() {
        let strata = [
            (["coco", "position_comparison", "left", "yes_no", "yes"], 30),
            (["coco", "position_comparison", "right", "yes_no", "yes"], 10),
            (["coco", "position_comparison", "above", "yes_no", "yes"], 20),
        ];
        check(&strata, "axis = 'uniform'", &[0.5, 0.5, 1.0]);
        check(&strata, "relation = { left = 1, right = 1 }", &[1.0 / 3.0, 1.0, 1.0]);
        check(&strata, "", &[1.0, 1.0, 1.0]);
    }

    #[test]
    fn every_dimension_is_one_of_the_targets() {
        for dimension in DIMENSIONS {
            Targets::parse(&format!("{dimension} = 'uniform'")).expect(dimension);
        }
    }

    #[test]
    fn targets_that_are_wrong_are_refused() {
        for wrong in ["task = 'even'", "colour = 'uniform'", "task = { a = -1 }", "task = { a = nan }", "task ="] {
            assert!(Targets::parse(wrong).is_err(), "{wrong}");
        }
    }
}
