//! `models`: what `models.toml` names, whether it can be run here, and what families there are.

use clap::Args;
use spatialmill_models::{CHAT, Entry, FAMILIES, Family, Task};

use super::{Global, columns, out};
use crate::error::{Error, Result};
use crate::models::{Models, chat_model};
use crate::suggestion::unknown;
use crate::warehouse::Warehouse;

/// List the models of models.toml; open them to see whether they run here; explain families
///
/// A models.toml beside mill.toml names models, a table each: a name, a task, a family (how pictures are prepared and outputs decoded), the
/// file and its SHA-256. The keys `detect_model`, `segment_model`, `depth_model`, `intrinsics_model` and `gravity_model` of mill.toml say which are
/// used. For example:
///
///   [[model]]
///   name = "yolox_nano"
///   task = "detect"
///   family = "yolox"
///   uri = "models/yolox_nano.onnx"
///   sha256 = "..."                      # sha256sum FILE
///   licence = "Apache-2.0"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct List {
    /// Open each model (or the one named) and hold its file against its hash and its contract
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "*")]
    check: Option<String>,
    /// Explain a family: networks, inputs, outputs, parameters; `all` lists the families
    #[arg(long, value_name = "NAME", conflicts_with = "check")]
    family: Option<String>,
}

impl List {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        match (self.family.as_deref(), self.check) {
            (Some("all"), _) => {
                let row = |family: &&Family| [family.name, family.task.name(), family.doc].map(str::to_owned).to_vec();
                let mut rows: Vec<_> = FAMILIES.iter().map(row).collect();
                let chat =
                    [CHAT, "detect, caption, ground", "vision-language models behind an OpenAI-compatible endpoint"];
                rows.push(chat.map(str::to_owned).to_vec());
                out(&columns(&["family", "task", "what"], &rows))
            }
            (Some(name), _) => out(&explained(name)?),
            (None, None) => list(global),
            (None, Some(name)) => check(global, &name).await,
        }
    }
}

fn explained(name: &str) -> Result<String> {
    if name == CHAT {
        return Ok(format!("{CHAT}: {}\n", chat_model::DOC));
    }
    let names: Vec<&str> = FAMILIES.iter().map(|family| family.name).chain([CHAT]).collect();
    let family = FAMILIES.iter().find(|family| family.name == name).ok_or_else(|| unknown("family", name, &names))?;
    Ok(format!("{} ({}): {}\n\n{}\n", family.name, family.task, family.doc, family.long_doc))
}

fn list(global: &Global) -> Result<()> {
    let project = global.project()?;
    let used = |entry: &Entry| {
        let key = format!("{}_model", entry.task);
        if project.text(&key) == entry.name { key } else { String::new() }
    };
    let row = |entry: &Entry| {
        let licence = entry.licence.clone().unwrap_or_else(|| "unknown".to_owned());
        vec![entry.name.clone(), entry.task.name().to_owned(), entry.family.clone(), licence, used(entry)]
    };
    let rows: Vec<_> = project.models().entries().map(row).collect();
    if rows.is_empty() {
        return Err(no_models());
    }
    out(&columns(&["model", "task", "family", "licence", "used as"], &rows))
}

fn no_models() -> Error {
    Error::usage("no models.toml here, or none in it")
        .hint("`spatialmill models --help` shows one; `--family all` lists what can be read")
}

async fn check(global: &Global, name: &str) -> Result<()> {
    let project = global.project()?;
    let warehouse = Warehouse::open(project.text("url"), &project.folder)?;
    let models = Models::of(&project, warehouse.location())?;
    let wanted: Vec<(String, Task)> = project
        .models()
        .entries()
        .filter(|entry| name == "*" || entry.name == name)
        .map(|entry| (entry.name.clone(), entry.task))
        .collect();
    if wanted.is_empty() {
        let names: Vec<&str> = project.models().entries().map(|entry| entry.name.as_str()).collect();
        if names.is_empty() {
            return Err(no_models());
        }
        return Err(unknown("model", name, &names));
    }
    let (mut rows, mut failed) = (Vec::new(), 0);
    for (name, task) in wanted {
        let checked = async { models.get(&name, task).await?.checked().await };
        rows.push(match checked.await {
            Ok(contract) => vec!["ok".to_owned(), name, contract],
            Err(error) => {
                failed += 1;
                let hint = error.advice().map(|hint| format!(" (hint: {hint})")).unwrap_or_default();
                vec!["FAIL".to_owned(), name, format!("{error}{hint}")]
            }
        });
    }
    out(&columns(&["", "model", "finding"], &rows))?;
    if failed > 0 { Err(Error::input(format!("{failed} models cannot be run here"))) } else { Ok(()) }
}
