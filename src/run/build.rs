//! Building: each stale shard of each stored stage as one streaming plan, then one commit a table.
//!
//! ```text
//! for each stored stage, in order:
//!   stale shards ──► [taken over from staging | Plans ─► AccountExec ─► WriteParts ─► staging record]           several at once
//!                └─► too much quarantined? stop (exit code 3)
//!                └─► quarantine's commit ─► the table's commit (parts, run id, fingerprints, counts) ─► staging records removed
//! ```
//!
//! Quarantine is committed before its table: if the process dies between the two, the shard is still stale and both are written
//! again. A commit that misses a part (somebody is cleaning up) fails, and the stage is gone through again: what is still there is
//! taken over from its record, and the rest is made. Memory: the engine's pool, plus what [`WriteParts`](crate::warehouse) holds for each open part, plus the cached views of the
//! shards in flight.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow::array::{AsArray, Float64Array, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::common::runtime::SpawnedTask;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::{DataFrame, SessionContext, ident};
use futures::{StreamExt, TryStreamExt};
use serde_json::{Map, Value, json};
use spatialmill_models::Task;
use tokio::sync::mpsc;

use super::plans::Plans;
use super::quarantine::QuarantineWriter;
use super::stale::{Stale, Staleness};
use super::{Mill, Run};
use crate::error::{Context, Error, Result};
use crate::pipeline::Stage;
use crate::progress::{Bar, tell_line};
use crate::tables::RowCounts;
use crate::warehouse::{Commit, Part, Staging, StagingRecord, Table, WriteOptions, write_parts};

/// The shard of a table that is built once, from all shards.
pub const ALL: &str = "all";

/// A shard more is in flight than cores are there for, because a shard that opens its inputs or is being recorded needs none.
pub(super) const ONE_MORE: usize = 1;

/// Batches of quarantined rows that may wait to be written.
const LOSSES_WAITING: usize = 2;

/// What one shard came to.
#[derive(Debug, Clone)]
pub struct BuiltShard {
    /// Its shard.
    pub shard: String,
    /// Its files.
    pub parts: Vec<Part>,
    /// The files of `quarantine` that say what could not be used.
    pub lost: Vec<Part>,
    /// What became of its rows.
    pub counts: RowCounts,
}

/// What a build did to one table.
#[derive(Debug, Clone)]
pub struct Built {
    /// The table.
    pub table: String,
    /// Its version afterwards.
    pub version: u64,
    /// How many shards were made again, and how many stood.
    pub made: usize,
    pub fresh: usize,
    /// What became of the rows of the shards that were made.
    pub counts: RowCounts,
}

impl Mill {
    /// Builds everything that is stale, up to and including `until` (the whole pipeline when none).
    pub async fn build(&self, until: Option<&str>) -> Result<Vec<Built>> {
        until.map_or(Ok(()), |table| self.pipeline.check_built(table))?;
        let run = Run::begin();
        run.through(self.build_all(until, &run)).await
    }

    async fn build_all(&self, until: Option<&str>, run: &Run) -> Result<Vec<Built>> {
        let mut all = Vec::new();
        for name in &self.pipeline.order {
            let stage = self.pipeline.stage(name)?;
            self.open_models(stage).await?;
            all.push(run.until_kept(async |run| self.build_stage(stage, run).await).await?);
            if until == Some(name.as_str()) {
                break;
            }
        }
        self.record_runs(run).await?;
        Ok(all)
    }

    /// A model that cannot be opened is an error before any row is read.
    async fn open_models(&self, stage: &Stage) -> Result<()> {
        for key in stage.parameters()? {
            let name = self.project.text(&key).to_owned();
            if let Some(task) = Task::of_key(&key).filter(|_| !name.is_empty()) {
                self.models.get(&name, task).await.map_err(|e| e.with("key", &key))?;
            }
        }
        Ok(())
    }

