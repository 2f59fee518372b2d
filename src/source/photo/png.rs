//! What stands in a PNG file before its pixels, and whether the pixels are all there.
//!
//! Chunks are walked where they are. Libraries unpack colour profiles and texts on their way to the size: a file of a megabyte can hold
//! a profile of a gigabyte.

use std::io::Cursor;

use image::codecs::png::PngDecoder;
use image::{DynamicImage, ImageDecoder, Limits};

use super::{Header, MAX_SIDE};
use crate::error::without_debug;

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
    let damaged = |e: png::DecodingError| format!("the PNG is damaged: {}", without_debug(&e.to_string()));
    // As strict as other people's libraries.
    let mut options = png::DecodeOptions::default();
    options.set_ignore_adler32(false);
    options.set_skip_ancillary_crc_failures(false);
    let mut decoder = png::Decoder::new_with_options(Cursor::new(bytes), options);
    decoder.set_limits(png::Limits { bytes: BESIDE as usize });
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

/// The palette index of each pixel with the width and height, row by row; none where the PNG has no palette.
pub fn indices(bytes: &[u8]) -> Result<Option<(u32, u32, Vec<u8>)>, String> {
    let failed = |e: png::DecodingError| e.to_string();
    let limits = png::Limits { bytes: (BESIDE + bytes.len() as u64) as usize };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(png::Transformations::IDENTITY);
    let mut reader = decoder.read_info().map_err(failed)?;
    let &png::Info { width, height, color_type, bit_depth, .. } = reader.info();
    if color_type != png::ColorType::Indexed {
        return Ok(None);
    }
    if width > MAX_SIDE || height > MAX_SIDE || u64::from(width) * u64::from(height) > PIXELS {
        return Err(format!("{width}x{height} pixels are too many"));
    }
    let size = reader.output_buffer_size().ok_or("its pixels are too many")?;
    let mut packed = vec![0; size];
    let line = reader.next_frame(&mut packed).map_err(failed)?.line_size;
    let bits = bit_depth as usize;
    let index = |row: &[u8], x: usize| {
        let at = x * bits;
        row[at / 8] >> (8 - bits - at % 8) & (u8::MAX >> (8 - bits))
    };
    let rows = packed.chunks_exact(line.max(1)).take(height as usize);
    let indices = rows.flat_map(|row| (0..width as usize).map(move |x| index(row, x))).collect();
    Ok(Some((width, height, indices)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_palette_is_looked_through() {
        for (depth, bits) in [(png::BitDepth::Eight, 8_usize), (png::BitDepth::Four, 4), (png::BitDepth::Two, 2)] {
            let (width, height) = (5_u32, 3_u32);
            let values: Vec<u8> = (0..15).map(|i| i % 4).collect();
            let packed: Vec<u8> = values
                .chunks(5)
                .flat_map(|row| {
                    let mut line = vec![0_u8; (5 * bits).div_ceil(8)];
                    for (x, value) in row.iter().enumerate() {
                        line[x * bits / 8] |= value << (8 - bits - x * bits % 8);
                    }
                    line
                })
                .collect();
            let mut bytes = Vec::new();
            let mut encoder = png::Encoder::new(&mut bytes, width, height);
            encoder.set_color(png::ColorType::Indexed);
            encoder.set_depth(depth);
            // Two colours are the same: only indices tell their things apart.
            encoder.set_palette(vec![0, 0, 0, 9, 9, 9, 9, 9, 9, 0, 0, 255]);
            encoder.write_header().unwrap().write_image_data(&packed).unwrap();
            assert_eq!(indices(&bytes).unwrap(), Some((width, height, values)));
            assert!(indices(&bytes[..bytes.len() / 2]).is_err());
        }
        let mut grey = Vec::new();
        let mut encoder = png::Encoder::new(&mut grey, 1, 1);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.write_header().unwrap().write_image_data(&[7]).unwrap();
        assert_eq!(indices(&grey).unwrap(), None);
    }
}
