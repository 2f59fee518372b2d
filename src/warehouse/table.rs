//! A table at one version: its columns and parts as the log says them, and the ways to read and change it.
//!
//! A `Table` is an immutable view of one version, and [`Table::latest`] or [`Table::commit`] give another one. Opening reads the log alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use deltalake_core::DeltaTable;
use deltalake_core::kernel::transaction::CommitProperties;
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::table::state::DeltaTableState;
use object_store::prefix::PrefixStore;

use super::scan::Scan;
use super::{Location, Part, Staging, WriteOptions, schema};
use crate::error::{Context, Error, Result};

/// One version of a stored table.
#[derive(Debug, Clone)]
pub struct Table {
    name: Arc<str>,
    location: Location,
    pub(super) delta: DeltaTable,
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

    /// The newest version now.
    pub async fn latest(&self) -> Result<Self> {
        let mut delta = self.delta.clone();
        delta.update_state().await.or_input(|| format!("cannot read the log of {}", self.location.url()))?;
        Self::of(delta, self.location.clone(), &self.name)
    }

    /// All rows, for a plan.
    pub fn provider(&self) -> Arc<dyn TableProvider> {
        Arc::new(Scan::new(self.location.clone(), Arc::clone(&self.schema), self.parts.to_vec()))
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

    pub(super) async fn exists(location: &Location) -> Result<bool> {
        let found = log_store(location).is_delta_table_location().await;
        found.or_input(|| format!("cannot look for a table in {}", location.url()))
    }

    pub(super) async fn open(location: Location, name: &str, version: Option<u64>) -> Result<Option<Self>> {
        if !Self::exists(&location).await? {
            return Ok(None);
        }
        let mut delta = DeltaTable::new(log_store(&location));
        let loaded = delta.update_incremental(version).await;
        loaded.map_err(|error| match version {
            Some(version) => Error::input("the table has no such version")
                .with("table", name)
                .with("version", version)
                .because(error)
                .hint("`spatialmill status` shows the newest version of each table; gc removes what old ones had"),
            None => Error::input("cannot read the table's log").with("table", name).because(error).hint(format!(
                "put back `_delta_log` as it was, or move the folder {} away: the next build makes the table again",
                location.url()
            )),
        })?;
        Self::of(delta, location, name).map(Some)
    }

    pub(super) async fn create(location: Location, name: &str, wanted: SchemaRef) -> Result<Self> {
        let table = match Self::open(location.clone(), name, None).await? {
            Some(table) => table,
            None => {
                // A request that was reset is sent again: whichever arrives creates the same empty table.
                let mut created = create_empty(&location, name, &wanted).await;
                if created.is_err() && !Self::exists(&location).await? {
                    created = create_empty(&location, name, &wanted).await;
                }
                match created {
                    Ok(delta) => return Self::of(delta, location, name),
                    // Whoever lost the race to create it takes the winner's.
                    Err(error) => Self::open(location, name, None).await?.ok_or(error)?,
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
        let fields = schema::to_delta(&arrow::datatypes::Schema::new(added))?;
        let delta = self.delta.clone().add_columns().with_fields(fields).await;
        let delta = delta.or_input(|| format!("cannot add columns to {}", self.location.url()))?;
        Self::of(delta, self.location, &self.name)
    }

    /// The table that a commit of ours just made.
    pub(super) fn at(&self, state: DeltaTableState) -> Result<Self> {
        let mut delta = DeltaTable::new(self.delta.log_store());
        delta.state = Some(state);
        Self::of(delta, self.location.clone(), &self.name)
    }

    fn of(delta: DeltaTable, location: Location, name: &str) -> Result<Self> {
        let state = delta.snapshot().or_internal(|| format!("the table `{name}` was not loaded"))?;
        let schema = schema::canonical(&state.snapshot().arrow_schema());
        let parts: Result<Vec<_>> = state.log_data().iter().map(|file| Part::from_log(&file)).collect();
        let mut parts = parts.map_err(|error| error.with("table", name))?;
        parts.sort_by(|a, b| (&a.shard, &a.path).cmp(&(&b.shard, &b.path)));
        Ok(Self { name: name.into(), version: state.version(), schema, parts: parts.into(), location, delta })
    }
}

async fn create_empty(location: &Location, name: &str, wanted: &SchemaRef) -> Result<DeltaTable> {
    CreateBuilder::new()
        .with_log_store(log_store(location))
        .with_table_name(name)
        .with_columns(schema::to_delta(wanted)?)
        // The log is small, and old versions stay readable for as long as `gc` keeps their parts.
        .with_configuration([("delta.enableExpiredLogCleanup", Some("false"))])
        // Retrying would create the winner's table a second time, as its version 1.
        .with_commit_properties(CommitProperties::default().with_max_retries(0))
        .await
        .or_input(|| format!("cannot create the table {}", location.url()))
}

/// The table's folder as a store of its own, with the log at its root: the reader of logs decodes a URL's path twice, so that a folder called
/// `50%20` would be read in `50 `.
fn log_store(location: &Location) -> LogStoreRef {
    let inside = Arc::new(PrefixStore::new(Arc::clone(location.store()), location.root().clone()));
    let mut root = location.url().clone();
    root.set_path("/");
    default_logstore(Arc::clone(&inside) as _, inside, &root, &StorageConfig::default())
}
