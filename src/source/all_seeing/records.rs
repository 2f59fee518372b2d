//! The forms of All-Seeing's files, and records cut out of them, each with the photo that it is of.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::files::{self, AnnotationFile};
use crate::error::{Context, Result};
use crate::source::json::cutter::{self, Event, MAX_RECORD};
use crate::source::json::forms::{self, Number, Numbers, Perhaps};
use crate::source::root::Root;
use crate::tables::{Loss, Unusable};
use crate::text::UTF8_MARK;

/// A photo's own file is held while it is read; the richest has some 100 kB.
const MAX_PHOTO_FILE: usize = 64 << 20;

/// Longer paths name no file.
const MAX_PATH: usize = 4096;

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// `image` of a photo's own file.
    Image = 0,
    /// An element of `annotations` beside it.
    Annotation = 1,
    /// A region that says itself which photo it is of.
    Region = 2,
    Conversation = 3,
}

impl RecordKind {
    /// The kind with this number.
    pub fn of(number: u8) -> Self {
        [Self::Image, Self::Annotation, Self::Region]
            .into_iter()
            .find(|kind| *kind as u8 == number)
            .unwrap_or(Self::Conversation)
    }
}

/// What is met while a file is read.
#[derive(Debug)]
pub enum Found<'a> {
    /// `photo` is its path as the record has it.
    Record { kind: RecordKind, photo: &'a str, offset: u64, json: &'a [u8] },
    /// What belongs to no photo.
    Lost { loss: Loss, offset: u64, why: Unusable },
}

/// `image` of a photo's own file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ImageRecord {
    file_name: Option<Perhaps<String>>,
    folder_name: Option<Perhaps<String>>,
    pub width: Option<Number>,
    pub height: Option<Number>,
    pub caption: Option<Perhaps<String>>,
}

/// A region, alone or in `annotations`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RegionRecord {
    #[serde(rename = "box")]
    boxed: Option<Numbers>,
    bbox: Option<Numbers>,
    pub width: Option<Number>,
    pub height: Option<Number>,
    #[serde(alias = "semantic_tags", alias = "tags", alias = "tag")]
    semantic_tag: Option<Words>,
    #[serde(alias = "score")]
    confidence: Option<Numbers>,
    caption: Option<Words>,
    answer: Option<Words>,
}

/// A text, or a list of them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Words {
    Many(Vec<Perhaps<String>>),
    One(String),
    Other(IgnoredAny),
}

fn texts(words: &Option<Words>) -> Vec<&str> {
    match words {
        Some(Words::Many(many)) => many.iter().filter_map(Perhaps::value).map(String::as_str).collect(),
        Some(Words::One(one)) => vec![one],
        Some(Words::Other(_)) | None => Vec::new(),
    }
}

impl RegionRecord {
    /// Its four numbers. Code: `box`.
    pub fn numbers(&self) -> Result<[f64; 4], Unusable> {
        let numbers = self.bbox.as_ref().or(self.boxed.as_ref());
        let numbers = numbers.ok_or_else(|| Unusable::new("box", "the region has no box"))?;
        numbers.exactly().map_err(|why| Unusable::new("box", format!("its box has {why}")))
    }

    /// Its tags, the surest first, each with its confidence where there is one.
    pub fn tags(&self) -> Vec<(&str, Option<f64>)> {
        let confidences = self.confidence.as_ref().map_or(&[][..], |numbers| &numbers.0[..]);
        let of =
            |(n, tag): (usize, _)| (tag, confidences.get(n).copied().filter(|confidence: &f64| !confidence.is_nan()));
        let mut tags: Vec<(&str, Option<f64>)> = texts(&self.semantic_tag).into_iter().enumerate().map(of).collect();
        tags.sort_by(|(_, a), (_, b)| b.unwrap_or(f64::NEG_INFINITY).total_cmp(&a.unwrap_or(f64::NEG_INFINITY)));
        tags
    }

    /// Sentences about it: captions, else answers.
    pub fn sentences(&self) -> Vec<&str> {
        let captions = texts(&self.caption);
        if captions.is_empty() { texts(&self.answer) } else { captions }
    }
}

/// What people and a model say of a photo in turn.
#[derive(Debug, Deserialize)]
pub struct ConversationRecord {
    pub conversations: Vec<TurnRecord>,
}

