//! Visual Genome: a dataset without a fault, and one fault of each kind.

use std::path::Path;

use image::RgbImage;
use serde_json::{Value, json};

use crate::tables::Loss;

use super::{Fixture, import, in_other_forms, shards, stale};

pub const NAMED_BOXES: Fixture = Fixture {
    kind: "visual_genome",
    about: "named boxes",
    write: |root| write(root, &images(), &objects()),
    options: "shards = 2",
    rows: 4 + 8,
    files: &["image_data.json", "objects.json", "VG_100K/1.jpg"],
};

/// The names of both versions.
fn images() -> Value {
    let image = |id: u32| {
        let name = if id.is_multiple_of(2) { "id" } else { "image_id" };
        json!({name: id, "width": 32, "height": 24, "coco_id": null, "url": format!("https://example.org/VG_100K_2/{id}.jpg")})
    };
    (1..=4).map(image).collect()
}

fn objects() -> Value {
    let object = |id: u32| match id % 2 {
        0 => json!({"id": id, "name": "Traffic_light", "x": 4, "y": 4, "w": 8, "h": 8}),
        _ => {
            json!({"object_id": id, "names": ["man", "person"], "synsets": ["man.n.01"], "x": -2, "y": 20, "w": 10, "h": 10})
        }
    };
    (1..=4)
        .map(|id| json!({"image_id": id, "image_url": "x", "objects": [object(2 * id - 1), object(2 * id)]}))
        .collect()
}

fn write(root: &Path, images: &Value, objects: &Value) {
    for (folder, ids) in [("VG_100K", [1, 2]), ("VG_100K_2", [3, 4])] {
        std::fs::create_dir_all(root.join(folder)).unwrap();
        for id in ids {
            RgbImage::from_pixel(32, 24, image::Rgb([id as u8, 9, 9]))
                .save(root.join(format!("{folder}/{id}.jpg")))
                .unwrap();
        }
    }
    std::fs::write(root.join("image_data.json"), images.to_string()).unwrap();
    std::fs::write(root.join("objects.json"), objects.to_string()).unwrap();
}

#[test]
fn a_photo_and_a_record_make_their_own_bucket_stale() {
    let folder = tempfile::tempdir().unwrap();
    let (root, mut images) = (folder.path(), images());
    write(root, &images, &objects());
    let now = || shards("visual_genome", root, "shards = 3");
    let before = now();
    images.as_array_mut().unwrap().insert(0, json!({"image_id": 9, "width": 32, "height": 24}));
    std::fs::write(root.join("image_data.json"), images.to_string()).unwrap();
    std::fs::copy(root.join("VG_100K/1.jpg"), root.join("VG_100K/9.jpg")).unwrap();
    assert_eq!(stale(&before, &now()), 1);
    let before = now();
    std::fs::write(root.join("VG_100K/9.jpg"), "another photo").unwrap();
    assert_eq!(stale(&before, &now()), 1);
}

fn refused(change: impl FnOnce(&mut Value, &mut Value)) -> Vec<(String, &'static str)> {
    let folder = tempfile::tempdir().unwrap();
    let (mut images, mut objects) = (images(), objects());
    change(&mut images, &mut objects);
    write(folder.path(), &images, &objects);
    let imported = import("visual_genome", folder.path(), "").unwrap();
    assert_eq!(imported.rows.len() + imported.quarantined.len(), 12, "{imported:#?}");
    imported.refused()
}

#[test]
fn rows_say_what_both_versions_say() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &images(), &objects());
    let imported = import("visual_genome", folder.path(), "").unwrap();
    assert_eq!(imported.refused(), []);
    let frame = imported.frames().find(|frame| frame.frame_id == "test/3").unwrap();
    assert!(frame.uri.ends_with("/VG_100K_2/3.jpg") && frame.sha256.is_some() && !frame.exhaustive, "{frame:?}");
    let of = |id: &str| imported.detections().find(|object| object.object_id == id).unwrap();
    assert_eq!((of("5").category.as_str(), of("6").category.as_str()), ("man", "traffic light"));
    // Cut off at the border.
    let bbox = of("5").bbox;
    assert_eq!([bbox.x0, bbox.y0, bbox.x1, bbox.y1], [0.0, 20.0, 8.0, 24.0]);
}

