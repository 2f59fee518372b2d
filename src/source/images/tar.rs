//! The photos in a tar, with what is said of them in the members of their key.
//!
//! ```text
//! dir/17.jpg        a photo, its frame is <stem>/dir/17        ┐
//! dir/17.seg.png    none, because there is dir/17.jpg          ├─ key dir/17: the members up to the first dot
//! dir/17.json       what is said of both                       ┘
//! ```
//!
//! The tar is streamed once; photos are judged as they pass, and held without their bytes until their key ends. Tools write the members of
//! a key next to each other, and other tools write all photos and then all words, or the other way round. So photos whose words were not
//! beside them, and words whose photos were not, wait in a temporary file, sorted by their keys, until the tar ends:
//!
//! ```text
//! members ─► a key's photos and words ─┬─ all there ─► frames
//!                                      └─ some missing ─► temporary file ─► a bucket of keys ─► frames
//! ```
//!
//! Memory: what is known of a key's photos, and of a bucket's, which is about [`BUCKET`] bytes of words and photos.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::ImagesReader;
use super::frame::{FrameWriter, PackedPhotoInfo, PhotoInfo, not_read};
use super::listing::{self, ENDINGS, ending, is_not_read, key, stem};
use super::members::{Member, MemberKind, Members};
use super::words::{self, PhotoWords, SidecarFiles};
use crate::error::{Context, Result};
use crate::photos::{Address, PhotoPart};
use crate::source::RowSink;
use crate::source::photo::MAX_BYTES;
use crate::spill::{Spiller, Tag};
use crate::tables::{Loss, Unusable};
use crate::text::composed;

/// Members of one key that are held; it is taken to end where there are more.
const MAX_GROUP: usize = 1024;

/// Bytes of a tar for each bucket of what waits: were all of them words, so many would be held at once.
const BUCKET: u64 = 8 << 20;

/// What a record that waits is.
const PHOTO: u8 = 0;
const JSON: u8 = 1;
const TEXT: u8 = 2;

/// Reads a tar. What cannot be followed any more is one quarantined row, and what came before is kept.
pub fn read(images: &ImagesReader, path: &str, stem: &str, rows: &mut RowSink) -> Result<()> {
    let uri = images.root.uri(path)?;
    let (input, size) = match images.root.open(path).and_then(|input| Ok((input, images.root.size(path)?))) {
        Ok((input, size)) => (input, size.unwrap_or_default()),
        Err(e) => {
            let message = format!("{e}; how many photos are lost with it nobody knows, and it counts as one");
            return rows.refuse_image(stem, path, Unusable::new("unreadable", message));
        }
    };
    let (json, text) = images.options.beside();
    let buckets = if json || text { size.div_ceil(BUCKET).clamp(1, 4096) } else { 1 };
    let mut group = PhotoGroup {
        images,
        path,
        stem,
        frames: FrameWriter::new(images),
        key: String::new(),
        photos: Vec::new(),
        beside: SidecarFiles::default(),
        waiting: Some(WaitingPhotos::of(buckets as usize)?),
        plain: HashSet::new(),
        beside_plain: (0, String::new()),
    };
    let mut members = Members::new(input);
    loop {
        match members.next() {
            Ok(Some(member)) => group.take(&uri, member, rows)?,
            Ok(None) => {
                group.end(rows)?;
                return group.finish(None, rows);
            }
            Err(why) => {
                group.end(rows)?;
                group.finish(Some(&why), rows)?;
                let (loss, lost) = match members.behind(|name| images.is_photo(name)) {
                    0 => {
                        (Loss::Image, "how many photos are lost with it nobody knows, and it counts as one".to_owned())
                    }
                    1 => (Loss::Image, "one photo behind it is lost".to_owned()),
                    photos => (Loss::Images(photos), format!("{photos} photos behind it are lost")),
                };
                return rows.lose(loss, stem, path, Unusable::new("tar", format!("{why}; {lost}")));
            }
        }
    }
}

/// A photo that was judged, and where it is.
type JudgedPhoto = Result<(PhotoInfo, Address), Unusable>;

