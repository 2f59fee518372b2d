//! The outermost layer of a file: GLB's two chunks, or JSON alone.

use super::{GltfError, limit};

/// The JSON, and the bytes that come with it.
pub fn split(bytes: &[u8]) -> Result<(&[u8], Option<&[u8]>), GltfError> {
    if !bytes.starts_with(b"glTF") {
        let begins = bytes.trim_ascii_start().first();
        return if begins == Some(&b'{') { Ok((bytes, None)) } else { Err(GltfError::Format) };
    }
    let (version, rest) = number(&bytes[4..])?;
    let (length, _) = number(rest)?;
    if version != 2 {
        return Err(GltfError::Version(version.to_string()));
    }
    // What follows the length is not the file's.
    let rest = bytes.get(12..length as usize).ok_or(GltfError::CutOff("end"))?;
    let (json, rest) = chunk(rest, b"JSON")?.ok_or(GltfError::CutOff("JSON"))?;
    let binary = if rest.is_empty() { None } else { chunk(rest, b"BIN\0")? };
    Ok((json, binary.map(|(binary, _)| binary)))
}

/// Refuses JSON that takes a multiple of its size to hold: each opening bracket becomes a struct and each comma one more number.
pub fn check_size(json: &[u8]) -> Result<(), GltfError> {
    let count = |byte: u8| json.iter().filter(|own| **own == byte).count() as u64;
    limit("objects in its JSON", count(b'{'), 1 << 20)?;
    limit("values in its JSON", count(b','), 1 << 23)
}

/// What a chunk holds if it is of that kind, and what follows it.
fn chunk<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Result<Option<(&'a [u8], &'a [u8])>, GltfError> {
    let (length, rest) = number(bytes)?;
    let (own, rest) = rest.split_at_checked(4).ok_or(GltfError::CutOff("chunk"))?;
    let parts = rest.split_at_checked(length as usize).ok_or(GltfError::CutOff("chunk"))?;
    Ok((own == kind).then_some(parts))
}

fn number(bytes: &[u8]) -> Result<(u32, &[u8]), GltfError> {
    let (number, rest) = bytes.split_first_chunk().ok_or(GltfError::CutOff("header"))?;
    Ok((u32::from_le_bytes(*number), rest))
}
