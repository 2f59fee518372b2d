//! Sources: readers that turn a dataset on disk or in a bucket into rows of the imported tables: `frames`, `detections`, `scenes` and what scenes have.
//!
//! A [`Source`] first names its [`Shard`]s, stable slices (a scene, or a hash bucket of images) with a fingerprint each, then
//! reads one shard at a time into [`RowSink`]. It runs on a blocking thread, streams, and holds at most one shard's records.
//! A record that cannot be used becomes a quarantined row with key, file, code and message; it is never dropped silently,
//! and only what makes the whole source unusable (no such folder, not this kind of dataset) is an [`Error`].

mod all_seeing;
mod bucket_digests;
mod camera_text;
mod caption;
pub mod category;
mod cityscapes;
mod coco;
mod coco_json;
pub mod depth;
mod file_entry;
mod id_image;
mod images;
mod intrinsics;
mod json;
mod local_folder;
mod local_walk;
mod matterport;
pub mod npy;
mod object_views;
pub mod photo;
pub mod recognized;
mod rgbd;
pub mod root;
mod row_sink;
pub mod scannet;
mod split;
mod split_lists;
pub mod synthetic;
mod synthetic_home;
#[cfg(test)]
mod tests;
mod upright;
mod visual_genome;
mod vsi_meta;

use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::suggestion::{nearest, unknown};
use file_entry::UnreadablePath;
use root::Root;
pub use row_sink::{Row, RowSink};

/// A stable slice of a source: the unit that is imported, built and resumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Unique in its source, safe in a path: `scene0000_00`, `bucket-003`.
    pub name: String,
    /// Changes when anything that the shard is read from changes (paths, sizes, times of modification and change or ETags, options).
    pub fingerprint: String,
    /// Of the files that it is read from, where shards differ in that: the largest are read first.
    pub bytes: u64,
}

impl Shard {
    /// A shard whose fingerprint is a hash of this: the options, digests of the files, and what else it is read from.
    fn fingerprinted(name: String, read_from: &str, bytes: u64) -> Self {
        Self { name, fingerprint: blake3::hash(read_from.as_bytes()).to_hex().to_string(), bytes }
    }
}

/// A dataset format that can be read.
pub trait Source: Send + Sync {
    /// The shards, in a stable order. Cheap: lists files, reads headers at most.
    fn shards(&self) -> Result<Vec<Shard>>;

    /// Reads one shard. `rows` applies back-pressure and hands batches on.
    fn read(&self, shard: &Shard, rows: &mut RowSink) -> Result<()>;

    /// What only the project's author knows of this dataset and mill.toml does not say, a sentence each with the option to set. Cheap
    /// before the shards are read.
    fn unsaid(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
}

/// One entry of [`SOURCES`]: everything that the command line, the documents and the tests say of a source is derived from it.
pub struct SourceKind {
    /// As in `kind = "..."` of the project file.
    pub name: &'static str,
    /// One line for lists.
    pub doc: &'static str,
    /// The layout on disk and the options, for `spatialmill import --kind NAME`.
    pub long_doc: &'static str,
    /// True for the generator, whose root may not exist yet; everything else only reads.
    pub makes_root: bool,
    /// Opens the dataset; wrong options are usage errors that name the option and its allowed values. See [`SourceKind::open`].
    open: fn(Root, &SourceOptions) -> Result<Box<dyn Source>>,
}

impl SourceKind {
    /// A reader that also quarantines what it met in its folder and could not read: links that lead out, names that are none.
    pub fn open(&self, root: Root, options: &SourceOptions) -> Result<Box<dyn Source>> {
        let root = if options.follow_links { root.following_links() } else { root };
        let reader = (self.open)(root.clone(), options).map_err(|e| about_refused(e, &root))?;
        Ok(Box::new(QuarantiningReader { reader, root, told: Mutex::default() }))
    }
}

/// A reader, and what its root refused.
struct QuarantiningReader {
    reader: Box<dyn Source>,
    root: Root,
    /// The shard under which it is told, and what.
    told: Mutex<Option<(String, Vec<(String, UnreadablePath)>)>>,
}

impl Source for QuarantiningReader {
    fn shards(&self) -> Result<Vec<Shard>> {
        let mut shards = self.reader.shards().map_err(|e| about_refused(e, &self.root))?;
        let refused = self.root.refused();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        *told = None;
        // Not a shard of their own: how many of a source's rows are lost is judged by what is read together.
        if let Some(first) = shards.first_mut().filter(|_| !refused.is_empty()) {
            let mut hasher = blake3::Hasher::new();
            hasher.update(format!("{} {refused:?}", first.fingerprint).as_bytes());
            first.fingerprint = hasher.finalize().to_hex().to_string();
            *told = Some((first.name.clone(), refused));
        }
        Ok(shards)
    }

