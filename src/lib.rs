//! spatialmill turns image collections and 3D scans into spatial-reasoning question-answer data for vision-language models.
//!
//! The front door is a [`Project`], read from its `mill.toml`, and the [`Mill`] of it, whose verbs are those of the command line: `import`,
//! `build`, `verify`, `export`, `verify_export`, `report`, ... Rows of the dataset are chosen by a [`Selection`](slice::Selection).

mod blocking;
mod cache_folder;
pub mod cli;
#[cfg(test)]
mod docs;
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

pub use error::{Error, Result};
pub use progress::Progress;
pub use project::Project;
pub use run::Mill;
