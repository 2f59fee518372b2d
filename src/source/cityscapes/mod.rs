//! The `cityscapes` source: street scenes with instances, 3D boxes, cameras and disparity, as Cityscapes' packages lie on disk.
//!
//! ```text
//! listing ─► files by split, city and image; a city of a split is a shard
//! image ─► camera.json or the boxes' sensor ─► intrinsics, gravity
//!       ─► instance image or polygons ─► things with masks ─┐
//!       ─► 3D boxes, joined by instance id ─────────────────┴─► detections
//!       ─► disparity ─► depth
//! ```

mod boxes;
mod camera;
mod files;
mod image_size;
mod labels;
mod polygons;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use spatialmill_columns::types::EncodedMask;
use spatialmill_geometry::Mask;

use self::boxes::{BoxFile, VehicleBox};
use self::camera::VehicleCamera;
use self::files::{ImageFiles, Listing};
use self::labels::Thing;
use super::depth::{DepthFile, DepthUnits, NO_DEPTH};
use super::intrinsics;
use super::photo::{self, Photo};
use super::root::Root;
use super::upright::{self, StoredImage};
use super::{Row, RowSink, Shard, Source, SourceOptions, id_image, split};
use crate::error::{Error, Result};
use crate::photos::Address;
use crate::tables::{Box2, Detection, Frame, Obb, Unusable, Vec3};

/// The entry of [`SOURCES`](super::SOURCES).
pub const CITYSCAPES: super::SourceKind = super::SourceKind {
    name: "cityscapes",
    doc: "Cityscapes: street scenes with instances, 3D boxes of vehicles, cameras and disparity",
    long_doc: LONG_DOC,
    makes_root: false,
    open: |root, options| Ok(Box::new(CityscapesReader::open(root, options)?)),
};

const LONG_DOC: &str = "\
Layout: the packages of https://www.cityscapes-dataset.com, unpacked into `root` or each into a folder of its own below it.
<image> is <city>_<sequence>_<frame>.

  leftImg8bit/<split>/<city>/<image>_leftImg8bit.png     the images; JPEG copies are read, too, and smaller ones
  gtFine/<split>/<city>/<image>_gtFine_instanceIds.png   what their pixels are, or
  gtFine/<split>/<city>/<image>_gtFine_polygons.json     outlines, where there is no instance image
  gtCoarse/<split>/<city>/<image>_gtCoarse_..            the same, where there is no gtFine
  gtBbox3d/<split>/<city>/<image>_gtBbox3d.json          optional: 3D boxes of vehicles, and their camera
  camera/<split>/<city>/<image>_camera.json              optional: intrinsics, and where the camera is on its vehicle
  disparity/<split>/<city>/<image>_disparity.png         optional: with a camera, depth

The split is that of the folder: train, val, test, and train_extra, which is train. Everything else in the packages is passed over.

Options:

  exhaustive  true: in every image every person, rider and vehicle is marked, so that they may be counted; false: not.
              Default: true where there is gtFine, and false where there is gtCoarse alone
  made_by     who marked the objects. Default: annotation

What becomes of what: persons, riders and vehicles, which are told apart, become objects with masks, and groups of them crowds;
roads, buildings, poles and signs become none. In outlines, later ones cover earlier ones. A 3D box belongs to the object of its
instance id, or is an object without a mask; with it, how much is seen is what the file says of occlusion and truncation. Objects of
an image are placed by their 3D boxes where it has any, else by depth where it has disparity and a camera, else by a model where
mill.toml has one. Depth is the baseline times the focal length over the disparity, and none from where a quarter of a pixel is a
twentieth of it (95 m). What is level is what is level for the vehicle.

Told in quarantine, and no loss: annotations and cameras of images that are not there, a row for each city (no_frame); images with
disparity and without a camera, or without a reading (no_depth).

Quarantined: images that cannot be read or whose camera cannot be used (image, unreadable, path, intrinsics, pose, json), instance
images of another size or with values that no label has (instance), outlines that are none (json, mask), bad 3D boxes and files of
them (json, box, box3d, category, intrinsics, pose), and disparity that is none (depth). A frame that lost an object is no longer exhaustive.";

/// Changes when the same files would be read as different rows.
const READER: &str = "cityscapes 1";

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CityscapesOptions {
    exhaustive: Option<bool>,
    made_by: String,
}

impl Default for CityscapesOptions {
    fn default() -> Self {
        Self { exhaustive: None, made_by: "annotation".to_owned() }
    }
}

