//! Views of objects in each layout: poses, boxes of silhouettes, names, and faults of files.

use std::path::Path;

use serde_json::json;
use spatialmill_geometry::{Matrix3, Rigid, Vector3};

use super::{Fixture, Imported, import};
use crate::source::Row;
use crate::tables::{Loss, SceneObject};

pub const RENDERS: Fixture = Fixture {
    kind: "object_views",
    about: "Zero123's renders of a ball",
    write: renders,
    options: "",
    // The scene, the ball, four views.
    rows: 1 + 1 + 4,
    files: &["views/ball/000.npy", "views/ball/001.png", "names.json"],
};

pub const TRANSFORMS: Fixture = Fixture {
    kind: "object_views",
    about: "photos with a NeRF's transforms.json",
    write: photos,
    options: "",
    rows: 1 + 1 + 3,
    files: &["fox/transforms.json", "fox/images/0002.jpg"],
};

/// Half the ball's width.
const RADIUS: f64 = 0.4;

/// Azimuths in degrees; all cameras are 20 degrees up.
const AZIMUTHS: [f64; 4] = [0.0, 64.0, 150.0, 245.0];

const SIDE: u32 = 64;

fn put(root: &Path, path: &str, bytes: impl AsRef<[u8]>) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Camera to world in OpenGL's axes: x right, y up, z away from the object.
fn pose(azimuth: f64, centre: Vector3<f64>, distance: f64) -> Rigid {
    let (azimuth, elevation) = (azimuth.to_radians(), 20.0_f64.to_radians());
    let back = Vector3::new(elevation.cos() * azimuth.cos(), elevation.cos() * azimuth.sin(), elevation.sin());
    let right = Vector3::z().cross(&back).normalize();
    let rotation = Matrix3::from_columns(&[right, back.cross(&right), back]);
    Rigid { rotation, translation: centre + back * distance }
}

/// A ball in the middle, of the size that it has from `distance`, on transparent ground.
fn ball(distance: f64) -> Vec<u8> {
    egg(distance, 1.0)
}

/// The same with so much of its width.
fn egg(distance: f64, width: f64) -> Vec<u8> {
    // The outline of a ball is a circle of tan(asin(r / d)) focal lengths.
    let sine = RADIUS / distance;
    let reach = f64::from(SIDE) * 35.0 / 32.0 * sine / (1.0 - sine * sine).sqrt();
    let image = image::RgbaImage::from_fn(SIDE, SIDE, |x, y| {
        let middle = f64::from(SIDE) / 2.0 - 0.5;
        let inside = ((f64::from(x) - middle) / width).hypot(f64::from(y) - middle) <= reach;
        image::Rgba([200, 80, 40, if inside { 255 } else { 0 }])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn npy(world_from_camera: &Rigid) -> Vec<u8> {
    let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }\n";
    let numbers = world_from_camera.inverse().to_row_major();
    let data: Vec<u8> = numbers[..12].iter().flat_map(|number| number.to_le_bytes()).collect();
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), &data].concat()
}

fn renders(root: &Path) {
    for (n, azimuth) in AZIMUTHS.into_iter().enumerate() {
        put(root, &format!("views/ball/{n:03}.png"), ball(1.5));
        put(root, &format!("views/ball/{n:03}.npy"), npy(&pose(azimuth, Vector3::zeros(), 1.5)));
    }
    put(root, "names.json", json!({"ball": {"name": "Beach_Ball", "licence": "CC-BY-4.0", "symmetry": 0}}).to_string());
}

fn jpeg(n: u8) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let image = image::RgbImage::from_fn(30, 40, |x, y| image::Rgb([x as u8 * 6, y as u8 * 5, n]));
    image.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

const FOX: Vector3<f64> = Vector3::new(0.5, -1.0, 0.25);

