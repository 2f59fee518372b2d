//! Each way in which a server fails: what becomes of the row and the run, counted exactly.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use spatialmill_chat::{AnswerError, AskError, Chat, Endpoint, Fatal, JsonMode, Key};

use crate::server::{Act, Server};
use crate::{chat, endpoint, question, question_with_schema, soon, until};

/// Asks one question of a server of which each request is answered by the next of `acts`, the last of them for ever.
async fn check(acts: Vec<Act>, expected: Result<&str, &str>, requests: u64, retries: u64) -> Chat {
    let server = Server::start(move |number, _| acts[number.min(acts.len() - 1)].clone()).await;
    let chat = chat(&server);
    let outcome = soon(chat.ask(&question("what is it?"))).await;
    let usage = chat.usage();
    match (&outcome, expected) {
        (Ok(answer), Ok(text)) => assert_eq!((answer.text.as_str(), usage.answers), (text, 1)),
        (Err(refused), Err(code)) => assert_eq!((refused.code(), usage.failures[code]), (code, 1), "{refused}"),
        _ => panic!("{outcome:?}, not {expected:?}"),
    }
    assert_eq!((usage.requests, usage.retries, usage.in_flight), (requests, retries, 0));
    let seen = server.requests();
    assert_eq!(seen.len() as u64, requests);
    assert!(seen.iter().all(|request| request.line == "POST /v1/chat/completions HTTP/1.1"));
    assert_eq!(usage.answers + usage.failures.values().sum::<u64>(), 1);
    chat
}

#[tokio::test]
async fn an_answer() {
    let chat = check(vec![Act::say("une chaise 椅子 🪑")], Ok("une chaise 椅子 🪑"), 1, 0).await;
    let usage = chat.usage();
    assert_eq!((usage.prompt_tokens, usage.completion_tokens, usage.unreported, usage.cost), (10, 5, 0, 0.0));
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    check(vec![Act::status(500), Act::status(503), Act::say("ok")], Ok("ok"), 3, 2).await;
    check(vec![Act::status(408), Act::HalfBody { announced: true }, Act::say("ok")], Ok("ok"), 3, 2).await;
    check(vec![Act::status(500)], Err("vlm_http"), 3, 2).await;
    check(vec![Act::status(429)], Err("vlm_limited"), 3, 2).await;
    let chat = check(vec![Act::HalfBody { announced: true }], Err("vlm_broken"), 3, 2).await;
    assert_eq!(chat.usage().unreported, 3);
}

#[tokio::test]
async fn what_will_not_pass_is_not() {
    check(vec![Act::status(400)], Err("vlm_http"), 1, 0).await;
    check(vec![Act::status(413)], Err("vlm_http"), 1, 0).await;
    check(vec![Act::HalfBody { announced: false }], Err("vlm_reply"), 1, 0).await;
    check(vec![Act::Huge(5 << 20)], Err("vlm_bytes"), 1, 0).await;
    check(vec![Act::Huge(100)], Err("vlm_reply"), 1, 0).await;
    let chat = check(vec![Act::SayUncounted("ok")], Ok("ok"), 1, 0).await;
    assert_eq!((chat.usage().unreported, chat.usage().prompt_tokens), (1, 0));
}

#[tokio::test]
async fn a_server_that_never_answers_is_left() {
    let server = Server::start(|_, _| Act::Never).await;
    let chat = Chat::new(Endpoint { timeout_s: 0.1, retries: 1, ..endpoint(&server) }).unwrap();
    let refused = soon(chat.ask(&question("?"))).await.unwrap_err();
    assert_eq!(refused.code(), "vlm_timeout");
    let usage = chat.usage();
    assert_eq!((usage.requests, usage.retries, usage.unreported), (2, 1, 2));
    // The connections are closed, not left.
    until(|| server.hung_up() == server.requests().len()).await;
}

#[tokio::test]
async fn a_server_asks_for_patience() {
    for wait in ["retry-after: 3600\r\n", "retry-after: Fri, 01 Jan 2100 00:00:00 GMT\r\n"] {
        let server = Server::start(move |number, _| match number {
            0 => Act::Status(429, wait, "slow down".to_owned()),
            _ => Act::say("ok"),
        })
        .await;
        // An hour and a century are capped.
        let chat = Chat::new(Endpoint { backoff_max_s: 0.15, ..endpoint(&server) }).unwrap();
        let start = Instant::now();
        soon(chat.ask(&question("?"))).await.unwrap();
        assert!(start.elapsed() >= Duration::from_millis(150));
        assert_eq!((chat.usage().requests, chat.usage().retries), (2, 1));
    }
    let server = Server::start(|number, _| match number {
        0 => Act::Status(503, "retry-after: 0\r\n", String::new()),
        _ => Act::say("ok"),
    })
    .await;
    soon(chat(&server).ask(&question("?"))).await.unwrap();
}

