//! Projecting a scene into a frame: which objects a picture shows, where, how much of each, and where they are in
//! view space.
//!
//! ```text
//! surfaces ─► z-buffer ─► masks ─► visible pixels ┐
//!    one object's, alone, no border ─► its pixels ┴► visibility = visible / alone
//! boxes ─► rays against the depth (rendered, or measured) or against the other boxes ─► the same
//! ```
//!
//! An object with surfaces is judged pixel by pixel. An object that is only a box is judged by the depth under its
//! projection: within the box it is seen, before the box it is hidden, behind the box nothing is known, since a box
//! is never full. Without any depth a box is hidden only where another one *ends* before it begins: boxes of a chair
//! and its table overlap, and that says nothing about who hides whom.
//!
//! Objects behind the camera or outside the picture are left out; those partly behind or outside have a visibility
//! below 1 for it. Nothing here is a threshold: that a tenth is too little to ask about is for a query to say.

mod alone;
mod boxes;
mod sightings;
mod visible_surface;

pub use sightings::{Evidence, InstanceImage, Measured, Sighting};
pub use visible_surface::{Cell, SurfacePoint, overlap, shared, visible_cells};

use crate::raster::{NEAR_M, NOBODY, Raster};
use crate::{
    Bounds, DepthImage, Intrinsics, IntrinsicsError, Mask, MaskError, OrientedBox, PixelBox, Rigid, ViewSpace,
};
use nalgebra::Vector3;
use thiserror::Error;

/// Triangles of a scene: world, metres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Surface<'a> {
    /// Index of the object that it belongs to; `None` for walls and whatever else only hides.
    pub object: Option<usize>,
    /// x, y, z of each vertex in turn.
    pub vertices: &'a [f32],
    /// Three indices into this surface's vertices for each triangle.
    pub triangles: &'a [i32],
}

/// Objects and surfaces that go together, checked once and projected into many frames.
#[derive(Debug, Clone)]
pub struct Scene<'a> {
    objects: &'a [OrientedBox],
    surfaces: Vec<Surface<'a>>,
}

/// Why surfaces are no scene. `surface` counts from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SceneError {
    #[error("surface {surface} has {numbers} vertex coordinates or triangle indices, which three does not divide")]
    NotTriples { surface: usize, numbers: usize },
    #[error("surface {surface} has a triangle with vertex {index}, but its vertices end before that")]
    NoSuchVertex { surface: usize, index: i32 },
    #[error("surface {surface} belongs to object {object}, but the scene has fewer objects")]
    NoSuchObject { surface: usize, object: usize },
}

/// Where a picture was taken from, and its size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shot {
    pub world_from_camera: Rigid,
    pub intrinsics: Intrinsics,
    pub width: u32,
    pub height: u32,
}

impl Shot {
    /// The same view on a grid of at most so many pixels along its longer side, and how many pixels of this one go into one of the grid's along
    /// both sides.
    fn coarser(&self, longer_side: f64) -> (Self, [f64; 2]) {
        let scale = (longer_side / f64::from(self.width.max(self.height))).min(1.0);
        let coarser = |side: u32| (f64::from(side) * scale).ceil() as u32;
        let (width, height) = (coarser(self.width), coarser(self.height));
        let scale_x = f64::from(width) / f64::from(self.width);
        let scale_y = f64::from(height) / f64::from(self.height);
        let coarser = Self { intrinsics: self.intrinsics.resized(scale_x, scale_y), width, height, ..*self };
        (coarser, [1.0 / scale_x, 1.0 / scale_y])
    }
}

