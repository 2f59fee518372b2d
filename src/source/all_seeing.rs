//! The `all_seeing` source: photos with named regions and grounded conversations, as the All-Seeing project writes them.
//!
//! ```text
//! region JSON of a photo      {"image": {..}, "annotations": [{"box": [x, y, w, h], "semantic_tag": [..], ..}]} ─┐
//! lines or lists of regions   {"image": "..", "bbox": [x0, y0, x1, y1], "question": .., "caption": ..}           ├─ by photo ─► buckets
//! conversations with markup   {"image": "..", "conversations": [{"value": "<ref>a bus</ref><box>[[..]]</box>"}]} ─┘
//! ```
//!
//! All files are read once, front to back, however large; their records are sorted into buckets by a hash of the photo that they are
//! of, and a bucket is a shard: there, what several files say of one region becomes one object. Memory: one record, or one photo's
//! file, while sorting; then a bucket's regions.

mod bucket;
mod files;
mod markup;
mod names;
mod records;
mod square_pad;
mod survey;

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use self::files::{AnnotationFile, FoundFiles};
use self::records::{Found, RecordKind};
use super::bucket_digests::{BucketDigests, PhotoNames};
use super::root::Root;
use super::{Shard, Source, SourceOptions};
use crate::error::{Error, Result};
use crate::source::RowSink;
use crate::source::category;
use crate::spill::{Spill, Spiller, Tag};
use crate::tables::{Loss, Unusable};

/// The entry of [`SOURCES`](super::SOURCES).
pub const ALL_SEEING: super::SourceKind = super::SourceKind {
    name: "all_seeing",
    doc: "photos with named regions and grounded conversations, as All-Seeing's JSON (AS-1B, AS-100M, AS-Core, AS-V2)",
    long_doc: LONG_DOC,
    makes_root: false,
    open: |root, options| Ok(Box::new(AllSeeingReader::open(root, options)?)),
};

const LONG_DOC: &str = "\
Layout, below `root`: JSON, JSON lines, or either packed by gzip, in whichever folders, and the photos

  annotations/sa_1131.json            the regions of one photo, as the data browser has them: `image`, `annotations`
  jsonl_format/part_0.jsonl.gz        AS-100M: a region a line: image, bbox, question, answer
  semantic_tags_1m.json               AS-Core: lists or lines of image, width, height, bbox and
  region_caption_400k.jsonl           semantic_tag, caption, or question and answer
  as_pretrain_10m.json                AS-V2 and what it was trained on: image, conversations with
  rec_conversation_22k.json           <ref>bus</ref><box>[[x0, y0, x1, y1]]</box>
  images/sa_000000/sa_1131.jpg        the photos of SA-1B, or those of COCO and others that conversations are about

Options:

  annotations     a path, or a list of paths; a folder stands for the files below it. Default: annotations, where there is such a
                  folder, else every .json, .jsonl, .json.gz and .jsonl.gz below the root that is not called as SA-1B's own
                  masks are (sa_1131.json); of a file and its twin ..._wo_square_pad.json the twin
  images          the folder of the photos. Default: images, where there is such a folder, else the root
  square_pad      true: the coordinates of conversations are of the photo amid a square, as wide as its longer side; false: of
                  the photo. Default: true for files called rec_*.json, unless they end in _wo_square_pad, else false
  box_scale       what the sides of the photo, or of its square, are in conversations. Default: 1000; All-Seeing's own drawings
                  take 999
  box_format      xywh (left, top, width, height) or xyxy (left, top, right, bottom), in pixels, of what is no conversation.
                  Default: xywh in files of one photo, xyxy in lines and lists
  untagged        what a region is called that nobody names. Default: it is quarantined (category)
  missing_images  quarantine (default): an image whose photo is absent is not used, nor are its regions;
                  keep: its frame and regions are kept, without SHA-256, where a record states its size
  made_by         who marked and named the regions. Default: all_seeing, which is mostly models
  shards          how many shards to make. Default: by the files' size

What becomes of what: a photo becomes a frame, and each region of it one object, however many records, questions and turns of a
conversation speak of it: records of one box, to the pixel, are of one region. Its category is the tag of the highest confidence,
else the words of the <ref> before its box: without article, number and what stands in brackets, and in the singular where the
words are of several boxes. Its score is that confidence, which is a cosine times 100, as a share of 1. Captions and answers are
sentences about a region, and questions need a name for it: its caption is the phrase that the sentence begins with (The green sign
with an arrow, of The green sign with an arrow shows ..), where that names the category and adds to it; else it has none. A caption
of the whole photo goes to `captions` of the frame. What <pred> relates is not read: relations are measured. Nobody marked every
object, so that frames are not exhaustive and nothing is counted. A photo is found by its path in the record, or the end of it,
below `images`, then below the root; photos of SA-1B (sa_1131.jpg) are one whichever folder a record names. Boxes are cut off at the
picture's border.

