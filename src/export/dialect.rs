//! How references and boxes are written for a trainer.
//!
//! | dialect | the text of `<ref>red chair</ref><box>1</box>` | numbers |
//! |---|---|---|
//! | `internvl` | `<ref>red chair</ref><box>[[x1, y1, x2, y2]]</box>` | integers, 0 to 1000 of each side |
//! | `qwen3` | `red chair {"bbox_2d": [x1, y1, x2, y2]}` | integers, 0 to 1000 of each side |
//! | `qwen2.5` | the same | integers, pixels of the image as Qwen2.5-VL resizes it |
//! | `relative` | `red chair [x1, y1, x2, y2]` | 0 to 1 of each side, three decimals |
//! | `pixels` | the same | pixels, one decimal |
//! | `swift` | `<ref-object><bbox>`, with both kept beside the text | pixels |
//!
//! A text of the dataset is made of plain text, `<ref>...</ref>` and `<box>n</box>`, which stands for its n-th box. Names hold no `<`, so
//! nothing else can look like one.

use crate::error::{Error, Result};
use crate::suggestion::unknown;

/// A way of writing references and boxes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Dialect {
    InternVl,
    Qwen3,
    Qwen25 {
        /// Pixels that a resized image has at least.
        min_pixels: u64,
        /// Pixels that a resized image has at most.
        max_pixels: u64,
    },
    Relative,
    Pixels,
    Swift,
}

/// The size of the image that a text is about, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImageSize {
    pub width: u32,
    pub height: u32,
}

/// A box of a sample, on one of its images.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlacedBox {
    /// Which of the sample's images, from 0.
    pub image: usize,
    /// x0, y0, x1, y1 in pixels of that image.
    pub bbox: [f64; 4],
    /// Of that image.
    pub size: ImageSize,
}

/// A text in a dialect, with what the dialect keeps beside it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WrittenText {
    pub text: String,
    pub references: Vec<String>,
    pub boxes: Vec<[f64; 4]>,
    /// Which image each of the boxes is on.
    pub box_images: Vec<usize>,
}

