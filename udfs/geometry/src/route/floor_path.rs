//! The way between two places of a floor map, and its turns.
//!
//! ```text
//! A* over cells ─ string pulling ─► corners ─ drop the least turn while one is small or a leg is short ─► turns
//! ```
//!
//! A way over cells goes in steps of 45 degrees; a person goes straight. A quarter turn that falls apart into two halves is one turn.

use super::floor_map::FloorMap;
use crate::angle::{bearing, wrap_180};
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// How a way becomes turns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PathRules {
    /// Turns of at most so many degrees are none.
    pub straight: f64,
    /// Legs that are shorter are none, metres.
    pub min_leg: f64,
    /// Turns to the same side that are nearer to each other than this are one, metres.
    pub one_turn: f64,
}

impl Default for PathRules {
    fn default() -> Self {
        Self { straight: 20.0, min_leg: 0.5, one_turn: 1.0 }
    }
}

/// A turn on the way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PathTurn {
    /// Where on the ground plan; of one turn in two parts, halfway between them.
    pub at: [f64; 2],
    /// Right > 0.
    pub degrees: f64,
}

/// A way between two cells.
#[derive(Debug, Clone, PartialEq)]
pub struct FloorPath {
    /// Of the shortest way over cells, metres.
    pub length: f64,
    /// Of the straight legs over the shortest way, about 1: more where the legs cut no corner but go round one.
    pub detour: f64,
    /// The ends and the corners between them.
    pub points: Vec<[f64; 2]>,
    /// Of the legs, clockwise from +y.
    pub bearings: Vec<f64>,
    pub turns: Vec<PathTurn>,
    /// Whether a person can go straight from point to point. Where small turns and short legs were dropped, a leg may cut a corner that stands in the way.
    pub clear: bool,
}

impl FloorPath {
    /// Its start, its turns and its end.
    pub fn stops(&self) -> Vec<[f64; 2]> {
        let turns = self.turns.iter().map(|turn| turn.at);
        self.points.first().copied().into_iter().chain(turns).chain(self.points.last().copied()).collect()
    }
}

impl FloorMap {
    /// The shortest way from cell to cell, over sides and corners, without cutting a corner that is not walkable. `None` where both are one, where one
    /// is not walkable, and where no way leads from one to the other.
    ///
    /// ```
    /// use spatialmill_geometry::{OrientedBox, Vector3, route::{FloorMap, FloorMapRules, PathRules}};
    /// // An L: a corridor of 6 m to the north, and another one of 6 m to the east at its end.
    /// let rectangle = |x0, y0, x1, y1| {
    ///     let [a, b, c, d] = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]].map(|[x, y]| Vector3::new(x, y, 0.0));
    ///     [[a, b, c], [a, c, d]]
    /// };
    /// let floor = [rectangle(0.0, 0.0, 1.0, 6.0), rectangle(0.0, 5.0, 6.0, 6.0)].concat();
    /// let map = FloorMap::of(&floor, 0.0, &FloorMapRules::default()).unwrap();
    /// let place = |x, y| OrientedBox::upright(Vector3::new(x, y, 0.5), 0.0, Vector3::repeat(0.1));
    /// let (from, to) = (map.stand_point(&place(0.5, 0.5), 0.5).unwrap(), map.stand_point(&place(5.5, 5.5), 0.5).unwrap());
    /// let path = map.path(from, to, &PathRules::default()).unwrap();
    /// assert_eq!(path.turns.len(), 1);
    /// assert!((path.turns[0].degrees - 90.0).abs() < 12.0 && path.detour < 1.1);
    /// ```
    pub fn path(&self, from: usize, to: usize, rules: &PathRules) -> Option<FloorPath> {
        let (cells, length) = self.shortest(self.place(from), self.place(to))?;
        let pulled = self.pulled(&cells);
        let mut points: Vec<[f64; 2]> = pulled.into_iter().map(|place| self.centre(self.cell_at(place))).collect();
        // The least turn goes first, so that what stays is what a person would call a turn.
        while let Some((least, turn)) = least_turn(&points) {
            if turn > rules.straight && legs(&points).all(|leg| leg >= rules.min_leg) {
                break;
            }
            points.remove(least + 1);
        }
        let direct: f64 = legs(&points).sum();
        let bearings: Vec<f64> = points.windows(2).filter_map(|pair| bearing(way(pair[0], pair[1]))).collect();
        let turns = joined(&points, rules.one_turn);
        let clear = points.windows(2).all(|leg| self.is_free_between(leg[0], leg[1]));
        Some(FloorPath { length, detour: direct / length, points, bearings, turns, clear })
    }

