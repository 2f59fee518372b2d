//! The linter: is every wording true, complete and grammatical?
//!
//! It words every fact that a pack can meet (each relation, both answers, both orders of options, every surface form), has
//! [`super::claim`] read the text back, and compares what it says with the fact. It stops at the first text of a wording that
//! shows a defect, so that a wording has one finding of a kind.

use std::fmt;

use super::claim::{self, Claim, NAMES, Thing};
use super::glossary::Glossary;
use super::lexicon::{Lexicon, RelationId};
use super::pack::{Pack, Section, Wording, Wordings};
use super::reference::MarkWords;
use super::render::{Asked, Words, letter};
use super::segment::{Segment, Slot};
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
    WrongPolarity,
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

/// How many question and answer wordings each section should have, for each axis.
pub const FEWEST: (usize, usize) = (20, 10);

/// Lints a pack. An unknown slot, an open brace or a missing list is an error: nothing can be worded with it. Only the plain pack
/// must have [`FEWEST`]: another one follows a style that may have few wordings.
pub fn lint(lexicon: &Lexicon, marks: &MarkWords, text: &PackText<'_>) -> Result<Vec<Finding>, Error> {
    let pack = Pack::parse(lexicon, text)?;
    let mut findings = Vec::new();
    for wordings in pack.sections() {
        let mut section =
            SectionLint { lexicon, marks, axes: pack.axes(), counts: pack.counts(), wordings, findings: &mut findings };
        if text.name == PLAIN {
            section.counts();
        }
        section.repetitions();
        for case in section.cases() {
            section.check(&case);
        }
    }
    Ok(findings)
}

/// A fact to word: what is asked and what the answer is.
struct Case<'a> {
    axis: &'a str,
    relation: RelationId,
    answer: &'a str,
    options: Vec<&'a str>,
}

struct SectionLint<'a, 'f> {
    lexicon: &'a Lexicon,
    marks: &'a MarkWords,
    axes: &'a [String],
    /// Whether the pack asks about things of a category.
    counts: bool,
    wordings: &'a Wordings,
    findings: &'f mut Vec<Finding>,
}

/// Enough keys that every surface form of every slot is taken by some.
const KEYS: usize = 24;

