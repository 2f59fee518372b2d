//! B1: how many pairs of objects a second one core compares on all six axes, margins applied, to a bit set for each pair.
//!
//! It isolates the kernel from reading and planning: objects are in memory as Arrow columns before the clock starts, and the
//! answer is an Arrow column when it stops. `benches/relations.py` makes the data, runs this and other engines in turn, and
//! compares their answers: `cargo bench --bench relations -- objects.parquet` prints one line of JSON.

use std::error::Error;
use std::fs::File;
use std::ops::Range;
use std::time::Instant;

use arrow::array::{AsArray, RecordBatch, UInt16Array};
use arrow::compute::concat_batches;
use arrow::datatypes::{Float64Type, Int64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use spatialmill_geometry::relate::{AXES, Columns, Limit, Objects, masks};

/// As in `relations.py`.
const LIMITS: [Limit; AXES.len()] = [Limit { absolute: 0.1, relative: 0.2, overlap: 0.3 }; AXES.len()];

fn main() -> Result<(), Box<dyn Error>> {
    let Some(file) = std::env::args().skip(1).find(|argument| argument.ends_with(".parquet")) else {
        println!("give a Parquet file of objects; benches/relations.py makes one");
        return Ok(());
    };
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file)?)?.build()?;
    let batches = reader.collect::<Result<Vec<RecordBatch>, _>>()?;
    let Some(first) = batches.first() else { return Err("the file has no rows".into()) };
    let objects = concat_batches(&first.schema(), &batches)?;
    let frames = frames(&objects)?;

    let start = Instant::now();
    let found = relate(&objects, &frames)?;
    let seconds = start.elapsed().as_secs_f64();

    println!(r#"{{"seconds": {seconds}, "pairs": {}, "checksum": {}}}"#, found.len(), checksum(&frames, &found));
    Ok(())
}

fn relate(objects: &RecordBatch, frames: &[Range<usize>]) -> Result<UInt16Array, Box<dyn Error>> {
    let column = |name: &str| -> Result<&[f64], Box<dyn Error>> {
        let column = objects.column_by_name(name).and_then(|column| column.as_primitive_opt::<Float64Type>());
        Ok(column.ok_or_else(|| format!("no column `{name}` of doubles"))?.values())
    };
    let columns = Columns {
        centre: [column("cx")?, column("cy")?, column("cz")?],
        extent: [column("ex")?, column("ey")?, column("ez")?],
        low: [column("lx")?, column("ly")?, column("lz")?],
        nearest: column("ly")?,
    };
    let objects = Objects::new(columns).ok_or("columns differ in length")?;
    let mut found = Vec::with_capacity(frames.iter().map(|frame| frame.len() * (frame.len() - 1) / 2).sum());
    masks(&objects, frames, &LIMITS, &mut found);
    Ok(UInt16Array::from(found))
}

/// The rows of each frame, which lie together.
fn frames(objects: &RecordBatch) -> Result<Vec<Range<usize>>, Box<dyn Error>> {
    let column = objects.column_by_name("frame").and_then(|column| column.as_primitive_opt::<Int64Type>());
    let ids = column.ok_or("no column `frame` of integers")?.values();
    let mut frames: Vec<Range<usize>> = Vec::new();
    for (row, id) in ids.iter().enumerate() {
        match frames.last_mut() {
            Some(frame) if ids[frame.start] == *id => frame.end = row + 1,
            _ => frames.push(row..row + 1),
        }
    }
    Ok(frames)
}

/// The same for the same bit sets of the same pairs, in any order.
fn checksum(frames: &[Range<usize>], found: &UInt16Array) -> u64 {
    let pairs = frames.iter().flat_map(|frame| {
        frame.clone().flat_map(move |a| (a + 1..frame.end).map(move |b| (a - frame.start, b - frame.start)))
    });
    pairs.zip(found.values()).map(|((a, b), mask)| u64::from(*mask) * ((31 * a + 17 * b) % 1009 + 1) as u64).sum()
}
