//! What kitchens have and other rooms have not.

use super::FurniturePiece;
use super::tables::tabletop;
use crate::source::synthetic::colour::{BLACK, GREY, ItemColour, METAL, WHITE};
use crate::source::synthetic::dice::Dice;
use crate::source::synthetic::shape::ShapePart;

pub fn refrigerator(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (width, depth, height) = (dice.between(0.6, 0.72), dice.between(0.6, 0.68), dice.between(1.65, 1.85));
    let (body, front) = (depth - 0.06, -depth / 2.0 + 0.035);
    let freezer = height * 0.3;
    let mut parts = vec![ShapePart::block([width, body, height], [0.0, 0.03, 0.0], colour.shade(0.75))];
    for (low, high) in [(0.03, height - freezer - 0.01), (height - freezer + 0.01, height)] {
        parts.push(ShapePart::block([width, 0.05, high - low], [0.0, front, low], colour.albedo));
        let grip = if low < 0.1 { high - 0.4 } else { low + 0.06 };
        parts.push(ShapePart::block([0.02, 0.01, 0.32], [-width / 2.0 + 0.06, front - 0.03, grip], METAL));
    }
    FurniturePiece { parts, top: None }
}

pub fn stove(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (width, depth, height) = (0.6, 0.6, dice.between(0.86, 0.92));
    let front = -depth / 2.0 + 0.025;
    let mut parts = vec![
        ShapePart::block([width, depth - 0.03, height - 0.01], [0.0, 0.015, 0.0], colour.albedo),
        ShapePart::block([0.5, 0.02, 0.4], [0.0, front - 0.005, 0.2], BLACK.albedo),
        ShapePart::block([0.44, 0.02, 0.025], [0.0, front - 0.015, 0.62], METAL),
        ShapePart::block([width, depth - 0.03, 0.006], [0.0, 0.015, height - 0.01], GREY.shade(0.5)),
    ];
    for (x, y, radius) in [(-0.14, -0.11, 0.08), (0.14, -0.11, 0.1), (-0.14, 0.15, 0.1), (0.14, 0.15, 0.08)] {
        parts.push(ShapePart::frustum([radius, radius, 0.004], [x, y, height - 0.004], BLACK.albedo));
    }
    for x in [-0.2, -0.07, 0.07, 0.2] {
        parts.push(ShapePart::plate([0.022, 0.02], [x, front - 0.01, height - 0.12], BLACK.albedo));
    }
    FurniturePiece { parts, top: None }
}

pub fn counter(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (width, depth, height) = (dice.between(1.1, 1.8), 0.6, 0.9);
    let slab = 0.04;
    let mut parts = vec![
        ShapePart::block([width - 0.04, depth - 0.12, 0.08], [0.0, 0.04, 0.0], BLACK.albedo),
        ShapePart::block([width, depth - 0.05, height - slab - 0.08], [0.0, 0.015, 0.08], colour.shade(0.7)),
        ShapePart::block([width, depth, slab], [0.0, 0.0, height - slab], GREY.shade(0.9)),
    ];
    let doors = if width > 1.45 { 3 } else { 2 };
    let each = width / f64::from(doors);
    for n in 0..doors {
        let x = (f64::from(n) + 0.5) * each - width / 2.0;
        let front = -depth / 2.0 + 0.03;
        parts.push(ShapePart::block([each - 0.02, 0.02, height - slab - 0.12], [x, front, 0.1], colour.albedo));
        parts.push(ShapePart::block([0.14, 0.015, 0.015], [x, front - 0.0175, height - 0.12], METAL));
    }
    FurniturePiece { parts, top: Some(tabletop(width, depth, height)) }
}

pub fn microwave(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (width, depth, height) = (dice.between(0.45, 0.5), 0.34, dice.between(0.26, 0.3));
    let front = -depth / 2.0;
    let mut parts = vec![
        ShapePart::block([width, depth - 0.01, height], [0.0, 0.005, 0.0], colour.albedo),
        ShapePart::block([width * 0.66, 0.008, height - 0.08], [-width * 0.13, front + 0.004, 0.04], BLACK.albedo),
    ];
    for row in 0..3 {
        let button = [width * 0.36, front + 0.004, 0.05 + 0.06 * f64::from(row)];
        parts.push(ShapePart::block([0.05, 0.008, 0.03], button, GREY.albedo));
    }
    FurniturePiece { parts, top: None }
}

pub fn kettle(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (radius, height) = (dice.between(0.075, 0.09), dice.between(0.2, 0.25));
    let parts = vec![
        ShapePart::frustum([radius, radius * 0.7, height * 0.85], [0.0; 3], colour.albedo),
        ShapePart::frustum([radius * 0.6, radius * 0.2, height * 0.15], [0.0, 0.0, height * 0.85], BLACK.albedo),
        ShapePart::block([0.05, 0.03, 0.025], [radius + 0.02, 0.0, height * 0.75], BLACK.albedo),
        ShapePart::block([0.025, 0.03, height * 0.55], [radius + 0.035, 0.0, height * 0.2], BLACK.albedo),
        ShapePart::block([0.05, 0.03, 0.03], [-radius - 0.005, 0.0, height * 0.65], colour.shade(0.8)),
    ];
    FurniturePiece { parts, top: None }
}

pub fn toaster(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (width, depth, height) = (dice.between(0.27, 0.32), dice.between(0.16, 0.19), dice.between(0.18, 0.2));
    let mut parts = vec![ShapePart::block([width, depth, height - 0.002], [0.0; 3], colour.albedo)];
    for y in [-0.035, 0.035] {
        parts.push(ShapePart::block([width * 0.75, 0.025, 0.002], [0.0, y, height - 0.002], [0.01; 3]));
    }
    FurniturePiece { parts, top: None }
}

pub fn bowl(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (radius, height) = (dice.between(0.1, 0.14), dice.between(0.07, 0.1));
    let parts = vec![
        ShapePart::frustum([radius * 0.45, radius, height], [0.0; 3], colour.albedo),
        ShapePart::frustum([radius * 0.9, radius * 0.9, 0.001], [0.0, 0.0, height], colour.shade(0.45)),
    ];
    FurniturePiece { parts, top: None }
}

pub fn dishwasher(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (width, depth, height) = (0.6, 0.6, dice.between(0.82, 0.86));
    let front = -depth / 2.0;
    let parts = vec![
        ShapePart::block([width, depth - 0.04, height], [0.0, 0.02, 0.0], colour.shade(0.7)),
        ShapePart::block([width - 0.01, 0.03, height - 0.22], [0.0, front + 0.025, 0.08], colour.albedo),
        ShapePart::block([width - 0.01, 0.03, 0.11], [0.0, front + 0.025, height - 0.12], WHITE.shade(0.55)),
        ShapePart::block([0.4, 0.01, 0.025], [0.0, front + 0.005, height - 0.19], METAL),
    ];
    FurniturePiece { parts, top: Some(tabletop(width, depth, height)) }
}
