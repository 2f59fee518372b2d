//! Rooms: four walls and what stands, lies and hangs between them, without two things in one place.
//!
//! World axes: origin in the middle of the floor, x east, y north, z up, metres. A room is a function of seed and number.

use std::f64::consts::{FRAC_PI_2, TAU};

use spatialmill_geometry::{OrientedBox, Vector3};

use super::colour::{Colour, GREY};
use super::dice::Dice;
use super::furniture::{DESIGNS, Design, Place, Top};
use super::shape::{Albedo, Mesh, turned};

/// One room with everything in it.
#[derive(Debug, Clone)]
pub struct Room {
    /// `room-0000`, ...
    pub name: String,
    /// East-west, north-south, and height.
    pub size: Vector3<f64>,
    /// Every object, on exact triangles in world coordinates.
    pub objects: Vec<Placed>,
    /// Floor, walls and ceiling, facing inwards.
    pub shell: Mesh,
    /// Tiles or boards.
    pub floor: Floor,
}

/// One object of a room.
#[derive(Debug, Clone)]
pub struct Placed {
    pub category: &'static str,
    /// "red chair"; none where its colour does not name it or nobody described it.
    pub caption: Option<String>,
    /// Triangles, world.
    pub mesh: Mesh,
    /// Its exact box: the smallest that is turned as the object is. World.
    pub obb: OrientedBox,
    /// The turn of that box about z, radians.
    pub yaw: f64,
    /// Where it carries other things, in its own axes around the middle of its bottom.
    top: Option<Top>,
}

/// The pattern of a floor.
#[derive(Debug, Clone, Copy)]
pub enum Floor {
    Tiles { side: f64 },
    Boards { width: f64 },
}

impl Room {
    /// The room of this number.
    pub fn new(seed: u64, number: usize) -> Self {
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
        let mut layout = Layout { size, dice, objects: Vec::new(), taken: Vec::new() };
        layout.furnish();
        Self { name, size, objects: layout.objects, shell: shell(size, ground, wall), floor }
    }

    /// True where a person could stand: this far from each wall and from everything higher than a knee.
    pub fn is_free(&self, x: f64, y: f64, distance: f64) -> bool {
        let inside = self.size.x / 2.0 - x.abs() >= distance && self.size.y / 2.0 - y.abs() >= distance;
        let person = Taken { x, y, yaw: 0.0, half: [0.02; 2], low: 0.5, high: self.size.z };
        inside && !self.objects.iter().any(|o| Taken::by(o).meets(&person, distance))
    }
}

impl Placed {
    /// True where the insides of the two boxes meet.
    pub fn meets(&self, other: &Self) -> bool {
        Taken::by(self).meets(&Taken::by(other), 0.0)
    }

    fn bottom(&self) -> f64 {
        self.obb.centre.z - self.obb.lengths.z / 2.0
    }
}

/// How many of a category a room of this use has, at least and at most.
type Stock = &'static [(&'static str, usize, usize)];

const THEMES: &[Stock] = &[
    // Bedroom.
    &[
        ("bed", 1, 2),
        ("nightstand", 1, 2),
        ("wardrobe", 1, 1),
        ("desk", 0, 1),
        ("chair", 1, 2),
        ("lamp", 1, 3),
        ("pillow", 1, 4),
        ("picture", 1, 3),
        ("clock", 0, 1),
        ("plant", 0, 1),
        ("suitcase", 0, 2),
        ("ball", 0, 2),
        ("trash bin", 0, 1),
        ("book", 1, 3),
        ("box", 0, 2),
        ("bottle", 0, 1),
        ("cup", 0, 1),
    ],
    // Living room.
    &[
        ("sofa", 1, 2),
        ("armchair", 0, 2),
        ("coffee table", 1, 1),
        ("cabinet", 1, 1),
        ("television", 1, 1),
        ("lamp", 1, 2),
        ("pillow", 2, 4),
        ("plant", 1, 2),
        ("picture", 1, 3),
        ("bookshelf", 0, 2),
        ("vase", 1, 2),
        ("cup", 1, 3),
        ("book", 1, 3),
        ("ball", 0, 2),
        ("clock", 0, 1),
        ("stool", 0, 1),
        ("box", 0, 1),
    ],
    // Office.
    &[
        ("desk", 2, 3),
        ("chair", 2, 4),
        ("monitor", 1, 3),
        ("laptop", 1, 2),
        ("bookshelf", 1, 2),
        ("cabinet", 0, 2),
        ("trash bin", 1, 2),
        ("plant", 1, 2),
        ("cup", 1, 3),
        ("book", 1, 3),
        ("picture", 0, 2),
        ("clock", 1, 1),
        ("lamp", 1, 2),
        ("box", 1, 3),
        ("suitcase", 0, 1),
        ("bottle", 0, 2),
    ],
    // Dining room.
    &[
        ("table", 1, 2),
        ("chair", 3, 6),
        ("stool", 0, 3),
        ("cabinet", 1, 2),
        ("plant", 1, 2),
        ("vase", 1, 3),
        ("cup", 2, 4),
        ("bottle", 1, 3),
        ("picture", 1, 3),
        ("clock", 0, 1),
        ("trash bin", 0, 2),
        ("lamp", 0, 2),
        ("box", 0, 2),
        ("bookshelf", 0, 1),
        ("ball", 0, 1),
    ],
];

