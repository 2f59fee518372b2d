//! The frames of a scene: images, cameras and depth, and what becomes of their objects.

use std::collections::{BTreeMap, HashMap};

use spatialmill_geometry::{Matrix3, Rigid, Turn, Vector3, ViewSpace};

use super::boxes::{self, BoxAxes, BoxRecord, UsedIds};
use super::scene::{self, SceneFile};
use super::{Axes, RgbdReader};
use crate::error::Result;
use crate::photos::Address;
use crate::source::camera_text::{self, TRACKING};
use crate::source::depth::{self, DepthFile, DepthUnits, NO_DEPTH};
use crate::source::file_entry::FileEntry;
use crate::source::intrinsics::{self, Camera};
use crate::source::json::forms;
use crate::source::photo::{self, Photo};
use crate::source::upright::{self, StoredImage};
use crate::source::{Row, RowSink};
use crate::tables::{Detection, Frame, Scene, SceneObject, Unusable, Vec3};
use crate::text::composed;

/// A scene being read.
pub struct SceneReader<'a> {
    pub source: &'a RgbdReader,
    /// With a `/` at its end, or empty.
    pub folder: String,
    id: String,
    /// By the image's name without its ending.
    pub images: BTreeMap<String, ColourImage>,
    /// All files of the scene, below its folder.
    pub files: Vec<String>,
    /// Those that are not ASCII, by their composed paths.
    composed: HashMap<String, String>,
    /// Boxes lie in the scene's own world.
    world_boxes: bool,
    /// Nothing that was said of the scene's objects was lost.
    complete: bool,
    /// What is said of the scene as a whole.
    said: SceneFile,
    /// Seconds since the first image, by the image's name.
    timestamps: HashMap<String, f64>,
}

/// One colour image.
#[derive(Default)]
pub struct ColourImage {
    /// None where it cannot be used.
    pub frame: Option<Frame>,
    pub stored: StoredImage,
    /// What takes the axes of the recorded camera to those of the upright image's.
    turn: Turn,
    /// Camera-to-world, the world upright and the camera as it is recorded.
    pose: Option<Rigid>,
    /// In the axes of the recorded camera.
    down: Option<Vector3<f64>>,
    masks: bool,
    boxes: bool,
    /// Nothing is wrong with it, nor with what is said of it.
    pub left_out: bool,
}

/// What its depth is looked for as.
const DEPTH: &[&str] = &["png", "npy", "PNG", "NPY"];

impl<'a> SceneReader<'a> {
    /// Reads the scene's images, cameras and depth.
    pub fn open(source: &'a RgbdReader, folder: String, id: String, rows: &mut RowSink) -> Result<Self> {
        let files = source.root.list(folder.trim_end_matches('/'))?;
        let below = |FileEntry { path, .. }: FileEntry| path.strip_prefix(&folder).map(str::to_owned);
        let files: Vec<_> = files.into_iter().filter_map(below).collect();
        let by_composed = |path: &String| (composed(path).into_owned(), path.clone());
        let composed = files.iter().filter(|path| !path.is_ascii()).map(by_composed).collect();
        let mut scene = Self {
            source,
            id,
            images: BTreeMap::new(),
            files,
            composed,
            world_boxes: false,
            complete: true,
            said: SceneFile::default(),
            timestamps: HashMap::new(),
            folder,
        };
        scene.read_scene_file(rows)?;
        scene.read_timestamps(rows)?;
        for path in scene.colour_files() {
            let name = stem(&path["color/".len()..]).to_owned();
            let key = scene.key(&name);
            let path = scene.path(&path);
            if scene.images.contains_key(&name) {
                let message = format!("there is an image `{name}` already, with another ending; the first one is used");
                rows.refuse(key, &path, Unusable::new("duplicate", message))?;
                continue;
            }
            let image = match scene.image(&name, &path) {
                Ok(image) => image,
                Err((file, why)) if why.code == TRACKING => {
                    rows.remark(key, &file, why)?;
                    ColourImage { left_out: true, ..ColourImage::default() }
                }
                Err((file, why)) => {
                    rows.refuse_image(key, &file, why)?;
                    ColourImage::default()
                }
            };
            scene.images.insert(name, image);
        }
        for folder in ["depth", "pose", "intrinsics", "gravity"] {
            scene.tell_strays(folder, rows)?;
        }
        Ok(scene)
    }

