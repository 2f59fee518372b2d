//! The two panels of the photo: with boxes and names, and with masks.

use spatialmill_drawing::{Board, BoardError, Line};
use spatialmill_geometry::Mask;

use super::layout::{EMPTY, Fit, Labels, PanelSlot};
use super::shot::{RgbImage, SheetFrame, SheetObject};

/// How much of a mask's pixels is its colour.
const TINT: f64 = 0.45;

/// The photo with a thin frame and a label for each thing.
pub fn boxes(shot: &SheetFrame, slot: PanelSlot) -> Result<Board, BoardError> {
    let photo = match &shot.photo {
        Ok(photo) => photo,
        Err(why) => return slot.saying(why),
    };
    let fit = of_frame(shot, slot);
    let mut board = fitted(photo, fit, slot)?;
    // The surest are drawn last, so that theirs are the lines on top.
    for (_, thing) in shot.numbered().collect::<Vec<_>>().into_iter().rev() {
        let [(x0, y0), (x1, y1)] = corners(thing, &fit);
        let frame = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)];
        board.outline(&frame, Line { opacity: 0.55, ..Line::new(thing.colour.contrast(), 3.6) });
        board.outline(&frame, Line::new(thing.colour.rgb(), 1.8));
    }
    let mut labels = Labels::new(slot);
    for (number, thing) in shot.numbered() {
        let score = thing.score.map_or_else(String::new, |score| format!(" {score:.2}"));
        let texts =
            [format!("{number} {}{score}", thing.category), format!("{number} {}", thing.category), number.to_string()];
        label(&mut board, &mut labels, &texts, thing, corners(thing, &fit));
    }
    Ok(board)
}

/// The photo in grey, and each mask in colour.
pub fn masks(shot: &SheetFrame, slot: PanelSlot) -> Result<Board, BoardError> {
    let photo = match &shot.photo {
        Ok(photo) => photo,
        Err(why) => return slot.saying(why),
    };
    if shot.things.iter().all(|thing| thing.mask.is_none()) {
        return slot.saying(if shot.things.is_empty() { "nothing is marked" } else { "no masks" });
    }
    let fit = of_frame(shot, slot);
    // The largest first: what is small and lies on it stays in sight.
    let mut masked: Vec<(usize, &SheetObject, &Mask)> =
        shot.numbered().filter_map(|(number, thing)| Some((number, thing, thing.mask.as_ref()?))).collect();
    masked.sort_by_key(|(_, _, mask)| std::cmp::Reverse(mask.area()));
    let covers: Vec<MaskCoverage> = masked.iter().map(|(_, _, mask)| MaskCoverage::of(mask, fit, slot)).collect();
    let mut board = fitted(photo, fit, slot)?;
    board.map(|x, y, pixel| if covers.iter().any(|cover| cover.has(x, y)) { pixel } else { pale(pixel) });
    for ((_, thing, _), cover) in masked.iter().zip(&covers) {
        board.tint(thing.colour.rgb(), |x, y| if cover.edge(x, y) { 1.0 } else { cover.share(x, y) * TINT });
    }
    let mut labels = Labels::new(slot);
    masked.sort_by_key(|(number, ..)| *number);
    for (number, thing, mask) in masked {
        let text = number.to_string();
        let (wide, high) = labels.measure(&text);
        let middle = mask.label_point().map(|point| fit.place(point.x, point.y));
        let (x, y) = middle.unwrap_or_else(|| fit.place((thing.area.x0 + thing.area.x1) / 2.0, thing.area.y0));
        let at = labels.find(&text, around((x - wide / 2.0, y - high / 2.0), (wide, high)));
        if let Some(at) = at {
            labels.draw(&mut board, &text, at, thing.colour.rgb(), thing.colour.contrast());
        }
    }
    Ok(board)
}

/// Where the frame's pixels are, in which boxes and masks are, whatever the file has.
fn of_frame(shot: &SheetFrame, slot: PanelSlot) -> Fit {
    Fit::of((shot.frame.width, shot.frame.height), slot)
}

fn fitted(photo: &RgbImage, fit: Fit, slot: PanelSlot) -> Result<Board, BoardError> {
    let mut board = Board::new(slot.width, slot.height, EMPTY)?;
    let picture = Board::of_picture(&photo.rgb, (photo.width, photo.height), (fit.width, fit.height))?;
    board.place(&picture, (fit.left, fit.top));
    Ok(board)
}

/// Grey, and lighter, so that colours on it are those of masks.
fn pale([r, g, b]: [u8; 3]) -> [u8; 3] {
    // Weights of sRGB's channels in brightness (Rec. 601); at most 255 x 0.7 and 77.
    let grey = 0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b);
    [(0.7 * grey + 76.5) as u8; 3]
}

fn corners(thing: &SheetObject, fit: &Fit) -> [(f64, f64); 2] {
    let (x0, y0, x1, y1) = (thing.area.x0, thing.area.y0, thing.area.x1, thing.area.y1);
    let (right, bottom) = (f64::from(fit.left + fit.width), f64::from(fit.top + fit.height));
    [fit.place(x0, y0), fit.place(x1, y1)]
        .map(|(x, y)| (x.clamp(fit.left.into(), right), y.clamp(fit.top.into(), bottom)))
}

