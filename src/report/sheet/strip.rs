//! A strip: the images of a sample in reading order, wrapped into rows, each with its number and what is marked on it.

use std::collections::BTreeMap;

use spatialmill_drawing::{Board, BoardError, Line, decode_rgb};
use spatialmill_geometry::{Mask, PixelBox};

use super::layout::{EMPTY, Fit, Labels, PanelSlot};
use super::scene_plan::NamedObject;
use crate::marked_image::{DrawnMark, SourceImage};
use crate::report::files;

/// Between two images, pixels.
pub const GAP: u32 = 4;

const INK: [u8; 3] = [38, 42, 48];

/// How a strip is wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wrapping {
    pub columns: u32,
    pub rows: u32,
    /// Of one image.
    pub slot: PanelSlot,
}

impl Wrapping {
    /// The one with the largest images, all of one shape (width by height), within an area.
    pub fn within(images: usize, shape: (u32, u32), (width, height): (u32, u32)) -> Self {
        let images = u32::try_from(images).unwrap_or(u32::MAX).max(1);
        // A strip of panoramas or of posters would leave nothing of the others.
        let aspect = (f64::from(shape.0.max(1)) / f64::from(shape.1.max(1))).clamp(0.5, 2.5);
        let wrapped = |columns: u32| {
            let rows = images.div_ceil(columns);
            let room = |all: u32, parts: u32| f64::from(all.saturating_sub((parts - 1) * GAP)) / f64::from(parts);
            let high = (room(width, columns) / aspect).min(room(height, rows)).max(8.0);
            let slot = PanelSlot { width: ((high * aspect) as u32).max(8), height: high as u32 };
            Self { columns, rows, slot }
        };
        // As many columns as rows of a pixel are wide are enough to look at.
        let all = (1..=images.min(width / 8 + 1)).map(wrapped);
        all.max_by_key(|wrapping| (wrapping.slot.height, std::cmp::Reverse(wrapping.columns))).unwrap_or(wrapped(1))
    }

    pub fn size(&self) -> (u32, u32) {
        (self.columns * (self.slot.width + GAP) - GAP, self.rows * (self.slot.height + GAP) - GAP)
    }

    /// The top-left corner of an image, counted from 0.
    pub fn place(&self, image: usize) -> (u32, u32) {
        let image = image as u32;
        (image % self.columns * (self.slot.width + GAP), image / self.columns * (self.slot.height + GAP))
    }
}

/// An image of a sample.
#[derive(Debug)]
pub struct StripImage {
    pub frame: SourceImage,
    /// What the sample draws on it.
    pub marks: Vec<DrawnMark>,
    /// The sample's objects that it shows, by their place among its named ones.
    pub seen: Vec<(usize, PixelBox)>,
    /// Of the objects that a mask is drawn on.
    pub masks: BTreeMap<String, Mask>,
}

impl StripImage {
    /// Reads it and draws it small, with its number; where it cannot be read, words say why.
    pub async fn small(self, number: usize, named: Vec<NamedObject>, slot: PanelSlot) -> Result<Board, BoardError> {
        let Self { frame, marks, seen, masks } = self;
        let (width, height) = (frame.width, frame.height);
        let marked: Vec<String> = marks.iter().map(|mark| mark.object_id.clone()).collect();
        let file = match frame.uri.is_empty() {
            true => Err(format!("no frame {}", frame.frame_id)),
            false => files::marked(frame, marks, masks).await,
        };
        let drawn = tokio::task::spawn_blocking(move || {
            let picture = file.and_then(|file| decode_rgb(&file).map_err(|refused| refused.to_string()));
            let mut board = match picture {
                Ok((wide, high, rgb)) => {
                    let fit = Fit::of((width, height), slot);
                    let mut board = Board::new(slot.width, slot.height, EMPTY)?;
                    let picture = Board::of_picture(&rgb, (wide, high), (fit.width, fit.height))?;
                    board.place(&picture, (fit.left, fit.top));
                    outline(&mut board, &fit, slot, &seen, &named, &marked);
                    board
                }
                Err(why) => slot.saying(&format!("no image: {why}"))?,
            };
            let labels = Labels::of_size(slot, (f64::from(slot.height) / 8.0).clamp(9.0, 18.0));
            labels.draw(&mut board, &number.to_string(), (0.0, 0.0), INK, [255; 3]);
            Ok(board)
        });
        drawn.await.unwrap_or_else(|died| slot.saying(&format!("no image: {died}")))
    }
}

