//! Coordinates of conversations as pixels: the photo, or the square that it lies amid, has so many units along a side.
//!
//! ```text
//! 0 ┌────────────┐
//!   │  padding   │    a photo that is wider than high: the square is as wide as the photo, which has (W - H) / 2
//!   ├────────────┤    of padding above and below. One that is higher than wide has it left and right.
//!   │   photo    │
//!   ├────────────┤
//!   │  padding   │
//!   └────────────┘ 1000
//! ```

use crate::tables::Box2;

/// The box in pixels of a photo of this size, before it is cut off at the border.
pub fn pixels([x0, y0, x1, y1]: [f64; 4], (width, height): (f64, f64), scale: f64, padded: bool) -> Box2 {
    let side = width.max(height);
    let (per_x, per_y) = if padded { (side, side) } else { (width, height) };
    let (left, top) = if padded { ((side - width) / 2.0, (side - height) / 2.0) } else { (0.0, 0.0) };
    let x = |at: f64| at / scale * per_x - left;
    let y = |at: f64| at / scale * per_y - top;
    Box2 { x0: x(x0), y0: y(y0), x1: x(x1), y1: y(y1) }
}

/// Whether a box lies in the photo amid its square, up to two units of rounding: in all boxes of a file only where it is padded.
pub fn is_inside([x0, y0, x1, y1]: [f64; 4], (width, height): (f64, f64), scale: f64) -> bool {
    let Box2 { x0, y0, x1, y1 } = pixels([x0, y0, x1, y1], (width, height), scale, true);
    let slack = 2.0 / scale * width.max(height);
    x0 >= -slack && y0 >= -slack && x1 <= width + slack && y1 <= height + slack
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(padded: bool, (width, height): (f64, f64), coordinates: [f64; 4], expected: [f64; 4]) {
        let bbox = pixels(coordinates, (width, height), 1000.0, padded);
        assert_eq!([bbox.x0, bbox.y0, bbox.x1, bbox.y1], expected);
    }

    #[test]
    fn padding_is_undone() {
        // 400 x 200 pixels amid 400 x 400: a hundred above and below, which is 250 units.
        check(true, (400.0, 200.0), [0.0, 250.0, 1000.0, 750.0], [0.0, 0.0, 400.0, 200.0]);
        check(true, (200.0, 400.0), [250.0, 0.0, 750.0, 1000.0], [0.0, 0.0, 200.0, 400.0]);
        check(true, (400.0, 200.0), [500.0, 500.0, 750.0, 625.0], [200.0, 100.0, 300.0, 150.0]);
        check(false, (400.0, 200.0), [0.0, 250.0, 1000.0, 750.0], [0.0, 50.0, 400.0, 150.0]);
        // Of a square there is none.
        check(true, (400.0, 400.0), [0.0, 250.0, 1000.0, 750.0], [0.0, 100.0, 400.0, 300.0]);
    }

    #[test]
    fn what_lies_in_the_padding_was_not_padded() {
        assert!(is_inside([0.0, 249.0, 1000.0, 751.0], (400.0, 200.0), 1000.0));
        assert!(!is_inside([0.0, 200.0, 1000.0, 751.0], (400.0, 200.0), 1000.0));
        assert!(!is_inside([100.0, 0.0, 700.0, 1000.0], (200.0, 400.0), 1000.0));
    }
}
