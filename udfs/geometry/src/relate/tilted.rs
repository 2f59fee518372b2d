//! Above and below with an unknown camera pitch: the relation that holds for every pitch of a range, or none.
//!
//! ```text
//!  held level                  held 30 degrees down         A tilt turns all that is seen about the camera's x axis.
//!   z        B                  z                           B, behind A and a little higher, comes down
//!   │   A                       │    A                      below it: the picture alone cannot tell.
//!   o──────────── y             o──────── B ── y
//! ```
//!
//! For a pitch p a point (y, z) lies at y cos p - z sin p, z cos p + y sin p, and an interval of height h and depth l is h cos p + l |sin p| high.
//! Divided by cos p, everything that is compared is a straight line in t = tan p, so that each ratio of two of them rises or falls steadily
//! between the points where a line bends or crosses another: no more than these have to be looked at.

use super::fact::{Fact, SMALLEST_LENGTH, higher, lower};
use super::{AXES, Columns, Objects};

/// The fact about the vertical axis that is left when the camera may be tilted by up to `pitch_rad` (below a quarter turn) up or down: the
/// smallest value and margin and the largest overlap of all those tilts. `None` where some tilt makes the other relation of it, or none.
///
/// ```
/// use spatialmill_geometry::relate::{Columns, Objects, when_tilted};
/// // A lamp 2 m ahead and 1 m above the camera, and a cup at the camera's height, so far ahead.
/// let least_gap = |ahead: f64| {
///     let thing = |at: [f64; 3], then: &dyn Fn(&Objects) -> Option<f64>| {
///         let at = at.each_ref().map(std::slice::from_ref);
///         then(&Objects::new(Columns { centre: at, extent: [&[0.1]; 3], low: at, nearest: at[1] })?)
///     };
///     thing([0.0, 2.0, 1.0], &|lamp| thing([0.0, ahead, 0.0], &|cup| Some(when_tilted(lamp, cup, 0, 30_f64.to_radians())?.value)))
/// };
/// assert!((least_gap(2.0).unwrap() - 30_f64.to_radians().cos()).abs() < 1e-12);
/// // 4 m further away, the cup is above the lamp for a camera that looks 30 degrees up.
/// assert_eq!(least_gap(6.0), None);
/// ```
pub fn when_tilted(subjects: &Objects, objects: &Objects, row: usize, pitch_rad: f64) -> Option<Fact> {
    let axis = AXES.iter().position(|axis| axis.name == super::vertical::VERTICAL.name)?;
    let level = super::fact(axis, subjects, objects, row)?;
    let (a, b) = (Turning::of(subjects, row), Turning::of(objects, row));
    let steepest = pitch_rad.tan();
    let apart = b.centre.less(a.centre);
    let sign = apart.at(0.0).signum();
    let worst = lower(sign * apart.at(steepest), sign * apart.at(-steepest));
    if worst <= 0.0 {
        return None;
    }
    // A sinusoid is concave where it is above 0, so that it is least at one of the ends.
    let value = worst * pitch_rad.cos();
    let margin_at = |t: f64| sign * apart.at(t) / higher(0.5 * (a.height_at(t) + b.height_at(t)), SMALLEST_LENGTH);
    let overlap_at = |t: f64| {
        let (of_a, of_b) = (higher(a.height_at(t), SMALLEST_LENGTH), higher(b.height_at(t), SMALLEST_LENGTH));
        let shorter = lower(of_a, of_b);
        let shared = 0.5 * (of_a + of_b) - b.middle.less(a.middle).at(t).abs();
        higher(lower(shared, shorter) / shorter, 0.0)
    };
    let ends = [-steepest, 0.0, steepest];
    // Where the middles are level, and where the two are equally high.
    let bends =
        [b.middle.less(a.middle).root(), a.height.less(b.height).root(), a.height.less(b.height).root().map(|t| -t)];
    let within = bends.into_iter().flatten().filter(|t| t.abs() < steepest);
    let margin = ends.iter().map(|t| margin_at(*t)).fold(f64::INFINITY, f64::min);
    let overlap = ends.into_iter().chain(within).map(overlap_at).fold(0.0, f64::max);
    Some(Fact { value, margin, overlap, ..level })
}

/// A number that a tilt of tangent t makes `level` + `by_depth` · t, once divided by the tilt's cosine.
#[derive(Clone, Copy)]
struct Line {
    level: f64,
    by_depth: f64,
}

impl Line {
    fn at(self, t: f64) -> f64 {
        self.level + self.by_depth * t
    }

    fn less(self, other: Self) -> Self {
        Self { level: self.level - other.level, by_depth: self.by_depth - other.by_depth }
    }

    fn root(self) -> Option<f64> {
        (self.by_depth != 0.0).then(|| -self.level / self.by_depth)
    }
}

