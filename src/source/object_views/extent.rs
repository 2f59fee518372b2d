//! Where an object is that nobody measured: its middle, and the box that the silhouettes of its views leave.
//!
//! Space is cut into small cubes, and a cube is the object's as long as no view shows the ground behind its middle: the object's visual
//! hull (Laurentini 1994), which is never smaller than the object but for what is thinner than a cube.

use spatialmill_geometry::{Matrix3, OrientedBox, Vector3};

use super::cameras::{View, Views};
use super::roundness::is_round;
use super::silhouette::Silhouette;
use crate::source::root::Root;
use crate::tables::Unusable;

/// Cubes along each side.
const CUBES: usize = 32;

/// How far the cubes reach to each side, of the nearest camera's distance: renders are taken from 1.2 longest sides at least.
const REACH: f64 = 0.45;

/// Half the side of the box of an object without silhouettes, of the nearest camera's distance.
const HALF_SIDE: f64 = 0.25;

/// More silhouettes say hardly more.
const SILHOUETTES: usize = 64;

/// See the module.
#[derive(Debug, Clone, PartialEq)]
pub struct Extent {
    low: Vector3<f64>,
    high: Vector3<f64>,
    /// Its images show the object alone: they have an alpha channel.
    pub is_cut_out: bool,
    /// It has the same outline from all sides.
    pub is_round: bool,
    /// As `scene_objects` says who made the box.
    pub box_from: &'static str,
}

impl Extent {
    /// Of an object's views. Code: `pose`.
    pub fn of(root: &Root, views: &Views, focal_length: f64) -> Result<Self, Unusable> {
        let refused = |message: &str| Unusable::new("pose", message.to_owned());
        let centre = match views.centre {
            Some(centre) => centre,
            None => meeting_point(&views.views).ok_or_else(|| {
                refused("the optical axes of its cameras meet nowhere: it is not seen from several sides")
            })?,
        };
        let away = views.views.iter().filter(|view| {
            let to_centre = centre - view.world_from_camera.translation;
            (view.world_from_camera.rotation * Vector3::z()).dot(&to_centre) <= 0.0
        });
        if 2 * away.count() > views.views.len() {
            return Err(refused(
                "most of its cameras look away from it: the poses look inverted, or are in other camera axes",
            ));
        }
        let nearest = views.views.iter().map(|view| (view.world_from_camera.translation - centre).norm());
        let nearest = nearest.fold(f64::INFINITY, f64::min);
        if !(nearest > 1e-9 && nearest.is_finite()) {
            return Err(refused("a camera is in the middle of the object"));
        }
        let silhouettes: Vec<_> =
            views.views.iter().filter_map(|view| Silhouette::of(root, view, focal_length)).take(SILHOUETTES).collect();
        let half = Vector3::repeat(HALF_SIDE * nearest);
        let hull = if silhouettes.len() >= 2 { visual_hull(&silhouettes, centre, REACH * nearest) } else { None };
        let box_from = if hull.is_some() { "silhouettes" } else { "cameras" };
        let (low, high) = hull.unwrap_or((centre - half, centre + half));
        let is_round = is_round(&silhouettes, centre);
        Ok(Self { low, high, is_cut_out: !silhouettes.is_empty(), is_round, box_from })
    }

    /// Its box, with the world's axes.
    pub fn bounding_box(&self) -> OrientedBox {
        OrientedBox {
            centre: (self.low + self.high) / 2.0,
            axes: [Vector3::x(), Vector3::y(), Vector3::z()],
            lengths: self.high - self.low,
        }
    }
}

/// The point that is nearest to all optical axes; none where they are parallel.
fn meeting_point(views: &[View]) -> Option<Vector3<f64>> {
    let (mut matrix, mut right) = (Matrix3::zeros(), Vector3::zeros());
    for View { world_from_camera, .. } in views {
        let axis = world_from_camera.rotation * Vector3::z();
        let across = Matrix3::identity() - axis * axis.transpose();
        matrix += across;
        right += across * world_from_camera.translation;
    }
    // Its smallest eigenvalue grows with the square of the angle between the axes: here some degrees.
    let spread = matrix.symmetric_eigenvalues().min() / views.len() as f64;
    if spread < 1e-3 { None } else { matrix.try_inverse().map(|inverse| inverse * right) }
}

fn visual_hull(silhouettes: &[Silhouette], centre: Vector3<f64>, reach: f64) -> Option<(Vector3<f64>, Vector3<f64>)> {
    let side = 2.0 * reach / CUBES as f64;
    let at = |k: usize| (k as f64 + 0.5) * side - reach;
    let mut bounds: Option<(Vector3<f64>, Vector3<f64>)> = None;
    for (x, y) in (0..CUBES).flat_map(|x| (0..CUBES).map(move |y| (x, y))) {
        for z in 0..CUBES {
            let cube = centre + Vector3::new(at(x), at(y), at(z));
            if silhouettes.iter().all(|silhouette| silhouette.may_show(&cube)) {
                let (low, high) = bounds.unwrap_or((cube, cube));
                bounds = Some((low.inf(&cube), high.sup(&cube)));
            }
        }
    }
    let half = Vector3::repeat(side / 2.0);
    bounds.map(|(low, high)| (low - half, high + half))
}
