//! Where a person can walk in a scan: a grid of the ground plan.
//!
//! ```text
//! triangles ─ samples ─┬─ near the floor's height ─► floor ─ closed ─┐
//!                      └─ between ankle and head ─► obstacle ────────┴─► free ─ with room to all sides ─► walkable: its largest part
//! ```
//!
//! What a scan has not seen is not free.

use crate::polygon::{distance_to_convex, nearest_of_convex};
use crate::{Bounds, OrientedBox};
use nalgebra::Vector3;

/// How triangles become a map. Metres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FloorMapRules {
    pub cell: f64,
    /// A surface that is nearer to the floor's height than this is floor.
    pub floor_within: f64,
    /// A surface between these heights above the floor is an obstacle.
    pub obstacle: (f64, f64),
    /// A person needs more than this to all sides.
    pub clearance: f64,
    /// A surface between these heights above the floor hides what is behind it: a wall, or a piece of furniture that is as high as a person.
    pub tall: (f64, f64),
}

impl Default for FloorMapRules {
    fn default() -> Self {
        Self { cell: 0.05, floor_within: 0.08, obstacle: (0.15, 1.60), clearance: 0.20, tall: (1.20, 2.00) }
    }
}

/// A grid of cells, row by row from the lowest y.
#[derive(Debug, Clone, PartialEq)]
pub struct FloorMap {
    origin: [f64; 2],
    cell: f64,
    columns: usize,
    rows: usize,
    floor_cells: usize,
    free_cells: usize,
    /// Cells where a person can stand, those of the largest part that hangs together over sides and corners.
    walkable: Vec<bool>,
    /// Metres from a cell's centre to that of the nearest cell that is not free.
    clearances: Vec<f64>,
    /// Cells with a surface that a person does not see over.
    tall: Vec<bool>,
}

/// A map has at most so many cells: 200 m x 200 m in cells of 5 cm. What is larger is no room.
const MAX_CELLS: f64 = 16_000_000.0;

/// Cells around the floor.
const BORDER: usize = 4;

