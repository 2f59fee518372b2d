//! Exports: whatever is written is read again as it was, for every kind, wherever it is moved, and its pictures are what every loader sees.

mod texts;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use spatialmill::{Dialect, EXPORTS, ExportKind, ExportOptions, Manifest, Mill, Progress, Project};

use super::build::lines;
use super::ready::Ready;
use texts::{HOSTILE_SOURCE, hostile_document};

async fn built(folder: &Path, source: &str, set: &[&str]) -> Mill {
    std::fs::write(folder.join("mill.toml"), source).unwrap();
    let set: Vec<String> = set.iter().map(|item| (*item).to_owned()).collect();
    let mill = Mill::open(Project::load(folder, &set).unwrap(), Progress::silent()).await.unwrap();
    mill.import(&[]).await.unwrap();
    mill.build(None).await.unwrap();
    mill
}

const ROOMS: &str = r#"
[[source]]
name = "rooms"
kind = "synthetic"
root = "rooms"
split = "train"
licence = "CC0-1.0"
rooms = 4
frames_per_room = 2
width = 192
height = 144

[formats]
min_number_room = 0.005
"#;

static READY: Ready = Ready::new("export-rooms", || ROOMS.to_owned());

fn options(kind: &'static ExportKind, out: &str) -> ExportOptions {
    ExportOptions {
        kind,
        out: out.to_owned(),
        name: "rooms".to_owned(),
        dialect: Dialect::named(kind.dialect).unwrap(),
        shard_rows: 150,
        turns: 1,
        annotations_only: false,
        skip_unreadable: false,
        replace: false,
        root: None,
        slice: "SELECT * FROM dataset".to_owned(),
        dataset_version: 0,
    }
}

async fn export(mill: &Mill, options: &ExportOptions) -> spatialmill::Result<(Manifest, bool)> {
    let context = mill.session(&BTreeMap::new()).await?;
    let rows = context.sql(&options.slice).await?;
    let dataset_version = mill.warehouse.table("dataset").await?.map_or(0, |table| table.version());
    let outcome = mill.export(&context, rows, &ExportOptions { dataset_version, ..options.clone() }).await?;
    Ok((outcome.manifest, outcome.written))
}

