//! Metric3D v2: depth in the canonical camera (focal length of 1000 pixels), scaled to metres by the picture's own focal length.

use serde::Deserialize;
use spatialmill_geometry::Intrinsics;

use super::image_size::image_size;
use super::readings::Readings;
use super::stretch::Resize;
use super::{
    Adapter, DepthMap, EstimateDepth, Family, InvalidModel, NetworkRoles, Parameters, Signature, Task, output,
};
use crate::normalise::{Canvas, Channels, Normalise};
use crate::{Inputs, InvalidOutput, Outputs, Rgb, Size};

pub(super) const FAMILY: Family = Family {
    name: "metric3d",
    task: Task::Depth,
    doc: "Metric3D and Metric3D v2: metres from the camera's focal length",
    long_doc: "\
Networks: `main`.
Inputs:   `image` [n, 3, H, W], 616 x 1064 for v2's transformers: red, green, blue, 0-255, normalised. The picture keeps its
          proportions (OpenCV's INTER_LINEAR), lies in the middle, and the mean colour, rounded to bytes, is around it.
Outputs:  `depth` [n, 1, H, W] or [n, H, W]: metres for a camera with a focal length of `canonical_focal` pixels.

What is around the picture is cut off, and depth is multiplied by the focal length of the resized picture over the canonical one: fx is
the picture's, times the scale by which it was resized.

Parameters:
  mean, std       = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]   of 0-255. The export in Metric3D's own onnx/ folder
                              normalises by itself: [0.0, 0.0, 0.0] and [1.0, 1.0, 1.0]
  canonical_focal = 1000.0    pixels
  min_depth_m     = 0.1       nearer depths are no reading
  max_depth_m     = 300.0     farther depths count as this, as upstream clamps
  min_readings    = 0.5       a map with a smaller share of readings is invalid
  size            = [H, W]    only for networks that take any size

From: github.com/YvanYin/Metric3D, hubconf.py (arXiv 2404.15506), as SpatialRGPT uses it.",
    networks: &[NetworkRoles { name: "main", inputs: &["image"], outputs: &["depth"], optional: &[] }],
    open,
};

/// The mean colour that upstream pads with, as OpenCV rounds it to bytes.
const PADDING: [u8; 3] = [124, 116, 104];

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    mean: [f32; 3],
    std: [f32; 3],
    canonical_focal: f64,
    min_depth_m: f32,
    max_depth_m: f32,
    min_readings: f32,
    size: Option<[u32; 2]>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mean: [123.675, 116.28, 103.53],
            std: [58.395, 57.12, 57.375],
            canonical_focal: 1000.0,
            min_depth_m: 0.1,
            max_depth_m: 300.0,
            min_readings: 0.5,
            size: None,
        }
    }
}

struct Metric3d {
    size: Size,
    normalise: Normalise,
    canonical_focal: f64,
    readings: Readings,
}

fn open(parameters: &Parameters, signatures: &[Signature]) -> Result<Adapter, InvalidModel> {
    let settings: Settings = parameters.parse()?;
    let signature = signatures.first().cloned().unwrap_or_default();
    let Settings { canonical_focal, min_depth_m, max_depth_m, min_readings, .. } = settings;
    if !(canonical_focal.is_finite() && canonical_focal > 0.0) {
        return Err(InvalidModel(format!("`canonical_focal` must be pixels above 0, not {canonical_focal}")));
    }
    let readings = Readings { min_depth_m, max_depth_m, despike: None, min_readings };
    readings.check()?;
    Ok(Adapter::Depth(Box::new(Metric3d {
        size: image_size(&signature, "image", settings.size)?,
        normalise: Normalise::new(Channels::Rgb, 255.0, settings.mean, settings.std)?,
        canonical_focal,
        readings,
    })))
}

/// Where a picture lies on the network's.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Fitted {
    scale: f64,
    size: Size,
    left: u32,
    top: u32,
}

impl Metric3d {
    fn fitted(&self, picture: Size) -> Fitted {
        let across = f64::from(self.size.width) / f64::from(picture.width);
        let scale = across.min(f64::from(self.size.height) / f64::from(picture.height));
        // Cut down to whole pixels, as upstream does; not to none of a very long picture.
        let side = |side: u32| ((f64::from(side) * scale) as u32).max(1);
        let size = Size { width: side(picture.width), height: side(picture.height) };
        Fitted { scale, size, left: (self.size.width - size.width) / 2, top: (self.size.height - size.height) / 2 }
    }
}

impl EstimateDepth for Metric3d {
    fn prepare(&self, picture: &Rgb, _camera: &Intrinsics) -> Inputs {
        let Fitted { size, left, top, .. } = self.fitted(picture.size());
        let canvas = Canvas { size: self.size, left, top, padding: self.normalise.colour(PADDING) };
        vec![("image", Resize::Linear.tensor(picture, size, &self.normalise, &canvas))]
    }

