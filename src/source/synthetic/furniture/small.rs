//! Small things: on tables, on beds.

use super::FurniturePiece;
use crate::source::synthetic::colour::{BLACK, GREY, ItemColour, METAL, WHITE};
use crate::source::synthetic::dice::Dice;
use crate::source::synthetic::shape::ShapePart;

pub fn monitor(dice: &mut Dice, _: ItemColour) -> FurniturePiece {
    let (width, height) = (dice.between(0.5, 0.65), dice.between(0.3, 0.36));
    let parts = vec![
        ShapePart::frustum([0.11, 0.11, 0.015], [0.0, 0.02, 0.0], GREY.albedo),
        ShapePart::block([0.05, 0.03, 0.16], [0.0, 0.04, 0.0], GREY.albedo),
        ShapePart::block([width, 0.04, height], [0.0, 0.0, 0.12], BLACK.albedo),
        ShapePart::block([width - 0.04, 0.004, height - 0.04], [0.0, -0.022, 0.14], [0.08, 0.22, 0.4]),
    ];
    FurniturePiece { parts, top: None }
}

pub fn laptop(dice: &mut Dice, _: ItemColour) -> FurniturePiece {
    let (width, depth) = (dice.between(0.31, 0.36), 0.24);
    let parts = vec![
        ShapePart::block([width, depth, 0.02], [0.0; 3], METAL),
        ShapePart::block([width - 0.06, 0.1, 0.002], [0.0, 0.03, 0.02], BLACK.albedo),
        ShapePart::block([width, 0.015, 0.23], [0.0, depth / 2.0, 0.02], METAL),
        ShapePart::block([width - 0.03, 0.003, 0.2], [0.0, depth / 2.0 - 0.009, 0.035], [0.1, 0.3, 0.55]),
    ];
    FurniturePiece { parts, top: None }
}

pub fn vase(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (radius, height) = (dice.between(0.06, 0.1), dice.between(0.2, 0.34));
    let parts = vec![
        ShapePart::frustum([radius * 0.6, radius, height * 0.55], [0.0; 3], colour.albedo),
        ShapePart::frustum([radius, radius * 0.4, height * 0.3], [0.0, 0.0, height * 0.55], colour.albedo),
        ShapePart::frustum([radius * 0.4, radius * 0.6, height * 0.15], [0.0, 0.0, height * 0.85], colour.shade(0.8)),
    ];
    FurniturePiece { parts, top: None }
}

pub fn cup(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (radius, height) = (dice.between(0.038, 0.05), dice.between(0.085, 0.115));
    let parts = vec![
        ShapePart::frustum([radius * 0.85, radius, height], [0.0; 3], colour.albedo),
        ShapePart::frustum([radius * 0.85, radius * 0.85, 0.001], [0.0, 0.0, height], [0.05, 0.03, 0.02]),
        ShapePart::block([0.03, 0.012, 0.05], [radius + 0.012, 0.0, height * 0.3], colour.shade(0.85)),
    ];
    FurniturePiece { parts, top: None }
}

pub fn book(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (width, depth, height) = (dice.between(0.15, 0.2), dice.between(0.21, 0.28), dice.between(0.03, 0.06));
    let parts = vec![
        ShapePart::block([width, depth, 0.006], [0.0; 3], colour.albedo),
        ShapePart::block([width - 0.01, depth - 0.01, height - 0.012], [0.0, 0.0, 0.006], WHITE.albedo),
        ShapePart::block([width, depth, 0.006], [0.0, 0.0, height - 0.006], colour.albedo),
        ShapePart::block([0.006, depth, height], [-width / 2.0 + 0.003, 0.0, 0.0], colour.albedo),
    ];
    FurniturePiece { parts, top: None }
}

pub fn bottle(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (radius, height) = (dice.between(0.035, 0.045), dice.between(0.24, 0.32));
    let parts = vec![
        ShapePart::frustum([radius, radius, height * 0.6], [0.0; 3], colour.albedo),
        ShapePart::frustum([radius, 0.014, height * 0.2], [0.0, 0.0, height * 0.6], colour.albedo),
        ShapePart::frustum([0.014, 0.014, height * 0.2], [0.0, 0.0, height * 0.8], colour.albedo),
        ShapePart::frustum([radius + 0.001, radius + 0.001, height * 0.2], [0.0, 0.0, height * 0.2], WHITE.albedo),
    ];
    FurniturePiece { parts, top: None }
}

pub fn pillow(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let size = [dice.between(0.38, 0.6), dice.between(0.32, 0.4), dice.between(0.12, 0.16)];
    FurniturePiece { parts: vec![ShapePart::round(size, 0.55, [0.0; 3], colour.albedo)], top: None }
}
