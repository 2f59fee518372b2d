//! `lift(frame, detections)`: lifting from 2D to 3D. In: 2D masks and a depth image. Out: objects in view space.
//!
//! One row is one frame with all its detections, so that a depth image is opened once. Frames overlap: while one is read the others
//! are computed, at most as many at once as there are cores.

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StructArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::exec_err;
use datafusion::error::{DataFusionError, Result};
use futures::{StreamExt, TryStreamExt};
use spatialmill_columns::types::{EncodedMask, MaskColumn, PixelBoxColumn};
use spatialmill_columns::{Cost, Example, FunctionDoc, Lists, Record};
use spatialmill_geometry::lift::{Ahead, EstimatedRules, shown, uncovered};
use spatialmill_geometry::{DepthImage, Gravity, LiftFailure, LiftRules, Outline, PixelBox, lift};

use super::async_function::{AsyncFunction, Opens};
use super::depth;
use super::frames::{Frame, frames_of};
use super::lists::{column_of_structs, to_lists};
use super::object_rows::{ObjectRow, row_fields};
use crate::tables::Unusable;

pub const LIFT: AsyncFunction = AsyncFunction {
    doc: FunctionDoc {
        name: "lift",
        signature: "lift(frame, detections)",
        summary: "objects in view space from a frame's masks and its depth image; opens the depth image",
        details: "\
`frame` is a struct with a frame's size, intrinsics, pose or gravity, depth image and `rules` (a struct of the numbers of [lift] in mill.toml; defaults \
without); `detections` its list of (object_id, \
category, caption, box, mask, crowd). For each detection: the mask is eroded by a pixel, its pixels are lifted by the depth \
to points, outliers and small clusters are dropped, and the main cluster becomes an object with centre, extent and an upright \
oriented box in view space, visibility and qualities. Without a mask a 2D box gives a place and no size.\n\n\
Out comes a list of rows of `objects`, with `filtered` where a detection gives no object (crowd, too few points) and \
`quarantined` where its depth image or mask cannot be used.",
        example: Example {
            sql: "SELECT concat(o['category'], ', ', round(o['nearest'], 2), ' m ahead') FROM (SELECT unnest(lift(
            {frame_id: f.frame_id, width: f.width, height: f.height, fx: f.fx, fy: f.fy, cx: f.cx, cy: f.cy, world_from_camera: f.world_from_camera,
             gravity: f.gravity, depth_uri: f.depth_uri, depth_scale: f.depth_scale, exhaustive: f.exhaustive}, d.found)) AS o
            FROM frames AS f JOIN (SELECT frame_id, array_agg({object_id: object_id, category: category, caption: caption, box: box, mask: mask,
                crowd: crowd}) AS found FROM detections GROUP BY frame_id) AS d ON d.frame_id = f.frame_id)
            ORDER BY o['points'] DESC NULLS LAST LIMIT 1",
            result: "armchair, 0.7 m ahead",
        },
        cost: Cost::ReadsImages,
    },
    arguments: 2,
    opens: Opens::Depth,
    rows_at_once: 64,
    fields: row_fields,
    call: |columns, fields, _| Box::pin(async move { to_lists(&fields, &lift_frames(columns).await?) }),
};

async fn lift_frames(columns: Vec<ArrayRef>) -> Result<Vec<Vec<ObjectRow>>> {
    let frames = column_of_structs(&columns[0], "frame")?;
    let detections = detections_of(&columns[1])?;
    let rules = rules_of(&frames)?;
    let work =
        frames_of(&frames)?.into_iter().zip(detections).zip(rules).map(|(((id, frame), found), rules)| async move {
            match frame {
                Err(lost) => Ok(found.iter().map(|d| d.lost(&id, lost.clone())).collect()),
                Ok(frame) => lift_frame(frame, rules, found).await,
            }
        });
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    futures::stream::iter(work).buffered(at_once).try_collect().await
}

/// One detection, as far as lifting needs it.
struct Detection {
    object_id: String,
    category: Option<String>,
    caption: Option<String>,
    bounds: PixelBox,
    mask: Option<EncodedMask>,
    crowd: bool,
}

impl Detection {
    fn row(&self, frame_id: &str) -> ObjectRow {
        ObjectRow {
            frame_id: frame_id.to_owned(),
            object_id: self.object_id.clone(),
            category: self.category.clone(),
            caption: self.caption.clone(),
            ..ObjectRow::default()
        }
    }

    fn lost(&self, frame_id: &str, lost: Unusable) -> ObjectRow {
        ObjectRow { quarantined: Some(lost), ..self.row(frame_id) }
    }
}

/// What lifting goes by where depth was measured, and where a model estimated it.
#[derive(Debug, Clone, Copy)]
struct StatedRules {
    measured: LiftRules,
    estimated: LiftRules,
}

impl StatedRules {
    fn both(&mut self, set: impl Fn(&mut LiftRules)) {
        set(&mut self.measured);
        set(&mut self.estimated);
    }
}

