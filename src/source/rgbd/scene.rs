//! What is said of a scene as a whole: `scene.json`, and when its images were taken: `timestamps.txt`.

use std::collections::HashMap;

use serde::Deserialize;

use crate::source::category;
use crate::source::json::forms::{self, Perhaps};
use crate::tables::Unusable;
use crate::text;

/// Larger files are refused: a line has some twenty bytes, and a recording some ten thousand images.
pub const MAX_BYTES: u64 = 16 << 20;

/// `scene.json`, each field of which may be absent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SceneRecord {
    kind: Option<Perhaps<String>>,
    place: Option<Perhaps<String>>,
    category: Option<Perhaps<String>>,
}

/// The same, judged.
#[derive(Debug, Default, PartialEq)]
pub struct SceneFile {
    pub kind: Option<&'static str>,
    pub place: Option<String>,
    pub category: Option<String>,
}

/// What a scene may be said to be.
const KINDS: &[&str] = &["scan", "house", "region", "object", "sequence"];

impl SceneFile {
    /// Code: `json`.
    pub fn read(json: &[u8]) -> Result<Self, Unusable> {
        let record: SceneRecord = forms::file(json, "{\"kind\": .., \"place\": .., \"category\": ..}")?;
        let kind = match Perhaps::given(&record.kind) {
            None => None,
            Some(given) => Some(*KINDS.iter().find(|kind| *kind == given).ok_or_else(|| {
                Unusable::new("json", format!("`kind` is none of {}: {}", KINDS.join(", "), given.escape_debug()))
            })?),
        };
        let place = Perhaps::given(&record.place).map(|place| place.trim().to_owned());
        let category = Perhaps::given(&record.category).and_then(|text| category::spelled(text));
        Ok(Self { kind, place: place.filter(|place| !place.is_empty()), category })
    }
}

/// Seconds since the first image, by the image's name, and the lines that say nothing. A line is a name and a number of seconds of any clock.
pub fn timestamps(bytes: &[u8]) -> Result<(HashMap<String, f64>, Vec<usize>), Unusable> {
    let text = text::decode(bytes).map_err(|why| Unusable::new("timestamp", why))?;
    let (mut seconds, mut wrong) = (HashMap::new(), Vec::new());
    for (line, text) in text.lines().enumerate() {
        let mut words = text.split([' ', '\t', ',', ';']).filter(|word| !word.is_empty());
        let Some(name) = words.next().filter(|name| !name.starts_with('#')) else { continue };
        match words.next().and_then(|number| number.parse::<f64>().ok()).filter(|number| number.is_finite()) {
            Some(number) => drop(seconds.insert(name.to_owned(), number)),
            None => wrong.push(line + 1),
        }
    }
    let first = seconds.values().copied().fold(f64::INFINITY, f64::min);
    seconds.values_mut().for_each(|second| *second -= first);
    Ok((seconds, wrong))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_scene_is_read_and_what_makes_no_sense_is_refused() {
        let read = |json: &str| SceneFile::read(json.as_bytes());
        let said = read(r#"{"kind": "object", "place": " attic ", "category": "Living_Room", "other": 1}"#).unwrap();
        assert_eq!((said.kind, said.place.as_deref()), (Some("object"), Some("attic")));
        assert_eq!(said.category.as_deref(), Some("living room"));
        assert_eq!(read("{}").unwrap(), SceneFile::default());
        assert_eq!(read(r#"{"kind": "cave"}"#).unwrap_err().code, "json");
    }

    #[test]
    fn times_count_from_the_first_image() {
        let text = b"# name seconds\na 1305031102.25\nb,1305031102.75\n\nc nan\nd\n";
        let (seconds, wrong) = timestamps(text).unwrap();
        assert_eq!((seconds["a"], seconds["b"], seconds.len()), (0.0, 0.5, 2));
        assert_eq!(wrong, [5, 6]);
    }
}