    fn decode(&self, outputs: &Outputs, picture: Size, camera: &Intrinsics) -> Result<DepthMap, InvalidOutput> {
        let (own, canonical) = output::map(outputs, "depth")?;
        if own != self.size {
            let message = format!(
                "`depth` is {} x {} where the network's picture is {} x {}",
                own.width, own.height, self.size.width, self.size.height
            );
            return Err(InvalidOutput::new("shape", message));
        }
        let fitted = self.fitted(picture);
        let factor = camera.fx * fitted.scale / self.canonical_focal;
        if !(factor.is_finite() && factor > 0.0) {
            return Err(InvalidOutput::new(
                "camera",
                format!("depth cannot be scaled by a focal length of {}", camera.fx),
            ));
        }
        let metres = |canonical: &f32| ((f64::from(*canonical) * factor) as f32).min(self.readings.max_depth_m);
        let rows =
            canonical.chunks_exact(own.width as usize).skip(fitted.top as usize).take(fitted.size.height as usize);
        let seen = rows.flat_map(|row| &row[fitted.left as usize..][..fitted.size.width as usize]);
        self.readings.keep(fitted.size, seen.map(metres).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;
    use crate::family::sampling::{codes, depth, signature};

    const CAMERA: Intrinsics = Intrinsics { fx: 500.0, fy: 400.0, cx: 0.0, cy: 0.0 };
    /// Twice as high as the network's picture and of the same width: halved, it leaves a column on each side.
    const PICTURE: Size = Size { width: 4, height: 4 };

    fn open_with(parameters: &str) -> Box<dyn EstimateDepth> {
        depth(&FAMILY, parameters, &[signature(&[("image", &[1, 3, 2, 4])], &[])])
    }

    fn decode(parameters: &str, shape: &[usize], depth: &[f32]) -> Result<DepthMap, InvalidOutput> {
        let outputs = Outputs::new([("depth".to_owned(), Tensor::new(shape, depth.to_vec()))]);
        open_with(parameters).decode(&outputs, PICTURE, &CAMERA)
    }

    #[test]
    fn lies_in_the_middle_of_the_mean_colour() {
        let picture = Rgb::new(4, 4, vec![0; 48]).unwrap();
        let inputs = open_with("mean = [0.0, 0.0, 0.0]\nstd = [1.0, 1.0, 1.0]").prepare(&picture, &CAMERA);
        assert_eq!(inputs[0].1.data()[..8], [124.0, 0.0, 0.0, 124.0, 124.0, 0.0, 0.0, 124.0]);
        let normalised = open_with("").prepare(&picture, &CAMERA);
        let data = normalised[0].1.data();
        assert!((data[0] - 0.325 / 58.395).abs() < 1e-5 && (data[1] + 123.675 / 58.395).abs() < 1e-5, "{data:?}");
    }

    #[test]
    fn an_official_pictures_size() {
        // KITTI's 1242 x 375 goes to 1064 x 321 with 147 rows above and 148 below.
        let family = depth(&FAMILY, "size = [616, 1064]", &[Signature::default()]);
        let inputs = family.prepare(&Rgb::new(1242, 375, vec![0; 1242 * 375 * 3]).unwrap(), &CAMERA);
        let data = inputs[0].1.data();
        let black = data.iter().position(|value| *value < -1.0).unwrap();
        let last = data[..616 * 1064].iter().rposition(|value| *value < -1.0).unwrap();
        assert_eq!((black, last + 1), (147 * 1064, (147 + 321) * 1064));
    }

    #[test]
    fn cuts_off_the_border_and_scales_by_the_focal_length() {
        // Halved, fx is 250, which is a quarter of 1000.
        let map = decode("", &[1, 1, 2, 4], &[99.0, 4.0, 8.0, 99.0, 99.0, 2.0, 4000.0, 99.0]).unwrap();
        assert_eq!((map.size, map.metres), (Size { width: 2, height: 2 }, vec![1.0, 2.0, 0.5, 300.0]));
    }

    #[test]
    fn invalid_outputs() {
        assert_eq!(codes([decode("", &[1, 2, 4], &[f32::NAN; 8])]), ["not_finite"]);
        assert_eq!(codes([decode("", &[1, 4, 2], &[1.0; 8]), decode("", &[8], &[1.0; 8])]), ["shape"; 2]);
        assert_eq!(codes([decode("", &[1, 2, 4], &[-1.0; 8]), decode("", &[1, 2, 4], &[0.0; 8])]), ["depth_range"; 2]);
        let outputs = Outputs::new([("depth".to_owned(), Tensor::new([1, 2, 4], vec![1.0; 8]))]);
        let blind = Intrinsics { fx: f64::NAN, ..CAMERA };
        assert_eq!(codes([open_with("").decode(&outputs, PICTURE, &blind)]), ["camera"]);
    }
}
