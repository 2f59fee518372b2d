//! Resizing in floats, for what upstream resizes after it has made floats of bytes.

use super::taps::{Kernel, Taps};
use crate::{Rgb, Size};

/// The picture at another size, 0-255, row by row with three channels a pixel. Cubic values may lie a little outside 0-255.
///
/// ```
/// use spatialmill_models::resize::{Kernel, sampled};
/// use spatialmill_models::{Rgb, Size};
/// let picture = Rgb::new(2, 1, vec![0, 0, 0, 100, 100, 100]).unwrap();
/// let wider = sampled(&picture, Size { width: 4, height: 1 }, Kernel::Linear);
/// assert_eq!(wider.iter().step_by(3).copied().collect::<Vec<f32>>(), [0.0, 25.0, 75.0, 100.0]);
/// ```
pub fn sampled(picture: &Rgb, to: Size, kernel: Kernel) -> Vec<f32> {
    let columns = Taps::new(kernel, picture.width(), to.width).map(|weight| weight as f32);
    let rows = Taps::new(kernel, picture.height(), to.height).map(|weight| weight as f32);
    let (stride, length) = (3 * picture.width() as usize, 3 * to.width as usize);
    // Rows count together with those next to them, so as many places do as rows count at once.
    let mut narrowed = vec![vec![0.0; length]; rows.count];
    let mut held = vec![usize::MAX; rows.count];
    let mut source = vec![0.0; stride];
    let mut pixels = vec![0.0; length * to.height as usize];
    for (y, out) in pixels.chunks_exact_mut(length).enumerate() {
        let (start, weights) = rows.of(y);
        for (row, weight) in (start..).zip(weights) {
            let place = row % rows.count;
            if held[place] != row {
                for (float, byte) in source.iter_mut().zip(&picture.pixels()[stride * row..]) {
                    *float = f32::from(*byte);
                }
                across(&source, &columns, &mut narrowed[place]);
                held[place] = row;
            }
            for (sum, value) in out.iter_mut().zip(&narrowed[place]) {
                *sum += weight * value;
            }
        }
    }
    pixels
}

fn across(source: &[f32], columns: &Taps<f32>, out: &mut [f32]) {
    for (x, out) in out.chunks_exact_mut(3).enumerate() {
        let (start, weights) = columns.of(x);
        let mut sums = [0.0; 3];
        for (weight, pixel) in weights.iter().zip(source[3 * start..].chunks_exact(3)) {
            for channel in 0..3 {
                sums[channel] += weight * pixel[channel];
            }
        }
        out.copy_from_slice(&sums);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_a_picture_of_the_same_size_and_one_colour() {
        let picture = Rgb::new(3, 2, (0..18).collect()).unwrap();
        let grey = Rgb::new(7, 9, vec![50; 189]).unwrap();
        for kernel in [Kernel::Linear, Kernel::Triangle, Kernel::Cubic] {
            let same = sampled(&picture, picture.size(), kernel);
            assert!(same.iter().zip(picture.pixels()).all(|(a, b)| (a - f32::from(*b)).abs() < 1e-4), "{kernel:?}");
            let other = sampled(&grey, Size { width: 4, height: 20 }, kernel);
            assert!(other.iter().all(|value| (value - 50.0).abs() < 1e-3), "{kernel:?}");
        }
    }
}
