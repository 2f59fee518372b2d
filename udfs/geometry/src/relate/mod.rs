//! The twelve relations between two objects of a frame: what of two opposites holds, by how much, and how clearly.
//!
//! In go two columns of objects in view space, a pair each row; out comes, for an axis, the fact about the first and the second.
//! Nothing here decides whether a fact is clear enough for a question: that takes thresholds, and thresholds belong to the project's
//! configuration.
//!
//! ```text
//!        z up                          six axes, each a pair of opposites
//!        │   y forward
//!        │  ╱                          lateral   left    ◄── centre.x ──►  right
//!        │ ╱                           vertical  below   ◄── centre.z ──►  above
//!        │╱                            depth     near    ◄── nearest  ──►  far
//!        o────── x right               width     thinner ◄── extent.x ──►  wider
//!   optical centre                     height    shorter ◄── extent.z ──►  taller
//!                                      volume    smaller ◄── x·y·z    ──►  larger
//! ```
//!
//! An axis gives every object a number, its *key*. The object with the lower key is the `lesser` of the other one (left,
//! below, near, ...), and the other is the `greater` (right, above, far, ...). Everything else is common to all axes:
//!
//! - `value`: how far apart the keys are, in the axis' unit, always above 0;
//! - `margin`: `value` relative to a scale that the axis chooses, so that 0 is the decision boundary;
//! - `overlap`: the shared part of the two objects' intervals along the axis, of the shorter interval;
//! - `agrees`: whether what the image shows orders the two objects the same way.
//!
//! Two objects with the same key stand in neither relation, so a tie makes no fact. Neither does a number that is not finite.

mod depth;
mod fact;
mod height;
mod lateral;
mod objects;
mod tilted;
mod vertical;
mod volume;
mod width;

#[cfg(test)]
mod tests;

pub use fact::{Fact, fact};
pub use objects::{Columns, Objects};
pub use tilted::when_tilted;

/// One axis: a pair of opposite relations and how to find out which of them holds.
#[derive(Debug, Clone, Copy)]
pub struct Axis {
    pub name: &'static str,
    /// Of `value`: `m` or `m3`.
    pub unit: &'static str,
    /// The relation of the object with the lower key to the other one, and one line on it.
    pub lesser: (&'static str, &'static str),
    /// The relation of the object with the higher key to the other one, and one line on it.
    pub greater: (&'static str, &'static str),
    judge: fact::Judge,
}

/// One relation, derived from its axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relation {
    /// `subject is <name> of object`.
    pub name: &'static str,
    /// What holds from the object to the subject.
    pub inverse: &'static str,
    pub axis: &'static str,
    pub unit: &'static str,
    pub doc: &'static str,
}

/// All axes.
pub const AXES: [Axis; 6] =
    [lateral::LATERAL, vertical::VERTICAL, depth::DEPTH, width::WIDTH, height::HEIGHT, volume::VOLUME];

/// All relations; a fact's `relation` is an index into this list. Those of axis `a` are at `2a` (lesser) and `2a + 1`
/// (greater), so the inverse of relation `r` is `r ^ 1`.
pub const RELATIONS: [Relation; 2 * AXES.len()] = {
    let mut relations = [Relation { name: "", inverse: "", axis: "", unit: "", doc: "" }; 2 * AXES.len()];
    let mut a = 0;
    while a < AXES.len() {
        let Axis { name: axis, unit, lesser, greater, .. } = AXES[a];
        relations[2 * a] = Relation { name: lesser.0, inverse: greater.0, axis, unit, doc: lesser.1 };
        relations[2 * a + 1] = Relation { name: greater.0, inverse: lesser.0, axis, unit, doc: greater.1 };
        a += 1;
    }
    relations
};
