//! The HTTP client of one endpoint: a question in, the text of the answer out, with all callers within the endpoint's limits.
//!
//! ```text
//! question ─► slot ─► budget ─► turn ─► send ─► judge ─► answer
//!             in_flight         per      ▲        │
//!                               minute   └ pause ─┴─► refused: the row, or the run
//! ```
//!
//! Nothing is queued inside: a call is its caller's future, and ends, request included, when that is dropped. A caller's
//! slot is kept while it pauses, so that a server in trouble is asked less. The first error that ends the run is given to
//! all later callers, who send nothing.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use serde_json::Value;
use tokio::sync::{Notify, Semaphore};

use crate::ask_error::{AnswerError, AskError, Fatal};
use crate::budget::{Budget, Claim, Usage};
use crate::endpoint::{Endpoint, EndpointError, JsonMode, redacted};
use crate::key::Key;
use crate::pace::Pace;
use crate::question::{Answer, Question};
use crate::reply::{Reply, said};
use crate::request;
use crate::status::{Miss, judge, retry_after};

/// Asks one model. Shared by reference; it needs a tokio runtime with time and IO.
pub struct Chat {
    endpoint: Endpoint,
    address: Url,
    key: Key,
    client: Client,
    slots: Semaphore,
    pace: Pace,
    budget: Budget,
    mode: Mutex<JsonMode>,
    ended: OnceLock<Fatal>,
    end: Notify,
    note: Box<dyn Fn(&str) + Send + Sync>,
}

/// A longer answer is no answer, whatever `max_tokens` is.
const MAX_REPLY: usize = 4 << 20;

/// Of a longer error, the beginning is read.
const MAX_ERROR: usize = 64 << 10;

/// Where nobody listens, this is when we give up connecting.
const CONNECT: Duration = Duration::from_secs(10);

/// A server that takes longer to say which models it has is not worth waiting for.
const PROBE: Duration = Duration::from_secs(5);

impl Chat {
    /// A client with the key that the endpoint's `key_env` names.
    pub fn new(endpoint: Endpoint) -> Result<Self, EndpointError> {
        let key = endpoint.key_env.as_deref().map_or(Ok(Key::none()), Key::from_env)?;
        Self::with_key(endpoint, key)
    }

    /// A client with a key from elsewhere.
    pub fn with_key(endpoint: Endpoint, key: Key) -> Result<Self, EndpointError> {
        let address = endpoint.check()?;
        let mut client = Client::builder()
            .timeout(endpoint.timeout())
            .connect_timeout(CONNECT.min(endpoint.timeout()))
            .redirect(Policy::none())
            .user_agent(concat!("spatialmill/", env!("CARGO_PKG_VERSION")));
        if is_this_machine(&address) {
            client = client.no_proxy();
        }
        Ok(Self {
            address,
            key,
            client: client.build().map_err(|error| EndpointError::Client(causes(error)))?,
            slots: Semaphore::new(endpoint.in_flight),
            pace: Pace::new(endpoint.requests_per_minute),
            budget: Budget::new(&endpoint),
            mode: Mutex::new(endpoint.json),
            ended: OnceLock::new(),
            end: Notify::new(),
            note: Box::new(|_| {}),
            endpoint,
        })
    }

    /// `note` is told, once each, what a person should know of a run that goes on.
    pub fn noting(mut self, note: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.note = Box::new(note);
        self
    }

    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The counts so far.
    pub fn usage(&self) -> Usage {
        self.budget.usage()
    }

    /// Whether the server is there and takes the key, without a question: it is asked which models it has, which costs nothing. What it is found to
    /// be, for people.
    pub async fn probe(&self) -> Result<String, Fatal> {
        let mut address = self.address.clone();
        address.set_path(&self.address.path().replace("/chat/completions", "/models"));
        let mut request = self.client.get(address).timeout(PROBE.min(self.endpoint.timeout()));
        if let Some(header) = self.key.header() {
            request = request.header(AUTHORIZATION, header);
        }
        let unreachable = |error| Fatal::Unreachable { url: redacted(&self.endpoint.url), why: causes(error) };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let (body, cut) = read_body(response, MAX_REPLY).await.map_err(unreachable)?;
        if !status.is_success() {
            let said = said(&body, &self.key, cut);
            return match status.as_u16() {
                // Some servers have no list of models.
                404 | 405 | 501 => Ok(format!("it answers, and does not say which models it has (HTTP {status})")),
                code => match judge(code, &said, None, false) {
                    Miss::Run(fatal) => Err(fatal),
                    _ => Err(Fatal::Unreachable {
                        url: redacted(&self.endpoint.url),
                        why: format!("HTTP {status}: {said}"),
                    }),
                },
            };
        }
        let models = listed(&body);
        match models.contains(&self.endpoint.model) {
            true => Ok("it answers, and has the model".to_owned()),
            false if models.is_empty() => Ok("it answers, and does not say which models it has".to_owned()),
            false => {
                // No failure: some servers answer to any name.
                let few: Vec<String> =
                    models.iter().take(5).map(|name| said(name.as_bytes(), &self.key, false)).collect();
                Ok(format!("it answers; the model is not among the {} that it lists: {}", models.len(), few.join(", ")))
            }
        }
    }

