//! A mesh and a camera in, a [`View`] out. One core, no threads: who has more cores renders one view on each.
//!
//! ```text
//! mesh ─► scene: corners in camera axes, triangles by the band of rows that they touch
//!            │
//!            └─ band by band ─► samples: which triangle each sample sees ─► surface: its colour, once a pixel ─► view
//! ```
//!
//! Colours are seen by several samples a pixel: what a surface covers of a pixel counts by its samples, and its colour is
//! that of the middle of those, averaged over a whole pixel of its texture. Triangles that share corners, and so have neither an
//! edge nor a seam between them, are one surface. Outline and depth are those of pixel centres.
//!
//! Only additions, multiplications, divisions, square roots and comparisons decide a pixel, so the same mesh and camera give
//! the same bytes on every machine.

mod samples;
mod scene;
mod surface;
#[cfg(test)]
mod tests;

use std::ops::Range;

use spatialmill_geometry::{Intrinsics, IntrinsicsError};
use thiserror::Error;

use crate::{Camera, Mesh, View, srgb};
use samples::{NOBODY, Samples};
use scene::Scene;
use surface::Painter;

/// What is nearer to the optical centre than this, along the optical axis, is cut away, in the mesh's unit.
pub const NEAR: f64 = 0.05;

/// Larger sides are refused, pixels.
pub const MAX_SIDE: u32 = 8192;

/// How a view is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    pub smoothing: Smoothing,
    pub light: Light,
}

/// How many samples a pixel has for its colours, in a square.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Smoothing {
    /// One, in the middle: jagged edges.
    None,
    #[default]
    TwoByTwo,
    ThreeByThree,
    FourByFour,
}

/// What shines on the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Light {
    /// From behind the camera's left shoulder, and some from everywhere, so that nothing is black: the light that a surface gets is
    /// `0.45 + 0.55 · max(0, n · l)`. `n` is its normal on the side that is seen and `l` = (-1, -2, -2) / 3 in camera axes. There are no
    /// shadows and no gloss.
    #[default]
    Shoulder,
    /// The same everywhere: pictures show the colours of the material alone, and do not change when object and camera turn together.
    Albedo,
}

/// Why a view cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum RenderError {
    #[error("{width} x {height} pixels: sides must be 1 to {MAX_SIDE}")]
    Size { width: u32, height: u32 },
    #[error(transparent)]
    Intrinsics(#[from] IntrinsicsError),
    #[error("the camera's pose has numbers that are not finite")]
    Pose,
}

/// What the camera sees of the mesh. It takes about 50 bytes a triangle, 40 a vertex and 10 a pixel.
///
/// ```
/// use spatialmill_render::{Material, Mesh, Part, Style, Turntable, render};
/// // A square of side 1 that stands across the x axis.
/// let part = Part {
///     positions: vec![[0.0, -0.5, -0.5], [0.0, 0.5, -0.5], [0.0, 0.5, 0.5], [0.0, -0.5, 0.5]],
///     triangles: vec![[0, 1, 2], [0, 2, 3]],
///     ..Part::default()
/// };
/// let mesh = Mesh::new(vec![part], vec![Material::default()], vec![])?;
/// // 1.75 away, with a focal length of 70 pixels: 40 pixels wide and high.
/// let turntable = Turntable { side: 64, elevation: 0, distance: 1.75, ..Turntable::default() };
/// let view = render(&mesh, &turntable.camera(0), Style::default())?;
/// assert_eq!(view.mask().iter().filter(|seen| **seen).count(), 40 * 40);
/// assert!((view.depth()[32 * 64 + 32] - 1.75).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn render(mesh: &Mesh, camera: &Camera, style: Style) -> Result<View, RenderError> {
    let Camera { intrinsics, camera_from_world, width, height } = *camera;
    if !(1..=MAX_SIDE).contains(&width) || !(1..=MAX_SIDE).contains(&height) {
        return Err(RenderError::Size { width, height });
    }
    intrinsics.checked()?;
    if camera_from_world.to_row_major().iter().any(|number| !number.is_finite()) {
        return Err(RenderError::Pose);
    }
    let scene = Scene::new(mesh, &camera_from_world);
    let painter = Painter::new(mesh, camera, style.light);
    let pixels = width as usize * height as usize;
    let mut view = View {
        width,
        height,
        rgba: vec![0; 4 * pixels],
        mask: vec![false; pixels],
        depth: vec![f32::INFINITY; pixels],
    };
    let mut picture = Picture { scene: &scene, painter, intrinsics, view: &mut view };
    match style.smoothing {
        Smoothing::None => picture.fill(1, &[Picture::outline, Picture::colours::<1>]),
        smoothing => {
            picture.fill(1, &[Picture::outline]);
            match smoothing {
                Smoothing::None | Smoothing::TwoByTwo => picture.fill(2, &[Picture::colours::<2>]),
                Smoothing::ThreeByThree => picture.fill(3, &[Picture::colours::<3>]),
                Smoothing::FourByFour => picture.fill(4, &[Picture::colours::<4>]),
            }
        }
    }
    Ok(view)
}