/// Why a picture cannot be projected into.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ShotError {
    #[error(transparent)]
    Camera(#[from] IntrinsicsError),
    #[error(transparent)]
    Size(#[from] MaskError),
}

/// An object in a picture and in that picture's view space (metres).
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// Index into the scene's objects.
    pub object: usize,
    /// Its visible pixels; at least one.
    pub mask: Mask,
    /// The mask's box.
    pub bounds_in_picture: PixelBox,
    /// 0-1: visible pixels over the pixels that it would cover alone in a picture without borders, times the share of
    /// its points in front of the camera.
    pub visibility: f64,
    /// Centre of its oriented box.
    pub centre: Vector3<f64>,
    /// Of its vertices, or of its oriented box when it has none, along the view axes.
    pub bounds: Bounds,
    /// Smallest y of what lies in front of the camera.
    pub nearest: f64,
    pub obb: OrientedBox,
}

/// A reading this much nearer than the scan says that something the scan does not have stands before it: sensors of
/// this kind err by about 1 % of the distance, and scans are put together to a few centimetres.
fn tolerance_m(depth_m: f64) -> f64 {
    0.05 + 0.02 * depth_m
}

impl<'a> Scene<'a> {
    pub fn new(objects: &'a [OrientedBox], surfaces: Vec<Surface<'a>>) -> Result<Self, SceneError> {
        for (surface, Surface { object, vertices, triangles }) in surfaces.iter().enumerate() {
            if let Some(numbers) = [vertices.len(), triangles.len()].into_iter().find(|numbers| numbers % 3 != 0) {
                return Err(SceneError::NotTriples { surface, numbers });
            }
            let known = |index: &i32| usize::try_from(*index).is_ok_and(|index| index < vertices.len() / 3);
            if let Some(index) = triangles.iter().find(|index| !known(index)) {
                return Err(SceneError::NoSuchVertex { surface, index: *index });
            }
            if let Some(object) = object.filter(|object| *object >= objects.len()) {
                return Err(SceneError::NoSuchObject { surface, object });
            }
        }
        Ok(Self { objects, surfaces })
    }

    /// The objects that a picture shows at least one pixel of, in order. `measured` is the sensor's depth image of the
    /// same view, if there is one: it finds what stands before the scan, and stands in for surfaces that are missing.
    ///
    /// ```
    /// use spatialmill_geometry::{Intrinsics, OrientedBox, Rigid, Vector3};
    /// use spatialmill_geometry::project::{Scene, Shot};
    /// // The camera stands at the origin of a z-up world and looks along +y; the cube starts 4 m ahead.
    /// let pose = Rigid::from_row_major(&[1., 0., 0., 0.,  0., 0., 1., 0.,  0., -1., 0., 0.,  0., 0., 0., 1.])?;
    /// let intrinsics = Intrinsics { fx: 80.0, fy: 80.0, cx: 49.5, cy: 49.5 };
    /// let shot = Shot { world_from_camera: pose, intrinsics, width: 100, height: 100 };
    /// let cube = OrientedBox::upright(Vector3::new(0.0, 4.5, 0.0), 0.0, Vector3::new(1.0, 1.0, 1.0));
    /// let shown = Scene::new(&[cube], vec![])?.project(&shot, None)?;
    /// assert_eq!(shown[0].nearest, 4.0);
    /// // A side of 1 m at 4 m is 80 / 4 = 20 pixels: from 40 to 60.
    /// assert_eq!((shown[0].bounds_in_picture.x0, shown[0].bounds_in_picture.x1), (40.0, 60.0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn project(&self, shot: &Shot, measured: Option<&DepthImage>) -> Result<Vec<Shown>, ShotError> {
        shot.intrinsics.checked()?;
        Mask::empty(shot.height, shot.width)?;
        let rendered = self.render(shot);
        let visible = self.visible(shot, rendered.as_ref(), measured);
        let boxes = boxes::Boxes { shot, objects: self.objects, rendered: rendered.as_ref(), measured, tolerance_m };
        let mut box_masks = boxes.visible(&self.boxes_only());

