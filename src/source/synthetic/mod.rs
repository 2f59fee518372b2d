//! The `synthetic` source: rooms of our own making, so that a fresh machine has data and the whole pipeline has an oracle.
//!
//! ```text
//! seed, number ─► Room (boxes, triangles) ─► Scene ─► poses ─► Picture ─► files below the root
//!                   │                          camera.rs        render.rs      │
//!                   └─► scene_objects, surfaces                                └─► frames, detections
//! ```
//!
//! Everything is a function of the options: the same options give the same files and rows, byte for byte. This is the only
//! source that writes; a file that is there already with the right bytes is left alone.

pub(super) mod camera;
pub(super) mod colour;
pub(super) mod dice;
pub(super) mod furniture;
pub(super) mod layout;
pub(super) mod light;
pub(super) mod outline;
pub mod placed_item;
pub(super) mod regions;
pub(super) mod render;
pub mod room;
pub(super) mod shape;
pub(super) mod space;
pub mod variety;
pub(super) mod write;

use serde::{Deserialize, Serialize};
use spatialmill_geometry::{Rigid, Vector3};

use self::placed_item::PlacedItem;
use self::regions::ObjectRegion;
use self::render::RenderScene;
use self::room::Room;
use self::variety::Things;
use super::local_folder::LocalFolder;
use super::photo::Photo;
use super::root::Root;
use super::{Shard, Source, SourceOptions};
use crate::error::{Context, Error, Result};
use crate::source::{Row, RowSink};
use crate::tables::{Detection, Frame, Scene, SceneObject, Surface};

/// The entry of [`SOURCES`](super::SOURCES).
pub const SYNTHETIC: super::SourceKind = super::SourceKind {
    name: "synthetic",
    doc: "rendered rooms of our own making, with exact boxes, masks and depth",
    long_doc: LONG_DOC,
    makes_root: true,
    open: |root, options| Ok(Box::new(Synthetic::open(root, options)?)),
};

const LONG_DOC: &str = "\
Makes furnished rooms and takes pictures of them from eye height. `root` must be a folder on this machine; the images are
written there, and nothing else is read from it:

  room-0000/color/0000.jpg       colour
  room-0000/depth/0000.png       16-bit depth along the viewing axis, millimetres
  room-0000/instance/0000.png    16-bit: which object each pixel shows; 0 is floor, wall or ceiling
  room-0000/pose/0000.txt        camera to world, 4 x 4, OpenCV camera axes, z up
  room-0000/intrinsics.txt       4 x 4, the same for all its frames
  room-0000/instances.json       what each value of an instance image is

An `rgbd` source reads the same folder, as if it had been measured.

Options:

  rooms             how many. Default: 24
  frames_per_room   pictures of each. Default: 5
  width, height     of a picture, pixels. Default: 640 and 480
  seed              another seed gives other rooms. Default: 0
  things            varied (default): toys on shelves, oversized props, cabinets on walls, so that what a thing is called does
                    not tell how large it is or where; usual: sizes and places as in homes
  geometry          scan (default): objects in a frame are made from the exact boxes and triangles;
                    depth: they are lifted from the masks and the depth image, as for a dataset without boxes

What becomes of what: a room is a scene; its things are scene objects with exact boxes, their triangles (and the room's
own) are surfaces; a picture is a frame whose visible things are detections with exact masks. Four in five things have a
caption (\"red chair\"). Every object is marked, so that objects may be counted.
";

/// Rooms in a shard: enough that a shard is worth a task, few enough that a killed import loses little.
const ROOMS_IN_A_SHARD: usize = 4;

/// Part of each fingerprint; raised whenever the same options come to give other rows or images.
const VERSION: u32 = 4;

/// A picture is taken each second.
const SECONDS_BETWEEN_FRAMES: f64 = 1.0;

/// The options of this kind.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct SyntheticSettings {
    rooms: usize,
    frames_per_room: usize,
    width: usize,
    height: usize,
    seed: u64,
    things: Things,
    geometry: Geometry,
}

/// Which evidence the objects of a frame are made from.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Geometry {
    Scan,
    Depth,
}

impl Geometry {
    /// As in `frames.lifted_from`.
    pub(super) fn lifted_from(self) -> String {
        match self {
            Self::Scan => "scan".to_owned(),
            Self::Depth => "depth".to_owned(),
        }
    }
}

