//! The pinhole camera model: points in camera axes (metres) to pixels and back.
//!
//! ```text
//!        z (forward)         Camera axes as OpenCV draws them: x right, y down, z forward.
//!       /                    An integer pixel (u, v) is the pixel's *centre*: the image's top-left corner
//!      o──── x (right)       is (-0.5, -0.5). Box edges (`PixelBox`) count from that corner instead.
//!      │
//!      y (down)
//! ```

use nalgebra::Vector3;
use thiserror::Error;

/// Focal lengths and principal point, pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Intrinsics {
    pub fx: f64,
    pub fy: f64,
    pub cx: f64,
    pub cy: f64,
}

/// Why four numbers are no camera.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[error("the camera needs finite intrinsics and positive focal lengths, not fx {} fy {} cx {} cy {}", .0.fx, .0.fy, .0.cx, .0.cy)]
pub struct IntrinsicsError(pub Intrinsics);

impl Intrinsics {
    /// The same numbers if they are a camera.
    ///
    /// ```
    /// use spatialmill_geometry::Intrinsics;
    /// assert!(Intrinsics { fx: 0.0, fy: 500.0, cx: 320.0, cy: 240.0 }.checked().is_err());
    /// ```
    pub fn checked(self) -> Result<Self, IntrinsicsError> {
        let finite = [self.fx, self.fy, self.cx, self.cy].iter().all(|entry| entry.is_finite());
        if finite && self.fx > 0.0 && self.fy > 0.0 { Ok(self) } else { Err(IntrinsicsError(self)) }
    }

    /// Where a point in camera axes appears; `None` when it is not in front of the camera.
    ///
    /// ```
    /// use spatialmill_geometry::{Intrinsics, Vector3};
    /// let camera = Intrinsics { fx: 500.0, fy: 500.0, cx: 320.0, cy: 240.0 };
    /// // One metre to the right at two metres: half the focal length right of the principal point.
    /// assert_eq!(camera.project(&Vector3::new(1.0, 0.0, 2.0)), Some((570.0, 240.0)));
    /// assert_eq!(camera.project(&Vector3::new(1.0, 0.0, -2.0)), None);
    /// ```
    pub fn project(&self, point: &Vector3<f64>) -> Option<(f64, f64)> {
        (point.z > 0.0).then(|| (self.fx * point.x / point.z + self.cx, self.fy * point.y / point.z + self.cy))
    }

    /// The point in camera axes that pixel `(u, v)` shows when its depth (along z, not along the ray) is `depth_m`.
    ///
    /// ```
    /// use spatialmill_geometry::{Intrinsics, Vector3};
    /// let camera = Intrinsics { fx: 500.0, fy: 500.0, cx: 320.0, cy: 240.0 };
    /// assert_eq!(camera.back_project(570.0, 240.0, 2.0), Vector3::new(1.0, 0.0, 2.0));
    /// ```
    pub fn back_project(&self, u: f64, v: f64, depth_m: f64) -> Vector3<f64> {
        Vector3::new((u - self.cx) / self.fx * depth_m, (v - self.cy) / self.fy * depth_m, depth_m)
    }

    /// The camera of the same picture resized by `x` and `y` (2.0 = twice as many pixels). The picture's corners stay
    /// where they are, so the principal point moves with the half pixel between corner and first pixel centre.
    ///
    /// ```
    /// use spatialmill_geometry::Intrinsics;
    /// // The middle of a picture 640 wide is u = 319.5; of the same picture 1280 wide, 639.5.
    /// let camera = Intrinsics { fx: 500.0, fy: 500.0, cx: 319.5, cy: 239.5 };
    /// assert_eq!(camera.resized(2.0, 2.0), Intrinsics { fx: 1000.0, fy: 1000.0, cx: 639.5, cy: 479.5 });
    /// ```
    pub fn resized(&self, x: f64, y: f64) -> Self {
        Self { fx: self.fx * x, fy: self.fy * y, cx: (self.cx + 0.5) * x - 0.5, cy: (self.cy + 0.5) * y - 0.5 }
    }

    /// The camera of the same picture with its origin moved to the pixel `(u, v)`: a crop, or a larger canvas when
    /// they are negative.
    pub fn cropped(&self, u: f64, v: f64) -> Self {
        Self { cx: self.cx - u, cy: self.cy - v, ..*self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::{intrinsics, near};
    use proptest::prelude::*;

    #[test]
    fn behind_and_beside_the_camera_is_nowhere() {
        let camera = Intrinsics { fx: 1.0, fy: 1.0, cx: 0.0, cy: 0.0 };
        assert_eq!(camera.project(&Vector3::new(1.0, 1.0, 0.0)), None);
        assert_eq!(camera.project(&Vector3::new(1.0, 1.0, f64::NAN)), None);
    }

    proptest! {
        #[test]
        fn projecting_undoes_back_projecting(
            camera in intrinsics(), u in -500.0..2500.0, v in -500.0..2500.0, depth in 0.1..100.0,
        ) {
            let (u_again, v_again) = camera.project(&camera.back_project(u, v, depth)).unwrap();
            prop_assert!((u - u_again).abs() < 1e-6 && (v - v_again).abs() < 1e-6);
        }

        #[test]
        fn resizing_keeps_the_point(camera in intrinsics(), u in 0.0..2000.0, v in 0.0..2000.0, by in 0.1..8.0) {
            let seen = camera.resized(by, by).back_project((u + 0.5) * by - 0.5, (v + 0.5) * by - 0.5, 3.0);
            prop_assert!(near(&camera.back_project(u, v, 3.0), &seen, 1e-9));
        }
    }
}
