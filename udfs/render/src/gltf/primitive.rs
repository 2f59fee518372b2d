//! A primitive: vertices, and how three of them at a time are triangles.

use spatialmill_geometry::Vector3;

use super::accessor::Accessors;
use super::document::{Attribute, Mode, Primitive};
use super::material::{Placed, UsedMaterial};
use super::scene::Place;
use super::{GltfError, broken};
use crate::mesh::Part;

/// What memory is taken for.
pub struct Size {
    pub vertices: u64,
    pub triangles: u64,
}

/// Of a primitive; `None` of one that has no triangles.
pub fn size(accessors: &Accessors, primitive: &Primitive) -> Result<Option<Size>, GltfError> {
    let Some(mode) = primitive.mode else {
        return Err(GltfError::Needs("a kind of primitive that is not glTF's".to_owned()));
    };
    let Some(positions) = attribute(primitive, Attribute::Position) else { return Ok(None) };
    let extensions = primitive.extensions.as_ref();
    if extensions.is_some_and(|extensions| extensions.draco.is_some()) && !accessors.has_bytes(positions)? {
        return Err(GltfError::Needs("KHR_draco_mesh_compression".to_owned()));
    }
    let vertices = accessors.count(positions)?;
    let corners = match primitive.indices {
        Some(indices) => accessors.count(indices)?,
        None => vertices,
    };
    let triangles = match mode {
        Mode::Triangles => corners / 3,
        Mode::TriangleStrip | Mode::TriangleFan => corners.saturating_sub(2),
        Mode::Points | Mode::Lines | Mode::LineLoop | Mode::LineStrip => 0,
    };
    Ok((triangles > 0).then_some(Size { vertices, triangles }))
}

/// The primitive where its node puts it.
pub fn read(
    accessors: &Accessors,
    primitive: &Primitive,
    place: &Place,
    material: &UsedMaterial,
) -> Result<Part, GltfError> {
    let Some(positions) = attribute(primitive, Attribute::Position) else { return Ok(Part::default()) };
    let mut part = Part { material: material.index, ..Part::default() };
    part.positions = accessors.vectors(positions, 3, 0.0)?;
    part.triangles = triangles(accessors, primitive, part.positions.len())?;
    if let Some(normals) = attribute(primitive, Attribute::Normal) {
        let through = place.for_normals();
        let turned = |normal: [f32; 3]| {
            let normal = through * Vector3::from(normal.map(f64::from));
            // Of length 1 or so, as squares of what a scale makes of it may be too small for a float.
            let length = normal.amax();
            (if length > 0.0 { normal / length } else { normal }).map(|axis| axis as f32).into()
        };
        part.normals = accessors.vectors(normals, 3, 0.0)?.into_iter().map(turned).collect();
    }
    if let Some(colours) = attribute(primitive, Attribute::Colour) {
        part.colours = accessors.vectors(colours, 3, 1.0)?;
        // What says 255 for 1 is a mistake that people see as white.
        part.colours.iter_mut().flatten().for_each(|factor| *factor = factor.clamp(0.0, 1.0));
    }
    part.base_places = places(accessors, primitive, material.base.as_ref())?;
    part.emissive_places = places(accessors, primitive, material.emissive.as_ref())?;
    part.positions.iter_mut().for_each(|position| *position = place.position(*position));
    Ok(part)
}

fn places(accessors: &Accessors, primitive: &Primitive, placed: Option<&Placed>) -> Result<Vec<[f32; 2]>, GltfError> {
    let Some(placed) = placed else { return Ok(Vec::new()) };
    let Some(places) = attribute(primitive, Attribute::Places(placed.set)) else { return Ok(Vec::new()) };
    Ok(accessors.vectors(places, 2, 0.0)?.into_iter().map(|place| placed.moved(place)).collect())
}

/// Which accessor an attribute is in.
fn attribute(primitive: &Primitive, attribute: Attribute) -> Option<usize> {
    primitive.attributes.get(&attribute).copied()
}

/// Three vertices each; [`Part`] knows whether these exist.
fn triangles(accessors: &Accessors, primitive: &Primitive, vertices: usize) -> Result<Vec<[u32; 3]>, GltfError> {
    let corners = match primitive.indices {
        Some(indices) => accessors.indices(indices)?,
        // Fewer than a u32 counts, by the limits.
        None => (0..vertices as u32).collect(),
    };
    if let (Some(indices), Some(most)) = (primitive.indices, corners.iter().max())
        && *most as usize >= vertices
    {
        return Err(broken("accessor", indices, format!("it has vertex {most} of {vertices}")));
    }
    Ok(match primitive.mode {
        Some(Mode::TriangleStrip) => {
            // Every second one goes the other way round.
            let turned = |(at, [a, b, c]): (usize, [u32; 3])| if at % 2 == 0 { [a, b, c] } else { [b, a, c] };
            corners.array_windows().copied().enumerate().map(turned).collect()
        }
        Some(Mode::TriangleFan) => {
            let Some((first, rest)) = corners.split_first() else { return Ok(Vec::new()) };
            rest.array_windows().map(|[b, c]| [*first, *b, *c]).collect()
        }
        _ => corners.as_chunks().0.to_vec(),
    })
}
