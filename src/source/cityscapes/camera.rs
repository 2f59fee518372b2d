//! Cityscapes' cameras: `camera.json` and the `sensor` of 3D boxes. In: their JSON. Out: intrinsics, and where the camera is on its vehicle.
//!
//! The vehicle's axes are those of ISO 8855: x forward, y left, z up. The files place the camera in the same axes; here it has those of its image: x right,
//! y down, z forward (csCalibration.pdf).

use serde::Deserialize;
use spatialmill_geometry::{Intrinsics, Matrix3, Rigid, Vector3};

use crate::source::intrinsics::CameraSize;
use crate::source::json::forms::{self, Number, Numbers};
use crate::tables::Unusable;

/// The images that `camera.json` is of, wherever smaller ones are: it does not say so.
const SIZE: (f64, f64) = (2048.0, 1024.0);

/// A camera and its vehicle.
#[derive(Debug, Clone, PartialEq)]
pub struct VehicleCamera {
    pub intrinsics: Intrinsics,
    /// Of the images that it takes.
    pub size: CameraSize,
    pub camera_from_vehicle: Rigid,
    /// From the left camera to the right one, metres.
    pub baseline: Option<f64>,
}

/// `camera.json`.
#[derive(Deserialize)]
struct CameraFile {
    extrinsic: Extrinsic,
    intrinsic: Intrinsic,
}

/// Metres and radians; where the camera is on its vehicle.
#[derive(Deserialize)]
struct Extrinsic {
    baseline: Option<Number>,
    pitch: Number,
    roll: Number,
    yaw: Number,
    x: Number,
    y: Number,
    z: Number,
}

#[derive(Deserialize)]
struct Intrinsic {
    fx: Number,
    fy: Number,
    u0: Number,
    v0: Number,
}

/// The `sensor` of `gtBbox3d.json`.
#[derive(Debug, Clone, Deserialize)]
pub struct Sensor {
    #[serde(rename = "sensor_T_ISO_8855")]
    sensor_from_vehicle: Numbers,
    fx: Number,
    fy: Number,
    u0: Number,
    v0: Number,
    baseline: Option<Number>,
}

impl VehicleCamera {
    /// Of a `camera.json`. Codes: `json`, `intrinsics`, `pose`.
    pub fn read(json: &[u8]) -> Result<Self, Unusable> {
        let CameraFile { extrinsic, intrinsic } = forms::file(
            json,
            "{\"extrinsic\": {\"baseline\", \"pitch\", ..}, \"intrinsic\": {\"fx\", \"fy\", \"u0\", \"v0\"}}",
        )?;
        let vehicle_from_sensor = Rigid {
            rotation: rotation([extrinsic.yaw.0, extrinsic.pitch.0, extrinsic.roll.0]),
            translation: Vector3::new(extrinsic.x.0, extrinsic.y.0, extrinsic.z.0),
        };
        Self::of(
            [intrinsic.fx, intrinsic.fy, intrinsic.u0, intrinsic.v0],
            &vehicle_from_sensor.inverse(),
            SIZE,
            extrinsic.baseline,
        )
    }

    /// Of 3D boxes, whose images have this size. Codes: `intrinsics`, `pose`.
    pub fn of_sensor(sensor: &Sensor, size: (f64, f64)) -> Result<Self, Unusable> {
        let rows: [f64; 12] = sensor
            .sensor_from_vehicle
            .exactly()
            .map_err(|message| Unusable::new("pose", format!("`sensor_T_ISO_8855` has {message}")))?;
        let sensor_from_vehicle = Rigid {
            rotation: Matrix3::from_fn(|row, column| rows[4 * row + column]),
            translation: Vector3::new(rows[3], rows[7], rows[11]),
        };
        Self::of([sensor.fx, sensor.fy, sensor.u0, sensor.v0], &sensor_from_vehicle, size, sensor.baseline)
    }

    fn of(
        [fx, fy, cx, cy]: [Number; 4],
        sensor_from_vehicle: &Rigid,
        (width, height): (f64, f64),
        baseline: Option<Number>,
    ) -> Result<Self, Unusable> {
        let intrinsics = Intrinsics { fx: fx.0, fy: fy.0, cx: cx.0, cy: cy.0 };
        let intrinsics = intrinsics.checked().map_err(|e| Unusable::new("intrinsics", e.to_string()))?;
        let Rigid { rotation, translation } = sensor_from_vehicle;
        let skew = (rotation * rotation.transpose() - Matrix3::identity()).abs().max();
        if !(skew < 1e-3 && rotation.determinant() > 0.0 && translation.iter().all(|at| at.is_finite())) {
            return Err(Unusable::new("pose", "the camera's rotation on its vehicle is none, or is not finite"));
        }
        let camera_from_vehicle = Rigid { rotation: IMAGE_AXES * rotation, translation: IMAGE_AXES * translation };
        let baseline = Number::given(baseline).filter(|baseline| (0.01..=10.0).contains(baseline));
        Ok(Self { intrinsics, size: CameraSize::Recorded(width, height), camera_from_vehicle, baseline })
    }

