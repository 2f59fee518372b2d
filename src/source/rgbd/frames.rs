//! The frames of a scene: images, cameras and depth, and what becomes of their objects.

use std::collections::BTreeMap;

use spatialmill_geometry::{Matrix3, Rigid, Vector3, ViewSpace};

use super::boxes::{self, BoxFile, BoxRecord, Reference, Used};
use super::{Axes, Rgbd, camera};
use crate::error::Result;
use crate::source::depth;
use crate::source::photo::{self, Photo};
use crate::source::root::Entry;
use crate::source::rows::{Detection, Frame, Refused, Row, Rows, Vec3};

/// What a median depth reading can be, metres: outside, the scale is wrong.
const PLAUSIBLE_M: std::ops::Range<f64> = 0.05..500.0;

/// A depth image shows what its colour image shows, so that their shapes agree to about a pixel of a small sensor.
const SHAPE_TOLERANCE: f64 = 0.02;

/// A scene being read.
pub struct Scene<'a> {
    pub source: &'a Rgbd,
    /// With a `/` at its end, or empty.
    pub folder: String,
    id: String,
    /// By the image's name without its ending.
    pub images: BTreeMap<String, Image>,
    /// All files of the scene, below its folder.
    pub files: Vec<String>,
    /// Boxes lie in the scene's own world.
    world_boxes: bool,
}

/// One colour image.
pub struct Image {
    /// None where it cannot be used.
    pub frame: Option<Frame>,
    /// Camera-to-world, the world upright.
    pose: Option<Rigid>,
    down: Option<Vector3<f64>>,
    masks: bool,
    boxes: bool,
}

impl<'a> Scene<'a> {
    /// Reads the scene's images, cameras and depth.
    pub fn open(source: &'a Rgbd, folder: String, id: String, rows: &mut Rows) -> Result<Self> {
        let files = source.root.list(folder.trim_end_matches('/'))?;
        let below = |Entry { path, .. }: Entry| path.strip_prefix(&folder).map(str::to_owned);
        let files: Vec<_> = files.into_iter().filter_map(below).collect();
        let mut scene = Self { source, id, images: BTreeMap::new(), files, world_boxes: false, folder };
        for path in scene.files.clone() {
            let Some(file) = path.strip_prefix("color/") else { continue };
            let name = stem(file).to_owned();
            let key = scene.key(&name);
            let path = scene.path(&path);
            if scene.images.contains_key(&name) {
                let message = format!("there is an image `{name}` already, with another ending; the first one is used");
                rows.refuse(key, &path, Refused::new("duplicate", message))?;
                continue;
            }
            let image = match scene.image(&name, &path) {
                Ok(image) => image,
                Err((file, why)) => {
                    rows.refuse_image(key, &file, why)?;
                    Image { frame: None, pose: None, down: None, masks: false, boxes: false }
                }
            };
            scene.images.insert(name, image);
        }
        Ok(scene)
    }

    /// A path below the source's root.
    pub fn path(&self, below: &str) -> String {
        format!("{}{below}", self.folder)
    }

    /// The quarantine key of something of this scene.
    pub fn key(&self, what: &str) -> String {
        format!("{}{what}", self.folder)
    }

    /// The file of the first of these names that exists.
    pub fn find(&self, names: &[String]) -> Option<String> {
        let there = |name: &&String| self.files.binary_search(name).is_ok();
        names.iter().find(there).map(|name| self.path(name))
    }

    /// The bytes of a file that exists, within a limit.
    pub fn bytes(&self, path: &str, limit: u64) -> Result<Vec<u8>, Refused> {
        self.source.root.bytes(path, limit).map_err(|e| Refused::new("unreadable", e.to_string()))
    }

