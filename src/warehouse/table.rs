//! A table at one version: its columns and parts as the log says them, and the ways to read and change it.
//!
//! A `Table` is an immutable view of one version, and [`Table::latest`] or [`Table::commit`] give another one. Opening reads the log alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use deltalake_core::kernel::LogicalFileView;
use deltalake_core::kernel::transaction::CommitProperties;
use deltalake_core::logstore::{StorageConfig, default_logstore};
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::table::state::DeltaTableState;
use deltalake_core::{DeltaTable, DeltaTableError, checkpoints};
use object_store::ObjectStore;

use super::log_file_cache::{Checkpoints, LogFileCache};
use super::scan::Scan;
use super::{Location, Part, Staging, WriteOptions, schema};
use crate::error::{Context, Error, Result};

/// One version of a stored table.
#[derive(Debug, Clone)]
pub struct Table {
    name: Arc<str>,
    warehouse: Location,
    location: Location,
    pub(super) delta: DeltaTable,
    log: Arc<LogFileCache>,
    version: u64,
    schema: SchemaRef,
    parts: Arc<[Part]>,
}

impl Table {
    /// Its name in the warehouse.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its folder.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The folder of all tables.
    pub(super) fn warehouse(&self) -> &Location {
        &self.warehouse
    }

    /// Which version this is.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Its columns, as plans see them.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Its active parts, sorted by shard and path.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// How many rows it has.
    pub fn rows(&self) -> u64 {
        self.parts.iter().map(|part| part.rows).sum()
    }

    /// Its shards with their fingerprints.
    pub fn shards(&self) -> BTreeMap<&str, &str> {
        self.parts.iter().map(|part| (part.shard.as_str(), part.fingerprint.as_str())).collect()
    }

    /// The newest version now: one listing, and what is new. A clone where nothing is.
    pub async fn latest(&self) -> Result<Self> {
        let mut delta = self.delta.clone();
        let updated = delta.update_state().await;
        self.log.forget();
        updated.or_input(|| format!("cannot read the log of {}", self.location.url()))?;
        if delta.version() == Some(self.version) { Ok(self.clone()) } else { self.at(delta) }
    }

    /// All rows, for a plan.
    pub fn provider(&self) -> Arc<dyn TableProvider> {
        Arc::new(Scan::new(self.location.clone(), Arc::clone(&self.schema), self.parts_with_stats()))
    }

    /// All rows, for a plan that knows the columns of a newer version: those that this one lacks, and that may be null, are null.
    pub fn provider_with(&self, newer: &Schema) -> Arc<dyn TableProvider> {
        let lacks = |field: &&FieldRef| field.is_nullable() && self.schema.index_of(field.name()).is_err();
        let lacking = newer.fields().iter().filter(lacks);
        let columns = self.schema.fields().iter().chain(lacking).cloned().collect::<Vec<_>>();
        let schema = schema::canonical(&Schema::new(columns));
        Arc::new(Scan::new(self.location.clone(), schema, self.parts_with_stats()))
    }

    /// Its active parts with their statistics. They are most of a log, and an open table of many shards does not hold them twice.
    pub(super) fn parts_with_stats(&self) -> Vec<Part> {
        let log = self.delta.snapshot().map(|state| state.log_data());
        let stats = |file: LogicalFileView| Some((file.path().into_owned(), file.stats()?));
        let mut stats: HashMap<String, String> = log.iter().flat_map(|log| log.iter()).filter_map(stats).collect();
        let with_stats = |part: &Part| Part { stats: stats.remove(&part.path).unwrap_or_default(), ..part.clone() };
        self.parts.iter().map(with_stats).collect()
    }

    /// The rows of some shards, for a plan; shards that the table does not have add nothing.
    pub fn provider_of(&self, shards: &BTreeSet<String>) -> Arc<dyn TableProvider> {
        let parts = self.parts.iter().filter(|part| shards.contains(&part.shard)).cloned().collect();
        Arc::new(Scan::new(self.location.clone(), Arc::clone(&self.schema), parts))
    }

    /// The rows of some parts of it, for a plan.
    pub fn provider_of_parts(&self, parts: Vec<Part>) -> Arc<dyn TableProvider> {
        Arc::new(Scan::new(self.location.clone(), Arc::clone(&self.schema), parts))
    }

