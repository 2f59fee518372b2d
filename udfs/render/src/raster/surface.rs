//! The colour of a triangle where a ray meets it.

use spatialmill_geometry::{Matrix3, Vector3};

use super::samples::planes;
use super::scene::{Scene, Triangle};
use super::{Light, NEAR};
use crate::mesh::{Material, Part, Shading};
use crate::texture::{Footprint, Texture};
use crate::{Camera, Mesh};

/// The light that comes from everywhere, and the one that comes from one side.
const AMBIENT: f32 = 0.45;
const DIRECT: f32 = 0.55;

pub struct Painter<'a> {
    /// By how much rays change from pixel to pixel, to the right and down.
    per_pixel: [f64; 2],
    world_from_camera: Matrix3<f64>,
    /// Towards the light, in the mesh's axes.
    to_light: [f32; 3],
    light: Light,
    /// The opacity below which there is a hole, of parts that have holes.
    cutoffs: Vec<Option<f32>>,
    last: Option<Met<'a>>,
}

/// A triangle that rays meet.
struct Met<'a> {
    triangle: u32,
    part: &'a Part,
    material: &'a Material,
    vertices: [usize; 3],
    /// In camera axes.
    corners: [Vector3<f64>; 3],
    /// Products of a ray with these are the corners' parts in what it meets, up to their sum.
    planes: [Vector3<f64>; 3],
    sum: Vector3<f64>,
    /// Products with these, over that with the sum, are the place in the base image.
    base_place: [Vector3<f64>; 2],
    /// Its own normal on the side that the camera sees, in the mesh's axes, of any length.
    facing: [f32; 3],
}

/// Where a ray meets it.
struct Spot {
    ray: Vector3<f64>,
    /// 1 / the product with the sum of the triangle's planes.
    scale: f64,
    /// The corners' parts.
    parts: Vector3<f64>,
}

impl Met<'_> {
    fn spot(&self, ray: Vector3<f64>) -> Spot {
        let scale = 1.0 / self.sum.dot(&ray);
        let [a, b] = [self.planes[0].dot(&ray) * scale, self.planes[1].dot(&ray) * scale];
        Spot { ray, scale, parts: Vector3::new(a, b, 1.0 - a - b) }
    }
}

impl<'a> Painter<'a> {
    pub fn new(mesh: &'a Mesh, camera: &Camera, light: Light) -> Self {
        let world_from_camera = camera.camera_from_world.rotation.transpose();
        let to_light = world_from_camera * Vector3::new(-1.0, -2.0, -2.0) / 3.0;
        Self {
            per_pixel: [1.0 / camera.intrinsics.fx, 1.0 / camera.intrinsics.fy],
            world_from_camera,
            to_light: floats(&to_light),
            light,
            cutoffs: mesh.parts.iter().map(|part| cutoff(mesh, part)).collect(),
            last: None,
        }
    }

    /// Whether a triangle may have holes.
    pub fn has_holes(&self, scene: &Scene, triangle: u32) -> bool {
        self.cutoffs[scene.triangles[triangle as usize].part as usize].is_some()
    }

    /// Whether it has one where a ray meets it.
    pub fn is_hole(&self, scene: &Scene, triangle: u32, ray: [f64; 2]) -> bool {
        let part = scene.triangles[triangle as usize].part as usize;
        let met = self.met(scene.mesh, scene, triangle);
        let spot = self.spot(&met, ray);
        self.cutoffs[part].is_some_and(|cutoff| self.base(scene.mesh, &met, &spot)[3] < cutoff)
    }

    /// Light of red, green and blue.
    pub fn colour(&mut self, scene: &Scene<'a>, triangle: u32, ray: [f64; 2]) -> [f32; 3] {
        let mesh = scene.mesh;
        // Most pixels see what the one before saw.
        if self.last.as_ref().is_none_or(|last| last.triangle != triangle) {
            self.last = Some(self.met(mesh, scene, triangle));
        }
        let Some(met) = &self.last else { unreachable!("it was just met") };
        let spot = self.spot(met, ray);
        let [r, g, b, _] = self.base(mesh, met, &spot);
        let brightness = match (self.light, met.material.shading) {
            (Light::Shoulder, Shading::Lit) => AMBIENT + DIRECT * self.direct(met, &spot),
            _ => 1.0,
        };
        let given = self.emissive(mesh, met, &spot);
        let colour = [r * brightness + given[0], g * brightness + given[1], b * brightness + given[2]];
        colour.map(|light| light.clamp(0.0, 1.0))
    }

    /// The part of the light from one side that the surface gets.
    fn direct(&self, met: &Met, spot: &Spot) -> f32 {
        let own = met.facing;
        let smooth = met.part.normals.get(met.vertices[0]).map(|_| blend(&met.part.normals, met, &spot.parts));
        let mut normal = smooth.unwrap_or(own);
        if dot(normal, own) < 0.0 {
            normal = normal.map(|axis| -axis);
        }
        let length = dot(normal, normal).sqrt();
        // Also of a NaN, and of normals that cancel out.
        if length > 0.0 { (dot(normal, self.to_light) / length).max(0.0) } else { 0.0 }
    }

