//! Images of an export: read and decoded once, drawn once for each recipe, put under the hash of their bytes.
//!
//! ```text
//! images/3f/3f9a...e1.jpg          BLAKE3 of the file, 128 bits: two equal images are one file, whoever made them
//! images-00000-of-00004.jsonl      a line an image: its path, frame, recipe, size
//! ```
//!
//! An image that nothing is drawn on is the source's own file, byte for byte, unless that says of itself that it is to be turned, or loaders would
//! refuse it or show something else: then it is written anew. It is decoded all the same, to its last pixel. What a trainer cannot load is in no
//! export, and an image of an export is seen one way by every loader.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use spatialmill_drawing::{Mark as Drawn, Picture, oddity};
use spatialmill_geometry::colour::Colour;
use spatialmill_geometry::{Mask, PixelBox};

use super::sample::MarkRow;
use crate::error::{Context, Error, Result};
use crate::photos::{self, Address};
use crate::source::photo::MAX_BYTES;

/// Where the images of an export are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageStorage {
    /// Files below `images/`.
    Files,
    /// In the shards.
    Embedded,
    /// Nowhere: whoever has the source makes them from the index, `images-*.jsonl`.
    Withheld,
}

/// An image of the source.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SourceImage {
    pub frame_id: String,
    pub uri: String,
    pub sha256: Option<String>,
    pub width: u32,
    pub height: u32,
}

/// A line of the index, `images-*.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IndexLine {
    pub path: String,
    /// Of the file; null where it is withheld.
    pub bytes: Option<u64>,
    pub frame_id: String,
    /// Of the source's own bytes, before anything is turned or drawn.
    pub sha256: Option<String>,
    pub width: u32,
    pub height: u32,
    /// What is drawn; a mask is that of its object in the table `objects`.
    pub marks: Vec<MarkRow>,
    /// How the source's pixels are turned to be these, as EXIF counts it; 1 is not at all, whatever the source's file says of itself.
    #[serde(default = "not_turned")]
    pub turned: u8,
}

fn not_turned() -> u8 {
    1
}

impl IndexLine {
    /// Of an image that is not there.
    pub fn of(frame: &SourceImage, marks: Vec<MarkRow>, path: String) -> Self {
        let SourceImage { frame_id, sha256, width, height, .. } = frame.clone();
        let turned = Address::parse(&frame.uri).map_or(not_turned(), |address| address.orientation);
        Self { path, bytes: None, frame_id, sha256, width, height, marks, turned }
    }
}

