//! What models said, kept: a file an answer, named by what it depends on.
//!
//! ```text
//! _answers/detect/<model>-<hash of its files and parameters>/3f/<hash of the picture and of what was asked>.json
//! ```
//!
//! An answer is durable as soon as it is there, and before the shard that it is for: a run that was killed asks again for what was being
//! computed, and a template that changed asks nothing. A file that cannot be read is no answer. Everything below `_answers` may be removed but the
//! depth images, to which the table `depths` points.

use object_store::{ObjectStoreExt, PutPayload};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Context, Error, Result};
use crate::warehouse::Location;

/// The answers of a warehouse.
#[derive(Debug, Clone)]
pub struct Answers {
    warehouse: Location,
}

/// The name of one answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    folder: String,
    name: String,
}

impl Key {
    /// `folder` is the model's, `parts` are the picture's hash and whatever else the answer depends on.
    pub fn new(folder: &str, parts: &[&str]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
        Self { folder: folder.to_owned(), name: hasher.finalize().to_hex()[..32].to_owned() }
    }

    fn path(&self, ending: &str) -> String {
        format!("_answers/{}/{}/{}.{ending}", self.folder, &self.name[..2], self.name)
    }
}

impl Answers {
    /// In this warehouse.
    pub fn at(warehouse: Location) -> Self {
        Self { warehouse }
    }

    /// What was said before.
    pub async fn find<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>> {
        let found = match self.warehouse.store().get(&self.warehouse.path(&key.path("json"))).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(e) => return Err(Error::input("cannot read what a model said before").because(e)),
        };
        let bytes = found.bytes().await.or_input(|| "cannot read what a model said before".into())?;
        Ok(serde_json::from_slice(&bytes).ok())
    }

    /// Keeps an answer, and gives it back as whoever finds it later will read it: a number that JSON rounds is rounded from the start.
    pub async fn keep<T: Serialize + DeserializeOwned>(&self, key: &Key, answer: &T) -> Result<T> {
        let json = serde_json::to_vec(answer).or_internal(|| "an answer has no JSON form".into())?;
        let kept = serde_json::from_slice(&json).or_internal(|| "an answer does not read back".into())?;
        self.put(&key.path("json"), json.into()).await?;
        Ok(kept)
    }

    /// Keeps a file beside an answer; before the answer, which says that it is there.
    pub async fn keep_file(&self, key: &Key, ending: &str, bytes: Vec<u8>) -> Result<()> {
        self.put(&key.path(ending), bytes.into()).await
    }

    /// The URL of a file beside an answer.
    pub fn url(&self, key: &Key, ending: &str) -> Result<String> {
        let path = key.path(ending);
        let url = self.warehouse.url().join(&path).or_internal(|| format!("cannot append `{path}`"))?;
        Ok(url.to_string())
    }

    async fn put(&self, path: &str, bytes: PutPayload) -> Result<()> {
        let stored = self.warehouse.store().put(&self.warehouse.path(path), bytes).await;
        stored.map(drop).or_input(|| format!("cannot keep what a model said in {}{path}", self.warehouse.url()))
    }
}
