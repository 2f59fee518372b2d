//! The `rgbd` source: folders of colour images with registered metric depth, the camera of each, and objects as COCO JSON,
//! instance images or oriented boxes. The layout is our own, made to be easy to write with a script.
//!
//! A scene's folder is a shard. Its boxes and masks are read before its frames are pushed, because only then is it known what
//! a frame's objects can be made from, and whether all of them could be used.

mod boxes;
mod frames;
mod instances;
mod marks;
mod scene;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use spatialmill_geometry::{Matrix3, Vector3};

use self::frames::SceneReader;
use super::camera_text;
use super::file_entry::FilesDigest;
use super::intrinsics::{CameraSize, IntrinsicsSize};
use super::root::Root;
use super::{Shard, Source, SourceOptions};
use crate::error::{Error, Result};
use crate::source::RowSink;
use crate::tables::Unusable;

/// The entry of [`SOURCES`](super::SOURCES).
pub const RGBD: super::SourceKind = super::SourceKind {
    name: "rgbd",
    doc: "colour images with metric depth and cameras, in a layout that is easy to write",
    long_doc: LONG_DOC,
    makes_root: false,
    open: |root, options| Ok(Box::new(RgbdReader::open(root, options)?)),
};

const LONG_DOC: &str = "\
Layout: a folder for each scene below `root`, or the root itself where there is one scene. <n> is a name, the same for
all that belongs to one image.

  <scene>/color/<n>.jpg or .png    the colour images
  <scene>/depth/<n>.png or .npy    registered depth: 16-bit greyscale PNG in millimetres (see depth_scale), or a NumPy
                                   array of metres (<f4, <f8, <u2, <u4, <i2, <i4, <i8); 0, negative, inf and NaN are no
                                   reading. It may be smaller or larger than the colour image, but shows the same view:
                                   depth as a Kinect gives it (7-Scenes, 3DMatch) is not registered, and has to be warped
                                   first. Optional: without, a depth_model of mill.toml may place what has masks
  <scene>/intrinsics.txt           of the colour images: fx fy cx cy, or a 3x3, 3x4 or 4x4 matrix, row by row; the centre
                                   of the top left pixel is (0, 0). Or intrinsics/<n>.txt for each
  <scene>/pose/<n>.txt             optional: camera to world, 4x4 or 3x4, row by row, metres
  <scene>/gravity/<n>.txt          optional, for images without a pose: three numbers, the direction that points down in
                                   camera axes (x right, y down, z forward), or nine, the rotation of camera axes into a
                                   world with z up. Or gravity.txt for all
  <scene>/timestamps.txt           optional: a line for each image, <n> and the seconds of any clock
  <scene>/scene.json               optional: {\"kind\": \"scan\", \"place\": \"flat 7\", \"category\": \"kitchen\"}; kind is scan, house, region,
                                   object (one object, seen from all sides) or sequence, and scenes of one place are scans of
                                   it at different times
and the objects, as one of
  <scene>/annotations.json         COCO: images (by the file name in color/), annotations (with a `caption` each, where there is
                                   one: a short noun phrase that tells it from others of its category), categories
  <scene>/instance/<n>.png         8- or 16-bit greyscale, or with a palette: the value or index is an id, 0 is nothing; and
  <scene>/instances.json           what each id is: {\"1\": \"chair\", \"2\": {\"category\": \"bed\", \"caption\": \"the red bed\",
                                   \"crowd\": false}, \"3\": null}; null is for what is no object. instance/<n>.json for one image
and / or
  <scene>/boxes.json               {\"frame\": \"world\", \"boxes\": [{\"id\": 1, \"category\": \"bed\", \"caption\": \"the red bed\",
                                   \"centroid\": [x, y, z], \"axesLengths\": [3 full lengths], \"normalizedAxes\": [3 unit
                                   vectors, 9 numbers]}]}; metres. With \"frame\": \"camera\" each box is in the camera axes of
                                   its \"image\": \"<n>\". With \"symmetry\": 1 an object looks the same in one turn about the vertical
                                   alone, 2 also after half a turn, 4 after a quarter, 0 in any

