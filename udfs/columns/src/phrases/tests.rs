//! The packs of `queries/5_ask` are sound, and the linter finds each kind of defect that a pack could have.

use super::lint::{Defect, Fewest, Finding, lint};
use super::noun_cache::NounCache;
use super::pack::Pack;
use super::reference::{Mark, MarkWords};
use super::render::Asked;
use super::slots::{Content, SlotValue};
use super::topics::Topics;
use super::{Error, PLAIN, PackText, Phrases, Texts, Worded};
use crate::format::{ImageFormat, TextFormat};

const TOPICS: &str = include_str!("../../../../queries/5_ask/topics.toml");
const REFERENCES: &str = include_str!("../../../../queries/6_format/references.toml");
const PACKS: [(&str, &str); 4] = [
    ("position_comparison", include_str!("../../../../queries/5_ask/position_comparison/phrases.toml")),
    ("size_comparison", include_str!("../../../../queries/5_ask/size_comparison/phrases.toml")),
    ("existence_estimation", include_str!("../../../../queries/5_ask/existence_estimation/phrases.toml")),
    ("object_counting", include_str!("../../../../queries/5_ask/object_counting/phrases.toml")),
];

/// The slots of a comparison.
fn pair<'a>(subject: &'a str, object: &'a str) -> [SlotValue<'a>; 2] {
    [("subject", subject), ("object", object)].map(|(name, text)| SlotValue { name, content: Content::Object(text) })
}

fn phrases() -> Phrases {
    Phrases::new(&texts()).unwrap()
}

fn texts() -> Texts<'static> {
    let packs = PACKS.map(|(task, text)| PackText { task, name: PLAIN, text }).to_vec();
    Texts {
        topics: vec![("topics.toml", TOPICS)],
        references: REFERENCES,
        packs,
        shares: [(PLAIN.to_owned(), 1.0)].into(),
    }
}

fn linted(task: &str, text: &str) -> Vec<Finding> {
    lint(&topics(), &MarkWords::parse(REFERENCES).unwrap(), &PackText { task, name: PLAIN, text }, Fewest::Expected)
        .unwrap()
}

fn topics() -> Topics {
    Topics::parse([("topics.toml", TOPICS)]).unwrap()
}

#[test]
fn our_packs_have_no_defect() {
    let topics = topics();
    assert_eq!(topics.ids().count(), 12);
    for (task, text) in PACKS {
        let findings = linted(task, text);
        let report: Vec<String> = findings.iter().map(|finding| format!("{task}: {finding}")).collect();
        assert!(findings.is_empty(), "{}", report.join("\n"));
    }
}

/// Puts a wording into an otherwise sound list.
fn with(section: &str, list: &str, wording: &str) -> Vec<Defect> {
    let (task, text) = match section {
        "number" | "choice_of_number" => PACKS[3],
        "existence" => PACKS[2],
        _ => PACKS[0],
    };
    let section = if section == "existence" { "yes_no" } else { section };
    let mut pack: toml::Table = text.parse().unwrap();
    pack.retain(|name, _| name == "topics" || name == section);
    let wordings = pack[section][list].as_array_mut().unwrap();
    wordings.push(toml::Value::String(wording.into()));
    let findings = linted(task, &toml::to_string(&pack).unwrap());
    assert!(
        findings.iter().all(|finding| finding.wording == wording),
        "only the new wording is at fault: {findings:?}"
    );
    findings.into_iter().map(|finding| finding.defect).collect()
}

