//! Furniture: what may stand, lie or hang in a room, one [`Design`] each.
//!
//! A design builds one piece from dice and a colour, in axes of its own: origin at the bottom's middle, x right, y back
//! (a chair's back, a shelf's wall side), z up, metres.

mod bath;
mod floor;
mod home;
mod kitchen;
mod seats;
mod small;
mod storage;
mod tables;
mod wall;

use super::colour::{
    BLACK, BLUE, BRIGHT, BROWN, CLOTH, GREEN, GREY, ItemColour, ORANGE, PINK, RED, WHITE, WOOD, YELLOW,
};
use super::dice::Dice;
use super::shape::ShapePart;

/// A kind of thing: where it goes, in which colours, and how to build one.
pub struct Design {
    /// Lower case, singular.
    pub category: &'static str,
    pub place: Placement,
    /// Colours that name it in a caption ("red chair"); empty where a person would not name it by its colour.
    pub colours: &'static [ItemColour],
    pub sides: Sides,
    pub build: fn(&mut Dice, ItemColour) -> FurniturePiece,
}

/// Where a thing may be put.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Placement {
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

/// What a thing looks like from another side: what a turn about the vertical changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sides {
    /// It has a front, which faces its own -y.
    Front,
    /// All of its sides differ, and a person would call none of them its front.
    Uneven,
    /// It looks the same after half a turn.
    Two,
    /// It looks the same after a quarter.
    Four,
    /// It looks the same after any turn.
    Round,
}

impl Sides {
    /// As `scene_objects.symmetry` has it, of a piece that was stretched by `scale`.
    pub fn symmetry(self, [x, y, _]: [f64; 3]) -> i32 {
        let is_stretched = (x - y).abs() > 1e-9;
        match self {
            Self::Front | Self::Uneven => 1,
            Self::Two => 2,
            Self::Four | Self::Round if is_stretched => 2,
            Self::Four => 4,
            Self::Round => 0,
        }
    }
}

/// One built piece.
pub struct FurniturePiece {
    pub parts: Vec<ShapePart>,
    /// Where other things may be put on it.
    pub top: Option<Top>,
}

/// A level rectangle that carries things.
#[derive(Debug, Clone, Copy)]
pub struct Top {
    /// [`Placement::Top`] or [`Placement::Cushioned`].
    pub carries: Placement,
    pub min: [f64; 2],
    pub max: [f64; 2],
    pub height: f64,
}

