//! `debias_names(facts, targets)`: what share to keep of the facts of each category pair and relation, so that the categories do not predict the
//! relation.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{Result, plan_err};
use spatialmill_geometry::debias::{Facts, debias_rates};

use crate::balance::Targets;
use crate::lists::{Lists, list_type, lists_of};
use crate::record::{Record, Shape};
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const DEBIAS_NAMES: Function = Function {
    doc: FunctionDoc {
        name: "debias_names",
        signature: "debias_names(facts, targets)",
        summary: "the facts (source, subject_category, object_category, topic, relation, opposite, n) with the share to keep of each, so that neither category nor both of them predict which relation of a topic holds; all of them where the TOML text `targets` does not ask for answer = \"uniform\"",
        details: "\
`facts` is one list of (source, subject_category, object_category, topic, relation, opposite, n), `targets` the TOML table of `balance`. Out \
comes the same list with `share`, the part to keep. \"Is there a picture above the table?\" is answered without a look where \
pictures are always above tables. So, for each pair of categories and for each category alone, as many facts are kept of one \
relation of a topic as of its opposite.\n\n\
Every share is 1 where the targets do not ask for `answer = \"uniform\"`.",
        example: Example {
        sql:
            "SELECT string_agg(concat(relation, ' ', share), ', ' ORDER BY relation) FROM (SELECT unnest(unnest(debias_names([
            {source: 'a', subject_category: 'cup', object_category: 'table', topic: 'vertical', relation: 'above', opposite: 'below', n: 8},
            {source: 'a', subject_category: 'cup', object_category: 'table', topic: 'vertical', relation: 'below', opposite: 'above', n: 3}
        ], 'answer = \"uniform\"')))) AS t(source, subject_category, object_category, topic, relation, opposite, n, share)",
        result: "above 0.5, below 1.0",
    },
        cost: Cost::Cheap,
    },
    return_type: |types| match types {
        [facts, _] => {
            Shape::List(FACT).check("debias_names", "facts", facts)?;
            Ok(list_type(shared(&fields_of(facts))))
        }
        _ => plan_err!("`debias_names` takes two arguments, facts and targets, and not {}", types.len()),
    },
    call: Call::Values(call),
};

const FACT: &[(&str, Shape)] = &[
    ("source", Shape::Text),
    ("subject_category", Shape::Text),
    ("object_category", Shape::Text),
    ("topic", Shape::Text),
    ("relation", Shape::Text),
    ("opposite", Shape::Text),
    ("n", Shape::Number),
];

fn fields_of(facts: &DataType) -> Fields {
    match facts {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => match item.data_type() {
            DataType::Struct(fields) => fields.clone(),
            _ => Fields::empty(),
        },
        _ => Fields::empty(),
    }
}

fn shared(fields: &Fields) -> Fields {
    fields.iter().cloned().chain([Arc::new(Field::new("share", DataType::Float64, false))]).collect()
}

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let facts = Lists::new(&arguments.column(0)?)?;
    let even = Targets::parse(arguments.constant_text(1)?.unwrap_or_default())?.evens_answers();
    let mut shares = vec![1.0; facts.values.len()];
    let mut lengths = Vec::with_capacity(arguments.rows());
    let columns = if facts.values.is_empty() || !even { None } else { Some(columns(&Record(&facts.values))?) };
    for rows in facts.ranges() {
        let mut rows: Vec<usize> = rows.unwrap_or_default().collect();
        lengths.push(rows.len());
        if let Some((words, n)) = &columns {
            let key = |row: usize| words.each_ref().map(|column| column.value(row));
            // One order, whatever order an aggregation gave them, so that the shares' last digits are the same too.
            rows.sort_by_key(|row| key(*row));
            let facts: Vec<Facts<[String; 4]>> = rows.iter().map(|row| fact(key(*row), n[*row])).collect();
            for (row, share) in rows.iter().zip(debias_rates(&facts)) {
                shares[*row] = share;
            }
        }
    }
    let fields = shared(facts.values.fields());
    let columns = facts.values.columns().iter().cloned().chain([Arc::new(Float64Array::from(shares)) as ArrayRef]);
    lists_of(fields, columns.collect(), lengths, facts.nulls().cloned())
}

/// The texts of a fact, as [`FACT`] lists them, and how many there are.
type Columns = ([arrow::array::StringArray; 6], Vec<f64>);

fn columns(record: &Record) -> Result<Columns> {
    let names = ["source", "subject_category", "object_category", "topic", "relation", "opposite"];
    let [source, subject_category, object_category, topic, relation, opposite] = names.map(|name| record.text(name));
    let words = [source?, subject_category?, object_category?, topic?, relation?, opposite?];
    Ok((words, record.number("n")?.or_nan().to_vec()))
}

/// A fact belongs to three cells of its topic: both categories, either of them. A relation without an opposite has an empty one.
fn fact(
    [source, subject_category, object_category, topic, relation, opposite]: [&str; 6],
    n: f64,
) -> Facts<[String; 4]> {
    let cell = |subject_category: &str, object_category: &str| {
        [source, topic, subject_category, object_category].map(str::to_owned)
    };
    Facts {
        cells: vec![cell(subject_category, object_category), cell(subject_category, ""), cell("", object_category)],
        first: opposite.is_empty() || relation < opposite,
        // NaN, of a null, becomes 0.
        n: n as u64,
    }
}