impl FloorMap {
    /// Of triangles of a world in metres whose floor is at the height `floor_z`. Corners that are not finite are left out with their triangles.
    /// `None` where no cell is walkable, and where the map would have more than 16 million cells.
    ///
    /// ```
    /// use spatialmill_geometry::{Vector3, route::{FloorMap, FloorMapRules}};
    /// // A floor of 4 m x 3 m: people keep more than 20 cm away from its edges.
    /// let corners = [[0.0, 0.0], [4.0, 0.0], [4.0, 3.0], [0.0, 3.0]].map(|[x, y]| Vector3::new(x, y, 0.0));
    /// let floor = [[corners[0], corners[1], corners[2]], [corners[0], corners[2], corners[3]]];
    /// let map = FloorMap::of(&floor, 0.0, &FloorMapRules::default()).unwrap();
    /// assert!((map.walkable_area() - 3.6 * 2.6).abs() < 0.4);
    /// ```
    pub fn of(triangles: &[[Vector3<f64>; 3]], floor_z: f64, rules: &FloorMapRules) -> Option<Self> {
        let finite = || triangles.iter().filter(|t| t.iter().flatten().all(|at| at.is_finite()));
        let bounds = Bounds::of(finite().flatten())?;
        let extent = bounds.extent() / rules.cell;
        if !(rules.cell > 0.0 && floor_z.is_finite() && (extent.x + 9.0) * (extent.y + 9.0) <= MAX_CELLS) {
            return None;
        }
        // So wide a border that the floor never reaches the outermost cells, also where it is grown.
        let origin = [bounds.low.x - BORDER as f64 * rules.cell, bounds.low.y - BORDER as f64 * rules.cell];
        let (columns, rows) = (extent.x as usize + 1 + 2 * BORDER, extent.y as usize + 1 + 2 * BORDER);
        let (mut floor, mut obstacle) = (vec![false; columns * rows], vec![false; columns * rows]);
        let mut tall = vec![false; columns * rows];
        for triangle in finite() {
            samples(triangle, rules.cell * 0.5, |point| {
                let (x, y) = ((point.x - origin[0]) / rules.cell, (point.y - origin[1]) / rules.cell);
                let cell = y as usize * columns + x as usize;
                let height = point.z - floor_z;
                floor[cell] |= height.abs() < rules.floor_within;
                obstacle[cell] |= rules.obstacle.0 < height && height < rules.obstacle.1;
                tall[cell] |= rules.tall.0 < height && height < rules.tall.1;
            });
        }
        let floor = closed(floor, columns);
        let free: Vec<bool> = floor.iter().zip(&obstacle).map(|(floor, obstacle)| *floor && !obstacle).collect();
        let clearances: Vec<f64> =
            squared_distances(&free, columns, rows).into_iter().map(|squared| squared.sqrt() * rules.cell).collect();
        let standing: Vec<bool> = clearances.iter().map(|clearance| *clearance > rules.clearance).collect();
        let count = |cells: &[bool]| cells.iter().filter(|cell| **cell).count();
        let walkable = largest_part(&standing, columns);
        let (floor_cells, free_cells) = (count(&floor), count(&free));
        let map = Self { origin, cell: rules.cell, columns, rows, floor_cells, free_cells, walkable, clearances, tall };
        (map.walkable_area() > 0.0).then_some(map)
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Of the floor, furniture's shadows in the scan filled where they are narrow, m².
    pub fn floor_area(&self) -> f64 {
        self.floor_cells as f64 * self.cell * self.cell
    }

    /// Of the floor without obstacles, m².
    pub fn free_area(&self) -> f64 {
        self.free_cells as f64 * self.cell * self.cell
    }

    /// Of the part where a person can walk, m².
    pub fn walkable_area(&self) -> f64 {
        self.walkable.iter().filter(|cell| **cell).count() as f64 * self.cell * self.cell
    }

    /// Where to stand beside an object: the walkable cell with the most room around it whose centre is at most `gap` metres away from the object's
    /// footprint, with no wall between; of equals the nearer one. `None` where nobody can get so near.
    pub fn stand_point(&self, object: &OrientedBox, gap: f64) -> Option<usize> {
        let footprint = object.footprint();
        let walkable = (0..self.walkable.len()).filter(|cell| self.walkable[*cell]);
        let near = walkable.map(|cell| (cell, distance_to_convex(&footprint, self.centre(cell))));
        let mut near: Vec<(usize, f64)> = near.filter(|(_, distance)| *distance <= gap).collect();
        near.sort_by(|(a, nearer_a), (b, nearer_b)| {
            self.clearances[*b].total_cmp(&self.clearances[*a]).then(nearer_a.total_cmp(nearer_b))
        });
        near.into_iter().map(|(cell, _)| cell).find(|cell| self.is_in_view(&footprint, self.centre(*cell)))
    }

    /// Whether a person at a place sees the nearest part of a convex footprint: no wall and nothing as high as a person stands between. What stands
    /// inside the footprint is the object itself.
    pub fn is_in_view(&self, footprint: &[[f64; 2]], from: [f64; 2]) -> bool {
        let Some(to) = nearest_of_convex(footprint, from) else { return false };
        // A surface on the footprint's edge is in a cell whose centre is at most half a diagonal away.
        let own = 0.75 * self.cell;
        self.between(from, to).all(|cell| !self.tall[cell] || distance_to_convex(footprint, self.centre(cell)) <= own)
    }

    /// Whether the straight line between two places crosses free floor alone.
    pub(super) fn is_free_between(&self, from: [f64; 2], to: [f64; 2]) -> bool {
        self.between(from, to).all(|cell| self.clearances[cell] > 0.0)
    }

    /// The cells of the map at points of a line, half a cell apart.
    fn between(&self, from: [f64; 2], to: [f64; 2]) -> impl Iterator<Item = usize> {
        let way = [to[0] - from[0], to[1] - from[1]];
        let steps = (2.0 * way[0].hypot(way[1]) / self.cell).ceil().max(1.0);
        (0..=steps as usize).filter_map(move |step| {
            let at = |k: usize| (from[k] + step as f64 / steps * way[k] - self.origin[k]) / self.cell;
            let (column, row) = (at(0), at(1));
            let inside = 0.0 <= column && column < self.columns as f64 && 0.0 <= row && row < self.rows as f64;
            inside.then(|| row as usize * self.columns + column as usize)
        })
    }

    /// A cell's centre, metres in the world.
    pub fn centre(&self, cell: usize) -> [f64; 2] {
        let at = |k: usize, index: usize| self.origin[k] + (index as f64 + 0.5) * self.cell;
        [at(0, cell % self.columns), at(1, cell / self.columns)]
    }

    pub(super) fn cell(&self) -> f64 {
        self.cell
    }

    /// Whether a person can stand in the cell in this column and row; outside of the map nobody can.
    pub(super) fn is_walkable(&self, column: i64, row: i64) -> bool {
        let inside = |at: i64, size: usize| usize::try_from(at).ok().filter(|at| *at < size);
        match (inside(column, self.columns), inside(row, self.rows)) {
            (Some(column), Some(row)) => self.walkable[row * self.columns + column],
            _ => false,
        }
    }
}

/// Points all over a triangle, at most `apart` from the next one, in rows along its longest side: as many as its area and its sides ask for. One that
/// would have more of them than a map has cells is no part of a room.
fn samples(corners: &[Vector3<f64>; 3], apart: f64, mut visit: impl FnMut(Vector3<f64>)) {
    let side = |k: usize| corners[(k + 1) % 3] - corners[k];
    let longest = (0..3).max_by(|i, j| side(*i).norm().total_cmp(&side(*j).norm())).unwrap_or(0);
    let [a, b, c] = [0, 1, 2].map(|k| corners[(longest + k) % 3]);
    let base = (b - a).norm();
    let height = if base > 0.0 { (b - a).cross(&(c - a)).norm() / base } else { 0.0 };
    let steps = |length: f64| (length / apart).ceil().max(1.0);
    if steps(height) * steps(base) > MAX_CELLS {
        return;
    }
    let rows = steps(height) as u32;
    for row in 0..=rows {
        let up = f64::from(row) / f64::from(rows);
        let (start, end) = (a + (c - a) * up, b + (c - b) * up);
        let columns = steps((end - start).norm()) as u32;
        for column in 0..=columns {
            visit(start + (end - start) * (f64::from(column) / f64::from(columns)));
        }
    }
}

/// Grown by two cells over sides and shrunk again: gaps of up to four cells are closed.
fn closed(cells: Vec<bool>, columns: usize) -> Vec<bool> {
    let grown = spread(&spread(&cells, columns, true), columns, true);
    spread(&spread(&grown, columns, false), columns, false)
}

/// The cells, with all neighbours over a side of those that are `what` made `what`, too. (Those at the border of the map are none of the floor's: that
/// rows follow each other without a gap does no harm.)
fn spread(cells: &[bool], columns: usize, what: bool) -> Vec<bool> {
    let mut spread = cells.to_vec();
    for (cell, _) in cells.iter().enumerate().filter(|(_, own)| **own == what) {
        for next in [cell.wrapping_sub(columns), cell.wrapping_sub(1), cell + 1, cell + columns] {
            if let Some(next) = spread.get_mut(next) {
                *next = what;
            }
        }
    }
    spread
}

/// For each cell the squared distance, in cells, to the nearest one that is false (Felzenszwalb and Huttenlocher 2012); what is outside is false.
fn squared_distances(cells: &[bool], columns: usize, rows: usize) -> Vec<f64> {
    let mut distances: Vec<f64> = cells.iter().map(|cell| if *cell { f64::INFINITY } else { 0.0 }).collect();
    for row in distances.chunks_exact_mut(columns) {
        lower_envelope(row);
    }
    let mut column = vec![0.0; rows];
    for x in 0..columns {
        for (y, distance) in column.iter_mut().enumerate() {
            *distance = distances[y * columns + x];
        }
        lower_envelope(&mut column);
        for (y, distance) in column.iter().enumerate() {
            distances[y * columns + x] = *distance;
        }
    }
    distances
}

/// Replaces each value by the least of (distance along the line)² plus the value there, with a 0 beyond both ends.
fn lower_envelope(line: &mut [f64]) {
    let n = line.len() as i64;
    let value = |i: i64| if i < 0 || i >= n { 0.0 } else { line[i as usize] };
    // Parabolas of the envelope, and from where each is the least.
    let mut places: Vec<i64> = vec![-1];
    let mut starts = vec![f64::NEG_INFINITY];
    for i in (0..=n).filter(|i| value(*i).is_finite()) {
        let crossing = |place: i64| {
            let (x, y) = (i as f64, place as f64);
            ((value(i) + x * x) - (value(place) + y * y)) / (2.0 * (x - y))
        };
        while places.last().is_some_and(|last| starts.last().is_some_and(|start| crossing(*last) <= *start)) {
            places.pop();
            starts.pop();
        }
        starts.push(places.last().map_or(f64::NEG_INFINITY, |last| crossing(*last)));
        places.push(i);
    }
    let mut k = 0;
    let least: Vec<f64> = (0..n)
        .map(|x| {
            while k + 1 < places.len() && starts[k + 1] <= x as f64 {
                k += 1;
            }
            let away = (x - places[k]) as f64;
            away * away + value(places[k])
        })
        .collect();
    line.copy_from_slice(&least);
}

/// The cells of the part with most of them, over sides and corners; the first of equals.
fn largest_part(cells: &[bool], columns: usize) -> Vec<bool> {
    let mut part = vec![0_u32; cells.len()];
    let (mut best, mut most, mut parts) = (0, 0, 0);
    let mut to_visit = Vec::new();
    for start in 0..cells.len() {
        if !cells[start] || part[start] != 0 {
            continue;
        }
        parts += 1;
        part[start] = parts;
        to_visit.push(start);
        let mut size = 0;
        while let Some(cell) = to_visit.pop() {
            size += 1;
            // No cell at the border is true, so that each has eight neighbours.
            for next in [cell - columns, cell, cell + columns].into_iter().flat_map(|row| [row - 1, row, row + 1]) {
                if cells[next] && part[next] == 0 {
                    part[next] = parts;
                    to_visit.push(next);
                }
            }
        }
        if size > most {
            (best, most) = (parts, size);
        }
    }
    part.iter().map(|part| *part == best && best != 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    pub fn rectangle(x0: f64, y0: f64, x1: f64, y1: f64, z: f64) -> [[Vector3<f64>; 3]; 2] {
        let [a, b, c, d] = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]].map(|[x, y]| Vector3::new(x, y, z));
        [[a, b, c], [a, c, d]]
    }

