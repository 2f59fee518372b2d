//! A photo of a dataset: the bytes' SHA-256 and the size that the file itself claims, judged before anything is decoded.

use std::io::Cursor;

use image::{ImageDecoder, ImageReader, Limits};

use super::root::Root;
use super::rows::Refused;

/// Larger files are refused unread: four times the largest photo of the datasets that we know (a 100-megapixel panorama).
pub const MAX_BYTES: u64 = 256 << 20;

/// Larger sides are refused undecoded; JPEG itself ends at 65,535.
pub const MAX_SIDE: u32 = 32_768;

/// What is known of a photo from its bytes and its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Photo {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Lower-case hexadecimal.
    pub sha256: String,
}

impl Photo {
    /// Reads the file and its header; no pixel is decoded. Codes: `path`, `missing_file`, `unreadable`, `image`.
    pub fn read(root: &Root, path: &str) -> Result<Self, Refused> {
        let bytes = bytes(root, path)?;
        let (width, height) = dimensions(&bytes)?;
        Ok(Self { width, height, sha256: sha256(&bytes) })
    }
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
    fn what_is_no_image_is_refused() {
        for bytes in [&b""[..], b"GIF89a", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"] {
            assert_eq!(dimensions(bytes).unwrap_err().code, "image");
        }
    }
}
