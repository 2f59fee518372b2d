//! Tables and desks: what other things stand on.

use super::{FurniturePiece, Placement, Top, corners};
use crate::source::synthetic::colour::{ItemColour, METAL};
use crate::source::synthetic::dice::Dice;
use crate::source::synthetic::shape::ShapePart;

pub fn table(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (width, depth, height) = (dice.between(1.1, 1.9), dice.between(0.7, 0.95), dice.between(0.7, 0.78));
    legged(width, depth, height, 0.06, colour)
}

pub fn coffee_table(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (width, depth, height) = (dice.between(0.8, 1.2), dice.between(0.45, 0.65), dice.between(0.36, 0.46));
    legged(width, depth, height, 0.05, colour)
}

/// A slab on four legs.
fn legged(width: f64, depth: f64, height: f64, leg: f64, colour: ItemColour) -> FurniturePiece {
    let slab = 0.045;
    let mut parts = vec![ShapePart::block([width, depth, slab], [0.0, 0.0, height - slab], colour.albedo)];
    for (x, y) in corners(width - 2.0 * leg, depth - 2.0 * leg) {
        parts.push(ShapePart::block([leg, leg, height - slab], [x, y, 0.0], colour.shade(0.75)));
    }
    FurniturePiece { parts, top: Some(tabletop(width, depth, height)) }
}

pub fn desk(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (width, depth, height) = (dice.between(1.2, 1.6), dice.between(0.6, 0.75), dice.between(0.72, 0.76));
    let (slab, side, drawers) = (0.04, 0.04, 0.42);
    let dark = colour.shade(0.72);
    let mut parts = vec![
        ShapePart::block([width, depth, slab], [0.0, 0.0, height - slab], colour.albedo),
        ShapePart::block([side, depth - 0.04, height - slab], [side / 2.0 - width / 2.0, 0.0, 0.0], dark),
        ShapePart::block([drawers, depth - 0.06, height - slab], [(width - drawers) / 2.0, 0.01, 0.0], dark),
        ShapePart::block(
            [width - side - drawers, 0.02, 0.35],
            [(side - drawers) / 2.0, depth / 2.0 - 0.05, height - 0.39],
            dark,
        ),
    ];
    for row in 0..3 {
        let z = 0.05 + f64::from(row) * (height - slab - 0.05) / 3.0;
        let front = [(width - drawers) / 2.0, 0.025 - depth / 2.0, z];
        parts.push(ShapePart::block(
            [drawers - 0.04, 0.02, (height - slab - 0.05) / 3.0 - 0.03],
            front,
            colour.shade(0.95),
        ));
        parts.push(ShapePart::block([0.14, 0.01, 0.02], [front[0], 0.01 - depth / 2.0, z + 0.1], METAL));
    }
    FurniturePiece { parts, top: Some(tabletop(width, depth, height)) }
}

pub fn tabletop(width: f64, depth: f64, height: f64) -> Top {
    Top { carries: Placement::Top, min: [-width / 2.0, -depth / 2.0], max: [width / 2.0, depth / 2.0], height }
}
