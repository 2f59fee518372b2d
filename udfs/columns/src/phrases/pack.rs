//! A task's pack of wordings: `queries/5_ask/<task>/phrases.toml`, or `phrases.<pack>.toml` for one in another style.
//!
//! ```toml
//! topics = ["lateral", "vertical", "depth"]         # of topics.toml
//! slots = [{ name = "subject" }, { name = "object" }]   # what a question speaks of; these two where nothing is said
//!
//! [yes_no]
//! questions = ["Is {the subject} {asked relation} {the object}?"]
//! yes = ["Yes.", "Yes, {subject:it is|they are}."]
//! no = ["No."]
//!
//! [choice_of_option]
//! options = ["subject", "object"]                    # slots or words, as an example for the linter and previews
//! questions = ["Which one is it?\n{options}", { text = "This one or that one?\n{options}", options = [2] }]
//! answers = ["{letter}"]
//!
//! [open]
//! questions = [{ text = "On which side of {the object} is {the subject}?", topics = ["lateral"] }]
//! answers = ["{Option}."]
//! ```

use std::sync::Arc;

use serde::Deserialize;

use super::segment::{self, Role, Segment, Slot};
use super::slots::Kind;
use super::topics::{OPTION, Topic, Topics};
use super::{Error, PLAIN, PackText, Template};

/// All wordings of one task.
#[derive(Debug)]
pub struct Pack {
    topics: Vec<String>,
    slots: Vec<PackSlot>,
    sections: Vec<Wordings>,
}

/// A slot that a pack's questions have.
#[derive(Debug, Clone, PartialEq)]
pub struct PackSlot {
    pub name: String,
    pub kind: Kind,
    /// The unit of a value.
    pub unit: String,
    /// The decimals of a value.
    pub decimals: u8,
}

/// What shape a question and its answer have. A choice may be between objects, relations, numbers or any options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    YesNo,
    ChoiceOfObject,
    ChoiceOfRelation,
    ChoiceOfNumber,
    ChoiceOfOption,
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
    /// Of a choice of options: an example of them.
    pub options: Vec<String>,
    pairings: Vec<Pairings>,
}

/// One wording of a question or an answer.
#[derive(Debug)]
pub struct Wording {
    pub text: String,
    /// The topics that it can be used for; all where empty.
    topics: Vec<String>,
    /// The numbers of options of a choice that it can be used for; all where empty.
    options: Vec<u8>,
    pub segments: Arc<[Segment]>,
}

/// What one topic, answer and number of options can be worded with: for each question wording, each answer wording.
#[derive(Debug)]
struct Pairings {
    topic: String,
    answer: &'static str,
    /// `None` stands for every number where no wording is for some alone.
    options: Option<u8>,
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
    pub const ALL: [Self; 7] = [
        Self::YesNo,
        Self::ChoiceOfObject,
        Self::ChoiceOfRelation,
        Self::ChoiceOfNumber,
        Self::ChoiceOfOption,
        Self::Open,
        Self::Number,
    ];

    /// The section of a question's shape, as `questions` has it.
    pub fn of(shape: &str) -> Option<Self> {
        Some(match shape {
            "yes_no" | "fixed yes_no" => Self::YesNo,
            "choice of object" => Self::ChoiceOfObject,
            "choice of relation" => Self::ChoiceOfRelation,
            "choice of number" => Self::ChoiceOfNumber,
            "choice of value" | "choice of 2 options" | "choice of 3 options" | "choice of 4 options" => {
                Self::ChoiceOfOption
            }
            "open" => Self::Open,
            "number" => Self::Number,
            _ => return None,
        })
    }

    /// How many options a question of this shape has, where the shape says so.
    pub fn options(shape: &str) -> Option<u8> {
        shape.strip_prefix("choice of ")?.strip_suffix(" options")?.parse().ok()
    }

    /// The answer form that it belongs to.
    pub fn answer_form(self) -> &'static str {
        match self {
            Self::YesNo => "yes_no",
            Self::ChoiceOfObject | Self::ChoiceOfRelation | Self::ChoiceOfNumber | Self::ChoiceOfOption => "choice",
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
            Self::ChoiceOfOption => "choice_of_option",
            other => other.answer_form(),
        }
    }

    /// What stands before a question wording's number in a template id, so that the kinds of choice stay apart.
    fn prefix(self) -> &'static str {
        match self {
            Self::ChoiceOfObject => "object-",
            Self::ChoiceOfRelation => "relation-",
            Self::ChoiceOfNumber => "number-",
            Self::ChoiceOfOption => "option-",
            _ => "",
        }
    }
}

