//! The records of Visual Genome's files, with the names that its versions use.

use serde::Deserialize;

use crate::source::coco::id::Id;
use crate::source::rows::Refused;

/// Which file a record is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Image = 0,
    Objects = 1,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "images",
            Self::Objects => "objects",
        }
    }
}

/// An element of image_data.json.
#[derive(Debug, Deserialize)]
pub struct ImageRecord {
    pub image_id: Option<Id>,
    /// What older versions call it; regions have both.
    pub id: Option<Id>,
    pub width: u32,
    pub height: u32,
    pub url: Option<String>,
}

/// One of an image's objects.
#[derive(Debug, Deserialize)]
pub struct ObjectRecord {
    pub object_id: Option<Id>,
    pub id: Option<Id>,
    pub x: f64,
    pub y: f64,
    pub w: f64,
    pub h: f64,
    #[serde(default)]
    pub names: Vec<String>,
    pub name: Option<String>,
}

#[derive(Deserialize)]
struct Key {
    image_id: Option<Id>,
    id: Option<Id>,
}

/// What else an element of objects.json has beside its `objects`.
pub const BESIDE_OBJECTS: [&str; 4] = ["image_id", "id", "image_url", "url"];

/// The image that a record of either file is of.
pub fn image_id(json: &[u8]) -> Option<Id> {
    named(json).ok().or_else(|| Id::salvaged(json, "image_id"))
}

/// The image that a whole record of either file is of.
pub fn named(json: &[u8]) -> Result<Id, Refused> {
    let key: Key = serde_json::from_slice(json).map_err(|e| Refused::new("json", e.to_string()))?;
    key.image_id.or(key.id).ok_or_else(|| Refused::new("json", "the image has neither `image_id` nor `id`"))
}
