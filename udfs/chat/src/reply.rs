//! The response body of `/chat/completions`: an answer with its usage, or an error message.

use serde::Deserialize;
use serde_json::Value;

use crate::ask_error::AnswerError;
use crate::budget::Counted;
use crate::key::Key;
use crate::question::Answer;

/// The body of a 200: its answer or why there is none, and what it cost.
#[derive(Debug)]
pub struct Reply {
    pub answer: Result<Answer, AnswerError>,
    pub used: Counted,
}

impl Reply {
    pub fn read(body: &[u8], key: &Key) -> Self {
        let envelope: Envelope = match serde_json::from_slice(body) {
            Ok(envelope) => envelope,
            Err(error) => {
                let message = format!("the reply is no chat completion: {error}: `{}`", said(body, key, false));
                return Self { answer: Err(AnswerError::new("vlm_reply", message)), used: Counted::default() };
            }
        };
        let used = Counted {
            read: count(&envelope.usage, "prompt_tokens"),
            written: count(&envelope.usage, "completion_tokens"),
        };
        let answer = match envelope.choices.into_iter().next() {
            Some(choice) => choice.answer(used, key),
            None => {
                Err(AnswerError::new("vlm_reply", format!("the reply has no answer: `{}`", said(body, key, false))))
            }
        };
        Self { answer, used }
    }
}

/// Of other bodies, what a person should read: on one line, short, and without the key.
pub fn said(body: &[u8], key: &Key, cut: bool) -> String {
    let text = String::from_utf8_lossy(body);
    let message = serde_json::from_str::<Value>(&text).ok().and_then(|value| message(&value));
    let text = key.strip(message.as_deref().unwrap_or(&text), cut && message.is_none());
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    let line = words.join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}..", &line[..end]),
        None => line,
    }
}

/// Characters of a server's text that go into a message.
const LONGEST: usize = 300;

/// Servers differ in where they put it.
fn message(body: &Value) -> Option<String> {
    let places = ["/error/message", "/error", "/message", "/detail"];
    places.iter().find_map(|place| body.pointer(place)?.as_str()).map(str::to_owned)
}

#[derive(Deserialize)]
struct Envelope {
    choices: Vec<Choice>,
    /// Read by hand: an answer is not lost for a count that is none.
    #[serde(default)]
    usage: Value,
}

/// A number of tokens; a part of one counts as a whole. What is missing, negative or no number is no count, and not 0.
fn count(usage: &Value, name: &str) -> Option<u64> {
    let given = usage.get(name)?;
    given.as_u64().or_else(|| given.as_f64().filter(|tokens| *tokens >= 0.0).map(|tokens| tokens.ceil() as u64))
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<Content>,
    #[serde(default)]
    refusal: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    text: String,
}

