//! The annotation files of one import, read once and sorted into buckets of images, so that each bucket is read alone later.
//!
//! ```text
//! instances.json ─┐                    ┌─ bucket 0: images 139, 802, ..  their objects, their captions
//! captions.json  ─┴─ cut ─ by image id ┼─ bucket 1: ..
//!                     │                └─ ..                      on disk, see spill.rs
//!                     └─ categories and licences, wherever in the file they are: in memory
//! ```
//!
//! Ids mean something in their own file alone. Files of one dataset number their images apart, as COCO's do, or each from the start, as
//! most converters do; and two files may speak of the same photos. So a file whose ids mean other photos than those of a file before
//! it is noted, see [`CocoDocument::restarts`].
//!
//! Memory is bounded by one record, the spill's buffers and [`MAX_NAMES`] names, and by 64 bytes an image, 96 where there are several
//! files of objects; the files may have any size.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::Read;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::image::ImageRecord;
use super::own::Signs;
use crate::error::{Error, Result};
use crate::source::RowSink;
use crate::source::bucket_digests::{BucketDigests, PhotoNames, sorted_text};
use crate::source::category;
use crate::source::json::cutter::{self, Event, MAX_RECORD};
use crate::source::json::forms::{self, Flag, Perhaps, Text};
use crate::source::json::id::Id;
use crate::source::root::Root;
use crate::spill::{Spill, Spiller, Tag};
use crate::tables::{Loss, Unusable};
use crate::text::composed;

/// Categories or licences of one file; the richest dataset (LVIS) has 1,203.
pub const MAX_NAMES: usize = 100_000;

/// Bytes of a file that are looked at before it is read: the whole of a small one, and thousands of images of a large one.
const BEGINNING: u64 = 4 << 20;

/// Images of a file that tell where its photos are.
const FIRST: usize = 8;

/// Sections of COCO's files that no rows are made from.
const PASSED_OVER: [&str; 4] = ["info", "type", "videos", "segment_info"];

/// A file to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CocoFile {
    /// Relative to the root.
    pub path: String,
    /// What its `annotations` are.
    pub holds: Holds,
    /// Where its photos are, relative to the root.
    pub folder: String,
    /// Whether that was guessed from names: its photos may as well be below the root, or beside it.
    pub guessed: bool,
    /// Where its PNGs of segments are, if it has any; none where such annotations are not read.
    pub segments: Option<String>,
}

/// What the `annotations` of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Holds {
    /// Objects, with the images and categories that they refer to.
    Objects,
    /// Captions of whole images. Its `images` repeat those of the objects' file and are not read.
    Captions,
}

/// What is known of a file once it was read.
#[derive(Debug)]
pub struct CocoDocument {
    pub path: String,
    holds: Holds,
    /// Where its photos are, relative to the root.
    pub folder: String,
    /// Where they were looked for first.
    listed_below: String,
    /// What its first images call their photos.
    first_names: Vec<String>,
    /// False where the file breaks off: nobody knows what it would have said of any image.
    pub whole: bool,
    /// True where it has annotations at all: a file of test images has none.
    pub annotated: bool,
    /// True where it lists images of its own, so that its ids are of those.
    pub has_images: bool,
    /// True where an image id means another photo here than in a file before it.
    pub restarts: bool,
    /// True where it says by image of which categories all objects are marked, as LVIS does.
    pub federated: bool,
    /// What tells whether it is COCO's own.
    pub signs: Signs,
    categories: HashMap<Id, String>,
    /// Categories of which there are no things to count (`isthing` is 0): sky, wall.
    stuff: HashSet<Id>,
    /// Of each category that is the end of others (`chair`): those (`deck chair`). Where the file is federated.
    special: HashMap<String, Vec<String>>,
    licences: HashMap<Id, String>,
}

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    Image,
    Object,
    Caption,
    /// The segments of an image, see [`panoptic`](super::panoptic).
    Segments,
}

/// A record of a bucket.
#[derive(Debug, Clone, Copy)]
pub struct CocoRecord<'a> {
    pub kind: RecordKind,
    /// The index of the file that it is from.
    pub document: usize,
    pub offset: u64,
    pub json: &'a [u8],
}

