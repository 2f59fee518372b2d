//! Colours: what a person would call them, and the light they give back.

use super::shape::Albedo;

/// A colour with its name, as used in captions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ItemColour {
    pub name: &'static str,
    pub albedo: Albedo,
}

impl ItemColour {
    /// The same hue, darker (below 1) or lighter (above 1).
    pub fn shade(&self, factor: f32) -> Albedo {
        self.albedo.map(|light| (light * factor).clamp(0.0, 1.0))
    }
}

pub const RED: ItemColour = named("red", [0.62, 0.03, 0.03]);
pub const ORANGE: ItemColour = named("orange", [0.85, 0.27, 0.02]);
pub const YELLOW: ItemColour = named("yellow", [0.88, 0.68, 0.04]);
pub const GREEN: ItemColour = named("green", [0.05, 0.36, 0.07]);
pub const BLUE: ItemColour = named("blue", [0.03, 0.12, 0.58]);
pub const PURPLE: ItemColour = named("purple", [0.25, 0.04, 0.42]);
pub const PINK: ItemColour = named("pink", [0.88, 0.30, 0.45]);
pub const BROWN: ItemColour = named("brown", [0.24, 0.10, 0.035]);
pub const BLACK: ItemColour = named("black", [0.018, 0.018, 0.02]);
pub const WHITE: ItemColour = named("white", [0.86, 0.86, 0.84]);
pub const GREY: ItemColour = named("grey", [0.27, 0.28, 0.29]);

/// Cloth, plastic and paint come in all of them.
pub const BRIGHT: &[ItemColour] = &[RED, ORANGE, YELLOW, GREEN, BLUE, PURPLE, PINK, BLACK, WHITE, GREY];
/// Upholstery.
pub const CLOTH: &[ItemColour] = &[RED, ORANGE, GREEN, BLUE, PURPLE, BROWN, GREY];
/// Wooden furniture and its paints.
pub const WOOD: &[ItemColour] = &[BROWN, BROWN, WHITE, BLACK, GREY];

/// Light pine, for what is wooden whatever its name.
pub const PINE: Albedo = [0.56, 0.33, 0.14];
/// Brushed metal.
pub const METAL: Albedo = [0.42, 0.43, 0.45];
/// Corrugated cardboard.
pub const CARDBOARD: Albedo = [0.47, 0.29, 0.13];
/// Leaves.
pub const LEAF: Albedo = [0.06, 0.26, 0.04];
/// A sky seen through glass.
pub const SKY: Albedo = [0.42, 0.66, 0.92];

const fn named(name: &'static str, albedo: Albedo) -> ItemColour {
    ItemColour { name, albedo }
}
