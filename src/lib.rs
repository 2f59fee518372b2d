//! spatialmill turns image collections and 3D scans into spatial-reasoning question-answer data for vision-language models.
//!
//! The front door is a [`Project`], read from its `mill.toml`, and the [`Mill`] of it, whose verbs are those of the command line: `import`,
//! `build`, `verify`, `session` (which `sql` runs in), `export`, `verify_export`, `report`, `sheet`, and its warehouse's `collect_garbage`. Rows of the
//! dataset are chosen by a [`Selection`]. Whatever else is in this crate is its own business.
//!
//! ```no_run
//! # async fn built() -> spatialmill::Result<()> {
//! use spatialmill::{Mill, Progress, Project, Selection};
//!
//! let project = Project::load("rooms".as_ref(), &["seed=7".to_owned()])?;
//! let mill = Mill::open(project, Progress::stderr()).await?;
//! mill.import(&[]).await?;
//! mill.build(None).await?;
//! let left = Selection { relation: vec!["left".to_owned()], ..Selection::default() };
//! println!("{} samples", left.rows(&mill, None).await?.rows.count().await?);
//! # Ok(())
//! # }
//! ```

mod blocking;
mod cache_folder;
pub mod cli;
#[cfg(test)]
mod docs;
mod edit_distance;
mod error;
mod export;
mod functions;
mod listed;
mod marked_image;
mod models;
mod photos;
mod pipeline;
mod process_memory;
mod progress;
mod project;
#[cfg(test)]
mod query_cases;
mod random_id;
mod redact;
mod report;
mod run;
mod slice;
mod source;
mod spill;
mod suggestion;
mod tables;
mod terminal;
mod text;
mod warehouse;

pub use error::{Error, Kind as ErrorKind, Result};
pub use export::{Dialect, EXPORTS, ExportKind, ExportOptions, ExportOutcome, ImageStorage, Manifest, VerifiedExport};
pub use functions::docs as function_docs;
pub use models::Models;
pub use models::library::{RuntimeBuild, set_up_runtime};
pub use progress::Progress;
pub use project::Project;
pub use report::sheet::{FrameSheet, PANELS, Panel, SampleSheet};
pub use run::Mill;
pub use run::build::Built;
pub use run::import::Imported;
pub use run::parallel::BuildPart;
pub use run::verify::Finding;
pub use slice::{Selected, Selection};
pub use warehouse::{Collected, Part, Retention, Table, Warehouse};
