//! What hangs on walls, and what is let into them.

use super::FurniturePiece;
use crate::source::synthetic::colour::{BLACK, BROWN, GREEN, GREY, ItemColour, METAL, SKY, WHITE, YELLOW};
use crate::source::synthetic::dice::Dice;
use crate::source::synthetic::shape::ShapePart;

pub fn picture(dice: &mut Dice, _: ItemColour) -> FurniturePiece {
    let (width, height) = (dice.between(0.4, 0.9), dice.between(0.35, 0.65));
    let paint = |x: f64, z: f64, w: f64, h: f64, level: f64, light| {
        ShapePart::block([w * width, 0.001, h * height], [x * width, -0.012 - 0.001 * level, z * height], light)
    };
    let parts = vec![
        ShapePart::block([width, 0.03, height], [0.0; 3], BROWN.shade(0.6)),
        paint(0.0, 0.08, 0.86, 0.84, 4.0, SKY),
        paint(0.0, 0.08, 0.86, 0.3, 5.0, GREEN.albedo),
        paint(-0.15, 0.3, 0.3, 0.25, 6.0, GREY.albedo),
        paint(0.25, 0.65, 0.12, 0.16, 6.0, YELLOW.albedo),
    ];
    FurniturePiece { parts, top: None }
}

pub fn clock(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let radius = dice.between(0.14, 0.2);
    let parts = vec![
        ShapePart::plate([radius, 0.03], [0.0; 3], colour.albedo),
        ShapePart::plate([radius * 0.85, 0.002], [0.0, -0.016, radius * 0.15], WHITE.albedo),
        ShapePart::block([0.012, 0.002, radius * 0.7], [0.0, -0.018, radius], BLACK.albedo),
        ShapePart::block([radius * 0.5, 0.002, 0.014], [radius * 0.25, -0.018, radius - 0.007], BLACK.albedo),
    ];
    FurniturePiece { parts, top: None }
}

pub fn television(dice: &mut Dice, _: ItemColour) -> FurniturePiece {
    let width = dice.between(0.9, 1.4);
    let height = width * 0.58;
    let parts = vec![
        ShapePart::block([width, 0.06, height], [0.0; 3], BLACK.albedo),
        ShapePart::block([width - 0.05, 0.004, height - 0.05], [0.0, -0.032, 0.025], [0.03, 0.035, 0.05]),
    ];
    FurniturePiece { parts, top: None }
}

pub fn window(dice: &mut Dice, _: ItemColour) -> FurniturePiece {
    let (width, height) = (dice.between(0.9, 1.5), dice.between(1.0, 1.25));
    let (bar, depth) = (0.06, 0.06);
    let mut parts = vec![ShapePart::block([width - bar, 0.02, height - bar], [0.0, 0.02, bar / 2.0], SKY)];
    for side in [-1.0, 0.0, 1.0] {
        parts.push(ShapePart::block([bar, depth, height], [side * (width - bar) / 2.0, 0.0, 0.0], WHITE.albedo));
    }
    for z in [0.0, height / 2.0, height - bar] {
        parts.push(ShapePart::block([width, depth, bar], [0.0, 0.0, z], WHITE.albedo));
    }
    FurniturePiece { parts, top: None }
}

pub fn door(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (width, height) = (dice.between(0.85, 0.95), dice.between(1.98, 2.08));
    let mut parts = vec![
        ShapePart::block([width, 0.04, height], [0.0; 3], colour.shade(0.7)),
        ShapePart::block([width - 0.14, 0.01, height - 0.07], [0.0, -0.025, 0.0], colour.albedo),
        ShapePart::round([0.06, 0.05, 0.06], 0.0, [width / 2.0 - 0.13, -0.055, 1.0], METAL),
    ];
    for z in [0.2, 1.15] {
        parts.push(ShapePart::block([width - 0.4, 0.006, 0.7], [0.0, -0.033, z], colour.shade(0.85)));
    }
    FurniturePiece { parts, top: None }
}
