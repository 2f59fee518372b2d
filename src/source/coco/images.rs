//! The images of one bucket, and what becomes of them, their objects and their captions.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::documents::{Documents, Record};
use super::id::Id;
use super::layout::Photos;
use super::object::{self, Canvas, ObjectRecord};
use super::{Coco, MissingImages};
use crate::error::Result;
use crate::source::photo::{self, Photo};
use crate::source::rgbd::camera;
use crate::source::rows::{Frame, Refused, Row, Rows, Vec3};

/// COCO has five for each image.
const MAX_CAPTIONS: usize = 64;

/// An element of `images`.
#[derive(Deserialize)]
pub struct ImageRecord {
    pub id: Id,
    /// Omni3D calls it `file_path`.
    #[serde(alias = "file_path")]
    pub file_name: String,
    pub width: u32,
    pub height: u32,
    #[serde(default)]
    license: Option<Id>,
    /// Omni3D's: the intrinsics.
    #[serde(default, rename = "K")]
    intrinsics: Option<[[f64; 3]; 3]>,
    /// Nobody's but ours: the direction that points down, in camera axes.
    #[serde(default)]
    gravity: Option<[f64; 3]>,
}

/// An element of `annotations` in a file of captions.
#[derive(Deserialize)]
struct CaptionRecord {
    image_id: Id,
    caption: String,
}

/// The images of one bucket, and what became of them so far.
pub struct Images<'a> {
    coco: &'a Coco,
    documents: &'a Documents,
    at: HashMap<Id, usize>,
    frames: Vec<Pending>,
}

struct Pending {
    /// None where the image cannot be used.
    frame: Option<Frame>,
    captions: Vec<String>,
    objects: HashSet<Id>,
    /// Whether one of the objects has a 3D box.
    boxes3d: bool,
}

impl<'a> Images<'a> {
    /// None yet.
    pub(super) fn new(coco: &'a Coco, documents: &'a Documents) -> Self {
        Self { coco, documents, at: HashMap::new(), frames: Vec::new() }
    }

    /// Judges an element of `images`.
    pub fn image(&mut self, record: Record, rows: &mut Rows) -> Result<()> {
        let document = self.documents.document(record.document);
        let image: ImageRecord = match serde_json::from_slice(record.json) {
            Ok(image) => image,
            Err(e) => {
                // Its objects then belong to an image that is not used.
                if let Some(id) = Id::salvaged(record.json, "id") {
                    self.add(id, None);
                }
                return rows.refuse(record.place(self.documents), &document.path, Refused::new("json", e.to_string()));
            }
        };
        if self.at.contains_key(&image.id) {
            let message = format!("there is an image `{}` already; the first one is used", image.id);
            return rows.refuse(record.place(self.documents), &document.path, Refused::new("duplicate", message));
        }
        let Photos { folder, split } = &self.coco.photos[record.document];
        let path = if folder.is_empty() { image.file_name.clone() } else { format!("{folder}/{}", image.file_name) };
        match self.frame(&image, &path, record.document) {
            Ok(mut frame) => {
                frame.split = split.clone();
                let licence = image.license.as_ref().and_then(|id| document.licence(id)).map(str::to_owned);
                frame.licence = licence.or_else(|| self.coco.licence.clone());
                self.add(image.id, Some(frame));
                Ok(())
            }
            Err(why) => {
                rows.refuse(image.id.to_string(), &path, why)?;
                self.add(image.id, None);
                Ok(())
            }
        }
    }

    fn frame(&self, image: &ImageRecord, path: &str, document: usize) -> Result<Frame, Refused> {
        let (width, height) = (image.width, image.height);
        let uri = self.coco.root.uri(path).map_err(|e| Refused::new("path", e.to_string()))?;
        if width == 0 || height == 0 || width > photo::MAX_SIDE || height > photo::MAX_SIDE {
            return Err(Refused::new("image", format!("an image of {width}x{height} pixels cannot be")));
        }
        let photo = match Photo::read(&self.coco.root, path) {
            Ok(photo) => Some(photo),
            Err(why) if why.code == "missing_file" && self.coco.options.missing_images == MissingImages::Keep => None,
            Err(why) => return Err(why),
        };
        if let Some(photo) = photo.as_ref().filter(|photo| (photo.width, photo.height) != (width, height)) {
            let message = format!("the photo is {}x{}, its record says {width}x{height}", photo.width, photo.height);
            return Err(Refused::new("image", message));
        }
        let camera = image
            .intrinsics
            .map(|[[a, b, c], [d, e, f], [g, h, i]]| camera::intrinsics_of([a, b, c, d, e, f, g, h, i]))
            .transpose()?;
        let gravity = image.gravity.map(|down| camera::gravity_of(down.into())).transpose()?;
        Ok(Frame {
            frame_id: format!("{}/{}", self.coco.name, image.id),
            source: self.coco.name.clone(),
            uri,
            sha256: photo.map(|photo| photo.sha256),
            width: width as i32,
            height: height as i32,
            gravity: gravity.map(Vec3::from),
            exhaustive: self.coco.options.exhaustive.unwrap_or(true)
                && self.documents.whole()
                && self.documents.document(document).annotated,
            ..camera.as_ref().map(Frame::taken_by).unwrap_or_default()
        })
    }

