//! Stock: what rooms of each kind have, the largest first, with how many at least and at most.

use super::plan::RoomKind;
use crate::source::synthetic::layout::Stock;

impl RoomKind {
    pub fn stock(self) -> Stock {
        match self {
            Self::Corridor => CORRIDOR,
            Self::LivingRoom => LIVING_ROOM,
            Self::Bathroom => BATHROOM,
            Self::Kitchen => KITCHEN,
            Self::Bedroom => BEDROOM,
            Self::Office => OFFICE,
            Self::DiningRoom => DINING_ROOM,
        }
    }
}

/// All of them.
#[cfg(test)]
pub const EVERY: [Stock; 7] = [CORRIDOR, LIVING_ROOM, BATHROOM, KITCHEN, BEDROOM, OFFICE, DINING_ROOM];

const CORRIDOR: Stock =
    &[("door", 1, 1), ("shoe rack", 1, 1), ("bench", 0, 1), ("coat rack", 0, 1), ("mirror", 0, 1), ("picture", 1, 3)];

const LIVING_ROOM: Stock = &[
    ("window", 1, 2),
    ("radiator", 0, 1),
    ("sofa", 1, 1),
    ("piano", 0, 1),
    ("bookshelf", 1, 1),
    ("cabinet", 1, 1),
    ("coffee table", 1, 1),
    ("armchair", 0, 2),
    ("television", 1, 1),
    ("plant", 1, 2),
    ("lamp", 1, 2),
    ("fan", 0, 1),
    ("pillow", 1, 3),
    ("picture", 1, 3),
    ("vase", 1, 1),
    ("book", 1, 2),
    ("ball", 0, 1),
];

const BATHROOM: Stock = &[
    ("toilet", 1, 1),
    ("sink", 1, 1),
    ("bathtub", 0, 1),
    ("washing machine", 0, 1),
    ("mirror", 1, 1),
    ("towel", 1, 2),
    ("laundry basket", 0, 1),
    ("trash bin", 0, 1),
];

const KITCHEN: Stock = &[
    ("window", 1, 1),
    ("counter", 1, 2),
    ("refrigerator", 1, 1),
    ("stove", 1, 1),
    ("dishwasher", 0, 1),
    ("table", 0, 1),
    ("chair", 1, 3),
    ("microwave", 1, 1),
    ("kettle", 1, 1),
    ("toaster", 0, 1),
    ("trash bin", 1, 1),
    ("clock", 0, 1),
    ("bowl", 1, 2),
    ("bottle", 1, 2),
    ("cup", 1, 3),
];

const BEDROOM: Stock = &[
    ("window", 1, 1),
    ("radiator", 1, 1),
    ("bed", 1, 1),
    ("wardrobe", 1, 1),
    ("dresser", 0, 1),
    ("nightstand", 1, 2),
    ("chair", 0, 1),
    ("lamp", 1, 2),
    ("teddy bear", 0, 1),
    ("suitcase", 0, 1),
    ("pillow", 1, 2),
    ("picture", 0, 2),
    ("book", 0, 1),
    ("clock", 0, 1),
];

const OFFICE: Stock = &[
    ("window", 1, 1),
    ("radiator", 0, 1),
    ("desk", 1, 2),
    ("bookshelf", 1, 2),
    ("cabinet", 0, 1),
    ("chair", 1, 2),
    ("monitor", 1, 2),
    ("laptop", 0, 1),
    ("printer", 1, 1),
    ("lamp", 0, 1),
    ("trash bin", 0, 1),
    ("box", 1, 3),
    ("plant", 0, 1),
    ("picture", 0, 2),
    ("cup", 0, 1),
];

const DINING_ROOM: Stock = &[
    ("window", 1, 2),
    ("radiator", 0, 1),
    ("table", 1, 1),
    ("cabinet", 1, 1),
    ("chair", 3, 6),
    ("stool", 0, 2),
    ("plant", 0, 1),
    ("lamp", 0, 1),
    ("picture", 1, 2),
    ("clock", 0, 1),
    ("vase", 1, 1),
    ("bowl", 0, 2),
    ("bottle", 0, 2),
];
