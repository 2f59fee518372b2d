//! Whole builds on synthetic rooms: the same rows however they are made, nothing made twice, and answers that the rooms agree with.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::AsArray;
use arrow::datatypes::{Float32Type, Float64Type};
use spatialmill::{Mill, Progress, Project};

use super::ready::Ready;

const ROOMS: &str = r#"
[[source]]
name = "rooms"
kind = "synthetic"
root = "rooms"
split = "train"
rooms = 5
frames_per_room = 2
width = 192
height = 144
geometry = "GEOMETRY"

[build]
max_quarantined = 0.0

[ask]
position_facts_per_frame = 60.0
size_facts_per_frame = 60.0
"#;

/// The rooms as scans, and with depth, for tests that only look.
pub static SCAN: Ready = Ready::new("rooms-scan", || ROOMS.replace("GEOMETRY", "scan"));
pub static DEPTH: Ready = Ready::new("rooms-depth", || ROOMS.replace("GEOMETRY", "depth"));

fn project(folder: &Path, geometry: &str, set: &[&str]) -> Project {
    std::fs::write(folder.join("mill.toml"), ROOMS.replace("GEOMETRY", geometry)).unwrap();
    let set: Vec<String> = set.iter().map(|item| (*item).to_owned()).collect();
    Project::load(folder, &set).unwrap()
}

pub async fn built(folder: &Path, geometry: &str, set: &[&str]) -> Mill {
    let mill = Mill::open(project(folder, geometry, set), Progress::silent()).await.unwrap();
    mill.import(&[]).await.unwrap();
    mill.build(None).await.unwrap();
    mill
}

