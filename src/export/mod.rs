//! Exports: a slice of the dataset as files that a trainer loads unchanged.
//!
//! ```text
//!  dataset ─► samples of a slice, by frame ─► images: decoded once, drawn, put under the hash of their bytes
//!                                   └──────► records, in the words of the kind ─► buckets by hash (temporary, on disk)
//!                                                                                     └─► shards, each in the order of the hash
//!                                                                                           └─► manifest.json, last
//! ```
//!
//! The order of rows is a hash of seed and sample, so that the first n rows of any shard are a fair sample and the same export has the
//! same bytes. A shard that is written, and an image that is put, is not made again when an export is taken up after an interruption:
//! `_progress/` says what is there, and is gone when the manifest is.

mod buckets;
mod conversation;
mod dialect;
mod hf;
mod images;
mod internvl;
mod llava;
mod manifest;
mod place;
mod qwen;
mod rows;
mod run;
mod sample;
mod sharegpt;
mod shards;
mod swift;
mod verify;
mod vlmeval;
mod webdataset;

use std::collections::BTreeMap;

pub use dialect::{Dialect, Size};
pub use images::Images;
pub use manifest::Manifest;
pub use run::{Options, Outcome};
pub use sample::{Image, Sample};

use crate::error::{Error, Result};
use place::Place;

/// One entry of [`EXPORTS`]: everything that the command line, the documents and the tests say of a kind is derived from it.
pub struct Kind {
    /// As in `--to NAME`.
    pub name: &'static str,
    /// One line: who loads it.
    pub doc: &'static str,
    /// The files that come out and how they are loaded, for `export --to NAME --help`.
    pub long_doc: &'static str,
    /// How references and boxes are written, unless `--dialect` says otherwise.
    pub dialect: &'static str,
    /// The ending of a shard's file.
    pub ending: &'static str,
    /// The folder of the shards; "" for the root.
    pub folder: &'static str,
    /// Rows of a shard, unless `--shard-rows` says otherwise.
    pub shard_rows: usize,
    /// True where a shard holds the bytes of its images, so that no image file is left beside it.
    pub embeds: bool,
    /// A sample as the JSON object that a shard's writer is given.
    pub record: fn(&Sample, &Dialect) -> Result<serde_json::Value>,
    /// A shard's bytes.
    pub write: fn(&Shard<'_>) -> Result<Vec<u8>>,
    /// A shard's records again, by the rule of whoever loads it.
    pub read: fn(&[u8]) -> Result<Vec<Read>>,
    /// The files beside the shards, by name.
    pub finish: fn(&Finished<'_>) -> Result<BTreeMap<String, Vec<u8>>>,
}

/// The records of one shard, in their order.
pub struct Shard<'a> {
    pub records: Vec<serde_json::Value>,
    /// The bytes of the images that the records name, where the kind embeds them.
    pub images: BTreeMap<String, bytes::Bytes>,
    pub name: &'a str,
}

/// What a loader sees of one record.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    pub id: String,
    /// Paths of images, or their bytes where they are embedded.
    pub images: Vec<ReadImage>,
    /// What the person says, without the places of images.
    pub question: String,
    pub answer: String,
    /// Boxes that the dialect keeps beside the text.
    pub boxes: Vec<[f64; 4]>,
    /// References that the dialect keeps beside the text.
    pub references: Vec<String>,
}

/// An image as a record has it.
#[derive(Debug, Clone, PartialEq)]
pub enum ReadImage {
    Path(String),
    Bytes(Vec<u8>),
}

/// What is known when all shards are written.
pub struct Finished<'a> {
    pub name: &'a str,
    pub dialect: &'a Dialect,
    /// The shards' paths with their rows.
    pub shards: &'a [(String, usize)],
    /// How many samples each value of a column has, by column.
    pub counts: &'a BTreeMap<&'static str, BTreeMap<String, u64>>,
    pub images: Images,
    pub samples: u64,
}

/// Every kind of export.
pub const EXPORTS: &[Kind] = &[
    internvl::INTERNVL,
    swift::SWIFT,
    qwen::QWEN,
    llava::LLAVA,
    sharegpt::SHAREGPT,
    hf::HF,
    webdataset::WEBDATASET,
    vlmeval::VLMEVAL,
];

/// A kind by its name.
pub fn kind(name: &str) -> Result<&'static Kind> {
    EXPORTS.iter().find(|kind| kind.name == name).ok_or_else(|| {
        let known: Vec<&str> = EXPORTS.iter().map(|kind| kind.name).collect();
        Error::usage("no such kind of export").with("kind", name).hint(format!("known kinds: {}", known.join(", ")))
    })
}

#[cfg(test)]
mod tests;
