//! Families: how pictures become a network's inputs, and how its outputs become answers.
//!
//! ```text
//! picture ─ prepare ─► inputs ─ network ─► outputs ─ decode ─► boxes | mask | metres | intrinsics | gravity
//! ```
//!
//! Pure: no runtime, no files. A family knows a kind of network by what it is given and what it gives, so that any weights with the
//! same contract will do. Everything that a decoder gives is checked for range and finiteness; what fails is [`InvalidOutput`].

mod boxes;
mod depth_anything;
mod detr;
mod image_size;
mod incidence;
mod mask_of_logits;
mod metric3d;
mod metric_depth;
mod output;
mod perspective;
mod prompt;
mod readings;
mod relative_depth;
mod rtdetr;
mod sam;
mod sam2;
#[cfg(test)]
mod sampling;
mod stretch;
#[cfg(test)]
mod tests;
mod yolox;

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use spatialmill_geometry::{Intrinsics, Mask, PixelBox, Vector3};
use thiserror::Error;

use crate::{Inputs, InvalidOutput, Outputs, Rgb, Size};

/// What a model is asked for; the name of the SQL function that asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    Detect,
    Segment,
    Depth,
    Intrinsics,
    Gravity,
    Caption,
    Ground,
}

impl Task {
    /// Every task.
    pub const ALL: [Self; 7] =
        [Self::Detect, Self::Segment, Self::Depth, Self::Intrinsics, Self::Gravity, Self::Caption, Self::Ground];

    /// The task that a key of the configuration names a model for: `detect_model`.
    pub fn of_key(key: &str) -> Option<Self> {
        let name = key.strip_suffix("_model")?;
        Self::ALL.into_iter().find(|task| task.name() == name)
    }

    /// As in `models.toml` and SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Detect => "detect",
            Self::Segment => "segment",
            Self::Depth => "depth",
            Self::Intrinsics => "intrinsics",
            Self::Gravity => "gravity",
            Self::Caption => "caption",
            Self::Ground => "ground",
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One kind of network, or of two that work together.
#[derive(Debug)]
pub struct Family {
    /// As in `family = "..."` of `models.toml`.
    pub name: &'static str,
    /// What its models do.
    pub task: Task,
    /// One line for lists.
    pub doc: &'static str,
    /// The networks, inputs, outputs and parameters, with their defaults, for `spatialmill models --family NAME`.
    pub long_doc: &'static str,
    /// Its networks, in the order in which [`Family::open`] gets their signatures.
    pub networks: &'static [NetworkRoles],
    /// The family for networks of these signatures, with the parameters of its entry.
    pub open: fn(&Parameters, &[Signature]) -> Result<Adapter, InvalidModel>,
}

/// What a family calls a network and its inputs and outputs.
#[derive(Debug)]
pub struct NetworkRoles {
    /// `main` where there is only one.
    pub name: &'static str,
    pub inputs: &'static [&'static str],
    pub outputs: &'static [&'static str],
    /// Those of them that only some exports have. [`Family::open`] sees in the signatures which are there.
    pub optional: &'static [&'static str],
}

/// Every family.
pub const FAMILIES: &[&Family] = &[
    &yolox::FAMILY,
    &detr::FAMILY,
    &rtdetr::FAMILY,
    &sam2::FAMILY,
    &sam::FAMILY,
    &metric_depth::FAMILY,
    &depth_anything::FAMILY,
    &metric3d::FAMILY,
    &relative_depth::FAMILY,
    &incidence::FAMILY,
    &perspective::FAMILY,
];

/// The parameters of an entry of `models.toml`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parameters(pub toml::Table);

impl Parameters {
    /// As a struct that refuses what it does not know.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, InvalidModel> {
        self.0
            .clone()
            .try_into()
            .map_err(|e: toml::de::Error| InvalidModel(format!("a wrong parameter: {}", e.message())))
    }
}

/// The sizes that a network declares for its inputs and outputs, by role; none where any size will do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signature {
    pub inputs: BTreeMap<String, Vec<Option<usize>>>,
    pub outputs: BTreeMap<String, Vec<Option<usize>>>,
}

/// Why a network, or its parameters, do not suit a family. Said before any row is read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct InvalidModel(pub String);

/// A family, ready for its networks.
pub enum Adapter {
    Detect(Box<dyn Detect>),
    Segment(Box<dyn Segment>),
    Depth(Box<dyn EstimateDepth>),
    Intrinsics(Box<dyn EstimateIntrinsics>),
    Gravity(Box<dyn EstimateGravity>),
}

/// 2D boxes of a picture's objects.
pub trait Detect: Send + Sync {
    fn prepare(&self, picture: &Rgb) -> Inputs;
    /// Best first, overlapping ones of one category left out, boxes inside the picture.
    fn decode(&self, outputs: &Outputs, picture: Size) -> Result<Vec<Found>, InvalidOutput>;
}

/// One object that a detector found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// As the model's labels say.
    pub label: String,
    /// 0-1.
    pub score: f32,
    /// Pixels of the picture.
    pub bounds: PixelBox,
}

/// A mask for a box prompt. The picture is embedded once, whatever the number of its boxes.
pub trait Segment: Send + Sync {
    /// Inputs of the network `encoder`.
    fn prepare(&self, picture: &Rgb) -> Inputs;
    /// Inputs of the network `decoder`, for one box.
    fn prompt(&self, embedding: &Outputs, bounds: &PixelBox, picture: Size) -> Result<Inputs, InvalidOutput>;
    /// The best mask for the box that was the prompt, of the picture's size, and how good the model thinks it is (0-1).
    fn decode(&self, outputs: &Outputs, bounds: &PixelBox, picture: Size) -> Result<(Mask, f32), InvalidOutput>;
}

/// Monocular metric depth from one picture.
pub trait EstimateDepth: Send + Sync {
    /// `camera` is the picture's.
    fn prepare(&self, picture: &Rgb, camera: &Intrinsics) -> Inputs;
    /// Metres along the viewing direction. The map shows what the picture shows, at the network's resolution; 0 is no reading.
    fn decode(&self, outputs: &Outputs, picture: Size, camera: &Intrinsics) -> Result<DepthMap, InvalidOutput>;
}

/// Metres, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct DepthMap {
    pub size: Size,
    pub metres: Vec<f32>,
}

/// Camera intrinsics from one picture.
pub trait EstimateIntrinsics: Send + Sync {
    fn prepare(&self, picture: &Rgb) -> Inputs;
    /// In pixels of the picture.
    fn decode(&self, outputs: &Outputs, picture: Size) -> Result<Intrinsics, InvalidOutput>;
}

/// The direction of gravity from one picture.
pub trait EstimateGravity: Send + Sync {
    fn prepare(&self, picture: &Rgb) -> Inputs;
    /// A unit vector that points down, in camera axes (x right, y down, z forward).
    fn decode(&self, outputs: &Outputs, picture: Size) -> Result<Vector3<f64>, InvalidOutput>;
}
