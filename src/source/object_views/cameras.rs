//! The cameras of an object's images, in each of the layouts that people have.
//!
//! In: the files of an object's folder. Out: its views, an image with the pose of its camera (camera to world, OpenCV's axes) and its intrinsics
//! each. What makes single views unusable is told at once; what makes all of them unusable is an error.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use spatialmill_geometry::{Intrinsics, Matrix3, Rigid, Vector3};

use crate::error::Result;
use crate::source::camera_text;
use crate::source::json::forms::{self, Number, Numbers};
use crate::source::npy::Npy;
use crate::source::photo;
use crate::source::root::Root;
use crate::source::row_sink::RowSink;
use crate::tables::Unusable;

/// The file with the cameras of several objects that were rendered alike, in their folder or in one above it.
pub const OF_SEVERAL: &str = "cameras.json";

/// G-Objaverse's folder of views.
const CAMPOS: &str = "campos_512_v4";

/// Folders in which an object's images lie and that are no objects themselves.
const INNER: &[&str] = &["images", "train", "test", "val", "model", "render_mvs_25", CAMPOS];

/// Files of cameras have a few kilobytes, and transforms.json of a long video some megabytes.
const MAX_BYTES: u64 = 64 << 20;

/// G-Objaverse's focal length, in heights of the image.
const CAMPOS_FOCAL_LENGTH: f64 = 1422.222 / 1024.0;

/// objaverse-rendering's angle between the vertical and the line from the object to the camera: 60 degrees. Its cosine and sine.
const CIRCLE: (f64, f64) = (0.5, 0.866_025_403_784_438_6);

/// An image and its camera.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Unique among the object's.
    pub name: String,
    /// Below the root.
    pub image: String,
    /// Camera to world, OpenCV's axes.
    pub world_from_camera: Rigid,
    pub camera: ViewCamera,
}

/// The intrinsics of a view.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ViewCamera {
    /// Nobody says: what the renderer has by default, its principal point in the middle.
    Default,
    /// The focal length in heights of the image, the principal point in its middle.
    Heights(f64),
    /// As a file says them, and the size of the images that they are of.
    Recorded(Intrinsics, Option<(f64, f64)>),
    /// The horizontal field of view, radians, the principal point in the middle.
    FieldOfView(f64),
}

/// All views of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Views {
    pub views: Vec<View>,
    /// Where the object is in its world, where the layout says so.
    pub centre: Option<Vector3<f64>>,
}

/// The folder of the object that a file is of, as its path says it; empty for the root.
pub fn object_folder(path: &str) -> &str {
    let mut folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    loop {
        let (above, last) = folder.rsplit_once('/').unwrap_or(("", folder));
        let is_view = above.rsplit('/').next() == Some(CAMPOS) && last.bytes().all(|byte| byte.is_ascii_digit());
        if folder.is_empty() || !(is_view || INNER.contains(&last)) {
            return folder;
        }
        folder = above;
    }
}

/// True for a file that says in one of the layouts where images were taken.
pub fn is_camera_file(path: &str) -> bool {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let in_campos = folder.split('/').any(|part| part == CAMPOS);
    file.ends_with(".npy")
        || file == OF_SEVERAL
        || file.ends_with(".json") && (in_campos || file.starts_with("transforms"))
}

/// An object's files.
pub struct ObjectFolder<'a> {
    root: &'a Root,
    folder: &'a str,
    /// Below the root, sorted.
    files: BTreeSet<String>,
}

/// A file, and what is wrong with it.
type Fault = (String, Unusable);

impl<'a> ObjectFolder<'a> {
    pub fn open(root: &'a Root, folder: &'a str) -> Result<Self> {
        let files = root.list(folder)?.into_iter().map(|entry| entry.path);
        Ok(Self { root, folder, files: files.filter(|path| object_folder(path) == folder).collect() })
    }

    /// Its images, below the root.
    pub fn images(&self) -> impl Iterator<Item = &String> {
        self.files.iter().filter(|path| photo::has_ending(path))
    }