/// The rows of a query as sorted lines.
pub async fn lines(mill: &Mill, sql: &str) -> Vec<String> {
    let context = mill.session(&BTreeMap::new()).await.unwrap();
    let mut writer = arrow::json::LineDelimitedWriter::new(Vec::new());
    for batch in context.sql(sql).await.unwrap().collect().await.unwrap() {
        writer.write(&batch).unwrap();
    }
    let text = String::from_utf8(writer.into_inner()).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_depend_on_no_partition_batch_or_store() {
    let folder = tempfile::tempdir().unwrap();
    let mut first: Option<(Vec<String>, Vec<String>)> = None;
    for set in [["url=one", "partitions=1", "batch_size=8192"], ["url=memory://eight", "partitions=8", "batch_size=61"]]
    {
        let mill = built(folder.path(), "scan", &set).await;
        let rows = (lines(&mill, "SELECT * FROM dataset").await, lines(&mill, "SELECT * FROM objects").await);
        assert!(rows.0.len() > 20, "{} samples", rows.0.len());
        match &first {
            None => first = Some(rows),
            Some(first) => assert!(*first == rows, "other rows with {set:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_makes_only_what_changed() {
    let folder = tempfile::tempdir().unwrap();
    let made = async |set: &[&str]| -> BTreeMap<String, usize> {
        let mill = Mill::open(project(folder.path(), "scan", set), Progress::silent()).await.unwrap();
        mill.import(&[]).await.unwrap();
        mill.build(None).await.unwrap().into_iter().map(|built| (built.table, built.made)).collect()
    };
    let shards = made(&[]).await;
    assert!(shards.values().all(|n| *n > 0), "{shards:?}");
    let again = made(&[]).await;
    assert!(again.len() == shards.len() && again.values().all(|n| *n == 0), "nothing changed: {again:?}");
    let after = made(&["min_visibility=0.6"]).await;
    for table in ["objects", "appearances", "category_sizes", "sightings"] {
        assert_eq!(after[table], 0, "{table} does not depend on what is asked");
    }
    assert_eq!(after["questions"], shards["questions"], "every shard of questions does");

    let mill = Mill::open(project(folder.path(), "scan", &[]), Progress::silent()).await.unwrap();
    let now = mill.warehouse.table("questions").await.unwrap().unwrap();
    let before = BTreeMap::from([("questions".to_owned(), now.version() - 1)]);
    let old = mill.session(&before).await.unwrap().table("questions").await.unwrap().count().await.unwrap();
    assert_ne!(old, now.rows() as usize, "the version before is still there");
    let findings = mill.verify(&[]).await.unwrap();
    assert!(findings.iter().all(|finding| !finding.is_damage), "{findings:?}");
    for view in ["relations", "references", "pair_facts", "samples"] {
        assert!(!lines(&mill, &format!("SELECT * FROM {view} LIMIT 1")).await.is_empty(), "{view} can be read in SQL");
    }
    let runs = lines(&mill, "SELECT rows_in, rows_out, filtered FROM runs WHERE \"table\" = 'questions'").await;
    assert_eq!(runs.len(), 2, "a line for each run that wrote the table");
}

/// Two sources in this order in mill.toml.
async fn two_sources(folder: &Path, url: &str, names: &[&str]) -> Mill {
    let source = |name: &str| {
        let rooms = ROOMS.split("[build]").next().unwrap_or_default().replace("GEOMETRY", "scan");
        rooms
            .replace("rooms = 5", "rooms = 3")
            .replace("name = \"rooms\"", &format!("name = \"{name}\""))
            .replace("root = \"rooms\"", &format!("root = \"{name}\""))
            + if name == "b" { "seed = 9\n" } else { "" }
    };
    let text: String = names.iter().map(|name| source(name)).collect();
    std::fs::write(folder.join("mill.toml"), text).unwrap();
    let set = [format!("url={url}"), "position_facts_per_frame=60".into(), "rate_tolerance=0".into()];
    let mill = Mill::open(Project::load(folder, &set).unwrap(), Progress::silent()).await.unwrap();
    mill.import(&[]).await.unwrap();
    mill.build(None).await.unwrap();
    mill
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_depend_on_no_order_of_shards() {
    let folder = tempfile::tempdir().unwrap();
    let at_once = two_sources(folder.path(), "at_once", &["a", "b"]).await;
    runs_has_a_row_for_each_version(&at_once).await;
    two_sources(folder.path(), "one_by_one", &["b"]).await;
    let one_by_one = two_sources(folder.path(), "one_by_one", &["b", "a"]).await;
    for table in ["dataset", "questions", "keep_rates"] {
        let sql = format!("SELECT * FROM {table}");
        let (expected, found) = (lines(&at_once, &sql).await, lines(&one_by_one, &sql).await);
        assert!(expected.len() > 10 && expected == found, "{table}: {} and {}", expected.len(), found.len());
    }
}

/// An import writes each table once for each source, under one run.
async fn runs_has_a_row_for_each_version(mill: &Mill) {
    assert!(mill.verify(&[]).await.unwrap().is_empty());
    for name in mill.warehouse.table_names().await.unwrap() {
        if !["runs", "quarantine"].contains(&name.as_str()) {
            let sql = format!("SELECT version FROM runs WHERE \"table\" = '{name}' ORDER BY version");
            let versions: Vec<String> = (1..=mill.warehouse.table(&name).await.unwrap().unwrap().version())
                .map(|version| format!("{{\"version\":{version}}}"))
                .collect();
            assert_eq!(lines(mill, &sql).await, versions, "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_benchmark_lists_is_not_trained_on() {
    let folder = tempfile::tempdir().unwrap();
    let scenes = async |set: &[&str]| {
        let mill = Mill::open(project(folder.path(), "scan", set), Progress::silent()).await.unwrap();
        mill.import(&[]).await.unwrap();
        (lines(&mill, "SELECT DISTINCT scene_id FROM frames").await, lines(&mill, "SELECT * FROM runs").await)
    };
    let (all, _) = scenes(&[]).await;
    let listed = all[0].trim_end_matches("\"}").rsplit('/').next().unwrap();
    std::fs::write(folder.path().join("benchmark.txt"), format!("# ours\n{listed}\n")).unwrap();
    let (left, runs) = scenes(&["benchmarks=[\"benchmark.txt\"]"]).await;
    assert_eq!(left, all[1..], "{listed} is left out");
    assert!(runs.iter().any(|run| run.contains(r#"{"reason":"benchmark","n":2}"#)), "{runs:?}");
    assert_eq!(scenes(&[]).await.0, all, "without the list it is back");
    let error = Mill::open(project(folder.path(), "scan", &["benchmarks=[\"none.txt\"]"]), Progress::silent());
    let error = error.await.unwrap().import(&[]).await.unwrap_err();
    assert!(error.to_string().contains("none.txt"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_says_what_it_does_not_guard() {
    let folder = tempfile::tempdir().unwrap();
    let open = async |set: &[&str]| Mill::open(project(folder.path(), "depth", set), Progress::silent()).await.unwrap();
    let guarded = ["benchmarks=[\"list.txt\"]"];
    let mill = open(&[]).await;
    mill.import(&[]).await.unwrap();
    let frames = lines(&mill, "SELECT frame_id FROM frames ORDER BY frame_id").await;
    let [photo, other, ..] = &lines(&mill, "SELECT sha256 FROM frames ORDER BY frame_id").await[..] else { panic!() };
    let sha256 = |line: &str| line.split('"').nth(3).unwrap().to_uppercase();

    // None of its lines is anything's: nothing is published.
    std::fs::write(folder.path().join("list.txt"), "none.jpg\n./some/none.png\n").unwrap();
    let error = open(&guarded).await.import(&[]).await.unwrap_err();
    assert!(error.to_string().contains("2 of 2 lines of `list.txt` match nothing"), "{error}");
    assert_eq!(lines(&mill, "SELECT frame_id FROM frames ORDER BY frame_id").await, frames);
    let tolerant = open(&["benchmarks=[\"list.txt\"]", "benchmarks_must_match=false"]).await;
    tolerant.import(&[]).await.unwrap();

    // As `sha256sum` writes it, in UTF-16, and one line of it misspelt.
    let text = format!("\u{feff}{}  photos/renamed.jpg\r\n\"{}\"\r\nmisspelt.jpg\r\n", sha256(photo), sha256(other));
    std::fs::write(folder.path().join("list.txt"), text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>())
        .unwrap();
    let mill = open(&guarded).await;
    assert_eq!(mill.import(&[]).await.unwrap()[0].fresh, 0);
    assert_eq!(lines(&mill, "SELECT frame_id FROM frames").await.len(), frames.len() - 2);
    // Nothing is read again to know what matched.
    for _ in 0..2 {
        let [outcome] = &mill.benchmarks().await.unwrap().unwrap()[..] else { panic!() };
        assert_eq!((outcome.lines, &outcome.unmatched[..]), (3, &[(3, "misspelt.jpg".to_owned())][..]));
        assert_eq!(outcome.kept_out, 2);
        assert_eq!(mill.import(&[]).await.unwrap()[0].read, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_that_cannot_be_decoded_gives_no_sample() {
    for own_colours in [true, false] {
        no_sample_of_a_spoilt_photo(own_colours).await;
    }
}

async fn no_sample_of_a_spoilt_photo(own_colours: bool) {
    let folder = tempfile::tempdir().unwrap();
    let colours = format!("own_colours={own_colours}");
    let set = ["max_quarantined=0.9", &colours];
    let mill = Mill::open(project(folder.path(), "depth", &set), Progress::silent()).await.unwrap();
    mill.import(&[]).await.unwrap();
    // Cut, and whole to the eye with scans of which nothing can be made. They break between import and build; import would have told what is cut.
    let cut: fn(Vec<u8>) -> Vec<u8> = |whole| whole[..whole.len() / 2].to_vec();
    let spoilt: fn(Vec<u8>) -> Vec<u8> = |mut whole| {
        let scan = whole.windows(2).position(|two| two == [0xff, 0xda]).unwrap();
        // Of each component: tables that there are none of.
        (0..usize::from(whole[scan + 4])).for_each(|component| whole[scan + 6 + 2 * component] = 0x33);
        whole
    };
    let text = |line: &str| line.split('"').nth(3).unwrap().to_owned();
    let uris: Vec<String> = lines(&mill, "SELECT uri FROM frames").await.iter().map(|line| text(line)).collect();
    for (uri, spoil) in uris.iter().zip([cut, spoilt]) {
        let path = url::Url::parse(uri).unwrap().to_file_path().unwrap();
        std::fs::write(&path, spoil(std::fs::read(&path).unwrap())).unwrap();
    }
    mill.build(None).await.unwrap();
    let count = async |sql: &str| lines(&mill, &format!("SELECT count(*) AS n FROM {sql}")).await[0].clone();
    for uri in &uris[..2] {
        let frame = format!("(SELECT frame_id FROM frames WHERE uri = '{uri}')");
        assert_ne!(count(&format!("objects WHERE frame_id = {frame}")).await, r#"{"n":0}"#);
        assert_eq!(count(&format!("questions WHERE frame_ids[1] = {frame}")).await, r#"{"n":0}"#);
    }
    assert_ne!(count("questions").await, r#"{"n":0}"#);
    let reasons =
        lines(&mill, "SELECT unnest(filtered)['reason'] AS reason FROM runs WHERE \"table\" = 'questions'").await;
    assert!(reasons.iter().any(|reason| reason.contains("damaged_image")), "{reasons:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_open_no_file_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let mill = Mill::open(project(folder.path(), "depth", &[]), Progress::silent()).await.unwrap();
    mill.import(&[]).await.unwrap();
    let outside = tempfile::NamedTempFile::new().unwrap();
    let elsewhere = url::Url::from_file_path(outside.path()).unwrap();
    let context = mill.session(&BTreeMap::new()).await.unwrap();
    let run = async |sql: String| context.sql(&sql).await.unwrap().collect().await.map_err(|e| e.to_string());
    let looks = |uri: &str| {
        let things = "array_agg(named_struct('object_id', object_id, 'box', box, 'mask', mask))";
        format!(
            "SELECT appearance({uri}, things) FROM (SELECT frame_id, {things} AS things FROM detections GROUP BY frame_id) JOIN frames USING (frame_id)"
        )
    };
    assert!(run(looks("uri")).await.is_ok());
    for uri in
        [elsewhere.as_str(), &outside.path().display().to_string(), "s3://elsewhere/x.jpg", "memory://elsewhere/x"]
    {
        for sql in [
            looks(&format!("'{uri}'")),
            format!("SELECT detect('{uri}', CAST(NULL AS VARCHAR), 'none')"),
            format!("SELECT lift(named_struct('frame_id', frame_id, 'depth_uri', '{uri}'), NULL) FROM frames"),
            format!(
                "SELECT project(array_agg(named_struct('frame_id', frame_id, 'depth_uri', '{uri}')), NULL, NULL) FROM frames"
            ),
        ] {
            let refused = run(sql.clone()).await.unwrap_err();
            assert!(refused.contains("below the sources' roots"), "{sql}: {refused}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mask_of_another_size_than_its_frame_is_quarantined() {
    let folder = tempfile::tempdir().unwrap();
    let mill = Mill::open(project(folder.path(), "depth", &[]), Progress::silent()).await.unwrap();
    mill.import(&[]).await.unwrap();
    let sql = include_str!("../../queries/3_objects/from_depth.sql");
    // `$name` is a number of the project, which SQL writes as TOML does.
    let (before, after) = sql.split_once('$').unwrap();
    let with_value = |rest: &str| {
        let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap();
        format!("{}{}", mill.project.value(&rest[..end]).unwrap(), &rest[end..])
    };
    let sql = &(before.to_owned() + &after.split('$').map(with_value).collect::<String>());
    let larger =
        "'mask', named_struct('height', mask['height'] * 2, 'width', mask['width'] * 2, 'counts', mask['counts'])";
    let lost = |sql: &str| format!("SELECT quarantined FROM ({sql}) WHERE quarantined IS NOT NULL");
    assert_eq!(lines(&mill, &lost(sql)).await, Vec::<String>::new());
    let refused = lines(&mill, &lost(&sql.replace("'mask', mask", larger))).await;
    let right = r#""code":"mask","message":"its mask is 384x288 pixels, its frame 192x144""#;
    assert!(refused.len() > 5 && refused.iter().all(|row| row.contains(right)), "{refused:?}");
}

/// Twenty photos of twenty boxes each, as COCO has them, some of which went wrong.
async fn imported(lost_photos: u32, lost_boxes: u32, odd_rings: u32) -> Result<Mill, String> {
    let folder = tempfile::tempdir().unwrap();
    let annotation = |id: u32| {
        let side = if id < lost_boxes { 0 } else { 4 };
        let mut object = serde_json::json!({"id": id, "image_id": id % 20, "category_id": 1, "bbox": [2, 2, side, 4]});
        if id >= lost_boxes && id < lost_boxes + odd_rings {
            object["segmentation"] = serde_json::json!([[2, 2, 6, 2, 6, 6, 2, 6], [1, 1]]);
        }
        object
    };
    let document = serde_json::json!({
        "images": (0..20).map(|id| serde_json::json!({"id": id, "file_name": format!("{id}.png")})).collect::<Vec<_>>(),
        "categories": [{"id": 1, "name": "cup"}],
        "annotations": (0..400).map(annotation).collect::<Vec<_>>(),
    });
    (lost_photos..20).for_each(|id| image::RgbImage::new(8, 8).save(folder.path().join(format!("{id}.png"))).unwrap());
    std::fs::write(folder.path().join("all.json"), document.to_string()).unwrap();
    let toml =
        "[[source]]\nname = \"cups\"\nkind = \"coco\"\nroot = \".\"\nannotations = \"all.json\"\nsplit = \"train\"";
    std::fs::write(folder.path().join("mill.toml"), toml).unwrap();
    let set = [format!("url=memory://cups-{lost_photos}-{lost_boxes}-{odd_rings}")];
    let mill = Mill::open(Project::load(folder.path(), &set).unwrap(), Progress::silent()).await.unwrap();
    let (state, done) =
        (mill.source_state(&mill.snapshot().await, &mill.project.sources[0]).await.unwrap(), mill.import(&[]).await);
    let done = done.map_err(|e| e.to_string())?;
    // Before and after, nobody knows whether all cups are marked.
    for unsaid in [&state.unsaid, &done[0].unsaid] {
        assert!(unsaid.len() == 1 && unsaid[0].contains("`exhaustive = true`"), "{unsaid:?}");
    }
    Ok(mill)
}

#[tokio::test(flavor = "multi_thread")]
async fn images_are_held_against_images_and_oddities_against_nothing() {
    assert!(imported(2, 0, 0).await.err().unwrap().contains("2 of 20 images are quarantined"));
    // Twenty boxes are lost with their photo: that is one image, and no row.
    assert!(imported(1, 20, 0).await.is_ok());
    assert!(imported(0, 22, 0).await.err().unwrap().contains("22 of 420 rows are quarantined"));
    let mill = imported(0, 0, 300).await.unwrap();
    let told = lines(&mill, "SELECT code, loss, count(*) AS n FROM quarantine GROUP BY code, loss").await;
    assert_eq!(told, [r#"{"code":"mask","loss":"nothing","n":300}"#]);
    assert_eq!(lines(&mill, "SELECT count(mask) AS n FROM detections").await, [r#"{"n":300}"#]);
}

#[tokio::test(flavor = "multi_thread")]
async fn annotated_3d_boxes_become_questions() {
    let folder = tempfile::tempdir().unwrap();
    // A cup on the left and a lamp on the right, a metre apart, as Omni3D writes them; the third box cannot be relied on.
    let cuboid = |x: f64| {
        let corner = |i: usize| {
            [
                x + 0.3 * f64::from([0, 1, 1, 0][i % 4]),
                0.3 * f64::from([0, 0, 1, 1][i % 4]),
                if i < 4 { 2.0 } else { 2.3 },
            ]
        };
        (0..8).map(corner).collect::<Vec<_>>()
    };
    let annotation = |id: u32, x: f64, left: u32| {
        serde_json::json!({"id": id, "image_id": 1, "category_id": id, "bbox3D_cam": cuboid(x), "valid3D": id < 3,
            "bbox2D_tight": [left, 20, left + 10, 30], "visibility": 1.0, "truncation": 0.0})
    };
    let document = serde_json::json!({
        "images": [{"id": 1, "file_path": "1.jpg", "width": 64, "height": 48, "K": [[50, 0, 32], [0, 50, 24], [0, 0, 1]], "gravity": [0, 1, 0]}],
        "categories": [{"id": 1, "name": "cup"}, {"id": 2, "name": "lamp"}, {"id": 3, "name": "bed"}],
        "annotations": [annotation(1, -0.8, 8), annotation(2, 0.5, 44), annotation(3, 0.0, 30)],
    });
    std::fs::write(folder.path().join("room_train.json"), document.to_string()).unwrap();
    let toml = r#"
        [[source]]
        name = "boxes"
        kind = "coco"
        root = "."
        annotations = "room_train.json"
        missing_images = "keep"
        [ask]
        position_facts_per_frame = 1000.0
    "#;
    std::fs::write(folder.path().join("mill.toml"), toml).unwrap();
    let mill = Mill::open(Project::load(folder.path(), &[]).unwrap(), Progress::silent()).await.unwrap();
    mill.import(&[]).await.unwrap();
    mill.build(None).await.unwrap();
    let objects = lines(&mill, "SELECT object_id, centre.x, nearest, lifted_from, lift_quality FROM objects").await;
    assert_eq!(objects.len(), 2, "{objects:?}");
    assert!(
        objects[0].contains("-0.65") && objects[0].contains(r#""lifted_from":"box","lift_quality":1.0"#),
        "{objects:?}"
    );
    let frames = lines(&mill, "SELECT split, lifted_from, exhaustive FROM frames").await;
    assert_eq!(frames, [r#"{"split":"train","lifted_from":"box","exhaustive":false}"#]);
    let lateral = "SELECT relation, answer_value FROM questions WHERE relation IN ('left', 'right')";
    let questions = lines(&mill, lateral).await;
    assert!(questions.len() == 1 && questions[0].contains("1.3"), "{questions:?}");
}

/// Nothing that a row says fails a check, which would stop everything: odd names cost their own thing, if anything.
#[tokio::test(flavor = "multi_thread")]
async fn odd_names_stop_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let odd = [
        "-",
        ".",
        "\u{1f600}",
        "\u{200b}",
        "",
        "   ",
        "42",
        "\u{0}",
        "cup\u{0}",
        "\u{202e}cup",
        "<image>",
        "[INST]",
        "USER:",
        "NULL",
        "'; DROP TABLE x",
        "{the object}",
        "can can",
        "\u{5b57}",
        "a",
        "the",
        "no",
        "\n",
        "$seed",
        "nan",
        "subject",
    ];
    let long = "x".repeat(300);
    let names: Vec<&str> = ["cup", "lamp"].into_iter().chain(odd).chain([long.as_str()]).collect();
    let cuboid = |x: f64| -> Vec<[f64; 3]> {
        let corner = |i: usize| {
            let side = |list: [u8; 4]| 0.2 * f64::from(list[i % 4]);
            [x + side([0, 1, 1, 0]), side([0, 0, 1, 1]), if i < 4 { 2.0 + x.abs() } else { 2.2 + x.abs() }]
        };
        (0..8).map(corner).collect()
    };
    let thing = |(at, name): (usize, &&str)| {
        let (x, left) = (0.45 * at as f64 - 6.0, 20.0 * at as f64);
        serde_json::json!({"id": at + 1, "image_id": 1, "category_id": at + 1, "bbox3D_cam": cuboid(x), "valid3D": true,
            "caption": name, "bbox2D_tight": [left, 20.0, left + 15.0, 40.0], "visibility": 1.0, "truncation": 0.0})
    };
    let category = |(at, name): (usize, &&str)| serde_json::json!({"id": at + 1, "name": name});
    let document = serde_json::json!({
        "images": [{"id": 1, "file_path": "1.jpg", "width": 640, "height": 48, "K": [[50, 0, 320], [0, 50, 24], [0, 0, 1]], "gravity": [0, 1, 0]}],
        "categories": names.iter().enumerate().map(category).collect::<Vec<_>>(),
        "annotations": names.iter().enumerate().map(thing).collect::<Vec<_>>(),
    });
    std::fs::write(folder.path().join("room_train.json"), document.to_string()).unwrap();
    let toml = r#"
        [[source]]
        name = "boxes"
        kind = "coco"
        root = "."
        annotations = "room_train.json"
        missing_images = "keep"
        exhaustive = true
        [build]
        max_quarantined = 1.0
        [ask]
        position_facts_per_frame = 100000.0
        existence_groups_per_frame = 100000.0
        counting_groups_per_frame = 100000.0
        [balance]
        targets = {}
    "#;
    std::fs::write(folder.path().join("mill.toml"), toml).unwrap();
    let mill = Mill::open(Project::load(folder.path(), &[]).unwrap(), Progress::silent()).await.unwrap();
    mill.import(&[]).await.unwrap();
    mill.build(None).await.unwrap();
    let about = "SELECT DISTINCT categories[1] AS kind FROM questions WHERE task = 'position_comparison'";
    let asked = lines(&mill, about).await;
    assert!(asked.contains(&r#"{"kind":"cup"}"#.to_owned()), "{asked:?}");
    let empty = "SELECT * FROM dataset WHERE question LIKE '%the %the .%' OR answer = '' OR question LIKE '%<image>%'";
    assert_eq!(lines(&mill, empty).await, Vec::<String>::new());
}

/// The pairs of a small scene are asked both ways, whatever there is of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_small_scene_has_no_favourite_answer() {
    let folder = tempfile::tempdir().unwrap();
    let mill = built(
        folder.path(),
        "scan",
        &["url=memory://small", "targets={}", "position_facts_per_frame=3", "size_facts_per_frame=3"],
    )
    .await;
    let sql = "SELECT task, answer_form, max(n) * 1.0 / sum(n) AS most, sum(n) AS of_all FROM (
            SELECT scene_id, task, answer_form, ground_truth, count(*) AS n FROM dataset
            WHERE answer_form = 'yes_no' OR answer_form = 'choice' AND task <> 'object_counting' GROUP BY ALL)
        GROUP BY scene_id, task, answer_form HAVING sum(n) >= 10";
    let groups = lines(&mill, sql).await;
    assert!(groups.len() >= 5, "{groups:?}");
    for group in groups {
        let row: serde_json::Value = serde_json::from_str(&group).unwrap();
        assert!(row["most"].as_f64().unwrap() <= 0.6, "{group}");
    }
}

/// Annotations of roads say nothing of what hides a car: that follows from the cars before it. What people say of a car counts where it is less.
#[tokio::test(flavor = "multi_thread")]
async fn boxes_that_others_hide_are_not_asked_about() {
    let folder = tempfile::tempdir().unwrap();
    let annotation = |id: u32, kind: u32, x: f64, z: f64, visibility: f64| {
        let corner = |i: usize| {
            let (dx, dy) = ([0.0, 1.8, 1.8, 0.0][i % 4], [0.0, 0.0, 1.5, 1.5][i % 4]);
            [x + dx, dy, if i < 4 { z } else { z + 4.0 }]
        };
        let at = |x: f64| 50.0 * x / z + 160.0;
        serde_json::json!({"id": id, "image_id": 1, "category_id": kind, "bbox3D_cam": (0..8).map(corner).collect::<Vec<_>>(), "visibility": visibility,
            "truncation": -1, "bbox2D_trunc": [at(x), 100, at(x + 1.8), 100.0 + 75.0 / z]})
    };
    let document = serde_json::json!({
        "images": [{"id": 1, "file_path": "1.jpg", "width": 320, "height": 240, "K": [[50, 0, 160], [0, 50, 100], [0, 0, 1]], "gravity": [0, 1, 0]}],
        "categories": [{"id": 1, "name": "car"}, {"id": 2, "name": "van"}, {"id": 3, "name": "bus"}, {"id": 4, "name": "lorry"}],
        // The bus is behind the van, and people say that the lorry is behind something.
        "annotations": [annotation(1, 1, -6.0, 8.0, -1.0), annotation(2, 2, 1.0, 6.0, -1.0), annotation(3, 3, 1.6, 12.0, -1.0),
            annotation(4, 4, 6.0, 9.0, 0.3)],
    });
    std::fs::write(folder.path().join("road.json"), document.to_string()).unwrap();
    let toml = r#"
        [[source]]
        name = "road"
        kind = "coco"
        root = "."
        annotations = "road.json"
        missing_images = "keep"
        [ask]
        position_facts_per_frame = 1000.0
    "#;
    std::fs::write(folder.path().join("mill.toml"), toml).unwrap();
    let mill = Mill::open(Project::load(folder.path(), &[]).unwrap(), Progress::silent()).await.unwrap();
    mill.import(&[]).await.unwrap();
    mill.build(None).await.unwrap();
    let seen = lines(&mill, "SELECT object_id, round(visibility, 1) AS seen FROM objects ORDER BY object_id").await;
    let share = |at: usize| serde_json::from_str::<serde_json::Value>(&seen[at]).unwrap()["seen"].as_f64().unwrap();
    assert_eq!((share(0), share(1), share(3)), (1.0, 1.0, 0.3), "{seen:?}");
    assert!(share(2) < 0.5, "{seen:?}");
    let named = lines(&mill, "SELECT DISTINCT object_ids FROM questions ORDER BY 1").await;
    assert!(!named.is_empty() && named.iter().all(|ids| !ids.contains("\"3\"") && !ids.contains("\"4\"")), "{named:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_without_sources_has_an_empty_dataset() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mill.toml"), "").unwrap();
    let mill = Mill::open(Project::load(folder.path(), &[]).unwrap(), Progress::silent()).await.unwrap();
    mill.import(&[]).await.unwrap();
    mill.build(None).await.unwrap();
    assert_eq!(mill.warehouse.table("dataset").await.unwrap().unwrap().rows(), 0);
}

/// An object's corners in one frame's view space, from the generator's own triangles, by formulas written anew.
struct Seen {
    centre: [f64; 3],
    low: [f64; 3],
    high: [f64; 3],
}

impl Seen {
    fn number(&self, axis: &str) -> f64 {
        let extent = |i: usize| self.high[i] - self.low[i];
        match axis {
            "left" | "right" => self.centre[0],
            "above" | "below" => -self.centre[2],
            "near" | "far" => self.low[1],
            "wider" | "thinner" => -extent(0),
            "taller" | "shorter" => -extent(2),
            _ => -(extent(0) * extent(1) * extent(2)),
        }
    }

    /// True where this thing is `relation` of the other: each pair's first relation is the smaller number.
    fn is(&self, relation: &str, other: &Seen) -> bool {
        let (a, b) = (self.number(relation), other.number(relation));
        if ["left", "above", "near", "wider", "taller", "larger"].contains(&relation) { a < b } else { a > b }
    }
}

/// Every object of every frame, by frame and object id.
async fn truth(mill: &Mill) -> BTreeMap<(String, String), Seen> {
    let context = mill.session(&BTreeMap::new()).await.unwrap();
    let sql = "SELECT f.frame_id, s.object_id, f.world_from_camera, m.vertices, s.obb['centre'] AS centre
               FROM frames f JOIN scene_objects s ON s.scene_id = f.scene_id
               JOIN surfaces m ON m.scene_id = s.scene_id AND m.object_id = s.object_id";
    let mut seen = BTreeMap::new();
    for batch in context.sql(sql).await.unwrap().collect().await.unwrap() {
        for row in 0..batch.num_rows() {
            let text = |name: &str| batch.column_by_name(name).unwrap().as_string::<i32>().value(row).to_owned();
            let list = |name: &str| batch.column_by_name(name).unwrap().as_list::<i32>().value(row);
            let pose = list("world_from_camera").as_primitive::<Float64Type>().values().to_vec();
            let eye = [pose[3], pose[7], pose[11]];
            // Forward is the camera's z axis on the horizontal plane, right is forward turned by a quarter.
            let (fx, fy) = (pose[2], pose[6]);
            let n = fx.hypot(fy);
            let (fx, fy) = (fx / n, fy / n);
            let view = |p: [f64; 3]| {
                let d = [p[0] - eye[0], p[1] - eye[1], p[2] - eye[2]];
                [d[0] * fy - d[1] * fx, d[0] * fx + d[1] * fy, d[2]]
            };
            let (mut low, mut high) = ([f64::INFINITY; 3], [f64::NEG_INFINITY; 3]);
            for corner in list("vertices").as_primitive::<Float32Type>().values().chunks(3) {
                let p = view([corner[0].into(), corner[1].into(), corner[2].into()]);
                for i in 0..3 {
                    (low[i], high[i]) = (low[i].min(p[i]), high[i].max(p[i]));
                }
            }
            let centre = batch.column_by_name("centre").unwrap().as_struct();
            let at = |i: usize| centre.column(i).as_primitive::<Float64Type>().value(row);
            seen.insert((text("frame_id"), text("object_id")), Seen { centre: view([at(0), at(1), at(2)]), low, high });
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_agree_with_the_rooms() {
    let mill = SCAN.open().await;
    let truth = truth(&mill).await;
    let categories: BTreeMap<(String, String), String> =
        lines(&mill, "SELECT frame_id, object_id, category FROM objects")
            .await
            .iter()
            .map(|line| {
                let row: serde_json::Value = serde_json::from_str(line).unwrap();
                let text = |name: &str| row[name].as_str().unwrap().to_owned();
                ((text("frame_id"), text("object_id")), text("category"))
            })
            .collect();
    let mut asked: BTreeMap<String, usize> = BTreeMap::new();
    // The tasks about what is where in one image. Natural texts name their objects, so that an option can be told by its words.
    let sql = "SELECT s.relation, s.task, s.answer_form, s.ground_truth, s.answer_index, s.options, q.frame_ids, q.object_ids, q.slots, q.shape
        FROM samples AS s JOIN questions AS q ON q.question_id = s.question_id
        WHERE s.format_reason IS NULL AND s.text_format = 'natural'
            AND s.task IN ('position_comparison', 'size_comparison', 'existence_estimation', 'object_counting')";
    for line in lines(&mill, sql).await {
        let row: serde_json::Value = serde_json::from_str(&line).unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let (frame, relation, answer) =
            (text(&row["frame_ids"][0]), text(&row["relation"]), text(&row["ground_truth"]));
        let thing = |id: String| &truth[&(frame.clone(), id)];
        let slot = |name: &str| {
            let slots = row["slots"].as_array().unwrap();
            text(&slots.iter().find(|slot| slot["name"] == name).unwrap()["text"])
        };
        let task = text(&row["task"]);
        *asked.entry(format!("{task} {}", text(&row["answer_form"]))).or_default() += 1;
        if task.ends_with("comparison") {
            let (subject, object) = (thing(text(&row["object_ids"][0])), thing(text(&row["object_ids"][1])));
            let option = text(&row["options"][row["answer_index"].as_u64().unwrap_or_default() as usize]);
            match text(&row["shape"]).as_str() {
                "yes_no" => assert_eq!(subject.is(&relation, object), answer == "yes", "{line}"),
                "choice of object" => {
                    let side = if subject.is(&relation, object) { "subject" } else { "object" };
                    let (right, name) = (option.to_lowercase(), slot(side).to_lowercase());
                    assert!(right.ends_with(&name), "{line}");
                }
                "choice of relation" => assert!(subject.is(&relation, object), "{line}"),
                _ => assert!(subject.is(&answer, object), "{line}"),
            }
        } else {
            let (reference, category) = (thing(text(&row["object_ids"][0])), slot("category"));
            let n = categories
                .iter()
                .filter(|((of, id), is)| {
                    *of == frame
                        && **is == category
                        && *id != text(&row["object_ids"][0])
                        && thing(id.clone()).is(&relation, reference)
                })
                .count();
            match text(&row["shape"]).as_str() {
                "yes_no" => assert_eq!(n > 0, answer == "yes", "{line}"),
                "number" => assert_eq!(n.to_string(), answer, "{line}"),
                _ => {
                    assert_eq!(row["options"][row["answer_index"].as_u64().unwrap() as usize], n.to_string(), "{line}")
                }
            }
        }
    }
    for kind in [
        "position_comparison yes_no",
        "position_comparison open",
        "size_comparison choice",
        "existence_estimation yes_no",
    ] {
        assert!(asked.get(kind).is_some_and(|n| *n >= 3), "{kind}: {asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_fills_the_tables_of_scenes_and_is_asked_about() {
    let folder = tempfile::tempdir().unwrap();
    let source = "[[source]]\nname = 'homes'\nkind = 'synthetic_home'\nroot = 'homes'\nhomes = 1\nrooms = 3\nmax_frames = 8\nwidth = 160\nheight = 120\n";
    std::fs::write(folder.path().join("mill.toml"), source).unwrap();
    let mill = Mill::open(Project::load(folder.path(), &[]).unwrap(), Progress::silent()).await.unwrap();
    mill.import(&[]).await.unwrap();
    mill.build(None).await.unwrap();
    let none = async |sql: &str| assert_eq!(lines(&mill, sql).await, [] as [&str; 0], "{sql}");
    let kinds =
        lines(&mill, "SELECT kind, count(*) AS n, count(DISTINCT place_id) AS places FROM scenes GROUP BY kind").await;
    assert_eq!(kinds, [r#"{"kind":"house","n":2,"places":1}"#, r#"{"kind":"region","n":8,"places":1}"#]);
    none("SELECT * FROM scenes s LEFT JOIN scenes h ON h.scene_id = s.within WHERE s.kind = 'region' AND h.kind IS DISTINCT FROM 'house'").await;
    none("SELECT * FROM frames f LEFT JOIN scenes s ON s.scene_id = f.scene_id WHERE s.kind IS DISTINCT FROM 'house'")
        .await;
    // A thing is within the room that it is said to be in.
    none(
        "SELECT * FROM scene_objects o LEFT JOIN scenes s ON s.scene_id = concat(o.scene_id, '/', o.region)
         WHERE s.scene_id IS NULL OR o.min['x'] < s.min['x'] - 1e-6 OR o.max['y'] > s.max['y'] + 1e-6 OR o.max['z'] > s.max['z'] + 1e-6",
    )
    .await;
    none("SELECT * FROM links l LEFT JOIN waypoints w ON w.scene_id = l.scene_id AND w.waypoint_id = l.to_waypoint WHERE w.scene_id IS NULL").await;
    none("SELECT * FROM links l LEFT JOIN links b ON b.scene_id = l.scene_id AND b.from_waypoint = l.to_waypoint AND b.to_waypoint = l.from_waypoint WHERE b.length IS DISTINCT FROM l.length").await;
    none(
        "SELECT * FROM motions m LEFT JOIN scene_objects o ON o.scene_id = m.other_scene_id AND o.object_id = m.other_object_id
         WHERE o.scene_id IS NULL OR cardinality(m.moved) <> 16",
    )
    .await;
    none("SELECT * FROM quarantine").await;
    assert!(!lines(&mill, "SELECT sample_id FROM dataset").await.is_empty());
    assert!(mill.verify(&[]).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_lifted_from_depth_are_where_the_rooms_have_them() {
    let mill = DEPTH.open().await;
    let sql = "SELECT o.frame_id, o.object_id, o.centre, o.extent FROM objects o
               WHERE o.visibility > 0.99 AND o.lift_quality > 0.8 AND o.points > 150";
    let truth = truth(&mill).await;
    let mut errors = Vec::new();
    for line in lines(&mill, sql).await {
        let row: serde_json::Value = serde_json::from_str(&line).unwrap();
        let id = (row["frame_id"].as_str().unwrap().to_owned(), row["object_id"].as_str().unwrap().to_owned());
        let seen = &truth[&id];
        // Depth shows the near side only; across the line of sight it shows all of it.
        let wide = row["extent"]["x"].as_f64().unwrap() - (seen.high[0] - seen.low[0]);
        errors.push(wide.abs());
    }
    assert!(errors.len() >= 5, "{} objects", errors.len());
    errors.sort_by(f64::total_cmp);
    let median = errors[errors.len() / 2];
    assert!(median < 0.05, "median error of the width: {median} m");
}
