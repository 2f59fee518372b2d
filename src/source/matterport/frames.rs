//! Photos of a scan: undistorted ones, else those as they were taken, else the level sides of skyboxes; with depth where it is there.

use std::collections::{BTreeMap, HashSet};

use spatialmill_geometry::Rigid;

use super::cameras::{CameraList, PhotoCamera};
use super::files::{self, ScanFiles};
use super::house::House;
use crate::error::Result;
use crate::photos::Address;
use crate::source::camera_text;
use crate::source::depth::{DepthFile, DepthUnits};
use crate::source::photo::{self, Photo};
use crate::source::root::Root;
use crate::source::upright::{self, StoredImage};
use crate::tables::{Frame, Unusable};

/// Matterport's depth is in quarters of a millimetre, along the viewing axis.
const UNITS_PER_METRE: f64 = 4000.0;

/// A photo of a scan, or a side of a skybox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhotoFile {
    /// Without the ending; a frame's id ends with it.
    pub name: String,
    pub path: String,
    panorama: String,
    view: View,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    /// One of three cameras (0 looks up, 1 is level, 2 looks down) in one of six directions.
    Camera { camera: u8, yaw: u8 },
    /// 0 is up, 5 is down.
    Skybox { side: u8 },
}

impl PhotoFile {
    /// `<pano>_i1_2.jpg`, or `<pano>_skybox3_sami.jpg`; none for other files.
    fn of(path: &str) -> Option<Self> {
        let file = path.rsplit('/').next().unwrap_or(path);
        if !photo::has_ending(file) || file.starts_with('.') {
            return None;
        }
        let name = file.rsplit_once('.')?.0;
        let digit = |text: &str| text.parse::<u8>().ok().filter(|_| text.len() == 1);
        let (panorama, view) = if let Some((panorama, rest)) = name.rsplit_once("_skybox") {
            let side = digit(rest.strip_suffix("_sami").unwrap_or(rest))?;
            (panorama, View::Skybox { side })
        } else {
            let (panorama, rest) = name.rsplit_once("_i")?;
            let (camera, yaw) = rest.split_once('_')?;
            (panorama, View::Camera { camera: digit(camera)?, yaw: digit(yaw)? })
        };
        let (name, panorama, path) = (name.to_owned(), panorama.to_owned(), path.to_owned());
        (!panorama.is_empty()).then_some(Self { name, path, panorama, view })
    }
}

/// What is known of a scan's photos.
pub struct Photos<'a> {
    pub root: &'a Root,
    /// In the order of their names.
    pub photos: Vec<PhotoFile>,
    /// Paths of depth images, of intrinsics and of poses that are there.
    others: HashSet<String>,
    depth_folder: Option<&'a str>,
    intrinsics_folder: Option<&'a str>,
    poses_folder: Option<&'a str>,
    pub list: CameraList,
    house: &'a House,
    /// Poses of panoramas.
    panoramas: BTreeMap<&'a str, &'a Rigid>,
}

impl<'a> Photos<'a> {
    /// The photos of one kind, those of the wanted cameras.
    pub fn list(
        root: &'a Root,
        files: &'a ScanFiles,
        cameras: &[u8],
        list: CameraList,
        house: &'a House,
        panoramas: BTreeMap<&'a str, &'a Rigid>,
    ) -> Result<Self> {
        let folder = |kind: &str| files.folders.get(kind).map(String::as_str);
        let mut photos = Self {
            root,
            photos: Vec::new(),
            others: HashSet::new(),
            depth_folder: None,
            intrinsics_folder: None,
            poses_folder: None,
            list,
            house,
            panoramas,
        };
        let kinds = [
            (files::COLOUR_UNDISTORTED, Some(files::DEPTH_UNDISTORTED)),
            (files::COLOUR_RAW, Some(files::DEPTH_RAW)),
            (files::SKYBOXES, None),
        ];
        for (colour, depth) in kinds {
            let Some(own) = folder(colour) else { continue };
            let wanted = |photo: &PhotoFile| match photo.view {
                View::Camera { camera, .. } => cameras.contains(&camera),
                // Nobody looks straight up or down, and seen so nothing has a place.
                View::Skybox { side } => (1..=4).contains(&side),
            };
            let listed = root.list(own)?;
            let mut found: Vec<PhotoFile> =
                listed.iter().filter_map(|entry| PhotoFile::of(&entry.path)).filter(wanted).collect();
            if found.is_empty() {
                continue;
            }
            found.sort_by(|a, b| (&a.name, &a.path).cmp(&(&b.name, &b.path)));
            found.dedup_by(|later, first| later.name == first.name);
            photos.photos = found;
            photos.depth_folder = depth.and_then(folder);
            if colour == files::COLOUR_RAW {
                photos.intrinsics_folder = folder(files::INTRINSICS);
                photos.poses_folder = folder(files::POSES);
            }
            break;
        }
        for folder in [photos.depth_folder, photos.intrinsics_folder, photos.poses_folder].into_iter().flatten() {
            photos.others.extend(root.list(folder)?.into_iter().map(|entry| entry.path));
        }
        Ok(photos)
    }

