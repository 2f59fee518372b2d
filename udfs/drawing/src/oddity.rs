//! Whether other loaders see in a file what is decoded here.
//!
//! The decoder here passes over damage beside the pixels, and shows sixteen bits and transparency in its own way. Pillow, which most trainers
//! load with, refuses the former and shows the latter otherwise: it cuts a picture of sixteen bits to white, and shows what is painted below
//! transparent pixels. What is odd in such a way is written anew before it leaves.

use std::io::Read;

use flate2::Crc;
use flate2::read::ZlibDecoder;
use image::DynamicImage;

use crate::decode::{FileFormat, png_image};

/// What is odd about a file that is decoded here; `None` where every loader sees the same in it. A file that cannot be decoded is judged as far as it
/// goes.
///
/// ```
/// # let mut png = std::io::Cursor::new(Vec::new());
/// # image::ImageBuffer::from_pixel(4, 2, image::Luma([40_000_u16])).write_to(&mut png, image::ImageFormat::Png)?;
/// # let sixteen_bits = png.into_inner();
/// assert_eq!(spatialmill_drawing::oddity(&sixteen_bits), Some("a picture of sixteen bits"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn oddity(bytes: &[u8]) -> Option<&'static str> {
    match FileFormat::of(bytes).ok()? {
        FileFormat::Jpeg => jpeg(bytes),
        FileFormat::Png => png(bytes).err(),
    }
}

/// Pillow unpacks no text and no profile that is longer.
const LONGEST_TEXT: u64 = 1 << 20;

/// Nor does it take more text in all.
const ALL_TEXTS: usize = 64 << 20;

fn png(bytes: &[u8]) -> Result<(), &'static str> {
    let mut pixels = Vec::new();
    let (mut kinds, mut texts, mut may_be_transparent) = (Vec::<[u8; 4]>::new(), 0, false);
    let mut rest = bytes.get(8..).unwrap_or_default();
    while kinds.last() != Some(b"IEND") {
        let (kind, content, sum, behind) = chunk(rest).ok_or("a PNG without its end")?;
        let mut crc = Crc::new();
        crc.update(kind);
        crc.update(content);
        if crc.sum() != sum || !kind.iter().all(u8::is_ascii_alphabetic) {
            return Err("a PNG with a wrong checksum");
        }
        rest = behind;
        match kind {
            b"IHDR" if kinds.is_empty() => match content {
                [_, _, _, _, _, _, _, _, 16, ..] => return Err("a picture of sixteen bits"),
                [_, _, _, _, _, _, _, _, _, colours, 0, 0, 0 | 1] => may_be_transparent = matches!(colours, 4 | 6),
                _ => return Err("a PNG with an odd header"),
            },
            _ if kinds.is_empty() => return Err("a PNG with an odd header"),
            b"IDAT" if kinds.contains(kind) && kinds.last() != Some(kind) => {
                return Err("a PNG whose pixels are in several places");
            }
            b"IDAT" => pixels.push(content),
            b"tRNS" => may_be_transparent = true,
            b"acTL" => return Err("an animated PNG"),
            b"gAMA" if content.len() != 4 => return Err(DAMAGED_NOTE),
            b"cHRM" if content.len() != 32 => return Err(DAMAGED_NOTE),
            b"sRGB" if content.len() != 1 => return Err(DAMAGED_NOTE),
            b"pHYs" if content.len() != 9 => return Err(DAMAGED_NOTE),
            b"iCCP" | b"zTXt" | b"iTXt" | b"tEXt" => {
                texts += content.len();
                if texts > ALL_TEXTS {
                    return Err(LONG_NOTE);
                }
                packed(kind, content)?.map_or(Ok(()), can_be_unpacked)?;
            }
            _ => {}
        }
        kinds.push(*kind);
    }
    let pixels = Pieces { first: &[], others: pixels.into_iter() };
    let unpacked = std::io::copy(&mut ZlibDecoder::new(pixels), &mut std::io::sink());
    unpacked.map_err(|_| "a PNG whose pixels have a wrong checksum")?;
    if may_be_transparent && png_image(bytes).is_ok_and(|(image, _)| is_transparent(&image)) {
        return Err("a picture that is transparent in places");
    }
    Ok(())
}

