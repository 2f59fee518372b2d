//! Benchmark lists: scenes and images that benchmarks are made of are kept out of training.
//!
//! In: the lists that `build.benchmarks` names, and the sources' frames. Out: the lists that a frame is on. A frame that its dataset
//! or its source declares as val or test may be on one: it is not for training.
//!
//! ```text
//! 000000000139.jpg, 000000000139     a name alone: every photo that is called so, wherever it lies
//! val2017/000000000139.jpg           a path, with or without the ending: the photos whose own path ends with these whole parts
//! /home/me/val2017/000000000139.jpg  the same from the root of a machine, perhaps another one: a folder and a name at its end are enough
//! 000001.tar/cat.jpg, 000001/cat     in an archive or a table, a photo lies below that file
//! rooms/000001/cat                   a frame's id, from the source on or without it
//! scene0025_00, rooms/kitchen        a scene, by its name or by the end of its path, and whatever lies in it
//! 3f2a..e1                           the SHA-256 of a photo
//! ```
//!
//! A line that matches no frame of any source guards nothing, and is told. What a shard's frames matched is kept beside the tables when it
//! is read, so that a shard which stands is not read again to know it:
//!
//! ```text
//! a shard's frames ─► lines that match ─► _benchmarks/<hash of the shard's name and fingerprint>.json ─┐
//! lists ───────────────────────────────────────────────────────────────────────────────────────────────┴─► lines without a match
//! ```

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStoreExt;
use serde::{Deserialize, Serialize};

use super::Mill;
use super::snapshot::Snapshot;
use crate::error::{Context, Error, Result};
use crate::listed;
use crate::photos::Address;
use crate::project::{Project, SourceTable};
use crate::tables::Frame;
use crate::text;
use crate::warehouse::Location;

/// The reason under which frames are counted that are left out.
pub const BENCHMARK: &str = "benchmark";

/// Changes when the same line would match other frames, or what is kept of it has another form.
const MATCHING: &str = "matching 6";

/// What shards matched, below the warehouse.
const FOLDER: &str = "_benchmarks";

/// Files of what matched that are read at once.
const AT_ONCE: usize = 16;

/// Lines that are told word by word.
const TOLD: usize = 3;

/// Ids of scenes and frames, names and paths of files and SHA-256 of images, with the lines that name each.
#[derive(Debug, Default)]
pub struct Benchmarks {
    lists: Vec<String>,
    lines: Vec<Line>,
    by_sha256: HashMap<String, Vec<usize>>,
    /// By the whole of a line.
    by_path: HashMap<String, Vec<usize>>,
    /// By each path that a line's own begins with: what lies in a scene's folder names the scene.
    by_folder: HashMap<String, Vec<usize>>,
    /// By a room of ScanNet: no other dataset has such names, wherever they stand in a path.
    by_room: HashMap<String, Vec<usize>>,
    digest: blake3::Hasher,
    /// Whether what is on them is kept out.
    guards: bool,
}

#[derive(Debug)]
struct Line {
    list: usize,
    number: usize,
    text: String,
}

/// What the frames of a shard matched, as it is kept.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Matches {
    /// The lines' own words, by which they are known when lists have changed.
    lines: BTreeSet<String>,
    /// How many frames each list keeps out of training.
    kept_out: BTreeMap<String, u64>,
}

impl Matches {
    /// Enters what names a frame. True where it is kept out of training.
    pub(super) fn enter(&mut self, benchmarks: &Benchmarks, frame: &Frame) -> bool {
        let matching = benchmarks.matching(frame);
        let is_guarded = benchmarks.guards && !matches!(frame.split.as_deref(), Some("val" | "test"));
        let mut lists = BTreeSet::new();
        for line in matching.iter().map(|line| &benchmarks.lines[*line]) {
            lists.insert(line.list);
            if !self.lines.contains(&line.text) {
                self.lines.insert(line.text.clone());
            }
        }
        for list in lists.iter().filter(|_| is_guarded) {
            *self.kept_out.entry(benchmarks.lists[*list].clone()).or_default() += 1;
        }
        is_guarded && !lists.is_empty()
    }

    fn add(&mut self, other: Self) {
        self.lines.extend(other.lines);
        for (list, frames) in other.kept_out {
            *self.kept_out.entry(list).or_default() += frames;
        }
    }
}

