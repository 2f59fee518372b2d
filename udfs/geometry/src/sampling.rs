//! Strategies that the property tests of this crate draw from: points, motions, cameras and boxes of room size.
//! Compiled for tests only.

use crate::{Intrinsics, OrientedBox, Rigid};
use nalgebra::{Rotation3, Unit, Vector3};
use proptest::prelude::*;

pub fn point() -> impl Strategy<Value = Vector3<f64>> {
    (-10.0..10.0, -10.0..10.0, -10.0..10.0).prop_map(|(x, y, z)| Vector3::new(x, y, z))
}

pub fn rigid() -> impl Strategy<Value = Rigid> {
    (point(), -3.2..3.2, point()).prop_filter_map("an axis has a direction", |(axis, angle, translation)| {
        let axis = Unit::try_new(axis, 1e-3)?;
        Some(Rigid { rotation: *Rotation3::from_axis_angle(&axis, angle).matrix(), translation })
    })
}

pub fn intrinsics() -> impl Strategy<Value = Intrinsics> {
    (50.0..2000.0, 50.0..2000.0, 0.0..2000.0, 0.0..2000.0).prop_map(|(fx, fy, cx, cy)| Intrinsics { fx, fy, cx, cy })
}

pub fn oriented_box() -> impl Strategy<Value = OrientedBox> {
    (rigid(), 0.05..4.0, 0.05..4.0, 0.05..4.0).prop_map(|(placed, x, y, z)| {
        OrientedBox::upright(Vector3::zeros(), 0.0, Vector3::new(x, y, z)).transform(&placed)
    })
}

pub fn near(a: &Vector3<f64>, b: &Vector3<f64>, tolerance: f64) -> bool {
    (a - b).amax() <= tolerance
}
