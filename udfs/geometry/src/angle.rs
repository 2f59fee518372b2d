//! Angles of the horizontal plane, in degrees. Each name has one sense of turning:
//!
//! ```text
//!        y                          bearing: clockwise from +y, as a compass and R2R's headings count: atan2(x, y)
//!        │ bearing                  azimuth: counter-clockwise from +x, as mathematics counts: atan2(y, x)
//!        │⌒╲                        turn: from one bearing to the next, right > 0
//!        │   ╲  azimuth             angle_ccw: from one direction to another, counter-clockwise, 0-360
//!        o────╲⌒──── x
//! ```

/// The same angle in (-180, 180].
///
/// ```
/// use spatialmill_geometry::angle::wrap_180;
/// assert_eq!([350.0, -190.0, 180.0, -180.0, 720.5].map(wrap_180), [-10.0, 170.0, 180.0, 180.0, 0.5]);
/// ```
pub fn wrap_180(degrees: f64) -> f64 {
    let wrapped = degrees.rem_euclid(360.0);
    if wrapped > 180.0 { wrapped - 360.0 } else { wrapped }
}

/// Clockwise from +y; `None` for a vector without a horizontal direction.
pub fn bearing(direction: [f64; 2]) -> Option<f64> {
    let [x, y] = has_direction(direction)?;
    Some(x.atan2(y).to_degrees())
}

/// Counter-clockwise from +x; `None` for a vector without a horizontal direction.
pub fn azimuth(direction: [f64; 2]) -> Option<f64> {
    let [x, y] = has_direction(direction)?;
    Some(y.atan2(x).to_degrees())
}

/// From `from` to `to`, counter-clockwise, in [0, 360); `None` where one of them has no direction.
///
/// ```
/// use spatialmill_geometry::angle::angle_ccw;
/// assert_eq!(angle_ccw([0.0, 2.0], [-1.0, 0.0]), Some(90.0));
/// assert_eq!(angle_ccw([0.0, 2.0], [3.0, 0.0]), Some(270.0));
/// assert_eq!(angle_ccw([0.0, 0.0], [3.0, 0.0]), None);
/// ```
pub fn angle_ccw(from: [f64; 2], to: [f64; 2]) -> Option<f64> {
    let ([a, b], [c, d]) = (has_direction(from)?, has_direction(to)?);
    let degrees = (a * d - b * c).atan2(a * c + b * d).to_degrees();
    // A hair below 0 becomes 360 by rounding, which is 0.
    Some(degrees.rem_euclid(360.0)).map(|degrees| if degrees < 360.0 { degrees } else { 0.0 })
}

fn has_direction(vector: [f64; 2]) -> Option<[f64; 2]> {
    let length = vector[0].hypot(vector[1]);
    (length.is_finite() && length > 0.0).then_some(vector)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_has_no_direction_has_no_angle() {
        for vector in [[0.0, 0.0], [f64::NAN, 1.0], [f64::INFINITY, 0.0]] {
            assert_eq!((bearing(vector), azimuth(vector), angle_ccw([1.0, 0.0], vector)), (None, None, None));
        }
        assert_eq!((bearing([1.0, 0.0]), azimuth([0.0, 1.0])), (Some(90.0), Some(90.0)));
    }

    proptest! {
        #[test]
        fn the_angles_agree(a in -180.0..180.0_f64, b in -180.0..180.0_f64, length in 0.1..9.0) {
            let at = |degrees: f64| [length * degrees.to_radians().cos(), length * degrees.to_radians().sin()];
            prop_assert!(wrap_180(azimuth(at(a)).unwrap() - a).abs() < 1e-9);
            prop_assert!(wrap_180(bearing(at(a)).unwrap() + azimuth(at(a)).unwrap() - 90.0).abs() < 1e-9);
            prop_assert!(wrap_180(angle_ccw(at(a), at(b)).unwrap() - (b - a)).abs() < 1e-9);
            prop_assert!(wrap_180(a - b).abs() <= 180.0);
        }
    }
}
