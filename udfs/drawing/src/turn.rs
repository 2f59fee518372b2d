//! A picture turned as a camera noted in its file, as a file of the same format.
//!
//! A JPEG keeps a colour for each pixel, so that turning loses no more than writing JPEG once more does; a PNG loses nothing.
//! The note itself is left out: nobody turns the file again. The colour profile stays where it describes what is written.

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageEncoder, RgbImage};
use jpeg_encoder::{ColorType, Encoder, EncodingError, SamplingFactor};
use zune_core::colorspace::ColorSpace;

use crate::decode::{DecodeError, FileFormat, Samples, jpeg_samples, png_image};

/// At this quality, a second pass through JPEG is not seen.
const QUALITY: u8 = 95;

/// Why a picture was not turned.
#[derive(Debug, thiserror::Error)]
pub enum TurnError {
    /// The caller's: no picture.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The caller's: EXIF has eight orientations.
    #[error("there is no orientation {0}, they are 1 to 8")]
    Orientation(u8),
    /// This program's.
    #[error("cannot write the turned picture: {0}")]
    Write(String),
}

/// The file of a picture that EXIF says is stored in `orientation`, 1 to 8, with its pixels upright.
///
/// ```
/// # let mut png = std::io::Cursor::new(Vec::new());
/// # let lying = image::RgbImage::from_fn(2, 1, |x, _| image::Rgb([[255, 0, 0], [0, 0, 255]][x as usize]));
/// # lying.write_to(&mut png, image::ImageFormat::Png)?;
/// # let red_and_blue = png.into_inner();
/// // Red on the left, blue on the right; the camera was held so that it must be turned clockwise: red goes to the top.
/// let upright = spatialmill_drawing::turned(&red_and_blue, 6)?;
/// let upright = image::load_from_memory(&upright)?.into_rgb8();
/// assert_eq!(upright.dimensions(), (1, 2));
/// assert_eq!(upright.get_pixel(0, 0).0, [255, 0, 0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn turned(bytes: &[u8], orientation: u8) -> Result<Vec<u8>, TurnError> {
    let turn = Orientation::from_exif(orientation).ok_or(TurnError::Orientation(orientation))?;
    match FileFormat::of(bytes)? {
        FileFormat::Jpeg => jpeg(bytes, turn),
        FileFormat::Png => png(bytes, turn),
    }
}

fn jpeg(bytes: &[u8], turn: Orientation) -> Result<Vec<u8>, TurnError> {
    let failed = |e: EncodingError| TurnError::Write(e.to_string());
    let Samples { width, height, colours, pixels, profile } = jpeg_samples(bytes)?;
    let size = || TurnError::Write(format!("the samples do not make {width} x {height} pixels"));
    // Three bytes a pixel are turned as three bytes a pixel, whatever they mean. A side is at most `MAX_SIDE`.
    let (width, height) = (width as u32, height as u32);
    let mut image = match colours {
        ColorSpace::Luma => GrayImage::from_raw(width, height, pixels).map(DynamicImage::from),
        _ => RgbImage::from_raw(width, height, pixels).map(DynamicImage::from),
    }
    .ok_or_else(size)?;
    image.apply_orientation(turn);
    let (colour, profile) = match colours {
        ColorSpace::YCbCr => (ColorType::Ycbcr, profile),
        ColorSpace::Luma => (ColorType::Luma, profile),
        _ => (ColorType::Rgb, None),
    };
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, QUALITY);
    encoder.set_sampling_factor(SamplingFactor::R_4_4_4);
    if let Some(profile) = profile {
        encoder.add_icc_profile(&profile).map_err(failed)?;
    }
    let (width, height) = (image.width() as u16, image.height() as u16);
    encoder.encode(image.as_bytes(), width, height, colour).map_err(failed)?;
    Ok(file)
}

fn png(bytes: &[u8], turn: Orientation) -> Result<Vec<u8>, TurnError> {
    let failed = |e: &dyn std::fmt::Display| TurnError::Write(e.to_string());
    let (mut image, profile) = png_image(bytes)?;
    image.apply_orientation(turn);
    let mut file = Vec::new();
    let mut encoder = PngEncoder::new_with_quality(&mut file, CompressionType::Fast, FilterType::Adaptive);
    if let Some(profile) = profile {
        encoder.set_icc_profile(profile).map_err(|e| failed(&e))?;
    }
    image.write_with_encoder(encoder).map_err(|e| failed(&e))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `F` in 3x4 blocks of 16 pixels: no turn leaves it as it is.
    fn letter() -> GrayImage {
        let ink = ["###", "#..", "##.", "#.."];
        GrayImage::from_fn(48, 64, |x, y| {
            image::Luma([if ink[y as usize / 16].as_bytes()[x as usize / 16] == b'#' { 230 } else { 20 }])
        })
    }

    /// Stored so that a reader who does what EXIF says sees the letter.
    fn stored(orientation: u8) -> DynamicImage {
        let back = match orientation {
            6 => 8,
            8 => 6,
            own => own,
        };
        let mut image = DynamicImage::from(letter()).to_rgb8().into();
        DynamicImage::apply_orientation(&mut image, Orientation::from_exif(back).unwrap());
        image
    }

    #[test]
    fn every_orientation_comes_out_upright_in_both_formats() {
        for orientation in 1..=8 {
            let image = stored(orientation);
            let mut png = std::io::Cursor::new(Vec::new());
            image.write_to(&mut png, image::ImageFormat::Png).unwrap();
            let upright = image::load_from_memory(&turned(png.get_ref(), orientation).unwrap()).unwrap();
            assert_eq!(upright.into_luma8(), letter(), "{orientation}");

            for sampling in [SamplingFactor::R_4_2_0, SamplingFactor::R_4_4_4] {
                let mut jpeg = Vec::new();
                let mut encoder = Encoder::new(&mut jpeg, 95);
                encoder.set_sampling_factor(sampling);
                let (width, height) = (image.width() as u16, image.height() as u16);
                encoder.encode(image.as_bytes(), width, height, ColorType::Rgb).unwrap();
                let file = turned(&jpeg, orientation).unwrap();
                let Samples { width, height, pixels, .. } = jpeg_samples(&file).unwrap();
                assert_eq!((width, height), (48, 64), "{orientation}");
                let far = pixels.chunks(3).zip(letter().into_raw()).map(|(found, ink)| found[0].abs_diff(ink)).max();
                assert!(far < Some(8), "{orientation} {sampling:?}: {far:?}");
                assert_eq!(file, turned(&jpeg, orientation).unwrap());
            }
        }
    }

    #[test]
    fn what_is_no_picture_or_no_orientation_is_refused() {
        assert!(matches!(turned(b"GIF89a", 6), Err(TurnError::Decode(DecodeError::Format))));
        assert!(matches!(turned(&[0xFF, 0xD8, 0xFF], 6), Err(TurnError::Decode(DecodeError::Jpeg(_)))));
        assert!(matches!(turned(b"GIF89a", 9), Err(TurnError::Orientation(9))));
    }
}
