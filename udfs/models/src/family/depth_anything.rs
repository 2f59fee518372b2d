//! Depth Anything V2 in its metric versions: metres for a picture that keeps its proportions.

use serde::Deserialize;
use spatialmill_geometry::Intrinsics;

use super::image_size::{Sides, sides};
use super::readings::Readings;
use super::stretch::Resize;
use super::{
    Adapter, DepthMap, EstimateDepth, Family, InvalidModel, NetworkRoles, Parameters, Signature, Task, output,
};
use crate::normalise::{Canvas, Channels, IMAGENET_MEAN, IMAGENET_STD, Normalise};
use crate::{Inputs, InvalidOutput, Outputs, Rgb, Size};

pub(super) const FAMILY: Family = Family {
    name: "depth_anything",
    task: Task::Depth,
    doc: "Depth Anything V2, metric: metres for a picture that keeps its proportions",
    long_doc: "\
Networks: `main`.
Inputs:   `image` [n, 3, H, W]: red, green, blue, normalised by ImageNet's mean and deviation, resized in floats with OpenCV's
          INTER_CUBIC. Where H and W are free, the shorter side becomes `size` and both are rounded to multiples of 14; a side that
          the network fixes is taken, and the picture stretched to it.
Outputs:  `depth` [n, h, w] or [n, 1, h, w]: metres along the viewing direction.

Parameters:
  size         = 518      the shorter side at the least, for networks that take any size; a multiple of 14
  max_side     = 2058     a longer side is cut down to this multiple of 14, which then stretches very long pictures
  min_depth_m  = 0.1      nearer depths are no reading
  max_depth_m  = 80.0     farther depths are no reading; the indoor weights know 20 m, the outdoor ones 80 m
  despike      = none     depths beyond this many times the 99th percentile are no reading
  min_readings = 0.5      a map with a smaller share of readings is invalid

From: github.com/DepthAnything/Depth-Anything-V2, metric_depth/depth_anything_v2/dpt.py and util/transform.py (arXiv 2406.09414). The
relative versions give inverse depth: family `relative_depth`.",
    networks: &[NetworkRoles { name: "main", inputs: &["image"], outputs: &["depth"], optional: &[] }],
    open,
};

/// The side of the transformer's patches.
const PATCH: u32 = 14;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    size: u32,
    max_side: u32,
    min_depth_m: f32,
    max_depth_m: f32,
    despike: Option<f32>,
    min_readings: f32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { size: 518, max_side: 2058, min_depth_m: 0.1, max_depth_m: 80.0, despike: None, min_readings: 0.5 }
    }
}

struct DepthAnything {
    shorter: u32,
    longest: u32,
    fixed: Sides,
    normalise: Normalise,
    readings: Readings,
}

fn open(parameters: &Parameters, signatures: &[Signature]) -> Result<Adapter, InvalidModel> {
    let settings: Settings = parameters.parse()?;
    let signature = signatures.first().cloned().unwrap_or_default();
    let patches = |side: u32| side > 0 && side.is_multiple_of(PATCH);
    if !patches(settings.size) || !patches(settings.max_side) || settings.max_side < settings.size {
        return Err(InvalidModel(format!(
            "`size` and `max_side` must be multiples of {PATCH} in rising order, not {} and {}",
            settings.size, settings.max_side
        )));
    }
    let Settings { min_depth_m, max_depth_m, despike, min_readings, .. } = settings;
    let readings = Readings { min_depth_m, max_depth_m, despike, min_readings };
    readings.check()?;
    Ok(Adapter::Depth(Box::new(DepthAnything {
        shorter: settings.size,
        longest: settings.max_side,
        fixed: sides(&signature, "image")?,
        normalise: Normalise::new(Channels::Rgb, 1.0, IMAGENET_MEAN, IMAGENET_STD)?,
        readings,
    })))
}

impl DepthAnything {
    /// Both sides by the scale that brings the shorter to `size`, each to the nearest multiple of 14.
    fn fitted(&self, picture: Size) -> Size {
        let scale = f64::from(self.shorter) / f64::from(picture.width.min(picture.height));
        let side = |side: u32, fixed: Option<u32>| {
            let patches = (f64::from(side) * scale / f64::from(PATCH)).round_ties_even();
            // Casts of huge floats end at the largest integer, which the longest side then cuts down.
            fixed.unwrap_or((patches as u32).saturating_mul(PATCH).clamp(self.shorter, self.longest))
        };
        Size { width: side(picture.width, self.fixed.width), height: side(picture.height, self.fixed.height) }
    }
}

impl EstimateDepth for DepthAnything {
    fn prepare(&self, picture: &Rgb, _camera: &Intrinsics) -> Inputs {
        let size = self.fitted(picture.size());
        vec![("image", Resize::Cubic.tensor(picture, size, &self.normalise, &Canvas::of(size)))]
    }

    fn decode(&self, outputs: &Outputs, _picture: Size, _camera: &Intrinsics) -> Result<DepthMap, InvalidOutput> {
        let (size, metres) = output::map(outputs, "depth")?;
        self.readings.keep(size, metres.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;
    use crate::family::sampling::{CAMERA, codes, depth, signature};

    fn sides_of(parameters: &str, image: &[usize], picture: (u32, u32)) -> Vec<usize> {
        let family = depth(&FAMILY, parameters, &[signature(&[("image", image)], &[])]);
        let (width, height) = picture;
        let picture = Rgb::new(width, height, vec![9; 3 * width as usize * height as usize]).unwrap();
        family.prepare(&picture, &CAMERA)[0].1.shape()[2..].to_vec()
    }

    #[test]
    fn keeps_proportions_to_a_patch() {
        // 640 · 518 / 480 = 690.7, which is 49.3 patches.
        assert_eq!(sides_of("", &[0, 3, 0, 0], (640, 480)), [518, 686]);
        assert_eq!(sides_of("", &[0, 3, 0, 0], (480, 640)), [686, 518]);
        assert_eq!(sides_of("size = 28", &[0, 3, 0, 0], (2, 2)), [28, 28]);
        assert_eq!(sides_of("size = 14\nmax_side = 42", &[0, 3, 0, 0], (500, 2)), [14, 42]);
        assert_eq!(sides_of("", &[0, 3, 28, 42], (640, 480)), [28, 42]);
    }

    #[test]
    fn refuses_sides_without_whole_patches() {
        for parameters in ["size = 500", "size = 0", "max_side = 28", "size = [518, 518]"] {
            assert!((FAMILY.open)(&Parameters(parameters.parse().unwrap()), &[Signature::default()]).is_err());
        }
    }

    #[test]
    fn invalid_outputs() {
        let decode = |shape: &[usize], metres: &[f32]| {
            let outputs = Outputs::new([("depth".to_owned(), Tensor::new(shape, metres.to_vec()))]);
            depth(&FAMILY, "", &[Signature::default()]).decode(&outputs, Size { width: 4, height: 4 }, &CAMERA)
        };
        assert_eq!(decode(&[1, 1, 2], &[1.0, 81.0]).unwrap().metres, [1.0, 0.0]);
        assert_eq!(codes([decode(&[1, 1, 2], &[f32::NAN, 1.0])]), ["not_finite"]);
        assert_eq!(codes([decode(&[1, 1, 3], &[0.0, -1.0, 1.0])]), ["depth_range"]);
        assert_eq!(codes([decode(&[2, 1, 1], &[1.0, 1.0])]), ["shape"]);
    }
}
