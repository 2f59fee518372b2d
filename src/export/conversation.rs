//! A sample as a conversation: what a person says, with the places of images, and what the model answers.

use serde::{Deserialize, Serialize};

use super::dialect::Dialect;
use super::{LoadedImage, LoadedRecord, Sample, boxes};
use crate::error::{Error, Result};

/// The place of an image, in every dialect.
pub const IMAGE: &str = "<image>";

/// What the person says: the images, numbered where there are several, and the question.
///
/// One image is `<image>` on a line of its own, as all trainers have it; several are `Image-1: <image>`, as InternVL's documents do.
pub fn human(images: usize, question: &str) -> String {
    match images {
        0 => question.to_owned(),
        1 => format!("{IMAGE}\n{question}"),
        n => {
            let mut text = String::new();
            for image in 1..=n {
                text += &format!("Image-{image}: {IMAGE}\n");
            }
            text + question
        }
    }
}

/// The question of what a person says, and how many images it has: the inverse of [`human`]. `None` where they do not stand so.
pub fn question(human: &str) -> Option<(usize, &str)> {
    if let Some(question) = human.strip_prefix("<image>\n") {
        return (!question.contains(IMAGE)).then_some((1, question));
    }
    let (mut images, mut rest) = (0, human);
    while let Some(more) = rest.strip_prefix(&format!("Image-{}: {IMAGE}\n", images + 1)) {
        (images, rest) = (images + 1, more);
    }
    (!rest.contains(IMAGE) && images != 1).then_some((images, rest))
}

/// A turn as InternVL, Qwen and LLaVA have it.
#[derive(Serialize, Deserialize)]
pub struct ChatTurn {
    pub from: String,
    pub value: String,
}

/// Trainers take a list where there are several, and only then.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    /// One where there is one.
    pub fn of(mut values: Vec<T>) -> Self {
        match (values.pop(), values.len()) {
            (Some(only), 0) => Self::One(only),
            (last, _) => {
                values.extend(last);
                Self::Many(values)
            }
        }
    }

    /// However many there are.
    pub fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(value) => vec![value],
            Self::Many(values) => values,
        }
    }
}

/// The two turns of a sample.
pub fn turns(sample: &Sample, dialect: &Dialect) -> Result<Vec<ChatTurn>> {
    let boxes = boxes(sample)?;
    let asked = dialect.write(&sample.question, &boxes)?;
    let answer = dialect.write(&sample.answer, &boxes)?;
    Ok(vec![
        ChatTurn { from: "human".into(), value: human(sample.images.len(), &asked.text) },
        ChatTurn { from: "gpt".into(), value: answer.text },
    ])
}

/// What a loader makes of two turns and as many images.
pub fn read_turns(id: String, images: Vec<LoadedImage>, turns: Vec<ChatTurn>) -> Result<LoadedRecord> {
    let wrong = |what: &str| Error::input(format!("a conversation {what}")).with("id", &id);
    let [asked, answered] = <[ChatTurn; 2]>::try_from(turns).map_err(|_| wrong("has not two turns"))?;
    if (asked.from.as_str(), answered.from.as_str()) != ("human", "gpt") {
        return Err(wrong("is not between human and gpt"));
    }
    let (places, text) = question(&asked.value).ok_or_else(|| wrong("has <image> elsewhere than at its start"))?;
    if places != images.len() {
        return Err(wrong(&format!("has {places} times <image> for {} images", images.len())));
    }
    let text = text.to_owned();
    Ok(LoadedRecord { id, images, question: text, answer: answered.value, ..LoadedRecord::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_understood() {
        for images in 0..4 {
            let said = human(images, "Where is it?\nA. here");
            assert_eq!(said.matches(IMAGE).count(), images);
            assert_eq!(question(&said), Some((images, "Where is it?\nA. here")));
        }
        assert_eq!(question("<image>\n<image>\nWhere?"), None);
        assert_eq!(question("Where <image> is it?"), None);
    }
}
