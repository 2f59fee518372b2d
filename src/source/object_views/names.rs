//! What objects are called: `names.json` of the user, and Objaverse's LVIS categories.

use std::collections::HashMap;
use std::io::Read;

use flate2::read::MultiGzDecoder;
use serde::Deserialize;

use crate::error::Result;
use crate::source::category;
use crate::source::json::forms::{self, Entries, Number};
use crate::source::root::Root;
use crate::tables::Unusable;

/// The files that say it, below the root; the first one that names an object counts.
pub const FILES: &[&str] = &["names.json", "lvis-annotations.json", "lvis-annotations.json.gz"];

/// What an object is called of which nobody says what it is.
pub const NAMELESS: &str = "object";

/// Objaverse's list of 46,207 objects has 2 MB; unpacked files end here, too.
const MAX_BYTES: u64 = 256 << 20;

/// What is said of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedObject {
    pub name: String,
    pub licence: Option<String>,
    /// As in `scene_objects`.
    pub symmetry: Option<i32>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct ObjectNames(HashMap<String, NamedObject>);

#[derive(Deserialize)]
#[serde(untagged)]
enum NameRecord {
    Name(String),
    Record { name: Option<String>, licence: Option<String>, symmetry: Option<Number> },
}

impl ObjectNames {
    /// Reads those of the files that are there; what is wrong with one costs its names.
    pub fn read(root: &Root) -> Result<(Self, Vec<(String, Unusable)>)> {
        let (mut names, mut faults) = (Self::default(), Vec::new());
        for file in FILES {
            if !root.exists(file)? {
                continue;
            }
            let read = Self::bytes(root, file).and_then(|bytes| names.add(file, &bytes));
            faults.extend(read.err().map(|why| ((*file).to_owned(), why)));
        }
        Ok((names, faults))
    }

    fn bytes(root: &Root, file: &str) -> Result<Vec<u8>, Unusable> {
        let bytes = root.bytes(file, MAX_BYTES).map_err(|e| Unusable::new("unreadable", e.to_string()))?;
        if !file.ends_with(".gz") {
            return Ok(bytes);
        }
        let mut unpacked = Vec::new();
        let read = MultiGzDecoder::new(&bytes[..]).take(MAX_BYTES + 1).read_to_end(&mut unpacked);
        read.map_err(|e| Unusable::new("unreadable", format!("it cannot be unpacked: {e}")))?;
        if unpacked.len() as u64 > MAX_BYTES {
            return Err(Unusable::new("unreadable", format!("unpacked it has more than {MAX_BYTES} bytes")));
        }
        Ok(unpacked)
    }

    fn add(&mut self, file: &str, bytes: &[u8]) -> Result<(), Unusable> {
        if file == "names.json" {
            let records: Entries<NameRecord> = forms::file(
                bytes,
                "{\"<object>\": \"<name>\", ..}, or {\"name\": .., \"licence\": .., \"symmetry\": ..} each",
            )?;
            for (object, record) in records.0 {
                let (name, licence, symmetry) = match record {
                    NameRecord::Name(name) => (Some(name), None, None),
                    NameRecord::Record { name, licence, symmetry } => (name, licence, symmetry),
                };
                let symmetry = symmetry.and_then(Number::whole).and_then(|times| i32::try_from(times).ok());
                let symmetry = symmetry.filter(|times| (0..=360).contains(times));
                let name = name.and_then(|name| category::spelled(&name)).unwrap_or_else(|| NAMELESS.to_owned());
                self.0.entry(object.trim_matches('/').to_owned()).or_insert(NamedObject { name, licence, symmetry });
            }
            return Ok(());
        }
        let categories: Entries<Vec<String>> = forms::file(bytes, "{\"<category>\": [\"<uid>\", ..], ..}")?;
        for (category, objects) in categories.0 {
            let Some(name) = category::spelled(&category) else { continue };
            for object in objects {
                let named = NamedObject { name: name.clone(), licence: None, symmetry: None };
                self.0.entry(object).or_insert(named);
            }
        }
        Ok(())
    }

    /// What is said of the object of a folder, by the whole path or its last part.
    pub fn of(&self, folder: &str) -> NamedObject {
        let last = folder.rsplit('/').next().unwrap_or(folder);
        let named = self.0.get(folder).or_else(|| self.0.get(last)).cloned();
        named.unwrap_or_else(|| NamedObject { name: NAMELESS.to_owned(), licence: None, symmetry: None })
    }
}
