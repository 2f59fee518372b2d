//! Comparison of pairs of objects, written once for all axes.
//!
//! An axis says what it compares and what scale makes a gap big; see [`Formula`]. What compares is compiled for each
//! axis: one pair at a time in [`fact`], whole frames in [`masks`], whose inner part is a few additions and comparisons over
//! contiguous columns, which the compiler turns into vector instructions. The naive twin that both are tested against is in `tests.rs`.

use std::ops::Range;

use super::depth::Depth;
use super::height::Height;
use super::lateral::Lateral;
use super::vertical::Vertical;
use super::volume::Volume;
use super::width::Width;
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

/// When a relation is clear: value > `absolute`, margin > `relative`, overlap <= `overlap`, and the image agrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    pub absolute: f64,
    pub relative: f64,
    pub overlap: f64,
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

/// Appends a bit set for each pair of objects of each frame: the first with all after it, the second with all after it, ...
///
/// Bit r is set where relation r of [`super::RELATIONS`] holds from the former to the latter and is clear by its axis' limit.
/// From the latter to the former the inverse holds, which is bit r ^ 1.
///
/// It takes many frames, because what they are copied into takes longer to make than a frame to compare.
pub fn masks(objects: &Objects, frames: &[Range<usize>], limits: &[Limit; AXES.len()], masks: &mut Vec<u16>) {
    let mut block = Block::default();
    let mut bits = [0; BLOCK + 1];
    let mut comparable = Vec::new();
    for frame in frames {
        let frame = objects.rows(frame.clone());
        comparable.clear();
        comparable.extend(frame.clone().map(|row| objects.is_comparable(row)));
        let mut copied = None;
        for i in 0..comparable.len() {
            let subject = frame.start + i;
            let (places, sizes) = match copied {
                Some(start) if (start..start + BLOCK).contains(&i) => {
                    let j = i - start;
                    ([0, 1, 2].map(|axis| block.place(axis, j)), [0, 1, 2].map(|axis| block.size(axis, j)))
                }
                _ => (places(objects, subject), sizes(objects, subject)),
            };
            let mut next = i + 1;
            while next < comparable.len() {
                // Blocks begin at multiples of their size, so that a frame which fits into one is copied once.
                let start = next / BLOCK * BLOCK;
                let end = comparable.len().min(start + BLOCK);
                if copied != Some(start) {
                    block.copy(objects, frame.start + start..frame.start + end);
                    copied = Some(start);
                }
                // Always an even number. Two pairs fit into a vector; a single one behind them would need a loop of its own,
                // which is slow, and the rows of a frame are so short that it would take a third of the time.
                let first = next - start;
                let behind = first + 2 * (end - next).div_ceil(2);
                // What the compiler must know to leave the checks of `j` out of the loop.
                assert!(behind <= BLOCK + 1);
                // One loop for all axes: six short loops would spend their time on starting.
                #[expect(
                    clippy::needless_range_loop,
                    reason = "with an iterator, the compiler does not see that it is even"
                )]
                for j in first..behind {
                    bits[j] = clear::<Lateral>(places[0], block.place(0, j), limits[0])
                        | clear::<Vertical>(places[1], block.place(1, j), limits[1]) << 2
                        | clear::<Depth>(places[2], block.place(2, j), limits[2]) << 4
                        | clear::<Width>(sizes[0], block.size(0, j), limits[3]) << 6
                        | clear::<Height>(sizes[1], block.size(1, j), limits[4]) << 8
                        | clear::<Volume>(sizes[2], block.size(2, j), limits[5]) << 10;
                }
                let whole = comparable[next..end].iter().map(|object| u16::from(comparable[i] & object));
                masks.extend(bits[first..].iter().zip(whole).map(|(bits, whole)| *bits as u16 * whole));
                next = end;
            }
        }
    }
}

/// Some objects of a frame as [`masks`] compares them. All columns are in one place, so that the loop reads them from one
/// address and not from fifteen, and on the stack, where nothing else can point: a loop that writes elsewhere must expect to
/// change what it reads. One more object than there are fills the last vector; what comes out for it is not used.
struct Block {
    /// Key, seen, low and length on the axes that say where an object is.
    places: [[[f64; BLOCK + 1]; 4]; 3],
    /// The key, which is all that the axes need that say how large it is.
    sizes: [[f64; BLOCK + 1]; 3],
}

