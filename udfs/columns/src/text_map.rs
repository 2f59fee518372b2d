//! A map by text, quick where the texts are short: names, ids of templates.
//!
//! The standard hasher withstands keys that somebody chose to collide, and for short keys takes several times as long as
//! everything else. Here keys are few, or no more than the rows of a batch, so that such keys would only make that batch slow.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use xxhash_rust::xxh3::xxh3_64;

pub type TextMap<K, V> = HashMap<K, V, BuildHasherDefault<TextHasher>>;

/// Hashes one text at once.
#[derive(Debug, Default)]
pub struct TextHasher(u64);

impl Hasher for TextHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        self.0 ^= xxh3_64(bytes);
    }

    // Comes behind each text, to tell where it ends; there is only one.
    #[inline]
    fn write_u8(&mut self, _: u8) {}

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}
