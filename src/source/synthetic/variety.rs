//! Variety: sizes and places that do not follow from what a thing is.
//!
//! In homes a picture hangs above a table and a sofa is wider than a cup, so that somebody who knows the words need not look. In these
//! rooms things also come as toys on shelves and as oversized props on the floor, and what hangs on a wall hangs at any height, as
//! in a shop or a nursery. Each thing is what it looks like all the same.

use serde::{Deserialize, Serialize};
use spatialmill_geometry::Vector3;

use super::dice::Dice;
use super::furniture::{Design, Placement, Top};

/// How things are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Things {
    /// Any size, anywhere.
    Varied,
    /// As in homes.
    Usual,
}

/// A piece's size, relative to how it is built, and where it goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Variant {
    pub scale: [f64; 3],
    pub place: Placement,
}

/// A thing that is longer than this is large.
const LARGE: f64 = 0.55;
/// The longest side of toys and of props, metres.
const TOY: [f64; 2] = [0.14, 0.42];
const PROP: [f64; 2] = [0.6, 1.5];
/// As often as not a thing is of the other size than its kind.
const OTHER_SIZE: f64 = 0.5;

impl Things {
    /// What becomes of a piece whose sides are `lengths` as it is built, in a room of this height.
    pub fn make(self, dice: &mut Dice, design: &Design, lengths: Vector3<f64>, ceiling: f64) -> Variant {
        let usual = Variant { scale: [1.0; 3], place: design.place };
        if self == Self::Usual || design.category == "shelf" {
            return usual;
        }
        let longest = lengths.max();
        let (other, swapped) = (dice.chance(OTHER_SIZE), longest < LARGE);
        let wanted = if other {
            let [least, most] = if swapped { PROP } else { TOY };
            even_in_ratio(dice, least, most)
        } else {
            longest * even_in_ratio(dice, 0.7, 1.35)
        };
        // Wide or narrow, low or tall: the shape does not follow from the kind either.
        let round = ["ball", "clock"].contains(&design.category);
        let stretch = if round { 1.0 } else { even_in_ratio(dice, 0.65, 1.55) };
        let scale = wanted / longest;
        let fit = ((ceiling - 0.35) / (lengths.z * scale * stretch)).min(1.0);
        let scale = [scale / stretch * fit, scale * fit, scale * stretch * fit];
        let lengths = lengths.component_mul(&Vector3::from(scale));
        Variant { scale, place: place(dice, design, lengths) }
    }
}

/// Doors stay in their walls; everything else may be found elsewhere.
fn place(dice: &mut Dice, design: &Design, lengths: Vector3<f64>) -> Placement {
    let (large, flat) = (lengths.max() > LARGE, lengths.y < 0.65);
    let hung = Placement::Wall { lowest: 0.05, highest: 1.75 };
    match (design.place, large) {
        (Placement::Wall { highest: 0.0, .. }, _) => design.place,
        (Placement::Wall { .. }, true) => hung,
        (Placement::Wall { .. }, false) if dice.chance(0.5) => hung,
        // A cabinet may hang on its wall, but no bed.
        (Placement::Back, true) if flat && dice.chance(0.5) => hung,
        (Placement::Top | Placement::Cushioned, true) => Placement::Floor,
        (_, true) => design.place,
        (_, false) if dice.chance(0.25) => Placement::Floor,
        (_, false) => Placement::Top,
    }
}

/// Between two lengths, a doubling as likely here as there.
fn even_in_ratio(dice: &mut Dice, least: f64, most: f64) -> f64 {
    least * (most / least).powf(dice.unit())
}

/// Where a piece of this size carries other things.
pub fn scaled(top: Top, scale: [f64; 3]) -> Top {
    Top {
        min: [top.min[0] * scale[0], top.min[1] * scale[1]],
        max: [top.max[0] * scale[0], top.max[1] * scale[1]],
        height: top.height * scale[2],
        ..top
    }
}

#[cfg(test)]
mod tests {
    use super::super::furniture::DESIGNS;
    use super::super::placed_item::PlacedItem;
    use super::super::room::Room;
    use super::*;

    /// How often the category that is usually the larger, or the higher, really is: what somebody could say who knows the words.
    fn known_by_name(things: Things, measure: fn(&PlacedItem) -> f64) -> f64 {
        let mut pairs: std::collections::BTreeMap<(&str, &str), [usize; 2]> = std::collections::BTreeMap::new();
        for number in 0..120 {
            let room = Room::new(things, 3, number);
            for a in &room.objects {
                for b in room.objects.iter().filter(|b| a.category < b.category) {
                    if (measure(a) - measure(b)).abs() > 0.25 * measure(a).max(measure(b)) {
                        pairs.entry((a.category, b.category)).or_default()[usize::from(measure(a) > measure(b))] += 1;
                    }
                }
            }
        }
        let right: usize = pairs.values().map(|sides| sides[0].max(sides[1])).sum();
        right as f64 / pairs.values().flatten().sum::<usize>() as f64
    }

    #[test]
    fn names_tell_sizes_and_places_in_homes_alone() {
        for (what, measure) in [
            ("width", (|o| o.obb.lengths.x) as fn(&PlacedItem) -> f64),
            ("height", |o| o.obb.lengths.z),
            ("place", |o| o.obb.centre.z),
        ] {
            let (usual, varied) = (known_by_name(Things::Usual, measure), known_by_name(Things::Varied, measure));
            assert!(usual > 0.9, "{what}: {usual}");
            assert!(varied < 0.75, "{what}: {varied}");
        }
    }

    #[test]
    fn a_thing_of_any_kind_may_be_small_or_large() {
        let mut dice = Dice::new(1, "sizes");
        for design in DESIGNS.iter().filter(|design| design.category != "shelf") {
            let sizes: Vec<f64> = (0..60)
                .map(|_| {
                    let lengths = Vector3::new(0.5, 0.3, 0.9);
                    let Variant { scale, .. } = Things::Varied.make(&mut dice, design, lengths, 2.6);
                    lengths.iter().zip(scale).map(|(length, scale)| length * scale).fold(0.0, f64::max)
                })
                .collect();
            assert!(
                sizes.iter().any(|size| *size < 0.45) && sizes.iter().any(|size| *size > 0.7),
                "{}",
                design.category
            );
        }
    }
}