/// A folder of Cityscapes' packages.
struct CityscapesReader {
    root: Root,
    name: String,
    split: Option<String>,
    licence: Option<String>,
    options: CityscapesOptions,
    /// What was listed last.
    listed: Mutex<Option<Arc<Listing>>>,
    fingerprinted: String,
}

/// An image whose objects are being read.
struct OpenImage {
    frame: Frame,
    stored: StoredImage,
    /// By instance id, in the order of their ids.
    objects: BTreeMap<String, Detection>,
}

impl CityscapesReader {
    fn open(root: Root, options: &SourceOptions) -> Result<Self> {
        Ok(Self {
            fingerprinted: format!("{READER} {}", serde_json::to_string(options).unwrap_or_default()),
            root,
            name: options.name.clone(),
            split: options.split.clone(),
            licence: options.licence.clone(),
            options: options.parse("cityscapes")?,
            listed: Mutex::default(),
        })
    }

    fn listing(&self) -> Result<Arc<Listing>> {
        let listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match listed {
            Some(listing) => Ok(listing),
            None => self.list(),
        }
    }

    fn list(&self) -> Result<Arc<Listing>> {
        let listing = Arc::new(Listing::of(&self.root)?);
        if listing.shards.is_empty() {
            return Err(Error::input("there are no images: no leftImg8bit/<split>/<city>/<image>_leftImg8bit.png")
                .with("root", &self.root)
                .hint("`spatialmill import --kind cityscapes` shows the layout"));
        }
        *self.listed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&listing));
        Ok(listing)
    }

    fn read_image(&self, split: &str, image: &str, files: &ImageFiles, photo: &str, rows: &mut RowSink) -> Result<()> {
        let boxes = files.boxes.as_deref().map(|path| {
            let file = self.bytes(path, boxes::MAX_BYTES).and_then(|json| BoxFile::read(&json));
            file.map_err(|why| (path, why))
        });
        let (boxes, lost) = match boxes.transpose() {
            Ok(boxes) => (boxes, None),
            Err(lost) => (None, Some(lost)),
        };
        let (mut open, camera) = match self.open_image(split, image, files, photo, boxes.as_ref()) {
            Ok(open) => open,
            Err((file, why)) => return rows.refuse_image(image, file, why),
        };
        if let Some((path, why)) = lost {
            open.frame.exhaustive = false;
            rows.refuse(image, path, why)?;
        }
        if let Err(why) = self.read_things(&mut open, image, files, rows)? {
            open.frame.exhaustive = false;
            rows.refuse(image, files.things().unwrap_or(photo), why)?;
        }
        let mut has_boxes = false;
        if let (Some(path), Some(BoxFile { size, boxes, .. })) = (&files.boxes, boxes) {
            for (place, vehicle) in boxes.into_iter().enumerate() {
                match vehicle.and_then(|vehicle| self.place(&mut open, vehicle, size, place)) {
                    Ok(()) => has_boxes = true,
                    Err(why) => {
                        open.frame.exhaustive = false;
                        rows.refuse(format!("{image}/objects[{place}]"), path, why)?;
                    }
                }
            }
        }
        if let Some(path) = &files.disparity {
            match self.depth(&mut open, camera.as_ref(), path) {
                Ok(()) => {}
                Err(why) if why.code == NO_DEPTH => rows.remark(image, path, why)?,
                Err(why) => rows.refuse(image, path, why)?,
            }
        }
        let placed_by = if has_boxes { Some("box") } else { open.frame.depth_uri.is_some().then_some("depth") };
        open.frame.lifted_from = placed_by.map(str::to_owned);
        for detection in open.objects.into_values() {
            rows.push(Row::Detection(detection))?;
        }
        rows.push(Row::Frame(open.frame))
    }

    /// The frame and its camera, or the file that spoils it.
    fn open_image<'a>(
        &self,
        split: &str,
        image: &str,
        files: &'a ImageFiles,
        path: &'a str,
        boxes: Option<&BoxFile>,
    ) -> Result<(OpenImage, Option<VehicleCamera>), (&'a str, Unusable)> {
        let of = |path: &'a str| move |why: Unusable| (path, why);
        let photo = Photo::read(&self.root, path).map_err(of(path))?;
        let stored = StoredImage::of(&photo);
        upright::unmirrored(stored.turn).map_err(of(path))?;
        let uri = self.root.uri(path).map_err(|e| (path, Unusable::new("path", e.to_string())))?;
        let camera = match &files.camera {
            Some(path) => {
                let json = self.bytes(path, boxes::MAX_BYTES);
                Some(json.and_then(|json| VehicleCamera::read(&json)).map_err(of(path))?)
            }
            None => boxes.map(|boxes| boxes.camera.clone()),
        };
        let mut frame = Frame::default();
        if let Some(VehicleCamera { intrinsics, size, .. }) = &camera {
            let file = files.camera.as_deref().or(files.boxes.as_deref()).unwrap_or(path);
            let fitted = intrinsics::fitted(intrinsics, *size, stored).map_err(of(file))?;
            let down = camera.as_ref().map(|camera| Vec3::from(fitted.turn.axes() * camera.down()));
            frame = Frame { gravity: down, ..Frame::taken_by(&fitted.intrinsics) };
        }
        let (width, height) = stored.upright();
        let said = split::of_any_word(split).map(|named| named.split.to_owned());
        let frame = Frame {
            frame_id: format!("{}/{image}", self.name),
            source: self.name.clone(),
            split: said.or_else(|| self.split.clone()),
            licence: self.licence.clone(),
            uri: Address { orientation: stored.turn.exif(), ..Address::file(uri) }.to_string(),
            sha256: Some(photo.sha256),
            width: width as i32,
            height: height as i32,
            exhaustive: files.things().is_some() && self.options.exhaustive.unwrap_or(files.is_fine()),
            ..frame
        };
        Ok((OpenImage { frame, stored, objects: BTreeMap::new() }, camera))
    }

    fn bytes(&self, path: &str, limit: u64) -> Result<Vec<u8>, Unusable> {
        self.root.bytes(path, limit).map_err(|e| Unusable::new("unreadable", e.to_string()))
    }

    /// The things of the instance image or the outlines; those that cannot be used are refused one by one. The inner error is that of the whole file.
    fn read_things(
        &self,
        open: &mut OpenImage,
        image: &str,
        files: &ImageFiles,
        rows: &mut RowSink,
    ) -> Result<Result<(), Unusable>> {
        if let Some(path) = files.instances() {
            let masks = self.bytes(path, photo::MAX_BYTES).and_then(|png| id_image::masks(&png, open.stored));
            let masks = match masks {
                Ok(masks) => masks,
                Err(why) => return Ok(Err(why)),
            };
            for (value, mask) in masks {
                match labels::of_value(value) {
                    Ok(Some(thing)) => self.detected(open, thing, &mask),
                    Ok(None) => {}
                    Err(label) => {
                        open.frame.exhaustive = false;
                        let why = Unusable::new("instance", format!("there is no label {label} with instances"));
                        rows.refuse(format!("{image}/{value}"), path, why)?;
                    }
                }
            }
        } else if let Some(path) = files.polygons() {
            let drawing = self.bytes(path, polygons::MAX_BYTES).and_then(|json| polygons::read(&json, open.stored));
            let drawing = match drawing {
                Ok(drawing) => drawing,
                Err(why) => return Ok(Err(why)),
            };
            for drawn in drawing.things {
                match open.stored.turn.mask(&drawn.mask) {
                    Ok(mask) => self.detected(open, drawn.thing, &mask),
                    Err(e) => return Ok(Err(Unusable::new("instance", e.to_string()))),
                }
            }
            for (place, why) in drawing.wrong {
                open.frame.exhaustive = false;
                rows.refuse(format!("{image}/objects[{place}]"), path, why)?;
            }
        }
        Ok(Ok(()))
    }

    /// A thing with its mask on the upright image.
    fn detected(&self, open: &mut OpenImage, thing: Thing, mask: &Mask) {
        let Thing { id, category, is_group } = thing;
        let row = Detection {
            frame_id: open.frame.frame_id.clone(),
            object_id: id.to_string(),
            category: category.to_owned(),
            bbox: mask.bounds().map_or_else(Box2::default, Box2::from),
            mask: Some(EncodedMask::from(mask)),
            crowd: is_group,
            made_by: self.options.made_by.clone(),
            ..Detection::default()
        };
        open.objects.insert(row.object_id.clone(), row);
    }

    /// A 3D box joins its object, or is one. Codes: `box3d`, `box`.
    fn place(&self, open: &mut OpenImage, vehicle: VehicleBox, size: (f64, f64), place: usize) -> Result<(), Unusable> {
        let StoredImage { width, height, turn } = open.stored;
        let VehicleBox { instance_id, category, bbox, obb, visibility } = vehicle;
        let object_id = instance_id.map_or_else(|| format!("box{place}"), |id| id.to_string());
        let obb = Obb::from(&obb);
        let [x, y] = [f64::from(width) / size.0, f64::from(height) / size.1];
        let bbox = Box2 { x0: bbox.x0 * x, y0: bbox.y0 * y, x1: bbox.x1 * x, y1: bbox.y1 * y };
        let bbox = Box2 {
            x0: bbox.x0.max(0.0),
            y0: bbox.y0.max(0.0),
            x1: bbox.x1.min(f64::from(width)),
            y1: bbox.y1.min(f64::from(height)),
        };
        if bbox.x1 <= bbox.x0 || bbox.y1 <= bbox.y0 {
            return Err(Unusable::new("box", "its box is outside the image"));
        }
        let row = Detection {
            frame_id: open.frame.frame_id.clone(),
            object_id: object_id.clone(),
            category,
            bbox,
            obb: Some(obb),
            visibility,
            made_by: self.options.made_by.clone(),
            ..Detection::default()
        };
        let row = upright::detection(row, turn, width, height)?;
        match open.objects.get_mut(&object_id) {
            Some(known) if known.obb.is_some() => {
                return Err(Unusable::new("box3d", format!("instance {object_id} has a box already")));
            }
            Some(known) => (known.obb, known.visibility) = (row.obb, row.visibility),
            None => drop(open.objects.insert(object_id, row)),
        }
        Ok(())
    }

    /// Codes: `depth`, `no_depth`, `unreadable`.
    fn depth(&self, open: &mut OpenImage, camera: Option<&VehicleCamera>, path: &str) -> Result<(), Unusable> {
        let pair = camera.and_then(|camera| Some((camera.baseline?, camera)));
        let (baseline, camera) = pair.ok_or_else(|| {
            Unusable::new(
                NO_DEPTH,
                "nothing says the baseline and the focal length of the pair of cameras, so that disparity is no depth",
            )
        })?;
        let bytes = self.bytes(path, photo::MAX_BYTES)?;
        let uri = self.root.uri(path).map_err(|e| Unusable::new("path", e.to_string()))?;
        // Disparity is of the images that the camera takes; of smaller copies its pixels are as wide as before.
        let units = DepthUnits::Disparity(baseline * camera.intrinsics.fx);
        DepthFile::judged(&bytes, units, open.stored)?.enter(uri, &mut open.frame);
        Ok(())
    }
}

