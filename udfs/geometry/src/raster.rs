//! A z-buffer rasteriser: triangles in camera axes in, an image of depths and an image of object numbers out.
//!
//! ```text
//! triangle ─ cut at the near plane ─► 1 or 2 triangles ─ project ─► pixels whose centre they cover ─ nearest wins
//! ```
//!
//! A pixel belongs to exactly one of two triangles that share an edge (the top-left rule), also where both are cut at
//! the near plane; rounding leaves a doubt only about centres within 1e-12 pixels of a corner. Depth is perspective-correct: 1/z is linear in the picture. Both sides of a triangle are drawn.
//! Triangles that are not finite or have no area are left out. Ties go to who was drawn first.

use crate::Intrinsics;
use nalgebra::Vector3;

/// Nobody, in [`Raster::ids`].
pub const NOBODY: u32 = u32::MAX;

/// What is nearer to the optical centre than this, along z, is cut away, metres. Scans hold nothing there, and a
/// triangle through the centre itself would cover an unbounded part of the picture.
pub const NEAR_M: f64 = 0.01;

/// A picture under way. Rows from the top; both images have `width · height` entries.
#[derive(Debug, Clone, PartialEq)]
pub struct Raster {
    width: u32,
    height: u32,
    depths: Vec<f32>,
    ids: Vec<u32>,
}

/// A corner in the picture: pixels, and one over the depth.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Corner {
    pub(crate) u: f64,
    pub(crate) v: f64,
    inverse_depth: f64,
}

impl Raster {
    /// An empty picture. It takes 8 bytes a pixel; sizes come from frames, whose pixels are limited when they are read.
    pub fn new(width: u32, height: u32) -> Self {
        let pixels = width as usize * height as usize;
        Self { width, height, depths: vec![f32::INFINITY; pixels], ids: vec![NOBODY; pixels] }
    }

    pub fn width(&self) -> u32 {
        self.width
    }

    pub fn height(&self) -> u32 {
        self.height
    }

    /// Metres along z; infinite where nothing is.
    pub fn depths(&self) -> &[f32] {
        &self.depths
    }

    /// Who is seen; [`NOBODY`] where nothing is.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// How many pixels show something.
    pub fn covered(&self) -> u64 {
        self.ids.iter().filter(|id| **id != NOBODY).count() as u64
    }

    /// Draws a triangle, corners in camera axes, as `id`.
    ///
    /// ```
    /// use spatialmill_geometry::{Intrinsics, Vector3, raster::{NOBODY, Raster}};
    /// let camera = Intrinsics { fx: 2.0, fy: 2.0, cx: 0.0, cy: 0.0 };
    /// let mut picture = Raster::new(3, 2);
    /// // Corners at pixels (0, 0), (2, 0) and (0, 2): the centres on its slanting edge are not its own.
    /// let corners = [[0.0, 0.0, 1.0], [1.0, 0.0, 1.0], [0.0, 1.0, 1.0]].map(Vector3::from);
    /// picture.draw(&camera, &corners, 7);
    /// assert_eq!(picture.ids(), [7, 7, NOBODY, 7, NOBODY, NOBODY]);
    /// assert_eq!(picture.depths()[0], 1.0);
    /// ```
    pub fn draw(&mut self, camera: &Intrinsics, corners: &[Vector3<f64>; 3], id: u32) {
        in_picture(camera, corners, |corners| self.fill(corners, id));
    }

    fn fill(&mut self, corners: [Corner; 3], id: u32) {
        let Self { width, height, depths, ids } = self;
        each_run(*width, *height, corners, |first, run| {
            let pixels = first..first + run.len();
            for ((depth, own), new) in depths[pixels.clone()].iter_mut().zip(&mut ids[pixels]).zip(run) {
                if new < depth {
                    *depth = *new;
                    *own = id;
                }
            }
        });
    }
}

