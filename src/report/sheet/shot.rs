//! A shot: all that a row of the sheet is drawn from. In: rows and files of one frame. Out: things with their numbers and colours, the photo's
//! pixels and the depth's readings, each of the two with the reason why there is none.

use spatialmill_columns::types::EncodedMask;
use spatialmill_drawing::decode_rgb;
use spatialmill_geometry::colour::{self, Colour};
use spatialmill_geometry::{DepthImage, Intrinsics, Mask, OrientedBox, PixelBox, Rigid, Vector3, ViewSpace};

use serde::Deserialize;

use crate::functions::depth;
use crate::report::files;
use crate::tables::{Box2, Obb, Vec3};

/// What there is to see of a frame.
#[derive(Debug)]
pub struct SheetFrame {
    pub frame: FrameRow,
    pub things: Vec<SheetObject>,
    pub photo: Result<RgbImage, String>,
    pub depth: Result<DepthImage, String>,
    /// What is lifted worse than this, 0 to 1, is not asked about.
    pub least_quality: f64,
}

/// Three bytes a pixel.
#[derive(Debug)]
pub struct RgbImage {
    pub width: u32,
    pub height: u32,
    pub rgb: Vec<u8>,
}

/// Something that is marked on the image, that became an object in space, or both. Its number is its place in the list, from 1.
#[derive(Debug, Clone)]
pub struct SheetObject {
    pub category: String,
    pub score: Option<f64>,
    pub area: PixelBox,
    pub mask: Option<Mask>,
    pub lifted: Option<LiftedBox>,
    /// The same in all panels.
    pub colour: Colour,
}

/// What became of it in space.
#[derive(Debug, Clone, Copy)]
pub struct LiftedBox {
    /// View space.
    pub obb: OrientedBox,
    pub quality: f64,
}

/// A row of `frame.sql`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct FrameRow {
    pub frame_id: String,
    pub uri: String,
    pub width: u32,
    pub height: u32,
    fx: Option<f64>,
    fy: Option<f64>,
    cx: Option<f64>,
    cy: Option<f64>,
    world_from_camera: Option<Vec<f64>>,
    gravity: Option<Vec3>,
    depth_uri: Option<String>,
    depth_scale: Option<f64>,
    pub camera_from: Option<String>,
    pub depth_from: Option<String>,
    pub questions: u64,
}

/// A row of `things.sql`.
#[derive(Debug, Clone, Deserialize)]
pub struct ThingRow {
    category: String,
    score: Option<f64>,
    #[serde(rename = "box")]
    area: Box2,
    mask: Option<EncodedMask>,
    obb: Option<Obb>,
    lift_quality: Option<f64>,
    own_colour: Option<Rgb>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Rgb {
    r: u8,
    g: u8,
    b: u8,
}

impl SheetFrame {
    /// Opens the frame's files.
    pub async fn open(frame: FrameRow, things: Vec<ThingRow>, least_quality: f64) -> Self {
        let photo = photo(&frame.uri).await.map_err(|why| format!("no image: {why}"));
        let depth = match &frame.depth_uri {
            Some(uri) => {
                let read = depth::read(uri, frame.depth_scale).await;
                read.map_err(|lost| format!("no depth image: {}", lost.message))
            }
            None => Err("no depth image".to_owned()),
        };
        Self { things: things_of(things), frame, photo, depth, least_quality }
    }

    /// What to call a thing: its number.
    pub fn numbered(&self) -> impl Iterator<Item = (usize, &SheetObject)> {
        (1..).zip(&self.things)
    }

    /// Those that became objects.
    pub fn lifted(&self) -> impl Iterator<Item = (usize, &SheetObject, LiftedBox)> {
        self.numbered().filter_map(|(number, thing)| Some((number, thing, thing.lifted?)))
    }

    /// Whether a thing's place can be asked about.
    pub fn trusts(&self, lifted: &LiftedBox) -> bool {
        lifted.quality >= self.least_quality
    }

