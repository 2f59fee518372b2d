//! Box formats of models: pixels, 0 to 1000 or relative in, checked boxes in pixels out, and the other way round.
//!
//! In every dialect a box is four numbers: left, top, right, bottom, x from the left and y from the top of the image as
//! it was sent. Inside they are [`PixelBox`]es of that image.

use serde::{Deserialize, Serialize};
use spatialmill_geometry::PixelBox;

use crate::ask_error::AnswerError;

/// The unit of a model's boxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Coordinates {
    /// Pixels of the image as sent (Qwen2.5-VL).
    Pixels,
    /// 0 to 1000 over each side (InternVL, Qwen2-VL and Qwen3-VL).
    #[default]
    Thousand,
    /// 0 to 1 over each side.
    Relative,
}

/// The sides of an image as sent, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub width: u32,
    pub height: u32,
}

/// A box that sticks out of its image by less than this part of the image's side was meant to end there: models round.
const OVERSHOOT: f64 = 0.01;

/// Two boxes that share more than this of their union are one.
pub const SAME: f64 = 0.95;

impl Coordinates {
    /// Right and bottom of an image.
    fn ends(self, size: Size) -> (f64, f64) {
        match self {
            Self::Pixels => (f64::from(size.width), f64::from(size.height)),
            Self::Thousand => (1000.0, 1000.0),
            Self::Relative => (1.0, 1.0),
        }
    }

    /// What a model wrote, in pixels, clipped where it sticks out a little. Code `box`.
    ///
    /// ```
    /// use spatialmill_chat::{Coordinates, Size};
    /// let size = Size { width: 640, height: 480 };
    /// let area = Coordinates::Thousand.read(&[250.0, 0.0, 1005.0, 500.0], size)?;
    /// assert_eq!((area.x0, area.y0, area.x1, area.y1), (160.0, 0.0, 640.0, 240.0));
    /// # Ok::<(), spatialmill_chat::AnswerError>(())
    /// ```
    pub fn read(self, written: &[f64], size: Size) -> Result<PixelBox, AnswerError> {
        let wrong = |why: &str| Err(AnswerError::new("box", format!("{why}: {written:?}")));
        let &[x0, y0, x1, y1] = written else { return wrong("not four numbers") };
        if !written.iter().all(|edge| edge.is_finite()) {
            return wrong("not all finite");
        }
        let (right, bottom) = self.ends(size);
        let fits = |edge: f64, end: f64| (-OVERSHOOT * end..=end + OVERSHOOT * end).contains(&edge);
        if !(fits(x0, right) && fits(x1, right) && fits(y0, bottom) && fits(y1, bottom)) {
            return wrong("outside of the image");
        }
        if !(x0 < x1 && y0 < y1) {
            return wrong("right is not right of left, or bottom not below top");
        }
        // Divided before it is multiplied, the end of the unit is the image's edge exactly.
        let (width, height) = (f64::from(size.width), f64::from(size.height));
        let area = PixelBox {
            x0: x0 / right * width,
            y0: y0 / bottom * height,
            x1: x1 / right * width,
            y1: y1 / bottom * height,
        };
        match area.clipped_to(size.width, size.height) {
            // Smaller, it shows nothing; as likely, a model wrote another unit than it was asked for.
            Some(area) if area.x1 - area.x0 >= 1.0 && area.y1 - area.y0 >= 1.0 => Ok(area),
            _ => wrong("smaller than a pixel"),
        }
    }

    /// A box as a model would write it.
    pub fn write(self, area: &PixelBox, size: Size) -> String {
        let (right, bottom) = self.ends(size);
        let (x, y) = (right / f64::from(size.width), bottom / f64::from(size.height));
        let digits = if self == Self::Relative { 3 } else { 0 };
        let edges = [area.x0 * x, area.y0 * y, area.x1 * x, area.y1 * y];
        format!("[{}]", edges.map(|edge| format!("{edge:.digits$}")).join(", "))
    }

