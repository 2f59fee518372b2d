//! Writes the parts of one shard: batches in, finished Parquet files with their size, hash and statistics out.
//!
//! Rows are encoded as they come and leave in multipart uploads, so memory is bounded by one row group, the upload's pieces
//! and, where rows are clustered, the cluster buffer. The first megabyte waits, because a part that is no larger is compressed otherwise. Nothing that is written can be seen until a commit names it; a writer
//! that is dropped leaves at most an unfinished upload or an unnamed file, which `gc` removes. A finished part is on the disk,
//! so that what names it may rely on it after a loss of power, too.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::buffered::BufWriter;
use parquet::arrow::AsyncArrowWriter;
use parquet::arrow::async_writer::AsyncFileWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use tokio::io::AsyncWriteExt;

use super::checksums::BlockChecksums;
use super::clustering::ClusteringBuffer;
use super::content_hash::ContentHasher;
use super::{Location, Part, schema, stats};
use crate::error::{Context, Error, Result};
use crate::random_id::random_id;

/// How the rows of one shard are written.
#[derive(Debug, Clone)]
pub struct WriteOptions {
    /// The table's folder.
    pub location: Location,
    /// The table's columns, to which what is written is made to conform.
    pub schema: SchemaRef,
    /// Names the folder of the parts; safe in a path.
    pub run_id: String,
    /// In the name of each part: two attempts at one shard, of one run or of two, never write the same file.
    pub attempt: String,
    /// The shard that the rows belong to.
    pub shard: String,
    /// Of everything that the shard is made from.
    pub fingerprint: String,
    /// Columns of long unique text: no dictionary and no bounds.
    pub long_text: Vec<String>,
    /// Columns of ids that are looked up: no dictionary, a Bloom filter.
    pub ids: Vec<String>,
    /// Columns of few values: rows that share them come to lie in the same row groups.
    pub cluster_by: Vec<String>,
    /// A row group is closed when its encoded size reaches this.
    pub row_group_bytes: usize,
    /// What all writers together may hold back to cluster rows, as bytes of Arrow.
    pub cluster_bytes: usize,
    /// A part is closed, and the next one begun, when its file reaches this.
    pub part_bytes: usize,
}

impl WriteOptions {
    /// Defaults: row groups of 32 MiB, 128 MiB to cluster in, parts of 512 MiB.
    pub fn new(location: Location, schema: SchemaRef, run_id: &str, shard: &str, fingerprint: &str) -> Self {
        Self {
            location,
            schema,
            run_id: run_id.to_owned(),
            attempt: random_id(),
            shard: shard.to_owned(),
            fingerprint: fingerprint.to_owned(),
            long_text: Vec::new(),
            ids: Vec::new(),
            cluster_by: Vec::new(),
            row_group_bytes: 32 << 20,
            cluster_bytes: 128 << 20,
            part_bytes: 512 << 20,
        }
    }

