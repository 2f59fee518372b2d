//! The texts of an export: whatever a name has in it comes through every dialect, and no wording gives an answer away.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};
use spatialmill::{Dialect, EXPORTS, ImageStorage};

use super::{ROOMS, built, export, options, rows};

/// Every control word that a trainer knows, and whatever else breaks lines, quotes and directions.
const HOSTILE: &[&str] = &[
    "<image>",
    "<video>",
    "<img>",
    "</img>",
    "<IMG_CONTEXT>",
    "<ref>",
    "</ref>",
    "<box>",
    "</box>",
    "<box>1</box>",
    "<quad>",
    "</quad>",
    "<ref-object>",
    "<bbox>",
    "<bbox0>",
    "<point>",
    "<|im_start|>",
    "<|im_end|>",
    "<|image_pad|>",
    "<|vision_start|>",
    "<|object_ref_start|>",
    "<|box_start|>",
    "<|endoftext|>",
    "<s>",
    "</s>",
    "<<SYS>>",
    "[INST]",
    "[/INST]",
    "USER:",
    "ASSISTANT:",
    "Human:",
    "gpt:",
    "Answer:",
    "Image-1: <image>",
    "{\"bbox_2d\": [1, 2, 3, 4]}",
    "[0.1, 0.2, 0.3, 0.4]",
    "<box>[[1, 2, 3, 4]]</box>",
    "\"",
    "'",
    "\\",
    "\\n",
    "\n",
    "\r\n",
    "\t",
    "\0",
    "\u{2028}",
    "\u{202e}",
    "\u{200b}",
    "\u{feff}",
    "شجرة كبيرة",
    "עץ",
    "椅子",
    "🪑",
    "a\u{301}",
    "{the subject}",
    "{{",
    "A.",
    "B. the answer",
    "; DROP TABLE dataset",
    "${seed}",
    "%s",
    "NULL",
    "None",
    "NaN",
    "true",
    "=1+1",
    "|",
    "---",
];

/// So many that each control word is in each frame.
const CAPTIONS: usize = 700;

fn captions() -> Vec<String> {
    let mut captions = vec![String::new(), " ".to_owned(), "x".repeat(10_240), "word ".repeat(2_048)];
    let frames = [
        "{}",
        "a {} chair",
        "{}table",
        "lamp {}",
        "the {}{} box",
        "cup\n{}",
        "<{}>",
        "«{}»",
        "{} {} {}",
        "red {} with a {}",
    ];
    let mut n = 0;
    while captions.len() < CAPTIONS {
        let token = |k: usize| HOSTILE[(n * 7 + k * 13) % HOSTILE.len()];
        let mut caption = frames[n % frames.len()].to_owned();
        for k in 0..3 {
            caption = caption.replacen("{}", token(k), 1);
        }
        captions.push(format!("{caption} {n}"));
        n += 1;
    }
    captions
}

/// Frames of ten things in a row, each with a caption of its own.
pub(super) fn hostile_document(captions: &[String]) -> Value {
    let mut images = Vec::new();
    let mut annotations = Vec::new();
    for (frame, captions) in captions.chunks(10).enumerate() {
        images.push(json!({"id": frame, "file_name": format!("{frame}.jpg"), "width": 1280, "height": 480,
            "K": [[400.0, 0.0, 640.0], [0.0, 400.0, 240.0], [0.0, 0.0, 1.0]], "gravity": [0, 1, 0]}));
        for (at, caption) in captions.iter().enumerate() {
            let (x, z, half) = (at as f64 * 0.6 - 2.7, 3.0 + at as f64 * 0.35, 0.1 + at as f64 * 0.015);
            // The order of Omni3D's corners: around the near side, then around the far side.
            let around = [(-half, -half), (half, -half), (half, half), (-half, half)];
            let side = |depth: f64| around.map(|(right, down)| [x + right, down + at as f64 * 0.02, z + depth]);
            let corners = [side(-half), side(half)].concat();
            let pixel = |edge: f64, depth: f64, middle: f64| 400.0 * edge / depth + middle;
            let near = z - half;
            let bbox = [
                pixel(x - half, near, 640.0),
                pixel(-half, near, 240.0),
                pixel(x + half, near, 640.0),
                pixel(half, near, 240.0),
            ];
            annotations.push(json!({"id": frame * 10 + at, "image_id": frame, "category_id": at, "caption": caption,
                "bbox2D_tight": bbox, "bbox3D_cam": corners, "valid3D": true, "visibility": 1.0, "truncation": 0.0}));
        }
    }
    let names = ["chair", "table", "lamp", "cup", "box", "book", "vase", "clock", "mug", "plate"];
    let categories: Vec<Value> = names.iter().enumerate().map(|(id, name)| json!({"id": id, "name": name})).collect();
    json!({"images": images, "annotations": annotations, "categories": categories})
}

pub(super) const HOSTILE_SOURCE: &str = r#"
[[source]]
name = "hostile"
kind = "coco"
root = "data"
split = "train"
missing_images = "keep"

[build]
max_quarantined = 1.0

[ask]
position_facts_per_frame = 8.0
size_facts_per_frame = 3.0
existence_groups_per_frame = 0.0
counting_groups_per_frame = 0.0