impl Pack {
    /// Reads and compiles a pack.
    pub fn parse(all_topics: &Topics, PackText { task, name, text }: &PackText<'_>) -> Result<Self, Error> {
        let prefix = if *name == PLAIN { (*task).to_owned() } else { format!("{task}@{name}") };
        let file: PackFile = toml::from_str(text).map_err(|e| Error::syntax(&prefix, e))?;
        known(all_topics, &prefix, &file.topics)?;
        let sections = Section::ALL
            .into_iter()
            .filter_map(|section| Some((section, file.section(section)?)))
            .map(|(section, entry)| Wordings::compile(all_topics, &prefix, &file.topics, section, entry))
            .collect::<Result<Vec<_>, _>>()?;
        let slots = match &file.slots {
            Some(slots) => declared(&prefix, slots)?,
            None => usual(&sections),
        };
        let pack = Self { topics: file.topics, slots, sections };
        pack.check_slots(all_topics, &prefix)?;
        Ok(pack)
    }

    /// The names of the topics that it has words for.
    pub fn topics(&self) -> &[String] {
        &self.topics
    }

    /// What its questions speak of.
    pub fn slots(&self) -> &[PackSlot] {
        &self.slots
    }

    /// Its sections.
    pub fn sections(&self) -> &[Wordings] {
        &self.sections
    }

    /// Whether it words questions of this section with this many options about this topic.
    pub(super) fn has(&self, section: Section, options: Option<u8>, topic: &Topic) -> bool {
        let mut wordings = self.sections.iter().filter(|wordings| wordings.section == section);
        wordings.any(|wordings| wordings.pairings.iter().any(|p| p.topic == topic.name && p.is_for(options)))
    }