#[test]
fn a_missing_photo_takes_its_objects_along_or_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &images(), &objects());
    std::fs::remove_file(folder.path().join("VG_100K_2/3.jpg")).unwrap();
    let codes = |options: &str| import("visual_genome", folder.path(), options).unwrap().refused();
    let expected = [("3", "missing_file"), ("3/5", "no_frame"), ("3/6", "no_frame")];
    assert_eq!(codes(""), expected.map(|(key, code)| (key.to_owned(), code)));
    assert_eq!(codes("missing_images = 'keep'"), []);
    let kept = import("visual_genome", folder.path(), "missing_images = 'keep'").unwrap();
    let frame = kept.frames().find(|frame| frame.frame_id == "test/3").unwrap();
    assert!(frame.uri.ends_with("/VG_100K_2/3.jpg") && frame.sha256.is_none(), "{frame:?}");
}

#[test]
fn each_fault_has_its_code() {
    let one = |key: &str, code| vec![(key.to_owned(), code)];
    assert_eq!(refused(|_, objects| objects[0]["objects"][0]["w"] = json!(0)), one("1/1", "box"));
    assert_eq!(refused(|_, objects| objects[0]["objects"][0]["x"] = json!(99)), one("1/1", "box"));
    assert_eq!(refused(|_, objects| objects[0]["objects"][0]["x"] = json!("wide")), one("1@1", "json"));
    assert_eq!(refused(|_, objects| objects[0]["objects"][0]["x"] = json!(null)), one("1/1", "box"));
    assert_eq!(refused(|_, objects| objects[0]["objects"][0]["names"] = json!([" "])), one("1/1", "category"));
    assert_eq!(refused(|_, objects| objects[0]["objects"][1]["id"] = json!(1)), one("1/1", "duplicate"));
    let lost = refused(|images, _| images[0]["width"] = json!(31));
    assert_eq!(lost.iter().map(|(_, code)| *code).collect::<Vec<_>>(), ["image", "no_frame", "no_frame"]);
    let lost = refused(|_, objects| objects[0]["image_id"] = json!(77));
    assert_eq!(lost, [("77/1".to_owned(), "no_frame"), ("77/2".to_owned(), "no_frame")]);
}

#[test]
fn other_forms_of_the_same_give_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &images(), &objects());
    let expected = import("visual_genome", folder.path(), "").unwrap().sorted();
    for seed in 0..40 {
        std::fs::write(folder.path().join("image_data.json"), in_other_forms(&images(), seed)).unwrap();
        std::fs::write(folder.path().join("objects.json"), in_other_forms(&objects(), seed)).unwrap();
        assert!(import("visual_genome", folder.path(), "").unwrap().sorted() == expected, "{seed}: other rows");
    }
    // A size that is missing is the photo's; one name may stand alone; what else is said of an image is passed over.
    let (mut images, mut objects) = (images(), objects());
    images[0].as_object_mut().unwrap().remove("width");
    images[1]["height"] = Value::Null;
    objects[0]["objects"][0]["names"] = json!("man");
    objects[1]["attributes"] = json!([1]);
    write(folder.path(), &images, &objects);
    let imported = import("visual_genome", folder.path(), "").unwrap();
    let told: Vec<_> = imported.quarantined.iter().map(|row| (row.code(), row.loss)).collect();
    assert_eq!(told, [("section", Loss::Nothing)]);
    let rows: Vec<_> = imported.sorted().into_iter().filter(|row| !row.starts_with("Quarantined")).collect();
    assert_eq!(rows, expected);
}
