//! Lifting: from an object's outline in a picture and metric depth to the object in view space.
//!
//! ```text
//! outline ─ erode ─► pixels ─ drop gaps and jumps ─► points ─ drop strays ─► voxels ─ main cluster ─► object
//! ```
//!
//! The steps and their defaults are SpatialRGPT's, with four defects mended. An outline bleeds a pixel onto what is
//! behind it, so its edge is not trusted, nor are pixels next to a jump in depth. The radius that holds a cluster
//! together grows with distance and with the object, as the gaps between its points do; a fixed one shreds large and
//! far objects. Sizes are measured on all points of the cluster, not on thinned ones, and what the lost edge took is
//! given back. Nothing is random.

mod boxed;
mod estimated;
mod size_quality;
#[cfg(test)]
mod tests;
mod visibility;

use crate::cloud::{self, ClusterRule, StrayRule};
use crate::{Bounds, DepthImage, Gravity, Intrinsics, IntrinsicsError, Mask, OrientedBox, PixelBox, ViewSpace};
use nalgebra::Vector3;
use thiserror::Error;

pub use boxed::{Ahead, uncovered};
pub use estimated::EstimatedRules;
pub use visibility::{Cover, CoverRule, shown, uncut};

/// Where an object is in its picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outline<'a> {
    Mask(&'a Mask),
    /// Only a box is known, in a picture of this size. What most of its middle shows is the object; see `boxed`.
    Box {
        bounds: PixelBox,
        height: u32,
        width: u32,
    },
}

/// Numbers that lifting goes by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LiftRules {
    /// At most this many pixels are looked at, evenly spread over the outline.
    pub max_points: u64,
    /// Pixels taken off the mask's edge, unless that leaves fewer than `min_readings`.
    pub erosion: u32,
    /// A pixel whose neighbour is nearer or further by more than this share lies on an edge and is left out.
    pub jump: f64,
    /// Readings beyond this are the sky.
    pub max_depth_m: f64,
    pub strays: StrayRule,
    /// Its radius is a lower bound, see [`LiftRules::reach`].
    pub cluster: ClusterRule,
    /// Cubes that a cloud is thinned out to are at least this large; 3/40 of the cloud's deviation otherwise.
    pub min_voxel_m: f64,
    /// A cluster's radius spans at least this many gaps between neighbouring points.
    pub reach: f64,
    /// Fewer pixels with depth than this make no object.
    pub min_readings: usize,
    /// Fewer points than this in the end make no object.
    pub min_points: usize,
    /// The share of points beyond the bounds on each side: a few always stray.
    pub trim: f64,
    /// Quality of an object whose camera's tilt is unknown.
    pub guessed_gravity: f64,
    /// An object that reaches further away than so many of its widths has no size: it is a row of misreadings, or seen along its length, and of
    /// neither does a person see how large it is.
    pub max_widths_deep: f64,
    /// What things that stand before the object are judged by.
    pub cover: CoverRule,
    /// By how much the depth of a pixel errs 1 m away, as a standard deviation in metres; it grows with the square of the distance.
    pub noise_m: f64,
    /// Where the depth was estimated by a model: what that is judged by.
    pub estimated: Option<EstimatedRules>,
}

impl LiftRules {
    /// For depth that a model estimated.
    pub fn estimated() -> Self {
        let rules = EstimatedRules::default();
        Self { max_depth_m: rules.max_depth_m, estimated: Some(rules), ..Self::default() }
    }

    /// What is left of trust where the camera's tilt was guessed.
    fn certain(&self, view: &ViewSpace) -> f64 {
        match view.gravity() {
            Gravity::Known => 1.0,
            Gravity::Guessed => self.guessed_gravity,
        }
    }
}

