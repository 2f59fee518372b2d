//! Composite values in columns: one Arrow type, one shape of arguments and one reader each.
//!
//! A reader is made once a batch and gives a value of geometry for a row: `None` where the row is null, an error of geometry where it is none
//! of its kind. A column of nothing but nulls, as a literal NULL is one, reads as nulls.

mod mask;
mod obb;
mod pixel_box;
mod pose;
mod vec3;

pub use mask::{EncodedMask, MASK, MaskColumn};
pub use obb::{OBB, ObbColumn, obb_fields};
pub use pixel_box::{PIXEL_BOX, PixelBoxColumn, pixel_box_fields};
pub use pose::{InvalidPose, PoseColumn};
pub use vec3::{VEC3, Vec3Column, vec3_fields};
