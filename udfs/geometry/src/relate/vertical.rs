//! Above and below: whose centre lies higher along z.
//!
//! ```text
//!   z
//! 2 ┤  ┌─A─┐                          A.centre.z = 2, B.centre.z = 0.5
//!   │  └───┘                          value   1.5 m: A is above B, B is below A
//!   │         ┌──┐                    margin  1.5 / mean(0.5, 1) = 2
//! 0.5         │B │                    overlap 0: [1.75, 2.25] and [0, 1] share nothing
//!   └─────────┴──┴──── x
//! ```
//!
//! - value: |B.centre.z - A.centre.z|, metres;
//! - margin: value / mean of the two heights;
//! - overlap: of the two intervals in z;
//! - agrees: the elevations (z over horizontal distance) of the centres are ordered the same way. Seen from above, the far
//!   end of a floor appears higher in the image than a stool on its near end, though the stool's centre is higher;
//! - inverse: above and below are each other's; neither is symmetric; both are transitive; turning the camera about the
//!   vertical changes neither;
//! - degenerate: equal z is neither. An object straight above or below the camera has an infinite elevation, which is in order.

use super::fact::{Formula, Side, judge, shared_interval};
use super::{Axis, Objects};

pub const VERTICAL: Axis = Axis {
    name: "vertical",
    unit: "m",
    lesser: ("below", "its centre is lower"),
    greater: ("above", "its centre is higher"),
    judge: judge::<Vertical>,
};

pub struct Vertical;

impl Formula for Vertical {
    fn side(objects: &Objects, row: usize) -> Side {
        Side::along(2, objects, row, objects.columns.centre[2][row], objects.slope(row))
    }

    fn scale(a: Side, b: Side) -> f64 {
        0.5 * (a.length + b.length)
    }

    fn overlap(a: Side, b: Side) -> f64 {
        shared_interval(a, b)
    }
}