/// What came of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// As mill.toml names it.
    pub list: String,
    pub lines: usize,
    /// How many images it keeps out of training, in all sources.
    pub kept_out: u64,
    /// Those that match no frame of any source, with their numbers.
    pub unmatched: Vec<(usize, String)>,
}

impl Outcome {
    /// What it does.
    pub fn effect(&self) -> String {
        let Self { list, kept_out, .. } = self;
        format!("`{list}` keeps {kept_out} {} out of training", if *kept_out == 1 { "image" } else { "images" })
    }

    /// What there is to say against it.
    pub fn complaint(&self) -> Option<String> {
        let Self { list, lines, unmatched, .. } = self;
        if unmatched.is_empty() {
            return None;
        }
        let told: Vec<_> =
            unmatched.iter().take(TOLD).map(|(number, text)| format!("line {number} `{text}`")).collect();
        let more = unmatched.len().saturating_sub(TOLD);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let is_path = |(_, text): &&(usize, String)| text.contains(['/', '\\']);
        let rule = match unmatched.iter().take(TOLD).find(is_path) {
            Some(_) => {
                "; a path means what lies at the end of that very path, a file's name alone every photo of that name"
            }
            None => "",
        };
        let all = unmatched.len();
        Some(format!("{all} of {lines} lines of `{list}` match nothing in any source: {}{more}{rule}", told.join(", ")))
    }
}

impl Benchmarks {
    /// The lists, and whether they hold for a source: not where it allows benchmarks.
    pub fn of(project: &Project, source: &SourceTable) -> Result<Self> {
        Ok(Self { guards: !source.options.allow_benchmarks, ..Self::all(project)? })
    }

    /// The lists.
    pub fn all(project: &Project) -> Result<Self> {
        let mut benchmarks = Self::default();
        let lists = project.value("benchmarks").and_then(toml::Value::as_array);
        for list in lists.into_iter().flatten() {
            let Some(list) = list.as_str() else {
                return Err(Error::usage("`build.benchmarks` must be a list of paths").with("given", list));
            };
            let path = project.folder.join(list);
            benchmarks.add(list, &text::read(&path).map_err(|e| e.with("benchmark", list))?);
        }
        Ok(benchmarks)
    }

    fn add(&mut self, list: &str, text: &str) {
        for (number, line, listed) in listed::lines(text) {
            let at = self.lines.len();
            if let Some(sha256) = listed.sha256 {
                self.by_sha256.entry(sha256).or_default().push(at);
            }
            // A line without a path is that of an image by its bytes.
            if let Some(path) = listed.path.as_deref().map(text::composed) {
                for end in path.match_indices('/').map(|(at, _)| at).chain([path.len()]) {
                    self.by_folder.entry(path[..end].to_owned()).or_default().push(at);
                }
                for room in path.split('/').filter_map(room) {
                    self.by_room.entry(room.to_owned()).or_default().push(at);
                }
                let ends = ends(&path).skip(1).filter(|end| listed.is_absolute && end.contains('/'));
                for end in ends.chain([&*path]) {
                    self.by_path.entry(end.to_owned()).or_default().push(at);
                }
            }
            self.lines.push(Line { list: self.lists.len(), number, text: shown(line) });
        }
        for part in [MATCHING, list, text] {
            self.digest.update(part.as_bytes()).update(b"\0");
        }
        self.lists.push(list.to_owned());
    }

    /// What the import of a source depends on; empty without lists.
    pub fn digest(&self) -> String {
        if self.lists.is_empty() { String::new() } else { self.digest.finalize().to_hex().to_string() }
    }

    /// How many lists there are, and how many things are on them.
    pub fn size(&self) -> (usize, usize) {
        (self.lists.len(), self.lines.len())
    }

    /// The lines that name a frame, its photo or its scene, in order.
    fn matching(&self, frame: &Frame) -> Vec<usize> {
        if self.lines.is_empty() {
            return Vec::new();
        }
        let mut matching: Vec<usize> = Vec::new();
        let mut look = |index: &HashMap<String, Vec<usize>>, name: &str| {
            matching.extend(index.get(&*text::composed(name)).into_iter().flatten());
        };
        if let Some(sha256) = &frame.sha256 {
            look(&self.by_sha256, sha256);
        }
        let photo = Address::parse(&frame.uri).map_or_else(|_| frame.uri.clone(), |address| address.path());
        for path in own_paths(frame, &photo) {
            ends(&path).for_each(|end| look(&self.by_path, end));
        }
        // The last part of an id is often a number, which is no photo's name.
        ends(&frame.frame_id).filter(|end| end.contains('/')).for_each(|end| look(&self.by_path, end));
        if let Some(scene) = &frame.scene_id {
            ends(scene).for_each(|end| look(&self.by_folder, end));
            let name = scene.rsplit('/').next().unwrap_or_default();
            let folder = photo.rfind(&format!("/{name}/")).map(|at| &photo[..at + 1 + name.len()]);
            folder.into_iter().flat_map(ends).for_each(|end| look(&self.by_folder, end));
            room(name).into_iter().for_each(|room| look(&self.by_room, room));
        }
        matching.sort_unstable();
        matching.dedup();
        matching
    }

