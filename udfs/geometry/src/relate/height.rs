//! Taller and shorter: whose extent along z is longer.
//!
//! ```text
//!   ┌─┐                               A.extent.z = 2, B.extent.z = 1.5
//!   │A│  ┌─┐                          value   0.5 m: A is taller than B, B is shorter than A
//!   │ │  │B│                          margin  0.5 / 2 = 0.25
//!   └─┘  └─┘
//! ```
//!
//! - value: |B.extent.z - A.extent.z|, metres: the object's own height, wherever it stands or hangs;
//! - margin: value / the longer one, 0 to 1;
//! - overlap: 0 and agrees: true, as for [`super::width`];
//! - inverse: taller and shorter are each other's; neither is symmetric; both are transitive; moving an object or turning the
//!   camera about the vertical changes neither;
//! - degenerate: equal heights are neither.

use super::fact::{Formula, Side, higher, judge};
use super::{Axis, Objects};

pub const HEIGHT: Axis = Axis {
    name: "height",
    unit: "m",
    lesser: ("shorter", "it is less tall"),
    greater: ("taller", "it is taller"),
    judge: judge::<Height>,
};

pub struct Height;

impl Formula for Height {
    fn side(objects: &Objects, row: usize) -> Side {
        Side::of_size(objects.columns.extent[2][row])
    }

    fn scale(a: Side, b: Side) -> f64 {
        higher(a.key, b.key)
    }

    fn overlap(_: Side, _: Side) -> f64 {
        0.0
    }
}