    /// The direction that points down, in camera axes.
    pub fn down(&self) -> Vector3<f64> {
        -(self.camera_from_vehicle.rotation * Vector3::z())
    }
}

/// From forward, left, up to right, down, forward.
const IMAGE_AXES: Matrix3<f64> = Matrix3::new(0.0, -1.0, 0.0, 0.0, 0.0, -1.0, 1.0, 0.0, 0.0);

/// About z, then y, then x.
fn rotation([yaw, pitch, roll]: [f64; 3]) -> Matrix3<f64> {
    let ((sy, cy), (sp, cp), (sr, cr)) = (yaw.sin_cos(), pitch.sin_cos(), roll.sin_cos());
    Matrix3::new(
        cy * cp,
        cy * sp * sr - sy * cr,
        cy * sp * cr + sy * sr,
        sy * cp,
        sy * sp * sr + cy * cr,
        sy * sp * cr - cy * sr,
        -sp,
        cp * sr,
        cp * cr,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The genuine sensor of Cityscapes' 3D boxes is 1.70 m before the rear axle, 0.10 m to its left and 1.22 m above the road, and looks down by
    /// 2.1772 degrees and to the right by 1.1173.
    #[test]
    fn both_files_place_a_camera_alike() {
        let sensor: Sensor = forms::record(
            br#"{"sensor_T_ISO_8855": [[0.9990881051503779, -0.01948468779721943, -0.03799085532693703, -1.6501524664770573],
                [0.019498764210995674, 0.9998098810245096, 0.0, -0.1331288872611436],
                [0.03798363254444427, -0.0007407747301939942, 0.9992780868764849, -1.2836173638418473]],
                "fx": 2262.52, "fy": 2265.3017905988554, "u0": 1096.98, "v0": 513.137, "baseline": 0.209313}"#,
        )
        .unwrap();
        let of_boxes = VehicleCamera::of_sensor(&sensor, SIZE).unwrap();
        let (yaw, pitch) = ((-1.1173_f64).to_radians(), 2.1772_f64.to_radians());
        let json = format!(
            r#"{{"extrinsic": {{"baseline": 0.209313, "pitch": {pitch}, "roll": 0, "yaw": {yaw}, "x": 1.7, "y": 0.1, "z": 1.22}},
                "intrinsic": {{"fx": 2262.52, "fy": 2265.3017905988554, "u0": 1096.98, "v0": 513.137}}}}"#
        );
        let of_file = VehicleCamera::read(json.as_bytes()).unwrap();
        let (one, other) = (&of_boxes.camera_from_vehicle, &of_file.camera_from_vehicle);
        assert!((one.rotation - other.rotation).abs().max() < 1e-5, "{one:?} {other:?}");
        assert!((one.inverse().translation - Vector3::new(1.7, 0.1, 1.22)).norm() < 1e-3, "{one:?}");
        assert!((one.translation - other.translation).norm() < 1e-3, "{one:?} {other:?}");
        // Down is down in the image, and a little ahead, as the camera looks down.
        assert!((of_boxes.down() - Vector3::new(0.0, 0.99928, 0.03798)).norm() < 1e-3, "{:?}", of_boxes.down());
    }

    #[test]
    fn what_is_no_camera_is_refused() {
        for (json, code) in [
            ("{}", "json"),
            (
                r#"{"extrinsic": {"pitch": 0, "roll": 0, "yaw": 0, "x": 0, "y": 0, "z": 0}, "intrinsic": {"fx": 0, "fy": 1, "u0": 1, "v0": 1}}"#,
                "intrinsics",
            ),
            (
                r#"{"extrinsic": {"pitch": NaN, "roll": 0, "yaw": 0, "x": 0, "y": 0, "z": 0}, "intrinsic": {"fx": 9, "fy": 9, "u0": 1, "v0": 1}}"#,
                "pose",
            ),
        ] {
            assert_eq!(VehicleCamera::read(json.as_bytes()).unwrap_err().code, code, "{json}");
        }
    }
}
