//! `build --part i/n`: three processes, one of which is killed, build what one process builds.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use spatialmill::{BuildPart, Mill, Progress, Project};

use crate::build::lines;

const SOURCES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// Six sources of one room, so that there are shards for all.
fn project(folder: &Path) {
    let source = |(seed, name): (usize, &&str)| {
        format!(
            "[[source]]\nname = '{name}'\nkind = 'synthetic'\nroot = 'rooms/{name}'\nsplit = 'train'\nrooms = 1\nframes_per_room = 2\n\
             width = 160\nheight = 120\nseed = {seed}\n"
        )
    };
    let ask = "[ask]\nposition_facts_per_frame = 60.0\nscene_tasks = false\n";
    std::fs::write(folder.join("mill.toml"), SOURCES.iter().enumerate().map(source).collect::<String>() + ask).unwrap();
}

/// A build whose parts wait for each other for so many seconds.
fn build(folder: &Path, url: &str, patience: f64, flags: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spatialmill"));
    let set = [format!("url={url}"), format!("part_timeout={patience}")];
    command.args(["--quiet", "--set", &set[0], "--set", &set[1], "--project"]).arg(folder).arg("build").args(flags);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn done(child: Child) {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

async fn dataset(folder: &Path, url: &str) -> Vec<String> {
    let project = Project::load(folder, &[format!("url={url}")]).unwrap();
    let mill = Mill::open(project, Progress::silent()).await.unwrap();
    assert!(mill.verify(&[]).await.unwrap().is_empty());
    lines(&mill, "SELECT * FROM dataset").await
}

fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn has_files(folder: &PathBuf) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some())
}

#[tokio::test(flavor = "multi_thread")]
async fn three_processes_of_which_one_is_killed_build_what_one_builds() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    project(folder);
    done(build(folder, "whole", 600.0, &[]));
    let wanted = dataset(folder, "whole").await;
    assert!(wanted.len() > 20, "{} samples", wanted.len());
    let parts: Vec<BuildPart> = (0..3).map(|i| format!("{i}/3").parse().unwrap()).collect();
    let makes = |part: &BuildPart| SOURCES.iter().any(|source| part.makes(&format!("{source}/rooms-0000")));
    assert!(parts.iter().all(makes), "each has something to do");

    let start = |i: usize| build(folder, "parts", 600.0, &["--part", &format!("{i}/3")]);
    // It reads its shards before part 0 is there, and is killed when the first of them is recorded.
    let mut killed = start(2);
    until(|| has_files(&folder.join("parts/frames/_staging")));
    killed.kill().unwrap();
    killed.wait().unwrap();
    let (zero, one, mut killed) = (start(0), start(1), start(2));
    // And once more while stages are built.
    until(|| folder.join("parts/questions/_delta_log").exists());
    killed.kill().unwrap();
    killed.wait().unwrap();
    let two = start(2);
    for part in [zero, one, two] {
        done(part);
    }
    assert!(dataset(folder, "parts").await == wanted, "other samples");
    assert!(!has_files(&folder.join("parts/questions/_staging")), "what is committed is not staged any more");

    // The others never begin: part 0 makes everything.
    done(build(folder, "alone", 0.2, &["--part", "0/3"]));
    assert!(dataset(folder, "alone").await == wanted, "other samples");
    // Everything is there: no part waits for another.
    done(build(folder, "alone", 600.0, &["--part", "1/3"]));
}
