//! Scans: a scene in files of its own and one in a recording, both without a fault, and faults of each kind.

use std::io::Write;
use std::path::Path;

use crate::source::Row;
use crate::source::scannet::mesh::Mesh;
use crate::source::scannet::sens::Sens;
use crate::tables::{Loss, SceneObject, Surface};
use image::{ImageBuffer, Luma, RgbImage};
use serde_json::json;

use super::mutate::mutants;
use super::{Fixture, Imported, import, in_other_forms};

pub const EXPORTED: Fixture = Fixture {
    kind: "scannet",
    about: "exported files",
    write: exported,
    options: "",
    // The scene, a chair and a bed with their surfaces, one surface of the rest, two frames.
    rows: 1 + 2 + 3 + 2,
    files: &[
        "scans/scene0001_00/scene0001_00_vh_clean_2.ply",
        "scans/scene0001_00/scene0001_00_vh_clean_2.0.010000.segs.json",
        "scans/scene0001_00/scene0001_00.aggregation.json",
        "scans/scene0001_00/scene0001_00.txt",
        "scans/scene0001_00/color/0.jpg",
        "scans/scene0001_00/depth/0.png",
        "scans/scene0001_00/pose/1.txt",
        "scans/scene0001_00/intrinsic/intrinsic_color.txt",
        "scannetv2-labels.combined.tsv",
    ],
};

pub const RECORDED: Fixture = Fixture {
    kind: "scannet",
    about: "a recording",
    write: recorded,
    options: "extract = 'photos'\nframe_step = 2",
    // As above, and frames 0, 2 and 4 of five.
    rows: 1 + 2 + 3 + 3,
    files: &["scene0002_01/scene0002_01.sens", "scene0002_01/scene0002_01_vh_clean_2.ply"],
};

const WIDTH: u32 = 32;
const HEIGHT: u32 = 24;

/// Three squares of two triangles: a seat, a mattress, and a wall.
const VERTICES: [[f64; 3]; 12] = [
    [0.0, 0.0, 0.5],
    [0.5, 0.0, 0.5],
    [0.5, 0.5, 0.5],
    [0.0, 0.5, 0.5],
    [2.0, 0.0, 0.4],
    [4.0, 0.0, 0.4],
    [4.0, 1.0, 0.4],
    [2.0, 1.0, 0.4],
    [0.0, 3.0, 0.0],
    [4.0, 3.0, 0.0],
    [4.0, 3.0, 2.5],
    [0.0, 3.0, 2.5],
];

/// How numbers are written.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Ply {
    Ascii,
    Little,
    Big,
}

/// The squares as a PLY file whose properties come in an order that nobody expects; the last face is a square, not triangles.
fn ply(format: Ply) -> Vec<u8> {
    let name = match format {
        Ply::Ascii => "ascii",
        Ply::Little => "binary_little_endian",
        Ply::Big => "binary_big_endian",
    };
    let mut file = format!(
        "ply\nformat {name} 1.0\ncomment made for a test\nelement camera 1\nproperty int id\nelement vertex 12\n\
         property uchar red\nproperty double z\nproperty float y\nproperty short x\nproperty list uchar ushort seen_by\n\
         element face 5\nproperty uchar flag\nproperty list uint int vertex_indices\nend_header\n"
    )
    .into_bytes();
    let mut put = |numbers: &[(f64, usize, bool)]| {
        for &(number, size, float) in numbers {
            let whole = number as i64;
            let little = match (size, float) {
                (8, _) => number.to_le_bytes().to_vec(),
                (_, true) => (number as f32).to_le_bytes().to_vec(),
                _ => whole.to_le_bytes()[..size].to_vec(),
            };
            match format {
                Ply::Ascii => write!(file, "{number} ").unwrap(),
                Ply::Little => file.extend(little),
                Ply::Big => file.extend(little.iter().rev()),
            }
        }
        if format == Ply::Ascii {
            *file.last_mut().unwrap() = b'\n';
        }
    };
    put(&[(7.0, 4, false)]);
    for [x, y, z] in VERTICES {
        // Twice the size, so that x is a whole number.
        put(&[
            (200.0, 1, false),
            (2.0 * z, 8, true),
            (2.0 * y, 4, true),
            (2.0 * x, 2, false),
            (2.0, 1, false),
            (1.0, 2, false),
            (3.0, 2, false),
        ]);
    }
    let faces: [&[u32]; 5] = [&[0, 1, 2], &[0, 2, 3], &[4, 5, 6], &[4, 6, 7], &[8, 9, 10, 11]];
    for face in faces {
        let mut numbers = vec![(1.0, 1, false), (face.len() as f64, 4, false)];
        numbers.extend(face.iter().map(|corner| (f64::from(*corner), 4, false)));
        put(&numbers);
    }
    file
}

