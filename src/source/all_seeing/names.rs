//! What regions are called: categories from tags and from marked words, and phrases from sentences.

use spatialmill_columns::nouns;

use crate::source::category;

/// A tag of more words is a sentence that a model wrote where names were asked for.
const MAX_WORDS: usize = 5;

/// A caption of more words is no phrase that a question has room for.
const MAX_PHRASE: usize = 12;

/// What stands before a name and is none of it.
const DETERMINERS: &[&str] = &[
    "a", "an", "the", "this", "that", "these", "those", "his", "her", "its", "their", "another", "other", "some",
    "several", "many", "various", "multiple", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "both", "each", "all",
];

/// Words that point and do not name.
const POINTERS: &[&str] = &[
    "i",
    "it",
    "he",
    "she",
    "they",
    "them",
    "him",
    "one",
    "ones",
    "who",
    "what",
    "which",
    "here",
    "there",
    "region",
    "regions",
    "area",
    "object",
    "objects",
    "thing",
    "things",
    "image",
    "photo",
    "picture",
    "photograph",
];

/// What begins what a sentence says of its subject.
const VERBS: &[&str] = &[
    "is", "are", "was", "were", "has", "have", "had", "appears", "appear", "seems", "seem", "looks", "look",
    "consists", "consist", "contains", "contain", "depicts", "depict", "shows", "show", "features", "feature",
    "displays", "display", "provides", "provide", "serves", "serve", "stands", "stand", "includes", "include", "can",
    "could", "may", "might", "does", "do", "will", "would", "which", "who", "that", "where",
];

/// What may follow the noun of a phrase.
const BEHIND: &[&str] = &[
    "of",
    "on",
    "in",
    "with",
    "without",
    "at",
    "by",
    "for",
    "from",
    "to",
    "near",
    "next",
    "behind",
    "beside",
    "between",
    "under",
    "over",
    "above",
    "below",
    "along",
    "around",
    "made",
    "worn",
    "held",
    "used",
    "painted",
    "covered",
    "filled",
    "attached",
    "decorated",
    "displayed",
    "hanging",
    "standing",
    "sitting",
    "lying",
    "wearing",
    "holding",
    "carrying",
    "riding",
    "facing",
];

/// What a phrase about a thing has no word of.
const PICTURES: &[&str] = &["image", "photo", "photograph", "picture"];

/// The warehouse's category of a tag; none for what names nothing, or is a sentence.
pub fn of_tag(tag: &str) -> Option<String> {
    // bow (decorative ribbons); other possible objects: dock
    let named = tag.rsplit(": ").next().unwrap_or(tag);
    let named = named.split('(').next().unwrap_or(named);
    let mut name = category::spelled(named.trim_matches(|c: char| !c.is_alphanumeric()))?;
    while let Some((first, rest)) = name.split_once(' ')
        && DETERMINERS.contains(&first)
    {
        name = rest.to_owned();
    }
    let points = |word: &str| {
        let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
        word.is_empty() || POINTERS.contains(&word) || DETERMINERS.contains(&word)
    };
    (!name.split(' ').all(points) && name.split(' ').count() <= MAX_WORDS).then_some(name)
}

/// The same of words that mean so many boxes: each is one of them.
pub fn of_words(words: &str, boxes: usize) -> Option<String> {
    let name = of_tag(words)?;
    if boxes < 2 { Some(name) } else { category::spelled(&nouns::singular(&name)) }
}

