//! Visibility of a lifted object, from its mask and the depth: what the image border cuts off, and what is occluded.

use super::{Outline, median};
use crate::{DepthImage, Mask};

/// When something stands before an object, and how much of the object is behind it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CoverRule {
    /// Beyond an edge the depth must be nearer by this share before something stands there: the floor before an object comes nearer by less.
    pub nearer: f64,
    /// How much of what a nearer thing covers beside an outline is expected to be the object's: it may reach as far as the cover does, or end
    /// right behind its edge. Against the true shares of 2,211 things in rendered rooms, half is right on average.
    pub expected: f64,
}

impl Default for CoverRule {
    fn default() -> Self {
        Self { nearer: 0.07, expected: 0.5 }
    }
}

/// Depth is compared this many pixels from the edge to both sides, because outlines bleed, in a picture of [`WIDTH`] pixels.
const STEP: u32 = 3;
const WIDTH: u32 = 640;

/// Where planes on both sides of an edge, drawn on to the edge itself, are apart by this share, the nearer one stands before the other:
/// floor before an object, or a table under it, meets it there.
const STEP_BETWEEN: f64 = 0.03;

/// 0-1: what the picture's border leaves of an outline ([`uncut`]), times what things that stand before it leave ([`Cover`]). A box has no
/// edge to follow.
///
/// A thing that stands in front of another one cuts its outline: there the depth rises towards the object. Where the outline is the
/// object's own, it falls away. How much is behind the nearer thing nobody sees, but no more than that thing covers.
///
/// ```
/// use spatialmill_geometry::{DepthImage, Mask, Outline, PixelBox, lift::{CoverRule, shown}};
/// // A board 2 m away, whose lower part is behind a sofa 1 m away; all around is a wall.
/// let mask = Mask::from_box(100, 100, &PixelBox { x0: 30.0, y0: 20.0, x1: 70.0, y1: 60.0 })?;
/// let picture = |sofa: std::ops::Range<u32>| {
///     let metres = (0..10_000).map(|i| if sofa.contains(&(i / 100)) { 1.0 } else if mask.contains(i % 100, i / 100) { 2.0 } else { 4.0 });
///     DepthImage::new(100, 100, metres.collect())
/// };
/// // It covers the 20 rows below the 40 that are seen: 10 of them are expected to be the board's.
/// assert!((shown(&Outline::Mask(&mask), &picture(60..80)?, &CoverRule::default()) - 0.8).abs() < 0.02);
/// // All rows below: as much as is seen is taken for possible, half of it expected.
/// assert!((shown(&Outline::Mask(&mask), &picture(60..100)?, &CoverRule::default()) - 2.0 / 3.0).abs() < 0.02);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn shown(outline: &Outline, depth: &DepthImage, rule: &CoverRule) -> f64 {
    match outline {
        Outline::Mask(mask) => uncut(outline) * Cover::of(mask, depth, rule).leaves,
        Outline::Box { .. } => uncut(outline),
    }
}

/// What nearer things cover of an object, as its outline and the depth around it tell.
///
/// ```text
///     ┌──────┐          Of each row and column the two outermost pixels of the mask are looked at. Where something nearer
///     │ bed  │          stands beyond one, it may cover the bed for as many pixels as it is wide there, and for no more
/// ┌───┴──────┴───┐      than the bed's own height or width is seen.
/// │ ↓ ↓ ↓ table  │
/// └──────────────┘      Here: one whole side (`side` = 1), and all columns as far down as the table reaches.
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cover {
    /// The share of the object that is expected to be seen, 0-1: its pixels over these and `expected` of those that may be covered.
    pub leaves: f64,
    /// Of its left, right, upper and lower side the one that is covered most: the share of its pixels that are no end of the object, 0-1.
    pub side: f64,
}

impl Cover {
    pub fn of(mask: &Mask, depth: &DepthImage, rule: &CoverRule) -> Self {
        let (Some(bounds), area) = (mask.bounds(), mask.area() as f64) else { return Self { leaves: 1.0, side: 0.0 } };
        let ends = Ends::of(mask);
        let reach = |side: f64| side as i64;
        let (across, along) = (reach(bounds.x1 - bounds.x0), reach(bounds.y1 - bounds.y0));
        let sides = [
            (&ends.rows, false, (-1, 0), across),
            (&ends.rows, true, (1, 0), across),
            (&ends.columns, false, (0, -1), along),
            (&ends.columns, true, (0, 1), along),
        ];
        let edge = Edge { mask, depth, step: step(mask) };
        let (mut covered, mut side) = (0, 0.0_f64);
        for (lines, last, towards, at_most) in sides {
            let lengths: Vec<i64> = lines
                .iter()
                .enumerate()
                .filter_map(|(line, ends)| {
                    ends.map(|(first, end)| (line as i64, i64::from(if last { end } else { first })))
                })
                .map(|(line, at)| if towards.0 == 0 { (line, at) } else { (at, line) })
                .map(|at| edge.covered_beyond(at, towards, at_most, rule.nearer))
                .collect();
            covered += lengths.iter().sum::<i64>();
            let closed = lengths.iter().filter(|length| **length > 0).count();
            side = side.max(closed as f64 / lengths.len().max(1) as f64);
        }
        Self { leaves: area / (area + rule.expected * covered as f64), side }
    }
}

/// The first and the last pixel of a mask in each of its rows and columns.
struct Ends {
    rows: Vec<Option<(u32, u32)>>,
    columns: Vec<Option<(u32, u32)>>,
}