    /// What came of each list.
    fn outcomes(&self, matched: &Matches) -> Vec<Outcome> {
        let outcome = |list: &String| {
            let kept_out = matched.kept_out.get(list).copied().unwrap_or_default();
            Outcome { list: list.clone(), lines: 0, kept_out, unmatched: Vec::new() }
        };
        let mut outcomes: Vec<Outcome> = self.lists.iter().map(outcome).collect();
        for line in &self.lines {
            let outcome = &mut outcomes[line.list];
            outcome.lines += 1;
            if !matched.lines.contains(&line.text) {
                outcome.unmatched.push((line.number, line.text.clone()));
            }
        }
        outcomes
    }
}

/// A line as it is told and kept: whatever a list is, its lines are not for ever.
fn shown(line: &str) -> String {
    line.chars().filter(|c| !c.is_control()).take(300).collect()
}

/// What a photo's path may be in a list, each with and without its ending.
fn own_paths(frame: &Frame, photo: &str) -> Vec<String> {
    let mut paths = vec![photo.to_owned()];
    // A column of `uri` may have been made a list.
    paths.push(frame.uri.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/"));
    let inside = Address::parse(&frame.uri).ok().and_then(|address| address.name);
    if let Some((file, name)) = inside.and_then(|name| Some((photo.strip_suffix(&name)?.trim_end_matches('/'), name))) {
        paths.push(format!("{}/{name}", without_ending(file)));
    }
    let bare: Vec<String> = paths.iter().map(|path| without_ending(path).to_owned()).collect();
    paths.extend(bare);
    paths
}

fn without_ending(path: &str) -> &str {
    let name = path.rfind('/').map_or(0, |slash| slash + 1);
    path[name..].rfind('.').map_or(path, |dot| &path[..name + dot])
}

/// A path, and what it ends with, by whole parts.
fn ends(path: &str) -> impl Iterator<Item = &str> {
    std::iter::once(path).chain(path.match_indices('/').map(|(at, _)| &path[at + 1..]))
}

/// The room of a ScanNet scan: `scene0025` of `scene0025_01`, and of itself. Another scan of a benchmark's room shows the same things.
fn room(name: &str) -> Option<&str> {
    let (room, scan) = name.split_once('_').unwrap_or((name, "00"));
    let number = room.strip_prefix("scene")?;
    let digits = |text: &str, n: usize| text.len() == n && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(number, 4) && digits(scan, 2)).then_some(room)
}

impl Mill {
    /// What came of the lists, from what was imported; none while a source was not, or where there are no lists.
    pub async fn benchmarks(&self) -> Result<Option<Vec<Outcome>>> {
        self.benchmarks_over(&self.snapshot().await).await
    }

    /// What came of the lists, as a snapshot has it.
    pub async fn benchmarks_over(&self, snapshot: &Snapshot) -> Result<Option<Vec<Outcome>>> {
        if self.project.value("benchmarks").and_then(toml::Value::as_array).is_none_or(Vec::is_empty) {
            return Ok(None);
        }
        let stored = match snapshot.table("frames").await? {
            Some(frames) => own(frames.shards().into_iter()),
            None => BTreeMap::new(),
        };
        let imported = |source: &SourceTable| {
            stored.keys().any(|shard| shard.split('/').next() == Some(source.options.name.as_str()))
        };
        if !self.project.sources.iter().all(imported) {
            return Ok(None);
        }
        self.outcomes(&stored).await.map(Some)
    }

    async fn outcomes(&self, shards: &BTreeMap<String, String>) -> Result<Vec<Outcome>> {
        let benchmarks = Benchmarks::all(&self.project)?;
        let (lists, _) = benchmarks.size();
        let matched = if lists == 0 { Matches::default() } else { matched(self.warehouse.location(), shards).await? };
        Ok(benchmarks.outcomes(&matched))
    }

