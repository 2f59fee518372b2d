//! Shards of JSON lines.

use std::collections::BTreeMap;
use std::io::Write;

use super::{ExportKind, ExportShard, LoadedRecord};
use crate::error::{Context, Error, Result};

/// What kinds of JSON lines have in common; each says its own name, documents, record and rule of reading.
pub const JSON_LINES: ExportKind = ExportKind {
    name: "",
    doc: "",
    long_doc: "",
    dialect: "internvl",
    path: |at, of| super::numbered(at, of, "jsonl"),
    shard_rows: 500_000,
    embeds: false,
    most_images: None,
    takes_turns: true,
    record: |_, _| Ok(String::new()),
    write: lines,
    index: None,
    asked: |sample| sample.question.clone(),
    read: |_| Ok(Vec::new()),
    finish: |_| Ok(BTreeMap::new()),
    start: |_| String::new(),
    rooted: false,
};

/// A record a line.
pub fn lines(shard: &ExportShard<'_>, out: &mut (dyn Write + Send)) -> Result<()> {
    lines_after(shard, out, |_| false)
}

/// A record a line, the first one that `is_full` before all others: some loaders take the types of columns from the first lines.
pub fn lines_after(
    shard: &ExportShard<'_>,
    out: &mut (dyn Write + Send),
    is_full: impl Fn(&str) -> bool,
) -> Result<()> {
    let mut first = None;
    for (at, record) in shard.records().enumerate() {
        if is_full(&record?) {
            first = Some(at);
            break;
        }
    }
    let mut line = |record: String| writeln!(out, "{record}").or_input(cannot_write);
    for record in first.iter().flat_map(|first| shard.records().nth(*first)) {
        line(record?)?;
    }
    for (at, record) in shard.records().enumerate() {
        if Some(at) != first {
            line(record?)?;
        }
    }
    Ok(())
}

/// What a shard's writer says of what it writes to.
pub fn cannot_write() -> String {
    "cannot write a shard".to_owned()
}

/// The records of JSON lines.
pub fn parsed(bytes: &[u8], read: fn(&str) -> Result<LoadedRecord>) -> Result<Vec<LoadedRecord>> {
    let text = std::str::from_utf8(bytes).or_input(|| "a shard is no text".into())?;
    let one = |(at, line): (usize, &str)| read(line).map_err(|e: Error| e.with("line", at + 1));
    text.lines().enumerate().map(one).collect()
}
