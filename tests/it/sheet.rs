//! Contact sheets of synthetic rooms, frames and samples: a panel shows something, and what is missing is said rather than failed on.

use std::path::{Path, PathBuf};

use image::RgbImage;
use spatialmill::{FrameSheet, Mill, PANELS, Progress, Project, SampleSheet};

use crate::build::{DEPTH, SCAN, built, lines};

/// Panels of 160 x 120.
const PANEL: (u32, u32) = (160, 120);

fn wanted() -> FrameSheet {
    let panels = PANELS.iter().collect();
    FrameSheet { source: None, frames: vec![], limit: 3, panels, height: PANEL.1, rows_per_page: 12 }
}

/// Where a panel begins: margins and gaps as `layout.rs` has them.
fn panel(sheet: &RgbImage, row: u32, column: u32) -> Vec<[u8; 3]> {
    let (left, top) = (12 + column * (PANEL.0 + 6), 12 + 20 + row * (PANEL.1 + 20 + 6));
    (0..PANEL.1)
        .flat_map(|y| (0..PANEL.0).map(move |x| (left + x, top + y)))
        .map(|(x, y)| sheet.get_pixel(x, y).0)
        .collect()
}

fn colours(pixels: &[[u8; 3]]) -> usize {
    let mut colours = pixels.to_vec();
    colours.sort();
    colours.dedup();
    colours.len()
}

/// The share of a panel that is grey.
fn grey(pixels: &[[u8; 3]]) -> f64 {
    let grey = pixels.iter().filter(|[r, g, b]| r.abs_diff(*g) < 12 && g.abs_diff(*b) < 12).count();
    grey as f64 / pixels.len() as f64
}

