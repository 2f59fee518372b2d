//! A sequential colour map: a share from 0 to 1 in, a colour out that is lighter where it is more, for every reader.

/// Far to near, evenly spaced: dark blue, purple, orange, yellow, as in matplotlib's plasma (van der Walt and Smith, CC0), whose steps
/// look equal. Straight lines between nine of its values are nowhere more than just noticeably off it.
const STOPS: [[u8; 3]; 9] = [
    [13, 8, 135],
    [75, 3, 161],
    [125, 3, 168],
    [168, 34, 150],
    [203, 70, 121],
    [229, 107, 93],
    [248, 148, 65],
    [253, 195, 40],
    [240, 249, 33],
];

/// The colour of a share, 0 the darkest and 1 the lightest; what lies outside has that of the end, NaN that of 0.
///
/// ```
/// use spatialmill_geometry::colour::ramp;
/// assert_eq!((ramp(0.0), ramp(1.0)), ([13, 8, 135], [240, 249, 33]));
/// assert_eq!(ramp(0.0625), [44, 6, 148]); // halfway between the first two
/// ```
pub fn ramp(share: f64) -> [u8; 3] {
    let last = STOPS.len() - 1;
    let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
    let at = share * last as f64;
    // Casts cannot overflow after clamping.
    let lower = (at as usize).min(last - 1);
    let part = at - lower as f64;
    [0, 1, 2].map(|channel| {
        let [from, to] = [lower, lower + 1].map(|stop| f64::from(STOPS[stop][channel]));
        (from + part * (to - from)).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::colour::{Lab, READERS};

    #[test]
    fn lighter_is_more_for_every_reader() {
        for reader in READERS {
            let lightness: Vec<f64> = (0..=64).map(|k| Lab::of(ramp(f64::from(k) / 64.0), reader).l).collect();
            assert!(lightness.windows(2).all(|pair| pair[0] < pair[1]), "{reader:?}: {lightness:?}");
        }
    }

    #[test]
    fn ends_hold_what_lies_beyond() {
        assert_eq!((ramp(-3.0), ramp(f64::NAN), ramp(f64::INFINITY)), (ramp(0.0), ramp(0.0), ramp(1.0)));
    }
}
