//! B2: how many questions a second one core words: to Arrow columns, and on to a Parquet file, and to a file of JSON lines.
//!
//! It isolates the function `wording` and the writers behind it from reading and planning: questions are in memory as Arrow
//! batches, as large as those of a build, before the clock starts; each of the three times is of the whole way.
//! `benches/wording.py` makes the data, runs this and other engines in turn, and compares their texts:
//! `cargo bench --bench wording -- questions.parquet` prints one line of JSON and writes `worded.parquet` and `worded.jsonl`
//! beside the questions.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef};
use arrow::json::LineDelimitedWriter;
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use spatialmill_columns::phrases::{PLAIN, PackText, Phrases, Texts};
use spatialmill_columns::scalar_functions;

const TOPICS: &str = include_str!("../queries/5_ask/topics.toml");
const REFERENCES: &str = include_str!("../queries/6_format/references.toml");
const PACKS: [(&str, &str); 4] = [
    ("position_comparison", include_str!("../queries/5_ask/position_comparison/phrases.toml")),
    ("size_comparison", include_str!("../queries/5_ask/size_comparison/phrases.toml")),
    ("existence_estimation", include_str!("../queries/5_ask/existence_estimation/phrases.toml")),
    ("object_counting", include_str!("../queries/5_ask/object_counting/phrases.toml")),
];
/// The default of `batch_size`.
const BATCH_SIZE: usize = 8192;

fn main() -> Result<(), Box<dyn Error>> {
    let Some(file) = std::env::args().skip(1).find(|argument| argument.ends_with(".parquet")) else {
        println!("give a Parquet file of questions; benches/wording.py makes one");
        return Ok(());
    };
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&file)?)?.with_batch_size(BATCH_SIZE).build()?;
    let questions = reader.collect::<Result<Vec<RecordBatch>, _>>()?;
    let wording = Wording::new()?;
    let beside = |name: &str| Path::new(&file).with_file_name(name);

    let start = Instant::now();
    let worded = questions.iter().map(|batch| wording.of(batch)).collect::<Result<Vec<_>, _>>()?;
    let arrow = start.elapsed().as_secs_f64();
    let Some(first) = worded.first() else { return Err("the file has no rows".into()) };
    let schema = first.schema();
    drop(worded);

    let start = Instant::now();
    // As parts of the dataset are written.
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(128 * 1024))
        .set_column_dictionary_enabled("question".into(), false);
    let mut writer = ArrowWriter::try_new(File::create(beside("worded.parquet"))?, schema, Some(properties.build()))?;
    for batch in &questions {
        writer.write(&wording.of(batch)?)?;
    }
    writer.close()?;
    let parquet = start.elapsed().as_secs_f64();

    let start = Instant::now();
    let mut writer = LineDelimitedWriter::new(BufWriter::new(File::create(beside("worded.jsonl"))?));
    for batch in &questions {
        writer.write(&wording.of(batch)?)?;
    }
    writer.finish()?;
    writer.into_inner().flush()?;
    let jsonl = start.elapsed().as_secs_f64();

    println!(r#"{{"arrow": {arrow}, "parquet": {parquet}, "jsonl": {jsonl}}}"#);
    Ok(())
}

/// The SQL function, called as a plan would call it.
struct Wording {
    function: ScalarUDF,
    returns: FieldRef,
    options: Arc<ConfigOptions>,
}

impl Wording {
    fn new() -> Result<Self, Box<dyn Error>> {
        let phrases = Arc::new(Phrases::new(&Texts {
            topics: vec![("topics.toml", TOPICS)],
            references: REFERENCES,
            packs: PACKS.map(|(task, text)| PackText { task, name: PLAIN, text }).to_vec(),
            shares: [(PLAIN.to_owned(), 1.0)].into(),
        })?);
        let function = scalar_functions(Some(&phrases)).find(|function| function.name() == "wording");
        let function = function.ok_or("no function `wording`")?;
        let returns = Arc::new(Field::new("words", function.return_type(&vec![DataType::Null; 9])?, true));
        Ok(Self { function, returns, options: Arc::default() })
    }

    /// Question, answer and options of each row, whose columns are the arguments in their order.
    fn of(&self, batch: &RecordBatch) -> Result<RecordBatch, Box<dyn Error>> {
        let words = self.function.invoke_with_args(ScalarFunctionArgs {
            args: batch.columns().iter().cloned().map(ColumnarValue::Array).collect(),
            arg_fields: batch.schema().fields().to_vec(),
            number_rows: batch.num_rows(),
            return_field: self.returns.clone(),
            config_options: self.options.clone(),
        })?;
        Ok(words.into_array(batch.num_rows())?.as_struct().into())
    }
}
