//! Roll and pitch, as PerspectiveFields' ParamNet and GeoCalib give them, in; the direction of gravity out.

use serde::Deserialize;
use spatialmill_geometry::Vector3;

use super::image_size::image_size;
use super::stretch::{Resize, Stretch};
use super::{Adapter, EstimateGravity, Family, InvalidModel, NetworkRoles, Parameters, Signature, Task, output};
use crate::normalise::{Channels, Normalise};
use crate::{Inputs, InvalidOutput, Outputs, Rgb, Size};

pub(super) const FAMILY: Family = Family {
    name: "perspective",
    task: Task::Gravity,
    doc: "Roll and pitch from one picture, as PerspectiveFields and GeoCalib",
    long_doc: "\
Networks: `main`.
Inputs:   `image` [n, 3, H, W], PerspectiveFields' 320 x 320: stretched with each pixel counted (Pillow's BILINEAR).
Outputs:  `roll` and `pitch` [n] or [n, 1].

Down in camera axes (x right, y down, z forward) is Rz(roll) · Rx(pitch) · (0, 1, 0) = (sin r cos p, cos r cos p, -sin p): pitch above 0
looks up, and roll above 0 has down point to the right of the picture's bottom.

Parameters:
  unit          = \"degrees\"  or \"radians\"
  max_pitch_deg = 85.0       beyond it roll has no meaning: invalid, code `gravity`
  channels      = \"bgr\"      or \"rgb\"
  scale         = 255.0      what white is, before:
  mean, std     = [103.53, 116.28, 123.675], 1s   taken off, and divided by, for each channel in their order; for exports that
                             normalise by themselves 0s and 1s
  resize        = \"antialiased\"  or \"linear\", \"antialiased_float\", \"cubic\"
  size          = [H, W]     only for networks that take any size

From: github.com/jinlinyi/PerspectiveFields, perspective2d/perspectivefields.py and config/config.py (arXiv 2212.03239), as SpatialRGPT
uses it. GeoCalib (github.com/cvg/GeoCalib, geocalib/gravity.py, arXiv 2409.06704) has the same two angles, in radians, of pictures with
channels = \"rgb\", scale = 1.0, mean = [0.0, 0.0, 0.0].",
    networks: &[NetworkRoles { name: "main", inputs: &["image"], outputs: &["roll", "pitch"], optional: &[] }],
    open,
};

/// The parameter `unit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Unit {
    Degrees,
    Radians,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    unit: Unit,
    max_pitch_deg: f64,
    channels: Channels,
    scale: f32,
    mean: [f32; 3],
    std: [f32; 3],
    resize: Resize,
    size: Option<[u32; 2]>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            unit: Unit::Degrees,
            max_pitch_deg: 85.0,
            channels: Channels::Bgr,
            scale: 255.0,
            mean: [103.53, 116.28, 123.675],
            std: [1.0; 3],
            resize: Resize::Antialiased,
            size: None,
        }
    }
}

struct Perspective {
    stretch: Stretch,
    unit: Unit,
    max_pitch_deg: f64,
}

fn open(parameters: &Parameters, signatures: &[Signature]) -> Result<Adapter, InvalidModel> {
    let settings: Settings = parameters.parse()?;
    let signature = signatures.first().cloned().unwrap_or_default();
    let stretch = Stretch {
        size: image_size(&signature, "image", settings.size)?,
        resize: settings.resize,
        normalise: Normalise::new(settings.channels, settings.scale, settings.mean, settings.std)?,
    };
    let Settings { unit, max_pitch_deg, .. } = settings;
    if !(0.0..=90.0).contains(&max_pitch_deg) {
        return Err(InvalidModel(format!("`max_pitch_deg` must be from 0 to 90, not {max_pitch_deg}")));
    }
    Ok(Adapter::Gravity(Box::new(Perspective { stretch, unit, max_pitch_deg })))
}

impl EstimateGravity for Perspective {
    fn prepare(&self, picture: &Rgb) -> Inputs {
        vec![("image", self.stretch.tensor(picture))]
    }

