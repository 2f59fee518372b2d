//! COCO: a dataset without a fault, and one fault of each kind.

use std::path::Path;

use image::RgbImage;
use serde_json::{Value, json};

use super::{Fixture, Imported, import};

pub const PHOTOS: Fixture = Fixture {
    kind: "coco",
    about: "photos",
    write: |root| write(root, document(), Some(captions())),
    options: "shards = 3",
    rows: 8 + 16,
    files: &[
        "annotations/instances_val2017.json",
        "annotations/captions_val2017.json",
        "val2017/2.jpg",
        "val2017/3.png",
    ],
};

/// Eight images with two objects each; one in four is a crowd.
fn document() -> Value {
    let ending = |id: u32| if id.is_multiple_of(2) { "jpg" } else { "png" };
    let images = (1..=8).map(|id| {
        json!({"id": id, "file_name": format!("{id}.{}", ending(id)), "width": 32, "height": 24, "license": id % 3})
    });
    let objects = (1..=16).map(|id| {
        let segmentation = match id % 4 {
            0 => json!({"size": [24, 32], "counts": [24 * 4 + 4, 8, 16, 8, 24 * 32 - 136 + 4]}),
            1 => json!([[4.0, 4.0, 6.0, 4.0, 6.0, 12.0, 4.0, 12.0]]),
            2 => json!({"size": [24, 32], "counts": "T38`00\\c0"}),
            _ => json!([]),
        };
        json!({"id": id, "image_id": (id + 1) / 2, "category_id": if id % 2 == 0 { 18 } else { 44 }, "bbox": [4, 4, 2, 8],
               "segmentation": segmentation, "iscrowd": u8::from(id % 4 == 0), "area": 16.0})
    });
    json!({
        "info": {"year": 2017},
        "images": images.collect::<Vec<_>>(),
        "annotations": objects.collect::<Vec<_>>(),
        "categories": [{"id": 18, "name": "Dog"}, {"id": 44, "name": "wine_glass"}],
        "licenses": [{"id": 1, "name": "By", "url": "https://example.org/by"}, {"id": 2, "name": "Own"}],
    })
}

fn captions() -> Value {
    let captions = (1..=8).map(|id| json!({"id": id, "image_id": id, "caption": format!("Photo {id}. ")}));
    json!({"images": [], "annotations": captions.collect::<Vec<_>>()})
}

fn write(root: &Path, document: Value, captions: Option<Value>) {
    std::fs::create_dir_all(root.join("annotations")).unwrap();
    std::fs::create_dir_all(root.join("val2017")).unwrap();
    for id in 1..=8u32 {
        let image = RgbImage::from_fn(32, 24, |x, y| image::Rgb([x as u8 * 8, y as u8 * 10, id as u8]));
        image.save(root.join(format!("val2017/{id}.{}", if id.is_multiple_of(2) { "jpg" } else { "png" }))).unwrap();
    }
    std::fs::write(root.join("annotations/instances_val2017.json"), document.to_string()).unwrap();
    if let Some(captions) = captions {
        std::fs::write(root.join("annotations/captions_val2017.json"), captions.to_string()).unwrap();
    }
}

/// Imports the faultless document after `change` was made to it.
fn changed(options: &str, change: impl FnOnce(&mut Value)) -> Imported {
    let folder = tempfile::tempdir().unwrap();
    let mut document = document();
    change(&mut document);
    write(folder.path(), document, None);
    import("coco", folder.path(), options).unwrap()
}

fn exhaustive(imported: &Imported) -> Vec<String> {
    let mut ids: Vec<_> = imported.frames().filter(|frame| !frame.exhaustive).map(|f| f.frame_id.clone()).collect();
    ids.sort();
    ids
}

#[test]
fn rows_say_what_the_files_say() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), document(), Some(captions()));
    let imported = import("coco", folder.path(), "").unwrap();
    let frame = imported.frames().find(|frame| frame.frame_id == "test/1").unwrap();
    assert_eq!(frame.licence.as_deref(), Some("https://example.org/by"));
    assert_eq!((frame.width, frame.height, frame.exhaustive), (32, 24, true));
    assert_eq!(frame.split.as_deref(), Some("val"));
    assert_eq!(frame.captions, Some(vec!["Photo 1.".to_owned()]));
    assert_eq!((frame.lifted_from.as_ref(), frame.sha256.as_ref().map(String::len)), (None, Some(64)));
    let second = imported.frames().find(|frame| frame.frame_id == "test/2").unwrap();
    assert_eq!(second.licence.as_deref(), Some("Own"));
    let objects: Vec<_> = imported.detections().filter(|d| d.frame_id == "test/1" || d.frame_id == "test/2").collect();
    let of = |id: &str| objects.iter().find(|d| d.object_id == id).unwrap();
    assert_eq!((of("1").category.as_str(), of("2").category.as_str()), ("wine glass", "dog"));
    // The same pixels as a polygon, as plain and as compressed run lengths.
    assert_eq!(of("1").mask, of("2").mask);
    assert_eq!((of("3").mask.as_ref(), of("3").crowd, of("4").crowd), (None, false, true));
    assert!(imported.detections().all(|d| d.caption.is_none()), "captions of images are not captions of objects");
}

