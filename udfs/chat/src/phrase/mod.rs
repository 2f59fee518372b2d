//! Normalising noun phrases: what a model calls a thing in, a short phrase that a question can carry ("red office chair") out.
//!
//! Out comes a phrase without article, quotes, final stop and line breaks, of one sentence, with a small first letter where
//! the capital only opened it; or why there is none. Normalising a phrase twice changes nothing.
//!
//! 1. What says where a thing lies or how it compares ("left", "nearest", "taller") is refused: questions ask for that, and
//!    would be answered by their own words. "The cat is on the left" is cut to "cat" and stays.
//! 2. A sentence is cut before its verb where that is a form of "be" or "have"; other verbs are not known.
//! 3. A first word in title case is made small unless it is a name that is listed; so are all words where all are in title
//!    case ("Dining Table"). Words with more capitals ("TV", "iPhone") stay.
//! 4. Rules for words are English. A phrase in another language or script is kept as it is, as long as it is short.

mod words;

use crate::ask_error::AnswerError;
use words::{ABBREVIATIONS, LEAD_INS, NAMES, NO_NAMES, REFUSALS, ROLES, SPATIAL, VERBS};

/// Words and characters of the longest phrase.
pub const MOST_WORDS: usize = 12;
pub const MOST_CHARS: usize = 80;

/// Nothing of a text this long is a name.
const MOST_BYTES: usize = 2000;

/// The phrase in `text`. Codes: `phrase_empty`, `phrase_long`, `phrase_refusal`, `phrase_reserved`, `phrase_sentence`,
/// `phrase_spatial`.
///
/// ```
/// use spatialmill_chat::noun_phrase;
/// assert_eq!(noun_phrase("This is a picture of a red office chair.\n")?, "red office chair");
/// assert_eq!(noun_phrase("The cat is sitting on the mat.")?, "cat");
/// assert_eq!(noun_phrase("the chair on the left").unwrap_err().code, "phrase_spatial");
/// assert_eq!(noun_phrase("I'm sorry, I can't tell.").unwrap_err().code, "phrase_refusal");
/// # Ok::<(), spatialmill_chat::AnswerError>(())
/// ```
pub fn noun_phrase(text: &str) -> Result<String, AnswerError> {
    let refused = |code, why: &str| {
        let shown: String = text.chars().filter(|c| !c.is_control()).take(120).collect();
        Err(AnswerError::new(code, format!("{why}: `{shown}`")))
    };
    if text.len() > MOST_BYTES {
        return refused("phrase_long", "no phrase");
    }
    let clean = clean(text);
    if clean.contains(['<', '>', '|', '‹', '›', '＜', '＞']) {
        return refused("phrase_reserved", "a control word of a model");
    }
    if says_one_of(&clean, REFUSALS) {
        return refused("phrase_refusal", "the model names nothing");
    }
    let mut phrase = clean;
    loop {
        // Each rule may uncover work for another; each makes the phrase shorter or smaller, so that this ends.
        let next = small(before_verb(without_lead_in(first_sentence(trimmed(&phrase)))));
        if next == phrase {
            break;
        }
        phrase = next;
    }
    let first = phrase.split(' ').next().unwrap_or_default();
    let is_listed = |list: &[&str]| list.iter().any(|word| phrase.eq_ignore_ascii_case(word));
    if !phrase.chars().any(char::is_alphabetic) || is_listed(NO_NAMES) {
        refused("phrase_empty", "no name")
    } else if is_listed(&["none", "unknown", "n/a", "null", "undefined"]) || says_one_of(&phrase, REFUSALS) {
        refused("phrase_refusal", "the model names nothing")
    } else if phrase.contains(['{', '}', '[', ']', '`', '\\']) || phrase.split(' ').any(is_role) {
        refused("phrase_reserved", "a control word of a model")
    } else if VERBS.iter().any(|verb| first.eq_ignore_ascii_case(verb)) {
        refused("phrase_sentence", "no noun before the verb")
    } else if says_one_of(&phrase, SPATIAL) {
        refused("phrase_spatial", "it says where the thing is, or how it compares")
    } else if phrase.split(' ').count() > MOST_WORDS || phrase.chars().count() > MOST_CHARS {
        refused("phrase_long", &format!("more than {MOST_WORDS} words or {MOST_CHARS} characters"))
    } else {
        Ok(phrase)
    }
}

