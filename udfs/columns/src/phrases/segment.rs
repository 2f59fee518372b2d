//! A wording compiled: text to copy and slots to fill.
//!
//! | slot | becomes |
//! |---|---|
//! | `{the subject}`, `{The subject}` | the chair, his hat; also for object, first, second, answer, other |
//! | `{a category}`, `{A category}` | a chair, an oven, some scissors |
//! | `{subject}`, `{category}` | chair |
//! | `{categories}` | chairs |
//! | `{subject:is\|are}` | the first where it is one thing, the second where it is several; also for category and n |
//! | `{asked}` | the relation asked about, between subject and object: "to the left of" |
//! | `{true}` | the one that holds between subject and object |
//! | `{reverse}` | the one that holds between object and subject |
//! | `{more}` | the relation asked about, of one of two: "further to the left" |
//! | `{either}` | both relations of the axis: "wider or narrower than" |
//! | `{options}` | a line for each option: "A. the chair" |
//! | `{options inline}` | "(A) the chair or (B) the table" |
//! | `{first}`, `{second}` | the text of the first and second option |
//! | `{letter}`, `{option}`, `{Option}` | the right option's letter and text; in an open answer the relation that holds |
//! | `{n}`, `{number}` | 3, three |
//! | `{n or none}` | 3; none where the number is 0; `{N or none}` at a start |
//! | `{n category}`, `{number category}` | 3 chairs, 1 chair; three chairs, one chair, no chairs |

use super::Error;

/// A piece of a wording.
#[derive(Debug, Clone, PartialEq)]
pub enum Segment {
    Text(Box<str>),
    Slot(Slot),
}

/// What stands in braces.
#[derive(Debug, Clone, PartialEq)]
pub enum Slot {
    The(Role, Case),
    A(Case),
    Name(Role),
    Categories,
    Agree(Role, Box<str>, Box<str>),
    Asked,
    True,
    Reverse,
    More,
    Either,
    Options,
    OptionsInline,
    Letter,
    Option(Case),
    N,
    Number,
    NOrNone(Case),
    Counted(Figures),
}

/// Whom a slot is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Subject,
    Object,
    Category,
    /// The first option of a choice.
    First,
    /// The second option of a choice.
    Second,
    /// The option that is right.
    Answer,
    /// The option that is wrong.
    Other,
    /// The number of things counted.
    N,
}

/// The first letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    Small,
    Capital,
}

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figures {
    Digits,
    Words,
}

/// Compiles a wording.
pub fn compile(wording: &str) -> Result<Box<[Segment]>, Error> {
    let mut segments = Vec::new();
    let mut rest = wording;
    while let Some(open) = rest.find(['{', '}']) {
        let Some(length) = rest[open..].strip_prefix('{').and_then(|inside| inside.find('}')) else {
            return Err(Error::OpenBrace { wording: wording.to_owned() });
        };
        if open > 0 {
            segments.push(Segment::Text(rest[..open].into()));
        }
        let inside = &rest[open + 1..open + 1 + length];
        let slot = Slot::parse(inside)
            .ok_or_else(|| Error::UnknownSlot { slot: inside.to_owned(), wording: wording.to_owned() })?;
        segments.push(Segment::Slot(slot));
        rest = &rest[open + length + 2..];
    }
    if !rest.is_empty() {
        segments.push(Segment::Text(rest.into()));
    }
    Ok(segments.into())
}

impl Slot {
    fn parse(text: &str) -> Option<Self> {
        if let Some((role, forms)) = text.split_once(':') {
            let (one, many) = forms.split_once('|')?;
            let fits = !one.is_empty() && !many.is_empty() && !many.contains('|');
            return fits.then_some(Self::Agree(Role::parse(role)?, one.into(), many.into()));
        }
        Some(match text {
            "a category" => Self::A(Case::Small),
            "A category" => Self::A(Case::Capital),
            "categories" => Self::Categories,
            "asked" => Self::Asked,
            "true" => Self::True,
            "reverse" => Self::Reverse,
            "more" => Self::More,
            "either" => Self::Either,
            "options" => Self::Options,
            "options inline" => Self::OptionsInline,
            "letter" => Self::Letter,
            "option" => Self::Option(Case::Small),
            "Option" => Self::Option(Case::Capital),
            "n" => Self::N,
            "number" => Self::Number,
            "n or none" => Self::NOrNone(Case::Small),
            "N or none" => Self::NOrNone(Case::Capital),
            "n category" => Self::Counted(Figures::Digits),
            "number category" => Self::Counted(Figures::Words),
            _ => match text.split_once(' ') {
                Some(("the", role)) => Self::The(Role::thing(role)?, Case::Small),
                Some(("The", role)) => Self::The(Role::thing(role)?, Case::Capital),
                Some(_) => return None,
                None => Self::Name(Role::thing(text)?),
            },
        })
    }
}

impl Role {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "subject" => Self::Subject,
            "object" => Self::Object,
            "category" => Self::Category,
            "first" => Self::First,
            "second" => Self::Second,
            "answer" => Self::Answer,
            "other" => Self::Other,
            "n" => Self::N,
            _ => return None,
        })
    }

    fn thing(text: &str) -> Option<Self> {
        Self::parse(text).filter(|role| *role != Self::N)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_slots() {
        let segments = compile("Is {the subject} {asked} {the object}?").unwrap();
        assert_eq!(segments.len(), 7);
        assert_eq!(segments[1], Segment::Slot(Slot::The(Role::Subject, Case::Small)));
        assert_eq!(segments[6], Segment::Text("?".into()));
    }

    #[test]
    fn what_is_no_slot_is_refused() {
        for wording in [
            "{}",
            "{the}",
            "{the nobody}",
            "{subject:is}",
            "{subject:is|}",
            "{subject:a|b|c}",
            "{the n}",
            "{a subject}",
        ] {
            assert!(matches!(compile(wording), Err(Error::UnknownSlot { .. })), "{wording}");
        }
        for wording in ["{the subject", "the subject}", "}{", "a {b"] {
            assert!(matches!(compile(wording), Err(Error::OpenBrace { .. })), "{wording}");
        }
    }
}