    #[test]
    fn what_is_no_floor_gives_no_map() {
        let rules = FloorMapRules::default();
        assert_eq!(FloorMap::of(&[], 0.0, &rules), None);
        assert_eq!(FloorMap::of(&[[Vector3::repeat(f64::NAN); 3]], 0.0, &rules), None);
        assert_eq!(FloorMap::of(&rectangle(0.0, 0.0, 4.0, 3.0, 1.0), 0.0, &rules), None, "a table's height");
        assert_eq!(FloorMap::of(&rectangle(0.0, 0.0, 0.3, 0.3, 0.0), 0.0, &rules), None, "too narrow");
        assert_eq!(FloorMap::of(&rectangle(0.0, 0.0, 1e4, 1e4, 0.0), 0.0, &rules), None, "no room");
        // A needle of 80 km and a wall of 80 km take no time, and no floor away.
        let floor = rectangle(0.0, 0.0, 4.0, 3.0, 0.0);
        let needle = [Vector3::zeros(), Vector3::new(1.0, 1.0, 8e4), Vector3::new(1.0, 1.01, 8e4)];
        let wall = [Vector3::new(0.0, 0.0, 5.0), Vector3::new(4.0, 0.0, 5.0), Vector3::new(4.0, 3.0, 8e4)];
        let with = FloorMap::of(&[&floor[..], &[needle, wall]].concat(), 0.0, &rules).unwrap();
        assert!((with.floor_area() - 12.0).abs() < 0.8);
    }