    /// Refuses a list that would guard nothing, once all sources are read and before any is published. `shards` are those of all
    /// sources, with their fingerprints.
    pub(super) async fn refuse_idle_lists(&self, shards: &BTreeMap<String, String>) -> Result<()> {
        if self.project.value("benchmarks_must_match") == Some(&toml::Value::Boolean(false)) {
            return Ok(());
        }
        for outcome in self.outcomes(shards).await? {
            if outcome.unmatched.len() == outcome.lines {
                let complaint = match outcome.complaint() {
                    Some(complaint) => complaint,
                    None => format!("`{}` has no lines", outcome.list),
                };
                return Err(Error::input(format!("a list of `build.benchmarks` would keep nothing out of training: {complaint}")).hint(
                    "a line is a scene's or a frame's id, an image's file name or path, or its SHA-256. Where nothing of the benchmark can be in the sources, \
                     take the list out or set benchmarks_must_match = false under [build]",
                ));
            }
        }
        Ok(())
    }

    /// Keeps which lines the frames of a shard matched.
    pub(super) async fn keep_matches(&self, matches: &Matches, shard: &str, fingerprint: &str) -> Result<()> {
        if matches.lines.is_empty() {
            return Ok(());
        }
        let json = serde_json::to_vec(matches).or_internal(|| "lines have no JSON form".into())?;
        let place = self.warehouse.location();
        let stored =
            place.store().put(&place.path(&format!("{FOLDER}/{}", name(shard, fingerprint))), json.into()).await;
        stored
            .map(drop)
            .or_input(|| format!("cannot keep what matched the benchmarks' lists in {}{FOLDER}", place.url()))
    }
}

/// Names and fingerprints of shards.
pub(super) fn own<'a>(shards: impl Iterator<Item = (&'a str, &'a str)>) -> BTreeMap<String, String> {
    shards.map(|(shard, fingerprint)| (shard.to_owned(), fingerprint.to_owned())).collect()
}

/// What the frames of these shards matched.
async fn matched(place: &Location, shards: &BTreeMap<String, String>) -> Result<Matches> {
    let failed = || format!("cannot read what matched the benchmarks' lists in {}{FOLDER}", place.url());
    let names: BTreeSet<String> = shards.iter().map(|(shard, fingerprint)| name(shard, fingerprint)).collect();
    // Most shards match nothing and have no file.
    let kept = place.store().list(Some(&place.path(FOLDER)));
    let kept =
        kept.try_filter(|meta| std::future::ready(meta.location.filename().is_some_and(|name| names.contains(name))));
    let read = kept.map(|meta| async move {
        let bytes = place.store().get(&meta.or_input(failed)?.location).await.or_input(failed)?.bytes().await;
        serde_json::from_slice::<Matches>(&bytes.or_input(failed)?).or_input(failed)
    });
    let mut all = Matches::default();
    let mut read = std::pin::pin!(read.buffer_unordered(AT_ONCE));
    while let Some(matches) = read.try_next().await? {
        all.add(matches);
    }
    Ok(all)
}

