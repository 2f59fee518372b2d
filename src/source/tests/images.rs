//! Photos without annotations: as files, in tars and in Parquet files; upright, whatever EXIF says; and one fault of each kind.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::photos;
use crate::source::root::Root;
use crate::source::{SOURCES, SourceOptions};
use crate::tables::{Frame, Loss};
use arrow::array::{ArrayRef, BinaryArray, Int64Array, ListArray, RecordBatch, StringArray, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Int64Type};
use image::{DynamicImage, GrayImage, RgbImage, metadata::Orientation};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::{Fixture, Imported, import};

pub const FILES: Fixture = Fixture {
    kind: "images",
    about: "files",
    write: |root| {
        for n in 0..6 {
            let (ending, bytes) = if n % 2 == 0 { ("jpg", jpeg(n)) } else { ("PNG", png(n)) };
            put(root, &format!("{}/{n}.{ending}", if n < 3 { "a" } else { "b c" }), &bytes);
            put(root, &format!("a/{n}.json"), br#"{"said": "A photo.", "licence": "CC0"}"#);
        }
    },
    options: "shards = 3\ncaption = 'said'\nlicence_column = 'licence'",
    rows: 6,
    files: &["a/0.jpg", "a/1.PNG", "a/0.json"],
};

pub const TAR: Fixture = Fixture {
    kind: "images",
    about: "a tar",
    write: |root| put(root, "shards/000001.tar", &tar_of(&members())),
    options: "caption = 'txt'\nsplit_column = 'split'",
    rows: 6,
    files: &["shards/000001.tar"],
};

pub const TABLE: Fixture = Fixture {
    kind: "images",
    about: "Parquet",
    write: |root| put(root, "data/train-00000.parquet", &parquet_of(&hugging_face(12), 4, true)),
    options: "key = 'id'\ncaption = 'text'",
    rows: 12,
    files: &["data/train-00000.parquet"],
};

fn picture(n: u32) -> RgbImage {
    RgbImage::from_fn(32, 24, |x, y| image::Rgb([x as u8 * 8, y as u8 * 10, (n % 12) as u8 * 20]))
}

fn jpeg(n: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    jpeg_encoder::Encoder::new(&mut bytes, 90)
        .encode(picture(n).as_raw(), 32, 24, jpeg_encoder::ColorType::Rgb)
        .unwrap();
    bytes
}

fn png(n: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture(n).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn put(root: &Path, path: &str, bytes: &[u8]) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn members() -> Vec<(String, Vec<u8>)> {
    let mut members = Vec::new();
    for n in 0..5_u32 {
        let (ending, bytes) = if n % 2 == 0 { ("jpg", jpeg(n)) } else { ("png", png(n)) };
        members.push((format!("./d/{n}.{ending}"), bytes));
        members.push((format!("./d/{n}.txt"), format!("Photo {n}.").into_bytes()));
        members.push((format!("./d/{n}.json"), br#"{"split": "validation"}"#.to_vec()));
    }
    members.push((format!("./d/{}.jpg", "long".repeat(60)), jpeg(9)));
    members
}

fn tar_of(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, &bytes[..]).unwrap();
    }
    builder.into_inner().unwrap()
}

/// As `datasets` writes photos: a struct of bytes and path; with a column of whole numbers and one of texts.
fn hugging_face(rows: u32) -> RecordBatch {
    let bytes: Vec<Vec<u8>> = (0..rows).map(|n| if n % 2 == 0 { jpeg(n) } else { png(n) }).collect();
    let bytes = BinaryArray::from_iter_values(&bytes);
    let paths = StringArray::from_iter((0..rows).map(|n| (n % 3 != 0).then(|| format!("photos/{n}.img"))));
    let image = StructArray::from(vec![
        (Arc::new(Field::new("bytes", DataType::Binary, true)), Arc::new(bytes) as ArrayRef),
        (Arc::new(Field::new("path", DataType::Utf8, true)), Arc::new(paths) as ArrayRef),
    ]);
    let ids = Int64Array::from_iter_values((0..rows).map(|n| i64::from(n) * 100));
    let texts = StringArray::from_iter((0..rows).map(|n| (n > 0).then(|| format!("Row {n}."))));
    RecordBatch::try_from_iter([
        ("id", Arc::new(ids) as ArrayRef),
        ("image", Arc::new(image) as ArrayRef),
        ("text", Arc::new(texts) as ArrayRef),
    ])
    .unwrap()
}

fn parquet_of(batch: &RecordBatch, group: usize, page_index: bool) -> Vec<u8> {
    let mut properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(group))
        .set_data_page_row_count_limit(2)
        .set_write_batch_size(1)
        .set_offset_index_disabled(!page_index);
    if !page_index {
        properties = properties.set_statistics_enabled(EnabledStatistics::None);
    }
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties.build())).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

fn at_root(files: &[(&str, &[u8])], options: &str) -> (tempfile::TempDir, Imported) {
    let folder = tempfile::tempdir().unwrap();
    files.iter().for_each(|(path, bytes)| put(folder.path(), path, bytes));
    let imported = import("images", folder.path(), options).unwrap();
    (folder, imported)
}

fn ids(imported: &Imported) -> Vec<&str> {
    let mut ids: Vec<_> = imported.frames().map(|frame| frame.frame_id.as_str()).collect();
    ids.sort_unstable();
    ids
}

fn frame<'a>(imported: &'a Imported, id: &str) -> &'a Frame {
    imported.frames().find(|frame| frame.frame_id == id).unwrap_or_else(|| panic!("no {id}: {imported:#?}"))
}