/// The triangles that a near plane leaves of one, in the picture: none, one or two.
pub(crate) fn in_picture(camera: &Intrinsics, corners: &[Vector3<f64>; 3], mut then: impl FnMut([Corner; 3])) {
    // A NaN is not at or before the near plane, hence the question this way round.
    if corners.iter().all(|corner| corner.z > NEAR_M) {
        return then(corners.map(|corner| Corner::of(camera, &corner)));
    }
    let mut cut: [Vector3<f64>; 4] = [Vector3::zeros(); 4];
    let mut count = 0;
    for (i, corner) in corners.iter().enumerate() {
        let next = &corners[(i + 1) % 3];
        if corner.z > NEAR_M {
            cut[count] = *corner;
            count += 1;
        }
        if (corner.z > NEAR_M) != (next.z > NEAR_M) {
            cut[count] = at_near_plane(corner, next);
            count += 1;
        }
    }
    for last in 2..count {
        then([cut[0], cut[last - 1], cut[last]].map(|corner| Corner::of(camera, &corner)));
    }
}

/// Calls `visit` with the pixels whose centres a triangle covers in a picture of this size: the index of the first one, row by row, and the depths
/// of so many in a row.
#[inline]
pub(crate) fn each_run(width: u32, height: u32, [a, mut b, mut c]: [Corner; 3], mut visit: impl FnMut(usize, &[f32])) {
    let Some((x0, x1)) = covered(a.u.min(b.u).min(c.u), a.u.max(b.u).max(c.u), width) else { return };
    let Some((y0, y1)) = covered(a.v.min(b.v).min(c.v), a.v.max(b.v).max(c.v), height) else { return };
    let mut area = edge(&a, &b, c.u, c.v);
    if area < 0.0 {
        std::mem::swap(&mut b, &mut c);
        area = -area;
    }
    // Also for a NaN, which no comparison holds for.
    if !(area > 0.0 && area.is_finite()) {
        return;
    }
    let (p, q, r) = (Edge::new(b, c, a, area), Edge::new(c, a, b, area), Edge::new(a, b, c, area));
    let slope = p.inverse_depth_slope() + q.inverse_depth_slope() + r.inverse_depth_slope();
    // Beyond so many pixels a quotient is off by too much to be a guess, and for a few pixels none is worth it.
    let is_guessed = x1 - x0 >= 8 && [&a, &b, &c].iter().all(|corner| corner.u.abs().max(corner.v.abs()) < 1e8);
    let mut depths = [0.0_f32; RUN];
    for y in y0..=y1 {
        let row = y as usize * width as usize;
        let [along_p, along_q, along_r] = [p.along_row(y.into()), q.along_row(y.into()), r.along_row(y.into())];
        let (mut first, mut last) = (x0, x1);
        if is_guessed {
            let reach = (f64::from(x0), f64::from(x1));
            let (from, to) = r.narrowed(along_r, q.narrowed(along_q, p.narrowed(along_p, reach)));
            // A pixel more on both sides, for rounding. In range, by the limits that they start from.
            (first, last) = ((from.ceil() - 1.0).max(reach.0) as u32, (to.floor() + 1.0).min(reach.1) as u32);
        }
        // Along a row each side's function rises or falls, also as rounded: what is inside of all three is one run of pixels.
        let inside = |x: u32| p.is_inside(along_p, x) && q.is_inside(along_q, x) && r.is_inside(along_r, x);
        while first <= last && !inside(first) {
            first += 1;
        }
        while first < last && !inside(last) {
            last -= 1;
        }
        if first > last {
            continue;
        }
        let x = f64::from(first);
        let mut inverse_depth = p.at(along_p, x) * p.inverse_depth
            + q.at(along_q, x) * q.inverse_depth
            + r.at(along_r, x) * r.inverse_depth;
        let mut rest = (last - first) as usize + 1;
        let mut pixel = row + first as usize;
        while rest > 0 {
            let count = rest.min(RUN);
            for (k, depth) in depths[..count].iter_mut().enumerate() {
                *depth = (1.0 / (inverse_depth + slope * k as f64)) as f32;
            }
            visit(pixel, &depths[..count]);
            (pixel, rest, inverse_depth) = (pixel + count, rest - count, inverse_depth + slope * count as f64);
        }
    }
}

