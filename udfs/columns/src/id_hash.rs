//! `id_hash(part, ...)`: the id of what its parts make up.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::buffer::{Buffer, OffsetBuffer};
use arrow::datatypes::DataType;
use datafusion::common::Result;
use xxhash_rust::xxh3::xxh3_128;

use crate::key::{check_types, hash_rows};
use crate::{Arguments, Example, Function};

/// 128 bits: among a hundred billion ids the chance that any two are equal is below 2e-17.
pub const ID_HASH: Function = Function {
    name: "id_hash",
    usage: "id_hash(part, ...)",
    doc: "32 hexadecimal characters that stand for all of its arguments, in their order",
    example: Example { sql: "SELECT length(id_hash('position_comparison', ['office/7'], 'chair 1'))", answer: "32" },
    answer: |types| check_types("id_hash", types).map(|()| DataType::Utf8),
    call,
};

const CHARACTERS: usize = 32;

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    let hashes = hash_rows(arguments, xxh3_128)?;
    let digit = |nibble: u128| b"0123456789abcdef"[(nibble & 15) as usize];
    let mut characters = Vec::with_capacity(CHARACTERS * hashes.len());
    for hash in &hashes {
        characters.extend((0..CHARACTERS).rev().map(|i| digit(hash >> (4 * i))));
    }
    let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(CHARACTERS, hashes.len()));
    Ok(Arc::new(StringArray::try_new(offsets, Buffer::from_vec(characters), None)?))
}
