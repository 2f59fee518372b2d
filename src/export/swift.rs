//! ms-swift: JSON lines of messages, with references and boxes beside the text, which the trainer writes in each model's dialect.

use serde::{Deserialize, Serialize};

use super::conversation::{human, question};
use super::dialect::{Dialect, WrittenText};
use super::{ExportKind, LoadedImage, LoadedRecord, Sample, boxes, to_json};
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
        super::shards::lines_after(shard, out, |line| line.contains("\"bbox\":[[") && line.contains("\"ref\":[\""))
    },
    read: |bytes| super::shards::parsed(bytes, read),
    start: |_| {
        "```sh\nROOT_IMAGE_DIR=\"$PWD\" swift sft --model MODEL --dataset train-*.jsonl\n```\n\nImages are found below `ROOT_IMAGE_DIR`, which is this folder. \
         ms-swift writes references and boxes in the model's own dialect.\n"
            .to_owned()
    },
    ..super::shards::JSON_LINES
};

#[derive(Serialize, Deserialize)]
struct SwiftRecord {
    id: String,
    messages: Vec<SwiftMessage>,
    images: Vec<String>,
    /// The canonical answer, which rewards of reinforcement learning compare with.
    solution: String,
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

/// What a loader makes of two messages and as many images.
pub fn read_messages(id: String, images: Vec<LoadedImage>, messages: Vec<SwiftMessage>) -> Result<LoadedRecord> {
    let wrong = |what: String| Error::input(format!("a conversation {what}")).with("id", &id);
    let [asked, answered] =
        <[SwiftMessage; 2]>::try_from(messages).map_err(|_| wrong("has not two messages".into()))?;
    if (asked.role.as_str(), answered.role.as_str()) != ("user", "assistant") {
        return Err(wrong("is not between user and assistant".into()));
    }
    let (places, text) =
        question(&asked.content).ok_or_else(|| wrong("has <image> elsewhere than at its start".into()))?;
    if places != images.len() {
        return Err(wrong(format!("has {places} times <image> for {} images", images.len())));
    }
    let text = text.to_owned();
    Ok(LoadedRecord { id, images, question: text, answer: answered.content, ..LoadedRecord::default() })
}

/// The two messages of a sample, and what their dialect keeps beside them.
pub fn messages(sample: &Sample, dialect: &Dialect) -> Result<(Vec<SwiftMessage>, WrittenText)> {
    let boxes = boxes(sample)?;
    let asked = dialect.write(&sample.question, &boxes)?;
    let answer = dialect.write(&sample.answer, &boxes)?;
    let messages = vec![
        SwiftMessage { role: "user".into(), content: human(sample.images.len(), &asked.text) },
        SwiftMessage { role: "assistant".into(), content: answer.text },
    ];
    let beside = WrittenText {
        text: String::new(),
        references: [asked.references, answer.references].concat(),
        boxes: [asked.boxes, answer.boxes].concat(),
        box_images: [asked.box_images, answer.box_images].concat(),
    };
    Ok((messages, beside))
}

fn record(sample: &Sample, dialect: &Dialect) -> Result<String> {
    let (messages, beside) = messages(sample, dialect)?;
    let any = !beside.references.is_empty() || !beside.boxes.is_empty();
    to_json(&SwiftRecord {
        id: sample.sample_id.clone(),
        messages,
        images: sample.images.iter().map(|image| image.path.clone()).collect(),
        solution: sample.ground_truth.clone(),
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
    let read = read_messages(record.id, images, record.messages)?;
    Ok(LoadedRecord { references: objects.references, boxes: objects.bbox, box_images: objects.image_id, ..read })
}
