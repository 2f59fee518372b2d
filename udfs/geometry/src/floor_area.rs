//! The floor area of a room from the points of its scan: the area of their alpha shape on the ground plan, with its holes filled.
//!
//! ```text
//! points ─ first of each grid cell ─► Delaunay triangles ─ circumradius < 1/alpha ─► their union ─ and what it encloses ─► m²
//! ```
//!
//! VSI-Bench's room size is such an area (its alpha is 5 per metre), of 10,000 points that were drawn at random, so that the same room has sizes
//! 0.4 % apart. Here every point counts and none is drawn. Furniture leaves holes in a scan of the floor, and belongs to the room: what the outside
//! cannot reach through the triangulation without crossing a kept triangle is filled. Several components are added up.

use crate::polygon::{area, convex_hull, doubled_area};
use spade::{DelaunayTriangulation, Point2, Triangulation, mitigate_underflow};
use std::collections::{BTreeMap, HashSet};

/// How points become a shape. The defaults are VSI-Bench's alpha, and a grid that gives areas about 1 % less than all points do, as VSI-Bench's 10,000
/// random points do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FloorRules {
    /// Triangles with a circumradius of less than 1/alpha are floor, per metre: 5 spans gaps of up to 0.4 m.
    pub alpha_per_m: f64,
    /// Of the points in a cell of a grid with this side the first one counts, metres; 0 keeps all.
    pub grid_m: f64,
    /// Points that are at most this far apart belong to one part of the floor, metres.
    pub joined_m: f64,
}

impl Default for FloorRules {
    fn default() -> Self {
        Self { alpha_per_m: 5.0, grid_m: 0.05, joined_m: 0.5 }
    }
}

/// What the ground plan of a scan measures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FloorArea {
    /// Of the alpha shape with its holes filled, m².
    pub area_m2: f64,
    /// Of the alpha shape as it is, m².
    pub unfilled_m2: f64,
    /// Of the convex hull, m².
    pub hull_m2: f64,
    /// How many points counted.
    pub points: usize,
    /// The share of them in the largest part of the floor, 0-1: low where a scan shows rooms that nothing joins.
    pub largest_part: f64,
}

impl FloorArea {
    /// `None` without three points that are on no line; points that are not finite are left out.
    ///
    /// ```
    /// use spatialmill_geometry::floor_area::{FloorArea, FloorRules};
    /// // A floor of 6 m x 4 m, a point each 10 cm, without the 1.8 m x 0.8 m that stand under a table.
    /// let floor = (0..61 * 41).map(|i| [f64::from(i % 61) * 0.1, f64::from(i / 61) * 0.1]);
    /// let points = floor.filter(|[x, y]| !(*x > 2.05 && *x < 3.95 && *y > 1.05 && *y < 1.95));
    /// let measured = FloorArea::of(points, &FloorRules::default()).unwrap();
    /// assert!((measured.area_m2 - 24.0).abs() < 1e-9 && (measured.hull_m2 - 24.0).abs() < 1e-9);
    /// assert!((22.0..22.2).contains(&measured.unfilled_m2) && measured.largest_part == 1.0);
    /// ```
    pub fn of(points: impl IntoIterator<Item = [f64; 2]>, rules: &FloorRules) -> Option<Self> {
        let points = first_of_cells(points, rules.grid_m);
        let vertices = points.iter().map(|[x, y]| mitigate_underflow(Point2::new(*x, *y))).collect();
        // An error is a coordinate beyond 1e60, which no room has.
        let triangulation: DelaunayTriangulation<Point2<f64>> = DelaunayTriangulation::bulk_load(vertices).ok()?;
        if triangulation.num_inner_faces() == 0 {
            return None;
        }
        let floor = Triangles::of(&triangulation, rules.alpha_per_m);
        let enclosed = floor.enclosed(&triangulation);
        let sum = |of: &[bool]| floor.areas.iter().zip(of).filter(|(_, counts)| **counts).map(|(area, _)| area).sum();
        Some(Self {
            area_m2: sum(&enclosed),
            unfilled_m2: sum(&floor.kept),
            largest_part: largest_part(&triangulation, rules.joined_m),
            points: triangulation.num_vertices(),
            hull_m2: area(&convex_hull(points)),
        })
    }

