//! Distractors of a multiple-choice measurement: values as they are measured in the whole dataset, far enough from the right one and from each other.
//!
//! ```text
//! share of all measured values below   0         ¼         ½         ¾         1      q is that of the right one; the others are half of all
//!                                      ├────q────┼──q+s────┼─q+½─────┼─q+½+s───┤      values further, and s of all values beyond each of the two
//! ```
//!
//! Of a right value and three that were drawn for it, the right one gives itself away: by its rank, or as the likeliest of the four. Here the four are the
//! same whichever of them is the right one, as long as `s` is ¼ less something as often as ¼ more of the same; and each is right as often as the others,
//! because the right ones are spread as all measured values are.

/// How far two options must be apart: at least `absolute`, and at least `relative` times the larger one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gap {
    pub absolute: f64,
    pub relative: f64,
}

impl Gap {
    /// Whether two values above 0 may be options of one question.
    fn separates(&self, a: f64, b: f64) -> bool {
        (a - b).abs() >= self.absolute.max(self.relative * a.max(b)) * (1.0 - 1e-9)
    }
}

/// Below this many measured values nobody can say how they are spread.
const FEWEST_MEASURED: usize = 8;

/// Four options in ascending order, `right` among them, all above 0 and rounded to `steps` a unit. `measured` are values of the dataset, rounded as
/// well, in ascending order; `shift` in [0, 1) is drawn anew for each question, and so is `place`, which says which of several equal values the right
/// one is. `None` where two options are too close, or the right one is not above 0.
///
/// Of fewer than eight measured values nobody learns what is likely: then the options are the right one times factors, of rank `4 shift`.
///
/// ```
/// use spatialmill_geometry::distractors::{Gap, value_options};
/// let gap = Gap { absolute: 0.3, relative: 0.25 };
/// let measured: Vec<f64> = (0..100).map(|n| f64::from(n) / 10.0).collect();
/// assert_eq!(value_options(2.0, &measured, [0.5, 0.5], 10.0, gap), Some([2.0, 4.5, 7.0, 9.5]));
/// assert_eq!(value_options(4.5, &measured, [0.5, 0.5], 10.0, gap), Some([2.0, 4.5, 7.0, 9.5]));
/// ```
pub fn value_options(right: f64, measured: &[f64], [shift, place]: [f64; 2], steps: f64, gap: Gap) -> Option<[f64; 4]> {
    if !(right > 0.0 && right.is_finite()) {
        return None;
    }
    let rounded = |value: f64| (value * steps).round() / steps;
    let right = rounded(right);
    let mut options = if measured.len() < FEWEST_MEASURED {
        by_factors(right, shift)
    } else {
        let share = share_below(measured, right, place);
        let near = 0.2 + 0.1 * shift;
        [0.0, near, 0.5, 0.5 + near].map(|further| quantile(measured, (share + further) % 1.0))
    };
    options[0] = right;
    options = options.map(rounded);
    options.sort_unstable_by(f64::total_cmp);
    let apart = options[0] > 0.0 && options.windows(2).all(|pair| gap.separates(pair[0], pair[1]));
    apart.then_some(options)
}

/// What share of the measured values is below one, in (0, 1); of several that equal it, `place` of them are. Between two values it grows evenly.
fn share_below(measured: &[f64], value: f64, place: f64) -> f64 {
    let at = |index: f64| ((index + 0.5) / measured.len() as f64).clamp(1e-9, 1.0 - 1e-9);
    let (below, up_to) = (measured.partition_point(|m| *m < value), measured.partition_point(|m| *m <= value));
    if below < up_to {
        return at(below as f64 - 0.5 + place * (up_to - below) as f64);
    }
    match (below.checked_sub(1).map(|last| measured[last]), measured.get(below)) {
        (Some(last), Some(next)) => at(below as f64 - 1.0 + (value - last) / (next - last)),
        (None, _) => at(-0.5),
        (_, None) => at(measured.len() as f64 - 0.5),
    }
}

/// The value that this share of the measured ones is below.
fn quantile(measured: &[f64], share: f64) -> f64 {
    let index = (share * measured.len() as f64 - 0.5).clamp(0.0, (measured.len() - 1) as f64);
    let (low, high) = (measured[index.floor() as usize], measured[index.ceil() as usize]);
    low + (high - low) * index.fract()
}

/// The right value, and three that are so many times as large; all ranks are as likely.
fn by_factors(right: f64, shift: f64) -> [f64; 4] {
    const LADDER: [f64; 7] = [0.28, 0.4, 0.64, 1.0, 1.5, 2.2, 3.2];
    let lowest = 3 - ((4.0 * shift) as usize).min(3);
    let mut options: [f64; 4] = std::array::from_fn(|n| right * LADDER[lowest + n]);
    // The right one first.
    options.swap(0, 3 - lowest);
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GAP: Gap = Gap { absolute: 0.3, relative: 0.25 };

    #[test]
    fn factors_stand_in_for_a_dataset_of_few_values() {
        assert_eq!(value_options(2.0, &[1.0, 5.0], [0.6, 0.0], 10.0, GAP), Some([0.8, 1.3, 2.0, 3.0]));
        assert_eq!(value_options(4.0, &[], [0.0, 0.0], 10.0, GAP).map(|options| options[0]), Some(4.0));
        assert_eq!(value_options(4.0, &[], [0.9, 0.0], 10.0, GAP).map(|options| options[3]), Some(4.0));
        for right in [0.0, -1.0, f64::NAN, f64::INFINITY, 0.01] {
            assert_eq!(value_options(right, &[], [0.5, 0.5], 10.0, GAP), None);
        }
        // Doors are alike: whatever is offered beside 2.0 m is no door.
        assert_eq!(value_options(2.0, &[1.9, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.1], [0.5, 0.5], 10.0, GAP), None);
    }

    proptest! {
        /// Whoever knows how all values are spread learns nothing from four of them: another of the four would be offered with the same others.
        #[test]
        fn each_option_has_the_others_beside_it(values in prop::collection::btree_set(1..100_000_u32, 8..60), at in 0..60_usize, shift in 0.0..1.0_f64) {
            let measured: Vec<f64> = values.into_iter().map(f64::from).collect();
            let right = measured[at % measured.len()];
            let none = Gap { absolute: 0.0, relative: 0.0 };
            let options = |right, shift| value_options(right, &measured, [shift, 0.5], 1000.0, none).unwrap();
            let offered = options(right, shift);
            prop_assert!(offered.contains(&right));
            // Beyond the last value, quantiles stay at it.
            let inside = offered.iter().all(|value| *value > measured[0] && *value < measured[measured.len() - 1]);
            for other in offered.into_iter().filter(|_| inside) {
                let close = |a: [f64; 4]| a.iter().zip(&offered).all(|(a, b)| (a - b).abs() < 0.01 * measured[measured.len() - 1]);
                prop_assert!(close(options(other, shift)) || close(options(other, 1.0 - shift)), "{other} of {offered:?}");
            }
        }

        #[test]
        fn options_are_apart(right in 3.0..8.0, mut drawn in prop::collection::vec(0.1..30.0, 8..100), shift in 0.0..1.0_f64) {
            drawn.sort_by(f64::total_cmp);
            if let Some(options) = value_options(right, &drawn, [shift, 0.5], 10.0, GAP) {
                prop_assert!(options.windows(2).all(|pair| GAP.separates(pair[0], pair[1])), "{options:?}");
                prop_assert!(options.contains(&((right * 10.0).round() / 10.0)));
            }
        }
    }
}
