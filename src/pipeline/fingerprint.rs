//! Fingerprints: the hash of all that a shard is made from; a shard with another fingerprint is stale.
//!
//! A fingerprint has four parts, each a hash: the text of the queries, the values of the keys they use, the functions and phrases they
//! call (`functions/code_digests.rs` says what is seen of them), and the content of what they read. Comparing part by part tells a user *why* a shard is
//! stale. Inputs are compared by content, so that an input rebuilt with the same rows makes nothing behind it stale.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use datafusion::DATAFUSION_VERSION;
use spatialmill_models::{CHAT, Task};

use super::{Pipeline, Stage};
use crate::error::Result;
use crate::functions::{code_digests, reads_phrases};
use crate::models::chat_model::PROMPTS;
use crate::project::Project;

/// What the fingerprints of all shards of a stage share: hashed once a stage, because its queries are long and its shards are many.
#[derive(Debug, Clone)]
pub struct StageFingerprint {
    query: String,
    configuration: String,
    functions: String,
}

/// The four hashes of a stage's shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    query: String,
    configuration: String,
    functions: String,
    inputs: String,
}

impl StageFingerprint {
    /// Of a stage with the project's values, functions, phrases and models.
    pub fn of(pipeline: &Pipeline, stage: &Stage, project: &Project) -> Result<Self> {
        let (mut query, mut configuration, mut functions) =
            (blake3::Hasher::new(), blake3::Hasher::new(), blake3::Hasher::new());
        field(&mut functions, code_digests::ENGINE);
        field(&mut functions, DATAFUSION_VERSION);
        let mut called = BTreeSet::new();
        for part in pipeline.inlined(stage) {
            for (path, text) in &part.files {
                field(&mut query, path);
                field(&mut query, text);
            }
            called.extend(part.functions()?);
            for name in part.parameters()? {
                field(&mut configuration, &name);
                field(&mut configuration, &project.value(&name).map(ToString::to_string).unwrap_or_default());
                // A model under another name, or with other threads, gives the same.
                if let Some(task) = Task::of_key(&name)
                    && let Ok(model) = project.models().get(project.text(&name), task)
                {
                    field(&mut functions, &format!("{} {}", model.digest(), model.trust));
                    let prompts = project.queries().iter().filter(|(path, _)| path.starts_with(PROMPTS));
                    prompts.filter(|_| model.family == CHAT).for_each(|(_, text)| field(&mut functions, text));
                }
            }
        }
        for digest in called.iter().filter_map(|name| code_digests::function(name)) {
            field(&mut functions, digest);
        }
        if called.iter().any(|name| reads_phrases(name)) {
            for (path, text) in project.queries().iter().filter(|(path, _)| path.ends_with(".toml")) {
                field(&mut functions, path);
                field(&mut functions, text);
            }
        }
        let [query, configuration, functions] = [query, configuration, functions].map(short);
        Ok(Self { query, configuration, functions })
    }

    /// The fingerprint of a shard over inputs whose content hashes are given in a stable order.
    pub fn over(&self, inputs: &[String]) -> Fingerprint {
        let mut hasher = blake3::Hasher::new();
        inputs.iter().for_each(|hash| field(&mut hasher, hash));
        let Self { query, configuration, functions } = self.clone();
        Fingerprint { query, configuration, functions, inputs: short(hasher) }
    }
}

impl Fingerprint {
    /// Of a source's shard, whose reader knows what it depends on.
    pub fn of_source(kind: &str, options: &str, shard: &str) -> Self {
        let hash = |text: &str| short(blake3::Hasher::new().update(text.as_bytes()).clone());
        Self {
            query: hash(kind),
            configuration: hash(options),
            functions: hash(&format!("{} {}", code_digests::ENGINE, code_digests::reader(kind).unwrap_or_default())),
            inputs: hash(shard),
        }
    }

    /// What is different from a stored fingerprint, in words.
    pub fn differs_from(&self, stored: &str) -> Option<&'static str> {
        match stored.parse::<Self>() {
            Err(()) => Some("it was written by another version"),
            Ok(stored) if stored == *self => None,
            Ok(stored) if stored.query != self.query => Some("its query changed"),
            Ok(stored) if stored.configuration != self.configuration => Some("its configuration changed"),
            Ok(stored) if stored.functions != self.functions => Some("its functions or phrases changed"),
            Ok(_) => Some("its inputs changed"),
        }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}-{}", self.query, self.configuration, self.functions, self.inputs)
    }
}

impl FromStr for Fingerprint {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let parts: Vec<&str> = text.split('-').collect();
        let [query, configuration, functions, inputs] = parts[..] else { return Err(()) };
        let own = str::to_owned;
        Ok(Self {
            query: own(query),
            configuration: own(configuration),
            functions: own(functions),
            inputs: own(inputs),
        })
    }
}

/// Length first, so that two fields cannot be read as one.
fn field(hasher: &mut blake3::Hasher, text: &str) {
    hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
}

fn short(hasher: blake3::Hasher) -> String {
    hasher.finalize().to_hex()[..16].to_owned()
}
