//! Filling the slots of a compiled phrase.

use xxhash_rust::xxh3::xxh3_64;

use super::Options;
use super::noun_cache::NounCache;
use super::reference::{Mark, MarkWords, Reference, push};
use super::segment::{Case, Figures, Role, Segment, Slot, Which};
use super::slots::{Content, Quantity, SlotValue, write_ordinal};
use super::topics::{COMPARATIVE, OPTION, RELATION, RelationId, Topics};
use crate::format::{ImageFormat, TextFormat};
use crate::nouns::Noun;

/// What is asked, and the answer: a row of `questions` as the functions here see it.
#[derive(Debug, Clone, Default)]
pub struct Asked<'r, 'a> {
    /// The relation that is asked about.
    pub relation: &'a str,
    /// yes, no, the name of a slot, a relation, a number, or any text.
    pub answer: &'a str,
    /// What the question speaks of.
    pub slots: &'r [SlotValue<'a>],
    /// For a choice: names of slots, relations, numbers or texts, in the order asked.
    pub options: &'r [&'a str],
    pub text_format: TextFormat,
    pub image_format: ImageFormat,
    /// The marks of the objects, in the order of their slots.
    pub marks: &'r [Mark<'a>],
    /// Which of several words for the same thing is taken is a hash of this.
    pub key: &'a str,
}

/// The words of one question, ready to be written in any phrase.
pub(super) struct Words<'a> {
    topics: &'a Topics,
    slots: Vec<Filled<'a>>,
    asked: RelationId,
    /// The relation that holds between the first and the second object.
    holds: RelationId,
    answer: &'a str,
    options: &'a [&'a str],
    hash: u64,
}

struct Filled<'a> {
    name: &'a str,
    words: SlotWords<'a>,
}

