//! Sightings: how many pixels of each object a frame shows, how many it would show with nothing before it, and how many without the border.
//!
//! ```text
//! evidence          visible                               in the image                        whole
//! mesh              z-buffer: nearest surface             each object's triangles alone       the same on a picture 9 times as wide and high
//! instance_image    pixels that bear its number           visible / share that is not hidden  by its box's outline inside and outside
//! depth             depth between front and back of box   visible / (visible + hidden)        by its box's outline
//! boxes             no other box ends before it begins    rays that hit its box               by its box's outline
//! ```
//!
//! The mesh is drawn once: while a triangle's pixels are held against the z-buffer, those that the object covers for the first time are counted, too.
//! The other three are counted on a grid of 400 pixels along the longer side, as shares of large pictures are as good there. VSI-Bench's "any pixel"
//! calls an object seen of which 46 pixels show; with these numbers a query says what a good sighting is.
//!
//! Memory: 12 bytes a pixel of the frame, 48 a vertex of one surface at a time, and half a megabyte for an object that leaves the image.

use super::alone::Alone;
use super::boxes::{Boxes, SeenBox};
use super::{HIDER, Scene, Shot, ShotError, Surface, hidden_from_sensor};
use crate::raster::{Corner, NEAR_M, NOBODY, each_run, in_picture};
use crate::{DepthImage, Mask, PixelBox};
use nalgebra::Vector3;

/// What says who hides whom, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// The object's own triangles and all others.
    Mesh,
    /// An image of instances.
    InstanceImage,
    /// The sensor's depth image, or that of others' triangles, under the object's box.
    Depth,
    /// The other objects' boxes alone.
    Boxes,
}

impl Evidence {
    /// For tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mesh => "mesh",
            Self::InstanceImage => "instance_image",
            Self::Depth => "depth",
            Self::Boxes => "boxes",
        }
    }
}

/// An image that says of each pixel which object it shows. It may have another size than the frame; it shows the same view.
#[derive(Debug, Clone, PartialEq)]
pub struct InstanceImage {
    pub width: u32,
    pub height: u32,
    /// Row by row; the index of a scene's object, or any other number.
    pub objects: Vec<u32>,
}

/// What the sensor or an annotator says of a frame.
#[derive(Debug, Clone, Copy, Default)]
pub struct Measured<'a> {
    pub depth: Option<&'a DepthImage>,
    pub instances: Option<&'a InstanceImage>,
}

/// One object in one frame, of which at least one pixel shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sighting {
    /// Index into the scene's objects.
    pub object: usize,
    /// Pixels whose nearest surface is the object.
    pub visible_px: u64,
    /// Pixels inside the image that it would have alone; at least `visible_px`.
    pub in_image_px: u64,
    /// Pixels that it would have alone on an image without borders, at least `in_image_px`. The image goes on for four widths and heights on each
    /// side and no further, and of an object that passes the camera, the part in front of it is counted and divided by its share of the vertices:
    /// it would cover an infinite part of an endless image. Where it is not wholly in the image, it is counted on a grid of at most 65,536 cells.
    pub whole_px: u64,
    /// Around the visible pixels.
    pub bounds: PixelBox,
    /// Metres along the optical axis to the nearest of them.
    pub nearest: f64,
    pub evidence: Evidence,
}

/// Cells of the grid on which an object that leaves the image is counted: 256 x 256, an error of a percent of its area.
const WHOLE_CELLS: f64 = 65_536.0;

/// Pixels along the longer side of the grid on which boxes are looked at.
const BOX_PIXELS: f64 = 400.0;

/// By how much a sensor's depth and an annotated box may differ: boxes are drawn a few centimetres off and depth errs with the distance.
fn box_tolerance_m(depth_m: f64) -> f64 {
    (0.05 * depth_m).max(0.10)
}

