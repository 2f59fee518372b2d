//! LLaVA: JSON lists of conversations.

use std::io::Write;

use serde::{Deserialize, Serialize};

use super::conversation::{ChatTurn, Conversation, read_turns, turns};
use super::dialect::Dialect;
use super::json_lines::cannot_write;
use super::{ExportKind, ExportShard, LoadedImage, LoadedRecord, to_json};
use crate::error::{Context, Error, Result};

pub const LLAVA: ExportKind = ExportKind {
    name: "llava",
    doc: "LLaVA's fine-tuning: JSON lists, boxes as numbers of 0 to 1",
    long_doc: "  train-00000-of-00012.json        a list of id, image, conversations: --data_path of the trainer
  images/                          one file an image: --image_folder is the export's folder

LLaVA 1.5 takes one image a sample: samples that show several are left out and counted.",
    dialect: "relative",
    most_images: Some(1),
    path: |at, of| super::numbered(at, of, "json"),
    record,
    write,
    read: |bytes| {
        let records: Vec<LlavaRecord> = serde_json::from_slice(bytes).or_input(|| "a shard cannot be read".into())?;
        records.into_iter().map(read).collect()
    },
    start: |finished| {
        let first = finished.shards.first().map_or("train.json", |(path, _)| path.as_str());
        format!(
            "Any of LLaVA's fine-tuning scripts with\n\n```sh\n--data_path /path/to/this/folder/{first} --image_folder /path/to/this/folder\n```\n\n\
             The trainer takes one file: there are {} here.\n",
            finished.shards.len()
        )
    },
    ..super::json_lines::JSON_LINES
};

#[derive(Serialize, Deserialize)]
struct LlavaRecord {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sample_ids: Option<Vec<String>>,
    image: String,
    conversations: Vec<ChatTurn>,
}

fn record(conversation: &Conversation<'_>, dialect: &Dialect) -> Result<String> {
    let sample = conversation.first();
    let [image] = &sample.images[..] else {
        // Those that show several are no rows of the export.
        return Err(Error::internal("LLaVA takes one image a sample").with("sample", &sample.sample_id));
    };
    to_json(&LlavaRecord {
        id: conversation.id(),
        sample_ids: conversation.sample_ids(),
        image: image.path.clone(),
        conversations: turns(conversation, dialect)?,
    })
}

/// A list with a record a line: one JSON document, and still one that `grep` is of use on.
fn write(shard: &ExportShard<'_>, out: &mut (dyn Write + Send)) -> Result<()> {
    out.write_all(b"[\n").or_input(cannot_write)?;
    for (at, record) in shard.records().enumerate() {
        let comma = if at == 0 { "" } else { ",\n" };
        write!(out, "{comma}{}", record?).or_input(cannot_write)?;
    }
    out.write_all(b"\n]\n").or_input(cannot_write)
}

fn read(record: LlavaRecord) -> Result<LoadedRecord> {
    read_turns(record.id, record.sample_ids, vec![LoadedImage::Path(record.image)], record.conversations)
}