    /// Where the image's left and right borders lead to at its middle height: directions in view space. None without a camera.
    pub fn borders(&self) -> Option<[Vector3<f64>; 2]> {
        let FrameRow { fx, fy, cx, cy, .. } = self.frame;
        let camera = Intrinsics { fx: fx?, fy: fy?, cx: cx?, cy: cy? }.checked().ok()?;
        let view = self.frame.view();
        let middle = f64::from(self.frame.height) / 2.0 - 0.5;
        // Integer pixels are centres, so the image begins half a pixel before the first.
        let ends = [-0.5, f64::from(self.frame.width) - 0.5];
        Some(ends.map(|u| view.camera_to_view(&camera.back_project(u, middle, 1.0))))
    }
}

impl FrameRow {
    /// View space as the pipeline has it: from the pose, else from gravity, else level.
    fn view(&self) -> ViewSpace {
        let pose = self.world_from_camera.as_deref().and_then(|numbers| <&[f64; 16]>::try_from(numbers).ok());
        let pose = pose.and_then(|numbers| Rigid::from_row_major(numbers).ok());
        let gravity = self.gravity.and_then(|down| ViewSpace::from_gravity(&down.into()).ok());
        pose.map(|pose| ViewSpace::from_pose(&pose)).or(gravity).unwrap_or_else(ViewSpace::level)
    }
}

/// Things with colours that are apart from each other and, as far as possible, from what the things look like.
fn things_of(rows: Vec<ThingRow>) -> Vec<SheetObject> {
    let own: Vec<_> = rows.iter().map(|row| row.own_colour.map(|Rgb { r, g, b }| [r, g, b])).collect();
    let colours = colour::assign(&own, 0);
    let thing = |(row, colour): (ThingRow, Colour)| {
        let mask = row.mask.and_then(|mask| mask.decode().ok());
        let obb = row.obb.as_ref().and_then(|obb| obb.checked().ok());
        SheetObject {
            category: row.category,
            score: row.score,
            area: row.area.into(),
            mask,
            lifted: obb.map(|obb| LiftedBox { obb, quality: row.lift_quality.unwrap_or_default() }),
            colour,
        }
    };
    rows.into_iter().zip(colours).map(thing).collect()
}

async fn photo(uri: &str) -> Result<RgbImage, String> {
    let bytes = files::read(uri).await?;
    let decoded = tokio::task::spawn_blocking(move || decode_rgb(&bytes)).await.map_err(|e| e.to_string())?;
    let (width, height, rgb) = decoded.map_err(|e| e.to_string())?;
    Ok(RgbImage { width, height, rgb })
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A frame without files, 640 x 480, whose camera sees 90 degrees, with things in these boxes (centre x, y, sides, quality).
    pub fn shot(placed: &[([f64; 2], [f64; 2], f64)]) -> SheetFrame {
        let frame = FrameRow {
            frame_id: "s/1".into(),
            width: 640,
            height: 480,
            fx: Some(320.0),
            fy: Some(320.0),
            cx: Some(319.5),
            cy: Some(239.5),
            ..FrameRow::default()
        };
        let things =
            placed.iter().zip(colour::assign(&vec![None; placed.len()], 0)).map(|((at, sides, quality), colour)| {
                let centre = Vector3::new(at[0], at[1], 0.0);
                let obb = OrientedBox::upright(centre, 0.0, Vector3::new(sides[0], sides[1], 1.0));
                SheetObject {
                    category: "box".into(),
                    score: None,
                    area: PixelBox { x0: 10.0, y0: 10.0, x1: 90.0, y1: 90.0 },
                    mask: None,
                    lifted: Some(LiftedBox { obb, quality: *quality }),
                    colour,
                }
            });
        let none = || Err("no depth image".to_owned());
        SheetFrame { frame, things: things.collect(), photo: Err("no image".into()), depth: none(), least_quality: 0.3 }
    }

    #[test]
    fn a_level_camera_of_ninety_degrees_sees_the_diagonals() {
        let [left, right] = shot(&[]).borders().unwrap();
        assert!(
            (left - Vector3::new(-1.0, 1.0, 0.0)).amax() < 1e-12
                && (right - Vector3::new(1.0, 1.0, 0.0)).amax() < 1e-12
        );
    }

    #[test]
    fn looking_down_opens_the_view_from_above() {
        // 60 degrees down: what is straight ahead gets half as long on the floor.
        let (sin, cos) = 60.0_f64.to_radians().sin_cos();
        let mut shot = shot(&[]);
        shot.frame.gravity = Some(Vec3 { x: 0.0, y: cos, z: sin });
        let [left, _] = shot.borders().unwrap();
        assert!((left.x / left.y + 2.0).abs() < 1e-12, "{left}");
    }

    #[test]
    fn rows_without_what_is_unknown_are_read() {
        let text = r#"{"category": "cup", "box": {"x0": 1, "y0": 2, "x1": 3, "y1": 4}}"#;
        let things = things_of(vec![serde_json::from_str(text).unwrap()]);
        assert!(things[0].lifted.is_none() && things[0].mask.is_none() && things[0].score.is_none());
    }
}
