//! Row structs: one for each table that a source fills, with the columns that `schemas/` declares.
//!
//! They serialise straight into Arrow arrays by field name, so that a column is written once here and once in its schema; a test holds the two
//! together.

use serde::{Deserialize, Serialize};
use spatialmill_geometry::{Intrinsics, OrientedBox, Vector3};

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
    pub mask: Option<Mask>,
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Vec3 {
    pub x: f64,
    pub y: f64,
    pub z: f64,
}

/// Pixels; [0, 0, 1, 1] covers exactly the first pixel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Box2 {
    pub x0: f64,
    pub y0: f64,
    pub x1: f64,
    pub y1: f64,
}

/// COCO compressed run lengths.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Mask {
    pub height: i32,
    pub width: i32,
    pub counts: String,
}

/// Oriented box: nine numbers of `axes` are three consecutive unit vectors; lengths are full.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Obb {
    pub centre: Vec3,
    pub axes: Vec<f64>,
    pub lengths: Vec3,
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
