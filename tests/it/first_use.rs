//! What somebody meets who is new: misspelt names, datasets without samples, an interrupted build. The program itself is run.

use std::path::Path;
use std::process::{Command, Output, Stdio};

fn spatialmill(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spatialmill"));
    command.current_dir(folder).args(["--project", "p"]).stdin(Stdio::null());
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn project(mill_toml: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("p")).expect("a folder");
    std::fs::write(folder.path().join("p/mill.toml"), mill_toml).expect("a file");
    folder
}

const ROOMS: &str = "[[source]]\nname = 'rooms'\nkind = 'synthetic'\nroot = 'rooms'\nrooms = 1\nframes_per_room = 1\n";

#[test]
fn nothing_misspelt_is_taken_for_something_else() {
    let folder = project(ROOMS);
    for (arguments, hint) in [
        (&["build", "--until", "datset"][..], "did you mean `dataset`?"),
        (&["build", "--until", "frames"], "`spatialmill import` fills it"),
        (&["verify", "datset"], "did you mean `dataset`?"),
        (&["sql", "--version", "objcts=1", "SELECT 1"], "there is no table `objcts`"),
        (&["import", "romos"], "did you mean `rooms`?"),
        (&["import", "--kind", "ccoo"], "did you mean `coco`?"),
        (&["export", "--to", "intervl", "--out", "x"], "did you mean `internvl`?"),
        (&["sheet", "--source", "room"], "did you mean `rooms`?"),
        (&["models", "--family", "detrr"], "did you mean `detr`?"),
        (&["--set", "targets={task = {positon_comparison = 1}}", "build"], "did you mean `position_comparison`?"),
        (&["--set", "allow={'*' = ['natural/orginal']}", "build"], "did you mean `original`?"),
    ] {
        let output = spatialmill(folder.path()).args(arguments).output().expect("it runs");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains(hint), "{arguments:?}: {}", said(&output));
    }
    // Before any work is done: not even a warehouse is there.
    assert!(!folder.path().join("p/warehouse").exists());
}

#[test]
fn a_dataset_without_samples_says_why() {
    let build = |folder: &Path| {
        let output = spatialmill(folder).arg("build").output().expect("it runs");
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        said(&output)
    };
    let folder = project("");
    let text = build(folder.path());
    assert!(text.contains("mill.toml names no source") && text.contains("import --kind all"), "{text}");

    let folder = project("[[source]]\nname = 'album'\nkind = 'images'\nroot = 'photos'\n");
    std::fs::create_dir(folder.path().join("p/photos")).expect("a folder");
    image::RgbImage::new(64, 48).save(folder.path().join("p/photos/1.png")).expect("a photo");
    let text = build(folder.path());
    for part in [
        "the dataset has 0 samples of 1 frames",
        "source `album`: nothing is marked on 1 of 1 frames: name a `detect_model` under [models]",
        "source `album`: 1 of 1 frames say nothing about where their things are in space",
        "`spatialmill --project p report`",
    ] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }

    // Questions there are, and no format may ask them.
    let folder = project(&format!("{ROOMS}[formats]\nallow = {{'*' = []}}\n"));
    let text = build(folder.path());
    assert!(text.contains("not_allowed: the project does not allow the format (allow)"), "{text}");
    assert!(text.contains("  questions: "), "{text}");
}

/// What only follows from a lost image is not told for its cause, neither the first time nor when the same is refused again.
#[test]
fn a_refused_source_says_what_was_wrong() {
    let folder = project("[[source]]\nname = 'photos'\nkind = 'coco'\nroot = 'photos'\n");
    let annotations = folder.path().join("p/photos/annotations");
    std::fs::create_dir_all(&annotations).expect("a folder");
    let text = r#"{"images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "../b.jpg"}, {"id": 3, "file_name": "c.jpg"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 9, 9]}], "categories": [{"id": 1, "name": "cat"}]}"#;
    std::fs::write(annotations.join("instances_val2017.json"), text).expect("a file");
    for _ in 0..2 {
        let output = spatialmill(folder.path()).arg("build").output().expect("it runs");
        let text = said(&output);
        assert_eq!(output.status.code(), Some(3), "{text}");
        let reasons = [
            "3 of 3 images",
            "reason `2 missing_file, such as 1: there is no file `a.jpg`",
            "reason `1 path, such as 2: ",
        ];
        assert!(reasons.iter().all(|reason| text.contains(reason)) && !text.contains("no_frame"), "{text}");
    }
}