impl<'a> SectionLint<'a, '_> {
    fn counts(&mut self) {
        for axis in self.axes {
            let few =
                |list: &[Wording], fewest: usize| list.iter().filter(|wording| wording.is_for(axis)).count() < fewest;
            let answers = self.wordings.answers.iter().find(|(_, list)| few(list, FEWEST.1));
            let name = if few(&self.wordings.questions, FEWEST.0) {
                Some("questions")
            } else {
                answers.map(|(name, _)| *name)
            };
            if let Some(name) = name {
                self.report(&format!("{name} for {axis}"), Defect::TooFew, "");
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
        let lexicon = self.lexicon;
        for relation in lexicon.ids().filter(|id| self.axes.contains(&lexicon.axis(*id).name)) {
            let axis = lexicon.axis(relation).name.as_str();
            let name = lexicon.relation(relation).name.as_str();
            let opposite = lexicon.relation(lexicon.opposite(relation)).name.as_str();
            let of: Vec<(&str, Vec<&str>)> = match self.wordings.section {
                Section::YesNo => vec![("yes", vec![]), ("no", vec![])],
                Section::ChoiceOfObject => vec![
                    ("subject", vec!["subject", "object"]),
                    ("object", vec!["subject", "object"]),
                    ("subject", vec!["object", "subject"]),
                    ("object", vec!["object", "subject"]),
                ],
                Section::ChoiceOfRelation => vec![(name, vec![name, opposite]), (name, vec![opposite, name])],
                Section::ChoiceOfNumber => ["0", "1", "2", "3"].map(|n| (n, vec!["0", "1", "2", "3"])).into(),
                Section::Open => vec![(name, vec![])],
                Section::Number => ["0", "1", "2", "13"].map(|n| (n, vec![])).into(),
            };
            cases.extend(of.into_iter().map(|(answer, options)| Case { axis, relation, answer, options }));
        }
        cases
    }

    fn check(&mut self, case: &Case<'_>) {
        let axis = case.axis.to_owned();
        let wordings = self.wordings;
        for wording in wordings.questions.iter().filter(|wording| wording.is_for(&axis)) {
            self.check_one(wording, case, Self::question_defect);
        }
        for wording in wordings.answers_to(case.answer).iter().filter(|wording| wording.is_for(&axis)) {
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

    fn word(&self, wording: &Wording, case: &Case<'_>, key: &str, [subject, object, category]: [&str; 3]) -> String {
        let counts = self.is_about_a_category();
        let asked = Asked {
            relation: &self.lexicon.relation(case.relation).name,
            answer: case.answer,
            subject: if counts { "" } else { subject },
            object,
            category: if counts { category } else { "" },
            options: &case.options,
            key,
            ..Asked::default()
        };
        let mut text = String::new();
        if let Some(words) = Words::of(self.lexicon, self.marks, &asked, &mut Glossary::default()) {
            words.write(&wording.segments, &mut text);
            words.options(&mut Options::default());
        }
        text
    }

    fn question_defect(&self, wording: &Wording, case: &Case<'_>, text: &str) -> Option<Defect> {
        let things: &[Thing] = if self.is_about_a_category() {
            &[Thing::Category, Thing::Object]
        } else {
            &[Thing::Subject, Thing::Object]
        };
        if !things.iter().all(|thing| claim::mentions(self.lexicon, text, *thing)) {
            return Some(Defect::MissingThing);
        }
        let shows = |slot: &Segment| matches!(slot, Segment::Slot(Slot::Options | Slot::OptionsInline));
        if wording.segments.iter().any(shows) == case.options.is_empty() {
            return Some(Defect::MissingOptions);
        }
        let lower = text.to_lowercase();
        let counts = matches!(self.wordings.section, Section::Number | Section::ChoiceOfNumber);
        if counts && !["how many", "number of", "count"].iter().any(|words| lower.contains(words)) {
            return Some(Defect::MissingCount);
        }
        let asks = match self.wordings.section {
            Section::ChoiceOfObject => {
                let named = claim::relations(self.lexicon, text);
                named.contains(&case.relation) && !named.contains(&self.lexicon.opposite(case.relation))
            }
            // Both relations are named, or the options name them, or the wording is for one axis alone and says so in its way.
            Section::ChoiceOfRelation | Section::Open => {
                let both = self
                    .lexicon
                    .axis(case.relation)
                    .either
                    .iter()
                    .flatten()
                    .any(|either| lower.contains(either.as_str()));
                both || !case.options.is_empty() || !self.axes.iter().all(|axis| wording.is_for(axis))
            }
            Section::YesNo | Section::Number | Section::ChoiceOfNumber => {
                let about = if self.is_about_a_category() { Thing::Category } else { Thing::Subject };
                let asked =
                    Claim::Relation { relation: case.relation, subject: about, object: Thing::Object, denied: false };
                let claims = claim::read(self.lexicon, text);
                let mut relations = claims.iter().filter(|claim| matches!(claim, Claim::Relation { .. })).peekable();
                relations.peek().is_some() && relations.all(|claim| *claim == asked)
            }
        };
        (!asks).then_some(Defect::MissingRelation)
    }

    fn answer_defect(&self, _: &Wording, case: &Case<'_>, text: &str) -> Option<Defect> {
        if let Some(named) = named_letter(text) {
            let right = case.options.iter().position(|option| *option == case.answer).map(letter);
            if right != Some(named) {
                return Some(Defect::WrongLetter);
            }
        }
        let claims = claim::read(self.lexicon, text);
        if !claims.iter().all(|claim| self.is_true(claim, case)) {
            return Some(Defect::FalseClaim);
        }
        if self.wordings.section == Section::YesNo {
            let said = claim::polarity(text);
            return (said != Some(case.answer == "yes")).then_some(Defect::WrongPolarity);
        }
        let answered = named_letter(text).is_some()
            || claims.iter().any(|claim| match (self.wordings.section, claim) {
                (Section::Number | Section::ChoiceOfNumber, claim) => matches!(claim, Claim::Count(_)),
                (_, claim) => matches!(claim, Claim::Relation { .. } | Claim::Thing(_)),
            });
        (!answered).then_some(Defect::NoAnswer)
    }

    /// Evaluates a claim against the fact that the case was made from.
    fn is_true(&self, claim: &Claim, case: &Case<'_>) -> bool {
        let lexicon = self.lexicon;
        match *claim {
            Claim::Relation { relation, subject, object, denied } if self.is_about_a_category() => {
                let none = case.answer == "no" || case.answer == "0";
                relation == case.relation
                    && subject == Thing::Category
                    && object == Thing::Object
                    && denied == (none && !counts_none(claim, case))
            }
            Claim::Relation { relation, subject, object, denied } => {
                let holds = match case.answer {
                    "no" | "object" => lexicon.opposite(case.relation),
                    _ => case.relation,
                };
                let truth = match (subject, object) {
                    (Thing::Subject, Thing::Object) => relation == holds,
                    (Thing::Object, Thing::Subject) => relation == lexicon.opposite(holds),
                    _ => return false,
                };
                // A denial of a relation of another axis would be true as often as not: it says nothing, so it is no claim.
                let same_axis = lexicon.axis(relation) == lexicon.axis(holds);
                same_axis && truth != denied
            }
            Claim::Thing(Thing::Subject) => case.answer == "subject",
            Claim::Thing(Thing::Object) => case.answer == "object",
            Claim::Thing(Thing::Category) => true,
            Claim::Count(n) => {
                !self.is_about_a_category() || self.wordings.section == Section::YesNo || n.to_string() == case.answer
            }
            Claim::Echo { denied } => denied == (case.answer == "no"),
        }
    }

    fn is_about_a_category(&self) -> bool {
        self.counts
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
    let bare_letter_or_number = text.len() <= 3;
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
    let lower = text.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !(c.is_alphanumeric() || c == '\'')).filter(|word| !word.is_empty()).collect();
    let article = |word: &str| matches!(word, "the" | "a" | "an" | "some" | "no");
    for name in names {
        let several = nouns::is_are(name) == "are";
        let wrong = if several { &ONE } else { &MANY };
        let name = name.to_lowercase();
        let name: Vec<&str> = name.split(' ').collect();
        for at in (0..words.len()).filter(|at| words[*at..].starts_with(&name)) {
            let before = words[..at].iter().rev().find(|word| !article(word)).copied().unwrap_or("");
            let after = words.get(at + name.len()).copied().unwrap_or("");
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
            Defect::WrongPolarity => "assents and denies the wrong way round",
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
