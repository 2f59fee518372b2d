//! Frames: the photos of a scene in a folder, in any of the layouts that ScanNet's exporters and its users write.

use spatialmill_geometry::{Intrinsics, Rigid};

use super::alignment::Meta;
use crate::error::Result;
use crate::photos::Address;
use crate::source::camera_text::{self, TRACKING};
use crate::source::depth::{DepthFile, DepthUnits};
use crate::source::intrinsics::{self, Camera, CameraSize};
use crate::source::photo::{self, Photo};
use crate::source::root::Root;
use crate::source::upright::{self, StoredImage};
use crate::tables::{Frame, Unusable};

/// Photos a second, for scans that do not say when they were taken.
const RATE_HZ: f64 = 30.0;

/// ScanNet's depth is in millimetres.
const UNITS_PER_METRE: f64 = 1000.0;

/// A folder with photos, as a list of its files.
pub struct FrameFolder<'a> {
    pub root: &'a Root,
    /// Below the root, with a `/` at its end.
    pub path: String,
    /// Below this folder, sorted.
    pub files: Vec<String>,
}

/// One photo with the files that belong to it, below their folder. Only the photo must exist.
#[derive(Debug, PartialEq, Eq)]
pub struct FrameFiles {
    /// As in the files' names.
    pub name: String,
    pub colour: String,
    pose: String,
    depth: Option<String>,
}

/// The camera of a folder's photos, as it is recorded.
#[derive(Debug, Clone)]
pub struct RecordedCamera {
    intrinsics: Intrinsics,
    of: CameraSize,
    /// False where the size is told in another place than the intrinsics: whoever made photos smaller may have made those anew.
    sure: bool,
}

impl RecordedCamera {
    fn fitted(&self, photo: StoredImage) -> Result<Camera, Unusable> {
        let fitted = intrinsics::fitted(&self.intrinsics, self.of, photo);
        if self.sure {
            return fitted;
        }
        fitted.or_else(|why| intrinsics::fitted(&self.intrinsics, CameraSize::Unsaid, photo).map_err(|_| why))
    }
}

/// Where intrinsics may be.
const CAMERAS: &[&str] = &["intrinsic/intrinsic_color.txt", "intrinsic_color.txt", "intrinsic.txt"];

impl<'a> FrameFolder<'a> {
    pub fn list(root: &'a Root, path: &str) -> Result<Self> {
        let path = format!("{path}/");
        let below = |entry: crate::source::file_entry::FileEntry| entry.path.strip_prefix(&path).map(str::to_owned);
        // Macs put a file of their own beside each that is copied to another disk, with its ending.
        let hidden = |file: &String| file.split('/').any(|part| part.starts_with('.'));
        let files = root.list(path.trim_end_matches('/'))?.into_iter().filter_map(below);
        let files = files.filter(|file| !hidden(file)).collect();
        Ok(Self { root, path, files })
    }

    pub fn has(&self, file: &str) -> bool {
        self.files.binary_search_by(|name| name.as_str().cmp(file)).is_ok()
    }

    /// The photos, in the order of their numbers.
    pub fn shots(&self) -> Vec<FrameFiles> {
        let mut shots: Vec<FrameFiles> = self.files.iter().filter_map(|file| self.shot(file)).collect();
        shots.sort_by_cached_key(|shot| (number(&shot.name), shot.name.clone()));
        shots.dedup_by(|later, first| later.name == first.name);
        shots
    }

    /// The photo that a file is, if it is one.
    fn shot(&self, file: &str) -> Option<FrameFiles> {
        let (stem, ending) = file.rsplit_once('.')?;
        let ending = ending.to_ascii_lowercase();
        if !matches!(ending.as_str(), "jpg" | "jpeg" | "png") {
            return None;
        }
        let (name, pose, depth) = if let Some(name) = stem.strip_prefix("color/").filter(|name| !name.contains('/')) {
            (name, format!("pose/{name}.txt"), format!("depth/{name}.png"))
        } else if let Some(name) = stem.strip_suffix(".color").filter(|name| !name.contains('/')) {
            (name, format!("{name}.pose.txt"), format!("{name}.depth.png"))
        } else if stem.bytes().all(|byte| byte.is_ascii_digit()) && ending != "png" {
            (stem, format!("{stem}.txt"), format!("{stem}.png"))
        } else {
            return None;
        };
        let depth = self.has(&depth).then_some(depth);
        Some(FrameFiles { name: name.to_owned(), colour: file.to_owned(), pose, depth })
    }

    /// The camera of the photos: the folder's own, else what the scan's text says. Code: `intrinsics`.
    pub fn camera(&self, meta: &Meta, stated: CameraSize) -> Result<RecordedCamera, Unusable> {
        let info = match self.has("_info.txt") {
            true => Meta::parse(&self.bytes("_info.txt", camera_text::MAX_BYTES)?)?,
            false => Meta::default(),
        };
        let own = info.size(["m_colorWidth", "m_colorHeight"]);
        let of_scan = meta.size(["colorWidth", "colorHeight"]);
        let recorded = |intrinsics: Intrinsics, of: Option<(f64, f64)>, sure: bool| match stated {
            CameraSize::Unsaid => {
                RecordedCamera { intrinsics, of: of.map_or(stated, |(w, h)| CameraSize::Recorded(w, h)), sure }
            }
            stated => RecordedCamera { intrinsics, of: stated, sure: true },
        };
        if let Some(file) = CAMERAS.iter().find(|file| self.has(file)) {
            let camera = camera_text::intrinsics(&self.bytes(file, camera_text::MAX_BYTES)?)?;
            return Ok(recorded(camera, own.or(of_scan), false));
        }
        if let Some(matrix) = info.matrix("m_calibrationColorIntrinsic") {
            let m = matrix.map_err(|e| Unusable::new("intrinsics", e))?;
            let camera = Intrinsics { fx: m[0], fy: m[5], cx: m[2], cy: m[6] };
            let camera = camera.checked().map_err(|e| Unusable::new("intrinsics", e.to_string()))?;
            return Ok(recorded(camera, own.or(of_scan), own.is_some()));
        }
        let camera = meta.colour_camera().ok_or_else(|| {
            Unusable::new("intrinsics", "neither the photos' folder nor <id>.txt says what camera took them")
        })?;
        Ok(recorded(camera, of_scan, true))
    }

