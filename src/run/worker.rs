//! A worker: makes orders. It plans locally, writes parts, and leaves a staging record for each order, which is all that a driver reads.
//!
//! ```text
//! Order ─► same version, project and fingerprint? ─► the stage's plan over the pinned inputs, or the source's reader
//!              └─► parts of the table and of `quarantine` ─► staging record     put-if-absent: another attempt's record stands if it was first
//!              └─► an error: error record (code, message, retryable), and the other orders go on
//! ```
//!
//! A worker serves the orders of one stage or source: it plans the stage, or opens the source, once. Memory: the engine's pool, plus what
//! [`WriteParts`](crate::warehouse) holds for each open part, plus the cached views of the shards in flight.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::catalog::TableProvider;
use datafusion::common::runtime::SpawnedTask;
use datafusion::physical_plan::collect;
use serde_json::{Map, Value};
use tokio::sync::{OnceCell, mpsc};

use super::benchmarks::Benchmarks;
use super::hysteresis::Hysteresis;
use super::order::{IMPORT, Input, Order, StageInput, Work};
use super::plans::{Bound, Plans};
use super::quarantine::QuarantineWriter;
use super::session::Concurrency;
use super::snapshot::{PinnedTable, Snapshot};
use super::stale::{Stale, fingerprint};
use super::{Mill, Run};
use crate::error::{Context, Error, Kind, Result};
use crate::pipeline::Stage;
use crate::pipeline::account::ShardAccount;
use crate::pipeline::fingerprint::StageFingerprint;
use crate::progress::Bar;
use crate::source::{Shard, Source};
use crate::tables::RowCounts;
use crate::warehouse::{Part, StagingError, StagingRecord, Table, WriteOptions, content_hash_of, write_parts};

/// Batches of quarantined rows that may wait to be written.
const QUARANTINE_WAITING: usize = 2;

/// The code of an order whose worker was killed each time.
pub(super) const KILLED: &str = "killed";
const KILLED_HINT: &str = "did it run out of memory? `memory` and `partitions` under [build] bound what a process takes; start all parts again to try anew";

/// After so many tries that left no record, a shard is not tried again.
const MOST_TRIES: u32 = 3;

/// Under these names a staging record keeps what the driver needs besides the parts.
pub(super) const COUNTS: &str = "counts";
pub(super) const QUARANTINE_PARTS: &str = "quarantine";

/// See the module.
pub struct Worker<'a> {
    pub(super) mill: &'a Mill,
    pub(super) run: &'a Run,
    /// The table `quarantine`.
    pub(super) quarantine: Arc<PinnedTable>,
    pub(super) task: Task,
    pub(super) concurrency: Concurrency,
    pub(super) bar: Arc<Bar>,
}

/// What the orders of a worker are of.
pub(super) enum Task {
    Stage(StageTask),
    Source(SourceTask),
}

/// A stage, with all that its shards share.
pub(super) struct StageTask {
    pub stage: Stage,
    pub inputs: Vec<StageInput>,
    /// The table that it writes.
    pub table: Arc<PinnedTable>,
    fingerprint: StageFingerprint,
    plans: OnceCell<Arc<Plans>>,
}

/// What became of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It has a staging record.
    Built,
    /// It has an error record.
    Failed(Kind),
}

/// A source that is being read.
pub(super) struct SourceTask {
    pub name: String,
    pub kind: String,
    /// Its options as text, and the digest of the lists of benchmarks: what its fingerprints depend on besides its files.
    pub options: String,
    pub reader: Arc<dyn Source>,
    /// By their full names.
    pub shards: HashMap<String, Shard>,
    pub benchmarks: Arc<Benchmarks>,
    /// The tables that it is read into, in the order of [`IMPORTED`](crate::pipeline::IMPORTED).
    pub tables: Vec<Arc<PinnedTable>>,
}

impl StageTask {
    pub async fn of(mill: &Mill, snapshot: &Snapshot, stage: &Stage, table: Arc<PinnedTable>) -> Result<Self> {
        let inputs = mill.inputs_of(snapshot, stage).await?;
        let fingerprint = StageFingerprint::of(&mill.pipeline, stage, &mill.project)?;
        Ok(Self { stage: stage.clone(), inputs, table, fingerprint, plans: OnceCell::new() })
    }
}

/// A shard that is to be made.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub shard: String,
    pub fingerprint: String,
    /// Made anew, also where an interrupted run left a record of it.
    pub is_forced: bool,
    /// Stored rows that nothing can be held against: they cannot be read.
    pub is_broken: bool,
    /// What it reads, about: the largest orders are made first, so that none of them ends alone.
    pub bytes: u64,
}

impl From<&Stale> for Wanted {
    fn from(stale: &Stale) -> Self {
        Self {
            shard: stale.shard.clone(),
            fingerprint: stale.fingerprint.to_string(),
            is_forced: stale.is_forced,
            is_broken: stale.is_broken,
            bytes: stale.input_bytes,
        }
    }
}