impl Default for Block {
    fn default() -> Self {
        Self { places: [[[0.0; BLOCK + 1]; 4]; 3], sizes: [[0.0; BLOCK + 1]; 3] }
    }
}

impl Block {
    fn copy(&mut self, objects: &Objects, rows: Range<usize>) {
        for (j, row) in rows.enumerate() {
            for (to, Side { key, seen, low, length }) in self.places.iter_mut().zip(places(objects, row)) {
                let [keys, seens, lows, lengths] = to;
                (keys[j], seens[j], lows[j], lengths[j]) = (key, seen, low, length);
            }
            for (to, Side { key, .. }) in self.sizes.iter_mut().zip(sizes(objects, row)) {
                to[j] = key;
            }
        }
    }

    fn place(&self, axis: usize, i: usize) -> Side {
        let [key, seen, low, length] = &self.places[axis];
        Side { key: key[i], seen: seen[i], low: low[i], length: length[i] }
    }

    fn size(&self, axis: usize, i: usize) -> Side {
        Side::of_size(self.sizes[axis][i])
    }
}

/// An object on the axes that say where it is.
fn places(objects: &Objects, row: usize) -> [Side; 3] {
    [Lateral::side(objects, row), Vertical::side(objects, row), Depth::side(objects, row)]
}

/// An object on the axes that say how large it is.
fn sizes(objects: &Objects, row: usize) -> [Side; 3] {
    [Width::side(objects, row), Height::side(objects, row), Volume::side(objects, row)]
}

/// What an axis is, to these loops. All of it is the same for (a, b) and (b, a).
pub(super) trait Formula {
    /// An object as the axis sees it.
    fn side(objects: &Objects, row: usize) -> Side;

    /// What `value` is divided by to give `margin`.
    fn scale(a: Side, b: Side) -> f64;

    /// How the two intervals along the axis lie.
    fn overlap(a: Side, b: Side) -> Overlap;
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

/// How two intervals lie. Kept as a fraction, so that [`masks`] needs no division.
#[derive(Clone, Copy)]
pub(super) struct Overlap {
    /// Length that both intervals cover; below 0 where there is a gap between them.
    shared: f64,
    /// Length of the shorter one, above 0.
    shorter: f64,
}

impl Overlap {
    /// Of sizes, which have no place along the axis.
    pub const NONE: Self = Self { shared: 0.0, shorter: 1.0 };

    pub fn of(a: Side, b: Side) -> Self {
        let (length_a, length_b) = (higher(a.length, SMALLEST_LENGTH), higher(b.length, SMALLEST_LENGTH));
        let shorter = lower(length_a, length_b);
        let end = lower(a.low + length_a, b.low + length_b);
        // Rounding may make the difference of an interval's ends longer than the interval: a limit of 1 must let it pass.
        Self { shared: lower(end - higher(a.low, b.low), shorter), shorter }
    }

    /// 0 to 1.
    fn share(self) -> f64 {
        higher(self.shared / self.shorter, 0.0)
    }
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

/// So many objects are copied side by side: enough for full vectors, few enough for the stack and the first-level cache.
const BLOCK: usize = 64;

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
        overlap: F::overlap(subject, object).share(),
        agrees: same_order(subject, object),
    }
}

/// 1 where `a` is clearly the lesser, 2 where it is clearly the greater, else 0.
///
/// It multiplies the limits instead of dividing the measures, so a fact that lies on its limit to the last bit may fall on
/// the other side than a comparison with the numbers of a [`fact`] would have it.
fn clear<F: Formula>(a: Side, b: Side, limit: Limit) -> u64 {
    let value = (b.key - a.key).abs();
    let Overlap { shared, shorter } = F::overlap(a, b);
    let clear = (value > limit.absolute)
        & (value > limit.relative * higher(F::scale(a, b), SMALLEST_LENGTH))
        & (shared <= limit.overlap * shorter);
    let lesser = clear & (a.key < b.key) & (a.seen < b.seen);
    let greater = clear & (a.key > b.key) & (a.seen > b.seen);
    u64::from(lesser) | u64::from(greater) << 1
}

/// Whether the image orders two objects as their keys do. Nothing is in order with itself.
fn same_order(a: Side, b: Side) -> bool {
    ((a.key < b.key) & (a.seen < b.seen)) | ((a.key > b.key) & (a.seen > b.seen))
}
