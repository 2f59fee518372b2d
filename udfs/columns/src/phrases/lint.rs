//! The linter: is every wording true, complete and grammatical?
//!
//! It words every fact that a pack can meet (each relation, both answers, both orders of options, every surface form), has
//! [`super::claim`] read the text back, and compares what it says with the fact. It stops at the first text of a wording that
//! shows a defect, so that a wording has one finding of a kind.

use std::fmt;

use super::claim::{self, Claim, FURTHER, NAMES, Thing};
use super::noun_cache::NounCache;
use super::pack::{Pack, PackSlot, Section, Wording, Wordings};
use super::reference::MarkWords;
use super::render::{Asked, Words, letter};
use super::segment::{Segment, Slot};
use super::slots::{Content, Kind, Quantity, SlotValue};
use super::surface::Surface;
use super::topics::{RelationId, Topics};
use super::{Error, Options, PLAIN, PackText};
use crate::nouns;

/// A defect of a pack: where it is, what it is, and a text that shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    pub section: &'static str,
    pub wording: String,
    pub defect: Defect,
    /// The text as worded; empty where the wording alone shows the defect.
    pub text: String,
}

/// What can be wrong with a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// Says something that is not so.
    FalseClaim,
    /// Assents where the answer is no, or denies where it is yes.
    WrongYesOrNo,
    /// Does not name the answer.
    NoAnswer,
    /// Names the letter of another option.
    WrongLetter,
    /// A question that does not name a thing that it asks about.
    MissingThing,
    /// A question that does not say which relation it asks about, or says another.
    MissingRelation,
    /// A question about numbers that does not ask for one.
    MissingCount,
    /// A choice that does not show its options, or options where there is no choice.
    MissingOptions,
    /// A verb that disagrees with the number of its noun.
    Agreement,
    /// An article that does not fit what follows.
    Article,
    /// No capital at the start, no stop at the end, or blanks in wrong places.
    Typography,
    /// The same word twice in a row: "no trash can can be seen".
    Doubled,
    /// "There are 0", "0 cups": where there is nothing, one says "none" and "no cups".
    CountedZero,
    /// A `<` or `>`, which only what the program itself writes may have.
    Reserved,
    /// Fewer wordings than a pack should have.
    TooFew,
    /// The same wording twice.
    Repeated,
}

/// How many question and answer wordings each section of a built-in task should have, for each topic. A style of its own, and a task of
/// somebody's own, may do with fewer.
pub const FEWEST: (usize, usize) = (20, 10);

/// Lints a pack. An unknown slot, an open brace or a missing list is an error: nothing can be worded with it. Only the plain pack
/// must have [`FEWEST`], and only where `fewest` says so: another one follows a style that may have few wordings.
pub fn lint(topics: &Topics, marks: &MarkWords, text: &PackText<'_>, fewest: Fewest) -> Result<Vec<Finding>, Error> {
    let pack = Pack::parse(topics, text)?;
    let names = ThingNames::of(pack.slots());
    let mut findings = Vec::new();
    for wordings in pack.sections() {
        let mut section = SectionLint {
            topics,
            marks,
            surface: surface_of(topics, marks, &pack, &names, 0.0),
            value: 0.0,
            pack: &pack,
            names: &names,
            wordings,
            findings: &mut findings,
        };
        if text.name == PLAIN && fewest == Fewest::Expected {
            section.counts();
        }
        section.repetitions();
        for case in section.cases() {
            // Forms may say a value, which is another in few cases.
            if case.value != section.value {
                section.surface = surface_of(topics, marks, &pack, &names, case.value);
                section.value = case.value;
            }
            section.check(&case);
        }
    }
    Ok(findings)
}

