//! A task's pack of wordings: `queries/5_ask/<task>/phrases.toml`, or `phrases.<pack>.toml` for one in another style.
//!
//! ```toml
//! axes = ["lateral", "vertical", "depth"]   # what its relations lie on
//!
//! [yes_no]
//! questions = ["Is {the subject} {asked} {the object}?"]
//! yes = ["Yes.", "Yes, {subject:it is|they are}."]
//! no = ["No."]
//!
//! [open]
//! questions = [{ text = "On which side of {the object} is {the subject}?", axes = ["lateral"] }]
//! answers = ["{Option}."]
//! ```

use serde::Deserialize;

use super::lexicon::{Axis, Lexicon};
use super::segment::{self, Segment};
use super::{Error, PLAIN, PackText, Template};
use std::sync::Arc;

/// All wordings of one task.
#[derive(Debug)]
pub struct Pack {
    axes: Vec<String>,
    sections: Vec<Wordings>,
}

/// What shape a question and its answer have. A choice may be between things, relations or numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    YesNo,
    ChoiceOfObject,
    ChoiceOfRelation,
    ChoiceOfNumber,
    Open,
    Number,
}

/// The wordings of one section.
#[derive(Debug)]
pub struct Wordings {
    pub section: Section,
    pub questions: Vec<Wording>,
    /// By answer: "yes" and "no" for yes_no, else one list for all.
    pub answers: Vec<(&'static str, Vec<Wording>)>,
    pairings: Vec<Pairings>,
}

/// One wording of a question or an answer.
#[derive(Debug)]
pub struct Wording {
    pub text: String,
    /// The axes that it can be used for; all where empty.
    axes: Vec<String>,
    pub segments: Arc<[Segment]>,
}

/// What one axis and answer can be worded with: for each question wording, each answer wording.
#[derive(Debug)]
struct Pairings {
    axis: String,
    answer: &'static str,
    of_question: Vec<Vec<Pairing>>,
}

/// One question wording (by index) with one answer wording.
#[derive(Debug)]
struct Pairing {
    id: String,
    question: usize,
    answer: usize,
}

impl Section {
    pub const ALL: [Self; 6] =
        [Self::YesNo, Self::ChoiceOfObject, Self::ChoiceOfRelation, Self::ChoiceOfNumber, Self::Open, Self::Number];

    /// The section of a question's answer form and answer.
    pub fn of(form: &str, answer: &str) -> Option<Self> {
        Some(match form {
            "yes_no" => Self::YesNo,
            "open" => Self::Open,
            "number" => Self::Number,
            "choice" if matches!(answer, "subject" | "object") => Self::ChoiceOfObject,
            "choice" if answer.bytes().all(|b| b.is_ascii_digit()) => Self::ChoiceOfNumber,
            "choice" => Self::ChoiceOfRelation,
            _ => return None,
        })
    }

    /// The answer form that it belongs to.
    pub fn answer_form(self) -> &'static str {
        match self {
            Self::YesNo => "yes_no",
            Self::ChoiceOfObject | Self::ChoiceOfRelation | Self::ChoiceOfNumber => "choice",
            Self::Open => "open",
            Self::Number => "number",
        }
    }

    /// Its name in a pack.
    pub fn name(self) -> &'static str {
        match self {
            Self::ChoiceOfObject => "choice_of_object",
            Self::ChoiceOfRelation => "choice_of_relation",
            Self::ChoiceOfNumber => "choice_of_number",
            other => other.answer_form(),
        }
    }

    /// What stands before a question wording's number in a template id, so that the three kinds of choice stay apart.
    fn prefix(self) -> &'static str {
        match self {
            Self::ChoiceOfObject => "object-",
            Self::ChoiceOfRelation => "relation-",
            Self::ChoiceOfNumber => "number-",
            _ => "",
        }
    }
}

