//! The distance of two surfaces: that of the nearest two of their vertices, metres. A box says how large an object is, a surface where it is:
//! the boxes of an L-shaped couch and of the table in its corner touch.

use crate::Bounds;
use crate::cloud::Tree;
use nalgebra::Vector3;

/// An object's vertices, prepared to be held against those of others.
#[derive(Debug)]
pub struct SurfacePoints {
    points: Vec<Vector3<f64>>,
    tree: Tree,
    bounds: Bounds,
}

impl SurfacePoints {
    /// `None` where no vertex is finite; one that is not is left out.
    pub fn of(points: &[Vector3<f64>]) -> Option<Self> {
        let points: Vec<_> = points.iter().filter(|p| p.iter().all(|at| at.is_finite())).copied().collect();
        Some(Self { tree: Tree::of(&points)?, bounds: Bounds::of(&points)?, points })
    }

    /// Metres between the nearest two vertices.
    ///
    /// ```
    /// use spatialmill_geometry::{SurfacePoints, Vector3};
    /// let line = |y: f64| SurfacePoints::of(&[0.0, 1.0, 2.0].map(|x| Vector3::new(x, y, 0.0))).unwrap();
    /// assert_eq!(line(0.0).distance(&line(3.0)), 3.0);
    /// ```
    pub fn distance(&self, other: &Self) -> f64 {
        let (few, many) = if self.points.len() <= other.points.len() { (self, other) } else { (other, self) };
        // A vertex is no nearer than the other cloud's bounds are: most vertices need no look into the tree.
        let least =
            |p: &Vector3<f64>| (many.bounds.low - p).sup(&(p - many.bounds.high)).map(|by| by.max(0.0)).norm_squared();
        let mut by_bounds: Vec<(f64, &Vector3<f64>)> = few.points.iter().map(|p| (least(p), p)).collect();
        by_bounds.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut nearest = f64::INFINITY;
        for (least, point) in by_bounds {
            if least >= nearest {
                break;
            }
            nearest = nearest.min(many.tree.squared_distance(point));
        }
        nearest.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::point;
    use proptest::prelude::*;

    #[test]
    fn vertices_that_are_not_finite_are_left_out() {
        let nowhere = Vector3::new(f64::NAN, 0.0, 0.0);
        assert!(SurfacePoints::of(&[]).is_none() && SurfacePoints::of(&[nowhere]).is_none());
        let a = SurfacePoints::of(&[nowhere, Vector3::zeros()]).unwrap();
        assert_eq!(a.distance(&a), 0.0);
    }

    proptest! {
        #[test]
        fn agrees_with_every_pair_of_vertices(
            a in prop::collection::vec(point(), 1..30), b in prop::collection::vec(point(), 1..30), apart in 0.0..40.0,
        ) {
            let b: Vec<Vector3<f64>> = b.iter().map(|p| p + Vector3::x() * apart).collect();
            let every = a.iter().flat_map(|p| b.iter().map(move |q| (p - q).norm())).fold(f64::INFINITY, f64::min);
            let (a, b) = (SurfacePoints::of(&a).unwrap(), SurfacePoints::of(&b).unwrap());
            prop_assert!((a.distance(&b) - every).abs() < 1e-9 && (b.distance(&a) - every).abs() < 1e-9);
        }
    }
}
