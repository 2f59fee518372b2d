//! Cards of the gallery: a sample with its images, and the objects that it speaks of. In: rows of `gallery.sql`. Out: what the page draws.

use serde::Deserialize;
use spatialmill_columns::types::EncodedMask;

use super::sheet::NamedObject;
use crate::tables::MarkRecipe;

/// A sample, one of its images and one of the objects there.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct GalleryRow {
    pub sample_id: String,
    pub source: String,
    #[serde(default)]
    pub scene_id: Option<String>,
    #[serde(default)]
    pub frame_ids: Vec<String>,
    #[serde(default)]
    pub object_ids: Vec<String>,
    pub task: String,
    pub relation: String,
    pub answer_form: String,
    pub text_format: String,
    pub image_format: String,
    pub question: String,
    pub answer: String,
    pub options: Option<Vec<String>>,
    pub answer_index: Option<usize>,
    pub answer_value: Option<f64>,
    pub answer_unit: Option<String>,
    pub margin: f64,
    pub visibility: f64,
    /// Which of the sample's images, from 0.
    #[serde(default)]
    pub image: usize,
    pub frame_id: String,
    pub uri: String,
    pub width: u32,
    pub height: u32,
    #[serde(default)]
    pub marks: Vec<MarkRecipe>,
    #[serde(flatten)]
    pub object: Option<CardObject>,
}

/// An object with its box, pixels of the full image.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct CardObject {
    pub object_id: String,
    pub category: String,
    pub nearest: f64,
    pub x0: f64,
    pub y0: f64,
    pub x1: f64,
    pub y1: f64,
    pub mask: Option<EncodedMask>,
}

/// A sample with all that is shown of it.
#[derive(Debug, Default)]
pub struct Card {
    pub sample: GalleryRow,
    pub views: Vec<CardView>,
    /// The objects that it names, where it shows several images.
    pub named: Vec<NamedObject>,
    /// Its scene from above, where it shows several images and the scene has a world: a `data:` URI.
    pub scene: Option<String>,
}

impl Card {
    pub fn shows_several(&self) -> bool {
        self.views.len() > 1
    }
}

/// One of a sample's images.
#[derive(Debug, Default)]
pub struct CardView {
    pub shown: GalleryRow,
    pub objects: Vec<CardObject>,
    pub image: CardImage,
}

/// What an image has become.
#[derive(Debug, Clone)]
pub enum CardImage {
    /// A `data:` URI.
    Small(String),
    /// Why there is none.
    Missing(String),
}

impl Default for CardImage {
    fn default() -> Self {
        Self::Missing("not loaded".to_owned())
    }
}

/// An object's box as attributes of a rectangle, and where its number stands.
pub fn rectangle(object: &CardObject, (width, height): (f64, f64), size: f64) -> (String, (f64, f64)) {
    let (x0, y0) = (object.x0.clamp(0.0, width), object.y0.clamp(0.0, height));
    let (w, h) = ((object.x1.min(width) - x0).max(0.0), (object.y1.min(height) - y0).max(0.0));
    let rect = format!("x=\"{x0:.1}\" y=\"{y0:.1}\" width=\"{w:.1}\" height=\"{h:.1}\"");
    // Inside the box's corner, so that a box at the image's edge keeps its number.
    (rect, (x0 + 0.25 * size, (y0 + size).min(height - 0.2 * size)))
}
