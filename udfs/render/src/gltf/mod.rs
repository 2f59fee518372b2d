//! A GLB file, or a glTF file that holds all its bytes itself, to a [`Mesh`]: the triangles of its scene in the scene's axes (y up),
//! as they are at rest.
//!
//! ```text
//! bytes ─► container ─► JSON ─► scene: nodes and where they are ─► primitive: vertices and triangles ─► mesh
//!             │                                                       │    └─ accessor: numbers       ▲
//!             └─► buffers ────────────────────────────────────────────┴─ material, picture ───────────┘
//! ```
//!
//! Files come from anywhere. No path or address in them is followed: what is not in the file is an error. Whatever they say about
//! sizes is checked against their bytes and against [`Limits`] before memory is taken. What changes how a file must be read and is not
//! known here (Draco's compression, ...) is an error with its name; what changes only what shines how is left out.
//!
//! Left out, too: animations, morph targets, the skeletons of skins (vertices are where their node puts them), cameras, lights, points and lines.

mod accessor;
mod buffers;
mod container;
mod document;
mod material;
mod picture;
mod primitive;
mod scene;
#[cfg(test)]
mod tests;

use thiserror::Error;

use crate::{Mesh, MeshError};
use accessor::Accessors;
use buffers::Buffers;
use document::Document;
use material::Materials;

/// What a file may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file. 64 MiB.
    pub file: usize,
    /// Of all meshes, as often as the scene shows them. 5 million; a triangle takes 12 bytes.
    pub triangles: usize,
    /// The same. 15 million, three for each triangle; a vertex takes 12 to 56 bytes.
    pub vertices: usize,
    /// Pixels of a side of an image. 8192.
    pub image_side: u32,
    /// Bytes of all images, decoded. 512 MiB.
    pub images: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { file: 64 << 20, triangles: 5_000_000, vertices: 15_000_000, image_side: 8192, images: 512 << 20 }
    }
}

/// Why a file is no mesh.
#[derive(Debug, Error)]
pub enum GltfError {
    #[error("neither a GLB nor a glTF file")]
    Format,
    #[error("glTF {0} is not 2, which alone is read")]
    Version(String),
    #[error("the file ends before its {0}")]
    CutOff(&'static str),
    #[error("not readable as glTF: {0}")]
    Json(#[from] serde_json::Error),
    #[error("it needs {0}, which is not read here")]
    Needs(String),
    #[error("it has bytes elsewhere, in `{0}`; only files that hold everything themselves are read")]
    Elsewhere(String),
    #[error("a `data:` address is not readable: {0}")]
    DataUri(&'static str),
    #[error("{what} {index} is not there, there are {count}")]
    Missing { what: &'static str, index: usize, count: usize },
    #[error("{what} {index}: {problem}")]
    Broken { what: &'static str, index: usize, problem: String },
    #[error("{found} {what}, more than {limit}")]
    TooMuch { what: &'static str, found: u64, limit: u64 },
    #[error(transparent)]
    Mesh(#[from] MeshError),
}

/// Reads a file of either form.
///
/// Textures are the base colour's and the emissive one; positions, normals, colours and places in textures may be of any kind of number.
/// Where a file says that one can see through something, opacity below 0.5 is a hole and everything else is solid.
pub fn read_gltf(bytes: &[u8], limits: &Limits) -> Result<Mesh, GltfError> {
    limit("bytes", bytes.len() as u64, limits.file as u64)?;
    let (json, binary) = container::split(bytes)?;
    container::check_size(json)?;
    let document: Document = serde_json::from_slice(json)?;
    check_needs(&document)?;
    let buffers = Buffers::new(&document, binary);
    let accessors = Accessors::new(&document, &buffers, limits);
    let mut materials = Materials::new(&document, &buffers, limits);
    let mut parts = Vec::new();
    let (mut triangles, mut vertices) = (0, 0);
    for (node, place) in scene::nodes(&document)? {
        let Some(mesh) = document.nodes[node].mesh else { continue };
        let mesh = found("mesh", &document.meshes, mesh)?;
        for primitive in &mesh.primitives {
            if let Some(size) = primitive::size(&accessors, primitive)? {
                triangles += size.triangles;
                vertices += size.vertices;
                limit("triangles", triangles, limits.triangles as u64)?;
                limit("vertices", vertices, limits.vertices as u64)?;
                let material = materials.get(primitive.material)?;
                parts.push(primitive::read(&accessors, primitive, &place, &material)?);
            }
        }
    }
    let (materials, images) = materials.finish();
    Ok(Mesh::new(parts, materials, images)?)
}

/// Extensions that a file may need and that are either read or no matter to what is drawn here.
fn check_needs(document: &Document) -> Result<(), GltfError> {
    if !document.asset.version.starts_with("2.") && document.asset.version != "2" {
        return Err(GltfError::Version(document.asset.version.clone()));
    }
    let known = |name: &str| {
        ["KHR_mesh_quantization", "KHR_texture_transform", "KHR_lights_punctual"].contains(&name)
            || name.starts_with("KHR_materials_")
    };
    match document.extensions_required.iter().find(|name| !known(name)) {
        Some(name) => Err(GltfError::Needs(name.clone())),
        None => Ok(()),
    }
}

/// One of a list of the file.
fn found<'a, T>(what: &'static str, list: &'a [T], index: usize) -> Result<&'a T, GltfError> {
    list.get(index).ok_or(GltfError::Missing { what, index, count: list.len() })
}

fn limit(what: &'static str, found: u64, limit: u64) -> Result<(), GltfError> {
    if found > limit { Err(GltfError::TooMuch { what, found, limit }) } else { Ok(()) }
}

fn broken(what: &'static str, index: usize, problem: impl Into<String>) -> GltfError {
    GltfError::Broken { what, index, problem: problem.into() }
}
