//! A number in a badge: a disc for one digit, a pill for more, filled with the mark's colour, digits and casing in
//! black or white.

use ab_glyph::{Font, FontRef, OutlinedGlyph, PxScale, point};
use spatialmill_geometry::colour::Colour;

use super::{Pen, byte, inks};
use crate::canvas::{Area, Canvas};
use crate::planes::Ink;

/// Digits of Roboto Bold, which is under the Apache licence beside it, made from Debian's fonts-roboto-unhinted with
///
/// ```sh
/// pyftsubset Roboto-Bold.ttf --text=0123456789 --layout-features= --no-hinting --name-IDs=0,1,2,5,13,14
/// ```
const DIGITS: &[u8] = include_bytes!("../../font/roboto-bold-digits.ttf");

/// How high a digit is, of the badge's radius: one alone has the disc to itself, several have to keep from the ends.
const HEIGHTS: [f64; 3] = [1.15, 1.0, 0.95];

/// How much of the radius digits may take at their corners.
const FILLED: f64 = 0.88;

/// How long a pointer is between a badge and its object, of the badge's radius.
const POINTER: f64 = 0.7;

/// `at` and `room` are finite.
pub fn draw(canvas: &mut Canvas, number: u16, at: (f64, f64), room: f64, colour: Colour, pen: &Pen) {
    let (ink, casing_ink) = inks(colour);
    let (width, height) = (canvas.width() as f64, canvas.height() as f64);
    let casing = pen.casing() * 1.5;
    // On a picture that is smaller than a badge there is a smaller badge.
    let fits = (width.min(height) / 2.0 - casing).max(1.0);
    let radius = pen.badge(room).min(fits);
    let text = BadgeText::of(number, radius);
    let reach = text.reach(radius).min((width / 2.0 - radius - casing).max(0.0));
    // Between whole pixels, so that a number looks the same wherever it is.
    let placed = |at: f64, side: f64, half: f64| {
        let (least, most) = (half.ceil(), (side - half).floor());
        if least < most { at.round().clamp(least, most) } else { (side / 2.0).floor() }
    };
    let half = radius + casing;
    // Above the object where there is space, below it elsewhere; a picture that is too low for either has the badge on the object.
    let away = half + POINTER * radius + room.max(0.0);
    let beside = [at.1 - away, at.1 + away].into_iter().find(|y| (half..=height - half).contains(y));
    let pin = beside.filter(|_| room < radius && (0.0..=width).contains(&at.0));
    let tip = at;
    let at = (placed(at.0, width, radius + reach + casing), placed(pin.unwrap_or(at.1), height, half));
    if let Some(y) = pin {
        // As far as the object's edge, as seen from the badge.
        let tip = (tip.0, tip.1 - (room.max(0.0) + casing).copysign(tip.1 - y));
        pointer(canvas, at, tip, radius * 0.6 + casing, casing, casing_ink);
        pointer(canvas, at, tip, radius * 0.6, 0.0, ink);
    }
    pill(canvas, at, reach, radius + casing, casing_ink);
    pill(canvas, at, reach, radius, ink);
    text.draw(canvas, at, casing_ink);
}

/// A triangle with soft edges from a badge's middle, where it is `base` wide to each side, to a tip, where it has the width of `end`.
fn pointer(canvas: &mut Canvas, from: (f64, f64), tip: (f64, f64), base: f64, end: f64, ink: Ink) {
    let (along, down) = (tip.0 - from.0, tip.1 - from.1);
    // Not hypot, which machines round differently.
    let length = (along * along + down * down).sqrt();
    let span = |a: f64, b: f64, half: f64| {
        (a.min(b) - half - 0.5).floor().max(0.0) as usize..(a.max(b) + half + 0.5).ceil().max(0.0) as usize
    };
    canvas.paint(Area { x: span(from.0, tip.0, base), y: span(from.1, tip.1, end) }, ink, |row, first, coverage| {
        let y = row as f64 + 0.5 - from.1;
        for (column, coverage) in (first..).zip(coverage) {
            let x = column as f64 + 0.5 - from.0;
            let (ahead, aside) = ((x * along + y * down) / length, (x * down - y * along).abs() / length);
            let share = ahead / length;
            let inside = base + (end - base) * share - aside;
            *coverage = byte(inside.min(ahead).min(length + end - ahead) + 0.5);
        }
    });
}