    /// Defaults for writing one shard of this table.
    pub fn write_options(&self, run_id: &str, shard: &str, fingerprint: &str) -> WriteOptions {
        WriteOptions::new(self.location.clone(), Arc::clone(&self.schema), run_id, shard, fingerprint)
    }

    /// The records of shards that were written but not committed.
    pub fn staging(&self) -> Staging {
        Staging::new(self.clone())
    }

    /// Opens a table of a warehouse; none where there is no log.
    pub(super) async fn open(warehouse: &Location, name: &str, version: Option<u64>) -> Result<Option<Self>> {
        let location = warehouse.child(name)?;
        let failed = match Log::read(&location, version, Checkpoints::Read).await {
            Ok(log) => return log.map(|log| Self::of(warehouse, name, log)).transpose(),
            Err(error) => error,
        };
        // The entries say all that a checkpoint says, and it may be what is damaged.
        if failed.has_checkpoint
            && let Ok(Some(log)) = Log::read(&location, version, Checkpoints::Ignore).await
        {
            return Self::of(warehouse, name, log).map(Some);
        }
        let failed = failed.error;
        Err(match version {
            Some(version) => Error::input("the table has no such version")
                .with("table", name)
                .with("version", version)
                .because(failed)
                .hint("`spatialmill status` shows the newest version of each table; gc removes what old ones had"),
            None => Error::input("cannot read the table's log").with("table", name).because(failed).hint(format!(
                "put back `_delta_log` as it was, or move the folder {} away: the next build makes the table again",
                location.url()
            )),
        })
    }

    /// This version as the log's entries alone say it; none where they cannot be read.
    pub(super) async fn without_checkpoints(&self) -> Result<Option<Self>> {
        match Log::read(&self.location, Some(self.version), Checkpoints::Ignore).await {
            Ok(Some(log)) => Self::of(&self.warehouse, &self.name, log).map(Some),
            Ok(None) | Err(_) => Ok(None),
        }
    }

    pub(super) async fn create(warehouse: &Location, name: &str, wanted: SchemaRef) -> Result<Self> {
        let table = match Self::open(warehouse, name, None).await? {
            Some(table) => table,
            None => {
                // A request that was reset is sent again: whichever arrives creates the same empty table.
                let mut created = create_empty(warehouse, name, &wanted).await;
                if created.is_err() && Self::open(warehouse, name, None).await?.is_none() {
                    created = create_empty(warehouse, name, &wanted).await;
                }
                match created {
                    Ok(log) => return Self::of(warehouse, name, log),
                    // Another build created it first.
                    Err(error) => Self::open(warehouse, name, None).await?.ok_or(error)?,
                }
            }
        };
        table.with_columns_of(&wanted).await
    }

    /// This table with the new nullable columns that `wanted` has, if it has any.
    async fn with_columns_of(self, wanted: &SchemaRef) -> Result<Self> {
        let added = schema::added_columns(&self.schema, &schema::canonical(wanted));
        let added = added.map_err(|error| error.with("table", &self.name))?;
        if added.is_empty() {
            return Ok(self);
        }
        let fields = schema::to_delta(&Schema::new(added))?;
        match self.delta.clone().add_columns().with_fields(fields).await {
            Ok(delta) => self.at(delta),
            Err(error) => {
                // Another process of the same build may have been faster.
                let latest = self.latest().await?;
                match schema::added_columns(&latest.schema, &schema::canonical(wanted)) {
                    Ok(added) if added.is_empty() => Ok(latest),
                    _ => Err(error).or_input(|| format!("cannot add columns to {}", self.location.url())),
                }
            }
        }
    }

    /// The version that a commit of ours just made.
    pub(super) fn committed(&self, state: DeltaTableState) -> Result<Self> {
        let mut delta = DeltaTable::new(self.delta.log_store());
        delta.state = Some(state);
        self.log.forget();
        self.at(delta)
    }

    /// Another version of this table.
    fn at(&self, delta: DeltaTable) -> Result<Self> {
        let log = Log { delta, files: Arc::clone(&self.log), location: self.location.clone() };
        Self::of(&self.warehouse, &self.name, log)
    }

