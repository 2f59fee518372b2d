//! View space: the frame of one picture in which objects are compared.
//!
//! ```text
//!      z (up, against gravity)
//!      │   y (forward: the viewing direction laid onto the horizontal plane)
//!      │  /
//!      │ /                         right-handed, metres,
//!      o──────── x (right)         origin = the camera's optical centre
//! ```
//!
//! A camera that looks down at a table still has a level view space: "above" is against gravity, not "higher up in
//! the picture". In: a pose in a z-up world, or the direction of gravity, or nothing. Out: a rotation from camera
//! axes (x right, y down, z forward). It never moves the origin away from the camera.

use crate::{OrientedBox, Rigid};
use nalgebra::{Matrix3, Vector3};
use thiserror::Error;

/// Where "up" was taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gravity {
    /// From a pose in a world that is upright, or from a measured or estimated direction.
    Known,
    /// Nothing was known: the camera is taken to stand level.
    Guessed,
}

/// The rotation from camera axes to view space.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ViewSpace {
    view_from_camera: Matrix3<f64>,
    gravity: Gravity,
}

/// A gravity direction that points nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[error("gravity must be a finite direction with a length, not ({}, {}, {})", .0.x, .0.y, .0.z)]
pub struct GravityError(pub Vector3<f64>);

/// Beyond this cosine between the viewing direction and the vertical, the picture's "up" says where "forward" is
/// better than the viewing direction's small horizontal rest does.
const STRAIGHT_UP_OR_DOWN: f64 = 0.999;

impl ViewSpace {
    /// From a pose in a world whose z axis points up.
    ///
    /// ```
    /// use spatialmill_geometry::{Rigid, Vector3, ViewSpace};
    /// // At (1, 2, 3), looking along the world's +x: right is -y, down is -z.
    /// let pose = Rigid::from_row_major(&[0., 0., 1., 1.,  -1., 0., 0., 2.,  0., -1., 0., 3.,  0., 0., 0., 1.])?;
    /// let view_from_world = ViewSpace::from_pose(&pose).from_world(&pose);
    /// assert_eq!(view_from_world.apply(&Vector3::new(5.0, 1.0, 3.5)), Vector3::new(1.0, 4.0, 0.5));
    /// # Ok::<(), spatialmill_geometry::PoseError>(())
    /// ```
    pub fn from_pose(world_from_camera: &Rigid) -> Self {
        let view_from_world = view_axes(world_from_camera.rotation, Vector3::z());
        Self { view_from_camera: view_from_world * world_from_camera.rotation, gravity: Gravity::Known }
    }

    /// From the direction of gravity (down) in camera axes, of any length.
    ///
    /// ```
    /// use spatialmill_geometry::{Vector3, ViewSpace};
    /// // The camera looks 30 degrees down: the floor 2 m along its optical axis lies 1 m below it.
    /// let (sin, cos) = 30.0_f64.to_radians().sin_cos();
    /// let view = ViewSpace::from_gravity(&Vector3::new(0.0, cos, sin))?;
    /// let floor = view.camera_to_view(&Vector3::new(0.0, 0.0, 2.0));
    /// assert!((floor - Vector3::new(0.0, 3.0_f64.sqrt(), -1.0)).amax() < 1e-12);
    /// # Ok::<(), spatialmill_geometry::GravityError>(())
    /// ```
    pub fn from_gravity(down: &Vector3<f64>) -> Result<Self, GravityError> {
        // Scaling by the largest entry first keeps the norm of very long and very short vectors in range.
        let longest = down.amax();
        let usable = longest.is_finite() && longest > 0.0 && down.iter().all(|entry| entry.is_finite());
        let up = if usable { -(down / longest).normalize() } else { return Err(GravityError(*down)) };
        if up.iter().any(|entry| !entry.is_finite()) {
            return Err(GravityError(*down));
        }
        Ok(Self { view_from_camera: view_axes(Matrix3::identity(), up), gravity: Gravity::Known })
    }

    /// For a picture of which nothing is known: gravity is the camera's +y (down in the picture).
    pub fn level() -> Self {
        Self { view_from_camera: view_axes(Matrix3::identity(), -Vector3::y()), gravity: Gravity::Guessed }
    }

    pub fn gravity(&self) -> Gravity {
        self.gravity
    }

    pub fn rotation(&self) -> &Matrix3<f64> {
        &self.view_from_camera
    }

    pub fn camera_to_view(&self, point: &Vector3<f64>) -> Vector3<f64> {
        self.view_from_camera * point
    }

    pub fn view_to_camera(&self, point: &Vector3<f64>) -> Vector3<f64> {
        self.view_from_camera.tr_mul(point)
    }

    /// A box in camera axes, seen from view space.
    pub fn box_to_view(&self, in_camera: &OrientedBox) -> OrientedBox {
        in_camera.transform(&Rigid { rotation: self.view_from_camera, translation: Vector3::zeros() })
    }