fn jpeg(n: u8) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let image = RgbImage::from_fn(WIDTH, HEIGHT, |x, y| image::Rgb([x as u8 * 8, y as u8 * 10, n * 30]));
    image.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

/// The pose of a camera at (1, -2, 1.5 + n) that looks along +y.
fn pose(n: u32) -> [f32; 16] {
    [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, -2.0, 0.0, -1.0, 0.0, 1.5 + n as f32, 0.0, 0.0, 0.0, 1.0]
}

fn text(matrix: &[f32; 16]) -> String {
    matrix.chunks(4).map(|row| format!("{} {} {} {}\n", row[0], row[1], row[2], row[3])).collect()
}

/// Focal length and middle of the photos.
const CAMERA: [f32; 16] = [30.0, 0.0, 15.5, 0.0, 0.0, 30.0, 11.5, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0];

fn put(root: &Path, path: &str, bytes: impl AsRef<[u8]>) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Mesh, segments and aggregation.
fn annotated(root: &Path, folder: &str, id: &str, format: Ply) {
    put(root, &format!("{folder}/{id}_vh_clean_2.ply"), ply(format));
    let segments = json!({"sceneId": id, "segIndices": [5, 5, 5, 5, 8, 8, 9, 9, 1, 1, 1, 1]});
    put(root, &format!("{folder}/{id}_vh_clean_2.0.010000.segs.json"), segments.to_string());
    let aggregation = json!({"sceneId": id, "segGroups": [
        {"id": 0, "objectId": 0, "segments": [5], "label": "office chair"},
        {"id": 1, "objectId": 1, "segments": [8, 9], "label": "Bed"},
        {"id": 2, "objectId": 2, "segments": [1], "label": "wall"},
    ]});
    put(root, &format!("{folder}/{id}.aggregation.json"), aggregation.to_string());
}

/// Three metres everywhere but in the first row.
fn depth() -> Vec<u16> {
    (0..WIDTH * HEIGHT).map(|i| if i < WIDTH { 0 } else { 3000 }).collect()
}

fn exported(root: &Path) {
    let scan = "scans/scene0001_00";
    annotated(root, scan, "scene0001_00", Ply::Ascii);
    // A quarter turn and a metre up.
    let align =
        "axisAlignment = 0 -1 0 0 1 0 0 0 0 0 1 1 0 0 0 1 \ncolorWidth = 64\ncolorHeight = 48\nsceneType = Hall\n";
    put(root, &format!("{scan}/scene0001_00.txt"), align);
    for n in 0..2 {
        put(root, &format!("{scan}/color/{n}.jpg"), jpeg(n as u8));
        put(root, &format!("{scan}/pose/{n}.txt"), text(&pose(n)));
    }
    let depth = ImageBuffer::<Luma<u16>, _>::from_raw(WIDTH, HEIGHT, depth()).unwrap();
    std::fs::create_dir_all(root.join(scan).join("depth")).unwrap();
    depth.save(root.join(scan).join("depth/0.png")).unwrap();
    // Of photos twice the size, as in the releases with fewer and smaller frames.
    let large = CAMERA.map(|number| number * 2.0).map(|number| if number == 2.0 { 1.0 } else { number });
    put(root, &format!("{scan}/intrinsic/intrinsic_color.txt"), text(&large));
    put(root, "scannetv2-labels.combined.tsv", "id\traw_category\tcategory\n4\toffice chair\tchair\n");
    put(root, "scannetv2_val.txt", "scene0001_00\nscene0009_00");
}

