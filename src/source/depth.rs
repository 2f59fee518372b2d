//! Depth files: 16-bit greyscale PNG in some unit, or NumPy arrays, as metres.
//!
//! The whole file is decoded, within limits, so that a file which passes here can be lifted from later. What a file is, is
//! told by its first bytes, not by its name.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, ImageReader};
use spatialmill_geometry::DepthImage;

use super::npy::{self, Npy};
use super::photo;
use super::rows::Refused;

/// Reads a depth file. `units_per_metre` is 1000 for millimetres; where it is none, PNG is taken as millimetres and NumPy as
/// metres. Code: `depth`.
pub fn decode(bytes: &[u8], units_per_metre: Option<f64>) -> Result<DepthImage, Refused> {
    let scale = units_per_metre.unwrap_or_else(|| default_scale(bytes));
    let (width, height, metres) = if is_numpy(bytes) { numpy(bytes, scale)? } else { png(bytes, scale)? };
    DepthImage::new(width, height, metres).map_err(|e| refused(e.to_string()))
}

/// Stored units in a metre, where nobody says.
pub fn default_scale(bytes: &[u8]) -> f64 {
    if is_numpy(bytes) { 1.0 } else { 1000.0 }
}

fn is_numpy(bytes: &[u8]) -> bool {
    bytes.starts_with(npy::MAGIC)
}

fn refused(message: impl Into<String>) -> Refused {
    Refused::new("depth", message)
}

fn png(bytes: &[u8], scale: f64) -> Result<(u32, u32, Vec<f32>), Refused> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), ImageFormat::Png);
    reader.limits(photo::limits());
    match reader.decode().map_err(|e| refused(format!("not a readable PNG, and no NumPy array: {e}")))? {
        DynamicImage::ImageLuma16(image) => {
            let metres = image.as_raw().iter().map(|units| (f64::from(*units) / scale) as f32).collect();
            Ok((image.width(), image.height(), metres))
        }
        other => Err(refused(format!("the PNG has {:?} pixels; depth takes 16-bit greyscale", other.color()))),
    }
}

fn numpy(bytes: &[u8], scale: f64) -> Result<(u32, u32, Vec<f32>), Refused> {
    let Npy { shape, numbers, data } = Npy::read(bytes).map_err(refused)?;
    let (height, width) = match shape[..] {
        [height, width] | [height, width, 1] => (height, width),
        _ => return Err(refused(format!("the array's shape is {shape:?}; depth takes height, width"))),
    };
    let side = |side: u64| u32::try_from(side).ok().filter(|side| (1..=photo::MAX_SIDE).contains(side));
    let (Some(width), Some(height)) = (side(width), side(height)) else {
        return Err(refused(format!("{width}x{height} readings; sides must be 1 to {}", photo::MAX_SIDE)));
    };
    let metres = |units: f64| (units / scale) as f32;
    let metres: Vec<f32> = match numbers {
        "<f4" => data.as_chunks().0.iter().map(|reading| metres(f32::from_le_bytes(*reading).into())).collect(),
        "<f8" => data.as_chunks().0.iter().map(|reading| metres(f64::from_le_bytes(*reading))).collect(),
        "<u2" => data.as_chunks().0.iter().map(|reading| metres(u16::from_le_bytes(*reading).into())).collect(),
        other => return Err(refused(format!("the array has `{other}` numbers; depth takes <f4, <f8 or <u2"))),
    };
    Ok((width, height, metres))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(numbers: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{numbers}', 'fortran_order': False, 'shape': {shape}, }}");
        let length = (header.len() as u16).to_le_bytes();
        [npy::MAGIC, &[1, 0], &length, header.as_bytes(), data].concat()
    }

    #[test]
    fn units_become_metres() {
        let depth =
            decode(&saved("<f4", "(1, 2)", &[1.5f32.to_le_bytes(), f32::NAN.to_le_bytes()].concat()), None).unwrap();
        assert_eq!((depth.width(), depth.height()), (2, 1));
        assert_eq!((depth.reading(0, 0), depth.reading(1, 0)), (Some(1.5), None));
        let depth = decode(&saved("<u2", "(2, 1, 1)", &[0xdc, 5, 0, 0]), Some(1000.0)).unwrap();
        assert_eq!((depth.reading(0, 0), depth.reading(0, 1)), (Some(1.5), None));

        let mut png = Vec::new();
        let image = image::ImageBuffer::<image::Luma<u16>, _>::from_raw(1, 2, vec![8000u16, 0]).unwrap();
        image.write_to(&mut Cursor::new(&mut png), ImageFormat::Png).unwrap();
        assert_eq!(decode(&png, None).unwrap().reading(0, 0), Some(8.0));
        assert_eq!(decode(&png, Some(4000.0)).unwrap().reading(0, 0), Some(2.0));
    }

    #[test]
    fn other_arrays_are_refused() {
        let good = saved("<f8", "(1, 2)", &[0; 16]);
        let mut grey = Vec::new();
        image::GrayImage::new(2, 2).write_to(&mut Cursor::new(&mut grey), ImageFormat::Png).unwrap();
        for bytes in [
            &good[..good.len() - 1],
            &good[..40],
            b"",
            b"\x93NUMPY",
            &grey,
            &saved("<f4", "(4,)", &[0; 16]),
            &saved("<i8", "(1, 2)", &[0; 16]),
            &saved("<f4", "(0, 2)", &[]),
        ] {
            assert_eq!(decode(bytes, None).unwrap_err().code, "depth");
        }
    }
}
