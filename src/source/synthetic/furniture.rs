//! Furniture: what may stand, lie or hang in a room, one [`Design`] each.
//!
//! A design builds one piece from dice and a colour, in axes of its own: origin at the bottom's middle, x right, y back
//! (a chair's back, a shelf's wall side), z up, metres.

use super::colour::{
    BLACK, BRIGHT, BROWN, CARDBOARD, CLOTH, Colour, GREEN, GREY, LEAF, METAL, ORANGE, PINE, RED, SKY, WHITE, WOOD,
    YELLOW,
};
use super::dice::Dice;
use super::shape::Part;

/// A kind of thing: where it goes, in which colours, and how to build one.
pub struct Design {
    /// Lower case, singular.
    pub category: &'static str,
    pub place: Place,
    /// Colours that name it in a caption ("red chair"); empty where a person would not name it by its colour.
    pub colours: &'static [Colour],
    pub build: fn(&mut Dice, Colour) -> Piece,
}

/// Where a thing may be put.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Place {
    /// Anywhere on the floor, turned any way.
    Floor,
    /// On the floor, in front of a table or desk and facing it, or else anywhere.
    Seat,
    /// On the floor with its back to a wall.
    Back,
    /// On a table, desk or cabinet.
    Top,
    /// On a bed or sofa.
    Cushioned,
    /// On a wall; its bottom this high.
    Wall { lowest: f64, highest: f64 },
}

/// One built piece.
pub struct Piece {
    pub parts: Vec<Part>,
    /// Where other things may be put on it.
    pub top: Option<Top>,
}

/// A level rectangle that carries things.
#[derive(Debug, Clone, Copy)]
pub struct Top {
    /// [`Place::Top`] or [`Place::Cushioned`].
    pub carries: Place,
    pub min: [f64; 2],
    pub max: [f64; 2],
    pub height: f64,
}

/// Every design.
pub const DESIGNS: &[Design] = &[
    Design { category: "table", place: Place::Floor, colours: WOOD, build: table },
    Design { category: "coffee table", place: Place::Floor, colours: WOOD, build: coffee_table },
    Design { category: "desk", place: Place::Back, colours: WOOD, build: desk },
    Design { category: "chair", place: Place::Seat, colours: BRIGHT, build: chair },
    Design { category: "stool", place: Place::Seat, colours: BRIGHT, build: stool },
    Design { category: "armchair", place: Place::Floor, colours: CLOTH, build: armchair },
    Design { category: "sofa", place: Place::Back, colours: CLOTH, build: sofa },
    Design { category: "bed", place: Place::Back, colours: CLOTH, build: bed },
    Design { category: "nightstand", place: Place::Back, colours: WOOD, build: nightstand },
    Design { category: "cabinet", place: Place::Back, colours: WOOD, build: cabinet },
    Design { category: "wardrobe", place: Place::Back, colours: WOOD, build: wardrobe },
    Design { category: "bookshelf", place: Place::Back, colours: WOOD, build: bookshelf },
    Design { category: "lamp", place: Place::Floor, colours: LAMPSHADES, build: floor_lamp },
    Design { category: "lamp", place: Place::Top, colours: LAMPSHADES, build: table_lamp },
    Design { category: "plant", place: Place::Floor, colours: &[], build: plant },
    Design { category: "trash bin", place: Place::Floor, colours: BRIGHT, build: trash_bin },
    Design { category: "box", place: Place::Floor, colours: &[], build: cardboard_box },
    Design { category: "suitcase", place: Place::Floor, colours: BRIGHT, build: suitcase },
    Design { category: "ball", place: Place::Floor, colours: BALLS, build: ball },
    Design { category: "monitor", place: Place::Top, colours: &[], build: monitor },
    Design { category: "laptop", place: Place::Top, colours: &[], build: laptop },
    Design { category: "vase", place: Place::Top, colours: BRIGHT, build: vase },
    Design { category: "cup", place: Place::Top, colours: BRIGHT, build: cup },
    Design { category: "book", place: Place::Top, colours: BRIGHT, build: book },
    Design { category: "bottle", place: Place::Top, colours: BOTTLES, build: bottle },
    Design { category: "pillow", place: Place::Cushioned, colours: BRIGHT, build: pillow },
    Design { category: "picture", place: Place::Wall { lowest: 1.25, highest: 1.5 }, colours: &[], build: picture },
    Design { category: "clock", place: Place::Wall { lowest: 1.7, highest: 1.95 }, colours: BRIGHT, build: clock },
    Design {
        category: "television",
        place: Place::Wall { lowest: 1.0, highest: 1.3 },
        colours: &[],
        build: television,
    },
    Design { category: "window", place: Place::Wall { lowest: 0.9, highest: 1.0 }, colours: &[], build: window },
    Design { category: "door", place: Place::Wall { lowest: 0.0, highest: 0.0 }, colours: WOOD, build: door },
];