Forgiven, without a word: byte order marks; numbers as 1.0, \"1\" or true; NaN, Infinity and null in fields that need not be
there; a tag, question or answer that is a text or a list; words that name nothing (they, region1) where another record names the
box; <ref> that ends with </pred>.
Forgiven, with a remark in `quarantine` (loss = nothing) that is not held against `max_quarantined`: a region that is there twice,
or under another tag, of which the first one is used (duplicate), confidences that are none (score), captions of photos of more than
1000 bytes, which are cut (caption), conversations without an image and without boxes (json), words in <ref> without a box (markup),
files that are none of All-Seeing's, such as COCO's (section).

Quarantined: records that are no good JSON, or have no image, box or conversation (json), photos that are absent, unreadable or of
another size than stated (missing_file, unreadable, path, image), boxes that are empty or outside their picture (box), markup that
is not closed or whose boxes are no numbers (markup), regions that nobody names (category), and regions of a photo that is not used
(no_frame). Where a file breaks off, what came before is kept and the break is quarantined with its byte offset.

The files are sorted on disk once for each import, in the folder for temporary files (TMPDIR), in about their own size.";

/// Changes when the same files would be read as different rows.
const READER: &str = "all_seeing 1";

/// Records of about a thousand photos with a hundred regions each would be four times as much; that many are held at once.
const BUCKET_BYTES: u64 = 16 << 20;

/// JSON in gzip is about so many times smaller.
const PACKED: u64 = 6;

const MAX_BUCKETS: u64 = 4096;

/// Breaks and records of no image; files with more of them are no such files.
const MAX_LOST: usize = 100_000;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct AllSeeingOptions {
    annotations: Option<Paths>,
    images: Option<String>,
    square_pad: Option<bool>,
    box_scale: f64,
    box_format: Option<BoxFormat>,
    untagged: Option<String>,
    missing_images: MissingImages,
    made_by: String,
    shards: u32,
}

