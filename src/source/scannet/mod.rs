//! The `scannet` source: indoor scans with a segmented mesh, and posed photos of them, as ScanNet v2 publishes them.
//!
//! ```text
//! <id>_vh_clean_2.ply ─► mesh.rs ──┐
//! segs + aggregation ─► instances.rs ─► scene_objects (exact box), surfaces
//! <id>.txt, boxes.json ─► alignment.rs ─┘ (A)                │
//! <id>.sens ─► sens.rs ─► color/ depth/ pose/ ─► frames.rs ─► frames (A · camera-to-world)
//! ```
//!
//! A scene is a shard, and one scene's mesh and file list are all that is held.

mod alignment;
mod frames;
mod instances;
mod labels;
pub(super) mod mesh;
pub(super) mod scene;
pub(super) mod sens;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use self::labels::Labels;
use super::file_entry::FilesDigest;
use super::intrinsics::{CameraSize, IntrinsicsSize};
use super::local_folder::LocalFolder;
use super::root::Root;
use super::split_lists::{ListFormat, SplitLists};
use super::{Shard, Source, SourceOptions};
use crate::error::{Error, Result};
use crate::source::RowSink;
use crate::source::json::forms::{self, Entries, Numbers};

/// The entry of [`SOURCES`](super::SOURCES).
pub const SCANNET: super::SourceKind = super::SourceKind {
    name: "scannet",
    doc: "indoor scans with a segmented mesh and posed photos, as ScanNet v2",
    long_doc: LONG_DOC,
    makes_root: false,
    open: |root, options| Ok(Box::new(ScanNetReader::open(root, options)?)),
};

const LONG_DOC: &str = "\
Layout: anywhere below `root`, folders whose name is a scene's id (scene0000_00); <n> is a frame's number.

  the scan, usually scans/<id>/:
    <id>_vh_clean_2.ply                    the mesh: ASCII or binary, any order and type of properties
    <id>_vh_clean_2.0.010000.segs.json     the segment of each vertex
    <id>.aggregation.json                  which segments make an object, and its label
    <id>.txt                               optional: axisAlignment, fx_color, fy_color, mx_color, my_color, sceneType
    <id>.sens                              optional: the recording, version 4; see `extract`

  its photos, in the scan's folder or another of the same name, as one of:
    color/<n>.jpg  pose/<n>.txt  intrinsic/intrinsic_color.txt  depth/<n>.png
    <n>.jpg  <n>.txt  intrinsic.txt  <n>.png
    frame-<n>.color.jpg  frame-<n>.pose.txt  frame-<n>.depth.png  _info.txt
    Poses are camera to world, 4x4, in the mesh's own axes; depth is 16-bit, millimetres, and optional.

  scannetv2_train.txt, _val.txt, _test.txt   optional, at the root or in Tasks/Benchmark: which split a scene is in
  scannetv2-labels.combined.tsv              optional: what a raw label is called

