//! The names in a run of questions, each read once: the same chair is asked about again and again.

use crate::nouns::Noun;
use crate::text_map::TextMap;

/// What was read. It grows with the number of different names: make a new one for each batch.
#[derive(Debug, Default)]
pub struct Glossary<'a> {
    places: TextMap<&'a str, usize>,
    nouns: Vec<Noun<'a>>,
}

impl<'a> Glossary<'a> {
    /// The nouns of some names.
    pub fn nouns<const N: usize>(&mut self, names: [&'a str; N]) -> [&Noun<'a>; N] {
        let places = names.map(|name| match self.places.get(name) {
            Some(place) => *place,
            None => self.read(name),
        });
        places.map(|place| &self.nouns[place])
    }

    fn read(&mut self, name: &'a str) -> usize {
        self.nouns.push(Noun::read(name));
        let place = self.nouns.len() - 1;
        self.places.insert(name, place);
        place
    }
}