/// The fields of `rules`. Without a reading or a point there is nothing to measure.
const RULES: &[(&str, fn(&mut StatedRules, f64))] = &[
    ("trim", |rules, n| rules.both(|rules| rules.trim = n)),
    ("jump", |rules, n| rules.both(|rules| rules.jump = n)),
    ("erosion", |rules, n| rules.both(|rules| rules.erosion = n as u32)),
    ("max_depth", |rules, n| rules.measured.max_depth_m = n),
    ("max_depth_model", |rules, n| rules.estimated.max_depth_m = n),
    ("min_readings", |rules, n| rules.both(|rules| rules.min_readings = (n as usize).max(1))),
    ("min_points", |rules, n| rules.both(|rules| rules.min_points = (n as usize).max(1))),
    ("guessed_gravity", |rules, n| rules.both(|rules| rules.guessed_gravity = n)),
    ("max_widths_deep", |rules, n| rules.both(|rules| rules.max_widths_deep = n)),
    ("cover_gap", |rules, n| rules.both(|rules| rules.cover.nearer = n)),
    ("cover_share", |rules, n| rules.both(|rules| rules.cover.expected = n)),
];

/// What the struct `rules` of each frame states; the default of each number that it does not state.
fn rules_of(frames: &StructArray) -> Result<Vec<StatedRules>> {
    let defaults = StatedRules { measured: LiftRules::default(), estimated: LiftRules::estimated() };
    let mut rules = vec![defaults; frames.len()];
    let Some(stated) = frames.column_by_name("rules") else { return Ok(rules) };
    let stated = column_of_structs(stated, "rules")?;
    for name in stated.column_names() {
        let Some((_, put)) = RULES.iter().find(|(known, _)| *known == name) else {
            let known: Vec<&str> = RULES.iter().map(|(name, _)| *name).collect();
            return exec_err!("`{name}` is no rule of lifting; these are: {}", known.join(", "));
        };
        let numbers = Record(&stated).number(name)?.or_nan().into_owned();
        for (rules, number) in rules.iter_mut().zip(numbers).filter(|(_, number)| *number >= 0.0) {
            put(rules, number);
        }
    }
    Ok(rules)
}

async fn lift_frame(frame: Frame, rules: StatedRules, found: Vec<Detection>) -> Result<Vec<ObjectRow>> {
    let depth = match &frame.depth_uri {
        Some(uri) => depth::read(uri, frame.depth_scale).await,
        None => Err(Unusable::new("depth", "the frame has no depth image")),
    };
    let work = move || match depth {
        Err(lost) => found.iter().map(|d| d.lost(&frame.frame_id, lost.clone())).collect(),
        Ok(depth) => hide(found.iter().map(|d| lift_one(&frame, &rules, &depth, d)).collect()),
    };
    tokio::task::spawn_blocking(work).await.map_err(|e| DataFusionError::External(e.into()))
}

/// Where there is a mask, depth along its edge tells what hides a thing; where there is none, the boxes of the others do.
fn hide(mut rows: Vec<ObjectRow>) -> Vec<ObjectRow> {
    let ahead = |row: &ObjectRow| Some(Ahead { bounds: row.bbox?.into(), nearest: row.nearest? });
    let things: Vec<(usize, Ahead)> = rows.iter().enumerate().filter_map(|(i, row)| Some((i, ahead(row)?))).collect();
    let left = uncovered(&things.iter().map(|(_, thing)| *thing).collect::<Vec<_>>());
    for ((at, _), left) in things.iter().zip(left) {
        let row = &mut rows[*at];
        if row.mask.is_none() {
            row.visibility = row.visibility.map(|visibility| visibility * left);
        }
    }
    rows
}

fn lift_one(frame: &Frame, rules: &StatedRules, depth: &DepthImage, found: &Detection) -> ObjectRow {
    let mut row = found.row(&frame.frame_id);
    if found.crowd {
        // A region that stands for many is no object; it still counts where references and numbers are judged.
        row.filtered = Some("crowd");
        return row;
    }
    let bounds = found.bounds;
    let mask = match &found.mask {
        None => None,
        // A mask of another size would be placed wrongly, with nothing to show for it.
        Some(mask) if mask.size() != (frame.height, frame.width) => {
            let (height, width) = mask.size();
            let message = format!("its mask is {width}x{height} pixels, its frame {}x{}", frame.width, frame.height);
            return found.lost(&frame.frame_id, Unusable::new("mask", message));
        }
        Some(mask) => match mask.decode() {
            Ok(mask) => Some(mask),
            Err(e) => return found.lost(&frame.frame_id, Unusable::new("mask", e.to_string())),
        },
    };
    let outline = match &mask {
        Some(mask) => Outline::Mask(mask),
        None => Outline::Box { bounds, height: frame.height, width: frame.width },
    };
    let (rules, lifted_from) = if frame.estimated { (rules.estimated, "model") } else { (rules.measured, "depth") };
    let estimated = rules.estimated.map(|rules| EstimatedRules { stands_out: frame.stands_out, ..rules });
    let rules = LiftRules { noise_m: frame.depth_noise, estimated, ..rules };
    match lift(&outline, depth, &frame.intrinsics, &frame.view, &rules) {
        Ok(lifted) => {
            row.place(&lifted.centre, &lifted.bounds, lifted.nearest, &lifted.obb);
            row.bbox = Some(bounds.into());
            row.mask = found.mask.clone();
            row.points = Some(lifted.points as i64);
            row.visibility = Some(shown(&outline, depth, &rules.cover));
            let trust = if mask.is_some() { frame.trust } else { frame.trust * frame.box_trust };
            row.lift_quality = Some(lifted.lift_quality * trust);
            row.size_quality = Some(lifted.size_quality * trust);
            row.lifted_from = Some(lifted_from);
            row.upright = Some(frame.view.gravity() == Gravity::Known);
            row.exhaustive = Some(frame.exhaustive);
        }
        Err(failure @ LiftFailure::Camera(..)) => {
            row.quarantined = Some(Unusable::new(failure.code(), failure.to_string()));
        }
        Err(failure) => row.filtered = Some(failure.code()),
    }
    row
}