fn transforms() -> serde_json::Value {
    let frame = |n: usize, azimuth: f64| {
        let pose = pose(azimuth, FOX, 4.0).to_row_major();
        let rows: Vec<&[f64]> = pose.chunks(4).collect();
        json!({"file_path": format!("images/{n:04}.jpg"), "sharpness": 30.5, "transform_matrix": rows})
    };
    let frames: Vec<_> = (1..).zip([10.0, 80.0, 200.0]).map(|(n, azimuth)| frame(n, azimuth)).collect();
    // Of photos twice the size.
    json!({"camera_angle_x": 0.7, "fl_x": 70.0, "fl_y": 71.0, "k1": 0.05, "cx": 30.0, "cy": 40.0, "w": 60.0, "h": 80.0, "frames": frames})
}

fn photos(root: &Path) {
    for n in 1..=3 {
        put(root, &format!("fox/images/{n:04}.jpg"), jpeg(n));
    }
    put(root, "fox/transforms.json", transforms().to_string());
}

fn changed(write: fn(&Path), options: &str, change: impl FnOnce(&Path)) -> Imported {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    change(folder.path());
    import("object_views", folder.path(), options).unwrap()
}

fn objects(imported: &Imported) -> Vec<&SceneObject> {
    imported
        .rows
        .iter()
        .filter_map(|row| if let Row::SceneObject(object) = row { Some(object) } else { None })
        .collect()
}

