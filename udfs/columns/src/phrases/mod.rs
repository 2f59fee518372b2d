//! Phrases: how a question and its answer are worded.
//!
//! ```text
//!  topics.toml ─► Topics ───────┐
//!  references.toml ─► MarkWords ─┼─► Phrases ─► template(..)  which wording: an id
//!  <task>/phrases.toml ─► Pack ──┘           └► word(..)      that wording, with its slots filled
//! ```
//!
//! In go texts that somebody else read from files; packs are compiled to [`segment::Segment`]s once, so that wording a row
//! only copies pieces. What a wording claims is checked by [`lint`]: it words every fact, reads the claim back and compares.

pub mod claim;
pub mod lint;
pub mod noun_cache;
pub mod pack;
pub mod reference;
pub mod render;
pub mod segment;
pub mod slots;
pub mod surface;
pub mod topics;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use self::noun_cache::NounCache;
use self::pack::{Pack, Section};
use self::reference::MarkWords;
use self::render::Asked;
use self::segment::Segment;
use self::topics::Topics;
use crate::text_map::TextMap;

/// The texts that phrases are made from.
#[derive(Debug, Default)]
pub struct Texts<'a> {
    /// How relations are said: each `topics.toml` with its path.
    pub topics: Vec<(&'a str, &'a str)>,
    /// How marks are pointed at: `references.toml`.
    pub references: &'a str,
    pub packs: Vec<PackText<'a>>,
    /// How much each pack is used, relative to the others; one that is not named is not used.
    pub shares: BTreeMap<String, f64>,
}

/// One pack of wordings for one task.
#[derive(Debug, Clone, Copy)]
pub struct PackText<'a> {
    pub task: &'a str,
    /// [`PLAIN`], or what stands between the dots of `phrases.<name>.toml`.
    pub name: &'a str,
    /// TOML.
    pub text: &'a str,
}

/// The pack of `phrases.toml`.
pub const PLAIN: &str = "plain";

/// All packs over one set of topics.
#[derive(Debug)]
pub struct Phrases {
    topics: Topics,
    marks: MarkWords,
    /// The packs of each task that are used, with their shares.
    packs: BTreeMap<String, Vec<(f64, Pack)>>,
    templates: TextMap<String, Template>,
    fingerprint: u64,
}

/// One question wording with one answer wording.
#[derive(Debug)]
pub(crate) struct Template {
    pub question: Arc<[Segment]>,
    pub answer: Arc<[Segment]>,
}

impl Phrases {
    /// Compiles texts. Every pack is compiled, used or not, so that a mistake in one is found.
    pub fn new(texts: &Texts<'_>) -> Result<Self, Error> {
        let topics = Topics::parse(texts.topics.iter().copied())?;
        let marks = MarkWords::parse(texts.references)?;
        for (name, share) in &texts.shares {
            if !texts.packs.iter().any(|pack| pack.name == name) {
                return Err(Error::UnknownPack { name: name.clone() });
            }
            if !share.is_finite() || *share < 0.0 {
                return Err(Error::WrongShare { name: name.clone(), share: *share });
            }
        }
        let (mut packs, mut templates) = (BTreeMap::<String, Vec<(f64, Pack)>>::new(), TextMap::default());
        let mut hash = Xxh3::new();
        let mut add = |part: &str| {
            hash.update(part.as_bytes());
            hash.update(&[0]);
        };
        texts.topics.iter().for_each(|(_, text)| add(text));
        add(texts.references);
        for text in &texts.packs {
            let pack = Pack::parse(&topics, text)?;
            let share = texts.shares.get(text.name).copied().unwrap_or(0.0);
            [text.task, text.name, text.text, &share.to_string()].into_iter().for_each(&mut add);
            templates.extend(pack.templates());
            if share > 0.0 {
                packs.entry(text.task.to_owned()).or_default().push((share, pack));
            }
        }
        Ok(Self { topics, marks, packs, templates, fingerprint: hash.digest() })
    }

    /// A hash of all texts that the phrases were made from.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The words of relations.
    pub fn topics(&self) -> &Topics {
        &self.topics
    }