#[test]
fn every_kind_of_defect_is_found() {
    use Defect::*;
    for (section, list, wording, defect) in [
        // The reversed answer: where the subject is not in front, the object is said to be behind it.
        ("yes_no", "no", "No, {the object} {object:is|are} {true relation} {the subject}.", FalseClaim),
        ("yes_no", "yes", "Yes, {the subject} {subject:is|are} {reverse relation} {the object}.", FalseClaim),
        ("yes_no", "yes", "Yes, {the subject} {subject:is|are} not {true relation} {the object}.", FalseClaim),
        ("yes_no", "no", "No, {the subject} {subject:is|are} {asked relation} {the object}.", FalseClaim),
        ("yes_no", "yes", "Yes, it is the other way round.", FalseClaim),
        ("yes_no", "no", "No, {subject:it is|they are}.", FalseClaim),
        ("yes_no", "yes", "No.", WrongYesOrNo),
        ("yes_no", "no", "Correct.", WrongYesOrNo),
        ("open", "answers", "{The object} {object:is|are} {true relation} {the subject}.", FalseClaim),
        ("open", "answers", "I see.", NoAnswer),
        ("choice_of_object", "answers", "{The other}.", FalseClaim),
        ("choice_of_object", "answers", "{The other} {other:is|are} {asked comparative}.", FalseClaim),
        ("choice_of_object", "answers", "Option B.", WrongLetter),
        ("choice_of_relation", "answers", "To the left.", FalseClaim),
        ("number", "answers", "There are 3 {plural category} {asked relation} {the object}.", FalseClaim),
        ("number", "answers", "There {n:is|are} {n category} {reverse relation} {the object}.", FalseClaim),
        ("number", "answers", "Some {plural category}.", NoAnswer),
        ("existence", "no", "No, there {category:is|are} {a category} {asked relation} {the object}.", FalseClaim),
        ("existence", "yes", "Yes, there {category:is|are} no {category} {asked relation} {the object}.", FalseClaim),
        ("yes_no", "questions", "{subject:Is|Are} {the subject} {asked relation} it?", MissingThing),
        ("yes_no", "questions", "{subject:Is|Are} {the subject} beside {the object}?", MissingRelation),
        ("yes_no", "questions", "{subject:Is|Are} {the subject} {reverse relation} {the object}?", MissingRelation),
        ("open", "questions", "How do {the subject} and {the object} compare?", MissingRelation),
        (
            "number",
            "questions",
            "{category:Is|Are} there {plural category} {asked relation} {the object}?",
            MissingCount,
        ),
        ("choice_of_object", "questions", "Which is {asked comparative}, {the first} or {the second}?", MissingOptions),
        ("open", "questions", "{subject:Is|Are} {the subject} {either} {the object}?\n{options}", MissingOptions),
        ("yes_no", "questions", "Is {the subject} {asked relation} {the object}?", Agreement),
        ("yes_no", "yes", "Yes, {the subject} is {true relation} {the object}.", Agreement),
        ("yes_no", "yes", "Yes, it is {true relation} {the object}.", Agreement),
        ("existence", "questions", "{category:Is|Are} there a {category} {asked relation} {the object}?", Article),
        ("yes_no", "yes", "Yes, the {the subject} {subject:is|are} {true relation} {the object}.", Article),
        ("yes_no", "questions", "{subject:is|are} {the subject} {asked relation} {the object}?", Typography),
        ("yes_no", "questions", "{subject:Is|Are} {the subject} {asked relation} {the object} ?", Typography),
        ("yes_no", "yes", "Yes, {the subject} {subject:is|are} {true relation} {the object}", Typography),
        ("number", "answers", "There {n:is|are} {n}.", CountedZero),
        ("number", "answers", "I see {n} {plural category} {asked relation} {the object}.", CountedZero),
        ("existence", "no", "No, no {category} can be seen {asked relation} {the object}.", Doubled),
        ("yes_no", "yes", "Yes, {the subject} can be seen {true relation} {the object}.", Doubled),
        ("yes_no", "questions", "<image> {subject:Is|Are} {the subject} {asked relation} {the object}?", Reserved),
        ("yes_no", "yes", "Yes.", Repeated),
    ] {
        assert_eq!(with(section, list, wording), [defect], "{wording}");
    }
}

#[test]
fn too_few_wordings_are_found() {
    let text = "topics = [\"depth\"]\n[open]\nquestions = [\"{subject:Is|Are} {the subject} {either} {the object}?\"]\nanswers = [\"{Option}.\"]";
    let findings = linted("t", text);
    assert_eq!(findings.iter().map(|finding| finding.defect).collect::<Vec<_>>(), [Defect::TooFew]);
}