fn recorded(root: &Path) {
    annotated(root, "scene0002_01", "scene0002_01", Ply::Little);
    put(root, "scene0002_01/scene0002_01.sens", sens(5));
}

/// A recording of `count` frames.
fn sens(count: u32) -> Vec<u8> {
    let mut file = Vec::new();
    file.extend(4u32.to_le_bytes());
    file.extend(9u64.to_le_bytes());
    file.extend(b"StructSen");
    let identity: [f32; 16] = std::array::from_fn(|i| if i % 5 == 0 { 1.0 } else { 0.0 });
    for matrix in [CAMERA, identity, CAMERA, identity] {
        file.extend(matrix.iter().flat_map(|number| number.to_le_bytes()));
    }
    // JPEG and zlib.
    file.extend(2i32.to_le_bytes());
    file.extend(1i32.to_le_bytes());
    for side in [WIDTH, HEIGHT, WIDTH, HEIGHT] {
        file.extend(side.to_le_bytes());
    }
    file.extend(1000f32.to_le_bytes());
    file.extend(u64::from(count).to_le_bytes());
    for n in 0..count {
        let colour = jpeg(n as u8);
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(&depth().iter().flat_map(|sample| sample.to_le_bytes()).collect::<Vec<_>>()).unwrap();
        let packed = packed.finish().unwrap();
        file.extend(pose(n).iter().flat_map(|number| number.to_le_bytes()));
        for number in [u64::from(n), u64::from(n), colour.len() as u64, packed.len() as u64] {
            file.extend(number.to_le_bytes());
        }
        file.extend(colour);
        file.extend(packed);
    }
    // No motion records.
    file.extend(0u64.to_le_bytes());
    file
}

fn objects(imported: &Imported) -> Vec<&SceneObject> {
    imported
        .rows
        .iter()
        .filter_map(|row| if let Row::SceneObject(object) = row { Some(object) } else { None })
        .collect()
}

#[test]
fn scans_of_a_place_share_it_and_have_the_extent_of_their_mesh() {
    let folder = tempfile::tempdir().unwrap();
    exported(folder.path());
    let imported = import("scannet", folder.path(), "").unwrap();
    let scene = imported.scenes().next().unwrap();
    assert_eq!((scene.scene_id.as_str(), scene.place_id.as_str()), ("test/scene0001_00", "scene0001"));
    assert_eq!((scene.kind, scene.category.as_deref(), scene.split.as_deref()), ("scan", Some("hall"), Some("val")));
    // Twice the size of the squares, then a quarter turn and a metre up.
    assert_eq!(scene.min.map(|low| [low.x, low.y, low.z]), Some([-6.0, 0.0, 1.0]));
    assert_eq!(scene.max.map(|high| [high.x, high.y, high.z]), Some([0.0, 8.0, 6.0]));
    assert_eq!((scene.floor_z, scene.metric, scene.exhaustive), (None, true, true));
    let boxed = objects(&imported)[0];
    assert_eq!((boxed.points, boxed.box_from, boxed.upright), (Some(4), Some("fitted"), Some(true)));

    // With a floor instead of the wall, and an object that is lost.
    let file = "scans/scene0001_00/scene0001_00.aggregation.json";
    let text = std::fs::read_to_string(folder.path().join(file)).unwrap();
    let text = text.replace("\"wall\"", "\"Floor\"").replace("[8,9]", "[77]");
    std::fs::write(folder.path().join(file), text).unwrap();
    let imported = import("scannet", folder.path(), "").unwrap();
    let scene = imported.scenes().next().unwrap();
    assert!(scene.floor_z.is_some_and(|height| (1.0..=6.0).contains(&height)), "{scene:?}");
    assert!(!scene.exhaustive);
}

