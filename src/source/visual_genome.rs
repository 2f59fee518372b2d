//! The `visual_genome` source: photos with named boxes, as Visual Genome 1.2 and 1.4 write them.
//!
//! Both files are lists of records an image. They are read once, front to back, however large; their records are sorted into
//! buckets by a hash of the image's id, and a bucket is a shard. Memory: one record while sorting, then a bucket's image ids.

mod bucket;
mod records;

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use self::records::GenomeFile;
use super::bucket_digests::{BucketDigests, PhotoNames};
use super::root::Root;
use super::{Shard, Source, SourceOptions};
use crate::error::{Error, Result};
use crate::source::RowSink;
use crate::source::json::cutter::{self, Event, MAX_RECORD};
use crate::source::json::id::Id;
use crate::spill::{Spill, Spiller, Tag};
use crate::tables::Unusable;

/// The entry of [`SOURCES`](super::SOURCES).
pub const VISUAL_GENOME: super::SourceKind = super::SourceKind {
    name: "visual_genome",
    doc: "photos with named boxes, as Visual Genome's JSON",
    long_doc: LONG_DOC,
    makes_root: false,
    open: |root, options| Ok(Box::new(VisualGenomeReader::open(root, options)?)),
};

const LONG_DOC: &str = "\
Layout, below `root`:

  image_data.json           image_id (or id), width, height, url
  objects.json              an image's objects: object_id (or id), x, y, w, h, names (or name)
  VG_100K/2377112.jpg       the photos, in either folder
  VG_100K_2/61512.jpg

Options:

  images          the path of image_data.json
  objects         the path of objects.json
  missing_images  quarantine (default): an image whose photo is absent is not used, nor are its objects;
                  keep: its frame and objects are kept, without SHA-256
  shards          how many shards to make. Default: by the files' size, so that a shard has about 1000 images

What becomes of what: an image becomes a frame, an object a detection with the first of its names and its box, which is cut
off at the picture's border. Nobody marked every object, so that frames are not exhaustive and nothing is counted. Boxes are
as people drew them: some objects have two, under one name or several. A photo whose EXIF note says that it has to be turned
is turned where the record has the turned width and height, and else taken as it is stored.

Forgiven, without a word: a byte order mark; numbers as 1.0, \"1\" or true; NaN, Infinity and null in fields that need not be
there; `names` as one text; `width` and `height` that are missing, where the photo is there. Forgiven, with a remark in
`quarantine` (loss = nothing) that is not held against `max_quarantined`: fields beside `objects` that are not known (section),
an image that is listed twice (duplicate).

Quarantined: records that are no good JSON (json), photos that are absent, unreadable or of another size than stated
(missing_file, unreadable, path, image), boxes that are empty or outside their picture (box), objects without a name
(category), ids that are used twice (duplicate), and objects of an image that is not used (no_frame). Where a file breaks
off, what came before is kept and the break is quarantined with its byte offset.

The files are sorted on disk once for each import, in the folder for temporary files (TMPDIR), in about their own size.";

/// Changes when the same files would be read as different rows.
const READER: &str = "visual_genome 2";

/// Records of about a thousand images: objects.json has 4 kB for each.
const BUCKET_BYTES: u64 = 4 << 20;

const MAX_BUCKETS: u64 = 4096;

/// Breaks and skipped records; a file with more of them is no such file.
const MAX_LOST: usize = 100_000;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct VisualGenomeOptions {
    images: String,
    objects: String,
    missing_images: MissingImages,
    shards: u32,
}