/// Puts the longest text that has room at a corner of the box.
fn label(
    board: &mut Board,
    labels: &mut Labels,
    texts: &[String],
    thing: &SheetObject,
    [(x0, y0), (x1, y1)]: [(f64, f64); 2],
) {
    let number = texts.len() - 1;
    for (at, text) in texts.iter().enumerate() {
        let (wide, high) = labels.measure(text);
        // What is much wider than its box is read as belonging to a neighbour.
        if at < number && wide > (x1 - x0).max(4.0 * high) * 1.3 {
            continue;
        }
        let corners = [
            (x0, y0 - high),
            (x0, y0),
            (x0, y1 - high),
            (x1 - wide, y0),
            (x1 - wide, y1 - high),
            (x0, y1),
            (x1 - wide, y0 - high),
        ];
        let beside = around(((x0 + x1 - wide) / 2.0, (y0 + y1 - high) / 2.0), (wide, high));
        let found = labels.find(text, corners.into_iter().chain(beside.filter(|_| at == number)));
        if let Some(found) = found {
            labels.draw(board, text, found, thing.colour.rgb(), thing.colour.contrast());
            return;
        }
    }
}

/// A corner, and others ever farther from it.
pub fn around((x, y): (f64, f64), (wide, high): (f64, f64)) -> impl Iterator<Item = (f64, f64)> {
    const RINGS: u32 = 3;
    let steps = [(0.0, -1.0), (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0)];
    let rings = (1..=RINGS).flat_map(move |ring| {
        steps.map(|(right, down)| {
            (x + f64::from(ring) * right * (wide + 1.0), y + f64::from(ring) * down * (high + 1.0))
        })
    });
    std::iter::once((x, y)).chain(rings)
}

/// How much of each of a panel's pixels is in a mask.
struct MaskCoverage {
    slot: PanelSlot,
    /// Of nine points in the pixel.
    points: Vec<u8>,
}

impl MaskCoverage {
    fn of(mask: &Mask, fit: Fit, slot: PanelSlot) -> Self {
        let (width, height) = (mask.width() as usize, mask.height() as usize);
        let mut bits = vec![false; width * height];
        mask.pixels().for_each(|(x, y)| bits[y as usize * width + x as usize] = true);
        let mut points = vec![0; (slot.width * slot.height) as usize];
        // The middle of each third of a pixel, as a pixel of the mask.
        let thirds = |pixels: u32, of: usize| -> Vec<usize> {
            (0..3 * u64::from(pixels)).map(|k| ((2 * k + 1) * of as u64 / (6 * u64::from(pixels))) as usize).collect()
        };
        let (columns, rows) = (thirds(fit.width, width), thirds(fit.height, height));
        for (down, row) in rows.iter().enumerate() {
            let start = (fit.top as usize + down / 3) * slot.width as usize + fit.left as usize;
            for (right, column) in columns.iter().enumerate() {
                points[start + right / 3] += u8::from(bits[row * width + column]);
            }
        }
        Self { slot, points }
    }

    fn share(&self, x: u32, y: u32) -> f64 {
        f64::from(self.points[(y * self.slot.width + x) as usize]) / 9.0
    }

    /// Most of the pixel.
    fn has(&self, x: u32, y: u32) -> bool {
        x < self.slot.width && y < self.slot.height && self.share(x, y) > 0.5
    }

    /// In the mask, beside what is not.
    fn edge(&self, x: u32, y: u32) -> bool {
        let beside = [(x.wrapping_sub(1), y), (x + 1, y), (x, y.wrapping_sub(1)), (x, y + 1)];
        self.has(x, y) && beside.iter().any(|(x, y)| !self.has(*x, *y))
    }
}

#[cfg(test)]
mod tests {
    use super::super::shot::tests::shot;
    use super::*;
    use spatialmill_geometry::PixelBox;

    fn with_photo(placed: &[([f64; 2], [f64; 2], f64)]) -> SheetFrame {
        let photo = RgbImage { width: 64, height: 48, rgb: vec![90; 64 * 48 * 3] };
        SheetFrame { photo: Ok(photo), ..shot(placed) }
    }

    #[test]
    fn a_frame_is_around_its_box() {
        let slot = PanelSlot { width: 320, height: 240 };
        let shot = with_photo(&[([0.0, 2.0], [1.0, 1.0], 1.0)]);
        let board = boxes(&shot, slot).unwrap();
        // The box is (10, 10) to (90, 90) of 640 x 480, here half as large.
        assert_eq!(board.at(45, 30), Some(shot.things[0].colour.rgb()));
        assert_eq!(board.at(200, 200), Some([90; 3]));
    }

    #[test]
    fn a_mask_is_where_it_is_on_the_frame() {
        let slot = PanelSlot { width: 320, height: 240 };
        let mut shot = with_photo(&[([0.0, 2.0], [1.0, 1.0], 1.0)]);
        let square = PixelBox { x0: 320.0, y0: 240.0, x1: 640.0, y1: 480.0 };
        shot.things[0].mask = Mask::from_box(480, 640, &square).ok();
        let board = masks(&shot, slot).unwrap();
        let colour = shot.things[0].colour.rgb();
        assert_eq!(board.at(100, 100), Some(pale([90; 3])));
        assert_eq!(board.at(160, 200), Some(colour), "the edge");
        let tinted = board.at(300, 150).unwrap();
        assert!(tinted[0] > 90 && tinted[0] < colour[0], "{tinted:?}");
    }

    #[test]
    fn without_a_photo_a_panel_has_words() {
        let slot = PanelSlot { width: 160, height: 120 };
        let board = boxes(&shot(&[]), slot).unwrap();
        assert!((0..160).any(|x| (0..120).any(|y| board.at(x, y) != Some(EMPTY))));
    }
}
