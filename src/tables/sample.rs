//! A sample: a row of `dataset`, with the images that it shows once it is exported.

use serde::{Deserialize, Serialize};

use super::rows::{Box2, LabelPoint};

/// A row of `dataset`; the columns mean what `schemas/7_dataset.sql` says. Only what is read by name is a field.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    pub sample_id: String,
    pub question_id: String,
    pub source: String,
    pub licence: Option<String>,
    pub split: Option<String>,
    pub scene_id: Option<String>,
    pub frame_ids: Vec<String>,
    pub task: String,
    pub relation: String,
    pub answer_form: String,
    pub text_format: String,
    pub image_format: String,
    pub question: String,
    pub answer: String,
    pub options: Option<Vec<String>>,
    pub answer_index: Option<i32>,
    /// The canonical answer.
    pub ground_truth: String,
    pub answer_value: Option<f64>,
    pub answer_unit: Option<String>,
    pub object_ids: Vec<String>,
    /// Those that the text writes.
    pub boxes: Vec<TextBox>,
    /// What is drawn on its images.
    pub marks: Vec<MarkRecipe>,
    pub margin: f64,
    pub visibility: f64,
    pub lift_quality: f64,
    pub template_id: String,
    pub seed: i64,
    pub generator: String,
    /// One for each of `frame_ids`; no column.
    #[serde(default)]
    pub images: Vec<SampleImage>,
    /// The other columns: exports of all columns write them as they are.
    #[serde(flatten)]
    pub other_columns: serde_json::Map<String, serde_json::Value>,
}

/// A box that a text writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct TextBox {
    /// Which of the sample's images it is on, counted from 0.
    #[serde(default)]
    pub image: usize,
    /// Pixels of that image.
    #[serde(flatten)]
    pub bbox: Box2,
}

/// What is drawn on one of a sample's images.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MarkRecipe {
    pub object_id: String,
    /// box, mask or number.
    pub kind: String,
    /// Which of the sample's images it is drawn on, counted from 0.
    #[serde(default)]
    pub image: usize,
    /// Of a box.
    #[serde(rename = "box")]
    pub bbox: Option<Box2>,
    /// Of a number.
    pub place: Option<LabelPoint>,
    pub colour: String,
    /// Of a number.
    pub label: Option<String>,
}

/// An image of a sample, as it is drawn.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SampleImage {
    /// Relative to the export's folder.
    pub path: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}
