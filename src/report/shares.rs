//! Shares: samples counted along one dimension at a time, next to what `[balance.targets]` wants.
//!
//! In: counts by everything at once. Out: for each dimension its values with their number and, where the project names one, the
//! wanted share. A target speaks of the values that it names, among each other; the others stay as they are.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use spatialmill_columns::phrases::topics::Topics;

use super::number::number;

/// How many samples are alike in all of this.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct SampleCount {
    pub source: String,
    pub task: String,
    pub relation: String,
    pub answer_form: String,
    pub text_format: String,
    pub image_format: String,
    /// noun, box or none.
    pub shortcut: String,
    /// yes, no, an option's letter, the relation that holds, or a number; of what was measured, the range that it is in.
    pub answer: Option<String>,
    /// Where the range of what was measured begins: 1, 2 or 5 times a power of ten. `answer` is its unit until `with_words`.
    pub range_begin: Option<f64>,
    pub n: u64,
    /// The relation's topic (left and right are `lateral`), by the project's topics; the relation itself where they do not have it.
    #[serde(skip)]
    pub topic: String,
    /// The opposite relation, where its topic has two.
    #[serde(skip)]
    pub opposite: Option<String>,
}

impl SampleCount {
    /// The same with what the project's topics say of its relation, and with the words for a range.
    pub fn with_words(mut self, topics: &Topics) -> Self {
        if let Some(begin) = self.range_begin {
            // A range that begins at 2 ends at 5, the others at the double.
            let end = if format!("{begin:.0e}").starts_with('2') { 2.5 * begin } else { 2.0 * begin };
            let unit = self.answer.unwrap_or_default();
            self.answer = Some(format!("{} to {} {unit}", number(begin), number(end)));
        }
        self.topic = topics.topic_of(&self.relation).to_owned();
        self.opposite =
            topics.find(&self.relation).and_then(|id| topics.opposite(id)).map(|id| topics.relation(id).name.clone());
        self
    }

    /// The other of two values: no for yes, B for A, right for left.
    fn counterpart(&self, value: &str) -> Option<&str> {
        match value {
            "yes" => Some("no"),
            "no" => Some("yes"),
            "A" => Some("B"),
            "B" => Some("A"),
            relation if relation == self.relation => self.opposite.as_deref(),
            _ => None,
        }
    }
}

/// What samples are counted by, with the words for its heading.
pub type Dimension = (&'static str, &'static str, fn(&SampleCount) -> &str);

/// The dimensions that targets can be set for, named as in `[balance.targets]`; `answer` is shown apart, by [`answers`].
pub const DIMENSIONS: &[Dimension] = &[
    ("task", "Tasks", |count| &count.task),
    ("relation", "Relations", |count| &count.relation),
    ("axis", "Axes", |count| &count.topic),
    ("answer_form", "Answer forms", |count| &count.answer_form),
    ("source", "Sources", |count| &count.source),
];

/// One value of a dimension.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    pub value: String,
    pub n: u64,
    /// Of all samples of the dimension.
    pub share: f64,
    /// The share that is wanted.
    pub target: Option<f64>,
}

/// The shares of a dimension's values; opposite relations side by side, everything else by name. A value whose counterpart is
/// there is listed even if no sample has it, because that is what an unbalanced dataset looks like.
pub fn shares(counts: &[SampleCount], by: fn(&SampleCount) -> &str, wanted: Option<&toml::Value>) -> Vec<Share> {
    let mut sums: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for count in counts {
        let value = by(count);
        let beside = if value == count.relation { &count.topic } else { value };
        *sums.entry((beside, value)).or_default() += count.n;
        if let Some(other) = count.counterpart(value) {
            sums.entry((if value == count.relation { beside } else { other }, other)).or_default();
        }
    }
    let total: u64 = sums.values().sum();
    let weights: Vec<Option<f64>> = sums.keys().map(|(_, value)| weight(wanted, value)).collect();
    let weight_sum: f64 = weights.iter().flatten().sum();
    let named: u64 = sums.values().zip(&weights).filter(|(_, weight)| weight.is_some()).map(|(n, _)| n).sum();
    sums.iter()
        .zip(&weights)
        .map(|((&(_, value), &n), weight)| Share {
            value: value.to_owned(),
            n,
            share: ratio(n as f64, total as f64),
            target: weight.map(|weight| ratio(weight, weight_sum) * ratio(named as f64, total as f64)),
        })
        .collect()
}

/// The answers to one kind of question: their shares should not give the answer away.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerShares {
    /// What is asked.
    pub of: String,
    pub shares: Vec<Share>,
}