async fn sheet(mill: &Mill, file: &Path, wanted: &FrameSheet) -> (Vec<PathBuf>, RgbImage) {
    let written = mill.sheet(file, wanted).await.unwrap();
    let first = image::open(&written[0]).unwrap().into_rgb8();
    (written, first)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_panel_of_every_room_shows_something() {
    for (geometry, rooms) in [("scan", &SCAN), ("depth", &DEPTH)] {
        let folder = tempfile::tempdir().unwrap();
        let mill = rooms.open().await;
        let file = folder.path().join("sheet.png");
        let (written, drawn) = sheet(&mill, &file, &wanted()).await;
        assert_eq!(written, [file]);
        assert_eq!(drawn.dimensions(), (2 * 12 + 4 * 160 + 3 * 6, 2 * 12 + 20 + 3 * (120 + 20 + 6)));
        for row in 0..3 {
            for (column, kind) in (0..).zip(PANELS) {
                let seen = colours(&panel(&drawn, row, column));
                assert!(seen > 40, "{geometry}: {} of row {row} has {seen} colours", kind.name);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let mill = built(folder.path(), "depth", &[]).await;
    let frames = lines(&mill, "SELECT frame_id FROM frames WHERE frame_id LIKE '%0' ORDER BY frame_id").await;
    let frames = frames.iter().map(|line| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        row["frame_id"].as_str().unwrap().to_owned()
    });
    let two = FrameSheet { frames: frames.take(2).collect(), ..wanted() };
    let sql = format!("SELECT uri, depth_uri FROM frames WHERE frame_id = '{}'", two.frames[0]);
    let row: serde_json::Value = serde_json::from_str(&lines(&mill, &sql).await[0]).unwrap();
    for uri in ["uri", "depth_uri"] {
        let path = url::Url::parse(row[uri].as_str().unwrap()).unwrap().to_file_path().unwrap();
        std::fs::remove_file(path).unwrap();
    }
    let (_, drawn) = sheet(&mill, &folder.path().join("sheet.png"), &two).await;
    for column in 0..3 {
        let (lost, whole) = (panel(&drawn, 0, column), panel(&drawn, 1, column));
        assert!(grey(&lost) == 1.0 && colours(&lost) > 4, "words and nothing else in column {column}");
        assert!(grey(&whole) < 1.0);
    }
    assert!(grey(&panel(&drawn, 0, 3)) < 1.0, "the plan needs no file");

    let nowhere = FrameSheet { frames: vec!["rooms/none".into()], ..wanted() };
    let error = mill.sheet(&folder.path().join("none.png"), &nowhere).await.unwrap_err();
    assert!(error.to_string().contains("rooms/none") && error.advice().is_some(), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_rows_than_a_page_has_make_more_pages() {
    let folder = tempfile::tempdir().unwrap();
    let mill = SCAN.open().await;
    let plans = PANELS.iter().filter(|panel| panel.name == "plan").collect();
    let wanted = FrameSheet { rows_per_page: 2, panels: plans, ..wanted() };
    let (written, first) = sheet(&mill, &folder.path().join("s.jpg"), &wanted).await;
    let names: Vec<_> = written.iter().map(|file| file.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(names, ["s-001.jpg", "s-002.jpg"]);
    assert_eq!(first.dimensions(), (2 * 12 + 160, 2 * 12 + 20 + 2 * 146));
}

const SCENES: &str = r#"
[[source]]
name = "rooms"
kind = "synthetic"
root = "rooms"
split = "train"
rooms = 2
frames_per_room = 33
width = 96
height = 72

[ask]
scene_tasks = true
min_sighting_pixels = 20
min_sighting_share = 0.001
"#;

/// Margin, images, a gap, the scene from above, margin; the images of 4:3 have 8 columns of 32.
#[tokio::test(flavor = "multi_thread")]
async fn a_sample_of_32_images_shows_them_in_order_and_its_scene_from_above() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mill.toml"), SCENES).unwrap();
    let mill = Mill::open(Project::load(folder.path(), &[]).unwrap(), Progress::silent()).await.unwrap();
    mill.import(&[]).await.unwrap();
    mill.build(None).await.unwrap();
    let row = |line: &String| serde_json::from_str::<serde_json::Value>(line).unwrap();
    let sql = "SELECT task, min(sample_id) AS id, min(question_id) AS question, max(cardinality(frame_ids)) AS images FROM dataset GROUP BY task";
    let tasks: Vec<_> = lines(&mill, sql).await.iter().map(row).filter(|row| row["images"] == 32).collect();
    assert!(tasks.iter().any(|row| row["task"] == "absolute_distance"), "{tasks:?}");
    let text = |row: &serde_json::Value, name: &str| row[name].as_str().unwrap().to_owned();
    let wanted = |samples: Vec<String>, task: Option<&str>| SampleSheet {
        samples,
        source: None,
        task: task.map(str::to_owned),
        limit: 2,
        height: 240,
        rows_per_page: 12,
    };
    let file = folder.path().join("asked.png");
    // What a sample names is in colour.
    for task in &tasks {
        let written = mill.sheet_of_samples(&file, &wanted(vec![text(task, "id")], None)).await.unwrap();
        let drawn = image::open(&written[0]).unwrap().into_rgb8();
        assert_eq!(drawn.width(), 2 * 14 + 640 + 10 + 320);
        let above = part(&drawn, (14 + 640 + 10 - 60, 14), (320, 240));
        let colourful = above.iter().filter(|pixel| pixel.iter().max().unwrap() - pixel.iter().min().unwrap() > 120);
        assert!(colourful.count() > 20, "{task}");
        for corner in [(14, 14), (14 + 7 * 80, 14 + 3 * 60)] {
            assert!(colours(&part(&drawn, corner, (60, 40))) > 20, "{task} at {corner:?}");
        }
    }
    let by_task = mill.sheet_of_samples(&file, &wanted(Vec::new(), Some("absolute_distance"))).await.unwrap();
    let by_question = mill.sheet_of_samples(&file, &wanted(vec![text(&tasks[0], "question")], None)).await.unwrap();
    assert_eq!((by_task.len(), by_question.len()), (1, 1));
    let refused = mill.sheet_of_samples(&file, &wanted(Vec::new(), Some("absolute_distances"))).await.unwrap_err();
    assert!(refused.advice().is_some_and(|hint| hint.contains("absolute_distance")), "{refused}");
    assert!(mill.sheet_of_samples(&file, &wanted(vec!["none".into()], None)).await.is_err());

    // The first image of one sample is gone: words take its place, on the sheet and in the report.
    let first = text(&tasks[0], "id");
    let sql = format!("SELECT uri FROM frames JOIN dataset ON frame_id = frame_ids[1] WHERE sample_id = '{first}'");
    let uri = text(&row(&lines(&mill, &sql).await[0]), "uri");
    std::fs::remove_file(url::Url::parse(&uri).unwrap().to_file_path().unwrap()).unwrap();
    let written = mill.sheet_of_samples(&file, &wanted(vec![first], None)).await.unwrap();
    let drawn = image::open(&written[0]).unwrap().into_rgb8();
    assert_eq!(grey(&part(&drawn, (14, 14), (60, 50))), 1.0);
    assert!(colours(&part(&drawn, (14 + 80, 14), (60, 50))) > 20, "the second is there");
    let report = folder.path().join("report.html");
    mill.report(&report).await.unwrap();
    let report = std::fs::read_to_string(report).unwrap();
    for what in ["<figcaption>32</figcaption>", "the scene from above", "no image: ", "in images "] {
        assert!(report.contains(what), "{what}");
    }
}

fn part(sheet: &RgbImage, (left, top): (u32, u32), (width, height): (u32, u32)) -> Vec<[u8; 3]> {
    (0..height)
        .flat_map(|y| (0..width).map(move |x| (left + x, top + y)))
        .map(|(x, y)| sheet.get_pixel(x, y).0)
        .collect()
}
