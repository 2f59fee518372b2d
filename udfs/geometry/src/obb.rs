//! Oriented boxes, and the axis-aligned bounds of a cloud.
//!
//! ```text
//!           axes[2]                  corner i lies at centre + ½ Σ ± lengths[k]·axes[k],
//!     6 ───────── 7                  + where bit k of i is set:
//!    /│          /│                  0 = ---, 1 = +--, 2 = -+-, ... 7 = +++
//!   4 ───────── 5 │
//!   │ 2 ────────│ 3   axes[1]        lengths are FULL side lengths, metres
//!   │/          │/
//!   0 ───────── 1   axes[0]
//! ```
//!
//! A box carries no frame of its own: world, camera axes or view space, as its owner says.

use crate::Rigid;
use crate::polygon::convex_hull;
use nalgebra::Vector3;
use thiserror::Error;

/// A box of full side `lengths` along three perpendicular unit `axes`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OrientedBox {
    pub centre: Vector3<f64>,
    pub axes: [Vector3<f64>; 3],
    pub lengths: Vector3<f64>,
}

/// Why numbers are no box.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum BoxError {
    #[error("the box has entries that are not finite")]
    NotFinite,
    #[error("the box has a negative side length")]
    NegativeLength,
    #[error("the box's axes are {by:.4} away from perpendicular unit vectors")]
    Axes { by: f64 },
}

/// How far the axes' products may be from 0 and 1; annotation tools print three decimals.
const ORTHONORMAL_TOLERANCE: f64 = 5e-3;

impl OrientedBox {
    /// The same box if it is one. Axes may be left-handed: a box looks the same in a mirror.
    pub fn checked(self) -> Result<Self, BoxError> {
        let entries = self.axes.iter().flatten().chain(&self.centre).chain(&self.lengths);
        if !entries.into_iter().all(|entry| entry.is_finite()) {
            return Err(BoxError::NotFinite);
        }
        if self.lengths.min() < 0.0 {
            return Err(BoxError::NegativeLength);
        }
        let by = (0..9)
            .map(|i| (i / 3, i % 3))
            .fold(0.0_f64, |by, (i, j)| by.max((self.axes[i].dot(&self.axes[j]) - f64::from(u8::from(i == j))).abs()));
        if by > ORTHONORMAL_TOLERANCE { Err(BoxError::Axes { by }) } else { Ok(self) }
    }

    /// A box that stands upright (its third axis is z), turned by `yaw_rad` about z from x towards y.
    pub fn upright(centre: Vector3<f64>, yaw_rad: f64, lengths: Vector3<f64>) -> Self {
        let (sin, cos) = yaw_rad.sin_cos();
        Self { centre, axes: [Vector3::new(cos, sin, 0.0), Vector3::new(-sin, cos, 0.0), Vector3::z()], lengths }
    }

    /// The upright box of least floor area around `points` (rotating calipers on the ground plan, and the height); `None` without points. Its
    /// first axis is the longer horizontal side and points into x ≥ 0, so that equal clouds give equal numbers.
    ///
    /// A box that may tilt is smaller and says less: the longest side of such a box runs across the object, and is no size that a person would
    /// measure (VSI-Bench's object sizes).
    ///
    /// ```
    /// use spatialmill_geometry::{OrientedBox, Vector3};
    /// // A square of side √2 that stands on its corner has half the floor area of its axis-aligned bounds.
    /// let diamond = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 2.0], [0.0, -1.0, 2.0]].map(Vector3::from);
    /// let found = OrientedBox::upright_of(&diamond).unwrap();
    /// assert!((found.lengths - Vector3::new(2.0_f64.sqrt(), 2.0_f64.sqrt(), 2.0)).amax() < 1e-12);
    /// assert!((found.centre - Vector3::new(0.0, 0.0, 1.0)).amax() < 1e-12);
    /// ```
    pub fn upright_of(points: &[Vector3<f64>]) -> Option<Self> {
        let bounds = Bounds::of(points)?;
        let hull = convex_hull(points.iter().map(|p| [p.x, p.y]).collect());
        // A least-area rectangle has a side along an edge of the hull (Freeman and Shapira 1975).
        let edges = (0..hull.len()).map(|i| {
            let (a, b) = (hull[i], hull[(i + 1) % hull.len()]);
            (b[1] - a[1]).atan2(b[0] - a[0])
        });
        let (_, floor) = edges
            .map(|yaw_rad| Floor::at(yaw_rad, &hull))
            .map(|floor| (floor.sides[0] * floor.sides[1], floor))
            .min_by(|(a, _), (b, _)| a.total_cmp(b))?;
        let [x, y] = floor.centre;
        let centre = Vector3::new(x, y, bounds.centre().z);
        let lengths = Vector3::new(floor.sides[0], floor.sides[1], bounds.extent().z);
        Some(Self::upright(centre, floor.yaw_rad, lengths))
    }

    /// The eight corners, numbered as drawn above.
    pub fn corners(&self) -> [Vector3<f64>; 8] {
        let half = self.lengths * 0.5;
        std::array::from_fn(|corner| {
            (0..3).fold(self.centre, |at, k| {
                let sign = if corner >> k & 1 == 1 { 1.0 } else { -1.0 };
                at + self.axes[k] * (sign * half[k])
            })
        })
    }

