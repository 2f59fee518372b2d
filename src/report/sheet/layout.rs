//! Where things are on a sheet: how a picture fits a panel, how labels keep out of each other's way, and what a page measures.
//!
//! ```text
//! margin ┌───────┬─┬───────┬─┬───────┬─┬───────┐
//!        │ title │ │ title │ │ title │ │ title │
//!        ├───────┼─┼───────┼─┼───────┼─┼───────┤   a row a frame: panels of one size, a gap between them,
//!        │ panel │ │ panel │ │ panel │ │ panel │   and a line of words below
//!        │ caption                             │
//! ```

use spatialmill_drawing::{Board, BoardError, cut, width};

/// What is around everything, pixels.
const MARGIN: u32 = 12;
/// What is between panels, pixels.
const GAP: u32 = 6;
/// A panel without anything on it, and what is beside a picture of another shape.
pub const EMPTY: [u8; 3] = [228, 230, 233];
const PAPER: [u8; 3] = [255; 3];
const WORDS: [u8; 3] = [30, 33, 38];
const FAINT: [u8; 3] = [105, 110, 118];

/// Width and height of a panel, pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PanelSlot {
    pub width: u32,
    pub height: u32,
}

impl PanelSlot {
    /// Of that height, as wide as most photos are.
    pub fn of_height(height: u32) -> Self {
        Self { width: (height * 4).div_ceil(3), height }
    }

    /// How high the letters of labels are: legible, and no larger.
    pub fn letters(&self) -> f64 {
        (f64::from(self.height) / 20.0).clamp(11.0, 22.0)
    }

    /// All of one colour, with words in the middle.
    pub fn saying(&self, words: &str) -> Result<Board, BoardError> {
        let mut board = Board::new(self.width, self.height, EMPTY)?;
        let size = self.letters() * 1.1;
        let lines = wrapped(words, size, f64::from(self.width) * 0.85);
        let most = (f64::from(self.height) / size) as usize;
        let shown = lines.len().min(most.max(1));
        let mut baseline = (f64::from(self.height) - shown as f64 * size) / 2.0 + 0.8 * size;
        for line in &lines[..shown] {
            let x = (f64::from(self.width) - width(line, size)) / 2.0;
            board.write(line, (x, baseline), size, FAINT);
            baseline += size;
        }
        Ok(board)
    }
}

/// Lines that fit into some pixels; a word that alone does not is cut.
pub fn wrapped(words: &str, size: f64, room: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line, size) + width(" ", size) + width(word, size) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(cut(word, size, room)),
        }
    }
    lines
}

/// A picture in a panel: as large as it can be, in the middle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
    /// Pixels of the panel for one of the picture.
    scale: (f64, f64),
}

impl Fit {
    pub fn of((width, height): (u32, u32), slot: PanelSlot) -> Self {
        let (whole_width, whole_height) = (f64::from(width.max(1)), f64::from(height.max(1)));
        let scale = (f64::from(slot.width) / whole_width).min(f64::from(slot.height) / whole_height);
        // Never more than the slot has, whose sides are whole.
        let side = |pixels: f64, most: u32| ((pixels * scale).round() as u32).clamp(1, most);
        let (width, height) = (side(whole_width, slot.width), side(whole_height, slot.height));
        Self {
            left: (slot.width - width) / 2,
            top: (slot.height - height) / 2,
            width,
            height,
            scale: (f64::from(width) / whole_width, f64::from(height) / whole_height),
        }
    }

    /// Where a place of the picture is in the panel.
    pub fn place(&self, x: f64, y: f64) -> (f64, f64) {
        (f64::from(self.left) + x * self.scale.0, f64::from(self.top) + y * self.scale.1)
    }
}

/// Labels of one panel: none on another, none cut off.
#[derive(Debug)]
pub struct Labels {
    slot: PanelSlot,
    size: f64,
    taken: Vec<[f64; 4]>,
}

/// What is left free around letters, of their size.
const PAD: f64 = 0.22;

impl Labels {
    pub fn new(slot: PanelSlot) -> Self {
        Self::of_size(slot, slot.letters())
    }

    /// Labels with letters of another size.
    pub fn of_size(slot: PanelSlot, size: f64) -> Self {
        Self { slot, size, taken: Vec::new() }
    }

    /// Labels with letters of another size, which keep out of the way of these too.
    pub fn resized(&self, size: f64) -> Self {
        Self { slot: self.slot, size, taken: self.taken.clone() }
    }

    /// Width and height of a label.
    pub fn measure(&self, text: &str) -> (f64, f64) {
        ((width(text, self.size) + 2.0 * PAD * self.size).ceil(), (self.size * 1.05).ceil())
    }

    /// The first of some top-left corners where the label is on no other; moved inwards where the panel ends. The place is taken then.
    pub fn find(&mut self, text: &str, corners: impl IntoIterator<Item = (f64, f64)>) -> Option<(f64, f64)> {
        let (width, height) = self.measure(text);
        let found = corners.into_iter().map(|at| self.inside(at, (width, height))).find(|(x, y)| {
            let apart = |[x0, y0, x1, y1]: &[f64; 4]| *x >= *x1 || x + width <= *x0 || *y >= *y1 || y + height <= *y0;
            self.taken.iter().all(apart)
        })?;
        self.take(found, (width, height));
        Some(found)
    }

    /// A place is no longer free.
    pub fn take(&mut self, (x, y): (f64, f64), (width, height): (f64, f64)) {
        self.taken.push([x, y, x + width, y + height]);
    }