#[test]
fn what_cannot_be_compiled_is_an_error() {
    let pack = |wording: &str| format!("topics = [\"depth\"]\n[open]\nquestions = ['{wording}']\nanswers = ['a']");
    let error = |text: &str| {
        let packs = vec![PackText { task: "t", name: PLAIN, text }];
        Phrases::new(&Texts { packs, ..texts() }).unwrap_err()
    };
    assert!(matches!(error(&pack("{asked}")), Error::UnknownSlot { .. }));
    assert!(matches!(error(&pack("{the nobody}")), Error::UndeclaredSlot { .. }));
    assert!(matches!(error(&pack("{digits object}")), Error::UndeclaredSlot { .. }));
    assert!(matches!(error(&pack("{asked shout}")), Error::NoForm { .. }));
    let slots = |slots: &str| format!("topics = ['depth']\nslots = [{slots}]");
    for wrong in
        ["{ name = 'first' }", "{ name = 'A b' }", "{ name = 'x', kind = 'thing' }", "{ name = 'x' }, { name = 'x' }"]
    {
        assert!(matches!(error(&slots(wrong)), Error::WrongSlot { .. }), "{wrong}");
    }
    assert!(matches!(error(&pack("{the subject")), Error::OpenBrace { .. }));
    assert!(matches!(error("topics = [\"time\"]"), Error::UnknownTopic { .. }));
    assert!(matches!(error("topics = [\"depth\"]\n[open]\nquestions = ['a']"), Error::Missing { .. }));
    assert!(matches!(error("no toml"), Error::Syntax { .. }));
    let topics = |text: &'static str| Texts { topics: vec![("topics.toml", text)], ..texts() };
    assert!(matches!(Phrases::new(&topics("[depth]\neither = []")).unwrap_err(), Error::Incomplete { .. }));
    for (text, wrong) in [
        ("[a.b]\nrelation = ['x']\n[c.b]\nrelation = ['y']", "two topics or relations"),
        ("[a.b]\nrelation = ['{options}']", "slot that belongs to phrases"),
    ] {
        assert!(Phrases::new(&topics(text)).unwrap_err().to_string().contains(wrong), "{text}");
    }
    let shares = |name: &str, share| Texts { shares: [(name.to_owned(), share)].into(), ..texts() };
    assert!(matches!(Phrases::new(&shares("fancy", 1.0)).unwrap_err(), Error::UnknownPack { .. }));
    assert!(matches!(Phrases::new(&shares(PLAIN, -1.0)).unwrap_err(), Error::WrongShare { .. }));
}

#[test]
fn packs_are_used_by_their_shares() {
    let (task, text) = PACKS[0];
    let packs = vec![PackText { task, name: PLAIN, text }, PackText { task, name: "curt", text }];
    let shares = [(PLAIN.to_owned(), 1.0), ("curt".to_owned(), 3.0)].into();
    let phrases = Phrases::new(&Texts { packs, shares, ..texts() }).unwrap();
    let picked: Vec<_> = (0..1000)
        .map(|step| phrases.template(task, "yes_no", "left", "yes", f64::from(step) / 1000.0).unwrap())
        .collect();
    assert_eq!(picked.iter().filter(|id| id.starts_with("position_comparison@curt/yes_no/")).count(), 750);
    let different: std::collections::BTreeSet<_> = picked.iter().collect();
    assert!(different.len() > 100, "{}", different.len());
}

#[test]
fn a_wording_may_be_for_some_numbers_of_options() {
    let few = r#"{ text = "Which one?\n{options}", options = [2, 4] }"#;
    let three = r#"{ text = "Which one of three?\n{options}", options = [3] }"#;
    let text = format!(
        "topics = [\"lateral\"]\n[choice_of_option]\noptions = [\"a\", \"b\", \"c\", \"d\"]\nquestions = [{few}, {three}]\nanswers = [\"{{letter}}\"]"
    );
    let mut texts = texts();
    texts.packs.push(PackText { task: "own", name: PLAIN, text: &text });
    let phrases = Phrases::new(&texts).unwrap();
    let template = |shape| phrases.template("own", shape, "left", "a", 0.5);
    assert_eq!(template("choice of 2 options"), Some("own/choice/option-1/1"));
    assert_eq!(template("choice of 3 options"), Some("own/choice/option-2/1"));
    assert_eq!(template("choice of 4 options"), Some("own/choice/option-1/1"));
    assert_eq!(template("choice of value"), None);

    for (from, to) in [("options = [3]", "options = [5]"), ("[choice_of_option]", "[choice_of_object]")] {
        let text = text.replacen(from, to, 1);
        let found = Pack::parse(&topics(), &PackText { task: "own", name: PLAIN, text: &text });
        assert!(matches!(found, Err(Error::WrongOptionCount { .. })), "{to}");
    }
}

#[test]
fn marks_and_boxes_stand_for_names() {
    let phrases = phrases();
    let mut out = Worded::default();
    let marks = [Mark { colour: "red", label: "2" }, Mark { colour: "blue", label: "1" }];
    let asked = Asked {
        relation: "near",
        answer: "no",
        slots: &pair("scissors", "Oven"),
        marks: &marks,
        key: "k",
        ..Asked::default()
    };
    let mut word = |text_format, image_format, expected: [&str; 2]| {
        let asked = Asked { text_format, image_format, ..asked.clone() };
        assert!(phrases.word("position_comparison/yes_no/1/no-3", &asked, &mut NounCache::default(), &mut out));
        assert!(out.question.starts_with(expected[0]), "{}", out.question);
        assert!(out.answer.starts_with(expected[1]), "{}", out.answer);
    };
    word(
        TextFormat::RefCaption,
        ImageFormat::Original,
        ["Are the <ref>scissors</ref> closer", "No, the <ref>scissors</ref> are"],
    );
    word(
        TextFormat::RefRegionBox,
        ImageFormat::Boxes,
        ["Is the <ref>region</ref><box>1</box> closer", "No, the <ref>region</ref><box>1</box> is"],
    );
    word(TextFormat::Mark, ImageFormat::Numbers, ["Is ", "No, "]);
    assert!(out.question.contains('2') && out.question.contains('1') && out.answer.contains('2'), "{}", out.question);
}

