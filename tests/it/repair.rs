//! What is lost or damaged in a warehouse is noticed, never read as something else, and made again by the next build.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use spatialmill::{Built, ErrorKind, Finding, Mill, Progress, Project, Retention};

use crate::build::lines;

const ROOMS: &str = r#"
[[source]]
name = "rooms"
kind = "synthetic"
root = "rooms"
rooms = 2
frames_per_room = 2
width = 160
height = 120

[warehouse]
url = "warehouse"

[ask]
position_facts_per_frame = 60.0
scene_tasks = false
"#;

/// A warehouse of two rooms on disk.
async fn rooms(folder: &Path) -> Mill {
    std::fs::write(folder.join("mill.toml"), ROOMS).unwrap();
    let mill = open(folder, 2).await;
    build(&mill).await;
    mill
}

async fn open(folder: &Path, partitions: usize) -> Mill {
    let project = Project::load(folder, &[format!("partitions={partitions}")]).unwrap();
    Mill::open(project, Progress::silent()).await.unwrap()
}

/// The files of a table below a folder of it, sorted.
fn files(folder: &Path, table: &str, of: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.join("warehouse").join(table).join(of)];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// A part of the newest version that has rows.
async fn part(mill: &Mill, folder: &Path, table: &str) -> PathBuf {
    let table = mill.warehouse.table(table).await.unwrap().unwrap();
    let part = table.parts().iter().max_by_key(|part| part.rows).unwrap();
    folder.join("warehouse").join(table.name()).join(&part.path)
}

async fn damage(mill: &Mill) -> Vec<Finding> {
    mill.verify(&[]).await.unwrap().into_iter().filter(|finding| finding.is_damage).collect()
}

