//! All-Seeing: regions of one photo a file, regions a line, and grounded conversations; and one fault of each kind.

use std::io::Write;
use std::path::Path;

use image::RgbImage;
use serde_json::{Value, json};

use crate::source::root::Root;
use crate::source::{SOURCES, SourceOptions};
use crate::tables::{Detection, Loss};

use super::{Fixture, Imported, import, in_other_forms, shards, stale};

pub const REGIONS: Fixture = Fixture {
    kind: "all_seeing",
    about: "a file a photo",
    write: |root| {
        photos(root);
        for n in 1..=3 {
            put(root, &format!("annotations/sa_{n}.json"), document(n).to_string().as_bytes());
        }
    },
    options: "shards = 2",
    rows: 3 + 6,
    files: &["annotations/sa_1.json", "images/sa_000000/sa_1.jpg"],
};

pub const LINES: Fixture = Fixture {
    kind: "all_seeing",
    about: "regions a line",
    write: |root| {
        photos(root);
        put(root, "semantic_tag_1m.json", Value::from(tags()).to_string().as_bytes());
        put(root, "jsonl_format/part_0.jsonl", as_lines(&questions()).as_bytes());
        put(root, "region_caption_400k.jsonl.gz", &packed(&as_lines(&captions())));
    },
    options: "shards = 2",
    rows: 3 + 6,
    files: &[
        "semantic_tag_1m.json",
        "jsonl_format/part_0.jsonl",
        "region_caption_400k.jsonl.gz",
        "images/sa_000000/sa_2.jpg",
    ],
};

pub const CONVERSATIONS: Fixture = Fixture {
    kind: "all_seeing",
    about: "conversations",
    write: |root| {
        photos(root);
        put(root, "as_pretrain_10m/sa_000000.jsonl", as_lines(&conversations()).as_bytes());
    },
    options: "",
    rows: 3 + 9,
    files: &["as_pretrain_10m/sa_000000.jsonl", "images/sa_000000/sa_3.jpg"],
};

/// Photos of 40 x 20 pixels.
fn photos(root: &Path) {
    std::fs::create_dir_all(root.join("images/sa_000000")).unwrap();
    for n in 1..=3_u8 {
        let photo = RgbImage::from_fn(40, 20, |x, y| image::Rgb([x as u8 * 6, y as u8 * 12, n * 20]));
        photo.save(root.join(format!("images/sa_000000/sa_{n}.jpg"))).unwrap();
    }
}

/// As the data browser has it.
fn document(n: u32) -> Value {
    json!({
        "image": {"image_id": n, "width": 40, "height": 20, "file_name": format!("sa_{n}.jpg"), "folder_name": "sa_000000",
                  "caption": format!("The image shows photo {n}."), "global_candidates": ["boats", "dock"]},
        "annotations": [
            {"box": [4.0, 2.0, 10.0, 8.0], "semantic_tag": ["a small boat", "dock"], "confidence": [31.5, 22.25],
             "question": ["What is it?"], "answer": ["It is a boat."], "caption": "The small boat with a rope is blue."},
            {"box": [20.0, 5.0, 25.0, 10.0], "semantic_tag": ["pier", "dock"], "confidence": [21.5, 24.0],
             "question": [], "answer": [], "caption": ""},
        ],
    })
}

/// The same boxes as lines: of AS-Core and AS-100M.
fn tags() -> Vec<Value> {
    each(
        |photo, bbox, n| json!({"image": photo, "width": 40, "height": 20, "bbox": bbox, "semantic_tag": if n == 0 { "boat" } else { "dock" }}),
    )
}

fn questions() -> Vec<Value> {
    let ask = |question: &str| {
        let question = question.to_owned();
        each(move |photo, bbox, _| json!({"image": photo, "question": question, "answer": "It is blue.", "bbox": bbox}))
    };
    [ask("What is it?"), ask("What is its colour?")].concat()
}

fn captions() -> Vec<Value> {
    each(|photo, bbox, n| {
        let caption = if n == 0 { "The blue boat is small." } else { "A dock." };
        json!({"image": photo, "width": 40, "height": 20, "bbox": bbox, "caption": caption})
    })
}

