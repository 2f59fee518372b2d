//! A model that is open: its family, its networks or its endpoint, and the folder of its answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use spatialmill_models::family::{Detect, EstimateDepth, EstimateGravity, EstimateIntrinsics, Segment};
use spatialmill_models::{
    Adapter, CHAT, Entry, FAMILIES, Inputs, InvalidModel, Meter, Network, OnnxNetwork, OpenError, Outputs, Provider,
    RunError, Runtime, SessionOptions, Signature, Slot, Task, Worker,
};

use super::answers::Key;
use super::chat_model::{self, ChatModel};
use super::{library, weights};
use crate::blocking::blocking;
use crate::error::{Error, Result};
use crate::project::Project;

/// A model that can be asked.
pub struct Model {
    pub entry: Entry,
    pub backend: Backend,
    folder: String,
}

/// What runs a model.
pub enum Backend {
    /// Networks on this machine, by their family's order.
    Networks { adapter: Adapter, workers: Vec<Worker> },
    /// An endpoint.
    Chat(Arc<ChatModel>),
}

impl Model {
    /// Loads ONNX Runtime and the weights, and holds them against what the registry and the family say.
    pub(super) async fn open(project: &Project, entry: &Entry) -> Result<Self> {
        if entry.family == CHAT {
            let chat_model = ChatModel::open(project, entry)?;
            let folder = folder(entry, &chat_model.digest);
            return Ok(Self { entry: entry.clone(), backend: Backend::Chat(Arc::new(chat_model)), folder });
        }
        let family = FAMILIES
            .iter()
            .find(|family| family.name == entry.family)
            .ok_or_else(|| Error::internal("an unknown family passed the registry"))?;
        let mut files = Vec::new();
        for roles in family.networks {
            let file = entry.networks[roles.name].clone();
            let local = weights::local(&file, &project.folder).await.map_err(|e| e.with("network", roles.name))?;
            files.push((roles, file, local));
        }
        let provider = match entry.run.provider {
            Some(provider) => provider,
            None => provider_of(project)?,
        };
        let options = SessionOptions { provider, device: project.integer("device") as i32, threads: entry.run.threads };
        let library = library::find(project)?;
        let run = entry.run.clone();
        let workers = blocking(move || {
            let runtime = Runtime::load(&library).map_err(opening)?;
            let mut workers = Vec::new();
            for (roles, file, local) in files {
                let mut networks: Vec<Box<dyn Network>> = Vec::new();
                for _ in 0..run.sessions {
                    let network = OnnxNetwork::open(&runtime, &local, roles, &file, options)
                        .map_err(|e| opening(e).with("network", roles.name).with("file", local.display()))?;
                    networks.push(Box::new(network));
                }
                workers.extend(Worker::start(networks, run.batch));
            }
            Ok(workers)
        })
        .await?;
        let signatures: Vec<Signature> = workers.iter().map(|worker| worker.signature().clone()).collect();
        let adapter = (family.open)(&entry.parameters, &signatures).map_err(|InvalidModel(message)| {
            Error::usage(message).hint(format!("`spatialmill models --family {}`", family.name))
        })?;
        let folder = folder(entry, &entry.digest());
        Ok(Self { entry: entry.clone(), backend: Backend::Networks { adapter, workers }, folder })
    }

    /// The name of an answer about a picture.
    pub fn key(&self, picture: &str, asked: &str) -> Key {
        Key::new(&self.folder, &[picture, asked])
    }

    /// What its network makes of one picture; `network` counts in the family's order.
    pub async fn run(&self, network: usize, inputs: Inputs) -> Result<Outputs, RunError> {
        match self.workers().get(network) {
            Some(worker) => worker.run(inputs).await,
            None => Err(RunError::Stopped),
        }
    }

    /// What its networks take and give, for people.
    pub fn contract(&self) -> String {
        let one = |(role, sizes): (&String, &Vec<Option<usize>>)| {
            let sizes: Vec<String> = sizes.iter().map(|n| n.map_or("any".to_owned(), |n| n.to_string())).collect();
            format!("{role} [{}]", sizes.join(", "))
        };
        let all = |worker: &Worker| {
            let signature = worker.signature();
            let inputs: Vec<String> = signature.inputs.iter().map(one).collect();
            let outputs: Vec<String> = signature.outputs.iter().map(one).collect();
            format!("{} -> {}", inputs.join(", "), outputs.join(", "))
        };
        match &self.backend {
            Backend::Networks { workers, .. } => workers.iter().map(all).collect::<Vec<_>>().join("; "),
            Backend::Chat(chat_model) => {
                format!("{} at {}", chat_model.client.endpoint().model, chat_model.client.endpoint().url)
            }
        }
    }

    /// As [`Self::contract`], after a look whether somebody answers where an endpoint is said to be. Nothing is asked about.
    pub async fn checked(&self) -> Result<String> {
        let contract = self.contract();
        let Backend::Chat(chat_model) = &self.backend else { return Ok(contract) };
        let found = chat_model.client.probe().await.map_err(|fatal| chat_model::ended(&fatal))?;
        Ok(format!("{contract}: {found}"))
    }