impl Default for LiftRules {
    fn default() -> Self {
        Self {
            max_points: 20_000,
            erosion: 1,
            jump: 0.05,
            max_depth_m: 300.0,
            strays: StrayRule::default(),
            cluster: ClusterRule::default(),
            min_voxel_m: 0.01,
            // On a slanted plane of points one gap apart, ten neighbours lie within about 3 gaps.
            reach: 4.0,
            min_readings: 16,
            min_points: 10,
            trim: 0.002,
            guessed_gravity: 0.8,
            max_widths_deep: 3.0,
            cover: CoverRule::default(),
            // Measured for structured light (Khoshelham and Oude Elberink 2012); half a pixel of disparity on a car's stereo camera.
            noise_m: 0.0015,
            estimated: None,
        }
    }
}

/// An object in view space, metres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lifted {
    /// The mean of its thinned cloud: each patch of surface counts the same, near or far.
    pub centre: Vector3<f64>,
    /// Along the view axes.
    pub bounds: Bounds,
    /// Smallest y.
    pub nearest: f64,
    /// Upright.
    pub obb: OrientedBox,
    /// Points that it was made from.
    pub points: usize,
    /// How far its place can be trusted, 0-1, the product of: the share of pixels with depth; the share of points that survived; how
    /// much of the outline, from edge to edge, these points span; how little of the outline the picture's border cuts ([`uncut`]);
    /// `guessed_gravity` where gravity was guessed; what is held against estimated depth, where it is.
    pub lift_quality: f64,
    /// How far its size can be trusted, 0-1: the same, and what is held against its size alone (`size`). A box has no size.
    pub size_quality: f64,
}

/// Why an outline is no object.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum LiftFailure {
    #[error(transparent)]
    Camera(#[from] IntrinsicsError),
    #[error("the outline covers no pixel of the picture")]
    NoPixels,
    #[error("none of the outline's pixels has a depth reading")]
    NoDepth,
    #[error("{found} points are left of the outline, and an object needs {needed}")]
    TooFewPoints { found: usize, needed: usize },
}

impl LiftFailure {
    /// A word to count failures by.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Camera(_) => "bad_camera",
            Self::NoPixels => "no_pixels",
            Self::NoDepth => "no_depth",
            Self::TooFewPoints { .. } => "too_few_points",
        }
    }
}

/// A cluster of fewer cubes than this is too little to tell the object from its surroundings; then all points are it.
const MIN_CLUSTER_VOXELS: usize = 5;

/// The object in view space. `intrinsics` are those of the picture that the outline was drawn in; the depth image
/// shows the same view, at any resolution.
///
/// ```
/// use spatialmill_geometry::{DepthImage, Intrinsics, Mask, Outline, PixelBox, ViewSpace, lift};
/// // A board 1 m wide and 0.5 m high, 2 m ahead, fills 50 x 25 pixels of a camera with a focal length of 100.
/// let board = PixelBox { x0: 25.0, y0: 40.0, x1: 75.0, y1: 65.0 };
/// let mask = Mask::from_box(100, 100, &board)?;
/// let depth = DepthImage::new(100, 100, vec![2.0; 10_000])?;
/// let camera = Intrinsics { fx: 100.0, fy: 100.0, cx: 49.5, cy: 49.5 };
/// let lifted = lift(&Outline::Mask(&mask), &depth, &camera, &ViewSpace::level(), &Default::default())?;
/// assert!((lifted.bounds.extent().x - 1.0).abs() < 0.02);
/// assert!((lifted.bounds.extent().z - 0.5).abs() < 0.02);
/// assert_eq!(lifted.nearest, 2.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn lift(
    outline: &Outline,
    depth: &DepthImage,
    intrinsics: &Intrinsics,
    view: &ViewSpace,
    rules: &LiftRules,
) -> Result<Lifted, LiftFailure> {
    let intrinsics = intrinsics.checked()?;
    match outline {
        Outline::Mask(mask) => lift_mask(outline, mask, depth, &intrinsics, view, rules),
        Outline::Box { bounds, height, width } => {
            let picture = boxed::Picture { depth, height: *height, width: *width, intrinsics: &intrinsics, view };
            let lifted = boxed::lift_box(bounds, &picture, rules)?;
            Ok(Lifted { lift_quality: lifted.lift_quality * uncut(outline) * rules.certain(view), ..lifted })
        }
    }
}

