//! InternVL: a `meta.json` that names JSON-lines files of conversations.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::conversation::{OneOrMany, Turn, read_turns, turns};
use super::dialect::Dialect;
use super::{Finished, Kind, Read, ReadImage, Sample, to_json};
use crate::error::{Context, Result};

pub const INTERNVL: Kind = Kind {
    name: "internvl",
    doc: "InternVL's fine-tuning: meta.json and JSON lines, boxes as integers of 0 to 1000",
    long_doc: "  meta.json                        one entry for each shard, with its number of rows: --meta_path of the trainer
  train-00000-of-00012.jsonl       id, image, width, height, conversations
  images/                          one file an image

The trainer repeats or cuts an entry by `repeat_time`, from its first row on: rows are shuffled, so any part of a shard is a fair one.",
    record,
    read: |bytes| super::shards::parsed(bytes, read),
    finish,
    ..super::shards::JSON_LINES
};

#[derive(Serialize, Deserialize)]
struct Record {
    id: String,
    image: OneOrMany<String>,
    width: OneOrMany<u32>,
    height: OneOrMany<u32>,
    conversations: Vec<Turn>,
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
