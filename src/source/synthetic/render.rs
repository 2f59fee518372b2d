//! Rendering: a room and a camera in, the three images of a frame out: colour, depth, and which object each pixel shows.
//!
//! One lamp in the middle of the ceiling with shadows, a little light from the camera, matt surfaces: plain enough to be
//! exact and quick, readable enough that a person names what they see.

use spatialmill_geometry::raster::{NOBODY, Raster};
use spatialmill_geometry::{Intrinsics, Matrix3, Rigid, Vector3};

use super::room::{Floor, Room};
use super::shape::Albedo;

/// The triangles of a room, each with what it belongs to.
pub struct Scene {
    vertices: Vec<Vector3<f64>>,
    triangles: Vec<[u32; 3]>,
    faces: Vec<Face>,
    objects: usize,
    lamp: Lamp,
    floor: Floor,
}

/// What a triangle looks like.
struct Face {
    /// Index into the room's objects; none for its shell.
    object: Option<usize>,
    normal: Vector3<f64>,
    albedo: Albedo,
    is_floor: bool,
}

/// The images of a frame, row by row from the top left.
pub struct Picture {
    pub width: usize,
    pub height: usize,
    /// sRGB, three bytes a pixel.
    pub colour: Vec<u8>,
    /// Millimetres along the viewing axis; 0 where nothing is.
    pub depth_mm: Vec<u16>,
    /// Index into the room's objects plus one; 0 for floor, walls and ceiling.
    pub instance: Vec<u16>,
}

impl Scene {
    pub fn of(room: &Room) -> Self {
        let mut scene = Self {
            vertices: Vec::new(),
            triangles: Vec::new(),
            faces: Vec::new(),
            objects: room.objects.len(),
            lamp: Lamp::under_the_ceiling(room),
            floor: room.floor,
        };
        let shell = std::iter::once((None, &room.shell));
        for (object, mesh) in shell.chain(room.objects.iter().enumerate().map(|(i, object)| (Some(i), &object.mesh))) {
            let first = scene.vertices.len() as u32;
            scene.vertices.extend(&mesh.vertices);
            for (i, triangle) in mesh.triangles.iter().enumerate() {
                scene.triangles.push(triangle.map(|vertex| first + vertex));
                let (normal, albedo) = (mesh.normal(i), mesh.albedos[i]);
                let is_floor = object.is_none() && normal.z > 0.5;
                scene.faces.push(Face { object, normal, albedo, is_floor });
            }
        }
        let from_above = scene.rasterise(&scene.lamp.intrinsics, &scene.lamp.pose, SHADOW_MAP, SHADOW_MAP);
        scene.lamp.reach_m = from_above.depths().to_vec();
        scene
    }

    /// How many pixels show each object, by its index in the room.
    pub fn shown(&self, intrinsics: &Intrinsics, pose: &Rigid, width: usize, height: usize) -> Vec<usize> {
        let mut pixels = vec![0; self.objects];
        for &id in self.rasterise(intrinsics, pose, width, height).ids() {
            if let Some(object) = self.face(id).and_then(|face| face.object) {
                pixels[object] += 1;
            }
        }
        pixels
    }

    /// The images that a camera at `pose` takes.
    pub fn picture(&self, intrinsics: &Intrinsics, pose: &Rigid, width: usize, height: usize) -> Picture {
        let raster = self.rasterise(intrinsics, pose, width, height);
        let mut colour = Vec::with_capacity(width * height * 3);
        let mut depth_mm = Vec::with_capacity(width * height);
        let mut instance = Vec::with_capacity(width * height);
        for (pixel, (&id, &depth_m)) in raster.ids().iter().zip(raster.depths()).enumerate() {
            let Some(face) = self.face(id) else {
                colour.extend([0; 3]);
                depth_mm.push(0);
                instance.push(0);
                continue;
            };
            let (u, v) = ((pixel % width) as f64, (pixel / width) as f64);
            let point = pose.apply(&intrinsics.back_project(u, v, f64::from(depth_m)));
            colour.extend(self.light(face, &point, &pose.translation).map(encode));
            // Saturating, so that a room larger than 65 m would read as its farthest, not wrap around.
            depth_mm.push((depth_m * 1000.0).round() as u16);
            instance.push(face.object.map_or(0, |object| object as u16 + 1));
        }
        Picture { width, height, colour, depth_mm, instance }
    }