/// Fails with what is missing.
fn at_least(needed: usize, found: usize) -> Result<(), LiftFailure> {
    if found < needed { Err(LiftFailure::TooFewPoints { found, needed }) } else { Ok(()) }
}

fn lift_mask(
    outline: &Outline,
    mask: &Mask,
    depth: &DepthImage,
    intrinsics: &Intrinsics,
    view: &ViewSpace,
    rules: &LiftRules,
) -> Result<Lifted, LiftFailure> {
    let sampled = Sample::of(mask, depth, rules)?;
    at_least(rules.min_readings, sampled.readings.len())?;
    let points: Vec<Vector3<f64>> = sampled
        .readings
        .iter()
        .map(|r| view.camera_to_view(&intrinsics.back_project(r.x.into(), r.y.into(), r.depth_m)))
        .collect();

    let distance = median(sampled.readings.iter().map(|r| r.depth_m).collect());
    let spacing = sampled.pixels_apart * distance / intrinsics.fx.min(intrinsics.fy);
    let (chosen, centre) = main_cluster(&points, spacing, rules);
    at_least(rules.min_points, chosen.len())?;
    let kept: Vec<Vector3<f64>> = chosen.iter().map(|&i| points[i]).collect();

    let trimmed = trimmed_bounds(&kept, rules.trim);
    let is_inside = |p: &Vector3<f64>| p.inf(&trimmed.high) == *p && p.sup(&trimmed.low) == *p;
    let inside: Vec<Vector3<f64>> = kept.iter().filter(|p| is_inside(p)).copied().collect();
    let obb = OrientedBox::upright_of(&inside).ok_or(LiftFailure::NoPixels)?;
    // A point is the centre of a patch that reaches half a step further, and beyond it lies the edge that was lost.
    let lost = (f64::from(sampled.eroded_by) + 0.5 * sampled.pixels_apart) * distance;
    let right = view.rotation().column(0) * (lost / intrinsics.fx);
    let down = view.rotation().column(1) * (lost / intrinsics.fy);
    let given_back = right.abs() + down.abs();
    let bounds = Bounds { low: trimmed.low - given_back, high: trimmed.high + given_back };
    let grown: [f64; 3] =
        std::array::from_fn(|k| obb.lengths[k] + 2.0 * (obb.axes[k].dot(&right).abs() + obb.axes[k].dot(&down).abs()));

    let estimated = rules.estimated.map_or(1.0, |estimated| estimated.quality(mask, depth, &sampled, &rules.cover));
    let survived = kept.len() as f64 / points.len() as f64;
    let spanned = sampled.spanned(chosen.iter().map(|&i| &sampled.readings[i]));
    let measured = chosen.iter().filter(|&&i| is_inside(&points[i])).map(|&i| &sampled.readings[i]);
    let [columns, rows] = sampled.missed(mask, measured);
    let missed = view.rotation().column(0).abs() * (columns * distance / intrinsics.fx)
        + view.rotation().column(1).abs() * (rows * distance / intrinsics.fy);
    let lift_quality = sampled.with_depth * survived * spanned * uncut(outline) * rules.certain(view) * estimated;
    Ok(Lifted {
        centre,
        bounds,
        nearest: bounds.low.y,
        obb: OrientedBox { lengths: grown.into(), ..obb },
        points: kept.len(),
        lift_quality,
        size_quality: lift_quality
            * size_quality::by_depth(&bounds, distance, rules)
            * size_quality::by_missed(&bounds, &missed)
            * size_quality::by_outline(mask, &Cover::of(mask, depth, &rules.cover)),
    })
}

/// A pixel with depth.
struct Reading {
    x: u32,
    y: u32,
    depth_m: f64,
}

/// Pixels of an outline that have a depth to go by.
struct Sample {
    readings: Vec<Reading>,
    /// The share of the pixels looked at that had a reading, before those next to a jump were left out.
    with_depth: f64,
    /// How many that were.
    with_readings: u64,
    /// How far apart the pixels looked at are, pixels.
    pixels_apart: f64,
    eroded_by: u32,
    /// How wide and high the pixels looked at are together, [`span`].
    spans: [f64; 2],
}

