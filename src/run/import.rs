//! Importing: a source's shards become parts of `frames`, `detections`, `scene_objects` and `surfaces`.
//!
//! ```text
//! reader (blocking thread) ─► rows, bounded ─► one batch builder and part writer for each table ─► staging records
//!                                                            all tables' commits, frames last
//! ```
//!
//! Every shard gets a part in each of the four tables, if need be without rows: its tag says what the shard was read from.
//! Memory: a few hundred rows and one unfinished batch a table, for each shard in flight.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use futures::{StreamExt, TryStreamExt};
use tokio::sync::mpsc;

use super::benchmarks::{BENCHMARK, Benchmarks, Matches};
use super::build::{BuiltShard, ONE_MORE};
use super::json_rows::to_batch;
use super::quarantine::QuarantineWriter;
use super::{Mill, Run};
use crate::blocking::blocking;
use crate::error::{Context, Error, Result};
use crate::pipeline::IMPORTED;
use crate::pipeline::fingerprint::Fingerprint;
use crate::project::SourceTable;
use crate::source::{self, Shard, Source};
use crate::source::{Row, RowSink};
use crate::suggestion::known;
use crate::tables;
use crate::tables::RowCounts;
use crate::warehouse::{Empty, PartWriter, Table};

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
    /// What mill.toml should say of it and does not, see [`Source::unsaid`].
    pub unsaid: Vec<String>,
}

/// What an import of one source would do.
pub struct SourceState {
    /// Shards to be read, each with its full name and fingerprint.
    wanted: Vec<(Shard, String, String)>,
    /// The full names of all its shards, with their fingerprints.
    current: BTreeMap<String, String>,
    /// How many of those to be read were imported before, as something else.
    pub changed: usize,
    /// What mill.toml should say of the source and does not, see [`Source::unsaid`].
    pub unsaid: Vec<String>,
    /// How many of those to be read have a part that is missing or damaged.
    pub lost: usize,
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

/// What quarantined records are entered under.
pub(super) const IMPORT: &str = "import";

/// Rows that may wait between a reader and the writers.
const WAITING: usize = 256;

/// A batch is closed at this many rows or this many bytes, whichever comes first: a surface may have a million vertices.
const BATCH_ROWS: usize = 4096;
const BATCH_BYTES: usize = 16 << 20;

/// Where a source's rows go, and which of them do not.
#[derive(Clone, Copy)]
struct Destination<'a> {
    tables: &'a BTreeMap<&'static str, Table>,
    quarantine: &'a Table,
    benchmarks: &'a Benchmarks,
    run: &'a Run,
}

/// The four tables' parts of one shard.
type Read = BTreeMap<&'static str, BuiltShard>;

/// A source that was read and is not published yet.
struct Unpublished {
    imported: Imported,
    read: Vec<Read>,
    current: BTreeMap<String, String>,
}

impl Mill {
    /// Reads the sources named (all when none): shards that changed are read again, shards that are gone are removed.
    pub async fn import(&self, names: &[String]) -> Result<Vec<Imported>> {
        let sources: Vec<&str> = self.project.sources.iter().map(|source| source.options.name.as_str()).collect();
        names.iter().try_for_each(|name| known("source", name, &sources))?;
        let run = Run::begin();
        run.through(self.import_all(names, &run)).await
    }

    async fn import_all(&self, names: &[String], run: &Run) -> Result<Vec<Imported>> {
        let imported = run.until_kept(async |run| self.import_sources(names, run).await).await?;
        if names.is_empty() {
            self.remove_unknown_sources(run).await?;
        }
        self.record_runs(run).await?;
        Ok(imported)
    }

    async fn import_sources(&self, names: &[String], run: &Run) -> Result<Vec<Imported>> {
        let mut read = Vec::new();
        for source in &self.project.sources {
            if names.is_empty() || names.contains(&source.options.name) {
                read.push(self.read_source(source, run).await.map_err(|e| e.with("source", &source.options.name))?);
            }
        }
        if names.is_empty() {
            // What a list names may be in any source.
            let shards = read.iter().flat_map(|source| source.current.clone()).collect();
            self.refuse_idle_lists(&shards).await?;
        }
        let mut imported = Vec::new();
        for source in read {
            let name = source.imported.source.clone();
            imported.push(self.publish_source(source, run).await.map_err(|e| e.with("source", &name))?);
        }
        Ok(imported)
    }