impl Default for VisualGenomeOptions {
    fn default() -> Self {
        Self {
            images: "image_data.json".to_owned(),
            objects: "objects.json".to_owned(),
            missing_images: MissingImages::Quarantine,
            shards: 0,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MissingImages {
    Quarantine,
    Keep,
}

/// The two files and their photos.
struct VisualGenomeReader {
    root: Root,
    name: String,
    split: Option<String>,
    licence: Option<String>,
    options: VisualGenomeOptions,
    buckets: u64,
    /// Of both files.
    bytes: u64,
    fingerprinted: String,
    /// Made when the first shard is read, kept for all others.
    sorted: Mutex<Option<Arc<SortedRecords>>>,
}

/// The records of both files by buckets.
struct SortedRecords {
    spill: Spill,
    digests: BucketDigests,
    /// What belongs to no image and cannot be used: its place, its file, and why.
    lost: Vec<(String, String, Unusable)>,
}

impl VisualGenomeReader {
    fn open(root: Root, options: &SourceOptions) -> Result<Self> {
        let own: VisualGenomeOptions = options.parse("visual_genome")?;
        let mut bytes = 0;
        for path in [&own.images, &own.objects] {
            bytes += root.size(path)?.ok_or_else(|| {
                Error::input("no such file")
                    .with("file", path)
                    .hint("`images` and `objects` of the source are paths relative to its `root`")
            })?;
        }
        let buckets = match own.shards {
            0 => bytes.div_ceil(BUCKET_BYTES).clamp(1, MAX_BUCKETS),
            shards => u64::from(shards).min(MAX_BUCKETS),
        };
        Ok(Self {
            fingerprinted: format!("{READER} {}", serde_json::to_string(options).unwrap_or_default()),
            root,
            name: options.name.clone(),
            split: options.split.clone(),
            licence: options.licence.clone(),
            options: own,
            buckets,
            bytes,
            sorted: Mutex::default(),
        })
    }

    fn path(&self, kind: GenomeFile) -> &str {
        match kind {
            GenomeFile::Image => &self.options.images,
            GenomeFile::Objects => &self.options.objects,
        }
    }

    fn sorted(&self) -> Result<Arc<SortedRecords>> {
        let mut sorted = self.sorted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sorted) = &*sorted {
            return Ok(Arc::clone(sorted));
        }
        let mut spiller = Spiller::new(self.buckets as usize)?;
        let (mut lost, mut names) = (Vec::new(), PhotoNames::default());
        for kind in [GenomeFile::Image, GenomeFile::Objects] {
            self.sort(kind, &mut spiller, &mut names, &mut lost)?;
        }
        let spill = spiller.finish()?;
        // What belongs to no image is told with the first bucket.
        let beside: Vec<_> = (!lost.is_empty()).then(|| (0, format!("{lost:?}"))).into_iter().collect();
        let digests = BucketDigests::new(&spill, names, "", &beside);
        Ok(Arc::clone(sorted.insert(Arc::new(SortedRecords { spill, digests, lost }))))
    }

    fn sort(
        &self,
        kind: GenomeFile,
        spiller: &mut Spiller,
        names: &mut PhotoNames,
        lost: &mut Vec<(String, String, Unusable)>,
    ) -> Result<()> {
        let path = self.path(kind);
        let mut found = false;
        let mut lose = |offset: u64, message: String| {
            lost.push((format!("{path}@{offset}"), path.to_owned(), Unusable::new("json", message)));
            if lost.len() > MAX_LOST {
                return Err(Error::input("too many records are no good").with("file", path));
            }
            Ok(())
        };
        cutter::cut_list(self.root.open(path)?, kind.name(), |event| match event {
            Event::Record { offset, json, .. } => {
                found = true;
                // A record without an id still has to be quarantined in exactly one bucket, the same one every time.
                let id = records::image_id(json);
                let hash = match &id {
                    Some(Id(id)) => xxhash_rust::xxh3::xxh3_64(id.as_bytes()),
                    None => xxhash_rust::xxh3::xxh3_64(&offset.to_le_bytes()),
                };
                let bucket = (hash % self.buckets) as usize;
                if let (GenomeFile::Image, Some(Id(id))) = (kind, id) {
                    names.push(bucket, &format!("{id}.jpg"));
                }
                spiller.push(bucket, Tag { kind: kind as u8, document: 0, number: offset }, json)
            }
            Event::Oversized { offset, bytes, .. } => {
                lose(offset, format!("a record of {bytes} bytes, more than the {MAX_RECORD} allowed"))
            }
            Event::Skipped { offset, .. } => lose(offset, "it is no record".to_owned()),
            Event::Broken { offset, message } if !found => {
                Err(Error::input(format!("not a file of Visual Genome: {message}"))
                    .with("file", path)
                    .with("byte", offset)
                    .hint("`images` and `objects` of the source name its JSON files, relative to its root"))
            }
            Event::Broken { offset, message } => lose(offset, format!("{message}; what follows byte {offset} is lost")),
        })
    }

    fn shard_name(&self, bucket: u64) -> String {
        format!("bucket-{bucket:04}-of-{:04}", self.buckets)
    }
}

impl Source for VisualGenomeReader {
    fn shards(&self) -> Result<Vec<Shard>> {
        let paths = [&self.options.images, &self.options.objects];
        let mut state = self.fingerprinted.clone();
        for path in paths {
            state += &format!("\n{}", self.root.tag(path)?.unwrap_or_default());
        }
        let place = format!("visual_genome {} {} {paths:?} {}", self.root, self.name, self.buckets);
        let digests = BucketDigests::cached(&place, &state, self.bytes, || Ok(self.sorted()?.digests.clone()))?;
        let fingerprints = digests.fingerprints(&self.root, &bucket::FOLDERS, &self.fingerprinted)?;
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
            sorted.lost.iter().try_for_each(|(key, path, why)| rows.refuse(key, path, why.clone()))?;
        }
        let mut images = bucket::ImageBucket::new(self);
        // Images first: they were sorted first.
        sorted.spill.visit(bucket as usize, |tag, json| match tag.kind {
            0 => images.image(tag.number, json, rows),
            _ => images.objects(tag.number, json, rows),
        })
    }
}
