//! Vision-language models, end to end: whole builds and SQL against a server on this machine that answers by script.
//!
//! Each photo is of one grey that says its number, so that the script knows what it is asked about from the pixels it was sent.

#[path = "../../udfs/chat/tests/it/server.rs"]
#[expect(dead_code, reason = "the client's own tests use the rest")]
pub mod server;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{Rgb, RgbImage};
use jpeg_encoder::{ColorType, Encoder};
use serde_json::{Value, json};
use spatialmill::{Error, ErrorKind, Mill, Progress, Project};

use self::server::{Act, Request, Server};
use crate::build::lines;

const PROJECT: &str = r#"
[[source]]
name = "wild"
kind = "images"
root = "photos"
split = "train"
licence = "CC0-1.0"
"#;

/// What a request was about.
struct Seen {
    /// The number of the photo that it shows.
    photo: usize,
    picture: RgbImage,
    /// `detect`, `caption`, `verify` or `ground`.
    step: String,
    prompt: String,
}

fn seen(request: &Request) -> Seen {
    let at = |path: &str| request.body.pointer(path).and_then(Value::as_str).unwrap().to_owned();
    let url = at("/messages/0/content/0/image_url/url");
    let jpeg = STANDARD.decode(url.strip_prefix("data:image/jpeg;base64,").unwrap()).unwrap();
    let picture = image::load_from_memory(&jpeg).unwrap().to_rgb8();
    Seen {
        photo: usize::from(picture.get_pixel(0, 0).0[0]) / 10,
        picture,
        step: at("/response_format/json_schema/name"),
        prompt: at("/messages/0/content/1/text"),
    }
}

/// The grey of a photo; the middle of its ten, because a JPEG is off by one or two.
fn grey(number: usize) -> u8 {
    10 * number as u8 + 5
}

fn photo(number: usize, (width, height): (u16, u16), red: &[[u16; 4]]) -> Vec<u8> {
    let mut picture = RgbImage::from_pixel(width.into(), height.into(), Rgb([grey(number); 3]));
    for [x0, y0, x1, y1] in red.iter().map(|edges| edges.map(u32::from)) {
        for (x, y) in (x0..x1).flat_map(|x| (y0..y1).map(move |y| (x, y))) {
            picture.put_pixel(x, y, Rgb([250, 0, 0]));
        }
    }
    let mut jpeg = Vec::new();
    Encoder::new(&mut jpeg, 95).encode(&picture, width, height, ColorType::Rgb).unwrap();
    jpeg
}

/// A project with photos 0 to `count` - 1, of 160 x 120 pixels.
fn project(count: usize, models: &str, keys: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("photos")).unwrap();
    for number in 0..count {
        add_photo(folder.path(), number, (160, 120));
    }
    std::fs::write(folder.path().join("models.toml"), models).unwrap();
    std::fs::write(folder.path().join("mill.toml"), format!("{PROJECT}\n[models]\n{keys}")).unwrap();
    folder
}

fn add_photo(folder: &Path, number: usize, sides: (u16, u16)) {
    std::fs::write(folder.join(format!("photos/{number:02}.jpg")), photo(number, sides, &[])).unwrap();
}

/// An entry of models.toml, named like its task.
fn model(task: &str, url: &str, parameters: &str, endpoint: &str) -> String {
    format!(
        "[[model]]\nname = \"{task}\"\ntask = \"{task}\"\nfamily = \"chat\"\n{parameters}\n[model.endpoint]\n\
         url = \"{url}\"\nmodel = \"test-model\"\nbackoff_s = 0.01\nbackoff_max_s = 0.05\n{endpoint}\n"
    )
}

async fn mill(folder: &Path, set: &[&str]) -> Mill {
    let set: Vec<String> = set.iter().map(|item| (*item).to_owned()).collect();
    let mill = Mill::open(Project::load(folder, &set).unwrap(), Progress::silent()).await.unwrap();
    mill.import(&[]).await.unwrap();
    mill
}

async fn built(folder: &Path, set: &[&str], until: &str) -> Mill {
    let mill = mill(folder, set).await;
    soon(mill.build(Some(until))).await.unwrap();
    mill
}

async fn failure(folder: &Path, set: &[&str]) -> Error {
    let mill = mill(folder, set).await;
    let until = if mill.project.text("caption_model").is_empty() { "detected" } else { "captioned" };
    soon(mill.build(Some(until))).await.unwrap_err()
}

/// Fails, and does not hang, where something never ends.
async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(120), work).await.expect("it hangs")
}

