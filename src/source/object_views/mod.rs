//! The `object_views` source: renders or photos of single objects from all sides, with the camera of each.
//!
//! ```text
//! listing ─► folders of objects, by a hash of their paths ─► buckets, which are shards
//! folder ─► layout ─► views: an image and its camera ─► where the object is: its centre, and the box that its silhouettes leave
//!                                                    ─► a scene of kind `object`, its one object, a frame a view
//! ```
//!
//! Memory: the paths of a bucket's objects, and the silhouettes of one object.

mod cameras;
mod extent;
mod names;
mod roundness;
mod silhouette;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use spatialmill_geometry::Rigid;
use xxhash_rust::xxh3::xxh3_64;

use self::cameras::{ObjectFolder, View};
use self::extent::Extent;
use self::names::{NamedObject, ObjectNames};
use super::intrinsics::{self, CameraSize};
use super::photo::{self, Photo};
use super::root::Root;
use super::upright::{self, StoredImage};
use super::{Row, RowSink, Shard, Source, SourceOptions};
use crate::error::{Error, Result};
use crate::photos::Address;
use crate::tables::{Frame, Scene, SceneObject, Unusable};

/// The entry of [`SOURCES`](super::SOURCES).
pub const OBJECT_VIEWS: super::SourceKind = super::SourceKind {
    name: "object_views",
    doc: "renders or photos of single objects from all sides, as Objaverse's and NeRF's users have them",
    long_doc: LONG_DOC,
    makes_root: false,
    open: |root, options| Ok(Box::new(ObjectViewsReader::open(root, options)?)),
};

