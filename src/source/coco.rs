//! The `coco` source: photos with objects as boxes, polygons and run lengths, in the JSON of Microsoft COCO.
//!
//! The files are read once, front to back, however large; their records are sorted into buckets of about a thousand images by
//! a hash of the image id (see [`documents`]), and a bucket is a shard. A frame is pushed after its objects, because only then
//! is it known whether all of them could be used, and with it whether they may be counted.

pub(super) mod documents;
pub(super) mod id;
pub(super) mod object;
mod records;
mod segmentation;
mod spill;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use self::documents::{Documents, File, Holds, Kind, Record};
use self::id::Id;
use self::object::{Canvas, ObjectRecord};
use super::photo::Photo;
use super::root::Root;
use super::rows::{Frame, Refused, Row, Rows};
use super::{Options, Shard, Source};
use crate::error::{Error, Result};

/// The entry of [`SOURCES`](super::SOURCES).
pub const COCO: super::Kind = super::Kind {
    name: "coco",
    doc: "photos with boxes and masks of objects, as COCO JSON",
    long_doc: LONG_DOC,
    makes_root: false,
    open: |root, options| Ok(Box::new(Coco::open(root, options)?)),
};

const LONG_DOC: &str = "\
Layout, below `root`:

  annotations/instances_val2017.json     images, annotations, categories, licenses
  annotations/captions_val2017.json      optional
  val2017/000000000139.jpg               the photos, by the `file_name` of their image

Options:

  annotations     a path or a list of paths. Default: every annotations/instances_*.json
  captions        a path or a list of paths; [] for none. Default: the captions_*.json beside each instances_*.json
  images          the folder of the photos. Default: for instances_val2017.json the first of val2017, images/val2017,
                  images that exists, else the root itself
  missing_images  quarantine (default): an image whose photo is absent is not used, nor are its objects;
                  keep: its frame and objects are kept, without SHA-256
  exhaustive      true (default): every object of each category is marked, as COCO promises, so that objects may be
                  counted; false: some are not
  made_by         who marked the objects. Default: annotation
  shards          how many shards to make. Default: by the files' size, so that a shard has about 1000 images

What becomes of what: an image becomes a frame, with the URL (or name) of its licence; an annotation becomes a detection,
with its mask as compressed run lengths, made exactly as COCO's own tools make it. Crowds (`iscrowd`) are kept and marked.
Captions describe whole images, so that they go to `captions` of the frame and never become an object's. An annotation may
have a `caption` of its own, and a `score`. The split is read from the file's name (..._train2017), else it is the project
file's.

Quarantined: records that are no good JSON (code json), photos that are absent, unreadable, or of another size than stated
(missing_file, unreadable, path, image), boxes that are empty or leave their image by more than 2 pixels (box), masks that
are empty, of another size than their image, or elsewhere than their box (mask), ids that are used twice (duplicate),
categories that are not listed (category), and what belongs to an image that is not used (no_frame). A frame that lost an
object in this way is no longer exhaustive. Where a file breaks off, what came before is kept, the break is quarantined
with its byte offset, and no frame is exhaustive.

The files are sorted on disk once for each import, in the folder for temporary files (TMPDIR), in about their own size.";

/// Changes when the same files would be read as different rows.
const READER: &str = "coco 1";

/// JSON of about a thousand images: COCO's own files have 4 kB for each.
const BUCKET_BYTES: u64 = 4 << 20;

/// More shards than this make listing them slow; a shard of a larger dataset is larger.
const MAX_BUCKETS: u64 = 4096;

/// COCO has five for each image.
const MAX_CAPTIONS: usize = 64;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CocoOptions {
    annotations: Option<Paths>,
    captions: Option<Paths>,
    images: Option<String>,
    missing_images: MissingImages,
    exhaustive: bool,
    made_by: String,
    shards: u32,
}