/// The verdict is that of a build of everything: one photo that is lost of many is few, also where it is the only one that is read again.
#[test]
fn a_lost_photo_is_held_against_its_whole_source() {
    let folder = project("[[source]]\nname = 'album'\nkind = 'images'\nroot = 'photos'\nshards = 8\n");
    let photos = folder.path().join("p/photos");
    std::fs::create_dir(&photos).expect("a folder");
    for n in 0..30 {
        image::RgbImage::new(64, 48).save(photos.join(format!("{n}.png"))).expect("a photo");
    }
    let build = |expected: i32| {
        let output = spatialmill(folder.path()).args(["-q", "build"]).output().expect("it runs");
        assert_eq!(output.status.code(), Some(expected), "{}", said(&output));
        said(&output)
    };
    build(0);
    std::fs::write(photos.join("3.png"), "no photo").expect("a file");
    build(0);
    std::fs::write(photos.join("4.png"), "no photo").expect("a file");
    let text = build(3);
    assert!(text.contains("2 of 30 images are quarantined"), "{text}");
    std::fs::remove_dir_all(folder.path().join("p/warehouse")).expect("a folder");
    assert!(build(3).contains("2 of 30 images are quarantined"));
}

#[test]
fn the_demo_leaves_other_projects_alone() {
    let folder = project("[[source]]\nname = 'mine'\nkind = 'images'\nroot = 'photos'\n");
    let output = spatialmill(folder.path()).args(["demo", "p"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("another project in this folder"), "{}", said(&output));
    assert_eq!(std::fs::read_dir(folder.path().join("p")).expect("a folder").count(), 1);
}

/// What the shell allows a file to be is an error that says so.
#[cfg(unix)]
#[test]
fn a_file_that_may_not_grow_is_an_error() {
    let folder = project(ROOMS);
    let program = env!("CARGO_BIN_EXE_spatialmill");
    let limited = format!("ulimit -f 8 && exec '{program}' -q --project p import");
    let output = Command::new("sh").current_dir(folder.path()).args(["-c", &limited]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(said(&output).contains("File too large"), "{}", said(&output));
}

/// A pipe that nobody writes to would be waited for without end.
#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_a_file_is_refused() {
    let pipe = |path: &Path| assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo").success());
    for name in ["p/mill.toml", "p/models.toml", "p/queries/slices/a.sql", "p/list.txt"] {
        let folder = project(&format!("[build]\nbenchmarks = ['list.txt']\n{ROOMS}"));
        let path = folder.path().join(name);
        if path.exists() {
            std::fs::remove_file(&path).expect("a file");
        } else {
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        }
        pipe(&path);
        let output = spatialmill(folder.path()).args(["-q", "import"]).output().expect("it runs");
        let text = said(&output);
        assert_eq!(output.status.code(), Some(1), "{name}: {text}");
        assert!(
            text.contains("a pipe or a device") && text.contains(name.rsplit('/').next().unwrap_or(name)),
            "{text}"
        );
    }
    let folder = project(ROOMS);
    std::fs::create_dir(folder.path().join("export")).expect("a folder");
    pipe(&folder.path().join("export/manifest.json"));
    let output = spatialmill(folder.path()).args(["verify", "--export", "export"]).output().expect("it runs");
    assert!(output.status.code() == Some(1) && said(&output).contains("a pipe or a device"), "{}", said(&output));
}

#[cfg(unix)]
#[test]
fn an_interrupted_build_says_what_is_kept() {
    let folder = project(&ROOMS.replace("rooms = 1\n", "rooms = 400\n"));
    let mut build =
        spatialmill(folder.path()).arg("build").stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it runs");
    // The first room is on disk: the build is in the middle of its import.
    while !folder.path().join("p/rooms").exists() {
        std::thread::yield_now();
        assert!(build.try_wait().expect("a process").is_none(), "the build ended before it could be interrupted");
    }
    let sent = Command::new("kill").args(["-INT", &build.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
    let output = build.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    assert!(said(&output).contains("the same command goes on from there"), "{}", said(&output));
}