    /// Which shards of a source have to be read, with its reader. Creates nothing.
    pub async fn source_state(&self, table: &SourceTable) -> Result<SourceState> {
        let reader = self.open_source(table).await?;
        let (state, _) = self.source_state_by(table, &reader).await?;
        Ok(SourceState { unsaid: blocking(move || reader.unsaid()).await?, ..state })
    }

    async fn source_state_by(
        &self,
        table: &SourceTable,
        reader: &Arc<dyn Source>,
    ) -> Result<(SourceState, Benchmarks)> {
        let name = &table.options.name;
        let shards = {
            let reader = Arc::clone(reader);
            blocking(move || reader.shards()).await?
        };
        let options =
            toml::to_string(&table.options).or_internal(|| "the source's options have no text form".into())?;
        let benchmarks = Benchmarks::of(&self.project, table)?;
        let options = options + &benchmarks.digest();
        let (mut tables, mut lost) = (Vec::new(), self.lost_shards(None, IMPORT).await?);
        for imported in IMPORTED {
            let stored = self.warehouse.table(imported).await?;
            if let Some(table) = &stored {
                lost.extend(table.broken_shards().await?);
            }
            tables.push(stored);
        }
        let mut state =
            SourceState { wanted: Vec::new(), current: BTreeMap::new(), changed: 0, unsaid: Vec::new(), lost: 0 };
        for shard in shards {
            let full = format!("{name}/{}", shard.name);
            let fingerprint = Fingerprint::of_source(&table.kind, &options, &shard.fingerprint).to_string();
            if state.current.insert(full.clone(), fingerprint.clone()).is_some() {
                return Err(Error::input("two shards have one name").with("shard", full));
            }
            let stored = |table: &Option<Table>| {
                table.as_ref().and_then(|table| table.shards().get(full.as_str()).map(|stored| *stored == fingerprint))
            };
            if lost.contains(&full) || self.force.names_import(&full) {
                state.lost += usize::from(lost.contains(&full));
                state.wanted.push((shard, full, fingerprint));
            } else if tables.iter().any(|table| stored(table) != Some(true)) {
                state.changed += usize::from(tables.iter().any(|table| stored(table) == Some(false)));
                state.wanted.push((shard, full, fingerprint));
            }
        }
        Ok((state, benchmarks))
    }

    /// Makes everything durable that is to be read of a source. Nothing is visible yet.
    async fn read_source(&self, table: &SourceTable, run: &Run) -> Result<Unpublished> {
        let name = &table.options.name;
        let reader = self.open_source(table).await?;
        let (state, benchmarks) = self.source_state_by(table, &reader).await?;
        let (fresh, SourceState { wanted, current, .. }) = (state.fresh(), state);
        let mut tables = BTreeMap::new();
        for imported in IMPORTED {
            tables.insert(*imported, self.open_or_create(imported).await?);
        }
        let quarantine = self.quarantine_table().await?;
        if !wanted.is_empty() {
            run.is_at_work(&self.warehouse).await?;
        }
        let bar = self.progress.stage(name, wanted.len());
        let in_flight = self.engine.partitions() + ONE_MORE;
        let mut read: Vec<Read> = futures::stream::iter(wanted.into_iter().map(|(shard, full, fingerprint)| {
            let into = Destination { tables: &tables, quarantine: &quarantine, benchmarks: &benchmarks, run };
            let (reader, bar) = (Arc::clone(&reader), &bar);
            async move {
                let before = match self.force.names_import(&full) {
                    true => None,
                    false => self.read_before(into.tables, &full, &fingerprint, run).await?,
                };
                let read = match before {
                    Some(read) => read,
                    None => self.read_shard(reader, shard, full, fingerprint, into).await?,
                };
                bar.shard(&total(&read));
                Ok::<Read, Error>(read)
            }
        }))
        .buffer_unordered(in_flight)
        .try_collect()
        .await?;
        bar.finish();
        read.sort_by(|a, b| a["frames"].shard.cmp(&b["frames"].shard));

        let mut counts = RowCounts::default();
        read.iter().for_each(|r| counts.add(&total(r)));
        let unsaid = blocking(move || reader.unsaid()).await?;
        let imported = Imported { source: name.clone(), read: read.len(), fresh, counts, unsaid };
        Ok(Unpublished { imported, read, current })
    }

