//! Free floor: where a person can stand and walk, as a grid of small cells; ways over it, and its outlines.
//!
//! In: a floor plan and what stands in it. Out: for each cell its clearance, the distance to the nearest wall or thing; shortest ways that keep a
//! clearance (A*, then pulled taut); the outlines of what is free.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::plan::FloorPlan;
use crate::source::synthetic::space::Taken;

/// The side of a cell, metres.
pub const CELL_M: f64 = 0.05;
/// Clearances are not told apart beyond this.
const FAR_M: f64 = 1.2;
/// Between the middles of cells on a way that is looked at.
const STEP_M: f64 = 0.02;

/// What stands between these heights is in the way of somebody who walks: all that is not above a head.
pub const IN_THE_WAY_M: [f64; 2] = [0.0, 1.9];

/// A grid over a home.
#[derive(Debug, Clone)]
pub struct FreeFloor {
    low: [f64; 2],
    pub width: usize,
    pub height: usize,
    /// Metres to the nearest cell that is not free, from middle to middle; 0 where it is not free itself.
    clearance: Vec<f64>,
}

impl FreeFloor {
    /// The floor of a plan without what these things stand on, as far as they reach into `heights`.
    pub fn new<'a>(plan: &FloorPlan, things: impl Iterator<Item = &'a Taken>, heights: [f64; 2]) -> Self {
        let [low, high] = plan.corners();
        let low = [low[0] - 2.0 * CELL_M, low[1] - 2.0 * CELL_M];
        let cells = |axis: usize| ((high[axis] - low[axis]) / CELL_M).ceil() as usize + 2;
        let (width, height) = (cells(0), cells(1));
        let mut floor = Self { low, width, height, clearance: Vec::new() };
        let mut is_free = vec![false; width * height];
        for room in &plan.rooms {
            floor.each_cell(room.outline.corners(), |cell, at| is_free[cell] |= room.outline.contains(at));
        }
        for door in &plan.doorways {
            // The middle of a cell may lie on neither side of the line between room and doorway.
            floor.each_cell(door.threshold(), |cell, _| is_free[cell] = true);
        }
        for thing in things.filter(|thing| thing.low < heights[1] && thing.high > heights[0]) {
            let [rx, ry] = thing.reach();
            let corners = [[thing.x - rx, thing.y - ry], [thing.x + rx, thing.y + ry]];
            floor.each_cell(corners, |cell, at| is_free[cell] &= !thing.covers(at));
        }
        floor.clearance = clearances(&is_free, width, height);
        floor
    }

    /// Calls for each cell whose middle is in a rectangle.
    fn each_cell(&self, [low, high]: [[f64; 2]; 2], mut then: impl FnMut(usize, [f64; 2])) {
        let first = |axis: usize| ((low[axis] - self.low[axis]) / CELL_M - 0.5).ceil().max(0.0) as usize;
        let end = |axis: usize, size: usize| {
            (((high[axis] - self.low[axis]) / CELL_M - 0.5).floor() + 1.0).clamp(0.0, size as f64) as usize
        };
        for row in first(1)..end(1, self.height) {
            for column in first(0)..end(0, self.width) {
                let cell = row * self.width + column;
                then(cell, self.middle(cell));
            }
        }
    }

    pub fn cells(&self) -> usize {
        self.clearance.len()
    }

    /// The middle of a cell.
    pub fn middle(&self, cell: usize) -> [f64; 2] {
        let (row, column) = (cell / self.width, cell % self.width);
        [self.low[0] + (column as f64 + 0.5) * CELL_M, self.low[1] + (row as f64 + 0.5) * CELL_M]
    }

    /// The cell that a point is in; none outside of the grid.
    pub fn cell(&self, point: [f64; 2]) -> Option<usize> {
        let at = |axis: usize| (point[axis] - self.low[axis]) / CELL_M;
        let (x, y) = (at(0), at(1));
        let inside = x >= 0.0 && y >= 0.0 && x < self.width as f64 && y < self.height as f64;
        inside.then(|| y as usize * self.width + x as usize)
    }

    pub fn clearance(&self, cell: usize) -> f64 {
        self.clearance[cell]
    }

    /// Square metres of all free cells.
    pub fn area(&self) -> f64 {
        self.clearance.iter().filter(|clearance| **clearance > 0.0).count() as f64 * CELL_M * CELL_M
    }

    /// True where the straight way between two points keeps this clearance.
    pub fn is_straight(&self, from: [f64; 2], to: [f64; 2], clearance: f64) -> bool {
        let steps = (distance(from, to) / STEP_M).ceil().max(1.0);
        (0..=steps as u32).all(|step| {
            let share = f64::from(step) / steps;
            let at = [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share];
            self.cell(at).is_some_and(|cell| self.clearance[cell] >= clearance)
        })
    }

    /// The cells that can be reached from one with at least this clearance, itself included.
    pub fn reached(&self, from: usize, clearance: f64) -> Vec<bool> {
        let mut reached = vec![false; self.cells()];
        let mut next = vec![from];
        while let Some(cell) = next.pop() {
            if self.clearance[cell] >= clearance && !std::mem::replace(&mut reached[cell], true) {
                next.extend(self.neighbours(cell, clearance).map(|(cell, _)| cell));
            }
        }
        reached
    }

    /// The cells beside one that keep the clearance, and how far they are in cells. Corners are not cut.
    fn neighbours(&self, cell: usize, clearance: f64) -> impl Iterator<Item = (usize, f64)> {
        let (x, y) = ((cell % self.width) as i64, (cell / self.width) as i64);
        let is_clear = move |x: i64, y: i64| {
            let inside = x >= 0 && y >= 0 && x < self.width as i64 && y < self.height as i64;
            inside && self.clearance[y as usize * self.width + x as usize] >= clearance
        };
        let steps = [(1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, 1), (-1, -1), (1, -1)];
        steps.into_iter().filter_map(move |(dx, dy)| {
            let can = is_clear(x + dx, y + dy) && (dx == 0 || dy == 0 || is_clear(x + dx, y) && is_clear(x, y + dy));
            let length = if dx == 0 || dy == 0 { 1.0 } else { std::f64::consts::SQRT_2 };
            can.then(|| ((y + dy) as usize * self.width + (x + dx) as usize, length))
        })
    }

    /// The shortest way between two cells that keeps a clearance, pulled taut: its corners, ends included. None where there is no way.
    pub fn way(&self, from: usize, to: usize, clearance: f64) -> Option<Vec<[f64; 2]>> {
        let cells = self.steps(from, to, clearance)?;
        let points: Vec<[f64; 2]> = cells.iter().map(|cell| self.middle(*cell)).collect();
        let mut corners = vec![points[0]];
        let mut at = 0;
        while at + 1 < points.len() {
            let farthest = (at + 1..points.len()).rev().find(|&n| self.is_straight(points[at], points[n], clearance));
            // The next cell is always straight ahead.
            at = farthest.unwrap_or(at + 1);
            corners.push(points[at]);
        }
        Some(corners)
    }

    /// A*: among ways of one length the one whose cells come first wins, so that it is the same everywhere.
    fn steps(&self, from: usize, to: usize, clearance: f64) -> Option<Vec<usize>> {
        if self.clearance[from] < clearance || self.clearance[to] < clearance {
            return None;
        }
        let goal = self.middle(to);
        // Hundredths of a cell, so that costs are whole numbers.
        let whole = |cells: f64| (cells * 100.0).round() as u64;
        let ahead = |cell: usize| {
            let at = self.middle(cell);
            let (dx, dy) = ((at[0] - goal[0]).abs() / CELL_M, (at[1] - goal[1]).abs() / CELL_M);
            whole(dx.max(dy) + (std::f64::consts::SQRT_2 - 1.0) * dx.min(dy))
        };
        let mut cost = vec![u64::MAX; self.cells()];
        let mut before = vec![usize::MAX; self.cells()];
        let mut open = BinaryHeap::new();
        cost[from] = 0;
        open.push(Reverse((ahead(from), from)));
        while let Some(Reverse((_, cell))) = open.pop() {
            if cell == to {
                let mut cells = vec![to];
                while let Some(&last) = cells.last().filter(|last| **last != from) {
                    cells.push(before[last]);
                }
                cells.reverse();
                return Some(cells);
            }
            for (next, length) in self.neighbours(cell, clearance) {
                // Somebody who has room keeps away from walls and furniture.
                let squeezed = 1.0 + 1.5 * (0.45 - self.clearance[next]).max(0.0);
                let there = cost[cell] + whole(length * squeezed);
                if there < cost[next] {
                    cost[next] = there;
                    before[next] = cell;
                    open.push(Reverse((there + ahead(next), next)));
                }
            }
        }
        None
    }

    /// The outlines of what is free: those of its parts counter-clockwise, those of holes clockwise.
    pub fn outlines(&self) -> Vec<Vec<[f64; 2]>> {
        let is_free = |x: i64, y: i64| {
            let inside = x >= 0 && y >= 0 && x < self.width as i64 && y < self.height as i64;
            inside && self.clearance[y as usize * self.width + x as usize] > 0.0
        };
        // Sides of cells with nothing free on their right, by where they begin; where two cells touch at a corner, two begin there.
        let mut sides: BTreeMap<(i64, i64), Vec<(i64, i64)>> = BTreeMap::new();
        for y in 0..self.height as i64 {
            for x in (0..self.width as i64).filter(|x| is_free(*x, y)) {
                for (from, to, beyond) in [
                    ((x, y), (x + 1, y), (x, y - 1)),
                    ((x + 1, y), (x + 1, y + 1), (x + 1, y)),
                    ((x + 1, y + 1), (x, y + 1), (x, y + 1)),
                    ((x, y + 1), (x, y), (x - 1, y)),
                ] {
                    if !is_free(beyond.0, beyond.1) {
                        sides.entry(from).or_default().push(to);
                    }
                }
            }
        }
        let mut outlines = Vec::new();
        while let Some(start) = sides.keys().next().copied() {
            let (mut at, mut outline) = (start, Vec::new());
            while let Some(next) = sides.get_mut(&at).and_then(Vec::pop) {
                if sides.get(&at).is_some_and(Vec::is_empty) {
                    sides.remove(&at);
                }
                outline.push(at);
                at = next;
            }
            let is_corner = |n: usize| {
                let (before, here, after) =
                    (outline[(n + outline.len() - 1) % outline.len()], outline[n], outline[(n + 1) % outline.len()]);
                (here.0 - before.0, here.1 - before.1) != (after.0 - here.0, after.1 - here.1)
            };
            let corners = (0..outline.len()).filter(|n| is_corner(*n)).map(|n| {
                let (x, y): (i64, i64) = outline[n];
                [self.low[0] + x as f64 * CELL_M, self.low[1] + y as f64 * CELL_M]
            });
            outlines.push(corners.collect());
        }
        outlines
    }
}

