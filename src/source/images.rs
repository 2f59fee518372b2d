//! The `images` source: photos of which nothing is known but themselves, as files, in tars and in Parquet files.
//!
//! ```text
//! root ─► listing ─┬─ files, by a hash of their names ─► buckets ─┐
//!                  ├─ a tar ─► members                            ├─► frame: bytes ─► header, EXIF, SHA-256
//!                  └─ a Parquet file ─► rows                      ┘
//! ```
//!
//! Nothing is copied: a frame's `uri` says where in which file its bytes are (see [`Address`](crate::photos::Address)). A
//! bucket, a tar and a Parquet file are a shard each. Memory: a bucket's names, or what is known of a tar's photos of one key and
//! some megabytes of what waits for its words, or a row, and sixteen bytes a photo of the shard.

mod files;
mod frame;
mod listing;
mod members;
mod split;
mod table;
mod tar;
mod words;

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use self::listing::{Listing, ShardPlace};
use super::root::Root;
use super::{Shard, Source, SourceOptions};
use crate::error::{Error, Result};
use crate::source::RowSink;

/// The entry of [`SOURCES`](super::SOURCES).
pub const IMAGES: super::SourceKind = super::SourceKind {
    name: "images",
    doc: "photos without annotations: files, tars (WebDataset), Parquet (Hugging Face)",
    long_doc: LONG_DOC,
    makes_root: false,
    open: |root, options| Ok(Box::new(ImagesReader::open(root, options)?)),
};

const LONG_DOC: &str = "\
Layout, below `root`, in any mixture:

  holiday/beach.jpg            a photo; its frame is <source>/holiday/beach
  holiday/beach.json, .txt     optional: what is said of it
  000001.tar                   WebDataset and the like: members 17.jpg (its frame is <source>/000001/17), 17.json, 17.txt
  data/train-00000.parquet     a photo a row, as bytes or as Hugging Face's struct of bytes and path; the frame of row 17 is
                               <source>/data/train-00000/17

Options:

  files           a pattern or a list of patterns of paths relative to the root: \"val/**/*.jpg\"; * and ? stay inside a folder's
                  name, ** does not, letters match in either case. Default: every .jpg, .jpeg, .jfif, .jpe, .png, .tar and
                  .parquet that is not hidden
  image           Parquet: the column of the photos. Default: the first of image, img, jpg, jpeg, png, bytes, image_bytes,
                  photo that can be, in either case. Tars: the ending of the members that are photos, \"left.jpg\". Default: jpg, jpeg, png
  key             Parquet: the column of text or whole numbers that names a photo. Default: the row's number
  caption         what people said of the photo. Parquet: a column of text or lists of text. Else: txt for the text file
                  beside the photo, or the name of a field of the JSON file beside it
  licence_column  Parquet: a column; else a field of that JSON file. Where it is null, the source's `licence` holds
  split_column    the same for the split: train, val (validation, valid, dev) or test
  shards          how many shards the photos that are files are divided in. Default: by their number, so that one has at most
                  1000, and twice as many whenever they outgrow that. A tar or a Parquet file is a shard of its own

What becomes of what: a photo becomes a frame, nothing is copied. It has no objects until a model finds some. Its SHA-256 is
that of its bytes as they are; width and height are those of the upright picture: where EXIF says that the camera was
turned, whoever reads the frame gets the pixels turned (`turned` in its uri). fx, fy, cx and cy are from EXIF, where it states
a plausible focal length as of 35 mm film, or one in millimetres with the sensor's resolution, and the photo was not cropped
since; else they are null. What is beside the photo is said of all photos of that name up to its first dot; in a tar it may stand
anywhere before or behind them. Two photos that differ in their ending alone, a.jpg and a.png, have it in their frames' names.

The split of a photo is what `split_column` says; else what its folder or archive is called, where that is train, training, val, validation, valid,
dev, test or testing (test/1.jpg, data/validation-00000-of-00002.parquet, cc3m-train-0001.tar); else the source's `split`.

A snapshot of Hugging Face's cache is read through its links, where `root` is the snapshot's folder. Folder markers of a bucket are
passed over.