impl Scene<'_> {
    /// The objects of which a frame shows at least one pixel, in order.
    ///
    /// ```
    /// use spatialmill_geometry::{OrientedBox, Intrinsics, Rigid, Vector3};
    /// use spatialmill_geometry::project::{Evidence, Measured, Scene, Shot};
    /// // The camera looks along +y. The near box covers the right half of what would be seen of the far one.
    /// let pose = Rigid::from_row_major(&[1., 0., 0., 0.,  0., 0., 1., 0.,  0., -1., 0., 0.,  0., 0., 0., 1.])?;
    /// let intrinsics = Intrinsics { fx: 100.0, fy: 100.0, cx: 99.5, cy: 49.5 };
    /// let shot = Shot { world_from_camera: pose, intrinsics, width: 200, height: 100 };
    /// let plate = |x, y| OrientedBox::upright(Vector3::new(x, y, 0.0), 0.0, Vector3::new(2.0, 0.0, 2.0));
    /// let scene_objects = [plate(0.0, 10.0), plate(1.0, 5.0)];
    /// let sightings = Scene::new(&scene_objects, vec![])?.sightings(&shot, &Measured::default())?;
    /// assert_eq!((sightings[0].visible_px, sightings[0].in_image_px, sightings[0].whole_px), (200, 400, 400));
    /// assert_eq!((sightings[1].visible_px, sightings[1].nearest, sightings[1].evidence), (1600, 5.0, Evidence::Boxes));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sightings(&self, shot: &Shot, measured: &Measured) -> Result<Vec<Sighting>, ShotError> {
        shot.intrinsics.checked()?;
        Mask::empty(shot.height, shot.width)?;
        let mut sightings: Vec<Option<Sighting>> = vec![None; self.objects.len()];
        let drawn = Drawn::of(self, shot);
        if let Some(drawn) = &drawn {
            for sighting in drawn.sightings(self, shot, measured.depth) {
                sightings[sighting.object] = Some(sighting);
            }
        }
        let boxes_only = self.boxes_only();
        if !boxes_only.is_empty() {
            for sighting in self.by_boxes(shot, measured, drawn.as_ref(), &boxes_only) {
                sightings[sighting.object] = Some(sighting);
            }
        }
        Ok(sightings.into_iter().flatten().collect())
    }

    /// Of objects without triangles.
    fn by_boxes(&self, shot: &Shot, measured: &Measured, drawn: Option<&Drawn>, only: &[usize]) -> Vec<Sighting> {
        let (coarse, pixels) = shot.coarser(BOX_PIXELS);
        let rendered = drawn.and_then(|drawn| {
            DepthImage::new(shot.width, shot.height, drawn.pixels.iter().map(|pixel| pixel.depth).collect()).ok()
        });
        let boxes = Boxes {
            shot: &coarse,
            objects: self.objects,
            rendered: None,
            measured: rendered.as_ref().or(measured.depth),
            tolerance_m: box_tolerance_m,
        };
        let seen = boxes.seen(only);
        match measured.instances {
            Some(instances) => {
                let counted = Counted::of(instances, measured.depth, self.objects.len());
                seen.iter().filter_map(|seen| counted.sighting(seen, shot, instances)).collect()
            }
            None => seen.iter().filter_map(|seen| by_spans(seen, &coarse, pixels)).collect(),
        }
    }
}

fn by_spans(seen: &SeenBox, coarse: &Shot, pixels: [f64; 2]) -> Option<Sighting> {
    let mask = Mask::from_spans(coarse.height, coarse.width, seen.spans.iter().copied()).ok()?;
    let PixelBox { x0, y0, x1, y1 } = mask.bounds()?;
    let bounds = PixelBox { x0: x0 * pixels[0], y0: y0 * pixels[1], x1: x1 * pixels[0], y1: y1 * pixels[1] };
    let evidence = if seen.by_depth { Evidence::Depth } else { Evidence::Boxes };
    Some(extended(seen, mask.area() as f64 * pixels[0] * pixels[1], bounds, seen.nearest, evidence))
}