    /// A frame, or the file that spoils it.
    fn image(&self, name: &str, path: &str) -> Result<Image, (String, Refused)> {
        let root = &self.source.root;
        let of = |path: &str| {
            let path = path.to_owned();
            move |why: Refused| (path, why)
        };
        let Photo { width, height, sha256, .. } = Photo::read(root, path).map_err(of(path))?;
        let uri = |path: &str| root.uri(path).map_err(|e| (path.to_owned(), Refused::new("path", e.to_string())));

        let text = self.find(&[format!("intrinsics/{name}.txt"), "intrinsics.txt".to_owned()]);
        let text = text.ok_or_else(|| {
            let message = format!("there is no intrinsics/{name}.txt and no intrinsics.txt");
            (path.to_owned(), Refused::new("intrinsics", message))
        })?;
        let camera = self.bytes(&text, camera::MAX_BYTES).and_then(|t| camera::intrinsics(&t)).map_err(of(&text))?;
        let inside = |c: f64, side: u32| (-f64::from(side)..=2.0 * f64::from(side)).contains(&c);
        if !inside(camera.cx, width) || !inside(camera.cy, height) {
            let message = format!(
                "the principal point ({}, {}) is far outside the image of {width}x{height}",
                camera.cx, camera.cy
            );
            return Err((text, Refused::new("intrinsics", message)));
        }

        let mut pose = None;
        if let (Some(text), Some(turn)) = (self.find(&[format!("pose/{name}.txt")]), self.source.upright) {
            let given = self.bytes(&text, camera::MAX_BYTES).and_then(|t| camera::pose(&t)).map_err(of(&text))?;
            pose = Some(upright(&given, &turn, self.source.options.camera_axes));
        }
        let mut down = None;
        if let Some(text) = self.find(&[format!("gravity/{name}.txt"), "gravity.txt".to_owned()]) {
            down = Some(self.bytes(&text, camera::MAX_BYTES).and_then(|t| camera::gravity(&t)).map_err(of(&text))?);
        }
        let mut depth = None;
        if let Some(file) = self.find(&[format!("depth/{name}.png"), format!("depth/{name}.npy")]) {
            let scale = self.depth(&file, width, height).map_err(of(&file))?;
            depth = Some((uri(&file)?, scale));
        }
        let frame = Frame {
            frame_id: format!("{}/{name}", self.id),
            source: self.source.name.clone(),
            scene_id: Some(self.id.clone()),
            split: self.source.split.clone(),
            licence: self.source.licence.clone(),
            uri: uri(path)?,
            sha256: Some(sha256),
            width: width as i32,
            height: height as i32,
            depth_scale: depth.as_ref().map(|(_, scale)| *scale),
            depth_uri: depth.map(|(uri, _)| uri),
            exhaustive: self.source.options.exhaustive,
            ..Frame::taken_by(&camera)
        };
        Ok(Image { frame: Some(frame), pose, down, masks: false, boxes: false })
    }

    /// Judges a depth file and says how many of its units make a metre.
    fn depth(&self, path: &str, width: u32, height: u32) -> Result<f64, Refused> {
        let refused = |message: String| Err(Refused::new("depth", message));
        let bytes = self.bytes(path, photo::MAX_BYTES)?;
        let scale = self.source.options.depth_scale.unwrap_or_else(|| depth::default_scale(&bytes));
        let image = depth::decode(&bytes, Some(scale))?;
        let ratio = f64::from(image.width()) * f64::from(height) / (f64::from(image.height()) * f64::from(width));
        if (ratio - 1.0).abs() > SHAPE_TOLERANCE {
            let (w, h) = (image.width(), image.height());
            return refused(format!("depth of {w}x{h} cannot show the view of a colour image of {width}x{height}"));
        }
        let cells = (0..image.height()).flat_map(|y| (0..image.width()).map(move |x| (x, y)));
        let mut readings: Vec<f64> = cells.filter_map(|(x, y)| image.reading(x, y)).collect();
        if readings.is_empty() {
            return refused("the depth image has no reading at all".to_owned());
        }
        let middle = readings.len() / 2;
        let (_, median, _) = readings.select_nth_unstable_by(middle, f64::total_cmp);
        if !PLAUSIBLE_M.contains(median) {
            return refused(format!(
                "its median reading is {median} m; is `depth_scale` ({scale} units in a metre) right?"
            ));
        }
        Ok(scale)
    }

    /// Reads `boxes.json`.
    pub fn boxes(&mut self, rows: &mut Rows) -> Result<()> {
        let Some(path) = self.find(&["boxes.json".to_owned()]) else { return Ok(()) };
        let read = self.bytes(&path, boxes::MAX_BYTES);
        let read = read.and_then(|json| serde_json::from_slice(&json).map_err(|e| Refused::new("json", e.to_string())));
        let BoxFile { frame: reference, boxes } = match read {
            Ok(read) => read,
            Err(why) => {
                self.incomplete();
                return rows.refuse(self.key("boxes.json"), &path, why);
            }
        };
        let mut used = Used::default();
        for (index, json) in boxes.into_iter().enumerate() {
            let record = serde_json::from_value::<BoxRecord>(json).map_err(|e| Refused::new("json", e.to_string()));
            let (key, image) = match &record {
                Ok(record) => (self.key(&format!("boxes.json/{}", record.id)), record.image.clone()),
                Err(_) => (self.key(&format!("boxes.json[{index}]")), None),
            };
            let row = record.and_then(|record| {
                let object = match reference {
                    Reference::World => self.world_box(record),
                    Reference::Camera => self.camera_box(record),
                }?;
                used.claim(&object)?;
                Ok(object)
            });
            match row {
                Ok(row) => rows.push(Row::SceneObject(row))?,
                Err(why) => {
                    match image.filter(|_| reference == Reference::Camera) {
                        Some(image) => self.lost_object(&image),
                        None => self.incomplete(),
                    }
                    rows.refuse(key, &path, why)?;
                }
            }
        }
        Ok(())
    }

