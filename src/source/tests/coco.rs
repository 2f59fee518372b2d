//! COCO: a dataset without a fault, and one fault of each kind.

use std::path::Path;

use image::RgbImage;
use serde_json::{Value, json};

use crate::tables::{Detection, Loss};

use super::images::{note, noted};
use super::{Fixture, Imported, import, in_other_forms, shards, stale};

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

pub const SEGMENTS: Fixture = Fixture {
    kind: "coco",
    about: "panoptic",
    write: |root| write_panoptic(root, &panoptic()),
    options: "shards = 2",
    rows: 3 + 9,
    files: &["annotations/panoptic_val2017.json", "annotations/panoptic_val2017/000000000002.png"],
};

/// Three images with a person, a crowd of people and a wall each.
fn panoptic() -> Value {
    let images = (1..=3).map(|id| json!({"id": id, "file_name": format!("{id:012}.jpg"), "width": 32, "height": 24}));
    let segments = json!([
        {"id": id_of(PERSON), "category_id": 1, "iscrowd": 0, "bbox": [2, 3, 6, 10], "area": 60},
        {"id": id_of(PEOPLE), "category_id": 1, "iscrowd": 1, "bbox": [20, 3, 8, 10], "area": 80},
        {"id": id_of(WALL), "category_id": 199, "iscrowd": 0, "bbox": [0, 16, 32, 8], "area": 256},
    ]);
    let annotations =
        (1..=3).map(|id| json!({"image_id": id, "file_name": format!("{id:012}.png"), "segments_info": segments}));
    json!({
        "info": {"description": "COCO 2018 Panoptic Dataset"},
        "licenses": [],
        "images": images.collect::<Vec<_>>(),
        "annotations": annotations.collect::<Vec<_>>(),
        "categories": [{"id": 1, "name": "person", "isthing": 1, "supercategory": "person", "color": [220, 20, 60]},
                       {"id": 199, "name": "wall-other", "isthing": 0, "supercategory": "wall", "color": [102, 102, 156]}],
    })
}

const PERSON: [u8; 3] = [92, 21, 60];
const PEOPLE: [u8; 3] = [18, 29, 48];
const WALL: [u8; 3] = [7, 0, 0];

fn id_of([red, green, blue]: [u8; 3]) -> u32 {
    u32::from(red) + 256 * u32::from(green) + 65536 * u32::from(blue)
}

fn write_panoptic(root: &Path, document: &Value) {
    std::fs::create_dir_all(root.join("annotations/panoptic_val2017")).unwrap();
    std::fs::create_dir_all(root.join("val2017")).unwrap();
    for id in 1..=3 {
        RgbImage::from_pixel(32, 24, image::Rgb([id, 9, 9])).save(root.join(format!("val2017/{id:012}.jpg"))).unwrap();
        let segments = RgbImage::from_fn(32, 24, |x, y| match (x, y) {
            (2..8, 3..13) => image::Rgb(PERSON),
            (20..28, 3..13) => image::Rgb(PEOPLE),
            (_, 16..) => image::Rgb(WALL),
            _ => image::Rgb([0, 0, 0]),
        });
        segments.save(root.join(format!("annotations/panoptic_val2017/{id:012}.png"))).unwrap();
    }
    std::fs::write(root.join("annotations/panoptic_val2017.json"), document.to_string()).unwrap();
}

/// Imports the faultless segments after `change` was made to them.
fn segmented(options: &str, change: impl FnOnce(&mut Value)) -> Imported {
    let folder = tempfile::tempdir().unwrap();
    let mut document = panoptic();
    change(&mut document);
    write_panoptic(folder.path(), &document);
    import("coco", folder.path(), options).unwrap()
}

