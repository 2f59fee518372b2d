//! The answer cache: what models answered, a file an answer, named by what it depends on. The first answer counts.
//!
//! ```text
//! _answers/detect/<model>-<hash of its files and parameters>/3f/<hash of the image and of what was asked>.json
//! _answers/depth/<model>-<...>/3f/<the same>-<hash of its content>.png    a depth image, which its answer names
//! ```
//!
//! An answer is durable as soon as it is there, and before the shard that it is for: a run that was killed asks again for what was being
//! computed, and a template that changed asks nothing. One that comes later, from another attempt at the same rows, is dropped and the first
//! one used, because rows may have been made from it. Each file carries a checksum and, where a depth image lies beside it, that of the
//! image, so that what was altered, cut or lost is asked again. Everything below `_answers` may be removed; what is needed of it is asked
//! again when it is needed, but the depth images, to which the table `depths` points.

use bytes::Bytes;
use object_store::{ObjectStoreExt, PutMode, PutOptions, PutPayload};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Context, Result};
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

    fn path(&self, tail: &str) -> String {
        format!("_answers/{}/{}/{}{tail}", self.folder, &self.name[..2], self.name)
    }
}

/// A file that lies beside an answer, as an answer says it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Beside {
    ending: String,
    blake3: String,
    /// False in answers of older versions, whose files are not named by their content.
    #[serde(default)]
    is_named_by_content: bool,
}

impl Beside {
    /// What its name ends with, behind the answer's.
    fn tail(&self) -> String {
        match self.is_named_by_content {
            true => format!("-{}.{}", &self.blake3[..16.min(self.blake3.len())], self.ending),
            false => format!(".{}", self.ending),
        }
    }
}

const JSON: &str = ".json";

/// Any answer, for the one field that is looked for in all.
#[derive(Deserialize)]
struct HasBeside {
    #[serde(default)]
    beside: Option<Beside>,
}

/// The answer in a file whose last line is its sum; what was kept before there were sums has one line.
fn summed(bytes: &[u8]) -> Option<&[u8]> {
    match bytes.iter().rposition(|byte| *byte == b'\n') {
        Some(end) => (sum(&bytes[..end]).as_bytes() == &bytes[end + 1..]).then_some(&bytes[..end]),
        None => Some(bytes),
    }
}

fn sum(json: &[u8]) -> String {
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(json))
}

impl Answers {
    /// In this warehouse.
    pub fn at(warehouse: Location) -> Self {
        Self { warehouse }
    }

    /// What was said before, and is as it was said.
    pub async fn find<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>> {
        let Some(bytes) = self.get(&key.path(JSON)).await? else { return Ok(None) };
        let Some(json) = summed(&bytes) else { return Ok(None) };
        let beside = serde_json::from_slice::<HasBeside>(json).ok().and_then(|answer| answer.beside);
        if let Some(beside) = beside {
            let found = self.get(&key.path(&beside.tail())).await?;
            if found.is_none_or(|found| *blake3::hash(&found).to_hex() != beside.blake3) {
                return Ok(None);
            }
        }
        Ok(serde_json::from_slice(json).ok())
    }

    /// Keeps an answer, unless another attempt was first, and gives the one that is kept, as it will be read later: a number that JSON rounds
    /// is rounded from the start.
    pub async fn keep<T: Serialize + DeserializeOwned>(&self, key: &Key, answer: &T) -> Result<T> {
        let mut json = serde_json::to_vec(answer).or_internal(|| "an answer has no JSON form".into())?;
        let kept = serde_json::from_slice(&json).or_internal(|| "an answer does not read back".into())?;
        let sum = sum(&json);
        json.extend([b"\n", sum.as_bytes()].concat());
        let (path, json) = (key.path(JSON), PutPayload::from(json));
        if self.put(&path, json.clone(), PutMode::Create).await.is_err() {
            // Taken by a good answer or by a damaged one; or the response was lost, and it is this one.
            if let Some(first) = self.find(key).await? {
                return Ok(first);
            }
            self.put(&path, json, PutMode::Overwrite).await?;
        }
        Ok(kept)
    }

    /// Keeps a file beside an answer, before the answer, which names it in a field `beside`. Files of two attempts have two names.
    pub async fn keep_file(&self, key: &Key, ending: &str, bytes: Vec<u8>) -> Result<Beside> {
        let blake3 = blake3::hash(&bytes).to_hex().to_string();
        let beside = Beside { ending: ending.to_owned(), blake3, is_named_by_content: true };
        self.put(&key.path(&beside.tail()), bytes.into(), PutMode::Overwrite).await?;
        Ok(beside)
    }