impl Ends {
    fn of(mask: &Mask) -> Self {
        let mut ends = Self { rows: vec![None; mask.height() as usize], columns: vec![None; mask.width() as usize] };
        let wider = |ends: &mut Option<(u32, u32)>, at: u32| {
            *ends = Some(ends.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
        };
        for (x, y) in mask.pixels() {
            wider(&mut ends.rows[y as usize], x);
            wider(&mut ends.columns[x as usize], y);
        }
        ends
    }
}

/// Depth on both sides of a mask's edge.
struct Edge<'a> {
    mask: &'a Mask,
    depth: &'a DepthImage,
    /// See [`STEP`].
    step: i64,
}

impl Edge<'_> {
    /// How many pixels beyond an outermost pixel of the mask a nearer thing covers, at most `at_most`; 0 where none stands there.
    fn covered_beyond(&self, at: (i64, i64), towards: (i64, i64), at_most: i64, nearer: f64) -> i64 {
        let beyond = |steps: i64| self.reading((at.0 + steps * towards.0, at.1 + steps * towards.1));
        let within = |steps: i64| {
            let (x, y) = (at.0 - steps * towards.0, at.1 - steps * towards.1);
            let inside =
                u32::try_from(x).ok().zip(u32::try_from(y).ok()).is_some_and(|(x, y)| self.mask.contains(x, y));
            if inside { self.reading((x, y)) } else { None }
        };
        let (Some(other), Some(own)) = (beyond(self.step), within(self.step).or_else(|| within(0))) else { return 0 };
        // The inverse depth of a plane is a straight line in the picture.
        let drawn_on = |near: Option<f64>, far: Option<f64>| Some(2.0 / near? - 1.0 / far?);
        let apart = drawn_on(beyond(self.step), beyond(2 * self.step))
            .zip(drawn_on(within(self.step), within(2 * self.step)))
            .is_some_and(|(other, own)| other > own * (1.0 + STEP_BETWEEN));
        let before = other < own * (1.0 - nearer) || (apart && other < own * (1.0 - STEP_BETWEEN));
        if !before {
            return 0;
        }
        let still = |steps: &i64| {
            self.is_in_picture((at.0 + steps * towards.0, at.1 + steps * towards.1))
                && beyond(*steps).is_none_or(|other| other < own * (1.0 - STEP_BETWEEN))
        };
        // The first pixels are those that the outline may have bled over.
        (self.step..at_most.max(self.step) + self.step).take_while(still).count() as i64
    }

    fn is_in_picture(&self, (x, y): (i64, i64)) -> bool {
        (0..i64::from(self.mask.width())).contains(&x) && (0..i64::from(self.mask.height())).contains(&y)
    }

    fn reading(&self, (x, y): (i64, i64)) -> Option<f64> {
        if !self.is_in_picture((x, y)) {
            return None;
        }
        let (x, y) = self.depth.under(x as u32, y as u32, self.mask.width(), self.mask.height());
        self.depth.reading(x, y)
    }
}

/// [`STEP`] in a mask's own picture.
fn step(mask: &Mask) -> i64 {
    i64::from((STEP * mask.width() / WIDTH).max(1))
}

/// The share of a mask's edge behind which nothing stands that is `nearer` by this share.
pub(super) fn unhidden(mask: &Mask, depth: &DepthImage, nearer: f64) -> f64 {
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
    let step = step(mask);
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
                hidden += u32::from(other < own * (1.0 - nearer));
            }
        }
    }
    if edge == 0 { 1.0 } else { 1.0 - f64::from(hidden) / f64::from(edge) }
}

/// How far from an outline estimated depth is looked at, relative to the picture's longer side: nearer by, networks blend the two sides.
const BLEND: f64 = 0.02;

/// By how much depth must differ for two things to be told apart in it, relative to the one's.
const DIFFERS: f64 = 0.05;

/// The share of a mask's outermost pixels beyond which, once and twice [`BLEND`] away, the depth is not the mask's own: how much of a thing's
/// outline a depth image shows. 1 where nothing is to be seen beyond it.
pub(super) fn standing_out(mask: &Mask, depth: &DepthImage) -> f64 {
    let edge = Edge { mask, depth, step: step(mask) };
    let own = median(mask.pixels().filter_map(|(x, y)| edge.reading((x.into(), y.into()))).collect());
    let blend = ((BLEND * f64::from(mask.width().max(mask.height()))) as i64).max(1);
    let Ends { rows, columns } = Ends::of(mask);
    let across = rows.iter().enumerate().filter_map(|(y, ends)| ends.map(|(left, right)| (y as i64, left, right)));
    let across = across.flat_map(|(y, left, right)| [((left.into(), y), (-1, 0)), ((right.into(), y), (1, 0))]);
    let along = columns.iter().enumerate().filter_map(|(x, ends)| ends.map(|(top, bottom)| (x as i64, top, bottom)));
    let along = along.flat_map(|(x, top, bottom)| [((x, top.into()), (0, -1)), ((x, bottom.into()), (0, 1))]);
    let (mut beyond, mut others) = (0_u32, 0_u32);
    for ((x, y), (dx, dy)) in across.chain(along) {
        for steps in [blend, 2 * blend] {
            if let Some(other) = edge.reading((x + steps * dx, y + steps * dy)) {
                beyond += 1;
                others += u32::from((other - own).abs() > DIFFERS * own);
            }
        }
    }
    if beyond == 0 { 1.0 } else { f64::from(others) / f64::from(beyond) }
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
