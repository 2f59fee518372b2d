//! Detection: every thing in an image, with its name, a description and its box.

use serde::Deserialize;
use serde_json::json;
use spatialmill_geometry::PixelBox;

use super::{InvalidItem, Sent, is_same, list_of, object, one_box, question};
use crate::answer;
use crate::ask_error::AnswerError;
use crate::coordinates::{Coordinates, Size};
use crate::phrase::noun_phrase;
use crate::question::Question;
use crate::template::{Places, Template, TemplateError};

/// Asks for all things in an image.
#[derive(Debug, Clone)]
pub struct Detect {
    template: Template,
    coordinates: Coordinates,
    most: usize,
}

/// One thing.
#[derive(Debug, Clone, PartialEq)]
pub struct Detected {
    /// What kind of thing it is: "chair".
    pub label: String,
    /// A phrase for this one alone, "red office chair", or why what the model said is none.
    pub description: Result<String, AnswerError>,
    /// Pixels of the image as sent.
    pub area: PixelBox,
}

/// What one answer holds: every object of it is in one of the two lists.
#[derive(Debug, Clone, PartialEq)]
pub struct Detections {
    pub things: Vec<Detected>,
    /// Codes: `label`, `box`, `same`, `too_many`.
    pub invalid: Vec<InvalidItem>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    objects: Vec<ObjectForm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ObjectForm {
    label: String,
    description: String,
    #[serde(rename = "box")]
    edges: Vec<f64>,
}

impl Detect {
    pub const NAME: &'static str = "detect";

    /// `{most}` is how many things are taken of an answer.
    pub const PLACES: Places = Places { known: &["width", "height", "coordinates", "most"], needed: &["coordinates"] };

    pub fn new(prompt: &str, coordinates: Coordinates, most: usize) -> Result<Self, TemplateError> {
        Ok(Self { template: Template::parse(prompt, Self::PLACES)?, coordinates, most })
    }

    pub fn question(&self, sent: &Sent) -> Question {
        let Size { width, height } = sent.size;
        let prompt = self.template.fill(&[
            ("width", &width.to_string()),
            ("height", &height.to_string()),
            ("coordinates", &self.coordinates.words(sent.size)),
            ("most", &self.most.to_string()),
        ]);
        let text = || json!({"type": "string"});
        let thing = object([("label", text()), ("description", text()), ("box", one_box())]);
        question(sent, prompt, Self::NAME, object([("objects", list_of(thing))]))
    }

    /// The things in an answer about an image of this size.
    pub fn read(&self, text: &str, size: Size) -> Result<Detections, AnswerError> {
        let form: Form = answer::read(text)?;
        let mut found = Detections { things: Vec::new(), invalid: Vec::new() };
        for (index, thing) in form.objects.into_iter().enumerate() {
            match self.thing(thing, size, &found.things) {
                Ok(thing) => found.things.push(thing),
                Err(why) => found.invalid.push(InvalidItem { index, why }),
            }
        }
        Ok(found)
    }

    fn thing(&self, form: ObjectForm, size: Size, before: &[Detected]) -> Result<Detected, AnswerError> {
        let area = self.coordinates.read(&form.edges, size)?;
        let label = noun_phrase(&form.label).map_err(|refusal| AnswerError::new("label", refusal.message))?;
        if let Some(first) = before.iter().find(|first| is_same(&first.area, &area) && same_text(&first.label, &label))
        {
            return Err(AnswerError::new("same", format!("the same `{}` again", first.label)));
        }
        if before.len() == self.most {
            return Err(AnswerError::new("too_many", format!("more than {} things", self.most)));
        }
        Ok(Detected { label, description: noun_phrase(&form.description), area })
    }
}

fn same_text(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::tests::{SIZE, prompt, sent};

    fn detect(most: usize) -> Detect {
        Detect::new(&prompt(Detect::NAME), Coordinates::Thousand, most).unwrap()
    }

    fn read(objects: &str) -> Result<Detections, AnswerError> {
        detect(3).read(&format!("{{\"objects\": [{objects}]}}"), SIZE)
    }

    #[test]
    fn the_question() {
        let question = detect(50).question(&sent());
        assert!(question.prompt.contains("0 to 1000") && question.prompt.contains("50"), "{}", question.prompt);
        let schema = question.schema.unwrap();
        let required = schema.schema.pointer("/properties/objects/items/required").unwrap();
        assert_eq!((schema.name, required), ("detect", &json!(["label", "description", "box"])));
    }

    #[test]
    fn good_things_and_others() {
        let found = read(
            r#"{"label": "Chair", "description": "A red chair.", "box": [100, 100, 200, 300]},
               {"label": "chair", "description": "a red chair", "box": [101, 100, 200, 300]},
               {"label": "cushion", "description": "the left cushion", "box": [100, 100, 200, 300]},
               {"label": "", "description": "x", "box": [0, 0, 10, 10]},
               {"label": "lamp", "description": "x", "box": [0, 0, 2000, 10]},
               {"label": "lamp", "description": "x", "box": [0, 0, 10]},
               {"label": "room", "description": "", "box": [0, 0, 1000, 1000]},
               {"label": "lamp", "description": "x", "box": [0, 0, 10, 10]}"#,
        )
        .unwrap();
        let labels: Vec<&str> = found.things.iter().map(|thing| thing.label.as_str()).collect();
        assert_eq!(labels, ["chair", "cushion", "room"]);
        assert_eq!(found.things[0].description.as_deref(), Ok("red chair"));
        assert_eq!(found.things[1].description.as_ref().unwrap_err().code, "phrase_spatial");
        assert_eq!(found.things[2].area, PixelBox { x0: 0.0, y0: 0.0, x1: 640.0, y1: 480.0 });
        let invalid: Vec<(usize, &str)> = found.invalid.iter().map(|item| (item.index, item.why.code)).collect();
        assert_eq!(invalid, [(1, "same"), (3, "label"), (4, "box"), (5, "box"), (7, "too_many")]);
    }

    #[test]
    fn nothing_is_an_answer_and_another_form_is_none() {
        assert_eq!(read("").unwrap(), Detections { things: vec![], invalid: vec![] });
        let code = |objects| read(objects).unwrap_err().code;
        assert_eq!(code(r#"{"label": "a", "box": [0, 0, 10, 10]}"#), "vlm_schema");
        assert_eq!(code(r#"{"label": "a", "description": "", "box": [0, 0, 10, 10], "score": 1}"#), "vlm_schema");
        assert_eq!(code(r#"{"label": "a", "description": "", "box": ["0", 0, 10, 10]}"#), "vlm_schema");
        assert_eq!(code(r#"{"label": "a", "description": "", "box": [NaN, 0, 10, 10]}"#), "vlm_json");
        assert_eq!(code(r#"{"label": "a""#), "vlm_json");
    }
}
