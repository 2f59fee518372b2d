//! The bytes of a file: the chunk that follows its JSON, or text in its JSON. Never anything outside.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::document::Document;
use super::{GltfError, broken, found};

pub struct Buffers<'a> {
    document: &'a Document,
    binary: Option<&'a [u8]>,
    /// Of those that are text; decoded once, when first asked for.
    decoded: Vec<std::cell::OnceCell<Vec<u8>>>,
}

/// A part of a buffer.
pub struct View<'a> {
    pub bytes: &'a [u8],
    /// From one element to the next; `None` where one follows the other.
    pub stride: Option<usize>,
}

impl<'a> Buffers<'a> {
    pub fn new(document: &'a Document, binary: Option<&'a [u8]>) -> Self {
        Self { document, binary, decoded: vec![std::cell::OnceCell::new(); document.buffers.len()] }
    }

    pub fn view(&self, index: usize) -> Result<View<'_>, GltfError> {
        let view = found("buffer view", &self.document.buffer_views, index)?;
        let buffer = self.buffer(view.buffer)?;
        let start = view.byte_offset.unwrap_or(0);
        let end = start.checked_add(view.byte_length);
        let range = end.and_then(|end| Some(usize::try_from(start).ok()?..usize::try_from(end).ok()?));
        let bytes = range.and_then(|range| buffer.get(range));
        Ok(View {
            bytes: bytes.ok_or_else(|| broken("buffer view", index, "it reaches beyond its buffer"))?,
            stride: view.byte_stride.filter(|stride| *stride > 0),
        })
    }

    fn buffer(&self, index: usize) -> Result<&[u8], GltfError> {
        let buffer = found("buffer", &self.document.buffers, index)?;
        let bytes = match &buffer.uri {
            Some(uri) => {
                let cell = &self.decoded[index];
                if cell.get().is_none() {
                    // Just seen to be empty.
                    let _ = cell.set(data(uri)?.into_owned());
                }
                cell.get().map_or(&[][..], Vec::as_slice)
            }
            None if index == 0 => self.binary.ok_or(GltfError::CutOff("binary chunk"))?,
            None => return Err(broken("buffer", index, "it says not where its bytes are")),
        };
        // The chunk has up to three bytes more, and files are about that are not so exact with others.
        let length = usize::try_from(buffer.byte_length).ok();
        length
            .and_then(|length| bytes.get(..length))
            .ok_or_else(|| broken("buffer", index, "it is shorter than it says"))
    }
}

/// The bytes in a `data:` address.
pub fn data(uri: &str) -> Result<Cow<'_, [u8]>, GltfError> {
    let Some(rest) = uri.strip_prefix("data:") else {
        // A name, not a novel.
        return Err(GltfError::Elsewhere(uri.chars().take(80).collect()));
    };
    let (kind, text) = rest.split_once(',').ok_or(GltfError::DataUri("it has no comma"))?;
    if !kind.ends_with(";base64") {
        return Err(GltfError::DataUri("it is not in base64"));
    }
    Ok(STANDARD.decode(text).map_err(|_| GltfError::DataUri("it is no base64"))?.into())
}
