//! The bytes of a JPEG or PNG file to planes. The header is judged before memory is taken; nothing panics on bad bytes.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use thiserror::Error;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

use crate::planes::Planes;

/// Larger sides are refused undecoded.
pub const MAX_SIDE: u32 = 32_768;

/// A picture that needs more memory than this, in bytes, is refused undecoded, whatever its header promises.
pub const MAX_BYTES_DECODED: u64 = 1 << 30;

/// Why bytes are no picture.
#[derive(Debug, Error)]
pub enum DecodeError {
    #[error("neither a JPEG nor a PNG file")]
    Format,
    #[error("{width} x {height} pixels: sides must be 1 to {MAX_SIDE}")]
    Size { width: u32, height: u32 },
    #[error("{width} x {height} pixels take more than {MAX_BYTES_DECODED} bytes to decode")]
    Memory { width: u32, height: u32 },
    #[error("not a readable JPEG: {0}")]
    Jpeg(String),
    #[error("not a readable PNG: {0}")]
    Png(#[from] ImageError),
}

pub fn decode(bytes: &[u8]) -> Result<Planes, DecodeError> {
    match FileFormat::of(bytes)? {
        FileFormat::Jpeg => jpeg(bytes),
        FileFormat::Png => png(bytes),
    }
}

/// What bytes begin as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    Jpeg,
    Png,
}

impl FileFormat {
    pub fn of(bytes: &[u8]) -> Result<Self, DecodeError> {
        match bytes {
            [0xFF, 0xD8, 0xFF, ..] => Ok(Self::Jpeg),
            [0x89, b'P', b'N', b'G', ..] => Ok(Self::Png),
            _ => Err(DecodeError::Format),
        }
    }
}

/// Eight bits of red, green and blue for each pixel, with width and height: what a model looks at. Refused as pictures are that marks are
/// drawn on; what is transparent shows white.
pub fn decode_rgb(bytes: &[u8]) -> Result<(u32, u32, Vec<u8>), DecodeError> {
    match bytes {
        [0xFF, 0xD8, 0xFF, ..] => {
            let Samples { width, height, pixels, .. } = jpeg_samples_in(bytes, Some(ColorSpace::RGB))?;
            // Sides are at most `MAX_SIDE`.
            Ok((width as u32, height as u32, pixels))
        }
        [0x89, b'P', b'N', b'G', ..] => {
            let decoded = png_image(bytes)?.0;
            Ok((decoded.width(), decoded.height(), rgb(decoded)))
        }
        _ => Err(DecodeError::Format),
    }
}

fn jpeg(bytes: &[u8]) -> Result<Planes, DecodeError> {
    let Samples { width, height, colours, pixels, .. } = jpeg_samples(bytes)?;
    Ok(match colours {
        ColorSpace::YCbCr => Planes::from_ycbcr(width, height, &pixels),
        ColorSpace::Luma => Planes::from_grey(width, height, pixels),
        _ => Planes::from_rgb(width, height, pixels),
    })
}

/// What is in a JPEG file, with a colour for each pixel.
pub struct Samples {
    pub width: usize,
    pub height: usize,
    /// Brightness and colour, or brightness alone, as the file has them; red, green and blue otherwise.
    pub colours: ColorSpace,
    pub pixels: Vec<u8>,
    /// Of the file; what was converted to `RGB` is not described by it.
    pub profile: Option<Vec<u8>>,
}

/// Half a file is an error, not a picture with a grey half: that is what "strict" asks for.
pub fn jpeg_samples(bytes: &[u8]) -> Result<Samples, DecodeError> {
    jpeg_samples_in(bytes, None)
}

fn jpeg_samples_in(bytes: &[u8], wanted: Option<ColorSpace>) -> Result<Samples, DecodeError> {
    let refused = |e: DecodeErrors| DecodeError::Jpeg(e.to_string());
    // Sides are judged below, in our words.
    let any = u16::MAX.into();
    let options = DecoderOptions::default().set_strict_mode(true).set_max_width(any).set_max_height(any);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(refused)?;
    let (Some(info), Some((width, height))) = (decoder.info(), decoder.dimensions()) else {
        return Err(DecodeError::Jpeg("no header".to_owned()));
    };
    let (colours, out) = match decoder.input_colorspace() {
        Some(ColorSpace::YCbCr) => (3, ColorSpace::YCbCr),
        Some(ColorSpace::Luma) => (1, ColorSpace::Luma),
        // Red, green and blue; cyan, magenta, yellow and black, in either of two ways.
        _ => (3, ColorSpace::RGB),
    };
    // Two bytes a coefficient are held of the whole picture when it comes in several scans, which the header does not
    // say.
    check_size(width as u64, height as u64, colours + 2 * u64::from(info.components))?;

    let out = wanted.unwrap_or(out);
    decoder.set_options(options.jpeg_set_out_colorspace(out));
    let pixels = decoder.decode().map_err(refused)?;
    Ok(Samples { width, height, colours: out, pixels, profile: decoder.icc_profile() })
}