const DAMAGED_NOTE: &str = "a PNG with a damaged note";
const LONG_NOTE: &str = "a PNG with a very long note";

/// The first chunk: its kind, what it holds, its checksum, and what is behind it.
fn chunk(bytes: &[u8]) -> Option<(&[u8; 4], &[u8], u32, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (kind, rest) = rest.split_first_chunk::<4>()?;
    let (content, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    let (sum, behind) = rest.split_first_chunk::<4>()?;
    Some((kind, content, u32::from_be_bytes(*sum), behind))
}

/// Bytes that lie in pieces.
struct Pieces<'a> {
    first: &'a [u8],
    others: std::vec::IntoIter<&'a [u8]>,
}

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.first.is_empty() {
            match self.others.next() {
                Some(piece) => self.first = piece,
                None => return Ok(0),
            }
        }
        self.first.read(into)
    }
}

/// What is packed in a text or a profile: behind its name, and in a newer text behind its language, too.
fn packed<'a>(kind: &[u8; 4], content: &'a [u8]) -> Result<Option<&'a [u8]>, &'static str> {
    let after = |content: &'a [u8]| content.iter().position(|byte| *byte == 0).map(|at| &content[at + 1..]);
    match kind {
        b"tEXt" => Ok(None),
        // There is one way of packing, and its number is 0.
        b"zTXt" | b"iCCP" => match after(content) {
            Some([0, packed @ ..]) => Ok(Some(packed)),
            _ => Err(DAMAGED_NOTE),
        },
        _ => match after(content) {
            Some([0, ..]) => Ok(None),
            Some([1, 0, rest @ ..]) => after(rest).and_then(after).map(Some).ok_or(DAMAGED_NOTE),
            _ => Err(DAMAGED_NOTE),
        },
    }
}

fn can_be_unpacked(packed: &[u8]) -> Result<(), &'static str> {
    let unpacked = std::io::copy(&mut ZlibDecoder::new(packed).take(LONGEST_TEXT + 1), &mut std::io::sink());
    match unpacked {
        Ok(length) if length <= LONGEST_TEXT => Ok(()),
        Ok(_) => Err(LONG_NOTE),
        Err(_) => Err(DAMAGED_NOTE),
    }
}

fn is_transparent(image: &DynamicImage) -> bool {
    match image {
        DynamicImage::ImageLumaA8(image) => image.pixels().any(|pixel| pixel.0[1] < u8::MAX),
        DynamicImage::ImageLumaA16(image) => image.pixels().any(|pixel| pixel.0[1] < u16::MAX),
        DynamicImage::ImageRgba8(image) => image.pixels().any(|pixel| pixel.0[3] < u8::MAX),
        DynamicImage::ImageRgba16(image) => image.pixels().any(|pixel| pixel.0[3] < u16::MAX),
        _ => false,
    }
}

