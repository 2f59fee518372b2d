//! Reading a worded text back: what does it claim?
//!
//! The linter words facts about an "alpha", a "beta" and some "gammas", and this module finds out what a reader of that text
//! would believe. It knows the declared surface forms and plain English word order, and nothing of how the text was made.

use super::slots::UNITS;
use super::surface::{Surface, clauses, words};
use super::topics::RelationId;

/// The names that stand in for the objects of a question in a text to be read: the first two, and a category where it has one.
pub const NAMES: [&str; 3] = ["alpha", "beta", "gamma"];

/// The names of a question's other objects, from its third.
pub const FURTHER: [&str; 5] = ["delta", "epsilon", "zeta", "eta", "theta"];

/// An object that a text speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    Subject,
    Object,
    Category,
    /// By its place in [`FURTHER`].
    Further(usize),
}

/// What one clause says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Claim {
    /// `subject` is (or is not) `relation` of `object`.
    Relation { relation: RelationId, subject: Thing, object: Thing, denied: bool },
    /// An object is named and nothing is said of it: "The alpha."
    Thing(Thing),
    /// A number is named: "3", "2.3 metres".
    Number { value: f64, unit: Option<&'static str>, in_words: bool },
    /// "It is." and "It is not.": the question's own claim, affirmed or denied.
    Echo { denied: bool },
}

/// A text's claims, in order.
pub fn read(surface: &Surface, text: &str) -> Vec<Claim> {
    let lower = text.to_lowercase();
    clauses(&lower).into_iter().flat_map(|clause| read_clause(surface, clause)).collect()
}

/// The relations that a text names, claimed or not, in order.
pub fn relations(surface: &Surface, text: &str) -> Vec<RelationId> {
    let relation = |token| match token {
        Token::Between(relation) | Token::OfOne(relation) => Some(relation),
        _ => None,
    };
    tokens(surface, &text.to_lowercase()).into_iter().filter_map(relation).collect()
}

/// True where a text names this object, alone or within a relation's form.
pub fn mentions(text: &str, thing: Thing) -> bool {
    let lower = text.to_lowercase();
    words(&lower).into_iter().any(|word| thing_of(word) == Some(thing))
}

/// The first word's meaning, where it is one of assent or denial.
pub fn yes_or_no(text: &str) -> Option<bool> {
    let opening = text.split(['.', ',', ';', ':', '!', '\n']).next().unwrap_or("").to_lowercase();
    let mut words = opening.split_whitespace();
    let is = |list: &[&str], word: &str| list.contains(&word);
    let denied =
        words.clone().any(|word| is(NEGATIONS, word) || is(&["no", "false", "incorrect", "wrong", "opposite"], word));
    let affirmed = words.any(|word| is(&["yes", "true", "correct", "right", "indeed", "does", "is", "are"], word));
    (denied || affirmed).then_some(!denied)
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Token {
    Thing(Thing),
    /// "it", "they", "one": whatever the question was about.
    Pronoun,
    Between(RelationId),
    OfOne(RelationId),
    Not,
    Number {
        value: f64,
        unit: Option<&'static str>,
        in_words: bool,
    },
}

/// The object that a word names.
fn thing_of(word: &str) -> Option<Thing> {
    let singular = word.strip_suffix('s').unwrap_or(word);
    let named = |name: &str| word == name || singular == name;
    match NAMES.iter().position(|name| named(name)) {
        Some(0) => Some(Thing::Subject),
        Some(1) => Some(Thing::Object),
        Some(_) => Some(Thing::Category),
        None => FURTHER.iter().position(|name| named(name)).map(Thing::Further),
    }
}

fn read_clause(surface: &Surface, clause: &str) -> Vec<Claim> {
    let mut tokens = tokens(surface, clause);
    // A clause that is nothing but "no" answers; anywhere else the word denies, or counts none.
    if clause.trim() == "no" {
        return Vec::new();
    }
    let counts = tokens.contains(&Token::Thing(Thing::Category));
    for token in &mut tokens {
        if *token == Token::Pronoun {
            *token = Token::Thing(if counts { Thing::Category } else { Thing::Subject });
        }
    }
    let denied = tokens.contains(&Token::Not);
    let thing = |token: &Token| match token {
        Token::Thing(thing) => Some(*thing),
        _ => None,
    };
    // What is compared: objects beyond the second are what others are compared by.
    let compared = |token: &Token| thing(token).filter(|thing| !matches!(thing, Thing::Further(_)));
    let mut claims = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let before = tokens[..at].iter().rev().find_map(compared);
        let mut after = tokens[at + 1..].iter().filter_map(compared);
        let (relation, subject, object) = match token {
            Token::Number { value, unit, in_words } => {
                claims.push(Claim::Number { value: *value, unit: *unit, in_words: *in_words });
                continue;
            }
            Token::Between(relation) => {
                let object = after.next();
                // "To the left of the beta is the alpha": nothing stands before, so the subject comes last.
                let subject = before.or_else(|| after.next()).unwrap_or(Thing::Subject);
                (*relation, subject, object.unwrap_or(other(subject)))
            }
            Token::OfOne(relation) => {
                let subject = before.or_else(|| after.next()).unwrap_or(Thing::Subject);
                (*relation, subject, other(subject))
            }
            _ => continue,
        };
        claims.push(Claim::Relation { relation, subject, object, denied });
    }
    if claims.is_empty() {
        let names = NAMES[..2].iter().chain(&FURTHER);
        let named = names.into_iter().any(|name| clause.contains(name));
        match tokens.iter().find_map(thing) {
            Some(thing) if named => claims.push(Claim::Thing(thing)),
            Some(_) => claims.push(Claim::Echo { denied }),
            None => {}
        }
    }
    claims
}

