//! VSI-Bench's meta information: a scene with ScanNet's mesh and photos, without a fault, and faults of files.

use std::path::Path;

use crate::tables::Loss;
use serde_json::{Value, json};

use super::{Fixture, Imported, import, in_other_forms, scannet};

pub const WITH_PHOTOS: Fixture = Fixture {
    kind: "vsi_meta",
    about: "with a scan's photos",
    write: with_photos,
    options: "",
    // The scene, a chair and a bed, the mesh, two frames.
    rows: 1 + 2 + 1 + 2,
    files: &[
        "meta_info/scannet_meta_info_val.json",
        "scans/scene0001_00/scene0001_00_vh_clean_2.ply",
        "scans/scene0001_00/scene0001_00.txt",
        "scans/scene0001_00/pose/1.txt",
    ],
};

const META: &str = "meta_info/scannet_meta_info_val.json";

/// What the aligned vertices of the scan are relative to: their mean.
const MEAN: [f64; 3] = [-2.5, 3.5, 29.2 / 12.0];

fn boxed(centre: [f64; 3], lengths: [f64; 3]) -> Value {
    let centre: [f64; 3] = std::array::from_fn(|k| centre[k] - MEAN[k]);
    let bound = |sign: f64| [0, 1, 2].map(|k| centre[k] + sign * lengths[k] / 2.0);
    json!({"centroid": centre, "axesLengths": lengths, "normalizedAxes": [1, 0, 0, 0, 1, 0, 0, 0, 1], "min": bound(-1.0), "max": bound(1.0)})
}

fn meta() -> Value {
    json!({"scene0001_00": {
        "dataset": "scannet", "video_path": "/mnt/scene0001_00.mp4", "room_size": 17.5, "room_center": [-0.5, 0.5, 1.0],
        "object_counts": {"chair": 1, "bed": 1},
        "object_bbox": {"chair": [boxed([-0.5, 0.5, 2.0], [1.0, 1.0, 0.02])], "bed": [boxed([-1.0, 6.0, 1.8], [2.0, 4.0, 0.02])]},
    }})
}

fn put(root: &Path, path: &str, text: impl AsRef<[u8]>) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn with_photos(root: &Path) {
    (scannet::EXPORTED.write)(root);
    put(root, META, format!("{}\n", meta()));
}

fn changed(change: impl FnOnce(&Path)) -> Imported {
    let folder = tempfile::tempdir().unwrap();
    with_photos(folder.path());
    change(folder.path());
    import("vsi_meta", folder.path(), "").unwrap()
}

/// What is in quarantine, and what is lost by it.
fn noted(imported: &Imported) -> Vec<(String, String, Loss)> {
    let mut noted: Vec<_> =
        imported.quarantined.iter().map(|row| (row.key.clone(), row.why.code.to_string(), row.loss)).collect();
    noted.sort_by_key(|row| format!("{row:?}"));
    noted
}

fn note(key: &str, code: &str, loss: Loss) -> (String, String, Loss) {
    (key.to_owned(), code.to_owned(), loss)
}

/// The poses of the frames.
fn poses(imported: &Imported) -> Vec<Vec<f64>> {
    imported.frames().map(|frame| frame.world_from_camera.clone().unwrap()).collect()
}

#[test]
fn a_scene_is_what_was_published_and_its_photos_are_placed_among_the_boxes() {
    let folder = tempfile::tempdir().unwrap();
    with_photos(folder.path());
    let imported = import("vsi_meta", folder.path(), "").unwrap();
    let scene = imported.scenes().next().unwrap();
    assert_eq!((scene.floor_area, scene.floor_area_from, scene.exhaustive), (Some(17.5), Some("published"), true));
    assert_eq!((scene.scene_id.as_str(), scene.split.as_deref()), ("test/scene0001_00", Some("val")));
    assert_eq!(scene.min.map(|low| [low.x, low.y]), Some([-6.0 - MEAN[0], 0.0 - MEAN[1]]));
    let scanned = import("scannet", folder.path(), "").unwrap();
    assert_eq!(scanned.scenes().next().unwrap().place_id, scene.place_id);
    for (ours, theirs) in poses(&imported).iter().zip(poses(&scanned)) {
        for k in 0..3 {
            assert!((ours[4 * k + 3] - (theirs[4 * k + 3] - MEAN[k])).abs() < 1e-9, "{ours:?} {theirs:?}");
        }
    }
    assert_eq!(imported.frames().next().unwrap().lifted_from.as_deref(), Some("scan"));
}