/// Every design.
pub const DESIGNS: &[Design] = &[
    Design { category: "table", place: Placement::Floor, colours: WOOD, sides: Sides::Two, build: tables::table },
    Design {
        category: "coffee table",
        place: Placement::Floor,
        colours: WOOD,
        sides: Sides::Two,
        build: tables::coffee_table,
    },
    Design { category: "desk", place: Placement::Back, colours: WOOD, sides: Sides::Front, build: tables::desk },
    Design { category: "chair", place: Placement::Seat, colours: BRIGHT, sides: Sides::Front, build: seats::chair },
    Design { category: "stool", place: Placement::Seat, colours: BRIGHT, sides: Sides::Four, build: seats::stool },
    Design {
        category: "armchair",
        place: Placement::Floor,
        colours: CLOTH,
        sides: Sides::Front,
        build: seats::armchair,
    },
    Design { category: "sofa", place: Placement::Back, colours: CLOTH, sides: Sides::Front, build: seats::sofa },
    Design { category: "bed", place: Placement::Back, colours: CLOTH, sides: Sides::Front, build: seats::bed },
    Design {
        category: "nightstand",
        place: Placement::Back,
        colours: WOOD,
        sides: Sides::Front,
        build: storage::nightstand,
    },
    Design { category: "cabinet", place: Placement::Back, colours: WOOD, sides: Sides::Front, build: storage::cabinet },
    Design {
        category: "wardrobe",
        place: Placement::Back,
        colours: WOOD,
        sides: Sides::Front,
        build: storage::wardrobe,
    },
    Design {
        category: "bookshelf",
        place: Placement::Back,
        colours: WOOD,
        sides: Sides::Front,
        build: storage::bookshelf,
    },
    Design {
        category: "shelf",
        place: Placement::Wall { lowest: 0.4, highest: 2.0 },
        colours: WOOD,
        sides: Sides::Front,
        build: storage::shelf,
    },
    Design {
        category: "lamp",
        place: Placement::Floor,
        colours: LAMPSHADES,
        sides: Sides::Round,
        build: floor::floor_lamp,
    },
    Design {
        category: "lamp",
        place: Placement::Top,
        colours: LAMPSHADES,
        sides: Sides::Round,
        build: floor::table_lamp,
    },
    Design { category: "plant", place: Placement::Floor, colours: &[], sides: Sides::Uneven, build: floor::plant },
    Design {
        category: "trash bin",
        place: Placement::Floor,
        colours: BRIGHT,
        sides: Sides::Round,
        build: floor::trash_bin,
    },
    Design { category: "box", place: Placement::Floor, colours: &[], sides: Sides::Two, build: floor::cardboard_box },
    Design {
        category: "suitcase",
        place: Placement::Floor,
        colours: BRIGHT,
        sides: Sides::Uneven,
        build: floor::suitcase,
    },
    Design { category: "ball", place: Placement::Floor, colours: BALLS, sides: Sides::Round, build: floor::ball },
    Design { category: "monitor", place: Placement::Top, colours: &[], sides: Sides::Front, build: small::monitor },
    Design { category: "laptop", place: Placement::Top, colours: &[], sides: Sides::Front, build: small::laptop },
    Design { category: "vase", place: Placement::Top, colours: BRIGHT, sides: Sides::Round, build: small::vase },
    Design { category: "cup", place: Placement::Top, colours: BRIGHT, sides: Sides::Uneven, build: small::cup },
    Design { category: "book", place: Placement::Top, colours: BRIGHT, sides: Sides::Uneven, build: small::book },
    Design { category: "bottle", place: Placement::Top, colours: BOTTLES, sides: Sides::Round, build: small::bottle },
    Design {
        category: "pillow",
        place: Placement::Cushioned,
        colours: BRIGHT,
        sides: Sides::Two,
        build: small::pillow,
    },
    Design {
        category: "picture",
        place: Placement::Wall { lowest: 1.25, highest: 1.5 },
        colours: &[],
        sides: Sides::Front,
        build: wall::picture,
    },
    Design {
        category: "clock",
        place: Placement::Wall { lowest: 1.7, highest: 1.95 },
        colours: BRIGHT,
        sides: Sides::Front,
        build: wall::clock,
    },
    Design {
        category: "television",
        place: Placement::Wall { lowest: 1.0, highest: 1.3 },
        colours: &[],
        sides: Sides::Front,
        build: wall::television,
    },
    Design {
        category: "window",
        place: Placement::Wall { lowest: 0.9, highest: 1.0 },
        colours: &[],
        sides: Sides::Front,
        build: wall::window,
    },
    Design {
        category: "door",
        place: Placement::Wall { lowest: 0.0, highest: 0.0 },
        colours: WOOD,
        sides: Sides::Front,
        build: wall::door,
    },
    Design {
        category: "refrigerator",
        place: Placement::Back,
        colours: APPLIANCES,
        sides: Sides::Front,
        build: kitchen::refrigerator,
    },
    Design {
        category: "stove",
        place: Placement::Back,
        colours: APPLIANCES,
        sides: Sides::Front,
        build: kitchen::stove,
    },
    Design { category: "counter", place: Placement::Back, colours: WOOD, sides: Sides::Front, build: kitchen::counter },
    Design {
        category: "dishwasher",
        place: Placement::Back,
        colours: APPLIANCES,
        sides: Sides::Front,
        build: kitchen::dishwasher,
    },
    Design {
        category: "microwave",
        place: Placement::Top,
        colours: APPLIANCES,
        sides: Sides::Front,
        build: kitchen::microwave,
    },
    Design { category: "kettle", place: Placement::Top, colours: BRIGHT, sides: Sides::Uneven, build: kitchen::kettle },
    Design { category: "toaster", place: Placement::Top, colours: BRIGHT, sides: Sides::Two, build: kitchen::toaster },
    Design { category: "bowl", place: Placement::Top, colours: BRIGHT, sides: Sides::Round, build: kitchen::bowl },
    Design { category: "toilet", place: Placement::Back, colours: &[], sides: Sides::Front, build: bath::toilet },
    Design { category: "sink", place: Placement::Back, colours: &[], sides: Sides::Front, build: bath::sink },
    Design { category: "bathtub", place: Placement::Back, colours: &[], sides: Sides::Uneven, build: bath::bathtub },
    Design {
        category: "washing machine",
        place: Placement::Back,
        colours: &[],
        sides: Sides::Front,
        build: bath::washing_machine,
    },
    Design {
        category: "mirror",
        place: Placement::Wall { lowest: 1.1, highest: 1.3 },
        colours: WOOD,
        sides: Sides::Front,
        build: bath::mirror,
    },
    Design {
        category: "towel",
        place: Placement::Wall { lowest: 0.75, highest: 1.0 },
        colours: BRIGHT,
        sides: Sides::Front,
        build: bath::towel,
    },
    Design {
        category: "laundry basket",
        place: Placement::Floor,
        colours: &[],
        sides: Sides::Round,
        build: bath::laundry_basket,
    },
    Design {
        category: "radiator",
        place: Placement::Wall { lowest: 0.1, highest: 0.16 },
        colours: &[],
        sides: Sides::Front,
        build: bath::radiator,
    },
    Design {
        category: "coat rack",
        place: Placement::Floor,
        colours: CLOTH,
        sides: Sides::Uneven,
        build: home::coat_rack,
    },
    Design {
        category: "shoe rack",
        place: Placement::Back,
        colours: WOOD,
        sides: Sides::Front,
        build: home::shoe_rack,
    },
    Design { category: "bench", place: Placement::Back, colours: WOOD, sides: Sides::Two, build: home::bench },
    Design { category: "dresser", place: Placement::Back, colours: WOOD, sides: Sides::Front, build: home::dresser },
    Design { category: "piano", place: Placement::Back, colours: PIANOS, sides: Sides::Front, build: home::piano },
    Design { category: "fan", place: Placement::Floor, colours: BRIGHT, sides: Sides::Front, build: home::fan },
    Design {
        category: "teddy bear",
        place: Placement::Floor,
        colours: &[],
        sides: Sides::Front,
        build: home::teddy_bear,
    },
    Design {
        category: "printer",
        place: Placement::Top,
        colours: APPLIANCES,
        sides: Sides::Front,
        build: home::printer,
    },
];

const LAMPSHADES: &[ItemColour] = &[WHITE, YELLOW, ORANGE, RED, GREEN];
const BALLS: &[ItemColour] = &[RED, ORANGE, YELLOW, GREEN, BLUE, PINK];
const BOTTLES: &[ItemColour] = &[GREEN, BROWN, BLUE];
const APPLIANCES: &[ItemColour] = &[WHITE, GREY, BLACK];
const PIANOS: &[ItemColour] = &[BLACK, BROWN];

/// The four corners of a rectangle around the origin.
fn corners(width: f64, depth: f64) -> [(f64, f64); 4] {
    let (x, y) = (width / 2.0, depth / 2.0);
    [(-x, -y), (x, -y), (x, y), (-x, y)]
}