const LAMPSHADES: &[Colour] = &[WHITE, YELLOW, ORANGE, RED, GREEN];
const BALLS: &[Colour] = &[RED, ORANGE, YELLOW, GREEN, super::colour::BLUE, super::colour::PINK];
const BOTTLES: &[Colour] = &[GREEN, BROWN, super::colour::BLUE];

fn table(dice: &mut Dice, colour: Colour) -> Piece {
    let (width, depth, height) = (dice.between(1.1, 1.9), dice.between(0.7, 0.95), dice.between(0.7, 0.78));
    legged(width, depth, height, 0.06, colour)
}

fn coffee_table(dice: &mut Dice, colour: Colour) -> Piece {
    let (width, depth, height) = (dice.between(0.8, 1.2), dice.between(0.45, 0.65), dice.between(0.36, 0.46));
    legged(width, depth, height, 0.05, colour)
}

/// A slab on four legs.
fn legged(width: f64, depth: f64, height: f64, leg: f64, colour: Colour) -> Piece {
    let slab = 0.045;
    let mut parts = vec![Part::block([width, depth, slab], [0.0, 0.0, height - slab], colour.albedo)];
    for (x, y) in corners(width - 2.0 * leg, depth - 2.0 * leg) {
        parts.push(Part::block([leg, leg, height - slab], [x, y, 0.0], colour.shade(0.75)));
    }
    Piece { parts, top: Some(tabletop(width, depth, height)) }
}

fn desk(dice: &mut Dice, colour: Colour) -> Piece {
    let (width, depth, height) = (dice.between(1.2, 1.6), dice.between(0.6, 0.75), dice.between(0.72, 0.76));
    let (slab, side, drawers) = (0.04, 0.04, 0.42);
    let dark = colour.shade(0.72);
    let mut parts = vec![
        Part::block([width, depth, slab], [0.0, 0.0, height - slab], colour.albedo),
        Part::block([side, depth - 0.04, height - slab], [side / 2.0 - width / 2.0, 0.0, 0.0], dark),
        Part::block([drawers, depth - 0.06, height - slab], [(width - drawers) / 2.0, 0.01, 0.0], dark),
        Part::block(
            [width - side - drawers, 0.02, 0.35],
            [(side - drawers) / 2.0, depth / 2.0 - 0.05, height - 0.39],
            dark,
        ),
    ];
    for row in 0..3 {
        let z = 0.05 + f64::from(row) * (height - slab - 0.05) / 3.0;
        let front = [(width - drawers) / 2.0, 0.025 - depth / 2.0, z];
        parts.push(Part::block([drawers - 0.04, 0.02, (height - slab - 0.05) / 3.0 - 0.03], front, colour.shade(0.95)));
        parts.push(Part::block([0.14, 0.01, 0.02], [front[0], 0.01 - depth / 2.0, z + 0.1], METAL));
    }
    Piece { parts, top: Some(tabletop(width, depth, height)) }
}

fn chair(dice: &mut Dice, colour: Colour) -> Piece {
    let (width, depth, seat) = (dice.between(0.42, 0.5), dice.between(0.42, 0.5), dice.between(0.42, 0.47));
    let (height, leg) = (dice.between(0.82, 0.98), 0.04);
    let mut parts = vec![
        Part::block([width, depth, 0.06], [0.0, 0.0, seat - 0.06], colour.albedo),
        Part::block([width, 0.05, height - seat - 0.1], [0.0, depth / 2.0 - 0.025, seat + 0.1], colour.shade(0.92)),
    ];
    for (x, y) in corners(width - leg, depth - leg) {
        parts.push(Part::block([leg, leg, seat - 0.06], [x, y, 0.0], colour.shade(0.55)));
    }
    for x in [-1.0, 1.0] {
        let post = [x * (width / 2.0 - 0.05), depth / 2.0 - 0.025, seat];
        parts.push(Part::block([0.04, 0.03, 0.1], post, colour.shade(0.55)));
    }
    Piece { parts, top: None }
}