    fn read(&self, shard: &Shard, rows: &mut RowSink) -> Result<()> {
        self.reader.read(shard, rows)?;
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (path, why) in told.filter(|(name, _)| *name == shard.name).into_iter().flat_map(|(_, refused)| refused) {
            match why {
                // Somebody's upload went wrong: it costs itself, and is told.
                UnreadablePath::NoPath => rows.remark(path.clone(), &path, why.unusable())?,
                // Nobody knows of how many images, or of any.
                UnreadablePath::NotAllowed if path.ends_with('/') => {
                    rows.refuse(path.clone(), &path, why.unusable())?
                }
                _ => rows.refuse_image(path.clone(), &path, why.unusable())?,
            }
        }
        Ok(())
    }

    fn unsaid(&self) -> Result<Vec<String>> {
        self.reader.unsaid()
    }
}

/// What is not there may lie behind a link that was not followed.
fn about_refused(error: Error, root: &Root) -> Error {
    match &root.refused()[..] {
        [] => error,
        [(path, why), rest @ ..] => {
            let more = if rest.is_empty() { String::new() } else { format!(", and {} more", rest.len()) };
            error.with("not read", format!("{path}: {}{more}", why.unusable().message))
        }
    }
}

/// What a frame is used for.
pub const SPLITS: &[&str] = &["train", "val", "test"];

/// The options that every kind takes, behind those of a kind.
pub const COMMON_DOC: &str = "\
Options of every kind:

  name               prefix of its frames' ids
  root               a path relative to mill.toml, or a file:// or s3://bucket/prefix URL. What stands behind the bucket is a key
                     as it is: #, ?, % and blanks stand for themselves
  split              train, val or test; where the dataset knows better, the dataset wins
  licence            of frames whose own licence is not recorded in the dataset
  allow_benchmarks   true: what build.benchmarks lists is used for training all the same
  follow_links       true: links that lead out of the root are followed. Default: they are quarantined (path); links that stay
                     below it are followed anyhow, to folders, too

What a root refuses is quarantined for every kind: links that lead out or nowhere, names that are not UTF-8 (path, missing_file),
pipes, sockets and devices, files and folders without the permission to read them (unreadable), keys that are no path, such as a//b
(path). The rest is read.
";

/// What a `[[source]]` table of the project file says beyond `kind` and `root`.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SourceOptions {
    /// The source's name; prefix of its frame ids.
    pub name: String,
    /// train, val or test; where the dataset knows better (a split file), the dataset wins.
    pub split: Option<String>,
    /// Licence for frames whose own licence is not recorded in the dataset.
    pub licence: Option<String>,
    /// True: what `build.benchmarks` lists is used for training all the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_benchmarks: bool,
    /// True: links that lead out of the root are followed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub follow_links: bool,
    /// Options of this kind alone (`depth_scale`, `rooms`, ...); a reader refuses keys that it does not know.
    #[serde(flatten)]
    pub extra: toml::Table,
}

impl SourceOptions {
    /// The options of one kind, as a struct that refuses what it does not know.
    pub fn parse<T: serde::de::DeserializeOwned>(&self, kind: &str) -> Result<T> {
        self.extra.clone().try_into().map_err(|e: toml::de::Error| {
            // The name that is unknown, and those that are not, are quoted.
            let mut names = e.message().split('`').skip(1).step_by(2);
            let given = names.next().filter(|_| e.message().starts_with("unknown field"));
            let known: Vec<&str> = names.collect();
            let meant = given.and_then(|given| nearest(given, &known));
            let lists = format!("`spatialmill import --kind {kind}` lists the options of this kind");
            Error::usage(format!("a wrong option of a `{kind}` source"))
                .with("source", &self.name)
                .because(e.message().to_owned())
                .hint(meant.map(|name| format!("did you mean `{name}`? {lists}")).unwrap_or(lists))
        })
    }
}

/// Every source that can be read.
pub const SOURCES: &[SourceKind] = &[
    all_seeing::ALL_SEEING,
    cityscapes::CITYSCAPES,
    coco::COCO,
    images::IMAGES,
    matterport::MATTERPORT,
    object_views::OBJECT_VIEWS,
    rgbd::RGBD,
    scannet::SCANNET,
    synthetic::SYNTHETIC,
    synthetic_home::SYNTHETIC_HOME,
    visual_genome::VISUAL_GENOME,
    vsi_meta::VSI_META,
];

/// A kind by its name.
pub fn kind(name: &str) -> Result<&'static SourceKind> {
    let found = SOURCES.iter().find(|kind| kind.name == name);
    let names: Vec<&str> = SOURCES.iter().map(|kind| kind.name).collect();
    found.ok_or_else(|| unknown("kind of source", name, &names))
}