/// A piece of a text of the dataset.
#[derive(Debug, Clone, Copy, PartialEq)]
enum TextPiece<'a> {
    Text(&'a str),
    Reference(&'a str),
    /// Counted from 0.
    Box(usize),
}

impl Dialect {
    /// As Qwen2.5-VL's image processor is shipped.
    pub const QWEN25: Self = Self::Qwen25 { min_pixels: 4 * 28 * 28, max_pixels: 16_384 * 28 * 28 };

    const NAMES: [(&'static str, Self); 6] = [
        ("internvl", Self::InternVl),
        ("qwen3", Self::Qwen3),
        ("qwen2.5", Self::QWEN25),
        ("relative", Self::Relative),
        ("pixels", Self::Pixels),
        ("swift", Self::Swift),
    ];

    /// The dialect of this name.
    pub fn named(name: &str) -> Result<Self> {
        let names = Self::NAMES.map(|(name, _)| name);
        let found = Self::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, dialect)| dialect);
        found.ok_or_else(|| unknown("dialect", name, &names))
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::InternVl => "internvl",
            Self::Qwen3 => "qwen3",
            Self::Qwen25 { .. } => "qwen2.5",
            Self::Relative => "relative",
            Self::Pixels => "pixels",
            Self::Swift => "swift",
        }
    }

    /// Writes a text of the dataset with its boxes in this dialect. An error is a box that the text names and nobody gave.
    pub fn write(&self, text: &str, boxes: &[PlacedBox]) -> Result<WrittenText> {
        let mut written = WrittenText { text: String::with_capacity(text.len() + 32), ..WrittenText::default() };
        self.append(text, boxes, &mut written)?;
        Ok(written)
    }

    fn append(&self, text: &str, boxes: &[PlacedBox], out: &mut WrittenText) -> Result<()> {
        for piece in pieces(text) {
            match piece {
                TextPiece::Text(text) => out.text.push_str(text),
                TextPiece::Reference(name) => {
                    let (open, close) = self.tags();
                    out.text.push_str(open);
                    if *self == Self::Swift {
                        out.references.push(name.to_owned());
                    } else {
                        out.text.push_str(name);
                    }
                    out.text.push_str(close);
                }
                TextPiece::Box(place) => {
                    let missing = || Error::input("a text names a box that its sample has not").with("box", place + 1);
                    let PlacedBox { image, bbox, size } = *boxes.get(place).ok_or_else(missing)?;
                    let (open, close) = self.brackets();
                    out.text.push_str(open);
                    match self.numbers(bbox, size)? {
                        WrittenBox::Whole([a, b, c, d]) => out.text.push_str(&format!("{a}, {b}, {c}, {d}")),
                        WrittenBox::Decimal([a, b, c, d], places) => {
                            out.text.push_str(&format!("{a:.places$}, {b:.places$}, {c:.places$}, {d:.places$}"));
                        }
                        WrittenBox::Beside(bbox) => {
                            out.boxes.push(bbox);
                            out.box_images.push(image);
                        }
                    }
                    out.text.push_str(close);
                }
            }
        }
        Ok(())
    }

    /// Whether something that was written in this dialect says what a text of the dataset says: the same words, the same references,
    /// the same boxes as near as the dialect's numbers come. The error says where they part.
    pub fn agrees(&self, written: &WrittenText, text: &str, boxes: &[PlacedBox]) -> Result<(), String> {
        let mut rest = written.text.as_str();
        let mut references = written.references.iter();
        let mut beside = written.boxes.iter().zip(&written.box_images);
        let expect = |rest: &mut &str, what: &str| match rest.strip_prefix(what) {
            Some(more) => {
                *rest = more;
                Ok(())
            }
            None => Err(format!("`{what}` is expected at `{}`", rest.chars().take(60).collect::<String>())),
        };
        for piece in pieces(text) {
            match piece {
                TextPiece::Text(text) => expect(&mut rest, text)?,
                TextPiece::Reference(name) => {
                    let (open, close) = self.tags();
                    expect(&mut rest, open)?;
                    if *self == Self::Swift {
                        let found = references.next().ok_or("a reference is missing")?;
                        if found != name {
                            return Err(format!("the reference `{found}` is none to `{name}`"));
                        }
                    } else {
                        expect(&mut rest, name)?;
                    }
                    expect(&mut rest, close)?;
                }
                TextPiece::Box(place) => {
                    let wanted = boxes.get(place).ok_or("the sample has no such box")?;
                    let (open, close) = self.brackets();
                    expect(&mut rest, open)?;
                    let found = if *self == Self::Swift {
                        let (bbox, image) = beside.next().ok_or("a box is missing")?;
                        if *image != wanted.image {
                            return Err(format!("a box is on image {}, not {}", image + 1, wanted.image + 1));
                        }
                        *bbox
                    } else {
                        let end = rest.find(close).ok_or("a box does not close")?;
                        let numbers: Vec<f64> =
                            rest[..end].split(", ").filter_map(|number| number.parse().ok()).collect();
                        rest = &rest[end..];
                        numbers
                            .try_into()
                            .map_err(|numbers: Vec<f64>| format!("a box has four numbers, not {}", numbers.len()))?
                    };
                    expect(&mut rest, close)?;
                    self.is_near(found, wanted.bbox, wanted.size)?;
                }
            }
        }
        match (rest, references.next(), beside.next()) {
            ("", None, None) => Ok(()),
            ("", ..) => Err("more references or boxes than the text has".to_owned()),
            (rest, ..) => Err(format!("`{}` is too much", rest.chars().take(60).collect::<String>())),
        }
    }

    /// Back to pixels: half a unit of the numbers is lost to rounding, a whole one where a box without extent was widened.
    fn is_near(&self, found: [f64; 4], wanted: [f64; 4], size: ImageSize) -> Result<(), String> {
        let (width, height) = (f64::from(size.width), f64::from(size.height));
        let (scale, slack) = match self {
            Self::InternVl | Self::Qwen3 => ([width / 1000.0, height / 1000.0], 1.01),
            Self::Qwen25 { .. } => {
                let resized = self.resized(size).map_err(|e| e.to_string())?;
                ([width / f64::from(resized.width), height / f64::from(resized.height)], 1.01)
            }
            Self::Relative => ([width, height], 0.001_01),
            Self::Pixels => ([1.0, 1.0], 0.101),
            Self::Swift => ([1.0, 1.0], 0.011),
        };
        for side in 0..4 {
            let (scale, found, wanted) =
                (scale[side % 2], found[side], wanted[side].clamp(0.0, [width, height][side % 2]));
            let off = (found * scale - wanted).abs();
            if off.is_nan() || off > slack * scale {
                return Err(format!("a box has {found} where {wanted} pixels are meant"));
            }
        }
        if found[0] >= found[2] || found[1] >= found[3] {
            return Err(format!("the corners of the box {found:?} are in the wrong order"));
        }
        Ok(())
    }

    fn tags(&self) -> (&'static str, &'static str) {
        match self {
            Self::InternVl => ("<ref>", "</ref>"),
            Self::Swift => ("<ref-object>", ""),
            _ => ("", ""),
        }
    }

    fn brackets(&self) -> (&'static str, &'static str) {
        match self {
            Self::InternVl => ("<box>[[", "]]</box>"),
            Self::Qwen3 | Self::Qwen25 { .. } => (" {\"bbox_2d\": [", "]}"),
            Self::Relative | Self::Pixels => (" [", "]"),
            Self::Swift => ("<bbox>", ""),
        }
    }

    fn numbers(&self, bbox: [f64; 4], size: ImageSize) -> Result<WrittenBox> {
        let (width, height) = (f64::from(size.width), f64::from(size.height));
        let [x0, y0, x1, y1] = bbox;
        let inside = [x0.clamp(0.0, width), y0.clamp(0.0, height), x1.clamp(0.0, width), y1.clamp(0.0, height)];
        Ok(match self {
            Self::InternVl | Self::Qwen3 => WrittenBox::Whole(whole(inside, size, 1000, 1000)),
            Self::Qwen25 { .. } => {
                let resized = self.resized(size)?;
                WrittenBox::Whole(whole(inside, size, resized.width, resized.height))
            }
            Self::Relative => {
                let [x0, y0, x1, y1] = whole(inside, size, 1000, 1000).map(f64::from);
                WrittenBox::Decimal([x0 / 1000.0, y0 / 1000.0, x1 / 1000.0, y1 / 1000.0], 3)
            }
            Self::Pixels => {
                let (tenths_wide, tenths_high) = (size.width * 10, size.height * 10);
                WrittenBox::Decimal(
                    whole(inside, size, tenths_wide, tenths_high).map(|tenths| f64::from(tenths) / 10.0),
                    1,
                )
            }
            // Hundredths of a pixel are more than anybody annotates, and print short.
            Self::Swift => WrittenBox::Beside(inside.map(|edge| (edge * 100.0).round() / 100.0)),
        })
    }

    /// The size to which Qwen2.5-VL resizes an image before it sees it: sides that are multiples of 28, about the same shape, and an
    /// area within bounds.
    fn resized(&self, size: ImageSize) -> Result<ImageSize> {
        let Self::Qwen25 { min_pixels, max_pixels } = *self else { return Ok(size) };
        smart_resize(size, min_pixels, max_pixels)
    }
}

