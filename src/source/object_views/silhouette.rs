//! Which pixels of an image without ground show its object.

use spatialmill_geometry::{Intrinsics, Rigid, Vector3};

use super::cameras::View;
use crate::source::photo;
use crate::source::root::Root;

/// Which pixels of a view show the object.
pub struct Silhouette {
    pub camera_from_world: Rigid,
    camera: Intrinsics,
    width: u32,
    height: u32,
    alpha: Vec<u8>,
    /// The image's border cuts the object off.
    pub is_cut_off: bool,
}

impl Silhouette {
    /// Of a view whose image has an alpha channel.
    pub fn of(root: &Root, view: &View, focal_length: f64) -> Option<Self> {
        if !view.image.to_ascii_lowercase().ends_with(".png") {
            return None;
        }
        let image = photo::decode_png(&photo::bytes(root, &view.image).ok()?).ok()?;
        if !image.color().has_alpha() {
            return None;
        }
        let image = image.into_luma_alpha8();
        let (width, height) = image.dimensions();
        let alpha: Vec<u8> = image.pixels().map(|pixel| pixel.0[1]).collect();
        // A picture without ground has no silhouette, nor has one without an object.
        let shown = alpha.iter().filter(|alpha| **alpha > 127).count();
        if shown == 0 || shown == alpha.len() {
            return None;
        }
        let (camera, of) = view.camera.recorded(width, height, focal_length);
        let camera = match of {
            Some((w, h)) => camera.resized(f64::from(width) / w, f64::from(height) / h),
            None => camera,
        };
        let on_border = |at: usize| {
            let (x, y) = (at % width as usize, at / width as usize);
            x == 0 || y == 0 || x + 1 == width as usize || y + 1 == height as usize
        };
        let is_cut_off = alpha.iter().enumerate().any(|(at, alpha)| *alpha > 127 && on_border(at));
        Some(Self { camera_from_world: view.world_from_camera.inverse(), camera, width, height, alpha, is_cut_off })
    }

    /// False where the view shows ground at a point.
    pub fn may_show(&self, point: &Vector3<f64>) -> bool {
        let Some((u, v)) = self.camera.project(&self.camera_from_world.apply(point)) else { return self.is_cut_off };
        let (u, v) = (u.round(), v.round());
        if !(0.0 <= u && u < f64::from(self.width) && 0.0 <= v && v < f64::from(self.height)) {
            return self.is_cut_off;
        }
        self.alpha[v as usize * self.width as usize + u as usize] > 127
    }

    /// The outline in a square of `SIDE` pixels, as large as fits and in its middle, so that neither its place nor its size in the image counts.
    pub fn outline(&self) -> Vec<bool> {
        let (width, side) = (self.width as usize, Self::SIDE);
        let shown =
            || self.alpha.iter().enumerate().filter(|(_, alpha)| **alpha > 127).map(|(at, _)| [at % width, at / width]);
        let low = shown().fold([usize::MAX; 2], |low, at| [low[0].min(at[0]), low[1].min(at[1])]);
        let high = shown().fold([0; 2], |high, at| [high[0].max(at[0]), high[1].max(at[1])]);
        let step = (high[0] + 1 - low[0]).max(high[1] + 1 - low[1]) as f64 / side as f64;
        let pixel = |along: usize, axis: usize| {
            let middle = (low[axis] + high[axis] + 1) as f64 / 2.0;
            let at = middle + (along as f64 + 0.5 - side as f64 / 2.0) * step;
            (low[axis] as f64 <= at && at < high[axis] as f64 + 1.0).then_some(at as usize)
        };
        let is_shown =
            |x: usize, y: usize| pixel(x, 0).zip(pixel(y, 1)).is_some_and(|(u, v)| self.alpha[v * width + u] > 127);
        (0..side * side).map(|at| is_shown(at % side, at / side)).collect()
    }

    /// Of [`outline`](Self::outline), pixels.
    pub const SIDE: usize = 64;
}