/// Yes and no by axis, option letters by task, which of two opposite relations holds, and numbers.
pub fn answers(counts: &[SampleCount], wanted: Option<&toml::Value>) -> [(&'static str, Vec<AnswerShares>); 4] {
    fn answer(count: &SampleCount) -> &str {
        count.answer.as_deref().unwrap_or("?")
    }
    let yes_no = |count: &SampleCount| (count.answer_form == "yes_no").then(|| of_axis(count));
    let letters = |count: &SampleCount| (count.answer_form == "choice").then(|| format!("{}, choice", count.task));
    let open = |count: &SampleCount| (count.answer_form == "open" && count.opposite.is_some()).then(|| of_axis(count));
    let numbers = |count: &SampleCount| (count.answer_form == "number").then(|| count.task.clone());
    [
        ("Yes or no", grouped(counts, yes_no, answer, wanted)),
        ("Option letters", grouped(counts, letters, answer, wanted)),
        ("Open answers", grouped(counts, open, |count| &count.relation, wanted)),
        // "Uniform" thins what is too frequent, and wants no number as often as another.
        ("Numbers", grouped(counts, numbers, answer, None).into_iter().map(by_size).collect()),
    ]
}

/// Numbers and ranges by what they begin with, and not by their letters.
fn by_size(mut answers: AnswerShares) -> AnswerShares {
    let begin = |share: &Share| share.value.split(' ').next().and_then(|begin| begin.parse::<f64>().ok());
    answers.shares.sort_by(|a, b| begin(a).unwrap_or(f64::MAX).total_cmp(&begin(b).unwrap_or(f64::MAX)));
    answers
}

/// What gives answers without a look at the scene, on each axis.
pub fn shortcuts(counts: &[SampleCount], wanted: Option<&toml::Value>) -> Vec<AnswerShares> {
    grouped(counts, |count| Some(of_axis(count)), |count| &count.shortcut, wanted)
}

fn of_axis(count: &SampleCount) -> String {
    format!("{}, {}", count.task, count.topic)
}

/// An answer that is right too often, where there was too little to choose from to balance it.
#[derive(Debug, Clone, PartialEq)]
pub struct Lopsided {
    pub source: String,
    /// What is asked, and how.
    pub of: String,
    pub answer: String,
    pub share: f64,
    pub n: u64,
}

/// Fewer samples than these say nothing of a share.
const ENOUGH: u64 = 10;

/// The answers that somebody could rely on: above 60 % of two, or 40 % of more.
pub fn lopsided(counts: &[SampleCount]) -> Vec<Lopsided> {
    let mut groups: BTreeMap<(&str, String), Answers> = BTreeMap::new();
    // Nobody guesses a length from the range that it is in.
    for count in counts.iter().filter(|count| count.range_begin.is_none()) {
        let Some(answer) = &count.answer else { continue };
        let of = match count.answer_form.as_str() {
            "choice" | "number" => format!("{}, {}", count.task, count.answer_form),
            form => format!("{}, {form}", of_axis(count)),
        };
        let answers = groups.entry((&count.source, of)).or_default();
        *answers.times.entry(answer).or_default() += count.n;
        answers.more_than_two |= count.counterpart(answer).is_none();
    }
    let mut found = Vec::new();
    for ((source, of), answers) in groups {
        let n: u64 = answers.times.values().sum();
        let most = if answers.more_than_two { 0.4 } else { 0.6 };
        let Some((answer, times)) = answers.times.into_iter().max_by_key(|(_, times)| *times) else { continue };
        let share = ratio(times as f64, n as f64);
        if n >= ENOUGH && share > most {
            found.push(Lopsided { source: source.to_owned(), of, answer: answer.to_owned(), share, n });
        }
    }
    found
}

/// The answers to one kind of question, with how often each is right.
#[derive(Default)]
struct Answers<'a> {
    times: BTreeMap<&'a str, u64>,
    /// Whether an answer is not one of two. The other of two answers is possible even where no sample has it.
    more_than_two: bool,
}

fn grouped(
    counts: &[SampleCount],
    group: impl Fn(&SampleCount) -> Option<String>,
    by: fn(&SampleCount) -> &str,
    wanted: Option<&toml::Value>,
) -> Vec<AnswerShares> {
    let groups: BTreeSet<String> = counts.iter().filter_map(&group).collect();
    let of_group = |of: String| {
        let alike: Vec<SampleCount> =
            counts.iter().filter(|count| group(count).as_ref() == Some(&of)).cloned().collect();
        AnswerShares { shares: shares(&alike, by, wanted), of }
    };
    groups.into_iter().map(of_group).collect()
}

