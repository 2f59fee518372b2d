//! Pure maths of spatialmill: floats in, floats out. It knows no Arrow, no input or output, no clock and no randomness.

pub mod balance;
pub mod camera;
pub mod cloud;
pub mod depth;
pub mod lift;
pub mod mask;
pub mod obb;
pub mod pixel_box;
pub mod project;
pub mod raster;
pub mod relate;
pub mod rigid;
pub mod view;

#[cfg(test)]
mod sampling;

pub use camera::{Intrinsics, IntrinsicsError};
pub use depth::{DepthImage, DepthShapeError};
pub use lift::{LiftFailure, LiftRules, Lifted, Outline, lift};
pub use mask::{Mask, MaskError};
pub use nalgebra::{Matrix3, Vector3};
pub use obb::{Bounds, BoxError, OrientedBox};
pub use pixel_box::PixelBox;
pub use project::{Scene, SceneError, Shot, ShotError, Shown, Surface};
pub use raster::Raster;
pub use rigid::{PoseError, Rigid};
pub use view::{Gravity, GravityError, ViewSpace};
