//! Which kinds of source a folder is, for a new project. In: a root. Out: the kinds that find something to read there, the most particular one
//! first, each with what it found. Nothing but listings, headers and indexes is read.

use super::root::Root;
use super::{SOURCES, SourceKind, SourceOptions};
use crate::error::Error;

/// Kinds whose files another kind reads, too: those that read more come first.
const ORDER: &[&str] = &[
    "vsi_meta",
    "matterport",
    "scannet",
    "rgbd",
    "cityscapes",
    "object_views",
    "all_seeing",
    "coco",
    "visual_genome",
    "images",
];

/// A kind that reads a folder.
pub struct Recognized {
    pub kind: &'static SourceKind,
    /// How many shards it found.
    pub shards: usize,
    /// What the dataset does not say of itself, or lacks, a sentence each.
    pub unsaid: Vec<String>,
}

/// All kinds that find something below a root.
pub fn recognized(root: &Root) -> Vec<Recognized> {
    let place = |kind: &&SourceKind| ORDER.iter().position(|name| *name == kind.name).unwrap_or(0);
    let mut kinds: Vec<&SourceKind> = SOURCES.iter().filter(|kind| !kind.makes_root).collect();
    kinds.sort_by_key(place);
    kinds.into_iter().filter_map(|kind| found(kind, root).ok()).collect()
}

/// What one kind finds below a root; the error says what is missing.
pub fn found(kind: &'static SourceKind, root: &Root) -> Result<Recognized, Error> {
    let options = SourceOptions { name: kind.name.to_owned(), ..SourceOptions::default() };
    let source = kind.open(root.clone(), &options)?;
    let shards = source.shards()?.len();
    if shards == 0 {
        return Err(Error::input(format!("a `{}` source finds nothing to read there", kind.name))
            .with("root", root)
            .hint(format!("`spatialmill import --kind {}` shows the layout", kind.name)));
    }
    Ok(Recognized { kind, shards, unsaid: source.unsaid()? })
}
