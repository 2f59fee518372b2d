//! A server of chat completions on this machine that misbehaves by script, and notes who asked what and when.
//!
//! It is an HTTP/1.1 responder of our own, because libraries do not let a body break off in the middle.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// What is done about one request.
#[derive(Debug, Clone)]
pub enum Act {
    /// An answer, and its tokens read and written.
    Say(String, u64, u64),
    /// An answer without `usage`.
    SayUncounted(&'static str),
    /// Any status, with further header lines, each ending in a line break.
    Status(u16, &'static str, String),
    /// The same after a while.
    After(Duration, Box<Act>),
    /// The same as soon as so many requests have been at work at the same time.
    Together(usize, Box<Act>),
    /// An error that repeats the request's `Authorization`.
    Echo(u16),
    /// A 200 whose body is a whole chat completion, but ends here; announced as complete or as longer.
    HalfBody { announced: bool },
    /// A 200 with so many bytes.
    Huge(usize),
    /// Nothing, until the client hangs up.
    Never,
    /// The server is gone: this call breaks off, as all others do, and nobody listens any more.
    Stop,
}

impl Act {
    pub fn say(text: &str) -> Self {
        Self::Say(text.to_owned(), 10, 5)
    }

    pub fn status(status: u16) -> Self {
        Self::Status(status, "", json!({"error": {"message": "as scripted"}}).to_string())
    }

    pub fn together(count: usize, act: Act) -> Self {
        Self::Together(count, Box::new(act))
    }

    pub fn after(millis: u64, act: Act) -> Self {
        Self::After(Duration::from_millis(millis), Box::new(act))
    }
}

#[derive(Debug, Clone)]
pub struct Request {
    pub at: Instant,
    pub line: String,
    pub authorization: Option<String>,
    pub body: Value,
}

#[derive(Debug, Default)]
struct Log {
    requests: Vec<Request>,
    busy: usize,
    most_busy: usize,
    hung_up: usize,
}

pub struct Server {
    /// The base of its API.
    pub url: String,
    log: Arc<Mutex<Log>>,
}

type Script = dyn Fn(usize, &Request) -> Act + Send + Sync;

impl Server {
    /// `script` is given the number of the request, from 0.
    pub async fn start(script: impl Fn(usize, &Request) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let (log, script): (Arc<Mutex<Log>>, Arc<Script>) = (Arc::default(), Arc::new(script));
        let (shared, stop) = (log.clone(), Arc::new(Notify::new()));
        tokio::spawn(async move {
            // Dropped at the end, and all connections with it.
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    Ok((stream, _)) = listener.accept() => {
                        connections.spawn(serve(stream, shared.clone(), script.clone(), stop.clone()));
                    }
                    () = stop.notified() => return,
                    else => return,
                }
            }
        });
        Self { url, log }
    }

    pub fn requests(&self) -> Vec<Request> {
        self.log.lock().unwrap().requests.clone()
    }

    /// The most requests that it was at work on at the same time.
    pub fn most_busy(&self) -> usize {
        self.log.lock().unwrap().most_busy
    }

    /// Clients that went away before they had their answer.
    pub fn hung_up(&self) -> usize {
        self.log.lock().unwrap().hung_up
    }
}

async fn serve(mut stream: TcpStream, log: Arc<Mutex<Log>>, script: Arc<Script>, stop: Arc<Notify>) {
    let mut pending = Vec::new();
    while let Some(request) = read(&mut stream, &mut pending).await {
        let number = {
            let mut log = log.lock().unwrap();
            log.requests.push(request.clone());
            log.busy += 1;
            log.most_busy = log.most_busy.max(log.busy);
            log.requests.len() - 1
        };
        let mut act = script(number, &request);
        if let Act::Together(count, then) = act {
            while log.lock().unwrap().most_busy < count {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            act = *then;
        }
        if let Act::After(pause, then) = act {
            tokio::time::sleep(pause).await;
            act = *then;
        }
        if let Act::Stop = act {
            stop.notify_one();
            // Until this is dropped with the others.
            return std::future::pending().await;
        }
        if let Act::Never = act {
            // A client that waits sends nothing more: this ends when it closes.
            let _ = stream.read(&mut [0; 1]).await;
            let mut log = log.lock().unwrap();
            log.busy -= 1;
            log.hung_up += 1;
            return;
        }
        let breaks_off = matches!(act, Act::HalfBody { announced: true });
        let bytes = response(act, &request);
        log.lock().unwrap().busy -= 1;
        if stream.write_all(&bytes).await.is_err() || breaks_off {
            return;
        }
    }
}

/// The next request of a connection.
async fn read(stream: &mut TcpStream, pending: &mut Vec<u8>) -> Option<Request> {
    let head_end = loop {
        if let Some(at) = pending.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        more(stream, pending).await?;
    };
    let head = String::from_utf8(pending[..head_end].to_vec()).unwrap();
    let header = |name: &str| {
        head.lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v)
    };
    let length: usize = header("content-length").unwrap_or("0").parse().unwrap();
    while pending.len() < head_end + length {
        more(stream, pending).await?;
    }
    let body = match length {
        0 => Value::Null,
        _ => serde_json::from_slice(&pending[head_end..head_end + length]).unwrap(),
    };
    let (line, authorization) = (head.lines().next().unwrap().to_owned(), header("authorization").map(str::to_owned));
    pending.drain(..head_end + length);
    Some(Request { at: Instant::now(), line, authorization, body })
}

async fn more(stream: &mut TcpStream, pending: &mut Vec<u8>) -> Option<()> {
    let mut chunk = [0; 16 << 10];
    let count = stream.read(&mut chunk).await.ok().filter(|count| *count > 0)?;
    pending.extend_from_slice(&chunk[..count]);
    Some(())
}

fn response(act: Act, request: &Request) -> Vec<u8> {
    let plain = |status: u16, headers: &str, body: &str| {
        let length = body.len();
        format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n{body}").into_bytes()
    };
    let completion = |text: &str| {
        json!({"object": "chat.completion", "choices": [
            {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        ]})
    };
    match act {
        Act::Say(text, read, written) => {
            let mut body = completion(&text);
            body["usage"] = json!({"prompt_tokens": read, "completion_tokens": written});
            plain(200, "", &body.to_string())
        }
        Act::SayUncounted(text) => plain(200, "", &completion(text).to_string()),
        Act::Status(status, headers, body) => plain(status, headers, &body),
        Act::Echo(status) => {
            let given = request.authorization.as_deref().unwrap_or_default();
            let body = json!({"error": {"message": format!("wrong credentials `{given}`"), "code": status}});
            plain(status, &format!("x-echo: {given}\r\n"), &body.to_string())
        }
        Act::HalfBody { announced } => {
            let whole = completion("half").to_string();
            let half = &whole[..whole.len() / 2];
            let length = if announced { whole.len() } else { half.len() };
            format!("HTTP/1.1 200 X\r\ncontent-length: {length}\r\n\r\n{half}").into_bytes()
        }
        Act::Huge(length) => plain(200, "", &"x".repeat(length)),
        Act::After(..) | Act::Together(..) | Act::Never | Act::Stop => unreachable!("done before"),
    }
}
