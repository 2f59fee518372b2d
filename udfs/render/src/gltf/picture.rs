//! The image files in a file: PNG or JPEG, whatever it says they are.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use super::buffers::{Buffers, data};
use super::document::Document;
use super::{GltfError, Limits, broken, found, limit};
use crate::texture::Image;

/// Images with a longer side are halved, once: a view shows an object some hundred pixels wide, and not their finest pixels.
const FINEST: u32 = 2048;

/// Reads an image and takes what it needs of `room`, bytes.
pub fn read(
    document: &Document,
    buffers: &Buffers,
    index: usize,
    limits: &Limits,
    room: &mut u64,
) -> Result<Image, GltfError> {
    let own = found("image", &document.images, index)?;
    let bytes = match (&own.uri, own.buffer_view) {
        (Some(uri), _) => data(uri)?,
        (None, Some(view)) => buffers.view(view)?.bytes.into(),
        (None, None) => return Err(broken("image", index, "it says not where its bytes are")),
    };
    let allowed = |width: u32, height: u32| {
        limit("pixels in an image's side", width.max(height).into(), limits.image_side.into())?;
        // Sixteen bits a channel, as long as a file is unpacked and later; and a third more for the smaller copies.
        let needs = bytes_of(width, height);
        limit("bytes for images", limits.images - *room + needs, limits.images)?;
        Ok(())
    };
    let (width, height, texels) = match &*bytes {
        [0xFF, 0xD8, 0xFF, ..] => jpeg(index, &bytes, allowed)?,
        [0x89, b'P', b'N', b'G', ..] => png(index, &bytes, allowed)?,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => {
            return Err(GltfError::Needs("WebP images".to_owned()));
        }
        [0xAB, b'K', b'T', b'X', ..] => return Err(GltfError::Needs("KTX images".to_owned())),
        _ => return Err(broken("image", index, "neither a JPEG nor a PNG file")),
    };
    let image = Image::new(width, height, texels).ok_or_else(|| broken("image", index, "it has no pixels"))?;
    let image = if width.max(height) > FINEST { image.halved() } else { image };
    *room = room.saturating_sub(bytes_of(image.width(), image.height()));
    Ok(image)
}

fn bytes_of(width: u32, height: u32) -> u64 {
    u64::from(width) * u64::from(height) * 32 / 3
}

type Texels = (u32, u32, Vec<[u8; 4]>);

fn png(index: usize, bytes: &[u8], allowed: impl Fn(u32, u32) -> Result<(), GltfError>) -> Result<Texels, GltfError> {
    let unreadable = |error: image::ImageError| broken("image", index, format!("not a readable PNG: {error}"));
    let mut reader = ImageReader::with_format(Cursor::new(bytes), ImageFormat::Png);
    let mut limits = image::Limits::default();
    // For what is unpacked beside the pixels: a colour profile of a printer has some megabytes.
    limits.max_alloc = Some((64 << 20) + bytes.len() as u64);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(unreadable)?;
    let (width, height) = decoder.dimensions();
    allowed(width, height)?;
    let pixels = DynamicImage::from_decoder(decoder).map_err(unreadable)?.into_rgba8();
    Ok((width, height, pixels.into_raw().as_chunks().0.to_vec()))
}

fn jpeg(index: usize, bytes: &[u8], allowed: impl Fn(u32, u32) -> Result<(), GltfError>) -> Result<Texels, GltfError> {
    let unreadable =
        |error: zune_jpeg::errors::DecodeErrors| broken("image", index, format!("not a readable JPEG: {error}"));
    // Sides are judged below. Without vector instructions, whose colours differ from machine to machine.
    let any = u16::MAX.into();
    let options = DecoderOptions::default().set_strict_mode(true).set_max_width(any).set_max_height(any);
    let options = options.set_use_unsafe(false).jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(unreadable)?;
    let (width, height) = decoder.dimensions().ok_or_else(|| broken("image", index, "it has no size"))?;
    // Both are 16 bits in the file.
    let (width, height) = (width as u32, height as u32);
    allowed(width, height)?;
    let pixels = decoder.decode().map_err(unreadable)?;
    Ok((width, height, pixels.as_chunks().0.iter().map(|[r, g, b]| [*r, *g, *b, u8::MAX]).collect()))
}
