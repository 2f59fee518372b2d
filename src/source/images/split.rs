//! The split of a photo that lies in a folder or archive which is named as one.

use crate::source::split::{of_all_words, of_last_words};

/// The split that a frame's key says; the innermost folder that says one holds. In archives, of which a folder of the key is the name, other
/// words may stand before it: `cc3m-train-0001`.
pub fn of_key(key: &str, in_archive: bool) -> Option<String> {
    let folders = key.rsplit('/').skip(1);
    let named = |name: &str| match in_archive {
        false => of_all_words(name),
        true => of_last_words(["tar", "parquet"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)),
    };
    folders.filter_map(named).map(|named| named.split.to_owned()).next()
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