fn read(uri: &str) -> Result<Vec<u8>, String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(photos::read(uri, 1 << 20)).map(|bytes| bytes.to_vec()).map_err(|e| e.to_string())
}

/// A JPEG or PNG with an EXIF note.
pub fn noted(file: &[u8], note: &[u8]) -> Vec<u8> {
    if file.starts_with(b"\x89PNG") {
        // Behind the header: signature, length, name, thirteen bytes, checksum.
        let (before, after) = file.split_at(8 + 25);
        let chunk = [b"eXIf", note].concat();
        let sum = crc32(&chunk).to_be_bytes();
        return [before, &(note.len() as u32).to_be_bytes(), &chunk, &sum, after].concat();
    }
    let length = (2 + 6 + note.len() as u16).to_be_bytes();
    [&file[..2], b"\xff\xe1", &length, b"Exif\0\0", note, &file[2..]].concat()
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xEDB8_8320 } else { sum >> 1 })
    })
}

/// An EXIF note: the orientation, and a focal length as of 35 mm film.
pub fn note(orientation: u8, film: u8) -> Vec<u8> {
    let entry = |tag: u16, kind: u16, value: u32| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &1_u32.to_le_bytes(), &value.to_le_bytes()].concat()
    };
    let first = [&2_u16.to_le_bytes()[..], &entry(0x0112, 3, orientation.into()), &entry(0x8769, 4, 38), &[0; 4]];
    let second = [&1_u16.to_le_bytes()[..], &entry(0xa405, 3, film.into()), &[0; 4]];
    [b"II\x2a\0\x08\0\0\0".to_vec(), first.concat(), second.concat()].concat()
}

/// The letter F in blocks of 16 pixels, stored as a camera that notes this orientation stores it.
fn letter(orientation: u8) -> (RgbImage, DynamicImage) {
    let ink = ["###", "#..", "##.", "#.."];
    let letter = GrayImage::from_fn(48, 64, |x, y| {
        image::Luma([if ink[y as usize / 16].as_bytes()[x as usize / 16] == b'#' { 230 } else { 20 }])
    });
    let letter = DynamicImage::from(letter).into_rgb8();
    let back = match orientation {
        6 => 8,
        8 => 6,
        own => own,
    };
    let mut stored = DynamicImage::from(letter.clone());
    stored.apply_orientation(Orientation::from_exif(back).unwrap());
    (letter, stored)
}

#[test]
fn all_orientations_give_the_same_upright_pixels() {
    let folder = tempfile::tempdir().unwrap();
    let mut members = Vec::new();
    for orientation in 1..=8 {
        let (_, stored) = letter(orientation);
        let mut file = std::io::Cursor::new(Vec::new());
        stored.write_to(&mut file, image::ImageFormat::Png).unwrap();
        let file = noted(file.get_ref(), &note(orientation, 50));
        put(folder.path(), &format!("{orientation}.png"), &file);
        members.push((format!("{orientation}.png"), file));
        let mut file = Vec::new();
        let (width, height) = (stored.width() as u16, stored.height() as u16);
        let encoder = jpeg_encoder::Encoder::new(&mut file, 95);
        encoder.encode(stored.as_bytes(), width, height, jpeg_encoder::ColorType::Rgb).unwrap();
        put(folder.path(), &format!("jpeg/{orientation}.jpg"), &noted(&file, &note(orientation, 50)));
    }
    put(folder.path(), "t.tar", &tar_of(&members));
    let imported = import("images", folder.path(), "").unwrap();
    assert_eq!(imported.refused(), []);
    assert_eq!(imported.frames().count(), 24);
    for frame in imported.frames() {
        let name = frame.frame_id.rsplit('/').next().unwrap();
        assert_eq!(frame.uri.contains("turned="), name != "1", "{}", frame.uri);
        assert_eq!((frame.width, frame.height), (48, 64), "{frame:?}");
        let upright = image::load_from_memory(&read(&frame.uri).unwrap()).unwrap().into_rgb8();
        let far = upright.as_raw().iter().zip(letter(1).0.as_raw()).map(|(a, b)| a.abs_diff(*b)).max();
        let allowed = if frame.frame_id.contains("jpeg") { 12 } else { 0 };
        assert!(upright.dimensions() == (48, 64) && far <= Some(allowed), "{}: {far:?}", frame.frame_id);
        // 80 pixels diagonally, as 43.27 mm of film.
        let focal = 50.0 / 36_f64.hypot(24.0) * 80.0;
        assert!((frame.fx.unwrap() - focal).abs() < 1e-9 && frame.fx == frame.fy, "{frame:?}");
        assert_eq!((frame.cx, frame.cy, frame.camera_from), (Some(23.5), Some(31.5), Some("exif")));
    }
}

#[test]
fn what_is_read_is_what_was_stored() {
    for (page_index, group) in [(true, 12), (true, 5), (false, 12), (false, 5)] {
        let folder = tempfile::tempdir().unwrap();
        (FILES.write)(folder.path());
        (TAR.write)(folder.path());
        put(folder.path(), "data/rows.parquet", &parquet_of(&hugging_face(12), group, page_index));
        let imported = import("images", folder.path(), "").unwrap();
        assert_eq!((imported.refused(), imported.frames().count()), (vec![], 6 + 6 + 12));
        let mut originals = BTreeMap::new();
        for n in 0..6 {
            let place = if n < 3 { "a" } else { "b c" };
            originals.insert(format!("test/{place}/{n}"), if n % 2 == 0 { jpeg(n) } else { png(n) });
        }
        for (name, bytes) in members().into_iter().filter(|(name, _)| name.ends_with("jpg") || name.ends_with("png")) {
            originals.insert(format!("test/shards/000001/{}", &name[2..name.len() - 4]), bytes);
        }
        for n in 0..12 {
            originals.insert(format!("test/data/rows/{n}"), if n % 2 == 0 { jpeg(n) } else { png(n) });
        }
        for frame in imported.frames() {
            let bytes = read(&frame.uri).unwrap();
            assert!(bytes == originals[&frame.frame_id], "{} at {}", frame.frame_id, frame.uri);
            let sum = ring::digest::digest(&ring::digest::SHA256, &bytes);
            let sum: String = sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(frame.sha256.as_ref(), Some(&sum));
            assert_eq!((frame.lifted_from.as_ref(), frame.exhaustive, frame.fx), (None, false, None));
        }
    }
}

