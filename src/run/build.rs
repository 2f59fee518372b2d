//! Building: the driver goes from stage to stage; each has its stale shards made and committed once.
//!
//! ```text
//! Snapshot ─► for each stored stage, in order:
//!   stale shards ─► orders ─► Runner ─► staging records
//!                └─► too much quarantined? stop (exit code 3)
//!                └─► quarantine's commit ─► the table's commit (parts, run id, fingerprints, counts) ─► staging records removed
//!                └─► its new version in the snapshot
//! ```
//!
//! Quarantine is committed before its table: if the process dies between the two, the shard is still stale and both are written
//! again. A commit that misses a part (something is cleaning up) fails, and the stage is gone through again over a new snapshot: what is
//! still there is resumed from its record, and the rest is made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{DataType, SchemaRef};
use serde_json::{Value, json};
use spatialmill_models::Task as ModelTask;

use super::built_shard::BuiltShard;
use super::import::Imported;
use super::order::IMPORT;
use super::parallel::{BuildPart, Parallel};
use super::quarantine::QUARANTINE;
use super::snapshot::{PinnedTable, Snapshot};
use super::staged::forget_staged;
use super::stale::Staleness;
use super::worker::{StageTask, Task, Wanted, Worker};
use super::{Mill, Run};
use crate::error::{Error, Kind, Result};
use crate::pipeline::{IMPORTED, Stage};
use crate::process_memory;
use crate::progress::Bar;
use crate::tables::{RowCounts, TableSchema};
use crate::warehouse::{Commit, Table};

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
        self.build_over(&self.snapshot().await, until).await
    }

    /// The same over a snapshot, which has the new versions then.
    pub async fn build_over(&self, snapshot: &Snapshot, until: Option<&str>) -> Result<Vec<Built>> {
        until.map_or(Ok(()), |table| self.pipeline.check_built(table))?;
        let run = Run::begin();
        run.through(async {
            let built = self.build_all(until, snapshot, &run).await?;
            self.record_runs(snapshot, &run).await?;
            Ok(built)
        })
        .await
    }

    /// One build by several processes of which this is one: what it made, and of part 0 what all made.
    pub async fn build_part(
        &self,
        snapshot: &Snapshot,
        part: BuildPart,
        imports: bool,
        until: Option<&str>,
    ) -> Result<(Vec<Imported>, Vec<Built>)> {
        let mut run = Run::begin();
        let parallel = Arc::new(Parallel::of(self, part, &run.id).await?);
        run.parallel = Some(Arc::clone(&parallel));
        let beating = parallel.begin().await?;
        let outcome = run.through(async {
            let imported = if imports { self.import_all(&[], snapshot, &run).await? } else { Vec::new() };
            parallel.done(IMPORT);
            let built = self.build_all(until, snapshot, &run).await?;
            if part.is_driver() {
                self.record_runs(snapshot, &run).await?;
            }
            Ok((imported, built))
        });
        let outcome = outcome.await;
        parallel.end(beating, &outcome).await?;
        outcome
    }

    pub(super) async fn build_all(&self, until: Option<&str>, snapshot: &Snapshot, run: &Run) -> Result<Vec<Built>> {
        self.add_columns(snapshot).await?;
        let mut all = Vec::new();
        for name in &self.pipeline.order {
            let stage = self.pipeline.stage(name)?;
            self.open_models(stage).await?;
            let build = async |run: &Run| {
                let built = self.build_stage(stage, snapshot, run).await;
                // What was relied on is gone: the next round looks anew.
                built.inspect_err(|error| {
                    if error.kind() == Kind::Lost {
                        snapshot.forget_all()
                    }
                })
            };
            all.push(run.until_kept(build).await?);
            if let Some(parallel) = &run.parallel {
                parallel.done(name);
            }
            if until == Some(name.as_str()) {
                break;
            }
        }
        Ok(all)
    }

    /// A model that cannot be opened is an error before any row is read.
    async fn open_models(&self, stage: &Stage) -> Result<()> {
        for key in stage.parameters()? {
            let name = self.project.text(&key).to_owned();
            if let Some(task) = ModelTask::of_key(&key).filter(|_| !name.is_empty()) {
                self.models.get(&name, task).await.map_err(|e| e.with("key", &key))?;
            }
        }
        Ok(())
    }

    async fn build_stage(&self, stage: &Stage, snapshot: &Snapshot, run: &Run) -> Result<Built> {
        let table = self.open_or_create(snapshot, &stage.writes).await?;
        let quarantine = self.open_or_create(snapshot, QUARANTINE).await?;
        let state = self.staleness(snapshot, stage).await?;
        let wanted: Vec<Wanted> = state.stale.iter().map(Wanted::from).collect();
        let bar = Arc::new(self.progress.stage(&stage.writes, run.shown(&wanted)));
        let mut made: Vec<BuiltShard> = Vec::new();
        let mut worker = None;
        if !wanted.is_empty() {
            run.is_at_work(&self.warehouse).await?;
            let task = Task::Stage(StageTask::of(self, snapshot, stage, Arc::clone(&table)).await?);
            let concurrency = self.engine.concurrency(wanted.len());
            let worker = worker.insert(Worker {
                mill: self,
                run,
                quarantine: Arc::clone(&quarantine),
                task,
                concurrency,
                bar: Arc::clone(&bar),
            });
            let built = self.watched(snapshot, stage, &state, &bar, self.drive(worker, &wanted)).await?;
            made = built.into_values().flat_map(BTreeMap::into_values).collect();
        }
        bar.finish();
        let mut counts = RowCounts::default();
        made.iter().for_each(|m| counts.add(&m.counts));
        let built = Built {
            table: stage.writes.clone(),
            version: table.version(),
            made: made.len(),
            fresh: state.fresh,
            counts: counts.clone(),
        };
        if state.stale.is_empty() && state.gone.is_empty() {
            return Ok(built);
        }
        if let Some(parallel) = run.leaves_commits() {
            let is_there = async || {
                let newest = table.latest().await?;
                if newest.version() == table.version() {
                    return Ok(false);
                }
                snapshot.replace(newest);
                snapshot.forget(QUARANTINE);
                let now = self.staleness(snapshot, stage).await?;
                Ok(now.stale.is_empty() && now.gone.is_empty())
            };
            parallel.wait_for(&stage.writes, is_there).await?;
            [stage.writes.as_str(), QUARANTINE].into_iter().for_each(|name| snapshot.forget(name));
            let table = self.open_or_create(snapshot, &stage.writes).await?;
            return Ok(Built { version: table.version(), ..built });
        }
        if !counts.balances() {
            return Err(Error::internal("rows are unaccounted for").with("stage", &stage.writes));
        }
        self.commit_quarantine(snapshot, &stage.writes, &made, &state.gone, run).await?;
        if let Err(refused) = self.refuse_if_too_many(snapshot, &stage.writes, &[&table], &made, &state.gone).await {
            // Where models failed, the next run asks them again and resumes no shard that lost rows: a server that was in trouble may be
            // well by then. What they did answer is kept, and not asked again.
            if let Some(worker) = worker.filter(|_| stage.when.is_some()) {
                let lost_some =
                    |one: &&Wanted| made.iter().any(|m| m.shard == one.shard && m.counts.rows_quarantined() > 0);
                worker.unstage(&wanted.iter().filter(lost_some).cloned().collect::<Vec<_>>()).await?;
            }
            return Err(refused);
        }
        let version = self.publish(snapshot, &table, made, state.gone, run, &counts).await?;
        forget_staged(&[&table], &quarantine, &stage.writes, &wanted).await;
        Ok(Built { version, ..built })
    }

    /// Waits for a stage's shards, and shows meanwhile how many images its models were asked about.
    async fn watched<T>(
        &self,
        snapshot: &Snapshot,
        stage: &Stage,
        state: &Staleness,
        bar: &Bar,
        work: impl Future<Output = T>,
    ) -> T {
        let frames = if stage.when.is_some() { snapshot.table("frames").await.ok().flatten() } else { None };
        let Some(frames) = frames else { return work.await };
        let of_stale = state.stale.iter().flat_map(|stale| frames.parts_of(&stale.shard));
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

    /// Makes one table's shards visible, in one version.
    pub(super) async fn publish(
        &self,
        snapshot: &Snapshot,
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
            "peak_memory": process_memory::peak(),
        });
        let Value::Object(info) = info else { return Err(Error::internal("the commit's counts are no JSON object")) };
        let commit = Commit {
            run_id: run.id.clone(),
            add: made.into_iter().flat_map(|m| m.parts).collect(),
            remove_shards: gone,
            info,
        };
        Ok(snapshot.replace(table.commit(&commit).await?).version())
    }

    /// The declared columns of a table.
    pub fn schema(&self, name: &str) -> Result<SchemaRef> {
        self.declared(name).map(|table| Arc::clone(&table.schema))
    }

    fn declared(&self, name: &str) -> Result<&TableSchema> {
        self.schemas.get(name).ok_or_else(|| {
            Error::usage("no schema declares this table")
                .with("table", name)
                .hint("stored stages need a file in schemas/")
        })
    }

    /// A stored table; created empty the first time. One that another version of the program wrote gets the columns that it lacks, where they
    /// may be null: what is in it already has nulls there.
    pub(super) async fn open_or_create(&self, snapshot: &Snapshot, name: &str) -> Result<Arc<PinnedTable>> {
        let stored = snapshot.table(name).await?;
        if let Some(table) = stored.as_ref().filter(|table| has_columns_of(table, self.schemas.get(name))) {
            return Ok(Arc::clone(table));
        }
        let made = self.warehouse.create(name, self.declared(name)?.with_comments()).await;
        let made = made.map_err(|error| match stored {
            None => error,
            Some(_) => Error::usage("the stored table has other columns: another version of spatialmill wrote it")
                .with("table", name)
                .because(error)
                .hint("build into a new warehouse (`url` under [warehouse]); what models said can be moved there with the folder `_answers`"),
        })?;
        Ok(snapshot.replace(made))
    }

    /// Tables that a build only reads get the columns that they lack, too.
    async fn add_columns(&self, snapshot: &Snapshot) -> Result<()> {
        for name in IMPORTED.iter().copied().chain(self.pipeline.order.iter().map(String::as_str)) {
            if snapshot.table(name).await?.is_some() {
                self.open_or_create(snapshot, name).await?;
            }
        }
        Ok(())
    }
}