pub fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// The distance of each cell to the nearest that is not free, up to [`FAR_M`]: along its row first, then over the rows.
fn clearances(is_free: &[bool], width: usize, height: usize) -> Vec<f64> {
    let far = (FAR_M / CELL_M) as usize;
    let mut in_row = vec![far; is_free.len()];
    for row in 0..height {
        let cells = row * width..(row + 1) * width;
        for forwards in [true, false] {
            let mut since = far;
            for n in cells.clone() {
                let cell = if forwards { n } else { cells.end - 1 - (n - cells.start) };
                since = if is_free[cell] { (since + 1).min(far) } else { 0 };
                in_row[cell] = in_row[cell].min(since);
            }
        }
    }
    (0..is_free.len())
        .map(|cell| {
            if !is_free[cell] {
                return 0.0;
            }
            let (row, column) = (cell / width, cell % width);
            let mut nearest = far * far;
            for other in row.saturating_sub(far)..(row + far + 1).min(height) {
                let (along, across) = (in_row[other * width + column], other.abs_diff(row));
                nearest = nearest.min(along * along + across * across);
            }
            (nearest as f64).sqrt() * CELL_M
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use spatialmill_geometry::polygon::area;

    use super::*;
    use crate::source::synthetic::dice::Dice;

    fn plan() -> FloorPlan {
        FloorPlan::new(&mut Dice::new(0, "plan"), 4)
    }

    #[test]
    fn an_empty_home_is_as_large_as_its_rooms_and_doorways() {
        let plan = plan();
        let floor = FreeFloor::new(&plan, [].iter(), IN_THE_WAY_M);
        let doors: f64 = plan.doorways.iter().map(|door| door.width * 0.12).sum();
        let rooms: f64 = plan.rooms.iter().map(|room| room.area()).sum();
        // A cell is in or out; walls of some ninety metres have half a cell of doubt at most, and little on the whole.
        assert!((floor.area() - rooms - doors).abs() < 0.02 * rooms, "{} {rooms} {doors}", floor.area());
        let outlined: f64 = floor.outlines().iter().map(|outline| area(outline)).sum();
        assert!((outlined - floor.area()).abs() < 1e-6, "one outline, nothing in it");
        assert_eq!(floor.outlines().len(), 1);
    }

    #[test]
    fn ways_lead_through_doorways_and_around_things() {
        let plan = plan();
        let [from, to] = [0, 3].map(|room| plan.rooms[room].outline.centre);
        let floor = FreeFloor::new(&plan, [].iter(), IN_THE_WAY_M);
        let [a, b] = [from, to].map(|point| floor.cell(point).unwrap());
        let way = floor.way(a, b, 0.25).unwrap();
        let length = |way: &[[f64; 2]]| way.windows(2).map(|leg| distance(leg[0], leg[1])).sum::<f64>();
        assert!(length(&way) >= distance(from, to) - 0.1);
        // A crate in the middle of the way costs a detour.
        let [p, q] = [way[0], way[1]];
        let crate_ =
            Taken { x: (p[0] + q[0]) / 2.0, y: (p[1] + q[1]) / 2.0, yaw: 0.4, half: [0.2; 2], low: 0.0, high: 0.3 };
        let around = FreeFloor::new(&plan, [crate_].iter(), IN_THE_WAY_M);
        assert_eq!(around.outlines().len(), 2, "a hole has an outline of its own");
        if let Some(detour) = around.way(a, b, 0.25) {
            assert!(length(&detour) >= length(&way) - 0.1);
            assert!(detour.windows(2).all(|leg| around.is_straight(leg[0], leg[1], 0.25)));
        }
        // What hangs above heads is in nobody's way.
        let lamp = Taken { low: 2.0, high: 2.2, ..crate_ };
        assert_eq!(FreeFloor::new(&plan, [lamp].iter(), IN_THE_WAY_M).area(), floor.area());
    }
}
