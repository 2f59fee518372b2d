//! `docs/tasks.md`: every task, what it asks, and how many ways there are to say it.

use std::collections::{BTreeMap, BTreeSet};

use crate::project::Project;

const INTRODUCTION: &str = "\
A task is one kind of question, and one folder of [queries/5_ask](../queries/5_ask): `ask.sql` selects what is asked, `phrases.toml` says it in
words, `cases.slt` are its tests. A folder of your own below `queries/5_ask/` of a project is a task like these.

A question is asked in several **shapes** (yes or no, a choice of two objects, of relations or of numbers, an open question, a number); each is then
worded in every format that suits it: five ways to refer to an object in the text, times what is drawn on the image. In the phrases below `{the subject}` is an object, `{asked relation}` the relation
that is asked about, `{subject:is|are}` a verb that agrees with the subject. A **topic** is what relations are about; two opposite relations are one.";

/// The page.
pub fn page() -> String {
    let project = Project::in_memory();
    let mut tasks: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    for (path, text) in project.queries() {
        if let Some((task, file)) = path.strip_prefix("5_ask/").and_then(|inner| inner.split_once('/')) {
            tasks.entry(task).or_default().insert(file, text);
        }
    }
    let sections: Vec<String> = tasks.iter().map(|(task, files)| section(task, files)).collect();
    let names: String = tasks.keys().map(|task| format!("- [{task}](#{task})\n")).collect();
    super::page("Tasks", &format!("{INTRODUCTION}\n\n{names}\n{}", sections.join("\n\n")))
}

fn section(task: &str, files: &BTreeMap<&str, &str>) -> String {
    let phrases: toml::Table = files.get("phrases.toml").map_or_else(toml::Table::new, |text| text.parse().unwrap());
    let list = |value: Option<&toml::Value>| -> Vec<String> {
        let items = value.and_then(toml::Value::as_array).into_iter().flatten();
        items.filter_map(|item| Some(item.as_str().or_else(|| item.get("text")?.as_str())?.to_owned())).collect()
    };
    let topics = list(phrases.get("topics"));
    let mut rows = String::new();
    for (form, words) in phrases.iter().filter(|(_, words)| words.is_table()) {
        let questions = list(words.get("questions"));
        let Some(question) = questions.first() else { continue };
        rows += &format!("| {form} | {} | {} |\n", questions.len(), super::cell(question));
    }
    let packs: BTreeSet<&str> =
        files.keys().filter_map(|file| file.strip_prefix("phrases.")?.strip_suffix(".toml")).collect();
    let mut parts = vec![format!("## {task}"), about(files.get("ask.sql").copied().unwrap_or_default())];
    if !topics.is_empty() {
        parts.push(format!("Topics: {}.", topics.join(", ")));
    }
    parts.push(format!("| shape | phrases | for example |\n|---|---|---|\n{rows}"));
    if !packs.is_empty() {
        let packs: Vec<String> = packs.iter().map(|pack| format!("`{pack}`")).collect();
        parts.push(format!("Other packs of phrases: {}.", packs.join(", ")));
    }
    parts.push(format!("```sh\nspatialmill slice --task {task} --limit 10\n```"));
    parts.join("\n\n")
}

/// The first comment of a query after its header, up to the first line that is none.
fn about(sql: &str) -> String {
    let comment = |line: &str| line.strip_prefix("--").map(|text| text.trim().to_owned());
    let is_header = |line: &str| {
        line.strip_prefix("--")
            .and_then(|text| text.split_once(':'))
            .is_some_and(|(name, _)| !name.trim().is_empty() && name.trim().chars().all(|c| c.is_ascii_lowercase()))
    };
    let body = sql.lines().skip_while(|line| is_header(line) || line.trim().trim_start_matches('-').is_empty());
    let lines = body.map_while(comment).map(|line| if line.is_empty() { "\n\n".to_owned() } else { line + " " });
    lines.collect::<String>().replace(" \n", "\n").trim().replace('<', "&lt;")
}
