//! The leakage guard: scenes and images that benchmarks are made of are kept out of training.
//!
//! In: the lists that `build.benchmarks` names, and a source's frames. Out: the list that a frame is on. A frame that its dataset
//! or its source declares as val or test may be on one: it is not for training.

use std::collections::HashMap;

use crate::error::{Context, Error, Result};
use crate::photos::Address;
use crate::project::{Project, SourceTable};
use crate::source::rows::Frame;
use crate::text;

/// The reason under which frames are counted that are left out.
pub const BENCHMARK: &str = "benchmark";

/// A line is an id of some tens of bytes: a list of all images of the largest benchmark is far smaller than this.
const MAX_BYTES: u64 = 256 << 20;

/// Ids of scenes, names of files and SHA-256 of images, with the list that each is on.
#[derive(Debug, Default)]
pub struct Benchmarks {
    listed: HashMap<String, usize>,
    lists: Vec<String>,
    digest: blake3::Hasher,
}

impl Benchmarks {
    /// The lists that hold for a source: none where it allows benchmarks.
    pub fn of(project: &Project, source: &SourceTable) -> Result<Self> {
        let mut benchmarks = Self::default();
        let lists =
            project.value("benchmarks").and_then(toml::Value::as_array).filter(|_| !source.options.allow_benchmarks);
        for list in lists.into_iter().flatten() {
            let Some(list) = list.as_str() else {
                return Err(Error::usage("`build.benchmarks` must be a list of paths").with("given", list));
            };
            let path = project.folder.join(list);
            let here = || format!("cannot read the list of a benchmark, `{}`", path.display());
            if std::fs::metadata(&path).or_input(here)?.len() > MAX_BYTES {
                return Err(Error::input("the list of a benchmark is too long").with("file", path.display()));
            }
            benchmarks.add(list, &text::read(&path)?);
        }
        Ok(benchmarks)
    }

    fn add(&mut self, list: &str, text: &str) {
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            self.listed.entry(line.to_owned()).or_insert(self.lists.len());
            if let Some(room) = room(line) {
                self.listed.entry(room.to_owned()).or_insert(self.lists.len());
            }
        }
        self.digest.update(text.as_bytes()).update(b"\0");
        self.lists.push(list.to_owned());
    }

    /// What the import of a source depends on; empty without lists.
    pub fn digest(&self) -> String {
        if self.lists.is_empty() { String::new() } else { self.digest.finalize().to_hex().to_string() }
    }

    /// How many lists there are, and how many things are on them.
    pub fn size(&self) -> (usize, usize) {
        (self.lists.len(), self.listed.len())
    }

    /// The list that keeps a frame out of training.
    pub fn list_of(&self, frame: &Frame) -> Option<&str> {
        if self.listed.is_empty() || matches!(frame.split.as_deref(), Some("val" | "test")) {
            return None;
        }
        let scene = frame.scene_id.as_deref().and_then(|scene| scene.rsplit('/').next());
        let address = Address::parse(&frame.uri).ok();
        let file = address.as_ref().map(Address::file_name);
        let file = file.as_deref();
        let stem = file.and_then(|file| file.rsplit_once('.')).map(|(stem, _)| stem);
        let names = [scene, scene.and_then(room), file, stem, frame.sha256.as_deref()];
        names.into_iter().flatten().find_map(|name| self.listed.get(name)).map(|&list| self.lists[list].as_str())
    }
}

/// The room of a ScanNet scan: `scene0025` of `scene0025_01`. Another scan of a benchmark's room shows the same things.
fn room(scan: &str) -> Option<&str> {
    let (room, scan) = scan.split_once('_')?;
    let number = room.strip_prefix("scene")?;
    let digits = |text: &str, n: usize| text.len() == n && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(number, 4) && digits(scan, 2)).then_some(room)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(scene: Option<&str>, uri: &str, split: Option<&str>) -> Frame {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Frame {
            scene_id: own(scene),
            uri: uri.to_owned(),
            split: own(split),
            sha256: own(Some("ab12")),
            ..Frame::default()
        }
    }

    fn check(list: &str, frame: &Frame) -> bool {
        let mut benchmarks = Benchmarks::default();
        benchmarks.add("a.txt", "# another list\n0\n");
        benchmarks.add("list.txt", list);
        let found = benchmarks.list_of(frame);
        assert!(found.is_none_or(|found| found == "list.txt"));
        found.is_some()
    }

    #[test]
    fn a_scene_an_image_or_its_bytes_may_be_listed() {
        let train = frame(Some("scans/scene0025_00"), "file:///x/000000000139.jpg", Some("train"));
        for line in ["scene0025_00", "scene0025_01", "000000000139.jpg", "000000000139", "ab12"] {
            assert!(check(line, &train), "{line}");
        }
        let inside = frame(None, "file:///x/1.tar#bytes=512-600&name=000000000139.jpg&turned=6", Some("train"));
        assert!(check("000000000139", &inside) && !check("1.tar", &inside));
        for line in ["scene0026_00", "139", "scene0025_1", "ab1", "# scene0025_00"] {
            assert!(!check(line, &train), "{line}");
        }
    }

    #[test]
    fn only_training_is_guarded_and_no_split_counts_as_training() {
        let of = |split| frame(Some("41069025"), "file:///x/1.jpg", split);
        assert!(check("41069025", &of(Some("train"))) && check("41069025", &of(None)));
        assert!(!check("41069025", &of(Some("val"))) && !check("41069025", &of(Some("test"))));
    }
}
