//! A decoded picture: what every family prepares its inputs from.

/// Eight bits a channel, red, green, blue; row by row from the top-left corner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rgb {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

impl Rgb {
    /// None where the pixels do not fill the sides, or a side is 0.
    pub fn new(width: u32, height: u32, pixels: Vec<u8>) -> Option<Self> {
        let fits = width > 0 && height > 0 && pixels.len() as u64 == 3 * u64::from(width) * u64::from(height);
        fits.then_some(Self { width, height, pixels })
    }

    /// Pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Three bytes a pixel.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Width and height.
    pub fn size(&self) -> Size {
        Size { width: self.width, height: self.height }
    }
}

/// Width and height of a picture, pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub width: u32,
    pub height: u32,
}
