//! The annotation files of one import, read once and sorted into buckets of images, so that each bucket is read alone later.
//!
//! ```text
//! instances.json ─┐                    ┌─ bucket 0: images 139, 802, ..  their objects, their captions
//! captions.json  ─┴─ cut ─ by image id ┼─ bucket 1: ..
//!                     │                └─ ..                      on disk, see spill.rs
//!                     └─ categories and licences, wherever in the file they are: in memory
//! ```
//!
//! Memory is bounded by one record, the spill's buffers and [`MAX_NAMES`] names; the files may have any size.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::id::Id;

use crate::error::{Error, Result};
use crate::source::category;
use crate::source::json_records::{self, Event, MAX_RECORD};
use crate::source::root::Root;
use crate::source::rows::{Refused, Rows};
use crate::source::spill::{Spill, Spiller, Tag};

/// Categories or licences of one file; the richest dataset (LVIS) has 1,203.
pub const MAX_NAMES: usize = 100_000;

/// Sections of COCO's files that no rows are made from.
const PASSED_OVER: [&str; 4] = ["info", "type", "videos", "segment_info"];

/// A file to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct File {
    /// Relative to the root.
    pub path: String,
    /// What its `annotations` are.
    pub holds: Holds,
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
pub struct Document {
    pub path: String,
    holds: Holds,
    /// False where the file breaks off: nobody knows what it would have said of any image.
    pub whole: bool,
    /// True where it has annotations at all: a file of test images has none.
    pub annotated: bool,
    categories: HashMap<Id, String>,
    licences: HashMap<Id, String>,
}

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Image,
    Object,
    Caption,
}

/// A record of a bucket.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    pub kind: Kind,
    /// The index of the file that it is from.
    pub document: usize,
    pub offset: u64,
    pub json: &'a [u8],
}

/// The sorted files.
#[derive(Debug)]
pub struct Documents {
    documents: Vec<Document>,
    spill: Spill,
    /// What belongs to no image and cannot be used.
    lost: Vec<(String, String, Refused)>,
}

impl Documents {
    /// Reads the files to their ends. Fails where one cannot be read, or is no COCO document at all.
    pub fn sort(root: &Root, files: &[File], buckets: usize) -> Result<Self> {
        let mut sorter = Sorter { spiller: Spiller::new(buckets)?, buckets, lost: Vec::new() };
        let documents = files
            .iter()
            .enumerate()
            .map(|(index, file)| sorter.read(root, index as u32, file))
            .collect::<Result<Vec<_>>>()?;
        Ok(Self { documents, spill: sorter.spiller.finish()?, lost: sorter.lost })
    }

    /// Hands the records of a bucket to `on`, file by file, in the order of each file.
    pub fn visit(&self, bucket: usize, mut on: impl FnMut(Record) -> Result<()>) -> Result<()> {
        self.spill.visit(bucket, |tag, json| {
            let kind = match tag.kind {
                0 => Kind::Image,
                1 => Kind::Object,
                _ => Kind::Caption,
            };
            on(Record { kind, document: tag.document as usize, offset: tag.offset, json })
        })
    }

    /// Puts what was lost before there were buckets into quarantine.
    pub fn report(&self, rows: &mut Rows) -> Result<()> {
        self.lost.iter().try_for_each(|(key, path, why)| rows.refuse(key, path, why.clone()))
    }

    /// A file.
    pub fn document(&self, index: usize) -> &Document {
        &self.documents[index]
    }

    /// False where any file of objects broke off: then no image's objects are known to be all there.
    pub fn whole(&self) -> bool {
        self.documents.iter().all(|document| document.whole || document.holds == Holds::Captions)
    }
}

impl Document {
    /// A category's name.
    pub fn category(&self, id: &Id) -> Result<&str, Refused> {
        let name = self.categories.get(id).map(String::as_str);
        name.ok_or_else(|| Refused::new("category", format!("no category `{id}` is listed in `{}`", self.path)))
    }

    /// A licence's URL, or its name where it has none.
    pub fn licence(&self, id: &Id) -> Option<&str> {
        self.licences.get(id).map(String::as_str)
    }
}

impl Record<'_> {
    /// The quarantine key of a record whose own ids cannot be read: where it begins.
    pub fn place(&self, documents: &Documents) -> String {
        format!("{}@{}", documents.document(self.document).path, self.offset)
    }
}

struct Sorter {
    spiller: Spiller,
    buckets: usize,
    lost: Vec<(String, String, Refused)>,
}

/// All that sorting needs to know of an image.
#[derive(Deserialize)]
struct ImageKey {
    id: Id,
}

/// All that sorting needs to know of an annotation.
#[derive(Deserialize)]
struct AnnotationKey {
    image_id: Id,
}

#[derive(Deserialize)]
struct CategoryRecord {
    id: Id,
    name: String,
}

#[derive(Deserialize)]
struct LicenceRecord {
    id: Id,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    url: Option<String>,
}