/// One line, without quotes and characters that are not seen.
fn clean(text: &str) -> String {
    let seen: String = text
        .chars()
        .filter(|c| !is_unseen(*c) && !matches!(c, '"' | '“' | '”' | '„' | '«' | '»' | '「' | '」' | '『' | '』'))
        .map(|c| match c {
            '’' | '‘' => '\'',
            c if c.is_control() => ' ',
            c => c,
        })
        .collect();
    seen.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Zero-width characters, marks of writing direction, tags, variation selectors and private use.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{10ffff}')
}

fn trimmed(text: &str) -> &str {
    text.trim_matches([
        ' ', '.', ',', ';', ':', '!', '?', '-', '–', '—', '\'', '`', '*', '_', '#', '~', '。', '、', '，', '！', '？',
        '；', '：',
    ])
}

/// Up to a stop that ends a sentence, which one after "St" does not.
fn first_sentence(text: &str) -> &str {
    let end = text.char_indices().find(|(at, c)| match c {
        '。' | '！' | '？' | '；' => true,
        '!' | '?' | ';' => text[at + 1..].starts_with(' '),
        '.' => {
            let before = text[..*at].rsplit(' ').next().unwrap_or_default();
            text[at + 1..].starts_with(' ') && !ABBREVIATIONS.iter().any(|short| before.eq_ignore_ascii_case(short))
        }
        _ => false,
    });
    end.map_or(text, |(at, _)| &text[..at])
}

/// Without "this is", "a picture of", "caption:", "the" at its beginning.
fn without_lead_in(text: &str) -> &str {
    let after = |lead: &&str| {
        let head = text.get(..lead.len()).filter(|head| head.eq_ignore_ascii_case(lead))?;
        let rest = &text[head.len()..];
        (rest.starts_with(' ') || lead.ends_with(':')).then(|| rest.trim_start())
    };
    LEAD_INS.iter().find_map(after).unwrap_or(text)
}

/// "cat" of "cat that is sitting on the mat"; all of it where nothing stands before the verb.
fn before_verb(text: &str) -> &str {
    let mut at = 0;
    for word in text.split(' ') {
        if at > 0 && VERBS.iter().any(|verb| word.eq_ignore_ascii_case(verb)) {
            let noun = text[..at].trim_end();
            let (before, last) = noun.rsplit_once(' ').unwrap_or(("", noun));
            let is_relative = ["that", "which", "who"].iter().any(|relative| last.eq_ignore_ascii_case(relative));
            return if is_relative { before } else { noun };
        }
        at += word.len() + 1;
    }
    text
}

/// Without the capital that only opens a sentence, or those of a title.
fn small(text: &str) -> String {
    let is_title = text.split(' ').all(|word| is_title_case(word) || !word.chars().any(char::is_alphabetic));
    let word = |(index, word): (usize, &str)| {
        let is_name = NAMES.contains(&word.trim_end_matches("'s"));
        if is_title_case(word) && !is_name && (is_title || index == 0) { word.to_lowercase() } else { word.to_owned() }
    };
    text.split(' ').enumerate().map(word).collect::<Vec<_>>().join(" ")
}

/// A capital, and small letters after it.
fn is_title_case(word: &str) -> bool {
    let mut letters = word.chars().filter(|c| c.is_alphabetic());
    let opens = letters.next().is_some_and(char::is_uppercase);
    opens && letters.clone().next().is_some() && !letters.any(char::is_uppercase)
}

/// True when one of a list's phrases is in the text, word for word.
fn says_one_of(text: &str, phrases: &[&str]) -> bool {
    let low = text.to_lowercase();
    let words: Vec<&str> = low.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let line = format!(" {} ", words.join(" "));
    phrases.iter().any(|phrase| line.contains(&format!(" {phrase} ")))
}

/// "USER:" would be a speaker of the conversation that the phrase ends up in.
fn is_role(word: &str) -> bool {
    word.strip_suffix(':').is_some_and(|role| ROLES.iter().any(|known| role.eq_ignore_ascii_case(known)))
}

#[cfg(test)]
mod tests;
