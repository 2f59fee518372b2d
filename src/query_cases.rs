//! Every `cases.slt` below `queries/` and in the projects of `examples/`: tiny tables in, the rows that a query makes of them out.
//!
//! Three statements of our own stand beside SQL. `load 5_ask/<task>/ask.sql` makes the view that a query file writes, `store` makes a
//! table of it, and `set key=value` puts a value over one of `mill.toml` for what follows. `UPDATE_SLT=1 cargo test --workspace --lib query_cases` writes the rows that
//! came out into the files, to be reviewed as a diff; `SLT=counting` runs only the files with that in their path.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::{Context, Error, Result};
use crate::functions::phrases::phrases;
use crate::pipeline::Stage;
use crate::project::Project;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::prelude::{SessionConfig, SessionContext};
use spatialmill_columns::scalar_functions;
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner};

#[tokio::test]
async fn query_cases() {
    let mut files = Vec::new();
    find_cases(&queries(), &mut files);
    find_cases(&examples(), &mut files);
    files.sort();
    assert!(!files.is_empty());
    let only = std::env::var("SLT").unwrap_or_default();
    for file in files.iter().filter(|file| file.to_string_lossy().contains(&only)) {
        if std::env::var_os("UPDATE_SLT").is_some() {
            let (validate, normalize) = (sqllogictest::default_validator, sqllogictest::default_normalizer);
            let types = sqllogictest::default_column_validator;
            let mut runner = Runner::new(|| async { Session::new(file, 1, 8192) });
            runner.update_test_file(file, " ", validate, normalize, types).await.unwrap();
        }
        // Other partitions and batch sizes must not change a row.
        for (partitions, batch_size) in [(1, 8192), (4, 61)] {
            let mut runner = Runner::new(|| async { Session::new(file, partitions, batch_size) });
            let outcome = runner.run_file_async(file).await;
            outcome.unwrap_or_else(|error| panic!("{partitions} partitions, batches of {batch_size}: {error}"));
        }
    }
}

fn queries() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("queries")
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// The project that a file of cases belongs to, where it is one of `examples/`.
fn project_of(file: &Path) -> Option<PathBuf> {
    let below = file.strip_prefix(examples()).ok()?;
    Some(examples().join(below.components().next()?))
}

fn find_cases(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find_cases(&path, files);
        } else if path.ends_with("cases.slt") {
            files.push(path);
        }
    }
}

struct Session {
    context: SessionContext,
    project: Project,
    /// Where a query is looked for before those of the tree.
    own: Option<PathBuf>,
}

impl Session {
    fn new(file: &Path, partitions: usize, batch_size: usize) -> Result<Self> {
        let mut config = SessionConfig::new().with_target_partitions(partitions).with_batch_size(batch_size);
        config.options_mut().sql_parser.map_string_types_to_utf8view = false;
        let context = SessionContext::new_with_config(config);
        let own = project_of(file);
        let project = match &own {
            Some(folder) => Project::load(folder, &[])?,
            None => Project::in_memory(),
        };
        scalar_functions(Some(&phrases(&project)?)).for_each(|function| context.register_udf(function));
        Ok(Self { context, project, own })
    }

    /// The file as it lies in the tree and not as it was compiled in, so that a query can be tried without a build.
    async fn load(&self, path: &str, keep: &str) -> Result<()> {
        let own = self.own.as_ref().map(|folder| folder.join("queries").join(path)).filter(|file| file.exists());
        let file = own.unwrap_or_else(|| queries().join(path));
        let text = std::fs::read_to_string(file).or_input(|| format!("cannot read queries/{path}"))?;
        for stage in Stage::parse_all(&BTreeMap::from([(path.to_owned(), text)]))?.values() {
            for query in stage.queries(&self.project)? {
                self.context.sql(&format!("CREATE OR REPLACE {keep} {} AS {}", stage.writes, query.sql)).await?;
            }
        }
        Ok(())
    }
}

#[async_trait::async_trait]
impl AsyncDB for Session {
    type Error = Error;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>> {
        for (verb, keep) in [("load ", "VIEW"), ("store ", "TABLE")] {
            if let Some(path) = sql.strip_prefix(verb) {
                self.load(path.trim(), keep).await?;
                return Ok(DBOutput::StatementComplete(0));
            }
        }
        if let Some(item) = sql.strip_prefix("set ") {
            self.project.set(item)?;
            return Ok(DBOutput::StatementComplete(0));
        }
        let batches = self.context.sql(sql).await?.collect().await?;
        let Some(first) = batches.first() else { return Ok(DBOutput::StatementComplete(0)) };
        let types = vec![DefaultColumnType::Text; first.num_columns()];
        let options = FormatOptions::new().with_null("NULL");
        let mut rows = Vec::new();
        for batch in &batches {
            let columns = batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options));
            let columns =
                columns.collect::<Result<Vec<_>, _>>().map_err(|e| Error::internal("unprintable").because(e))?;
            rows.extend((0..batch.num_rows()).map(|row| columns.iter().map(|c| c.value(row).to_string()).collect()));
        }
        Ok(DBOutput::Rows { types, rows })
    }

    async fn shutdown(&mut self) {}
}