Options:

  depth_scale      stored units in a metre. Default: 1000 for PNG, 1 for NumPy
  intrinsics_size  the size of the images that the intrinsics are of, [640, 480], where the images here are smaller or
                   larger; or \"image\" where they are right however odd they look. Default: of the images here, and an
                   image is refused whose principal point is far from its middle along both sides, or outside, or whose
                   focal lengths differ by more than a factor of 1.8
  world_up         which direction of the poses' world points up: x, -x, y, -y, z (default), -z, three numbers (the
                   normal of the floor, say), or unknown; then poses are not used, and what is level is taken from
                   gravity files, or assumed. A scene without poses needs no world
  camera_axes      of the poses: opencv (default; x right, y down, z forward) or opengl (x right, y up, z backward)
  metric           false: poses and depth have no known scale, as COLMAP makes them, so that no lengths are asked of scenes. Default: true
  exhaustive       true: in every image, every object of each category that is used at all is marked, so that objects
                   may be counted; where one of them cannot be lifted, its category is not counted. Default: false
  made_by          who marked the objects. Default: annotation

What becomes of what: objects of a frame are made from boxes and their camera (`lifted_from` is scan) where the scene has
usable boxes and the frame has a pose and depth, which shows what hides what; else from masks and depth (depth), which
models may have made where nobody did; else not at all. A scene is a scan where its images have poses or its boxes a world, else a sequence. With \"frame\": \"camera\" every image is a scene of its own, whose world is
the camera turned upright. Where EXIF says that a colour image lies on its side, the frame is the upright image: depth,
masks, intrinsics, pose and gravity are of the pixels as they are stored, unless their sizes (of intrinsics: their principal
point) are those of the upright image, and are turned with it.

Forgiven: byte order marks, UTF-16, CRLF and blanks in text and JSON files; numbers apart by blanks, commas, semicolons or
brackets, with comments after #; in JSON, numbers and ids as 1.0 or \"1\", NaN, Infinity and null in fields that need not be there,
fields that nobody asks for, axes as three lists; names whose accents are written in another Unicode form; endings of depth files and id images in
capitals; files in color/ that are hidden or lie beside an image of their
name.

Told in quarantine, and no loss: what names no id in instances.json (json), captions of more than 1000 bytes, which are cut
(caption); images whose pose is not finite, which is how scanners write that tracking was lost, with
what is said of them (tracking); images with objects and without depth, or with depth that has no reading, which are kept
(no_depth); files of depth/, pose/, gravity/ and intrinsics/ that belong to no colour image, a row for each folder (no_frame).

Quarantined: images that cannot be read or have no good camera (image, unreadable, path, intrinsics, pose, gravity), depth
that is no depth, of another shape, of a format that is not read, or not between 5 cm and 500 m at its median (depth), bad id
images, and ids in another format (instance), ids that have no name (category), a bad scene.json (json), lines of timestamps.txt (timestamp), bad boxes (box3d), boxes without an upright world (world), and what
`coco` quarantines. A frame that lost an object in this way is no longer exhaustive.";

/// Changes when the same files would be read as different rows.
const READER: &str = "rgbd 7";

/// The name of the scene that is the root itself.
const WHOLE: &str = "all";

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RgbdOptions {
    depth_scale: Option<f64>,
    intrinsics_size: Option<IntrinsicsSize>,
    world_up: Up,
    camera_axes: Axes,
    metric: bool,
    exhaustive: bool,
    made_by: String,
}

