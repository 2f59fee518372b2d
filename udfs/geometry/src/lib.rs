//! Pure maths of spatialmill: floats in, floats out. It knows no Arrow, no input or output, no clock and no randomness.
//!
//! ```text
//! picture:  mask, pixel_box        outlines, on run lengths
//! camera:   camera, rigid, view    pixels ◄─► camera axes ◄─► world, and view space
//! upright:  turn                   a picture that lies on its side, and all that lies on it
//! object:   obb, cloud             boxes and point clouds
//!           box_distance, surface_distance       how far two objects are apart
//!           footprint, polygon                   what a box covers of the ground plan
//! 2D to 3D: depth, lift            an outline and depth to an object in view space
//! 3D to 2D: raster, project        a scene and a pose to masks, visibility and objects in view space
//! facts:    relate                 the twelve relations of two objects
//! choice:   balance, debias        what part of each stratum to keep, and of facts that names predict
//!           options                numbers to choose from
//! scene:    floor_area, direction                the size of a room, and where things are for who stands in it
//!           covering                             the fewest frames that show what a question is about
//!           camera_motion, apparent_rotation     how cameras move, and how an object seems to turn; angle has the signs
//!           route                              legs and turns over viewpoints, and ways over the free floor of a scan
//! words:    colour                 colours that have names, apart for every reader
//! ```
//!
//! Metres, radians and pixels throughout; frames are named by the modules that define them. Numbers from files are
//! checked where they come in (`Rigid::from_row_major`, `OrientedBox::checked`, `Mask::from_counts`, ...), and what
//! is wrong with them is a typed error.

pub mod angle;
pub mod apparent_rotation;
pub mod balance;
mod box_distance;
pub mod camera;
pub mod camera_motion;
pub mod cloud;
pub mod colour;
mod covering;
pub mod debias;
pub mod depth;
pub mod direction;
pub mod distractors;
pub mod floor_area;
mod footprint;
pub mod lift;
pub mod mask;
pub mod obb;
pub mod options;
pub mod pixel_box;
pub mod polygon;
pub mod project;
pub mod raster;
pub mod relate;
pub mod rigid;
pub mod route;
mod surface_distance;
pub mod turn;
pub mod view;

#[cfg(test)]
mod sampling;

pub use camera::{Intrinsics, IntrinsicsError};
pub use covering::covering;
pub use depth::{DepthImage, DepthShapeError};
pub use lift::{EstimatedRules, LiftFailure, LiftRules, Lifted, Outline, lift};
pub use mask::{LabelPoint, Mask, MaskError};
pub use nalgebra::{Matrix3, Quaternion, UnitQuaternion, Vector3};
pub use obb::{Bounds, BoxError, OrientedBox};
pub use pixel_box::PixelBox;
pub use project::{Scene, SceneError, Shot, ShotError, Shown, Surface};
pub use raster::Raster;
pub use rigid::{PoseError, Rigid};
pub use surface_distance::SurfacePoints;
pub use turn::Turn;
pub use view::{Gravity, GravityError, ViewSpace};
