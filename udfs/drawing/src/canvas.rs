//! A picture being drawn on: ink blended where a shape covers, cells copied when the first ink falls on them.
//!
//! Blending is done in the JPEG's own terms. Brightness takes a shape's coverage pixel by pixel; colour, which belongs
//! to two by two pixels, takes the mean of theirs. Ink that covers its ground fully replaces it, so a stroke on a wider
//! casing has no seam.

use std::ops::Range;

use crate::jpeg::Grid;
use crate::planes::{Ink, Planes};

/// Pixels, from and to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Area {
    pub x: Range<usize>,
    pub y: Range<usize>,
}

/// The picture beneath, and the cells of it that have ink.
pub struct Canvas<'a> {
    base: &'a Planes,
    grid: Grid,
    inked: Vec<bool>,
    /// Of the picture's size, but only inked cells hold pixels.
    own: Planes,
    /// Coverage of two rows, kept between shapes.
    rows: [Vec<u8>; 2],
}

impl<'a> Canvas<'a> {
    pub fn on(base: &'a Planes, grid: Grid) -> Self {
        let own = Planes::new(base.width, base.height);
        Self { base, grid, inked: vec![false; grid.cells()], own, rows: Default::default() }
    }

    pub fn width(&self) -> usize {
        self.base.width
    }

    pub fn height(&self) -> usize {
        self.base.height
    }

    /// Blends a shape. `cover` is asked for each row of the area, with the first column and zeros to fill: 0 is outside
    /// of the shape, 255 inside. Outside of the picture nothing is drawn.
    pub fn paint(&mut self, area: Area, ink: Ink, mut cover: impl FnMut(usize, usize, &mut [u8])) {
        let mut rows = std::mem::take(&mut self.rows);
        let x = area.x.start..area.x.end.min(self.width());
        let y = area.y.start..area.y.end.min(self.height());
        if !x.is_empty() && !y.is_empty() {
            // Colour is in steps of two pixels, both ways.
            let (left, right) = (x.start / 2 * 2, x.end.next_multiple_of(2).min(self.width()));
            for upper in (y.start / 2 * 2..y.end).step_by(2) {
                for (row, coverage) in rows.iter_mut().enumerate() {
                    coverage.clear();
                    coverage.resize(right - left, 0);
                    if y.contains(&(upper + row)) {
                        cover(upper + row, x.start, &mut coverage[x.start - left..x.end - left]);
                    }
                }
                self.blend(left, upper, [&rows[0], &rows[1]], ink);
            }
        }
        self.rows = rows;
    }

    /// Blends two rows of coverage into the picture; both places are even.
    fn blend(&mut self, left: usize, upper: usize, coverage: [&[u8]; 2], ink: Ink) {
        let right = left + coverage[0].len();
        for cell in self.grid.across(left..right, upper) {
            if !std::mem::replace(&mut self.inked[cell], true) {
                copy(self.base, &mut self.own, &self.grid.area(cell));
            }
        }
        let (width, height) = (self.width(), self.height());
        for (row, coverage) in coverage.into_iter().enumerate().take(height - upper) {
            let start = (upper + row) * width;
            for (y, coverage) in self.own.y[start + left..start + right].iter_mut().zip(coverage) {
                *y = mixed(*y, ink.y, (*coverage).into());
            }
        }
        // What the border cuts off is covered as what is inside.
        let lower = if upper + 1 < height { coverage[1] } else { coverage[0] };
        let start = upper / 2 * self.own.colour_width() + left / 2;
        let colours = start..start + (right - left).div_ceil(2);
        let (cb, cr) = (&mut self.own.cb[colours.clone()], &mut self.own.cr[colours]);
        let mut mix = |at: usize, sum: u16| {
            let mean = (sum + 2) / 4;
            cb[at] = mixed(cb[at], ink.cb, mean);
            cr[at] = mixed(cr[at], ink.cr, mean);
        };
        let sum = |values: &[u8; 2]| u16::from(values[0]) + u16::from(values[1]);
        let ((upper, upper_last), (lower, lower_last)) = (coverage[0].as_chunks::<2>(), lower.as_chunks::<2>());
        for (at, (upper, lower)) in upper.iter().zip(lower).enumerate() {
            mix(at, sum(upper) + sum(lower));
        }
        if let ([upper_last], [lower_last]) = (upper_last, lower_last) {
            mix(upper.len(), 2 * (u16::from(*upper_last) + u16::from(*lower_last)));
        }
    }

    /// What has ink.
    pub fn inked(&self) -> &[bool] {
        &self.inked
    }

    /// The planes that hold a cell's pixels.
    pub fn planes(&self, cell: usize) -> &Planes {
        if self.inked[cell] { &self.own } else { self.base }
    }

    /// All pixels, for tests.
    #[cfg(test)]
    pub fn flattened(&self) -> Planes {
        let mut flat = self.base.clone();
        for cell in (0..self.inked.len()).filter(|cell| self.inked[*cell]) {
            copy(&self.own, &mut flat, &self.grid.area(cell));
        }
        flat
    }
}

/// `coverage` of 255 parts ink, the rest ground.
fn mixed(ground: u8, ink: u8, coverage: u16) -> u8 {
    // At most 255 x 255 and a half of it, which fits; exact for 0 and 255.
    let sum = u16::from(ground) * (255 - coverage) + u16::from(ink) * coverage + 127;
    (sum / 255) as u8
}

/// The areas of cells start at even places.
fn copy(from: &Planes, to: &mut Planes, area: &Area) {
    for y in area.y.clone() {
        let row = y * from.width + area.x.start..y * from.width + area.x.end;
        to.y[row.clone()].copy_from_slice(&from.y[row]);
    }
    for y in area.y.start / 2..area.y.end.div_ceil(2) {
        let start = y * from.colour_width();
        let row = start + area.x.start / 2..start + area.x.end.div_ceil(2);
        to.cb[row.clone()].copy_from_slice(&from.cb[row.clone()]);
        to.cr[row.clone()].copy_from_slice(&from.cr[row]);
    }
}