#[test]
fn a_bucket_is_read_like_a_folder() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    for fixture in [FILES, TAR, TABLE] {
        (fixture.write)(folder.path());
    }
    let url = "memory://images/set";
    let (store, prefix) = crate::warehouse::open_object(url).unwrap();
    for entry in Root::local(folder.path()).unwrap().list("").unwrap() {
        let bytes = std::fs::read(folder.path().join(&entry.path)).unwrap();
        let at = entry.path.split('/').fold(prefix.clone(), |path, part| path.join(part));
        runtime.block_on(object_store::ObjectStoreExt::put(&store, &at, bytes.into())).unwrap();
    }
    let root = Root::at(url, Path::new("."), false, runtime.handle().clone()).unwrap();
    let kind = SOURCES.iter().find(|kind| kind.name == "images").unwrap();
    let source = kind.open(root, &SourceOptions { name: "test".to_owned(), ..SourceOptions::default() }).unwrap();
    let found = Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = Arc::clone(&found);
    let mut rows = crate::source::RowSink::new(move |row| {
        sink.lock().unwrap().push(row);
        Ok(())
    });
    for shard in source.shards().unwrap() {
        source.read(&shard, &mut rows).unwrap();
    }
    let imported = Imported { rows: std::mem::take(&mut found.lock().unwrap()), quarantined: Vec::new() };
    let local = import("images", folder.path(), "").unwrap();
    assert_eq!(ids(&imported), ids(&local));
    for frame in imported.frames() {
        assert!(frame.uri.starts_with(url), "{}", frame.uri);
        assert_eq!(read(&frame.uri), read(&self::frame(&local, &frame.frame_id).uri), "{}", frame.uri);
    }
}

#[test]
fn a_key_of_a_bucket_may_be_anything_that_a_path_can_be() {
    let names =
        ["a+b.jpg", "sp ace.jpg", "a#1.jpg", "50%25.jpg", "q?x=1&y.jpg", "ü~[1].jpg", " end .jpg", "{a}|^`.jpg"];
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let url = "memory://odd-names/my data+1/v#2 ";
    let location = crate::warehouse::Location::parse(url, Path::new(".")).unwrap();
    for (n, name) in names.iter().enumerate() {
        let at = object_store::path::Path::parse(format!("my data+1/v#2 /{name}")).unwrap();
        runtime.block_on(object_store::ObjectStoreExt::put(location.store(), &at, jpeg(n as u32).into())).unwrap();
    }
    let root = Root::at(url, Path::new("."), false, runtime.handle().clone()).unwrap();
    let kind = SOURCES.iter().find(|kind| kind.name == "images").unwrap();
    let source =
        kind.open(root.clone(), &SourceOptions { name: "test".to_owned(), ..SourceOptions::default() }).unwrap();
    let found = Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = Arc::clone(&found);
    let mut rows = crate::source::RowSink::new(move |row| {
        sink.lock().unwrap().push(row);
        Ok(())
    });
    source.shards().unwrap().iter().for_each(|shard| source.read(shard, &mut rows).unwrap());
    let imported = Imported { rows: std::mem::take(&mut found.lock().unwrap()), quarantined: Vec::new() };
    assert_eq!(imported.frames().count(), names.len(), "{imported:?}");
    for frame in imported.frames() {
        let name = frame.frame_id.strip_prefix("test/").unwrap();
        assert!(names.contains(&format!("{name}.jpg").as_str()), "{name}");
        assert_eq!(photos::Address::parse(&frame.uri).unwrap().file_name(), format!("{name}.jpg"));
        assert_eq!(crate::source::photo::sha256(&read(&frame.uri).unwrap()), frame.sha256.clone().unwrap());
        assert!(root.contains(&frame.uri) && !root.contains("memory://odd-names/my%20data+1/x.jpg"));
    }
}

