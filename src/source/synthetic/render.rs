//! Rendering: rooms and a camera in, the three images of a frame out: colour, depth, and which object each pixel shows.
//!
//! Matt surfaces and hard geometry: plain enough to be exact and quick, readable enough that a person names what they see.

use spatialmill_geometry::raster::{NEAR_M, NOBODY, Raster};
use spatialmill_geometry::{Bounds, Intrinsics, Rigid, Vector3};

use super::light::{Light, Matt, SHADOW_MAP};
use super::room::{Floor, Room};
use super::shape::ShapeMesh;

/// The triangles of one room or several, each with what it belongs to.
pub struct RenderScene {
    meshes: Vec<RenderMesh>,
    faces: Vec<RenderFace>,
    objects: usize,
    lights: Vec<Light>,
}

/// A room with its own lamp.
pub struct LitRoom<'a> {
    /// Where the lamp hangs.
    pub lamp: [f64; 3],
    pub floor: Floor,
    pub shell: &'a ShapeMesh,
    /// By their indices in the scene.
    pub objects: Vec<(usize, &'a ShapeMesh)>,
}

/// The triangles of one object or shell.
struct RenderMesh {
    /// Index of the object; none for a shell.
    object: Option<usize>,
    light: usize,
    vertices: Vec<Vector3<f64>>,
    triangles: Vec<[u32; 3]>,
    /// The index of its first triangle among all faces.
    first_face: u32,
    /// A ball that holds it.
    middle: Vector3<f64>,
    radius: f64,
}

/// What a triangle looks like.
struct RenderFace {
    /// Index of the object; none for a shell.
    object: Option<usize>,
    light: usize,
    matt: Matt,
}

/// The images of a frame, row by row from the top left.
pub struct Rendering {
    pub width: usize,
    pub height: usize,
    /// sRGB, three bytes a pixel.
    pub colour: Vec<u8>,
    /// Millimetres along the viewing axis; 0 where nothing is.
    pub depth_mm: Vec<u16>,
    /// Index of the object plus one; 0 for floor, walls and ceiling.
    pub instance: Vec<u16>,
}

impl RenderScene {
    pub fn of(room: &Room) -> Self {
        let objects = room.objects.iter().map(|object| &object.mesh).enumerate().collect();
        let lamp = [0.0, 0.0, room.size.z - 0.1];
        Self::lit(&[LitRoom { lamp, floor: room.floor, shell: &room.shell, objects }])
    }

    /// Several rooms, each lit by its own lamp alone: what comes in by a doorway is little.
    pub fn lit(rooms: &[LitRoom]) -> Self {
        let objects = rooms.iter().map(|room| room.objects.len()).sum();
        let mut scene = Self { meshes: Vec::new(), faces: Vec::new(), objects, lights: Vec::new() };
        for (light, room) in rooms.iter().enumerate() {
            scene.lights.push(Light::of(room.lamp, room.floor));
            scene.add(None, light, room.shell);
            for (object, mesh) in &room.objects {
                scene.add(Some(*object), light, mesh);
            }
            let (lamp, pose) = scene.lights[light].camera();
            let own = scene.meshes.iter().filter(|mesh| mesh.light == light);
            let from_above = rasterised(own, &lamp, &pose, SHADOW_MAP, SHADOW_MAP);
            let shaded = scene.lights.pop().map(|light| light.shaded(from_above.depths().to_vec()));
            scene.lights.extend(shaded);
        }
        scene
    }

    fn add(&mut self, object: Option<usize>, light: usize, mesh: &ShapeMesh) {
        let Some(bounds) = Bounds::of(&mesh.vertices) else { return };
        let first_face = self.faces.len() as u32;
        for i in 0..mesh.triangles.len() {
            let (normal, albedo) = (mesh.normal(i), mesh.albedos[i]);
            let is_floor = object.is_none() && normal.z > 0.5;
            let matt = Matt { normal: normal.into(), albedo, is_floor };
            self.faces.push(RenderFace { object, light, matt });
        }
        self.meshes.push(RenderMesh {
            object,
            light,
            vertices: mesh.vertices.clone(),
            triangles: mesh.triangles.clone(),
            first_face,
            middle: bounds.centre(),
            radius: bounds.extent().norm() / 2.0,
        });
    }

