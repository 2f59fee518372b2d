//! The fewest frames of a scene that together show all objects of a question.

use std::collections::HashSet;
use std::hash::Hash;

/// The indices, in ascending order, of frames that together show every object that any of them shows: a greedy set cover, of which ties go to the
/// earlier frame. Where they are fewer than `least`, they are filled up with others, evenly spread over those that are left.
///
/// `shown` is a frame's objects, frame by frame in the order of the scan.
pub fn covering<T: Eq + Hash>(shown: &[Vec<T>], least: usize) -> Vec<usize> {
    let mut missing: HashSet<&T> = shown.iter().flatten().collect();
    let mut chosen = vec![false; shown.len()];
    while !missing.is_empty() {
        let gain = |frame: &usize| shown[*frame].iter().collect::<HashSet<_>>().intersection(&missing).count();
        // The first of those with the largest gain.
        let Some(best) = (0..shown.len()).rev().max_by_key(gain) else { break };
        chosen[best] = true;
        shown[best].iter().for_each(|object| {
            missing.remove(object);
        });
    }
    let left: Vec<usize> = (0..shown.len()).filter(|frame| !chosen[*frame]).collect();
    let wanted = least.saturating_sub(shown.len() - left.len()).min(left.len());
    for place in 0..wanted {
        // The middles of `wanted` equal stretches.
        chosen[left[(2 * place + 1) * left.len() / (2 * wanted)]] = true;
    }
    (0..shown.len()).filter(|frame| chosen[*frame]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_frames_show_everything_and_others_fill_up() {
        let shown: Vec<Vec<&str>> =
            vec![vec!["bed"], vec![], vec!["bed", "desk"], vec!["desk", "lamp"], vec!["lamp"], vec![], vec![]];
        assert_eq!(covering(&shown, 0), [2, 3]);
        assert_eq!(covering(&shown, 4), [1, 2, 3, 5]);
        assert_eq!(covering(&shown, 99), [0, 1, 2, 3, 4, 5, 6]);
        // An object that is named twice counts once.
        assert_eq!(covering(&[vec!["bed", "bed"], vec!["bed", "desk"]], 0), [1]);
        assert_eq!(covering::<&str>(&[], 8), [0; 0]);
    }

    #[test]
    fn a_cover_is_as_small_as_any_where_a_small_one_is_found_by_trying_all() {
        // Six frames of up to three of five objects, from a fixed sequence; brute force over all subsets.
        let mut state = 7_u64;
        let mut next = |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % n
        };
        for _ in 0..200 {
            let shown: Vec<Vec<u64>> = (0..6).map(|_| (0..next(4)).map(|_| next(5)).collect()).collect();
            let all: HashSet<u64> = shown.iter().flatten().copied().collect();
            let covers = |frames: &[usize]| {
                frames.iter().flat_map(|frame| &shown[*frame]).copied().collect::<HashSet<_>>() == all
            };
            let found = covering(&shown, 0);
            assert!(covers(&found), "{shown:?}: {found:?}");
            let smallest = (0..64_usize)
                .map(|subset| (0..6).filter(|frame| subset >> frame & 1 == 1).collect::<Vec<_>>())
                .filter(|subset| covers(subset))
                .map(|subset| subset.len())
                .min()
                .unwrap();
            // Greedy covers of five objects need at most one more.
            assert!(found.len() <= smallest + 1, "{shown:?}: {found:?} and {smallest}");
        }
    }
}