    /// Writes a checkpoint where it is due after a commit that changed so many parts. One that fails is written after a later commit.
    pub(super) async fn checkpoint_if_due(&self, changed_parts: usize) {
        if is_checkpoint_due(self.version, changed_parts, self.parts.len()) {
            let _ = checkpoints::create_checkpoint(&self.delta, None).await;
            self.log.forget();
        }
    }

    fn of(warehouse: &Location, name: &str, Log { delta, files, location }: Log) -> Result<Self> {
        let state = delta.snapshot().or_internal(|| format!("the table `{name}` was not loaded"))?;
        let schema = schema::canonical(&state.snapshot().arrow_schema());
        let parts: Result<Vec<_>> = state.log_data().iter().map(|file| Part::from_log(&file)).collect();
        let mut parts = parts.map_err(|error| error.with("table", name))?;
        parts.sort_by(|a, b| (&a.shard, &a.path).cmp(&(&b.shard, &b.path)));
        Ok(Self {
            name: name.into(),
            version: state.version(),
            schema,
            parts: parts.into(),
            warehouse: warehouse.clone(),
            location,
            delta,
            log: files,
        })
    }
}

/// A table's log at one version.
struct Log {
    delta: DeltaTable,
    files: Arc<LogFileCache>,
    location: Location,
}

/// Why a log cannot be read, and whether a checkpoint had to do with it.
struct Unread {
    error: DeltaTableError,
    has_checkpoint: bool,
}

impl Log {
    /// None where there is no log.
    async fn read(location: &Location, version: Option<u64>, checkpoints: Checkpoints) -> Result<Option<Self>, Unread> {
        let files = Arc::new(LogFileCache::new(location, checkpoints));
        let mut delta = empty(location, &files);
        let loaded = delta.update_incremental(version).await;
        files.forget();
        match loaded {
            Ok(()) => Ok(Some(Self { delta, files, location: location.clone() })),
            Err(DeltaTableError::NotATable(_)) => Ok(None),
            Err(error) => Err(Unread { error, has_checkpoint: files.has_checkpoint() }),
        }
    }
}

/// Up to so many parts a table is small, and its checkpoint cheap.
const SMALL_TABLE_PARTS: usize = 2000;

/// A commit that changes so many parts has an entry of some megabytes, which is slower to read than a checkpoint.
const LARGE_COMMIT_PARTS: usize = 1000;

/// A small table is opened from a checkpoint and at most one entry, any other from a checkpoint and at most nine.
fn is_checkpoint_due(version: u64, changed_parts: usize, parts: usize) -> bool {
    let every = if parts <= SMALL_TABLE_PARTS { 2 } else { 10 };
    changed_parts >= LARGE_COMMIT_PARTS || (version > 0 && version.is_multiple_of(every))
}

async fn create_empty(warehouse: &Location, name: &str, wanted: &SchemaRef) -> Result<Log> {
    let location = warehouse.child(name)?;
    let files = Arc::new(LogFileCache::new(&location, Checkpoints::Read));
    let delta = CreateBuilder::new()
        .with_log_store(empty(&location, &files).log_store())
        .with_table_name(name)
        .with_columns(schema::to_delta(wanted)?)
        // The log is small, and old versions stay readable for as long as `gc` keeps their parts.
        .with_configuration([("delta.enableExpiredLogCleanup", Some("false"))])
        // Retrying would create the winner's table a second time, as its version 1.
        .with_commit_properties(CommitProperties::default().with_max_retries(0))
        .await
        .or_input(|| format!("cannot create the table {}", location.url()))?;
    files.forget();
    Ok(Log { delta, files, location })
}

/// A table that is not loaded.
fn empty(location: &Location, files: &Arc<LogFileCache>) -> DeltaTable {
    let mut root = location.url().clone();
    root.set_path("/");
    let store: Arc<dyn ObjectStore> = Arc::clone(files) as _;
    DeltaTable::new(default_logstore(Arc::clone(&store), store, &root, &StorageConfig::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_follows_every_second_commit_of_a_small_table_and_every_large_one() {
        let due = |parts, changed| -> Vec<u64> {
            (0..12).filter(|&version| is_checkpoint_due(version, changed, parts)).collect()
        };
        assert_eq!(due(10, 1), [2, 4, 6, 8, 10]);
        assert_eq!(due(100_000, 1), [10]);
        assert_eq!(due(100_000, 1000).len(), 12);
    }
}
