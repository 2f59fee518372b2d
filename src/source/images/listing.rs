//! What is below the root, and which shard reads it.
//!
//! A file's bucket is a hash of its name up to the first dot, so that what is said of a photo lies in its bucket, and so that a
//! file more makes one bucket stale. Names are held by nobody: they are hashed here, and sorted into buckets on disk once the
//! first bucket is read.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};

use xxhash_rust::xxh3::xxh3_64;

use super::ImagesReader;
use crate::error::Result;
use crate::source::Shard;
use crate::source::file_entry::FilesDigest;
use crate::spill::{Spill, Spiller, Tag};
use crate::text::composed;

/// What buckets are made of: there are at most so many.
const SLICES: u64 = 4096;

/// Photos of a shard.
const BUCKET_FILES: u64 = 1000;

/// What photos' names end with; some systems save JPEG as .jfif and .jpe.
pub const ENDINGS: [&str; 5] = ["jpg", "jpeg", "png", "jfif", "jpe"];

/// What holds photos and is not read: it is told from what is none of a photo's business without being opened.
const NOT_READ: &[&str] = &[
    // Photos of other formats, as they are shown and as cameras store them.
    "webp",
    "gif",
    "heic",
    "heif",
    "hif",
    "avif",
    "bmp",
    "tif",
    "tiff",
    "jp2",
    "j2k",
    "jxl",
    "svg",
    "psd",
    "ppm",
    "pgm",
    "tga",
    "exr",
    "dng",
    "cr2",
    "cr3",
    "nef",
    "arw",
    "orf",
    "rw2",
    "raf",
    // Archives and tables.
    "zip",
    "7z",
    "rar",
    "tgz",
    "tbz",
    "tbz2",
    "txz",
    "tzst",
    "arrow",
    "feather",
    "tfrecord",
    "tfrecords",
    "lmdb",
    "mdb",
];

/// Behind `.tar` and `.parquet`: unpacked, it would be read.
const PACKED: &[&str] = &["gz", "bz2", "xz", "zst", "lz4", "z", "lzma"];

/// What JPEG files are called, too.
const JPEG_TOO: &[&str] = &["jif", "jfi", "pjpeg"];

/// True for the name of something that has photos and is not read.
pub fn is_not_read(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let ending = ending(&path);
    let holds_photos = |inner: &str| [".tar", ".parquet"].iter().any(|ending| inner.ends_with(ending));
    NOT_READ.contains(&ending) || (PACKED.contains(&ending) && holds_photos(stem(&path)))
}

/// True for a photo that is not looked for by its name, and is read where the project asks for it.
pub fn is_called_otherwise(path: &str) -> bool {
    let ending = ending(path).to_ascii_lowercase();
    // As shops and browsers name what they hand out: `.jpg_large`, `.jpg?w=640`, and a blank behind it.
    let more = ["jpeg", "jpg", "png"].iter().find_map(|known| ending.strip_prefix(known));
    JPEG_TOO.contains(&ending.as_str())
        || more.is_some_and(|more| more.starts_with(['_', '?', '!', '@', ':', ' ', '-']))
}

/// Which shards there are.
pub struct Listing {
    pub shards: Vec<(Shard, ShardPlace)>,
    buckets: u64,
    /// Made when the first bucket is read, kept for all others.
    sorted: Mutex<Option<std::sync::Arc<Spill>>>,
}

/// Where a shard's photos are.
pub enum ShardPlace {
    Bucket(u64),
    /// `stem` is what frames' ids begin with, behind the source.
    Tar {
        path: String,
        stem: String,
    },
    Table {
        path: String,
        stem: String,
    },
}

/// What a file is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    Photo,
    /// Of a format that is not read.
    Other,
    /// Says something of a photo.
    Words,
    Tar,
    Table,
}

