//! Cityscapes' packages as they lie on disk: instances, outlines, boxes, cameras and disparity, and faults of files.

use std::path::Path;

use serde_json::{Value, json};
use spatialmill_geometry::Vector3;

use super::{Fixture, Imported, import, in_other_forms};
use crate::tables::Detection;

pub const PACKAGES: Fixture = Fixture {
    kind: "cityscapes",
    about: "two cities: instances and 3D boxes, outlines and disparity",
    write: packages,
    options: "",
    // A frame, a car, a person, a group of cars and a truck without a mask; a frame, a car, a bicycle.
    rows: 1 + 4 + 1 + 2,
    files: &[
        "leftImg8bit/train/aachen/aachen_000000_000019_leftImg8bit.png",
        "gtFine/train/aachen/aachen_000000_000019_gtFine_instanceIds.png",
        "gtBbox3d/train/aachen/aachen_000000_000019_gtBbox3d.json",
        "gtFine/val/ulm/ulm_000001_000019_gtFine_polygons.json",
        "camera/val/ulm/ulm_000001_000019_camera.json",
        "disparity/val/ulm/ulm_000001_000019_disparity.png",
    ],
};

/// A 64th of Cityscapes' own.
const SIDES: (u32, u32) = (32, 16);

const AACHEN: &str = "train/aachen/aachen_000000_000019";
const ULM: &str = "val/ulm/ulm_000001_000019";

fn put(root: &Path, path: String, bytes: impl AsRef<[u8]>) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn png(image: impl Into<image::DynamicImage>) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn grey16(value: impl Fn(u32, u32) -> u16) -> Vec<u8> {
    png(image::ImageBuffer::from_fn(SIDES.0, SIDES.1, |x, y| image::Luma([value(x, y)])))
}

fn street(seed: u8) -> Vec<u8> {
    png(image::RgbImage::from_fn(SIDES.0, SIDES.1, |x, y| image::Rgb([x as u8 * 7, y as u8 * 15, seed])))
}

/// A camera 1.2 m above the road that looks straight ahead.
fn boxes() -> Value {
    let object = |label: &str, id: u32, centre: [f64; 3], modal: [u32; 4]| {
        json!({"2d": {"modal": modal, "amodal": modal}, "label": label, "instanceId": id, "occlusion": 0.2, "truncation": 0.0, "score": 1.0,
            "3d": {"center": centre, "dimensions": [4.0, 1.8, 1.5], "rotation": [1.0, 0.0, 0.0, 0.0], "type": "Car", "format": "CRS_ISO8855"}})
    };
    json!({"imgWidth": 2048, "imgHeight": 1024,
        "sensor": {"sensor_T_ISO_8855": [[1.0, 0.0, 0.0, -1.7], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.2]],
            "fx": 2262.0, "fy": 2265.0, "u0": 1024.0, "v0": 512.0, "baseline": 0.21},
        "objects": [object("car", 26_000, [21.7, 2.0, 0.75], [128, 384, 512, 256]), object("truck", 27_000, [31.7, -4.0, 0.75], [1300, 400, 200, 150])],
        "ignore": []})
}

fn outlines() -> Value {
    json!({"imgHeight": 1024, "imgWidth": 2048, "objects": [
        {"label": "road", "polygon": [[0, 512], [2048, 512], [2048, 1024], [0, 1024]]},
        {"label": "car", "polygon": [[256, 256], [768, 256], [768, 768], [256, 768]]},
        {"label": "bicycle", "polygon": [[512, 512], [1024, 512], [1024, 768], [512, 768]]},
        {"label": "bicyclegroup", "polygon": [[0, 0], [2, 0], [2, 2], [0, 2]], "deleted": 1},
    ]})
}

fn camera() -> Value {
    json!({"extrinsic": {"baseline": 0.209, "pitch": 0.03, "roll": 0.0, "x": 1.7, "y": 0.1, "yaw": -0.02, "z": 1.22},
        "intrinsic": {"fx": 2262.5, "fy": 2265.3, "u0": 1096.98, "v0": 513.137}})
}

