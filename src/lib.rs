//! spatialmill turns image collections and 3D scans into spatial-reasoning question-answer data for vision-language models.

pub mod error;
pub mod source;
pub mod warehouse;