impl Worker<'_> {
    /// How many orders it makes at the same time.
    pub fn in_flight(&self) -> usize {
        self.concurrency.in_flight
    }

    /// The order of a shard.
    pub(super) fn order(&self, wanted: &Wanted, attempt: u32) -> Order {
        let (work, inputs, stored) = match &self.task {
            Task::Source(source) => (Work::Import(source.name.clone()), BTreeMap::new(), None),
            Task::Stage(task) => {
                let inputs =
                    task.inputs.iter().map(|input| (input.name.clone(), input.pinned(&wanted.shard))).collect();
                let stored = task.stage.hysteresis.as_ref().filter(|_| !wanted.is_broken).map(|_| task.table.version());
                (Work::Stage(task.stage.writes.clone()), inputs, stored)
            }
        };
        Order {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            project: self.mill.digest.clone(),
            work,
            shard: wanted.shard.clone(),
            fingerprint: wanted.fingerprint.clone(),
            run_id: self.run.id.clone(),
            attempt,
            inputs,
            stored,
        }
    }

    /// The tables that an order writes; the record of the first is written last, and makes the order complete.
    pub(super) fn tables(&self) -> Vec<&Arc<PinnedTable>> {
        match &self.task {
            Task::Stage(task) => vec![&task.table],
            Task::Source(source) => source.tables.iter().collect(),
        }
    }

    /// What the orders are of, as `quarantine` and messages name it.
    pub(super) fn stage_name(&self) -> &str {
        match &self.task {
            Task::Stage(task) => &task.stage.writes,
            Task::Source(_) => IMPORT,
        }
    }

    /// Makes an order, and leaves its staging or error record; fails where neither can be written.
    pub async fn make(&self, order: &Order) -> Result<Outcome> {
        let staging = self.tables()[0].staging();
        let record = |code: &str, message: String, error: Option<&Error>| StagingError {
            shard: order.shard.clone(),
            fingerprint: order.fingerprint.clone(),
            run_id: order.run_id.clone(),
            code: code.to_owned(),
            message,
            hint: error.map_or(Some(KILLED_HINT), Error::advice).map(str::to_owned),
            retryable: error.is_some_and(Error::is_retryable),
        };
        // A process of several is started again when it is killed, and would be killed again.
        if self.run.parallel.is_some() && staging.begin_try(&order.shard, &order.fingerprint).await? > MOST_TRIES {
            let message =
                format!("shard `{}` of `{}` killed its process {MOST_TRIES} times", order.shard, self.stage_name());
            staging.publish_error(&record(KILLED, message, None)).await?;
            return Ok(Outcome::Failed(Kind::Input));
        }
        let made = match order.check(&self.mill.digest) {
            Err(refused) => Err(refused),
            Ok(()) => match &self.task {
                Task::Stage(task) => self.make_stage(task, order).await,
                Task::Source(source) => self.import_shard(source, order).await,
            },
        };
        match made {
            Ok(counts) => {
                self.bar.shard(&counts);
                Ok(Outcome::Built)
            }
            Err(error) => {
                let error = match &self.task {
                    Task::Stage(task) => error.with("stage", &task.stage.writes),
                    Task::Source(source) => error.with("source", &source.name),
                };
                let error = error.with("shard", &order.shard);
                staging.publish_error(&record(error.kind().code(), error.to_string(), Some(&error))).await?;
                Ok(Outcome::Failed(error.kind()))
            }
        }
    }

    async fn make_stage(&self, task: &StageTask, order: &Order) -> Result<RowCounts> {
        let StageTask { stage, table, .. } = task;
        let (mut content, mut bound) = (Vec::new(), BTreeMap::new());
        for input in &task.inputs {
            let read = self.bind(input, order.inputs.get(&input.name)).await?;
            content.push((input.name.as_str(), read.as_ref().map(|bound| bound.content.clone())));
            bound.extend(read.map(|read| (input.name.clone(), read)));
        }
        order.check_fingerprint(&fingerprint(&task.fingerprint, content.into_iter()).to_string())?;
        let partitions = self.concurrency.partitions;
        let plans = async || self.mill.plans(stage, partitions).await.map(Arc::new);
        let plans = task.plans.get_or_try_init(plans).await?;
        let writer = QuarantineWriter::new(&self.quarantine, &stage.writes, order, &self.run.started);
        let (send, quarantined) = mpsc::channel(QUARANTINE_WAITING);
        let counts = Arc::new(Mutex::new(RowCounts::default()));
        let options = self.write_options(stage, table, order);
        let hysteresis = match (&stage.hysteresis, order.stored) {
            (Some(column), Some(version)) => Some(Hysteresis {
                column: column.clone(),
                keys: stage.keys.clone(),
                stored: self.version_of(table, version).await?,
                tolerance: self.mill.project.number("rate_tolerance"),
            }),
            _ => None,
        };
        // A task of its own: shards in flight are polled together, and would otherwise share one thread.
        let (plans, counted) = (Arc::clone(plans), Arc::clone(&counts));
        let batches = SpawnedTask::spawn(async move {
            let session = plans.session(&bound, ShardAccount::new(counted, send)).await?;
            let lent = plans.rows(&session).await?;
            let rows = match hysteresis {
                Some(hysteresis) => hysteresis.choose(Arc::clone(&lent.plan), &session).await?,
                None => Arc::clone(&lent.plan),
            };
            let parts = collect(write_parts(rows, options, partitions), session.task_ctx()).await?;
            plans.finish(lent)?;
            Ok::<_, Error>(parts)
        });
        let (batches, quarantined) = tokio::join!(batches.join_unwind(), writer.drain(quarantined));
        // First what hindered the writing of quarantined rows, because it also stops the plan that sends them.
        let quarantined = quarantined?;
        let batches = batches.or_internal(|| "a shard's task was cancelled".into())??;
        let mut parts = Vec::new();
        for batch in &batches {
            parts.extend(Part::from_batch(batch)?);
        }
        parts.sort_by(|a, b| a.path.cmp(&b.path));
        let counts = std::mem::take(&mut *counts.lock().unwrap_or_else(PoisonError::into_inner));
        let written: u64 = parts.iter().map(|part| part.rows).sum();
        if written != counts.rows_out {
            let message = format!("{} rows went to the writer and {written} were written", counts.rows_out);
            return Err(Error::internal(message));
        }
        publish(table, order, parts, &counts, quarantined).await?;
        Ok(counts)
    }

    /// What an order reads of a table; nothing where the table was never created.
    async fn bind(&self, input: &StageInput, ordered: Option<&Input>) -> Result<Option<Bound>> {
        let table = match (ordered, &input.table) {
            (None | Some(Input::Absent), _) => return Ok(None),
            (Some(_), Some(table)) => table,
            (Some(_), None) => {
                return Err(
                    Error::input("the order reads a table that this worker does not see").with("table", &input.name)
                );
            }
        };
        Ok(Some(match ordered {
            Some(Input::Version(version)) if table.version() == *version => {
                Bound { content: table.content().to_owned(), table: rows_of(table, table.parts()) }
            }
            Some(Input::Version(version)) => {
                let table = self.version_of(table, *version).await?;
                Bound { content: content_hash_of(table.parts()), table: rows_of(&table, table.parts()) }
            }
            Some(Input::Parts(parts)) => Bound { content: content_hash_of(parts), table: rows_of(table, parts) },
            None | Some(Input::Absent) => return Ok(None),
        }))
    }

    /// A version of a table: mostly the one that is open.
    async fn version_of(&self, table: &Arc<PinnedTable>, version: u64) -> Result<Table> {
        if table.version() == version {
            return Ok(Table::clone(table));
        }
        let opened = self.mill.warehouse.table_at(table.name(), version).await?;
        opened.ok_or_else(|| Error::input("the table of an order is gone").with("table", table.name()))
    }

    fn write_options(&self, stage: &Stage, table: &Table, order: &Order) -> WriteOptions {
        let mut options = table.write_options(&order.run_id, &order.shard, &order.fingerprint);
        options.cluster_by.clone_from(&stage.cluster);
        options.cluster_bytes = self.concurrency.cluster_bytes;
        options.ids.extend(stage.keys.iter().filter(|key| key.ends_with("_id")).cloned());
        options.long_text = ["question", "counts"].map(str::to_owned).to_vec();
        options
    }
}

fn rows_of(table: &Table, parts: &[Part]) -> Option<Arc<dyn TableProvider>> {
    parts.iter().any(|part| part.rows > 0).then(|| table.provider_of_parts(parts.to_vec()))
}

/// Leaves the staging record of a shard of a table: its parts, what became of its rows, and the parts of `quarantine` that say why.
pub(super) async fn publish(
    table: &Table,
    order: &Order,
    parts: Vec<Part>,
    counts: &RowCounts,
    quarantined: Vec<Part>,
) -> Result<()> {
    let json = |value: serde_json::Result<Value>| value.or_internal(|| "a staging record has no JSON form".into());
    let info = [
        (COUNTS.to_owned(), json(serde_json::to_value(counts))?),
        (QUARANTINE_PARTS.to_owned(), json(serde_json::to_value(quarantined))?),
    ];
    let record = StagingRecord {
        shard: order.shard.clone(),
        fingerprint: order.fingerprint.clone(),
        parts,
        info: Map::from_iter(info),
        run_id: order.run_id.clone(),
    };
    table.staging().publish(&record).await.map(drop)
}
