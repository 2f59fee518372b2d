//! A photo of a dataset: the bytes' SHA-256, the size that the file itself claims, and whether the file is whole.
//!
//! A photo that breaks off looks like one to whoever reads its header alone, and its lower half is grey, or an error in training. So a
//! JPEG is walked to its end and a PNG is unpacked, row by row: in the memory of some rows, whatever the file claims.

pub mod exif;
mod jpeg;
mod png;

use self::exif::Exif;
pub use self::png::{decode as decode_png, indices as palette_indices};

use super::root::Root;
use crate::tables::Unusable;

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
    /// Reads the file, its header, and whether it is whole. Codes: `path`, `missing_file`, `unreadable`, `image`.
    pub fn read(root: &Root, path: &str) -> Result<Self, Unusable> {
        let bytes = bytes(root, path)?;
        let Header { width, height, exif } = Header::read(&bytes)?;
        check(&bytes)?;
        let orientation = exif.map_or(1, |note| Exif::read(&note, width, height).orientation);
        Ok(Self { width, height, orientation, sha256: sha256(&bytes) })
    }
}

/// A size as an annotation has it, as far as it has one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StatedSize {
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
}

/// The picture that annotations are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UprightSize {
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
pub fn shown(photo: Option<&Photo>, said: StatedSize) -> Result<UprightSize, Unusable> {
    let Some(photo) = photo else {
        return match (said.width, said.height) {
            (Some(width), Some(height)) if width <= MAX_SIDE && height <= MAX_SIDE => {
                Ok(UprightSize { width, height, orientation: 1 })
            }
            (Some(width), Some(height)) => {
                Err(Unusable::new("image", format!("an image of {width}x{height} pixels cannot be")))
            }
            _ => Err(Unusable::new("image", "its record states no size, and its photo is not there")),
        };
    };
    let stored = UprightSize { width: photo.width, height: photo.height, orientation: 1 };
    // From 5 on, what is stored as a row is a column.
    let (width, height) =
        if photo.orientation >= 5 { (photo.height, photo.width) } else { (photo.width, photo.height) };
    let upright = UprightSize { width, height, orientation: photo.orientation };
    let fits = |shown: &UprightSize| {
        said.width.is_none_or(|width| width == shown.width) && said.height.is_none_or(|height| height == shown.height)
    };
    [stored, upright].into_iter().find(fits).ok_or_else(|| {
        let side = |side: Option<u32>| side.map_or("?".to_owned(), |side| side.to_string());
        let (width, height) = (side(said.width), side(said.height));
        let message = format!("the photo is {}x{}, its record says {width}x{height}", photo.width, photo.height);
        Unusable::new("image", message)
    })
}

/// True for a name that a photo has which can be read.
pub fn has_ending(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| ["jpg", "jpeg", "png"].iter().any(|known| known.eq_ignore_ascii_case(ending)))
}

/// A file of the dataset as bytes. Codes: `path`, `missing_file`, `unreadable`.
pub fn bytes(root: &Root, path: &str) -> Result<Vec<u8>, Unusable> {
    root.admit(path).map_err(|e| Unusable::new("path", e.to_string()))?;
    match root.exists(path) {
        Ok(true) => root.bytes(path, MAX_BYTES).map_err(|e| Unusable::new("unreadable", e.to_string())),
        Ok(false) => Err(Unusable::new("missing_file", format!("there is no file `{path}`"))),
        Err(e) => Err(Unusable::new("unreadable", e.to_string())),
    }
}

/// Width and height as the header says. Code: `image`.
pub fn dimensions(bytes: &[u8]) -> Result<(u32, u32), Unusable> {
    Header::read(bytes).map(|header| (header.width, header.height))
}

/// Refuses a photo whose pixels are not all there. Code: `image`.
pub fn check(bytes: &[u8]) -> Result<(), Unusable> {
    let whole = if is_png(bytes) { png::check(bytes) } else { jpeg::check(bytes) };
    whole.map_err(|why| Unusable::new("image", why))
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
    /// Reads the header; no pixel is decoded and nothing is unpacked. Code: `image`.
    pub fn read(bytes: &[u8]) -> Result<Self, Unusable> {
        let read = match bytes {
            _ if is_png(bytes) => png::header(bytes),
            [0xff, 0xd8, 0xff, ..] => jpeg::header(bytes),
            _ => Err("it is neither a JPEG nor a PNG".to_owned()),
        };
        let header = read.map_err(|why| Unusable::new("image", format!("not a readable JPEG or PNG: {why}")))?;
        let (width, height) = (header.width, header.height);
        if width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE {
            return Err(Unusable::new("image", format!("{width}x{height} pixels; sides must be 1 to {MAX_SIDE}")));
        }
        Ok(header)
    }
}

