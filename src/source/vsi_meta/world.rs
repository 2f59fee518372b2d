//! The world of a scan's boxes: in go the vertices of its aligned mesh and boxes that were made around some of them, out comes how far the one is from
//! the other.
//!
//! VSI-Bench's boxes of ScanNet are relative to the mean of a mesh's vertices, others are not, and no field says which. A box that was made around an
//! object's vertices has some at each of its six faces, and in a wrong world it seldom has.

use spatialmill_geometry::{Bounds, OrientedBox, Vector3};

/// A vertex is at a face within this, metres: meshes that are thinned out have one every two or three centimetres.
const TOUCHES: f64 = 0.03;

/// The share of the boxes that have to have vertices at all faces.
const ENOUGH: f64 = 0.8;

/// What moves the vertices among the boxes: nothing, the mean of them to the origin, or the middle of their bounds to the room's; none where too few
/// boxes fit with any of these.
pub fn shift(
    vertices: &[Vector3<f64>],
    boxes: &[OrientedBox],
    room_centre: Option<Vector3<f64>>,
) -> Option<Vector3<f64>> {
    let bounds = Bounds::of(vertices)?;
    let mean = vertices.iter().sum::<Vector3<f64>>() / vertices.len() as f64;
    let candidates = [Some(Vector3::zeros()), Some(-mean), room_centre.map(|centre| centre - bounds.centre())];
    let fitting = |shift: &Vector3<f64>| boxes.iter().filter(|obb| is_filled(obb, vertices, shift)).count();
    let mut best = None;
    for candidate in candidates.into_iter().flatten() {
        let fits = fitting(&candidate);
        if best.is_none_or(|(most, _)| fits > most) {
            best = Some((fits, candidate));
        }
    }
    let (fits, shift) = best?;
    (fits > 0 && fits as f64 >= ENOUGH * boxes.len() as f64).then_some(shift)
}

/// Whether the box has vertices at all of its faces.
fn is_filled(obb: &OrientedBox, vertices: &[Vector3<f64>], shift: &Vector3<f64>) -> bool {
    let half = obb.lengths * 0.5;
    let mut touched = 0u8;
    for vertex in vertices {
        let from_centre = vertex + shift - obb.centre;
        let along = obb.axes.map(|axis| axis.dot(&from_centre));
        if (0..3).any(|k| along[k].abs() > half[k] + TOUCHES) {
            continue;
        }
        for k in 0..3 {
            touched |= u8::from(along[k] > half[k] - TOUCHES) << (2 * k)
                | u8::from(along[k] < TOUCHES - half[k]) << (2 * k + 1);
        }
    }
    touched == 0b11_1111
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The surface of a box, a point every few centimetres.
    fn surface(obb: &OrientedBox) -> Vec<Vector3<f64>> {
        let steps = |length: f64| (length / 0.02) as i32;
        let mut points = Vec::new();
        for k in 0..3 {
            let (a, b) = ((k + 1) % 3, (k + 2) % 3);
            for i in 0..=steps(obb.lengths[a]) {
                for j in 0..=steps(obb.lengths[b]) {
                    for side in [-0.5, 0.5] {
                        let (i, j) =
                            (f64::from(i) * 0.02 - obb.lengths[a] / 2.0, f64::from(j) * 0.02 - obb.lengths[b] / 2.0);
                        points.push(
                            obb.centre + obb.axes[k] * (side * obb.lengths[k]) + obb.axes[a] * i + obb.axes[b] * j,
                        );
                    }
                }
            }
        }
        points
    }

    #[test]
    fn boxes_are_found_where_their_vertices_are() {
        let boxes = [
            OrientedBox::upright(Vector3::new(3.0, 1.0, 0.4), 0.3, Vector3::new(1.0, 0.6, 0.8)),
            OrientedBox::upright(Vector3::new(5.0, 4.0, 0.5), 1.1, Vector3::new(0.5, 0.5, 1.0)),
        ];
        let vertices: Vec<_> = boxes.iter().flat_map(surface).collect();
        assert_eq!(shift(&vertices, &boxes, None), Some(Vector3::zeros()));
        let mean = vertices.iter().sum::<Vector3<f64>>() / vertices.len() as f64;
        let moved = |by: Vector3<f64>| boxes.map(|obb| OrientedBox { centre: obb.centre + by, ..obb });
        assert_eq!(shift(&vertices, &moved(-mean), None), Some(-mean));
        let elsewhere = Vector3::new(-4.0, 0.5, 1.0);
        assert_eq!(shift(&vertices, &moved(elsewhere), None), None);
        let centre = Bounds::of(&vertices).unwrap().centre() + elsewhere;
        assert!((shift(&vertices, &moved(elsewhere), Some(centre)).unwrap() - elsewhere).amax() < 1e-12);
        assert_eq!(shift(&[], &boxes, None), None);
        assert_eq!(shift(&vertices, &[], None), None);
    }
}