/// The surface forms in texts of a pack whose values are `value`.
fn surface_of(topics: &Topics, marks: &MarkWords, pack: &Pack, names: &ThingNames, value: f64) -> Surface {
    // Any relation words the forms: they have slots of the question alone.
    let some = topics.ids().next();
    let is_own = |topic: &str| pack.topics().iter().any(|own| own == topic);
    Surface::of(topics, is_own, |form| {
        let known = |segment: &Segment| match segment {
            Segment::Slot(slot) => slot.name().is_none_or(|name| pack.slots().iter().any(|slot| slot.name == name)),
            Segment::Text(_) => true,
        };
        // The form of another task's topic: no text of this pack can have it.
        if !form.segments.iter().all(known) {
            return String::new();
        }
        let slots = names.fill(pack.slots(), NAMES, value, LIST);
        let asked = Asked {
            relation: some.map_or("", |id| &topics.relation(id).name),
            answer: "yes",
            slots: &slots,
            ..Asked::default()
        };
        let mut text = String::new();
        if let Some(words) = Words::of(topics, marks, &asked, &mut NounCache::default()) {
            words.write(&form.segments, &mut text);
        }
        text
    })
}

/// Whether a plain pack must have [`FEWEST`] wordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fewest {
    Expected,
    Any,
}

/// A fact to word: what is asked and what the answer is.
struct Case<'a> {
    topic: &'a str,
    relation: RelationId,
    answer: &'a str,
    options: Vec<&'a str>,
    /// What a slot with a value holds.
    value: f64,
}

/// The items of a slot with a list, in words that stand for nothing else.
const LIST: &[&str] = &["kappa", "lambda", "mu"];

/// Which object of a text each slot is, by the order of the slots: the first two are the subject and the object of a comparison; with a
/// category the first is what it is looked for around.
struct ThingNames {
    things: Vec<(String, Thing)>,
}

impl ThingNames {
    fn of(slots: &[PackSlot]) -> Self {
        let counts = slots.iter().any(|slot| slot.kind == Kind::Category);
        let first: &[Thing] = if counts { &[Thing::Object] } else { &[Thing::Subject, Thing::Object] };
        let further = (0..FURTHER.len()).map(Thing::Further);
        let mut objects = first.iter().copied().chain(further);
        let thing = |slot: &PackSlot| {
            let thing = match slot.kind {
                Kind::Object => objects.next()?,
                Kind::Category => Thing::Category,
                _ => return None,
            };
            Some((slot.name.clone(), thing))
        };
        Self { things: slots.iter().filter_map(thing).collect() }
    }

    fn thing(&self, slot: &str) -> Option<Thing> {
        self.things.iter().find(|(name, _)| name == slot).map(|(_, thing)| *thing)
    }

    /// The slots of a question whose subject, object and category have these names.
    fn fill<'s>(
        &self,
        slots: &'s [PackSlot],
        [subject, object, category]: [&'s str; 3],
        value: f64,
        list: &'s [&'s str],
    ) -> Vec<SlotValue<'s>> {
        let mut images = 0;
        let content = |slot: &'s PackSlot| match slot.kind {
            Kind::Object => Content::Object(match self.thing(&slot.name) {
                Some(Thing::Subject) => subject,
                Some(Thing::Further(place)) => FURTHER[place],
                _ => object,
            }),
            Kind::Category => Content::Category(category),
            Kind::Value => Content::Value(Quantity { value, unit: &slot.unit, decimals: slot.decimals }),
            Kind::Image => {
                images += 1;
                Content::Image(images - 1)
            }
            Kind::Direction => Content::Direction("kappa"),
            Kind::List => Content::List(list),
        };
        slots
            .iter()
            .map(|slot| slot.name.as_str())
            .zip(slots.iter().map(content))
            .map(|(name, content)| SlotValue { name, content })
            .collect()
    }
}

struct SectionLint<'a, 'f> {
    topics: &'a Topics,
    marks: &'a MarkWords,
    surface: Surface,
    /// What the forms of `surface` say where they say a value.
    value: f64,
    pack: &'a Pack,
    names: &'a ThingNames,
    wordings: &'a Wordings,
    findings: &'f mut Vec<Finding>,
}

/// Enough keys that every surface form of every slot is taken by some.
const KEYS: usize = 24;

