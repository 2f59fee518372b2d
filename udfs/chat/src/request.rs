//! The request body of `/chat/completions`, and the most tokens that it may take.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::budget::Tokens;
use crate::endpoint::{Endpoint, JsonMode};
use crate::question::{Image, Question};

/// The JSON that is sent.
pub fn body(question: &Question, endpoint: &Endpoint, mode: JsonMode) -> Bytes {
    let mut messages = Vec::new();
    if let Some(system) = &question.system {
        messages.push(json!({"role": "system", "content": system}));
    }
    messages.push(object([("role", "user".into()), ("content", content(question))]));
    let mut body = endpoint.extra.clone();
    body.insert("model".to_owned(), endpoint.model.as_str().into());
    body.insert("messages".to_owned(), messages.into());
    let settings = [
        ("max_tokens", endpoint.max_tokens.into()),
        ("temperature", endpoint.temperature.into()),
        ("seed", endpoint.seed.into()),
    ];
    for (name, value) in settings {
        if !endpoint.omit.iter().any(|omitted| omitted == name) {
            body.insert(name.to_owned(), value);
        }
    }
    let form = question.schema.as_ref().and_then(|schema| match mode {
        JsonMode::Schema => Some(json!({
            "type": "json_schema",
            "json_schema": {"name": schema.name, "schema": schema.schema, "strict": true},
        })),
        JsonMode::Object => Some(json!({"type": "json_object"})),
        JsonMode::None => None,
    });
    if let Some(form) = form {
        body.insert("response_format".to_owned(), form);
    }
    Value::Object(body).to_string().into()
}

/// A server's templates around a conversation of two turns have far fewer.
const AROUND: u64 = 256;

/// The most that a call may use: no token of text is shorter than a byte, and images are taken to be `image_tokens` long.
pub fn most(question: &Question, endpoint: &Endpoint) -> Tokens {
    let schema = question.schema.as_ref().map_or(0, |schema| schema.schema.to_string().len());
    let text = question.prompt.len() + question.system.as_ref().map_or(0, String::len) + schema;
    let images = u64::from(endpoint.image_tokens) * question.images.len() as u64;
    Tokens { read: text as u64 + images + AROUND, written: endpoint.max_tokens.into() }
}

/// A list where there are images; a plain string otherwise, because models without eyes are served by some that know no lists.
fn content(question: &Question) -> Value {
    if question.images.is_empty() {
        return question.prompt.as_str().into();
    }
    let mut parts: Vec<Value> = question
        .images
        .iter()
        .map(|image| object([("type", "image_url".into()), ("image_url", object([("url", data_url(image).into())]))]))
        .collect();
    parts.push(json!({"type": "text", "text": question.prompt}));
    parts.into()
}

fn data_url(image: &Image) -> String {
    let mut url = format!("data:{};base64,", image.mime);
    STANDARD.encode_string(&image.bytes, &mut url);
    url
}

/// Unlike `json!`, this copies no image.
fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::Schema;

    fn sent(question: &Question, endpoint: &Endpoint, mode: JsonMode) -> Value {
        serde_json::from_slice(&body(question, endpoint, mode)).unwrap()
    }

    #[test]
    fn a_question_with_everything() {
        let schema = Schema { name: "caption", schema: json!({"type": "object"}) };
        let question = Question {
            system: Some("be brief".to_owned()),
            prompt: "what?".to_owned(),
            images: vec![Image::jpeg(&b"\xff\xd8"[..])],
            schema: Some(schema),
        };
        let mut endpoint = Endpoint::new("http://x", "m");
        endpoint.extra.insert("top_p".to_owned(), 1.into());
        assert_eq!(
            sent(&question, &endpoint, JsonMode::Schema),
            json!({
                "model": "m", "max_tokens": 1024, "temperature": 0.0, "seed": 0, "top_p": 1,
                "messages": [
                    {"role": "system", "content": "be brief"},
                    {"role": "user", "content": [
                        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,/9g="}},
                        {"type": "text", "text": "what?"},
                    ]},
                ],
                "response_format": {"type": "json_schema", "json_schema":
                    {"name": "caption", "schema": {"type": "object"}, "strict": true}},
            })
        );
        let form = |mode| sent(&question, &endpoint, mode).get("response_format").cloned();
        assert_eq!(form(JsonMode::Object), Some(json!({"type": "json_object"})));
        assert_eq!(form(JsonMode::None), None);
    }

    #[test]
    fn a_bare_question() {
        let question = Question { prompt: "ça?".to_owned(), ..Question::default() };
        let mut endpoint = Endpoint::new("http://x", "m");
        endpoint.omit = vec!["max_tokens".to_owned(), "temperature".to_owned(), "seed".to_owned()];
        let expected = json!({"model": "m", "messages": [{"role": "user", "content": "ça?"}]});
        assert_eq!(sent(&question, &endpoint, JsonMode::Schema), expected);
        assert_eq!(most(&question, &endpoint), Tokens { read: 4 + AROUND, written: 1024 });
    }
}
