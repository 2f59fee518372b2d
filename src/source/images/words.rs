//! What is said of a photo beside its pixels: captions, licence, split.

use serde_json::Value;

use super::ImagesOptions;
use crate::source::caption::Caption;
use crate::source::json::forms::{self, Entries};
use crate::tables::Unusable;
use crate::text;

/// Captions of one photo; more are not read by anybody.
const MAX_CAPTIONS: usize = 64;
const TOO_MANY: &str = "more captions than anybody reads; the first 64 are used";

/// A file beside a photo has some hundreds of bytes.
pub const MAX_BYTES: u64 = 1 << 20;

/// What is said of a photo.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PhotoWords {
    pub captions: Vec<String>,
    pub licence: Option<String>,
    /// train, val or test.
    pub split: Option<String>,
    /// What is odd about captions, none of which a photo is refused for: no question is made from them.
    pub oddities: Vec<Unusable>,
}

impl ImagesOptions {
    /// Which files beside a photo say something that is asked for: JSON, text.
    pub fn beside(&self) -> (bool, bool) {
        let text = self.caption.as_deref() == Some("txt");
        let fields = [&self.licence_column, &self.split_column];
        let json = fields.into_iter().any(Option::is_some) || (self.caption.is_some() && !text);
        (json, text)
    }
}

/// The files beside a photo, where they are there.
#[derive(Debug, Clone, Default)]
pub struct SidecarFiles {
    pub json: Option<Vec<u8>>,
    pub txt: Option<Vec<u8>>,
}

impl SidecarFiles {
    /// True where nothing is missing that the options ask for.
    pub fn is_all(&self, options: &ImagesOptions) -> bool {
        let (json, text) = options.beside();
        (self.json.is_some() || !json) && (self.txt.is_some() || !text)
    }
}

impl PhotoWords {
    /// From the files beside a photo. Codes: `json`, `licence`, `split`.
    pub fn beside(options: &ImagesOptions, files: &SidecarFiles) -> Result<Self, Unusable> {
        let mut words = Self::default();
        let from_text = options.caption.as_deref() == Some("txt");
        if let Some(text) = files.txt.as_ref().filter(|_| from_text) {
            match text::decode(text) {
                Ok(text) => words.say(&text),
                Err(why) => words.odd(format!("the text file beside it: {why}")),
            }
        }
        let caption = options.caption.as_deref().filter(|_| !from_text);
        let (licence, split) = (options.licence_column.as_deref(), options.split_column.as_deref());
        let Some(json) = files.json.as_ref().filter(|_| caption.or(licence).or(split).is_some()) else {
            return Ok(words);
        };
        let said = match forms::file::<Entries<Value>>(json, "an object of what is said of a photo") {
            Ok(Entries(said)) => said,
            Err(why) if licence.or(split).is_none() => {
                words.odd(format!("the JSON file beside it: {}", why.message));
                return Ok(words);
            }
            Err(why) => return Err(Unusable::new("json", format!("the JSON file beside it: {}", why.message))),
        };
        let field = |name: Option<&str>| {
            let mut values = said.iter().filter(|(other, _)| name == Some(other)).map(|(_, value)| value);
            let first = values.next().filter(|value| !value.is_null());
            match values.find(|value| Some(*value) != first) {
                Some(_) => Err(Unusable::new("json", "the JSON file beside it has a field twice that is asked for")),
                None => Ok(first),
            }
        };
        match field(caption) {
            Ok(None) => {}
            Ok(Some(Value::String(text))) => words.say(text),
            Ok(Some(Value::Array(texts))) => {
                texts.iter().filter(|text| !text.is_null()).for_each(|text| match text.as_str() {
                    Some(text) => words.say(text),
                    None => words.odd("a caption is no text"),
                })
            }
            Ok(Some(_)) => words.odd("the caption is no text"),
            Err(why) => words.odd(why.message),
        }
        let text = |value: &Value, code: &'static str| match value {
            Value::String(text) => Ok(text.clone()),
            // Some number their licences.
            Value::Number(number) if code == "licence" => Ok(number.to_string()),
            _ => Err(Unusable::new(code, "it is no text")),
        };
        words.licence = field(licence)?.map(|value| text(value, "licence")).transpose()?;
        words.split = field(split)?.map(|value| text(value, "split")).transpose()?;
        words.split =
            words.split.filter(|split| !split.trim().is_empty()).map(|split| known_split(&split)).transpose()?;
        Ok(words)
    }

    /// Adds a caption, as far as there is room for it.
    pub fn say(&mut self, caption: &str) {
        match Caption::of(caption) {
            None => {}
            Some(_) if self.oddities.iter().any(|oddity| oddity.message == TOO_MANY) => {}
            Some(_) if self.captions.len() == MAX_CAPTIONS => self.odd(TOO_MANY),
            Some(Caption { text, oddity }) => {
                self.captions.push(text);
                self.oddities.extend(oddity);
            }
        }
    }

    fn odd(&mut self, what: impl Into<String>) {
        self.oddities.push(Unusable::new("caption", what));
    }
}

/// The split by our name for it. Code: `split`.
pub fn known_split(split: &str) -> Result<String, Unusable> {
    match split.trim().to_ascii_lowercase().as_str() {
        "train" | "training" => Ok("train".to_owned()),
        "val" | "validation" | "valid" | "dev" => Ok("val".to_owned()),
        "test" | "testing" => Ok("test".to_owned()),
        // Taken for training, it could be what one will be tested on.
        other => Err(Unusable::new("split", format!("`{}` is neither train, val nor test", other.escape_debug()))),
    }
}
