//! `view_overlaps(frames, objects, surfaces)`: how much of what each two frames of a scene show is the same, and some points that both show.
//!
//! One row is one scene. A frame's visible surface is a set: of points of the scene's triangles; where there are none, of cells of its depth image.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, Fields, SchemaRef};
use datafusion::error::Result;
use serde::Serialize;
use spatialmill_columns::{Cost, Example, FunctionDoc};
use spatialmill_geometry::project::{Cell, SurfacePoint, overlap, shared, visible_cells};
use xxhash_rust::xxh3::xxh3_64;

use super::async_function::{AsyncFunction, Opens};
use super::lists::to_lists;
use super::scenes::{SeenFrame, frames_of_scenes};
use crate::tables::{Unusable, Vec3};

pub const VIEW_OVERLAPS: AsyncFunction = AsyncFunction {
    doc: FunctionDoc {
        name: "view_overlaps",
        signature: "view_overlaps(frames, objects, surfaces)",
        summary: "for each two frames of a scene the IoU of the surface that they show, and some points of it that both show; opens depth images",
        details: "\
`frames` is a list of a scene's frames with poses, `objects` its list of (object_id, category, caption, obb) in the world, `surfaces` its list of \
(object_id, vertices, triangles), as for `sightings`; every two of the frames are held against each other, so choose few. Out comes a list of rows \
(frame_id, other_id, overlap, evidence, points), `frame_id` before `other_id` in the order of text:\n\n\
- `overlap`: what both show over what either shows, 0 to 1. By `mesh`: of the triangles' vertices, and of points 5 cm apart on triangles with a side \
of more than 20 cm, those that no nearer surface hides by more than max(2 cm, 2 %). By `depth`, where the scene has no triangles: of the cells of 5 cm that \
hold a reading of the depth image. Null, as `evidence` is, where there is neither, or a frame cannot be used.\n\
- `points`: by mesh at most 12 points (object_id, at, pixel, other_pixel) on objects, two of one object at most, that both frames show 10 pixels or more \
from their borders, and not at the edge of what hides something. `at` is in the world, metres; pixels are those of the two frames, the centre of the top-left one is (0, 0). Which ones is decided by \
a hash of their place.",
        example: Example {
            // A frame shows all that it shows.
            sql: "SELECT concat(round(o['overlap'], 2), ' by ', o['evidence']) FROM (SELECT unnest(view_overlaps(array_concat(f.shots, f.shots), s.placed, t.meshes)) AS o
            FROM (SELECT scene_id, array_agg({frame_id: frame_id, width: width, height: height, fx: fx, fy: fy, cx: cx, cy: cy,
                world_from_camera: world_from_camera, gravity: gravity, depth_uri: depth_uri, depth_scale: depth_scale, exhaustive: exhaustive})
                AS shots FROM frames WHERE lifted_from = 'scan' GROUP BY scene_id) AS f
            JOIN (SELECT scene_id, array_agg({object_id: object_id, category: category, caption: caption, obb: obb}) AS placed
                FROM scene_objects GROUP BY scene_id) AS s ON s.scene_id = f.scene_id
            JOIN (SELECT scene_id, array_agg({object_id: object_id, vertices: vertices, triangles: triangles}) AS meshes
                FROM surfaces GROUP BY scene_id) AS t ON t.scene_id = f.scene_id) ORDER BY o['overlap'] DESC LIMIT 1",
            result: "1.0 by mesh",
        },
        cost: Cost::ReadsImages,
    },
    arguments: 3,
    opens: Opens::Depth,
    rows_at_once: 1,
    fields,
    call: |columns, fields, _| {
        Box::pin(async move {
            let scenes = frames_of_scenes(columns, nothing_seen, seen_of).await?;
            let rows = tokio::task::spawn_blocking(move || scenes.into_iter().map(pairs).collect::<Vec<_>>()).await;
            listed(&fields, rows)
        })
    },
};

/// Points of a pair, at most.
const POINTS: usize = 12;
const POINTS_OF_OBJECT: usize = 2;

/// How far from an image's borders a point is, pixels.
const FROM_BORDER: f32 = 10.0;

/// What one frame shows.
struct Seen {
    frame_id: String,
    size: [u32; 2],
    surface: Surface,
    /// Ids of the scene's objects.
    scene: Option<Arc<super::scenes::SceneArguments>>,
}

enum Surface {
    Points(Vec<SurfacePoint>),
    Cells(Vec<Cell>),
    Unknown,
}

#[derive(Debug, Serialize)]
struct OverlapRow {
    frame_id: String,
    other_id: String,
    overlap: Option<f64>,
    evidence: Option<&'static str>,
    points: Vec<SharedPoint>,
}

#[derive(Debug, Serialize)]
struct SharedPoint {
    object_id: String,
    at: Vec3,
    pixel: Pixel,
    other_pixel: Pixel,
}

#[derive(Debug, Serialize)]
struct Pixel {
    x: f64,
    y: f64,
}

