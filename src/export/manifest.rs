//! The manifest: what an export holds, with the hash of every file. It is written last, so that an export that has one is whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::images::ImageStorage;

/// `manifest.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub kind: String,
    pub name: String,
    pub samples: u64,
    /// How many samples a record holds at most.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub turns: usize,
    /// How references and boxes are written.
    pub dialect: String,
    /// The bounds of Qwen2.5-VL's resizing, where boxes depend on them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_pixels: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_pixels: Option<u64>,
    pub images: ImageStorage,
    /// No picture says of itself that it is to be turned: a loader that obeys EXIF sees what one sees that does not.
    #[serde(default)]
    pub upright: bool,
    /// The version of the table `dataset`, and the slice of it, as SQL.
    pub dataset_version: u64,
    pub slice: String,
    pub seed: i64,
    pub generator: String,
    /// Changes with anything that changes a byte of the export.
    pub fingerprint: String,
    /// How many samples each licence has.
    pub licences: BTreeMap<String, u64>,
    /// Samples that are not there, by reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out: BTreeMap<String, u64>,
    /// Every file but this one and those below `images/`, which `images-*.jsonl` lists.
    pub files: Vec<ManifestFile>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Relative to the export's folder.
    pub path: String,
    pub bytes: u64,
    /// BLAKE3, hexadecimal.
    pub blake3: String,
    /// Records in it, where it is a shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<usize>,
}

fn one() -> usize {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_one(turns: &usize) -> bool {
    *turns == 1
}

impl ManifestFile {
    /// A file with these bytes.
    pub fn of(path: &str, bytes: &[u8], rows: Option<usize>) -> Self {
        Self {
            path: path.to_owned(),
            bytes: bytes.len() as u64,
            blake3: blake3::hash(bytes).to_hex().to_string(),
            rows,
        }
    }
}
