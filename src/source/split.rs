//! The split that a name says: of a file, a folder or an archive.
//!
//! Loaders of Hugging Face, WebDataset and COCO tell splits by such names. A photo of a test split that was trained on would go unnoticed, so that a
//! name holds more than what the project says of the whole source, and what may have been held out is not trained on.

/// A split by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedSplit {
    /// train, val or test.
    pub split: &'static str,
    /// False where the name may mean another one, too: `trainval`.
    pub is_sure: bool,
}

/// Of a name of which any word says a split: `instances_train2017`.
pub fn of_any_word(name: &str) -> Option<NamedSplit> {
    of(words(name).iter().filter_map(|word| parts(word)))
}

/// Of a name that says a split and nothing else: `test`, `minival2014`. A `test bench` is none.
pub fn of_all_words(name: &str) -> Option<NamedSplit> {
    let parts: Option<Vec<_>> = words(name).iter().map(|word| parts(word)).collect();
    of(parts?.into_iter())
}

/// Of a name whose last words say a split: `cc3m-train-00001-of-00012`.
pub fn of_last_words(name: &str) -> Option<NamedSplit> {
    let words = words(name);
    let numbered = words.iter().rev().skip_while(|word| *word == "of");
    let last: Vec<_> = numbered.map_while(|word| parts(word)).collect();
    of(last.into_iter())
}

/// Of all splits that are named, the one that was held out.
fn of(parts: impl Iterator<Item = Vec<&'static str>>) -> Option<NamedSplit> {
    let named: Vec<&str> = parts.flatten().collect();
    let is_train = named.contains(&"train");
    match ["test", "val"].into_iter().find(|split| named.contains(split)) {
        Some(split) => Some(NamedSplit { split, is_sure: !is_train }),
        None => is_train.then_some(NamedSplit { split: "train", is_sure: true }),
    }
}

/// Lower case, without numbers and what stands between.
fn words(name: &str) -> Vec<String> {
    name.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// The splits that a word is made of, `minival` and `valminusminival` and `testset` among them; none for other words.
fn parts(word: &str) -> Option<Vec<&'static str>> {
    const PARTS: [(&str, &str); 17] = [
        ("training", "train"),
        ("train", "train"),
        ("validation", "val"),
        ("valid", "val"),
        ("val", "val"),
        ("evaluation", "val"),
        ("eval", "val"),
        ("dev", "val"),
        ("testing", "test"),
        ("test", "test"),
        ("mini", ""),
        ("minus", ""),
        ("set", ""),
        ("split", ""),
        ("std", ""),
        ("images", ""),
        ("data", ""),
    ];
    if word.is_empty() {
        return Some(Vec::new());
    }
    PARTS.iter().find_map(|(part, split)| {
        let mut splits = parts(word.strip_prefix(part)?)?;
        splits.extend(Some(*split).filter(|split| !split.is_empty()));
        Some(splits)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_their_split() {
        let sure = |split| Some((split, true));
        for (name, any, all, last) in [
            ("train", sure("train"), sure("train"), sure("train")),
            ("minival2014", sure("val"), sure("val"), sure("val")),
            ("valminusminival", sure("val"), sure("val"), sure("val")),
            ("test-dev2017", sure("test"), sure("test"), sure("test")),
            ("trainval", Some(("val", false)), Some(("val", false)), Some(("val", false))),
            ("test bench", sure("test"), None, None),
            ("instances_validation", sure("val"), None, sure("val")),
            ("data-test-00000-of-00001", sure("test"), None, sure("test")),
            ("imagenet_val_images_3", sure("val"), None, sure("val")),
            ("latest-0001", None, None, None),
            ("data", None, None, None),
            ("000001", None, None, None),
        ] {
            let said = |named: Option<NamedSplit>| named.map(|named| (named.split, named.is_sure));
            assert_eq!(
                [of_any_word(name), of_all_words(name), of_last_words(name)].map(said),
                [any, all, last],
                "{name}"
            );
        }
    }
}
