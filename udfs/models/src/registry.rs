//! The registry: the text of a `models.toml` as the models that it names.
//!
//! ```toml
//! [[model]]
//! name = "yolox_nano"                # as in mill.toml and SQL
//! task = "detect"
//! family = "yolox"                   # how pictures are prepared and outputs decoded
//! uri = "models/yolox_nano.onnx"     # relative to the registry, file:// or s3://
//! sha256 = "e8af0749..."
//! licence = "Apache-2.0"
//! inputs = { image = { name = "images", shape = [1, 3, 416, 416] } }
//! outputs = { output = "output" }
//! score = 0.3                        # and other parameters of its family
//! ```
//!
//! A model of two networks has a table for each, `[model.networks.encoder]`. What a model gives depends on its family, files, ports
//! and parameters; these make up its [digest](Entry::digest).

use std::collections::BTreeMap;

use serde::Deserialize;
use thiserror::Error;

use crate::{FAMILIES, Family, Parameters, Provider, Task};

/// The family of vision-language models behind an endpoint, which no network of ours runs.
pub const CHAT: &str = "chat";

/// The keys of an endpoint that an answer depends on: those of `Endpoint::answering` in `udfs/chat`, which tells answers apart.
const ENDPOINT_ANSWERING: [&str; 7] = ["model", "max_tokens", "temperature", "seed", "json", "extra", "omit"];

/// Every model that a project names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Registry {
    entries: BTreeMap<String, Entry>,
}

/// One model.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub name: String,
    pub task: Task,
    pub family: String,
    pub licence: Option<String>,
    /// By the family's name for each.
    pub networks: BTreeMap<String, File>,
    pub run: Run,
    /// How far what it says can be trusted (0-1); goes into the lift quality of what is made from it.
    pub trust: f64,
    pub parameters: Parameters,
}

/// Where a network's weights are, and what it calls its inputs and outputs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub uri: String,
    /// Of the file, lower-case hexadecimal.
    pub sha256: String,
    #[serde(default)]
    pub inputs: BTreeMap<String, Port>,
    #[serde(default)]
    pub outputs: BTreeMap<String, Port>,
}

/// An input or output: its name, and its shape where the registry states one (-1 for any size).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Port {
    Name(String),
    Shaped { name: String, shape: Vec<i64> },
}

impl Port {
    /// The network's own name for it.
    pub fn name(&self) -> &str {
        match self {
            Self::Name(name) | Self::Shaped { name, .. } => name,
        }
    }

    /// As stated.
    pub fn shape(&self) -> Option<&[i64]> {
        match self {
            Self::Name(_) => None,
            Self::Shaped { shape, .. } => Some(shape),
        }
    }
}

/// How a model is run; changes how fast it answers, and its answers in their last bits at most.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Run {
    /// Pictures in one call, at most; 1 where the network takes one.
    #[serde(default = "one")]
    pub batch: usize,
    /// Copies of the network that run side by side.
    #[serde(default = "one")]
    pub sessions: usize,
    /// Threads of one call on the CPU; 0 is one per core.
    #[serde(default)]
    pub threads: usize,
    /// Instead of the project's.
    #[serde(default)]
    pub provider: Option<Provider>,
}

fn one() -> usize {
    1
}

/// What is wrong with a `models.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct RegistryError {
    /// The entry, where it has a name.
    pub model: Option<String>,
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    model: Vec<Table>,
}

#[derive(Deserialize)]
struct Table {
    name: String,
    task: Task,
    family: String,
    #[serde(default)]
    licence: Option<String>,
    #[serde(default)]
    uri: Option<String>,
    #[serde(default)]
    sha256: Option<String>,
    #[serde(default)]
    inputs: BTreeMap<String, Port>,
    #[serde(default)]
    outputs: BTreeMap<String, Port>,
    #[serde(default)]
    networks: BTreeMap<String, File>,
    #[serde(flatten)]
    run: Run,
    #[serde(default = "trusted")]
    trust: f64,
    #[serde(flatten)]
    parameters: toml::Table,
}

fn trusted() -> f64 {
    0.9
}

