//! Pictures of 3D models: a mesh and a camera in, colours, outline and depth out. No files, no Arrow, no clock, no
//! randomness, no graphics card; the same bytes on every machine.
//!
//! ```text
//! mesh ─► z up, normalised ─┐
//!                                            ├─► raster ─► view ─► likeness
//!                        turntable ─► camera ┘
//! ```
//!
//! glTF has y up and no unit that can be trusted; an object to be looked at from all sides is turned so that z is up, scaled so that
//! its longest side is 1 and centred. Cameras have OpenCV's axes (x right, y down, z forward), and an integer pixel is a pixel's centre.

mod camera;
mod likeness;
mod mesh;
mod raster;
mod sine;
mod srgb;
mod texture;
mod turntable;
mod view;

#[cfg(test)]
mod shapes;

pub use camera::Camera;
pub use likeness::{Apart, Likeness, Lookalikes, SizesDiffer, Symmetry};
pub use mesh::{Material, Mesh, MeshError, Part, Shading};
pub use raster::{Light, MAX_SIDE, NEAR, RenderError, Smoothing, Style, render};
pub use sine::sin_cos_degrees;
pub use texture::{Image, Magnified, Texture, Wrap};
pub use turntable::{STEP, STEPS, Turntable};
pub use view::View;
