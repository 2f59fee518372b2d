//! The photos in a tar, with what is said of them in the members beside them.
//!
//! ```text
//! dir/17.jpg        a photo, its frame is <stem>/dir/17        ┐
//! dir/17.left.jpg   another, its frame is <stem>/dir/17.left   ├─ key dir/17: the members up to the first dot, next to each other
//! dir/17.json       what is said of both                       ┘
//! ```
//!
//! The tar is streamed once; photos are judged as they pass, and held without their bytes until their key ends.

use super::Images;
use super::frame::{Frames, Seen, not_read};
use super::listing::{NOT_READ, ending, key, stem};
use super::members::{Kind, Member, Members};
use super::words::{self, Beside, Words};
use crate::error::Result;
use crate::photos::{Address, Part};
use crate::source::photo::MAX_BYTES;
use crate::source::rows::{Refused, Rows};

/// Members of one key that are held; it is taken to end where there are more.
const MAX_GROUP: usize = 1024;

/// Reads a tar. What cannot be followed any more is one quarantined row, and what came before is kept.
pub fn read(images: &Images, path: &str, stem: &str, rows: &mut Rows) -> Result<()> {
    let uri = images.root.uri(path)?;
    let input = match images.root.open(path) {
        Ok(input) => input,
        Err(e) => return rows.refuse(stem, path, Refused::new("unreadable", e.to_string())),
    };
    let mut group = Group {
        images,
        path,
        stem,
        frames: Frames::new(images),
        key: String::new(),
        photos: Vec::new(),
        beside: Beside::default(),
    };
    let mut members = Members::new(input);
    loop {
        match members.next() {
            Ok(Some(member)) => group.take(&uri, member, rows)?,
            Ok(None) => return group.end(rows),
            Err(why) => {
                group.end(rows)?;
                return rows.refuse(stem, path, Refused::new("tar", why));
            }
        }
    }
}

/// The photos of one key.
struct Group<'a> {
    images: &'a Images,
    path: &'a str,
    stem: &'a str,
    frames: Frames<'a>,
    key: String,
    photos: Vec<(String, Result<(Seen, Address), Refused>)>,
    beside: Beside,
}

impl Group<'_> {
    fn take(&mut self, uri: &str, mut member: Member<'_>, rows: &mut Rows) -> Result<()> {
        if key(&member.name) != self.key || self.photos.len() == MAX_GROUP {
            self.end(rows)?;
            key(&member.name).clone_into(&mut self.key);
        }
        let ending = ending(&member.name).to_ascii_lowercase();
        if self.images.is_photo(&member.name) {
            let photo = photo(uri, &mut member);
            self.photos.push((member.name, photo));
        } else if NOT_READ.contains(&ending.as_str()) && self.images.options.image.is_none() {
            self.photos.push((member.name, Err(not_read(&format!(".{ending}")))));
        } else if member.kind == Kind::File && member.size <= words::MAX_BYTES {
            // A file of words that breaks off breaks the tar off; that is found next.
            match ending.as_str() {
                "json" => self.beside.json = member.bytes().ok(),
                "txt" => self.beside.txt = member.bytes().ok(),
                _ => {}
            }
        }
        Ok(())
    }

    fn end(&mut self, rows: &mut Rows) -> Result<()> {
        let words = Words::beside(&self.images.options, &std::mem::take(&mut self.beside));
        let photos = std::mem::take(&mut self.photos);
        for (name, photo) in &photos {
            let alone = photos.iter().filter(|(other, _)| stem(other) == stem(name)).count() == 1;
            let name = if alone { stem(name) } else { name };
            let photo = photo.clone().and_then(|(seen, at)| Ok((seen, at, words.clone()?)));
            self.frames.push(&format!("{}/{name}", self.stem), self.path, photo, rows)?;
        }
        Ok(())
    }
}

impl Images {
    fn is_photo(&self, name: &str) -> bool {
        let name = name.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        let ends = |wanted: &str| {
            name.strip_suffix(wanted).and_then(|name| name.strip_suffix('.')).is_some_and(|name| !name.is_empty())
        };
        // A file's companion of macOS, with its ending.
        !name.starts_with("._")
            && match &self.options.image {
                Some(wanted) => ends(&wanted.trim_start_matches('.').to_ascii_lowercase()),
                None => ["jpg", "jpeg", "png"].into_iter().any(ends),
            }
    }
}

fn photo(uri: &str, member: &mut Member<'_>) -> Result<(Seen, Address), Refused> {
    match member.kind {
        Kind::File => {}
        Kind::Link => return Err(Refused::new("tar", "the member is a link")),
        Kind::Sparse => return Err(Refused::new("tar", "the member is sparse: its bytes are not in one piece")),
    }
    if member.name.starts_with('/') || member.name.split('/').any(|part| part == "..") {
        return Err(Refused::new("path", "the member's name is absolute or has a `..`"));
    }
    if member.size > MAX_BYTES {
        let message = format!("the member has {} bytes, more than the {MAX_BYTES} allowed", member.size);
        return Err(Refused::new("unreadable", message));
    }
    let bytes = member.bytes().map_err(|why| Refused::new("tar", why))?;
    let seen = Seen::of(&bytes)?;
    let name = member.name.rsplit('/').next().map(str::to_owned);
    let range = member.offset..member.offset + member.size;
    Ok((seen, Address { part: Part::Bytes(range), name, ..Address::file(uri) }))
}