        let view = ViewSpace::from_pose(&shot.world_from_camera);
        let view_from_world = view.from_world(&shot.world_from_camera);
        let mut shown = Vec::new();
        for (object, (spans, obb)) in visible.into_iter().zip(self.objects).enumerate() {
            let surfaces = || self.surfaces.iter().filter(move |surface| surface.object == Some(object));
            let (mask, visibility) = match box_masks.remove(&object) {
                Some(by_box) => by_box,
                None => {
                    let mask = Mask::from_spans(shot.height, shot.width, spans)?;
                    let visibility = alone::visibility(shot, surfaces(), mask.area());
                    (mask, visibility)
                }
            };
            let Some(bounds_in_picture) = mask.bounds() else { continue };
            let obb = obb.transform(&view_from_world);
            let cloud: Vec<Vector3<f64>> = surfaces().flat_map(|s| s.points(&view_from_world)).collect();
            let (bounds, front) = match Bounds::of(&cloud) {
                Some(bounds) => (bounds, cloud.into_iter().filter(|p| view.view_to_camera(p).z > NEAR_M).collect()),
                None => (obb.bounds(), boxes::in_front(&obb, |p| view.view_to_camera(p).z)),
            };
            let nearest = front.iter().map(|p| p.y).fold(f64::INFINITY, f64::min);
            // It shows a pixel, so that something of it is in front; a triangle may still have all its corners behind
            // the near plane's few millimetres.
            let nearest = if nearest.is_finite() { nearest } else { bounds.low.y };
            shown.push(Shown { object, mask, bounds_in_picture, visibility, centre: obb.centre, bounds, nearest, obb });
        }
        Ok(shown)
    }

    /// The scene as the camera sees it; ids are those of objects, and [`HIDER`]. `None` without triangles.
    pub fn render(&self, shot: &Shot) -> Option<Raster> {
        if self.surfaces.iter().all(|surface| surface.triangles.is_empty()) {
            return None;
        }
        let mut raster = Raster::new(shot.width, shot.height);
        for surface in &self.surfaces {
            let id = surface.object.map_or(HIDER, |object| object as u32);
            surface.draw(&mut raster, &shot.world_from_camera.inverse(), &shot.intrinsics, id);
        }
        Some(raster)
    }

    /// Objects without a single triangle.
    fn boxes_only(&self) -> Vec<usize> {
        let mut drawn = vec![false; self.objects.len()];
        for surface in self.surfaces.iter().filter(|surface| !surface.triangles.is_empty()) {
            surface.object.into_iter().for_each(|object| drawn[object] = true);
        }
        (0..drawn.len()).filter(|&object| !drawn[object]).collect()
    }

    /// Spans of each object's visible pixels, column by column.
    fn visible(&self, shot: &Shot, rendered: Option<&Raster>, measured: Option<&DepthImage>) -> Vec<Vec<(u64, u64)>> {
        let mut spans: Vec<Vec<(u64, u64)>> = vec![Vec::new(); self.objects.len()];
        let Some(rendered) = rendered else { return spans };
        let mut at = 0;
        for x in 0..shot.width {
            for y in 0..shot.height {
                let pixel = y as usize * shot.width as usize + x as usize;
                // Ids that are no object's, HIDER and NOBODY, are beyond the list.
                if let Some(spans) = spans.get_mut(rendered.ids()[pixel] as usize) {
                    let depth_m = f64::from(rendered.depths()[pixel]);
                    if !hidden_from_sensor(shot, measured, (x, y), depth_m) {
                        match spans.last_mut() {
                            Some((_, end)) if *end == at => *end += 1,
                            _ => spans.push((at, at + 1)),
                        }
                    }
                }
                at += 1;
            }
        }
        spans
    }
}

