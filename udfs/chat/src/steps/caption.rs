//! Captions: a short noun phrase for one thing, which the picture shows in a drawn box or alone.

use serde::Deserialize;
use serde_json::json;
use spatialmill_geometry::PixelBox;

use super::{Sent, object, question};
use crate::answer;
use crate::ask_error::AnswerError;
use crate::coordinates::{Coordinates, Size};
use crate::phrase::noun_phrase;
use crate::question::Question;
use crate::template::{Places, Template, TemplateError};

/// Asks what something is called.
#[derive(Debug, Clone)]
pub struct Caption {
    template: Template,
    coordinates: Coordinates,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    caption: String,
}

impl Caption {
    pub const NAME: &'static str = "caption";

    /// `{category}` is what kind of thing it is said to be, "object" where nothing is known.
    pub const PLACES: Places = Places { known: &["width", "height", "coordinates", "box", "category"], needed: &[] };

    pub fn new(prompt: &str, coordinates: Coordinates) -> Result<Self, TemplateError> {
        Ok(Self { template: Template::parse(prompt, Self::PLACES)?, coordinates })
    }

    /// `area` is the thing's box in the image as sent: all of it where the image was cut to the thing.
    pub fn question(&self, sent: &Sent, area: &PixelBox, category: Option<&str>) -> Question {
        let Size { width, height } = sent.size;
        let prompt = self.template.fill(&[
            ("width", &width.to_string()),
            ("height", &height.to_string()),
            ("coordinates", &self.coordinates.words(sent.size)),
            ("box", &self.coordinates.write(area, sent.size)),
            ("category", category.unwrap_or("object")),
        ]);
        question(sent, prompt, Self::NAME, object([("caption", json!({"type": "string"}))]))
    }

    /// The phrase in an answer.
    pub fn read(&self, text: &str) -> Result<String, AnswerError> {
        let form: Form = answer::read(text)?;
        noun_phrase(&form.caption)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::tests::{prompt, sent};

    #[test]
    fn asked_and_read() {
        let caption = Caption::new(&prompt(Caption::NAME), Coordinates::Relative).unwrap();
        let area = PixelBox { x0: 64.0, y0: 48.0, x1: 320.0, y1: 480.0 };
        let question = caption.question(&sent(), &area, Some("chair"));
        assert!(question.prompt.contains("chair") && question.prompt.contains("[0.100, 0.100, 0.500, 1.000]"));
        let read = |text| caption.read(text).map_err(|refusal| refusal.code);
        assert_eq!(read(r#"{"caption": "A red office chair."}"#), Ok("red office chair".to_owned()));
        assert_eq!(read(r#"{"caption": "unclear"}"#), Err("phrase_refusal"));
        assert_eq!(read(r#"{"caption": null}"#), Err("vlm_schema"));
        assert_eq!(read("A red office chair."), Err("vlm_json"));
    }
}
