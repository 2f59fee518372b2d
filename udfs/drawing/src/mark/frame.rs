//! A frame around a box, its edges wherever they are between the pixels.
//!
//! ```text
//!   ░░░░░░░░░░░   ░ casing   █ line   · the box, which the line surrounds
//!   ░█████████░
//!   ░█░░░░░░░█░   Where the picture ends, the frame goes inwards instead, so that a box along the border
//!   ░█░·····░█░   still has four sides. The inner casing lies on the box itself.
//!   ░█░░░░░░░█░
//! ```

use spatialmill_geometry::PixelBox;
use spatialmill_geometry::colour::Colour;

use super::{Pen, byte, inks};
use crate::canvas::{Area, Canvas};
use crate::planes::Ink;

/// `area` is inside of the picture.
pub fn draw(canvas: &mut Canvas, area: PixelBox, colour: Colour, pen: &Pen) {
    let (ink, casing_ink) = inks(colour);
    let (line, casing) = (pen.frame(), pen.casing());
    // Clipping cannot fail: the box has area inside, and grows.
    let Some(outer) = grown(&area, line + casing).clipped_to(canvas.width() as u32, canvas.height() as u32) else {
        return;
    };
    ring(canvas, &outer, line + 2.0 * casing, casing_ink);
    ring(canvas, &grown(&outer, -casing), line, ink);
}

/// The part of a box that is within `thickness` of its border, as ink by the share of each pixel that is in it.
fn ring(canvas: &mut Canvas, outer: &PixelBox, thickness: f64, ink: Ink) {
    let inner = grown(outer, -thickness);
    let [left, right, top, bottom] = [outer.x0.floor(), outer.x1.ceil(), outer.y0.floor(), outer.y1.ceil()];
    // Steps of two, in which colour comes, so that the four sides share no value.
    let even = |edge: f64| (edge.max(0.0) / 2.0).ceil() * 2.0;
    let whole = |from: f64, to: f64| from.max(0.0) as usize..to.max(0.0) as usize;
    let (inner_top, inner_left) = (even(inner.y0).min(bottom), even(inner.x0).min(right));
    let inner_bottom = (even(inner.y1.floor() - 1.0)).clamp(inner_top, bottom);
    let inner_right = (even(inner.x1.floor() - 1.0)).clamp(inner_left, right);
    let sides = [
        Area { x: whole(left, right), y: whole(top, inner_top) },
        Area { x: whole(left, right), y: whole(inner_bottom, bottom) },
        Area { x: whole(left, inner_left), y: whole(inner_top, inner_bottom) },
        Area { x: whole(inner_right, right), y: whole(inner_top, inner_bottom) },
    ];
    for side in sides {
        canvas.paint(side, ink, |y, first, row| {
            let (tall, tall_inside) = (share(outer.y0, outer.y1, y), share(inner.y0, inner.y1, y));
            for (x, coverage) in (first..).zip(row) {
                let inside = tall_inside * share(inner.x0, inner.x1, x);
                *coverage = byte(tall * share(outer.x0, outer.x1, x) - inside);
            }
        });
    }
}

/// How much of a pixel lies between two edges, along one axis.
fn share(from: f64, to: f64, pixel: usize) -> f64 {
    let pixel = pixel as f64;
    (to.min(pixel + 1.0) - from.max(pixel)).max(0.0)
}

