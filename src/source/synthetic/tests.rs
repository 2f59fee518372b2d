//! Rooms that hold together, pictures that show them, and files that are written once.

use std::sync::{Arc, Mutex};

use spatialmill_geometry::Intrinsics;

use super::*;

fn options(text: &str) -> SourceOptions {
    SourceOptions { name: "rooms".to_owned(), ..toml::from_str(text).unwrap() }
}

fn read(folder: &std::path::Path, options: &SourceOptions) -> Vec<Row> {
    read_as(&SYNTHETIC, folder, options)
}

/// Every row of every shard of a source of this kind.
pub(in crate::source) fn read_as(
    kind: &crate::source::SourceKind,
    folder: &std::path::Path,
    options: &SourceOptions,
) -> Vec<Row> {
    let source = (kind.open)(Root::local(folder).unwrap(), options).unwrap();
    let pushed = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&pushed);
    let mut rows = RowSink::new(move |row| {
        into.lock().unwrap().push(row);
        Ok(())
    });
    for shard in source.shards().unwrap() {
        source.read(&shard, &mut rows).unwrap();
    }
    drop(rows);
    Arc::into_inner(pushed).unwrap().into_inner().unwrap()
}

#[test]
fn what_a_mask_and_its_depth_show_lies_in_the_exact_box() {
    let folder = tempfile::tempdir().unwrap();
    let options = options("name = ''\nrooms = 2\nframes_per_room = 3\nwidth = 160\nheight = 120");
    let rows = read(folder.path(), &options);
    let settings = SyntheticSettings::of(&options).unwrap();
    let room = |number| Room::new(settings.things, settings.seed, number);
    let rooms: Vec<Room> = (0..settings.rooms).map(room).collect();
    let mut frame: Option<(Frame, image::DynamicImage)> = None;
    let mut points = 0;
    for row in &rows {
        match row {
            Row::Frame(next) => {
                let file = url::Url::parse(next.depth_uri.as_deref().unwrap()).unwrap().to_file_path().unwrap();
                frame = Some((next.clone(), image::open(file).unwrap()));
            }
            Row::Detection(seen) => {
                let (frame, depth) = frame.as_ref().unwrap();
                let depth = depth.as_luma16().unwrap();
                assert_eq!(seen.frame_id, frame.frame_id);
                let room = rooms.iter().find(|room| frame.scene_id == Some(scene_id("rooms", room))).unwrap();
                let object = &room.objects[seen.object_id.parse::<usize>().unwrap() - 1];
                assert_eq!(object.category, seen.category);
                let mask = seen.mask.as_ref().unwrap();
                let mask = mask.decode().unwrap();
                let pose =
                    Rigid::from_row_major(&frame.world_from_camera.clone().unwrap().try_into().unwrap()).unwrap();
                let [fx, fy, cx, cy] = [frame.fx, frame.fy, frame.cx, frame.cy].map(Option::unwrap);
                let camera = Intrinsics { fx, fy, cx, cy };
                // Depth is kept in whole millimetres.
                let mut allowed = object.obb;
                allowed.lengths += Vector3::repeat(0.004);
                for (x, y) in mask.pixels() {
                    let metres = f64::from(depth.get_pixel(x, y).0[0]) / 1000.0;
                    let point = pose.apply(&camera.back_project(f64::from(x), f64::from(y), metres));
                    assert!(allowed.contains(&point), "{} {} at {x}, {y}: {point}", frame.frame_id, object.category);
                    points += 1;
                }
            }
            _ => {}
        }
    }
    assert!(points > 10_000, "only {points} points");
}

#[test]
fn the_same_options_give_the_same_rows_and_leave_the_files_alone() {
    let folder = tempfile::tempdir().unwrap();
    let options = options("name = ''\nrooms = 1\nframes_per_room = 2\nwidth = 64\nheight = 48");
    let first = read(folder.path(), &options);
    let tag = |root: &Root| root.list("").unwrap();
    let root = Root::local(folder.path()).unwrap();
    let files = tag(&root);
    assert_eq!(files.len(), 2 + 4 * 2, "{files:?}");
    let second = read(folder.path(), &options);
    assert_eq!(format!("{first:?}"), format!("{second:?}"));
    assert_eq!(files, tag(&root));
}

#[test]
fn more_rooms_leave_full_shards_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let shards = |rooms: usize| {
        let root = Root::local(folder.path()).unwrap();
        (SYNTHETIC.open)(root, &options(&format!("name = ''\nrooms = {rooms}"))).unwrap().shards().unwrap()
    };
    assert_eq!(shards(6).len(), 2);
    assert_eq!(shards(6)[0], shards(9)[0]);
    assert_ne!(shards(6)[1].fingerprint, shards(9)[1].fingerprint);
}

#[test]
fn wrong_options_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for (text, named) in
        [("room = 3", "room"), ("rooms = 0", "rooms"), ("geometry = 'guess'", "guess"), ("width = 9999", "width")]
    {
        let root = Root::local(folder.path()).unwrap();
        let error = (SYNTHETIC.open)(root, &options(&format!("name = ''\n{text}"))).err().unwrap();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains(named), "{error}");
    }
}

#[test]
fn an_rgbd_source_reads_the_same_folder_and_sees_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let made = read(folder.path(), &options("name = ''\nrooms = 1\nframes_per_room = 2\nwidth = 64\nheight = 48"));
    let kind = crate::source::SOURCES.iter().find(|kind| kind.name == "rgbd").unwrap();
    let named = SourceOptions { name: "rooms".to_owned(), ..SourceOptions::default() };
    let measured = read_as(kind, folder.path(), &named);
    let seen = |rows: &[Row]| {
        let mut seen: Vec<String> = rows
            .iter()
            .filter_map(|row| match row {
                Row::Detection(d) => {
                    Some(format!("{} {} {} {:?} {:?}", d.frame_id, d.object_id, d.category, d.bbox, d.mask))
                }
                Row::Frame(f) => Some(format!("{} {:?} {:?} {:?}", f.frame_id, f.sha256, f.depth_uri, f.fx)),
                Row::Quarantined(row) => panic!("{row:?}"),
                _ => None,
            })
            .collect();
        seen.sort();
        seen
    };
    assert_eq!(seen(&made), seen(&measured));
}
