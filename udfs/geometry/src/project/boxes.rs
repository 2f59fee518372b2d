//! Visibility of objects that are known as oriented boxes only, by casting rays.

use super::Shot;
use super::alone::PICTURES_AROUND;
use crate::polygon::{area, clipped, convex_hull};
use crate::raster::NEAR_M;
use crate::{DepthImage, Mask, OrientedBox, Raster};
use nalgebra::Vector3;
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// Boxes in the world and what is known of the depth before them.
pub(super) struct Boxes<'a> {
    pub shot: &'a Shot,
    pub objects: &'a [OrientedBox],
    pub rendered: Option<&'a Raster>,
    pub measured: Option<&'a DepthImage>,
    /// By how much the depth of a box's surface may be off, metres, at a depth.
    pub tolerance_m: fn(f64) -> f64,
}

/// What a picture shows of one box.
pub(super) struct SeenBox {
    pub object: usize,
    /// Of its visible pixels, column by column.
    pub spans: Vec<(u64, u64)>,
    /// The visible part of what it covers inside the picture, 0-1.
    pub share: f64,
    /// The part of its outline that is inside the picture, 0-1.
    pub inside: f64,
    /// The part of its corners that is in front of the camera, 0-1.
    pub in_front: f64,
    /// The least depth of its visible pixels, metres; infinite without any.
    pub nearest: f64,
    /// Whether the depth under it says what hides it; else the other boxes do.
    pub by_depth: bool,
}

impl SeenBox {
    /// Visible pixels over those that it would cover alone in a picture without borders, 0-1.
    pub(super) fn visibility(&self) -> f64 {
        self.share * self.inside * self.in_front
    }
}

/// When fewer of a box's pixels than this have depth, the other boxes say more about what hides it.
const ENOUGH_DEPTH: f64 = 0.1;

/// A box in camera axes and where it is in the picture.
struct Placed {
    object: usize,
    in_camera: OrientedBox,
    /// First and last pixel of its projection's bounds.
    columns: (u32, u32),
    rows: (u32, u32),
    /// The part of its projection that is inside the picture, and the part of its corners before the camera.
    inside: f64,
    in_front: f64,
}