const WALLS: &[Albedo] =
    &[[0.72, 0.70, 0.64], [0.62, 0.67, 0.70], [0.70, 0.64, 0.52], [0.58, 0.66, 0.56], [0.74, 0.74, 0.74]];
const TILES: &[Albedo] = &[[0.50, 0.47, 0.42], [0.36, 0.37, 0.38], [0.55, 0.50, 0.44]];
const BOARDS: &[Albedo] = &[[0.40, 0.24, 0.12], [0.50, 0.34, 0.19], [0.27, 0.15, 0.075]];
const CEILING: Albedo = [0.80, 0.80, 0.78];

/// Tries to find a place for one thing; a room that is full stays without it.
const TRIES: usize = 80;
/// Between things that stand side by side, so that their boxes are clearly apart.
const GAP: f64 = 0.06;

/// A room that is being furnished.
struct Layout {
    size: Vector3<f64>,
    dice: Dice,
    objects: Vec<Placed>,
    taken: Vec<Taken>,
}

impl Layout {
    fn furnish(&mut self) {
        let stock = *self.dice.pick(THEMES);
        let mut wanted = vec![design(&mut self.dice, "door"), design(&mut self.dice, "window")];
        for &(category, least, most) in stock {
            for _ in 0..self.dice.count(least, most) {
                wanted.push(design(&mut self.dice, category));
            }
        }
        // What needs a wall goes first, then what needs floor, then what needs either of those to stand on.
        wanted.sort_by_key(|design| match design.place {
            Place::Wall { lowest, .. } if lowest < 0.95 => 0,
            Place::Back => 1,
            Place::Floor => 2,
            Place::Seat => 3,
            Place::Top | Place::Cushioned => 4,
            Place::Wall { .. } => 5,
        });
        for design in wanted {
            self.add(design);
        }
    }

    /// Builds one thing and puts it where it fits.
    fn add(&mut self, design: &'static Design) {
        let colour = if design.colours.is_empty() { GREY } else { *self.dice.pick(design.colours) };
        let piece = (design.build)(&mut self.dice, colour);
        let mesh = Mesh::of(&piece.parts);
        let Some(bounds) = mesh.bounds() else { return };
        let lengths = bounds.extent();
        // A piece need not be centred on the axes that it was built in.
        let off = Vector3::new(bounds.centre().x, bounds.centre().y, bounds.low.z);
        let caption = self.caption(design, colour);
        for _ in 0..TRIES {
            let Some((yaw, foot)) = self.propose(design.place, lengths) else { continue };
            let half = [lengths.x / 2.0, lengths.y / 2.0];
            let wanted = Taken { x: foot.x, y: foot.y, yaw, half, low: foot.z, high: foot.z + lengths.z };
            if !self.fits(&wanted, design.place) {
                continue;
            }
            self.objects.push(Placed {
                category: design.category,
                caption,
                mesh: mesh.placed(yaw, foot - turned(yaw, off)),
                obb: OrientedBox::upright(foot + Vector3::z() * (lengths.z / 2.0), yaw, lengths),
                yaw,
                top: piece.top.map(|top| Top {
                    min: [top.min[0] - off.x, top.min[1] - off.y],
                    max: [top.max[0] - off.x, top.max[1] - off.y],
                    ..top
                }),
            });
            self.taken.push(if design.category == "door" { wanted.deepened(0.8) } else { wanted });
            return;
        }
    }

    fn caption(&mut self, design: &Design, colour: Colour) -> Option<String> {
        // Not every object of a real dataset is described either.
        let described = self.dice.chance(0.8);
        (described && !design.colours.is_empty()).then(|| format!("{} {}", colour.name, design.category))
    }