/// The sorted files.
#[derive(Debug)]
pub struct SortedDocuments {
    documents: Vec<CocoDocument>,
    /// Of each file: the files whose images its ids are of.
    meant: Vec<Vec<usize>>,
    /// Photos of several image ids, as hashes.
    doubled: HashSet<u64>,
    spill: Spill,
    digests: BucketDigests,
    /// What belongs to no image and cannot be used.
    lost: Vec<(Loss, String, String, Unusable)>,
}

impl SortedDocuments {
    /// Reads the files to their ends. Fails where one cannot be read, or is no COCO document at all.
    pub fn sort(root: &Root, files: &[CocoFile], buckets: usize) -> Result<Self> {
        let several = files.iter().filter(|file| file.holds == Holds::Objects).count() > 1;
        let photos = several.then(HashMap::new);
        let mut sorter = Sorter {
            spiller: Spiller::new(buckets)?,
            buckets,
            photos,
            ids: HashMap::new(),
            doubled: HashSet::new(),
            names: PhotoNames::default(),
            photo_buckets: Vec::new(),
            lost: Vec::new(),
        };
        let documents = files
            .iter()
            .enumerate()
            .map(|(index, file)| sorter.read(root, index as u32, file))
            .collect::<Result<Vec<_>>>()?;
        let meant = (0..documents.len()).map(|index| images_of(&documents, index)).collect();
        let Sorter { spiller, doubled, names, mut photo_buckets, lost, .. } = sorter;
        let spill = spiller.finish()?;
        let shared: String = documents.iter().map(CocoDocument::shared).collect();
        photo_buckets.sort_unstable();
        let of_doubled = photo_buckets.iter().filter(|(photo, _)| doubled.contains(photo));
        let of_doubled = of_doubled.map(|(photo, bucket)| (*bucket as usize, format!("{photo:x}")));
        // What belongs to no image is told with the first bucket.
        let of_lost = (!lost.is_empty()).then(|| (0, format!("{lost:?}")));
        let beside: Vec<(usize, String)> = of_doubled.chain(of_lost).collect();
        let digests = BucketDigests::new(&spill, names, &shared, &beside);
        Ok(Self { documents, meant, doubled, spill, digests, lost })
    }

    /// What each bucket's fingerprint depends on.
    pub fn digests(&self) -> &BucketDigests {
        &self.digests
    }

    /// Hands the records of a bucket to `on`, file by file, in the order of each file.
    pub fn visit(&self, bucket: usize, mut on: impl FnMut(CocoRecord) -> Result<()>) -> Result<()> {
        self.spill.visit(bucket, |tag, json| {
            let kind = match tag.kind {
                0 => RecordKind::Image,
                1 => RecordKind::Object,
                2 => RecordKind::Caption,
                _ => RecordKind::Segments,
            };
            on(CocoRecord { kind, document: tag.document as usize, offset: tag.number, json })
        })
    }

    /// Why a file of objects is not COCO's own; none where that says nothing about whether its objects may be counted.
    pub fn foreign(&self, index: usize) -> Option<&'static str> {
        let document = &self.documents[index];
        document.signs.denied().filter(|_| document.annotated && !document.federated)
    }

    /// Puts what was lost before there were buckets into quarantine.
    pub fn report(&self, rows: &mut RowSink) -> Result<()> {
        self.lost.iter().try_for_each(|(loss, key, path, why)| rows.lose(*loss, key, path, why.clone()))
    }

    /// A file.
    pub fn document(&self, index: usize) -> &CocoDocument {
        &self.documents[index]
    }

    /// True for a photo that several images are of, as tools list it once for each of its annotators: each has a part of its objects.
    pub fn is_doubled(&self, index: usize, name: &str) -> bool {
        self.doubled.contains(&photo_of(&self.documents[index].listed_below, name))
    }

    /// What a file calls itself, among those that are read: `val2017` of instances_val2017.json. A file of captions or keypoints has the
    /// name of the file of instances that it belongs to.
    pub fn name(&self, index: usize) -> &str {
        let document = &self.documents[index];
        let of_name =
            |other: &&CocoDocument| other.holds == document.holds && part(&other.path) == part(&document.path);
        match self.documents.iter().filter(of_name).count() {
            1 => part(&document.path),
            _ => document.path.trim_end_matches(".json"),
        }
    }

    /// The files whose images the image ids of a file may mean.
    pub fn meant_by(&self, index: usize) -> &[usize] {
        &self.meant[index]
    }

    /// False where any file of objects broke off: then no image's objects are known to be all there.
    pub fn whole(&self) -> bool {
        self.documents.iter().all(|document| document.whole || document.holds == Holds::Captions)
    }
}

