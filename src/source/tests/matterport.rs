//! Houses: one with undistorted photos and one with photos as they were taken, both without a fault, a skybox, and faults of each kind.

use std::path::Path;

use image::{ImageBuffer, Luma, RgbImage};
use serde_json::{Value, json};

use super::{Fixture, Imported, import, in_other_forms};
use crate::source::Row;
use crate::tables::{Link, Loss, SceneObject, Waypoint};

pub const UNDISTORTED: Fixture = Fixture {
    kind: "matterport",
    about: "undistorted photos",
    write: undistorted,
    options: "",
    // The house and two rooms, a bed and a sofa, three viewpoints with four links, two photos.
    rows: 1 + 2 + 2 + 3 + 4 + 2,
    files: &[
        "v1/scans/17DRP5sb8fy/house_segmentations/17DRP5sb8fy.house",
        "connectivity/17DRP5sb8fy_connectivity.json",
        "v1/scans/17DRP5sb8fy/undistorted_camera_parameters/17DRP5sb8fy.conf",
        "v1/scans/17DRP5sb8fy/undistorted_color_images/p1_i1_2.jpg",
        "v1/scans/17DRP5sb8fy/undistorted_depth_images/p1_d1_2.png",
    ],
};

pub const AS_TAKEN: Fixture = Fixture {
    kind: "matterport",
    about: "photos as they were taken",
    write: as_taken,
    options: "cameras = [1]",
    // As above, and a photo of the level camera; the one that looks up is not wanted.
    rows: 1 + 2 + 2 + 3 + 4 + 1,
    files: &[
        "17DRP5sb8fy/matterport_camera_intrinsics/p1_intrinsics_1.txt",
        "17DRP5sb8fy/matterport_camera_poses/p1_pose_1_2.txt",
        "17DRP5sb8fy/matterport_color_images/p1_i1_2.jpg",
    ],
};

const SCAN: &str = "v1/scans/17DRP5sb8fy";

/// A bedroom of 3 m x 2 m and a hallway in the form of an L, of 3 m²: a bed, a sofa, and a wall, which is none. The categories of objects
/// are far from that of the wall, so that no single bit makes one of the other.
fn house() -> String {
    let mut text = "ASCII 1.1\nH  -  -  2 2 10 2 90 4 4 2 0  1  0 0 0 0 0  0 0 0  5 2 3  0 0 0 0 0\n\
        L  0 0  -  1 1 0  0 0 0  5 2 3  0 0 0 0 0\n\
        R  0 0  0 0  b  1.5 1 0  0 0 0  3 2 3  3  0 0 0 0\n\
        R  1 0  0 0  h  4 1 0  3 0 0  5 2 3  3  0 0 0 0\n\
        S  0 0  0  F  1.5 1 0.1  0 0 1  0 0 0  3 2 0  0 0 0 0 0\n\
        S  1 1  0  F  4 1 0.1  0 0 1  3 0 0  5 2 0  0 0 0 0 0\n"
        .to_owned();
    let bedroom = [[0, 0], [3, 0], [3, 2], [0, 2]].map(|corner| (0, corner));
    let hallway = [[3, 0], [5, 0], [5, 1], [4, 1], [4, 2], [3, 2]].map(|corner| (1, corner));
    for (n, (surface, [x, y])) in bedroom.into_iter().chain(hallway).enumerate() {
        text += &format!("V  {n} {surface}  F  {x} {y} 0.1  0 0 1  0 0 0\n");
    }
    text += "P  p1  0 0  0  1 1 1.5  0 0 0 0 0\nP  p2  1 1  0  3.5 1 1.5  0 0 0 0 0\n";
    for (n, pano) in ["p1", "p2"].into_iter().enumerate() {
        // World to camera, as OpenGL: x right, y up, z backward.
        let x = [1.0, 3.5][n];
        text += &format!(
            "I  {n} {n}  {pano}  1 2  1 0 0 {} 0 0 1 -1.5 0 -1 0 1 0 0 0 1  1075 0 629.5 0 1075 523.5 0 0 1  1280 1024  {x} 1 1.5  0 0 0 0 0\n",
            -x
        );
    }
    text += "C  0  1 wall  1 wall  0 0 0 0 0\nC  3  7 king#size#bed/bed  11 bed  0 0 0 0 0\n\
        C  5  9 sofa  10 sofa  0 0 0 0 0\nC  6  12 unknown  40 misc  0 0 0 0 0\n\
        O  0 0 3  1.5 0.5 0.4  1 0 0  0 1 0  1 0.5 0.25  0 0 0 0 0 0 0 0\n\
        O  1 1 5  4.5 0.5 0.4  0 0 1  0 1 0  0.25 0.4 0.5  0 0 0 0 0 0 0 0\n\
        O  2 0 0  0 1 1  1 0 0  0 1 0  0.05 1 1  0 0 0 0 0 0 0 0\n\
        O  3 -1 6  0 1 1  1 0 0  0 1 0  0.05 1 1  0 0 0 0 0 0 0 0\n\
        E  0 0 77  0.5  0 0 0  0 0 0  0 0 0  0 0 0 0 0\n";
    text
}