    /// The model's answer, unread.
    pub async fn ask(&self, question: &Question) -> Result<Answer, AskError> {
        let outcome = self.tries(question).await;
        match &outcome {
            Ok(_) => self.budget.answered(),
            Err(refused) => self.budget.failed(refused.code()),
        }
        if let Err(AskError::Fatal(fatal)) = &outcome {
            // Only the first is kept.
            let _ = self.ended.set(fatal.clone());
            self.end.notify_waiters();
        }
        outcome
    }

    /// The model's answer as `read` understands it; what it does not understand is counted as a failure too.
    pub async fn ask_for<T>(
        &self,
        question: &Question,
        read: impl FnOnce(&str) -> Result<T, AnswerError>,
    ) -> Result<T, AskError> {
        let answer = self.ask(question).await?;
        read(&answer.text).map_err(|refusal| {
            self.budget.failed(refusal.code);
            refusal.into()
        })
    }

    async fn tries(&self, question: &Question) -> Result<Answer, AskError> {
        let most = request::most(question, &self.endpoint);
        let _slot = self.unless_ended(self.slots.acquire()).await?.expect("the slots are never closed");
        let (mut body, mut mode) = (Bytes::new(), None);
        let mut failed = 0;
        // How many replies there were when, in a row, the first of this call's tries found nobody to connect to.
        let mut alone_since = None;
        loop {
            let now = self.mode();
            if mode != Some(now) {
                (body, mode) = (request::body(question, &self.endpoint, now), Some(now));
            }
            let is_held = question.schema.is_some() && now != JsonMode::None;
            let claim = self.unless_ended(self.budget.claim(most)).await??;
            self.unless_ended(self.pace.turn()).await?;
            match self.send(body.clone(), claim, failed > 0, is_held).await {
                Ok(answer) => return Ok(answer),
                Err(Miss::Simpler) => self.simpler(now),
                Err(Miss::Row(refusal)) => return Err(refusal.into()),
                Err(Miss::Run(fatal)) => return Err(fatal.into()),
                Err(Miss::Again(refusal, wait)) => {
                    let replies = self.budget.replies();
                    alone_since = (refusal.code == NOBODY).then(|| alone_since.unwrap_or(replies));
                    if failed == self.endpoint.retries {
                        // A connection that breaks may be this row's doing, unless none ever held.
                        let is_gone = alone_since == Some(replies) || (refusal.code == BROKEN && replies == 0);
                        return Err(match is_gone {
                            true => {
                                Fatal::Unreachable { url: redacted(&self.endpoint.url), why: refusal.message }.into()
                            }
                            false => refusal.into(),
                        });
                    }
                    self.unless_ended(self.pause(failed, wait)).await?;
                    failed += 1;
                }
            }
        }
    }

    /// Waits, but not on for a run that has ended.
    async fn unless_ended<T>(&self, wait: impl Future<Output = T>) -> Result<T, Fatal> {
        let end = self.end.notified();
        tokio::pin!(end);
        // From here on, so that no end between the look and the wait is missed.
        end.as_mut().enable();
        if let Some(fatal) = self.ended.get() {
            return Err(fatal.clone());
        }
        tokio::select! {
            biased;
            () = end => Err(self.ended.get().cloned().expect("the end is told after it is set")),
            done = wait => Ok(done),
        }
    }