impl Registry {
    /// Parses a `models.toml`; no file is opened.
    pub fn parse(text: &str) -> Result<Self, RegistryError> {
        let wrong = |message: String| RegistryError { model: None, message, hint: None };
        let document: toml::Table = text.parse().map_err(|e| wrong(format!("models.toml is not TOML: {e}")))?;
        if let Some(key) = document.keys().find(|key| *key != "model") {
            return Err(RegistryError {
                hint: Some("a models.toml is a list of [[model]]".to_owned()),
                ..wrong(format!("unknown key `{key}`"))
            });
        }
        let document: Document = document.try_into().map_err(|e: toml::de::Error| RegistryError {
            hint: Some("each [[model]] needs `name`, `task` and `family`; a network `uri` and `sha256`".to_owned()),
            ..wrong(format!("a [[model]] is wrong: {}", e.message()))
        })?;
        let mut entries = BTreeMap::new();
        for table in document.model {
            let name = table.name.clone();
            let entry = Entry::of(table).map_err(|e| RegistryError { model: Some(name.clone()), ..e })?;
            if entries.insert(name.clone(), entry).is_some() {
                return Err(RegistryError { model: Some(name), ..wrong("two models have one name".to_owned()) });
            }
        }
        Ok(Self { entries })
    }

    /// A model by its name, for a task.
    pub fn get(&self, name: &str, task: Task) -> Result<&Entry, RegistryError> {
        let wrong = |message: String| RegistryError { model: Some(name.to_owned()), message, hint: None };
        let entry = self.entries.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.of(task).map(|entry| entry.name.as_str()).collect();
            let hint = match known[..] {
                [] => format!("no [[model]] of models.toml has `task = \"{task}\"`"),
                _ => format!("models for `{task}`: {}", known.join(", ")),
            };
            RegistryError { hint: Some(hint), ..wrong("no such model".to_owned()) }
        })?;
        if entry.task != task {
            return Err(wrong(format!("this model's task is `{}`, not `{task}`", entry.task)));
        }
        Ok(entry)
    }

    /// All models, by name.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    fn of(&self, task: Task) -> impl Iterator<Item = &Entry> {
        self.entries().filter(move |entry| entry.task == task)
    }
}

impl Entry {
    fn of(table: Table) -> Result<Self, RegistryError> {
        let wrong = |message: String, hint: Option<String>| RegistryError { model: None, message, hint };
        let known = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if table.name.is_empty() || !table.name.chars().all(known) {
            return Err(wrong("a model's name is made of letters, digits, `-`, `_` and `.`".to_owned(), None));
        }
        if table.family == CHAT {
            return Self::of_chat(table);
        }
        let family = FAMILIES.iter().find(|family| family.name == table.family).ok_or_else(|| {
            let known: Vec<&str> = FAMILIES.iter().filter(|f| f.task == table.task).map(|f| f.name).collect();
            let hint = format!("families for `{}`: {}", table.task, known.join(", "));
            wrong(format!("unknown family `{}`", table.family), Some(hint))
        })?;
        if family.task != table.task {
            let message = format!("the family `{}` is for `{}`, not `{}`", family.name, family.task, table.task);
            return Err(wrong(message, None));
        }
        let mut networks = table.networks;
        match (table.uri, table.sha256) {
            (Some(uri), Some(sha256)) if networks.is_empty() => {
                let file = File { uri, sha256, inputs: table.inputs, outputs: table.outputs };
                networks.insert("main".to_owned(), file);
            }
            (None, None) => {}
            (Some(_), None) => return Err(wrong("`uri` without `sha256`".to_owned(), Some(SHA256_HINT.to_owned()))),
            _ => return Err(wrong("`uri` and `sha256` stand beside `networks`, or alone".to_owned(), None)),
        }
        let wanted: Vec<&str> = family.networks.iter().map(|network| network.name).collect();
        if networks.len() != wanted.len() || !wanted.iter().all(|name| networks.contains_key(*name)) {
            let hint = match wanted[..] {
                ["main"] => "give `uri` and `sha256`".to_owned(),
                _ => format!("give [model.networks.{}] `uri` and `sha256`", wanted.join("], [model.networks.")),
            };
            let message = format!("the family `{}` has the networks {}", family.name, wanted.join(" and "));
            return Err(wrong(message, Some(hint)));
        }
        for (name, file) in &networks {
            check_file(family, name, file)?;
        }
        if !(0.0..=1.0).contains(&table.trust) {
            return Err(wrong(format!("`trust` must be 0 to 1, not {}", table.trust), None));
        }
        if table.run.batch == 0 || table.run.sessions == 0 {
            return Err(wrong("`batch` and `sessions` are at least 1".to_owned(), None));
        }
        Ok(Self {
            name: table.name,
            task: table.task,
            family: table.family,
            licence: table.licence,
            networks,
            run: table.run,
            trust: table.trust,
            parameters: Parameters(table.parameters),
        })
    }

