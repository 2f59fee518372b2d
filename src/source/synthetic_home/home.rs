//! A home: a floor plan with furniture in it, and the same home at another time, when some things have been turned or carried elsewhere.

use std::f64::consts::TAU;

use spatialmill_geometry::{Matrix3, OrientedBox, Rigid, Vector3};

use super::free_floor::{CELL_M, FreeFloor, IN_THE_WAY_M};
use super::plan::{FloorPlan, HomeRoom, RoomKind};
use crate::source::synthetic::dice::Dice;
use crate::source::synthetic::layout::{GAP, Layout};
use crate::source::synthetic::placed_item::PlacedItem;
use crate::source::synthetic::render::{LitRoom, RenderScene};
use crate::source::synthetic::space::Taken;
use crate::source::synthetic::variety::Things;

/// One home at one time.
#[derive(Debug, Clone)]
pub struct Home {
    pub plan: FloorPlan,
    /// Every object, on exact triangles in world coordinates.
    pub objects: Vec<PlacedItem>,
    /// The index of the room that each object is in.
    pub room_of: Vec<usize>,
}

/// Where an object went.
#[derive(Debug, Clone)]
pub struct ObjectMove {
    /// Index into the objects of both times.
    pub object: usize,
    /// Takes its points before to those after.
    pub motion: Rigid,
}

/// Somebody who walks keeps this far from walls and things, from the middle of the body.
pub const CLEARANCE_M: f64 = 0.27;
/// A room that is so full that less than this can be walked in, square metres, is furnished again.
const LEAST_WALKABLE_M2: f64 = 0.7;
/// Tries to furnish a room with all that it should have, and then with less.
const TRIES: usize = 8;

/// What a person carries elsewhere or turns now and then.
const MOVABLE: &[&str] = &[
    "chair",
    "stool",
    "armchair",
    "bench",
    "coffee table",
    "plant",
    "box",
    "suitcase",
    "trash bin",
    "ball",
    "lamp",
    "fan",
    "coat rack",
    "laundry basket",
    "teddy bear",
];
/// The turns of what is moved, degrees counter-clockwise from above.
const TURNS: &[f64] = &[30.0, 45.0, 60.0, 90.0, 120.0, 135.0, 150.0];
/// Tries to find another place for a thing.
const PLACES: usize = 60;

impl Home {
    /// The home of this number with `rooms` rooms and a corridor.
    pub fn new(seed: u64, name: &str, rooms: usize) -> Self {
        let plan = FloorPlan::new(&mut Dice::new(seed, name), rooms);
        let (mut objects, mut room_of) = (Vec::new(), Vec::new());
        for n in 0..plan.rooms.len() {
            let furniture = furnished(&plan, n, seed, name);
            room_of.extend(std::iter::repeat_n(n, furniture.len()));
            objects.extend(furniture);
        }
        Self { plan, objects, room_of }
    }

    /// The room that an object is in.
    pub fn room(&self, object: usize) -> &HomeRoom {
        &self.plan.rooms[self.room_of[object]]
    }

    /// The floor on which a person can walk.
    pub fn walkable(&self) -> FreeFloor {
        let taken: Vec<Taken> = self.objects.iter().map(Taken::by).collect();
        FreeFloor::new(&self.plan, taken.iter(), IN_THE_WAY_M)
    }

    pub fn render_scene(&self) -> RenderScene {
        let rooms: Vec<LitRoom> = self
            .plan
            .rooms
            .iter()
            .enumerate()
            .map(|(n, room)| {
                let own = (0..self.objects.len()).filter(|object| self.room_of[*object] == n);
                let [x, y] = lamp(room);
                LitRoom {
                    lamp: [x, y, self.plan.ceiling - 0.1],
                    floor: room.floor,
                    shell: &room.shell,
                    objects: own.map(|object| (object, &self.objects[object].mesh)).collect(),
                }
            })
            .collect();
        RenderScene::lit(&rooms)
    }

    /// The same home after `wanted` things, or as many as there is room for, have been turned or carried elsewhere.
    pub fn rearranged(&self, dice: &mut Dice, wanted: usize) -> (Self, Vec<ObjectMove>) {
        let mut home = self.clone();
        let mut moves: Vec<ObjectMove> = Vec::new();
        let mut left: Vec<usize> = (0..self.objects.len()).filter(|object| self.is_movable(*object)).collect();
        let shows_turns = |object: &usize| self.objects[*object].symmetry == 1;
        while moves.len() < wanted && !left.is_empty() {
            // The first half are things of which one sees how they were turned.
            let is_choosy = moves.len() < wanted / 2 && left.iter().any(shows_turns);
            let pool: Vec<usize> = (0..left.len()).filter(|n| !is_choosy || shows_turns(&left[*n])).collect();
            let object = left.remove(*dice.pick(&pool));
            let Some(motion) = home.motion(object, dice) else { continue };
            let mut after = home.clone();
            after.objects[object] = moved(&home.objects[object], &motion);
            if is_passable(&after.plan, home.room_of[object], &after.objects) {
                home = after;
                moves.push(ObjectMove { object, motion });
            }
        }
        (home, moves)
    }