/// An object as a tilt turns it.
struct Turning {
    centre: Line,
    /// The middle of its bounds, which need not be its centre.
    middle: Line,
    /// For |t|: a box becomes higher whichever way it is turned.
    height: Line,
}

impl Turning {
    fn of(objects: &Objects, row: usize) -> Self {
        let Columns { centre, extent, low, .. } = &objects.columns;
        let [_, l, h] = extent.map(|of| of[row]);
        let middle = |axis: usize| low[axis][row] + 0.5 * extent[axis][row];
        Self {
            centre: Line { level: centre[2][row], by_depth: centre[1][row] },
            middle: Line { level: middle(2), by_depth: middle(1) },
            height: Line { level: h, by_depth: l },
        }
    }

    fn height_at(&self, t: f64) -> f64 {
        self.height.at(t.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relate::fact;
    use proptest::prelude::*;

    /// A box in view space; its centre of mass need not be its middle.
    #[derive(Debug, Clone, Copy)]
    struct Thing {
        centre: [f64; 3],
        low: [f64; 3],
        extent: [f64; 3],
    }

    impl Thing {
        fn with<T>(&self, then: impl FnOnce(&Objects) -> T) -> T {
            let [centre, low, extent] =
                [&self.centre, &self.low, &self.extent].map(|v| v.each_ref().map(std::slice::from_ref));
            then(&Objects::new(Columns { centre, extent, low, nearest: low[1] }).unwrap())
        }

        /// The same with its corners turned one by one.
        fn pitched(&self, pitch: f64) -> Self {
            let (sin, cos) = pitch.sin_cos();
            let turn = |[x, y, z]: [f64; 3]| [x, y * cos - z * sin, z * cos + y * sin];
            let corner = |i: usize| {
                turn(std::array::from_fn(|k| self.low[k] + f64::from(u8::from(i >> k & 1 == 1)) * self.extent[k]))
            };
            let (mut low, mut high) = ([f64::INFINITY; 3], [f64::NEG_INFINITY; 3]);
            for at in (0..8).map(corner) {
                for k in 0..3 {
                    (low[k], high[k]) = (low[k].min(at[k]), high[k].max(at[k]));
                }
            }
            Self { centre: turn(self.centre), low, extent: std::array::from_fn(|k| high[k] - low[k]) }
        }
    }

    fn worst(a: &Thing, b: &Thing, pitch: f64) -> Option<Fact> {
        a.with(|a| b.with(|b| when_tilted(a, b, 0, pitch)))
    }

    fn thing() -> impl Strategy<Value = Thing> {
        let box_at =
            (prop::array::uniform3(-3.0..3.0), prop::array::uniform3(0.01..2.0), prop::array::uniform3(0.2..0.8));
        box_at.prop_map(|(at, extent, share): ([f64; 3], [f64; 3], [f64; 3])| {
            let low = [at[0], at[1] + 5.0, at[2]];
            Thing { centre: std::array::from_fn(|k| low[k] + share[k] * extent[k]), low, extent }
        })
    }

    #[test]
    fn no_tilt_changes_nothing() {
        let a = Thing { centre: [0.0, 2.0, 1.0], low: [-0.5, 1.5, 0.5], extent: [1.0; 3] };
        let b = Thing { centre: [0.0, 2.0, -1.0], low: [-0.5, 1.5, -1.5], extent: [1.0; 3] };
        assert_eq!(worst(&a, &b, 0.0), a.with(|a| b.with(|b| fact(1, a, b, 0))));
    }

    proptest! {
        /// Against five hundred tilts, one by one.
        #[test]
        fn is_the_worst_of_all_tilts(a in thing(), b in thing(), pitch in 0.01..1.2) {
            let level = a.with(|a| b.with(|b| fact(1, a, b, 0)));
            let tilts = (-250..=250).map(|i| pitch * f64::from(i) / 250.0);
            let facts: Vec<Option<Fact>> = tilts
                .map(|p| a.pitched(p).with(|a| b.pitched(p).with(|b| fact(1, a, b, 0))))
                .map(|fact| fact.filter(|fact| Some(fact.relation) == level.map(|level| level.relation)))
                .collect();
            let found = worst(&a, &b, pitch);
            prop_assert_eq!(found.is_some(), facts.iter().all(Option::is_some));
            if let Some(found) = found {
                let all = |of: fn(&Fact) -> f64| facts.iter().flatten().map(of).collect::<Vec<f64>>();
                let least = |of| all(of).into_iter().fold(f64::INFINITY, f64::min);
                let most = all(|fact| fact.overlap).into_iter().fold(0.0, f64::max);
                prop_assert!((found.value - least(|fact| fact.value)).abs() < 1e-9);
                prop_assert!((found.margin - least(|fact| fact.margin)).abs() < 1e-9 * found.margin.max(1.0));
                // A bend may lie between two of the tilts.
                prop_assert!(found.overlap >= most - 1e-9 && found.overlap <= most + 0.02, "{} {most}", found.overlap);
            }
        }
    }
}
