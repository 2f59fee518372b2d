//! Debiasing by name: what share to keep of each of two opposite facts, so that the names in a question do not predict which one holds.
//!
//! "Is there a picture above the table?" is answered without a look where pictures are above tables. So, of the facts on an axis about
//! a category and a reference, as many are kept of the one relation as of the other; and the same for the category whatever the
//! reference, and for the reference whatever the category, because either word alone must tell nothing, too.
//!
//! The method is raking with what is scarcer as the target: cell after cell the more frequent side is thinned to as much as the other
//! has, and `SPARE` more, until no cell has to be thinned. Shares only ever fall, so it ends.

use std::collections::BTreeMap;

/// So many facts more than the scarcer side has: a single fact need not go because there is none like it.
const SPARE: f64 = 1.0;

/// Thinning that has not ended by then goes on by less than can be seen.
const CYCLES: usize = 100;

/// A number of facts that are alike: which cells they belong to, and which of the two opposite relations holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts<Cell> {
    pub cells: Vec<Cell>,
    /// The first of the axis' two relations, or the other.
    pub first: bool,
    pub n: u64,
}

/// What share to keep of each, 0-1. Sums of floats depend on their order: the same order gives the same shares.
///
/// ```
/// use spatialmill_geometry::debias::{Facts, debias_rates};
/// let facts = |first, n| Facts { cells: vec!["picture"], first, n };
/// assert_eq!(debias_rates(&[facts(true, 9), facts(false, 3)]), [4.0 / 9.0, 1.0]);
/// ```
pub fn debias_rates<Cell: Ord + Clone>(facts: &[Facts<Cell>]) -> Vec<f64> {
    let mut by_cell: BTreeMap<&Cell, Vec<usize>> = BTreeMap::new();
    for (index, fact) in facts.iter().enumerate() {
        for cell in &fact.cells {
            by_cell.entry(cell).or_default().push(index);
        }
    }
    let mut kept: Vec<f64> = facts.iter().map(|fact| fact.n as f64).collect();
    for _ in 0..CYCLES {
        let mut most = 0.0f64;
        for members in by_cell.values() {
            let side = |first: bool| -> f64 {
                members.iter().filter(|index| facts[**index].first == first).map(|index| kept[*index]).sum()
            };
            let (first, second) = (side(true), side(false));
            let (more, fewer, is_first) = if first > second { (first, second, true) } else { (second, first, false) };
            let wanted = fewer + SPARE;
            if more > wanted {
                most = most.max(more - wanted);
                for index in members.iter().filter(|index| facts[**index].first == is_first) {
                    kept[*index] *= wanted / more;
                }
            }
        }
        if most < 1e-3 {
            break;
        }
    }
    facts.iter().zip(kept).map(|(fact, kept)| if fact.n == 0 { 1.0 } else { (kept / fact.n as f64).min(1.0) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_tells_the_side() {
        // Pictures are above everything; cups and lamps are either, but not above each other.
        let things = [
            (["picture", "table"], true, 40),
            (["picture", "chair"], true, 30),
            (["cup", "lamp"], true, 30),
            (["cup", "lamp"], false, 5),
            (["cup", "chair"], false, 25),
            (["lamp", "chair"], true, 12),
            (["lamp", "chair"], false, 10),
        ];
        let facts: Vec<Facts<String>> = things
            .iter()
            .map(|([kind, other], first, n)| Facts {
                cells: vec![format!("{kind}+{other}"), format!("{kind}+"), format!("+{other}")],
                first: *first,
                n: *n,
            })
            .collect();
        let shares = debias_rates(&facts);
        for cell in ["picture+", "cup+", "lamp+", "cup+lamp", "+chair", "+table"] {
            let side = |first: bool| -> f64 {
                facts
                    .iter()
                    .zip(&shares)
                    .filter(|(fact, _)| fact.first == first && fact.cells.iter().any(|known| known == cell))
                    .map(|(fact, share)| fact.n as f64 * share)
                    .sum()
            };
            assert!((side(true) - side(false)).abs() <= SPARE + 0.01, "{cell}: {} {}", side(true), side(false));
        }
        assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)));
        assert!(shares[5] > 0.5, "what tells nothing is kept: {shares:?}");
    }

    #[test]
    fn nothing_is_nothing() {
        assert_eq!(debias_rates::<String>(&[]), [0.0; 0]);
        assert_eq!(debias_rates(&[Facts { cells: vec![1], first: true, n: 0 }]), [1.0]);
    }
}
