//! The images of one bucket, and what becomes of them, their objects and their captions.

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;
use spatialmill_geometry::Turn;
use xxhash_rust::xxh3::xxh3_64;

use super::{CocoReader, MissingImages};
use crate::error::Result;
use crate::photos::Address;
use crate::source::camera_text;
use crate::source::caption::Caption;
use crate::source::coco_json::documents::{CocoDocument, CocoRecord, SortedDocuments};
use crate::source::coco_json::image::ImageRecord;
use crate::source::coco_json::object::{FrameSize, ObjectRecord, ReadObject};
use crate::source::coco_json::panoptic::{PanopticRecord, SegmentImage};
use crate::source::intrinsics;
use crate::source::json::cutter::{self, Event};
use crate::source::json::forms::{self, Perhaps};
use crate::source::json::id::Id;
use crate::source::photo::{self, Photo};
use crate::source::upright::StoredImage;
use crate::source::{Row, RowSink};
use crate::tables::{Detection, Frame, Loss, Unusable, Vec3};

/// COCO has five for each image.
const MAX_CAPTIONS: usize = 64;

/// Longer paths name no file.
const MAX_PATH: usize = 4096;

/// An element of `annotations` in a file of captions.
#[derive(Deserialize)]
struct CaptionRecord {
    image_id: Id,
    #[serde(default)]
    caption: Option<Perhaps<String>>,
}

/// The images of one bucket, and what became of them so far.
pub struct ImageBucket<'a> {
    coco: &'a CocoReader,
    documents: &'a SortedDocuments,
    /// Images of several files may have one id.
    by_id: HashMap<Id, Vec<usize>>,
    images: Vec<PendingImage>,
}

struct PendingImage {
    /// The files that list it, the one that it is from first.
    documents: Vec<usize>,
    /// Of its photo.
    path: String,
    /// None where the image cannot be used.
    frame: Option<Frame>,
    captions: Vec<String>,
    objects: HashMap<Id, SeenAnnotation>,
    /// Whether one of the objects has a 3D box.
    boxes3d: bool,
    /// What LVIS says of it.
    checked: Option<FederatedCategories>,
}

/// What is remembered of an annotation, so that the same one is known again.
struct SeenAnnotation {
    document: usize,
    record: u64,
    /// Its category and box.
    object: u64,
}

/// Categories by what is known of all their objects.
#[derive(Default)]
struct FederatedCategories {
    absent: BTreeSet<String>,
    marked: BTreeSet<String>,
    /// Some are marked, or were before they were lost.
    incomplete: BTreeSet<String>,
    /// An object was lost whose category nobody knows.
    nothing: bool,
    /// Nobody says whether all is marked of what is.
    marks_unsaid: bool,
}

impl<'a> ImageBucket<'a> {
    /// None yet.
    pub(super) fn new(coco: &'a CocoReader, documents: &'a SortedDocuments) -> Self {
        Self { coco, documents, by_id: HashMap::new(), images: Vec::new() }
    }

