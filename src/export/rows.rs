//! Samples of Arrow batches.

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int32Array, Int64Array, ListArray, RecordBatch, StringArray,
};
use arrow::compute::cast;
use arrow::datatypes::DataType;

use super::sample::{MarkRow, Sample};
use crate::error::{Context, Error, Result};

/// The samples of a batch of `dataset`, without their images.
pub fn samples(batch: &RecordBatch) -> Result<Vec<Sample>> {
    let text = |name: &str| column(batch, name, &DataType::Utf8).map(|found| found.as_string::<i32>().clone());
    let number = |name: &str| -> Result<Float64Array> {
        Ok(column(batch, name, &DataType::Float64)?.as_primitive::<arrow::datatypes::Float64Type>().clone())
    };
    let (ids, questions, sources) = (text("sample_id")?, text("question_id")?, text("source")?);
    let (licences, splits, scenes) = (text("licence")?, text("split")?, text("scene_id")?);
    let (tasks, relations, forms) = (text("task")?, text("relation")?, text("answer_form")?);
    let (texts, images) = (text("text_format")?, text("image_format")?);
    let (asked, answers, units) = (text("question")?, text("answer")?, text("answer_unit")?);
    let (templates, generators) = (text("template_id")?, text("generator")?);
    let [frames, options, objects] = ["frame_ids", "options", "object_ids"].map(|name| Texts::of(batch, name));
    let (frames, options, objects) = (frames?, options?, objects?);
    let index = column(batch, "answer_index", &DataType::Int32)?;
    let index: &Int32Array = index.as_primitive();
    let seeds = column(batch, "seed", &DataType::Int64)?;
    let seeds: &Int64Array = seeds.as_primitive();
    let (values, margins) = (number("answer_value")?, number("margin")?);
    let (visibility, quality) = (number("visibility")?, number("lift_quality")?);
    let boxes = Boxes::of(batch)?;
    let marks = Marks::of(batch)?;
    let own = |array: &StringArray, row: usize| array.is_valid(row).then(|| array.value(row).to_owned());
    Ok((0..batch.num_rows())
        .map(|row| Sample {
            sample_id: ids.value(row).to_owned(),
            question_id: questions.value(row).to_owned(),
            source: sources.value(row).to_owned(),
            licence: own(&licences, row),
            split: own(&splits, row),
            scene_id: own(&scenes, row),
            frame_ids: frames.at(row).unwrap_or_default(),
            task: tasks.value(row).to_owned(),
            relation: relations.value(row).to_owned(),
            answer_form: forms.value(row).to_owned(),
            text_format: texts.value(row).to_owned(),
            image_format: images.value(row).to_owned(),
            question: asked.value(row).to_owned(),
            answer: answers.value(row).to_owned(),
            options: options.at(row),
            answer_index: index.is_valid(row).then(|| index.value(row)),
            answer_value: values.is_valid(row).then(|| values.value(row)),
            answer_unit: own(&units, row),
            object_ids: objects.at(row).unwrap_or_default(),
            boxes: boxes.at(row),
            marks: marks.at(row),
            margin: margins.value(row),
            visibility: visibility.value(row),
            lift_quality: quality.value(row),
            template_id: templates.value(row).to_owned(),
            seed: seeds.value(row),
            generator: generators.value(row).to_owned(),
            images: Vec::new(),
        })
        .collect())
}

/// A column as a type that it can be cast to.
pub fn column(batch: &RecordBatch, name: &str, wanted: &DataType) -> Result<ArrayRef> {
    let missing = || Error::input("the rows lack a column of `dataset`").with("column", name);
    let found = batch.column_by_name(name).ok_or_else(missing)?;
    if found.data_type() == wanted {
        return Ok(found.clone());
    }
    cast(found, wanted).or_input(|| format!("the column `{name}` is a {}", found.data_type()))
}

fn lists(batch: &RecordBatch, name: &str) -> Result<ListArray> {
    let found = batch.column_by_name(name).and_then(|column| column.as_list_opt::<i32>());
    found.cloned().ok_or_else(|| Error::input("a column of `dataset` is missing or no list").with("column", name))
}