    /// That every slot of every wording is declared, of a kind that can stand there, and every form of a relation is there.
    fn check_slots(&self, all_topics: &Topics, pack: &str) -> Result<(), Error> {
        for wordings in &self.sections {
            let lists = std::iter::once(&wordings.questions).chain(wordings.answers.iter().map(|(_, list)| list));
            for wording in lists.flatten() {
                self.check_segments(&wording.segments, pack, &wording.text)?;
                for topic in self.topics.iter().filter(|topic| wording.is_for(topic)) {
                    for slot in slots_of(&wording.segments) {
                        self.check_form(all_topics, pack, topic, wordings.section, slot)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn check_segments(&self, segments: &[Segment], pack: &str, wording: &str) -> Result<(), Error> {
        for slot in slots_of(segments) {
            let Some(name) = slot.name() else { continue };
            let kind = self.slots.iter().find(|declared| declared.name == name).map(|declared| declared.kind);
            let fits = kind.is_some_and(|kind| match slot {
                Slot::The(..) => matches!(kind, Kind::Object | Kind::Category | Kind::Image),
                Slot::A(..) | Slot::Plural(_) | Slot::Counted(..) => kind == Kind::Category,
                Slot::Digits(_) => kind == Kind::Value,
                Slot::Agree(..) => matches!(kind, Kind::Object | Kind::Category | Kind::List),
                _ => true,
            });
            if !fits {
                let (pack, slot, wording) = (pack.to_owned(), name.to_owned(), wording.to_owned());
                return Err(Error::UndeclaredSlot { pack, slot, wording });
            }
        }
        Ok(())
    }

    /// That the topic has the forms that a slot says, and the pack the slots that they have.
    fn check_form(
        &self,
        all_topics: &Topics,
        pack: &str,
        topic: &str,
        section: Section,
        slot: &Slot,
    ) -> Result<(), Error> {
        let of_relations = matches!(section, Section::ChoiceOfRelation | Section::Open);
        let form = match slot {
            Slot::Relation(_, form) => &**form,
            Slot::Either => {
                let either = all_topics.relations_of(topic).next().map(|id| all_topics.topic(id).either.is_empty());
                if either != Some(false) {
                    return Err(no_form(pack, "either", topic));
                }
                return Ok(());
            }
            Slot::Option(_) | Slot::Options | Slot::OptionsInline if of_relations => OPTION,
            _ => return Ok(()),
        };
        for relation in all_topics.relations_of(topic).map(|id| all_topics.relation(id)) {
            let forms = relation.forms(form);
            // An open answer need not be a relation.
            if forms.is_empty() && !(form == OPTION && section == Section::Open) {
                return Err(no_form(pack, form, topic));
            }
            for form in forms {
                self.check_segments(&form.segments, pack, &form.text)?;
            }
        }
        Ok(())
    }

    /// Ids of templates in which every wording of a section for a topic, an answer and a number of options is there once at least.
    pub fn preview(&self, section: Section, options: Option<u8>, topic: &str, answer: &str) -> Vec<&str> {
        let wordings = self.sections.iter().find(|wordings| wordings.section == section);
        let fits = |p: &&Pairings| p.topic == topic && (p.answer == ANY || p.answer == answer) && p.is_for(options);
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
    pub(super) fn pick(
        &self,
        section: Section,
        options: Option<u8>,
        topic: &Topic,
        answer: &str,
        draw: f64,
    ) -> Option<&str> {
        let wordings = self.sections.iter().find(|wordings| wordings.section == section)?;
        let fits =
            |p: &&Pairings| p.topic == topic.name && (p.answer == ANY || p.answer == answer) && p.is_for(options);
        let questions = &wordings.pairings.iter().find(fits)?.of_question;
        // One draw picks twice: its whole part the question, what is left the answer.
        let at = draw.clamp(0.0, 1.0) * questions.len() as f64;
        let answers = questions.get(at as usize).or(questions.last())?;
        let pairing = answers.get((at.fract() * answers.len() as f64) as usize).or(answers.last())?;
        Some(&pairing.id)
    }
}

/// How many options a choice may have whose shape says so.
const OPTION_COUNTS: [u8; 3] = [2, 3, 4];

/// The name of the one list of answers where there is no "yes" and "no".
const ANY: &str = "answers";

impl Wordings {
    fn compile(
        all_topics: &Topics,
        task: &str,
        topics: &[String],
        section: Section,
        entry: &SectionEntry,
    ) -> Result<Self, Error> {
        let questions = compile_all(all_topics, task, &entry.questions)?;
        let lists = [&entry.questions, &entry.answers, &entry.yes, &entry.no];
        check_option_counts(task, section, lists.into_iter().flatten())?;
        let answers = match section {
            Section::YesNo => {
                vec![
                    ("yes", compile_all(all_topics, task, &entry.yes)?),
                    ("no", compile_all(all_topics, task, &entry.no)?),
                ]
            }
            _ => vec![(ANY, compile_all(all_topics, task, &entry.answers)?)],
        };
        let mut wordings = Self { section, questions, answers, options: entry.options.clone(), pairings: Vec::new() };
        let mut all_pairings = Vec::new();
        for topic in topics {
            for (name, list) in &wordings.answers {
                let missing = || Error::Missing {
                    pack: task.to_owned(),
                    section: section.name(),
                    answer: name,
                    topic: topic.clone(),
                };
                let pair = |q: usize, a: usize| Pairing { id: id(task, section, q, name, a), question: q, answer: a };
                let mut pairings = Vec::new();
                for options in wordings.option_counts() {
                    let usable = |(_, wording): &(usize, &Wording)| wording.is_for(topic) && wording.takes(options);
                    let answers_to =
                        |q| list.iter().enumerate().filter(usable).map(|(a, _)| pair(q, a)).collect::<Vec<_>>();
                    let of_question: Vec<_> =
                        wordings.questions.iter().enumerate().filter(usable).map(|(q, _)| answers_to(q)).collect();
                    if of_question.iter().any(Vec::is_empty) {
                        return Err(missing());
                    }
                    if !of_question.is_empty() {
                        pairings.push(Pairings { topic: topic.clone(), answer: name, options, of_question });
                    }
                }
                if pairings.is_empty() {
                    return Err(missing());
                }
                all_pairings.extend(pairings);
            }
        }
        wordings.pairings = all_pairings;
        Ok(wordings)
    }

    /// The numbers of options that are worded differently: `None` where all are worded alike, else each that a choice may have, and `None` for
    /// those that a question's shape does not say.
    pub fn option_counts(&self) -> Vec<Option<u8>> {
        let alike = self.questions.iter().all(|wording| wording.options.is_empty());
        if alike { vec![None] } else { std::iter::once(None).chain(OPTION_COUNTS.map(Some)).collect() }
    }

    /// The example's options, or the first of them where a choice has so many.
    pub fn first_options(&self, count: Option<u8>) -> Vec<&str> {
        let most = count.map_or(self.options.len(), usize::from);
        self.options.iter().take(most).map(String::as_str).collect()
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

impl Pairings {
    fn is_for(&self, options: Option<u8>) -> bool {
        self.options.is_none_or(|own| Some(own) == options)
    }
}

impl Wording {
    /// True where it can be used for a choice of so many options; of one whose number is not known, where it can be used for all.
    pub fn takes(&self, options: Option<u8>) -> bool {
        self.options.is_empty() || options.is_some_and(|options| self.options.contains(&options))
    }

    /// True where it can be used for this topic.
    pub fn is_for(&self, topic: &String) -> bool {
        self.topics.is_empty() || self.topics.contains(topic)
    }
}

/// The slots of some segments.
fn slots_of(segments: &[Segment]) -> impl Iterator<Item = &Slot> {
    segments.iter().filter_map(|segment| match segment {
        Segment::Slot(slot) => Some(slot),
        Segment::Text(_) => None,
    })
}

fn no_form(pack: &str, form: &str, topic: &str) -> Error {
    Error::NoForm { pack: pack.to_owned(), form: form.to_owned(), topic: topic.to_owned() }
}

fn known(all_topics: &Topics, task: &str, topics: &[String]) -> Result<(), Error> {
    match topics.iter().find(|name| !all_topics.iter().any(|topic| topic.name == **name)) {
        Some(topic) => Err(Error::UnknownTopic { pack: task.to_owned(), topic: topic.clone() }),
        None => Ok(()),
    }
}

/// The slots that a pack says it has.
fn declared(pack: &str, slots: &[SlotEntry]) -> Result<Vec<PackSlot>, Error> {
    let wrong = |slot: &str, why| Error::WrongSlot { pack: pack.to_owned(), slot: slot.to_owned(), why };
    let mut read: Vec<PackSlot> = Vec::new();
    for SlotEntry { name, kind, unit, decimals } in slots {
        if !segment::is_name(name) || segment::RESERVED.contains(&name.as_str()) {
            return Err(wrong(name, "called by a name that has a meaning of its own, or is no word in small letters"));
        }
        if read.iter().any(|earlier| earlier.name == *name) {
            return Err(wrong(name, "declared twice"));
        }
        let kind = Kind::named(kind)
            .ok_or_else(|| wrong(name, "of no kind: object, category, value, image, direction or list"))?;
        read.push(PackSlot { name: name.clone(), kind, unit: unit.clone(), decimals: *decimals });
    }
    Ok(read)
}

/// The slots of a pack that declares none: a category and the object that it is looked for around, or two objects.
fn usual(sections: &[Wordings]) -> Vec<PackSlot> {
    let of_category = |slot: &Slot| match slot {
        Slot::Agree(Role::Named(name), ..) | Slot::Name(Role::Named(name)) | Slot::The(Role::Named(name), _) => {
            &**name == "category"
        }
        Slot::A(..) | Slot::Plural(_) | Slot::Counted(..) => true,
        _ => false,
    };
    let mut questions = sections.iter().flat_map(|wordings| &wordings.questions);
    let counts = questions.any(|wording| slots_of(&wording.segments).any(of_category));
    let names = if counts {
        [("category", Kind::Category), ("object", Kind::Object)]
    } else {
        [("subject", Kind::Object), ("object", Kind::Object)]
    };
    names.map(|(name, kind)| PackSlot { name: name.to_owned(), kind, unit: String::new(), decimals: 0 }).into()
}

/// That wordings are for numbers of options that a question of the section can have.
fn check_option_counts<'a>(
    pack: &str,
    section: Section,
    wordings: impl Iterator<Item = &'a WordingEntry>,
) -> Result<(), Error> {
    for wording in wordings {
        if let WordingEntry::ForSome { text, options, .. } = wording
            && options.iter().any(|count| section != Section::ChoiceOfOption || !OPTION_COUNTS.contains(count))
        {
            return Err(Error::WrongOptionCount { pack: pack.to_owned(), wording: text.clone() });
        }
    }
    Ok(())
}

fn compile_all(all_topics: &Topics, task: &str, entries: &[WordingEntry]) -> Result<Vec<Wording>, Error> {
    entries
        .iter()
        .map(|entry| {
            let (text, topics, options) = match entry {
                WordingEntry::Text(text) => (text, Vec::new(), Vec::new()),
                WordingEntry::ForSome { text, topics, options } => (text, topics.clone(), options.clone()),
            };
            known(all_topics, task, &topics)?;
            Ok(Wording { text: text.clone(), topics, options, segments: segment::compile(text)?.into() })
        })
        .collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PackFile {
    topics: Vec<String>,
    slots: Option<Vec<SlotEntry>>,
    yes_no: Option<SectionEntry>,
    choice_of_object: Option<SectionEntry>,
    choice_of_relation: Option<SectionEntry>,
    choice_of_number: Option<SectionEntry>,
    choice_of_option: Option<SectionEntry>,
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
            Section::ChoiceOfOption => self.choice_of_option.as_ref(),
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
    #[serde(default)]
    options: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SlotEntry {
    name: String,
    #[serde(default = "object")]
    kind: String,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    decimals: u8,
}

fn object() -> String {
    Kind::Object.name().to_owned()
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WordingEntry {
    Text(String),
    ForSome {
        text: String,
        #[serde(default)]
        topics: Vec<String>,
        #[serde(default)]
        options: Vec<u8>,
    },
}
