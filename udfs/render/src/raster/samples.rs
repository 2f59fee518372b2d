//! Which triangle is seen where: a band of a picture's rows, several samples a pixel.
//!
//! A sample is a ray through the optical centre with the direction (x, y, 1). For each side of a triangle a plane goes through that
//! side and the optical centre; the sample is inside where it is on the inner side of all three, and as the planes need no
//! division by depth, triangles that reach behind the camera need not be cut. Of two triangles that share a side, both compute
//! the same plane with opposite signs, and a sample on it belongs to the one that has it on its left or top.

use std::ops::Range;

use spatialmill_geometry::{Intrinsics, Vector3};

use super::NEAR;
use super::scene::{Extent, Scene};
use super::surface::Painter;

/// Nobody, as a triangle.
pub const NOBODY: u32 = u32::MAX;

pub struct Samples {
    /// Samples a pixel, in each direction.
    fine: u32,
    /// Samples in a row.
    width: usize,
    first_row: u32,
    /// Pixel rows.
    rows: u32,
    /// Of rays through each column of samples.
    rays_x: Vec<f64>,
    columns: Columns,
    camera: Intrinsics,
    /// Of rays through each row of samples in the band.
    rays_y: Vec<f64>,
    /// 0 where nothing is, which is infinitely far away.
    inverse_depths: Vec<f32>,
    triangles: Vec<u32>,
}

/// A surface as one pixel sees it.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// The first of its triangles.
    pub triangle: u32,
    /// How many of the pixel's samples see it.
    pub samples: u32,
    /// The direction (x, y, 1) in the middle of those.
    pub ray: [f64; 2],
}

impl Samples {
    /// For bands of at most so many pixel rows.
    pub fn new(camera: &Intrinsics, [width, height]: [u32; 2], fine: u32, rows: u32) -> Self {
        let rays_x: Vec<f64> = (0..width * fine).map(|sample| (place(sample, fine) - camera.cx) / camera.fx).collect();
        let reach = |size: u32, centre: f64, focal: f64| (f64::from(size) + centre.abs() + 1.0) / focal;
        let columns = Columns {
            zero: (camera.cx + 0.5) * f64::from(fine) - 0.5,
            per_one: camera.fx * f64::from(fine),
            longest: 1.0 + reach(width, camera.cx, camera.fx) + reach(height, camera.cy, camera.fy),
        };
        let width = (width * fine) as usize;
        let samples = width * (rows * fine) as usize;
        Self {
            fine,
            width,
            first_row: 0,
            rows,
            rays_x,
            columns,
            camera: *camera,
            rays_y: Vec::new(),
            inverse_depths: vec![0.0; samples],
            triangles: vec![NOBODY; samples],
        }
    }

    /// Forgets all, and goes to other rows.
    pub fn start(&mut self, first_row: u32, rows: u32) {
        (self.first_row, self.rows) = (first_row, rows);
        let rows = first_row * self.fine..(first_row + rows) * self.fine;
        self.rays_y.clear();
        self.rays_y.extend(rows.map(|sample| (place(sample, self.fine) - self.camera.cy) / self.camera.fy));
        self.inverse_depths.fill(0.0);
        self.triangles.fill(NOBODY);
    }

    pub fn rows(&self) -> u32 {
        self.rows
    }

    pub fn inverse_depths(&self) -> &[f32] {
        &self.inverse_depths[..self.rays_y.len() * self.width]
    }

    pub fn triangles(&self) -> &[u32] {
        &self.triangles[..self.rays_y.len() * self.width]
    }

