//! A photo's bytes and what is known of their place become a frame.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use spatialmill_geometry::Intrinsics;
use xxhash_rust::xxh3::xxh3_128;

use super::words::PhotoWords;
use super::{ImagesReader, split};
use crate::error::Result;
use crate::photos::{Address, PhotoPart};
use crate::source::photo::exif::Exif;
use crate::source::photo::{Header, check, sha256};
use crate::source::{Row, RowSink};
use crate::tables::{Frame, Unusable};

/// What photos' names end with.
const PNG: &str = "png";
const JPEG: &str = "jpg";

/// Longer names are no names.
const MAX_KEY: usize = 1024;

/// What is known of a photo from its bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct PhotoInfo {
    /// As it is stored.
    width: u32,
    height: u32,
    exif: Exif,
    sha256: String,
    /// What its name should end with.
    pub ending: &'static str,
}

impl PhotoInfo {
    /// Reads the header, and whether the photo is whole. Codes: `format`, `image`.
    pub fn of(bytes: &[u8]) -> Result<Self, Unusable> {
        if bytes.is_empty() {
            return Err(Unusable::new("image", "it has no bytes"));
        }
        let ending = match bytes {
            [0x89, b'P', b'N', b'G', ..] => PNG,
            [0xFF, 0xD8, 0xFF, ..] => JPEG,
            other => {
                return Err(match format_of(other) {
                    Some(format) => not_read(format),
                    None => Unusable::new("image", "it is neither a JPEG nor a PNG"),
                });
            }
        };
        let Header { width, height, exif } = Header::read(bytes)?;
        check(bytes)?;
        let upright = Exif { orientation: 1, focal: None };
        let exif = exif.map_or(upright, |note| Exif::read(&note, width, height));
        Ok(Self { width, height, exif, sha256: sha256(bytes), ending })
    }
}

/// [`PhotoInfo`] as it waits in a file, to the last bit.
#[derive(Serialize, Deserialize)]
pub struct PackedPhotoInfo {
    width: u32,
    height: u32,
    orientation: u8,
    focal: Option<[u64; 2]>,
    sha256: String,
    is_png: bool,
}

impl From<PhotoInfo> for PackedPhotoInfo {
    fn from(PhotoInfo { width, height, exif: Exif { orientation, focal }, sha256, ending }: PhotoInfo) -> Self {
        let focal = focal.map(|focal| focal.map(f64::to_bits));
        Self { width, height, orientation, focal, sha256, is_png: ending == PNG }
    }
}

impl From<PackedPhotoInfo> for PhotoInfo {
    fn from(PackedPhotoInfo { width, height, orientation, focal, sha256, is_png }: PackedPhotoInfo) -> Self {
        let exif = Exif { orientation, focal: focal.map(|focal| focal.map(f64::from_bits)) };
        Self { width, height, exif, sha256, ending: if is_png { PNG } else { JPEG } }
    }
}

/// Why a photo of a format that is not read is refused.
pub fn not_read(format: &str) -> Unusable {
    let message = format!("{format} is not read; JPEG and PNG are: as files, in .tar and in .parquet");
    Unusable::new("format", message)
}

/// The formats that photos come in where they are neither JPEG nor PNG.
fn format_of(bytes: &[u8]) -> Option<&'static str> {
    Some(match bytes {
        [b'G', b'I', b'F', b'8', ..] => "GIF",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "WebP",
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', ..] => "AVIF",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "HEIC",
        [b'I', b'I', 0x2a, 0, ..] | [b'M', b'M', 0, 0x2a, ..] => "TIFF",
        [b'B', b'M', ..] => "BMP",
        [0xFF, 0x0A, ..] | [0, 0, 0, 0x0C, b'J', b'X', b'L', ..] => "JPEG XL",
        _ => return None,
    })
}

/// Makes the frames of one shard.
pub struct FrameWriter<'a> {
    images: &'a ImagesReader,
    taken: HashSet<u128>,
}

impl<'a> FrameWriter<'a> {
    pub fn new(images: &'a ImagesReader) -> Self {
        Self { images, taken: HashSet::new() }
    }

    /// Pushes the frame of a photo that `key` names in the source, or why there is none. `path` is its file.
    pub fn push(
        &mut self,
        key: &str,
        path: &str,
        photo: Result<(PhotoInfo, Address, PhotoWords), Unusable>,
        rows: &mut RowSink,
    ) -> Result<()> {
        let framed = photo.and_then(|(seen, address, mut words)| {
            let oddities = std::mem::take(&mut words.oddities);
            Ok((self.frame(key, seen, address, words)?, oddities))
        });
        match framed {
            Ok((frame, oddities)) => {
                rows.push(Row::Frame(frame))?;
                oddities.into_iter().try_for_each(|oddity| rows.remark(key, path, oddity))
            }
            Err(why) => rows.refuse_image(key, path, why),
        }
    }

    fn frame(
        &mut self,
        key: &str,
        seen: PhotoInfo,
        mut address: Address,
        words: PhotoWords,
    ) -> Result<Frame, Unusable> {
        check_key(key)?;
        if !self.taken.insert(xxh3_128(key.as_bytes())) {
            return Err(Unusable::new("duplicate", format!("there is a photo `{key}` already; the first one is used")));
        }
        let Exif { orientation, focal } = seen.exif;
        address.orientation = orientation;
        let (mut width, mut height, mut focal) = (seen.width, seen.height, focal);
        // From 5 on, what is stored as a row is a column.
        if orientation >= 5 {
            (width, height) = (height, width);
            focal = focal.map(|[x, y]| [y, x]);
        }
        let middle = |side: u32| (f64::from(side) - 1.0) / 2.0;
        let camera = focal.map(|[fx, fy]| Intrinsics { fx, fy, cx: middle(width), cy: middle(height) });
        let known = camera.as_ref().map(Frame::taken_by).unwrap_or_default();
        let named_split = || split::of_key(key, address.part != PhotoPart::Whole);
        Ok(Frame {
            frame_id: format!("{}/{key}", self.images.name),
            source: self.images.name.clone(),
            split: words.split.or_else(named_split).or_else(|| self.images.split.clone()),
            licence: words.licence.or_else(|| self.images.licence.clone()),
            uri: address.to_string(),
            sha256: Some(seen.sha256),
            width: width as i32,
            height: height as i32,
            camera_from: camera.map(|_| "exif"),
            captions: (!words.captions.is_empty()).then_some(words.captions),
            ..known
        })
    }
}

/// A frame's id is a path of plain parts: exports name files after it. Code: `key`.
fn check_key(key: &str) -> Result<(), Unusable> {
    let plain = |part: &str| !matches!(part, "" | "." | "..");
    if key.len() > MAX_KEY || key.contains(|c: char| c.is_control() || c == '\\') || !key.split('/').all(plain) {
        let message =
            "its name is empty, too long, or has a control character, a backslash, or an empty, `.` or `..` part";
        return Err(Unusable::new("key", message));
    }
    Ok(())
}