    /// Whether a point lies in the box or on its surface.
    pub fn contains(&self, point: &Vector3<f64>) -> bool {
        let from_centre = point - self.centre;
        (0..3).all(|k| from_centre.dot(&self.axes[k]).abs() <= self.lengths[k] * 0.5)
    }

    /// The same box in the frame that `motion` leads to.
    pub fn transform(&self, motion: &Rigid) -> Self {
        Self {
            centre: motion.apply(&self.centre),
            axes: self.axes.map(|axis| motion.rotation * axis),
            lengths: self.lengths,
        }
    }

    /// Cubic metres.
    pub fn volume(&self) -> f64 {
        self.lengths.product()
    }

    /// Bounds of the box along the axes of its frame.
    pub fn bounds(&self) -> Bounds {
        let reach = (0..3).fold(Vector3::zeros(), |reach, k| reach + self.axes[k].abs() * (self.lengths[k] * 0.5));
        Bounds { low: self.centre - reach, high: self.centre + reach }
    }

    /// Where the ray `origin + t·direction` is inside the box: the first and last `t`, which may be negative.
    ///
    /// ```
    /// use spatialmill_geometry::{OrientedBox, Vector3};
    /// let cube = OrientedBox::upright(Vector3::new(0.0, 0.0, 5.0), 0.0, Vector3::new(2.0, 2.0, 2.0));
    /// assert_eq!(cube.span_along(&Vector3::zeros(), &Vector3::z()), Some((4.0, 6.0)));
    /// assert_eq!(cube.span_along(&Vector3::x(), &Vector3::new(1.0, 0.0, 1.0)), None);
    /// ```
    pub fn span_along(&self, origin: &Vector3<f64>, direction: &Vector3<f64>) -> Option<(f64, f64)> {
        let from_centre = origin - self.centre;
        let (mut first, mut last) = (f64::NEG_INFINITY, f64::INFINITY);
        for k in 0..3 {
            let (start, speed, half) =
                (from_centre.dot(&self.axes[k]), direction.dot(&self.axes[k]), self.lengths[k] * 0.5);
            if speed == 0.0 {
                if start.abs() > half {
                    return None;
                }
                continue;
            }
            let (a, b) = ((-half - start) / speed, (half - start) / speed);
            first = first.max(a.min(b));
            last = last.min(a.max(b));
        }
        (first <= last).then_some((first, last))
    }
}

/// The smallest box along the axes that holds some points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    pub low: Vector3<f64>,
    pub high: Vector3<f64>,
}

impl Bounds {
    /// `None` without points.
    pub fn of<'a>(points: impl IntoIterator<Item = &'a Vector3<f64>>) -> Option<Self> {
        points.into_iter().fold(None, |bounds: Option<Self>, p| match bounds {
            None => Some(Self { low: *p, high: *p }),
            Some(Self { low, high }) => Some(Self { low: low.inf(p), high: high.sup(p) }),
        })
    }

    pub fn centre(&self) -> Vector3<f64> {
        (self.low + self.high) * 0.5
    }

    /// Full lengths along the axes.
    pub fn extent(&self) -> Vector3<f64> {
        self.high - self.low
    }
}

/// A rectangle on the horizontal plane.
struct Floor {
    yaw_rad: f64,
    sides: [f64; 2],
    centre: [f64; 2],
}

