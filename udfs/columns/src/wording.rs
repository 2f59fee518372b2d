//! SQL functions over phrases: `template`, `wording` and `opposite`.
//!
//! The phrases are compiled before the functions are registered; per row, pieces of text are copied into Arrow buffers.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, ListBuilder, StringArray, StringBuilder, StructArray};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, Float64Type};
use datafusion::common::{Result, exec_datafusion_err, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use crate::arguments::text;
use crate::format::{ImageFormat, TextFormat};
use crate::lists::Lists;
use crate::phrases::glossary::Glossary;
use crate::phrases::reference::Mark;
use crate::phrases::render::Asked;
use crate::phrases::{Phrases, Worded};

/// How to call each function and what it gives, for lists.
pub const USAGES: &[(&str, &str)] = &[
    ("template(task, answer_form, relation, answer, draw)", "the id of the template that a draw in [0, 1) picks"),
    (
        "wording(template_id, relation, answer, slots, options, marks, text_format, image_format, key)",
        "a question and its answer and options, in the words of a format",
    ),
    ("opposite(relation)", "right for left, and so on"),
];

/// The functions over these phrases, to be registered.
pub fn functions(phrases: &Arc<Phrases>) -> Vec<ScalarUDF> {
    let all: [(&'static str, usize, DataType, Evaluate); 3] = [
        ("template", 5, DataType::Utf8, template),
        ("wording", 9, DataType::Struct(WORDED.clone()), wording),
        ("opposite", 1, DataType::Utf8, opposite),
    ];
    all.map(|(name, arguments, returns, evaluate)| {
        let signature = Signature::any(arguments, Volatility::Immutable);
        ScalarUDF::from(OfPhrases { name, signature, returns, evaluate, phrases: phrases.clone() })
    })
    .into()
}

static WORDED: LazyLock<Fields> = LazyLock::new(|| {
    let options = Field::new_list_field(DataType::Utf8, true);
    Fields::from(vec![
        Field::new("question", DataType::Utf8, true),
        Field::new("answer", DataType::Utf8, true),
        Field::new("options", DataType::List(Arc::new(options)), true),
    ])
});

type Evaluate = fn(&Phrases, &[ArrayRef]) -> Result<ArrayRef>;

/// A function of arrays that looks things up in phrases.
#[derive(Debug)]
struct OfPhrases {
    name: &'static str,
    signature: Signature,
    returns: DataType,
    evaluate: Evaluate,
    phrases: Arc<Phrases>,
}

// Two functions are the same where they have the same name and were made from the same texts.
impl PartialEq for OfPhrases {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.phrases.fingerprint() == other.phrases.fingerprint()
    }
}

impl Eq for OfPhrases {}

impl Hash for OfPhrases {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.phrases.fingerprint().hash(state);
    }
}

impl ScalarUDFImpl for OfPhrases {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        Ok(ColumnarValue::Array((self.evaluate)(&self.phrases, &arrays)?))
    }
}

fn template(phrases: &Phrases, arrays: &[ArrayRef]) -> Result<ArrayRef> {
    let [task, form, relation, answer] = [0, 1, 2, 3].map(|at| text(&arrays[at]));
    let (task, form, relation, answer) = (task?, form?, relation?, answer?);
    let draw = cast(&arrays[4], &DataType::Float64)?;
    let draw = draw.as_primitive::<Float64Type>();
    let nulls = [task.nulls(), form.nulls(), relation.nulls(), answer.nulls(), draw.nulls()];
    let nulls = nulls.into_iter().fold(None, |all, one| NullBuffer::union(all.as_ref(), one));
    let mut ids = StringBuilder::with_capacity(draw.len(), draw.len() * 40);
    for row in 0..draw.len() {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            ids.append_null();
            continue;
        }
        let (task, form, relation, answer) = (task.value(row), form.value(row), relation.value(row), answer.value(row));
        let id = phrases.template(task, form, relation, answer, draw.value(row));
        ids.append_value(id.ok_or_else(|| {
            exec_datafusion_err!(
                "the phrases of `{task}` have no `{form}` wording for relation `{relation}` and answer `{answer}`"
            )
        })?);
    }
    Ok(Arc::new(ids.finish()))
}

fn wording(phrases: &Phrases, arrays: &[ArrayRef]) -> Result<ArrayRef> {
    let (template, relation, answer) = (text(&arrays[0])?, text(&arrays[1])?, text(&arrays[2])?);
    let marks = NamedMarks::new(&arrays[5])?;
    let (text_format, image_format, key) = (text(&arrays[6])?, text(&arrays[7])?, text(&arrays[8])?);
    let Some(slots) = arrays[3].as_struct_opt() else {
        return exec_err!(
            "the slots of `wording` are a {}, not a struct of subject, object and category",
            arrays[3].data_type()
        );
    };
    let slot = |name: &str| slots.column_by_name(name).map(text).transpose();
    let (subject, object, category) = (slot("subject")?, slot("object")?, slot("category")?);
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
    let mut names = Glossary::default();
    let mut worded = Worded::default();
    for row in 0..rows {
        if template.is_null(row) {
            questions.append_null();
            answers.append_null();
            worded_options.append_null();
            continue;
        }
        let asked = Asked {
            relation: at(Some(&relation), row),
            answer: at(Some(&answer), row),
            subject: at(subject.as_ref(), row),
            object: at(object.as_ref(), row),
            category: at(category.as_ref(), row),
            options: options_of(row),
            text_format: known("text", TextFormat::named, &text_format, row)?,
            image_format: known("image", ImageFormat::named, &image_format, row)?,
            marks: marks.of(row),
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

/// What a text may call the marks of a question's things.
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

    fn of(&self, row: usize) -> [Mark<'_>; 2] {
        let range = self.lists.range(row);
        [0, 1].map(|place| {
            let mark = range.start + place;
            let there = range.contains(&mark);
            let name = |names| if there { at(Some(names), mark) } else { "" };
            Mark { colour: name(&self.colours), label: name(&self.labels) }
        })
    }
}

fn known<T>(kind: &str, named: fn(&str) -> Option<T>, names: &StringArray, row: usize) -> Result<T> {
    let name = at(Some(names), row);
    named(name).ok_or_else(|| exec_datafusion_err!("`{name}` is no {kind} format"))
}

fn opposite(phrases: &Phrases, arrays: &[ArrayRef]) -> Result<ArrayRef> {
    let lexicon = phrases.lexicon();
    let names = text(&arrays[0])?;
    let opposites = names.iter().map(|name| {
        let Some(name) = name else { return Ok(None) };
        let relation = lexicon.find(name).ok_or_else(|| exec_datafusion_err!("`{name}` is no relation"))?;
        Ok(Some(lexicon.relation(lexicon.opposite(relation)).name.as_str()))
    });
    Ok(Arc::new(opposites.collect::<Result<StringArray>>()?))
}

fn at(array: Option<&StringArray>, row: usize) -> &str {
    array.filter(|array| array.is_valid(row)).map_or("", |array| array.value(row))
}
