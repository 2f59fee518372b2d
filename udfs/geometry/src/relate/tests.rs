//! What the relations promise: a hand-worked scene, the declared algebra on random frames, and a naive twin of the loops.

use proptest::prelude::*;

use super::*;

/// Centre and extent; a box, so low and nearest follow.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Thing {
    centre: [f64; 3],
    extent: [f64; 3],
}

impl Thing {
    fn low(&self, axis: usize) -> f64 {
        self.centre[axis] - 0.5 * self.extent[axis]
    }
}

/// A fact by names: subject, relation, object, value, margin, overlap, agrees.
type Named = (usize, &'static str, usize, f64, f64, f64, bool);

/// The facts of all ordered pairs of things.
fn relate(things: &[Thing]) -> Vec<Named> {
    let pairs: Vec<(usize, usize)> =
        (0..things.len()).flat_map(|i| (0..things.len()).filter(move |&j| j != i).map(move |j| (i, j))).collect();
    let subjects: Vec<Thing> = pairs.iter().map(|&(i, _)| things[i]).collect();
    let objects: Vec<Thing> = pairs.iter().map(|&(_, j)| things[j]).collect();
    with_objects(&subjects, |subjects| {
        with_objects(&objects, |objects| {
            let all =
                pairs.iter().enumerate().flat_map(|(row, pair)| (0..AXES.len()).map(move |axis| (row, pair, axis)));
            all.filter_map(|(row, &(subject, object), axis)| {
                let Fact { relation, value, margin, overlap, agrees } = fact(axis, subjects, objects, row)?;
                Some((subject, RELATIONS[relation].name, object, value, margin, overlap, agrees))
            })
            .collect()
        })
    })
}

fn with_objects<T>(things: &[Thing], f: impl FnOnce(&Objects) -> T) -> T {
    let column = |of: &dyn Fn(&Thing) -> f64| things.iter().map(of).collect::<Vec<f64>>();
    let centre = [0, 1, 2].map(|axis| column(&|thing| thing.centre[axis]));
    let extent = [0, 1, 2].map(|axis| column(&|thing| thing.extent[axis]));
    let low = [0, 1, 2].map(|axis| column(&|thing| thing.low(axis)));
    let columns = Columns {
        centre: [&centre[0], &centre[1], &centre[2]],
        extent: [&extent[0], &extent[1], &extent[2]],
        low: [&low[0], &low[1], &low[2]],
        nearest: &low[1],
    };
    f(&Objects::new(columns).expect("columns of one length"))
}

fn names(facts: &[Named]) -> Vec<(usize, &'static str, usize)> {
    facts.iter().map(|fact| (fact.0, fact.1, fact.2)).collect()
}

#[test]
fn relations_are_a_list_of_pairs() {
    for (r, relation) in RELATIONS.iter().enumerate() {
        let inverse = RELATIONS[r ^ 1];
        assert_eq!((relation.inverse, inverse.inverse), (inverse.name, relation.name));
        assert_eq!((relation.axis, relation.unit), (inverse.axis, inverse.unit));
        assert_eq!(RELATIONS.iter().filter(|other| other.name == relation.name).count(), 1, "{}", relation.name);
        assert!(!relation.doc.is_empty() && ["m", "m3"].contains(&relation.unit));
    }
}

/// A lamp (0) on the left, high up and near; a sofa (1) on the right, low, far and big.
#[test]
fn a_lamp_and_a_sofa() {
    let lamp = Thing { centre: [-1.0, 2.0, 1.0], extent: [0.5, 0.5, 0.5] };
    let sofa = Thing { centre: [1.0, 4.0, -0.75], extent: [2.0, 1.0, 1.0] };
    let near = 6.0f64.sqrt();
    assert_eq!(
        relate(&[lamp, sofa]),
        [
            (0, "left", 1, 2.0, 2.0 / 1.25, 0.0, true),
            (0, "above", 1, 1.75, 1.75 / 0.75, 0.0, true),
            (0, "near", 1, 1.75, 1.75 / near, 0.0, true),
            (0, "thinner", 1, 1.5, 0.75, 0.0, true),
            (0, "shorter", 1, 0.5, 0.5, 0.0, true),
            (0, "smaller", 1, 1.875, 0.9375, 0.0, true),
            (1, "right", 0, 2.0, 2.0 / 1.25, 0.0, true),
            (1, "below", 0, 1.75, 1.75 / 0.75, 0.0, true),
            (1, "far", 0, 1.75, 1.75 / near, 0.0, true),
            (1, "wider", 0, 1.5, 0.75, 0.0, true),
            (1, "taller", 0, 0.5, 0.5, 0.0, true),
            (1, "larger", 0, 1.875, 0.9375, 0.0, true),
        ]
    );
}

#[test]
fn equal_objects_stand_in_no_relation() {
    let thing = Thing { centre: [0.0, 2.0, 0.0], extent: [1.0; 3] };
    assert_eq!(relate(&[thing, thing]), []);
    assert_eq!(relate(&[thing]), []);
    assert_eq!(relate(&[]), []);
}

#[test]
fn what_the_image_shows_may_disagree() {
    // By x the far one (1) is further right; its bearing is 1/10 against 0.5/1, so it appears to the left.
    let close = Thing { centre: [0.5, 1.0, 0.0], extent: [0.25; 3] };
    let far = Thing { centre: [1.0, 10.0, 0.0], extent: [0.25; 3] };
    let facts = relate(&[close, far]);
    assert_eq!((facts[0].1, facts[0].6), ("left", false));
}

#[test]
fn a_flat_picture_inside_a_wall_overlaps_it_wholly() {
    let wall = Thing { centre: [0.0, 3.0, 0.0], extent: [4.0, 0.0, 2.0] };
    let hook = Thing { centre: [1.0, 2.0, 0.5], extent: [0.0; 3] };
    let facts = relate(&[wall, hook]);
    assert!(facts[0].1 == "left" && facts[0].5 > 0.999_999, "{facts:?}");
    assert!(facts.iter().all(|fact| fact.4.is_finite()), "{facts:?}");
}

#[test]
fn an_object_without_measurements_stands_in_no_relation() {
    let good =
        [Thing { centre: [0.0, 2.0, 0.0], extent: [1.0; 3] }, Thing { centre: [1.0, 3.0, 1.0], extent: [2.0; 3] }];
    let without = names(&relate(&good));
    for bad in [f64::NAN, f64::INFINITY, f64::MAX] {
        for broken in [
            Thing { centre: [0.5, bad, 0.5], extent: [0.5; 3] },
            Thing { centre: [0.5; 3], extent: [0.5, 0.5, bad] },
            Thing { centre: [0.5; 3], extent: [-0.5, 0.5, 0.5] },
        ] {
            assert!(!without.is_empty());
            assert_eq!(names(&relate(&[good[0], good[1], broken])), without);
        }
    }
}

#[test]
fn columns_of_different_lengths_are_refused() {
    let two = [0.0; 2];
    let columns = Columns { centre: [&two; 3], extent: [&two; 3], low: [&two; 3], nearest: &two[..1] };
    assert!(Objects::new(columns).is_none());
}

proptest! {
    #[test]
    fn every_fact_has_its_inverse(things in frame()) {
        let facts = relate(&things);
        for &(subject, relation, object, value, margin, overlap, agrees) in &facts {
            let inverse = RELATIONS.iter().find(|r| r.name == relation).expect("a listed relation").inverse;
            prop_assert!(facts.contains(&(object, inverse, subject, value, margin, overlap, agrees)));
            prop_assert!(!names(&facts).contains(&(object, relation, subject)), "{relation} is not symmetric");
            prop_assert!(subject != object && value > 0.0 && margin > 0.0 && (0.0..=1.0).contains(&overlap));
        }
    }

    #[test]
    fn every_relation_is_transitive(things in frame()) {
        let facts = names(&relate(&things));
        for &(a, relation, b) in &facts {
            for &(_, _, c) in facts.iter().filter(|fact| fact.0 == b && fact.1 == relation) {
                prop_assert!(facts.contains(&(a, relation, c)));
            }
        }
    }

    #[test]
    fn sizes_do_not_move_with_the_objects(things in frame(), by in triple(-5.0, 5.0)) {
        let moved = each(&things, |thing| thing.centre = [0, 1, 2].map(|axis| thing.centre[axis] + by[axis]));
        let sizes = |things| relate(things).into_iter().filter(|fact| is_size(fact.1)).collect::<Vec<_>>();
        prop_assert_eq!(sizes(&things), sizes(&moved));
        prop_assert!(sizes(&things).iter().all(|fact| fact.4 <= 1.0 && fact.5 == 0.0 && fact.6));
    }

    #[test]
    fn a_mirror_swaps_left_and_right_and_nothing_else(things in frame()) {
        let mirrored = each(&things, |thing| thing.centre[0] = -thing.centre[0]);
        let swapped = relate(&things).into_iter().map(|mut fact| {
            fact.1 = match fact.1 { "left" => "right", "right" => "left", other => other };
            fact
        });
        for (expected, found) in swapped.zip(relate(&mirrored)) {
            prop_assert_eq!((expected.0, expected.1, expected.2, expected.6), (found.0, found.1, found.2, found.6));
            prop_assert!((expected.5 - found.5).abs() < 1e-9, "{expected:?} {found:?}");
        }
    }

    #[test]
    fn a_larger_world_has_larger_values_and_the_same_margins(things in frame(), exponent in -3i32..4) {
        // A power of two, so that scaling is exact.
        let scale = 2.0f64.powi(exponent);
        let scaled = each(&things, |thing| {
            thing.centre = thing.centre.map(|c| c * scale);
            thing.extent = thing.extent.map(|c| c * scale);
        });
        let (before, after) = (relate(&things), relate(&scaled));
        prop_assert_eq!(before.len(), after.len());
        for (a, b) in before.iter().zip(&after) {
            let factor = if ["larger", "smaller"].contains(&a.1) { scale.powi(3) } else { scale };
            prop_assert_eq!((a.0, a.1, a.2, a.3 * factor, a.6), (b.0, b.1, b.2, b.3, b.6));
        }
    }

    #[test]
    fn facts_equal_their_naive_twin(things in frame()) {
        let facts = relate(&things);
        prop_assert_eq!(facts.len(), naive(&things).len());
        for (a, b) in facts.iter().zip(naive(&things)) {
            prop_assert_eq!((a.0, a.1, a.2, a.6), (b.0, b.1, b.2, b.6));
            for (a, b) in [(a.3, b.3), (a.4, b.4), (a.5, b.5)] {
                prop_assert!((a - b).abs() <= 1e-9 * b.abs().max(1.0), "{a} {b}");
            }
        }
    }
}

/// The definitions of the axes, word for word, one pair at a time and with angles.
fn naive(things: &[Thing]) -> Vec<Named> {
    let mut facts = Vec::new();
    for (i, subject) in things.iter().enumerate() {
        for (j, object) in things.iter().enumerate().filter(|&(j, _)| j != i) {
            for (a, axis) in AXES.iter().enumerate() {
                let along = [0, 2, 1, 0, 2, 0][a];
                let key = |thing: &Thing| match axis.name {
                    "lateral" | "vertical" => thing.centre[along],
                    "depth" => thing.low(1),
                    "width" | "height" => thing.extent[along],
                    _ => thing.extent.iter().product(),
                };
                let seen = |thing: &Thing| {
                    let [x, y, z] = thing.centre;
                    match axis.name {
                        "lateral" => x.atan2(y),
                        "vertical" => z.atan2(x.hypot(y)),
                        "depth" => x.hypot(y).hypot(z),
                        _ => key(thing),
                    }
                };
                let value = (key(subject) - key(object)).abs();
                if value == 0.0 {
                    continue;
                }
                let nearer = if key(subject) < key(object) { subject } else { object };
                let scale = match axis.name {
                    "lateral" | "vertical" => (subject.extent[along] + object.extent[along]) / 2.0,
                    "depth" => seen(nearer),
                    _ => key(subject).max(key(object)),
                };
                let end = |thing: &Thing| thing.low(along) + thing.extent[along];
                let shared = end(subject).min(end(object)) - subject.low(along).max(object.low(along));
                let overlap = (shared / subject.extent[along].min(object.extent[along])).clamp(0.0, 1.0);
                facts.push((
                    i,
                    if key(subject) < key(object) { axis.lesser.0 } else { axis.greater.0 },
                    j,
                    value,
                    value / scale,
                    if a < 3 { overlap } else { 0.0 },
                    (key(subject) < key(object)) == (seen(subject) < seen(object)) && seen(subject) != seen(object),
                ));
            }
        }
    }
    facts
}

fn is_size(relation: &str) -> bool {
    ["thinner", "wider", "shorter", "taller", "smaller", "larger"].contains(&relation)
}

fn each(things: &[Thing], change: impl Fn(&mut Thing)) -> Vec<Thing> {
    let mut things = things.to_vec();
    things.iter_mut().for_each(change);
    things
}

fn frame() -> impl Strategy<Value = Vec<Thing>> {
    prop::collection::vec(thing(), 0..6)
}

/// On a grid of 1/64 m, so that ties happen and sums are exact.
fn thing() -> impl Strategy<Value = Thing> {
    (triple(-4.0, 4.0), triple(0.03125, 2.0)).prop_map(|(centre, extent)| Thing { centre, extent })
}

fn triple(low: f64, high: f64) -> impl Strategy<Value = [f64; 3]> {
    prop::array::uniform3((64.0 * low) as i32..(64.0 * high) as i32).prop_map(|at| at.map(|c| f64::from(c) / 64.0))
}