fn grown(area: &PixelBox, by: f64) -> PixelBox {
    PixelBox { x0: area.x0 - by, y0: area.y0 - by, x1: area.x1 + by, y1: area.y1 + by }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jpeg::Grid;
    use crate::planes::Planes;
    use proptest::prelude::*;

    /// The share of each pixel in the ring, by 32 x 32 points in each.
    fn sampled(width: usize, height: usize, outer: &PixelBox, thickness: f64) -> Vec<f64> {
        let inner = grown(outer, -thickness);
        let within = |area: &PixelBox, x: f64, y: f64| area.x0 <= x && x < area.x1 && area.y0 <= y && y < area.y1;
        let point = |cell: usize, k: usize| cell as f64 + (k as f64 + 0.5) / 32.0;
        (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .map(|(x, y)| {
                let points = (0..32).flat_map(|j| (0..32).map(move |i| (i, j)));
                let hits = points.filter(|(i, j)| {
                    let (x, y) = (point(x, *i), point(y, *j));
                    within(outer, x, y) && !within(&inner, x, y)
                });
                hits.count() as f64 / 1024.0
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn a_ring_covers_of_each_pixel_what_it_covers(
            (width, height) in (1_usize..40, 1_usize..24),
            (x0, y0, w, h) in (0.0..30.0, 0.0..20.0, 0.1..30.0, 0.1..20.0),
            thickness in 0.3..6.0,
        ) {
            let outer = PixelBox { x0, y0, x1: x0 + w, y1: y0 + h };
            let base = Planes { y: vec![0; width * height], ..Planes::new(width, height) };
            let mut canvas = Canvas::on(&base, Grid::of(width, height));
            ring(&mut canvas, &outer, thickness, Ink { y: 255, cb: 200, cr: 100 });
            let drawn = canvas.flattened();
            let expected = sampled(width, height, &outer, thickness);
            for (at, (found, expected)) in drawn.y.iter().zip(&expected).enumerate() {
                let found = f64::from(*found) / 255.0;
                prop_assert!((found - expected).abs() < 0.07, "{found} not {expected} at {at}");
            }
            // A colour value has the mean of its pixels, each painted once.
            for (at, found) in drawn.cb.iter().enumerate() {
                let (x, y) = (at % drawn.colour_width() * 2, at / drawn.colour_width() * 2);
                let value = |x: usize, y: usize| expected[y.min(height - 1) * width + x.min(width - 1)];
                let mean = (value(x, y) + value(x + 1, y) + value(x, y + 1) + value(x + 1, y + 1)) / 4.0;
                prop_assert!((f64::from(*found) - 200.0 * mean).abs() < 14.0, "{found} not {} at {at}", 200.0 * mean);
            }
        }
    }

    #[test]
    fn edges_between_pixels_cover_the_right_fractions() {
        let base = Planes::new(8, 8);
        let mut canvas = Canvas::on(&base, Grid::of(8, 8));
        // One pixel thick, its edges a quarter into the pixels.
        ring(&mut canvas, &PixelBox { x0: 1.25, y0: 1.25, x1: 6.25, y1: 6.25 }, 1.0, Ink { y: 255, cb: 0, cr: 0 });
        let drawn = canvas.flattened();
        let row = |y: usize| drawn.y[y * 8..(y + 1) * 8].to_vec();
        // 3/4 x 3/4 of the corner; all but 3/4 x 3/4, and all but 1/4 x 3/4, where inner corners are.
        assert_eq!(row(1), [0, 143, 191, 191, 191, 191, 48, 0]);
        assert_eq!(row(2), [0, 191, 112, 64, 64, 207, 64, 0]);
        assert_eq!(row(3), [0, 191, 64, 0, 0, 191, 64, 0]);
    }

    #[test]
    fn a_box_along_the_border_has_four_sides_inside() {
        let base = Planes { y: vec![128; 640 * 480], ..Planes::new(640, 480) };
        let mut canvas = Canvas::on(&base, Grid::of(640, 480));
        let red = Colour::named("red").unwrap();
        draw(&mut canvas, PixelBox { x0: 0.0, y0: 0.0, x1: 640.0, y1: 480.0 }, red, &Pen::of(640, 480));
        let drawn = canvas.flattened();
        let (ink, _) = inks(red);
        // A pixel of casing, then three of line.
        for (x, y) in [(2, 240), (637, 240), (320, 2), (320, 477)] {
            assert_eq!(drawn.y[y * 640 + x], ink.y, "at {x}, {y}");
        }
        assert_eq!(drawn.y[240 * 640 + 320], 128);
    }
}
