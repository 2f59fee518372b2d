//! Packing: samples about the same images become conversations of several turns, which are far fewer records, and as many fewer copies of images
//! where shards embed them.
//!
//! ```text
//! samples ─► buckets by the hash of their images ─► the samples about one set of images ─► conversations of at most N ─► buckets by id
//! ```
//!
//! In: samples with the paths of their images. Out: records. A conversation never asks one question twice, in other words: the first answer would give
//! the second away. Which samples it holds, and in which order, follows from their ids and the seed alone. The samples about one set of images are in
//! memory at a time.

use std::collections::{BTreeMap, HashMap};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::ExportKind;
use super::buckets::Buckets;
use super::conversation::Conversation;
use super::dialect::Dialect;
use super::exact_json;
use crate::error::Result;
use crate::tables::Sample;

/// Adds a sample to those about its images.
pub fn add(groups: &Buckets, sample: &Sample) -> Result<()> {
    groups.add(&images_of(sample), &exact_json::write(sample)?)
}

/// What samples of one conversation have in common: the images as they are drawn, in their order.
fn images_of(sample: &Sample) -> String {
    let paths: Vec<&str> = sample.images.iter().map(|image| image.path.as_str()).collect();
    format!("{} {}", sample.image_format, paths.join(" "))
}

/// Makes records of all samples that were added.
pub fn pack(
    groups: &Buckets,
    turns: usize,
    seed: i64,
    kind: &ExportKind,
    dialect: &Dialect,
    records: &Buckets,
) -> Result<()> {
    for bucket in 0..groups.close()?.len() {
        let sorted = groups.sorted(bucket)?;
        for range in sorted.runs() {
            // Two sets of images may have one hash.
            let mut about: BTreeMap<String, Vec<Sample>> = BTreeMap::new();
            for text in sorted.records(range) {
                let sample: Sample = exact_json::read(&text?)?;
                about.entry(images_of(&sample)).or_default().push(sample);
            }
            for samples in about.into_values() {
                for samples in conversations(samples, turns, seed) {
                    let Some(conversation) = Conversation::packed(&samples) else { continue };
                    records.add(&conversation.id(), &(kind.record)(&conversation, dialect)?)?;
                }
            }
        }
    }
    Ok(())
}

/// Samples in the order of a hash, in runs of at most `turns` of which each question has one at most.
fn conversations(mut samples: Vec<Sample>, turns: usize, seed: i64) -> Vec<Vec<Sample>> {
    // The bits of the seed are a hash's seed as they are.
    let hash = |sample: &Sample| xxh3_64_with_seed(sample.sample_id.as_bytes(), seed as u64);
    samples.sort_by_cached_key(|sample| (hash(sample), sample.sample_id.clone()));
    // The k-th wordings of all questions are told apart from their first ones.
    let mut asked: HashMap<String, usize> = HashMap::new();
    let mut rounds: BTreeMap<usize, Vec<Sample>> = BTreeMap::new();
    for sample in samples {
        let before = asked.entry(sample.question_id.clone()).or_default();
        rounds.entry(*before).or_default().push(sample);
        *before += 1;
    }
    let mut packed = Vec::new();
    for round in rounds.into_values() {
        let mut rest = round.into_iter().peekable();
        while rest.peek().is_some() {
            packed.push(rest.by_ref().take(turns.max(1)).collect());
        }
    }
    packed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(n: usize, question: usize) -> Sample {
        Sample { sample_id: format!("s{n}"), question_id: format!("q{question}"), ..Sample::default() }
    }

    #[test]
    fn every_sample_has_one_turn_and_no_question_two_in_one_conversation() {
        // Ten questions in one to four words each.
        let samples: Vec<Sample> = (0..25).map(|n| sample(n, n * n % 10)).collect();
        for turns in [1, 2, 3, 10, 1000] {
            let packed = conversations(samples.clone(), turns, 7);
            let mut ids: Vec<String> = packed.iter().flatten().map(|sample| sample.sample_id.clone()).collect();
            ids.sort();
            ids.dedup();
            assert_eq!(ids.len(), 25);
            for conversation in &packed {
                let mut questions: Vec<&str> = conversation.iter().map(|sample| sample.question_id.as_str()).collect();
                questions.sort();
                questions.dedup();
                assert!(
                    !conversation.is_empty() && conversation.len() <= turns && questions.len() == conversation.len()
                );
            }
            let mut backwards = samples.clone();
            backwards.reverse();
            assert_eq!(conversations(backwards, turns, 7), packed);
        }
        assert_ne!(conversations(samples.clone(), 3, 8), conversations(samples, 3, 7));
    }

    #[test]
    fn columns_of_packed_samples_are_those_of_the_table() {
        let (groups, records) = (Buckets::new(2, 7).unwrap(), Buckets::new(2, 7).unwrap());
        // serde_json reads these as other numbers.
        let margins = [0.19327636160092454, 0.21035592752722154];
        for (n, margin) in margins.into_iter().enumerate() {
            add(&groups, &Sample { margin, ..sample(n, n) }).unwrap();
        }
        let kind = ExportKind::named("webdataset").unwrap();
        pack(&groups, 2, 7, kind, &Dialect::named(kind.dialect).unwrap(), &records).unwrap();
        records.close().unwrap();
        let [record] = &records.read(0).unwrap()[..] else { panic!("one conversation") };
        assert!(margins.iter().all(|margin| record.contains(&format!("\"margin\":{margin}"))), "{record}");
    }
}