impl Default for SyntheticSettings {
    fn default() -> Self {
        Self {
            rooms: 24,
            frames_per_room: 5,
            width: 640,
            height: 480,
            seed: 0,
            things: Things::Varied,
            geometry: Geometry::Scan,
        }
    }
}

impl SyntheticSettings {
    fn of(options: &SourceOptions) -> Result<Self> {
        let settings: Self = options.parse("synthetic")?;
        for (option, value, least, most) in [
            ("rooms", settings.rooms, 1, 1_000_000),
            ("frames_per_room", settings.frames_per_room, 1, 1000),
            ("width", settings.width, 32, 4096),
            ("height", settings.height, 32, 4096),
        ] {
            if !(least..=most).contains(&value) {
                return Err(Error::usage(format!("`{option}` is {value}; it must be {least} to {most}"))
                    .with("source", &options.name));
            }
        }
        Ok(settings)
    }
}

/// The id of a room's object in every table, which is also its value in the instance images.
pub fn object_id(index: usize) -> String {
    (index + 1).to_string()
}

/// The scene id of a room in every table.
pub fn scene_id(source: &str, room: &Room) -> String {
    format!("{source}/{}", room.name)
}

struct Synthetic {
    options: SourceOptions,
    settings: SyntheticSettings,
    root: Root,
    folder: LocalFolder,
}

impl Synthetic {
    fn open(root: Root, options: &SourceOptions) -> Result<Self> {
        let settings = SyntheticSettings::of(options)?;
        let folder = LocalFolder::of(&root)?;
        Ok(Self { options: options.clone(), settings, root, folder })
    }

    /// Makes one room, its images and its rows.
    fn room(&self, number: usize, rows: &mut RowSink) -> Result<()> {
        let room = Room::new(self.settings.things, self.settings.seed, number);
        let scene = RenderScene::of(&room);
        let names: serde_json::Map<String, serde_json::Value> = room.objects.iter().enumerate().map(name_of).collect();
        let names = serde_json::to_vec_pretty(&names).or_internal(|| "names have no JSON".to_owned())?;
        self.folder.put(&format!("{}/instances.json", room.name), &names)?;
        rows.push(Row::Scene(self.scene_row(&room)))?;
        let mut first_seen = vec![None; room.objects.len()];
        let poses = camera::poses(&room, &scene, self.settings.seed, self.settings.frames_per_room);
        for (n, pose) in poses.iter().enumerate() {
            let timestamp = n as f64 * SECONDS_BETWEEN_FRAMES;
            for object in self.frame(&room, &scene, pose, n, timestamp, rows)? {
                first_seen[object].get_or_insert(timestamp);
            }
        }
        for (index, object) in room.objects.iter().enumerate() {
            rows.push(Row::SceneObject(scene_object(self.scene(&room), index, object, first_seen[index])))?;
            rows.push(Row::Surface(surface(self.scene(&room), Some(object_id(index)), &object.mesh)))?;
        }
        rows.push(Row::Surface(surface(self.scene(&room), None, &room.shell)))
    }

    /// Takes one picture; returns the objects that it shows.
    fn frame(
        &self,
        room: &Room,
        scene: &RenderScene,
        pose: &Rigid,
        n: usize,
        timestamp: f64,
        rows: &mut RowSink,
    ) -> Result<Vec<usize>> {
        let SyntheticSettings { width, height, .. } = self.settings;
        let intrinsics = camera::intrinsics(width, height);
        let picture = scene.picture(&intrinsics, pose, width, height);
        let files = write::frame(&self.folder, &room.name, n, &picture, &intrinsics, pose)?;
        let photo = Photo::read(&self.root, &files.colour)
            .map_err(|why| Error::internal("a picture that was just written cannot be read").because(why.message))?;
        let frame_id = format!("{}/{}/{n:04}", self.options.name, room.name);
        rows.push(Row::Frame(Frame {
            frame_id: frame_id.clone(),
            scene_id: Some(self.scene(room)),
            split: self.options.split.clone(),
            licence: Some(self.licence()),
            uri: self.root.uri(&files.colour)?,
            sha256: Some(photo.sha256),
            width: width as i32,
            height: height as i32,
            world_from_camera: Some(pose.to_row_major().to_vec()),
            depth_uri: Some(self.root.uri(&files.depth)?),
            depth_sha256: Some(files.depth_sha256),
            depth_scale: Some(1000.0),
            timestamp: Some(timestamp),
            lifted_from: Some(self.settings.geometry.lifted_from()),
            exhaustive: true,
            ..Frame::taken_by(&intrinsics)
        }))?;
        let mut seen = Vec::new();
        for ObjectRegion { object, bbox, mask } in regions::of(&picture, room.objects.len())? {
            seen.push(object);
            let placed = &room.objects[object];
            rows.push(Row::Detection(Detection {
                frame_id: frame_id.clone(),
                object_id: object_id(object),
                category: placed.category.to_owned(),
                caption: placed.caption.clone(),
                bbox,
                mask: Some(mask),
                made_by: "annotation".to_owned(),
                ..Detection::default()
            }))?;
        }
        Ok(seen)
    }

