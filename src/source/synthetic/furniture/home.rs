//! What homes have beside the furniture of any room: in the hall, to play, to work.

use super::{FurniturePiece, corners};
use crate::source::synthetic::colour::{BLACK, BROWN, GREY, ItemColour, METAL, WHITE};
use crate::source::synthetic::dice::Dice;
use crate::source::synthetic::shape::ShapePart;

/// A pole with a foot and hooks, and a coat on one of them.
pub fn coat_rack(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (height, foot) = (dice.between(1.65, 1.8), 0.2);
    let coat = dice.between(0.7, 0.9);
    let mut parts = vec![
        ShapePart::frustum([foot, foot * 0.9, 0.03], [0.0; 3], BLACK.albedo),
        ShapePart::frustum([0.02, 0.02, height], [0.0; 3], BROWN.albedo),
        ShapePart::round([0.34, 0.14, coat], 0.4, [0.0, -0.1, height - 0.1 - coat], colour.albedo),
    ];
    for (x, y) in [(0.0, 0.08), (0.0, -0.08), (0.08, 0.0), (-0.08, 0.0)] {
        let size = if x == 0.0 { [0.02, 0.16, 0.02] } else { [0.16, 0.02, 0.02] };
        parts.push(ShapePart::block(size, [x, y, height - 0.08], BROWN.albedo));
    }
    FurniturePiece { parts, top: None }
}

pub fn shoe_rack(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (width, depth, height) = (dice.between(0.6, 0.85), 0.28, dice.between(0.4, 0.5));
    let mut parts = Vec::new();
    for side in [-1.0, 1.0] {
        parts.push(ShapePart::block([0.025, depth, height], [side * (width - 0.025) / 2.0, 0.0, 0.0], colour.albedo));
    }
    for z in [0.08, height - 0.03] {
        parts.push(ShapePart::block([width, depth, 0.03], [0.0, 0.0, z], colour.albedo));
    }
    for (n, shoe) in [[0.5, 0.05, 0.05], [0.05, 0.1, 0.4], [0.02, 0.02, 0.02]].into_iter().enumerate() {
        let x = (n as f64 - 1.0) * width * 0.28;
        for foot in [-0.05, 0.05] {
            parts.push(ShapePart::round([0.09, 0.25, 0.1], 0.3, [x + foot, 0.0, 0.11], shoe));
        }
    }
    FurniturePiece { parts, top: None }
}

pub fn bench(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (width, depth, height, leg) = (dice.between(0.9, 1.2), 0.34, dice.between(0.43, 0.48), 0.05);
    let mut parts = vec![ShapePart::block([width, depth, 0.05], [0.0, 0.0, height - 0.05], colour.albedo)];
    for (x, y) in corners(width - 2.0 * leg, depth - leg) {
        parts.push(ShapePart::block([leg, leg, height - 0.05], [x, y, 0.0], colour.shade(0.7)));
    }
    FurniturePiece { parts, top: None }
}

pub fn dresser(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (width, depth, height) = (dice.between(0.8, 1.1), dice.between(0.42, 0.48), dice.between(0.8, 0.95));
    super::storage::drawers(width, depth, height, 4, colour)
}

