//! The panel of depth: light is near, dark is far, grey is no reading.
//!
//! Colours go by the logarithm of metres: from 1 m to 2 m is as much as from 10 m to 20 m, as it is for who looks. The nearest and the
//! farthest hundredth of the readings have the end colours, so that a few stray ones do not darken the rest.

use spatialmill_drawing::{Board, BoardError, width};
use spatialmill_geometry::DepthImage;
use spatialmill_geometry::colour::ramp;

use super::layout::{EMPTY, Fit, PanelSlot};
use super::shot::SheetFrame;
use crate::report::number::number;

const NO_READING: [u8; 3] = [58, 58, 58];

/// Depth in false colour with the metres of some colours.
pub fn panel(shot: &SheetFrame, slot: PanelSlot) -> Result<Board, BoardError> {
    let depth = match &shot.depth {
        Ok(depth) => depth,
        Err(why) => return slot.saying(why),
    };
    let fit = Fit::of((shot.frame.width, shot.frame.height), slot);
    // The reading under the middle of a pixel of the panel.
    let reading = |x: u32, y: u32| {
        let (x, y) = depth.under(x, y, fit.width, fit.height);
        depth.reading(x, y)
    };
    let Some(range) = Range::of(depth) else { return slot.saying("the depth image has no readings") };
    let mut picture = Board::new(fit.width, fit.height, NO_READING)?;
    picture.map(|x, y, none| reading(x, y).map_or(none, |metres| range.colour(metres)));
    let mut board = Board::new(slot.width, slot.height, EMPTY)?;
    board.place(&picture, (fit.left, fit.top));
    legend(&mut board, &range, slot);
    Ok(board)
}

/// Metres that have the end colours.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Range {
    near: f64,
    far: f64,
}

impl Range {
    fn of(depth: &DepthImage) -> Option<Self> {
        // Some 250,000 readings say where a hundredth of them ends.
        let step = (f64::from(depth.width()) * f64::from(depth.height()) / 250_000.0).sqrt().ceil().max(1.0) as usize;
        let rows = (0..depth.height()).step_by(step);
        let mut metres: Vec<f64> =
            rows.flat_map(|y| (0..depth.width()).step_by(step).filter_map(move |x| depth.reading(x, y))).collect();
        metres.sort_by(f64::total_cmp);
        let last = metres.len().checked_sub(1)?;
        Some(Self { near: metres[last / 100], far: metres[last - last / 100] })
    }

    /// 1 is near, 0 far; all is near where nothing is farther than anything else.
    fn colour(&self, metres: f64) -> [u8; 3] {
        let whole = (self.far / self.near).ln();
        ramp(if whole > 0.0 { (self.far / metres).ln() / whole } else { 1.0 })
    }

    /// The metres of a share of the way from near to far.
    fn metres(&self, share: f64) -> f64 {
        self.near * (self.far / self.near).powf(share)
    }
}

/// A bar from near to far with metres at its ends and in its middle.
fn legend(board: &mut Board, range: &Range, slot: PanelSlot) {
    let size = slot.letters();
    let (pad, bar) = (0.4 * size, (10.0 * size).min(f64::from(slot.width) * 0.6));
    let (wide, high) = (bar + 2.0 * pad, 2.0 * size + pad);
    let (left, top) = (pad, f64::from(slot.height) - high - pad);
    board.fill_label((left, top), (wide, high), [255; 3], 0.88);
    let (x0, y0) = (left + pad, top + pad);
    let steps = bar.round().max(1.0) as u32;
    for step in 0..steps {
        let (from, to) = (x0 + f64::from(step), x0 + f64::from(step) + 1.0);
        let colour = range.colour(range.metres((f64::from(step) + 0.5) / f64::from(steps)));
        board.fill(&[(from, y0), (to, y0), (to, y0 + 0.7 * size), (from, y0 + 0.7 * size)], colour, 1.0);
    }
    for (share, before) in [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)] {
        let unit = if share == 1.0 { " m" } else { "" };
        let text = format!("{}{unit}", short(range.metres(share)));
        let x = x0 + share * bar - before * width(&text, size);
        board.write(&text, (x, y0 + 1.65 * size), size, [30, 33, 38]);
    }
}

/// As many digits as a person reads at a glance.
fn short(metres: f64) -> String {
    if metres >= 10.0 { format!("{metres:.0}") } else { number((metres * 10.0).round() / 10.0) }
}

#[cfg(test)]
mod tests {
    use super::super::shot::tests::shot;
    use super::*;

    #[test]
    fn near_is_light_and_far_is_dark() {
        let range = Range { near: 1.0, far: 16.0 };
        assert_eq!((range.colour(1.0), range.colour(16.0), range.colour(0.2)), (ramp(1.0), ramp(0.0), ramp(1.0)));
        assert_eq!((range.colour(4.0), range.metres(0.5)), (ramp(0.5), 4.0));
        let flat = Range { near: 2.0, far: 2.0 };
        assert_eq!(flat.colour(2.0), ramp(1.0));
    }

    #[test]
    fn strays_do_not_set_the_ends() {
        let mut metres = vec![2.0; 999];
        metres.push(500.0);
        let depth = DepthImage::new(100, 10, metres).unwrap();
        assert_eq!(Range::of(&depth), Some(Range { near: 2.0, far: 2.0 }));
        assert_eq!(Range::of(&DepthImage::new(2, 1, vec![0.0; 2]).unwrap()), None);
    }

    #[test]
    fn each_half_has_its_colour_and_gaps_are_grey() {
        let slot = PanelSlot { width: 320, height: 240 };
        let metres = [[1.0_f32; 4], [4.0; 4], [0.0; 4]].concat();
        let depth = DepthImage::new(4, 3, metres).unwrap();
        let board = panel(&SheetFrame { depth: Ok(depth), ..shot(&[]) }, slot).unwrap();
        assert_eq!([10, 100, 170].map(|y| board.at(300, y)), [Some(ramp(1.0)), Some(ramp(0.0)), Some(NO_READING)]);
    }

    #[test]
    fn metres_are_short() {
        assert_eq!([0.42, 1.0, 9.94, 12.6].map(short), ["0.4", "1", "9.9", "13"]);
    }
}