    /// Judges an element of `images`.
    pub fn image(&mut self, record: CocoRecord, rows: &mut RowSink) -> Result<()> {
        let document = self.documents.document(record.document);
        let image: ImageRecord = match forms::record(record.json) {
            Ok(image) => image,
            Err(why) => {
                // Its objects then belong to an image that is not used.
                if let Some(id) = Id::salvaged(record.json, "id") {
                    self.add(id, record.document, String::new(), None);
                }
                return rows.refuse_image(record.place(self.documents), &document.path, why);
            }
        };
        let path = match image.name() {
            Some(name) if name.len() <= MAX_PATH => self.path(&image, &name, &document.folder),
            Some(_) => Err(Unusable::new("path", format!("its name is longer than {MAX_PATH} bytes"))),
            None => Err(Unusable::new("json", "it has no `file_name`")),
        };
        let path = match path {
            Ok(path) => path,
            Err(why) => {
                rows.refuse_image(image.id.to_string(), &document.path, why)?;
                self.add(image.id, record.document, String::new(), None);
                return Ok(());
            }
        };
        let alike = self.by_id.get(&image.id).into_iter().flatten().copied();
        let own = alike.clone().find(|at| self.images[*at].documents.contains(&record.document));
        let same = alike.clone().find(|at| self.images[*at].path == path);
        match (own, same) {
            (Some(own), Some(same)) if own == same => {
                let message = format!("there is an image `{}` already, of the same photo", image.id);
                // Nothing is lost, unless its first record was.
                let loss = if self.images[own].frame.is_some() { Loss::Nothing } else { Loss::Record };
                rows.lose(loss, record.place(self.documents), &document.path, Unusable::new("duplicate", message))
            }
            (Some(own), _) => self.ambiguous(&image.id, own, record, &path, rows),
            // Another file that speaks of the same photo.
            (None, Some(same)) => {
                self.images[same].documents.push(record.document);
                if !self.may_be_exhaustive(document) {
                    self.images[same].incomplete();
                }
                Ok(())
            }
            (None, None) => {
                let doubled = image.name().is_some_and(|name| self.documents.is_doubled(record.document, &name));
                let frame = match self.frame(&image, &path, record.document) {
                    Ok(frame) if doubled => {
                        let message =
                            "its photo is another image's, too, so that nobody knows whether all of it is marked here";
                        rows.remark(image.id.to_string(), &path, Unusable::new("duplicate", message))?;
                        Some(Frame { exhaustive: false, ..frame })
                    }
                    Ok(frame) => Some(frame),
                    Err(why) => {
                        rows.refuse_image(image.id.to_string(), &path, why)?;
                        None
                    }
                };
                let checked = (image.is_federated() && !doubled).then(|| checked(&image, document));
                self.add(image.id, record.document, path, frame);
                if let Some(pending) = self.images.last_mut() {
                    pending.checked = checked;
                }
                Ok(())
            }
        }
    }

    /// Two photos of one id in one file: nobody knows whose the objects are, so that neither is used.
    fn ambiguous(&mut self, id: &Id, first: usize, record: CocoRecord, path: &str, rows: &mut RowSink) -> Result<()> {
        let pending = &mut self.images[first];
        let message =
            format!("`{}` and `{path}` are both image `{id}` of their file, so that neither is used", pending.path);
        let why = Unusable::new("duplicate", message);
        if pending.frame.take().is_some() {
            rows.refuse_image(id.to_string(), &pending.path, why.clone())?;
        }
        rows.refuse_image(record.place(self.documents), path, why)
    }

    /// Where the photo is, relative to the root. Code: `path`.
    fn path(&self, image: &ImageRecord, name: &str, folder: &str) -> Result<String, Unusable> {
        let below =
            |folder: &str, name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        let spelled = |path: String| self.coco.root.spelled(&path).map_err(|e| Unusable::new("path", e.to_string()));
        let first = spelled(below(folder, name))?;
        let named = Perhaps::given(&image.file_name).or(Perhaps::given(&image.file_path));
        let Some((subset, _)) = image.url().filter(|_| named.is_none()) else { return Ok(first) };
        // LVIS's images of one split are in several folders of COCO.
        let exists = |path: &String| self.coco.root.exists(path).map_err(|e| Unusable::new("path", e.to_string()));
        for path in [first.clone(), below(subset, name), below(folder, &below(subset, name))] {
            if exists(&path)? {
                return Ok(path);
            }
        }
        Ok(first)
    }