    /// Quarantine first, then what frames point to, and frames last: a frame that is seen has all that belongs to it.
    async fn publish_source(&self, source: Unpublished, run: &Run) -> Result<Imported> {
        let Unpublished { imported, read, current } = source;
        let mut tables = BTreeMap::new();
        for name in IMPORTED {
            tables.insert(*name, self.open_or_create(name).await?);
        }
        let prefix = format!("{}/", imported.source);
        let gone: Vec<String> = tables["frames"]
            .shards()
            .into_keys()
            .filter(|shard| shard.starts_with(&prefix) && !current.contains_key(*shard))
            .map(str::to_owned)
            .collect();
        if read.is_empty() && gone.is_empty() {
            return Ok(imported);
        }
        let whole: Vec<BuiltShard> =
            read.iter().map(|r| BuiltShard { counts: total(r), ..r["frames"].clone() }).collect();
        self.quarantine(IMPORT, &whole, &gone, run).await?;
        let written: Vec<&Table> = tables.values().collect();
        self.refuse_if_too_many(IMPORT, &written, &whole, &gone).await?;
        for name in IMPORTED.iter().rev() {
            let made: Vec<BuiltShard> = read.iter().map(|r| r[name].clone()).collect();
            let mut counts = RowCounts::default();
            made.iter().for_each(|m| counts.add(&m.counts));
            self.publish(&tables[name], made, gone.clone(), run, &counts).await?;
        }
        Ok(imported)
    }

