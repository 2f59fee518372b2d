//! Verification: whether a box shows what a phrase says, before the phrase is believed.

use serde::Deserialize;
use serde_json::json;
use spatialmill_geometry::PixelBox;

use super::{Sent, object, question};
use crate::answer;
use crate::ask_error::AnswerError;
use crate::coordinates::{Coordinates, Size};
use crate::question::Question;
use crate::template::{Places, Template, TemplateError};

/// Asks whether a phrase is true of a box.
#[derive(Debug, Clone)]
pub struct Verify {
    template: Template,
    coordinates: Coordinates,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    answer: YesOrNo,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum YesOrNo {
    Yes,
    No,
}

impl Verify {
    pub const NAME: &'static str = "verify";

    pub const PLACES: Places =
        Places { known: &["width", "height", "coordinates", "box", "phrase"], needed: &["phrase"] };

    pub fn new(prompt: &str, coordinates: Coordinates) -> Result<Self, TemplateError> {
        Ok(Self { template: Template::parse(prompt, Self::PLACES)?, coordinates })
    }

    /// `area` is the thing's box in the image as sent: all of it where the image was cut to the thing.
    pub fn question(&self, sent: &Sent, area: &PixelBox, phrase: &str) -> Question {
        let Size { width, height } = sent.size;
        let prompt = self.template.fill(&[
            ("width", &width.to_string()),
            ("height", &height.to_string()),
            ("coordinates", &self.coordinates.words(sent.size)),
            ("box", &self.coordinates.write(area, sent.size)),
            ("phrase", phrase),
        ]);
        let yes_or_no = json!({"type": "string", "enum": ["yes", "no"]});
        question(sent, prompt, Self::NAME, object([("answer", yes_or_no)]))
    }

    /// True for yes.
    pub fn read(&self, text: &str) -> Result<bool, AnswerError> {
        let form: Form = answer::read(text)?;
        Ok(form.answer == YesOrNo::Yes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::tests::{prompt, sent};

    #[test]
    fn asked_and_read() {
        let verify = Verify::new(&prompt(Verify::NAME), Coordinates::Thousand).unwrap();
        let area = PixelBox { x0: 0.0, y0: 0.0, x1: 640.0, y1: 240.0 };
        let question = verify.question(&sent(), &area, "red chair");
        assert!(question.prompt.contains("red chair") && question.prompt.contains("[0, 0, 1000, 500]"));
        let read = |text| verify.read(text).map_err(|refusal| refusal.code);
        assert_eq!(read(r#"{"answer": "yes"}"#), Ok(true));
        assert_eq!(read(r#"{"answer": "no"}"#), Ok(false));
        for other in [r#"{"answer": "maybe"}"#, r#"{"answer": true}"#, r#"{"answer": "Yes, it does"}"#, "{}"] {
            assert_eq!(read(other), Err("vlm_schema"));
        }
        assert_eq!(read("yes"), Err("vlm_json"));
    }
}