    /// What it did so far; none where everything was said before.
    pub fn account(&self) -> Option<String> {
        let name = &self.entry.name;
        match &self.backend {
            Backend::Networks { workers, .. } => {
                let sum = |of: fn(&Meter) -> &AtomicU64| -> u64 {
                    workers.iter().map(|worker| of(worker.meter()).load(Ordering::Relaxed)).sum()
                };
                let (answered, calls) = (sum(|m| &m.answered), sum(|m| &m.calls));
                let (busy_s, halved) = (sum(|m| &m.busy_us) as f64 / 1e6, sum(|m| &m.halved));
                let halved = if halved > 0 { format!(", {halved} batches halved for memory") } else { String::new() };
                (calls > 0)
                    .then(|| format!("{name}: {answered} answers in {calls} calls, {busy_s:.1} s of computing{halved}"))
            }
            Backend::Chat(chat_model) => {
                let usage = chat_model.client.usage();
                let failed: Vec<String> = usage.failures.iter().map(|(code, n)| format!(", {n} {code}")).collect();
                let cost = if usage.cost > 0.0 { format!(", cost {:.2}", usage.cost) } else { String::new() };
                (usage.requests > 0).then(|| {
                    format!(
                        "{name}: {} answers in {} requests ({} tried again{}), {} tokens read, {} written{cost}",
                        usage.answers,
                        usage.requests,
                        usage.retries,
                        failed.concat(),
                        usage.prompt_tokens,
                        usage.completion_tokens
                    )
                })
            }
        }
    }

    /// Leave to prepare a picture for its first network; an endpoint has limits of its own.
    pub async fn slot(&self) -> Option<Slot> {
        match self.workers().first() {
            Some(worker) => Some(worker.slot().await),
            None => None,
        }
    }

    /// Its networks at work.
    pub fn workers(&self) -> &[Worker] {
        match &self.backend {
            Backend::Networks { workers, .. } => workers,
            Backend::Chat(_) => &[],
        }
    }

    /// How it prepares and decodes, for its task. The registry sees to it that no model is asked for another.
    pub fn detector(&self) -> Result<&dyn Detect> {
        match &self.backend {
            Backend::Networks { adapter: Adapter::Detect(family), .. } => Ok(family.as_ref()),
            _ => Err(self.not_for(Task::Detect)),
        }
    }

    /// As [`Self::detector`].
    pub fn segmenter(&self) -> Result<&dyn Segment> {
        match &self.backend {
            Backend::Networks { adapter: Adapter::Segment(family), .. } => Ok(family.as_ref()),
            _ => Err(self.not_for(Task::Segment)),
        }
    }

    /// As [`Self::detector`].
    pub fn depth_estimator(&self) -> Result<&dyn EstimateDepth> {
        match &self.backend {
            Backend::Networks { adapter: Adapter::Depth(family), .. } => Ok(family.as_ref()),
            _ => Err(self.not_for(Task::Depth)),
        }
    }

    /// As [`Self::detector`].
    pub fn intrinsics_estimator(&self) -> Result<&dyn EstimateIntrinsics> {
        match &self.backend {
            Backend::Networks { adapter: Adapter::Intrinsics(family), .. } => Ok(family.as_ref()),
            _ => Err(self.not_for(Task::Intrinsics)),
        }
    }

    /// As [`Self::detector`].
    pub fn gravity_estimator(&self) -> Result<&dyn EstimateGravity> {
        match &self.backend {
            Backend::Networks { adapter: Adapter::Gravity(family), .. } => Ok(family.as_ref()),
            _ => Err(self.not_for(Task::Gravity)),
        }
    }

    fn not_for(&self, task: Task) -> Error {
        Error::internal(format!("a model for `{}` was asked for `{task}`", self.entry.task))
            .with("model", &self.entry.name)
    }
}

/// Raised by hand when a family or a step answers differently, so that nobody reads what it said before.
const ANSWERS: u32 = 1;

/// Where its answers are kept: the name is for people, the hash tells apart.
fn folder(entry: &Entry, digest: &str) -> String {
    let digest = blake3::hash(format!("{ANSWERS} {digest}").as_bytes());
    format!("{}/{}-{}", entry.task, entry.name, &digest.to_hex()[..16])
}

fn provider_of(project: &Project) -> Result<Provider> {
    match project.text("provider") {
        "cpu" => Ok(Provider::Cpu),
        "cuda" => Ok(Provider::Cuda),
        "tensorrt" => Ok(Provider::TensorRt),
        other => Err(Error::usage("no such execution provider").with("provider", other).hint("cpu, cuda or tensorrt")),
    }
}

fn opening(error: OpenError) -> Error {
    let hint = match &error {
        OpenError::Library { .. } | OpenError::OtherLibrary { .. } => library::HINT,
        OpenError::Provider { .. } => {
            "`spatialmill setup --cuda` gets the libraries; `provider = \"cpu\"` under [models] runs without"
        }
        OpenError::Model(_) => {
            "the file must be ONNX, or ORT of a version that this runtime reads, with its weights inside"
        }
        OpenError::Contract(_) => "`inputs` and `outputs` of the model in models.toml say which is which",
    };
    Error::input(error.to_string()).hint(hint)
}