Options:

  frame_step      every how manieth photo is used. Default: 1
  max_frames      at most this many photos of a scene, evenly spread. Default: all
  label_map       a table with tab-separated columns `raw_category` and `category`, or none.
                  Default: scannetv2-labels.combined.tsv where there is one
  label_column    which of its columns names the object. Default: category
  structure       labels that are no objects but still hide what is behind them.
                  Default: [\"wall\", \"floor\", \"ceiling\", \"object\", \"remove\", \"unknown\"]
  intrinsics_size the size of the photos that the intrinsics are of, [1296, 968], where no file says it and the photos are
                  smaller; or \"image\" where they are right however odd they look. Default: colorWidth and colorHeight of
                  <id>.txt or m_colorWidth and m_colorHeight of _info.txt, else of the photos as they are
  axis_alignment  what turns a scene upright and in line with its walls. auto (default): `axisAlignment` of <id>.txt, else
                  `axis_align_matrix` of a boxes.json beside the photos, else nothing; none; or a JSON file of
                  {\"<id>\": [16 numbers, row by row]}
  extract         a folder (below the root unless absolute) into which the photos of .sens files are written, and depth and
                  poses with them; only for scenes that have no photos otherwise
  exhaustive      true (default): each object is marked, so that objects may be counted. What was not scanned is not marked
                  either: black, shiny and moved things can be missing. With false nothing is counted

What becomes of what: a scan is a scene, whose place is scene0000 for scene0000_00 and all other scans of it; the height of its floor is
the median of what is labelled `floor`. An object is the vertices of its segments; its box is upright with the least floor area. Triangles go
to the object of most of their corners, the rest to a surface without an object. A scene whose mesh or one of whose objects
cannot be used is marked as not exhaustive. Photos that lie on their side, as EXIF says it, are used upright, and their
intrinsics, depth and poses with them.

Forgiven: byte order marks, UTF-16, CRLF and blanks in text and JSON files; numbers apart by blanks, commas, semicolons or
brackets; in JSON, numbers and ids as 1.0 or \"1\", NaN, Infinity and null in fields that need not be there, and fields that nobody
asks for; poses of 3x4, intrinsics as four numbers or as a matrix of 3x3, 3x4 or 4x4; lists of splits with paths, quotes or
comments; labels that the table lacks, which stay as they are; depth without a reading.

Told in quarantine, and no loss: photos whose pose is not finite, as ScanNet writes it where tracking was lost (tracking);
depth without a reading (no_depth); lines of a split's list that name no scan, and lists of which no scan is here (split).

Quarantined: a mesh, segments or aggregation that cannot be read (mesh, segments, json), objects without vertices (box3d) or
with an id used before (duplicate), photos that cannot be read (image, unreadable), poses that are no rigid motion (pose),
cameras that are missing, or of another size than the photos (intrinsics), depth that is none (depth),
recordings that are damaged or not extracted (sens), scenes that have neither photos nor a recording
(missing_file).
";

/// Changes when the same files would be read as different rows.
const READER: &str = "scannet 6";

/// The default for frames without terms of their own.
pub(super) const LICENCE: &str = "ScanNet Terms of Use";

/// Where lists of splits are, and what their lines are.
const SPLITS: ListFormat = ListFormat {
    files: |split| vec![format!("scannetv2_{split}.txt"), format!("Tasks/Benchmark/scannetv2_{split}.txt")],
    id: |word| {
        let name = word.split('.').next().unwrap_or_default().to_ascii_lowercase();
        is_scene_id(&name).then_some(name)
    },
    example: "scene0000_00",
};

/// The options of this kind.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ScanNetSettings {
    pub frame_step: usize,
    pub max_frames: Option<usize>,
    pub label_map: Option<String>,
    pub label_column: String,
    pub structure: Vec<String>,
    pub axis_alignment: String,
    pub intrinsics_size: Option<IntrinsicsSize>,
    pub extract: Option<String>,
    pub exhaustive: bool,
}

impl Default for ScanNetSettings {
    fn default() -> Self {
        Self {
            frame_step: 1,
            max_frames: None,
            label_map: None,
            label_column: "category".to_owned(),
            structure: ["wall", "floor", "ceiling", "object", "remove", "unknown"].map(str::to_owned).into(),
            axis_alignment: "auto".to_owned(),
            intrinsics_size: None,
            extract: None,
            exhaustive: true,
        }
    }
}

impl ScanNetSettings {
    /// Which of `count` photos in order are used.
    fn chosen(&self, count: usize) -> Vec<usize> {
        let stepped: Vec<usize> = (0..count).step_by(self.frame_step).collect();
        match self.max_frames {
            Some(most) if stepped.len() > most => (0..most).map(|i| stepped[i * stepped.len() / most]).collect(),
            _ => stepped,
        }
    }
}

/// The folders that have a scene's name, by scene.
type Folders = BTreeMap<String, BTreeSet<String>>;

/// What lies below the root.
pub(super) struct Listing {
    folders: Folders,
    /// Of the files of each scene.
    pub of_scenes: BTreeMap<String, FilesDigest>,
    /// Of the files that all scenes are read with.
    pub of_shared: String,
    /// The JSON files among those, sorted.
    pub shared_json: BTreeSet<String>,
}

/// A folder of scans.
pub(super) struct ScanNetReader {
    root: Root,
    name: String,
    split: Option<String>,
    licence: String,
    settings: ScanNetSettings,
    labels: Labels,
    splits: SplitLists,
    /// Alignments from an option's file, by scene.
    alignments: Option<BTreeMap<String, Vec<f64>>>,
    /// The size of the photos that the intrinsics are of.
    intrinsics_of: CameraSize,
    /// Found when first asked for: listing a bucket of a thousand scans for each of them would take days.
    folders: OnceLock<Folders>,
    /// Where recordings are taken apart, and that place below the root where it is there.
    extract: Option<(LocalFolder, Option<String>)>,
    fingerprinted: String,
}

impl ScanNetReader {
    fn open(root: Root, options: &SourceOptions) -> Result<Self> {
        Self::with_settings(root, options, options.parse("scannet")?, "scannet")
    }

    /// As a source of another kind has it, which takes these settings among its own options.
    pub(super) fn with_settings(
        root: Root,
        options: &SourceOptions,
        settings: ScanNetSettings,
        kind: &str,
    ) -> Result<Self> {
        if settings.frame_step == 0 || settings.max_frames == Some(0) {
            return Err(Error::usage("`frame_step` and `max_frames` are at least 1").with("source", &options.name));
        }
        let intrinsics_of = IntrinsicsSize::parsed(settings.intrinsics_size.as_ref()).map_err(|allowed| {
            Error::usage(format!("`intrinsics_size` of a {kind} source takes {allowed}")).with("source", &options.name)
        })?;
        let alignments = match settings.axis_alignment.as_str() {
            "auto" => None,
            "none" => Some(BTreeMap::new()),
            path => {
                let json = root.bytes(path, alignment::MAX_BYTES)?;
                let listed = forms::file::<Entries<Numbers>>(&json, "an object of sixteen numbers for each scene");
                let wrong =
                    |why: String| Error::input("`axis_alignment` cannot be read").with("file", path).because(why);
                let mut alignments = BTreeMap::new();
                for (scene, Numbers(numbers)) in listed.map_err(|why| wrong(why.message))?.0 {
                    let twice = || wrong(format!("`{}` is listed twice, and not the same", scene.escape_debug()));
                    let first = alignments.entry(scene.clone()).or_insert_with(|| numbers.clone());
                    if *first != numbers {
                        return Err(twice());
                    }
                }
                Some(alignments)
            }
        };
        let extract = match &settings.extract {
            None => None,
            Some(path) => {
                let folder = if std::path::Path::new(path).is_absolute() {
                    LocalFolder::at(path.as_ref())?
                } else {
                    LocalFolder::of(&root)?.inner(path)?
                };
                let below = LocalFolder::of(&root).ok().and_then(|root| {
                    let path = folder.path().strip_prefix(root.path()).ok()?;
                    path.to_str().map(str::to_owned)
                });
                Some((folder, below))
            }
        };
        Ok(Self {
            labels: Labels::open(&root, settings.label_map.as_deref(), &settings.label_column)?,
            splits: SplitLists::read(&root, &SPLITS)?,
            fingerprinted: format!("{READER} {}", serde_json::to_string(options).unwrap_or_default()),
            name: options.name.clone(),
            split: options.split.clone(),
            licence: options.licence.clone().unwrap_or_else(|| LICENCE.to_owned()),
            root,
            settings,
            alignments,
            intrinsics_of,
            folders: OnceLock::new(),
            extract,
        })
    }

    /// Whether objects may be counted where all of them are there.
    pub(super) fn may_count(&self) -> bool {
        self.settings.exhaustive
    }

    /// True for what was extracted earlier: it is no input.
    fn is_extracted(&self, path: &str) -> bool {
        let below = self.extract.as_ref().and_then(|(_, below)| below.as_deref());
        below.is_some_and(|below| path.strip_prefix(below).is_some_and(|rest| rest.starts_with('/')))
    }

    /// The folders of each scene, and digests of the files in them.
    pub(super) fn listing(&self) -> Result<Listing> {
        let (mut folders, mut shared_json) = (Folders::new(), BTreeSet::new());
        let mut of_scenes = self.root.digests("", |entry| {
            if self.is_extracted(&entry.path) {
                return None;
            }
            if entry.refused.is_some() {
                // Any folder could have scenes in it.
                let ours = entry.path.ends_with('/') || scene_of(&entry.path).is_some() || shared(&entry.path);
                return ours.then(String::new);
            }
            let Some((id, folder)) = scene_of(&entry.path) else {
                if entry.path.ends_with(".json") {
                    shared_json.insert(entry.path.clone());
                }
                return shared(&entry.path).then(String::new);
            };
            folders.entry(id.to_owned()).or_default().insert(folder.to_owned());
            Some(id.to_owned())
        })?;
        let mut of_shared = of_scenes.remove("").map(|digest| digest.hash).unwrap_or_default();
        // Options may name files that no digest has.
        for path in [self.settings.label_map.as_deref(), Some(&self.settings.axis_alignment)].into_iter().flatten() {
            of_shared += &self.root.tag(path)?.unwrap_or_default();
        }
        self.folders.set(folders.clone()).ok();
        Ok(Listing { folders, of_scenes, of_shared, shared_json })
    }

    /// The folders of one scene.
    fn folders(&self, id: &str) -> Result<Vec<String>> {
        if self.folders.get().is_none() {
            // Another thread may have been first; it has found the same.
            self.listing()?;
        }
        Ok(self.folders.get().and_then(|folders| folders.get(id)).into_iter().flatten().cloned().collect())
    }
}

impl Source for ScanNetReader {
    fn shards(&self) -> Result<Vec<Shard>> {
        let Listing { folders, of_scenes, of_shared, .. } = self.listing()?;
        if folders.is_empty() {
            return Err(Error::input("no folder below the root is named as a scene, such as `scene0000_00`")
                .with("root", &self.root)
                .hint("`root` is the folder above the scenes' folders; `spatialmill import --kind scannet` shows the layout"));
        }
        let shards = folders.into_keys().map(|id| {
            let FilesDigest { hash, bytes } = of_scenes.get(&id).cloned().unwrap_or_default();
            Shard::fingerprinted(id, &format!("{} {of_shared} {hash}", self.fingerprinted), bytes)
        });
        Ok(shards.collect())
    }

    fn read(&self, shard: &Shard, rows: &mut RowSink) -> Result<()> {
        // What is said of all scenes is told with the first of them.
        if let Some(folders) = self.folders.get().filter(|folders| folders.keys().next() == Some(&shard.name)) {
            self.splits.report(|id| folders.contains_key(id), rows)?;
        }
        scene::read(self, &shard.name, rows)
    }
}

/// The scene whose folder a file lies in: its id, and the path of that folder.
fn scene_of(path: &str) -> Option<(&str, &str)> {
    let mut start = 0;
    while let Some(slash) = path[start..].find('/') {
        let part = &path[start..start + slash];
        if is_scene_id(part) {
            return Some((part, &path[..start + slash]));
        }
        start += slash + 1;
    }
    None
}

/// The place of a scan, `scene0000` of `scene0000_00`. It does not begin with the source: whatever sources its scans come from, they belong into one
/// split.
pub(super) fn place_of(id: &str) -> &str {
    id.split_once('_').map_or(id, |(place, _)| place)
}

/// `scene0000_00`.
pub(super) fn is_scene_id(text: &str) -> bool {
    let digits = |text: &str, n: usize| text.len() == n && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some((place, scan)) = text.strip_prefix("scene").and_then(|rest| rest.split_once('_')) else { return false };
    digits(place, 4) && digits(scan, 2)
}

/// True for files outside of all scenes that all scenes are read with.
fn shared(path: &str) -> bool {
    [".tsv", ".txt", ".json"].iter().any(|ending| path.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenes_are_found_by_the_names_of_folders() {
        assert_eq!(scene_of("scans/scene0000_00/scene0000_00.txt"), Some(("scene0000_00", "scans/scene0000_00")));
        assert_eq!(scene_of("scene0707_01/color/0.jpg"), Some(("scene0707_01", "scene0707_01")));
        assert_eq!(scene_of("a/scene0711_00_frame-001680.jpg"), None);
        assert_eq!(scene_of("scene0000_00.txt"), None);
        assert_eq!(scene_of("scene000_00/x"), None);
    }

    #[test]
    fn photos_are_spread_evenly() {
        let chosen = |frame_step, max_frames, count| {
            ScanNetSettings { frame_step, max_frames, ..ScanNetSettings::default() }.chosen(count)
        };
        assert_eq!(chosen(1, None, 3), [0, 1, 2]);
        assert_eq!(chosen(3, None, 8), [0, 3, 6]);
        assert_eq!(chosen(1, Some(4), 10), [0, 2, 5, 7]);
        assert_eq!(chosen(5, Some(9), 10), [0, 5]);
        assert!(chosen(1, Some(2), 0).is_empty());
    }
}