/// Why a file is not COCO's own, as far as its beginning shows: for whoever asks before there is time to read it all. None, too, where it
/// says by image what is marked, or marks nothing.
pub fn foreign(root: &Root, path: &str) -> Result<Option<&'static str>> {
    let (mut signs, mut federated, mut whole, mut annotated) = (Signs::default(), false, true, false);
    let sections = &["images", "annotations", "categories"];
    cutter::cut(root.open(path)?.take(BEGINNING), sections, |event| {
        match event {
            Event::Record { section: "images", json, .. } => {
                if let Ok(image) = forms::record::<ImageRecord>(json) {
                    signs.image(&image.name().unwrap_or_default());
                    federated |= image.is_federated();
                }
            }
            Event::Record { section: "categories", json, .. } => {
                if let Ok(category) = forms::record::<CategoryRecord>(json) {
                    signs.category(&category.id, &category.name.0);
                }
            }
            Event::Record { .. } => {
                annotated = true;
                signs.object();
            }
            Event::Skipped { name: "info", json, .. } => signs.info(json),
            Event::Broken { .. } => whole = false,
            Event::Skipped { .. } | Event::Oversized { .. } => {}
        }
        Ok(())
    })?;
    Ok(match whole {
        _ if federated => None,
        true if !annotated => None,
        true => signs.denied(),
        false => signs.denied_by_part(),
    })
}

/// The files whose images the image ids of a file may mean: its own; else those that it belongs to by its name; else any.
fn images_of(documents: &[CocoDocument], index: usize) -> Vec<usize> {
    let document = &documents[index];
    if document.holds == Holds::Objects && document.has_images {
        return vec![index];
    }
    let objects: Vec<usize> = (0..documents.len()).filter(|other| documents[*other].holds == Holds::Objects).collect();
    let same_part =
        |other: &usize| part(&documents[*other].path) == part(&document.path) && documents[*other].has_images;
    let named: Vec<usize> = objects.iter().copied().filter(same_part).collect();
    if named.is_empty() { objects } else { named }
}

/// `val2017` of `annotations/instances_val2017.json`.
fn part(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or_default().trim_end_matches(".json");
    let after = ["instances_", "captions_", "person_keypoints_", "panoptic_"]
        .into_iter()
        .find_map(|kind| name.strip_prefix(kind));
    after.filter(|part| !part.is_empty()).unwrap_or(name)
}

impl CocoDocument {
    /// All that it says of more than one image, as text to be hashed.
    fn shared(&self) -> String {
        let flags = [self.whole, self.annotated, self.has_images, self.restarts, self.federated];
        let names = [&self.categories, &self.licences].map(sorted_text);
        let stuff: BTreeSet<&Id> = self.stuff.iter().collect();
        let (path, folder, denied) = (&self.path, &self.folder, self.signs.denied());
        format!("{path} {:?} {folder} {flags:?} {denied:?} {names:?} {stuff:?}\n", self.holds)
    }

    /// The folder below which its first photos are.
    fn found_below(&self, root: &Root) -> Result<String> {
        let beside = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let above = self.folder.rsplit_once('/').map_or("", |(folder, _)| folder);
        for folder in [&self.folder, above, "", beside] {
            for name in &self.first_names {
                let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
                let path = root.admit(&path).and_then(|()| root.spelled(&path));
                // What is no path is told with its image.
                if let Ok(path) = path
                    && root.exists(&path)?
                {
                    return Ok(folder.to_owned());
                }
            }
        }
        Ok(self.folder.clone())
    }