    #[test]
    fn obstacles_take_room_and_the_larger_room_is_kept() {
        // A wall in the middle leaves 2.5 m and 1.5 m; a lamp 2 m above the floor hinders nobody.
        let floor = rectangle(0.0, 0.0, 4.0, 3.0, 0.0);
        let wall = [[Vector3::new(2.5, 0.0, 0.5), Vector3::new(2.5, 3.0, 0.5), Vector3::new(2.5, 3.0, 0.5)]];
        let triangles = [&floor[..], &wall[..], &rectangle(1.0, 1.0, 1.5, 1.5, 2.0)[..]].concat();
        let map = FloorMap::of(&triangles, 0.0, &FloorMapRules::default()).unwrap();
        assert!(
            (map.floor_area() - 12.0).abs() < 0.5 && (map.walkable_area() - 2.0 * 2.55).abs() < 0.5,
            "{}",
            map.walkable_area()
        );
        let chair = |x: f64| OrientedBox::upright(Vector3::new(x, 1.5, 0.4), 0.0, Vector3::repeat(0.5));
        let at = map.centre(map.stand_point(&chair(0.3), 0.8).unwrap());
        assert!(at[0] > 0.8 && at[0] < 1.4 && (at[1] - 1.5).abs() < 0.7, "{at:?}");
        assert_eq!(map.stand_point(&chair(3.7), 0.8), None, "behind the wall");
    }

