//! Meshes: the vertices and triangles of a PLY file, in ASCII or binary of either byte order, whatever its properties are
//! called beside x, y, z and the vertex indices, and whatever types and order they have.

use std::io::Cursor;

use ply_rs_bw::parser::{Parser, Reader};
use ply_rs_bw::ply::{Property, PropertyAccess, PropertyAccessResult};
use spatialmill_geometry::Vector3;

/// Vertices, and triangles that index them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mesh {
    /// Metres, in the file's own axes.
    pub vertices: Vec<Vector3<f64>>,
    /// Each index is that of a vertex.
    pub triangles: Vec<[u32; 3]>,
}

impl Mesh {
    /// Reads a whole file; the message says why it cannot be. Polygons become fans of triangles.
    ///
    /// A header may promise anything: an element without a byte of its own in the file is never made room for.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut reader = Reader::new(Cursor::new(bytes));
        let header = Parser::<Skipped>::new().read_header(&mut reader).map_err(|e| short(&e))?;
        let mut vertices = None;
        let mut faces = None;
        for element in header.elements.values() {
            // Even a vertex without properties is a line of its own in ASCII; and in binary there is no use for one.
            if element.count > bytes.len() {
                return Err(format!(
                    "the header promises {} of `{}`, more than the file has bytes",
                    element.count,
                    element.name.escape_debug()
                ));
            }
            match element.name.as_str() {
                "vertex" => {
                    let read = Parser::<Vertex>::new().read_payload_for_element(&mut reader, element, &header);
                    vertices = Some(read.map_err(|e| short(&e))?);
                }
                "face" => {
                    let read = Parser::<Face>::new().read_payload_for_element(&mut reader, element, &header);
                    faces = Some(read.map_err(|e| short(&e))?);
                }
                _ => {
                    let read = Parser::<Skipped>::new().read_payload_for_element(&mut reader, element, &header);
                    read.map_err(|e| short(&e))?;
                }
            }
        }
        let rest = &bytes[(reader.into_inner().position() as usize).min(bytes.len())..];
        if !rest.trim_ascii().is_empty() {
            return Err(format!(
                "{} bytes are left over after the last element; is a count in the header too low?",
                rest.len()
            ));
        }
        let vertices = vertices.ok_or("there is no element `vertex`")?;
        let faces = faces.ok_or("there is no element `face`: points alone do not show what hides what")?;
        let vertices: Vec<_> = vertices.iter().map(Vertex::place).collect::<Option<_>>().ok_or_else(|| {
            "a vertex has no x, y and z, or they are not finite and nearer than a thousand kilometres".to_owned()
        })?;
        let mut triangles = Vec::new();
        for face in faces {
            let corners = face.corners.ok_or("a face has no list of vertex indices, or a negative one")?;
            if corners.len() < 3 || corners.iter().any(|corner| *corner as usize >= vertices.len()) {
                return Err(format!("a face with the corners {corners:?} is none of {} vertices", vertices.len()));
            }
            triangles.extend((2..corners.len()).map(|last| [corners[0], corners[last - 1], corners[last]]));
        }
        Ok(Self { vertices, triangles })
    }
}

/// The first line of a parser's message: the rest repeats the input.
fn short(error: &ply_rs_bw::parser::ParseError) -> String {
    let text = error.to_string();
    let line: String = text.lines().next().unwrap_or_default().chars().take(200).collect();
    format!("not a readable PLY: {line}")
}

/// Farther away than this is no scan, and squares of it would lose the millimetres.
const FARTHEST_M: f64 = 1e6;

#[derive(Debug)]
struct Vertex([f64; 3]);

impl Vertex {
    fn set(&mut self, name: &str, value: f64) -> PropertyAccessResult {
        let axis = match name {
            "x" => 0,
            "y" => 1,
            "z" => 2,
            _ => return PropertyAccessResult::Ignored,
        };
        self.0[axis] = value;
        PropertyAccessResult::Set
    }

    fn place(&self) -> Option<Vector3<f64>> {
        // A NaN is within no range.
        self.0.iter().all(|x| x.abs() < FARTHEST_M).then(|| self.0.into())
    }
}

impl PropertyAccess for Vertex {
    fn new() -> Self {
        Self([f64::NAN; 3])
    }

    fn set_float(&mut self, name: &str, value: f32) -> PropertyAccessResult {
        self.set(name, value.into())
    }

    fn set_double(&mut self, name: &str, value: f64) -> PropertyAccessResult {
        self.set(name, value)
    }

    fn set_uchar(&mut self, name: &str, value: u8) -> PropertyAccessResult {
        self.set(name, value.into())
    }

    fn set_property(&mut self, name: &str, value: Property) -> PropertyAccessResult {
        let value = match value {
            Property::Char(value) => value.into(),
            Property::Short(value) => value.into(),
            Property::UShort(value) => value.into(),
            Property::Int(value) => value.into(),
            Property::UInt(value) => value.into(),
            _ => return PropertyAccessResult::Ignored,
        };
        self.set(name, value)
    }
}

#[derive(Debug)]
struct Face {
    corners: Option<Vec<u32>>,
}

impl PropertyAccess for Face {
    fn new() -> Self {
        Self { corners: None }
    }

    fn set_property(&mut self, name: &str, value: Property) -> PropertyAccessResult {
        if !matches!(name, "vertex_indices" | "vertex_index") {
            return PropertyAccessResult::Ignored;
        }
        self.corners = value.to_u32_list();
        PropertyAccessResult::Set
    }
}

/// An element that nobody asked for.
#[derive(Debug)]
struct Skipped;

impl PropertyAccess for Skipped {
    fn new() -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_have_any_type_and_order() {
        let ply = b"ply\nformat ascii 1.0\nelement vertex 3\nproperty float y\nproperty double x\nproperty float z\n\
            element face 1\nproperty list uchar int vertex_indices\nend_header\n0 0 0\n0 1 0\n1 0 0\n3 0 1 2\n";
        let mesh = Mesh::read(ply).unwrap();
        assert_eq!(mesh.vertices[1].as_slice(), [1.0, 0.0, 0.0]);
        assert_eq!(mesh.triangles, [[0, 1, 2]]);
    }
}
