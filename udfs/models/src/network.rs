//! A network: tensors in, tensors out, by the roles that its family gives them. What runs it is behind this trait.

use thiserror::Error;

use crate::{Signature, Tensor};

/// A network with its weights.
pub trait Network: Send {
    /// What it takes and gives.
    fn signature(&self) -> &Signature;

    /// All outputs that its family names, for inputs that may hold several pictures along the first axis.
    fn run(&mut self, inputs: &[(&str, &Tensor)]) -> Result<Vec<(String, Tensor)>, RunError>;
}

/// Why a network gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RunError {
    /// A smaller batch may do.
    #[error("the device is out of memory: {0}")]
    OutOfMemory(String),
    /// What it was given, or its weights, are at fault, or the device is.
    #[error("the model failed: {0}")]
    Failed(String),
    /// Nobody is there to run it any more.
    #[error("the model was stopped")]
    Stopped,
}
