//! Preparation by stretching: a picture resized to the network's size without keeping its proportions, and normalised.

use std::sync::Arc;

use serde::Deserialize;

use crate::normalise::{Canvas, Normalise};
use crate::resize::{Kernel, antialiased, linear, sampled};
use crate::{Rgb, Size, Tensor};

/// The parameter `resize`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Resize {
    /// [`linear`].
    Linear,
    /// [`antialiased`].
    Antialiased,
    /// [`sampled`] with [`Kernel::Triangle`].
    AntialiasedFloat,
    /// [`sampled`] with [`Kernel::Cubic`].
    Cubic,
}

impl Resize {
    /// The picture at another size, normalised, on a canvas.
    pub(crate) fn tensor(self, picture: &Rgb, to: Size, normalise: &Normalise, canvas: &Canvas) -> Arc<Tensor> {
        Arc::new(match self {
            Self::Linear => normalise.tensor(linear(picture, to).pixels(), to, canvas),
            Self::Antialiased => normalise.tensor(antialiased(picture, to).pixels(), to, canvas),
            Self::AntialiasedFloat => normalise.tensor(&sampled(picture, to, Kernel::Triangle), to, canvas),
            Self::Cubic => normalise.tensor(&sampled(picture, to, Kernel::Cubic), to, canvas),
        })
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Stretch {
    pub size: Size,
    pub resize: Resize,
    pub normalise: Normalise,
}

impl Stretch {
    /// [1, 3, height, width].
    pub(crate) fn tensor(&self, picture: &Rgb) -> Arc<Tensor> {
        self.resize.tensor(picture, self.size, &self.normalise, &Canvas::of(self.size))
    }
}
