//! A scene from above: what the picture of it is drawn from. In: rows of `scenes`, `scene_objects`, `frames` and `surfaces` of one scene. Out:
//! footprints, cameras in the order of time and outlines of the floor; x and y of the world, which is metres where the scene is metric.

use std::collections::HashSet;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Int32Type};
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use serde::Deserialize;
use spatialmill_geometry::Rigid;
use spatialmill_geometry::floor_area::{FloorArea, FloorRules};

use super::{asked, named};
use crate::error::{Context, Error, Result};
use crate::tables::{Obb, Vec3};

/// What is known of a scene.
#[derive(Debug, Clone, Default)]
pub struct Scene {
    pub metric: bool,
    pub objects: Vec<PlacedObject>,
    /// Every frame that has a pose, in the order of time.
    pub path: Vec<PlacedCamera>,
    /// Closed polygons; none where the scene has no surfaces.
    pub floor: Vec<Vec<[f64; 2]>>,
}

/// An object of a scene.
#[derive(Debug, Clone, Default)]
pub struct PlacedObject {
    pub object_id: String,
    pub category: String,
    /// Convex, counter-clockwise.
    pub footprint: Vec<[f64; 2]>,
}

/// A frame's camera.
#[derive(Debug, Clone, Default)]
pub struct PlacedCamera {
    pub frame_id: String,
    pub at: [f64; 2],
    /// Where the left and the right border of its image lead to: unit vectors. None where it looks straight up or down.
    pub borders: Option<[[f64; 2]; 2]>,
}

#[derive(Deserialize)]
struct SceneRow {
    metric: bool,
    min: Option<Vec3>,
    max: Option<Vec3>,
}

#[derive(Deserialize)]
struct ObjectRow {
    object_id: String,
    category: String,
    obb: Obb,
}

#[derive(Deserialize)]
struct CameraRow {
    frame_id: String,
    width: u32,
    fx: Option<f64>,
    cx: Option<f64>,
    world_from_camera: Vec<f64>,
}

impl Scene {
    /// Reads a scene; none where there is no such scene, or nothing in it has a place in a world.
    pub async fn open(context: &SessionContext, scene_id: &str) -> Result<Option<Self>> {
        let found: Vec<SceneRow> = asked(context, include_str!("scene.sql"), "scene", scene_id).await?;
        let Some(row) = found.into_iter().next() else { return Ok(None) };
        let objects: Vec<ObjectRow> = asked(context, include_str!("scene_objects.sql"), "scene", scene_id).await?;
        let cameras: Vec<CameraRow> = asked(context, include_str!("scene_path.sql"), "scene", scene_id).await?;
        let floor = match (row.min, row.max) {
            (Some(min), Some(max)) => floor(context, scene_id, (max.x - min.x).max(max.y - min.y)).await?,
            _ => Vec::new(),
        };
        let objects = objects.into_iter().filter_map(|object| {
            // A box that is none was told of when it was imported.
            let footprint = object.obb.checked().ok()?.footprint();
            Some(PlacedObject { object_id: object.object_id, category: object.category, footprint })
        });
        let path = cameras.iter().filter_map(CameraRow::placed);
        let scene = Self { metric: row.metric, objects: objects.collect(), path: path.collect(), floor };
        Ok((!scene.objects.is_empty() || !scene.path.is_empty()).then_some(scene))
    }
}

/// Half of the angle that a camera is drawn with where its intrinsics are unknown, radians.
const HALF_VIEW_RAD: f64 = 0.5;

/// How far the horizontal part of a direction may be shortened before it is none: within about 8 degrees of the vertical.
const LEVEL: f64 = 0.15;

impl CameraRow {
    fn placed(&self) -> Option<PlacedCamera> {
        let pose = Rigid::from_row_major(<&[f64; 16]>::try_from(self.world_from_camera.as_slice()).ok()?).ok()?;
        let forward = pose.rotation.column(2);
        let borders = (forward.x.hypot(forward.y) > LEVEL).then(|| {
            let ahead = forward.y.atan2(forward.x);
            // As a level camera sees: how the image is turned or tilted widens its borders, and says nothing about where it looks.
            let angle = |pixels: f64, focal: f64| (pixels / focal).atan();
            let [left, right] = match (self.fx, self.cx) {
                (Some(fx), Some(cx)) if fx > 0.0 => [angle(cx + 0.5, fx), angle(f64::from(self.width) - 0.5 - cx, fx)],
                _ => [HALF_VIEW_RAD; 2],
            };
            [ahead + left, ahead - right].map(|way| [way.cos(), way.sin()])
        });
        Some(PlacedCamera { frame_id: self.frame_id.clone(), at: [pose.translation.x, pose.translation.y], borders })
    }
}

/// Cells along the longer side of a floor: on a plan a cell is as wide as a few pixels.
const CELLS: f64 = 120.0;

/// Points that are looked at between the vertices of large triangles, of all triangles together.
const MOST_BETWEEN: usize = 4_000_000;