#[derive(Clone, Copy)]
enum SlotWords<'a> {
    Object(Reference<'a>),
    Category(&'a Noun<'a>),
    Value(Quantity<'a>),
    Image(u32),
    Direction(&'a str),
    List(&'a [&'a str]),
}

impl<'a> Words<'a> {
    /// `None` where the answer contradicts what is asked, so that nothing true could be said.
    pub fn of<'r: 'a, 'n: 'a>(
        topics: &'a Topics,
        marks: &'a MarkWords,
        asked: &Asked<'r, 'n>,
        names: &'a mut NounCache<'n>,
    ) -> Option<Self> {
        let relation = topics.find(asked.relation)?;
        let holds = match asked.answer {
            "no" if denies_only(asked.slots) => relation,
            "no" => topics.opposite(relation).unwrap_or(relation),
            answer => match place_of(asked.slots, answer) {
                // Of two that are compared, the second is the answer where the opposite holds.
                Some(1) if asked.options.len() <= 2 => topics.opposite(relation).unwrap_or(relation),
                Some(_) => relation,
                None => topics.find(answer).unwrap_or(relation),
            },
        };
        if !asked.options.is_empty() && !asked.options.contains(&asked.answer) {
            return None;
        }
        let hash = xxh3_64(asked.key.as_bytes());
        for slot in asked.slots {
            if let Content::Object(name) | Content::Category(name) = slot.content {
                names.read(name);
            }
        }
        let names: &'a NounCache<'n> = names;
        let formats = (asked.text_format, asked.image_format);
        let mut objects = 0;
        let mut fill = |slot: &SlotValue<'n>| {
            let words = match slot.content {
                Content::Object(name) => {
                    let mark = asked.marks.get(objects).copied().unwrap_or_default();
                    objects += 1;
                    let noun = names.noun(name)?;
                    SlotWords::Object(marks.reference(noun, formats, objects, mark, |n| turn(hash, n, MARK)))
                }
                Content::Category(name) => SlotWords::Category(names.noun(name)?),
                Content::Value(quantity) => SlotWords::Value(quantity),
                Content::Image(index) => SlotWords::Image(index),
                Content::Direction(words) => SlotWords::Direction(words),
                Content::List(items) => SlotWords::List(items),
            };
            Some(Filled { name: slot.name, words })
        };
        let slots = asked.slots.iter().map(&mut fill).collect::<Option<Vec<_>>>()?;
        Some(Self { topics, slots, asked: relation, holds, answer: asked.answer, options: asked.options, hash })
    }

    /// Writes a phrase.
    pub fn write(&self, segments: &[Segment], out: &mut String) {
        for segment in segments {
            match segment {
                Segment::Text(text) => out.push_str(text),
                Segment::Slot(slot) => self.fill(slot, out),
            }
        }
    }

    /// Writes each option's text.
    pub fn options(&self, out: &mut Options) {
        for option in self.options {
            self.option(option, Case::Small, &mut out.text);
            out.ends.push(out.text.len());
        }
    }

    fn fill(&self, slot: &Slot, out: &mut String) {
        match slot {
            Slot::The(Role::Named(name), case) => match self.slot(name) {
                Some(SlotWords::Object(object)) => object.write_definite(*case == Case::Capital, out),
                Some(SlotWords::Category(noun)) => {
                    Reference::by_name(noun).write_definite(*case == Case::Capital, out);
                }
                Some(SlotWords::Image(index)) => {
                    push("the ", *case == Case::Capital, out);
                    write_ordinal(index, out);
                    out.push_str(" image");
                }
                Some(words) => self.plain(words, *case, out),
                None => {}
            },
            Slot::The(role, case) => self.option(self.chosen(role), *case, out),
            Slot::A(name, case) => {
                if let Some(noun) = self.noun(name) {
                    phrase(noun.indefinite_article(), noun.text(), *case, out);
                }
            }
            Slot::Name(Role::Named(name)) => {
                if let Some(words) = self.slot(name) {
                    self.plain(words, Case::Small, out);
                }
            }
            Slot::Name(role) => self.option(self.chosen(role), Case::Small, out),
            Slot::Plural(name) => out.push_str(self.noun(name).map_or("", Noun::plural)),
            Slot::Digits(name) => {
                if let Some(SlotWords::Value(quantity)) = self.slot(name) {
                    quantity.write_digits(out);
                }
            }
            Slot::Agree(role, one, many) => out.push_str(if self.is_plural(role) { many } else { one }),
            Slot::Relation(which, form) => {
                let relation = match which {
                    Which::Asked => self.asked,
                    Which::True => self.holds,
                    Which::Reverse => self.topics.opposite(self.holds).unwrap_or(self.holds),
                };
                let forms = self.topics.relation(relation).forms(form);
                if let Some(form) = self.pick(forms, draw_of(*which, form)) {
                    self.write(&form.segments, out);
                }
            }
            Slot::Either => {
                let either = &self.topics.topic(self.asked).either;
                // Options and `either` take the same place in their lists, so that they use the same words.
                if let Some(pair) = self.pick(either, OPTIONS)
                    && let Some(form) = self.pick(pair, EITHER)
                {
                    self.write(&form.segments, out);
                }
            }
            Slot::Options => {
                for (index, option) in self.options.iter().enumerate() {
                    if index > 0 {
                        out.push('\n');
                    }
                    out.push(letter(index));
                    out.push_str(". ");
                    self.option(option, Case::Small, out);
                }
            }
            Slot::OptionsInline => {
                for (index, option) in self.options.iter().enumerate() {
                    let last = index + 1 == self.options.len();
                    out.push_str(match (index, last, self.options.len()) {
                        (0, ..) => "(",
                        (_, true, 2) => " or (",
                        (_, true, _) => ", or (",
                        _ => ", (",
                    });
                    out.push(letter(index));
                    out.push_str(") ");
                    self.option(option, Case::Small, out);
                }
            }
            Slot::Letter => {
                let index = self.options.iter().position(|option| *option == self.answer);
                out.push(index.map_or('?', letter));
            }
            Slot::Option(case) => self.option(self.answer, *case, out),
            Slot::N => out.push_str(self.answer),
            Slot::Number => out.push_str(in_words(self.answer)),
            Slot::NOrNone(case) if self.answer == "0" => push("none", *case == Case::Capital, out),
            Slot::NOrNone(_) => out.push_str(self.answer),
            Slot::Counted(figures, name) => {
                match figures {
                    // Nobody writes "there are 0 cups".
                    _ if self.answer == "0" => push("no", out.is_empty(), out),
                    Figures::Digits => out.push_str(self.answer),
                    Figures::Words => out.push_str(in_words(self.answer)),
                }
                out.push(' ');
                if let Some(noun) = self.noun(name) {
                    out.push_str(if self.answer == "1" { noun.text() } else { noun.plural() });
                }
            }
        }
    }

    /// A slot's words without an article.
    fn plain(&self, words: SlotWords<'a>, case: Case, out: &mut String) {
        match words {
            SlotWords::Object(object) => object.write_bare(out),
            SlotWords::Category(noun) => push(noun.text(), case == Case::Capital, out),
            SlotWords::Value(quantity) => quantity.write(out),
            SlotWords::Image(index) => {
                push("image ", case == Case::Capital, out);
                out.push_str(&(u64::from(index) + 1).to_string());
            }
            SlotWords::Direction(words) => self.item(words, case, out),
            SlotWords::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    let last = index + 1 == items.len();
                    out.push_str(match (index, last, items.len()) {
                        (0, ..) => "",
                        (_, true, 2) => " and ",
                        (_, true, _) => ", and ",
                        _ => ", ",
                    });
                    self.item(item, if index == 0 { case } else { Case::Small }, out);
                }
            }
        }
    }

    /// An option or an answer: a slot, a relation, or words as they are.
    fn option(&self, option: &str, case: Case, out: &mut String) {
        match self.slot(option) {
            Some(words @ SlotWords::List(_)) => self.plain(words, case, out),
            _ => self.item(option, case, out),
        }
    }

    /// An item of a list, as [`Self::option`]; a list inside a list, or one that names itself, is its name.
    fn item(&self, item: &str, case: Case, out: &mut String) {
        match self.slot(item) {
            Some(SlotWords::Object(object)) => return object.write_definite(case == Case::Capital, out),
            Some(words @ (SlotWords::Category(_) | SlotWords::Value(_) | SlotWords::Image(_))) => {
                return self.plain(words, case, out);
            }
            Some(SlotWords::Direction(_) | SlotWords::List(_)) | None => {}
        }
        let relation = self.topics.find(item).map(|relation| self.topics.relation(relation));
        match relation.and_then(|relation| self.pick(relation.forms(OPTION), OPTIONS)) {
            Some(form) => {
                let start = out.len();
                self.write(&form.segments, out);
                if case == Case::Capital {
                    capitalise(start, out);
                }
            }
            None => push(item, case == Case::Capital, out),
        }
    }

    /// The option that a role stands for.
    fn chosen(&self, role: &Role) -> &'a str {
        match role {
            Role::First => self.options.first().copied().unwrap_or(""),
            Role::Second => self.options.get(1).copied().unwrap_or(""),
            Role::Other => self.options.iter().copied().find(|option| *option != self.answer).unwrap_or(""),
            Role::Answer | Role::N | Role::Named(_) => self.answer,
        }
    }

    fn slot(&self, name: &str) -> Option<SlotWords<'a>> {
        self.slots.iter().find(|slot| slot.name == name).map(|slot| slot.words)
    }

    fn noun(&self, name: &str) -> Option<&'a Noun<'a>> {
        match self.slot(name)? {
            SlotWords::Category(noun) => Some(noun),
            _ => None,
        }
    }

    fn is_plural(&self, role: &Role) -> bool {
        let words = match role {
            Role::N => return self.answer != "1",
            Role::Named(name) => self.slot(name),
            role => self.slot(self.chosen(role)),
        };
        match words {
            Some(SlotWords::Object(object)) => object.is_plural(),
            Some(SlotWords::Category(noun)) => noun.is_plural(),
            Some(SlotWords::List(items)) => items.len() > 1,
            _ => false,
        }
    }

    fn pick<'w, T>(&self, list: &'w [T], draw: u32) -> Option<&'w T> {
        list.get(turn(self.hash, list.len(), draw))
    }
}

