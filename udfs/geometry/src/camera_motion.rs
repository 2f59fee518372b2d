//! How a camera moved and turned from one frame to another of the same scene.
//!
//! In: the poses of two cameras in a world whose z axis points up. Out: the way from the first to the second in the view space of the FIRST one
//! (right, forward, up), metres, and by how much the second looks further right and further up, degrees. A pose takes the camera into the world:
//! its translation is where the camera is. (VLM-3R inverts such poses again, and says 0.39 m where a camera moved 0.66 m.)

use crate::angle::{bearing, wrap_180};
use crate::{Rigid, ViewSpace};
use nalgebra::Vector3;

/// From one camera to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CameraMotion {
    /// Where the second camera is, in view space of the first one: x right, y forward, z up, metres.
    pub moved: Vector3<f64>,
    /// Metres.
    pub distance: f64,
    /// The lesser of the ways to the side and ahead over the greater one, 0-1: low where one word says the way, null where nothing moved.
    pub lesser_over_greater: Option<f64>,
    /// By how much the second looks further right, seen from above, degrees in (-180, 180].
    pub turn: f64,
    /// By how much the second looks further up, degrees.
    pub tilt: f64,
    /// The angle of the whole rotation, roll included, degrees in [0, 180].
    pub rotation: f64,
}

impl CameraMotion {
    /// From the poses of the first and the second camera.
    ///
    /// ```
    /// use spatialmill_geometry::{Rigid, Vector3, camera_motion::CameraMotion};
    /// // Both at eye level, the first looks along +y, the second stands 2 m ahead and 1 m left of it and looks along +x.
    /// let first = Rigid::from_row_major(&[1., 0., 0., 0.,  0., 0., 1., 0.,  0., -1., 0., 1.5,  0., 0., 0., 1.])?;
    /// let second = Rigid::from_row_major(&[0., 0., 1., -1.,  -1., 0., 0., 2.,  0., -1., 0., 1.5,  0., 0., 0., 1.])?;
    /// let motion = CameraMotion::between(&first, &second);
    /// assert_eq!((motion.moved, motion.lesser_over_greater), (Vector3::new(-1.0, 2.0, 0.0), Some(0.5)));
    /// assert_eq!((motion.turn.round(), motion.tilt), (90.0, 0.0));
    /// # Ok::<(), spatialmill_geometry::PoseError>(())
    /// ```
    pub fn between(first: &Rigid, second: &Rigid) -> Self {
        let moved = ViewSpace::from_pose(first).from_world(first).apply(&second.translation);
        let (side, ahead) = (moved.x.abs(), moved.y.abs());
        let greater = side.max(ahead);
        let looks = |pose: &Rigid| -> Vector3<f64> { pose.rotation.column(2).into() };
        let up = |pose: &Rigid| looks(pose).z.clamp(-1.0, 1.0).asin().to_degrees();
        // The trace loses half the digits at small angles; the sine does not.
        let relative = first.rotation.tr_mul(&second.rotation);
        let axis = Vector3::new(
            relative[(2, 1)] - relative[(1, 2)],
            relative[(0, 2)] - relative[(2, 0)],
            relative[(1, 0)] - relative[(0, 1)],
        );
        Self {
            moved,
            distance: (second.translation - first.translation).norm(),
            lesser_over_greater: (greater > 0.0).then(|| side.min(ahead) / greater),
            turn: wrap_180(heading(second) - heading(first)),
            tilt: up(second) - up(first),
            rotation: axis.norm().atan2(relative.trace() - 1.0).to_degrees(),
        }
    }
}

/// The bearing of a camera's forward direction, clockwise from +y, degrees; of one that looks straight up or down, that of the top of its picture.
pub fn heading(world_from_camera: &Rigid) -> f64 {
    let view = ViewSpace::from_pose(world_from_camera);
    let forward = world_from_camera.rotation * view.view_to_camera(&Vector3::y());
    // View space's forward is horizontal and of unit length.
    bearing([forward.x, forward.y]).unwrap_or(0.0)
}

