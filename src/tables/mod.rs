//! Tables: the columns that `schemas/` declares, the structs that become their rows, and why a record becomes none.
//!
//! Sources make these structs, functions and the pipeline make and count [`Unusable`] records, exports and the report read rows; nothing here opens
//! a file, plans a query or knows who uses it.

pub mod from_arrow;
mod quarantine_codes;
mod row_counts;
mod rows;
mod sample;
mod schemas;
mod unusable;

#[cfg(test)]
pub use self::quarantine_codes::QUARANTINE_CODES;
pub use self::quarantine_codes::quarantine_code;
pub use self::row_counts::RowCounts;
pub use self::rows::{Box2, Detection, Frame, Link, Motion, Obb, Scene, SceneObject, Surface, Vec3, Waypoint};
pub use self::sample::{MarkRecipe, Sample, SampleImage, TextBox};
pub use self::schemas::{TableSchema, schemas};
pub use self::unusable::{Loss, Quarantined, Unusable};

/// The column of a stage's query that says why a row does not go on, for a reason that is no fault.
pub const FILTERED: &str = "filtered";

/// The column of a stage's query that says why a row cannot be used: a struct of `code` and `message`.
pub const QUARANTINED: &str = "quarantined";