    fn properties(&self, size: PartSize) -> Result<WriterProperties> {
        let compression = match size {
            PartSize::Small => Compression::SNAPPY,
            PartSize::Large => Compression::ZSTD(ZstdLevel::try_new(1).or_internal(|| "zstd has no level 1".into())?),
        };
        let mut properties = WriterProperties::builder()
            .set_created_by(concat!("spatialmill ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(compression)
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_max_row_group_bytes(Some(self.row_group_bytes));
        for column in &self.long_text {
            properties = properties.set_column_dictionary_enabled(ColumnPath::from(column.as_str()), false);
        }
        for column in &self.ids {
            let path = ColumnPath::from(column.as_str());
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_bloom_filter_enabled(path.clone(), true)
                .set_column_bloom_filter_max_ndv(path, ROW_GROUP_ROWS as u64);
        }
        Ok(properties.build())
    }
}

/// Small enough for a viewer that reads whole row groups, large enough that their headers do not count.
const ROW_GROUP_ROWS: usize = 128 * 1024;

/// ClusteringBuffer with fewer rows than this share a row group with their neighbours when a part ends.
const SMALL_CLUSTER_ROWS: usize = 8 * 1024;

/// How a part is compressed. Writing and reading a column in zstd begins with half a megabyte of tables for it, which takes longer than all
/// else that is done with few rows.
#[derive(Debug, Clone, Copy)]
enum PartSize {
    Small,
    Large,
}

/// A part is small with at most so many rows of so many bytes.
const SMALL_PART_ROWS: usize = 1024;
const SMALL_PART_BYTES: usize = 1 << 20;

/// S3 wants pieces of 5 MiB and more; four of eight in flight keep a fast link busy.
const PIECE_BYTES: usize = 8 << 20;
const PIECES_IN_FLIGHT: usize = 4;

/// Writes rows of one shard, alone or beside other writers.
#[derive(Debug)]
pub struct PartWriter {
    options: Arc<WriteOptions>,
    writer: usize,
    clusters: Option<ClusteringBuffer>,
    open: Option<OpenPart>,
    /// The rows of the next part, while it may remain small.
    first: FirstRows,
    finished: Vec<Part>,
}

#[derive(Debug, Default)]
struct FirstRows {
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
}

impl PartWriter {
    /// Writer number `writer` of `writers`, which share the options and write files of different names.
    pub fn new(options: Arc<WriteOptions>, writer: usize, writers: usize) -> Result<Self> {
        if !is_path_safe(&options.run_id) {
            return Err(Error::internal("a run id must be safe in a path").with("run", &options.run_id));
        }
        let clusters = match options.cluster_by.as_slice() {
            [] => None,
            columns => Some(ClusteringBuffer::new(columns, &options.schema, options.cluster_bytes / writers.max(1))?),
        };
        Ok(Self { options, writer, clusters, open: None, first: FirstRows::default(), finished: Vec::new() })
    }

    /// Adds rows; columns are found by name.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let batch = schema::conform(batch, &self.options.schema)?;
        let Some(clusters) = &mut self.clusters else { return self.encode(&batch).await };
        clusters.push(&batch)?;
        while let Some(cluster) = self.clusters.as_mut().and_then(ClusteringBuffer::pop_if_full) {
            for batch in cluster {
                self.encode(&batch).await?;
            }
            self.close_row_group().await?;
        }
        Ok(())
    }

    /// Bytes held in memory.
    pub fn memory_size(&self) -> usize {
        let clustered = self.clusters.as_ref().map_or(0, ClusteringBuffer::bytes);
        clustered + self.first.bytes + self.open.as_ref().map_or(0, |open| open.writer.memory_size())
    }

    /// Gives memory back by closing row groups early; what remains are pieces being uploaded.
    pub async fn relieve(&mut self) -> Result<()> {
        self.drain_clusters().await?;
        self.close_row_group().await
    }

    /// Makes everything durable. `empty` says what happens when there were no rows.
    pub async fn finish(mut self, empty: Empty) -> Result<Vec<Part>> {
        self.drain_clusters().await?;
        let has_nothing = self.open.is_none() && self.first.batches.is_empty() && self.finished.is_empty();
        if matches!(empty, Empty::WritePart) && has_nothing {
            self.open(PartSize::Small)?;
        }
        self.close_part().await?;
        Ok(self.finished)
    }

    async fn encode(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        if self.open.is_none() {
            self.first.push(batch)?;
            return if self.first.is_small() { Ok(()) } else { self.write_first(PartSize::Large).await };
        }
        self.append(batch).await
    }

    /// Begins a part with the rows that waited for it.
    async fn write_first(&mut self, size: PartSize) -> Result<()> {
        let first = std::mem::take(&mut self.first);
        for batch in &first.batches {
            if self.open.is_none() {
                self.open(size)?;
            }
            self.append(batch).await?;
        }
        Ok(())
    }

    /// Adds rows to the open part.
    async fn append(&mut self, batch: &RecordBatch) -> Result<()> {
        let open = self.open.as_mut().ok_or_else(|| Error::internal("no part is open for these rows"))?;
        open.content_hash.add(batch)?;
        open.writer.write(batch).await.or_input(|| format!("cannot write {}", open.relative))?;
        if open.writer.bytes_written() >= self.options.part_bytes {
            self.finish_open().await?;
        }
        Ok(())
    }

    async fn drain_clusters(&mut self) -> Result<()> {
        let clusters = self.clusters.as_mut().map(ClusteringBuffer::drain).unwrap_or_default();
        for cluster in clusters {
            for batch in cluster {
                self.encode(&batch).await?;
            }
            if self.open.as_ref().is_some_and(|open| open.writer.in_progress_rows() >= SMALL_CLUSTER_ROWS) {
                self.close_row_group().await?;
            }
        }
        Ok(())
    }

    async fn close_row_group(&mut self) -> Result<()> {
        if let Some(open) = &mut self.open {
            open.writer.flush().await.or_input(|| format!("cannot write {}", open.relative))?;
        }
        Ok(())
    }

    fn open(&mut self, size: PartSize) -> Result<()> {
        let name = path_name(&self.options.shard);
        let WriteOptions { run_id, attempt, .. } = &*self.options;
        let (writer, n) = (self.writer, self.finished.len());
        let relative = format!("parts/{run_id}/{name}-{attempt}-{writer:03}-{n:03}.parquet");
        self.open = Some(OpenPart::new(relative, &self.options, size)?);
        Ok(())
    }

    async fn close_part(&mut self) -> Result<()> {
        if self.open.is_none() {
            self.write_first(PartSize::Small).await?;
        }
        self.finish_open().await
    }

    async fn finish_open(&mut self) -> Result<()> {
        if let Some(open) = self.open.take() {
            self.finished.push(open.finish(&self.options).await?);
        }
        Ok(())
    }
}

impl FirstRows {
    fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        for column in batch.columns() {
            let bytes = column.to_data().get_slice_memory_size();
            self.bytes += bytes.or_internal(|| "a column does not know its size".into())?;
        }
        self.rows += batch.num_rows();
        self.batches.push(batch.clone());
        Ok(())
    }

