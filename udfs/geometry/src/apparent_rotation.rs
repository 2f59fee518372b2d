//! Apparent rotation: by how much an object seems to turn between two images, seen from above, because the camera went round it or because the
//! object was turned.
//!
//! ```text
//!            y                 The azimuth of a camera counts counter-clockwise from +x about the object's vertical; its elevation is the angle
//!   camera 2 │                 above the horizontal. An object with heading psi shows a camera at azimuth a the heading psi - a:
//!         ╲  │ a2
//!          ╲ │⌒╲  camera 1         rotation = (psi2 - psi1) - (a2 - a1), counter-clockwise > 0
//!           ╲│  ╲╱ a1
//!            O──────── x       A camera that goes 60 degrees counter-clockwise sees the object turn 60 degrees clockwise: -60.
//! ```
//!
//! The azimuth is that of the line of sight to the object's centre and not of the optical axis: where the object is not in the middle of the image,
//! the two differ by 10 degrees.

use crate::Rigid;
use crate::angle::{azimuth, wrap_180};
use nalgebra::Vector3;

/// Where a camera is on its way round an object.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OrbitPosition {
    /// Of the line from the object's centre to the camera, degrees in (-180, 180].
    pub azimuth: f64,
    /// Of the same line above the horizontal, degrees.
    pub elevation: f64,
    /// Metres, or the unit of the source where it has no metres.
    pub distance: f64,
    /// The azimuth that the camera would have if its optical axis met the object's vertical; `None` for a camera that looks straight up or down.
    pub axis_azimuth: Option<f64>,
}

impl OrbitPosition {
    /// Of a camera in a world whose z axis is the object's vertical. `None` right above or below the centre, and where a number is not finite.
    ///
    /// ```
    /// use spatialmill_geometry::{Rigid, Vector3, apparent_rotation::OrbitPosition};
    /// // 4 m south of the object and 3 m higher, looking north along the horizontal.
    /// let pose = Rigid::from_row_major(&[1., 0., 0., 0.,  0., 0., 1., -4.,  0., -1., 0., 3.,  0., 0., 0., 1.])?;
    /// let position = OrbitPosition::of(&pose, &Vector3::zeros()).unwrap();
    /// assert_eq!((position.azimuth, position.distance, position.axis_azimuth), (-90.0, 5.0, Some(-90.0)));
    /// assert!((position.elevation - 36.87).abs() < 0.01);
    /// # Ok::<(), spatialmill_geometry::PoseError>(())
    /// ```
    pub fn of(world_from_camera: &Rigid, centre: &Vector3<f64>) -> Option<Self> {
        let to_camera = world_from_camera.translation - centre;
        let looks = world_from_camera.rotation.column(2);
        Some(Self {
            azimuth: azimuth([to_camera.x, to_camera.y])?,
            elevation: to_camera.z.atan2(to_camera.x.hypot(to_camera.y)).to_degrees(),
            distance: Some(to_camera.norm()).filter(|distance| distance.is_finite())?,
            axis_azimuth: azimuth([-looks[0], -looks[1]]),
        })
    }
}

/// How an object looks in a second image, compared with the first one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ApparentRotation {
    /// Counter-clockwise from above > 0, degrees in (-180, 180].
    pub degrees: f64,
    /// By how much the second camera is higher above the object, degrees.
    pub elevation_change: f64,
    /// How far the optical axes say something else, degrees in [0, 180]; `None` where a camera looks straight up or down.
    pub disagreement: Option<f64>,
}

/// `turned` is by how much the object itself was turned from the first to the second image, counter-clockwise, degrees; 0 for one that stands still.
///
/// ```
/// use spatialmill_geometry::apparent_rotation::{OrbitPosition, apparent_rotation};
/// // Two views of a toy elephant.
/// let at = |azimuth, elevation| OrbitPosition { azimuth, elevation, distance: 1.7, axis_azimuth: Some(azimuth) };
/// let found = apparent_rotation(&at(-17.91, 0.18), &at(46.05, 9.02), 0.0);
/// assert!((found.degrees - -63.96).abs() < 1e-9 && (found.elevation_change - 8.84).abs() < 1e-9);
/// ```
pub fn apparent_rotation(first: &OrbitPosition, second: &OrbitPosition, turned: f64) -> ApparentRotation {
    let degrees = wrap_180(turned - (second.azimuth - first.azimuth));
    let by_axes = first.axis_azimuth.zip(second.axis_azimuth).map(|(first, second)| turned - (second - first));
    ApparentRotation {
        degrees,
        elevation_change: second.elevation - first.elevation,
        disagreement: by_axes.map(|by_axes| wrap_180(by_axes - degrees).abs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::{point, rigid};
    use proptest::prelude::*;

    #[test]
    fn nowhere_on_the_orbit() {
        let pose = Rigid::identity();
        assert_eq!(OrbitPosition::of(&pose, &Vector3::new(0.0, 0.0, -3.0)), None);
        assert_eq!(OrbitPosition::of(&pose, &Vector3::new(f64::NAN, 0.0, 0.0)), None);
        assert_eq!(OrbitPosition::of(&pose, &Vector3::new(1.0, 0.0, 0.0)).unwrap().axis_azimuth, None);
    }

    proptest! {
        /// To turn the object, or to go round it the other way, shows the same; whoever goes back undoes it.
        #[test]
        fn a_turn_of_the_object_is_a_way_round_it(a in rigid(), b in rigid(), centre in point(), yaw in -179.0..179.0_f64) {
            let (first, second) = (OrbitPosition::of(&a, &centre).unwrap(), OrbitPosition::of(&b, &centre).unwrap());
            let (sin, cos) = yaw.to_radians().sin_cos();
            let rotation = nalgebra::Matrix3::new(cos, -sin, 0., sin, cos, 0., 0., 0., 1.);
            let about_centre = Rigid { rotation, translation: centre - rotation * centre };
            let gone = OrbitPosition::of(&b.then(&about_centre), &centre).unwrap();
            let (turned, went) = (apparent_rotation(&first, &second, -yaw), apparent_rotation(&first, &gone, 0.0));
            prop_assert!(wrap_180(turned.degrees - went.degrees).abs() < 1e-6);
            prop_assert!((turned.disagreement.unwrap() - went.disagreement.unwrap()).abs() < 1e-6);
            let back = apparent_rotation(&second, &first, yaw);
            prop_assert!(wrap_180(turned.degrees + back.degrees).abs() < 1e-9);
        }
    }
}
