//! Row structs: one for each table that a source fills, with the columns that `schemas/` declares.
//!
//! They serialise straight into Arrow arrays by field name, so that a column is written once here and once in its schema; a test holds the two
//! together.

use serde::{Deserialize, Serialize};
use spatialmill_columns::types::EncodedMask;
use spatialmill_geometry::{Bounds, BoxError, Intrinsics, OrientedBox, PixelBox, Vector3};

/// A row of `frames`; see `schemas/1_frames.sql` for units and axes. `source` is filled in by the engine.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Frame {
    pub frame_id: String,
    pub source: String,
    pub scene_id: Option<String>,
    pub split: Option<String>,
    pub licence: Option<String>,
    pub uri: String,
    pub sha256: Option<String>,
    pub width: i32,
    pub height: i32,
    pub fx: Option<f64>,
    pub fy: Option<f64>,
    pub cx: Option<f64>,
    pub cy: Option<f64>,
    pub camera_from: Option<&'static str>,
    pub world_from_camera: Option<Vec<f64>>,
    pub gravity: Option<Vec3>,
    pub depth_uri: Option<String>,
    pub depth_sha256: Option<String>,
    pub depth_scale: Option<f64>,
    pub timestamp: Option<f64>,
    pub lifted_from: Option<String>,
    pub exhaustive: bool,
    pub exhaustive_categories: Option<Vec<String>>,
    pub captions: Option<Vec<String>>,
}

impl Frame {
    /// A frame of which only the camera is known so far, from what the dataset says of it.
    pub fn taken_by(camera: &Intrinsics) -> Self {
        Self {
            fx: Some(camera.fx),
            fy: Some(camera.fy),
            cx: Some(camera.cx),
            cy: Some(camera.cy),
            camera_from: Some("annotation"),
            ..Self::default()
        }
    }
}

/// A row of `detections`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Detection {
    pub frame_id: String,
    pub object_id: String,
    pub category: String,
    pub caption: Option<String>,
    #[serde(rename = "box")]
    pub bbox: Box2,
    pub mask: Option<EncodedMask>,
    pub obb: Option<Obb>,
    pub visibility: Option<f64>,
    pub crowd: bool,
    pub score: Option<f64>,
    pub made_by: String,
}

/// A row of `scene_objects`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SceneObject {
    pub scene_id: String,
    pub object_id: String,
    pub category: String,
    pub caption: Option<String>,
    pub obb: Obb,
    pub min: Vec3,
    pub max: Vec3,
    pub first_seen: Option<f64>,
    pub upright: Option<bool>,
    pub box_from: Option<&'static str>,
    pub front: Option<Vec3>,
    pub symmetry: Option<i32>,
    pub points: Option<i64>,
    pub region: Option<String>,
}

impl SceneObject {
    /// An object with this box in its scene's world; `box_from` says who made the box.
    pub fn boxed(given: &OrientedBox, box_from: &'static str) -> Self {
        let Bounds { low, high } = given.bounds();
        Self {
            obb: given.into(),
            min: low.into(),
            max: high.into(),
            upright: Some(given.axes.iter().any(|axis| axis.z.abs() >= UPRIGHT)),
            box_from: Some(box_from),
            ..Self::default()
        }
    }
}

/// Cosine of half a degree: annotators' tools store axes with few digits.
const UPRIGHT: f64 = 0.999_96;

/// A row of `scenes`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Scene {
    pub scene_id: String,
    pub source: String,
    pub split: Option<String>,
    pub licence: Option<String>,
    pub kind: &'static str,
    pub category: Option<String>,
    pub place_id: String,
    pub within: Option<String>,
    pub min: Option<Vec3>,
    pub max: Option<Vec3>,
    pub floor_z: Option<f64>,
    pub floor_area: Option<f64>,
    pub floor_area_from: Option<&'static str>,
    pub metric: bool,
    pub exhaustive: bool,
}

/// A row of `waypoints`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Waypoint {
    pub scene_id: String,
    pub waypoint_id: String,
    pub position: Vec3,
    pub height: Option<f64>,
    pub region: Option<String>,
}

/// A row of `links`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Link {
    pub scene_id: String,
    pub from_waypoint: String,
    pub to_waypoint: String,
    pub length: f64,
}

/// A row of `motions`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Motion {
    pub scene_id: String,
    pub object_id: String,
    pub other_scene_id: String,
    pub other_object_id: String,
    pub moved: Vec<f64>,
}

/// A row of `surfaces`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Surface {
    pub scene_id: String,
    pub object_id: Option<String>,
    pub vertices: Vec<f32>,
    pub triangles: Vec<i32>,
}

/// Metres or a unit vector, in the frame that the column's comment names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Vec3 {
    pub x: f64,
    pub y: f64,
    pub z: f64,
}

/// Pixels; [0, 0, 1, 1] covers exactly the first pixel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Box2 {
    pub x0: f64,
    pub y0: f64,
    pub x1: f64,
    pub y1: f64,
}

/// Where the number of an object stands on its image, pixels, and how much room there is around.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct LabelPoint {
    pub x: f64,
    pub y: f64,
    pub radius: f64,
}

/// Oriented box: nine numbers of `axes` are three consecutive unit vectors; lengths are full.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Obb {
    pub centre: Vec3,
    pub axes: Vec<f64>,
    pub lengths: Vec3,
}

impl Box2 {
    /// x0, y0, x1, y1.
    pub fn corners(self) -> [f64; 4] {
        [self.x0, self.y0, self.x1, self.y1]
    }
}

impl From<PixelBox> for Box2 {
    fn from(PixelBox { x0, y0, x1, y1 }: PixelBox) -> Self {
        Self { x0, y0, x1, y1 }
    }
}

impl From<Box2> for PixelBox {
    fn from(Box2 { x0, y0, x1, y1 }: Box2) -> Self {
        Self { x0, y0, x1, y1 }
    }
}

impl From<Vec3> for Vector3<f64> {
    fn from(Vec3 { x, y, z }: Vec3) -> Self {
        Self::new(x, y, z)
    }
}

impl Obb {
    /// The box if it is one.
    pub fn checked(&self) -> Result<OrientedBox, BoxError> {
        let axis = |at: usize| match self.axes.get(3 * at..3 * at + 3) {
            Some(&[x, y, z]) if self.axes.len() == 9 => Vector3::new(x, y, z),
            _ => Vector3::repeat(f64::NAN),
        };
        let axes = [axis(0), axis(1), axis(2)];
        OrientedBox { centre: self.centre.into(), axes, lengths: self.lengths.into() }.checked()
    }
}

impl From<Vector3<f64>> for Vec3 {
    fn from(vector: Vector3<f64>) -> Self {
        Self { x: vector.x, y: vector.y, z: vector.z }
    }
}

impl From<&OrientedBox> for Obb {
    fn from(given: &OrientedBox) -> Self {
        let axes = given.axes.iter().flat_map(|axis| [axis.x, axis.y, axis.z]).collect();
        Self { centre: given.centre.into(), axes, lengths: given.lengths.into() }
    }
}
