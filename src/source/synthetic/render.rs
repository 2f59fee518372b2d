//! Rendering: a room and a camera in, the three images of a frame out: colour, depth, and which object each pixel shows.
//!
//! Matt surfaces and hard geometry: plain enough to be exact and quick, readable enough that a person names what they see.

use spatialmill_geometry::raster::{NOBODY, Raster};
use spatialmill_geometry::{Intrinsics, Rigid, Vector3};

use super::light::{Light, Matt, SHADOW_MAP};
use super::room::Room;

/// The triangles of a room, each with what it belongs to.
pub struct RenderScene {
    vertices: Vec<Vector3<f64>>,
    triangles: Vec<[u32; 3]>,
    faces: Vec<RenderFace>,
    objects: usize,
    light: Light,
}

/// What a triangle looks like.
struct RenderFace {
    /// Index into the room's objects; none for its shell.
    object: Option<usize>,
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
    /// Index into the room's objects plus one; 0 for floor, walls and ceiling.
    pub instance: Vec<u16>,
}

impl RenderScene {
    pub fn of(room: &Room) -> Self {
        let mut scene = Self {
            vertices: Vec::new(),
            triangles: Vec::new(),
            faces: Vec::new(),
            objects: room.objects.len(),
            light: Light::of(room),
        };
        let shell = std::iter::once((None, &room.shell));
        for (object, mesh) in shell.chain(room.objects.iter().enumerate().map(|(i, object)| (Some(i), &object.mesh))) {
            let first = scene.vertices.len() as u32;
            scene.vertices.extend(&mesh.vertices);
            for (i, triangle) in mesh.triangles.iter().enumerate() {
                scene.triangles.push(triangle.map(|vertex| first + vertex));
                let (normal, albedo) = (mesh.normal(i), mesh.albedos[i]);
                let is_floor = object.is_none() && normal.z > 0.5;
                let normal = normal.into();
                scene.faces.push(RenderFace { object, matt: Matt { normal, albedo, is_floor } });
            }
        }
        let (lamp, pose) = scene.light.camera();
        let from_above = scene.rasterise(&lamp, &pose, SHADOW_MAP, SHADOW_MAP);
        scene.light = scene.light.shaded(from_above.depths().to_vec());
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
                let [red, green, blue] = self.light.seen(&face.matt, [along(0), along(1), along(2)], eye);
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
    fn face(&self, id: u32) -> Option<&RenderFace> {
        (id != NOBODY).then(|| &self.faces[id as usize])
    }
}
