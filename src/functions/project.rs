//! `project(frames, objects, surfaces)`: a scene's annotated objects become objects in the view space of each of its frames.
//!
//! One row is one scene: its frames, its objects and its triangles, each as a list, so that megabytes of triangles are not copied for
//! each frame. What hides what comes from the triangles, from the frame's depth image where there are none, else from the boxes.

use arrow::array::{Array, ArrayRef, AsArray, Float32Array, Int32Array, ListArray, StringArray, StructArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Int32Type};
use datafusion::error::{DataFusionError, Result};
use futures::{StreamExt, TryStreamExt};
use spatialmill_columns::types::ObbColumn;
use spatialmill_columns::{Cost, Example, FunctionDoc, Lists, Record};
use spatialmill_geometry::{DepthImage, OrientedBox, Scene, Shot, Surface};
use std::ops::Range;
use std::sync::Arc;

use super::async_function::{AsyncFunction, Opens};
use super::depth;
use super::frames::{Frame, frames_of};
use super::lists::to_lists;
use super::object_rows::{ObjectRow, row_fields};
use crate::tables::Unusable;

pub const PROJECT: AsyncFunction = AsyncFunction {
    doc: FunctionDoc {
        name: "project",
        signature: "project(frames, objects, surfaces)",
        summary: "objects in view space from a scene's boxes and triangles and its frames' poses; opens depth images",
        details: "\
`frames` is a list of a scene's frames with poses, `objects` its list of (object_id, category, caption, obb) in the world, \
`surfaces` its list of (object_id, vertices, triangles). For each frame the triangles are rasterised with a z-buffer: the \
pixels that an object shows are its mask, their share of the pixels that it would show alone is its visibility. Where there \
are no triangles the frame's depth image says what is hidden, else the boxes hide each other, and objects are trusted by the frame's \
`depth_occlusion_trust` or `box_occlusion_trust` (0-1; 1 where a frame has no such field).\n\n\
Out comes a list of rows of `objects` in the view space of each frame, with `quarantined` for a frame without a pose.",
        example: Example {
            sql: "SELECT concat(o['category'], ', ', round(o['nearest'], 2), ' m ahead') FROM (SELECT unnest(project(f.shots, s.placed, t.meshes)) AS o
            FROM (SELECT scene_id, array_agg({frame_id: frame_id, width: width, height: height, fx: fx, fy: fy, cx: cx, cy: cy,
                world_from_camera: world_from_camera, gravity: gravity, depth_uri: depth_uri, depth_scale: depth_scale, exhaustive: exhaustive})
                AS shots FROM frames WHERE lifted_from = 'scan' GROUP BY scene_id) AS f
            JOIN (SELECT scene_id, array_agg({object_id: object_id, category: category, caption: caption, obb: obb}) AS placed
                FROM scene_objects GROUP BY scene_id) AS s ON s.scene_id = f.scene_id
            JOIN (SELECT scene_id, array_agg({object_id: object_id, vertices: vertices, triangles: triangles}) AS meshes
                FROM surfaces GROUP BY scene_id) AS t ON t.scene_id = f.scene_id) ORDER BY o['nearest'] DESC NULLS LAST LIMIT 1",
            result: "door, 2.59 m ahead",
        },
        cost: Cost::ReadsImages,
    },
    arguments: 3,
    opens: Opens::Depth,
    rows_at_once: 4,
    fields: row_fields,
    call: |columns, fields, _| Box::pin(async move { to_lists(&fields, &project_scenes(columns).await?) }),
};

