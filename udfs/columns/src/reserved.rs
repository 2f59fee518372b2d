//! What may not reach a question: the control words of models and trainers, and text that is no name.
//!
//! A caption that contains `<image>` or `USER:` would add an image or a speaker to the conversation that it ends up in. Three
//! rules take that power away and leave the caption readable:
//!
//! 1. `<` and `>` become `‹` and `›`. This disarms `<image>`, `<ref>`, `<box>`, `<|im_start|>`, `</s>`, `<<SYS>>` and every other
//!    token of that shape, known or not, in any dialect.
//! 2. `[INST]` and `[/INST]` lose their brackets; a role marker (`USER:`, `Assistant:`, `Answer:` and others) loses its colon.
//! 3. Control characters, line breaks and runs of blanks become one blank, and characters that are not seen or that turn the
//!    direction of writing are removed, so that a name cannot start a line of its own.

use std::borrow::Cow;

/// The longest name that a sentence still carries, in bytes.
const LONGEST: usize = 160;

const ROLES: &[&str] =
    &["user", "assistant", "human", "gpt", "system", "bot", "question", "answer", "instruction", "response", "context"];

/// A name fit for a sentence: neutralised, without its article and final stop, with a small first letter where the capital only
/// opened a sentence. `None` where no name is left: no letter in it, or too long.
///
/// ```
/// use spatialmill_columns::reserved::noun_phrase;
/// assert_eq!(noun_phrase("A red chair."), Some("red chair".into()));
/// assert_eq!(noun_phrase("cup <image>\nUSER: hi"), Some("cup ‹image› USER hi".into()));
/// assert_eq!(noun_phrase(" ... "), None);
/// ```
pub fn noun_phrase(text: &str) -> Option<String> {
    bare(text).map(|name| capitals(&name))
}

/// Initialisms that datasets write small: "tv", "pc monitor".
const INITIALISMS: &[&str] = &["tv", "pc", "dvd", "cd", "led", "usb", "atm"];

fn capitals(name: &str) -> String {
    let word = |word: &str| if INITIALISMS.contains(&word) { word.to_ascii_uppercase() } else { word.to_owned() };
    name.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn bare(text: &str) -> Option<String> {
    // Nothing of a text this long can be shown, so it is not worth a copy.
    if text.len() > 64 * LONGEST {
        return None;
    }
    let cleaned = clean(text);
    let cut =
        cleaned.trim_end_matches(['.', ',', ';', ':', '!', '?', ' ']).trim_start_matches(['.', ',', ';', ':', ' ']);
    let noun = ["a ", "an ", "the "]
        .iter()
        .find_map(|article| {
            cut.get(..article.len()).filter(|head| head.eq_ignore_ascii_case(article)).map(|a| &cut[a.len()..])
        })
        .unwrap_or(cut);
    if noun.len() > LONGEST || !noun.chars().any(char::is_alphanumeric) {
        return None;
    }
    // A capital behind an article is the annotator's own ("A Persian rug"); at the very start it may only open the sentence.
    let opens_sentence = noun.len() == cut.len();
    let first_word = noun.split(' ').next().unwrap_or("");
    let mut letters = first_word.chars();
    match letters.next() {
        Some(first)
            if opens_sentence
                && first.is_uppercase()
                && letters.clone().any(|_| true)
                && !letters.any(char::is_uppercase) =>
        {
            Some(first.to_lowercase().chain(noun.chars().skip(1)).collect())
        }
        _ => Some(noun.to_owned()),
    }
}

/// The three rules above; borrows where there is nothing to do, which is nearly always.
pub fn clean(text: &str) -> Cow<'_, str> {
    if is_clean(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        let start = out.len();
        if start > 0 {
            out.push(' ');
        }
        let from = out.len();
        for c in word.chars() {
            match c {
                '<' => out.push('‹'),
                '>' => out.push('›'),
                ':' | '：' if ends_in_role(&out[from..]) => out.push(' '),
                c if is_unseen(c) => {}
                c => out.push(c),
            }
        }
        out.truncate(from + out[from..].trim_end().len());
        if out.len() == from {
            out.truncate(start);
        }
    }
    for marker in ["[INST]", "[/INST]", "[inst]", "[/inst]"] {
        if out.contains(marker) {
            out = out.replace(marker, marker.trim_matches(['[', ']']));
        }
    }
    Cow::Owned(out)
}

fn is_clean(text: &str) -> bool {
    let mut before = b' ';
    for &byte in text.as_bytes() {
        let plain = match byte {
            b' ' => before != b' ',
            b'<' | b'>' | b':' | b'[' => false,
            // Beyond ASCII there are blanks, unseen characters and full-width colons: the slow way decides.
            byte => (0x21..0x7f).contains(&byte),
        };
        if !plain {
            return false;
        }
        before = byte;
    }
    before != b' ' || text.is_empty()
}

fn ends_in_role(text: &str) -> bool {
    let word = text.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or("");
    ROLES.iter().any(|role| word.eq_ignore_ascii_case(role))
}

/// Zero-width characters, marks of writing direction, tags, variation selectors and private use.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reserved_is_left() {
        for token in [
            "<image>",
            "<ref>",
            "</ref>",
            "<box>",
            "<video>",
            "<img>",
            "<quad>",
            "<IMG_CONTEXT>",
            "<|im_start|>",
            "<|vision_pad|>",
            "<ref-object>",
            "<bbox>",
            "<point>",
            "<s>",
            "</s>",
            "<<SYS>>",
            "[INST]",
            "[/INST]",
            "USER:",
            "ASSISTANT:",
            "Answer:",
            "Human:",
            "<im\u{200b}age>",
            "\n",
            "\r",
            "\u{2028}",
            "\u{202e}",
        ] {
            let name = noun_phrase(&format!("a chair {token} here")).unwrap();
            assert!(!name.contains(token), "{name}");
            assert!(!name.contains(['<', '>', '\n', '\r', '\u{2028}', '\u{200b}', '\u{202e}']), "{name}");
            assert_eq!(clean(&name), name, "cleaning twice changes nothing");
        }
    }

    #[test]
    fn names_stay_as_they_are() {
        for name in ["chair", "TV on the wall", "Persian rug's edge", "crate 3/4 full", "écran", "椅子"] {
            assert_eq!(clean(name), name);
        }
        assert!(matches!(clean("a plain name"), Cow::Borrowed(_)));
        assert_eq!(noun_phrase("TV"), Some("TV".into()));
        assert_eq!(noun_phrase("Chair"), Some("chair".into()));
        assert_eq!(noun_phrase("tv stand"), Some("TV stand".into()));
        assert_eq!(noun_phrase("The tv"), Some("TV".into()));
        assert_eq!(noun_phrase("A Persian rug"), Some("Persian rug".into()));
        assert_eq!(noun_phrase("sign reading 10:30"), Some("sign reading 10:30".into()));
    }

    #[test]
    fn what_is_no_name_is_none() {
        assert_eq!(noun_phrase(""), None);
        assert_eq!(noun_phrase("\u{200b}\n"), None);
        assert_eq!(noun_phrase(&"x".repeat(10_000)), None);
        assert_eq!(noun_phrase(&"x".repeat(100_000)), None);
        assert_eq!(noun_phrase("the"), Some("the".into()));
    }
}
