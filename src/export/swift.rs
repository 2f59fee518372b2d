//! ms-swift: JSON lines of messages, with references and boxes beside the text, which the trainer writes in each model's dialect.

use serde::{Deserialize, Serialize};

use super::conversation::{Conversation, human, read_said};
use super::dialect::{Dialect, WrittenText};
use super::{ExportKind, LoadedImage, LoadedRecord, boxes, to_json};
use crate::error::{Context, Error, Result};

pub const SWIFT: ExportKind = ExportKind {
    name: "swift",
    doc: "ms-swift, for any model that it trains: messages, images, objects with ref and bbox",
    long_doc: "  train-00000-of-00012.jsonl       messages, images, solution, objects: --dataset of `swift sft`
  images/                          one file an image: ROOT_IMAGE_DIR is the export's folder

<ref-object> and <bbox> stand in the text for the entries of `objects`; boxes are pixels, and the trainer writes them as its model wants
them. Files of a shard begin with a row that has every column, because the loader takes the types from there.",
    dialect: "swift",
    record,
    write: |shard, out| {
        super::json_lines::lines_after(shard, out, |line| line.contains("\"bbox\":[[") && line.contains("\"ref\":[\""))
    },
    read: |bytes| super::json_lines::parsed(bytes, read),
    start: |_| {
        "```sh\nROOT_IMAGE_DIR=\"$PWD\" swift sft --model MODEL --dataset train-*.jsonl\n```\n\nImages are found below `ROOT_IMAGE_DIR`, which is this folder. \
         ms-swift writes references and boxes in the model's own dialect.\n"
            .to_owned()
    },
    ..super::json_lines::JSON_LINES
};

#[derive(Serialize, Deserialize)]
struct SwiftRecord {
    id: String,
    messages: Vec<SwiftMessage>,
    images: Vec<String>,
    /// The canonical answer, which rewards of reinforcement learning compare with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    solution: Option<String>,
    /// The same of each sample, where the export packs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    solutions: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sample_ids: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    objects: Option<SwiftObjects>,
}

/// A message as ms-swift and LLaMA-Factory have it.
#[derive(Serialize, Deserialize)]
pub struct SwiftMessage {
    pub role: String,
    pub content: String,
}

#[derive(Serialize, Deserialize)]
struct SwiftObjects {
    #[serde(rename = "ref")]
    references: Vec<String>,
    bbox: Vec<[f64; 4]>,
    bbox_type: String,
    image_id: Vec<usize>,
}

/// What a loader makes of messages and as many images.
pub fn read_messages(
    id: String,
    sample_ids: Option<Vec<String>>,
    images: Vec<LoadedImage>,
    messages: Vec<SwiftMessage>,
) -> Result<LoadedRecord> {
    let said = messages.into_iter().map(|message| (message.role, message.content)).collect();
    read_said(id, sample_ids, images, said, ("user", "assistant"))
}

/// The messages of samples, and what their dialect keeps beside them.
pub fn messages(conversation: &Conversation<'_>, dialect: &Dialect) -> Result<(Vec<SwiftMessage>, WrittenText)> {
    let (mut messages, mut beside) = (Vec::new(), WrittenText::default());
    for (at, sample) in conversation.samples().iter().enumerate() {
        let boxes = boxes(sample)?;
        let asked = dialect.write(&sample.question, &boxes)?;
        let answer = dialect.write(&sample.answer, &boxes)?;
        let images = if at == 0 { sample.images.len() } else { 0 };
        messages.push(SwiftMessage { role: "user".into(), content: human(images, &asked.text) });
        messages.push(SwiftMessage { role: "assistant".into(), content: answer.text });
        for (references, boxes, images) in
            [(asked.references, asked.boxes, asked.box_images), (answer.references, answer.boxes, answer.box_images)]
        {
            beside.references.extend(references);
            beside.boxes.extend(boxes);
            beside.box_images.extend(images);
        }
    }
    Ok((messages, beside))
}

fn record(conversation: &Conversation<'_>, dialect: &Dialect) -> Result<String> {
    let (messages, beside) = messages(conversation, dialect)?;
    let any = !beside.references.is_empty() || !beside.boxes.is_empty();
    let (sample, sample_ids) = (conversation.first(), conversation.sample_ids());
    let truths = || conversation.samples().iter().map(|sample| sample.ground_truth.clone()).collect();
    to_json(&SwiftRecord {
        id: conversation.id(),
        messages,
        images: sample.images.iter().map(|image| image.path.clone()).collect(),
        solution: sample_ids.is_none().then(|| sample.ground_truth.clone()),
        solutions: sample_ids.is_some().then(truths),
        sample_ids,
        objects: any.then(|| SwiftObjects {
            image_id: beside.box_images,
            references: beside.references,
            bbox: beside.boxes,
            bbox_type: "real".into(),
        }),
    })
}

fn read(line: &str) -> Result<LoadedRecord> {
    let record: SwiftRecord = serde_json::from_str(line).or_input(|| "a record cannot be read".into())?;
    let said: String = record.messages.iter().map(|message| message.content.as_str()).collect();
    let objects = record.objects.unwrap_or(SwiftObjects {
        references: Vec::new(),
        bbox: Vec::new(),
        bbox_type: "real".into(),
        image_id: Vec::new(),
    });
    let counts = [("<ref-object>", objects.references.len()), ("<bbox>", objects.bbox.len())];
    for (place, given) in counts {
        if said.matches(place).count() != given {
            return Err(Error::input(format!("{given} entries for {} times {place}", said.matches(place).count()))
                .with("id", &record.id));
        }
    }
    if objects.image_id.len() != objects.bbox.len() || objects.bbox_type != "real" {
        return Err(Error::input("the boxes of a record are not pixels of its images").with("id", &record.id));
    }
    let images = record.images.into_iter().map(LoadedImage::Path).collect();
    let read = read_messages(record.id, record.sample_ids, images, record.messages)?;
    Ok(LoadedRecord { references: objects.references, boxes: objects.bbox, box_images: objects.image_id, ..read })
}