/// All that is within `radius` of the line from `reach` to the left of a place to `reach` to its right.
fn pill(canvas: &mut Canvas, (x, y): (f64, f64), reach: f64, radius: f64, ink: Ink) {
    // What is below zero is cast to zero, where the picture starts; half a pixel is for the soft edge.
    let span = |at: f64, half: f64| (at - half - 0.5).floor() as usize..(at + half + 0.5).ceil() as usize;
    canvas.paint(Area { x: span(x, radius + reach), y: span(y, radius) }, ink, |row, first, coverage| {
        let down = row as f64 + 0.5 - y;
        for (column, coverage) in (first..).zip(coverage) {
            let along = ((column as f64 + 0.5 - x).abs() - reach).max(0.0);
            // From half a pixel inside to half a pixel outside.
            *coverage = byte(radius - (along * along + down * down).sqrt() + 0.5);
        }
    });
}

/// Digits beside each other. Lengths are pixels, y up from the line that they stand on.
struct BadgeText {
    font: FontRef<'static>,
    scale: PxScale,
    /// Digits and where they start, from the left edge of the first one's ink.
    digits: Vec<(char, f64)>,
    /// Of the ink.
    width: f64,
    /// Of a zero.
    bottom: f64,
    top: f64,
}

impl BadgeText {
    fn of(number: u16, radius: f64) -> Self {
        let font = FontRef::try_from_slice(DIGITS).expect("the font in this program is one");
        let text = number.to_string();
        let bounds = |digit| font.outline(font.glyph_id(digit)).expect("the font has all digits").bounds;
        let zero = bounds('0');
        let (bottom, top) = (f64::from(zero.min.y.min(zero.max.y)), f64::from(zero.min.y.max(zero.max.y)));
        // Pixels of one of the font's units.
        let unit = radius * HEIGHTS[text.len().min(HEIGHTS.len()) - 1] / (top - bottom);

        let (mut digits, mut start, mut right) = (Vec::new(), 0.0, 0.0);
        for (index, digit) in text.chars().enumerate() {
            let bounds = bounds(digit);
            if index == 0 {
                start = -f64::from(bounds.min.x);
            }
            digits.push((digit, start * unit));
            right = start + f64::from(bounds.max.x);
            start += f64::from(font.h_advance_unscaled(font.glyph_id(digit)));
        }
        let scale = PxScale::from((unit * f64::from(font.height_unscaled())) as f32);
        Self { font, scale, digits, width: right * unit, bottom: bottom * unit, top: top * unit }
    }

    /// How far apart the ends of a pill have to be, half of it, for the digits to fit between.
    fn reach(&self, radius: f64) -> f64 {
        let half = (self.top - self.bottom) / 2.0;
        (self.width / 2.0 - ((radius * FILLED).powi(2) - half.powi(2)).max(0.0).sqrt()).max(0.0)
    }

    /// With the middle of its ink between the pixels of a place.
    fn draw(&self, canvas: &mut Canvas, (x, y): (f64, f64), ink: Ink) {
        for (digit, start) in &self.digits {
            // Relative to the place, as small numbers are the more exact.
            let at = point((start - self.width / 2.0) as f32, ((self.top + self.bottom) / 2.0) as f32);
            let glyph = self.font.glyph_id(*digit).with_scale_and_position(self.scale, at);
            if let Some(outline) = self.font.outline_glyph(glyph) {
                paint(canvas, &outline, (x as i64, y as i64), ink);
            }
        }
    }
}

fn paint(canvas: &mut Canvas, outline: &OutlinedGlyph, (x, y): (i64, i64), ink: Ink) {
    let bounds = outline.px_bounds();
    let (width, height) = (bounds.width() as usize, bounds.height() as usize);
    let mut coverage = vec![0_u8; width * height];
    outline.draw(|x, y, share| coverage[y as usize * width + x as usize] = byte(share.into()));
    // Outside of the picture only where that is smaller than a badge.
    let (left, top) = (x + bounds.min.x as i64, y + bounds.min.y as i64);
    let span = |start: i64, length: usize| start.max(0) as usize..(start + length as i64).max(0) as usize;
    canvas.paint(Area { x: span(left, width), y: span(top, height) }, ink, |y, x, row| {
        let start = (y as i64 - top) as usize * width + (x as i64 - left) as usize;
        row.copy_from_slice(&coverage[start..start + row.len()]);
    });
}
