//! English noun phrases: number, articles and plurals of what an annotator wrote.
//!
//! In go categories ("dining table", "scissors") and captions ("the two men in hats"); out come the forms that a sentence
//! needs. Words are looked up by rule and by short lists, never in a dictionary file. A phrase's **head** is the word that
//! carries its number: "cups" in "cups of tea", "table" in "dining table".

use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::LazyLock;

use crate::reserved;
use crate::text_map::TextMap;

/// A noun phrase without its article, ready to be put in a sentence.
#[derive(Debug, Clone, PartialEq)]
pub struct Noun<'a> {
    text: Cow<'a, str>,
    article: Article,
    number: Number,
    /// Found when it is first asked for, because it takes longer than all the rest.
    plural: OnceCell<String>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Article {
    /// Takes one.
    Open,
    /// Has its own determiner ("his hat", "these books"), so no article may be added.
    Closed,
}

/// How a noun counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// "chair": a chair, is.
    Singular,
    /// "scissors", "two men", "kitchen cabinets": some scissors, are.
    Plural,
    /// "furniture": some furniture, is.
    Mass,
}

impl<'a> Noun<'a> {
    /// Reads a phrase: drops its leading article and finds its number.
    ///
    /// ```
    /// use spatialmill_columns::nouns::{Noun, Number};
    /// let noun = Noun::read("The cups of tea");
    /// assert_eq!((noun.text(), noun.number()), ("cups of tea", Number::Plural));
    /// ```
    pub fn read(phrase: &'a str) -> Self {
        match reserved::clean(phrase) {
            Cow::Borrowed(text) => Self::of_clean(text),
            Cow::Owned(text) => {
                let Noun { text, article, number, plural } = Noun::of_clean(&text);
                Noun { text: Cow::Owned(text.into_owned()), article, number, plural }
            }
        }
    }

    fn of_clean(text: &'a str) -> Self {
        let text = without_article(text.trim_end_matches(['.', ',', ';', ':', '!', '?', ' ']));
        let first = Listed::of(text.split(' ').next().unwrap_or(""));
        let article = if first.is_determiner { Article::Closed } else { Article::Open };
        let number = if first.is_numeral { Number::Plural } else { number_of(text) };
        Self { text: Cow::Borrowed(text), article, number, plural: OnceCell::new() }
    }

    /// The phrase without its article.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How it counts.
    pub fn number(&self) -> Number {
        self.number
    }

    /// True where the verb after it is "are" and not "is".
    pub fn is_plural(&self) -> bool {
        self.number == Number::Plural
    }

    /// Several of it; see [`plural`].
    pub fn plural(&self) -> &str {
        self.plural.get_or_init(|| plural(self.text()))
    }

    /// "the ", or nothing before a phrase that has its own determiner.
    pub fn definite_article(&self) -> &'static str {
        match self.article {
            Article::Open => "the ",
            Article::Closed => "",
        }
    }

    /// "a ", "an ", "some ", or nothing before a phrase that has its own determiner.
    pub fn indefinite_article(&self) -> &'static str {
        match (self.article, self.number) {
            (Article::Closed, _) => "",
            (Article::Open, Number::Plural | Number::Mass) => "some ",
            (Article::Open, Number::Singular) if sounds_like_a_vowel(&self.text) => "an ",
            (Article::Open, Number::Singular) => "a ",
        }
    }
}

/// "a chair", "an umbrella", "some scissors", "some furniture".
///
/// ```
/// use spatialmill_columns::nouns::a_an;
/// assert_eq!([a_an("hourglass"), a_an("unicycle"), a_an("LCD screen")], ["an hourglass", "a unicycle", "an LCD screen"]);
/// ```
pub fn a_an(noun: &str) -> String {
    let noun = Noun::read(noun);
    format!("{}{}", noun.indefinite_article(), noun.text())
}

/// "is" or "are".
pub fn is_are(noun: &str) -> &'static str {
    if Noun::read(noun).is_plural() { "are" } else { "is" }
}

/// True for a name of which there can be one, two, three: "chair"; false for "scissors", "kitchen cabinets", "furniture".
pub fn countable(noun: &str) -> bool {
    Noun::read(noun).number == Number::Singular
}