/// Qwen2.5-VL's `smart_resize` with its factor of 28, in the same operations and roundings.
fn smart_resize(size: ImageSize, min_pixels: u64, max_pixels: u64) -> Result<ImageSize> {
    const FACTOR: f64 = 28.0;
    let (width, height) = (f64::from(size.width), f64::from(size.height));
    if width.max(height) > 200.0 * width.min(height) {
        return Err(Error::input("Qwen2.5-VL takes no image that is longer than 200 times its width")
            .with("size", format!("{}x{}", size.width, size.height)));
    }
    let nearest = |side: f64| ((side / FACTOR).round_ties_even() * FACTOR).max(FACTOR);
    let (mut wide, mut high) = (nearest(width), nearest(height));
    if wide * high > max_pixels as f64 {
        let shrink = (width * height / max_pixels as f64).sqrt();
        let fit = |side: f64| ((side / shrink / FACTOR).floor() * FACTOR).max(FACTOR);
        (wide, high) = (fit(width), fit(height));
    } else if wide * high < min_pixels as f64 {
        let grow = (min_pixels as f64 / (width * height)).sqrt();
        let fit = |side: f64| (side * grow / FACTOR).ceil() * FACTOR;
        (wide, high) = (fit(width), fit(height));
    }
    // Exact: whole multiples of 28 below 2^32.
    Ok(ImageSize { width: wide as u32, height: high as u32 })
}

enum WrittenBox {
    Whole([u32; 4]),
    /// With so many places behind the point.
    Decimal([f64; 4], usize),
    Beside([f64; 4]),
}