    /// The motion from the world into view space, given the pose of this camera.
    pub fn from_world(&self, world_from_camera: &Rigid) -> Rigid {
        world_from_camera.inverse().then(&Rigid { rotation: self.view_from_camera, translation: Vector3::zeros() })
    }
}

/// The rows are view space's x, y, z in the frame that `camera`'s columns (its x, y, z axes) and `up` are given in.
fn view_axes(camera: Matrix3<f64>, up: Vector3<f64>) -> Matrix3<f64> {
    let looking: Vector3<f64> = camera.column(2).into();
    let forward = if looking.dot(&up).abs() > STRAIGHT_UP_OR_DOWN { -camera.column(1) } else { looking };
    let y = (forward - up * forward.dot(&up)).normalize();
    let x = y.cross(&up);
    Matrix3::from_rows(&[x.transpose(), y.transpose(), up.transpose()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::{near, point, rigid};
    use proptest::prelude::*;

    #[test]
    fn level_turns_down_into_minus_z() {
        let view = ViewSpace::level();
        assert_eq!(view.camera_to_view(&Vector3::new(1.0, 2.0, 3.0)), Vector3::new(1.0, 3.0, -2.0));
        assert_eq!(view.gravity(), Gravity::Guessed);
    }

    #[test]
    fn looking_straight_down_takes_the_pictures_up_for_forward() {
        // Right is world +x, the picture's up is world +y, the camera looks along -z.
        let pose =
            Rigid { rotation: Matrix3::new(1., 0., 0., 0., -1., 0., 0., 0., -1.), translation: Vector3::zeros() };
        let view = ViewSpace::from_pose(&pose);
        assert_eq!(view.from_world(&pose).rotation, Matrix3::identity());
        let view = ViewSpace::from_gravity(&Vector3::z()).unwrap();
        assert_eq!(view.camera_to_view(&Vector3::new(0.0, -1.0, 2.0)), Vector3::new(0.0, 1.0, -2.0));
    }

    #[test]
    fn refuses_gravity_without_direction() {
        for down in [Vector3::zeros(), Vector3::new(f64::NAN, 0.0, 1.0), Vector3::new(f64::INFINITY, 0.0, 0.0)] {
            assert!(ViewSpace::from_gravity(&down).is_err());
        }
        assert!(ViewSpace::from_gravity(&Vector3::new(0.0, 1e-300, 0.0)).is_ok());
        assert!(ViewSpace::from_gravity(&Vector3::new(0.0, 1e300, 0.0)).is_ok());
    }

    proptest! {
        #[test]
        fn is_a_right_handed_rotation(pose in rigid()) {
            let rotation = *ViewSpace::from_pose(&pose).rotation();
            prop_assert!((rotation * rotation.transpose() - Matrix3::identity()).amax() < 1e-9);
            prop_assert!((rotation.determinant() - 1.0).abs() < 1e-9);
        }

        #[test]
        fn keeps_up_up_and_forward_ahead(pose in rigid(), p in point()) {
            let view = ViewSpace::from_pose(&pose);
            let view_from_world = view.from_world(&pose);
            let raised = view_from_world.apply(&(p + Vector3::z())) - view_from_world.apply(&p);
            prop_assert!(near(&raised, &Vector3::z(), 1e-9));
            let ahead = view.camera_to_view(&Vector3::z());
            prop_assert!(ahead.x.abs() < 0.05 && ahead.y > -0.05);
        }

        #[test]
        fn gravity_and_pose_agree(pose in rigid(), p in point()) {
            let down = pose.rotation.tr_mul(&-Vector3::z());
            let by_gravity = ViewSpace::from_gravity(&down).unwrap();
            let by_pose = ViewSpace::from_pose(&pose);
            prop_assert!(near(&by_gravity.camera_to_view(&p), &by_pose.camera_to_view(&p), 1e-7));
        }

        /// Turning the world about the vertical, or moving it, turns and moves the camera too: nobody sees a change.
        #[test]
        fn ignores_where_the_world_has_its_origin(pose in rigid(), p in point(), yaw in -3.2..3.2, by in point()) {
            let (sin, cos) = f64::sin_cos(yaw);
            let turned = Rigid { rotation: Matrix3::new(cos, -sin, 0., sin, cos, 0., 0., 0., 1.), translation: by };
            let pose_turned = pose.then(&turned);
            let before = ViewSpace::from_pose(&pose).from_world(&pose).apply(&p);
            let after = ViewSpace::from_pose(&pose_turned).from_world(&pose_turned).apply(&turned.apply(&p));
            prop_assert!(near(&before, &after, 1e-7));
        }

        #[test]
        fn view_to_camera_undoes(pose in rigid(), p in point()) {
            let view = ViewSpace::from_pose(&pose);
            prop_assert!(near(&view.view_to_camera(&view.camera_to_view(&p)), &p, 1e-9));
        }
    }
}