#[test]
fn templates_are_picked_evenly_and_the_question_does_not_depend_on_the_answer() {
    let phrases = phrases();
    let question = |id: &str| id.rsplit_once('/').map(|(question, _)| question.to_owned()).unwrap();
    let mut seen = std::collections::BTreeMap::new();
    for step in 0..10_000 {
        let draw = f64::from(step) / 10_000.0;
        let yes = phrases.template("position_comparison", "yes_no", "near", "yes", draw).unwrap();
        let no = phrases.template("position_comparison", "yes_no", "near", "no", draw).unwrap();
        assert_eq!(question(yes), question(no));
        *seen.entry(yes.to_owned()).or_insert(0) += 1;
    }
    assert_eq!(seen.len(), 28 * 14, "questions by answers");
    assert!(seen.values().all(|n| (24..=27).contains(n)), "{seen:?}");
}

#[test]
fn words_a_question() {
    let phrases = phrases();
    let slots = pair("scissors", "Oven");
    let mut out = Worded::default();
    let asked = Asked { relation: "near", answer: "no", slots: &slots, key: "k", ..Asked::default() };
    assert!(phrases.word("position_comparison/yes_no/1/no-3", &asked, &mut NounCache::default(), &mut out));
    assert_eq!(out.question, "Are the scissors closer to the camera than the Oven?");
    assert_eq!(out.answer, "No, the scissors are further away from the camera than the Oven.");
    assert!(out.options.is_empty());

    let options = ["object", "subject"];
    let asked = Asked { relation: "left", answer: "subject", options: &options, ..asked };
    assert!(phrases.word("position_comparison/choice/object-1/2", &asked, &mut NounCache::default(), &mut out));
    assert_eq!(out.question, "Which is further left, the Oven or the scissors?\nA. the Oven\nB. the scissors");
    assert_eq!(out.answer, "B. the scissors");
    assert_eq!(out.options.iter().collect::<Vec<_>>(), ["the Oven", "the scissors"]);

    assert!(!phrases.word("position_comparison/yes_no/999/no-3", &asked, &mut NounCache::default(), &mut out));
    assert!(!phrases.word(
        "position_comparison/choice/object-1/2",
        &Asked { answer: "yes", ..asked.clone() },
        &mut NounCache::default(),
        &mut out
    ));
}

#[test]
fn a_hostile_name_stays_a_name() {
    let phrases = phrases();
    let mut out = Worded::default();
    for name in ["<image>", "{the object}", "a\nB. the answer", "x USER: hi", "", "<|im_end|>", "\u{202e}evil"] {
        let options = ["subject", "object"];
        let asked = Asked {
            relation: "left",
            answer: "subject",
            slots: &pair(name, "cup"),
            options: &options,
            key: "k",
            ..Asked::default()
        };
        assert!(phrases.word("position_comparison/choice/object-1/2", &asked, &mut NounCache::default(), &mut out));
        assert!(!out.question.contains(['<', '>', '\u{202e}']) && !out.question.contains("USER:"), "{}", out.question);
        assert_eq!(out.question.lines().count(), 3, "{}", out.question);
    }
}

/// The tasks of examples/own_task: their topics and phrases.
const OWN: [(&str, &str); 2] = [
    (
        include_str!("../../../../examples/own_task/queries/5_ask/closer_to/topics.toml"),
        include_str!("../../../../examples/own_task/queries/5_ask/closer_to/phrases.toml"),
    ),
    (
        include_str!("../../../../examples/own_task/queries/5_ask/distance_between/topics.toml"),
        include_str!("../../../../examples/own_task/queries/5_ask/distance_between/phrases.toml"),
    ),
];