#[test]
fn segments_are_objects_with_masks_and_stuff_is_a_crowd() {
    let imported = segmented("exhaustive = true", |_| ());
    assert_eq!((imported.refused(), uncountable(&imported)), (vec![], vec![]));
    let frame = imported.frames().find(|frame| frame.frame_id == "test/2").unwrap();
    assert_eq!(frame.split.as_deref(), Some("val"));
    let of = |id: [u8; 3]| {
        let id = id_of(id).to_string();
        imported.detections().find(|row| row.frame_id == "test/2" && row.object_id == id).unwrap()
    };
    let area = |row: &Detection| {
        let mask = row.mask.as_ref().unwrap();
        spatialmill_geometry::Mask::from_counts(mask.height as u32, mask.width as u32, &mask.counts).unwrap().area()
    };
    assert_eq!((area(of(PERSON)), of(PERSON).crowd, of(PERSON).category.as_str()), (60, false, "person"));
    assert_eq!((area(of(PEOPLE)), of(PEOPLE).crowd, of(PEOPLE).bbox.x0), (80, true, 20.0));
    assert_eq!((area(of(WALL)), of(WALL).crowd, of(WALL).bbox.y0), (256, true, 16.0));
    // The box is that of the mask where there is none.
    let boxless = segmented("exhaustive = true", |document| {
        document["annotations"][0]["segments_info"][0].as_object_mut().unwrap().remove("bbox");
    });
    assert_eq!(placeless(&boxless), placeless(&imported));
}

#[test]
fn segments_are_read_where_there_are_no_instances_of_their_part() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), document(), None);
    write_panoptic(folder.path(), &panoptic());
    assert_eq!(import("coco", folder.path(), "").unwrap().rows.len(), 8 + 16);
    let both = "annotations = ['annotations/instances_val2017.json', 'annotations/panoptic_val2017.json']";
    let imported = import("coco", folder.path(), both).unwrap();
    assert_eq!((imported.refused(), imported.detections().count()), (vec![], 16 + 9));
    // In the root, and wherever the option says.
    for (place, options) in [("panoptic_val2017", ""), ("elsewhere", "panoptic = 'elsewhere'")] {
        let folder = tempfile::tempdir().unwrap();
        write_panoptic(folder.path(), &panoptic());
        std::fs::rename(folder.path().join("annotations/panoptic_val2017"), folder.path().join(place)).unwrap();
        let imported = import("coco", folder.path(), options).unwrap();
        assert_eq!((imported.refused(), imported.rows.len()), (vec![], 3 + 9), "{place}");
    }
}

#[test]
fn a_lost_segment_makes_its_frame_uncountable() {
    let check = |expected: &[(&str, &str)], change: fn(&mut Value)| {
        let imported = segmented("exhaustive = true", |document| change(&mut document["annotations"][1]));
        let refused: Vec<_> = imported.refused();
        let refused: Vec<(&str, &str)> =
            refused.iter().map(|(key, code)| (key.split('@').next().unwrap(), *code)).collect();
        assert_eq!((refused, uncountable(&imported)), (expected.to_vec(), vec!["test/2".to_owned()]));
    };
    let (person, people, wall) = ("2/3937628", "2/3153170", "2/7");
    let file = "annotations/panoptic_val2017.json";
    check(&[(wall, "category")], |annotation| annotation["segments_info"][2]["category_id"] = json!(5));
    check(&[(wall, "json")], |annotation| annotation["segments_info"][2]["bbox"] = json!("wide"));
    check(&[("2/8", "mask"), (file, "mask")], |annotation| annotation["segments_info"][2]["id"] = json!(8));
    check(&[(file, "mask")], |annotation| drop(annotation["segments_info"].as_array_mut().unwrap().pop()));
    check(&[(people, "missing_file"), (person, "missing_file"), (wall, "missing_file")], |annotation| {
        annotation["file_name"] = json!("none.png");
    });
    check(&[(people, "path"), (person, "path"), (wall, "path")], |annotation| {
        annotation["file_name"] = json!("../../../etc/passwd");
    });
    let lost = segmented("", |document| document["images"][1]["width"] = json!(31));
    assert_eq!(lost.refused().iter().map(|(_, code)| *code).collect::<Vec<_>>(), ["image", "no_frame"]);
}

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

