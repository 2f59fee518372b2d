//! Seats and beds.

use super::{FurniturePiece, Placement, Top, corners};
use crate::source::synthetic::colour::{BLACK, ItemColour, METAL, PINE, WHITE};
use crate::source::synthetic::dice::Dice;
use crate::source::synthetic::shape::ShapePart;

pub fn chair(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (width, depth, seat) = (dice.between(0.42, 0.5), dice.between(0.42, 0.5), dice.between(0.42, 0.47));
    let (height, leg) = (dice.between(0.82, 0.98), 0.04);
    let mut parts = vec![
        ShapePart::block([width, depth, 0.06], [0.0, 0.0, seat - 0.06], colour.albedo),
        ShapePart::block(
            [width, 0.05, height - seat - 0.1],
            [0.0, depth / 2.0 - 0.025, seat + 0.1],
            colour.shade(0.92),
        ),
    ];
    for (x, y) in corners(width - leg, depth - leg) {
        parts.push(ShapePart::block([leg, leg, seat - 0.06], [x, y, 0.0], colour.shade(0.55)));
    }
    for x in [-1.0, 1.0] {
        let post = [x * (width / 2.0 - 0.05), depth / 2.0 - 0.025, seat];
        parts.push(ShapePart::block([0.04, 0.03, 0.1], post, colour.shade(0.55)));
    }
    FurniturePiece { parts, top: None }
}

pub fn stool(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (radius, height) = (dice.between(0.16, 0.2), dice.between(0.45, 0.7));
    let mut parts = vec![ShapePart::frustum([radius, radius, 0.06], [0.0, 0.0, height - 0.06], colour.albedo)];
    for (x, y) in corners(radius * 1.25, radius * 1.25) {
        parts.push(ShapePart::frustum([0.018, 0.018, height - 0.06], [x, y, 0.0], METAL));
    }
    FurniturePiece { parts, top: None }
}

pub fn armchair(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let width = dice.between(0.75, 0.9);
    upholstered(dice, width, 1, colour, None)
}

pub fn sofa(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let width = dice.between(1.6, 2.2);
    upholstered(dice, width, if width > 1.9 { 3 } else { 2 }, colour, Some(Placement::Cushioned))
}

/// Base, back, two arms and one cushion for each seat.
fn upholstered(
    dice: &mut Dice,
    width: f64,
    seats: usize,
    colour: ItemColour,
    carries: Option<Placement>,
) -> FurniturePiece {
    let (depth, height, seat, arm) = (dice.between(0.8, 0.92), dice.between(0.78, 0.9), 0.42, 0.16);
    let (inner, back) = (width - 2.0 * arm, 0.2);
    let mut parts = vec![
        ShapePart::block([width, depth, 0.24], [0.0, 0.0, 0.06], colour.shade(0.8)),
        ShapePart::block([width, back, height - 0.3], [0.0, (depth - back) / 2.0, 0.3], colour.shade(0.9)),
    ];
    for side in [-1.0, 1.0] {
        let x = side * (width - arm) / 2.0;
        parts.push(ShapePart::block([arm, depth - back, 0.3], [x, -back / 2.0, 0.3], colour.shade(0.85)));
    }
    let each = inner / seats as f64;
    for n in 0..seats {
        let x = -inner / 2.0 + each * (n as f64 + 0.5);
        parts.push(ShapePart::block(
            [each - 0.015, depth - back - 0.02, seat - 0.3],
            [x, -back / 2.0, 0.3],
            colour.albedo,
        ));
    }
    for (x, y) in corners(width - 0.12, depth - 0.12) {
        parts.push(ShapePart::block([0.06, 0.06, 0.06], [x, y, 0.0], BLACK.albedo));
    }
    let top = carries.map(|carries| Top {
        carries,
        min: [-inner / 2.0, -depth / 2.0 + 0.02],
        max: [inner / 2.0, depth / 2.0 - back],
        height: seat,
    });
    FurniturePiece { parts, top }
}

pub fn bed(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (width, length, head) = (dice.between(1.0, 1.7), dice.between(1.95, 2.1), dice.between(0.85, 1.05));
    let (frame, mattress) = (0.28, 0.22);
    let covered = length * 0.68;
    let surface = frame + mattress;
    let parts = vec![
        ShapePart::block([width, length, 0.2], [0.0, 0.0, 0.08], PINE),
        ShapePart::block([width, 0.06, head - 0.28], [0.0, length / 2.0 - 0.03, 0.28], PINE),
        ShapePart::block([width - 0.06, length - 0.09, mattress], [0.0, -0.03, frame], WHITE.albedo),
        // The blanket hangs over the mattress on both sides and at the foot.
        ShapePart::block(
            [width - 0.01, covered, mattress],
            [0.0, -length / 2.0 + covered / 2.0, frame + 0.02],
            colour.albedo,
        ),
        ShapePart::block([0.08, 0.08, 0.08], [-width / 2.0 + 0.08, -length / 2.0 + 0.1, 0.0], PINE),
        ShapePart::block([0.08, 0.08, 0.08], [width / 2.0 - 0.08, -length / 2.0 + 0.1, 0.0], PINE),
        ShapePart::block([0.08, 0.08, 0.08], [-width / 2.0 + 0.08, length / 2.0 - 0.1, 0.0], PINE),
        ShapePart::block([0.08, 0.08, 0.08], [width / 2.0 - 0.08, length / 2.0 - 0.1, 0.0], PINE),
    ];
    let top = Top {
        carries: Placement::Cushioned,
        min: [-width / 2.0 + 0.08, length / 2.0 - 0.6],
        max: [width / 2.0 - 0.08, length / 2.0 - 0.07],
        height: surface,
    };
    FurniturePiece { parts, top: Some(top) }
}