    /// The categories that are a kind of this one by their names: a deck chair is a chair. Of a federated file.
    pub fn special(&self, category: &str) -> &[String] {
        self.special.get(category).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a category is of stuff, of which there are no things to count.
    pub fn is_stuff(&self, id: &Id) -> bool {
        self.stuff.contains(id)
    }

    /// A category's name.
    pub fn category(&self, id: &Id) -> Result<&str, Unusable> {
        let name = self.categories.get(id).map(String::as_str);
        name.ok_or_else(|| {
            Unusable::new("category", format!("`{}` lists no category `{id}` that can be used", self.path))
        })
    }

    /// A licence's URL, or its name where it has none.
    pub fn licence(&self, id: &Id) -> Option<&str> {
        self.licences.get(id).map(String::as_str)
    }
}

impl CocoRecord<'_> {
    /// The quarantine key of a record whose own ids cannot be read: where it begins.
    pub fn place(&self, documents: &SortedDocuments) -> String {
        format!("{}@{}", documents.document(self.document).path, self.offset)
    }
}

/// A photo, whichever image it is.
fn photo_of(folder: &str, name: &str) -> u64 {
    xxh3_64(composed(&format!("{folder}/{name}")).as_bytes())
}

struct Sorter {
    spiller: Spiller,
    buckets: usize,
    /// Which photo each image id meant first, both as hashes; none where a single file says it.
    photos: Option<HashMap<u64, u64>>,
    /// Which image id each photo had first, both as hashes.
    ids: HashMap<u64, u64>,
    /// Photos of several image ids.
    doubled: HashSet<u64>,
    /// Which photos the images of each bucket mention: by the file's name, and as hashes of where they should be.
    names: PhotoNames,
    photo_buckets: Vec<(u64, u32)>,
    lost: Vec<(Loss, String, String, Unusable)>,
}

/// All that sorting needs to know of an image that is otherwise no good.
#[derive(Deserialize)]
struct ImageKey {
    id: Id,
}

/// All that sorting needs to know of an annotation.
#[derive(Deserialize)]
struct AnnotationKey {
    image_id: Id,
    #[serde(default)]
    segments_info: Option<IgnoredAny>,
    #[serde(default)]
    file_name: Option<Perhaps<String>>,
}

#[derive(Deserialize)]
#[serde(expecting = "a category: {\"id\": .., \"name\": ..}")]
struct CategoryRecord {
    id: Id,
    name: Text,
    #[serde(default)]
    isthing: Option<Perhaps<Flag>>,
}

#[derive(Deserialize)]
struct LicenceRecord {
    id: Id,
    #[serde(default)]
    name: Option<Perhaps<String>>,
    #[serde(default)]
    url: Option<Perhaps<String>>,
}