/// Three viewpoints in a row, and one that is not included.
fn graph() -> Value {
    let viewpoint = |id: &str, included: bool, x: f64, unobstructed: [bool; 4]| {
        let pose = [1.0, 0.0, 0.0, x, 0.0, 0.0, 1.0, 1.0, 0.0, -1.0, 0.0, 1.5, 0.0, 0.0, 0.0, 1.0];
        json!({"image_id": id, "pose": pose, "included": included, "visible": [true, true, true, true],
            "unobstructed": unobstructed, "height": 1.4})
    };
    json!([
        viewpoint("p1", true, 1.0, [false, true, true, false]),
        viewpoint("p0", false, 1.5, [true, false, true, true]),
        viewpoint("p2", true, 3.5, [true, true, false, true]),
        viewpoint("p3", true, 4.5, [false, true, true, false]),
    ])
}

fn put(root: &Path, path: &str, bytes: impl AsRef<[u8]>) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn jpeg(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let image = RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8 * 6, y as u8 * 7, 90]));
    image.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

fn depth() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    // Two metres, in quarters of a millimetre.
    let image = ImageBuffer::<Luma<u16>, _>::from_raw(40, 32, vec![8000u16; 40 * 32]).unwrap();
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn undistorted(root: &Path) {
    put(root, &format!("{SCAN}/house_segmentations/17DRP5sb8fy.house"), house());
    put(root, "connectivity/17DRP5sb8fy_connectivity.json", graph().to_string());
    put(root, "connectivity/scans.txt", "17DRP5sb8fy\n");
    put(root, "scenes_val.txt", "17DRP5sb8fy\n1LXtFkjw3qL\n");
    for pano in ["p1", "p2"] {
        put(root, &format!("{SCAN}/undistorted_color_images/{pano}_i1_2.jpg"), jpeg(40, 32));
        put(root, &format!("{SCAN}/undistorted_depth_images/{pano}_d1_2.png"), depth());
    }
    let conf = "dataset matterport\nn_images 2\ndepth_directory undistorted_depth_images\ncolor_directory undistorted_color_images\n\n\
        intrinsics_matrix 1075 0 629.5  0 1075 523.5  0 0 1\n\
        scan p1_d1_2.png p1_i1_2.jpg 1 0 0 1 0 0 -1 1 0 1 0 1.5 0 0 0 1\n\
        scan p2_d1_2.png p2_i1_2.jpg 1 0 0 3.5 0 0 -1 1 0 1 0 1.5 0 0 0 1\n";
    put(root, &format!("{SCAN}/undistorted_camera_parameters/17DRP5sb8fy.conf"), conf);
}