/// So many depths are computed at once.
const RUN: usize = 64;

/// A triangle's side, seen from inside.
struct Edge {
    /// The side's ends in an order that does not depend on the triangle, so that both triangles at this side compute
    /// the same number, and its sign for this triangle.
    low: Corner,
    high: Corner,
    sign: f64,
    /// Whether pixel centres on the side are this triangle's: a side at the top or on the left.
    owns_its_line: bool,
    /// The opposite corner's share of 1/z per unit of [`Edge::at`].
    inverse_depth: f64,
}

impl Edge {
    fn new(from: Corner, to: Corner, opposite: Corner, area: f64) -> Self {
        let rises = (from.u, from.v) <= (to.u, to.v);
        let (low, high, sign) = if rises { (from, to, 1.0) } else { (to, from, -1.0) };
        let owns_its_line = to.v < from.v || to.v == from.v && to.u > from.u;
        Self { low, high, sign, owns_its_line, inverse_depth: opposite.inverse_depth / area }
    }

    /// The part of [`Edge::at`] that is the same in a whole row.
    fn along_row(&self, v: f64) -> f64 {
        (self.high.u - self.low.u) * (v - self.low.v)
    }

    /// How much [`Edge::at`] adds to 1/z from pixel to pixel of a row.
    fn inverse_depth_slope(&self) -> f64 {
        -self.sign * (self.high.v - self.low.v) * self.inverse_depth
    }

    /// What is left of a part of a row where this side ends it; a guess that rounding makes wrong by less than a pixel.
    fn narrowed(&self, along_row: f64, (from, to): (f64, f64)) -> (f64, f64) {
        let rise = self.high.v - self.low.v;
        if rise == 0.0 {
            return (from, to);
        }
        let crossing = self.low.u + along_row / rise;
        if self.sign * rise < 0.0 { (from.max(crossing), to) } else { (from, to.min(crossing)) }
    }

    /// Whether the pixel's centre is on the triangle's side of it.
    fn is_inside(&self, along_row: f64, x: u32) -> bool {
        let at = self.at(along_row, x.into());
        at > 0.0 || at == 0.0 && self.owns_its_line
    }

    /// Positive inside; [`edge`] by its two parts.
    fn at(&self, along_row: f64, u: f64) -> f64 {
        self.sign * (along_row - (self.high.v - self.low.v) * (u - self.low.u))
    }
}

/// Twice the signed area of the triangle from `from` over `to` to (u, v); positive when that goes clockwise in the
/// picture.
fn edge(from: &Corner, to: &Corner, u: f64, v: f64) -> f64 {
    (to.u - from.u) * (v - from.v) - (to.v - from.v) * (u - from.u)
}

impl Corner {
    /// Of a point before the near plane.
    pub(crate) fn of(camera: &Intrinsics, point: &Vector3<f64>) -> Self {
        let inverse_depth = 1.0 / point.z;
        Self {
            u: camera.fx * point.x * inverse_depth + camera.cx,
            v: camera.fy * point.y * inverse_depth + camera.cy,
            inverse_depth,
        }
    }
}

/// Where a side crosses the near plane; computed from its front end, so that both triangles at it get the same point.
fn at_near_plane(a: &Vector3<f64>, b: &Vector3<f64>) -> Vector3<f64> {
    let (front, back) = if a.z > NEAR_M { (a, b) } else { (b, a) };
    let share = (front.z - NEAR_M) / (front.z - back.z);
    let crossing = front + (back - front) * share;
    Vector3::new(crossing.x, crossing.y, NEAR_M)
}

