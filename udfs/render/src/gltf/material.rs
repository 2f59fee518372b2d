//! Materials: what of them is drawn, and the images that they name. Only what a primitive uses is read.

use std::collections::BTreeMap;

use super::buffers::Buffers;
use super::document::{self, AlphaMode, Document, MagFilter, TextureInfo, WrapMode};
use super::{GltfError, Limits, found, picture};
use crate::mesh::{Material, Shading};
use crate::sine::sin_cos;
use crate::texture::{Image, Magnified, Texture, Wrap};

pub struct Materials<'a> {
    document: &'a Document,
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
    pub fn new(document: &'a Document, buffers: &'a Buffers<'a>, limits: &'a Limits) -> Self {
        Self {
            document,
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
            Some(index) => self.read(found("material", &self.document.materials, index)?)?,
            None => (Material::default(), None, None),
        };
        let (material, base, emissive) = read;
        let used = UsedMaterial { index: self.materials.len(), base, emissive };
        self.materials.push(material);
        self.known.insert(index, used);
        Ok(used)
    }

    fn read(&mut self, own: &document::Material) -> Result<(Material, Option<Placed>, Option<Placed>), GltfError> {
        let extensions = own.extensions.as_ref();
        // Where there are both, the older way of exporters says what the newer one only approximates.
        let older = extensions.and_then(|extensions| extensions.specular_glossiness.as_ref());
        let (factor, info) = match (older, &own.pbr_metallic_roughness) {
            (Some(older), _) => (older.diffuse_factor, older.diffuse_texture.as_ref()),
            (None, Some(newer)) => (newer.base_color_factor, newer.base_color_texture.as_ref()),
            (None, None) => ([1.0; 4], None),
        };
        let base = info.map(|info| self.texture(info)).transpose()?;
        let emissive = own.emissive_texture.as_ref().filter(|_| own.emissive_factor != [0.0; 3]);
        let emissive = emissive.map(|info| self.texture(info)).transpose()?;
        let cutoff = match own.alpha_mode {
            AlphaMode::Mask => Some(own.alpha_cutoff.unwrap_or(0.5)),
            AlphaMode::Blend => Some(0.5),
            AlphaMode::Opaque => None,
        };
        let is_unlit = extensions.is_some_and(|extensions| extensions.unlit.is_some());
        let material = Material {
            base: base.map(|(texture, _)| texture),
            base_factor: factor,
            emissive: emissive.map(|(texture, _)| texture),
            emissive_factor: if is_unlit { [0.0; 3] } else { own.emissive_factor },
            cutoff,
            shading: if is_unlit { Shading::Unlit } else { Shading::Lit },
        };
        Ok((material, base.map(|(_, placed)| placed), emissive.map(|(_, placed)| placed)))
    }

    fn texture(&mut self, info: &TextureInfo) -> Result<(Texture, Placed), GltfError> {
        let own = found("texture", &self.document.textures, info.index)?;
        let other_image = || GltfError::Needs("a kind of image that is neither PNG nor JPEG".to_owned());
        let mut texture = Texture { image: self.image(own.source.ok_or_else(other_image)?)?, ..Texture::default() };
        if let Some(sampler) = own.sampler {
            let sampler = found("sampler", &self.document.samplers, sampler)?;
            texture.wrap = [sampler.wrap_s, sampler.wrap_t].map(|mode| match mode {
                WrapMode::ClampToEdge => Wrap::Edge,
                WrapMode::MirroredRepeat => Wrap::Mirror,
                WrapMode::Repeat => Wrap::Repeat,
            });
            if let Some(MagFilter::Nearest) = sampler.mag_filter {
                texture.magnified = Magnified::Squares;
            }
        }
        Ok((texture, Placed::of(info)))
    }

    fn image(&mut self, index: usize) -> Result<usize, GltfError> {
        if let Some(known) = self.images_known.get(&index) {
            return Ok(*known);
        }
        let image = picture::read(self.document, self.buffers, index, self.limits, &mut self.room)?;
        self.images.push(image);
        self.images_known.insert(index, self.images.len() - 1);
        Ok(self.images.len() - 1)
    }
}

impl Placed {
    fn of(info: &TextureInfo) -> Self {
        let transform = info.extensions.as_ref().and_then(|extensions| extensions.transform.as_ref());
        let Some(transform) = transform else {
            return Self { set: info.tex_coord, rows: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]] };
        };
        let [scale_u, scale_v] = transform.scale.map(f64::from);
        let [offset_u, offset_v] = transform.offset.map(f64::from);
        // Counter-clockwise as people see it, with v downwards. The shader in the extension's text turns the other way than its words and than viewers do.
        let (sin, cos) = sin_cos(transform.rotation.into());
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
