//! What a camera sees of an object: colours, its outline and its depth. Rows from the top.

use crate::srgb;

/// A picture of an object with nothing round it.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) rgba: Vec<u8>,
    pub(crate) mask: Vec<bool>,
    pub(crate) depth: Vec<f32>,
}

impl View {
    pub fn width(&self) -> u32 {
        self.width
    }

    pub fn height(&self) -> u32 {
        self.height
    }

    /// Red, green and blue of the object alone, and how much of the pixel it covers; 4 bytes a pixel. Where it covers nothing,
    /// all of them are 0.
    pub fn rgba(&self) -> &[u8] {
        &self.rgba
    }

    /// Red, green and blue before a white background, 3 bytes a pixel. Light is what is blended.
    pub fn rgb_on_white(&self) -> Vec<u8> {
        let mut rgb = Vec::with_capacity(self.rgba.len() / 4 * 3);
        for [r, g, b, covered] in self.rgba.as_chunks::<4>().0 {
            rgb.extend(match covered {
                0 => [u8::MAX; 3],
                255 => [*r, *g, *b],
                _ => {
                    let covered = f32::from(*covered) / 255.0;
                    [r, g, b].map(|code| srgb::code(srgb::light(*code) * covered + (1.0 - covered)))
                }
            });
        }
        rgb
    }

    /// Whether the pixel's centre shows the object.
    pub fn mask(&self) -> &[bool] {
        &self.mask
    }

    /// How far away along the optical axis is what the pixel's centre shows, in the mesh's unit; infinite where that is nothing.
    pub fn depth(&self) -> &[f32] {
        &self.depth
    }

    /// Whether the object may go on beyond the picture: it touches one of its sides.
    pub fn is_cut(&self) -> bool {
        // Both fit, all pixels are in memory.
        let (width, height) = (self.width as usize, self.height as usize);
        let rows = [0, height - 1].into_iter().flat_map(|row| row * width..(row + 1) * width);
        let columns = (0..height).flat_map(|row| [row * width, (row + 1) * width - 1]);
        rows.chain(columns).any(|pixel| self.mask[pixel])
    }
}
