//! Text on its way to a terminal: what a person is shown of names, captions and messages that anybody may have written.
//!
//! A terminal obeys control characters (it clears, retitles, answers), and characters of direction show words in another order than
//! they are stored. Both are shown as what they are, `\u{1b}`; what is written for programs, CSV, JSON and Parquet, keeps them.

use std::borrow::Cow;

/// Text of several lines: line breaks and tabs stay.
pub fn text(text: &str) -> Cow<'_, str> {
    shown(text, |c| is_obeyed(c) && c != '\n' && c != '\t')
}

/// Text that is to stay on its line.
pub fn line(text: &str) -> Cow<'_, str> {
    shown(text, is_obeyed)
}

/// As much of a text as `most` characters hold; `…` stands for the rest.
pub fn cut(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some(_) => {
            let end = text.char_indices().nth(most.saturating_sub(1)).map_or(0, |(end, _)| end);
            Cow::Owned(format!("{}…", &text[..end]))
        }
    }
}

fn shown(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let escape = |c: char| -> String { if is_escaped(c) { c.escape_default().collect() } else { c.into() } };
    Cow::Owned(text.chars().map(escape).collect())
}

/// C0, DEL and C1; marks, embeddings, overrides and isolates of direction; separators that some terminals break a line at.
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_reaches_it() {
        assert_eq!(line("a \u{1b}]0;x\u{7}\u{1b}[2Jb"), "a \\u{1b}]0;x\\u{7}\\u{1b}[2Jb");
        assert_eq!(line("\u{9b}31m\u{7f}\r\n\0"), "\\u{9b}31m\\u{7f}\\r\\n\\u{0}");
        assert_eq!(line("x\u{202e}gpj.exe"), "x\\u{202e}gpj.exe");
        assert_eq!(text("a\tb\n\r\u{8}"), "a\tb\n\\r\\u{8}");
        // Any script, and what emoji are joined with, is for reading.
        for plain in ["椅子", "كرسي", "é", "👩\u{200d}🔬", "a  b"] {
            assert_eq!(line(plain), plain);
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(cut("椅子椅子", 3), "椅子…");
        assert_eq!(cut("椅子椅", 3), "椅子椅");
    }
}
