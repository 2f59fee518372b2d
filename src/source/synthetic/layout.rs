//! Layout: which things a room has, and a place for each where it meets nothing.

use std::f64::consts::{FRAC_PI_2, TAU};

use spatialmill_geometry::{OrientedBox, Vector3};

use super::colour::{GREY, ItemColour};
use super::dice::Dice;
use super::furniture::{DESIGNS, Design, Placement, Sides, Top};
use super::outline::{Outline, WallRun};
use super::placed_item::PlacedItem;
use super::shape::{ShapeMesh, turned};
use super::space::Taken;
use super::variety::{Things, Variant, scaled};

/// A room that is being furnished.
pub struct Layout {
    things: Things,
    outline: Outline,
    ceiling: f64,
    dice: Dice,
    objects: Vec<PlacedItem>,
    taken: Vec<Taken>,
    /// Where nothing may be put: in front of doorways.
    kept_free: Vec<Taken>,
}

impl Layout {
    pub fn new(things: Things, outline: Outline, ceiling: f64, dice: Dice) -> Self {
        Self { things, outline, ceiling, dice, objects: Vec::new(), taken: Vec::new(), kept_free: Vec::new() }
    }

    /// The same, with nothing put where this is.
    pub fn keeping_free(self, kept_free: Vec<Taken>) -> Self {
        Self { kept_free, ..self }
    }

    /// Puts things into the room until all that it should have has been tried.
    pub fn furnished(mut self) -> Vec<PlacedItem> {
        self.furnish();
        self.objects
    }

    fn furnish(&mut self) {
        let stock = *self.dice.pick(THEMES);
        let mut wanted = vec![design(&mut self.dice, "door"), design(&mut self.dice, "window")];
        wanted.extend(self.drawn(stock));
        if self.things == Things::Varied {
            for _ in 0..self.dice.count(3, 6) {
                wanted.push(design(&mut self.dice, "shelf"));
            }
            // Collections, so that there is something to count.
            for _ in 0..2 {
                let (category, ..) = *self.dice.pick(stock);
                for _ in 0..self.dice.count(1, 5) {
                    wanted.push(design(&mut self.dice, category));
                }
            }
        }
        self.add_all(wanted);
    }

    /// Puts a stock into the room; what finds no place stays out.
    pub fn stocked(mut self, stock: Stock) -> Vec<PlacedItem> {
        let wanted = self.drawn(stock);
        self.add_all(wanted);
        self.objects
    }