#[test]
fn what_is_beside_a_photo_is_said_of_it() {
    let folder = tempfile::tempdir().unwrap();
    (TAR.write)(folder.path());
    (TABLE.write)(folder.path());
    let tar = import("images", folder.path(), "files = '**/*.tar'\ncaption = 'txt'\nsplit_column = 'split'").unwrap();
    let third = frame(&tar, "test/shards/000001/d/3");
    assert_eq!((third.captions.as_ref(), third.split.as_deref()), (Some(&vec!["Photo 3.".to_owned()]), Some("val")));
    assert!(third.uri.ends_with("&name=3.png"), "{}", third.uri);

    let options = "files = '**/*.parquet'\nkey = 'id'\ncaption = 'text'\nimage = 'image'";
    let table = import("images", folder.path(), options).unwrap();
    let third = frame(&table, "test/data/train-00000/300");
    assert_eq!(third.captions, Some(vec!["Row 3.".to_owned()]));
    assert!(third.uri.ends_with("#column=image&row=3&name=300.png"), "{}", third.uri);
    assert!(frame(&table, "test/data/train-00000/100").uri.ends_with("&row=1&name=1.img"));
    assert_eq!(frame(&table, "test/data/train-00000/0").captions, None);

    let (_folder, files) = at_root(
        &[
            ("a.left.jpg", &jpeg(1)),
            ("a.right.jpg", &jpeg(2)),
            ("a.json", br#"{"says": ["One.", "Two."], "licence": "CC0", "part": "Dev"}"#),
            ("b.1.jpg", &jpeg(3)),
            ("b.1.json", br#"{"says": null}"#),
        ],
        "caption = 'says'\nlicence_column = 'licence'\nsplit_column = 'part'",
    );
    assert_eq!(ids(&files), ["test/a.left", "test/a.right", "test/b.1"]);
    for side in ["test/a.left", "test/a.right"] {
        let frame = frame(&files, side);
        assert_eq!(frame.captions, Some(vec!["One.".to_owned(), "Two.".to_owned()]));
        assert_eq!((frame.licence.as_deref(), frame.split.as_deref()), (Some("CC0"), Some("val")));
    }
    assert_eq!(frame(&files, "test/b.1").captions, None);
}

#[test]
fn names_of_folders_and_archives_tell_the_split() {
    let (tar, table) = (tar_of(&[("1.jpg".to_owned(), jpeg(1))]), parquet_of(&hugging_face(1), 10, true));
    let (_folder, imported) = at_root(
        &[
            ("data/test-00000-of-00001.parquet", &table),
            ("data/train-00000-of-00001.parquet", &table),
            ("shards/cc-val-000001.tar", &tar),
            ("Validation/x.jpg", &jpeg(2)),
            ("holiday/test.jpg", &jpeg(3)),
        ],
        "",
    );
    let split = |id: &str| frame(&imported, id).split.as_deref();
    assert_eq!(split("test/data/test-00000-of-00001/0"), Some("test"));
    assert_eq!(split("test/data/train-00000-of-00001/0"), Some("train"));
    assert_eq!(split("test/shards/cc-val-000001/1"), Some("val"));
    assert_eq!(split("test/Validation/x"), Some("val"));
    assert_eq!(split("test/holiday/test"), None, "a photo's own name is about what it shows");

    // A column whose name is another, or another's: which one it could be is told.
    let named = |name: &str| {
        let rows = hugging_face(1);
        let (photos, texts) = (rows.column(1).clone(), rows.column(2).clone());
        parquet_of(&RecordBatch::try_from_iter([(name, photos), ("photo", texts)]).unwrap(), 10, true)
    };
    let (_folder, imported) = at_root(&[("a.parquet", &named("Image")), ("b.parquet", &named("view"))], "");
    assert_eq!(ids(&imported), ["test/a/0"]);
    let message = imported.quarantined[0].message();
    assert!(
        message.contains("`photo` has no photos: it is text") && message.contains("`view` could be it"),
        "{message}"
    );
}

#[test]
fn names_that_differ_in_their_ending_are_two() {
    let tar = tar_of(&[
        ("x.jpg".to_owned(), jpeg(1)),
        ("x.png".to_owned(), png(1)),
        ("y.jpg".to_owned(), jpeg(2)),
        ("z.jpg".to_owned(), jpeg(3)),
        ("y.jpg".to_owned(), jpeg(4)),
    ]);
    let (_folder, imported) = at_root(
        &[
            ("a.jpg", &jpeg(1)),
            ("a.png", &png(1)),
            ("a.jpg.png", &png(2)),
            ("b/y.jpg", &jpeg(1)),
            ("b.tar", &tar),
            ("c.tar", &tar),
            ("c.parquet", &parquet_of(&hugging_face(1), 4, true)),
        ],
        "",
    );
    let expected = [
        "test/a.jpg",
        "test/a.png",
        "test/b.tar/x.jpg",
        "test/b.tar/x.png",
        "test/b.tar/y",
        "test/b.tar/z",
        "test/b/y",
        "test/c.parquet/0",
        "test/c.tar/x.jpg",
        "test/c.tar/x.png",
        "test/c.tar/y",
        "test/c.tar/z",
    ];
    assert_eq!(ids(&imported), expected);
    let refused = imported.refused();
    let expected = [("a.jpg", "duplicate"), ("b.tar/y", "duplicate"), ("c.tar/y", "duplicate")];
    assert_eq!(refused, expected.map(|(key, code)| (key.to_owned(), code)));
}

#[test]
fn what_is_no_photo_is_quarantined() {
    let whole = jpeg(1);
    let (folder, imported) = at_root(
        &[
            ("empty.jpg", b""),
            ("cut.jpg", &whole[..whole.len() - 20]),
            ("header.jpg", &whole[..10]),
            ("web.jpg", b"RIFF\0\0\0\0WEBPVP8 "),
            ("phone.jpg", b"\0\0\0\x18ftypheic\0\0\0\0"),
            ("phone.HEIC", b"\0\0\0\x18ftypheic\0\0\0\0"),
            ("moving.gif", b"GIF89a"),
            ("text.png", b"hello"),
            ("note.txt", b"not listed"),
            ("._hidden.jpg", b"not listed"),
            ("folder.jpg/inside.png", &png(1)),
            ("#odd %20 ?name+ä.jpg", &whole),
        ],
        "",
    );
    assert_eq!(ids(&imported), ["test/#odd %20 ?name+ä", "test/folder.jpg/inside"]);
    assert_eq!(read(&frame(&imported, "test/#odd %20 ?name+ä").uri).unwrap(), whole);
    let expected = [
        ("cut", "image"),
        ("empty", "image"),
        ("header", "image"),
        ("moving", "format"),
        ("phone.HEIC", "format"),
        ("phone.jpg", "format"),
        ("text", "image"),
        ("web", "format"),
    ];
    assert_eq!(imported.refused(), expected.map(|(key, code)| (key.to_owned(), code)));
    let why = imported.quarantined.iter().find(|lost| lost.key == "phone.HEIC").unwrap();
    assert_eq!(why.message(), ".heic is not read; JPEG and PNG are: as files, in .tar and in .parquet");
    drop(folder);
}

#[test]
fn a_file_that_vanishes_is_quarantined() {
    let folder = tempfile::tempdir().unwrap();
    (FILES.write)(folder.path());
    let kind = SOURCES.iter().find(|kind| kind.name == "images").unwrap();
    let options = SourceOptions { name: "test".to_owned(), ..SourceOptions::default() };
    let source = kind.open(Root::local(folder.path()).unwrap(), &options).unwrap();
    let shards = source.shards().unwrap();
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let vanish = folder.path().join("b c/4.jpg");
    let mut rows = crate::source::RowSink::new(move |row| {
        // The bucket is listed by the time its first photo arrives.
        let _ = std::fs::remove_file(&vanish);
        sink.lock().unwrap().push(row);
        Ok(())
    });
    source.read(&shards[0], &mut rows).unwrap();
    let seen = seen.lock().unwrap();
    let lost: Vec<_> = seen.iter().filter(|row| format!("{row:?}").contains("missing_file")).collect();
    assert_eq!((seen.len(), lost.len()), (6, 1), "{seen:#?}");
}

#[cfg(unix)]
#[test]
fn links_do_not_lead_out_of_the_root() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "outside/secret.jpg", &jpeg(1));
    put(folder.path(), "root/in.jpg", &jpeg(1));
    let root = folder.path().join("root");
    std::os::unix::fs::symlink(folder.path().join("outside/secret.jpg"), root.join("out.jpg")).unwrap();
    std::os::unix::fs::symlink(folder.path().join("outside"), root.join("way")).unwrap();
    std::os::unix::fs::symlink("../root/in.jpg", root.join("again.jpg")).unwrap();
    let imported = import("images", &root, "").unwrap();
    assert_eq!(ids(&imported), ["test/again", "test/in"]);
    assert_eq!(imported.refused(), [("out.jpg".to_owned(), "path"), ("way/".to_owned(), "path")]);
    // What nobody asked for is not missed.
    assert_eq!(import("images", &root, "files = 'i*.jpg'").unwrap().refused(), []);
}

