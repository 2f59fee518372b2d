//! What every source promises, whatever its format: rows in = rows out + quarantined, the same rows every time, stable shards,
//! no path outside its folder, and no panic, no hang and no silent loss on damaged files.

mod all_seeing;
mod cityscapes;
mod coco;
mod images;
mod matterport;
mod mutate;
mod object_views;
mod rgbd;
mod scannet;
mod visual_genome;
mod vsi_meta;

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use crate::error::{Error, Kind};
use crate::source::recognized::recognized;
use crate::source::root::Root;
use crate::source::{Row, RowSink};
use crate::source::{SOURCES, Shard, SourceOptions};
use crate::tables::Quarantined;

use serde_json::{Value, json};

use self::mutate::{Dice, Mutant, mutants};

/// A small dataset without a fault.
pub struct Fixture {
    /// As in [`SOURCES`].
    pub kind: &'static str,
    /// Tells two fixtures of a kind apart.
    pub about: &'static str,
    /// Writes the files.
    pub write: fn(&Path),
    /// Options, as TOML.
    pub options: &'static str,
    /// How many rows of all tables it makes.
    pub rows: usize,
    /// Files to damage: one of each kind that the reader opens.
    pub files: &'static [&'static str],
}

/// At least one for each source.
const FIXTURES: &[Fixture] = &[
    all_seeing::REGIONS,
    all_seeing::LINES,
    all_seeing::CONVERSATIONS,
    cityscapes::PACKAGES,
    coco::PHOTOS,
    coco::SEGMENTS,
    images::FILES,
    images::TAR,
    images::TABLE,
    matterport::UNDISTORTED,
    matterport::AS_TAKEN,
    object_views::RENDERS,
    object_views::TRANSFORMS,
    rgbd::ID_IMAGES,
    rgbd::WORLD_BOXES,
    scannet::EXPORTED,
    scannet::RECORDED,
    visual_genome::NAMED_BOXES,
    vsi_meta::WITH_PHOTOS,
];

/// Sources without files of their own: there is nothing to damage.
const GENERATED: &[&str] = &["synthetic", "synthetic_home"];

/// Damaged copies for each fixture.
const MUTANTS: usize = 500;

/// Longer than this, reading a fixture hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// What reading a dataset gave.
#[derive(Debug, Default)]
pub struct Imported {
    pub rows: Vec<Row>,
    pub quarantined: Vec<Quarantined>,
}

impl Imported {
    /// The rows as text, sorted, so that two imports can be compared.
    pub fn sorted(&self) -> Vec<String> {
        let mut rows: Vec<_> = self.rows.iter().map(|row| format!("{row:?}")).collect();
        rows.extend(self.quarantined.iter().map(|row| format!("{row:?}")));
        rows.sort();
        rows
    }

    /// Quarantined keys with their codes, sorted.
    pub fn refused(&self) -> Vec<(String, &'static str)> {
        let code = |row: &Quarantined| match row.why.code {
            Cow::Borrowed(code) => code,
            Cow::Owned(_) => panic!("readers' codes are constants: {row:?}"),
        };
        let mut refused: Vec<_> = self.quarantined.iter().map(|row| (row.key.clone(), code(row))).collect();
        refused.sort();
        refused
    }

    pub fn frames(&self) -> impl Iterator<Item = &crate::tables::Frame> {
        self.rows.iter().filter_map(|row| if let Row::Frame(frame) = row { Some(frame) } else { None })
    }

    pub fn scenes(&self) -> impl Iterator<Item = &crate::tables::Scene> {
        self.rows.iter().filter_map(|row| if let Row::Scene(scene) = row { Some(scene) } else { None })
    }

    pub fn detections(&self) -> impl Iterator<Item = &crate::tables::Detection> {
        self.rows.iter().filter_map(|row| if let Row::Detection(detection) = row { Some(detection) } else { None })
    }
}

