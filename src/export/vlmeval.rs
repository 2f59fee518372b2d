//! VLMEvalKit: a benchmark as a table of tab-separated values, images in base64.

use std::collections::BTreeMap;
use std::io::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use super::conversation::{Conversation, human, question};
use super::dialect::Dialect;
use super::json_lines::cannot_write;
use super::{ExportKind, ExportShard, LoadedImage, LoadedRecord, LoadedTurn, Sample, boxes, to_json};
use crate::error::{Context, Error, Result};
use crate::tables::SampleImage;

pub const VLMEVAL: ExportKind = ExportKind {
    name: "vlmeval",
    doc: "VLMEvalKit: tables of index, image, question, A to F, answer, category",
    long_doc: "  train-00000-of-00001.tsv         one table: copy it to $LMUData under the benchmark's name

`answer` is a letter, Yes or No, a number, or words. Images that an earlier row has are that row's index. The columns id, l2-category (the
relation), text_format and image_format come along for slices of the scores.",
    dialect: "internvl",
    path: |at, of| super::numbered(at, of, "tsv"),
    shard_rows: 20_000,
    embeds: true,
    most_images: None,
    takes_turns: false,
    record,
    write,
    index: None,
    asked,
    read,
    finish: |_| Ok(BTreeMap::new()),
    start: |finished| {
        let first = finished.shards.first().map_or("train.tsv", |(path, _)| path.as_str());
        let name = finished.name;
        format!(
            "```sh\ncp {first} \"${{LMUData:-$HOME/LMUData}}/{name}.tsv\"\npython run.py --data {name} --model MODEL     # in VLMEvalKit\n```\n\n\
             VLMEvalKit takes a table of a name that it does not know for a benchmark of choices where it has the columns A and B. One table is one benchmark: \
             there are {} here.\n",
            finished.shards.len()
        )
    },
    rooted: false,
};

const LETTERS: [&str; 6] = ["A", "B", "C", "D", "E", "F"];

#[derive(Serialize, Deserialize)]
struct VlmevalRecord {
    id: String,
    images: Vec<SampleImage>,
    question: String,
    options: Vec<String>,
    answer: String,
    /// The answer in full, for whoever compares texts.
    worded: String,
    task: String,
    relation: String,
    text_format: String,
    image_format: String,
}

/// A row is one question: samples are never packed.
fn record(conversation: &Conversation<'_>, dialect: &Dialect) -> Result<String> {
    let sample = conversation.first();
    let boxes = boxes(sample)?;
    let words = |text: &str| dialect.write(text, &boxes).map(|written| written.text);
    let options = sample.options.iter().flatten().map(|option| words(option)).collect::<Result<Vec<_>>>()?;
    let worded = words(&sample.answer)?;
    let answer = match (sample.answer_form.as_str(), sample.answer_value) {
        ("choice", _) => sample.ground_truth.clone(),
        ("yes_no", _) if sample.ground_truth == "yes" => "Yes".to_owned(),
        ("yes_no", _) => "No".to_owned(),
        ("number", Some(value)) => value.to_string(),
        _ => worded.clone(),
    };
    let question = words(&without_list(sample))?;
    to_json(&VlmevalRecord {
        id: sample.sample_id.clone(),
        images: sample.images.clone(),
        question: human(sample.images.len(), &question),
        options,
        answer,
        worded,
        task: sample.task.clone(),
        relation: sample.relation.clone(),
        text_format: sample.text_format.clone(),
        image_format: sample.image_format.clone(),
    })
}

/// The options, a line each, as a question lists them.
fn list(options: &[String]) -> String {
    options.iter().zip(LETTERS).map(|(option, letter)| format!("\n{letter}. {option}")).collect()
}

/// The evaluation shows the options itself.
fn without_list(sample: &Sample) -> String {
    let list = list(sample.options.as_deref().unwrap_or_default());
    if list.is_empty() { sample.question.clone() } else { sample.question.replacen(&list, "", 1) }
}

/// What is asked, with the options where the evaluation puts them.
fn asked(sample: &Sample) -> String {
    without_list(sample) + &list(sample.options.as_deref().unwrap_or_default())
}

const COLUMNS: [&str; 16] = [
    "index",
    "image",
    "image_path",
    "question",
    "A",
    "B",
    "C",
    "D",
    "E",
    "F",
    "answer",
    "category",
    "l2-category",
    "id",
    "text_format",
    "image_format",
];

