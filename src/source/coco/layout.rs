//! Where the files of a COCO dataset are: as the options say, or by the names that COCO itself uses.

use serde::Serialize;

use super::documents::{File, Holds};
use super::{CocoOptions, Paths};
use crate::error::{Error, Result};
use crate::source::root::Root;

/// What is known of a file's photos without opening it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Photos {
    /// Relative to the root; empty for the root itself.
    pub folder: String,
    /// train, val or test.
    pub split: Option<String>,
}

/// The files to read, and the photos of each.
pub fn find(root: &Root, own: &CocoOptions, split: Option<&str>) -> Result<(Vec<File>, Vec<Photos>)> {
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
        let named = path.trim_end_matches(".json").rsplit(['_', '/']).next().unwrap_or_default();
        let named = named.trim_end_matches(|c: char| c.is_ascii_digit());
        let split = ["train", "val", "test"].into_iter().find(|split| *split == named).or(split);
        let folder = match &own.images {
            Some(folder) => folder.trim_matches('/').to_owned(),
            None => folder(root, suffix)?,
        };
        photos.push(Photos { folder, split: split.map(str::to_owned) });
    }
    let files = objects.into_iter().map(|path| (path, Holds::Objects));
    let files = files.chain(captions.into_iter().map(|path| (path, Holds::Captions)));
    let files = files.zip(&photos).map(|((path, holds), photos)| File { path, holds, folder: photos.folder.clone() });
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
