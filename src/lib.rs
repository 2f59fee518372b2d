//! spatialmill turns image collections and 3D scans into spatial-reasoning question-answer data for vision-language models.

mod blocking;
mod cache_folder;
pub mod cli;
mod edit_distance;
pub mod error;
pub mod export;
pub mod functions;
mod listed;
mod marked_image;
pub mod models;
pub mod photos;
pub mod pipeline;
pub mod progress;
pub mod project;
mod random_id;
mod redact;
pub mod report;
pub mod run;
pub mod slice;
pub mod source;
mod spill;
pub mod suggestion;
pub mod tables;
mod terminal;
mod text;
pub mod warehouse;