#[test]
fn words_are_found_wherever_they_stand_in_a_tar() {
    let photos: Vec<_> = (0..40).map(|n| (format!("d/{n}.{}", if n % 2 == 0 { "jpg" } else { "png" }), n)).collect();
    let photos: Vec<_> =
        photos.into_iter().map(|(name, n)| (name, if n % 2 == 0 { jpeg(n) } else { png(n) })).collect();
    let texts: Vec<_> = (0..39).map(|n| (format!("d/{n}.txt"), format!("Photo {n}.").into_bytes())).collect();
    let splits: Vec<_> = (0..40).map(|n| (format!("d/{n}.json"), br#"{"split": "test"}"#.to_vec())).collect();
    let options = "caption = 'txt'\nsplit_column = 'split'";
    let mut together: Vec<_> = photos.iter().chain(&texts).chain(&splits).cloned().collect();
    together.sort_by_key(|(name, _)| name.split('.').next().unwrap().to_owned());
    let tar = |members: &[(String, Vec<u8>)]| {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), "t.tar", &tar_of(members));
        let imported = import("images", folder.path(), options).unwrap();
        for frame in imported.frames() {
            assert_eq!(crate::source::photo::sha256(&read(&frame.uri).unwrap()), frame.sha256.clone().unwrap());
        }
        imported
    };
    let of = |imported: &Imported| -> BTreeMap<String, (Option<Vec<String>>, Option<String>)> {
        let one = |frame: &Frame| (frame.frame_id.clone(), (frame.captions.clone(), frame.split.clone()));
        imported.frames().map(one).collect()
    };
    let expected = of(&tar(&together));
    assert_eq!(expected.len(), 40);
    assert!(expected.values().all(|(_, split)| split.as_deref() == Some("test")));
    assert_eq!(expected["test/t/d/7"].0, Some(vec!["Photo 7.".to_owned()]));
    assert_eq!(expected["test/t/d/39"].0, None, "nobody said anything");
    for order in [[&photos, &texts, &splits], [&texts, &photos, &splits], [&splits, &texts, &photos]] {
        let members: Vec<_> = order.into_iter().flatten().cloned().collect();
        let imported = tar(&members);
        assert_eq!(of(&imported), expected);
        assert!(imported.quarantined.is_empty());
    }
    // Cut among the splits: a photo of which nothing is known could be one that is tested on.
    let folder = tempfile::tempdir().unwrap();
    let whole = tar_of(&photos.iter().chain(&texts).chain(&splits).cloned().collect::<Vec<_>>());
    put(folder.path(), "t.tar", &whole[..whole.len() - 1024 - 20 * 1024 - 100]);
    let imported = import("images", folder.path(), options).unwrap();
    assert!(imported.frames().count() > 0 && imported.frames().all(|frame| frame.split.as_deref() == Some("test")));
    assert_eq!(imported.frames().count() + imported.quarantined.len(), 41);
    assert!(imported.quarantined.iter().all(|row| row.code() == "tar"));
}

