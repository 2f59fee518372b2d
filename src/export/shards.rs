//! Shards of JSON lines.

use std::collections::BTreeMap;

use super::{Kind, Read, Shard};
use crate::error::{Context, Error, Result};

/// What kinds of JSON lines have in common; each says its own name, documents, record and rule of reading.
pub const JSON_LINES: Kind = Kind {
    name: "",
    doc: "",
    long_doc: "",
    dialect: "internvl",
    path: |at, of| super::numbered(at, of, "jsonl"),
    shard_rows: 500_000,
    embeds: false,
    record: |_, _| Ok(String::new()),
    write: lines,
    index: None,
    asked: |sample| sample.question.clone(),
    read: |_| Ok(Vec::new()),
    finish: |_| Ok(BTreeMap::new()),
};

/// A record a line.
pub fn lines(shard: &Shard) -> Result<Vec<u8>> {
    lines_after(shard, |_| false)
}

/// A record a line, the first one that `is_full` before all others: some loaders take the types of columns from the first lines.
pub fn lines_after(shard: &Shard, is_full: impl Fn(&str) -> bool) -> Result<Vec<u8>> {
    let first = shard.records.iter().position(|record| is_full(record)).unwrap_or(0);
    let mut bytes = Vec::with_capacity(shard.records.iter().map(|record| record.len() + 1).sum());
    let order = std::iter::once(first).chain((0..shard.records.len()).filter(|at| *at != first));
    for record in order.filter_map(|at| shard.records.get(at)) {
        bytes.extend_from_slice(record.as_bytes());
        bytes.push(b'\n');
    }
    Ok(bytes)
}

/// The records of JSON lines.
pub fn parsed(bytes: &[u8], read: fn(&str) -> Result<Read>) -> Result<Vec<Read>> {
    let text = std::str::from_utf8(bytes).or_input(|| "a shard is no text".into())?;
    let one = |(at, line): (usize, &str)| read(line).map_err(|e: Error| e.with("line", at + 1));
    text.lines().enumerate().map(one).collect()
}