impl<'a> SectionLint<'a, '_> {
    fn counts(&mut self) {
        for topic in self.pack.topics() {
            let counts = self.wordings.option_counts();
            // Where a number of options has no wording for a topic, no such question is asked.
            let lowest = usize::from(counts.len() > 1);
            for options in counts {
                let few = |list: &[Wording], fewest: usize| {
                    let fitting = list.iter().filter(|wording| wording.is_for(topic) && wording.takes(options));
                    (lowest..fewest).contains(&fitting.count())
                };
                let answers = self.wordings.answers.iter().find(|(_, list)| few(list, FEWEST.1));
                let name = if few(&self.wordings.questions, FEWEST.0) {
                    Some("questions")
                } else {
                    answers.map(|(name, _)| *name)
                };
                if let Some(name) = name {
                    self.report(&format!("{name} for {topic}"), Defect::TooFew, "");
                }
            }
        }
    }

    fn repetitions(&mut self) {
        let lists = std::iter::once(&self.wordings.questions).chain(self.wordings.answers.iter().map(|(_, list)| list));
        for list in lists {
            for (index, wording) in list.iter().enumerate() {
                if list[..index].iter().any(|earlier| earlier.text == wording.text) {
                    self.report(&wording.text, Defect::Repeated, "");
                }
            }
        }
    }

    fn cases(&self) -> Vec<Case<'a>> {
        let mut cases = Vec::new();
        let topics = self.topics;
        let objects: Vec<&str> =
            self.pack.slots().iter().filter(|slot| slot.kind == Kind::Object).map(|slot| slot.name.as_str()).collect();
        let of_pack = topics.ids().filter(|id| self.pack.topics().contains(&topics.topic(*id).name));
        for relation in of_pack {
            let topic = topics.topic(relation).name.as_str();
            let name = topics.relation(relation).name.as_str();
            let opposite = topics.opposite(relation).map(|id| topics.relation(id).name.as_str());
            let of: Vec<(&str, Vec<&str>)> = match self.wordings.section {
                Section::YesNo => vec![("yes", vec![]), ("no", vec![])],
                Section::ChoiceOfObject => match objects[..] {
                    [first, second, ..] => vec![
                        (first, vec![first, second]),
                        (second, vec![first, second]),
                        (first, vec![second, first]),
                        (second, vec![second, first]),
                    ],
                    _ => Vec::new(),
                },
                Section::ChoiceOfRelation => match opposite {
                    Some(opposite) => vec![(name, vec![name, opposite]), (name, vec![opposite, name])],
                    None => Vec::new(),
                },
                Section::ChoiceOfNumber => ["0", "1", "2", "3"].map(|n| (n, vec!["0", "1", "2", "3"])).into(),
                Section::ChoiceOfOption => {
                    // Where options are relations, the right one is the relation that holds.
                    let possible = |answer: &&&str| self.topics.find(answer).is_none_or(|id| id == relation);
                    let of_count = |count| {
                        let options = self.wordings.first_options(count);
                        options.iter().filter(possible).map(|answer| (*answer, options.clone())).collect::<Vec<_>>()
                    };
                    self.wordings.option_counts().into_iter().flat_map(of_count).collect()
                }
                Section::Open => vec![(name, vec![])],
                Section::Number if self.is_about_a_category() => ["0", "1", "2", "13"].map(|n| (n, vec![])).into(),
                // As the first value slot is said.
                Section::Number if self.says_whole_values() => ["1", "4", "37", "250"].map(|n| (n, vec![])).into(),
                Section::Number => ["0.4", "1.0", "3.7", "25.0"].map(|n| (n, vec![])).into(),
            };
            cases.extend(of.into_iter().map(|(answer, options)| {
                let value = answer.parse().unwrap_or(0.0);
                Case { topic, relation, answer, options, value }
            }));
        }
        cases
    }

    fn check(&mut self, case: &Case<'_>) {
        let topic = case.topic.to_owned();
        let wordings = self.wordings;
        let options = u8::try_from(case.options.len()).ok();
        for wording in wordings.questions.iter().filter(|wording| wording.is_for(&topic) && wording.takes(options)) {
            self.check_one(wording, case, Self::question_defect);
        }
        let answers = wordings.answers_to(case.answer).iter();
        for wording in answers.filter(|wording| wording.is_for(&topic) && wording.takes(options)) {
            self.check_one(wording, case, Self::answer_defect);
        }
    }

    fn check_one(
        &mut self,
        wording: &Wording,
        case: &Case<'_>,
        defect: impl Fn(&Self, &Wording, &Case<'_>, &str) -> Option<Defect>,
    ) {
        for key in 0..KEYS {
            let key = key.to_string();
            let text = self.word(wording, case, &key, NAMES);
            let reserved = text.contains(['<', '>']).then_some(Defect::Reserved);
            let found = reserved
                .or_else(|| defect(self, wording, case, &text))
                .or_else(|| typography(&text))
                .or_else(|| counted_zero(&text));
            if let Some(defect) = found {
                return self.report(&wording.text, defect, &text);
            }
        }
        // Number and articles show with other names: several of one, or a vowel in front.
        let others = [
            ["alphas", "beta", "oven"],
            ["alpha", "betas", "scissors"],
            ["his hat", "Persian rug", "rice"],
            ["the alpha", "a beta", "hour"],
            // Names that end in a word that a sentence may go on with.
            ["trash can", "beer can", "watering can"],
        ];
        // What is counted has a singular and a plural.
        let counts = matches!(self.wordings.section, Section::Number | Section::ChoiceOfNumber);
        for names in others.into_iter().filter(|[.., category]| !counts || nouns::countable(category)) {
            let text = self.word(wording, case, "0", names);
            let defect = agreement(&text, names).or_else(|| article(&text, names)).or_else(|| doubled(&text));
            if let Some(defect) = defect {
                return self.report(&wording.text, defect, &text);
            }
        }
    }

    fn word(&self, wording: &Wording, case: &Case<'_>, key: &str, names: [&str; 3]) -> String {
        let slots = self.names.fill(self.pack.slots(), names, case.value, LIST);
        let asked = Asked {
            relation: &self.topics.relation(case.relation).name,
            answer: case.answer,
            slots: &slots,
            options: &case.options,
            key,
            ..Asked::default()
        };
        let mut text = String::new();
        if let Some(words) = Words::of(self.topics, self.marks, &asked, &mut NounCache::default()) {
            words.write(&wording.segments, &mut text);
            words.options(&mut Options::default());
        }
        text
    }

    fn question_defect(&self, wording: &Wording, case: &Case<'_>, text: &str) -> Option<Defect> {
        if !self.names.things.iter().all(|(_, thing)| claim::mentions(text, *thing)) {
            return Some(Defect::MissingThing);
        }
        let shows = |slot: &Segment| matches!(slot, Segment::Slot(Slot::Options | Slot::OptionsInline));
        if wording.segments.iter().any(shows) == case.options.is_empty() {
            return Some(Defect::MissingOptions);
        }
        let lower = text.to_lowercase();
        let counts =
            self.is_about_a_category() && matches!(self.wordings.section, Section::Number | Section::ChoiceOfNumber);
        if counts && !["how many", "number of", "count"].iter().any(|words| lower.contains(words)) {
            return Some(Defect::MissingCount);
        }
        let named = claim::relations(&self.surface, text);
        let opposite = self.topics.opposite(case.relation);
        let asks = match self.wordings.section {
            // The options name the relations.
            Section::ChoiceOfOption if case.options.iter().all(|option| self.topics.find(option).is_some()) => {
                !case.options.is_empty()
            }
            // Options may say in words of their own which of two opposites holds: then the question names both.
            Section::ChoiceOfOption if self.topics.find(case.answer).is_none() && self.names_both(case, &lower) => true,
            Section::ChoiceOfObject | Section::ChoiceOfOption => {
                named.contains(&case.relation) && !named.iter().any(|named| Some(*named) == opposite)
            }
            // Both relations are named, or the options name them, or the wording is for one topic alone and says so in its way.
            Section::ChoiceOfRelation => {
                self.names_both(case, &lower) || !case.options.is_empty() || self.is_for_some(wording)
            }
            Section::Open => match opposite {
                Some(_) => self.names_both(case, &lower) || self.is_for_some(wording),
                None => named.contains(&case.relation),
            },
            // Without an opposite, nothing is said of one object and not of the other; nor is it where a category is beside no object.
            Section::YesNo | Section::Number | Section::ChoiceOfNumber
                if opposite.is_none() && !(self.is_about_a_category() && self.has(Thing::Object)) =>
            {
                !named.is_empty() && named.iter().all(|named| *named == case.relation)
            }
            Section::YesNo | Section::Number | Section::ChoiceOfNumber => {
                let about = if self.is_about_a_category() { Thing::Category } else { Thing::Subject };
                let asked =
                    Claim::Relation { relation: case.relation, subject: about, object: Thing::Object, denied: false };
                let claims = claim::read(&self.surface, text);
                let mut relations = claims.iter().filter(|claim| matches!(claim, Claim::Relation { .. })).peekable();
                relations.peek().is_some() && relations.all(|claim| *claim == asked)
            }
        };
        (!asks).then_some(Defect::MissingRelation)
    }

    /// Whether a text names both relations of the topic in one breath.
    fn names_both(&self, case: &Case<'_>, lower: &str) -> bool {
        let either = self.topics.topic(case.relation).either.iter().flatten();
        // What the slots of a form become stands somewhere between the texts around them.
        let texts = |form: &super::topics::Form| -> Vec<String> {
            let text = |segment: &Segment| match segment {
                Segment::Text(text) => Some(text.to_lowercase()),
                Segment::Slot(_) => None,
            };
            form.segments.iter().filter_map(text).collect()
        };
        either.map(texts).any(|texts| !texts.is_empty() && texts.iter().all(|text| lower.contains(text.trim())))
    }

    /// Whether a wording is for some of the pack's topics and not for all.
    fn is_for_some(&self, wording: &Wording) -> bool {
        !self.pack.topics().iter().all(|topic| wording.is_for(topic))
    }

    fn answer_defect(&self, _: &Wording, case: &Case<'_>, text: &str) -> Option<Defect> {
        if let Some(named) = named_letter(text) {
            let right = case.options.iter().position(|option| *option == case.answer).map(letter);
            if right != Some(named) {
                return Some(Defect::WrongLetter);
            }
        }
        // An option in words of its own is an example: what it says is no claim of the wording.
        let in_own_words = self.wordings.section == Section::ChoiceOfOption && self.topics.find(case.answer).is_none();
        let text = if in_own_words { &text.replace(case.answer, "") } else { text };
        let claims = claim::read(&self.surface, text);
        if !claims.iter().all(|claim| self.is_true(claim, case)) {
            return Some(Defect::FalseClaim);
        }
        if self.wordings.section == Section::YesNo {
            let said = claim::yes_or_no(text);
            return (said != Some(case.answer == "yes")).then_some(Defect::WrongYesOrNo);
        }
        // An option in words of its own.
        let said = self.wordings.section == Section::ChoiceOfOption && text.contains(case.answer);
        let answered = said
            || named_letter(text).is_some()
            || claims.iter().any(|claim| match (self.wordings.section, claim) {
                (Section::Number | Section::ChoiceOfNumber, claim) => matches!(claim, Claim::Number { .. }),
                (_, claim) => matches!(claim, Claim::Relation { .. } | Claim::Thing(_)),
            });
        (!answered).then_some(Defect::NoAnswer)
    }

    /// Evaluates a claim against the fact that the case was made from.
    fn is_true(&self, claim: &Claim, case: &Case<'_>) -> bool {
        let topics = self.topics;
        match *claim {
            Claim::Relation { relation, subject, object, denied } if self.is_about_a_category() => {
                let none = case.answer == "no" || case.answer == "0";
                relation == case.relation
                    && subject == Thing::Category
                    && object == Thing::Object
                    && denied == (none && !counts_none(claim, case))
            }
            Claim::Relation { relation, denied, .. } if topics.opposite(case.relation).is_none() => {
                relation == case.relation && denied == (case.answer == "no")
            }
            Claim::Relation { relation, denied, .. }
                if self.wordings.section == Section::ChoiceOfOption && topics.find(case.answer).is_some() =>
            {
                relation == case.relation && !denied
            }
            // Of several options one is said to be what is asked about, and no other.
            Claim::Relation { relation, subject, denied, .. } if self.wordings.section == Section::ChoiceOfOption => {
                relation == case.relation && denied == (Some(subject) != self.names.thing(case.answer))
            }
            Claim::Relation { relation, subject, object, denied } => {
                let second = self.names.thing(case.answer) == Some(Thing::Object);
                let holds = match case.answer {
                    "no" => topics.opposite(case.relation),
                    _ if second => topics.opposite(case.relation),
                    _ => Some(case.relation),
                };
                let Some(holds) = holds else { return false };
                let truth = match (subject, object) {
                    (Thing::Subject, Thing::Object) => relation == holds,
                    (Thing::Object, Thing::Subject) => Some(relation) == topics.opposite(holds),
                    _ => return false,
                };
                // A denial of a relation of another topic would be true as often as not: it says nothing, so it is no claim.
                let same_topic = topics.topic(relation).name == topics.topic(holds).name;
                same_topic && truth != denied
            }
            Claim::Thing(Thing::Category) => true,
            Claim::Thing(thing) => self.names.thing(case.answer) == Some(thing),
            Claim::Number { value, unit, in_words } => self.is_right_number(value, unit, in_words, case),
            Claim::Echo { denied } => denied == (case.answer == "no"),
        }
    }

    fn is_right_number(&self, value: f64, unit: Option<&str>, in_words: bool, case: &Case<'_>) -> bool {
        let right = case.answer.parse() == Ok(value);
        if self.is_about_a_category() {
            return self.wordings.section == Section::YesNo || right;
        }
        // "Of the two" counts nothing that was asked.
        if self.wordings.section != Section::Number || in_words {
            return true;
        }
        let mut values = self.pack.slots().iter().filter(|slot| slot.kind == Kind::Value);
        right && unit.is_none_or(|unit| values.any(|slot| slot.unit == unit))
    }

    fn says_whole_values(&self) -> bool {
        self.pack.slots().iter().find(|slot| slot.kind == Kind::Value).is_some_and(|slot| slot.decimals == 0)
    }

    fn is_about_a_category(&self) -> bool {
        self.has(Thing::Category)
    }

    fn has(&self, wanted: Thing) -> bool {
        self.names.things.iter().any(|(_, thing)| *thing == wanted)
    }

    fn report(&mut self, wording: &str, defect: Defect, text: &str) {
        let section = self.wordings.section.name();
        if !self.findings.iter().any(|f| f.section == section && f.wording == wording && f.defect == defect) {
            self.findings.push(Finding { section, wording: wording.to_owned(), defect, text: text.to_owned() });
        }
    }
}