async fn rows(mill: &Mill, sql: &str) -> Vec<Value> {
    lines(mill, sql).await.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_is_read_again_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let mill = READY.open().await;
    let formats = rows(&mill, "SELECT DISTINCT text_format, image_format FROM dataset").await;
    assert_eq!(formats.len(), 19, "{formats:?}");
    let counts = rows(
        &mill,
        "SELECT count(*) AS n, count(*) FILTER (WHERE cardinality(frame_ids) = 1) AS one_image FROM dataset",
    )
    .await;
    for kind in EXPORTS {
        let samples = counts[0][if kind.name == "llava" { "one_image" } else { "n" }].as_u64().unwrap();
        let out = folder.path().join(kind.name);
        let options = options(kind, out.to_str().unwrap());
        let (manifest, written) = export(&mill, &options).await.unwrap();
        assert!(written && manifest.samples == samples && manifest.licences["CC0-1.0"] == samples, "{manifest:?}");
        let shards = manifest.files.iter().filter(|entry| entry.rows.is_some()).count();
        assert!(shards > 1, "{}: {shards} shards of {samples} samples", kind.name);
        let verified = mill.verify_export(&options.out).await.unwrap();
        assert_eq!((verified.faulty, verified.samples), (0, samples), "{}: {:?}", kind.name, verified.faults);
        assert!(!out.join("_progress").exists(), "{}", kind.name);

        assert!(!export(&mill, &options).await.unwrap().1, "{}: nothing changed", kind.name);
        let other = ExportOptions { shard_rows: 77, ..options };
        assert!(export(&mill, &other).await.err().is_some_and(|e| e.to_string().contains("already")), "{}", kind.name);
        let again = export(&mill, &ExportOptions { replace: true, ..other }).await.unwrap().0;
        assert_ne!(again.files, manifest.files);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_to_an_export_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let mill = READY.open().await;
    let out = folder.path().join("out");
    let options = options(ExportKind::named("internvl").unwrap(), out.to_str().unwrap());
    let manifest = export(&mill, &options).await.unwrap().0;
    let shard = out.join(&manifest.files.iter().find(|entry| entry.rows.is_some()).unwrap().path);
    let whole = std::fs::read_to_string(&shard).unwrap();
    let faults = async || mill.verify_export(&options.out).await.unwrap().faults;

    std::fs::write(&shard, whole.replacen("the ", "a ", 1)).unwrap();
    assert!(faults().await.iter().any(|fault| fault.contains("manifest says")), "{:?}", faults().await);
    std::fs::write(&shard, &whole).unwrap();
    assert!(faults().await.is_empty());

    // What the manifest vouches for and the table does not know.
    let mut lines: Vec<Value> = whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines[0]["conversations"][1]["value"] = json!("Something else.");
    lines[1]["id"] = json!("0123");
    let changed: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(&shard, &changed).unwrap();
    let mut forged = manifest.clone();
    for entry in &mut forged.files {
        if out.join(&entry.path) == shard {
            entry.bytes = changed.len() as u64;
            entry.blake3 = blake3_of(changed.as_bytes());
        }
    }
    std::fs::write(out.join("manifest.json"), serde_json::to_vec(&forged).unwrap()).unwrap();
    let found = faults().await.join("\n");
    for what in ["answer: ", "no such sample", "1 samples of the table are not in the export"] {
        assert!(found.contains(what), "{what}: {found}");
    }
}

/// The built-in tasks show one image; here a sample shows another one first, and its marks and boxes are on the second.
#[tokio::test(flavor = "multi_thread")]
async fn samples_of_several_images_are_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let mill = READY.open().await;
    for kind in EXPORTS {
        let mut options = options(kind, folder.path().join(kind.name).to_str().unwrap());
        options.slice = SHOWS_ANOTHER_FIRST.to_owned();
        if kind.name == "llava" {
            let refused = export(&mill, &options).await.err().unwrap();
            assert!(refused.to_string().contains("takes one a sample") && refused.advice().is_some(), "{refused}");
            assert!(!Path::new(&options.out).exists(), "nothing was begun");
            takes_what_shows_one_image(&mill, &options).await;
            continue;
        }
        let manifest = export(&mill, &options).await.unwrap().0;
        let verified = mill.verify_export(&options.out).await.unwrap();
        assert_eq!((verified.faulty, verified.samples), (0, manifest.samples), "{}: {:?}", kind.name, verified.faults);
        assert!(manifest.samples > 100, "{}", manifest.samples);
        if kind.name == "swift" {
            let records = read_lines(Path::new(&options.out), "train-");
            let on = |image: u64| {
                let ids = records
                    .iter()
                    .flat_map(|record| record["objects"]["image_id"].as_array().cloned().unwrap_or_default());
                ids.filter(|id| *id == image).count()
            };
            assert!(on(0) == 0 && on(1) > 10, "boxes are on the second image: {} and {}", on(0), on(1));
            assert!(records.iter().all(|record| !record["solution"].as_str().unwrap().is_empty()));
            // Only what is marked is drawn: the first image of all samples is one file, of the source's own bytes.
            let first: BTreeSet<&str> = records.iter().map(|record| record["images"][0].as_str().unwrap()).collect();
            let second: BTreeSet<&str> = records.iter().map(|record| record["images"][1].as_str().unwrap()).collect();
            assert!(first.len() == 1 && second.len() > 10, "{first:?}");
            let frame = &rows(&mill, "SELECT uri FROM frames ORDER BY frame_id LIMIT 1").await[0];
            let stored = url::Url::parse(frame["uri"].as_str().unwrap()).unwrap().to_file_path().unwrap();
            let shown = Path::new(&options.out).join(first.first().unwrap());
            assert!(std::fs::read(shown).unwrap() == std::fs::read(stored).unwrap());
            let lines = read_lines(Path::new(&options.out), "images-");
            assert_eq!(lines.len(), first.union(&second).count(), "one image serves many samples");
        }
        // Without the images, each sample still names both.
        let withheld = ExportOptions { annotations_only: true, replace: true, ..options };
        export(&mill, &withheld).await.unwrap();
        let verified = mill.verify_export(&withheld.out).await.unwrap();
        assert_eq!((verified.faulty, verified.samples), (0, manifest.samples), "{}: {:?}", kind.name, verified.faults);
    }
}