    fn read_scene_file(&mut self, rows: &mut RowSink) -> Result<()> {
        let Some(path) = self.find(&["scene.json".to_owned()]) else { return Ok(()) };
        match self.bytes(&path, scene::MAX_BYTES).and_then(|json| SceneFile::read(&json)) {
            Ok(said) => self.said = said,
            Err(why) => rows.refuse(self.key("scene.json"), &path, why)?,
        }
        Ok(())
    }

    fn read_timestamps(&mut self, rows: &mut RowSink) -> Result<()> {
        let Some(path) = self.find(&["timestamps.txt".to_owned()]) else { return Ok(()) };
        match self.bytes(&path, scene::MAX_BYTES).and_then(|text| scene::timestamps(&text)) {
            Ok((timestamps, wrong)) => {
                self.timestamps = timestamps;
                for line in wrong {
                    let message = "the line is no image's name and a number of seconds";
                    rows.refuse(
                        self.key(&format!("timestamps.txt:{line}")),
                        &path,
                        Unusable::new("timestamp", message),
                    )?;
                }
            }
            Err(why) => rows.refuse(self.key("timestamps.txt"), &path, why)?,
        }
        Ok(())
    }

    /// Tells of files that belong to no photo while photos have none: their names are written otherwise.
    fn tell_strays(&self, folder: &str, rows: &mut RowSink) -> Result<()> {
        let own = |path: &&String| {
            let name = path.strip_prefix(folder).and_then(|name| name.strip_prefix('/'));
            name.is_some_and(|name| !name.starts_with('.') && !name.contains('/'))
        };
        let (belonging, strays): (Vec<&String>, Vec<&String>) = self
            .files
            .iter()
            .filter(own)
            .partition(|path| self.images.contains_key(&self.called(stem(&path[folder.len() + 1..]))));
        let without = self.images.len().saturating_sub(belonging.len());
        let Some(first) = strays.first().filter(|_| without > 0) else { return Ok(()) };
        let message = format!(
            "of {folder}/ no photo is named as `{first}` is, nor {} in all, and of {without} photos nothing is there; what belongs together has one name",
            strays.len()
        );
        rows.remark(self.key(folder), &self.path(first), Unusable::new("no_frame", message))
    }

    /// What lies in `color/`, below the scene's folder. What is hidden is no image, nor is what lies beside one under the same name.
    fn colour_files(&self) -> Vec<String> {
        let own = |path: &&String| {
            let name = path.rsplit('/').next().unwrap_or_default();
            path.starts_with("color/") && !name.starts_with('.') && !["Thumbs.db", "desktop.ini"].contains(&name)
        };
        let (photos, others): (Vec<_>, Vec<_>) =
            self.files.iter().filter(own).cloned().partition(|path| photo::has_ending(path));
        let beside = |path: &String| photos.iter().any(|photo| stem(photo) == stem(path));
        let others: Vec<_> = others.into_iter().filter(|path| !beside(path)).collect();
        [photos, others].concat()
    }

    /// The image that a record names, as a file of `color/` or with the folder before it.
    fn named(&self, image: &str) -> String {
        let known = self.called(image);
        let last = image.rsplit(['/', '\\']).next().unwrap_or_default();
        if self.images.contains_key(&known) { known } else { self.called(last) }
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
        let alike = || names.iter().find_map(|name| self.composed.get(&*composed(name)));
        names.iter().find(there).or_else(alike).map(|name| self.path(name))
    }