    #[test]
    fn nobody_stands_behind_the_wall_of_an_object() {
        // A shelf against a wall of 10 cm, with a passage of 60 cm before it and a hall behind the wall; both are joined beyond the wall's end.
        let floor = rectangle(0.0, 0.0, 4.0, 4.0, 0.0);
        let side = |x: f64, y: f64| {
            let [a, b, c, d] = [(0.0, 0.0), (y, 0.0), (y, 2.2), (0.0, 2.2)].map(|(y, z)| Vector3::new(x, y, z));
            [[a, b, c], [a, c, d]]
        };
        let shelf = OrientedBox::upright(Vector3::new(0.85, 1.0, 1.0), 0.0, Vector3::new(0.3, 0.8, 2.0));
        let (near, far) = (side(1.0, 3.0), side(1.1, 3.0));
        let walled = [&floor[..], &near[..], &far[..]].concat();
        let stand = |triangles: &[[Vector3<f64>; 3]]| {
            let map = FloorMap::of(triangles, 0.0, &FloorMapRules::default()).unwrap();
            map.centre(map.stand_point(&shelf, 0.8).unwrap())
        };
        let at = stand(&walled);
        assert!(at[0] < 0.7, "{at:?}");
        // Over a low wall people see the shelf: they stand where the room is.
        let low: Vec<_> = walled.iter().map(|t| t.map(|at| Vector3::new(at.x, at.y, at.z * 0.4))).collect();
        let at = stand(&low);
        assert!(at[0] > 1.3, "{at:?}");
        let map = FloorMap::of(&walled, 0.0, &FloorMapRules::default()).unwrap();
        assert!(map.is_in_view(&shelf.footprint(), [0.3, 1.0]) && !map.is_in_view(&shelf.footprint(), [1.8, 1.0]));
        assert!(!map.is_in_view(&[], [0.3, 1.0]));
    }

    proptest! {
        #[test]
        fn distances_agree_with_every_cell(cells in prop::collection::vec(prop::bool::weighted(0.9), 9 * 7)) {
            let found = squared_distances(&cells, 9, 7);
            for (cell, found) in found.iter().enumerate() {
                let (x, y) = ((cell % 9) as i64, (cell / 9) as i64);
                let outside = [x + 1, 9 - x, y + 1, 7 - y].into_iter().min().unwrap().pow(2);
                let others = (0..cells.len()).filter(|other| !cells[*other]).map(|other| {
                    ((other % 9) as i64 - x).pow(2) + ((other / 9) as i64 - y).pow(2)
                });
                prop_assert_eq!(*found, others.chain([outside]).min().unwrap() as f64);
            }
        }
    }
}