fn each(record: impl Fn(String, [f64; 4], u32) -> Value) -> Vec<Value> {
    let boxes = [[4.0, 2.0, 14.0, 10.0], [20.0, 5.0, 40.0, 15.0]];
    (1..=3)
        .flat_map(|n| [(n, 0), (n, 1)])
        .map(|(n, i)| record(format!("sa_000000/sa_{n}.jpg"), boxes[i as usize], i))
        .collect()
}

fn conversations() -> Vec<Value> {
    (1..=3)
        .map(|n| {
            json!({"id": n, "image": format!("sa_000000/sa_{n}.jpg"), "conversations": [
                {"from": "human", "value": "<image>\nWhere are the <ref>boats</ref><box>[[100, 100, 350, 500], [500, 250, 999, 750]]</box>?"},
                {"from": "gpt", "value": "They lie <pred>beside</pred><box>[[100, 100, 350, 500]]</box><box>[[0, 600, 999, 999]]</box> \
                                          <ref>a pier</ref><box>[[0, 600, 999, 999]]</box>; <ref>they</ref><box>[[500, 250, 999, 750]]</box> are blue."},
            ]})
        })
        .collect()
}

fn as_lines(records: &[Value]) -> String {
    records.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
}

fn packed(text: &str) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(text.as_bytes()).unwrap();
    packer.finish().unwrap()
}

fn put(root: &Path, path: &str, bytes: &[u8]) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Imports one file of this content beside the photos.
fn imported(path: &str, text: &str, options: &str) -> Imported {
    let folder = tempfile::tempdir().unwrap();
    photos(folder.path());
    put(folder.path(), path, text.as_bytes());
    import("all_seeing", folder.path(), options).unwrap()
}

fn sides(row: &Detection) -> [f64; 4] {
    [row.bbox.x0, row.bbox.y0, row.bbox.x1, row.bbox.y1].map(|side| (side * 100.0).round() / 100.0)
}

fn of<'a>(imported: &'a Imported, frame: &str) -> Vec<(&'a str, [f64; 4])> {
    let objects = imported.detections().filter(|row| row.frame_id == frame);
    objects.map(|row| (row.category.as_str(), sides(row))).collect()
}

/// What was told, without where.
fn codes(imported: &Imported) -> Vec<(&str, Loss)> {
    imported.quarantined.iter().map(|row| (row.code(), row.loss)).collect()
}

/// One file, of photo 1, after `change`.
fn changed(change: impl FnOnce(&mut Value)) -> Imported {
    let mut document = document(1);
    change(&mut document);
    imported("annotations/sa_1.json", &document.to_string(), "")
}

#[test]
fn a_region_has_its_surest_tag_and_the_phrase_of_its_caption() {
    let imported = changed(|_| ());
    assert_eq!(imported.refused(), []);
    let frame = imported.frames().next().unwrap();
    assert_eq!((frame.frame_id.as_str(), frame.width, frame.exhaustive), ("test/sa_1", 40, false));
    assert!(frame.uri.ends_with("/images/sa_000000/sa_1.jpg") && frame.sha256.is_some(), "{frame:?}");
    assert_eq!(frame.captions, Some(vec!["The image shows photo 1.".to_owned()]));
    // Width and height, cut off at the border.
    assert_eq!(of(&imported, "test/sa_1"), [("small boat", [4.0, 2.0, 14.0, 10.0]), ("dock", [20.0, 5.0, 40.0, 15.0])]);
    let rows: Vec<_> = imported.detections().collect();
    assert_eq!((rows[0].object_id.as_str(), rows[0].score, rows[1].score), ("4_2_14_10", Some(0.315), Some(0.24)));
    assert_eq!((rows[0].caption.as_deref(), rows[1].caption.as_deref()), (Some("The small boat with a rope"), None));
    assert!(rows.iter().all(|row| row.made_by == "all_seeing" && !row.crowd));
}