fn surfaces(imported: &Imported) -> Vec<&Surface> {
    imported.rows.iter().filter_map(|row| if let Row::Surface(surface) = row { Some(surface) } else { None }).collect()
}

/// A fixture with one file rewritten.
fn changed(fixture: &Fixture, file: &str, change: impl FnOnce(String) -> String) -> Imported {
    let folder = tempfile::tempdir().unwrap();
    (fixture.write)(folder.path());
    let path = folder.path().join(file);
    let text = String::from_utf8(std::fs::read(&path).unwrap_or_default()).unwrap();
    put(folder.path(), file, change(text));
    import(fixture.kind, folder.path(), fixture.options).unwrap()
}

#[test]
fn annotation_is_the_same_in_every_form() {
    let aggregation = "scans/scene0001_00/scene0001_00.aggregation.json";
    let expected = changed(&EXPORTED, aggregation, |text| text).sorted().len();
    for file in EXPORTED.files.iter().filter(|file| file.ends_with(".json")) {
        for seed in 0..4 {
            let imported = changed(&EXPORTED, file, |text| in_other_forms(&serde_json::from_str(&text).unwrap(), seed));
            assert_eq!((imported.refused(), imported.sorted().len()), (vec![], expected), "{file} {seed}");
        }
        for text in ["", "[]", "null"] {
            let imported = changed(&EXPORTED, file, |_| text.to_owned());
            let message = imported.quarantined[0].message();
            assert!(message.contains("it should be {"), "{file} {text}: {message}");
        }
    }
}

#[test]
fn a_mesh_is_the_same_in_every_encoding() {
    let ascii = Mesh::read(&ply(Ply::Ascii)).unwrap();
    assert_eq!(ascii, Mesh::read(&ply(Ply::Little)).unwrap());
    assert_eq!(ascii, Mesh::read(&ply(Ply::Big)).unwrap());
    assert_eq!(ascii.vertices[5].as_slice(), [8.0, 0.0, 0.8]);
    assert_eq!(ascii.triangles[4..], [[8, 9, 10], [8, 10, 11]]);
}

#[test]
fn damaged_meshes_and_recordings_are_refused_quickly() {
    for (seed, format) in [Ply::Ascii, Ply::Little, Ply::Big].into_iter().enumerate() {
        for mutant in mutants(&ply(format), 500, seed as u64) {
            if let Ok(mesh) = Mesh::read(&mutant.bytes) {
                let inside = |corner: &u32| (*corner as usize) < mesh.vertices.len();
                assert!(mesh.triangles.iter().flatten().all(inside), "{format:?}: {}", mutant.what);
            }
        }
    }
    for mutant in mutants(&sens(3), 500, 3) {
        if let Ok(mut sens) = Sens::open(&mutant.bytes[..], mutant.bytes.len() as u64) {
            while let Ok(Some(frame)) = sens.next(true) {
                if let Ok(depth) = sens.header.millimetres(&frame.depth) {
                    assert_eq!(
                        depth.len() as u64,
                        u64::from(sens.header.depth_width) * u64::from(sens.header.depth_height)
                    );
                }
            }
        }
    }
}

#[test]
fn headers_that_promise_too_much_are_refused() {
    let little = String::from_utf8_lossy(&ply(Ply::Little)).replace("vertex 12", "vertex 99999999999");
    assert!(Mesh::read(little.as_bytes()).unwrap_err().contains("more than the file has bytes"));
    let endless = b"ply\nformat binary_little_endian 1.0\nelement nothing 18446744073709551615\nend_header\n";
    assert!(Mesh::read(endless).is_err());
    let mut long = sens(1);
    let frames = long.len();
    // The photo's size, after a pose and two times.
    let at = frames - 8 - sens_frame() + 64 + 16;
    long[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes());
    let mut sens = Sens::open(&long[..], long.len() as u64).unwrap();
    assert_eq!(sens.next(true).unwrap_err().code, "sens");
    assert_eq!(sens.next(true), Ok(None), "nothing can be read after an error");
}

