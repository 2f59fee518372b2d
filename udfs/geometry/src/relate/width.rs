//! Wider and thinner: whose extent along x is longer.
//!
//! ```text
//!   ┌────A────┐   ┌─B─┐               A.extent.x = 2, B.extent.x = 0.5
//!   └─────────┘   └───┘               value   1.5 m: A is wider than B, B is thinner than A
//!                                     margin  1.5 / 2 = 0.75
//! ```
//!
//! - value: |B.extent.x - A.extent.x|, metres, along the axes of the view and not of the object: what the viewer calls width;
//! - margin: value / the longer one, 0 to 1;
//! - overlap: 0 and agrees: true, as a size has no place and lengths of the view are what the image shows;
//! - inverse: wider and thinner are each other's; neither is symmetric; both are transitive; moving an object changes neither;
//! - degenerate: equal widths are neither.

use super::fact::{Formula, Side, higher, judge};
use super::{Axis, Objects};

pub const WIDTH: Axis = Axis {
    name: "width",
    unit: "m",
    lesser: ("thinner", "it is less wide"),
    greater: ("wider", "it is wider"),
    judge: judge::<Width>,
};

pub struct Width;

impl Formula for Width {
    fn side(objects: &Objects, row: usize) -> Side {
        Side::of_size(objects.columns.extent[0][row])
    }

    fn scale(a: Side, b: Side) -> f64 {
        higher(a.key, b.key)
    }

    fn overlap(_: Side, _: Side) -> f64 {
        0.0
    }
}
