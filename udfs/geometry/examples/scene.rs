//! Measures a scanned scene: who is seen in its frames, its floor area, how far its surfaces are apart and the ways over its floor, and how
//! long that takes.
//!
//! ```text
//! scene [FOLDER] [repetitions]
//! ```
//!
//! FOLDER holds raw little-endian numbers, as an oracle in another language writes them: `vertices.f32` (x, y, z each), `triangles.i32` (three vertices
//! each), `owners.i32` (the object of each triangle, -1 for none), `frames.f64` (width, height, fx, fy, cx, cy and 16 of the pose each). Without one,
//! the scene is a room of 8 m x 6 m with 30 boxes in it and 80,000 vertices, seen from 8 places. Each line of the answer is a name and numbers; those
//! that begin with `#` are times.

use spatialmill_geometry::floor_area::{FloorArea, FloorRules};
use spatialmill_geometry::project::{Measured, Scene, Shot, Surface};
use spatialmill_geometry::route::{FloorMap, FloorMapRules, PathRules};
use spatialmill_geometry::{DepthImage, Intrinsics, OrientedBox, Rigid, SurfacePoints, Vector3};
use std::error::Error;
use std::time::{Duration, Instant};

type Mesh = (Vec<f32>, Vec<i32>);
/// The meshes of objects, that of all the rest, and frames.
type Scanned = (Vec<Mesh>, Mesh, Vec<Shot>);

/// The time that this thread has had of a core, where the system tells; else the time that has passed. A busy machine makes the second one longer.
struct Clock(Instant);

