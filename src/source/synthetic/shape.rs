//! Shapes: blocks, frustums (cylinders, cones) and rounds (balls, cushions), as triangles that face outwards.
//!
//! Metres; x right, y back, z up. Each shape touches all six sides of its own bounding box exactly, so that the box of a
//! piece of furniture is the exact box of its triangles.

use std::f64::consts::{PI, TAU};

use spatialmill_geometry::{Bounds, Vector3};

/// Corners around a frustum or a round: a multiple of four, so that its vertices reach the box's sides.
const AROUND: usize = 28;
/// Rings from pole to pole of a round: even, so that one of them is its equator.
const RINGS: usize = 14;

/// Light that a surface gives back: red, green and blue, each 0-1, linear.
pub type Albedo = [f32; 3];

/// One shape of a piece of furniture.
#[derive(Debug, Clone)]
pub struct ShapePart {
    solid: Solid,
    /// Middle of the shape's bottom.
    foot: Vector3<f64>,
    albedo: Albedo,
}

#[derive(Debug, Clone)]
enum Solid {
    Block { size: Vector3<f64> },
    Frustum { bottom: f64, top: f64, height: f64 },
    Plate { radius: f64, thickness: f64 },
    Round { size: Vector3<f64>, squareness: f64 },
}

impl ShapePart {
    /// A box of `size` (x, y, z) whose bottom's middle is at `foot`.
    pub fn block(size: [f64; 3], foot: [f64; 3], albedo: Albedo) -> Self {
        Self { solid: Solid::Block { size: size.into() }, foot: foot.into(), albedo }
    }

    /// An upright cylinder or cone with the radii `bottom` and `top`.
    pub fn frustum([bottom, top, height]: [f64; 3], foot: [f64; 3], albedo: Albedo) -> Self {
        Self { solid: Solid::Frustum { bottom, top, height }, foot: foot.into(), albedo }
    }

    /// A disc that stands on its edge and faces forward, such as the face of a clock.
    pub fn plate([radius, thickness]: [f64; 2], foot: [f64; 3], albedo: Albedo) -> Self {
        Self { solid: Solid::Plate { radius, thickness }, foot: foot.into(), albedo }
    }

    /// A ball stretched to `size`; `squareness` 0 is an ellipsoid, towards 1 it fills its box like a cushion.
    pub fn round(size: [f64; 3], squareness: f64, foot: [f64; 3], albedo: Albedo) -> Self {
        Self { solid: Solid::Round { size: size.into(), squareness }, foot: foot.into(), albedo }
    }
}

/// Triangles with a colour each.
#[derive(Debug, Clone, Default)]
pub struct ShapeMesh {
    pub vertices: Vec<Vector3<f64>>,
    pub triangles: Vec<[u32; 3]>,
    pub albedos: Vec<Albedo>,
}

impl ShapeMesh {
    /// The triangles of all `parts`.
    pub fn of(parts: &[ShapePart]) -> Self {
        let mut mesh = Self::default();
        for part in parts {
            mesh.add(part);
        }
        mesh
    }

    /// Adds one triangle with corners of its own; it faces where its corners are seen counter-clockwise.
    pub fn add_triangle(&mut self, corners: [Vector3<f64>; 3], albedo: Albedo) {
        let first = self.vertices.len() as u32;
        self.vertices.extend(corners);
        self.triangles.push([first, first + 1, first + 2]);
        self.albedos.push(albedo);
    }

    /// Adds a flat quadrilateral.
    pub fn add_quad(&mut self, corners: [Vector3<f64>; 4], albedo: Albedo) {
        let first = self.vertices.len() as u32;
        self.vertices.extend(corners);
        self.quad([first, first + 1, first + 2, first + 3], albedo);
    }

    /// Longer or shorter along each axis.
    pub fn scaled(mut self, scale: [f64; 3]) -> Self {
        for vertex in &mut self.vertices {
            vertex.component_mul_assign(&Vector3::from(scale));
        }
        self
    }

    /// Turned by `yaw` (radians, counter-clockwise from above), then moved.
    pub fn placed(mut self, yaw: f64, to: Vector3<f64>) -> Self {
        for vertex in &mut self.vertices {
            *vertex = turned(yaw, *vertex) + to;
        }
        self
    }

    /// The box along the axes; none without triangles.
    pub fn bounds(&self) -> Option<Bounds> {
        Bounds::of(&self.vertices)
    }

    /// The outward unit normal of a triangle.
    pub fn normal(&self, triangle: usize) -> Vector3<f64> {
        let [a, b, c] = self.triangles[triangle].map(|i| self.vertices[i as usize]);
        (b - a).cross(&(c - a)).try_normalize(0.0).unwrap_or_else(Vector3::z)
    }