/// The phrase with which a sentence about a region begins, where it is a name of the category and says more: none else.
pub fn phrase(sentence: &str, category: &str) -> Option<String> {
    let said = sentence.trim();
    // In the image, the window has a white frame.
    let said = said.split_once(", ").filter(|(before, _)| before.starts_with("In ")).map_or(said, |(_, after)| after);
    let mut words: Vec<&str> = Vec::new();
    for word in said.split_whitespace() {
        let bare = word.trim_end_matches(['.', ',', ';', ':', '!', '?']);
        if among(VERBS, bare) {
            break;
        }
        words.push(bare);
        if bare.len() < word.len() || words.len() > MAX_PHRASE {
            break;
        }
    }
    // The bird in the image
    if let [before @ .., "in", "the", "image" | "photo" | "photograph" | "picture" | "scene"] = &words[..] {
        words.truncate(before.len());
    }
    let named: Vec<String> = category.split(' ').map(nouns::singular).collect();
    let one = |word: &str| nouns::singular(&word.to_lowercase());
    // The colour of the rope is no rope.
    let head = words.iter().position(|word| among(BEHIND, word) || Some(&one(word)) == named.last())?;
    if among(BEHIND, words[head]) {
        return None;
    }
    // Royal Caribbean operates cruise ships
    if words.get(head + 1).is_some_and(|word| !among(BEHIND, word)) {
        words.truncate(head + 1);
    }
    while words.last().is_some_and(|word| among(BEHIND, word) || among(DETERMINERS, word)) {
        words.pop();
    }
    let says_more = words.iter().any(|word| !among(DETERMINERS, word) && !named.contains(&one(word)));
    let is_of_picture = words.iter().any(|word| among(PICTURES, word));
    (says_more && !is_of_picture && words.len() <= MAX_PHRASE).then(|| words.join(" "))
}

fn among(list: &[&str], word: &str) -> bool {
    list.iter().any(|known| known.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_names() {
        for (tag, expected) in [
            ("a white flower", Some("white flower")),
            ("flower arrangement.", Some("flower arrangement")),
            ("bow (decorative ribbons)", Some("bow")),
            ("other possible objects: Dock", Some("dock")),
            ("Women's shoes", Some("women's shoes")),
            ("the two remotes", Some("remotes")),
            ("they", None),
            ("region1", None),
            ("the other one", None),
            ("12", None),
            (" .", None),
            ("description the image shows a kitchen with modern appliances", None),
        ] {
            assert_eq!(of_tag(tag).as_deref(), expected, "{tag}");
        }
    }

    #[test]
    fn words_of_several_boxes_are_of_each() {
        for (words, boxes, expected) in [
            ("Wii remotes", 5, "wii remote"),
            ("people", 2, "person"),
            ("men", 2, "man"),
            ("trees", 1, "trees"),
            ("scissors", 2, "scissors"),
            ("sheep", 3, "sheep"),
        ] {
            assert_eq!(of_words(words, boxes).as_deref(), Some(expected), "{words}");
        }
    }

    #[test]
    fn a_caption_is_the_phrase_that_a_sentence_begins_with() {
        for (sentence, category, expected) in [
            ("The small blue boat has a white rope.", "boats", Some("The small blue boat")),
            ("The handbag in the image is red.", "handbag", None),
            ("The flag on the ship has a design.", "flag", Some("The flag on the ship")),
            (
                "The red and white metal ladder, standing high, is leaning.",
                "ladder",
                Some("The red and white metal ladder"),
            ),
            ("In the photograph, the old window has a frame.", "window", Some("the old window")),
            ("A green street sign.", "sign", Some("A green street sign")),
            ("The image depicts two old cars.", "car", None),
            ("The flowers in the vase are white.", "white flower", Some("The flowers in the vase")),
            ("The bird is small.", "lamp", None),
            ("The color of the blue ropes is red.", "rope", None),
            ("The building is tall.", "white building", None),
            ("The horse in the blurry image is brown.", "horse", None),
            ("The green and white train is long.", "green train", Some("The green and white train")),
            ("The old life buoy depicted is red.", "life buoy", Some("The old life buoy")),
            ("Royal Caribbean operates many cruise ships.", "royal caribbean", None),
            ("Two women standing near the wall are happy.", "woman", Some("Two women standing near the wall")),
            ("The old dog standing near.", "dog", Some("The old dog")),
            ("There are two bicycles.", "bicycles", None),
            ("", "lamp", None),
        ] {
            assert_eq!(phrase(sentence, category).as_deref(), expected, "{sentence}");
        }
    }
}
