//! A photo of a dataset: the bytes' SHA-256 and the size that the file itself claims, judged before anything is decoded.

use std::io::Cursor;

use image::{ImageDecoder, ImageReader, Limits};

use super::images::exif::Exif;
use super::root::Root;
use super::rows::Refused;

/// Larger files are refused unread: four times the largest photo of the datasets that we know (a 100-megapixel panorama).
pub const MAX_BYTES: u64 = 256 << 20;

/// Larger sides are refused undecoded; JPEG itself ends at 65,535.
pub const MAX_SIDE: u32 = 32_768;

/// What is known of a photo from its bytes and its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Photo {
    /// Pixels, as they are stored.
    pub width: u32,
    /// Pixels, as they are stored.
    pub height: u32,
    /// How it has to be turned to stand upright, as EXIF says it: 1 to 8; 1 where it stands.
    pub orientation: u8,
    /// Lower-case hexadecimal.
    pub sha256: String,
}

impl Photo {
    /// Reads the file and its header; no pixel is decoded. Codes: `path`, `missing_file`, `unreadable`, `image`.
    pub fn read(root: &Root, path: &str) -> Result<Self, Refused> {
        let bytes = bytes(root, path)?;
        let Header { width, height, exif } = Header::read(&bytes)?;
        let orientation = exif.map_or(1, |note| Exif::read(&note, width, height).orientation);
        Ok(Self { width, height, orientation, sha256: sha256(&bytes) })
    }
}

/// A size as an annotation has it, as far as it has one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sides {
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
}

/// The picture that annotations are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// How the photo is turned for it, 1 to 8.
    pub orientation: u8,
}

/// What an annotator saw of a photo whose EXIF note may say that it has to be turned. Some tools show it turned (CVAT, Label Studio,
/// browsers), some as it is stored (OpenCV and what reads COCO with it); the size that they wrote down says which it was. Where both have that
/// size, or no size is stated, it is the stored one, because that is what training code reads. Code: `image`.
pub fn shown(photo: Option<&Photo>, said: Sides) -> Result<Shown, Refused> {
    let Some(photo) = photo else {
        return match (said.width, said.height) {
            (Some(width), Some(height)) if width <= MAX_SIDE && height <= MAX_SIDE => {
                Ok(Shown { width, height, orientation: 1 })
            }
            (Some(width), Some(height)) => {
                Err(Refused::new("image", format!("an image of {width}x{height} pixels cannot be")))
            }
            _ => Err(Refused::new("image", "its record states no size, and its photo is not there")),
        };
    };
    let stored = Shown { width: photo.width, height: photo.height, orientation: 1 };
    // From 5 on, what is stored as a row is a column.
    let (width, height) =
        if photo.orientation >= 5 { (photo.height, photo.width) } else { (photo.width, photo.height) };
    let upright = Shown { width, height, orientation: photo.orientation };
    let fits = |shown: &Shown| {
        said.width.is_none_or(|width| width == shown.width) && said.height.is_none_or(|height| height == shown.height)
    };
    [stored, upright].into_iter().find(fits).ok_or_else(|| {
        let side = |side: Option<u32>| side.map_or("?".to_owned(), |side| side.to_string());
        let (width, height) = (side(said.width), side(said.height));
        let message = format!("the photo is {}x{}, its record says {width}x{height}", photo.width, photo.height);
        Refused::new("image", message)
    })
}

/// True for a name that a photo has which can be read.
pub fn has_ending(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| ["jpg", "jpeg", "png"].iter().any(|known| known.eq_ignore_ascii_case(ending)))
}

/// A file of the dataset as bytes. Codes: `path`, `missing_file`, `unreadable`.
pub fn bytes(root: &Root, path: &str) -> Result<Vec<u8>, Refused> {
    root.admit(path).map_err(|e| Refused::new("path", e.to_string()))?;
    match root.exists(path) {
        Ok(true) => root.bytes(path, MAX_BYTES).map_err(|e| Refused::new("unreadable", e.to_string())),
        Ok(false) => Err(Refused::new("missing_file", format!("there is no file `{path}`"))),
        Err(e) => Err(Refused::new("unreadable", e.to_string())),
    }
}

/// Width and height as the header says. Code: `image`.
pub fn dimensions(bytes: &[u8]) -> Result<(u32, u32), Refused> {
    Header::read(bytes).map(|header| (header.width, header.height))
}

/// What stands before the pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Pixels, as they are stored.
    pub width: u32,
    /// Pixels, as they are stored.
    pub height: u32,
    /// What the camera noted, unread.
    pub exif: Option<Vec<u8>>,
}

impl Header {
    /// Reads the header; no pixel is decoded. Code: `image`.
    pub fn read(bytes: &[u8]) -> Result<Self, Refused> {
        let refused = |e: &dyn std::fmt::Display| Refused::new("image", format!("not a readable JPEG or PNG: {e}"));
        let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|e| refused(&e))?;
        reader.limits(limits());
        let mut decoder = reader.into_decoder().map_err(|e| refused(&e))?;
        let (width, height) = decoder.dimensions();
        if width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE {
            return Err(Refused::new("image", format!("{width}x{height} pixels; sides must be 1 to {MAX_SIDE}")));
        }
        // A note that cannot be found says nothing about the pixels.
        Ok(Self { width, height, exif: decoder.exif_metadata().ok().flatten() })
    }
}

/// What a decoder may use, whatever a header promises.
pub fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(1 << 30);
    limits
}

/// Lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha256_is_the_standard_one() {
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn a_size_says_which_way_up_a_photo_was_seen() {
        let check = |orientation: u8, width: Option<u32>, height: Option<u32>, expected: Option<(u32, u32, u8)>| {
            let photo = Photo { width: 32, height: 24, orientation, sha256: String::new() };
            let found = shown(Some(&photo), Sides { width, height }).ok();
            assert_eq!(found.map(|shown| (shown.width, shown.height, shown.orientation)), expected);
        };
        for orientation in 1..=8 {
            check(orientation, Some(32), Some(24), Some((32, 24, 1)));
            check(orientation, None, None, Some((32, 24, 1)));
            check(orientation, None, Some(24), Some((32, 24, 1)));
            check(orientation, Some(24), Some(24), None);
            let turned = (orientation >= 5).then_some((24, 32, orientation));
            check(orientation, Some(24), Some(32), turned);
            check(orientation, None, Some(32), turned);
        }
        let absent = |width, height| shown(None, Sides { width, height }).ok().map(|shown| shown.width);
        assert_eq!(
            (absent(Some(4), Some(2)), absent(None, Some(2)), absent(Some(4), Some(70_000))),
            (Some(4), None, None)
        );
    }

    #[test]
    fn what_is_no_image_is_refused() {
        for bytes in [&b""[..], b"GIF89a", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"] {
            assert_eq!(dimensions(bytes).unwrap_err().code, "image");
        }
    }
}
