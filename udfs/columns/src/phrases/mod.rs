//! Phrases: how a question and its answer are worded.
//!
//! ```text
//!  relations.toml ─► Lexicon ──┐
//!                              ├─► Phrases ─► template(..)  which wording: an id
//!  <task>/phrases.toml ─► Pack ┘           └► word(..)      that wording, with its slots filled
//! ```
//!
//! In go texts that somebody else read from files; packs are compiled to [`segment::Segment`]s once, so that wording a row
//! only copies pieces. What a wording claims is checked by [`lint`]: it words every fact, reads the claim back and compares.

pub mod claim;
pub mod glossary;
pub mod lexicon;
pub mod lint;
pub mod pack;
pub mod render;
pub mod segment;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use self::glossary::Glossary;
use self::lexicon::Lexicon;
use self::pack::{Pack, Section};
use self::render::Asked;
use self::segment::Segment;
use crate::text_map::TextMap;

/// All packs over one lexicon.
#[derive(Debug)]
pub struct Phrases {
    lexicon: Lexicon,
    packs: BTreeMap<String, Pack>,
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
    /// Compiles packs, each a task's name and the text of its `phrases.toml`.
    pub fn new<'a>(relations: &str, packs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Error> {
        let lexicon = Lexicon::parse(relations)?;
        let packs: BTreeMap<&str, &str> = packs.into_iter().collect();
        let mut texts = Xxh3::new();
        for text in std::iter::once(relations).chain(packs.iter().flat_map(|(task, text)| [*task, *text])) {
            texts.update(text.as_bytes());
            texts.update(&[0]);
        }
        let packs = packs
            .into_iter()
            .map(|(task, text)| Ok((task.to_owned(), Pack::parse(&lexicon, task, text)?)))
            .collect::<Result<BTreeMap<_, _>, Error>>()?;
        let templates = packs.values().flat_map(Pack::templates).collect();
        Ok(Self { lexicon, packs, templates, fingerprint: texts.digest() })
    }

    /// A hash of all texts that the phrases were made from.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The words of relations.
    pub fn lexicon(&self) -> &Lexicon {
        &self.lexicon
    }

    /// The template of a question: its id, `<task>/<answer_form>/<question wording>/<answer wording>`.
    ///
    /// `draw` is a number in [0, 1) that picks one, evenly; which question wording it picks does not depend on the answer.
    /// `None` where no pack has a wording for this task, form, relation and answer.
    pub fn template(&self, task: &str, form: &str, relation: &str, answer: &str, draw: f64) -> Option<&str> {
        let section = Section::of(form, answer)?;
        let axis = self.lexicon.axis(self.lexicon.find(relation)?);
        self.packs.get(task)?.pick(section, axis, answer, draw)
    }

    /// Words one question into `question` and `answer`, and its options into `options`. False where the template is unknown or
    /// what was asked does not fit it.
    pub fn word<'a>(&self, template_id: &str, asked: &Asked<'a>, names: &mut Glossary<'a>, out: &mut Worded) -> bool {
        out.clear();
        let Some(template) = self.templates.get(template_id) else { return false };
        let Some(words) = render::Words::of(&self.lexicon, asked, names) else { return false };
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
        "axis `{axis}` needs two relations, each with `than`, `more` and as many `option` as the axis has `either`"
    )]
    Incomplete { axis: String },
    #[error("the phrases of `{pack}` name an unknown axis `{axis}`")]
    UnknownAxis { pack: String, axis: String },
    #[error("unknown slot `{{{slot}}}` in `{wording}`")]
    UnknownSlot { slot: String, wording: String },
    #[error("a brace does not close in `{wording}`")]
    OpenBrace { wording: String },
    #[error("`{section}` of the phrases of `{pack}` lacks a question or a wording in `{answer}` for axis `{axis}`")]
    Missing { pack: String, section: &'static str, answer: &'static str, axis: String },
}

impl Error {
    fn syntax(pack: &str, source: toml::de::Error) -> Self {
        Self::Syntax { pack: pack.to_owned(), source: Box::new(source) }
    }
}