impl Default for RgbdOptions {
    fn default() -> Self {
        Self {
            depth_scale: None,
            intrinsics_size: None,
            world_up: Up::Axis("z".to_owned()),
            camera_axes: Axes::Opencv,
            metric: true,
            exhaustive: false,
            made_by: "annotation".to_owned(),
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Up {
    Axis(String),
    Vector([f64; 3]),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Axes {
    Opencv,
    Opengl,
}

/// A folder of scenes.
struct RgbdReader {
    root: Root,
    /// As the project file says it; prefix of all ids.
    name: String,
    split: Option<String>,
    licence: Option<String>,
    options: RgbdOptions,
    /// Turns the poses' world upright; none where nobody knows how.
    upright: Option<Matrix3<f64>>,
    /// The size of the images that the intrinsics are of.
    intrinsics_of: CameraSize,
    /// The first scene, and folders that look like scenes and have no photos.
    others: Mutex<(Option<String>, BTreeSet<String>)>,
    fingerprinted: String,
}

impl RgbdReader {
    fn open(root: Root, options: &SourceOptions) -> Result<Self> {
        let own: RgbdOptions = options.parse("rgbd")?;
        let wrong = |option: &str, allowed: &str| {
            Error::usage(format!("`{option}` of an rgbd source takes {allowed}")).with("source", &options.name)
        };
        if own.depth_scale.is_some_and(|scale| !(1e-6..=1e9).contains(&scale)) {
            return Err(wrong("depth_scale", "the stored units in a metre, such as 1000"));
        }
        let up = match &own.world_up {
            Up::Vector(up) => Some(Vector3::from(*up)),
            Up::Axis(axis) => match axis.as_str() {
                "x" => Some(Vector3::x()),
                "-x" => Some(-Vector3::x()),
                "y" => Some(Vector3::y()),
                "-y" => Some(-Vector3::y()),
                "z" => Some(Vector3::z()),
                "-z" => Some(-Vector3::z()),
                "unknown" => None,
                _ => return Err(wrong("world_up", "x, -x, y, -y, z, -z, three numbers, or unknown")),
            },
        };
        if up.is_some_and(|up| !(1e-6..1e6).contains(&up.norm())) {
            return Err(wrong("world_up", "a direction of some length"));
        }
        Ok(Self {
            fingerprinted: format!("{READER} {}", serde_json::to_string(options).unwrap_or_default()),
            root,
            name: options.name.clone(),
            split: options.split.clone(),
            licence: options.licence.clone(),
            upright: up.map(|up| camera_text::upright(&up)),
            intrinsics_of: IntrinsicsSize::parsed(own.intrinsics_size.as_ref())
                .map_err(|allowed| wrong("intrinsics_size", allowed))?,
            options: own,
            others: Mutex::default(),
        })
    }

    /// A scene's folder, with a `/` at its end where it has a name.
    fn folder(shard: &Shard) -> String {
        if shard.name == WHOLE { String::new() } else { format!("{}/", shard.name) }
    }
}

impl Source for RgbdReader {
    fn shards(&self) -> Result<Vec<Shard>> {
        let (mut scenes, mut others) = (BTreeSet::new(), BTreeSet::new());
        let digests = self.root.digests("", |entry| {
            let (scene, rest) = match entry.path.split_once('/') {
                Some(("color" | "depth" | "intrinsics" | "pose" | "gravity" | "instance", _)) | None => {
                    (WHOLE, entry.path.as_str())
                }
                Some((scene, rest)) => (scene, rest),
            };
            if rest.starts_with("color/") && entry.refused.is_none() {
                scenes.insert(scene.to_owned());
            } else if ["depth/", "instance/", "pose/", "intrinsics.txt"].iter().any(|part| rest.starts_with(part)) {
                others.insert(scene.to_owned());
            }
            Some(scene.to_owned())
        })?;
        if scenes.is_empty() {
            return Err(Error::input("no folder has colour images: there is no <scene>/color/ and no color/")
                .with("root", &self.root)
                .hint("`spatialmill import --kind rgbd` shows the layout"));
        }
        if scenes.contains(WHOLE) && scenes.len() > 1 {
            return Err(Error::input("both the root and folders below it have a `color` folder")
                .with("root", &self.root)
                .hint("move the root's own images into a folder, which is then a scene"));
        }
        others.retain(|scene| !scenes.contains(scene) && scene != WHOLE);
        let digests = digests.into_iter().filter(|(name, _)| scenes.contains(name));
        // What is told of the others is told with the first.
        let told = others.iter().fold(String::new(), |told, scene| format!("{told} {scene}/"));
        let digests = digests.enumerate().map(|(at, (name, digest))| {
            let FilesDigest { hash, bytes } = digest;
            (name, if at == 0 { format!("{hash}{told}") } else { hash }, bytes)
        });
        *self.others.lock().unwrap_or_else(PoisonError::into_inner) = (scenes.first().cloned(), others);
        let shard = |(name, digest, bytes): (String, String, u64)| {
            Shard::fingerprinted(name, &format!("{} {digest}", self.fingerprinted), bytes)
        };
        Ok(digests.map(shard).collect())
    }

    fn read(&self, shard: &Shard, rows: &mut RowSink) -> Result<()> {
        let (first, others) = self.others.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for scene in others.iter().filter(|_| first.as_ref() == Some(&shard.name)) {
            let message = "there are no photos in color/; how many are lost nobody knows, and it counts as one";
            rows.refuse_image(scene, scene, Unusable::new("missing_file", message))?;
        }
        let folder = Self::folder(shard);
        let id = if folder.is_empty() { self.name.clone() } else { format!("{}/{}", self.name, shard.name) };
        let mut scene = SceneReader::open(self, folder, id, rows)?;
        scene.boxes(rows)?;
        if !scene.instance_images(rows)? {
            scene.annotations(rows)?;
        }
        scene.finish(rows)
    }
}