fn stool(dice: &mut Dice, colour: Colour) -> Piece {
    let (radius, height) = (dice.between(0.16, 0.2), dice.between(0.45, 0.7));
    let mut parts = vec![Part::frustum([radius, radius, 0.06], [0.0, 0.0, height - 0.06], colour.albedo)];
    for (x, y) in corners(radius * 1.25, radius * 1.25) {
        parts.push(Part::frustum([0.018, 0.018, height - 0.06], [x, y, 0.0], METAL));
    }
    Piece { parts, top: None }
}

fn armchair(dice: &mut Dice, colour: Colour) -> Piece {
    let width = dice.between(0.75, 0.9);
    upholstered(dice, width, 1, colour, None)
}

fn sofa(dice: &mut Dice, colour: Colour) -> Piece {
    let width = dice.between(1.6, 2.2);
    upholstered(dice, width, if width > 1.9 { 3 } else { 2 }, colour, Some(Place::Cushioned))
}

/// Base, back, two arms and one cushion for each seat.
fn upholstered(dice: &mut Dice, width: f64, seats: usize, colour: Colour, carries: Option<Place>) -> Piece {
    let (depth, height, seat, arm) = (dice.between(0.8, 0.92), dice.between(0.78, 0.9), 0.42, 0.16);
    let (inner, back) = (width - 2.0 * arm, 0.2);
    let mut parts = vec![
        Part::block([width, depth, 0.24], [0.0, 0.0, 0.06], colour.shade(0.8)),
        Part::block([width, back, height - 0.3], [0.0, (depth - back) / 2.0, 0.3], colour.shade(0.9)),
    ];
    for side in [-1.0, 1.0] {
        let x = side * (width - arm) / 2.0;
        parts.push(Part::block([arm, depth - back, 0.3], [x, -back / 2.0, 0.3], colour.shade(0.85)));
    }
    let each = inner / seats as f64;
    for n in 0..seats {
        let x = -inner / 2.0 + each * (n as f64 + 0.5);
        parts.push(Part::block([each - 0.015, depth - back - 0.02, seat - 0.3], [x, -back / 2.0, 0.3], colour.albedo));
    }
    for (x, y) in corners(width - 0.12, depth - 0.12) {
        parts.push(Part::block([0.06, 0.06, 0.06], [x, y, 0.0], BLACK.albedo));
    }
    let top = carries.map(|carries| Top {
        carries,
        min: [-inner / 2.0, -depth / 2.0 + 0.02],
        max: [inner / 2.0, depth / 2.0 - back],
        height: seat,
    });
    Piece { parts, top }
}

fn bed(dice: &mut Dice, colour: Colour) -> Piece {
    let (width, length, head) = (dice.between(1.0, 1.7), dice.between(1.95, 2.1), dice.between(0.85, 1.05));
    let (frame, mattress) = (0.28, 0.22);
    let covered = length * 0.68;
    let surface = frame + mattress;
    let parts = vec![
        Part::block([width, length, 0.2], [0.0, 0.0, 0.08], PINE),
        Part::block([width, 0.06, head - 0.28], [0.0, length / 2.0 - 0.03, 0.28], PINE),
        Part::block([width - 0.06, length - 0.09, mattress], [0.0, -0.03, frame], WHITE.albedo),
        // The blanket hangs over the mattress on both sides and at the foot.
        Part::block(
            [width - 0.01, covered, mattress],
            [0.0, -length / 2.0 + covered / 2.0, frame + 0.02],
            colour.albedo,
        ),
        Part::block([0.08, 0.08, 0.08], [-width / 2.0 + 0.08, -length / 2.0 + 0.1, 0.0], PINE),
        Part::block([0.08, 0.08, 0.08], [width / 2.0 - 0.08, -length / 2.0 + 0.1, 0.0], PINE),
        Part::block([0.08, 0.08, 0.08], [-width / 2.0 + 0.08, length / 2.0 - 0.1, 0.0], PINE),
        Part::block([0.08, 0.08, 0.08], [width / 2.0 - 0.08, length / 2.0 - 0.1, 0.0], PINE),
    ];
    let top = Top {
        carries: Place::Cushioned,
        min: [-width / 2.0 + 0.08, length / 2.0 - 0.6],
        max: [width / 2.0 - 0.08, length / 2.0 - 0.07],
        height: surface,
    };
    Piece { parts, top: Some(top) }
}

