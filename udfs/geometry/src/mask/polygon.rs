//! Polygon to mask, pixel for pixel as pycocotools does it.
//!
//! A plain scanline fill would differ on the outline, and with it every area and box that others compute from the
//! same annotations. COCO's rule: take the outline on a grid five times as fine, and note where it crosses the middle
//! of a pixel column, and how far down. Each crossing flips the pixels from there on in column order; an even number
//! of crossings has flipped back. Rounding is C's: add a half, cut towards zero.

use super::{Mask, MaskError, Runs};

/// Fine cells per pixel.
const SCALE: f64 = 5.0;

/// Steps along the outlines of one object, before a hostile polygon that leaps to and fro is refused. Drawn outlines
/// take less than a million.
pub(super) const MAX_STEPS: u64 = 1 << 26;

/// Fine coordinates beyond this are refused; pictures end at 2^28 pixels, and C's `int` would overflow.
const MAX_COORDINATE: f64 = 1e8;

pub(super) fn fill(height: u32, width: u32, polygon: &[f64], steps_left: &mut u64) -> Result<Mask, MaskError> {
    let mut runs = Runs::new(height, width)?;
    if polygon.len() < 6 || polygon.len() % 2 == 1 {
        return Err(MaskError::PolygonLength { numbers: polygon.len() });
    }
    let corners = polygon.chunks_exact(2).map(|p| Ok((fine(p[0])?, fine(p[1])?))).collect::<Result<Vec<_>, _>>()?;
    let edges = || (0..corners.len()).map(|i| (corners[i], corners[(i + 1) % corners.len()]));
    for (a, b) in edges() {
        let steps = u64::from(a.0.abs_diff(b.0).max(a.1.abs_diff(b.1))) + 1;
        *steps_left = steps_left.checked_sub(steps).ok_or(MaskError::PolygonCoordinates)?;
    }

    let mut crossings = Vec::new();
    let mut before: Option<(i32, i32)> = None;
    for (a, b) in edges() {
        walk(a, b, |u, v| {
            if let Some((u_before, v_before)) = before
                && u != u_before
            {
                crossings.extend(crossing(height, width, u.min(u_before), v.min(v_before)));
            }
            before = Some((u, v));
        });
    }
    crossings.sort_unstable();
    for pair in crossings.chunks(2) {
        // An outline is closed, so crossings come in pairs; at the picture's left and right border one of a pair may
        // be missing, and the pixels stay flipped to the end.
        runs.push_span(pair[0], *pair.get(1).unwrap_or(&runs.pixels()))?;
    }
    Ok(runs.complete())
}

fn fine(coordinate: f64) -> Result<i32, MaskError> {
    let fine = SCALE * coordinate + 0.5;
    // A NaN fails the comparison too.
    if fine.abs() <= MAX_COORDINATE { Ok(fine as i32) } else { Err(MaskError::PolygonCoordinates) }
}

/// Calls `visit` with each fine cell from `a` to `b`, both included, one step at a time along the longer direction.
fn walk(a: (i32, i32), b: (i32, i32), mut visit: impl FnMut(i32, i32)) {
    let (dx, dy) = ((b.0 - a.0).abs(), (b.1 - a.1).abs());
    let along_x = dx >= dy;
    let backwards = if along_x { a.0 > b.0 } else { a.1 > b.1 };
    // Always rounded from the lower end, so that an edge rounds alike in both directions.
    let (from, to) = if backwards { (b, a) } else { (a, b) };
    let length = dx.max(dy);
    if length == 0 {
        return visit(from.0, from.1);
    }
    let slope = if along_x { f64::from(to.1 - from.1) } else { f64::from(to.0 - from.0) } / f64::from(length);
    let at = |start: i32, step: i32| (f64::from(start) + slope * f64::from(step) + 0.5) as i32;
    for step in 0..=length {
        let step = if backwards { length - step } else { step };
        if along_x {
            visit(from.0 + step, at(from.1, step));
        } else {
            visit(at(from.0, step), from.1 + step);
        }
    }
}

/// The pixel, in column order, from which on a crossing flips; `None` unless it is in the middle of a column of the
/// picture. `u` and `v` are the lesser of the two fine cells.
fn crossing(height: u32, width: u32, u: i32, v: i32) -> Option<u64> {
    let x = (f64::from(u) + 0.5) / SCALE - 0.5;
    if x.floor() != x || x < 0.0 || x > f64::from(width) - 1.0 {
        return None;
    }
    let y = ((f64::from(v) + 0.5) / SCALE - 0.5).clamp(0.0, f64::from(height)).ceil();
    Some(x as u64 * u64::from(height) + y as u64)
}
