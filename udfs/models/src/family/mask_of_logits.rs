//! Mask logits on a small grid in, a mask of the picture's size out: upsampled bilinearly and thresholded at 0.
//!
//! Growing is torch's `interpolate(mode="bilinear", align_corners=False)` straight to the picture's size, one column of the picture
//! at a time, and only where a logit near by is positive; so a box in a large picture costs its own area, and no map of floats of the
//! picture's size exists.

use spatialmill_geometry::{Mask, PixelBox};

use crate::{InvalidOutput, Size};

/// Numbers row by row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Logits<'a> {
    pub width: usize,
    pub height: usize,
    pub data: &'a [f32],
}

/// The pixels of a picture that are positive and have their centres in `keep`.
pub(crate) fn mask_of_logits(logits: Logits<'_>, picture: Size, keep: &PixelBox) -> Result<Mask, InvalidOutput> {
    let wrong_size = |error: spatialmill_geometry::MaskError| InvalidOutput::new("shape", error.to_string());
    let Some(positive) = positive(logits) else {
        return Mask::empty(picture.height, picture.width).map_err(wrong_size);
    };
    let columns = Steps::new(logits.width, picture.width, positive.columns, (keep.x0, keep.x1));
    let rows = Steps::new(logits.height, picture.height, positive.rows, (keep.y0, keep.y1));
    let mut column = vec![0.0; logits.height];
    let mut spans = Vec::new();
    for (x, across) in (columns.first..).zip(&columns.steps) {
        // The rows that count for those of the picture, and the one after.
        let (from, to) = (positive.rows.0.saturating_sub(1), (positive.rows.1 + 2).min(logits.height));
        let rows_of_logits = logits.data[from * logits.width..].chunks_exact(logits.width);
        for (out, row) in column[from..to].iter_mut().zip(rows_of_logits) {
            *out = across.between(row[across.near], row[across.far]);
        }
        let base = x * u64::from(picture.height);
        let mut start = None;
        for (y, down) in (rows.first..).zip(&rows.steps) {
            match (start, down.between(column[down.near], column[down.far]) > 0.0) {
                (None, true) => start = Some(base + y),
                (Some(first), false) => {
                    spans.push((first, base + y));
                    start = None;
                }
                _ => {}
            }
        }
        spans.extend(start.map(|first| (first, base + rows.first + rows.steps.len() as u64)));
    }
    Mask::from_spans(picture.height, picture.width, spans).map_err(wrong_size)
}

/// First and last of the rows and of the columns that have a positive logit.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Positive {
    columns: (usize, usize),
    rows: (usize, usize),
}

fn positive(logits: Logits<'_>) -> Option<Positive> {
    let mut found: Option<Positive> = None;
    for (y, row) in logits.data.chunks_exact(logits.width).enumerate() {
        let Some(first) = row.iter().position(|logit| *logit > 0.0) else { continue };
        let last = row.iter().rposition(|logit| *logit > 0.0).unwrap_or(first);
        found = Some(match found {
            None => Positive { columns: (first, last), rows: (y, y) },
            Some(so_far) => Positive {
                columns: (so_far.columns.0.min(first), so_far.columns.1.max(last)),
                rows: (so_far.rows.0, y),
            },
        });
    }
    found
}

/// Consecutive pixels of one side of the picture, and between which logits each lies.
struct Steps {
    first: u64,
    steps: Vec<Step>,
}

#[derive(Clone, Copy)]
struct Step {
    near: usize,
    far: usize,
    part: f32,
}

impl Step {
    fn between(self, near: f32, far: f32) -> f32 {
        (1.0 - self.part) * near + self.part * far
    }
}

