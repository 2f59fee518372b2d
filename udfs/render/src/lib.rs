//! Pictures of 3D models: the bytes of a GLB file and a camera in, colours, outline and depth out. No files, no Arrow, no clock, no
//! randomness, no graphics card; the same bytes on every machine.
//!
//! ```text
//! bytes ─► gltf ─► mesh ─► z up, normalised ─┐
//!                                            ├─► raster ─► view ─► likeness
//!                        turntable ─► camera ┘
//! ```
//!
//! glTF has y up and no unit that can be trusted; an object to be looked at from all sides is turned so that z is up, scaled so that
//! its longest side is 1 and centred. Cameras have OpenCV's axes (x right, y down, z forward), and an integer pixel is a pixel's centre.
//!
//! ```
//! use spatialmill_render::{Limits, Style, Turntable, read_gltf, render};
//!
//! # let base64 = "AAAAAAAAAAAAAAAAAACAPwAAAAAAAAAAAAAAAAAAgD8AAAAA";
//! // A triangle in a file of glTF's text form.
//! let file = format!(r#"{{
//!     "asset": {{"version": "2.0"}}, "scene": 0, "scenes": [{{"nodes": [0]}}], "nodes": [{{"mesh": 0}}],
//!     "meshes": [{{"primitives": [{{"attributes": {{"POSITION": 0}}}}]}}],
//!     "accessors": [{{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}}],
//!     "bufferViews": [{{"buffer": 0, "byteLength": 36}}],
//!     "buffers": [{{"byteLength": 36, "uri": "data:application/octet-stream;base64,{base64}"}}]
//! }}"#);
//! let mesh = read_gltf(file.as_bytes(), &Limits::default())?.z_up().normalised()?;
//! let view = render(&mesh, &Turntable::default().camera(-5), Style::default())?;
//! assert_eq!(view.rgb_on_white().len(), 512 * 512 * 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod camera;
mod gltf;
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
pub use gltf::{GltfError, Limits, read_gltf};
pub use likeness::{Apart, Likeness, Lookalikes, SizesDiffer, Symmetry};
pub use mesh::{Material, Mesh, MeshError, Part, Shading};
pub use raster::{Light, MAX_SIDE, NEAR, RenderError, Smoothing, Style, render};
pub use sine::sin_cos_degrees;
pub use texture::{Image, Magnified, Texture, Wrap};
pub use turntable::{STEP, STEPS, Turntable};
pub use view::View;
