//! Colours that a text can name and a reader can tell apart, whatever cones that reader has.
//!
//! ```text
//! sRGB bytes ─► linear light ─► as each reader sees it ─► CIELAB ─► CIEDE2000, the least over the readers
//! PALETTE, own colours ─► assign ─► one colour a thing, all of an image apart
//! a share, 0 to 1 ─► ramp ─► a colour, lighter where it is more
//! ```
//!
//! sRGB in and out, eight bits a channel; differences are CIEDE2000, where 1 is just noticed side by side and 10 is
//! seen at a glance.

mod apart;
mod assign;
mod ramp;

pub use apart::{Lab, READERS, Reader, apart, difference};
pub use assign::{APART, APART_FROM_OWN, MOST_APART, assign};
pub use ramp::ramp;

/// A colour of the palette: what a text calls it, and what is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Colour {
    name: &'static str,
    rgb: [u8; 3],
}

/// Eight names that everybody gives. Black and white are not among them: they are outlines and digits.
///
/// The values were searched for inside what each name covers, so that as many pairs as possible are [`APART`] for every
/// reader: all but orange with green and orange with pink, which some readers see alike whatever one does about it.
pub const PALETTE: [Colour; 8] = [
    Colour { name: "red", rgb: [205, 13, 15] },
    Colour { name: "blue", rgb: [51, 85, 255] },
    Colour { name: "yellow", rgb: [255, 245, 49] },
    Colour { name: "green", rgb: [30, 187, 90] },
    Colour { name: "purple", rgb: [105, 25, 150] },
    Colour { name: "cyan", rgb: [46, 255, 252] },
    Colour { name: "pink", rgb: [255, 165, 199] },
    Colour { name: "orange", rgb: [255, 120, 0] },
];

impl Colour {
    /// The colour of that name.
    ///
    /// ```
    /// use spatialmill_geometry::colour::Colour;
    /// assert_eq!(Colour::named("orange").map(|colour| colour.rgb()), Some([255, 120, 0]));
    /// assert_eq!(Colour::named("fuchsia"), None);
    /// ```
    pub fn named(name: &str) -> Option<Self> {
        PALETTE.into_iter().find(|colour| colour.name == name)
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    /// sRGB.
    pub fn rgb(&self) -> [u8; 3] {
        self.rgb
    }

    /// Black on light colours, white on dark ones: what is legible on it, and stands out beside it.
    ///
    /// ```
    /// use spatialmill_geometry::colour::Colour;
    /// let contrast = |name| Colour::named(name).map(|colour| colour.contrast());
    /// assert_eq!(contrast("yellow"), Some([0, 0, 0]));
    /// assert_eq!(contrast("blue"), Some([255, 255, 255]));
    /// ```
    pub fn contrast(&self) -> [u8; 3] {
        // Halfway between black and white in lightness, and a little more, because digits look thinner in black.
        if Lab::of(self.rgb, Reader::Trichromat).l < 55.0 { [255; 3] } else { [0; 3] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_and_found_again() {
        for colour in PALETTE {
            assert_eq!(Colour::named(colour.name()), Some(colour));
        }
    }

    #[test]
    fn what_is_legible_on_a_colour_is_far_from_it() {
        for colour in PALETTE {
            let ratio = apart(colour.rgb(), colour.contrast());
            assert!(ratio > 30.0, "{} {ratio}", colour.name());
        }
    }
}