    /// A source that is no longer in mill.toml takes its rows with it.
    async fn remove_unknown_sources(&self, run: &Run) -> Result<()> {
        for name in IMPORTED.iter().rev() {
            let Some(table) = self.warehouse.table(name).await? else { continue };
            let known = |shard: &str| {
                let source = shard.split('/').next().unwrap_or_default();
                self.project.sources.iter().any(|s| s.options.name == source)
            };
            let gone: Vec<String> = table.shards().into_keys().filter(|s| !known(s)).map(str::to_owned).collect();
            if !gone.is_empty() {
                self.publish(&table, Vec::new(), gone, run, &RowCounts::default()).await?;
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

    async fn read_shard(
        &self,
        reader: Arc<dyn Source>,
        shard: Shard,
        full: String,
        fingerprint: String,
        Destination { tables, quarantine, benchmarks, run }: Destination<'_>,
    ) -> Result<Read> {
        let source = full.split('/').next().unwrap_or_default().to_owned();
        let (send, mut receive) = mpsc::channel::<Row>(WAITING);
        let reading = tokio::task::spawn_blocking(move || {
            let mut rows =
                RowSink::new(move |row| send.blocking_send(row).map_err(|_| Error::input("the import was stopped")));
            reader.read(&shard, &mut rows)
        });
        let mut writers = BTreeMap::new();
        for (name, table) in tables {
            writers.insert(*name, Batches::new(table, run, &full, &fingerprint)?);
        }
        let mut losses = QuarantineWriter::new(quarantine, IMPORT, &full, &fingerprint, run);
        let mut counts_of: BTreeMap<&'static str, RowCounts> = BTreeMap::new();
        let mut matches = Matches::default();
        let mut chunk = Vec::with_capacity(WAITING);
        while receive.recv_many(&mut chunk, WAITING).await > 0 {
            for row in chunk.drain(..) {
                match row {
                    Row::Quarantined(lost) => {
                        // What could not be used has no table; it is counted where the source's frames are.
                        let counts = counts_of.entry("frames").or_default();
                        counts.rows_in += 1;
                        counts.quarantine(&lost);
                        losses.push(lost).await?;
                    }
                    row => {
                        if let Row::Frame(frame) = &row
                            && matches.enter(benchmarks, frame)
                        {
                            let counts = counts_of.entry("frames").or_default();
                            counts.rows_in += 1;
                            counts.images_in += 1;
                            *counts.filtered.entry(BENCHMARK.to_owned()).or_default() += 1;
                            continue;
                        }
                        let (name, row) = of_table(row, &source)?;
                        let counts = counts_of.entry(name).or_default();
                        counts.rows_in += 1;
                        counts.rows_out += 1;
                        counts.images_in += u64::from(name == "frames");
                        if let Some(batches) = writers.get_mut(name) {
                            batches.push(row).await?;
                        }
                    }
                }
            }
        }
        reading.await.or_internal(|| "a source's reader died".into())??;
        self.keep_matches(&matches, &full, &fingerprint).await?;
        let mut made = BTreeMap::new();
        let mut lost = losses.finish().await?;
        for (name, batches) in writers {
            let parts = batches.finish().await?;
            let counts = counts_of.remove(name).unwrap_or_default();
            let lost = if counts.quarantined.is_empty() { Vec::new() } else { std::mem::take(&mut lost) };
            let one = BuiltShard { shard: full.clone(), parts, lost, counts };
            self.stage_shard(&tables[name], &one, &fingerprint, run).await?;
            made.insert(name, one);
        }
        Ok(made)
    }

    /// A shard whose four tables an interrupted import made durable.
    async fn read_before(
        &self,
        tables: &BTreeMap<&'static str, Table>,
        shard: &str,
        fingerprint: &str,
        run: &Run,
    ) -> Result<Option<Read>> {
        let mut made = BTreeMap::new();
        for (name, table) in tables {
            match self.resume_staged(table, IMPORT, shard, fingerprint, run).await? {
                Some(one) => made.insert(*name, one),
                None => return Ok(None),
            };
        }
        Ok(Some(made))
    }
}

/// The four tables' counts together.
fn total(read: &Read) -> RowCounts {
    let mut all = RowCounts::default();
    read.values().for_each(|made| all.add(&made.counts));
    all
}

/// The table that a row belongs to, and the row as JSON values by column name.
fn of_table(row: Row, source: &str) -> Result<(&'static str, TableRow)> {
    Ok(match row {
        Row::Frame(mut frame) => {
            source.clone_into(&mut frame.source);
            if frame.frame_id.strip_prefix(source).is_none_or(|rest| !rest.starts_with('/')) {
                return Err(
                    Error::internal("a frame's id does not begin with its source").with("frame_id", frame.frame_id)
                );
            }
            ("frames", TableRow::Frame(frame))
        }
        Row::Detection(row) => ("detections", TableRow::Detection(row)),
        Row::SceneObject(row) => ("scene_objects", TableRow::SceneObject(row)),
        Row::Surface(row) => ("surfaces", TableRow::Surface(row)),
        Row::Quarantined(_) => return Err(Error::internal("a quarantined row is of no table")),
    })
}

/// A row of a table, serialised by column name.
#[derive(serde::Serialize)]
#[serde(untagged)]
enum TableRow {
    Frame(tables::Frame),
    Detection(tables::Detection),
    SceneObject(tables::SceneObject),
    Surface(tables::Surface),
}

impl TableRow {
    /// About how many bytes it takes.
    fn weight(&self) -> usize {
        match self {
            Self::Surface(surface) => 4 * (surface.vertices.len() + surface.triangles.len()),
            Self::Detection(detection) => 128 + detection.mask.as_ref().map_or(0, |mask| mask.counts.len()),
            Self::Frame(_) | Self::SceneObject(_) => 512,
        }
    }
}

/// Rows of one table on their way into its parts.
struct Batches {
    schema: SchemaRef,
    writer: PartWriter,
    rows: Vec<TableRow>,
    weight: usize,
}

impl Batches {
    fn new(table: &Table, run: &Run, shard: &str, fingerprint: &str) -> Result<Self> {
        let mut options = table.write_options(&run.id, shard, fingerprint);
        options.ids = ["frame_id", "scene_id"]
            .into_iter()
            .filter(|id| table.schema().field_with_name(id).is_ok())
            .map(str::to_owned)
            .collect();
        let writer = PartWriter::new(Arc::new(options), 0, 1)?;
        Ok(Self { schema: Arc::clone(table.schema()), writer, rows: Vec::new(), weight: 0 })
    }

    async fn push(&mut self, row: TableRow) -> Result<()> {
        self.weight += row.weight();
        self.rows.push(row);
        if self.rows.len() >= BATCH_ROWS || self.weight >= BATCH_BYTES {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        if let Some(batch) = to_batch(Arc::clone(&self.schema), &self.rows)? {
            self.writer.write(&batch).await?;
        }
        self.rows.clear();
        self.weight = 0;
        Ok(())
    }

    async fn finish(mut self) -> Result<Vec<crate::warehouse::Part>> {
        self.flush().await?;
        self.writer.finish(Empty::WritePart).await
    }
}
