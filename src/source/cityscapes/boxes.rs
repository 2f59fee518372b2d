//! `gtBbox3d.json`: 3D boxes of vehicles and the camera that sees them. In: its JSON. Out: oriented boxes in camera axes.

use serde::Deserialize;
use spatialmill_geometry::{OrientedBox, Quaternion, UnitQuaternion, Vector3};

use super::camera::{Sensor, VehicleCamera};
use super::image_size;
use crate::source::category;
use crate::source::json::forms::{self, Number, Numbers};
use crate::tables::{Box2, Unusable};

/// Larger than any file of boxes of one image.
pub const MAX_BYTES: u64 = 64 << 20;

const SHAPE: &str = "{\"imgWidth\": .., \"imgHeight\": .., \"sensor\": {..}, \"objects\": [..]}";

#[derive(Deserialize)]
struct Head {
    sensor: Sensor,
}

#[derive(Deserialize)]
struct BoxRecord {
    #[serde(rename = "2d")]
    in_image: InImage,
    #[serde(rename = "3d")]
    in_space: InSpace,
    label: String,
    #[serde(rename = "instanceId")]
    instance_id: Option<Number>,
    occlusion: Option<Number>,
    truncation: Option<Number>,
}

/// Left, top, width, height: of what is seen, and of the whole.
#[derive(Deserialize)]
struct InImage {
    modal: Option<Numbers>,
    amodal: Option<Numbers>,
}

/// Metres, in the vehicle's axes; length, width, height; a quaternion w, x, y, z.
#[derive(Deserialize)]
struct InSpace {
    center: Numbers,
    dimensions: Numbers,
    rotation: Numbers,
}

/// What a file says of an image.
pub struct BoxFile {
    /// Of the images that the boxes are of, pixels.
    pub size: (f64, f64),
    pub camera: VehicleCamera,
    /// In the order of the file.
    pub boxes: Vec<Result<VehicleBox, Unusable>>,
}

/// An object with a box.
#[derive(Debug, Clone, PartialEq)]
pub struct VehicleBox {
    /// As the instance image has it, where it has it.
    pub instance_id: Option<u16>,
    pub category: String,
    /// What is seen of it in an image of the file's size.
    pub bbox: Box2,
    /// Camera axes; its own point forward, to the left and up.
    pub obb: OrientedBox,
    /// The share that is neither hidden nor cut off; none where nobody says.
    pub visibility: Option<f64>,
}

impl BoxFile {
    /// Codes: `json`, `intrinsics`, `pose`; of boxes `json`, `category`, `box`, `box3d`.
    pub fn read(json: &[u8]) -> Result<Self, Unusable> {
        let size = image_size::read(json, SHAPE)?;
        let Head { sensor } = forms::file(json, SHAPE)?;
        let camera = VehicleCamera::of_sensor(&sensor, size)?;
        let records = forms::elements(json, "objects")?;
        let boxes = records.iter().map(|json| forms::record::<BoxRecord>(json)?.checked(&camera)).collect();
        Ok(Self { size, camera, boxes })
    }
}

