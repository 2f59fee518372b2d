//! `sql`: questions to the warehouse, read-only.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;

use clap::Args;
use datafusion::prelude::SessionContext;
use futures::FutureExt;

use super::catalog::{self, Answer};
use super::limits::Limits;
use super::output::{OutputFormat, to_stdout};
use super::watch::Watch;
use super::{Global, fault, out, told};
use crate::error::{Context, Error, Kind, Result};
use crate::progress::{tell, tell_line};
use crate::run::read_only;
use crate::suggestion::known;
use crate::text;

/// Query the warehouse's tables and the pipeline's views; nothing can be changed
///
/// Without SQL, -c or -f it is a shell: a statement ends with `;`, `SHOW TABLES;` and `DESCRIBE dataset;` show what there is, and `quit`
/// leaves. All functions of the pipeline can be called: `SHOW FUNCTIONS LIKE 'relate';` explains one, docs/functions.md all.
/// A join holds its left table in memory and streams its right one: the smaller one belongs on the left.
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
    format: OutputFormat,
    /// Read a table as it was: TABLE=N, or N for `dataset`; may be repeated
    #[arg(long, value_name = "N")]
    version: Vec<String>,
    #[command(flatten)]
    limits: Limits,
}

impl Sql {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        let mill = global.mill().await?;
        let _watch = Watch::over(&mill)?;
        let versions = versions(&self.version)?;
        let stored = if versions.is_empty() { Vec::new() } else { mill.warehouse.table_names().await? };
        versions.keys().try_for_each(|table| known("table", table, &stored))?;
        let context = mill.session(&versions).await?;
        let asker = QueryRunner { context, format: self.format, limits: self.limits };
        match (self.command.or(self.statements), &self.file) {
            (Some(text), _) => asker.run(&text).await,
            (None, Some(file)) => {
                asker.run(&text::read_to_end(file)?).await.map_err(|e| e.with("file", file.display()))
            }
            (None, None) => asker.converse().await,
        }
    }
}

fn versions(given: &[String]) -> Result<BTreeMap<String, u64>> {
    let parse = |item: &String| -> Result<(String, u64)> {
        let (table, number) = item.split_once('=').unwrap_or(("dataset", item));
        let number = number.parse().map_err(|_| {
            Error::usage("a version is a number").with("given", item).hint("--version 3 or --version objects=2")
        })?;
        Ok((table.to_owned(), number))
    };
    let mut versions = BTreeMap::new();
    for item in given {
        let (table, number) = parse(item)?;
        if versions.insert(table.clone(), number).is_some_and(|other| other != number) {
            return Err(Error::usage("a table is read at one version").with("table", table).with("given", item));
        }
    }
    Ok(versions)
}

/// Statements in, rows to stdout.
struct QueryRunner {
    context: SessionContext,
    format: OutputFormat,
    limits: Limits,
}

impl QueryRunner {
    /// Runs all statements of a text, none of them when one is not to be run.
    async fn run(&self, text: &str) -> Result<()> {
        let statements = read_only::questions(text)?;
        if statements.len() > 1 && self.format == OutputFormat::Parquet {
            let error = Error::usage("a Parquet file holds the rows of one statement");
            return Err(error.with("statements", statements.len()));
        }
        for statement in statements {
            let work = async {
                let rows = match catalog::answer(&self.context, &statement, self.format).await? {
                    Some(Answer::Text(text)) => return out(&text),
                    Some(Answer::Rows(rows)) => rows,
                    None => read_only::plan(&self.context, statement).await?,
                };
                to_stdout(self.limits.rows(rows.execute_stream().await?), self.format).await.map(drop)
            };
            self.limits.within(work).await.map_err(|e| match (e.kind(), e.advice()) {
                (Kind::Usage, None) => e.hint("`spatialmill sql -c 'SHOW TABLES'` lists what can be read"),
                _ => e,
            })?;
        }
        Ok(())
    }

    /// The shell.
    async fn converse(&self) -> Result<()> {
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
                let run = AssertUnwindSafe(self.run(&text)).catch_unwind().await;
                let outcome = run.unwrap_or_else(|panic| Err(fault::of(panic.as_ref())));
                match outcome.map_err(fault::behind) {
                    // A mistake ends a script, but not a conversation.
                    Err(error) if prompts => drop(told(Err(error))),
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
        if text.trim().is_empty() { Ok(()) } else { self.run(&text).await }
    }
}
