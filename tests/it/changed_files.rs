//! What a stage reads from a file reaches it: after any file of a dataset has changed, a build gives what a build from nothing does.

use std::path::Path;

use image::{GrayImage, ImageBuffer, Luma, Rgb, RgbImage};
use spatialmill::{Mill, Progress, Project};

use crate::build::lines;

const WIDTH: u32 = 96;
const HEIGHT: u32 = 72;

fn put(root: &Path, path: &str, bytes: impl AsRef<[u8]>) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn encoded(image: impl Into<image::DynamicImage>) -> Vec<u8> {
    let mut png = std::io::Cursor::new(Vec::new());
    image.into().write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}

fn depth(millimetres: u16) -> Vec<u8> {
    // A step between the things, so that one is nearer.
    let at = |x: u32| if x < WIDTH / 2 { millimetres } else { millimetres + 600 };
    encoded(ImageBuffer::<Luma<u16>, _>::from_fn(WIDTH, HEIGHT, |x, _| Luma([at(x)])))
}

fn colour(red: u8) -> Vec<u8> {
    encoded(RgbImage::from_pixel(WIDTH, HEIGHT, Rgb([red, 90, 40])))
}

fn ids() -> Vec<u8> {
    let id = |x: u32| if (8..40).contains(&x) { 1 } else { u8::from((56..88).contains(&x)) * 2 };
    encoded(GrayImage::from_fn(WIDTH, HEIGHT, |x, y| Luma([if (20..64).contains(&y) { id(x) } else { 0 }])))
}

fn write(root: &Path) {
    for name in ["1", "2"] {
        put(root, &format!("hall/color/{name}.png"), colour(200));
        put(root, &format!("hall/depth/{name}.png"), depth(2000));
        put(root, &format!("hall/instance/{name}.png"), ids());
    }
    put(root, "hall/intrinsics.txt", "90 90 47.5 35.5");
    put(root, "hall/gravity.txt", "0 1 0");
    put(root, "hall/instances.json", r#"{"1": "chair", "2": "bed"}"#);
}

/// Other bytes at the same time of modification: programs that copy files set that.
fn corrected(path: &Path, bytes: &[u8]) {
    let before = std::fs::metadata(path).unwrap().modified().unwrap();
    std::fs::write(path, bytes).unwrap();
    std::fs::File::options().write(true).open(path).unwrap().set_modified(before).unwrap();
}

async fn rows(folder: &Path, url: &str) -> Vec<Vec<String>> {
    let mill = Mill::open(Project::load(folder, &[format!("url={url}")]).unwrap(), Progress::silent()).await.unwrap();
    mill.import(&[]).await.unwrap();
    mill.build(None).await.unwrap();
    let mut rows = Vec::new();
    for table in ["frames", "detections", "objects", "appearances", "dataset"] {
        rows.push(lines(&mill, &format!("SELECT * FROM {table}")).await);
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_file_reaches_all_that_is_made_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("data");
    write(&root);
    let source =
        "[[source]]\nname = \"r\"\nkind = \"rgbd\"\nroot = \"data\"\nexhaustive = true\n[ask]\nscene_tasks = false\n";
    std::fs::write(folder.path().join("mill.toml"), source).unwrap();
    let mut before = rows(folder.path(), "warehouse").await;
    assert!(!before[2].is_empty() && !before[3].is_empty(), "there are objects and their colours");
    // What importers read reaches their rows; these two are read by stages.
    let changes = [("hall/depth/1.png", depth(4000)), ("hall/color/1.png", colour(20))];
    for (nth, (file, bytes)) in changes.iter().enumerate() {
        corrected(&root.join(file), bytes);
        let again = rows(folder.path(), "warehouse").await;
        assert!(again[2..] != before[2..], "{file}: nothing behind it is made again");
        assert!(again == rows(folder.path(), &format!("memory://{nth}")).await, "{file}: a build from nothing differs");
        before = again;
    }
}