/// The photos of one key.
struct PhotoGroup<'a> {
    images: &'a ImagesReader,
    path: &'a str,
    stem: &'a str,
    frames: FrameWriter<'a>,
    key: String,
    photos: Vec<(String, JudgedPhoto)>,
    beside: SidecarFiles,
    /// None once the tar has ended.
    waiting: Option<WaitingPhotos>,
    /// Keys, as hashes, with a photo of just that name: what else has their name is a mask, or a picture of depth.
    plain: HashSet<u64>,
    /// How many such pictures there are, and one of them.
    beside_plain: (u64, String),
}

impl PhotoGroup<'_> {
    fn take(&mut self, uri: &str, mut member: Member<'_>, rows: &mut RowSink) -> Result<()> {
        // Those who wrote words beside photos may have been on another system.
        let own = composed(key(&member.name));
        if own != self.key || self.photos.len() == MAX_GROUP {
            self.end(rows)?;
            self.key = own.into_owned();
        }
        let ending = ending(&member.name).to_ascii_lowercase();
        if self.images.is_photo(&member.name) {
            let photo = photo(uri, &mut member);
            self.photos.push((member.name, photo));
        } else if is_not_read(&member.name) && self.images.options.image.is_none() {
            self.photos.push((member.name, Err(not_read(&format!(".{ending}")))));
        } else if member.kind == MemberKind::File && member.size <= words::MAX_BYTES {
            // A file of words that breaks off breaks the tar off; that is found next.
            match ending.as_str() {
                "json" => self.beside.json = member.bytes().ok(),
                "txt" => self.beside.txt = member.bytes().ok(),
                _ => {}
            }
        }
        Ok(())
    }

    /// Ends a key: what lacks something waits for it.
    fn end(&mut self, rows: &mut RowSink) -> Result<()> {
        let (photos, beside) = (std::mem::take(&mut self.photos), std::mem::take(&mut self.beside));
        if photos.iter().any(|(name, _)| stem(name) == key(name)) {
            self.plain.insert(xxh3_64(self.key.as_bytes()));
        }
        let named_so = photos.iter().any(|(name, _)| stem(name) != key(name)) && self.images.options.image.is_none();
        match &mut self.waiting {
            Some(waiting) if photos.is_empty() || named_so || !beside.is_all(&self.images.options) => {
                waiting.words(&self.key, beside)?;
                let mut refused = Vec::new();
                for (name, photo) in photos {
                    match photo {
                        Ok((seen, address)) => waiting.photo(&self.key, name, seen, &address)?,
                        Err(why) => refused.push((name, Err(why))),
                    }
                }
                self.push(refused, &SidecarFiles::default(), rows)
            }
            _ => self.push(photos, &beside, rows),
        }
    }

    /// What waited. A tar that breaks off has lost words, and perhaps those of the photos that have none.
    fn finish(&mut self, broken: Option<&str>, rows: &mut RowSink) -> Result<()> {
        let Some(waiting) = self.waiting.take() else { return Ok(()) };
        let buckets = waiting.buckets;
        let waiting = waiting.records.finish()?;
        for bucket in 0..buckets {
            let mut keys = BTreeMap::<String, (Vec<(String, JudgedPhoto)>, SidecarFiles)>::new();
            waiting.visit(bucket, |tag, record| {
                let (key, record) = record.split_at(tag.number as usize);
                let (photos, beside) = keys.entry(String::from_utf8_lossy(key).into_owned()).or_default();
                match tag.kind {
                    PHOTO => {
                        let failed = || "a photo that waited cannot be read back".to_owned();
                        let WaitingPhoto { name, seen, uri } = serde_json::from_slice(record).or_internal(failed)?;
                        photos.push((name, Ok((seen.into(), Address::parse(&uri)?))));
                    }
                    JSON => beside.json = Some(record.to_vec()),
                    _ => beside.txt = Some(record.to_vec()),
                }
                Ok(())
            })?;
            for (key, (mut photos, beside)) in keys {
                if self.plain.contains(&xxh3_64(key.as_bytes())) && self.images.options.image.is_none() {
                    let (count, one) = &mut self.beside_plain;
                    photos.retain(|(name, _)| {
                        let is_plain = stem(name) == listing::key(name);
                        if !is_plain {
                            *count += 1;
                            name.clone_into(one);
                        }
                        is_plain
                    });
                }
                if let Some(why) = broken.filter(|_| !beside.is_all(&self.images.options)) {
                    let message = format!("what is said of it may be in what is lost of its tar: {why}");
                    photos.iter_mut().for_each(|(_, photo)| *photo = Err(Unusable::new("tar", message.clone())));
                }
                self.push(photos, &beside, rows)?;
            }
        }
        let (count, one) = &self.beside_plain;
        if *count > 0 {
            let message = format!(
                "{count} pictures beside a photo of their key are taken for no photos, such as `{one}`; `image` of the source, an ending \
                 such as \"left.jpg\", chooses which are"
            );
            rows.remark(self.stem, self.path, Unusable::new("member", message))?;
        }
        Ok(())
    }

    fn push(&mut self, photos: Vec<(String, JudgedPhoto)>, beside: &SidecarFiles, rows: &mut RowSink) -> Result<()> {
        let words = PhotoWords::beside(&self.images.options, beside);
        for (name, photo) in &photos {
            let alone = photos.iter().filter(|(other, _)| stem(other) == stem(name)).count() == 1;
            let name = if alone { stem(name) } else { name };
            let photo = photo.clone().and_then(|(seen, at)| Ok((seen, at, words.clone()?)));
            self.frames.push(&format!("{}/{name}", self.stem), self.path, photo, rows)?;
        }
        Ok(())
    }
}