const LONG_DOC: &str = "\
Layout: a folder for each object, anywhere below `root`, or the root itself. What lies in it says which cameras it has; the first
of these counts:

  <object>/transforms*.json               NeRF and instant-ngp: camera to world in OpenGL axes, fl_x, fl_y, cx, cy, w and h or
                                          camera_angle_x, and a file_path for each image, with or without its ending
  <object>/<n>.png and <n>.npy            Zero123, objaverse-xl: world to camera, 3x4, in Blender's camera axes. EscherNet's
                                          <object>/render_mvs_25/model/ is the same
  <object>/campos_512_v4/<n>/<n>.png and  G-Objaverse: origin, x, y and z of the camera
    <n>.json
  <object>/<n>.png and cameras.json       SyncDreamer: {\"K\": [9 numbers], \"poses\": [[12 numbers], ..]}, world to camera in OpenCV's
                                          axes, one for each number <n>; in the folder, or in one above it, for all objects that
                                          were taken alike. Its pickles are not read: they run code. This converts them:
                                          python -c \"import pickle, json; K, a, e, d, p = pickle.load(open('meta.pkl', 'rb'));
                                          json.dump({'K': K.tolist(), 'poses': p.tolist()}, open('cameras.json', 'w'))\"
  <object>/<n>.png alone                  objaverse-rendering: N images on a circle, 60 degrees from the vertical, where `camera_distance`
                                          says how far from the middle

  names.json                              optional, in the root: {\"<object>\": \"teapot\", ..}, or {\"name\": \"teapot\", \"licence\": \"CC-BY-4.0\",
                                          \"symmetry\": 4} each, by the object's folder or the last part of its path. symmetry is how many
                                          times it looks the same in one turn about the vertical; 0: always
  lvis-annotations.json or .json.gz       optional, in the root: Objaverse's {\"<category>\": [\"<uid>\", ..]}

Options:

  camera_distance  of objaverse-rendering, in longest sides of the object: 1.5, or 1.2 for older renders
  focal_length     of renders without intrinsics, in widths of the image. Default: 1.09375, Blender's lens of 35 mm before a sensor
                   of 32 mm

What becomes of what: each object is a scene of kind object without a scale, with one object in it, which has the name that the files say, or
is an `object`, about whose turns nothing is asked unless its symmetry is known. Its middle is the world's where it was rendered, and where optical axes meet in photos; its box is what the silhouettes of images with
an alpha channel leave, or a cube of a quarter of the nearest camera's distance to each side. Where those silhouettes are alike from all sides
(cameras of one height, 20 to 160 degrees apart), its symmetry is 0, unless names.json says another one: no picture shows its turns. z is up. Lens distortion is not undone.

Told in quarantine, and no loss: images of transforms*.json that are not there, a row for each file (missing_file); images that a file
names more than once, of which the first counts (duplicate).

Quarantined: images that cannot be read or have no good camera (image, unreadable, path, missing_file, intrinsics, pose); all images of an
object without cameras, or whose cameras look away from it, as inverted poses do (pose); bad names.json and camera files (json).";

/// Changes when the same files would be read as different rows.
const READER: &str = "object_views 2";

/// Objects are spread over at most so many shards.
const BUCKETS: u64 = 256;

/// Blender's lens of 35 mm before a sensor of 32 mm.
const FOCAL_LENGTH: f64 = 35.0 / 32.0;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ObjectViewsOptions {
    camera_distance: Option<f64>,
    focal_length: Option<f64>,
}

/// A folder of objects.
struct ObjectViewsReader {
    root: Root,
    name: String,
    split: Option<String>,
    licence: Option<String>,
    options: ObjectViewsOptions,
    /// What was listed last.
    listed: Mutex<Option<Arc<Listing>>>,
    fingerprinted: String,
}

/// The objects that are there.
struct Listing {
    /// Their folders, by bucket.
    buckets: BTreeMap<String, BTreeSet<String>>,
    shards: Vec<Shard>,
}

impl ObjectViewsReader {
    fn open(root: Root, options: &SourceOptions) -> Result<Self> {
        let own: ObjectViewsOptions = options.parse("object_views")?;
        for (option, value) in [("camera_distance", own.camera_distance), ("focal_length", own.focal_length)] {
            if value.is_some_and(|value| !(0.01..=100.0).contains(&value)) {
                let message = format!("`{option}` of an object_views source takes a number between 0.01 and 100");
                return Err(Error::usage(message).with("source", &options.name));
            }
        }
        Ok(Self {
            fingerprinted: format!("{READER} {}", serde_json::to_string(options).unwrap_or_default()),
            root,
            name: options.name.clone(),
            split: options.split.clone(),
            licence: options.licence.clone(),
            options: own,
            listed: Mutex::default(),
        })
    }

    fn list(&self) -> Result<Arc<Listing>> {
        let mut buckets = BTreeMap::<String, BTreeSet<String>>::new();
        let mut has_cameras = self.options.camera_distance.is_some();
        let mut digests = self.root.digests("", |entry| {
            let (_, file) = entry.path.rsplit_once('/').unwrap_or(("", &entry.path));
            has_cameras |= cameras::is_camera_file(&entry.path);
            if file == cameras::OF_SEVERAL || names::FILES.contains(&entry.path.as_str()) {
                return Some(String::new());
            }
            let is_image = photo::has_ending(file);
            if !is_image && !file.ends_with(".json") && !file.ends_with(".npy") {
                return None;
            }
            let folder = cameras::object_folder(&entry.path);
            let bucket = format!("bucket-{:03}", xxh3_64(folder.as_bytes()) % BUCKETS);
            if is_image && entry.refused.is_none() {
                buckets.entry(bucket.clone()).or_default().insert(folder.to_owned());
            }
            Some(bucket)
        })?;
        if buckets.is_empty() || !has_cameras {
            let message = match buckets.is_empty() {
                true => "no folder has images of an object",
                false => "no folder has cameras beside its images, and there is no `camera_distance`",
            };
            return Err(Error::input(message)
                .with("root", &self.root)
                .hint("`spatialmill import --kind object_views` shows the layouts"));
        }
        let shared = digests.remove("").unwrap_or_default();
        let of_shard = |bucket: &String| {
            let own = digests.get(bucket).cloned().unwrap_or_default();
            let read_from = format!("{} {} {}", self.fingerprinted, shared.hash, own.hash);
            Shard::fingerprinted(bucket.clone(), &read_from, own.bytes)
        };
        let listing = Arc::new(Listing { shards: buckets.keys().map(of_shard).collect(), buckets });
        *self.listed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&listing));
        Ok(listing)
    }

    fn listing(&self) -> Result<Arc<Listing>> {
        let listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        listed.map_or_else(|| self.list(), Ok)
    }

    fn read_object(&self, folder: &str, named: NamedObject, rows: &mut RowSink) -> Result<()> {
        let object = ObjectFolder::open(&self.root, folder)?;
        let views = match object.views(self.options.camera_distance, rows)? {
            Ok(views) => views,
            Err((file, why)) => {
                for image in object.images() {
                    rows.refuse_image(image.clone(), &file, why.clone())?;
                }
                return Ok(());
            }
        };
        let id = if folder.is_empty() { self.name.clone() } else { format!("{}/{folder}", self.name) };
        let extent = match Extent::of(&self.root, &views, self.options.focal_length.unwrap_or(FOCAL_LENGTH)) {
            Ok(extent) => extent,
            Err(why) => {
                for view in &views.views {
                    rows.refuse_image(view.image.clone(), &view.image, why.clone())?;
                }
                return Ok(());
            }
        };
        let mut shown = false;
        for view in &views.views {
            match self.frame(&id, view, &named, &extent) {
                Ok(frame) => {
                    shown = true;
                    rows.push(Row::Frame(frame))?;
                }
                Err(why) => rows.refuse_image(view.image.clone(), &view.image, why)?,
            }
        }
        if !shown {
            return Ok(());
        }
        rows.push(Row::SceneObject(SceneObject {
            scene_id: id.clone(),
            object_id: "object".to_owned(),
            category: named.name.clone(),
            symmetry: named.symmetry.or_else(|| extent.is_round.then_some(0)),
            ..SceneObject::boxed(&extent.bounding_box(), extent.box_from)
        }))?;
        rows.push(Row::Scene(Scene {
            scene_id: id.clone(),
            source: self.name.clone(),
            split: self.split.clone(),
            licence: named.licence.or_else(|| self.licence.clone()),
            kind: "object",
            category: Some(named.name),
            place_id: id,
            metric: false,
            exhaustive: extent.is_cut_out,
            ..Scene::default()
        }))
    }

    fn frame(&self, id: &str, view: &View, named: &NamedObject, extent: &Extent) -> Result<Frame, Unusable> {
        let photo = Photo::read(&self.root, &view.image)?;
        let stored = StoredImage::of(&photo);
        upright::unmirrored(stored.turn)?;
        let focal_length = self.options.focal_length.unwrap_or(FOCAL_LENGTH);
        let (recorded, of) = view.camera.recorded(photo.width, photo.height, focal_length);
        let recorded = recorded.checked().map_err(|e| Unusable::new("intrinsics", e.to_string()))?;
        let size = of.map_or(CameraSize::OfImage, |(width, height)| CameraSize::Recorded(width, height));
        let camera = intrinsics::fitted(&recorded, size, stored)?;
        let pose: Rigid = upright::pose(&view.world_from_camera, camera.turn);
        let uri = self.root.uri(&view.image).map_err(|e| Unusable::new("path", e.to_string()))?;
        let (width, height) = stored.upright();
        Ok(Frame {
            frame_id: format!("{id}/{}", view.name),
            source: self.name.clone(),
            scene_id: Some(id.to_owned()),
            split: self.split.clone(),
            licence: named.licence.clone().or_else(|| self.licence.clone()),
            uri: Address { orientation: stored.turn.exif(), ..Address::file(uri) }.to_string(),
            sha256: Some(photo.sha256),
            width: width as i32,
            height: height as i32,
            exhaustive: extent.is_cut_out,
            world_from_camera: Some(pose.to_row_major().to_vec()),
            ..Frame::taken_by(&camera.intrinsics)
        })
    }
}

