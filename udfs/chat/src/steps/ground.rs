//! Grounding: the boxes of what a phrase names.

use serde::Deserialize;
use spatialmill_geometry::PixelBox;

use super::{InvalidItem, Sent, is_same, list_of, object, one_box, question};
use crate::answer;
use crate::ask_error::AnswerError;
use crate::coordinates::{Coordinates, Size};
use crate::question::Question;
use crate::template::{Places, Template, TemplateError};

/// Asks where something is.
#[derive(Debug, Clone)]
pub struct Ground {
    template: Template,
    coordinates: Coordinates,
    most: usize,
}

/// What one answer holds: every box of it is in one of the two lists. None at all says that nothing was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Grounded {
    /// Pixels of the image as sent.
    pub areas: Vec<PixelBox>,
    /// Codes: `box`, `same`, `too_many`.
    pub invalid: Vec<InvalidItem>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    boxes: Vec<Vec<f64>>,
}

impl Ground {
    pub const NAME: &'static str = "ground";

    /// `{most}` is how many boxes are taken of an answer.
    pub const PLACES: Places =
        Places { known: &["width", "height", "coordinates", "most", "phrase"], needed: &["coordinates", "phrase"] };

    pub fn new(prompt: &str, coordinates: Coordinates, most: usize) -> Result<Self, TemplateError> {
        Ok(Self { template: Template::parse(prompt, Self::PLACES)?, coordinates, most })
    }

    pub fn question(&self, sent: &Sent, phrase: &str) -> Question {
        let Size { width, height } = sent.size;
        let prompt = self.template.fill(&[
            ("width", &width.to_string()),
            ("height", &height.to_string()),
            ("coordinates", &self.coordinates.words(sent.size)),
            ("most", &self.most.to_string()),
            ("phrase", phrase),
        ]);
        question(sent, prompt, Self::NAME, object([("boxes", list_of(one_box()))]))
    }

    /// The boxes in an answer about an image of this size.
    pub fn read(&self, text: &str, size: Size) -> Result<Grounded, AnswerError> {
        let form: Form = answer::read(text)?;
        let mut found = Grounded { areas: Vec::new(), invalid: Vec::new() };
        for (index, edges) in form.boxes.iter().enumerate() {
            match self.area(edges, size, &found.areas) {
                Ok(area) => found.areas.push(area),
                Err(why) => found.invalid.push(InvalidItem { index, why }),
            }
        }
        Ok(found)
    }

    fn area(&self, edges: &[f64], size: Size, before: &[PixelBox]) -> Result<PixelBox, AnswerError> {
        let area = self.coordinates.read(edges, size)?;
        if before.iter().any(|first| is_same(first, &area)) {
            return Err(AnswerError::new("same", format!("the same box again: {edges:?}")));
        }
        if before.len() == self.most {
            return Err(AnswerError::new("too_many", format!("more than {} boxes", self.most)));
        }
        Ok(area)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::tests::{SIZE, prompt, sent};

    fn ground() -> Ground {
        Ground::new(&prompt(Ground::NAME), Coordinates::Pixels, 2).unwrap()
    }

    #[test]
    fn the_question() {
        let question = ground().question(&sent(), "red {width} chair");
        assert!(
            question.prompt.contains("red {width} chair") && question.prompt.contains("640"),
            "{}",
            question.prompt
        );
    }

    #[test]
    fn boxes_and_none() {
        let read = |text: &str| ground().read(text, SIZE);
        assert_eq!(read(r#"{"boxes": []}"#).unwrap().areas, []);
        let boxes =
            r#"{"boxes": [[0, 0, 100, 100], [0, 0, 99, 100], [9, 9, 1, 1], [5, 5, 50, 50.5], [200, 0, 300, 9]]}"#;
        let found = read(&format!("```json\n{boxes}\n```")).unwrap();
        assert_eq!(found.areas.len(), 2);
        let invalid: Vec<(usize, &str)> = found.invalid.iter().map(|item| (item.index, item.why.code)).collect();
        assert_eq!(invalid, [(1, "same"), (2, "box"), (4, "too_many")]);
        assert_eq!(read("[]").unwrap_err().code, "vlm_schema");
        assert_eq!(read("none found").unwrap_err().code, "vlm_json");
    }
}
