//! A fact: the relation of one object to another on an axis, with its value, margin, overlap and agreement with the image.
//!
//! An axis says which numbers are compared and what scale makes a gap big; see [`Formula`]. The comparison is compiled for each axis.
//! The naive twin that it is tested against is in `tests.rs`.

use super::{AXES, Columns, Objects};

/// What one object is to another on one axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fact {
    /// Index into [`super::RELATIONS`].
    pub relation: usize,
    pub value: f64,
    pub margin: f64,
    pub overlap: f64,
    pub agrees: bool,
}

/// What the subject in a row is to the object in that row, on the axis at `axis` of [`super::AXES`]. `None` where neither relation
/// holds, and for a row or an axis that does not exist.
pub fn fact(axis: usize, subjects: &Objects, objects: &Objects, row: usize) -> Option<Fact> {
    let judge = AXES.get(axis)?.judge;
    let comparable = |of: &Objects| row < of.len() && of.is_comparable(row);
    if !(comparable(subjects) && comparable(objects)) {
        return None;
    }
    let Judged { difference, margin, overlap, agrees } = judge(subjects, objects, row);
    let relation = 2 * axis + usize::from(difference < 0.0);
    (difference != 0.0).then_some(Fact { relation, value: difference.abs(), margin, overlap, agrees })
}

/// The formulas of an axis. All of it is the same for (a, b) and (b, a).
pub(super) trait Formula {
    /// An object as the axis sees it.
    fn side(objects: &Objects, row: usize) -> Side;

    /// What `value` is divided by to give `margin`.
    fn scale(a: Side, b: Side) -> f64;

    /// The share of the shorter interval along the axis that both have in common, 0 to 1; see [`shared_interval`].
    fn overlap(a: Side, b: Side) -> f64;
}

/// One object of a pair, as an axis sees it.
#[derive(Clone, Copy)]
pub(super) struct Side {
    /// What orders the objects.
    pub key: f64,
    /// What the image shows of that order. For an axis that the image shows as it is, the key again.
    pub seen: f64,
    /// Where the interval along the axis begins.
    pub low: f64,
    /// How long that interval is.
    pub length: f64,
}

impl Side {
    /// On an axis that lies along x (0), y (1) or z (2).
    pub fn along(axis: usize, objects: &Objects, row: usize, key: f64, seen: f64) -> Self {
        let Columns { low, extent, .. } = &objects.columns;
        Self { key, seen, low: low[axis][row], length: extent[axis][row] }
    }

    /// On an axis that compares a size and nothing else.
    pub fn of_size(size: f64) -> Self {
        Self { key: size, seen: size, low: size, length: size }
    }
}

/// The share of the shorter interval that both have in common, 0 to 1.
pub(super) fn shared_interval(a: Side, b: Side) -> f64 {
    let (length_a, length_b) = (higher(a.length, SMALLEST_LENGTH), higher(b.length, SMALLEST_LENGTH));
    let shorter = lower(length_a, length_b);
    let end = lower(a.low + length_a, b.low + length_b);
    // Rounding may make the difference of an interval's ends longer than the interval: a limit of 1 must let it pass.
    let shared = lower(end - higher(a.low, b.low), shorter);
    higher(shared / shorter, 0.0)
}

/// The higher of two numbers, in one instruction; `f64::max` takes four, because it must not return a NaN. Here a NaN can come
/// out of objects alone that are not comparable, and nothing is said about those.
pub(super) fn higher(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// The lower of two numbers, likewise.
pub(super) fn lower(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

/// Metres (cubic metres for a volume) below which a length or a scale counts as this much. It keeps the relative distance of
/// two specks finite, and gives a flat object inside another one's interval an overlap of 1 without a special case.
pub(super) const SMALLEST_LENGTH: f64 = 1e-6;

/// What one axis says of a pair.
pub(super) struct Judged {
    difference: f64,
    margin: f64,
    overlap: f64,
    agrees: bool,
}

/// Judges the pair in one row.
pub(super) type Judge = fn(&Objects, &Objects, usize) -> Judged;

pub(super) fn judge<F: Formula>(subjects: &Objects, objects: &Objects, row: usize) -> Judged {
    let (subject, object) = (F::side(subjects, row), F::side(objects, row));
    let difference = object.key - subject.key;
    Judged {
        difference,
        margin: difference.abs() / higher(F::scale(subject, object), SMALLEST_LENGTH),
        overlap: F::overlap(subject, object),
        agrees: same_order(subject, object),
    }
}

/// Whether the image orders two objects as their keys do. Nothing is in order with itself.
fn same_order(a: Side, b: Side) -> bool {
    ((a.key < b.key) & (a.seen < b.seen)) | ((a.key > b.key) & (a.seen > b.seen))
}