/// A record holds the samples about one set of images, in turns; whatever packs is read again sample by sample.
#[tokio::test(flavor = "multi_thread")]
async fn packed_samples_are_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let mill = READY.open().await;
    for kind in EXPORTS {
        let out = folder.path().join(kind.name);
        let two = if kind.name == "llava" { SOME_SHOW_ANOTHER_FIRST } else { SHOWS_ANOTHER_FIRST };
        let options = ExportOptions { turns: 5, slice: two.to_owned(), ..options(kind, out.to_str().unwrap()) };
        if !kind.takes_turns {
            let refused = export(&mill, &options).await.err().unwrap();
            assert!(refused.to_string().contains("one question") && !out.exists(), "{refused}");
            continue;
        }
        let manifest = export(&mill, &options).await.unwrap().0;
        let records: usize = manifest.files.iter().filter_map(|entry| entry.rows).sum();
        assert!(manifest.turns == 5 && (records as u64) < manifest.samples, "{records} of {}", manifest.samples);
        let verified = mill.verify_export(&options.out).await.unwrap();
        assert_eq!((verified.faulty, verified.samples), (0, manifest.samples), "{}: {:?}", kind.name, verified.faults);
        let readme = std::fs::read_to_string(out.join("README.md")).unwrap();
        assert!(readme.contains(&format!("There are {records} records")), "{readme}");
    }

    // As many turns as anybody wants: a record for each set of images and each further wording of a question about them.
    let out = folder.path().join("all");
    let slice = "SELECT * FROM dataset WHERE image_format = 'original' AND cardinality(frame_ids) = 1".to_owned();
    let options = ExportOptions {
        turns: 1000,
        shard_rows: 100_000,
        slice,
        ..options(ExportKind::named("swift").unwrap(), out.to_str().unwrap())
    };
    export(&mill, &options).await.unwrap();
    let wordings = "SELECT sum(most) AS n FROM (
        SELECT frame, max(n) AS most FROM (SELECT frame_ids[1] AS frame, question_id, count(*) AS n FROM dataset
            WHERE image_format = 'original' AND cardinality(frame_ids) = 1 GROUP BY 1, 2)
        GROUP BY frame)";
    let expected = rows(&mill, wordings).await[0]["n"].as_u64().unwrap();
    let records = read_lines(&out, "train-");
    assert_eq!(records.len() as u64, expected);
    for record in &records {
        let (said, ids) = (record["messages"].as_array().unwrap(), record["sample_ids"].as_array().unwrap());
        assert_eq!((said.len(), record["solutions"].as_array().unwrap().len()), (2 * ids.len(), ids.len()));
        let placed: Vec<usize> =
            said.iter().map(|turn| turn["content"].as_str().unwrap().matches("<image>").count()).collect();
        assert!(placed[0] == 1 && placed[1..].iter().all(|n| *n == 0), "{placed:?}");
    }

    // Whose turn it is cannot be changed unnoticed.
    let shard = out.join("train-00000-of-00001.jsonl");
    let text = std::fs::read_to_string(&shard).unwrap();
    let mut manifest: Manifest = serde_json::from_slice(&std::fs::read(out.join("manifest.json")).unwrap()).unwrap();
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let many = lines.iter_mut().find(|line| line["sample_ids"].as_array().unwrap().len() > 1).unwrap();
    many["sample_ids"].as_array_mut().unwrap().swap(0, 1);
    let changed: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(&shard, &changed).unwrap();
    for entry in &mut manifest.files {
        if out.join(&entry.path) == shard {
            (entry.bytes, entry.blake3) = (changed.len() as u64, blake3_of(changed.as_bytes()));
        }
    }
    std::fs::write(out.join("manifest.json"), serde_json::to_vec(&manifest).unwrap()).unwrap();
    assert!(mill.verify_export(&options.out).await.unwrap().faulty >= 2);
}

/// Of samples that show one image and samples that show two, a kind that takes one has the former, and counts the others.
async fn takes_what_shows_one_image(mill: &Mill, refused: &ExportOptions) {
    let options = ExportOptions { slice: SOME_SHOW_ANOTHER_FIRST.to_owned(), ..refused.clone() };
    let all = rows(mill, &format!("SELECT cardinality(frame_ids) AS shown, count(*) AS n FROM ({SOME_SHOW_ANOTHER_FIRST}) GROUP BY 1 ORDER BY 1")).await;
    let [one, two] = [0, 1].map(|at: usize| all[at]["n"].as_u64().unwrap());
    let manifest = export(mill, &options).await.unwrap().0;
    assert_eq!((manifest.samples, manifest.left_out["too_many_images"]), (one, two));
    assert_eq!(manifest.licences["CC0-1.0"], one);
    let verified = mill.verify_export(&options.out).await.unwrap();
    assert_eq!((verified.faulty, verified.samples), (0, one), "{:?}", verified.faults);
    let readme = std::fs::read_to_string(Path::new(&options.out).join("README.md")).unwrap();
    assert!(readme.contains(&format!("| {two} | they show several images")), "{readme}");
    // An export that is there stays where nothing takes its place.
    let nothing = ExportOptions { replace: true, ..refused.clone() };
    assert!(export(mill, &nothing).await.is_err());
    assert_eq!(mill.verify_export(&options.out).await.unwrap().faulty, 0);
}

const SOME_SHOW_ANOTHER_FIRST: &str = "
    SELECT
        * EXCLUDE (frame_ids),
        CASE WHEN frame_ids[1] < (SELECT max(frame_id) FROM frames) THEN [(SELECT max(frame_id) FROM frames), frame_ids[1]] ELSE frame_ids END AS frame_ids
    FROM dataset
    WHERE text_format = 'natural' AND image_format = 'original'";

const SHOWS_ANOTHER_FIRST: &str = "
    WITH moved AS (
        SELECT
            sample_id,
            array_agg(named_struct('object_id', m['object_id'], 'kind', m['kind'], 'image', 1, 'box', m['box'], 'place', m['place'],
                'colour', m['colour'], 'label', m['label']) ORDER BY m['object_id']) AS marks
        FROM (SELECT sample_id, unnest(marks) AS m FROM dataset)
        GROUP BY sample_id
    ),
    placed AS (
        SELECT
            sample_id,
            array_agg(named_struct('x0', b['x0'], 'y0', b['y0'], 'x1', b['x1'], 'y1', b['y1'], 'image', 1) ORDER BY n) AS boxes
        FROM (SELECT sample_id, unnest(boxes) AS b, unnest(range(0, cardinality(boxes))) AS n FROM dataset)
        GROUP BY sample_id
    )
    SELECT
        d.* EXCLUDE (frame_ids, marks, boxes),
        [(SELECT min(frame_id) FROM frames), d.frame_ids[1]] AS frame_ids,
        coalesce(m.marks, d.marks) AS marks,
        coalesce(p.boxes, d.boxes) AS boxes
    FROM dataset AS d
    LEFT JOIN moved AS m ON m.sample_id = d.sample_id
    LEFT JOIN placed AS p ON p.sample_id = d.sample_id
    WHERE d.frame_ids[1] <> (SELECT min(frame_id) FROM frames)";