impl BoxRecord {
    fn checked(self, camera: &VehicleCamera) -> Result<VehicleBox, Unusable> {
        let refused = |field: &str, message: String| Unusable::new("box3d", format!("`{field}` has {message}"));
        let centre: [f64; 3] = self.in_space.center.exactly().map_err(|message| refused("center", message))?;
        let lengths: [f64; 3] = self.in_space.dimensions.exactly().map_err(|message| refused("dimensions", message))?;
        let [w, x, y, z]: [f64; 4] =
            self.in_space.rotation.exactly().map_err(|message| refused("rotation", message))?;
        let quaternion = Quaternion::new(w, x, y, z);
        if !(0.9..=1.1).contains(&quaternion.norm()) {
            return Err(Unusable::new("box3d", "`rotation` is no quaternion of length 1"));
        }
        let to_camera = &camera.camera_from_vehicle;
        let axes = to_camera.rotation * UnitQuaternion::from_quaternion(quaternion).to_rotation_matrix().into_inner();
        let obb = OrientedBox {
            centre: to_camera.apply(&Vector3::from(centre)),
            axes: [0, 1, 2].map(|axis| axes.column(axis).into_owned()),
            lengths: Vector3::from(lengths),
        };
        let obb = obb.checked().map_err(|e| Unusable::new("box3d", e.to_string()))?;
        let four = |numbers: &Option<Numbers>| numbers.as_ref().and_then(|numbers| numbers.exactly::<4>().ok());
        let seen = |[_, _, width, height]: &[f64; 4]| *width > 0.0 && *height > 0.0;
        let [left, top, width, height] = four(&self.in_image.modal)
            .filter(seen)
            .or_else(|| four(&self.in_image.amodal).filter(seen))
            .ok_or_else(|| Unusable::new("box", "it has no box in the image"))?;
        let category = category::spelled(&self.label).ok_or_else(|| Unusable::new("category", "the label is empty"))?;
        let share = |given| Number::given(given).filter(|share| (0.0..=1.0).contains(share));
        let visibility =
            share(self.occlusion).map(|hidden| (1.0 - hidden) * (1.0 - share(self.truncation).unwrap_or(0.0)));
        let instance_id = Number::given(self.instance_id).and_then(|id| Number(id).whole());
        Ok(VehicleBox {
            instance_id: instance_id.and_then(|id| u16::try_from(id).ok()),
            category,
            bbox: Box2 { x0: left, y0: top, x1: left + width, y1: top + height },
            obb,
            visibility,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The record of Cityscapes' own notebook: its corners, rounded down, are the amodal box.
    #[test]
    fn corners_are_where_the_file_has_the_amodal_box() {
        let json = r#"{"imgWidth": 2048, "imgHeight": 1024, "sensor": {"sensor_T_ISO_8855": [
            [0.9990881051503779, -0.01948468779721943, -0.03799085532693703, -1.6501524664770573],
            [0.019498764210995674, 0.9998098810245096, 0.0, -0.1331288872611436],
            [0.03798363254444427, -0.0007407747301939942, 0.9992780868764849, -1.2836173638418473]],
            "fx": 2262.52, "fy": 2265.3017905988554, "u0": 1096.98, "v0": 513.137, "baseline": 0.209313},
            "objects": [{"2d": {"modal": [609, 420, 198, 111], "amodal": [602, 415, 214, 118]},
            "3d": {"center": [33.95, 5.05, 0.57], "dimensions": [4.3, 1.72, 1.53],
            "rotation": [0.9735839424380041, -0.010751769161021867, 0.0027191710555974913, 0.22805988817753894],
            "type": "Mid Size Car", "format": "CRS_ISO8855"}, "occlusion": 0.0, "truncation": 0.25, "instanceId": 26010, "label": "car"},
            {"label": "car"}]}"#;
        let BoxFile { camera, boxes, .. } = BoxFile::read(json.as_bytes()).unwrap();
        let [Ok(car), Err(why)] = &boxes[..] else { panic!("{boxes:?}") };
        assert_eq!(why.code, "json");
        assert_eq!((car.category.as_str(), car.instance_id, car.visibility), ("car", Some(26_010), Some(0.75)));
        let corners: Vec<(f64, f64)> =
            car.obb.corners().iter().map(|corner| camera.intrinsics.project(corner).unwrap()).collect();
        let around = |of: fn(&(f64, f64)) -> f64| {
            let values = corners.iter().map(of);
            let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), at| (low.min(at), high.max(at)));
            (low.floor(), high.floor())
        };
        assert_eq!((around(|at| at.0), around(|at| at.1)), ((602.0, 816.0), (415.0, 533.0)), "{corners:?}");
    }
}
