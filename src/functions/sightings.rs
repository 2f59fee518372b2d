//! `sightings(frames, objects, surfaces)`: which of a scene's objects each of its frames shows, and how much of them.
//!
//! One row is one scene. What hides what comes from the triangles; where there are none, from the frame's depth image; else from the boxes.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, SchemaRef};
use serde::Serialize;
use spatialmill_columns::types::pixel_box_fields;
use spatialmill_columns::{Cost, Example, FunctionDoc};
use spatialmill_geometry::project::Measured;

use super::async_function::{AsyncFunction, Opens};
use super::lists::{quarantined_field, to_lists};
use super::scenes::{SeenFrame, frames_of_scenes};
use crate::tables::{Box2, Unusable};

pub const SIGHTINGS: AsyncFunction = AsyncFunction {
    doc: FunctionDoc {
        name: "sightings",
        signature: "sightings(frames, objects, surfaces)",
        summary: "for each frame of a scene the objects that it shows, with their pixels: visible, in the image with nothing before them, and whole without the image's border; opens depth images",
        details: "\
`frames` is a list of a scene's frames with poses, `objects` its list of (object_id, category, caption, obb) in the world, `surfaces` its list of \
(object_id, vertices, triangles), as for `project`. Out comes a list of rows (frame_id, object_id, visible_px, in_image_px, whole_px, visible, box, \
nearest, evidence), one for each object of which a frame shows at least one pixel:\n\n\
- `visible_px`: pixels whose nearest surface is the object; `box` is around them, and `nearest` is the least depth of them, metres;\n\
- `in_image_px`: pixels that the object would have alone, inside the image; `visible` is visible_px / in_image_px;\n\
- `whole_px`: pixels that it would have alone on an image without borders. Such an image ends after four widths and heights on each side, and where an \
object passes the camera, the part in front of it is counted and divided by its share of the vertices. Counted to about 1 % where the object leaves \
the image.\n\n\
`evidence` is what says who hides whom: `mesh`, the scene's triangles; `depth`, the frame's depth image (or the triangles of others, for an object \
that has none) under the object's box, within max(0.1 m, 5 %); `boxes`, the other objects' boxes alone. With the last two, pixels are counted on a \
grid of 400 along the longer side. `quarantined` is set for a frame without a pose and for an object whose box is none.",
        example: Example {
            sql: "SELECT concat(o['object_id'], ': ', o['visible_px'], ' of ', o['whole_px'], ' pixels by ', o['evidence'])
            FROM (SELECT unnest(sightings(f.shots, s.placed, t.meshes)) AS o
            FROM (SELECT scene_id, array_agg({frame_id: frame_id, width: width, height: height, fx: fx, fy: fy, cx: cx, cy: cy,
                world_from_camera: world_from_camera, gravity: gravity, depth_uri: depth_uri, depth_scale: depth_scale, exhaustive: exhaustive})
                AS shots FROM frames WHERE lifted_from = 'scan' GROUP BY scene_id) AS f
            JOIN (SELECT scene_id, array_agg({object_id: object_id, category: category, caption: caption, obb: obb}) AS placed
                FROM scene_objects GROUP BY scene_id) AS s ON s.scene_id = f.scene_id
            JOIN (SELECT scene_id, array_agg({object_id: object_id, vertices: vertices, triangles: triangles}) AS meshes
                FROM surfaces GROUP BY scene_id) AS t ON t.scene_id = f.scene_id) ORDER BY o['object_id'] LIMIT 1",
            result: "1: 538 of 538 pixels by mesh",
        },
        cost: Cost::ReadsImages,
    },
    arguments: 3,
    opens: Opens::Depth,
    rows_at_once: 4,
    fields,
    call: |columns, fields, _| {
        Box::pin(async move { to_lists(&fields, &frames_of_scenes(columns, refused, sighting_rows).await?) })
    },
};

/// A row of what `sightings` gives.
#[derive(Debug, Clone, Default, Serialize)]
struct SightingRow {
    frame_id: String,
    object_id: Option<String>,
    visible_px: Option<u64>,
    in_image_px: Option<u64>,
    whole_px: Option<u64>,
    visible: Option<f64>,
    #[serde(rename = "box")]
    bbox: Option<Box2>,
    nearest: Option<f64>,
    evidence: Option<&'static str>,
    quarantined: Option<Unusable>,
}

fn fields(_: &SchemaRef) -> Fields {
    let field = |name: &str, kind| Field::new(name, kind, true);
    let count = |name: &str| field(name, DataType::Int64);
    [
        field("frame_id", DataType::Utf8),
        field("object_id", DataType::Utf8),
        count("visible_px"),
        count("in_image_px"),
        count("whole_px"),
        field("visible", DataType::Float64),
        field("box", DataType::Struct(pixel_box_fields())),
        field("nearest", DataType::Float64),
        field("evidence", DataType::Utf8),
        quarantined_field(),
    ]
    .into_iter()
    .map(Arc::new)
    .collect()
}

fn sighting_rows(seen: &SeenFrame) -> Vec<SightingRow> {
    let SeenFrame { frame, shot, scene, measured } = seen;
    let geometry = match scene.geometry() {
        Ok(geometry) => geometry,
        Err(e) => return vec![refused(&frame.frame_id, Unusable::new("surface", e.to_string()))],
    };
    let found = match geometry.sightings(shot, &Measured { depth: measured.as_ref(), instances: None }) {
        Ok(found) => found,
        Err(e) => return vec![refused(&frame.frame_id, Unusable::new("camera", e.to_string()))],
    };
    let rows = found.into_iter().map(|sighting| SightingRow {
        frame_id: frame.frame_id.clone(),
        object_id: Some(scene.ids[sighting.object].clone()),
        visible_px: Some(sighting.visible_px),
        in_image_px: Some(sighting.in_image_px),
        whole_px: Some(sighting.whole_px),
        visible: Some(sighting.visible_px as f64 / sighting.in_image_px as f64),
        bbox: Some(sighting.bounds.into()),
        // An image of instances without depth may show what no box is at.
        nearest: Some(sighting.nearest).filter(|nearest| nearest.is_finite()),
        evidence: Some(sighting.evidence.name()),
        quarantined: None,
    });
    let lost = scene
        .lost
        .iter()
        .map(|(id, lost)| SightingRow { object_id: Some(id.clone()), ..refused(&frame.frame_id, lost.clone()) });
    rows.chain(lost).collect()
}

fn refused(frame_id: &str, lost: Unusable) -> SightingRow {
    SightingRow { frame_id: frame_id.to_owned(), quarantined: Some(lost), ..SightingRow::default() }
}
