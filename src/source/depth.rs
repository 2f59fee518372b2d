//! Depth files: 16-bit greyscale PNG in some unit, or NumPy arrays, as metres.
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

/// What is known of an image's depth file.
#[derive(Debug, Clone, PartialEq)]
pub struct DepthFile {
    /// Stored units in a metre.
    pub scale: f64,
    /// Lower-case hexadecimal.
    pub sha256: String,
    /// What sets it upright, as its image is.
    pub turn: Turn,
}

impl DepthFile {
    /// Judges the depth of an image: it shows the same view, at whatever size, and lies between 5 cm and 500 m. Codes: `depth`;
    /// [`NO_DEPTH`] where nothing is wrong with it and it has no reading at all.
    pub fn judged(bytes: &[u8], units_per_metre: Option<f64>, image: StoredImage) -> Result<Self, Unusable> {
        let scale = units_per_metre.unwrap_or_else(|| default_scale(bytes));
        let depth = decode(bytes, Some(scale))?;
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
            return Err(refused(format!(
                "its median reading is {median} m; is `depth_scale` ({scale} units in a metre) right?"
            )));
        }
        Ok(Self { scale, sha256: photo::sha256(bytes), turn })
    }

    /// Enters it into a frame, by the URL of the file.
    pub fn enter(self, uri: String, frame: &mut Frame) {
        frame.depth_uri = Some(Address { orientation: self.turn.exif(), ..Address::file(uri) }.to_string());
        frame.depth_sha256 = Some(self.sha256);
        frame.depth_scale = Some(self.scale);
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

/// Reads a depth file. `units_per_metre` is 1000 for millimetres; where it is none, PNG is taken as millimetres and NumPy as
/// metres. Code: `depth`.
pub fn decode(bytes: &[u8], units_per_metre: Option<f64>) -> Result<DepthImage, Unusable> {
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

fn refused(message: impl Into<String>) -> Unusable {
    Unusable::new("depth", message)
}

fn png(bytes: &[u8], scale: f64) -> Result<(u32, u32, Vec<f32>), Unusable> {
    match photo::decode_png(bytes).map_err(|e| refused(format!("not a readable PNG, and no NumPy array: {e}")))? {
        DynamicImage::ImageLuma16(image) => {
            let metres = image.as_raw().iter().map(|units| (f64::from(*units) / scale) as f32).collect();
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
        let depth =
            decode(&saved("<f4", "(1, 2)", &[1.5f32.to_le_bytes(), f32::NAN.to_le_bytes()].concat()), None).unwrap();
        assert_eq!((depth.width(), depth.height()), (2, 1));
        assert_eq!((depth.reading(0, 0), depth.reading(1, 0)), (Some(1.5), None));
        let depth = decode(&saved("<u2", "(2, 1, 1)", &[0xdc, 5, 0, 0]), Some(1000.0)).unwrap();
        assert_eq!((depth.reading(0, 0), depth.reading(0, 1)), (Some(1.5), None));

        let millimetres = saved("<i8", "(1, 1)", &1500i64.to_le_bytes());
        assert_eq!(decode(&millimetres, Some(1000.0)).unwrap().reading(0, 0), Some(1.5));

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
            &saved("<c8", "(1, 2)", &[0; 16]),
            &saved("<f4", "(0, 2)", &[]),
        ] {
            assert_eq!(decode(bytes, None).unwrap_err().code, "depth");
        }
    }
}
