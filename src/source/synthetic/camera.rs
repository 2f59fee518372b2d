//! Cameras: where a person would stand in a room to take pictures of it, and what they would aim at.
//!
//! A few dozen candidates at eye height, inside the room and clear of its furniture, are rendered as thumbnails; those that
//! show the most objects, and objects that no picture chosen before shows, are kept.

use spatialmill_geometry::{Intrinsics, Matrix3, Rigid, Vector3};

use super::dice::Dice;
use super::render::RenderScene;
use super::room::Room;

/// Candidates for each picture that is wanted.
const CANDIDATES: usize = 8;
/// Size of a thumbnail, pixels.
const THUMBNAIL: [usize; 2] = [96, 72];
/// A thing counts as shown when it covers this many of a thumbnail's pixels.
const SHOWN: usize = 6;

/// The pinhole camera of a picture of this size: a phone's main lens, 68 degrees from side to side.
pub fn intrinsics(width: usize, height: usize) -> Intrinsics {
    let focal = width as f64 * 0.74;
    Intrinsics { fx: focal, fy: focal, cx: (width as f64 - 1.0) / 2.0, cy: (height as f64 - 1.0) / 2.0 }
}

/// Poses (world from camera, OpenCV axes) for `wanted` pictures of a room.
pub fn poses(room: &Room, scene: &RenderScene, seed: u64, wanted: usize) -> Vec<Rigid> {
    let mut dice = Dice::new(seed, &format!("{} cameras", room.name));
    let candidates: Vec<_> = (0..wanted * CANDIDATES).filter_map(|_| candidate(room, &mut dice)).collect();
    let shown: Vec<Vec<usize>> = candidates.iter().map(|pose| shown(scene, pose)).collect();

    let mut chosen = Vec::new();
    let mut times = vec![0usize; room.objects.len()];
    let mut left: Vec<usize> = (0..candidates.len()).collect();
    while chosen.len() < wanted {
        // An object is worth less each time that it is shown again; the earlier candidate wins a draw.
        let worth = |i: &usize| shown[*i].iter().map(|&object| 60 / (2 + times[object])).sum::<usize>();
        let Some(best) = left.iter().copied().max_by_key(|i| (worth(i), usize::MAX - i)) else { break };
        for &object in &shown[best] {
            times[object] += 1;
        }
        chosen.push(candidates[best]);
        left.retain(|&i| i != best);
        let others: Vec<usize> = left.iter().copied().filter(|&i| !alike(&candidates[i], &candidates[best])).collect();
        // A small room may have no other view to offer.
        if chosen.len() + others.len() >= wanted {
            left = others;
        }
    }
    chosen
}

/// True where two pictures would be nearly the same.
fn alike(a: &Rigid, b: &Rigid) -> bool {
    let turned = a.rotation.column(2).dot(&b.rotation.column(2)).clamp(-1.0, 1.0).acos();
    (a.translation - b.translation).norm() < 0.9 && turned.to_degrees() < 35.0
}

/// A place to stand and a thing to look at; none where the throw falls on furniture.
fn candidate(room: &Room, dice: &mut Dice) -> Option<Rigid> {
    let (x, y) = (dice.between(-0.5, 0.5) * room.size.x, dice.between(-0.5, 0.5) * room.size.y);
    let eye = Vector3::new(x, y, dice.between(1.25, 1.75));
    let target = dice.pick(&room.objects).obb.centre;
    let aside = Vector3::new(dice.between(-0.3, 0.3), dice.between(-0.3, 0.3), dice.between(-0.2, 0.3));
    let roll = dice.between(-0.035, 0.035);
    let ahead = target + aside - eye;
    if !room.is_free(x, y, 0.3) || ahead.xy().norm() < 1.2 {
        return None;
    }
    Some(looking(eye, ahead, roll))
}

/// The pose of a camera at `eye` that looks along `ahead`, turned about that direction by `roll` radians.
fn looking(eye: Vector3<f64>, ahead: Vector3<f64>, roll: f64) -> Rigid {
    let forward = ahead.normalize();
    let right = forward.cross(&Vector3::z()).normalize();
    let down = forward.cross(&right);
    let (sin, cos) = roll.sin_cos();
    let (rolled_right, rolled_down) = (right * cos + down * sin, down * cos - right * sin);
    Rigid { rotation: Matrix3::from_columns(&[rolled_right, rolled_down, forward]), translation: eye }
}

/// The objects that a picture from here would show.
fn shown(scene: &RenderScene, pose: &Rigid) -> Vec<usize> {
    let [width, height] = THUMBNAIL;
    let pixels = scene.shown(&intrinsics(width, height), pose, width, height);
    (0..pixels.len()).filter(|&object| pixels[object] >= SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_camera_that_looks_north_has_east_to_its_right() {
        let pose = looking(Vector3::new(1.0, 2.0, 1.5), Vector3::new(0.0, 3.0, 0.0), 0.0);
        let see = |world: [f64; 3]| pose.inverse().apply(&Vector3::from(world));
        assert!((see([1.0, 5.0, 1.5]) - Vector3::new(0.0, 0.0, 3.0)).norm() < 1e-12, "ahead");
        assert!((see([2.0, 2.0, 1.5]) - Vector3::new(1.0, 0.0, 0.0)).norm() < 1e-12, "east is right");
        assert!((see([1.0, 2.0, 0.5]) - Vector3::new(0.0, 1.0, 0.0)).norm() < 1e-12, "the floor is down");
    }
}
