//! Raking (iterative proportional fitting): strata with counts and wanted shares in, the keep rate of each stratum out.
//!
//! A stratum is a number of rows that are alike. A *margin* sorts strata into cells (the tasks, the sources, the answers to
//! one kind of question) and says which shares those cells are to have among each other. Strata that a margin does not
//! mention are none of its business.
//!
//! ```text
//!             yes    no                 wanted: yes = no, and kitchen = office
//! kitchen     600   200      ─►  rates  0.33  1.00      kept  200  200
//! office      200   200                 1.00  1.00            200  200
//! ```
//!
//! The method is raking (iterative proportional fitting, Deming and Stephan 1940) with rates that cannot exceed 1: margin
//! after margin, each cell's rates are multiplied by the one factor that gives it its share, until all margins agree. Among
//! all rates that meet the margins, raking finds those closest to keeping every row alike (in relative entropy), so a
//! stratum is thinned only for a margin that it belongs to. The number of kept rows is the largest for which it settles.
//!
//! A cell with very few rows could be balanced only by throwing almost everything else away. [`Rules::least_kept`] bounds
//! that: a cell that would push a margin below this share of its rows is taken out of that margin and kept whole instead.
//! Targets that contradict each other are met as nearly as raking gets; [`Balance::miss`] says how nearly.

/// Cells of strata and the shares that they are to have.
#[derive(Debug, Clone, PartialEq)]
pub struct Margin {
    pub cells: Vec<Cell>,
}

/// Strata that count together in a margin.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Indices of strata. No stratum is in two cells of a margin.
    pub strata: Vec<usize>,
    /// Relative to the other cells of the margin, so 1 and 1 is half each. 0 keeps nothing of the cell.
    pub target: f64,
}

/// Numbers that balancing goes by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// 0-1: no cell may push what is kept of its margin's rows below this share; it then misses its target.
    pub least_kept: f64,
}

impl Default for Rules {
    fn default() -> Self {
        Self { least_kept: 0.05 }
    }
}

/// How much of each stratum to keep.
#[derive(Debug, Clone, PartialEq)]
pub struct Balance {
    /// 0-1, one for each stratum.
    pub rates: Vec<f64>,
    /// The largest |kept / wanted - 1| over the cells that took part; at most [`TOLERANCE`] unless targets contradict.
    pub miss: f64,
}

/// So near to its target a cell must come: far below the chance error of drawing the rows.
pub const TOLERANCE: f64 = 1e-3;

/// Rates for strata of `counts` rows each. Sums of floats depend on their order, so strata and margins in another order give
/// rates that differ in their last digits; whoever needs the same bytes brings them in the same order.
///
/// ```
/// use spatialmill_geometry::balance::{Cell, Margin, Rules, keep_rates};
/// // 600 times yes, 200 times no: a third of the yeses is as many.
/// let cell = |stratum| Cell { strata: vec![stratum], target: 1.0 };
/// let balance = keep_rates(&[600, 200], &[Margin { cells: vec![cell(0), cell(1)] }], &Rules::default());
/// assert!((balance.rates[0] - 1.0 / 3.0).abs() < 1e-9 && balance.rates[1] == 1.0);
/// ```
pub fn keep_rates(counts: &[u64], margins: &[Margin], rules: &Rules) -> Balance {
    let least_kept = rules.least_kept.clamp(SMALLEST_SHARE, 1.0);
    let mut rows: Vec<f64> = counts.iter().map(|count| *count as f64).collect();
    let unwanted = margins.iter().flat_map(|m| &m.cells).filter(|c| c.target <= 0.0).flat_map(|c| &c.strata);
    let unwanted: Vec<usize> = unwanted.copied().filter(|stratum| *stratum < rows.len()).collect();
    unwanted.iter().for_each(|stratum| rows[*stratum] = 0.0);
    let margins: Vec<Shares> = margins.iter().filter_map(|margin| Shares::of(margin, &rows, least_kept)).collect();

    let mut best = rake(&rows, &margins, 1.0);
    if best.miss > TOLERANCE {
        // The margins do not allow so many rows together. Fewer rows are easier: look for the largest share that settles.
        let (mut low, mut high) = (least_kept, 1.0);
        best = rake(&rows, &margins, low);
        for _ in 0..HALVINGS {
            if best.miss > TOLERANCE {
                break;
            }
            let middle = 0.5 * (low + high);
            let tried = rake(&rows, &margins, middle);
            if tried.miss <= TOLERANCE {
                (low, best) = (middle, tried);
            } else {
                high = middle;
            }
        }
    }
    unwanted.iter().for_each(|stratum| best.rates[*stratum] = 0.0);
    best
}

