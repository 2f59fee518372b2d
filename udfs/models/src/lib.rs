//! Models: pictures in, objects, masks, depth and cameras out. The one crate that names a model runtime or an accelerator.
//!
//! ```text
//! models.toml ─► registry ─► network (ONNX Runtime, loaded when the program runs)
//!                               ▲ inputs            │ outputs
//! picture ─► family.prepare ────┘                   └─► family.decode ─► answer, or InvalidOutput
//! ```

pub mod family;
mod invalid_output;
pub mod labels;
mod network;
pub mod nms;
pub mod normalise;
mod onnx;
mod registry;
pub mod resize;
mod rgb;
mod tensor;
mod worker;

pub use family::{Adapter, DepthMap, FAMILIES, Family, Found, InvalidModel, Parameters, Signature, Task};
pub use invalid_output::InvalidOutput;
pub use network::{Network, RunError};
pub use onnx::{OnnxNetwork, OpenError, Provider, Runtime, SessionOptions};
pub use registry::{CHAT, Entry, File, Port, Registry, RegistryError, Run};
pub use rgb::{Rgb, Size};
pub use tensor::{Inputs, Outputs, Tensor};
pub use worker::{Meter, Slot, Worker};
