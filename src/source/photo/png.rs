//! What stands in a PNG file before its pixels, and whether the pixels are all there.
//!
//! Chunks are walked where they are. Libraries unpack colour profiles and texts on their way to the size: a file of a megabyte can hold
//! a profile of a gigabyte.

use std::io::Cursor;

use image::codecs::png::PngDecoder;
use image::{DynamicImage, ImageDecoder, Limits};

use super::{Header, MAX_SIDE};

/// For what is unpacked beside the pixels: the largest colour profile of a printer has some megabytes.
const BESIDE: u64 = 64 << 20;

/// What all pixels may take.
const PIXELS: u64 = 1 << 30;

const SIGNATURE: usize = 8;

/// The size, and the camera's note wherever it stands.
pub fn header(bytes: &[u8]) -> Result<Header, String> {
    let mut chunks = Chunks { rest: bytes.get(SIGNATURE..).unwrap_or_default() };
    let Some((b"IHDR", [w0, w1, w2, w3, h0, h1, h2, h3, _, _, _, _, _])) = chunks.next() else {
        return Err("the PNG does not begin with its header".to_owned());
    };
    let [width, height] = [[w0, w1, w2, w3], [h0, h1, h2, h3]].map(|side| u32::from_be_bytes(side.map(|byte| *byte)));
    let exif = chunks.find(|(kind, _)| *kind == b"eXIf").map(|(_, note)| note.to_vec());
    Ok(Header { width, height, exif })
}

/// The chunks that are there whole.
struct Chunks<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Chunks<'a> {
    type Item = (&'a [u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (length, rest) = self.rest.split_first_chunk::<4>()?;
        let (kind, rest) = rest.split_first_chunk::<4>()?;
        let (data, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        // Behind it is its checksum.
        self.rest = rest.get(4..).unwrap_or_default();
        Some((kind, data))
    }
}

/// Unpacks every row, one at a time, and checks every checksum.
pub fn check(bytes: &[u8]) -> Result<(), String> {
    let damaged = |e: png::DecodingError| format!("the PNG is damaged: {e}");
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), png::Limits { bytes: BESIDE as usize });
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info().map_err(damaged)?;
    while reader.next_row().map_err(damaged)?.is_some() {}
    Ok(())
}

/// All pixels, as they are stored.
pub fn decode(bytes: &[u8]) -> Result<DynamicImage, String> {
    let mut limits = Limits::default();
    // A text that is no longer than its file is not what this guards against.
    limits.max_alloc = Some(BESIDE + bytes.len() as u64);
    let decoder = PngDecoder::with_limits(Cursor::new(bytes), limits).map_err(|e| e.to_string())?;
    let (width, height) = decoder.dimensions();
    if width > MAX_SIDE || height > MAX_SIDE || decoder.total_bytes() > PIXELS {
        return Err(format!("{width}x{height} pixels are too many"));
    }
    DynamicImage::from_decoder(decoder).map_err(|e| e.to_string())
}