    fn frame(&self, image: &ImageRecord, path: &str, index: usize) -> Result<Frame, Unusable> {
        let uri = self.coco.root.uri(path).map_err(|e| Unusable::new("path", e.to_string()))?;
        let said = image.sides()?;
        let photo = match Photo::read(&self.coco.root, path) {
            Ok(photo) => Some(photo),
            Err(why) if why.code == "missing_file" && self.coco.options.missing_images == MissingImages::Keep => None,
            Err(why) if why.code == "missing_file" && self.coco.options.images.is_none() => {
                let message = format!("{}; `images` of the source names the folder of the photos", why.message);
                return Err(Unusable::new("missing_file", message));
            }
            Err(why) => return Err(why),
        };
        let shown = photo::shown(photo.as_ref(), said)?;
        // What a record says of its camera is of the picture that it says all else of.
        let picture = StoredImage { width: shown.width, height: shown.height, turn: Turn::NONE };
        let camera = match image.intrinsics.as_ref().map(|numbers| &numbers.0[..]) {
            None | Some([]) => None,
            Some(numbers) => {
                let matrix = <[f64; 9]>::try_from(numbers);
                let message = || Unusable::new("intrinsics", format!("`K` has {} numbers, not 3x3", numbers.len()));
                let camera = matrix.map_err(|_| message()).and_then(camera_text::intrinsics_of)?;
                Some(intrinsics::fitted(&camera, self.coco.intrinsics_of, picture)?.intrinsics)
            }
        };
        let gravity = match image.gravity.as_ref().map(|numbers| &numbers.0[..]) {
            None | Some([]) => None,
            Some(numbers) => {
                let down = <[f64; 3]>::try_from(numbers);
                let message = || Unusable::new("gravity", format!("`gravity` has {} numbers, not 3", numbers.len()));
                Some(down.map_err(|_| message()).and_then(|down| camera_text::gravity_of(down.into()))?)
            }
        };
        let document = self.documents.document(index);
        let licence = Perhaps::given(&image.license).and_then(|id| document.licence(id)).map(str::to_owned);
        let name = &self.coco.name;
        Ok(Frame {
            frame_id: match document.restarts {
                false => format!("{name}/{}", image.id),
                true => format!("{name}/{}/{}", self.documents.name(index), image.id),
            },
            source: name.clone(),
            split: self.coco.photos[index].split.clone(),
            licence: licence.or_else(|| self.coco.licence.clone()),
            uri: Address { orientation: shown.orientation, ..Address::file(uri) }.to_string(),
            sha256: photo.map(|photo| photo.sha256),
            width: shown.width as i32,
            height: shown.height as i32,
            gravity: gravity.map(Vec3::from),
            exhaustive: !image.is_federated() && self.may_be_exhaustive(document),
            ..camera.as_ref().map(Frame::taken_by).unwrap_or_default()
        })
    }

    /// Whether a file marks every object of its images, as far as the project says or the file shows.
    fn may_be_exhaustive(&self, document: &CocoDocument) -> bool {
        let stated = self.coco.options.exhaustive;
        stated.unwrap_or_else(|| document.signs.denied().is_none()) && self.documents.whole() && document.annotated
    }

    fn add(&mut self, id: Id, document: usize, path: String, frame: Option<Frame>) {
        self.by_id.entry(id).or_default().push(self.images.len());
        self.images.push(PendingImage {
            documents: vec![document],
            path,
            frame,
            captions: Vec::new(),
            objects: HashMap::new(),
            boxes3d: false,
            checked: None,
        });
    }

    /// The image that a record of a file means. Code: `no_frame`.
    fn meant(&self, id: &Id, document: usize) -> Result<usize, Unusable> {
        let files = self.documents.meant_by(document);
        let meant = |at: &&usize| self.images[**at].documents.iter().any(|file| files.contains(file));
        let all: Vec<&usize> = self.by_id.get(id).into_iter().flatten().filter(meant).collect();
        match all[..] {
            [at] => Ok(*at),
            [] => Err(Unusable::new("no_frame", format!("there is no image `{id}`"))),
            _ => Err(Unusable::new(
                "no_frame",
                format!("several files have an image `{id}`, and nothing says which is meant"),
            )),
        }
    }