    async fn build_stage(&self, stage: &Stage, run: &Run) -> Result<Built> {
        let table = self.open_or_create(&stage.writes).await?;
        let quarantine = self.quarantine_table().await?;
        let state = self.staleness(stage).await?;
        if !state.stale.is_empty() {
            run.is_at_work(&self.warehouse).await?;
        }
        let at_once = state.stale.len().clamp(1, self.engine.partitions());
        let partitions = (self.engine.partitions() / at_once).max(1);
        let plans = match state.stale.is_empty() {
            true => None,
            false => Some(Arc::new(self.plans(stage, partitions).await?)),
        };
        let bar = self.progress.stage(&stage.writes, state.stale.len());
        let shards = plans.iter().flat_map(|plans| state.stale.iter().map(move |stale| (plans, stale)));
        let making = futures::stream::iter(shards.map(|(plans, stale)| {
            let (tables, bar) = ([&table, &quarantine], &bar);
            async move {
                let made = self.make_shard(stage, plans, tables, stale, run).await?;
                bar.shard(&made.counts);
                Ok::<BuiltShard, Error>(made)
            }
        }))
        .buffer_unordered(at_once + ONE_MORE)
        .try_collect();
        let mut made: Vec<BuiltShard> = self.watched(stage, &state, &bar, making).await?;
        bar.finish();
        made.sort_by(|a, b| a.shard.cmp(&b.shard));
        let mut counts = RowCounts::default();
        made.iter().for_each(|m| counts.add(&m.counts));
        let built = Built {
            table: stage.writes.clone(),
            version: table.version(),
            made: made.len(),
            fresh: state.fresh,
            counts: counts.clone(),
        };
        if made.is_empty() && state.gone.is_empty() {
            return Ok(built);
        }
        if !counts.balances() {
            return Err(Error::internal("rows are unaccounted for").with("stage", &stage.writes));
        }
        self.quarantine(&stage.writes, &made, &state.gone, run).await?;
        if let Err(refused) = self.refuse_if_too_many(&stage.writes, &[&table], &made, &state.gone).await {
            self.ask_again(stage, &table, &state, &made).await?;
            return Err(refused);
        }
        let version = self.publish(&table, made, state.gone, run, &counts).await?;
        Ok(Built { version, ..built })
    }

    /// Waits for a stage's shards, and shows meanwhile how many images its models were asked about.
    async fn watched<T>(&self, stage: &Stage, state: &Staleness, bar: &Bar, work: impl Future<Output = T>) -> T {
        let frames = if stage.when.is_some() { self.warehouse.table("frames").await.ok().flatten() } else { None };
        let Some(frames) = frames else { return work.await };
        let of_stale = frames.parts().iter().filter(|part| state.stale.iter().any(|stale| stale.shard == part.shard));
        let (all, before) = (of_stale.map(|part| part.rows).sum(), self.models.images());
        let mut work = std::pin::pin!(work);
        let mut now_and_then = tokio::time::interval(Duration::from_millis(500));
        loop {
            tokio::select! {
                done = &mut work => return done,
                _ = now_and_then.tick() => bar.images(self.models.images() - before, all),
            }
        }
    }

    /// One shard's parts: taken over from an interrupted build, or made.
    async fn make_shard(
        &self,
        stage: &Stage,
        plans: &Arc<Plans>,
        [table, quarantine]: [&Table; 2],
        stale: &Stale,
        run: &Run,
    ) -> Result<BuiltShard> {
        let fingerprint = stale.fingerprint.to_string();
        if !stale.is_forced
            && let Some(made) = self.resume_staged(table, &stage.writes, &stale.shard, &fingerprint, run).await?
        {
            return Ok(made);
        }
        let losses = QuarantineWriter::new(quarantine, &stage.writes, &stale.shard, &fingerprint, run);
        let (lost, loss) = mpsc::channel(LOSSES_WAITING);
        let counts = Arc::new(Mutex::new(RowCounts::default()));
        let options = self.write_options(stage, table, run, &stale.shard, &fingerprint);
        let hysteresis = stage.hysteresis.as_ref().filter(|_| !stale.is_lost).map(|column| Hysteresis {
            column: column.clone(),
            keys: stage.keys.clone(),
            stored: table.clone(),
            tolerance: self.project.number("rate_tolerance"),
        });
        // A task of its own: shards in flight are polled together, and would otherwise share one thread.
        let (plans, counted, shard) = (Arc::clone(plans), Arc::clone(&counts), stale.shard.clone());
        let batches = SpawnedTask::spawn(async move {
            let context = plans.session(&shard).await?;
            let mut rows = plans.rows(&context, &counted, lost).await?;
            if let Some(hysteresis) = hysteresis {
                rows = hysteresis.choose(rows, &context).await?;
            }
            Ok::<_, Error>(collect(write_parts(rows, options), context.task_ctx()).await?)
        });
        let (batches, lost) = tokio::join!(batches.join_unwind(), losses.drain(loss));
        let here = |e: Error| e.with("stage", &stage.writes).with("shard", &stale.shard);
        // First what hindered the writing of lost rows, because it also stops the plan that sends them.
        let lost = lost.map_err(here)?;
        let batches = batches.or_internal(|| "a shard's task was cancelled".into())?.map_err(here)?;
        let mut parts = Vec::new();
        for batch in &batches {
            parts.extend(Part::from_batch(batch)?);
        }
        parts.sort_by(|a, b| a.path.cmp(&b.path));
        let counts = std::mem::take(&mut *counts.lock().unwrap_or_else(PoisonError::into_inner));
        let written: u64 = parts.iter().map(|part| part.rows).sum();
        if written != counts.rows_out {
            let message = format!("{} rows went to the writer and {written} were written", counts.rows_out);
            return Err(Error::internal(message).with("stage", &stage.writes).with("shard", &stale.shard));
        }
        let made = BuiltShard { shard: stale.shard.clone(), parts, lost, counts };
        self.stage_shard(table, &made, &fingerprint, run).await?;
        Ok(made)
    }

