//! The floor plan: rooms of several kinds along a corridor, one of them an L, and the doorways between them.
//!
//! ```text
//!  y ▲  ┌───────────────┬────────────┐
//!    │  │ living room   │  kitchen   │   two rows of rooms; the bathroom takes a corner of the living room, beside the corridor
//!    │  │      ┌────────┤            │
//!    │  │      │bathroom│            │
//!    │  ├─   ──┴──  ────┴───  ───────┤
//!    │  │ corridor                   │   world axes: metres, z up, the floor at 0
//!    │  ├───  ──────┬──  ────────────┘
//!    │  │ bedroom   │ office  │
//!    └  └───────────┴─────────┘──► x
//! ```

use spatialmill_geometry::{Vector3, polygon};

use crate::source::synthetic::dice::Dice;
use crate::source::synthetic::outline::{Outline, WallRun};
use crate::source::synthetic::room::{BOARDS, CEILING, Floor, TILES, WALLS};
use crate::source::synthetic::shape::{Albedo, ShapeMesh};
use crate::source::synthetic::space::Taken;

/// What a room is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoomKind {
    Corridor,
    LivingRoom,
    Bathroom,
    Kitchen,
    Bedroom,
    Office,
    DiningRoom,
}

/// One room.
#[derive(Debug, Clone)]
pub struct HomeRoom {
    /// `kitchen`, `bedroom-2`: unique in its home.
    pub name: String,
    pub kind: RoomKind,
    pub outline: Outline,
    pub floor: Floor,
    /// Floor, ceiling, walls with their openings, and the linings of its doorways.
    pub shell: ShapeMesh,
}

/// An opening in the wall between two rooms.
#[derive(Debug, Clone)]
pub struct Doorway {
    /// Indices of the rooms.
    pub between: [usize; 2],
    /// Its middle, within the wall.
    pub centre: [f64; 2],
    pub width: f64,
    pub height: f64,
    /// True where the wall runs east-west, so that one walks north or south.
    pub wall_along_x: bool,
}

/// The rooms of a home. The corridor is the first of them.
#[derive(Debug, Clone)]
pub struct FloorPlan {
    pub rooms: Vec<HomeRoom>,
    pub doorways: Vec<Doorway>,
    pub ceiling: f64,
}

/// How thick walls are.
pub const WALL_M: f64 = 0.12;
/// A doorway's lining stands in front of the wall by nothing: its sides are the wall's own thickness.
const LINING: Albedo = [0.80, 0.80, 0.78];

impl RoomKind {
    /// As `scenes.category` has it.
    pub fn category(self) -> &'static str {
        match self {
            Self::Corridor => "corridor",
            Self::LivingRoom => "living room",
            Self::Bathroom => "bathroom",
            Self::Kitchen => "kitchen",
            Self::Bedroom => "bedroom",
            Self::Office => "office",
            Self::DiningRoom => "dining room",
        }
    }

    fn is_tiled(self) -> bool {
        matches!(self, Self::Bathroom | Self::Kitchen)
    }
}

/// Rooms besides living room and bathroom, in the order in which a larger home gets them.
const MORE: &[RoomKind] = &[
    RoomKind::Kitchen,
    RoomKind::Bedroom,
    RoomKind::Office,
    RoomKind::Bedroom,
    RoomKind::DiningRoom,
    RoomKind::Bedroom,
];
/// A living room with a bathroom in its corner, and all of [`MORE`].
pub const MOST_ROOMS: usize = 2 + MORE.len();

/// What stands side by side in one of the two rows.
struct Block {
    kind: RoomKind,
    width: f64,
}

impl HomeRoom {
    /// Square metres of its floor.
    pub fn area(&self) -> f64 {
        polygon::area(&self.outline.polygon())
    }
}

impl Doorway {
    /// The floor of the opening itself, as its lowest and highest corner.
    pub fn threshold(&self) -> [[f64; 2]; 2] {
        self.reach(0.0, 0.0)
    }

