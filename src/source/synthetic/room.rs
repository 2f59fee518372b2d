//! Rooms: four walls and what stands, lies and hangs between them, without two things in one place.
//!
//! World axes: origin in the middle of the floor, x east, y north, z up, metres. A room is a function of what things it has, seed and
//! number.

use spatialmill_geometry::Vector3;

use super::dice::Dice;
use super::layout::Layout;
use super::outline::Outline;
use super::placed_item::PlacedItem;
use super::shape::{Albedo, ShapeMesh};
use super::space::Taken;
use super::variety::Things;

/// One room with everything in it.
#[derive(Debug, Clone)]
pub struct Room {
    /// `room-0000`, ...
    pub name: String,
    /// East-west, north-south, and height.
    pub size: Vector3<f64>,
    /// Every object, on exact triangles in world coordinates.
    pub objects: Vec<PlacedItem>,
    /// Floor, walls and ceiling, facing inwards.
    pub shell: ShapeMesh,
    /// Tiles or boards.
    pub floor: Floor,
}

/// The pattern of a floor.
#[derive(Debug, Clone, Copy)]
pub enum Floor {
    Tiles { side: f64 },
    Boards { width: f64 },
}

impl Room {
    /// The room of this number.
    pub fn new(things: Things, seed: u64, number: usize) -> Self {
        let name = format!("room-{number:04}");
        let mut dice = Dice::new(seed, &name);
        let size = Vector3::new(dice.between(4.2, 6.8), dice.between(3.8, 5.8), dice.between(2.5, 2.9));
        let floor = if dice.chance(0.5) {
            Floor::Tiles { side: dice.between(0.4, 0.6) }
        } else {
            Floor::Boards { width: dice.between(0.12, 0.2) }
        };
        let wall = *dice.pick(WALLS);
        let ground = match floor {
            Floor::Tiles { .. } => *dice.pick(TILES),
            Floor::Boards { .. } => *dice.pick(BOARDS),
        };
        let outline = Outline::rectangle([0.0; 2], [size.x, size.y]);
        let objects = Layout::new(things, outline, size.z, dice).furnished();
        Self { name, size, objects, shell: shell(size, ground, wall), floor }
    }

    /// True where a person could stand: this far from each wall and from everything higher than a knee.
    pub fn is_free(&self, x: f64, y: f64, distance: f64) -> bool {
        let inside = self.size.x / 2.0 - x.abs() >= distance && self.size.y / 2.0 - y.abs() >= distance;
        let person = Taken { x, y, yaw: 0.0, half: [0.02; 2], low: 0.5, high: self.size.z };
        inside && !self.objects.iter().any(|o| Taken::by(o).meets(&person, distance))
    }
}

pub(in crate::source) const WALLS: &[Albedo] =
    &[[0.72, 0.70, 0.64], [0.62, 0.67, 0.70], [0.70, 0.64, 0.52], [0.58, 0.66, 0.56], [0.74, 0.74, 0.74]];
pub(in crate::source) const TILES: &[Albedo] = &[[0.50, 0.47, 0.42], [0.36, 0.37, 0.38], [0.55, 0.50, 0.44]];
pub(in crate::source) const BOARDS: &[Albedo] = &[[0.40, 0.24, 0.12], [0.50, 0.34, 0.19], [0.27, 0.15, 0.075]];
pub(in crate::source) const CEILING: Albedo = [0.80, 0.80, 0.78];

/// Six rectangles that face inwards: floor, ceiling, then the walls south, north, west, east.
fn shell(size: Vector3<f64>, ground: Albedo, wall: Albedo) -> ShapeMesh {
    let half = size / 2.0;
    let corner = |i: usize| {
        let sign = |bit: usize| if i & bit == 0 { -1.0 } else { 1.0 };
        Vector3::new(sign(1) * half.x, sign(2) * half.y, if i & 4 == 0 { 0.0 } else { size.z })
    };
    let mut mesh = ShapeMesh { vertices: (0..8).map(corner).collect(), ..ShapeMesh::default() };
    let faces = [
        ([0, 1, 3, 2], ground),
        ([4, 6, 7, 5], CEILING),
        ([0, 4, 5, 1], wall),
        ([2, 3, 7, 6], wall),
        ([0, 2, 6, 4], wall),
        ([1, 5, 7, 3], wall),
    ];
    for ([a, b, c, d], albedo) in faces {
        mesh.triangles.extend([[a, b, c], [a, c, d]]);
        mesh.albedos.extend([albedo; 2]);
    }
    mesh
}

#[cfg(test)]
mod tests {
    use spatialmill_geometry::Bounds;

    use spatialmill_geometry::OrientedBox;

    use super::*;

    #[test]
    fn a_room_is_a_function_of_seed_and_number() {
        let boxes = |seed, number| {
            Room::new(Things::Varied, seed, number)
                .objects
                .iter()
                .map(|o| format!("{} {:?}", o.category, o.obb.centre))
                .collect::<Vec<_>>()
        };
        assert_eq!(boxes(0, 3), boxes(0, 3));
        assert_ne!(boxes(0, 3), boxes(0, 4));
        assert_ne!(boxes(0, 3), boxes(1, 3));
    }

    #[test]
    fn nothing_is_in_the_place_of_another_or_outside() {
        for (number, things) in (0..80).map(|n| (n / 2, if n % 2 == 0 { Things::Varied } else { Things::Usual })) {
            let room = Room::new(things, 0, number);
            assert!(room.objects.len() >= 12, "{} has only {} things", room.name, room.objects.len());
            for (i, a) in room.objects.iter().enumerate() {
                let Bounds { low, high } = a.mesh.bounds().unwrap();
                assert!(low.z >= -1e-9 && high.z <= room.size.z, "{} {}", room.name, a.category);
                assert!(low.x >= -room.size.x / 2.0 - 1e-9 && high.x <= room.size.x / 2.0 + 1e-9);
                assert!(low.y >= -room.size.y / 2.0 - 1e-9 && high.y <= room.size.y / 2.0 + 1e-9);
                for b in &room.objects[..i] {
                    // A pillow lies inside of the box that headboard and mattress span together.
                    if [a, b].iter().any(|o| o.category == "pillow") && [a, b].iter().any(|o| o.top.is_some()) {
                        continue;
                    }
                    assert!(
                        !Taken::by(a).meets(&Taken::by(b), 0.0),
                        "{}: {} meets {}",
                        room.name,
                        a.category,
                        b.category
                    );
                }
            }
        }
    }

    #[test]
    fn the_box_of_an_object_is_the_box_of_its_triangles() {
        let room = Room::new(Things::Varied, 0, 0);
        for object in &room.objects {
            let OrientedBox { centre, axes, lengths } = object.obb;
            for (i, axis) in axes.iter().enumerate() {
                let reach = object.mesh.vertices.iter().map(|v| (v - centre).dot(axis));
                let (low, high) = reach.fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(x), high.max(x)));
                assert!((high - lengths[i] / 2.0).abs() < 1e-9, "{}", object.category);
                assert!((low + lengths[i] / 2.0).abs() < 1e-9, "{}", object.category);
            }
        }
    }
}