fn nightstand(dice: &mut Dice, colour: Colour) -> Piece {
    let (width, depth, height) = (dice.between(0.4, 0.5), dice.between(0.36, 0.44), dice.between(0.45, 0.58));
    drawers(width, depth, height, 2, colour)
}

fn cabinet(dice: &mut Dice, colour: Colour) -> Piece {
    let (width, depth, height) = (dice.between(0.8, 1.4), dice.between(0.4, 0.5), dice.between(0.75, 1.05));
    doors(width, depth, height, colour)
}

fn wardrobe(dice: &mut Dice, colour: Colour) -> Piece {
    let (width, depth, height) = (dice.between(1.0, 1.6), dice.between(0.55, 0.62), dice.between(1.85, 2.15));
    Piece { top: None, ..doors(width, depth, height, colour) }
}

/// A body with drawers, one above the other.
fn drawers(width: f64, depth: f64, height: f64, rows: usize, colour: Colour) -> Piece {
    let (body, front) = (depth - 0.03, 0.02);
    let mut parts = vec![Part::block([width, body, height], [0.0, 0.015, 0.0], colour.shade(0.7))];
    let each = (height - 0.06) / rows as f64;
    for row in 0..rows {
        let z = 0.03 + each * row as f64;
        parts.push(Part::block([width - 0.03, front, each - 0.02], [0.0, -body / 2.0 + 0.005, z], colour.albedo));
        parts.push(Part::block([0.1, 0.01, 0.02], [0.0, -depth / 2.0 + 0.005, z + each * 0.5], METAL));
    }
    Piece { parts, top: Some(tabletop(width, depth, height)) }
}

/// A body with two doors side by side.
fn doors(width: f64, depth: f64, height: f64, colour: Colour) -> Piece {
    let (body, front) = (depth - 0.04, 0.02);
    let mut parts = vec![Part::block([width, body, height], [0.0, 0.02, 0.0], colour.shade(0.7))];
    for side in [-1.0, 1.0] {
        let panel = [side * width / 4.0, -body / 2.0 + 0.01, 0.06];
        parts.push(Part::block([width / 2.0 - 0.03, front, height - 0.1], panel, colour.albedo));
        let knob = [side * 0.05, -depth / 2.0 + 0.01, height * 0.45];
        parts.push(Part::block([0.02, 0.02, height * 0.12], knob, METAL));
    }
    Piece { parts, top: Some(tabletop(width, depth, height)) }
}

fn bookshelf(dice: &mut Dice, colour: Colour) -> Piece {
    let (width, depth, height) = (dice.between(0.7, 1.1), dice.between(0.28, 0.36), dice.between(1.5, 2.05));
    let (board, shelves) = (0.03, dice.count(4, 5));
    let mut parts = vec![Part::block([width, 0.015, height], [0.0, depth / 2.0 - 0.0075, 0.0], colour.shade(0.6))];
    for side in [-1.0, 1.0] {
        parts.push(Part::block([board, depth, height], [side * (width - board) / 2.0, 0.0, 0.0], colour.albedo));
    }
    let each = (height - board) / shelves as f64;
    for row in 0..=shelves {
        let z = each * row as f64;
        parts.push(Part::block([width - 2.0 * board, depth - 0.015, board], [0.0, -0.0075, z], colour.albedo));
    }
    Piece { parts, top: None }
}

fn floor_lamp(dice: &mut Dice, colour: Colour) -> Piece {
    lamp(dice.between(1.45, 1.75), dice.between(0.19, 0.25), 0.32, colour)
}

fn table_lamp(dice: &mut Dice, colour: Colour) -> Piece {
    lamp(dice.between(0.38, 0.5), dice.between(0.11, 0.14), 0.18, colour)
}

