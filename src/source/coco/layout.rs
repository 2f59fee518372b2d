//! Where the files of a COCO dataset are: as the options say, or by the names that COCO itself uses.

use serde::Serialize;

use super::{CocoOptions, Paths};
use crate::error::{Error, Result};
use crate::source::coco_json::documents::{CocoFile, Holds};
use crate::source::root::Root;
use crate::source::split::{self, NamedSplit};

/// What is known of a file's photos without opening it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PhotoFolder {
    /// Relative to the root; empty for the root itself.
    pub folder: String,
    /// train, val or test.
    pub split: Option<String>,
}

/// What there is.
pub struct FoundFiles {
    /// The files to read.
    pub files: Vec<CocoFile>,
    /// The photos of each.
    pub photos: Vec<PhotoFolder>,
    /// The other JSON files beside them, where nobody said which are meant.
    pub passed_over: Vec<String>,
    /// Files whose name may mean several splits, and which of them is taken.
    pub unclear: Vec<(String, &'static str)>,
}

/// Files that are named where some are passed over.
const NAMED: usize = 4;

/// What to say of files that are passed over.
pub fn told(passed_over: &[String]) -> Option<String> {
    let (named, more) = passed_over.split_at(passed_over.len().min(NAMED));
    let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    let named = named.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
    (!passed_over.is_empty()).then(|| {
        format!(
            "{named}{more} beside the files that are read: not read. Of `annotations`, instances_*.json are read and the \
             captions_*.json of the same parts, and panoptic_*.json of parts without instances; `annotations` of the [[source]] names \
             others, or just those"
        )
    })
}

/// The split that a file's name says, else its folder's.
fn named_split(path: &str) -> Option<NamedSplit> {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let folder = folders.rsplit('/').next().unwrap_or_default();
    split::of_any_word(name.trim_end_matches(".json")).or_else(|| split::of_all_words(folder))
}

/// The files to read, and the photos of each.
pub fn find(root: &Root, own: &CocoOptions, split: Option<&str>) -> Result<FoundFiles> {
    let listed = |paths: &Paths| match paths {
        Paths::One(path) => vec![path.clone()],
        Paths::Many(paths) => paths.clone(),
    };
    let (objects, mut passed_over) = match &own.annotations {
        Some(paths) => (listed(paths), Vec::new()),
        None => {
            let paths = root.list("annotations")?.into_iter().map(|entry| entry.path);
            let paths: Vec<String> = paths.filter(|path| path.ends_with(".json")).collect();
            // What is a segment is an instance, too: both would mark each thing twice.
            let instances: Vec<String> = paths.iter().filter_map(|path| suffix(path)).map(str::to_owned).collect();
            let is_read = |path: &String| {
                suffix(path).is_some()
                    || panoptic(path).is_some_and(|part| !instances.iter().any(|other| other == part))
            };
            paths.into_iter().partition(is_read)
        }
    };
    if objects.is_empty() {
        let error =
            Error::input("there is no annotations/instances_*.json or annotations/panoptic_*.json").with("root", root);
        return Err(match passed_over.first() {
            None => error.hint("name the file in the source's `annotations`, relative to its `root`"),
            Some(path) => error.hint(format!(
                "where `{path}` has images, annotations and categories: annotations = \"{path}\" under the [[source]]"
            )),
        });
    }
    let captions = match &own.captions {
        Some(paths) => listed(paths),
        None => {
            let beside = objects.iter().filter_map(|path| {
                let part = suffix(path).or_else(|| panoptic(path))?;
                let folder = path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
                Some(format!("{folder}captions_{part}.json"))
            });
            let mut found = Vec::new();
            for path in beside {
                if root.exists(&path)? {
                    found.push(path);
                }
            }
            found
        }
    };
    passed_over.retain(|path| !captions.contains(path));
    let (mut photos, mut unclear) = (Vec::new(), Vec::new());
    for path in objects.iter().chain(&captions) {
        let suffix = part(path);
        let named = named_split(path);
        unclear.extend(named.filter(|named| !named.is_sure).map(|named| (path.clone(), named.split)));
        let split = named.map(|named| named.split).or(split);
        let folder = match &own.images {
            Some(folder) => folder.trim_matches('/').to_owned(),
            None => folder(root, suffix)?,
        };
        photos.push(PhotoFolder { folder, split: split.map(str::to_owned) });
    }
    let files = objects.into_iter().map(|path| (path, Holds::Objects));
    let files = files.chain(captions.into_iter().map(|path| (path, Holds::Captions)));
    let guessed = own.images.is_none();
    let mut segments = Vec::new();
    for (path, _) in files.clone() {
        segments.push(Some(match &own.panoptic {
            Some(folder) => folder.trim_matches('/').to_owned(),
            None => segments_of(root, &path)?,
        }));
    }
    let file = |(((path, holds), photos), segments): (((String, Holds), &PhotoFolder), Option<String>)| CocoFile {
        path,
        segments,
        holds,
        folder: photos.folder.clone(),
        guessed,
    };
    Ok(FoundFiles { files: files.zip(&photos).zip(segments).map(file).collect(), photos, passed_over, unclear })
}

/// `val2017` of `annotations/instances_val2017.json`.
fn suffix(path: &str) -> Option<&str> {
    path.rsplit('/').next()?.strip_prefix("instances_")?.strip_suffix(".json")
}

/// `val2017` of `annotations/panoptic_val2017.json`.
fn panoptic(path: &str) -> Option<&str> {
    path.rsplit('/').next()?.strip_prefix("panoptic_")?.strip_suffix(".json")
}

/// Where the PNGs of a file's segments are: in a folder that is called as the file is, beside it or in the root.
fn segments_of(root: &Root, path: &str) -> Result<String> {
    let beside = path.trim_end_matches(".json");
    let name = beside.rsplit('/').next().unwrap_or_default();
    let in_root = panoptic(path).is_some() && !root.has_folder(beside)? && root.has_folder(name)?;
    Ok(if in_root { name } else { beside }.to_owned())
}

/// The same of any file that is named as COCO's are; empty for others.
fn part(path: &str) -> &str {
    let name = path.rsplit('/').next().and_then(|name| name.strip_suffix(".json")).unwrap_or_default();
    let kinds = ["instances_", "captions_", "person_keypoints_", "image_info_", "stuff_", "panoptic_"];
    kinds.into_iter().find_map(|kind| name.strip_prefix(kind)).unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_which_split_a_file_is() {
        for (path, split) in [
            ("annotations/instances_train2017.json", Some(("train", true))),
            ("annotations/instances_validation.json", Some(("val", true))),
            ("annotations/instances_VAL2017.json", Some(("val", true))),
            ("a/image_info_test-dev2017.json", Some(("test", true))),
            ("a/instances_minival2014.json", Some(("val", true))),
            ("a/instances_valminusminival2014.json", Some(("val", true))),
            ("a/instances_testset.json", Some(("test", true))),
            ("a/val_split.json", Some(("val", true))),
            ("a/test_train.json", Some(("test", false))),
            ("a/instances_trainval2014.json", Some(("val", false))),
            ("valid/_annotations.coco.json", Some(("val", true))),
            ("test set/_annotations.coco.json", Some(("test", true))),
            ("test bench/all.json", None),
            ("a/latest.json", None),
            ("a/interval_contest.json", None),
            ("result.json", None),
        ] {
            let named = named_split(path).map(|named| (named.split, named.is_sure));
            assert_eq!(named, split, "{path}");
        }
    }

    #[test]
    fn what_is_passed_over_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::local(folder.path()).unwrap();
        let put = |name: &str| std::fs::write(folder.path().join(format!("annotations/{name}.json")), "{}").unwrap();
        std::fs::create_dir(folder.path().join("annotations")).unwrap();
        ["panoptic_val2017", "person_keypoints_val2017"].into_iter().for_each(put);
        let alone = find(&root, &CocoOptions::default(), None).unwrap();
        assert_eq!((alone.files[0].path.as_str(), alone.files.len()), ("annotations/panoptic_val2017.json", 1));
        std::fs::remove_file(folder.path().join("annotations/panoptic_val2017.json")).unwrap();
        let error = format!("{:?}", find(&root, &CocoOptions::default(), None).err().unwrap());
        assert!(error.contains("annotations = \\\"annotations/person_keypoints_val2017.json"), "{error}");
        put("panoptic_val2017");
        ["instances_val2017", "captions_val2017", "captions_test2017"].into_iter().for_each(put);
        let found = find(&root, &CocoOptions::default(), None).unwrap();
        assert_eq!(found.files.len(), 2);
        let said = told(&found.passed_over).unwrap();
        for name in ["captions_test2017", "panoptic_val2017", "person_keypoints_val2017"] {
            assert!(said.contains(name), "{said}");
        }
        let own = CocoOptions {
            annotations: Some(Paths::One("annotations/instances_val2017.json".to_owned())),
            ..CocoOptions::default()
        };
        assert_eq!(told(&find(&root, &own, None).unwrap().passed_over), None);
        // A file in the root is not its own file of captions.
        for name in ["instances_all.json", "panoptic_all.json"] {
            std::fs::write(folder.path().join(name), "{}").unwrap();
            let own = CocoOptions { annotations: Some(Paths::One(name.to_owned())), ..CocoOptions::default() };
            assert_eq!(find(&root, &own, None).unwrap().files.len(), 1);
        }
    }
}