/// The rows, wherever the dataset lies.
fn placeless(imported: &Imported) -> Vec<String> {
    let placeless = |row: String| match (row.find("file://"), row.find("/val2017/")) {
        (Some(start), Some(end)) => format!("{}{}", &row[..start], &row[end..]),
        _ => row,
    };
    imported.sorted().into_iter().map(placeless).collect()
}

/// The frames of which nothing may be counted.
fn uncountable(imported: &Imported) -> Vec<String> {
    let mut ids: Vec<_> = imported.frames().filter(|frame| !frame.exhaustive).map(|f| f.frame_id.clone()).collect();
    ids.sort();
    ids
}

/// Buckets have fingerprints of their own: of their records, and of the photos that those mention.
#[test]
fn a_photo_and_a_record_make_their_own_bucket_stale() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, document(), Some(captions()));
    let now = || shards("coco", root, "shards = 5");
    let rewrite = |document: &Value| {
        std::fs::write(root.join("annotations/instances_val2017.json"), document.to_string()).unwrap();
    };
    let before = now();
    std::fs::copy(root.join("val2017/2.jpg"), root.join("val2017/unnamed.jpg")).unwrap();
    assert_eq!(stale(&before, &now()), 0, "no record mentions the photo");
    std::fs::write(root.join("val2017/2.jpg"), "another photo").unwrap();
    assert_eq!(stale(&before, &now()), 1, "a photo changed");

    let (before, mut more) = (now(), document());
    more["images"].as_array_mut().unwrap().insert(0, json!({"id": 9, "file_name": "9.jpg", "width": 32, "height": 24}));
    rewrite(&more);
    assert_eq!(stale(&before, &now()), 1, "an image is new");
    std::fs::copy(root.join("val2017/4.jpg"), root.join("val2017/9.jpg")).unwrap();
    assert_eq!(stale(&before, &now()), 1, "with its photo");
    let before = now();
    more["annotations"][3]["bbox"] = json!([4, 4, 3, 8]);
    rewrite(&more);
    assert_eq!(stale(&before, &now()), 1, "an object changed");
    let before = now();
    more["categories"][0]["name"] = json!("Cat");
    rewrite(&more);
    assert_eq!(stale(&before, &now()), 5, "a category is all images'");
    // A photo that a second image is of, too, is no longer known to have all its objects in either.
    let before = now();
    more["images"].as_array_mut().unwrap().push(json!({"id": 10, "file_name": "4.jpg", "width": 32, "height": 24}));
    rewrite(&more);
    let (now, of_both) = (now(), |id: u32| (xxhash_rust::xxh3::xxh3_64(id.to_string().as_bytes()) % 5) as usize);
    for bucket in [of_both(4), of_both(10)] {
        assert_ne!(before[bucket].fingerprint, now[bucket].fingerprint);
    }
    assert!(stale(&before, &now) <= 2);
}

#[test]
fn rows_say_what_the_files_say() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), document(), Some(captions()));
    let imported = import("coco", folder.path(), "exhaustive = true").unwrap();
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
    const MARKED: &str = "exhaustive = true";
    let imported = changed(MARKED, |document| document["annotations"][0]["bbox"] = json!([30, 4, 20, 8]));
    assert_eq!(imported.refused(), [("1/1".to_owned(), "box")]);
    assert_eq!(uncountable(&imported), ["test/1"]);

    let imported = changed(MARKED, |document| document["annotations"][4]["id"] = json!(6));
    assert_eq!(imported.refused(), [("3/6".to_owned(), "duplicate")]);
    assert_eq!(uncountable(&imported), ["test/3"]);

    let imported = changed(MARKED, |document| document["annotations"][4]["category_id"] = json!(7));
    assert_eq!(imported.refused(), [("3/5".to_owned(), "category")]);
    assert_eq!(uncountable(&imported), ["test/3"]);

    // The image's id can still be read.
    let imported = changed(MARKED, |document| document["annotations"][4]["bbox"] = json!("wide"));
    assert_eq!(imported.quarantined[0].code(), "json");
    assert!(imported.quarantined[0].key.starts_with("annotations/instances_val2017.json@"));
    assert_eq!(uncountable(&imported), ["test/3"]);
}