/// The box in units of which the sides have so many: rounded, inside, and with an extent.
fn whole(bbox: [f64; 4], size: ImageSize, across: u32, down: u32) -> [u32; 4] {
    let unit = |edge: f64, side: u32, units: u32| {
        let share = edge / f64::from(side.max(1)) * f64::from(units);
        // Saturates, and is clamped: an edge is inside the image.
        (share.round() as u32).min(units)
    };
    let ordered = |low: u32, high: u32, units: u32| match (low, high) {
        (low, high) if low < high => (low, high),
        (low, _) if low < units => (low, low + 1),
        (low, _) => (low.saturating_sub(1), low),
    };
    let [x0, y0, x1, y1] = bbox;
    let (x0, x1) = ordered(unit(x0, size.width, across), unit(x1, size.width, across), across);
    let (y0, y1) = ordered(unit(y0, size.height, down), unit(y1, size.height, down), down);
    [x0, y0, x1, y1]
}

/// A text of the dataset, piece by piece. What looks like a tag and is none is text.
fn pieces(text: &str) -> impl Iterator<Item = TextPiece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some((piece, more)) = tag(rest) {
            rest = more;
            return Some(piece);
        }
        // Up to the next tag, or to the end.
        let next = rest.char_indices().skip(1).find(|(at, c)| *c == '<' && tag(&rest[*at..]).is_some());
        let (text, more) = rest.split_at(next.map_or(rest.len(), |(at, _)| at));
        rest = more;
        Some(TextPiece::Text(text))
    })
}