impl Clock {
    fn now(&self) -> Duration {
        let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
        let of_core = told.and_then(|told| told.split(' ').next()?.parse().ok()).map(Duration::from_nanos);
        of_core.unwrap_or_else(|| self.0.elapsed())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let clock = Clock(Instant::now());
    let mut arguments = std::env::args().skip(1).peekable();
    let folder = arguments.next_if(|argument| argument.parse::<u32>().is_err());
    let repetitions: u32 = arguments.next().map_or(Ok(1), |n| n.parse())?;
    let (meshes, rest, shots) = match folder {
        Some(folder) => read(&folder)?,
        None => made(),
    };
    let points = |mesh: &Mesh| -> Vec<Vector3<f64>> {
        mesh.0.chunks_exact(3).map(|p| Vector3::new(p[0].into(), p[1].into(), p[2].into())).collect()
    };
    let boxes: Vec<OrientedBox> = meshes
        .iter()
        .map(|mesh| OrientedBox::upright_of(&points(mesh)).ok_or("an object without points"))
        .collect::<Result<_, _>>()?;
    let surface = |(object, (vertices, triangles))| Surface { object, vertices, triangles };
    let owned = meshes
        .iter()
        .enumerate()
        .map(|(object, (vertices, triangles))| (Some(object), (&vertices[..], &triangles[..])));
    let scene = Scene::new(&boxes, owned.chain([(None, (&rest.0[..], &rest.1[..]))]).map(surface).collect())?;

    let start = clock.now();
    for _ in 1..repetitions {
        for shot in &shots {
            scene.sightings(shot, &Measured::default())?;
        }
    }
    let frames = f64::from(repetitions.saturating_sub(1)) * shots.len() as f64;
    println!("# sightings by mesh: {:.1} frames/s", frames / (clock.now() - start).as_secs_f64());
    for (frame, shot) in shots.iter().enumerate() {
        for s in scene.sightings(shot, &Measured::default())? {
            let b = s.bounds;
            println!(
                "sighting {frame} {} {} {} {} {} {} {} {} {}",
                s.object, s.visible_px, s.in_image_px, s.whole_px, b.x0, b.y0, b.x1, b.y1, s.nearest
            );
        }
    }

    let depths: Vec<DepthImage> = shots
        .iter()
        .filter_map(|shot| Some((shot, scene.render(shot)?)))
        .map(|(shot, drawn)| DepthImage::new(shot.width, shot.height, drawn.depths().to_vec()))
        .collect::<Result<_, _>>()?;
    let by_boxes = Scene::new(&boxes, vec![])?;
    let start = clock.now();
    for _ in 1..repetitions {
        for (shot, depth) in shots.iter().zip(&depths) {
            by_boxes.sightings(shot, &Measured { depth: Some(depth), instances: None })?;
        }
    }
    println!("# sightings by depth: {:.1} frames/s", frames / (clock.now() - start).as_secs_f64());

    let start = clock.now();
    let clouds: Vec<Option<SurfacePoints>> = meshes.iter().map(|mesh| SurfacePoints::of(&points(mesh))).collect();
    let pairs =
        || clouds.iter().enumerate().flat_map(|(i, a)| clouds[..i].iter().enumerate().map(move |(j, b)| (j, i, a, b)));
    let distances: Vec<_> =
        pairs().filter_map(|(j, i, a, b)| Some((j, i, a.as_ref()?.distance(b.as_ref()?)))).collect();
    println!("# {} surface distances: {:.1} ms", distances.len(), (clock.now() - start).as_secs_f64() * 1e3);
    for (j, i, distance) in distances {
        println!("distance {j} {i} {distance}");
    }

    let all: Vec<[f64; 2]> = meshes.iter().chain([&rest]).flat_map(points).map(|p| [p.x, p.y]).collect();
    for grid_m in [0.0, 0.05] {
        let start = clock.now();
        let measured = FloorArea::of(all.iter().copied(), &FloorRules { grid_m, ..FloorRules::default() });
        println!(
            "# floor area of {} vertices, grid {grid_m}: {:.1} ms",
            all.len(),
            (clock.now() - start).as_secs_f64() * 1e3
        );
        if let Some(FloorArea { area_m2, unfilled_m2, hull_m2, points, largest_part }) = measured {
            println!("floor {grid_m} {area_m2} {unfilled_m2} {hull_m2} {points} {largest_part}");
        }
    }

    let start = clock.now();
    let triangles: Vec<[Vector3<f64>; 3]> = meshes.iter().chain([&rest]).flat_map(corners).collect();
    if let Some(map) = FloorMap::of(&triangles, 0.0, &FloorMapRules::default()) {
        let stands: Vec<usize> = boxes.iter().filter_map(|obb| map.stand_point(obb, 0.8)).take(11).collect();
        let ends = stands.iter().flat_map(|from| stands.iter().map(move |to| (*from, *to))).filter(|(a, b)| a != b);
        let lengths: Vec<f64> =
            ends.filter_map(|(from, to)| Some(map.path(from, to, &PathRules::default())?.length)).collect();
        println!("# floor map and {} routes: {:.1} ms", lengths.len(), (clock.now() - start).as_secs_f64() * 1e3);
        println!("routes {} {}", lengths.len(), lengths.iter().sum::<f64>());
    }
    Ok(())
}

fn corners((vertices, triangles): &Mesh) -> impl Iterator<Item = [Vector3<f64>; 3]> {
    let at = |index: &i32| {
        let first = 3 * *index as usize;
        Vector3::new(vertices[first].into(), vertices[first + 1].into(), vertices[first + 2].into())
    };
    triangles.chunks_exact(3).map(move |triangle| [at(&triangle[0]), at(&triangle[1]), at(&triangle[2])])
}

fn read(folder: &str) -> Result<Scanned, Box<dyn Error>> {
    let bytes = |name: &str| std::fs::read(format!("{folder}/{name}"));
    let words = |name: &str| -> Result<Vec<[u8; 4]>, std::io::Error> {
        Ok(bytes(name)?.chunks_exact(4).map(|b| [b[0], b[1], b[2], b[3]]).collect())
    };
    let integers = |name: &str| -> Result<Vec<i32>, std::io::Error> {
        Ok(words(name)?.into_iter().map(i32::from_le_bytes).collect())
    };
    let vertices: Vec<f32> = words("vertices.f32")?.into_iter().map(f32::from_le_bytes).collect();
    let (triangles, owners) = (integers("triangles.i32")?, integers("owners.i32")?);
    let objects = owners.iter().max().map_or(0, |last| usize::try_from(last + 1).unwrap_or(0));
    let mut meshes: Vec<Mesh> = vec![Mesh::default(); objects + 1];
    let mut of_mesh: Vec<std::collections::HashMap<i32, i32>> = vec![Default::default(); objects + 1];
    for (triangle, owner) in triangles.chunks_exact(3).zip(&owners) {
        let at = usize::try_from(*owner).unwrap_or(objects);
        for vertex in triangle {
            let (own_vertices, own_triangles) = &mut meshes[at];
            let next = (own_vertices.len() / 3) as i32;
            let index = *of_mesh[at].entry(*vertex).or_insert_with(|| {
                own_vertices.extend(&vertices[3 * *vertex as usize..][..3]);
                next
            });
            own_triangles.push(index);
        }
    }
    let rest = meshes.pop().unwrap_or_default();
    let doubles = bytes("frames.f64")?;
    let doubles: Vec<f64> =
        doubles.chunks_exact(8).filter_map(|b| Some(f64::from_le_bytes(b.try_into().ok()?))).collect();
    let shot = |n: &[f64]| -> Result<Shot, Box<dyn Error>> {
        let intrinsics = Intrinsics { fx: n[2], fy: n[3], cx: n[4], cy: n[5] };
        let world_from_camera = Rigid::from_row_major(n[6..].try_into()?)?;
        Ok(Shot { world_from_camera, intrinsics, width: n[0] as u32, height: n[1] as u32 })
    };
    Ok((meshes, rest, doubles.chunks_exact(22).map(shot).collect::<Result<_, _>>()?))
}

/// A room with boxes, as finely meshed as scans are.
fn made() -> Scanned {
    let mut rest = Mesh::default();
    let (x, y, z) = (Vector3::x(), Vector3::y(), Vector3::z());
    for (corner, a, b) in [
        (Vector3::zeros(), x * 8.0, y * 6.0),
        (Vector3::zeros(), x * 8.0, z * 2.6),
        (y * 6.0, x * 8.0, z * 2.6),
        (Vector3::zeros(), y * 6.0, z * 2.6),
        (x * 8.0, y * 6.0, z * 2.6),
    ] {
        face(&mut rest, corner, a, b);
    }
    let things = (0..30).map(|i: u32| {
        let at = Vector3::new(0.7 + f64::from(i % 6) * 1.3, 0.6 + f64::from(i / 6) * 1.2, 0.0);
        let size =
            Vector3::new(0.4 + f64::from(i % 4) * 0.15, 0.4 + f64::from(i % 3) * 0.1, 0.3 + f64::from(i % 5) * 0.3);
        let (a, b, c) = (x * size.x, y * size.y, z * size.z);
        let mut mesh = Mesh::default();
        for (corner, a, b) in [(at, a, b), (at + c, a, b), (at, a, c), (at + b, a, c), (at, b, c), (at + a, b, c)] {
            face(&mut mesh, corner, a, b);
        }
        mesh
    });
    let shots = (0..8).map(|i: u32| {
        let (sin, cos) = (f64::from(i) * std::f64::consts::TAU / 8.0).sin_cos();
        let (forward, right) = (Vector3::new(cos, sin, -0.3).normalize(), Vector3::new(sin, -cos, 0.0));
        let down = forward.cross(&right);
        let rotation = spatialmill_geometry::Matrix3::from_columns(&[right, down, forward]);
        let world_from_camera = Rigid { rotation, translation: Vector3::new(4.0 - 3.0 * cos, 3.0 - 2.2 * sin, 1.6) };
        let intrinsics = Intrinsics { fx: 1170.0, fy: 1170.0, cx: 648.0, cy: 484.0 };
        Shot { world_from_camera, intrinsics, width: 1296, height: 968 }
    });
    (things.collect(), rest, shots.collect())
}

/// A rectangle in triangles with sides of about 5 cm.
fn face(mesh: &mut Mesh, corner: Vector3<f64>, a: Vector3<f64>, b: Vector3<f64>) {
    let (columns, rows) = ((a.norm() / 0.053).ceil() as i32, (b.norm() / 0.053).ceil() as i32);
    let first = (mesh.0.len() / 3) as i32;
    for row in 0..=rows {
        for column in 0..=columns {
            let at = corner + a * (f64::from(column) / f64::from(columns)) + b * (f64::from(row) / f64::from(rows));
            mesh.0.extend(at.iter().map(|number| *number as f32));
            if row < rows && column < columns {
                let here = first + row * (columns + 1) + column;
                let above = here + columns + 1;
                mesh.1.extend([here, here + 1, above, above, here + 1, above + 1]);
            }
        }
    }
}