impl Default for AllSeeingOptions {
    fn default() -> Self {
        Self {
            annotations: None,
            images: None,
            square_pad: None,
            box_scale: 1000.0,
            box_format: None,
            untagged: None,
            missing_images: MissingImages::Quarantine,
            made_by: "all_seeing".to_owned(),
            shards: 0,
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Paths {
    One(String),
    Many(Vec<String>),
}

/// What the four numbers of a box are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum BoxFormat {
    Xywh,
    Xyxy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MissingImages {
    Quarantine,
    Keep,
}

/// All-Seeing's files and the photos that they are of.
struct AllSeeingReader {
    root: Root,
    name: String,
    split: Option<String>,
    licence: Option<String>,
    options: AllSeeingOptions,
    /// What regions without a name are called.
    untagged: Option<String>,
    files: Vec<AnnotationFile>,
    /// What was found beside them and is not read, a sentence each.
    passed_over: Vec<String>,
    /// Where photos may be, relative to the root.
    folders: Vec<String>,
    buckets: u64,
    /// Of all files.
    bytes: u64,
    fingerprinted: String,
    /// Made when the first shard is read, kept for all others.
    sorted: Mutex<Option<Arc<SortedRecords>>>,
}

/// The records of all files by buckets.
struct SortedRecords {
    spill: Spill,
    digests: BucketDigests,
    /// What belongs to no photo and cannot be used: what is lost, its place, its file, and why.
    lost: Vec<(Loss, String, String, Unusable)>,
}

impl AllSeeingReader {
    fn open(root: Root, options: &SourceOptions) -> Result<Self> {
        let own: AllSeeingOptions = options.parse("all_seeing")?;
        let wrong = |message: &str| Err(Error::usage(message.to_owned()).with("source", &options.name));
        if !(own.box_scale.is_finite() && own.box_scale >= 1.0) {
            return wrong("`box_scale` of an all_seeing source is a number from 1 on, such as 1000");
        }
        let untagged = own.untagged.as_deref().map(category::spelled);
        if untagged == Some(None) {
            return wrong("`untagged` of an all_seeing source is a name, such as \"object\"");
        }
        let FoundFiles { files, passed_over } = files::find(&root, &own)?;
        let folders = match &own.images {
            Some(folder) => vec![folder.trim_matches('/').to_owned()],
            None if root.has_folder("images")? => vec!["images".to_owned(), String::new()],
            None => vec![String::new()],
        };
        let bytes = files.iter().map(|file| file.bytes).sum();
        let unpacked: u64 = files.iter().map(|file| file.bytes * if file.is_packed() { PACKED } else { 1 }).sum();
        let buckets = match own.shards {
            0 => unpacked.div_ceil(BUCKET_BYTES).clamp(1, MAX_BUCKETS),
            shards => u64::from(shards).min(MAX_BUCKETS),
        };
        Ok(Self {
            fingerprinted: format!("{READER} {folders:?} {}", serde_json::to_string(options).unwrap_or_default()),
            root,
            name: options.name.clone(),
            split: options.split.clone(),
            licence: options.licence.clone(),
            options: own,
            untagged: untagged.flatten(),
            files,
            passed_over,
            folders,
            buckets,
            bytes,
            sorted: Mutex::default(),
        })
    }

    fn sorted(&self) -> Result<Arc<SortedRecords>> {
        let mut sorted = self.sorted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sorted) = &*sorted {
            return Ok(Arc::clone(sorted));
        }
        let mut spiller = Spiller::new(self.buckets as usize)?;
        let (mut lost, mut names, mut found) = (Vec::new(), PhotoNames::default(), false);
        for file in &self.files {
            records::read(&self.root, file, &mut |record| match record {
                Found::Record { kind, photo, offset, json } => {
                    found = true;
                    let bucket = (xxh3_64(records::photo_key(photo).as_bytes()) % self.buckets) as usize;
                    names.push(bucket, photo);
                    // Which file it is from is its own, so that one more file makes no other's buckets stale.
                    let placed = [photo.as_bytes(), b"\0", file.path.as_bytes(), b"\0", json].concat();
                    spiller.push(bucket, Tag { kind: kind as u8, document: 0, number: offset }, &placed)
                }
                Found::Lost { loss, offset, why } => {
                    lost.push((loss, format!("{}@{offset}", file.path), file.path.clone(), why));
                    if lost.len() > MAX_LOST {
                        return Err(Error::input("too many records are no good").with("file", &file.path));
                    }
                    Ok(())
                }
            })?;
        }
        if !found {
            let file = self.files.first().map_or("", |file| &file.path);
            let why = lost.first().map(|(.., why)| why.message.clone());
            return Err(Error::input("no record of All-Seeing can be read")
                .with("file", file)
                .because(why.unwrap_or_else(|| "it has no records".to_owned()))
                .hint("`annotations` of the source names its JSON files, relative to its `root`; `spatialmill import --kind all_seeing` shows the forms"));
        }
        let spill = spiller.finish()?;
        // What belongs to no photo is told with the first bucket.
        let beside: Vec<_> = (!lost.is_empty()).then(|| (0, format!("{lost:?}"))).into_iter().collect();
        let digests = BucketDigests::new(&spill, names, "", &beside);
        Ok(Arc::clone(sorted.insert(Arc::new(SortedRecords { spill, digests, lost }))))
    }

    fn shard_name(&self, bucket: u64) -> String {
        format!("bucket-{bucket:04}-of-{:04}", self.buckets)
    }
}

impl Source for AllSeeingReader {
    fn shards(&self) -> Result<Vec<Shard>> {
        let mut hasher = blake3::Hasher::new();
        for file in &self.files {
            let tag = self.root.tag(&file.path)?.unwrap_or_default();
            hasher.update(format!("{}\0{tag}\0", file.path).as_bytes());
        }
        let state = format!("{} {}", self.fingerprinted, hasher.finalize().to_hex());
        let place = format!("all_seeing {} {} {:?} {}", self.root, self.name, self.options.annotations, self.buckets);
        let digests = BucketDigests::cached(&place, &state, self.bytes, || Ok(self.sorted()?.digests.clone()))?;
        // The root holds the other folder.
        let folders: Vec<&str> = match self.folders.iter().any(String::is_empty) {
            true => vec![""],
            false => self.folders.iter().map(String::as_str).collect(),
        };
        let fingerprints = digests.fingerprints(&self.root, &folders, &self.fingerprinted)?;
        let shard = |(bucket, fingerprint)| Shard { name: self.shard_name(bucket), fingerprint, bytes: 0 };
        Ok((0..self.buckets).zip(fingerprints).map(shard).collect())
    }

    fn read(&self, shard: &Shard, rows: &mut RowSink) -> Result<()> {
        let bucket = (0..self.buckets).find(|bucket| self.shard_name(*bucket) == shard.name).ok_or_else(|| {
            Error::input("there is no such shard")
                .with("shard", &shard.name)
                .hint("list the shards again: the dataset changed")
        })?;
        let sorted = self.sorted()?;
        if bucket == 0 {
            sorted.lost.iter().try_for_each(|(loss, key, path, why)| rows.lose(*loss, key, path, why.clone()))?;
        }
        let mut photos = bucket::PhotoBucket::new(self);
        sorted.spill.visit(bucket as usize, |tag, placed| {
            let mut parts = placed.splitn(3, |byte| *byte == 0);
            let mut text = || String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
            let (photo, file) = (text(), text());
            let json = parts.next().unwrap_or_default();
            photos.record(
                RecordKind::of(tag.kind),
                &photo,
                bucket::RecordPlace { file, offset: tag.number },
                json,
                rows,
            )
        })?;
        photos.finish(rows)
    }

    fn unsaid(&self) -> Result<Vec<String>> {
        let mut said = self.passed_over.clone();
        said.extend(survey::unsaid(self)?);
        Ok(said)
    }
}