impl Steps {
    /// Those next to a positive logit, with their centres within `keep`.
    fn new(grid: usize, side: u32, positive: (usize, usize), keep: (f64, f64)) -> Self {
        let scale = grid as f32 / side as f32;
        let step = |at: u32| {
            // In single precision and held at 0 from below, as torch does it.
            let place = ((at as f32 + 0.5) * scale - 0.5).max(0.0);
            let near = (place as usize).min(grid - 1);
            Step { near, far: (near + 1).min(grid - 1), part: (place - near as f32).clamp(0.0, 1.0) }
        };
        // Casts of negative and huge floats end at 0 and at the largest integer.
        let (start, end) = ((keep.0 - 0.5).ceil() as u32, ((keep.1 - 0.5).ceil() as u32).min(side));
        let near = |step: &Step| step.far >= positive.0 && step.near <= positive.1;
        let first = (start..end).find(|at| near(&step(*at))).unwrap_or(end);
        let steps = (first..end).map(step).take_while(near).collect();
        Self { first: first.into(), steps }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EVERYWHERE: PixelBox = PixelBox { x0: -1e9, y0: -1e9, x1: 1e9, y1: 1e9 };

    fn pixels(width: usize, data: &[f32], picture: Size, keep: &PixelBox) -> Vec<(u32, u32)> {
        let logits = Logits { width, height: data.len() / width, data };
        mask_of_logits(logits, picture, keep).unwrap().pixels().collect()
    }

    #[test]
    fn the_same_size_is_what_is_positive() {
        let picture = Size { width: 3, height: 2 };
        assert_eq!(pixels(3, &[1.0, -1.0, 0.0, -1.0, 2.0, 0.5], picture, &EVERYWHERE), [(0, 0), (1, 1), (2, 1)]);
        assert_eq!(pixels(3, &[-1.0; 6], picture, &EVERYWHERE), []);
    }

    #[test]
    fn grows_between_the_logits() {
        // Twice as wide: at ¼ and ¾ between -1 and 3 lie 0 and 2; only what is above 0 counts.
        assert_eq!(pixels(2, &[-1.0, 3.0], Size { width: 4, height: 1 }, &EVERYWHERE), [(2, 0), (3, 0)]);
    }

    #[test]
    fn keeps_centres_within() {
        let keep = PixelBox { x0: 0.6, y0: 0.0, x1: 2.5, y1: 9.0 };
        assert_eq!(pixels(2, &[1.0, 1.0], Size { width: 4, height: 1 }, &keep), [(1, 0)]);
    }

    proptest! {
        #[test]
        fn is_what_growing_all_of_it_gives(
            (width, data) in (1..7_usize, 1..7_usize).prop_flat_map(|(w, h)| {
                (Just(w), proptest::collection::vec(-1.0..1.0_f32, w * h))
            }),
            w in 1..20_u32, h in 1..20_u32,
            x0 in -3.0..20.0_f64, y0 in -3.0..20.0_f64, x1 in 0.0..20.0_f64, y1 in 0.0..20.0_f64,
        ) {
            let height = data.len() / width;
            let place = |at: u32, grid: usize, side: u32| {
                let place = ((at as f32 + 0.5) * (grid as f32 / side as f32) - 0.5).max(0.0);
                let near = (place.floor() as usize).min(grid - 1);
                (near, (near + 1).min(grid - 1), place - near as f32)
            };
            let mut expected = Vec::new();
            for x in 0..w {
                for y in 0..h {
                    let ((x_near, x_far, across), (y_near, y_far, down)) = (place(x, width, w), place(y, height, h));
                    let row = |y: usize| (1.0 - across) * data[y * width + x_near] + across * data[y * width + x_far];
                    let within = (x0..x1).contains(&(f64::from(x) + 0.5)) && (y0..y1).contains(&(f64::from(y) + 0.5));
                    if within && (1.0 - down) * row(y_near) + down * row(y_far) > 0.0 {
                        expected.push((x, y));
                    }
                }
            }
            let keep = PixelBox { x0, y0, x1, y1 };
            prop_assert_eq!(pixels(width, &data, Size { width: w, height: h }, &keep), expected);
        }
    }
}