fn range(lists: &ListArray, row: usize) -> std::ops::Range<usize> {
    let offsets = lists.value_offsets();
    if lists.is_null(row) { 0..0 } else { offsets[row] as usize..offsets[row + 1] as usize }
}

/// A column of lists of texts.
struct Texts {
    lists: ListArray,
    values: StringArray,
}

impl Texts {
    fn of(batch: &RecordBatch, name: &str) -> Result<Self> {
        let lists = lists(batch, name)?;
        let values = cast(lists.values(), &DataType::Utf8).or_input(|| format!("`{name}` is no list of texts"))?;
        Ok(Self { values: values.as_string().clone(), lists })
    }

    fn at(&self, row: usize) -> Option<Vec<String>> {
        self.lists
            .is_valid(row)
            .then(|| range(&self.lists, row).map(|value| self.values.value(value).to_owned()).collect())
    }
}

/// Four numbers a struct.
struct Numbers<const N: usize>([Float64Array; N]);

impl<const N: usize> Numbers<N> {
    fn of(structs: &ArrayRef, names: [&str; N]) -> Result<Self> {
        let found = structs.as_struct_opt().ok_or_else(|| Error::input("boxes and places are structs"))?;
        let numbers = names.map(|name| {
            let column =
                found.column_by_name(name).ok_or_else(|| Error::input("a struct lacks a field").with("field", name))?;
            let column = cast(column, &DataType::Float64).or_input(|| format!("`{name}` is no number"))?;
            Ok(column.as_primitive().clone())
        });
        let numbers: Vec<Float64Array> = numbers.into_iter().collect::<Result<_>>()?;
        numbers.try_into().map(Self).map_err(|_| Error::internal("as many columns as names"))
    }

    fn at(&self, row: usize) -> [f64; N] {
        self.0.each_ref().map(|column| column.value(row))
    }
}

const EDGES: [&str; 4] = ["x0", "y0", "x1", "y1"];

struct Boxes {
    lists: ListArray,
    edges: Numbers<4>,
}

impl Boxes {
    fn of(batch: &RecordBatch) -> Result<Self> {
        let lists = lists(batch, "boxes")?;
        Ok(Self { edges: Numbers::of(lists.values(), EDGES)?, lists })
    }

    fn at(&self, row: usize) -> Vec<[f64; 4]> {
        range(&self.lists, row).map(|value| self.edges.at(value)).collect()
    }
}

struct Marks {
    lists: ListArray,
    objects: StringArray,
    kinds: StringArray,
    boxes: (ArrayRef, Numbers<4>),
    places: (ArrayRef, Numbers<3>),
    colours: StringArray,
    labels: StringArray,
}

impl Marks {
    fn of(batch: &RecordBatch) -> Result<Self> {
        let lists = lists(batch, "marks")?;
        let values = lists.values().as_struct_opt().ok_or_else(|| Error::input("`marks` is no list of structs"))?;
        let field = |name: &str| {
            values.column_by_name(name).cloned().ok_or_else(|| Error::input("a mark lacks a field").with("field", name))
        };
        let text = |name: &str| -> Result<StringArray> {
            let found = cast(&field(name)?, &DataType::Utf8).or_input(|| format!("`{name}` of a mark is no text"))?;
            Ok(found.as_string().clone())
        };
        let (boxes, places) = (field("box")?, field("place")?);
        Ok(Self {
            objects: text("object_id")?,
            kinds: text("kind")?,
            colours: text("colour")?,
            labels: text("label")?,
            boxes: (boxes.clone(), Numbers::of(&boxes, EDGES)?),
            places: (places.clone(), Numbers::of(&places, ["x", "y", "radius"])?),
            lists,
        })
    }

    fn at(&self, row: usize) -> Vec<MarkRow> {
        let mark = |value: usize| MarkRow {
            object_id: self.objects.value(value).to_owned(),
            kind: self.kinds.value(value).to_owned(),
            bbox: self.boxes.0.is_valid(value).then(|| self.boxes.1.at(value)),
            place: self.places.0.is_valid(value).then(|| self.places.1.at(value)),
            colour: self.colours.value(value).to_owned(),
            label: self.labels.is_valid(value).then(|| self.labels.value(value).to_owned()),
        };
        range(&self.lists, row).map(mark).collect()
    }
}
