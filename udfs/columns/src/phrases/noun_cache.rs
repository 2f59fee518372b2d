//! The names in a run of questions, each read once: the same chair is asked about again and again.

use crate::nouns::Noun;
use crate::text_map::TextMap;

/// What was read. It grows with the number of different names: make a new one for each batch.
#[derive(Debug, Default)]
pub struct NounCache<'a> {
    places: TextMap<&'a str, usize>,
    nouns: Vec<Noun<'a>>,
}

impl<'a> NounCache<'a> {
    /// Reads a name, unless it is known.
    pub fn read(&mut self, name: &'a str) {
        if !self.places.contains_key(name) {
            self.places.insert(name, self.nouns.len());
            self.nouns.push(Noun::read(name));
        }
    }

    /// The noun of a name that was read.
    pub fn noun(&self, name: &str) -> Option<&Noun<'a>> {
        self.places.get(name).map(|place| &self.nouns[*place])
    }
}