    /// What is known of a photo but its depth, and without the scene's part of the row. The error names the file at fault.
    pub fn frame(
        &self,
        shot: &FrameFiles,
        camera: &RecordedCamera,
        align: &Rigid,
    ) -> Result<(Frame, StoredImage), (String, Unusable)> {
        let of = |file: &str| {
            let file = self.below(file);
            move |why: Unusable| (file, why)
        };
        let photo = Photo::read(self.root, &self.below(&shot.colour)).map_err(of(&shot.colour))?;
        let stored = StoredImage::of(&photo);
        upright::unmirrored(stored.turn).map_err(of(&shot.colour))?;
        let Camera { intrinsics, turn } = camera.fitted(stored).map_err(of(&shot.colour))?;
        let pose = self.bytes(&shot.pose, camera_text::MAX_BYTES).and_then(|text| camera_text::pose(&text));
        let code = |why: &Unusable| if why.code == TRACKING { TRACKING } else { "pose" };
        let pose = pose.map_err(|why| Unusable { code: code(&why).into(), ..why }).map_err(of(&shot.pose))?;
        let (width, height) = stored.upright();
        let frame = Frame {
            uri: Address { orientation: stored.turn.exif(), ..Address::file(self.uri(&shot.colour)?) }.to_string(),
            sha256: Some(photo.sha256),
            width: width as i32,
            height: height as i32,
            world_from_camera: Some(upright::pose(&pose, turn).then(align).to_row_major().to_vec()),
            timestamp: number(&shot.name).map(|number| number as f64 / RATE_HZ),
            ..Frame::taken_by(&intrinsics)
        };
        Ok((frame, stored))
    }

    /// Adds the photo's depth to its frame, where there is some. Code: `depth`.
    pub fn depth(&self, shot: &FrameFiles, stored: StoredImage, frame: &mut Frame) -> Result<(), (String, Unusable)> {
        let Some(file) = &shot.depth else { return Ok(()) };
        let bytes = self.bytes(file, photo::MAX_BYTES);
        let judged =
            bytes.and_then(|bytes| DepthFile::judged(&bytes, DepthUnits::InMetre(Some(UNITS_PER_METRE)), stored));
        judged.map_err(|why| (self.below(file), why))?.enter(self.uri(file)?, frame);
        Ok(())
    }

    fn uri(&self, file: &str) -> Result<String, (String, Unusable)> {
        self.root.uri(&self.below(file)).map_err(|e| (self.below(file), Unusable::new("path", e.to_string())))
    }

    /// A path below the root.
    pub fn below(&self, file: &str) -> String {
        format!("{}{file}", self.path)
    }

    /// A file's bytes. Codes: `missing_file`, `unreadable`.
    pub fn bytes(&self, file: &str, limit: u64) -> Result<Vec<u8>, Unusable> {
        if !self.has(file) {
            return Err(Unusable::new("missing_file", format!("there is no file `{}`", self.below(file))));
        }
        self.root.bytes(&self.below(file), limit).map_err(|e| Unusable::new("unreadable", e.to_string()))
    }
}

/// The number in a name: `frame-000012` is 12.
fn number(name: &str) -> Option<u64> {
    let digits = name.trim_start_matches(|c: char| !c.is_ascii_digit());
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shots(files: &[&str]) -> Vec<(String, String, Option<String>)> {
        let root = Root::local(&std::env::temp_dir()).unwrap();
        let mut files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
        files.sort();
        let folder = FrameFolder { root: &root, path: "s/".to_owned(), files };
        folder.shots().into_iter().map(|shot| (shot.name, shot.pose, shot.depth)).collect()
    }

    fn shot(name: &str, pose: &str, depth: Option<&str>) -> (String, String, Option<String>) {
        (name.to_owned(), pose.to_owned(), depth.map(str::to_owned))
    }

    #[test]
    fn each_layout_is_known() {
        assert_eq!(
            shots(&["color/10.jpg", "color/2.jpg", "depth/2.png", "pose/2.txt", "color/x/1.jpg", "scene.txt"]),
            [shot("2", "pose/2.txt", Some("depth/2.png")), shot("10", "pose/10.txt", None)]
        );
        assert_eq!(
            shots(&["00011.jpg", "00011.png", "00000.jpg", "intrinsic.txt", "00011.txt", "mesh.png", "00012.png"]),
            [shot("00000", "00000.txt", None), shot("00011", "00011.txt", Some("00011.png"))]
        );
        assert_eq!(
            shots(&["frame-000001.color.JPG", "frame-000001.depth.png", "frame-000001.pose.txt"]),
            [shot("frame-000001", "frame-000001.pose.txt", Some("frame-000001.depth.png"))]
        );
    }

    #[test]
    fn numbers_in_names() {
        assert_eq!((number("frame-000012"), number("00000"), number("a")), (Some(12), Some(0), None));
        assert_eq!(number("99999999999999999999999"), None);
    }
}