#[test]
fn an_image_that_cannot_be_used_says_why() {
    for (code, field, value) in [
        ("path", "file_name", json!("../../../etc/passwd")),
        ("path", "file_name", json!("outside/passwd")),
        ("missing_file", "file_name", json!("a\\b.jpg")),
        ("missing_file", "file_name", json!("/etc/passwd")),
        ("image", "width", json!(33)),
        ("image", "width", json!(0.5)),
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
fn two_photos_of_one_id_are_not_told_apart() {
    let imported = changed("", |document| document["images"][6]["id"] = json!(8));
    let mut losses: Vec<_> = imported.quarantined.iter().map(|row| (row.code(), row.loss)).collect();
    losses.sort_by_key(|(code, loss)| (*code, *loss == Loss::Nothing));
    // Nobody knows whose the objects of image 8 are, and those of image 7 have none now.
    let expected = [("duplicate", Loss::Image); 2].into_iter().chain([("no_frame", Loss::Record); 2]);
    assert_eq!(losses, expected.chain([("no_frame", Loss::Nothing); 2]).collect::<Vec<_>>());
    assert_eq!((imported.frames().count(), imported.detections().count()), (6, 12));

    // The same photo, listed twice, is one; so is an annotation.
    let imported = changed("exhaustive = true", |document| {
        for list in ["images", "annotations"] {
            let again = document[list][3].clone();
            document[list].as_array_mut().unwrap().push(again);
        }
    });
    let losses: Vec<_> = imported.quarantined.iter().map(|row| (row.code(), row.loss)).collect();
    assert_eq!(losses, [("duplicate", Loss::Nothing); 2]);
    assert_eq!((imported.rows.len(), uncountable(&imported)), (8 + 16, vec![]));
}

#[test]
fn ids_are_of_their_file() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, document(), Some(captions()));
    // A second file that numbers everything from the start, too: another photo, another category, another caption.
    std::fs::create_dir_all(root.join("train")).unwrap();
    RgbImage::new(32, 24).save(root.join("train/a.png")).unwrap();
    let train = json!({
        "images": [{"id": 1, "file_name": "a.png", "width": 32, "height": 24}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 18, "bbox": [1, 1, 9, 9]},
                        {"id": 2, "image_id": 2, "category_id": 18, "bbox": [1, 1, 9, 9]}],
        "categories": [{"id": 18, "name": "cat"}],
    });
    std::fs::write(root.join("annotations/instances_train.json"), train.to_string()).unwrap();
    let said = json!({"annotations": [{"id": 1, "image_id": 1, "caption": "Of the train file."}]});
    std::fs::write(root.join("annotations/captions_train.json"), said.to_string()).unwrap();
    let imported = import("coco", root, "shards = 2").unwrap();
    // There is an image 2, but not in that file.
    assert_eq!(imported.refused(), [("2/2".to_owned(), "no_frame")]);
    let of = |uri: &str| imported.frames().find(|frame| frame.uri.ends_with(uri)).unwrap();
    let (cat, first) = (of("train/a.png"), of("val2017/1.png"));
    // Sorted by name, the train file comes first, and val2017 starts again.
    assert_eq!((cat.frame_id.as_str(), cat.split.as_deref()), ("test/1", Some("train")));
    assert_eq!((first.frame_id.as_str(), first.split.as_deref()), ("test/val2017/1", Some("val")));
    assert_eq!(cat.captions, Some(vec!["Of the train file.".to_owned()]));
    assert_eq!(first.captions, Some(vec!["Photo 1.".to_owned()]));
    let categories = |frame_id: &str| {
        let mut names: Vec<_> =
            imported.detections().filter(|d| d.frame_id == frame_id).map(|d| d.category.as_str()).collect();
        names.sort_unstable();
        names
    };
    assert_eq!((categories("test/1"), categories("test/val2017/1")), (vec!["cat"], vec!["dog", "wine glass"]));
    assert_eq!(imported.frames().count(), 9);

    // Files that number their images apart keep the names that they have alone.
    let apart = train.to_string().replace("\"id\":1,", "\"id\":77,").replace("image_id\":1", "image_id\":77");
    std::fs::write(root.join("annotations/instances_train.json"), apart).unwrap();
    std::fs::write(
        root.join("annotations/captions_train.json"),
        said.to_string().replace("image_id\":1", "image_id\":77"),
    )
    .unwrap();
    let ids: Vec<String> = import("coco", root, "").unwrap().frames().map(|frame| frame.frame_id.clone()).collect();
    assert!(ids.contains(&"test/77".to_owned()) && ids.contains(&"test/1".to_owned()), "{ids:?}");
}