/// An image that is gone ends an export, or its samples are left out and nowhere counted.
#[tokio::test(flavor = "multi_thread")]
async fn samples_of_an_unreadable_image_are_left_out_when_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let mill = built(folder.path(), ROOMS, &["url=memory://export-unreadable"]).await;
    let frame = &rows(&mill, "SELECT frame_ids[1] AS id, uri, count(*) AS n FROM dataset JOIN frames ON frame_id = frame_ids[1] GROUP BY 1, 2").await[0];
    let uri = url::Url::parse(frame["uri"].as_str().unwrap()).unwrap();
    std::fs::write(uri.to_file_path().unwrap(), b"no image").unwrap();
    let strict = options(ExportKind::named("hf").unwrap(), folder.path().join("strict").to_str().unwrap());
    let refused = export(&mill, &strict).await.err().unwrap();
    assert!(refused.advice().is_some_and(|hint| hint.contains("--skip-unreadable")), "{refused}");
    let lenient = ExportOptions {
        skip_unreadable: true,
        out: folder.path().join("lenient").to_str().unwrap().to_owned(),
        ..strict
    };
    let manifest = export(&mill, &lenient).await.unwrap().0;
    assert_eq!(manifest.left_out["unreadable_image"], frame["n"].as_u64().unwrap());
    assert_eq!(manifest.licences["CC0-1.0"], manifest.samples);
    assert_eq!(mill.verify_export(&lenient.out).await.unwrap().faulty, 0);
}

/// Whatever names a file in an export names it from the export's folder on, so that a copy is an export too, and what is not copied is missed.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_an_export_is_one_too() {
    let folder = tempfile::tempdir().unwrap();
    let mill = READY.open().await;
    for kind in EXPORTS {
        let (out, copy) = (folder.path().join(kind.name), folder.path().join(format!("moved/a copy of {}", kind.name)));
        export(&mill, &options(kind, out.to_str().unwrap())).await.unwrap();
        std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
        std::fs::rename(&out, &copy).unwrap();
        let verified = mill.verify_export(copy.to_str().unwrap()).await.unwrap();
        assert_eq!(verified.faulty, 0, "{}: {:?}", kind.name, verified.faults);

        let mut beside = Vec::new();
        files_below(&copy, &mut beside);
        let mut paths = 0;
        for path in beside.iter().filter(|path| {
            path.extension().is_some_and(|ending| ["json", "jsonl", "yaml", "md"].contains(&ending.to_str().unwrap()))
        }) {
            let text = std::fs::read_to_string(path).unwrap();
            let places = [folder.path().to_str().unwrap(), env!("CARGO_TARGET_TMPDIR")];
            assert!(!places.iter().any(|place| text.contains(place)), "{} names where it was", path.display());
            if ["meta.json", "registry.json", "dataset_info.json"]
                .contains(&path.file_name().unwrap().to_str().unwrap())
            {
                let entries: BTreeMap<String, BTreeMap<String, Value>> = serde_json::from_str(&text).unwrap();
                for (key, value) in entries.values().flatten() {
                    if ["root", "annotation", "annotation_path", "data_path", "file_name"].contains(&key.as_str()) {
                        assert!(copy.join(value.as_str().unwrap()).exists(), "{key}: {value}");
                        paths += 1;
                    }
                }
            }
        }
        assert!(paths > 1 || !["internvl", "qwen", "sharegpt"].contains(&kind.name), "{}", kind.name);
        let readme = std::fs::read_to_string(copy.join("README.md")).unwrap();
        for what in ["## Start", "CC0-1.0", kind.dialect, "verify --export", "SELECT * FROM dataset"] {
            assert!(readme.contains(what), "{}: {what}: {readme}", kind.name);
        }

        let lost = beside.iter().find(|path| {
            path.extension()
                .is_some_and(|ending| ending == "jpg" || ending == "parquet" || ending == "tar" || ending == "tsv")
        });
        std::fs::remove_file(lost.unwrap()).unwrap();
        let verified = mill.verify_export(copy.to_str().unwrap()).await.unwrap();
        assert!(
            verified.damaged > 0 && verified.faults.iter().any(|fault| fault.contains("not there")),
            "{:?}",
            verified.faults
        );
    }
    let out = folder.path().join("rooted");
    let rooted = ExportOptions {
        root: Some("/data/rooms/".to_owned()),
        ..options(ExportKind::named("internvl").unwrap(), out.to_str().unwrap())
    };
    export(&mill, &rooted).await.unwrap();
    let meta = std::fs::read_to_string(out.join("meta.json")).unwrap();
    assert!(meta.contains("\"root\": \"/data/rooms/\"") && meta.contains("\"/data/rooms/train-00000-of-"), "{meta}");
}

fn files_below(folder: &Path, into: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_below(&path, into) } else { into.push(path) }
    }
    into.sort();
}

