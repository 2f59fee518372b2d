//! A sample as exports see it: a row of `dataset` with its images.

use serde::{Deserialize, Serialize};

/// A row of `dataset`; the columns mean what `schemas/8_dataset.sql` says.
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
    pub answer_value: Option<f64>,
    pub answer_unit: Option<String>,
    pub object_ids: Vec<String>,
    /// x0, y0, x1, y1 in pixels of the first image.
    pub boxes: Vec<[f64; 4]>,
    pub marks: Vec<MarkRow>,
    pub margin: f64,
    pub visibility: f64,
    pub lift_quality: f64,
    pub template_id: String,
    pub seed: i64,
    pub generator: String,
    /// One for each of `frame_ids`.
    pub images: Vec<SampleImage>,
}

/// What is drawn on a sample's first image.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MarkRow {
    pub object_id: String,
    /// box, mask or number.
    pub kind: String,
    /// x0, y0, x1, y1; of a box.
    #[serde(rename = "box")]
    pub bbox: Option<[f64; 4]>,
    /// x, y and the room around; of a number.
    pub place: Option<[f64; 3]>,
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
