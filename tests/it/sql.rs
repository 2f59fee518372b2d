//! SQL that is not compiled in, from each place where it comes from: it reads and does nothing else, and says so; and what of it reaches a terminal.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use spatialmill::{Dialect, ErrorKind, ExportKind, ExportOptions, Mill, Progress, Project};

const ROOMS: &str = r#"
[[source]]
name = "rooms"
kind = "synthetic"
root = "rooms"
rooms = 2
frames_per_room = 2
width = 160
height = 120

[ask]
scene_tasks = false
"#;

/// What is no query, and what the refusal says of it. `OUT` is a file that is not there.
const NO_QUERIES: &[(&str, &str)] = &[
    ("COPY (SELECT 1 AS a) TO 'OUT' STORED AS CSV", "`COPY (SELECT` is no query"),
    ("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION 'OUT'", "`CREATE EXTERNAL` is no query"),
    ("CREATE TABLE t AS SELECT 1", "`CREATE TABLE` is no query"),
    ("CREATE VIEW v AS SELECT 1", "`CREATE VIEW` is no query"),
    ("INSERT INTO frames SELECT * FROM frames", "`INSERT INTO` is no query"),
    ("DELETE FROM frames", "`DELETE FROM` is no query"),
    ("UPDATE frames SET width = 1", "`UPDATE frames` is no query"),
    ("DROP TABLE frames", "`DROP TABLE` is no query"),
    ("SET datafusion.execution.batch_size = 1", "is no query"),
    ("SELECT 1 AS a INTO t", "only reads"),
    ("SELECT * FROM 'OUT'", "there is no table"),
    ("SELECT * FROM read_csv('OUT')", "read_csv"),
];

/// Rows of one table that have none in another, said in each of the ways that SQL has for it.
const WITHOUT_OBJECTS: &[&str] = &[
    "SELECT count(*) AS n FROM (SELECT frame_id FROM objects GROUP BY frame_id HAVING count(*) = 0) AS o RIGHT JOIN frames AS f ON o.frame_id = f.frame_id WHERE o.frame_id IS NULL",
    "SELECT count(*) AS n FROM frames AS f LEFT JOIN (SELECT frame_id FROM objects GROUP BY frame_id HAVING count(*) = 0) AS o ON o.frame_id = f.frame_id WHERE o.frame_id IS NULL",
    "SELECT count(*) AS n FROM frames AS f WHERE NOT EXISTS (SELECT 1 FROM objects AS o WHERE o.frame_id = f.frame_id AND o.object_id = 'none')",
    "SELECT count(*) AS n FROM frames WHERE frame_id NOT IN (SELECT frame_id FROM objects WHERE object_id = 'none')",
];

fn run(project: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spatialmill"));
    command.arg("--quiet").arg("--project").arg(project).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", said(output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

async fn open(folder: &Path) -> Mill {
    Mill::open(Project::load(folder, &[]).unwrap(), Progress::silent()).await.unwrap()
}

#[test]
fn sql_runs_what_reads() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mill.toml"), "").unwrap();
    let out = folder.path().join("out.csv");
    for (statement, refusal) in NO_QUERIES {
        let statement = statement.replace("OUT", out.to_str().unwrap());
        let output = run(folder.path(), &["sql", &statement]);
        assert_eq!(output.status.code(), Some(2), "{statement}: {}", said(&output));
        assert!(said(&output).contains(refusal) && output.stdout.is_empty(), "{statement}: {}", said(&output));
    }
    // Where one is refused, none is run.
    let output = run(folder.path(), &["sql", "SELECT 1; DROP TABLE frames"]);
    assert!(!output.status.success() && output.stdout.is_empty(), "{}", said(&output));
    assert!(!out.exists());
    let columns =
        printed(&run(folder.path(), &["sql", "DESCRIBE dataset; SHOW TABLES; EXPLAIN SELECT * FROM dataset"]));
    assert!(
        columns.contains("sample_id") && columns.contains("scene_objects") && columns.contains("EmptyExec"),
        "{columns}"
    );
    let misspelt = said(&run(folder.path(), &["sql", "SELECT margn FROM dataset"]));
    assert!(misspelt.contains("there is no column `margn`") && misspelt.contains("`margin`"), "{misspelt}");
    assert!(misspelt.len() < 300, "{misspelt}");
}