/// The azimuth of each camera about a point, degrees, and how far its optical axis passes the point.
fn azimuths(imported: &Imported, centre: Vector3<f64>) -> Vec<(String, f64, f64)> {
    let mut found: Vec<_> = imported
        .frames()
        .map(|frame| {
            let matrix: [f64; 16] = frame.world_from_camera.clone().unwrap().try_into().unwrap();
            let pose = Rigid::from_row_major(&matrix).unwrap();
            let out = pose.translation - centre;
            let axis = pose.rotation * Vector3::z();
            assert!((pose.rotation * Vector3::y()).z < 0.0, "down in the image is down in the world");
            assert!(axis.dot(&out) < 0.0, "the camera looks at the object");
            (frame.frame_id.clone(), out.y.atan2(out.x).to_degrees().rem_euclid(360.0), out.cross(&axis).norm())
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

fn assert_azimuths(imported: &Imported, centre: Vector3<f64>, expected: &[(&str, f64)]) {
    let found = azimuths(imported, centre);
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for ((id, azimuth, beside), (name, wanted)) in found.iter().zip(expected) {
        assert!(id == &format!("test/{name}") && (azimuth - wanted).abs() < 1e-6 && *beside < 1e-6, "{found:?}");
    }
}

#[test]
fn renders_have_a_name_a_licence_and_the_box_that_silhouettes_leave() {
    let imported = changed(renders, "", |_| {});
    assert_azimuths(
        &imported,
        Vector3::zeros(),
        &[("views/ball/000", 0.0), ("views/ball/001", 64.0), ("views/ball/002", 150.0), ("views/ball/003", 245.0)],
    );
    let [ball] = objects(&imported)[..] else { panic!("{:?}", imported.rows) };
    assert_eq!((ball.category.as_str(), ball.symmetry, ball.box_from), ("beach ball", Some(0), Some("silhouettes")));
    // Never smaller than the ball, but for a cube's side; and little larger, though nobody looked from above or below.
    let cube = 2.0 * 0.45 * 1.5 / 32.0;
    for (low, high, most) in
        [(ball.min.x, ball.max.x, 1.2), (ball.min.y, ball.max.y, 1.2), (ball.min.z, ball.max.z, 1.4)]
    {
        assert!(high - low >= 2.0 * RADIUS - 2.0 * cube && high - low <= 2.0 * RADIUS * most, "{ball:?}");
    }
    let scene = imported.scenes().next().unwrap();
    assert_eq!(
        (scene.kind, scene.metric, scene.exhaustive, scene.licence.as_deref()),
        ("object", false, true, Some("CC-BY-4.0"))
    );
    let frame = imported.frames().next().unwrap();
    assert_eq!((frame.fx, frame.cx, frame.exhaustive), (Some(70.0), Some(31.5), true));
}

#[test]
fn outlines_that_are_alike_from_all_sides_leave_no_turn_to_see() {
    let symmetry = |change: fn(&Path)| {
        let imported = changed(renders, "", |root| {
            std::fs::remove_file(root.join("names.json")).unwrap();
            change(root);
        });
        objects(&imported)[0].symmetry
    };
    assert_eq!(symmetry(|_| {}), Some(0));
    // From 150 degrees it is narrower.
    assert_eq!(symmetry(|root| put(root, "views/ball/002.png", egg(1.5, 0.7))), None);
    // Two views can be compared once.
    let fewer = |root: &Path| {
        for n in 2..4 {
            std::fs::remove_file(root.join(format!("views/ball/{n:03}.png"))).unwrap();
        }
    };
    assert_eq!(symmetry(fewer), None);
    let said = json!({"ball": {"name": "globe", "symmetry": 1}});
    let named = changed(renders, "", |root| put(root, "names.json", said.to_string()));
    assert_eq!(objects(&named)[0].symmetry, Some(1));
}

#[test]
fn photos_meet_where_the_object_is() {
    let imported = changed(photos, "", |_| {});
    let names = [("fox/images/0001", 10.0), ("fox/images/0002", 80.0), ("fox/images/0003", 200.0)];
    assert_azimuths(&imported, FOX, &names);
    let [fox] = objects(&imported)[..] else { panic!("{:?}", imported.rows) };
    let centre: Vector3<f64> = [fox.obb.centre.x, fox.obb.centre.y, fox.obb.centre.z].into();
    assert!((centre - FOX).norm() < 1e-9 && fox.box_from == Some("cameras"), "{fox:?}");
    assert!(fox.category == "object" && (fox.max.x - fox.min.x - 2.0).abs() < 1e-9, "{fox:?}");
    let frame = imported.frames().next().unwrap();
    // Half the size; and the principal point in the middle of corners is half a pixel less between centres.
    assert_eq!((frame.fx, frame.fy, frame.cx, frame.cy), (Some(35.0), Some(35.5), Some(14.5), Some(19.5)));
}

#[test]
fn other_layouts_have_the_same_cameras() {
    let poses = AZIMUTHS.map(|azimuth| pose(azimuth, Vector3::zeros(), 1.5));
    // To OpenCV's axes and back: the second and third column change their signs.
    let opencv = |pose: &Rigid| {
        let axes = Matrix3::from_diagonal(&Vector3::new(1.0, -1.0, -1.0));
        Rigid { rotation: pose.rotation * axes, translation: pose.translation }
    };
    let expected = |folder: &str| {
        AZIMUTHS.iter().enumerate().map(|(n, azimuth)| (format!("{folder}{n:03}"), *azimuth)).collect::<Vec<_>>()
    };
    fn borrowed(named: &[(String, f64)]) -> Vec<(&str, f64)> {
        named.iter().map(|(name, azimuth)| (name.as_str(), *azimuth)).collect()
    }

    let folder = tempfile::tempdir().unwrap();
    let world_to_camera: Vec<Vec<f64>> =
        poses.iter().map(|pose| opencv(pose).inverse().to_row_major()[..12].to_vec()).collect();
    put(
        folder.path(),
        "cameras.json",
        json!({"K": [70, 0, 32, 0, 70, 32, 0, 0, 1], "poses": world_to_camera}).to_string(),
    );
    for n in 0..4 {
        put(folder.path(), &format!("mug/{n:03}.png"), ball(1.5));
        put(folder.path(), &format!("mug/{n:03}-depth.png"), ball(1.5));
    }
    let imported = import("object_views", folder.path(), "").unwrap();
    assert_eq!(imported.refused(), []);
    assert_azimuths(&imported, Vector3::zeros(), &borrowed(&expected("mug/")));

    let folder = tempfile::tempdir().unwrap();
    for (n, pose) in poses.iter().enumerate() {
        let view = format!("0/10/campos_512_v4/{n:05}/{n:05}");
        let axis = |k: usize| opencv(pose).rotation.column(k).iter().copied().collect::<Vec<f64>>();
        let origin = pose.translation.iter().copied().collect::<Vec<f64>>();
        put(folder.path(), &format!("{view}.png"), ball(1.5));
        put(folder.path(), &format!("{view}_albedo.png"), ball(1.5));
        put(
            folder.path(),
            &format!("{view}.json"),
            json!({"origin": origin, "x": axis(0), "y": axis(1), "z": axis(2)}).to_string(),
        );
    }
    let imported = import("object_views", folder.path(), "").unwrap();
    assert_eq!(imported.refused(), []);
    assert_azimuths(&imported, Vector3::zeros(), &borrowed(&expected("0/10/00")));

    let folder = tempfile::tempdir().unwrap();
    for n in 0..4 {
        put(folder.path(), &format!("views/ab12/{n:03}.png"), ball(1.5));
    }
    put(folder.path(), "lvis-annotations.json", json!({"Coffee_Maker": ["cd34", "ab12"]}).to_string());
    let imported = import("object_views", folder.path(), "camera_distance = 1.5").unwrap();
    let turntable =
        [("views/ab12/000", 0.0), ("views/ab12/001", 90.0), ("views/ab12/002", 180.0), ("views/ab12/003", 270.0)];
    assert_azimuths(&imported, Vector3::zeros(), &turntable);
    assert_eq!(objects(&imported)[0].category, "coffee maker");
}

#[test]
fn faults_cost_what_they_spoil() {
    let inverted = changed(renders, "", |root| {
        for (n, azimuth) in AZIMUTHS.into_iter().enumerate() {
            put(root, &format!("views/ball/{n:03}.npy"), npy(&pose(azimuth, Vector3::zeros(), 1.5).inverse()));
        }
    });
    assert!(inverted.rows.is_empty() && inverted.quarantined.len() == 4, "{:?}", inverted.quarantined);
    assert!(inverted.quarantined[0].why.message.contains("inverted"), "{:?}", inverted.quarantined[0]);

    let without = changed(renders, "", |root| std::fs::remove_file(root.join("views/ball/002.npy")).unwrap());
    assert_eq!(without.refused(), [("views/ball/002.png".to_owned(), "pose")]);
    assert_eq!(without.frames().count(), 3);

    // Nobody says where a second object was seen from.
    let half = changed(renders, "", |root| {
        for n in 0..2 {
            put(root, &format!("views/mug/{n:03}.png"), ball(1.5));
        }
    });
    assert_eq!(half.refused(), ["views/mug/000.png", "views/mug/001.png"].map(|image| (image.to_owned(), "pose")));
    assert_eq!(half.frames().count(), 4);

    // As often happens: images that are named and absent, and one image under several poses.
    let sparse = changed(photos, "", |root| {
        let mut document = transforms();
        let mut again = document["frames"][0].clone();
        again["transform_matrix"] = document["frames"][1]["transform_matrix"].clone();
        let mut absent = document["frames"][2].clone();
        absent["file_path"] = json!("./images/0009");
        document["frames"].as_array_mut().unwrap().extend([again, absent]);
        put(root, "fox/transforms.json", document.to_string());
        put(root, "fox/images/0004.jpg", jpeg(4));
    });
    assert_eq!(sparse.frames().count(), 3);
    assert!(sparse.quarantined.iter().all(|row| row.loss == Loss::Nothing), "{:?}", sparse.quarantined);
    let told = [
        ("fox/images/0001.jpg", "duplicate"),
        ("fox/images/0004.jpg", "no_frame"),
        ("fox/transforms.json", "missing_file"),
    ];
    assert_eq!(sparse.refused(), told.map(|(key, code)| (key.to_owned(), code)));
}
