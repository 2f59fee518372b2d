//! The leakage guard: scenes and images that benchmarks are made of are kept out of training.
//!
//! In: the lists that `build.benchmarks` names, and the sources' frames. Out: the list that a frame is on. A frame that its dataset
//! or its source declares as val or test may be on one: it is not for training.
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

use super::Mill;
use crate::error::{Context, Error, Result};
use crate::listed;
use crate::photos::Address;
use crate::project::{Project, SourceTable};
use crate::source::rows::Frame;
use crate::text;
use crate::warehouse::Location;

/// The reason under which frames are counted that are left out.
pub const BENCHMARK: &str = "benchmark";

/// Changes when the same line would match other frames.
const MATCHING: &str = "matching 4";

/// What shards matched, below the warehouse.
const FOLDER: &str = "_benchmarks";

/// Files of what matched that are read at once.
const AT_ONCE: usize = 16;

/// Lines that are told word by word.
const TOLD: usize = 3;

/// Ids of scenes, names of files and SHA-256 of images, with the lines that name each.
#[derive(Debug, Default)]
pub struct Benchmarks {
    lists: Vec<String>,
    lines: Vec<Line>,
    by_sha256: HashMap<String, Vec<usize>>,
    /// By the name of a file or a scene that is a line of its own, or by the last part of a path.
    by_name: HashMap<String, Vec<usize>>,
    /// By a path as a whole.
    by_path: HashMap<String, Vec<usize>>,
    /// By each part of a path.
    by_part: HashMap<String, Vec<usize>>,
    digest: blake3::Hasher,
    /// Whether what is on them is kept out.
    guards: bool,
}

#[derive(Debug)]
struct Line {
    list: usize,
    number: usize,
    text: String,
    is_path: bool,
}

/// What came of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// As mill.toml names it.
    pub list: String,
    pub lines: usize,
    /// Those that match no frame of any source, with their numbers.
    pub unmatched: Vec<(usize, String)>,
}

impl Outcome {
    /// What there is to say of it.
    pub fn complaint(&self) -> Option<String> {
        let Self { list, lines, unmatched } = self;
        if unmatched.is_empty() {
            return None;
        }
        let told: Vec<_> =
            unmatched.iter().take(TOLD).map(|(number, text)| format!("line {number} `{text}`")).collect();
        let more = unmatched.len().saturating_sub(TOLD);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let all = unmatched.len();
        Some(format!("{all} of {lines} lines of `{list}` match nothing in any source: {}{more}", told.join(", ")))
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
            let path = listed.path.unwrap_or_default();
            let path = text::composed(&path);
            for part in path.split('/').filter(|part| !part.is_empty()) {
                for part in std::iter::once(part).chain(room(part)) {
                    self.by_part.entry(part.to_owned()).or_default().push(at);
                }
            }
            self.by_path.entry(path.clone().into_owned()).or_default().push(at);
            let name = path.rsplit('/').next().unwrap_or_default();
            self.by_name.entry(name.to_owned()).or_default().push(at);
            let is_path = path.contains('/');
            self.lines.push(Line { list: self.lists.len(), number, text: shown(line), is_path });
        }
        self.digest.update(MATCHING.as_bytes()).update(text.as_bytes()).update(b"\0");
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

    /// The list that keeps a frame out of training, of the lines that match it.
    pub fn list_of(&self, frame: &Frame, matching: &[usize]) -> Option<&str> {
        if !self.guards || matches!(frame.split.as_deref(), Some("val" | "test")) {
            return None;
        }
        matching.first().map(|&line| self.lists[self.lines[line].list].as_str())
    }

    /// The lines that name a frame, its photo or its scene, in order.
    pub fn matching(&self, frame: &Frame) -> Vec<usize> {
        if self.lines.is_empty() {
            return Vec::new();
        }
        let scene = frame.scene_id.as_deref().and_then(|scene| scene.rsplit('/').next());
        let address = Address::parse(&frame.uri).ok();
        let file = address.as_ref().map(Address::file_name);
        let file = file.as_deref();
        let stem = file.and_then(|file| file.rsplit_once('.')).map(|(stem, _)| stem);
        let lines = |index: &HashMap<String, Vec<usize>>, name: &str| {
            index.get(&*text::composed(name)).cloned().unwrap_or_default()
        };
        let mut matching: Vec<usize> = Vec::new();
        matching.extend(frame.sha256.as_deref().into_iter().flat_map(|sha256| lines(&self.by_sha256, sha256)));
        // A frame's own id, with its source or without.
        let id = frame.frame_id.as_str();
        let ids = [Some(id), id.split_once('/').map(|(_, id)| id)].into_iter().flatten();
        matching.extend(ids.filter(|id| !id.is_empty()).flat_map(|id| lines(&self.by_path, id)));
        // A path through the folder of a scene names the scene.
        let scenes = [scene, scene.and_then(room)];
        matching.extend(scenes.into_iter().flatten().flat_map(|scene| lines(&self.by_part, scene)));
        // In every scene there is a 0.jpg: its path is not its name.
        let named = [file, stem].into_iter().flatten().flat_map(|name| lines(&self.by_name, name));
        matching.extend(named.filter(|line| scene.is_none() || !self.lines[*line].is_path));
        matching.sort_unstable();
        matching.dedup();
        matching
    }

    /// The lines' own words, by which they are known when lists have changed.
    fn texts(&self, matching: &BTreeSet<usize>) -> BTreeSet<&str> {
        matching.iter().map(|line| self.lines[*line].text.as_str()).collect()
    }

