//! A question to a model, with its images and the JSON schema of its answer; and the answer as text.

use bytes::Bytes;
use serde_json::Value;

/// One turn of a conversation: words, pictures, and the form that the answer must have.
#[derive(Debug, Clone, Default)]
pub struct Question {
    pub system: Option<String>,
    pub prompt: String,
    /// They come before the prompt.
    pub images: Vec<Image>,
    pub schema: Option<Schema>,
}

/// The bytes of an image file.
#[derive(Clone)]
pub struct Image {
    pub bytes: Bytes,
    /// `image/jpeg`, `image/png`, `image/webp`.
    pub mime: &'static str,
}

impl Image {
    pub fn jpeg(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), mime: "image/jpeg" }
    }

    pub fn png(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), mime: "image/png" }
    }
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Image({}, {} bytes)", self.mime, self.bytes.len())
    }
}

/// A JSON schema by its name, of the part that all servers know: objects whose fields are all required and no others
/// allowed, lists, strings, numbers, enumerations.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    pub name: &'static str,
    pub schema: Value,
}

/// What a model said, unread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub text: String,
    /// As the server counts them; 0 where it does not.
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    /// Why the model stopped: `stop`, usually.
    pub finish_reason: String,
}