/// What part of a rigid motion is a turn about the vertical, and how far it tilts the vertical, degrees.
///
/// ```
/// use spatialmill_geometry::{Rigid, camera_motion::yaw_and_tilt};
/// // A chair that was turned by a quarter, counter-clockwise from above.
/// let motion = Rigid::from_row_major(&[0., -1., 0., 5.,  1., 0., 0., 0.,  0., 0., 1., 0.,  0., 0., 0., 1.])?;
/// assert_eq!(yaw_and_tilt(&motion), (90.0, 0.0));
/// # Ok::<(), spatialmill_geometry::PoseError>(())
/// ```
pub fn yaw_and_tilt(motion: &Rigid) -> (f64, f64) {
    let r = &motion.rotation;
    let tilt = r[(0, 2)].hypot(r[(1, 2)]).atan2(r[(2, 2)]);
    // Counter-clockwise from above: where x goes on the ground plan.
    (r[(1, 0)].atan2(r[(0, 0)]).to_degrees(), tilt.to_degrees())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::{near, rigid};
    use proptest::prelude::*;

    #[test]
    fn turning_in_place_and_moving_without_a_turn() {
        let first = Rigid::from_row_major(&[1., 0., 0., 0., 0., 0., 1., 0., 0., -1., 0., 0., 0., 0., 0., 1.]).unwrap();
        let still = CameraMotion::between(&first, &first);
        assert_eq!((still.distance, still.lesser_over_greater, still.turn, still.rotation), (0.0, None, 0.0, 0.0));
        let lift = Rigid { translation: Vector3::new(0.0, 0.0, 0.5), ..first };
        let lifted = CameraMotion::between(&first, &lift);
        assert_eq!((lifted.moved, lifted.lesser_over_greater), (Vector3::new(0.0, 0.0, 0.5), None));
    }

    proptest! {
        #[test]
        fn there_and_back(first in rigid(), second in rigid()) {
            let (there, back) = (CameraMotion::between(&first, &second), CameraMotion::between(&second, &first));
            prop_assert!((there.distance - back.distance).abs() < 1e-9 && (there.distance - there.moved.norm()).abs() < 1e-9);
            prop_assert!(wrap_180(there.turn + back.turn).abs() < 1e-6 && (there.tilt + back.tilt).abs() < 1e-6);
            prop_assert!((there.rotation - back.rotation).abs() < 1e-6);
            // In a frame without directions, the way back is the way there, turned by the turn.
            let (sin, cos) = there.turn.to_radians().sin_cos();
            let turned = Vector3::new(cos * back.moved.x + sin * back.moved.y, cos * back.moved.y - sin * back.moved.x, back.moved.z);
            prop_assert!(near(&-there.moved, &turned, 1e-6), "{:?} {:?}", there, back);
        }

        #[test]
        fn a_turn_about_the_vertical_is_a_turn_to_the_left(pose in rigid(), degrees in -179.0..179.0_f64) {
            let (sin, cos) = degrees.to_radians().sin_cos();
            let rotation = nalgebra::Matrix3::new(cos, -sin, 0., sin, cos, 0., 0., 0., 1.);
            let turned = Rigid { rotation: rotation * pose.rotation, ..pose };
            let motion = CameraMotion::between(&pose, &turned);
            prop_assert!(wrap_180(motion.turn + degrees).abs() < 1e-6 && motion.tilt.abs() < 1e-6);
            prop_assert!((motion.rotation - degrees.abs()).abs() < 1e-6);
            let (yaw, tilt) = yaw_and_tilt(&Rigid { rotation, translation: Vector3::zeros() });
            prop_assert!((yaw - degrees).abs() < 1e-9 && tilt.abs() < 1e-9);
        }
    }
}