Quarantined: files that are no photos, or break off, or whose pixels cannot be unpacked (image), photos of a format that is not
read, such as WebP, GIF or HEIC, photos under other endings, such as .jpg_large, which `files` may ask for, and archives and tables that are
not read, such as .zip, .7z, .tar.gz, .arrow or .tfrecord (format), what vanished, links that lead nowhere, what cannot be read, is no file (a pipe, a
device) or is larger than 256 MiB (missing_file, unreadable), names that are absolute, have a `..`, are not UTF-8, lead out of the
root, or are no path of a bucket, such as a//b (path), tars that break off, with the photos whose words are lost with the rest, members that are links or sparse (tar), damaged Parquet files (parquet),
columns that are absent or of a wrong type (column), rows without bytes (no_bytes) or with a key that is empty or no name
(key), names that are used twice (duplicate), and photos whose licence or split cannot be used (json, licence, split). Of a damaged
archive the photos count that are known to be lost: those of a Parquet file's rows, those behind a tar's damage that have a good
header; where nobody knows how many there were, it counts as one.

Forgiven, with a remark in `quarantine` (loss = nothing): captions that are none or more than 64, or that have more than 1000 bytes,
which are cut (caption). Forgiven without a word: byte order marks, UTF-16, NaN and null in files of words; names whose accents are
written in another Unicode form than those beside them.";

/// Changes when the same files would be read as different rows.
const READER: &str = "images 3";

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ImagesOptions {
    files: Option<Patterns>,
    image: Option<String>,
    key: Option<String>,
    caption: Option<String>,
    licence_column: Option<String>,
    split_column: Option<String>,
    shards: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Patterns {
    One(String),
    Many(Vec<String>),
}

/// Photos below a root.
struct ImagesReader {
    root: Root,
    name: String,
    split: Option<String>,
    licence: Option<String>,
    options: ImagesOptions,
    patterns: Vec<glob::Pattern>,
    fingerprinted: String,
    /// The latest.
    listing: Mutex<Option<Arc<Listing>>>,
}

impl ImagesReader {
    fn open(root: Root, options: &SourceOptions) -> Result<Self> {
        let own: ImagesOptions = options.parse("images")?;
        let patterns = match &own.files {
            None => Vec::new(),
            Some(Patterns::One(one)) => vec![one.clone()],
            Some(Patterns::Many(many)) => many.clone(),
        };
        let compiled = patterns.iter().map(|pattern| {
            glob::Pattern::new(pattern).map_err(|e| {
                Error::usage("`files` of the source has a wrong pattern").with("pattern", pattern).because(e)
            })
        });
        Ok(Self {
            fingerprinted: format!("{READER} {}", serde_json::to_string(options).unwrap_or_default()),
            patterns: compiled.collect::<Result<_>>()?,
            root,
            name: options.name.clone(),
            split: options.split.clone(),
            licence: options.licence.clone(),
            options: own,
            listing: Mutex::default(),
        })
    }

    fn listing(&self) -> Result<Arc<Listing>> {
        let mut latest = self.listing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(listing) = &*latest {
            return Ok(Arc::clone(listing));
        }
        Ok(Arc::clone(latest.insert(Arc::new(Listing::of(self)?))))
    }
}

impl Source for ImagesReader {
    fn shards(&self) -> Result<Vec<Shard>> {
        let listing = Arc::new(Listing::of(self)?);
        *self.listing.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&listing));
        if listing.shards.is_empty() {
            return Err(Error::input("there are no photos").with("root", &self.root).hint(
                "`spatialmill import --kind images` says which files are read; `files` of the source chooses others",
            ));
        }
        Ok(listing.shards.iter().map(|(shard, _)| shard.clone()).collect())
    }

    fn read(&self, shard: &Shard, rows: &mut RowSink) -> Result<()> {
        let listing = self.listing()?;
        let place = listing.shards.iter().find(|(known, _)| known.name == shard.name).map(|(_, place)| place);
        match place {
            Some(ShardPlace::Bucket(bucket)) => files::read(self, &listing, *bucket, rows),
            Some(ShardPlace::Tar { path, stem }) => tar::read(self, path, stem, rows),
            Some(ShardPlace::Table { path, stem }) => table::read(self, path, stem, rows),
            None => Err(Error::input("there is no such shard")
                .with("shard", &shard.name)
                .hint("list the shards again: the dataset changed")),
        }
    }
}
