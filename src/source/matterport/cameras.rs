//! Cameras of Matterport3D's photos, from wherever they are recorded: the `.conf` of a scan, its `.house`, a text file for each photo, or
//! the pose of a panorama whose skybox is known.
//!
//! | from | pose | camera axes | principal point counts from |
//! |---|---|---|---|
//! | `.conf` | camera to world | OpenGL | the lower left corner |
//! | `.house` | world to camera | OpenGL | the lower left corner |
//! | `<pano>_pose_*.txt`, `<pano>_intrinsics_*.txt` | camera to world | OpenCV | the upper left corner |
//! | skybox | of the panorama, turned by quarters | OpenCV | sides see 90 degrees |
//!
//! Out come poses of cameras with OpenCV axes, and intrinsics from the upper left corner.

use std::collections::HashMap;

use spatialmill_geometry::{Intrinsics, Matrix3, Rigid};

use super::house::HousePhoto;
use crate::source::camera_text;
use crate::source::intrinsics::{self, Camera, CameraSize};
use crate::source::upright::StoredImage;
use crate::tables::Unusable;
use crate::text;

/// Of the photos that Matterport's cameras take, which every recorded camera is of unless it says otherwise.
pub const PHOTO_SIZE: (f64, f64) = (1280.0, 1024.0);

/// The camera of a photo.
#[derive(Debug, Clone, PartialEq)]
pub struct PhotoCamera {
    pub world_from_camera: Rigid,
    focal: Focal,
}

#[derive(Debug, Clone, PartialEq)]
enum Focal {
    /// Of images of this size.
    Recorded { intrinsics: Intrinsics, size: (f64, f64), origin: Origin },
    /// A side of a cube, whatever its size.
    QuarterView,
}

/// Where the principal point is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Upper,
    Lower,
}

impl PhotoCamera {
    /// Of a line of a `.conf` or a record of a `.house`. Codes: `pose`, `intrinsics`.
    fn of_opengl(pose: Rigid, matrix: [f64; 9], size: (f64, f64)) -> Result<Self, Unusable> {
        let axes = Matrix3::from_diagonal(&[1.0, -1.0, -1.0].into());
        let world_from_camera = Rigid { rotation: pose.rotation * axes, translation: pose.translation };
        let intrinsics = camera_text::intrinsics_of(matrix)?;
        Ok(Self { world_from_camera, focal: Focal::Recorded { intrinsics, size, origin: Origin::Lower } })
    }

    /// Of a record of a `.house`. Codes: `pose`, `intrinsics`.
    pub fn of_house(photo: &HousePhoto) -> Result<Self, Unusable> {
        let camera_from_world = rigid(&photo.extrinsics)?;
        Self::of_opengl(camera_from_world.inverse(), photo.intrinsics, photo.size)
    }

    /// Of two text files: width, height, fx, fy, cx, cy and the lens's distortion; and 4 x 4 numbers. Codes: `pose`, `intrinsics`.
    pub fn of_files(intrinsics: &[u8], pose: &[u8]) -> Result<Self, Unusable> {
        let world_from_camera = camera_text::pose(pose)?;
        let refused = |message: String| Unusable::new("intrinsics", message);
        let numbers = camera_text::numbers(intrinsics).map_err(refused)?;
        let [width, height, fx, fy, cx, cy, ..] = numbers[..] else {
            return Err(refused(format!(
                "{} numbers; it takes width height fx fy cx cy and the distortion",
                numbers.len()
            )));
        };
        if ![width, height].iter().all(|side| (1.0..=1e6).contains(side)) {
            return Err(refused(format!("of an image of {width}x{height} pixels")));
        }
        let intrinsics = (Intrinsics { fx, fy, cx, cy }).checked().map_err(|e| refused(e.to_string()))?;
        Ok(Self {
            world_from_camera,
            focal: Focal::Recorded { intrinsics, size: (width, height), origin: Origin::Upper },
        })
    }