    /// Leaves a record from which the next run takes this shard over, should this one not get to its commit.
    pub(super) async fn stage_shard(
        &self,
        table: &Table,
        made: &BuiltShard,
        fingerprint: &str,
        run: &Run,
    ) -> Result<()> {
        let counts = serde_json::to_value(&made.counts).or_internal(|| "row counts have no JSON form".into())?;
        let record = StagingRecord {
            shard: made.shard.clone(),
            fingerprint: fingerprint.to_owned(),
            parts: made.parts.clone(),
            info: Map::from_iter([("counts".to_owned(), counts)]),
            run_id: run.id.clone(),
        };
        table.staging().save(&record).await
    }

    /// A shard that an interrupted run made durable; `stage` is what its quarantined rows are entered under.
    pub(super) async fn resume_staged(
        &self,
        table: &Table,
        stage: &str,
        shard: &str,
        fingerprint: &str,
        run: &Run,
    ) -> Result<Option<BuiltShard>> {
        let Some(record) = table.staging().find(shard, fingerprint, &run.id).await? else { return Ok(None) };
        // A record whose counts cannot be read is of another version: the shard is made again.
        let counts: Option<RowCounts> =
            record.info.get("counts").cloned().and_then(|value| serde_json::from_value(value).ok());
        let Some(counts) = counts else { return Ok(None) };
        let lost = match counts.rows_quarantined() {
            0 => Some(Vec::new()),
            _ => self.staged_quarantine(stage, shard, fingerprint, run).await?,
        };
        Ok(lost.map(|lost| BuiltShard { shard: shard.to_owned(), parts: record.parts, lost, counts }))
    }

    /// Where models failed, the next run asks them again and takes no shard over that lost rows: a server that was in trouble may be well by
    /// then. What they did answer is kept, and not asked again.
    async fn ask_again(&self, stage: &Stage, table: &Table, state: &Staleness, made: &[BuiltShard]) -> Result<()> {
        let lost_some = |stale: &&Stale| made.iter().any(|m| m.shard == stale.shard && m.counts.rows_quarantined() > 0);
        for stale in state.stale.iter().filter(|_| stage.when.is_some()).filter(lost_some) {
            table.staging().remove(&stale.shard, &stale.fingerprint.to_string()).await?;
        }
        Ok(())
    }

    /// Makes one table's shards visible, in one version.
    pub(super) async fn publish(
        &self,
        table: &Table,
        made: Vec<BuiltShard>,
        gone: Vec<String>,
        run: &Run,
        counts: &RowCounts,
    ) -> Result<u64> {
        let pairs = |counts: &BTreeMap<String, u64>| -> Value {
            counts.iter().map(|(reason, n)| json!({"reason": reason, "n": n})).collect()
        };
        let fingerprints: BTreeSet<&str> =
            made.iter().flat_map(|m| &m.parts).map(|part| part.fingerprint.as_str()).collect();
        let mut all = blake3::Hasher::new();
        for fingerprint in fingerprints {
            all.update(fingerprint.as_bytes());
        }
        let info = json!({
            "started": run.started,
            "seed": self.project.integer("seed"),
            "fingerprint": all.finalize().to_hex()[..16],
            "rows_in": counts.rows_in,
            "rows_out": counts.rows_out,
            "filtered": pairs(&counts.filtered),
            "quarantined": pairs(&counts.quarantined),
        });
        let Value::Object(info) = info else { return Err(Error::internal("the commit's counts are no JSON object")) };
        let records: Vec<(String, String)> = made
            .iter()
            .filter_map(|m| m.parts.first().map(|part| (m.shard.clone(), part.fingerprint.clone())))
            .collect();
        let lost: Vec<Part> = made.iter().flat_map(|m| m.lost.iter().cloned()).collect();
        let commit = Commit {
            run_id: run.id.clone(),
            add: made.into_iter().flat_map(|m| m.parts).collect(),
            remove_shards: gone,
            info,
        };
        let committed = table.commit(&commit).await?;
        for (shard, fingerprint) in records {
            forget(&table.staging(), &shard, &fingerprint).await;
        }
        self.forget_quarantine(&lost).await?;
        Ok(committed.version())
    }