    /// Its views in the first layout that fits; else the file that is to blame, and why.
    pub fn views(&self, camera_distance: Option<f64>, rows: &mut RowSink) -> Result<Result<Views, Fault>> {
        let named = |path: &&String, ending: &str| path.ends_with(ending);
        let is_transforms = |path: &&String| {
            let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
            folder == self.folder && file.starts_with("transforms") && file.ends_with(".json")
        };
        let transforms: Vec<_> = self.files.iter().filter(is_transforms).cloned().collect();
        if !transforms.is_empty() {
            return self.of_transforms(&transforms, rows);
        }
        if self.files.iter().any(|path| named(&path, ".npy")) {
            return self.each(rows, |image| {
                let file = format!("{}.npy", stem(image));
                self.npy_pose(&file).map(|pose| (pose, ViewCamera::Default)).map_err(|why| (file, why))
            });
        }
        if self.files.iter().any(|path| path.contains(&format!("{CAMPOS}/")) && path.ends_with(".json")) {
            return self.each(rows, |image| {
                let file = format!("{}.json", stem(image));
                let pose = self.campos_pose(&file).map_err(|why| (file, why))?;
                Ok((pose, ViewCamera::Heights(CAMPOS_FOCAL_LENGTH)))
            });
        }
        if let Some(file) = self.shared_cameras()? {
            let cameras = match self.bytes(&file).and_then(|json| SharedCameras::read(&json)) {
                Ok(cameras) => cameras,
                Err(why) => return Ok(Err((file, why))),
            };
            return self.each(rows, |image| cameras.of(image).map_err(|why| (file.clone(), why)));
        }
        if let Some(distance) = camera_distance {
            let numbers: BTreeSet<usize> = self.images().filter_map(|image| number(image)).collect();
            let count = numbers.len();
            return self.each(rows, |image| {
                let number = number(image).filter(|number| *number < count);
                let number = number.ok_or_else(|| {
                    let message =
                        "images on a circle are numbered from 000 without a gap, or nobody knows where they were taken";
                    (image.to_owned(), Unusable::new("pose", message))
                })?;
                Ok((on_circle(number, count, distance), ViewCamera::Default))
            });
        }
        let message =
            "nothing says where its images were taken: no transforms.json, .npy, cameras.json or `camera_distance`";
        Ok(Err((format!("{}/", self.folder), Unusable::new("pose", message))))
    }

    /// A view for each image that a number is the name of; renders show an object at the origin.
    fn each(
        &self,
        rows: &mut RowSink,
        camera: impl Fn(&str) -> Result<(Rigid, ViewCamera), Fault>,
    ) -> Result<Result<Views, Fault>> {
        let mut views = BTreeMap::new();
        for image in self.images() {
            // Depth, normals and albedo lie beside the images, with a word behind the number.
            if number(image).is_none() {
                continue;
            }
            let name = stem(image).rsplit('/').next().unwrap_or_default().to_owned();
            match camera(image) {
                Ok((world_from_camera, camera)) => {
                    views.insert(name.clone(), View { name, image: image.clone(), world_from_camera, camera });
                }
                Err((file, why)) => rows.refuse_image(image.clone(), &file, why)?,
            }
        }
        Ok(Ok(Views { views: views.into_values().collect(), centre: Some(Vector3::zeros()) }))
    }