    /// Of a side of a skybox, 1 to 4: the pose of R2R's graphs looks at side 3, and the next side is a quarter turn to the right.
    pub fn of_skybox(world_from_camera: &Rigid, side: u8) -> Self {
        let (cos, sin) = match side {
            1 => (-1.0, 0.0),
            2 => (0.0, -1.0),
            4 => (0.0, 1.0),
            _ => (1.0, 0.0),
        };
        // About the camera's y axis, which points down.
        let turn = Matrix3::new(cos, 0.0, sin, 0.0, 1.0, 0.0, -sin, 0.0, cos);
        let world_from_camera =
            Rigid { rotation: world_from_camera.rotation * turn, translation: world_from_camera.translation };
        Self { world_from_camera, focal: Focal::QuarterView }
    }

    /// The intrinsics of the photo as it lies on disk. Code: `intrinsics`.
    pub fn fitted(&self, photo: StoredImage) -> Result<Camera, Unusable> {
        let (width, height) = (f64::from(photo.width), f64::from(photo.height));
        match &self.focal {
            Focal::QuarterView => {
                let camera =
                    Intrinsics { fx: width / 2.0, fy: height / 2.0, cx: (width - 1.0) / 2.0, cy: (height - 1.0) / 2.0 };
                intrinsics::fitted(&camera, CameraSize::OfImage, photo)
            }
            Focal::Recorded { intrinsics: recorded, size, origin } => {
                let from_above = |height: f64| match origin {
                    Origin::Upper => *recorded,
                    Origin::Lower => Intrinsics { cy: height - 1.0 - recorded.cy, ..*recorded },
                };
                let fitted = intrinsics::fitted(&from_above(size.1), CameraSize::Recorded(size.0, size.1), photo);
                // Whoever made photos smaller may have made the intrinsics anew, and left the file as it was.
                fitted
                    .or_else(|why| intrinsics::fitted(&from_above(height), CameraSize::Unsaid, photo).map_err(|_| why))
            }
        }
    }
}

fn rigid(matrix: &[f64; 16]) -> Result<Rigid, Unusable> {
    Rigid::from_row_major(matrix).map_err(|e| Unusable::new("pose", e.to_string()))
}

/// The cameras of all undistorted photos of a scan.
#[derive(Debug, Default)]
pub struct CameraList {
    /// By the photo's name, without an ending.
    pub cameras: HashMap<String, PhotoCamera>,
    /// Lines that cannot be used.
    pub lost: Vec<(String, Unusable)>,
}