    /// The unit in words, as `{coordinates}` of a prompt.
    pub fn words(self, size: Size) -> String {
        match self {
            Self::Pixels => format!(
                "in pixels of this image: x from 0 at its left edge to {} at its right, y from 0 at its top to {} at its bottom",
                size.width, size.height
            ),
            Self::Thousand => {
                "in whole numbers from 0 to 1000: x from 0 at the image's left edge to 1000 at its right, \
                y from 0 at its top to 1000 at its bottom"
                    .to_owned()
            }
            Self::Relative => {
                "in fractions from 0 to 1: x from 0 at the image's left edge to 1 at its right, y from 0 at \
                its top to 1 at its bottom"
                    .to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SIZE: Size = Size { width: 640, height: 480 };
    const ALL: [Coordinates; 3] = [Coordinates::Pixels, Coordinates::Thousand, Coordinates::Relative];

    #[test]
    fn what_is_believed() {
        let read = |unit: Coordinates, written: [f64; 4]| {
            unit.read(&written, SIZE).map(|a| [a.x0, a.y0, a.x1, a.y1]).map_err(|refusal| refusal.code)
        };
        assert_eq!(read(Coordinates::Pixels, [10.0, 20.0, 30.5, 40.0]), Ok([10.0, 20.0, 30.5, 40.0]));
        assert_eq!(read(Coordinates::Relative, [0.5, 0.25, 1.0, 1.0]), Ok([320.0, 120.0, 640.0, 480.0]));
        // A whole image, and a little more.
        assert_eq!(read(Coordinates::Thousand, [0.0, 0.0, 1000.0, 1000.0]), Ok([0.0, 0.0, 640.0, 480.0]));
        assert_eq!(read(Coordinates::Pixels, [-6.0, 0.0, 646.0, 484.0]), Ok([0.0, 0.0, 640.0, 480.0]));
        for wrong in [
            [f64::NAN, 0.0, 10.0, 10.0],
            [0.0, 0.0, f64::INFINITY, 10.0],
            [-7.0, 0.0, 10.0, 10.0],
            [0.0, 0.0, 10.0, 485.0],
            [30.0, 0.0, 10.0, 10.0],
            [10.0, 10.0, 10.0, 20.0],
            // Only in the margin.
            [641.0, 0.0, 646.0, 10.0],
            // Fractions where pixels are asked for.
            [0.1, 0.1, 0.9, 0.8],
        ] {
            assert_eq!(read(Coordinates::Pixels, wrong), Err("box"), "{wrong:?}");
        }
        assert_eq!(read(Coordinates::Relative, [100.0, 100.0, 200.0, 200.0]), Err("box"));
        for edges in [&[][..], &[1.0, 2.0, 3.0], &[1.0, 2.0, 30.0, 40.0, 0.9]] {
            assert_eq!(Coordinates::Pixels.read(edges, SIZE).unwrap_err().code, "box");
        }
    }

    #[test]
    fn every_unit_has_words() {
        assert!(Coordinates::Pixels.words(SIZE).contains("640") && Coordinates::Thousand.words(SIZE).contains("1000"));
        assert!(!Coordinates::Relative.words(SIZE).contains("  "));
    }

    proptest! {
        #[test]
        fn a_box_lies_in_its_image_or_is_refused(
            unit in prop::sample::select(&ALL[..]),
            written in prop::array::uniform4(prop_oneof![any::<f64>(), -0.1..1.1, -20.0..1020.0, -10.0..700.0]),
            width in 1u32..5000,
            height in 1u32..5000,
        ) {
            match unit.read(&written, Size { width, height }) {
                Ok(area) => {
                    prop_assert!(0.0 <= area.x0 && area.x0 < area.x1 && area.x1 <= f64::from(width), "{area:?}");
                    prop_assert!(0.0 <= area.y0 && area.y0 < area.y1 && area.y1 <= f64::from(height), "{area:?}");
                }
                Err(refusal) => prop_assert_eq!(refusal.code, "box"),
            }
        }

        #[test]
        fn what_is_written_is_read_again(
            unit in prop::sample::select(&ALL[..]),
            x in 0.0..600.0, y in 0.0..440.0, width in 5.0..40.0, height in 5.0..40.0,
        ) {
            let area = PixelBox { x0: x, y0: y, x1: x + width, y1: y + height };
            let written: Vec<f64> = serde_json::from_str(&unit.write(&area, SIZE)).unwrap();
            let read = unit.read(&written, SIZE).unwrap();
            // Half of the coarsest step, which is a pixel.
            for (a, b) in [(read.x0, area.x0), (read.y0, area.y0), (read.x1, area.x1), (read.y1, area.y1)] {
                prop_assert!((a - b).abs() <= 0.501, "{a} {b}");
            }
        }
    }
}
