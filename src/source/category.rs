//! Category names as the warehouse writes them: lower case, words separated by single spaces.

use crate::text::composed;

/// The name in the warehouse's spelling, or none where nothing is left of it. Datasets name things in the singular already;
/// names that are plural by nature (`scissors`, `skis`) must stay as they are, so that no rule is applied to number.
pub fn spelled(name: &str) -> Option<String> {
    let words: Vec<String> = composed(name)
        .split(|c: char| c.is_whitespace() || c.is_control() || c == '_')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_in_one_way() {
        assert_eq!(spelled("Night_Stand"), Some("night stand".to_owned()));
        assert_eq!(spelled("  t-shirt "), Some("t-shirt".to_owned()));
        assert_eq!(spelled("cafe\u{301}"), spelled("caf\u{e9}"));
        assert_eq!(spelled(" _ "), None);
    }
}
