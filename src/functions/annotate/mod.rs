//! Inference: the functions that ask models (`detect`, `segment`, `depth`, `intrinsics`, `gravity`, `caption`, `ground`).
//!
//! ```text
//! (uri, sha256, ..., model) ─► said before? ─► picture ─► prepare ─► network ─► decode ─► kept ─► rows
//! ```
//!
//! Each takes an image's URL and hash and a model's name, and gives a list of rows. Without a model, or without an image, the list is empty. What a
//! model gave that cannot be used, or that it gave nothing, is a quarantined row; memory that runs out for one picture is an error.

pub mod camera;
pub mod caption;
pub mod depth;
pub mod detect;
pub mod segment;
mod things;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field};
use datafusion::error::{DataFusionError, Result};
use futures::{StreamExt, TryStreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use spatialmill_chat::{AnswerError, AskError};
use spatialmill_models::{Inputs, InvalidOutput, Outputs, Rgb, RunError, Task};

use crate::error::Error;
use crate::models::{Backend, ChatModel, DecodedImage, Key, Model, Models, chat_model};
use crate::photos::Address;
use crate::tables::Unusable;

/// Pictures of one slice: enough that a slice is worth its while, few enough that results flow.
pub const ROWS_AT_ONCE: usize = 8;

/// The code of a row that a network gave nothing for.
pub const MODEL_FAILED: &str = "model_failed";

/// One row's picture, and the model that is asked about it.
#[derive(Clone)]
pub struct Ask {
    pub models: Arc<Models>,
    pub model: Arc<Model>,
    uri: String,
    sha256: Option<String>,
}

/// Why a row has no answer.
pub enum RowError {
    /// The row is quarantined.
    Unusable(Unusable),
    /// The run stops.
    Fatal(Error),
}

impl From<Unusable> for RowError {
    fn from(why: Unusable) -> Self {
        Self::Unusable(why)
    }
}

impl From<Error> for RowError {
    fn from(error: Error) -> Self {
        Self::Fatal(error)
    }
}

impl From<InvalidOutput> for RowError {
    fn from(output: InvalidOutput) -> Self {
        Self::Unusable(Unusable::new(format!("model_{}", output.code), output.message))
    }
}

impl From<AskError> for RowError {
    fn from(refused: AskError) -> Self {
        match refused {
            AskError::Answer(AnswerError { code, message }) => Self::Unusable(Unusable::new(code, message)),
            AskError::Fatal(fatal) => Self::Fatal(chat_model::ended(&fatal)),
        }
    }
}

impl From<RunError> for RowError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Failed(message) => Self::Unusable(Unusable::new(MODEL_FAILED, message)),
            RunError::OutOfMemory(_) => Self::Fatal(
                Error::input(error.to_string())
                    .hint("one picture does not fit; `sessions = 1` of the model takes less"),
            ),
            RunError::Stopped => Self::Fatal(Error::internal(error.to_string())),
        }
    }
}

/// The rows of each row's list. `call` is given the row's number and, where there is a model and an image, what to ask.
pub async fn each_row<T, F>(
    task: Task,
    models: &Arc<Models>,
    [uris, hashes, names]: [&ArrayRef; 3],
    call: impl Fn(usize, Ask) -> F,
) -> Result<Vec<Vec<T>>>
where
    F: Future<Output = Result<Vec<T>, RowError>>,
    T: FromUnusable,
{
    let (uris, hashes, names) = (text(uris)?, text(hashes)?, text(names)?);
    let value = |array: &StringArray, row: usize| {
        (array.is_valid(row) && !array.value(row).is_empty()).then(|| array.value(row).to_owned())
    };
    let mut asks = Vec::with_capacity(uris.len());
    for row in 0..uris.len() {
        asks.push(match (value(&uris, row), value(&names, row)) {
            (Some(uri), Some(name)) => {
                let (models, model) = (Arc::clone(models), models.get(&name, task).await?);
                Some(Ask { models, model, uri, sha256: value(&hashes, row) })
            }
            _ => None,
        });
    }
    let work = asks.into_iter().enumerate().map(|(row, ask)| {
        let name = ask.as_ref().map(|ask| ask.model.entry.name.clone()).unwrap_or_default();
        let asked = ask.map(|ask| call(row, ask));
        async move {
            let Some(asked) = asked else { return Ok(Vec::new()) };
            let answer = asked.await;
            models.count_image();
            match answer {
                Ok(rows) => Ok(rows),
                Err(RowError::Unusable(lost)) => Ok(vec![T::from_unusable(lost)]),
                Err(RowError::Fatal(error)) => Err(DataFusionError::from(error.with("model", name))),
            }
        }
    });
    futures::stream::iter(work).buffered(ROWS_AT_ONCE).try_collect().await
}

