//! The panel from above: view space without its height, the camera at the bottom.
//!
//! ```text
//!   ╲   ┌──┐        ╱     y, forward, goes up; x, right, goes right; metres are as long either way
//!    ╲  │2 │ ┌─┐   ╱
//!     ╲ └──┘ │1│  ╱       solid   a thing whose place can be asked about
//!      ╲     └─┘ ╱        dashed  one that is lifted too badly for that
//!  2 m ─╲───────╱─        at the border, with its metres: one that is farther than the plan
//!        ╲  o  ╱
//! ```
//!
//! What is seen on the left of the photo is on the left here.

use spatialmill_drawing::{Board, BoardError, Line, width};
use spatialmill_geometry::{OrientedBox, Vector3};

use super::layout::{Labels, PanelSlot};
use super::photo::around;
use super::shot::SheetFrame;
use crate::report::number::number;

const FLOOR: [u8; 3] = [232, 234, 237];
const SEEN: [u8; 3] = [252, 252, 253];
const GRID: [u8; 3] = [203, 207, 213];
const INK: [u8; 3] = [60, 64, 70];

/// Things that are farther than so many times the median are shown at the border: for them all others would be specks.
const FAR_OUT: f64 = 3.0;

/// A plan shows so many metres at least.
const LEAST_M: f64 = 1.0;

/// Footprints of all that was lifted, on a grid of metres.
pub fn panel(shot: &SheetFrame, slot: PanelSlot) -> Result<Board, BoardError> {
    if shot.lifted().next().is_none() {
        return slot.saying("nothing has a place in space");
    }
    let plan = Plan::showing(&shot.lifted().map(|(_, _, lifted)| footprint(&lifted.obb)).collect::<Vec<_>>(), slot);
    let mut board = Board::new(slot.width, slot.height, FLOOR)?;
    let mut labels = Labels::new(slot);
    if let Some(borders) = shot.borders() {
        plan.draw_view(&mut board, borders);
    }
    plan.draw_grid(&mut board, &mut labels);
    plan.draw_camera(&mut board, &mut labels);
    draw_footprints(&mut board, &plan, shot);
    write_numbers(&mut board, &mut labels, &plan, shot);
    Ok(board)
}

fn draw_footprints(board: &mut Board, plan: &Plan, shot: &SheetFrame) {
    let mut things: Vec<_> = shot.lifted().collect();
    // The largest first: what is small and stands on it stays in sight.
    let area = |obb: &OrientedBox| obb.lengths.x * obb.lengths.y;
    things.sort_by(|(_, _, a), (_, _, b)| area(&b.obb).total_cmp(&area(&a.obb)));
    for (_, thing, lifted) in things {
        let corners = plan.footprint(&lifted.obb);
        let dash = if shot.trusts(&lifted) { 0.0 } else { 0.3 * plan.slot.letters() };
        if dash == 0.0 {
            board.fill(&corners, thing.colour.rgb(), 0.6);
        }
        board.outline(&corners, Line { dash, opacity: 0.7, ..Line::new(INK, 3.2) });
        board.outline(&corners, Line { dash, ..Line::new(thing.colour.rgb(), 1.8) });
    }
}

/// Each thing's number, and its quality where there is room for it.
fn write_numbers(board: &mut Board, labels: &mut Labels, plan: &Plan, shot: &SheetFrame) {
    let mut qualities = Vec::new();
    for (number, thing, lifted) in shot.lifted() {
        let centre = lifted.obb.centre.xy();
        let (text, at) = match plan.beyond(&lifted.obb) {
            None => (number.to_string(), plan.pixel([centre.x, centre.y])),
            Some(at) => (format!("{number}: {} m", whole(centre.norm())), at),
        };
        let (wide, high) = labels.measure(&text);
        let middle = (at.0 - wide / 2.0, at.1 - high / 2.0);
        let half = plan
            .footprint(&lifted.obb)
            .iter()
            .fold((0.0_f64, 0.0_f64), |half, (x, y)| (half.0.max((x - at.0).abs()), half.1.max((y - at.1).abs())));
        // On a footprint that is hardly larger than its number the number would be all that one sees: beside it, then.
        let small = half.0 < wide && half.1 < high;
        let off = (half.0 + wide / 2.0 + 2.0, half.1 + high / 2.0 + 2.0);
        let beside = [(1.0, 0.0), (-1.0, 0.0), (0.0, -1.0), (0.0, 1.0)]
            .map(|(right, down)| (middle.0 + right * off.0, middle.1 + down * off.1));
        let corners = beside.into_iter().filter(|_| small).chain(around(middle, (wide, high)));
        let Some(found) = labels.find(&text, corners) else { continue };
        let (x, y) = (found.0 + wide / 2.0, found.1 + high / 2.0);
        if (x - at.0).abs() > off.0 + 2.0 || (y - at.1).abs() > off.1 + 2.0 {
            board.line(&[at, (x, y)], Line::new(INK, 1.0));
        }
        labels.draw(board, &text, found, thing.colour.rgb(), thing.colour.contrast());
        // What cannot be better needs no words.
        if lifted.quality < 0.995 {
            qualities.push((format!("{:.2}", lifted.quality), found, (wide, high)));
        }
    }
    // Once all numbers have their places.
    for (text, (x, y), (wide, high)) in qualities {
        let (own_wide, _) = labels.measure(&text);
        let beside = [(x + wide, y), (x - own_wide, y), (x + (wide - own_wide) / 2.0, y + high)];
        if let Some(at) = labels.find(&text, beside) {
            labels.note(board, &text, at, SEEN, INK);
        }
    }
}