    /// Pushes the segments of an image. All images of the bucket are known by then.
    pub fn segments(&mut self, record: CocoRecord, rows: &mut RowSink) -> Result<()> {
        let path = &self.documents.document(record.document).path;
        let image_id = forms::record::<PanopticRecord>(record.json).map(|panoptic| panoptic.image_id);
        let judged = image_id.and_then(|id| Ok((self.meant(&id, record.document)?, id)));
        let (at, image_id) = match judged {
            Ok(judged) => judged,
            Err(why) => return rows.refuse(record.place(self.documents), path, why),
        };
        if self.images[at].frame.is_none() {
            let why = Unusable::new("no_frame", format!("its image `{image_id}` cannot be used"));
            return rows.remark(record.place(self.documents), path, why);
        }
        let mut stored = self.segment_image(at, record);
        let mut faults = Vec::new();
        cutter::cut(record.json, &["segments_info"], |event| match event {
            Event::Record { json, offset, .. } => {
                let object = match &mut stored {
                    Ok(stored) => ObjectRecord::segment(json, &image_id, |id| stored.take(id)),
                    Err(why) => Err(why.clone()),
                };
                match object {
                    Ok(object) => self.place(CocoRecord { json, ..record }, object, rows),
                    Err(why) => {
                        self.images[at].incomplete();
                        let id = Id::salvaged(json, "id");
                        if let (Ok(stored), Some(id)) = (&mut stored, &id) {
                            // Its pixels are told with it.
                            drop(stored.take(id));
                        }
                        let id = id.map_or_else(|| format!("at{offset}"), |id| id.0);
                        rows.refuse(format!("{image_id}/{id}"), path, why)
                    }
                }
            }
            Event::Skipped { name: "segments_info", .. } => {
                faults.push(Unusable::new("json", "its `segments_info` is no list"));
                Ok(())
            }
            Event::Skipped { .. } => Ok(()),
            // The record is whole, as its parsing showed.
            Event::Oversized { .. } | Event::Broken { .. } => {
                faults.push(Unusable::new("json", "its segments cannot be told apart"));
                Ok(())
            }
        })?;
        if let Ok(stored) = &stored {
            let (count, first) = (stored.left().count(), stored.left().next());
            faults.extend(first.map(|first| {
                let message = format!("{count} ids of the PNG, such as {first}, are not in `segments_info`");
                Unusable::new("mask", message)
            }));
        }
        for why in faults {
            self.images[at].incomplete();
            rows.refuse(record.place(self.documents), path, why)?;
        }
        Ok(())
    }

    /// The PNG of a panoptic annotation.
    fn segment_image(&self, at: usize, record: CocoRecord) -> Result<SegmentImage, Unusable> {
        let panoptic: PanopticRecord = forms::record(record.json)?;
        let frame = self.images[at].frame.as_ref();
        let frame = frame.ok_or_else(|| Unusable::new("no_frame", "its image cannot be used"))?;
        let folder = self.coco.files[record.document].segments.as_deref().unwrap_or_default();
        let path = format!("{folder}/{}", panoptic.name()?.replace('\\', "/"));
        let path =
            self.coco.root.spelled(path.trim_start_matches('/')).map_err(|e| Unusable::new("path", e.to_string()))?;
        let read = SegmentImage::read(&self.coco.root, &path, (frame.width as u32, frame.height as u32));
        read.map_err(|why| match &*why.code {
            "missing_file" => {
                let message = format!("{}; `panoptic` of the source names the folder of such PNGs", why.message);
                Unusable::new("missing_file", message)
            }
            _ => why,
        })
    }

    /// Pushes an element of `annotations`. All images of the bucket are known by then.
    pub fn object(&mut self, record: CocoRecord, rows: &mut RowSink) -> Result<()> {
        let path = &self.documents.document(record.document).path;
        let object = match ObjectRecord::parse(record.json, record.offset) {
            Ok(object) => object,
            Err(why) => {
                let at = Id::salvaged(record.json, "image_id").and_then(|id| self.meant(&id, record.document).ok());
                if let Some(at) = at {
                    self.images[at].incomplete();
                }
                return rows.refuse(record.place(self.documents), path, why);
            }
        };
        self.place(record, object, rows)
    }