/// Of two exports to one place, one wins whole and the other says so; then there is nothing left to do.
#[tokio::test(flavor = "multi_thread")]
async fn two_exports_to_one_place_do_not_mix() {
    let folder = tempfile::tempdir().unwrap();
    let mill = READY.open().await;
    let out = folder.path().join("out");
    let options = options(ExportKind::named("internvl").unwrap(), out.to_str().unwrap());
    let other = ExportOptions { shard_rows: 90, ..options.clone() };
    let (one, two, three) = tokio::join!(export(&mill, &options), export(&mill, &options), export(&mill, &other));
    let (won, lost): (Vec<_>, Vec<_>) = [one, two, three].into_iter().partition(Result::is_ok);
    assert!(won.iter().filter(|outcome| outcome.as_ref().is_ok_and(|(_, written)| *written)).count() == 1, "{won:?}");
    assert!(!lost.is_empty());
    for refused in lost.iter().filter_map(|outcome| outcome.as_ref().err()) {
        let text = refused.to_string();
        assert!(
            text.contains("is being written there now") || text.contains("another export is there already"),
            "{text}"
        );
    }
    assert_eq!(mill.verify_export(&options.out).await.unwrap().faulty, 0);
    assert!(!out.join("_claims").exists() && !out.join("_progress").exists());
}

/// Frames of a COCO file with boxes in 3D, by the ids and names of their photos.
fn things_in_a_row(photos: &[(&str, &str)]) -> Value {
    let captions: Vec<String> = (0..10 * photos.len()).map(|n| format!("thing {n}")).collect();
    let mut document = hostile_document(&captions);
    for (at, (id, name)) in photos.iter().enumerate() {
        document["images"][at]["id"] = json!(id);
        document["images"][at]["file_name"] = json!(name);
    }
    for annotation in document["annotations"].as_array_mut().unwrap() {
        let at = annotation["image_id"].as_u64().unwrap() as usize;
        annotation["image_id"] = json!(photos[at].0);
        annotation.as_object_mut().unwrap().remove("caption");
    }
    document
}

/// A photo of grey noise, 1280 x 480, with a note of its orientation.
fn photo(seed: u32, orientation: Option<u8>) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut file, 80);
    if let Some(orientation) = orientation {
        let note = [b"Exif\0\0II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", &[orientation, 0, 0, 0][..], &[0; 4]]
            .concat();
        encoder.add_app_segment(1, note).unwrap();
    }
    let pixels: Vec<u8> =
        (0..1280 * 480_u32).map(|n| (n.wrapping_mul(2_654_435_761 + seed) >> 27) as u8 + 100).collect();
    encoder.encode(&pixels, 1280, 480, jpeg_encoder::ColorType::Luma).unwrap();
    file
}

async fn built_from_photos(folder: &Path, photos: &[(&str, &str)], file: impl Fn(usize) -> Vec<u8>) -> Mill {
    std::fs::create_dir_all(folder.join("data/annotations")).unwrap();
    let document = things_in_a_row(photos).to_string();
    std::fs::write(folder.join("data/annotations/instances_train.json"), document).unwrap();
    for (at, (_, name)) in photos.iter().enumerate() {
        std::fs::write(folder.join("data").join(name), file(at)).unwrap();
    }
    let source = HOSTILE_SOURCE.replace("\"hostile\"", "\"photos\"").replace("missing_images = \"keep\"\n", "");
    built(folder, &source, &[]).await
}

/// The boxes are of the pixels as they are stored: a loader that obeys what the file says of itself would see them elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn no_exported_picture_says_that_it_is_to_be_turned() {
    let folder = tempfile::tempdir().unwrap();
    // A half turn, which the size does not give away, and none.
    let orientations = [Some(3), Some(1), None];
    let photos = [("turned", "turned.jpg"), ("upright", "upright.jpg"), ("silent", "silent.jpg")];
    let mill = built_from_photos(folder.path(), &photos, |at| photo(at as u32, orientations[at])).await;
    let out = folder.path().join("out");
    let options = options(ExportKind::named("internvl").unwrap(), out.to_str().unwrap());
    let manifest = export(&mill, &options).await.unwrap().0;
    assert!(manifest.upright);
    let (mut originals, mut files) = (0, Vec::new());
    files_below(&out.join("images"), &mut files);
    for path in &files {
        let bytes = std::fs::read(path).unwrap();
        assert_eq!(spatialmill_drawing::without_orientation(&bytes), None, "{}", path.display());
        let image = image::load_from_memory(&bytes).unwrap().into_luma8();
        assert_eq!(image.dimensions(), (1280, 480));
        for (at, orientation) in orientations.into_iter().enumerate() {
            let stored = photo(at as u32, orientation);
            if image == image::load_from_memory(&stored).unwrap().into_luma8() {
                // Nothing else of the file changes, and nothing at all where it need not.
                let expected = if orientation == Some(3) { photo(at as u32, None) } else { stored };
                assert!(bytes == expected, "{orientation:?}");
                originals += 1;
            }
        }
    }
    assert!(originals == 3 && files.len() > 3, "{originals} of {}", files.len());
    assert_eq!(mill.verify_export(&options.out).await.unwrap().faulty, 0);
}