/// Bytes of one frame of a recording.
fn sens_frame() -> usize {
    sens(1).len() - sens(0).len()
}

#[test]
fn alignment_turns_mesh_and_poses_alike() {
    let folder = tempfile::tempdir().unwrap();
    exported(folder.path());
    let imported = import("scannet", folder.path(), "").unwrap();
    let objects = objects(&imported);
    assert_eq!(
        objects.iter().map(|o| (&*o.object_id, &*o.category)).collect::<Vec<_>>(),
        [("0", "chair"), ("1", "bed")]
    );
    // The mattress is 4 x 2 at (6, 1, 0.8), and then a quarter turn takes x to y.
    let bed = &objects[1].obb;
    assert!((bed.centre.x + 1.0).abs() + (bed.centre.y - 6.0).abs() + (bed.centre.z - 1.8).abs() < 1e-9, "{bed:?}");
    assert!((bed.lengths.x - 4.0).abs() + (bed.lengths.y - 2.0).abs() + bed.lengths.z < 1e-9, "{bed:?}");
    let frame = imported.frames().next().unwrap();
    let pose = frame.world_from_camera.as_ref().unwrap();
    let place = [3, 7, 11].map(|i| pose[i]);
    assert_eq!(place, [2.0, 1.0, 2.5], "a camera at (1, -2, 1.5)");
    assert_eq!([2, 6, 10].map(|i| pose[i]), [-1.0, 0.0, 0.0], "it looked along y");
    assert_eq!((frame.fx, frame.cx), (Some(30.0), Some(15.25)), "intrinsics of photos twice as large");
    assert_eq!((frame.split.as_deref(), frame.lifted_from.as_deref()), (Some("val"), Some("scan")));
    assert!(frame.exhaustive && frame.depth_uri.is_some());
    let ids: Vec<_> = surfaces(&imported).iter().map(|s| (s.object_id.clone(), s.triangles.len() / 3)).collect();
    assert_eq!(ids, [(Some("0".to_owned()), 2), (Some("1".to_owned()), 2), (None, 2)]);
}

#[test]
fn a_recording_gives_the_chosen_frames_and_is_not_its_own_input() {
    let folder = tempfile::tempdir().unwrap();
    recorded(folder.path());
    let first = import("scannet", folder.path(), RECORDED.options).unwrap();
    let names: Vec<_> = first.frames().map(|frame| frame.frame_id.as_str()).collect();
    assert_eq!(names, ["000000", "000002", "000004"].map(|n| format!("test/scene0002_01/{n}")));
    assert!(first.frames().all(|frame| frame.depth_uri.is_some()));
    let photo = std::fs::read(folder.path().join("photos/scene0002_01/color/000002.jpg")).unwrap();
    assert_eq!(photo, jpeg(2), "the bytes of the recording");
    let again = import("scannet", folder.path(), RECORDED.options).unwrap();
    assert_eq!(first.sorted(), again.sorted());
    let without = import("scannet", folder.path(), "").unwrap();
    // Without the option, what was extracted are photos like any other.
    assert_eq!(without.frames().count(), 3);

    std::fs::remove_dir_all(folder.path().join("photos")).unwrap();
    let untold = import("scannet", folder.path(), "").unwrap();
    assert_eq!(untold.refused(), [("scene0002_01/sens".to_owned(), "sens")]);
}