impl Sorter {
    fn read(&mut self, root: &Root, index: u32, file: &CocoFile) -> Result<CocoDocument> {
        let mut document = CocoDocument {
            path: file.path.clone(),
            holds: file.holds,
            folder: file.folder.clone(),
            listed_below: file.folder.clone(),
            first_names: Vec::new(),
            whole: true,
            annotated: false,
            has_images: false,
            restarts: false,
            federated: false,
            signs: Signs::default(),
            categories: HashMap::new(),
            stuff: HashSet::new(),
            special: HashMap::new(),
            licences: HashMap::new(),
        };
        let sections: &[&str] = match file.holds {
            Holds::Objects => &["images", "annotations", "categories", "licenses"],
            Holds::Captions => &["annotations", "images", "categories", "licenses"],
        };
        let (mut found, mut unknown) = (0u64, Vec::new());
        cutter::cut(root.open(&file.path)?, sections, |event| match event {
            Event::Record { section, offset, json } => {
                found += 1;
                self.record(&mut document, index, file, section, offset, json)
            }
            Event::Oversized { section, offset, bytes } => {
                found += 1;
                let message = format!("a record of {bytes} bytes in `{section}`, more than the {MAX_RECORD} allowed");
                // It may have been any image's.
                document.whole &= section != "annotations";
                self.lose(Loss::Record, &document, offset, Unusable::new("json", message));
                Ok(())
            }
            Event::Skipped { name: "info", json, .. } => {
                document.signs.info(json);
                Ok(())
            }
            Event::Skipped { name, offset, .. } if sections.contains(&name) => {
                let licences = name == "licenses";
                document.whole &= licences;
                let loss = if licences { Loss::Nothing } else { Loss::Record };
                self.lose(
                    loss,
                    &document,
                    offset,
                    Unusable::new("json", format!("`{name}` is no list, so it was not read")),
                );
                Ok(())
            }
            Event::Skipped { name, offset, .. } => {
                if !PASSED_OVER.contains(&name) {
                    let message =
                        format!("`{}` is not a section that is known, so it was not read", name.escape_debug());
                    unknown.push((offset, Unusable::new("section", message)));
                }
                Ok(())
            }
            Event::Broken { offset, message } if found == 0 => Err(Error::input(format!("not a COCO file: {message}"))
                .with("file", &file.path)
                .with("byte", offset)
                .hint("`annotations` and `captions` of the source name COCO JSON files, relative to its root")),
            Event::Broken { offset, message } => {
                document.whole = false;
                let loss = if file.holds == Holds::Objects { Loss::Record } else { Loss::Nothing };
                let message = format!("{message}; what follows byte {offset} is lost");
                self.lose(loss, &document, offset, Unusable::new("json", message));
                Ok(())
            }
        })
        .map_err(|e| if e.to_string().contains(&file.path) { e } else { e.with("file", &file.path) })?;
        // Another tool's section is nothing to us, unless one of ours is missing: then its name is the damage, and it held anything.
        let complete = document.has_images && document.annotated && !document.categories.is_empty();
        let harmless = complete || file.holds == Holds::Captions;
        for (offset, why) in unknown {
            document.whole &= harmless;
            self.lose(if harmless { Loss::Nothing } else { Loss::Record }, &document, offset, why);
        }
        if file.guessed {
            document.folder = document.found_below(root)?;
        }
        if document.federated {
            let names = document.categories.values();
            let ends = names.flat_map(|name| name.match_indices(' ').map(move |(at, _)| (&name[at + 1..], name)));
            let mut special = HashMap::<String, Vec<String>>::new();
            ends.for_each(|(end, name)| special.entry(end.to_owned()).or_default().push(name.clone()));
            document.special = special;
        }
        Ok(document)
    }