/// How often each step was asked for.
fn steps(server: &Server) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    server.requests().iter().for_each(|request| *counts.entry(seen(request).step).or_default() += 1);
    counts
}

fn counts<const N: usize>(of: [(&str, usize); N]) -> BTreeMap<String, usize> {
    of.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
}

/// A chair, of photos that are 160 x 120.
fn a_chair() -> Act {
    Act::say(r#"{"objects": [{"label": "chair", "description": "red chair", "box": [100, 100, 500, 500]}]}"#)
}

/// A chair with a good description, and a lamp with none that can be used; at shares of the picture as sent.
fn a_chair_and_a_lamp(coordinates: &'static str) -> impl Fn(usize, &Request) -> Act + Send + Sync {
    move |_, request| {
        let seen = seen(request);
        if seen.step == "caption" {
            assert!(seen.prompt.contains("It may be: lamp."), "{}", seen.prompt);
            return Act::say(r#"{"caption": "The brass lamp."}"#);
        }
        let (width, height) = match coordinates {
            "thousand" => (1000.0, 1000.0),
            _ => (f64::from(seen.picture.width()), f64::from(seen.picture.height())),
        };
        let at = |[x0, y0, x1, y1]: [f64; 4]| json!([x0 * width, y0 * height, x1 * width, y1 * height]);
        let chair = json!({"label": "Chair", "description": "A red chair.", "box": at([0.1, 0.2, 0.5, 0.6])});
        let lamp = json!({"label": "lamp", "description": "lamp on the left", "box": at([0.6, 0.1, 0.9, 1.0])});
        Act::say(&json!({"objects": [chair, lamp]}).to_string())
    }
}

/// A model that detects and one that captions.
fn two(url: &str, coordinates: &str, endpoint: &str) -> String {
    let parameters = format!("side = 400\ncoordinates = \"{coordinates}\"");
    model("detect", url, &parameters, endpoint) + &model("caption", url, &parameters, endpoint)
}

/// A project with one photo, and models that caption and ground as the documents' examples say.
pub async fn for_examples() -> (Server, tempfile::TempDir) {
    let answers = |_: usize, request: &Request| match seen(request).step.as_str() {
        "caption" => Act::say(r#"{"caption": "The red cup."}"#),
        _ => Act::say(r#"{"boxes": [[100, 100, 500, 500]]}"#),
    };
    let server = Server::start(answers).await;
    let folder = project(1, &(model("caption", &server.url, "", "") + &model("ground", &server.url, "", "")), "");
    (server, folder)
}

const BOTH: &str = "detect_model = \"detect\"\ncaption_model = \"caption\"";

#[tokio::test(flavor = "multi_thread")]
async fn boxes_are_in_the_pictures_pixels() {
    // Halved, shrunk by no whole number, sent as it is.
    let sides = [(800, 400), (403, 801), (300, 200)];
    let mut expected = Vec::new();
    for (number, (width, height)) in sides.into_iter().enumerate() {
        let rounded = |share: f64, side: u16| (share * f64::from(side) * 1000.0).round() / 1000.0;
        let at = |[x0, y0, x1, y1]: [f64; 4]| {
            let edges = [rounded(x0, width), rounded(y0, height), rounded(x1, width), rounded(y1, height)];
            format!("{edges:?}").replace(' ', "")
        };
        let (chair, lamp) = (at([0.1, 0.2, 0.5, 0.6]), at([0.6, 0.1, 0.9, 1.0]));
        let frame = format!(r#"{{"frame_id":"wild/{number:02}","object_id""#);
        let (chair, lamp) = (
            format!(r#""m0","category":"chair","caption":"red chair","at":{chair},"made_by":"detect"}}"#),
            format!(r#""m1","category":"lamp","at":{lamp},"made_by":"detect"}}"#),
        );
        expected.extend([format!("{frame}:{chair}"), format!("{frame}:{lamp}")]);
    }
    for coordinates in ["thousand", "pixels"] {
        let server = Server::start(a_chair_and_a_lamp(coordinates)).await;
        let folder = project(0, &two(&server.url, coordinates, ""), BOTH);
        sides.iter().enumerate().for_each(|(number, sides)| add_photo(folder.path(), number, *sides));
        let mill = built(folder.path(), &[], "captioned").await;
        let requests = server.requests();
        let mut sent: Vec<(u32, u32)> =
            requests.iter().map(seen).filter(|s| s.step == "detect").map(|s| s.picture.dimensions()).collect();
        sent.sort_unstable();
        assert_eq!(sent, [(201, 400), (300, 200), (400, 200)]);
        let edges = "[round(box['x0'], 3), round(box['y0'], 3), round(box['x1'], 3), round(box['y1'], 3)] AS at";
        let sql = format!("SELECT frame_id, object_id, category, caption, {edges}, score, made_by FROM detected");
        assert_eq!(lines(&mill, &sql).await, expected, "{coordinates}");
        let captioned = lines(&mill, "SELECT DISTINCT object_id, caption, made_by FROM captioned").await;
        assert_eq!(captioned, [r#"{"object_id":"m1","caption":"brass lamp","made_by":"caption"}"#]);
        let outlines = lines(&mill, "SELECT category, caption, count(*) AS n FROM objects_2d GROUP BY ALL").await;
        let named = |category, name| format!(r#"{{"category":"{category}","caption":"{name}","n":3}}"#);
        assert_eq!(outlines, [named("chair", "red chair"), named("lamp", "brass lamp")]);
        assert!(lines(&mill, "SELECT * FROM quarantine").await.is_empty());
        assert_eq!(steps(&server), counts([("caption", 3), ("detect", 3)]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_answer_depends_on_is_asked_again_and_nothing_else() {
    let server = Server::start(a_chair_and_a_lamp("thousand")).await;
    let models = |url: &str, endpoint: &str| two(url, "thousand", endpoint);
    let folder = project(3, &models(&server.url, ""), BOTH);
    let path = folder.path();
    let detected = async |set: &[&str]| {
        let mill = built(path, set, "captioned").await;
        lines(&mill, "SELECT * FROM detected").await
    };
    let before = detected(&[]).await;
    assert_eq!(steps(&server), counts([("caption", 3), ("detect", 3)]));
    assert_eq!(detected(&["seed=5"]).await, before);
    assert_eq!(server.requests().len(), 6);
    // Where the server is, what it costs and how patient we are, is nothing that an answer depends on.
    let elsewhere = Server::start(|_, _| Act::status(500)).await;
    let limits = "price_in = 1.0\nmax_cost = 5.0\nretries = 1\nin_flight = 2\ntimeout_s = 7.0";
    std::fs::write(path.join("models.toml"), models(&elsewhere.url, limits)).unwrap();
    assert_eq!(detected(&[]).await, before);
    assert_eq!((elsewhere.requests().len(), server.requests().len()), (0, 6));
    // The project's own prompt is another question; what is found is the same, so that captions stand.
    let prompts = path.join("queries/2_annotate/prompts");
    std::fs::create_dir_all(&prompts).unwrap();
    let prompt = include_str!("../../queries/2_annotate/prompts/detect.md");
    std::fs::write(prompts.join("detect.md"), format!("Look twice.\n\n{prompt}")).unwrap();
    std::fs::write(path.join("models.toml"), models(&server.url, "")).unwrap();
    assert_eq!(detected(&[]).await, before);
    assert_eq!(steps(&server), counts([("caption", 3), ("detect", 6)]));
    assert!(server.requests()[6..].iter().all(|request| seen(request).prompt.starts_with("Look twice.")));
    // Captions by another model on the server.
    let (rest, last) = (models(&server.url, ""), "model = \"test-model\"");
    let (detect, caption) = rest.rsplit_once(last).unwrap();
    std::fs::write(path.join("models.toml"), format!("{detect}model = \"better\"{caption}")).unwrap();
    assert_eq!(detected(&[]).await, before);
    assert_eq!(steps(&server), counts([("caption", 6), ("detect", 6)]));
    assert!(server.requests()[9..].iter().all(|request| request.body["model"] == "better"));
}

/// What the misbehaving server does about each photo, and what the row is quarantined with.
const BEHAVIOURS: [(&str, Option<&str>); 13] = [
    ("well", None),
    ("slow", None),
    ("429 twice", None),
    ("500 once", None),
    ("nothing there", None),
    ("a box outside", Some("vlm_box")),
    ("truncated", Some("vlm_json")),
    ("prose", Some("vlm_json")),
    ("another form", Some("vlm_schema")),
    ("half a reply", Some("vlm_reply")),
    ("breaks off", Some("vlm_broken")),
    ("500 always", Some("vlm_http")),
    ("never", Some("vlm_timeout")),
];

/// Behaves once `behaves` is set.
async fn misbehaving(behaves: &Arc<AtomicBool>) -> Server {
    let (behaves, tries) = (Arc::clone(behaves), Mutex::new(BTreeMap::<usize, usize>::new()));
    Server::start(move |_, request| {
        let photo = seen(request).photo;
        let mut tries = tries.lock().unwrap();
        let tried = tries.entry(photo).or_default();
        *tried += 1;
        match BEHAVIOURS[photo].0 {
            _ if behaves.load(Ordering::Relaxed) => a_chair(),
            "slow" => Act::after(100, a_chair()),
            "429 twice" if *tried <= 2 => Act::Status(429, "retry-after: 0\r\n", "later".to_owned()),
            "500 once" if *tried <= 1 => Act::status(500),
            "nothing there" => Act::say(r#"{"objects": []}"#),
            "a box outside" => Act::say(
                r#"{"objects": [{"label": "lamp", "description": "", "box": [0, 0, 3000, 10]},
                    {"label": "chair", "description": "red chair", "box": [100, 100, 500, 500]}]}"#,
            ),
            "truncated" => Act::say(r#"{"objects": [{"label": "chair", "descr"#),
            "prose" => Act::say("There is a chair."),
            "another form" => Act::say(r#"{"objects": [{"label": "chair", "bbox_2d": [100, 100, 500, 500]}]}"#),
            "half a reply" => Act::HalfBody { announced: false },
            "breaks off" => Act::HalfBody { announced: true },
            "500 always" => Act::status(500),
            "never" => Act::Never,
            _ => a_chair(),
        }
    })
    .await
}

/// How often each photo was asked about.
fn asked(server: &Server) -> Vec<usize> {
    let mut counts = vec![0; BEHAVIOURS.len()];
    server.requests().iter().for_each(|request| counts[seen(request).photo] += 1);
    counts
}

fn quarantine() -> Vec<String> {
    let lost = BEHAVIOURS.iter().enumerate().filter_map(|(number, (_, code))| Some((number, (*code)?)));
    lost.map(|(number, code)| format!(r#"{{"key":"wild/{number:02}/","code":"{code}"}}"#)).collect()
}

const PATIENCE: &str = "retries = 2\ntimeout_s = 2.0";

#[tokio::test(flavor = "multi_thread")]
async fn each_misbehaviour_is_counted_and_the_others_have_their_rows() {
    let server = misbehaving(&Arc::default()).await;
    let models = model("detect", &server.url, "", PATIENCE);
    let folder = project(BEHAVIOURS.len(), &models, "detect_model = \"detect\"");
    let mill = built(folder.path(), &["max_quarantined=1.0"], "detected").await;
    let expected: Vec<String> =
        [0, 1, 2, 3, 5].map(|n| format!(r#"{{"frame_id":"wild/{n:02}","caption":"red chair","x1":80.0}}"#)).into();
    assert_eq!(lines(&mill, "SELECT frame_id, caption, box['x1'] AS x1 FROM detected").await, expected);
    assert_eq!(lines(&mill, "SELECT key, code FROM quarantine").await, quarantine());
    assert_eq!(asked(&server), [1, 1, 3, 2, 1, 1, 1, 1, 1, 1, 3, 3, 3]);
    let books =
        lines(&mill, "SELECT rows_in, rows_out, quarantined FROM runs WHERE \"table\" = 'detected' AND rows_in > 0")
            .await;
    assert_eq!(books.len(), 1);
    // Five chairs, eight losses, and a photo that shows nothing.
    assert!(books[0].starts_with(r#"{"rows_in":14,"rows_out":5,"#), "{books:?}");
    let usage = mill.models.account();
    let said = "detect: 9 answers in 22 requests (9 tried again, 1 vlm_broken, 1 vlm_http, 2 vlm_json, 1 vlm_reply, 1 vlm_schema, 1 vlm_timeout)";
    assert!(usage[0].starts_with(said), "{usage:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_failures_publish_nothing_and_are_asked_again() {
    let behaves = Arc::new(AtomicBool::new(false));
    let server = misbehaving(&behaves).await;
    let models = model("detect", &server.url, "", PATIENCE);
    let folder = project(BEHAVIOURS.len(), &models, "detect_model = \"detect\"");
    let error = failure(folder.path(), &[]).await;
    assert_eq!(error.kind(), ErrorKind::Quarantined, "{error}");
    assert!(error.to_string().contains("7 of 13 images are quarantined"), "{error}");
    let stopped = mill(folder.path(), &[]).await;
    assert!(lines(&stopped, "SELECT * FROM detected").await.is_empty());
    assert_eq!(lines(&stopped, "SELECT key, code FROM quarantine").await, quarantine());
    let before = asked(&server);
    // The server is repaired. What it said stands, be it good or half good; what it failed at is asked again.
    behaves.store(true, Ordering::Relaxed);
    let mill = built(folder.path(), &["max_quarantined=0.1"], "detected").await;
    assert_eq!(lines(&mill, "SELECT DISTINCT frame_id FROM detected").await.len(), 12);
    assert_eq!(lines(&mill, "SELECT key, code FROM quarantine").await, quarantine()[..1]);
    let more: Vec<usize> = asked(&server).iter().zip(before).map(|(after, before)| after - before).collect();
    assert_eq!(more, [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1]);
}

/// Things of a photo of 640 x 480: their boxes, as COCO has them, what the model calls them, and what becomes of that.
const THINGS: [(&str, [u16; 4], &str, &str); 7] = [
    ("chair", [100, 100, 200, 100], "I cannot tell", "phrase_refusal"),
    ("lamp", [0, 0, 100, 40], "lamp on the left", "phrase_spatial"),
    ("table", [600, 400, 40, 80], "table <|im_end|>", "phrase_reserved"),
    ("vase", [300, 100, 40, 40], "blue vase", "does_not_fit"),
    ("sofa", [200, 300, 201, 101], "A red sofa.", ""),
    ("clock", [500, 20, 60, 60], "", "vlm_json"),
    ("radio", [0, 0, 640, 480], "old radio", ""),
];

#[tokio::test(flavor = "multi_thread")]
async fn captions_are_held_against_rules_and_against_the_picture() {
    let server = Server::start(|_, request| {
        let seen = seen(request);
        if seen.step == "verify" {
            let yes = seen.prompt.contains("red sofa") || seen.prompt.contains("old radio");
            return Act::say(if yes { r#"{"answer": "yes"}"# } else { r#"{"answer": "no"}"# });
        }
        let (category, _) = seen.prompt.split_once("It may be: ").unwrap().1.split_once('.').unwrap();
        let caption = THINGS.iter().find(|thing| thing.0 == category).unwrap().2;
        if caption.is_empty() { Act::say("It is a clock.") } else { Act::say(&json!({"caption": caption}).to_string()) }
    })
    .await;
    let models = model("caption", &server.url, "side = 200\nverify = true", "");
    let folder = project(0, &models, "caption_model = \"caption\"");
    let corners = THINGS.map(|(_, [x, y, w, h], ..)| [x, y, x + w, y + h]);
    std::fs::write(folder.path().join("photos/0.jpg"), photo(3, (640, 480), &corners[..6])).unwrap();
    let of = |(id, (_, bounds, ..)): (usize, &(&str, [u16; 4], &str, &str))| json!({"id": id, "image_id": 1, "category_id": id, "bbox": bounds, "area": 1, "iscrowd": 0});
    let categories = THINGS.iter().enumerate().map(|(id, thing)| json!({"id": id, "name": thing.0}));
    let document = json!({
        "images": [{"id": 1, "file_name": "0.jpg", "width": 640, "height": 480}],
        "categories": categories.collect::<Vec<_>>(),
        "annotations": THINGS.iter().enumerate().map(of).collect::<Vec<_>>(),
    });
    std::fs::write(folder.path().join("photos/photos.json"), document.to_string()).unwrap();
    let coco = "[[source]]\nname = \"coco\"\nkind = \"coco\"\nroot = \"photos\"\nannotations = \"photos.json\"\n\
                split = \"train\"\n[models]\ncaption_model = \"caption\"\n[build]\nmax_quarantined = 0.2";
    std::fs::write(folder.path().join("mill.toml"), coco).unwrap();
    let mill = built(folder.path(), &[], "captioned").await;
    let captioned =
        "SELECT d.category, c.caption FROM captioned AS c JOIN detections AS d ON d.object_id = c.object_id";
    let expected = [r#"{"category":"radio","caption":"old radio"}"#, r#"{"category":"sofa","caption":"red sofa"}"#];
    assert_eq!(lines(&mill, captioned).await, expected);
    let books =
        "SELECT rows_in, rows_out, filtered, quarantined FROM runs WHERE \"table\" = 'captioned' AND rows_in > 0";
    let one = |kind: &str, name: &str| format!(r#"{{"{kind}":"{name}","n":1}}"#);
    let filtered = ["does_not_fit", "phrase_refusal", "phrase_reserved", "phrase_spatial"].map(|r| one("reason", r));
    let expected = format!(
        r#"{{"rows_in":7,"rows_out":2,"filtered":[{}],"quarantined":[{}]}}"#,
        filtered.join(","),
        one("code", "vlm_json")
    );
    assert_eq!(lines(&mill, books).await, [expected]);
    assert_eq!(steps(&server), counts([("caption", 7), ("verify", 3)]));

    // Each crop is its box and a quarter of its sides more on each side, inside the picture, at most 200 pixels long.
    let expected: [(&str, (u32, u32), &str); 7] = [
        ("chair", (200, 100), "[167, 167, 833, 833]"),
        ("lamp", (125, 50), "[0, 0, 800, 800]"),
        ("table", (50, 100), "[200, 200, 1000, 1000]"),
        ("vase", (60, 60), "[167, 167, 833, 833]"),
        // 149.75 to 451.25 across is 149 to 452, and 274.75 to 426.25 is 274 to 427: 303 x 153.
        ("sofa", (200, 101), "[168, 170, 832, 830]"),
        ("clock", (90, 90), "[167, 167, 833, 833]"),
        ("radio", (200, 150), "[0, 0, 1000, 1000]"),
    ];
    let captions: Vec<Seen> = server.requests().iter().map(seen).filter(|seen| seen.step == "caption").collect();
    for (category, sides, bounds) in expected {
        let seen = captions.iter().find(|seen| seen.prompt.contains(&format!("It may be: {category}."))).unwrap();
        assert_eq!(seen.picture.dimensions(), sides, "{category}");
        assert!(seen.prompt.contains(&format!("Its box is {bounds},")), "{category}: {}", seen.prompt);
        let middle = seen.picture.get_pixel(sides.0 / 2, sides.1 / 2).0;
        assert_eq!(middle[0] > 200, category != "radio", "{category}: {middle:?}");
        let [x0, y0, x1, y1]: [u32; 4] = serde_json::from_str(bounds).unwrap();
        // Around the red there is the photo's grey, where the box does not end at the picture's edge.
        for (x, y) in [(x0 / 2, y0 / 2), ((1000 + x1) / 2, (1000 + y1) / 2)] {
            let pixel = seen.picture.get_pixel(x * sides.0 / 1001, y * sides.1 / 1001).0;
            let is_inside = (x0..x1).contains(&x) && (y0..y1).contains(&y) || (x1, y1) == (1000, 1000) && x == 1000;
            if !is_inside && category != "radio" {
                assert!(pixel.iter().all(|value| value.abs_diff(grey(3)) < 10), "{category} at {x}, {y}: {pixel:?}");
            }
        }
    }
    for verified in server.requests().iter().map(seen).filter(|seen| seen.step == "verify") {
        let same = captions.iter().filter(|caption| caption.picture == verified.picture).count();
        assert_eq!(same, 1, "the phrase is held against what it was said of");
    }

    // Boxes that are none, or show nothing of the picture, are asked about by nobody.
    let of = |id: &str, edges: [&str; 4]| {
        let [x0, y0, x1, y1] = edges.map(|edge| format!("CAST({edge} AS DOUBLE)"));
        format!(
            "named_struct('object_id', '{id}', 'box', named_struct('x0', {x0}, 'y0', {y0}, 'x1', {x1}, 'y1', {y1}))"
        )
    };
    let boxes = [
        of("a", ["NULL", "0", "9", "9"]),
        of("b", ["'NaN'", "0", "9", "9"]),
        of("c", ["0", "0", "'Infinity'", "9"]),
        of("d", ["700", "0", "709", "9"]),
        of("e", ["9", "9", "9", "99"]),
    ];
    let sql = format!(
        "SELECT c['object_id'] AS id, c['quarantined']['code'] AS code FROM \
         (SELECT unnest(caption(uri, sha256, [{}], 'caption')) AS c FROM frames)",
        boxes.join(", ")
    );
    let expected = ["a", "b", "c", "d", "e"].map(|id| format!(r#"{{"id":"{id}","code":"box"}}"#));
    assert_eq!(lines(&mill, &sql).await, expected);
    assert_eq!(server.requests().len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_is_never_passed_and_a_larger_one_goes_on() {
    // Each answer is as long as it may be.
    let server = Server::start(|_, _| match a_chair() {
        Act::Say(text, ..) => Act::Say(text, 0, 1000),
        other => other,
    })
    .await;
    let with = |limit: u32| {
        let limits = format!("max_tokens = 1000\nimage_tokens = 500\nin_flight = 1\nmax_tokens_total = {limit}");
        model("detect", &server.url, "", &limits)
    };
    let folder = project(8, &with(9_000), "detect_model = \"detect\"");
    let error = failure(folder.path(), &[]).await;
    let text = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Input, "{text}");
    assert!(text.contains("the budget is spent") && text.contains("max_tokens_total"), "{text}");
    assert!(error.advice().is_some_and(|hint| hint.contains("models.toml")), "{error}");
    // "5000 tokens used and up to 4321 for the next call, of 9000": not one call less, and not one more.
    let (spent, next) = text.split_once(" tokens used and up to ").unwrap();
    let number = |text: &str| -> usize { text.parse().unwrap() };
    let spent = number(spent.rsplit(' ').next().unwrap());
    let next = number(next.split(' ').next().unwrap());
    let first = server.requests().len();
    assert!(spent == 1000 * first && spent + next > 9000 && spent - 1000 + next <= 9000, "{text}: {first}");
    assert!((2..8).contains(&first), "{first}");
    let stopped = mill(folder.path(), &[]).await;
    assert!(lines(&stopped, "SELECT * FROM detected").await.is_empty());
    assert!(lines(&stopped, "SELECT * FROM quarantine").await.is_empty());
    std::fs::write(folder.path().join("models.toml"), with(100_000)).unwrap();
    let mill = built(folder.path(), &[], "detected").await;
    assert_eq!((server.requests().len(), lines(&mill, "SELECT * FROM detected").await.len()), (8, 8));
}

/// The program itself, with a key in its environment.
async fn program(folder: &Path, key: Option<&str>, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spatialmill"));
    command.arg("--project").arg(folder).args(arguments).env_remove("SPATIALMILL_TEST_KEY");
    command.envs(key.map(|key| ("SPATIALMILL_TEST_KEY", key)));
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_looks_whether_somebody_answers() {
    let listed = Act::Status(200, "", json!({"data": [{"id": "test-model"}]}).to_string());
    let server = Server::start(move |_, _| listed.clone()).await;
    let folder = project(1, &model("detect", &server.url, "", ""), "detect_model = \"detect\"");
    let output = program(folder.path(), None, &["doctor"]).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("it answers, and has the model"), "{text}");
    assert_eq!(server.requests().len(), 1);
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for (url, expected) in [
        (format!("http://{free}/v1"), format!("the server at `http://{free}/v1` cannot be reached")),
        ("http://me:hunter2@x/v1".to_owned(), "`http://***@x/v1`".to_owned()),
        ("http://me:hunter2@x:99999/v1".to_owned(), "invalid port number".to_owned()),
    ] {
        std::fs::write(folder.path().join("models.toml"), model("detect", &url, "", "")).unwrap();
        let output = program(folder.path(), None, &["doctor"]).await;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!output.status.success() && text.contains(&expected) && !text.contains("hunter2"), "{text}");
    }
}

const SECRET: &str = "sk-Zq7/Very+Secret=";

/// Fails where the key is in a file below a folder.
fn check_no_file_has_the_key(folder: &Path) -> usize {
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files += check_no_file_has_the_key(&path);
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(8).any(|eight| eight == &SECRET.as_bytes()[3..11]), "{}", path.display());
        files += 1;
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_used_and_never_shown() {
    // Repeats the key in its errors: of a wrong key at once, else of every other photo.
    let wrong = Arc::new(AtomicBool::new(true));
    let is_wrong = Arc::clone(&wrong);
    let server = Server::start(move |_, request| match seen(request).photo {
        _ if is_wrong.load(Ordering::Relaxed) => Act::Echo(401),
        photo if photo % 2 == 1 => Act::Echo(400),
        _ => a_chair(),
    })
    .await;
    let models = model("detect", &server.url, "", "key_env = \"SPATIALMILL_TEST_KEY\"\nin_flight = 1");
    let folder = project(6, &models, "detect_model = \"detect\"");
    let said = |output: &Output| {
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    };

    let output = program(folder.path(), None, &["build"]).await;
    let text = said(&output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("SPATIALMILL_TEST_KEY") && text.contains("is not set"), "{text}");
    assert_eq!(server.requests().len(), 0);

    let output = program(folder.path(), Some(SECRET), &["build"]).await;
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("the server refuses the key") && text.contains("Bearer ***"), "{text}");
    assert!(!text.contains("Secret"), "{text}");
    let authorization = format!("Bearer {SECRET}");
    assert_eq!(server.requests().len(), 1);

    wrong.store(false, Ordering::Relaxed);
    let output = program(folder.path(), Some(SECRET), &["--set", "max_quarantined=1.0", "build"]).await;
    let text = said(&output);
    assert!(output.status.success() && !text.contains("Secret"), "{text}");
    assert!(server.requests().iter().all(|request| request.authorization.as_ref() == Some(&authorization)));
    let output = program(folder.path(), None, &["sql", "-c", "SELECT key, code, message FROM quarantine"]).await;
    let text = said(&output);
    assert!(text.matches("***").count() == 3 && !text.contains("Secret"), "{text}");
    assert!(check_no_file_has_the_key(folder.path()) > 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phrase_is_grounded_in_sql() {
    let server = Server::start(|_, request| {
        let seen = seen(request);
        assert!(seen.step == "ground" && seen.prompt.contains("red chair"), "{}", seen.prompt);
        match seen.photo {
            0 => Act::say(r#"{"boxes": [[0, 0, 500, 1000], [500, 500, 1000, 1000]]}"#),
            1 => Act::say(r#"{"boxes": []}"#),
            _ => Act::say("none"),
        }
    })
    .await;
    let folder = project(3, &model("ground", &server.url, "side = 80", ""), "");
    let mill = mill(folder.path(), &[]).await;
    let sql = "SELECT frame_id, g['box'] AS box, g['made_by'] AS made_by, g['quarantined']['code'] AS code FROM (\
               SELECT frame_id, unnest(ground(uri, sha256, 'red  chair', 'ground')) AS g FROM frames)";
    let expected = [
        r#"{"frame_id":"wild/00","box":{"x0":0.0,"y0":0.0,"x1":80.0,"y1":120.0},"made_by":"ground"}"#,
        r#"{"frame_id":"wild/00","box":{"x0":80.0,"y0":60.0,"x1":160.0,"y1":120.0},"made_by":"ground"}"#,
        r#"{"frame_id":"wild/02","code":"vlm_json"}"#,
    ];
    assert_eq!(lines(&mill, sql).await, expected);
    assert_eq!(lines(&mill, sql).await, expected);
    // Answers stand; no answer is asked for again.
    assert_eq!(server.requests().len(), 3 + 1);
    let none = "SELECT ground(uri, sha256, NULL, 'ground') AS none, ground(uri, sha256, ' ', 'ground') AS blank, \
                ground(uri, sha256, 'lamp', '') AS no_model FROM frames LIMIT 1";
    assert_eq!(lines(&mill, none).await, [r#"{"none":[],"blank":[],"no_model":[]}"#]);
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_keeps_the_endpoint_busy_and_never_busier() {
    // Of the larger photos, six decoded ones fill the memory: pictures that are being asked about are sent, and not held.
    for (in_flight, sides) in [(3, (160, 120)), (12, (500, 400))] {
        let server = Server::start(move |_, _| Act::together(in_flight, Act::after(20, a_chair()))).await;
        let models = model("detect", &server.url, "", &format!("in_flight = {in_flight}"));
        let folder = project(0, &models, "detect_model = \"detect\"");
        (0..16).for_each(|number| add_photo(folder.path(), number, sides));
        let mill = built(folder.path(), &["memory=64 MiB"], "detected").await;
        assert_eq!(lines(&mill, "SELECT * FROM detected").await.len(), 16);
        assert_eq!((server.requests().len(), server.most_busy()), (16, in_flight));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_ends_the_build() {
    let server = Server::start(|number, _| if number < 7 { a_chair() } else { Act::Stop }).await;
    let limits = "retries = 2\nin_flight = 4";
    let folder = project(20, &model("detect", &server.url, "", limits), "detect_model = \"detect\"");
    let error = failure(folder.path(), &["max_quarantined=1.0"]).await;
    assert_eq!(error.kind(), ErrorKind::Input, "{error}");
    let unreachable = format!("the server at `{}` cannot be reached", server.url);
    assert!(error.to_string().contains(&unreachable) && error.to_string().contains("model `detect`"), "{error}");
    let stopped = mill(folder.path(), &[]).await;
    assert!(lines(&stopped, "SELECT * FROM detected").await.is_empty());
    assert!(lines(&stopped, "SELECT * FROM quarantine").await.is_empty());
    // Another is there in its place, and is asked for the rest.
    let again = Server::start(|_, _| a_chair()).await;
    std::fs::write(folder.path().join("models.toml"), model("detect", &again.url, "", limits)).unwrap();
    let mill = built(folder.path(), &[], "detected").await;
    assert_eq!(lines(&mill, "SELECT * FROM detected").await.len(), 20);
    // Of the seven that were answered, those that were on their way when it died may be lost with it.
    assert!((20 - 7..=20 - 7 + 4).contains(&again.requests().len()), "{}", again.requests().len());
}
