//! Ways over a navigation graph, such as R2R's: its viewpoints, and the links between those that one can walk straight from one to the other.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Places by their index, and what leads from each to others.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RouteGraph {
    /// Of each place the places that it leads to, and how far away they are, metres.
    links: Vec<Vec<(usize, f64)>>,
}

/// The shortest way from one place to another.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphPath {
    /// Both ends and all that is between.
    pub places: Vec<usize>,
    /// Metres.
    pub length: f64,
}

impl RouteGraph {
    /// A graph of so many places. Links without a length (R2R has some between panoramas at one place) lead nowhere, and neither do those
    /// of places that are not there.
    pub fn new(places: usize, links: impl IntoIterator<Item = (usize, usize, f64)>) -> Self {
        let mut graph = Self { links: vec![Vec::new(); places] };
        for (from, to, length) in links {
            if from < places && to < places && from != to && length.is_finite() && length > 0.0 {
                graph.links[from].push((to, length));
            }
        }
        graph
    }

    /// The shortest ways from a place to all others (Dijkstra 1959), by their index; `None` for those that it does not lead to, and for
    /// itself. Of ways that are equally long it is always the same one.
    ///
    /// ```
    /// use spatialmill_geometry::route::RouteGraph;
    /// // A square with one diagonal, and a place that nothing leads to.
    /// let sides = [(0, 1, 1.0), (1, 2, 1.0), (2, 3, 1.0), (3, 0, 1.0), (0, 2, 1.4)];
    /// let graph = RouteGraph::new(5, sides.into_iter().flat_map(|(a, b, length)| [(a, b, length), (b, a, length)]));
    /// let paths = graph.paths_from(0);
    /// assert_eq!(paths[2].as_ref().unwrap().places, [0, 2]);
    /// assert_eq!((paths[3].as_ref().unwrap().length, &paths[0], &paths[4]), (1.0, &None, &None));
    /// ```
    pub fn paths_from(&self, from: usize) -> Vec<Option<GraphPath>> {
        let count = self.links.len();
        let mut reached: Vec<Option<(f64, usize)>> = vec![None; count];
        let mut done = vec![false; count];
        let mut queue = BinaryHeap::new();
        if from < count {
            queue.push(Reverse(Step { length: 0.0, place: from, before: from }));
        }
        while let Some(Reverse(Step { length, place, before })) = queue.pop() {
            if std::mem::replace(&mut done[place], true) {
                continue;
            }
            reached[place] = Some((length, before));
            for (next, far) in &self.links[place] {
                if !done[*next] {
                    queue.push(Reverse(Step { length: length + far, place: *next, before: place }));
                }
            }
        }
        let path = |to: usize| {
            let (length, _) = reached[to].filter(|_| to != from)?;
            let mut places = vec![to];
            while let Some((_, before)) = places.last().filter(|at| **at != from).and_then(|at| reached[*at]) {
                places.push(before);
            }
            places.reverse();
            Some(GraphPath { places, length })
        };
        (0..count).map(path).collect()
    }
}

/// The nearest place first; of equals the lower index, from the lower one.
#[derive(Debug, Clone, Copy)]
struct Step {
    length: f64,
    place: usize,
    before: usize,
}

impl PartialEq for Step {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Step {}

impl PartialOrd for Step {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Step {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let by_length = self.length.total_cmp(&other.length);
        by_length.then(self.place.cmp(&other.place)).then(self.before.cmp(&other.before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn links_that_lead_nowhere_are_left_out() {
        let graph = RouteGraph::new(
            2,
            [(0, 1, 0.0), (1, 1, 2.0), (0, 7, 1.0), (9, 0, 1.0), (1, 0, f64::NAN), (1, 0, f64::INFINITY)],
        );
        assert_eq!((graph.paths_from(0), graph.paths_from(1)), (vec![None, None], vec![None, None]));
        assert_eq!(graph.paths_from(5), [None, None], "from nowhere");
    }

    proptest! {
        /// Each way is as long as its links, and none is shorter: Floyd and Warshall's algorithm finds the same lengths.
        #[test]
        fn no_way_is_shorter(links in prop::collection::vec((0_usize..7, 0_usize..7, 0.1..9.0_f64), 0..24)) {
            let graph = RouteGraph::new(7, links.iter().copied());
            let mut least = [[f64::INFINITY; 7]; 7];
            for (from, to, length) in &links {
                least[*from][*to] = least[*from][*to].min(*length);
            }
            let direct = least;
            let all = || 0..7_usize;
            for via in all() {
                for from in all() {
                    for to in all() {
                        least[from][to] = least[from][to].min(least[from][via] + least[via][to]);
                    }
                }
            }
            for from in all() {
                for (to, path) in graph.paths_from(from).into_iter().enumerate().filter(|(to, _)| *to != from) {
                    prop_assert_eq!(path.is_some(), least[from][to].is_finite());
                    if let Some(path) = path {
                        let sum: f64 = path.places.windows(2).map(|pair| direct[pair[0]][pair[1]]).sum();
                        prop_assert!((path.length - least[from][to]).abs() < 1e-9 && (sum - path.length).abs() < 1e-9);
                        prop_assert_eq!((path.places.first(), path.places.last()), (Some(&from), Some(&to)));
                    }
                }
            }
        }
    }
}
