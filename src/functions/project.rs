//! `project(frames, objects, surfaces)`: a scene's annotated objects become objects in the view space of each of its frames.
//!
//! One row is one scene: its frames, its objects and its triangles, each as a list, so that megabytes of triangles are not copied for
//! each frame. What hides what comes from the triangles, from the frame's depth image where there are none, else from the boxes.

use spatialmill_columns::{Cost, Example, FunctionDoc};

use super::async_function::{AsyncFunction, Opens};
use super::lists::to_lists;
use super::object_rows::{ObjectRow, row_fields};
use super::scenes::{SeenFrame, frames_of_scenes};
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
    call: |columns, fields, _| Box::pin(async move { to_lists(&fields, &frames_of_scenes(columns, refused, shown_rows).await?) }),
};

fn shown_rows(seen: &SeenFrame) -> Vec<ObjectRow> {
    let SeenFrame { frame, shot, scene, measured } = seen;
    let geometry = match scene.geometry() {
        Ok(geometry) => geometry,
        Err(e) => return vec![refused(&frame.frame_id, Unusable::new("surface", e.to_string()))],
    };
    let shown = match geometry.project(shot, measured.as_ref()) {
        Ok(shown) => shown,
        Err(e) => return vec![refused(&frame.frame_id, Unusable::new("camera", e.to_string()))],
    };
    let trust = match (scene.has_surfaces(), measured) {
        (true, _) => 1.0,
        (false, Some(_)) => frame.depth_occlusion_trust,
        (false, None) => frame.box_occlusion_trust,
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
