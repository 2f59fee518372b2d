//! The split that a photo's name says: folders and archives are named `train`, `validation`, `test-00000-of-00004`.
//!
//! Hugging Face's and WebDataset's loaders tell splits by these names. A photo of a test split that was trained on would go unnoticed, so that
//! such a name holds more than what the project says of the whole source.

use super::words::known_split;

/// The split that a frame's key says; the innermost folder that says one holds. In archives, of which a folder of the key is the name, numbers
/// may follow: `cc3m-train-0001`.
pub fn of_key(key: &str, in_archive: bool) -> Option<String> {
    let folders = key.rsplit('/').skip(1);
    folders.map(|name| if in_archive { without_numbers(name) } else { name }).find_map(|name| known_split(name).ok())
}

/// `train` of `cc3m-train-00000-of-00012`, `val` of `val2017`; a name without numbers as it is.
fn without_numbers(name: &str) -> &str {
    let stem =
        ["tar", "parquet"].iter().find_map(|ending| name.strip_suffix(ending)?.strip_suffix('.')).unwrap_or(name);
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    let mut words = stem.rsplit(['-', '_', '.']).skip_while(|word| is_number(word) || *word == "of");
    let word = words.next().unwrap_or_default().trim_end_matches(|c: char| c.is_ascii_digit());
    if known_split(word).is_ok() { word } else { name }
}

#[cfg(test)]
mod tests {
    use super::of_key;

    #[test]
    fn folders_and_archives_name_their_split() {
        for (key, in_archive, split) in [
            ("test/x", false, Some("test")),
            ("a/Validation/b/x", false, Some("val")),
            ("train/test/x", false, Some("test")),
            ("test", false, None),
            ("test-bench/x", false, None),
            ("testing ground/x", false, None),
            ("test-00000-of-00001/x", false, None),
            ("data/test-00000-of-00001/17", true, Some("test")),
            ("data/validation-00000-of-00001/17", true, Some("val")),
            ("shards/val-000000/1", true, Some("val")),
            ("test/1", true, Some("test")),
            ("test.parquet/1", true, Some("test")),
            ("cc3m-train-0012/1", true, Some("train")),
            ("imagenet_val_3.tar/1", true, Some("val")),
            ("val2017/1", true, Some("val")),
            ("test-bench-0001/1", true, None),
            ("latest-0001/1", true, None),
            ("000001/train/1", true, Some("train")),
            ("000001/1", true, None),
        ] {
            assert_eq!(of_key(key, in_archive).as_deref(), split, "{key}");
        }
    }
}
