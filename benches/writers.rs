//! The floor of B4: how long bare Arrow writers take for the rows of a dataset, one on each core, when the rows are in memory.
//!
//! It isolates encoding and compression from everything that makes the rows. Each thread takes one stored part after the other,
//! decodes a piece of it outside the clock and writes it inside, with the table's own compression, into files in the folder for
//! temporary files: `cargo bench --bench writers -- WAREHOUSE/dataset` prints one line of JSON, the seconds of the slowest thread.

use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Decoded at a time: small enough that memory stays small, large enough that the clock is read seldom.
const PIECE_ROWS: usize = 64 * 1024;

fn main() -> Outcome<()> {
    let Some(folder) = std::env::args().skip(1).find(|argument| !argument.starts_with("--")) else {
        println!("give the folder of a stored table; benches/dataset.py makes one");
        return Ok(());
    };
    let mut parts = Vec::new();
    find(Path::new(&folder), &mut parts)?;
    parts.sort();
    let parts = Mutex::new(parts);
    let threads = std::thread::available_parallelism()?.get();
    let written: Vec<Written> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads)
            .map(|thread| {
                scope.spawn({
                    let parts = &parts;
                    move || write(thread, parts)
                })
            })
            .collect();
        all.into_iter().map(|one| one.join().map_err(|_| "a writer died")?).collect::<Outcome<_>>()
    })?;
    let seconds = written.iter().map(|one| one.clock).max().unwrap_or_default().as_secs_f64();
    let rows: usize = written.iter().map(|one| one.rows).sum();
    let bytes: u64 = written.iter().map(|one| one.bytes).sum();
    println!(r#"{{"seconds": {seconds}, "rows": {rows}, "bytes": {bytes}, "threads": {threads}}}"#);
    Ok(())
}

#[derive(Default)]
struct Written {
    clock: Duration,
    rows: usize,
    bytes: u64,
}

fn write(thread: usize, parts: &Mutex<Vec<PathBuf>>) -> Outcome<Written> {
    let mut written = Written::default();
    let target = std::env::temp_dir().join(format!("spatialmill-writers-{}-{thread}.parquet", std::process::id()));
    while let Some(part) = {
        let mut parts = parts.lock().map_err(|_| "a writer died")?;
        parts.pop()
    } {
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(part)?)?.with_batch_size(8192);
        let schema = reader.schema().clone();
        let mut batches = reader.build()?;
        let start = Instant::now();
        let mut writer = ArrowWriter::try_new(File::create(&target)?, schema, Some(properties()?))?;
        written.clock += start.elapsed();
        loop {
            let piece = batches.by_ref().take(PIECE_ROWS / 8192).collect::<Result<Vec<RecordBatch>, _>>()?;
            if piece.is_empty() {
                break;
            }
            let start = Instant::now();
            for batch in &piece {
                writer.write(batch)?;
                written.rows += batch.num_rows();
            }
            written.clock += start.elapsed();
        }
        let start = Instant::now();
        writer.close()?;
        written.clock += start.elapsed();
        written.bytes += std::fs::metadata(&target)?.len();
        std::fs::remove_file(&target)?;
    }
    Ok(written)
}

/// As stored tables are written, but for Bloom filters and the order of rows.
fn properties() -> Outcome<WriterProperties> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(128 * 1024));
    for column in ["question", "sample_id", "question_id"] {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(column), false);
    }
    Ok(properties.build())
}

fn find(folder: &Path, into: &mut Vec<PathBuf>) -> Outcome<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, into)?;
        } else if path.extension().is_some_and(|ending| ending == "parquet")
            && !path.to_string_lossy().contains("_delta_log")
        {
            into.push(path);
        }
    }
    Ok(())
}