#[derive(Debug, Deserialize)]
pub struct TurnRecord {
    pub value: String,
}

/// What tells which record it is.
#[derive(Deserialize)]
#[serde(expecting = "a record: {\"image\": .., \"bbox\": ..} or {\"image\": .., \"conversations\": ..}")]
struct RecordKey {
    #[serde(default)]
    image: Option<ImageField>,
    #[serde(default)]
    annotations: Option<IgnoredAny>,
    #[serde(default)]
    images: Option<IgnoredAny>,
    #[serde(default)]
    conversations: Option<IgnoredAny>,
    #[serde(default)]
    bbox: Option<IgnoredAny>,
    #[serde(default, rename = "box")]
    boxed: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ImageField {
    Path(String),
    Other(IgnoredAny),
}

/// What photos of several files are known to be one by: SA-1B numbers its photos over all folders.
pub fn photo_key(photo: &str) -> &str {
    let name = photo.rsplit('/').next().unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    if files::is_of_sa_1b(stem) { stem } else { photo }
}

/// Hands every record of a file to `on`, in the file's order.
pub fn read(root: &Root, file: &AnnotationFile, on: &mut dyn FnMut(Found) -> Result<()>) -> Result<()> {
    read_part(root, file, u64::MAX, on)
}

/// The same of so many bytes at its beginning, behind which it seems to break off.
pub fn read_part(
    root: &Root,
    file: &AnnotationFile,
    bytes: u64,
    on: &mut dyn FnMut(Found) -> Result<()>,
) -> Result<()> {
    let failed =
        |e: crate::error::Error| if e.to_string().contains(&file.path) { e } else { e.with("file", &file.path) };
    let damage = Arc::default();
    let open = || -> Result<_> { Ok(Unpacked::new(root.open(&file.path)?, file.is_packed(), &damage).take(bytes)) };
    let form = form(&mut BufReader::new(open()?), file).map_err(failed)?;
    let input = open()?;
    match form {
        FileForm::Photo => photo_file(input, 0, on),
        FileForm::List => cutter::cut_list(input, "records", |event| match event {
            Event::Record { offset, json, .. } => record(offset, json, on),
            Event::Oversized { offset, bytes, .. } => lost(on, offset, oversized(bytes)),
            Event::Broken { offset, message } => lost(on, offset, broken(offset, &message)),
            Event::Skipped { .. } => Ok(()),
        }),
        FileForm::Lines => lines(input, on),
        FileForm::Foreign(what) => {
            let why = Unusable::new("section", format!("{what}; nothing is read from it"));
            on(Found::Lost { loss: Loss::Nothing, offset: 0, why })
        }
    }
    .map_err(failed)?;
    let damage = damage.lock().unwrap_or_else(PoisonError::into_inner).take();
    damage.map_or(Ok(()), |why| {
        lost(on, 0, Unusable::new("json", format!("its gzip breaks off: {why}; what follows is lost")))
    })
}

/// How records lie in a file.
enum FileForm {
    /// One object: a photo with its regions.
    Photo,
    List,
    Lines,
    /// Somebody else's, and whose.
    Foreign(&'static str),
}

const COCO: &str = "it is COCO's JSON, which sources of the kind `coco` read";

/// By its name and its first line.
fn form(input: &mut impl BufRead, file: &AnnotationFile) -> Result<FileForm> {
    if file.is_lines() {
        return Ok(FileForm::Lines);
    }
    let mut first = Vec::new();
    let mut input = input.take(MAX_RECORD as u64);
    while first.trim_ascii().is_empty() {
        first.clear();
        if input.read_until(b'\n', &mut first).or_input(|| "cannot read its first line".to_owned())? == 0 {
            break;
        }
    }
    let first = first.strip_prefix(UTF8_MARK).unwrap_or(&first).trim_ascii();
    if first.starts_with(b"[") {
        return Ok(FileForm::List);
    }
    Ok(match forms::record::<RecordKey>(first) {
        Ok(RecordKey { annotations: Some(_), images: Some(_), .. }) => FileForm::Foreign(COCO),
        Ok(RecordKey { annotations: None, conversations, bbox, boxed, .. })
            if conversations.is_some() || bbox.is_some() || boxed.is_some() =>
        {
            FileForm::Lines
        }
        // Over several lines, or damaged.
        _ => FileForm::Photo,
    })
}

/// Records a line.
fn lines(input: impl Read, on: &mut dyn FnMut(Found) -> Result<()>) -> Result<()> {
    let mut input = BufReader::with_capacity(256 << 10, input);
    let (mut line, mut offset) = (Vec::new(), 0_u64);
    loop {
        line.clear();
        let room = MAX_RECORD as u64 + 1;
        let read = (&mut input)
            .take(room)
            .read_until(b'\n', &mut line)
            .or_input(|| format!("reading stopped at byte {offset}"))?;
        if read == 0 {
            return Ok(());
        }
        let (at, mut bytes) = (offset, read as u64);
        let too_long = bytes == room && line.last() != Some(&b'\n');
        if too_long {
            bytes += skip_line(&mut input)?;
        }
        offset += bytes;
        let json = if at == 0 { line.strip_prefix(UTF8_MARK).unwrap_or(&line) } else { &line };
        let json = json.trim_ascii();
        if too_long {
            lost(on, at, oversized(bytes))?;
        } else if !json.is_empty() {
            record(at, json, on)?;
        }
    }
}

/// Passes the rest of a line, in the memory of the buffer.
fn skip_line(input: &mut impl BufRead) -> Result<u64> {
    let mut passed = 0;
    loop {
        let rest = input.fill_buf().or_input(|| "reading stopped".to_owned())?;
        let end = rest.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(rest.len(), |end| end + 1);
        let done = end.is_some() || rest.is_empty();
        input.consume(used);
        passed += used as u64;
        if done {
            return Ok(passed);
        }
    }
}

/// A line, or an element of a list.
fn record(offset: u64, json: &[u8], on: &mut dyn FnMut(Found) -> Result<()>) -> Result<()> {
    let key: RecordKey = match forms::record(json) {
        Ok(key) => key,
        Err(why) => return lost(on, offset, why),
    };
    if key.annotations.is_some() {
        return photo_file(json, offset, on);
    }
    let kind = match (&key.conversations, &key.bbox, &key.boxed) {
        (Some(_), ..) => RecordKind::Conversation,
        (None, None, None) => {
            return lost(on, offset, Unusable::new("json", "the record has neither `bbox` nor `conversations`"));
        }
        _ => RecordKind::Region,
    };
    let photo = match key.image {
        Some(ImageField::Path(path)) => photo_path(&path),
        _ => Err(Unusable::new("json", "the record has no `image`")),
    };
    match photo {
        Ok(photo) => on(Found::Record { kind, photo: &photo, offset, json }),
        Err(why) => {
            // Conversations without a picture are mixed in, and cost nothing.
            let marked = kind == RecordKind::Region || json.windows(5).any(|text| text == b"<box>");
            on(Found::Lost { loss: if marked { Loss::Record } else { Loss::Nothing }, offset, why })
        }
    }
}

/// A photo's own file, or a record of that form.
fn photo_file(input: impl Read, start: u64, on: &mut dyn FnMut(Found) -> Result<()>) -> Result<()> {
    let (mut image, mut regions, mut held, mut others) = (None, Vec::new(), 0, Vec::new());
    let (mut is_coco, mut is_long) = (false, false);
    let mut faults: Vec<(u64, Loss, Unusable)> = Vec::new();
    cutter::cut(input, &["annotations"], |event| {
        match event {
            Event::Record { offset, json, .. } => {
                is_long |= held > MAX_PHOTO_FILE;
                if !is_long && !is_coco {
                    held += json.len();
                    regions.push((offset, json.to_vec()));
                }
            }
            Event::Oversized { offset, bytes, .. } => faults.push((offset, Loss::Record, oversized(bytes))),
            Event::Skipped { name: "image", offset, json } => image = Some((offset, json.to_vec())),
            Event::Skipped { name: "images" | "categories", .. } => is_coco = true,
            Event::Skipped { name, offset, .. } => others.push((offset, name.escape_debug().to_string())),
            Event::Broken { offset, message } => faults.push((offset, Loss::Record, broken(offset, &message))),
        }
        Ok(())
    })?;
    let nothing = |what: &str| Unusable::new("section", format!("{what}; nothing is read from it"));
    if image.is_none() && (is_coco || (regions.is_empty() && faults.is_empty())) {
        let why = nothing(if is_coco { COCO } else { "it has neither `image` nor `annotations`" });
        return on(Found::Lost { loss: Loss::Nothing, offset: start, why });
    }
    if is_long {
        let message = format!("more than {MAX_PHOTO_FILE} bytes are of one photo, which cannot be");
        return lost(on, start, Unusable::new("json", message));
    }
    let photo = match &image {
        Some((offset, json)) => forms::record::<ImageRecord>(json)
            .and_then(|record| {
                let name = Perhaps::given(&record.file_name)
                    .ok_or_else(|| Unusable::new("json", "its `image` has no `file_name`"))?;
                let folder =
                    Perhaps::given(&record.folder_name).filter(|folder| !folder.is_empty() && !name.contains('/'));
                photo_path(&folder.map_or(name.clone(), |folder| format!("{folder}/{name}")))
            })
            .map(|photo| (photo, *offset, json)),
        None => Err(Unusable::new("json", "it has no `image`")),
    };
    match photo {
        Ok((photo, offset, json)) => {
            on(Found::Record { kind: RecordKind::Image, photo: &photo, offset: start + offset, json })?;
            for (offset, json) in &regions {
                on(Found::Record { kind: RecordKind::Annotation, photo: &photo, offset: start + offset, json })?;
            }
            for (offset, name) in others {
                let message = format!("`{name}` is not known, or no list, so that it was not read");
                let loss = if regions.is_empty() { Loss::Record } else { Loss::Nothing };
                let code = if regions.is_empty() { "json" } else { "section" };
                on(Found::Lost { loss, offset: start + offset, why: Unusable::new(code, message) })?;
            }
        }
        Err(why) => {
            let message = format!("{}; {} regions are lost with it", why.message, regions.len());
            on(Found::Lost { loss: Loss::Image, offset: start, why: Unusable::new(why.code, message) })?;
        }
    }
    faults.into_iter().try_for_each(|(offset, loss, why)| on(Found::Lost { loss, offset: start + offset, why }))
}

/// A photo's path as records have it, with `/` between its parts. Code: `path`.
fn photo_path(path: &str) -> Result<String, Unusable> {
    let path = path.replace('\\', "/");
    let path = path.trim_start_matches("./");
    if path.is_empty() || path.len() > MAX_PATH || path.contains(char::is_control) {
        return Err(Unusable::new(
            "path",
            format!("`{}` is no path of a photo", path.escape_debug().take(80).collect::<String>()),
        ));
    }
    Ok(path.to_owned())
}

fn lost(on: &mut dyn FnMut(Found) -> Result<()>, offset: u64, why: Unusable) -> Result<()> {
    on(Found::Lost { loss: Loss::Record, offset, why })
}

fn oversized(bytes: u64) -> Unusable {
    Unusable::new("json", format!("a record of {bytes} bytes, more than the {MAX_RECORD} allowed"))
}

fn broken(offset: u64, message: &str) -> Unusable {
    Unusable::new("json", format!("{message}; what follows byte {offset} is lost"))
}

/// A file, unpacked where it is packed. Where the packing breaks off it ends, and why is noted: what came before is good.
struct Unpacked {
    input: Box<dyn Read>,
    damage: Option<Arc<Mutex<Option<String>>>>,
}

impl Unpacked {
    fn new(input: Box<dyn Read + Send>, packed: bool, damage: &Arc<Mutex<Option<String>>>) -> Self {
        match packed {
            true => Self { input: Box::new(MultiGzDecoder::new(input)), damage: Some(Arc::clone(damage)) },
            false => Self { input, damage: None },
        }
    }
}

impl Read for Unpacked {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        match (self.input.read(into), &self.damage) {
            (Err(e), Some(damage))
                if matches!(
                    e.kind(),
                    std::io::ErrorKind::InvalidInput
                        | std::io::ErrorKind::InvalidData
                        | std::io::ErrorKind::UnexpectedEof
                ) =>
            {
                *damage.lock().unwrap_or_else(PoisonError::into_inner) = Some(e.to_string());
                Ok(0)
            }
            (read, _) => read,
        }
    }
}