    /// Lays an object at its image's door.
    fn place(&mut self, record: CocoRecord, object: ObjectRecord, rows: &mut RowSink) -> Result<()> {
        let path = &self.documents.document(record.document).path;
        let key = format!("{}/{}", object.image_id, object.id);
        let at = match self.meant(&object.image_id, record.document) {
            Ok(at) => at,
            Err(why) => return rows.refuse(key, path, why),
        };
        if self.images[at].frame.is_none() {
            let message = format!("its image `{}` cannot be used", object.image_id);
            return rows.remark(key, path, Unusable::new("no_frame", message));
        }
        match self.detection(at, object, record) {
            Ok(ReadObject { row, oddities }) => {
                oddities.into_iter().try_for_each(|oddity| rows.remark(key.clone(), path, oddity))?;
                rows.push(Row::Detection(row))
            }
            Err((loss, why)) => rows.lose(loss, key, path, why),
        }
    }

    fn detection(
        &mut self,
        at: usize,
        object: ObjectRecord,
        record: CocoRecord,
    ) -> Result<ReadObject, (Loss, Unusable)> {
        let document = self.documents.document(record.document);
        let pending = &mut self.images[at];
        let Some(frame) = &pending.frame else {
            return Err((Loss::Nothing, Unusable::new("no_frame", "its image cannot be used")));
        };
        let canvas = FrameSize { frame_id: &frame.frame_id, width: frame.width as u32, height: frame.height as u32 };
        let id = object.id.clone();
        let category = document.category(&object.category_id);
        let is_stuff = document.is_stuff(&object.category_id);
        let told = SeenAnnotation { document: record.document, record: xxh3_64(record.json), object: 0 };
        let before = pending.objects.get(&id);
        if before.is_some_and(|before| before.document == told.document && before.record == told.record) {
            return Err((Loss::Nothing, Unusable::new("duplicate", "the same annotation stands in its file twice")));
        }
        let marked = match before {
            Some(before) if before.document == told.document => {
                let message = format!("its image has an annotation `{id}` already; the first one is used");
                Err(Unusable::new("duplicate", message))
            }
            _ => category.clone().and_then(|category| object.detection(canvas, category, &self.coco.options.made_by)),
        };
        let mut marked = match marked {
            Ok(marked) => marked,
            Err(why) => {
                pending.lost_one_of(category.ok());
                return Err((Loss::Record, why));
            }
        };
        // There is no telling how many walls there are.
        marked.row.crowd |= is_stuff;
        let told = SeenAnnotation { object: thing(&marked.row), ..told };
        match before {
            Some(before) if before.object == told.object => {
                let message = format!("another file has this annotation `{id}` of its image, too");
                return Err((Loss::Nothing, Unusable::new("duplicate", message)));
            }
            // Files number their annotations apart.
            Some(_) => {
                let id = format!("{}/{id}", self.documents.name(record.document));
                marked.row.object_id.clone_from(&id);
                pending.objects.insert(Id(id), told);
            }
            None => drop(pending.objects.insert(id, told)),
        }
        pending.boxes3d |= marked.row.obb.is_some();
        if let Some(checked) = &mut pending.checked {
            checked.marked.insert(marked.row.category.clone());
        }
        Ok(marked)
    }