impl Source for CityscapesReader {
    fn shards(&self) -> Result<Vec<Shard>> {
        let shard = |(name, digest): (&String, &super::file_entry::FilesDigest)| {
            Shard::fingerprinted(name.clone(), &format!("{} {}", self.fingerprinted, digest.hash), digest.bytes)
        };
        Ok(self.list()?.digests.iter().map(shard).collect())
    }

    fn read(&self, shard: &Shard, rows: &mut RowSink) -> Result<()> {
        let listing = self.listing()?;
        let images = listing.shards.get(&shard.name);
        let images = images.ok_or_else(|| Error::input("a city is no longer there").with("shard", &shard.name))?;
        let split = shard.name.split('/').next().unwrap_or_default();
        let mut without = Vec::new();
        for (image, files) in images {
            match &files.photo {
                Some(photo) => self.read_image(split, image, files, photo, rows)?,
                None => without.extend(files.any()),
            }
        }
        if let Some(first) = without.first() {
            let message = format!("of {} images there are annotations or cameras, and no leftImg8bit", without.len());
            rows.remark(shard.name.as_str(), first, Unusable::new("no_frame", message))?;
        }
        Ok(())
    }

    fn unsaid(&self) -> Result<Vec<String>> {
        let listing = self.listing()?;
        let images = || listing.shards.values().flat_map(BTreeMap::values).filter(|files| files.photo.is_some());
        let all = images().count();
        let lacking = |has: fn(&ImageFiles) -> bool| images().filter(|files| !has(files)).count();
        let mut said = Vec::new();
        for (count, what, costs) in [
            (lacking(|files| files.things().is_some()), "no gtFine and no gtCoarse", "nothing is marked in them"),
            (
                lacking(|files| files.boxes.is_some() || files.disparity.is_some() && files.camera.is_some()),
                "neither gtBbox3d nor disparity with a camera",
                "their objects wait for a depth model",
            ),
        ] {
            if count > 0 {
                said.push(format!("{count} of {all} images have {what}: {costs}"));
            }
        }
        Ok(said)
    }
}