#[test]
fn what_several_files_say_of_a_region_is_one_object() {
    let folder = tempfile::tempdir().unwrap();
    (LINES.write)(folder.path());
    let imported = import("all_seeing", folder.path(), "").unwrap();
    assert_eq!(imported.refused(), []);
    let rows: Vec<_> = imported.detections().filter(|row| row.frame_id == "test/sa_2").collect();
    assert_eq!(rows.len(), 2);
    assert_eq!(
        (rows[0].category.as_str(), rows[0].caption.as_deref(), sides(rows[0])),
        ("boat", Some("The blue boat"), [4.0, 2.0, 14.0, 10.0])
    );
    // Questions alone name nothing.
    std::fs::remove_file(folder.path().join("semantic_tag_1m.json")).unwrap();
    let unnamed = import("all_seeing", folder.path(), "").unwrap();
    assert_eq!((unnamed.rows.len(), codes(&unnamed)), (3, vec![("category", Loss::Record); 6]));
    let named = import("all_seeing", folder.path(), "untagged = 'Thing'").unwrap();
    assert!(named.refused().is_empty() && named.detections().all(|row| row.category == "thing"));
}

#[test]
fn words_name_their_boxes_in_pixels() {
    let text = as_lines(&conversations()[..1]);
    let boats = [("boat", [4.0, 2.0, 14.0, 10.0]), ("boat", [20.0, 5.0, 39.96, 15.0])];
    let expected = [boats[0], boats[1], ("pier", [0.0, 12.0, 39.96, 19.98])];
    let plain = imported("as_mix_4m.jsonl", &text, "");
    assert_eq!((plain.refused(), of(&plain, "test/sa_1")), (vec![], expected.to_vec()));
    assert_eq!(plain.detections().next().unwrap().object_id, "4_2_14_10");
    let scaled = imported("as_mix_4m.jsonl", &text, "box_scale = 999");
    assert_eq!(of(&scaled, "test/sa_1")[2].1, [0.0, 12.01, 40.0, 20.0]);
    // The photo is half as high as its square: what says 250 to 750 there is all of it.
    let square =
        text.replace("100, 100, 350, 500", "100, 300, 350, 500").replace("500, 250, 999, 750", "500, 375, 999, 625");
    let square = square.replace("0, 600, 999, 999", "0, 550, 999, 760");
    for (path, options) in [("rec_a.jsonl", ""), ("as_mix_4m.jsonl", "square_pad = true")] {
        let imported = imported(path, &square, options);
        let expected =
            [("boat", [4.0, 2.0, 14.0, 10.0]), ("boat", [20.0, 5.0, 39.96, 15.0]), ("pier", [0.0, 12.0, 39.96, 20.0])];
        assert_eq!((imported.refused(), of(&imported, "test/sa_1")), (vec![], expected.to_vec()));
    }
    let outside = imported("rec_a.jsonl", &text.replace("0, 600, 999, 999", "0, 800, 999, 999"), "");
    assert!(outside.quarantined.iter().any(|row| row.code() == "box" && row.message().contains("square_pad")));
}

#[test]
fn each_fault_has_its_code() {
    let lost = |code| vec![(code, Loss::Record)];
    let first = |change: fn(&mut Value)| {
        codes(&changed(|document| change(&mut document["annotations"][0])))
            .into_iter()
            .map(|(code, loss)| (code.to_owned(), loss))
            .collect::<Vec<_>>()
    };
    let owned =
        |codes: Vec<(&str, Loss)>| codes.into_iter().map(|(code, loss)| (code.to_owned(), loss)).collect::<Vec<_>>();
    assert_eq!(first(|region| region["box"] = json!([4, 2, 0, 8])), owned(lost("box")));
    assert_eq!(first(|region| region["box"] = json!([50, 2, 4, 8])), owned(lost("box")));
    assert_eq!(first(|region| region["box"] = json!([4, 2, 4])), owned(lost("box")));
    assert_eq!(first(|region| region["box"] = json!([4, null, 4, 4])), owned(lost("box")));
    assert_eq!(first(|region| region["box"] = json!("wide")), owned(lost("json")));
    assert_eq!(first(|region| region["semantic_tag"] = json!(["they", " "])), owned(lost("category")));
    assert_eq!(first(|region| region["confidence"] = json!([131.5, 1])), owned(vec![("score", Loss::Nothing)]));
    assert_eq!(first(|region| region["box"] = json!([20, 5, 25, 10])), owned(vec![("duplicate", Loss::Nothing)]));
    let of_image = codes(&changed(|document| document["image"]["width"] = json!(41))).len();
    assert_eq!(of_image, 1 + 2);
    let missing = changed(|document| document["image"]["file_name"] = json!("sa_9.jpg"));
    assert_eq!(
        codes(&missing),
        [("missing_file", Loss::Image), ("no_frame", Loss::Nothing), ("no_frame", Loss::Nothing)]
    );
    for (file, code) in [(json!("../../etc/passwd"), "path"), (json!(7), "json")] {
        let folder = tempfile::tempdir().unwrap();
        (REGIONS.write)(folder.path());
        let mut document = document(1);
        document["image"]["file_name"] = file;
        document["image"]["folder_name"] = json!(null);
        put(folder.path(), "annotations/sa_1.json", document.to_string().as_bytes());
        let imported = import("all_seeing", folder.path(), "").unwrap();
        assert_eq!((imported.quarantined[0].code(), imported.frames().count()), (code, 2));
    }
}

