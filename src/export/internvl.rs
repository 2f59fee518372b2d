//! InternVL: a `meta.json` that names JSON-lines files of conversations.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::conversation::{human, question};
use super::dialect::Dialect;
use super::{Finished, Kind, Read, ReadImage, Sample, size, to_json};
use crate::error::{Context, Error, Result};

pub const INTERNVL: Kind = Kind {
    name: "internvl",
    doc: "InternVL's fine-tuning: meta.json and JSON lines, boxes as integers of 0 to 1000",
    long_doc: "  meta.json                        one entry for each shard, with its number of rows: --meta_path of the trainer
  train-00000-of-00012.jsonl       id, image, width, height, conversations
  images/                          one file an image

The trainer repeats or cuts an entry by `repeat_time`, from its first row on: rows are shuffled, so any part of a shard is a fair one.",
    dialect: "internvl",
    path: |at, of| super::numbered(at, of, "jsonl"),
    shard_rows: 500_000,
    embeds: false,
    record,
    write: super::shards::lines,
    index: None,
    asked: super::whole_question,
    read: |bytes| super::shards::parsed(bytes, read),
    finish,
};

#[derive(Serialize, Deserialize)]
struct Record {
    id: String,
    image: OneOrMany<String>,
    width: OneOrMany<u32>,
    height: OneOrMany<u32>,
    conversations: Vec<Turn>,
}

/// A turn as InternVL, Qwen and LLaVA have it.
#[derive(Serialize, Deserialize)]
pub struct Turn {
    pub from: String,
    pub value: String,
}

/// Trainers take a list where there are several, and only then.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    /// One where there is one.
    pub fn of(mut values: Vec<T>) -> Self {
        match (values.pop(), values.len()) {
            (Some(only), 0) => Self::One(only),
            (last, _) => {
                values.extend(last);
                Self::Many(values)
            }
        }
    }

    /// However many there are.
    pub fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(value) => vec![value],
            Self::Many(values) => values,
        }
    }
}

/// The two turns of a sample.
pub fn turns(sample: &Sample, dialect: &Dialect) -> Result<Vec<Turn>> {
    let size = size(sample);
    let asked = dialect.write(&sample.question, &sample.boxes, size)?;
    let answer = dialect.write(&sample.answer, &sample.boxes, size)?;
    Ok(vec![
        Turn { from: "human".into(), value: human(sample.images.len(), &asked.text) },
        Turn { from: "gpt".into(), value: answer.text },
    ])
}

/// What a loader makes of two turns and as many images.
pub fn read_turns(id: String, images: Vec<ReadImage>, turns: Vec<Turn>) -> Result<Read> {
    let wrong = |what: &str| Error::input(format!("a conversation {what}")).with("id", &id);
    let [asked, answered] = <[Turn; 2]>::try_from(turns).map_err(|_| wrong("has not two turns"))?;
    if (asked.from.as_str(), answered.from.as_str()) != ("human", "gpt") {
        return Err(wrong("is not between human and gpt"));
    }
    let (places, text) = question(&asked.value).ok_or_else(|| wrong("has <image> elsewhere than at its start"))?;
    if places != images.len() {
        return Err(wrong(&format!("has {places} times <image> for {} images", images.len())));
    }
    let text = text.to_owned();
    Ok(Read { id, images, question: text, answer: answered.value, ..Read::default() })
}

fn record(sample: &Sample, dialect: &Dialect) -> Result<String> {
    to_json(&Record {
        id: sample.sample_id.clone(),
        image: OneOrMany::of(sample.images.iter().map(|image| image.path.clone()).collect()),
        width: OneOrMany::of(sample.images.iter().map(|image| image.width).collect()),
        height: OneOrMany::of(sample.images.iter().map(|image| image.height).collect()),
        conversations: turns(sample, dialect)?,
    })
}

fn read(line: &str) -> Result<Read> {
    let record: Record = serde_json::from_str(line).or_input(|| "a record cannot be read".into())?;
    let images = record.image.into_vec().into_iter().map(ReadImage::Path).collect();
    read_turns(record.id, images, record.conversations)
}

fn finish(finished: &Finished<'_>) -> Result<BTreeMap<String, Vec<u8>>> {
    let entries: serde_json::Map<String, Value> = finished
        .shards
        .iter()
        .enumerate()
        .map(|(at, (path, rows))| {
            let root = finished.root.trim_end_matches('/');
            let entry = json!({
                "root": format!("{root}/"),
                "annotation": format!("{root}/{path}"),
                "data_augment": false,
                "repeat_time": 1,
                "length": rows,
            });
            (format!("{}_{at:05}", finished.name), entry)
        })
        .collect();
    Ok([("meta.json".to_owned(), super::pretty(&Value::Object(entries))?)].into())
}