    /// True for what stands on the floor, with nothing on it.
    fn is_movable(&self, object: usize) -> bool {
        let thing = &self.objects[object];
        let above = |other: &PlacedItem| {
            let top = thing.bottom() + thing.obb.lengths.z;
            let risen = Taken { low: top - 0.1, high: top + 0.1, ..Taken::by(thing) };
            other.bottom() > 0.05 && risen.meets(&Taken::by(other), 0.0)
        };
        MOVABLE.contains(&thing.category) && thing.bottom() < 0.01 && !self.objects.iter().any(above)
    }

    /// A turn on the spot, or a way to another place of the same room with a turn or without.
    fn motion(&self, object: usize, dice: &mut Dice) -> Option<Rigid> {
        let thing = &self.objects[object];
        let room = self.room(object);
        let others: Vec<Taken> = (0..self.objects.len())
            .filter(|other| *other != object && self.room_of[*other] == self.room_of[object])
            .map(|other| Taken::by(&self.objects[other]))
            .chain(self.plan.doorways.iter().map(|door| door.kept_free()))
            .collect();
        let stays = thing.symmetry == 1 && dice.chance(0.7);
        for _ in 0..PLACES {
            let turn = dice.pick(TURNS).to_radians() * if dice.chance(0.5) { 1.0 } else { -1.0 };
            // Nobody could tell how a round thing was turned.
            let turn = if thing.symmetry == 0 || !stays && dice.chance(0.3) { 0.0 } else { turn };
            let before = Taken::by(thing);
            let [[x0, y0], [x1, y1]] = room.outline.corners();
            let (x, y) = if stays { (before.x, before.y) } else { (dice.between(x0, x1), dice.between(y0, y1)) };
            let after = Taken { x, y, yaw: before.yaw + turn, ..before };
            let is_elsewhere = stays || (x - before.x).hypot(y - before.y) > 0.6;
            if is_elsewhere && room.outline.holds(&after) && !others.iter().any(|other| other.meets(&after, GAP)) {
                let (sin, cos) = turn.sin_cos();
                let rotation = Matrix3::new(cos, -sin, 0.0, sin, cos, 0.0, 0.0, 0.0, 1.0);
                let centre = Vector3::new(before.x, before.y, 0.0);
                return Some(Rigid { rotation, translation: Vector3::new(x, y, 0.0) - rotation * centre });
            }
        }
        None
    }
}

/// An object after a motion about the vertical.
fn moved(before: &PlacedItem, motion: &Rigid) -> PlacedItem {
    let turn = motion.rotation[(1, 0)].atan2(motion.rotation[(0, 0)]);
    let mut after = before.clone();
    after.mesh.vertices.iter_mut().for_each(|vertex| *vertex = motion.apply(vertex));
    after.yaw = (before.yaw + turn).rem_euclid(TAU);
    after.obb = OrientedBox::upright(motion.apply(&before.obb.centre), after.yaw, before.obb.lengths);
    after.front = before.front.map(|front| motion.rotation * front);
    after
}

/// Furniture with which one can walk in by each of the room's doorways and about in it.
fn furnished(plan: &FloorPlan, room: usize, seed: u64, name: &str) -> Vec<PlacedItem> {
    let HomeRoom { name: own, kind, outline, .. } = &plan.rooms[room];
    let kept_free: Vec<Taken> = plan.doorways.iter().map(|door| door.kept_free()).collect();
    let mut furniture = Vec::new();
    for attempt in 0..=TRIES {
        let dice = Dice::new(seed, &format!("{name} {own} {attempt}"));
        let layout = Layout::new(Things::Usual, outline.clone(), plan.ceiling, dice);
        furniture = layout.keeping_free(kept_free.clone()).stocked(kind.stock());
        if attempt == TRIES {
            // What hangs high is in nobody's way.
            furniture.retain(|thing| {
                thing.bottom() >= IN_THE_WAY_M[1] || *kind == RoomKind::Corridor && thing.bottom() > 1.0
            });
        }
        // Half-empty rooms come of bad luck as well.
        let has_all = kind
            .stock()
            .iter()
            .filter(|(_, least, _)| *least > 0)
            .take(4)
            .all(|(category, ..)| furniture.iter().any(|thing| thing.category == *category));
        if is_passable(plan, room, &furniture) && (has_all || attempt >= TRIES / 2) {
            break;
        }
    }
    furniture
}