    /// A turn and the middle of the bottom for a thing of these lengths; it may still meet something.
    fn propose(&mut self, place: Place, lengths: Vector3<f64>) -> Option<(f64, Vector3<f64>)> {
        match place {
            Place::Floor => Some(self.somewhere(lengths)),
            Place::Seat if self.dice.chance(0.8) => self.facing_a_table(lengths),
            Place::Seat => Some(self.somewhere(lengths)),
            Place::Back => self.at_a_wall(lengths, 0.0, 0.02),
            Place::Wall { lowest, highest } => {
                let height = self.dice.between(lowest, highest);
                if height + lengths.z > self.size.z - 0.05 { None } else { self.at_a_wall(lengths, height, 0.002) }
            }
            Place::Top | Place::Cushioned => self.on_something(place, lengths),
        }
    }

    fn somewhere(&mut self, lengths: Vector3<f64>) -> (f64, Vector3<f64>) {
        let square = f64::from(self.dice.count(0, 3) as u32) * FRAC_PI_2 + self.dice.between(-0.08, 0.08);
        let any = self.dice.between(0.0, TAU);
        // Large furniture stands in line with the walls, more or less.
        let yaw = if lengths.x > 0.7 || self.dice.chance(0.4) { square } else { any };
        let x = self.dice.between(-0.5, 0.5) * self.size.x;
        let y = self.dice.between(-0.5, 0.5) * self.size.y;
        (yaw, Vector3::new(x, y, 0.0))
    }

    fn at_a_wall(&mut self, lengths: Vector3<f64>, height: f64, gap: f64) -> Option<(f64, Vector3<f64>)> {
        let wall = self.dice.count(0, 3);
        // A piece at yaw 0 has its back to the north; each quarter turn takes it to the next wall.
        let yaw = f64::from(wall as u32) * FRAC_PI_2;
        let (along, across) =
            if wall.is_multiple_of(2) { (self.size.x, self.size.y) } else { (self.size.y, self.size.x) };
        let free = along - lengths.x - 0.1;
        if free <= 0.0 {
            return None;
        }
        let shift = self.dice.between(-0.5, 0.5) * free;
        let out = across / 2.0 - lengths.y / 2.0 - gap;
        Some((yaw, turned(yaw, Vector3::new(shift, out, height))))
    }

    fn facing_a_table(&mut self, lengths: Vector3<f64>) -> Option<(f64, Vector3<f64>)> {
        let tables: Vec<_> =
            (0..self.objects.len()).filter(|&i| matches!(self.objects[i].category, "table" | "desk")).collect();
        if tables.is_empty() {
            return Some(self.somewhere(lengths));
        }
        let table = &self.objects[*self.dice.pick(&tables)];
        let (yaw, half, centre, is_desk) =
            (table.yaw, table.obb.lengths / 2.0, table.obb.centre, table.category == "desk");
        // A desk has a wall behind it: only its front can be sat at.
        let side = if is_desk { 2 } else { self.dice.count(0, 3) };
        let (reach, along) = if side.is_multiple_of(2) { (half.y, half.x) } else { (half.x, half.y) };
        let turn = yaw + f64::from(side as u32) * FRAC_PI_2;
        let shift = self.dice.between(-1.0, 1.0) * (along - lengths.x / 2.0).max(0.0);
        let out = reach + lengths.y / 2.0 + self.dice.between(0.08, 0.25);
        let foot = Vector3::new(centre.x, centre.y, 0.0) + turned(turn, Vector3::new(shift, out, 0.0));
        Some((turn + self.dice.between(-0.25, 0.25), foot))
    }

    fn on_something(&mut self, place: Place, lengths: Vector3<f64>) -> Option<(f64, Vector3<f64>)> {
        let tops: Vec<_> = (0..self.objects.len())
            .filter_map(|i| self.objects[i].top.filter(|top| top.carries == place).map(|top| (i, top)))
            .collect();
        if tops.is_empty() {
            return None;
        }
        let (under, top) = *self.dice.pick(&tops);
        let turn = self.dice.between(-0.3, 0.3);
        let under = &self.objects[under];
        let [x, y] = [0, 1].map(|i| {
            // Room on the top for the thing however it is turned, within the 0.3 radians above.
            let half = (lengths[i] + 0.3 * lengths[1 - i]) / 2.0;
            (top.min[i] + half, top.max[i] - half)
        });
        if x.0 > x.1 || y.0 > y.1 {
            return None;
        }
        let spot = Vector3::new(self.dice.between(x.0, x.1), self.dice.between(y.0, y.1), top.height);
        let foot = Vector3::new(under.obb.centre.x, under.obb.centre.y, under.bottom()) + turned(under.yaw, spot);
        Some((under.yaw + turn, foot))
    }