fn write(shard: &ExportShard<'_>, out: &mut (dyn Write + Send)) -> Result<()> {
    writeln!(out, "{}\tworded_answer", COLUMNS.join("\t")).or_input(cannot_write)?;
    let mut first_with: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for (at, record) in shard.records().enumerate() {
        let record: VlmevalRecord = serde_json::from_str(&record?).or_internal(|| "a record is JSON".into())?;
        let index = shard.first_row + at;
        let encoded = |image: &SampleImage| -> Result<Option<String>> {
            Ok(shard.image(&image.path)?.map(|bytes| BASE64_STANDARD.encode(bytes)))
        };
        let paths: Vec<String> = record.images.iter().map(|image| image.path.clone()).collect();
        let image = match first_with.get(&paths) {
            Some(index) => index.to_string(),
            None => {
                let shown: Vec<String> =
                    record.images.iter().filter_map(|image| encoded(image).transpose()).collect::<Result<_>>()?;
                if shown.len() == paths.len() {
                    first_with.insert(paths.clone(), index);
                    listed(&shown)
                } else {
                    // Withheld: a row that refers to one without an image would have none either.
                    String::new()
                }
            }
        };
        let path = match &paths[..] {
            [_, _, ..] if !image.is_empty() => {
                // Where it unpacks several, VLMEvalKit makes no folders.
                listed(&paths.iter().map(|path| path.replace('/', "_")).collect::<Vec<_>>())
            }
            paths => listed(paths),
        };
        let asked = question(&record.question).map_or(record.question.as_str(), |(_, asked)| asked);
        let mut cells = vec![index.to_string(), image, path, asked.to_owned()];
        cells.extend(LETTERS.iter().enumerate().map(|(at, _)| record.options.get(at).cloned().unwrap_or_default()));
        cells.extend([
            record.answer,
            record.task,
            record.relation,
            record.id,
            record.text_format,
            record.image_format,
            record.worded,
        ]);
        let row = cells.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join("\t");
        writeln!(out, "{row}").or_input(cannot_write)?;
    }
    Ok(())
}

/// One text as it is, several as Python writes a list of them.
fn listed(texts: &[String]) -> String {
    match texts {
        [only] => only.clone(),
        several => format!("[{}]", several.iter().map(|text| format!("'{text}'")).collect::<Vec<_>>().join(", ")),
    }
}

/// The texts of a cell that [`listed`] wrote.
fn items(cell: &str) -> Vec<&str> {
    match cell.strip_prefix('[').and_then(|list| list.strip_suffix(']')) {
        Some(list) => list.split(", ").map(|item| item.trim_matches('\'')).collect(),
        None => vec![cell],
    }
}

/// As pandas reads it: quotes where a cell has a tab, a line break or a quote.
fn quoted(cell: &str) -> String {
    if cell.contains(['\t', '\n', '\r', '"']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}

fn read(bytes: &[u8]) -> Result<Vec<LoadedRecord>> {
    let text = std::str::from_utf8(bytes).or_input(|| "a table is no text".into())?;
    let mut rows = rows(text).into_iter();
    let heading = rows.next().ok_or_else(|| Error::input("a table has no heading"))?;
    let place = |name: &str| {
        heading
            .iter()
            .position(|column| column == name)
            .ok_or_else(|| Error::input("a table lacks a column").with("column", name))
    };
    let (index, image, path, asked, id, worded) = (
        place("index")?,
        place("image")?,
        place("image_path")?,
        place("question")?,
        place("id")?,
        place("worded_answer")?,
    );
    let options = [place("A")?, place("B")?, place("C")?, place("D")?, place("E")?, place("F")?];
    let mut encoded: BTreeMap<String, String> = BTreeMap::new();
    let mut read = Vec::new();
    for row in rows {
        let cell = |at: usize| row.get(at).cloned().unwrap_or_default();
        let shown = match cell(image) {
            short if !short.is_empty() && short.len() <= 64 => encoded.get(&short).cloned().unwrap_or_default(),
            own => own,
        };
        encoded.insert(cell(index), shown.clone());
        let bytes = |text: &str| {
            BASE64_STANDARD
                .decode(text)
                .map(LoadedImage::Bytes)
                .or_input(|| format!("the image of row {} is no base64", cell(index)))
        };
        let images = if shown.is_empty() {
            // Withheld.
            items(&cell(path)).into_iter().map(|path| LoadedImage::Path(path.to_owned())).collect()
        } else {
            items(&shown).into_iter().map(bytes).collect::<Result<_>>()?
        };
        let options: Vec<String> = options.iter().map(|at| cell(*at)).take_while(|option| !option.is_empty()).collect();
        read.push(LoadedRecord {
            images,
            turns: vec![LoadedTurn {
                sample_id: cell(id),
                question: cell(asked) + &list(&options),
                answer: cell(worded),
            }],
            ..LoadedRecord::default()
        });
    }
    Ok(read)
}

/// The cells of each row.
fn rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut is_quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if is_quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' => is_quoted = !is_quoted,
            '\t' if !is_quoted => row.push(std::mem::take(&mut cell)),
            '\n' if !is_quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            letter => cell.push(letter),
        }
    }
    rows
}
