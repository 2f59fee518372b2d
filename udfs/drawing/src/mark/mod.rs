//! Marks: what can be drawn on a picture, and how thick everything is.
//!
//! ```text
//! masks first, then boxes, then numbers, so that no mark hides a smaller one; among its own kind, in the order given
//! ```
//!
//! Each mark is one colour of the palette and a casing in black or white, whichever that colour stands out from: on any
//! ground, one of the two is seen. Sizes are in pixels of the picture; the unit of them all is what [`Pen`] says.

mod badge;
mod frame;
mod region;

use spatialmill_geometry::colour::Colour;
use spatialmill_geometry::{Mask, PixelBox};
use thiserror::Error;

use crate::canvas::Canvas;
use crate::planes::Ink;

/// Something to draw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mark<'a> {
    /// A frame around the box; what lies outside of the picture is cut off.
    Box { area: PixelBox, colour: Colour },
    /// A tint, and a line along the edge.
    Mask { mask: &'a Mask, colour: Colour },
    /// 0 to 999, in a badge about (`x`, `y`) that is moved as far as it takes to be inside of the picture. `room` says
    /// how many pixels there are around that place before something else begins: badges are as large as it allows,
    /// within what is legible and what is not in the way. Where a legible one would hide the object, it stands above it, or below it at the
    /// picture's upper border, and points at the place as a pin does.
    Number { number: u16, x: f64, y: f64, room: f64, colour: Colour },
}

/// Why a mark cannot be drawn; `mark` counts from 0 in the order given.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum MarkError {
    #[error("mark {mark} has no pixel in the picture of {width} x {height}")]
    Outside { mark: usize, width: usize, height: usize },
    #[error("mark {mark} is a mask of {mask_width} x {mask_height} pixels on a picture of {width} x {height}")]
    MaskSize { mark: usize, mask_width: u32, mask_height: u32, width: usize, height: usize },
    #[error("mark {mark} is the number {number}, which has more than three digits")]
    Digits { mark: usize, number: u16 },
    #[error("mark {mark} is a number at {x}, {y} with room {room}: all three must be finite")]
    Place { mark: usize, x: f64, y: f64, room: f64 },
}

/// Draws them all, or nothing that anybody gets to see.
pub fn draw(canvas: &mut Canvas, marks: &[Mark]) -> Result<(), MarkError> {
    let pen = Pen::of(canvas.width(), canvas.height());
    let (width, height) = (canvas.width(), canvas.height());
    let outside = |mark| MarkError::Outside { mark, width, height };
    for (mark, kind) in marks.iter().enumerate() {
        if let Mark::Mask { mask, colour } = kind {
            if (mask.width() as usize, mask.height() as usize) != (width, height) {
                let (mask_width, mask_height) = (mask.width(), mask.height());
                return Err(MarkError::MaskSize { mark, mask_width, mask_height, width, height });
            }
            if mask.is_empty() {
                return Err(outside(mark));
            }
            region::draw(canvas, mask, *colour, &pen);
        }
    }
    for (mark, kind) in marks.iter().enumerate() {
        if let Mark::Box { area, colour } = kind {
            // Sides are at most 32,768.
            let inside = area.clipped_to(width as u32, height as u32).ok_or_else(|| outside(mark))?;
            frame::draw(canvas, inside, *colour, &pen);
        }
    }
    for (mark, kind) in marks.iter().enumerate() {
        if let Mark::Number { number, x, y, room, colour } = *kind {
            if number > 999 {
                return Err(MarkError::Digits { mark, number });
            }
            if ![x, y, room].iter().all(|value| value.is_finite()) {
                return Err(MarkError::Place { mark, x, y, room });
            }
            badge::draw(canvas, number, (x, y), room, colour, &pen);
        }
    }
    Ok(())
}

/// How thick things are on a picture of some size.
///
/// The unit is a pixel of a picture whose shorter side has 480, as COCO's have. It grows with the side, but slower:
/// models scale large pictures down, so marks have to grow, and people do not, so they must not grow clumsy.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Pen {
    unit: f64,
}

impl Pen {
    fn of(width: usize, height: usize) -> Self {
        // To the power of 3/4, by roots, which all machines round alike.
        let root = (width.min(height) as f64 / 480.0).sqrt();
        Self { unit: (root * root.sqrt()).max(0.6) }
    }

    /// The coloured line of a frame.
    fn frame(&self) -> f64 {
        4.0 * self.unit
    }

    /// The casing on each side of a line. Thinner than a pixel it would be grey.
    fn casing(&self) -> f64 {
        self.unit.max(1.0)
    }

    /// The coloured line along the edge of a mask, which is tinted, too.
    fn edge(&self) -> f64 {
        3.0 * self.unit
    }

    /// A badge's radius, without casing, for some room. Digits are about as high as the radius, so 12 pixels or more on
    /// a picture of 640 x 480.
    fn badge(&self, room: f64) -> f64 {
        (room * 0.6).clamp(12.0 * self.unit, 18.0 * self.unit)
    }
}

/// Inks of a mark: its colour and its casing.
fn inks(colour: Colour) -> (Ink, Ink) {
    (Ink::of(colour.rgb()), Ink::of(colour.contrast()))
}

/// Coverage as the canvas takes it.
fn byte(coverage: f64) -> u8 {
    // Cannot overflow after clamping.
    (coverage.clamp(0.0, 1.0) * 255.0 + 0.5) as u8
}
