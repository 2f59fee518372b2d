//! Which files are read, and in which of All-Seeing's conventions.

use super::{AllSeeingOptions, Paths};
use crate::error::{Error, Result};
use crate::source::root::Root;

/// A file of annotations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnotationFile {
    /// Relative to the root.
    pub path: String,
    /// As it is stored.
    pub bytes: u64,
}

impl AnnotationFile {
    /// Whether it is packed by gzip, by its name.
    pub fn is_packed(&self) -> bool {
        self.path.to_ascii_lowercase().ends_with(".gz")
    }

    /// Whether it has a record a line, by its name.
    pub fn is_lines(&self) -> bool {
        self.path.to_ascii_lowercase().trim_end_matches(".gz").ends_with(".jsonl")
    }
}

/// What there is.
#[derive(Debug)]
pub struct FoundFiles {
    /// In the order of their paths.
    pub files: Vec<AnnotationFile>,
    /// What is not read where nobody said which files are, a sentence each.
    pub passed_over: Vec<String>,
}

/// What names of annotations end with.
const ENDINGS: [&str; 4] = [".json", ".jsonl", ".json.gz", ".jsonl.gz"];

/// What files are called whose coordinates are of the photo, beside those of its square.
const PLAIN: &str = "_wo_square_pad";

/// Whether the coordinates of a file's conversations are of the photo amid a square, by its name.
pub fn is_square_padded(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.starts_with("rec_") && !stem(name).ends_with(PLAIN)
}

/// The files to read.
pub fn find(root: &Root, own: &AllSeeingOptions) -> Result<FoundFiles> {
    let named = match &own.annotations {
        Some(Paths::One(path)) => vec![path.clone()],
        Some(Paths::Many(paths)) => paths.clone(),
        None if root.has_folder("annotations")? => vec!["annotations".to_owned()],
        None => return everywhere(root),
    };
    let mut files = Vec::new();
    for path in named {
        let path = path.trim_end_matches('/');
        match root.size(path)? {
            Some(bytes) => files.push(AnnotationFile { path: path.to_owned(), bytes }),
            None if root.has_folder(path)? => {
                let below = root.list(path)?.into_iter().filter(|entry| has_ending(&entry.path));
                files.extend(below.map(|entry| AnnotationFile { path: entry.path, bytes: entry.size }));
            }
            None => {
                return Err(Error::input("no such file")
                    .with("file", path)
                    .hint("`annotations` of the source are paths relative to its `root`"));
            }
        }
    }
    sorted(root, files, Vec::new(), own.annotations.is_none())
}

/// All files below the root, but for SA-1B's own, of which there are as many as photos. None of those is held.
fn everywhere(root: &Root) -> Result<FoundFiles> {
    let (mut files, mut masks) = (Vec::new(), 0_u64);
    root.digests("", |entry| {
        if !has_ending(&entry.path) {
            return None;
        }
        if entry.refused.is_some() {
            return Some("refused".to_owned());
        }
        let name = entry.path.rsplit('/').next().unwrap_or_default();
        if name.strip_suffix(".json").is_some_and(is_of_sa_1b) {
            masks += 1;
        } else {
            files.push(AnnotationFile { path: entry.path.clone(), bytes: entry.size });
        }
        None
    })?;
    let told = (masks > 0).then(|| {
        format!(
            "{masks} files called as SA-1B's own masks are (sa_1131.json) are not read; where they are All-Seeing's regions, \
             `annotations` of the [[source]] names them or their folder"
        )
    });
    sorted(root, files, told.into_iter().collect(), true)
}

/// In order, each once; where they were found, without those that have a plainer twin.
fn sorted(
    root: &Root,
    mut files: Vec<AnnotationFile>,
    mut passed_over: Vec<String>,
    found: bool,
) -> Result<FoundFiles> {
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.dedup_by(|a, b| a.path == b.path);
    if found {
        let plain: Vec<String> =
            files.iter().filter_map(|file| Some(stem(&file.path).strip_suffix(PLAIN)?.to_owned())).collect();
        files.retain(|file| {
            let has_twin = plain.binary_search_by(|other| other.as_str().cmp(stem(&file.path))).is_ok();
            if has_twin {
                let path = &file.path;
                passed_over
                    .push(format!("`{path}` is not read: its twin{PLAIN} says the same in coordinates of the photo"));
            }
            !has_twin
        });
    }
    if files.is_empty() {
        let error = Error::input("there are no annotations of All-Seeing").with("root", root);
        let hint = passed_over.first().cloned().unwrap_or_else(|| {
            "`annotations` of the source names its JSON files or their folder, relative to its `root`".to_owned()
        });
        return Err(error.hint(hint));
    }
    Ok(FoundFiles { files, passed_over })
}

/// A path without what its name ends with.
fn stem(path: &str) -> &str {
    ENDINGS.iter().rev().find_map(|ending| path.strip_suffix(ending)).unwrap_or(path)
}

fn has_ending(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    ENDINGS.iter().any(|ending| path.ends_with(ending))
}

/// True for `sa_1131`: what SA-1B calls a photo and its masks.
pub fn is_of_sa_1b(stem: &str) -> bool {
    let number = stem.strip_prefix("sa_").unwrap_or_default();
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_whether_coordinates_are_of_a_square() {
        for (path, expected) in [
            ("a/rec_conversation_22k.json", true),
            ("rec_conversation_22k_wo_square_pad.json", false),
            ("rec_conversation_22k_wo_square_pad.jsonl.gz", false),
            ("as_pretrain_10m.json", false),
            ("rec/as_mix_4m.json", false),
        ] {
            assert_eq!(is_square_padded(path), expected, "{path}");
        }
    }

    #[test]
    fn what_is_not_read_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::local(folder.path()).unwrap();
        let own = AllSeeingOptions::default();
        let found = || {
            find(&root, &own)
                .map(|found| (found.files.into_iter().map(|file| file.path).collect::<Vec<_>>(), found.passed_over))
        };
        assert!(found().unwrap_err().to_string().contains("no annotations"));
        std::fs::create_dir(folder.path().join("sa_000000")).unwrap();
        for name in ["sa_000000/sa_7.json", "rec_a.json", "rec_a_wo_square_pad.json", "b.jsonl.gz", "c.txt"] {
            std::fs::write(folder.path().join(name), "{}").unwrap();
        }
        let (files, told) = found().unwrap();
        assert_eq!(files, ["b.jsonl.gz", "rec_a_wo_square_pad.json"]);
        assert!(told.len() == 2 && told[0].starts_with("1 files") && told[1].contains("`rec_a.json`"), "{told:?}");
        // Where there is such a folder, it holds them all, whatever they are called.
        std::fs::create_dir(folder.path().join("annotations")).unwrap();
        std::fs::write(folder.path().join("annotations/sa_7.json"), "{}").unwrap();
        assert_eq!(found().unwrap(), (vec!["annotations/sa_7.json".to_owned()], vec![]));
    }
}
