//! HTTP error statuses: retry the call, give up the row, or end the run.

use std::time::{Duration, SystemTime};

use chrono::DateTime;

use crate::ask_error::{AnswerError, Fatal};

/// What is done about a call that has no answer.
#[derive(Debug, PartialEq)]
pub enum Miss {
    /// It may go well later, in so long at the earliest.
    Again(AnswerError, Option<Duration>),
    /// The server cannot be held to JSON in this way: asked with less, it may answer.
    Simpler,
    Row(AnswerError),
    Run(Fatal),
}

/// Judges a status that is no success by its number and what the server said, in which its key is struck out.
/// `is_held_to_json` is true when the request asked for a form of answer.
pub fn judge(status: u16, said: &str, wait: Option<Duration>, is_held_to_json: bool) -> Miss {
    let message = format!("HTTP {status}: {said}");
    let low = said.to_ascii_lowercase();
    match status {
        300..400 => Miss::Run(Fatal::Redirected(message)),
        401..=403 => Miss::Run(Fatal::Key(message)),
        404 => Miss::Run(Fatal::NotFound(message)),
        // Some say so with a 500, which would be tried again for every row.
        400 | 422 | 500 if BLIND_WORDS.iter().any(|word| low.contains(word)) => Miss::Run(Fatal::Blind(message)),
        // Waiting does not help where it is the account that is empty.
        429 if low.contains("quota") && low.contains("billing") => Miss::Run(Fatal::Key(message)),
        429 => Miss::Again(AnswerError::new("vlm_limited", message), wait),
        408 => Miss::Again(AnswerError::new("vlm_timeout", message), wait),
        400 | 422 if is_held_to_json && JSON_WORDS.iter().any(|word| low.contains(word)) => Miss::Simpler,
        500.. => Miss::Again(AnswerError::new("vlm_http", message), wait),
        _ => Miss::Row(AnswerError::new("vlm_http", message)),
    }
}

/// What servers call the form of an answer when they do not know it.
const JSON_WORDS: &[&str] =
    &["response_format", "json_schema", "json_object", "structured output", "guided", "grammar", "json mode"];

/// What llama.cpp, vLLM and hosted models say of an image that they cannot look at.
const BLIND_WORDS: &[&str] = &[
    "image input is not supported",
    "not a multimodal model",
    "at most 0 image",
    "does not support image",
    "image inputs are not supported",
];

/// `Retry-After`: seconds, or a date.
pub fn retry_after(header: &str, now: SystemTime) -> Option<Duration> {
    let header = header.trim();
    if !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit()) {
        // So many digits that they do not fit are a long wait.
        return Some(Duration::from_secs(header.parse().unwrap_or(u64::MAX)));
    }
    let at = SystemTime::from(DateTime::parse_from_rfc2822(header).ok()?);
    Some(at.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_445_412_480);
        let wait = |header| retry_after(header, now).map(|wait| wait.as_secs());
        assert_eq!(wait("7"), Some(7));
        assert_eq!(wait(" 0 "), Some(0));
        assert_eq!(wait("Wed, 21 Oct 2015 07:28:30 GMT"), Some(30));
        assert_eq!(wait("Wed, 21 Oct 2015 07:27:00 GMT"), Some(0));
        assert_eq!(wait("99999999999999999999999"), Some(u64::MAX));
        for nothing in ["", "-1", "1.5", "soon", "21 Oct"] {
            assert_eq!(wait(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn statuses() {
        let kind = |status, said, held| match judge(status, said, None, held) {
            Miss::Again(refusal, _) => format!("again {}", refusal.code),
            Miss::Simpler => "simpler".to_owned(),
            Miss::Row(refusal) => format!("row {}", refusal.code),
            Miss::Run(_) => "run".to_owned(),
        };
        for status in [301, 307, 401, 402, 403, 404] {
            assert_eq!(kind(status, "", true), "run", "{status}");
        }
        for status in [500, 502, 503, 504, 529] {
            assert_eq!(kind(status, "", true), "again vlm_http", "{status}");
        }
        assert_eq!(kind(429, "slow down", true), "again vlm_limited");
        assert_eq!(kind(429, "You exceeded your current quota, check your plan and billing", true), "run");
        assert_eq!(kind(408, "", true), "again vlm_timeout");
        assert_eq!(kind(400, "unknown field `response_format`", true), "simpler");
        assert_eq!(kind(400, "unknown field `response_format`", false), "row vlm_http");
        assert_eq!(kind(422, "json_schema is not supported", true), "simpler");
        assert_eq!(kind(400, "the image is too large", true), "row vlm_http");
        assert_eq!(kind(413, "", true), "row vlm_http");
        assert_eq!(kind(500, "image input is not supported - hint: provide the mmproj", true), "run");
        assert_eq!(kind(400, "m is not a multimodal model", true), "run");
    }
}
