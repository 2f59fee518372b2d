//! Left and right: whose centre lies further along x.
//!
//! ```text
//!   z                                 A.centre.x = -1, B.centre.x = 0.5
//!   │  ┌─A─┐      ┌──B──┐             value   1.5 m: A is left of B, B is right of A
//!   │  └───┘      └─────┘             margin  1.5 / mean(1, 1.5) = 1.2
//!   └───┼───────┼────┼──── x          overlap 0: [-1.5, -0.5] and [-0.25, 1.25] share nothing
//!      -1       0   0.5
//! ```
//!
//! - value: |B.centre.x - A.centre.x|, metres;
//! - margin: value / mean of the two widths, so that 1 is about "side by side without touching";
//! - overlap: of the two intervals in x;
//! - agrees: the bearings atan2(x, y) of the centres are ordered the same way. A distant object on the right of the room may
//!   well appear to the left of a close one; a person who looks at the image says "left", so such a fact is not asked about;
//! - inverse: left and right are each other's; neither is symmetric; both are transitive; a mirror image swaps them;
//! - degenerate: equal x is neither. A centre behind the camera has a bearing beyond ±90°, which orders it as one would turn;
//!   one straight above or below the camera has none, and the image agrees to nothing about it.

use super::fact::{Formula, Side, judge, shared_interval};
use super::{Axis, Objects};

pub const LATERAL: Axis = Axis {
    name: "lateral",
    unit: "m",
    lesser: ("left", "its centre is further to the left"),
    greater: ("right", "its centre is further to the right"),
    judge: judge::<Lateral>,
};

pub struct Lateral;

impl Formula for Lateral {
    fn side(objects: &Objects, row: usize) -> Side {
        Side::along(0, objects, row, objects.columns.centre[0][row], objects.bearing(row))
    }

    fn scale(a: Side, b: Side) -> f64 {
        0.5 * (a.length + b.length)
    }

    fn overlap(a: Side, b: Side) -> f64 {
        shared_interval(a, b)
    }
}