    /// The point this far from the wall in front of the doorway, in the room with this outline.
    pub fn step_into(&self, outline: &Outline, distance: f64) -> [f64; 2] {
        let out = WALL_M / 2.0 + distance;
        let [x, y] = self.centre;
        let both = if self.wall_along_x { [[x, y - out], [x, y + out]] } else { [[x - out, y], [x + out, y]] };
        if outline.contains(both[0]) { both[0] } else { both[1] }
    }

    /// What nothing may stand in: the opening, and a step on both sides.
    pub fn kept_free(&self) -> Taken {
        let [[x0, y0], [x1, y1]] = self.reach(0.05, 0.8);
        let half = [(x1 - x0) / 2.0, (y1 - y0) / 2.0];
        Taken { x: self.centre[0], y: self.centre[1], yaw: 0.0, half, low: 0.0, high: self.height }
    }

    fn reach(&self, aside: f64, ahead: f64) -> [[f64; 2]; 2] {
        let (along, across) = (self.width / 2.0 + aside, WALL_M / 2.0 + ahead);
        let (dx, dy) = if self.wall_along_x { (along, across) } else { (across, along) };
        [[self.centre[0] - dx, self.centre[1] - dy], [self.centre[0] + dx, self.centre[1] + dy]]
    }
}

impl FloorPlan {
    /// A plan of `rooms` rooms and a corridor.
    pub fn new(dice: &mut Dice, rooms: usize) -> Self {
        let ceiling = dice.between(2.45, 2.7);
        let corridor = dice.between(1.3, 1.6);
        let mut rows: [Vec<Block>; 2] = Default::default();
        rows[0].push(Block { kind: RoomKind::LivingRoom, width: dice.between(5.7, 6.8) });
        for &kind in &MORE[..rooms.saturating_sub(2).min(MORE.len())] {
            let width = match kind {
                RoomKind::Kitchen | RoomKind::Office => dice.between(2.9, 3.6),
                _ => dice.between(3.3, 4.2),
            };
            let length = |row: &Vec<Block>| row.iter().map(|block| block.width + WALL_M).sum::<f64>();
            let shorter = usize::from(length(&rows[1]) <= length(&rows[0]));
            rows[shorter].push(Block { kind, width });
        }
        let is_mirrored = dice.chance(0.5);
        let depths = [dice.between(4.5, 5.2), dice.between(3.5, 4.3)];
        let length = rows.iter().map(|row| row.iter().map(|block| block.width + WALL_M).sum::<f64>() - WALL_M);
        let length = length.fold(0.0, f64::max);

        let mut outlines =
            vec![(RoomKind::Corridor, Outline::rectangle([length / 2.0, corridor / 2.0], [length, corridor]))];
        let mut doorways = Vec::new();
        for (row, depth) in rows.iter().zip(depths) {
            let is_north = row.first().is_some_and(|block| block.kind == RoomKind::LivingRoom) != is_mirrored;
            // Across the corridor: from the wall beside it to the far wall.
            let place = |near: f64, far: f64| match is_north {
                true => (corridor + WALL_M + near, corridor + WALL_M + far),
                false => (-WALL_M - far, -WALL_M - near),
            };
            let beside_corridor = if is_north { corridor + WALL_M / 2.0 } else { -WALL_M / 2.0 };
            let mut x0 = 0.0;
            let mut last: Option<usize> = None;
            for Block { kind, width } in row {
                let x1 = x0 + width;
                let (y0, y1) = place(0.0, depth);
                let index = outlines.len();
                let mut front = (x0, x1);
                if *kind == RoomKind::LivingRoom {
                    let (wide, deep) = (dice.between(2.1, 2.4), dice.between(2.2, 2.5));
                    let is_east = dice.chance(0.5);
                    let (bath0, bath1) = if is_east { (x1 - wide, x1) } else { (x0, x0 + wide) };
                    let (notch0, notch1) = if is_east { (bath0 - WALL_M, x1) } else { (x0, bath1 + WALL_M) };
                    let ((near, far), (notch_y0, notch_y1)) = (place(0.0, deep), place(0.0, deep + WALL_M));
                    let notch = [[notch0, notch_y0], [notch1, notch_y1]];
                    outlines.push((*kind, Outline::without_corner([[x0, y0], [x1, y1]], notch)));
                    let middle = [(bath0 + bath1) / 2.0, (near + far) / 2.0];
                    outlines.push((RoomKind::Bathroom, Outline::rectangle(middle, [wide, deep])));
                    front = if is_east { (x0, notch0) } else { (notch1, x1) };
                    doorways.push(doorway(dice, [0, index + 1], (bath0, bath1), beside_corridor, true));
                } else {
                    outlines.push((*kind, Outline::rectangle([(x0 + x1) / 2.0, (y0 + y1) / 2.0], [*width, depth])));
                    // Two ways into a room make more than one route through the home.
                    if let Some(last) = last.filter(|_| dice.chance(0.4)) {
                        let (low, high) = place(depth * 0.6, depth);
                        doorways.push(doorway(dice, [last, index], (low, high), x0 - WALL_M / 2.0, false));
                    }
                }
                doorways.push(doorway(dice, [0, index], front, beside_corridor, true));
                last = Some(index);
                x0 = x1 + WALL_M;
            }
        }
        Self::finished(dice, outlines, doorways, ceiling)
    }

