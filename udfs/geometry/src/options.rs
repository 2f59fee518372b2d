//! Distractors of a multiple-choice number question, such that nothing about the numbers says which of them is right.
//!
//! Counts are far from evenly spread: most rooms have one sofa. Whoever sees the options 1, 2, 3 and 4 says 1 and is right, if the
//! others are merely numbers nearby. So the options are drawn by how often each number is right. Lay the numbers out along a circle,
//! each on an arc as long as it is often right; take the place of the right one, anywhere on its arc, and the three places a
//! quarter, a half and three quarters of the circle further on:
//!
//! ```text
//!        0     1   ·    2   · 3 · 4 5       four places a quarter apart: here 0, 1, 2 and 4
//!    ──────x─────────x─────────x─────────x──
//! ```
//!
//! Any of those four could have been the one that the other three were found from, and all equally often. So of any four options
//! that are offered together each is right in a quarter of the cases: the least, the largest, the second, 1 where it is offered.
//! An arc longer than a quarter cannot be spread like this; what balances the counts keeps it shorter where there are enough others.
//!
//! Where fewer than four numbers are ever right, the nearest others fill up, and the options are always the same four: then which of them is
//! right can be guessed from what is usual, and from nothing else.

/// How many options there are.
const OPTIONS: usize = 4;

/// Four different numbers in ascending order, `right` among them. `place` is uniform in [0, 1). `often` says how often each number
/// is right, relative to the others; numbers may come in any order. Where this one is said never to be right, the options are four in a row,
/// and `place` says where the row starts.
///
/// ```
/// use spatialmill_geometry::options::numbers_to_choose_from;
/// let often = [(0, 100), (1, 100), (2, 100), (3, 60), (4, 40)];
/// assert_eq!(numbers_to_choose_from(0, 0.1, &often), [0, 1, 2, 3]);
/// assert_eq!(numbers_to_choose_from(0, 0.9, &often), [0, 1, 2, 4]);
/// ```
pub fn numbers_to_choose_from(right: u64, place: f64, often: &[(u64, u64)]) -> [u64; OPTIONS] {
    on_the_circle(right, place, often).unwrap_or_else(|| in_a_row(right, place))
}

fn on_the_circle(right: u64, place: f64, often: &[(u64, u64)]) -> Option<[u64; OPTIONS]> {
    let mut arcs: Vec<(u64, u128)> = Vec::with_capacity(often.len());
    for &(number, times) in often.iter().filter(|(_, times)| *times > 0) {
        // So that a quarter of the circle, or a third of what is left of it, is a whole number.
        let arc = u128::from(times) * 12;
        match arcs.iter_mut().find(|(known, _)| *known == number) {
            Some((_, known)) => *known += arc,
            None => arcs.push((number, arc)),
        }
    }
    fill_up(&mut arcs);
    arcs.sort_unstable();
    let quarter = quarter_of(&arcs)?;
    let mut start = 0;
    let mut laid = Vec::with_capacity(arcs.len());
    for (number, arc) in arcs {
        let end = start + arc.min(quarter);
        laid.push((number, start, end));
        start = end;
    }
    let (_, start, end) = *laid.iter().find(|(number, ..)| *number == right)?;
    let at = start + ((end - start) as f64 * place.clamp(0.0, 1.0)) as u128;
    let at = at.min(end - 1);
    let mut options = [0; OPTIONS];
    for (turn, option) in options.iter_mut().enumerate() {
        let at = (at % quarter) + quarter * turn as u128;
        *option = laid.iter().find(|(_, _, end)| at < *end)?.0;
    }
    Some(options)
}

/// Gives arcs to numbers that are never right where fewer than four are: from just below the least one up.
fn fill_up(arcs: &mut Vec<(u64, u128)>) {
    let Some((least, shortest)) = arcs.iter().copied().reduce(|a, b| (a.0.min(b.0), a.1.min(b.1))) else { return };
    let mut next = least.saturating_sub(1);
    while arcs.len() < OPTIONS {
        if arcs.iter().all(|(number, _)| *number != next) {
            arcs.push((next, shortest));
        }
        next += 1;
    }
}

/// The longest arc that four numbers can each have a quarter of the circle of: arcs above it are cut down to it. Whatever the cut,
/// the circle is four times as long.
fn quarter_of(arcs: &[(u64, u128)]) -> Option<u128> {
    if arcs.len() < OPTIONS {
        return None;
    }
    let mut lengths: Vec<u128> = arcs.iter().map(|(_, arc)| *arc).collect();
    lengths.sort_unstable_by(|a, b| b.cmp(a));
    (0..OPTIONS).find_map(|cut| {
        let rest: u128 = lengths[cut..].iter().sum();
        let quarter = rest / (OPTIONS - cut) as u128;
        (lengths[cut] <= quarter).then_some(quarter)
    })
}

fn in_a_row(right: u64, place: f64) -> [u64; OPTIONS] {
    let most_below = right.min(OPTIONS as u64 - 1);
    let below = ((place.clamp(0.0, 1.0) * (most_below + 1) as f64) as u64).min(most_below);
    [0, 1, 2, 3].map(|step| right - below + step)
}