#[test]
fn markup_that_is_broken_costs_its_own_boxes() {
    let said = |value: &str, image: Value| {
        let good = &conversations()[1];
        let record = json!({"image": image, "conversations": [{"from": "gpt", "value": value}]});
        imported("a.jsonl", &format!("{good}\n{record}\n"), "")
    };
    let photo = || json!("sa_000000/sa_1.jpg");
    let one = said("A <ref>dog</ref><box>[[0,0,500,500]]</box> and a <ref>cat<box>[[1,1,9,9]]</box>", photo());
    assert_eq!(of(&one, "test/sa_1"), [("dog", [0.0, 0.0, 20.0, 10.0])]);
    assert!(codes(&one).contains(&("markup", Loss::Record)), "{:?}", one.quarantined);
    assert_eq!(codes(&said("A <ref>dog</ref>.", photo())), [("markup", Loss::Nothing)]);
    assert_eq!(codes(&said("<ref>They</ref><box>[[0,0,500,500]]</box> run.", photo())), [("category", Loss::Record)]);
    assert_eq!(codes(&said("What is a dog?", json!(null))), [("json", Loss::Nothing)]);
    assert_eq!(codes(&said("<ref>dog</ref><box>[[0,0,500,500]]</box>", json!(null))), [("json", Loss::Record)]);
    let asked = "{\"image\": \"sa_000000/sa_1.jpg\", \"conversations\": [{\"value\": \"What is <ref>region1</ref><box>[[0,0,500,500]]</box>?\"}, \
                 {\"value\": \"The old dog with a hat is asleep.\"}, {\"value\": \"Is it a <ref>dog</ref><box>[[0,0,500,500]]</box>?\"}]}";
    let asked = imported("a.jsonl", asked, "");
    assert_eq!(asked.detections().next().unwrap().caption.as_deref(), Some("The old dog with a hat"));
}

#[test]
fn what_comes_before_a_break_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    photos(folder.path());
    let text = as_lines(&tags());
    let bytes = packed(&text);
    put(folder.path(), "a.jsonl.gz", &bytes[..bytes.len() - 9]);
    let imported = import("all_seeing", folder.path(), "").unwrap();
    assert!(
        imported.quarantined.iter().any(|row| row.message().contains("gzip breaks off")),
        "{:?}",
        imported.quarantined
    );
    put(folder.path(), "a.jsonl.gz", &packed(&format!("{}\n{{\"image\": \n", &text)));
    let kept = import("all_seeing", folder.path(), "").unwrap();
    assert_eq!((kept.rows.len(), codes(&kept)), (9, vec![("json", Loss::Record)]));
}

#[test]
fn other_peoples_files_are_told_and_cost_nothing() {
    let folder = tempfile::tempdir().unwrap();
    (REGIONS.write)(folder.path());
    let coco = json!({"info": {}, "images": [{"id": 1}], "annotations": [{"id": 1}], "categories": []});
    put(folder.path(), "annotations/coco.json", coco.to_string().as_bytes());
    put(folder.path(), "annotations/coco_pretty.json", serde_json::to_string_pretty(&coco).unwrap().as_bytes());
    put(folder.path(), "annotations/metafile.json", b"{\"sa_1.jpg\": \"./annotations/sa_1.json\"}");
    let imported = import("all_seeing", folder.path(), "").unwrap();
    assert_eq!((imported.rows.len(), codes(&imported)), (9, vec![("section", Loss::Nothing); 3]));
    assert!(imported.quarantined.iter().take(2).all(|row| row.message().contains("kind `coco`")));
    let error = import("all_seeing", folder.path(), "annotations = 'annotations/coco.json'").err().unwrap().to_string();
    assert!(error.contains("no record of All-Seeing"), "{error}");
}

