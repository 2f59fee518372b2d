//! Files below a source's root as they are listed: their paths, sizes and tags, and why one cannot be read.

use crate::tables::Unusable;

/// A file below the root, or what is there and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileEntry {
    /// Relative to the root, `/` between parts; with a `/` at its end where it is a folder that is not entered.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Changes when the content does: times of modification and change, or ETag.
    pub tag: String,
    /// Why it cannot be read.
    pub refused: Option<UnreadablePath>,
}

/// What is known of several files together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilesDigest {
    /// Of their paths, sizes and tags.
    pub hash: String,
    /// Of all of them.
    pub bytes: u64,
}

/// Why something below the root cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnreadablePath {
    LeadsOut,
    LeadsNowhere,
    TooManyLinks,
    LinkAsText,
    NotUtf8,
    NoFile,
    NotAllowed,
    NoPath,
}

impl UnreadablePath {
    /// As a quarantined row has it. Codes: `path`, `missing_file`, `unreadable`.
    pub fn unusable(self) -> Unusable {
        let (code, message) = match self {
            Self::LeadsOut => {
                ("path", "a link that leads out of the root; `follow_links = true` of the source follows such links")
            }
            Self::LeadsNowhere => ("missing_file", "a link that leads nowhere"),
            Self::TooManyLinks => ("path", "a link to a folder, behind very many of them; it is not followed"),
            Self::LinkAsText => {
                ("path", "a link that became a text: it holds the path of what it should be; copy links as links")
            }
            Self::NotUtf8 => ("path", "its name is not UTF-8"),
            Self::NoFile => ("unreadable", "it is no file: a pipe, a socket or a device"),
            Self::NotAllowed => ("unreadable", "it may not be read, or a folder not listed: permission denied"),
            Self::NoPath => {
                ("path", "the key is no path: it has an empty part, a part `.` or `..`, or a control character")
            }
        };
        Unusable::new(code, message)
    }
}
