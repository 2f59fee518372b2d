//! Scans that hold together: what files, rows and the generator say is the same.

use std::path::Path;

use serde_json::Value;
use spatialmill_geometry::Rigid;

use super::*;
use crate::source::SOURCES;
use crate::source::synthetic::tests::read_as;

const SMALL: &str = "name = ''\nhomes = 1\nrooms = 3\nmax_frames = 6\nwidth = 160\nheight = 120";

fn options(text: &str) -> SourceOptions {
    SourceOptions { name: "homes".to_owned(), ..toml::from_str(text).unwrap() }
}

fn truth(folder: &Path, scan: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join(scan).join("truth.json")).unwrap()).unwrap()
}

/// JSON is read to all but the last digit.
fn is_same(number: Option<f64>, json: &Value) -> bool {
    number.zip(json.as_f64()).is_some_and(|(a, b)| (a - b).abs() < 1e-9)
}

#[test]
fn scans_are_what_their_truth_says_and_come_out_the_same_again() {
    let folder = tempfile::tempdir().unwrap();
    let rows = read_as(&SYNTHETIC_HOME, folder.path(), &options(SMALL));
    let scenes: Vec<&Scene> =
        rows.iter().filter_map(|row| if let Row::Scene(row) = row { Some(row) } else { None }).collect();
    // Two scans of a house with three rooms and a corridor.
    assert_eq!(scenes.len(), 2 * (1 + 4));
    assert!(scenes.iter().all(|scene| scene.place_id == "homes/home-0000"));
    for scan in ["home-0000_00", "home-0000_01"] {
        let truth = truth(folder.path(), scan);
        for room in truth["rooms"].as_array().unwrap() {
            let id = format!("homes/{scan}/{}", room["region"].as_str().unwrap());
            let scene = scenes.iter().find(|scene| scene.scene_id == id).unwrap();
            assert_eq!(scene.within.as_deref(), Some(&*format!("homes/{scan}")));
            assert!(scene.kind == "region" && is_same(scene.floor_area, &room["area"]), "{scene:?}");
        }
        let house =
            scenes.iter().find(|scene| scene.kind == "house" && scene.scene_id == format!("homes/{scan}")).unwrap();
        let areas: f64 = truth["rooms"].as_array().unwrap().iter().map(|room| room["area"].as_f64().unwrap()).sum();
        assert!((house.floor_area.unwrap() - areas).abs() < 1e-9);
        assert!(truth["free_floor_area"].as_f64().unwrap() < areas);
        check_frames(folder.path(), scan, &rows, &truth);
    }
    // What moved, moved by its motion.
    let objects: Vec<&SceneObject> =
        rows.iter().filter_map(|row| if let Row::SceneObject(row) = row { Some(row) } else { None }).collect();
    let motions: Vec<&Motion> =
        rows.iter().filter_map(|row| if let Row::Motion(row) = row { Some(row) } else { None }).collect();
    assert!(motions.len() >= 2, "{motions:?}");
    for motion in motions {
        let find = |scene: &str, id: &str| objects.iter().find(|o| o.scene_id == scene && o.object_id == id).unwrap();
        let before = find(&motion.scene_id, &motion.object_id).obb.checked().unwrap();
        let after = find(&motion.other_scene_id, &motion.other_object_id).obb.checked().unwrap();
        let moved = before.transform(&Rigid::from_row_major(&motion.moved.clone().try_into().unwrap()).unwrap());
        assert!(moved.corners().iter().zip(after.corners()).all(|(a, b)| (a - b).norm() < 1e-9), "{motion:?}");
    }
    let before = Root::local(folder.path()).unwrap().list("").unwrap();
    let again = read_as(&SYNTHETIC_HOME, folder.path(), &options(SMALL));
    assert_eq!(format!("{rows:?}"), format!("{again:?}"));
    assert_eq!(before, Root::local(folder.path()).unwrap().list("").unwrap());
}

