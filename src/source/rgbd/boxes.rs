//! `boxes.json`: oriented boxes of a scene's objects, in its world or in the axes of one image's camera.

use std::collections::HashSet;

use serde::Deserialize;
use spatialmill_geometry::{OrientedBox, Rigid, Vector3};

use crate::source::category;
use crate::source::coco::id::Id;
use crate::source::coco::object::MAX_CAPTION;
use crate::source::rows::{Refused, SceneObject};

/// Larger files are refused: a box takes some 300 bytes.
pub const MAX_BYTES: u64 = 256 << 20;

/// What the boxes' coordinates are relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// The world of the scene's poses.
    World,
    /// The camera of the image that each box names.
    Camera,
}

/// The file, its boxes still unjudged.
#[derive(Deserialize)]
pub struct BoxFile {
    pub frame: Reference,
    pub boxes: Vec<serde_json::Value>,
}

/// One box. Lengths are full; the nine numbers of the axes are three unit vectors, one after the other.
#[derive(Debug, Clone, Deserialize)]
pub struct BoxRecord {
    pub id: Id,
    pub category: String,
    #[serde(default)]
    pub caption: Option<String>,
    pub centroid: [f64; 3],
    #[serde(rename = "axesLengths")]
    pub lengths: [f64; 3],
    #[serde(rename = "normalizedAxes")]
    pub axes: [f64; 9],
    /// The colour image's name without its ending; only where the reference is the camera.
    #[serde(default)]
    pub image: Option<String>,
}

impl BoxRecord {
    /// The row, moved into an upright world. Codes: `box3d`, `category`, `caption`.
    pub fn scene_object(self, scene_id: &str, world: &Rigid) -> Result<SceneObject, Refused> {
        let category = category::spelled(&self.category);
        let category = category.ok_or_else(|| Refused::new("category", "the box's category is empty"))?;
        if self.caption.as_ref().is_some_and(|caption| caption.len() > MAX_CAPTION) {
            return Err(Refused::new("caption", format!("the caption is longer than {MAX_CAPTION} bytes")));
        }
        let [a, b, c, d, e, f, g, h, i] = self.axes;
        let given = OrientedBox {
            centre: self.centroid.into(),
            axes: [Vector3::new(a, b, c), Vector3::new(d, e, f), Vector3::new(g, h, i)],
            lengths: self.lengths.into(),
        };
        let given = given.checked().map_err(|e| Refused::new("box3d", e.to_string()))?;
        let obb = given.transform(world);
        let bounds = obb.bounds();
        Ok(SceneObject {
            scene_id: scene_id.to_owned(),
            object_id: self.id.0,
            category,
            caption: self.caption.map(|caption| caption.trim().to_owned()).filter(|caption| !caption.is_empty()),
            min: bounds.low.into(),
            max: bounds.high.into(),
            obb: (&obb).into(),
            first_seen: None,
        })
    }
}

/// Ids that a scene has used already.
#[derive(Default)]
pub struct Used(HashSet<(String, String)>);

impl Used {
    /// Code: `duplicate`.
    pub fn claim(&mut self, object: &SceneObject) -> Result<(), Refused> {
        if self.0.insert((object.scene_id.clone(), object.object_id.clone())) {
            return Ok(());
        }
        Err(Refused::new("duplicate", format!("there is a box `{}` already; the first one is used", object.object_id)))
    }
}