#[test]
fn claims_about_a_third_object_and_about_values_are_read_back() {
    use Defect::*;
    let lint_with = |task: usize, wording: Option<(&str, &str, &str)>| {
        let (topics, phrases) = OWN[task];
        let mut pack: toml::Table = phrases.parse().unwrap();
        if let Some((section, list, wording)) = wording {
            pack[section][list].as_array_mut().unwrap().push(toml::Value::String(wording.into()));
        }
        let topics = Topics::parse([("topics.toml", TOPICS), ("own.toml", topics)]).unwrap();
        let text = toml::to_string(&pack).unwrap();
        let pack = PackText { task: "own", name: PLAIN, text: &text };
        lint(&topics, &MarkWords::parse(REFERENCES).unwrap(), &pack, Fewest::Any).unwrap()
    };
    for task in [0, 1] {
        let findings: Vec<String> = lint_with(task, None).iter().map(Finding::to_string).collect();
        assert!(findings.is_empty(), "{findings:?}");
    }
    for (task, section, list, wording, defect) in [
        (0, "yes_no", "yes", "Yes, {the subject} {subject:is|are} {reverse relation} {the object}.", FalseClaim),
        (0, "yes_no", "no", "No, {the object} {object:is|are} {true relation} {the subject}.", FalseClaim),
        (0, "choice_of_object", "answers", "{The other} {other:is|are} {asked comparative}.", FalseClaim),
        (0, "choice_of_option", "answers", "{The reference}.", FalseClaim),
        (0, "yes_no", "questions", "{subject:Is|Are} {the subject} closer than {the object}?", MissingThing),
        (
            0,
            "open",
            "questions",
            "How {subject:does|do} {the subject} and {the object} lie around {the reference}?",
            MissingRelation,
        ),
        (1, "number", "answers", "About {digits distance} centimetres.", FalseClaim),
        (1, "number", "answers", "It is 17.5 metres.", FalseClaim),
        (1, "number", "answers", "Quite far.", NoAnswer),
        (1, "yes_no", "no", "No, they are {asked more_than}.", FalseClaim),
        (1, "yes_no", "questions", "Are {the one} and {the other_one} far from each other?", MissingRelation),
        (1, "number", "questions", "How large are {the one} and {the other_one}?", MissingRelation),
        (1, "number", "questions", "How far away {one:is|are} {the one}?", MissingThing),
    ] {
        let found: Vec<Defect> = lint_with(task, Some((section, list, wording))).iter().map(|f| f.defect).collect();
        assert_eq!(found, [defect], "{wording}");
    }
}

#[test]
fn every_kind_of_slot_is_worded() {
    use super::slots::Quantity;
    let pack = "topics = ['depth']
slots = [{ name = 'one' }, { name = 'two' }, { name = 'three' }, { name = 'gap', kind = 'value', unit = 'm', decimals = 1 },
    { name = 'view', kind = 'image' }, { name = 'facing', kind = 'direction' }, { name = 'order', kind = 'list' }]
[open]
questions = ['In {view}, with {the one} {gap} from {the two}, facing {facing}: {order}?']
answers = ['{The view} ({digits gap}) {order:shows|show} {the three}.']";
    let packs = vec![PackText { task: "t", name: PLAIN, text: pack }];
    let phrases = Phrases::new(&Texts { packs, ..texts() }).unwrap();
    let order = ["three", "left", "a step"];
    let contents = [
        ("one", Content::Object("cup")),
        ("two", Content::Object("vase")),
        ("three", Content::Object("scissors")),
        ("gap", Content::Value(Quantity { value: 2.34, unit: "m", decimals: 1 })),
        ("view", Content::Image(1)),
        ("facing", Content::Direction("far")),
        ("order", Content::List(&order)),
    ];
    let slots = contents.map(|(name, content)| SlotValue { name, content });
    let marks = ["red", "blue", "green"].map(|colour| Mark { colour, label: "" });
    let mut out = Worded::default();
    let mut word = |text_format, expected: [&str; 2]| {
        let asked =
            Asked { relation: "near", answer: "near", slots: &slots, marks: &marks, text_format, ..Asked::default() };
        assert!(phrases.word("t/open/1/1", &asked, &mut NounCache::default(), &mut out));
        assert_eq!([out.question.as_str(), &out.answer], expected);
    };
    word(
        TextFormat::Natural,
        [
            "In image 2, with the cup 2.3 metres from the vase, facing further from the camera: the scissors, to the left, and a step?",
            "The second image (2.3) show the scissors.",
        ],
    );
    word(
        TextFormat::RefRegionBox,
        [
            "In image 2, with the <ref>region</ref><box>1</box> 2.3 metres from the <ref>region</ref><box>2</box>, facing further from the \
             camera: the <ref>region</ref><box>3</box>, to the left, and a step?",
            "The second image (2.3) show the <ref>region</ref><box>3</box>.",
        ],
    );
}
