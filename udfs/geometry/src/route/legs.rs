//! The legs of a route over given points, and the turns between them.

use crate::angle::{bearing, wrap_180};
use nalgebra::Vector3;

/// What a person does at a turn. The limits leave gaps between the actions, where two people would not agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnAction {
    Straight,
    Left,
    Right,
    Back,
}

impl TurnAction {
    /// For tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Straight => "straight",
            Self::Left => "turn_left",
            Self::Right => "turn_right",
            Self::Back => "turn_back",
        }
    }
}

/// Which turns are which action, degrees to either side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TurnRules {
    /// Up to here a turn is none, and its legs are one.
    pub straight: f64,
    /// From the first to the second it is to the left or right.
    pub side: (f64, f64),
    /// From here it is back.
    pub back: f64,
}

impl Default for TurnRules {
    fn default() -> Self {
        Self { straight: 20.0, side: (35.0, 145.0), back: 155.0 }
    }
}

impl TurnRules {
    /// `None` for a turn between two actions.
    ///
    /// ```
    /// use spatialmill_geometry::route::{TurnAction, TurnRules};
    /// let actions = [12.0, -28.0, -90.0, 45.0, 150.0, -179.0].map(|turn| TurnRules::default().action(turn));
    /// let (left, right, back) = (Some(TurnAction::Left), Some(TurnAction::Right), Some(TurnAction::Back));
    /// assert_eq!(actions, [Some(TurnAction::Straight), None, left, right, None, back]);
    /// ```
    pub fn action(&self, turn: f64) -> Option<TurnAction> {
        let size = turn.abs();
        if size <= self.straight {
            Some(TurnAction::Straight)
        } else if self.side.0 <= size && size <= self.side.1 {
            Some(if turn > 0.0 { TurnAction::Right } else { TurnAction::Left })
        } else {
            (size >= self.back).then_some(TurnAction::Back)
        }
    }
}

/// A straight part of a route.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Leg {
    /// Indices of the points at its ends.
    pub from: usize,
    pub to: usize,
    /// Of the chord between its ends, clockwise from +y, degrees in (-180, 180].
    pub bearing: f64,
    /// Metres along the points.
    pub length: f64,
    /// Metres that its end is higher than its start.
    pub rise: f64,
}

impl Leg {
    /// From this leg's bearing to the next one's, right > 0, degrees in (-180, 180].
    pub fn turn_to(&self, next: &Leg) -> f64 {
        wrap_180(next.bearing - self.bearing)
    }
}

/// The legs of a route. While a turn is at most `straight` degrees, the two legs of the least turn become one, whose bearing is that of its chord.
/// Points at the place of the one before them on the ground plan (R2R has edges of length 0) are in no leg of their own. `None` where a coordinate is
/// not finite, and where the route goes nowhere.
///
/// ```
/// use spatialmill_geometry::{Vector3, route::legs};
/// // North, a little to the right, and then east.
/// let points = [[0.0, 0.0], [0.0, 2.0], [0.1, 4.0], [3.0, 4.2]].map(|[x, y]| Vector3::new(x, y, 0.0));
/// let found = legs(&points, 20.0).unwrap();
/// assert_eq!((found[0].from, found[0].to, found[1].from, found[1].to), (0, 2, 2, 3));
/// assert!((found[0].bearing - 1.43).abs() < 0.01 && (found[0].turn_to(&found[1]) - 84.63).abs() < 0.01);
/// ```
pub fn legs(points: &[Vector3<f64>], straight: f64) -> Option<Vec<Leg>> {
    if points.iter().any(|point| !point.iter().all(|at| at.is_finite())) {
        return None;
    }
    let chord = |from: usize, to: usize| {
        let way = points[to] - points[from];
        let steps = points[from..=to].windows(2).map(|pair| (pair[1] - pair[0]).norm());
        Some(Leg { from, to, bearing: bearing([way.x, way.y])?, length: steps.sum(), rise: way.z })
    };
    let mut ends = vec![0];
    for (i, point) in points.iter().enumerate().skip(1) {
        let last = points[*ends.last()?];
        if (point - last).xy().norm() > SAME_PLACE_M {
            ends.push(i);
        }
    }
    let of = |ends: &[usize]| ends.windows(2).map(|pair| chord(pair[0], pair[1])).collect::<Option<Vec<Leg>>>();
    let mut found = of(&ends)?;
    loop {
        let turns = found.windows(2).map(|pair| pair[0].turn_to(&pair[1]).abs()).enumerate();
        let Some((least, turn)) = turns.min_by(|a, b| a.1.total_cmp(&b.1)) else { break };
        if turn > straight {
            break;
        }
        ends.remove(least + 1);
        // A turn of at most 20 degrees leaves a chord; a larger limit may fold a route onto its start, which is no leg.
        found = of(&ends)?;
    }
    (!found.is_empty()).then_some(found)
}