/// The plural of a phrase: of its head, not of its last word. Plural and mass nouns stay as they are.
///
/// ```
/// use spatialmill_columns::nouns::plural;
/// assert_eq!([plural("dining table"), plural("cup of tea"), plural("glass")], ["dining tables", "cups of tea", "glasses"]);
/// ```
pub fn plural(noun: &str) -> String {
    let noun = Noun::read(noun);
    let text = noun.text();
    if noun.number != Number::Singular {
        return text.to_owned();
    }
    let (before, head, after) = split_at_head(text);
    let plural = match Listed::of(head).plural {
        Some(plural) => plural.to_owned(),
        // All capitals ("TV") and digits ("iPhone 7") take a plain s, which the rules for words would get wrong.
        None if head.len() > 1 && !head.bytes().any(|b| b.is_ascii_lowercase()) => format!("{head}s"),
        None => pluralizer::pluralize(head, 2, false),
    };
    format!("{before}{plural}{after}")
}

/// One of what a phrase calls several: of its head, not of its last word. What is singular, a mass or plural by nature stays as it is.
///
/// ```
/// use spatialmill_columns::nouns::singular;
/// assert_eq!(["wine glasses", "men in hats", "scissors"].map(singular), ["wine glass", "man in hats", "scissors"]);
/// ```
pub fn singular(noun: &str) -> String {
    let noun = Noun::read(noun);
    let text = noun.text();
    let (before, head, after) = split_at_head(text);
    let listed = SINGULAR_TO_PLURAL.iter().find(|(_, many)| same(head, many));
    let one = match listed {
        Some((one, _)) => (*one).to_owned(),
        None if number_of(text) != Number::Plural || ALWAYS_PLURAL.iter().any(|many| same(head, many)) => {
            head.to_owned()
        }
        None => pluralizer::pluralize(head, 1, false),
    };
    format!("{before}{one}{after}")
}

fn number_of(text: &str) -> Number {
    let (_, head, after) = split_at_head(text);
    // "a cup and a saucer" are two things; "salt and pepper shaker" ends in one head, and splits there.
    if after.starts_with(" and ") {
        return Number::Plural;
    }
    if let Some(number) = Listed::of(head).number {
        return number;
    }
    let ends = |tail: &str| head.len() > tail.len() && same_end(head, tail);
    if ends("s") && head.len() > 3 && !["ss", "us", "is", "'s"].iter().any(|tail| ends(tail)) {
        Number::Plural
    } else {
        Number::Singular
    }
}

/// What stands before the head, the head, and what stands after it.
fn split_at_head(text: &str) -> (&str, &str, &str) {
    let mut end = text.len();
    let mut at = 0;
    for (index, word) in text.split(' ').enumerate() {
        if index > 0 && is_boundary(word, &text[at + word.len()..]) {
            end = at.saturating_sub(1);
            break;
        }
        at += word.len() + 1;
    }
    let phrase = text[..end].trim_end_matches([',', ' ']);
    let start = phrase.rfind(' ').map_or(0, |space| space + 1);
    (&text[..start], &phrase[start..], &text[phrase.len()..])
}

/// True for a word after which the head cannot come: "chair | with wheels", "man | holding a cup".
fn is_boundary(word: &str, rest: &str) -> bool {
    if same(word, "and") {
        // Only "X and a Y" joins two things; "black and white cat" and "salt and pepper shaker" describe one.
        let next = rest.trim_start().split(' ').next().unwrap_or("");
        return ["a", "an", "the"].iter().any(|article| same(next, article)) || Listed::of(next).is_determiner;
    }
    let opens = word.strip_prefix('(').is_some();
    opens || (Listed::of(word).is_boundary && !rest.is_empty())
}

