//! `doctor`: whether a project can be built here, and what every key means.

use clap::Args;
use spatialmill_columns::FunctionDoc;

use super::{Global, columns, out};
use crate::error::{Error, Result};
use crate::project::keys::KEYS;
use crate::run::Mill;
use crate::run::benchmarks::Benchmarks;

/// Check the project file, the warehouse, the sources and this machine; explain every key of mill.toml
#[derive(Debug, Args)]
pub struct Doctor {
    /// List every key of mill.toml with its value here and what it means
    #[arg(long)]
    keys: bool,
    /// List every SQL function; `spatialmill sql -c "SHOW FUNCTIONS LIKE 'relate'"` explains one
    #[arg(long)]
    functions: bool,
}

impl Doctor {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        if self.keys {
            return keys(global);
        }
        if self.functions {
            let row = |doc: &FunctionDoc| [doc.signature, doc.cost.name(), doc.summary].map(str::to_owned).to_vec();
            let rows: Vec<Vec<String>> = crate::functions::docs().into_iter().map(row).collect();
            return out(&columns(&["function", "cost", "what it gives"], &rows));
        }
        let project = global.project()?;
        let (mut report, mut asked) = (Vec::new(), Vec::new());
        let mut failed = 0;
        let mut note = |what: &str, outcome: Result<String>| {
            let (mark, text) = match outcome {
                Ok(text) => ("ok", text),
                Err(error) => {
                    failed += 1;
                    ("FAIL", error.advice().map_or_else(|| error.to_string(), |hint| format!("{error} (hint: {hint})")))
                }
            };
            report.push(vec![mark.to_owned(), what.to_owned(), text]);
        };
        note("mill.toml", Ok(format!("{} sources", project.sources.len())));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        note("machine", Ok(format!("{cores} cores")));
        note(
            "memory",
            project.memory().map(|bytes| format!("{} MiB allowed, a third of it for the query engine", bytes >> 20)),
        );
        match Mill::open(project, global.progress()).await {
            Err(error) => note("pipeline", Err(error)),
            Ok(mill) => {
                note(
                    "pipeline",
                    Ok(format!("{} stages, stored: {}", mill.pipeline.stages.len(), mill.pipeline.order.join(", "))),
                );
                note("warehouse", mill.probe().await.map(|()| format!("{} can be written", mill.warehouse.location())));
                for (key, name, task) in mill.project.used_models() {
                    let checked = async { mill.models.get(name, task).await?.checked().await };
                    note(&format!("{key} {name}"), checked.await);
                }
                note("benchmarks", benchmarks(&mill).await);
                for source in &mill.project.sources {
                    let name = format!("source {}", source.options.name);
                    let probed = mill.probe_source(source).await.map(|(shards, unsaid)| {
                        asked.extend(unsaid.into_iter().map(|line| vec!["ask".to_owned(), name.clone(), line]));
                        format!("{}, {shards} shards", source.kind)
                    });
                    note(&name, probed);
                }
            }
        }
        report.extend(asked);
        out(&columns(&["", "what", "finding"], &report))?;
        if failed > 0 { Err(Error::input(format!("{failed} checks failed"))) } else { Ok(()) }
    }
}

/// What is kept out of training.
async fn benchmarks(mill: &Mill) -> Result<String> {
    let (lists, lines) = Benchmarks::all(&mill.project)?.size();
    if lists == 0 {
        return Ok("no lists: only the datasets' own splits keep what will be evaluated on out of training".to_owned());
    }
    let outcomes: Vec<_> = match mill.benchmarks().await? {
        None => vec!["what matches them is known after an import".to_owned()],
        Some(outcomes) => outcomes.iter().flat_map(|o| std::iter::once(o.effect()).chain(o.complaint())).collect(),
    };
    let known = format!("{lines} lines on {lists} lists name what is kept out of training");
    Ok(std::iter::once(known).chain(outcomes).collect::<Vec<_>>().join("; "))
}

fn keys(global: &Global) -> Result<()> {
    // Outside a project the defaults are what there is to show.
    let project = global.project().unwrap_or_else(|_| crate::project::Project::in_memory());
    let mut text = String::new();
    let mut section = "";
    for key in KEYS {
        if key.section != section {
            section = key.section;
            text += &format!("\n[{section}]\n");
        }
        let value = project.value(key.name).map(ToString::to_string).unwrap_or_default();
        let default = if value == key.default { String::new() } else { format!("   (default {})", key.default) };
        text += &format!("{} = {value}{default}\n    {}\n", key.name, key.doc);
    }
    out(text.trim_start())
}
