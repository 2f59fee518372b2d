//! Taps of a resampling kernel: for each pixel of the new length, the pixels of the old one that count, and their weights.

use serde::Deserialize;

/// How a pixel's weight falls with its distance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kernel {
    /// The two nearest, however much the picture shrinks: OpenCV's `INTER_LINEAR`, torch's `bilinear`.
    Linear,
    /// A triangle as wide as what a new pixel covers, so that none is passed over: torch's `bilinear` with `antialias`.
    Triangle,
    /// The four nearest, on a cubic with a = -0.75: OpenCV's `INTER_CUBIC`.
    Cubic,
}

/// For each new pixel the first old one that counts, and as many weights as for every other.
pub(super) struct Taps<T> {
    pub(super) count: usize,
    starts: Vec<usize>,
    weights: Vec<T>,
}

impl Taps<f64> {
    pub(super) fn new(kernel: Kernel, from: u32, to: u32) -> Self {
        let scale = f64::from(from) / f64::from(to);
        let reach = if kernel == Kernel::Triangle { scale.max(1.0) } else { 1.0 };
        let most = match kernel {
            Kernel::Linear => 2,
            // A triangle's base is 2 · reach wide, which touches at most this many pixels.
            Kernel::Triangle => 2 * reach.ceil() as usize + 1,
            Kernel::Cubic => 4,
        };
        let mut taps = Self { count: most.min(from as usize), starts: Vec::new(), weights: Vec::new() };
        for at in 0..to {
            let centre = (f64::from(at) + 0.5) * scale;
            match kernel {
                Kernel::Linear => {
                    let (floor, part) = split((centre - 0.5) as f32);
                    taps.push(from, floor, [1.0 - part, part]);
                }
                Kernel::Cubic => {
                    let (floor, part) = split((centre - 0.5) as f32);
                    taps.push(from, floor - 1, cubic(part));
                }
                Kernel::Triangle => {
                    // Rounded to whole pixels, as Pillow does; its other roundings are followed too, for they decide bytes.
                    let per_reach = 1.0 / reach;
                    let first = ((centre - reach + 0.5) as i64).max(0);
                    let end = ((centre + reach + 0.5) as i64).min(from.into());
                    let weight = |pixel: i64| (1.0 - ((pixel as f64 - centre + 0.5) * per_reach).abs()).max(0.0);
                    let total: f64 = (first..end).map(weight).sum();
                    taps.push(from, first, (first..end).map(|pixel| weight(pixel) / total));
                }
            }
        }
        taps
    }

    /// The weights of consecutive pixels; the outermost pixels get those of pixels beyond them.
    fn push(&mut self, from: u32, first: i64, weights: impl IntoIterator<Item = f64>) {
        let last = i64::from(from) - 1;
        let start = first.clamp(0, i64::from(from) - self.count as i64);
        let base = self.weights.len();
        self.weights.resize(base + self.count, 0.0);
        for (pixel, weight) in (first..).zip(weights) {
            self.weights[base + (pixel.clamp(0, last) - start) as usize] += weight;
        }
        self.starts.push(start as usize);
    }

    /// With weights of another kind.
    pub(super) fn map<T>(self, weight: impl Fn(f64) -> T) -> Taps<T> {
        Taps { count: self.count, starts: self.starts, weights: self.weights.into_iter().map(weight).collect() }
    }
}

impl<T> Taps<T> {
    /// The first old pixel, and the weights of it and of those after it.
    pub(super) fn of(&self, at: usize) -> (usize, &[T]) {
        (self.starts[at], &self.weights[at * self.count..(at + 1) * self.count])
    }
}

/// The whole number below, and what is left. In single precision, because OpenCV and torch both are here.
fn split(place: f32) -> (i64, f64) {
    (place.floor() as i64, (place - place.floor()).into())
}

/// Weights of the four pixels around a place, `part` of the way from the second to the third.
fn cubic(part: f64) -> [f64; 4] {
    const A: f64 = -0.75;
    let far = |x: f64| ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A;
    let near = |x: f64| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let (first, second, third) = (far(part + 1.0), near(part), near(1.0 - part));
    [first, second, third, 1.0 - first - second - third]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn linear_repeats_the_outermost_pixel() {
        let taps = Taps::new(Kernel::Linear, 2, 4);
        assert_eq!(taps.of(0), (0, &[1.0, 0.0][..]));
        assert_eq!(taps.of(1), (0, &[0.75, 0.25][..]));
        assert_eq!(taps.of(3), (0, &[0.0, 1.0][..]));
    }

    #[test]
    fn a_triangle_averages_when_shrinking() {
        // New pixel 0 covers 0-3 with its centre at 1.5; the triangle is 3 wide to each side.
        let taps = Taps::new(Kernel::Triangle, 9, 3);
        let (start, weights) = taps.of(0);
        let weights: Vec<f64> = weights.iter().map(|weight| (weight * 24.0 * 1000.0).round() / 1000.0).collect();
        assert_eq!((start, weights.as_slice()), (0, &[6.0, 9.0, 6.0, 3.0, 0.0, 0.0, 0.0][..]));
    }

    proptest! {
        #[test]
        fn weights_sum_to_one(from in 1..400_u32, to in 1..400_u32) {
            for kernel in [Kernel::Linear, Kernel::Triangle, Kernel::Cubic] {
                let taps = Taps::new(kernel, from, to);
                for at in 0..to as usize {
                    let (start, weights) = taps.of(at);
                    prop_assert!(start + weights.len() <= from as usize);
                    prop_assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
                }
            }
        }
    }
}
