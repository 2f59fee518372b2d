//! A decoded picture: what its regions look like, and what it looks like with marks.

use spatialmill_geometry::{Mask, PixelBox};

use crate::canvas::Canvas;
use crate::decode::{DecodeError, decode};
use crate::jpeg::{Cells, EncodeError, Grid};
use crate::mark::{self, Mark, MarkError};
use crate::planes::{Planes, rgb};
use crate::rows::RowSpans;

/// The pixels of an image file, decoded once for all that is drawn on them: a byte and a half each, and once something
/// was drawn, the bytes of the JPEG without marks.
#[derive(Debug)]
pub struct Picture {
    planes: Planes,
    grid: Grid,
    cells: Cells,
}

/// A part of a picture.
#[derive(Debug, Clone, Copy)]
pub enum Region<'a> {
    Mask(&'a Mask),
    /// The pixels whose centres are inside.
    Box(&'a PixelBox),
}

/// Why nothing was drawn.
#[derive(Debug, thiserror::Error)]
pub enum DrawError {
    /// The caller's: a mark that cannot be drawn on this picture.
    #[error(transparent)]
    Mark(#[from] MarkError),
    /// This program's.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl Picture {
    /// From the bytes of a JPEG or PNG file.
    ///
    /// ```
    /// use spatialmill_drawing::{Picture, DecodeError};
    /// assert!(matches!(Picture::decode(b"GIF89a"), Err(DecodeError::Format)));
    /// assert!(matches!(Picture::decode(&[0xFF, 0xD8, 0xFF]), Err(DecodeError::Jpeg(_))));
    /// ```
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let planes = decode(bytes)?;
        let grid = Grid::of(planes.width, planes.height);
        Ok(Self { planes, grid, cells: Cells::of(grid) })
    }

    pub fn width(&self) -> u32 {
        // A side is at most `MAX_SIDE`; so is the other.
        self.planes.width as u32
    }

    pub fn height(&self) -> u32 {
        self.planes.height as u32
    }

    /// The JPEG file of the picture with marks: masks first, then boxes, then numbers. The same marks give the same
    /// bytes, whatever was drawn before.
    pub fn drawn(&self, marks: &[Mark]) -> Result<Vec<u8>, DrawError> {
        let mut canvas = Canvas::on(&self.planes, self.grid);
        mark::draw(&mut canvas, marks)?;
        Ok(self.cells.file(&canvas, self.grid)?)
    }

    /// The JPEG file of the picture as it is.
    pub fn jpeg(&self) -> Result<Vec<u8>, DrawError> {
        self.drawn(&[])
    }

    /// The mean colour of a region, in sRGB; `None` where it has no pixel of this picture, or is a mask of another
    /// size.
    ///
    /// ```
    /// use spatialmill_drawing::Picture;
    /// use spatialmill_geometry::PixelBox;
    /// # let mut png = std::io::Cursor::new(Vec::new());
    /// # let image = image::GrayImage::from_fn(4, 2, |x, _| image::Luma([if x < 2 { 50 } else { 250 }]));
    /// # image.write_to(&mut png, image::ImageFormat::Png)?;
    /// # let png = png.into_inner();
    /// let picture = Picture::decode(&png)?; // 4 x 2, the left half 50, the right half 250
    /// let right_three = PixelBox { x0: 1.0, y0: 0.0, x1: 9.0, y1: 9.0 };
    /// assert_eq!(picture.mean_colour(&right_three), Some([183; 3])); // 550 / 3
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn mean_colour<'a>(&self, region: impl Into<Region<'a>>) -> Option<[u8; 3]> {
        let rows = match region.into() {
            Region::Mask(mask) if (mask.width(), mask.height()) != (self.width(), self.height()) => return None,
            Region::Mask(mask) => RowSpans::of(mask),
            Region::Box(area) => RowSpans::of(&Mask::from_box(self.height(), self.width(), area).ok()?),
        };
        let (mut pixels, mut sums) = (0, [0_u64; 3]);
        for y in rows.range() {
            let colours = y / 2 * self.planes.colour_width();
            for span in rows.spans(y) {
                pixels += span.len() as u64;
                let row = y * self.planes.width;
                sums[0] += self.planes.y[row + span.start..row + span.end].iter().map(|y| u64::from(*y)).sum::<u64>();
                for (sum, plane) in sums[1..].iter_mut().zip([&self.planes.cb, &self.planes.cr]) {
                    // Two for each pair of pixels, less one where the span has only one of the pair.
                    let pairs = &plane[colours + span.start / 2..colours + span.end.div_ceil(2)];
                    *sum += 2 * pairs.iter().map(|colour| u64::from(*colour)).sum::<u64>();
                    *sum -= if span.start % 2 == 1 { u64::from(pairs[0]) } else { 0 };
                    *sum -= if span.end % 2 == 1 { u64::from(pairs[pairs.len() - 1]) } else { 0 };
                }
            }
        }
        // Exact: below 2^28 pixels of eight bits.
        (pixels > 0).then(|| rgb(sums.map(|sum| sum as f64 / pixels as f64)))
    }
}

impl<'a> From<&'a Mask> for Region<'a> {
    fn from(mask: &'a Mask) -> Self {
        Self::Mask(mask)
    }
}

impl<'a> From<&'a PixelBox> for Region<'a> {
    fn from(area: &'a PixelBox) -> Self {
        Self::Box(area)
    }
}

#[cfg(test)]
mod tests;
