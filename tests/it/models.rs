//! Annotation by models, end to end: bare photos to samples through contract networks in ONNX Runtime, and everything that may go wrong on the way.
//!
//! The networks of `udfs/models/tests/networks` have no weights: what they answer is arithmetic on the picture, so that it can be foretold.
//! They run in the library that `spatialmill setup` gets; where it cannot be had, these tests say so and check nothing.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use jpeg_encoder::{ColorType, Encoder};
use spatialmill::{Error, ErrorKind, Mill, Progress, Project, RuntimeBuild, set_up_runtime};

use spatialmill_models::FAMILIES;

use crate::build::lines;

const SIDES: (u16, u16) = (320, 240);

const MODELS: &str = r#"
[[model]]
name = "boxes"
task = "detect"
family = "yolox"
uri = "NETWORKS/yolox.onnx"
sha256 = "SHA(yolox.onnx)"
score = 0.2
batch = 4

[[model]]
name = "masks"
task = "segment"
family = "sam2"
[model.networks.encoder]
uri = "NETWORKS/sam2_encoder.onnx"
sha256 = "SHA(sam2_encoder.onnx)"
[model.networks.decoder]
uri = "NETWORKS/sam2_decoder.onnx"
sha256 = "SHA(sam2_decoder.onnx)"

[[model]]
name = "metres"
task = "depth"
family = "metric_depth"
uri = "NETWORKS/metric_depth.onnx"
sha256 = "SHA(metric_depth.onnx)"
max_depth_m = 50.0

[[model]]
name = "lens"
task = "intrinsics"
family = "incidence"
uri = "NETWORKS/intrinsics.onnx"
sha256 = "SHA(intrinsics.onnx)"

[[model]]
name = "down"
task = "gravity"
family = "perspective"
uri = "NETWORKS/perspective.onnx"
sha256 = "SHA(perspective.onnx)"
"#;

const PROJECT: &str = r#"
[[source]]
name = "wild"
kind = "images"
root = "photos"
split = "train"
licence = "CC0-1.0"

[models]
detect_model = "boxes"
segment_model = "masks"
depth_model = "metres"
intrinsics_model = "lens"
gravity_model = "down"

[ask]
min_score = 0.0
min_mask_score = 0.0
min_lift_quality = 0.0
min_lift_quality_size = 0.0
scene_tasks = false
"#;

fn networks() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("udfs/models/tests/networks")
}