fn packages(root: &Path) {
    put(root, format!("leftImg8bit/{AACHEN}_leftImg8bit.png"), street(40));
    put(
        root,
        format!("gtFine/{AACHEN}_gtFine_instanceIds.png"),
        grey16(|x, y| match (x, y) {
            (2..10, 6..10) => 26_000,
            (12..15, 5..12) => 24_000,
            (20..28, 6..9) => 26,
            _ if y >= 8 => 7,
            _ => 23,
        }),
    );
    put(root, format!("gtFine/{AACHEN}_gtFine_labelIds.png"), street(0));
    put(root, format!("gtBbox3d/{AACHEN}_gtBbox3d.json"), boxes().to_string());
    put(root, format!("leftImg8bit/{ULM}_leftImg8bit.png"), street(90));
    put(root, format!("gtFine/{ULM}_gtFine_polygons.json"), outlines().to_string());
    put(root, format!("camera/{ULM}_camera.json"), camera().to_string());
    // 47.36 m at a disparity of 10 px, and nothing on the left.
    put(root, format!("disparity/{ULM}_disparity.png"), grey16(|x, _| if x < 4 { 0 } else { 2561 }));
}

fn changed(options: &str, change: impl FnOnce(&Path)) -> Imported {
    let folder = tempfile::tempdir().unwrap();
    packages(folder.path());
    change(folder.path());
    import("cityscapes", folder.path(), options).unwrap()
}

fn object<'a>(imported: &'a Imported, id: &str) -> &'a Detection {
    imported.detections().find(|row| row.object_id == id).unwrap()
}

#[test]
fn things_have_masks_boxes_and_the_split_of_their_folder() {
    let imported = changed("", |_| {});
    assert_eq!(imported.refused(), []);
    let frames: Vec<_> = imported.frames().collect();
    let said: Vec<_> = frames
        .iter()
        .map(|frame| (frame.frame_id.as_str(), frame.split.as_deref(), frame.lifted_from.as_deref(), frame.exhaustive))
        .collect();
    assert_eq!(
        said,
        [
            ("test/aachen_000000_000019", Some("train"), Some("box"), true),
            ("test/ulm_000001_000019", Some("val"), Some("depth"), true)
        ]
    );
    let (aachen, ulm) = (frames[0], frames[1]);
    // The camera is that of images 64 times as large.
    assert!((aachen.fx.unwrap() - 2262.0 / 64.0).abs() < 1e-9 && (ulm.fx.unwrap() - 2262.5 / 64.0).abs() < 1e-9);
    let down = aachen.gravity.unwrap();
    assert_eq!((down.x.abs(), down.y, down.z.abs()), (0.0, 1.0, 0.0));
    assert!(ulm.gravity.unwrap().z > 0.02, "it looks down");

    let car = object(&imported, "26000");
    assert_eq!((car.category.as_str(), car.visibility, car.crowd), ("car", Some(0.8), false));
    assert_eq!(car.mask.as_ref().unwrap().decode().unwrap().area(), 8 * 4);
    let centre = car.obb.as_ref().unwrap().centre;
    // 20 m ahead, 2 m to the left, and its middle 45 cm below the camera.
    assert!((Vector3::new(centre.x, centre.y, centre.z) - Vector3::new(-2.0, 0.45, 20.0)).norm() < 1e-9, "{centre:?}");
    assert!(object(&imported, "26").crowd && object(&imported, "24000").obb.is_none());
    let truck = object(&imported, "27000");
    assert!(truck.mask.is_none() && (truck.bbox.x0 - 1300.0 / 64.0).abs() < 1e-9, "{truck:?}");
    // The bicycle covers a quarter of the second car.
    let covered = imported.detections().filter(|row| row.frame_id.contains("ulm"));
    let covered: Vec<_> =
        covered.map(|row| (row.category.as_str(), row.mask.as_ref().unwrap().decode().unwrap().area())).collect();
    assert_eq!(covered, [("car", 8 * 8 - 4 * 4), ("bicycle", 8 * 4)]);
    assert!(ulm.depth_uri.as_ref().unwrap().contains("#disparity=472.8") && ulm.depth_scale.is_none(), "{ulm:?}");
}

