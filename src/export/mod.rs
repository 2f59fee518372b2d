//! Exports: a slice of the dataset as files that a trainer loads unchanged.
//!
//! ```text
//!  samples of a slice ─► 1. images, by frame: decoded once, drawn, put under the hash of frame and marks
//!                   └──► 2. records, in the words of the kind ─► buckets by hash (temporary, on disk)
//!                        (with --turns: samples about the same images packed into conversations before)
//!                                                                  └─► 3. shards, each in the order of the hash
//!                                                                           └─► 4. manifest.json, last
//! ```
//!
//! The order of rows is a hash of seed and sample, so that the first n rows of any shard are a fair sample and the same export has the
//! same bytes. A shard that is written, and an image that is put, is not made again when an export is taken up after an interruption:
//! `_progress/` says what is there, and is gone when the manifest is.
//!
//! Paths in an export are relative to its folder, so that a copy of it is an export, too. Of what grows with the dataset, no more is in memory than the
//! hash of each image and where every 64th frame is; records, frames and shards are on disk until they are in their place.

mod buckets;
mod by_frame;
mod conversation;
mod counts;
mod dialect;
mod drawing;
mod exact_json;
mod hf;
mod image_index;
mod images;
mod internvl;
mod json_lines;
mod llava;
mod manifest;
mod packing;
mod place;
mod place_lock;
mod qwen;
mod readme;
mod records;
mod run;
mod shards;
mod sharegpt;
mod spool;
mod swift;
mod verify;
mod vlmeval;
mod webdataset;

use std::collections::BTreeMap;

pub use dialect::{Dialect, ImageSize, PlacedBox};
pub use images::ImageStorage;
pub use manifest::Manifest;
pub use run::{ExportOptions, ExportOutcome};
pub use verify::VerifiedExport;

use conversation::Conversation;

use crate::error::{Context, Error, Result};
use crate::suggestion::unknown;
use crate::tables::{Sample, SampleImage, TextBox};

/// One entry of [`EXPORTS`]: everything that the command line, the documents and the tests say of a kind is derived from it.
pub struct ExportKind {
    /// As in `--to NAME`.
    pub name: &'static str,
    /// One line: who loads it.
    pub doc: &'static str,
    /// The files that come out and how they are loaded.
    pub long_doc: &'static str,
    /// How references and boxes are written, unless `--dialect` says otherwise.
    pub dialect: &'static str,
    /// The path of a shard: which one, of how many.
    pub path: fn(usize, usize) -> String,
    /// Rows of a shard, unless `--shard-rows` says otherwise.
    pub shard_rows: usize,
    /// True where a shard holds the bytes of its images, so that no image file is left beside it.
    pub embeds: bool,
    /// How many images its trainer takes a sample, where it takes no more: samples that show more are left out and counted.
    pub most_images: Option<usize>,
    /// True where a record may hold the questions of several samples, one after the other.
    pub takes_turns: bool,
    /// Samples as the line of JSON that a shard's writer is given.
    pub record: fn(&Conversation<'_>, &Dialect) -> Result<String>,
    /// Writes a shard.
    pub write: fn(&ExportShard<'_>, &mut (dyn std::io::Write + Send)) -> Result<()>,
    /// What lies beside a shard under its name and `.idx`, made of its bytes.
    pub index: Option<fn(&mut dyn std::io::Read) -> Result<Vec<u8>>>,
    /// What the kind asks of a sample, in the dataset's own markup.
    pub asked: fn(&Sample) -> String,
    /// A shard's records again, by the rule of whoever loads it.
    pub read: fn(&[u8]) -> Result<Vec<LoadedRecord>>,
    /// The files beside the shards, by path; the README is no kind's own.
    pub finish: fn(&FinishedExport<'_>) -> Result<BTreeMap<String, Vec<u8>>>,
    /// How its trainer is started, in Markdown, as seen from the export's folder.
    pub start: fn(&FinishedExport<'_>) -> String,
    /// True where the trainer opens what an index names as it stands there, so that `--root` is of use.
    pub rooted: bool,
}

impl ExportKind {
    /// A kind by its name.
    pub fn named(name: &str) -> Result<&'static Self> {
        let names: Vec<&str> = EXPORTS.iter().map(|kind| kind.name).collect();
        EXPORTS.iter().find(|kind| kind.name == name).ok_or_else(|| unknown("kind of export", name, &names))
    }
}

/// The records of one shard, in their order, and the images that they name.
pub struct ExportShard<'a> {
    sorted: &'a buckets::SortedBucket,
    range: std::ops::Range<usize>,
    image: &'a dyn Fn(&str) -> Result<Option<bytes::Bytes>>,
    /// The columns of `dataset`, of which kinds that write them all make theirs.
    pub columns: arrow::datatypes::SchemaRef,
    /// How many records the shards before it have.
    pub first_row: usize,
    /// How many samples a record holds at most; with more than one it says which.
    pub turns: usize,
}

impl ExportShard<'_> {
    /// As often as they are wanted: they are on disk.
    pub fn records(&self) -> impl Iterator<Item = Result<String>> {
        self.sorted.records(self.range.clone())
    }

    /// The bytes of an image, where the kind embeds them and they are not withheld.
    pub fn image(&self, path: &str) -> Result<Option<bytes::Bytes>> {
        (self.image)(path)
    }
}

/// The reason of samples that show more images than their kind takes.
pub const TOO_MANY_IMAGES: &str = "too_many_images";

/// The reason of samples of which an image cannot be read.
pub const UNREADABLE_IMAGE: &str = "unreadable_image";

/// Why samples were left out, for people: what [`Manifest::left_out`] counts.
pub fn why_left_out(reason: &str, kind: &ExportKind) -> String {
    match (reason, kind.most_images) {
        (TOO_MANY_IMAGES, Some(1)) => format!("they show several images, and `{}` takes one a sample", kind.name),
        (TOO_MANY_IMAGES, Some(most)) => {
            format!("they show more than the {most} images a sample that `{}` takes", kind.name)
        }
        (UNREADABLE_IMAGE, _) => "an image of theirs cannot be read".to_owned(),
        (other, _) => other.to_owned(),
    }
}

/// What a loader sees of one record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LoadedRecord {
    pub images: Vec<LoadedImage>,
    /// Of each of its samples, in their order.
    pub turns: Vec<LoadedTurn>,
    /// References that the dialect keeps beside the text, in the order of questions and answers.
    pub references: Vec<String>,
    /// Boxes that the dialect keeps beside the text, in the same order.
    pub boxes: Vec<[f64; 4]>,
    /// Which image each of these is on, from 0.
    pub box_images: Vec<usize>,
}

