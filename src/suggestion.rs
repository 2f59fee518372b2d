//! Names that are not known: the error that says so, and the known name that was meant.
//!
//! Every flag and key that takes a name from a closed list is held against that list before any work is done: a name that is passed over
//! in silence turns off what it was to ask for.

use crate::edit_distance::edit_distance;
use crate::error::{Error, Result};

/// An error unless the name is a known one: what it was to be ("table", "split"), and the nearest known name or all of them as a hint.
pub fn known<S: AsRef<str>>(noun: &str, given: &str, names: &[S]) -> Result<()> {
    if names.iter().any(|name| name.as_ref() == given) {
        return Ok(());
    }
    Err(unknown(noun, given, names))
}

/// The error of a name that is none of the known ones.
pub fn unknown<S: AsRef<str>>(noun: &str, given: &str, names: &[S]) -> Error {
    let error = Error::usage(format!("there is no {noun} `{given}`"));
    match (nearest(given, names), names) {
        (Some(name), _) => error.hint(format!("did you mean `{name}`?")),
        (None, []) => error,
        (None, names) => {
            let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
            error.hint(format!("there are: {}", names.join(", ")))
        }
    }
}

/// The name that was probably meant: the one with the fewest edits, where those are few for its length.
pub fn nearest<'a, S: AsRef<str>>(given: &str, names: &'a [S]) -> Option<&'a str> {
    let given = given.to_lowercase();
    let (edits, name) =
        names.iter().map(|name| (edit_distance(&given, &name.as_ref().to_lowercase()), name.as_ref())).min()?;
    let shorter = given.chars().count().min(name.chars().count());
    (edits <= 1 + shorter / 4 && edits < shorter).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_that_was_meant_is_suggested() {
        let tables = ["frames", "detections", "objects", "questions", "dataset"];
        for (given, meant) in [
            ("datset", Some("dataset")),
            ("Dataset", Some("dataset")),
            ("dtaaset", Some("dataset")),
            ("object", Some("objects")),
            ("samples", None),
            ("", None),
        ] {
            assert_eq!(nearest(given, &tables), meant, "{given}");
        }
        assert_eq!(nearest("val2017", &["train", "val", "test"]), None);
        assert_eq!(nearest("tset", &["train", "val", "test"]), Some("test"));
    }

    #[test]
    fn without_a_near_name_all_are_named() {
        let error = known("split", "validation", &["train", "val", "test"]).unwrap_err();
        assert_eq!(error.advice(), Some("there are: train, val, test"));
        assert!(known("split", "val", &["train", "val", "test"]).is_ok());
    }
}