impl Sample {
    /// The pixels of a mask, but for its edge where it is thick enough.
    fn of(mask: &Mask, depth: &DepthImage, rules: &LiftRules) -> Result<Self, LiftFailure> {
        let eroded = mask.eroded(rules.erosion);
        let thick = eroded.area() >= rules.min_readings as u64;
        if !thick {
            return Self::of_all(mask, depth, rules);
        }
        let sample = Self::of_all(&eroded, depth, rules)?;
        // What is thin is gone with the edge, a lamp's pole and a shelf's sides, and is a part of the outline all the same.
        let (columns, rows) = mask.pixels().unzip();
        let lost = 2.0 * f64::from(rules.erosion);
        let spans = [(span(columns), sample.spans[0]), (span(rows), sample.spans[1])];
        let spans = spans.map(|(whole, left)| (whole - lost).max(left));
        Ok(Self { eroded_by: rules.erosion, spans, ..sample })
    }

    fn of_all(mask: &Mask, depth: &DepthImage, rules: &LiftRules) -> Result<Self, LiftFailure> {
        let area = mask.area();
        if area == 0 {
            return Err(LiftFailure::NoPixels);
        }
        let wanted = area.min(rules.max_points.max(1));
        // Spread evenly and without rounding: pixel i is looked at when i · wanted / area moves on to a new number.
        let looked_at = (0..area).zip(mask.pixels()).filter(|(i, _)| i * wanted % area < wanted);
        let mut with_depth = 0_u64;
        let mut readings = Vec::new();
        let (mut columns, mut rows) = (Vec::new(), Vec::new());
        for (_, (x, y)) in looked_at {
            columns.push(x);
            rows.push(y);
            let (at_x, at_y) = depth.under(x, y, mask.width(), mask.height());
            let Some(depth_m) = depth.reading(at_x, at_y).filter(|depth_m| *depth_m <= rules.max_depth_m) else {
                continue;
            };
            with_depth += 1;
            if !next_to_jump(depth, at_x, at_y, depth_m, rules.jump) {
                readings.push(Reading { x, y, depth_m });
            }
        }
        if with_depth == 0 {
            return Err(LiftFailure::NoDepth);
        }
        let pixels_apart = (area as f64 / wanted as f64).sqrt();
        let spans = [span(columns), span(rows)];
        let share = with_depth as f64 / wanted as f64;
        Ok(Self { readings, with_depth: share, with_readings: with_depth, pixels_apart, eroded_by: 0, spans })
    }

    /// The share of the readings that lie on no jump.
    fn steady(&self) -> f64 {
        if self.with_readings == 0 { 0.0 } else { self.readings.len() as f64 / self.with_readings as f64 }
    }

    /// By how much the outline is wider and higher than the readings that its size was measured by, pixels, beyond the edge that was given back:
    /// what is thin, or apart, is a part of the thing and was not measured.
    fn missed<'a>(&self, mask: &Mask, measured: impl Iterator<Item = &'a Reading>) -> [f64; 2] {
        let (columns, rows): (Vec<u32>, Vec<u32>) = measured.map(|r| (r.x, r.y)).unzip();
        let (mask_columns, mask_rows): (Vec<u32>, Vec<u32>) = mask.pixels().unzip();
        let given_back = 2.0 * f64::from(self.eroded_by) + self.pixels_apart;
        let missed = |whole, part| (reach(whole, WHISKERS) - reach(part, 0) - given_back).max(0.0);
        [missed(mask_columns, columns), missed(mask_rows, rows)]
    }

    /// The share of the outline's width and height, multiplied, that some of its readings reach over: a lamp's shade does not
    /// stand for the lamp, nor a headboard for the bed.
    fn spanned<'a>(&self, readings: impl Iterator<Item = &'a Reading>) -> f64 {
        let (columns, rows) = readings.map(|r| (r.x, r.y)).unzip();
        let share = |part: f64, whole: f64| (part / whole).min(1.0);
        share(span(columns), self.spans[0]) * share(span(rows), self.spans[1])
    }
}

