//! COCO run-length masks: runs down the columns, so that a mask costs its outline and not its area.
//!
//! ```text
//!   . # .      down the columns: . .  # #  . #      runs, starting with the zeros: 2 2 1 1
//!   . # #      (x = 0: ..) (x = 1: ##) (x = 2: .#)
//! ```
//!
//! Everything here works on runs. In: COCO's compressed string, plain counts, polygons
//! or bits. Out: the same, areas, boxes, set operations. Numbers that come from files are checked
//! before memory is taken for them; nothing panics on bad ones.

mod label_point;
mod polygon;
mod runs;
mod text;

pub use label_point::LabelPoint;

use crate::PixelBox;
use runs::Runs;
use thiserror::Error;

/// A set of pixels of one picture.
///
/// Runs alternate between zeros and ones, starting with zeros; only the first may be empty. So two masks are equal
/// exactly when they hold the same pixels of equally large pictures.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mask {
    height: u32,
    width: u32,
    runs: Vec<u32>,
}

/// Why something is no mask, or why two masks have nothing to do with each other.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum MaskError {
    #[error("a mask of {height} x {width} pixels is empty or larger than {MAX_PIXELS} pixels")]
    Size { height: u64, width: u64 },
    #[error("run lengths cover {covered} pixels, but the picture has {pixels}")]
    Coverage { covered: u64, pixels: u64 },
    #[error("character {at} of the run-length string is not one of COCO's, or its number never ends")]
    Character { at: usize },
    #[error("run {run} of the run-length string is negative or too long")]
    Run { run: usize },
    #[error("a polygon needs at least three points given as x, y pairs, not {numbers} numbers")]
    PolygonLength { numbers: usize },
    #[error("a polygon has coordinates that are not finite, or lie too far outside its picture")]
    PolygonCoordinates,
    #[error("masks of different pictures: {0} x {1} and {2} x {3} pixels (height x width)")]
    SizesDiffer(u32, u32, u32, u32),
}

/// Pictures above this are refused before anything is allocated; an 8K picture has 33 million pixels.
pub const MAX_PIXELS: u64 = 1 << 28;

impl Mask {
    /// From plain run lengths, as COCO's crowd annotations have them.
    ///
    /// ```
    /// use spatialmill_geometry::Mask;
    /// let mask = Mask::from_runs(7, 1, [2, 3, 1, 1])?;
    /// assert_eq!(mask.area(), 4);
    /// assert!(Mask::from_runs(7, 1, [2, 3]).is_err());
    /// # Ok::<(), spatialmill_geometry::MaskError>(())
    /// ```
    pub fn from_runs(height: u32, width: u32, counts: impl IntoIterator<Item = u32>) -> Result<Self, MaskError> {
        let mut runs = Runs::new(height, width)?;
        let mut ones = false;
        for count in counts {
            runs.push(ones, count.into())?;
            ones = !ones;
        }
        runs.finish()
    }

    /// From one bit per pixel, column by column (the pixel at x, y is bit `x · height + y`).
    ///
    /// ```
    /// use spatialmill_geometry::Mask;
    /// let mask = Mask::from_bits(7, 1, [0, 0, 1, 1, 1, 0, 1].map(|bit| bit == 1))?;
    /// assert_eq!(mask.runs(), [2, 3, 1, 1]);
    /// # Ok::<(), spatialmill_geometry::MaskError>(())
    /// ```
    pub fn from_bits(height: u32, width: u32, bits: impl IntoIterator<Item = bool>) -> Result<Self, MaskError> {
        let mut runs = Runs::new(height, width)?;
        for bit in bits {
            runs.push(bit, 1)?;
        }
        runs.finish()
    }

    /// All pixels whose centres lie in a box.
    pub fn from_box(height: u32, width: u32, area: &PixelBox) -> Result<Self, MaskError> {
        let mut runs = Runs::new(height, width)?;
        if let Some(inside) = area.clipped_to(width, height) {
            // The pixel x has its centre at x + 0.5; casts cannot overflow after clipping.
            let [x0, y0, x1, y1] = [inside.x0, inside.y0, inside.x1, inside.y1].map(|edge| (edge - 0.5).ceil() as u64);
            for x in x0..x1 {
                runs.push_span(x * u64::from(height) + y0, x * u64::from(height) + y1)?;
            }
        }
        Ok(runs.complete())
    }

    /// From spans of pixels (first, one past the last) in column order, rising and not overlapping.
    pub fn from_spans(height: u32, width: u32, spans: impl IntoIterator<Item = (u64, u64)>) -> Result<Self, MaskError> {
        let mut runs = Runs::new(height, width)?;
        for (start, end) in spans {
            runs.push_span(start, end)?;
        }
        Ok(runs.complete())
    }

