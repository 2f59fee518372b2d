//! Runs: `import` and `build`, which write tables of the warehouse, and what every other verb needs of them.
//!
//! ```text
//! driver  import, build ─► Snapshot ─► stale shards ─► orders ─┐                        ┌─► quarantine, refusal ─► one commit a table ─► run log
//! runner                                                      └─► Runner ─► Worker     │
//! worker                                     order ─► plan, or source's reader ─► parts ─► staging record, or error record
//! ```
//!
//! The driver decides and commits, workers make shards, and what passes between them is orders and records: workers may be tasks of this
//! process or other processes (`parallel`). A shard is durable once its staging record is written and visible once its table's commit
//! lands; what is interrupted between the two is resumed by the next run.

pub mod benchmarks;
pub mod build;
mod built_shard;
mod concurrent_async;
mod driver;
mod empty_inputs;
pub mod force;
mod hysteresis;
pub mod import;
mod import_shard;
mod json_rows;
mod memory_pool;
pub mod order;
pub mod parallel;
mod plan_input;
mod plan_pool;
pub mod plans;
pub mod probe;
mod quarantine;
pub mod read_only;
mod refusal;
mod run_log;
pub mod runner;
pub mod session;
pub mod snapshot;
mod staged;
pub mod stale;
pub mod verify;
pub mod worker;

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use datafusion::datasource::empty::EmptyTable;
use tokio::sync::OnceCell;

use self::force::Force;
use self::parallel::Parallel;
use self::quarantine::QUARANTINE;
use self::run_log::RUNS;
use self::runner::{LocalRunner, Runner};
use self::snapshot::Snapshot;
use self::worker::Wanted;
use crate::error::{Error, Kind, Result};
use crate::models::Models;
use crate::pipeline::{IMPORTED, Keep, Pipeline};
use crate::progress::{Progress, tell_line};
use crate::project::Project;
use crate::tables;
use crate::warehouse::{Lease, Table, Warehouse};

/// A project with its warehouse open: what every verb of the command line works on.
pub struct Mill {
    /// The project.
    pub project: Project,
    /// Its tables.
    pub warehouse: Warehouse,
    /// Its stages.
    pub(crate) pipeline: Pipeline,
    /// The declared columns of every table.
    pub(crate) schemas: BTreeMap<String, tables::TableSchema>,
    /// Where rates and counts are shown.
    pub progress: Progress,
    /// Its models, opened when they are asked for.
    pub models: Arc<Models>,
    /// What is made again although nothing that it depends on changed.
    pub(crate) force: Force,
    /// Of everything in the project that orders depend on.
    digest: String,
    runner: Arc<dyn Runner>,
    engine: session::Engine,
}

impl Mill {
    /// Opens a project's warehouse; creates nothing.
    pub async fn open(project: Project, progress: Progress) -> Result<Self> {
        let warehouse = Warehouse::open(project.text("url"), &project.folder)?;
        let pipeline = Pipeline::of(&project)?;
        let schemas = tables::schemas().await?;
        let objects = schemas.get("objects").ok_or_else(|| Error::internal("schemas/ does not declare `objects`"))?;
        let models = Arc::new(Models::of(&project, warehouse.location())?);
        let engine = session::Engine::new(&project, &objects.schema, &models)?;
        let digest = project.digest()?;
        let (force, runner) = (Force::default(), Arc::new(LocalRunner));
        Ok(Self { project, warehouse, pipeline, schemas, progress, models, force, digest, runner, engine })
    }

    /// A snapshot with every table that an import or a build reads or writes.
    pub async fn snapshot(&self) -> Snapshot {
        let snapshot = Snapshot::of(&self.warehouse);
        let made = IMPORTED.iter().copied().chain(self.pipeline.order.iter().map(String::as_str));
        snapshot.open(made.chain([QUARANTINE, RUNS])).await;
        snapshot
    }

    /// The newest versions of all tables, sorted by name. A table that another program keeps beside ours and that cannot be read is
    /// passed over with a word.
    pub async fn tables(&self) -> Result<Vec<Table>> {
        match self.readable_tables().await? {
            (_, Some(error)) => Err(error),
            (tables, None) => Ok(tables),
        }
    }

    /// Every table that can be opened, and why the first of those that a build makes cannot be.
    pub async fn readable_tables(&self) -> Result<(Vec<Table>, Option<Error>)> {
        let (mut tables, mut unreadable) = (Vec::new(), None);
        for name in self.warehouse.table_names().await? {
            match self.warehouse.table(&name).await {
                Ok(table) => tables.extend(table),
                Err(error) if self.schemas.contains_key(&name) => unreadable = unreadable.or(Some(error)),
                Err(error) => tell_line(format_args!("passed over: {error}")),
            }
        }
        Ok((tables, unreadable))
    }