    /// Column and row.
    fn place(&self, cell: usize) -> [i64; 2] {
        [(cell % self.columns()) as i64, (cell / self.columns()) as i64]
    }

    fn cell_at(&self, [column, row]: [i64; 2]) -> usize {
        row as usize * self.columns() + column as usize
    }

    /// The cells of the shortest way, and its length in metres (A*, with the octile distance as a bound that is never too large).
    fn shortest(&self, from: [i64; 2], to: [i64; 2]) -> Option<(Vec<[i64; 2]>, f64)> {
        let is_walkable = |[column, row]: [i64; 2]| self.is_walkable(column, row);
        if from == to || !is_walkable(from) || !is_walkable(to) {
            return None;
        }
        let bound = |[column, row]: [i64; 2]| {
            let (x, y) = ((column - to[0]).unsigned_abs() as f64, (row - to[1]).unsigned_abs() as f64);
            x.max(y) + (std::f64::consts::SQRT_2 - 1.0) * x.min(y)
        };
        let mut lengths = vec![f64::INFINITY; self.columns() * self.rows()];
        let mut came_from = vec![from; lengths.len()];
        let mut open = BinaryHeap::new();
        lengths[self.cell_at(from)] = 0.0;
        open.push(Step { bound: bound(from), length: 0.0, place: from });
        while let Some(Step { length, place, .. }) = open.pop() {
            if place == to {
                return Some((self.traced(&came_from, from, to), length * self.cell()));
            }
            if length > lengths[self.cell_at(place)] {
                continue;
            }
            for (x, y) in (-1..=1).flat_map(|y| (-1..=1).map(move |x| (x, y))).filter(|step| *step != (0, 0)) {
                let next = [place[0] + x, place[1] + y];
                let cuts = !is_walkable([place[0] + x, place[1]]) || !is_walkable([place[0], place[1] + y]);
                if !is_walkable(next) || cuts {
                    continue;
                }
                let longer = length + if x != 0 && y != 0 { std::f64::consts::SQRT_2 } else { 1.0 };
                let known = &mut lengths[next[1] as usize * self.columns() + next[0] as usize];
                if longer < *known {
                    *known = longer;
                    came_from[self.cell_at(next)] = place;
                    open.push(Step { bound: longer + bound(next), length: longer, place: next });
                }
            }
        }
        None
    }

    fn traced(&self, came_from: &[[i64; 2]], from: [i64; 2], to: [i64; 2]) -> Vec<[i64; 2]> {
        let back = std::iter::successors(Some(to), |place| (*place != from).then(|| came_from[self.cell_at(*place)]));
        let mut cells: Vec<_> = back.collect();
        cells.reverse();
        cells
    }

    /// The cells at which a string along the way that is pulled tight bends: from each as far as one can walk straight.
    fn pulled(&self, cells: &[[i64; 2]]) -> Vec<[i64; 2]> {
        let mut pulled = vec![cells[0]];
        let mut at = 0;
        while at + 1 < cells.len() {
            let straight = (at + 2..cells.len()).rev().find(|next| self.is_straight(cells[at], cells[*next]));
            at = straight.unwrap_or(at + 1);
            pulled.push(cells[at]);
        }
        pulled
    }