/// Reads all shards of a dataset, in the order that `order` makes of them.
pub fn import_in_order(kind: &str, root: &Path, options: &str, order: fn(&mut Vec<Shard>)) -> Result<Imported, Error> {
    let kind = SOURCES.iter().find(|source| source.name == kind).unwrap();
    let options =
        SourceOptions { name: "test".to_owned(), extra: toml::from_str(options).unwrap(), ..SourceOptions::default() };
    let source = kind.open(Root::local(root)?, &options)?;
    let pushed = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&pushed);
    let mut rows = RowSink::new(move |row| {
        sink.lock().unwrap().push(row);
        Ok(())
    });
    let mut shards = source.shards()?;
    order(&mut shards);
    shards.iter().try_for_each(|shard| source.read(shard, &mut rows))?;
    let mut imported = Imported::default();
    for row in pushed.lock().unwrap().drain(..) {
        match row {
            Row::Quarantined(row) => imported.quarantined.push(row),
            row => imported.rows.push(row),
        }
    }
    assert_eq!(rows.seen as usize, imported.rows.len() + imported.quarantined.len());
    Ok(imported)
}

/// Reads all shards of a dataset.
pub fn import(kind: &str, root: &Path, options: &str) -> Result<Imported, Error> {
    import_in_order(kind, root, options, |_| {})
}

/// The shards of a dataset with their fingerprints.
pub fn shards(kind: &str, root: &Path, options: &str) -> Vec<Shard> {
    let kind = SOURCES.iter().find(|source| source.name == kind).unwrap();
    let options = SourceOptions { extra: toml::from_str(options).unwrap(), ..SourceOptions::default() };
    kind.open(Root::local(root).unwrap(), &options).unwrap().shards().unwrap()
}

/// How many shards have another fingerprint than before.
pub fn stale(before: &[Shard], now: &[Shard]) -> usize {
    assert_eq!(before.len(), now.len());
    before.iter().zip(now).filter(|(before, now)| before.fingerprint != now.fingerprint).count()
}

/// A document in which every number is written in one of the forms that people's tools give it, with a byte order mark in front and, here
/// and there, fields that nobody needs.
pub fn in_other_forms(document: &Value, seed: u64) -> String {
    fn write(value: &Value, key: &str, dice: &mut Dice, text: &mut String) {
        match value {
            Value::Object(fields) => {
                text.push('{');
                for (n, (name, field)) in fields.iter().enumerate() {
                    text.push_str(&format!("{}{}:", if n > 0 { ", " } else { "" }, json!(name)));
                    write(field, name, dice, text);
                }
                // Not beside the sections of a file, of which a new one is told.
                if fields.values().all(|field| !field.is_array() && !field.is_object()) && !fields.is_empty() {
                    text.push_str(
                        [", \"area_\": NaN", ", \"score_\": -Infinity", "", ", \"x_y\": null"][dice.below(4)],
                    );
                }
                text.push('}');
            }
            Value::Array(items) => {
                text.push('[');
                for (n, item) in items.iter().enumerate() {
                    text.push_str(if n > 0 { ", " } else { " " });
                    write(item, key, dice, text);
                }
                text.push(']');
            }
            Value::Number(number) => {
                let plain = number.as_f64().unwrap();
                text.push_str(&match dice.below(4) {
                    0 => format!("{plain:.1}"),
                    1 => format!("\"{plain}\""),
                    2 if key == "iscrowd" => if plain == 1.0 { "true" } else { "false" }.to_owned(),
                    3 if key == "iscrowd" && plain == 0.0 => "null".to_owned(),
                    _ => number.to_string(),
                });
            }
            other => text.push_str(&other.to_string()),
        }
    }
    let (mut text, mut dice) = ("\u{feff}".to_owned(), Dice::new(seed));
    write(document, "", &mut dice, &mut text);
    text
}

fn written(fixture: &Fixture) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    (fixture.write)(folder.path());
    folder
}

#[test]
fn sources_are_documented_and_have_a_fixture() {
    let names: HashSet<_> = SOURCES.iter().map(|source| source.name).collect();
    assert_eq!(names.len(), SOURCES.len(), "two sources have one name");
    for source in SOURCES {
        assert!(!source.doc.is_empty() && source.long_doc.len() > 200, "{}: say what it reads", source.name);
        let covered = FIXTURES.iter().any(|fixture| fixture.kind == source.name) || GENERATED.contains(&source.name);
        assert!(covered, "{}: add a fixture", source.name);
    }
}

