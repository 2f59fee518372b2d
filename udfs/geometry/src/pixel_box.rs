//! 2D boxes: pixel floats, counted from the picture's top-left *corner*, x right and y down.
//!
//! The box 0, 0, 1, 1 covers exactly the first pixel, as in COCO; its centre is (0.5, 0.5), where the camera says
//! (0, 0).

use std::fmt;

/// From (`x0`, `y0`) to (`x1`, `y1`), edges, not last pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PixelBox {
    pub x0: f64,
    pub y0: f64,
    pub x1: f64,
    pub y1: f64,
}

/// For people: its edges, to a hundredth of a pixel.
impl fmt::Display for PixelBox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2}, {:.2} to {:.2}, {:.2}", self.x0, self.y0, self.x1, self.y1)
    }
}

impl PixelBox {
    /// Square pixels; 0 for a box turned inside out.
    pub fn area(&self) -> f64 {
        (self.x1 - self.x0).max(0.0) * (self.y1 - self.y0).max(0.0)
    }

    /// The part that both cover, `None` when they share no area.
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let shared = Self {
            x0: self.x0.max(other.x0),
            y0: self.y0.max(other.y0),
            x1: self.x1.min(other.x1),
            y1: self.y1.min(other.y1),
        };
        (shared.x0 < shared.x1 && shared.y0 < shared.y1).then_some(shared)
    }

    /// Shared area over covered area, 0-1.
    ///
    /// ```
    /// use spatialmill_geometry::PixelBox;
    /// let a = PixelBox { x0: 0.0, y0: 0.0, x1: 2.0, y1: 2.0 };
    /// let b = PixelBox { x0: 1.0, y0: 0.0, x1: 3.0, y1: 2.0 };
    /// assert_eq!(a.iou(&b), 2.0 / 6.0);
    /// ```
    pub fn iou(&self, other: &Self) -> f64 {
        let shared = self.intersection(other).map_or(0.0, |shared| shared.area());
        if shared == 0.0 { 0.0 } else { shared / (self.area() + other.area() - shared) }
    }

    /// The part inside a picture of `width` x `height`, `None` when nothing is (or the box is not finite).
    pub fn clipped_to(&self, width: u32, height: u32) -> Option<Self> {
        let finite = [self.x0, self.y0, self.x1, self.y1].iter().all(|edge| edge.is_finite());
        let picture = Self { x0: 0.0, y0: 0.0, x1: f64::from(width), y1: f64::from(height) };
        if finite { self.intersection(&picture) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clips_to_the_picture() {
        let spilling = PixelBox { x0: -5.0, y0: 2.5, x1: 3.0, y1: 900.0 };
        assert_eq!(spilling.clipped_to(10, 8), Some(PixelBox { x0: 0.0, y0: 2.5, x1: 3.0, y1: 8.0 }));
        assert_eq!(PixelBox { x0: 11.0, ..spilling }.clipped_to(10, 8), None);
        assert_eq!(PixelBox { x0: f64::NAN, ..spilling }.clipped_to(10, 8), None);
    }

    #[test]
    fn boxes_apart_or_empty_share_nothing() {
        let a = PixelBox { x0: 0.0, y0: 0.0, x1: 1.0, y1: 1.0 };
        let touching = PixelBox { x0: 1.0, x1: 2.0, ..a };
        assert_eq!((a.intersection(&touching), a.iou(&touching)), (None, 0.0));
        let empty = PixelBox { x1: 0.0, ..a };
        assert_eq!((empty.area(), empty.iou(&empty)), (0.0, 0.0));
    }
}