/// Sixteen bits a channel become eight; what is transparent shows white.
fn png(bytes: &[u8]) -> Result<Planes, DecodeError> {
    let decoded = png_image(bytes)?.0;
    // Both fit, a side is at most `MAX_SIDE`.
    let (width, height) = (decoded.width() as usize, decoded.height() as usize);
    Ok(match decoded {
        DynamicImage::ImageLuma8(grey) => Planes::from_grey(width, height, grey.into_raw()),
        DynamicImage::ImageLuma16(_) => Planes::from_grey(width, height, decoded.into_luma8().into_raw()),
        _ => Planes::from_rgb(width, height, rgb(decoded)),
    })
}

fn rgb(decoded: DynamicImage) -> Vec<u8> {
    if !decoded.color().has_alpha() {
        return decoded.into_rgb8().into_raw();
    }
    let pixels = decoded.into_rgba8().into_raw();
    let over_white = pixels.as_chunks::<4>().0.iter().flat_map(|[r, g, b, alpha]| {
        let opacity = u16::from(*alpha);
        // At most 255 x 255.
        [r, g, b].map(|channel| ((u16::from(*channel) * opacity + 255 * (255 - opacity) + 127) / 255) as u8)
    });
    over_white.collect()
}

/// A PNG file as it is, with its colour profile.
pub fn png_image(bytes: &[u8]) -> Result<(DynamicImage, Option<Vec<u8>>), DecodeError> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), ImageFormat::Png);
    let mut limits = Limits::default();
    // For what is unpacked beside the pixels: a profile of a printer has some megabytes, one made to hurt more than there is memory. A text
    // that is no longer than its file is not what this guards against.
    limits.max_alloc = Some((64 << 20) + bytes.len() as u64);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    // Four channels of sixteen bits, at most.
    check_size(width.into(), height.into(), 8)?;
    let profile = decoder.icc_profile()?;
    Ok((DynamicImage::from_decoder(decoder)?, profile))
}

/// `bytes_per_pixel` without the planes, which take another byte and a half.
fn check_size(width: u64, height: u64, bytes_per_pixel: u64) -> Result<(), DecodeError> {
    let whole = |side: u64| u32::try_from(side).unwrap_or(u32::MAX);
    let (shown_width, shown_height) = (whole(width), whole(height));
    if width == 0 || height == 0 || width > MAX_SIDE.into() || height > MAX_SIDE.into() {
        Err(DecodeError::Size { width: shown_width, height: shown_height })
    } else if width * height * bytes_per_pixel + width * height * 3 / 2 > MAX_BYTES_DECODED {
        Err(DecodeError::Memory { width: shown_width, height: shown_height })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

    #[test]
    fn vector_instructions_change_no_pixel() {
        for sampling in [SamplingFactor::R_4_2_0, SamplingFactor::R_4_2_2, SamplingFactor::R_4_4_4] {
            let (width, height) = (123_u16, 77_u16);
            let pixels: Vec<u8> = (0..123 * 77 * 3).map(|k: u32| (k * k / 977 + k % 91) as u8).collect();
            let mut bytes = Vec::new();
            let mut encoder = Encoder::new(&mut bytes, 90);
            encoder.set_sampling_factor(sampling);
            encoder.encode(&pixels, width, height, ColorType::Rgb).unwrap();
            let [plain, vector] = [false, true].map(|vector| {
                let options = DecoderOptions::default().set_use_unsafe(vector);
                let options = options.jpeg_set_out_colorspace(ColorSpace::YCbCr);
                JpegDecoder::new_with_options(ZCursor::new(&bytes), options).decode().unwrap()
            });
            assert!(plain == vector, "{sampling:?}");
        }
    }
}
