//! Larger and smaller: whose box along the view axes holds more.
//!
//! ```text
//!   ┌───────┐   ┌─B─┐                 A.extent = (2, 1, 1), B.extent = (1, 1, 0.5)
//!   │   A   │   └───┘                 value   1.5 m3: A is larger than B, B is smaller than A
//!   └───────┘                         margin  1.5 / 2 = 0.75
//! ```
//!
//! - value: difference of the products of the extents, cubic metres;
//! - margin: value / the larger one, 0 to 1;
//! - overlap: 0 and agrees: true, as for [`super::width`];
//! - inverse: larger and smaller are each other's; neither is symmetric; both are transitive; moving an object changes neither;
//! - degenerate: equal volumes are neither, and so are two flat objects, whose volumes are both 0.

use super::fact::{Formula, Side, higher, judge};
use super::{Axis, Objects};

pub const VOLUME: Axis = Axis {
    name: "volume",
    unit: "m3",
    lesser: ("smaller", "its box in the view has the smaller volume"),
    greater: ("larger", "its box in the view has the larger volume"),
    judge: judge::<Volume>,
};

pub struct Volume;

impl Formula for Volume {
    fn side(objects: &Objects, row: usize) -> Side {
        Side::of_size(objects.volume(row))
    }

    fn scale(a: Side, b: Side) -> f64 {
        higher(a.key, b.key)
    }

    fn overlap(_: Side, _: Side) -> f64 {
        0.0
    }
}