impl CameraList {
    /// Reads `undistorted_camera_parameters/<scan>.conf`: intrinsics hold for the photos below them. Code: `unreadable`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Unusable> {
        let text = text::decode(bytes).map_err(|why| Unusable::new("unreadable", why))?;
        let mut list = Self::default();
        let (mut intrinsics, mut promised, mut scans) = (None, None, 0);
        for (number, line) in (1..).zip(text.lines()) {
            let Some((word, rest)) = line.trim().split_once(char::is_whitespace) else { continue };
            match word {
                "n_images" => promised = rest.trim().parse::<usize>().ok(),
                "intrinsics_matrix" => {
                    let numbers = camera_text::numbers(rest.as_bytes());
                    let matrix =
                        numbers.and_then(|n| n.try_into().map_err(|n: Vec<f64>| format!("{} numbers", n.len())));
                    intrinsics = match matrix {
                        Ok(matrix) => Some(matrix),
                        Err(why) => {
                            let message = format!("line {number}: intrinsics_matrix takes 9 numbers: {why}");
                            list.lost.push((format!("line {number}"), Unusable::new("intrinsics", message)));
                            None
                        }
                    };
                }
                "scan" => {
                    scans += 1;
                    if let Err(why) = list.add(rest, intrinsics) {
                        let why = Unusable { message: format!("line {number}: {}", why.message), ..why };
                        list.lost.push((format!("line {number}"), why));
                    }
                }
                _ => {}
            }
        }
        if promised.is_some_and(|promised| promised != scans) {
            let message = format!("n_images is {}, and cameras of {scans} are there", promised.unwrap_or_default());
            list.lost.push(("n_images".to_owned(), Unusable::new("intrinsics", message)));
        }
        Ok(list)
    }

    fn add(&mut self, line: &str, intrinsics: Option<[f64; 9]>) -> Result<(), Unusable> {
        let refused = |message: String| Unusable::new("pose", message);
        let mut words = line.split_whitespace();
        let (Some(_depth), Some(photo)) = (words.next(), words.next()) else {
            return Err(refused("`scan` takes a depth image, a photo and 16 numbers".to_owned()));
        };
        let numbers = camera_text::numbers(words.collect::<Vec<_>>().join(" ").as_bytes()).map_err(refused)?;
        let matrix: [f64; 16] =
            numbers.try_into().map_err(|n: Vec<f64>| refused(format!("{} numbers; a pose has 16", n.len())))?;
        let matrix_of = intrinsics.ok_or_else(|| {
            Unusable::new("intrinsics", "no intrinsics_matrix that can be used stands above it".to_owned())
        })?;
        let camera = PhotoCamera::of_opengl(rigid(&matrix)?, matrix_of, PHOTO_SIZE)?;
        let name = photo.rsplit_once('.').map_or(photo, |(name, _)| name);
        self.cameras.insert(name.to_owned(), camera);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spatialmill_geometry::Vector3;

    const CONF: &str = "dataset matterport\nn_images 2\ndepth_directory undistorted_depth_images\ncolor_directory undistorted_color_images\n\n\
        intrinsics_matrix 1075 0 629.5  0 1076 500  0 0 1\n\
        scan a_d1_0.png a_i1_0.jpg 1 0 0 4 0 0 -1 5 0 1 0 1.5 0 0 0 1\n\
        scan a_d1_1.png a_i1_1.jpg 0 0 1 4 1 0 0 5 0 1 0 1.5 0 0 0 1\n";

    #[test]
    fn a_conf_counts_from_the_lower_left_and_looks_backwards() {
        let list = CameraList::parse(CONF.as_bytes()).unwrap();
        assert_eq!(list.lost, []);
        let first = &list.cameras["a_i1_0"];
        // OpenGL's camera looks along its -z, which is +y of the world here.
        assert_eq!(first.world_from_camera.rotation.column(2), Vector3::y());
        assert_eq!(first.world_from_camera.rotation.column(1), -Vector3::z(), "down");
        let photo = StoredImage { width: 1280, height: 1024, ..StoredImage::default() };
        let camera = first.fitted(photo).unwrap().intrinsics;
        assert_eq!((camera.fx, camera.cx, camera.cy), (1075.0, 629.5, 523.0));
        let small = StoredImage { width: 320, height: 256, ..StoredImage::default() };
        assert_eq!(first.fitted(small).unwrap().intrinsics.fx, 268.75);
        let second = &list.cameras["a_i1_1"].world_from_camera;
        assert_eq!(second.rotation.column(2), -Vector3::x());
    }

    #[test]
    fn damaged_lines_cost_themselves() {
        let lost = |text: String| CameraList::parse(text.as_bytes()).unwrap().lost.len();
        assert_eq!(lost(CONF.replace("n_images 2", "n_images 3")), 1);
        assert_eq!(lost(CONF.replace("1 0 0 4 0 0 -1", "1 0 0 4 0 0")), 1);
        assert_eq!(lost(CONF.replace("629.5", "")), 3, "the matrix, and both photos without one");
    }

    #[test]
    fn sides_of_a_skybox_turn_to_the_right() {
        // Looks along +y, level.
        let pose = Rigid {
            rotation: Matrix3::new(1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, -1.0, 0.0),
            translation: Vector3::zeros(),
        };
        let ahead = |side| PhotoCamera::of_skybox(&pose, side).world_from_camera.rotation.column(2).into_owned();
        assert_eq!([1, 2, 3, 4].map(ahead), [-Vector3::y(), -Vector3::x(), Vector3::y(), Vector3::x()]);
        let side = StoredImage { width: 1024, height: 1024, ..StoredImage::default() };
        let camera = PhotoCamera::of_skybox(&pose, 2).fitted(side).unwrap().intrinsics;
        assert_eq!((camera.fx, camera.fy, camera.cx), (512.0, 512.0, 511.5));
    }
}