#[test]
fn files_of_the_same_photos_share_their_frames() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, document(), None);
    // One annotation told again, one of its own under a number that is taken, and one of no image.
    let more = json!({
        "images": document()["images"],
        "annotations": [document()["annotations"][0], {"id": 2, "image_id": 1, "category_id": 1, "bbox": [0, 0, 9, 9]},
                        {"id": 3, "image_id": 99, "category_id": 1, "bbox": [0, 0, 9, 9]}],
        "categories": [{"id": 44, "name": "wine_glass"}, {"id": 1, "name": "person"}],
    });
    std::fs::write(root.join("annotations/person_keypoints_val2017.json"), more.to_string()).unwrap();
    let files = "annotations = ['annotations/instances_val2017.json', 'annotations/person_keypoints_val2017.json']
        images = 'val2017'
        exhaustive = true";
    let imported = import("coco", root, files).unwrap();
    assert_eq!(imported.refused(), [("1/1".to_owned(), "duplicate"), ("99/3".to_owned(), "no_frame")]);
    assert_eq!((imported.frames().count(), uncountable(&imported)), (8, vec![]));
    let person = imported.detections().find(|d| d.category == "person").unwrap();
    assert_eq!(
        (person.frame_id.as_str(), person.object_id.as_str()),
        ("test/1", "annotations/person_keypoints_val2017/2")
    );
    assert_eq!(imported.detections().count(), 17);
}

#[test]
fn other_forms_of_the_same_give_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), document(), Some(captions()));
    let expected = import("coco", folder.path(), "").unwrap().sorted();
    for seed in 0..40 {
        let text = in_other_forms(&document(), seed);
        std::fs::write(folder.path().join("annotations/instances_val2017.json"), &text).unwrap();
        let text = in_other_forms(&captions(), seed);
        std::fs::write(folder.path().join("annotations/captions_val2017.json"), &text).unwrap();
        assert!(import("coco", folder.path(), "").unwrap().sorted() == expected, "{seed}: other rows from {text}");
    }
}

