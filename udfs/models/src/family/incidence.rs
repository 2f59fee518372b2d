//! WildCamera: intrinsics from an incidence field, which has a ray for every pixel, by fitting a pinhole camera to the rays.

use serde::Deserialize;
use spatialmill_geometry::Intrinsics;

use super::image_size::image_size;
use super::stretch::{Resize, Stretch};
use super::{Adapter, EstimateIntrinsics, Family, InvalidModel, NetworkRoles, Parameters, Signature, Task, output};
use crate::normalise::{Channels, IMAGENET_MEAN, IMAGENET_STD, Normalise};
use crate::{Inputs, InvalidOutput, Outputs, Rgb, Size, Tensor};

pub(super) const FAMILY: Family = Family {
    name: "incidence",
    task: Task::Intrinsics,
    doc: "Focal lengths and principal point from one picture, as WildCamera",
    long_doc: "\
Networks: `main`.
Inputs:   `image` [n, 3, H, W], WildCamera's 480 x 640: red, green, blue, stretched with each pixel counted (Pillow's BILINEAR),
          normalised by ImageNet's mean and deviation.
Outputs:  one of
          `incidence` [n, 3, h, w]: the unit ray (x right, y down, z forward) that each pixel's centre looks along, or
          `intrinsics` [n, 4]: fx, fy, cx, cy in pixels of `image`.

Rays: x/z is (u - cx) / fx along the columns, which one straight line fits by least squares, and y/z likewise along the rows. Rays
farther from the line than 2.5 times the median are left out and the line laid again, until none changes or 10 times. WildCamera draws
samples instead (RANSAC); this gives the same camera every time.

The answer is in the picture's pixels, with the centre of the top-left pixel at (0, 0).

Parameters:
  origin    = \"corner\"    where `intrinsics` counts cx and cy from: the picture's top-left \"corner\", or the first pixel's \"centre\"
  mean, std = ImageNet's  in parts of white
  resize    = \"antialiased\"  or \"linear\", \"antialiased_float\", \"cubic\"
  size      = [H, W]      only for networks that take any size

InvalidOutput, code `camera`: a field of view outside 5-170 degrees, or a principal point more than half a side outside the picture.

From: github.com/ShngJZ/WildCamera, newcrfs/newcrf_incidencefield.py and tools/tools.py (arXiv 2306.10988).",
    networks: &[NetworkRoles {
        name: "main",
        inputs: &["image"],
        outputs: &["incidence", "intrinsics"],
        optional: &["incidence", "intrinsics"],
    }],
    open,
};

/// The parameter `origin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Origin {
    #[default]
    Corner,
    Centre,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    origin: Origin,
    mean: [f32; 3],
    std: [f32; 3],
    resize: Resize,
    size: Option<[u32; 2]>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { origin: Origin::Corner, mean: IMAGENET_MEAN, std: IMAGENET_STD, resize: Resize::Antialiased, size: None }
    }
}

/// What the network gives.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Answer {
    Rays,
    Intrinsics(Origin),
}

struct Incidence {
    stretch: Stretch,
    answer: Answer,
}

fn open(parameters: &Parameters, signatures: &[Signature]) -> Result<Adapter, InvalidModel> {
    let settings: Settings = parameters.parse()?;
    let signature = signatures.first().cloned().unwrap_or_default();
    let answer = if signature.outputs.contains_key("intrinsics") {
        Answer::Intrinsics(settings.origin)
    } else if signature.outputs.contains_key("incidence") {
        Answer::Rays
    } else {
        return Err(InvalidModel("the network must give `incidence` or `intrinsics`".to_owned()));
    };
    let stretch = Stretch {
        size: image_size(&signature, "image", settings.size)?,
        resize: settings.resize,
        normalise: Normalise::new(Channels::Rgb, 1.0, settings.mean, settings.std)?,
    };
    Ok(Adapter::Intrinsics(Box::new(Incidence { stretch, answer })))
}

impl EstimateIntrinsics for Incidence {
    fn prepare(&self, picture: &Rgb) -> Inputs {
        vec![("image", self.stretch.tensor(picture))]
    }

    fn decode(&self, outputs: &Outputs, picture: Size) -> Result<Intrinsics, InvalidOutput> {
        let (camera, width, height) = match self.answer {
            Answer::Rays => {
                let rays = output::shaped(outputs, "incidence", &[1, 3, 0, 0])?;
                (from_rays(rays)?, rays.shape()[3] as f64, rays.shape()[2] as f64)
            }
            Answer::Intrinsics(origin) => {
                let numbers = output::shaped(outputs, "intrinsics", &[1, 4])?;
                let [fx, fy, cx, cy] = [0, 1, 2, 3].map(|at| f64::from(numbers.data()[at]));
                // The first pixel's centre lies half a pixel from the corner.
                let half = if origin == Origin::Corner { 0.5 } else { 0.0 };
                let Size { width, height } = self.stretch.size;
                (Intrinsics { fx, fy, cx: cx - half, cy: cy - half }, width.into(), height.into())
            }
        };
        plausible(camera.resized(f64::from(picture.width) / width, f64::from(picture.height) / height), picture)
    }
}