#[test]
fn a_photo_that_breaks_off_is_no_photo() {
    let cut = |bytes: Vec<u8>| bytes[..bytes.len() * 6 / 10].to_vec();
    let (_folder, files) = at_root(&[("a.jpg", &cut(jpeg(1))), ("b.png", &cut(png(1))), ("c.jpg", &jpeg(1))], "");
    assert_eq!(ids(&files), ["test/c"]);
    assert_eq!(files.refused(), [("a".to_owned(), "image"), ("b".to_owned(), "image")]);
}

#[test]
fn odd_members_of_a_tar_are_quarantined() {
    let mut builder = tar::Builder::new(Vec::new());
    let mut append = |name: &str, kind: tar::EntryType, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_entry_type(kind);
        header.set_cksum();
        builder.append(&header, bytes).unwrap();
    };
    let file = tar::EntryType::Regular;
    append("/etc/a.jpg", file, &jpeg(1));
    append("../b.jpg", file, &jpeg(1));
    append("d.jpg", tar::EntryType::Directory, b"");
    append("link.jpg", tar::EntryType::Symlink, b"");
    append("sparse.jpg", tar::EntryType::GNUSparse, &[0; 512]);
    append("web.webp", file, b"RIFF");
    append("x.npy", file, b"1234");
    append("PaxHeaders/x", tar::EntryType::XHeader, "21 path=pax/ä b.jpg\n".as_bytes());
    append("x", file, &jpeg(7));
    append("ä.jpg", file, &jpeg(1));
    append("fine.left.jpg", file, &jpeg(2));
    append("fine.right.jpg", file, &jpeg(3));
    let tar = builder.into_inner().unwrap();
    let (_folder, imported) = at_root(&[("t.tar", &tar)], "");
    assert_eq!(ids(&imported).len(), 4, "{imported:#?}");
    assert_eq!(read(&frame(&imported, "test/t/pax/ä b").uri).unwrap(), jpeg(7));
    assert_eq!(read(&frame(&imported, "test/t/fine.right").uri).unwrap(), jpeg(3));
    let codes: Vec<_> = imported.refused();
    let expected =
        [("t/../b", "path"), ("t//etc/a", "path"), ("t/link", "tar"), ("t/sparse", "tar"), ("t/web", "format")];
    assert_eq!(codes, expected.map(|(key, code)| (key.to_owned(), code)));

    let (_folder, left) = at_root(&[("t.tar", &tar)], "image = 'left.jpg'");
    assert_eq!(ids(&left), ["test/t/fine.left"]);
}

#[test]
fn a_tar_that_breaks_off_keeps_what_came_before() {
    let whole = tar_of(&members());
    let frames = |bytes: &[u8]| {
        let (_folder, imported) = at_root(&[("t.tar", bytes)], "");
        (imported.frames().count(), imported.refused().into_iter().map(|(_, code)| code).collect::<Vec<_>>())
    };
    assert_eq!(frames(&whole), (6, vec![]));
    assert_eq!(frames(b""), (0, vec!["tar"]));
    assert_eq!(frames(b"\x1f\x8b\x08 compressed"), (0, vec!["tar"]));
    // Without its end; within a photo, which is lost; within a header.
    let end = whole.len() - 1024;
    assert_eq!(frames(&whole[..end]), (6, vec!["tar"]));
    assert_eq!(frames(&whole[..512 + 100]), (0, vec!["tar", "tar"]));
    assert_eq!(frames(&whole[..100]), (0, vec!["tar"]));
    // Two in one.
    assert_eq!(frames(&[&whole[..], &whole].concat()), (6, vec!["tar"]));
}

#[test]
fn a_damaged_archive_counts_as_the_photos_that_it_held() {
    let losses = |file: &str, bytes: &[u8], options: &str| {
        let (_folder, imported) = at_root(&[(file, bytes)], options);
        let all =
            imported.frames().count() as u64 + imported.quarantined.iter().map(|row| row.loss.images()).sum::<u64>();
        let told = imported.quarantined.iter().map(|row| (row.loss, row.message().to_owned()));
        (all, told.max_by_key(|(loss, _)| loss.images()).unwrap())
    };
    let mut tar = tar_of(&members());
    let (all, (loss, message)) = losses("t.tar", &[&tar[..], &tar].concat(), "");
    assert_eq!((all, loss), (12, Loss::Images(6)), "{message}");

    tar[3] ^= 1;
    let (all, (loss, message)) = losses("t.tar", &tar, "");
    // The photo of the damaged header has no name any more.
    assert_eq!((all, loss), (5, Loss::Images(5)), "{message}");
    assert!(message.contains("5 photos behind it are lost"), "{message}");
    let (all, (_, message)) = losses("t.tar", b"\x1f\x8b\x08 compressed", "");
    assert!(all == 1 && message.contains("counts as one"), "{message}");

    let table = parquet_of(&hugging_face(7), 3, false);
    let (all, (loss, message)) = losses("t.parquet", &table, "image = 'photo'");
    assert!(all == 7 && loss == Loss::Images(7) && message.contains("its 7 photos are lost"), "{message}");
    let (all, (_, message)) = losses("t.parquet", b"PAR1", "");
    assert!(all == 1 && message.contains("counts as one"), "{message}");
}