    fn of_transforms(&self, files: &[String], rows: &mut RowSink) -> Result<Result<Views, Fault>> {
        let mut views = BTreeMap::<String, View>::new();
        let mut seen = BTreeSet::new();
        for file in files {
            let transforms = self.bytes(file).and_then(|json| {
                forms::file::<Transforms>(
                    &json,
                    "{\"frames\": [{\"file_path\": .., \"transform_matrix\": [..]}, ..], ..}",
                )
            });
            let transforms = match transforms {
                Ok(transforms) => transforms,
                Err(why) => {
                    // Which images it is of, nobody knows.
                    rows.refuse_image(file.clone(), file, why)?;
                    continue;
                }
            };
            let (mut absent, all) = (0, transforms.frames.len());
            for frame in &transforms.frames {
                let Some(image) = self.named(&frame.file_path) else {
                    absent += 1;
                    continue;
                };
                if !seen.insert(image.clone()) {
                    let message = "the image is named more than once; its first pose counts";
                    rows.remark(image.clone(), file, Unusable::new("duplicate", message))?;
                    continue;
                }
                let below = image.strip_prefix(self.folder).unwrap_or(&image).trim_start_matches('/');
                let name = stem(below).to_owned();
                match transforms.view(frame) {
                    Ok((world_from_camera, camera)) => {
                        views.insert(image.clone(), View { name, image, world_from_camera, camera });
                    }
                    Err(why) => rows.refuse_image(image, file, why)?,
                }
            }
            if absent > 0 {
                let message = format!("{absent} of the {all} images that it names are not there");
                rows.remark(file.clone(), file, Unusable::new("missing_file", message))?;
            }
        }
        for image in self.images().filter(|image| !seen.contains(*image)) {
            let message = "no file says where the image was taken";
            rows.remark(image.clone(), image, Unusable::new("no_frame", message))?;
        }
        Ok(Ok(Views { views: views.into_values().collect(), centre: None }))
    }

    /// The image that a `file_path` means, which often lacks its ending.
    fn named(&self, file_path: &str) -> Option<String> {
        let below = file_path.trim_start_matches("./").replace('\\', "/");
        let path = if self.folder.is_empty() { below } else { format!("{}/{below}", self.folder) };
        let endings = ["", ".png", ".jpg", ".jpeg"].map(|ending| format!("{path}{ending}"));
        endings.into_iter().find(|path| self.files.contains(path) && photo::has_ending(path))
    }

    /// The file of cameras in the object's folder or the nearest one above it.
    fn shared_cameras(&self) -> Result<Option<String>> {
        let mut folder = self.folder;
        loop {
            let file = if folder.is_empty() { OF_SEVERAL.to_owned() } else { format!("{folder}/{OF_SEVERAL}") };
            if self.root.exists(&file)? {
                return Ok(Some(file));
            }
            if folder.is_empty() {
                return Ok(None);
            }
            folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
        }
    }

    fn bytes(&self, file: &str) -> Result<Vec<u8>, Unusable> {
        match self.root.exists(file) {
            Ok(true) => self.root.bytes(file, MAX_BYTES).map_err(|e| Unusable::new("unreadable", e.to_string())),
            Ok(false) => Err(Unusable::new("pose", format!("there is no file `{file}`"))),
            Err(e) => Err(Unusable::new("unreadable", e.to_string())),
        }
    }

    /// World to camera in Blender's axes, as Zero123 writes it.
    fn npy_pose(&self, file: &str) -> Result<Rigid, Unusable> {
        let refused = |message: String| Unusable::new("pose", message);
        let bytes = self.bytes(file)?;
        let array = Npy::read(&bytes).map_err(refused)?;
        let numbers: Vec<f64> = match array.numbers {
            "<f8" => array.data.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect(),
            "<f4" => array.data.as_chunks::<4>().0.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes))).collect(),
            other => return Err(refused(format!("an array of `{other}`; a pose is of <f8 or <f4"))),
        };
        Ok(opencv(matrix(&numbers)?.inverse()))
    }

    fn campos_pose(&self, file: &str) -> Result<Rigid, Unusable> {
        let shape = "{\"origin\": [x, y, z], \"x\": [..], \"y\": [..], \"z\": [..]}";
        let record: CamposRecord = forms::file(&self.bytes(file)?, shape)?;
        let vector = |numbers: &Numbers| numbers.exactly::<3>().map_err(|why| Unusable::new("pose", why));
        let (x, y, z, o) = (vector(&record.x)?, vector(&record.y)?, vector(&record.z)?, vector(&record.origin)?);
        matrix(&std::array::from_fn::<f64, 12, _>(|at| [x, y, z, o][at % 4][at / 4]))
    }
}