    /// The outlines of the floor that is measured: closed polygons, counter-clockwise, which have its area together. Two parts that meet in one
    /// point may be one polygon that passes it twice.
    ///
    /// ```
    /// use spatialmill_geometry::floor_area::{FloorArea, FloorRules};
    /// let floor = (0..3 * 2).map(|i| [f64::from(i % 3) * 0.1, f64::from(i / 3) * 0.1]);
    /// let mut outlines = FloorArea::outlines(floor, &FloorRules::default());
    /// outlines[0].sort_by(|a, b| a[1].total_cmp(&b[1]).then(a[0].total_cmp(&b[0])));
    /// assert_eq!(outlines, [[[0.0, 0.0], [0.1, 0.0], [0.2, 0.0], [0.0, 0.1], [0.1, 0.1], [0.2, 0.1]]]);
    /// ```
    pub fn outlines(points: impl IntoIterator<Item = [f64; 2]>, rules: &FloorRules) -> Vec<Vec<[f64; 2]>> {
        let points = first_of_cells(points, rules.grid_m);
        let vertices = points.iter().map(|[x, y]| mitigate_underflow(Point2::new(*x, *y))).collect();
        let Ok(triangulation) = DelaunayTriangulation::<Point2<f64>>::bulk_load(vertices) else { return Vec::new() };
        let enclosed = Triangles::of(&triangulation, rules.alpha_per_m).enclosed(&triangulation);
        // Edges with the floor on their left and none on their right, by the vertex at which they begin.
        let mut edges: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for face in triangulation.inner_faces().filter(|face| enclosed[face.fix().index()]) {
            for edge in face.adjacent_edges() {
                let beyond = edge.rev().face().fix().index();
                if beyond == 0 || !enclosed[beyond] {
                    edges.entry(edge.from().fix().index()).or_default().push(edge.to().fix().index());
                }
            }
        }
        let places: Vec<[f64; 2]> =
            triangulation.vertices().map(|vertex| [vertex.position().x, vertex.position().y]).collect();
        let mut outlines = Vec::new();
        // As many edges lead to a vertex as from it, so that a walk ends where it began.
        while let Some(start) = edges.first_key_value().map(|(start, _)| *start) {
            let (mut outline, mut at) = (Vec::new(), start);
            while let Some(ends) = edges.get_mut(&at) {
                let Some(end) = ends.pop() else { break };
                if ends.is_empty() {
                    edges.remove(&at);
                }
                outline.push(places[at]);
                at = end;
                if at == start {
                    break;
                }
            }
            outlines.push(outline);
        }
        outlines
    }
}

/// The finite points, of those in one cell of the grid the first.
fn first_of_cells(points: impl IntoIterator<Item = [f64; 2]>, grid_m: f64) -> Vec<[f64; 2]> {
    let finite = points.into_iter().filter(|p| p.iter().all(|at| at.is_finite()));
    if grid_m <= 0.0 {
        return finite.collect();
    }
    let mut taken = HashSet::new();
    finite.filter(|p| taken.insert(p.map(|at| (at / grid_m).floor() as i64))).collect()
}

/// The inner triangles, by their index in the triangulation; index 0 is the outside.
struct Triangles {
    areas: Vec<f64>,
    kept: Vec<bool>,
}

impl Triangles {
    fn of(triangulation: &DelaunayTriangulation<Point2<f64>>, alpha_per_m: f64) -> Self {
        let faces = triangulation.num_all_faces();
        let (mut areas, mut kept) = (vec![0.0; faces], vec![false; faces]);
        for face in triangulation.inner_faces() {
            let [a, b, c] = face.positions().map(|p| [p.x, p.y]);
            let side = |p: [f64; 2], q: [f64; 2]| (q[0] - p[0]).hypot(q[1] - p[1]);
            let doubled = doubled_area(a, b, c).abs();
            let circumradius = side(a, b) * side(b, c) * side(c, a) / (2.0 * doubled);
            let index = face.fix().index();
            areas[index] = doubled * 0.5;
            // A sliver without area has an infinite circumradius, or none.
            kept[index] = circumradius < 1.0 / alpha_per_m;
        }
        Self { areas, kept }
    }

    /// Triangles that are kept, or that no path from the outside over edges of triangles that are not kept leads to.
    fn enclosed(&self, triangulation: &DelaunayTriangulation<Point2<f64>>) -> Vec<bool> {
        let mut enclosed = vec![true; self.kept.len()];
        let mut to_visit = Vec::new();
        let mut reach = |face: usize, to_visit: &mut Vec<usize>| {
            if !self.kept[face] && std::mem::replace(&mut enclosed[face], false) {
                to_visit.push(face);
            }
        };
        // All edges between two triangles, in both directions, by the triangle that they lead from.
        let mut neighbours = vec![[0; 3]; self.kept.len()];
        for face in triangulation.inner_faces() {
            neighbours[face.fix().index()] = face.adjacent_edges().map(|edge| edge.rev().face().fix().index());
        }
        for edge in triangulation.convex_hull() {
            reach(edge.rev().face().fix().index(), &mut to_visit);
        }
        while let Some(face) = to_visit.pop() {
            for next in neighbours[face].into_iter().filter(|next| *next != 0) {
                reach(next, &mut to_visit);
            }
        }
        enclosed
    }
}

