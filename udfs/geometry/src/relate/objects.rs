//! The objects that are compared, as columns: view space, metres, one row an object, the rows of a frame side by side.

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

/// [`Columns`] of one length.
#[derive(Debug, Clone, Copy)]
pub struct Objects<'a> {
    pub(super) columns: Columns<'a>,
}

impl<'a> Objects<'a> {
    /// `None` when the columns differ in length.
    pub fn new(columns: Columns<'a>) -> Option<Self> {
        let Columns { centre, extent, low, nearest } = &columns;
        let same = centre.iter().chain(extent).chain(low).all(|column| column.len() == nearest.len());
        same.then_some(Self { columns })
    }

    /// How many objects there are, in all frames together.
    pub fn len(&self) -> usize {
        self.columns.nearest.len()
    }

    pub fn is_empty(&self) -> bool {
        self.columns.nearest.is_empty()
    }

    /// False for an object with a number that is no measurement: not finite, so large that it could overflow, a length below 0.
    /// It stands in no relation to anything.
    pub(super) fn is_comparable(&self, row: usize) -> bool {
        let Columns { centre, extent, low, nearest } = &self.columns;
        // All of them, without a branch for each.
        let far =
            centre.iter().chain(low).fold(nearest[row].abs() <= FARTHEST, |all, of| all & (of[row].abs() <= FARTHEST));
        extent.iter().fold(far, |all, of| all & (of[row] >= 0.0) & (of[row] <= FARTHEST))
    }

    pub(super) fn volume(&self, row: usize) -> f64 {
        let [dx, dy, dz] = self.columns.extent;
        dx[row] * dy[row] * dz[row]
    }

    /// Orders as the angle to the right of straight ahead does.
    pub(super) fn bearing(&self, row: usize) -> f64 {
        let [x, y, _] = self.columns.centre;
        bearing(x[row], y[row])
    }

    /// Height over horizontal distance: orders as the angle above the horizon does.
    pub(super) fn slope(&self, row: usize) -> f64 {
        let [x, y, z] = self.columns.centre;
        z[row] / (x[row] * x[row] + y[row] * y[row]).sqrt()
    }

    /// From the optical centre to the centre of the object.
    pub(super) fn distance(&self, row: usize) -> f64 {
        let [x, y, z] = self.columns.centre;
        (x[row] * x[row] + y[row] * y[row] + z[row] * z[row]).sqrt()
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