/// What the visible pixels of a box say of all that it covers.
fn extended(seen: &SeenBox, visible: f64, bounds: PixelBox, nearest: f64, evidence: Evidence) -> Sighting {
    let part = |share: f64| if share > 0.0 { share } else { 1.0 };
    let in_image = visible / part(seen.share);
    let whole = in_image / part(seen.inside * seen.in_front);
    let [visible_px, in_image_px, whole_px] = [visible, in_image, whole].map(|pixels| pixels.round().max(1.0) as u64);
    Sighting { object: seen.object, visible_px, in_image_px, whole_px, bounds, nearest, evidence }
}

/// The pixels of one object.
#[derive(Clone, Copy)]
struct Pixels {
    count: u64,
    columns: (u32, u32),
    rows: (u32, u32),
    nearest: f32,
}

impl Pixels {
    const NONE: Self = Self { count: 0, columns: (u32::MAX, 0), rows: (u32::MAX, 0), nearest: f32::INFINITY };

    fn add(&mut self, x: u32, y: u32, depth: f32) {
        self.count += 1;
        self.columns = (self.columns.0.min(x), self.columns.1.max(x));
        self.rows = (self.rows.0.min(y), self.rows.1.max(y));
        self.nearest = self.nearest.min(depth);
    }

    /// In a picture that is as many times as wide and as high.
    fn bounds(&self, [by_x, by_y]: [f64; 2]) -> PixelBox {
        let edge = |pixel: u32, by: f64| f64::from(pixel) * by;
        let ((x0, x1), (y0, y1)) = (self.columns, self.rows);
        PixelBox { x0: edge(x0, by_x), y0: edge(y0, by_y), x1: edge(x1 + 1, by_x), y1: edge(y1 + 1, by_y) }
    }
}

/// An image of instances, counted.
struct Counted(Vec<Pixels>);

impl Counted {
    fn of(image: &InstanceImage, depth: Option<&DepthImage>, objects: usize) -> Self {
        let mut pixels = vec![Pixels::NONE; objects];
        for (at, object) in image.objects.iter().enumerate().take(image.width as usize * image.height as usize) {
            if let Some(pixels) = pixels.get_mut(*object as usize) {
                let (x, y) = ((at % image.width as usize) as u32, (at / image.width as usize) as u32);
                let reading = depth.and_then(|depth| {
                    let (x, y) = depth.under(x, y, image.width, image.height);
                    depth.reading(x, y)
                });
                pixels.add(x, y, reading.map_or(f32::INFINITY, |depth| depth as f32));
            }
        }
        Self(pixels)
    }

    fn sighting(&self, seen: &SeenBox, shot: &Shot, image: &InstanceImage) -> Option<Sighting> {
        let pixels = self.0[seen.object];
        if pixels.count == 0 {
            return None;
        }
        let by = [f64::from(shot.width) / f64::from(image.width), f64::from(shot.height) / f64::from(image.height)];
        let nearest = if pixels.nearest.is_finite() { f64::from(pixels.nearest) } else { seen.nearest };
        let visible = pixels.count as f64 * by[0] * by[1];
        Some(extended(seen, visible, pixels.bounds(by), nearest, Evidence::InstanceImage))
    }
}

/// What is known of a pixel while triangles are drawn; side by side, so that they are fetched together.
#[derive(Clone, Copy)]
struct Pixel {
    /// Of the nearest surface, metres; infinite where nothing is.
    depth: f32,
    /// Whose that is.
    id: u32,
    /// Who covered it last, nearest or not.
    last_covered: u32,
}

const NOTHING: Pixel = Pixel { depth: f32::INFINITY, id: NOBODY, last_covered: NOBODY };

/// A scene's triangles in a frame.
struct Drawn {
    /// Row by row.
    pixels: Vec<Pixel>,
    /// For each object the pixels that it covers with nothing before it.
    in_image: Vec<u64>,
    /// For each object whether all of it is in front of the camera and inside the image.
    is_inside: Vec<bool>,
}