fn as_taken(root: &Path) {
    put(root, "17DRP5sb8fy/17DRP5sb8fy.house", house());
    put(root, "17DRP5sb8fy_connectivity.json", graph().to_string());
    for camera in [0, 1] {
        put(root, &format!("17DRP5sb8fy/matterport_color_images/p1_i{camera}_2.jpg"), jpeg(40, 32));
        put(root, &format!("17DRP5sb8fy/matterport_depth_images/p1_d{camera}_2.png"), depth());
    }
    put(
        root,
        "17DRP5sb8fy/matterport_camera_intrinsics/p1_intrinsics_1.txt",
        "1280 1024 1070 1075 629.5 501.5 0.09 -0.1 0.0001 0.0002 0\n",
    );
    put(root, "17DRP5sb8fy/matterport_camera_poses/p1_pose_1_2.txt", "1 0 0 1\n0 0 1 1\n0 -1 0 1.5\n0 0 0 1\n");
}

fn imported(fixture: &Fixture, change: impl FnOnce(&Path)) -> Imported {
    let folder = tempfile::tempdir().unwrap();
    (fixture.write)(folder.path());
    change(folder.path());
    import(fixture.kind, folder.path(), fixture.options).unwrap()
}

fn objects(imported: &Imported) -> Vec<&SceneObject> {
    imported.rows.iter().filter_map(|row| if let Row::SceneObject(row) = row { Some(row) } else { None }).collect()
}

fn waypoints(imported: &Imported) -> Vec<&Waypoint> {
    imported.rows.iter().filter_map(|row| if let Row::Waypoint(row) = row { Some(row) } else { None }).collect()
}

fn links(imported: &Imported) -> Vec<&Link> {
    imported.rows.iter().filter_map(|row| if let Row::Link(row) = row { Some(row) } else { None }).collect()
}

#[test]
fn a_house_has_rooms_objects_and_a_graph() {
    let imported = imported(&UNDISTORTED, |_| {});
    let scenes: Vec<_> = imported
        .scenes()
        .map(|s| (s.scene_id.as_str(), s.kind, s.category.as_deref(), s.within.as_deref(), s.floor_area, s.floor_z))
        .collect();
    let house = "test/17DRP5sb8fy";
    assert_eq!(
        scenes,
        [
            ("test/17DRP5sb8fy/region0", "region", Some("bedroom"), Some(house), Some(6.0), Some(0.1)),
            ("test/17DRP5sb8fy/region1", "region", Some("hallway"), Some(house), Some(3.0), Some(0.1)),
            (house, "house", None, None, Some(9.0), Some(0.1)),
        ]
    );
    assert!(imported.scenes().all(|scene| scene.place_id == "17DRP5sb8fy" && scene.split.as_deref() == Some("val")));
    let found: Vec<_> = objects(&imported)
        .iter()
        .map(|o| (o.object_id.as_str(), o.category.as_str(), o.region.as_deref(), o.max.x - o.min.x, o.upright))
        .collect();
    // Half lengths in the file, and of the sofa the first axis is z.
    assert_eq!(
        found,
        [("0", "king size bed", Some("region0"), 2.0, Some(true)), ("1", "sofa", Some("region1"), 1.0, Some(true))]
    );
    let found: Vec<_> = waypoints(&imported)
        .iter()
        .map(|w| (w.waypoint_id.as_str(), w.position.x, w.height, w.region.as_deref()))
        .collect();
    assert_eq!(
        found,
        [
            ("p1", 1.0, Some(1.4), Some("region0")),
            ("p2", 3.5, Some(1.4), Some("region1")),
            ("p3", 4.5, Some(1.4), None)
        ]
    );
    let found: Vec<_> =
        links(&imported).iter().map(|l| (l.from_waypoint.as_str(), l.to_waypoint.as_str(), l.length)).collect();
    assert_eq!(found, [("p1", "p2", 2.5), ("p2", "p1", 2.5), ("p2", "p3", 1.0), ("p3", "p2", 1.0)]);
}