/// What tells two images of a frame apart.
pub fn recipe(frame: &SourceImage, marks: &[MarkRow]) -> Result<String> {
    let marks = serde_json::to_string(marks).or_internal(|| "marks are JSON".into())?;
    let mut hasher = blake3::Hasher::new();
    for part in [frame.sha256.as_deref().unwrap_or(&frame.uri), &frame.frame_id, &marks] {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    Ok(hasher.finalize().to_hex()[..32].to_owned())
}

/// The path of an image that is withheld: it has no bytes to be named after, so it is named after its frame and recipe. No two frames have one
/// path, and no file system takes two of them for the same.
pub fn withheld_path(frame: &SourceImage, marks: &[MarkRow]) -> Result<String> {
    let name = plain_path(&frame.frame_id);
    Ok(match marks {
        [] => format!("images/{name}.{}", ending(&frame.uri)),
        marks => format!("images/{name}.{}.jpg", &recipe(frame, marks)?[..HASH]),
    })
}

/// Digits of a hash in a path: 64 bits.
const HASH: usize = 16;

/// Bytes of a path's part: file systems end at 255, and an ending comes behind it.
const PART: usize = 100;

/// Bytes of a path.
const PATH: usize = 200;

/// An id as a path that any file system takes, and takes for another one than any other id's. What is made of small letters, digits, `-` and `_`
/// stays as it is, for people to read; where anything else is in it, or it is long, a hash of the id tells it apart.
fn plain_path(id: &str) -> String {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    let mut parts = id.split('/').collect::<Vec<_>>();
    let as_it_is = id.len() <= PATH
        && parts.iter().all(|part| (1..=PART).contains(&part.len()) && part.chars().all(is_plain))
        // A name that ends as names do that were changed could be one of those.
        && !parts.last().is_some_and(|last| ends_in_a_hash(last));
    if as_it_is {
        return id.to_owned();
    }
    let last = parts.pop().unwrap_or_default();
    let readable = |part: &str| -> String {
        let plain = |c: char| if is_plain(c) || c.is_ascii_uppercase() { c } else { '_' };
        let text: String = part.chars().take(PART / 2).map(plain).collect();
        if text.is_empty() { "_".to_owned() } else { text }
    };
    let mut path: String = parts.iter().take(3).map(|part| readable(part) + "/").collect();
    path += &readable(last);
    format!("{path}-{}", &blake3::hash(id.as_bytes()).to_hex()[..HASH])
}

fn ends_in_a_hash(name: &str) -> bool {
    let tail = name.rsplit('-').next().unwrap_or_default();
    tail.len() == HASH && tail.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn ending(uri: &str) -> &'static str {
    let address = Address::parse(uri).unwrap_or_else(|_| Address::file(uri));
    if address.file_name().to_ascii_lowercase().ends_with(".png") { "png" } else { "jpg" }
}

/// An image file that is ready to be put.
pub struct ImageFile {
    pub path: String,
    pub bytes: Bytes,
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

/// The images of one frame, one for each list of marks, handed on one by one. `masks` has those of its objects that a mask is drawn on.
pub fn make(
    frame: &SourceImage,
    file: &Bytes,
    recipes: &[Vec<MarkRow>],
    masks: &BTreeMap<String, Mask>,
    mut put: impl FnMut(ImageFile) -> Result<()>,
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
    let is_plain = oddity(file).is_none();
    for marks in recipes {
        let (bytes, ending) = if marks.is_empty() && is_plain {
            (file.clone(), if file.starts_with(b"\x89PNG") { "png" } else { "jpg" })
        } else {
            let drawn: Vec<Drawn<'_>> =
                marks.iter().map(|mark| drawn(mark, masks)).collect::<Result<_, String>>().map_err(|e| refused(&e))?;
            (Bytes::from(picture.drawn(&drawn).map_err(|e| refused(&e))?), "jpg")
        };
        let name = &blake3::hash(&bytes).to_hex()[..32];
        put(ImageFile { path: format!("images/{}/{name}.{ending}", &name[..2]), bytes })?;
    }
    Ok(())
}

fn drawn<'a>(mark: &MarkRow, masks: &'a BTreeMap<String, Mask>) -> Result<Drawn<'a>, String> {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_path_stands_for_one_frame_on_every_file_system() {
        let hash = &blake3::hash(b"s/My room").to_hex()[..HASH];
        let ids = [
            "s/my room",
            "s/my_room",
            "s/My room",
            "s/MY_ROOM",
            "s/My_room",
            "s/客厅",
            "s/厨房",
            "s/__",
            "s/_",
            "s/ü",
            "s/u\u{308}",
            "s/a#1",
            "s/a%231",
            "s/a?1",
            "s/a&1",
            "s/a'1",
            "s/a\"1",
            "s/a\\1",
            "s/a/1",
            "s/a.jpg",
            "s/a.jpg/1",
            "s/a",
            "s/a.",
            "s/a ",
            "s/ a",
            "s/..",
            "s/.a",
            "s//a",
            "s/a/",
            "",
            "/",
            "s/con",
            "s/a:b",
            "s/a*b",
            "s/a\nb",
            "s/1.0123456789abcdef",
        ];
        let mut ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        // Those that look like what others became, and those that differ far behind.
        ids.push(format!("s/My_room-{hash}"));
        ids.push(format!("s/my_room-{hash}"));
        ids.extend((0..3).map(|n| format!("s/{}{n}", "x".repeat(400))));
        ids.extend((0..3).map(|n| format!("s/{}{n}", "y/".repeat(200))));
        ids.extend((0..3).map(|n| format!("s/{}{n}", "\u{1F600}".repeat(90))));
        let mark = MarkRow { kind: "box".to_owned(), ..MarkRow::default() };
        let mut paths: BTreeMap<String, (String, usize)> = BTreeMap::new();
        for id in &ids {
            let frame = SourceImage { frame_id: id.clone(), uri: "file:///x.jpg".to_owned(), ..SourceImage::default() };
            for marks in [vec![], vec![mark.clone()]] {
                let path = withheld_path(&frame, &marks).unwrap();
                let parts: Vec<&str> = path.split('/').collect();
                assert!(
                    path.is_ascii() && path.len() < 250 && parts.iter().all(|part| (1..=150).contains(&part.len())),
                    "{path}"
                );
                assert!(parts.iter().all(|part| !part.starts_with('.') && !part.ends_with('.')), "{path}");
                let before = paths.insert(path.to_ascii_lowercase(), (id.clone(), marks.len()));
                assert!(before.is_none(), "{id} and {before:?} are both {path}");
            }
        }
        // Nor is the file of one a folder of another.
        for path in paths.keys() {
            assert!(!paths.keys().any(|other| other.starts_with(&format!("{path}/"))), "{path}");
        }
        let frame = SourceImage { frame_id: "rooms/scene0000_00/17".to_owned(), ..SourceImage::default() };
        assert_eq!(withheld_path(&frame, &[]).unwrap(), "images/rooms/scene0000_00/17.jpg");
    }
}