    /// The template of a question: its id, `<task>/<answer_form>/<question wording>/<answer wording>`, where the task is
    /// `<task>@<pack>` for a pack other than the plain one.
    ///
    /// `draw` is a number in [0, 1) that picks one, evenly; which question wording it picks does not depend on the answer.
    /// `None` where no pack has a wording for this task, shape, relation and answer.
    pub fn template(&self, task: &str, shape: &str, relation: &str, answer: &str, draw: f64) -> Option<&str> {
        let (section, options) = (Section::of(shape)?, Section::options(shape));
        let topic = self.topics.topic(self.topics.find(relation)?);
        // One draw picks twice: the pack, and with what is left of it the wording.
        let packs = self.packs.get(task)?.iter().filter(|(_, pack)| pack.has(section, options, topic));
        let mut left = draw.clamp(0.0, 1.0) * packs.clone().map(|(share, _)| share).sum::<f64>();
        let mut last = None;
        for (share, pack) in packs {
            if left < *share {
                return pack.pick(section, options, topic, answer, left / share);
            }
            left -= share;
            last = Some(pack);
        }
        last?.pick(section, options, topic, answer, draw)
    }

    /// Words one question into `question` and `answer`, and its options into `options`. False where the template is unknown or
    /// what was asked does not fit it.
    pub fn word<'a>(
        &self,
        template_id: &str,
        asked: &Asked<'_, 'a>,
        names: &mut NounCache<'a>,
        out: &mut Worded,
    ) -> bool {
        out.clear();
        let Some(template) = self.templates.get(template_id) else { return false };
        let Some(words) = render::Words::of(&self.topics, &self.marks, asked, names) else { return false };
        words.write(&template.question, &mut out.question);
        words.write(&template.answer, &mut out.answer);
        words.options(&mut out.options);
        true
    }
}

/// Where a worded question goes; reused from row to row, so that wording allocates nothing once the buffers have grown.
#[derive(Debug, Default)]
pub struct Worded {
    pub question: String,
    pub answer: String,
    pub options: Options,
}

/// The options of a choice, end to end in one buffer.
#[derive(Debug, Default)]
pub struct Options {
    pub(crate) text: String,
    pub(crate) ends: Vec<usize>,
}

impl Options {
    /// Each option in the order asked; none where the question is no choice.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.text[start..end])
    }

    /// True where the question is no choice.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

impl Worded {
    fn clear(&mut self) {
        self.question.clear();
        self.answer.clear();
        self.options.text.clear();
        self.options.ends.clear();
    }
}

/// Why phrases could not be compiled.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the phrases of `{pack}` are not valid TOML: {source}")]
    Syntax { pack: String, source: Box<toml::de::Error> },
    #[error(
        "topic `{topic}` needs one relation or two, each form a list of at least one, and as many `option` as the topic has `either`"
    )]
    Incomplete { topic: String },
    #[error("two topics or relations are called `{name}`")]
    Repeated { name: String },
    #[error("topic `{topic}` is one too many: there can be 256 relations")]
    TooMany { topic: String },
    #[error(
        "the form `{form}` of a relation has a slot that belongs to phrases: it may have slots of the question alone"
    )]
    NestedForm { form: String },
    #[error("the phrases of `{pack}` name an unknown topic `{topic}`; a task's own are in its topics.toml")]
    UnknownTopic { pack: String, topic: String },
    #[error(
        "the phrases of `{pack}` use the form `{form}` of topic `{topic}`, which declares no such form for each of its relations"
    )]
    NoForm { pack: String, form: String, topic: String },
    #[error(
        "the phrases of `{pack}` use the slot `{slot}` in `{wording}`: `[slots]` declares none of that name that can stand there"
    )]
    UndeclaredSlot { pack: String, slot: String, wording: String },
    #[error("the slot `{slot}` of the phrases of `{pack}` is {why}")]
    WrongSlot { pack: String, slot: String, why: &'static str },
    #[error(
        "`options` of `{wording}` in the phrases of `{pack}` is for `choice_of_option` alone, and each is 2, 3 or 4"
    )]
    WrongOptionCount { pack: String, wording: String },
    #[error("unknown slot `{{{slot}}}` in `{wording}`")]
    UnknownSlot { slot: String, wording: String },
    #[error("a brace does not close in `{wording}`")]
    OpenBrace { wording: String },
    #[error("references.toml has no phrase for `{slot}`")]
    NoReference { slot: String },
    #[error("the reference `{wording}` needs `{slot}` once, with words before it, and no `<` or `>`")]
    WrongReference { wording: String, slot: String },
    #[error("`formats.packs` names the pack `{name}`, of which there is no file")]
    UnknownPack { name: String },
    #[error("the share of the pack `{name}` is {share}; a share is 0 or more")]
    WrongShare { name: String, share: f64 },
    #[error("`{section}` of the phrases of `{pack}` lacks a question or a wording in `{answer}` for topic `{topic}`")]
    Missing { pack: String, section: &'static str, answer: &'static str, topic: String },
}

impl Error {
    fn syntax(pack: &str, source: toml::de::Error) -> Self {
        Self::Syntax { pack: pack.to_owned(), source: Box::new(source) }
    }
}