    /// A corner moved so that what starts there ends in the panel.
    pub fn inside(&self, (x, y): (f64, f64), (width, height): (f64, f64)) -> (f64, f64) {
        let within = |at: f64, length: f64, most: u32| at.min(f64::from(most) - length).max(0.0).round();
        (within(x, width, self.slot.width), within(y, height, self.slot.height))
    }

    /// Draws a label with its top-left corner at a place.
    pub fn draw(&self, board: &mut Board, text: &str, (x, y): (f64, f64), ground: [u8; 3], ink: [u8; 3]) {
        self.draw_on(board, text, (x, y), (ground, 0.92), ink);
    }

    /// The letters alone.
    pub fn write(&self, board: &mut Board, text: &str, (x, y): (f64, f64), ink: [u8; 3]) {
        board.write(text, (x + PAD * self.size, y + 0.82 * self.size), self.size, ink);
    }

    /// The same, so that one sees through its ground.
    pub fn note(&self, board: &mut Board, text: &str, at: (f64, f64), ground: [u8; 3], ink: [u8; 3]) {
        self.draw_on(board, text, at, (ground, 0.5), ink);
    }

    fn draw_on(&self, board: &mut Board, text: &str, (x, y): (f64, f64), ground: ([u8; 3], f64), ink: [u8; 3]) {
        board.fill_label((x, y), self.measure(text), ground.0, ground.1);
        self.write(board, text, (x, y), ink);
    }
}

/// A page of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    pub slot: PanelSlot,
    pub panels: u32,
    pub rows: u32,
}

impl Page {
    fn line(&self) -> u32 {
        // A third more than a label's letters, which is how captions differ from them.
        (self.slot.letters() * 1.9) as u32
    }

    pub fn width(&self) -> u32 {
        2 * MARGIN + self.panels * self.slot.width + self.panels.saturating_sub(1) * GAP
    }

    pub fn height(&self) -> u32 {
        2 * MARGIN + self.line() + self.rows * self.row()
    }

    fn row(&self) -> u32 {
        self.slot.height + self.line() + GAP
    }

    /// A page with the panels' titles.
    pub fn board(&self, titles: &[&str]) -> Result<Board, BoardError> {
        let mut board = Board::new(self.width(), self.height(), PAPER)?;
        for (column, title) in (0..).zip(titles) {
            self.say(&mut board, title, (self.left(column), MARGIN), self.slot.width, FAINT);
        }
        Ok(board)
    }

    /// Puts a frame's panels and caption into a row.
    pub fn put(&self, board: &mut Board, row: u32, panels: &[Board], caption: &str) {
        let top = MARGIN + self.line() + row * self.row();
        for (column, panel) in (0..).zip(panels) {
            board.place(panel, (self.left(column), top));
        }
        self.say(board, caption, (MARGIN, top + self.slot.height), self.width() - 2 * MARGIN, WORDS);
    }

    fn left(&self, column: u32) -> u32 {
        MARGIN + column * (self.slot.width + GAP)
    }

    fn say(&self, board: &mut Board, words: &str, (x, y): (u32, u32), room: u32, ink: [u8; 3]) {
        let size = self.slot.letters() * 1.25;
        let baseline = f64::from(y) + (f64::from(self.line()) + 0.6 * size) / 2.0;
        board.write(&cut(words, size, f64::from(room)), (f64::from(x), baseline), size, ink);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_of_any_shape_fit() {
        let slot = PanelSlot::of_height(300);
        assert_eq!((slot.width, slot.height), (400, 300));
        let fit = Fit::of((640, 480), slot);
        assert_eq!((fit.left, fit.top, fit.width, fit.height), (0, 0, 400, 300));
        let tall = Fit::of((100, 300), slot);
        assert_eq!((tall.left, tall.top, tall.width, tall.height), (150, 0, 100, 300));
        assert_eq!(tall.place(50.0, 300.0), (200.0, 300.0));
        let strip = Fit::of((30_000, 10), slot);
        assert_eq!((strip.width, strip.height, strip.top), (400, 1, 149));
    }

    #[test]
    fn labels_keep_apart_and_inside() {
        let mut labels = Labels::new(PanelSlot::of_height(240));
        let (wide, high) = labels.measure("1");
        assert_eq!(labels.find("1", [(-9.0, 500.0)]), Some((0.0, 240.0 - high)));
        // The first place is taken, the second beside it is not.
        assert_eq!(labels.find("1", [(wide - 1.0, 230.0), (wide, 230.0)]), Some((wide, 240.0 - high)));
        assert_eq!(labels.find("1", [(0.0, 239.0)]), None);
    }

    #[test]
    fn a_page_holds_its_rows() {
        let page = Page { slot: PanelSlot::of_height(240), panels: 4, rows: 2 };
        assert_eq!(page.width(), 2 * 12 + 4 * 320 + 3 * 6);
        assert_eq!(page.height(), 2 * 12 + 22 + 2 * (240 + 22 + 6));
        let mut board = page.board(&["one", "two", "three", "four"]).unwrap();
        let red = Board::new(320, 240, [255, 0, 0]).unwrap();
        page.put(&mut board, 1, &[red.clone(), red], "a caption");
        let top = 12 + 22 + 268;
        assert_eq!(board.at(12, top), Some([255, 0, 0]));
        assert_eq!(board.at(11, top), Some(PAPER));
        assert_eq!(board.at(12 + 320 + 6 + 319, top + 239), Some([255, 0, 0]));
        assert_eq!(board.at(12 + 2 * 326, top), Some(PAPER), "the third panel was not given");
    }

    #[test]
    fn words_wrap() {
        let lines = wrapped("no depth image", 16.0, width("no depth", 16.0));
        assert_eq!(lines, ["no depth", "image"]);
        assert!(wrapped("incomprehensibilities", 16.0, 40.0)[0].ends_with('…'));
    }
}
