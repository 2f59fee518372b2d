//! The client against a server that misbehaves.

mod failing;
mod limits;
mod server;

use std::time::Duration;

use spatialmill_chat::{Chat, Endpoint, Question, Schema};

/// Short of patience, so that nothing here takes long.
fn endpoint(server: &server::Server) -> Endpoint {
    Endpoint {
        timeout_s: 5.0,
        retries: 2,
        backoff_s: 0.005,
        backoff_max_s: 0.05,
        ..Endpoint::new(server.url.clone(), "test-model")
    }
}

fn chat(server: &server::Server) -> Chat {
    Chat::new(endpoint(server)).unwrap()
}

fn question(prompt: &str) -> Question {
    Question { prompt: prompt.to_owned(), ..Question::default() }
}

fn question_with_schema() -> Question {
    let schema = Schema { name: "any", schema: serde_json::json!({"type": "object"}) };
    Question { schema: Some(schema), ..question("JSON, please") }
}

/// Comes back when something is true.
async fn until(is_true: impl Fn() -> bool) {
    soon(async {
        while !is_true() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Fails, and does not hang, where something never ends.
async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), work).await.expect("it hangs")
}
