//! Visible surface: which part of a scene a frame shows, as a set, so that frames can be held against each other: how much of it do two show both?
//!
//! ```text
//! triangles ─► vertices, and points on large triangles ─► those that the z-buffer has nothing before ─► SurfacePoint, ids ascending
//! depth     ─► one point a reading, on a grid of 320 ──► cells of 5 cm of the world ──────────────────► sorted cells
//! ```
//!
//! Points stand for area: a scan has a vertex every few centimetres, and a made room, whose wall is two triangles, gets points in between. Both sets are
//! sorted, so that two are held against each other in one pass ([`overlap`]).

use super::{Scene, Shot, ShotError};
use crate::raster::NEAR_M;
use crate::{DepthImage, Mask};
use nalgebra::Vector3;

/// A point of a scene's surface that a frame shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SurfacePoint {
    /// The same in all frames of the scene.
    pub id: u32,
    /// Index into the scene's objects.
    pub object: Option<u32>,
    /// World, metres.
    pub at: [f32; 3],
    /// Where the frame shows it; the centre of the top-left pixel is (0, 0).
    pub pixel: [f32; 2],
    /// Whether nothing is a few millimetres before it, and the frame shows as near a surface around it, too: it is not at the edge of what hides something.
    pub is_inner: bool,
}

/// A cell of a grid over the world.
pub type Cell = [i32; 3];

/// Between points on a triangle, and the sides of cells, metres.
const SPACING_M: f64 = 0.05;

/// A triangle with a longer side gets points of its own: those of scans are smaller.
const COARSE_M: f64 = 0.2;

/// So many points on one triangle at most; a larger one has them further apart.
const MOST_POINTS: f64 = 40_000.0;

/// Readings along the longer side of a depth image that are looked at.
const READINGS: u32 = 320;

/// So many pixels around an inner point show a surface as near.
const INNER: i64 = 3;

/// Whether a surface at `depth_m` is what the frame shows at a pixel whose nearest surface is at `nearest_m`.
fn is_nearest(depth_m: f64, nearest_m: f64) -> bool {
    (depth_m - nearest_m).abs() <= (0.02 * depth_m).max(0.02)
}

impl Scene<'_> {
    /// The points of the scene's surface that a frame shows, in the order of their ids. None without triangles. A point at the rim of a surface shows
    /// where the centre of its pixel lies on the surface, too.
    ///
    /// ```
    /// use spatialmill_geometry::{Intrinsics, Rigid};
    /// use spatialmill_geometry::project::{Scene, Shot, Surface};
    /// // The camera looks along +y, at a triangle 2 m ahead and at one behind it; the second is hidden.
    /// let pose = Rigid::from_row_major(&[1., 0., 0., 0.,  0., 0., 1., 0.,  0., -1., 0., 0.,  0., 0., 0., 1.])?;
    /// let intrinsics = Intrinsics { fx: 100.0, fy: 100.0, cx: 50.0, cy: 50.0 };
    /// let shot = Shot { world_from_camera: pose, intrinsics, width: 100, height: 100 };
    /// // Its corners are just outside the centres of the pixels (46, 54), (54, 54) and (50, 46).
    /// let near = [-0.0802, 2.0, -0.0802, 0.0802, 2.0, -0.0802, 0.0, 2.0, 0.0802];
    /// let far = [-0.01, 4.0, -0.01, 0.01, 4.0, -0.01, 0.0, 4.0, 0.01];
    /// let surface = |vertices| Surface { object: None, vertices, triangles: &[0, 1, 2] };
    /// let seen = Scene::new(&[], vec![surface(&near), surface(&far)])?.visible_surface(&shot)?;
    /// assert_eq!(seen.iter().map(|point| point.id).collect::<Vec<_>>(), [0, 1, 2]);
    /// assert_eq!(seen[2].pixel.map(f32::round), [50.0, 46.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn visible_surface(&self, shot: &Shot) -> Result<Vec<SurfacePoint>, ShotError> {
        shot.intrinsics.checked()?;
        Mask::empty(shot.height, shot.width)?;
        let Some(rendered) = self.render(shot) else { return Ok(Vec::new()) };
        let camera_from_world = shot.world_from_camera.inverse();
        let mut seen = Vec::new();
        let mut id = 0_u32;
        for surface in &self.surfaces {
            let object = surface.object.map(|object| object as u32);
            let mut look = |at: Vector3<f64>| {
                let own = id;
                id = id.saturating_add(1);
                let point = camera_from_world.apply(&at);
                // A vertex that is not finite is no part of the surface: no comparison holds for it.
                if point.z > NEAR_M
                    && let Some((u, v)) = shot.intrinsics.project(&point)
                    && let Some(pixel) = pixel_at(u, v, shot)
                    && is_nearest(point.z, rendered.depths()[pixel].into())
                {
                    let at = [at.x, at.y, at.z].map(|along| along as f32);
                    let is_inner = is_inner(rendered.depths(), shot, pixel, point.z);
                    seen.push(SurfacePoint { id: own, object, at, pixel: [u as f32, v as f32], is_inner });
                }
            };
            let corner = |vertex: usize| {
                let at = &surface.vertices[3 * vertex..3 * vertex + 3];
                Vector3::new(at[0].into(), at[1].into(), at[2].into())
            };
            (0..surface.vertices.len() / 3).for_each(|vertex| look(corner(vertex)));
            for triangle in surface.triangles.chunks_exact(3) {
                // In range: `Scene::new` has checked the indices.
                each_inner_point([0, 1, 2].map(|k| corner(triangle[k] as usize)), &mut look);
            }
        }
        Ok(seen)
    }
}

