//! What is read of glTF's JSON, as the file has it: nothing here is checked, not even that a number of a list leads somewhere. Fields that
//! are not drawn are not here, and so may hold whatever they like.
//!
//! Where a file says a number or a word that glTF does not have, there are two ways. What decides where bytes are or which triangles there are
//! is `None`, and its reader makes an error of it. What decides only how a surface looks is what it would be if nothing were said.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    pub asset: Asset,
    #[serde(default)]
    pub extensions_required: Vec<String>,
    pub scene: Option<usize>,
    #[serde(default)]
    pub scenes: Vec<Scene>,
    #[serde(default)]
    pub nodes: Vec<Node>,
    #[serde(default)]
    pub meshes: Vec<Mesh>,
    #[serde(default)]
    pub accessors: Vec<Accessor>,
    #[serde(default)]
    pub buffer_views: Vec<BufferView>,
    #[serde(default)]
    pub buffers: Vec<Buffer>,
    #[serde(default)]
    pub materials: Vec<Material>,
    #[serde(default)]
    pub textures: Vec<Texture>,
    #[serde(default)]
    pub samplers: Vec<Sampler>,
    #[serde(default)]
    pub images: Vec<Image>,
}

#[derive(Deserialize)]
pub struct Asset {
    pub version: String,
}

#[derive(Deserialize)]
pub struct Scene {
    #[serde(default)]
    pub nodes: Vec<usize>,
}

#[derive(Deserialize)]
pub struct Node {
    pub children: Option<Vec<usize>>,
    pub mesh: Option<usize>,
    /// Column by column.
    pub matrix: Option<[f32; 16]>,
    pub translation: Option<[f32; 3]>,
    /// x, y, z, w.
    pub rotation: Option<[f32; 4]>,
    pub scale: Option<[f32; 3]>,
}

#[derive(Deserialize)]
pub struct Mesh {
    pub primitives: Vec<Primitive>,
}

#[derive(Deserialize)]
pub struct Primitive {
    /// To numbers of accessors.
    pub attributes: BTreeMap<Attribute, usize>,
    pub indices: Option<usize>,
    pub material: Option<usize>,
    #[serde(default = "triangles", deserialize_with = "mode")]
    pub mode: Option<Mode>,
    pub extensions: Option<PrimitiveExtensions>,
}

/// Those that are not read are one, so that a file with many of them takes no memory for their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(from = "String")]
pub enum Attribute {
    Position,
    Normal,
    /// The first set of colours; no other is drawn.
    Colour,
    /// A set of places in textures.
    Places(u32),
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Points,
    Lines,
    LineLoop,
    LineStrip,
    Triangles,
    TriangleStrip,
    TriangleFan,
}