/// No rate starts below this, so that a product of factors stays far from 0.
const SMALLEST_SHARE: f64 = 1e-6;

/// The share that settles is found to 1 in 2^12.
const HALVINGS: usize = 12;

/// Raking that settles does so in tens of cycles; contradicting targets never do.
const CYCLES: usize = 300;

/// A margin without the cells that cannot have their share.
struct Shares {
    /// Strata of a cell that have rows, and the cell's share; shares add up to 1.
    cells: Vec<(Vec<usize>, f64)>,
    /// So many rows can be kept with these shares.
    most: f64,
}

impl Shares {
    /// `None` when fewer than two cells are left to be compared.
    fn of(margin: &Margin, rows: &[f64], least_kept: f64) -> Option<Self> {
        let has_rows = |stratum: &usize| rows.get(*stratum).is_some_and(|rows| *rows > 0.0);
        let mut cells: Vec<(Vec<usize>, f64)> = Vec::new();
        for cell in margin.cells.iter().filter(|cell| cell.target > 0.0 && cell.target.is_finite()) {
            let strata: Vec<usize> = cell.strata.iter().copied().filter(has_rows).collect();
            if !strata.is_empty() {
                cells.push((strata, cell.target));
            }
        }
        let size = |strata: &[usize]| strata.iter().map(|stratum| rows[*stratum]).sum::<f64>();
        // Scarcest first from the end: each cell that goes makes the others' shares larger, and itself is kept whole.
        cells.sort_by(|a, b| (size(&b.0) / b.1).total_cmp(&(size(&a.0) / a.1)));
        loop {
            let (scarcest, target) = cells.last()?;
            let targets: f64 = cells.iter().map(|cell| cell.1).sum();
            let most = size(scarcest) / target * targets;
            if most >= least_kept * cells.iter().map(|cell| size(&cell.0)).sum::<f64>() {
                cells.iter_mut().for_each(|cell| cell.1 /= targets);
                return (cells.len() > 1).then_some(Self { cells, most });
            }
            cells.pop();
        }
    }
}

/// Rates that start at `share` and meet the margins as nearly as some cycles get them.
fn rake(rows: &[f64], margins: &[Shares], share: f64) -> Balance {
    // Beyond 1 a factor says how far the rate is held down by its bound.
    let mut factors = vec![1.0; rows.len()];
    for stratum in margins.iter().flat_map(|margin| &margin.cells).flat_map(|cell| &cell.0) {
        factors[*stratum] = share;
    }
    let kept = |strata: &[usize], factors: &[f64]| strata.iter().map(|s| rows[*s] * factors[*s].min(1.0)).sum::<f64>();
    let wanted = |margin: &Shares, factors: &[f64]| {
        margin.cells.iter().map(|cell| kept(&cell.0, factors)).sum::<f64>().min(margin.most)
    };
    let mut miss = 0.0;
    for _ in 0..CYCLES {
        for margin in margins {
            let wanted = wanted(margin, &factors);
            for (strata, share) in &margin.cells {
                let by = factor(rows, &factors, strata, wanted * share);
                strata.iter().for_each(|s| factors[*s] = (factors[*s] * by).clamp(1e-100, 1e100));
            }
        }
        miss = 0.0;
        for margin in margins {
            let wanted = wanted(margin, &factors);
            for (strata, share) in &margin.cells {
                miss = f64::max(miss, (kept(strata, &factors) / (wanted * share) - 1.0).abs());
            }
        }
        if miss <= TOLERANCE {
            break;
        }
    }
    Balance { rates: factors.into_iter().map(|factor| factor.min(1.0)).collect(), miss }
}

