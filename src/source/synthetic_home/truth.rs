//! `truth.json`: what an oracle needs to know of a scene and no table has. Plan: rooms, doorways, free floor, stand points. Frames: how many pixels
//! show each object, and how many would if nothing hid it, within the image and beyond.

use serde::Serialize;
use spatialmill_geometry::{Intrinsics, Rigid, Vector3};

use super::free_floor::FreeFloor;
use super::home::{Home, ObjectMove};
use super::waypoints::WaypointGraph;
use crate::source::synthetic::object_id;
use crate::source::synthetic::render::{RenderScene, Rendering};
use crate::source::synthetic::space::Taken;

/// What stands between these heights is on the floor, for whoever draws a map of it: more than a threshold, and less than a lamp on the ceiling.
const ON_THE_FLOOR_M: [f64; 2] = [0.15, 1.6];
/// The picture goes on by this many pictures on each side for what is cut off by its border.
const AROUND: usize = 2;
/// Every how manieth pixel of that is counted along a side.
const COARSER: usize = 2;

#[derive(Debug, Serialize)]
pub struct Truth {
    frames_per_second: f64,
    ceiling: f64,
    rooms: Vec<TrueRoom>,
    doorways: Vec<TrueDoorway>,
    /// Outlines of the floor on which nothing stands between 0.15 and 1.6 m, on a grid of 5 cm: parts counter-clockwise, holes clockwise.
    free_floor: Vec<Vec<[f64; 2]>>,
    free_floor_area: f64,
    objects: Vec<TrueObject>,
    moved: Vec<TrueMove>,
    pub frames: Vec<TrueFrame>,
}

#[derive(Debug, Serialize)]
struct TrueRoom {
    region: String,
    kind: &'static str,
    polygon: Vec<[f64; 2]>,
    area: f64,
    stops: Vec<[f64; 2]>,
}

#[derive(Debug, Serialize)]
struct TrueDoorway {
    between: [String; 2],
    centre: [f64; 2],
    width: f64,
    height: f64,
    wall_along_x: bool,
}

#[derive(Debug, Serialize)]
struct TrueObject {
    object_id: String,
    category: &'static str,
    region: String,
    /// What it stands or lies on; none for the floor and walls.
    carried_by: Option<String>,
}

#[derive(Debug, Serialize)]
struct TrueMove {
    object_id: String,
    turned_degrees: f64,
    shifted: f64,
}

#[derive(Debug, Serialize)]
pub struct TrueFrame {
    frame: String,
    seconds: f64,
    region: Option<String>,
    sightings: Vec<TrueSighting>,
}

/// Pixels of one object in one frame.
#[derive(Debug, Serialize)]
pub struct TrueSighting {
    object_id: String,
    visible_px: u64,
    in_image_px: u64,
    /// On an image that goes on by two images on each side, of which every second pixel along a side is counted.
    whole_px: u64,
}

impl Truth {
    pub fn of(home: &Home, graph: &WaypointGraph, moves: &[ObjectMove], frames_per_second: f64) -> Self {
        let taken: Vec<Taken> = home.objects.iter().map(Taken::by).collect();
        let free = FreeFloor::new(&home.plan, taken.iter(), ON_THE_FLOOR_M);
        let name = |room: usize| home.plan.rooms[room].name.clone();
        let rooms = home.plan.rooms.iter().enumerate().map(|(n, room)| TrueRoom {
            region: room.name.clone(),
            kind: room.kind.category(),
            polygon: room.outline.polygon(),
            area: room.area(),
            stops: graph
                .stops()
                .filter(|stop| graph.points[*stop].room == Some(n))
                .map(|stop| graph.points[stop].at)
                .collect(),
        });
        let doorways = home.plan.doorways.iter().map(|door| TrueDoorway {
            between: door.between.map(name),
            centre: door.centre,
            width: door.width,
            height: door.height,
            wall_along_x: door.wall_along_x,
        });
        let objects = (0..home.objects.len()).map(|n| TrueObject {
            object_id: object_id(n),
            category: home.objects[n].category,
            region: home.room(n).name.clone(),
            carried_by: carrier(&taken, home, n).map(object_id),
        });
        let moved = moves.iter().map(|ObjectMove { object, motion }| {
            let before = home.objects[*object].obb.centre;
            TrueMove {
                object_id: object_id(*object),
                turned_degrees: motion.rotation[(1, 0)].atan2(motion.rotation[(0, 0)]).to_degrees(),
                shifted: (before - motion.inverse().apply(&before)).norm(),
            }
        });
        Self {
            frames_per_second,
            ceiling: home.plan.ceiling,
            rooms: rooms.collect(),
            doorways: doorways.collect(),
            free_floor_area: free.area(),
            free_floor: free.outlines(),
            objects: objects.collect(),
            moved: moved.collect(),
            frames: Vec::new(),
        }
    }
}

