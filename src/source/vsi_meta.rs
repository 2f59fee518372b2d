//! The `vsi_meta` source: the meta information that VSI-Bench's questions were made from, with ScanNet's photos where they lie below the same root.
//!
//! ```text
//! *meta_info*.json ─► scene.rs ─► scenes (published floor area), scene_objects (annotated boxes)
//!                        │ boxes
//! ScanNet's mesh ────► world.rs ─► the world of the boxes ─► surfaces, frames (by the reader of `scannet`)
//! ```
//!
//! A scene is a shard. The files are read whole, some megabytes, and of scans one mesh is held.

mod scene;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use spatialmill_geometry::OrientedBox;

use self::scene::{Fault, MetaScene, SceneRecord};
use super::intrinsics::IntrinsicsSize;
use super::json::forms::{self, Entries, Perhaps};
use super::root::Root;
use super::scannet::scene::{Around, ForeignObjects, read_around};
use super::scannet::{self, Listing, ScanNetReader, ScanNetSettings};
use super::{Shard, Source, SourceOptions, split};
use crate::error::{Error, Result};
use crate::source::{Row, RowSink};
use crate::tables::{Loss, Scene, Unusable};

/// The entry of [`SOURCES`](super::SOURCES).
pub const VSI_META: super::SourceKind = super::SourceKind {
    name: "vsi_meta",
    doc: "VSI-Bench's meta information: room sizes, counts and boxes of scenes, with ScanNet's photos where they are there",
    long_doc: LONG_DOC,
    makes_root: false,
    open: |root, options| Ok(Box::new(VsiMetaReader::open(root, options)?)),
};