/// The number that multiplies the factors of `strata` so that `wanted` of their rows are kept.
///
/// What is kept grows with that number along a bent line that gets flatter, so Newton's steps from below never overshoot and
/// end after as many bends as there are strata at most.
fn factor(rows: &[f64], factors: &[f64], strata: &[usize], wanted: f64) -> f64 {
    let all_rows: f64 = strata.iter().map(|s| rows[*s]).sum();
    let smallest = strata.iter().map(|s| factors[*s]).fold(f64::INFINITY, f64::min);
    if wanted >= all_rows {
        return 1.0 / smallest;
    }
    let mut by = 0.0;
    loop {
        let (mut bound, mut free) = (0.0, 0.0);
        for s in strata {
            if factors[*s] * by >= 1.0 {
                bound += rows[*s];
            } else {
                free += rows[*s] * factors[*s];
            }
        }
        let next = (wanted - bound) / free;
        // Nothing is free, and `next` is no number, or the line was straight.
        if next.is_nan() || next <= by {
            return by;
        }
        by = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn margin(cells: &[(&[usize], f64)]) -> Margin {
        Margin {
            cells: cells.iter().map(|(strata, target)| Cell { strata: strata.to_vec(), target: *target }).collect(),
        }
    }

    fn check(counts: &[u64], margins: &[Margin], expected: &[f64]) {
        let balance = keep_rates(counts, margins, &Rules::default());
        let near = |(a, b): (&f64, &f64)| (a - b).abs() < 2e-3;
        assert!(balance.rates.iter().zip(expected).all(near), "{balance:?}, expected {expected:?}");
        assert!(balance.miss <= TOLERANCE, "{balance:?}");
    }

    #[test]
    fn without_margins_all_is_kept() {
        check(&[5, 0, 7], &[], &[1.0, 1.0, 1.0]);
    }

    #[test]
    fn shares_are_relative_to_each_other() {
        // 2 : 1 of 300 and 300; the third stratum is not mentioned.
        check(&[300, 300, 999], &[margin(&[(&[0], 0.6), (&[1], 0.3)])], &[1.0, 0.5, 1.0]);
    }

    #[test]
    fn two_margins_of_a_table() {
        // Yes = no and kitchen = office. By hand: kitchen a yes, 200 no; office 200 yes, b no; a + 200 = 200 + b.
        let by_answer = margin(&[(&[0, 2], 1.0), (&[1, 3], 1.0)]);
        let by_source = margin(&[(&[0, 1], 1.0), (&[2, 3], 1.0)]);
        check(&[600, 200, 200, 200], &[by_answer, by_source], &[1.0 / 3.0, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn margins_of_parts_do_not_meet() {
        let margins = [margin(&[(&[0], 1.0), (&[1], 1.0)]), margin(&[(&[2], 1.0), (&[3], 3.0)])];
        check(&[100, 50, 90, 90], &margins, &[0.5, 1.0, 1.0 / 3.0, 1.0]);
    }

    #[test]
    fn a_scarce_cell_is_kept_whole_and_not_waited_for() {
        let thirds = margin(&[(&[0], 1.0), (&[1], 1.0), (&[2], 1.0)]);
        check(&[100_000, 50_000, 3], &[thirds], &[0.5, 1.0, 1.0]);
    }

    #[test]
    fn a_target_of_nothing_keeps_nothing() {
        check(&[100, 100, 50], &[margin(&[(&[0], 0.0), (&[1], 1.0), (&[2], 1.0)])], &[0.0, 0.5, 1.0]);
    }

    #[test]
    fn contradicting_targets_are_met_as_nearly_as_can_be() {
        // All of task 0 is from source 0, all of task 1 from source 1; the shares cannot differ.
        let by_task = margin(&[(&[0], 9.0), (&[1], 1.0)]);
        let by_source = margin(&[(&[0], 1.0), (&[1], 1.0)]);
        let balance = keep_rates(&[100, 100], &[by_task, by_source], &Rules::default());
        assert!(balance.miss > TOLERANCE && balance.rates.iter().all(|rate| (0.0..=1.0).contains(rate)), "{balance:?}");
    }

    #[test]
    fn nonsense_makes_no_nonsense() {
        let odd = margin(&[(&[0, 7], f64::NAN), (&[1], f64::INFINITY), (&[2], -1.0), (&[], 1.0)]);
        let balance = keep_rates(&[1, 0, u64::MAX], &[odd], &Rules { least_kept: 2.0 });
        assert_eq!(balance.rates, [1.0, 1.0, 0.0]);
        assert_eq!(keep_rates(&[], &[], &Rules::default()).rates, [0.0; 0]);
    }

    proptest! {
        /// Two crossed margins with every combination filled can always be met.
        #[test]
        fn margins_are_met_and_rates_are_rates(
            counts in prop::collection::vec(20u64..2000, 12),
            rows in prop::array::uniform3(1.0..4.0f64),
            columns in prop::array::uniform4(1.0..4.0f64),
        ) {
            let cells = |n: usize, of: fn(usize) -> usize, targets: &[f64]| Margin {
                cells: (0..n)
                    .map(|k| Cell { strata: (0..12).filter(|s| of(*s) == k).collect(), target: targets[k] })
                    .collect(),
            };
            let margins = [cells(3, |s| s / 4, &rows), cells(4, |s| s % 4, &columns)];
            let Balance { rates, miss } = keep_rates(&counts, &margins, &Rules { least_kept: 1e-3 });
            prop_assert!(miss <= TOLERANCE, "{miss}");
            prop_assert!(rates.iter().all(|rate| (0.0..=1.0).contains(rate)));
            for margin in &margins {
                let kept: Vec<f64> =
                    margin.cells.iter().map(|cell| cell.strata.iter().map(|s| counts[*s] as f64 * rates[*s]).sum()).collect();
                for (a, b) in kept.iter().zip(&margin.cells).zip(kept.iter().zip(&margin.cells).skip(1)).map(|(a, b)| {
                    (a.0 / a.1.target, b.0 / b.1.target)
                }) {
                    prop_assert!((a / b - 1.0).abs() < 3.0 * TOLERANCE, "{kept:?}");
                }
            }
            // Nothing could be kept more of by scaling alone.
            prop_assert!(rates.iter().any(|rate| *rate > 0.995), "{rates:?}");
        }

        #[test]
        fn one_margin_keeps_the_most_that_its_scarcest_cell_allows(counts in prop::collection::vec(1u64..1000, 2..8)) {
            let cells = (0..counts.len()).map(|s| Cell { strata: vec![s], target: 1.0 }).collect();
            let Balance { rates, .. } = keep_rates(&counts, &[Margin { cells }], &Rules { least_kept: 0.0 });
            let least = *counts.iter().min().expect("two or more") as f64;
            for (rate, count) in rates.iter().zip(&counts) {
                prop_assert!((rate * *count as f64 - least).abs() < 1e-6 * least);
            }
        }

        #[test]
        fn hostile_margins_end_with_rates(
            counts in prop::collection::vec(any::<u64>(), 0..6),
            margins in prop::collection::vec(prop::collection::vec((prop::collection::vec(0usize..8, 0..4), any::<f64>()), 0..4), 0..4),
        ) {
            let margins: Vec<Margin> = margins
                .into_iter()
                .map(|cells| Margin { cells: cells.into_iter().map(|(strata, target)| Cell { strata, target }).collect() })
                .collect();
            let Balance { rates, miss } = keep_rates(&counts, &margins, &Rules::default());
            prop_assert!(rates.len() == counts.len() && rates.iter().all(|rate| (0.0..=1.0).contains(rate)) && !miss.is_nan());
        }
    }
}