    /// Whether the line between the centres of two cells crosses walkable cells alone.
    fn is_straight(&self, [x0, y0]: [i64; 2], [x1, y1]: [i64; 2]) -> bool {
        let (width, height) = ((x1 - x0).abs(), (y1 - y0).abs());
        let (step_x, step_y) = ((x1 - x0).signum(), (y1 - y0).signum());
        let (mut x, mut y) = (x0, y0);
        // Where the line leaves a cell: over a side, or through a corner, whose two neighbours must be walkable, too.
        let (mut over_x, mut over_y) = (0, 0);
        while over_x < width || over_y < height {
            match ((1 + 2 * over_x) * height).cmp(&((1 + 2 * over_y) * width)) {
                Ordering::Less => (x, over_x) = (x + step_x, over_x + 1),
                Ordering::Greater => (y, over_y) = (y + step_y, over_y + 1),
                Ordering::Equal => {
                    if !self.is_walkable(x + step_x, y) || !self.is_walkable(x, y + step_y) {
                        return false;
                    }
                    (x, y, over_x, over_y) = (x + step_x, y + step_y, over_x + 1, over_y + 1);
                }
            }
            if !self.is_walkable(x, y) {
                return false;
            }
        }
        true
    }
}

/// A cell to go on from: the least bound first, of equals the one that has come furthest, then by place, so that the same map gives the same way.
#[derive(PartialEq)]
struct Step {
    bound: f64,
    length: f64,
    place: [i64; 2],
}

impl Eq for Step {}

impl Ord for Step {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_bound = other.bound.total_cmp(&self.bound);
        by_bound.then(self.length.total_cmp(&other.length)).then(other.place.cmp(&self.place))
    }
}

impl PartialOrd for Step {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn way(from: [f64; 2], to: [f64; 2]) -> [f64; 2] {
    [to[0] - from[0], to[1] - from[1]]
}

fn legs(points: &[[f64; 2]]) -> impl Iterator<Item = f64> {
    points.windows(2).map(|pair| way(pair[0], pair[1])).map(|[x, y]| x.hypot(y))
}

/// The turns at all points but the ends, right > 0.
fn turns(points: &[[f64; 2]]) -> impl Iterator<Item = f64> {
    points.windows(3).map(|at| match (bearing(way(at[0], at[1])), bearing(way(at[1], at[2]))) {
        (Some(before), Some(after)) => wrap_180(after - before),
        // Cells of a way differ.
        _ => 0.0,
    })
}

fn least_turn(points: &[[f64; 2]]) -> Option<(usize, f64)> {
    turns(points).map(f64::abs).enumerate().min_by(|a, b| a.1.total_cmp(&b.1))
}

/// Turns to the same side that are near each other are one.
fn joined(points: &[[f64; 2]], one_turn: f64) -> Vec<PathTurn> {
    let mut joined: Vec<(PathTurn, [f64; 2])> = Vec::new();
    for (turn, at) in turns(points).zip(&points[1..]) {
        match joined.last_mut() {
            Some((last, last_at))
                if (last.degrees > 0.0) == (turn > 0.0) && legs(&[*last_at, *at]).all(|apart| apart < one_turn) =>
            {
                *last = PathTurn {
                    at: [(last.at[0] + at[0]) * 0.5, (last.at[1] + at[1]) * 0.5],
                    degrees: last.degrees + turn,
                };
                *last_at = *at;
            }
            _ => joined.push((PathTurn { at: *at, degrees: turn }, *at)),
        }
    }
    joined.into_iter().map(|(turn, _)| turn).collect()
}

#[cfg(test)]
mod tests {
    use super::super::floor_map::{FloorMap, FloorMapRules};
    use super::*;
    use crate::Vector3;
    use proptest::prelude::*;

