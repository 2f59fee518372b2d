//! Unusable records: why a record cannot be used, and the row of `quarantine` that says so.
//!
//! ```text
//! reader, function, stage ─► Unusable { code, message } ─► Quarantined { key, uri, why, loss } ─► table `quarantine`
//! ```

use std::borrow::Cow;

use serde::{Deserialize, Serialize, Serializer};

use super::quarantine_codes::quarantine_code;

/// Why a record cannot be used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unusable {
    /// Short and countable, of [`QUARANTINE_CODES`](super::quarantine_codes) or a stage's own.
    pub code: Cow<'static, str>,
    /// For a person, with the values.
    pub message: String,
}

impl Unusable {
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        let code = code.into();
        let is_listed = |code: &str| quarantine_code(code).is_some();
        debug_assert!(matches!(&code, Cow::Owned(_)) || is_listed(&code), "`{code}` is not in QUARANTINE_CODES");
        Self { code, message: message.into() }
    }
}

/// A record that could not be used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quarantined {
    /// The record's own key: image id, annotation id, scene, line; or its row's keys, joined by `/`.
    pub key: String,
    /// The file, relative to the source's root, where one is known.
    pub uri: Option<String>,
    pub why: Unusable,
    /// What is lost with it.
    pub loss: Loss,
}

impl Quarantined {
    pub fn code(&self) -> &str {
        &self.why.code
    }

    pub fn message(&self) -> &str {
        &self.why.message
    }
}

/// What is lost where a record is quarantined. `max_quarantined` holds images against images, and records against records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Loss {
    /// An image, with all that is said of it.
    Image,
    /// So many of them, with the archive or the part of one that holds them.
    Images(u64),
    /// This record alone.
    #[default]
    Record,
    /// Nothing, or nothing more: what is odd about a record that is used all the same, or a record of an image that is lost already.
    Nothing,
}

impl Loss {
    /// How many images are lost.
    pub fn images(self) -> u64 {
        match self {
            Self::Image => 1,
            Self::Images(images) => images,
            Self::Record | Self::Nothing => 0,
        }
    }
}

impl Serialize for Loss {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Image | Self::Images(_) => "image",
            Self::Record => "record",
            Self::Nothing => "nothing",
        })
    }
}
