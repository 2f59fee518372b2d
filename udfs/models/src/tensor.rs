//! Tensors as they go into a network and come out of it: numbers and a shape, by name.
//!
//! Numbers are `f32` here, whatever a network computes in: half floats and whole numbers are converted where the runtime is called.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::InvalidOutput;

/// Numbers in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: Vec<f32>,
}

impl Tensor {
    /// # Panics
    ///
    /// When the numbers do not fill the shape: whoever makes a tensor knows both.
    pub fn new(shape: impl Into<Vec<usize>>, data: Vec<f32>) -> Self {
        let shape = shape.into();
        assert_eq!(shape.iter().product::<usize>(), data.len(), "a tensor's numbers must fill its shape {shape:?}");
        Self { shape, data }
    }

    /// Sizes along the axes, the batch first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// All numbers.
    pub fn data(&self) -> &[f32] {
        &self.data
    }
}

/// What goes into a network for one picture, by the role that its family gives each input. Each begins with a batch axis of 1.
/// Shared, because what one network computed of a picture goes into another many times.
pub type Inputs = Vec<(&'static str, Arc<Tensor>)>;

/// What came out of a network for one picture, by the role that its family gives each output.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outputs(BTreeMap<String, Arc<Tensor>>);

impl Outputs {
    /// From each role and its tensor.
    pub fn new(tensors: impl IntoIterator<Item = (String, Tensor)>) -> Self {
        Self(tensors.into_iter().map(|(role, tensor)| (role, Arc::new(tensor))).collect())
    }

    /// One output, which the family declared, so that a network without it was refused.
    pub fn get(&self, role: &str) -> Result<&Arc<Tensor>, InvalidOutput> {
        self.0.get(role).ok_or_else(|| InvalidOutput::new("shape", format!("the network gave no `{role}`")))
    }
}
