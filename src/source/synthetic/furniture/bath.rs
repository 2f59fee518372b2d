//! What bathrooms have.

use super::FurniturePiece;
use crate::source::synthetic::colour::{BLACK, GREY, ItemColour, METAL, PINE, WHITE};
use crate::source::synthetic::dice::Dice;
use crate::source::synthetic::shape::ShapePart;

pub fn toilet(dice: &mut Dice, _: ItemColour) -> FurniturePiece {
    let (width, depth, height) = (dice.between(0.36, 0.4), dice.between(0.64, 0.7), dice.between(0.76, 0.84));
    let (seat, tank) = (0.4, 0.18);
    let back = depth / 2.0 - tank / 2.0;
    let bowl = depth - tank;
    let parts = vec![
        ShapePart::block([width, tank, height - seat - 0.03], [0.0, back, seat], WHITE.albedo),
        ShapePart::block([width - 0.02, tank - 0.02, 0.03], [0.0, back, height - 0.03], WHITE.shade(0.85)),
        ShapePart::block([0.2, depth * 0.72, seat - 0.08], [0.0, depth * 0.1, 0.0], WHITE.shade(0.9)),
        ShapePart::round([width, bowl, 0.28], 0.35, [0.0, -tank / 2.0, seat - 0.28], WHITE.albedo),
        ShapePart::round([width, bowl - 0.02, 0.05], 0.35, [0.0, -tank / 2.0, seat - 0.02], WHITE.shade(0.8)),
        ShapePart::frustum([0.02, 0.02, 0.004], [0.0, back, height - 0.004], METAL),
    ];
    FurniturePiece { parts, top: None }
}

pub fn sink(dice: &mut Dice, _: ItemColour) -> FurniturePiece {
    let (width, depth, height) = (dice.between(0.5, 0.62), dice.between(0.42, 0.48), dice.between(0.8, 0.86));
    let parts = vec![
        ShapePart::frustum([0.1, 0.08, height - 0.15], [0.0, 0.06, 0.0], WHITE.shade(0.9)),
        ShapePart::block([width, depth, 0.15], [0.0, 0.0, height - 0.15], WHITE.albedo),
        ShapePart::block([width - 0.12, depth - 0.18, 0.002], [0.0, -0.04, height], GREY.shade(0.7)),
        ShapePart::frustum([0.015, 0.015, 0.14], [0.0, depth / 2.0 - 0.06, height], METAL),
        ShapePart::block([0.025, 0.14, 0.02], [0.0, depth / 2.0 - 0.12, height + 0.13], METAL),
    ];
    FurniturePiece { parts, top: None }
}

pub fn bathtub(dice: &mut Dice, _: ItemColour) -> FurniturePiece {
    let (width, depth, height, wall) =
        (dice.between(1.55, 1.7), dice.between(0.7, 0.76), dice.between(0.52, 0.58), 0.07);
    let white = WHITE.albedo;
    let mut parts = vec![ShapePart::block([width, depth, 0.14], [0.0; 3], white)];
    for side in [-1.0, 1.0] {
        let long = [0.0, side * (depth - wall) / 2.0, 0.0];
        parts.push(ShapePart::block([width, wall, height], long, white));
        let short = [side * (width - wall) / 2.0, 0.0, 0.0];
        parts.push(ShapePart::block([wall, depth - 2.0 * wall, height], short, WHITE.shade(0.92)));
    }
    // Water, a little below the rim.
    let inside = [width - 2.0 * wall, depth - 2.0 * wall, height - 0.28];
    parts.push(ShapePart::block(inside, [0.0, 0.0, 0.14], [0.35, 0.6, 0.68]));
    parts.push(ShapePart::frustum([0.018, 0.018, 0.16], [width / 2.0 - 0.035, 0.0, height], METAL));
    parts.push(ShapePart::block([0.14, 0.025, 0.022], [width / 2.0 - 0.09, 0.0, height + 0.15], METAL));
    FurniturePiece { parts, top: None }
}

