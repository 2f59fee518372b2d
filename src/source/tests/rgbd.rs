//! RGB-D folders: two datasets without a fault, and faults of each kind.

use std::path::Path;

use crate::source::Row;
use crate::tables::{Loss, SceneObject};
use image::{GrayImage, ImageBuffer, Luma, RgbImage};
use serde_json::json;

use super::images::noted;
use super::{Fixture, Imported, import, in_other_forms};

pub const ID_IMAGES: Fixture = Fixture {
    kind: "rgbd",
    about: "id images",
    write: id_images,
    options: "exhaustive = true",
    // Two scenes of two frames; in each frame a chair and a bed, but no wall.
    rows: 2 * (1 + 2 + 4),
    files: &[
        "hall/color/1.jpg",
        "hall/depth/1.png",
        "hall/instance/1.png",
        "hall/instances.json",
        "hall/intrinsics.txt",
        "hall/gravity.txt",
    ],
};

pub const WORLD_BOXES: Fixture = Fixture {
    kind: "rgbd",
    about: "boxes in the world",
    write: world_boxes,
    options: "world_up = \"y\"",
    // One scene and frame, two boxes, one detection.
    rows: 5,
    files: &[
        "color/a.png",
        "depth/a.npy",
        "intrinsics/a.txt",
        "pose/a.txt",
        "boxes.json",
        "annotations.json",
        "scene.json",
        "timestamps.txt",
    ],
};

const WIDTH: u32 = 32;
const HEIGHT: u32 = 24;

fn put(root: &Path, path: &str, bytes: impl AsRef<[u8]>) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn colour() -> RgbImage {
    RgbImage::from_fn(WIDTH, HEIGHT, |x, y| image::Rgb([x as u8 * 8, y as u8 * 10, 90]))
}

fn id_images(root: &Path) {
    for scene in ["hall", "attic"] {
        for folder in ["color", "depth", "instance"] {
            std::fs::create_dir_all(root.join(scene).join(folder)).unwrap();
        }
        for name in ["1", "2"] {
            colour().save(root.join(format!("{scene}/color/{name}.jpg"))).unwrap();
            // Half the size of the colour image, two metres everywhere.
            let depth = ImageBuffer::<Luma<u16>, _>::from_pixel(WIDTH / 2, HEIGHT / 2, Luma([2000u16]));
            depth.save(root.join(format!("{scene}/depth/{name}.png"))).unwrap();
            let ids = GrayImage::from_fn(WIDTH, HEIGHT, |x, y| Luma([if y < 4 { 0 } else { (x / 11) as u8 + 1 }]));
            ids.save(root.join(format!("{scene}/instance/{name}.png"))).unwrap();
        }
        put(root, &format!("{scene}/intrinsics.txt"), "30 30 15.5 11.5");
        put(root, &format!("{scene}/gravity.txt"), "0 1 0");
        let names = json!({"1": "Chair", "2": {"category": "bed", "caption": "the red bed"}, "3": null});
        put(root, &format!("{scene}/instances.json"), names.to_string());
    }
}

