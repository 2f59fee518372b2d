//! What is never exceeded: calls at a time, calls a minute, cost, tokens; and that the counts add up under all of it.

use std::time::{Duration, Instant};

use spatialmill_chat::{AskError, Chat, Endpoint, Fatal, Question, Usage};
use tokio::task::JoinSet;

use crate::server::{Act, Server};
use crate::{chat, endpoint, question, soon, until};

/// All of `count` questions at once; how many had an answer.
async fn ask_all(chat: Chat, count: usize) -> (usize, Usage) {
    let chat = std::sync::Arc::new(chat);
    let mut calls = JoinSet::new();
    for number in 0..count {
        let chat = chat.clone();
        calls.spawn(async move { chat.ask(&question(&format!("question {number}"))).await.is_ok() });
    }
    let answered = soon(calls.join_all()).await.into_iter().filter(|answered| *answered).count();
    (answered, chat.usage())
}

#[tokio::test]
async fn calls_at_a_time() {
    let server = Server::start(|_, _| Act::together(3, Act::after(10, Act::say("ok")))).await;
    let (answered, usage) = ask_all(Chat::new(Endpoint { in_flight: 3, ..endpoint(&server) }).unwrap(), 30).await;
    assert_eq!((answered, usage.requests, server.most_busy()), (30, 30, 3));
}

#[tokio::test]
async fn calls_a_minute() {
    let server = Server::start(|_, _| Act::say("ok")).await;
    let limited = Endpoint { requests_per_minute: Some(60.0 * 25.0), ..endpoint(&server) };
    let start = Instant::now();
    let (answered, _) = ask_all(Chat::new(limited).unwrap(), 6).await;
    assert_eq!(answered, 6);
    // The sixth starts five spaces of 40 ms after the first.
    assert!(start.elapsed() >= Duration::from_millis(200));
}

/// The most that `question 0` may use beside what it may be answered with: see `AROUND` in `request.rs`.
const PROMPT: u64 = "question 0".len() as u64 + 256;

#[tokio::test]
async fn tokens_never_pass_their_limit() {
    for in_flight in [1, 8] {
        // Each call uses all that it may: five fit, and one token is left over.
        let server = Server::start(|_, _| Act::after(5, Act::Say("ok".to_owned(), PROMPT, 100))).await;
        let limited = Endpoint {
            in_flight,
            max_tokens: 100,
            max_tokens_total: Some(5 * (PROMPT + 100) + 1),
            ..endpoint(&server)
        };
        let (answered, usage) = ask_all(Chat::new(limited).unwrap(), 10).await;
        assert_eq!((answered, usage.requests, server.requests().len()), (5, 5, 5));
        assert_eq!((usage.prompt_tokens, usage.completion_tokens), (5 * PROMPT, 500));
        assert_eq!(usage.failures["budget"], 5);
    }
}

#[tokio::test]
async fn cost_never_passes_its_limit() {
    let server = Server::start(|_, _| Act::Say("ok".to_owned(), 66, 50)).await;
    let limited = Endpoint {
        max_tokens: 100,
        price_in: 1000.0,
        price_out: 10_000.0,
        // A call may cost 0.266 + 1 and does cost 0.066 + 0.5: the fourth is sent at 1.698, the fifth not at 2.264.
        max_cost: Some(3.0),
        ..endpoint(&server)
    };
    let chat = Chat::new(limited).unwrap();
    for _ in 0..4 {
        soon(chat.ask(&question("question 0"))).await.unwrap();
    }
    let refused = soon(chat.ask(&question("question 0"))).await.unwrap_err();
    assert!(matches!(refused, AskError::Fatal(Fatal::Budget(_))), "{refused}");
    assert!((chat.usage().cost - 2.264).abs() < 1e-9 && server.requests().len() == 4, "{:?}", chat.usage());
}

#[tokio::test]
async fn calls_that_break_off_are_paid_for() {
    let server = Server::start(|_, _| Act::HalfBody { announced: true }).await;
    let limited =
        Endpoint { retries: 100, max_tokens: 100, max_tokens_total: Some(3 * (PROMPT + 100)), ..endpoint(&server) };
    let chat = Chat::new(limited).unwrap();
    assert_eq!(soon(chat.ask(&question("question 0"))).await.unwrap_err().code(), "budget");
    let usage = chat.usage();
    assert_eq!((server.requests().len(), usage.requests, usage.unreported), (3, 3, 3));
}

#[tokio::test]
async fn a_call_that_is_dropped_is_over() {
    let server = Server::start(|_, _| Act::Never).await;
    let chat = Chat::new(Endpoint { in_flight: 1, ..endpoint(&server) }).unwrap();
    // The second finds its slot free again.
    let question = question("?");
    for call in 1..=2 {
        tokio::select! {
            _ = chat.ask(&question) => panic!("the server never answers"),
            () = until(|| server.requests().len() == call) => {}
        }
        until(|| server.hung_up() == call).await;
        let (usage, call) = (chat.usage(), call as u64);
        assert_eq!((usage.requests, usage.in_flight, usage.unreported), (call, 0, call));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_add_up_when_everything_fails_at_times() {
    let server = Server::start(|number, _| match number % 11 {
        0 => Act::status(500),
        1 => Act::status(429),
        2 => Act::status(400),
        3 => Act::HalfBody { announced: true },
        4 => Act::HalfBody { announced: false },
        5 => Act::Status(503, "retry-after: 0\r\n", "{".to_owned()),
        6 => Act::after(3, Act::say("slow")),
        _ => Act::say("ok"),
    })
    .await;
    let (answered, usage) = ask_all(chat(&server), 300).await;
    let requests = server.requests().len() as u64;
    assert_eq!((usage.requests, usage.answers, usage.in_flight), (requests, answered as u64, 0));
    assert_eq!(usage.answers + usage.failures.values().sum::<u64>(), 300);
    // Each question is sent once, and once more for each retry.
    assert_eq!(usage.requests - usage.retries, 300);
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (10 * usage.answers, 5 * usage.answers));
    // By the script, of every eleven requests two break off or end in half an envelope.
    let broken = server_count(requests, 3) + server_count(requests, 4);
    assert_eq!((usage.unreported, server.most_busy() <= 8), (broken, true));
}

/// Of `requests`, those with that remainder of 11.
fn server_count(requests: u64, remainder: u64) -> u64 {
    (requests + 10 - remainder) / 11
}

#[test]
fn futures_may_move_between_threads() {
    fn is_send<T: Send>(_: &T) {}
    let chat = Chat::new(Endpoint::new("http://localhost:1", "m")).unwrap();
    let question = Question::default();
    is_send(&chat.ask(&question));
}