impl Default for CocoOptions {
    fn default() -> Self {
        Self {
            annotations: None,
            captions: None,
            images: None,
            missing_images: MissingImages::Quarantine,
            exhaustive: true,
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
struct Coco {
    root: Root,
    name: String,
    licence: Option<String>,
    options: CocoOptions,
    files: Vec<File>,
    /// For each file: the folder of its photos and its split.
    photos: Vec<(String, Option<String>)>,
    buckets: usize,
    fingerprinted: String,
    /// Made when the first shard is read, kept for all others.
    documents: Mutex<Option<Arc<Documents>>>,
}

impl Coco {
    fn open(root: Root, options: &Options) -> Result<Self> {
        let own: CocoOptions = options.parse("coco")?;
        let (files, photos) = layout(&root, &own, options.split.as_deref())?;
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
            buckets: buckets as usize,
            fingerprinted,
            documents: Mutex::new(None),
        })
    }

    fn documents(&self) -> Result<Arc<Documents>> {
        let mut documents = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(documents) = &*documents {
            return Ok(Arc::clone(documents));
        }
        let sorted = Arc::new(Documents::sort(&self.root, &self.files, self.buckets)?);
        *documents = Some(Arc::clone(&sorted));
        Ok(sorted)
    }

    fn shard_name(&self, bucket: usize) -> String {
        format!("bucket-{bucket:04}-of-{:04}", self.buckets)
    }
}

impl Source for Coco {
    fn shards(&self) -> Result<Vec<Shard>> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.fingerprinted.as_bytes());
        for file in &self.files {
            let tag = self.root.tag(&file.path)?.unwrap_or_default();
            hasher.update(tag.as_bytes()).update(b"\0");
        }
        let mut folders: Vec<_> = self.photos.iter().map(|(folder, _)| folder.as_str()).collect();
        folders.sort_unstable();
        folders.dedup();
        for folder in folders {
            hasher.update(self.root.digest(folder)?.as_bytes());
        }
        // Which image lies in which bucket is known only after reading the files, so that all shards change together.
        let fingerprint = hasher.finalize().to_hex().to_string();
        let shard = |bucket| Shard { name: self.shard_name(bucket), fingerprint: fingerprint.clone() };
        Ok((0..self.buckets).map(shard).collect())
    }

    fn read(&self, shard: &Shard, rows: &mut Rows) -> Result<()> {
        let bucket = (0..self.buckets).find(|bucket| self.shard_name(*bucket) == shard.name).ok_or_else(|| {
            Error::input("there is no such shard")
                .with("shard", &shard.name)
                .hint("list the shards again: the dataset changed")
        })?;
        let documents = self.documents()?;
        if bucket == 0 {
            documents.report(rows)?;
        }
        let mut images = Images { coco: self, documents: &documents, at: HashMap::new(), frames: Vec::new() };
        documents
            .visit(bucket, |record| if record.kind == Kind::Image { images.image(record, rows) } else { Ok(()) })?;
        documents.visit(bucket, |record| match record.kind {
            Kind::Image => Ok(()),
            Kind::Object => images.object(record, rows),
            Kind::Caption => images.caption(record, rows),
        })?;
        images.finish(rows)
    }
}

/// An element of `images`.
#[derive(Deserialize)]
pub(super) struct ImageRecord {
    pub id: Id,
    pub file_name: String,
    pub width: u32,
    pub height: u32,
    #[serde(default)]
    license: Option<Id>,
}

/// An element of `annotations` in a file of captions.
#[derive(Deserialize)]
struct CaptionRecord {
    image_id: Id,
    caption: String,
}

/// The images of one bucket, and what became of them so far.
struct Images<'a> {
    coco: &'a Coco,
    documents: &'a Documents,
    at: HashMap<Id, usize>,
    frames: Vec<Pending>,
}

struct Pending {
    /// None where the image cannot be used.
    frame: Option<Frame>,
    captions: Vec<String>,
    objects: HashSet<Id>,
}

