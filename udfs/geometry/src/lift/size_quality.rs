//! Trust in a lifted object's size, from its distance, the depth noise and its outline.

use nalgebra::Vector3;

use super::LiftRules;
use super::visibility::Cover;
use crate::{Bounds, Mask};

/// 0-1. The depth of a pixel errs by `noise_m` at 1 m and by the square of the distance times as much: what the object's depth is known to,
/// `err`, against what is seen across the view, the longer of its width and height, `across`: 1 / (1 + (err / across)²).
///
/// A chair 4 m away has .998 of it, a car 20 m away .90, 30 m away .64 and 100 m away .014; something deeper than `max_widths_deep` widths has
/// none.
pub(super) fn by_depth(bounds: &Bounds, distance_m: f64, rules: &LiftRules) -> f64 {
    let extent = bounds.extent();
    if extent.y > rules.max_widths_deep * extent.x {
        return 0.0;
    }
    let error = rules.noise_m * distance_m * distance_m;
    let across = extent.x.max(extent.z);
    if error <= 0.0 { 1.0 } else { 1.0 / (1.0 + (error / across.max(f64::MIN_POSITIVE)).powi(2)) }
}

/// Outlines err by so many pixels on each side, about: bled, eroded and given back.
const EDGE_PIXELS: f64 = 1.0;

/// 0-1: how little of its ends something in front covers, squared, since an end that is not seen may be anywhere; and one less what the edges
/// may err, of the shorter side.
pub(super) fn by_outline(mask: &Mask, cover: &Cover) -> f64 {
    let shorter = mask.bounds().map_or(0.0, |bounds| (bounds.x1 - bounds.x0).min(bounds.y1 - bounds.y0));
    let fine = (1.0 - 2.0 * EDGE_PIXELS / shorter.max(f64::MIN_POSITIVE)).max(0.0);
    (1.0 - cover.side).powi(2) * fine
}

/// 0-1: one less the share of the width or height by which the outline is larger than what was measured, squared. A shelf's board is a third as
/// high as the shelf with its sides, of which a depth image has a few pixels.
pub(super) fn by_missed(bounds: &Bounds, missed: &Vector3<f64>) -> f64 {
    let extent = bounds.extent();
    let share = |k: usize| missed[k] / extent[k].max(f64::MIN_POSITIVE);
    (1.0 - share(0).max(share(2))).max(0.0).powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn falls_with_the_square_of_the_distance() {
        let of = |width: f64, depth: f64, height: f64, distance: f64| {
            let high = Vector3::new(width, depth, height);
            by_depth(&Bounds { low: Vector3::zeros(), high }, distance, &LiftRules::default())
        };
        let close = |found: f64, expected: f64| assert!((found - expected).abs() < 0.005, "{found} {expected}");
        close(of(0.5, 0.5, 0.9, 4.0), 0.999);
        close(of(1.8, 4.5, 1.5, 20.0), 0.9);
        close(of(1.8, 4.5, 1.5, 30.0), 0.64);
        close(of(1.8, 4.5, 1.5, 100.0), 0.014);
        assert_eq!(of(1.8, 20.0, 1.5, 98.0), 0.0);
        assert_eq!(of(0.0, 0.0, 0.0, 5.0), 0.0);
    }
}
