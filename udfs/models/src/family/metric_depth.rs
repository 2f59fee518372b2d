//! Metric depth networks, such as FastDepth: their output is in metres.

use serde::Deserialize;
use spatialmill_geometry::Intrinsics;

use super::image_size::image_size;
use super::readings::Readings;
use super::stretch::{Resize, Stretch};
use super::{
    Adapter, DepthMap, EstimateDepth, Family, InvalidModel, NetworkRoles, Parameters, Signature, Task, output,
};
use crate::normalise::{Channels, Normalise};
use crate::{Inputs, InvalidOutput, Outputs, Rgb, Size};

pub(super) const FAMILY: Family = Family {
    name: "metric_depth",
    task: Task::Depth,
    doc: "Depth networks that give metres for a picture stretched to their size, as FastDepth does",
    long_doc: "\
Networks: `main`.
Inputs:   `image` [n, 3, H, W]: red, green, blue; the picture is stretched to it, whatever its proportions.
Outputs:  `depth` [n, 1, h, w] or [n, h, w]: metres along the viewing direction. The camera does not matter.

Parameters:
  min_depth_m  = 0.1        nearer depths are no reading
  max_depth_m  = 100.0      farther depths are no reading
  despike      = none       depths beyond this many times the 99th percentile are no reading. In one photo of ten FastDepth has
                            some 20 pixels in the upper corners that say up to 47 m where all others are within 6 m: 1.5 drops them
  min_readings = 0.5        a map with a smaller share of readings is invalid
  resize       = \"linear\"   or \"antialiased\" (Pillow's), \"antialiased_float\" (torch's), \"cubic\" (OpenCV's)
  channels     = \"rgb\"      or \"bgr\"
  scale        = 1.0        what white is, before:
  mean, std    = 0s, 1s     taken off, and divided by, for each channel
  size         = [H, W]     only for networks that take any size

From: github.com/dwofk/fast-depth (arXiv 1903.03273), whose weights know indoor scenes only.",
    networks: &[NetworkRoles { name: "main", inputs: &["image"], outputs: &["depth"], optional: &[] }],
    open,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    min_depth_m: f32,
    max_depth_m: f32,
    despike: Option<f32>,
    min_readings: f32,
    resize: Resize,
    channels: Channels,
    scale: f32,
    mean: [f32; 3],
    std: [f32; 3],
    size: Option<[u32; 2]>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            min_depth_m: 0.1,
            max_depth_m: 100.0,
            despike: None,
            min_readings: 0.5,
            resize: Resize::Linear,
            channels: Channels::Rgb,
            scale: 1.0,
            mean: [0.0; 3],
            std: [1.0; 3],
            size: None,
        }
    }
}

struct MetricDepth {
    stretch: Stretch,
    readings: Readings,
}

fn open(parameters: &Parameters, signatures: &[Signature]) -> Result<Adapter, InvalidModel> {
    let settings: Settings = parameters.parse()?;
    let signature = signatures.first().cloned().unwrap_or_default();
    let stretch = Stretch {
        size: image_size(&signature, "image", settings.size)?,
        resize: settings.resize,
        normalise: Normalise::new(settings.channels, settings.scale, settings.mean, settings.std)?,
    };
    let Settings { min_depth_m, max_depth_m, despike, min_readings, .. } = settings;
    let readings = Readings { min_depth_m, max_depth_m, despike, min_readings };
    readings.check()?;
    Ok(Adapter::Depth(Box::new(MetricDepth { stretch, readings })))
}

impl EstimateDepth for MetricDepth {
    fn prepare(&self, picture: &Rgb, _camera: &Intrinsics) -> Inputs {
        vec![("image", self.stretch.tensor(picture))]
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

    fn decode(parameters: &str, shape: &[usize], metres: Vec<f32>) -> Result<DepthMap, InvalidOutput> {
        let outputs = Outputs::new([("depth".to_owned(), Tensor::new(shape, metres))]);
        let family = depth(&FAMILY, parameters, &[signature(&[("image", &[1, 3, 4, 4])], &[])]);
        family.decode(&outputs, Size { width: 8, height: 8 }, &CAMERA)
    }

    #[test]
    fn stretches_to_zero_and_one() {
        let picture = Rgb::new(1, 2, vec![255, 0, 51, 255, 0, 51]).unwrap();
        let family = depth(&FAMILY, "size = [2, 2]", &[Signature::default()]);
        let inputs = family.prepare(&picture, &CAMERA);
        let expected = [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.2, 0.2, 0.2, 0.2];
        assert!(inputs[0].1.data().iter().zip(expected).all(|(own, other)| (own - other).abs() < 1e-6));
    }

    #[test]
    fn gives_metres_at_the_networks_resolution() {
        for shape in [&[1, 1, 2, 2][..], &[1, 2, 2]] {
            let map = decode("max_depth_m = 5.0", shape, vec![1.0, 2.0, 3.0, 6.0]).unwrap();
            assert_eq!((map.size, map.metres), (Size { width: 2, height: 2 }, vec![1.0, 2.0, 3.0, 0.0]));
        }
    }

    #[test]
    fn invalid_outputs() {
        let square = |metres: [f32; 4]| decode("", &[1, 2, 2], metres.to_vec());
        assert_eq!(
            codes([square([1.0, f32::NAN, 1.0, 1.0]), square([f32::INFINITY; 4])]),
            ["not_finite", "not_finite"]
        );
        assert_eq!(codes([square([0.0, -1.0, 1e6, 2.0]), square([-2.0; 4])]), ["depth_range", "depth_range"]);
        let shapes: [&[usize]; 5] = [&[4], &[2, 2], &[2, 1, 2], &[1, 2, 2, 1], &[1, 1, 1, 2, 2]];
        assert_eq!(codes(shapes.map(|shape| decode("", shape, vec![1.0; 4]))), ["shape"; 5]);
        assert_eq!(codes([decode("", &[1, 0, 7], Vec::new())]), ["shape"]);
    }

    #[test]
    fn refuses_ranges_that_are_none() {
        for parameters in
            ["min_depth_m = 3.0\nmax_depth_m = 2.0", "despike = 0.5", "min_readings = 2.0", "std = [0.0, 1.0, 1.0]"]
        {
            let parameters = Parameters(format!("size = [4, 4]\n{parameters}").parse().unwrap());
            assert!((FAMILY.open)(&parameters, &[Signature::default()]).is_err());
        }
    }
}