impl ViewCamera {
    /// The intrinsics of an image of this size, and the size that they were recorded for.
    pub fn recorded(&self, width: u32, height: u32, default_focal_length: f64) -> (Intrinsics, Option<(f64, f64)>) {
        let (w, h) = (f64::from(width), f64::from(height));
        let centred = |f: f64| Intrinsics { fx: f, fy: f, cx: w / 2.0 - 0.5, cy: h / 2.0 - 0.5 };
        match *self {
            Self::Default => (centred(default_focal_length * w), None),
            Self::Heights(heights) => (centred(heights * h), None),
            Self::FieldOfView(angle) => (centred(0.5 * w / (0.5 * angle).tan()), None),
            Self::Recorded(intrinsics, size) => (intrinsics, size),
        }
    }
}

/// NeRF's file.
#[derive(Deserialize)]
struct Transforms {
    #[serde(flatten)]
    camera: TransformsCamera,
    frames: Vec<TransformsFrame>,
}

#[derive(Deserialize)]
struct TransformsFrame {
    file_path: String,
    transform_matrix: Numbers,
    #[serde(flatten)]
    camera: TransformsCamera,
}

/// Of all images or of one.
#[derive(Deserialize, Default)]
struct TransformsCamera {
    fl_x: Option<Number>,
    fl_y: Option<Number>,
    cx: Option<Number>,
    cy: Option<Number>,
    w: Option<Number>,
    h: Option<Number>,
    camera_angle_x: Option<Number>,
}

impl Transforms {
    fn view(&self, frame: &TransformsFrame) -> Result<(Rigid, ViewCamera), Unusable> {
        let given = |of: fn(&TransformsCamera) -> Option<Number>| {
            Number::given(of(&frame.camera)).or_else(|| Number::given(of(&self.camera)))
        };
        let size = given(|camera| camera.w).zip(given(|camera| camera.h)).filter(|(w, h)| *w >= 1.0 && *h >= 1.0);
        let camera = match (given(|camera| camera.fl_x), size, given(|camera| camera.camera_angle_x)) {
            (Some(fx), Some((w, h)), _) => {
                // Corners of pixels are whole numbers there, and centres here.
                let centre = |given: Option<f64>, side: f64| given.unwrap_or(side / 2.0) - 0.5;
                let (cx, cy) = (centre(given(|camera| camera.cx), w), centre(given(|camera| camera.cy), h));
                ViewCamera::Recorded(Intrinsics { fx, fy: given(|camera| camera.fl_y).unwrap_or(fx), cx, cy }, size)
            }
            (_, _, Some(angle)) if (0.01..3.1).contains(&angle) => ViewCamera::FieldOfView(angle),
            _ => {
                let message = "it says neither fl_x with w and h nor a camera_angle_x";
                return Err(Unusable::new("intrinsics", message));
            }
        };
        Ok((opencv(matrix(&frame.transform_matrix.0)?), camera))
    }
}

#[derive(Deserialize)]
struct CamposRecord {
    origin: Numbers,
    x: Numbers,
    y: Numbers,
    z: Numbers,
}

/// The cameras of images by their numbers.
struct SharedCameras {
    intrinsics: Intrinsics,
    size: (f64, f64),
    world_to_camera: Vec<Result<Rigid, Unusable>>,
}

impl SharedCameras {
    fn read(json: &[u8]) -> Result<Self, Unusable> {
        #[derive(Deserialize)]
        #[serde(rename_all = "UPPERCASE")]
        struct Record {
            k: Numbers,
            #[serde(rename = "poses", alias = "world_to_camera_opencv")]
            poses: Vec<Numbers>,
        }
        let record: Record = forms::file(json, "{\"K\": [9 numbers], \"poses\": [[12 numbers], ..]}")?;
        let k = record.k.exactly().map_err(|why| Unusable::new("intrinsics", why))?;
        let Intrinsics { fx, fy, cx, cy } = camera_text::intrinsics_of(k)?;
        Ok(Self {
            // Its principal point is half the image's size.
            size: (2.0 * cx, 2.0 * cy),
            intrinsics: Intrinsics { fx, fy, cx: cx - 0.5, cy: cy - 0.5 },
            world_to_camera: record.poses.iter().map(|numbers| matrix(&numbers.0)).collect(),
        })
    }

