//! Bucket digests: the fingerprints of a source's buckets, each of its own records and photos alone.
//!
//! ```text
//! records, as they are sorted into buckets ─► a digest of each bucket's records, and which names of photos they mention
//! listing of the photo folders             ─► by name to the buckets that mention it
//! both                                     ─► a fingerprint for each bucket
//! ```
//!
//! A photo that is added or changed makes those buckets stale whose records mention its name, a changed document those whose records
//! differ; what holds for all images (categories, licences, options) makes all of them stale. Digests are known only when the documents
//! were read to their ends. So those of large documents are kept in the machine's cache folder for as long as the documents are the same: a
//! build that changes nothing lists the photos and reads no document. Memory: 16 bytes an image.

use std::collections::{BTreeMap, HashMap};
use std::fs;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::root::Root;
use crate::cache_folder::cache_folder;
use crate::error::Result;
use crate::random_id::random_id;
use crate::spill::Spill;
use crate::text::composed;

/// What the documents of a source say of each bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketDigests {
    /// Of what holds for all buckets.
    shared: String,
    /// Of each bucket's records.
    records: Vec<String>,
    /// The names of photos, as hashes, with the buckets whose records mention them, sorted.
    photos: Vec<(u64, u32)>,
}

/// Gathers which photos the records of each bucket mention.
#[derive(Debug, Default)]
pub struct PhotoNames(Vec<(u64, u32)>);

impl PhotoNames {
    /// A record of the bucket mentions a photo by its path or name.
    pub fn push(&mut self, bucket: usize, path: &str) {
        self.0.push((photo_key(path), u32::try_from(bucket).unwrap_or(u32::MAX)));
    }
}

/// A file's name without its folders, however its letters are composed.
fn photo_key(path: &str) -> u64 {
    xxh3_64(composed(path.rsplit('/').next().unwrap_or_default()).as_bytes())
}

impl BucketDigests {
    /// Of sorted records; `shared` is what holds for all of them, `beside` what else holds for single buckets.
    pub fn new(spill: &Spill, PhotoNames(mut photos): PhotoNames, shared: &str, beside: &[(usize, String)]) -> Self {
        photos.sort_unstable();
        photos.dedup();
        let mut hashers: Vec<blake3::Hasher> = spill.digests().iter().map(|digest| hasher_of(digest)).collect();
        for (bucket, text) in beside {
            if let Some(hasher) = hashers.get_mut(*bucket) {
                hasher.update(text.as_bytes()).update(b"\0");
            }
        }
        let records = hashers.iter().map(|hasher| hasher.finalize().to_hex()[..32].to_owned()).collect();
        Self { shared: hasher_of(shared).finalize().to_hex()[..32].to_owned(), records, photos }
    }

    /// The fingerprints of all buckets, with the photos below these folders as they are now.
    pub fn fingerprints(&self, root: &Root, folders: &[&str], options: &str) -> Result<Vec<String>> {
        let mut fingerprints: Vec<blake3::Hasher> = self.records.iter().map(|records| hasher_of(records)).collect();
        for folder in folders {
            // Mostly one bucket mentions a photo. What cannot be read is left to the record that mentions it.
            let buckets_of = |path: &str| -> Option<String> {
                let key = photo_key(path);
                let first = self.photos.partition_point(|(photo, _)| *photo < key);
                let buckets = self.photos[first..].iter().take_while(|(photo, _)| *photo == key);
                let buckets: Vec<String> = buckets.map(|(_, bucket)| bucket.to_string()).collect();
                (!buckets.is_empty()).then(|| buckets.join(","))
            };
            let sums = root.digests(folder, |entry| buckets_of(&entry.path).filter(|_| entry.refused.is_none()))?;
            let mut of_bucket = BTreeMap::<usize, Vec<&str>>::new();
            for (buckets, sum) in &sums {
                for bucket in buckets.split(',').filter_map(|bucket| bucket.parse().ok()) {
                    of_bucket.entry(bucket).or_default().push(&sum.hash);
                }
            }
            for (bucket, sums) in of_bucket {
                if let Some(fingerprint) = fingerprints.get_mut(bucket) {
                    fingerprint.update(folder.as_bytes()).update(b"\0").update(sums.join(" ").as_bytes());
                }
            }
        }
        let finish = |mut fingerprint: blake3::Hasher| {
            fingerprint.update(self.shared.as_bytes()).update(options.as_bytes());
            fingerprint.finalize().to_hex().to_string()
        };
        Ok(fingerprints.into_iter().map(finish).collect())
    }

    /// The digests that are kept for these documents, else those that `make` makes. `place` names the source's documents, `state` what they
    /// are now, `bytes` how large. A cache that cannot be read or written costs time alone.
    pub fn cached(place: &str, state: &str, bytes: u64, make: impl FnOnce() -> Result<Self>) -> Result<Self> {
        if bytes < CACHED_FROM {
            return make();
        }
        let name = format!("{}.json", &blake3::hash(place.as_bytes()).to_hex()[..32]);
        let file = cache_folder().ok().map(|folder| folder.join("buckets").join(name));
        let kept = file.as_ref().and_then(|file| fs::read(file).ok());
        let kept = kept.and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok());
        if let Some(Kept { digests, .. }) = kept.filter(|kept| kept.state == state) {
            return Ok(digests);
        }
        let kept = Kept { state: state.to_owned(), digests: make()? };
        if let Some(file) = file
            && let Ok(json) = serde_json::to_vec(&kept)
        {
            let part = file.with_extension(format!("{}.part", random_id()));
            let folder = file.parent().map_or(Ok(()), fs::create_dir_all);
            let written = folder.and_then(|()| fs::write(&part, json)).and_then(|()| fs::rename(&part, &file));
            if written.is_err() {
                let _ = fs::remove_file(&part);
            }
        }
        Ok(kept.digests)
    }
}

/// Smaller documents are read in less than a second.
const CACHED_FROM: u64 = 16 << 20;

/// The digests of one source's documents, as they are kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    state: String,
    digests: BucketDigests,
}

fn hasher_of(text: &str) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new();
    hasher.update(text.as_bytes()).update(b"\0");
    hasher
}

/// Entries of a map in one order, as text to be hashed.
pub fn sorted_text<K: std::fmt::Debug + Ord, V: std::fmt::Debug>(map: &HashMap<K, V>) -> String {
    format!("{:?}", map.iter().collect::<BTreeMap<_, _>>())
}