#[tokio::test]
async fn patience_is_asked_of_all_callers() {
    let server = Server::start(move |number, _| match number {
        0 => Act::Status(429, "retry-after: 60\r\n", String::new()),
        _ => Act::say("ok"),
    })
    .await;
    let chat = Chat::new(Endpoint { backoff_max_s: 0.15, in_flight: 2, ..endpoint(&server) }).unwrap();
    let (first, second) = (question("1"), question("2"));
    let (a, b) = soon(async {
        tokio::join!(chat.ask(&first), async {
            until(|| chat.usage().requests == 1 && chat.usage().in_flight == 0).await;
            chat.ask(&second).await
        })
    })
    .await;
    a.and(b).unwrap();
    let at: Vec<Instant> = server.requests().iter().map(|request| request.at).collect();
    assert_eq!(at.len(), 3);
    assert!(at[1] - at[0] >= Duration::from_millis(140), "{:?}", at[1] - at[0]);
}

#[tokio::test]
async fn what_every_row_would_fail_for_ends_the_run() {
    let moved = Act::Status(302, "location: http://elsewhere.example/\r\n", String::new());
    for (act, code) in
        [(Act::status(401), "key"), (Act::status(403), "key"), (Act::status(404), "not_found"), (moved, "redirected")]
    {
        let server = Server::start(move |_, _| act.clone()).await;
        let chat = chat(&server);
        let first = soon(chat.ask(&question("?"))).await.unwrap_err();
        assert!(matches!(first, AskError::Fatal(_)) && first.code() == code, "{first}");
        // The second sends nothing.
        assert_eq!(soon(chat.ask(&question("?"))).await.unwrap_err(), first);
        assert_eq!(server.requests().len(), 1);
        assert_eq!(chat.usage().failures, BTreeMap::from([(code, 2)]));
    }
}

#[tokio::test]
async fn the_end_of_a_run_wakes_those_who_wait() {
    let server = Server::start(|number, _| match number {
        0 => Act::after(50, Act::status(401)),
        _ => Act::say("ok"),
    })
    .await;
    // The second call's turn would come in an hour.
    let chat = Chat::new(Endpoint { requests_per_minute: Some(1.0 / 60.0), ..endpoint(&server) }).unwrap();
    let (first, second) = (question("1"), question("2"));
    let (a, b) = soon(async { tokio::join!(chat.ask(&first), chat.ask(&second)) }).await;
    assert_eq!((a.unwrap_err().code(), b.unwrap_err().code(), server.requests().len()), ("key", "key", 1));
}

#[tokio::test]
async fn nobody_listens() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let nobody = Endpoint { retries: 1, backoff_s: 0.001, ..Endpoint::new(format!("http://{free}/v1"), "m") };
    let chat = Chat::new(nobody).unwrap();
    let refused = soon(chat.ask(&question("?"))).await.unwrap_err();
    assert!(matches!(refused, AskError::Fatal(Fatal::Unreachable { .. })), "{refused}");
    assert_eq!((chat.usage().requests, chat.usage().retries, chat.usage().unreported), (2, 1, 0));
}

