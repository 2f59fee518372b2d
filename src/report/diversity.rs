//! How varied the texts of a task are.
//!
//! Two measures that papers on generated data report: the share of *distinct n-grams* (Li et al. 2016, distinct-1 to distinct-3: 1 where no two runs
//! of n words are the same), and the *self-similarity*, the mean over pairs of texts of the 3-grams that two share, of those that
//! either has (Jaccard). Names of things count as one word, or a large vocabulary would pass for varied wordings.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;

/// One sampled text with what its names are.
#[derive(Debug, Clone, Deserialize)]
pub struct QuestionRow {
    pub task: String,
    pub template_id: String,
    pub question: String,
    pub answer: String,
    pub slots: Vec<Slot>,
}

/// What fills a slot of the question, as far as it is text.
#[derive(Debug, Clone, Deserialize)]
pub struct Slot {
    pub text: Option<String>,
}

/// What was measured of a task's questions or answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Diversity {
    pub task: String,
    /// questions or answers.
    pub of: &'static str,
    pub texts: usize,
    /// Different wordings among them.
    pub wordings: usize,
    /// distinct-1, distinct-2, distinct-3: 0-1.
    pub distinct: [f64; 3],
    /// 0-1: 0 where no two texts share three words in a row.
    pub similarity: f64,
}

/// Questions and answers of each task. Rows come in the order of their hashes, so that neighbours are random pairs.
pub fn measure(rows: &[QuestionRow]) -> Vec<Diversity> {
    let mut tasks: BTreeMap<&str, Vec<&QuestionRow>> = BTreeMap::new();
    for row in rows {
        tasks.entry(&row.task).or_default().push(row);
    }
    let parts: [(&'static str, fn(&QuestionRow) -> &str, usize); 2] =
        [("questions", |row| &row.question, 2), ("answers", |row| &row.answer, 3)];
    let mut measured = Vec::new();
    for (task, rows) in tasks {
        for (of, text, part) in parts {
            // <task>/<answer_form>/<question wording>/<answer wording>
            let wording = |row: &QuestionRow| {
                row.template_id
                    .split('/')
                    .enumerate()
                    .filter(|(at, _)| *at == 1 || *at == part)
                    .map(|(_, part)| part.to_owned())
                    .collect::<Vec<_>>()
            };
            let wordings: HashSet<Vec<String>> = rows.iter().map(|row| wording(row)).collect();
            let texts: Vec<Vec<String>> = rows.iter().map(|row| words(text(row), row)).collect();
            measured.push(Diversity {
                task: task.to_owned(),
                of,
                texts: texts.len(),
                wordings: wordings.len(),
                distinct: [1, 2, 3].map(|n| distinct(&texts, n)),
                similarity: similarity(&texts),
            });
        }
    }
    measured
}

/// The words of a text, each name as one.
fn words(text: &str, row: &QuestionRow) -> Vec<String> {
    let mut text = text.to_lowercase();
    for name in row.slots.iter().filter_map(|slot| slot.text.as_deref()).filter(|name| !name.is_empty()) {
        text = text.replace(&name.to_lowercase(), "_");
    }
    text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '\''))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

fn distinct(texts: &[Vec<String>], n: usize) -> f64 {
    let all = texts.iter().map(|text| text.windows(n).count()).sum::<usize>();
    let different: HashSet<&[String]> = texts.iter().flat_map(|text| text.windows(n)).collect();
    different.len() as f64 / all.max(1) as f64
}

fn similarity(texts: &[Vec<String>]) -> f64 {
    // A text of one or two words is its own n-gram.
    let grams = |text: &'_ [String]| -> HashSet<Vec<String>> {
        text.windows(text.len().clamp(1, 3)).map(<[String]>::to_vec).collect()
    };
    let pairs: Vec<f64> = texts
        .windows(2)
        .map(|pair| {
            let (one, other) = (grams(&pair[0]), grams(&pair[1]));
            let shared = one.intersection(&other).count();
            shared as f64 / (one.len() + other.len() - shared).max(1) as f64
        })
        .collect();
    pairs.iter().sum::<f64>() / pairs.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(template: &str, question: &str, subject: &str) -> QuestionRow {
        QuestionRow {
            task: "t".into(),
            template_id: format!("t/open/{template}/1"),
            question: question.into(),
            answer: "Left.".into(),
            slots: vec![Slot { text: Some(subject.into()) }],
        }
    }

    #[test]
    fn other_names_are_no_other_wordings() {
        let rows = [row("1", "Is the red chair left?", "red chair"), row("1", "Is the lamp left?", "lamp")];
        let [questions, answers] = &measure(&rows)[..] else { panic!("questions and answers") };
        assert_eq!((questions.texts, questions.wordings, answers.wordings), (2, 1, 1));
        // is the _ left: 4 words, 3 pairs and 2 triples, all of them twice.
        assert_eq!(questions.distinct, [0.5, 0.5, 0.5]);
        assert_eq!((questions.similarity, answers.similarity), (1.0, 1.0));
    }

    #[test]
    fn what_shares_nothing_is_all_distinct() {
        let rows = [row("1", "Is the lamp left?", "lamp"), row("2", "Please say where one finds it.", "lamp")];
        let measured = measure(&rows);
        assert_eq!((measured[0].wordings, measured[0].distinct, measured[0].similarity), (2, [1.0; 3], 0.0));
    }
}
