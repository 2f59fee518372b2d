//! The `synthetic_home` source: homes of our own making, through which somebody walks with a camera, so that questions about many images have an oracle.
//!
//! ```text
//! seed, number ─► FloorPlan ─► Home ─► walkable floor ─► WaypointGraph ─► walk ─► pictures ─► files below the root
//!                   plan.rs     home.rs   free_floor.rs     waypoints.rs    walk.rs    │
//!                                 └─► the same home later: some things turned, some carried elsewhere
//! ```
//!
//! Everything is a function of the options: the same options give the same files and rows, byte for byte. Furniture, shapes, light and rendering are
//! those of [`synthetic`](super::synthetic).

mod free_floor;
mod home;
mod plan;
mod stock;
mod truth;
mod walk;
mod waypoints;

use serde::{Deserialize, Serialize};
use serde_json::json;
use spatialmill_geometry::{Bounds, Vector3};

use self::home::{Home, ObjectMove};
use self::truth::{TrueFrame, Truth};
use self::waypoints::WaypointGraph;
use super::local_folder::LocalFolder;
use super::photo::Photo;
use super::root::Root;
use super::synthetic::dice::Dice;
use super::synthetic::render::RenderScene;
use super::synthetic::{Geometry, camera, object_id, regions, shape, write};
use super::{Row, RowSink, Shard, Source, SourceOptions};
use crate::error::{Context, Error, Result};
use crate::tables::{Detection, Frame, Link, Motion, Scene, SceneObject, Surface, Waypoint};

/// The entry of [`SOURCES`](super::SOURCES).
pub const SYNTHETIC_HOME: super::SourceKind = super::SourceKind {
    name: "synthetic_home",
    doc: "rendered walks through furnished homes of our own making, scanned twice, with all that is true of them",
    long_doc: LONG_DOC,
    makes_root: true,
    open: |root, options| Ok(Box::new(SyntheticHome::open(root, options)?)),
};

const LONG_DOC: &str = "\
Makes homes of several furnished rooms along a corridor, one of them an L, and walks through them with a camera at eye height, into every
room, as a person does. Each home is scanned several times; from one scan to the next some things are turned and some are carried elsewhere.
`root` must be a folder on this machine; the files are written there, and nothing else is read from it:

  home-0000_00/color/0000.jpg       colour of the first scan of the first home
  home-0000_00/depth/0000.png       16-bit depth along the viewing axis, millimetres
  home-0000_00/instance/0000.png    16-bit: which object each pixel shows; 0 is floor, wall or ceiling
  home-0000_00/pose/0000.txt        camera to world, 4 x 4, OpenCV camera axes, z up; all scans of a home have one world
  home-0000_00/intrinsics.txt       4 x 4, the same for all its frames
  home-0000_00/instances.json       what each value of an instance image is
  home-0000_00/timestamps.txt       when each frame was taken, seconds
  home-0000_00/boxes.json           exact oriented boxes
  home-0000_00/scene.json           that it is a house, and of which place
  home-0000_00/truth.json           for oracles: rooms as polygons with their areas, doorways, the outlines of the free floor, what was moved, and
                                    for each frame how many pixels show each object, how many would within the image if nothing hid it, and how
                                    many on an image that goes on around

An `rgbd` source reads the same folder, as if it had been measured.

Options:

  homes             how many. Default: 4
  scans             of each home. Default: 2
  rooms             besides the corridor: 2 to 8, or 0 for 3 to 7 by chance. Default: 0
  frames_per_second of the camera. Default: 2
  max_frames        at most this many frames of a scan, evenly spread over the walk. Default: 300
  width, height     of a frame, pixels. Default: 640 and 480
  seed              another seed gives other homes. Default: 0
  geometry          scan (default): objects in a frame are made from the exact boxes and triangles;
                    depth: they are lifted from the masks and the depth image, as for a dataset without boxes

What becomes of what: a scan is a scene (a house), each of its rooms another (a region within it) with the exact area of its floor; what
stands in it is scene objects with exact boxes, their fronts and symmetries, in `region`; their triangles (and the rooms' own) are surfaces; a
frame's visible things are detections with exact masks. Places to stand are waypoints, straight ways between them links, through all
doorways; what was moved from the first scan to a later one is motions. Things have the same ids in all scans of a home. Every object is
marked, so that objects may be counted.
";

/// Part of each fingerprint; raised whenever the same options come to give other rows or files.
const VERSION: u32 = 2;

/// How many things are moved between two scans, at most.
const MOVES: usize = 6;

/// The options of this kind.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct HomeSettings {
    homes: usize,
    scans: usize,
    rooms: usize,
    frames_per_second: f64,
    max_frames: usize,
    width: usize,
    height: usize,
    seed: u64,
    geometry: Geometry,
}