/// An upright piano.
pub fn piano(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (width, depth, height) = (dice.between(1.35, 1.45), 0.58, dice.between(1.1, 1.2));
    let body = 0.34;
    let front = -depth / 2.0;
    let mut parts = vec![
        ShapePart::block([width, body, height], [0.0, (depth - body) / 2.0, 0.0], colour.albedo),
        ShapePart::block([width, depth - body, 0.08], [0.0, front + (depth - body) / 2.0, 0.62], colour.shade(0.8)),
        ShapePart::block([width - 0.12, 0.15, 0.02], [0.0, front + 0.09, 0.7], WHITE.albedo),
        ShapePart::block([width * 0.5, 0.02, 0.2], [0.0, depth / 2.0 - body - 0.01, 0.85], colour.shade(1.6)),
    ];
    for side in [-1.0, 1.0] {
        let leg = [side * (width / 2.0 - 0.05), front + 0.05, 0.0];
        parts.push(ShapePart::block([0.06, 0.06, 0.62], leg, colour.albedo));
    }
    let keys = 30;
    for key in (0..keys).filter(|key| !matches!(key % 7, 2 | 6)) {
        let x = (f64::from(key) + 1.0) * (width - 0.14) / f64::from(keys) - (width - 0.14) / 2.0;
        parts.push(ShapePart::block([0.02, 0.09, 0.008], [x, front + 0.12, 0.72], BLACK.albedo));
    }
    FurniturePiece { parts, top: None }
}

pub fn fan(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (radius, height) = (dice.between(0.2, 0.24), dice.between(1.1, 1.3));
    let parts = vec![
        ShapePart::frustum([0.19, 0.17, 0.03], [0.0; 3], colour.shade(0.8)),
        ShapePart::frustum([0.02, 0.02, height - radius], [0.0, 0.04, 0.0], METAL),
        ShapePart::plate([radius, 0.1], [0.0, 0.0, height - 2.0 * radius], colour.albedo),
        ShapePart::plate([radius * 0.9, 0.01], [0.0, -0.055, height - 1.9 * radius], GREY.shade(0.6)),
        ShapePart::plate([radius * 0.25, 0.02], [0.0, -0.065, height - 1.25 * radius], colour.shade(0.8)),
    ];
    FurniturePiece { parts, top: None }
}

pub fn teddy_bear(dice: &mut Dice, _: ItemColour) -> FurniturePiece {
    let size = dice.between(0.4, 0.6);
    let fur = [0.36, 0.19, 0.07];
    let pale = [0.62, 0.42, 0.22];
    let part =
        |s: [f64; 3], at: [f64; 3], light| ShapePart::round(s.map(|x| x * size), 0.0, at.map(|x| x * size), light);
    let mut parts = vec![
        part([0.5, 0.42, 0.52], [0.0, 0.0, 0.0], fur),
        part([0.3, 0.1, 0.32], [0.0, -0.18, 0.1], pale),
        part([0.42, 0.4, 0.4], [0.0, 0.0, 0.48], fur),
        part([0.18, 0.14, 0.14], [0.0, -0.2, 0.56], pale),
        part([0.06, 0.05, 0.05], [0.0, -0.26, 0.63], BLACK.albedo),
    ];
    for side in [-1.0, 1.0] {
        parts.push(part([0.16, 0.1, 0.16], [side * 0.17, 0.02, 0.8], fur));
        parts.push(part([0.05, 0.04, 0.05], [side * 0.08, -0.18, 0.7], BLACK.albedo));
        parts.push(part([0.18, 0.2, 0.32], [side * 0.3, -0.06, 0.2], fur));
        parts.push(part([0.2, 0.36, 0.2], [side * 0.17, -0.26, 0.0], fur));
    }
    FurniturePiece { parts, top: None }
}

pub fn printer(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (width, depth, height) = (dice.between(0.4, 0.46), dice.between(0.32, 0.38), dice.between(0.18, 0.24));
    let front = -depth / 2.0;
    let parts = vec![
        ShapePart::block([width, depth - 0.06, height], [0.0, 0.03, 0.0], colour.albedo),
        ShapePart::block([width * 0.7, 0.002, 0.05], [0.0, front + 0.059, height * 0.35], [0.01; 3]),
        ShapePart::block([width * 0.6, 0.06, 0.01], [0.0, front + 0.03, height * 0.35], WHITE.albedo),
        ShapePart::block([width * 0.3, 0.002, 0.03], [width * 0.25, front + 0.059, height * 0.75], [0.1, 0.3, 0.4]),
    ];
    FurniturePiece { parts, top: None }
}