    fn world_box(&mut self, record: BoxRecord) -> Result<crate::source::rows::SceneObject, Refused> {
        let turn = self.source.upright.ok_or_else(|| {
            Refused::new("world", "nobody knows which way is up in the boxes' world: `world_up` is unknown")
        })?;
        let object = record.scene_object(&self.id, &Rigid { rotation: turn, translation: Vector3::zeros() })?;
        self.world_boxes = true;
        Ok(object)
    }

    /// A camera's own axes, turned upright, are the world of the image's own scene.
    fn camera_box(&mut self, record: BoxRecord) -> Result<crate::source::rows::SceneObject, Refused> {
        let name =
            record.image.clone().ok_or_else(|| Refused::new("json", "a box in camera axes names its `image`"))?;
        let scene_id = format!("{}/{name}", self.id);
        let image = self.images.get_mut(&name).filter(|image| image.frame.is_some());
        let image = image.ok_or_else(|| Refused::new("no_frame", format!("there is no usable image `{name}`")))?;
        let down = image.pose.map(|pose| -(pose.rotation.transpose() * Vector3::z())).or(image.down);
        let down = down.ok_or_else(|| {
            Refused::new("world", "nobody knows which way is up for this camera: it has neither a pose nor gravity")
        })?;
        let view = ViewSpace::from_gravity(&down).map_err(|e| Refused::new("gravity", e.to_string()))?;
        let world_from_camera = Rigid { rotation: *view.rotation(), translation: Vector3::zeros() };
        let object = record.scene_object(&scene_id, &world_from_camera)?;
        image.pose = Some(world_from_camera);
        image.boxes = true;
        if let Some(frame) = &mut image.frame {
            frame.scene_id = Some(scene_id);
        }
        Ok(object)
    }

    /// An object of this image could not be used, so that nobody may count what is left.
    pub fn lost_object(&mut self, name: &str) {
        if let Some(frame) = self.images.get_mut(name).and_then(|image| image.frame.as_mut()) {
            frame.exhaustive = false;
        }
    }

    /// Objects were lost, and nobody knows of which images.
    pub fn incomplete(&mut self) {
        self.images.values_mut().filter_map(|image| image.frame.as_mut()).for_each(|frame| frame.exhaustive = false);
    }

    /// Pushes a detection and remembers that its frame can be lifted from it.
    pub fn detected(&mut self, name: &str, row: Detection, rows: &mut Rows) -> Result<()> {
        if let Some(image) = self.images.get_mut(name) {
            image.masks |= row.mask.is_some();
        }
        rows.push(Row::Detection(row))
    }

    /// Pushes the frames.
    pub fn finish(mut self, rows: &mut Rows) -> Result<()> {
        for (name, image) in std::mem::take(&mut self.images) {
            let Some(mut frame) = image.frame else { continue };
            let boxes = (image.boxes || self.world_boxes) && image.pose.is_some();
            if frame.depth_uri.is_none() && (boxes || image.masks) {
                let message = "there is no depth of this image, so that its objects cannot be placed in space";
                rows.refuse(self.key(&name), &self.path(&format!("depth/{name}")), Refused::new("depth", message))?;
            }
            let lifted_from = match frame.depth_uri {
                Some(_) if boxes => Some("scan"),
                // Also where nobody marked anything: a model may.
                Some(_) => Some("depth"),
                None => None,
            };
            frame.lifted_from = lifted_from.map(str::to_owned);
            frame.world_from_camera = image.pose.map(|pose| pose.to_row_major().to_vec());
            // A pose says which way is down.
            frame.gravity = image.down.filter(|_| image.pose.is_none()).map(Vec3::from);
            rows.push(Row::Frame(frame))?;
        }
        Ok(())
    }
}

/// A file's name without its ending.
pub fn stem(file: &str) -> &str {
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

fn upright(given: &Rigid, turn: &Matrix3<f64>, axes: Axes) -> Rigid {
    let camera = match axes {
        Axes::Opencv => Matrix3::identity(),
        Axes::Opengl => Matrix3::from_diagonal(&Vector3::new(1.0, -1.0, -1.0)),
    };
    Rigid { rotation: turn * given.rotation * camera, translation: turn * given.translation }
}
