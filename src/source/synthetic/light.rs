//! Light: how bright each point of a room is, and the byte that stands for it.
//!
//! One lamp below the ceiling with shadows, a little light from the camera, and what has bounced about the room.
//! Everything here is plain numbers rather than vectors: it runs for each pixel, and an everyday build does not optimise
//! this crate, where every operator of a vector type is a function call.

use spatialmill_geometry::{Intrinsics, Matrix3, Rigid, Vector3};

use super::room::Floor;
use super::shape::Albedo;

/// Pixels along a side of the lamp's view of the room.
pub const SHADOW_MAP: usize = 768;

/// The light in a room.
pub struct Light {
    /// Where the lamp hangs.
    lamp: [f64; 3],
    /// How far its light reaches, as the depth image of a camera in its place.
    reach_m: Vec<f32>,
    focal: f64,
    middle: f64,
    floor: Floor,
    /// sRGB bytes for linear light, so that no power is taken for each pixel.
    encoded: Vec<u8>,
}

/// A surface as light sees it.
pub struct Matt {
    pub normal: [f64; 3],
    pub albedo: Albedo,
    pub is_floor: bool,
}

impl Light {
    /// No shadows yet: `reach_m` of what [`camera`](Self::camera) sees comes with [`shaded`](Self::shaded).
    pub fn of(lamp: [f64; 3], floor: Floor) -> Self {
        let middle = (SHADOW_MAP as f64 - 1.0) / 2.0;
        // 150 degrees wide: the floor and all furniture, though not the upper walls, which nothing shades anyway.
        let focal = middle / 75f64.to_radians().tan();
        let encoded = (0..=LEVELS).map(|level| encode(level as f32 / LEVELS as f32)).collect();
        Self { lamp, reach_m: Vec::new(), focal, middle, floor, encoded }
    }

    /// The lamp as a camera that looks straight down: right is east, and the image's down is south.
    pub fn camera(&self) -> (Intrinsics, Rigid) {
        let rotation = Matrix3::from_diagonal(&Vector3::new(1.0, -1.0, -1.0));
        let intrinsics = Intrinsics { fx: self.focal, fy: self.focal, cx: self.middle, cy: self.middle };
        (intrinsics, Rigid { rotation, translation: self.lamp.into() })
    }

    /// With the shadows of what is nearer to the lamp: the depth image that its camera takes.
    pub fn shaded(self, reach_m: Vec<f32>) -> Self {
        Self { reach_m, ..self }
    }

    /// The colour that an eye sees at a point of a surface.
    pub fn seen(&self, matt: &Matt, point: [f64; 3], eye: [f64; 3]) -> [u8; 3] {
        let ([x, y, z], [nx, ny, nz]) = (point, matt.normal);
        let (east, north, up) = (x - self.lamp[0], y - self.lamp[1], self.lamp[2] - z);
        let distance_2 = east * east + north * north + up * up + 0.01;
        let lambert = (nz * up - nx * east - ny * north) / distance_2.sqrt();
        let lamp =
            if lambert > 0.0 { lambert * self.reaches(point, matt.normal) * 9.0 / (3.0 + distance_2) } else { 0.0 };
        let (dx, dy, dz) = (eye[0] - x, eye[1] - y, eye[2] - z);
        let camera = ((nx * dx + ny * dy + nz * dz) / (dx * dx + dy * dy + dz * dz + 1e-9).sqrt()).abs();
        // Light that has bounced about comes from above a little more than from below.
        let bounced = 0.22 + 0.06 * nz;
        let pattern = if matt.is_floor { self.pattern(x, y) } else { 1.0 };
        let light = (bounced + 0.24 * camera + 0.62 * lamp) * pattern * LEVELS as f64;
        let [red, green, blue] = matt.albedo;
        let byte = |albedo: f32| self.encoded[((f64::from(albedo) * light) as usize).min(LEVELS)];
        [byte(red), byte(green), byte(blue)]
    }

    /// 0 in full shadow, 1 in full light, in between along a shadow's edge.
    fn reaches(&self, [x, y, z]: [f64; 3], [nx, ny, nz]: [f64; 3]) -> f64 {
        // A point is lifted off its surface a little, or surfaces would shade themselves in stripes.
        let lift = 0.02;
        let (x, y, down) = (x - self.lamp[0] + lift * nx, y - self.lamp[1] + lift * ny, self.lamp[2] - z - lift * nz);
        let limit = SHADOW_MAP as f64 - 2.0;
        let (u, v) = (self.focal * x / down + self.middle, self.middle - self.focal * y / down);
        // A point above the lamp, or beside its view.
        if down < 0.05 || u < 0.0 || v < 0.0 || u > limit || v > limit {
            return 1.0;
        }
        let (column, row) = (u as usize, v as usize);
        let (right, below) = (u - column as f64, v - row as f64);
        let nearest = (down * 0.99 - 0.02) as f32;
        let at = row * SHADOW_MAP + column;
        let lit = |pixel: usize| if self.reach_m[pixel] > nearest { 1.0 } else { 0.0 };
        (lit(at) * (1.0 - right) + lit(at + 1) * right) * (1.0 - below)
            + (lit(at + SHADOW_MAP) * (1.0 - right) + lit(at + SHADOW_MAP + 1) * right) * below
    }

    /// How much darker or lighter the floor is here.
    fn pattern(&self, x: f64, y: f64) -> f64 {
        match self.floor {
            Floor::Tiles { side } => {
                let joint = x.rem_euclid(side) < 0.012 || y.rem_euclid(side) < 0.012;
                if joint { 0.6 } else { 1.0 }
            }
            Floor::Boards { width } => {
                let board = (y / width).floor();
                // Boards differ, and each begins somewhere else: fractions of the golden ratio look like chance.
                let (tint, start) = ((board * 0.618_034).rem_euclid(1.0), (board * 0.324_718).rem_euclid(1.0));
                let end = (x + start * 1.4).rem_euclid(1.4) < 0.008;
                let joint = y.rem_euclid(width) < 0.006;
                if joint || end { 0.62 } else { 0.88 + 0.24 * tint }
            }
        }
    }
}

/// Steps of linear light that are told apart: fine enough that the darkest sRGB bytes have some each.
const LEVELS: usize = 8191;

/// Linear light as an sRGB byte.
fn encode(light: f32) -> u8 {
    let encoded = if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
    (encoded * 255.0).round() as u8
}