    fn scene(&self, room: &Room) -> String {
        scene_id(&self.options.name, room)
    }

    fn licence(&self) -> String {
        self.options.licence.clone().unwrap_or_else(|| "CC0-1.0".to_owned())
    }

    fn scene_row(&self, room: &Room) -> Scene {
        let half = Vector3::new(room.size.x, room.size.y, 0.0) / 2.0;
        Scene {
            scene_id: self.scene(room),
            source: self.options.name.clone(),
            split: self.options.split.clone(),
            licence: Some(self.licence()),
            kind: "scan",
            place_id: self.scene(room),
            min: Some((-half).into()),
            max: Some((half + Vector3::z() * room.size.z).into()),
            floor_z: Some(0.0),
            floor_area: Some(room.size.x * room.size.y),
            floor_area_from: Some("polygon"),
            metric: true,
            exhaustive: true,
            ..Scene::default()
        }
    }
}

impl Source for Synthetic {
    fn shards(&self) -> Result<Vec<Shard>> {
        let settings = serde_json::to_string(&SyntheticSettings { rooms: 0, ..self.settings.clone() })
            .or_internal(|| "the options of a synthetic source have no JSON".to_owned())?;
        let SourceOptions { split, licence, .. } = &self.options;
        let shards = (0..self.settings.rooms).step_by(ROOMS_IN_A_SHARD).map(|first| {
            // Asking for more rooms leaves the full shards before them as they are.
            let rooms = ROOMS_IN_A_SHARD.min(self.settings.rooms - first);
            Shard {
                name: format!("rooms-{first:04}"),
                fingerprint: format!("synthetic {VERSION} {settings} {split:?} {licence:?} {} {rooms}", self.root),
                bytes: 0,
            }
        });
        Ok(shards.collect())
    }

    fn read(&self, shard: &Shard, rows: &mut RowSink) -> Result<()> {
        let first: usize = shard
            .name
            .strip_prefix("rooms-")
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| Error::internal("no shard of a synthetic source").with("shard", &shard.name))?;
        for number in first..(first + ROOMS_IN_A_SHARD).min(self.settings.rooms) {
            self.room(number, rows)?;
        }
        Ok(())
    }
}

/// What a value of an instance image is.
fn name_of((index, object): (usize, &PlacedItem)) -> (String, serde_json::Value) {
    let mut name = serde_json::json!({ "category": object.category });
    if let Some(caption) = &object.caption {
        name["caption"] = caption.as_str().into();
    }
    (object_id(index), name)
}

fn scene_object(scene_id: String, index: usize, object: &PlacedItem, first_seen: Option<f64>) -> SceneObject {
    SceneObject {
        scene_id,
        object_id: object_id(index),
        category: object.category.to_owned(),
        caption: object.caption.clone(),
        first_seen,
        front: object.front.map(Into::into),
        symmetry: Some(object.symmetry),
        ..SceneObject::boxed(&object.obb, "annotation")
    }
}

fn surface(scene_id: String, object_id: Option<String>, mesh: &shape::ShapeMesh) -> Surface {
    Surface {
        scene_id,
        object_id,
        vertices: mesh.vertices.iter().flat_map(|v| [v.x as f32, v.y as f32, v.z as f32]).collect(),
        triangles: mesh.triangles.iter().flatten().map(|&vertex| vertex as i32).collect(),
    }
}

#[cfg(test)]
pub(in crate::source) mod tests;