    /// Whether any of them has depth.
    pub fn have_depth(&self) -> bool {
        self.photos.iter().any(|photo| self.depth_path(photo).is_some())
    }

    /// A file that is there.
    fn other(&self, folder: Option<&str>, name: &str) -> Option<String> {
        let path = format!("{}/{name}", folder?);
        self.others.contains(&path).then_some(path)
    }

    fn depth_path(&self, photo: &PhotoFile) -> Option<String> {
        let View::Camera { camera, yaw } = photo.view else { return None };
        self.other(self.depth_folder, &format!("{}_d{camera}_{yaw}.png", photo.panorama))
    }

    /// The camera of a photo: of its own files, else of the scan's list, else of the house. The error names the file at fault.
    fn camera(&self, photo: &PhotoFile) -> Result<PhotoCamera, (String, Unusable)> {
        let (camera, yaw) = match photo.view {
            View::Camera { camera, yaw } => (camera, yaw),
            View::Skybox { side } => {
                let pose = self.panoramas.get(photo.panorama.as_str());
                return pose.map(|pose| PhotoCamera::of_skybox(pose, side)).ok_or_else(|| {
                    let message = "the navigation graph has no pose of its panorama".to_owned();
                    (photo.path.clone(), Unusable::new("pose", message))
                });
            }
        };
        let intrinsics = self.other(self.intrinsics_folder, &format!("{}_intrinsics_{camera}.txt", photo.panorama));
        let pose = self.other(self.poses_folder, &format!("{}_pose_{camera}_{yaw}.txt", photo.panorama));
        if let (Some(intrinsics), Some(pose)) = (intrinsics, pose) {
            let read = |path: &str| self.root.bytes(path, camera_text::MAX_BYTES);
            let texts = read(&intrinsics).and_then(|intrinsics| Ok((intrinsics, read(&pose)?)));
            let (of_lens, of_place) = texts.map_err(|e| (pose.clone(), Unusable::new("unreadable", e.to_string())))?;
            return PhotoCamera::of_files(&of_lens, &of_place).map_err(|why| {
                let file = if why.code == "intrinsics" { intrinsics } else { pose };
                (file, why)
            });
        }
        if let Some(camera) = self.list.cameras.get(&photo.name) {
            return Ok(camera.clone());
        }
        match self.house.photos.get(&photo.name) {
            Some(recorded) => PhotoCamera::of_house(recorded).map_err(|why| (photo.path.clone(), why)),
            None => {
                let message = "neither a .conf, nor the .house, nor files of its own say where it was taken";
                Err((photo.path.clone(), Unusable::new("pose", message)))
            }
        }
    }

    /// What is known of a photo but its depth, and without the scene's part of the row. The error names the file at fault.
    pub fn frame(&self, photo: &PhotoFile) -> Result<(Frame, StoredImage), (String, Unusable)> {
        let of = |why: Unusable| (photo.path.clone(), why);
        let camera = self.camera(photo)?;
        let taken = Photo::read(self.root, &photo.path).map_err(of)?;
        let stored = StoredImage::of(&taken);
        upright::unmirrored(stored.turn).map_err(of)?;
        let fitted = camera.fitted(stored).map_err(of)?;
        let (width, height) = stored.upright();
        let frame = Frame {
            uri: Address { orientation: stored.turn.exif(), ..Address::file(self.uri(&photo.path)?) }.to_string(),
            sha256: Some(taken.sha256),
            width: width as i32,
            height: height as i32,
            world_from_camera: Some(upright::pose(&camera.world_from_camera, fitted.turn).to_row_major().to_vec()),
            ..Frame::taken_by(&fitted.intrinsics)
        };
        Ok((frame, stored))
    }

    /// Adds the photo's depth to its frame, where there is some. Codes: `depth`, `no_depth`.
    pub fn depth(&self, photo: &PhotoFile, stored: StoredImage, frame: &mut Frame) -> Result<(), (String, Unusable)> {
        let Some(path) = self.depth_path(photo) else { return Ok(()) };
        let of = |why: Unusable| (path.clone(), why);
        let bytes = photo::bytes(self.root, &path).map_err(of)?;
        let judged = DepthFile::judged(&bytes, DepthUnits::InMetre(Some(UNITS_PER_METRE)), stored).map_err(of)?;
        judged.enter(self.uri(&path)?, frame);
        Ok(())
    }

    fn uri(&self, path: &str) -> Result<String, (String, Unusable)> {
        self.root.uri(path).map_err(|e| (path.to_owned(), Unusable::new("path", e.to_string())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photos_are_told_by_their_names() {
        let of = |path: &str| PhotoFile::of(path).map(|photo| (photo.panorama, photo.view));
        assert_eq!(of("a/0_b_i1_2.jpg"), Some(("0_b".to_owned(), View::Camera { camera: 1, yaw: 2 })));
        assert_eq!(of("0b_skybox3_sami.jpg"), Some(("0b".to_owned(), View::Skybox { side: 3 })));
        for other in
            ["a/0b_d1_2.png", "0b_i1.jpg", "0b_skybox_small.jpg", "_i1_2.jpg", "a/._0b_i1_2.jpg", "0b_i1_2.txt"]
        {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
