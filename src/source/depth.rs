//! Depth files: 16-bit greyscale PNG in some unit or of disparity, or NumPy arrays, as metres.
//!
//! The whole file is decoded, within limits, so that a file which passes here can be lifted from later. What a file is, is
//! told by its first bytes, not by its name. What a frame keeps of one is a [`DepthFile`].

use image::DynamicImage;
use spatialmill_geometry::{DepthImage, Turn};

use super::npy::{self, Npy};
use super::photo;
use super::upright::StoredImage;
use crate::photos::Address;
use crate::tables::{Frame, Unusable};

/// What a median depth reading can be, metres: outside, the scale is wrong.
const PLAUSIBLE_M: std::ops::Range<f64> = 0.05..500.0;

/// The endings of files that hold depth elsewhere and are not read here.
const NOT_READ: &[&str] =
    &["exr", "tif", "tiff", "npz", "pfm", "pgm", "jpg", "jpeg", "raw", "bin", "dpt", "h5", "mat", "webp", "pt"];

/// Why a depth image is left out that a sensor saved without having measured anything: too near, or covered.
pub const NO_DEPTH: &str = "no_depth";

/// What the numbers of a depth file are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DepthUnits {
    /// Depth, so many units in a metre; where it is none, PNG has millimetres and NumPy metres.
    InMetre(Option<f64>),
    /// The disparity of a pair of cameras, as Cityscapes has it: 16-bit PNG, 256ths of a pixel plus one, 0 where nothing was matched. Of the pair,
    /// the baseline times the focal length, metres times pixels.
    Disparity(f64),
}

/// What is known of an image's depth file.
#[derive(Debug, Clone, PartialEq)]
pub struct DepthFile {
    pub units: DepthUnits,
    /// Lower-case hexadecimal.
    pub sha256: String,
    /// What sets it upright, as its image is.
    pub turn: Turn,
}

impl DepthFile {
    /// Judges the depth of an image: it shows the same view, at whatever size, and lies between 5 cm and 500 m. Codes: `depth`;
    /// [`NO_DEPTH`] where nothing is wrong with it and it has no reading at all.
    pub fn judged(bytes: &[u8], units: DepthUnits, image: StoredImage) -> Result<Self, Unusable> {
        let units = match units {
            DepthUnits::InMetre(None) => DepthUnits::InMetre(Some(default_scale(bytes))),
            units => units,
        };
        let depth = decode(bytes, units)?;
        let (width, height) = (depth.width(), depth.height());
        let turn = image.turn_of_shape((f64::from(width), f64::from(height))).ok_or_else(|| {
            let StoredImage { width: w, height: h, .. } = image;
            refused(format!("depth of {width}x{height} cannot show the view of a colour image of {w}x{h}"))
        })?;
        let cells = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let mut readings: Vec<f64> = cells.filter_map(|(x, y)| depth.reading(x, y)).collect();
        if readings.is_empty() {
            return Err(Unusable::new(NO_DEPTH, "the depth image has no reading at all"));
        }
        let middle = readings.len() / 2;
        let (_, median, _) = readings.select_nth_unstable_by(middle, f64::total_cmp);
        if !PLAUSIBLE_M.contains(median) {
            let advice = match units {
                DepthUnits::InMetre(scale) => {
                    format!("is `depth_scale` ({} units in a metre) right?", scale.unwrap_or_default())
                }
                DepthUnits::Disparity(product) => {
                    format!("is it disparity, and {product} m px its cameras' baseline times focal length?")
                }
            };
            return Err(refused(format!("its median reading is {median} m; {advice}")));
        }
        Ok(Self { units, sha256: photo::sha256(bytes), turn })
    }

    /// Enters it into a frame, by the URL of the file.
    pub fn enter(self, uri: String, frame: &mut Frame) {
        let (scale, disparity) = match self.units {
            DepthUnits::InMetre(scale) => (scale, None),
            DepthUnits::Disparity(product) => (None, Some(product)),
        };
        let address = Address { orientation: self.turn.exif(), disparity, ..Address::file(uri) };
        frame.depth_uri = Some(address.to_string());
        frame.depth_sha256 = Some(self.sha256);
        frame.depth_scale = scale;
    }
}

/// Why a file that lies where depth should, under another ending, is not read; none where it has nothing to do with depth. Code: `depth`.
pub fn not_read(file: &str) -> Option<Unusable> {
    let (_, ending) = file.rsplit_once('.')?;
    let known = NOT_READ.iter().any(|known| known.eq_ignore_ascii_case(ending));
    known.then(|| {
        refused(format!(
            "depth as .{} is not read; save it as 16-bit greyscale PNG or as NumPy's .npy",
            ending.to_ascii_lowercase()
        ))
    })
}

/// Reads a depth file. Code: `depth`.
pub fn decode(bytes: &[u8], units: DepthUnits) -> Result<DepthImage, Unusable> {
    let scale = match units {
        DepthUnits::InMetre(scale) => scale.unwrap_or_else(|| default_scale(bytes)),
        DepthUnits::Disparity(product) => {
            let (width, height, metres) = png(bytes, |stored| disparity_depth(stored, product))?;
            return DepthImage::new(width, height, metres).map_err(|e| refused(e.to_string()));
        }
    };
    let (width, height, metres) =
        if is_numpy(bytes) { numpy(bytes, scale)? } else { png(bytes, |units| f64::from(units) / scale)? };
    DepthImage::new(width, height, metres).map_err(|e| refused(e.to_string()))
}

