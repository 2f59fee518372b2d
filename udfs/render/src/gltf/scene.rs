//! Nodes: what the scene shows, and where.

use spatialmill_geometry::{Matrix3, Vector3};

use super::document::{Document, Node};
use super::{GltfError, broken, found};

/// A linear map and a translation after it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    pub linear: Matrix3<f64>,
    pub translation: Vector3<f64>,
}

/// More nodes below each other are refused.
const MAX_DEPTH: usize = 64;

/// All nodes that the scene shows, in the order of the file, with their places in it.
pub fn nodes(document: &Document) -> Result<Vec<(usize, Place)>, GltfError> {
    let mut is_shown = vec![false; document.nodes.len()];
    let mut shown = Vec::new();
    let mut next: Vec<(usize, usize, Place)> =
        tops(document)?.into_iter().map(|top| (top, 1, Place::identity())).collect();
    next.reverse();
    while let Some((index, depth, parent)) = next.pop() {
        let node = found("node", &document.nodes, index)?;
        // Also how a circle ends.
        if std::mem::replace(&mut is_shown[index], true) {
            return Err(broken("node", index, "it is below two nodes, or below itself"));
        }
        if depth > MAX_DEPTH {
            return Err(broken("node", index, format!("it is more than {MAX_DEPTH} nodes deep")));
        }
        let place = parent.before(&Place::of(node));
        shown.push((index, place));
        let children = node.children.iter().flatten();
        next.extend(children.rev().map(|child| (*child, depth + 1, place)));
    }
    Ok(shown)
}

/// The nodes that are below no other: the scene's, or where there is no scene, all.
fn tops(document: &Document) -> Result<Vec<usize>, GltfError> {
    if document.scene.is_some() || !document.scenes.is_empty() {
        let scene = found("scene", &document.scenes, document.scene.unwrap_or(0))?;
        return Ok(scene.nodes.clone());
    }
    let mut is_top = vec![true; document.nodes.len()];
    for child in document.nodes.iter().filter_map(|node| node.children.as_ref()).flatten() {
        if let Some(is_top) = is_top.get_mut(*child) {
            *is_top = false;
        }
    }
    Ok((0..document.nodes.len()).filter(|node| is_top[*node]).collect())
}

impl Place {
    fn identity() -> Self {
        Self { linear: Matrix3::identity(), translation: Vector3::zeros() }
    }

    /// By its matrix (column by column), or by what scales, turns and moves it.
    fn of(node: &Node) -> Self {
        if let Some(matrix) = node.matrix {
            let m = matrix.map(f64::from);
            return Self {
                linear: Matrix3::new(m[0], m[4], m[8], m[1], m[5], m[9], m[2], m[6], m[10]),
                translation: Vector3::new(m[12], m[13], m[14]),
            };
        }
        let scale = Vector3::from(node.scale.unwrap_or([1.0; 3]).map(f64::from));
        let [x, y, z, w] = node.rotation.unwrap_or([0.0, 0.0, 0.0, 1.0]).map(f64::from);
        // Of any length but 0.
        let length = x * x + y * y + z * z + w * w;
        let s = if length > 0.0 { 2.0 / length } else { 0.0 };
        let rotation = Matrix3::new(
            1.0 - s * (y * y + z * z),
            s * (x * y - w * z),
            s * (x * z + w * y),
            s * (x * y + w * z),
            1.0 - s * (x * x + z * z),
            s * (y * z - w * x),
            s * (x * z - w * y),
            s * (y * z + w * x),
            1.0 - s * (x * x + y * y),
        );
        Self {
            linear: rotation * Matrix3::from_diagonal(&scale),
            translation: Vector3::from(node.translation.unwrap_or([0.0; 3]).map(f64::from)),
        }
    }

    /// `inner` first, and then this.
    fn before(&self, inner: &Self) -> Self {
        Self { linear: self.linear * inner.linear, translation: self.linear * inner.translation + self.translation }
    }

    pub fn position(&self, position: [f32; 3]) -> [f32; 3] {
        (self.linear * Vector3::from(position.map(f64::from)) + self.translation).map(|axis| axis as f32).into()
    }

    /// What normals go through: the cofactors, which exist also where something is pressed flat.
    pub fn for_normals(&self) -> Matrix3<f64> {
        let [x, y, z] = [0, 1, 2].map(|column| self.linear.column(column).into_owned());
        Matrix3::from_columns(&[y.cross(&z), z.cross(&x), x.cross(&y)])
    }
}