impl Images<'_> {
    fn image(&mut self, record: Record, rows: &mut Rows) -> Result<()> {
        let document = self.documents.document(record.document);
        let image: ImageRecord = match serde_json::from_slice(record.json) {
            Ok(image) => image,
            Err(e) => {
                // Its objects then belong to an image that is not used.
                if let Some(id) = Id::salvaged(record.json, "id") {
                    self.add(id, None);
                }
                return rows.refuse(record.place(self.documents), &document.path, Refused::new("json", e.to_string()));
            }
        };
        if self.at.contains_key(&image.id) {
            let message = format!("there is an image `{}` already; the first one is used", image.id);
            return rows.refuse(record.place(self.documents), &document.path, Refused::new("duplicate", message));
        }
        let (folder, split) = &self.coco.photos[record.document];
        let path = if folder.is_empty() { image.file_name.clone() } else { format!("{folder}/{}", image.file_name) };
        match self.frame(&image, &path, record.document) {
            Ok(mut frame) => {
                frame.split = split.clone();
                let licence = image.license.as_ref().and_then(|id| document.licence(id)).map(str::to_owned);
                frame.licence = licence.or_else(|| self.coco.licence.clone());
                self.add(image.id, Some(frame));
                Ok(())
            }
            Err(why) => {
                rows.refuse(image.id.to_string(), &path, why)?;
                self.add(image.id, None);
                Ok(())
            }
        }
    }

    fn frame(&self, image: &ImageRecord, path: &str, document: usize) -> Result<Frame, Refused> {
        let (width, height) = (image.width, image.height);
        let uri = self.coco.root.uri(path).map_err(|e| Refused::new("path", e.to_string()))?;
        if width == 0 || height == 0 || width > super::photo::MAX_SIDE || height > super::photo::MAX_SIDE {
            return Err(Refused::new("image", format!("an image of {width}x{height} pixels cannot be")));
        }
        let photo = match Photo::read(&self.coco.root, path) {
            Ok(photo) => Some(photo),
            Err(why) if why.code == "missing_file" && self.coco.options.missing_images == MissingImages::Keep => None,
            Err(why) => return Err(why),
        };
        if let Some(photo) = photo.as_ref().filter(|photo| (photo.width, photo.height) != (width, height)) {
            let message = format!("the photo is {}x{}, its record says {width}x{height}", photo.width, photo.height);
            return Err(Refused::new("image", message));
        }
        Ok(Frame {
            frame_id: format!("{}/{}", self.coco.name, image.id),
            source: self.coco.name.clone(),
            uri,
            sha256: photo.map(|photo| photo.sha256),
            width: width as i32,
            height: height as i32,
            exhaustive: self.coco.options.exhaustive
                && self.documents.whole()
                && self.documents.document(document).annotated,
            ..Frame::default()
        })
    }

    fn add(&mut self, id: Id, frame: Option<Frame>) {
        self.at.entry(id).or_insert(self.frames.len());
        self.frames.push(Pending { frame, captions: Vec::new(), objects: HashSet::new() });
    }

    fn object(&mut self, record: Record, rows: &mut Rows) -> Result<()> {
        let document = self.documents.document(record.document);
        let object: ObjectRecord = match serde_json::from_slice(record.json) {
            Ok(object) => object,
            Err(e) => {
                if let Some(at) = Id::salvaged(record.json, "image_id").and_then(|id| self.at.get(&id)) {
                    self.frames[*at].incomplete();
                }
                return rows.refuse(record.place(self.documents), &document.path, Refused::new("json", e.to_string()));
            }
        };
        let key = format!("{}/{}", object.image_id, object.id);
        match self.detection(object, record.document) {
            Ok(row) => rows.push(row),
            Err(why) => rows.refuse(key, &document.path, why),
        }
    }

    fn detection(&mut self, object: ObjectRecord, document: usize) -> Result<Row, Refused> {
        let document = self.documents.document(document);
        let at = self.at.get(&object.image_id);
        let at = at.ok_or_else(|| Refused::new("no_frame", format!("there is no image `{}`", object.image_id)))?;
        let pending = &mut self.frames[*at];
        let Some(frame) = &pending.frame else {
            return Err(Refused::new("no_frame", format!("its image `{}` cannot be used", object.image_id)));
        };
        let canvas = Canvas { frame_id: &frame.frame_id, width: frame.width as u32, height: frame.height as u32 };
        let row = if pending.objects.insert(object.id.clone()) {
            let category = document.category(&object.category_id);
            category.and_then(|category| object.detection(canvas, category, &self.coco.options.made_by))
        } else {
            let message = format!("its image has an annotation `{}` already; the first one is used", object.id);
            Err(Refused::new("duplicate", message))
        };
        if row.is_err() {
            pending.incomplete();
        }
        row.map(Row::Detection)
    }

    fn caption(&mut self, record: Record, rows: &mut Rows) -> Result<()> {
        let kept = serde_json::from_slice::<CaptionRecord>(record.json)
            .map_err(|e| Refused::new("json", e.to_string()))
            .and_then(|CaptionRecord { image_id, caption }| {
                let at = self.at.get(&image_id);
                let at = at.ok_or_else(|| Refused::new("no_frame", format!("there is no image `{image_id}`")))?;
                let captions = &mut self.frames[*at].captions;
                if captions.len() == MAX_CAPTIONS || caption.len() > object::MAX_CAPTION {
                    let message =
                        format!("more than {MAX_CAPTIONS} captions of an image, or {} bytes", object::MAX_CAPTION);
                    return Err(Refused::new("caption", message));
                }
                captions.push(caption.trim().to_owned());
                Ok(())
            });
        match kept {
            Ok(()) => Ok(()),
            Err(why) => rows.refuse(record.place(self.documents), &self.documents.document(record.document).path, why),
        }
    }

    fn finish(self, rows: &mut Rows) -> Result<()> {
        for Pending { frame, captions, .. } in self.frames {
            if let Some(mut frame) = frame {
                frame.captions = (!captions.is_empty()).then_some(captions);
                rows.push(Row::Frame(frame))?;
            }
        }
        Ok(())
    }
}