/// How large a share of the times that each number is right to keep, so that none of them is right more often than in `most` of what
/// is kept. Where that would keep less than `least_kept` of all, more is allowed: a set that is nearly all ones cannot be
/// balanced without throwing nearly all of it away.
///
/// ```
/// use spatialmill_geometry::options::capped;
/// assert_eq!(capped(&[600, 200, 100, 100], 0.4, 0.05), [400.0 / 1.5, 200.0, 100.0, 100.0]);
/// ```
pub fn capped(times: &[u64], most: f64, least_kept: f64) -> Vec<f64> {
    let all: f64 = times.iter().map(|n| *n as f64).sum();
    let mut sizes: Vec<f64> = times.iter().map(|n| *n as f64).filter(|n| *n > 0.0).collect();
    sizes.sort_unstable_by(|a, b| b.total_cmp(a));
    let mut most = most.clamp(1e-3, 1.0).max(1.0 / sizes.len().max(1) as f64);
    let limit = loop {
        // With the `cut` largest cut down to it, each has the share `most` of what is kept.
        let limit = (0..=sizes.len()).find_map(|cut| {
            let rest: f64 = sizes[cut..].iter().sum();
            let left = 1.0 - most * cut as f64;
            let limit = if left > 1e-9 { most * rest / left } else { sizes.get(cut).copied().unwrap_or(f64::MAX) };
            let largest_left = sizes.get(cut).copied().unwrap_or(0.0);
            (largest_left <= limit * (1.0 + 1e-12)).then_some(limit)
        });
        let limit = limit.unwrap_or(f64::MAX);
        let kept: f64 = sizes.iter().map(|size| size.min(limit)).sum();
        if kept >= least_kept * all || most >= 1.0 {
            break limit;
        }
        most = (most * 1.1).min(1.0);
    };
    times.iter().map(|n| (*n as f64).min(limit)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// How often each option of each set is right, when numbers are right as often as `often` says.
    fn right_of_sets(often: &[(u64, u64)]) -> BTreeMap<[u64; 4], BTreeMap<u64, usize>> {
        let mut sets: BTreeMap<_, BTreeMap<u64, usize>> = BTreeMap::new();
        for &(right, times) in often {
            for draw in 0..times {
                let options = numbers_to_choose_from(right, (draw as f64 + 0.5) / times as f64, often);
                *sets.entry(options).or_default().entry(right).or_default() += 1;
            }
        }
        sets
    }

    #[test]
    fn each_option_of_a_set_is_right_equally_often() {
        let often = [(0, 1000), (1, 1000), (2, 900), (3, 500), (4, 350), (5, 200), (7, 50)];
        let sets = right_of_sets(&often);
        assert!(sets.len() > 3, "{sets:?}");
        for (set, right) in sets {
            let all: usize = right.values().sum();
            for option in set {
                let n = right.get(&option).copied().unwrap_or(0);
                assert!((n as f64 - all as f64 / 4.0).abs() <= 2.0, "{set:?}: {right:?}");
            }
        }
    }

    #[test]
    fn few_numbers_are_always_offered_with_the_same_others() {
        for place in [0.0, 0.3, 0.99] {
            assert_eq!(numbers_to_choose_from(1, place, &[(1, 5), (2, 9)]), [0, 1, 2, 3]);
            assert_eq!(numbers_to_choose_from(0, place, &[(2, 7), (1, 5), (0, 9)]), [0, 1, 2, 3]);
            assert_eq!(numbers_to_choose_from(9, place, &[(9, 1), (5, 2)]), [4, 5, 6, 9]);
        }
    }

    #[test]
    fn a_number_that_is_never_right_is_offered_in_a_row() {
        assert_eq!(numbers_to_choose_from(1, 0.99, &[]), [0, 1, 2, 3]);
        assert_eq!(numbers_to_choose_from(9, 0.99, &[(1, 5), (2, 5), (3, 1), (4, 1)]), [6, 7, 8, 9]);
    }

    #[test]
    fn a_share_is_capped_and_nearly_nothing_is_not_all_there_is() {
        let close = |a: &[f64], b: &[f64]| assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6), "{a:?} {b:?}");
        close(&capped(&[300, 300, 300], 0.25, 0.05), &[300.0, 300.0, 300.0]);
        close(&capped(&[1000, 300, 100, 40, 10], 0.25, 0.05), &[50.0, 50.0, 50.0, 40.0, 10.0]);
        close(&capped(&[], 0.25, 0.05), &[]);
        let kept = capped(&[100_000, 10, 5, 1], 0.25, 0.05);
        assert!(kept.iter().sum::<f64>() >= 0.05 * 100_016.0, "{kept:?}");
    }

    proptest! {
        #[test]
        fn four_different_numbers_and_the_right_one_among_them(
            right in 0u64..40,
            place in -0.5..1.5f64,
            often in prop::collection::vec((0u64..40, 0u64..1000), 0..12),
        ) {
            let options = numbers_to_choose_from(right, place, &often);
            prop_assert!(options.contains(&right), "{options:?}");
            prop_assert!(options.windows(2).all(|pair| pair[0] < pair[1]), "{options:?}");
        }

        #[test]
        fn no_share_is_above_the_cap_unless_little_would_be_left(times in prop::collection::vec(0u64..1000, 4..9)) {
            let kept = capped(&times, 0.3, 0.0);
            let all: f64 = kept.iter().sum();
            let different = times.iter().filter(|n| **n > 0).count();
            let most = 0.3f64.max(1.0 / different.max(1) as f64);
            prop_assert!(kept.iter().all(|n| *n <= most * all * (1.0 + 1e-6) + 1e-9), "{kept:?}");
            prop_assert!(kept.iter().zip(&times).all(|(kept, n)| *kept <= *n as f64));
        }
    }
}
