//! Importing: a source's shards become parts of the imported tables.
//!
//! ```text
//! sources ─► shards whose fingerprints differ ─► orders ─► Runner ─► staging records ─► quarantine's commit ─► the tables', frames last
//! ```
//!
//! In: sources and a snapshot. Out: a commit a table for each source that changed. Nothing is committed before all sources are read, because
//! what a list of benchmarks names may be in any of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::benchmarks::Benchmarks;
use super::built_shard::BuiltShard;
use super::order::IMPORT;
use super::parallel::Parallel;
use super::quarantine::QUARANTINE;
use super::snapshot::{PinnedTable, Snapshot};
use super::staged::{BuiltTables, counts_of, forget_staged};
use super::worker::{SourceTask, Task, Wanted, Worker};
use super::{Mill, Run};
use crate::blocking::blocking;
use crate::error::{Context, Error, Kind, Result};
use crate::pipeline::IMPORTED;
use crate::pipeline::fingerprint::Fingerprint;
use crate::project::SourceTable;
use crate::source::{self, Shard, Source};
use crate::suggestion::known;
use crate::tables::RowCounts;
use crate::warehouse::Table;

/// What an import did to one source.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The source.
    pub source: String,
    /// How many shards were read, and how many stood.
    pub read: usize,
    pub fresh: usize,
    /// What became of the records that were read.
    pub counts: RowCounts,
    /// What mill.toml should say of it and does not, a sentence each.
    pub unsaid: Vec<String>,
}

/// What an import of one source would do.
pub struct SourceState {
    /// Shards to be read.
    wanted: Vec<Wanted>,
    /// All its shards by their full names, with their fingerprints.
    current: BTreeMap<String, String>,
    /// The same, as its reader names them.
    shards: HashMap<String, Shard>,
    /// What fingerprints depend on besides files.
    options: String,
    benchmarks: Benchmarks,
    /// How many of those to be read were imported before, as something else.
    pub changed: usize,
    /// What mill.toml should say of the source and does not, see [`Source::unsaid`].
    pub unsaid: Vec<String>,
    /// How many of those to be read have a part that is missing or damaged.
    pub broken: usize,
}

impl SourceState {
    /// How many shards there are to read.
    pub fn stale(&self) -> usize {
        self.wanted.len()
    }

    /// How many stand.
    pub fn fresh(&self) -> usize {
        self.current.len() - self.wanted.len()
    }
}

/// A source of which this process has read its own shards.
struct Reading<'a> {
    worker: Worker<'a>,
    wanted: Vec<Wanted>,
    current: BTreeMap<String, String>,
    fresh: usize,
    own: BTreeMap<String, BuiltTables>,
}

/// A source that was read and is not published yet.
struct Unpublished {
    imported: Imported,
    read: BTreeMap<String, BuiltTables>,
    wanted: Vec<Wanted>,
    current: BTreeMap<String, String>,
}

impl Mill {
    /// Reads the sources named (all when none): shards that changed are read again, shards that are gone are removed.
    pub async fn import(&self, names: &[String]) -> Result<Vec<Imported>> {
        self.import_over(&self.snapshot().await, names).await
    }

    /// The same over a snapshot, which has the new versions then.
    pub async fn import_over(&self, snapshot: &Snapshot, names: &[String]) -> Result<Vec<Imported>> {
        let sources: Vec<&str> = self.project.sources.iter().map(|source| source.options.name.as_str()).collect();
        names.iter().try_for_each(|name| known("source", name, &sources))?;
        let run = Run::begin();
        run.through(async {
            let imported = self.import_all(names, snapshot, &run).await?;
            self.record_runs(snapshot, &run).await?;
            Ok(imported)
        })
        .await
    }

    pub(super) async fn import_all(&self, names: &[String], snapshot: &Snapshot, run: &Run) -> Result<Vec<Imported>> {
        let import = async |run: &Run| {
            let imported = self.import_sources(names, snapshot, run).await;
            // What was relied on is gone: the next round looks anew.
            imported.inspect_err(|error| {
                if error.kind() == Kind::Lost {
                    snapshot.forget_all()
                }
            })
        };
        let imported = run.until_kept(import).await?;
        if names.is_empty() && run.leaves_commits().is_none() {
            self.remove_unknown_sources(snapshot, run).await?;
        }
        Ok(imported)
    }