#[test]
fn pictures_beside_a_photo_of_their_key_are_no_photos() {
    let photo = |name: &str, n: u32| (name.to_owned(), jpeg(n));
    let mask = |name: &str| (name.to_owned(), png(9));
    // Side by side, and all masks first.
    for members in [
        vec![photo("a.jpg", 1), mask("a.seg.png"), photo("b.jpg", 2), mask("b.seg.png"), photo("c.left.jpg", 3)],
        vec![mask("a.seg.png"), mask("b.seg.png"), photo("c.left.jpg", 3), photo("a.jpg", 1), photo("b.jpg", 2)],
    ] {
        let tar = tar_of(&members);
        let (_folder, imported) = at_root(&[("t.tar", &tar)], "");
        assert_eq!(ids(&imported), ["test/t/a", "test/t/b", "test/t/c.left"]);
        let [told] = &imported.quarantined[..] else { panic!("{:?}", imported.quarantined) };
        assert!(told.loss == Loss::Nothing && told.message().starts_with("2 pictures"), "{told:?}");
        let (_folder, masks) = at_root(&[("t.tar", &tar)], "image = 'seg.png'");
        assert_eq!((ids(&masks), masks.refused()), (vec!["test/t/a.seg", "test/t/b.seg"], vec![]));
    }
}

#[test]
fn words_beside_a_photo_may_have_its_whole_name_and_capitals() {
    let words = br#"{"part": "test"}"#;
    let files: [(&str, &[u8]); 6] = [
        ("a.JPG", &jpeg(1)),
        ("a.JSON", words),
        ("b.jpg", &jpeg(2)),
        ("b.jpg.json", words),
        ("c.jfif", &jpeg(3)),
        ("c.json", br#"{"part": " "}"#),
    ];
    let (_folder, imported) = at_root(&files, "split_column = 'part'");
    let splits: Vec<_> = ["a", "b", "c"].map(|id| frame(&imported, &format!("test/{id}")).split.clone()).into();
    assert_eq!(splits, [Some("test".to_owned()), Some("test".to_owned()), None]);
}

#[test]
fn words_that_are_odd_cost_no_photo() {
    let long = format!("{{\"says\": \"{}\", \"score\": NaN, \"licence\": 4}}", "word ".repeat(500));
    let many = format!("{{\"says\": [{}null]}}", "\"x\", ".repeat(70));
    let (apart, whole) = ("u\u{308}", "\u{fc}");
    let files: [(&str, &[u8]); 10] = [
        ("long.jpg", &jpeg(1)),
        ("long.json", long.as_bytes()),
        ("many.jpg", &jpeg(2)),
        ("many.json", many.as_bytes()),
        ("number.jpg", &jpeg(3)),
        ("number.json", b"\xef\xbb\xbf{\"says\": 5}"),
        ("twice.jpg", &jpeg(4)),
        ("twice.json", b"{\"licence\": \"a\", \"licence\": \"b\"}"),
        (&format!("{apart}.jpg"), &jpeg(5)),
        (&format!("{whole}.json"), b"{\"says\": \"Kitchen.\"}"),
    ];
    let (_folder, imported) = at_root(&files, "caption = 'says'\nlicence_column = 'licence'");
    let told: Vec<_> = imported.quarantined.iter().map(|row| (row.key.as_str(), row.code(), row.loss)).collect();
    for key in ["long", "many", "number"] {
        assert!(told.contains(&(key, "caption", Loss::Nothing)), "{told:?}");
    }
    assert!(told.contains(&("twice", "json", Loss::Image)) && told.len() == 4, "{told:?}");
    let long = frame(&imported, "test/long");
    assert_eq!(long.licence.as_deref(), Some("4"));
    assert!((900..=1000).contains(&long.captions.as_ref().unwrap()[0].len()));
    assert_eq!(frame(&imported, "test/many").captions.as_ref().unwrap().len(), 64);
    assert_eq!(frame(&imported, &format!("test/{apart}")).captions, Some(vec!["Kitchen.".to_owned()]));
}

#[test]
fn odd_rows_and_columns_are_quarantined() {
    let bytes = BinaryArray::from_opt_vec(vec![Some(b"GIF89a"), None, None]);
    let paths = StringArray::from(vec![None, Some("/home/me/1.jpg"), None]);
    let fields = [("bytes", Arc::new(bytes) as ArrayRef, DataType::Binary), ("path", Arc::new(paths), DataType::Utf8)];
    let (fields, arrays): (Vec<_>, Vec<_>) =
        fields.into_iter().map(|(name, array, kind)| (Field::new(name, kind, true), array)).unzip();
    let image = StructArray::new(fields.into(), arrays, Some(NullBuffer::from(vec![true, true, false])));
    let keys = StringArray::from(vec![Some("a"), Some("b"), Some("c")]);
    let split = StringArray::from(vec![Some("train"), Some("test"), Some("fold 3")]);
    let numbers = ListArray::from_iter_primitive::<Int64Type, _, _>(vec![Some(vec![Some(1)]); 3]);
    let odd = RecordBatch::try_from_iter_with_nullable([
        ("image", Arc::new(image) as ArrayRef, true),
        ("id", Arc::new(keys) as ArrayRef, true),
        ("split", Arc::new(split) as ArrayRef, true),
        ("numbers", Arc::new(numbers) as ArrayRef, true),
    ])
    .unwrap();
    let odd = parquet_of(&odd, 10, true);
    let check = |options: &str, expected: &[(&str, &str, &str)]| {
        let (_folder, imported) = at_root(&[("t.parquet", &odd)], options);
        let mut found: Vec<_> =
            imported.quarantined.iter().map(|lost| (lost.key.as_str(), lost.code(), lost.message())).collect();
        found.sort_unstable();
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!((found.0, found.1), (expected.0, expected.1), "{found:?}");
            assert!(found.2.contains(expected.2), "{found:?}");
        }
    };
    check(
        "key = 'id'",
        &[
            ("t/a", "format", "GIF"),
            ("t/b", "no_bytes", "only the path `/home/me/1.jpg`"),
            ("t/c", "no_bytes", "no bytes"),
        ],
    );
    check("image = 'photo'", &[("t", "column", "there are image, id, split, numbers")]);
    check("image = 'id'", &[("t", "column", "it is text; were it paths")]);
    check("image = 'numbers'", &[("t", "column", "it is a list")]);
    check("key = 'numbers'", &[("t", "column", "cannot be the key")]);
    check("caption = 'numbers'", &[("t", "column", "cannot be the caption")]);
    check("licence_column = 'license'", &[("t", "column", "no column `license`")]);

    let good = parquet_of(&hugging_face(3), 10, true);
    let empty = parquet_of(&hugging_face(0), 10, true);
    let (_folder, imported) = at_root(
        &[
            ("cut.parquet", &good[..good.len() - 9]),
            ("empty.parquet", &empty),
            ("none.parquet", b"PAR1"),
            ("good.parquet", &good),
        ],
        "",
    );
    assert_eq!(ids(&imported), ["test/good/0", "test/good/1", "test/good/2"]);
    assert_eq!(imported.refused(), [("cut".to_owned(), "parquet"), ("none".to_owned(), "parquet")]);
}

