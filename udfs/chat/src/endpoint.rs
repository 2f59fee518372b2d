//! The configuration of an endpoint: URL, model, key variable, limits, sampling, with defaults.
//!
//! It names the environment variable of the key and never holds the key, so that it may be printed and stored.

use std::time::Duration;

use reqwest::Url;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use thiserror::Error;

/// One server and one model on it.
///
/// ```
/// use spatialmill_chat::{Endpoint, JsonMode};
/// let endpoint: Endpoint = serde_json::from_str(r#"{"url": "http://localhost:8000/v1", "model": "Qwen3-VL-8B"}"#)?;
/// assert_eq!((endpoint.retries, endpoint.in_flight, endpoint.json), (5, 8, JsonMode::Schema));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// The base of the API, up to and with its version: `http://localhost:8000/v1`.
    pub url: String,
    /// The model's name as the server has it.
    pub model: String,
    /// The environment variable that holds the key. Default: none, and no key is sent.
    #[serde(default)]
    pub key_env: Option<String>,
    /// Seconds for one call, from connecting to the last byte. Default 120.
    #[serde(default = "timeout_s")]
    pub timeout_s: f64,
    /// How often a call is tried again that failed for a reason that may pass. Default 5.
    #[serde(default = "retries")]
    pub retries: u32,
    /// Seconds before the first of those; each further pause is twice as long, less up to half at random. Default 1.
    #[serde(default = "backoff_s")]
    pub backoff_s: f64,
    /// The longest pause in seconds, whatever the server asks for. Default 60.
    #[serde(default = "backoff_max_s")]
    pub backoff_max_s: f64,
    /// Calls at the same time. Default 8.
    #[serde(default = "in_flight")]
    pub in_flight: usize,
    /// Calls a minute, evenly spaced, those tried again among them. Default: no limit.
    #[serde(default)]
    pub requests_per_minute: Option<f64>,
    /// The longest answer in tokens. Default 1024.
    #[serde(default = "max_tokens")]
    pub max_tokens: u32,
    /// Default 0.
    #[serde(default)]
    pub temperature: f64,
    /// Default 0.
    #[serde(default)]
    pub seed: i64,
    /// How a server is held to JSON. Default `schema`.
    #[serde(default)]
    pub json: JsonMode,
    /// Further fields of a request (`top_p`, `chat_template_kwargs`, ..). Default: none.
    #[serde(default)]
    pub extra: Map<String, Value>,
    /// Of `max_tokens`, `temperature` and `seed`, what this server does not take. Default: none.
    #[serde(default)]
    pub omit: Vec<String>,
    /// Price of a million tokens read, in any currency. Default 0.
    #[serde(default)]
    pub price_in: f64,
    /// Price of a million tokens written. Default 0.
    #[serde(default)]
    pub price_out: f64,
    /// The most that all calls may cost. Default: no limit.
    #[serde(default)]
    pub max_cost: Option<f64>,
    /// The most tokens that all calls may read and write. Default: no limit.
    #[serde(default)]
    pub max_tokens_total: Option<u64>,
    /// What an image is taken to be in tokens until the server has counted some: it only matters near the two limits
    /// above. Default 2048.
    #[serde(default = "image_tokens")]
    pub image_tokens: u32,
}

/// How a server is held to JSON, from strictest. A server that does not know a mode is asked in the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum JsonMode {
    /// `response_format` with the question's JSON schema: vLLM, SGLang, llama.cpp, most hosted models.
    #[default]
    Schema,
    /// `response_format` that asks for some JSON object.
    Object,
    /// The prompt alone.
    None,
}

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
pub enum EndpointError {
    #[error("`url`: {why}: `{url}` (an example: `http://localhost:8000/v1`)")]
    Url { url: String, why: String },
    #[error("`{key}`: {why}")]
    Value { key: &'static str, why: String },
    #[error("{0}")]
    Key(String),
    #[error("no HTTP client: {0}")]
    Client(String),
}

/// What the client writes itself.
const OWN_FIELDS: &[&str] = &["model", "messages", "response_format", "stream", "n"];
const OMITTABLE: &[&str] = &["max_tokens", "temperature", "seed"];

/// A day: longer waits are typing errors, and far longer ones overflow the clock.
const LONGEST_S: f64 = 86_400.0;

impl Endpoint {
    /// An endpoint with all defaults.
    pub fn new(url: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            model: model.into(),
            key_env: None,
            timeout_s: timeout_s(),
            retries: retries(),
            backoff_s: backoff_s(),
            backoff_max_s: backoff_max_s(),
            in_flight: in_flight(),
            requests_per_minute: None,
            max_tokens: max_tokens(),
            temperature: 0.0,
            seed: 0,
            json: JsonMode::default(),
            extra: Map::new(),
            omit: Vec::new(),
            price_in: 0.0,
            price_out: 0.0,
            max_cost: None,
            max_tokens_total: None,
            image_tokens: image_tokens(),
        }
    }