/// True where a stored table's columns are those that are declared now, in any order: those that were added are the last.
fn has_columns_of(table: &Table, declared: Option<&TableSchema>) -> bool {
    let columns = |schema: &SchemaRef| -> BTreeMap<String, DataType> {
        schema.fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect()
    };
    declared.is_some_and(|declared| columns(table.schema()) == columns(&declared.schema))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use arrow::array::AsArray;
    use arrow::datatypes::{Int64Type, Schema};

    use super::*;
    use crate::progress::Progress;
    use crate::project::Project;

    const ROOMS: &str = "[[source]]\nname = \"a\"\nkind = \"synthetic\"\nroot = \"rooms\"\nrooms = 1\nframes_per_room = 2\nwidth = 96\nheight = 72\n";

    async fn open(folder: &Path) -> Mill {
        Mill::open(Project::load(folder, &[]).unwrap(), Progress::silent()).await.unwrap()
    }

    async fn count(mill: &Mill, sql: &str) -> i64 {
        let context = mill.session(&BTreeMap::new()).await.unwrap();
        let rows = context.sql(sql).await.unwrap().collect().await.unwrap();
        rows[0].column(0).as_primitive::<Int64Type>().value(0)
    }

    /// A warehouse as a version of the program made it that did not know some columns yet.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_stored_table_gets_the_columns_that_it_lacks() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mill.toml"), ROOMS).unwrap();
        let mut old = open(folder.path()).await;
        for (table, column) in
            [("frames", "timestamp"), ("frames", "sha256"), ("detections", "score"), ("runs", "peak_memory")]
        {
            let declared = old.schemas.get_mut(table).unwrap();
            let kept = declared.schema.fields().iter().filter(|field| field.name() != column).cloned();
            declared.schema = Arc::new(Schema::new(kept.collect::<Vec<_>>()));
        }
        old.import(&[]).await.unwrap();

        // Another scan comes in; what stands is not read again.
        std::fs::write(
            folder.path().join("mill.toml"),
            ROOMS.to_owned() + &ROOMS.replace("\"a\"", "\"b\"").replace("rooms\"", "more\""),
        )
        .unwrap();
        let mill = open(folder.path()).await;
        let built = mill.build(Some("objects")).await.unwrap();
        assert!(built[0].counts.rows_out > 0, "a build that imports nothing adds them: {built:?}");
        let mill = open(folder.path()).await;
        let imported = mill.import(&[]).await.unwrap();
        assert_eq!(imported.iter().map(|one| (one.read, one.fresh)).collect::<Vec<_>>(), [(0, 1), (1, 0)]);
        mill.build(None).await.unwrap();
        let hashed = "SELECT count(*) FROM frames WHERE source = 'SOURCE' AND sha256 IS NOT NULL AND width = 96";
        assert_eq!(count(&mill, &hashed.replace("SOURCE", "a")).await, 0);
        assert_eq!(count(&mill, &hashed.replace("SOURCE", "b")).await, 2);
        let objects = "SELECT count(DISTINCT frame_id) FROM objects";
        assert_eq!(count(&mill, objects).await, 4);
        assert!(mill.build(None).await.unwrap().iter().all(|built| built.made == 0), "nothing is left to be made");
        assert!(mill.verify(&[]).await.unwrap().is_empty());
        let runs = |peak| format!("SELECT count(*) FROM runs WHERE peak_memory {peak}");
        assert!(count(&mill, &runs("IS NULL")).await > 0);
        assert!(!cfg!(target_os = "linux") || count(&mill, &runs("> 1000000")).await > 0);

        // A column that is no more, or of another type, is no small change.
        let mut mill = open(folder.path()).await;
        let mut declared = mill.schemas["frames"].clone();
        declared.schema = Arc::new(declared.schema.project(&[0, 1, 2]).unwrap());
        mill.schemas.insert("frames".to_owned(), declared);
        let error = mill.import(&[]).await.unwrap_err();
        assert!(error.to_string().contains("has other columns") && error.advice().is_some(), "{error}");
    }
}
