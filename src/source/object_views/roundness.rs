//! Whether an object looks alike from all sides: then no picture shows how far it was turned.
//!
//! Only its outline counts. Paint does show turns, but nobody measures them by a pair of eyes on a ball.

use spatialmill_geometry::{Vector3, angle::wrap_180};

use super::silhouette::Silhouette;

/// Views are compared whose cameras are as high over the object, up to so many degrees.
const SAME_ELEVATION: f64 = 5.0;

/// And that are so many degrees apart about the vertical, so that another side is seen; opposite sides have one outline, be they as they may.
const APART: (f64, f64) = (20.0, 160.0);

/// Outlines are alike that share so much of what both cover.
const ALIKE: f64 = 0.85;

/// From fewer comparisons nothing is known.
const COMPARISONS: usize = 3;

/// Whether all outlines are alike that can be compared, of the object around `centre` in a world whose z points up.
pub fn is_round(silhouettes: &[Silhouette], centre: Vector3<f64>) -> bool {
    let whole = silhouettes.iter().filter(|silhouette| !silhouette.is_cut_off);
    let views: Vec<(f64, f64, Vec<bool>)> = whole
        .map(|silhouette| {
            let from = silhouette.camera_from_world.inverse().translation - centre;
            let elevation = from.z.atan2(from.xy().norm()).to_degrees();
            (from.y.atan2(from.x).to_degrees(), elevation, silhouette.outline())
        })
        .collect();
    let mut compared = 0;
    for (place, (azimuth, elevation, outline)) in views.iter().enumerate() {
        for (other_azimuth, other_elevation, other) in &views[..place] {
            let apart = wrap_180(azimuth - other_azimuth).abs();
            if (elevation - other_elevation).abs() > SAME_ELEVATION || !(APART.0..=APART.1).contains(&apart) {
                continue;
            }
            if shared(outline, other) < ALIKE {
                return false;
            }
            compared += 1;
        }
    }
    compared >= COMPARISONS
}

/// Intersection over union.
fn shared(one: &[bool], other: &[bool]) -> f64 {
    let count = |of: fn(bool, bool) -> bool| one.iter().zip(other).filter(|(a, b)| of(**a, **b)).count();
    count(|a, b| a && b) as f64 / count(|a, b| a || b).max(1) as f64
}