#[test]
fn what_need_not_be_there_is_found_elsewhere() {
    // The size is the photo's, the box that of the mask.
    let expected = placeless(&changed("", |_| ()));
    for absent in [Value::Null, json!([])] {
        let imported = changed("", |document| {
            document["annotations"][0]["bbox"] = absent.clone();
            document["annotations"][1].as_object_mut().unwrap().remove("bbox");
            for (n, image) in document["images"].as_array_mut().unwrap().iter_mut().enumerate() {
                let image = image.as_object_mut().unwrap();
                for side in ["width", "height"].into_iter().skip(n % 2) {
                    image.remove(side);
                }
            }
        });
        assert_eq!(placeless(&imported), expected);
    }
    // LVIS knows its photos by their addresses, which may be of another folder of COCO.
    let folder = tempfile::tempdir().unwrap();
    let mut named = document();
    for image in named["images"].as_array_mut().unwrap() {
        let name = image.as_object_mut().unwrap().remove("file_name").unwrap();
        image["coco_url"] = json!(format!("http://images.example.org/val2017/{}", name.as_str().unwrap()));
    }
    write(folder.path(), named, None);
    for options in ["", "images = 'train2017'"] {
        assert_eq!(placeless(&import("coco", folder.path(), options).unwrap()), expected, "{options}");
    }
    // What both say is said by `file_name`.
    let imported = changed("", |document| {
        document["images"][0]["coco_url"] = json!("http://images.example.org/val2017/2.jpg");
        document["images"][0]["file_path"] = json!("3.png");
    });
    assert_eq!(placeless(&imported), expected);
}

#[test]
fn oddities_are_told_and_cost_nothing() {
    let long = "A very long story. ".repeat(200);
    let imported = changed("exhaustive = true", |document| {
        document["annotations"][0]["segmentation"].as_array_mut().unwrap().push(json!([1.0, 2.0]));
        document["annotations"][2]["caption"] = json!(long);
        document["categories"].as_array_mut().unwrap().push(json!({"id": 7, "name": "_"}));
        document["tracks"] = json!([{"id": 1}]);
    });
    let told: Vec<_> = imported.refused().into_iter().map(|(_, code)| code).collect();
    assert_eq!(told, ["mask", "caption", "category", "section"]);
    assert!(imported.quarantined.iter().all(|row| row.loss == Loss::Nothing), "{:?}", imported.quarantined);
    assert_eq!((imported.rows.len(), uncountable(&imported)), (8 + 16, vec![]));
    let caption = imported.detections().find_map(|d| d.caption.as_deref()).unwrap();
    assert!(long.starts_with(caption) && (900..=1000).contains(&caption.len()), "{caption}");
    // Where one of the sections is missing, an unknown one may be it.
    let imported = changed("exhaustive = true", |document| {
        let images = document.as_object_mut().unwrap().remove("images").unwrap();
        document["Images"] = images;
    });
    assert_eq!((imported.frames().count(), imported.quarantined[0].loss), (0, Loss::Record));
}

#[test]
fn two_images_of_one_photo_are_not_whole() {
    let imported = changed("exhaustive = true", |document| document["images"][3]["file_name"] = json!("2.jpg"));
    let told: Vec<_> = imported.quarantined.iter().map(|row| (row.key.as_str(), row.code(), row.loss)).collect();
    assert_eq!(told, [("2", "duplicate", Loss::Nothing), ("4", "duplicate", Loss::Nothing)]);
    assert_eq!(uncountable(&imported), ["test/2", "test/4"]);
}

#[test]
fn photos_are_found_where_they_are() {
    let named = |prefix: &str| {
        let mut document = document();
        for image in document["images"].as_array_mut().unwrap() {
            image["file_name"] = json!(format!("{prefix}{}", image["file_name"].as_str().unwrap()));
        }
        document
    };
    // With their folder; as Windows writes it; beside their file; and never above the root.
    for (prefix, file) in
        [("val2017/", "annotations/instances_val2017.json"), (".\\val2017\\", "result.json"), ("", "val2017/all.json")]
    {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), json!({}), None);
        std::fs::create_dir(folder.path().join("images")).unwrap();
        std::fs::write(folder.path().join(file), named(prefix).to_string()).unwrap();
        let imported = import("coco", folder.path(), &format!("annotations = '{file}'")).unwrap();
        assert_eq!((imported.refused(), imported.frames().count()), (vec![], 8), "{prefix} {file}");
    }
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), named("..\\"), None);
    let imported = import("coco", folder.path(), "").unwrap();
    assert!(imported.frames().count() == 0 && imported.quarantined[0].code() == "path");
    let imported = changed("", |document| document["images"][0]["file_name"] = json!("none.jpg"));
    assert!(imported.quarantined[0].message().contains("`images` of the source"), "{:?}", imported.quarantined);
}