/// A foot, a pole and a conical shade.
fn lamp(height: f64, radius: f64, shade: f64, colour: Colour) -> Piece {
    let parts = vec![
        Part::frustum([radius * 0.7, radius * 0.65, 0.03], [0.0; 3], BLACK.albedo),
        Part::frustum([0.015, 0.015, height - shade], [0.0, 0.0, 0.02], METAL),
        Part::frustum([radius, radius * 0.6, shade], [0.0, 0.0, height - shade], colour.albedo),
    ];
    Piece { parts, top: None }
}

fn plant(dice: &mut Dice, _: Colour) -> Piece {
    let (radius, height) = (dice.between(0.13, 0.19), dice.between(0.8, 1.3));
    let pot = radius * 1.7;
    let mut parts = vec![
        Part::frustum([radius * 0.75, radius, pot], [0.0; 3], [0.5, 0.2, 0.1]),
        Part::frustum([0.02, 0.015, height * 0.6], [0.0, 0.0, pot], BROWN.albedo),
    ];
    for leaf in 0..dice.count(6, 9) {
        let turn = 2.4 * leaf as f64;
        let (out, size) = (dice.between(0.06, 0.17), dice.between(0.18, 0.3));
        let z = dice.between(pot + 0.05, height - size * 0.8);
        let tint = dice.between(0.75, 1.5) as f32;
        let green = LEAF.map(|light| light * tint);
        parts.push(Part::round([size, size, size * 0.8], 0.0, [out * turn.cos(), out * turn.sin(), z], green));
    }
    Piece { parts, top: None }
}

fn trash_bin(dice: &mut Dice, colour: Colour) -> Piece {
    let (radius, height) = (dice.between(0.13, 0.19), dice.between(0.3, 0.5));
    let parts = vec![
        Part::frustum([radius * 0.78, radius, height], [0.0; 3], colour.albedo),
        // The dark opening, as a disc that just clears the rim.
        Part::frustum([radius * 0.86, radius * 0.86, 0.002], [0.0, 0.0, height], [0.01; 3]),
    ];
    Piece { parts, top: None }
}

fn cardboard_box(dice: &mut Dice, _: Colour) -> Piece {
    let (width, depth, height) = (dice.between(0.3, 0.6), dice.between(0.25, 0.45), dice.between(0.2, 0.45));
    let parts = vec![
        Part::block([width, depth, height], [0.0; 3], CARDBOARD),
        Part::block([width, 0.06, 0.002], [0.0, 0.0, height], [0.68, 0.52, 0.3]),
        Part::block([0.002, 0.06, 0.1], [width / 2.0 + 0.001, 0.0, height - 0.1], [0.68, 0.52, 0.3]),
        Part::block([0.002, 0.06, 0.1], [-width / 2.0 - 0.001, 0.0, height - 0.1], [0.68, 0.52, 0.3]),
    ];
    Piece { parts, top: None }
}

fn suitcase(dice: &mut Dice, colour: Colour) -> Piece {
    let (width, depth, height) = (dice.between(0.4, 0.5), dice.between(0.22, 0.28), dice.between(0.5, 0.65));
    let mut parts = vec![Part::block([width, depth, height], [0.0, 0.0, 0.05], colour.albedo)];
    for rib in [-0.3, -0.1, 0.1, 0.3] {
        parts.push(Part::block([0.025, depth + 0.015, height - 0.06], [rib * width, 0.0, 0.08], colour.shade(0.7)));
    }
    for (x, y) in corners(width - 0.08, depth - 0.08) {
        parts.push(Part::frustum([0.025, 0.025, 0.05], [x, y, 0.0], BLACK.albedo));
    }
    for x in [-0.09, 0.09] {
        parts.push(Part::block([0.02, 0.02, 0.22], [x, depth / 2.0 - 0.04, height + 0.05], METAL));
    }
    parts.push(Part::block([0.2, 0.03, 0.03], [0.0, depth / 2.0 - 0.04, height + 0.27], BLACK.albedo));
    Piece { parts, top: None }
}

fn ball(dice: &mut Dice, colour: Colour) -> Piece {
    let size = dice.between(0.2, 0.45);
    Piece { parts: vec![Part::round([size; 3], 0.0, [0.0; 3], colour.albedo)], top: None }
}

