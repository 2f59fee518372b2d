//! The 2D objects of a scene's images, from id images or from COCO JSON.

use std::collections::{HashMap, HashSet};

use spatialmill_columns::types::EncodedMask;
use spatialmill_geometry::Turn;

use super::frames::{SceneReader, left_out, stem};
use super::instances::{self, Instance, InstanceNames};
use crate::error::Result;
use crate::source::RowSink;
use crate::source::coco_json::documents::{CocoFile, Holds, RecordKind, SortedDocuments};
use crate::source::coco_json::image::ImageRecord;
use crate::source::coco_json::object::{FrameSize, ObjectRecord, ReadObject};
use crate::source::id_image;
use crate::source::json::forms;
use crate::source::json::id::Id;
use crate::source::photo;
use crate::source::upright;
use crate::tables::{Box2, Detection, Unusable};

/// An image of `annotations.json`, and how its pixels lie.
struct ListedImage {
    /// Of the colour image.
    name: String,
    turn: Turn,
    width: u32,
    height: u32,
}

impl SceneReader<'_> {
    /// Reads the id images, where there are any.
    pub fn instance_images(&mut self, rows: &mut RowSink) -> Result<bool> {
        if !self.files.iter().any(|path| path.starts_with("instance/") && is_png(path)) {
            for file in self.files.iter().filter(|path| path.starts_with("instance/") && !is_hidden(path)) {
                let message = "id images are instance/<n>.png; this file is not read";
                rows.refuse(self.key(file), &self.path(file), Unusable::new("instance", message))?;
            }
            return Ok(false);
        }
        if let Some(path) = self.find(&["annotations.json".to_owned()]) {
            let why = Unusable::new("duplicate", "there are id images too, and those are used");
            rows.refuse(self.key("annotations.json"), &path, why)?;
        }
        let shared = self.names("instances.json", rows)?;
        if shared.as_ref().is_some_and(|names| names.of.is_empty())
            && let Some(path) = self.find(&["instances.json".to_owned()])
        {
            let message = "it names no id; each id of the id images needs a category, or null where it is no object";
            rows.remark(self.key("instances.json"), &path, Unusable::new("category", message))?;
        }
        let images: Vec<String> = self.images.keys().cloned().collect();
        for name in images {
            let Some(path) = self.id_image(&name) else {
                // Nobody marked this image.
                self.lost_object(&name);
                continue;
            };
            let own = self.names(&format!("instance/{name}.json"), rows)?;
            let names = own.as_ref().or(shared.as_ref());
            self.instance_image(&name, &path, names, rows)?;
        }
        let stray: Vec<String> =
            self.files.iter().filter_map(|path| path.strip_prefix("instance/")).map(str::to_owned).collect();
        for file in stray.into_iter().filter(|file| !is_hidden(file)) {
            let name = self.called(&file);
            let (is_there, has_ids) = (self.images.contains_key(&name), self.id_image(&name).is_some());
            if is_there && has_ids || file.to_ascii_lowercase().ends_with(".json") {
                continue;
            }
            let path = format!("instance/{file}");
            if is_there {
                let why = Unusable::new("instance", "id images are instance/<n>.png; this file is not read");
                rows.refuse(self.key(&path), &self.path(&path), why)?;
            } else {
                let why = Unusable::new("no_frame", format!("there is no colour image `{}`", stem(&file)));
                rows.refuse(self.key(&file), &self.path(&path), why)?;
            }
        }
        Ok(true)
    }

    fn id_image(&self, name: &str) -> Option<String> {
        self.find(&["png", "PNG"].map(|ending| format!("instance/{name}.{ending}")))
    }

    fn names(&mut self, file: &str, rows: &mut RowSink) -> Result<Option<InstanceNames>> {
        let Some(path) = self.find(&[file.to_owned()]) else { return Ok(None) };
        match self.bytes(&path, instances::MAX_BYTES).and_then(|json| instances::names(&json)) {
            Ok(mut names) => {
                for (id, oddity) in names.oddities.drain(..) {
                    rows.remark(self.key(&format!("{file}/{id}")), &path, oddity)?;
                }
                Ok(Some(names))
            }
            Err(why) => {
                rows.refuse(self.key(file), &path, why)?;
                // No names, rather than those of another file.
                Ok(Some(InstanceNames::default()))
            }
        }
    }

    fn instance_image(
        &mut self,
        name: &str,
        path: &str,
        names: Option<&InstanceNames>,
        rows: &mut RowSink,
    ) -> Result<()> {
        if self.is_left_out(name) {
            return rows.remark(self.key(name), path, left_out());
        }
        let Some(frame) = self.images.get(name).and_then(|image| image.frame.as_ref()) else {
            return rows.refuse(self.key(name), path, Unusable::new("no_frame", "its image cannot be used"));
        };
        let frame_id = frame.frame_id.clone();
        let stored = self.images.get(name).map(|image| image.stored).unwrap_or_default();
        let masks = self.bytes(path, photo::MAX_BYTES).and_then(|png| id_image::masks(&png, stored));
        let masks = match masks {
            Ok(masks) => masks,
            Err(why) => {
                self.lost_object(name);
                return rows.refuse(self.key(name), path, why);
            }
        };
        for (id, mask) in masks {
            let unnamed =
                || Unusable::new("category", format!("nothing says what id {id} is; null says that it is no object"));
            let Instance { category, caption, crowd } = match names.and_then(|names| names.of.get(&id)) {
                Some(None) => continue,
                Some(Some(Ok(instance))) => instance.clone(),
                unusable => {
                    let why =
                        unusable.and_then(|entry| entry.as_ref()?.as_ref().err().cloned()).unwrap_or_else(unnamed);
                    self.lost_object(name);
                    rows.refuse(self.key(&format!("{name}/{id}")), path, why)?;
                    continue;
                }
            };
            let bbox = mask.bounds().map_or_else(Box2::default, Box2::from);
            let row = Detection {
                frame_id: frame_id.clone(),
                object_id: id.to_string(),
                category,
                caption,
                bbox,
                mask: Some(EncodedMask::from(&mask)),
                crowd,
                made_by: self.source.options.made_by.clone(),
                ..Detection::default()
            };
            self.detected(name, row, rows)?;
        }
        Ok(())
    }

    /// Reads `annotations.json`, where there is one.
    pub fn annotations(&mut self, rows: &mut RowSink) -> Result<()> {
        let Some(path) = self.find(&["annotations.json".to_owned()]) else {
            self.incomplete();
            return Ok(());
        };
        let file = CocoFile {
            path: path.clone(),
            holds: Holds::Objects,
            folder: String::new(),
            guessed: false,
            segments: None,
        };
        let documents = match SortedDocuments::sort(&self.source.root, &[file], 1) {
            Ok(documents) => documents,
            Err(e) => {
                self.incomplete();
                return rows.refuse(self.key("annotations.json"), &path, Unusable::new("json", e.to_string()));
            }
        };
        documents.report(rows)?;
        if !documents.whole() {
            self.incomplete();
        }
        let document = documents.document(0);

        let mut names = HashMap::<Id, ListedImage>::new();
        documents.visit(0, |record| {
            if record.kind != RecordKind::Image {
                return Ok(());
            }
            let judged = forms::record::<ImageRecord>(record.json);
            let judged = judged.and_then(|image| self.same_image(&image).map(|listed| (image.id, listed)));
            match judged {
                Ok((id, listed)) if !names.contains_key(&id) => drop(names.insert(id, listed)),
                Ok((id, _)) => {
                    let why =
                        Unusable::new("duplicate", format!("there is an image `{id}` already; the first one is used"));
                    rows.refuse(record.place(&documents), &path, why)?;
                }
                Err(why) => rows.refuse(record.place(&documents), &path, why)?,
            }
            Ok(())
        })?;
        let marked: HashSet<&String> = names.values().map(|listed| &listed.name).collect();
        let unmarked: Vec<String> = self.images.keys().filter(|name| !marked.contains(name)).cloned().collect();
        unmarked.iter().for_each(|name| self.lost_object(name));

        let mut used = HashSet::new();
        documents.visit(0, |record| {
            if record.kind != RecordKind::Object {
                return Ok(());
            }
            let object = match ObjectRecord::parse(record.json, record.offset) {
                Ok(object) => object,
                Err(why) => {
                    match Id::salvaged(record.json, "image_id").and_then(|id| names.get(&id)) {
                        Some(listed) => self.lost_object(&listed.name),
                        None => self.incomplete(),
                    }
                    return rows.refuse(record.place(&documents), &path, why);
                }
            };
            let key = self.key(&format!("{}/{}", object.image_id, object.id));
            let Some(ListedImage { name, turn, width, height }) = names.get(&object.image_id) else {
                let why = Unusable::new("no_frame", format!("there is no usable image `{}`", object.image_id));
                return rows.refuse(key, &path, why);
            };
            if self.is_left_out(name) {
                return rows.remark(key, &path, left_out());
            }
            let judged = document.category(&object.category_id).map(str::to_owned).and_then(|category| {
                let frame = self.images.get(name).and_then(|image| image.frame.as_ref());
                let frame = frame.ok_or_else(|| Unusable::new("no_frame", "its image cannot be used"))?;
                if !used.insert((object.image_id.clone(), object.id.clone())) {
                    let message = format!("its image has an annotation `{}` already; the first one is used", object.id);
                    return Err(Unusable::new("duplicate", message));
                }
                let canvas = FrameSize { frame_id: &frame.frame_id, width: *width, height: *height };
                let ReadObject { row, oddities } = object.detection(canvas, &category, &self.source.options.made_by)?;
                Ok(ReadObject { row: upright::detection(row, *turn, *width, *height)?, oddities })
            });
            match judged {
                Ok(ReadObject { row, oddities }) => {
                    oddities.into_iter().try_for_each(|oddity| rows.remark(key.clone(), &path, oddity))?;
                    self.detected(name, row, rows)
                }
                Err(why) => {
                    self.lost_object(name);
                    rows.refuse(key, &path, why)
                }
            }
        })
    }

    /// The colour image that a COCO image is, if they are alike.
    fn same_image(&self, image: &ImageRecord) -> Result<ListedImage, Unusable> {
        let file = image.name().ok_or_else(|| Unusable::new("json", "it has no `file_name`"))?;
        let name = self.called(&file);
        if self.is_left_out(&name) {
            return Ok(ListedImage { name, turn: Turn::NONE, width: 1, height: 1 });
        }
        let found = self.images.get(&name).filter(|image| image.frame.is_some());
        let stored =
            found.ok_or_else(|| Unusable::new("no_frame", format!("there is no usable colour image `{name}`")))?.stored;
        let said = image.sides()?;
        let fits = |(width, height): &(u32, u32)| {
            said.width.is_none_or(|said| said == *width) && said.height.is_none_or(|said| said == *height)
        };
        let own = [(stored.width, stored.height), stored.upright()].into_iter().find(fits);
        let (width, height) = own.ok_or_else(|| {
            let side = |side: Option<u32>| side.map_or("?".to_owned(), |side| side.to_string());
            let (width, height) = (side(said.width), side(said.height));
            let message =
                format!("the colour image is {}x{}, its record says {width}x{height}", stored.width, stored.height);
            Unusable::new("image", message)
        })?;
        let turn = stored.turn_of(width, height).unwrap_or_default();
        Ok(ListedImage { name, turn, width, height })
    }
}

fn is_png(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, ending)| ending.eq_ignore_ascii_case("png"))
}

/// What systems leave in folders.
fn is_hidden(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.starts_with('.'))
}
