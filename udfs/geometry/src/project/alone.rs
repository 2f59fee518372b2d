//! The pixels that an object would cover without occlusion and without the image border: the denominator of visibility.

use super::{Shot, Surface};
use crate::Raster;
use crate::raster::NEAR_M;
use nalgebra::Vector3;

/// How far the picture goes on, in pictures on each side. A point at the end of it is seen at more than 80 degrees to
/// the optical axis by an ordinary lens; what lies beyond has hardly any chance to be of interest, and an object that
/// passes the camera covers an infinite part of an endless picture.
pub(super) const PICTURES_AROUND: f64 = 4.0;

/// Objects that cover more pixels than this alone are counted on a coarser grid.
const MAX_PIXELS: f64 = 1_000_000.0;

/// `visible` pixels over those that the surfaces cover alone, times the share of their vertices that are in front of
/// the camera, 0-1.
pub(super) fn visibility<'a>(
    shot: &Shot,
    surfaces: impl Iterator<Item = &'a Surface<'a>> + Clone,
    visible: u64,
) -> f64 {
    if visible == 0 {
        return 0.0;
    }
    match Alone::of(shot, surfaces, MAX_PIXELS) {
        Some(alone) => (visible as f64 / alone.pixels).min(1.0) * alone.in_front as f64 / alone.vertices as f64,
        None => 0.0,
    }
}

/// An object without all others and without the border.
pub(super) struct Alone {
    /// Pixels that it covers, at least one; not a whole number where they were counted on a coarser grid.
    pub pixels: f64,
    /// How many vertices it has, and how many of them are in front of the camera.
    pub vertices: u64,
    pub in_front: u64,
}

impl Alone {
    /// Counted on a grid of at most `max_pixels`. `None` where it covers none.
    pub(super) fn of<'a>(
        shot: &Shot,
        surfaces: impl Iterator<Item = &'a Surface<'a>> + Clone,
        max_pixels: f64,
    ) -> Option<Self> {
        let camera_from_world = shot.world_from_camera.inverse();
        let (mut vertices, mut in_front) = (0_u64, 0_u64);
        let mut reach = Reach::empty();
        for point in surfaces.clone().flat_map(|surface| surface.points(&camera_from_world)) {
            vertices += 1;
            if point.z > NEAR_M {
                in_front += 1;
                reach.include(shot, &point);
            }
        }
        let around = Reach::around(shot);
        // What crosses the camera's plane may be anywhere in the picture.
        let (x0, y0, x1, y1) = (if in_front < vertices { around } else { reach.within(&around) }).pixels()?;
        // On the picture's own grid where that is affordable, so that an object in full sight has exactly 1.
        let scale = (max_pixels / ((x1 - x0) * (y1 - y0))).sqrt().min(1.0);
        let (width, height) = (((x1 - x0) * scale).ceil(), ((y1 - y0) * scale).ceil());
        let (scale_x, scale_y) = (width / (x1 - x0), height / (y1 - y0));
        let camera = shot.intrinsics.cropped(x0, y0).resized(scale_x, scale_y);
        // At most a million and a bit pixels: fits.
        let mut raster = Raster::new(width as u32, height as u32);
        for surface in surfaces {
            surface.draw(&mut raster, &camera_from_world, &camera, 0);
        }
        let pixels = raster.covered() as f64 / (scale_x * scale_y);
        (pixels > 0.0).then_some(Self { pixels, vertices, in_front })
    }
}

/// A part of the picture's plane, in pixel coordinates of the camera.
#[derive(Clone, Copy)]
struct Reach {
    low: [f64; 2],
    high: [f64; 2],
}

impl Reach {
    fn empty() -> Self {
        Self { low: [f64::INFINITY; 2], high: [f64::NEG_INFINITY; 2] }
    }

    fn around(shot: &Shot) -> Self {
        let size = [f64::from(shot.width), f64::from(shot.height)];
        Self { low: size.map(|size| -PICTURES_AROUND * size), high: size.map(|size| (PICTURES_AROUND + 1.0) * size) }
    }

    fn include(&mut self, shot: &Shot, point: &Vector3<f64>) {
        if let Some((u, v)) = shot.intrinsics.project(point) {
            for (k, at) in [u, v].into_iter().enumerate() {
                self.low[k] = self.low[k].min(at);
                self.high[k] = self.high[k].max(at);
            }
        }
    }

    fn within(&self, other: &Self) -> Self {
        let pick = |k: usize| (self.low[k].max(other.low[k]), self.high[k].min(other.high[k]));
        let sides = [pick(0), pick(1)];
        Self { low: sides.map(|(low, _)| low), high: sides.map(|(_, high)| high) }
    }

    /// First pixel and one past the last, whole numbers; `None` when it is empty.
    fn pixels(&self) -> Option<(f64, f64, f64, f64)> {
        let [x0, y0] = self.low.map(f64::floor);
        let [x1, y1] = self.high.map(|high| high.ceil() + 1.0);
        (x0 < x1 && y0 < y1).then_some((x0, y0, x1, y1))
    }
}
