//! Whole builds on synthetic rooms: the same rows however they are made, nothing made twice, and answers that the rooms agree with.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::AsArray;
use arrow::datatypes::{Float32Type, Float64Type};
use spatialmill::progress::Progress;
use spatialmill::project::Project;
use spatialmill::run::Mill;

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

fn project(folder: &Path, geometry: &str, set: &[&str]) -> Project {
    std::fs::write(folder.join("mill.toml"), ROOMS.replace("GEOMETRY", geometry)).unwrap();
    let set: Vec<String> = set.iter().map(|item| (*item).to_owned()).collect();
    Project::load(folder, &set).unwrap()
}

async fn built(folder: &Path, geometry: &str, set: &[&str]) -> Mill {
    let mill = Mill::open(project(folder, geometry, set), Progress::silent()).await.unwrap();
    mill.import(&[]).await.unwrap();
    mill.build(None).await.unwrap();
    mill
}

/// The rows of a query as sorted lines.
async fn lines(mill: &Mill, sql: &str) -> Vec<String> {
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
    for set in [
        ["url=one", "partitions=1", "batch_size=8192"],
        ["url=two", "partitions=2", "batch_size=7"],
        ["url=memory://eight", "partitions=8", "batch_size=64"],
    ] {
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
    let made = async |set: &[&str]| -> Vec<usize> {
        let mill = Mill::open(project(folder.path(), "scan", set), Progress::silent()).await.unwrap();
        mill.import(&[]).await.unwrap();
        mill.build(None).await.unwrap().iter().map(|built| built.made).collect()
    };
    let shards = made(&[]).await;
    assert!(shards.iter().all(|n| *n > 0), "{shards:?}");
    assert_eq!(made(&[]).await, [0, 0, 0, 0], "nothing changed");
    let after = made(&["min_visibility=0.5"]).await;
    assert_eq!(after[0], 0, "objects do not depend on what is asked");
    assert_eq!(after[1], shards[1], "every shard of questions does");

    let mill = Mill::open(project(folder.path(), "scan", &[]), Progress::silent()).await.unwrap();
    let now = mill.warehouse.table("questions").await.unwrap().unwrap();
    let before = BTreeMap::from([("questions".to_owned(), now.version() - 1)]);
    let old = mill.session(&before).await.unwrap().table("questions").await.unwrap().count().await.unwrap();
    assert!(old > now.rows() as usize, "the version before is still there: {old} and {}", now.rows());
    for table in mill.warehouse.tables().await.unwrap() {
        assert!(mill.verify(&table).await.unwrap().iter().all(|finding| !finding.is_damage), "{table}");
    }
    let runs = lines(&mill, "SELECT rows_in, rows_out, filtered FROM runs WHERE \"table\" = 'questions'").await;
    assert_eq!(runs.len(), 2, "a line for each run that wrote the table");
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
    let folder = tempfile::tempdir().unwrap();
    let mill = built(folder.path(), "scan", &[]).await;
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
    for line in lines(&mill, "SELECT * FROM questions").await {
        let row: serde_json::Value = serde_json::from_str(&line).unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let (frame, relation, answer) = (text(&row["frame_ids"][0]), text(&row["relation"]), text(&row["answer"]));
        let thing = |id: String| &truth[&(frame.clone(), id)];
        let task = text(&row["task"]);
        *asked.entry(format!("{task} {}", text(&row["answer_form"]))).or_default() += 1;
        if task.ends_with("comparison") {
            let (subject, object) = (thing(text(&row["object_ids"][0])), thing(text(&row["object_ids"][1])));
            match answer.as_str() {
                "yes" | "no" => assert_eq!(subject.is(&relation, object), answer == "yes", "{line}"),
                "subject" => assert!(subject.is(&relation, object), "{line}"),
                "object" => assert!(object.is(&relation, subject), "{line}"),
                holds => assert!(subject.is(holds, object), "{line}"),
            }
        } else {
            let (reference, category) = (thing(text(&row["object_ids"][0])), text(&row["slots"]["category"]));
            let n = categories
                .iter()
                .filter(|((of, id), is)| {
                    *of == frame
                        && **is == category
                        && *id != text(&row["object_ids"][0])
                        && thing(id.clone()).is(&relation, reference)
                })
                .count();
            match answer.as_str() {
                "yes" | "no" => assert_eq!(n > 0, answer == "yes", "{line}"),
                number => assert_eq!(n.to_string(), number, "{line}"),
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
async fn objects_lifted_from_depth_are_where_the_rooms_have_them() {
    let folder = tempfile::tempdir().unwrap();
    let mill = built(folder.path(), "depth", &[]).await;
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