    /// The settings that an answer depends on, for the key of a cache: neither the server's place nor any limit.
    pub fn answering(&self) -> Value {
        json!({
            "model": self.model, "max_tokens": self.max_tokens, "temperature": self.temperature, "seed": self.seed,
            "json": self.json, "extra": self.extra, "omit": self.omit,
        })
    }

    /// Checks every value, and gives the address that questions are sent to.
    pub fn check(&self) -> Result<Url, EndpointError> {
        let value = |key, why: &str| Err(EndpointError::Value { key, why: why.to_owned() });
        if self.model.trim().is_empty() {
            return value("model", "empty");
        }
        let seconds = [
            ("timeout_s", self.timeout_s, 0.001),
            ("backoff_s", self.backoff_s, 0.0),
            ("backoff_max_s", self.backoff_max_s, self.backoff_s),
        ];
        for (key, given, least) in seconds {
            if !(least..=LONGEST_S).contains(&given) {
                return value(key, &format!("`{given}` is not in {least} to {LONGEST_S} seconds"));
            }
        }
        if !(1..=10_000).contains(&self.in_flight) {
            return value("in_flight", "not in 1 to 10000");
        }
        if self.requests_per_minute.is_some_and(|rate| !(rate.is_finite() && rate >= 60.0 / LONGEST_S)) {
            return value("requests_per_minute", "not a number above one a day");
        }
        if self.max_tokens == 0 {
            return value("max_tokens", "no answer fits into 0 tokens");
        }
        let amounts = [("temperature", self.temperature), ("price_in", self.price_in), ("price_out", self.price_out)];
        for (key, given) in amounts.into_iter().chain(self.max_cost.map(|most| ("max_cost", most))) {
            if !(given.is_finite() && given >= 0.0) {
                return value(key, &format!("`{given}` is not a number from 0"));
            }
        }
        if self.max_cost.is_some() && self.price_in == 0.0 && self.price_out == 0.0 {
            return value("max_cost", "without `price_in` and `price_out` nothing costs anything");
        }
        if let Some(own) = OWN_FIELDS.iter().find(|own| self.extra.contains_key(**own)) {
            return value("extra", &format!("`{own}` is written by the program"));
        }
        if let Some(unknown) = self.omit.iter().find(|name| !OMITTABLE.contains(&name.as_str())) {
            return value("omit", &format!("`{unknown}` is none of {}", OMITTABLE.join(", ")));
        }
        self.address()
    }

    /// Where questions go.
    fn address(&self) -> Result<Url, EndpointError> {
        let wrong = |why: &str| EndpointError::Url { url: redacted(&self.url), why: why.to_owned() };
        let mut url = Url::parse(self.url.trim()).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(wrong("neither http:// nor https:// with a host"));
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("a user, a password, a `?` or a `#` in it; a key belongs into `key_env`"));
        }
        if url.path().ends_with("/chat/completions") {
            return Err(wrong("the base is wanted, without `/chat/completions`"));
        }
        url.set_path(&format!("{}/chat/completions", url.path().trim_end_matches('/')));
        Ok(url)
    }

    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs_f64(self.timeout_s)
    }
}

/// A URL, or what was meant to be one, without what may be a secret in it: a user and a password before `@`, a query and a fragment. Works on the
/// text, because what no parser takes is what is quoted most.
pub(crate) fn redacted(url: &str) -> String {
    let (place, rest) = url.split_at(url.find(['?', '#']).unwrap_or(url.len()));
    let begin = place.find("://").map_or(0, |at| at + 3);
    let place = match place.rfind('@').filter(|at| *at >= begin) {
        Some(at) => format!("{}***{}", &place[..begin], &place[at..]),
        None => place.to_owned(),
    };
    if rest.is_empty() { place } else { format!("{place}{}***", &rest[..1]) }
}