const LONG_DOC: &str = "\
Layout, anywhere below `root`:

  *meta_info*.json   of VSI-Bench or in its form, as scannet_meta_info_val.json, scannetpp_.. and arkitscenes_..:
                     {\"<scene>\": {\"dataset\": \"scannet\", \"room_size\": square metres, \"room_center\": [x, y, z],
                     \"object_counts\": {\"chair\": 2}, \"object_bbox\": {\"chair\": [{\"centroid\": [x, y, z], \"axesLengths\":
                     [3 full lengths], \"normalizedAxes\": [3 unit vectors, 9 numbers], \"min\": [..], \"max\": [..]}]}}}
  scans/<scene>/     optional: ScanNet's mesh, <scene>.txt and photos, as `import --kind scannet` shows them; segments and
                     aggregation are not read
  scannetv2_val.txt  optional: which split a scene is in, as for scannet

Options:

  meta            a file or a list of files, where they are called otherwise
  frame_step      every how manieth photo is used. Default: 1
  max_frames      at most this many photos of a scene, evenly spread. Default: all
  axis_alignment  what turns a scan upright, as for scannet. Default: auto
  intrinsics_size the size of the photos that the intrinsics are of, as for scannet
  extract         a folder into which the photos of .sens files are written, as for scannet
  exhaustive      true (default): where there are as many boxes as objects are counted, objects may be counted. With false nothing is
                  counted

What becomes of what: a scene is a scan with the published floor area; scans of ScanNet are of the place that `scannet` names. Each
box is an object, chair-1, chair-2 and so on, as it is published: boxes of ScanNet tilt. Its split is that of the lists beside the scans,
else of the file's name, else of the source.

Questions are asked where a scene has photos. Its boxes are relative to the mean of the mesh's vertices, so that the mesh is needed to place
them; it also shows what hides what, and the floor where ScanNet's alignment puts it. That boxes and mesh belong together is checked: four boxes of five have vertices at all of their faces.
Without photos the tables scenes and scene_objects are there for `sql`, and nothing is asked. Boxes with photos of another dataset can
be written as boxes.json of an `rgbd` source.

Forgiven: byte order marks, UTF-16; numbers as 1.0 or \"1\", NaN, Infinity and null in fields that need not be there, fields that nobody asks
for, axes as three lists, bounds that are not there; a scene in two files that say the same.

Told in quarantine, and no loss: more or fewer boxes than are counted, where the scene is no longer exhaustive (missing_object), scenes without
counts or room size (json), scenes without photos (missing_file).

Quarantined: boxes that are none: axes that are not perpendicular unit vectors, lengths that are 0, bounds of another box (box3d); the only box
that is left of several objects (missing_object); scenes in two files that differ, of which the first is used (duplicate), scenes without a name
that could be a folder's (key), records of another form and files that are not JSON (json), photos of which nobody knows where they were taken
among the boxes (world), and what `scannet` quarantines of meshes and photos.
";

/// Changes when the same files would be read as different rows.
const READER: &str = "vsi_meta 2";

/// The file of VSI-Bench's 288 scenes together has some ten megabytes.
const MAX_BYTES: u64 = 256 << 20;

/// The options of this kind: its own, and those of `scannet` that are about photos.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct VsiMetaOptions {
    meta: Option<MetaFiles>,
    frame_step: usize,
    max_frames: Option<usize>,
    axis_alignment: String,
    intrinsics_size: Option<IntrinsicsSize>,
    extract: Option<String>,
    exhaustive: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum MetaFiles {
    One(String),
    Several(Vec<String>),
}

impl Default for VsiMetaOptions {
    fn default() -> Self {
        let ScanNetSettings { frame_step, max_frames, axis_alignment, intrinsics_size, extract, exhaustive, .. } =
            ScanNetSettings::default();
        Self { meta: None, frame_step, max_frames, axis_alignment, intrinsics_size, extract, exhaustive }
    }
}

/// Files of meta information, and perhaps the scans that they are of.
struct VsiMetaReader {
    root: Root,
    name: String,
    licence: Option<String>,
    /// Files that the project names.
    meta: Option<BTreeSet<String>>,
    scans: ScanNetReader,
    /// What was read when shards were listed last.
    read: Mutex<Option<Arc<MetaFolder>>>,
    fingerprinted: String,
}

/// The scenes of all files.
#[derive(Default)]
struct MetaFolder {
    scenes: BTreeMap<String, ListedScene>,
    /// What is wrong with files and with scenes that are not used: the file, and why.
    faults: Vec<(String, Fault)>,
    /// Whether a scan of one of the scenes is there.
    has_scans: bool,
}

struct ListedScene {
    /// The file that it stands in.
    file: String,
    scene: MetaScene,
}

impl VsiMetaReader {
    fn open(root: Root, options: &SourceOptions) -> Result<Self> {
        let own: VsiMetaOptions = options.parse("vsi_meta")?;
        let settings = ScanNetSettings {
            frame_step: own.frame_step,
            max_frames: own.max_frames,
            axis_alignment: own.axis_alignment,
            intrinsics_size: own.intrinsics_size,
            extract: own.extract,
            exhaustive: own.exhaustive,
            label_map: Some("none".to_owned()),
            ..ScanNetSettings::default()
        };
        Ok(Self {
            name: options.name.clone(),
            licence: options.licence.clone(),
            meta: own.meta.map(|meta| match meta {
                MetaFiles::One(file) => BTreeSet::from([file]),
                MetaFiles::Several(files) => files.into_iter().collect(),
            }),
            scans: ScanNetReader::with_settings(root.clone(), options, settings, "vsi_meta")?,
            root,
            read: Mutex::default(),
            fingerprinted: format!("{READER} {}", serde_json::to_string(options).unwrap_or_default()),
        })
    }

    /// Reads all files of meta information.
    fn read_files(&self, listing: &Listing) -> Result<MetaFolder> {
        let is_meta = |path: &&String| path.rsplit('/').next().is_some_and(|name| name.contains("meta_info"));
        let files = self.meta.clone().unwrap_or_else(|| listing.shared_json.iter().filter(is_meta).cloned().collect());
        if files.is_empty() {
            return Err(Error::input("no file below the root is called *meta_info*.json")
                .with("root", &self.root)
                .hint("`meta` of the source names files that are called otherwise; `spatialmill import --kind vsi_meta` shows the layout"));
        }
        let mut folder = MetaFolder::default();
        for file in &files {
            let json = self.root.bytes(file, MAX_BYTES)?;
            let shape = "{\"<scene>\": {\"room_size\": .., \"object_counts\": {..}, \"object_bbox\": {..}}, ..}";
            match forms::file::<Entries<Perhaps<SceneRecord>>>(&json, shape) {
                Ok(entries) => entries.0.iter().for_each(|(name, record)| folder.add(file, name, record)),
                Err(why) => folder.fault(file, file.clone(), why, Loss::Record),
            }
        }
        if folder.scenes.is_empty() {
            let error = Error::input("no scene can be read from the meta information").with("root", &self.root);
            let error = error.with("files", files.iter().map(String::as_str).collect::<Vec<_>>().join(", "));
            return Err(match folder.faults.first() {
                Some((file, fault)) => error.because(format!("{file}: {}", fault.why.message)),
                None => error.hint("the file has no entries"),
            });
        }
        folder.has_scans = folder.scenes.keys().any(|name| listing.of_scenes.contains_key(name));
        Ok(folder)
    }

    /// The scenes as they were when shards were listed; they are listed where nobody did.
    fn folder(&self) -> Result<Arc<MetaFolder>> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match read {
            Some(folder) => Ok(folder),
            None => self.keep(self.read_files(&self.scans.listing()?)?),
        }
    }

    fn keep(&self, folder: MetaFolder) -> Result<Arc<MetaFolder>> {
        let folder = Arc::new(folder);
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&folder));
        Ok(folder)
    }
}

impl MetaFolder {
    fn fault(&mut self, file: &str, key: String, why: Unusable, loss: Loss) {
        self.faults.push((file.to_owned(), Fault { key, why, loss }));
    }

