//! What a box covers of the ground plan, and how much two boxes have of it in common.

use crate::OrientedBox;
use crate::polygon::{area, clipped, convex_hull, doubled_area, perimeter, sides};

impl OrientedBox {
    /// The convex outline of the box seen from above, counter-clockwise (x, y): four corners of an upright box, up to six of a tilted one, two of
    /// an upright plate, one of a pole without thickness.
    pub fn footprint(&self) -> Vec<[f64; 2]> {
        convex_hull(self.corners().iter().map(|corner| [corner.x, corner.y]).collect())
    }

    /// The share of the smaller footprint that lies on the larger one, 0-1: 1 where one object stands on, under or in the other, 0 where they
    /// stand side by side. A plate or a pole has a footprint without area, of which length and place count. `None` where neither has an area.
    ///
    /// ```
    /// use spatialmill_geometry::{OrientedBox, Vector3};
    /// let table = OrientedBox::upright(Vector3::new(0.0, 0.0, 0.4), 0.0, Vector3::new(2.0, 1.0, 0.8));
    /// let lamp = |x| OrientedBox::upright(Vector3::new(x, 0.0, 1.0), 0.0, Vector3::new(0.2, 0.2, 0.4));
    /// assert_eq!(table.footprint_overlap(&lamp(0.5)), Some(1.0));
    /// assert!((lamp(1.0).footprint_overlap(&table).unwrap() - 0.5).abs() < 1e-12);
    /// assert_eq!(table.footprint_overlap(&lamp(2.0)), Some(0.0));
    /// ```
    pub fn footprint_overlap(&self, other: &Self) -> Option<f64> {
        let (a, b) = (self.footprint(), other.footprint());
        let (smaller, larger) = if area(&a) <= area(&b) { (a, b) } else { (b, a) };
        if area(&larger) < NO_AREA_M2 {
            return None;
        }
        let shared = clipped(&smaller, sides(&larger).map(|(a, b)| move |p: &[f64; 2]| doubled_area(a, b, *p)));
        let share = if area(&smaller) >= NO_AREA_M2 {
            area(&shared) / area(&smaller)
        } else if perimeter(&smaller) > 0.0 {
            perimeter(&shared) / perimeter(&smaller)
        } else {
            f64::from(u8::from(!shared.is_empty()))
        };
        Some(share.min(1.0))
    }
}

/// A square millimetre: what is smaller is a plate or a pole.
const NO_AREA_M2: f64 = 1e-6;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::oriented_box;
    use nalgebra::Vector3;
    use proptest::prelude::*;

    #[test]
    fn plates_and_poles_count_by_length_and_place() {
        let table = OrientedBox::upright(Vector3::zeros(), 0.0, Vector3::new(2.0, 2.0, 1.0));
        let plate = OrientedBox::upright(Vector3::new(1.0, 0.0, 0.0), 0.0, Vector3::new(1.0, 0.0, 1.0));
        assert!((table.footprint_overlap(&plate).unwrap() - 0.5).abs() < 1e-12);
        let pole = |x| OrientedBox::upright(Vector3::new(x, 0.0, 0.0), 0.0, Vector3::new(0.0, 0.0, 1.0));
        assert_eq!((table.footprint_overlap(&pole(0.3)), table.footprint_overlap(&pole(3.0))), (Some(1.0), Some(0.0)));
        assert_eq!(plate.footprint_overlap(&pole(1.0)), None);
    }

    proptest! {
        #[test]
        fn is_a_share_and_symmetric(a in oriented_box(), b in oriented_box()) {
            let share = a.footprint_overlap(&b).unwrap();
            prop_assert!((0.0..=1.0).contains(&share));
            prop_assert!((share - b.footprint_overlap(&a).unwrap()).abs() < 1e-9);
            prop_assert!(a.footprint_overlap(&a).unwrap() > 1.0 - 1e-9);
        }
    }
}
