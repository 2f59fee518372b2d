//! The objects that are compared, as columns: view space, metres, one row an object, the rows of a frame side by side.
//!
//! What every comparison of an object needs again (volume, bearing, slope, distance) is computed here once for each object
//! rather than once for each pair.

use std::ops::Range;

/// What is known of the objects of many frames. All columns have the same length.
#[derive(Debug, Clone, Copy)]
pub struct Columns<'a> {
    /// x, y and z of the centres.
    pub centre: [&'a [f64]; 3],
    /// Full lengths along the view axes.
    pub extent: [&'a [f64]; 3],
    /// Lowest coordinates along the view axes.
    pub low: [&'a [f64]; 3],
    /// Smallest y: how far ahead the nearest surface is.
    pub nearest: &'a [f64],
}

/// [`Columns`] and what follows from each row alone.
#[derive(Debug, Clone)]
pub struct Objects<'a> {
    pub(super) columns: Columns<'a>,
    pub(super) volume: Vec<f64>,
    /// Orders as the angle to the right of straight ahead does.
    pub(super) bearing: Vec<f64>,
    /// Height over horizontal distance: orders as the angle above the horizon does.
    pub(super) slope: Vec<f64>,
    /// From the optical centre to the centre of the object.
    pub(super) distance: Vec<f64>,
    /// False for an object with a number that is no measurement. It stands in no relation to anything.
    pub(super) comparable: Vec<bool>,
}

impl<'a> Objects<'a> {
    /// `None` when the columns differ in length.
    pub fn new(columns: Columns<'a>) -> Option<Self> {
        let n = columns.nearest.len();
        let Columns { centre: [x, y, z], extent: [dx, dy, dz], low, .. } = columns;
        if [x, y, z, dx, dy, dz].iter().chain(&low).any(|column| column.len() != n) {
            return None;
        }
        Some(Self {
            columns,
            volume: (0..n).map(|i| dx[i] * dy[i] * dz[i]).collect(),
            bearing: (0..n).map(|i| bearing(x[i], y[i])).collect(),
            slope: (0..n).map(|i| z[i] / (x[i] * x[i] + y[i] * y[i]).sqrt()).collect(),
            distance: (0..n).map(|i| (x[i] * x[i] + y[i] * y[i] + z[i] * z[i]).sqrt()).collect(),
            comparable: (0..n).map(|i| columns.is_measured(i)).collect(),
        })
    }

    /// How many objects there are, in all frames together.
    pub fn len(&self) -> usize {
        self.volume.len()
    }

    pub fn is_empty(&self) -> bool {
        self.volume.is_empty()
    }

    /// `frame`, cut to the rows that exist.
    pub(super) fn rows(&self, frame: Range<usize>) -> Range<usize> {
        let end = frame.end.min(self.len());
        frame.start.min(end)..end
    }
}

impl Columns<'_> {
    /// Whether the numbers of row `i` can be those of an object: finite, of a size that cannot overflow, lengths not below 0.
    fn is_measured(&self, i: usize) -> bool {
        self.centre.iter().chain(&self.low).chain([&self.nearest]).all(|column| column[i].abs() <= FARTHEST)
            && self.extent.iter().all(|column| (0.0..=FARTHEST).contains(&column[i]))
    }
}

/// A million kilometres: far beyond any scan, and its cube is far from the largest float.
const FARTHEST: f64 = 1e9;

/// A number that orders directions as `atan2(x, y)` does, from -2 (just left of straight behind) over 0 (straight ahead) to 2.
///
/// It walks the diamond |x| + |y| = 1 instead of the unit circle, which needs no arc tangent.
fn bearing(x: f64, y: f64) -> f64 {
    let along = x / (x.abs() + y.abs());
    if y >= 0.0 { along } else { 2.0f64.copysign(x) - along }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bearing_of_the_eight_winds() {
        let winds = [(0.0, 1.0), (1.0, 1.0), (1.0, 0.0), (1.0, -1.0), (-1.0, -1.0), (-1.0, 0.0), (-1.0, 1.0)];
        assert_eq!(winds.map(|(x, y)| bearing(x, y)), [0.0, 0.5, 1.0, 1.5, -1.5, -1.0, -0.5]);
    }

    proptest! {
        #[test]
        fn bearing_orders_as_the_angle(a in point(), b in point()) {
            let (angle_a, angle_b) = (a.0.atan2(a.1), b.0.atan2(b.1));
            prop_assume!((angle_a - angle_b).abs() > 1e-9);
            prop_assert_eq!(bearing(a.0, a.1) < bearing(b.0, b.1), angle_a < angle_b);
        }
    }

    fn point() -> impl Strategy<Value = (f64, f64)> {
        (-10.0..10.0f64, -10.0..10.0f64)
    }
}
