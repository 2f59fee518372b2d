//! `id_hash(part, ...)`: the id of what its parts make up.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::buffer::{Buffer, OffsetBuffer};
use arrow::datatypes::DataType;
use datafusion::common::Result;

use crate::key::{check_types, hash_rows};
use crate::{Arguments, Call, Cost, Example, Function, FunctionDoc};

pub const ID_HASH: Function = Function {
    doc: FunctionDoc {
        name: "id_hash",
        signature: "id_hash(part, ...)",
        summary: "32 hexadecimal characters that stand for all of its arguments, in their order",
        details: "\
128 bits of XXH3 over the values and types of the arguments: ('ab', 'c') and ('a', 'bc') differ, and so do 1, '1', true and \
null. Among a hundred billion ids the chance that any two are equal is below 2e-17.",
        example: Example {
            sql: "SELECT length(id_hash('position_comparison', ['office/7'], 'chair 1'))",
            result: "32",
        },
        cost: Cost::Cheap,
    },
    return_type: |types| check_types("id_hash", types).map(|()| DataType::Utf8),
    call: Call::Values(call),
};

const CHARACTERS: usize = 32;

/// The two digits of each byte.
const HEXADECIMAL: [[u8; 2]; 256] = {
    let (digits, mut pairs, mut byte) = (b"0123456789abcdef", [[0; 2]; 256], 0);
    while byte < pairs.len() {
        pairs[byte] = [digits[byte >> 4], digits[byte & 15]];
        byte += 1;
    }
    pairs
};

fn call(arguments: &Arguments) -> Result<ArrayRef> {
    // Two hashes of 64 bits, from the first of which nothing follows for the second.
    let hashes = hash_rows(arguments, [0, u64::MAX])?;
    let mut characters = Vec::with_capacity(CHARACTERS * hashes.len());
    for byte in hashes.iter().flatten().flat_map(|hash| hash.to_be_bytes()) {
        characters.extend(HEXADECIMAL[usize::from(byte)]);
    }
    let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(CHARACTERS, hashes.len()));
    Ok(Arc::new(StringArray::try_new(offsets, Buffer::from_vec(characters), None)?))
}