#[test]
fn other_forms_of_the_same_give_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    (REGIONS.write)(folder.path());
    let expected = import("all_seeing", folder.path(), "").unwrap().sorted();
    for seed in 0..40 {
        put(folder.path(), "annotations/sa_1.json", in_other_forms(&document(1), seed).as_bytes());
        let imported = import("all_seeing", folder.path(), "").unwrap();
        assert_eq!(imported.sorted(), expected, "{seed}");
    }
    // Over several lines; a list of such objects; a photo under its name alone.
    std::fs::remove_dir_all(folder.path().join("annotations")).unwrap();
    let mut all: Vec<Value> = (1..=3).map(document).collect();
    all[2]["image"].as_object_mut().unwrap().remove("folder_name");
    std::fs::rename(folder.path().join("images/sa_000000/sa_3.jpg"), folder.path().join("images/sa_3.jpg")).unwrap();
    put(folder.path(), "all.json", serde_json::to_string_pretty(&all).unwrap().as_bytes());
    let imported = import("all_seeing", folder.path(), "").unwrap();
    assert_eq!((imported.refused(), imported.rows.len()), (vec![], 9));
}

#[test]
fn a_photo_and_a_record_make_their_own_bucket_stale() {
    let folder = tempfile::tempdir().unwrap();
    (REGIONS.write)(folder.path());
    let now = || shards("all_seeing", folder.path(), "shards = 5");
    let before = now();
    put(folder.path(), "images/unnamed.jpg", b"no record mentions it");
    assert_eq!(stale(&before, &now()), 0);
    put(folder.path(), "images/sa_000000/sa_1.jpg", b"another photo");
    assert_eq!(stale(&before, &now()), 1);
    let before = now();
    let mut more = document(2);
    more["annotations"][0]["box"][0] = json!(5.0);
    put(folder.path(), "annotations/sa_2.json", more.to_string().as_bytes());
    assert_eq!(stale(&before, &now()), 1);
    let before = now();
    put(folder.path(), "annotations/sa_10.json", document(10).to_string().as_bytes());
    assert_eq!(stale(&before, &now()), 1);
}

#[test]
fn what_is_missing_is_told_before_it_is_read() {
    let unsaid = |root: &Path, options: &str| {
        let kind = SOURCES.iter().find(|source| source.name == "all_seeing").unwrap();
        let options = SourceOptions { extra: toml::from_str(options).unwrap(), ..SourceOptions::default() };
        kind.open(Root::local(root).unwrap(), &options).unwrap().unsaid().unwrap().join("\n")
    };
    let folder = tempfile::tempdir().unwrap();
    photos(folder.path());
    put(folder.path(), "part_0.jsonl", as_lines(&questions()).as_bytes());
    // Fifty boxes that all lie where the square's padding leaves them.
    let boxes = vec!["[0, 260, 999, 740]"; 50].join(", ");
    let padded = json!({"image": "sa_000000/sa_1.jpg", "conversations": [{"value": format!("<ref>cars</ref><box>[{boxes}]</box>")}]});
    put(folder.path(), "as_mix.jsonl", padded.to_string().as_bytes());
    let said = unsaid(folder.path(), "");
    assert!(said.contains("`part_0.jsonl` have no tags") && said.contains("`square_pad = true`"), "{said}");
    assert_eq!(unsaid(folder.path(), "untagged = 'thing'\nsquare_pad = true"), "");
    std::fs::remove_dir_all(folder.path().join("images")).unwrap();
    let said = unsaid(folder.path(), "untagged = 'thing'");
    assert!(said.contains("none of the first") && said.contains("missing_images"), "{said}");
}
