//! What stands about on the floor.

use super::{FurniturePiece, corners};
use crate::source::synthetic::colour::{BLACK, BROWN, CARDBOARD, ItemColour, LEAF, METAL};
use crate::source::synthetic::dice::Dice;
use crate::source::synthetic::shape::ShapePart;

pub fn floor_lamp(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    lamp(dice.between(1.45, 1.75), dice.between(0.19, 0.25), 0.32, colour)
}

pub fn table_lamp(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    lamp(dice.between(0.38, 0.5), dice.between(0.11, 0.14), 0.18, colour)
}

/// A foot, a pole and a conical shade.
fn lamp(height: f64, radius: f64, shade: f64, colour: ItemColour) -> FurniturePiece {
    let parts = vec![
        ShapePart::frustum([radius * 0.7, radius * 0.65, 0.03], [0.0; 3], BLACK.albedo),
        ShapePart::frustum([0.015, 0.015, height - shade], [0.0, 0.0, 0.02], METAL),
        ShapePart::frustum([radius, radius * 0.6, shade], [0.0, 0.0, height - shade], colour.albedo),
    ];
    FurniturePiece { parts, top: None }
}

pub fn plant(dice: &mut Dice, _: ItemColour) -> FurniturePiece {
    let (radius, height) = (dice.between(0.13, 0.19), dice.between(0.8, 1.3));
    let pot = radius * 1.7;
    let mut parts = vec![
        ShapePart::frustum([radius * 0.75, radius, pot], [0.0; 3], [0.5, 0.2, 0.1]),
        ShapePart::frustum([0.02, 0.015, height * 0.6], [0.0, 0.0, pot], BROWN.albedo),
    ];
    for leaf in 0..dice.count(6, 9) {
        let turn = 2.4 * leaf as f64;
        let (out, size) = (dice.between(0.06, 0.17), dice.between(0.18, 0.3));
        let z = dice.between(pot + 0.05, height - size * 0.8);
        let tint = dice.between(0.75, 1.5) as f32;
        let green = LEAF.map(|light| light * tint);
        parts.push(ShapePart::round([size, size, size * 0.8], 0.0, [out * turn.cos(), out * turn.sin(), z], green));
    }
    FurniturePiece { parts, top: None }
}

pub fn trash_bin(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (radius, height) = (dice.between(0.13, 0.19), dice.between(0.3, 0.5));
    let parts = vec![
        ShapePart::frustum([radius * 0.78, radius, height], [0.0; 3], colour.albedo),
        // The dark opening, as a disc that just clears the rim.
        ShapePart::frustum([radius * 0.86, radius * 0.86, 0.002], [0.0, 0.0, height], [0.01; 3]),
    ];
    FurniturePiece { parts, top: None }
}

pub fn cardboard_box(dice: &mut Dice, _: ItemColour) -> FurniturePiece {
    let (width, depth, height) = (dice.between(0.3, 0.6), dice.between(0.25, 0.45), dice.between(0.2, 0.45));
    let parts = vec![
        ShapePart::block([width, depth, height], [0.0; 3], CARDBOARD),
        ShapePart::block([width, 0.06, 0.002], [0.0, 0.0, height], [0.68, 0.52, 0.3]),
        ShapePart::block([0.002, 0.06, 0.1], [width / 2.0 + 0.001, 0.0, height - 0.1], [0.68, 0.52, 0.3]),
        ShapePart::block([0.002, 0.06, 0.1], [-width / 2.0 - 0.001, 0.0, height - 0.1], [0.68, 0.52, 0.3]),
    ];
    FurniturePiece { parts, top: None }
}

pub fn suitcase(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (width, depth, height) = (dice.between(0.4, 0.5), dice.between(0.22, 0.28), dice.between(0.5, 0.65));
    let mut parts = vec![ShapePart::block([width, depth, height], [0.0, 0.0, 0.05], colour.albedo)];
    for rib in [-0.3, -0.1, 0.1, 0.3] {
        parts.push(ShapePart::block(
            [0.025, depth + 0.015, height - 0.06],
            [rib * width, 0.0, 0.08],
            colour.shade(0.7),
        ));
    }
    for (x, y) in corners(width - 0.08, depth - 0.08) {
        parts.push(ShapePart::frustum([0.025, 0.025, 0.05], [x, y, 0.0], BLACK.albedo));
    }
    for x in [-0.09, 0.09] {
        parts.push(ShapePart::block([0.02, 0.02, 0.22], [x, depth / 2.0 - 0.04, height + 0.05], METAL));
    }
    parts.push(ShapePart::block([0.2, 0.03, 0.03], [0.0, depth / 2.0 - 0.04, height + 0.27], BLACK.albedo));
    FurniturePiece { parts, top: None }
}

pub fn ball(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let size = dice.between(0.2, 0.45);
    FurniturePiece { parts: vec![ShapePart::round([size; 3], 0.0, [0.0; 3], colour.albedo)], top: None }
}