    fn met<'m>(&self, mesh: &'m Mesh, scene: &Scene, triangle: u32) -> Met<'m> {
        let Triangle { vertices, part } = scene.triangles[triangle as usize];
        let part = &mesh.parts[part as usize];
        let corners = scene.corners(triangle);
        let [a, b, c] = corners;
        let normal = (b - a).cross(&(c - a));
        let towards = if normal.dot(&a) > 0.0 { -normal } else { normal };
        // Its longest part becomes 1, so that no square of it is too small or too large for a float.
        let facing = self.world_from_camera * towards;
        let facing = facing / facing.amax();
        let planes = planes(&corners);
        let vertices = [vertices[0] as usize, vertices[1] as usize, vertices[2] as usize];
        Met {
            triangle,
            part,
            material: &mesh.materials[part.material],
            vertices,
            corners,
            planes,
            sum: planes[0] + planes[1] + planes[2],
            base_place: linear(&part.base_places, &vertices, &planes),
            facing: floats(&facing),
        }
    }

    fn spot(&self, met: &Met, [x, y]: [f64; 2]) -> Spot {
        let spot = met.spot(Vector3::new(x, y, 1.0));
        if spot.parts.x.min(spot.parts.y).min(spot.parts.z) >= 0.0 {
            return spot;
        }
        // The ray passes the triangle by, by less than a pixel, as it stands for its neighbours: what they go on from is its side.
        let within = spot.parts.map(|part| part.max(0.0));
        let nearest =
            (met.corners[0] * within.x + met.corners[1] * within.y + met.corners[2] * within.z) / within.sum();
        if nearest.z > NEAR { met.spot(nearest / nearest.z) } else { spot }
    }

    /// The colour in an image, whose places follow from these products.
    fn look(&self, mesh: &Mesh, texture: &Texture, met: &Met, places: &[Vector3<f64>; 2], spot: &Spot) -> [f32; 4] {
        let [u, v] = [places[0].dot(&spot.ray) * spot.scale, places[1].dot(&spot.ray) * spot.scale];
        // Of a quotient: what its two halves change by.
        let [right, below] = [spot.scale * self.per_pixel[0], spot.scale * self.per_pixel[1]];
        let footprint = Footprint {
            right: [((places[0].x - u * met.sum.x) * right) as f32, ((places[1].x - v * met.sum.x) * right) as f32],
            below: [((places[0].y - u * met.sum.y) * below) as f32, ((places[1].y - v * met.sum.y) * below) as f32],
        };
        mesh.images[texture.image].look(texture, [u as f32, v as f32], &footprint)
    }

    /// Light that the surface throws back, and its opacity.
    fn base(&self, mesh: &Mesh, met: &Met, spot: &Spot) -> [f32; 4] {
        let mut colour = met.material.base_factor;
        if let Some(texture) = &met.material.base {
            multiply(&mut colour, self.look(mesh, texture, met, &met.base_place, spot));
        }
        if !met.part.colours.is_empty() {
            multiply(&mut colour, blend(&met.part.colours, met, &spot.parts));
        }
        colour
    }

    fn emissive(&self, mesh: &Mesh, met: &Met, spot: &Spot) -> [f32; 3] {
        let mut light = met.material.emissive_factor;
        if let Some(texture) = met.material.emissive.as_ref().filter(|_| light != [0.0; 3]) {
            let places = linear(&met.part.emissive_places, &met.vertices, &met.planes);
            let [r, g, b, _] = self.look(mesh, texture, met, &places, spot);
            multiply(&mut light, [r, g, b]);
        }
        light
    }
}

/// Products with these, over that with the sum of the planes, are what is given for each vertex. An image that nothing says the place
/// in shows its corner.
fn linear(places: &[[f32; 2]], vertices: &[usize; 3], planes: &[Vector3<f64>; 3]) -> [Vector3<f64>; 2] {
    if places.is_empty() {
        return [Vector3::zeros(); 2];
    }
    let [a, b, c] = [places[vertices[0]], places[vertices[1]], places[vertices[2]]];
    let along =
        |axis: usize| planes[0] * f64::from(a[axis]) + planes[1] * f64::from(b[axis]) + planes[2] * f64::from(c[axis]);
    [along(0), along(1)]
}

fn floats(vector: &Vector3<f64>) -> [f32; 3] {
    [vector.x as f32, vector.y as f32, vector.z as f32]
}

/// What is given for each vertex, by the corners' parts.
fn blend<const N: usize>(values: &[[f32; N]], met: &Met, parts: &Vector3<f64>) -> [f32; N] {
    let parts = floats(parts);
    let [a, b, c] = [&values[met.vertices[0]], &values[met.vertices[1]], &values[met.vertices[2]]];
    std::array::from_fn(|axis| a[axis] * parts[0] + b[axis] * parts[1] + c[axis] * parts[2])
}

fn multiply<const N: usize>(colour: &mut [f32; N], factor: [f32; N]) {
    colour.iter_mut().zip(factor).for_each(|(own, factor)| *own *= factor);
}

fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// The opacity that a part's surface needs to be there; `None` where all of it has that.
fn cutoff(mesh: &Mesh, part: &Part) -> Option<f32> {
    let material = &mesh.materials[part.material];
    let cutoff = material.cutoff?;
    // Many files say of all their materials that one may see through them, and mean none.
    let image = material.base.is_none_or(|texture| mesh.images[texture.image].is_opaque());
    let colours = part.colours.iter().all(|colour| colour[3] >= 1.0);
    let is_whole = image && colours && material.base_factor[3] >= cutoff;
    (!is_whole).then_some(cutoff)
}