    fn drawn(&mut self, stock: Stock) -> Vec<&'static Design> {
        let mut wanted = Vec::new();
        for &(category, least, most) in stock {
            for _ in 0..self.dice.count(least, most) {
                wanted.push(design(&mut self.dice, category));
            }
        }
        wanted
    }

    fn add_all(&mut self, wanted: Vec<&'static Design>) {
        let mut made: Vec<LooseItem> = wanted.into_iter().filter_map(|design| self.make(design)).collect();
        // What needs a wall goes first, then what needs floor, then what needs either of those to stand on.
        made.sort_by_key(|thing| match thing.place {
            Placement::Wall { lowest, .. } if lowest < 0.95 => 0,
            Placement::Back => 1,
            Placement::Floor => 2,
            Placement::Seat => 3,
            Placement::Top | Placement::Cushioned => 4,
            Placement::Wall { .. } => 5,
        });
        for thing in made {
            self.add(thing);
        }
    }

    /// Builds one thing.
    fn make(&mut self, design: &'static Design) -> Option<LooseItem> {
        let colour = if design.colours.is_empty() { GREY } else { *self.dice.pick(design.colours) };
        let piece = (design.build)(&mut self.dice, colour);
        let mesh = ShapeMesh::of(&piece.parts);
        let lengths = mesh.bounds()?.extent();
        let Variant { scale, place } = self.things.make(&mut self.dice, design, lengths, self.ceiling);
        Some(LooseItem {
            design,
            place,
            colour,
            mesh: mesh.scaled(scale),
            symmetry: design.sides.symmetry(scale),
            top: piece.top.map(|top| scaled(top, scale)),
        })
    }

    /// Puts one thing where it fits.
    fn add(&mut self, LooseItem { design, place, colour, mesh, symmetry, top }: LooseItem) {
        let Some(bounds) = mesh.bounds() else { return };
        let lengths = bounds.extent();
        // A piece need not be centred on the axes that it was built in.
        let off = Vector3::new(bounds.centre().x, bounds.centre().y, bounds.low.z);
        let caption = self.caption(design, colour);
        for _ in 0..TRIES {
            let Some((yaw, foot)) = self.propose(design, place, lengths) else { continue };
            let half = [lengths.x / 2.0, lengths.y / 2.0];
            let wanted = Taken { x: foot.x, y: foot.y, yaw, half, low: foot.z, high: foot.z + lengths.z };
            if !self.fits(&wanted, place) {
                continue;
            }
            self.objects.push(PlacedItem {
                category: design.category,
                caption,
                mesh: mesh.placed(yaw, foot - turned(yaw, off)),
                obb: OrientedBox::upright(foot + Vector3::z() * (lengths.z / 2.0), yaw, lengths),
                yaw,
                front: (design.sides == Sides::Front).then(|| turned(yaw, -Vector3::y())),
                symmetry,
                top: top.map(|top| Top {
                    min: [top.min[0] - off.x, top.min[1] - off.y],
                    max: [top.max[0] - off.x, top.max[1] - off.y],
                    ..top
                }),
            });
            self.taken.push(if design.category == "door" { wanted.deepened(0.8) } else { wanted });
            return;
        }
    }

    fn caption(&mut self, design: &Design, colour: ItemColour) -> Option<String> {
        // Not every object of a real dataset is described either.
        let described = self.dice.chance(0.8);
        (described && !design.colours.is_empty()).then(|| format!("{} {}", colour.name, design.category))
    }

    /// A turn and the middle of the bottom for a thing of these lengths; it may still meet something.
    fn propose(&mut self, design: &Design, place: Placement, lengths: Vector3<f64>) -> Option<(f64, Vector3<f64>)> {
        match place {
            Placement::Floor => Some(self.somewhere(lengths)),
            Placement::Seat if self.dice.chance(0.8) => self.facing_a_table(lengths),
            Placement::Seat => Some(self.somewhere(lengths)),
            Placement::Back => self.at_a_wall(design, lengths, 0.0, 0.02),
            Placement::Wall { lowest, highest } => {
                let height = self.dice.between(lowest, highest);
                if height + lengths.z > self.ceiling - 0.05 {
                    None
                } else {
                    self.at_a_wall(design, lengths, height, 0.002)
                }
            }
            Placement::Top | Placement::Cushioned => self.on_something(place, lengths),
        }
    }

    fn somewhere(&mut self, lengths: Vector3<f64>) -> (f64, Vector3<f64>) {
        let square = f64::from(self.dice.count(0, 3) as u32) * FRAC_PI_2 + self.dice.between(-0.08, 0.08);
        let any = self.dice.between(0.0, TAU);
        // Large furniture stands in line with the walls, more or less.
        let yaw = if lengths.x > 0.7 || self.dice.chance(0.4) { square } else { any };
        let Outline { centre, size, .. } = self.outline;
        let x = self.dice.between(-0.5, 0.5) * size[0] + centre[0];
        let y = self.dice.between(-0.5, 0.5) * size[1] + centre[1];
        (yaw, Vector3::new(x, y, 0.0))
    }

    fn at_a_wall(
        &mut self,
        design: &Design,
        lengths: Vector3<f64>,
        height: f64,
        gap: f64,
    ) -> Option<(f64, Vector3<f64>)> {
        // What leads or shows outside is in an outer wall.
        let leads_outside = ["door", "window"].contains(&design.category);
        let walls: Vec<&WallRun> = self.outline.walls.iter().filter(|wall| wall.is_outer || !leads_outside).collect();
        if walls.is_empty() {
            return None;
        }
        let wall = *self.dice.pick(&walls);
        let free = wall.free(lengths.x);
        if free <= 0.0 {
            return None;
        }
        let shift = self.dice.between(-0.5, 0.5) * free;
        Some((wall.yaw(), wall.foot(shift, lengths.y, gap, height)))
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

    fn on_something(&mut self, place: Placement, lengths: Vector3<f64>) -> Option<(f64, Vector3<f64>)> {
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
    fn fits(&self, wanted: &Taken, place: Placement) -> bool {
        self.outline.holds(wanted)
            && wanted.high <= self.ceiling - 0.02
            && !self.kept_free.iter().any(|other| other.meets(wanted, 0.0))
            && self.taken.iter().enumerate().all(|(i, other)| match place {
                // The box of a bed with a headboard holds the pillow that lies on it; only the top's own neighbours count.
                Placement::Cushioned if self.objects[i].top.is_some_and(|top| top.carries == place) => true,
                Placement::Top | Placement::Cushioned => !other.meets(wanted, 0.02),
                _ => !other.meets(wanted, GAP),
            })
    }
}

/// A built thing that has no place yet.
struct LooseItem {
    design: &'static Design,
    place: Placement,
    colour: ItemColour,
    mesh: ShapeMesh,
    symmetry: i32,
    top: Option<Top>,
}

/// One of the designs of a category.
fn design(dice: &mut Dice, category: &str) -> &'static Design {
    let of: Vec<&Design> = DESIGNS.iter().filter(|design| design.category == category).collect();
    of[dice.count(0, of.len() - 1)]
}

/// How many of a category a room of this use has, at least and at most.
pub type Stock = &'static [(&'static str, usize, usize)];

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

/// Tries to find a place for one thing; a room that is full stays without it.
const TRIES: usize = 80;
/// Between things that stand side by side, so that their boxes are clearly apart.
pub const GAP: f64 = 0.06;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_category_is_stocked_and_every_stock_has_a_design() {
        for (category, _, _) in THEMES.iter().copied().flatten() {
            assert!(DESIGNS.iter().any(|d| d.category == *category), "{category} has no design");
        }
        let of_homes = crate::source::synthetic_home::EVERY_STOCK;
        for (category, ..) in of_homes.iter().copied().flatten() {
            assert!(DESIGNS.iter().any(|d| d.category == *category), "{category} has no design");
        }
        for design in DESIGNS {
            let fixed = ["door", "window", "shelf"].contains(&design.category);
            let stocked =
                THEMES.iter().chain(&of_homes).copied().flatten().any(|(category, ..)| *category == design.category);
            assert!(fixed || stocked, "no room has a {}", design.category);
        }
    }
}
