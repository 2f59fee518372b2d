//! SQL functions over phrases: `template`, `wording`, `opposite`, `relation_in_turn` and `topic`.
//!
//! The phrases are compiled before the functions are registered; per row, pieces of text are copied into Arrow buffers.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, ListBuilder, StringArray, StringBuilder, StructArray};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, Float64Type};
use datafusion::common::{Result, exec_datafusion_err, exec_err, plan_err};

use crate::arguments::text;
use crate::format::{ImageFormat, TextFormat};
use crate::lists::Lists;
use crate::phrases::noun_cache::NounCache;
use crate::phrases::reference::Mark;
use crate::phrases::render::Asked;
use crate::phrases::topics::{RelationId, Topics};
use crate::phrases::{Phrases, Worded};
use crate::slots::Slots;
use crate::{Call, Cost, Example, Function, FunctionDoc};

pub const TEMPLATE: Function = Function {
    doc: FunctionDoc {
        name: "template",
        signature: "template(task, shape, relation, answer, draw)",
        summary: "the id of the template that a draw in [0, 1) picks",
        details: "\
`shape` is yes_no, fixed yes_no, choice of object, choice of number, choice of 2, 3 or 4, open or number. Wordings are \
numbered from 1 in the files `queries/5_ask/<task>/phrases*.toml`; the id names the wording of the question and that of the \
answer. The draw picks evenly among those that suit the relation and the answer, and among packs by the shares of \
`formats.packs`. An error where no wording suits.",
        example: Example {
            sql: "SELECT template('position_comparison', 'yes_no', 'left', 'yes', 0.0)",
            result: "position_comparison/yes_no/1/yes-1",
        },
        cost: Cost::Cheap,
    },
    return_type: |types| takes("template", 5, types, DataType::Utf8),
    call: Call::Phrases(template),
};

pub const WORDING: Function = Function {
    doc: FunctionDoc {
        name: "wording",
        signature: "wording(template_id, relation, answer, slots, options, marks, text_format, image_format, key)",
        summary: "a question and its answer and options, in the words of a format",
        details: "\
Fills a template. `slots` is a list of what `object_slot` and its like give, `options` the options in their order, `marks` \
what `assign_marks` gives; `key` picks one of the forms in which a relation is said, so that one sample keeps to one form. \
Out comes a struct of question, answer and options. Names agree with their verbs and articles in number; a reference is a \
name, a box or a mark, as the text format says.",
        example: Example {
            sql: "SELECT wording(template('position_comparison', 'yes_no', 'left', 'yes', 0.0), 'left', 'yes',
                [object_slot('subject', 'cup'), object_slot('object', 'jug')], NULL, NULL, 'natural', 'original', 'k')['question']",
            result: "Is the cup to the left of the jug?",
        },
        cost: Cost::Cheap,
    },
    return_type: |types| takes("wording", 9, types, DataType::Struct(WORDED.clone())),
    call: Call::Phrases(wording),
};

pub const OPPOSITE: Function = Function {
    doc: FunctionDoc {
        name: "opposite",
        signature: "opposite(relation)",
        summary: "right for left, and so on; null for a relation whose topic has no other",
        details: "\
left and right, above and below, near and far, wider and thinner, taller and shorter, larger and smaller, and the opposites \
of topics that tasks declare. An error for what is no relation of a topic.",
        example: Example { sql: "SELECT opposite('left')", result: "right" },
        cost: Cost::Cheap,
    },
    return_type: |types| takes("opposite", 1, types, DataType::Utf8),
    call: Call::Phrases(opposite),
};

pub const RELATION_IN_TURN: Function = Function {
    doc: FunctionDoc {
        name: "relation_in_turn",
        signature: "relation_in_turn(relation, flipped)",
        summary: "the relation that a turn asks about: the relation itself or its opposite; an error where its topic has no opposite",
        details: "\
Which of two opposite relations a sample asks about belongs to its turn: `flipped` is true where it is the opposite. Null \
stays null; a null `flipped` counts as false.",
        example: Example { sql: "SELECT relation_in_turn('left', true)", result: "right" },
        cost: Cost::Cheap,
    },
    return_type: |types| takes("relation_in_turn", 2, types, DataType::Utf8),
    call: Call::Phrases(relation_in_turn),
};

