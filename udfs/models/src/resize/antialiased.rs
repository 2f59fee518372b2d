//! Pillow's `BILINEAR` on bytes: a triangle in 22-bit weights, first along rows, then down columns, rounded after each.

use super::taps::{Kernel, Taps};
use crate::{Rgb, Size};

/// The picture at another size, bit for bit as `Image.resize(..., Image.BILINEAR)` makes it in Pillow before 13, with which today's
/// networks were trained. Pillow 13 goes down columns first where that saves work, which rounds a fifth of such bytes by 1 the other way
/// (python-pillow#9549).
///
/// ```
/// use spatialmill_models::resize::antialiased;
/// use spatialmill_models::{Rgb, Size};
/// let picture = Rgb::new(4, 1, [0, 80, 160, 240].iter().flat_map(|v| [*v; 3]).collect()).unwrap();
/// // Weights 3 : 3 : 1 on the first three, as the triangle two pixels wide to each side falls.
/// let half = antialiased(&picture, Size { width: 2, height: 1 });
/// assert_eq!(half.pixels(), [57, 57, 57, 183, 183, 183]);
/// ```
pub fn antialiased(picture: &Rgb, to: Size) -> Rgb {
    let (width, height) = (to.width as usize, to.height as usize);
    let mut narrowed = picture.pixels().to_vec();
    if to.width != picture.width() {
        let columns = weights(picture.width(), to.width);
        narrowed = vec![0; 3 * width * picture.height() as usize];
        let rows = picture.pixels().chunks_exact(3 * picture.width() as usize);
        for (source, out) in rows.zip(narrowed.chunks_exact_mut(3 * width)) {
            for (x, out) in out.chunks_exact_mut(3).enumerate() {
                let (start, weights) = columns.of(x);
                let mut sums = [HALF; 3];
                for (weight, pixel) in weights.iter().zip(source[3 * start..].chunks_exact(3)) {
                    for channel in 0..3 {
                        sums[channel] += weight * i32::from(pixel[channel]);
                    }
                }
                for channel in 0..3 {
                    out[channel] = rounded(sums[channel]);
                }
            }
        }
    }
    if to.height == picture.height() {
        return Rgb::new(to.width, to.height, narrowed).expect("as many pixels as the size says");
    }
    let rows = weights(picture.height(), to.height);
    let mut pixels = vec![0; 3 * width * height];
    let mut sums = vec![0; 3 * width];
    for (y, out) in pixels.chunks_exact_mut(3 * width).enumerate() {
        let (start, weights) = rows.of(y);
        sums.fill(HALF);
        for (weight, row) in weights.iter().zip(narrowed[3 * width * start..].chunks_exact(3 * width)) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += weight * i32::from(*value);
            }
        }
        for (out, sum) in out.iter_mut().zip(&sums) {
            *out = rounded(*sum);
        }
    }
    Rgb::new(to.width, to.height, pixels).expect("as many pixels as the size says")
}

/// Eight bits for the value and two to spare leave this many of 32 for weights.
const BITS: u32 = 22;
const HALF: i32 = 1 << (BITS - 1);

fn rounded(sum: i32) -> u8 {
    (sum >> BITS).clamp(0, 255) as u8
}

/// A triangle's weights in whole numbers.
fn weights(from: u32, to: u32) -> Taps<i32> {
    Taps::new(Kernel::Triangle, from, to).map(|weight| (0.5 + weight * f64::from(1 << BITS)) as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_a_picture_of_the_same_size_and_one_colour() {
        let picture = Rgb::new(3, 2, (0..18).collect()).unwrap();
        assert_eq!(antialiased(&picture, picture.size()), picture);
        let grey = Rgb::new(50, 40, vec![201; 6000]).unwrap();
        assert!(antialiased(&grey, Size { width: 13, height: 7 }).pixels().iter().all(|value| *value == 201));
    }
}