fn world_boxes(root: &Path) {
    for folder in ["color", "depth"] {
        std::fs::create_dir_all(root.join(folder)).unwrap();
    }
    colour().save(root.join("color/a.png")).unwrap();
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({HEIGHT}, {WIDTH}), }}\n");
    let readings: Vec<u8> = (0..WIDTH * HEIGHT).flat_map(|n| (1.0 + n as f32 / 1000.0).to_le_bytes()).collect();
    let length = (header.len() as u16).to_le_bytes();
    put(root, "depth/a.npy", [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), &readings].concat());
    put(root, "intrinsics/a.txt", "30 0 15.5\n0 30 11.5\n0 0 1\n");
    // A level camera that looks along -z of a world with y up: its x is the world's, its y points down.
    put(root, "pose/a.txt", "1 0 0 0.5\n0 -1 0 1.5\n0 0 -1 0\n0 0 0 1\n");
    let axes = [1, 0, 0, 0, 1, 0, 0, 0, 1];
    let boxes = json!({"frame": "world", "boxes": [
        {"id": 1, "category": "table", "centroid": [0, 0.5, -2], "axesLengths": [1, 2, 3], "normalizedAxes": axes, "symmetry": "2"},
        {"id": "lamp-1", "category": "lamp", "centroid": [1, 1, -2], "axesLengths": [0.2, 0.4, 0.2], "normalizedAxes": axes},
    ]});
    put(root, "boxes.json", boxes.to_string());
    let annotations = json!({
        "images": [{"id": 7, "file_name": "color/a.png", "width": WIDTH, "height": HEIGHT}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 1, "bbox": [4, 4, 8, 8],
                         "segmentation": [[4, 4, 12, 4, 12, 12, 4, 12]], "caption": "the oak table"}],
        "categories": [{"id": 1, "name": "table"}],
    });
    put(root, "annotations.json", annotations.to_string());
    put(root, "scene.json", r#"{"kind": "region", "place": "flat 7", "category": "Living Room"}"#);
    put(root, "timestamps.txt", "a 1305031102.25\n");
}

fn changed(write: fn(&Path), options: &str, change: impl FnOnce(&Path)) -> Imported {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    change(folder.path());
    import("rgbd", folder.path(), options).unwrap()
}