fn sounds_like_a_vowel(text: &str) -> bool {
    let word = text.split([' ', '-']).next().unwrap_or("");
    let mut chars = word.chars().filter(|c| c.is_alphanumeric());
    let Some(first) = chars.next() else { return false };
    let spelled_out = word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    if spelled_out || chars.next().is_none() {
        return matches!(first, 'A' | 'E' | 'F' | 'H' | 'I' | 'L' | 'M' | 'N' | 'O' | 'R' | 'S' | 'X' | 'x' | '8')
            || matches!(word, "11" | "18" | "a" | "e" | "i" | "o");
    }
    if first.is_ascii_digit() {
        return first == '8' || matches!(word, "11" | "18");
    }
    let starts =
        |head: &str| word.len() >= head.len() && word.is_char_boundary(head.len()) && same(&word[..head.len()], head);
    if SILENT_H.iter().any(|head| starts(head)) {
        return true;
    }
    if SOUNDS_LIKE_YOU_OR_WON.iter().any(|head| starts(head)) {
        return starts("unin") || starts("unim");
    }
    matches!(first.to_ascii_lowercase(), 'a' | 'e' | 'i' | 'o' | 'u')
}

fn without_article(text: &str) -> &str {
    for article in ["a ", "an ", "the ", "one "] {
        if text.len() > article.len() && text.is_char_boundary(article.len()) && same(&text[..article.len()], article) {
            return text[article.len()..].trim_start();
        }
    }
    text
}

fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

fn same_end(word: &str, tail: &str) -> bool {
    word.as_bytes()[word.len() - tail.len()..].eq_ignore_ascii_case(tail.as_bytes())
}

/// What the lists below say of a word, found in one place: a name of five words would be compared with all of them five times.
#[derive(Debug, Default, Clone, Copy)]
struct Listed {
    is_determiner: bool,
    is_numeral: bool,
    is_boundary: bool,
    /// As the head of a phrase.
    number: Option<Number>,
    plural: Option<&'static str>,
}

impl Listed {
    fn of(word: &str) -> Self {
        let capital = word.bytes().any(|byte| byte.is_ascii_uppercase());
        let listed = if capital { LISTED.get(&*word.to_ascii_lowercase()) } else { LISTED.get(word) };
        listed.copied().unwrap_or_default()
    }
}

/// By word, in small letters.
static LISTED: LazyLock<TextMap<String, Listed>> = LazyLock::new(|| {
    let mut all: TextMap<String, Listed> = TextMap::default();
    let mut list = |word: &str, say: &dyn Fn(&mut Listed)| say(all.entry(word.to_ascii_lowercase()).or_default());
    DETERMINERS.iter().for_each(|word| list(word, &|listed| listed.is_determiner = true));
    NUMERALS.iter().for_each(|word| list(word, &|listed| listed.is_numeral = true));
    BOUNDARIES.iter().for_each(|word| list(word, &|listed| listed.is_boundary = true));
    SINGULAR_IN_S.iter().for_each(|word| list(word, &|listed| listed.number = Some(Number::Singular)));
    for (one, many) in SINGULAR_TO_PLURAL {
        list(one, &|listed| listed.plural = Some(many));
        if one != many {
            list(many, &|listed| listed.number = Some(Number::Plural));
        }
    }
    ALWAYS_PLURAL.iter().for_each(|word| list(word, &|listed| listed.number = Some(Number::Plural)));
    MASS.iter().for_each(|word| list(word, &|listed| listed.number = Some(Number::Mass)));
    all
});

const DETERMINERS: &[&str] = &[
    "his", "her", "their", "its", "my", "your", "our", "this", "that", "these", "those", "another", "each", "every",
    "some", "any", "no",
];

const NUMERALS: &[&str] = &[
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "several", "many", "few", "both",
    "multiple", "various",
];

/// Prepositions, relative pronouns, and the participles that follow a noun in captions.
const BOUNDARIES: &[&str] = &[
    "of",
    "with",
    "without",
    "in",
    "on",
    "at",
    "for",
    "from",
    "to",
    "by",
    "near",
    "behind",
    "beside",
    "under",
    "over",
    "above",
    "below",
    "against",
    "around",
    "between",
    "inside",
    "into",
    "onto",
    "next",
    "along",
    "across",
    "through",
    "that",
    "which",
    "who",
    "whose",
    "is",
    "are",
    "wearing",
    "holding",
    "sitting",
    "standing",
    "riding",
    "carrying",
    "lying",
    "leaning",
    "hanging",
    "facing",
    "containing",
    "showing",
    "talking",
    "walking",
    "eating",
    "looking",
    "playing",
    "using",
    "made",
    "covered",
    "filled",
    "dressed",
    "attached",
    "mounted",
    "placed",
    "plugged",
    "full",
];