fn timeout_s() -> f64 {
    120.0
}

fn retries() -> u32 {
    5
}

fn backoff_s() -> f64 {
    1.0
}

fn backoff_max_s() -> f64 {
    60.0
}

fn in_flight() -> usize {
    8
}

fn max_tokens() -> u32 {
    1024
}

fn image_tokens() -> u32 {
    2048
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_written_has_the_documented_default() {
        let read: Endpoint = serde_json::from_str(r#"{"url": "http://x/v1", "model": "m"}"#).unwrap();
        assert_eq!(read, Endpoint::new("http://x/v1", "m"));
        let unknown = serde_json::from_str::<Endpoint>(r#"{"url": "http://x", "model": "m", "api_key": "k"}"#);
        assert!(unknown.unwrap_err().to_string().contains("api_key"));
    }

    #[test]
    fn addresses() {
        let address = |url: &str| Endpoint::new(url, "m").check().map(|url| url.to_string());
        assert_eq!(address("http://localhost:8000/v1").unwrap(), "http://localhost:8000/v1/chat/completions");
        assert_eq!(address("https://a.b/openai/v1/ ").unwrap(), "https://a.b/openai/v1/chat/completions");
        assert_eq!(address("http://[::1]:9").unwrap(), "http://[::1]:9/chat/completions");
        for wrong in ["", "localhost:8000", "ftp://x/v1", "/v1", "http://", "http://x/v1/chat/completions"] {
            assert!(address(wrong).unwrap_err().to_string().contains("`url`"), "{wrong}");
        }
        for secret in ["http://u:secret@x/v1", "http://secret@x/v1", "https://x/v1?key=secret", "https://x/#secret"] {
            let error = format!("{0} {0:?}", address(secret).unwrap_err());
            assert!(error.contains("key_env") && !error.contains("secret"), "{error}");
        }
        let no_urls = [
            "http://u:secret@x:99999/v1",
            "u:secret@x/v1",
            "http:///u:secret@",
            "ftp://u:secret@x",
            "//secret@x?secret",
        ];
        for secret in no_urls.into_iter().chain(["http://u:sec@ret@[::1/v1", "http://u:secret@", "secret@x#secret"]) {
            let error = format!("{0} {0:?}", address(secret).unwrap_err());
            assert!(error.contains("***") && !error.contains("secret") && !error.contains("ret@"), "{error}");
        }
        assert_eq!(redacted("http://localhost:8000/v1"), "http://localhost:8000/v1");
    }

    #[test]
    fn wrong_values_are_named() {
        let check = |key: &str, change: &dyn Fn(&mut Endpoint)| {
            let mut endpoint = Endpoint::new("http://x/v1", "m");
            change(&mut endpoint);
            let error = endpoint.check().unwrap_err().to_string();
            assert!(error.contains(&format!("`{key}`")), "{key}: {error}");
        };
        check("model", &|e| e.model = " ".to_owned());
        check("timeout_s", &|e| e.timeout_s = 0.0);
        check("timeout_s", &|e| e.timeout_s = f64::NAN);
        check("timeout_s", &|e| e.timeout_s = 1e300);
        check("backoff_s", &|e| e.backoff_s = -1.0);
        check("backoff_max_s", &|e| e.backoff_max_s = 0.5);
        check("in_flight", &|e| e.in_flight = 0);
        check("requests_per_minute", &|e| e.requests_per_minute = Some(0.0));
        check("max_tokens", &|e| e.max_tokens = 0);
        check("temperature", &|e| e.temperature = f64::INFINITY);
        check("price_in", &|e| e.price_in = -1.0);
        check("max_cost", &|e| e.max_cost = Some(1.0));
        check("extra", &|e| drop(e.extra.insert("stream".to_owned(), true.into())));
        check("omit", &|e| e.omit = vec!["model".to_owned()]);
    }

    #[test]
    fn a_cache_does_not_see_limits_or_places() {
        let here = Endpoint::new("http://x/v1", "m");
        let there = Endpoint { url: "http://y".to_owned(), retries: 0, max_cost: Some(1.0), ..here.clone() };
        let warmer = Endpoint { temperature: 0.5, ..here.clone() };
        assert_eq!(here.answering(), there.answering());
        assert_ne!(here.answering(), warmer.answering());
    }
}