    fn finished(dice: &mut Dice, outlines: Vec<(RoomKind, Outline)>, doorways: Vec<Doorway>, ceiling: f64) -> Self {
        let names: Vec<String> = (0..outlines.len())
            .map(|n| {
                let kind = outlines[n].0;
                let word = kind.category().replace(' ', "-");
                let of_kind = |rooms: &[(RoomKind, Outline)]| rooms.iter().filter(|room| room.0 == kind).count();
                if of_kind(&outlines) == 1 { word } else { format!("{word}-{}", of_kind(&outlines[..=n])) }
            })
            .collect();
        let wall = *dice.pick(WALLS);
        let boards = (*dice.pick(BOARDS), Floor::Boards { width: dice.between(0.12, 0.2) });
        let mut rooms = Vec::new();
        for (n, name) in names.into_iter().enumerate() {
            let (kind, mut outline) = outlines[n].clone();
            for wall in &mut outline.walls {
                wall.is_outer = is_outer(wall, n, &outlines);
            }
            let (ground, floor) = match kind.is_tiled() {
                true => (*dice.pick(TILES), Floor::Tiles { side: dice.between(0.3, 0.5) }),
                false => boards,
            };
            let wall = if dice.chance(0.5) { wall } else { *dice.pick(WALLS) };
            let own: Vec<&Doorway> = doorways.iter().filter(|door| door.between.contains(&n)).collect();
            let lined = doorways.iter().filter(|door| door.between[0] == n);
            let mut shell = shell(&outline, &own, ceiling, ground, wall);
            lined.for_each(|door| add_lining(&mut shell, door, ground));
            rooms.push(HomeRoom { name, kind, outline, floor, shell });
        }
        Self { rooms, doorways, ceiling }
    }

    /// The room that a point is in; none inside of walls, in doorways and outside.
    pub fn room_at(&self, point: [f64; 2]) -> Option<usize> {
        self.rooms.iter().position(|room| room.outline.contains(point))
    }

    /// The lowest and highest corner of all rooms.
    pub fn corners(&self) -> [[f64; 2]; 2] {
        let all = self.rooms.iter().map(|room| room.outline.corners());
        all.fold([[f64::INFINITY; 2], [f64::NEG_INFINITY; 2]], |[low, high], [a, b]| {
            [[low[0].min(a[0]), low[1].min(a[1])], [high[0].max(b[0]), high[1].max(b[1])]]
        })
    }
}

/// An opening somewhere between the ends of a stretch of wall, at `across` on the other axis.
fn doorway(dice: &mut Dice, between: [usize; 2], (from, to): (f64, f64), across: f64, wall_along_x: bool) -> Doorway {
    let width = dice.between(0.85, 0.95);
    let aside = width / 2.0 + 0.12;
    let along = dice.between(from + aside, to - aside);
    let centre = if wall_along_x { [along, across] } else { [across, along] };
    Doorway { between, centre, width, height: 2.05, wall_along_x }
}