/// The pixel whose centre is nearest, in the order of rows.
fn pixel_at(u: f64, v: f64, shot: &Shot) -> Option<usize> {
    let (x, y) = (u.round(), v.round());
    let inside = x >= 0.0 && y >= 0.0 && x < f64::from(shot.width) && y < f64::from(shot.height);
    inside.then(|| y as usize * shot.width as usize + x as usize)
}

/// Whether its own pixel shows just this depth, and the pixels around a surface that is as near, as far as a surface may slant.
fn is_inner(depths: &[f32], shot: &Shot, pixel: usize, depth_m: f64) -> bool {
    let (width, height) = (i64::from(shot.width), i64::from(shot.height));
    let (x, y) = (pixel as i64 % width, pixel as i64 / width);
    if (f64::from(depths[pixel]) - depth_m).abs() > (0.003 * depth_m).max(0.005) {
        return false;
    }
    let around = (-INNER..=INNER).flat_map(|dy| (-INNER..=INNER).map(move |dx| (x + dx, y + dy)));
    let mut around = around.filter(|(x, y)| (0..width).contains(x) && (0..height).contains(y));
    around.all(|(x, y)| (f64::from(depths[(y * width + x) as usize]) - depth_m).abs() <= (0.05 * depth_m).max(0.05))
}

/// Points within a triangle of which a side is long, evenly over its area: rows along its longest side.
fn each_inner_point(corners: [Vector3<f64>; 3], mut visit: impl FnMut(Vector3<f64>)) {
    let side = |k: usize| (corners[(k + 1) % 3] - corners[k]).norm();
    let longest = (0..3).fold(0, |longest, k| if side(k) > side(longest) { k } else { longest });
    let length = side(longest);
    // Also where a corner is not finite.
    if !(length > COARSE_M && length.is_finite()) {
        return;
    }
    let (from, to, apex) = (corners[longest], corners[(longest + 1) % 3], corners[(longest + 2) % 3]);
    let area = 0.5 * (to - from).cross(&(apex - from)).norm();
    let spacing = SPACING_M.max((area / MOST_POINTS).sqrt());
    let rows = (2.0 * area / length / spacing).ceil();
    for row in 0..rows as u32 {
        let up = (f64::from(row) + 0.5) / rows;
        let (first, last) = (from + (apex - from) * up, to + (apex - to) * up);
        let columns = (length * (1.0 - up) / spacing).ceil();
        for column in 0..columns as u32 {
            visit(first + (last - first) * ((f64::from(column) + 0.5) / columns));
        }
    }
}