/// A PNG of grey noise, 1280 x 480: as it is, of sixteen bits, with a note that unpacks to five megabytes, or transparent.
fn odd_png(at: usize) -> Vec<u8> {
    let value = |x: u32, y: u32| (x * 31 + y * 17 + x * y) as u8 / 2 + 60;
    let mut file = std::io::Cursor::new(Vec::new());
    let image = match at {
        1 => image::DynamicImage::from(image::ImageBuffer::from_fn(1280, 480, |x, y| {
            image::Luma([u16::from(value(x, y)) << 8])
        })),
        3 => image::DynamicImage::from(image::ImageBuffer::from_fn(1280, 480, |x, y| image::LumaA([value(x, y), 254]))),
        _ => image::DynamicImage::from(image::ImageBuffer::from_fn(1280, 480, |x, y| image::Luma([value(x, y)]))),
    };
    image.write_to(&mut file, image::ImageFormat::Png).unwrap();
    let file = file.into_inner();
    if at != 2 {
        return file;
    }
    let mut note = flate2::write::ZlibEncoder::new(b"zTXta\0\0".to_vec(), flate2::Compression::best());
    std::io::Write::write_all(&mut note, &vec![b'0'; 5_000_000]).unwrap();
    let note = note.finish().unwrap();
    let mut sum = flate2::Crc::new();
    sum.update(&note);
    // Behind the signature and the header; the kind does not count.
    let length = (note.len() as u32 - 4).to_be_bytes();
    [&file[..33], &length, &note, &sum.sum().to_be_bytes(), &file[33..]].concat()
}

/// Pillow refuses some of what is decoded here, and shows some otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn what_loaders_would_see_otherwise_is_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let photos = [("plain", "0.png"), ("deep", "1.png"), ("noted", "2.png"), ("clear", "3.png")];
    let mill = built_from_photos(folder.path(), &photos, odd_png).await;
    let out = folder.path().join("out");
    let slice = "SELECT * FROM dataset WHERE image_format = 'original'".to_owned();
    let options = ExportOptions { slice, ..options(ExportKind::named("internvl").unwrap(), out.to_str().unwrap()) };
    export(&mill, &options).await.unwrap();
    let mut files = Vec::new();
    files_below(&out.join("images"), &mut files);
    assert_eq!(files.len(), 4);
    let as_they_were = (0..4).filter(|at| files.iter().any(|file| std::fs::read(file).unwrap() == odd_png(*at)));
    assert_eq!(as_they_were.collect::<Vec<_>>(), [0]);
    for file in &files {
        let image = image::open(file).unwrap();
        assert!(
            file.extension().is_some_and(|ending| ending == "png") && image.color().bytes_per_pixel() < 4,
            "{file:?}"
        );
    }
    assert_eq!(mill.verify_export(&options.out).await.unwrap().faulty, 0);
}

/// A photo that breaks off leaves in no export, and is found in one that it got into.
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_photo_is_exported_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let photos = [("1", "1.jpg"), ("2", "2.jpg"), ("3", "3.jpg")];
    let mill = built_from_photos(folder.path(), &photos, |at| photo(at as u32, None)).await;
    let slice = "SELECT * FROM dataset WHERE image_format = 'original'".to_owned();
    let out = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let whole =
        ExportOptions { slice: slice.clone(), ..options(ExportKind::named("internvl").unwrap(), &out("whole")) };
    export(&mill, &whole).await.unwrap();
    let of_the_second = rows(&mill, &format!("SELECT count(*) AS n FROM ({slice}) WHERE frame_ids[1] = 'photos/2'"))
        .await[0]["n"]
        .as_u64()
        .unwrap();
    assert!(of_the_second > 0);

    // It was whole when the dataset was built.
    let cut = photo(1, None);
    std::fs::write(folder.path().join("data/2.jpg"), &cut[..cut.len() * 6 / 10]).unwrap();
    for kind_name in ["internvl", "hf"] {
        let strict = ExportOptions {
            slice: slice.clone(),
            ..options(ExportKind::named(kind_name).unwrap(), &out(&format!("{kind_name}-strict")))
        };
        let refused = export(&mill, &strict).await.err().unwrap();
        assert!(
            refused.to_string().contains("photos/2")
                && refused.advice().is_some_and(|hint| hint.contains("--skip-unreadable")),
            "{refused}"
        );
        let lenient = ExportOptions { skip_unreadable: true, out: out(&format!("{kind_name}-lenient")), ..strict };
        let manifest = export(&mill, &lenient).await.unwrap().0;
        assert_eq!(manifest.left_out["unreadable_image"], of_the_second);
        assert_eq!(mill.verify_export(&lenient.out).await.unwrap().faulty, 0);
    }

    // What cannot be written is the fault of no photo.
    let full = ExportOptions { skip_unreadable: true, out: out("full"), ..whole.clone() };
    std::fs::create_dir_all(&full.out).unwrap();
    std::fs::write(Path::new(&full.out).join("images"), b"no folder").unwrap();
    let refused = export(&mill, &full).await.err().unwrap();
    assert!(refused.to_string().contains("cannot"), "{refused}");

    // As an export that did not look would have it: the index has the hash, and the bytes are half a picture.
    let mut files = Vec::new();
    files_below(&Path::new(&whole.out).join("images"), &mut files);
    let bytes = std::fs::read(&files[0]).unwrap();
    std::fs::write(&files[0], &bytes[..bytes.len() * 6 / 10]).unwrap();
    let verified = mill.verify_export(&whole.out).await.unwrap();
    assert!(
        verified.damaged == 1 && verified.faults[0].contains("others than the index says"),
        "{:?}",
        verified.faults
    );
    let (old, new) = (blake3_of(&bytes), blake3_of(&bytes[..bytes.len() * 6 / 10]));
    let mut forged: Manifest =
        serde_json::from_slice(&std::fs::read(Path::new(&whole.out).join("manifest.json")).unwrap()).unwrap();
    for entry in &mut forged.files {
        let path = Path::new(&whole.out).join(&entry.path);
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.replace(&old, &new);
        std::fs::write(&path, &text).unwrap();
        (entry.bytes, entry.blake3) = (text.len() as u64, blake3_of(text.as_bytes()));
    }
    std::fs::write(Path::new(&whole.out).join("manifest.json"), serde_json::to_vec(&forged).unwrap()).unwrap();
    let verified = mill.verify_export(&whole.out).await.unwrap();
    assert!(verified.damaged == 1 && verified.faults[0].contains("cannot be decoded"), "{:?}", verified.faults);
}

