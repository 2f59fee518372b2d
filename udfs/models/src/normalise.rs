//! Normalisation: bytes of an image in, a tensor scaled and shifted channel by channel out, on a canvas of the network's size.

use serde::Deserialize;

use crate::{InvalidModel, Size, Tensor};

/// ImageNet's mean and deviation of red, green and blue, where white is 1.
pub const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// See [`IMAGENET_MEAN`].
pub const IMAGENET_STD: [f32; 3] = [0.229, 0.224, 0.225];

/// The order of a network's channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channels {
    #[default]
    Rgb,
    Bgr,
}

/// A byte `v` becomes `(v / 255 · white - mean) / std`.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalise {
    channels: Channels,
    /// Per channel in the network's order, applied to bytes.
    factors: [f32; 3],
    offsets: [f32; 3],
}

impl Normalise {
    /// `mean` and `std` are in the order of the channels, on a scale that ends with `white` (1 or 255 mostly).
    pub fn new(channels: Channels, white: f32, mean: [f32; 3], std: [f32; 3]) -> Result<Self, InvalidModel> {
        let usable = white > 0.0
            && [white].iter().chain(&mean).chain(&std).all(|number| number.is_finite())
            && std.iter().all(|std| *std > 0.0);
        if !usable {
            return Err(InvalidModel(format!(
                "a picture needs a positive `scale` and `std` and a finite `mean`, not {white}, {std:?} and {mean:?}"
            )));
        }
        let factors = std.map(|std| (f64::from(white) / 255.0 / f64::from(std)) as f32);
        let offsets = [0, 1, 2].map(|at| (-f64::from(mean[at]) / f64::from(std[at])) as f32);
        Ok(Self { channels, factors, offsets })
    }

    /// Bytes as they are.
    pub fn none(channels: Channels) -> Self {
        Self { channels, factors: [1.0; 3], offsets: [0.0; 3] }
    }

    /// What a colour becomes, in the network's order.
    pub fn colour(&self, rgb: [u8; 3]) -> [f32; 3] {
        [0, 1, 2].map(|at| f32::from(rgb[self.source(at)]) * self.factors[at] + self.offsets[at])
    }

    /// The channel of a picture that becomes channel `at`.
    fn source(&self, at: usize) -> usize {
        match self.channels {
            Channels::Rgb => at,
            Channels::Bgr => 2 - at,
        }
    }

    /// A tensor [1, 3, height, width] of the canvas, with the pixels (three numbers each, red first) of a picture on it.
    pub fn tensor<T: Copy + Into<f32>>(&self, pixels: &[T], picture: Size, canvas: &Canvas) -> Tensor {
        let width = canvas.size.width as usize;
        let plane = width * canvas.size.height as usize;
        let mut data = Vec::with_capacity(3 * plane);
        for padding in canvas.padding {
            data.resize(data.len() + plane, padding);
        }
        // Row by row with all channels, so that a row of pixels is still near by for the second and third.
        for (y, row) in (canvas.top as usize..).zip(pixels.chunks_exact(3 * picture.width as usize)) {
            for at in 0..3 {
                let (source, factor, offset) = (self.source(at), self.factors[at], self.offsets[at]);
                let start = at * plane + y * width + canvas.left as usize;
                for (pixel, out) in row.chunks_exact(3).zip(&mut data[start..start + picture.width as usize]) {
                    *out = pixel[source].into() * factor + offset;
                }
            }
        }
        Tensor::new([1, 3, canvas.size.height as usize, canvas.size.width as usize], data)
    }
}

/// What a picture is laid on: the network's size, where the picture's top-left corner lies, and what is around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Canvas {
    pub size: Size,
    pub left: u32,
    pub top: u32,
    /// Normalised already, in the network's order.
    pub padding: [f32; 3],
}

impl Canvas {
    /// Nothing but the picture.
    pub fn of(size: Size) -> Self {
        Self { size, left: 0, top: 0, padding: [0.0; 3] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: Size = Size { width: 2, height: 1 };

    #[test]
    fn goes_channel_by_channel() {
        let pixels: [u8; 6] = [1, 2, 3, 4, 5, 6];
        let rgb = Normalise::none(Channels::Rgb).tensor(&pixels, TWO, &Canvas::of(TWO));
        assert_eq!((rgb.shape(), rgb.data()), (&[1, 3, 1, 2][..], &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0][..]));
        let bgr = Normalise::none(Channels::Bgr).tensor(&pixels, TWO, &Canvas::of(TWO));
        assert_eq!(bgr.data(), [3.0, 6.0, 2.0, 5.0, 1.0, 4.0]);
    }

    #[test]
    fn scales_and_shifts() {
        let normalise = Normalise::new(Channels::Rgb, 1.0, [0.5, 0.0, 0.0], [0.5, 1.0, 2.0]).unwrap();
        assert_eq!(normalise.colour([255, 255, 255]), [1.0, 1.0, 0.5]);
        assert_eq!(normalise.colour([0, 0, 0]), [-1.0, 0.0, 0.0]);
        assert!(Normalise::new(Channels::Rgb, 1.0, [0.0; 3], [1.0, 0.0, 1.0]).is_err());
    }

    #[test]
    fn lays_the_picture_where_it_belongs() {
        let canvas = Canvas { size: Size { width: 4, height: 3 }, left: 1, top: 1, padding: [9.0, 8.0, 7.0] };
        let tensor = Normalise::none(Channels::Rgb).tensor(&[1_u8, 2, 3, 4, 5, 6], TWO, &canvas);
        #[rustfmt::skip]
        assert_eq!(tensor.data()[..12], [
            9.0, 9.0, 9.0, 9.0,
            9.0, 1.0, 4.0, 9.0,
            9.0, 9.0, 9.0, 9.0,
        ]);
        assert_eq!(tensor.data()[12..18], [8.0, 8.0, 8.0, 8.0, 8.0, 2.0]);
    }
}
