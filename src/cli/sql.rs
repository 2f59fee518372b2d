//! `sql`: questions to the warehouse, read-only.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;
use datafusion::execution::context::SQLOptions;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::DFParser;

use super::output::{Format, to_stdout};
use super::{Global, out};
use crate::error::{Context, Error, Result};
use crate::progress::{tell, tell_line};

/// Query the warehouse's tables and the pipeline's views; nothing can be changed
///
/// Without SQL, -c or -f it is a shell: a statement ends with `;`, `SHOW TABLES;` and `DESCRIBE dataset;` show what there is, and `quit`
/// leaves. All functions of the pipeline can be called: `SHOW FUNCTIONS LIKE 'relate';` explains one.
#[derive(Debug, Args)]
pub struct Sql {
    /// Run these statements: the same as -c
    #[arg(value_name = "SQL", conflicts_with_all = ["command", "file"])]
    statements: Option<String>,
    /// Run these statements
    #[arg(short, long, value_name = "SQL", conflicts_with = "file")]
    command: Option<String>,
    /// Run the statements of this file
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// How rows are printed
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Read a table as it was: TABLE=N, or N for `dataset`; may be repeated
    #[arg(long, value_name = "N")]
    version: Vec<String>,
}

impl Sql {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        let mill = global.mill().await?;
        let context = mill.session(&versions(&self.version)?).await?;
        match (self.command.or(self.statements), &self.file) {
            (Some(text), _) => run_all(&context, &text, self.format).await,
            (None, Some(file)) => {
                let text = std::fs::read_to_string(file).or_input(|| format!("cannot read `{}`", file.display()))?;
                run_all(&context, &text, self.format).await
            }
            (None, None) => shell(&context, self.format).await,
        }
    }
}

fn versions(given: &[String]) -> Result<BTreeMap<String, u64>> {
    let parse = |item: &String| {
        let (table, number) = item.split_once('=').unwrap_or(("dataset", item));
        let number = number.parse().map_err(|_| {
            Error::usage("a version is a number").with("given", item).hint("--version 3 or --version objects=2")
        })?;
        Ok((table.to_owned(), number))
    };
    given.iter().map(parse).collect()
}

async fn run_all(context: &SessionContext, text: &str, format: Format) -> Result<()> {
    let statements = DFParser::parse_sql(text).map_err(|e| Error::usage("this is not SQL").because(e))?;
    if statements.len() > 1 && format == Format::Parquet {
        return Err(Error::usage("a Parquet file holds the rows of one statement").with("statements", statements.len()));
    }
    for statement in statements {
        // Reading only: no CREATE, COPY, INSERT, SET.
        let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        let plan = context.state().statement_to_plan(statement).await.map_err(not_run)?;
        options.verify_plan(&plan).map_err(not_run)?;
        let rows = context.execute_logical_plan(plan).await.map_err(not_run)?;
        to_stdout(rows.execute_stream().await.map_err(not_run)?, format).await?;
    }
    Ok(())
}

fn not_run(error: datafusion::error::DataFusionError) -> Error {
    Error::from(error).hint("`spatialmill sql -c 'SHOW TABLES'` lists what can be read")
}

async fn shell(context: &SessionContext, format: Format) -> Result<()> {
    let prompts = std::io::stdin().is_terminal();
    let mut text = String::new();
    if prompts {
        tell_line(format_args!("end a statement with ;  `SHOW TABLES;` lists tables  `quit` leaves"));
        tell(format_args!("spatialmill> "));
    }
    let lines = tokio::io::BufReader::new(tokio::io::stdin());
    let mut lines = tokio::io::AsyncBufReadExt::lines(lines);
    while let Some(line) = lines.next_line().await.or_input(|| "cannot read from stdin".into())? {
        if text.is_empty() && ["quit", "exit", "\\q"].contains(&line.trim().trim_end_matches(';')) {
            return Ok(());
        }
        text += &line;
        text.push('\n');
        if line.trim_end().ends_with(';') {
            match run_all(context, &text, format).await {
                // A mistake ends a script, but not a conversation.
                Err(error) if prompts => tell_line(format_args!("error: {error}")),
                outcome => outcome?,
            }
            text.clear();
        }
        if prompts {
            tell(format_args!("{}", if text.is_empty() { "spatialmill> " } else { "         ...> " }));
        }
    }
    if prompts {
        return out("\n");
    }
    if text.trim().is_empty() { Ok(()) } else { run_all(context, &text, format).await }
}
