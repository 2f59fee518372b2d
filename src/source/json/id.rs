//! An id of a COCO document: a number in COCO itself, a string in what other tools write.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// The id as text, which is what ids of the warehouse are made from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub String);

/// Longer strings are refused: an id becomes part of every key, and of file names.
const MAX_BYTES: usize = 200;

/// From here on floats skip whole numbers, so that two ids would be one.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;
        impl Visitor<'_> for IdVisitor {
            type Value = Id;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                write!(f, "an id: an integer, or up to {MAX_BYTES} bytes of text")
            }

            fn visit_u64<E: Error>(self, id: u64) -> Result<Id, E> {
                Ok(Id(id.to_string()))
            }

            fn visit_i64<E: Error>(self, id: i64) -> Result<Id, E> {
                Ok(Id(id.to_string()))
            }

            // Table libraries make a column of whole numbers one of floats as soon as one is missing.
            fn visit_f64<E: Error>(self, id: f64) -> Result<Id, E> {
                if id.fract() == 0.0 && id.abs() < LARGEST_EXACT {
                    self.visit_i64(id as i64)
                } else {
                    Err(E::invalid_value(serde::de::Unexpected::Float(id), &self))
                }
            }

            fn visit_str<E: Error>(self, id: &str) -> Result<Id, E> {
                let id = whole(id);
                if id.is_empty() || id.len() > MAX_BYTES || id.contains(char::is_control) {
                    return Err(E::custom(format!(
                        "an id must have 1 to {MAX_BYTES} bytes, none of them control characters"
                    )));
                }
                Ok(Id(id.to_owned()))
            }
        }
        deserializer.deserialize_any(IdVisitor)
    }
}

/// `7` for `7.0`: the text of a number that a table library made a float.
fn whole(id: &str) -> &str {
    match id.trim_end_matches('0').strip_suffix('.') {
        Some(number) if id.contains(".0") && number.bytes().all(|byte| byte.is_ascii_digit()) && !number.is_empty() => {
            number
        }
        _ => id,
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Id {
    /// The id behind `"name":` in a record that may be no good JSON, so that a broken record is still laid at its image's door.
    pub fn salvaged(record: &[u8], name: &str) -> Option<Self> {
        let text = String::from_utf8_lossy(record);
        let (_, after) = text.split_once(&format!("\"{name}\""))?;
        let value = after.trim_start().strip_prefix(':')?.trim_start();
        let value = value.strip_prefix('"').unwrap_or(value);
        let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
        (1..=20).contains(&end).then(|| Self(value[..end].to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_are_ids() {
        let id = |json: &str| serde_json::from_str::<Id>(json).map(|id| id.0).ok();
        assert_eq!(id("42").as_deref(), Some("42"));
        assert_eq!(id("-1").as_deref(), Some("-1"));
        assert_eq!(id("\"a/b\"").as_deref(), Some("a/b"));
        for same in ["42.0", "4.2e1", "\"42\"", "\"42.0\"", "\"42.00\""] {
            assert_eq!(id(same).as_deref(), Some("42"), "{same}");
        }
        for other in ["042", "42.", "v1.0", "10.20", "-1.0"] {
            assert_eq!(id(&format!("\"{other}\"")).as_deref(), Some(other));
        }
        for json in ["1.5", "1e400", "1e17", "null", "[]", "\"\"", "\"\\n\"", "true"] {
            assert_eq!(id(json), None, "{json}");
        }
    }

    #[test]
    fn an_id_is_found_in_a_broken_record() {
        let id = |json: &str| Id::salvaged(json.as_bytes(), "image_id").map(|id| id.0);
        assert_eq!(id("{\"x\": nan, \"image_id\" : 139, ").as_deref(), Some("139"));
        assert_eq!(id("{\"image_id\": \"139\", [").as_deref(), Some("139"));
        assert_eq!(id("{\"image_id\": \"x\"}"), None);
        assert_eq!(id("{\"id\": 1}"), None);
    }
}