impl Pack {
    /// Reads and compiles a pack.
    pub fn parse(lexicon: &Lexicon, PackText { task, name, text }: &PackText<'_>) -> Result<Self, Error> {
        let prefix = if *name == PLAIN { (*task).to_owned() } else { format!("{task}@{name}") };
        let file: PackFile = toml::from_str(text).map_err(|e| Error::syntax(&prefix, e))?;
        known(lexicon, &prefix, &file.axes)?;
        let sections = Section::ALL
            .into_iter()
            .filter_map(|section| Some((section, file.section(section)?)))
            .map(|(section, entry)| Wordings::compile(lexicon, &prefix, &file.axes, section, entry))
            .collect::<Result<_, _>>()?;
        Ok(Self { axes: file.axes, sections })
    }

    /// The names of the axes that it has words for.
    pub fn axes(&self) -> &[String] {
        &self.axes
    }

    /// Its sections.
    pub fn sections(&self) -> &[Wordings] {
        &self.sections
    }

    /// Whether it words questions of this shape on this axis.
    pub(super) fn has(&self, section: Section, axis: &Axis) -> bool {
        self.axes.contains(&axis.name) && self.sections.iter().any(|wordings| wordings.section == section)
    }

    /// Whether it asks about things of a category, which are counted or looked for, and not about two things.
    pub fn counts(&self) -> bool {
        use super::segment::{Role, Slot};
        let of_category = |segment: &Segment| match segment {
            Segment::Slot(Slot::A(_) | Slot::Categories | Slot::Counted(_)) => true,
            Segment::Slot(Slot::The(role, _) | Slot::Name(role) | Slot::Agree(role, ..)) => *role == Role::Category,
            _ => false,
        };
        let mut questions = self.sections.iter().flat_map(|wordings| &wordings.questions);
        questions.any(|wording| wording.segments.iter().any(of_category))
    }

    /// Ids of templates in which every wording of a section for an axis and an answer is there once at least.
    pub fn preview(&self, section: Section, axis: &str, answer: &str) -> Vec<&str> {
        let wordings = self.sections.iter().find(|wordings| wordings.section == section);
        let fits = |p: &&Pairings| p.axis == axis && (p.answer == ANY || p.answer == answer);
        let Some(pairings) = wordings.and_then(|wordings| wordings.pairings.iter().find(fits)) else {
            return Vec::new();
        };
        let longest = pairings.of_question.iter().map(Vec::len).max().unwrap_or(0).max(pairings.of_question.len());
        let pair = |at: usize| {
            let answers = &pairings.of_question[at % pairings.of_question.len()];
            answers[at % answers.len()].id.as_str()
        };
        (0..longest).map(pair).collect()
    }

    /// Every template with its id.
    pub(super) fn templates(&self) -> impl Iterator<Item = (String, Template)> {
        self.sections.iter().flat_map(|wordings| {
            wordings.pairings.iter().flat_map(move |pairings| {
                let answers = wordings.answers_to(pairings.answer);
                pairings.of_question.iter().flatten().map(move |pairing| {
                    let question = wordings.questions[pairing.question].segments.clone();
                    let answer = answers[pairing.answer].segments.clone();
                    (pairing.id.clone(), Template { question, answer })
                })
            })
        })
    }

    /// The template id that a number in [0, 1) picks.
    pub(super) fn pick(&self, section: Section, axis: &Axis, answer: &str, draw: f64) -> Option<&str> {
        let wordings = self.sections.iter().find(|wordings| wordings.section == section)?;
        let fits = |p: &&Pairings| p.axis == axis.name && (p.answer == ANY || p.answer == answer);
        let questions = &wordings.pairings.iter().find(fits)?.of_question;
        // One draw picks twice: its whole part the question, what is left the answer.
        let at = draw.clamp(0.0, 1.0) * questions.len() as f64;
        let answers = questions.get(at as usize).or(questions.last())?;
        let pairing = answers.get((at.fract() * answers.len() as f64) as usize).or(answers.last())?;
        Some(&pairing.id)
    }
}

/// The name of the one list of answers where there is no "yes" and "no".
const ANY: &str = "answers";

