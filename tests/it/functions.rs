//! SQL functions as they are documented: every example is run and gives what it says, and `sql` explains functions and columns.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use arrow::util::display::array_value_to_string;
use spatialmill::{Mill, Progress, Project, function_docs};
use spatialmill_columns::{Cost, FunctionDoc};

use crate::{chat, models};

const ROOMS: &str = r#"
[[source]]
name = "rooms"
kind = "synthetic"
root = "rooms"
rooms = 1
frames_per_room = 1
[[source]]
name = "depths"
kind = "synthetic"
root = "depths"
rooms = 1
frames_per_room = 1
geometry = "depth"
"#;

fn of(cost: &[Cost]) -> Vec<&'static FunctionDoc> {
    function_docs().into_iter().filter(|doc| cost.contains(&doc.cost)).collect()
}

async fn imported(folder: &Path) -> Mill {
    let mill = Mill::open(Project::load(folder, &[]).unwrap(), Progress::silent()).await.unwrap();
    mill.import(&[]).await.unwrap();
    mill
}

/// Runs the examples of functions, and says all that give something else.
async fn check(mill: &Mill, docs: Vec<&FunctionDoc>) {
    assert!(!docs.is_empty());
    let context = mill.session(&BTreeMap::new()).await.unwrap();
    let mut wrong = Vec::new();
    for doc in docs {
        let batches = context.sql(doc.example.sql).await.expect(doc.name).collect().await.expect(doc.name);
        let first = batches.iter().find(|batch| batch.num_rows() > 0).expect(doc.name);
        let result = array_value_to_string(first.column(0), 0).expect(doc.name);
        if result != doc.example.result {
            wrong.push(format!("{} gives {result} and not {}", doc.name, doc.example.result));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn functions_are_listed_once_and_documented() {
    let docs = function_docs();
    assert_eq!(docs.iter().map(|doc| doc.name).collect::<BTreeSet<_>>().len(), docs.len(), "a name is listed twice");
    for doc in docs {
        assert!(doc.signature.starts_with(&format!("{}(", doc.name)), "{}", doc.signature);
        assert!(!doc.summary.is_empty() && !doc.summary.contains('\n'), "{}", doc.name);
        assert!(doc.details.ends_with('.') && doc.details.len() > 40, "{}", doc.name);
        assert!(doc.example.sql.contains(&format!("{}(", doc.name)), "{}", doc.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn examples_give_what_they_say() {
    let mill = Mill::open(Project::in_memory(), Progress::silent()).await.unwrap();
    check(&mill, of(&[Cost::Cheap, Cost::PerPair])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn examples_that_read_images_give_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mill.toml"), ROOMS).unwrap();
    check(&imported(folder.path()).await, of(&[Cost::ReadsImages])).await;
    // Other engines read what columns mean.
    let log = folder.path().join("warehouse/frames/_delta_log/00000000000000000000.json");
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("the source's own key") && log.contains("comment"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn examples_that_ask_models_give_what_they_say() {
    let (chat_models, networks): (Vec<_>, Vec<_>) =
        of(&[Cost::AsksModels]).into_iter().partition(|doc| ["caption", "ground"].contains(&doc.name));
    let (_server, folder) = chat::for_examples().await;
    check(&imported(folder.path()).await, chat_models).await;
    if let Some(folder) = models::project(2) {
        check(&imported(folder.path()).await, networks).await;
    }
}

#[test]
fn sql_explains_functions_and_columns() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mill.toml"), "").unwrap();
    let sql = |arguments: &[&str]| {
        let program = Command::new(env!("CARGO_BIN_EXE_spatialmill"))
            .args(["--quiet", "--project", folder.path().to_str().unwrap(), "sql"])
            .args(arguments)
            .output()
            .unwrap();
        assert!(program.status.success(), "{}", String::from_utf8_lossy(&program.stderr));
        String::from_utf8(program.stdout).unwrap()
    };
    let page = sql(&["SHOW FUNCTIONS LIKE 'relate'"]);
    let relate = function_docs().into_iter().find(|doc| doc.name == "relate").unwrap();
    let example = relate.example.text();
    for part in [relate.signature, relate.summary, relate.details, &example, "=> the cup is left of the jug"] {
        assert!(page.contains(part), "{page}");
    }
    let rows = sql(&["--format", "json", "SHOW FUNCTIONS LIKE '%'"]);
    assert!(function_docs().iter().all(|doc| rows.contains(&format!("\"function\":\"{}\"", doc.name))), "{rows}");
    assert!(rows.contains("\"function\":\"abs\"") && rows.contains("\"function\":\"array_agg\""), "{rows}");
    assert!(sql(&["SHOW FUNCTIONS LIKE 'abs'"]).contains("Returns the absolute value of a number."));
    let columns = sql(&["DESCRIBE objects"]);
    assert!(columns.contains("| comment ") && columns.contains("unique in its frame"), "{columns}");
}