#[test]
fn faults_are_told_one_by_one() {
    let scan = "scans/scene0001_00";
    let lost = "-inf -inf -inf -inf\n".repeat(4);
    let imported = changed(&EXPORTED, &format!("{scan}/pose/1.txt"), |_| lost);
    assert_eq!(imported.refused(), [("scene0001_00/1".to_owned(), "tracking")]);
    assert_eq!(imported.quarantined[0].loss, Loss::Nothing, "scans lose their way");
    assert_eq!(imported.frames().count(), 1);

    let imported =
        changed(&EXPORTED, &format!("{scan}/scene0001_00.aggregation.json"), |text| text.replace("[8,9]", "[7]"));
    assert_eq!(imported.refused(), [("scene0001_00/1".to_owned(), "box3d")]);
    assert!(imported.frames().all(|frame| !frame.exhaustive), "a bed is missing, so that beds may not be counted");

    let segments = format!("{scan}/scene0001_00_vh_clean_2.0.010000.segs.json");
    let imported = changed(&EXPORTED, &segments, |text| text.replace("[5,", "["));
    assert_eq!(imported.refused(), [("scene0001_00/annotation".to_owned(), "segments")]);
    assert_eq!((objects(&imported).len(), surfaces(&imported).len()), (0, 1));
    assert!(imported.frames().all(|frame| frame.lifted_from.is_none()));

    let imported = changed(&EXPORTED, &format!("{scan}/scene0001_00.txt"), |text| text.replace("0 -1 0", "0 -7 0"));
    assert_eq!(imported.refused(), [("scene0001_00/alignment".to_owned(), "alignment")]);

    let imported = changed(&EXPORTED, &format!("{scan}/depth/1.png"), |_| "no depth".to_owned());
    assert_eq!(imported.refused(), [("scene0001_00/1/depth".to_owned(), "depth")]);
    assert_eq!(imported.frames().count(), 2, "the photo is used without");
}

/// The frames of a fixture, without what is of its folder.
fn frames_of(fixture: &Fixture, options: &str, change: impl FnOnce(&Path)) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    (fixture.write)(folder.path());
    change(folder.path());
    let imported = import(fixture.kind, folder.path(), options).unwrap();
    assert_eq!(imported.refused(), []);
    let root = folder.path().canonicalize().unwrap();
    imported.sorted().into_iter().map(|row| row.replace(root.to_str().unwrap(), "")).collect()
}

#[test]
fn text_files_are_taken_as_editors_write_them() {
    let scan = "scans/scene0001_00/";
    let all = [
        "scene0001_00.txt",
        "scene0001_00.aggregation.json",
        "scene0001_00_vh_clean_2.0.010000.segs.json",
        "pose/0.txt",
        "intrinsic/intrinsic_color.txt",
    ]
    .map(|file| format!("{scan}{file}"));
    let files = all.iter().map(String::as_str).chain(["scannetv2-labels.combined.tsv", "scannetv2_val.txt"]);
    let expected = frames_of(&EXPORTED, EXPORTED.options, |_| {});
    for file in files {
        let marked = |text: &str| ["\u{feff}", &text.replace('\n', " \r\n")].concat().into_bytes();
        let wide =
            |text: &str| ["\u{feff}", text].concat().encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        for encode in [&marked as &dyn Fn(&str) -> Vec<u8>, &wide] {
            let found = frames_of(&EXPORTED, EXPORTED.options, |root| {
                let text = std::fs::read_to_string(root.join(file)).unwrap();
                put(root, file, encode(&text));
            });
            assert_eq!(found, expected, "{file}");
        }
    }
    let commas = frames_of(&EXPORTED, EXPORTED.options, |root| {
        let pose =
            text(&pose(0)).lines().take(3).map(|line| format!("[{}],\n", line.replace(' ', ", "))).collect::<String>();
        put(root, &format!("{scan}pose/0.txt"), format!("[{pose}]"));
        put(root, &format!("{scan}intrinsic/intrinsic_color.txt"), "60;60;31;23");
    });
    assert_eq!(commas, expected);
}

