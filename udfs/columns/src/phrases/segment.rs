//! A phrase compiled: text to copy and slots to fill.
//!
//! A question has slots of its own, each with a name and a kind ([`super::slots`]); `x` stands for such a name below.
//!
//! | slot | becomes |
//! |---|---|
//! | `{the x}`, `{The x}` | of an object: the chair, his hat, the object in the red box; of an image: the second image; also for first, second, answer, other: options of a choice |
//! | `{x}` | of an object or category: chair; of a value: 2.3 metres; of an image: image 2; of a direction or a list: its words |
//! | `{x:is\|are}` | the first where x is one thing, the second where it is several; also for n |
//! | `{a x}`, `{A x}` | of a category: a chair, an oven, some scissors |
//! | `{plural x}` | of a category: chairs |
//! | `{digits x}` | of a value: 2.3 |
//! | `{asked F}` | the relation asked about, in a form F that its topic declares; `{asked relation}`: "to the left of", `{asked comparative}`: "further to the left" |
//! | `{true F}` | the relation that holds between the first and the second object |
//! | `{reverse F}` | the one that holds between the second and the first |
//! | `{either}` | both relations of the topic: "wider or narrower than" |
//! | `{options}` | a line for each option: "A. the chair" |
//! | `{options inline}` | "(A) the chair or (B) the table" |
//! | `{first}`, `{second}` | the text of the first and second option |
//! | `{letter}`, `{option}`, `{Option}` | the right option's letter and text; in an open answer the answer itself |
//! | `{n}`, `{number}` | the answer: 3, three |
//! | `{n or none}` | 3; none where the number is 0; `{N or none}` at a start |
//! | `{n x}`, `{number x}` | of a category: 3 chairs, 1 chair; three chairs, one chair, no chairs |

use super::Error;

/// A piece of a phrase.
#[derive(Debug, Clone, PartialEq)]
pub enum Segment {
    Text(Box<str>),
    Slot(Slot),
}

/// What stands in braces.
#[derive(Debug, Clone, PartialEq)]
pub enum Slot {
    The(Role, Case),
    A(Box<str>, Case),
    Name(Role),
    Plural(Box<str>),
    Digits(Box<str>),
    Agree(Role, Box<str>, Box<str>),
    Relation(Which, Box<str>),
    Either,
    Options,
    OptionsInline,
    Letter,
    Option(Case),
    N,
    Number,
    NOrNone(Case),
    Counted(Figures, Box<str>),
}

/// Which relation a slot says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Asked,
    True,
    Reverse,
}

/// Whom a slot is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// A slot of the question, by its name.
    Named(Box<str>),
    /// The first option of a choice.
    First,
    /// The second option of a choice.
    Second,
    /// The option that is right.
    Answer,
    /// The first option that is wrong.
    Other,
    /// The number that is the answer.
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

/// Compiles a phrase.
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

/// Names that slots of a question cannot have, because they mean something else in a phrase.
pub const RESERVED: &[&str] = &[
    "first", "second", "answer", "other", "n", "asked", "true", "reverse", "either", "options", "letter", "option",
    "number", "the", "a", "plural", "digits",
];

/// Whether a text can be the name of a slot or of a form: a word in small letters.
pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

impl Slot {
    fn parse(text: &str) -> Option<Self> {
        if let Some((role, forms)) = text.split_once(':') {
            let (one, many) = forms.split_once('|')?;
            let fits = !one.is_empty() && !many.is_empty() && !many.contains('|');
            return fits.then_some(Self::Agree(Role::parse(role)?, one.into(), many.into()));
        }
        let named = |name: &str| Role::named(name).then(|| name.into());
        Some(match text {
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
            _ => match text.split_once(' ') {
                Some(("the", role)) => Self::The(Role::thing(role)?, Case::Small),
                Some(("The", role)) => Self::The(Role::thing(role)?, Case::Capital),
                Some(("a", name)) => Self::A(named(name)?, Case::Small),
                Some(("A", name)) => Self::A(named(name)?, Case::Capital),
                Some(("plural", name)) => Self::Plural(named(name)?),
                Some(("digits", name)) => Self::Digits(named(name)?),
                Some(("n", name)) => Self::Counted(Figures::Digits, named(name)?),
                Some(("number", name)) => Self::Counted(Figures::Words, named(name)?),
                Some(("asked", form)) if is_name(form) => Self::Relation(Which::Asked, form.into()),
                Some(("true", form)) if is_name(form) => Self::Relation(Which::True, form.into()),
                Some(("reverse", form)) if is_name(form) => Self::Relation(Which::Reverse, form.into()),
                Some(_) => return None,
                None => Self::Name(Role::thing(text)?),
            },
        })
    }

    /// Whether it is filled by the question's own slots alone, whatever is asked and answered.
    pub fn is_of_the_question(&self) -> bool {
        match self {
            Self::The(role, _) | Self::Name(role) | Self::Agree(role, ..) => matches!(role, Role::Named(_)),
            Self::A(..) | Self::Plural(_) | Self::Digits(_) => true,
            _ => false,
        }
    }

    /// The name of the question's slot that fills it, where one does.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::The(Role::Named(name), _) | Self::Name(Role::Named(name)) | Self::Agree(Role::Named(name), ..) => {
                Some(name)
            }
            Self::A(name, _) | Self::Plural(name) | Self::Digits(name) | Self::Counted(_, name) => Some(name),
            _ => None,
        }
    }
}

impl Role {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "first" => Self::First,
            "second" => Self::Second,
            "answer" => Self::Answer,
            "other" => Self::Other,
            "n" => Self::N,
            _ if Self::named(text) => Self::Named(text.into()),
            _ => return None,
        })
    }

    fn named(text: &str) -> bool {
        is_name(text) && !RESERVED.contains(&text)
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
        let segments = compile("Is {the subject} {asked relation} {the object}?").unwrap();
        assert_eq!(segments.len(), 7);
        assert_eq!(segments[1], Segment::Slot(Slot::The(Role::Named("subject".into()), Case::Small)));
        assert_eq!(segments[3], Segment::Slot(Slot::Relation(Which::Asked, "relation".into())));
        assert_eq!(segments[6], Segment::Text("?".into()));
    }

    #[test]
    fn what_is_no_slot_is_refused() {
        for wording in [
            "{}",
            "{the}",
            "{the Nobody}",
            "{subject:is}",
            "{subject:is|}",
            "{subject:a|b|c}",
            "{the n}",
            "{asked}",
            "{true}",
            "{asked Relation}",
            "{a letter}",
        ] {
            assert!(matches!(compile(wording), Err(Error::UnknownSlot { .. })), "{wording}");
        }
        for wording in ["{the subject", "the subject}", "}{", "a {b"] {
            assert!(matches!(compile(wording), Err(Error::OpenBrace { .. })), "{wording}");
        }
    }
}