/// Plural nouns that no ending gives away; "scissors", "clothes" and "stairs" are found by their s.
const ALWAYS_PLURAL: &[&str] = &["people", "police", "cattle", "skis"];

/// Nouns in s that are one thing, and that no ending of theirs gives away.
const SINGULAR_IN_S: &[&str] = &["lens", "canvas", "atlas", "christmas", "alias", "series", "species", "news"];

/// Substances and collections, which have no plural.
const MASS: &[&str] = &[
    "furniture",
    "luggage",
    "baggage",
    "clothing",
    "food",
    "water",
    "grass",
    "snow",
    "sand",
    "dirt",
    "mud",
    "rice",
    "bread",
    "money",
    "equipment",
    "jewelry",
    "jewellery",
    "trash",
    "garbage",
    "rubbish",
    "broccoli",
    "paper",
    "fruit",
    "meat",
    "cutlery",
    "silverware",
    "crockery",
    "machinery",
    "footwear",
    "bedding",
    "laundry",
    "mail",
    "hair",
    "gravel",
    "sky",
    "ground",
    "foliage",
    "scaffolding",
    "corn",
    "lettuce",
    "spinach",
    "asparagus",
    "garlic",
    "popcorn",
    "cheese",
    "butter",
    "milk",
    "coffee",
    "tea",
    "juice",
    "wine",
    "soap",
    "sugar",
    "salt",
    "toothpaste",
    "hardware",
    "stuff",
    "wood",
    "firewood",
    "plywood",
    "carpeting",
    "tissue",
];

/// Irregular plurals; the others are by rule.
const SINGULAR_TO_PLURAL: &[(&str, &str)] = &[
    ("man", "men"),
    ("woman", "women"),
    ("child", "children"),
    ("person", "people"),
    ("foot", "feet"),
    ("tooth", "teeth"),
    ("goose", "geese"),
    ("mouse", "mice"),
    ("ox", "oxen"),
    ("leaf", "leaves"),
    ("loaf", "loaves"),
    ("shelf", "shelves"),
    ("bookshelf", "bookshelves"),
    ("knife", "knives"),
    ("wolf", "wolves"),
    ("calf", "calves"),
    ("half", "halves"),
    ("scarf", "scarves"),
    ("thief", "thieves"),
    ("wife", "wives"),
    ("roof", "roofs"),
    ("bus", "buses"),
    ("minibus", "minibuses"),
    ("gas", "gases"),
    ("lens", "lenses"),
    ("canvas", "canvases"),
    ("cactus", "cacti"),
    ("octopus", "octopuses"),
    ("sheep", "sheep"),
    ("deer", "deer"),
    ("fish", "fish"),
    ("goldfish", "goldfish"),
    ("aircraft", "aircraft"),
    ("series", "series"),
    ("photo", "photos"),
    ("piano", "pianos"),
    ("stereo", "stereos"),
    ("tv", "TVs"),
    ("pc", "PCs"),
    ("tomato", "tomatoes"),
    ("potato", "potatoes"),
    ("mango", "mangoes"),
    ("salmon", "salmon"),
    ("moose", "moose"),
    ("dice", "dice"),
    ("passerby", "passersby"),
    ("ottoman", "ottomans"),
    ("human", "humans"),
    ("talisman", "talismans"),
];

/// A vowel sound behind a letter that is none.
const SILENT_H: &[&str] = &["hour", "honest", "honor", "honour", "heir"];

