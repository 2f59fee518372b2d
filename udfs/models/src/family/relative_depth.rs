//! Relative depth networks (MiDaS, TCMonoDepth): inverse depth up to scale and shift, made metres by the scale and shift of models.toml.

use serde::Deserialize;
use spatialmill_geometry::Intrinsics;

use super::image_size::image_size;
use super::readings::{Readings, percentile_of_all};
use super::stretch::{Resize, Stretch};
use super::{
    Adapter, DepthMap, EstimateDepth, Family, InvalidModel, NetworkRoles, Parameters, Signature, Task, output,
};
use crate::normalise::{Channels, Normalise};
use crate::{Inputs, InvalidOutput, Outputs, Rgb, Size};

pub(super) const FAMILY: Family = Family {
    name: "relative_depth",
    task: Task::Depth,
    doc: "Inverse depth up to scale and shift (MiDaS, TCMonoDepth), made APPROXIMATE metres by two that are stated",
    long_doc: "\
Networks: `main`.
Inputs:   `image` [n, 3, H, W]: red, green, blue; the picture is stretched to it, whatever its proportions.
Outputs:  `inverse_depth` [n, h, w] or [n, 1, h, w]: larger is nearer; 1 / depth but for a scale and a shift that nobody knows.

The metres are APPROXIMATE: the 99th percentile of a picture's inverse depth is taken to be `near_m` away and the 1st `far_m`, and what
lies between goes by inverse depth; nearer and farther is held there. Which of two things is nearer is as good as the network;
distances and sizes are as good as the guess, and the same for every picture. Use it for order, not for metres.

Parameters:
  near_m, far_m   must be stated
  min_readings = 0.5        a map with a smaller share of readings is invalid
  resize       = \"linear\"   or \"antialiased\" (Pillow's), \"antialiased_float\" (torch's), \"cubic\" (OpenCV's, as MiDaS)
  channels     = \"rgb\"      or \"bgr\"
  scale        = 1.0        what white is, before `mean` and `std`; TCMonoDepth's exports take 255.0
  mean, std    = 0s, 1s     MiDaS: ImageNet's, [0.485, 0.456, 0.406] and [0.229, 0.224, 0.225]
  size         = [H, W]     only for networks that take any size

From: github.com/isl-org/MiDaS (arXiv 1907.01341), github.com/yu-li/TCMonoDepth (arXiv 2108.02998).",
    networks: &[NetworkRoles { name: "main", inputs: &["image"], outputs: &["inverse_depth"], optional: &[] }],
    open,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    near_m: Option<f64>,
    far_m: Option<f64>,
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
            near_m: None,
            far_m: None,
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

struct RelativeDepth {
    stretch: Stretch,
    near_m: f64,
    far_m: f64,
    readings: Readings,
}

fn open(parameters: &Parameters, signatures: &[Signature]) -> Result<Adapter, InvalidModel> {
    let settings: Settings = parameters.parse()?;
    let signature = signatures.first().cloned().unwrap_or_default();
    let (Some(near_m), Some(far_m)) = (settings.near_m, settings.far_m) else {
        return Err(InvalidModel(
            "relative depth has no metres of its own: state `near_m` and `far_m`, what the nearest and the farthest of a picture \
             should be"
                .to_owned(),
        ));
    };
    if !(near_m > 0.0 && near_m < far_m && far_m.is_finite()) {
        return Err(InvalidModel(format!(
            "`near_m` and `far_m` must be metres above 0 in rising order, not {near_m} and {far_m}"
        )));
    }
    let stretch = Stretch {
        size: image_size(&signature, "image", settings.size)?,
        resize: settings.resize,
        normalise: Normalise::new(settings.channels, settings.scale, settings.mean, settings.std)?,
    };
    let readings =
        Readings { min_depth_m: 0.0, max_depth_m: f32::MAX, despike: None, min_readings: settings.min_readings };
    readings.check()?;
    Ok(Adapter::Depth(Box::new(RelativeDepth { stretch, near_m, far_m, readings })))
}

impl EstimateDepth for RelativeDepth {
    fn prepare(&self, picture: &Rgb, _camera: &Intrinsics) -> Inputs {
        vec![("image", self.stretch.tensor(picture))]
    }

    fn decode(&self, outputs: &Outputs, _picture: Size, _camera: &Intrinsics) -> Result<DepthMap, InvalidOutput> {
        let (size, inverse) = output::map(outputs, "inverse_depth")?;
        let (Some(low), Some(high)) = (percentile_of_all(inverse, 0.01), percentile_of_all(inverse, 0.99)) else {
            return Err(InvalidOutput::new("shape", "`inverse_depth` is empty"));
        };
        let (low, high) = (f64::from(low), f64::from(high));
        if low >= high {
            return Err(InvalidOutput::new(
                "depth_range",
                format!("everything is equally far away: inverse depth {low}"),
            ));
        }
        let (inverse_far, inverse_near) = (1.0 / self.far_m, 1.0 / self.near_m);
        let metres = |inverse: &f32| {
            let part = ((f64::from(*inverse) - low) / (high - low)).clamp(0.0, 1.0);
            (1.0 / (inverse_far + part * (inverse_near - inverse_far))) as f32
        };
        self.readings.keep(size, inverse.iter().map(metres).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;
    use crate::family::sampling::{CAMERA, codes, depth, signature};

    fn decode(inverse: &[f32]) -> Result<DepthMap, InvalidOutput> {
        let outputs =
            Outputs::new([("inverse_depth".to_owned(), Tensor::new([1, 1, inverse.len()], inverse.to_vec()))]);
        let family = depth(&FAMILY, "near_m = 1.0\nfar_m = 4.0", &[signature(&[("image", &[1, 3, 2, 2])], &[])]);
        family.decode(&outputs, Size { width: 8, height: 8 }, &CAMERA)
    }

    #[test]
    fn goes_by_inverse_depth_between_the_two() {
        // From -10 (4 m) to 20 (1 m); in the middle, (¼ + 1) / 2 of a metre's inverse. The lower percentile of five is the first, the
        // upper the fourth.
        let metres = decode(&[-10.0, 5.0, 20.0, 20.0, 20.0]).unwrap().metres;
        assert_eq!(metres, [4.0, 1.6, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn what_lies_beyond_the_percentiles_is_held() {
        let mut inverse: Vec<f32> = (0..1000).map(|at| at as f32).collect();
        (inverse[0], inverse[999]) = (-1e6, 1e6);
        let metres = decode(&inverse).unwrap().metres;
        assert_eq!((metres[0], metres[5], metres[999], metres[500] > 1.5 && metres[500] < 1.7), (4.0, 4.0, 1.0, true));
    }

    #[test]
    fn nothing_is_assumed_about_metres() {
        let open = |parameters: &str| {
            let parameters = Parameters(format!("size = [2, 2]\n{parameters}").parse().unwrap());
            (FAMILY.open)(&parameters, &[Signature::default()])
        };
        assert!(open("near_m = 1.0\nfar_m = 5").is_ok());
        for parameters in
            ["", "near_m = 1.0", "near_m = 5.0\nfar_m = 1.0", "near_m = 0.0\nfar_m = 1.0", "near_m = 1.0\nfar_m = inf"]
        {
            assert!(open(parameters).is_err(), "{parameters}");
        }
    }

    #[test]
    fn invalid_outputs() {
        assert_eq!(codes([decode(&[1.0, f32::NAN]), decode(&[f32::INFINITY, 1.0])]), ["not_finite"; 2]);
        assert_eq!(codes([decode(&[3.0; 9])]), ["depth_range"]);
        assert_eq!(codes([decode(&[])]), ["shape"]);
    }
}