/// The four corners of an upright box on the floor, in order: x and y of view space.
fn footprint(obb: &OrientedBox) -> [[f64; 2]; 4] {
    let corners = obb.corners();
    [0, 1, 3, 2].map(|corner: usize| [corners[corner].x, corners[corner].y])
}

fn whole(metres: f64) -> String {
    if metres >= 10.0 { format!("{metres:.0}") } else { format!("{metres:.1}") }
}

/// Between metres of view space and pixels of the panel.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Plan {
    slot: PanelSlot,
    /// Pixels.
    camera: (f64, f64),
    /// Pixels in a metre.
    scale: f64,
}

impl Plan {
    /// A plan as large as possible that shows these footprints, but for those that are far out.
    fn showing(footprints: &[[[f64; 2]; 4]], slot: PanelSlot) -> Self {
        let letters = slot.letters();
        let camera = (f64::from(slot.width) / 2.0, f64::from(slot.height) - 1.6 * letters);
        let reach = |footprint: &[[f64; 2]; 4]| footprint.iter().map(|[x, y]| x.hypot(*y)).fold(0.0, f64::max);
        let mut reaches: Vec<f64> = footprints.iter().map(reach).collect();
        reaches.sort_by(f64::total_cmp);
        let most = FAR_OUT * reaches.get(reaches.len() / 2).copied().unwrap_or_default();
        let corners = footprints.iter().filter(|footprint| reach(footprint) <= most).flatten();
        let (ahead, aside) =
            corners.fold((LEAST_M, LEAST_M / 2.0), |(ahead, aside), [x, y]| (ahead.max(*y), aside.max(x.abs())));
        // Room for the letters of the grid on one side, for nothing on the others.
        let scale = ((camera.1 - 0.7 * letters) / ahead).min((camera.0 - 2.6 * letters) / aside);
        Self { slot, camera, scale }
    }

    fn pixel(&self, [x, y]: [f64; 2]) -> (f64, f64) {
        (self.camera.0 + x * self.scale, self.camera.1 - y * self.scale)
    }

    fn footprint(&self, obb: &OrientedBox) -> [(f64, f64); 4] {
        footprint(obb).map(|at| self.pixel(at))
    }

    /// Where on the panel's border something is that is not on the panel: in its direction, as the camera sees it.
    fn beyond(&self, obb: &OrientedBox) -> Option<(f64, f64)> {
        let (x, y) = self.pixel([obb.centre.x, obb.centre.y]);
        let (right, bottom) = (f64::from(self.slot.width), f64::from(self.slot.height));
        if (0.0..right).contains(&x) && (0.0..bottom).contains(&y) {
            return None;
        }
        let (across, up) = (x - self.camera.0, y - self.camera.1);
        // How far along the way the first border is.
        let room = |along: f64, from: f64, end: f64| match along {
            along if along > 0.0 => (end - from) / along,
            along if along < 0.0 => from / -along,
            _ => f64::INFINITY,
        };
        let part = room(across, self.camera.0, right).min(room(up, self.camera.1, bottom));
        Some((self.camera.0 + part * across, self.camera.1 + part * up))
    }

    /// What the photo shows, between its left and right border.
    fn draw_view(&self, board: &mut Board, [left, right]: [Vector3<f64>; 2]) {
        // Longer than any panel; a border that leads backwards is that of a view wider than half a turn, and has no edge ahead.
        let length = f64::from(self.slot.width + self.slot.height);
        let end = |way: Vector3<f64>| {
            let flat = way.xy().norm().max(f64::MIN_POSITIVE);
            (self.camera.0 + way.x / flat * length, self.camera.1 - way.y / flat * length)
        };
        let (left, right) = (end(left), end(right));
        board.fill(&[self.camera, left, (left.0, -length), (right.0, -length), right], SEEN, 1.0);
        for end in [left, right] {
            board.line(&[self.camera, end], Line::new([150, 155, 163], 1.2));
        }
    }