    /// Draws what of a triangle lies in the band. Nearer wins, then who was drawn first.
    pub fn draw(&mut self, scene: &Scene, painter: &Painter, extent: &Extent) {
        let Some(sides) = Sides::of(&scene.corners(extent.triangle)) else { return };
        let top = self.first_row * self.fine;
        let rows = extent.rows[0].max(top) - top..=(extent.rows[1] - top).min(self.rays_y.len() as u32 - 1);
        let guesses = [0, 1, 2].map(|side| Guess::new(&sides.planes[side], &self.columns));
        let tests_each = sides.is_cut || painter.has_holes(scene, extent.triangle);
        for row in rows {
            let y = self.rays_y[row as usize];
            let run = sides.run(&self.rays_x, extent.columns, y, &guesses);
            let start = row as usize * self.width;
            let rays = &self.rays_x[run.clone()];
            let depths = &mut self.inverse_depths[start..][run.clone()];
            let triangles = &mut self.triangles[start..][run];
            let inverse_at_0 = sides.inverse_depth.y * y + sides.inverse_depth.z;
            let inverse = |x: f64| {
                // Not `clamp`, which cares for numbers that are none; there are none here, and several are computed at once.
                let own = (sides.inverse_depth.x * x + inverse_at_0) as f32;
                let own = if own < sides.farthest { sides.farthest } else { own };
                if own > sides.nearest { sides.nearest } else { own }
            };
            if tests_each {
                for ((x, depth), triangle) in rays.iter().zip(depths).zip(triangles) {
                    let is_before = sides.is_cut && sides.inverse_depth.x * x + inverse_at_0 > 1.0 / NEAR;
                    let own = inverse(*x);
                    if own > *depth && !is_before && !painter.is_hole(scene, extent.triangle, [*x, y]) {
                        (*depth, *triangle) = (own, extent.triangle);
                    }
                }
            } else {
                for ((x, depth), triangle) in rays.iter().zip(depths).zip(triangles) {
                    let own = inverse(*x);
                    // Written in either case, so that several are written at once.
                    let is_nearer = own > *depth;
                    *depth = if is_nearer { own } else { *depth };
                    *triangle = if is_nearer { extent.triangle } else { *triangle };
                }
            }
        }
    }

    /// Calls `visit` with each surface that a pixel of the band sees by its `FINE · FINE` samples. What `is_one` says of two triangles is
    /// that they are parts of the same.
    #[inline]
    pub fn each_seen<const FINE: usize>(
        &self,
        x: u32,
        row: u32,
        is_one: impl Fn(u32, u32) -> bool,
        mut visit: impl FnMut(Seen),
    ) {
        let (left, top) = (x as usize * FINE, row as usize * FINE);
        let mut triangles = [[NOBODY; FINE]; FINE];
        for (down, triangles) in triangles.iter_mut().enumerate() {
            triangles.copy_from_slice(&self.triangles[(top + down) * self.width + left..][..FINE]);
        }
        let first = triangles[0][0];
        let (rays_x, rays_y) = (&self.rays_x[left..][..FINE], &self.rays_y[top..][..FINE]);
        if triangles.iter().flatten().all(|triangle| *triangle == first) {
            if first != NOBODY {
                let ray = [(rays_x[0] + rays_x[FINE - 1]) * 0.5, (rays_y[0] + rays_y[FINE - 1]) * 0.5];
                visit(Seen { triangle: first, samples: (FINE * FINE) as u32, ray });
            }
            return;
        }
        for next in 0..FINE * FINE {
            let one = triangles[next / FINE][next % FINE];
            if one == NOBODY {
                continue;
            }
            let mut seen = Seen { triangle: one, samples: 0, ray: [0.0; 2] };
            for (triangles, y) in triangles.iter_mut().zip(rays_y) {
                for (triangle, x) in triangles.iter_mut().zip(rays_x) {
                    if *triangle == one || *triangle != NOBODY && is_one(*triangle, one) {
                        // Each sample belongs to one surface.
                        *triangle = NOBODY;
                        seen.samples += 1;
                        seen.ray = [seen.ray[0] + x, seen.ray[1] + y];
                    }
                }
            }
            let share = 1.0 / f64::from(seen.samples);
            seen.ray = [seen.ray[0] * share, seen.ray[1] * share];
            visit(seen);
        }
    }
}

/// Where the middle of a sample is in the picture, pixels.
fn place(sample: u32, fine: u32) -> f64 {
    (f64::from(sample) + 0.5) / f64::from(fine) - 0.5
}

/// A triangle as the optical centre sees it.
struct Sides {
    /// Normals of the planes through a side and the centre, to the inside.
    planes: [Vector3<f64>; 3],
    /// The products with these normals that count as inside, at least.
    least: [f64; 3],
    /// 1 / depth is this times the ray.
    inverse_depth: Vector3<f64>,
    /// 1 / depth of the corners: beyond these it is not, whatever rounding says of a triangle that is seen from its edge.
    nearest: f32,
    farthest: f32,
    /// Whether it reaches before the near plane.
    is_cut: bool,
}

