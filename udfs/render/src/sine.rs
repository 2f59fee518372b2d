//! Sines and cosines with the same bits on every machine: additions and multiplications alone, where a system's own differ.

use std::f64::consts::{FRAC_PI_2, TAU};

/// Sine and cosine of whole degrees; multiples of 90 are exact, and what is equal by symmetry is equal to the last bit.
///
/// ```
/// use spatialmill_render::sin_cos_degrees;
/// assert_eq!(sin_cos_degrees(-90), (-1.0, 0.0));
/// assert_eq!(sin_cos_degrees(120).0, sin_cos_degrees(60).0);
/// ```
pub fn sin_cos_degrees(degrees: i32) -> (f64, f64) {
    let degrees = degrees.rem_euclid(360);
    let acute = degrees % 90;
    let near = |degrees: i32| series(f64::from(degrees) / 180.0 * std::f64::consts::PI);
    let (sin, cos) = if acute <= 45 {
        near(acute)
    } else {
        let (sin, cos) = near(90 - acute);
        (cos, sin)
    };
    quadrant(degrees / 90, sin, cos)
}

/// Sine and cosine of radians; 0 and 1 of what is not finite.
pub fn sin_cos(radians: f64) -> (f64, f64) {
    let turns = radians / TAU;
    let within = (turns - turns.floor()) * TAU;
    if !within.is_finite() {
        return (0.0, 1.0);
    }
    let quarter = (within / FRAC_PI_2).floor();
    let (sin, cos) = series(within - quarter * FRAC_PI_2);
    // 0 to 4, by the lines above.
    quadrant(quarter as i32 % 4, sin, cos)
}

fn quadrant(quarter: i32, sin: f64, cos: f64) -> (f64, f64) {
    match quarter {
        0 => (sin, cos),
        1 => (cos, 0.0 - sin),
        2 => (0.0 - sin, 0.0 - cos),
        _ => (0.0 - cos, sin),
    }
}

/// Taylor's series; of an angle up to a right one the first term left out is below 1e-17.
fn series(angle: f64) -> (f64, f64) {
    let square = angle * angle;
    let (mut sin, mut cos) = (1.0, 1.0);
    for n in (1..=11).rev() {
        let n = f64::from(n);
        sin = 1.0 - sin * square / ((2.0 * n) * (2.0 * n + 1.0));
        cos = 1.0 - cos * square / ((2.0 * n - 1.0) * (2.0 * n));
    }
    (sin * angle, cos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_right() {
        for degrees in -720..=720 {
            let (sin, cos) = sin_cos_degrees(degrees);
            let radians = f64::from(degrees).to_radians();
            assert!((sin - radians.sin()).abs() < 2e-15 && (cos - radians.cos()).abs() < 2e-15, "{degrees}");
            let (sin, cos) = sin_cos(radians);
            assert!((sin - radians.sin()).abs() < 1e-14 && (cos - radians.cos()).abs() < 1e-14, "{degrees}");
        }
    }

    #[test]
    fn a_quarter_turn_has_the_same_bits() {
        for degrees in 0..360 {
            let ((sin, cos), (quarter_sin, quarter_cos)) = (sin_cos_degrees(degrees), sin_cos_degrees(degrees + 90));
            assert_eq!((quarter_sin, quarter_cos), (cos, -sin));
        }
    }

    #[test]
    fn no_angle_is_no_turn() {
        assert_eq!([f64::NAN, f64::INFINITY].map(sin_cos), [(0.0, 1.0); 2]);
    }
}
