//! Lifting from a 2D box without a mask: it gives where the object is, and not how large it is.
//!
//! ```text
//! ┌───────────────┐   What fills the box's middle is the object, at the depth that most of the middle has. Floor and
//! │   ┌───────┐   │   wall around it do not count; a thing that stands before its middle is taken for it, which the
//! │   │middle │   │   quality cannot tell.
//! │   └───────┘   │
//! └───────────────┘   across the view: the box, at that depth; along it: the readings near that depth
//! ```
//!
//! Readings belong together where the furthest is at most a quarter further away than the nearest: the depth of a person, a chair, a car
//! at the distances at which pictures show them whole.

use super::{LiftFailure, LiftRules, Lifted, Sample, at_least, median, trimmed};
use crate::{Bounds, DepthImage, Intrinsics, Mask, OrientedBox, PixelBox, ViewSpace};
use nalgebra::Vector3;

/// What a box was drawn in.
pub(super) struct Picture<'a> {
    pub depth: &'a DepthImage,
    pub height: u32,
    pub width: u32,
    pub intrinsics: &'a Intrinsics,
    pub view: &'a ViewSpace,
}

/// The furthest of readings that belong together, over the nearest.
const TOGETHER: f64 = 1.25;

/// The object; its quality is the share of the middle's pixels that have the depth, times what is held against estimated depth.
pub(super) fn lift_box(bounds: &PixelBox, picture: &Picture, rules: &LiftRules) -> Result<Lifted, LiftFailure> {
    let Picture { depth, height, width, intrinsics, view } = *picture;
    let mask = |part: &PixelBox| Mask::from_box(height, width, part).map_err(|_| LiftFailure::NoPixels);
    let inside = bounds.clipped_to(width, height).ok_or(LiftFailure::NoPixels)?;
    let middle = Sample::of_all(&mask(&middle_of(&inside))?, depth, rules)?;
    at_least(rules.min_readings, middle.readings.len())?;
    let mut depths: Vec<f64> = middle.readings.iter().map(|reading| reading.depth_m).collect();
    depths.sort_by(f64::total_cmp);
    let mode = most_together(&depths);
    let share = mode.len() as f64 / middle.with_readings as f64;
    let (nearest, furthest, typical) = (mode[0], mode[mode.len() - 1], median(mode.to_vec()));

    let at = |x: f64, y: f64, depth_m: f64| view.camera_to_view(&intrinsics.back_project(x, y, depth_m));
    let whole = mask(&inside)?;
    let around = Sample::of_all(&whole, depth, rules)?;
    let ahead: Vec<f64> = around
        .readings
        .iter()
        .filter(|reading| (nearest..=furthest).contains(&reading.depth_m))
        .map(|reading| at(reading.x.into(), reading.y.into(), reading.depth_m).y)
        .collect();
    at_least(rules.min_points, ahead.len())?;
    let points = ahead.len();
    let (low_y, high_y) = trimmed(ahead, rules.trim);
    // The centre of the first pixel is (0, 0), the box's corner lies half a pixel before it.
    let [x0, y0, x1, y1] = [inside.x0, inside.y0, inside.x1, inside.y1].map(|side| side - 0.5);
    let corners = [at(x0, y0, typical), at(x1, y0, typical), at(x0, y1, typical), at(x1, y1, typical)];
    let across = Bounds::of(&corners).ok_or(LiftFailure::NoPixels)?;
    let found = Bounds {
        low: Vector3::new(across.low.x, low_y, across.low.z),
        high: Vector3::new(across.high.x, high_y, across.high.z),
    };
    let picture_area = f64::from(width) * f64::from(height);
    let estimated = rules
        .estimated
        .map_or(1.0, |rules| rules.large_enough(inside.area() / picture_area) * rules.told_apart(&whole, depth));
    Ok(Lifted {
        centre: at(0.5 * (x0 + x1), 0.5 * (y0 + y1), typical),
        nearest: low_y,
        obb: OrientedBox::upright(found.centre(), 0.0, found.extent()),
        bounds: found,
        points,
        lift_quality: middle.with_depth * share * estimated,
        size_quality: 0.0,
    })
}

/// A thing of a picture as a box and how far ahead its nearest reading is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ahead {
    pub bounds: PixelBox,
    pub nearest: f64,
}

/// One box lies inside the other when the smaller shares so much of its area.
const INSIDE: f64 = 0.9;