    fn draw_grid(&self, board: &mut Board, labels: &mut Labels) {
        let size = self.slot.letters();
        let step = grid_step(3.0 * size / self.scale);
        let (right, bottom) = (f64::from(self.slot.width), f64::from(self.slot.height));
        let columns = (self.camera.0 / self.scale / step) as i32;
        for column in -columns..=columns {
            let (x, _) = self.pixel([f64::from(column) * step, 0.0]);
            board.line(&[(x, 0.0), (x, bottom)], Line::new(GRID, 0.8));
        }
        let rows = (self.camera.1 / self.scale / step) as u32;
        for row in 0..=rows {
            let metres = f64::from(row) * step;
            let (_, y) = self.pixel([0.0, metres]);
            board.line(&[(0.0, y), (right, y)], Line::new(GRID, 0.8));
            let text = format!("{} m", number(metres));
            let (wide, high) = labels.measure(&text);
            if let Some((x, y)) = labels.find(&text, [(0.0, y - high / 2.0)]).filter(|_| row > 0) {
                board.write(&text, (x + (wide - width(&text, size)) / 2.0, y + 0.82 * size), size, INK);
            }
        }
    }

    fn draw_camera(&self, board: &mut Board, labels: &mut Labels) {
        let (x, y) = self.camera;
        let half = 0.55 * self.slot.letters();
        board.fill(&[(x, y - half), (x + half, y + half), (x - half, y + half)], INK, 1.0);
        labels.take((x - half, y - half), (2.0 * half, 2.0 * half));
    }
}

/// 1, 2 or 5 of some power of ten, at least as much as asked for.
pub fn grid_step(least: f64) -> f64 {
    let power = 10.0_f64.powf(least.max(1e-6).log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|step| step * power).into_iter().find(|step| *step >= least).unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::super::shot::tests::shot;
    use super::*;

    const SLOT: PanelSlot = PanelSlot { width: 320, height: 240 };

    fn standing(x: f64, y: f64, sides: [f64; 2], yaw_rad: f64) -> OrientedBox {
        OrientedBox::upright(Vector3::new(x, y, 0.0), yaw_rad, Vector3::new(sides[0], sides[1], 1.0))
    }

    #[test]
    fn metres_become_pixels() {
        // Ten pixels a metre, the camera at (160, 220).
        let plan = Plan { slot: SLOT, camera: (160.0, 220.0), scale: 10.0 };
        let corners = footprint(&standing(-3.0, 8.0, [2.0, 4.0], 0.0)).map(|at| plan.pixel(at));
        assert_eq!(corners, [(120.0, 160.0), (140.0, 160.0), (140.0, 120.0), (120.0, 120.0)]);
        // A quarter turn swaps the sides.
        let turned = footprint(&standing(-3.0, 8.0, [4.0, 2.0], std::f64::consts::FRAC_PI_2)).map(|at| plan.pixel(at));
        let left = turned.iter().map(|(x, _)| *x).fold(f64::INFINITY, f64::min);
        assert!((left - 120.0).abs() < 1e-9, "{turned:?}");
    }

    #[test]
    fn all_is_shown_but_what_is_far_out() {
        let near: Vec<_> = (1..6).map(|k| footprint(&standing(f64::from(k) - 3.0, 4.0, [0.5, 0.5], 0.3))).collect();
        let plan = Plan::showing(&near, SLOT);
        for (x, y) in near.iter().flatten().map(|at| plan.pixel(*at)) {
            assert!((0.0..320.0).contains(&x) && (0.0..plan.camera.1).contains(&y), "{x} {y}");
        }
        let far = standing(30.0, 60.0, [2.0, 2.0], 0.0);
        let with_far: Vec<_> = near.iter().copied().chain([footprint(&far)]).collect();
        assert_eq!(Plan::showing(&with_far, SLOT), plan);
        assert_eq!(plan.beyond(&standing(0.0, 4.0, [1.0, 1.0], 0.0)), None);
        let (x, y) = plan.beyond(&far).unwrap();
        // Where the way to (30, 60) leaves the panel, at its upper border.
        assert!(y.abs() < 1e-9 && (x - 160.0 - plan.camera.1 / 2.0).abs() < 1e-9, "{x} {y}");
    }

    #[test]
    fn left_is_left_and_what_is_not_trusted_is_hollow() {
        let shot = shot(&[([-1.0, 3.0], [0.8, 0.8], 0.9), ([1.0, 3.0], [0.8, 0.8], 0.1)]);
        let board = panel(&shot, SLOT).unwrap();
        let plan = Plan::showing(&shot.lifted().map(|(_, _, lifted)| footprint(&lifted.obb)).collect::<Vec<_>>(), SLOT);
        // Inside, off the label in the middle.
        let at = |x: f64| {
            let (x, y) = plan.pixel([x, 3.3]);
            board.at(x as u32, y as u32).unwrap()
        };
        let mixed = |channel: usize| {
            (0.6 * f64::from(shot.things[0].colour.rgb()[channel]) + 0.4 * f64::from(SEEN[channel])) as u8
        };
        let left = at(-1.3);
        assert!((0..3).all(|channel| left[channel].abs_diff(mixed(channel)) <= 25), "{left:?}");
        assert!([SEEN, GRID].contains(&at(1.3)), "{:?}", at(1.3));
    }

    #[test]
    fn grids_have_round_steps() {
        assert_eq!([0.3, 0.5, 1.1, 3.0, 7.0].map(grid_step), [0.5, 0.5, 2.0, 5.0, 10.0]);
    }
}