/// The outlines of what surfaces cover of the ground, whose longer side has this length.
async fn floor(context: &SessionContext, scene_id: &str, length: f64) -> Result<Vec<Vec<[f64; 2]>>> {
    if !(length.is_finite() && length > 0.0) {
        return Ok(Vec::new());
    }
    let rows = context.sql(include_str!("scene_surfaces.sql")).await?;
    let mut rows = rows.with_param_values(named("scene", scene_id))?.execute_stream().await?;
    let mut ground = Ground { cell: length / CELLS, between: 0, taken: HashSet::new(), points: Vec::new() };
    while let Some(batch) = rows.next().await {
        ground.add(&batch?)?;
    }
    let Ground { cell, points, .. } = ground;
    let outline = move || {
        // Two cells: gaps between samples are closed, doorways stay open.
        let rules = FloorRules { alpha_per_m: 1.0 / (2.0 * cell), grid_m: 0.0, ..FloorRules::default() };
        FloorArea::outlines(points, &rules)
    };
    tokio::task::spawn_blocking(outline).await.or_internal(|| "outlining died".into())
}

/// Points that surfaces have above the ground, one a cell.
struct Ground {
    cell: f64,
    /// How many points between vertices were looked at.
    between: usize,
    taken: HashSet<[i64; 2]>,
    points: Vec<[f64; 2]>,
}

impl Ground {
    fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let wrong = || Error::internal("surfaces have lists of vertices and triangles");
        let lists = |name: &str, of: DataType| {
            let column = batch.column_by_name(name).ok_or_else(wrong)?;
            let list = DataType::List(std::sync::Arc::new(arrow::datatypes::Field::new("item", of, true)));
            Ok::<_, Error>(
                cast(column, &list).or_internal(|| "surfaces have lists of numbers".into())?.as_list::<i32>().clone(),
            )
        };
        let (vertices, triangles) = (lists("vertices", DataType::Float32)?, lists("triangles", DataType::Int32)?);
        for row in 0..batch.num_rows() {
            if vertices.is_null(row) || triangles.is_null(row) {
                continue;
            }
            let (vertices, triangles) = (vertices.value(row), triangles.value(row));
            let vertices = vertices.as_primitive::<Float32Type>().values();
            let at = |vertex: i32| {
                let first = usize::try_from(vertex).ok()?.checked_mul(3)?;
                Some([f64::from(*vertices.get(first)?), f64::from(*vertices.get(first + 1)?)])
            };
            for vertex in vertices.chunks_exact(3) {
                self.take([f64::from(vertex[0]), f64::from(vertex[1])]);
            }
            for corners in triangles.as_primitive::<Int32Type>().values().chunks_exact(3) {
                if let (Some(a), Some(b), Some(c)) = (at(corners[0]), at(corners[1]), at(corners[2])) {
                    self.fill(a, b, c);
                }
            }
        }
        Ok(())
    }

    /// Points on a triangle that is larger than a cell.
    fn fill(&mut self, a: [f64; 2], b: [f64; 2], c: [f64; 2]) {
        let side = |p: [f64; 2], q: [f64; 2]| (q[0] - p[0]).hypot(q[1] - p[1]);
        let longest = side(a, b).max(side(b, c)).max(side(c, a));
        if !longest.is_finite() || longest <= self.cell || self.between > MOST_BETWEEN {
            return;
        }
        let steps = (1.5 * longest / self.cell).ceil().min(4.0 * CELLS) as u32;
        let share = |step: u32| f64::from(step) / f64::from(steps);
        for i in 0..=steps {
            for j in 0..=steps - i {
                let (u, v) = (share(i), share(j));
                self.take([0, 1].map(|k: usize| a[k] + u * (b[k] - a[k]) + v * (c[k] - a[k])));
            }
        }
        self.between += (steps as usize + 1).pow(2) / 2;
    }

    fn take(&mut self, point: [f64; 2]) {
        if point.iter().all(|at| at.is_finite()) && self.taken.insert(point.map(|at| (at / self.cell).floor() as i64)) {
            self.points.push(point);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_floor_of_two_triangles_is_covered() {
        let mut ground = Ground { cell: 0.05, between: 0, taken: HashSet::new(), points: Vec::new() };
        let [a, b, c, d] = [[0.0, 0.0], [4.0, 0.0], [4.0, 3.0], [0.0, 3.0]];
        ground.fill(a, b, c);
        ground.fill(a, c, d);
        let rules = FloorRules { alpha_per_m: 10.0, grid_m: 0.0, ..FloorRules::default() };
        let measured = FloorArea::of(ground.points, &rules).unwrap();
        assert!((measured.area_m2 - 12.0).abs() < 0.3, "{measured:?}");
    }

    #[test]
    fn a_camera_looks_between_the_borders_of_its_image() {
        // At (2, 1), looking along +y: camera x is world x, camera y is down, camera z is world y.
        let pose = vec![1., 0., 0., 2., 0., 0., 1., 1., 0., -1., 0., 1.5, 0., 0., 0., 1.];
        let row =
            CameraRow { frame_id: "s/1".into(), width: 640, fx: Some(320.0), cx: Some(319.5), world_from_camera: pose };
        let camera = row.placed().unwrap();
        assert_eq!(camera.at, [2.0, 1.0]);
        let [left, right] = camera.borders.unwrap();
        let half = std::f64::consts::FRAC_1_SQRT_2;
        for (found, expected) in [(left, [-half, half]), (right, [half, half])] {
            assert!((0..2).all(|k| (found[k] - expected[k]).abs() < 1e-12), "{found:?}");
        }
        // Straight down.
        let down = vec![1., 0., 0., 2., 0., -1., 0., 1., 0., 0., -1., 1.5, 0., 0., 0., 1.];
        assert!(CameraRow { world_from_camera: down, ..row }.placed().unwrap().borders.is_none());
    }
}
