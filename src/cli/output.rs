//! Where rows go: stdout in a format, or a file behind a URL. Rows stream; only a page of a printed table is held in memory.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use arrow::util::pretty::pretty_format_batches;
use clap::ValueEnum;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use object_store::ObjectStoreExt;
use object_store::buffered::BufWriter;
use parquet::arrow::ArrowWriter;
use parquet::arrow::AsyncArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use tokio::io::AsyncWriteExt;

use crate::error::{Context, Error, Result};
use crate::terminal;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
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
pub async fn to_stdout(mut rows: SendableRecordBatchStream, format: OutputFormat) -> Result<u64> {
    let schema = rows.schema();
    let mut n = 0;
    match format {
        OutputFormat::Table => {
            let (mut page, mut held) = (Vec::new(), 0);
            while let Some(batch) = rows.next().await {
                let batch = batch?;
                n += batch.num_rows() as u64;
                held += batch.num_rows();
                page.push(batch);
                if held >= PAGE {
                    super::out(&table(&schema, &std::mem::take(&mut page))?)?;
                    held = 0;
                }
            }
            if held > 0 || n == 0 {
                super::out(&table(&schema, &page)?)?;
            }
        }
        OutputFormat::Csv => {
            let mut writer = arrow::csv::Writer::new(Pipe::open());
            writer.write(&RecordBatch::new_empty(flat(&schema)?)).or_input(|| "cannot write to stdout".into())?;
            while let Some(batch) = rows.next().await {
                let batch = batch?;
                n += batch.num_rows() as u64;
                writer.write(&batch).or_input(|| "cannot write to stdout".into())?;
            }
        }
        OutputFormat::Json => {
            let mut writer = arrow::json::LineDelimitedWriter::new(Pipe::open());
            while let Some(batch) = rows.next().await {
                let batch = batch?;
                n += batch.num_rows() as u64;
                writer.write(&batch).or_input(|| "cannot write to stdout".into())?;
            }
            writer.finish().or_input(|| "cannot write to stdout".into())?;
        }
        OutputFormat::Parquet => {
            if std::io::stdout().is_terminal() {
                return Err(Error::usage("a Parquet file is not for a terminal").hint("> file.parquet"));
            }
            let mut writer = ArrowWriter::try_new(Pipe::open(), schema, Some(properties()?))
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

/// A table for people: what a terminal would obey is shown, and a long cell is cut.
fn table(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<String> {
    let unprintable = || "cannot print these rows".to_owned();
    let options = FormatOptions::default().with_null("NULL");
    // A plan's lines are long, and nobody asks for a plan to see its beginning.
    let is_plan = schema.fields().iter().any(|field| field.name() == "plan_type");
    let most = if is_plan { LONGEST_LINE } else { LONGEST_CELL };
    let fields = schema.fields().iter();
    let fields: Vec<Field> = fields.map(|f| Field::new(shown(f.name(), LONGEST_CELL), DataType::Utf8, true)).collect();
    let shown_schema = Arc::new(Schema::new(fields));
    let mut shown_batches = Vec::with_capacity(batches.len());
    for batch in batches {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(batch.num_columns());
        for column in batch.columns() {
            let cells = ArrayFormatter::try_new(column, &options).or_internal(unprintable)?;
            let mut texts = Vec::with_capacity(batch.num_rows());
            for row in 0..batch.num_rows() {
                let cell = cells.value(row).try_to_string().or_internal(unprintable)?;
                texts.push(shown(&cell, most));
            }
            columns.push(Arc::new(StringArray::from(texts)));
        }
        let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        shown_batches.push(
            RecordBatch::try_new_with_options(Arc::clone(&shown_schema), columns, &rows).or_internal(unprintable)?,
        );
    }
    if shown_batches.is_empty() {
        shown_batches.push(RecordBatch::new_empty(shown_schema));
    }
    let text = pretty_format_batches(&shown_batches).or_internal(unprintable)?;
    Ok(format!("{text}\n"))
}

/// Rows of a table that are held to find how wide its columns are; more are another table below, with the same heading.
const PAGE: usize = 10_000;

/// Of a cell, for people; `--format json` and `csv` have all of it.
const LONGEST_CELL: usize = 1_000;

/// The printer of tables counts in 16 bits.
const LONGEST_LINE: usize = 30_000;

/// So many lines of a cell are a page.
const MOST_LINES: usize = 1_000;

fn shown(cell: &str, most: usize) -> String {
    let mut lines: Vec<String> =
        cell.lines().take(MOST_LINES + 1).map(|line| terminal::line(&terminal::cut(line, most)).into_owned()).collect();
    if lines.len() > MOST_LINES {
        lines[MOST_LINES] = "…".to_owned();
    }
    lines.join("\n")
}

/// Stdout; a reader that went away (`| head`) ends the program quietly. Rows are data and are written as they are, but a terminal is a person's: it is
/// shown what it would obey.
struct Pipe {
    is_terminal: bool,
    /// For a terminal: what is no whole line yet.
    held: Vec<u8>,
}

impl Pipe {
    fn open() -> Self {
        Self { is_terminal: std::io::stdout().is_terminal(), held: Vec::new() }
    }

    fn put(bytes: &[u8]) -> std::io::Result<()> {
        match std::io::stdout().lock().write_all(bytes) {
            Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
            other => other,
        }
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if !self.is_terminal {
            Self::put(bytes)?;
            return Ok(bytes.len());
        }
        self.held.extend_from_slice(bytes);
        let whole = self.held.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines = self.held.drain(..whole).collect::<Vec<u8>>();
        Self::put(terminal::text(&String::from_utf8_lossy(&lines)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stdout().lock().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_shows_what_a_terminal_would_obey_and_cuts_what_is_long() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec![
            Some("a \u{1b}[2Jb\r"),
            None,
            Some(&"x".repeat(200_000)),
            Some("one\ntwo"),
        ]));
        let batch = RecordBatch::try_from_iter([("caption\u{1b}c", texts)]).unwrap();
        let text = table(&batch.schema(), &[batch]).unwrap();
        assert!(!text.contains('\u{1b}') && text.contains("| a \\u{1b}[2Jb\\r "), "{text}");
        assert!(text.contains("caption\\u{1b}c") && text.contains("| NULL ") && text.contains("| two "), "{text}");
        assert!(text.contains("xxx…") && text.lines().all(|line| line.chars().count() < 1_010));
    }
}