pub const TOPIC: Function = Function {
    doc: FunctionDoc {
        name: "topic",
        signature: "topic(relation)",
        summary: "what a relation is about: lateral for left and right, or a topic that a task declares",
        details: "\
The six axes are topics of their own (lateral, vertical, depth, width, height, volume); a task may declare others in \
`queries/5_ask/<task>/topics.toml`. An error for what is no relation of a topic.",
        example: Example { sql: "SELECT topic('left')", result: "lateral" },
        cost: Cost::Cheap,
    },
    return_type: |types| takes("topic", 1, types, DataType::Utf8),
    call: Call::Phrases(topic),
};

static WORDED: LazyLock<Fields> = LazyLock::new(|| {
    let options = Field::new_list_field(DataType::Utf8, true);
    Fields::from(vec![
        Field::new("question", DataType::Utf8, true),
        Field::new("answer", DataType::Utf8, true),
        Field::new("options", DataType::List(Arc::new(options)), true),
    ])
});

fn takes(function: &str, wanted: usize, types: &[DataType], gives: DataType) -> Result<DataType> {
    match types.len() {
        n if n == wanted => Ok(gives),
        n => plan_err!("`{function}` takes {wanted} arguments and not {n}"),
    }
}

fn template(phrases: &Phrases, arrays: &[ArrayRef]) -> Result<ArrayRef> {
    let [task, shape, relation, answer] = [0, 1, 2, 3].map(|at| text(&arrays[at]));
    let (task, shape, relation, answer) = (task?, shape?, relation?, answer?);
    let draw = cast(&arrays[4], &DataType::Float64)?;
    let draw = draw.as_primitive::<Float64Type>();
    let nulls = [task.nulls(), shape.nulls(), relation.nulls(), answer.nulls(), draw.nulls()];
    let nulls = nulls.into_iter().fold(None, |all, one| NullBuffer::union(all.as_ref(), one));
    let mut ids = StringBuilder::with_capacity(draw.len(), draw.len() * 40);
    for row in 0..draw.len() {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            ids.append_null();
            continue;
        }
        let (task, shape, relation, answer) =
            (task.value(row), shape.value(row), relation.value(row), answer.value(row));
        let id = phrases.template(task, shape, relation, answer, draw.value(row));
        ids.append_value(id.ok_or_else(|| {
            exec_datafusion_err!(
                "the phrases of `{task}` have no wording in shape `{shape}` for relation `{relation}` and answer `{answer}`; \
                 `spatialmill phrases list` counts what there is"
            )
        })?);
    }
    Ok(Arc::new(ids.finish()))
}

fn wording(phrases: &Phrases, arrays: &[ArrayRef]) -> Result<ArrayRef> {
    let (template, relation, answer) = (text(&arrays[0])?, text(&arrays[1])?, text(&arrays[2])?);
    let slots = Slots::new(&arrays[3])?;
    let items = slots.items();
    let marks = NamedMarks::new(&arrays[5])?;
    let (text_format, image_format, key) = (text(&arrays[6])?, text(&arrays[7])?, text(&arrays[8])?);
    let options = cast(&arrays[4], WORDED[2].data_type())?;
    let options = options.as_list::<i32>();
    // Of these rows alone: a slice shares its values with the rows around it.
    let offsets = options.value_offsets();
    let first = offsets[0] as usize;
    let option_texts = options.values().slice(first, offsets[options.len()] as usize - first);
    let option_texts: Vec<&str> = option_texts.as_string::<i32>().iter().map(Option::unwrap_or_default).collect();
    let options_of = |row: usize| {
        let (from, to) = (offsets[row] as usize - first, offsets[row + 1] as usize - first);
        if options.is_valid(row) { &option_texts[from..to] } else { &[] }
    };

    let rows = template.len();
    let mut questions = StringBuilder::with_capacity(rows, rows * 80);
    let mut answers = StringBuilder::with_capacity(rows, rows * 40);
    let mut worded_options = ListBuilder::new(StringBuilder::new());
    let mut names = NounCache::default();
    let mut worded = Worded::default();
    let (mut slots_of_row, mut marks_of_row) = (Vec::new(), Vec::new());
    for row in 0..rows {
        if template.is_null(row) {
            questions.append_null();
            answers.append_null();
            worded_options.append_null();
            continue;
        }
        slots.read(row, &items, &mut slots_of_row)?;
        marks.read(row, &mut marks_of_row);
        let asked = Asked {
            relation: at(Some(&relation), row),
            answer: at(Some(&answer), row),
            slots: &slots_of_row,
            options: options_of(row),
            text_format: known("text", TextFormat::named, &text_format, row)?,
            image_format: known("image", ImageFormat::named, &image_format, row)?,
            marks: &marks_of_row,
            key: at(Some(&key), row),
        };
        if !phrases.word(template.value(row), &asked, &mut names, &mut worded) {
            let (id, relation, answer) = (template.value(row), asked.relation, asked.answer);
            return exec_err!(
                "template `{id}` cannot word relation `{relation}` with answer `{answer}`: the phrases are not those that the \
                 question was made with; build `questions` again"
            );
        }
        questions.append_value(&worded.question);
        answers.append_value(&worded.answer);
        if worded.options.is_empty() {
            worded_options.append_null();
        } else {
            worded.options.iter().for_each(|option| worded_options.values().append_value(option));
            worded_options.append(true);
        }
    }
    let columns: Vec<ArrayRef> =
        vec![Arc::new(questions.finish()), Arc::new(answers.finish()), Arc::new(worded_options.finish())];
    Ok(Arc::new(StructArray::try_new(WORDED.clone(), columns, template.nulls().cloned())?))
}