/// "Above the beta I count 0" counts none without denying anything; "no gammas" does both.
fn counts_none(claim: &Claim, case: &Case<'_>) -> bool {
    case.answer == "0" && matches!(claim, Claim::Relation { denied: false, .. })
}

/// The letter that an answer gives: a capital on its own that is not the article "A".
fn named_letter(text: &str) -> Option<char> {
    let mut words = text.split(' ').peekable();
    while let Some(word) = words.next() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let article = word == "A" && words.peek().is_some();
        if let [letter @ b'A'..=b'F'] = bare.as_bytes()
            && !article
        {
            return Some(char::from(*letter));
        }
    }
    None
}

fn typography(text: &str) -> Option<Defect> {
    let bare_letter_or_number = text.len() <= 3 || text.parse::<f64>().is_ok();
    let starts = text.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit() || c == '(');
    let option = text.starts_with('(') || text.get(1..3) == Some(". ");
    let ends = text.ends_with(['.', '?', '!']) || text.contains("\nA. ") || option || bare_letter_or_number;
    let blanks = text.contains("  ")
        || text.contains(" .") && !text.contains(" ...")
        || text.contains(" ?")
        || text.contains(" ,");
    (!starts || !ends || blanks || text.ends_with(' ')).then_some(Defect::Typography)
}

