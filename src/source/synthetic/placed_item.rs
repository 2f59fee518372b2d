//! Placed items: objects of a room or home where they stand, lie or hang, on exact triangles.

use spatialmill_geometry::{OrientedBox, Vector3};

use super::furniture::Top;
use super::shape::ShapeMesh;

/// One object of a room.
#[derive(Debug, Clone)]
pub struct PlacedItem {
    pub category: &'static str,
    /// "red chair"; none where its colour does not name it or nobody described it.
    pub caption: Option<String>,
    /// Triangles, world.
    pub mesh: ShapeMesh,
    /// Its exact box: the smallest that is turned as the object is. World.
    pub obb: OrientedBox,
    /// The turn of that box about z, radians.
    pub yaw: f64,
    /// The level direction that its front faces, world; none where it has no front.
    pub front: Option<Vector3<f64>>,
    /// As `scene_objects.symmetry` has it.
    pub symmetry: i32,
    /// Where it carries other things, in its own axes around the middle of its bottom.
    pub(in crate::source) top: Option<Top>,
}

impl PlacedItem {
    /// How high it stands or hangs.
    pub(in crate::source) fn bottom(&self) -> f64 {
        self.obb.centre.z - self.obb.lengths.z / 2.0
    }
}
