//! Names of an export's images: by the recipe that each is drawn from, so that records name images that are not drawn yet.
//!
//! ```text
//! images/3f/3f9a...e1.jpg          BLAKE3 of frame and marks, 128 bits: one image, however many samples show it
//! images-00000-of-00004.jsonl      a line an image: its path, the hash of its bytes, its frame, its marks, its size
//! ```

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::marked_image::{DrawnMark, SourceImage, ending, recipe};
use crate::photos::Address;

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

/// A line of the index, `images-*.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IndexLine {
    pub path: String,
    /// Of the file; null where it is withheld.
    pub bytes: Option<u64>,
    /// Of the file's bytes; null where it is withheld.
    pub blake3: Option<String>,
    pub frame_id: String,
    /// Of the source's own bytes, before anything is turned or drawn.
    pub sha256: Option<String>,
    pub width: u32,
    pub height: u32,
    /// What is drawn; a mask is that of its object in the table `objects`.
    pub marks: Vec<DrawnMark>,
    /// How the source's pixels are turned to be these, as EXIF counts it; 1 is not at all, whatever the source's file says of itself.
    #[serde(default = "not_turned")]
    pub turned: u8,
}

fn not_turned() -> u8 {
    1
}

impl IndexLine {
    /// Of an image that is not there.
    pub fn of(frame: &SourceImage, marks: Vec<DrawnMark>, path: String) -> Self {
        let SourceImage { frame_id, sha256, width, height, .. } = frame.clone();
        let turned = Address::parse(&frame.uri).map_or(not_turned(), |address| address.orientation);
        Self { path, bytes: None, blake3: None, frame_id, sha256, width, height, marks, turned }
    }
}

/// The path of an image.
pub fn path(frame: &SourceImage, marks: &[DrawnMark]) -> Result<String> {
    let recipe = recipe(frame, marks)?;
    Ok(format!("images/{}/{recipe}.{}", &recipe[..2], ending(frame, marks)))
}

/// The path of an image that is withheld, which people look for by its frame. No two frames have one path, and no file system takes two of them
/// for the same.
pub fn withheld_path(frame: &SourceImage, marks: &[DrawnMark]) -> Result<String> {
    let name = plain_path(&frame.frame_id);
    Ok(match marks {
        [] => format!("images/{name}.{}", ending(frame, marks)),
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
        let mark = DrawnMark { kind: "box".to_owned(), ..DrawnMark::default() };
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