    /// The image that a record calls so: without its ending or with it, in whichever Unicode normalization. What is said where there is none.
    pub fn called(&self, name: &str) -> String {
        // With its folder, as a record of COCO may have it.
        let file = name.rsplit('/').next().unwrap_or_default();
        let forms = [name, stem(name), file, stem(file)];
        if let Some(known) = forms.into_iter().find(|name| self.images.contains_key(*name)) {
            return known.to_owned();
        }
        let alike = |name: &str| {
            let files = ["jpg", "jpeg", "png", "JPG", "JPEG", "PNG"].map(|ending| format!("color/{name}.{ending}"));
            let file = files.iter().find_map(|file| self.composed.get(&*composed(file)))?;
            Some(stem(file.strip_prefix("color/")?).to_owned())
        };
        forms.into_iter().filter(|name| !name.is_ascii()).find_map(alike).unwrap_or_else(|| name.to_owned())
    }

    /// The bytes of a file that exists, within a limit.
    pub fn bytes(&self, path: &str, limit: u64) -> Result<Vec<u8>, Unusable> {
        self.source.root.bytes(path, limit).map_err(|e| Unusable::new("unreadable", e.to_string()))
    }

    /// A frame, or the file that spoils it.
    fn image(&self, name: &str, path: &str) -> Result<ColourImage, (String, Unusable)> {
        let root = &self.source.root;
        let of = |path: &str| {
            let path = path.to_owned();
            move |why: Unusable| (path, why)
        };
        let photo = Photo::read(root, path).map_err(of(path))?;
        let stored = StoredImage::of(&photo);
        upright::unmirrored(stored.turn).map_err(of(path))?;
        let uri = |path: &str| root.uri(path).map_err(|e| (path.to_owned(), Unusable::new("path", e.to_string())));

        let text = self.find(&[format!("intrinsics/{name}.txt"), "intrinsics.txt".to_owned()]);
        let text = text.ok_or_else(|| {
            let message = format!("there is no intrinsics/{name}.txt and no intrinsics.txt");
            (path.to_owned(), Unusable::new("intrinsics", message))
        })?;
        let camera = self.bytes(&text, camera_text::MAX_BYTES).and_then(|t| camera_text::intrinsics(&t));
        let camera = camera.and_then(|camera| intrinsics::fitted(&camera, self.source.intrinsics_of, stored));
        let Camera { intrinsics, turn } = camera.map_err(of(&text))?;

        let mut pose = None;
        if let (Some(text), Some(turn)) = (self.find(&[format!("pose/{name}.txt")]), self.source.upright) {
            let given =
                self.bytes(&text, camera_text::MAX_BYTES).and_then(|t| camera_text::pose(&t)).map_err(of(&text))?;
            pose = Some(upright(&given, &turn, self.source.options.camera_axes));
        }
        let mut down = None;
        if let Some(text) = self.find(&[format!("gravity/{name}.txt"), "gravity.txt".to_owned()]) {
            down = Some(
                self.bytes(&text, camera_text::MAX_BYTES).and_then(|t| camera_text::gravity(&t)).map_err(of(&text))?,
            );
        }
        let (width, height) = stored.upright();
        let mut frame = Frame {
            frame_id: format!("{}/{name}", self.id),
            source: self.source.name.clone(),
            scene_id: Some(self.id.clone()),
            split: self.source.split.clone(),
            licence: self.source.licence.clone(),
            uri: Address { orientation: stored.turn.exif(), ..Address::file(uri(path)?) }.to_string(),
            sha256: Some(photo.sha256),
            width: width as i32,
            height: height as i32,
            timestamp: self.timestamps.get(name).copied(),
            exhaustive: self.source.options.exhaustive,
            ..Frame::taken_by(&intrinsics)
        };
        let files = DEPTH.iter().map(|ending| format!("depth/{name}.{ending}")).collect::<Vec<_>>();
        if let Some(file) = self.find(&files) {
            let bytes = self.bytes(&file, photo::MAX_BYTES).map_err(of(&file))?;
            match DepthFile::judged(&bytes, DepthUnits::InMetre(self.source.options.depth_scale), stored) {
                Ok(depth) => depth.enter(uri(&file)?, &mut frame),
                Err(why) if why.code == NO_DEPTH => {}
                Err(why) => return Err((file, why)),
            }
        } else if let Some((file, why)) = self.unread_depth(name) {
            return Err((self.path(file), why));
        }
        Ok(ColourImage { frame: Some(frame), stored, turn, pose, down, ..ColourImage::default() })
    }

