//! Cuts a JSON document of any size into the records of its top-level arrays, holding one record at a time; or one that is an
//! array.
//!
//! ```text
//! {"info": {..}, "images": [{..}, {..}], "annotations": [{..}], ..}
//!                           ^^^^  ^^^^                   ^^^^         one event each, with its byte offset
//! ```
//!
//! Only brackets and quotes are followed here; whether a record is good JSON is left to whoever parses it. That is why one
//! bad record costs only itself, why nesting needs no stack, and why this is not serde_json's own stream, which cannot go on
//! after a bad value. What cannot be followed any more (the file ends early, a comma is missing) is one event too.

use std::io::Read;

use crate::error::{Context, Result};
use crate::text;

/// A record larger than this is skipped, not held. COCO's largest crowd masks have some 100 kB.
pub const MAX_RECORD: usize = 16 << 20;

/// What is met while a document is read from its start to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// One element of a section.
    Record { section: &'static str, offset: u64, json: &'a [u8] },
    /// An element of a section that is larger than [`MAX_RECORD`]; it was skipped.
    Oversized { section: &'static str, offset: u64, bytes: u64 },
    /// A top-level value that is no such array: another name, or one of `sections` that is none. Its first [`MAX_RECORD`] bytes.
    Skipped { name: &'a str, offset: u64, json: &'a [u8] },
    /// The document ends, or stops being JSON, here; what follows is lost.
    Broken { offset: u64, message: String },
}