impl Default for HomeSettings {
    fn default() -> Self {
        Self {
            homes: 4,
            scans: 2,
            rooms: 0,
            frames_per_second: 2.0,
            max_frames: 300,
            width: 640,
            height: 480,
            seed: 0,
            geometry: Geometry::Scan,
        }
    }
}

impl HomeSettings {
    fn of(options: &SourceOptions) -> Result<Self> {
        let settings: Self = options.parse("synthetic_home")?;
        let wrong = |option: &str, value: &dyn std::fmt::Display, allowed: String| {
            Err(Error::usage(format!("`{option}` is {value}; it must be {allowed}")).with("source", &options.name))
        };
        for (option, value, least, most) in [
            ("homes", settings.homes, 1, 100_000),
            ("scans", settings.scans, 1, 100),
            ("max_frames", settings.max_frames, 1, 10_000),
            ("width", settings.width, 32, 4096),
            ("height", settings.height, 32, 4096),
        ] {
            if !(least..=most).contains(&value) {
                return wrong(option, &value, format!("{least} to {most}"));
            }
        }
        if settings.rooms != 0 && !(2..=plan::MOST_ROOMS).contains(&settings.rooms) {
            return wrong("rooms", &settings.rooms, format!("2 to {}, or 0 for any number", plan::MOST_ROOMS));
        }
        if !(0.01..=60.0).contains(&settings.frames_per_second) {
            return wrong("frames_per_second", &settings.frames_per_second, "0.01 to 60".to_owned());
        }
        Ok(settings)
    }

    /// How many rooms the home of this name has.
    fn rooms(&self, name: &str) -> usize {
        if self.rooms > 0 { self.rooms } else { Dice::new(self.seed, &format!("{name} rooms")).count(3, 7) }
    }
}

/// What rooms of every kind have.
#[cfg(test)]
pub(super) use stock::EVERY as EVERY_STOCK;

struct SyntheticHome {
    options: SourceOptions,
    settings: HomeSettings,
    root: Root,
    folder: LocalFolder,
}

/// One scan of a home.
struct HomeScan<'a> {
    source: &'a SyntheticHome,
    /// `home-0000_01`, and `home-0000`.
    name: String,
    place: &'a str,
    home: Home,
    graph: WaypointGraph,
    /// Since the first scan.
    moves: Vec<ObjectMove>,
}

impl SyntheticHome {
    fn open(root: Root, options: &SourceOptions) -> Result<Self> {
        let settings = HomeSettings::of(options)?;
        let folder = LocalFolder::of(&root)?;
        Ok(Self { options: options.clone(), settings, root, folder })
    }

    /// Makes one home, the images of all its scans and its rows.
    fn home(&self, place: &str, rows: &mut RowSink) -> Result<()> {
        let HomeSettings { seed, scans, .. } = self.settings;
        let first = Home::new(seed, place, self.settings.rooms(place));
        for n in 0..scans {
            let name = format!("{place}_{n:02}");
            let mut dice = Dice::new(seed, &name);
            let (home, moves) = match n {
                0 => (first.clone(), Vec::new()),
                _ => first.rearranged(&mut dice, MOVES),
            };
            let floor = home.walkable();
            let graph = WaypointGraph::new(&home, &floor);
            let HomeSettings { frames_per_second, max_frames, .. } = self.settings;
            let cameras = walk::walk(&graph, &floor, &mut dice, frames_per_second, max_frames);
            let scan = HomeScan { source: self, name, place, home, graph, moves };
            scan.read(&cameras, rows)?;
        }
        Ok(())
    }

    fn scene_id(&self, name: &str) -> String {
        format!("{}/{name}", self.options.name)
    }

    /// What all scenes of a place have in common.
    fn scene(&self, place: &str) -> Scene {
        Scene {
            source: self.options.name.clone(),
            split: self.options.split.clone(),
            licence: Some(self.licence()),
            place_id: self.scene_id(place),
            floor_z: Some(0.0),
            floor_area_from: Some("polygon"),
            metric: true,
            exhaustive: true,
            ..Scene::default()
        }
    }

    fn licence(&self) -> String {
        self.options.licence.clone().unwrap_or_else(|| "CC0-1.0".to_owned())
    }
}