/// The cells of 5 cm that hold a reading of a frame's depth image, sorted, each once.
///
/// ```
/// use spatialmill_geometry::{DepthImage, Intrinsics, Rigid};
/// use spatialmill_geometry::project::{Shot, visible_cells};
/// let intrinsics = Intrinsics { fx: 100.0, fy: 100.0, cx: 0.5, cy: 0.0 };
/// let shot = Shot { world_from_camera: Rigid::identity(), intrinsics, width: 2, height: 1 };
/// // 2 m and 1.02 m ahead; half a pixel to the left and to the right.
/// assert_eq!(visible_cells(&shot, &DepthImage::new(2, 1, vec![2.0, 1.02])?), [[-1, 0, 40], [0, 0, 20]]);
/// # Ok::<(), spatialmill_geometry::DepthShapeError>(())
/// ```
pub fn visible_cells(shot: &Shot, depth: &DepthImage) -> Vec<Cell> {
    let (width, height) = (f64::from(depth.width()), f64::from(depth.height()));
    let camera = shot.intrinsics.resized(width / f64::from(shot.width), height / f64::from(shot.height));
    let step = depth.width().max(depth.height()).div_ceil(READINGS).max(1) as usize;
    let mut cells = Vec::new();
    for y in (0..depth.height()).step_by(step) {
        for x in (0..depth.width()).step_by(step) {
            if let Some(metres) = depth.reading(x, y) {
                let at = shot.world_from_camera.apply(&camera.back_project(x.into(), y.into(), metres));
                // The cast saturates: nothing is a hundred thousand kilometres away.
                cells.push([at.x, at.y, at.z].map(|along| (along / SPACING_M).floor() as i32));
            }
        }
    }
    cells.sort_unstable();
    cells.dedup();
    cells
}

/// How much two sets share of what they have together (IoU), 0-1; none where both are empty. Both are sorted by `key`, without repetitions.
///
/// ```
/// assert_eq!(spatialmill_geometry::project::overlap(&[1, 2, 3], &[2, 3, 4], |n| *n), Some(0.5));
/// ```
pub fn overlap<T, K: Ord>(one: &[T], other: &[T], key: impl Fn(&T) -> K) -> Option<f64> {
    let shared = shared(one, other, key).count();
    let all = one.len() + other.len() - shared;
    (all > 0).then(|| shared as f64 / all as f64)
}

