//! Cameras all round an object that stands upright, centred, its longest side 1 (see [`Mesh::normalised`](crate::Mesh::normalised)).
//!
//! ```text
//!           z │    camera       azimuth: counter-clockwise from +x, seen from above
//!             │   ╱             elevation: above the horizontal
//!             │  ╱ ) elevation  The camera looks at the origin, its picture's up is +z.
//!             o───────── y
//!            ╱ ) azimuth        The lens is that of the renders people publish: 35 mm before a sensor of 32 mm,
//!           x                   so that the focal length is 35/32 of the picture's width.
//! ```

use spatialmill_geometry::{Intrinsics, Matrix3, Rigid, Vector3};

use crate::{Camera, sin_cos_degrees};

/// How the cameras of one object stand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Turntable {
    /// Width and height of the picture, pixels. 512.
    pub side: u32,
    /// Degrees above the horizontal, -90 to 90. 30, as in Objaverse's own renders (60 degrees from the vertical).
    pub elevation: i32,
    /// From the object's centre. 1.5, as in the later ones of those renders; the corners of a bulky object leave the picture there.
    /// From 2.1 on nothing of a normalised object does, whatever its shape: half a unit cube's diagonal over the sine of half the
    /// field of view is 2.083.
    pub distance: f64,
    /// Azimuth of the first camera, degrees. 0; drawn for each object, it keeps the way that objects were modelled from telling the azimuth.
    pub start: i32,
}

/// Azimuths lie this far apart, degrees.
pub const STEP: i32 = 15;

/// How many cameras stand around.
pub const STEPS: i32 = 360 / STEP;

impl Default for Turntable {
    fn default() -> Self {
        Self { side: 512, elevation: 30, distance: 1.5, start: 0 }
    }
}

impl Turntable {
    /// The camera so many steps counter-clockwise from the first.
    pub fn camera(&self, step: i32) -> Camera {
        self.camera_at(self.azimuth(step))
    }

    /// The azimuth of a camera, degrees in [0, 360).
    ///
    /// ```
    /// use spatialmill_render::Turntable;
    /// assert_eq!(Turntable { start: 350, ..Turntable::default() }.azimuth(2), 20);
    /// ```
    pub fn azimuth(&self, step: i32) -> i32 {
        // Within 360 before they are added up, so that nothing overflows.
        (self.start.rem_euclid(360) + step.rem_euclid(STEPS) * STEP) % 360
    }

    /// The camera at any azimuth, degrees.
    ///
    /// ```
    /// use spatialmill_geometry::Vector3;
    /// use spatialmill_render::Turntable;
    /// // From +x at 30 degrees: +y is on the right, and what is higher is further up and nearer.
    /// let camera = Turntable::default().camera_at(0);
    /// let [y, z] = [Vector3::y(), Vector3::z()].map(|axis| camera.camera_from_world.rotation * axis);
    /// assert!((y - Vector3::x()).norm() < 1e-15);
    /// assert!((z - Vector3::new(0.0, -0.75_f64.sqrt(), -0.5)).norm() < 1e-15);
    /// assert_eq!((camera.intrinsics.fx, camera.intrinsics.cx), (560.0, 255.5));
    /// ```
    pub fn camera_at(&self, azimuth: i32) -> Camera {
        let (sin, cos) = sin_cos_degrees(azimuth);
        let (rise, reach) = sin_cos_degrees(self.elevation);
        let right = Vector3::new(-sin, cos, 0.0);
        let down = Vector3::new(rise * cos, rise * sin, -reach);
        let forward = Vector3::new(-reach * cos, -reach * sin, -rise);
        let side = f64::from(self.side);
        let (focal, centre) = (35.0 / 32.0 * side, side / 2.0 - 0.5);
        Camera {
            intrinsics: Intrinsics { fx: focal, fy: focal, cx: centre, cy: centre },
            camera_from_world: Rigid {
                rotation: Matrix3::from_rows(&[right.transpose(), down.transpose(), forward.transpose()]),
                translation: Vector3::new(0.0, 0.0, self.distance),
            },
            width: self.side,
            height: self.side,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cameras_look_at_the_centre_from_where_they_should() {
        let turntable = Turntable { start: 40, elevation: -20, distance: 2.0, ..Turntable::default() };
        for step in -3..30 {
            let pose = turntable.camera(step).camera_from_world;
            assert!((pose.rotation.determinant() - 1.0).abs() < 1e-15);
            let centre = pose.inverse().translation;
            let azimuth = f64::from(turntable.azimuth(step)).to_radians();
            assert!(
                (centre.norm() - 2.0).abs() < 1e-14 && (centre.z - 2.0 * (-20_f64).to_radians().sin()).abs() < 1e-14
            );
            assert!((centre.y.atan2(centre.x) - azimuth).sin().abs() < 1e-14);
            assert_eq!(pose.apply(&Vector3::zeros()), Vector3::new(0.0, 0.0, 2.0));
        }
    }
}
