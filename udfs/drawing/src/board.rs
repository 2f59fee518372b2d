//! A board: RGB pixels with pictures, shapes, lines and words on them, for people to look at.
//!
//! ```text
//!   o──────► x, pixels        places are floats from the top-left corner; (0.5, 0.5) is the middle of the first pixel
//!   │
//!   y                         what lies outside of the board is not drawn
//! ```
//!
//! Shapes and lines are `tiny-skia`'s, letters are [`text`]'s. Everything is opaque in the end, so a board is as large as
//! four bytes a pixel and holds no layers.

use image::imageops::{FilterType, resize};
use image::{ImageBuffer, ImageFormat, Rgb, RgbImage};
use jpeg_encoder::{ColorType, Encoder};
use thiserror::Error;
use tiny_skia::{FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Stroke, StrokeDash, Transform};

use crate::text;

/// Of 100. From 90 on the encoder keeps the colour of every pixel, which thin coloured lines need.
const JPEG_QUALITY: u8 = 92;

/// Pixels to draw on.
#[derive(Debug, Clone)]
pub struct Board {
    pixels: Pixmap,
}

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    pub colour: [u8; 3],
    /// Pixels.
    pub width: f64,
    /// Pixels of a dash and of the gap after it; 0 is a line without gaps.
    pub dash: f64,
    /// 0 to 1.
    pub opacity: f64,
}