#[derive(Deserialize)]
pub struct PrimitiveExtensions {
    #[serde(rename = "KHR_draco_mesh_compression")]
    pub draco: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Accessor {
    pub buffer_view: Option<usize>,
    pub byte_offset: Option<u64>,
    #[serde(deserialize_with = "component_type")]
    pub component_type: Option<ComponentType>,
    #[serde(default)]
    pub normalized: bool,
    pub count: u64,
    #[serde(rename = "type", deserialize_with = "shape")]
    pub shape: Option<Shape>,
    pub sparse: Option<Sparse>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComponentType {
    I8,
    U8,
    I16,
    U16,
    U32,
    F32,
}

/// What glTF calls an accessor's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Scalar,
    Vec2,
    Vec3,
    Vec4,
    Mat2,
    Mat3,
    Mat4,
}

#[derive(Deserialize)]
pub struct Sparse {
    pub count: u64,
    pub indices: SparseIndices,
    pub values: SparseValues,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SparseIndices {
    pub buffer_view: usize,
    pub byte_offset: Option<u64>,
    #[serde(deserialize_with = "component_type")]
    pub component_type: Option<ComponentType>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SparseValues {
    pub buffer_view: usize,
    pub byte_offset: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BufferView {
    pub buffer: usize,
    pub byte_offset: Option<u64>,
    pub byte_length: u64,
    pub byte_stride: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Buffer {
    #[serde(default)]
    pub byte_length: u64,
    pub uri: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Material {
    pub pbr_metallic_roughness: Option<MetallicRoughness>,
    pub emissive_texture: Option<TextureInfo>,
    #[serde(default)]
    pub emissive_factor: [f32; 3],
    #[serde(default)]
    pub alpha_mode: AlphaMode,
    pub alpha_cutoff: Option<f32>,
    pub extensions: Option<MaterialExtensions>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetallicRoughness {
    #[serde(default = "white")]
    pub base_color_factor: [f32; 4],
    pub base_color_texture: Option<TextureInfo>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum AlphaMode {
    #[default]
    Opaque,
    Mask,
    Blend,
}

#[derive(Deserialize)]
pub struct MaterialExtensions {
    #[serde(rename = "KHR_materials_pbrSpecularGlossiness")]
    pub specular_glossiness: Option<SpecularGlossiness>,
    /// Empty; that it is there says all.
    #[serde(rename = "KHR_materials_unlit")]
    pub unlit: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SpecularGlossiness {
    #[serde(default = "white")]
    pub diffuse_factor: [f32; 4],
    pub diffuse_texture: Option<TextureInfo>,
}

/// How a material names a texture.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TextureInfo {
    pub index: usize,
    #[serde(default)]
    pub tex_coord: u32,
    pub extensions: Option<TextureInfoExtensions>,
}

#[derive(Deserialize)]
pub struct TextureInfoExtensions {
    #[serde(rename = "KHR_texture_transform")]
    pub transform: Option<TextureTransform>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TextureTransform {
    #[serde(default)]
    pub offset: [f32; 2],
    /// Radians.
    #[serde(default)]
    pub rotation: f32,
    #[serde(default = "unscaled")]
    pub scale: [f32; 2],
    /// Instead of the one that is said beside the extension.
    pub tex_coord: Option<u32>,
}

#[derive(Deserialize)]
pub struct Texture {
    pub sampler: Option<usize>,
    /// Of one that only an extension has, nothing.
    pub source: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sampler {
    pub mag_filter: Option<MagFilter>,
    #[serde(default)]
    pub wrap_s: WrapMode,
    #[serde(default)]
    pub wrap_t: WrapMode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(from = "u64")]
pub enum MagFilter {
    Nearest,
    Linear,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "u64")]
pub enum WrapMode {
    #[default]
    Repeat,
    ClampToEdge,
    MirroredRepeat,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    pub uri: Option<String>,
    pub buffer_view: Option<usize>,
}

impl From<String> for Attribute {
    fn from(name: String) -> Self {
        match name.as_str() {
            "POSITION" => Self::Position,
            "NORMAL" => Self::Normal,
            "COLOR_0" => Self::Colour,
            name => name.strip_prefix("TEXCOORD_").and_then(|set| set.parse().ok()).map_or(Self::Other, Self::Places),
        }
    }
}

impl ComponentType {
    /// Bytes.
    pub fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::U32 | Self::F32 => 4,
        }
    }

    /// Whether a number of it can say which of several things is meant.
    pub fn is_index(self) -> bool {
        matches!(self, Self::U8 | Self::U16 | Self::U32)
    }
}

impl From<String> for AlphaMode {
    fn from(name: String) -> Self {
        match name.as_str() {
            "MASK" => Self::Mask,
            "BLEND" => Self::Blend,
            _ => Self::Opaque,
        }
    }
}

impl From<u64> for MagFilter {
    fn from(number: u64) -> Self {
        if number == 9728 { Self::Nearest } else { Self::Linear }
    }
}

impl From<u64> for WrapMode {
    fn from(number: u64) -> Self {
        match number {
            33071 => Self::ClampToEdge,
            33648 => Self::MirroredRepeat,
            _ => Self::Repeat,
        }
    }
}

fn mode<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Mode>, D::Error> {
    Ok(match u64::deserialize(from)? {
        0 => Some(Mode::Points),
        1 => Some(Mode::Lines),
        2 => Some(Mode::LineLoop),
        3 => Some(Mode::LineStrip),
        4 => Some(Mode::Triangles),
        5 => Some(Mode::TriangleStrip),
        6 => Some(Mode::TriangleFan),
        _ => None,
    })
}

fn component_type<'de, D: Deserializer<'de>>(from: D) -> Result<Option<ComponentType>, D::Error> {
    Ok(match u64::deserialize(from)? {
        5120 => Some(ComponentType::I8),
        5121 => Some(ComponentType::U8),
        5122 => Some(ComponentType::I16),
        5123 => Some(ComponentType::U16),
        5125 => Some(ComponentType::U32),
        5126 => Some(ComponentType::F32),
        _ => None,
    })
}

fn shape<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Shape>, D::Error> {
    Ok(match String::deserialize(from)?.as_str() {
        "SCALAR" => Some(Shape::Scalar),
        "VEC2" => Some(Shape::Vec2),
        "VEC3" => Some(Shape::Vec3),
        "VEC4" => Some(Shape::Vec4),
        "MAT2" => Some(Shape::Mat2),
        "MAT3" => Some(Shape::Mat3),
        "MAT4" => Some(Shape::Mat4),
        _ => None,
    })
}

fn triangles() -> Option<Mode> {
    Some(Mode::Triangles)
}

fn white() -> [f32; 4] {
    [1.0; 4]
}

fn unscaled() -> [f32; 2] {
    [1.0; 2]
}
