//! Words on a board: one line of one typeface, from left to right.
//!
//! A size is pixels from the highest to the lowest that a letter reaches. A letter that the typeface lacks is drawn as the box that
//! stands for any such letter: 猫 looks like □, and takes its width.

use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};

/// Latin letters with their accents, digits and signs of Roboto Condensed Medium, which is under the Apache licence beside it, made from
/// Debian's fonts-roboto-unhinted with
///
/// ```sh
/// pyftsubset RobotoCondensed-Medium.ttf --unicodes=U+20-7E,U+A0-17F,U+2013,U+2019,U+2026 --layout-features= --no-hinting \
///     --notdef-outline --name-IDs=0,1,2,5,13,14
/// ```
static LATIN: LazyLock<FontRef<'static>> = LazyLock::new(|| {
    FontRef::try_from_slice(include_bytes!("../font/roboto-condensed-latin.ttf"))
        .expect("the font in this program is one")
});

/// How wide a text is, pixels.
///
/// ```
/// use spatialmill_drawing::width;
/// assert_eq!(width("", 16.0), 0.0);
/// assert!(width("wide", 16.0) > width("nil", 16.0));
/// assert_eq!(width("chair", 32.0), 2.0 * width("chair", 16.0));
/// ```
pub fn width(text: &str, size: f64) -> f64 {
    text.chars().map(|letter| advance(letter, size)).sum()
}

/// As much of a text as fits into some pixels, with `…` where something is left out; nothing where not even that fits.
///
/// ```
/// use spatialmill_drawing::{cut, width};
/// assert_eq!(cut("chair", 16.0, 100.0), "chair");
/// assert_eq!(cut("armchair", 16.0, width("arm…", 16.0) + 0.5), "arm…");
/// assert_eq!(cut("chair", 16.0, 1.0), "");
/// ```
pub fn cut(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut left = room - advance('…', size);
    if left < 0.0 {
        return String::new();
    }
    let fits = |letter: &char| {
        left -= advance(*letter, size);
        left >= 0.0
    };
    let mut shown: String = text.chars().take_while(fits).collect();
    shown.push('…');
    shown
}

fn advance(letter: char, size: f64) -> f64 {
    let scaled = LATIN.as_scaled(PxScale::from(size as f32));
    scaled.h_advance(LATIN.glyph_id(letter)).into()
}

/// Calls `paint` with each pixel that a text covers, and by what share. `at` is where it starts, on the line that letters stand on.
pub fn draw(text: &str, (x, y): (f64, f64), size: f64, mut paint: impl FnMut(i64, i64, f64)) {
    let scale = PxScale::from(size as f32);
    // Between whole pixels, so that lines of small letters look even.
    let (mut along, baseline) = (x, y.round() as f32);
    for letter in text.chars() {
        let glyph = LATIN.glyph_id(letter).with_scale_and_position(scale, point(along as f32, baseline));
        if let Some(outline) = LATIN.outline_glyph(glyph) {
            let bounds = outline.px_bounds();
            let (left, top) = (bounds.min.x as i64, bounds.min.y as i64);
            outline.draw(|x, y, share| paint(left + i64::from(x), top + i64::from(y), share.into()));
        }
        along += advance(letter, size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_labels_are_made_of_is_in_the_typeface() {
        for letter in (' '..='~').chain("éßñøčłŠ°±²³·×–’…".chars()) {
            assert_ne!(LATIN.glyph_id(letter).0, 0, "`{letter}`");
        }
    }

    #[test]
    fn a_letter_that_is_not_there_is_a_box() {
        let mut pixels = 0;
        draw("猫", (10.0, 20.0), 16.0, |_, _, share| pixels += usize::from(share > 0.2));
        assert!(pixels > 10 && width("猫", 16.0) > 4.0, "{pixels}");
    }
}