pub fn washing_machine(dice: &mut Dice, _: ItemColour) -> FurniturePiece {
    let (width, depth, height) = (0.6, dice.between(0.55, 0.6), dice.between(0.84, 0.88));
    let front = -depth / 2.0;
    let parts = vec![
        ShapePart::block([width, depth - 0.03, height], [0.0, 0.015, 0.0], WHITE.albedo),
        ShapePart::plate([0.19, 0.03], [0.0, front + 0.015, 0.2], GREY.albedo),
        ShapePart::plate([0.14, 0.01], [0.0, front + 0.005, 0.25], BLACK.albedo),
        ShapePart::block([width - 0.06, 0.012, 0.09], [0.0, front + 0.024, height - 0.12], WHITE.shade(0.6)),
        ShapePart::plate([0.03, 0.02], [0.2, front + 0.012, height - 0.105], METAL),
    ];
    FurniturePiece { parts, top: None }
}

pub fn mirror(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (width, height, frame) = (dice.between(0.45, 0.65), dice.between(0.6, 0.8), 0.03);
    let parts = vec![
        ShapePart::block([width, 0.02, height], [0.0, 0.005, 0.0], colour.albedo),
        ShapePart::block([width - 2.0 * frame, 0.01, height - 2.0 * frame], [0.0, -0.01, frame], [0.55, 0.68, 0.74]),
        // What glass reflects of a lamp: two stripes.
        ShapePart::block([0.04, 0.001, height * 0.5], [-width * 0.15, -0.0155, height * 0.3], WHITE.albedo),
        ShapePart::block([0.02, 0.001, height * 0.4], [-width * 0.05, -0.0155, height * 0.35], WHITE.albedo),
    ];
    FurniturePiece { parts, top: None }
}

/// Over a rail.
pub fn towel(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (width, height) = (dice.between(0.38, 0.52), dice.between(0.5, 0.7));
    let parts = vec![
        ShapePart::block([width + 0.08, 0.02, 0.02], [0.0, 0.0, height - 0.03], METAL),
        ShapePart::block([width, 0.035, height], [0.0, 0.0, 0.0], colour.albedo),
        ShapePart::block([width, 0.037, 0.05], [0.0, 0.0, 0.06], colour.shade(0.6)),
        ShapePart::block([0.02, 0.035, 0.02], [width / 2.0 + 0.03, 0.0175, height - 0.03], METAL),
        ShapePart::block([0.02, 0.035, 0.02], [-width / 2.0 - 0.03, 0.0175, height - 0.03], METAL),
    ];
    FurniturePiece { parts, top: None }
}

pub fn laundry_basket(dice: &mut Dice, _: ItemColour) -> FurniturePiece {
    let (radius, height) = (dice.between(0.2, 0.25), dice.between(0.5, 0.62));
    let mut parts = vec![ShapePart::frustum([radius * 0.8, radius * 0.95, height], [0.0; 3], PINE)];
    for band in [0.15, 0.5, 0.85] {
        let around = radius * (0.8 + 0.15 * band) + 0.01;
        parts.push(ShapePart::frustum([around, around, 0.03], [0.0, 0.0, height * band], [0.36, 0.2, 0.08]));
    }
    parts.push(ShapePart::frustum([radius * 0.85, radius * 0.85, 0.002], [0.0, 0.0, height], [0.02; 3]));
    FurniturePiece { parts, top: None }
}

pub fn radiator(dice: &mut Dice, _: ItemColour) -> FurniturePiece {
    let (width, height) = (dice.between(0.7, 1.1), dice.between(0.5, 0.62));
    let mut parts = vec![ShapePart::block([width, 0.04, height - 0.06], [0.0, 0.02, 0.03], WHITE.shade(0.6))];
    let ribs = (width / 0.08) as u32;
    for rib in 0..ribs {
        let x = (f64::from(rib) + 0.5) * width / f64::from(ribs) - width / 2.0;
        parts.push(ShapePart::block([0.045, 0.08, height], [x, 0.0, 0.0], WHITE.albedo));
    }
    FurniturePiece { parts, top: None }
}