    /// Depth of an image that is stored in a way that is not read.
    fn unread_depth(&self, name: &str) -> Option<(&String, Unusable)> {
        let own = |file: &&String| file.strip_prefix("depth/").is_some_and(|file| stem(file) == name);
        self.files.iter().filter(own).find_map(|file| Some((file, depth::not_read(file)?)))
    }

    /// Reads `boxes.json`.
    pub fn boxes(&mut self, rows: &mut RowSink) -> Result<()> {
        let Some(path) = self.find(&["boxes.json".to_owned()]) else { return Ok(()) };
        let (reference, boxes) = match self.bytes(&path, boxes::MAX_BYTES).and_then(|json| boxes::read(&json)) {
            Ok(read) => read,
            Err(why) => {
                self.incomplete();
                return rows.refuse(self.key("boxes.json"), &path, why);
            }
        };
        let mut used = UsedIds::default();
        for (index, json) in boxes.into_iter().enumerate() {
            let record = forms::record::<BoxRecord>(&json);
            let (key, image) = match &record {
                Ok(record) => {
                    let image = record.image.as_ref().map(|image| self.named(&image.0));
                    (self.key(&format!("boxes.json/{}", record.id)), image)
                }
                Err(_) => (self.key(&format!("boxes.json[{index}]")), None),
            };
            let row = record.and_then(|record| {
                let (object, oddity) = match reference {
                    BoxAxes::World => self.world_box(record),
                    BoxAxes::Camera => self.camera_box(record),
                }?;
                used.claim(&object)?;
                Ok((object, oddity))
            });
            match row {
                Ok((row, oddity)) => {
                    oddity.map_or(Ok(()), |oddity| rows.remark(key, &path, oddity))?;
                    rows.push(Row::SceneObject(row))?;
                }
                Err(_) if image.as_ref().is_some_and(|image| self.is_left_out(image)) => {
                    rows.remark(key, &path, left_out())?;
                }
                Err(why) => {
                    match image.filter(|_| reference == BoxAxes::Camera) {
                        Some(image) => self.lost_object(&image),
                        None => self.incomplete(),
                    }
                    rows.refuse(key, &path, why)?;
                }
            }
        }
        Ok(())
    }

    fn world_box(&mut self, record: BoxRecord) -> Result<(SceneObject, Option<Unusable>), Unusable> {
        let turn = self.source.upright.ok_or_else(|| {
            Unusable::new("world", "nobody knows which way is up in the boxes' world: `world_up` is unknown")
        })?;
        let object = record.scene_object(&self.id, &Rigid { rotation: turn, translation: Vector3::zeros() })?;
        self.world_boxes = true;
        Ok(object)
    }

