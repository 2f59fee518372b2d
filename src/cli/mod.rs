//! The command line: `spatialmill --project DIR <verb>`.
//!
//! Data goes to stdout, everything else to stderr. A failure ends with a `hint:` where there is something to do about it, and with an
//! exit code: 0 done, 1 failed, 2 wrong usage, 3 stopped because too much was quarantined, 130 interrupted by Ctrl-C (143 by SIGTERM). A
//! panic is a failure like any other.

mod build;
mod catalog;
mod demo;
mod doctor;
mod export;
mod fault;
mod gc;
mod import;
mod init;
mod interrupt;
mod limits;
mod models;
mod output;
mod phrases;
mod plan;
mod report;
mod setup;
mod sheet;
mod slice;
mod sql;
mod status;
mod verify;
mod watch;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use self::interrupt::{Kept, or_interrupted};
use crate::error::{Error, Result};
use crate::progress::{Progress, tell_line};
use crate::project::Project;
use crate::run::Mill;
use crate::terminal;

/// Turns image collections and 3D scans into spatial-reasoning question-answer data for vision-language models.
///
/// A project is a folder with a mill.toml that names sources and a warehouse. `import` reads sources into tables, `build` makes
/// everything that is stale up to the table `dataset`, `sql`, `slice`, `sheet` and `report` look at the result, and `export` writes it for a trainer.
#[derive(Debug, Parser)]
#[command(name = "spatialmill", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

/// Flags of every verb.
#[derive(Debug, Args)]
struct Global {
    /// The folder with the mill.toml
    #[arg(long, global = true, value_name = "DIR", default_value = ".")]
    project: PathBuf,
    /// Put a value over the mill.toml: seed=7, build.memory="4 GiB"; may be repeated, before the verb and behind it
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// No progress on stderr
    #[arg(long, short, global = true)]
    quiet: bool,
}

impl Global {
    fn project(&self) -> Result<Project> {
        Project::load(&self.project, &self.set)
    }

    fn progress(&self) -> Progress {
        if self.quiet { Progress::silent() } else { Progress::stderr() }
    }

    async fn mill(&self) -> Result<Mill> {
        Mill::open(self.project()?, self.progress()).await
    }
}

/// Arguments with every `--set` before the verb: of flags that stand on both sides of it, clap takes those behind alone.
fn with_set_first(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    let mut arguments = arguments.peekable();
    first.extend(arguments.next());
    while let Some(argument) = arguments.next() {
        let is_set = argument == "--set" && arguments.peek().is_some();
        if argument == "--" {
            rest.push(argument);
            rest.extend(arguments.by_ref());
        } else if is_set || argument.to_str().is_some_and(|argument| argument.starts_with("--set=")) {
            first.push(argument);
            first.extend(if is_set { arguments.next() } else { None });
        } else {
            rest.push(argument);
        }
    }
    first.extend(rest);
    first
}

#[derive(Debug, Subcommand)]
enum Verb {
    Init(init::Init),
    Import(import::Import),
    Plan(plan::Plan),
    Build(build::Build),
    Status(status::Status),
    Sql(sql::Sql),
    Slice(slice::Slice),
    Export(export::Export),
    Report(report::Report),
    Sheet(sheet::Sheet),
    Verify(verify::Verify),
    Gc(gc::Gc),
    Phrases(phrases::Phrases),
    Models(models::List),
    Setup(setup::Setup),
    Doctor(doctor::Doctor),
    Demo(demo::Demo),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse_from(with_set_first(std::env::args_os())) {
        Ok(cli) => cli,
        Err(wrong) => {
            // Help and version are no failures; clap writes them to stdout and mistakes to stderr.
            let code = if wrong.use_stderr() { 2 } else { 0 };
            return match wrong.print() {
                Ok(()) => ExitCode::from(code),
                Err(_) => ExitCode::from(1),
            };
        }
    };
    fault::note();
    // A thread of its own, because the first one's stack is what the shell allows.
    let work = std::thread::Builder::new().stack_size(STACK).spawn(move || finish(cli));
    let outcome = match work.map(std::thread::JoinHandle::join) {
        Ok(Ok(outcome)) => outcome.map_err(fault::behind),
        Ok(Err(panic)) => Err(fault::of(panic.as_ref())),
        Err(e) => Err(Error::input("cannot start a thread").because(e)),
    };
    ExitCode::from(told(outcome))
}