/// A question and its answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LoadedTurn {
    pub sample_id: String,
    /// What the person says, without the places of images.
    pub question: String,
    pub answer: String,
}

/// An image as a record has it.
#[derive(Debug, Clone, PartialEq)]
pub enum LoadedImage {
    /// Relative to the export's folder.
    Path(String),
    Bytes(Vec<u8>),
}

/// What is known when all shards are written.
pub struct FinishedExport<'a> {
    pub kind: &'static ExportKind,
    pub name: &'a str,
    pub dialect: &'a Dialect,
    /// Where the export will lie, where somebody said so.
    pub root: Option<&'a str>,
    /// The shards' paths with their rows.
    pub shards: &'a [(String, usize)],
    pub counts: &'a counts::ExportCounts,
    pub images: ImageStorage,
    pub samples: u64,
    /// How many samples a record holds at most.
    pub turns: usize,
    /// Samples that are not there, by reason.
    pub left_out: &'a BTreeMap<String, u64>,
    pub dataset_version: u64,
    pub slice: &'a str,
    /// The columns of `dataset`.
    pub columns: arrow::datatypes::SchemaRef,
}

impl FinishedExport<'_> {
    /// A file of the export, for an index whose reader opens what it finds there: relative to the export's folder, or below its root.
    fn path(&self, path: &str) -> String {
        format!("{}/{path}", self.root.unwrap_or(".").trim_end_matches('/'))
    }
}

/// The boxes that a sample's texts write, each with the size of its image. A box of no image cannot be written.
fn boxes(sample: &Sample) -> Result<Vec<PlacedBox>> {
    let placed = |of: &TextBox| {
        let missing =
            || Error::input("a box is on an image that its sample does not show").with("sample", &sample.sample_id);
        let image = sample.images.get(of.image).ok_or_else(missing)?;
        let size = ImageSize { width: image.width, height: image.height };
        Ok(PlacedBox { image: of.image, bbox: of.bbox.corners(), size })
    };
    sample.boxes.iter().map(placed).collect()
}

fn to_json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).or_internal(|| "a record is JSON".into())
}

/// JSON for people.
fn pretty(value: &serde_json::Value) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value).or_internal(|| "a document is JSON".into())?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// `train-00003-of-00012.jsonl`.
fn numbered(at: usize, of: usize, ending: &str) -> String {
    format!("train-{at:05}-of-{of:05}.{ending}")
}

/// The images of a record of a kind that embeds them.
fn images_of(record: &str) -> Result<Vec<String>> {
    #[derive(serde::Deserialize)]
    struct ImageStorage {
        images: Vec<SampleImage>,
    }
    let record: ImageStorage = serde_json::from_str(record).or_internal(|| "a record names its images".into())?;
    Ok(record.images.into_iter().map(|image| image.path).collect())
}

/// Every kind of export.
pub const EXPORTS: &[ExportKind] = &[
    internvl::INTERNVL,
    swift::SWIFT,
    qwen::QWEN,
    llava::LLAVA,
    sharegpt::SHAREGPT,
    hf::HF,
    webdataset::WEBDATASET,
    vlmeval::VLMEVAL,
];