/// Segments before the pixels that are shorter than what they say that they are.
fn jpeg(bytes: &[u8]) -> Option<&'static str> {
    let mut rest = bytes.get(2..)?;
    loop {
        match *rest {
            [0xFF, 0xFF, ..] => rest = &rest[1..],
            [0xFF, 0x01 | 0xD0..=0xD7, ..] => rest = &rest[2..],
            [0xFF, 0xD9 | 0xDA, ..] => return None,
            [0xFF, marker, high, low, ..] => {
                let (segment, behind) = rest[2..].split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
                let content = segment.get(2..)?;
                let shortest = match marker {
                    0xE0 if content.starts_with(b"JFIF") => 7,
                    0xE2 if content.starts_with(b"ICC_PROFILE\0") => 14,
                    0xEE if content.starts_with(b"Adobe") => 7,
                    _ => 0,
                };
                if content.len() < shortest {
                    return Some("a JPEG with a damaged note");
                }
                rest = behind;
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;

    fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let mut crc = Crc::new();
        crc.update(kind);
        crc.update(content);
        [&(content.len() as u32).to_be_bytes()[..], kind, content, &crc.sum().to_be_bytes()].concat()
    }

    fn zlib(content: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    /// Two rows of two pixels, with what stands before and behind the pixels.
    fn png(depth: u8, colours: u8, before: &[Vec<u8>], pixels: &[Vec<u8>], behind: &[Vec<u8>]) -> Vec<u8> {
        let header = [0, 0, 0, 2, 0, 0, 0, 2, depth, colours, 0, 0, 0];
        let parts = [vec![chunk(b"IHDR", &header)], before.to_vec(), pixels.to_vec(), behind.to_vec()].concat();
        [&b"\x89PNG\r\n\x1a\n"[..], &parts.concat(), &chunk(b"IEND", b"")].concat()
    }

    fn check(file: &[u8], expected: Option<&str>) {
        assert_eq!(oddity(file), expected, "{}", file.escape_ascii());
        assert!(crate::Picture::decode(file).is_ok(), "{}", file.escape_ascii());
    }

    #[test]
    fn what_loaders_see_otherwise_is_odd() {
        let rgb = zlib(&[0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6]);
        let pixels = [chunk(b"IDAT", &rgb)];
        let with = |note: Vec<u8>| png(8, 2, std::slice::from_ref(&note), &pixels, std::slice::from_ref(&note));
        check(&png(8, 2, &[], &pixels, &[]), None);
        check(&png(8, 2, &[], &[chunk(b"IDAT", &rgb[..5]), chunk(b"IDAT", &rgb[5..])], &[]), None);
        check(&with(chunk(b"tEXt", b"a\0b")), None);
        check(&with(chunk(b"iTXt", &[b"a\0\x01\0\0\0", &zlib(b"text")[..]].concat())), None);

        let mut bent = chunk(b"tEXt", b"a\0b");
        *bent.last_mut().unwrap() ^= 1;
        check(&with(bent), Some("a PNG with a wrong checksum"));
        let long = zlib(&vec![b'0'; 5_000_000]);
        check(&with(chunk(b"zTXt", &[b"a\0\0", &long[..]].concat())), Some(LONG_NOTE));
        check(&with(chunk(b"iTXt", &[b"a\0\x01\0\0\0", &long[..]].concat())), Some(LONG_NOTE));
        check(&with(chunk(b"tIME", b"")), None);
        check(&with(chunk(b"gAMA", b"\0")), Some(DAMAGED_NOTE));
        let mut wrong = rgb.clone();
        *wrong.last_mut().unwrap() ^= 1;
        check(&png(8, 2, &[], &[chunk(b"IDAT", &wrong)], &[]), Some("a PNG whose pixels have a wrong checksum"));
        let whole = png(8, 2, &[], &pixels, &[]);
        assert_eq!(oddity(&whole[..whole.len() - 12]), Some("a PNG without its end"));

        check(&png(16, 0, &[], &[chunk(b"IDAT", &zlib(&[0; 10]))], &[]), Some("a picture of sixteen bits"));
        check(&png(16, 2, &[], &[chunk(b"IDAT", &zlib(&[0; 26]))], &[]), Some("a picture of sixteen bits"));
        for (opacity, expected) in [(255, None), (254, Some("a picture that is transparent in places"))] {
            let row = [0, 9, 255, 9, opacity];
            check(&png(8, 4, &[], &[chunk(b"IDAT", &zlib(&[row, row].concat()))], &[]), expected);
        }
        let clear = [chunk(b"tRNS", &[0, 1, 0, 2, 0, 3])];
        check(&png(8, 2, &clear, &pixels, &[]), Some("a picture that is transparent in places"));
    }

    #[test]
    fn a_note_of_a_jpeg_that_breaks_off_is_odd() {
        let mut whole = Vec::new();
        let encoder = jpeg_encoder::Encoder::new(&mut whole, 90);
        encoder.encode(&[7; 64], 8, 8, jpeg_encoder::ColorType::Luma).unwrap();
        check(&whole, None);
        let noted = |note: &[u8]| {
            [&whole[..2], b"\xFF\xE2", &(note.len() as u16 + 2).to_be_bytes(), note, &whole[2..]].concat()
        };
        check(&noted(b"ICC_PROFILE\0\x01\x01 and more"), None);
        check(&noted(b"MPF\0"), None);
        assert_eq!(oddity(&noted(b"ICC_PROFILE\0")), Some("a JPEG with a damaged note"));
        for cut in 0..whole.len() {
            oddity(&whole[..cut]);
        }
    }
}
