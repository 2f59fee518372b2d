//! The project of examples/own_task: two tasks of its own are linted, built, balanced, sliced and exported without a line of Rust.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copied(&path, &target) } else { std::fs::copy(&path, &target).map(drop).unwrap() }
    }
}

/// What the program writes to stdout; it must succeed.
fn run(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spatialmill"));
    let output = command.arg("--project").arg(folder).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

fn rows(folder: &Path, sql: &str) -> Vec<Value> {
    let text = run(folder, &["sql", "--quiet", "--format", "json", "--max-rows", "1000000", "-c", sql]);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_project_asks_questions_of_its_own() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    copied(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/own_task/queries"), &folder.join("queries"));
    std::fs::write(
        folder.join("mill.toml"),
        "[[source]]\nname = 'rooms'\nkind = 'synthetic'\nroot = 'rooms'\nrooms = 3\nframes_per_room = 2\nwidth = 192\nheight = 144\n\
         [formats]\nmin_number_room = 0.005\n[balance]\ntargets = { answer = 'uniform' }\n",
    )
    .unwrap();

    let linted = run(folder, &["phrases", "lint"]);
    assert!(linted.contains("packs without a defect"), "{linted}");
    let preview = run(folder, &["phrases", "preview", "closer_to"]);
    assert!(preview.contains("Is the red chair ") && preview.contains(" the lamp than the curtains?"), "{preview}");
    assert!(run(folder, &["phrases", "preview", "distance_between"]).contains("2.0 metres."), "values have their unit");

    run(folder, &["build"]);
    let counts = rows(folder, "SELECT task, answer_form, count(*) AS n FROM dataset GROUP BY 1, 2");
    for kind in [
        "closer_to yes_no",
        "closer_to choice",
        "closer_to open",
        "distance_between number",
        "distance_between choice",
        "distance_between yes_no",
    ] {
        let (task, form) = kind.split_once(' ').unwrap();
        let found = counts.iter().find(|row| row["task"] == task && row["answer_form"] == form);
        assert!(found.is_some_and(|row| row["n"].as_u64() > Some(3)), "{kind}: {counts:?}");
    }

    // What is asked and what is true, recomputed from the objects' centres.
    let centres: BTreeMap<(String, String), [f64; 3]> = rows(folder, "SELECT frame_id, object_id, centre FROM objects")
        .iter()
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            ((text("frame_id"), text("object_id")), ["x", "y", "z"].map(|axis| row["centre"][axis].as_f64().unwrap()))
        })
        .collect();
    let samples = rows(folder, "SELECT * FROM dataset WHERE task IN ('closer_to', 'distance_between')");
    let mut truths = BTreeMap::<String, usize>::new();
    for sample in &samples {
        let text = |name: &str| sample[name].as_str().unwrap();
        let frame = sample["frame_ids"][0].as_str().unwrap();
        let centre = |n: usize| centres[&(frame.to_owned(), sample["object_ids"][n].as_str().unwrap().to_owned())];
        let apart = |a: usize, b: usize| {
            let (a, b) = (centre(a), centre(b));
            (0..3).map(|axis| (a[axis] - b[axis]).powi(2)).sum::<f64>().sqrt()
        };
        let truth = text("ground_truth");
        let letter = |n: usize| char::from(b'A' + n as u8).to_string();
        let index = sample["answer_index"].as_u64().map(|index| letter(index as usize));
        match (text("task"), text("answer_form")) {
            ("closer_to", "yes_no") => {
                let holds = (apart(0, 2) < apart(1, 2)) == (text("relation") == "closer");
                assert_eq!(truth == "yes", holds, "{sample}");
                *truths.entry(truth.to_owned()).or_default() += 1;
            }
            ("closer_to", "open") => assert_eq!(truth == "closer", apart(0, 2) < apart(1, 2), "{sample}"),
            ("distance_between", "yes_no") => {
                let said = text("question").split_once("more than ").unwrap().1.split_once(' ').unwrap().0;
                assert_eq!(truth == "yes", apart(0, 1) > said.parse().unwrap(), "{sample}");
            }
            ("distance_between", "number") => assert_eq!(truth, format!("{:.1} m", apart(0, 1)), "{sample}"),
            (_, form) => assert!(form == "choice" && index.as_deref() == Some(truth), "{sample}"),
        }
        if text("text_format") == "mark" {
            let colours: BTreeSet<&str> =
                sample["marks"].as_array().unwrap().iter().map(|mark| mark["colour"].as_str().unwrap()).collect();
            assert_eq!(colours.len(), sample["object_ids"].as_array().unwrap().len(), "{sample}");
            assert!(sample["marks"].as_array().unwrap().iter().all(|mark| mark["image"] == 0), "{sample}");
        }
        if text("text_format") == "ref_region_box" && text("task") == "closer_to" {
            assert_eq!(sample["boxes"].as_array().unwrap().len(), 3, "{sample}");
            assert!(text("question").contains("<box>3</box>"), "the third object has the third box: {sample}");
        }
    }
    assert!(truths["yes"].abs_diff(truths["no"]) * 4 <= truths["yes"] + truths["no"], "{truths:?}");

    let slice = run(folder, &["slice", "--task", "closer_to", "--limit", "3"]);
    assert_eq!(slice.lines().filter(|line| line.contains("closer_to/")).count(), 3, "{slice}");
    let out = folder.join("out");
    run(folder, &["export", "--to", "internvl", "--out", out.to_str().unwrap()]);
    run(folder, &["verify", "--export", out.to_str().unwrap()]);

    let page = folder.join("own.html");
    run(folder, &["report", "--out", page.to_str().unwrap()]);
    let page = std::fs::read_to_string(page).unwrap();
    // Opposites of a task's own topic are counted together, and its margins have a plot.
    for heading in ["closer_to, closeness", "Margin, closeness", "Margin, lateral"] {
        assert!(page.contains(heading), "no `{heading}` in the report");
    }
    let samples = rows(folder, "SELECT count(*) AS n FROM dataset WHERE task = 'closer_to'");
    let close = samples[0]["n"].as_u64().unwrap();
    let shown = if close < 1_000 { close.to_string() } else { format!("{},{:03}", close / 1_000, close % 1_000) };
    assert!(page.contains(&format!(">{shown}<")), "{close} samples of closer_to");
}
