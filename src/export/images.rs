//! Images of an export: read and decoded once, drawn once for each recipe, put under the hash of their bytes.
//!
//! ```text
//! images/3f/3f9a...e1.jpg          BLAKE3 of the file, 128 bits: two equal images are one file, whoever made them
//! images-00000-of-00004.jsonl      a line an image: its path, frame, recipe, size
//! ```
//!
//! An image that nothing is drawn on is the source's own file, byte for byte, unless that had to be turned upright.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use spatialmill_drawing::{Mark as Drawn, Picture};
use spatialmill_geometry::colour::Colour;
use spatialmill_geometry::{Mask, PixelBox};

use super::sample::Mark;
use crate::error::{Context, Error, Result};
use crate::photos::{self, Address};
use crate::source::photo::MAX_BYTES;

/// Where the images of an export are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Images {
    /// Files below `images/`.
    Files,
    /// In the shards.
    Embedded,
    /// Nowhere: whoever has the source makes them from the index, `images-*.jsonl`.
    Withheld,
}

/// An image of the source.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    pub frame_id: String,
    pub uri: String,
    pub sha256: Option<String>,
    pub width: u32,
    pub height: u32,
}

/// A line of the index, `images-*.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub path: String,
    /// Of the file; null where it is withheld.
    pub bytes: Option<u64>,
    pub frame_id: String,
    /// Of the source's own bytes, before anything is turned or drawn.
    pub sha256: Option<String>,
    pub width: u32,
    pub height: u32,
    /// What is drawn; a mask is that of its object in the table `objects`.
    pub marks: Vec<Mark>,
}

/// What tells two images of a frame apart.
pub fn recipe(frame: &Frame, marks: &[Mark]) -> Result<String> {
    let marks = serde_json::to_string(marks).or_internal(|| "marks are JSON".into())?;
    let mut hasher = blake3::Hasher::new();
    for part in [frame.sha256.as_deref().unwrap_or(&frame.uri), &frame.frame_id, &marks] {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    Ok(hasher.finalize().to_hex()[..32].to_owned())
}

/// The path of an image that is withheld: it has no bytes to be named after, so it is named after its frame and recipe.
pub fn withheld_path(frame: &Frame, marks: &[Mark]) -> Result<String> {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_./".contains(c) { c } else { '_' };
    let name: String = frame.frame_id.chars().map(plain).collect();
    Ok(match marks {
        [] => format!("images/{name}.{}", ending(&frame.uri)),
        marks => format!("images/{name}.{}.jpg", &recipe(frame, marks)?[..12]),
    })
}

fn ending(uri: &str) -> &'static str {
    let address = Address::parse(uri).unwrap_or_else(|_| Address::file(uri));
    if address.file_name().to_ascii_lowercase().ends_with(".png") { "png" } else { "jpg" }
}

/// An image file that is ready to be put.
pub struct Made {
    pub path: String,
    pub bytes: Bytes,
}

/// A frame's image, upright.
pub async fn read(frame: &Frame) -> Result<Bytes> {
    photos::read(&frame.uri, MAX_BYTES).await.map_err(|e| e.with("frame", &frame.frame_id))
}

/// The images of one frame, one for each list of marks. `masks` has those of its objects that a mask is drawn on.
pub fn make(frame: &Frame, file: &Bytes, recipes: &[Vec<Mark>], masks: &BTreeMap<String, Mask>) -> Result<Vec<Made>> {
    let refused = |e: &dyn std::fmt::Display| {
        Error::input("an image cannot be drawn on")
            .with("frame", &frame.frame_id)
            .with("why", e)
            .with("file", &frame.uri)
    };
    let mut picture = None;
    let mut made = Vec::with_capacity(recipes.len());
    for marks in recipes {
        let (bytes, ending) = if marks.is_empty() {
            (file.clone(), if file.starts_with(b"\x89PNG") { "png" } else { "jpg" })
        } else {
            if picture.is_none() {
                let decoded = Picture::decode(file).map_err(|e| refused(&e))?;
                if (decoded.width(), decoded.height()) != (frame.width, frame.height) {
                    let (width, height) = (decoded.width(), decoded.height());
                    return Err(refused(&format!(
                        "it has {width}x{height} pixels, its frame {}x{}",
                        frame.width, frame.height
                    ))
                    .hint("the source changed after it was imported: import it again"));
                }
                picture = Some(decoded);
            }
            let drawn: Vec<Drawn<'_>> =
                marks.iter().map(|mark| drawn(mark, masks)).collect::<Result<_, String>>().map_err(|e| refused(&e))?;
            let Some(picture) = &picture else { return Err(Error::internal("a decoded picture is there")) };
            (Bytes::from(picture.drawn(&drawn).map_err(|e| refused(&e))?), "jpg")
        };
        let name = &blake3::hash(&bytes).to_hex()[..32];
        made.push(Made { path: format!("images/{}/{name}.{ending}", &name[..2]), bytes });
    }
    Ok(made)
}

fn drawn<'a>(mark: &Mark, masks: &'a BTreeMap<String, Mask>) -> Result<Drawn<'a>, String> {
    let colour = Colour::named(&mark.colour).ok_or_else(|| format!("`{}` is no colour of marks", mark.colour))?;
    match (mark.kind.as_str(), mark.bbox, mark.place) {
        ("box", Some([x0, y0, x1, y1]), _) => Ok(Drawn::Box { area: PixelBox { x0, y0, x1, y1 }, colour }),
        ("mask", ..) => {
            let mask =
                masks.get(&mark.object_id).ok_or_else(|| format!("the object `{}` has no mask", mark.object_id))?;
            Ok(Drawn::Mask { mask, colour })
        }
        ("number", _, Some([x, y, room])) => {
            let number = mark.label.as_deref().and_then(|label| label.parse().ok());
            let number = number.ok_or_else(|| format!("the label of the object `{}` is no number", mark.object_id))?;
            Ok(Drawn::Number { number, x, y, room, colour })
        }
        (kind, ..) => Err(format!("a mark of kind `{kind}` lacks what it needs")),
    }
}
