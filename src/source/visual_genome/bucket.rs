//! The images of one bucket and their objects.

use std::collections::{HashMap, HashSet};

use super::records::{self, BESIDE_OBJECTS, GenomeFile, GenomeImage, GenomeObject};
use super::{MissingImages, VisualGenomeReader};
use crate::error::Result;
use crate::photos::Address;
use crate::source::category;
use crate::source::json::cutter::{self, Event};
use crate::source::json::forms::{self, Number};
use crate::source::json::id::Id;
use crate::source::photo::{self, Photo, UprightSize};
use crate::source::{Row, RowSink};
use crate::tables::{Box2, Detection, Frame, Loss, Unusable};

/// Where photos are.
pub const FOLDERS: [&str; 2] = ["VG_100K", "VG_100K_2"];

/// The images of a bucket, by their ids.
pub struct ImageBucket<'a> {
    source: &'a VisualGenomeReader,
    /// None where an image cannot be used.
    known: HashMap<Id, Option<KnownImage>>,
}

struct KnownImage {
    frame_id: String,
    width: f64,
    height: f64,
    objects: HashSet<Id>,
}

impl<'a> ImageBucket<'a> {
    /// None yet.
    pub(super) fn new(source: &'a VisualGenomeReader) -> Self {
        Self { source, known: HashMap::new() }
    }

    /// An element of image_data.json.
    pub fn image(&mut self, offset: u64, json: &[u8], rows: &mut RowSink) -> Result<()> {
        let file = self.source.path(GenomeFile::Image);
        let place = || format!("{file}@{offset}");
        let record: GenomeImage = match forms::record(json) {
            Ok(record) => record,
            Err(why) => {
                if let Some(id) = records::image_id(json) {
                    self.known.entry(id).or_insert(None);
                }
                return rows.refuse_image(place(), file, why);
            }
        };
        let Some(id) = record.image_id.clone().or(record.id.clone()) else {
            let why = Unusable::new("json", "the image has neither `image_id` nor `id`");
            return rows.refuse_image(place(), file, why);
        };
        if self.known.contains_key(&id) {
            let message = format!("there is an image `{id}` already; the first one is used");
            // Photos are named by their ids: it is the same one.
            return rows.remark(place(), file, Unusable::new("duplicate", message));
        }
        match self.frame(&id, &record) {
            Ok(frame) => {
                let canvas = KnownImage {
                    frame_id: frame.frame_id.clone(),
                    width: f64::from(frame.width),
                    height: f64::from(frame.height),
                    objects: HashSet::new(),
                };
                self.known.insert(id, Some(canvas));
                rows.push(Row::Frame(frame))
            }
            Err(why) => {
                rows.refuse_image(id.to_string(), file, why)?;
                self.known.insert(id, None);
                Ok(())
            }
        }
    }

    fn frame(&self, id: &Id, record: &GenomeImage) -> Result<Frame, Unusable> {
        let said = record.sides()?;
        let root = &self.source.root;
        let path = |folder: &str| format!("{folder}/{id}.jpg");
        let refused = |e: crate::error::Error| Unusable::new("path", e.to_string());
        let mut there = None;
        for folder in FOLDERS {
            if there.is_none() && root.exists(&path(folder)).map_err(refused)? {
                there = Some(folder);
            }
        }
        // Where it should be, by its address on the web.
        let should = FOLDERS.into_iter().find(|folder| record.folder() == Some(folder));
        let folder = there.or(should).unwrap_or(FOLDERS[0]);
        let photo = match Photo::read(root, &path(folder)) {
            Ok(photo) => Some(photo),
            Err(why) if why.code == "missing_file" && self.source.options.missing_images == MissingImages::Keep => None,
            Err(why) => return Err(why),
        };
        let UprightSize { width, height, orientation } = photo::shown(photo.as_ref(), said)?;
        let uri = root.uri(&path(folder)).map_err(refused)?;
        Ok(Frame {
            frame_id: format!("{}/{id}", self.source.name),
            source: self.source.name.clone(),
            split: self.source.split.clone(),
            licence: self.source.licence.clone(),
            uri: Address { orientation, ..Address::file(uri) }.to_string(),
            sha256: photo.map(|photo| photo.sha256),
            width: width as i32,
            height: height as i32,
            ..Frame::default()
        })
    }

