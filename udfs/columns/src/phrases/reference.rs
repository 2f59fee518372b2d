//! Referring expressions: how a text says which object is meant: by its name, by a box, or by the mark that is drawn on it.
//!
//! The words for marks are the data of `queries/6_format/references.toml`:
//!
//! ```toml
//! boxes = ["the object in the {colour} box"]
//! masks = ["the object under the {colour} mask"]
//! numbers = ["object {label}"]
//! ```

use std::fmt::Write;

use serde::Deserialize;

use super::Error;
use crate::format::{ImageFormat, TextFormat};
use crate::nouns::Noun;

/// The words for marks.
#[derive(Debug)]
pub struct MarkWords {
    boxes: Vec<MarkPhrase>,
    masks: Vec<MarkPhrase>,
    numbers: Vec<MarkPhrase>,
}

/// "the object in the {colour} box": a noun phrase with one place for what names the mark.
#[derive(Debug, PartialEq)]
struct MarkPhrase {
    /// "the ", or nothing.
    article: &'static str,
    before: Box<str>,
    after: Box<str>,
}

/// The mark of one object, as far as a text can name it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Mark<'a> {
    pub colour: &'a str,
    pub label: &'a str,
}

/// One object with the way in which this text refers to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reference<'a> {
    noun: &'a Noun<'a>,
    form: Form<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Form<'a> {
    /// the red chair
    Name,
    /// the `<ref>`red chair`</ref>`
    Caption,
    /// the `<ref>`red chair`</ref><box>`1`</box>`
    CaptionBox(usize),
    /// the `<ref>`region`</ref><box>`1`</box>`
    RegionBox(usize),
    /// the object in the blue box
    Mark(&'a MarkPhrase, &'a str),
}

impl MarkWords {
    /// Reads the TOML.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let file: File = toml::from_str(text).map_err(|e| Error::syntax("references", e))?;
        let all = |list: Vec<String>, slot: &str| -> Result<Vec<MarkPhrase>, Error> {
            let phrases = list.iter().map(|text| MarkPhrase::parse(text, slot)).collect::<Result<Vec<_>, _>>()?;
            if phrases.is_empty() { Err(Error::NoReference { slot: slot.to_owned() }) } else { Ok(phrases) }
        };
        Ok(Self {
            boxes: all(file.boxes, "{colour}")?,
            masks: all(file.masks, "{colour}")?,
            numbers: all(file.numbers, "{label}")?,
        })
    }

    /// How the object with this number, from 1, is referred to. `turn` picks one of so many phrases, the same for all objects of a question.
    pub(super) fn reference<'a>(
        &'a self,
        noun: &'a Noun<'a>,
        formats: (TextFormat, ImageFormat),
        number: usize,
        mark: Mark<'a>,
        turn: impl Fn(usize) -> usize,
    ) -> Reference<'a> {
        let form = match formats {
            (TextFormat::Natural, _) => Form::Name,
            (TextFormat::RefCaption, _) => Form::Caption,
            (TextFormat::RefCaptionBox, _) => Form::CaptionBox(number),
            (TextFormat::RefRegionBox, _) => Form::RegionBox(number),
            (TextFormat::Mark, image) => {
                let (phrases, name) = match image {
                    ImageFormat::Original | ImageFormat::Boxes => (&self.boxes, mark.colour),
                    ImageFormat::Masks => (&self.masks, mark.colour),
                    ImageFormat::Numbers => (&self.numbers, mark.label),
                };
                Form::Mark(&phrases[turn(phrases.len())], name)
            }
        };
        Reference { noun, form }
    }
}

impl MarkPhrase {
    fn parse(text: &str, slot: &str) -> Result<Self, Error> {
        let (article, rest) = match text.strip_prefix("the ") {
            Some(rest) => ("the ", rest),
            None => ("", text),
        };
        match rest.split_once(slot) {
            Some((before, after))
                if !before.is_empty() && ![before, after].iter().any(|part| part.contains(['{', '}', '<', '>'])) =>
            {
                Ok(Self { article, before: before.into(), after: after.into() })
            }
            _ => Err(Error::WrongReference { wording: text.to_owned(), slot: slot.to_owned() }),
        }
    }
}

impl<'a> Reference<'a> {
    /// A thing by its name, whatever the format: what is counted is never marked.
    pub fn by_name(noun: &'a Noun<'a>) -> Self {
        Self { noun, form: Form::Name }
    }