/// The camera in pixels of the field, from unit rays.
fn from_rays(rays: &Tensor) -> Result<Intrinsics, InvalidOutput> {
    let (height, width) = (rays.shape()[2], rays.shape()[3]);
    let plane = width * height;
    let (x, rest) = rays.data().split_at(plane);
    let (y, z) = rest.split_at(plane);
    // Nearly sideways rays would outweigh all others; cameras of 170 degrees end at a z of 0.087.
    const SIDEWAYS: f32 = 0.02;
    let mut across = Vec::with_capacity(plane);
    let mut down = Vec::with_capacity(plane);
    for at in 0..plane {
        if z[at] > SIDEWAYS {
            across.push(((at % width) as f64, f64::from(x[at]) / f64::from(z[at])));
            down.push(((at / width) as f64, f64::from(y[at]) / f64::from(z[at])));
        }
    }
    if 2 * across.len() < plane {
        let message = format!("only {} of {plane} rays point forward", across.len());
        return Err(InvalidOutput::new("camera", message));
    }
    let line = |points: Vec<(f64, f64)>, side: &str| {
        line(points).ok_or_else(|| InvalidOutput::new("camera", format!("the rays say nothing about the {side}")))
    };
    let (slope_x, offset_x) = line(across, "columns")?;
    let (slope_y, offset_y) = line(down, "rows")?;
    // x/z = u / fx - cx / fx.
    let (fx, fy) = (1.0 / slope_x, 1.0 / slope_y);
    Ok(Intrinsics { fx, fy, cx: -offset_x * fx, cy: -offset_y * fy })
}

/// Slope and offset of the line through points (place, value), without those that lie far from it.
fn line(mut points: Vec<(f64, f64)>) -> Option<(f64, f64)> {
    // Of normally spread residuals the median is 0.67 deviations: 2.5 of them are 1.7 deviations.
    const FAR: f64 = 2.5;
    let mut fitted = least_squares(&points)?;
    for _ in 0..10 {
        let residual = |(place, value): &(f64, f64)| (value - fitted.0 * place - fitted.1).abs();
        let mut residuals: Vec<f64> = points.iter().map(residual).collect();
        let middle = residuals.len() / 2;
        let limit = FAR * *residuals.select_nth_unstable_by(middle, f64::total_cmp).1;
        let before = points.len();
        // Half of the points lie within the median, so at least half stay.
        points.retain(|point| residual(point) <= limit);
        if points.len() == before {
            break;
        }
        fitted = least_squares(&points)?;
    }
    Some(fitted)
}

fn least_squares(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    let count = points.len() as f64;
    let mean_place = points.iter().map(|(place, _)| place).sum::<f64>() / count;
    let mean_value = points.iter().map(|(_, value)| value).sum::<f64>() / count;
    let spread: f64 = points.iter().map(|(place, _)| (place - mean_place).powi(2)).sum();
    let shared: f64 = points.iter().map(|(place, value)| (place - mean_place) * (value - mean_value)).sum();
    let slope = shared / spread;
    slope.is_finite().then_some((slope, mean_value - slope * mean_place))
}