/// Why there is no board, or no file of it.
#[derive(Debug, Error)]
pub enum BoardError {
    #[error("a board of {width} x {height} pixels cannot be made")]
    Size { width: u32, height: u32 },
    #[error("{bytes} bytes are no RGB picture of {width} x {height} pixels")]
    Picture { width: u32, height: u32, bytes: usize },
    #[error("cannot encode the board as JPEG: {0}")]
    Jpeg(#[from] jpeg_encoder::EncodingError),
    #[error("cannot encode the board as PNG: {0}")]
    Png(#[from] image::ImageError),
}

impl Line {
    /// Without gaps, opaque.
    pub fn new(colour: [u8; 3], width: f64) -> Self {
        Self { colour, width, dash: 0.0, opacity: 1.0 }
    }
}

impl Board {
    /// All of one colour.
    ///
    /// ```
    /// use spatialmill_drawing::Board;
    /// let board = Board::new(3, 2, [10, 20, 30])?;
    /// assert_eq!((board.width(), board.height(), board.at(2, 1)), (3, 2, Some([10, 20, 30])));
    /// assert!(Board::new(0, 2, [0; 3]).is_err());
    /// # Ok::<(), spatialmill_drawing::BoardError>(())
    /// ```
    pub fn new(width: u32, height: u32, [r, g, b]: [u8; 3]) -> Result<Self, BoardError> {
        let mut pixels = Pixmap::new(width, height).ok_or(BoardError::Size { width, height })?;
        pixels.fill(tiny_skia::Color::from_rgba8(r, g, b, 255));
        Ok(Self { pixels })
    }

    /// A picture, three bytes a pixel, scaled to a size: each pixel is the mean of those that it stands for.
    ///
    /// ```
    /// use spatialmill_drawing::Board;
    /// let board = Board::of_picture(&[0, 0, 0, 100, 200, 50], (2, 1), (1, 1))?;
    /// assert_eq!(board.at(0, 0), Some([50, 100, 25]));
    /// # Ok::<(), spatialmill_drawing::BoardError>(())
    /// ```
    pub fn of_picture(rgb: &[u8], (width, height): (u32, u32), to: (u32, u32)) -> Result<Self, BoardError> {
        let bytes = rgb.len();
        let full = ImageBuffer::<Rgb<u8>, _>::from_raw(width, height, rgb).filter(|_| width > 0 && height > 0);
        let full = full.ok_or(BoardError::Picture { width, height, bytes })?;
        let mut board = Self::new(to.0, to.1, [0; 3])?;
        let scaled = resize(&full, to.0, to.1, FilterType::Triangle);
        for (pixel, [r, g, b]) in board.pixels.data_mut().as_chunks_mut::<4>().0.iter_mut().zip(scaled.as_chunks().0) {
            *pixel = [*r, *g, *b, 255];
        }
        Ok(board)
    }

    pub fn width(&self) -> u32 {
        self.pixels.width()
    }

    pub fn height(&self) -> u32 {
        self.pixels.height()
    }

    /// The colour of a pixel.
    pub fn at(&self, x: u32, y: u32) -> Option<[u8; 3]> {
        self.pixels.pixel(x, y).map(|pixel| [pixel.red(), pixel.green(), pixel.blue()])
    }

    /// Colours every pixel anew, by its place and what it was.
    pub fn map(&mut self, mut colour: impl FnMut(u32, u32, [u8; 3]) -> [u8; 3]) {
        let width = self.width();
        for (at, pixel) in (0..).zip(self.pixels.data_mut().as_chunks_mut::<4>().0) {
            let [r, g, b, _] = *pixel;
            let [r, g, b] = colour(at % width, at / width, [r, g, b]);
            *pixel = [r, g, b, 255];
        }
    }

    /// Blends a colour into every pixel, by the share that `cover` gives for its place: 0 leaves it, 1 replaces it.
    pub fn tint(&mut self, colour: [u8; 3], mut cover: impl FnMut(u32, u32) -> f64) {
        let width = self.width();
        for (at, pixel) in (0..).zip(self.pixels.data_mut().as_chunks_mut::<4>().0) {
            blend(pixel, colour, cover(at % width, at / width));
        }
    }

    /// Fills a polygon.
    pub fn fill(&mut self, corners: &[(f64, f64)], colour: [u8; 3], opacity: f64) {
        if let Some(path) = path(corners, true) {
            self.pixels.fill_path(&path, &paint(colour, opacity), FillRule::Winding, Transform::identity(), None);
        }
    }

    /// Fills a rectangle with its corners a little rounded, as labels have them.
    pub fn fill_label(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), colour: [u8; 3], opacity: f64) {
        let cut = (width.min(height) / 2.0).clamp(0.0, 2.0);
        let (right, bottom) = (x + width, y + height);
        let corners = [
            (x + cut, y),
            (right - cut, y),
            (right, y + cut),
            (right, bottom - cut),
            (right - cut, bottom),
            (x + cut, bottom),
            (x, bottom - cut),
            (x, y + cut),
        ];
        self.fill(&corners, colour, opacity);
    }

    /// A line through points.
    pub fn line(&mut self, points: &[(f64, f64)], line: Line) {
        self.stroke(points, false, line);
    }

    /// A line around a polygon.
    pub fn outline(&mut self, corners: &[(f64, f64)], line: Line) {
        self.stroke(corners, true, line);
    }

    fn stroke(&mut self, points: &[(f64, f64)], closed: bool, line: Line) {
        let dash = StrokeDash::new(vec![line.dash as f32; 2], 0.0).filter(|_| line.dash > 0.0);
        let stroke = Stroke {
            width: line.width as f32,
            line_cap: if dash.is_some() { LineCap::Butt } else { LineCap::Round },
            line_join: LineJoin::Round,
            dash,
            ..Stroke::default()
        };
        if let Some(path) = path(points, closed) {
            self.pixels.stroke_path(&path, &paint(line.colour, line.opacity), &stroke, Transform::identity(), None);
        }
    }

    /// Writes a line of text that starts at a place, on the line that letters stand on; `size` is as in [`crate::width`].
    pub fn write(&mut self, text: &str, at: (f64, f64), size: f64, colour: [u8; 3]) {
        let (width, height) = (i64::from(self.width()), i64::from(self.height()));
        let pixels = self.pixels.data_mut().as_chunks_mut::<4>().0;
        text::draw(text, at, size, |x, y, share| {
            if (0..width).contains(&x) && (0..height).contains(&y) {
                blend(&mut pixels[(y * width + x) as usize], colour, share);
            }
        });
    }

    /// Lays another board onto this one; what does not fit is cut off.
    pub fn place(&mut self, other: &Self, (x, y): (u32, u32)) {
        let wide = self.width().saturating_sub(x).min(other.width()) as usize * 4;
        let high = self.height().saturating_sub(y).min(other.height()) as usize;
        if wide == 0 {
            return;
        }
        let (to_row, from_row) = (self.width() as usize * 4, other.width() as usize * 4);
        let start = y as usize * to_row + x as usize * 4;
        let to = self.pixels.data_mut();
        for (row, from) in other.pixels.data().chunks(from_row).take(high).enumerate() {
            let at = start + row * to_row;
            to[at..at + wide].copy_from_slice(&from[..wide]);
        }
    }

    /// A JPEG file.
    pub fn jpeg(&self) -> Result<Vec<u8>, BoardError> {
        let (width, height) = (self.width(), self.height());
        let side = |side: u32| u16::try_from(side).map_err(|_| BoardError::Size { width, height });
        let mut file = Vec::new();
        Encoder::new(&mut file, JPEG_QUALITY).encode(
            self.pixels.data(),
            side(width)?,
            side(height)?,
            ColorType::Rgba,
        )?;
        Ok(file)
    }

    /// A PNG file.
    pub fn png(&self) -> Result<Vec<u8>, BoardError> {
        let rgb = self.pixels.data().as_chunks::<4>().0.iter().flat_map(|[r, g, b, _]| [*r, *g, *b]).collect();
        let (width, height) = (self.width(), self.height());
        let image = RgbImage::from_raw(width, height, rgb).ok_or(BoardError::Size { width, height })?;
        let mut file = std::io::Cursor::new(Vec::new());
        image.write_to(&mut file, ImageFormat::Png)?;
        Ok(file.into_inner())
    }
}

fn blend(pixel: &mut [u8; 4], colour: [u8; 3], share: f64) {
    let share = share.clamp(0.0, 1.0);
    for (ground, ink) in pixel.iter_mut().zip(colour) {
        // Between two bytes.
        *ground = (f64::from(*ground) + share * (f64::from(ink) - f64::from(*ground))).round() as u8;
    }
}

/// `None` for what has no length: fewer than two points, or places that are not finite.
fn path(points: &[(f64, f64)], closed: bool) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (at, (x, y)) in points.iter().enumerate() {
        match at {
            0 => path.move_to(*x as f32, *y as f32),
            _ => path.line_to(*x as f32, *y as f32),
        }
    }
    if closed {
        path.close();
    }
    path.finish()
}

