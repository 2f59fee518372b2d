//! The photos of one bucket, and the regions that all files mark on them.

use std::collections::HashMap;

use super::files;
use super::markup::Markup;
use super::names;
use super::records::{self, ConversationRecord, ImageRecord, RecordKind, RegionRecord};
use super::square_pad;
use super::{AllSeeingReader, BoxFormat, MissingImages};
use crate::error::Result;
use crate::photos::Address;
use crate::source::caption::Caption;
use crate::source::json::forms::{self, Number, Perhaps};
use crate::source::photo::{self, Photo, StatedSize, UprightSize};
use crate::source::{Row, RowSink};
use crate::tables::{Box2, Detection, Frame, Loss, Unusable};

/// Where a record stands.
#[derive(Debug, Clone)]
pub struct RecordPlace {
    pub file: String,
    pub offset: u64,
}

impl RecordPlace {
    fn key(&self) -> String {
        format!("{}@{}", self.file, self.offset)
    }
}

/// The photos of a bucket, in the order in which they are met.
pub struct PhotoBucket<'a> {
    source: &'a AllSeeingReader,
    by_key: HashMap<String, usize>,
    photos: Vec<PendingPhoto>,
}

#[derive(Default)]
struct PendingPhoto {
    /// Its paths as records have them.
    paths: Vec<String>,
    stated: StatedSize,
    captions: Vec<String>,
    mentions: Vec<Mention>,
}

/// What one record says of one box.
struct Mention {
    place: RecordPlace,
    kind: RecordKind,
    corners: Corners,
    category: Option<String>,
    score: Option<f64>,
    sentences: Vec<String>,
}

enum Corners {
    /// Left, top, right, bottom, in pixels.
    Pixels([f64; 4]),
    /// The same in parts of the photo, or of its square.
    Parts { corners: [f64; 4], padded: bool },
}

/// A region as it becomes an object.
struct Region {
    place: RecordPlace,
    kind: RecordKind,
    bbox: Box2,
    category: Option<String>,
    score: Option<f64>,
    sentences: Vec<String>,
}

impl<'a> PhotoBucket<'a> {
    /// None yet.
    pub fn new(source: &'a AllSeeingReader) -> Self {
        Self { source, by_key: HashMap::new(), photos: Vec::new() }
    }

    /// A record of any file.
    pub fn record(
        &mut self,
        kind: RecordKind,
        path: &str,
        place: RecordPlace,
        json: &[u8],
        rows: &mut RowSink,
    ) -> Result<()> {
        let key = records::photo_key(path);
        let at = *self.by_key.entry(key.to_owned()).or_insert(self.photos.len());
        if at == self.photos.len() {
            self.photos.push(PendingPhoto::default());
        }
        let pending = &mut self.photos[at];
        if !pending.paths.iter().any(|known| known == path) {
            pending.paths.push(path.to_owned());
        }
        let told = match kind {
            RecordKind::Image => pending.image(&place, json, rows),
            RecordKind::Annotation => pending.region(kind, &place, json, self.source.format(BoxFormat::Xywh), rows),
            RecordKind::Region => pending.region(kind, &place, json, self.source.format(BoxFormat::Xyxy), rows),
            RecordKind::Conversation => {
                let padded = self.source.options.square_pad.unwrap_or_else(|| files::is_square_padded(&place.file));
                pending.conversation(&place, json, padded, rows)
            }
        };
        match told {
            Ok(told) => told,
            Err(why) if kind == RecordKind::Image => rows.refuse_image(place.key(), &place.file, why),
            Err(why) => rows.refuse(place.key(), &place.file, why),
        }
    }