#[test]
fn a_photo_has_one_camera_wherever_it_is_recorded() {
    let conf = format!("{SCAN}/undistorted_camera_parameters/17DRP5sb8fy.conf");
    let cameras = |imported: &Imported| -> Vec<(String, [f64; 16], Option<f64>, Option<f64>)> {
        let of = |f: &crate::tables::Frame| {
            let pose: [f64; 16] = f.world_from_camera.clone().unwrap().try_into().unwrap();
            (f.frame_id.clone(), pose, f.fx, f.cy)
        };
        imported.frames().map(of).collect()
    };
    let of_conf = cameras(&imported(&UNDISTORTED, |_| {}));
    let of_house = cameras(&imported(&UNDISTORTED, |root| std::fs::remove_file(root.join(&conf)).unwrap()));
    assert_eq!(of_conf, of_house);
    // It looks along +y of the world.
    let looks_north = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, -1.0, 0.0, 1.5, 0.0, 0.0, 0.0, 1.0];
    let (id, pose, fx, cy) = &of_conf[0];
    assert_eq!((id.as_str(), *pose, *fx), ("test/17DRP5sb8fy/p1_i1_2", looks_north, Some(1075.0 / 32.0)));
    // 523.5 from below is 499.5 from above; a thirty-second part of that, by the corners of pixels.
    assert!(cy.is_some_and(|cy| (cy - ((499.5 + 0.5) / 32.0 - 0.5)).abs() < 1e-9), "{cy:?}");
    let (_, pose, fx, _) = &cameras(&imported(&AS_TAKEN, |_| {}))[0];
    assert_eq!((*pose, *fx), (looks_north, Some(1070.0 / 32.0)));
    let frame = imported(&UNDISTORTED, |_| {}).frames().next().cloned().unwrap();
    assert_eq!(
        (frame.depth_scale, frame.lifted_from.as_deref(), frame.exhaustive),
        (Some(4000.0), Some("scan"), false)
    );
}

#[test]
fn level_sides_of_a_skybox_are_photos() {
    let imported = imported(&UNDISTORTED, |root| {
        std::fs::remove_dir_all(root.join(SCAN).join("undistorted_color_images")).unwrap();
        for side in 0..6 {
            put(root, &format!("{SCAN}/matterport_skybox_images/p2_skybox{side}_sami.jpg"), jpeg(32, 32));
        }
        put(root, &format!("{SCAN}/matterport_skybox_images/p9_skybox1_sami.jpg"), jpeg(32, 32));
    });
    let ahead: Vec<_> = imported
        .frames()
        .map(|f| (f.frame_id.rsplit('/').next().unwrap(), [2, 6].map(|k| f.world_from_camera.as_ref().unwrap()[k])))
        .collect();
    assert_eq!(
        ahead,
        [
            ("p2_skybox1_sami", [0.0, -1.0]),
            ("p2_skybox2_sami", [-1.0, 0.0]),
            ("p2_skybox3_sami", [0.0, 1.0]),
            ("p2_skybox4_sami", [1.0, 0.0])
        ]
    );
    let lost = [("17DRP5sb8fy/depth images", "missing_file"), ("17DRP5sb8fy/p9_skybox1_sami", "pose")];
    assert_eq!(imported.refused(), lost.map(|(key, code)| (key.to_owned(), code)));
}

