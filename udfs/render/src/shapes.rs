//! Meshes for tests.

use crate::{Image, Material, Mesh, Part, Shading, sin_cos_degrees};

/// A part of flat triangles.
pub fn part(positions: Vec<[f32; 3]>, triangles: Vec<[u32; 3]>) -> Part {
    Part { positions, triangles, ..Part::default() }
}

pub fn white(part: Part) -> Mesh {
    Mesh::new(vec![part], vec![Material::default()], vec![]).unwrap()
}

/// An upright box with its middle at the origin.
pub fn cuboid(sides: [f32; 3]) -> Part {
    let corner =
        |bits: u32| [0, 1, 2].map(|axis| if bits >> axis & 1 == 0 { -sides[axis] / 2.0 } else { sides[axis] / 2.0 });
    let faces = [[0, 1, 3, 2], [4, 5, 7, 6], [0, 1, 5, 4], [2, 3, 7, 6], [0, 2, 6, 4], [1, 3, 7, 5]];
    part((0..8).map(corner).collect(), faces.iter().flat_map(|[a, b, c, d]| [[*a, *b, *c], [*a, *c, *d]]).collect())
}

/// Round the z axis, 1 high and 1 wide, of so many sides.
pub fn prism(sides: u32) -> Part {
    let ring = (0..sides).flat_map(|side| {
        let (sin, cos) = sin_cos_degrees((side * 360 / sides) as i32);
        [-0.5, 0.5].map(|z| [cos as f32 / 2.0, sin as f32 / 2.0, z])
    });
    let positions = ring.chain([[0.0, 0.0, -0.5], [0.0, 0.0, 0.5]]).collect();
    let triangles = (0..sides).flat_map(|side| {
        let (a, b) = (2 * side, 2 * ((side + 1) % sides));
        [[a, b, b + 1], [a, b + 1, a + 1], [2 * sides, b, a], [2 * sides + 1, a + 1, b + 1]]
    });
    part(positions, triangles.collect())
}

/// A square of side 1 across the x axis, at the origin, that shows an image, unlit. The image's top is up, and its left is on
/// the left of who looks from +x.
pub fn poster(width: u32, texels: Vec<[u8; 4]>, material: Material) -> Mesh {
    let image = Image::new(width, texels.len() as u32 / width, texels).unwrap();
    let part = Part {
        positions: vec![[0.0, -0.5, 0.5], [0.0, 0.5, 0.5], [0.0, 0.5, -0.5], [0.0, -0.5, -0.5]],
        base_places: vec![[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]],
        triangles: vec![[0, 1, 2], [0, 2, 3]],
        ..Part::default()
    };
    let material = Material { base: Some(material.base.unwrap_or_default()), shading: Shading::Unlit, ..material };
    Mesh::new(vec![part], vec![material], vec![image]).unwrap()
}
