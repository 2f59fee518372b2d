//! Asks a vision-language model over an OpenAI-compatible HTTP API: vLLM, SGLang, llama.cpp, hosted models.
//!
//! ```text
//! prompt file ─► template ─┐
//! JPEG bytes ──────────────┼─► step ─► question ─► Chat ─► text ─► step ─► boxes, phrases, yes or no
//! phrase, box ─────────────┘  detect,              │               reads strictly, refuses with a code
//!                             ground, ..           └─ retries, rates, budget
//! ```
//!
//! In go bytes of images and texts, out come pixel floats and phrases, or a [`AnswerError`] that a row is quarantined with.
//! Nothing is stored here: answers are cached, and images prepared, by whoever asks. No Arrow, no files; the key comes from
//! the environment and is shown nowhere.

mod answer;
mod ask_error;
mod budget;
mod chat;
mod coordinates;
mod endpoint;
mod key;
mod pace;
mod phrase;
mod question;
mod reply;
mod request;
mod status;
mod steps;
mod template;

pub use ask_error::{AnswerError, AskError, Fatal};
pub use budget::Usage;
pub use chat::Chat;
pub use coordinates::{Coordinates, Size};
pub use endpoint::{Endpoint, EndpointError, JsonMode};
pub use key::Key;
pub use phrase::noun_phrase;
pub use question::{Answer, Image, Question, Schema};
pub use steps::caption::Caption;
pub use steps::detect::{Detect, Detected, Detections};
pub use steps::ground::{Ground, Grounded};
pub use steps::verify::Verify;
pub use steps::{InvalidItem, Sent};
pub use template::{Places, TemplateError, lint};