/// What two sets share, as both have it. Both are sorted by `key`, without repetitions.
pub fn shared<'a, T, K: Ord>(
    one: &'a [T],
    other: &'a [T],
    key: impl Fn(&T) -> K,
) -> impl Iterator<Item = (&'a T, &'a T)> {
    let (mut i, mut k) = (0, 0);
    std::iter::from_fn(move || {
        while let (Some(a), Some(b)) = (one.get(i), other.get(k)) {
            match key(a).cmp(&key(b)) {
                std::cmp::Ordering::Less => i += 1,
                std::cmp::Ordering::Greater => k += 1,
                std::cmp::Ordering::Equal => {
                    (i, k) = (i + 1, k + 1);
                    return Some((a, b));
                }
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::super::Surface;
    use super::super::tests::{cube, mesh, shot};
    use super::*;
    use proptest::prelude::*;

    /// A wall 3 m ahead, 10 m wide and high, of two triangles.
    const WALL: [f32; 12] = [-5., 3., -5., 5., 3., -5., 5., 3., 5., -5., 3., 5.];
    const HALVES: [i32; 6] = [0, 1, 2, 0, 2, 3];

    fn seen(shot: &Shot, with: &[(Vec<f32>, Vec<i32>)]) -> Vec<SurfacePoint> {
        let wall = Surface { object: None, vertices: &WALL, triangles: &HALVES };
        let others = with.iter().map(|(vertices, triangles)| Surface { object: None, vertices, triangles });
        Scene::new(&[], [wall].into_iter().chain(others).collect()).unwrap().visible_surface(shot).unwrap()
    }

    #[test]
    fn points_on_large_triangles_stand_for_their_area() {
        // 160 x 120 pixels of 100 at 1 m: at 3 m they show 4.8 m x 3.6 m.
        let alone = seen(&shot(), &[]);
        let expected = 4.8 * 3.6 / (SPACING_M * SPACING_M);
        assert!((alone.len() as f64 / expected - 1.0).abs() < 0.05, "{} and not {expected}", alone.len());
        // A plate at half the distance hides four times its area of the wall, and shows its own.
        let plate = mesh(&cube(0.0, 1.5, 0.0, [0.6, 0.0, 0.6]));
        let behind = seen(&shot(), &[plate]);
        let of_wall = behind.iter().filter(|point| point.at[1] == 3.0).count();
        let hidden = (alone.len() - of_wall) as f64 * SPACING_M * SPACING_M;
        assert!((hidden - 1.44).abs() < 0.15, "{hidden}");
    }

    #[test]
    fn what_two_frames_show_of_a_wall() {
        let first = shot();
        let mut second = shot();
        // 1.6 m to the right: a third of 4.8 m is new, so that half of all is shared.
        second.world_from_camera.translation.x = 1.6;
        let (one, other) = (seen(&first, &[]), seen(&second, &[]));
        let iou = overlap(&one, &other, |point| point.id).unwrap();
        assert!((iou - 0.5).abs() < 0.02, "{iou}");
        let wall =
            |shot: &Shot| visible_cells(shot, &DepthImage::new(shot.width, shot.height, vec![3.0; 160 * 120]).unwrap());
        let by_depth = overlap(&wall(&first), &wall(&second), |cell| *cell).unwrap();
        assert!((by_depth - 0.5).abs() < 0.02, "{by_depth}");
        for (a, b) in shared(&one, &other, |point| point.id) {
            // 1.6 m at 3 m are 53.3 pixels.
            assert!((a.pixel[0] - b.pixel[0] - 160.0 / 3.0).abs() < 1e-3 && a.at == b.at);
        }
    }

    #[test]
    fn points_at_the_edge_of_what_hides_are_told_apart() {
        let plate = mesh(&cube(0.0, 1.5, 0.0, [0.6, 0.0, 0.6]));
        for point in seen(&shot(), &[plate]) {
            // Half the plate is 0.3 m: 20 pixels from the middle; the wall's pixels beside it are none of its inner ones.
            let from_edge = (0..2).map(|k| (point.pixel[k] - [79.5, 59.5][k]).abs()).fold(0.0, f32::max) - 20.0;
            assert!(
                if from_edge.abs() < 2.0 { !point.is_inner } else { point.is_inner || from_edge.abs() < 5.0 },
                "{point:?}"
            );
        }
    }

    #[test]
    fn surfaces_that_are_not_finite_show_nothing() {
        let broken = (vec![f32::NAN, 1.0, 0.0, 0.0, 1.0, f32::INFINITY, 0.1, 1.0, 0.0], vec![0, 1, 2]);
        assert!(seen(&shot(), &[broken]).iter().all(|point| point.at.iter().all(|along| along.is_finite())));
    }

    proptest! {
        #[test]
        fn overlap_is_that_of_sets(one in prop::collection::btree_set(0..50, 0..40), other in prop::collection::btree_set(0..50, 0..40)) {
            let union = one.union(&other).count();
            let expected = (union > 0).then(|| one.intersection(&other).count() as f64 / union as f64);
            let (one, other): (Vec<i32>, Vec<i32>) = (one.into_iter().collect(), other.into_iter().collect());
            prop_assert_eq!(overlap(&one, &other, |n| *n), expected);
        }
    }
}
