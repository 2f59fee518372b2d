//! Digests of source code: what changes them, and what does not.

#[path = "../../build/source_digests.rs"]
mod build_script;

use build_script::{Files, digests};

const ROOT: &str = "udfs/columns/src/turn.rs";

const LOCK: &str =
    "[[package]]\nname = \"nalgebra\"\nversion = \"0.35.0\"\n\n[[package]]\nname = \"toml\"\nversion = \"1.2.0\"\n";

fn files() -> Files {
    [
        (ROOT, "use spatialmill_geometry::{Angle, other::unused};\n\npub const TURN: Function = Function {\n    doc: FunctionDoc { summary: \"turns\" },\n    call: |a| Angle::of(a).twice(),\n};\n"),
        ("udfs/geometry/src/lib.rs", "mod angle;\npub mod other;\nmod far;\npub use angle::Angle;\n"),
        ("udfs/geometry/src/angle/mod.rs", "mod twice;\npub struct Angle(f64);\nimpl Angle { pub fn of(a: f64) -> Self { Self(a % nalgebra::PI) } }\n"),
        ("udfs/geometry/src/angle/twice.rs", "use super::Angle;\nimpl Angle { pub fn twice(self) -> f64 { 2.0 * self.0 } }\n"),
        ("udfs/geometry/src/other.rs", "pub fn unused() {}\n"),
        ("udfs/geometry/src/far.rs", "pub fn far() -> &'static str { \"far // no comment\" }\n"),
    ]
    .map(|(path, text)| (path.to_owned(), text.to_owned()))
    .into()
}

fn digest(files: &Files, lock: &str) -> String {
    digests(files, lock, "0.1.0", [ROOT].into_iter()).remove(ROOT).unwrap()
}

/// Whether a digest changes where `old` becomes `new` in a file.
fn changes(path: &str, old: &str, new: &str) -> bool {
    let mut changed = files();
    let text = changed.get_mut(path).unwrap();
    assert!(text.contains(old), "{path} has no {old}");
    *text = text.replace(old, new);
    digest(&changed, LOCK) != digest(&files(), LOCK)
}

#[test]
fn code_that_a_function_reaches_changes_its_digest_and_no_other() {
    let (angle, twice) = ("udfs/geometry/src/angle/mod.rs", "udfs/geometry/src/angle/twice.rs");
    assert!(changes(ROOT, ".twice()", ".half()"));
    // Through the crate's root, and in a module that only extends a type.
    assert!(changes(angle, "a % ", "-a % "));
    assert!(changes(twice, "2.0", "2.5"));
    assert!(changes("udfs/geometry/src/other.rs", "{}", "{ loop {} }"), "what is named may be called");
    assert!(!changes("udfs/geometry/src/far.rs", "far // no comment", "near"));
    assert_ne!(digest(&files(), &LOCK.replace("0.35.0", "0.36.0")), digest(&files(), LOCK));
    assert_eq!(digest(&files(), &LOCK.replace("1.2.0", "1.3.0")), digest(&files(), LOCK), "nothing names toml");
}

#[test]
fn comments_tests_formatting_and_documentation_change_no_digest() {
    let twice = "udfs/geometry/src/angle/twice.rs";
    assert!(!changes(ROOT, "summary: \"turns\"", "summary: \"turns twice\", details: \"{ }\""));
    assert!(!changes(ROOT, "Angle::of(a)", "Angle::of(\n        a, // the angle\n    )"));
    assert!(!changes(twice, "impl", "/// Twice /* the */ angle.\n#[must_use]\nimpl"));
    assert!(!changes(
        twice,
        "use super",
        "#[cfg(test)]\nmod tests { fn t() { let a = '\"'; let b = \"}\"; } }\nuse super"
    ));
    assert!(!changes(twice, "use super", "#[cfg(test)]\nmod tests;\nuse super"));
    assert!(changes(twice, "2.0 * self.0", "{ let _ = \"// 2\"; 2.0 * self.0 }"), "a text is no comment");
}