#[test]
fn a_missing_photo_takes_its_objects_along_or_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), document(), None);
    std::fs::remove_file(folder.path().join("val2017/5.png")).unwrap();
    let imported = import("coco", folder.path(), "").unwrap();
    assert_eq!(
        imported.refused(),
        [("5".to_owned(), "missing_file"), ("5/10".to_owned(), "no_frame"), ("5/9".to_owned(), "no_frame")]
    );
    assert_eq!(imported.rows.len(), PHOTOS.rows - 3);
    let kept = import("coco", folder.path(), "missing_images = \"keep\"").unwrap();
    assert_eq!((kept.refused(), kept.rows.len()), (vec![], PHOTOS.rows));
    assert_eq!(kept.frames().filter(|frame| frame.sha256.is_none()).count(), 1);
}

#[test]
fn a_lost_object_makes_its_frame_uncountable() {
    let imported = changed("", |document| document["annotations"][0]["bbox"] = json!([30, 4, 20, 8]));
    assert_eq!(imported.refused(), [("1/1".to_owned(), "box")]);
    assert_eq!(exhaustive(&imported), ["test/1"]);

    let imported = changed("", |document| document["annotations"][4]["id"] = json!(6));
    assert_eq!(imported.refused(), [("3/6".to_owned(), "duplicate")]);
    assert_eq!(exhaustive(&imported), ["test/3"]);

    let imported = changed("", |document| document["annotations"][4]["category_id"] = json!(7));
    assert_eq!(imported.refused(), [("3/5".to_owned(), "category")]);
    assert_eq!(exhaustive(&imported), ["test/3"]);

    // The image's id can still be read.
    let imported = changed("", |document| document["annotations"][4]["bbox"] = json!("wide"));
    assert_eq!(imported.quarantined[0].code, "json");
    assert!(imported.quarantined[0].key.starts_with("annotations/instances_val2017.json@"));
    assert_eq!(exhaustive(&imported), ["test/3"]);
}

#[test]
fn an_image_that_cannot_be_used_says_why() {
    for (code, field, value) in [
        ("path", "file_name", json!("../../../etc/passwd")),
        ("path", "file_name", json!("outside/passwd")),
        ("path", "file_name", json!("a\\b.jpg")),
        ("missing_file", "file_name", json!("/etc/passwd")),
        ("image", "width", json!(33)),
        ("image", "width", json!(0)),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut document = document();
        document["images"][0][field] = value.clone();
        write(folder.path(), document, None);
        std::os::unix::fs::symlink("/etc", folder.path().join("val2017/outside")).unwrap();
        let imported = import("coco", folder.path(), "").unwrap();
        let refused = imported.refused();
        assert_eq!(refused[0], ("1".to_owned(), code), "{field} {value}: {:?}", imported.quarantined);
        assert_eq!((refused[1].1, refused[2].1, refused.len()), ("no_frame", "no_frame", 3));
    }
}

#[test]
fn two_images_of_one_id_are_one() {
    let imported = changed("", |document| document["images"][6]["id"] = json!(8));
    let codes: Vec<_> = imported.refused().into_iter().map(|(_, code)| code).collect();
    // Objects of image 7 have none now.
    assert_eq!(codes, ["no_frame", "no_frame", "duplicate"]);
}

#[test]
fn what_comes_before_a_break_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    // Categories first, so that there is something to keep.
    let whole = document();
    let text = format!(
        r#"{{"categories": {}, "images": {}, "annotations": {}"#,
        whole["categories"], whole["images"], whole["annotations"]
    );
    let cut = text.find(r#""id":9,"#).unwrap();
    write(folder.path(), json!({}), None);
    std::fs::write(folder.path().join("annotations/instances_val2017.json"), &text[..cut]).unwrap();
    let imported = import("coco", folder.path(), "").unwrap();
    assert_eq!(imported.quarantined.len(), 1);
    assert!(imported.quarantined[0].message.contains(&format!("byte {cut}")), "{:?}", imported.quarantined);
    assert_eq!((imported.frames().count(), imported.detections().count()), (8, 8));
    assert_eq!(exhaustive(&imported).len(), 8);
}

#[test]
fn what_is_no_coco_file_is_an_error() {
    for text in ["", "[]", "{\"images\": ", "not json", "\0\0\0\0"] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), json!({}), None);
        std::fs::write(folder.path().join("annotations/instances_val2017.json"), text).unwrap();
        let error = import("coco", folder.path(), "").err().unwrap();
        assert!(error.to_string().contains("instances_val2017.json"), "{error}");
    }
}