/// So many samples are held at a time, about: what fits into a core's own cache.
const SAMPLES: u32 = 1 << 16;

struct Picture<'a> {
    scene: &'a Scene<'a>,
    painter: Painter<'a>,
    intrinsics: Intrinsics,
    view: &'a mut View,
}

impl Picture<'_> {
    /// Looks with `fine · fine` samples a pixel, and lets each step take from a band of rows what it needs.
    fn fill(&mut self, fine: u32, steps: &[fn(&mut Self, u32, Range<u32>, &Samples)]) {
        let (width, height) = (self.view.width, self.view.height);
        let rows = (SAMPLES / (width * fine * fine)).clamp(1, height);
        let bands = self.scene.bands(&self.intrinsics, width, height, fine, rows);
        let mut samples = Samples::new(&self.intrinsics, [width, height], fine, rows);
        for (band, triangles) in bands.iter().enumerate() {
            if triangles.is_empty() {
                continue;
            }
            // The number of bands is at most that of rows.
            let first = band as u32 * rows;
            samples.start(first, rows.min(height - first));
            for extent in triangles {
                samples.draw(self.scene, &self.painter, extent);
            }
            // Where nothing is drawn, nothing is looked for.
            let left = triangles.iter().map(|extent| extent.columns[0]).min().unwrap_or(0) / fine;
            let right = triangles.iter().map(|extent| extent.columns[1]).max().unwrap_or(0) / fine;
            for step in steps {
                step(self, first, left..right + 1, &samples);
            }
        }
    }

    /// Outline and depth, of a single sample a pixel.
    fn outline(&mut self, first: u32, columns: Range<u32>, samples: &Samples) {
        let (width, columns) = (self.view.width as usize, columns.start as usize..columns.end as usize);
        for row in 0..samples.rows() as usize {
            let own = &samples.triangles()[row * width..][columns.clone()];
            let inverses = &samples.inverse_depths()[row * width..][columns.clone()];
            let start = (first as usize + row) * width;
            let masks = &mut self.view.mask[start..][columns.clone()];
            let depths = &mut self.view.depth[start..][columns.clone()];
            for (((mask, depth), triangle), inverse) in masks.iter_mut().zip(depths).zip(own).zip(inverses) {
                if *triangle != NOBODY {
                    (*mask, *depth) = (true, (1.0 / f64::from(*inverse)) as f32);
                }
            }
        }
    }

    fn colours<const FINE: usize>(&mut self, first: u32, columns: Range<u32>, samples: &Samples) {
        let width = self.view.width;
        let all = (FINE * FINE) as u32;
        let scene = self.scene;
        for row in 0..samples.rows() {
            for x in columns.clone() {
                let mut light = [0.0_f32; 3];
                let mut covered = 0;
                samples.each_seen::<FINE>(
                    x,
                    row,
                    |one, other| scene.is_smooth(one, other),
                    |seen| {
                        let colour = self.painter.colour(scene, seen.triangle, seen.ray);
                        let weight = seen.samples as f32;
                        light.iter_mut().zip(colour).for_each(|(light, colour)| *light += colour * weight);
                        covered += seen.samples;
                    },
                );
                if covered > 0 {
                    let pixel = 4 * ((first + row) as usize * width as usize + x as usize);
                    let rgba = &mut self.view.rgba[pixel..pixel + 4];
                    let share = 1.0 / covered as f32;
                    let [r, g, b] = light.map(|light| srgb::code(light * share));
                    // At most 255, as no pixel is covered more than whole.
                    rgba.copy_from_slice(&[r, g, b, ((covered * 255 + all / 2) / all) as u8]);
                }
            }
        }
    }
}