    /// Whether the verb after it is "are". A region and an object with a mark are one thing, whatever they show.
    pub fn is_plural(&self) -> bool {
        match self.form {
            Form::Name | Form::Caption | Form::CaptionBox(_) => self.noun.is_plural(),
            Form::RegionBox(_) | Form::Mark(..) => false,
        }
    }

    /// "the red chair", with a capital where it opens a sentence.
    pub fn write_definite(&self, capital: bool, out: &mut String) {
        let article = match self.form {
            Form::Name | Form::Caption | Form::CaptionBox(_) => self.noun.definite_article(),
            Form::RegionBox(_) => "the ",
            Form::Mark(phrase, _) => phrase.article,
        };
        if article.is_empty() {
            self.write(capital, out);
        } else {
            push(article, capital, out);
            self.write(false, out);
        }
    }

    /// "red chair".
    pub fn write_bare(&self, out: &mut String) {
        self.write(false, out);
    }

    fn write(&self, capital: bool, out: &mut String) {
        match self.form {
            Form::Name => push(self.noun.text(), capital, out),
            Form::Caption => tagged(self.noun.text(), capital, out),
            Form::CaptionBox(number) => {
                tagged(self.noun.text(), capital, out);
                boxed(number, out);
            }
            Form::RegionBox(number) => {
                tagged("region", capital, out);
                boxed(number, out);
            }
            Form::Mark(phrase, name) => {
                push(&phrase.before, capital, out);
                out.push_str(name);
                out.push_str(&phrase.after);
            }
        }
    }
}

fn tagged(text: &str, capital: bool, out: &mut String) {
    out.push_str("<ref>");
    push(text, capital, out);
    out.push_str("</ref>");
}

fn boxed(number: usize, out: &mut String) {
    // Writing to a text cannot fail.
    let _ = write!(out, "<box>{number}</box>");
}

/// Adds a text, with a capital where that is asked for.
pub(super) fn push(text: &str, capital: bool, out: &mut String) {
    if !capital {
        return out.push_str(text);
    }
    let mut letters = text.chars();
    out.extend(letters.next().into_iter().flat_map(char::to_uppercase));
    out.push_str(letters.as_str());
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    boxes: Vec<String>,
    masks: Vec<String>,
    numbers: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &str = "boxes = ['the object in the {colour} box']\nmasks = ['the thing shaded {colour}']\nnumbers = ['object {label}']";

    fn check(name: &str, text: TextFormat, image: ImageFormat, expected: [&str; 2]) {
        let words = MarkWords::parse(WORDS).unwrap();
        let noun = Noun::read(name);
        let mark = Mark { colour: "red", label: "7" };
        let reference = words.reference(&noun, (text, image), 2, mark, |_| 0);
        for (capital, expected) in [(false, expected[0]), (true, expected[1])] {
            let mut written = String::new();
            reference.write_definite(capital, &mut written);
            assert_eq!(written, expected);
        }
    }

    #[test]
    fn a_thing_is_referred_to_in_each_format() {
        use ImageFormat::*;
        use TextFormat::*;
        check("red chair", Natural, Boxes, ["the red chair", "The red chair"]);
        check("his hat", Natural, Original, ["his hat", "His hat"]);
        check("red chair", RefCaption, Original, ["the <ref>red chair</ref>", "The <ref>red chair</ref>"]);
        check("his hat", RefCaption, Original, ["<ref>his hat</ref>", "<ref>His hat</ref>"]);
        check(
            "curtains",
            RefRegionBox,
            Original,
            ["the <ref>region</ref><box>2</box>", "The <ref>region</ref><box>2</box>"],
        );
        check(
            "curtains",
            RefCaptionBox,
            Masks,
            ["the <ref>curtains</ref><box>2</box>", "The <ref>curtains</ref><box>2</box>"],
        );
        check("curtains", Mark, Boxes, ["the object in the red box", "The object in the red box"]);
        check("curtains", Mark, Masks, ["the thing shaded red", "The thing shaded red"]);
        check("curtains", Mark, Numbers, ["object 7", "Object 7"]);
    }

    #[test]
    fn words_without_their_slot_are_refused() {
        for (from, to) in
            [("{colour} box", "box"), ("{label}", "{colour}"), ("'object {label}'", ""), ("boxes", "boxen")]
        {
            assert!(MarkWords::parse(&WORDS.replace(from, to)).is_err(), "{to}");
        }
    }
}