impl Wordings {
    fn compile(
        lexicon: &Lexicon,
        task: &str,
        axes: &[String],
        section: Section,
        entry: &SectionEntry,
    ) -> Result<Self, Error> {
        let questions = compile_all(lexicon, task, &entry.questions)?;
        let answers = match section {
            Section::YesNo => {
                vec![("yes", compile_all(lexicon, task, &entry.yes)?), ("no", compile_all(lexicon, task, &entry.no)?)]
            }
            _ => vec![(ANY, compile_all(lexicon, task, &entry.answers)?)],
        };
        let mut pairings = Vec::new();
        for axis in axes {
            for (name, list) in &answers {
                let pair = |q: usize, a: usize| Pairing { id: id(task, section, q, name, a), question: q, answer: a };
                let usable = |(_, wording): &(usize, &Wording)| wording.is_for(axis);
                let answers_to =
                    |q| list.iter().enumerate().filter(usable).map(|(a, _)| pair(q, a)).collect::<Vec<_>>();
                let of_question: Vec<_> =
                    questions.iter().enumerate().filter(usable).map(|(q, _)| answers_to(q)).collect();
                if of_question.is_empty() || of_question.iter().any(Vec::is_empty) {
                    return Err(Error::Missing {
                        pack: task.to_owned(),
                        section: section.name(),
                        answer: name,
                        axis: axis.clone(),
                    });
                }
                pairings.push(Pairings { axis: axis.clone(), answer: name, of_question });
            }
        }
        Ok(Self { section, questions, answers, pairings })
    }

    /// The answer wordings for one answer.
    pub fn answers_to(&self, answer: &str) -> &[Wording] {
        let list = self.answers.iter().find(|(name, _)| *name == ANY || *name == answer);
        list.map_or(&[], |(_, wordings)| wordings)
    }
}

/// `<task>/<answer_form>/<question wording>/<answer wording>`; the wordings are numbered from 1, as an editor counts them.
fn id(task: &str, section: Section, question: usize, answers: &str, answer: usize) -> String {
    let side = if answers == ANY { String::new() } else { format!("{answers}-") };
    format!("{task}/{}/{}{}/{side}{}", section.answer_form(), section.prefix(), question + 1, answer + 1)
}

impl Wording {
    /// True where it can be used for this axis.
    pub fn is_for(&self, axis: &String) -> bool {
        self.axes.is_empty() || self.axes.contains(axis)
    }
}

fn known(lexicon: &Lexicon, task: &str, axes: &[String]) -> Result<(), Error> {
    match axes.iter().find(|name| !lexicon.axes().iter().any(|axis| axis.name == **name)) {
        Some(axis) => Err(Error::UnknownAxis { pack: task.to_owned(), axis: axis.clone() }),
        None => Ok(()),
    }
}

fn compile_all(lexicon: &Lexicon, task: &str, entries: &[WordingEntry]) -> Result<Vec<Wording>, Error> {
    entries
        .iter()
        .map(|entry| {
            let (text, axes) = match entry {
                WordingEntry::Text(text) => (text, Vec::new()),
                WordingEntry::ForAxes { text, axes } => (text, axes.clone()),
            };
            known(lexicon, task, &axes)?;
            Ok(Wording { text: text.clone(), axes, segments: segment::compile(text)?.into() })
        })
        .collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PackFile {
    axes: Vec<String>,
    yes_no: Option<SectionEntry>,
    choice_of_object: Option<SectionEntry>,
    choice_of_relation: Option<SectionEntry>,
    choice_of_number: Option<SectionEntry>,
    open: Option<SectionEntry>,
    number: Option<SectionEntry>,
}

impl PackFile {
    fn section(&self, section: Section) -> Option<&SectionEntry> {
        match section {
            Section::YesNo => self.yes_no.as_ref(),
            Section::ChoiceOfObject => self.choice_of_object.as_ref(),
            Section::ChoiceOfRelation => self.choice_of_relation.as_ref(),
            Section::ChoiceOfNumber => self.choice_of_number.as_ref(),
            Section::Open => self.open.as_ref(),
            Section::Number => self.number.as_ref(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SectionEntry {
    questions: Vec<WordingEntry>,
    #[serde(default)]
    yes: Vec<WordingEntry>,
    #[serde(default)]
    no: Vec<WordingEntry>,
    #[serde(default)]
    answers: Vec<WordingEntry>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WordingEntry {
    Text(String),
    ForAxes { text: String, axes: Vec<String> },
}