#[test]
fn what_other_systems_leave_in_a_copy_changes_nothing() {
    let scan = "scans/scene0001_00";
    let expected = frames_of(&EXPORTED, EXPORTED.options, |_| {});
    let copied = frames_of(&EXPORTED, EXPORTED.options, |root| {
        for path in ["color/._0.jpg", "pose/._0.txt", "._scene0001_00.txt"] {
            put(root, &format!("{scan}/{path}"), b"\0\x05\x16\x07Mac OS X");
        }
    });
    assert_eq!(copied, expected);
    let capitals = frames_of(&EXPORTED, EXPORTED.options, |root| {
        for n in 0..2 {
            let colour = root.join(scan).join("color");
            std::fs::rename(colour.join(format!("{n}.jpg")), colour.join(format!("{n}.JPG"))).unwrap();
        }
    });
    let named = |rows: Vec<String>| rows.into_iter().map(|row| row.replace(".JPG", ".jpg")).collect::<Vec<_>>();
    assert_eq!(named(capitals), expected);

    let imported = changed(&EXPORTED, "scannetv2_val.txt", |_| "scene0500_00\nscene0501_00\n".to_owned());
    assert_eq!(imported.refused(), [("scannetv2_val.txt".to_owned(), "split")]);
    assert_eq!(imported.quarantined[0].loss, Loss::Nothing);
}

#[test]
fn photos_of_another_size_than_their_intrinsics_are_scaled_or_refused() {
    let scan = "scans/scene0001_00/";
    let txt = format!("{scan}scene0001_00.txt");
    let unsaid = |root: &Path| put(root, &txt, "axisAlignment = 0 -1 0 0 1 0 0 0 0 0 1 1 0 0 0 1\nsceneType = Hall\n");
    let expected = frames_of(&EXPORTED, "", |_| {});
    assert_eq!(frames_of(&EXPORTED, "intrinsics_size = [64, 48]", unsaid), expected);
    let info = frames_of(&EXPORTED, "", |root| {
        unsaid(root);
        put(root, &format!("{scan}_info.txt"), "m_colorWidth = 64\r\nm_colorHeight = 48\r\n");
    });
    assert_eq!(info, expected);
    let made_anew = frames_of(&EXPORTED, "", |root| {
        put(root, &format!("{scan}intrinsic/intrinsic_color.txt"), "30 30 15.25 11.25");
    });
    assert_eq!(made_anew, expected, "the scan's text is of the photos as they were taken");

    let folder = tempfile::tempdir().unwrap();
    exported(folder.path());
    unsaid(folder.path());
    let refused = import("scannet", folder.path(), "").unwrap();
    assert_eq!(refused.refused().iter().map(|(_, code)| *code).collect::<Vec<_>>(), ["intrinsics"; 2]);
    assert!(
        refused.quarantined[0].message().contains("intrinsics_size = [63, 47]"),
        "{}",
        refused.quarantined[0].message()
    );
    let stated = import("scannet", folder.path(), "intrinsics_size = 'image'").unwrap();
    assert_eq!(stated.frames().next().unwrap().cx, Some(31.0));
}

#[test]
fn wrong_options_are_told() {
    let folder = tempfile::tempdir().unwrap();
    exported(folder.path());
    for options in
        ["frame_step = 0", "max_frames = 0", "frame_step = 'all'", "intrinsics_size = [0, 1]", "intrinsics_size = 'x'"]
    {
        assert_eq!(import("scannet", folder.path(), options).err().unwrap().exit_code(), 2, "{options}");
    }
    for options in ["label_map = 'nowhere.tsv'", "label_column = 'nyu'", "axis_alignment = 'nowhere.json'"] {
        assert_eq!(import("scannet", folder.path(), options).err().unwrap().exit_code(), 1, "{options}");
    }
    assert_eq!(import("scannet", folder.path(), "max_frames = 1").unwrap().frames().count(), 1);
}
