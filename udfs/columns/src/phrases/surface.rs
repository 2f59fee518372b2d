//! Surface forms: every text that stands for a relation in the phrases of one pack, as words to compare a text with.
//!
//! In go all topics and what the slots of its forms become in a text; out come forms without slots. The linter's reader ([`super::claim`])
//! knows these and nothing of how the text was made.

use super::topics::{Form, RELATION, RelationId, Topics};

/// The surface forms of all topics.
#[derive(Debug, Default)]
pub struct Surface {
    forms: Vec<SurfaceForm>,
}

#[derive(Debug)]
struct SurfaceForm {
    words: Vec<String>,
    relation: RelationId,
    /// Whether it stands between two objects; else it is said of one.
    between: bool,
    /// Whether it is of a topic of the pack whose texts are read.
    is_own: bool,
}

impl Surface {
    /// The forms of all relations, with their slots filled by `word`. Where topics share a form, it means that of a topic which `is_own`: "to the left"
    /// says where an object is, and in another task which way a camera moved.
    pub fn of(topics: &Topics, is_own: impl Fn(&str) -> bool, word: impl Fn(&Form) -> String) -> Self {
        let forms = topics
            .ids()
            .flat_map(|relation| topics.relation(relation).all_forms().map(move |(name, form)| (relation, name, form)));
        let forms = forms.map(|(relation, name, form)| SurfaceForm {
            words: words(&word(form).to_lowercase()).into_iter().map(str::to_owned).collect(),
            relation,
            between: name == RELATION,
            is_own: is_own(&topics.topic(relation).name),
        });
        Self { forms: forms.collect() }
    }

    /// The longest form at the start of these words: its length, its relation, and whether it stands between two objects.
    ///
    /// Where a form is both ("above" compares, and is an option), an object behind it decides: "above the beta".
    pub fn longest_at(&self, words: &[&str], is_object: impl Fn(&str) -> bool) -> Option<(usize, RelationId, bool)> {
        let starts = |form: &&SurfaceForm| {
            !form.words.is_empty()
                && words.len() >= form.words.len()
                && form.words.iter().zip(words).all(|(a, b)| a == b)
        };
        let best = self.forms.iter().filter(starts).max_by_key(|form| {
            let behind = words.get(form.words.len()).is_some_and(|next| *next == "the" || is_object(next));
            (form.words.len(), form.is_own, form.between == behind)
        });
        best.map(|form| (form.words.len(), form.relation, form.between))
    }
}

/// The words of a text. The point of a number belongs to it: "2.3 metres" is two words.
pub fn words(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut words = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices() {
        let inside = c.is_alphanumeric() || c == '\'' || c == '.' && at > 0 && digit(at - 1) && digit(at + 1);
        match (inside, start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                words.push(&text[from..at]);
                start = None;
            }
            _ => {}
        }
    }
    words.extend(start.map(|from| &text[from..]));
    words
}

/// The clauses of a text: what stands between its stops, commas and ends of lines.
pub fn clauses(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut clauses = Vec::new();
    let mut from = 0;
    for (at, c) in text.char_indices() {
        let in_a_number = c == '.' && at > 0 && digit(at - 1) && digit(at + 1);
        if matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '\n') && !in_a_number {
            clauses.push(&text[from..at]);
            from = at + 1;
        }
    }
    clauses.push(&text[from..]);
    clauses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_of_numbers_end_nothing() {
        assert_eq!(words("it's 2.3 metres. 3."), ["it's", "2.3", "metres", "3"]);
        assert_eq!(clauses("it is 2.3 metres. yes, 3."), ["it is 2.3 metres", " yes", " 3", ""]);
    }
}
