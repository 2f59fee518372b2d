//! Near and far: whose nearest surface lies less far ahead, along y.
//!
//! ```text
//!   y
//! 4 ┤   ┌──B──┐                       A.nearest = 2, its centre is 2.5 m from the camera; B.nearest = 3.5
//!   │   └─────┘ 3.5                   value   1.5 m: A is nearer than B, B is farther than A
//! 2 ┤        ┌A┐                      margin  1.5 / 2.5 = 0.6
//!   │        └─┘ 2                    overlap 0: [2, 3] and [3.5, 4.5] share nothing
//!   o──────────────── x
//! ```
//!
//! - value: |B.nearest - A.nearest|, metres;
//! - margin: value / straight distance from the camera to the centre of the nearer one, because an error of depth grows with
//!   the distance: 30 cm are clear on a table and nothing across a street;
//! - overlap: of the two intervals in y;
//! - agrees: the straight distances to the centres are ordered the same way. A wall that starts beside the camera is nearer
//!   by its surface and farther by its centre; people disagree about it, so it is not asked about;
//! - inverse: near and far are each other's; neither is symmetric; both are transitive;
//! - degenerate: equal nearest surfaces are neither. A surface behind the camera has a negative y and counts as nearer still.

use super::fact::{Formula, Side, judge, shared_interval};
use super::{Axis, Objects};

pub const DEPTH: Axis = Axis {
    name: "depth",
    unit: "m",
    lesser: ("near", "its nearest surface is less far ahead"),
    greater: ("far", "its nearest surface is further ahead"),
    judge: judge::<Depth>,
};

pub struct Depth;

impl Formula for Depth {
    fn side(objects: &Objects, row: usize) -> Side {
        Side::along(1, objects, row, objects.columns.nearest[row], objects.distance(row))
    }

    fn scale(a: Side, b: Side) -> f64 {
        if a.key < b.key { a.seen } else { b.seen }
    }

    fn overlap(a: Side, b: Side) -> f64 {
        shared_interval(a, b)
    }
}