    /// What came of each list, where these are the words of the lines that matched.
    fn outcomes(&self, matched: &BTreeSet<String>) -> Vec<Outcome> {
        let outcome = |list: &String| Outcome { list: list.clone(), lines: 0, unmatched: Vec::new() };
        let mut outcomes: Vec<Outcome> = self.lists.iter().map(outcome).collect();
        for line in &self.lines {
            let outcome = &mut outcomes[line.list];
            outcome.lines += 1;
            if !matched.contains(&line.text) {
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

/// The room of a ScanNet scan: `scene0025` of `scene0025_01`. Another scan of a benchmark's room shows the same things.
fn room(scan: &str) -> Option<&str> {
    let (room, scan) = scan.split_once('_')?;
    let number = room.strip_prefix("scene")?;
    let digits = |text: &str, n: usize| text.len() == n && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(number, 4) && digits(scan, 2)).then_some(room)
}

impl Mill {
    /// What came of the lists, from what was imported; none while a source was not, or where there are no lists.
    pub async fn benchmarks(&self) -> Result<Option<Vec<Outcome>>> {
        if self.project.value("benchmarks").and_then(toml::Value::as_array).is_none_or(Vec::is_empty) {
            return Ok(None);
        }
        let stored = match self.warehouse.table("frames").await? {
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
        let matched = if lists == 0 { BTreeSet::new() } else { matched(self.warehouse.location(), shards).await? };
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
                    "a line is a scene's id, an image's file name or path, or its SHA-256. Where nothing of the benchmark can be in the sources, \
                     take the list out or set benchmarks_must_match = false under [build]",
                ));
            }
        }
        Ok(())
    }

    /// Keeps which lines the frames of a shard matched.
    pub(super) async fn keep_matches(
        &self,
        benchmarks: &Benchmarks,
        matching: &BTreeSet<usize>,
        shard: &str,
        fingerprint: &str,
    ) -> Result<()> {
        if matching.is_empty() {
            return Ok(());
        }
        let json = serde_json::to_vec(&benchmarks.texts(matching)).or_internal(|| "lines have no JSON form".into())?;
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

/// The words of all lines that the frames of these shards matched.
async fn matched(place: &Location, shards: &BTreeMap<String, String>) -> Result<BTreeSet<String>> {
    let failed = || format!("cannot read what matched the benchmarks' lists in {}{FOLDER}", place.url());
    let names: BTreeSet<String> = shards.iter().map(|(shard, fingerprint)| name(shard, fingerprint)).collect();
    // Most shards match nothing and have no file.
    let kept = place.store().list(Some(&place.path(FOLDER)));
    let kept =
        kept.try_filter(|meta| std::future::ready(meta.location.filename().is_some_and(|name| names.contains(name))));
    let read = kept.map(|meta| async move {
        let bytes = place.store().get(&meta.or_input(failed)?.location).await.or_input(failed)?.bytes().await;
        serde_json::from_slice::<BTreeSet<String>>(&bytes.or_input(failed)?).or_input(failed)
    });
    let mut all = BTreeSet::new();
    let mut read = std::pin::pin!(read.buffer_unordered(AT_ONCE));
    while let Some(texts) = read.try_next().await? {
        all.extend(texts);
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
        benchmarks.add("a.txt", "# another list\n0\n");
        benchmarks.add("list.txt", list);
        let matching = benchmarks.matching(frame);
        let found = benchmarks.list_of(frame, &matching);
        assert!(found.is_none_or(|found| found == "list.txt"));
        found.is_some()
    }

    #[test]
    fn a_name_is_listed_in_whichever_form_unicode_gives_it() {
        for (apart, whole) in [("u\u{308}ber", "%C3%BCber"), ("\u{fc}ber", "u%CC%88ber")] {
            let frame = frame(None, &format!("file:///x/{whole}.jpg"), None);
            for line in [format!("{apart}.jpg"), apart.to_owned(), format!("val/{apart}.jpg")] {
                assert!(check(&line, &frame), "{line}");
            }
        }
    }

    #[test]
    fn a_scene_an_image_or_its_bytes_may_be_listed() {
        let train = frame(Some("scans/scene0025_00"), "file:///x/color/000000000139.jpg", Some("train"));
        for line in [
            "scene0025_00",
            "scene0025_01",
            "000000000139.jpg",
            "000000000139",
            &"AB".repeat(32),
            "scans/scene0025_00",
            "scene0025_01/color/7.jpg",
        ] {
            assert!(check(line, &train), "{line}");
        }
        for line in
            ["scene0026_00", "139", "scene0025_1", "ab1", "# scene0025_00", "scene0026_00/color/000000000139.jpg"]
        {
            assert!(!check(line, &train), "{line}");
        }
        let inside = frame(None, "file:///x/1.tar#bytes=512-600&name=000000000139.jpg&turned=6", Some("train"));
        assert!(
            check("val2017/000000000139.jpg", &inside) && check("000000000139", &inside) && !check("1.tar", &inside)
        );
        let odd = frame(None, "file:///x/a%20b%20%26%20c%3D%231.jpg", None);
        assert!(check("images\\a b & c=#1.jpg", &odd));
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
        let matched = benchmarks.matching(&frame(None, "file:///x/c.jpg", Some("val"))).into_iter().collect();
        let matched = benchmarks.texts(&matched).into_iter().map(str::to_owned).collect();
        let [first, second] = &benchmarks.outcomes(&matched)[..] else { panic!() };
        assert_eq!(
            first.complaint().unwrap(),
            "4 of 5 lines of `first.txt` match nothing in any source: line 1 `a.jpg`, line 3 `b.jpg`, line 5 `d.jpg` and 1 more"
        );
        assert_eq!(second.complaint(), None);
    }
}