#[tokio::test]
async fn a_probe_asks_no_question() {
    let replies = [
        (200, r#"{"data": [{"id": "other"}, {"id": "m"}]}"#, "has the model"),
        (200, r#"{"data": [{"id": "other"}]}"#, "not among the 1 that it lists: other"),
        (200, "as you like", "does not say which models"),
        (404, "", "HTTP 404"),
    ];
    for (status, body, expected) in replies {
        let server = Server::start(move |_, _| Act::Status(status, "", body.to_owned())).await;
        let found =
            soon(Chat::new(Endpoint { model: "m".to_owned(), ..endpoint(&server) }).unwrap().probe()).await.unwrap();
        assert!(found.contains(expected), "{found}");
        assert_eq!(server.requests()[0].line, "GET /v1/models HTTP/1.1");
    }
    let server = Server::start(|_, _| Act::Echo(401)).await;
    let chat = Chat::with_key(endpoint(&server), Key::new("sk-secret").unwrap()).unwrap();
    let refused = soon(chat.probe()).await.unwrap_err();
    assert!(matches!(&refused, Fatal::Key(_)) && !refused.to_string().contains("sk-secret"), "{refused}");
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let nobody = Chat::new(Endpoint::new(format!("http://{free}/v1"), "m")).unwrap();
    let refused = soon(nobody.probe()).await.unwrap_err();
    assert!(refused.to_string().contains(&format!("http://{free}/v1")), "{refused}");
    assert_eq!(nobody.usage().requests, 0);
}

#[tokio::test]
async fn a_server_that_is_gone_ends_the_run() {
    let server = Server::start(|number, _| if number < 3 { Act::say("ok") } else { Act::Stop }).await;
    let chat = chat(&server);
    for _ in 0..3 {
        soon(chat.ask(&question("?"))).await.unwrap();
    }
    // The first try breaks off, the others find nobody.
    let refused = soon(chat.ask(&question("?"))).await.unwrap_err();
    assert!(matches!(refused, AskError::Fatal(Fatal::Unreachable { .. })), "{refused}");
    assert_eq!((chat.usage().requests, chat.usage().retries, server.requests().len()), (6, 2, 4));
    assert_eq!(soon(chat.ask(&question("?"))).await.unwrap_err(), refused);
    assert_eq!(chat.usage().requests, 6);
}

#[tokio::test]
async fn a_key_is_sent_and_never_shown() {
    const SECRET: &str = "sk-Very/Secret+Key=";
    for status in [400, 401, 429, 500, 503] {
        let server = Server::start(move |_, _| Act::Echo(status)).await;
        let chat = Chat::with_key(endpoint(&server), Key::new(SECRET).unwrap()).unwrap();
        let refused = soon(chat.ask(&question("?"))).await.unwrap_err();
        let given = server.requests().pop().unwrap().authorization;
        assert_eq!(given, Some(format!("Bearer {SECRET}")));
        let shown = format!("{refused} {refused:?} {chat:?} {:?} {:?}", chat.usage(), chat.endpoint());
        assert!(!shown.contains("Secret") && shown.contains("***"), "{shown}");
    }
    let said = Server::start(|_, request| Act::say(request.authorization.as_deref().unwrap())).await;
    let chat = Chat::with_key(endpoint(&said), Key::new(SECRET).unwrap()).unwrap();
    assert_eq!(soon(chat.ask(&question("?"))).await.unwrap().text, "Bearer ***");
    let keyless = Endpoint { key_env: Some("SPATIALMILL_TEST_UNSET".to_owned()), ..endpoint(&said) };
    assert!(Chat::new(keyless).unwrap_err().to_string().contains("SPATIALMILL_TEST_UNSET"));
}

#[tokio::test]
async fn a_server_that_knows_no_schema_is_asked_with_less() {
    let server = Server::start(|_, request| {
        let form = request.body.pointer("/response_format/type").and_then(|form| form.as_str());
        match form {
            None => Act::say("{}"),
            Some(form) => {
                Act::Status(400, "", json!({"error": format!("response_format {form} not supported")}).to_string())
            }
        }
    })
    .await;
    let notes: Arc<Mutex<Vec<String>>> = Arc::default();
    let noted = notes.clone();
    let chat = chat(&server).noting(move |note| noted.lock().unwrap().push(note.to_owned()));
    let question = question_with_schema();
    let all = soon(async { tokio::join!(chat.ask(&question), chat.ask(&question), chat.ask(&question)) }).await;
    assert!(all.0.is_ok() && all.1.is_ok() && all.2.is_ok());
    assert_eq!((notes.lock().unwrap().len(), chat.usage().retries), (2, 0));
    let before = server.requests().len();
    soon(chat.ask(&question)).await.unwrap();
    assert_eq!((server.requests().len() - before, chat.usage().failures.len()), (1, 0));
    // What was configured is not changed.
    assert_eq!(chat.endpoint().json, JsonMode::Schema);
}

#[tokio::test]
async fn what_cannot_be_read_is_counted_too() {
    let server = Server::start(|_, _| Act::say("a chair, I think")).await;
    let chat = chat(&server);
    let read = |text: &str| Err::<(), _>(AnswerError::new("vlm_json", format!("no JSON: {text}")));
    assert_eq!(soon(chat.ask_for(&question("?"), read)).await.unwrap_err().code(), "vlm_json");
    assert_eq!((chat.usage().answers, chat.usage().failures["vlm_json"]), (1, 1));
}
