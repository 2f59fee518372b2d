//! Errors of a call: one that concerns one row, or one that ends the run.

use thiserror::Error;

/// What a row, or one thing in an answer, is refused for. The code is short and can be counted; the message is for a person.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message} ({code})")]
pub struct AnswerError {
    pub code: &'static str,
    pub message: String,
}

impl AnswerError {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// What a run ends for: the next row would fail for the same reason.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fatal {
    /// Nothing more is sent, because the next call could go beyond a limit.
    #[error("the budget is spent: {0}")]
    Budget(String),
    /// 401, 402, 403, or a quota that is used up.
    #[error("the server refuses the key: {0}")]
    Key(String),
    /// 404.
    #[error("the server knows no such model or address: {0}")]
    NotFound(String),
    /// A model without eyes was sent an image.
    #[error("the model takes no images: {0}")]
    Blind(String),
    /// A redirection, which is not followed: the key would go to whom the answer names.
    #[error("the server redirects, so that `url` is not its address: {0}")]
    Redirected(String),
    /// Nobody is there: no call had a reply while one was tried as often as it may be.
    #[error("the server at `{url}` cannot be reached: {why}")]
    Unreachable { url: String, why: String },
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AskError {
    /// This row goes to quarantine; the run goes on.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The run stops.
    #[error(transparent)]
    Fatal(#[from] Fatal),
}

impl AskError {
    /// What failures are counted by.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Answer(answer) => answer.code,
            Self::Fatal(Fatal::Budget(_)) => "budget",
            Self::Fatal(Fatal::Key(_)) => "key",
            Self::Fatal(Fatal::NotFound(_)) => "not_found",
            Self::Fatal(Fatal::Blind(_)) => "blind",
            Self::Fatal(Fatal::Redirected(_)) => "redirected",
            Self::Fatal(Fatal::Unreachable { .. }) => "unreachable",
        }
    }
}