    /// How many pixels show each object, by its index.
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
    pub fn picture(&self, intrinsics: &Intrinsics, pose: &Rigid, width: usize, height: usize) -> Rendering {
        let raster = self.rasterise(intrinsics, pose, width, height);
        let mut colour = vec![0; width * height * 3];
        let mut depth_mm = vec![0; width * height];
        let mut instance = vec![0; width * height];
        let eye: [f64; 3] = pose.translation.into();
        // World directions of one step right, one step down and straight ahead, per metre of depth.
        let [right, down, ahead]: [[f64; 3]; 3] = [0, 1, 2].map(|axis| pose.rotation.column(axis).into_owned().into());
        for row in 0..height {
            let y = (row as f64 - intrinsics.cy) / intrinsics.fy;
            for column in 0..width {
                let pixel = row * width + column;
                let Some(face) = self.face(raster.ids()[pixel]) else { continue };
                let depth_m = f64::from(raster.depths()[pixel]);
                let x = (column as f64 - intrinsics.cx) / intrinsics.fx;
                let along = |i: usize| eye[i] + depth_m * (x * right[i] + y * down[i] + ahead[i]);
                let [red, green, blue] = self.lights[face.light].seen(&face.matt, [along(0), along(1), along(2)], eye);
                colour[3 * pixel] = red;
                colour[3 * pixel + 1] = green;
                colour[3 * pixel + 2] = blue;
                // Saturating: a room larger than 65 m would read as its farthest, not wrap around.
                depth_mm[pixel] = (depth_m * 1000.0).round() as u16;
                instance[pixel] = face.object.map_or(0, |object| object as u16 + 1);
            }
        }
        Rendering { width, height, colour, depth_mm, instance }
    }

    /// How many pixels an object would cover if nothing else were there.
    pub fn alone(&self, object: usize, intrinsics: &Intrinsics, pose: &Rigid, width: usize, height: usize) -> u64 {
        let own = self.meshes.iter().filter(|mesh| mesh.object == Some(object));
        rasterised(own, intrinsics, pose, width, height).covered()
    }

    /// The triangle that each pixel shows.
    fn rasterise(&self, intrinsics: &Intrinsics, pose: &Rigid, width: usize, height: usize) -> Raster {
        rasterised(self.meshes.iter(), intrinsics, pose, width, height)
    }

    /// What the triangle of this id looks like; none where a pixel shows nothing.
    fn face(&self, id: u32) -> Option<&RenderFace> {
        (id != NOBODY).then(|| &self.faces[id as usize])
    }
}

/// The triangle of these meshes that each pixel shows.
fn rasterised<'a>(
    meshes: impl Iterator<Item = &'a RenderMesh>,
    intrinsics: &Intrinsics,
    pose: &Rigid,
    width: usize,
    height: usize,
) -> Raster {
    let camera_from_world = pose.inverse();
    let mut raster = Raster::new(width as u32, height as u32);
    for mesh in meshes {
        if is_out_of_view(&camera_from_world.apply(&mesh.middle), mesh.radius, intrinsics, width, height) {
            continue;
        }
        let seen: Vec<_> = mesh.vertices.iter().map(|vertex| camera_from_world.apply(vertex)).collect();
        for (id, triangle) in (mesh.first_face..).zip(&mesh.triangles) {
            raster.draw(intrinsics, &triangle.map(|vertex| seen[vertex as usize]), id);
        }
    }
    raster
}

/// True where a ball is beyond one of the planes through the optical centre and a side of the image, a pixel farther out.
fn is_out_of_view(middle: &Vector3<f64>, radius: f64, camera: &Intrinsics, width: usize, height: usize) -> bool {
    let beyond = |across: f64, focal: f64, low: f64, high: f64| {
        let (low, high) = ((low + 1.0) / focal, (high + 1.0) / focal);
        (across + low * middle.z) / low.hypot(1.0) < -radius || (high * middle.z - across) / high.hypot(1.0) < -radius
    };
    middle.z + radius < NEAR_M
        || beyond(middle.x, camera.fx, camera.cx, width as f64 - camera.cx)
        || beyond(middle.y, camera.fy, camera.cy, height as f64 - camera.cy)
}