async fn project_scenes(columns: Vec<ArrayRef>) -> Result<Vec<Vec<ObjectRow>>> {
    let frames = Lists::new(&columns[0])?;
    let all_frames = if frames.values.is_empty() { Vec::new() } else { frames_of(&frames.values)? };
    let scenes = scenes_of(&columns[1], &columns[2])?;
    let mut rows: Vec<Vec<ObjectRow>> = Vec::new();
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    for (range, scene) in frames.ranges().zip(scenes) {
        let scene = Arc::new(scene);
        let own = all_frames[range.unwrap_or_default()].to_vec();
        let work = own.into_iter().map(|(id, frame)| {
            let scene = Arc::clone(&scene);
            async move {
                match frame {
                    Err(lost) => Ok(vec![refused(&id, lost)]),
                    Ok(frame) => project_frame(frame, scene).await,
                }
            }
        });
        let shown: Vec<Vec<ObjectRow>> = futures::stream::iter(work).buffered(at_once).try_collect().await?;
        rows.push(shown.into_iter().flatten().collect());
    }
    Ok(rows)
}

/// One scene's objects and triangles; the triangles stay in Arrow's buffers.
struct Arranged {
    ids: Vec<String>,
    categories: Vec<String>,
    captions: Vec<Option<String>>,
    boxes: Vec<OrientedBox>,
    surfaces: Vec<(Option<usize>, Float32Array, Int32Array)>,
    /// What is wrong with boxes that could not be used, by object id.
    lost: Vec<(String, Unusable)>,
}

async fn project_frame(frame: Frame, scene: Arc<Arranged>) -> Result<Vec<ObjectRow>> {
    let Some(world_from_camera) = frame.world_from_camera else {
        let lost = Unusable {
            code: "pose".into(),
            message: "the frame has no pose, and its scene's boxes cannot be projected".into(),
        };
        return Ok(vec![refused(&frame.frame_id, lost)]);
    };
    let measured = match (&frame.depth_uri, scene.surfaces.is_empty()) {
        (Some(uri), true) => match depth::read(uri, frame.depth_scale).await {
            Ok(depth) => Some(depth),
            Err(lost) => return Ok(vec![refused(&frame.frame_id, lost)]),
        },
        _ => None,
    };
    let shot = Shot { world_from_camera, intrinsics: frame.intrinsics, width: frame.width, height: frame.height };
    let work = move || shown_rows(&frame, &shot, &scene, measured.as_ref());
    tokio::task::spawn_blocking(work).await.map_err(|e| DataFusionError::External(e.into()))
}

fn shown_rows(frame: &Frame, shot: &Shot, scene: &Arranged, measured: Option<&DepthImage>) -> Vec<ObjectRow> {
    let surfaces = scene
        .surfaces
        .iter()
        .map(|(object, vertices, triangles)| Surface {
            object: *object,
            vertices: vertices.values(),
            triangles: triangles.values(),
        })
        .collect();
    let geometry = match Scene::new(&scene.boxes, surfaces) {
        Ok(geometry) => geometry,
        Err(e) => return vec![refused(&frame.frame_id, Unusable::new("surface", e.to_string()))],
    };
    let shown = match geometry.project(shot, measured) {
        Ok(shown) => shown,
        Err(e) => return vec![refused(&frame.frame_id, Unusable::new("camera", e.to_string()))],
    };
    let trust = match (scene.surfaces.is_empty(), measured) {
        (false, _) => 1.0,
        (true, Some(_)) => frame.depth_occlusion_trust,
        (true, None) => frame.box_occlusion_trust,
    };
    let objects = shown.into_iter().map(|shown| {
        let mut row = ObjectRow {
            frame_id: frame.frame_id.clone(),
            object_id: scene.ids[shown.object].clone(),
            category: Some(scene.categories[shown.object].clone()),
            caption: scene.captions[shown.object].clone(),
            points: Some(shown.mask.area() as i64),
            visibility: Some(shown.visibility),
            lift_quality: Some(trust),
            size_quality: Some(trust),
            lifted_from: Some("scan"),
            // Whatever is projected has a pose.
            upright: Some(true),
            exhaustive: Some(frame.exhaustive),
            ..ObjectRow::default()
        };
        row.place(&shown.centre, &shown.bounds, shown.nearest, &shown.obb);
        row.bbox = Some(shown.bounds_in_picture.into());
        row.mask = Some((&shown.mask).into());
        row
    });
    let lost = scene
        .lost
        .iter()
        .map(|(id, lost)| ObjectRow { object_id: id.clone(), ..refused(&frame.frame_id, lost.clone()) });
    objects.chain(lost).collect()
}

