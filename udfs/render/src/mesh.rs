//! What is rendered: triangles with their materials, all of them in one frame. A [`Mesh`] holds nothing that cannot be
//! drawn: its numbers are finite and its indices lead somewhere.

use spatialmill_geometry::{Bounds, Vector3};
use thiserror::Error;

use crate::texture::{Image, Texture};

/// A whole object.
#[derive(Debug, Clone, PartialEq)]
pub struct Mesh {
    pub(crate) parts: Vec<Part>,
    pub(crate) materials: Vec<Material>,
    pub(crate) images: Vec<Image>,
}

/// Triangles of one material. What is given for each vertex is as long as `positions`, or empty where the object has none of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Part {
    pub positions: Vec<[f32; 3]>,
    /// Of any length but 0; the side of a triangle that is seen is the one that they are turned to. Without them a triangle is flat.
    pub normals: Vec<[f32; 3]>,
    /// In the material's `base` image: (0, 0) is its top-left corner, (1, 1) its bottom-right one.
    pub base_places: Vec<[f32; 2]>,
    /// The same in its `emissive` image.
    pub emissive_places: Vec<[f32; 2]>,
    /// Light of red, green and blue, and opacity: factors of the material's.
    pub colours: Vec<[f32; 4]>,
    /// Three vertices each; the order does not matter, both sides are drawn.
    pub triangles: Vec<[u32; 3]>,
    /// Which of the mesh's materials.
    pub material: usize,
}

/// What a surface looks like. Factors are light, not the codes of image files.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Material {
    pub base: Option<Texture>,
    /// Light of red, green and blue that it throws back, and its opacity: factors of the image's.
    pub base_factor: [f32; 4],
    pub emissive: Option<Texture>,
    /// Light that it gives, with a factor from the image.
    pub emissive_factor: [f32; 3],
    /// Opacity below which it is not there; everything else is wholly there. `None` for what has no holes.
    pub cutoff: Option<f32>,
    pub shading: Shading,
}

/// Whether light from outside matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shading {
    #[default]
    Lit,
    /// As bright as its colours say.
    Unlit,
}

impl Default for Material {
    /// White and lit.
    fn default() -> Self {
        Self {
            base: None,
            base_factor: [1.0; 4],
            emissive: None,
            emissive_factor: [0.0; 3],
            cutoff: None,
            shading: Shading::Lit,
        }
    }
}

