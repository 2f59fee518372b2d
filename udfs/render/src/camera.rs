//! Where a picture is taken from: a pinhole camera somewhere in the world, and the size of its picture.

use spatialmill_geometry::{Intrinsics, Rigid};

/// A pinhole camera with OpenCV's axes: x right, y down, z forward. Its intrinsics count from the *centre* of the top-left
/// pixel; a principal point that another program counts from the picture's corner (Blender's `width / 2`) is half a pixel
/// less here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Camera {
    pub intrinsics: Intrinsics,
    /// World to camera: what becomes of a point is `rotation · point + translation`.
    pub camera_from_world: Rigid,
    /// Pixels.
    pub width: u32,
    pub height: u32,
}