#[test]
fn a_scene_is_what_its_files_and_options_say() {
    let scene = |write: fn(&Path), options: &str| changed(write, options, |_| {}).scenes().next().unwrap().clone();
    let flat = scene(world_boxes, "world_up = 'y'\nexhaustive = true\nmetric = false");
    assert_eq!((flat.scene_id.as_str(), flat.place_id.as_str()), ("test", "test/flat 7"));
    assert_eq!(
        (flat.kind, flat.category.as_deref(), flat.exhaustive, flat.metric),
        ("region", Some("living room"), true, false)
    );
    // Without poses there is no world, and nothing in it.
    let attic = scene(id_images, ID_IMAGES.options);
    assert_eq!((attic.kind, attic.place_id.as_str(), attic.exhaustive), ("sequence", "test/attic", false));

    let imported = changed(world_boxes, "world_up = 'y'", |root| {
        put(root, "scene.json", r#"{"kind": "cave"}"#);
        put(root, "timestamps.txt", "b 7\na 9.5\nc\n");
    });
    assert_eq!(imported.frames().next().unwrap().timestamp, Some(2.5));
    let refused = imported.refused();
    let refused: Vec<_> = refused.iter().map(|(key, code)| (key.as_str(), *code)).collect();
    assert_eq!(refused, [("scene.json", "json"), ("timestamps.txt:3", "timestamp")]);
    assert_eq!(imported.scenes().next().unwrap().kind, "scan");
}

fn boxes(imported: &Imported) -> Vec<&SceneObject> {
    imported.rows.iter().filter_map(|row| if let Row::SceneObject(row) = row { Some(row) } else { None }).collect()
}

#[test]
fn masks_and_depth_are_lifted_from_depth() {
    let imported = changed(id_images, ID_IMAGES.options, |_| {});
    let frame = imported.frames().find(|frame| frame.frame_id == "test/hall/1").unwrap();
    assert_eq!(
        (frame.lifted_from.as_deref(), frame.depth_scale, frame.exhaustive),
        (Some("depth"), Some(1000.0), true)
    );
    assert_eq!((frame.gravity.unwrap().y, frame.world_from_camera.as_ref()), (1.0, None));
    let row = imported.detections().find(|row| row.frame_id == "test/hall/1" && row.object_id == "2").unwrap();
    assert_eq!((row.category.as_str(), row.caption.as_deref()), ("bed", Some("the red bed")));
    assert_eq!((row.bbox.x0, row.bbox.y0, row.bbox.x1, row.bbox.y1), (11.0, 4.0, 22.0, 24.0));
}

#[test]
fn boxes_and_a_pose_are_lifted_from_the_scan() {
    let imported = changed(world_boxes, WORLD_BOXES.options, |_| {});
    let frame = imported.frames().next().unwrap();
    assert_eq!((frame.frame_id.as_str(), frame.scene_id.as_deref()), ("test/a", Some("test")));
    assert_eq!((frame.lifted_from.as_deref(), frame.depth_scale), (Some("scan"), Some(1.0)));
    // y up becomes z up: (x, y, z) is (x, -z, y) now. The camera looks along +y, 1.5 m above the ground.
    let expected = [1.0, 0.0, 0.0, 0.5, 0.0, 0.0, 1.0, 0.0, 0.0, -1.0, 0.0, 1.5, 0.0, 0.0, 0.0, 1.0];
    assert_eq!(frame.world_from_camera.as_deref(), Some(&expected[..]));
    let table = boxes(&imported).into_iter().find(|row| row.object_id == "1").unwrap();
    assert_eq!((table.obb.centre.x, table.obb.centre.y, table.obb.centre.z), (0.0, 2.0, 0.5));
    assert_eq!((table.min.y, table.max.y, table.min.z, table.max.z), (0.5, 3.5, -0.5, 1.5));
    assert_eq!((table.symmetry, boxes(&imported).iter().filter(|row| row.symmetry.is_none()).count()), (Some(2), 1));
    assert_eq!(imported.detections().next().unwrap().caption.as_deref(), Some("the oak table"));
}

#[test]
fn a_world_that_nobody_knows_to_be_upright_is_not_used() {
    let imported = changed(world_boxes, "world_up = \"unknown\"", |_| {});
    assert_eq!(imported.refused(), [("boxes.json/1".to_owned(), "world"), ("boxes.json/lamp-1".to_owned(), "world")]);
    let frame = imported.frames().next().unwrap();
    assert_eq!((frame.lifted_from.as_deref(), frame.world_from_camera.as_ref()), (Some("depth"), None));
    assert_eq!(frame.gravity, None);
}

#[test]
fn boxes_of_a_camera_make_its_image_a_scene() {
    let in_camera = |root: &Path| {
        std::fs::remove_file(root.join("pose/a.txt")).unwrap();
        // The camera looks 45 degrees down.
        put(root, "gravity.txt", "0 1 1");
        let boxes = json!({"frame": "camera", "boxes": [
            {"id": 1, "image": "a", "category": "table", "centroid": [0, 0, 2], "axesLengths": [1, 1, 1],
             "normalizedAxes": [1, 0, 0, 0, 1, 0, 0, 0, 1]},
            {"id": 2, "image": "b", "category": "table", "centroid": [0, 0, 2], "axesLengths": [1, 1, 1],
             "normalizedAxes": [1, 0, 0, 0, 1, 0, 0, 0, 1]},
            {"id": 3, "image": "color/a.png", "category": "table", "centroid": [0, 0, 2], "axesLengths": [1, 1, 1],
             "normalizedAxes": [1, 0, 0, 1, 0, 0, 0, 0, 1]},
        ]});
        put(root, "boxes.json", boxes.to_string());
    };
    let imported = changed(world_boxes, "", in_camera);
    assert_eq!(imported.refused(), [("boxes.json/2".to_owned(), "no_frame"), ("boxes.json/3".to_owned(), "box3d")]);
    let frame = imported.frames().next().unwrap();
    assert_eq!((frame.scene_id.as_deref(), frame.lifted_from.as_deref()), (Some("test/a"), Some("scan")));
    let centre = boxes(&imported)[0].obb.centre;
    let half = 2f64.sqrt();
    assert!(centre.x.abs() < 1e-12 && (centre.y - half).abs() < 1e-12 && (centre.z + half).abs() < 1e-12, "{centre:?}");
}

#[test]
fn each_fault_has_its_code() {
    let half = {
        let folder = tempfile::tempdir().unwrap();
        id_images(folder.path());
        let whole = std::fs::read(folder.path().join("hall/depth/1.png")).unwrap();
        whole[..whole.len() / 2].to_vec()
    };
    let faults: [(&str, &str, &[u8]); 15] = [
        ("intrinsics", "hall/intrinsics.txt", b"30 30 15.5"),
        ("intrinsics", "hall/intrinsics.txt", b"30 30 1550 11.5"),
        ("intrinsics", "hall/intrinsics.txt", b"60 60 31.5 23.5"),
        ("gravity", "hall/gravity.txt", b"0 0 0"),
        ("pose", "hall/pose/1.txt", b"1 2 3"),
        ("depth", "hall/depth/1.png", b""),
        ("depth", "hall/depth/1.png", &half),
        ("image", "hall/color/1.jpg", b""),
        ("instance", "hall/instance/1.png", b""),
        ("json", "hall/instances.json", b"{"),
        ("json", "hall/instances.json", b" "),
        ("json", "hall/instances.json", b"[{\"id\": 1, \"category\": \"chair\"}]"),
        ("json", "hall/instances.json", b"null"),
        ("category", "hall/instances.json", b"{}"),
        ("category", "hall/instances.json", b"{\"1\": \"chair\"}"),
    ];
    for (code, file, bytes) in faults {
        let imported = changed(id_images, ID_IMAGES.options, |root| put(root, file, bytes));
        assert!(imported.refused().iter().any(|(_, c)| *c == code), "{file}: {:?}", imported.quarantined);
        let attic = imported.frames().filter(|frame| frame.frame_id.starts_with("test/attic/") && frame.exhaustive);
        assert_eq!(attic.count(), 2, "{file}: the other scene is untouched");
        let hall = imported.frames().filter(|frame| frame.frame_id == "test/hall/1");
        assert!(hall.into_iter().all(|frame| !frame.exhaustive), "{file}: what was lost may be counted");
        let said = imported.quarantined.iter().find(|row| row.key == "hall/instances.json").map(|row| row.message());
        assert!(said.is_none_or(|said| said.contains("each id")), "{said:?}");
    }
}

#[test]
fn a_wrong_depth_scale_is_seen() {
    let imported = changed(id_images, "depth_scale = 1", |_| {});
    assert_eq!(imported.quarantined.iter().filter(|row| row.code() == "depth").count(), 4);
    assert!(imported.quarantined[0].message().contains("depth_scale"));
}

#[test]
fn what_is_no_fault_is_left_out_and_costs_nothing() {
    let lost = "-inf ".repeat(12) + "0 0 0 1";
    let imported = changed(id_images, ID_IMAGES.options, |root| put(root, "hall/pose/1.txt", lost));
    // With its id image.
    let told = [("hall/1".to_owned(), "tracking"), ("hall/1".to_owned(), "tracking")];
    assert_eq!((imported.frames().count(), imported.refused()), (3, told.to_vec()));
    assert!(imported.quarantined.iter().all(|row| row.loss == Loss::Nothing));
    let lost = "nan,".repeat(16);
    let imported = changed(world_boxes, WORLD_BOXES.options, |root| put(root, "pose/a.txt", lost));
    assert_eq!((imported.detections().count(), imported.quarantined.len()), (0, 2));
    assert!(imported.quarantined.iter().all(|row| row.loss == Loss::Nothing));

    // Of these a model may tell how far away everything is.
    let blank = |root: &Path| {
        let depth = ImageBuffer::<Luma<u16>, _>::new(WIDTH, HEIGHT);
        depth.save(root.join("hall/depth/1.png")).unwrap();
        std::fs::remove_file(root.join("hall/depth/2.png")).unwrap();
    };
    let imported = changed(id_images, ID_IMAGES.options, blank);
    let told = ["hall/1", "hall/2"].map(|key| (key.to_owned(), "no_depth"));
    assert_eq!((imported.refused(), imported.detections().count()), (told.to_vec(), 8));
    assert!(imported.quarantined.iter().all(|row| row.loss == Loss::Nothing));
    let hall: Vec<_> = imported.frames().filter(|frame| frame.frame_id.starts_with("test/hall/")).collect();
    assert!(hall.len() == 2 && hall.iter().all(|frame| frame.lifted_from.is_none()));
}

#[test]
fn depth_in_a_format_that_is_not_read_is_told() {
    let imported = changed(id_images, ID_IMAGES.options, |root| {
        std::fs::rename(root.join("hall/depth/1.png"), root.join("hall/depth/1.exr")).unwrap();
    });
    assert_eq!(imported.refused()[0].1, "depth");
    assert!(imported.quarantined[0].message().contains("depth as .exr is not read"), "{:?}", imported.quarantined);
}

#[test]
fn files_that_belong_to_no_image_are_told() {
    let imported = changed(id_images, ID_IMAGES.options, |root| {
        let rename = |from: &str, to: &str| std::fs::rename(root.join(from), root.join(to)).unwrap();
        // In capitals it is the same, under another name or in another format it is nothing's.
        rename("hall/instance/1.png", "hall/instance/1.PNG");
        rename("hall/instance/2.png", "hall/instance/2.npy");
        rename("attic/depth/1.png", "attic/depth/0001.png");
        rename("attic/depth/2.png", "attic/depth/0002.png");
        rename("attic/instance/2.png", "attic/instance/0002.PNG");
        put(root, "attic/pose/0001.txt", "1 0 0 0 0 1 0 0 0 0 1 0");
    });
    let expected = [
        ("attic/1", "no_depth"),
        ("attic/depth", "no_frame"),
        ("attic/pose", "no_frame"),
        ("attic/0002.PNG", "no_frame"),
        ("hall/instance/2.npy", "instance"),
    ];
    let mut told = imported.refused();
    told.sort();
    let mut expected = expected.map(|(key, code)| (key.to_owned(), code)).to_vec();
    expected.sort();
    assert_eq!((told, imported.detections().count()), (expected, 4), "{:?}", imported.quarantined);
    let lost = imported.quarantined.iter().filter(|row| row.loss == Loss::Record);
    assert_eq!(lost.count(), 2, "objects of two images");
    let exhaustive: Vec<_> = imported.frames().filter(|frame| frame.exhaustive).map(|frame| &frame.frame_id).collect();
    assert_eq!(exhaustive, ["test/attic/1", "test/hall/1"]);
}

#[test]
fn a_box_names_its_image_in_any_form() {
    for image in [json!("7"), json!(7), json!(7.0), json!("7.png"), json!("color/7.png"), json!("color\\7.png")] {
        let named = |root: &Path| {
            for (folder, ending) in [("color", "png"), ("depth", "npy"), ("intrinsics", "txt")] {
                std::fs::rename(root.join(format!("{folder}/a.{ending}")), root.join(format!("{folder}/7.{ending}")))
                    .unwrap();
            }
            std::fs::remove_file(root.join("pose/a.txt")).unwrap();
            std::fs::remove_file(root.join("annotations.json")).unwrap();
            put(root, "gravity.txt", "0 1 0");
            let one = json!({"id": 1, "image": image, "category": "table", "centroid": [0, 0, 2], "axesLengths": [1, 1, 1],
                "normalizedAxes": [1, 0, 0, 0, 1, 0, 0, 0, 1]});
            put(root, "boxes.json", json!({"frame": "camera", "boxes": [one]}).to_string());
        };
        let imported = changed(world_boxes, "", named);
        assert_eq!((boxes(&imported).len(), imported.refused()), (1, vec![]), "{image}");
    }
}

/// The rows of an import, without what is of its folder.
fn rows(write: fn(&Path), options: &str, change: impl FnOnce(&Path)) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    change(folder.path());
    let imported = import("rgbd", folder.path(), options).unwrap();
    assert_eq!(imported.refused(), []);
    let root = folder.path().canonicalize().unwrap();
    imported.sorted().into_iter().map(|row| row.replace(root.to_str().unwrap(), "")).collect()
}