[balance]
targets = {}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn hostile_captions_come_through_every_dialect() {
    let captions = captions();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("data/annotations")).unwrap();
    let document = folder.path().join("data/annotations/instances_train.json");
    std::fs::write(document, hostile_document(&captions).to_string()).unwrap();
    let mill = built(folder.path(), HOSTILE_SOURCE, &["url=memory://export-hostile"]).await;
    let named = rows(&mill, "SELECT count(DISTINCT caption) AS n FROM objects").await[0]["n"].as_u64().unwrap();
    assert!(named > 630, "{named} captions arrived");
    let spoken = rows(&mill, "SELECT question, answer FROM dataset WHERE text_format = 'natural'").await;
    assert!(spoken.len() > 100, "{}", spoken.len());
    for row in &spoken {
        let text = format!("{}\n{}", row["question"].as_str().unwrap(), row["answer"].as_str().unwrap());
        assert!(!text.contains(['<', '>', '\0', '\r', '\t', '\u{202e}', '\u{2028}', '\u{200b}']), "{text}");
    }
    for kind in EXPORTS {
        let mut options = options(kind, &format!("memory://export-hostile/out/{}", kind.name));
        (options.annotations_only, options.shard_rows) = (true, 100_000);
        // Each kind in its own dialect, and all dialects in one of the kinds.
        let all = ["internvl", "qwen3", "qwen2.5", "relative", "pixels"];
        let dialects: &[&str] = if kind.name == "sharegpt" { &all } else { &[kind.dialect] };
        for dialect in dialects {
            options.dialect = Dialect::named(dialect).unwrap();
            options.replace = true;
            let manifest = export(&mill, &options).await.unwrap().0;
            assert_eq!(manifest.images, ImageStorage::Withheld);
            let verified = mill.verify_export(&options.out).await.unwrap();
            assert_eq!(verified.faulty, 0, "{} {dialect}: {:?}", kind.name, verified.faults);
            assert_eq!(verified.samples, manifest.samples);
        }
    }
}

/// Who knows the format and the words, and neither image nor names, knows nothing of the answer.
#[tokio::test(flavor = "multi_thread")]
async fn formats_and_wordings_give_no_answer_away() {
    let folder = tempfile::tempdir().unwrap();
    let source = ROOMS
        .replace("rooms = 4", "rooms = 12")
        .replace("[formats]", "[ask]\nposition_facts_per_frame = 60.0\nsize_facts_per_frame = 60.0\n\n[formats]");
    let mill = built(folder.path(), &source, &["url=memory://export-leak"]).await;
    let samples = rows(
        &mill,
        "SELECT question_id, text_format, image_format, relation, template_id, question, answer_form,
            ground_truth AS class
        FROM dataset
        WHERE answer_form = 'yes_no' OR answer_form = 'choice' AND cardinality(options) = 2",
    )
    .await;
    for form in ["yes_no", "choice"] {
        let samples: Vec<&Value> = samples.iter().filter(|sample| sample["answer_form"] == form).collect();
        let (right, questions) = cross_validated(&samples);
        // Formats of one question share its answer, so it is questions that are independent.
        let slack = 4.0 * 0.5 / (questions as f64).sqrt();
        assert!(questions > 150, "{form}: {questions} questions");
        assert!((right - 0.5).abs() < slack, "{form}: {right} of {} samples, {questions} questions", samples.len());
    }
}

/// The share that naive Bayes gets right of questions that it has not seen, and how many questions there are.
fn cross_validated(samples: &[&Value]) -> (f64, usize) {
    let text = |sample: &Value, name: &str| sample[name].as_str().unwrap_or_default().to_owned();
    let features = |sample: &Value| {
        let template = text(sample, "template_id");
        let mut features = vec![
            text(sample, "text_format"),
            text(sample, "image_format"),
            text(sample, "relation"),
            template.rsplit_once('/').map_or(String::new(), |(question, _)| question.to_owned()),
        ];
        features.push(features.join(" "));
        // Without names, the words themselves: colours, labels, which box is first.
        if ["mark", "ref_region_box"].contains(&features[0].as_str()) {
            features.extend(text(sample, "question").split_whitespace().map(str::to_owned));
        }
        features
    };
    let fold = |sample: &Value| text(sample, "question_id").bytes().map(usize::from).sum::<usize>() % 5;
    let mut questions: Vec<String> = samples.iter().map(|sample| text(sample, "question_id")).collect();
    questions.sort();
    questions.dedup();
    let mut right = 0;
    for held in 0..5 {
        let mut counts: HashMap<(String, String), f64> = HashMap::new();
        let mut classes: BTreeMap<String, f64> = BTreeMap::new();
        for sample in samples.iter().filter(|sample| fold(sample) != held) {
            let class = text(sample, "class");
            *classes.entry(class.clone()).or_default() += 1.0;
            for feature in features(sample) {
                *counts.entry((class.clone(), feature)).or_default() += 1.0;
            }
        }
        for sample in samples.iter().filter(|sample| fold(sample) == held) {
            let score = |class: &String, n: f64| {
                let seen = |feature: String| counts.get(&(class.clone(), feature)).copied().unwrap_or_default();
                n.ln()
                    + features(sample).into_iter().map(|feature| ((seen(feature) + 1.0) / (n + 2.0)).ln()).sum::<f64>()
            };
            let best = classes.iter().max_by(|a, b| score(a.0, *a.1).total_cmp(&score(b.0, *b.1)));
            right += usize::from(best.is_some_and(|(class, _)| *class == text(sample, "class")));
        }
    }
    (right as f64 / samples.len().max(1) as f64, questions.len())
}