/// What a text may call the marks of a question's objects.
struct NamedMarks {
    lists: Lists,
    colours: StringArray,
    labels: StringArray,
}

impl NamedMarks {
    fn new(column: &ArrayRef) -> Result<Self> {
        let lists = Lists::new(column)?;
        // An empty list in SQL is a list of nothing that has fields.
        let texts = |name: &str| match lists.values.column_by_name(name) {
            Some(values) => text(values),
            None => Ok(StringArray::new_null(lists.values.len())),
        };
        let (colours, labels) = (texts("colour")?, texts("label")?);
        Ok(Self { lists, colours, labels })
    }

    fn read<'a>(&'a self, row: usize, out: &mut Vec<Mark<'a>>) {
        out.clear();
        let name = |names: &'a StringArray, mark: usize| at(Some(names), mark);
        out.extend(
            self.lists
                .range(row)
                .map(|mark| Mark { colour: name(&self.colours, mark), label: name(&self.labels, mark) }),
        );
    }
}

fn known<T>(kind: &str, named: fn(&str) -> Option<T>, names: &StringArray, row: usize) -> Result<T> {
    let name = at(Some(names), row);
    named(name).ok_or_else(|| exec_datafusion_err!("`{name}` is no {kind} format"))
}

fn opposite(phrases: &Phrases, arrays: &[ArrayRef]) -> Result<ArrayRef> {
    let topics = phrases.topics();
    let names = text(&arrays[0])?;
    let opposites = names.iter().map(|name| {
        let Some(name) = name else { return Ok(None) };
        Ok(topics.opposite(relation_of(topics, name)?).map(|opposite| topics.relation(opposite).name.as_str()))
    });
    Ok(Arc::new(opposites.collect::<Result<StringArray>>()?))
}

fn relation_in_turn(phrases: &Phrases, arrays: &[ArrayRef]) -> Result<ArrayRef> {
    let topics = phrases.topics();
    let (names, flipped) = (text(&arrays[0])?, cast(&arrays[1], &DataType::Boolean)?);
    let flipped = flipped.as_boolean();
    let relations = names.iter().enumerate().map(|(row, name)| {
        let Some(name) = name else { return Ok(None) };
        if flipped.is_null(row) || !flipped.value(row) {
            return Ok(Some(name));
        }
        match topics.opposite(relation_of(topics, name)?) {
            Some(opposite) => Ok(Some(topics.relation(opposite).name.as_str())),
            None => exec_err!(
                "shapes `yes_no` and `choice of object` ask about two opposites in turn, and the topic of `{name}` has one relation: `fixed \
                 yes_no`, a choice of 2, 3 or 4 options, `open` and `number` need no opposite"
            ),
        }
    });
    Ok(Arc::new(relations.collect::<Result<StringArray>>()?))
}

fn topic(phrases: &Phrases, arrays: &[ArrayRef]) -> Result<ArrayRef> {
    let topics = phrases.topics();
    let names = text(&arrays[0])?;
    let topics = names.iter().map(|name| {
        let Some(name) = name else { return Ok(None) };
        Ok(Some(topics.topic(relation_of(topics, name)?).name.as_str()))
    });
    Ok(Arc::new(topics.collect::<Result<StringArray>>()?))
}

fn relation_of(topics: &Topics, name: &str) -> Result<RelationId> {
    topics.find(name).ok_or_else(|| {
        exec_datafusion_err!(
            "`{name}` is no relation of a topic; a task's own topics are in queries/5_ask/<task>/topics.toml"
        )
    })
}

fn at(array: Option<&StringArray>, row: usize) -> &str {
    array.filter(|array| array.is_valid(row)).map_or("", |array| array.value(row))
}
