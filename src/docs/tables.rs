//! `docs/tables.md`: every table with its columns, as `schemas/` declares them, and which stage writes it from what.

use datafusion::sql::sqlparser::ast::{ColumnOption, CreateTable, Statement};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

use crate::pipeline::{Keep, Pipeline};
use crate::project::Project;

const INTRODUCTION: &str = "\
Tables are Delta Lake tables of Parquet files: any engine that knows the format reads them, and `spatialmill sql -c 'DESCRIBE dataset'` says what is
below. They are listed in the order in which rows flow: a source's reader writes those that say so; each of the
others is written by a stage of `queries/`, from the tables and views that the stage names.

Boxes are pixels from the image's top-left corner. Places in **view space** are metres from the camera: x right, y forward along the
horizontal, z up. Masks are COCO's compressed run lengths.";

/// The page.
pub fn page() -> String {
    let pipeline = Pipeline::of(&Project::in_memory()).unwrap();
    let mut files: Vec<_> =
        std::fs::read_dir(super::root().join("schemas")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let texts = files.iter().map(|file| std::fs::read_to_string(file).unwrap());
    let (mut rows, mut sections) = (String::new(), Vec::new());
    for text in texts {
        for (about, create) in tables(&text) {
            let name = create.name.to_string();
            rows += &format!("| [{name}](#{name}) | {} |\n", super::cell(&about));
            sections.push(section(&name, &about, &create, &pipeline));
        }
    }
    let body = format!("{INTRODUCTION}\n\n| table | a row is |\n|---|---|\n{rows}\n{}", sections.join("\n\n"));
    super::page("Tables", &body)
}

/// The tables of a file, each with the comment over it.
fn tables(text: &str) -> Vec<(String, CreateTable)> {
    let mut about: Vec<String> = Vec::new();
    let mut comments = Vec::new();
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("--") {
            about.push(comment.trim().to_owned());
        } else if line.starts_with("CREATE TABLE") {
            comments.push(std::mem::take(&mut about).join(" "));
        }
    }
    let statements = Parser::parse_sql(&GenericDialect {}, text).unwrap();
    let creates = statements.into_iter().map(|statement| match statement {
        Statement::CreateTable(create) => create,
        other => panic!("{other} is no table"),
    });
    comments.into_iter().zip(creates).collect()
}

fn section(name: &str, about: &str, create: &CreateTable, pipeline: &Pipeline) -> String {
    let row = |column: &datafusion::sql::sqlparser::ast::ColumnDef| {
        let has = |wanted: &ColumnOption| column.options.iter().any(|option| option.option == *wanted);
        let comment = column.options.iter().find_map(|option| match &option.option {
            ColumnOption::Comment(comment) => Some(super::cell(comment)),
            _ => None,
        });
        let kind = column.data_type.to_string();
        let null = if has(&ColumnOption::NotNull) { "" } else { "may be null" };
        format!("| `{}` | `{kind}` | {null} | {} |\n", column.name.value, comment.unwrap_or_default())
    };
    let rows: String = create.columns.iter().map(row).collect();
    format!(
        "## {name}\n\n{}\n\n{}\n\n| column | type | | meaning |\n|---|---|---|---|\n{rows}",
        about.replace('<', "&lt;"),
        written_by(name, pipeline)
    )
}

fn written_by(name: &str, pipeline: &Pipeline) -> String {
    match pipeline.stages.get(name) {
        Some(stage) if stage.keep == Keep::Table => {
            let files: Vec<String> =
                stage.files.keys().map(|path| format!("[queries/{path}](../queries/{path})")).collect();
            let reads: Vec<String> = stage.reads.iter().map(|table| format!("`{table}`")).collect();
            format!("Written by {} from {}.", files.join(", "), reads.join(", "))
        }
        // Left out while its model has no name.
        Some(_) => "Written where mill.toml names a model for it.".to_owned(),
        None if ["quarantine", "runs"].contains(&name) => "Written by every import and build.".to_owned(),
        None => "Written by `spatialmill import`.".to_owned(),
    }
}