    /// Lays a caption at its image's door. No question is made from it, so that nothing is lost with it.
    pub fn caption(&mut self, record: CocoRecord, rows: &mut RowSink) -> Result<()> {
        let path = &self.documents.document(record.document).path;
        let kept = forms::record(record.json).and_then(|CaptionRecord { image_id, caption }| {
            let at = self.meant(&image_id, record.document)?;
            let captions = &mut self.images[at].captions;
            if captions.len() == MAX_CAPTIONS {
                return Err(Unusable::new("caption", format!("its image has {MAX_CAPTIONS} captions already")));
            }
            let caption = Perhaps::given(&caption).and_then(|caption| Caption::of(caption));
            let Caption { text, oddity } = caption.ok_or_else(|| Unusable::new("caption", "it says nothing"))?;
            captions.push(text);
            oddity.map_or(Ok(()), Err)
        });
        match kept {
            Ok(()) => Ok(()),
            Err(why) => rows.remark(record.place(self.documents), path, why),
        }
    }

    /// Pushes the frames.
    pub fn finish(self, rows: &mut RowSink) -> Result<()> {
        let stated = self.coco.options.exhaustive;
        for PendingImage { documents, frame, captions, boxes3d, checked, .. } in self.images {
            let Some(mut frame) = frame else { continue };
            // Whoever drew 3D boxes drew them around what they wanted.
            let unsaid = boxes3d && stated.is_none();
            if boxes3d {
                frame.lifted_from = Some("box".to_owned());
                frame.exhaustive &= !unsaid;
            }
            let whole = self.documents.whole() && documents.len() == 1 && stated != Some(false) && !unsaid;
            let document = self.documents.document(documents[0]);
            frame.exhaustive_categories =
                checked.filter(|_| whole && document.annotated).and_then(|checked| checked.complete(document));
            frame.captions = (!captions.is_empty()).then_some(captions);
            rows.push(Row::Frame(frame))?;
        }
        Ok(())
    }
}

impl PendingImage {
    /// An object of this image was lost, so that nobody may count what is left.
    fn incomplete(&mut self) {
        self.lost_one_of(None);
    }

    /// The same of an object of a category, where that is known.
    fn lost_one_of(&mut self, category: Option<&str>) {
        if let Some(frame) = &mut self.frame {
            frame.exhaustive = false;
        }
        if let Some(checked) = &mut self.checked {
            match category {
                Some(category) => drop(checked.incomplete.insert(category.to_owned())),
                None => checked.nothing = true,
            }
        }
    }
}

/// What LVIS says of an image.
fn checked(image: &ImageRecord, document: &CocoDocument) -> FederatedCategories {
    let names = |ids: &Option<Vec<Id>>| {
        let ids = ids.iter().flatten();
        ids.filter_map(|id| document.category(id).ok()).map(str::to_owned).collect()
    };
    FederatedCategories {
        absent: names(&image.neg_category_ids),
        incomplete: names(&image.not_exhaustive_category_ids),
        marks_unsaid: image.not_exhaustive_category_ids.is_none(),
        ..FederatedCategories::default()
    }
}

impl FederatedCategories {
    /// The categories of which every object is marked. A person counts a deck chair among the chairs: where nobody looked for deck
    /// chairs, chairs cannot be counted.
    fn complete(&self, document: &CocoDocument) -> Option<Vec<String>> {
        if self.nothing {
            return None;
        }
        let none = BTreeSet::new();
        let marked = if self.marks_unsaid { &none } else { &self.marked };
        let known: BTreeSet<&String> =
            self.absent.union(marked).filter(|name| !self.incomplete.contains(*name)).collect();
        let unknown_special = |name: &str| document.special(name).iter().any(|special| !known.contains(&special));
        let complete: Vec<String> =
            known.iter().filter(|name| !unknown_special(name)).map(|name| (*name).clone()).collect();
        (!complete.is_empty()).then_some(complete)
    }
}

/// What an object is and where, as a hash.
fn thing(row: &Detection) -> u64 {
    let sides = [row.bbox.x0, row.bbox.y0, row.bbox.x1, row.bbox.y1].map(f64::to_le_bytes).concat();
    xxh3_64(&[row.category.as_bytes(), &sides].concat())
}