#[test]
fn what_converters_leave_out_is_not_needed() {
    let imported = changed("", |document| {
        for image in document["images"].as_array_mut().unwrap() {
            (image["width"], image["height"]) = (json!(0), json!(-1));
        }
        for object in document["annotations"].as_array_mut().unwrap() {
            object.as_object_mut().unwrap().remove("id");
        }
        document["categories"][0]["name"] = json!(18);
    });
    assert_eq!((imported.refused(), imported.rows.len()), (vec![], 8 + 16));
    assert!(imported.detections().any(|row| row.category == "18"));
    let imported = changed("", |document| document["categories"] = json!(["dog", "glass"]));
    let said = imported.quarantined[0].message();
    assert!(said.contains("{\"id\": .., \"name\": ..}"), "{said}");
}

#[test]
fn a_camera_of_another_size_is_refused_or_scaled() {
    let camera = |k: [[f64; 3]; 3]| move |document: &mut Value| document["images"][0]["K"] = json!(k);
    let half = changed("", camera([[40.0, 0.0, 31.5], [0.0, 40.0, 23.5], [0.0, 0.0, 1.0]]));
    let lost = &half.quarantined[0];
    assert_eq!((lost.code(), lost.loss), ("intrinsics", Loss::Image));
    assert!(lost.message().contains("intrinsics_size = [64, 48]"), "{}", lost.message());
    for (k, options) in [
        ([[40.0, 0.0, 31.5], [0.0, 40.0, 23.5], [0.0, 0.0, 1.0]], "intrinsics_size = [64, 48]"),
        ([[20.0, 0.0, 15.5], [0.0, 20.0, 11.5], [0.0, 0.0, 1.0]], ""),
        ([[20.0, 0.0, 15.5], [0.0, 20.0, 11.5], [0.0, 0.0, 1.0]], "intrinsics_size = \"image\""),
    ] {
        let imported = changed(options, camera(k));
        let frame = imported.frames().find(|frame| frame.fx.is_some()).unwrap();
        assert_eq!([frame.fx, frame.fy, frame.cx, frame.cy], [Some(20.0), Some(20.0), Some(15.5), Some(11.5)]);
    }
    assert!(import("coco", tempfile::tempdir().unwrap().path(), "annotations = 'x'\nintrinsics_size = 7").is_err());
}

#[test]
fn a_photo_is_found_in_whichever_form_unicode_gives_its_name() {
    for (on_disk, named) in [("Ku\u{308}che", "K\u{fc}che"), ("K\u{fc}che", "Ku\u{308}che")] {
        let folder = tempfile::tempdir().unwrap();
        let mut document = document();
        document["images"][1]["file_name"] = json!(format!("{named}/{named}.jpg"));
        write(folder.path(), document, None);
        std::fs::create_dir(folder.path().join(format!("val2017/{on_disk}"))).unwrap();
        let photo = format!("val2017/{on_disk}/{on_disk}.jpg");
        std::fs::rename(folder.path().join("val2017/2.jpg"), folder.path().join(&photo)).unwrap();
        let imported = import("coco", folder.path(), "").unwrap();
        assert_eq!((imported.refused(), imported.frames().count()), (vec![], 8));
        let uri = &imported.frames().find(|frame| frame.frame_id == "test/2").unwrap().uri;
        let path = url::Url::parse(uri).unwrap().to_file_path().unwrap();
        assert_eq!(path, folder.path().canonicalize().unwrap().join(photo));
    }
}

#[test]
fn only_cocos_own_files_are_taken_to_be_marked_completely() {
    let imported = changed("", |_| ());
    assert_eq!(uncountable(&imported).len(), 8);
    let imported = changed("exhaustive = true", |_| ());
    assert_eq!(uncountable(&imported).len(), 0);
}

