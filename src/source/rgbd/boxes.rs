//! `boxes.json`: oriented boxes of a scene's objects, in its world or in the axes of one image's camera.

use std::collections::HashSet;

use serde::Deserialize;
use serde::de::IgnoredAny;
use spatialmill_geometry::{OrientedBox, Rigid, Vector3};

use crate::source::caption::Caption;
use crate::source::category;
use crate::source::json::forms::{self, Number, Numbers, Perhaps, Text};
use crate::source::json::id::Id;
use crate::tables::{SceneObject, Unusable};

/// Larger files are refused: a box takes some 300 bytes.
pub const MAX_BYTES: u64 = 256 << 20;

/// What the boxes' coordinates are relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoxAxes {
    /// The world of the scene's poses.
    World,
    /// The camera of the image that each box names.
    Camera,
}

/// What the file should be.
const SHAPE: &str = "{\"frame\": \"world\" or \"camera\", \"boxes\": [{\"id\": .., \"category\": .., \"centroid\": .., \"axesLengths\": .., \
                     \"normalizedAxes\": ..}, ..]}";

/// The file as a whole.
#[derive(Deserialize)]
struct Head {
    frame: BoxAxes,
    #[serde(rename = "boxes")]
    _boxes: Vec<IgnoredAny>,
}

/// Its reference, and its boxes as they stand there. Code: `json`.
pub fn read(json: &[u8]) -> Result<(BoxAxes, Vec<Vec<u8>>), Unusable> {
    let Head { frame, .. } = forms::file(json, SHAPE)?;
    Ok((frame, forms::elements(json, "boxes")?))
}

/// One box. Lengths are full; the nine numbers of the axes are three unit vectors, one after the other.
#[derive(Debug, Clone, Deserialize)]
pub struct BoxRecord {
    pub id: Id,
    pub category: String,
    #[serde(default)]
    pub caption: Option<Perhaps<String>>,
    pub centroid: Numbers,
    #[serde(rename = "axesLengths")]
    pub lengths: Numbers,
    #[serde(rename = "normalizedAxes")]
    pub axes: Numbers,
    /// In how many turns about the vertical the object looks the same: 1 in one alone, 0 in any.
    #[serde(default)]
    pub symmetry: Option<Number>,
    /// The colour image's name, without its ending or with it, in its folder or not; only where the reference is the camera.
    #[serde(default)]
    pub image: Option<Text>,
}

impl BoxRecord {
    /// The row, moved into an upright world, and what is odd about it. Codes: `box3d`, `category`.
    pub fn scene_object(self, scene_id: &str, world: &Rigid) -> Result<(SceneObject, Option<Unusable>), Unusable> {
        let category = category::spelled(&self.category);
        let category = category.ok_or_else(|| Unusable::new("category", "the box's category is empty"))?;
        let caption = Perhaps::given(&self.caption).and_then(|caption| Caption::of(caption));
        let (caption, oddity) = caption.map_or((None, None), |Caption { text, oddity }| (Some(text), oddity));
        let wrong = |field: &'static str| move |why: String| Unusable::new("box3d", format!("`{field}` has {why}"));
        let [a, b, c, d, e, f, g, h, i] = self.axes.exactly().map_err(wrong("normalizedAxes"))?;
        let given = OrientedBox {
            centre: self.centroid.exactly::<3>().map_err(wrong("centroid"))?.into(),
            axes: [Vector3::new(a, b, c), Vector3::new(d, e, f), Vector3::new(g, h, i)],
            lengths: self.lengths.exactly::<3>().map_err(wrong("axesLengths"))?.into(),
        };
        let given = given.checked().map_err(|e| Unusable::new("box3d", e.to_string()))?;
        let symmetry = match Number::given(self.symmetry) {
            None => None,
            Some(turns @ 0.0..=360.0) if turns.fract() == 0.0 => Some(turns as i32),
            Some(turns) => {
                return Err(wrong("symmetry")(format!("{turns}, which is no number of turns from 0 to 360")));
            }
        };
        let object = SceneObject {
            scene_id: scene_id.to_owned(),
            object_id: self.id.0,
            category,
            caption,
            symmetry,
            ..SceneObject::boxed(&given.transform(world), "annotation")
        };
        Ok((object, oddity))
    }
}

/// Ids that a scene has used already.
#[derive(Default)]
pub struct UsedIds(HashSet<(String, String)>);

impl UsedIds {
    /// Code: `duplicate`.
    pub fn claim(&mut self, object: &SceneObject) -> Result<(), Unusable> {
        if self.0.insert((object.scene_id.clone(), object.object_id.clone())) {
            return Ok(());
        }
        Err(Unusable::new("duplicate", format!("there is a box `{}` already; the first one is used", object.object_id)))
    }
}