    async fn get(&self, path: &str) -> Result<Option<Bytes>> {
        let unreadable = || format!("cannot read what a model said before in {}{path}", self.warehouse.url());
        match self.warehouse.store().get(&self.warehouse.path(path)).await {
            Ok(found) => found.bytes().await.or_input(unreadable).map(Some),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error).or_input(unreadable),
        }
    }

    /// The URL of a file beside an answer.
    pub fn url(&self, key: &Key, beside: &Beside) -> Result<String> {
        let path = key.path(&beside.tail());
        let url = self.warehouse.url().join(&path).or_internal(|| format!("cannot append `{path}`"))?;
        Ok(url.to_string())
    }

    async fn put(&self, path: &str, bytes: PutPayload, mode: PutMode) -> Result<()> {
        let stored = self.warehouse.store().put_opts(&self.warehouse.path(path), bytes, PutOptions::from(mode)).await;
        stored.map(drop).or_input(|| format!("cannot keep what a model said in {}{path}", self.warehouse.url()))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Answer {
        n: u32,
        #[serde(default)]
        beside: Option<String>,
    }

    #[derive(Debug, Serialize, Deserialize)]
    struct WithFile {
        beside: Option<Beside>,
    }

    #[tokio::test]
    async fn an_answer_that_was_altered_is_no_answer() {
        let warehouse = Location::parse("memory://answers", Path::new("/")).unwrap();
        let (answers, key) = (Answers::at(warehouse.clone()), Key::new("m", &["picture", "asked"]));
        answers.keep(&key, &Answer { n: 17, beside: None }).await.unwrap();
        let path = warehouse.path(&key.path(JSON));
        let kept = warehouse.store().get(&path).await.unwrap().bytes().await.unwrap();
        let put = async |bytes: &[u8]| warehouse.store().put(&path, bytes.to_vec().into()).await.unwrap();
        assert_eq!(answers.find(&key).await.unwrap(), Some(Answer { n: 17, beside: None }));
        for bit in 0..8 * kept.len() {
            let mut altered = kept.to_vec();
            altered[bit / 8] ^= 1 << (bit % 8);
            put(&altered).await;
            assert_eq!(answers.find::<Answer>(&key).await.unwrap(), None, "{}", String::from_utf8_lossy(&altered));
        }
        put(&[]).await;
        assert_eq!(answers.find::<Answer>(&key).await.unwrap(), None);
        put(br#"{"n":3}"#).await;
        assert_eq!(
            answers.find(&key).await.unwrap(),
            Some(Answer { n: 3, beside: None }),
            "as it was kept without a sum"
        );

        let key = Key::new("m", &["other picture"]);
        let beside = answers.keep_file(&key, "png", b"depth".to_vec()).await.unwrap();
        answers.keep(&key, &WithFile { beside: Some(beside.clone()) }).await.unwrap();
        assert!(answers.find::<WithFile>(&key).await.unwrap().is_some());
        answers.put(&key.path(&beside.tail()), b"other".to_vec().into(), PutMode::Overwrite).await.unwrap();
        assert!(answers.find::<WithFile>(&key).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn the_first_answer_counts_and_a_damaged_one_is_replaced() {
        let warehouse = Location::parse("memory://first-answers", Path::new("/")).unwrap();
        let (answers, key) = (Answers::at(warehouse), Key::new("m", &["picture"]));
        // Two attempts write their depth images, and then their answers.
        let one = answers.keep_file(&key, "png", b"one".to_vec()).await.unwrap();
        let two = answers.keep_file(&key, "png", b"two".to_vec()).await.unwrap();
        assert_ne!(answers.url(&key, &one).unwrap(), answers.url(&key, &two).unwrap());
        for late in [&two, &one] {
            let kept = answers.keep(&key, &WithFile { beside: Some(late.clone()) }).await.unwrap();
            assert_eq!(kept.beside.unwrap().blake3, two.blake3, "the first that has an answer");
            assert!(answers.find::<WithFile>(&key).await.unwrap().is_some());
        }
        answers.put(&key.path(&two.tail()), b"damaged".to_vec().into(), PutMode::Overwrite).await.unwrap();
        let kept = answers.keep(&key, &WithFile { beside: Some(one.clone()) }).await.unwrap();
        assert_eq!(kept.beside.unwrap().blake3, one.blake3);
    }
}
