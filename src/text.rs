//! Text files as people's programs write them: what they are encoded in is told by their first bytes.
//!
//! UTF-8 is what all of them should be. Windows' editors put a byte order mark before it, which is no content, and its shell writes
//! UTF-16 with one, which is read as what it says. Every small text file comes through here: of projects, and of datasets.

use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

use crate::error::{Context, Error, Result};

/// What people write has kilobytes; a list of all images of the largest benchmark has some megabytes.
pub const MAX_BYTES: u64 = 256 << 20;

/// Before UTF-8.
pub const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// The text of a file's bytes without its byte order mark, or what is wrong with them.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, String> {
    match bytes {
        // UTF-32's mark begins as UTF-16's does.
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Err("the text is UTF-32; save it as UTF-8".to_owned()),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes).map(Cow::Owned),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes).map(Cow::Owned),
        _ => {
            let bytes = bytes.strip_prefix(UTF8_MARK).unwrap_or(bytes);
            if is_utf16(bytes) {
                return Err("the text looks like UTF-16 without a byte order mark; save it as UTF-8".to_owned());
            }
            let text = std::str::from_utf8(bytes);
            text.map(Cow::Borrowed).map_err(|e| format!("not UTF-8 text from byte {} on", e.valid_up_to()))
        }
    }
}

/// Text as most systems write it, each letter with its accents as one character where there is one (Unicode's NFC). macOS takes names of
/// files apart, so that what is one name to people is two to programs.
pub fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { ComposingNormalizerBorrowed::new_nfc().normalize(text) }
}

/// True for a text that Unicode has several forms of.
pub fn has_forms(text: &str) -> bool {
    let is_only = |text| {
        ComposingNormalizerBorrowed::new_nfc().is_normalized(text)
            && DecomposingNormalizerBorrowed::new_nfd().is_normalized(text)
    };
    !text.is_ascii() && !is_only(text)
}

/// The text of a file on this machine. A pipe would be waited for, and a device may have no end: neither is a file.
pub fn read(path: &Path) -> Result<String> {
    let failed = || format!("cannot read `{}`", path.display());
    let meta = std::fs::metadata(path).or_input(failed)?;
    if !meta.is_file() {
        return Err(Error::input("it is no file, but a folder, a pipe or a device").with("file", path.display()));
    }
    read_to_end(path)
}

/// The text of a file on this machine, or of a pipe, until its end.
pub fn read_to_end(path: &Path) -> Result<String> {
    let failed = || format!("cannot read `{}`", path.display());
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).or_input(failed)?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).or_input(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        let message = format!("it is longer than the {} MiB that a text may have", MAX_BYTES >> 20);
        return Err(Error::input(message).with("file", path.display()));
    }
    of_file(&bytes, path)
}

/// The text of a file on this machine whose bytes are these.
pub fn of_file(bytes: &[u8], path: &Path) -> Result<String> {
    decode(bytes).map(Cow::into_owned).map_err(|why| {
        Error::input("the file is no text").with("file", path.display()).because(why).hint("save it as UTF-8")
    })
}

/// True where what should be text is UTF-16: its first two characters, which are ASCII in every format that we read, have a zero
/// byte each.
pub fn is_utf16(bytes: &[u8]) -> bool {
    match *bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [a, b, c, d, ..] => {
            matches!([a, b, c, d].map(|byte| byte == 0), [false, true, false, true] | [true, false, true, false])
        }
        _ => false,
    }
}

fn utf16(bytes: &[u8], number: fn([u8; 2]) -> u16) -> Result<String, String> {
    let (pairs, odd) = bytes.as_chunks();
    let text = char::decode_utf16(pairs.iter().map(|pair| number(*pair))).collect::<Result<String, _>>();
    text.ok()
        .filter(|_| odd.is_empty())
        .ok_or_else(|| "the text is marked as UTF-16 and is none; save it as UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_no_content() {
        let little: Vec<u8> = "\u{feff}a é\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "\u{feff}a é\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in ["a é\n".as_bytes(), "\u{feff}a é\n".as_bytes(), &little, &big] {
            assert_eq!(decode(bytes).unwrap(), "a é\n");
        }
        assert_eq!(decode(b"").unwrap(), "");
        assert_eq!(decode(UTF8_MARK).unwrap(), "");
    }

    #[test]
    fn one_name_is_one_text() {
        for apart in ["Ku\u{308}che/\u{1112}\u{1161}\u{11ab}.jpg", "K\u{fc}che/\u{d55c}.jpg"] {
            assert_eq!(composed(apart), "Küche/한.jpg");
            assert!(has_forms(apart));
        }
        assert!(!has_forms("kitchen.jpg") && !has_forms("客厅.jpg"));
        // Another letter stays another letter.
        assert_ne!(composed("\u{fb01}n"), "fin");
    }

    #[test]
    fn what_is_no_text_says_what_it_is() {
        let unmarked: Vec<u8> = "{\"a\"".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (bytes, word) in [
            (&b"a\xe9b"[..], "from byte 1"),
            (&unmarked, "UTF-16"),
            (b"\xff\xfe\0\0a\0\0\0", "UTF-32"),
            (b"\xff\xfea", "UTF-16"),
            (b"\xff\xfe\0\xd8", "UTF-16"),
        ] {
            assert!(decode(bytes).unwrap_err().contains(word), "{bytes:?}");
        }
    }
}