/// True where one can walk within a room from each of its doorways to each other, and there is some floor to walk on.
fn is_passable(plan: &FloorPlan, room: usize, things: &[PlacedItem]) -> bool {
    let taken: Vec<Taken> = things.iter().map(Taken::by).collect();
    let alone = FloorPlan { rooms: vec![plan.rooms[room].clone()], doorways: Vec::new(), ceiling: plan.ceiling };
    let floor = FreeFloor::new(&alone, taken.iter(), IN_THE_WAY_M);
    let doorways = plan.doorways.iter().filter(|door| door.between.contains(&room));
    let steps: Vec<usize> =
        doorways.filter_map(|door| floor.cell(door.step_into(&plan.rooms[room].outline, CLEARANCE_M + 0.1))).collect();
    let Some(first) = steps.first() else { return true };
    let reached = floor.reached(*first, CLEARANCE_M);
    let area = reached.iter().filter(|cell| **cell).count() as f64 * CELL_M * CELL_M;
    steps.iter().all(|step| reached[*step]) && area >= LEAST_WALKABLE_M2
}

/// The middle of the larger part of a room.
fn lamp(room: &HomeRoom) -> [f64; 2] {
    let [[x0, _], [x1, _]] = room.outline.corners();
    let (centre, Some([low, high])) = (room.outline.centre, room.outline.notch) else { return room.outline.centre };
    // Beside the missing corner, over the full depth.
    if low[0] > x0 { [(x0 + low[0]) / 2.0, centre[1]] } else { [(high[0] + x1) / 2.0, centre[1]] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_in_the_place_of_another_or_in_a_wall_and_every_room_can_be_reached() {
        let mut singles = std::collections::BTreeMap::<&str, usize>::new();
        let mut turned = 0;
        for (number, rooms) in (0..10).zip([2, 3, 4, 5, 6, 8, 4, 5, 6, 7]) {
            let home = Home::new(0, &format!("home-{number:04}"), rooms);
            let (later, moves) = home.rearranged(&mut Dice::new(0, "later"), 5);
            assert!(moves.len() >= 2, "home {number}: {moves:?}");
            let is_turned =
                |moved: &ObjectMove| moved.motion.rotation[(0, 0)] < 0.999 && home.objects[moved.object].symmetry == 1;
            turned += usize::from(moves.iter().any(is_turned));
            for home in [&home, &later] {
                check(home, number);
            }
            for (n, (before, after)) in home.objects.iter().zip(&later.objects).enumerate() {
                let motion = moves.iter().find(|moved| moved.object == n);
                let motion = motion.map_or(Rigid::identity(), |moved| moved.motion);
                for (p, q) in before.mesh.vertices.iter().zip(&after.mesh.vertices) {
                    assert!((motion.apply(p) - q).norm() < 1e-9);
                }
            }
            let mut counts = std::collections::BTreeMap::<&str, usize>::new();
            home.objects.iter().for_each(|object| *counts.entry(object.category).or_default() += 1);
            assert!(counts.values().any(|n| *n > 1) && counts.values().filter(|n| **n == 1).count() >= 6, "{counts:?}");
            counts.into_iter().filter(|(_, n)| *n == 1).for_each(|(name, _)| *singles.entry(name).or_default() += 1);
        }
        assert!(singles.len() >= 25, "{singles:?}");
        assert!(turned >= 8, "in {turned} homes of 10 something is seen to be turned");
    }

    fn check(home: &Home, number: usize) {
        for (i, a) in home.objects.iter().enumerate() {
            let room = home.room(i);
            let own = Taken::by(a);
            assert!(room.outline.holds(&own), "home {number}: {} is not in {}", a.category, room.name);
            assert!(own.low >= -1e-9 && own.high <= home.plan.ceiling, "home {number}: {}", a.category);
            let bounds = a.mesh.bounds().unwrap();
            let outer = a.obb.bounds();
            assert!((bounds.low - outer.low).min() >= -1e-6 && (outer.high - bounds.high).min() >= -1e-6);
            // What stands on nothing hangs on a wall or lies on something.
            let carried = home.objects.iter().any(|b| {
                let below = Taken { low: own.low - 0.02, high: own.low + 0.02, ..own };
                b.top.is_some() && Taken::by(b).meets(&below, 0.0)
            });
            let [x, y] = own.reach();
            let grown = Taken { half: [x + 0.02, y + 0.02], yaw: 0.0, ..own };
            assert!(own.low < 1e-6 || carried || !room.outline.holds(&grown), "home {number}: {} floats", a.category);
            for b in &home.objects[..i] {
                let lies_on = [a, b].iter().any(|o| o.category == "pillow") && [a, b].iter().any(|o| o.top.is_some());
                assert!(
                    lies_on || !Taken::by(a).meets(&Taken::by(b), 0.0),
                    "home {number}: {} meets {}",
                    a.category,
                    b.category
                );
            }
        }
        let floor = home.walkable();
        let start = floor.cell(home.plan.doorways[0].centre).unwrap();
        let reached = floor.reached(start, CLEARANCE_M);
        for room in &home.plan.rooms {
            let inside = (0..floor.cells()).filter(|cell| reached[*cell] && room.outline.contains(floor.middle(*cell)));
            assert!(inside.count() as f64 * CELL_M * CELL_M >= LEAST_WALKABLE_M2, "home {number}: {}", room.name);
        }
    }
}