impl TrueFrame {
    pub fn of(
        home: &Home,
        scene: &RenderScene,
        name: String,
        seconds: f64,
        camera: &Intrinsics,
        pose: &Rigid,
        picture: &Rendering,
    ) -> Self {
        let (width, height) = (picture.width, picture.height);
        let mut visible = vec![0u64; home.objects.len()];
        for object in picture.instance.iter().filter_map(|id| usize::from(*id).checked_sub(1)) {
            visible[object] += 1;
        }
        let shown = (0..visible.len()).filter(|object| visible[*object] > 0);
        let sightings = shown.map(|object| {
            let in_image_px = scene.alone(object, camera, pose, width, height);
            let is_whole = is_inside(&home.objects[object].obb.corners(), camera, pose, width, height);
            let whole_px = if is_whole {
                in_image_px
            } else {
                beyond(scene, object, camera, pose, width, height).max(in_image_px)
            };
            TrueSighting { object_id: object_id(object), visible_px: visible[object], in_image_px, whole_px }
        });
        let eye = pose.translation;
        let region = home.plan.room_at([eye.x, eye.y]).map(|room| home.plan.rooms[room].name.clone());
        Self { frame: name, seconds, region, sightings: sightings.collect() }
    }
}

/// The object that another stands or lies on.
fn carrier(taken: &[Taken], home: &Home, object: usize) -> Option<usize> {
    let own = taken[object];
    let below = Taken { low: own.low - 0.02, high: own.low + 0.02, ..own };
    let carries =
        |other: &usize| *other != object && home.objects[*other].top.is_some() && taken[*other].meets(&below, 0.0);
    (0..taken.len()).find(carries).filter(|_| own.low > 0.05)
}

/// True where all corners are seen within the image.
fn is_inside(corners: &[Vector3<f64>], camera: &Intrinsics, pose: &Rigid, width: usize, height: usize) -> bool {
    let camera_from_world = pose.inverse();
    corners.iter().all(|corner| {
        let seen = camera_from_world.apply(corner);
        let (u, v) = (camera.fx * seen.x / seen.z + camera.cx, camera.fy * seen.y / seen.z + camera.cy);
        seen.z > 0.05 && u > 0.0 && v > 0.0 && u < width as f64 - 1.0 && v < height as f64 - 1.0
    })
}

/// The pixels of an object on a larger image, counted on a coarser grid.
fn beyond(scene: &RenderScene, object: usize, camera: &Intrinsics, pose: &Rigid, width: usize, height: usize) -> u64 {
    let scale = COARSER as f64;
    let wider = Intrinsics {
        fx: camera.fx / scale,
        fy: camera.fy / scale,
        cx: (camera.cx + (AROUND * width) as f64) / scale,
        cy: (camera.cy + (AROUND * height) as f64) / scale,
    };
    let across = 2 * AROUND + 1;
    scene.alone(object, &wider, pose, across * width / COARSER, across * height / COARSER) * (COARSER * COARSER) as u64
}