    fn decode(&self, outputs: &Outputs, _picture: Size) -> Result<Vector3<f64>, InvalidOutput> {
        let radians = |role: &str| {
            output::number(outputs, role).map(|angle| match self.unit {
                Unit::Degrees => angle.to_radians(),
                Unit::Radians => angle,
            })
        };
        let (roll, pitch) = (radians("roll")?, radians("pitch")?);
        if pitch.to_degrees().abs() > self.max_pitch_deg || roll.to_degrees().abs() > 180.0 {
            return Err(InvalidOutput::new(
                "gravity",
                format!(
                    "a pitch of {:.1} and a roll of {:.1} degrees; pitch must be within {} and roll within 180",
                    pitch.to_degrees(),
                    roll.to_degrees(),
                    self.max_pitch_deg
                ),
            ));
        }
        Ok(down(roll, pitch))
    }
}

/// A unit vector; radians.
fn down(roll: f64, pitch: f64) -> Vector3<f64> {
    Vector3::new(roll.sin() * pitch.cos(), roll.cos() * pitch.cos(), -pitch.sin())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;
    use crate::family::sampling::{codes, gravity_estimator, signature};
    use proptest::prelude::*;
    use spatialmill_geometry::{Matrix3, ViewSpace};

    fn decode(parameters: &str, shape: &[usize], roll: f32, pitch: f32) -> Result<Vector3<f64>, InvalidOutput> {
        let tensor =
            |role: &str, number: f32| (role.to_owned(), Tensor::new(shape, vec![number; shape.iter().product()]));
        let family = gravity_estimator(&FAMILY, parameters, &[signature(&[("image", &[1, 3, 2, 2])], &[])]);
        family.decode(&Outputs::new([tensor("roll", roll), tensor("pitch", pitch)]), Size { width: 9, height: 9 })
    }

    #[test]
    fn turns_as_the_paper_does() {
        let near = |own: Vector3<f64>, x: f64, y: f64, z: f64| (own - Vector3::new(x, y, z)).amax() < 1e-6;
        assert!(near(decode("", &[1], 0.0, 0.0).unwrap(), 0.0, 1.0, 0.0));
        // Looking 30 degrees up, down lies behind the camera as well.
        assert!(near(decode("", &[1, 1], 0.0, 30.0).unwrap(), 0.0, 0.75_f64.sqrt(), -0.5));
        assert!(near(decode("", &[1], 90.0, 0.0).unwrap(), 1.0, 0.0, 0.0));
        assert!(near(decode("unit = 'radians'", &[1], 0.0, -0.5).unwrap(), 0.0, 0.5_f64.cos(), 0.5_f64.sin()));
        // Straight up: what is ahead is up.
        let up = decode("max_pitch_deg = 90.0", &[1], 0.0, 90.0).unwrap();
        assert!(near(up, 0.0, 0.0, -1.0));
        let ahead = ViewSpace::from_gravity(&up).unwrap().camera_to_view(&Vector3::z());
        assert!(near(ahead, 0.0, 0.0, 1.0));
    }

    #[test]
    fn takes_the_mean_off_in_the_networks_order() {
        let family = gravity_estimator(&FAMILY, "", &[signature(&[("image", &[1, 3, 1, 1])], &[])]);
        let inputs = family.prepare(&Rgb::new(1, 1, vec![100, 0, 200]).unwrap());
        let expected = [200.0 - 103.53, -116.28, 100.0 - 123.675];
        assert!(inputs[0].1.data().iter().zip(expected).all(|(own, other)| (own - other).abs() < 1e-4));
    }

    #[test]
    fn invalid_outputs() {
        assert_eq!(codes([decode("", &[1], f32::NAN, 0.0), decode("", &[1], 0.0, f32::INFINITY)]), ["not_finite"; 2]);
        assert_eq!(
            codes([decode("", &[1], 0.0, 86.0), decode("", &[1], 0.0, -90.0), decode("", &[1], 190.0, 0.0)]),
            ["gravity"; 3]
        );
        assert_eq!(
            codes([decode("", &[2], 0.0, 0.0), decode("", &[1, 2], 0.0, 0.0), decode("", &[0], 0.0, 0.0)]),
            ["shape"; 3]
        );
    }

    proptest! {
        #[test]
        fn is_the_product_of_the_two_rotations(roll in -3.1..3.1_f64, pitch in -1.5..1.5_f64) {
            let (s, c) = roll.sin_cos();
            let about_z = Matrix3::new(c, s, 0.0, -s, c, 0.0, 0.0, 0.0, 1.0);
            let (s, c) = pitch.sin_cos();
            let about_x = Matrix3::new(1.0, 0.0, 0.0, 0.0, c, s, 0.0, -s, c);
            prop_assert!((about_z * about_x * Vector3::y() - down(roll, pitch)).amax() < 1e-12);
        }
    }
}
