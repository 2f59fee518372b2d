//! Topics: what questions can ask, with its surface forms. `queries/5_ask/topics.toml`, and a task's own `topics.toml`, read once.
//!
//! A topic has one relation, or two that are opposites. A relation is known by its index here ([`RelationId`]), so that the hot path
//! compares numbers and not names.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Error;
use super::segment::{self, Segment};
use crate::text_map::TextMap;

/// A relation's place in the [`Topics`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RelationId(u8);

/// All topics and the words for their relations.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Topics {
    topics: Vec<Topic>,
    relations: Vec<Relation>,
    by_name: TextMap<String, RelationId>,
}

/// What a question can be about: one relation, or two opposite ones.
#[derive(Debug, Clone, PartialEq)]
pub struct Topic {
    pub name: String,
    /// Both relations in one breath, in both orders: "wider or narrower than", "narrower or wider than".
    pub either: Vec<[Form; 2]>,
}

/// A relation and its surface forms, by the names under which phrases use them; the file itself says where each form stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Relation {
    pub name: String,
    forms: BTreeMap<String, Vec<Form>>,
    topic: usize,
    opposite: Option<RelationId>,
}

/// One way to say a relation: text, which may have slots.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    pub text: String,
    pub segments: Box<[Segment]>,
}

/// The forms that slots of phrases know by name; a topic may have any others beside them.
pub const RELATION: &str = "relation";
pub const COMPARATIVE: &str = "comparative";
pub const OPTION: &str = "option";

impl Topics {
    /// Reads the topics of several files, each a name (for errors) with its TOML.
    pub fn parse<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Error> {
        let mut topics = Self::default();
        for (file, text) in files {
            let entries: BTreeMap<String, TopicEntry> = toml::from_str(text).map_err(|e| Error::syntax(file, e))?;
            for (name, entry) in entries {
                topics.add(name, entry)?;
            }
        }
        Ok(topics)
    }

    fn add(&mut self, name: String, TopicEntry { either, relations }: TopicEntry) -> Result<(), Error> {
        let parallel = |forms: &BTreeMap<String, Vec<String>>| {
            either.is_empty() || forms.get(OPTION).is_some_and(|options| options.len() == either.len())
        };
        let sound = matches!(relations.len(), 1 | 2)
            && (either.is_empty() || relations.len() == 2)
            && relations.values().all(|forms| forms.values().all(|list| !list.is_empty()) && parallel(forms));
        if !sound {
            return Err(Error::Incomplete { topic: name });
        }
        if self.topics.iter().any(|topic| topic.name == name) {
            return Err(Error::Repeated { name });
        }
        let first = self.relations.len();
        let last = first + relations.len() - 1;
        if last > usize::from(u8::MAX) {
            return Err(Error::TooMany { topic: name });
        }
        for (index, (name, forms)) in relations.into_iter().enumerate() {
            let own = RelationId((first + index) as u8);
            let opposite = (last > first).then(|| RelationId((last - index) as u8));
            let forms = forms.into_iter().map(|(form, list)| {
                let list: Vec<Form> = list.into_iter().map(Form::compile).collect::<Result<_, _>>()?;
                Ok((form, list))
            });
            let forms = forms.collect::<Result<_, Error>>()?;
            if self.by_name.insert(name.clone(), own).is_some() {
                return Err(Error::Repeated { name });
            }
            self.relations.push(Relation { name, forms, topic: self.topics.len(), opposite });
        }
        let either = either.into_iter().map(|[one, other]| Ok([Form::compile(one)?, Form::compile(other)?]));
        self.topics.push(Topic { name, either: either.collect::<Result<_, Error>>()? });
        Ok(())
    }

    /// The relation of this name.
    pub fn find(&self, name: &str) -> Option<RelationId> {
        self.by_name.get(name).copied()
    }

    /// All relations.
    pub fn ids(&self) -> impl Iterator<Item = RelationId> + use<> {
        (0..self.relations.len()).map(|index| RelationId(index as u8))
    }

    /// A relation's words.
    pub fn relation(&self, id: RelationId) -> &Relation {
        &self.relations[id.0 as usize]
    }

    /// The relation that holds where this one does not: left for right. None for the only one of its topic.
    pub fn opposite(&self, id: RelationId) -> Option<RelationId> {
        self.relation(id).opposite
    }

    /// The topic that a relation belongs to.
    pub fn topic(&self, id: RelationId) -> &Topic {
        &self.topics[self.relation(id).topic]
    }

    /// The topic of the relation of this name; the name itself where no topic has it.
    pub fn topic_of<'a>(&'a self, relation: &'a str) -> &'a str {
        self.find(relation).map_or(relation, |id| &self.topic(id).name)
    }

    /// All topics.
    pub fn iter(&self) -> std::slice::Iter<'_, Topic> {
        self.topics.iter()
    }

    /// The relations of a topic: one, or two opposite ones in the order of their names.
    pub fn relations_of(&self, topic: &str) -> impl Iterator<Item = RelationId> {
        self.ids().filter(move |id| self.topic(*id).name == topic)
    }
}

impl Relation {
    /// The forms under a name; none where the topic declares no such forms.
    pub fn forms(&self, name: &str) -> &[Form] {
        self.forms.get(name).map_or(&[], Vec::as_slice)
    }

    /// All forms with their names.
    pub fn all_forms(&self) -> impl Iterator<Item = (&str, &Form)> {
        self.forms.iter().flat_map(|(name, list)| list.iter().map(move |form| (name.as_str(), form)))
    }
}

impl Form {
    fn compile(text: String) -> Result<Self, Error> {
        let segments = segment::compile(&text)?;
        // What a form is made of is the question's own; a form inside a form could be its own part.
        if segments.iter().any(|segment| matches!(segment, Segment::Slot(slot) if !slot.is_of_the_question())) {
            return Err(Error::NestedForm { form: text });
        }
        Ok(Self { text, segments })
    }
}

#[derive(Deserialize)]
struct TopicEntry {
    #[serde(default)]
    either: Vec<[String; 2]>,
    #[serde(flatten)]
    relations: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}