/// Reads `input` and hands every element of the top-level arrays named in `sections` to `on`, in the file's order. Fails only
/// where reading fails or `on` does.
pub fn cut(input: impl Read, sections: &[&'static str], mut on: impl FnMut(Event) -> Result<()>) -> Result<()> {
    let mut cutter = Cutter { input, buffer: vec![0; 256 << 10], at: 0, filled: 0, consumed: 0 };
    match cutter.document(sections, &mut on)? {
        Ok(()) => Ok(()),
        Err(Broken { offset, message }) => on(Event::Broken { offset, message }),
    }
}

/// The same of a document that is one array, whose elements are said to be of `section`.
pub fn cut_list(input: impl Read, section: &'static str, mut on: impl FnMut(Event) -> Result<()>) -> Result<()> {
    let mut cutter = Cutter { input, buffer: vec![0; 256 << 10], at: 0, filled: 0, consumed: 0 };
    match cutter.list(section, &mut on)? {
        Ok(()) => Ok(()),
        Err(Broken { offset, message }) => on(Event::Broken { offset, message }),
    }
}

struct Broken {
    offset: u64,
    message: String,
}

/// Unwraps what was followed so far, or leaves the function with where the document broke.
macro_rules! follow {
    ($step:expr) => {
        match $step? {
            Ok(value) => value,
            Err(broken) => return Ok(Err(broken)),
        }
    };
}

struct Cutter<R> {
    input: R,
    buffer: Vec<u8>,
    at: usize,
    filled: usize,
    /// Bytes of the document before `buffer[0]`.
    consumed: u64,
}

/// A value that was passed over: where it began, its length, and its bytes unless it was too long to hold.
struct Value {
    offset: u64,
    bytes: u64,
}

impl<R: Read> Cutter<R> {
    fn document(
        &mut self,
        sections: &[&'static str],
        on: &mut dyn FnMut(Event) -> Result<()>,
    ) -> Result<Result<(), Broken>> {
        let mut held = Vec::new();
        follow!(self.encoding());
        follow!(self.expect(b"{", "a document starts with `{`"));
        if self.next()? == Some(b'}') {
            self.at += 1;
            return self.end();
        }
        loop {
            self.next()?;
            follow!(self.value(&mut held));
            let name = serde_json::from_slice::<String>(&held).unwrap_or_default();
            let section = sections.iter().find(|section| **section == name);
            follow!(self.expect(b":", "a name is followed by `:`"));
            let opening = self.next()?;
            match section {
                Some(section) if opening == Some(b'[') => follow!(self.elements(section, &mut held, on)),
                _ => {
                    let Value { offset, .. } = follow!(self.value(&mut held));
                    on(Event::Skipped { name: &name, offset, json: &held })?;
                }
            }
            if follow!(self.expect(b",}", "a value is followed by `,` or `}`")) == b'}' {
                return self.end();
            }
        }
    }

    fn list(&mut self, section: &'static str, on: &mut dyn FnMut(Event) -> Result<()>) -> Result<Result<(), Broken>> {
        follow!(self.encoding());
        if self.next()? != Some(b'[') {
            return Ok(Err(self.broken("a list starts with `[`")));
        }
        follow!(self.elements(section, &mut Vec::new(), on));
        self.end()
    }

    /// Passes UTF-8's byte order mark.
    fn encoding(&mut self) -> Result<Result<(), Broken>> {
        // Byte by byte: a reader may give as few at a time.
        for mark in text::UTF8_MARK {
            self.at += usize::from(self.rest()?.first() == Some(mark));
        }
        let start = self.rest()?;
        let packed = match start {
            [0x1f, 0x8b, ..] => Some("gzip"),
            [b'P', b'K', 3 | 5, ..] => Some("a ZIP archive"),
            [b'B', b'Z', b'h', ..] => Some("bzip2"),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("Zstandard"),
            [0xfd, b'7', b'z', ..] => Some("xz"),
            _ => None,
        };
        if let Some(packed) = packed {
            return Ok(Err(self.broken(&format!("the document is packed ({packed}); unpack it"))));
        }
        let start = self.rest()?;
        if matches!(start, [0xfe | 0xff | 0, ..]) || text::is_utf16(start) {
            return Ok(Err(self.broken("the document is UTF-16; save it as UTF-8")));
        }
        Ok(Ok(()))
    }

    fn elements(
        &mut self,
        section: &'static str,
        held: &mut Vec<u8>,
        on: &mut dyn FnMut(Event) -> Result<()>,
    ) -> Result<Result<(), Broken>> {
        self.at += 1;
        if self.next()? == Some(b']') {
            self.at += 1;
            return Ok(Ok(()));
        }
        loop {
            self.next()?;
            let Value { offset, bytes } = follow!(self.value(held));
            if bytes as usize == held.len() {
                on(Event::Record { section, offset, json: held })?;
            } else {
                on(Event::Oversized { section, offset, bytes })?;
            }
            if follow!(self.expect(b",]", "an element is followed by `,` or `]`")) == b']' {
                return Ok(Ok(()));
            }
        }
    }

    /// Passes one value, which starts at the cursor, and puts its bytes into `held`, [`MAX_RECORD`] of them at most.
    fn value(&mut self, held: &mut Vec<u8>) -> Result<Result<Value, Broken>> {
        held.clear();
        let offset = self.offset();
        let mut scan = Scan::default();
        loop {
            let rest = self.rest()?;
            if rest.is_empty() {
                // A number or word may end with the document; it is what follows that is missing then.
                return Ok(Err(self.broken("the document ends in the middle of a value")));
            }
            let (used, done) = scan.run(rest);
            let room = MAX_RECORD - held.len();
            held.extend_from_slice(&rest[..used.min(room)]);
            self.at += used;
            let bytes = self.offset() - offset;
            if done && bytes == 0 {
                return Ok(Err(self.broken("a value is missing")));
            } else if done {
                return Ok(Ok(Value { offset, bytes }));
            }
        }
    }

    /// Passes white space and one of `allowed`.
    fn expect(&mut self, allowed: &[u8], rule: &str) -> Result<Result<u8, Broken>> {
        match self.next()? {
            Some(byte) if allowed.contains(&byte) => {
                self.at += 1;
                Ok(Ok(byte))
            }
            Some(byte) => Ok(Err(self.broken(&format!("{rule}, but here is `{}`", byte.escape_ascii())))),
            None => Ok(Err(self.broken(&format!("{rule}, but it ends")))),
        }
    }

    /// Nothing but white space may follow.
    fn end(&mut self) -> Result<Result<(), Broken>> {
        match self.next()? {
            None => Ok(Ok(())),
            Some(_) => Ok(Err(self.broken("something follows the end of the document"))),
        }
    }

    /// The next byte that is not white space, where the cursor then stands.
    fn next(&mut self) -> Result<Option<u8>> {
        loop {
            let rest = self.rest()?;
            if rest.is_empty() {
                return Ok(None);
            }
            match rest.iter().position(|byte| !byte.is_ascii_whitespace()) {
                Some(spaces) => {
                    let byte = rest[spaces];
                    self.at += spaces;
                    return Ok(Some(byte));
                }
                None => self.at = self.filled,
            }
        }
    }

    /// What is in the buffer from the cursor on; empty only at the end of the document.
    fn rest(&mut self) -> Result<&[u8]> {
        if self.at == self.filled {
            self.consumed += self.filled as u64;
            self.at = 0;
            self.filled = 0;
            loop {
                match self.input.read(&mut self.buffer) {
                    Ok(read) => break self.filled = read,
                    Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(e) => return Err(e).or_input(|| format!("reading stopped at byte {}", self.consumed)),
                }
            }
        }
        Ok(&self.buffer[self.at..self.filled])
    }

    fn offset(&self) -> u64 {
        self.consumed + self.at as u64
    }

    fn broken(&self, message: &str) -> Broken {
        Broken { offset: self.offset(), message: message.to_owned() }
    }
}

/// Where in a value we are. Both kinds of brackets count alike: a wrong pair is the parser's to refuse.
#[derive(Default)]
struct Scan {
    depth: u64,
    text: bool,
    escaped: bool,
}

impl Scan {
    /// How many bytes of `rest` belong to the value, and whether it ends there.
    fn run(&mut self, rest: &[u8]) -> (usize, bool) {
        let mut at = 0;
        while at < rest.len() {
            let byte = rest[at];
            if self.text {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => {
                        self.text = false;
                        if self.depth == 0 {
                            return (at + 1, true);
                        }
                    }
                    _ => {}
                }
            } else {
                match byte {
                    b'"' => self.text = true,
                    b'{' | b'[' => self.depth += 1,
                    // A scalar ends before what follows it.
                    b',' | b':' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n' if self.depth == 0 => return (at, true),
                    b'}' | b']' => {
                        self.depth -= 1;
                        if self.depth == 0 {
                            return (at + 1, true);
                        }
                    }
                    _ => {}
                }
            }
            at += 1;
        }
        (at, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The events of a document as one line each, read through a reader that yields `step` bytes at a time.
    fn check(document: &str, step: usize, expected: &[&str]) {
        struct Trickle<'a>(&'a [u8], usize);
        impl Read for Trickle<'_> {
            fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
                let n = self.1.min(self.0.len()).min(into.len());
                into[..n].copy_from_slice(&self.0[..n]);
                self.0 = &self.0[n..];
                Ok(n)
            }
        }
        let mut events = Vec::new();
        cut(Trickle(document.as_bytes(), step), &["images", "annotations"], |event| {
            events.push(match event {
                Event::Record { section, offset, json } => {
                    format!("{section}@{offset} {}", String::from_utf8_lossy(json))
                }
                Event::Oversized { section, offset, bytes } => format!("{section}@{offset} oversized {bytes}"),
                Event::Skipped { name, offset, json } => {
                    format!("skipped {name}@{offset} {}", String::from_utf8_lossy(json))
                }
                Event::Broken { offset, message } => format!("broken@{offset} {message}"),
            });
            Ok(())
        })
        .unwrap();
        assert_eq!(events, expected, "step {step}: {document}");
    }

    #[test]
    fn records_come_with_their_section_and_offset() {
        for step in [1, 2, 3, 1000] {
            check(
                r#" {"info": {"images": [1]}, "images": [{"a": "]}"}, 7 , "x\"y"], "n": 1, "annotations": [ ] } "#,
                step,
                &[
                    r#"skipped info@10 {"images": [1]}"#,
                    r#"images@38 {"a": "]}"}"#,
                    "images@51 7",
                    r#"images@55 "x\"y""#,
                    "skipped n@69 1",
                ],
            );
            check("{}", step, &[]);
            check("\u{feff}{\"images\":[{}]}", step, &["images@14 {}"]);
            check("PK\u{3}\u{4}..", 4, &["broken@0 the document is packed (a ZIP archive); unpack it"]);
            check("\0{\0\"\0", step, &["broken@0 the document is UTF-16; save it as UTF-8"]);
        }
    }

    #[test]
    fn a_document_that_breaks_says_where() {
        for step in [1, 1000] {
            check("", step, &["broken@0 a document starts with `{`, but it ends"]);
            check("[]", step, &["broken@0 a document starts with `{`, but here is `[`"]);
            check(
                r#"{"images": [{"id": 1}, {"id": "#,
                step,
                &[r#"images@12 {"id": 1}"#, "broken@30 the document ends in the middle of a value"],
            );
            check(r#"{"images": [,]}"#, step, &["broken@12 a value is missing"]);
            check(
                r#"{"images": [{} {}]}"#,
                step,
                &["images@12 {}", "broken@15 an element is followed by `,` or `]`, but here is `{`"],
            );
            check("{} x", step, &["broken@3 something follows the end of the document"]);
        }
    }

    #[test]
    fn a_bad_record_costs_only_itself() {
        check(
            r#"{"images": [{"id": 1], nul, {"id": 2}]}"#,
            5,
            &[r#"images@12 {"id": 1]"#, "images@23 nul", r#"images@28 {"id": 2}"#],
        );
    }

    #[test]
    fn nesting_needs_no_stack_and_size_is_bounded() {
        let deep = format!("{{\"images\": [{}{}]}}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        let big = format!("{{\"images\": [\"{}\", 1]}}", "x".repeat(MAX_RECORD));
        let mut lengths = Vec::new();
        for document in [deep, big] {
            cut(document.as_bytes(), &["images"], |event| {
                lengths.push(match event {
                    Event::Record { json, .. } => json.len(),
                    Event::Oversized { bytes, .. } => bytes as usize,
                    Event::Skipped { .. } | Event::Broken { .. } => 0,
                });
                Ok(())
            })
            .unwrap();
        }
        assert_eq!(lengths, [2_000_000, MAX_RECORD + 2, 1]);
    }
}
