//! Steps, one a file: what a model is asked for (detect, caption, verify, ground), its JSON schema, prompt and parsing.
//!
//! A step is made of a prompt, which is a file of the pipeline's, and reads texts that may come from a cache as well.

pub mod caption;
pub mod detect;
pub mod ground;
pub mod verify;

use serde_json::{Value, json};
use spatialmill_geometry::PixelBox;

use crate::ask_error::AnswerError;
use crate::coordinates::{SAME, Size};
use crate::question::{Image, Question, Schema};

/// An image as it is sent, and its sides.
#[derive(Debug, Clone)]
pub struct Sent {
    pub image: Image,
    pub size: Size,
}

/// A thing of an answer that is not believed; the others are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidItem {
    /// Its place in the answer, from 0.
    pub index: usize,
    pub why: AnswerError,
}

fn question(sent: &Sent, prompt: String, name: &'static str, schema: Value) -> Question {
    let schema = Some(Schema { name, schema });
    Question { system: None, prompt, images: vec![sent.image.clone()], schema }
}

/// An object of these fields, all of them required.
fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let required: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    let properties: serde_json::Map<_, _> =
        fields.iter().map(|(name, form)| ((*name).to_owned(), form.clone())).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn list_of(items: Value) -> Value {
    json!({"type": "array", "items": items})
}

fn one_box() -> Value {
    json!({"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4})
}

fn is_same(a: &PixelBox, b: &PixelBox) -> bool {
    a.iou(b) > SAME
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordinates::Coordinates;
    use crate::template::{Places, lint};

    pub const SIZE: Size = Size { width: 640, height: 480 };

    pub fn sent() -> Sent {
        Sent { image: Image::jpeg(&b"\xff\xd8\xff"[..]), size: SIZE }
    }

    const PROMPTS: [(&str, &str, Places); 4] = [
        (
            detect::Detect::NAME,
            include_str!("../../../../queries/2_annotate/prompts/detect.md"),
            detect::Detect::PLACES,
        ),
        (
            ground::Ground::NAME,
            include_str!("../../../../queries/2_annotate/prompts/ground.md"),
            ground::Ground::PLACES,
        ),
        (
            caption::Caption::NAME,
            include_str!("../../../../queries/2_annotate/prompts/caption.md"),
            caption::Caption::PLACES,
        ),
        (
            verify::Verify::NAME,
            include_str!("../../../../queries/2_annotate/prompts/verify.md"),
            verify::Verify::PLACES,
        ),
    ];

    /// The prompt that the pipeline brings for a step.
    pub fn prompt(name: &str) -> String {
        PROMPTS.iter().find(|(known, ..)| *known == name).unwrap().1.to_owned()
    }

    #[test]
    fn the_pipelines_prompts_are_clean() {
        for (name, prompt, places) in PROMPTS {
            assert_eq!(lint(prompt, places), [], "{name}.md");
        }
    }

    /// Small models repeat the example of a prompt. Were it a good answer, it would be believed of every image.
    #[test]
    fn the_example_of_a_prompt_is_no_answer() {
        for (name, prompt, _) in PROMPTS {
            let shown = prompt.lines().find(|line| line.starts_with('{')).unwrap();
            let unit = Coordinates::default();
            let is_believed = match name {
                "detect" => detect::Detect::new(prompt, unit, 9).unwrap().read(shown, SIZE).is_ok(),
                "ground" => ground::Ground::new(prompt, unit, 9).unwrap().read(shown, SIZE).is_ok(),
                "caption" => caption::Caption::new(prompt, unit).unwrap().read(shown).is_ok(),
                _ => verify::Verify::new(prompt, unit).unwrap().read(shown).is_ok(),
            };
            assert!(!is_believed, "{name}.md: {shown}");
        }
    }
}