#[test]
fn forms_that_mean_the_same_give_the_same_rows() {
    let ids = rows(id_images, "", |_| {});
    for (file, bytes) in [
        ("hall/intrinsics.txt", "\u{feff}30,\t30;15.5 11.5 \r\n"),
        ("hall/intrinsics.txt", "[[30, 0, 15.5, 0],\r\n[0, 30, 11.5, 0],\r\n[0, 0, 1, 0]] # K\r\n"),
        ("hall/gravity.txt", "\u{feff}(0, 9.81, 0)\r\n"),
        (
            "hall/instances.json",
            "\u{feff}{\"1\": \"Chair\",\r\n \"2\": {\"category\": \"bed\", \"caption\": \"the red bed\"}, \"3\": null}\r\n",
        ),
        (
            "hall/instances.json",
            "{\"1.0\": {\"category\": \"chair\", \"crowd\": \"0\", \"area\": NaN, \"caption\": null},
              \"2\": {\"category\": \"bed\", \"caption\": \"the red bed\", \"score\": -Infinity, \"crowd\": null}, \"3\": null, \"3\": null}",
        ),
        ("hall/color/.DS_Store", "hidden"),
        ("hall/color/1.json", "{}"),
    ] {
        assert_eq!(rows(id_images, "", |root| put(root, file, bytes)), ids, "{file}: {bytes:?}");
        let wide: Vec<u8> = ["\u{feff}", bytes.trim_start_matches('\u{feff}')]
            .concat()
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        assert_eq!(rows(id_images, "", |root| put(root, file, wide)), ids, "{file} as UTF-16: {bytes:?}");
    }
    let boxes = rows(world_boxes, WORLD_BOXES.options, |_| {});
    for file in ["pose/a.txt", "boxes.json", "annotations.json"] {
        let marked = rows(world_boxes, WORLD_BOXES.options, |root| {
            let text = std::fs::read_to_string(root.join(file)).unwrap();
            put(root, file, format!("\u{feff}{}", text.replace('\n', " \r\n")));
        });
        // Records of COCO are named by their place.
        assert_eq!(marked, boxes, "{file}");
        for seed in (0..4).filter(|_| file.ends_with(".json")) {
            let other = rows(world_boxes, WORLD_BOXES.options, |root| {
                let document = serde_json::from_slice(&std::fs::read(root.join(file)).unwrap()).unwrap();
                put(root, file, in_other_forms(&document, seed));
            });
            assert_eq!(other, boxes, "{file} {seed}");
        }
    }
}

