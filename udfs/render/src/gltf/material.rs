//! Materials: what of them is drawn, and the images that they name. Only what a primitive uses is read.

use std::collections::BTreeMap;

use gltf_json::material::AlphaMode;
use gltf_json::texture::{Info, MagFilter, WrappingMode};
use gltf_json::validation::Checked;
use gltf_json::{Root, material};

use super::buffers::Buffers;
use super::{GltfError, Limits, found, picture};
use crate::mesh::{Material, Shading};
use crate::sine::sin_cos;
use crate::texture::{Image, Magnified, Texture, Wrap};

pub struct Materials<'a> {
    root: &'a Root,
    buffers: &'a Buffers<'a>,
    limits: &'a Limits,
    /// By the file's number; `None` is the material of what has none.
    known: BTreeMap<Option<usize>, UsedMaterial>,
    materials: Vec<Material>,
    /// By the file's number, ours.
    images_known: BTreeMap<usize, usize>,
    images: Vec<Image>,
    /// Bytes that the images may still take.
    room: u64,
}

/// A material in the mesh, and where its images are on what it covers.
#[derive(Debug, Clone, Copy)]
pub struct UsedMaterial {
    pub index: usize,
    pub base: Option<Placed>,
    pub emissive: Option<Placed>,
}

/// How a place in an image follows from what a file has for each vertex.
#[derive(Debug, Clone, Copy)]
pub struct Placed {
    /// Which of the file's sets.
    pub set: u32,
    rows: [[f64; 3]; 2],
}

impl<'a> Materials<'a> {
    pub fn new(root: &'a Root, buffers: &'a Buffers<'a>, limits: &'a Limits) -> Self {
        Self {
            root,
            buffers,
            limits,
            known: BTreeMap::new(),
            materials: Vec::new(),
            images_known: BTreeMap::new(),
            images: Vec::new(),
            room: limits.images,
        }
    }

    /// All that was asked for.
    pub fn finish(self) -> (Vec<Material>, Vec<Image>) {
        (self.materials, self.images)
    }

    pub fn get(&mut self, index: Option<usize>) -> Result<UsedMaterial, GltfError> {
        if let Some(known) = self.known.get(&index) {
            return Ok(*known);
        }
        let read = match index {
            Some(index) => self.read(found("material", &self.root.materials, index)?)?,
            None => (Material::default(), None, None),
        };
        let (material, base, emissive) = read;
        let used = UsedMaterial { index: self.materials.len(), base, emissive };
        self.materials.push(material);
        self.known.insert(index, used);
        Ok(used)
    }

    fn read(&mut self, own: &material::Material) -> Result<(Material, Option<Placed>, Option<Placed>), GltfError> {
        let extensions = own.extensions.as_ref();
        // Where there are both, the older way of exporters says what the newer one only approximates.
        let older = extensions.and_then(|extensions| extensions.pbr_specular_glossiness.as_ref());
        let (factor, info) = match older {
            Some(older) => (older.diffuse_factor.0, older.diffuse_texture.as_ref()),
            None => {
                let newer = &own.pbr_metallic_roughness;
                (newer.base_color_factor.0, newer.base_color_texture.as_ref())
            }
        };
        let base = info.map(|info| self.texture(info)).transpose()?;
        let emissive = own.emissive_texture.as_ref().filter(|_| own.emissive_factor.0 != [0.0; 3]);
        let emissive = emissive.map(|info| self.texture(info)).transpose()?;
        let cutoff = match own.alpha_mode {
            Checked::Valid(AlphaMode::Mask) => Some(own.alpha_cutoff.unwrap_or_default().0),
            Checked::Valid(AlphaMode::Blend) => Some(0.5),
            _ => None,
        };
        let is_unlit = extensions.is_some_and(|extensions| extensions.unlit.is_some());
        let material = Material {
            base: base.map(|(texture, _)| texture),
            base_factor: factor,
            emissive: emissive.map(|(texture, _)| texture),
            emissive_factor: if is_unlit { [0.0; 3] } else { own.emissive_factor.0 },
            cutoff,
            shading: if is_unlit { Shading::Unlit } else { Shading::Lit },
        };
        Ok((material, base.map(|(_, placed)| placed), emissive.map(|(_, placed)| placed)))
    }

    fn texture(&mut self, info: &Info) -> Result<(Texture, Placed), GltfError> {
        let own = found("texture", &self.root.textures, info.index.value())?;
        let mut texture = Texture { image: self.image(own.source.value())?, ..Texture::default() };
        if let Some(sampler) = own.sampler {
            let sampler = found("sampler", &self.root.samplers, sampler.value())?;
            texture.wrap = [sampler.wrap_s, sampler.wrap_t].map(|mode| match mode {
                Checked::Valid(WrappingMode::ClampToEdge) => Wrap::Edge,
                Checked::Valid(WrappingMode::MirroredRepeat) => Wrap::Mirror,
                _ => Wrap::Repeat,
            });
            if let Some(Checked::Valid(MagFilter::Nearest)) = sampler.mag_filter {
                texture.magnified = Magnified::Squares;
            }
        }
        Ok((texture, Placed::of(info)))
    }

    fn image(&mut self, index: usize) -> Result<usize, GltfError> {
        if let Some(known) = self.images_known.get(&index) {
            return Ok(*known);
        }
        let image = picture::read(self.root, self.buffers, index, self.limits, &mut self.room)?;
        self.images.push(image);
        self.images_known.insert(index, self.images.len() - 1);
        Ok(self.images.len() - 1)
    }
}

impl Placed {
    fn of(info: &Info) -> Self {
        let transform = info.extensions.as_ref().and_then(|extensions| extensions.texture_transform.as_ref());
        let Some(transform) = transform else {
            return Self { set: info.tex_coord, rows: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]] };
        };
        let [scale_u, scale_v] = transform.scale.0.map(f64::from);
        let [offset_u, offset_v] = transform.offset.0.map(f64::from);
        // Counter-clockwise as people see it, with v downwards. The shader in the extension's text turns the other way than its words and than viewers do.
        let (sin, cos) = sin_cos(transform.rotation.0.into());
        Self {
            set: transform.tex_coord.unwrap_or(info.tex_coord),
            rows: [[cos * scale_u, sin * scale_v, offset_u], [-sin * scale_u, cos * scale_v, offset_v]],
        }
    }

    pub fn moved(&self, place: [f32; 2]) -> [f32; 2] {
        let [u, v] = place.map(f64::from);
        self.rows.map(|[by_u, by_v, offset]| (by_u * u + by_v * v + offset) as f32)
    }
}
