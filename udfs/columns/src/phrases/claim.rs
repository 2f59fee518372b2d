//! Reading a worded text back: what does it claim?
//!
//! The linter words facts about an "alpha", a "beta" and some "gammas", and this module finds out what a reader of that text
//! would believe. It knows the lexicon's surface forms and plain English word order, and nothing of how the text was made.

use super::lexicon::{Lexicon, RelationId};

/// The names that stand in for subject, object and category in a text to be read.
pub const NAMES: [&str; 3] = ["alpha", "beta", "gamma"];

/// A thing that a text speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    Subject,
    Object,
    Category,
}

/// What one clause says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// `subject` is (or is not) `relation` of `object`.
    Relation { relation: RelationId, subject: Thing, object: Thing, denied: bool },
    /// A thing is named and nothing is said of it: "The alpha."
    Thing(Thing),
    /// A number is named: "3."
    Count(u32),
    /// "It is." and "It is not.": the question's own claim, affirmed or denied.
    Echo { denied: bool },
}

/// A text's claims, in order.
pub fn read(lexicon: &Lexicon, text: &str) -> Vec<Claim> {
    let lower = text.to_lowercase();
    lower.split(['.', ',', ';', ':', '!', '?', '\n']).flat_map(|clause| read_clause(lexicon, clause)).collect()
}

/// The relations that a text names, claimed or not, in order.
pub fn relations(lexicon: &Lexicon, text: &str) -> Vec<RelationId> {
    let relation = |token| match token {
        Token::Than(relation) | Token::More(relation) => Some(relation),
        _ => None,
    };
    tokens(lexicon, &text.to_lowercase()).into_iter().filter_map(relation).collect()
}

/// True where a text names this thing.
pub fn mentions(lexicon: &Lexicon, text: &str, thing: Thing) -> bool {
    tokens(lexicon, &text.to_lowercase()).contains(&Token::Thing(thing))
}

/// The first word's meaning, where it is one of assent or denial.
pub fn polarity(text: &str) -> Option<bool> {
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
    Than(RelationId),
    More(RelationId),
    Not,
    Number(u32),
}

fn read_clause(lexicon: &Lexicon, clause: &str) -> Vec<Claim> {
    let mut tokens = tokens(lexicon, clause);
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
    let mut claims = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let before = tokens[..at].iter().rev().find_map(thing);
        let mut after = tokens[at + 1..].iter().filter_map(thing);
        let (relation, subject, object) = match token {
            Token::Number(n) => {
                claims.push(Claim::Count(*n));
                continue;
            }
            Token::Than(relation) => {
                let object = after.next();
                // "To the left of the beta is the alpha": nothing stands before, so the subject comes last.
                let subject = before.or_else(|| after.next()).unwrap_or(Thing::Subject);
                (*relation, subject, object.unwrap_or(other(subject)))
            }
            Token::More(relation) => {
                let subject = before.or_else(|| after.next()).unwrap_or(Thing::Subject);
                (*relation, subject, other(subject))
            }
            _ => continue,
        };
        claims.push(Claim::Relation { relation, subject, object, denied });
    }
    if claims.is_empty() {
        let named = clause.contains(NAMES[0]) || clause.contains(NAMES[1]);
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

fn tokens(lexicon: &Lexicon, text: &str) -> Vec<Token> {
    let words: Vec<&str> =
        text.split(|c: char| !(c.is_alphanumeric() || c == '\'')).filter(|word| !word.is_empty()).collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < words.len() {
        if let Some((length, token)) = longest_form(lexicon, &words[at..]) {
            tokens.push(token);
            at += length;
            continue;
        }
        let word = words[at];
        let next = words.get(at + 1).copied().unwrap_or("");
        match word {
            _ if word == NAMES[0] || word == "alphas" => tokens.push(Token::Thing(Thing::Subject)),
            _ if word == NAMES[1] || word == "betas" => tokens.push(Token::Thing(Thing::Object)),
            _ if word == NAMES[2] || word == "gammas" => tokens.push(Token::Thing(Thing::Category)),
            "it" | "they" => tokens.push(Token::Pronoun),
            // "no gamma" denies that there is one; "there are no gammas" also counts them.
            "no" if next == "gammas" => tokens.extend([Token::Number(0), Token::Not]),
            "no" => tokens.push(Token::Not),
            "none" => tokens.extend([Token::Number(0), Token::Not]),
            "other" if next == "way" => tokens.push(Token::Not),
            _ if NEGATIONS.contains(&word) => tokens.push(Token::Not),
            // "there is one to the left of" stands for the category; "the wider one" stands for nothing new.
            "one" if next != "gamma" => {}
            _ => {
                let number = word.parse().ok().or_else(|| NUMBERS.iter().position(|n| *n == word).map(|n| n as u32));
                tokens.extend(number.map(Token::Number));
            }
        }
        at += 1;
    }
    tokens
}

/// The longest surface form at the start of these words.
fn longest_form(lexicon: &Lexicon, words: &[&str]) -> Option<(usize, Token)> {
    let length_of = |form: &str| {
        let mut length = 0;
        for part in form.split(' ') {
            if words.get(length) != Some(&part) {
                return None;
            }
            length += 1;
        }
        Some(length)
    };
    let forms = lexicon.ids().flat_map(|id| {
        let relation = lexicon.relation(id);
        let than = relation.than.iter().map(move |form| (form, Token::Than(id)));
        than.chain(relation.more.iter().chain(&relation.option).map(move |form| (form, Token::More(id))))
    });
    // Where a form is both ("above" compares, and is an option), a thing behind it decides: "above the beta".
    forms.filter_map(|(form, token)| Some((length_of(form)?, token))).max_by_key(|(length, token)| {
        let compares = matches!(token, Token::Than(_));
        let thing_follows = words.get(*length).is_some_and(|next| matches!(*next, "the" | "alpha" | "beta" | "gamma"));
        (*length, compares == thing_follows)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lexicon() -> Lexicon {
        Lexicon::parse(include_str!("../../../../queries/5_ask/relations.toml")).unwrap()
    }

    #[test]
    fn claims_are_read_back() {
        let lexicon = lexicon();
        let id = |name| lexicon.find(name).unwrap();
        let says = |relation, subject, object, denied| {
            vec![Claim::Relation { relation: id(relation), subject, object, denied }]
        };
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
            ("The beta.", vec![Claim::Thing(b)]),
            ("Yes, it is.", vec![Claim::Echo { denied: false }]),
            ("No, it is not.", vec![Claim::Echo { denied: true }]),
            ("No, it is the other way round.", vec![Claim::Echo { denied: true }]),
            ("3", vec![Claim::Count(3)]),
        ] {
            let mut claims = read(&lexicon, text);
            // "Of the two" names a number of things and counts nothing that was asked.
            claims.retain(|claim| *claim != Claim::Count(2));
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
            assert_eq!(polarity(text), expected, "{text}");
        }
    }
}