impl Sorter {
    fn read(&mut self, root: &Root, index: u32, file: &File) -> Result<Document> {
        let mut document = Document {
            path: file.path.clone(),
            holds: file.holds,
            whole: true,
            annotated: false,
            categories: HashMap::new(),
            licences: HashMap::new(),
        };
        let sections: &[&str] = match file.holds {
            Holds::Objects => &["images", "annotations", "categories", "licenses"],
            Holds::Captions => &["annotations", "images", "categories", "licenses"],
        };
        let mut found = 0u64;
        json_records::cut(root.open(&file.path)?, sections, |event| match event {
            Event::Record { section, offset, json } => {
                found += 1;
                self.record(&mut document, index, section, offset, json)
            }
            Event::Oversized { section, offset, bytes } => {
                found += 1;
                let message = format!("a record of {bytes} bytes in `{section}`, more than the {MAX_RECORD} allowed");
                // It may have been any image's.
                document.whole &= section != "annotations";
                self.lose(&document, offset, Refused::new("json", message));
                Ok(())
            }
            Event::Skipped { name, offset } => {
                if !PASSED_OVER.contains(&name) {
                    let message =
                        if sections.contains(&name) { "is no list" } else { "is not a section that is known" };
                    // Its name may be the damage, and then it held anything.
                    document.whole = false;
                    self.lose(
                        &document,
                        offset,
                        Refused::new("json", format!("`{name}` {message}, so it was not read")),
                    );
                }
                Ok(())
            }
            Event::Broken { offset, message } if found == 0 => Err(Error::input(format!("not a COCO file: {message}"))
                .with("file", &file.path)
                .with("byte", offset)
                .hint("`annotations` and `captions` of the source name COCO JSON files, relative to its root")),
            Event::Broken { offset, message } => {
                document.whole = false;
                let message = format!("{message}; what follows byte {offset} is lost");
                self.lose(&document, offset, Refused::new("json", message));
                Ok(())
            }
        })
        .map_err(|e| if e.to_string().contains(&file.path) { e } else { e.with("file", &file.path) })?;
        Ok(document)
    }

    fn record(&mut self, document: &mut Document, index: u32, section: &str, offset: u64, json: &[u8]) -> Result<()> {
        if document.holds == Holds::Captions && section != "annotations" {
            return Ok(());
        }
        let (kind, id) = match section {
            "images" => {
                let key = serde_json::from_slice::<ImageKey>(json).ok().map(|key| key.id);
                (Kind::Image, key.or_else(|| Id::salvaged(json, "id")))
            }
            "annotations" => {
                document.annotated = true;
                let key = serde_json::from_slice::<AnnotationKey>(json).ok().map(|key| key.image_id);
                let kind = if document.holds == Holds::Objects { Kind::Object } else { Kind::Caption };
                (kind, key.or_else(|| Id::salvaged(json, "image_id")))
            }
            "categories" => {
                let read =
                    serde_json::from_slice::<CategoryRecord>(json).map_err(|e| Refused::new("json", e.to_string()));
                let named = read.and_then(|CategoryRecord { id, name }| {
                    let spelled = category::spelled(&name);
                    let spelled =
                        spelled.ok_or_else(|| Refused::new("category", format!("category `{id}` has no name")))?;
                    Ok((id, spelled))
                });
                return self.name(document, offset, named, |document| &mut document.categories);
            }
            _ => {
                let read =
                    serde_json::from_slice::<LicenceRecord>(json).map_err(|e| Refused::new("json", e.to_string()));
                let named = read.and_then(|LicenceRecord { id, name, url }| {
                    let text = url.or(name).filter(|text| !text.trim().is_empty());
                    let text = text.ok_or_else(|| Refused::new("licence", format!("licence `{id}` has no name")))?;
                    Ok((id, text))
                });
                return self.name(document, offset, named, |document| &mut document.licences);
            }
        };
        // A record without an id still has to be quarantined in exactly one bucket, the same one every time.
        let hash = match &id {
            Some(id) => xxhash_rust::xxh3::xxh3_64(id.0.as_bytes()),
            None => xxhash_rust::xxh3::xxh3_64(&offset.to_le_bytes()),
        };
        let bucket = (hash % self.buckets as u64) as usize;
        self.spiller.push(bucket, Tag { kind: kind as u8, document: index, offset }, json)
    }

    /// Puts a category or licence into its table.
    fn name(
        &mut self,
        document: &mut Document,
        offset: u64,
        named: Result<(Id, String), Refused>,
        table: impl Fn(&mut Document) -> &mut HashMap<Id, String>,
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
                    Some(Refused::new("duplicate", message))
                }
            },
            Err(why) => Some(why),
        };
        if let Some(why) = refused {
            self.lose(document, offset, why);
        }
        if table(document).len() > MAX_NAMES || self.lost.len() > MAX_NAMES {
            return Err(
                Error::input(format!("more than {MAX_NAMES} categories or licences")).with("file", &document.path)
            );
        }
        Ok(())
    }

    fn lose(&mut self, document: &Document, offset: u64, why: Refused) {
        self.lost.push((format!("{}@{offset}", document.path), document.path.clone(), why));
    }
}
