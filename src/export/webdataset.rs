//! WebDataset, and Megatron-Energon on top of it: tar shards in which the files of one key are one sample.

use std::collections::BTreeMap;
use std::io::{Read as _, Write};

use serde::Deserialize;
use serde_json::json;

use super::conversation::{ChatTurn, read_turns};
use super::json_lines::cannot_write;
use super::{ExportKind, ExportShard, FinishedExport, LoadedImage, LoadedRecord};
use crate::error::{Context, Error, Result};
use crate::tables::SampleImage;

pub const WEBDATASET: ExportKind = ExportKind {
    name: "webdataset",
    doc: "WebDataset and Megatron-Energon: tar shards with an image and a JSON file a sample",
    long_doc: "  shards/train-000000.tar          <id>.jpg (or <id>.0.jpg, <id>.1.jpg, ...) and <id>.json with conversations and columns
  shards/train-000000.tar.idx      where each sample begins, for Energon
  .nv-meta/                        what `energon prepare` would write, for a CrudeWebdataset
  cooker.py                        the cooker and task encoder that make Energon's samples of it",
    dialect: "internvl",
    path: |at, _| format!("shards/train-{at:06}.tar"),
    shard_rows: 2_000,
    embeds: true,
    most_images: None,
    takes_turns: true,
    record: super::hf::record,
    write,
    index: Some(index),
    asked: |sample| sample.question.clone(),
    read,
    finish,
    start,
    rooted: false,
};

#[derive(Deserialize)]
struct WebdatasetRecord {
    id: String,
    images: Vec<SampleImage>,
    conversations: Vec<ChatTurn>,
    /// Where the export packs.
    samples: Option<Vec<PackedSample>>,
}

/// What is read of a sample of a packed record.
#[derive(Deserialize)]
struct PackedSample {
    sample_id: String,
}

fn write(shard: &ExportShard<'_>, out: &mut (dyn Write + Send)) -> Result<()> {
    let mut tar = tar::Builder::new(out);
    let mut add = |name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, bytes).or_input(cannot_write)
    };
    for record in shard.records() {
        let record = record?;
        let stored: WebdatasetRecord = serde_json::from_str(&record).or_internal(cannot_write)?;
        let several = stored.images.len() > 1;
        for (at, image) in stored.images.iter().enumerate() {
            let Some(bytes) = shard.image(&image.path)? else { continue };
            let ending = if bytes.starts_with(b"\x89PNG") { "png" } else { "jpg" };
            let part = if several { format!("{at}.{ending}") } else { ending.to_owned() };
            add(&format!("{}.{part}", stored.id), &bytes)?;
        }
        add(&format!("{}.json", stored.id), record.as_bytes())?;
    }
    tar.finish().or_input(cannot_write)
}

/// Where each sample's first header is, and where the last sample ends: little-endian, as Energon has it.
fn index(shard: &mut dyn std::io::Read) -> Result<Vec<u8>> {
    let failed = || "a tar shard cannot be read".to_owned();
    let mut archive = tar::Archive::new(shard);
    let (mut offsets, mut end, mut last) = (Vec::new(), 0, String::new());
    for entry in archive.entries().or_input(failed)? {
        let entry = entry.or_input(failed)?;
        let path = entry.path().or_input(failed)?.display().to_string();
        let key = path.split('.').next().unwrap_or_default().to_owned();
        if key != last {
            offsets.push(entry.raw_header_position());
            last = key;
        }
        end = entry.raw_file_position() + entry.size().div_ceil(512) * 512;
    }
    offsets.push(end);
    Ok(offsets.into_iter().flat_map(u64::to_le_bytes).collect())
}

fn read(bytes: &[u8]) -> Result<Vec<LoadedRecord>> {
    let failed = || "a tar shard cannot be read".to_owned();
    let mut archive = tar::Archive::new(bytes);
    let mut rows = Vec::new();
    let mut images: Vec<LoadedImage> = Vec::new();
    for entry in archive.entries().or_input(failed)? {
        let mut entry = entry.or_input(failed)?;
        let path = entry.path().or_input(failed)?.display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).or_input(failed)?;
        let Some(key) = path.strip_suffix(".json") else {
            images.push(LoadedImage::Bytes(bytes));
            continue;
        };
        let stored: WebdatasetRecord = serde_json::from_slice(&bytes).or_input(failed)?;
        if stored.id != key {
            return Err(Error::input("a member of a tar shard is of another sample").with("member", path));
        }
        let mut shown = std::mem::take(&mut images);
        if shown.is_empty() {
            shown = stored.images.into_iter().map(|image| LoadedImage::Path(image.path)).collect();
        }
        let sample_ids = stored.samples.map(|samples| samples.into_iter().map(|sample| sample.sample_id).collect());
        rows.push(read_turns(stored.id, sample_ids, shown, stored.conversations)?);
    }
    Ok(rows)
}

fn finish(finished: &FinishedExport<'_>) -> Result<BTreeMap<String, Vec<u8>>> {
    let counts: BTreeMap<&str, usize> = finished.shards.iter().map(|(path, rows)| (path.as_str(), *rows)).collect();
    // The version whose files these are; Energon refuses keys that it does not know.
    let info = super::pretty(&json!({ "energon_version": "7.4.1", "shard_counts": counts }))?;
    let shards = match finished.shards.len() {
        0 => "  train: []\n".to_owned(),
        1 => "  train:\n  - shards/train-000000.tar\n".to_owned(),
        n => format!("  train:\n  - shards/train-{{000000..{:06}}}.tar\n", n - 1),
    };
    let split = format!("split_parts:\n{shards}  val: []\n  test: []\nexclude: []\n");
    let dataset = "__module__: megatron.energon\n__class__: CrudeWebdataset\n";
    Ok([
        (".nv-meta/.info.json".to_owned(), info),
        (".nv-meta/split.yaml".to_owned(), split.into_bytes()),
        (".nv-meta/dataset.yaml".to_owned(), dataset.as_bytes().to_vec()),
        ("cooker.py".to_owned(), COOKER.as_bytes().to_vec()),
    ]
    .into())
}

/// Energon leaves what a sample is to a cooker in the trainer's own code; this one works as it is.
const COOKER: &str = include_str!("cooker.py");

fn start(finished: &FinishedExport<'_>) -> String {
    let shards = match finished.shards.len() {
        0 | 1 => "shards/train-000000.tar".to_owned(),
        n => format!("shards/train-{{000000..{:06}}}.tar", n - 1),
    };
    format!(
        "WebDataset:\n\n```python\nimport webdataset as wds\nrows = wds.WebDataset(\"{shards}\", shardshuffle=False).decode(\"pil\")\n```\n\n\
         Megatron-Energon needs no `energon prepare`. `cooker.py` has the task encoder that makes samples of the shards; `python3 cooker.py` in this folder \
         shows the first ones:\n\n```python\nfrom cooker import Encoder\nfrom megatron.energon import WorkerConfig, get_loader, get_train_dataset\n\
         dataset = get_train_dataset(\"/path/to/this/folder\", batch_size=4, shuffle_buffer_size=100, max_samples_per_sequence=100,\n    \
         worker_config=WorkerConfig.default_worker_config(), task_encoder=Encoder())\nfor batch in get_loader(dataset):\n    ...\n```\n"
    )
}