    fn add(&mut self, file: &str, name: &str, record: &Perhaps<SceneRecord>) {
        let is_odd = |c: char| c.is_control() || c == '/' || c == '\\';
        if name.trim().is_empty() || name.len() > 200 || name.starts_with('.') || name.contains(is_odd) {
            let key = format!("{file}/{}", name.chars().take(100).collect::<String>().escape_debug());
            return self.fault(
                file,
                key,
                Unusable::new("key", "a scene of this name could have no folder"),
                Loss::Record,
            );
        }
        let Some(record) = record.value().filter(|record| record.is_scene()) else {
            let why =
                Unusable::new("json", "it is no scene: an object with `room_size`, `object_counts` and `object_bbox`");
            return self.fault(file, name.to_owned(), why, Loss::Record);
        };
        let scene = MetaScene::judged(record);
        match self.scenes.get(name) {
            None => drop(self.scenes.insert(name.to_owned(), ListedScene { file: file.to_owned(), scene })),
            Some(first) => {
                let (loss, same) = match first.scene == scene {
                    true => (Loss::Nothing, "and says the same"),
                    false => (Loss::Record, "and says something else; the first one is used"),
                };
                let message = format!("the scene is in `{}` already, {same}", first.file);
                self.fault(file, name.to_owned(), Unusable::new("duplicate", message), loss);
            }
        }
    }
}

impl Source for VsiMetaReader {
    fn shards(&self) -> Result<Vec<Shard>> {
        let listing = self.scans.listing()?;
        let mut common = format!("{} {}", self.fingerprinted, listing.of_shared);
        // Files that an option names may lie in a scan's folder.
        for file in self.meta.iter().flatten() {
            common += &self.root.tag(file)?.unwrap_or_default();
        }
        let folder = self.keep(self.read_files(&listing)?)?;
        let shard = |name: &String| {
            let of_scan = listing.of_scenes.get(name).cloned().unwrap_or_default();
            Shard::fingerprinted(name.clone(), &format!("{common} {}", of_scan.hash), of_scan.bytes)
        };
        Ok(folder.scenes.keys().map(shard).collect())
    }

    fn read(&self, shard: &Shard, rows: &mut RowSink) -> Result<()> {
        let folder = self.folder()?;
        let name = &shard.name;
        // What is said of whole files is told with the first scene.
        if folder.scenes.keys().next() == Some(name) {
            for (file, Fault { key, why, loss }) in &folder.faults {
                rows.lose(*loss, key.clone(), file, why.clone())?;
            }
        }
        let Some(ListedScene { file, scene }) = folder.scenes.get(name) else {
            return Err(Error::input("the scene is no longer in the meta information").with("scene", name));
        };
        for Fault { key, why, loss } in &scene.faults {
            rows.lose(*loss, format!("{name}/{key}"), file, why.clone())?;
        }
        let scene_id = format!("{}/{name}", self.name);
        for object in &scene.boxes {
            rows.push(Row::SceneObject(object.row(&scene_id)))?;
        }
        let boxes: Vec<OrientedBox> = scene.boxes.iter().map(|object| object.obb).collect();
        let objects = ForeignObjects {
            count: boxes.len(),
            complete: scene.complete,
            split: split::of_any_word(file.rsplit('/').next().unwrap_or(file)).map(|named| named.split),
            shift: &|vertices| world::shift(vertices, &boxes, scene.room_centre),
        };
        let Around { split, bounds, floor_z } = read_around(&self.scans, name, &objects, rows)?;
        let of_scannet = scene.dataset.as_deref().map_or(scannet::is_scene_id(name), |dataset| dataset == "scannet");
        rows.push(Row::Scene(Scene {
            place_id: if scannet::is_scene_id(name) { scannet::place_of(name).to_owned() } else { scene_id.clone() },
            scene_id,
            source: self.name.clone(),
            split,
            licence: self.licence.clone().or_else(|| of_scannet.then(|| scannet::LICENCE.to_owned())),
            kind: "scan",
            min: bounds.map(|bounds| bounds.low.into()),
            max: bounds.map(|bounds| bounds.high.into()),
            floor_z,
            floor_area: scene.room_size,
            floor_area_from: scene.room_size.map(|_| "published"),
            metric: true,
            exhaustive: self.scans.may_count() && scene.complete && !boxes.is_empty(),
            ..Scene::default()
        }))
    }

    fn unsaid(&self) -> Result<Vec<String>> {
        let folder = self.folder()?;
        if folder.has_scans {
            return Ok(Vec::new());
        }
        let scenes = folder.scenes.len();
        Ok(vec![format!(
            "none of its {scenes} scenes has a folder of its name below the root: the tables scenes and scene_objects are filled, and no question is asked; \
             for questions put ScanNet's scans with mesh, <id>.txt and photos there"
        )])
    }
}
