//! Qwen2.5-VL and Qwen3-VL: JSON lines of conversations, and the entries of the fine-tuning's registry.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::conversation::{ChatTurn, Conversation, OneOrMany, read_turns, turns};
use super::dialect::Dialect;
use super::{ExportKind, FinishedExport, LoadedImage, LoadedRecord, to_json};
use crate::error::{Context, Result};

pub const QWEN: ExportKind = ExportKind {
    name: "qwen",
    doc: "Qwen-VL's fine-tuning: JSON lines; boxes in pixels of the resized image (--dialect qwen2.5) or of 0 to 1000 (qwen3)",
    long_doc: "  registry.json                    annotation_path and data_path of each shard, for the trainer's data_dict; relative to the
                                   export, or below --root
  train-00000-of-00012.jsonl       id, image, conversations
  images/                          one file an image

Boxes are written as {\"bbox_2d\": [x1, y1, x2, y2]}. Qwen2.5-VL counts pixels of the image as it resizes it, so --min-pixels and --max-pixels
must be those that the training uses; the manifest names them.",
    dialect: "qwen2.5",
    record,
    read: |bytes| super::json_lines::parsed(bytes, read),
    finish,
    start,
    rooted: true,
    ..super::json_lines::JSON_LINES
};

#[derive(Serialize, Deserialize)]
struct QwenRecord {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sample_ids: Option<Vec<String>>,
    image: OneOrMany<String>,
    conversations: Vec<ChatTurn>,
}

fn record(conversation: &Conversation<'_>, dialect: &Dialect) -> Result<String> {
    to_json(&QwenRecord {
        id: conversation.id(),
        sample_ids: conversation.sample_ids(),
        image: OneOrMany::of(conversation.first().images.iter().map(|image| image.path.clone()).collect()),
        conversations: turns(conversation, dialect)?,
    })
}

fn read(line: &str) -> Result<LoadedRecord> {
    let record: QwenRecord = serde_json::from_str(line).or_input(|| "a record cannot be read".into())?;
    let images = record.image.into_vec().into_iter().map(LoadedImage::Path).collect();
    read_turns(record.id, record.sample_ids, images, record.conversations)
}

fn finish(finished: &FinishedExport<'_>) -> Result<BTreeMap<String, Vec<u8>>> {
    let entries: serde_json::Map<String, Value> = finished
        .shards
        .iter()
        .enumerate()
        .map(|(at, (path, _))| {
            let entry = json!({ "annotation_path": finished.path(path), "data_path": finished.path("") });
            (format!("{}_{at:05}", finished.name), entry)
        })
        .collect();
    Ok([("registry.json".to_owned(), super::pretty(&Value::Object(entries))?)].into())
}

fn start(finished: &FinishedExport<'_>) -> String {
    let (place, entry) = match finished.root {
        Some(root) => (root, "entry"),
        None => ("/path/to/this/folder", "{key: os.path.join(here, path) for key, path in entry.items()}"),
    };
    let names = super::readme::entries(finished);
    let pixels = match finished.dialect {
        Dialect::Qwen25 { min_pixels, max_pixels } => format!(
            " \\\n--min_pixels {min_pixels} --max_pixels {max_pixels}\n```\n\nBoxes are pixels of the image as those bounds resize it: others make them wrong.\n"
        ),
        _ => "\n```\n".to_owned(),
    };
    format!(
        "Register the shards at the end of `qwen-vl-finetune/qwenvl/data/__init__.py`, in front of `def data_list`:\n\n```python\nimport json, os\n\
         here = {}\nfor name, entry in json.load(open(os.path.join(here, \"registry.json\"))).items():\n    data_dict[name] = {entry}\n```\n\n\
         and train with\n\n```sh\n--dataset_use {names}{pixels}",
        json!(place)
    )
}