    /// A SQL session in which every table of the warehouse can be read.
    pub async fn session(&self, versions: &BTreeMap<String, u64>) -> Result<datafusion::prelude::SessionContext> {
        let context = self.engine.session()?;
        for table in self.tables().await? {
            // A stage that is switched off has no rows, whatever it had before.
            if self.pipeline.stages.get(table.name()).is_some_and(|stage| stage.keep != Keep::Table) {
                continue;
            }
            let table = match versions.get(table.name()) {
                Some(version) => self.warehouse.table_at(table.name(), *version).await?,
                None => Some(table),
            };
            if let Some(table) = table {
                // Views name columns that a table which was not built since may lack.
                let provider = match self.schemas.get(table.name()) {
                    Some(newest) => table.provider_with(&newest.schema),
                    None => table.provider(),
                };
                context.register_table(table.name(), provider)?;
            }
        }
        // Nothing was quarantined yet, or nothing run: that is an empty table too.
        for (name, table) in &self.schemas {
            let is_view = self.pipeline.stages.get(name).is_some_and(|stage| stage.keep != Keep::Table);
            if !is_view && !context.table_exist(name.as_str())? {
                context.register_table(name.as_str(), Arc::new(EmptyTable::new(Arc::clone(&table.schema))))?;
            }
        }
        self.register_views(&context).await?;
        Ok(context)
    }
}

/// One run: its name and when it began.
#[derive(Debug, Clone)]
pub struct Run {
    /// Unique: the time in milliseconds, so that runs sort by it, and 64 random bits: in containers all processes have one id.
    pub id: String,
    /// ISO 8601, UTC.
    pub started: String,
    /// Its part in a build of several processes.
    parallel: Option<Arc<Parallel>>,
    /// There when the run has written something.
    lease: Arc<OnceCell<Lease>>,
}

/// How often a stage is made again whose parts `gc` took away before their commit.
const ROUNDS: usize = 4;

impl Run {
    /// A run that begins now.
    pub fn begin() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // The keys of a hasher are random, and others for each.
        let random = RandomState::new().hash_one(now.as_nanos());
        let id = format!("{:013}-{random:016x}", now.as_millis());
        Self { id, started: iso(now.as_millis() as u64), parallel: None, lease: Arc::default() }
    }

    /// True for a process of several that does not commit: part 0 does.
    fn leaves_commits(&self) -> Option<&Parallel> {
        self.parallel.as_deref().filter(|parallel| !parallel.part.is_driver())
    }

    /// How many of these shards this process shows: part 0 those of all, the others their own.
    fn shown(&self, wanted: &[Wanted]) -> usize {
        let own = |parallel: &Parallel| wanted.iter().filter(|one| parallel.part.makes(&one.shard)).count();
        self.leaves_commits().map_or(wanted.len(), own)
    }

    /// Says that the run is at work, so that `gc` spares what it writes; said once, and before it writes.
    async fn is_at_work(&self, warehouse: &Warehouse) -> Result<()> {
        self.lease.get_or_try_init(|| warehouse.acquire_lease(&self.id)).await.map(drop)
    }

    /// Does the run's work, and says when it is over.
    async fn through<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let outcome = work.await;
        if let Some(lease) = self.lease.get() {
            lease.release().await;
        }
        outcome
    }

    /// Does a piece of work again where something took parts of it away before they were committed. The files of each round have names
    /// of their own: one that is about to be removed must not be written anew.
    async fn until_kept<T>(&self, work: impl AsyncFn(&Self) -> Result<T>) -> Result<T> {
        let mut round = self.clone();
        for n in 2..=ROUNDS {
            match work(&round).await {
                Err(error) if error.kind() == Kind::Lost => {}
                outcome => return outcome,
            }
            round.id = format!("{}-{n}", self.id);
        }
        work(&round).await
    }
}

/// Milliseconds since 1970 as ISO 8601 in UTC.
pub fn iso(millis: u64) -> String {
    let (days, in_day) = ((millis / 86_400_000) as i64, millis % 86_400_000);
    // Days to a civil date, by the proleptic Gregorian calendar counted from 0000-03-01.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (in_day / 3_600_000, in_day / 60_000 % 60, in_day / 1_000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", in_day % 1_000)
}

#[cfg(test)]
mod tests {
    #[test]
    fn times_are_iso_8601() {
        assert_eq!(super::iso(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(super::iso(951_827_696_789), "2000-02-29T12:34:56.789Z");
    }
}