impl Pending {
    /// An object of this image was lost, so that nobody may count what is left.
    fn incomplete(&mut self) {
        if let Some(frame) = &mut self.frame {
            frame.exhaustive = false;
        }
    }
}

/// The files to read, and for each the folder of its photos and its split.
fn layout(root: &Root, own: &CocoOptions, split: Option<&str>) -> Result<(Vec<File>, Vec<(String, Option<String>)>)> {
    let listed = |paths: &Paths| match paths {
        Paths::One(path) => vec![path.clone()],
        Paths::Many(paths) => paths.clone(),
    };
    let objects = match &own.annotations {
        Some(paths) => listed(paths),
        None => root.list("annotations")?.into_iter().map(|e| e.path).filter(|path| suffix(path).is_some()).collect(),
    };
    if objects.is_empty() {
        return Err(Error::input("there is no annotations/instances_*.json")
            .with("root", root)
            .hint("name the file in the source's `annotations`, relative to its `root`"));
    }
    let captions = match &own.captions {
        Some(paths) => listed(paths),
        None => {
            let beside =
                objects.iter().filter_map(|path| suffix(path).map(|_| path.replace("/instances_", "/captions_")));
            let mut found = Vec::new();
            for path in beside {
                if root.exists(&path)? {
                    found.push(path);
                }
            }
            found
        }
    };
    let mut photos = Vec::new();
    for path in objects.iter().chain(&captions) {
        let suffix = suffix(path).unwrap_or_default();
        let named = suffix.trim_end_matches(|c: char| c.is_ascii_digit());
        let split = ["train", "val", "test"].into_iter().find(|split| *split == named).or(split);
        let folder = match &own.images {
            Some(folder) => folder.trim_matches('/').to_owned(),
            None => folder(root, suffix)?,
        };
        photos.push((folder, split.map(str::to_owned)));
    }
    let files = objects.into_iter().map(|path| File { path, holds: Holds::Objects });
    let files = files.chain(captions.into_iter().map(|path| File { path, holds: Holds::Captions }));
    Ok((files.collect(), photos))
}

/// `val2017` of `annotations/instances_val2017.json`.
fn suffix(path: &str) -> Option<&str> {
    path.rsplit('/').next()?.strip_prefix("instances_")?.strip_suffix(".json")
}

fn folder(root: &Root, suffix: &str) -> Result<String> {
    let named = [suffix.to_owned(), format!("images/{suffix}")];
    for folder in named.into_iter().filter(|_| !suffix.is_empty()).chain(["images".to_owned()]) {
        if root.has_folder(&folder)? {
            return Ok(folder);
        }
    }
    Ok(String::new())
}
