//! Colour difference: two colours in, the least CIEDE2000 over readers with and without colour blindness out.
//!
//! Red-green blindness is simulated as by Viénot, Brettel and Mollon (1999), blue-yellow blindness as by Brettel,
//! Viénot and Mollon (1997), both complete, in linear sRGB; differences are CIEDE2000 (Sharma, Wu and Dalal, 2005)
//! under D65.

/// Somebody who looks at a picture, by the cones there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// All three kinds.
    Trichromat,
    /// No long-wave cones.
    Protanope,
    /// No medium-wave cones.
    Deuteranope,
    /// No short-wave cones.
    Tritanope,
}

/// Everybody whom a difference has to be seen by.
pub const READERS: [Reader; 4] = [Reader::Trichromat, Reader::Protanope, Reader::Deuteranope, Reader::Tritanope];

/// CIELAB under D65: lightness 0 to 100, green to red, blue to yellow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lab {
    pub l: f64,
    pub a: f64,
    pub b: f64,
}

/// The CIEDE2000 difference of two sRGB colours, the least over [`READERS`].
///
/// ```
/// use spatialmill_geometry::colour::apart;
/// assert_eq!(apart([10, 200, 30], [10, 200, 30]), 0.0);
/// assert!((apart([0, 0, 0], [255, 255, 255]) - 100.0).abs() < 0.1);
/// // Far apart for most of us; a reader without long-wave cones sees two dull yellows.
/// assert!(apart([170, 60, 40], [90, 95, 40]) < 12.0);
/// ```
pub fn apart(a: [u8; 3], b: [u8; 3]) -> f64 {
    READERS.into_iter().map(|reader| difference(Lab::of(a, reader), Lab::of(b, reader))).fold(f64::INFINITY, f64::min)
}

impl Lab {
    /// An sRGB colour as a reader sees it.
    ///
    /// ```
    /// use spatialmill_geometry::colour::{Lab, Reader};
    /// let red = Lab::of([255, 0, 0], Reader::Trichromat);
    /// assert_eq!([red.l, red.a, red.b].map(f64::round), [53.0, 80.0, 67.0]);
    /// ```
    pub fn of(rgb: [u8; 3], reader: Reader) -> Self {
        // What a simulation puts outside of sRGB is as bright as a screen can show it.
        let seen = reader.sees(rgb.map(linear)).map(|channel| channel.clamp(0.0, 1.0));
        // Linear sRGB to CIE XYZ, each row divided by the white point's X, Y or Z.
        const XYZ: [[f64; 3]; 3] = [
            [0.4124564 / 0.95047, 0.3575761 / 0.95047, 0.1804375 / 0.95047],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339 / 1.08883, 0.1191920 / 1.08883, 0.9503041 / 1.08883],
        ];
        let [x, y, z] = times(&XYZ, seen).map(|t| {
            // CIE's exact (6/29)^3 and (29/3)^3.
            if t > 216.0 / 24389.0 { t.cbrt() } else { (24389.0 / 27.0 * t + 16.0) / 116.0 }
        });
        Self { l: 116.0 * y - 16.0, a: 500.0 * (x - y), b: 200.0 * (y - z) }
    }
}

/// CIEDE2000 with all weights 1.
pub fn difference(one: Lab, other: Lab) -> f64 {
    const POW7_25: f64 = 6_103_515_625.0;
    let chroma_weight = |chroma: f64| (chroma.powi(7) / (chroma.powi(7) + POW7_25)).sqrt();

    // Greys are stretched along red and green, where the eye is finest.
    let stretch = 1.5 - 0.5 * chroma_weight((one.a.hypot(one.b) + other.a.hypot(other.b)) / 2.0);
    let polar = |lab: Lab| {
        let a = lab.a * stretch;
        (a.hypot(lab.b), lab.b.atan2(a).to_degrees().rem_euclid(360.0))
    };
    let ((chroma_1, hue_1), (chroma_2, hue_2)) = (polar(one), polar(other));
    let grey = chroma_1 * chroma_2 == 0.0;

    let hue_step = if grey { 0.0 } else { (hue_2 - hue_1 + 180.0).rem_euclid(360.0) - 180.0 };
    let delta_l = other.l - one.l;
    let delta_chroma = chroma_2 - chroma_1;
    let delta_hue = 2.0 * (chroma_1 * chroma_2).sqrt() * (hue_step / 2.0).to_radians().sin();

    let l = (one.l + other.l) / 2.0;
    let chroma = (chroma_1 + chroma_2) / 2.0;
    let hue = if grey {
        hue_1 + hue_2
    } else {
        // Halfway along the shorter arc.
        let apart = (hue_1 - hue_2).abs() > 180.0;
        let sum = hue_1 + hue_2;
        (if !apart {
            sum
        } else if sum < 360.0 {
            sum + 360.0
        } else {
            sum - 360.0
        }) / 2.0
    };
    let cos = |degrees: f64| degrees.to_radians().cos();
    let t = 1.0 - 0.17 * cos(hue - 30.0) + 0.24 * cos(2.0 * hue) + 0.32 * cos(3.0 * hue + 6.0)
        - 0.20 * cos(4.0 * hue - 63.0);
    let off_middle = (l - 50.0).powi(2);
    let weighted_l = delta_l / (1.0 + 0.015 * off_middle / (20.0 + off_middle).sqrt());
    let weighted_chroma = delta_chroma / (1.0 + 0.045 * chroma);
    let weighted_hue = delta_hue / (1.0 + 0.015 * chroma * t);
    // Blues turn towards purple as they get paler.
    let turn = (60.0 * (-((hue - 275.0) / 25.0).powi(2)).exp()).to_radians().sin();
    let rotation = -2.0 * chroma_weight(chroma) * turn;
    (weighted_l.powi(2) + weighted_chroma.powi(2) + weighted_hue.powi(2) + rotation * weighted_chroma * weighted_hue)
        .max(0.0)
        .sqrt()
}