impl Boxes<'_> {
    /// The visible pixels and the visibility of each of `only`; boxes outside the picture have no pixels.
    pub(super) fn visible(&self, only: &[usize]) -> BTreeMap<usize, (Mask, f64)> {
        let (height, width) = (self.shot.height, self.shot.width);
        let seen = self.seen(only).into_iter().filter_map(|seen| {
            let visibility = seen.visibility();
            Some((seen.object, (Mask::from_spans(height, width, seen.spans).ok()?, visibility)))
        });
        let nothing = only.iter().filter_map(|object| Some((*object, (Mask::empty(height, width).ok()?, 0.0))));
        nothing.chain(seen).collect()
    }

    /// Those of `only` that are inside the picture.
    pub(super) fn seen(&self, only: &[usize]) -> Vec<SeenBox> {
        let all: Vec<Placed> = only.iter().filter_map(|object| self.place(*object)).collect();
        // As dear as all the rest, and only wanted where there is no depth.
        let first_ends = OnceCell::new();
        let seen = all.iter().map(|placed| {
            self.by_depth(placed)
                .unwrap_or_else(|| self.by_boxes(placed, first_ends.get_or_init(|| self.first_ends(&all))))
        });
        seen.collect()
    }

    fn place(&self, object: usize) -> Option<Placed> {
        let in_camera = self.objects[object].transform(&self.shot.world_from_camera.inverse());
        let front = in_front(&in_camera, |p| p.z);
        let projected = front.iter().filter_map(|p| self.shot.intrinsics.project(p)).map(|(u, v)| [u, v]).collect();
        let (width, height) = (f64::from(self.shot.width), f64::from(self.shot.height));
        let hull = convex_hull(projected);
        let (around_x, around_y) = (PICTURES_AROUND * width, PICTURES_AROUND * height);
        let whole = within(&hull, [-around_x, -around_y], [width + around_x, height + around_y]);
        // The picture's corners are half a pixel from the outermost centres.
        let inside = within(&hull, [-0.5, -0.5], [width - 0.5, height - 0.5]);
        let range = |k: usize, size: u32| {
            let low = inside.iter().map(|p| p[k]).fold(f64::INFINITY, f64::min).ceil().max(0.0);
            let high = inside.iter().map(|p| p[k]).fold(f64::NEG_INFINITY, f64::max).floor().min(f64::from(size) - 1.0);
            (low <= high).then_some((low as u32, high as u32))
        };
        let before = in_camera.corners().iter().filter(|corner| corner.z > NEAR_M).count();
        Some(Placed {
            object,
            in_camera,
            columns: range(0, self.shot.width)?,
            rows: range(1, self.shot.height)?,
            inside: if area(&whole) > 0.0 { (area(&inside) / area(&whole)).min(1.0) } else { 0.0 },
            in_front: before.max(1) as f64 / 8.0,
        })
    }

    /// Calls `visit` for each pixel whose ray meets the box, with the depths at which it enters and leaves.
    fn each_pixel(&self, placed: &Placed, mut visit: impl FnMut(u32, u32, f64, f64)) {
        for x in placed.columns.0..=placed.columns.1 {
            for y in placed.rows.0..=placed.rows.1 {
                // Its z is 1, so that the ray's parameter is the depth.
                let ray = self.shot.intrinsics.back_project(x.into(), y.into(), 1.0);
                if let Some((enters, leaves)) = placed.in_camera.span_along(&Vector3::zeros(), &ray)
                    && leaves > NEAR_M
                {
                    visit(x, y, enters.max(NEAR_M), leaves);
                }
            }
        }
    }

    fn depth_m(&self, x: u32, y: u32) -> Option<f64> {
        if let Some(rendered) = self.rendered {
            let depth = rendered.depths()[y as usize * rendered.width() as usize + x as usize];
            return depth.is_finite().then(|| depth.into());
        }
        let measured = self.measured?;
        let (x, y) = measured.under(x, y, self.shot.width, self.shot.height);
        measured.reading(x, y)
    }

    /// By the pixels whose depth lies in the box, and their share of those that show it or what hides it; `None` without enough depth.
    fn by_depth(&self, placed: &Placed) -> Option<SeenBox> {
        let (mut pixels, mut readings, mut hidden) = (0_u64, 0_u64, 0_u64);
        let mut spans = Vec::new();
        let mut nearest = f64::INFINITY;
        self.each_pixel(placed, |x, y, enters, leaves| {
            pixels += 1;
            if let Some(depth_m) = self.depth_m(x, y) {
                readings += 1;
                let tolerance_m = (self.tolerance_m)(depth_m);
                if depth_m < enters - tolerance_m {
                    hidden += 1;
                } else if depth_m <= leaves + tolerance_m {
                    spans.push(self.span(x, y));
                    nearest = nearest.min(depth_m);
                }
            }
        });
        let enough = readings > 0 && readings as f64 >= ENOUGH_DEPTH * pixels as f64;
        let share = spans.len() as f64 / (spans.len() as u64 + hidden).max(1) as f64;
        enough.then(|| placed.seen(spans, share, nearest, true))
    }

    /// The same, hidden by the other boxes.
    fn by_boxes(&self, placed: &Placed, first_ends: &[f32]) -> SeenBox {
        let mut pixels = 0_u64;
        let mut spans = Vec::new();
        let mut nearest = f64::INFINITY;
        self.each_pixel(placed, |x, y, enters, _| {
            pixels += 1;
            if f64::from(first_ends[self.index(x, y)]) >= enters {
                spans.push(self.span(x, y));
                nearest = nearest.min(enters);
            }
        });
        let share = spans.len() as f64 / pixels.max(1) as f64;
        placed.seen(spans, share, nearest, false)
    }

    /// For each pixel the least depth at which a box ends. A box never hides itself: it ends after it begins.
    fn first_ends(&self, placed: &[Placed]) -> Vec<f32> {
        let mut ends = vec![f32::INFINITY; self.shot.width as usize * self.shot.height as usize];
        for placed in placed {
            self.each_pixel(placed, |x, y, _, leaves| {
                let end = &mut ends[self.index(x, y)];
                // Rounded up, so that a box without depth does not end before it begins.
                *end = end.min((leaves as f32).next_up());
            });
        }
        ends
    }

    fn index(&self, x: u32, y: u32) -> usize {
        y as usize * self.shot.width as usize + x as usize
    }

    fn span(&self, x: u32, y: u32) -> (u64, u64) {
        let at = u64::from(x) * u64::from(self.shot.height) + u64::from(y);
        (at, at + 1)
    }
}

impl Placed {
    fn seen(&self, spans: Vec<(u64, u64)>, share: f64, nearest: f64, by_depth: bool) -> SeenBox {
        let Self { object, inside, in_front, .. } = *self;
        SeenBox { object, spans, share, inside, in_front, nearest, by_depth }
    }
}

/// The corners of the part of a box that lies in front of the camera: its own, and where its edges meet the near
/// plane. `depth` is a point's z in camera axes.
pub(super) fn in_front(shape: &OrientedBox, depth: impl Fn(&Vector3<f64>) -> f64) -> Vec<Vector3<f64>> {
    let corners = shape.corners();
    let mut front: Vec<Vector3<f64>> = corners.iter().filter(|corner| depth(corner) > NEAR_M).copied().collect();
    for (i, j) in (0..8).flat_map(|i| [1, 2, 4].map(|bit| (i, i | bit))).filter(|(i, j)| i != j) {
        let (a, b) = (depth(&corners[i]), depth(&corners[j]));
        if (a > NEAR_M) != (b > NEAR_M) {
            // A hair in front of the plane, so that it can be projected.
            let share = (a - NEAR_M * 1.001) / (a - b);
            front.push(corners[i] + (corners[j] - corners[i]) * share);
        }
    }
    front
}

/// The part of a convex polygon inside a rectangle.
fn within(polygon: &[[f64; 2]], low: [f64; 2], high: [f64; 2]) -> Vec<[f64; 2]> {
    let sides = [(0, low[0], 1.0), (1, low[1], 1.0), (0, high[0], -1.0), (1, high[1], -1.0)];
    clipped(polygon, sides.map(|(axis, limit, sign)| move |p: &[f64; 2]| sign * (p[axis] - limit)))
}