/// Points that are nearer to each other on the ground plan are one.
const SAME_PLACE_M: f64 = 1e-3;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nowhere_is_no_route() {
        let here = Vector3::new(1.0, 2.0, 0.0);
        assert_eq!((legs(&[], 20.0), legs(&[here], 20.0), legs(&[here, here], 20.0)), (None, None, None));
        assert_eq!(legs(&[here, Vector3::new(f64::NAN, 0.0, 0.0)], 20.0), None);
        assert_eq!(legs(&[here, here + Vector3::z()], 20.0), None, "straight up");
    }

    #[test]
    fn points_at_one_place_and_stairs() {
        let at = |x: f64, y: f64, z: f64| Vector3::new(x, y, z);
        let points = [at(0.0, 0.0, 0.0), at(0.0, 0.0, 0.0), at(0.0, 3.0, 1.5), at(2.0, 3.0, 1.5)];
        let found = legs(&points, 20.0).unwrap();
        assert_eq!(
            found.iter().map(|leg| (leg.from, leg.to, leg.rise)).collect::<Vec<_>>(),
            [(0, 2, 1.5), (2, 3, 0.0)]
        );
        assert_eq!(found[0].turn_to(&found[1]), 90.0);
    }

    proptest! {
        /// A mirrored route has the turns to the other side, a route turned as a whole the same ones; none that is left is straight.
        #[test]
        fn turns_keep_with_the_route(
            points in prop::collection::vec((-9.0..9.0, -9.0..9.0, 0.0..1.0), 2..9), yaw in -180.0..180.0_f64,
        ) {
            let points: Vec<Vector3<f64>> = points.into_iter().map(|(x, y, z)| Vector3::new(x, y, z)).collect();
            let turns = |points: &[Vector3<f64>]| -> Vec<f64> {
                legs(points, 20.0).unwrap().windows(2).map(|pair| pair[0].turn_to(&pair[1])).collect()
            };
            let mirrored: Vec<_> = points.iter().map(|p| Vector3::new(-p.x, p.y, p.z)).collect();
            let (sin, cos) = yaw.to_radians().sin_cos();
            let turned: Vec<_> = points.iter().map(|p| Vector3::new(cos * p.x - sin * p.y, sin * p.x + cos * p.y, p.z)).collect();
            let (own, mirrored, turned) = (turns(&points), turns(&mirrored), turns(&turned));
            prop_assert!(own.iter().all(|turn| turn.abs() > 20.0));
            prop_assert!(own.iter().zip(&mirrored).all(|(a, b)| wrap_180(a + b).abs() < 1e-6) && own.len() == mirrored.len());
            prop_assert!(own.iter().zip(&turned).all(|(a, b)| wrap_180(a - b).abs() < 1e-6) && own.len() == turned.len());
            let found = legs(&points, 20.0).unwrap();
            let length: f64 = points.windows(2).map(|pair| (pair[1] - pair[0]).norm()).sum();
            prop_assert!((found.iter().map(|leg| leg.length).sum::<f64>() - length).abs() < 1e-2);
        }
    }
}