/// Whether "no" only denies. About things of a category it does; of two objects that are compared it says that the opposite holds.
fn denies_only(slots: &[SlotValue<'_>]) -> bool {
    slots.iter().any(|slot| matches!(slot.content, Content::Category(_)))
}

/// Which of the objects a slot is, from 0.
fn place_of(slots: &[SlotValue<'_>], name: &str) -> Option<usize> {
    slots.iter().filter(|slot| matches!(slot.content, Content::Object(_))).position(|slot| slot.name == name)
}

/// A number below `n`. Each draw looks at bits of its own, so that one word does not decide another.
fn turn(hash: u64, n: usize, draw: u32) -> usize {
    let bits = hash.rotate_left((draw * 9) % 64) >> 32;
    ((bits * n as u64) >> 32) as usize
}

/// The draw of one form of a relation. The six that the built-in tasks use have their own; others share what is left.
fn draw_of(which: Which, form: &str) -> u32 {
    match (which, form) {
        (Which::Asked, RELATION) => 1,
        (Which::True, RELATION) => 2,
        (Which::Reverse, RELATION) => 3,
        (Which::Asked, COMPARATIVE) => 4,
        (_, OPTION) => OPTIONS,
        (Which::Asked, _) => 8,
        (Which::True, _) => 9,
        (Which::Reverse, _) => 10,
    }
}

/// The draw of which of two orders `either` has.
const EITHER: u32 = 5;

/// The draw of what names the options of a topic.
const OPTIONS: u32 = 6;

/// The draw of what points at marks.
const MARK: u32 = 7;

/// A, B, C, ...
pub fn letter(index: usize) -> char {
    char::from(b'A' + (index % 26) as u8)
}

fn phrase(article: &str, text: &str, case: Case, out: &mut String) {
    let (first, rest) = if article.is_empty() { (text, "") } else { (article, text) };
    push(first, case == Case::Capital, out);
    out.push_str(rest);
}

/// Gives what was written from `start` on a capital.
fn capitalise(start: usize, out: &mut String) {
    if let Some(first) = out[start..].chars().next() {
        let capital: String = first.to_uppercase().collect();
        out.replace_range(start..start + first.len_utf8(), &capital);
    }
}

fn in_words(digits: &str) -> &str {
    const WORDS: [&str; 13] =
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    digits.parse::<usize>().ok().and_then(|n| WORDS.get(n).copied()).unwrap_or(digits)
}