    fn write_options(&self, stage: &Stage, table: &Table, run: &Run, shard: &str, fingerprint: &str) -> WriteOptions {
        let mut options = table.write_options(&run.id, shard, fingerprint);
        options.cluster_by.clone_from(&stage.cluster);
        options.ids.extend(stage.keys.iter().filter(|key| key.ends_with("_id")).cloned());
        options.long_text = ["question", "counts"].map(str::to_owned).to_vec();
        options
    }

    /// The declared columns of a table.
    pub fn schema(&self, name: &str) -> Result<SchemaRef> {
        self.schemas.get(name).map(|table| Arc::clone(&table.schema)).ok_or_else(|| {
            Error::usage("no schema declares this table")
                .with("table", name)
                .hint("stored stages need a file in schemas/")
        })
    }

    /// A stored table; created empty the first time.
    pub(super) async fn open_or_create(&self, name: &str) -> Result<Table> {
        match self.warehouse.table(name).await? {
            Some(table) if has_columns_of(&table, &self.schema(name)?) => Ok(table),
            Some(_) => Err(Error::usage("the stored table has other columns: another version of spatialmill wrote it")
                .with("table", name)
                .hint("build into a new warehouse (`url` under [warehouse]); what models said can be moved there with the folder `_answers`")),
            None => self.warehouse.create(name, self.schema(name)?).await,
        }
    }
}

/// Removes the record of a shard that is committed. One that stays behind is old some day, and `gc` removes it: no reason to fail
/// what has been done.
pub(super) async fn forget(staging: &Staging, shard: &str, fingerprint: &str) {
    if let Err(error) = staging.remove(shard, fingerprint).await {
        tell_line(format_args!("left to gc: {error}"));
    }
}

/// True where a stored table's columns are those that are declared now.
fn has_columns_of(table: &Table, declared: &SchemaRef) -> bool {
    let columns = |schema: &SchemaRef| -> Vec<(String, DataType)> {
        schema.fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect()
    };
    columns(table.schema()) == columns(declared)
}

/// What a stage's rows are held against before they replace the stored ones; such a table is small, and held in memory.
struct Hysteresis {
    column: String,
    keys: Vec<String>,
    stored: Table,
    tolerance: f64,
}

impl Hysteresis {
    /// The rows that are stored already, where the new ones say the same within `$rate_tolerance`; else the new ones. Rows that are kept have
    /// the content that they had, so that nothing behind them becomes stale.
    async fn choose(&self, plan: Arc<dyn ExecutionPlan>, context: &SessionContext) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = self.stored.schema();
        let order = || self.keys.iter().map(|key| ident(key).sort(true, false)).collect::<Vec<_>>();
        let sorted = async |rows: DataFrame| -> Result<RecordBatch> {
            let batches = rows.sort(order())?.collect().await?;
            Ok(concat_batches(schema, &batches).map_err(DataFusionError::from)?)
        };
        let new = collect(plan, context.task_ctx()).await?;
        // One batch, so that no rows at all still have columns.
        let new = concat_batches(schema, &new).map_err(DataFusionError::from)?;
        let new = sorted(context.read_batch(new)?).await?;
        let old = sorted(context.read_table(self.stored.provider())?).await?;
        let keep_old =
            same_keys(&old, &new, &self.keys)? && largest_change(&old, &new, &self.column)? <= self.tolerance;
        let rows = if keep_old { old } else { new };
        Ok(MemorySourceConfig::try_new_exec(&[vec![rows]], Arc::clone(schema), None)?)
    }
}

/// True where two sorted tables have the same rows by key.
fn same_keys(old: &RecordBatch, new: &RecordBatch, keys: &[String]) -> Result<bool> {
    Ok(old.num_rows() == new.num_rows() && keys.iter().all(|key| old.column_by_name(key) == new.column_by_name(key)))
}

/// The largest change of a number between two tables with the same rows.
fn largest_change(old: &RecordBatch, new: &RecordBatch, column: &str) -> Result<f64> {
    let numbers = |rows: &RecordBatch| -> Result<Float64Array> {
        let values = rows
            .column_by_name(column)
            .ok_or_else(|| Error::usage("`-- hysteresis:` names no column").with("column", column))?;
        let values = arrow::compute::cast(values, &arrow::datatypes::DataType::Float64)
            .or_input(|| format!("`-- hysteresis: {column}` is not a number"))?;
        Ok(values.as_primitive::<arrow::datatypes::Float64Type>().clone())
    };
    let (old, new) = (numbers(old)?, numbers(new)?);
    Ok(old.values().iter().zip(new.values()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max))
}