    fn of(&self, image: &str) -> Result<(Rigid, ViewCamera), Unusable> {
        let pose = number(image).and_then(|number| self.world_to_camera.get(number));
        let pose = pose.ok_or_else(|| {
            Unusable::new("pose", format!("there are {} poses, and none for this number", self.world_to_camera.len()))
        })?;
        Ok((pose.clone()?.inverse(), ViewCamera::Recorded(self.intrinsics, Some(self.size))))
    }
}

/// A rigid motion of 12 or 16 numbers, row by row. Code: `pose`.
fn matrix(numbers: &[f64]) -> Result<Rigid, Unusable> {
    let refused = |message: String| Unusable::new("pose", message);
    let entries: [f64; 16] = match numbers.len() {
        12 => std::array::from_fn(|at| numbers.get(at).copied().unwrap_or(if at == 15 { 1.0 } else { 0.0 })),
        16 => std::array::from_fn(|at| numbers[at]),
        count => return Err(refused(format!("{count} numbers; a pose has 12 or 16"))),
    };
    Rigid::from_row_major(&entries).map_err(|e| refused(e.to_string()))
}

/// A camera's pose whose own axes are OpenGL's: x right, y up, z backward.
fn opencv(world_from_camera: Rigid) -> Rigid {
    let axes = Matrix3::from_diagonal(&Vector3::new(1.0, -1.0, -1.0));
    Rigid { rotation: world_from_camera.rotation * axes, translation: world_from_camera.translation }
}

/// The pose of one of `count` cameras on objaverse-rendering's circle: from +x towards +y, looking at the origin.
fn on_circle(number: usize, count: usize, distance: f64) -> Rigid {
    let (sin, cos) = (std::f64::consts::TAU * number as f64 / count as f64).sin_cos();
    let (down, out) = CIRCLE;
    let ahead = -Vector3::new(out * cos, out * sin, down);
    let right = Vector3::new(-sin, cos, 0.0);
    let rotation = Matrix3::from_columns(&[right, ahead.cross(&right), ahead]);
    Rigid { rotation, translation: -ahead * distance }
}

/// The number that an image's name is.
fn number(image: &str) -> Option<usize> {
    let name = stem(image).rsplit('/').next()?;
    (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())).then(|| name.parse().ok()).flatten()
}

/// A path without its ending.
fn stem(path: &str) -> &str {
    let (folder, name) = path.rsplit_once('/').map_or((0, path), |(folder, name)| (folder.len() + 1, name));
    name.rfind('.').map_or(path, |dot| &path[..folder + dot])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_objects_folder_is_above_those_of_its_images() {
        for (path, folder) in [
            ("fox/images/0001.jpg", "fox"),
            ("views/ab12/003.png", "views/ab12"),
            ("mug/render_mvs_25/model/003.npy", "mug"),
            ("0/10002/campos_512_v4/00003/00003.json", "0/10002"),
            ("images/0001.jpg", ""),
            ("000.png", ""),
        ] {
            assert_eq!(object_folder(path), folder, "{path}");
        }
    }

    #[test]
    fn cameras_on_a_circle_look_at_the_origin() {
        for number in 0..12 {
            let pose = on_circle(number, 12, 1.5);
            assert!((pose.rotation.determinant() - 1.0).abs() < 1e-12);
            assert!((pose.rotation * Vector3::z() * 1.5 + pose.translation).norm() < 1e-12);
            // Up in the image is up in the world.
            assert!((pose.rotation * Vector3::y()).z < -0.8);
        }
        let quarter = on_circle(3, 12, 2.0).translation;
        assert!((quarter - Vector3::new(0.0, 3.0_f64.sqrt(), 1.0)).norm() < 1e-12);
    }

    #[test]
    fn names_are_numbers_or_none() {
        assert_eq!([number("a/007.png"), number("a/007-depth.png"), number("a/.png")], [Some(7), None, None]);
        assert_eq!([stem("a.b/c"), stem("a.b/c.png")], ["a.b/c", "a.b/c"]);
    }
}