    fn add(&mut self, id: Id, frame: Option<Frame>) {
        self.at.entry(id).or_insert(self.frames.len());
        self.frames.push(Pending { frame, captions: Vec::new(), objects: HashSet::new(), boxes3d: false });
    }

    /// Pushes an element of `annotations`. All images of the bucket are known by then.
    pub fn object(&mut self, record: Record, rows: &mut Rows) -> Result<()> {
        let document = self.documents.document(record.document);
        let object: ObjectRecord = match ObjectRecord::parse(record.json) {
            Ok(object) => object,
            Err(e) => {
                if let Some(at) = Id::salvaged(record.json, "image_id").and_then(|id| self.at.get(&id)) {
                    self.frames[*at].incomplete();
                }
                return rows.refuse(record.place(self.documents), &document.path, Refused::new("json", e.to_string()));
            }
        };
        let key = format!("{}/{}", object.image_id, object.id);
        match self.detection(object, record.document) {
            Ok(row) => rows.push(row),
            Err(why) => rows.refuse(key, &document.path, why),
        }
    }

    fn detection(&mut self, object: ObjectRecord, document: usize) -> Result<Row, Refused> {
        let document = self.documents.document(document);
        let at = self.at.get(&object.image_id);
        let at = at.ok_or_else(|| Refused::new("no_frame", format!("there is no image `{}`", object.image_id)))?;
        let pending = &mut self.frames[*at];
        let Some(frame) = &pending.frame else {
            return Err(Refused::new("no_frame", format!("its image `{}` cannot be used", object.image_id)));
        };
        let canvas = Canvas { frame_id: &frame.frame_id, width: frame.width as u32, height: frame.height as u32 };
        let row = if pending.objects.insert(object.id.clone()) {
            let category = document.category(&object.category_id);
            category.and_then(|category| object.detection(canvas, category, &self.coco.options.made_by))
        } else {
            let message = format!("its image has an annotation `{}` already; the first one is used", object.id);
            Err(Refused::new("duplicate", message))
        };
        match &row {
            Ok(detection) => pending.boxes3d |= detection.obb.is_some(),
            Err(_) => pending.incomplete(),
        }
        row.map(Row::Detection)
    }

    /// Lays a caption at its image's door.
    pub fn caption(&mut self, record: Record, rows: &mut Rows) -> Result<()> {
        let kept = serde_json::from_slice::<CaptionRecord>(record.json)
            .map_err(|e| Refused::new("json", e.to_string()))
            .and_then(|CaptionRecord { image_id, caption }| {
                let at = self.at.get(&image_id);
                let at = at.ok_or_else(|| Refused::new("no_frame", format!("there is no image `{image_id}`")))?;
                let captions = &mut self.frames[*at].captions;
                if captions.len() == MAX_CAPTIONS || caption.len() > object::MAX_CAPTION {
                    let message =
                        format!("more than {MAX_CAPTIONS} captions of an image, or {} bytes", object::MAX_CAPTION);
                    return Err(Refused::new("caption", message));
                }
                captions.push(caption.trim().to_owned());
                Ok(())
            });
        match kept {
            Ok(()) => Ok(()),
            Err(why) => rows.refuse(record.place(self.documents), &self.documents.document(record.document).path, why),
        }
    }

    /// Pushes the frames.
    pub fn finish(self, rows: &mut Rows) -> Result<()> {
        for Pending { frame, captions, boxes3d, .. } in self.frames {
            if let Some(mut frame) = frame {
                if boxes3d {
                    frame.lifted_from = Some("box".to_owned());
                    // Whoever drew 3D boxes drew them around what they wanted.
                    frame.exhaustive &= self.coco.options.exhaustive.is_some();
                }
                frame.captions = (!captions.is_empty()).then_some(captions);
                rows.push(Row::Frame(frame))?;
            }
        }
        Ok(())
    }
}

impl Pending {
    /// An object of this image was lost, so that nobody may count what is left.
    fn incomplete(&mut self) {
        if let Some(frame) = &mut self.frame {
            frame.exhaustive = false;
        }
    }
}