    fn add(&mut self, part: &ShapePart) {
        match part.solid {
            Solid::Block { size } => {
                let corner = |i: usize| {
                    let sign = |bit: usize| if i & bit == 0 { -0.5 } else { 0.5 };
                    Vector3::new(sign(1) * size.x, sign(2) * size.y, (sign(4) + 0.5) * size.z)
                };
                let first = self.vertices.len() as u32;
                self.vertices.extend((0..8).map(|i| part.foot + corner(i)));
                for [a, b, c, d] in [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]]
                {
                    self.quad([a, b, c, d].map(|i: u32| first + i), part.albedo);
                }
            }
            Solid::Frustum { bottom, top, height } => self.turned(
                &[(0.0, 0.0), (bottom, 0.0), (top, height), (0.0, height)],
                |radius, height, turn| Vector3::new(radius * turn.cos(), radius * turn.sin(), height),
                part,
            ),
            Solid::Plate { radius, thickness } => self.turned(
                &[(0.0, 0.0), (radius, 0.0), (radius, thickness), (0.0, thickness)],
                // From its back at y = thickness / 2 to its face at y = -thickness / 2.
                |r, along, turn| Vector3::new(r * turn.cos(), thickness / 2.0 - along, radius + r * turn.sin()),
                part,
            ),
            Solid::Round { size, squareness } => {
                let power = 1.0 - squareness;
                let bent = |x: f64| if x.abs() < 1e-9 { 0.0 } else { x.signum() * x.abs().powf(power) };
                let profile: Vec<_> = (0..=RINGS)
                    .map(|ring| {
                        let angle = PI * (ring as f64 / RINGS as f64 - 0.5);
                        (bent(angle.cos()), bent(angle.sin()))
                    })
                    .collect();
                self.turned(
                    &profile,
                    |radius, height, turn| {
                        Vector3::new(
                            radius * bent(turn.cos()) * size.x / 2.0,
                            radius * bent(turn.sin()) * size.y / 2.0,
                            (height + 1.0) * size.z / 2.0,
                        )
                    },
                    part,
                );
            }
        }
    }

    /// A surface of revolution: `profile` lists (radius, height) from one pole to the other, `at` places (radius, height, turn).
    fn turned(&mut self, profile: &[(f64, f64)], at: impl Fn(f64, f64, f64) -> Vector3<f64>, part: &ShapePart) {
        let first = self.vertices.len() as u32;
        for &(radius, height) in profile {
            for step in 0..AROUND {
                let turn = TAU * step as f64 / AROUND as f64;
                self.vertices.push(part.foot + at(radius, height, turn));
            }
        }
        let around = AROUND as u32;
        for ring in 0..profile.len() as u32 - 1 {
            for step in 0..around {
                let next = (step + 1) % around;
                let (low, high) = (first + ring * around, first + (ring + 1) * around);
                self.quad([low + step, low + next, high + next, high + step], part.albedo);
            }
        }
    }

    /// Two triangles, less those without an area (at a pole).
    fn quad(&mut self, [a, b, c, d]: [u32; 4], albedo: Albedo) {
        for triangle in [[a, b, c], [a, c, d]] {
            let [p, q, r] = triangle.map(|i| self.vertices[i as usize]);
            if (q - p).cross(&(r - p)).norm() > 1e-12 {
                self.triangles.push(triangle);
                self.albedos.push(albedo);
            }
        }
    }
}

/// Turned about z by `yaw` radians, counter-clockwise from above.
pub fn turned(yaw: f64, vector: Vector3<f64>) -> Vector3<f64> {
    let (sin, cos) = yaw.sin_cos();
    Vector3::new(cos * vector.x - sin * vector.y, sin * vector.x + cos * vector.y, vector.z)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(part: ShapePart, size: [f64; 3]) {
        let mesh = ShapeMesh::of(&[part]);
        let bounds = mesh.bounds().unwrap();
        assert!((bounds.extent() - Vector3::from(size)).norm() < 1e-9, "{bounds:?}");
        assert!((bounds.low.z - 1.0).abs() < 1e-9, "stands on its foot");
        // A closed surface that faces outwards has its volume by the divergence theorem, and it is positive.
        let volume: f64 = mesh
            .triangles
            .iter()
            .map(|t| t.map(|i| mesh.vertices[i as usize]))
            .map(|[a, b, c]| a.dot(&b.cross(&c)) / 6.0)
            .sum();
        assert!(volume > 0.3 * size.iter().product::<f64>(), "volume {volume}");
    }

    #[test]
    fn every_shape_fills_its_box_and_faces_outwards() {
        check(ShapePart::block([1.0, 2.0, 3.0], [0.0, 0.0, 1.0], [1.0; 3]), [1.0, 2.0, 3.0]);
        check(ShapePart::frustum([0.5, 0.4, 2.0], [0.0, 0.0, 1.0], [1.0; 3]), [1.0, 1.0, 2.0]);
        check(ShapePart::plate([0.5, 0.1], [0.0, 0.0, 1.0], [1.0; 3]), [1.0, 0.1, 1.0]);
        check(ShapePart::round([1.0, 2.0, 0.5], 0.0, [0.0, 0.0, 1.0], [1.0; 3]), [1.0, 2.0, 0.5]);
        check(ShapePart::round([1.0, 2.0, 0.5], 0.6, [0.0, 0.0, 1.0], [1.0; 3]), [1.0, 2.0, 0.5]);
    }
}