/// The camera, if one can be like it.
fn plausible(camera: Intrinsics, picture: Size) -> Result<Intrinsics, InvalidOutput> {
    let camera = camera.checked().map_err(|error| InvalidOutput::new("camera", error.to_string()))?;
    for (side, focal, centre) in [(picture.width, camera.fx, camera.cx), (picture.height, camera.fy, camera.cy)] {
        let side = f64::from(side);
        let field_deg = 2.0 * (side / (2.0 * focal)).atan().to_degrees();
        if !(5.0..=170.0).contains(&field_deg) {
            return Err(InvalidOutput::new(
                "camera",
                format!("a field of view of {field_deg:.2} degrees is not between 5 and 170"),
            ));
        }
        if !(-0.5 * side..=1.5 * side).contains(&centre) {
            let message = format!("a principal point at {centre:.1} lies far outside a side of {side} pixels");
            return Err(InvalidOutput::new("camera", message));
        }
    }
    Ok(camera)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::sampling::{codes, intrinsics_estimator, signature};
    use proptest::prelude::*;

    const FIELD: (usize, usize) = (64, 48);

    fn rays(camera: &Intrinsics) -> Vec<f32> {
        let (width, height) = FIELD;
        let mut planes = vec![0.0; 3 * width * height];
        for v in 0..height {
            for u in 0..width {
                let ray = camera.back_project(u as f64, v as f64, 1.0).normalize();
                for axis in 0..3 {
                    planes[(axis * height + v) * width + u] = ray[axis] as f32;
                }
            }
        }
        planes
    }

    fn from_field(planes: Vec<f32>, picture: Size) -> Result<Intrinsics, InvalidOutput> {
        let network = signature(&[("image", &[1, 3, 48, 64])], &[("incidence", &[1, 3, 48, 64])]);
        let outputs = Outputs::new([("incidence".to_owned(), Tensor::new([1, 3, FIELD.1, FIELD.0], planes))]);
        intrinsics_estimator(&FAMILY, "", &[network]).decode(&outputs, picture)
    }

    fn from_numbers(parameters: &str, numbers: [f32; 4], picture: Size) -> Result<Intrinsics, InvalidOutput> {
        let network = signature(&[("image", &[1, 3, 48, 64])], &[("intrinsics", &[1, 4])]);
        let outputs = Outputs::new([("intrinsics".to_owned(), Tensor::new([1, 4], numbers.to_vec()))]);
        intrinsics_estimator(&FAMILY, parameters, &[network]).decode(&outputs, picture)
    }

    fn apart(a: &Intrinsics, b: &Intrinsics) -> f64 {
        [(a.fx, b.fx), (a.fy, b.fy), (a.cx, b.cx), (a.cy, b.cy)]
            .iter()
            .map(|(own, other)| ((own - other) / own.abs().max(1.0)).abs())
            .fold(0.0, f64::max)
    }

    #[test]
    fn numbers_count_from_the_corner() {
        // The middle of a picture 64 wide is 32 from the corner, and 31.5 in pixel centres; of one 640 wide, 319.5.
        let picture = Size { width: 640, height: 480 };
        let camera = from_numbers("", [60.0, 50.0, 32.0, 24.0], picture).unwrap();
        assert_eq!(camera, Intrinsics { fx: 600.0, fy: 500.0, cx: 319.5, cy: 239.5 });
        let camera = from_numbers("origin = 'centre'", [60.0, 50.0, 31.5, 23.5], picture).unwrap();
        assert_eq!(camera, Intrinsics { fx: 600.0, fy: 500.0, cx: 319.5, cy: 239.5 });
    }

    #[test]
    fn a_third_of_wrong_rays_does_not_matter() {
        let camera = Intrinsics { fx: 70.0, fy: 66.0, cx: 30.0, cy: 25.0 };
        let mut planes = rays(&camera);
        let plane = FIELD.0 * FIELD.1;
        for at in (0..plane).filter(|at| at % 3 == 0) {
            planes[at] = 0.6;
            planes[plane + at] = 0.5;
        }
        let found = from_field(planes, Size { width: 64, height: 48 }).unwrap();
        assert!(apart(&camera, &found) < 1e-5, "{found:?}");
    }

    #[test]
    fn invalid_outputs() {
        let picture = Size { width: 64, height: 48 };
        let camera = Intrinsics { fx: 70.0, fy: 66.0, cx: 30.0, cy: 25.0 };
        assert_eq!(codes([from_field(vec![f32::NAN; 9216], picture)]), ["not_finite"]);
        assert_eq!(codes([from_field(vec![0.0; 9216], picture), from_field(vec![0.5; 9216], picture)]), ["camera"; 2]);
        let behind = rays(&camera).into_iter().map(|number| -number).collect();
        assert_eq!(codes([from_field(behind, picture)]), ["camera"]);
        let numbers = [
            [-60.0, 50.0, 32.0, 24.0],
            [0.0; 4],
            [2.0, 50.0, 32.0, 24.0],
            [9000.0, 50.0, 32.0, 24.0],
            [60.0, 50.0, 200.0, 24.0],
        ];
        assert_eq!(codes(numbers.map(|numbers| from_numbers("", numbers, picture))), ["camera"; 5]);
        assert_eq!(codes([from_numbers("", [f32::NAN, 1.0, 1.0, 1.0], picture)]), ["not_finite"]);
        let network = signature(&[("image", &[1, 3, 48, 64])], &[("incidence", &[1, 3, 48, 64])]);
        let wrong = Outputs::new([("incidence".to_owned(), Tensor::new([1, 2, 2, 2], vec![1.0; 8]))]);
        assert_eq!(codes([intrinsics_estimator(&FAMILY, "", &[network]).decode(&wrong, picture)]), ["shape"]);
        assert!((FAMILY.open)(&Parameters::default(), &[signature(&[("image", &[1, 3, 4, 4])], &[])]).is_err());
    }

    proptest! {
        #[test]
        fn the_camera_that_made_the_rays_is_found(
            fx in 20.0..300.0_f64, fy in 20.0..300.0_f64, cx in 0.0..64.0_f64, cy in 0.0..48.0_f64,
            by in 1..20_u32,
        ) {
            let camera = Intrinsics { fx, fy, cx, cy };
            let found = from_field(rays(&camera), Size { width: 64 * by, height: 48 * by }).unwrap();
            let expected = camera.resized(by.into(), by.into());
            prop_assert!(apart(&expected, &found) < 1e-6, "{expected:?} {found:?}");
        }
    }
}