/// Ids that file systems, URLs or programs take for one another.
#[tokio::test(flavor = "multi_thread")]
async fn every_withheld_path_is_of_one_frame() {
    let folder = tempfile::tempdir().unwrap();
    let ids = [
        "in the hall",
        "in_the_hall",
        "In_the_hall",
        "寝室",
        "台所",
        "\u{e9}",
        "e\u{301}",
        "x#1",
        "x%231",
        "x?1",
        "x'1",
        "x\"1",
    ];
    let photos: Vec<(&str, String)> = ids.iter().enumerate().map(|(at, id)| (*id, format!("{at}.jpg"))).collect();
    let photos: Vec<(&str, &str)> = photos.iter().map(|(id, name)| (*id, name.as_str())).collect();
    let mill = built_from_photos(folder.path(), &photos, |at| photo(at as u32, None)).await;
    let out = folder.path().join("out");
    let options = ExportOptions {
        annotations_only: true,
        ..options(ExportKind::named("internvl").unwrap(), out.to_str().unwrap())
    };
    export(&mill, &options).await.unwrap();
    let mut frame_of: BTreeMap<String, String> = BTreeMap::new();
    for line in read_lines(&out, "images-") {
        let path = line["path"].as_str().unwrap().to_lowercase();
        assert!(frame_of.insert(path, line["frame_id"].as_str().unwrap().to_owned()).is_none(), "{line}");
    }
    let frames: BTreeMap<String, String> = rows(&mill, "SELECT sample_id, frame_ids[1] AS frame FROM dataset")
        .await
        .iter()
        .map(|row| (row["sample_id"].as_str().unwrap().to_owned(), row["frame"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(frames.values().collect::<BTreeSet<_>>().len(), ids.len());
    for line in read_lines(&out, "train-") {
        assert_eq!(frame_of[&line["image"].as_str().unwrap().to_lowercase()], frames[line["id"].as_str().unwrap()]);
    }
    assert_eq!(mill.verify_export(&options.out).await.unwrap().faulty, 0);
}

fn read_lines(folder: &Path, prefix: &str) -> Vec<Value> {
    let mut files = Vec::new();
    files_below(folder, &mut files);
    files.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with(prefix));
    let texts = files.iter().map(|path| std::fs::read_to_string(path).unwrap());
    texts.flat_map(|text| text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<_>>()).collect()
}

fn blake3_of(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_export_is_taken_up() {
    let folder = tempfile::tempdir().unwrap();
    let mill = READY.open().await;
    for (name, turns) in [("swift", 1), ("hf", 1), ("internvl", 4)] {
        let whole = folder.path().join(format!("{name}-whole"));
        let undisturbed = ExportOptions { turns, ..options(ExportKind::named(name).unwrap(), whole.to_str().unwrap()) };
        let expected = export(&mill, &undisturbed).await.unwrap().0;
        let torn = folder.path().join(format!("{name}-torn"));
        let options = ExportOptions { turns, ..options(ExportKind::named(name).unwrap(), torn.to_str().unwrap()) };
        let mut interrupted = 0;
        let manifest = loop {
            // Longer each time, so that it stops everywhere and ends, however slow the machine is.
            let patience = Duration::from_millis(20).mul_f64(1.3_f64.powi(interrupted));
            match tokio::time::timeout(patience, export(&mill, &options)).await {
                Ok(done) => break done.unwrap().0,
                Err(_) => interrupted += 1,
            }
            if torn.join("manifest.json").exists() {
                // The manifest is last: whatever has one is whole.
                assert_eq!(mill.verify_export(&options.out).await.unwrap().faulty, 0, "{name}");
            }
        };
        assert!(interrupted > 1, "{name}: interrupted {interrupted} times");
        let hashes = |manifest: &Manifest| -> Vec<(String, String)> {
            manifest.files.iter().map(|entry| (entry.path.clone(), entry.blake3.clone())).collect()
        };
        assert_eq!(hashes(&manifest), hashes(&expected), "{name}");
        assert!(!torn.join("_progress").exists(), "{name}");
        assert_eq!(mill.verify_export(&options.out).await.unwrap().faulty, 0, "{name}");
    }
}

/// Photos without annotations, whose objects a project's own query makes up.
const OBJECTS: &str = "\
-- writes: objects
-- reads:  frames
-- keep:   table
-- keys:   frame_id, object_id
SELECT
    frame_id, object_id, category, CAST(NULL AS VARCHAR) AS caption, box, CAST(NULL AS STRUCT<height INT, width INT, counts VARCHAR>) AS mask,
    obb['centre'] AS centre, extent, low, low['y'] AS nearest, obb, CAST(9000 AS BIGINT) AS points, CAST(1.0 AS DOUBLE) AS visibility,
    CAST(1.0 AS DOUBLE) AS lift_quality, CAST(1.0 AS DOUBLE) AS size_quality, 'box' AS lifted_from, true AS upright,
    true AS exhaustive
FROM (
    SELECT
        frame_id, object_id, category,
        named_struct('x0', x0, 'y0', CAST(60 AS DOUBLE), 'x1', x0 + 60, 'y1', CAST(140 AS DOUBLE)) AS box,
        named_struct('x', size, 'y', size, 'z', size) AS extent,
        named_struct('x', x - size / 2, 'y', y - size / 2, 'z', -size / 2) AS low,
        named_struct(
            'centre', named_struct('x', x, 'y', y, 'z', CAST(0 AS DOUBLE)), 'axes', [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
            'lengths', named_struct('x', size, 'y', size, 'z', size)) AS obb
    FROM frames
    CROSS JOIN (VALUES ('0', 'chair', 20.0, -1.0, 2.0, 0.5), ('1', 'table', 100.0, 1.0, 5.0, 1.5)) AS made (object_id, category, x0, x, y, size)
)
";

#[tokio::test(flavor = "multi_thread")]
async fn a_turned_photo_is_exported_upright() {
    use image::metadata::Orientation;
    let folder = tempfile::tempdir().unwrap();
    // Dark, and bright at the bottom.
    let upright = image::RgbImage::from_fn(192, 256, |_, y| image::Rgb([if y < 192 { 30 } else { 200 }; 3]));
    std::fs::create_dir_all(folder.path().join("photos")).unwrap();
    std::fs::create_dir_all(folder.path().join("queries/3_objects")).unwrap();
    std::fs::write(folder.path().join("queries/3_objects/from_boxes.sql"), OBJECTS).unwrap();
    for (orientation, back) in [(1, 1), (3, 3), (6, 8)] {
        let mut stored = image::DynamicImage::from(upright.clone());
        stored.apply_orientation(Orientation::from_exif(back).unwrap());
        let mut file = Vec::new();
        let (width, height) = (stored.width() as u16, stored.height() as u16);
        let mut encoder = jpeg_encoder::Encoder::new(&mut file, 95);
        let note = [b"Exif\0\0II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", &[orientation, 0, 0, 0][..], &[0; 4]]
            .concat();
        encoder.add_app_segment(1, note).unwrap();
        encoder.encode(stored.as_bytes(), width, height, jpeg_encoder::ColorType::Rgb).unwrap();
        std::fs::write(folder.path().join(format!("photos/{orientation}.jpg")), file).unwrap();
    }
    let source = "[[source]]\nname = \"photos\"\nkind = \"images\"\nroot = \"photos\"\nsplit = \"train\"\n";
    let mill = built(folder.path(), source, &[]).await;
    assert_eq!(rows(&mill, "SELECT DISTINCT unnest(frame_ids) AS id FROM dataset").await.len(), 3);

    let out = folder.path().join("out");
    let options = options(&EXPORTS[0], out.to_str().unwrap());
    let (manifest, _) = export(&mill, &options).await.unwrap();
    assert!(manifest.samples > 0);
    let (mut plain, mut drawn) = (0, 0);
    let mut folders = vec![out.join("images")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let image = image::open(&path).unwrap().into_rgb8();
            assert_eq!(image.dimensions(), (192, 256), "{}", path.display());
            // Nothing is drawn below the boxes.
            for (x, y) in [(5, 160), (180, 180), (5, 205), (180, 250), (96, 230)] {
                let bright = u8::from(y >= 192) * 170 + 30;
                assert!(
                    image.get_pixel(x, y).0[1].abs_diff(bright) < 9,
                    "{} at {x}, {y}: {:?}",
                    path.display(),
                    image.get_pixel(x, y)
                );
            }
            let marked = image.enumerate_pixels().any(|(_, y, pixel)| y < 180 && pixel.0.iter().any(|c| *c > 80));
            *(if marked { &mut drawn } else { &mut plain }) += 1;
        }
    }
    // Equal files are one: both turned photos have the same pixels.
    assert!(plain >= 2 && drawn > 0, "{plain} plain, {drawn} drawn");
}