impl Sides {
    /// `None` of a triangle that the centre lies in the plane of, or that has no area.
    fn of(corners: &[Vector3<f64>; 3]) -> Option<Self> {
        let planes = planes(corners);
        let scale = 1.0 / corners[0].dot(&planes[0]);
        let inverse_depth = (planes[0] + planes[1] + planes[2]) * scale;
        if !(scale.is_finite() && inverse_depth.iter().all(|number| number.is_finite())) {
            return None;
        }
        let planes = if scale < 0.0 { [-planes[0], -planes[1], -planes[2]] } else { planes };
        let owns = |plane: &Vector3<f64>| plane.x > 0.0 || plane.x == 0.0 && plane.y > 0.0;
        // The least number that is not 0.
        let least = [0, 1, 2].map(|side| if owns(&planes[side]) { 0.0 } else { f64::from_bits(1) });
        let is_cut = corners.iter().any(|corner| corner.z <= NEAR);
        let (low, high) =
            corners.iter().fold((f64::INFINITY, NEAR), |(low, high), corner| (low.min(corner.z), high.max(corner.z)));
        let [nearest, farthest] = [low.max(NEAR), high].map(|depth| (1.0 / depth) as f32);
        Some(Self { planes, least, inverse_depth, nearest, farthest, is_cut })
    }

    /// The samples of a row that are inside: as each plane's product only rises or only falls along a row, also as it is rounded, they are
    /// next to each other.
    fn run(&self, rays: &[f64], columns: [u32; 2], y: f64, guesses: &[Guess; 3]) -> Range<usize> {
        let [a, b, c] = &self.planes;
        let rest = [a.y * y + a.z, b.y * y + b.z, c.y * y + c.z];
        let is_inside = |column: usize| {
            let x = rays[column];
            (a.x * x + rest[0] >= self.least[0])
                & (b.x * x + rest[1] >= self.least[1])
                & (c.x * x + rest[2] >= self.least[2])
        };
        let (mut low, mut high) = (f64::from(columns[0]), f64::from(columns[1]));
        for (guess, rest) in guesses.iter().zip(rest) {
            let crossing = rest * guess.slope + guess.at_0;
            let (from, to) = (crossing - guess.before, crossing + guess.behind);
            // Comparisons leave the ends where they are for a NaN.
            (low, high) = (if from > low { from } else { low }, if to < high { to } else { high });
        }
        if low > high {
            return 0..0;
        }
        // Both are within `columns`.
        let mut first = low as usize + usize::from((low as u32 as f64) < low);
        let mut end = high as usize + 1;
        while first < end && !is_inside(first) {
            first += 1;
        }
        while first < end && !is_inside(end - 1) {
            end -= 1;
        }
        first..end
    }
}

/// Where columns of samples are.
#[derive(Debug, Clone, Copy)]
struct Columns {
    /// The column whose ray has x = 0; it need not be a whole one.
    zero: f64,
    /// Columns per 1 in x.
    per_one: f64,
    /// No ray has a larger coordinate.
    longest: f64,
}

/// Where a side crosses a row, so that not every sample there must be tried: what a side's plane leaves over at x = 0 times `slope`, plus `at_0`,
/// is a column. Rounding makes it wrong by less than `before` and `behind`, one of which is infinite, as a side ends a row on one end.
struct Guess {
    slope: f64,
    at_0: f64,
    before: f64,
    behind: f64,
}

impl Guess {
    fn new(plane: &Vector3<f64>, columns: &Columns) -> Self {
        let slope = -columns.per_one / plane.x;
        let large = plane.x.abs() + plane.y.abs() + plane.z.abs();
        let off = 1e-6 + 1e-14 * (large * slope.abs() * columns.longest + columns.zero.abs());
        // Of a row that it never crosses, too, and of what is no number.
        if !off.is_finite() {
            return Self { slope: 0.0, at_0: 0.0, before: f64::INFINITY, behind: f64::INFINITY };
        }
        let (before, behind) = if plane.x > 0.0 { (off, f64::INFINITY) } else { (f64::INFINITY, off) };
        Self { slope, at_0: columns.zero, before, behind }
    }
}

/// The product of a ray with these three are the parts that the corners have in what it meets, up to a common factor.
pub fn planes([a, b, c]: &[Vector3<f64>; 3]) -> [Vector3<f64>; 3] {
    [b.cross(c), c.cross(a), a.cross(b)]
}
