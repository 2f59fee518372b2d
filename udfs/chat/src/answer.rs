//! Strict parsing of an answer: one JSON value of the expected form, and nothing around it but one code fence.
//!
//! What a model means cannot be guessed from half a list or from prose, so that nothing is mended here. Two codes tell
//! apart what a person would do about it: `vlm_json` is no JSON (ask the server for JSON, allow more tokens), `vlm_schema`
//! is other JSON (a schema, a clearer prompt).

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeOwned, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::ask_error::AnswerError;

/// The value in `text`. `T` should deny unknown fields.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, AnswerError> {
    let json = unfenced(text.trim())?;
    // First by itself: what fails after that is JSON of another form.
    serde_json::from_str::<Unique>(json).map_err(|error| no_json(&error, text))?;
    serde_json::from_str(json)
        .map_err(|error| AnswerError::new("vlm_schema", format!("{error}: `{}`", beginning(text))))
}

/// What a chat model may put around JSON and still be understood without guessing.
fn unfenced(text: &str) -> Result<&str, AnswerError> {
    let Some(rest) = text.strip_prefix("```") else { return Ok(text) };
    let rest = rest.strip_prefix("json").unwrap_or(rest);
    let inside = rest.strip_suffix("```").filter(|inside| inside.starts_with(['\n', '\r', ' ', '{', '[']));
    inside.ok_or_else(|| AnswerError::new("vlm_json", format!("not one fence of JSON: `{}`", beginning(text))))
}

fn no_json(error: &serde_json::Error, text: &str) -> AnswerError {
    AnswerError::new("vlm_json", format!("{error}: `{}`", beginning(text)))
}

/// As much of an answer as a message carries, on one line.
fn beginning(text: &str) -> String {
    let line: String = text.trim().chars().take(120).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.len() < text.trim().len() { line + ".." } else { line }
}

/// Any JSON in which no object names a field twice: readers differ in which of the two counts.
struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Looking)
    }
}

struct Looking;

impl<'de> Visitor<'de> for Looking {
    type Value = Unique;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_str<E>(self, _: &str) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Unique, A::Error> {
        while list.next_element::<Unique>()?.is_some() {}
        Ok(Unique)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Unique, A::Error> {
        let mut names = HashSet::new();
        while let Some((name, Unique)) = object.next_entry::<String, Unique>()? {
            if let Some(name) = names.replace(name) {
                return Err(serde::de::Error::custom(format_args!("the field `{name}` comes twice")));
            }
        }
        Ok(Unique)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Form {
        n: Vec<f64>,
    }

    fn check(text: &str, expected: Result<&[f64], &str>) {
        let read = read::<Form>(text);
        assert_eq!(read.as_ref().map(|form| &*form.n).map_err(|refusal| refusal.code), expected, "{text}");
    }

    #[test]
    fn json_bare_or_in_one_fence() {
        check(r#"{"n": [1, 2.5]}"#, Ok(&[1.0, 2.5]));
        check("  \n{\"n\": []}\n\n", Ok(&[]));
        check("```json\n{\"n\": [1]}\n```", Ok(&[1.0]));
        check("```json\r\n{\"n\": [1]}\r\n```\n", Ok(&[1.0]));
        check("```\n{\"n\": [1]}\n```", Ok(&[1.0]));
        check("```json {\"n\": [1]}```", Ok(&[1.0]));
    }

    #[test]
    fn what_is_no_json() {
        for text in [
            "",
            "a chair",
            r#"Here it is: {"n": []}"#,
            r#"{"n": []} I hope this helps"#,
            r#"{"n": []}{"n": []}"#,
            r#"{"n": [1, 2"#,
            r#"{"n": [NaN]}"#,
            r#"{"n": [Infinity]}"#,
            r#"{"n": [1e999]}"#,
            r#"{"n": [1,]}"#,
            "{'n': [1]}",
            r#"{"n": [1], "n": [2]}"#,
            r#"{"n": [], "x": {"y": 1, "\u0079": 2}}"#,
            "```json\n{\"n\": []}",
            "```json\n{\"n\": []}\n```\n```json\n{\"n\": []}\n```",
            "```python\n{\"n\": []}\n```",
            "```",
            "```json```",
        ] {
            check(text, Err("vlm_json"));
        }
        check(&"[".repeat(100_000), Err("vlm_json"));
    }

    #[test]
    fn what_is_other_json() {
        for text in ["[]", "null", "{}", r#"{"n": [1], "m": 2}"#, r#"{"n": ["1"]}"#, r#"{"n": [null]}"#, r#"{"N": []}"#]
        {
            check(text, Err("vlm_schema"));
        }
    }

    #[test]
    fn messages_are_short() {
        let refusal = read::<Form>(&format!("é\n{}", "x".repeat(9999))).unwrap_err();
        assert!(refusal.message.len() < 250 && !refusal.message.contains('\n'), "{refusal}");
    }
}