    async fn import_sources(&self, names: &[String], snapshot: &Snapshot, run: &Run) -> Result<Vec<Imported>> {
        // Of several processes each reads all of its own shards before it waits for another.
        let mut reading = Vec::new();
        for source in &self.project.sources {
            let name = &source.options.name;
            if names.is_empty() || names.contains(name) {
                let one = self.read_source(source, snapshot, run).await.map_err(|e| e.with("source", name))?;
                reading.push((name, one));
            }
        }
        let mut read = Vec::new();
        for (name, source) in reading {
            read.push(self.finish_source(source).await.map_err(|e| e.with("source", name))?);
        }
        if let Some(parallel) = run.leaves_commits() {
            self.wait_for_import(&read, snapshot, parallel).await?;
            return Ok(read.into_iter().map(|source| source.imported).collect());
        }
        if names.is_empty() {
            // What a list names may be in any source.
            let shards = read.iter().flat_map(|source| source.current.clone()).collect();
            self.refuse_idle_lists(&shards).await?;
        }
        let mut imported = Vec::new();
        for source in read {
            let name = source.imported.source.clone();
            imported.push(self.publish_source(source, snapshot, run).await.map_err(|e| e.with("source", &name))?);
        }
        Ok(imported)
    }

    /// Waits for part 0's commits of what all parts read.
    async fn wait_for_import(&self, read: &[Unpublished], snapshot: &Snapshot, parallel: &Parallel) -> Result<()> {
        let current: BTreeMap<&str, &str> =
            read.iter().flat_map(|source| &source.current).map(|(shard, of)| (shard.as_str(), of.as_str())).collect();
        let is_there = async || {
            let mut is_there = true;
            for name in IMPORTED {
                let table = self.open_or_create(snapshot, name).await?;
                let newest = table.latest().await?;
                let table = if newest.version() == table.version() { table } else { snapshot.replace(newest) };
                let stored: BTreeMap<&str, &str> = table.shards();
                is_there &= stored == current;
            }
            Ok(is_there)
        };
        parallel.wait_for(IMPORT, is_there).await?;
        IMPORTED.iter().chain([&QUARANTINE]).for_each(|name| snapshot.forget(name));
        Ok(())
    }

    /// Which shards of a source have to be read. Creates nothing.
    pub async fn source_state(&self, snapshot: &Snapshot, table: &SourceTable) -> Result<SourceState> {
        let reader = self.open_source(table).await?;
        let state = self.source_state_by(snapshot, table, &reader).await?;
        Ok(SourceState { unsaid: blocking(move || reader.unsaid()).await?, ..state })
    }

    async fn source_state_by(
        &self,
        snapshot: &Snapshot,
        table: &SourceTable,
        reader: &Arc<dyn Source>,
    ) -> Result<SourceState> {
        let name = &table.options.name;
        let shards = {
            let reader = Arc::clone(reader);
            blocking(move || reader.shards()).await?
        };
        let options =
            toml::to_string(&table.options).or_internal(|| "the source's options have no text form".into())?;
        let benchmarks = Benchmarks::of(&self.project, table)?;
        let options = options + &benchmarks.digest();
        let mut broken = self.broken_shards(snapshot, None, IMPORT).await?;
        let mut tables: Vec<Option<Arc<PinnedTable>>> = Vec::new();
        for imported in IMPORTED {
            let stored = snapshot.table(imported).await?;
            if let Some(table) = &stored {
                broken.extend(table.broken().await?.iter().cloned());
            }
            tables.push(stored);
        }
        let mut state = SourceState {
            wanted: Vec::new(),
            current: BTreeMap::new(),
            shards: HashMap::new(),
            options,
            benchmarks,
            changed: 0,
            unsaid: Vec::new(),
            broken: 0,
        };
        for shard in shards {
            let full = format!("{name}/{}", shard.name);
            let fingerprint = Fingerprint::of_source(&table.kind, &state.options, &shard.fingerprint).to_string();
            if state.current.insert(full.clone(), fingerprint.clone()).is_some() {
                return Err(Error::input("two shards have one name").with("shard", full));
            }
            let is_same = |table: &Option<Arc<PinnedTable>>| {
                table.as_ref().and_then(|table| table.fingerprint_of(&full)).map(|stored| stored == fingerprint)
            };
            let (is_broken, is_forced) = (broken.contains(&full), self.force.names_import(&full));
            if is_broken || is_forced || tables.iter().any(|table| is_same(table) != Some(true)) {
                state.broken += usize::from(is_broken);
                state.changed +=
                    usize::from(!is_broken && !is_forced && tables.iter().any(|table| is_same(table) == Some(false)));
                state.wanted.push(Wanted {
                    shard: full.clone(),
                    fingerprint,
                    is_forced,
                    is_broken,
                    bytes: shard.bytes,
                });
            }
            state.shards.insert(full, shard);
        }
        Ok(state)
    }