fn sha256(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap();
    let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A grey picture with a few bright rectangles of one colour each.
fn photo(number: u32) -> Vec<u8> {
    let (width, height) = (u32::from(SIDES.0), u32::from(SIDES.1));
    let mut pixels = vec![60_u8; (3 * width * height) as usize];
    for thing in 0..3 {
        let (x0, y0) =
            ((20 + 100 * thing + 7 * number % 30) % (width - 70), (30 + 60 * thing + 11 * number % 40) % (height - 60));
        for (x, y) in (y0..y0 + 50).flat_map(|y| (x0..x0 + 60).map(move |x| (x, y))) {
            let at = (3 * (y * width + x)) as usize;
            pixels[at..at + 3].copy_from_slice(&[[255, 170, 170], [170, 255, 170], [170, 170, 255]][thing as usize]);
        }
    }
    let mut jpeg = Vec::new();
    Encoder::new(&mut jpeg, 95).encode(&pixels, SIDES.0, SIDES.1, ColorType::Rgb).unwrap();
    jpeg
}

/// A project with so many photos. None, with a word why, where there is no ONNX Runtime.
pub fn project(photos: u32) -> Option<tempfile::TempDir> {
    if let Err(error) = set_up_runtime(RuntimeBuild::Cpu) {
        eprintln!("not tested, because ONNX Runtime is not here: {error}");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("photos")).unwrap();
    for number in 0..photos {
        std::fs::write(folder.path().join(format!("photos/{number:03}.jpg")), photo(number)).unwrap();
    }
    let mut models = MODELS.replace("NETWORKS", &networks().display().to_string());
    while let Some((before, rest)) = models.split_once("SHA(") {
        let (file, after) = rest.split_once(')').unwrap();
        models = format!("{before}{}{after}", sha256(&networks().join(file)));
    }
    std::fs::write(folder.path().join("models.toml"), models).unwrap();
    std::fs::write(folder.path().join("mill.toml"), PROJECT).unwrap();
    Some(folder)
}

fn load(folder: &Path, set: &[&str]) -> Project {
    let set: Vec<String> = set.iter().map(|item| (*item).to_owned()).collect();
    Project::load(folder, &set).unwrap()
}

async fn built(folder: &Path, set: &[&str]) -> Mill {
    let mill = Mill::open(load(folder, set), Progress::silent()).await.unwrap();
    mill.import(&[]).await.unwrap();
    mill.build(None).await.unwrap();
    mill
}

async fn failure(folder: &Path, set: &[&str]) -> Error {
    let project = match Project::load(folder, &set.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()) {
        Ok(project) => project,
        Err(error) => return error,
    };
    let mill = Mill::open(project, Progress::silent()).await.unwrap();
    mill.import(&[]).await.unwrap();
    mill.build(None).await.unwrap_err()
}

/// Pictures that networks answered for, in all models of a process's mill.
fn answered(mill: &Mill) -> u64 {
    let workers = mill.models.used();
    workers.iter().flat_map(|m| m.workers().to_vec()).map(|w| w.meter().answered.load(Ordering::Relaxed)).sum()
}

const TABLES: [&str; 7] = ["detected", "segmented", "cameras", "depths", "objects", "questions", "dataset"];

#[tokio::test(flavor = "multi_thread")]
async fn bare_photos_become_samples_however_they_are_batched() {
    let Some(folder) = project(6) else { return };
    let mill = built(folder.path(), &[]).await;
    let found = lines(&mill, "SELECT frame_id, category, box FROM detected").await;
    assert!(found.len() >= 12, "{found:#?}");
    let counts = "SELECT (SELECT count(*) FROM detected) AS boxes, (SELECT count(*) FROM segmented) AS masks, \
                  (SELECT count(*) FROM cameras) AS cameras, (SELECT count(*) FROM depths) AS depths";
    let n = found.len();
    let expected = format!(r#"{{"boxes":{n},"masks":{n},"cameras":6,"depths":6}}"#);
    assert_eq!(lines(&mill, counts).await, [expected]);
    let objects = lines(&mill, "SELECT DISTINCT lifted_from FROM objects").await;
    assert_eq!(objects, [r#"{"lifted_from":"model"}"#]);
    assert!(!lines(&mill, "SELECT question FROM dataset LIMIT 3").await.is_empty());
    // The depth of the contract network is a floor: what is lower in the picture is nearer.
    let near = "SELECT count(*) AS n FROM objects AS a JOIN objects AS b ON a.frame_id = b.frame_id \
                WHERE a.box.y1 > b.box.y1 + 60 AND a.nearest > b.nearest";
    assert_eq!(lines(&mill, near).await, [r#"{"n":0}"#]);

    let other = built(folder.path(), &["url=other", "partitions=4", "in_flight=1", "batch_size=3"]).await;
    for table in TABLES {
        // Where a depth image lies is not what it says.
        let query = match table {
            "depths" => "SELECT frame_id, depth_scale, near, far FROM depths".to_owned(),
            table => format!("SELECT * FROM {table}"),
        };
        assert_eq!(lines(&mill, &query).await, lines(&other, &query).await, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_model_said_is_not_asked_again() {
    let Some(folder) = project(4) else { return };
    let asked = answered(&built(folder.path(), &[]).await);
    let boxes: u64 = 4 + 4 + 4 + 4 + 4;
    assert!(asked > boxes, "{asked}");
    // Other questions, another order of photos in shards, and another look at the sources: no network is needed.
    for set in [&["seed=5"][..], &["min_gap_depth=0.4"], &["fov_degrees=70"]] {
        assert_eq!(answered(&built(folder.path(), set).await), 0, "{set:?}");
    }
    std::fs::write(folder.path().join("photos/zzz.jpg"), photo(77)).unwrap();
    let mill = built(folder.path(), &[]).await;
    let detected = lines(&mill, "SELECT count(*) AS n FROM detected WHERE frame_id = 'wild/zzz'").await;
    let n: u64 = detected[0].trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
    // One photo for each model, and the boxes of that photo.
    assert_eq!(answered(&mill), 5 + n);
    // Another parameter is another question.
    let models = std::fs::read_to_string(folder.path().join("models.toml")).unwrap();
    std::fs::write(folder.path().join("models.toml"), models.replace("score = 0.2", "score = 0.25")).unwrap();
    assert!(answered(&built(folder.path(), &[]).await) >= 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_was_stopped_asks_for_the_rest_alone() {
    let Some(folder) = project(24) else { return };
    let whole = answered(&built(folder.path(), &["url=whole"]).await);
    let set = ["in_flight=8", "partitions=1"];
    let mill = Mill::open(load(folder.path(), &set), Progress::silent()).await.unwrap();
    mill.import(&[]).await.unwrap();
    {
        let mut build = std::pin::pin!(mill.build(None));
        let stop = async {
            while answered(&mill) < 12 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = &mut build => {}
            () = stop => {}
        }
    }
    let before = answered(&mill);
    drop(mill);
    let mill = built(folder.path(), &set).await;
    // At most what was in flight when it stopped, a slice of rows, is asked again, or was answered after it was counted.
    let asked = before + answered(&mill);
    assert!(asked.abs_diff(whole) <= 8, "{before} then {} of {whole}", answered(&mill));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_run_is_said_before_a_row_is_read() {
    let Some(folder) = project(1) else { return };
    let path = folder.path();
    let models = std::fs::read_to_string(path.join("models.toml")).unwrap();
    let with = |from: &str, to: &str| std::fs::write(path.join("models.toml"), models.replacen(from, to, 1)).unwrap();
    let sha = sha256(&networks().join("yolox.onnx"));
    let cases: [(&str, &str, &str); 9] = [
        (&sha, &"0".repeat(64), "the model's SHA-256 is"),
        (&sha, "abc", "64 lower-case hexadecimal digits"),
        ("yolox.onnx", "gone.onnx", "the model's file cannot be opened"),
        ("family = \"yolox\"", "family = \"yolo\"", "unknown family `yolo`"),
        ("family = \"yolox\"", "family = \"detr\"", "the network has no"),
        ("score = 0.2", "scores = 0.2", "unknown field `scores`"),
        ("score = 0.2", "labels = [\"person\"]", "labels"),
        ("name = \"boxes\"", "name = \"other\"", "no such model"),
        ("score = 0.2", "inputs = { image = { name = \"image\", shape = [1, 4, 64, 64] } }", "the registry says"),
    ];
    for (from, to, said) in cases {
        with(from, to);
        let error = failure(path, &[]).await;
        let text = format!("{error} {}", error.advice().unwrap_or_default());
        assert!(text.contains(said), "{to}: {text}");
    }
    with("", "");
    let error = failure(path, &["provider=cuda"]).await;
    assert!(error.to_string().contains("`cuda` is not active"), "{error}");
    assert!(error.advice().is_some_and(|hint| hint.contains("setup --cuda")), "{error}");
    let mill = Mill::open(load(path, &[]), Progress::silent()).await.unwrap();
    assert!(lines(&mill, "SELECT * FROM detected").await.is_empty());
    let error = failure(path, &["onnxruntime=nothing.so"]).await;
    assert!(error.to_string().contains("there is no such library"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_is_quarantined_and_too_much_of_it_stops_the_build() {
    let Some(folder) = project(5) else { return };
    let path = folder.path();
    // One photo is cut short: its header is whole, and its pixels are not.
    let cut = photo(40);
    std::fs::write(path.join("photos/cut.jpg"), &cut[..cut.len() / 2]).unwrap();
    let mill = built(path, &["max_quarantined=0.5"]).await;
    let quarantined = lines(&mill, "SELECT stage, code, key FROM quarantine").await;
    assert_eq!(quarantined, [r#"{"stage":"import","code":"image","key":"cut"}"#]);
    // Every depth is out of range.
    let models = std::fs::read_to_string(path.join("models.toml")).unwrap();
    std::fs::write(path.join("models.toml"), models.replace("max_depth_m = 50.0", "max_depth_m = 0.2")).unwrap();
    std::fs::remove_file(path.join("photos/cut.jpg")).unwrap();
    let error = failure(path, &["url=poisoned"]).await;
    assert_eq!(error.kind(), ErrorKind::Quarantined, "{error}");
    assert!(error.to_string().contains("stage `depths`"), "{error}");
    let mill = Mill::open(load(path, &["url=poisoned"]), Progress::silent()).await.unwrap();
    assert!(lines(&mill, "SELECT * FROM depths").await.is_empty());
    let codes = lines(&mill, "SELECT code, count(*) AS n FROM quarantine GROUP BY code").await;
    assert_eq!(codes, [r#"{"code":"model_depth_range","n":5}"#]);
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_answer_in_sql() {
    let Some(folder) = project(2) else { return };
    let mill = Mill::open(load(folder.path(), &[]), Progress::silent()).await.unwrap();
    mill.import(&[]).await.unwrap();
    let sql = "SELECT frame_id, array_length(detect(uri, NULL, 'boxes')) = array_length(detect(uri, sha256, 'boxes')) AS same FROM frames";
    let rows = lines(&mill, sql).await;
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row.contains(r#""same":true"#)), "{rows:?}");
    let none = lines(
        &mill,
        "SELECT detect(uri, sha256, '') AS none, gravity(NULL, NULL, 'down') AS nothing FROM frames LIMIT 1",
    )
    .await;
    assert_eq!(none, [r#"{"none":[],"nothing":[]}"#]);
    let context = mill.session(&Default::default()).await.unwrap();
    let wrong =
        context.sql("SELECT segment(uri, sha256, [], 'boxes') FROM frames").await.unwrap().collect().await.unwrap_err();
    assert!(wrong.to_string().contains("task is `detect`, not `segment`"), "{wrong}");
}

/// Each family opens its contract network, and each network has a family.
#[tokio::test(flavor = "multi_thread")]
async fn every_family_opens_its_network() {
    let Some(folder) = project(1) else { return };
    let of = |family: &str| match family {
        "sam2" | "sam" => vec![("encoder", format!("{family}_encoder")), ("decoder", format!("{family}_decoder"))],
        family => vec![("main", family.to_owned())],
    };
    let mut text = String::new();
    for family in FAMILIES {
        let more = match family.name {
            "detr" | "rtdetr" => "labels = [\"person\", \"bicycle\", \"car\"]\n",
            "relative_depth" => "near_m = 1.0\nfar_m = 10.0\n",
            _ => "",
        };
        let (name, task) = (family.name, family.task);
        text += &format!("[[model]]\nname = \"{name}\"\ntask = \"{task}\"\nfamily = \"{name}\"\n{more}");
        for (network, file) in of(family.name) {
            let file = networks().join(format!("{file}.onnx"));
            text +=
                &format!("[model.networks.{network}]\nuri = \"{}\"\nsha256 = \"{}\"\n", file.display(), sha256(&file));
        }
    }
    std::fs::write(folder.path().join("models.toml"), text).unwrap();
    let mill = Mill::open(load(folder.path(), &["detect_model=\"\""]), Progress::silent()).await.unwrap();
    for family in FAMILIES {
        let model = mill.models.get(family.name, family.task).await.unwrap();
        assert!(model.contract().contains("image"), "{}", model.contract());
    }
}
