//! The arguments `frames`, `objects` and `surfaces` of SQL functions over scenes: one row is one scene, its frames, its objects and its triangles a
//! list each, so that megabytes of triangles are not copied for each frame.
//!
//! Frames are worked on side by side, on blocking threads; a frame's depth image is read where the scene has no triangles.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float32Array, Int32Array, ListArray, StringArray, StructArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Int32Type};
use datafusion::error::{DataFusionError, Result};
use futures::{StreamExt, TryStreamExt};
use spatialmill_columns::types::ObbColumn;
use spatialmill_columns::{Lists, Record};
use spatialmill_geometry::{DepthImage, OrientedBox, Scene, SceneError, Shot, Surface};

use super::depth;
use super::frames::{Frame, frames_of};
use crate::tables::Unusable;

/// A frame with its pose, its scene, and the depth image where that is needed.
pub struct SeenFrame {
    pub frame: Frame,
    pub shot: Shot,
    pub scene: Arc<SceneArguments>,
    pub measured: Option<DepthImage>,
}

/// For each scene the rows that `rows` makes of each of its frames, and that `refused` makes of a frame that cannot be used.
pub async fn frames_of_scenes<T: Send + 'static>(
    columns: Vec<ArrayRef>,
    refused: fn(&str, Unusable) -> T,
    rows: fn(&SeenFrame) -> Vec<T>,
) -> Result<Vec<Vec<T>>> {
    let frames = Lists::new(&columns[0])?;
    let all_frames = if frames.values.is_empty() { Vec::new() } else { frames_of(&frames.values)? };
    let scenes = scenes_of(&columns[1], &columns[2])?;
    let mut found: Vec<Vec<T>> = Vec::new();
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    for (range, scene) in frames.ranges().zip(scenes) {
        let scene = Arc::new(scene);
        let own = all_frames[range.unwrap_or_default()].to_vec();
        let work = own.into_iter().map(|(id, frame)| {
            let scene = Arc::clone(&scene);
            async move {
                match frame {
                    Err(lost) => Ok(vec![refused(&id, lost)]),
                    Ok(frame) => rows_of_frame(frame, scene, refused, rows).await,
                }
            }
        });
        let rows: Vec<Vec<T>> = futures::stream::iter(work).buffered(at_once).try_collect().await?;
        found.push(rows.into_iter().flatten().collect());
    }
    Ok(found)
}

async fn rows_of_frame<T: Send + 'static>(
    frame: Frame,
    scene: Arc<SceneArguments>,
    refused: fn(&str, Unusable) -> T,
    rows: fn(&SeenFrame) -> Vec<T>,
) -> Result<Vec<T>> {
    let Some(world_from_camera) = frame.world_from_camera else {
        let lost = Unusable::new("pose", "the frame has no pose, and its scene's boxes cannot be projected");
        return Ok(vec![refused(&frame.frame_id, lost)]);
    };
    let measured = match (&frame.depth_uri, scene.has_surfaces()) {
        (Some(uri), false) => match depth::read(uri, frame.depth_scale).await {
            Ok(depth) => Some(depth),
            Err(lost) => return Ok(vec![refused(&frame.frame_id, lost)]),
        },
        _ => None,
    };
    let shot = Shot { world_from_camera, intrinsics: frame.intrinsics, width: frame.width, height: frame.height };
    let seen = SeenFrame { frame, shot, scene, measured };
    tokio::task::spawn_blocking(move || rows(&seen)).await.map_err(|e| DataFusionError::External(e.into()))
}

/// One scene's objects, by id, and its triangles, which stay in Arrow's buffers.
pub struct SceneArguments {
    pub ids: Vec<String>,
    pub categories: Vec<String>,
    pub captions: Vec<Option<String>>,
    boxes: Vec<OrientedBox>,
    surfaces: Vec<(Option<usize>, Float32Array, Int32Array)>,
    /// What is wrong with boxes that could not be used, by object id.
    pub lost: Vec<(String, Unusable)>,
}

impl SceneArguments {
    pub fn has_surfaces(&self) -> bool {
        !self.surfaces.is_empty()
    }

    /// Its objects are in the order of `ids`.
    pub fn geometry(&self) -> Result<Scene<'_>, SceneError> {
        let surfaces = self.surfaces.iter().map(|(object, vertices, triangles)| Surface {
            object: *object,
            vertices: vertices.values(),
            triangles: triangles.values(),
        });
        Scene::new(&self.boxes, surfaces.collect())
    }
}

fn scenes_of(objects: &ArrayRef, surfaces: &ArrayRef) -> Result<Vec<SceneArguments>> {
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

fn objects_of(values: &StructArray, range: Range<usize>) -> Result<SceneArguments> {
    let empty = SceneArguments {
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