#[test]
fn lvis_is_obeyed_category_by_category() {
    let federated = |options: &str| {
        let imported = changed(options, |document| {
            let names = ["lamp", "table lamp", "chair", "cat"];
            let more = names.iter().enumerate().map(|(id, name)| json!({"id": id, "name": name}));
            document["categories"].as_array_mut().unwrap().extend(more);
            // Image 1 has a wine glass, a dog, a lamp; image 2 a wine glass and a dog, one of which is lost.
            document["annotations"][2]["image_id"] = json!(1);
            document["annotations"][2]["category_id"] = json!(0);
            document["annotations"][3]["bbox"] = json!([0, 0, -1, 0]);
            document["images"][0]["not_exhaustive_category_ids"] = json!([44]);
            document["images"][0]["neg_category_ids"] = json!([2.0]);
            document["images"][1]["neg_category_ids"] = json!(["0", 1, 3]);
            document["images"][3]["neg_category_ids"] = json!([3]);
        });
        ["test/1", "test/2", "test/3", "test/4"].map(|id| {
            let frame = imported.frames().find(|frame| frame.frame_id == id).unwrap();
            (frame.exhaustive, frame.exhaustive_categories.clone().unwrap_or_default().join(", "))
        })
    };
    // Nobody looked for table lamps in image 1, so that its lamps may be more than one.
    let by_category = [(false, "chair, dog".to_owned()), (false, "cat, lamp, table lamp".to_owned())];
    assert_eq!(federated("")[..2], by_category);
    assert_eq!(federated("exhaustive = true")[..2], by_category);
    assert_eq!(federated("exhaustive = true")[2], (true, String::new()));
    // Nobody says whether what is marked in image 4 is all.
    assert_eq!(federated("")[3], (false, "cat".to_owned()));
    assert_eq!(federated("exhaustive = false"), [(); 4].map(|()| (false, String::new())));
}

#[test]
fn a_record_says_which_way_up_its_photo_was_seen() {
    for (orientation, size, turned) in [
        (6, (32, 24), None),
        (6, (24, 32), Some("turned=6")),
        (8, (24, 32), Some("turned=8")),
        // A half turn leaves no trace in the size.
        (3, (32, 24), None),
        (1, (32, 24), None),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut document = document();
        (document["images"][1]["width"], document["images"][1]["height"]) = (json!(size.0), json!(size.1));
        for object in
            document["annotations"].as_array_mut().unwrap().iter_mut().filter(|object| object["image_id"] == 2)
        {
            object["segmentation"] = json!([[4, 4, 6, 4, 6, 12, 4, 12]]);
        }
        write(folder.path(), document, None);
        let photo = folder.path().join("val2017/2.jpg");
        std::fs::write(&photo, noted(&std::fs::read(&photo).unwrap(), &note(orientation, 50))).unwrap();
        let imported = import("coco", folder.path(), "").unwrap();
        assert_eq!(imported.refused(), []);
        let frame = imported.frames().find(|frame| frame.frame_id == "test/2").unwrap();
        assert_eq!((frame.width, frame.height), size, "{orientation}");
        assert_eq!(frame.uri.split_once('#').map(|(_, place)| place), turned, "{orientation}");
        let object = imported.detections().find(|object| object.frame_id == "test/2").unwrap();
        let mask = object.mask.as_ref().unwrap();
        assert_eq!(((mask.width, mask.height), object.bbox.x0, object.bbox.y1), (size, 4.0, 12.0));
    }
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
    let imported = import("coco", folder.path(), "exhaustive = true").unwrap();
    assert_eq!(imported.quarantined.len(), 1);
    assert!(imported.quarantined[0].message().contains(&format!("byte {cut}")), "{:?}", imported.quarantined);
    assert_eq!((imported.frames().count(), imported.detections().count()), (8, 8));
    assert_eq!(uncountable(&imported).len(), 8);
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
