//! Where rows go: stdout in a format, or a file behind a URL. Rows stream; only the printed table is held in memory.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::util::pretty::pretty_format_batches_with_options;
use clap::ValueEnum;
use datafusion::execution::SendableRecordBatchStream;
use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStoreExt;
use object_store::buffered::BufWriter;
use parquet::arrow::ArrowWriter;
use parquet::arrow::AsyncArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use tokio::io::AsyncWriteExt;

use crate::error::{Context, Error, Result};

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table for people
    Table,
    /// Comma-separated values with a heading
    Csv,
    /// One JSON object a line
    Json,
    /// A Parquet file
    Parquet,
}

/// Writes rows to stdout and says how many there were.
pub async fn to_stdout(mut rows: SendableRecordBatchStream, format: Format) -> Result<u64> {
    let schema = rows.schema();
    let mut n = 0;
    match format {
        Format::Table => {
            let batches: Vec<RecordBatch> = rows.try_collect().await?;
            n = batches.iter().map(|b| b.num_rows() as u64).sum();
            let options = arrow::util::display::FormatOptions::default().with_null("NULL");
            let batches = if batches.is_empty() { vec![RecordBatch::new_empty(schema)] } else { batches };
            let text = pretty_format_batches_with_options(&batches, &options)
                .or_internal(|| "cannot print these rows".into())?;
            super::out(&format!("{text}\n"))?;
        }
        Format::Csv => {
            let mut writer = arrow::csv::Writer::new(Pipe);
            writer.write(&RecordBatch::new_empty(flat(&schema)?)).or_input(|| "cannot write to stdout".into())?;
            while let Some(batch) = rows.next().await {
                let batch = batch?;
                n += batch.num_rows() as u64;
                writer.write(&batch).or_input(|| "cannot write to stdout".into())?;
            }
        }
        Format::Json => {
            let mut writer = arrow::json::LineDelimitedWriter::new(Pipe);
            while let Some(batch) = rows.next().await {
                let batch = batch?;
                n += batch.num_rows() as u64;
                writer.write(&batch).or_input(|| "cannot write to stdout".into())?;
            }
            writer.finish().or_input(|| "cannot write to stdout".into())?;
        }
        Format::Parquet => {
            let mut writer = ArrowWriter::try_new(Pipe, schema, Some(properties()?))
                .or_internal(|| "cannot write Parquet".into())?;
            while let Some(batch) = rows.next().await {
                let batch = batch?;
                n += batch.num_rows() as u64;
                writer.write(&batch).or_input(|| "cannot write to stdout".into())?;
            }
            writer.close().or_input(|| "cannot write to stdout".into())?;
        }
    }
    Ok(n)
}

/// Writes rows to a `.parquet` or `.jsonl` file behind a path or URL and says how many there were. The file appears whole or not at all.
pub async fn to_url(mut rows: SendableRecordBatchStream, url: &str) -> Result<u64> {
    let place = crate::warehouse::Location::parse(url, std::path::Path::new("."))?;
    let upload = BufWriter::new(std::sync::Arc::clone(place.store()), place.root().clone());
    let failed = || format!("cannot write `{}`", place.url());
    let mut n = 0;
    if url.ends_with(".parquet") {
        let mut writer = AsyncArrowWriter::try_new(upload, rows.schema(), Some(properties()?)).or_internal(failed)?;
        while let Some(batch) = rows.next().await {
            let batch = batch?;
            n += batch.num_rows() as u64;
            writer.write(&batch).await.or_input(failed)?;
        }
        writer.close().await.or_input(failed)?;
    } else if url.ends_with(".jsonl") {
        let mut upload = upload;
        while let Some(batch) = rows.next().await {
            let batch = batch?;
            n += batch.num_rows() as u64;
            let mut writer = arrow::json::LineDelimitedWriter::new(Vec::new());
            writer.write(&batch).or_internal(failed)?;
            upload.write_all(&writer.into_inner()).await.or_input(failed)?;
        }
        upload.shutdown().await.or_input(failed)?;
    } else {
        return Err(Error::usage("the name must end in .parquet or .jsonl").with("out", url));
    }
    // A file that was never made durable has no head.
    place.store().head(place.root()).await.or_input(failed)?;
    Ok(n)
}

fn properties() -> Result<WriterProperties> {
    let level = ZstdLevel::try_new(1).or_internal(|| "zstd has no level 1".into())?;
    Ok(WriterProperties::builder().set_compression(Compression::ZSTD(level)).build())
}

/// CSV has no lists and structs; saying so before the first row beats failing at the thousandth.
fn flat(schema: &SchemaRef) -> Result<SchemaRef> {
    match schema.fields().iter().find(|field| field.data_type().is_nested()) {
        Some(field) => Err(Error::usage(format!("CSV has no lists or structs, and `{}` is one", field.name()))
            .hint("use --format json, or select its parts")),
        None => Ok(std::sync::Arc::clone(schema)),
    }
}

/// Stdout; a reader that went away (`| head`) ends the program quietly.
struct Pipe;

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match std::io::stdout().lock().write(bytes) {
            Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
            other => other,
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stdout().lock().flush()
    }
}
