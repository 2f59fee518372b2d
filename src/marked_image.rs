//! Marked images: a frame's image with what a sample marks on it, drawn on demand. In: the bytes of a frame's image, recipes of marks, masks of
//! its objects. Out: the bytes of one image a recipe.
//!
//! An image that nothing is drawn on is the source's own file, byte for byte, unless that says of itself that it is to be turned, or loaders would
//! refuse it or show something else: then it is written anew. It is decoded all the same, to its last pixel.

use std::collections::BTreeMap;
use std::io::Cursor;

use bytes::Bytes;
use image::{ImageFormat, RgbImage};
use serde::{Deserialize, Serialize};
use spatialmill_drawing::{Mark, Picture, decode_rgb, oddity};
use spatialmill_geometry::colour::Colour;
use spatialmill_geometry::{Mask, PixelBox};

use crate::error::{Context, Error, Result};
use crate::photos::{self, Address};
use crate::source::photo::MAX_BYTES;
use crate::tables::MarkRecipe;

/// An image of the source.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SourceImage {
    pub frame_id: String,
    pub uri: String,
    pub sha256: Option<String>,
    pub width: u32,
    pub height: u32,
}

/// A mark on one image.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DrawnMark {
    pub object_id: String,
    /// box, mask or number.
    pub kind: String,
    /// x0, y0, x1, y1; of a box.
    #[serde(rename = "box")]
    pub bbox: Option<[f64; 4]>,
    /// x, y and the room around; of a number.
    pub place: Option<[f64; 3]>,
    pub colour: String,
    /// Of a number.
    pub label: Option<String>,
}

impl From<&MarkRecipe> for DrawnMark {
    fn from(mark: &MarkRecipe) -> Self {
        Self {
            object_id: mark.object_id.clone(),
            kind: mark.kind.clone(),
            bbox: mark.bbox.map(|bbox| bbox.corners()),
            place: mark.place.map(|place| [place.x, place.y, place.radius]),
            colour: mark.colour.clone(),
            label: mark.label.clone(),
        }
    }
}

/// What is drawn on one of several images, counted from 0.
pub fn marks_on(marks: &[MarkRecipe], image: usize) -> Vec<DrawnMark> {
    marks.iter().filter(|mark| mark.image == image).map(DrawnMark::from).collect()
}

/// What tells two images of one frame apart, and images of two frames.
pub fn recipe(frame: &SourceImage, marks: &[DrawnMark]) -> Result<String> {
    let marks = serde_json::to_string(marks).or_internal(|| "marks are JSON".into())?;
    let mut hasher = blake3::Hasher::new();
    for part in [frame.sha256.as_deref().unwrap_or(&frame.uri), &frame.frame_id, &marks] {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    Ok(hasher.finalize().to_hex()[..32].to_owned())
}

/// What the name of an image ends with: a PNG that nothing is drawn on stays one.
pub fn ending(frame: &SourceImage, marks: &[DrawnMark]) -> &'static str {
    let address = Address::parse(&frame.uri).unwrap_or_else(|_| Address::file(&frame.uri));
    let is_png = address.file_name().to_ascii_lowercase().ends_with(".png");
    if marks.is_empty() && is_png { "png" } else { "jpg" }
}

/// A frame's image, upright.
pub async fn read(frame: &SourceImage) -> Result<Bytes> {
    photos::read(&frame.uri, MAX_BYTES).await.map_err(|e| e.with("frame", &frame.frame_id))
}

/// Bytes that a pixel takes while it is decoded, and something is drawn on it: three colours, two bytes a coefficient where a picture comes in several
/// scans, and a byte and a half for the planes.
const PIXEL: u64 = 11;

/// What a frame's images take in memory, about.
pub fn memory(frame: &SourceImage) -> u64 {
    u64::from(frame.width) * u64::from(frame.height) * PIXEL
}

/// The images of one frame, one for each list of marks, handed on one by one in their order. `masks` has those of its objects that a mask is
/// drawn on.
pub fn draw(
    frame: &SourceImage,
    file: &Bytes,
    recipes: &[Vec<DrawnMark>],
    masks: &BTreeMap<String, Mask>,
    mut put: impl FnMut(Bytes) -> Result<()>,
) -> Result<()> {
    let refused = |e: &dyn std::fmt::Display| {
        Error::input("an image cannot be exported")
            .with("frame", &frame.frame_id)
            .with("why", e)
            .with("file", &frame.uri)
    };
    let picture = Picture::decode(file).map_err(|e| refused(&e))?;
    let (width, height) = (picture.width(), picture.height());
    if (width, height) != (frame.width, frame.height) {
        return Err(refused(&format!("it has {width}x{height} pixels, its frame {}x{}", frame.width, frame.height))
            .hint("the source changed after it was imported: import it again"));
    }
    // A file may be of another format than its name says.
    let is_png = file.starts_with(b"\x89PNG");
    let is_plain = oddity(file).is_none();
    for marks in recipes {
        let wants_png = ending(frame, marks) == "png";
        let bytes = if marks.is_empty() && is_plain && is_png == wants_png {
            file.clone()
        } else if wants_png {
            png(file).map_err(|e| refused(&e))?
        } else {
            let drawn: Vec<Mark<'_>> =
                marks.iter().map(|mark| drawn(mark, masks)).collect::<Result<_, String>>().map_err(|e| refused(&e))?;
            Bytes::from(picture.drawn(&drawn).map_err(|e| refused(&e))?)
        };
        put(bytes)?;
    }
    Ok(())
}

/// The pixels as a PNG of eight bits a channel.
fn png(file: &[u8]) -> Result<Bytes, String> {
    let (width, height, pixels) = decode_rgb(file).map_err(|e| e.to_string())?;
    let image = RgbImage::from_raw(width, height, pixels).ok_or("its pixels do not fill it")?;
    let mut bytes = Vec::new();
    image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).map_err(|e| e.to_string())?;
    Ok(bytes.into())
}

fn drawn<'a>(mark: &DrawnMark, masks: &'a BTreeMap<String, Mask>) -> Result<Mark<'a>, String> {
    let colour = Colour::named(&mark.colour).ok_or_else(|| format!("`{}` is no colour of marks", mark.colour))?;
    match (mark.kind.as_str(), mark.bbox, mark.place) {
        ("box", Some([x0, y0, x1, y1]), _) => Ok(Mark::Box { area: PixelBox { x0, y0, x1, y1 }, colour }),
        ("mask", ..) => {
            let mask =
                masks.get(&mark.object_id).ok_or_else(|| format!("the object `{}` has no mask", mark.object_id))?;
            Ok(Mark::Mask { mask, colour })
        }
        ("number", _, Some([x, y, room])) => {
            let number = mark.label.as_deref().and_then(|label| label.parse().ok());
            let number = number.ok_or_else(|| format!("the label of the object `{}` is no number", mark.object_id))?;
            Ok(Mark::Number { number, x, y, room, colour })
        }
        (kind, ..) => Err(format!("a mark of kind `{kind}` lacks what it needs")),
    }
}