fn monitor(dice: &mut Dice, _: Colour) -> Piece {
    let (width, height) = (dice.between(0.5, 0.65), dice.between(0.3, 0.36));
    let parts = vec![
        Part::frustum([0.11, 0.11, 0.015], [0.0, 0.02, 0.0], GREY.albedo),
        Part::block([0.05, 0.03, 0.16], [0.0, 0.04, 0.0], GREY.albedo),
        Part::block([width, 0.04, height], [0.0, 0.0, 0.12], BLACK.albedo),
        Part::block([width - 0.04, 0.004, height - 0.04], [0.0, -0.022, 0.14], [0.08, 0.22, 0.4]),
    ];
    Piece { parts, top: None }
}

fn laptop(dice: &mut Dice, _: Colour) -> Piece {
    let (width, depth) = (dice.between(0.31, 0.36), 0.24);
    let parts = vec![
        Part::block([width, depth, 0.02], [0.0; 3], METAL),
        Part::block([width - 0.06, 0.1, 0.002], [0.0, 0.03, 0.02], BLACK.albedo),
        Part::block([width, 0.015, 0.23], [0.0, depth / 2.0, 0.02], METAL),
        Part::block([width - 0.03, 0.003, 0.2], [0.0, depth / 2.0 - 0.009, 0.035], [0.1, 0.3, 0.55]),
    ];
    Piece { parts, top: None }
}

fn vase(dice: &mut Dice, colour: Colour) -> Piece {
    let (radius, height) = (dice.between(0.06, 0.1), dice.between(0.2, 0.34));
    let parts = vec![
        Part::frustum([radius * 0.6, radius, height * 0.55], [0.0; 3], colour.albedo),
        Part::frustum([radius, radius * 0.4, height * 0.3], [0.0, 0.0, height * 0.55], colour.albedo),
        Part::frustum([radius * 0.4, radius * 0.6, height * 0.15], [0.0, 0.0, height * 0.85], colour.shade(0.8)),
    ];
    Piece { parts, top: None }
}

fn cup(dice: &mut Dice, colour: Colour) -> Piece {
    let (radius, height) = (dice.between(0.038, 0.05), dice.between(0.085, 0.115));
    let parts = vec![
        Part::frustum([radius * 0.85, radius, height], [0.0; 3], colour.albedo),
        Part::frustum([radius * 0.85, radius * 0.85, 0.001], [0.0, 0.0, height], [0.05, 0.03, 0.02]),
        Part::block([0.03, 0.012, 0.05], [radius + 0.012, 0.0, height * 0.3], colour.shade(0.85)),
    ];
    Piece { parts, top: None }
}

fn book(dice: &mut Dice, colour: Colour) -> Piece {
    let (width, depth, height) = (dice.between(0.15, 0.2), dice.between(0.21, 0.28), dice.between(0.03, 0.06));
    let parts = vec![
        Part::block([width, depth, 0.006], [0.0; 3], colour.albedo),
        Part::block([width - 0.01, depth - 0.01, height - 0.012], [0.0, 0.0, 0.006], WHITE.albedo),
        Part::block([width, depth, 0.006], [0.0, 0.0, height - 0.006], colour.albedo),
        Part::block([0.006, depth, height], [-width / 2.0 + 0.003, 0.0, 0.0], colour.albedo),
    ];
    Piece { parts, top: None }
}

fn bottle(dice: &mut Dice, colour: Colour) -> Piece {
    let (radius, height) = (dice.between(0.035, 0.045), dice.between(0.24, 0.32));
    let parts = vec![
        Part::frustum([radius, radius, height * 0.6], [0.0; 3], colour.albedo),
        Part::frustum([radius, 0.014, height * 0.2], [0.0, 0.0, height * 0.6], colour.albedo),
        Part::frustum([0.014, 0.014, height * 0.2], [0.0, 0.0, height * 0.8], colour.albedo),
        Part::frustum([radius + 0.001, radius + 0.001, height * 0.2], [0.0, 0.0, height * 0.2], WHITE.albedo),
    ];
    Piece { parts, top: None }
}

