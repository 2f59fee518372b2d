//! How relations are said: the data of `queries/5_ask/relations.toml`, read once.
//!
//! A relation is known by its index here ([`RelationId`]), so that the hot path compares numbers and not names.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Error;
use crate::text_map::TextMap;

/// A relation's place in the [`Lexicon`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RelationId(u8);

/// All relations and their words.
#[derive(Debug, Clone, PartialEq)]
pub struct Lexicon {
    axes: Vec<Axis>,
    relations: Vec<Relation>,
    by_name: TextMap<String, RelationId>,
}

/// What two opposite relations have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    pub name: String,
    /// Both relations in one breath, in both orders: "wider or narrower than", "narrower or wider than".
    pub either: Vec<[String; 2]>,
}

/// A relation and its surface forms; the file itself says where each form stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Relation {
    pub name: String,
    pub than: Vec<String>,
    pub more: Vec<String>,
    pub option: Vec<String>,
    axis: usize,
    opposite: RelationId,
}

impl Lexicon {
    /// Reads the lexicon's TOML.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let file: BTreeMap<String, AxisEntry> = toml::from_str(text).map_err(|e| Error::syntax("relations", e))?;
        let mut lexicon = Self { axes: Vec::new(), relations: Vec::new(), by_name: TextMap::default() };
        for (name, AxisEntry { either, relations }) in file {
            let complete = |r: &RelationEntry| !r.than.is_empty() && !r.more.is_empty() && !r.option.is_empty();
            let parallel = |r: &RelationEntry| r.option.len() == either.len();
            if relations.len() != 2 || !relations.values().all(|r| complete(r) && parallel(r)) {
                return Err(Error::Incomplete { axis: name });
            }
            let first = lexicon.relations.len() as u8;
            for (index, (name, entry)) in relations.into_iter().enumerate() {
                let RelationEntry { than, more, option } = entry;
                let opposite = RelationId(first + 1 - index as u8);
                lexicon.by_name.insert(name.clone(), RelationId(first + index as u8));
                lexicon.relations.push(Relation { name, than, more, option, axis: lexicon.axes.len(), opposite });
            }
            lexicon.axes.push(Axis { name, either });
        }
        Ok(lexicon)
    }

    /// The relation of this name.
    pub fn find(&self, name: &str) -> Option<RelationId> {
        self.by_name.get(name).copied()
    }

    /// All relations.
    pub fn ids(&self) -> impl Iterator<Item = RelationId> + use<> {
        (0..self.relations.len() as u8).map(RelationId)
    }

    /// A relation's words.
    pub fn relation(&self, id: RelationId) -> &Relation {
        &self.relations[id.0 as usize]
    }

    /// The relation that holds where this one does not: left for right.
    pub fn opposite(&self, id: RelationId) -> RelationId {
        self.relation(id).opposite
    }

    /// The axis that a relation lies on.
    pub fn axis(&self, id: RelationId) -> &Axis {
        &self.axes[self.relation(id).axis]
    }

    /// All axes.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }
}

#[derive(Deserialize)]
struct AxisEntry {
    either: Vec<[String; 2]>,
    #[serde(flatten)]
    relations: BTreeMap<String, RelationEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RelationEntry {
    than: Vec<String>,
    more: Vec<String>,
    option: Vec<String>,
}
