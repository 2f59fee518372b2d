//! Samples as a conversation: what a person says, with the places of images, and what the model answers, in turns.

use serde::{Deserialize, Serialize};

use super::dialect::Dialect;
use super::{LoadedImage, LoadedRecord, LoadedTurn, Sample, boxes};
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

/// Samples about the same images, in the order in which they are asked: what one record holds.
pub struct Conversation<'a> {
    first: &'a Sample,
    samples: &'a [Sample],
    /// Whether the export packs: then a record says which samples it holds, even where it is one.
    is_packed: bool,
}

impl<'a> Conversation<'a> {
    /// One sample alone, as an export has it that does not pack.
    pub fn of(sample: &'a Sample) -> Self {
        Self { first: sample, samples: std::slice::from_ref(sample), is_packed: false }
    }

    /// Several samples, one at least.
    pub fn packed(samples: &'a [Sample]) -> Option<Self> {
        Some(Self { first: samples.first()?, samples, is_packed: true })
    }

    pub fn samples(&self) -> &'a [Sample] {
        self.samples
    }

    /// The first of them, whose images are those of all.
    pub fn first(&self) -> &'a Sample {
        self.first
    }

    /// The sample's own id, or where the export packs, a hash of all samples' ids.
    pub fn id(&self) -> String {
        if !self.is_packed {
            return self.first.sample_id.clone();
        }
        let ids: Vec<&str> = self.samples.iter().map(|sample| sample.sample_id.as_str()).collect();
        blake3::hash(ids.join(" ").as_bytes()).to_hex()[..32].to_owned()
    }

    /// Where the export packs: whose question and answer each pair of turns is.
    pub fn sample_ids(&self) -> Option<Vec<String>> {
        self.is_packed.then(|| self.samples.iter().map(|sample| sample.sample_id.clone()).collect())
    }
}

/// Two turns a sample; the first of all has the images.
pub fn turns(conversation: &Conversation<'_>, dialect: &Dialect) -> Result<Vec<ChatTurn>> {
    let mut turns = Vec::with_capacity(2 * conversation.samples.len());
    for (at, sample) in conversation.samples.iter().enumerate() {
        let boxes = boxes(sample)?;
        let asked = dialect.write(&sample.question, &boxes)?;
        let answer = dialect.write(&sample.answer, &boxes)?;
        let images = if at == 0 { sample.images.len() } else { 0 };
        turns.push(ChatTurn { from: "human".into(), value: human(images, &asked.text) });
        turns.push(ChatTurn { from: "gpt".into(), value: answer.text });
    }
    Ok(turns)
}

/// What a loader makes of turns and as many images. `sample_ids` are those of a record of an export that packs.
pub fn read_turns(
    id: String,
    sample_ids: Option<Vec<String>>,
    images: Vec<LoadedImage>,
    turns: Vec<ChatTurn>,
) -> Result<LoadedRecord> {
    let said = turns.into_iter().map(|turn| (turn.from, turn.value)).collect();
    read_said(id, sample_ids, images, said, ("human", "gpt"))
}

/// The same of who says what, by the names of the two who speak.
pub fn read_said(
    id: String,
    sample_ids: Option<Vec<String>>,
    images: Vec<LoadedImage>,
    said: Vec<(String, String)>,
    (person, model): (&str, &str),
) -> Result<LoadedRecord> {
    let wrong = |what: String| Error::input(format!("a conversation {what}")).with("id", &id);
    let sample_ids = sample_ids.unwrap_or_else(|| vec![id.clone()]);
    if sample_ids.is_empty() || said.len() != 2 * sample_ids.len() {
        return Err(wrong(format!("has {} turns for {} samples", said.len(), sample_ids.len())));
    }
    let mut said = said.into_iter();
    let mut read = Vec::with_capacity(sample_ids.len());
    for sample_id in sample_ids {
        let (Some((asks, asked)), Some((answers, answer))) = (said.next(), said.next()) else { break };
        if (asks.as_str(), answers.as_str()) != (person, model) {
            return Err(wrong(format!("does not alternate between {person} and {model}")));
        }
        let (places, text) = question(&asked).ok_or_else(|| wrong("has <image> elsewhere than at its start".into()))?;
        let expected = if read.is_empty() { images.len() } else { 0 };
        if places != expected {
            return Err(wrong(format!("has {places} times <image> for {expected} images")));
        }
        read.push(LoadedTurn { sample_id, question: text.to_owned(), answer });
    }
    Ok(LoadedRecord { images, turns: read, ..LoadedRecord::default() })
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

    #[test]
    fn turns_are_of_the_samples_that_the_record_names() {
        let said = |texts: &[&str]| -> Vec<ChatTurn> {
            let from = ["human", "gpt"].into_iter().cycle();
            from.zip(texts).map(|(from, text)| ChatTurn { from: from.into(), value: (*text).to_owned() }).collect()
        };
        let read = |ids: Option<&[&str]>, images: usize, texts: &[&str]| {
            let ids = ids.map(|ids| ids.iter().map(|id| (*id).to_owned()).collect());
            read_turns("r".into(), ids, vec![LoadedImage::Path("a.jpg".into()); images], said(texts))
        };
        let two = read(Some(&["a", "b"]), 1, &["<image>\nWhere?", "Here.", "How far?", "2 m"]).unwrap().turns;
        assert_eq!(
            (two[1].sample_id.as_str(), two[1].question.as_str(), two[1].answer.as_str()),
            ("b", "How far?", "2 m")
        );
        assert_eq!(read(None, 1, &["<image>\nWhere?", "Here."]).unwrap().turns[0].sample_id, "r");
        assert!(read(Some(&["a", "b"]), 1, &["<image>\nWhere?", "Here."]).is_err(), "a sample without turns");
        assert!(read(None, 1, &["<image>\nWhere?", "Here.", "How far?", "2 m"]).is_err(), "turns of no sample");
        assert!(read(Some(&["a", "b"]), 1, &["<image>\nWhere?", "Here.", "<image>\nHow far?", "2 m"]).is_err());
        assert!(read(Some(&[]), 1, &[]).is_err());
    }
}