fn paint([r, g, b]: [u8; 3], opacity: f64) -> Paint<'static> {
    let mut paint = Paint::default();
    // Cannot overflow after clamping.
    paint.set_color_rgba8(r, g, b, (opacity.clamp(0.0, 1.0) * 255.0).round() as u8);
    paint.anti_alias = true;
    paint
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHITE: [u8; 3] = [255; 3];
    const RED: [u8; 3] = [255, 0, 0];

    #[test]
    fn shapes_are_where_they_should_be() {
        let mut board = Board::new(10, 10, WHITE).unwrap();
        board.fill(&[(2.0, 2.0), (5.0, 2.0), (5.0, 5.0), (2.0, 5.0)], RED, 1.0);
        assert_eq!(
            (board.at(1, 2), board.at(2, 2), board.at(4, 4), board.at(5, 4)),
            (Some(WHITE), Some(RED), Some(RED), Some(WHITE))
        );
        board.fill(&[(0.0, 8.0), (10.0, 8.0), (10.0, 10.0), (0.0, 10.0)], [0; 3], 0.5);
        assert!(board.at(5, 9).unwrap()[0].abs_diff(128) <= 1);
        // Nowhere on the board, and nowhere at all.
        board.fill(&[(20.0, 20.0), (30.0, 20.0), (30.0, 30.0)], RED, 1.0);
        board.line(&[(f64::NAN, 1.0), (3.0, 1.0)], Line::new(RED, 1.0));
        assert_eq!(board.at(9, 0), Some(WHITE));
    }

    #[test]
    fn dashes_leave_gaps() {
        let mut board = Board::new(40, 3, WHITE).unwrap();
        board.line(&[(0.0, 1.5), (40.0, 1.5)], Line { dash: 5.0, ..Line::new(RED, 1.0) });
        let row: Vec<bool> = (0..40).map(|x| board.at(x, 1) == Some(RED)).collect();
        assert_eq!(row[..10], [true, true, true, true, true, false, false, false, false, false]);
        assert_eq!(row.iter().filter(|red| **red).count(), 20);
    }

    #[test]
    fn a_board_is_laid_onto_another_as_far_as_it_fits() {
        let mut board = Board::new(4, 4, WHITE).unwrap();
        let red = Board::new(3, 3, RED).unwrap();
        board.place(&red, (2, 3));
        assert_eq!(
            (board.at(2, 3), board.at(3, 3), board.at(1, 3), board.at(2, 2)),
            (Some(RED), Some(RED), Some(WHITE), Some(WHITE))
        );
        board.place(&red, (4, 0));
        board.place(&red, (0, 9));
    }

    #[test]
    fn files_hold_what_was_drawn() {
        let mut board = Board::new(33, 20, WHITE).unwrap();
        board.tint(RED, |x, _| if x < 10 { 1.0 } else { 0.0 });
        board.write("7", (15.0, 16.0), 16.0, [0; 3]);
        let (_, _, png) = crate::decode_rgb(&board.png().unwrap()).unwrap();
        let drawn: Vec<u8> =
            (0..20).flat_map(|y| (0..33).map(move |x| (x, y))).flat_map(|(x, y)| board.at(x, y).unwrap()).collect();
        assert_eq!(png, drawn);
        assert!(drawn.as_chunks::<3>().0.iter().any(|pixel| pixel[0] < 60), "a digit in black");
        let (width, height, jpeg) = crate::decode_rgb(&board.jpeg().unwrap()).unwrap();
        assert_eq!((width, height), (33, 20));
        assert!(jpeg.iter().zip(&drawn).filter(|(a, b)| a.abs_diff(**b) > 40).count() < 20);
    }
}
