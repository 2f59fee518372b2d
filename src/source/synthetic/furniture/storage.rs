//! Cabinets, drawers and shelves.

use super::FurniturePiece;
use super::tables::tabletop;
use crate::source::synthetic::colour::{ItemColour, METAL};
use crate::source::synthetic::dice::Dice;
use crate::source::synthetic::shape::ShapePart;

pub fn nightstand(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (width, depth, height) = (dice.between(0.4, 0.5), dice.between(0.36, 0.44), dice.between(0.45, 0.58));
    drawers(width, depth, height, 2, colour)
}

pub fn cabinet(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (width, depth, height) = (dice.between(0.8, 1.4), dice.between(0.4, 0.5), dice.between(0.75, 1.05));
    doors(width, depth, height, colour)
}

pub fn wardrobe(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (width, depth, height) = (dice.between(1.0, 1.6), dice.between(0.55, 0.62), dice.between(1.85, 2.15));
    FurniturePiece { top: None, ..doors(width, depth, height, colour) }
}

/// A body with drawers, one above the other.
pub fn drawers(width: f64, depth: f64, height: f64, rows: usize, colour: ItemColour) -> FurniturePiece {
    let (body, front) = (depth - 0.03, 0.02);
    let mut parts = vec![ShapePart::block([width, body, height], [0.0, 0.015, 0.0], colour.shade(0.7))];
    let each = (height - 0.06) / rows as f64;
    for row in 0..rows {
        let z = 0.03 + each * row as f64;
        parts.push(ShapePart::block([width - 0.03, front, each - 0.02], [0.0, -body / 2.0 + 0.005, z], colour.albedo));
        parts.push(ShapePart::block([0.1, 0.01, 0.02], [0.0, -depth / 2.0 + 0.005, z + each * 0.5], METAL));
    }
    FurniturePiece { parts, top: Some(tabletop(width, depth, height)) }
}

/// A body with two doors side by side.
fn doors(width: f64, depth: f64, height: f64, colour: ItemColour) -> FurniturePiece {
    let (body, front) = (depth - 0.04, 0.02);
    let mut parts = vec![ShapePart::block([width, body, height], [0.0, 0.02, 0.0], colour.shade(0.7))];
    for side in [-1.0, 1.0] {
        let panel = [side * width / 4.0, -body / 2.0 + 0.01, 0.06];
        parts.push(ShapePart::block([width / 2.0 - 0.03, front, height - 0.1], panel, colour.albedo));
        let knob = [side * 0.05, -depth / 2.0 + 0.01, height * 0.45];
        parts.push(ShapePart::block([0.02, 0.02, height * 0.12], knob, METAL));
    }
    FurniturePiece { parts, top: Some(tabletop(width, depth, height)) }
}

pub fn bookshelf(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (width, depth, height) = (dice.between(0.7, 1.1), dice.between(0.28, 0.36), dice.between(1.5, 2.05));
    let (board, shelves) = (0.03, dice.count(4, 5));
    let mut parts = vec![ShapePart::block([width, 0.015, height], [0.0, depth / 2.0 - 0.0075, 0.0], colour.shade(0.6))];
    for side in [-1.0, 1.0] {
        parts.push(ShapePart::block([board, depth, height], [side * (width - board) / 2.0, 0.0, 0.0], colour.albedo));
    }
    let each = (height - board) / shelves as f64;
    for row in 0..=shelves {
        let z = each * row as f64;
        parts.push(ShapePart::block([width - 2.0 * board, depth - 0.015, board], [0.0, -0.0075, z], colour.albedo));
    }
    FurniturePiece { parts, top: None }
}

/// A board on two brackets.
pub fn shelf(dice: &mut Dice, colour: ItemColour) -> FurniturePiece {
    let (width, depth, board, bracket) = (dice.between(0.6, 1.3), dice.between(0.26, 0.36), 0.035, 0.12);
    let mut parts = vec![ShapePart::block([width, depth, board], [0.0, 0.0, bracket], colour.albedo)];
    for side in [-0.35, 0.35] {
        parts.push(ShapePart::block([0.025, depth * 0.8, 0.02], [side * width, depth * 0.1, bracket - 0.02], METAL));
        parts.push(ShapePart::block([0.025, 0.02, bracket], [side * width, depth / 2.0 - 0.01, 0.0], METAL));
    }
    FurniturePiece { parts, top: Some(tabletop(width, depth, bracket + board)) }
}
