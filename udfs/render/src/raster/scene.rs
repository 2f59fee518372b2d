//! A mesh before a camera: its corners in camera axes, and which rows of the picture each triangle can touch.

use spatialmill_geometry::{Intrinsics, Rigid, Vector3};

use super::NEAR;
use crate::Mesh;

pub struct Scene<'a> {
    pub mesh: &'a Mesh,
    /// Of all parts one after the other, in camera axes.
    corners: Vec<Vector3<f64>>,
    /// Of all parts one after the other.
    pub triangles: Vec<Triangle>,
    /// Where the corners of each part begin.
    starts: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
pub struct Triangle {
    /// In the part.
    pub vertices: [u32; 3],
    pub part: u32,
}

/// The samples that a triangle may cover: columns and rows of the whole picture, ends included.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    pub triangle: u32,
    pub columns: [u32; 2],
    pub rows: [u32; 2],
}

impl<'a> Scene<'a> {
    pub fn new(mesh: &'a Mesh, camera_from_world: &Rigid) -> Self {
        let mut corners = Vec::with_capacity(mesh.parts.iter().map(|part| part.positions.len()).sum());
        let mut triangles = Vec::with_capacity(mesh.triangle_count());
        let mut starts = Vec::with_capacity(mesh.parts.len());
        for (index, part) in mesh.parts.iter().enumerate() {
            // Readers take fewer of each than a u32 counts.
            starts.push(corners.len() as u32);
            let apply = |position: &[f32; 3]| camera_from_world.apply(&Vector3::from(position.map(f64::from)));
            corners.extend(part.positions.iter().map(apply));
            triangles
                .extend(part.triangles.iter().map(|vertices| Triangle { vertices: *vertices, part: index as u32 }));
        }
        Self { mesh, corners, triangles, starts }
    }

    /// A triangle's corners in camera axes.
    pub fn corners(&self, triangle: u32) -> [Vector3<f64>; 3] {
        let Triangle { vertices, part } = self.triangles[triangle as usize];
        let start = self.starts[part as usize];
        vertices.map(|vertex| self.corners[(start + vertex) as usize])
    }

    /// Whether two triangles are one surface where they meet: they share a corner with all that it has, a normal above all.
    pub fn is_smooth(&self, one: u32, other: u32) -> bool {
        let [one, other] = [one, other].map(|triangle| self.triangles[triangle as usize]);
        one.part == other.part
            && !self.mesh.parts[one.part as usize].normals.is_empty()
            && one.vertices.iter().any(|vertex| other.vertices.contains(vertex))
    }

    /// The triangles that may show in each band of so many pixel rows, in their order.
    pub fn bands(&self, camera: &Intrinsics, width: u32, height: u32, fine: u32, rows: u32) -> Vec<Vec<Extent>> {
        let projected: Vec<[f64; 2]> = self.corners.iter().map(|corner| in_picture(camera, corner)).collect();
        let mut bands = vec![Vec::new(); height.div_ceil(rows) as usize];
        for (triangle, Triangle { vertices, part }) in self.triangles.iter().enumerate() {
            let start = self.starts[*part as usize];
            let corners = vertices.map(|vertex| (start + vertex) as usize);
            let mut bounds = PictureBounds::default();
            if corners.iter().all(|corner| self.corners[*corner].z > NEAR) {
                corners.iter().for_each(|corner| bounds.add(projected[*corner]));
            } else {
                bounds.add_cut(camera, &corners.map(|corner| self.corners[corner]));
            }
            let Some(columns) = samples_between(bounds.min[0], bounds.max[0], width, fine) else { continue };
            let Some(sample_rows) = samples_between(bounds.min[1], bounds.max[1], height, fine) else { continue };
            let extent = Extent { triangle: triangle as u32, columns, rows: sample_rows };
            let [first, last] = sample_rows.map(|row| (row / (fine * rows)) as usize);
            bands[first..=last].iter_mut().for_each(|band| band.push(extent));
        }
        bands
    }
}

/// The smallest box round what is added, pixels.
struct PictureBounds {
    min: [f64; 2],
    max: [f64; 2],
}

impl Default for PictureBounds {
    fn default() -> Self {
        Self { min: [f64::INFINITY; 2], max: [f64::NEG_INFINITY; 2] }
    }
}

impl PictureBounds {
    fn add(&mut self, place: [f64; 2]) {
        self.min = [self.min[0].min(place[0]), self.min[1].min(place[1])];
        self.max = [self.max[0].max(place[0]), self.max[1].max(place[1])];
    }

    /// What a triangle that crosses the near plane, or lies before it, has behind it.
    fn add_cut(&mut self, camera: &Intrinsics, corners: &[Vector3<f64>; 3]) {
        for (index, corner) in corners.iter().enumerate() {
            let next = &corners[(index + 1) % 3];
            if corner.z > NEAR {
                self.add(in_picture(camera, corner));
            }
            if (corner.z > NEAR) != (next.z > NEAR) {
                let share = (NEAR - corner.z) / (next.z - corner.z);
                let crossing = corner + (next - corner) * share;
                self.add(in_picture(camera, &Vector3::new(crossing.x, crossing.y, NEAR)));
            }
        }
    }
}

fn in_picture(camera: &Intrinsics, point: &Vector3<f64>) -> [f64; 2] {
    [camera.fx * point.x / point.z + camera.cx, camera.fy * point.y / point.z + camera.cy]
}

/// The first and last sample with its middle between two places in the picture.
fn samples_between(low: f64, high: f64, size: u32, fine: u32) -> Option<[u32; 2]> {
    let at = |place: f64| (place + 0.5) * f64::from(fine) - 0.5;
    // The sides decide what is inside, and they round otherwise than this: a little more does no harm.
    let (first, last) = ((at(low) - 1e-6).ceil().max(0.0), (at(high) + 1e-6).floor().min(f64::from(size * fine) - 1.0));
    // In range by the line above; a NaN is no bound of a box, and nothing at all fails the comparison.
    (first <= last).then_some([first as u32, last as u32])
}