/// A verb in the wrong number next to a name: "the alphas is", "is the alphas", "the beta are".
fn agreement(text: &str, names: [&str; 3]) -> Option<Defect> {
    const ONE: [&str; 8] = ["is", "does", "has", "was", "appears", "looks", "seems", "stands"];
    const MANY: [&str; 8] = ["are", "do", "have", "were", "appear", "look", "seem", "stand"];
    // A comma is a word here: the verb behind it may be another clause's.
    let lower = text.to_lowercase().replace(',', " , ");
    let words: Vec<&str> =
        lower.split(|c: char| !(c.is_alphanumeric() || "',".contains(c))).filter(|word| !word.is_empty()).collect();
    let article = |word: &str| matches!(word, "the" | "a" | "an" | "some" | "no");
    for name in names {
        let several = nouns::is_are(name) == "are";
        let wrong = if several { &ONE } else { &MANY };
        let name = name.to_lowercase();
        let name: Vec<&str> = name.split(' ').collect();
        for at in (0..words.len()).filter(|at| words[*at..].starts_with(&name)) {
            let before = words[..at].iter().rev().find(|word| !article(word)).copied().unwrap_or("");
            let after = words.get(at + name.len()).copied().unwrap_or("");
            // "Are the alpha and the beta": a verb before two names is about both.
            if after == "and" {
                continue;
            }
            // Behind a preposition the name is not the subject of the next verb, and behind "does" that verb has one form only.
            let behind =
                ["of", "than", "with", "to", "from", "above", "below", "and", "or", "does", "do"].contains(&before);
            if wrong.contains(&before) || (!behind && wrong.contains(&after)) {
                return Some(Defect::Agreement);
            }
        }
    }
    let several = |name: &str| nouns::is_are(name) == "are";
    let pronoun = |word: &str| words.windows(2).any(|pair| pair == [word, "is"] || pair == [word, "are"]);
    // With several subjects "it is" can only be about one thing that the text does not speak of.
    (several(names[0]) && !lower.contains("other way") && !lower.contains("is it?") && pronoun("it"))
        .then_some(Defect::Agreement)
}