#[test]
fn one_odd_box_costs_itself_and_no_form_is_silent() {
    let imported = |json: &str| changed(world_boxes, WORLD_BOXES.options, |root| put(root, "boxes.json", json));
    let tail =
        "\"centroid\": [0, 1, -2], \"axesLengths\": [1, 1, 1], \"normalizedAxes\": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}";
    let long = "a ".repeat(900);
    let odd = imported(&format!(
        "{{\"boxes\": [{{\"id\": 1, \"id\": 2, \"category\": \"a\", {tail}, {{\"id\": 3, \"category\": \"b\", \"centroid\": [NaN, 1, 2], {},
          {{\"id\": 4, \"category\": \"c\", \"caption\": \"{long}\", {tail}, 7], \"frame\": \"world\", \"by\": Infinity}}",
        &tail[tail.find("\"axes").unwrap()..]
    ));
    assert_eq!(boxes(&odd).iter().map(|object| object.category.as_str()).collect::<Vec<_>>(), ["c"]);
    let codes: Vec<_> = odd.refused().into_iter().map(|(_, code)| code).collect();
    assert_eq!(codes, ["box3d", "caption", "json", "json"]);
    for json in ["", "[]", "null", "{}", "{\"frame\": \"world\", \"boxes\": null}"] {
        let imported = imported(json);
        let message = imported.quarantined[0].message();
        assert!(message.contains("it should be {\"frame\""), "{json}: {message}");
    }
}

#[test]
fn what_lies_where_nobody_looks_is_told() {
    let imported = changed(id_images, ID_IMAGES.options, |root| {
        std::fs::rename(root.join("attic/color"), root.join("attic/rgb")).unwrap();
        std::fs::rename(root.join("hall/instance/1.png"), root.join("hall/instance/1.PNG")).unwrap();
    });
    let told: Vec<_> = imported.quarantined.iter().map(|row| (row.key.as_str(), row.code(), row.loss)).collect();
    assert_eq!((told, imported.detections().count()), (vec![("attic", "missing_file", Loss::Image)], 4));
    let imported = changed(id_images, ID_IMAGES.options, |root| {
        std::fs::rename(root.join("hall/depth/1.png"), root.join("hall/depth/0001.png")).unwrap();
    });
    assert!(imported.refused().contains(&("hall/depth".to_owned(), "no_frame")), "{:?}", imported.quarantined);
    assert!(imported.quarantined.iter().all(|row| row.loss == Loss::Nothing));
    let imported = changed(id_images, ID_IMAGES.options, |root| {
        for name in ["1", "2"] {
            let file = root.join(format!("hall/instance/{name}"));
            std::fs::rename(file.with_extension("png"), file.with_extension("npy")).unwrap();
        }
    });
    let told: Vec<_> = imported.quarantined.iter().map(|row| row.code()).collect();
    assert_eq!(told, ["instance"; 2]);
}

#[test]
fn a_box_names_its_image_as_records_do() {
    for image in ["1", "\"1\"", "\"1.png\"", "\"color/1.png\""] {
        let imported = changed(world_boxes, WORLD_BOXES.options, |root| {
            for (folder, ending) in [("color", "png"), ("depth", "npy"), ("pose", "txt"), ("intrinsics", "txt")] {
                let file = |name: &str| root.join(format!("{folder}/{name}.{ending}"));
                std::fs::rename(file("a"), file("1")).unwrap();
            }
            std::fs::remove_file(root.join("annotations.json")).unwrap();
            let text = std::fs::read_to_string(root.join("boxes.json")).unwrap();
            put(
                root,
                "boxes.json",
                text.replace("\"world\"", "\"camera\"").replace("\"id\"", &format!("\"image\": {image}, \"id\"")),
            );
        });
        assert_eq!((imported.refused(), boxes(&imported).len()), (vec![], 2), "{image}");
    }
}

#[test]
fn what_belongs_together_is_found_in_whichever_form_unicode_gives_its_name() {
    let expected = rows(world_boxes, WORLD_BOXES.options, |_| {}).len();
    let renamed = rows(world_boxes, WORLD_BOXES.options, |root| {
        let (apart, whole) = ("u\u{308}", "\u{fc}");
        let rename = |from: &str, to: String| std::fs::rename(root.join(from), root.join(to)).unwrap();
        rename("color/a.png", format!("color/{apart}.png"));
        rename("depth/a.npy", format!("depth/{whole}.npy"));
        rename("pose/a.txt", format!("pose/{whole}.txt"));
        rename("intrinsics/a.txt", format!("intrinsics/{apart}.txt"));
        let text = std::fs::read_to_string(root.join("annotations.json")).unwrap();
        put(root, "annotations.json", text.replace("color/a.png", &format!("{whole}.png")));
    });
    assert_eq!(renamed.len(), expected);
    assert!(
        renamed.iter().any(|row| row.starts_with("Frame") && row.contains("lifted_from: Some(\"scan\")")),
        "{renamed:#?}"
    );
}

#[test]
fn intrinsics_of_another_size_are_scaled_where_the_project_says_which() {
    let twice = |root: &Path| {
        for scene in ["hall", "attic"] {
            put(root, &format!("{scene}/intrinsics.txt"), "60 60 31.5 23.5");
        }
    };
    assert_eq!(rows(id_images, "intrinsics_size = [64, 48]", twice), rows(id_images, "", |_| {}));
    let odd = changed(id_images, "intrinsics_size = 'image'", twice);
    assert_eq!(odd.frames().next().unwrap().cx, Some(31.5));
}

/// A camera noted that its picture has to be turned clockwise; everything is stored as the sensor saw it.
#[test]
fn an_image_that_lies_on_its_side_is_upright_with_all_that_belongs_to_it() {
    let note = b"II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let lying = |root: &Path| {
        let colour = root.join("hall/color/1.jpg");
        std::fs::write(&colour, noted(&std::fs::read(&colour).unwrap(), note)).unwrap();
        // In the stored picture, down was to the right.
        put(root, "hall/gravity.txt", "1 0 0");
        put(root, "hall/intrinsics.txt", "30 32 15.5 11.0");
    };
    let imported = changed(id_images, ID_IMAGES.options, lying);
    let frame = imported.frames().find(|frame| frame.frame_id == "test/hall/1").unwrap();
    assert_eq!((frame.width, frame.height), (HEIGHT as i32, WIDTH as i32));
    assert_eq!([frame.fx, frame.fy, frame.cx, frame.cy], [Some(32.0), Some(30.0), Some(12.0), Some(15.5)]);
    assert_eq!(frame.gravity.map(|down| (down.x, down.y)), Some((0.0, 1.0)));
    assert!(frame.uri.ends_with("1.jpg#turned=6") && frame.depth_uri.as_ref().unwrap().ends_with("1.png#turned=6"));
    // Columns 11 to 22 and rows 4 to 24 of 32 x 24 pixels: what was at the bottom is on the left.
    let row = imported.detections().find(|row| row.frame_id == "test/hall/1" && row.object_id == "2").unwrap();
    assert_eq!([row.bbox.x0, row.bbox.y0, row.bbox.x1, row.bbox.y1], [0.0, 11.0, 20.0, 22.0]);
    let mask = row.mask.as_ref().unwrap();
    assert_eq!((mask.width, mask.height), (frame.width, frame.height));

    // The same with masks and depth of the picture as it is shown.
    let shown = changed(id_images, ID_IMAGES.options, |root| {
        lying(root);
        for (file, wide) in [("hall/instance/1.png", true), ("hall/depth/1.png", false)] {
            let turned = image::open(root.join(file)).unwrap().rotate90();
            assert_eq!(turned.height() == WIDTH, wide);
            turned.save(root.join(file)).unwrap();
        }
    });
    assert_eq!(shown.refused(), []);
    let again = shown.detections().find(|row| row.frame_id == "test/hall/1" && row.object_id == "2").unwrap();
    assert_eq!((again.bbox, &again.mask), (row.bbox, &row.mask));
    assert!(shown.frames().any(|frame| frame.depth_uri.as_ref().unwrap().ends_with("hall/depth/1.png")));

    // A picture in a mirror has no camera.
    let mirrored = changed(id_images, "", |root| {
        let mut mirror = *note;
        mirror[18] = 5;
        let colour = root.join("hall/color/1.jpg");
        std::fs::write(&colour, noted(&std::fs::read(&colour).unwrap(), &mirror)).unwrap();
    });
    assert!(mirrored.refused().contains(&("hall/1".to_owned(), "image")), "{:?}", mirrored.refused());
}

#[test]
fn wrong_options_are_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    world_boxes(folder.path());
    for options in [
        "depth_scale = 0",
        "depth_scale = nan",
        "intrinsics_size = 640",
        "intrinsics_size = 'photo'",
        "world_up = \"w\"",
        "world_up = [0, 0, 0]",
        "camera_axes = \"x\"",
    ] {
        let error = import("rgbd", folder.path(), options).err().unwrap();
        assert_eq!(error.kind(), crate::error::Kind::Usage, "{options}: {error}");
    }
}