    /// Pushes frames and objects.
    pub fn finish(self, rows: &mut RowSink) -> Result<()> {
        let mut keys: Vec<(String, usize)> = self.by_key.into_iter().collect();
        keys.sort_unstable_by_key(|(_, at)| *at);
        for ((key, _), pending) in keys.into_iter().zip(self.photos) {
            let PendingPhoto { paths, stated, captions, mentions } = pending;
            match self.source.frame(&key, &paths, stated, captions) {
                Ok(frame) => {
                    let size = (f64::from(frame.width), f64::from(frame.height));
                    let frame_id = frame.frame_id.clone();
                    rows.push(Row::Frame(frame))?;
                    self.source.objects(&frame_id, size, mentions, rows)?;
                }
                Err(why) => {
                    rows.refuse_image(key.clone(), &paths[0], why)?;
                    for mention in mentions {
                        let why = Unusable::new("no_frame", format!("its image `{key}` cannot be used"));
                        rows.lose(Loss::Nothing, mention.place.key(), &mention.place.file, why)?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl PendingPhoto {
    fn image(&mut self, place: &RecordPlace, json: &[u8], rows: &mut RowSink) -> Result<Result<()>, Unusable> {
        let record: ImageRecord = forms::record(json)?;
        self.sized(record.width, record.height)?;
        let Some(said) = Perhaps::given(&record.caption).and_then(|said| Caption::of(said)) else { return Ok(Ok(())) };
        if !self.captions.contains(&said.text) {
            self.captions.push(said.text);
        }
        Ok(said.oddity.map_or(Ok(()), |why| rows.remark(place.key(), &place.file, why)))
    }

    /// The first size that a record states.
    fn sized(&mut self, width: Option<Number>, height: Option<Number>) -> Result<(), Unusable> {
        let (width, height) = (forms::side(width)?, forms::side(height)?);
        self.stated = StatedSize { width: self.stated.width.or(width), height: self.stated.height.or(height) };
        Ok(())
    }

    fn region(
        &mut self,
        kind: RecordKind,
        place: &RecordPlace,
        json: &[u8],
        format: BoxFormat,
        rows: &mut RowSink,
    ) -> Result<Result<()>, Unusable> {
        let record: RegionRecord = forms::record(json)?;
        let [x, y, a, b] = record.numbers()?;
        let corners = if format == BoxFormat::Xywh { [x, y, x + a, y + b] } else { [x, y, a, b] };
        self.sized(record.width, record.height)?;
        let named = record.tags().into_iter().find_map(|(tag, score)| Some((names::of_tag(tag)?, score)));
        let (category, confidence) = named.map_or((None, None), |(category, score)| (Some(category), score));
        // A cosine of CLIP, times 100; whoever writes a share writes one up to 1.
        let score = confidence.map(|confidence| if confidence > 1.0 { confidence / 100.0 } else { confidence });
        let is_score = score.is_none_or(|score| (0.0..=1.0).contains(&score));
        let sentences = record.sentences().into_iter().map(str::to_owned).collect();
        let score = score.filter(|_| is_score);
        self.mentions.push(Mention {
            place: place.clone(),
            kind,
            corners: Corners::Pixels(corners),
            category,
            score,
            sentences,
        });
        Ok(match confidence.filter(|_| !is_score) {
            Some(confidence) => {
                let why = Unusable::new("score", format!("the confidence {confidence} is not in 0 to 100"));
                rows.remark(place.key(), &place.file, why)
            }
            None => Ok(()),
        })
    }

    fn conversation(
        &mut self,
        place: &RecordPlace,
        json: &[u8],
        padded: bool,
        rows: &mut RowSink,
    ) -> Result<Result<()>, Unusable> {
        let record: ConversationRecord = forms::record(json)?;
        let mut without_box = 0;
        let mut broken = Vec::new();
        // What a question asks about one box, which the next turn answers.
        let mut asked: Option<usize> = None;
        for turn in &record.conversations {
            let markup = Markup::read(&turn.value);
            without_box += markup.without_box;
            broken.extend(markup.broken);
            if let Some(asked) = asked.take().filter(|_| markup.grounded.is_empty()) {
                self.mentions[asked].sentences.push(turn.value.clone());
            }
            let first = self.mentions.len();
            for grounding in &markup.grounded {
                let category = names::of_words(&grounding.words, grounding.boxes.len());
                for corners in &grounding.boxes {
                    self.mentions.push(Mention {
                        place: place.clone(),
                        kind: RecordKind::Conversation,
                        corners: Corners::Parts { corners: *corners, padded },
                        category: category.clone(),
                        score: None,
                        sentences: Vec::new(),
                    });
                }
            }
            asked = (self.mentions.len() == first + 1).then_some(first);
        }
        let mut told = Ok(());
        for why in broken {
            told = told.and_then(|()| rows.refuse(place.key(), &place.file, Unusable::new("markup", why)));
        }
        if without_box > 0 {
            let why = Unusable::new("markup", format!("{without_box} words in <ref> have no box"));
            told = told.and_then(|()| rows.remark(place.key(), &place.file, why));
        }
        if record.conversations.is_empty() {
            let why = Unusable::new("json", "its `conversations` are empty");
            told = told.and_then(|()| rows.remark(place.key(), &place.file, why));
        }
        Ok(told)
    }
}

impl AllSeeingReader {
    fn format(&self, usual: BoxFormat) -> BoxFormat {
        self.options.box_format.unwrap_or(usual)
    }

    /// Where a photo is, relative to the root: its path, or the end of it, below the first folder that has it. Code: `path`.
    pub(super) fn found(&self, paths: &[String]) -> Result<Option<String>, Unusable> {
        let refused = |e: crate::error::Error| Unusable::new("path", e.to_string());
        for folder in &self.folders {
            for path in paths {
                let mut end = path.as_str();
                loop {
                    let whole = if folder.is_empty() { end.to_owned() } else { format!("{folder}/{end}") };
                    let whole = self.root.admit(&whole).and_then(|()| self.root.spelled(&whole)).map_err(refused)?;
                    if self.root.exists(&whole).map_err(refused)? {
                        return Ok(Some(whole));
                    }
                    let Some((_, rest)) = end.split_once('/') else { break };
                    end = rest;
                }
            }
        }
        Ok(None)
    }

    fn frame(&self, key: &str, paths: &[String], said: StatedSize, captions: Vec<String>) -> Result<Frame, Unusable> {
        let path = match self.found(paths)? {
            Some(path) => path,
            None => format!("{}/{}", self.folders[0], paths[0]).trim_start_matches('/').to_owned(),
        };
        let photo = match Photo::read(&self.root, &path) {
            Ok(photo) => Some(photo),
            Err(why) if why.code == "missing_file" && self.options.missing_images == MissingImages::Keep => None,
            Err(why) if why.code == "missing_file" && self.options.images.is_none() => {
                let message = format!("{}; `images` of the source names the folder of the photos", why.message);
                return Err(Unusable::new("missing_file", message));
            }
            Err(why) => return Err(why),
        };
        let UprightSize { width, height, orientation } = photo::shown(photo.as_ref(), said)?;
        let uri = self.root.uri(&path).map_err(|e| Unusable::new("path", e.to_string()))?;
        Ok(Frame {
            frame_id: format!("{}/{key}", self.name),
            source: self.name.clone(),
            split: self.split.clone(),
            licence: self.licence.clone(),
            uri: Address { orientation, ..Address::file(uri) }.to_string(),
            sha256: photo.map(|photo| photo.sha256),
            width: width as i32,
            height: height as i32,
            captions: (!captions.is_empty()).then_some(captions),
            ..Frame::default()
        })
    }

    /// Pushes the regions of a photo of this size, each once.
    fn objects(&self, frame_id: &str, size: (f64, f64), mentions: Vec<Mention>, rows: &mut RowSink) -> Result<()> {
        let mut by_corners = HashMap::<[i64; 4], usize>::new();
        let mut regions: Vec<Region> = Vec::new();
        for mention in mentions {
            let Mention { place, kind, corners, category, score, sentences } = mention;
            let bbox = match self.inside(&corners, size) {
                Ok(bbox) => bbox,
                Err(why) => {
                    rows.refuse(place.key(), &place.file, why)?;
                    continue;
                }
            };
            let at = *by_corners.entry(rounded(bbox)).or_insert(regions.len());
            if at == regions.len() {
                regions.push(Region { place, kind, bbox, category, score, sentences });
                continue;
            }
            let first = &mut regions[at];
            let same = category.is_none() || first.category.is_none() || category == first.category;
            // Conversations and questions speak of one region again and again, and call it what they will.
            let tagged = |kind| matches!(kind, RecordKind::Annotation | RecordKind::Region);
            let odd = tagged(kind) && tagged(first.kind) && (!same || kind == RecordKind::Annotation);
            if odd {
                let called =
                    |name: &Option<String>| name.as_deref().map_or(String::new(), |name| format!(" called `{name}`"));
                let (this, that) = (called(&category), called(&first.category));
                let message =
                    format!("a region{this} whose box is that of {}{that}; the first one is used", first.place.key());
                rows.remark(place.key(), &place.file, Unusable::new("duplicate", message))?;
            }
            if first.category.is_none() {
                (first.category, first.score) = (category, score);
            }
            if same {
                first.sentences.extend(sentences);
            }
        }
        for Region { place, bbox, category, score, sentences, .. } in regions {
            let Some(category) = category.or_else(|| self.untagged.clone()) else {
                let message =
                    "nothing says what the region shows; `untagged` of the source gives all such regions one name";
                rows.refuse(place.key(), &place.file, Unusable::new("category", message))?;
                continue;
            };
            rows.push(Row::Detection(Detection {
                frame_id: frame_id.to_owned(),
                object_id: rounded(bbox).map(|side| side.to_string()).join("_"),
                caption: sentences.iter().find_map(|sentence| names::phrase(sentence, &category)),
                category,
                bbox,
                score,
                made_by: self.options.made_by.clone(),
                ..Detection::default()
            }))?;
        }
        Ok(())
    }

    /// The box in pixels, cut off at the border. Code: `box`.
    fn inside(&self, corners: &Corners, (width, height): (f64, f64)) -> Result<Box2, Unusable> {
        let (said, bbox, padded) = match *corners {
            Corners::Pixels(said) => (said, Box2 { x0: said[0], y0: said[1], x1: said[2], y1: said[3] }, false),
            Corners::Parts { corners, padded } => {
                let scale = self.options.box_scale;
                (corners, square_pad::pixels(corners, (width, height), scale, padded), padded)
            }
        };
        let cut = Box2 { x0: bbox.x0.max(0.0), y0: bbox.y0.max(0.0), x1: bbox.x1.min(width), y1: bbox.y1.min(height) };
        // What is not a number is neither smaller nor larger than a border.
        if said.iter().all(|side| side.is_finite()) && cut.x0 < cut.x1 && cut.y0 < cut.y1 {
            return Ok(cut);
        }
        let hint = match corners {
            Corners::Parts { .. } if padded => "; `square_pad = false` where coordinates are of the photo itself",
            _ => "",
        };
        Err(Unusable::new("box", format!("the box {said:?} has no area in {width}x{height}{hint}")))
    }
}

/// A box to the pixel: what marks one region twice rounds differently here and there.
fn rounded(Box2 { x0, y0, x1, y1 }: Box2) -> [i64; 4] {
    [x0, y0, x1, y1].map(|side| side.round() as i64)
}
