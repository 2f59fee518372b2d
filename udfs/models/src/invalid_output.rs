//! A model output that fails the checks of shape, range and finiteness. It is quarantined and never reaches a question.

use thiserror::Error;

/// Why a model's answer is not used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct InvalidOutput {
    /// A word to count by: `shape`, `not_finite`, `score`, `label`, `box`, `empty_mask`, `full_mask`, `depth_range`, `camera`,
    /// `gravity`.
    pub code: &'static str,
    /// In words, with the numbers.
    pub message: String,
}

impl InvalidOutput {
    /// See the fields.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}