/// The boxes of the objects that the sample names, where it draws nothing on them itself, and their labels where there is room.
fn outline(
    board: &mut Board,
    fit: &Fit,
    slot: PanelSlot,
    seen: &[(usize, PixelBox)],
    named: &[NamedObject],
    marked: &[String],
) {
    let mut labels = Labels::of_size(slot, (f64::from(slot.height) / 14.0).clamp(9.0, 15.0));
    let (wide, high) = labels.measure("00");
    labels.take((0.0, 0.0), (1.4 * wide, 1.6 * high));
    for (object, area) in seen {
        let Some(name) = named.get(*object).filter(|name| !marked.contains(&name.object_id)) else { continue };
        let ((x0, y0), (x1, y1)) = (fit.place(area.x0, area.y0), fit.place(area.x1, area.y1));
        let frame = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)];
        board.outline(&frame, Line { opacity: 0.6, ..Line::new(name.colour.contrast(), 3.2) });
        board.outline(&frame, Line::new(name.colour.rgb(), 1.6));
        let texts = [Some(name.label()).filter(|_| slot.height >= 110), name.number.clone()];
        for text in texts.into_iter().flatten() {
            let (_, high) = labels.measure(&text);
            if let Some(at) = labels.find(&text, [(x0, y0 - high), (x0, y1), (x0, y0)]) {
                labels.draw(board, &text, at, name.colour.rgb(), name.colour.contrast());
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spatialmill_geometry::colour::Colour;

    #[test]
    fn images_are_as_large_as_their_number_allows() {
        let photo = (640, 480);
        let of = |images| {
            let Wrapping { columns, rows, slot } = Wrapping::within(images, photo, (1280, 480));
            (columns, rows, slot.height)
        };
        assert_eq!((of(1), of(2), of(8)), ((1, 1, 480), (2, 1, 478), (4, 2, 237)));
        assert_eq!(of(32), (8, 4, 117));
        let many = Wrapping::within(10_000, photo, (1280, 480));
        assert!(many.slot.height >= 8 && many.columns * many.rows >= 10_000);
        // Whatever a frame says of its size.
        for shape in [(0, 0), (30_000, 1), (1, 30_000)] {
            let Wrapping { slot, .. } = Wrapping::within(3, shape, (1280, 480));
            assert!(slot.width >= 8 && slot.height >= 8, "{slot:?}");
        }
    }

    #[test]
    fn images_are_read_like_a_page() {
        let wrapping = Wrapping::within(8, (640, 480), (1280, 480));
        let (wide, high) = (wrapping.slot.width + GAP, wrapping.slot.height + GAP);
        assert_eq!(
            [0, 3, 4, 7].map(|image| wrapping.place(image)),
            [(0, 0), (3 * wide, 0), (0, high), (3 * wide, high)]
        );
        assert_eq!(wrapping.size(), (4 * wide - GAP, 2 * high - GAP));
    }

    #[tokio::test]
    async fn an_image_that_is_not_there_has_its_number_and_words() {
        let slot = PanelSlot { width: 160, height: 120 };
        for uri in ["", "memory://strip/none.jpg"] {
            let frame = SourceImage { uri: uri.into(), width: 640, height: 480, ..SourceImage::default() };
            let lost = StripImage { frame, marks: Vec::new(), seen: Vec::new(), masks: BTreeMap::new() };
            let board = lost.small(7, Vec::new(), slot).await.unwrap();
            // Letters have a ground that one sees a little through.
            assert!(board.at(1, 8).unwrap().iter().all(|channel| *channel < 70));
            assert_eq!(board.at(158, 2), Some(EMPTY));
        }
    }

    #[test]
    fn an_object_is_outlined_where_nothing_is_drawn_on_it() {
        let slot = PanelSlot { width: 320, height: 240 };
        let colour = Colour::named("blue").unwrap();
        let named = [NamedObject { object_id: "a".into(), category: "cup".into(), number: None, colour }];
        let seen = [(0, PixelBox { x0: 200.0, y0: 200.0, x1: 400.0, y1: 400.0 })];
        let fit = Fit::of((640, 480), slot);
        let at = |marked: &[String]| {
            let mut board = Board::new(320, 240, EMPTY).unwrap();
            outline(&mut board, &fit, slot, &seen, &named, marked);
            board.at(200, 150).unwrap()
        };
        let [red, _, blue] = at(&[]);
        assert!(red < 120 && blue > 240, "{:?}", at(&[]));
        assert_eq!(at(&["a".to_owned()]), EMPTY);
    }
}