fn name(shard: &str, fingerprint: &str) -> String {
    format!("{}.json", &blake3::hash(format!("{shard} {fingerprint}").as_bytes()).to_hex()[..32])
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
            sha256: Some("ab".repeat(32)),
            ..Frame::default()
        }
    }

    fn check(list: &str, frame: &Frame) -> bool {
        let mut benchmarks = Benchmarks { guards: true, ..Benchmarks::default() };
        benchmarks.add("a.txt", "# another list\nelsewhere.jpg\n");
        benchmarks.add("list.txt", list);
        let mut matches = Matches::default();
        let is_kept_out = matches.enter(&benchmarks, frame);
        let expected: Vec<(&str, u64)> = if is_kept_out { vec![("list.txt", 1)] } else { Vec::new() };
        assert_eq!(matches.kept_out.iter().map(|(list, n)| (list.as_str(), *n)).collect::<Vec<_>>(), expected);
        is_kept_out
    }

    fn check_each(frame: &Frame, listed: &[&str], others: &[&str]) {
        for (lines, expected) in [(listed, true), (others, false)] {
            for line in lines {
                assert_eq!(check(line, frame), expected, "{line}");
            }
        }
    }

    #[test]
    fn a_scene_an_image_or_its_bytes_may_be_listed() {
        let train = frame(Some("scans/scene0025_00"), "file:///x/color/000000000139.jpg", Some("train"));
        check_each(
            &train,
            &[
                "scene0025_00",
                "scene0025_01",
                "scene0025",
                "000000000139.jpg",
                "000000000139",
                &"AB".repeat(32),
                "scans/scene0025_00",
                "elsewhere/scene0025_00",
                "scene0025_01/color/7.jpg",
            ],
            &[
                "scene0026_00",
                "139",
                "scene0025_1",
                "ab1",
                "# scene0025_00",
                "scene0026_00/color/000000000139.jpg",
                "scans",
            ],
        );
        let odd = frame(None, "file:///x/images/a%20b%20%26%20c%3D%231.jpg", None);
        check_each(&odd, &["images\\a b & c=#1.jpg", "a b & c=#1"], &["a b & c=", "b/a b & c=#1.jpg"]);
    }

    #[test]
    fn a_path_means_what_lies_there_and_a_name_means_all_that_are_called_so() {
        let photo = Frame { frame_id: "s/a/000001".to_owned(), ..frame(None, "file:///x/data/a/000001.jpg", None) };
        check_each(
            &photo,
            &[
                "000001.jpg",
                "000001",
                "a/000001.jpg",
                "./a\\000001",
                "C:\\data\\a\\000001.jpg",
                "/x/data/a/000001.jpg",
                "/home/me/a/000001.jpg",
                "D:\\me\\a\\000001",
                "s/a/000001",
            ],
            &["b/000001.jpg", "/home/me/b/000001.jpg", "y/a/000001.jpg", "aa/000001.jpg", "1.jpg", "a", "t/a/000001"],
        );
        let scene = |id: &str, uri: &str| frame(Some(id), uri, None);
        check_each(
            &scene("s/kitchen", "s3://b/flats/kitchen/color/7.jpg"),
            &[
                "kitchen",
                "flats/kitchen",
                "kitchen/color/8.jpg",
                "flats/kitchen/",
                "s/kitchen",
                "color/7.jpg",
                "b/flats/kitchen",
            ],
            &["houses/kitchen", "houses/kitchen/color/7.jpg", "kitchen2", "color", "color/8.jpg", "flats"],
        );
    }

    #[test]
    fn a_frame_of_an_archive_or_a_table_is_known_by_its_id_and_by_its_place() {
        let member = Frame {
            frame_id: "s/0/0".to_owned(),
            ..frame(None, "file:///x/0.tar#bytes=512-600&name=0.jpg&turned=6", None)
        };
        let row = Frame {
            frame_id: "s/1/0".to_owned(),
            ..frame(None, "file:///x/1.parquet#column=image&row=0&name=COCO_2.jpg", None)
        };
        check_each(
            &member,
            &["s/0/0", "0/0", "0.tar/0.jpg", "x/0/0.jpg", "0.jpg"],
            &["s/1/0", "1/0", "0.tar", "a/0.jpg"],
        );
        check_each(
            &row,
            &["s/1/0", "1/0", "COCO_2.jpg", "1.parquet/COCO_2", &row.uri],
            &["s/0/0", "0/0", "0.jpg", "2/COCO_2.jpg"],
        );
    }

    #[test]
    fn only_training_is_guarded_and_no_split_counts_as_training() {
        let of = |split| frame(Some("41069025"), "file:///x/1.jpg", split);
        assert!(check("41069025", &of(Some("train"))) && check("41069025", &of(None)));
        assert!(!check("41069025", &of(Some("val"))) && !check("41069025", &of(Some("test"))));
    }

    #[test]
    fn lines_that_match_nothing_are_told() {
        let mut benchmarks = Benchmarks::default();
        benchmarks.add("first.txt", "a.jpg\n\nb.jpg\nc.jpg\nd.jpg\ne.jpg\n");
        benchmarks.add("second.txt", "c.jpg\n");
        let mut matched = Matches::default();
        assert!(!matched.enter(&benchmarks, &frame(None, "file:///x/c.jpg", Some("val"))));
        let [first, second] = &benchmarks.outcomes(&matched)[..] else { panic!() };
        assert_eq!(
            first.complaint().unwrap(),
            "4 of 5 lines of `first.txt` match nothing in any source: line 1 `a.jpg`, line 3 `b.jpg`, line 5 `d.jpg` and 1 more"
        );
        assert_eq!(second.complaint(), None);
        assert_eq!(second.effect(), "`second.txt` keeps 0 images out of training");
    }
}