impl Choice {
    fn answer(self, used: Counted, key: &Key) -> Result<Answer, AnswerError> {
        let finish_reason = self.finish_reason.unwrap_or_default();
        if let Some(refusal) = self.message.refusal {
            let message = format!("the model refuses: `{}`", said(refusal.as_bytes(), key, false));
            return Err(AnswerError::new("vlm_refused", message));
        }
        let text = match self.message.content {
            Some(Content::Text(text)) => text,
            Some(Content::Parts(parts)) => parts.into_iter().map(|part| part.text).collect(),
            None => String::new(),
        };
        match finish_reason.as_str() {
            "length" => {
                let message = match used.written {
                    Some(tokens) => format!("the answer was cut after {tokens} tokens (`max_tokens`)"),
                    None => "the answer was cut (`max_tokens`)".to_owned(),
                };
                Err(AnswerError::new("vlm_truncated", message))
            }
            "content_filter" => Err(AnswerError::new("vlm_refused", "the server's filter withheld the answer")),
            _ if text.trim().is_empty() => Err(AnswerError::new("vlm_reply", "the answer is empty")),
            _ => Ok(Answer {
                text: key.strip(&text, false),
                prompt_tokens: used.read.unwrap_or_default(),
                completion_tokens: used.written.unwrap_or_default(),
                finish_reason: key.strip(&finish_reason, false),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<String, &'static str> {
        Reply::read(body.as_bytes(), &Key::none()).answer.map(|answer| answer.text).map_err(|refusal| refusal.code)
    }

    #[test]
    fn envelopes() {
        assert_eq!(read(r#"{"choices": [{"message": {"content": "椅子"}}], "x": 1}"#), Ok("椅子".to_owned()));
        let parts = r#"{"choices": [{"message": {"content": [{"type": "text", "text": "a"}, {"text": "b"}]}}]}"#;
        assert_eq!(read(parts), Ok("ab".to_owned()));
        for (body, code) in [
            ("", "vlm_reply"),
            ("<html>", "vlm_reply"),
            (r#"{"choices": [{"mess"#, "vlm_reply"),
            (r#"{"choices": []}"#, "vlm_reply"),
            (r#"{"choices": [{"message": {"content": null}}]}"#, "vlm_reply"),
            (r#"{"choices": [{"message": {"content": " "}}]}"#, "vlm_reply"),
            (r#"{"choices": [{"message": {"content": "a"}, "finish_reason": "length"}]}"#, "vlm_truncated"),
            (r#"{"choices": [{"message": {"content": ""}, "finish_reason": "content_filter"}]}"#, "vlm_refused"),
            (r#"{"choices": [{"message": {"content": null, "refusal": "no"}}]}"#, "vlm_refused"),
        ] {
            assert_eq!(read(body), Err(code), "{body}");
        }
    }

    #[test]
    fn counts() {
        let used = |usage: &str| {
            let body = format!(r#"{{"choices": [{{"message": {{"content": "a"}}}}], "usage": {usage}}}"#);
            let reply = Reply::read(body.as_bytes(), &Key::none());
            assert!(reply.answer.is_ok(), "{usage}");
            (reply.used.read, reply.used.written)
        };
        assert_eq!(used(r#"{"prompt_tokens": 7, "completion_tokens": 2}"#), (Some(7), Some(2)));
        assert_eq!(used(r#"{"prompt_tokens": 7.0, "completion_tokens": 1.2}"#), (Some(7), Some(2)));
        assert_eq!(
            used(r#"{"prompt_tokens": 18446744073709551615, "completion_tokens": 1e300}"#),
            (Some(u64::MAX), Some(u64::MAX))
        );
        assert_eq!(used(r#"{"prompt_tokens": -7, "completion_tokens": null}"#), (None, None));
        assert_eq!(used(r#"{"prompt_tokens": "7"}"#), (None, None));
        for none in ["null", "{}", "[]", "7", r#""none""#] {
            assert_eq!(used(none), (None, None), "{none}");
        }
        assert_eq!(Reply::read(br#"{"choices": []}"#, &Key::none()).used.read, None);
    }

    #[test]
    fn what_servers_say() {
        let key = Key::new("sk-secret").unwrap();
        for (body, expected) in [
            (r#"{"error": {"message": "bad key sk-secret"}}"#, "bad key ***"),
            (r#"{"error": {"message": "bad key sk\u002dsecret"}}"#, "bad key ***"),
            (r#"{"error": "no\nmodel"}"#, "no model"),
            (r#"{"object": "error", "message": "x"}"#, "x"),
            (r#"{"detail": "Not Found"}"#, "Not Found"),
            (r#"{"detail": [{"loc": 1}]}"#, r#"{"detail": [{"loc": 1}]}"#),
            ("<h1>502</h1>\r\n", "<h1>502</h1>"),
            ("", ""),
        ] {
            assert_eq!(said(body.as_bytes(), &key, false), expected);
        }
        assert_eq!(said("é".repeat(1000).as_bytes(), &key, false).chars().count(), LONGEST + 2);
        assert_eq!(said(b"cut in the middle of sk-sec", &key, true), "cut in the middle");
    }
}
