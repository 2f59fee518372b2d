//! Which file below the root is what of which house: the layout of Matterport3D's downloads, of Habitat's, and of R2R's repository.
//!
//! ```text
//! v1/scans/<scan>/house_segmentations/<scan>.house          mp3d/<scan>/<scan>.house
//! v1/scans/<scan>/undistorted_color_images/<pano>_i1_2.jpg  connectivity/<scan>_connectivity.json
//! ```

use std::collections::BTreeMap;

/// Folders of a scan that are read, or that a file of the scan may lie in.
const FOLDERS: &[&str] = &[
    "house_segmentations",
    "region_segmentations",
    "undistorted_camera_parameters",
    COLOUR_UNDISTORTED,
    DEPTH_UNDISTORTED,
    COLOUR_RAW,
    DEPTH_RAW,
    INTRINSICS,
    POSES,
    SKYBOXES,
];

pub const COLOUR_UNDISTORTED: &str = "undistorted_color_images";
pub const DEPTH_UNDISTORTED: &str = "undistorted_depth_images";
pub const COLOUR_RAW: &str = "matterport_color_images";
pub const DEPTH_RAW: &str = "matterport_depth_images";
pub const INTRINSICS: &str = "matterport_camera_intrinsics";
pub const POSES: &str = "matterport_camera_poses";
pub const SKYBOXES: &str = "matterport_skybox_images";

/// Folders whose many files are listed when their scan is read.
const LISTED: &[&str] = &[COLOUR_UNDISTORTED, DEPTH_UNDISTORTED, COLOUR_RAW, DEPTH_RAW, INTRINSICS, POSES, SKYBOXES];

/// The files of a scan, below the root. Where there are two of a kind, the first by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScanFiles {
    pub house: Option<String>,
    pub graph: Option<String>,
    /// The cameras of all undistorted photos.
    pub cameras: Option<String>,
    /// Folders of photos, depth images, poses and intrinsics by their own names.
    pub folders: BTreeMap<&'static str, String>,
}

impl ScanFiles {
    /// Notes a file of this scan.
    pub fn add(&mut self, path: &str) {
        let least = |known: &mut Option<String>, path: &str| {
            if known.as_deref().is_none_or(|known| path < known) {
                *known = Some(path.to_owned());
            }
        };
        if path.ends_with("_connectivity.json") {
            least(&mut self.graph, path);
        } else if path.ends_with(".house") {
            least(&mut self.house, path);
        } else if path.ends_with(".conf") {
            least(&mut self.cameras, path);
        } else if let Some((folder, _)) = path.rsplit_once('/') {
            let own = folder.rsplit('/').next().unwrap_or_default();
            if let Some(kind) = LISTED.iter().find(|kind| **kind == own) {
                let known = self.folders.entry(kind).or_insert_with(|| folder.to_owned());
                if folder < known.as_str() {
                    folder.clone_into(known);
                }
            }
        }
    }
}

/// The scan that a file belongs to: by its own name, or by the folder that its folder lies in. None for all other files.
pub fn scan_of(path: &str) -> Option<&str> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = [".house", "_connectivity.json", ".conf"].iter().find_map(|ending| name.strip_suffix(ending));
    let above = || {
        let mut parts = folder.rsplit('/');
        let own = parts.next().filter(|own| FOLDERS.contains(own))?;
        let scan = parts.next()?;
        // A zip of one folder that was unpacked into a folder of its own name.
        if scan == own { parts.next() } else { Some(scan) }
    };
    stem.or_else(above).filter(|id| is_scan_id(id))
}

/// `17DRP5sb8fy`: letters and digits.
pub fn is_scan_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_belong_to_scans_in_every_layout() {
        for path in [
            "v1/scans/17DRP5sb8fy/house_segmentations/17DRP5sb8fy.house",
            "mp3d/17DRP5sb8fy/17DRP5sb8fy.house",
            "17DRP5sb8fy.house",
            "connectivity/17DRP5sb8fy_connectivity.json",
            "17DRP5sb8fy/undistorted_camera_parameters/17DRP5sb8fy.conf",
            "v1/scans/17DRP5sb8fy/matterport_color_images/0a_i1_2.jpg",
            "17DRP5sb8fy/matterport_skybox_images/matterport_skybox_images/0a_skybox1_sami.jpg",
        ] {
            assert_eq!(scan_of(path), Some("17DRP5sb8fy"), "{path}");
        }
        for path in ["connectivity/scans.txt", "R2R_train.json", "undistorted_color_images/0a_i1_2.jpg", ".house"] {
            assert_eq!(scan_of(path), None, "{path}");
        }
        let mut files = ScanFiles::default();
        for path in ["b/1.house", "a/1.house", "a/1/matterport_color_images/x.jpg"] {
            files.add(path);
        }
        assert_eq!(files.house.as_deref(), Some("a/1.house"));
        assert_eq!(files.folders[COLOUR_RAW], "a/1/matterport_color_images");
    }
}