    /// A camera's own axes, turned upright, are the world of the image's own scene.
    fn camera_box(&mut self, record: BoxRecord) -> Result<(SceneObject, Option<Unusable>), Unusable> {
        let name = record.image.as_ref().map(|image| self.named(&image.0));
        let name = name.ok_or_else(|| Unusable::new("json", "a box in camera axes names its `image`"))?;
        let scene_id = format!("{}/{name}", self.id);
        let image = self.images.get_mut(&name).filter(|image| image.frame.is_some());
        let image = image.ok_or_else(|| Unusable::new("no_frame", format!("there is no usable image `{name}`")))?;
        let down = image.pose.map(|pose| -(pose.rotation.transpose() * Vector3::z())).or(image.down);
        let down = down.ok_or_else(|| {
            Unusable::new("world", "nobody knows which way is up for this camera: it has neither a pose nor gravity")
        })?;
        let view = ViewSpace::from_gravity(&down).map_err(|e| Unusable::new("gravity", e.to_string()))?;
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
        self.complete = false;
        self.images.values_mut().filter_map(|image| image.frame.as_mut()).for_each(|frame| frame.exhaustive = false);
    }

    /// Pushes a detection and remembers whether its image has masks.
    pub fn detected(&mut self, name: &str, row: Detection, rows: &mut RowSink) -> Result<()> {
        if let Some(image) = self.images.get_mut(name) {
            image.masks |= row.mask.is_some();
        }
        rows.push(Row::Detection(row))
    }

    /// True for an image with which nothing is wrong, and which is not used.
    pub fn is_left_out(&self, name: &str) -> bool {
        self.images.get(name).is_some_and(|image| image.left_out)
    }

    /// Pushes the frames and the scenes that they are of.
    pub fn finish(mut self, rows: &mut RowSink) -> Result<()> {
        let mut posed = None;
        for (name, image) in std::mem::take(&mut self.images) {
            let Some(mut frame) = image.frame else { continue };
            let boxes = (image.boxes || self.world_boxes) && image.pose.is_some();
            if frame.depth_uri.is_none() && (boxes || image.masks) {
                let message = "there is no depth of this image; its objects wait for a model that places them in space";
                rows.remark(self.key(&name), &self.path(&format!("depth/{name}")), Unusable::new(NO_DEPTH, message))?;
            }
            let lifted_from = match frame.depth_uri {
                Some(_) if boxes => Some("scan"),
                // Also where nobody marked anything: a model may.
                Some(_) => Some("depth"),
                None => None,
            };
            frame.lifted_from = lifted_from.map(str::to_owned);
            let pose = image.pose.map(|pose| upright::pose(&pose, image.turn));
            frame.world_from_camera = pose.map(|pose| pose.to_row_major().to_vec());
            // A pose says which way is down.
            frame.gravity = image.down.filter(|_| pose.is_none()).map(|down| Vec3::from(image.turn.axes() * down));
            match frame.scene_id.as_deref().filter(|id| *id != self.id) {
                Some(own) => rows.push(Row::Scene(Scene {
                    exhaustive: frame.exhaustive && image.boxes,
                    ..self.scene(own, "image")
                }))?,
                None => posed = Some(posed == Some(true) || pose.is_some()),
            }
            rows.push(Row::Frame(frame))?;
        }
        let kind = match posed {
            _ if self.world_boxes => "scan",
            Some(true) => "scan",
            Some(false) => "sequence",
            None => return Ok(()),
        };
        let exhaustive = self.source.options.exhaustive && self.complete && self.world_boxes;
        rows.push(Row::Scene(Scene { exhaustive, ..self.scene(&self.id, self.said.kind.unwrap_or(kind)) }))
    }

    fn scene(&self, scene_id: &str, kind: &'static str) -> Scene {
        let RgbdReader { name, split, licence, options, .. } = self.source;
        let place = self.said.place.as_ref().map(|place| format!("{name}/{place}"));
        Scene {
            scene_id: scene_id.to_owned(),
            source: name.clone(),
            split: split.clone(),
            licence: licence.clone(),
            kind,
            category: self.said.category.clone(),
            place_id: place.unwrap_or_else(|| self.id.clone()),
            metric: options.metric,
            ..Scene::default()
        }
    }
}

/// What is said of an image that is not used although nothing is wrong with it.
pub fn left_out() -> Unusable {
    Unusable::new(TRACKING, "its image is not used: tracking was lost when it was taken")
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
