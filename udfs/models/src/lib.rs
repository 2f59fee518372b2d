//! Models: pictures in, objects, masks, depth and cameras out. The one crate that names a model runtime or an accelerator.
//!
//! ```text
//! models.toml ─► registry ─► network (ONNX Runtime, loaded when the program runs)
//!                               ▲ inputs            │ outputs
//! picture ─► family.prepare ────┘                   └─► family.decode ─► answer, or poison
//! ```

pub mod family;
pub mod labels;
pub mod nms;
pub mod normalise;
mod poison;
pub mod resize;
mod rgb;
mod tensor;

pub use family::{Adapter, DepthMap, FAMILIES, Family, Found, Parameters, Signature, Task, Unfit};
pub use poison::Poison;
pub use rgb::{Rgb, Size};
pub use tensor::{Inputs, Outputs, Tensor};
