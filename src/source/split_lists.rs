//! Lists of splits: which of train, val and test the lists beside the scans put each of them in.
//!
//! A list has a scan's id on each line. People make their own: with paths, quotes, commas, comments, in capitals. A line without an id
//! is told, and a list without any is an error, because its scans would be trained on.

use std::collections::BTreeMap;

use super::RowSink;
use super::root::Root;
use crate::error::{Error, Result};
use crate::tables::Unusable;
use crate::text;

/// Lists have some kilobytes.
const MAX_BYTES: u64 = 16 << 20;

/// Where a dataset has its lists, and what is in them.
pub struct ListFormat {
    /// The files that may list a split.
    pub files: fn(&str) -> Vec<String>,
    /// The id that a word of a line is, without what surrounds it.
    pub id: fn(&str) -> Option<String>,
    /// An id.
    pub example: &'static str,
}

/// What the lists say.
#[derive(Debug, Default)]
pub struct SplitLists {
    of: BTreeMap<String, &'static str>,
    /// The scans of each list.
    lists: BTreeMap<String, Vec<String>>,
    /// The lines that name no scan: file, number and text.
    stray: Vec<(String, usize, String)>,
}

impl SplitLists {
    /// Reads the lists that are there.
    pub fn read(root: &Root, format: &ListFormat) -> Result<Self> {
        let mut splits = Self::default();
        // A scan of two lists is of the later one, which is not for training.
        for split in ["train", "val", "test"] {
            for path in (format.files)(split) {
                if root.exists(&path)? {
                    let list = root.bytes(&path, MAX_BYTES)?;
                    let list = text::decode(&list).map_err(|why| {
                        Error::input("the list of a split is no text").with("file", &path).because(why)
                    })?;
                    splits.add(split, &path, &list, format)?;
                }
            }
        }
        Ok(splits)
    }

    fn add(&mut self, split: &'static str, path: &str, list: &str, format: &ListFormat) -> Result<()> {
        let (mut found, mut lines) = (false, 0);
        for (number, line) in (1..).zip(list.lines()) {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            lines += 1;
            let ids: Vec<String> = words(line).filter_map(format.id).collect();
            if ids.is_empty() {
                self.stray.push((path.to_owned(), number, line.chars().take(100).collect()));
            }
            found |= !ids.is_empty();
            self.lists.entry(path.to_owned()).or_default().extend(ids.iter().cloned());
            self.of.extend(ids.into_iter().map(|id| (id, split)));
        }
        if lines > 0 && !found {
            return Err(Error::input("no line of the list of a split names a scan")
                .with("file", path)
                .hint(format!("a line is the id of a scan, such as `{}`", format.example)));
        }
        Ok(())
    }

    /// The split of a scan.
    pub fn of(&self, id: &str) -> Option<&'static str> {
        self.of.get(id).copied()
    }

    /// Tells which lines name no scan, and which lists none that is here.
    pub fn report(&self, is_here: impl Fn(&str) -> bool, rows: &mut RowSink) -> Result<()> {
        for (path, _) in self.lists.iter().filter(|(_, ids)| !ids.iter().any(|id| is_here(id))) {
            let message = "none of the scans that it lists is here; is it the list of another release?";
            rows.remark(path, path, Unusable::new("split", message))?;
        }
        self.stray.iter().try_for_each(|(path, number, line)| {
            let message = format!("line {number} names no scan: `{}`", line.escape_debug());
            rows.remark(format!("{path}:{number}"), path, Unusable::new("split", message))
        })
    }
}

/// What may be the id of a scan in a line.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| c.is_whitespace() || ['/', '\\', ',', ';', '"', '\''].contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_taken_as_people_write_them() {
        let format = ListFormat {
            files: |_| Vec::new(),
            id: |word| {
                let name = word.split('.').next().unwrap_or_default().to_ascii_lowercase();
                name.starts_with("scene").then_some(name)
            },
            example: "scene0000_00",
        };
        let mut splits = SplitLists::default();
        let list = "scene0001_00\r\n \"scans/scene0002_00/\" # a comment\n\nscene0003_00.txt,\nSCENE0004_00\n# nothing\nall others\n";
        splits.add("train", "list.txt", list, &format).unwrap();
        splits.add("val", "val.txt", "scene0004_00", &format).unwrap();
        for (id, split) in [(1, "train"), (2, "train"), (3, "train"), (4, "val")] {
            assert_eq!(splits.of(&format!("scene000{id}_00")), Some(split));
        }
        assert_eq!(splits.stray, [("list.txt".to_owned(), 7, "all others".to_owned())]);
        let error = splits.add("test", "test.txt", "hall\nattic\n", &format).unwrap_err();
        assert!(error.to_string().contains("test.txt"), "{error}");
        splits.add("test", "empty.txt", "\n# none\n", &format).unwrap();
    }
}