/// A row that says why there is none.
pub trait FromUnusable {
    fn from_unusable(why: Unusable) -> Self;
}

impl Ask {
    /// What the model says; what it said before where it was asked the same of the same picture.
    pub async fn answer<T, F>(&self, asked: &str, compute: impl FnOnce(DecodedImage) -> F) -> Result<T, RowError>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<T, RowError>>,
    {
        let key = self.key(asked).await?;
        if let Some(answer) = self.models.answers.find(&key).await? {
            return Ok(answer);
        }
        let _turn = match &self.model.backend {
            Backend::Chat(chat_model) => chat_model.turn().await,
            Backend::Networks { .. } => None,
        };
        let answer = compute(self.picture().await?).await?;
        Ok(self.models.answers.keep(&key, &answer).await?)
    }

    /// The picture, decoded: ahead of the model, and then in line for it.
    pub async fn picture(&self) -> Result<DecodedImage, RowError> {
        let image = self.models.image_budget.read(&self.uri).await?;
        Ok(image.with(self.model.slot().await))
    }

    /// The name of an answer; an image that is turned before it is looked at is another one.
    pub async fn key(&self, asked: &str) -> Result<Key, RowError> {
        let address = Address::parse(&self.uri).map_err(|e| Unusable::new("image", e.to_string()))?;
        let sha256 = match &self.sha256 {
            Some(sha256) => sha256.clone(),
            None => self.models.image_budget.hash(&self.uri).await?,
        };
        Ok(self.model.key(&format!("{sha256} {}", address.orientation), asked))
    }

    /// The endpoint that answers.
    pub fn chat_model(&self) -> Result<&Arc<ChatModel>, RowError> {
        match &self.model.backend {
            Backend::Chat(chat_model) => Ok(chat_model),
            Backend::Networks { .. } => Err(Error::internal("a network was asked to chat").into()),
        }
    }

    /// What the model's first network makes of a picture, and the picture again, whose slot others wait for until it is dropped. Preparing and
    /// decoding are work for blocking threads.
    pub async fn through<T: Send + 'static>(
        &self,
        image: DecodedImage,
        prepare: impl FnOnce(&Model, &Rgb) -> Result<Inputs, RowError> + Send + 'static,
        decode: impl FnOnce(&Model, &Outputs, &Rgb) -> Result<T, RowError> + Send + 'static,
    ) -> Result<(T, DecodedImage), RowError> {
        let model = Arc::clone(&self.model);
        let prepared = blocking(move || Ok((prepare(&model, &image.rgb)?, image)));
        let (inputs, image) = prepared.await?;
        let (outputs, model) = (self.model.run(0, inputs).await?, Arc::clone(&self.model));
        blocking(move || Ok((decode(&model, &outputs, &image.rgb)?, image))).await
    }
}

/// Arithmetic, off the threads that wait.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RowError> + Send + 'static,
) -> Result<T, RowError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(died) => Err(RowError::Fatal(Error::internal("a model's adapter died").because(died))),
    }
}

fn text(column: &ArrayRef) -> Result<StringArray> {
    Ok(cast(column, &DataType::Utf8)?.as_string::<i32>().clone())
}

/// A column of text that may be null.
pub fn text_field(name: &str) -> Field {
    Field::new(name, DataType::Utf8, true)
}

/// A number that may be null.
pub fn number_field(name: &str) -> Field {
    Field::new(name, DataType::Float64, true)
}

/// A struct of numbers.
pub fn numbers_field(name: &str, parts: &[&str]) -> Field {
    Field::new(name, DataType::Struct(parts.iter().map(|part| number_field(part)).collect()), true)
}