    fn floor(rectangles: &[[f64; 4]]) -> FloorMap {
        let triangles: Vec<[Vector3<f64>; 3]> = rectangles
            .iter()
            .flat_map(|[x0, y0, x1, y1]| {
                let [a, b, c, d] = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]].map(|[x, y]| Vector3::new(*x, *y, 0.0));
                [[a, b, c], [a, c, d]]
            })
            .collect();
        FloorMap::of(&triangles, 0.0, &FloorMapRules::default()).unwrap()
    }

    fn cell_near(map: &FloorMap, x: f64, y: f64) -> usize {
        let away = |cell: usize| legs(&[map.centre(cell), [x, y]]).sum::<f64>();
        let walkable = (0..map.columns() * map.rows()).filter(|cell| {
            let [column, row] = map.place(*cell);
            map.is_walkable(column, row)
        });
        walkable.min_by(|a, b| away(*a).total_cmp(&away(*b))).unwrap()
    }

    #[test]
    fn a_room_needs_no_turn_and_a_courtyard_goes_round() {
        let room = floor(&[[0.0, 0.0, 5.0, 4.0]]);
        let (from, to) = (cell_near(&room, 0.5, 0.5), cell_near(&room, 4.5, 2.0));
        let path = room.path(from, to, &PathRules::default()).unwrap();
        assert_eq!((path.points.len(), path.turns.len()), (2, 0));
        assert!((path.bearings[0] - 69.4).abs() < 2.0 && path.detour <= 1.0);
        assert_eq!(room.path(from, from, &PathRules::default()), None);
        // Round three sides of a courtyard: two turns to the right.
        let ring = floor(&[[0.0, 0.0, 1.0, 6.0], [0.0, 5.0, 6.0, 6.0], [5.0, 0.0, 6.0, 6.0]]);
        let path = ring.path(cell_near(&ring, 0.5, 0.5), cell_near(&ring, 5.5, 0.5), &PathRules::default()).unwrap();
        let turns: Vec<f64> = path.turns.iter().map(|turn| turn.degrees.round()).collect();
        assert_eq!(turns.len(), 2, "{path:?}");
        assert!(turns.iter().all(|turn| (70.0..115.0).contains(turn)), "{turns:?}");
        assert!(path.detour <= 1.1);
    }

    #[test]
    fn two_halves_of_a_turn_are_one() {
        let points = [[0.0, 0.0], [0.0, 4.0], [0.5, 4.5], [5.0, 4.5]];
        let found = joined(&points, 1.0);
        assert!((found[0].degrees - 90.0).abs() < 1e-9 && found.len() == 1 && found[0].at == [0.25, 4.25]);
        assert_eq!(joined(&points, 0.5).len(), 2);
        assert_eq!(joined(&[[0.0, 0.0], [0.0, 4.0], [0.5, 4.5], [0.5, 9.0]], 1.0).len(), 2, "left and right are two");
    }

    proptest! {
        /// Over a floor without obstacles a way is the octile distance, and a string over it is straight; back is as far as there.
        #[test]
        fn an_empty_floor_is_crossed_straight(x0 in 0.3..4.7, y0 in 0.3..3.7, x1 in 0.3..4.7, y1 in 0.3..3.7) {
            let room = floor(&[[0.0, 0.0, 5.0, 4.0]]);
            let (from, to) = (cell_near(&room, x0, y0), cell_near(&room, x1, y1));
            prop_assume!(from != to);
            let (there, back) = (room.path(from, to, &PathRules::default()).unwrap(), room.path(to, from, &PathRules::default()).unwrap());
            let [[a, b], [c, d]] = [from, to].map(|cell| room.place(cell));
            let (long, short) = ((a - c).abs().max((b - d).abs()) as f64, (a - c).abs().min((b - d).abs()) as f64);
            prop_assert!((there.length - 0.05 * (long + (2_f64.sqrt() - 1.0) * short)).abs() < 1e-9);
            prop_assert!(there.turns.is_empty() && back.turns.is_empty() && (there.length - back.length).abs() < 1e-9);
        }
    }
}