impl Listing {
    /// Lists everything once. Fails only where listing does.
    pub fn of(images: &ImagesReader) -> Result<Self> {
        let mut photos = 0;
        let mut archives = BTreeMap::new();
        // Hashes of the folders that frames' ids may begin with: eight bytes a folder.
        let mut folders = HashSet::new();
        let digests = images.root.digests("", |entry| {
            if entry.refused.is_some() {
                return images.would_read(&entry.path).then(String::new);
            }
            let kind = images.kind_of(&entry.path)?;
            if kind != FileKind::Words {
                let ends = entry.path.match_indices('/').map(|(at, _)| at);
                folders.extend(ends.map(|end| xxh3_64(&entry.path.as_bytes()[..end])));
            }
            match kind {
                FileKind::Tar | FileKind::Table => {
                    archives.insert(entry.path.clone(), kind);
                    Some(format!("archive {}", entry.path))
                }
                FileKind::Photo | FileKind::Other => {
                    photos += 1;
                    Some(format!("slice {:04}", slice(&entry.path)))
                }
                FileKind::Words => Some(format!("slice {:04}", slice(&entry.path))),
            }
        })?;
        let buckets = match images.options.shards {
            // A power of two: a bucket is stale when one of its files is, and all are when there are twice as many.
            0 => u64::max(1, u64::div_ceil(photos, BUCKET_FILES)).next_power_of_two().min(SLICES),
            shards => u64::from(shards).min(SLICES),
        };
        let mut hashers = BTreeMap::<u64, (blake3::Hasher, u64)>::new();
        for (key, digest) in &digests {
            if let Some(slice) = key.strip_prefix("slice ").and_then(|slice| slice.parse::<u64>().ok()) {
                let begin = || {
                    let mut hasher = blake3::Hasher::new();
                    hasher.update(format!("{} {buckets}", images.fingerprinted).as_bytes());
                    (hasher, 0)
                };
                let (hasher, bytes) = hashers.entry(slice % buckets).or_insert_with(begin);
                hasher.update(format!(" {key} {}", digest.hash).as_bytes());
                *bytes += digest.bytes;
            }
        }
        let mut shards: Vec<(Shard, ShardPlace)> = Vec::new();
        // Words without a photo are of no interest.
        for (bucket, (hasher, bytes)) in hashers.into_iter().filter(|_| photos > 0) {
            let name = format!("bucket-{bucket:04}-of-{buckets:04}");
            shards.push((
                Shard { name, fingerprint: hasher.finalize().to_hex().to_string(), bytes },
                ShardPlace::Bucket(bucket),
            ));
        }
        let mut stems = BTreeMap::<&str, usize>::new();
        archives.keys().for_each(|path| *stems.entry(stem(path)).or_default() += 1);
        for (path, kind) in &archives {
            // A folder, or another archive, whose photos have the same names.
            let short = stem(path);
            let contested = stems[short] > 1 || folders.contains(&xxh3_64(short.as_bytes()));
            let stem = if contested { path.clone() } else { short.to_owned() };
            let FilesDigest { hash, bytes } = digests.get(&format!("archive {path}")).cloned().unwrap_or_default();
            let fingerprint = blake3::hash(format!("{} {stem} {hash}", images.fingerprinted).as_bytes());
            let shard = Shard { name: shard_name(path), fingerprint: fingerprint.to_hex().to_string(), bytes };
            let path = path.clone();
            let place =
                if *kind == FileKind::Tar { ShardPlace::Tar { path, stem } } else { ShardPlace::Table { path, stem } };
            shards.push((shard, place));
        }
        Ok(Self { shards, buckets, sorted: Mutex::default() })
    }

    /// The paths of a bucket's files, sorted.
    pub fn bucket(&self, images: &ImagesReader, bucket: u64) -> Result<Vec<String>> {
        let spill = {
            let mut sorted = self.sorted.lock().unwrap_or_else(PoisonError::into_inner);
            match &*sorted {
                Some(spill) => std::sync::Arc::clone(spill),
                None => std::sync::Arc::clone(sorted.insert(std::sync::Arc::new(self.sort(images)?))),
            }
        };
        let mut paths = Vec::new();
        spill.visit(bucket as usize, |_, path| {
            paths.push(String::from_utf8_lossy(path).into_owned());
            Ok(())
        })?;
        paths.sort_unstable();
        Ok(paths)
    }

    fn sort(&self, images: &ImagesReader) -> Result<Spill> {
        let mut spiller = Spiller::new(self.buckets as usize)?;
        let mut failed = Ok(());
        images.root.digests("", |entry| {
            let kind = images.kind_of(&entry.path).filter(|_| entry.refused.is_none())?;
            if failed.is_ok() && !matches!(kind, FileKind::Tar | FileKind::Table) {
                let bucket = slice(&entry.path) % self.buckets;
                failed = spiller.push(bucket as usize, Tag { kind: 0, document: 0, number: 0 }, entry.path.as_bytes());
            }
            None
        })?;
        failed?;
        spiller.finish()
    }
}

impl ImagesReader {
    /// True for a file that it would read if that could be, and for a folder with a `/` at its end that could have some.
    fn would_read(&self, path: &str) -> bool {
        let Some(folder) = path.strip_suffix('/') else { return self.kind_of(path).is_some() };
        match &self.patterns[..] {
            [] => !is_hidden(folder),
            patterns => patterns.iter().any(|pattern| could_match_below(pattern.as_str(), folder)),
        }
    }