fn detections_of(column: &ArrayRef) -> Result<Vec<Vec<Detection>>> {
    let lists = Lists::new(column)?;
    let all = Record(&lists.values);
    if lists.values.is_empty() {
        return Ok(lists.ranges().map(|_| Vec::new()).collect());
    }
    let (ids, categories, captions) = (all.text("object_id")?, all.text("category")?, all.text("caption")?);
    let (boxes, masks) = (PixelBoxColumn::of(all.field("box")?)?, MaskColumn::of(all.field("mask")?)?);
    let crowds = cast(all.field("crowd")?, &DataType::Boolean)?;
    let text = |array: &StringArray, row: usize| array.is_valid(row).then(|| array.value(row).to_owned());
    let one = |row: usize| Detection {
        object_id: text(&ids, row).unwrap_or_default(),
        category: text(&categories, row),
        caption: text(&captions, row),
        bounds: boxes.or_nan(row),
        mask: masks.encoded(row),
        crowd: crowds.is_valid(row) && crowds.as_boolean().value(row),
    };
    // The order in which rows were gathered is the engine's; ids make it stable.
    let ranges = lists.ranges().map(|range| {
        let mut found: Vec<Detection> = range.unwrap_or_default().map(one).collect();
        found.sort_by(|a, b| a.object_id.cmp(&b.object_id));
        found
    });
    Ok(ranges.collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::Float64Array;
    use arrow::datatypes::Field;

    use super::*;
    use crate::project::Project;

    fn structs(columns: Vec<(&str, ArrayRef)>) -> StructArray {
        let column =
            |(name, values): (&str, ArrayRef)| (Arc::new(Field::new(name, values.data_type().clone(), true)), values);
        StructArray::from(columns.into_iter().map(column).collect::<Vec<_>>())
    }

    #[test]
    fn rules_that_are_not_stated_are_those_of_the_project_file() {
        let stated = |names: [&'static str; 2], numbers: [f64; 2]| {
            let column = |k: usize| -> (&str, ArrayRef) {
                (names[k], Arc::new(Float64Array::from(vec![Some(numbers[k]), None])))
            };
            rules_of(&structs(vec![("rules", Arc::new(structs(vec![column(0), column(1)])))]))
        };
        let rules = stated(["min_points", "max_depth_model"], [0.0, 40.0]).unwrap();
        let StatedRules { measured, estimated } = rules[0];
        assert_eq!((measured.min_points, estimated.min_points), (1, 1), "at least one");
        assert_eq!((measured.max_depth_m, estimated.max_depth_m), (300.0, 40.0));
        assert!(stated(["trim", "weather"], [0.0; 2]).unwrap_err().to_string().contains("weather"));

        let (StatedRules { measured, estimated }, project) = (rules[1], Project::in_memory());
        let of_both = [
            (project.number("lift_trim"), [measured.trim, estimated.trim]),
            (project.number("lift_jump"), [measured.jump, estimated.jump]),
            (project.integer("lift_erosion") as f64, [measured.erosion, estimated.erosion].map(f64::from)),
            (project.integer("lift_min_readings") as f64, [measured, estimated].map(|rules| rules.min_readings as f64)),
            (project.integer("lift_min_points") as f64, [measured, estimated].map(|rules| rules.min_points as f64)),
            (project.number("guessed_gravity_trust"), [measured.guessed_gravity, estimated.guessed_gravity]),
            (project.number("lift_max_widths_deep"), [measured, estimated].map(|rules| rules.max_widths_deep)),
            (project.number("lift_cover_gap"), [measured, estimated].map(|rules| rules.cover.nearer)),
            (project.number("lift_cover_share"), [measured, estimated].map(|rules| rules.cover.expected)),
        ];
        assert!(of_both.iter().all(|(key, rules)| rules.iter().all(|rule| rule == key)), "{of_both:?}");
        assert_eq!(measured.max_depth_m, project.number("lift_max_depth"));
        assert_eq!(estimated.max_depth_m, project.number("lift_max_depth_model"));
    }
}
