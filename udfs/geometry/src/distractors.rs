//! Distractors of a multiple-choice measurement: values of other items of the dataset, far enough from the right one and from each other.
//!
//! ```text
//! pool of measured values ─► those further than the gap from all that are taken ─► as many below the right one as its rank says
//! ```
//!
//! Wrong values that are the right one times a factor give themselves away: the right one is the middle of them. Here the rank of the right value is
//! drawn first, so that it is the lowest as often as the highest, and the others are what is measured elsewhere.

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

/// Values for where too few are measured elsewhere: the right one times factors, near ones first, below and above in turn.
pub fn ladder(right: f64) -> [f64; 10] {
    [0.7, 1.4, 0.5, 1.8, 0.35, 2.4, 0.25, 3.2, 0.18, 4.2].map(|factor| right * factor)
}

/// `count` options in ascending order, `right` among them, all above 0. Of `drawn`, values measured elsewhere and then the [`ladder`], the first
/// ones are taken that are far enough from all options so far; `rank` of the options are below the right one where that many fit, else more are above. `None` where too few
/// values are apart, or the right one is not above 0.
///
/// ```
/// use spatialmill_geometry::distractors::{Gap, value_options};
/// let gap = Gap { absolute: 0.3, relative: 0.25 };
/// assert_eq!(value_options(2.0, &[1.9, 3.0, 0.4, 2.1, 4.5], 1, 4, gap), Some(vec![0.4, 2.0, 3.0, 4.5]));
/// ```
pub fn value_options(right: f64, drawn: &[f64], rank: usize, count: usize, gap: Gap) -> Option<Vec<f64>> {
    let wanted = count.checked_sub(1)?;
    if !(right > 0.0 && right.is_finite()) {
        return None;
    }
    let mut options = vec![right];
    let mut below = rank.min(wanted);
    let mut above = wanted - below;
    // First as the rank wants it; then, where one side has too few values, from the other side.
    for by_rank in [true, false] {
        for value in drawn.iter().filter(|value| **value > 0.0 && value.is_finite()) {
            if options.len() == count {
                break;
            }
            let left = if *value < right { &mut below } else { &mut above };
            if by_rank && *left == 0 || options.iter().any(|taken| !gap.separates(*taken, *value)) {
                continue;
            }
            *left = left.saturating_sub(1);
            options.push(*value);
        }
    }
    options.sort_unstable_by(f64::total_cmp);
    (options.len() == count).then_some(options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GAP: Gap = Gap { absolute: 0.3, relative: 0.25 };

    #[test]
    fn factors_fill_up_where_nothing_is_drawn() {
        assert_eq!(value_options(2.0, &ladder(2.0), 2, 4, GAP), Some(vec![1.0, 1.4, 2.0, 2.8]));
        assert_eq!(value_options(2.0, &ladder(2.0), 0, 4, GAP).map(|options| options[0]), Some(2.0));
    }

    #[test]
    fn no_room_below_is_filled_from_above() {
        assert_eq!(value_options(0.4, &[0.1, 0.7, 1.1, 1.6], 3, 4, GAP), Some(vec![0.1, 0.4, 0.7, 1.1]));
        for right in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(value_options(right, &[1.0, 2.0, 3.0], 1, 4, GAP), None);
        }
        assert_eq!(value_options(0.01, &ladder(0.01), 1, 4, GAP), None, "no factor is 0.3 away");
        assert_eq!(value_options(2.0, &[f64::NAN, f64::INFINITY, -1.0, 0.0, 9.0], 1, 4, GAP), None);
    }

    proptest! {
        #[test]
        fn options_are_apart_and_the_rank_holds(
            right in 3.0..8.0, drawn in prop::collection::vec(0.1..30.0, 300..400), rank in 0..4_usize
        ) {
            let options = value_options(right, &drawn, rank, 4, GAP).unwrap();
            for (a, b) in options.iter().zip(&options[1..]) {
                prop_assert!(GAP.separates(*a, *b), "{options:?}");
            }
            prop_assert_eq!(options.iter().position(|option| *option == right), Some(rank), "{:?}", options);
        }
    }
}
