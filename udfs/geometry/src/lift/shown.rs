//! How much of an object its picture shows, as far as outline and depth tell: what the border cuts off, and what other things hide.

use super::Outline;
use crate::{DepthImage, Mask};

/// Beyond an edge the depth must be nearer by this share before something stands there: the floor before an object comes nearer by
/// less.
const NEARER: f64 = 0.07;

/// Depth is compared this many pixels from the edge to both sides, because outlines bleed, in a picture of [`WIDTH`] pixels.
const STEP: u32 = 3;
const WIDTH: u32 = 640;

/// 0-1: what the picture's border leaves of an outline ([`uncut`]), times the share of its edge behind which nothing nearer stands.
///
/// A thing that stands in front of another one cuts its outline: there the depth rises towards the object. Where the outline is the
/// object's own, it falls away. A box has no edge to follow.
///
/// ```
/// use spatialmill_geometry::{DepthImage, Mask, Outline, PixelBox, lift::shown};
/// // A board 2 m away, whose lower half is behind a sofa 1 m away; all around is a wall.
/// let mask = Mask::from_box(100, 100, &PixelBox { x0: 30.0, y0: 20.0, x1: 70.0, y1: 60.0 })?;
/// let metres = (0..10_000).map(|i| if i / 100 >= 60 { 1.0 } else if mask.contains(i % 100, i / 100) { 2.0 } else { 4.0 });
/// let depth = DepthImage::new(100, 100, metres.collect())?;
/// assert!((shown(&Outline::Mask(&mask), &depth) - 0.75).abs() < 0.02);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn shown(outline: &Outline, depth: &DepthImage) -> f64 {
    match outline {
        Outline::Mask(mask) => uncut(outline) * unhidden(mask, depth),
        Outline::Box { .. } => uncut(outline),
    }
}

/// The share of a mask's edge behind which nothing nearer stands.
pub(super) fn unhidden(mask: &Mask, depth: &DepthImage) -> f64 {
    let (width, height) = (mask.width() as usize, mask.height() as usize);
    let mut inside = vec![false; width * height];
    mask.pixels().for_each(|(x, y)| inside[y as usize * width + x as usize] = true);
    let at = |x: i64, y: i64| {
        let (x, y) = (usize::try_from(x).ok()?, usize::try_from(y).ok()?);
        (x < width && y < height).then_some(y * width + x)
    };
    let reading = |x: i64, y: i64| {
        let (x, y) = depth.under(x as u32, y as u32, mask.width(), mask.height());
        depth.reading(x, y)
    };
    let step = i64::from((STEP * mask.width() / WIDTH).max(1));
    let (mut edge, mut hidden) = (0_u32, 0_u32);
    for (x, y) in mask.pixels() {
        let (x, y) = (i64::from(x), i64::from(y));
        for (dx, dy) in [(1, 0), (-1, 0), (0, 1), (0, -1)] {
            let next = at(x + dx, y + dy).is_some_and(|next| !inside[next]);
            let (out, back) = ((x + step * dx, y + step * dy), (x - step * dx, y - step * dy));
            let beyond = at(out.0, out.1).is_some_and(|out| !inside[out]);
            let within = at(back.0, back.1).is_some_and(|back| inside[back]);
            if !(next && beyond && within) {
                continue;
            }
            if let (Some(other), Some(own)) = (reading(out.0, out.1), reading(back.0, back.1)) {
                edge += 1;
                hidden += u32::from(other < own * (1.0 - NEARER));
            }
        }
    }
    if edge == 0 { 1.0 } else { 1.0 - f64::from(hidden) / f64::from(edge) }
}

/// How little the picture's border cuts an outline, 0-1: one less the length along which it touches the border, over
/// half its box's perimeter. A cut object's true size is unknown.
pub fn uncut(outline: &Outline) -> f64 {
    let (bounds, touching) = match outline {
        Outline::Mask(mask) => {
            let Some(bounds) = mask.bounds() else { return 0.0 };
            let (right, bottom) = (mask.width() - 1, mask.height() - 1);
            let sides = |(x, y): (u32, u32)| {
                [x == 0, x == right, y == 0, y == bottom].into_iter().filter(|touches| *touches).count()
            };
            (bounds, mask.pixels().map(sides).sum::<usize>() as f64)
        }
        Outline::Box { bounds, height, width } => {
            let Some(inside) = bounds.clipped_to(*width, *height) else { return 0.0 };
            let (across, along) = (inside.x1 - inside.x0, inside.y1 - inside.y0);
            // Within half a pixel of the border, because detectors round.
            let touches = |edge: f64, border: u32| f64::from(u8::from((edge - f64::from(border)).abs() <= 0.5));
            let upright = touches(inside.x0, 0) + touches(inside.x1, *width);
            let level = touches(inside.y0, 0) + touches(inside.y1, *height);
            (inside, upright * along + level * across)
        }
    };
    (1.0 - touching / (bounds.x1 - bounds.x0 + bounds.y1 - bounds.y0)).max(0.0)
}
