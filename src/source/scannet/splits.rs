//! Splits: which of train, val and test the lists beside the scans put each of them in.
//!
//! A list has a scan's id on each line. People make their own: with paths, quotes, commas, comments, in capitals. A line without an id
//! is told, and a list without any is an error, because its scans would be trained on.

use std::collections::BTreeMap;

use super::{alignment, is_scene_id};
use crate::error::{Error, Result};
use crate::source::RowSink;
use crate::source::root::Root;
use crate::tables::Unusable;
use crate::text;

/// What the lists say.
#[derive(Debug, Default)]
pub struct Splits {
    of: BTreeMap<String, &'static str>,
    /// The scans of each list.
    lists: BTreeMap<String, Vec<String>>,
    /// The lines that name no scan: file, number and text.
    stray: Vec<(String, usize, String)>,
}

impl Splits {
    /// Reads the lists that are there.
    pub fn read(root: &Root) -> Result<Self> {
        let mut splits = Self::default();
        // A scan of two lists is of the later one, which is not for training.
        for split in ["train", "val", "test"] {
            for path in [format!("scannetv2_{split}.txt"), format!("Tasks/Benchmark/scannetv2_{split}.txt")] {
                if root.exists(&path)? {
                    let list = root.bytes(&path, alignment::MAX_BYTES)?;
                    let list = text::decode(&list).map_err(|why| {
                        Error::input("the list of a split is no text").with("file", &path).because(why)
                    })?;
                    splits.add(split, &path, &list)?;
                }
            }
        }
        Ok(splits)
    }

    fn add(&mut self, split: &'static str, path: &str, list: &str) -> Result<()> {
        let (mut found, mut lines) = (false, 0);
        for (number, line) in (1..).zip(list.lines()) {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            lines += 1;
            let ids: Vec<String> = ids(line).collect();
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
                .hint("a line is the id of a scan, such as `scene0000_00`"));
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

/// The ids of scans in a line.
fn ids(line: &str) -> impl Iterator<Item = String> {
    let parts = line.split(|c: char| c.is_whitespace() || ['/', '\\', ',', ';', '"', '\''].contains(&c));
    let names = parts.map(|part| part.split('.').next().unwrap_or_default().to_ascii_lowercase());
    names.filter(|name| is_scene_id(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_taken_as_people_write_them() {
        let mut splits = Splits::default();
        let list = "scene0001_00\r\n \"scans/scene0002_00/\" # a comment\n\nscene0003_00.txt,\nSCENE0004_00\n# nothing\nall others\n";
        splits.add("train", "list.txt", list).unwrap();
        splits.add("val", "val.txt", "scene0004_00").unwrap();
        for (id, split) in [(1, "train"), (2, "train"), (3, "train"), (4, "val")] {
            assert_eq!(splits.of(&format!("scene000{id}_00")), Some(split));
        }
        assert_eq!(splits.stray, [("list.txt".to_owned(), 7, "all others".to_owned())]);
        let error = splits.add("test", "test.txt", "hall\nattic\n").unwrap_err();
        assert!(error.to_string().contains("test.txt"), "{error}");
        splits.add("test", "empty.txt", "\n# none\n").unwrap();
    }
}