fn other(thing: Thing) -> Thing {
    if thing == Thing::Object { Thing::Subject } else { Thing::Object }
}

/// Words that turn a clause into its denial; "the other way round" does so as well.
const NEGATIONS: &[&str] = &[
    "not",
    "isn't",
    "aren't",
    "doesn't",
    "don't",
    "never",
    "cannot",
    "nothing",
    "none",
    "false",
    "incorrect",
    "wrong",
    "opposite",
    "reverse",
];

const NUMBERS: [&str; 13] =
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

fn tokens(surface: &Surface, text: &str) -> Vec<Token> {
    let words = words(text);
    let none = Token::Number { value: 0.0, unit: None, in_words: true };
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < words.len() {
        if let Some((length, relation, between)) = surface.longest_at(&words[at..], |word| thing_of(word).is_some()) {
            tokens.push(if between { Token::Between(relation) } else { Token::OfOne(relation) });
            at += length;
            continue;
        }
        let word = words[at];
        let next = words.get(at + 1).copied().unwrap_or("");
        match word {
            _ if thing_of(word).is_some() => tokens.extend(thing_of(word).map(Token::Thing)),
            "it" | "they" => tokens.push(Token::Pronoun),
            // "no gamma" denies that there is one; "there are no gammas" also counts them.
            "no" if next == "gammas" => tokens.extend([none, Token::Not]),
            "no" => tokens.push(Token::Not),
            "none" => tokens.extend([none, Token::Not]),
            "other" if next == "way" => tokens.push(Token::Not),
            _ if NEGATIONS.contains(&word) => tokens.push(Token::Not),
            // "there is one to the left of" stands for the category; "the wider one" stands for nothing new.
            "one" if next != "gamma" => {}
            // "image 2" is a name.
            "image" if next.parse::<u32>().is_ok() => at += 1,
            _ => {
                let digits = word.parse::<f64>().ok().filter(|value| value.is_finite());
                let in_words = NUMBERS.iter().position(|number| *number == word);
                let unit = UNITS.iter().find(|(symbol, one, many)| {
                    let rest = words[at + 1..].join(" ");
                    [*many, *one, *symbol].iter().any(|unit| rest == *unit || rest.starts_with(&format!("{unit} ")))
                });
                let unit = unit.map(|(symbol, ..)| *symbol);
                match (digits, in_words) {
                    (Some(value), _) => tokens.push(Token::Number { value, unit, in_words: false }),
                    (None, Some(value)) => tokens.push(Token::Number { value: value as f64, unit, in_words: true }),
                    (None, None) => {}
                }
            }
        }
        at += 1;
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phrases::topics::Topics;

    fn topics() -> Topics {
        Topics::parse([("topics.toml", include_str!("../../../../queries/5_ask/topics.toml"))]).unwrap()
    }

    #[test]
    fn claims_are_read_back() {
        let topics = topics();
        let surface = Surface::of(&topics, |_| true, |form| form.text.clone());
        let id = |name| topics.find(name).unwrap();
        let says = |relation, subject, object, denied| {
            vec![Claim::Relation { relation: id(relation), subject, object, denied }]
        };
        let number = |value, unit| vec![Claim::Number { value, unit, in_words: false }];
        let (a, b, c) = (Thing::Subject, Thing::Object, Thing::Category);
        for (text, expected) in [
            ("The alpha is to the left of the beta.", says("left", a, b, false)),
            ("No, the beta is not wider than the alpha.", says("wider", b, a, true)),
            ("To the left of the beta is the alpha.", says("left", a, b, false)),
            ("The alpha is above the beta.", says("above", a, b, false)),
            ("The alpha is above.", says("above", a, b, false)),
            ("Of the two, the beta is closer to the camera.", says("near", b, a, false)),
            ("The wider one is the beta.", says("wider", b, a, false)),
            ("The alpha is narrower than the beta.", says("thinner", a, b, false)),
            ("To the right.", says("right", a, b, false)),
            ("There is a gamma above the beta.", says("above", c, b, false)),
            ("There is no gamma above the beta.", says("above", c, b, true)),
            ("Seen from the delta, the alpha is to the left of the beta.", says("left", a, b, false)),
            ("The beta.", vec![Claim::Thing(b)]),
            ("The epsilon.", vec![Claim::Thing(Thing::Further(1))]),
            ("Yes, it is.", vec![Claim::Echo { denied: false }]),
            ("No, it is not.", vec![Claim::Echo { denied: true }]),
            ("No, it is the other way round.", vec![Claim::Echo { denied: true }]),
            ("3", number(3.0, None)),
            ("It is 2.3 metres.", number(2.3, Some("m"))),
        ] {
            let mut claims = read(&surface, text);
            // "Of the two" names a number of things and counts nothing that was asked.
            claims.retain(|claim| !matches!(claim, Claim::Number { in_words: true, .. }));
            if text.starts_with("Seen from") {
                claims.remove(0);
            }
            assert_eq!(claims, expected, "{text}");
        }
    }

    #[test]
    fn assent_and_denial() {
        for (text, expected) in [
            ("Yes.", Some(true)),
            ("No, it is not.", Some(false)),
            ("That is correct.", Some(true)),
            ("That is not correct.", Some(false)),
            ("The alpha", None),
        ] {
            assert_eq!(yes_or_no(text), expected, "{text}");
        }
    }
}
