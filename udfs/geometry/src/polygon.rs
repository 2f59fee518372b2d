//! Polygons in a plane: the convex hull of points, the area inside an outline, and what half-planes leave of a convex polygon.
//!
//! A polygon is its corners in order, without the first one again at the end. The plane is the ground plan (metres) or a picture (pixels).

/// The area inside an outline that does not cross itself, in the unit of its corners squared (the shoelace formula). Either direction of the
/// corners gives the same area; fewer than three corners have none.
///
/// ```
/// use spatialmill_geometry::polygon::area;
/// // An L: a square of 2 without one of its quarters, somewhere in a national grid.
/// let corners = [[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [1.0, 1.0], [1.0, 2.0], [0.0, 2.0]];
/// assert_eq!(area(&corners.map(|[x, y]| [x + 33_500_000.0, y + 5_800_000.0])), 3.0);
/// assert_eq!(area(&corners[..2]), 0.0);
/// ```
pub fn area(polygon: &[[f64; 2]]) -> f64 {
    let Some((origin, rest)) = polygon.split_first() else { return 0.0 };
    // Seen from one of the corners, so that a plan far from the origin loses no digits.
    let from_origin = |p: &[f64; 2]| [p[0] - origin[0], p[1] - origin[1]];
    let pairs = rest.windows(2).map(|pair| (from_origin(&pair[0]), from_origin(&pair[1])));
    let twice: f64 = pairs.map(|(a, b)| a[0] * b[1] - a[1] * b[0]).sum();
    (twice * 0.5).abs()
}

/// From a point to a convex polygon with its corners counter-clockwise; 0 on it. A polygon of two corners is a line, of one a point, and nothing is near
/// one without corners.
///
/// ```
/// use spatialmill_geometry::polygon::distance_to_convex;
/// let square = [[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]];
/// assert_eq!([[1.0, 1.5], [1.0, 3.0], [5.0, 6.0]].map(|point| distance_to_convex(&square, point)), [0.0, 1.0, 5.0]);
/// assert_eq!(distance_to_convex(&square[..1], [3.0, 4.0]), 5.0);
/// ```
pub fn distance_to_convex(polygon: &[[f64; 2]], point: [f64; 2]) -> f64 {
    nearest_of_convex(polygon, point).map_or(f64::INFINITY, |nearest| distance(nearest, point))
}

/// The point of a convex polygon, as in [`distance_to_convex`], that is nearest to a point: itself where it lies on the polygon.
pub(crate) fn nearest_of_convex(polygon: &[[f64; 2]], point: [f64; 2]) -> Option<[f64; 2]> {
    if polygon.len() > 2 && sides(polygon).all(|(a, b)| doubled_area(a, b, point) >= 0.0) {
        return Some(point);
    }
    let of_side = |(a, b): ([f64; 2], [f64; 2])| {
        let (along, to_point) = ([b[0] - a[0], b[1] - a[1]], [point[0] - a[0], point[1] - a[1]]);
        let squared = along[0] * along[0] + along[1] * along[1];
        let share = (to_point[0] * along[0] + to_point[1] * along[1]) / squared;
        // The side of a single corner has no length.
        let share = if squared > 0.0 { share.clamp(0.0, 1.0) } else { 0.0 };
        [a[0] + along[0] * share, a[1] + along[1] * share]
    };
    sides(polygon).map(of_side).min_by(|a, b| distance(*a, point).total_cmp(&distance(*b, point)))
}

fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// The length of a closed outline; of two points, there and back.
pub(crate) fn perimeter(polygon: &[[f64; 2]]) -> f64 {
    sides(polygon).map(|(a, b)| (b[0] - a[0]).hypot(b[1] - a[1])).sum()
}

/// The sides of a closed outline.
pub(crate) fn sides(polygon: &[[f64; 2]]) -> impl Iterator<Item = ([f64; 2], [f64; 2])> {
    polygon.iter().zip(polygon.iter().cycle().skip(1)).map(|(a, b)| (*a, *b))
}

/// The corners of the convex hull, counter-clockwise; one or two points when that is all there is (Andrew 1979).
pub(crate) fn convex_hull(mut points: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    points.sort_unstable_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    points.dedup();
    if points.len() < 3 {
        return points;
    }
    let mut hull: Vec<[f64; 2]> = Vec::new();
    for half in [&mut points.iter() as &mut dyn Iterator<Item = &[f64; 2]>, &mut points.iter().rev()] {
        let start = hull.len();
        for &p in half {
            while hull.len() >= start + 2 && doubled_area(hull[hull.len() - 2], hull[hull.len() - 1], p) <= 0.0 {
                hull.pop();
            }
            hull.push(p);
        }
        // The last point of one half is the first of the other.
        hull.pop();
    }
    hull
}

/// Twice the area of a triangle, positive where its corners go counter-clockwise.
pub(crate) fn doubled_area(a: [f64; 2], b: [f64; 2], c: [f64; 2]) -> f64 {
    (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}

/// What is left of a convex polygon where each of `inside` is at least 0 (Sutherland and Hodgman 1974). Each is a linear function, positive on
/// one side of a line.
pub(crate) fn clipped<F: Fn(&[f64; 2]) -> f64>(
    polygon: &[[f64; 2]],
    inside: impl IntoIterator<Item = F>,
) -> Vec<[f64; 2]> {
    inside.into_iter().fold(polygon.to_vec(), |polygon, inside| {
        let mut kept = Vec::new();
        for (a, b) in sides(&polygon) {
            let (a_in, b_in) = (inside(&a), inside(&b));
            if a_in >= 0.0 {
                kept.push(a);
            }
            if (a_in < 0.0) != (b_in < 0.0) {
                let share = a_in / (a_in - b_in);
                kept.push([a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share]);
            }
        }
        kept
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn points() -> impl Strategy<Value = Vec<[f64; 2]>> {
        prop::collection::vec([-10.0..10.0_f64, -10.0..10.0], 1..40)
    }

    fn within(hull: &[[f64; 2]]) -> impl Iterator<Item = impl Fn(&[f64; 2]) -> f64> {
        sides(hull).map(|(a, b)| move |p: &[f64; 2]| doubled_area(a, b, *p))
    }

    proptest! {
        #[test]
        fn a_hull_is_convex_and_holds_its_points(points in points()) {
            let hull = convex_hull(points.clone());
            prop_assert!(points.iter().all(|p| within(&hull).all(|inside| inside(p) >= -1e-9)));
        }

        /// What two convex polygons share is the same whichever is cut by the other, and as large as a grid of points in both says.
        #[test]
        fn two_hulls_share_what_a_grid_says(a in points(), b in points()) {
            let (a, b) = (convex_hull(a), convex_hull(b));
            prop_assume!(a.len() > 2 && b.len() > 2);
            let shared = area(&clipped(&a, within(&b)));
            prop_assert!((shared - area(&clipped(&b, within(&a)))).abs() < 1e-9);
            let grid = (0..200 * 200).map(|i| [f64::from(i % 200) * 0.1 - 9.95, f64::from(i / 200) * 0.1 - 9.95]);
            let both = grid.filter(|p| within(&a).all(|inside| inside(p) > 0.0) && within(&b).all(|inside| inside(p) > 0.0));
            prop_assert!((shared - both.count() as f64 * 0.01).abs() < 2.0, "{shared}");
        }
    }
}
