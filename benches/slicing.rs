//! B5: how long the queries of `slicing.sql` take on a dataset that is built, in one warm process.
//!
//! It isolates planning and reading from the start of a process. `benches/slicing.py` runs the same queries on the same files by DuckDB and Polars
//! in turn and compares the answers: `cargo bench --bench slicing -- PROJECT queries.sql RUNS` prints one line of JSON, for each query
//! the times in milliseconds and its rows as text.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

use arrow::json::LineDelimitedWriter;
use serde_json::json;
use spatialmill::{Mill, Progress, Project};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let [project, queries, runs] = &arguments[..] else {
        println!("give a project, a file of queries and a number of runs; benches/slicing.py does");
        return Ok(());
    };
    let mill = Mill::open(Project::load(Path::new(project), &[])?, Progress::silent()).await?;
    let context = mill.session(&BTreeMap::new()).await?;
    let mut answers = BTreeMap::new();
    for (name, sql) in named(&std::fs::read_to_string(queries)?) {
        let mut times = Vec::new();
        let mut rows = Vec::new();
        for _ in 0..runs.parse::<usize>()? {
            let start = Instant::now();
            let batches = context.sql(&sql).await?.collect().await?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
            let mut writer = LineDelimitedWriter::new(Vec::new());
            for batch in &batches {
                writer.write(batch)?;
            }
            rows = writer.into_inner();
        }
        answers.insert(name, json!({ "ms": times, "rows": String::from_utf8(rows)? }));
    }
    println!("{}", serde_json::to_string(&answers)?);
    Ok(())
}

/// Each query with the comment above it.
fn named(text: &str) -> Vec<(String, String)> {
    let blocks = text.split("\n\n").filter_map(|block| block.trim().strip_prefix("-- ")?.split_once('\n'));
    blocks.map(|(name, sql)| (name.to_owned(), sql.trim().trim_end_matches(';').to_owned())).collect()
}
