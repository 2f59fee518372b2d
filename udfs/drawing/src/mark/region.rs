//! A mask: a tint all over it, a line along the inside of its edge, a casing along the outside.
//!
//! The mask stays run lengths; rows of coverage are made two at a time. Where the picture ends a mask has no edge,
//! because what is cut off goes on behind it.

use spatialmill_geometry::Mask;
use spatialmill_geometry::colour::Colour;

use super::{Pen, byte, inks};
use crate::canvas::{Area, Canvas};
use crate::planes::Ink;
use crate::rows::RowSpans;

/// The tint's share of a pixel. The line along the edge is what is seen on what has nearly the mask's colour; with more, a text that calls a white
/// cup white is wrong to the eye where the mask is green.
const TINT: f64 = 0.2;

/// The casing's share: it lies on what is not the object.
const CASING: f64 = 0.75;

/// `mask` is of the picture's size.
pub fn draw(canvas: &mut Canvas, mask: &Mask, colour: Colour, pen: &Pen) {
    let (ink, casing_ink) = inks(colour);
    // Whole pixels, as masks have.
    let [edge, casing] = [pen.edge(), pen.casing()].map(|width| width.round().max(1.0) as u32);
    let inner = mask.eroded(edge);
    let outer = dilated(mask, casing);
    let without = |whole: &Mask, part: &Mask| whole.difference(part).expect("masks of one picture");
    fill(canvas, &RowSpans::of(&without(&outer, mask)), casing_ink, CASING);
    fill(canvas, &RowSpans::of(&inner), ink, TINT);
    fill(canvas, &RowSpans::of(&without(mask, &inner)), ink, 1.0);
}

/// With the pixels that have a neighbour in the mask, `times` over.
fn dilated(mask: &Mask, times: u32) -> Mask {
    complement(&complement(mask).eroded(times))
}

fn complement(mask: &Mask) -> Mask {
    let runs = mask.runs();
    // Runs start with the zeros, of which there may be none.
    let runs = if runs[0] == 0 { runs[1..].to_vec() } else { [&[0], runs].concat() };
    Mask::from_runs(mask.height(), mask.width(), runs).expect("the same runs, for the other pixels")
}

fn fill(canvas: &mut Canvas, rows: &RowSpans, ink: Ink, opacity: f64) {
    let opacity = byte(opacity);
    for upper in (rows.range().start / 2 * 2..rows.range().end).step_by(2) {
        let spans = || rows.spans(upper).chain(rows.spans(upper + 1));
        let (Some(from), Some(to)) = (spans().map(|span| span.start).min(), spans().map(|span| span.end).max()) else {
            continue;
        };
        canvas.paint(Area { x: from..to, y: upper..upper + 2 }, ink, |y, first, row| {
            for span in rows.spans(y) {
                row[span.start - first..span.end - first].fill(opacity);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jpeg::Grid;
    use crate::planes::Planes;
    use proptest::prelude::*;

    fn any_mask() -> impl Strategy<Value = Mask> {
        (1_u32..30, 1_u32..40).prop_flat_map(|(height, width)| {
            let run = 1..height * width / 3 + 2;
            prop::collection::vec(run, 0..40).prop_map(move |runs| {
                let mut left = height * width;
                let mut cut: Vec<u32> = runs
                    .into_iter()
                    .map(|run| {
                        let run = run.min(left);
                        left -= run;
                        run
                    })
                    .collect();
                cut.push(left);
                Mask::from_runs(height, width, cut).unwrap()
            })
        })
    }

    proptest! {
        #[test]
        fn a_tint_is_exactly_where_the_mask_is(mask in any_mask()) {
            let (width, height) = (mask.width() as usize, mask.height() as usize);
            let colours = width.div_ceil(2) * height.div_ceil(2);
            let (cb, cr) = (vec![60; colours], vec![200; colours]);
            let base = Planes { width, height, y: vec![100; width * height], cb, cr };
            let mut canvas = Canvas::on(&base, Grid::of(width, height));
            fill(&mut canvas, &RowSpans::of(&mask), Ink { y: 200, cb: 255, cr: 10 }, 0.4);
            let drawn = canvas.flattened();
            let inside = |x: usize, y: usize| mask.contains(x.min(width - 1) as u32, y.min(height - 1) as u32);
            for (at, found) in drawn.y.iter().enumerate() {
                // 0.4 of the way from 100 to 200.
                prop_assert_eq!(*found, if inside(at % width, at / width) { 140 } else { 100 });
            }
            for (at, found) in drawn.cr.iter().enumerate() {
                let (x, y) = (at % drawn.colour_width() * 2, at / drawn.colour_width() * 2);
                let count = [(0, 0), (1, 0), (0, 1), (1, 1)].iter().filter(|(i, j)| inside(x + i, y + j)).count();
                let expected = 200.0 - 190.0 * 0.4 * count as f64 / 4.0;
                prop_assert!((f64::from(*found) - expected).abs() <= 1.0, "{} not {}", found, expected);
            }
        }

        #[test]
        fn a_mask_grows_by_its_neighbours(mask in any_mask()) {
            let grown = dilated(&mask, 1);
            for (x, y) in (0..mask.width()).flat_map(|x| (0..mask.height()).map(move |y| (x, y))) {
                let near = mask.contains(x, y)
                    || mask.contains(x + 1, y)
                    || mask.contains(x, y + 1)
                    || (x > 0 && mask.contains(x - 1, y))
                    || (y > 0 && mask.contains(x, y - 1));
                prop_assert_eq!(grown.contains(x, y), near, "at {}, {}", x, y);
            }
        }
    }
}