    fn record(
        &mut self,
        document: &mut CocoDocument,
        index: u32,
        file: &CocoFile,
        section: &str,
        offset: u64,
        json: &[u8],
    ) -> Result<()> {
        if document.holds == Holds::Captions && section != "annotations" {
            return Ok(());
        }
        let folder = &file.folder;
        let (mut name, mut segments) = (None, None);
        let (kind, id) = match section {
            "images" => {
                document.has_images = true;
                let id = match forms::record::<ImageRecord>(json) {
                    Ok(image) => {
                        self.image(document, folder, &image);
                        name = image.name();
                        Some(image.id)
                    }
                    Err(_) => forms::record::<ImageKey>(json).ok().map(|key| key.id),
                };
                (RecordKind::Image, id.or_else(|| Id::salvaged(json, "id")))
            }
            "annotations" => {
                document.annotated = true;
                document.signs.object();
                let key = forms::record::<AnnotationKey>(json).ok();
                let is_panoptic =
                    key.as_ref().is_some_and(|key| key.segments_info.is_some()) && file.segments.is_some();
                segments = key.as_ref().filter(|_| is_panoptic).and_then(|key| Perhaps::given(&key.file_name).cloned());
                let kind = match document.holds {
                    Holds::Objects if is_panoptic => RecordKind::Segments,
                    Holds::Objects => RecordKind::Object,
                    Holds::Captions => RecordKind::Caption,
                };
                (kind, key.map(|key| key.image_id).or_else(|| Id::salvaged(json, "image_id")))
            }
            "categories" => {
                let named = forms::record::<CategoryRecord>(json).and_then(
                    |CategoryRecord { id, name: Text(name), isthing }| {
                        if Perhaps::given(&isthing).is_some_and(|isthing| isthing.0 == Some(false)) {
                            document.stuff.insert(id.clone());
                        }
                        document.signs.category(&id, &name);
                        let spelled = category::spelled(&name);
                        let spelled =
                            spelled.ok_or_else(|| Unusable::new("category", format!("category `{id}` has no name")))?;
                        Ok((id, spelled))
                    },
                );
                return self.name(document, offset, named, |document| &mut document.categories);
            }
            _ => {
                let named = forms::record::<LicenceRecord>(json).and_then(|LicenceRecord { id, name, url }| {
                    let text = |field: &Option<Perhaps<String>>| {
                        Perhaps::given(field).filter(|text: &&String| !text.trim().is_empty()).cloned()
                    };
                    let text = text(&url).or_else(|| text(&name));
                    let text = text.ok_or_else(|| Unusable::new("licence", format!("licence `{id}` has no name")))?;
                    Ok((id, text))
                });
                return self.name(document, offset, named, |document| &mut document.licences);
            }
        };
        // A record without an id still has to be quarantined in exactly one bucket, the same one every time.
        let hash = match &id {
            Some(id) => xxh3_64(id.0.as_bytes()),
            None => xxh3_64(&offset.to_le_bytes()),
        };
        let bucket = (hash % self.buckets as u64) as usize;
        if let Some(name) = name {
            self.names.push(bucket, &name);
            self.photo_buckets.push((photo_of(folder, &name), bucket as u32));
        }
        if let Some(segments) = segments {
            self.names.push(bucket, &segments);
        }
        self.spiller.push(bucket, Tag { kind: kind as u8, document: index, number: offset }, json)
    }

    /// Notes what an image says of its file.
    fn image(&mut self, document: &mut CocoDocument, folder: &str, image: &ImageRecord) {
        let name = image.name().unwrap_or_default();
        document.signs.image(&name);
        if document.first_names.len() < FIRST && !name.is_empty() {
            document.first_names.push(name.clone());
        }
        let photo = photo_of(folder, &name);
        let id = xxh3_64(image.id.0.as_bytes());
        if !name.is_empty() && *self.ids.entry(photo).or_insert(id) != id {
            self.doubled.insert(photo);
        }
        document.federated |= image.is_federated();
        if let Some(photos) = &mut self.photos {
            document.restarts |= *photos.entry(id).or_insert(photo) != photo;
        }
    }

    /// Puts a category or licence into its table.
    fn name(
        &mut self,
        document: &mut CocoDocument,
        offset: u64,
        named: Result<(Id, String), Unusable>,
        table: impl Fn(&mut CocoDocument) -> &mut HashMap<Id, String>,
    ) -> Result<()> {
        let refused = match named {
            Ok((id, name)) => match table(document).get(&id) {
                None => {
                    table(document).insert(id, name);
                    None
                }
                Some(first) if *first == name => None,
                Some(first) => {
                    let message = format!("`{id}` is `{name}` here but `{first}` before; the first one counts");
                    Some(Unusable::new("duplicate", message))
                }
            },
            Err(why) => Some(why),
        };
        // What is lost with a category are its objects, which say so themselves.
        if let Some(why) = refused {
            self.lose(Loss::Nothing, document, offset, why);
        }
        if table(document).len() > MAX_NAMES || self.lost.len() > MAX_NAMES {
            return Err(
                Error::input(format!("more than {MAX_NAMES} categories or licences")).with("file", &document.path)
            );
        }
        Ok(())
    }

    fn lose(&mut self, loss: Loss, document: &CocoDocument, offset: u64, why: Unusable) {
        self.lost.push((loss, format!("{}@{offset}", document.path), document.path.clone(), why));
    }
}
