//! The `matterport` source: houses of Matterport3D with their rooms, objects and photos, and R2R's navigation graphs over them.
//!
//! ```text
//! <scan>.house ─► house.rs ─► scenes (the house, its regions), scene_objects
//! <scan>_connectivity.json ─► graph.rs ─► waypoints, links
//! photos ─► frames.rs ◄─ cameras.rs ◄─ <scan>.conf, <scan>.house, a text file each, or the graph (skyboxes)
//!              └─► frames
//! ```
//!
//! A scan is a shard. All of its files but those of photos are held at once.

mod cameras;
mod files;
mod frames;
mod graph;
mod house;
mod scan;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use self::files::{ScanFiles, is_scan_id, scan_of};
use super::file_entry::FilesDigest;
use super::root::Root;
use super::split_lists::{ListFormat, SplitLists};
use super::{Shard, Source, SourceOptions};
use crate::error::{Error, Result};
use crate::source::RowSink;

/// The entry of [`SOURCES`](super::SOURCES).
pub const MATTERPORT: super::SourceKind = super::SourceKind {
    name: "matterport",
    doc: "houses of Matterport3D: rooms, objects and photos, and R2R's navigation graphs",
    long_doc: LONG_DOC,
    makes_root: false,
    open: |root, options| Ok(Box::new(MatterportReader::open(root, options)?)),
};

const LONG_DOC: &str = "\
Layout: anywhere below `root`, as the downloads unpack; <scan> is a house's id (17DRP5sb8fy), <pano> a panorama's.

  <scan>.house                                       usually in v1/scans/<scan>/house_segmentations/: rooms, panoramas, objects
  <scan>_connectivity.json                           of R2R (Matterport3DSimulator): its navigation graph

  one of both must be there. Photos are optional, below a folder <scan>/; the first of these that is there is used:
    undistorted_color_images/<pano>_i<c>_<y>.jpg     with undistorted_depth_images/<pano>_d<c>_<y>.png
    matterport_color_images/<pano>_i<c>_<y>.jpg      with matterport_depth_images/<pano>_d<c>_<y>.png; as they were taken, so that
                                                     straight lines are bent by a few pixels near the border
    matterport_skybox_images/<pano>_skybox<s>_sami.jpg    the level sides, 1 to 4; needs the navigation graph
  and their cameras, of which the first is used that knows the photo:
    matterport_camera_intrinsics/<pano>_intrinsics_<c>.txt and matterport_camera_poses/<pano>_pose_<c>_<y>.txt
                                                     for matterport_color_images
    undistorted_camera_parameters/<scan>.conf
    <scan>.house

  scenes_train.txt, scenes_val.txt, scenes_test.txt  optional, at the root or in splits/ or tasks/benchmark/: which split a house is in

Options:

  cameras     which of a panorama's three cameras: 0 looks up, 1 is level, 2 looks down. Default: [0, 1, 2]
  structure   categories that are no objects, as annotators or Matterport's 40 categories call them. Default: [\"wall\", \"floor\",
              \"ceiling\", \"object\", \"remove\", \"delete\", \"unknown\", \"void\", \"unlabeled\"]
  exhaustive  true: each object of a house is marked, so that objects may be counted. Default: false; annotators left out what is
              small, or in parts of a house that were scanned badly

What becomes of what: a scan is a scene (a house), and its place; its regions are scenes within it, with the area inside the outline of their floor and
the category of their letter. The house has the sum of these areas where all of them are indoors, and a floor height where it has one level. Boxes are
scene objects, in the region that the file says; `#` in a name is a blank, and of names with a `/` between the first is taken. Viewpoints that
are included are waypoints, what is unobstructed are links. Photos with depth make questions of their own (`lifted_from` is scan); without, boxes alone say
what hides what.

Forgiven: byte order marks, UTF-16, CRLF and blanks; numbers and flags of JSON as \"1\", 1.0 or true; records of `.house` that are not known.

Told in quarantine, and no loss: files that are not there, with what that costs (missing_file), objects that annotators left without a category
(category), links from a place to itself, which are left out, or that lead one way only (link), depth without a reading (no_depth), lines of a
split's list that name no house (split).

Quarantined: a `.house` that is none, records of it that have too few fields or contradict others, and a header that promises more of them (house), objects with a
number used before (duplicate), or whose category is not there (category), graphs and viewpoints that cannot be read (json, pose), photos that cannot
be read (image, unreadable) or whose camera is not known (pose, intrinsics), depth that is none (depth).
";

/// Changes when the same files would be read as different rows.
const READER: &str = "matterport 1";

/// The default for frames without terms of their own.
const LICENCE: &str = "Matterport3D Terms of Use";

