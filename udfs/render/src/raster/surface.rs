//! The colour of a triangle where a ray meets it.

use spatialmill_geometry::{Matrix3, Vector3};

use super::Light;
use super::samples::planes;
use super::scene::{Scene, Triangle};
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
#[derive(Clone, Copy)]
struct Met<'a> {
    triangle: u32,
    part: &'a Part,
    material: &'a Material,
    vertices: [usize; 3],
    planes: [Vector3<f64>; 3],
    /// Its own normal on the side that the camera sees, in the mesh's axes, of any length.
    facing: [f32; 3],
}

/// Where a ray meets it: the part of each corner, and by how much these change from pixel to pixel.
struct Place {
    parts: [f32; 3],
    right: [f32; 3],
    below: [f32; 3],
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
        let place = self.place(&met, ray);
        self.cutoffs[part].is_some_and(|cutoff| base(scene.mesh, &met, &place)[3] < cutoff)
    }

    /// Light of red, green and blue.
    pub fn colour(&mut self, scene: &Scene<'a>, triangle: u32, ray: [f64; 2]) -> [f32; 3] {
        let mesh = scene.mesh;
        let met = match self.last {
            Some(last) if last.triangle == triangle => last,
            _ => *self.last.insert(self.met(mesh, scene, triangle)),
        };
        let place = self.place(&met, ray);
        let [r, g, b, _] = base(mesh, &met, &place);
        let brightness = match (self.light, met.material.shading) {
            (Light::Shoulder, Shading::Lit) => AMBIENT + DIRECT * self.direct(&met, &place),
            _ => 1.0,
        };
        let given = emissive(mesh, &met, &place);
        let colour = [r * brightness + given[0], g * brightness + given[1], b * brightness + given[2]];
        colour.map(|light| light.clamp(0.0, 1.0))
    }

    /// The part of the light from one side that the surface gets.
    fn direct(&self, met: &Met, place: &Place) -> f32 {
        let own = met.facing;
        let smooth = met.part.normals.get(met.vertices[0]).map(|_| blend(&met.part.normals, met, &place.parts));
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
        Met {
            triangle,
            part,
            material: &mesh.materials[part.material],
            vertices: vertices.map(|vertex| vertex as usize),
            planes: planes(&corners),
            facing: floats(&facing),
        }
    }

    fn place(&self, met: &Met, [x, y]: [f64; 2]) -> Place {
        let [a, b, c] = &met.planes;
        let weights = Vector3::new(a.x * x + a.y * y + a.z, b.x * x + b.y * y + b.z, c.x * x + c.y * y + c.z);
        let scale = 1.0 / (weights.x + weights.y + weights.z);
        let parts = weights * scale;
        // Of a quotient: what its two halves change by.
        let (across, down) = (a.x + b.x + c.x, a.y + b.y + c.y);
        let right = (Vector3::new(a.x, b.x, c.x) - parts * across) * (scale * self.per_pixel[0]);
        let below = (Vector3::new(a.y, b.y, c.y) - parts * down) * (scale * self.per_pixel[1]);
        let mut place = Place { parts: floats(&parts), right: floats(&right), below: floats(&below) };
        if parts.min() < 0.0 {
            // The ray passes the triangle by, by less than a pixel, as it stands for its neighbours: they go on from its side.
            let within = parts.map(|part| part.max(0.0));
            place.parts = floats(&(within / within.sum()));
        }
        place
    }
}

fn floats(vector: &Vector3<f64>) -> [f32; 3] {
    [vector.x as f32, vector.y as f32, vector.z as f32]
}

/// Light that the surface throws back, and its opacity.
fn base(mesh: &Mesh, met: &Met, place: &Place) -> [f32; 4] {
    let mut colour = met.material.base_factor;
    if let Some(texture) = &met.material.base {
        multiply(&mut colour, looked_up(mesh, texture, &met.part.base_places, met, place));
    }
    if !met.part.colours.is_empty() {
        multiply(&mut colour, blend(&met.part.colours, met, &place.parts));
    }
    colour
}

fn emissive(mesh: &Mesh, met: &Met, place: &Place) -> [f32; 3] {
    let mut light = met.material.emissive_factor;
    if let Some(texture) = met.material.emissive.as_ref().filter(|_| light != [0.0; 3]) {
        let [r, g, b, _] = looked_up(mesh, texture, &met.part.emissive_places, met, place);
        multiply(&mut light, [r, g, b]);
    }
    light
}

fn looked_up(mesh: &Mesh, texture: &Texture, places: &[[f32; 2]], met: &Met, place: &Place) -> [f32; 4] {
    // An image that nothing says the place in shows its corner.
    let [at, right, below] = if places.is_empty() {
        [[0.0; 2]; 3]
    } else {
        [&place.parts, &place.right, &place.below].map(|parts| blend(places, met, parts))
    };
    mesh.images[texture.image].look(texture, at, &Footprint { right, below })
}

/// What is given for each vertex, by the corners' parts.
fn blend<const N: usize>(values: &[[f32; N]], met: &Met, parts: &[f32; 3]) -> [f32; N] {
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
