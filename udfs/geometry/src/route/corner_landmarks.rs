//! Which landmarks a plan names at the turns of a route.

use crate::angle::{bearing, wrap_180};

/// For each turn of a route the one of its candidates that a plan names there, as an index. A reader of the plan thinks of straight lines from landmark to
/// landmark: of all choices that name no landmark twice it is the one where the line that misses its leg's direction most misses it least.
///
/// `stops` are the route's start, its turns and its end on the ground plan; `ends` the centres of the landmarks at its start and its end; `candidates` for
/// each turn landmarks beside it, a number that tells each from the others with its centre. Of equal choices it is the first one. `None` where a turn has
/// no candidate of its own. Every choice may be tried: n candidates at each of k turns are n^k.
///
/// ```
/// use spatialmill_geometry::route::corner_landmarks;
/// // North, then east. The landmark before the corner has the line to it lean to the left; the one at the corner is on the way.
/// let (stops, ends) = ([[0.0, 0.0], [0.0, 4.0], [4.0, 4.0]], [[0.0, -0.5], [4.5, 4.0]]);
/// let beside = vec![(7, [-1.0, 3.0]), (9, [0.0, 4.5])];
/// assert_eq!(corner_landmarks(&stops, ends, &[beside]), Some(vec![1]));
/// assert_eq!(corner_landmarks(&stops, ends, &[vec![]]), None);
/// ```
pub fn corner_landmarks(
    stops: &[[f64; 2]],
    ends: [[f64; 2]; 2],
    candidates: &[Vec<(usize, [f64; 2])>],
) -> Option<Vec<usize>> {
    let mut search = Search { stops, end: ends[1], candidates, chosen: Vec::new(), best: None };
    search.go_on(ends[0], 0.0);
    search.best.map(|(_, chosen)| chosen)
}

/// A depth-first search that leaves a choice as soon as a line of it misses its leg by more than the best choice's lines do.
struct Search<'a> {
    stops: &'a [[f64; 2]],
    end: [f64; 2],
    candidates: &'a [Vec<(usize, [f64; 2])>],
    /// Of the turns so far.
    chosen: Vec<usize>,
    best: Option<(f64, Vec<usize>)>,
}

impl Search<'_> {
    /// From a landmark, at or after the turns chosen so far, over lines that miss their legs by `missed` degrees at most.
    fn go_on(&mut self, from: [f64; 2], missed: f64) {
        let turn = self.chosen.len();
        let Some(candidates) = self.candidates.get(turn) else {
            let missed = missed.max(self.missed_by(turn, from, self.end));
            if self.best.as_ref().is_none_or(|(least, _)| missed < *least) {
                self.best = Some((missed, self.chosen.clone()));
            }
            return;
        };
        for (place, (landmark, centre)) in candidates.iter().enumerate() {
            let missed = missed.max(self.missed_by(turn, from, *centre));
            let named = self.chosen.iter().zip(self.candidates).any(|(place, others)| others[*place].0 == *landmark);
            if named || self.best.as_ref().is_some_and(|(least, _)| missed >= *least) {
                continue;
            }
            self.chosen.push(place);
            self.go_on(*centre, missed);
            self.chosen.pop();
        }
    }

    /// By how many degrees the line between two landmarks misses a leg's direction; as much as can be for a line or a leg without one.
    fn missed_by(&self, leg: usize, from: [f64; 2], to: [f64; 2]) -> f64 {
        let direction = |a: [f64; 2], b: [f64; 2]| bearing([b[0] - a[0], b[1] - a[1]]);
        let along = self.stops.get(leg).zip(self.stops.get(leg + 1)).and_then(|(a, b)| direction(*a, *b));
        along.zip(direction(from, to)).map_or(180.0, |(along, line)| wrap_180(line - along).abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_landmark_is_named_twice() {
        let (stops, ends) = ([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 2.0]], [[0.0, -0.5], [1.0, 2.5]]);
        let (first, second) = ((4, [0.0, 1.2]), (5, [1.2, 1.0]));
        assert_eq!(corner_landmarks(&stops, ends, &[vec![first, second], vec![first, second]]), Some(vec![0, 1]));
        assert_eq!(corner_landmarks(&stops, ends, &[vec![first], vec![first]]), None);
        assert_eq!(corner_landmarks(&stops[..2], ends, &[]), Some(vec![]));
    }

    proptest! {
        #[test]
        fn the_choice_is_that_of_trying_all(
            stops in proptest::collection::vec(prop::array::uniform2(-3.0..3.0f64), 4),
            ends in prop::array::uniform2(prop::array::uniform2(-3.0..3.0f64)),
            centres in proptest::collection::vec(prop::array::uniform2(-3.0..3.0f64), 5),
            beside in prop::array::uniform2(proptest::collection::vec(0usize..5, 0..4)),
        ) {
            let candidates = beside.map(|of| of.into_iter().map(|k| (k, centres[k])).collect::<Vec<_>>());
            let angle = |a: [f64; 2], b: [f64; 2]| (b[0] - a[0]).atan2(b[1] - a[1]).to_degrees();
            let missed = |line: [[f64; 2]; 2], leg: usize| {
                let off = (angle(line[0], line[1]) - angle(stops[leg], stops[leg + 1])).rem_euclid(360.0);
                off.min(360.0 - off)
            };
            let mut least: Option<f64> = None;
            for (a, one) in &candidates[0] {
                for (_, two) in candidates[1].iter().filter(|(b, _)| b != a) {
                    let most = missed([ends[0], *one], 0).max(missed([*one, *two], 1)).max(missed([*two, ends[1]], 2));
                    least = Some(least.map_or(most, |least| least.min(most)));
                }
            }
            let found = corner_landmarks(&stops, ends, &candidates).map(|chosen| {
                let [one, two] = [0, 1].map(|turn| candidates[turn][chosen[turn]].1);
                missed([ends[0], one], 0).max(missed([one, two], 1)).max(missed([two, ends[1]], 2))
            });
            prop_assert_eq!(found.is_some(), least.is_some());
            if let Some((found, least)) = found.zip(least) {
                prop_assert!((found - least).abs() < 1e-9, "{} {}", found, least);
            }
        }
    }
}