    /// Makes durable what this process is to read of a source. Nothing is visible yet.
    async fn read_source<'a>(&'a self, table: &SourceTable, snapshot: &Snapshot, run: &'a Run) -> Result<Reading<'a>> {
        let name = &table.options.name;
        let reader = self.open_source(table).await?;
        let state = self.source_state_by(snapshot, table, &reader).await?;
        let fresh = state.fresh();
        let SourceState { wanted, current, shards, options, benchmarks, .. } = state;
        let mut tables = Vec::new();
        for imported in IMPORTED {
            tables.push(self.open_or_create(snapshot, imported).await?);
        }
        let quarantine = self.open_or_create(snapshot, QUARANTINE).await?;
        if !wanted.is_empty() {
            run.is_at_work(&self.warehouse).await?;
        }
        let task = SourceTask {
            name: name.clone(),
            kind: table.kind.clone(),
            options,
            reader,
            shards,
            benchmarks: Arc::new(benchmarks),
            tables,
        };
        let bar = Arc::new(self.progress.stage(name, run.shown(&wanted)));
        let concurrency = self.engine.concurrency(usize::MAX);
        let worker = Worker { mill: self, run, quarantine, task: Task::Source(task), concurrency, bar };
        let own = match wanted.is_empty() {
            true => BTreeMap::new(),
            false => self.drive_own(&worker, &wanted).await?,
        };
        Ok(Reading { worker, wanted, current, fresh, own })
    }

    /// Waits for what other processes read of a source, where there are any.
    async fn finish_source(&self, source: Reading<'_>) -> Result<Unpublished> {
        let Reading { worker, wanted, current, fresh, own } = source;
        let read = self.gather(&worker, &wanted, own).await?;
        worker.bar.finish();
        let Task::Source(SourceTask { name, reader, .. }) = worker.task else {
            return Err(Error::internal("a worker of a source makes a stage"));
        };
        let mut counts = RowCounts::default();
        read.values().for_each(|tables| counts.add(&counts_of(tables)));
        let unsaid = blocking(move || reader.unsaid()).await?;
        let imported = Imported { source: name, read: read.len(), fresh, counts, unsaid };
        Ok(Unpublished { imported, read, wanted, current })
    }

    /// Quarantine first, then what frames point to, and frames last: a frame that is seen has all that belongs to it.
    async fn publish_source(&self, source: Unpublished, snapshot: &Snapshot, run: &Run) -> Result<Imported> {
        let Unpublished { imported, mut read, wanted, current } = source;
        let mut tables = BTreeMap::new();
        for name in IMPORTED {
            tables.insert(*name, self.open_or_create(snapshot, name).await?);
        }
        let prefix = format!("{}/", imported.source);
        let of_source = tables["frames"].shard_names().filter(|shard| shard.starts_with(&prefix));
        let gone: Vec<String> = of_source.filter(|shard| !current.contains_key(*shard)).map(str::to_owned).collect();
        if read.is_empty() && gone.is_empty() {
            return Ok(imported);
        }
        // What was quarantined of a shard, with the counts of all its tables.
        let whole = |tables: &BuiltTables| BuiltShard { counts: counts_of(tables), ..tables["frames"].clone() };
        let whole: Vec<BuiltShard> = read.values().map(whole).collect();
        self.commit_quarantine(snapshot, IMPORT, &whole, &gone, run).await?;
        let written: Vec<&PinnedTable> = tables.values().map(|table| &**table).collect();
        self.refuse_if_too_many(snapshot, IMPORT, &written, &whole, &gone).await?;
        for name in IMPORTED.iter().rev() {
            let made: Vec<BuiltShard> = read.values_mut().filter_map(|tables| tables.remove(*name)).collect();
            let mut counts = RowCounts::default();
            made.iter().for_each(|m| counts.add(&m.counts));
            self.publish(snapshot, &tables[name], made, gone.clone(), run, &counts).await?;
        }
        let quarantine = self.open_or_create(snapshot, QUARANTINE).await?;
        let written: Vec<&Table> = tables.values().map(|table| &***table).collect();
        forget_staged(&written, &quarantine, IMPORT, &wanted).await;
        Ok(imported)
    }

    /// A source that is no longer in mill.toml takes its rows with it.
    async fn remove_unknown_sources(&self, snapshot: &Snapshot, run: &Run) -> Result<()> {
        for name in IMPORTED.iter().rev() {
            let Some(table) = snapshot.table(name).await? else { continue };
            let known = |shard: &str| {
                let source = shard.split('/').next().unwrap_or_default();
                self.project.sources.iter().any(|s| s.options.name == source)
            };
            let gone: Vec<String> = table.shard_names().filter(|shard| !known(shard)).map(str::to_owned).collect();
            if !gone.is_empty() {
                self.publish(snapshot, &table, Vec::new(), gone, run, &RowCounts::default()).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn open_source(&self, table: &SourceTable) -> Result<Arc<dyn Source>> {
        let kind = source::kind(&table.kind)?;
        let folder = self.project.folder.clone();
        let (text, options) = (table.root.clone(), table.options.clone());
        let runtime = tokio::runtime::Handle::current();
        blocking(move || {
            let root = source::root::Root::at(&text, &folder, kind.makes_root, runtime)?;
            kind.open(root, &options).map(Arc::from)
        })
        .await
    }
}