    /// A model behind an endpoint has no files; what its parameters are is for whoever asks it.
    fn of_chat(table: Table) -> Result<Self, RegistryError> {
        let wrong = |message: String, hint: &str| RegistryError { model: None, message, hint: Some(hint.to_owned()) };
        if !matches!(table.task, Task::Detect | Task::Caption | Task::Ground) {
            let message = format!("the family `{CHAT}` is not for `{}`", table.task);
            return Err(wrong(message, "it is for `detect`, `caption` and `ground`"));
        }
        if table.uri.is_some() || !table.networks.is_empty() {
            let message = "a model behind an endpoint has no `uri` and no networks".to_owned();
            return Err(wrong(message, "give [model.endpoint] a `url` and a `model`"));
        }
        if !table.parameters.contains_key("endpoint") {
            return Err(wrong("there is no [model.endpoint]".to_owned(), "give it a `url` and a `model`"));
        }
        Ok(Self {
            name: table.name,
            task: table.task,
            family: table.family,
            licence: table.licence,
            networks: BTreeMap::new(),
            run: table.run,
            trust: table.trust,
            parameters: Parameters(table.parameters),
        })
    }

    /// Everything that an answer depends on, as text: equal texts, equal answers.
    pub fn digest(&self) -> String {
        let files: Vec<String> = self
            .networks
            .iter()
            .map(|(name, file)| format!("{name} {} {:?} {:?}", file.sha256, file.inputs, file.outputs))
            .collect();
        let mut parameters = self.parameters.0.clone();
        if let Some(toml::Value::Table(endpoint)) = parameters.get_mut("endpoint") {
            // Where, how fast and how dear a model is asked changes nothing that it says.
            endpoint.retain(|key, _| ENDPOINT_ANSWERING.contains(&key));
        }
        format!("{} {} {} [{parameters}]", self.task, self.family, files.join(" "))
    }

    /// What a row says it was made by: the name, and the beginning of the weights' hash.
    pub fn made_by(&self) -> String {
        let hashes: Vec<&str> = self.networks.values().map(|file| &file.sha256[..8]).collect();
        match hashes[..] {
            [] => self.name.clone(),
            _ => format!("{}@{}", self.name, hashes.join("+")),
        }
    }
}

const SHA256_HINT: &str = "`sha256sum FILE` prints it";

fn check_file(family: &Family, name: &str, file: &File) -> Result<(), RegistryError> {
    let wrong = |message: String, hint: &str| RegistryError { model: None, message, hint: Some(hint.to_owned()) };
    let hexadecimal = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    if file.sha256.len() != 64 || !file.sha256.chars().all(hexadecimal) {
        return Err(wrong("`sha256` is 64 lower-case hexadecimal digits".to_owned(), SHA256_HINT));
    }
    let Some(roles) = family.networks.iter().find(|network| network.name == name) else { return Ok(()) };
    let unknown = |ports: &BTreeMap<String, Port>, roles: &[&str]| {
        ports.keys().find(|role| !roles.contains(&role.as_str())).map(|role| (role.clone(), roles.join(", ")))
    };
    for (kind, unknown) in
        [("input", unknown(&file.inputs, roles.inputs)), ("output", unknown(&file.outputs, roles.outputs))]
    {
        if let Some((role, known)) = unknown {
            let message = format!("the family `{}` has no {kind} `{role}`", family.name);
            return Err(wrong(message, &format!("its {kind}s: {known}")));
        }
    }
    Ok(())
}