#[test]
fn a_folder_is_recognized_as_what_it_is() {
    for fixture in FIXTURES {
        let folder = written(fixture);
        let found = recognized(&Root::local(folder.path()).unwrap());
        let names: Vec<&str> = found.iter().map(|found| found.kind.name).collect();
        assert_eq!(names.first(), Some(&fixture.kind), "{} {}: {names:?}", fixture.kind, fixture.about);
    }
    let empty = tempfile::tempdir().unwrap();
    assert!(recognized(&Root::local(empty.path()).unwrap()).is_empty());
}

#[test]
fn each_record_becomes_a_row() {
    for fixture in FIXTURES {
        let folder = written(fixture);
        let imported = import(fixture.kind, folder.path(), fixture.options).unwrap();
        assert_eq!(imported.refused(), [], "{} {}", fixture.kind, fixture.about);
        assert_eq!(imported.rows.len(), fixture.rows, "{} {}: {:#?}", fixture.kind, fixture.about, imported.rows);
    }
}

#[test]
fn reading_again_gives_the_same_rows_in_any_order_of_shards() {
    for fixture in FIXTURES {
        let folder = written(fixture);
        let once = import(fixture.kind, folder.path(), fixture.options).unwrap();
        let again = import_in_order(fixture.kind, folder.path(), fixture.options, |shards| shards.reverse()).unwrap();
        assert_eq!(once.sorted(), again.sorted(), "{} {}", fixture.kind, fixture.about);
    }
}

#[test]
fn shards_are_stable_and_change_with_their_files() {
    for fixture in FIXTURES {
        let folder = written(fixture);
        let shards = || shards(fixture.kind, folder.path(), fixture.options);
        let before = shards();
        assert_eq!(before, shards());
        let names: HashSet<_> = before.iter().map(|shard| &shard.name).collect();
        assert_eq!(names.len(), before.len());
        for file in fixture.files {
            let path = folder.path().join(file);
            let bytes = std::fs::read(&path).unwrap();
            rewritten(&path, &bytes);
            assert_ne!(before, shards(), "{} {}: {file} changed unseen", fixture.kind, fixture.about);
            std::fs::write(&path, bytes).unwrap();
        }
    }
}

#[test]
fn shards_of_files_say_how_large_they_are() {
    fn size(folder: &Path) -> u64 {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| if path.is_dir() { size(&path) } else { path.metadata().unwrap().len() }).sum()
    }
    for fixture in FIXTURES.iter().filter(|fixture| ["images", "matterport", "rgbd", "scannet"].contains(&fixture.kind))
    {
        let folder = written(fixture);
        let shards = shards(fixture.kind, folder.path(), fixture.options);
        let bytes: u64 = shards.iter().map(|shard| shard.bytes).sum();
        assert!(bytes > 0 && bytes <= size(folder.path()), "{} {}: {bytes}", fixture.kind, fixture.about);
    }
}

/// Writes as many other bytes and sets the time of modification back, as programs that copy files do, a tick of the file system's clock
/// later: within one, nobody can tell.
fn rewritten(path: &Path, bytes: &[u8]) {
    let before = std::fs::metadata(path).unwrap();
    let mut other = bytes.to_vec();
    if let Some(last) = other.last_mut() {
        *last = if *last == b' ' { b'\n' } else { b' ' };
    }
    while std::fs::metadata(path).unwrap().modified().unwrap() == before.modified().unwrap() {
        std::fs::write(path, &other).unwrap();
    }
    // Where the system does not keep when a file was changed, this is all that there is.
    if cfg!(unix) {
        let file = std::fs::File::options().write(true).open(path).unwrap();
        file.set_modified(before.modified().unwrap()).unwrap();
    }
}