impl HomeScan<'_> {
    fn read(&self, cameras: &[walk::CameraSample], rows: &mut RowSink) -> Result<()> {
        self.scenes(rows)?;
        let scene = self.home.render_scene();
        let settings = &self.source.settings;
        let mut truth = Truth::of(&self.home, &self.graph, &self.moves, settings.frames_per_second);
        let mut first_seen = vec![None; self.home.objects.len()];
        for (n, camera) in cameras.iter().enumerate() {
            let (seen, frame) = self.frame(&scene, n, camera, rows)?;
            for object in seen {
                first_seen[object].get_or_insert(camera.seconds);
            }
            truth.frames.push(frame);
        }
        self.objects(&first_seen, rows)?;
        self.ways(rows)?;
        self.motions(rows)?;
        self.files(cameras, &truth)
    }

    fn scene_id(&self) -> String {
        self.source.scene_id(&self.name)
    }

    fn region_id(&self, region: &str) -> String {
        format!("{}/{region}", self.scene_id())
    }

    /// The house and its rooms.
    fn scenes(&self, rows: &mut RowSink) -> Result<()> {
        let mut area = 0.0;
        let mut all: Option<Bounds> = None;
        for room in &self.home.plan.rooms {
            let Some(bounds) = Bounds::of(&room.shell.vertices) else { continue };
            area += room.area();
            all = Bounds::of([bounds.low, bounds.high].iter().chain(all.iter().flat_map(|all| [&all.low, &all.high])));
            rows.push(Row::Scene(Scene {
                scene_id: self.region_id(&room.name),
                kind: "region",
                category: Some(room.kind.category().to_owned()),
                within: Some(self.scene_id()),
                min: Some(bounds.low.into()),
                max: Some(bounds.high.into()),
                floor_area: Some(room.area()),
                ..self.source.scene(self.place)
            }))?;
        }
        rows.push(Row::Scene(Scene {
            scene_id: self.scene_id(),
            kind: "house",
            category: Some("home".to_owned()),
            min: all.map(|all| all.low.into()),
            max: all.map(|all| all.high.into()),
            floor_area: Some(area),
            ..self.source.scene(self.place)
        }))
    }

    /// Takes one picture; returns the objects that it shows, and what is true of it.
    fn frame(
        &self,
        scene: &RenderScene,
        n: usize,
        camera: &walk::CameraSample,
        rows: &mut RowSink,
    ) -> Result<(Vec<usize>, TrueFrame)> {
        let SyntheticHome { options, settings, root, folder } = self.source;
        let HomeSettings { width, height, .. } = *settings;
        let (intrinsics, pose) = (camera::intrinsics(width, height), &camera.pose);
        let picture = scene.picture(&intrinsics, pose, width, height);
        let files = write::frame(folder, &self.name, n, &picture, &intrinsics, pose)?;
        let photo = Photo::read(root, &files.colour)
            .map_err(|why| Error::internal("a picture that was just written cannot be read").because(why.message))?;
        let frame_id = format!("{}/{}/{n:04}", options.name, self.name);
        rows.push(Row::Frame(Frame {
            frame_id: frame_id.clone(),
            scene_id: Some(self.scene_id()),
            split: options.split.clone(),
            licence: Some(self.source.licence()),
            uri: root.uri(&files.colour)?,
            sha256: Some(photo.sha256),
            width: width as i32,
            height: height as i32,
            world_from_camera: Some(pose.to_row_major().to_vec()),
            depth_uri: Some(root.uri(&files.depth)?),
            depth_sha256: Some(files.depth_sha256),
            depth_scale: Some(1000.0),
            timestamp: Some(camera.seconds),
            lifted_from: Some(settings.geometry.lifted_from()),
            exhaustive: true,
            ..Frame::taken_by(&intrinsics)
        }))?;
        let mut seen = Vec::new();
        for regions::ObjectRegion { object, bbox, mask } in regions::of(&picture, self.home.objects.len())? {
            seen.push(object);
            let placed = &self.home.objects[object];
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
        let truth = TrueFrame::of(&self.home, scene, format!("{n:04}"), camera.seconds, &intrinsics, pose, &picture);
        Ok((seen, truth))
    }

    fn objects(&self, first_seen: &[Option<f64>], rows: &mut RowSink) -> Result<()> {
        let surface = |object_id: Option<String>, mesh: &shape::ShapeMesh| {
            let vertices = mesh.vertices.iter().flat_map(|v| [v.x as f32, v.y as f32, v.z as f32]).collect();
            let triangles = mesh.triangles.iter().flatten().map(|&vertex| vertex as i32).collect();
            Row::Surface(Surface { scene_id: self.scene_id(), object_id, vertices, triangles })
        };
        for (n, object) in self.home.objects.iter().enumerate() {
            rows.push(Row::SceneObject(SceneObject {
                scene_id: self.scene_id(),
                object_id: object_id(n),
                category: object.category.to_owned(),
                caption: object.caption.clone(),
                first_seen: first_seen[n],
                front: object.front.map(Into::into),
                symmetry: Some(object.symmetry),
                region: Some(self.home.room(n).name.clone()),
                ..SceneObject::boxed(&object.obb, "annotation")
            }))?;
            rows.push(surface(Some(object_id(n)), &object.mesh))?;
        }
        self.home.plan.rooms.iter().try_for_each(|room| rows.push(surface(None, &room.shell)))
    }

    fn ways(&self, rows: &mut RowSink) -> Result<()> {
        let id = |point: usize| format!("w{point}");
        let points = &self.graph.points;
        for (n, point) in points.iter().enumerate() {
            rows.push(Row::Waypoint(Waypoint {
                scene_id: self.scene_id(),
                waypoint_id: id(n),
                position: Vector3::new(point.at[0], point.at[1], EYE_M).into(),
                height: Some(EYE_M),
                region: point.room.map(|room| self.home.plan.rooms[room].name.clone()),
            }))?;
        }
        for [a, b] in &self.graph.links {
            for (from, to) in [(*a, *b), (*b, *a)] {
                rows.push(Row::Link(Link {
                    scene_id: self.scene_id(),
                    from_waypoint: id(from),
                    to_waypoint: id(to),
                    length: free_floor::distance(points[from].at, points[to].at),
                }))?;
            }
        }
        Ok(())
    }

    fn motions(&self, rows: &mut RowSink) -> Result<()> {
        self.moves.iter().try_for_each(|ObjectMove { object, motion }| {
            rows.push(Row::Motion(Motion {
                scene_id: self.source.scene_id(&format!("{}_00", self.place)),
                object_id: object_id(*object),
                other_scene_id: self.scene_id(),
                other_object_id: object_id(*object),
                moved: motion.to_row_major().to_vec(),
            }))
        })
    }

    /// The files of the scan as a whole.
    fn files(&self, cameras: &[walk::CameraSample], truth: &Truth) -> Result<()> {
        let objects = || self.home.objects.iter().enumerate();
        let said = |n: usize| {
            let object = &self.home.objects[n];
            match &object.caption {
                Some(caption) => json!({"category": object.category, "caption": caption}),
                None => json!({"category": object.category}),
            }
        };
        let names: serde_json::Map<_, _> = objects().map(|(n, _)| (object_id(n), said(n))).collect();
        let boxes = objects().map(|(n, object)| {
            let mut record = said(n);
            record["id"] = json!(n + 1);
            record["centroid"] = json!(object.obb.centre.as_slice());
            record["axesLengths"] = json!(object.obb.lengths.as_slice());
            record["normalizedAxes"] = object.obb.axes.iter().flat_map(|axis| axis.iter().copied()).collect();
            record
        });
        let boxes = json!({"frame": "world", "boxes": boxes.collect::<Vec<_>>()});
        let times: String =
            cameras.iter().enumerate().map(|(n, camera)| format!("{n:04} {}\n", camera.seconds)).collect();
        let scene = json!({"kind": "house", "place": self.place, "category": "home"});
        for (file, bytes) in [
            ("instances.json", json_file(&names)?),
            ("boxes.json", json_file(&boxes)?),
            ("scene.json", json_file(&scene)?),
            ("truth.json", json_file(truth)?),
            ("timestamps.txt", times.into_bytes()),
        ] {
            self.source.folder.put(&format!("{}/{file}", self.name), &bytes)?;
        }
        Ok(())
    }
}

fn json_file(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).or_internal(|| "a file has no JSON".to_owned())
}

/// How high eyes are on a graph of places where nobody stands yet.
const EYE_M: f64 = 1.55;

impl Source for SyntheticHome {
    fn shards(&self) -> Result<Vec<Shard>> {
        let settings = serde_json::to_string(&HomeSettings { homes: 0, ..self.settings.clone() })
            .or_internal(|| "the options of a synthetic source have no JSON".to_owned())?;
        let SourceOptions { split, licence, .. } = &self.options;
        let fingerprint = format!("synthetic_home {VERSION} {settings} {split:?} {licence:?} {}", self.root);
        let name = |home| format!("home-{home:04}");
        Ok((0..self.settings.homes)
            .map(|home| Shard { name: name(home), fingerprint: fingerprint.clone(), bytes: 0 })
            .collect())
    }

    fn read(&self, shard: &Shard, rows: &mut RowSink) -> Result<()> {
        self.home(&shard.name, rows)
    }
}

#[cfg(test)]
mod tests;