/// `"uniform"`, or a table of relative shares.
fn weight(wanted: Option<&toml::Value>, value: &str) -> Option<f64> {
    match wanted? {
        toml::Value::Table(weights) => match weights.get(value)? {
            toml::Value::Integer(whole) => Some(*whole as f64),
            other => other.as_float(),
        },
        _ => Some(1.0),
    }
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(task: &str, relation: &str, form: &str, answer: Option<&str>, n: u64) -> SampleCount {
        SampleCount {
            task: task.to_owned(),
            relation: relation.to_owned(),
            answer_form: form.to_owned(),
            answer: answer.map(str::to_owned),
            n,
            ..SampleCount::default()
        }
        .with_words(&topics())
    }

    fn topics() -> Topics {
        Topics::parse([("topics.toml", include_str!("../../queries/5_ask/topics.toml"))]).unwrap()
    }

    #[test]
    fn a_target_is_shared_among_the_values_that_it_names() {
        let counts = [
            count("a", "left", "open", None, 30),
            count("b", "left", "open", None, 50),
            count("c", "left", "open", None, 20),
        ];
        let wanted: toml::Table = "task = { a = 1, b = 1 }".parse().unwrap();
        let shares = shares(&counts, |count| &count.task, wanted.get("task"));
        let targets: Vec<Option<f64>> = shares.iter().map(|share| share.target).collect();
        // 80 of 100 are named, and shared equally.
        assert_eq!(targets, [Some(0.4), Some(0.4), None]);
        assert_eq!(shares[0].share, 0.3);
    }

    #[test]
    fn opposite_relations_stand_together() {
        let counts: Vec<SampleCount> =
            ["above", "right", "left", "below"].iter().map(|relation| count("a", relation, "open", None, 1)).collect();
        let uniform = toml::Value::String("uniform".to_owned());
        let shares = shares(&counts, |count| &count.relation, Some(&uniform));
        let names: Vec<&str> = shares.iter().map(|share| share.value.as_str()).collect();
        assert_eq!(names, ["left", "right", "above", "below"]);
        assert!(shares.iter().all(|share| share.target == Some(0.25)));
    }

    #[test]
    fn answers_are_counted_within_their_kind_of_question() {
        let counts = [
            count("a", "left", "yes_no", Some("yes"), 3),
            count("a", "right", "yes_no", Some("no"), 1),
            count("a", "left", "choice", Some("B"), 7),
            count("a", "left", "open", None, 5),
        ];
        let [(_, yes_no), (_, letters), (_, open), (_, numbers)] = answers(&counts, None);
        assert_eq!(numbers, []);
        assert_eq!(yes_no[0].of, "a, lateral");
        assert_eq!(
            yes_no[0].shares.iter().map(|s| (s.value.as_str(), s.n)).collect::<Vec<_>>(),
            [("no", 1), ("yes", 3)]
        );
        let of = |answers: &AnswerShares| answers.shares.iter().map(|s| (s.value.clone(), s.n)).collect::<Vec<_>>();
        assert_eq!(of(&letters[0]), [("A".to_owned(), 0), ("B".to_owned(), 7)]);
        assert_eq!(of(&open[0]), [("left".to_owned(), 5), ("right".to_owned(), 0)]);
    }

    #[test]
    fn what_was_measured_is_counted_by_ranges() {
        let measured = |begin: f64, n| {
            let in_metres = SampleCount { range_begin: Some(begin), ..count("a", "left", "number", Some("m"), n) };
            in_metres.with_words(&topics())
        };
        let counted = |answer, n| count("b", "left", "number", Some(answer), n);
        let counts = [measured(10.0, 3), measured(0.5, 40), measured(2.0, 1), counted("10", 1), counted("9", 2)];
        let [.., (_, numbers)] = answers(&counts, None);
        let of = |answers: &AnswerShares| answers.shares.iter().map(|s| (s.value.clone(), s.n)).collect::<Vec<_>>();
        let expected = [("0.5 to 1 m", 40), ("2 to 5 m", 1), ("10 to 20 m", 3)];
        assert_eq!(of(&numbers[0]), expected.map(|(range, n)| (range.to_owned(), n)));
        assert_eq!(of(&numbers[1]), [("9".to_owned(), 2), ("10".to_owned(), 1)]);
        assert!(lopsided(&counts).iter().all(|found| found.of != "a, number"));
    }

    #[test]
    fn what_could_not_be_balanced_is_named() {
        let counts = [
            count("a", "left", "yes_no", Some("yes"), 30),
            count("a", "right", "yes_no", Some("no"), 10),
            count("a", "left", "choice", Some("B"), 9),
            count("b", "left", "choice", Some("A"), 12),
            count("b", "left", "choice", Some("B"), 10),
            count("b", "left", "choice", Some("C"), 1),
            count("b", "left", "number", Some("1"), 7),
            count("b", "left", "number", Some("2"), 7),
            count("b", "left", "number", Some("3"), 6),
        ];
        let found: Vec<(String, String, u64)> =
            lopsided(&counts).into_iter().map(|group| (group.of, group.answer, group.n)).collect();
        let expected = [("a, lateral, yes_no", "yes", 40), ("b, choice", "A", 23)];
        assert_eq!(found, expected.map(|(of, answer, n)| (of.to_owned(), answer.to_owned(), n)));
    }

    #[test]
    fn shortcuts_are_counted_by_axis() {
        let with =
            |shortcut: &str, n| SampleCount { shortcut: shortcut.to_owned(), ..count("a", "near", "open", None, n) };
        let found = shortcuts(&[with("box", 3), with("none", 1)], None);
        assert_eq!(found[0].of, "a, depth");
        assert_eq!(
            found[0].shares.iter().map(|s| (s.value.as_str(), s.share)).collect::<Vec<_>>(),
            [("box", 0.75), ("none", 0.25)]
        );
    }
}