impl Source for ObjectViewsReader {
    fn shards(&self) -> Result<Vec<Shard>> {
        Ok(self.list()?.shards.clone())
    }

    fn read(&self, shard: &Shard, rows: &mut RowSink) -> Result<()> {
        let listing = self.listing()?;
        let (names, faults) = ObjectNames::read(&self.root)?;
        // What is said of whole files is told with the first bucket.
        for (file, why) in faults.into_iter().filter(|_| listing.buckets.keys().next() == Some(&shard.name)) {
            rows.refuse(file.clone(), &file, why)?;
        }
        let folders = listing.buckets.get(&shard.name);
        let folders = folders
            .ok_or_else(|| Error::input("the objects of a shard are no longer there").with("shard", &shard.name))?;
        folders.iter().try_for_each(|folder| self.read_object(folder, names.of(folder), rows))
    }

    fn unsaid(&self) -> Result<Vec<String>> {
        let listing = self.listing()?;
        let (names, _) = ObjectNames::read(&self.root)?;
        let folders = listing.buckets.values().flatten();
        let is_unknown = |named: NamedObject| named.name == names::NAMELESS && named.symmetry.is_none();
        let nameless = folders.filter(|folder| is_unknown(names.of(folder))).count();
        if nameless == 0 {
            return Ok(Vec::new());
        }
        Ok(vec![format!(
            "nobody says what {nameless} of its objects are, so that they may be round, and by how much they turn is not asked; names.json in the root says it"
        )])
    }
}