impl Drawn {
    /// `None` without triangles.
    fn of(scene: &Scene, shot: &Shot) -> Option<Self> {
        // One object's surfaces one after the other, so that each pixel need remember but the last object that covered it.
        let mut surfaces: Vec<&Surface> = scene.surfaces.iter().filter(|s| !s.triangles.is_empty()).collect();
        surfaces.sort_by_key(|surface| surface.object);
        if surfaces.is_empty() {
            return None;
        }
        let mut drawn = Self {
            pixels: vec![NOTHING; shot.width as usize * shot.height as usize],
            in_image: vec![0; scene.objects.len()],
            is_inside: vec![true; scene.objects.len()],
        };
        let mut placed = Vec::new();
        for surface in surfaces {
            drawn.draw(surface, shot, &mut placed);
        }
        Some(drawn)
    }

    fn draw(&mut self, surface: &Surface, shot: &Shot, placed: &mut Vec<(Vector3<f64>, Corner)>) {
        let camera_from_world = shot.world_from_camera.inverse();
        let (right, bottom) = (f64::from(shot.width) - 0.5, f64::from(shot.height) - 0.5);
        placed.clear();
        let mut is_inside = true;
        for vertex in surface.vertices.chunks_exact(3) {
            let point = camera_from_world.apply(&Vector3::new(vertex[0].into(), vertex[1].into(), vertex[2].into()));
            let corner = Corner::of(&shot.intrinsics, &point);
            // A vertex that is not finite is no part of the object.
            is_inside &=
                point.z > NEAR_M && corner.u >= -0.5 && corner.v >= -0.5 && corner.u <= right && corner.v <= bottom
                    || !point.z.is_finite();
            placed.push((point, corner));
        }
        if placed.iter().all(|(point, _)| point.z <= NEAR_M) {
            return;
        }
        let id = surface.object.map_or(HIDER, |object| object as u32);
        let mut uncounted = 0;
        let in_image = match surface.object {
            Some(object) => {
                self.is_inside[object] &= is_inside;
                &mut self.in_image[object]
            }
            None => &mut uncounted,
        };
        let (width, height) = (shot.width, shot.height);
        let pixels = &mut self.pixels;
        let mut fill = |corners: [Corner; 3]| {
            each_run(width, height, corners, |first, depths| {
                for (pixel, depth) in pixels[first..first + depths.len()].iter_mut().zip(depths) {
                    *in_image += u64::from(pixel.last_covered != id);
                    pixel.last_covered = id;
                    if *depth < pixel.depth {
                        (pixel.depth, pixel.id) = (*depth, id);
                    }
                }
            });
        };
        for triangle in surface.triangles.chunks_exact(3) {
            // In range: `Scene::new` has checked the indices.
            let corners = [0, 1, 2].map(|k| placed[triangle[k] as usize]);
            if corners.iter().all(|(point, _)| point.z > NEAR_M) {
                fill(corners.map(|(_, corner)| corner));
            } else {
                in_picture(&shot.intrinsics, &corners.map(|(point, _)| point), &mut fill);
            }
        }
    }