    /// The union of polygons, each `x0, y0, x1, y1, ...` in pixel floats from the picture's top-left corner; bit for
    /// bit what pycocotools makes of them.
    ///
    /// ```
    /// use spatialmill_geometry::Mask;
    /// let square = [1.0, 1.0, 3.0, 1.0, 3.0, 3.0, 1.0, 3.0];
    /// let mask = Mask::from_polygons(4, 4, [&square[..]])?;
    /// assert_eq!(mask.pixels().collect::<Vec<_>>(), [(1, 1), (1, 2), (2, 1), (2, 2)]);
    /// # Ok::<(), spatialmill_geometry::MaskError>(())
    /// ```
    pub fn from_polygons<'a>(
        height: u32,
        width: u32,
        polygons: impl IntoIterator<Item = &'a [f64]>,
    ) -> Result<Self, MaskError> {
        let mut union = Self::empty(height, width)?;
        let mut steps_left = polygon::MAX_STEPS;
        for polygon in polygons {
            union = union.union(&polygon::fill(height, width, polygon, &mut steps_left)?)?;
        }
        Ok(union)
    }

    /// From COCO's compressed string.
    ///
    /// ```
    /// use spatialmill_geometry::Mask;
    /// let mask = Mask::from_counts(7, 1, "231N")?;
    /// assert_eq!(mask.runs(), [2, 3, 1, 1]);
    /// # Ok::<(), spatialmill_geometry::MaskError>(())
    /// ```
    pub fn from_counts(height: u32, width: u32, counts: &str) -> Result<Self, MaskError> {
        text::decode(height, width, counts.as_bytes())
    }

    /// COCO's compressed string.
    pub fn to_counts(&self) -> String {
        text::encode(&self.runs)
    }

    /// No pixel of a picture.
    pub fn empty(height: u32, width: u32) -> Result<Self, MaskError> {
        Ok(Runs::new(height, width)?.complete())
    }

    pub fn height(&self) -> u32 {
        self.height
    }

    pub fn width(&self) -> u32 {
        self.width
    }

    /// Run lengths, zeros first, column by column.
    pub fn runs(&self) -> &[u32] {
        &self.runs
    }

    pub fn is_empty(&self) -> bool {
        self.runs.len() < 2
    }

    /// How many pixels it has.
    pub fn area(&self) -> u64 {
        self.runs.iter().skip(1).step_by(2).map(|run| u64::from(*run)).sum()
    }

    /// The tight box, `None` without pixels.
    ///
    /// ```
    /// use spatialmill_geometry::{Mask, PixelBox};
    /// let mask = Mask::from_runs(2, 3, [2, 2, 1, 1])?;
    /// assert_eq!(mask.bounds(), Some(PixelBox { x0: 1.0, y0: 0.0, x1: 3.0, y1: 2.0 }));
    /// # Ok::<(), spatialmill_geometry::MaskError>(())
    /// ```
    pub fn bounds(&self) -> Option<PixelBox> {
        let height = u64::from(self.height);
        let (mut x0, mut y0, mut x1, mut y1) = (u64::MAX, u64::MAX, 0, 0);
        for (start, end) in self.spans() {
            let last = end - 1;
            x0 = x0.min(start / height);
            x1 = x1.max(last / height + 1);
            // A run that reaches the next column goes through the bottom of one and the top of another.
            let one_column = start / height == last / height;
            y0 = y0.min(if one_column { start % height } else { 0 });
            y1 = y1.max(if one_column { last % height + 1 } else { height });
        }
        // Exact: all are below 2^28.
        (x0 < x1).then_some(PixelBox { x0: x0 as f64, y0: y0 as f64, x1: x1 as f64, y1: y1 as f64 })
    }

    /// The pixels as (x, y), column by column.
    pub fn pixels(&self) -> impl Iterator<Item = (u32, u32)> {
        let height = u64::from(self.height);
        self.spans().flat_map(move |(start, end)| {
            // Both fit: a picture's sides are u32.
            (start..end).map(move |at| ((at / height) as u32, (at % height) as u32))
        })
    }

    /// Whether it has the pixel; `false` outside the picture. Linear in the number of runs.
    pub fn contains(&self, x: u32, y: u32) -> bool {
        let at = u64::from(x) * u64::from(self.height) + u64::from(y);
        x < self.width && y < self.height && self.spans().any(|(start, end)| start <= at && at < end)
    }

    /// Pixels of either.
    pub fn union(&self, other: &Self) -> Result<Self, MaskError> {
        self.combine(other, |a, b| a | b)
    }

    /// Pixels of both.
    pub fn intersection(&self, other: &Self) -> Result<Self, MaskError> {
        self.combine(other, |a, b| a & b)
    }

    /// Pixels of this one that the other has not.
    pub fn difference(&self, other: &Self) -> Result<Self, MaskError> {
        self.combine(other, |a, b| a & !b)
    }

    /// Shared pixels over covered pixels, 0-1; 0 when both are empty.
    pub fn iou(&self, other: &Self) -> Result<f64, MaskError> {
        let shared = self.intersection(other)?.area();
        let covered = self.area() + other.area() - shared;
        Ok(if covered == 0 { 0.0 } else { shared as f64 / covered as f64 })
    }

    /// Without the pixels that have a neighbour (left, right, above, below) outside the mask, `times` over. The
    /// picture's border is no edge: what it cuts off may well go on behind it.
    ///
    /// ```
    /// use spatialmill_geometry::Mask;
    /// let square = Mask::from_polygons(9, 9, [&[1.0, 1.0, 6.0, 1.0, 6.0, 6.0, 1.0, 6.0][..]])?;
    /// assert_eq!((square.area(), square.eroded(1).area(), square.eroded(2).area()), (25, 9, 1));
    /// # Ok::<(), spatialmill_geometry::MaskError>(())
    /// ```
    pub fn eroded(&self, times: u32) -> Self {
        let mut mask = self.clone();
        for _ in 0..times {
            if mask.is_empty() {
                break;
            }
            mask = mask.eroded_once();
        }
        mask
    }

    fn eroded_once(&self) -> Self {
        let (height, pixels) = (u64::from(self.height), self.pixel_count());
        // A column later or earlier is `height` further on in the run order; new columns come in as all ones.
        let shifted_right = self.with_spans(
            std::iter::once((0, height)).chain(self.spans().map(|(a, b)| (a + height, (b + height).min(pixels)))),
        );
        let shifted_left = self.with_spans(
            self.spans()
                .map(|(a, b)| (a.saturating_sub(height), b.saturating_sub(height)))
                .chain([(pixels - height, pixels)]),
        );
        // Where a run starts or ends inside a column, its first or last pixel has a neighbour outside; where it
        // starts or ends with the column, the neighbour would be outside the picture.
        let vertical = self.with_spans(
            self.spans()
                .map(|(a, b)| (if a % height == 0 { a } else { a + 1 }, if b % height == 0 { b } else { b - 1 })),
        );
        merge(&merge(&shifted_right, &shifted_left, |a, b| a & b), &vertical, |a, b| a & b)
    }

    /// A mask of the same size from spans in rising order; empty and touching ones are fine, parts outside are cut.
    fn with_spans(&self, spans: impl Iterator<Item = (u64, u64)>) -> Self {
        let mut runs = Runs::like(self);
        for (start, end) in spans {
            runs.extend_to(false, start.min(self.pixel_count()));
            runs.extend_to(true, end.min(self.pixel_count()));
        }
        runs.complete()
    }

    /// Starts and ends of the runs of ones in column order.
    fn spans(&self) -> impl Iterator<Item = (u64, u64)> {
        let mut at = 0_u64;
        self.runs.chunks(2).filter_map(move |pair| {
            let start = at + u64::from(pair[0]);
            at = start + pair.get(1).map_or(0, |ones| u64::from(*ones));
            (pair.len() == 2).then_some((start, at))
        })
    }

    fn pixel_count(&self) -> u64 {
        u64::from(self.height) * u64::from(self.width)
    }

    fn combine(&self, other: &Self, keep: impl Fn(bool, bool) -> bool) -> Result<Self, MaskError> {
        if (self.height, self.width) != (other.height, other.width) {
            return Err(MaskError::SizesDiffer(self.height, self.width, other.height, other.width));
        }
        Ok(merge(self, other, keep))
    }
}

/// Walks the runs of two equally large masks together.
fn merge(a: &Mask, b: &Mask, keep: impl Fn(bool, bool) -> bool) -> Mask {
    let mut merged = Runs::like(a);
    let (mut in_a, mut in_b) = (0, 0);
    let (mut end_a, mut end_b) = (u64::from(a.runs[0]), u64::from(b.runs[0]));
    loop {
        // Odd runs are ones.
        merged.extend_to(keep(in_a % 2 == 1, in_b % 2 == 1), end_a.min(end_b));
        if end_a <= end_b {
            in_a += 1;
            match a.runs.get(in_a) {
                Some(run) => end_a += u64::from(*run),
                None => return merged.complete(),
            }
        } else {
            in_b += 1;
            match b.runs.get(in_b) {
                Some(run) => end_b += u64::from(*run),
                None => return merged.complete(),
            }
        }
    }
}

#[cfg(test)]
mod tests;