/// The options of this kind.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct MatterportSettings {
    cameras: Vec<u8>,
    structure: Vec<String>,
    exhaustive: bool,
}

impl Default for MatterportSettings {
    fn default() -> Self {
        let structure = ["wall", "floor", "ceiling", "object", "remove", "delete", "unknown", "void", "unlabeled"];
        Self { cameras: vec![0, 1, 2], structure: structure.map(str::to_owned).into(), exhaustive: false }
    }
}

/// Where lists of splits are, and what their lines are.
const SPLITS: ListFormat = ListFormat {
    files: |split| ["", "splits/", "tasks/benchmark/"].map(|folder| format!("{folder}scenes_{split}.txt")).to_vec(),
    id: |part| Some(part.split('.').next().unwrap_or_default().to_owned()).filter(|id| is_scan_id(id)),
    example: "17DRP5sb8fy",
};

/// A folder of houses.
struct MatterportReader {
    root: Root,
    name: String,
    split: Option<String>,
    licence: String,
    settings: MatterportSettings,
    splits: SplitLists,
    /// Found when first asked for.
    scans: OnceLock<BTreeMap<String, ScanFiles>>,
    fingerprinted: String,
}

impl MatterportReader {
    fn open(root: Root, options: &SourceOptions) -> Result<Self> {
        let settings: MatterportSettings = options.parse("matterport")?;
        if settings.cameras.is_empty() || settings.cameras.iter().any(|camera| *camera > 2) {
            return Err(
                Error::usage("`cameras` of a matterport source takes some of 0, 1 and 2").with("source", &options.name)
            );
        }
        Ok(Self {
            splits: SplitLists::read(&root, &SPLITS)?,
            fingerprinted: format!("{READER} {}", serde_json::to_string(options).unwrap_or_default()),
            name: options.name.clone(),
            split: options.split.clone(),
            licence: options.licence.clone().unwrap_or_else(|| LICENCE.to_owned()),
            root,
            settings,
            scans: OnceLock::new(),
        })
    }

    /// The files of each scan, and a digest of them.
    fn list(&self) -> Result<(BTreeMap<String, ScanFiles>, BTreeMap<String, FilesDigest>)> {
        let mut scans = BTreeMap::<String, ScanFiles>::new();
        let digests = self.root.digests("", |entry| {
            if entry.refused.is_some() {
                // Any folder could have scans in it.
                let ours = entry.path.ends_with('/') || scan_of(&entry.path).is_some();
                return ours.then(String::new);
            }
            let Some(id) = scan_of(&entry.path) else { return is_split_list(&entry.path).then(String::new) };
            scans.entry(id.to_owned()).or_default().add(&entry.path);
            Some(id.to_owned())
        })?;
        // Photos alone are of no house, and so are files that are only called like those of one.
        scans.retain(|_, files| files.house.is_some() || files.graph.is_some());
        Ok((scans, digests))
    }

    fn files(&self, id: &str) -> Result<ScanFiles> {
        if self.scans.get().is_none() {
            let (scans, _) = self.list()?;
            // Another thread may have been first; it has found the same.
            self.scans.set(scans).ok();
        }
        Ok(self.scans.get().and_then(|scans| scans.get(id)).cloned().unwrap_or_default())
    }
}

fn is_split_list(path: &str) -> bool {
    ["train", "val", "test"].iter().any(|split| (SPLITS.files)(split).iter().any(|list| list == path))
}

impl Source for MatterportReader {
    fn shards(&self) -> Result<Vec<Shard>> {
        let (scans, digests) = self.list()?;
        if scans.is_empty() {
            return Err(Error::input(
                "there is neither a `<scan>.house` nor a `<scan>_connectivity.json` below the root",
            )
            .with("root", &self.root)
            .hint("`spatialmill import --kind matterport` shows the layout"));
        }
        let common = digests.get("").map(|digest| digest.hash.clone()).unwrap_or_default();
        self.scans.set(scans.clone()).ok();
        let shards = scans.into_keys().map(|id| {
            let FilesDigest { hash, bytes } = digests.get(&id).cloned().unwrap_or_default();
            Shard::fingerprinted(id, &format!("{} {common} {hash}", self.fingerprinted), bytes)
        });
        Ok(shards.collect())
    }

    fn read(&self, shard: &Shard, rows: &mut RowSink) -> Result<()> {
        // What is said of all scans is told with the first of them.
        if let Some(scans) = self.scans.get().filter(|scans| scans.keys().next() == Some(&shard.name)) {
            self.splits.report(|id| scans.contains_key(id), rows)?;
        }
        scan::read(self, &shard.name, &self.files(&shard.name)?, rows)
    }
}