/// Which part of the middle of each box the boxes of other things leave, 0-1: those that are not clearly further away, since the depth in
/// the middle may be theirs. What is inside a box is a part of the thing or lies on it, and what is around it carries it: neither hides it.
///
/// ```
/// use spatialmill_geometry::PixelBox;
/// use spatialmill_geometry::lift::{Ahead, uncovered};
/// // A car, a person who stands before the right half of its middle, the car's wheel, and a tree far behind.
/// let thing = |x0, y0, x1, y1, nearest| Ahead { bounds: PixelBox { x0, y0, x1, y1 }, nearest };
/// let things = [thing(0., 40., 80., 80., 6.), thing(40., 30., 75., 95., 4.), thing(10., 60., 30., 80., 6.), thing(0., 0., 99., 70., 20.)];
/// assert_eq!(uncovered(&things)[..3], [0.5, 1.0, 1.0]);
/// ```
pub fn uncovered(things: &[Ahead]) -> Vec<f64> {
    let covers = |cover: &Ahead, thing: &Ahead| {
        let shared = cover.bounds.intersection(&thing.bounds).map_or(0.0, |both| both.area());
        shared > 0.0
            && shared < INSIDE * cover.bounds.area().min(thing.bounds.area())
            && cover.nearest <= TOGETHER * thing.nearest
    };
    let left = |(i, thing): (usize, &Ahead)| {
        let middle = middle_of(&thing.bounds);
        let others = things.iter().enumerate().filter(|(j, cover)| *j != i && covers(cover, thing));
        let parts: Vec<PixelBox> = others.filter_map(|(_, cover)| cover.bounds.intersection(&middle)).collect();
        (1.0 - area_of_all(&parts) / middle.area().max(f64::MIN_POSITIVE)).clamp(0.0, 1.0)
    };
    things.iter().enumerate().map(left).collect()
}

/// The area that boxes cover together: between any two of their left and right sides that follow each other, the same rows are covered.
fn area_of_all(boxes: &[PixelBox]) -> f64 {
    let mut sides: Vec<f64> = boxes.iter().flat_map(|part| [part.x0, part.x1]).collect();
    sides.sort_by(f64::total_cmp);
    let strip = |from: f64, to: f64| {
        let mut rows: Vec<(f64, f64)> =
            boxes.iter().filter(|part| part.x0 <= from && to <= part.x1).map(|part| (part.y0, part.y1)).collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut covered, mut reached) = (0.0, f64::NEG_INFINITY);
        for (low, high) in rows {
            covered += (high - low.max(reached)).max(0.0);
            reached = reached.max(high);
        }
        covered * (to - from)
    };
    sides.windows(2).map(|ends| strip(ends[0], ends[1])).sum()
}

/// The half of a box's width and height around its middle.
fn middle_of(bounds: &PixelBox) -> PixelBox {
    let (by_x, by_y) = (0.25 * (bounds.x1 - bounds.x0), 0.25 * (bounds.y1 - bounds.y0));
    PixelBox { x0: bounds.x0 + by_x, y0: bounds.y0 + by_y, x1: bounds.x1 - by_x, y1: bounds.y1 - by_y }
}

/// The longest run of depths in order that belong together, the nearest of equals.
fn most_together(depths: &[f64]) -> &[f64] {
    let mut best = 0..0;
    let mut start = 0;
    for end in 1..=depths.len() {
        while depths[end - 1] > TOGETHER * depths[start] {
            start += 1;
        }
        if end - start > best.len() {
            best = start..end;
        }
    }
    &depths[best]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn areas_agree_with_counting_pixels(corners in prop::collection::vec((0_u32..20, 0_u32..20, 1_u32..12, 1_u32..12), 0..8)) {
            let boxes: Vec<PixelBox> = corners
                .iter()
                .map(|&(x, y, w, h)| PixelBox { x0: x.into(), y0: y.into(), x1: (x + w).into(), y1: (y + h).into() })
                .collect();
            let inside = |x: u32, y: u32| corners.iter().any(|&(x0, y0, w, h)| (x0..x0 + w).contains(&x) && (y0..y0 + h).contains(&y));
            let counted = (0..32).flat_map(|x| (0..32).map(move |y| (x, y))).filter(|&(x, y)| inside(x, y)).count();
            prop_assert_eq!(area_of_all(&boxes), counted as f64);
        }

        #[test]
        fn no_other_run_is_longer(depths in prop::collection::vec(0.5..20.0, 1..60)) {
            let mut depths: Vec<f64> = depths;
            depths.sort_by(f64::total_cmp);
            let found = most_together(&depths);
            prop_assert!(found[found.len() - 1] <= TOGETHER * found[0]);
            let longest = depths.iter().map(|d| depths.iter().filter(|o| *d <= **o && **o <= TOGETHER * d).count()).max();
            prop_assert_eq!(Some(found.len()), longest);
        }
    }
}