    /// Light that comes back from a point of a face to the eye, linear.
    fn light(&self, face: &Face, point: &Vector3<f64>, eye: &Vector3<f64>) -> Albedo {
        let to_lamp = self.lamp.pose.translation - point;
        let distance = to_lamp.norm().max(0.1);
        let lambert = |towards: &Vector3<f64>| (face.normal.dot(towards) / towards.norm().max(1e-6)).max(0.0);
        let lamp = lambert(&to_lamp) * self.lamp.reaches(point, &face.normal) * 9.0 / (3.0 + distance * distance);
        let camera = lambert(&(eye - point));
        // Light that has bounced about the room comes from above a little more than from below.
        let bounced = 0.22 + 0.06 * face.normal.z;
        let light = (bounced + 0.24 * camera + 0.62 * lamp) as f32;
        let pattern = if face.is_floor { self.floor.pattern(point) } else { 1.0 };
        face.albedo.map(|albedo| albedo * light * pattern)
    }

    /// The triangle that each pixel shows.
    fn rasterise(&self, intrinsics: &Intrinsics, pose: &Rigid, width: usize, height: usize) -> Raster {
        let camera_from_world = pose.inverse();
        let seen: Vec<_> = self.vertices.iter().map(|vertex| camera_from_world.apply(vertex)).collect();
        let mut raster = Raster::new(width as u32, height as u32);
        for (id, triangle) in self.triangles.iter().enumerate() {
            raster.draw(intrinsics, &triangle.map(|vertex| seen[vertex as usize]), id as u32);
        }
        raster
    }

    /// What the triangle of this id looks like; none where a pixel shows nothing.
    fn face(&self, id: u32) -> Option<&Face> {
        (id != NOBODY).then(|| &self.faces[id as usize])
    }
}

/// Pixels along a side of the lamp's view of the room.
const SHADOW_MAP: usize = 768;

/// The lamp, and how far its light reaches in each direction.
struct Lamp {
    pose: Rigid,
    intrinsics: Intrinsics,
    reach_m: Vec<f32>,
}

impl Lamp {
    fn under_the_ceiling(room: &Room) -> Self {
        let place = Vector3::new(0.0, 0.0, room.size.z - 0.1);
        // Straight down: right stays east, and the image's down is south.
        let down = Matrix3::from_diagonal(&Vector3::new(1.0, -1.0, -1.0));
        let middle = (SHADOW_MAP as f64 - 1.0) / 2.0;
        // 150 degrees wide: the floor and all furniture, though not the upper walls, which nothing shades anyway.
        let focal = middle / 75f64.to_radians().tan();
        Self {
            pose: Rigid { rotation: down, translation: place },
            intrinsics: Intrinsics { fx: focal, fy: focal, cx: middle, cy: middle },
            reach_m: Vec::new(),
        }
    }

    /// 0 in full shadow, 1 in full light, in between along a shadow's edge.
    fn reaches(&self, point: &Vector3<f64>, normal: &Vector3<f64>) -> f64 {
        // A point is lifted off its surface a little, or surfaces would shade themselves in stripes.
        let seen = self.pose.inverse().apply(&(point + normal * 0.02));
        let Some((u, v)) = self.intrinsics.project(&seen) else { return 1.0 };
        let mut lit = 0.0;
        // The nine rays around the point's own, of which some pass an edge that others do not.
        for ray in 0..9 {
            let (u, v) = ((u + f64::from(ray % 3) - 1.0).round(), (v + f64::from(ray / 3) - 1.0).round());
            let side = SHADOW_MAP as f64;
            let inside = u >= 0.0 && v >= 0.0 && u < side && v < side;
            if !inside || f64::from(self.reach_m[v as usize * SHADOW_MAP + u as usize]) > seen.z * 0.99 - 0.02 {
                lit += 1.0;
            }
        }
        lit / 9.0
    }
}

impl Floor {
    /// How much darker or lighter the floor is here.
    fn pattern(&self, point: &Vector3<f64>) -> f32 {
        match *self {
            Self::Tiles { side } => {
                let joint = [point.x, point.y].into_iter().any(|x| x.rem_euclid(side) < 0.012);
                if joint { 0.6 } else { 1.0 }
            }
            Self::Boards { width } => {
                let board = (point.y / width).floor();
                // Boards differ, and each begins somewhere else.
                let tint = (board * 12.9898).sin() * 0.12;
                let end = (point.x + (board * 78.233).sin() * 2.0).rem_euclid(1.4) < 0.008;
                let joint = point.y.rem_euclid(width) < 0.006;
                if joint || end { 0.62 } else { 1.0 + tint as f32 }
            }
        }
    }
}

/// Linear light as an sRGB byte.
fn encode(light: f32) -> u8 {
    let light = light.clamp(0.0, 1.0);
    let encoded = if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
    (encoded * 255.0).round() as u8
}
