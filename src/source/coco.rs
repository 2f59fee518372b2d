//! The `coco` source: photos with objects as boxes, polygons and run lengths, in the JSON of Microsoft COCO.
//!
//! The files are read once, front to back, however large; their records are sorted into buckets of about a thousand images by
//! a hash of the image id (see [`documents`]), and a bucket is a shard. A frame is pushed after its objects, because only then
//! is it known whether all of them could be used, and with it whether they may be counted.

mod images;
mod layout;

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use self::images::ImageBucket;
use self::layout::PhotoFolder;
use super::bucket_digests::BucketDigests;
use super::coco_json::documents::{self, CocoFile, Holds, RecordKind, SortedDocuments};
use super::intrinsics::{CameraSize, IntrinsicsSize};
use super::root::Root;
use super::{Shard, Source, SourceOptions};
use crate::error::{Error, Result};
use crate::source::RowSink;

/// The entry of [`SOURCES`](super::SOURCES).
pub const COCO: super::SourceKind = super::SourceKind {
    name: "coco",
    doc: "photos with boxes and masks of objects, as COCO JSON",
    long_doc: LONG_DOC,
    makes_root: false,
    open: |root, options| Ok(Box::new(CocoReader::open(root, options)?)),
};

const LONG_DOC: &str = "\
Layout, below `root`:

  annotations/instances_val2017.json     images, annotations, categories, licenses
  annotations/captions_val2017.json      optional
  annotations/panoptic_val2017.json      images, annotations with segments_info, categories with isthing
  annotations/panoptic_val2017/*.png     the segments of each image: R + 256 G + 65536 B is a pixel's id
  val2017/000000000139.jpg               the photos, by the `file_name` of their image

Options:

  annotations     a path or a list of paths. Default: every annotations/instances_*.json, and every panoptic_*.json beside them
                  of whose part there are no instances; of other JSON files, such as person_keypoints_*.json, `import`, `plan` and
                  `doctor` say that they are not read
  captions        a path or a list of paths; [] for none. Default: the captions_*.json beside each instances_*.json
  images          the folder of the photos. Default: for instances_val2017.json the first of val2017, images/val2017,
                  images that exists, else the root itself; where the first photos are not there, the root or the file's own
                  folder, where they are
  panoptic        the folder of the PNGs of segments. Default: that which is called as their file is, beside it or in the root
  intrinsics_size the size of the images that `K` is of, [1242, 375], where the images here are smaller or larger; or \"image\"
                  where it is right however odd it looks. Default: of the images here, and an image is refused whose principal
                  point is far from its middle along both sides, or outside
  missing_images  quarantine (default): an image whose photo is absent is not used, nor are its objects;
                  keep: its frame and objects are kept, without SHA-256
  exhaustive      true: every object of each category is marked, so that objects may be counted; false: some are not.
                  Default: true for COCO's own files, as COCO promises; else nothing is counted, and `doctor` and `plan` ask
  made_by         who marked the objects. Default: annotation
  shards          how many shards to make. Default: by the files' size, so that a shard has about 1000 images

COCO's own files are told by what they say: the `info` of COCO, exactly its 80 categories, photos under its names, and as
many objects as its images have (7.3; a file whose images have fewer than chance allows was thinned). A part of COCO by
images is as good. Where an image has LVIS's `not_exhaustive_category_ids` and `neg_category_ids`, those are obeyed category
by category, unless `exhaustive` is false: what is marked and not on the first list may be counted, what is on the second is
known to be absent; chairs only where deck chairs were looked for, too. Images whose objects have 3D boxes are exhaustive
only where the option says so.

Ids are those of their own file. Where several files are read, an image id that means another photo than in a file before
gives frames of the name SOURCE/val2017/139 instead of SOURCE/139, val2017 being what its file calls itself; files that
list the same photos share its frame. captions_val2017.json and person_keypoints_val2017.json speak of the images of
instances_val2017.json.

Objects in 3D, as Omni3D writes them: an image's `K` (3x3; of `file_path`), an annotation's `bbox3D_cam` (eight corners in
metres and camera axes), `valid3D`, `visibility`, `truncation`, and for want of `bbox` its `bbox2D_tight` or `bbox2D_trunc`.
An image may have a `gravity` of its own, three numbers that point down in camera axes; without, the camera is taken to be
level. Questions are made from such boxes as they are.

Segments of a panoptic file are detections with masks as any others. Categories of stuff (`isthing` is 0: sky, wall, road) have no
things to count, so that their segments are kept and marked as crowds are: nothing is asked about them. Where panoptic files and
files of instances of the same part are named, each thing is marked twice.

What becomes of what: an image becomes a frame, with the URL (or name) of its licence; an annotation becomes a detection,
with its mask as compressed run lengths, made exactly as COCO's own tools make it. Crowds (`iscrowd`, `ignore`) are kept and marked.
Captions describe whole images, so that they go to `captions` of the frame and never become an object's. An annotation may
have a `caption` of its own, and a `score`. The split is read from the file's name (..._train2017,
..._minival, ..._test-dev), else from its folder's (valid/), else it is the project file's; a name of several splits, such as
trainval, is held to be held out, and told. A photo is found by its `file_name`, else by its `file_path` (Omni3D), else by the end of its `coco_url` (LVIS). An
object's box is its `bbox`, else its 3D box's in the image, else that of its mask.

A photo whose EXIF note says that it has to be turned is the picture that the annotator saw: the turned one where the record
has its width and height, the stored one where it has those. Where both have the same, or the record has none, it is the
stored one, as for pycocotools and OpenCV.

Forgiven, without a word: a byte order mark; numbers as 1.0, \"1\" or true; NaN, Infinity and null in fields that need not be
there; `iscrowd` as true, false, null or text; a list of one polygon without the outer brackets, and polygons of points
[[x, y], ..]; `bbox` as [], {}, \"\", null or of nothing but NaN where there is a mask, and `segmentation` so where there is a box; annotations without
`id`; `width` and `height` that are missing or 0, where the photo is there; names of photos with \\\\; names of photos whose
accents are written in another Unicode form than on disk.
Forgiven, with a remark in `quarantine` (loss = nothing) that is not held against `max_quarantined`: a ring of fewer than
three points, with an odd number of coordinates or far outside its image, beside a good one (mask); captions of more than
1000 bytes, which are cut, and odd ones (caption); sections that are not known (section); categories and licences that are
none (category, licence); a record that stands in its file twice, and two images of one photo, neither of which is exhaustive
(duplicate); run lengths without a run (mask).

Quarantined: records that are no good JSON (code json), segments whose PNG is absent, damaged or of another size than its image, or
has none of their pixels, and ids of a PNG that nothing says anything of (missing_file, image, mask), photos that are absent, unreadable, or of another size than stated
(missing_file, unreadable, path, image), boxes that are empty, smaller than a pixel (in parts of the image's sides), or leave their image by more than 2 pixels (box), masks that
are empty, of another size than their image, or elsewhere than their box (mask), 3D boxes that are none (box3d), cameras that are none
(intrinsics, gravity), ids that are used twice for different things (duplicate),
categories that are not listed (category), and what belongs to an image that is not used (no_frame). A frame that lost an
object in this way is no longer exhaustive. Where a file breaks off, what came before is kept, the break is quarantined
with its byte offset, and no frame is exhaustive.

The files are sorted on disk once for each import, in the folder for temporary files (TMPDIR), in about their own size.";

/// Changes when the same files would be read as different rows.
const READER: &str = "coco 7";

/// JSON of about a thousand images: COCO's own files have 4 kB for each.
const BUCKET_BYTES: u64 = 4 << 20;

/// More shards than this make listing them slow; a shard of a larger dataset is larger.
const MAX_BUCKETS: u64 = 4096;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CocoOptions {
    annotations: Option<Paths>,
    captions: Option<Paths>,
    images: Option<String>,
    panoptic: Option<String>,
    intrinsics_size: Option<IntrinsicsSize>,
    missing_images: MissingImages,
    exhaustive: Option<bool>,
    made_by: String,
    shards: u32,
}

impl Default for CocoOptions {
    fn default() -> Self {
        Self {
            annotations: None,
            captions: None,
            images: None,
            panoptic: None,
            intrinsics_size: None,
            missing_images: MissingImages::Quarantine,
            exhaustive: None,
            made_by: "annotation".to_owned(),
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MissingImages {
    Quarantine,
    Keep,
}

/// COCO files and their photos.
struct CocoReader {
    root: Root,
    name: String,
    licence: Option<String>,
    options: CocoOptions,
    files: Vec<CocoFile>,
    /// Those of each file.
    photos: Vec<PhotoFolder>,
    /// Files beside those that are read, which nobody asked for.
    passed_over: Vec<String>,
    /// Files whose name may mean several splits, and which of them is taken.
    unclear: Vec<(String, &'static str)>,
    /// The size of the images that `K` is of.
    intrinsics_of: CameraSize,
    buckets: usize,
    /// Of all files.
    bytes: u64,
    fingerprinted: String,
    /// Made when the first shard is read, kept for all others.
    documents: Mutex<Option<Arc<SortedDocuments>>>,
}

impl CocoReader {
    fn open(root: Root, options: &SourceOptions) -> Result<Self> {
        let own: CocoOptions = options.parse("coco")?;
        let layout::FoundFiles { files, photos, passed_over, unclear } =
            layout::find(&root, &own, options.split.as_deref())?;
        let intrinsics_of = IntrinsicsSize::parsed(own.intrinsics_size.as_ref()).map_err(|allowed| {
            Error::usage(format!("`intrinsics_size` of a coco source takes {allowed}")).with("source", &options.name)
        })?;
        let mut bytes = 0;
        for file in &files {
            let size = root.size(&file.path)?.ok_or_else(|| {
                Error::input("no such file")
                    .with("file", &file.path)
                    .hint("`annotations` and `captions` of the source are paths relative to its `root`")
            })?;
            bytes += size;
        }
        let buckets = match own.shards {
            0 => bytes.div_ceil(BUCKET_BYTES).clamp(1, MAX_BUCKETS),
            shards => u64::from(shards).min(MAX_BUCKETS),
        };
        let fingerprinted =
            format!("{READER} {}", serde_json::to_string(&(options, &files, &photos)).unwrap_or_default());
        Ok(Self {
            root,
            name: options.name.clone(),
            licence: options.licence.clone(),
            options: own,
            files,
            photos,
            passed_over,
            unclear,
            intrinsics_of,
            buckets: buckets as usize,
            bytes,
            fingerprinted,
            documents: Mutex::new(None),
        })
    }

    fn documents(&self) -> Result<Arc<SortedDocuments>> {
        let mut documents = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(documents) = &*documents {
            return Ok(Arc::clone(documents));
        }
        let sorted = Arc::new(SortedDocuments::sort(&self.root, &self.files, self.buckets)?);
        *documents = Some(Arc::clone(&sorted));
        Ok(sorted)
    }

    fn shard_name(&self, bucket: usize) -> String {
        format!("bucket-{bucket:04}-of-{:04}", self.buckets)
    }
}

impl Source for CocoReader {
    fn shards(&self) -> Result<Vec<Shard>> {
        let mut state = self.fingerprinted.clone();
        for file in &self.files {
            state += &format!("\n{}", self.root.tag(&file.path)?.unwrap_or_default());
        }
        let paths: Vec<&str> = self.files.iter().map(|file| file.path.as_str()).collect();
        let place = format!("coco {} {} {paths:?} {}", self.root, self.name, self.buckets);
        let digests = BucketDigests::cached(&place, &state, self.bytes, || Ok(self.documents()?.digests().clone()))?;
        let mut folders: Vec<_> = self.photos.iter().map(|photos| photos.folder.as_str()).collect();
        folders.extend(self.files.iter().filter_map(|file| file.segments.as_deref()));
        folders.sort_unstable();
        folders.dedup();
        let fingerprints = digests.fingerprints(&self.root, &folders, &self.fingerprinted)?;
        let shard = |(bucket, fingerprint)| Shard { name: self.shard_name(bucket), fingerprint, bytes: 0 };
        Ok(fingerprints.into_iter().enumerate().map(shard).collect())
    }

    fn read(&self, shard: &Shard, rows: &mut RowSink) -> Result<()> {
        let bucket = (0..self.buckets).find(|bucket| self.shard_name(*bucket) == shard.name).ok_or_else(|| {
            Error::input("there is no such shard")
                .with("shard", &shard.name)
                .hint("list the shards again: the dataset changed")
        })?;
        let documents = self.documents()?;
        if bucket == 0 {
            documents.report(rows)?;
        }
        let mut images = ImageBucket::new(self, &documents);
        documents.visit(
            bucket,
            |record| if record.kind == RecordKind::Image { images.image(record, rows) } else { Ok(()) },
        )?;
        documents.visit(bucket, |record| match record.kind {
            RecordKind::Image => Ok(()),
            RecordKind::Object => images.object(record, rows),
            RecordKind::Caption => images.caption(record, rows),
            RecordKind::Segments => images.segments(record, rows),
        })?;
        images.finish(rows)
    }

    fn unsaid(&self) -> Result<Vec<String>> {
        let mut said: Vec<String> = layout::told(&self.passed_over).into_iter().collect();
        said.extend(self.unclear.iter().map(|(path, split)| {
            format!("`{path}` may be of several splits by its name, so that it is taken as {split}, which is not trained on; rename it")
        }));
        if self.options.exhaustive.is_some() {
            return Ok(said);
        }
        let documents = self.documents.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut foreign = Vec::new();
        for (index, file) in self.files.iter().enumerate().filter(|(_, file)| file.holds == Holds::Objects) {
            let why = match &documents {
                Some(documents) => documents.foreign(index),
                None => documents::foreign(&self.root, &file.path)?,
            };
            foreign.extend(why.map(|why| format!("`{}` ({why})", file.path)));
        }
        if let Some(first) = foreign.first() {
            let more = if foreign.len() > 1 { format!(" and {} more", foreign.len() - 1) } else { String::new() };
            said.push(format!(
                "does {first}{more} mark every object of its categories? Nothing is counted until the [[source]] says \
                 `exhaustive = true`; `exhaustive = false` says that some are not marked"
            ));
        }
        Ok(said)
    }
}