impl Reader {
    /// Linear sRGB to the linear sRGB that looks the same to a trichromat.
    fn sees(self, rgb: [f64; 3]) -> [f64; 3] {
        const PROTANOPE: [[f64; 3]; 3] = [[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]];
        const DEUTERANOPE: [[f64; 3]; 3] = [[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]];
        // Tritanopes need two half planes, which meet in the greys.
        const TRITANOPE_SIDE: [f64; 3] = [0.03901, -0.02788, -0.01113];
        const TRITANOPE_THIS: [[f64; 3]; 3] =
            [[1.01277, 0.13548, -0.14826], [-0.01243, 0.86812, 0.14431], [0.07589, 0.80500, 0.11911]];
        const TRITANOPE_THAT: [[f64; 3]; 3] =
            [[0.93678, 0.18979, -0.12657], [0.06154, 0.81526, 0.12320], [-0.37562, 1.12767, 0.24796]];
        match self {
            Self::Trichromat => rgb,
            Self::Protanope => times(&PROTANOPE, rgb),
            Self::Deuteranope => times(&DEUTERANOPE, rgb),
            Self::Tritanope if dot(&TRITANOPE_SIDE, rgb) >= 0.0 => times(&TRITANOPE_THIS, rgb),
            Self::Tritanope => times(&TRITANOPE_THAT, rgb),
        }
    }
}

/// From sRGB's eight bits to light, 0 to 1 (IEC 61966-2-1).
fn linear(channel: u8) -> f64 {
    let channel = f64::from(channel) / 255.0;
    if channel <= 0.04045 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
}

fn times(matrix: &[[f64; 3]; 3], vector: [f64; 3]) -> [f64; 3] {
    [0, 1, 2].map(|row| dot(&matrix[row], vector))
}

fn dot(a: &[f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs of the data that Sharma, Wu and Dalal published with their paper.
    #[test]
    fn differences_are_those_of_the_paper() {
        let pairs = [
            ([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485], 2.0425),
            ([50.0, -1.0, 2.0], [50.0, 0.0, 0.0], 2.3669),
            ([50.0, 2.49, -0.001], [50.0, -2.49, 0.0009], 7.1792),
            ([50.0, 2.49, -0.001], [50.0, -2.49, 0.0011], 7.2195),
            ([50.0, 2.5, 0.0], [73.0, 25.0, -18.0], 27.1492),
            ([50.0, 2.5, 0.0], [56.0, -27.0, -3.0], 31.9030),
            ([60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387], 1.2644),
            ([63.0109, -31.0961, -5.8663], [62.8187, -29.7946, -4.0864], 1.2630),
            ([90.8027, -2.0831, 1.4410], [91.1528, -1.6435, 0.0447], 1.4441),
            ([2.0776, 0.0795, -1.1350], [0.9033, -0.0636, -0.5514], 0.9082),
        ];
        for (one, other, expected) in pairs {
            let [one, other] = [one, other].map(|[l, a, b]| Lab { l, a, b });
            for found in [difference(one, other), difference(other, one)] {
                assert!((found - expected).abs() < 5e-5, "{one:?} {other:?}: {found}, not {expected}");
            }
        }
    }

    #[test]
    fn greys_look_the_same_to_everybody() {
        for grey in [0, 90, 255] {
            let plain = Lab::of([grey; 3], Reader::Trichromat);
            for reader in READERS {
                assert!(difference(plain, Lab::of([grey; 3], reader)) < 0.1, "{reader:?}");
            }
        }
    }

    #[test]
    fn each_reader_misses_a_difference_that_others_see() {
        // Pairs along the line of colours that a missing cone makes one.
        let pairs = [
            (Reader::Protanope, [164, 90, 90], [97, 108, 90]),
            (Reader::Deuteranope, [190, 100, 90], [130, 132, 88]),
            (Reader::Tritanope, [130, 130, 60], [140, 122, 140]),
        ];
        for (reader, a, b) in pairs {
            let seen = |reader| difference(Lab::of(a, reader), Lab::of(b, reader));
            assert!(seen(reader) < seen(Reader::Trichromat) / 2.0, "{reader:?} {}", seen(reader));
        }
    }
}
