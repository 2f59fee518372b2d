//! The struct argument `frame` of SQL functions: size, intrinsics, pose, depth and trust of a frame, one value a row.

use arrow::array::{Array, AsArray, StringArray, StructArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::error::Result;
use spatialmill_columns::Record;
use spatialmill_columns::types::{PoseColumn, Vec3Column};
use spatialmill_geometry::{Intrinsics, Rigid, ViewSpace};

use crate::tables::Unusable;

/// One frame's camera.
#[derive(Debug, Clone)]
pub struct Frame {
    pub frame_id: String,
    pub width: u32,
    pub height: u32,
    pub intrinsics: Intrinsics,
    pub world_from_camera: Option<Rigid>,
    pub view: ViewSpace,
    pub depth_uri: Option<String>,
    pub depth_scale: Option<f64>,
    pub exhaustive: bool,
    /// True where a model estimated the depth.
    pub estimated: bool,
    /// How far its camera and depth can be trusted (0-1).
    pub trust: f64,
    /// How far, beyond that, the place of a thing can be trusted of which nothing is known but a 2D box (0-1).
    pub box_trust: f64,
    /// By how much its depth errs 1 m away, metres.
    pub depth_noise: f64,
    /// How far a projected object is trusted where the frame's depth image says what hides it (0-1).
    pub depth_occlusion_trust: f64,
    /// How far a projected object is trusted where the scene's other boxes say what hides it (0-1).
    pub box_occlusion_trust: f64,
    /// The share of a thing's outline that a model's depth must show before the thing is trusted (0-1).
    pub stands_out: f64,
}

/// The frames of a struct column, each or what is wrong with it.
pub fn frames_of(column: &StructArray) -> Result<Vec<(String, Result<Frame, Unusable>)>> {
    let record = Record(column);
    let ids = record.text("frame_id")?;
    let depth_uris = record.text("depth_uri")?;
    let number = |name: &str| -> Result<Vec<f64>> { Ok(record.number(name)?.or_nan().into_owned()) };
    let (widths, heights, scales) = (number("width")?, number("height")?, number("depth_scale")?);
    let k = [number("fx")?, number("fy")?, number("cx")?, number("cy")?];
    let poses = PoseColumn::of(record.field("world_from_camera")?)?;
    let gravity = Vec3Column::of(record.field("gravity")?)?;
    let exhaustive = cast(record.field("exhaustive")?, &DataType::Boolean)?;
    let text = |array: &StringArray, row: usize| array.is_valid(row).then(|| array.value(row).to_owned());
    // Frames of scans say neither.
    let lifted_from = column.column_by_name("lifted_from").map(|_| record.text("lifted_from")).transpose()?;
    let share = |column: &Option<Vec<f64>>, row: usize| column.as_ref().map_or(1.0, |of| of[row]).clamp(0.0, 1.0);
    let optional = |name: &str| column.column_by_name(name).map(|_| number(name)).transpose();
    let (trust, box_trust) = (optional("trust")?, optional("box_trust")?);
    let (depth_noise, stands_out) = (optional("depth_noise")?, optional("stands_out")?);
    let (by_depth, by_boxes) = (optional("depth_occlusion_trust")?, optional("box_occlusion_trust")?);
    let mut frames = Vec::with_capacity(column.len());
    for row in 0..column.len() {
        let frame_id = text(&ids, row).unwrap_or_default();
        let camera = Intrinsics { fx: k[0][row], fy: k[1][row], cx: k[2][row], cy: k[3][row] };
        let pose = poses.get(row).transpose().map_err(|e| lost("pose", &e));
        let frame = pose.and_then(|pose| {
            let view = match (&pose, gravity.get(row).filter(|down| down.iter().all(|n| n.is_finite()))) {
                (Some(pose), _) => ViewSpace::from_pose(pose),
                (None, Some(down)) => ViewSpace::from_gravity(&down).map_err(|e| lost("gravity", &e))?,
                // Nothing is known: most photos are taken nearly level, and the lift quality says that it is a guess.
                (None, None) => ViewSpace::level(),
            };
            Ok(Frame {
                frame_id: frame_id.clone(),
                width: widths[row] as u32,
                height: heights[row] as u32,
                intrinsics: camera.checked().map_err(|e| lost("camera", &e))?,
                world_from_camera: pose,
                view,
                depth_uri: text(&depth_uris, row),
                depth_scale: Some(scales[row]).filter(|s| s.is_finite() && *s > 0.0),
                exhaustive: exhaustive.is_valid(row) && exhaustive.as_boolean().value(row),
                estimated: lifted_from.as_ref().is_some_and(|from| from.is_valid(row) && from.value(row) == "model"),
                trust: share(&trust, row),
                box_trust: share(&box_trust, row),
                depth_occlusion_trust: share(&by_depth, row),
                box_occlusion_trust: share(&by_boxes, row),
                depth_noise: depth_noise.as_ref().map_or(0.0, |noise| noise[row]).max(0.0),
                stands_out: stands_out.as_ref().map_or(0.0, |share| share[row]).clamp(0.0, 1.0),
            })
        });
        frames.push((frame_id, frame));
    }
    Ok(frames)
}

fn lost(code: &'static str, error: &dyn std::error::Error) -> Unusable {
    Unusable::new(code, error.to_string())
}