/// One pixel in so many on each side is no part of an outline's reach: a whisker. The sides of a board that is seen edge-on are one in a hundred.
const WHISKERS: usize = 400;

/// How far pixels reach along one axis, pixels, when the outermost 2 of 100 on each side do not count: outlines have whiskers.
fn span(along: Vec<u32>) -> f64 {
    reach(along, 50)
}

/// The same, when one in `whiskers` on each side does not count; all do where that is 0.
fn reach(mut along: Vec<u32>, whiskers: usize) -> f64 {
    along.sort_unstable();
    let left_out = along.len().checked_div(whiskers).unwrap_or_default();
    match (along.get(left_out), along.get(along.len().wrapping_sub(1 + left_out))) {
        (Some(low), Some(high)) => f64::from(high - low + 1),
        _ => 1.0,
    }
}

fn next_to_jump(depth: &DepthImage, x: u32, y: u32, depth_m: f64, jump: f64) -> bool {
    let beside = [(x.wrapping_sub(1), y), (x + 1, y), (x, y.wrapping_sub(1)), (x, y + 1)];
    beside
        .into_iter()
        .filter_map(|(x, y)| depth.reading(x, y))
        .any(|other| (other - depth_m).abs() > jump * depth_m.min(other))
}

/// Which points are the object, and the mean of its voxels. `spacing` is how far apart neighbouring points are.
fn main_cluster(points: &[Vector3<f64>], spacing: f64, rules: &LiftRules) -> (Vec<usize>, Vector3<f64>) {
    let steady = cloud::without_strays(points, &rules.strays);
    let cloud: Vec<Vector3<f64>> = steady.iter().map(|&i| points[i]).collect();
    let size_m = rules.min_voxel_m.max(3.0 / 40.0 * deviation(&cloud));
    let thinned = cloud::voxels(&cloud, size_m);
    let radius_m = rules.cluster.radius_m.max(rules.reach * size_m.max(spacing));
    let cluster = ClusterRule { radius_m, ..rules.cluster };
    let mut chosen = cloud::largest_cluster(&thinned.centres, &cluster);
    if chosen.len() < MIN_CLUSTER_VOXELS {
        chosen = (0..thinned.centres.len()).collect();
    }
    let mut is_chosen = vec![false; thinned.centres.len()];
    chosen.iter().for_each(|&voxel| is_chosen[voxel] = true);
    let kept = steady.iter().zip(&thinned.of_point).filter(|(_, voxel)| is_chosen[**voxel]).map(|(&i, _)| i).collect();
    let centre = chosen.iter().map(|&voxel| thinned.centres[voxel]).sum::<Vector3<f64>>() / chosen.len().max(1) as f64;
    (kept, centre)
}

/// The length of the vector of the coordinates' standard deviations.
fn deviation(points: &[Vector3<f64>]) -> f64 {
    let count = points.len().max(1) as f64;
    let mean = points.iter().sum::<Vector3<f64>>() / count;
    (points.iter().map(|p| (p - mean).norm_squared()).sum::<f64>() / count).sqrt()
}

/// Bounds that leave the share `trim` of the points out on each side of each axis.
fn trimmed_bounds(points: &[Vector3<f64>], trim: f64) -> Bounds {
    let sides = [0, 1, 2].map(|k| trimmed(points.iter().map(|p| p[k]).collect(), trim));
    Bounds { low: sides.map(|(low, _)| low).into(), high: sides.map(|(_, high)| high).into() }
}

/// The ends of what is left when the share `trim` is left out on each side; there is one number at least.
fn trimmed(mut along: Vec<f64>, trim: f64) -> (f64, f64) {
    let left_out = ((along.len() as f64 * trim) as usize).min(along.len().saturating_sub(1) / 2);
    along.sort_by(f64::total_cmp);
    (along[left_out], along[along.len() - 1 - left_out])
}

fn median(mut values: Vec<f64>) -> f64 {
    let middle = values.len() / 2;
    // Never empty: the caller has asked for `min_readings` points, but a rule of 0 must not panic.
    if values.is_empty() { 0.0 } else { *values.select_nth_unstable_by(middle, f64::total_cmp).1 }
}