/// Photos and words in a temporary file, those of a key in one bucket.
struct WaitingPhotos {
    records: Spiller,
    buckets: usize,
}

/// A photo as it waits.
#[derive(Serialize, Deserialize)]
struct WaitingPhoto {
    name: String,
    seen: PackedPhotoInfo,
    uri: String,
}

impl WaitingPhotos {
    fn of(buckets: usize) -> Result<Self> {
        Ok(Self { records: Spiller::new(buckets)?, buckets })
    }

    fn words(&mut self, key: &str, SidecarFiles { json, txt }: SidecarFiles) -> Result<()> {
        for (kind, words) in [(JSON, json), (TEXT, txt)] {
            if let Some(words) = words {
                self.put(key, kind, &words)?;
            }
        }
        Ok(())
    }

    fn photo(&mut self, key: &str, name: String, seen: PhotoInfo, address: &Address) -> Result<()> {
        let stored = WaitingPhoto { name, seen: seen.into(), uri: address.to_string() };
        let json = serde_json::to_vec(&stored).or_internal(|| "a photo has no JSON form".to_owned())?;
        self.put(key, PHOTO, &json)
    }

    fn put(&mut self, key: &str, kind: u8, record: &[u8]) -> Result<()> {
        let bucket = xxh3_64(key.as_bytes()) % self.buckets as u64;
        let tag = Tag { kind, document: 0, number: key.len() as u64 };
        self.records.push(bucket as usize, tag, &[key.as_bytes(), record].concat())
    }
}

impl ImagesReader {
    fn is_photo(&self, name: &str) -> bool {
        let name = name.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        let ends = |wanted: &str| {
            name.strip_suffix(wanted).and_then(|name| name.strip_suffix('.')).is_some_and(|name| !name.is_empty())
        };
        // A file's companion of macOS, with its ending.
        !name.starts_with("._")
            && match &self.options.image {
                Some(wanted) => ends(&wanted.trim_start_matches('.').to_ascii_lowercase()),
                None => ENDINGS.into_iter().any(ends),
            }
    }
}

fn photo(uri: &str, member: &mut Member<'_>) -> Result<(PhotoInfo, Address), Unusable> {
    match member.kind {
        MemberKind::File => {}
        MemberKind::Link => return Err(Unusable::new("tar", "the member is a link")),
        MemberKind::Sparse => return Err(Unusable::new("tar", "the member is sparse: its bytes are not in one piece")),
    }
    if member.name.starts_with('/') || member.name.split('/').any(|part| part == "..") {
        return Err(Unusable::new("path", "the member's name is absolute or has a `..`"));
    }
    if member.size > MAX_BYTES {
        let message = format!("the member has {} bytes, more than the {MAX_BYTES} allowed", member.size);
        return Err(Unusable::new("unreadable", message));
    }
    let bytes = member.bytes().map_err(|why| Unusable::new("tar", why))?;
    let seen = PhotoInfo::of(&bytes)?;
    let name = member.name.rsplit('/').next().map(str::to_owned);
    let range = member.offset..member.offset + member.size;
    Ok((seen, Address { part: PhotoPart::Bytes(range), name, ..Address::file(uri) }))
}