#[test]
fn hostile_addresses_are_clear_errors() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "t.parquet", &parquet_of(&hugging_face(3), 2, true));
    put(folder.path(), "t.tar", &tar_of(&members()));
    let url = Root::local(folder.path()).unwrap().to_string();
    for (place, expected) in [
        ("t.tar#bytes=512-99999999999", "more than the 1048576 that a photo may have"),
        ("t.tar#bytes=512-500512", "before the photo does"),
        ("t.tar#bytes=99999999-99999999", "cannot read the photo"),
        ("t.tar#bytes=9-1", "`9-1` is no range"),
        ("t.tar#bytes=0-511&turned=6", "cannot be turned"),
        ("t.tar#row=1", "it takes"),
        ("t.tar#column=image&row=1", "not a readable Parquet file"),
        ("t.parquet#column=image&row=3", "there is no row 3, the file has 3"),
        ("t.parquet#column=image&row=18446744073709551615", "there is no row"),
        ("t.parquet#column=photo&row=1", "there is no column `photo`"),
        ("t.parquet#column=text&row=1", "has no photos"),
        ("none.parquet#column=image&row=1", "cannot open the file"),
        ("none.jpg", "cannot read the photo"),
    ] {
        let error = read(&format!("{url}{place}")).unwrap_err();
        assert!(error.contains(expected), "{place}: {error}");
    }
}

#[test]
fn a_parquet_file_that_is_replaced_is_read_anew() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "t.parquet", &parquet_of(&hugging_face(3), 10, true));
    let uri = format!("{}t.parquet#column=image&row=2", Root::local(folder.path()).unwrap());
    assert_eq!(read(&uri).unwrap(), jpeg(2));
    let other = hugging_face(9).slice(4, 5);
    put(folder.path(), "t.parquet", &parquet_of(&other, 1, false));
    assert_eq!(read(&uri).unwrap(), jpeg(6));
}

#[test]
fn one_file_more_makes_one_bucket_stale() {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..40 {
        put(folder.path(), &format!("{n}.jpg"), &jpeg(n % 8));
    }
    put(folder.path(), "t.tar", &tar_of(&members()));
    let shards = || {
        let kind = SOURCES.iter().find(|kind| kind.name == "images").unwrap();
        let options = SourceOptions { extra: toml::from_str("shards = 8").unwrap(), ..SourceOptions::default() };
        kind.open(Root::local(folder.path()).unwrap(), &options).unwrap().shards().unwrap()
    };
    let before = shards();
    assert_eq!(before.len(), 9);
    put(folder.path(), "more.jpg", &jpeg(1));
    let after = shards();
    assert_eq!(before.iter().zip(&after).filter(|(before, after)| before != after).count(), 1);
}

#[test]
fn nothing_to_read_is_an_error_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    for options in ["", "files = 'val/*.jpg'"] {
        let error = import("images", folder.path(), options).unwrap_err();
        assert!(error.to_string().contains("there are no photos") && error.advice().is_some(), "{error}");
    }
    let error = import("images", folder.path(), "files = 'a**'").unwrap_err();
    assert_eq!(error.kind(), crate::error::Kind::Usage, "{error}");
}

#[test]
fn one_photo_in_many_rows_is_read_in_each() {
    let folder = tempfile::tempdir().unwrap();
    // The file holds it once, in a dictionary; together the rows have 75 MB.
    let photo: Vec<u8> = [jpeg(1), (0..250_000_u32).map(|n| (n.wrapping_mul(n) / 977 % 251) as u8).collect()].concat();
    let photos = BinaryArray::from_iter_values(std::iter::repeat_n(&photo, 300));
    let rows = RecordBatch::try_from_iter([("jpg", Arc::new(photos) as ArrayRef)]).unwrap();
    let file = parquet_of(&rows, 300, false);
    assert!(file.len() < 2 * photo.len(), "{}", file.len());
    put(folder.path(), "t.parquet", &file);
    let imported = import("images", folder.path(), "").unwrap();
    assert_eq!((imported.frames().count(), imported.refused()), (300, vec![]));
    for row in [0, 15, 16, 255, 256, 299] {
        let bytes = read(&frame(&imported, &format!("test/t/{row}")).uri).unwrap();
        assert!(bytes == photo, "{row}: {} bytes", bytes.len());
    }
}
