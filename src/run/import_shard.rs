//! Importing one shard of a source: its records become parts of the imported tables.
//!
//! ```text
//! reader (blocking thread) ─► rows, bounded ─► one batch builder and part writer for each table ─► staging records, that of frames last
//!                                         └─► quarantined records ─► quarantine writer
//! ```
//!
//! Every shard gets a part in each of these tables, if need be without rows: its tag says what the shard was read from.
//! Memory: a few hundred rows and one unfinished batch a table, for each shard in flight.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::runtime::SpawnedTask;
use tokio::sync::mpsc;

use super::benchmarks::{BENCHMARK, Benchmarks, Matches};
use super::json_rows::to_batch;
use super::order::{IMPORT, Order};
use super::quarantine::QuarantineWriter;
use super::worker::{SourceTask, Worker, publish};
use crate::error::{Context, Error, Result};
use crate::pipeline::IMPORTED;
use crate::pipeline::fingerprint::Fingerprint;
use crate::source::{Row, RowSink, Shard, Source};
use crate::tables;
use crate::tables::RowCounts;
use crate::warehouse::{Empty, Part, PartWriter, Table};

/// Rows that may wait between a reader and the writers.
const WAITING: usize = 256;

/// A batch is closed at this many rows or this many bytes, whichever comes first: a surface may have a million vertices.
const BATCH_ROWS: usize = 4096;
const BATCH_BYTES: usize = 16 << 20;

/// What came of a shard's records, before it is published.
struct Written {
    parts: BTreeMap<&'static str, Vec<Part>>,
    quarantined: Vec<Part>,
    counts: BTreeMap<&'static str, RowCounts>,
    matches: Matches,
}

impl Worker<'_> {
    /// Reads a shard of a source.
    pub(super) async fn import_shard(&self, source: &SourceTask, order: &Order) -> Result<RowCounts> {
        let shard = source.shards.get(&order.shard);
        let shard = shard.ok_or_else(|| Error::input("the source has no such shard any more"))?;
        let computed = Fingerprint::of_source(&source.kind, &source.options, &shard.fingerprint);
        order.check_fingerprint(&computed.to_string())?;
        let quarantine = QuarantineWriter::new(&self.quarantine, IMPORT, order, &self.run.started);
        let mut writers = BTreeMap::new();
        for (name, table) in IMPORTED.iter().zip(&source.tables) {
            writers.insert(*name, RowWriter::new(table, order)?);
        }
        // A task of its own: shards in flight are polled together, and would otherwise share one thread.
        let written = SpawnedTask::spawn(write_rows(
            Arc::clone(&source.reader),
            shard.clone(),
            source.name.clone(),
            Arc::clone(&source.benchmarks),
            writers,
            quarantine,
        ));
        let written = written.join_unwind().await.or_internal(|| "a shard's task was cancelled".into())??;
        let Written { mut parts, quarantined, mut counts, matches } = written;
        self.mill.keep_matches(&matches, &order.shard, &order.fingerprint).await?;
        let mut total = RowCounts::default();
        for table in source.tables.iter().rev() {
            let counts = counts.remove(table.name()).unwrap_or_default();
            total.add(&counts);
            let quarantined = if counts.quarantined.is_empty() { Vec::new() } else { quarantined.clone() };
            publish(table, order, parts.remove(table.name()).unwrap_or_default(), &counts, quarantined).await?;
        }
        Ok(total)
    }
}

/// Writes what a reader reads.
async fn write_rows(
    reader: Arc<dyn Source>,
    shard: Shard,
    source: String,
    benchmarks: Arc<Benchmarks>,
    mut writers: BTreeMap<&'static str, RowWriter>,
    mut quarantine: QuarantineWriter,
) -> Result<Written> {
    let (send, mut receive) = mpsc::channel::<Row>(WAITING);
    let reading = tokio::task::spawn_blocking(move || {
        let mut rows =
            RowSink::new(move |row| send.blocking_send(row).map_err(|_| Error::input("the import was stopped")));
        reader.read(&shard, &mut rows)
    });
    let mut counts_of: BTreeMap<&'static str, RowCounts> = BTreeMap::new();
    let mut matches = Matches::default();
    let mut chunk = Vec::with_capacity(WAITING);
    while receive.recv_many(&mut chunk, WAITING).await > 0 {
        for row in chunk.drain(..) {
            match row {
                Row::Quarantined(quarantined) => {
                    // What could not be used has no table; it is counted where the source's frames are.
                    let counts = counts_of.entry("frames").or_default();
                    counts.rows_in += 1;
                    counts.quarantine(&quarantined);
                    quarantine.push(quarantined).await?;
                }
                row => {
                    if let Row::Frame(frame) = &row
                        && matches.enter(&benchmarks, frame)
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
                    if let Some(writer) = writers.get_mut(name) {
                        writer.push(row).await?;
                    }
                }
            }
        }
    }
    reading.await.or_internal(|| "a source's reader died".into())??;
    let quarantined = quarantine.finish().await?;
    let mut parts = BTreeMap::new();
    for (name, writer) in writers {
        parts.insert(name, writer.finish().await?);
    }
    Ok(Written { parts, quarantined, counts: counts_of, matches })
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
        Row::Scene(mut scene) => {
            source.clone_into(&mut scene.source);
            ("scenes", TableRow::Scene(scene))
        }
        Row::SceneObject(row) => ("scene_objects", TableRow::SceneObject(row)),
        Row::Surface(row) => ("surfaces", TableRow::Surface(row)),
        Row::Waypoint(row) => ("waypoints", TableRow::Waypoint(row)),
        Row::Link(row) => ("links", TableRow::Link(row)),
        Row::Motion(row) => ("motions", TableRow::Motion(row)),
        Row::Quarantined(_) => return Err(Error::internal("a quarantined row is of no table")),
    })
}

/// A row of a table, serialised by column name.
#[derive(serde::Serialize)]
#[serde(untagged)]
enum TableRow {
    Frame(tables::Frame),
    Detection(tables::Detection),
    Scene(tables::Scene),
    SceneObject(tables::SceneObject),
    Surface(tables::Surface),
    Waypoint(tables::Waypoint),
    Link(tables::Link),
    Motion(tables::Motion),
}

impl TableRow {
    /// About how many bytes it takes.
    fn weight(&self) -> usize {
        match self {
            Self::Surface(surface) => 4 * (surface.vertices.len() + surface.triangles.len()),
            Self::Detection(detection) => 128 + detection.mask.as_ref().map_or(0, |mask| mask.counts.len()),
            Self::Frame(_) | Self::Scene(_) | Self::SceneObject(_) => 512,
            Self::Waypoint(_) | Self::Link(_) | Self::Motion(_) => 256,
        }
    }
}

/// Rows of one table on their way into its parts.
struct RowWriter {
    schema: SchemaRef,
    writer: PartWriter,
    rows: Vec<TableRow>,
    weight: usize,
}

impl RowWriter {
    fn new(table: &Table, order: &Order) -> Result<Self> {
        let mut options = table.write_options(&order.run_id, &order.shard, &order.fingerprint);
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

    async fn finish(mut self) -> Result<Vec<Part>> {
        self.flush().await?;
        self.writer.finish(Empty::WritePart).await
    }
}