    /// An element of objects.json. All images of the bucket are known by then.
    pub fn objects(&mut self, offset: u64, json: &[u8], rows: &mut RowSink) -> Result<()> {
        let file = self.source.path(GenomeFile::Objects);
        let place = || format!("{file}@{offset}");
        let image = match records::named(json) {
            Ok(image) => image,
            Err(why) => return rows.refuse(place(), file, why),
        };
        let (mut position, has_objects) = (0, records::has_objects(json));
        // Cut out of their text one by one: a bad one costs only itself, and two that ran into one are told by their names, which
        // stand twice.
        cutter::cut(json, &["objects"], |event| match event {
            Event::Record { json, .. } => {
                position += 1;
                match self.object(&image, json) {
                    Ok(row) => rows.push(Row::Detection(row)),
                    Err((id, why)) => {
                        let key = id.map_or_else(|| format!("{image}@{position}"), |id| format!("{image}/{id}"));
                        // Its image says so already.
                        let lost_already = self.known.get(&image).is_some_and(Option::is_none);
                        rows.lose(if lost_already { Loss::Nothing } else { Loss::Record }, key, file, why)
                    }
                }
            }
            Event::Skipped { name, .. } if BESIDE_OBJECTS.contains(&name) => Ok(()),
            Event::Skipped { name: "objects", json: b"null", .. } => Ok(()),
            Event::Skipped { name, .. } if name != "objects" && has_objects => {
                let message = format!("`{}` is not known, so it was not read", name.escape_debug());
                rows.remark(place(), file, Unusable::new("section", message))
            }
            Event::Skipped { name, .. } => {
                let message =
                    format!("`{}` is not known, or no list: it may have been its objects", name.escape_debug());
                rows.refuse(place(), file, Unusable::new("json", message))
            }
            // A record is smaller than what an object may be, and is whole, as its parsing showed.
            Event::Oversized { .. } | Event::Broken { .. } => {
                rows.refuse(place(), file, Unusable::new("json", "its objects cannot be told apart"))
            }
        })
    }

    fn object(&mut self, image: &Id, json: &[u8]) -> Result<Detection, (Option<Id>, Unusable)> {
        let record: GenomeObject = forms::record(json).map_err(|why| (None, why))?;
        let no_id = || (None, Unusable::new("json", "the object has neither `object_id` nor `id`"));
        let id = record.object_id.clone().or(record.id.clone()).ok_or_else(no_id)?;
        let [Number(x), Number(y), Number(w), Number(h)] = [record.x, record.y, record.w, record.h];
        let refused = |code, message: String| (Some(id.clone()), Unusable::new(code, message));
        let canvas = self.known.get_mut(image);
        let canvas = canvas.ok_or_else(|| refused("no_frame", format!("there is no image `{image}`")))?;
        let canvas = canvas.as_mut();
        let canvas = canvas.ok_or_else(|| refused("no_frame", format!("its image `{image}` cannot be used")))?;
        let category = record.names().find_map(category::spelled);
        let category = category.ok_or_else(|| refused("category", "the object has no name".to_owned()))?;
        let bbox =
            Box2 { x0: x.max(0.0), y0: y.max(0.0), x1: (x + w).min(canvas.width), y1: (y + h).min(canvas.height) };
        // What is not a number is neither smaller nor larger than a border.
        let numbers = [x, y, w, h].iter().all(|number| number.is_finite());
        if !(numbers && w > 0.0 && h > 0.0 && bbox.x0 < bbox.x1 && bbox.y0 < bbox.y1) {
            let message = format!("the box [{x}, {y}, {w}, {h}] has no area in {}x{}", canvas.width, canvas.height);
            return Err(refused("box", message));
        }
        if !canvas.objects.insert(id.clone()) {
            let message = format!("its image has an object `{id}` already; the first one is used");
            return Err(refused("duplicate", message));
        }
        Ok(Detection {
            frame_id: canvas.frame_id.clone(),
            object_id: id.0,
            category,
            bbox,
            made_by: "annotation".to_owned(),
            ..Detection::default()
        })
    }
}