fn article(text: &str, names: [&str; 3]) -> Option<Defect> {
    let lower = text.to_lowercase();
    let twice =
        ["the the ", "the a ", "a the ", "the his ", "a his ", "a a ", "a an "].iter().any(|pair| lower.contains(pair));
    let wrong = names.iter().any(|name| {
        let right = nouns::a_an(name).to_lowercase();
        let name = name.to_lowercase();
        ["a", "an"].iter().any(|article| {
            let text = format!(" {lower}");
            let said = format!("{article} {name}");
            said != right && text.contains(&format!(" {said}"))
        })
    });
    (twice || wrong).then_some(Defect::Article)
}

/// A zero that stands where words for none belong: behind "there are", or before what is counted.
fn counted_zero(text: &str) -> Option<Defect> {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let zero = |word: &str| matches!(word, "0" | "zero");
    let of_things = |pair: &[&str]| zero(pair[0]) && pair[1].strip_suffix('s').unwrap_or(pair[1]) == NAMES[2];
    let there_are = |three: &[&str]| three[0] == "there" && matches!(three[1], "is" | "are") && zero(three[2]);
    (words.windows(2).any(of_things) || words.windows(3).any(there_are)).then_some(Defect::CountedZero)
}

/// The same word twice in a row, as where a name ends in the word that a wording goes on with.
fn doubled(text: &str) -> Option<Defect> {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    words.windows(2).any(|pair| pair[0] == pair[1]).then_some(Defect::Doubled)
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let defect = match self.defect {
            Defect::FalseClaim => "says what is not so",
            Defect::WrongYesOrNo => "assents and denies the wrong way round",
            Defect::NoAnswer => "does not answer",
            Defect::WrongLetter => "gives the letter of another option",
            Defect::MissingThing => "does not name a thing that it asks about",
            Defect::MissingRelation => "does not ask about the relation",
            Defect::MissingCount => "does not ask for a number",
            Defect::MissingOptions => "shows no options, or options where there is no choice",
            Defect::Agreement => "has a verb that disagrees with its noun",
            Defect::Article => "has an article that does not fit",
            Defect::Typography => "has a wrong start, end or blank",
            Defect::Doubled => "says a word twice in a row where a name ends in it",
            Defect::CountedZero => {
                "says that there are 0 of something: `{n or none}` and `{n category}` say none and no"
            }
            Defect::Reserved => "has a `<` or `>`, as the control words of trainers do",
            Defect::TooFew => "there are too few",
            Defect::Repeated => "is there twice",
        };
        write!(f, "{}: `{}` {defect}", self.section, self.wording)?;
        if self.text.is_empty() { Ok(()) } else { write!(f, ": `{}`", self.text) }
    }
}