/// A consonant sound behind a vowel: "you", "won". "unin" and "unim" ("an uninteresting") are the exceptions.
const SOUNDS_LIKE_YOU_OR_WON: &[&str] =
    &["uni", "use", "usu", "uten", "euro", "eu", "one", "ufo", "uku", "ewe", "ubiq", "uranium", "urin"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals() {
        for (one, many) in [
            ("chair", "chairs"),
            ("office chair", "office chairs"),
            ("a chair with wheels", "chairs with wheels"),
            ("bus", "buses"),
            ("glass", "glasses"),
            ("wine glass", "wine glasses"),
            ("box", "boxes"),
            ("bench", "benches"),
            ("shelf", "shelves"),
            ("bookshelf", "bookshelves"),
            ("knife", "knives"),
            ("sandwich", "sandwiches"),
            ("person", "people"),
            ("sheep", "sheep"),
            ("mouse", "mice"),
            ("TV", "TVs"),
            ("tv", "TVs"),
            ("remote", "remotes"),
            ("hair drier", "hair driers"),
            ("toothbrush", "toothbrushes"),
            ("couch", "couches"),
            ("potted plant", "potted plants"),
            ("scissors", "scissors"),
            ("clothes", "clothes"),
            ("stairs", "stairs"),
            ("curtains", "curtains"),
            ("furniture", "furniture"),
            ("curtain", "curtains"),
            ("tennis racket", "tennis rackets"),
            ("skis", "skis"),
            ("man in a black hat", "men in a black hat"),
            ("baby", "babies"),
            ("key", "keys"),
            ("stove", "stoves"),
            ("dress", "dresses"),
            ("mattress", "mattresses"),
            ("doorframe", "doorframes"),
            ("piano", "pianos"),
            ("rack", "racks"),
            ("ironing board", "ironing boards"),
            ("handicap bar", "handicap bars"),
            ("traffic cone", "traffic cones"),
            ("cabinet door", "cabinet doors"),
            ("toilet", "toilets"),
            ("sofa", "sofas"),
            ("ottoman", "ottomans"),
            ("ball", "balls"),
        ] {
            assert_eq!(plural(one), many);
        }
    }

    #[test]
    fn number_is_of_the_head() {
        for (phrase, expected) in [
            ("chair", Number::Singular),
            ("glass", Number::Singular),
            ("bus", Number::Singular),
            ("scissors", Number::Plural),
            ("pair of scissors", Number::Singular),
            ("kitchen cabinets", Number::Plural),
            ("two men", Number::Plural),
            ("The women at the table", Number::Plural),
            ("a cup and a saucer", Number::Plural),
            ("black and white cat", Number::Singular),
            ("salt and pepper shaker", Number::Singular),
            ("man with glasses", Number::Singular),
            ("box full of books", Number::Singular),
            ("furniture", Number::Mass),
            ("shoes", Number::Plural),
            ("skis", Number::Plural),
            ("sheep", Number::Singular),
            ("dining table", Number::Singular),
            ("", Number::Singular),
        ] {
            assert_eq!(Noun::read(phrase).number(), expected, "{phrase}");
        }
    }

    #[test]
    fn articles() {
        for (noun, expected) in [
            ("apple", "an apple"),
            ("umbrella", "an umbrella"),
            ("uniform", "a uniform"),
            ("unusual lamp", "an unusual lamp"),
            ("uninteresting box", "an uninteresting box"),
            ("hourglass", "an hourglass"),
            ("house", "a house"),
            ("one-eyed cat", "a one-eyed cat"),
            ("TV", "a TV"),
            ("LCD screen", "an LCD screen"),
            ("x-ray", "an x-ray"),
            ("8-ball", "an 8-ball"),
            ("european road sign", "a european road sign"),
            ("the red chair", "a red chair"),
            ("his hat", "his hat"),
            ("scissors", "some scissors"),
            ("utensil", "a utensil"),
            ("urn", "an urn"),
            ("oven", "an oven"),
            ("école", "a école"),
        ] {
            assert_eq!(a_an(noun), expected);
        }
    }

    #[test]
    fn no_phrase_makes_it_panic() {
        for phrase in
            ["", " ", "a", "the", "é", "ß and", "of", "and a", "日本 の 椅子", "a\u{301}", "x (", "( y", "s", "'s"]
        {
            let noun = Noun::read(phrase);
            let _ = (noun.indefinite_article(), plural(phrase), a_an(phrase), countable(phrase));
        }
    }
}
