//! Asks one question of a server, and prints the answer and what it took.
//!
//! ```sh
//! cargo run -p spatialmill-chat --example ask -- http://localhost:8000/v1 Qwen3-VL-8B "What is this? Answer with JSON." chair.jpg
//! ```
//!
//! The key is taken from `CHAT_KEY`, where that is set. With `--json` in front, the server is held to `{"answer": ".."}`.

use std::error::Error;

use serde_json::json;
use spatialmill_chat::{Chat, Endpoint, Image, Question, Schema};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let held = arguments.first().is_some_and(|first| first == "--json");
    arguments.drain(..usize::from(held));
    let [url, model, prompt, images @ ..] = arguments.as_slice() else {
        return Err("wanted: [--json] URL MODEL PROMPT [IMAGE]..".into());
    };
    let key_env = std::env::var_os("CHAT_KEY").map(|_| "CHAT_KEY".to_owned());
    let endpoint = Endpoint { key_env, max_tokens: 200, ..Endpoint::new(url, model) };
    let chat = Chat::new(endpoint)?.noting(|note| eprintln!("note: {note}"));

    let mut question = Question { prompt: prompt.clone(), ..Question::default() };
    for path in images {
        let bytes = std::fs::read(path)?;
        question.images.push(if path.ends_with(".png") { Image::png(bytes) } else { Image::jpeg(bytes) });
    }
    question.schema = held.then(|| Schema {
        name: "answer",
        schema: json!({
            "type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"], "additionalProperties": false,
        }),
    });
    let outcome = chat.ask(&question).await;
    eprintln!("{:#?}", chat.usage());
    let answer = outcome?;
    println!("{}", answer.text);
    eprintln!("({}, {} tokens)", answer.finish_reason, answer.completion_tokens);
    Ok(())
}