/// The share of the points in the largest set whose members are joined by steps of at most `joined_m`. The shortest edges that join a set are
/// edges of its Delaunay triangulation, so that no other pairs need a look.
fn largest_part(triangulation: &DelaunayTriangulation<Point2<f64>>, joined_m: f64) -> f64 {
    let mut parent: Vec<usize> = (0..triangulation.num_vertices()).collect();
    fn root(parent: &mut [usize], mut at: usize) -> usize {
        while parent[at] != at {
            parent[at] = parent[parent[at]];
            at = parent[at];
        }
        at
    }
    for edge in triangulation.undirected_edges() {
        if edge.length_2() <= joined_m * joined_m {
            let [a, b] = edge.vertices().map(|vertex| root(&mut parent, vertex.fix().index()));
            parent[a.max(b)] = a.min(b);
        }
    }
    let mut sizes = vec![0_usize; parent.len()];
    for vertex in 0..parent.len() {
        sizes[root(&mut parent, vertex)] += 1;
    }
    sizes.iter().copied().max().unwrap_or(0) as f64 / parent.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn grid(x0: f64, y0: f64, columns: u32, rows: u32) -> impl Iterator<Item = [f64; 2]> + Clone {
        (0..columns * rows).map(move |i| [x0 + f64::from(i % columns) * 0.1, y0 + f64::from(i / columns) * 0.1])
    }

    /// Positive counter-clockwise.
    fn signed_area(polygon: &[[f64; 2]]) -> f64 {
        let after = polygon.iter().cycle().skip(1);
        polygon.iter().zip(after).map(|([ax, ay], [bx, by])| (ax * by - bx * ay) / 2.0).sum()
    }

    fn of(points: impl IntoIterator<Item = [f64; 2]>) -> Option<FloorArea> {
        FloorArea::of(points, &FloorRules::default())
    }

    #[test]
    fn nothing_without_a_triangle() {
        assert_eq!(of([]), None);
        assert_eq!(of([[1.0, 2.0], [3.0, 4.0]]), None);
        assert!(FloorArea::outlines([[1.0, 2.0], [3.0, 4.0]], &FloorRules::default()).is_empty());
        assert_eq!(of((0..50).map(|i| [f64::from(i), f64::from(i) * 2.0])), None, "on a line");
        assert_eq!(of([[0.0, 0.0], [f64::NAN, 1.0], [0.0, f64::INFINITY], [1.0, 0.0], [1e300, 1.0]]), None);
        let far_apart = of([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]]).unwrap();
        assert_eq!((far_apart.area_m2, far_apart.hull_m2), (0.0, 40.5), "no triangle is small enough");
    }

    #[test]
    fn two_rooms_are_added_up_and_a_courtyard_that_is_open_is_not_filled() {
        let rooms = grid(0.0, 0.0, 41, 31).chain(grid(9.0, 0.0, 21, 31));
        let measured = of(rooms).unwrap();
        assert!((measured.area_m2 - (12.0 + 6.0)).abs() < 1e-9);
        assert!((measured.largest_part - 41.0 / 62.0).abs() < 1e-9);
        let u = grid(0.0, 0.0, 41, 31).filter(|[x, y]| !(*x > 1.05 && *x < 2.95 && *y > 1.05));
        let measured = of(u).unwrap();
        assert!((measured.area_m2 - (12.0 - 2.0 * 2.0)).abs() < 0.05, "{measured:?}");
        assert_eq!(measured.area_m2, measured.unfilled_m2);
    }

    #[test]
    fn an_island_in_a_hole_counts_once() {
        let ring = grid(0.0, 0.0, 61, 61).filter(|[x, y]| !(*x > 1.05 && *x < 4.95 && *y > 1.05 && *y < 4.95));
        let measured = of(ring.chain(grid(2.5, 2.5, 11, 11))).unwrap();
        assert!((measured.area_m2 - 36.0).abs() < 1e-9);
        assert!(measured.unfilled_m2 < 22.5);
    }

    #[test]
    fn the_first_point_of_a_cell_counts() {
        assert_eq!(
            first_of_cells([[0.01, 0.01], [0.04, 0.0], [-0.01, 0.0], [0.06, 0.0]], 0.05),
            [[0.01, 0.01], [-0.01, 0.0], [0.06, 0.0]]
        );
    }

    proptest! {
        /// A shape that is filled holds the unfilled one and lies in the hull; turning a room does not change its size, and with a large enough
        /// radius the shape is the hull.
        #[test]
        fn areas_are_ordered_and_do_not_turn(
            points in prop::collection::vec([0.0..3.0_f64, 0.0..3.0], 3..200), yaw in -3.2..3.2,
        ) {
            let every = FloorRules { grid_m: 0.0, ..FloorRules::default() };
            let (sin, cos) = f64::sin_cos(yaw);
            let turned = points.iter().map(|[x, y]| [cos * x - sin * y, sin * x + cos * y]);
            let (a, b) = (FloorArea::of(points.clone(), &every).unwrap(), FloorArea::of(turned, &every).unwrap());
            prop_assert!(a.unfilled_m2 <= a.area_m2 + 1e-9 && a.area_m2 <= a.hull_m2 + 1e-9);
            prop_assert!((a.area_m2 - b.area_m2).abs() < 1e-6);
            let outlines = FloorArea::outlines(points.clone(), &every);
            let outlined: f64 = outlines.iter().map(|outline| signed_area(outline)).sum();
            prop_assert!((a.area_m2 - outlined).abs() < 1e-9, "{} {}", a.area_m2, outlined);
            let all = FloorArea::of(points, &FloorRules { alpha_per_m: 0.0, ..every }).unwrap();
            prop_assert!((all.area_m2 - all.hull_m2).abs() < 1e-9);
        }
    }
}
