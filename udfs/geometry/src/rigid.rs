//! Rigid transforms: a rotation followed by a translation, metres, acting on column vectors.
//!
//! Numbers from files come in through [`Rigid::from_row_major`], which refuses what is no rigid motion, so that
//! whatever holds a [`Rigid`] need not ask again. It never knows which frames it joins: name the variable
//! `world_from_camera`, `view_from_world` and so on.

use nalgebra::{Matrix3, Vector3};
use thiserror::Error;

/// Turns points by `rotation` and then moves them by `translation`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rigid {
    pub rotation: Matrix3<f64>,
    /// Metres.
    pub translation: Vector3<f64>,
}

/// Why sixteen numbers are no rigid motion.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum PoseError {
    /// ScanNet writes `-inf` where its tracking was lost.
    #[error("the matrix has entries that are not finite")]
    NotFinite,
    #[error("the last row of the matrix is not 0 0 0 1; is the matrix stored column by column?")]
    LastRow,
    #[error("the rotation of the matrix is {by:.4} away from orthonormal; is a scale mixed into it?")]
    NotRigid { by: f64 },
    #[error("the matrix mirrors space; are its axes left-handed?")]
    Mirrored,
}

/// How far `RᵀR` may be from the identity. Poses printed with three decimals still pass; a scale of 0.1 % does not.
const ORTHONORMAL_TOLERANCE: f64 = 1.5e-3;

impl Rigid {
    pub fn identity() -> Self {
        Self { rotation: Matrix3::identity(), translation: Vector3::zeros() }
    }

    /// Reads a 4 x 4 matrix, row by row.
    ///
    /// ```
    /// use spatialmill_geometry::{Rigid, Vector3};
    /// // A quarter turn about z, then 5 m along x.
    /// let pose = Rigid::from_row_major(&[0., -1., 0., 5.,  1., 0., 0., 0.,  0., 0., 1., 0.,  0., 0., 0., 1.])?;
    /// assert_eq!(pose.apply(&Vector3::new(1.0, 0.0, 0.0)), Vector3::new(5.0, 1.0, 0.0));
    /// # Ok::<(), spatialmill_geometry::PoseError>(())
    /// ```
    pub fn from_row_major(m: &[f64; 16]) -> Result<Self, PoseError> {
        if m.iter().any(|entry| !entry.is_finite()) {
            return Err(PoseError::NotFinite);
        }
        if m[12..15].iter().any(|entry| entry.abs() > 1e-6) || (m[15] - 1.0).abs() > 1e-6 {
            return Err(PoseError::LastRow);
        }
        let rotation = Matrix3::new(m[0], m[1], m[2], m[4], m[5], m[6], m[8], m[9], m[10]);
        let gram = rotation.transpose() * rotation;
        let by = (gram - Matrix3::identity()).amax();
        // Entries near the largest float overflow here, and an infinite `by` is refused as it should be.
        if by.is_nan() || by > ORTHONORMAL_TOLERANCE {
            return Err(PoseError::NotRigid { by });
        }
        if rotation.determinant() < 0.0 {
            return Err(PoseError::Mirrored);
        }
        // One Newton step towards the nearest rotation takes rounding in the file from 1e-4 to 1e-8, so that the
        // transpose is the inverse; an exact rotation is left as it is.
        let rotation = rotation * (Matrix3::identity() * 3.0 - gram) * 0.5;
        Ok(Self { rotation, translation: Vector3::new(m[3], m[7], m[11]) })
    }

    /// The 4 x 4 matrix that [`Rigid::from_row_major`] reads.
    ///
    /// ```
    /// use spatialmill_geometry::Rigid;
    /// let pose = [0., -1., 0., 5.,  1., 0., 0., 6.,  0., 0., 1., 7.,  0., 0., 0., 1.];
    /// assert_eq!(Rigid::from_row_major(&pose)?.to_row_major(), pose);
    /// # Ok::<(), spatialmill_geometry::PoseError>(())
    /// ```
    pub fn to_row_major(&self) -> [f64; 16] {
        let (r, t) = (&self.rotation, &self.translation);
        std::array::from_fn(|i| match (i / 4, i % 4) {
            (3, column) => f64::from(u8::from(column == 3)),
            (row, 3) => t[row],
            (row, column) => r[(row, column)],
        })
    }

    pub fn apply(&self, point: &Vector3<f64>) -> Vector3<f64> {
        self.rotation * point + self.translation
    }

    /// The motion that undoes this one.
    pub fn inverse(&self) -> Self {
        let rotation = self.rotation.transpose();
        Self { rotation, translation: -(rotation * self.translation) }
    }

    /// This motion first, `next` after it: `(next ∘ self)(p) = next(self(p))`.
    pub fn then(&self, next: &Rigid) -> Self {
        Self { rotation: next.rotation * self.rotation, translation: next.apply(&self.translation) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::{near, point, rigid};
    use proptest::prelude::*;

    const IDENTITY: [f64; 16] = [1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1.];

    fn with(index: usize, value: f64) -> Result<Rigid, PoseError> {
        let mut pose = IDENTITY;
        pose[index] = value;
        Rigid::from_row_major(&pose)
    }

    #[test]
    fn refuses_what_is_no_rigid_motion() {
        assert_eq!(with(5, f64::NEG_INFINITY), Err(PoseError::NotFinite));
        assert_eq!(with(3, f64::NAN), Err(PoseError::NotFinite));
        assert_eq!(with(12, 1.0), Err(PoseError::LastRow));
        assert_eq!(with(15, 0.0), Err(PoseError::LastRow));
        assert_eq!(with(10, -1.0), Err(PoseError::Mirrored));
        assert!(matches!(with(0, 2.0), Err(PoseError::NotRigid { .. })));
        assert!(matches!(with(0, f64::MAX), Err(PoseError::NotRigid { .. })));
        assert!(matches!(Rigid::from_row_major(&[0.0; 16]), Err(PoseError::LastRow)));
    }

    #[test]
    fn keeps_an_exact_rotation_exact() {
        assert_eq!(with(3, 2.5).map(|pose| pose.rotation), Ok(Matrix3::identity()));
    }

    #[test]
    fn accepts_a_pose_printed_with_six_decimals() {
        // A camera of a real scan, as its exporter prints it.
        let pose = Rigid::from_row_major(&[
            -0.944056, 0.143269, -0.297039, 2.640902, 0.329777, 0.403738, -0.853372, 2.981458, -0.002336, -0.903587,
            -0.428398, 1.352682, 0., 0., 0., 1.,
        ])
        .unwrap();
        assert!((pose.rotation.transpose() * pose.rotation - Matrix3::identity()).amax() < 1e-11);
    }

    proptest! {
        #[test]
        fn inverse_undoes(motion in rigid(), p in point()) {
            prop_assert!(near(&motion.inverse().apply(&motion.apply(&p)), &p, 1e-9));
        }

        #[test]
        fn then_applies_in_reading_order(a in rigid(), b in rigid(), p in point()) {
            prop_assert!(near(&a.then(&b).apply(&p), &b.apply(&a.apply(&p)), 1e-9));
        }

        #[test]
        fn keeps_distances(motion in rigid(), p in point(), q in point()) {
            let moved = (motion.apply(&p) - motion.apply(&q)).norm();
            prop_assert!((moved - (p - q).norm()).abs() < 1e-9);
        }
    }
}
