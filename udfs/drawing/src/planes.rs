//! Pixels as JPEG has them: one brightness a pixel, one pair of colour values for each two by two pixels (4:2:0).
//!
//! ```text
//!   y  y  y  y  y      width 5: three colour values a row,
//!   y  y  y  y  y      the last of which stands for one column
//!   └cb,cr┘└cb,cr┘...
//! ```
//!
//! Full range, as JFIF has it. A colour value is the mean of its pixels, so that its middle is where theirs is; a
//! decoder that shows the picture puts it there.

/// A picture, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planes {
    pub width: usize,
    pub height: usize,
    /// `width` x `height`.
    pub y: Vec<u8>,
    /// Half of `width` x half of `height`, rounded up; so is `cr`.
    pub cb: Vec<u8>,
    pub cr: Vec<u8>,
}

/// A colour in the terms of the planes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ink {
    pub y: u8,
    pub cb: u8,
    pub cr: u8,
}

impl Planes {
    /// Black. The system hands out zeros without touching them, so what is never looked at costs nothing.
    pub fn new(width: usize, height: usize) -> Self {
        let colours = width.div_ceil(2) * height.div_ceil(2);
        Self { width, height, y: vec![0; width * height], cb: vec![0; colours], cr: vec![0; colours] }
    }

    /// From three bytes a pixel: y, cb, cr.
    pub fn from_ycbcr(width: usize, height: usize, pixels: &[u8]) -> Self {
        let mut planes = Self::new(width, height);
        let colours = planes.colour_width();
        for (pair, rows) in pixels.chunks(2 * width * 3).enumerate() {
            let (upper, lower) = rows.split_at(width * 3);
            // Below the last row of an odd number of rows there is that row again.
            let lower = if lower.is_empty() { upper } else { lower };
            for (row, pixels) in [upper, lower].into_iter().enumerate().take(rows.len() / (width * 3)) {
                let start = (2 * pair + row) * width;
                for (y, pixel) in planes.y[start..start + width].iter_mut().zip(pixels.as_chunks::<3>().0) {
                    *y = pixel[0];
                }
            }
            let at = pair * colours..(pair + 1) * colours;
            let halved = planes.cb[at.clone()].iter_mut().zip(&mut planes.cr[at]);
            let blocks = upper.as_chunks::<6>().0.iter().zip(lower.as_chunks::<6>().0);
            for ((cb, cr), (upper, lower)) in halved.zip(blocks) {
                let mean = |channel: usize| {
                    let sum = |row: &[u8; 6]| u16::from(row[channel]) + u16::from(row[channel + 3]);
                    ((sum(upper) + sum(lower) + 2) / 4) as u8
                };
                (*cb, *cr) = (mean(1), mean(2));
            }
            if width % 2 == 1 {
                let last = pair * colours + colours - 1;
                let mean = |channel: usize| {
                    let value = |row: &[u8]| u16::from(row[(width - 1) * 3 + channel]);
                    ((value(upper) + value(lower)).div_ceil(2)) as u8
                };
                (planes.cb[last], planes.cr[last]) = (mean(1), mean(2));
            }
        }
        planes
    }

    /// From three bytes a pixel: red, green, blue.
    pub fn from_rgb(width: usize, height: usize, mut pixels: Vec<u8>) -> Self {
        for pixel in pixels.as_chunks_mut::<3>().0 {
            let Ink { y, cb, cr } = Ink::of(*pixel);
            *pixel = [y, cb, cr];
        }
        Self::from_ycbcr(width, height, &pixels)
    }

    /// From one byte a pixel.
    pub fn from_grey(width: usize, height: usize, pixels: Vec<u8>) -> Self {
        let colours = width.div_ceil(2) * height.div_ceil(2);
        Self { width, height, y: pixels, cb: vec![128; colours], cr: vec![128; colours] }
    }

    /// Colour values in a row.
    pub fn colour_width(&self) -> usize {
        self.width.div_ceil(2)
    }
}

impl Ink {
    /// From sRGB, as JFIF says, in integers: the same everywhere.
    pub fn of(rgb: [u8; 3]) -> Self {
        let (y, cb, cr) = jpeg_encoder::rgb_to_ycbcr(rgb[0], rgb[1], rgb[2]);
        Self { y, cb, cr }
    }
}

/// sRGB of brightness and colour that need not be whole numbers.
pub fn rgb([y, cb, cr]: [f64; 3]) -> [u8; 3] {
    let (cb, cr) = (cb - 128.0, cr - 128.0);
    [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb]
        // Casts cannot overflow after clamping.
        .map(|channel| channel.round().clamp(0.0, 255.0) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_the_mean_of_up_to_four_pixels() {
        for (width, height) in [(1, 1), (2, 2), (3, 2), (2, 3), (5, 7), (8, 4)] {
            let pixels: Vec<u8> = (0..width * height * 3).map(|k| (k * 37 % 251) as u8).collect();
            let planes = Planes::from_ycbcr(width, height, &pixels);
            for (plane, channel) in [(&planes.cb, 1), (&planes.cr, 2)] {
                for (at, found) in plane.iter().enumerate() {
                    let (x, y) = (at % planes.colour_width() * 2, at / planes.colour_width() * 2);
                    // What the border cuts off is what is inside, once more.
                    let value = |x: usize, y: usize| {
                        u32::from(pixels[(y.min(height - 1) * width + x.min(width - 1)) * 3 + channel])
                    };
                    let sum = value(x, y) + value(x + 1, y) + value(x, y + 1) + value(x + 1, y + 1);
                    assert_eq!(u32::from(*found), (sum + 2) / 4, "{width}x{height} at {x}, {y}");
                }
            }
            assert!(planes.y.iter().zip(pixels.chunks(3)).all(|(y, pixel)| *y == pixel[0]));
        }
    }

    #[test]
    fn rgb_survives() {
        for colour in [[0, 0, 0], [255, 255, 255], [205, 13, 15], [51, 85, 255], [30, 187, 90]] {
            let Ink { y, cb, cr } = Ink::of(colour);
            let back = rgb([y, cb, cr].map(f64::from));
            assert!(colour.iter().zip(back).all(|(a, b)| a.abs_diff(b) <= 2), "{colour:?} {back:?}");
        }
    }
}