    /// True where the thing lies inside of the room and meets nothing that is there already.
    fn fits(&self, wanted: &Taken, place: Place) -> bool {
        let reach = wanted.reach();
        let inside = wanted.x.abs() + reach[0] <= self.size.x / 2.0 && wanted.y.abs() + reach[1] <= self.size.y / 2.0;
        inside
            && self.taken.iter().enumerate().all(|(i, other)| match place {
                // The box of a bed with a headboard holds the pillow that lies on it; only the top's own neighbours count.
                Place::Cushioned if self.objects[i].top.is_some_and(|top| top.carries == place) => true,
                Place::Top | Place::Cushioned => !other.meets(wanted, 0.02),
                _ => !other.meets(wanted, GAP),
            })
    }
}

/// Space that is taken: an upright box, turned about z.
#[derive(Debug, Clone, Copy)]
struct Taken {
    x: f64,
    y: f64,
    yaw: f64,
    half: [f64; 2],
    low: f64,
    high: f64,
}

impl Taken {
    fn by(object: &Placed) -> Self {
        let OrientedBox { centre, lengths, .. } = object.obb;
        let (low, high) = (object.bottom(), object.bottom() + lengths.z);
        Self { x: centre.x, y: centre.y, yaw: object.yaw, half: [lengths.x / 2.0, lengths.y / 2.0], low, high }
    }

    /// The same box with this much more depth in front.
    fn deepened(self, depth: f64) -> Self {
        let front = turned(self.yaw, Vector3::new(0.0, -depth / 2.0, 0.0));
        let half = [self.half[0], self.half[1] + depth / 2.0];
        Self { x: self.x + front.x, y: self.y + front.y, half, ..self }
    }

    /// Half the sides of the rectangle along the world axes that holds it.
    fn reach(&self) -> [f64; 2] {
        [0.0, FRAC_PI_2].map(|angle| self.radius(angle))
    }

    /// How far it reaches from its middle towards `angle`.
    fn radius(&self, angle: f64) -> f64 {
        let (sin, cos) = (angle - self.yaw).sin_cos();
        self.half[0] * cos.abs() + self.half[1] * sin.abs()
    }

    /// True where the two are less than `gap` apart; exact in height, by separating axes in plan.
    fn meets(&self, other: &Self, gap: f64) -> bool {
        // A thing that stands on another touches it: only their insides count in height.
        if self.high <= other.low + 1e-9 || other.high <= self.low + 1e-9 {
            return false;
        }
        [self.yaw, self.yaw + FRAC_PI_2, other.yaw, other.yaw + FRAC_PI_2].iter().all(|&angle| {
            let (sin, cos) = angle.sin_cos();
            let apart = ((self.x - other.x) * cos + (self.y - other.y) * sin).abs();
            apart < self.radius(angle) + other.radius(angle) + gap - 1e-9
        })
    }
}

/// One of the designs of a category.
fn design(dice: &mut Dice, category: &str) -> &'static Design {
    let of: Vec<&Design> = DESIGNS.iter().filter(|design| design.category == category).collect();
    of[dice.count(0, of.len() - 1)]
}

/// Six rectangles that face inwards: floor, ceiling, then the walls south, north, west, east.
fn shell(size: Vector3<f64>, ground: Albedo, wall: Albedo) -> Mesh {
    let half = size / 2.0;
    let corner = |i: usize| {
        let sign = |bit: usize| if i & bit == 0 { -1.0 } else { 1.0 };
        Vector3::new(sign(1) * half.x, sign(2) * half.y, if i & 4 == 0 { 0.0 } else { size.z })
    };
    let mut mesh = Mesh { vertices: (0..8).map(corner).collect(), ..Mesh::default() };
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

    use super::*;

    #[test]
    fn a_room_is_a_function_of_seed_and_number() {
        let boxes = |seed, number| {
            Room::new(seed, number)
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
        for number in 0..40 {
            let room = Room::new(0, number);
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
                    assert!(!a.meets(b), "{}: {} meets {}", room.name, a.category, b.category);
                }
            }
        }
    }

    #[test]
    fn the_box_of_an_object_is_the_box_of_its_triangles() {
        let room = Room::new(0, 0);
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

    #[test]
    fn every_category_is_stocked_and_every_stock_has_a_design() {
        for (category, _, _) in THEMES.iter().copied().flatten() {
            assert!(DESIGNS.iter().any(|d| d.category == *category), "{category} has no design");
        }
        for design in DESIGNS {
            let fixed = ["door", "window"].contains(&design.category);
            let stocked = THEMES.iter().copied().flatten().any(|(category, _, _)| *category == design.category);
            assert!(fixed || stocked, "no room has a {}", design.category);
        }
    }
}