#[test]
fn a_deep_query_is_an_error_or_runs() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mill.toml"), "").unwrap();
    let file = folder.path().join("deep.sql");
    let ids: Vec<String> = (0..5_000).map(|n| format!("'{n}'")).collect();
    let deep = [
        (format!("SELECT {}", vec!["1"; 30_000].join("*")), 2),
        (format!("SELECT {}1{}", "(".repeat(30_000), ")".repeat(30_000)), 2),
        (vec!["SELECT 1"; 5_000].join(" UNION "), 2),
        (format!("SELECT {}", vec!["a"; 1_000].join(" + ")).replace('a', "x") + " FROM (SELECT 1 AS x)", 0),
        (format!("SELECT count(*) FROM frames WHERE frame_id IN ({})", ids.join(", ")), 0),
    ];
    for (text, code) in deep {
        std::fs::write(&file, &text).unwrap();
        let output = run(folder.path(), &["sql", "-f", file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(code), "{}: {}", &text[..50], said(&output));
    }
}

#[test]
fn a_query_has_limits() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mill.toml"), "").unwrap();
    let three = "SELECT * FROM (VALUES (1), (2), (3)) AS t (n)";
    let limited = |limits: &[&str], query| run(folder.path(), &[&["sql", "--format", "csv", query], limits].concat());
    let output = limited(&["--max-rows", "2"], three);
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stdout).as_ref()), (Some(1), "n\n1\n2\n"));
    assert!(said(&output).contains("more rows than may be, max_rows `2`"), "{}", said(&output));
    assert_eq!(printed(&limited(&["--max-rows", "3", "--timeout", "10m"], three)), "n\n1\n2\n3\n");
    let endless = "SELECT count(*) FROM generate_series(1, 1000000000000) AS a";
    let output = limited(&["--timeout", "1s"], endless);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("longer than it may, timeout `1s`"), "{}", said(&output));
    assert_eq!(limited(&["--timeout", "0s"], three).status.code(), Some(2));
    // What one call of a function makes is counted by no plan.
    if cfg!(target_os = "linux") {
        let bomb = "SELECT length(replace(repeat('a', 100000), 'a', repeat('b', 100000)))";
        let output = limited(&["--set", "memory='64 MiB'"], bomb);
        assert_eq!(output.status.code(), Some(1));
        assert!(said(&output).contains("more memory than it may"), "{}", said(&output));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_predicate_stays_in_its_query_and_a_manifest_in_its_table() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mill.toml"), ROOMS).unwrap();
    let mill = open(folder.path()).await;
    mill.import(&[]).await.unwrap();
    mill.build(None).await.unwrap();
    let count = |predicate: &str| run(folder.path(), &["slice", "--count", "--where", predicate]);
    let all: usize = printed(&count("true -- of all")).trim().parse().unwrap();
    let inner = "sample_id IN (SELECT sample_id FROM dataset WHERE task = 'it''s') OR (margin >= 0 /* any */)";
    assert!(all > 10 && printed(&count(inner)).trim() == all.to_string());
    for smuggled in [
        "true) UNION ALL (SELECT * FROM dataset",
        "true) UNION ALL SELECT * FROM dataset WHERE (true",
        "true ORDER BY margin",
        "true) LIMIT (1",
        "true LIMIT 1",
        "true) AS a, (SELECT 1) AS b WHERE (true",
        "true; DROP TABLE dataset",
        "true) --",
        "true) /*",
        "",
    ] {
        let output = count(smuggled);
        assert_eq!(output.status.code(), Some(2), "{smuggled}: {}", said(&output));
        assert!(said(&output).contains("hint: --where takes a predicate"), "{}", said(&output));
    }
    for query in WITHOUT_OBJECTS {
        assert_eq!(printed(&run(folder.path(), &["sql", "--format", "csv", query])), "n\n4\n", "{query}");
    }
    // The end of a slice's file reaches no further than the slice.
    let slices = folder.path().join("queries/slices");
    std::fs::create_dir_all(&slices).unwrap();
    for (text, code) in [
        ("-- all\r\nSELECT * FROM dataset; -- to here", 0),
        ("SELECT * FROM dataset) UNION ALL (SELECT * FROM dataset", 2),
        ("SELECT * FROM dataset; SELECT 1", 2),
        ("COPY dataset TO 'x.csv'", 2),
    ] {
        std::fs::write(slices.join("own.sql"), text).unwrap();
        let output = run(folder.path(), &["slice", "--named", "own", "--count"]);
        assert_eq!(output.status.code(), Some(code), "{text}: {}", said(&output));
        assert!(code != 0 || printed(&output).trim() == all.to_string());
    }

    let context = mill.session(&BTreeMap::new()).await.unwrap();
    let out = folder.path().join("export");
    let slice = "SELECT * FROM dataset WHERE (margin > 0) ORDER BY sample_id LIMIT 20";
    let kind = ExportKind::named("llava").unwrap();
    let options = ExportOptions {
        kind,
        out: out.to_str().unwrap().to_owned(),
        name: "rooms".to_owned(),
        dialect: Dialect::named(kind.dialect).unwrap(),
        shard_rows: 100,
        turns: 1,
        annotations_only: true,
        skip_unreadable: false,
        root: None,
        replace: false,
        slice: slice.to_owned(),
        dataset_version: mill.warehouse.table("dataset").await.unwrap().unwrap().version(),
    };
    mill.export(&context, context.sql(slice).await.unwrap(), &options).await.unwrap();
    assert_eq!(mill.verify_export(&options.out).await.unwrap().faulty, 0);
    let manifest = std::fs::read_to_string(out.join("manifest.json")).unwrap();
    let evil = folder.path().join("evil.csv");
    let more = [
        ("SELECT * FROM dataset; SELECT * FROM dataset", "several statements"),
        ("SELECT *, detect('OUT', '', 'm') FROM dataset", "only tables may be read here, function `detect`"),
        ("SELECT * FROM dataset WHERE EXISTS (SELECT appearance('OUT', NULL))", "only tables may be read here"),
        ("SELECT d.* FROM dataset d, generate_series(1, 1000000000000)", "more than the 20 samples"),
        ("SELECT * FROM dataset UNION ALL SELECT * FROM dataset", "more than the 20 samples"),
    ];
    for (statement, refusal) in NO_QUERIES.iter().chain(&more) {
        let statement = statement.replace("OUT", evil.to_str().unwrap());
        std::fs::write(out.join("manifest.json"), manifest.replace(slice, &statement)).unwrap();
        let error = mill.verify_export(&options.out).await.unwrap_err().to_string();
        assert!(error.contains(refusal) && error.contains("manifest.json"), "{statement}: {error}");
    }
    assert!(!evil.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projects_queries_are_queries() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mill.toml"), "").unwrap();
    let own = folder.path().join("queries/4_relations");
    std::fs::create_dir_all(&own).unwrap();
    let file = own.join("own.sql");
    let out = folder.path().join("out.csv");
    for (statement, refusal) in NO_QUERIES {
        let statement = statement.replace("OUT", out.to_str().unwrap());
        let header = "-- writes: own\n-- reads: frames\n-- keep: view\n";
        std::fs::write(&file, format!("{header}{statement}")).unwrap();
        let error = open(folder.path()).await.session(&BTreeMap::new()).await.err().expect("it is refused");
        let text = error.to_string();
        assert!(text.contains(refusal) && text.contains("queries/4_relations/own.sql"), "{statement}: {text}");
        assert_eq!(error.kind(), ErrorKind::Usage, "{text}");
    }
    assert!(!out.exists());
    std::fs::write(&file, "-- writes: own\r\n-- reads: frames\r\n-- keep: view\r\nSELECT count(*) AS n, 'it''s' AS a\r\nFROM frames; -- all\r\n").unwrap();
    assert!(printed(&run(folder.path(), &["sql", "--format", "csv", "SELECT * FROM own"])).contains("0,it's"));
}

#[test]
fn what_a_terminal_obeys_is_shown_to_people_and_kept_for_programs() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mill.toml"), "").unwrap();
    let text = "SELECT concat('a', chr(27), ']0;x', chr(7), chr(8238), 'b') AS \"c\u{1b}[2J\"";
    let table = printed(&run(folder.path(), &["sql", text]));
    assert!(table.contains("a\\u{1b}]0;x\\u{7}\\u{202e}b") && table.contains("c\\u{1b}[2J"), "{table}");
    assert!(!table.contains(['\u{1b}', '\u{7}', '\u{202e}']));
    let csv = printed(&run(folder.path(), &["sql", "--format", "csv", text]));
    assert_eq!(csv, "c\u{1b}[2J\na\u{1b}]0;x\u{7}\u{202e}b\n");
    let error = said(&run(folder.path(), &["sql", "SELECT \"\u{1b}[2J\u{9b}\nhint: rm\" FROM frames"]));
    assert!(error.contains("\\u{1b}[2J\\u{9b}") && !error.contains(['\u{1b}', '\u{9b}']), "{error}");
}