    /// One call.
    async fn send(&self, body: Bytes, mut claim: Claim<'_>, is_retry: bool, is_held: bool) -> Result<Answer, Miss> {
        let mut request = self.client.post(self.address.clone()).header(CONTENT_TYPE, "application/json").body(body);
        if let Some(header) = self.key.header() {
            request = request.header(AUTHORIZATION, header);
        }
        claim.sent(is_retry);
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) if error.is_connect() => {
                claim.free();
                return Err(broken(error));
            }
            Err(error) => return Err(broken(error)),
        };
        self.budget.replied();
        let status = response.status();
        if !status.is_success() {
            // Before its body is read, which may take time: the others should know of it.
            let wait = response
                .headers()
                .get(RETRY_AFTER)
                .and_then(|wait| retry_after(wait.to_str().ok()?, SystemTime::now()));
            if let Some(wait) = wait {
                self.pace.hold(self.capped(wait));
            }
            claim.free();
            // A refusal that breaks off is a refusal none the less.
            let (text, cut) = read_body(response, MAX_ERROR).await.unwrap_or_default();
            return Err(judge(status.as_u16(), &said(&text, &self.key, cut), wait, is_held));
        }
        let (text, cut) = read_body(response, MAX_REPLY).await.map_err(broken)?;
        if cut {
            let message = format!("the reply is longer than {MAX_REPLY} bytes");
            return Err(Miss::Row(AnswerError::new("vlm_bytes", message)));
        }
        let reply = Reply::read(&text, &self.key);
        claim.paid(reply.used);
        reply.answer.map_err(Miss::Row)
    }

    fn mode(&self) -> JsonMode {
        *self.mode.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From `refused` to the next mode, unless another caller was faster.
    fn simpler(&self, refused: JsonMode) {
        let mut mode = self.mode.lock().unwrap_or_else(PoisonError::into_inner);
        if *mode != refused {
            return;
        }
        let note = match refused {
            JsonMode::Schema => "the server takes no JSON schema: asking for a JSON object",
            JsonMode::Object | JsonMode::None => "the server cannot be held to JSON: the prompt alone asks for it",
        };
        *mode = if refused == JsonMode::Schema { JsonMode::Object } else { JsonMode::None };
        drop(mode);
        (self.note)(note);
    }

    async fn pause(&self, failed: u32, wait: Option<Duration>) {
        let doubled = self.endpoint.backoff_s * 2f64.powi(failed.min(30) as i32);
        let pause = Duration::from_secs_f64(doubled.min(self.endpoint.backoff_max_s) * (0.5 + 0.5 * chance()));
        tokio::time::sleep(self.capped(wait.unwrap_or_default()).max(pause)).await;
    }

    fn capped(&self, wait: Duration) -> Duration {
        wait.min(Duration::from_secs_f64(self.endpoint.backoff_max_s))
    }
}

impl fmt::Debug for Chat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chat").field("endpoint", &self.endpoint).field("key", &self.key).finish_non_exhaustive()
    }
}

/// The body, or as much of it as `most` allows; true when there was more.
async fn read_body(mut response: Response, most: usize) -> reqwest::Result<(Vec<u8>, bool)> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = most - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            return Ok((body, true));
        }
    }
    Ok((body, false))
}

/// The names in a list of models.
fn listed(body: &[u8]) -> Vec<String> {
    let list: Value = serde_json::from_slice(body).unwrap_or_default();
    let models = list.get("data").and_then(Value::as_array).into_iter().flatten();
    models.filter_map(|model| Some(model.get("id")?.as_str()?.to_owned())).collect()
}

/// The server is not there, or the way to it.
const NOBODY: &str = "vlm_connect";

/// It was there, and broke off.
const BROKEN: &str = "vlm_broken";

/// A call that has no reply, or half of one.
fn broken(error: reqwest::Error) -> Miss {
    let code = match (error.is_connect(), error.is_timeout()) {
        (true, _) => NOBODY,
        (false, true) => "vlm_timeout",
        (false, false) => BROKEN,
    };
    Miss::Again(AnswerError::new(code, causes(error)), None)
}

/// The error and what caused it, on one line; the outermost alone says "error sending request".
fn causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut line = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        line += &format!(": {error}");
        cause = error.source();
    }
    line
}

/// A server on this machine is not asked through the proxy that the environment names.
fn is_this_machine(address: &Url) -> bool {
    let host = address.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

/// 0 to 1, from the seeds that std draws for its maps: pauses are the one thing here that may differ between runs.
fn chance() -> f64 {
    RandomState::new().build_hasher().finish() as f64 / u64::MAX as f64
}