#[test]
fn what_is_not_there_is_told_with_what_it_costs() {
    let told = |path: &str| {
        let imported = imported(&UNDISTORTED, |root| {
            let path = root.join(path);
            if path.is_dir() { std::fs::remove_dir_all(path).unwrap() } else { std::fs::remove_file(path).unwrap() }
        });
        assert!(imported.quarantined.iter().all(|row| row.loss == Loss::Nothing), "{path}");
        let keys: Vec<String> = imported.refused().into_iter().map(|(key, _)| key).collect();
        (keys, imported.rows.len())
    };
    let key = |what: &str| vec![format!("17DRP5sb8fy/{what}")];
    let all = UNDISTORTED.rows;
    assert_eq!(told(&format!("{SCAN}/house_segmentations")), (key("17DRP5sb8fy.house"), all - 4));
    assert_eq!(told("connectivity"), (key("17DRP5sb8fy_connectivity.json"), all - 7));
    assert_eq!(told(&format!("{SCAN}/undistorted_color_images")), (key("photos"), all - 2));
    assert_eq!(told(&format!("{SCAN}/undistorted_depth_images")), (key("depth images"), all));
    assert_eq!(told("scenes_val.txt"), (vec![], all));
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "connectivity/scans.txt", "17DRP5sb8fy");
    let error = import("matterport", folder.path(), "").err().unwrap().to_string();
    assert!(error.contains("connectivity.json"), "{error}");
}

#[test]
fn faults_are_told_one_by_one() {
    let path = format!("{SCAN}/house_segmentations/17DRP5sb8fy.house");
    let with = |from: &str, to: &str| imported(&UNDISTORTED, |root| put(root, &path, house().replace(from, to)));
    let refused = |from: &str, to: &str| {
        with(from, to).refused().into_iter().map(|(key, code)| format!("{} {code}", &key[12..])).collect::<Vec<_>>()
    };
    assert_eq!(refused("O  0 0 3", "O  0 0 -1"), ["object 0 category"]);
    assert_eq!(refused("O  0 0 3", "O  0 0 99"), ["object 0 category"]);
    assert_eq!(refused("O  1 1 5", "O  0 1 5"), ["object 0 duplicate"]);
    assert_eq!(refused("O  1 1 5", "O  1 8 5"), ["object 1 house"]);
    assert_eq!(refused("0.25 0.4 0.5", "-0.25 0.4 0.5"), ["line 27 house"]);
    assert_eq!(refused("C  5  9 sofa", "X  5  9 sofa"), ["header C house", "object 1 category"]);
    assert_eq!(refused("ASCII", "ply"), ["house house"]);
    let lost = with("O  1 1 5", "O  1 1 99");
    assert!(lost.scenes().all(|scene| !scene.exhaustive) && lost.quarantined[0].loss == Loss::Record);
    let outdoors = with("0 0  h  4 1 0", "0 0  x  4 1 0");
    let areas: Vec<_> = outdoors.scenes().map(|scene| scene.floor_area).collect();
    assert_eq!(areas, [Some(6.0), Some(3.0), None], "nobody agrees where a garden ends");
    let two_levels = imported(&UNDISTORTED, |root| {
        put(root, &path, house().replace("L  0 0  -", "L  1 0  -  1 1 3  0 0 0  5 2 3  0 0 0 0 0\nL  0 0  -"));
    });
    assert!(two_levels.scenes().any(|scene| scene.kind == "house" && scene.floor_z.is_none()));
}

#[test]
fn text_and_json_are_taken_as_editors_write_them() {
    let place = |imported: &Imported, root: &str| -> Vec<String> {
        imported.sorted().into_iter().map(|row| row.replace(root, "")).collect()
    };
    let rows_after = |change: &dyn Fn(&Path)| {
        let folder = tempfile::tempdir().unwrap();
        undistorted(folder.path());
        change(folder.path());
        let imported = import("matterport", folder.path(), "").unwrap();
        place(&imported, folder.path().canonicalize().unwrap().to_str().unwrap())
    };
    let expected = rows_after(&|_| {});
    for seed in 0..4 {
        let other = in_other_forms(&graph(), seed);
        assert_eq!(rows_after(&|root| put(root, UNDISTORTED.files[1], &other)), expected, "{seed}");
    }
    for file in [UNDISTORTED.files[0], UNDISTORTED.files[2], "scenes_val.txt"] {
        let found = rows_after(&|root| {
            let text = std::fs::read_to_string(root.join(file)).unwrap();
            put(root, file, ["\u{feff}", &text.replace('\n', " \r\n")].concat());
        });
        assert_eq!(found, expected, "{file}");
    }
}
