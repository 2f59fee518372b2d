//! InternVL: a `meta.json` that names JSON-lines files of conversations.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::conversation::{ChatTurn, Conversation, OneOrMany, read_turns, turns};
use super::dialect::Dialect;
use super::{ExportKind, FinishedExport, LoadedImage, LoadedRecord, to_json};
use crate::error::{Context, Result};

pub const INTERNVL: ExportKind = ExportKind {
    name: "internvl",
    doc: "InternVL's fine-tuning: meta.json and JSON lines, boxes as integers of 0 to 1000",
    long_doc: "  meta.json                        one entry for each shard, with its number of rows: --meta_path of the trainer; paths relative
                                   to the export, or below --root
  train-00000-of-00012.jsonl       id, image, width, height, conversations
  images/                          one file an image

The trainer repeats or cuts an entry by `repeat_time`, from its first row on: rows are shuffled, so any part of a shard is a fair one.",
    record,
    read: |bytes| super::json_lines::parsed(bytes, read),
    finish,
    start,
    rooted: true,
    ..super::json_lines::JSON_LINES
};

#[derive(Serialize, Deserialize)]
struct InternVlRecord {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sample_ids: Option<Vec<String>>,
    image: OneOrMany<String>,
    width: OneOrMany<u32>,
    height: OneOrMany<u32>,
    conversations: Vec<ChatTurn>,
}

fn record(conversation: &Conversation<'_>, dialect: &Dialect) -> Result<String> {
    let images = &conversation.first().images;
    to_json(&InternVlRecord {
        id: conversation.id(),
        sample_ids: conversation.sample_ids(),
        image: OneOrMany::of(images.iter().map(|image| image.path.clone()).collect()),
        width: OneOrMany::of(images.iter().map(|image| image.width).collect()),
        height: OneOrMany::of(images.iter().map(|image| image.height).collect()),
        conversations: turns(conversation, dialect)?,
    })
}

fn read(line: &str) -> Result<LoadedRecord> {
    let record: InternVlRecord = serde_json::from_str(line).or_input(|| "a record cannot be read".into())?;
    let images = record.image.into_vec().into_iter().map(LoadedImage::Path).collect();
    read_turns(record.id, record.sample_ids, images, record.conversations)
}

fn finish(finished: &FinishedExport<'_>) -> Result<BTreeMap<String, Vec<u8>>> {
    let entries: serde_json::Map<String, Value> = finished
        .shards
        .iter()
        .enumerate()
        .map(|(at, (path, rows))| {
            let entry = json!({
                "root": finished.path(""),
                "annotation": finished.path(path),
                "data_augment": false,
                "repeat_time": 1,
                "length": rows,
            });
            (format!("{}_{at:05}", finished.name), entry)
        })
        .collect();
    Ok([("meta.json".to_owned(), super::pretty(&Value::Object(entries))?)].into())
}

fn start(finished: &FinishedExport<'_>) -> String {
    let (meta, before) = match finished.root {
        Some(_) => ("meta.json", String::new()),
        None => (
            "meta.here.json",
            "The trainer opens the paths of `meta.json` as they stand there. They are relative to this folder; where it runs elsewhere, write them out\n\
             first (or export with `--root` and the folder that this one will lie in):\n\n```sh\npython3 - <<'END'\nimport json, os\n\
             meta = json.load(open(\"meta.json\"))\nfor entry in meta.values():\n    for key in (\"root\", \"annotation\"):\n        \
             entry[key] = os.path.join(os.getcwd(), entry[key])\njson.dump(meta, open(\"meta.here.json\", \"w\"), indent=1)\nEND\n```\n\n"
                .to_owned(),
        ),
    };
    format!(
        "{before}In `internvl_chat` of InternVL, any of its `shell/*/` fine-tuning scripts with\n\n```sh\n--meta_path \"/path/to/this/folder/{meta}\"\n```\n\n\
         One entry is one shard. `repeat_time` below 1 takes the first part of a shard, which is a fair sample of it.\n"
    )
}