/// The first and last pixel of `0..size` with its centre in `low..=high`.
fn covered(low: f64, high: f64, size: u32) -> Option<(u32, u32)> {
    let (first, last) = (low.ceil().max(0.0), high.floor().min(f64::from(size) - 1.0));
    // In range by the line above; a NaN fails the comparison.
    (first <= last).then_some((first as u32, last as u32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::point;
    use proptest::prelude::*;

    const CAMERA: Intrinsics = Intrinsics { fx: 20.0, fy: 22.0, cx: 15.3, cy: 11.7 };

    fn triangle() -> impl Strategy<Value = [Vector3<f64>; 3]> {
        (point(), point(), point()).prop_map(|(a, b, c)| [a, b, c].map(|p| Vector3::new(p.x, p.y, p.z + 5.0)))
    }

    /// Depth at which the ray through (u, v) hits the triangle (Möller and Trumbore 1997), and how far inside it is:
    /// the least barycentric coordinate.
    fn hit(triangle: &[Vector3<f64>; 3], u: f64, v: f64) -> Option<(f64, f64)> {
        let ray = CAMERA.back_project(u, v, 1.0);
        let (ab, ac) = (triangle[1] - triangle[0], triangle[2] - triangle[0]);
        let p = ray.cross(&ac);
        let determinant = ab.dot(&p);
        let from_a = -triangle[0];
        let b = from_a.dot(&p) / determinant;
        let q = from_a.cross(&ab);
        let c = ray.dot(&q) / determinant;
        let depth = ac.dot(&q) / determinant;
        (depth > NEAR_M).then_some((depth, b.min(c).min(1.0 - b - c)))
    }

    #[test]
    fn skips_what_cannot_be_drawn() {
        let mut picture = Raster::new(30, 20);
        let flat = Vector3::new(0.0, 0.0, 2.0);
        for corners in [
            [flat, flat, flat],
            [flat, flat * 2.0, flat * 3.0],
            [Vector3::repeat(f64::NAN), flat, Vector3::new(1.0, 0.0, 2.0)],
            [Vector3::new(f64::INFINITY, 0.0, 2.0), flat, Vector3::new(1.0, 1.0, 2.0)],
            [Vector3::new(0.0, 0.0, f64::INFINITY), flat, Vector3::new(1.0, 1.0, 2.0)],
            [Vector3::new(0.0, 0.0, f64::NEG_INFINITY), flat, Vector3::new(1.0, 1.0, 2.0)],
            [Vector3::new(0.0, 1.0, -2.0), Vector3::new(1.0, 0.0, -2.0), Vector3::new(1.0, 1.0, -2.0)],
            [Vector3::new(1e300, 0.0, 2.0), Vector3::new(0.0, 1e300, 2.0), Vector3::new(-1e300, -1e300, 2.0)],
        ] {
            picture.draw(&CAMERA, &corners, 1);
        }
        assert_eq!(picture.covered(), 0);
        assert_eq!(Raster::new(0, 0).covered(), 0);
    }

    #[test]
    fn the_nearer_wins_and_the_first_of_equals() {
        let wall = |z: f64| [[-90.0, -90.0, z], [90.0, -90.0, z], [0.0, 190.0, z]].map(Vector3::from);
        let mut picture = Raster::new(4, 4);
        for (z, id) in [(3.0, 1), (2.0, 2), (2.0, 3), (4.0, 4)] {
            picture.draw(&CAMERA, &wall(z), id);
        }
        assert!(picture.ids().iter().all(|id| *id == 2));
        assert!(picture.depths().iter().all(|depth| *depth == 2.0));
    }

    #[test]
    fn a_floor_through_the_camera_is_cut_and_not_lost() {
        // A floor 1 m below the camera that starts 10 m behind it.
        let mut picture = Raster::new(31, 24);
        let corners = [[-50.0, 1.0, -10.0], [50.0, 1.0, -10.0], [0.0, 1.0, 60.0]].map(Vector3::from);
        picture.draw(&CAMERA, &corners, 5);
        // Row 20 is 8.3 pixels below the principal point: the floor is 22 / 8.3 m away there.
        let depth = picture.depths()[20 * 31 + 15];
        assert!((f64::from(depth) - 22.0 / 8.3).abs() < 1e-6);
        assert!(picture.depths()[5 * 31 + 15].is_infinite(), "nothing above the horizon");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// Against casting a ray through each pixel. On an edge itself the two may differ by rounding.
        #[test]
        fn agrees_with_ray_casting(triangles in prop::collection::vec(triangle(), 1..6)) {
            let mut picture = Raster::new(31, 24);
            for (id, corners) in (0..).zip(&triangles) {
                picture.draw(&CAMERA, corners, id);
            }
            for (pixel, (&depth, &id)) in picture.depths().iter().zip(picture.ids()).enumerate() {
                let (u, v) = ((pixel % 31) as f64, (pixel / 31) as f64);
                let hits = |least: f64| {
                    let hits = triangles.iter().zip(0..).filter_map(move |(t, id)| Some((hit(t, u, v)?, id)));
                    hits.filter(move |((_, inside), _)| *inside > least).map(|((depth, _), id)| (depth, id))
                        .min_by(|a, b| a.0.total_cmp(&b.0))
                };
                let (strict, lenient): (Option<(f64, u32)>, _) = (hits(1e-6), hits(-1e-6));
                if strict == lenient {
                    prop_assert_eq!(strict.map_or(NOBODY, |(_, id)| id), id, "pixel {} {}", u, v);
                    let off = strict.map_or(0.0, |(expected, _)| (f64::from(depth) / expected - 1.0).abs());
                    prop_assert!(off < 1e-5, "depth {} off by {}", depth, off);
                }
            }
        }

        /// Fans of triangles around a pixel centre, with corners on other pixel centres and a camera that computes
        /// them without rounding: no pixel twice, none missed.
        #[test]
        fn neighbours_share_no_pixel_and_leave_none(
            (u, v) in (3..27_i32, 3..20_i32), spokes in prop::collection::vec(0..100_u32, 1..12), z in 0..3_i32,
        ) {
            let camera = Intrinsics { fx: 16.0, fy: 16.0, cx: 15.0, cy: 12.0 };
            let at = |u: f64, v: f64| camera.back_project(u, v, f64::from(1 << z));
            let mut spokes = spokes;
            spokes.extend([0, 25, 50, 75]);
            spokes.sort_unstable();
            spokes.dedup();
            let rim: Vec<_> = spokes.iter().map(|spoke| {
                let (sin, cos) = (f64::from(*spoke) * std::f64::consts::TAU / 100.0).sin_cos();
                at((15.0 + 90.0 * cos).round(), (12.0 + 90.0 * sin).round())
            }).collect();
            let mut times = 0;
            for i in 0..rim.len() {
                let mut picture = Raster::new(31, 24);
                picture.draw(&camera, &[at(u.into(), v.into()), rim[i], rim[(i + 1) % rim.len()]], 1);
                times += picture.covered();
            }
            prop_assert_eq!(times, 31 * 24);
        }

        /// The same for two triangles that the near plane cuts.
        #[test]
        fn cut_neighbours_share_no_pixel(a in point(), b in point(), c in point(), d in point()) {
            prop_assume!((b - a).cross(&(c - a)).dot(&(d - a)).abs() > 1e-3);
            // c and d on different sides of the plane through the camera and the edge a-b: seen from the camera, the
            // triangles lie on different sides of their common edge.
            let side = |p: &Vector3<f64>| a.cross(&b).dot(p);
            prop_assume!(side(&c) * side(&d) < 0.0);
            let mut pictures = [Raster::new(31, 24), Raster::new(31, 24)];
            pictures[0].draw(&CAMERA, &[a, b, c], 1);
            pictures[1].draw(&CAMERA, &[b, a, d], 1);
            let both = pictures[0].ids().iter().zip(pictures[1].ids()).filter(|(a, b)| **a != NOBODY && **b != NOBODY);
            prop_assert_eq!(both.count(), 0);
        }
    }
}