/// Depth lies in the exact boxes, and pixels are counted as the truth counts them.
fn check_frames(folder: &Path, scan: &str, rows: &[Row], truth: &Value) {
    let camera = camera::intrinsics(160, 120);
    let mut points = 0;
    for (n, frame) in truth["frames"].as_array().unwrap().iter().enumerate() {
        let row = rows.iter().find_map(|row| match row {
            Row::Frame(row) if row.frame_id == format!("homes/{scan}/{n:04}") => Some(row),
            _ => None,
        });
        let row = row.unwrap();
        assert!(is_same(row.timestamp, &frame["seconds"]), "{row:?}");
        let pose = Rigid::from_row_major(&row.world_from_camera.clone().unwrap().try_into().unwrap()).unwrap();
        let image = |name: &str| image::open(folder.join(format!("{scan}/{name}/{n:04}.png"))).unwrap().into_luma16();
        let (depth, instance) = (image("depth"), image("instance"));
        // Every pixel shows something: walls have no holes.
        assert!(depth.pixels().all(|pixel| pixel.0[0] > 0), "{scan} {n}");
        for sighting in frame["sightings"].as_array().unwrap() {
            let id: u16 = sighting["object_id"].as_str().unwrap().parse().unwrap();
            let count = |field: &str| sighting[field].as_u64().unwrap();
            let own: Vec<(u32, u32)> =
                instance.enumerate_pixels().filter(|(.., p)| p.0[0] == id).map(|(x, y, _)| (x, y)).collect();
            assert_eq!(count("visible_px"), own.len() as u64);
            assert!(
                count("visible_px") <= count("in_image_px") && count("in_image_px") <= count("whole_px"),
                "{sighting}"
            );
            let object = rows.iter().find_map(|row| match row {
                Row::SceneObject(row) if row.scene_id == format!("homes/{scan}") && row.object_id == id.to_string() => {
                    Some(row)
                }
                _ => None,
            });
            let mut allowed = object.unwrap().obb.checked().unwrap();
            allowed.lengths += Vector3::repeat(0.006);
            for (x, y) in own {
                let metres = f64::from(depth.get_pixel(x, y).0[0]) / 1000.0;
                let point = pose.apply(&camera.back_project(f64::from(x), f64::from(y), metres));
                assert!(allowed.contains(&point), "{scan} {n}: {} at {x}, {y}", object.unwrap().category);
                points += 1;
            }
        }
    }
    assert!(points > 10_000, "only {points} points");
}

#[test]
fn an_rgbd_source_reads_the_same_folder_and_sees_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let made = read_as(&SYNTHETIC_HOME, folder.path(), &options(&SMALL.replace("max_frames = 6", "max_frames = 2")));
    let kind = SOURCES.iter().find(|kind| kind.name == "rgbd").unwrap();
    let measured = read_as(kind, folder.path(), &options("name = ''\nexhaustive = true"));
    let seen = |rows: &[Row]| {
        let mut seen: Vec<String> = rows
            .iter()
            .filter_map(|row| match row {
                Row::Detection(d) => {
                    Some(format!("{} {} {} {:?} {:?}", d.frame_id, d.object_id, d.category, d.bbox, d.mask))
                }
                Row::Frame(f) => Some(format!("{} {:?} {:?} {:?}", f.frame_id, f.sha256, f.timestamp, f.lifted_from)),
                Row::SceneObject(o) => Some(format!("{} {} {} {:?}", o.scene_id, o.object_id, o.category, o.upright)),
                Row::Scene(s) if s.kind != "region" => {
                    Some(format!("{} {} {} {}", s.scene_id, s.kind, s.place_id, s.exhaustive))
                }
                Row::Quarantined(row) => panic!("{row:?}"),
                _ => None,
            })
            .collect();
        seen.sort();
        seen
    };
    assert_eq!(seen(&made), seen(&measured));
}

#[test]
fn wrong_options_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for (text, named) in [
        ("house = 3", "house"),
        ("rooms = 1", "rooms"),
        ("frames_per_second = 0", "frames_per_second"),
        ("scans = 0", "scans"),
    ] {
        let error = (SYNTHETIC_HOME.open)(Root::local(folder.path()).unwrap(), &options(&format!("name = ''\n{text}")))
            .err()
            .unwrap();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains(named), "{error}");
    }
}