    fn is_small(&self) -> bool {
        self.rows <= SMALL_PART_ROWS && self.bytes <= SMALL_PART_BYTES
    }
}

/// What [`PartWriter::finish`] does when there were no rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Empty {
    /// Writes a part without rows: the shard was built, and its fingerprint must be found.
    WritePart,
    /// Writes nothing: another writer of the shard does.
    WriteNothing,
}

fn is_path_safe(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('.')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// A shard's name in a file name. One that must be changed to be safe gets a hash, so that no two become the same.
pub(super) fn path_name(shard: &str) -> String {
    if is_path_safe(shard) {
        return shard.to_owned();
    }
    let safe: String = shard.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(80).collect();
    format!("{safe}-{}", &blake3::hash(shard.as_bytes()).to_hex()[..8])
}

struct OpenPart {
    relative: String,
    writer: AsyncArrowWriter<Upload>,
    content_hash: ContentHasher,
}

impl std::fmt::Debug for OpenPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenPart").field("relative", &self.relative).finish_non_exhaustive()
    }
}

impl OpenPart {
    fn new(relative: String, options: &WriteOptions, size: PartSize) -> Result<Self> {
        let path = options.location.path(&relative);
        let upload = Upload::new(BufWriter::with_capacity(Arc::clone(options.location.store()), path, PIECE_BYTES));
        let writer = AsyncArrowWriter::try_new(upload, Arc::clone(&options.schema), Some(options.properties(size)?));
        let writer = writer.or_internal(|| format!("cannot begin {relative}"))?;
        Ok(Self { relative, writer, content_hash: ContentHasher::new(&options.schema)? })
    }

    async fn finish(mut self, options: &WriteOptions) -> Result<Part> {
        let metadata = self.writer.finish().await.or_input(|| format!("cannot finish {}", self.relative))?;
        let mut upload = self.writer.into_inner();
        options.location.sync(&self.relative).await?;
        Ok(Part {
            shard: options.shard.clone(),
            fingerprint: options.fingerprint.clone(),
            run_id: options.run_id.clone(),
            rows: metadata.file_metadata().num_rows().unsigned_abs(),
            bytes: upload.bytes,
            blake3: upload.hasher.finalize().to_hex().to_string(),
            checksums: upload.checksums.finish(),
            content_hash: self.content_hash.finish(),
            stats: stats::collect(&metadata, &options.schema, &options.long_text),
            written: now_ms(),
            path: self.relative,
        })
    }
}

/// Milliseconds since 1970.
pub(super) fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// An object being written, hashed and counted on its way out. Dropped before it is complete, it cancels the upload.
struct Upload {
    /// Gone when it was closed or cancelled.
    file: Option<BufWriter>,
    hasher: blake3::Hasher,
    checksums: BlockChecksums,
    bytes: u64,
}

impl Upload {
    fn new(file: BufWriter) -> Self {
        Self {
            file: Some(file.with_max_concurrency(PIECES_IN_FLIGHT)),
            hasher: blake3::Hasher::new(),
            checksums: BlockChecksums::default(),
            bytes: 0,
        }
    }
}

impl AsyncFileWriter for Upload {
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, parquet::errors::Result<()>> {
        async move {
            self.hasher.update(&bytes);
            self.checksums.update(&bytes);
            self.bytes += bytes.len() as u64;
            let file = self.file.as_mut().ok_or_else(|| ParquetError::General("the upload is closed".to_owned()))?;
            file.put(bytes).await.map_err(|error| ParquetError::External(Box::new(error)))
        }
        .boxed()
    }

    fn complete(&mut self) -> BoxFuture<'_, parquet::errors::Result<()>> {
        async move {
            let file = self.file.take();
            let mut file = file.ok_or_else(|| ParquetError::General("the upload is closed".to_owned()))?;
            file.shutdown().await.map_err(|error| ParquetError::External(Box::new(error)))
        }
        .boxed()
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let (Some(mut file), Ok(runtime)) = (self.file.take(), tokio::runtime::Handle::try_current()) {
            // Best effort: what stays behind is unnamed, and `gc` or the bucket's own rules remove it.
            runtime.spawn(async move { file.abort().await });
        }
    }
}
