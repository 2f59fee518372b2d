//! Rows: what a source reader hands to the engine, one struct per table, with the columns that `schemas/` declares.
//!
//! The structs serialise straight into Arrow arrays by field name, so that a column is written once here and once in its
//! schema; a test holds the two together.

use serde::{Deserialize, Serialize, Serializer};
use spatialmill_geometry::{Intrinsics, OrientedBox, Vector3};

use crate::error::Result;

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

/// A record that could not be used.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Quarantined {
    /// The record's own key: image id, annotation id, scene, line.
    pub key: String,
    /// The file, relative to the source's root.
    pub uri: Option<String>,
    /// Short and countable: `json`, `image`, `depth`, `mask`, `box`, `pose`, `missing_file`, ...
    pub code: &'static str,
    pub message: String,
    /// What is lost with it.
    pub loss: Loss,
}

/// What is lost where a record is quarantined. `max_quarantined` holds images against images, and records against records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Loss {
    /// An image, with all that is said of it.
    Image,
    /// So many of them, with the archive or the part of one that holds them.
    Images(u64),
    /// This record alone.
    #[default]
    Record,
    /// Nothing, or nothing more: what is odd about a record that is used all the same, or a record of an image that is lost already.
    Nothing,
}

impl Loss {
    /// How many images are lost.
    pub fn images(self) -> u64 {
        match self {
            Self::Image => 1,
            Self::Images(images) => images,
            Self::Record | Self::Nothing => 0,
        }
    }
}

impl Serialize for Loss {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Image | Self::Images(_) => "image",
            Self::Record => "record",
            Self::Nothing => "nothing",
        })
    }
}

/// Why a record cannot be used: what [`Rows::refuse`] turns into a quarantined row once the key and the file are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// As in [`Quarantined::code`].
    pub code: &'static str,
    /// As in [`Quarantined::message`].
    pub message: String,
}

impl Refused {
    /// A reason with its code.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
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

/// One row of any table.
#[derive(Debug, Clone)]
pub enum Row {
    Frame(Frame),
    Detection(Detection),
    SceneObject(SceneObject),
    Surface(Surface),
    Quarantined(Quarantined),
}

/// Where a reader puts its rows. Pushing blocks while the writer is behind, so that a reader never runs ahead of the disk.
pub struct Rows {
    push: Box<dyn FnMut(Row) -> Result<()> + Send>,
    /// Records seen, used or not: the left side of "rows in = rows out + quarantined".
    pub seen: u64,
}

impl Rows {
    /// Rows that go to `push`.
    pub fn new(push: impl FnMut(Row) -> Result<()> + Send + 'static) -> Self {
        Self { push: Box::new(push), seen: 0 }
    }

    /// Hands one row on.
    pub fn push(&mut self, row: Row) -> Result<()> {
        self.seen += 1;
        (self.push)(row)
    }

    /// Puts a record into quarantine.
    pub fn quarantine(
        &mut self,
        key: impl Into<String>,
        uri: Option<String>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Result<()> {
        let (key, message) = (key.into(), message.into());
        self.push(Row::Quarantined(Quarantined { key, uri, code, message, loss: Loss::Record }))
    }

    /// Puts a record into quarantine for a reason that was found earlier.
    pub fn refuse(&mut self, key: impl Into<String>, uri: &str, why: Refused) -> Result<()> {
        self.lose(Loss::Record, key, uri, why)
    }

    /// Puts an image into quarantine.
    pub fn refuse_image(&mut self, key: impl Into<String>, uri: &str, why: Refused) -> Result<()> {
        self.lose(Loss::Image, key, uri, why)
    }

    /// Notes what is odd about a record that is used all the same, or what is lost with an image that is quarantined already.
    pub fn remark(&mut self, key: impl Into<String>, uri: &str, why: Refused) -> Result<()> {
        self.lose(Loss::Nothing, key, uri, why)
    }

    /// Any of these.
    pub fn lose(&mut self, loss: Loss, key: impl Into<String>, uri: &str, why: Refused) -> Result<()> {
        let Refused { code, message } = why;
        self.push(Row::Quarantined(Quarantined { key: key.into(), uri: Some(uri.to_owned()), code, message, loss }))
    }
}