fn tag(text: &str) -> Option<(TextPiece<'_>, &str)> {
    if let Some(inside) = text.strip_prefix("<ref>") {
        let (name, rest) = inside.split_once("</ref>")?;
        return Some((TextPiece::Reference(name), rest));
    }
    let (number, rest) = text.strip_prefix("<box>")?.split_once("</box>")?;
    let place: usize = number.parse().ok()?;
    Some((TextPiece::Box(place.checked_sub(1)?), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIZE: ImageSize = ImageSize { width: 640, height: 480 };
    const TEXT: &str = "Is the <ref>red chair</ref><box>1</box> left of the <ref>region</ref><box>2</box>?\nA. yes";
    const BOXES: [[f64; 4]; 2] = [[64.0, 48.0, 320.0, 240.0], [0.2, 0.1, 0.3, 480.0]];

    fn placed(boxes: &[[f64; 4]], size: ImageSize) -> Vec<PlacedBox> {
        boxes.iter().map(|bbox| PlacedBox { image: 0, bbox: *bbox, size }).collect()
    }

    fn check(dialect: Dialect, expected: &str) {
        let written = dialect.write(TEXT, &placed(&BOXES, SIZE)).unwrap();
        assert_eq!(written.text, expected);
        dialect.agrees(&written, TEXT, &placed(&BOXES, SIZE)).unwrap();
        for (wrong_text, wrong_boxes) in [
            (TEXT.replace("red", "blue"), BOXES),
            (TEXT.replace("left", "right"), BOXES),
            (TEXT.replace("A. yes", ""), BOXES),
            (TEXT.to_owned(), [BOXES[1], BOXES[0]]),
            (TEXT.to_owned(), [[64.0, 48.0, 320.0, 250.0], BOXES[1]]),
        ] {
            let boxes = placed(&wrong_boxes, SIZE);
            assert!(dialect.agrees(&written, &wrong_text, &boxes).is_err(), "{wrong_text} {wrong_boxes:?}");
        }
    }

    #[test]
    fn each_dialect_writes_its_own_and_reads_it_again() {
        check(
            Dialect::InternVl,
            "Is the <ref>red chair</ref><box>[[100, 100, 500, 500]]</box> left of the <ref>region</ref><box>[[0, 0, 1, 1000]]</box>?\nA. yes",
        );
        check(
            Dialect::Qwen3,
            "Is the red chair {\"bbox_2d\": [100, 100, 500, 500]} left of the region {\"bbox_2d\": [0, 0, 1, 1000]}?\nA. yes",
        );
        // 640 x 480 becomes 644 x 476.
        check(
            Dialect::QWEN25,
            "Is the red chair {\"bbox_2d\": [64, 48, 322, 238]} left of the region {\"bbox_2d\": [0, 0, 1, 476]}?\nA. yes",
        );
        check(
            Dialect::Relative,
            "Is the red chair [0.100, 0.100, 0.500, 0.500] left of the region [0.000, 0.000, 0.001, 1.000]?\nA. yes",
        );
        check(
            Dialect::Pixels,
            "Is the red chair [64.0, 48.0, 320.0, 240.0] left of the region [0.2, 0.1, 0.3, 480.0]?\nA. yes",
        );
        check(Dialect::Swift, "Is the <ref-object><bbox> left of the <ref-object><bbox>?\nA. yes");
    }

    #[test]
    fn a_box_is_written_in_the_size_of_its_own_image() {
        let half = ImageSize { width: 320, height: 240 };
        let bbox = [64.0, 48.0, 160.0, 120.0];
        let boxes = [PlacedBox { image: 0, bbox, size: SIZE }, PlacedBox { image: 1, bbox, size: half }];
        let written = Dialect::InternVl.write("<box>1</box> <box>2</box>", &boxes).unwrap();
        assert_eq!(written.text, "<box>[[100, 100, 250, 250]]</box> <box>[[200, 200, 500, 500]]</box>");
        let written = Dialect::Swift.write("<box>2</box> <box>1</box>", &boxes).unwrap();
        assert_eq!((&written.boxes[..], &written.box_images[..]), (&[bbox, bbox][..], &[1, 0][..]));
        Dialect::Swift.agrees(&written, "<box>2</box> <box>1</box>", &boxes).unwrap();
        let changed = WrittenText { box_images: vec![0, 0], ..written };
        assert!(Dialect::Swift.agrees(&changed, "<box>2</box> <box>1</box>", &boxes).unwrap_err().contains("image 1"));
    }

    #[test]
    fn sizes_are_those_of_qwens_own_function() {
        // From qwen_vl_utils.smart_resize with its defaults, and with 256 * 28 * 28 to 1280 * 28 * 28.
        for (size, bounds, expected) in [
            ((640, 480), (3136, 12_845_056), (644, 476)),
            ((1, 199), (3136, 12_845_056), (28, 196)),
            ((10_000, 8_000), (3136, 12_845_056), (4004, 3192)),
            ((100, 100), (200_704, 1_003_520), (448, 448)),
            ((1296, 968), (200_704, 1_003_520), (1148, 840)),
        ] {
            let size = ImageSize { width: size.0, height: size.1 };
            let resized = smart_resize(size, bounds.0, bounds.1).unwrap();
            assert_eq!((resized.width, resized.height), expected, "{size:?}");
        }
        assert!(smart_resize(ImageSize { width: 1, height: 201 }, 3136, 12_845_056).is_err());
    }

    proptest! {
        #[test]
        fn any_box_is_written_so_that_it_is_read_again(
            edges in prop::array::uniform4(-50.0..1100.0_f64), width in 28u32..2000, height in 28u32..2000,
        ) {
            let size = ImageSize { width, height };
            let [a, b, c, d] = edges;
            let bbox = [a.min(c), b.min(d), a.max(c) + 1.0, b.max(d) + 1.0];
            prop_assume!(bbox[0] < f64::from(width) && bbox[1] < f64::from(height) && bbox[2] > 0.0 && bbox[3] > 0.0);
            for (_, dialect) in Dialect::NAMES {
                let written = dialect.write("<box>1</box>", &placed(&[bbox], size)).unwrap();
                let agrees = dialect.agrees(&written, "<box>1</box>", &placed(&[bbox], size));
                // A sliver at the edge may have no hundredth of a pixel; nothing else is lost.
                let sliver = (0..2).any(|k| bbox[k + 2].min([f64::from(width), f64::from(height)][k]) - bbox[k].max(0.0) < 0.02);
                prop_assert!(agrees.is_ok() || sliver, "{:?}: {:?}, {}", dialect, agrees, written.text);
            }
        }

        #[test]
        fn what_is_no_tag_is_text(text in "[<>/refbox0-9 ]{0,40}") {
            let joined: String = pieces(&text).map(|piece| match piece {
                TextPiece::Text(text) => text.to_owned(),
                TextPiece::Reference(name) => format!("<ref>{name}</ref>"),
                TextPiece::Box(place) => format!("<box>{}</box>", place + 1),
            }).collect();
            // Leading zeros of a number are all that may be lost.
            prop_assert_eq!(joined.replace("<box>0", "<box>"), text.replace("<box>0", "<box>"));
        }
    }
}
