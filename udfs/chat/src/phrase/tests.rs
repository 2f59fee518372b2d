//! Phrases as models write them, and what holds of any.

use proptest::prelude::*;

use super::*;

#[test]
fn phrases() {
    for (text, expected) in [
        ("red office chair", "red office chair"),
        ("A red chair.", "red chair"),
        ("An umbrella", "umbrella"),
        ("  The TV  ", "TV"),
        ("\"red chair\"", "red chair"),
        ("'red chair'.", "red chair"),
        ("**Red chair**", "red chair"),
        ("- a lamp", "lamp"),
        ("red\nchair\r\n", "red chair"),
        ("There is a cat on the mat.", "cat on the mat"),
        ("This is a picture of a dog", "dog"),
        ("this is an image of the Eiffel Tower at night", "Eiffel Tower at night"),
        ("Caption: A wooden table", "wooden table"),
        ("Answer: \"blue cup\"", "blue cup"),
        ("The image shows a bus.", "bus"),
        ("I can see a white mug.", "white mug"),
        ("It's a laptop", "laptop"),
        ("The cat is sitting on the mat", "cat"),
        ("two men are talking", "two men"),
        ("The cat that is black", "cat"),
        ("man who was walking his dog", "man"),
        ("chair has four legs", "chair"),
        ("The cat is on the left", "cat"),
        ("A chair. It stands by the window.", "chair"),
        ("a cup; a saucer", "cup"),
        ("a St. Bernard dog", "St. Bernard dog"),
        ("Persian rug", "Persian rug"),
        ("A Persian rug", "Persian rug"),
        ("Dining Table", "dining table"),
        ("Red Nike Shoe", "red Nike shoe"),
        ("Samsung TV", "Samsung TV"),
        ("iPhone on a stand", "iPhone on a stand"),
        ("T-shirt", "t-shirt"),
        ("man’s hat", "man's hat"),
        ("sign reading \"STOP\"", "sign reading STOP"),
        ("crate 3/4 full", "crate 3/4 full"),
        ("his hat", "his hat"),
        ("some scissors", "some scissors"),
        ("bright lamp", "bright lamp"),
        ("chaise rouge près de la fenêtre", "chaise rouge près de la fenêtre"),
        ("Écran noir", "écran noir"),
        ("赤い椅子。窓のそばにある。", "赤い椅子"),
        ("красный стул", "красный стул"),
        ("كرسي أحمر", "كرسي أحمر"),
        ("red \u{200b}chair\u{202e}", "red chair"),
        ("a a a the chair", "chair"),
    ] {
        assert_eq!(noun_phrase(text).as_deref(), Ok(expected), "{text}");
        assert_eq!(noun_phrase(expected).as_deref(), Ok(expected), "twice");
    }
}

#[test]
fn what_is_no_phrase() {
    for (text, code) in [
        ("", "phrase_empty"),
        (" \n", "phrase_empty"),
        ("...", "phrase_empty"),
        ("42", "phrase_empty"),
        ("🪑", "phrase_empty"),
        ("the", "phrase_empty"),
        ("It", "phrase_empty"),
        ("an object", "phrase_empty"),
        ("This is.", "phrase_empty"),
        ("I'm sorry, but I can't help with that.", "phrase_refusal"),
        ("I cannot identify the object", "phrase_refusal"),
        ("Sorry", "phrase_refusal"),
        ("unclear", "phrase_refusal"),
        ("so\"rry", "phrase_refusal"),
        ("A chair. I’m not sure.", "phrase_refusal"),
        ("None", "phrase_refusal"),
        ("The unknown", "phrase_refusal"),
        ("n/a", "phrase_refusal"),
        ("chair <image>", "phrase_reserved"),
        ("red chair<|im_end|>", "phrase_reserved"),
        ("red chair | blue chair", "phrase_reserved"),
        ("[INST] chair", "phrase_reserved"),
        ("chair USER: hi", "phrase_reserved"),
        ("{\"caption\": \"chair\"}", "phrase_reserved"),
        ("is a chair", "phrase_sentence"),
        ("the left chair", "phrase_spatial"),
        ("right-hand door", "phrase_spatial"),
        ("the cup nearest to the camera", "phrase_spatial"),
        ("cat behind the sofa", "phrase_spatial"),
        ("Man in front of a bus", "phrase_spatial"),
        ("book on top  of a shelf", "phrase_spatial"),
        ("the taller man", "phrase_spatial"),
        ("person in the background", "phrase_spatial"),
        ("one two three four five six seven eight nine ten eleven twelve chairs", "phrase_long"),
    ] {
        let refusal = noun_phrase(text).unwrap_err();
        assert_eq!(refusal.code, code, "{text}");
        assert!(refusal.message.len() < 700 && !refusal.message.contains('\n'));
    }
    assert_eq!(noun_phrase(&"椅".repeat(81)).unwrap_err().code, "phrase_long");
    assert_eq!(noun_phrase(&"椅".repeat(80)).unwrap().chars().count(), 80);
    assert_eq!(noun_phrase(&"x".repeat(1_000_000)).unwrap_err().code, "phrase_long");
}

#[test]
fn words_are_listed_as_they_are_looked_up() {
    for list in [REFUSALS, SPATIAL] {
        for phrase in list {
            assert!(says_one_of(&format!("x {phrase} x"), &[phrase]), "{phrase} is never found");
        }
    }
    for (i, lead) in LEAD_INS.iter().enumerate() {
        assert!(!LEAD_INS[..i].iter().any(|before| lead.starts_with(before)), "{lead} is never reached");
    }
}

/// Pieces that the rules are about.
const WORDS: &[&str] = &[
    "a",
    "The",
    "there is",
    "this is",
    "a picture of",
    "Caption:",
    "cat",
    "Red",
    "TV",
    "Persian",
    "is",
    "has",
    "that",
    "St.",
    "left",
    "sorry",
    "It",
    "U.S.",
    "\"",
    "'",
    "’",
    "\n",
    ".",
    "!",
    ";",
    "。",
    "-",
    "*",
    "<",
    "{",
    "USER:",
    "椅子",
    "é",
    "İ",
    "ß",
    "ǅ",
    "\u{200b}",
    "\u{301}",
    " ",
    "x",
];

/// Those in any order.
fn pieces() -> impl Strategy<Value = String> {
    prop::collection::vec((prop::sample::select(WORDS), prop::sample::select(&["", " "][..])), 0..14)
        .prop_map(|all| all.into_iter().map(|(word, gap)| format!("{word}{gap}")).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_holds_of_any_phrase(text in prop_oneof![pieces(), any::<String>()]) {
        if let Ok(phrase) = noun_phrase(&text) {
            let twice = noun_phrase(&phrase);
            prop_assert_eq!(twice.as_deref(), Ok(phrase.as_str()), "not the same when normalised twice");
            prop_assert!(phrase.chars().count() <= MOST_CHARS && phrase.split(' ').count() <= MOST_WORDS);
            prop_assert!(phrase.chars().any(char::is_alphabetic));
            let reserved = ['<', '>', '|', '{', '}', '"', '\n', '\r', '\u{200b}'];
            prop_assert!(!phrase.contains(reserved) && !phrase.contains("  "));
            prop_assert_eq!(phrase.trim(), &phrase);
            prop_assert!(!phrase.ends_with('.') && !phrase.starts_with("the ") && !phrase.starts_with("a "));
            prop_assert!(!says_one_of(&phrase, SPATIAL));
        }
    }
}
