//! LLaMA-Factory: JSON lines of messages, and the entries of its `dataset_info.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::conversation::Conversation;
use super::dialect::Dialect;
use super::swift::{SwiftMessage, messages, read_messages};
use super::{ExportKind, FinishedExport, LoadedImage, LoadedRecord, to_json};
use crate::error::{Context, Result};

pub const SHAREGPT: ExportKind = ExportKind {
    name: "sharegpt",
    doc: "LLaMA-Factory (and others that read messages): JSON lines and dataset_info.json",
    long_doc: "  dataset_info.json                an entry for each shard: --dataset_dir is the export's folder
  train-00000-of-00012.jsonl       id, messages, images
  images/                          one file an image: --media_dir is the export's folder

The trainer leaves boxes as they are written: choose the model's own --dialect (internvl, qwen2.5, qwen3, relative).",
    record,
    read: |bytes| super::json_lines::parsed(bytes, read),
    finish,
    start: |finished| {
        format!(
            "```sh\nllamafactory-cli train --stage sft --do_train --dataset_dir \"$PWD\" --media_dir \"$PWD\" \\\n    --dataset {} --model_name_or_path MODEL \
             --template TEMPLATE --output_dir OUT\n```\n\nThe trainer leaves boxes as they are written: `{}` is the dialect of these.\n",
            super::readme::entries(finished),
            finished.dialect.name()
        )
    },
    ..super::json_lines::JSON_LINES
};

#[derive(Serialize, Deserialize)]
struct ShareGptRecord {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sample_ids: Option<Vec<String>>,
    messages: Vec<SwiftMessage>,
    images: Vec<String>,
}

fn record(conversation: &Conversation<'_>, dialect: &Dialect) -> Result<String> {
    to_json(&ShareGptRecord {
        id: conversation.id(),
        sample_ids: conversation.sample_ids(),
        messages: messages(conversation, dialect)?.0,
        images: conversation.first().images.iter().map(|image| image.path.clone()).collect(),
    })
}

fn read(line: &str) -> Result<LoadedRecord> {
    let record: ShareGptRecord = serde_json::from_str(line).or_input(|| "a record cannot be read".into())?;
    let images = record.images.into_iter().map(LoadedImage::Path).collect();
    read_messages(record.id, record.sample_ids, images, record.messages)
}

fn finish(finished: &FinishedExport<'_>) -> Result<BTreeMap<String, Vec<u8>>> {
    let entries: serde_json::Map<String, Value> = finished
        .shards
        .iter()
        .enumerate()
        .map(|(at, (path, _))| {
            let entry = json!({
                "file_name": path,
                "formatting": "sharegpt",
                "columns": { "messages": "messages", "images": "images" },
                // What is left out of tags is unset, and not the default.
                "tags": { "role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant" },
            });
            (format!("{}_{at:05}", finished.name), entry)
        })
        .collect();
    Ok([("dataset_info.json".to_owned(), super::pretty(&Value::Object(entries))?)].into())
}