#[test]
fn packages_may_lie_apart_and_be_read_in_any_form() {
    let apart = changed("", |root| {
        for package in ["leftImg8bit", "gtFine", "gtBbox3d", "camera", "disparity"] {
            let folder = root.join(format!("{package}_trainvaltest"));
            std::fs::create_dir(&folder).unwrap();
            std::fs::rename(root.join(package), folder.join(package)).unwrap();
        }
        put(root, format!("camera_trainvaltest/camera/{ULM}_camera.json"), in_other_forms(&camera(), 3));
    });
    assert_eq!((apart.rows.len(), apart.refused()), (PACKAGES.rows, vec![]));
}

#[test]
fn coarse_outlines_count_where_there_are_no_fine_ones() {
    let coarse = |root: &Path| {
        put(root, "leftImg8bit/train_extra/bonn/bonn_000000_000019_leftImg8bit.png".into(), street(7));
        put(root, "gtCoarse/train_extra/bonn/bonn_000000_000019_gtCoarse_polygons.json".into(), outlines().to_string());
        put(root, format!("gtCoarse/{ULM}_gtCoarse_polygons.json"), "{}");
    };
    let imported = changed("", coarse);
    let bonn = imported.frames().find(|frame| frame.frame_id.contains("bonn")).unwrap();
    assert_eq!(
        (bonn.split.as_deref(), bonn.exhaustive, bonn.fx, bonn.lifted_from.as_deref()),
        (Some("train"), false, None, None)
    );
    assert_eq!((imported.rows.len(), imported.refused()), (PACKAGES.rows + 3, vec![]));
    let stated = changed("exhaustive = true", coarse);
    assert!(stated.frames().all(|frame| frame.exhaustive));
}

#[test]
fn faults_cost_what_they_spoil() {
    let code = |change: fn(&Path)| {
        let imported = changed("", change);
        let frames: Vec<_> = imported.frames().map(|frame| frame.exhaustive).collect();
        (
            imported.refused().into_iter().map(|(_, code)| code).collect::<Vec<_>>(),
            frames,
            imported.detections().count(),
        )
    };
    // A value that no label has: the frame stays, and nothing is counted in it.
    let odd = code(|root| {
        put(root, format!("gtFine/{AACHEN}_gtFine_instanceIds.png"), grey16(|x, _| if x < 4 { 7_000 } else { 26_000 }))
    });
    assert_eq!(odd, (vec!["instance"], vec![false, true], 2 + 2));
    let small =
        code(|root| put(root, format!("gtFine/{AACHEN}_gtFine_instanceIds.png"), png(image::GrayImage::new(8, 4))));
    assert_eq!(small, (vec!["instance"], vec![false, true], 2 + 2));
    // Without its camera, disparity is no depth; the objects wait for a model.
    let blind = code(|root| std::fs::remove_file(root.join(format!("camera/{ULM}_camera.json"))).unwrap());
    assert_eq!(blind, (vec!["no_depth"], vec![true, true], 4 + 2));
    let wrong =
        code(|root| put(root, format!("camera/{ULM}_camera.json"), camera().to_string().replace("2262.5", "-1")));
    assert_eq!(wrong, (vec!["intrinsics"], vec![true], 4));
    let lost = code(|root| std::fs::remove_file(root.join(format!("leftImg8bit/{ULM}_leftImg8bit.png"))).unwrap());
    assert_eq!(lost, (vec![], vec![true], 4), "a city without any image is none");
    let one =
        code(|root| put(root, "camera/train/aachen/aachen_000009_000019_camera.json".into(), camera().to_string()));
    assert_eq!(one, (vec!["no_frame"], vec![true, true], 4 + 2));
    // The boxes' file is the only one with a camera there: the image has none, and its masks are kept.
    let broken = code(|root| put(root, format!("gtBbox3d/{AACHEN}_gtBbox3d.json"), "{\"imgWidth\": 2048"));
    assert_eq!(broken, (vec!["json"], vec![false, true], 3 + 2));
    let twice = code(|root| {
        let mut two = boxes();
        two["objects"][1]["instanceId"] = json!(26_000);
        put(root, format!("gtBbox3d/{AACHEN}_gtBbox3d.json"), two.to_string());
    });
    assert_eq!(twice, (vec!["box3d"], vec![false, true], 3 + 2));
}