#[test]
fn photos_of_which_nobody_knows_the_place_are_not_used() {
    let elsewhere =
        changed(|root| put(root, META, meta().to_string().replace("\"axesLengths\":[1.0", "\"axesLengths\":[1.5")));
    assert_eq!(elsewhere.refused()[0].1, "box3d");
    let turned =
        changed(|root| put(root, "scans/scene0001_00/scene0001_00.txt", "colorWidth = 64\ncolorHeight = 48\n"));
    assert_eq!(
        (noted(&turned), turned.frames().count()),
        (vec![note("scene0001_00/photos", "world", Loss::Record)], 0)
    );
    let without =
        changed(|root| std::fs::remove_file(root.join("scans/scene0001_00/scene0001_00_vh_clean_2.ply")).unwrap());
    // The mesh of labels is not there either.
    assert_eq!(noted(&without), [note("scene0001_00/mesh", "missing_file", Loss::Record)]);
    assert_eq!((without.frames().count(), without.rows.len()), (0, 3));
    let alone = changed(|root| std::fs::remove_dir_all(root.join("scans")).unwrap());
    assert_eq!(noted(&alone), [note("scene0001_00/photos", "missing_file", Loss::Nothing)]);
    assert_eq!((alone.rows.len(), alone.scenes().next().unwrap().floor_area), (3, Some(17.5)));
}

#[test]
fn scenes_of_several_files_are_read_once_and_what_is_none_is_told() {
    let imported = changed(|root| {
        put(root, "meta_info/copy_of_scannet_meta_info_val.json", meta().to_string());
        let mut other = meta();
        other["scene0001_00"]["room_size"] = json!(99);
        other["../scene"] = json!({});
        other["hall"] = json!(["no scene"]);
        other["47331068"] =
            json!({"dataset": "arkitscenes", "room_size": "20", "object_counts": {}, "object_bbox": {}});
        put(root, "meta_info/z_meta_info_val.json", other.to_string());
        put(root, "meta_info/y_meta_info.json", "{\"scene0003_00\": ");
    });
    let expected = [
        note("47331068/photos", "missing_file", Loss::Nothing),
        note("hall", "json", Loss::Record),
        note("meta_info/y_meta_info.json", "json", Loss::Record),
        note("meta_info/z_meta_info_val.json/../scene", "key", Loss::Record),
        note("scene0001_00", "duplicate", Loss::Nothing),
        note("scene0001_00", "duplicate", Loss::Record),
    ];
    assert_eq!(noted(&imported), expected);
    let scenes: Vec<_> = imported.scenes().map(|scene| (scene.scene_id.as_str(), scene.floor_area)).collect();
    assert_eq!(scenes, [("test/47331068", Some(20.0)), ("test/scene0001_00", Some(17.5))]);
    let foreign = imported.scenes().next().unwrap();
    assert_eq!(
        (foreign.place_id.as_str(), foreign.licence.as_deref(), foreign.exhaustive),
        ("test/47331068", None, false)
    );
}

#[test]
fn meta_information_is_the_same_in_every_form() {
    // Of numbers with one decimal, which all forms keep.
    let cube = |x: f64| json!({"centroid": [x, 0.5, 0.5], "axesLengths": [1, 1, 1], "normalizedAxes": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]});
    let hall = json!({"hall": {
        "room_size": 17.5, "object_counts": {"chair": 2, "bed": 1}, "object_bbox": {"chair": [cube(0.5), cube(2.5)], "bed": [cube(4.5)]},
    }});
    let expected = changed(|root| put(root, META, hall.to_string())).sorted();
    assert_eq!(expected.len(), 1 + 3 + 1, "a scene, its objects, and that it has no photos");
    for seed in 0..4 {
        assert_eq!(changed(|root| put(root, META, in_other_forms(&hall, seed))).sorted(), expected);
    }
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "metas.json", meta().to_string());
    let error = import("vsi_meta", folder.path(), "").unwrap_err();
    assert!(error.to_string().contains("meta_info"), "{error}");
    assert_eq!(import("vsi_meta", folder.path(), "meta = 'metas.json'").unwrap().scenes().count(), 1);
    put(folder.path(), "metas.json", "[]");
    assert!(import("vsi_meta", folder.path(), "meta = ['metas.json']").is_err());
}