/// Metres along the optical axis; 0, which is no reading, also where the error of a quarter of a pixel, which matching makes, is a twentieth
/// of the depth: with Cityscapes' cameras from 95 m on.
fn disparity_depth(stored: u16, product: f64) -> f64 {
    let pixels = (f64::from(stored) - 1.0) / 256.0;
    if pixels > 0.25 / 0.05 { product / pixels } else { 0.0 }
}

/// Stored units in a metre, where nobody says.
pub fn default_scale(bytes: &[u8]) -> f64 {
    if is_numpy(bytes) { 1.0 } else { 1000.0 }
}

fn is_numpy(bytes: &[u8]) -> bool {
    bytes.starts_with(npy::MAGIC)
}

fn refused(message: impl Into<String>) -> Unusable {
    Unusable::new("depth", message)
}

fn png(bytes: &[u8], depth: impl Fn(u16) -> f64) -> Result<(u32, u32, Vec<f32>), Unusable> {
    match photo::decode_png(bytes).map_err(|e| refused(format!("not a readable PNG, and no NumPy array: {e}")))? {
        DynamicImage::ImageLuma16(image) => {
            let metres = image.as_raw().iter().map(|units| depth(*units) as f32).collect();
            Ok((image.width(), image.height(), metres))
        }
        other => Err(refused(format!("the PNG has {:?} pixels; depth takes 16-bit greyscale", other.color()))),
    }
}

fn numpy(bytes: &[u8], scale: f64) -> Result<(u32, u32, Vec<f32>), Unusable> {
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
    let whole = |number: i64| metres(number as f64);
    let metres: Vec<f32> = match numbers {
        "<f4" => data.as_chunks().0.iter().map(|reading| metres(f32::from_le_bytes(*reading).into())).collect(),
        "<f8" => data.as_chunks().0.iter().map(|reading| metres(f64::from_le_bytes(*reading))).collect(),
        "<u2" => data.as_chunks().0.iter().map(|reading| metres(u16::from_le_bytes(*reading).into())).collect(),
        "<i2" => data.as_chunks().0.iter().map(|reading| whole(i16::from_le_bytes(*reading).into())).collect(),
        "<i4" => data.as_chunks().0.iter().map(|reading| whole(i32::from_le_bytes(*reading).into())).collect(),
        "<u4" => data.as_chunks().0.iter().map(|reading| whole(u32::from_le_bytes(*reading).into())).collect(),
        "<i8" => data.as_chunks().0.iter().map(|reading| whole(i64::from_le_bytes(*reading))).collect(),
        other => {
            return Err(refused(format!(
                "the array has `{other}` numbers; depth takes <f4, <f8, <u2, <u4, <i2, <i4 or <i8 (numpy's astype)"
            )));
        }
    };
    Ok((width, height, metres))
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::ImageFormat;
    use std::io::Cursor;

    fn saved(numbers: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{numbers}', 'fortran_order': False, 'shape': {shape}, }}");
        let length = (header.len() as u16).to_le_bytes();
        [npy::MAGIC, &[1, 0], &length, header.as_bytes(), data].concat()
    }

    #[test]
    fn units_become_metres() {
        let depth = decode(
            &saved("<f4", "(1, 2)", &[1.5f32.to_le_bytes(), f32::NAN.to_le_bytes()].concat()),
            DepthUnits::InMetre(None),
        )
        .unwrap();
        assert_eq!((depth.width(), depth.height()), (2, 1));
        assert_eq!((depth.reading(0, 0), depth.reading(1, 0)), (Some(1.5), None));
        let depth = decode(&saved("<u2", "(2, 1, 1)", &[0xdc, 5, 0, 0]), DepthUnits::InMetre(Some(1000.0))).unwrap();
        assert_eq!((depth.reading(0, 0), depth.reading(0, 1)), (Some(1.5), None));

        let millimetres = saved("<i8", "(1, 1)", &1500i64.to_le_bytes());
        assert_eq!(decode(&millimetres, DepthUnits::InMetre(Some(1000.0))).unwrap().reading(0, 0), Some(1.5));

        let mut png = Vec::new();
        let image = image::ImageBuffer::<image::Luma<u16>, _>::from_raw(1, 2, vec![8000u16, 0]).unwrap();
        image.write_to(&mut Cursor::new(&mut png), ImageFormat::Png).unwrap();
        assert_eq!(decode(&png, DepthUnits::InMetre(None)).unwrap().reading(0, 0), Some(8.0));
        assert_eq!(decode(&png, DepthUnits::InMetre(Some(4000.0))).unwrap().reading(0, 0), Some(2.0));
    }

    /// The values of Cityscapes' calibration sample.
    #[test]
    fn disparity_becomes_depth() {
        let product = 0.209313 * 2262.52;
        let stored: Vec<u16> = vec![0, 1, 1281, 2561, 5121, 12801, 32769, 3772];
        let mut png = Vec::new();
        let image = image::ImageBuffer::<image::Luma<u16>, _>::from_raw(8, 1, stored).unwrap();
        image.write_to(&mut Cursor::new(&mut png), ImageFormat::Png).unwrap();
        let depth = decode(&png, DepthUnits::Disparity(product)).unwrap();
        let readings: Vec<f64> = (0..8).map(|x| depth.reading(x, 0).unwrap_or_default()).collect();
        // A disparity of 5 px is 94.7 m, too far to tell.
        for (found, expected) in readings.iter().zip([0.0, 0.0, 0.0, 47.358, 23.679, 9.4715, 3.6998, 32.149]) {
            assert!((found - expected).abs() < 2e-3, "{readings:?}");
        }
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
            &saved("<c8", "(1, 2)", &[0; 16]),
            &saved("<f4", "(0, 2)", &[]),
        ] {
            assert_eq!(decode(bytes, DepthUnits::InMetre(None)).unwrap_err().code, "depth");
        }
    }
}