fn refused(frame_id: &str, lost: Unusable) -> ObjectRow {
    ObjectRow { frame_id: frame_id.to_owned(), quarantined: Some(lost), ..ObjectRow::default() }
}

fn scenes_of(objects: &ArrayRef, surfaces: &ArrayRef) -> Result<Vec<Arranged>> {
    let (objects, surfaces) = (Lists::new(objects)?, Lists::new(surfaces)?);
    let object_ranges: Vec<Range<usize>> = objects.ranges().map(Option::unwrap_or_default).collect();
    let surface_ranges: Vec<Range<usize>> = surfaces.ranges().map(Option::unwrap_or_default).collect();
    let mut scenes = Vec::with_capacity(object_ranges.len());
    for (own, around) in object_ranges.into_iter().zip(surface_ranges) {
        let mut scene = objects_of(&objects.values, own)?;
        if !around.is_empty() {
            scene.surfaces = surfaces_of(&surfaces.values, around, &scene.ids)?;
        }
        scenes.push(scene);
    }
    Ok(scenes)
}

fn objects_of(values: &StructArray, range: Range<usize>) -> Result<Arranged> {
    let empty = Arranged {
        ids: Vec::new(),
        categories: Vec::new(),
        captions: Vec::new(),
        boxes: Vec::new(),
        surfaces: Vec::new(),
        lost: Vec::new(),
    };
    if range.is_empty() {
        return Ok(empty);
    }
    let own = values.slice(range.start, range.len());
    let record = Record(&own);
    let (ids, categories, captions) = (record.text("object_id")?, record.text("category")?, record.text("caption")?);
    let obb = ObbColumn::of(record.field("obb")?)?;
    let mut order: Vec<usize> = (0..own.len()).collect();
    // The order in which rows were gathered is the engine's; ids make it stable.
    order.sort_by_key(|&row| ids.value(row));
    let mut scene = empty;
    for row in order {
        let id = ids.value(row).to_owned();
        match obb.get(row) {
            Some(Ok(found)) => {
                scene.boxes.push(found);
                scene.categories.push(categories.value(row).to_owned());
                scene.captions.push(text(&captions, row));
                scene.ids.push(id);
            }
            Some(Err(e)) => scene.lost.push((id, Unusable::new("box", e.to_string()))),
            None => scene.lost.push((id, Unusable::new("box", "it has no oriented box"))),
        }
    }
    Ok(scene)
}

fn surfaces_of(
    values: &StructArray,
    range: Range<usize>,
    ids: &[String],
) -> Result<Vec<(Option<usize>, Float32Array, Int32Array)>> {
    let own = values.slice(range.start, range.len());
    let record = Record(&own);
    let owners = record.text("object_id")?;
    let lists = |name: &str| -> Result<ListArray> {
        let column = record.field(name)?;
        match column.as_list_opt::<i32>() {
            Some(lists) => Ok(lists.clone()),
            None => Err(DataFusionError::Execution(format!("`{name}` is {}, not a list", column.data_type()))),
        }
    };
    let (vertices, triangles) = (lists("vertices")?, lists("triangles")?);
    let mut order: Vec<usize> = (0..own.len()).collect();
    order.sort_by_key(|&row| owners.is_valid(row).then(|| owners.value(row)));
    let mut surfaces = Vec::with_capacity(own.len());
    for row in order {
        // A surface of an object that was refused still hides what is behind it.
        let object = text(&owners, row).and_then(|id| ids.binary_search(&id).ok());
        let vertices = cast(&vertices.value(row), &DataType::Float32)?.as_primitive::<Float32Type>().clone();
        let triangles = cast(&triangles.value(row), &DataType::Int32)?.as_primitive::<Int32Type>().clone();
        surfaces.push((object, vertices, triangles));
    }
    Ok(surfaces)
}

fn text(array: &StringArray, row: usize) -> Option<String> {
    array.is_valid(row).then(|| array.value(row).to_owned())
}