fn is_png(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x89PNG\r\n\x1a\n")
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
            let found = shown(Some(&photo), StatedSize { width, height }).ok();
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
        let absent = |width, height| shown(None, StatedSize { width, height }).ok().map(|shown| shown.width);
        assert_eq!(
            (absent(Some(4), Some(2)), absent(None, Some(2)), absent(Some(4), Some(70_000))),
            (Some(4), None, None)
        );
    }

    #[test]
    fn what_is_no_image_is_refused() {
        for bytes in [&b""[..], b"GIF89a", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"\xff\xd8\xff\xd9"] {
            assert_eq!(dimensions(bytes).unwrap_err().code, "image");
        }
    }

    fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let mut sum = flate2::Crc::new();
        sum.update(kind);
        sum.update(data);
        [&(data.len() as u32).to_be_bytes(), &kind[..], data, &sum.sum().to_be_bytes()].concat()
    }

    fn pictures() -> [(&'static str, Vec<u8>); 3] {
        let picture = image::RgbImage::from_fn(64, 48, |x, y| image::Rgb([(x * y) as u8, x as u8 * 3, y as u8 * 5]));
        let mut png = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
        let jpeg = |progressive| {
            let mut bytes = Vec::new();
            let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 90);
            encoder.set_progressive(progressive);
            encoder.set_restart_interval(3);
            encoder.encode(picture.as_raw(), 64, 48, jpeg_encoder::ColorType::Rgb).unwrap();
            bytes
        };
        [("png", png.into_inner()), ("jpeg", jpeg(false)), ("progressive", jpeg(true))]
    }

    #[test]
    fn a_photo_that_breaks_off_anywhere_is_refused() {
        for (name, whole) in pictures() {
            assert_eq!(dimensions(&whole).unwrap(), (64, 48), "{name}");
            check(&whole).unwrap();
            // What cameras and uploads leave behind the end is nobody's business.
            check(&[&whole[..], b"\0\0\xff\xd8 more"].concat()).unwrap();
            // Of a PNG the last chunk, which is empty, may be missing.
            for cut in 3..whole.len() - if name == "png" { 16 } else { 0 } {
                let seen = Header::read(&whole[..cut]).and_then(|_| check(&whole[..cut]));
                assert_eq!(seen.unwrap_err().code, "image", "{name} {cut}");
            }
        }
        let (_, mut png) = pictures().into_iter().next().unwrap();
        let middle = png.len() / 2;
        png[middle] ^= 0x40;
        assert_eq!(check(&png).unwrap_err().code, "image");
    }

    #[test]
    fn a_wrong_checksum_beside_the_pixels_is_damage() {
        let (_, png) = pictures().into_iter().next().unwrap();
        let with = |chunk: &[u8]| [&png[..33], chunk, &png[33..]].concat();
        let mut text = chunk(b"tEXt", b"a\0b");
        check(&with(&text)).unwrap();
        *text.last_mut().unwrap() ^= 1;
        assert_eq!(check(&with(&text)).unwrap_err().code, "image");
    }

    #[test]
    fn nothing_beside_the_pixels_is_unpacked() {
        let (_, png) = pictures().into_iter().next().unwrap();
        let mut packed = flate2::write::ZlibEncoder::new(b"p\0\0".to_vec(), flate2::Compression::best());
        for _ in 0..128 {
            std::io::Write::write_all(&mut packed, &[b'A'; 1 << 20]).unwrap();
        }
        let packed = packed.finish().unwrap();
        let exif = chunk(b"eXIf", b"II*\0note");
        for kind in [b"iCCP", b"zTXt"] {
            // Behind the header: the signature and a chunk of thirteen bytes.
            let bomb = [&png[..33], &chunk(kind, &packed), &exif, &png[33..]].concat();
            let header = Header::read(&bomb).unwrap();
            assert_eq!((header.width, header.exif.as_deref()), (64, Some(&b"II*\0note"[..])));
            check(&bomb).unwrap();
            assert_eq!(decode_png(&bomb).unwrap().width(), 64);
        }
        let wide = [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &[0, 1, 0, 0, 0, 0, 0, 1, 8, 2, 0, 0, 0])].concat();
        assert!(dimensions(&wide).unwrap_err().message.contains("65536x1"));
    }

    #[test]
    fn a_note_is_found_before_and_behind_the_size() {
        let (_, jpeg) = pictures().into_iter().nth(1).unwrap();
        let note = b"\xff\xe1\0\x0cExif\0\0note";
        let frame = jpeg.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
        let behind = frame + 2 + usize::from(u16::from_be_bytes([jpeg[frame + 2], jpeg[frame + 3]]));
        for at in [2, behind] {
            let noted = [&jpeg[..at], note, &jpeg[at..]].concat();
            assert_eq!(Header::read(&noted).unwrap().exif.as_deref(), Some(&b"note"[..]));
            check(&noted).unwrap();
        }
        assert_eq!(Header::read(&jpeg).unwrap().exif, None);
    }
}