#[test]
fn rows_refer_to_each_other_and_to_files_inside_the_root() {
    for fixture in FIXTURES {
        let folder = written(fixture);
        let root = Root::local(folder.path()).unwrap().to_string();
        let imported = import(fixture.kind, folder.path(), fixture.options).unwrap();
        let frames: HashSet<_> = imported.frames().map(|frame| frame.frame_id.as_str()).collect();
        assert_eq!(frames.len(), imported.frames().count(), "{}: a frame_id is used twice", fixture.kind);
        let mut objects = HashSet::new();
        let scenes: HashSet<_> = imported.scenes().map(|scene| scene.scene_id.as_str()).collect();
        assert_eq!(scenes.len(), imported.scenes().count(), "{}: a scene_id is used twice", fixture.kind);
        for row in &imported.rows {
            match row {
                Row::Frame(frame) => {
                    assert!(frame.frame_id.starts_with("test/"), "{frame:?}");
                    assert!(frame.uri.starts_with(&root), "{frame:?}");
                    assert!(frame.depth_uri.as_ref().is_none_or(|uri| uri.starts_with(&root)), "{frame:?}");
                    let has_units = |uri: &String| uri.contains("#disparity=") == frame.depth_scale.is_none();
                    assert!(frame.depth_uri.as_ref().is_none_or(has_units), "{frame:?}");
                    assert_eq!(frame.depth_uri.is_some(), frame.depth_sha256.is_some(), "{frame:?}");
                    assert_eq!(frame.fx.is_some(), frame.camera_from.is_some(), "{frame:?}");
                    assert!(frame.scene_id.as_ref().is_none_or(|scene| scenes.contains(scene.as_str())), "{frame:?}");
                }
                Row::Detection(row) => {
                    assert!(frames.contains(row.frame_id.as_str()), "{row:?}");
                    assert!(objects.insert((&row.frame_id, &row.object_id)), "{row:?}");
                }
                Row::SceneObject(row) => {
                    assert!(objects.insert((&row.scene_id, &row.object_id)), "{row:?}");
                    assert!(scenes.contains(row.scene_id.as_str()), "{row:?}");
                }
                Row::Surface(row) => assert!(scenes.contains(row.scene_id.as_str()), "{}", row.scene_id),
                Row::Scene(_) | Row::Waypoint(_) | Row::Link(_) | Row::Motion(_) | Row::Quarantined(_) => {}
            }
        }
    }
}

#[test]
fn an_unknown_option_is_wrong_usage() {
    for source in SOURCES {
        let folder = tempfile::tempdir().unwrap();
        let error = import(source.name, folder.path(), "colour_of_the_sky = 1").err().unwrap();
        assert_eq!(error.kind(), Kind::Usage, "{}: {error}", source.name);
        assert!(error.to_string().contains("colour_of_the_sky"), "{}: {error}", source.name);
    }
}

#[test]
fn damaged_files_cost_no_panic_no_hang_and_no_silent_loss() {
    for fixture in FIXTURES {
        let folder = written(fixture);
        let clean = import(fixture.kind, folder.path(), fixture.options).unwrap().rows.len();
        let each = MUTANTS.div_ceil(fixture.files.len());
        for (seed, file) in fixture.files.iter().enumerate() {
            let path = folder.path().join(file);
            let original = std::fs::read(&path).unwrap();
            for Mutant { what, bytes } in mutants(&original, each, seed as u64) {
                std::fs::write(&path, bytes).unwrap();
                let said = format!("{} {}, {file}: {what}", fixture.kind, fixture.about);
                match patiently(fixture, folder.path()).unwrap_or_else(|| panic!("panicked or hung: {said}")) {
                    Ok(imported) => {
                        let lost = clean.saturating_sub(imported.rows.len());
                        assert!(lost == 0 || !imported.quarantined.is_empty(), "{lost} rows lost silently: {said}");
                    }
                    Err(error) => assert_ne!(error.kind(), Kind::Internal, "{said}: {error}"),
                }
            }
            std::fs::write(&path, original).unwrap();
        }
    }
}

/// Reads on another thread; none where that panics or does not come to an end.
fn patiently(fixture: &Fixture, root: &Path) -> Option<Result<Imported, Error>> {
    let (sender, receiver) = mpsc::channel();
    let (kind, options, root) = (fixture.kind, fixture.options, root.to_owned());
    std::thread::spawn(move || drop(sender.send(import(kind, &root, options))));
    receiver.recv_timeout(PATIENCE).ok()
}