impl Floor {
    /// The tightest rectangle around `hull` with a side at `yaw_rad`, described by its longer side.
    fn at(yaw_rad: f64, hull: &[[f64; 2]]) -> Self {
        let (sin, cos) = yaw_rad.sin_cos();
        let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for [x, y] in hull {
            let turned = [cos * x + sin * y, cos * y - sin * x];
            for k in 0..2 {
                low[k] = low[k].min(turned[k]);
                high[k] = high[k].max(turned[k]);
            }
        }
        let middle = [(low[0] + high[0]) * 0.5, (low[1] + high[1]) * 0.5];
        let centre = [cos * middle[0] - sin * middle[1], sin * middle[0] + cos * middle[1]];
        let sides = [high[0] - low[0], high[1] - low[1]];
        let quarter = std::f64::consts::FRAC_PI_2;
        let (yaw_rad, sides) =
            if sides[0] >= sides[1] { (yaw_rad, sides) } else { (yaw_rad + quarter, [sides[1], sides[0]]) };
        // A box turned by half a turn is the same box: keep the one that points into x ≥ 0.
        let half_turns = ((yaw_rad + quarter) / std::f64::consts::PI).floor();
        Self { yaw_rad: yaw_rad - half_turns * std::f64::consts::PI, sides, centre }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::{near, oriented_box, point, rigid};
    use proptest::prelude::*;

    #[test]
    fn numbers_corners_by_bits() {
        let cube = OrientedBox::upright(Vector3::zeros(), 0.0, Vector3::new(2.0, 4.0, 6.0));
        assert_eq!(cube.corners()[0], Vector3::new(-1.0, -2.0, -3.0));
        assert_eq!(cube.corners()[1], Vector3::new(1.0, -2.0, -3.0));
        assert_eq!(cube.corners()[6], Vector3::new(-1.0, 2.0, 3.0));
    }

    #[test]
    fn refuses_what_is_no_box() {
        let cube = OrientedBox::upright(Vector3::zeros(), 0.3, Vector3::repeat(1.0));
        assert_eq!(cube.checked(), Ok(cube));
        let lengths = Vector3::new(1.0, -1.0, 1.0);
        assert_eq!(OrientedBox { lengths, ..cube }.checked(), Err(BoxError::NegativeLength));
        let centre = Vector3::new(f64::NAN, 0.0, 0.0);
        assert_eq!(OrientedBox { centre, ..cube }.checked(), Err(BoxError::NotFinite));
        let axes = [Vector3::x(), Vector3::x(), Vector3::z()];
        assert!(matches!(OrientedBox { axes, ..cube }.checked(), Err(BoxError::Axes { .. })));
    }

    #[test]
    fn boxes_of_one_point_and_of_a_line() {
        assert_eq!(OrientedBox::upright_of(&[]), None);
        let dot = OrientedBox::upright_of(&[Vector3::new(1.0, 2.0, 3.0); 5]).unwrap();
        assert_eq!((dot.centre, dot.lengths), (Vector3::new(1.0, 2.0, 3.0), Vector3::zeros()));
        let line: Vec<_> = (0..9).map(|i| Vector3::new(f64::from(i) * 0.6, f64::from(i) * -0.8, 1.0)).collect();
        let stick = OrientedBox::upright_of(&line).unwrap();
        assert!(near(&stick.lengths, &Vector3::new(8.0, 0.0, 0.0), 1e-12));
        assert!(near(&stick.axes[0], &Vector3::new(0.6, -0.8, 0.0), 1e-12));
    }

    proptest! {
        #[test]
        fn contains_its_corners_once_it_grows(shape in oriented_box()) {
            let grown = OrientedBox { lengths: shape.lengths.add_scalar(1e-9), ..shape };
            prop_assert!(shape.corners().iter().all(|corner| grown.contains(corner)));
            let shrunk = OrientedBox { lengths: shape.lengths.add_scalar(-1e-6), ..shape };
            prop_assert!(!shape.corners().iter().any(|corner| shrunk.contains(corner)));
        }

        #[test]
        fn bounds_are_those_of_the_corners(shape in oriented_box()) {
            let by_corners = Bounds::of(&shape.corners()).unwrap();
            prop_assert!(near(&by_corners.low, &shape.bounds().low, 1e-9));
            prop_assert!(near(&by_corners.high, &shape.bounds().high, 1e-9));
        }

        #[test]
        fn moving_a_box_moves_its_corners(shape in oriented_box(), motion in rigid()) {
            for (moved, corner) in shape.transform(&motion).corners().iter().zip(shape.corners()) {
                prop_assert!(near(moved, &motion.apply(&corner), 1e-9));
            }
        }

        #[test]
        fn span_agrees_with_contains(shape in oriented_box(), origin in point(), target in point(), t in -1.0..2.0) {
            let direction = target - origin;
            let at = origin + direction * t;
            let inside = shape.span_along(&origin, &direction).is_some_and(|(a, b)| a <= t && t <= b);
            let surely = |by: f64| OrientedBox { lengths: shape.lengths.add_scalar(by), ..shape }.contains(&at);
            prop_assert!(surely(-1e-7) <= inside && inside <= surely(1e-7));
        }

        /// The oracle turns a rectangle through a thousand angles; none may beat the hull's edges.
        #[test]
        fn upright_of_is_least_and_holds_all(points in prop::collection::vec(point(), 1..40)) {
            let found = OrientedBox::upright_of(&points).unwrap();
            let grown = OrientedBox { lengths: found.lengths.add_scalar(1e-6), ..found };
            prop_assert!(points.iter().all(|p| grown.contains(p)));
            prop_assert!(found.lengths.x >= found.lengths.y && found.axes[0].x > -1e-9);
            for step in 0..1000 {
                let yaw = f64::from(step) * std::f64::consts::PI / 2000.0;
                let flat: Vec<_> = points.iter().map(|p| [p.x, p.y]).collect();
                let floor = Floor::at(yaw, &flat);
                prop_assert!(found.lengths.x * found.lengths.y <= floor.sides[0] * floor.sides[1] + 1e-9);
            }
        }

        #[test]
        fn upright_of_follows_a_turn_about_z(points in prop::collection::vec(point(), 3..30), yaw in -3.2..3.2) {
            let (sin, cos) = f64::sin_cos(yaw);
            let turned: Vec<_> =
                points.iter().map(|p| Vector3::new(cos * p.x - sin * p.y, sin * p.x + cos * p.y, p.z)).collect();
            let (a, b) = (OrientedBox::upright_of(&points).unwrap(), OrientedBox::upright_of(&turned).unwrap());
            prop_assert!((a.volume() - b.volume()).abs() < 1e-6);
        }
    }
}
