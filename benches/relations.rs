//! B1: how many facts about pairs of objects a second one core works out: relation, value, margin, overlap and agreement on all six axes.
//!
//! It isolates the function `relate`, called from SQL as `pair_facts` calls it, from reading and from the join: pairs are in memory as Arrow
//! batches before the clock starts, and so are the facts when it stops. `benches/relations.py` makes the data, runs this and other engines
//! in turn, and compares their answers: `cargo bench --bench relations -- pairs.parquet` prints one line of JSON.

use std::error::Error;
use std::fs::File;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{Array, AsArray, RecordBatch, StructArray};
use arrow::datatypes::Float64Type;
use datafusion::datasource::MemTable;
use datafusion::prelude::{SessionConfig, SessionContext};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use spatialmill_columns::scalar_functions;
use spatialmill_geometry::relate::{AXES, RELATIONS};

/// The default of `batch_size`.
const BATCH_SIZE: usize = 8192;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let Some(file) = std::env::args().skip(1).find(|argument| argument.ends_with(".parquet")) else {
        println!("give a Parquet file of pairs; benches/relations.py makes one");
        return Ok(());
    };
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file)?)?.with_batch_size(BATCH_SIZE).build()?;
    let pairs = reader.collect::<Result<Vec<RecordBatch>, _>>()?;
    let Some(first) = pairs.first() else { return Err("the file has no rows".into()) };
    let rows: usize = pairs.iter().map(RecordBatch::num_rows).sum();

    let config = SessionConfig::new().with_target_partitions(1).with_batch_size(BATCH_SIZE);
    let session = SessionContext::new_with_config(config);
    scalar_functions(None).for_each(|function| session.register_udf(function));
    session.register_table("pairs", Arc::new(MemTable::try_new(first.schema(), vec![pairs])?))?;
    let facts = AXES.map(|axis| format!("relate(subject, object, '{name}') AS {name}", name = axis.name)).join(", ");
    let query = format!("SELECT {facts} FROM pairs");

    let start = Instant::now();
    let found = session.sql(&query).await?.collect().await?;
    let seconds = start.elapsed().as_secs_f64();

    let sums = (0..AXES.len()).map(|axis| sums(&found, axis)).collect::<Result<Vec<_>, _>>()?;
    println!(r#"{{"seconds": {seconds}, "pairs": {rows}, "sums": {sums:?}}}"#);
    Ok(())
}

/// Of the facts of an axis: how many are of the lesser relation, how many agree with the image, and the sums of values, margins and overlaps.
fn sums(found: &[RecordBatch], axis: usize) -> Result<[f64; 5], Box<dyn Error>> {
    let mut sums = [0.0; 5];
    for batch in found {
        let facts = batch.column(axis).as_struct();
        let relations = column(facts, "relation")?.as_string::<i32>();
        let agrees = column(facts, "agrees")?.as_boolean();
        sums[0] += relations.iter().flatten().filter(|name| *name == RELATIONS[2 * axis].name).count() as f64;
        sums[1] += agrees.true_count() as f64;
        for (sum, name) in sums[2..].iter_mut().zip(["value", "margin", "overlap"]) {
            *sum += column(facts, name)?.as_primitive::<Float64Type>().iter().flatten().sum::<f64>();
        }
    }
    Ok(sums)
}

fn column<'a>(facts: &'a StructArray, name: &str) -> Result<&'a dyn Array, Box<dyn Error>> {
    Ok(facts.column_by_name(name).ok_or_else(|| format!("a fact has no `{name}`"))?.as_ref())
}