/// True where no other room is behind any part of a wall.
fn is_outer(wall: &WallRun, own: usize, rooms: &[(RoomKind, Outline)]) -> bool {
    let steps = (wall.length() / 0.1).ceil();
    let is_inside = |step: f64| {
        let behind = wall.behind(wall.length() * (step / steps - 0.5), WALL_M + 0.1);
        rooms.iter().enumerate().any(|(n, (_, outline))| n != own && outline.contains(behind))
    };
    (0..=steps as u32).all(|step| !is_inside(f64::from(step)))
}

/// Floor, ceiling and walls, which face inwards.
fn shell(outline: &Outline, doorways: &[&Doorway], ceiling: f64, ground: Albedo, wall: Albedo) -> ShapeMesh {
    let corners = outline.polygon();
    let mut mesh = ShapeMesh::default();
    for n in 2..corners.len() {
        let [a, b, c] = [corners[0], corners[n - 1], corners[n]];
        mesh.add_triangle([a, b, c].map(|[x, y]| Vector3::new(x, y, 0.0)), ground);
        mesh.add_triangle([a, c, b].map(|[x, y]| Vector3::new(x, y, ceiling)), CEILING);
    }
    for n in 0..corners.len() {
        let (from, to) = (corners[n], corners[(n + 1) % corners.len()]);
        let length = (to[0] - from[0]).hypot(to[1] - from[1]);
        let along = [(to[0] - from[0]) / length, (to[1] - from[1]) / length];
        let mut openings: Vec<(f64, f64, f64)> = doorways
            .iter()
            .filter_map(|door| {
                let (x, y) = (door.centre[0] - from[0], door.centre[1] - from[1]);
                let (at, aside) = (x * along[0] + y * along[1], (x * along[1] - y * along[0]).abs());
                let is_in = aside < WALL_M && (along[0] != 0.0) == door.wall_along_x && (0.0..=length).contains(&at);
                is_in.then_some((at - door.width / 2.0, at + door.width / 2.0, door.height))
            })
            .collect();
        openings.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut panel = |start: f64, end: f64, low: f64, high: f64| {
            let at = |s: f64, z: f64| Vector3::new(from[0] + along[0] * s, from[1] + along[1] * s, z);
            // Seen from inside, which is on the left of the way from corner to corner.
            mesh.add_quad([at(start, low), at(start, high), at(end, high), at(end, low)], wall);
        };
        let mut start = 0.0;
        for (left, right, height) in openings {
            panel(start, left, 0.0, height);
            panel(start, left, height, ceiling);
            panel(left, right, height, ceiling);
            start = right;
        }
        panel(start, length, 0.0, ceiling);
    }
    mesh
}

/// Threshold, sides and top of an opening.
fn add_lining(mesh: &mut ShapeMesh, door: &Doorway, ground: Albedo) {
    let [[x0, y0], [x1, y1]] = door.threshold();
    let height = door.height;
    let at = Vector3::new;
    mesh.add_quad([at(x0, y0, 0.0), at(x1, y0, 0.0), at(x1, y1, 0.0), at(x0, y1, 0.0)], ground);
    mesh.add_quad([at(x0, y0, height), at(x0, y1, height), at(x1, y1, height), at(x1, y0, height)], LINING);
    if door.wall_along_x {
        mesh.add_quad([at(x0, y0, 0.0), at(x0, y1, 0.0), at(x0, y1, height), at(x0, y0, height)], LINING);
        mesh.add_quad([at(x1, y0, 0.0), at(x1, y0, height), at(x1, y1, height), at(x1, y1, 0.0)], LINING);
    } else {
        mesh.add_quad([at(x0, y0, 0.0), at(x0, y0, height), at(x1, y0, height), at(x1, y0, 0.0)], LINING);
        mesh.add_quad([at(x0, y1, 0.0), at(x1, y1, 0.0), at(x1, y1, height), at(x0, y1, height)], LINING);
    }
}