/// How much a picture shows of each of `boxes` (camera axes, metres), 0-1, as far as the other boxes and the picture's border hide it.
///
/// A box is hidden along the rays on which another one ends before it begins, so that neither a box that contains others (a room, a
/// cabinet) nor one that overlaps it hides what is inside it. Boxes that do not overlap are told apart without error.
///
/// ```
/// use spatialmill_geometry::project::visibility_of_boxes;
/// use spatialmill_geometry::{Intrinsics, OrientedBox, Vector3};
/// let camera = Intrinsics { fx: 100.0, fy: 100.0, cx: 99.5, cy: 49.5 };
/// // A car 10 m ahead and, at 20 m, another one behind its right half; both stand in a garage that is 40 m long.
/// let car = |x, z| OrientedBox::upright(Vector3::new(x, 0.0, z), 0.0, Vector3::new(2.0, 2.0, 0.001));
/// let garage = OrientedBox::upright(Vector3::new(0.0, 0.0, 20.0), 0.0, Vector3::new(30.0, 9.0, 40.0));
/// let shown = visibility_of_boxes(&[car(0.0, 10.0), car(2.0, 20.0), garage], &camera, 200, 100)?;
/// assert_eq!(shown[0], 1.0);
/// assert!((shown[1] - 0.5).abs() < 0.06);
/// # Ok::<(), spatialmill_geometry::ShotError>(())
/// ```
pub fn visibility_of_boxes(
    boxes: &[OrientedBox],
    intrinsics: &Intrinsics,
    width: u32,
    height: u32,
) -> Result<Vec<f64>, ShotError> {
    intrinsics.checked()?;
    Mask::empty(height, width)?;
    let full = Shot { world_from_camera: Rigid::identity(), intrinsics: *intrinsics, width, height };
    // Shares of large pictures are as good on a coarser grid.
    let (shot, _) = full.coarser(ENOUGH_PIXELS);
    let seen = boxes::Boxes { shot: &shot, objects: boxes, rendered: None, measured: None, tolerance_m };
    let mut shares = vec![0.0; boxes.len()];
    for seen in seen.seen(&(0..boxes.len()).collect::<Vec<_>>()) {
        shares[seen.object] = seen.visibility();
    }
    Ok(shares)
}

/// Pixels along the longer side of the grid on which boxes are held against each other.
const ENOUGH_PIXELS: f64 = 1024.0;

/// Who is seen where the scene shows something that is no object.
pub const HIDER: u32 = NOBODY - 1;

impl Surface<'_> {
    /// Its finite vertices, moved.
    fn points(&self, motion: &Rigid) -> impl Iterator<Item = Vector3<f64>> {
        let vertices = self.vertices.chunks_exact(3).filter(|vertex| vertex.iter().all(|at| at.is_finite()));
        vertices.map(|vertex| motion.apply(&Vector3::new(vertex[0].into(), vertex[1].into(), vertex[2].into())))
    }

    fn draw(&self, raster: &mut Raster, camera_from_world: &Rigid, intrinsics: &Intrinsics, id: u32) {
        let at = |vertex: &[f32]| Vector3::new(vertex[0].into(), vertex[1].into(), vertex[2].into());
        let corners: Vec<Vector3<f64>> =
            self.vertices.chunks_exact(3).map(|vertex| camera_from_world.apply(&at(vertex))).collect();
        if corners.iter().all(|corner| corner.z <= NEAR_M) {
            return;
        }
        for triangle in self.triangles.chunks_exact(3) {
            // In range: `Scene::new` has checked the indices.
            raster.draw(intrinsics, &[0, 1, 2].map(|k| corners[triangle[k] as usize]), id);
        }
    }
}

/// Whether the sensor saw something clearly nearer at this pixel.
fn hidden_from_sensor(shot: &Shot, measured: Option<&DepthImage>, (x, y): (u32, u32), depth_m: f64) -> bool {
    let reading = measured.and_then(|measured| {
        let (x, y) = measured.under(x, y, shot.width, shot.height);
        measured.reading(x, y)
    });
    reading.is_some_and(|reading| reading < depth_m - tolerance_m(depth_m))
}

#[cfg(test)]
mod tests;