fn fields(_: &SchemaRef) -> Fields {
    let field = |name: &str, kind| Field::new(name, kind, true);
    let numbers = |names: &[&str]| DataType::Struct(names.iter().map(|name| field(name, DataType::Float64)).collect());
    let point = [
        field("object_id", DataType::Utf8),
        field("at", numbers(&["x", "y", "z"])),
        field("pixel", numbers(&["x", "y"])),
        field("other_pixel", numbers(&["x", "y"])),
    ];
    let fields = [
        field("frame_id", DataType::Utf8),
        field("other_id", DataType::Utf8),
        field("overlap", DataType::Float64),
        field("evidence", DataType::Utf8),
        field("points", DataType::new_list(DataType::Struct(point.into_iter().collect()), true)),
    ];
    fields.into_iter().collect()
}

fn listed(
    fields: &Fields,
    rows: std::result::Result<Vec<Vec<OverlapRow>>, tokio::task::JoinError>,
) -> Result<ArrayRef> {
    to_lists(fields, &rows.map_err(|e| datafusion::error::DataFusionError::External(e.into()))?)
}

/// A frame that cannot be used is quarantined where its objects are made, and has no overlap with any other.
fn nothing_seen(frame_id: &str, _: Unusable) -> Seen {
    Seen { frame_id: frame_id.to_owned(), size: [0, 0], surface: Surface::Unknown, scene: None }
}

fn seen_of(SeenFrame { frame, shot, scene, measured }: &SeenFrame) -> Vec<Seen> {
    let by_mesh = || scene.geometry().ok()?.visible_surface(shot).ok();
    let surface = match (scene.has_surfaces(), measured) {
        (true, _) => by_mesh().map_or(Surface::Unknown, Surface::Points),
        (false, Some(depth)) => Surface::Cells(visible_cells(shot, depth)),
        (false, None) => Surface::Unknown,
    };
    let size = [frame.width, frame.height];
    vec![Seen { frame_id: frame.frame_id.clone(), size, surface, scene: Some(Arc::clone(scene)) }]
}

/// Every two frames of a scene.
fn pairs(mut seen: Vec<Seen>) -> Vec<OverlapRow> {
    seen.sort_by(|one, other| one.frame_id.cmp(&other.frame_id));
    let of_one = |(i, one): (usize, &Seen)| seen[i + 1..].iter().map(|other| pair(one, other)).collect::<Vec<_>>();
    seen.iter().enumerate().flat_map(of_one).collect()
}

fn pair(one: &Seen, other: &Seen) -> OverlapRow {
    let (overlap, evidence, points) = match (&one.surface, &other.surface) {
        (Surface::Points(a), Surface::Points(b)) => {
            (overlap(a, b, |point| point.id), Some("mesh"), shared_points(one, a, other, b))
        }
        (Surface::Cells(a), Surface::Cells(b)) => (overlap(a, b, |cell| *cell), Some("depth"), Vec::new()),
        _ => (None, None, Vec::new()),
    };
    let (frame_id, other_id) = (one.frame_id.clone(), other.frame_id.clone());
    OverlapRow { frame_id, other_id, overlap, evidence: evidence.filter(|_| overlap.is_some()), points }
}

fn shared_points(one: &Seen, of_one: &[SurfacePoint], other: &Seen, of_other: &[SurfacePoint]) -> Vec<SharedPoint> {
    let Some(scene) = &one.scene else { return Vec::new() };
    let inside = |point: &SurfacePoint, size: [u32; 2]| {
        (0..2).all(|k| point.pixel[k] >= FROM_BORDER && point.pixel[k] <= size[k] as f32 - 1.0 - FROM_BORDER)
    };
    let hash = |point: &SurfacePoint| xxh3_64(&point.at.map(f32::to_le_bytes).concat());
    let both = shared(of_one, of_other, |point| point.id);
    let inner = both.filter(|(a, b)| a.object.is_some() && a.is_inner && b.is_inner);
    let usable = inner.filter(|(a, b)| inside(a, one.size) && inside(b, other.size));
    let mut usable: Vec<_> = usable.map(|(a, b)| (hash(a), a.id, a, b)).collect();
    usable.sort_unstable_by_key(|(hash, id, ..)| (*hash, *id));
    let mut points: Vec<SharedPoint> = Vec::new();
    for (_, _, a, b) in usable {
        let Some(object_id) = a.object.and_then(|object| scene.ids.get(object as usize)) else { continue };
        if points.iter().filter(|point| point.object_id == *object_id).count() < POINTS_OF_OBJECT {
            let pixel = |point: &SurfacePoint| Pixel { x: point.pixel[0].into(), y: point.pixel[1].into() };
            let at = Vec3 { x: a.at[0].into(), y: a.at[1].into(), z: a.at[2].into() };
            points.push(SharedPoint { object_id: object_id.clone(), at, pixel: pixel(a), other_pixel: pixel(b) });
        }
        if points.len() == POINTS {
            break;
        }
    }
    points
}