async fn build(mill: &Mill) -> BTreeMap<String, usize> {
    mill.import(&[]).await.unwrap();
    let made: Vec<Built> = mill.build(None).await.unwrap();
    made.into_iter().map(|built| (built.table, built.made)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_is_gone_or_damaged_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let mill = rooms(folder.path()).await;
    let wanted = lines(&mill, "SELECT * FROM dataset").await;
    assert!(wanted.len() > 10, "{} samples", wanted.len());
    let mended = async |table: &str| {
        let left = damage(&mill).await;
        assert!(left.is_empty(), "{table}: {left:?}");
        assert!(lines(&mill, "SELECT * FROM dataset").await == wanted, "{table}: other samples");
    };
    // Gone: a build sees it by itself.
    let gone = ["frames", "questions", "keep_rates", "runs"];
    for table in gone {
        std::fs::remove_file(part(&mill, folder.path(), table).await).unwrap();
    }
    let found = damage(&mill).await;
    assert!(gone.iter().all(|table| found.iter().any(|finding| finding.table == **table)), "{found:?}");
    let made = build(&mill).await;
    assert_eq!((made["objects"], made["questions"], made["keep_rates"]), (0, 1, 1), "{made:?}");
    mended("gone").await;

    // Damaged: `verify` notes it.
    for table in ["frames", "dataset", "quarantine"] {
        if mill.warehouse.table(table).await.unwrap().unwrap().rows() == 0 {
            continue;
        }
        let path = part(&mill, folder.path(), table).await;
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        std::fs::write(&path, &bytes).unwrap();
        assert!(damage(&mill).await.iter().any(|finding| finding.table == table), "{table}");
    }
    build(&mill).await;
    mended("damaged").await;
    assert!(build(&mill).await.values().all(|made| *made == 0), "nothing is left to be made");
}

/// Staleness is about rows: how many partitions wrote them, and in which order, makes nothing behind them stale.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_made_again_as_they_were_make_nothing_stale() {
    let folder = tempfile::tempdir().unwrap();
    let mill = rooms(folder.path()).await;
    let content = async |mill: &Mill| {
        let questions = mill.warehouse.table("questions").await.unwrap().unwrap();
        let bytes: BTreeSet<String> = questions.parts().iter().map(|part| part.blake3.clone()).collect();
        (lines(mill, "SELECT * FROM questions").await, bytes)
    };
    let (wanted, bytes) = content(&mill).await;
    for partitions in [1, 5] {
        let mut mill = open(folder.path(), partitions).await;
        mill.force(&["questions".to_owned(), "objects".to_owned()]).await.unwrap();
        let made = build(&mill).await;
        let (forced, behind) = (["objects", "questions"], ["name_priors", "keep_rates", "dataset"]);
        assert!(forced.iter().all(|table| made[*table] > 0), "{made:?}");
        assert!(behind.iter().all(|table| made[*table] == 0), "{partitions} partitions: {made:?}");
        let (now, other_bytes) = content(&mill).await;
        assert!(now == wanted, "other rows");
        assert_ne!(bytes, other_bytes, "the test is of rows that lie otherwise");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_does_not_go_on_from_damaged_rows() {
    let folder = tempfile::tempdir().unwrap();
    let mill = rooms(folder.path()).await;
    let path = part(&mill, folder.path(), "objects").await;
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let context = mill.session(&BTreeMap::new()).await.unwrap();
    let read = context.sql("SELECT * FROM objects").await.unwrap().collect().await.unwrap_err();
    let error = spatialmill::Error::from(read);
    assert!(
        error.kind() == ErrorKind::Damaged && error.advice().is_some_and(|hint| hint.contains("verify")),
        "{error}"
    );

    // Whatever reads them next fails in the same way, and what was seen once is made again.
    let mut mill = Mill::open(mill.project.clone(), Progress::silent()).await.unwrap();
    mill.force(&["questions".to_owned()]).await.unwrap();
    assert_eq!(mill.build(None).await.unwrap_err().kind(), ErrorKind::Damaged);
    mill.mark_damaged().await.unwrap();
    mill.build(None).await.unwrap();
    assert!(damage(&mill).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_forced_is_made_again_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let mut mill = rooms(folder.path()).await;
    let shard = mill.warehouse.table("objects").await.unwrap().unwrap().parts()[0].shard.clone();
    mill.force(&[format!("objects/{shard}")]).await.unwrap();
    let made = build(&mill).await;
    assert_eq!((made["objects"], made["keep_rates"]), (1, 0), "{made:?}");
    mill.force(&["questions".to_owned()]).await.unwrap();
    assert_eq!(build(&mill).await["questions"], 1);
    let read = mill.warehouse.table("frames").await.unwrap().unwrap().version();
    mill.force(std::slice::from_ref(&shard)).await.unwrap();
    let made = build(&mill).await;
    assert_eq!((made["objects"], made["dataset"]), (1, 1), "{made:?}");
    assert_eq!(mill.warehouse.table("frames").await.unwrap().unwrap().version(), read + 1, "it is read again, too");
    // A source, and a scene by its name, stand for their shards.
    for name in ["rooms", "rooms/room-0001"] {
        mill.force(&[name.to_owned()]).await.unwrap();
        assert_eq!(build(&mill).await["objects"], 1, "{name}");
    }
    let unknown = shard.rsplit('/').next().unwrap();
    let error = mill.force(&[unknown.to_owned()]).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Usage && error.advice().unwrap().contains(&shard), "{error}");
    let error = mill.force(&["objcts".to_owned()]).await.unwrap_err();
    assert!(error.advice().unwrap().contains("`objects`"), "{error}");
}

/// Whatever is done to a log: `verify` notices it, and the command that it names mends it. Checkpoints, which repeat what entries say, are
/// taken away after each build: with one, an altered entry harms no rows.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_altered_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let mill = rooms(folder.path()).await;
    let log = folder.path().join("warehouse/dataset/_delta_log");
    let rebuild = async |mill: &Mill| {
        let made = build(mill).await;
        for file in std::fs::read_dir(&log).unwrap().map(|entry| entry.unwrap().path()) {
            if file.to_string_lossy().contains("checkpoint") {
                std::fs::remove_file(file).unwrap();
            }
        }
        made
    };
    rebuild(&mill).await;
    // A second version with parts, so that there is a newest and an older one.
    let mut mill = mill;
    mill.force(&["dataset".to_owned()]).await.unwrap();
    rebuild(&mill).await;
    mill = open(folder.path(), 2).await;
    assert!(damage(&mill).await.is_empty());
    let log = files(folder.path(), "dataset", "_delta_log");
    let logs: Vec<&PathBuf> = log.iter().filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
    let [.., older, newest] = logs[..] else { panic!("{logs:?}") };
    let (of_older, of_newest) = (std::fs::read_to_string(older).unwrap(), std::fs::read_to_string(newest).unwrap());
    let without = |text: &str, word: &str| -> String {
        let line =
            text.lines().find(|line| line.contains(&format!("{{\"{word}\":"))).unwrap_or_else(|| panic!("{text}"));
        text.replace(&format!("{line}\n"), "").replace(line, "")
    };
    let alterations: [(&str, &PathBuf, Option<String>); 6] = [
        ("an added part", newest, Some(without(&of_newest, "add"))),
        ("a removed part", newest, Some(without(&of_newest, "remove"))),
        ("what it says of itself", newest, Some(without(&of_newest, "commitInfo"))),
        ("all of the newest", newest, Some(String::new())),
        ("half of the newest", newest, Some(of_newest[..of_newest.len() / 2].to_owned())),
        ("the newest", newest, None),
    ];
    for (what, path, altered) in alterations {
        match altered {
            Some(text) => std::fs::write(path, text).unwrap(),
            None => std::fs::remove_file(path).unwrap(),
        }
        assert!(damage(&mill).await.iter().any(|finding| finding.table == "dataset"), "{what} is missing");
        std::fs::write(older, &of_older).unwrap();
        std::fs::write(newest, &of_newest).unwrap();
        assert!(damage(&mill).await.is_empty(), "{what} is back");
    }
    // A path that no build has written: what lies there is nothing of ours, and the next build makes the part again.
    let path = of_newest.split("{\"add\":{\"path\":\"").nth(1).unwrap().split('"').next().unwrap();
    std::fs::write(newest, of_newest.replace(path, "../../elsewhere.parquet")).unwrap();
    assert!(damage(&mill).await.iter().any(|finding| finding.table == "dataset"));
    mill = open(folder.path(), 2).await;
    assert_eq!(rebuild(&mill).await["dataset"], 1);
    let left = damage(&mill).await;
    assert!(left.is_empty(), "{left:?}");
    let log = files(folder.path(), "dataset", "_delta_log");
    let logs: Vec<&PathBuf> = log.iter().filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
    let [.., older, newest] = logs[..] else { panic!("{logs:?}") };
    let of_older = std::fs::read_to_string(older).unwrap();
    // All that the table has was made since: an older version cannot be read, and the rows of this one are right.
    let past = async |mill: &Mill| {
        let found = mill.verify(&["dataset".to_owned()]).await.unwrap();
        assert!(found.iter().all(|finding| !finding.is_damage), "{found:?}");
        assert!(
            found.iter().any(|finding| ["was made since", "is right"].iter().any(|right| finding.text.contains(right))),
            "{found:?}"
        );
    };
    std::fs::write(older, without(&of_older, "add")).unwrap();
    past(&mill).await;
    std::fs::write(older, &of_older).unwrap();
    std::fs::write(newest, "").unwrap();
    mill.force(&["dataset".to_owned()]).await.unwrap();
    rebuild(&mill).await;
    mill = open(folder.path(), 2).await;
    past(&mill).await;
    // All of it: a build makes the table again, and then all is well.
    std::fs::remove_dir_all(folder.path().join("warehouse/dataset/_delta_log")).unwrap();
    assert!(damage(&mill).await.iter().any(|finding| finding.table == "dataset"));
    assert_eq!(rebuild(&mill).await["dataset"], 1);
    assert!(damage(&mill).await.is_empty());
    std::fs::remove_dir_all(folder.path().join("warehouse/dataset")).unwrap();
    assert!(damage(&mill).await.iter().any(|finding| finding.table == "dataset"));
    rebuild(&mill).await;
    // The newest version is cut off: what it had is made again, under a version that `runs` knows of another run.
    let newest = files(folder.path(), "dataset", "_delta_log").pop().unwrap();
    std::fs::remove_file(newest).unwrap();
    assert!(!damage(&mill).await.is_empty());
    rebuild(&mill).await;
    let left = damage(&mill).await;
    assert!(left.is_empty(), "{left:?}");
}

/// What a link leads to is not the warehouse's, wherever in it the link is.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn gc_removes_nothing_that_a_build_did_not_write() {
    let folder = tempfile::tempdir().unwrap();
    let mill = rooms(folder.path()).await;
    let theirs = folder.path().join("theirs");
    std::fs::create_dir(&theirs).unwrap();
    for name in ["photo.jpg", "rows.parquet", "record.json", "part.parquet#1"] {
        std::fs::write(theirs.join(name), "theirs").unwrap();
    }
    let dataset = folder.path().join("warehouse/dataset");
    for place in ["parts/link", "_staging/link"] {
        std::fs::create_dir_all(dataset.join(place).parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(&theirs, dataset.join(place)).unwrap();
    }
    std::fs::write(dataset.join("parts/notes.txt"), "mine").unwrap();
    // A table's folder may itself be on another disk.
    let moved = folder.path().join("disk");
    std::fs::rename(&dataset, &moved).unwrap();
    std::os::unix::fs::symlink(&moved, &dataset).unwrap();
    std::fs::create_dir_all(dataset.join("parts/dead-run")).unwrap();
    std::fs::write(dataset.join("parts/dead-run/old-000-000.parquet"), "left behind").unwrap();

    let retention = Retention { versions: 1, grace: Duration::ZERO };
    tokio::time::sleep(Duration::from_millis(20)).await;
    let table = mill.warehouse.table("dataset").await.unwrap().unwrap();
    let removed = mill.warehouse.collect_garbage(&table, retention).await.unwrap();
    assert_eq!((removed.files, removed.staging_files), (1, 0), "{removed:?}");
    assert_eq!(std::fs::read_dir(&theirs).unwrap().count(), 4);
    assert!(dataset.join("parts/notes.txt").exists());
    assert!(damage(&mill).await.is_empty());
}

/// Folders of other people in the warehouse's folder, one of them a Delta table that nobody can read.
#[tokio::test(flavor = "multi_thread")]
async fn what_lies_beside_tables_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let mill = rooms(folder.path()).await;
    for path in [
        "lost+found/x",
        "my notes/parts/a.parquet",
        "dataset (copy)/_delta_log/0.json",
        "plain/x",
        "export/manifest.json",
    ] {
        let path = folder.path().join("warehouse").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x").unwrap();
    }
    #[cfg(unix)]
    {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let warehouse = folder.path().join("warehouse");
        std::os::unix::fs::symlink(".", warehouse.join("loop")).unwrap();
        std::fs::write(warehouse.join(OsStr::from_bytes(b"caf\xe9")), "x").unwrap();
        std::fs::create_dir(warehouse.join("two\nlines")).unwrap();
    }
    let foreign = folder.path().join("warehouse/theirs/_delta_log");
    std::fs::create_dir_all(&foreign).unwrap();
    std::fs::write(foreign.join("00000000000000000000.json"), "{\"protocol\":{\"minReaderVersion\":99}}\n").unwrap();
    assert!(build(&mill).await.values().all(|made| *made == 0));
    assert!(!lines(&mill, "SELECT * FROM frames").await.is_empty());
    assert!(damage(&mill).await.is_empty());
}