/// Tells how it ended, and gives the process's exit code.
fn told(outcome: Result<()>) -> u8 {
    let Err(error) = outcome else { return 0 };
    let text = error.to_string();
    // Some quote the line that is wrong, which may be all of a file.
    let lines: Vec<_> = text.lines().map(|line| terminal::cut(line, LONGEST_CELL)).collect();
    tell_line(format_args!("error: {}", lines.join("\n")));
    if let Some(hint) = error.advice() {
        tell_line(format_args!("hint: {hint}"));
    }
    error.exit_code()
}

/// For plans as deep as a query may be (`run/read_only.rs`); memory is taken as it is used.
const STACK: usize = 256 << 20;

/// Runs a verb to its end. After a failure nothing is waited for that may still be at work, such as a query that took too long.
fn finish(cli: Cli) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // Plans recurse deeply in unoptimised builds, and partitions' streams are dropped level by level.
        .thread_stack_size(32 << 20)
        .build()
        .map_err(|e| Error::internal("cannot start the async runtime").because(e))?;
    let outcome = runtime.block_on(run(cli));
    if outcome.is_err() {
        runtime.shutdown_timeout(Duration::from_secs(1));
    }
    outcome
}

async fn run(cli: Cli) -> Result<()> {
    let kept = match cli.verb {
        Verb::Import(_) | Verb::Build(_) | Verb::Demo(_) => Kept::Shards,
        Verb::Export(_) => Kept::Files,
        _ => Kept::Nothing,
    };
    or_interrupted(kept, run_verb(cli)).await
}

async fn run_verb(cli: Cli) -> Result<()> {
    let global = cli.global;
    match cli.verb {
        Verb::Init(verb) => verb.run(&global).await,
        Verb::Import(verb) => verb.run(&global).await,
        Verb::Plan(verb) => verb.run(&global).await,
        Verb::Build(verb) => verb.run(&global).await,
        Verb::Status(verb) => verb.run(&global).await,
        Verb::Sql(verb) => verb.run(&global).await,
        Verb::Slice(verb) => verb.run(&global).await,
        Verb::Export(verb) => verb.run(&global).await,
        Verb::Report(verb) => verb.run(&global).await,
        Verb::Sheet(verb) => verb.run(&global).await,
        Verb::Verify(verb) => verb.run(&global).await,
        Verb::Gc(verb) => verb.run(&global).await,
        Verb::Phrases(verb) => verb.run(&global),
        Verb::Models(verb) => verb.run(&global).await,
        Verb::Setup(verb) => verb.run(&global).await,
        Verb::Doctor(verb) => verb.run(&global).await,
        Verb::Demo(verb) => verb.run(&global).await,
    }
}

/// Writes to stdout, for people; a reader that went away (`| head`) ends the program quietly.
fn out(text: &str) -> Result<()> {
    use std::io::Write;
    match std::io::stdout().lock().write_all(terminal::text(text).as_bytes()) {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        other => other.map_err(|e| Error::input("cannot write to stdout").because(e)),
    }
}

/// Of a longer cell or line, the beginning tells enough.
const LONGEST_CELL: usize = 2_000;

/// Rows under their headings, each column as wide as it needs and each row on its line.
fn columns(heading: &[&str], rows: &[Vec<String>]) -> String {
    let cell = |cell: &String| terminal::line(&terminal::cut(cell, LONGEST_CELL)).into_owned();
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(cell).collect()).collect();
    let mut widths: Vec<usize> = heading.iter().map(|h| h.chars().count()).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells.zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let mut text = line(&mut heading.iter().copied());
    for row in &rows {
        text += &line(&mut row.iter().map(String::as_str));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_on_both_sides_of_the_verb_count() {
        let parsed = |line: &str| {
            let arguments = line.split(' ').map(OsString::from);
            Cli::try_parse_from(with_set_first(arguments)).map(|cli| cli.global.set)
        };
        let set = parsed("spatialmill --set seed=1 build --set partitions=2 --no-import --set=seed=3").unwrap();
        assert_eq!(set, ["seed=1", "partitions=2", "seed=3"]);
        assert!(parsed("spatialmill build --set").is_err());
    }

    #[test]
    fn a_row_stays_on_its_line_and_within_bounds() {
        let text = super::columns(&["a", "b"], &[vec!["x\n\u{1b}[2J".to_owned(), "y".repeat(100_000)]]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.len() == 2 && lines[1].starts_with("x\\n\\u{1b}[2J  yyy") && lines[1].ends_with("y…"), "{text}");
        assert!(lines[1].chars().count() < 2_100);
    }
}