    fn sightings(&self, scene: &Scene, shot: &Shot, measured: Option<&DepthImage>) -> Vec<Sighting> {
        let mut visible = vec![Pixels::NONE; self.in_image.len()];
        for (y, row) in self.pixels.chunks_exact(shot.width as usize).enumerate() {
            for (x, Pixel { id, depth, .. }) in row.iter().enumerate() {
                // Ids that are no object's, HIDER and NOBODY, are beyond the list.
                let Some(pixels) = visible.get_mut(*id as usize) else { continue };
                let (x, y) = (x as u32, y as u32);
                if measured.is_none() || !hidden_from_sensor(shot, measured, (x, y), f64::from(*depth)) {
                    pixels.add(x, y, *depth);
                }
            }
        }
        let seen = visible.iter().enumerate().filter(|(_, pixels)| pixels.count > 0);
        seen.map(|(object, pixels)| {
            let in_image_px = self.in_image[object];
            let surfaces = || scene.surfaces.iter().filter(move |surface| surface.object == Some(object));
            let whole_px = match self.is_inside[object] {
                true => in_image_px,
                false => Alone::of(shot, surfaces(), WHOLE_CELLS)
                    .map_or(0, |alone| (alone.pixels * alone.vertices as f64 / alone.in_front as f64).round() as u64)
                    .max(in_image_px),
            };
            Sighting {
                object,
                visible_px: pixels.count,
                in_image_px,
                whole_px,
                bounds: pixels.bounds([1.0, 1.0]),
                nearest: pixels.nearest.into(),
                evidence: Evidence::Mesh,
            }
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{cube, mesh, shot};
    use super::*;
    use crate::OrientedBox;
    use crate::sampling::oriented_box;
    use proptest::prelude::*;

    fn sightings(objects: &[OrientedBox], with_surfaces: bool, measured: &Measured) -> Vec<Sighting> {
        let meshes: Vec<_> = objects.iter().map(mesh).collect();
        let surface = |(object, (vertices, triangles))| Surface { object: Some(object), vertices, triangles };
        let surfaces = meshes.iter().map(|(vertices, triangles)| (&vertices[..], &triangles[..])).enumerate();
        let surfaces = if with_surfaces { surfaces.map(surface).collect() } else { vec![] };
        Scene::new(objects, surfaces).unwrap().sightings(&shot(), measured).unwrap()
    }

    fn counts(sighting: &Sighting) -> [u64; 3] {
        [sighting.visible_px, sighting.in_image_px, sighting.whole_px]
    }

    #[test]
    fn mesh_and_boxes_count_the_same_pixels() {
        // A plate of 1 m x 0.5 m, 4 m ahead: 25 x 12.5 pixels, whose left half another one covers.
        let objects = [cube(0.0, 4.0, 0.0, [0.96, 0.0, 0.48]), cube(-2.0, 2.0, 0.0, [4.0, 0.0, 4.0])];
        for with_surfaces in [true, false] {
            let found = sightings(&objects, with_surfaces, &Measured::default());
            assert_eq!(counts(&found[0]), [144, 288, 288]);
            assert_eq!(found[0].bounds, PixelBox { x0: 80.0, y0: 54.0, x1: 92.0, y1: 66.0 });
            assert_eq!((found[0].nearest, found[1].nearest), (4.0, 2.0));
            // Of 200 x 200 pixels, 80 x 120 are in the picture.
            assert_eq!(&counts(&found[1])[..2], [80 * 120, 80 * 120]);
            assert!((found[1].whole_px as f64 - 40_000.0).abs() < 800.0, "{found:?}");
        }
    }

    #[test]
    fn what_is_not_seen_has_no_row() {
        let behind = cube(0.0, -4.0, 0.0, [1.0, 1.0, 1.0]);
        let beside = cube(40.0, 4.0, 0.0, [1.0, 1.0, 1.0]);
        let hidden = [cube(0.0, 4.5, 0.0, [1.0, 1.0, 0.5]), cube(0.0, 2.5, 0.0, [4.0, 0.2, 4.0])];
        for with_surfaces in [true, false] {
            assert_eq!(sightings(&[behind, beside], with_surfaces, &Measured::default()), []);
            let found = sightings(&hidden, with_surfaces, &Measured::default());
            assert_eq!(found.iter().map(|sighting| sighting.object).collect::<Vec<_>>(), [1]);
        }
        assert_eq!(sightings(&[], true, &Measured::default()), []);
    }

    #[test]
    fn an_object_that_passes_the_camera_stays_finite() {
        // A carpet from 3 m behind the camera to 5 m ahead, and a cupboard that the camera is in.
        let objects = [cube(0.0, 1.0, -1.0, [2.0, 8.0, 0.02]), cube(0.0, 0.0, 0.0, [1.5, 1.5, 1.5])];
        for with_surfaces in [true, false] {
            for sighting in sightings(&objects, with_surfaces, &Measured::default()) {
                let [visible, in_image, whole] = counts(&sighting);
                assert!(0 < visible && visible <= in_image && in_image <= whole, "{sighting:?}");
                // 9 x 9 pictures, over the half of the corners that is in front.
                assert!(whole < 2 * 82 * 160 * 120 && sighting.nearest.is_finite(), "{sighting:?}");
            }
        }
    }

    #[test]
    fn vertices_that_are_not_finite_take_nothing_away() {
        let object = cube(0.0, 4.0, 0.0, [0.96, 0.0, 0.48]);
        let (mut vertices, mut triangles) = mesh(&object);
        let whole = sightings(&[object], true, &Measured::default());
        vertices.extend([f32::NAN, 0.0, 0.0]);
        triangles.extend([0, 1, 8]);
        let surface = Surface { object: Some(0), vertices: &vertices, triangles: &triangles };
        let found = Scene::new(&[object], vec![surface]).unwrap().sightings(&shot(), &Measured::default()).unwrap();
        assert_eq!(counts(&found[0]), counts(&whole[0]));
    }

    #[test]
    fn depth_and_an_image_of_instances_see_what_the_scan_has_not() {
        let objects = [cube(0.0, 4.0, 0.0, [0.96, 0.0, 0.48])];
        // Somebody stands 2 m ahead, before the left half of the picture.
        let metres = (0..160 * 120).map(|at| if at % 160 < 80 { 2.0 } else { 4.0 }).collect();
        let depth = DepthImage::new(160, 120, metres).unwrap();
        let measured = Measured { depth: Some(&depth), instances: None };
        for (with_surfaces, evidence) in [(true, Evidence::Mesh), (false, Evidence::Depth)] {
            let found = sightings(&objects, with_surfaces, &measured)[0];
            assert_eq!((counts(&found), found.nearest, found.evidence), ([144, 288, 288], 4.0, evidence));
        }
        // An image of half the size: object 0 is in the 6 x 6 pixels that are not covered.
        let at = |at: u32| u32::from(!((40..46).contains(&(at % 80)) && (27..33).contains(&(at / 80))));
        let instances = InstanceImage { width: 80, height: 60, objects: (0..80 * 60).map(at).collect() };
        let measured = Measured { depth: Some(&depth), instances: Some(&instances) };
        let found = sightings(&objects, false, &measured)[0];
        assert_eq!((counts(&found), found.nearest, found.evidence), ([144, 288, 288], 4.0, Evidence::InstanceImage));
        assert_eq!(found.bounds, PixelBox { x0: 80.0, y0: 54.0, x1: 92.0, y1: 66.0 });
    }

    proptest! {
        /// The mesh's pixels are those of the masks that projecting the same scene gives.
        #[test]
        fn agrees_with_projecting(objects in prop::collection::vec(oriented_box(), 1..6)) {
            let meshes: Vec<_> = objects.iter().map(mesh).collect();
            let surfaces = meshes.iter().enumerate().map(|(object, (vertices, triangles))| Surface { object: Some(object), vertices, triangles });
            let scene = Scene::new(&objects, surfaces.collect()).unwrap();
            let (shown, found) = (scene.project(&shot(), None).unwrap(), scene.sightings(&shot(), &Measured::default()).unwrap());
            prop_assert_eq!(shown.len(), found.len());
            for (shown, found) in shown.iter().zip(&found) {
                prop_assert_eq!((shown.object, shown.mask.area(), shown.bounds_in_picture), (found.object, found.visible_px, found.bounds));
                prop_assert!(found.visible_px <= found.in_image_px && found.in_image_px <= found.whole_px);
                let alone = Scene::new(&objects[found.object..=found.object], vec![Surface {
                    object: Some(0), vertices: &meshes[found.object].0, triangles: &meshes[found.object].1,
                }]).unwrap().project(&shot(), None).unwrap();
                prop_assert_eq!(alone[0].mask.area(), found.in_image_px);
                let visibility = found.visible_px as f64 / found.whole_px as f64;
                prop_assert!((visibility - shown.visibility).abs() < 0.05, "{} {}", visibility, shown.visibility);
            }
        }
    }
}