/// Why parts are no mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MeshError {
    #[error("there is no triangle in it")]
    Empty,
    #[error("part {part} has a vertex whose {what} is not finite")]
    NotFinite { part: usize, what: &'static str },
    #[error("part {part} has {found} {what} for {vertices} vertices")]
    Count { part: usize, what: &'static str, found: usize, vertices: usize },
    #[error("part {part} has a triangle with vertex {index} of {vertices}")]
    Vertex { part: usize, index: u32, vertices: usize },
    #[error("part {part} has material {material} of {materials}")]
    Material { part: usize, material: usize, materials: usize },
    #[error("material {material} has image {image} of {images}")]
    Image { material: usize, image: usize, images: usize },
    #[error("material {material} has a factor that is not finite")]
    Factor { material: usize },
    #[error("it has no extent: all its corners are in one place, or too far apart")]
    NoExtent,
}

impl Mesh {
    /// Parts, the materials that they name and the images that those name.
    ///
    /// ```
    /// use spatialmill_geometry::Vector3;
    /// use spatialmill_render::{Material, Mesh, MeshError, Part};
    /// let part = Part {
    ///     positions: vec![[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
    ///     triangles: vec![[0, 1, 2]],
    ///     ..Part::default()
    /// };
    /// let mesh = Mesh::new(vec![part.clone()], vec![Material::default()], vec![])?;
    /// assert_eq!(mesh.bounds().high, Vector3::new(2.0, 1.0, 0.0));
    /// let broken = Part { triangles: vec![[0, 1, 3]], ..part };
    /// let refused = Mesh::new(vec![broken], vec![Material::default()], vec![]);
    /// assert_eq!(refused, Err(MeshError::Vertex { part: 0, index: 3, vertices: 3 }));
    /// # Ok::<(), MeshError>(())
    /// ```
    pub fn new(parts: Vec<Part>, materials: Vec<Material>, images: Vec<Image>) -> Result<Self, MeshError> {
        for (index, part) in parts.iter().enumerate() {
            part.check(index, materials.len())?;
        }
        for (index, material) in materials.iter().enumerate() {
            material.check(index, images.len())?;
        }
        if parts.iter().all(|part| part.triangles.is_empty()) {
            return Err(MeshError::Empty);
        }
        Ok(Self { parts, materials, images })
    }

    pub fn triangle_count(&self) -> usize {
        self.parts.iter().map(|part| part.triangles.len()).sum()
    }

    /// The smallest upright box round all triangles. Vertices that no triangle uses are not in it, as nobody sees them.
    pub fn bounds(&self) -> Bounds {
        let (mut low, mut high) = (Vector3::repeat(f64::INFINITY), Vector3::repeat(f64::NEG_INFINITY));
        for part in &self.parts {
            for corner in part.triangles.iter().flatten() {
                let corner = Vector3::from(part.positions[*corner as usize].map(f64::from));
                low = low.inf(&corner);
                high = high.sup(&corner);
            }
        }
        Bounds { low, high }
    }

    /// From axes with y up (glTF) to axes with z up: (x, y, z) becomes (x, -z, y), which is what Blender's importer does.
    pub fn z_up(self) -> Self {
        // Not -z, which would make 0 a -0 and so another object to who compares bytes.
        let turn = |[x, y, z]: [f32; 3]| [x, 0.0 - z, y];
        self.moved(turn, turn)
    }

    /// Scaled and then moved so that the longest side of [`Mesh::bounds`] is 1 and their centre is the origin.
    ///
    /// ```
    /// # use spatialmill_geometry::Vector3;
    /// # use spatialmill_render::{Material, Mesh, MeshError, Part};
    /// # let positions = vec![[0.0, 0.0, 0.0], [4.0, 0.0, 0.0], [0.0, 2.0, 0.0]];
    /// # let part = Part { positions, triangles: vec![[0, 1, 2]], ..Part::default() };
    /// # let mesh = Mesh::new(vec![part], vec![Material::default()], vec![])?;
    /// assert_eq!(mesh.bounds().high, Vector3::new(4.0, 2.0, 0.0));
    /// assert_eq!(mesh.normalised()?.bounds().high, Vector3::new(0.5, 0.25, 0.0));
    /// # Ok::<(), MeshError>(())
    /// ```
    pub fn normalised(self) -> Result<Self, MeshError> {
        let Bounds { low, high } = self.bounds();
        let (longest, centre) = ((high - low).max(), (low + high) * 0.5);
        let scale = 1.0 / longest;
        if !(longest > 0.0 && longest.is_finite() && scale.is_finite()) {
            return Err(MeshError::NoExtent);
        }
        // What no triangle uses may be anywhere, also too far away to be a number.
        let place = |at: f32, centre: f64| ((f64::from(at) - centre) * scale).clamp(-1e6, 1e6) as f32;
        Ok(self.moved(|[x, y, z]| [place(x, centre.x), place(y, centre.y), place(z, centre.z)], |normal| normal))
    }

    fn moved(mut self, position: impl Fn([f32; 3]) -> [f32; 3], normal: impl Fn([f32; 3]) -> [f32; 3]) -> Self {
        for part in &mut self.parts {
            part.positions.iter_mut().for_each(|own| *own = position(*own));
            part.normals.iter_mut().for_each(|own| *own = normal(*own));
        }
        self
    }
}

impl Part {
    fn check(&self, part: usize, materials: usize) -> Result<(), MeshError> {
        let vertices = self.positions.len();
        let lengths = [
            ("normals", self.normals.len()),
            ("places in an image", self.base_places.len()),
            ("places in an image", self.emissive_places.len()),
            ("colours", self.colours.len()),
        ];
        if let Some((what, found)) = lengths.into_iter().find(|(_, length)| ![0, vertices].contains(length)) {
            return Err(MeshError::Count { part, what, found, vertices });
        }
        let finite = [
            ("position", all_finite(&self.positions)),
            ("normal", all_finite(&self.normals)),
            ("place in an image", all_finite(&self.base_places) && all_finite(&self.emissive_places)),
            ("colour", all_finite(&self.colours)),
        ];
        if let Some((what, _)) = finite.into_iter().find(|(_, finite)| !finite) {
            return Err(MeshError::NotFinite { part, what });
        }
        if let Some(index) = self.triangles.iter().flatten().find(|index| **index as usize >= vertices) {
            return Err(MeshError::Vertex { part, index: *index, vertices });
        }
        if self.material >= materials {
            return Err(MeshError::Material { part, material: self.material, materials });
        }
        Ok(())
    }
}

impl Material {
    fn check(&self, material: usize, images: usize) -> Result<(), MeshError> {
        let textures = [self.base, self.emissive];
        if let Some(texture) = textures.iter().flatten().find(|texture| texture.image >= images) {
            return Err(MeshError::Image { material, image: texture.image, images });
        }
        let factors = self.base_factor.iter().chain(&self.emissive_factor).chain(&self.cutoff);
        if factors.into_iter().any(|factor| !factor.is_finite()) {
            return Err(MeshError::Factor { material });
        }
        Ok(())
    }
}

fn all_finite<const N: usize>(numbers: &[[f32; N]]) -> bool {
    numbers.iter().flatten().all(|number| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn triangle() -> Part {
        Part {
            positions: vec![[1.0, 2.0, 3.0], [5.0, 2.0, 3.0], [1.0, 4.0, 4.0], [90.0, 0.0, 0.0]],
            triangles: vec![[0, 1, 2]],
            ..Part::default()
        }
    }

    fn made(part: Part) -> Result<Mesh, MeshError> {
        Mesh::new(vec![part], vec![Material::default()], vec![])
    }

    #[test]
    fn refuses_what_cannot_be_drawn() {
        let part = triangle();
        assert_eq!(made(Part { triangles: vec![], ..part.clone() }), Err(MeshError::Empty));
        let bare = Mesh::new(vec![part.clone()], vec![], vec![]);
        assert_eq!(bare, Err(MeshError::Material { part: 0, material: 0, materials: 0 }));
        let few = made(Part { normals: vec![[0.0, 0.0, 1.0]], ..part.clone() });
        assert_eq!(few, Err(MeshError::Count { part: 0, what: "normals", found: 1, vertices: 4 }));
        let nan = made(Part { colours: vec![[f32::NAN; 4]; 4], ..part.clone() });
        assert_eq!(nan, Err(MeshError::NotFinite { part: 0, what: "colour" }));
        let base = Some(Texture { image: 0, ..Texture::default() });
        let lost = Mesh::new(vec![part], vec![Material { base, ..Material::default() }], vec![]);
        assert_eq!(lost, Err(MeshError::Image { material: 0, image: 0, images: 0 }));
    }

    #[test]
    fn normalised_is_centred_and_one_long() {
        let bounds = made(triangle()).unwrap().normalised().unwrap().bounds();
        assert_eq!((bounds.low, bounds.high), (Vector3::new(-0.5, -0.25, -0.125), Vector3::new(0.5, 0.25, 0.125)));
        let point = Part { positions: vec![[1.0, 2.0, 3.0]; 3], triangles: vec![[0, 1, 2]], ..Part::default() };
        assert_eq!(made(point).unwrap().normalised(), Err(MeshError::NoExtent));
    }

    #[test]
    fn up_becomes_z() {
        let part = Part { normals: vec![[0.0, 1.0, 0.0]; 4], ..triangle() };
        let turned = made(part).unwrap().z_up();
        assert_eq!(turned.parts[0].positions[2], [1.0, -4.0, 4.0]);
        assert_eq!(turned.parts[0].normals[0], [0.0, 0.0, 1.0]);
    }
}
