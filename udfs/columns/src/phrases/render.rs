//! Filling the slots of a compiled wording.

use xxhash_rust::xxh3::xxh3_64;

use super::Options;
use super::glossary::Glossary;
use super::lexicon::{Lexicon, RelationId};
use super::reference::{Mark, MarkWords, Reference, push};
use super::segment::{Case, Figures, Role, Segment, Slot};
use crate::format::{ImageFormat, TextFormat};
use crate::nouns::Noun;

/// What is asked, and the answer: a row of `questions` as the functions here see it.
#[derive(Debug, Clone, Default)]
pub struct Asked<'a> {
    /// The relation that is asked about.
    pub relation: &'a str,
    /// yes, no, subject, object, a relation, or a number.
    pub answer: &'a str,
    /// Names of the things that the question speaks of; empty where it does not.
    pub subject: &'a str,
    pub object: &'a str,
    pub category: &'a str,
    /// For a choice: subject and object, relations, or numbers, in the order asked.
    pub options: &'a [&'a str],
    pub text_format: TextFormat,
    pub image_format: ImageFormat,
    /// The marks of the things that the question names, in their order: subject and object, or the object alone.
    pub marks: [Mark<'a>; 2],
    /// Which of several words for the same thing is taken is a hash of this.
    pub key: &'a str,
}

/// The words of one question, ready to be written in any wording.
pub(super) struct Words<'a> {
    lexicon: &'a Lexicon,
    subject: Reference<'a>,
    object: Reference<'a>,
    category: &'a Noun<'a>,
    asked: RelationId,
    /// The relation that holds between subject and object.
    holds: RelationId,
    answer: &'a str,
    options: &'a [&'a str],
    hash: u64,
}

impl<'a> Words<'a> {
    /// `None` where the answer contradicts what is asked, so that nothing true could be said.
    pub fn of<'n: 'a>(
        lexicon: &'a Lexicon,
        marks: &'a MarkWords,
        asked: &Asked<'n>,
        names: &'a mut Glossary<'n>,
    ) -> Option<Self> {
        let relation = lexicon.find(asked.relation)?;
        let holds = match asked.answer {
            // "no" about things that are counted only denies; about two things it means the opposite.
            "yes" | "subject" => relation,
            "no" if !asked.subject.is_empty() => lexicon.opposite(relation),
            "object" => lexicon.opposite(relation),
            name => lexicon.find(name).unwrap_or(relation),
        };
        if !asked.options.is_empty() && !asked.options.contains(&asked.answer) {
            return None;
        }
        let [subject, object, category] = names.nouns([asked.subject, asked.object, asked.category]);
        let hash = xxh3_64(asked.key.as_bytes());
        let reference = |noun, place: usize| {
            let formats = (asked.text_format, asked.image_format);
            marks.reference(noun, formats, place, asked.marks[place], |n| turn(hash, n, MARK))
        };
        // Where nothing but the object is named, it comes first.
        let object_place = usize::from(!asked.subject.is_empty());
        let (subject, object) = (reference(subject, 0), reference(object, object_place));
        Some(Self {
            lexicon,
            subject,
            object,
            category,
            asked: relation,
            holds,
            answer: asked.answer,
            options: asked.options,
            hash,
        })
    }

    /// Writes a wording.
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
            Slot::The(role, case) => match self.thing(*role) {
                Some(thing) => thing.write_definite(*case == Case::Capital, out),
                None => self.option(self.chosen(*role), *case, out),
            },
            Slot::A(case) => phrase(self.category.indefinite_article(), self.category.text(), *case, out),
            Slot::Name(role) => match self.thing(*role) {
                Some(thing) if matches!(role, Role::Subject | Role::Object | Role::Category) => thing.write_bare(out),
                _ => self.option(self.chosen(*role), Case::Small, out),
            },
            Slot::Categories => out.push_str(self.category.plural()),
            Slot::Agree(role, one, many) => out.push_str(if self.is_plural(*role) { many } else { one }),
            Slot::Asked => out.push_str(self.pick(&self.lexicon.relation(self.asked).than, 1)),
            Slot::True => out.push_str(self.pick(&self.lexicon.relation(self.holds).than, 2)),
            Slot::Reverse => {
                let reverse = self.lexicon.opposite(self.holds);
                out.push_str(self.pick(&self.lexicon.relation(reverse).than, 3));
            }
            Slot::More => out.push_str(self.pick(&self.lexicon.relation(self.asked).more, 4)),
            Slot::Either => {
                let either = &self.lexicon.axis(self.asked).either;
                out.push_str(self.pick(&either[self.turn(either.len(), OPTION)], 5));
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
            Slot::Counted(figures) => {
                match figures {
                    // Nobody writes "there are 0 cups".
                    _ if self.answer == "0" => push("no", out.is_empty(), out),
                    Figures::Digits => out.push_str(self.answer),
                    Figures::Words => out.push_str(in_words(self.answer)),
                }
                out.push(' ');
                if self.answer == "1" {
                    out.push_str(self.category.text());
                } else {
                    out.push_str(self.category.plural());
                }
            }
        }
    }

    fn option(&self, option: &str, case: Case, out: &mut String) {
        match option {
            "subject" => self.subject.write_definite(case == Case::Capital, out),
            "object" => self.object.write_definite(case == Case::Capital, out),
            _ => match self.lexicon.find(option) {
                // Options and `either` take the same place in their lists, so that they use the same words.
                Some(relation) => phrase("", self.pick(&self.lexicon.relation(relation).option, OPTION), case, out),
                None => out.push_str(option),
            },
        }
    }

    /// The option that a role stands for.
    fn chosen(&self, role: Role) -> &'a str {
        match role {
            Role::First => self.options.first().copied().unwrap_or(""),
            Role::Second => self.options.get(1).copied().unwrap_or(""),
            Role::Other => self.options.iter().copied().find(|option| *option != self.answer).unwrap_or(""),
            Role::Subject => "subject",
            Role::Object => "object",
            Role::Answer | Role::Category | Role::N => self.answer,
        }
    }

    /// The thing that a role stands for, where it is one.
    fn thing(&self, role: Role) -> Option<Reference<'a>> {
        match role {
            Role::Category => Some(Reference::by_name(self.category)),
            role => match self.chosen(role) {
                "subject" => Some(self.subject),
                "object" => Some(self.object),
                _ => None,
            },
        }
    }

    fn is_plural(&self, role: Role) -> bool {
        match role {
            Role::N => self.answer != "1",
            role => self.thing(role).is_some_and(|thing| thing.is_plural()),
        }
    }

    fn pick<'w>(&self, words: &'w [String], slot: u32) -> &'w str {
        &words[self.turn(words.len(), slot)]
    }

    fn turn(&self, n: usize, slot: u32) -> usize {
        turn(self.hash, n, slot)
    }
}

/// A number below `n`. Each slot looks at bits of its own, so that one word does not decide another.
fn turn(hash: u64, n: usize, slot: u32) -> usize {
    let bits = hash.rotate_left(slot * 9) >> 32;
    ((bits * n as u64) >> 32) as usize
}

/// The slot number of whatever names the options of an axis.
const OPTION: u32 = 6;

/// The slot number of what points at marks.
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

fn in_words(digits: &str) -> &str {
    const WORDS: [&str; 13] =
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    digits.parse::<usize>().ok().and_then(|n| WORDS.get(n).copied()).unwrap_or(digits)
}