    /// What a file is to this source; none where it is none of its business.
    pub fn kind_of(&self, path: &str) -> Option<FileKind> {
        let ending = ending(path).to_ascii_lowercase();
        let wordy = self.options.caption.is_some()
            || self.options.licence_column.is_some()
            || self.options.split_column.is_some();
        let hidden = is_hidden(path);
        let chosen = match &self.patterns[..] {
            [] => !hidden,
            patterns => patterns.iter().any(|pattern| pattern.matches_with(path, MATCHING)),
        };
        match ending.as_str() {
            "json" | "txt" if wordy && !hidden => Some(FileKind::Words),
            _ if !chosen => None,
            ending if ENDINGS.contains(&ending) => Some(FileKind::Photo),
            "tar" => Some(FileKind::Tar),
            "parquet" => Some(FileKind::Table),
            _ if is_not_read(path) => Some(FileKind::Other),
            // Who chose it says that it is a photo.
            _ if !self.patterns.is_empty() => Some(FileKind::Photo),
            _ if is_called_otherwise(path) => Some(FileKind::Other),
            _ => None,
        }
    }
}

/// `.` and `..` are no names; a key of a bucket may have them.
fn is_hidden(path: &str) -> bool {
    path.split('/').any(|part| part.starts_with('.') && !matches!(part, "." | ".."))
}

const MATCHING: glob::MatchOptions =
    glob::MatchOptions { case_sensitive: false, require_literal_separator: true, require_literal_leading_dot: true };

/// True where a pattern could match something in a folder.
fn could_match_below(pattern: &str, folder: &str) -> bool {
    let mut parts = pattern.split('/');
    for name in folder.split('/') {
        match parts.next() {
            Some("**") => return true,
            Some(part) if glob::Pattern::new(part).is_ok_and(|part| part.matches_with(name, MATCHING)) => {}
            _ => return false,
        }
    }
    parts.next().is_some()
}

/// `jpg` of `a/b.left.jpg`; empty where the name has no dot.
pub fn ending(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.rsplit_once('.').map_or("", |(_, ending)| ending)
}

/// `a/b.left` of `a/b.left.jpg`: the path without its ending.
pub fn stem(path: &str) -> &str {
    match ending(path) {
        "" => path,
        ending => &path[..path.len() - ending.len() - 1],
    }
}

/// `a/b` of `a/b.left.jpg`: what a photo and what is said of it have in common.
pub fn key(path: &str) -> &str {
    let name = path.rfind('/').map_or(0, |slash| slash + 1);
    // A leading dot is a part of the name.
    let dot = path[name..].char_indices().skip(1).find(|(_, c)| *c == '.').map(|(at, _)| name + at);
    &path[..dot.unwrap_or(path.len())]
}

fn slice(path: &str) -> u64 {
    xxh3_64(composed(key(path)).as_bytes()) % SLICES
}

/// Safe in a path and unique, whatever the file is called.
fn shard_name(path: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    let name: String = stem(path).rsplit('/').next().unwrap_or_default().chars().map(plain).take(64).collect();
    format!("file-{name}-{:08x}", xxh3_64(path.as_bytes()) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_could_match_in_some_folders() {
        for (pattern, folder, could) in [
            ("a/*.jpg", "a", true),
            ("a/*.jpg", "b", false),
            ("*.jpg", "a", false),
            ("**/*.jpg", "a/b", true),
            ("a/**/x/*.jpg", "a/b/c", true),
            ("a/*/c/*.jpg", "A/b", true),
            ("a/b.jpg", "a/b.jpg", false),
        ] {
            assert_eq!(could_match_below(pattern, folder), could, "{pattern} {folder}");
        }
    }

    #[test]
    fn what_has_photos_and_is_not_read_is_known_by_its_name() {
        for (path, not_read, otherwise) in [
            ("a.HEIC", true, false),
            ("a/0.tar.zst", true, false),
            ("a/0.parquet.gz", true, false),
            ("train.arrow", true, false),
            ("a.jif", false, true),
            ("a.JPG_large", false, true),
            ("a.jpg?w=3", false, true),
            ("a.png ", false, true),
            ("a.txt.gz", false, false),
            ("a.jpgx", false, false),
            ("a.jpg.part", false, false),
            ("README", false, false),
        ] {
            assert_eq!((is_not_read(path), is_called_otherwise(path)), (not_read, otherwise), "{path}");
        }
    }

    #[test]
    fn names_are_taken_apart() {
        for (path, expected) in [
            ("a/b.left.jpg", ["jpg", "a/b.left", "a/b"]),
            ("b.JPG", ["JPG", "b", "b"]),
            ("a.d/b", ["", "a.d/b", "a.d/b"]),
            (".b.jpg", ["jpg", ".b", ".b"]),
        ] {
            assert_eq!([ending(path), stem(path), key(path)], expected, "{path}");
        }
        assert_eq!(shard_name("data/train 0.tar"), shard_name("data/train 0.tar"));
        assert_ne!(shard_name("a/0.tar"), shard_name("b/0.tar"));
        assert!(shard_name("../ü/.tar").starts_with("file-"));
    }
}