fn pillow(dice: &mut Dice, colour: Colour) -> Piece {
    let size = [dice.between(0.38, 0.6), dice.between(0.32, 0.4), dice.between(0.12, 0.16)];
    Piece { parts: vec![Part::round(size, 0.55, [0.0; 3], colour.albedo)], top: None }
}

fn picture(dice: &mut Dice, _: Colour) -> Piece {
    let (width, height) = (dice.between(0.4, 0.9), dice.between(0.35, 0.65));
    let paint = |x: f64, z: f64, w: f64, h: f64, level: f64, light| {
        Part::block([w * width, 0.001, h * height], [x * width, -0.012 - 0.001 * level, z * height], light)
    };
    let parts = vec![
        Part::block([width, 0.03, height], [0.0; 3], BROWN.shade(0.6)),
        paint(0.0, 0.08, 0.86, 0.84, 4.0, SKY),
        paint(0.0, 0.08, 0.86, 0.3, 5.0, GREEN.albedo),
        paint(-0.15, 0.3, 0.3, 0.25, 6.0, GREY.albedo),
        paint(0.25, 0.65, 0.12, 0.16, 6.0, YELLOW.albedo),
    ];
    Piece { parts, top: None }
}

fn clock(dice: &mut Dice, colour: Colour) -> Piece {
    let radius = dice.between(0.14, 0.2);
    let parts = vec![
        Part::plate([radius, 0.03], [0.0; 3], colour.albedo),
        Part::plate([radius * 0.85, 0.002], [0.0, -0.016, radius * 0.15], WHITE.albedo),
        Part::block([0.012, 0.002, radius * 0.7], [0.0, -0.018, radius], BLACK.albedo),
        Part::block([radius * 0.5, 0.002, 0.014], [radius * 0.25, -0.018, radius - 0.007], BLACK.albedo),
    ];
    Piece { parts, top: None }
}

fn television(dice: &mut Dice, _: Colour) -> Piece {
    let width = dice.between(0.9, 1.4);
    let height = width * 0.58;
    let parts = vec![
        Part::block([width, 0.06, height], [0.0; 3], BLACK.albedo),
        Part::block([width - 0.05, 0.004, height - 0.05], [0.0, -0.032, 0.025], [0.03, 0.035, 0.05]),
    ];
    Piece { parts, top: None }
}

fn window(dice: &mut Dice, _: Colour) -> Piece {
    let (width, height) = (dice.between(0.9, 1.5), dice.between(1.0, 1.25));
    let (bar, depth) = (0.06, 0.06);
    let mut parts = vec![Part::block([width - bar, 0.02, height - bar], [0.0, 0.02, bar / 2.0], SKY)];
    for side in [-1.0, 0.0, 1.0] {
        parts.push(Part::block([bar, depth, height], [side * (width - bar) / 2.0, 0.0, 0.0], WHITE.albedo));
    }
    for z in [0.0, height / 2.0, height - bar] {
        parts.push(Part::block([width, depth, bar], [0.0, 0.0, z], WHITE.albedo));
    }
    Piece { parts, top: None }
}

fn door(dice: &mut Dice, colour: Colour) -> Piece {
    let (width, height) = (dice.between(0.85, 0.95), dice.between(1.98, 2.08));
    let mut parts = vec![
        Part::block([width, 0.04, height], [0.0; 3], colour.shade(0.7)),
        Part::block([width - 0.14, 0.01, height - 0.07], [0.0, -0.025, 0.0], colour.albedo),
        Part::round([0.06, 0.05, 0.06], 0.0, [width / 2.0 - 0.13, -0.055, 1.0], METAL),
    ];
    for z in [0.2, 1.15] {
        parts.push(Part::block([width - 0.4, 0.006, 0.7], [0.0, -0.033, z], colour.shade(0.85)));
    }
    Piece { parts, top: None }
}

/// The four corners of a rectangle around the origin.
fn corners(width: f64, depth: f64) -> [(f64, f64); 4] {
    let (x, y) = (width / 2.0, depth / 2.0);
    [(-x, -y), (x, -y), (x, y), (-x, y)]
}

fn tabletop(width: f64, depth: f64, height: f64) -> Top {
    Top { carries: Place::Top, min: [-width / 2.0, -depth / 2.0], max: [width / 2.0, depth / 2.0], height }
}
