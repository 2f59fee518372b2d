//! What is said of a photo beside its pixels: captions, licence, split.

use serde_json::{Map, Value};

use super::ImagesOptions;
use crate::source::coco::object::MAX_CAPTION;
use crate::source::rows::Refused;
use crate::text;

/// Captions of one photo; more are not read by anybody.
const MAX_CAPTIONS: usize = 64;

/// A file beside a photo has some hundreds of bytes.
pub const MAX_BYTES: u64 = 1 << 20;

/// What is said of a photo.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    pub captions: Vec<String>,
    pub licence: Option<String>,
    /// train, val or test.
    pub split: Option<String>,
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
pub struct Beside {
    pub json: Option<Vec<u8>>,
    pub txt: Option<Vec<u8>>,
}

impl Beside {
    /// True where nothing is missing that the options ask for.
    pub fn is_all(&self, options: &ImagesOptions) -> bool {
        let (json, text) = options.beside();
        (self.json.is_some() || !json) && (self.txt.is_some() || !text)
    }
}

impl Words {
    /// From the files beside a photo. Codes: `json`, `caption`, `licence`, `split`.
    pub fn beside(options: &ImagesOptions, files: &Beside) -> Result<Self, Refused> {
        let mut words = Self::default();
        let from_text = options.caption.as_deref() == Some("txt");
        if let Some(text) = files.txt.as_ref().filter(|_| from_text) {
            let text = text::decode(text);
            words.say(&text.map_err(|why| Refused::new("caption", format!("the text file beside it: {why}")))?)?;
        }
        let Some(json) = &files.json else { return Ok(words) };
        let fields = [options.caption.as_deref().filter(|_| !from_text)];
        if fields == [None] && options.licence_column.is_none() && options.split_column.is_none() {
            return Ok(words);
        }
        let said: Map<String, Value> = text::json(json)
            .map_err(|why| Refused::new("json", format!("the JSON file beside it is no object: {why}")))?;
        let field =
            |name: &Option<String>| name.as_ref().and_then(|name| said.get(name)).filter(|value| !value.is_null());
        if !from_text {
            match field(&options.caption) {
                None => {}
                Some(Value::String(text)) => words.say(text)?,
                Some(Value::Array(texts)) => {
                    for text in texts {
                        words.say(text.as_str().ok_or_else(|| Refused::new("caption", "a caption is no text"))?)?;
                    }
                }
                Some(_) => return Err(Refused::new("caption", "the caption is no text")),
            }
        }
        let text = |name: &Option<String>, code: &'static str| {
            let text = |value: &Value| value.as_str().map(str::to_owned);
            field(name).map(|value| text(value).ok_or_else(|| Refused::new(code, "it is no text"))).transpose()
        };
        words.licence = text(&options.licence_column, "licence")?;
        words.split = text(&options.split_column, "split")?.map(|split| known_split(&split)).transpose()?;
        Ok(words)
    }

    /// Adds a caption. Code: `caption`.
    pub fn say(&mut self, caption: &str) -> Result<(), Refused> {
        let caption = caption.trim();
        if caption.len() > MAX_CAPTION || self.captions.len() == MAX_CAPTIONS {
            let message = format!("more than {MAX_CAPTIONS} captions of a photo, or {MAX_CAPTION} bytes");
            return Err(Refused::new("caption", message));
        }
        if !caption.is_empty() {
            self.captions.push(caption.to_owned());
        }
        Ok(())
    }
}

/// The split by our name for it. Code: `split`.
pub fn known_split(split: &str) -> Result<String, Refused> {
    match split.trim().to_ascii_lowercase().as_str() {
        "train" | "training" => Ok("train".to_owned()),
        "val" | "validation" | "valid" | "dev" => Ok("val".to_owned()),
        "test" | "testing" => Ok("test".to_owned()),
        // Taken for training, it could be what one will be tested on.
        other => Err(Refused::new("split", format!("`{}` is neither train, val nor test", other.escape_debug()))),
    }
}
