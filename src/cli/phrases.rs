//! `phrases`: how questions and answers are worded.

use clap::{Args, Subcommand};
use spatialmill_columns::format::{ImageFormat, TextFormat};
use spatialmill_columns::phrases::lint::{Fewest, lint};
use spatialmill_columns::phrases::noun_cache::NounCache;
use spatialmill_columns::phrases::pack::{Pack, PackSlot, Section, Wording, Wordings};
use spatialmill_columns::phrases::reference::{Mark, MarkWords};
use spatialmill_columns::phrases::render::Asked;
use spatialmill_columns::phrases::slots::{Content, Kind, Quantity, SlotValue};
use spatialmill_columns::phrases::topics::Topics;
use spatialmill_columns::phrases::{Phrases as Compiled, Texts, Worded};

use super::{Global, columns, out};
use crate::error::{Error, Result};
use crate::functions::phrases::texts;
use crate::project::Project;

/// List, lint and preview the wordings of questions and answers
///
/// A pack is a file queries/5_ask/<task>/phrases.toml, or phrases.<pack>.toml for one in another style; those of the project replace or join
/// those compiled in. `packs` under [formats] says which are used, with their shares.
#[derive(Debug, Args)]
pub struct Phrases {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Count the wordings of each pack: for each answer form, the questions and the answers that a topic has at least
    List,
    /// Word every fact in every wording, read the texts back and name each defect; exit code 1 where there is one
    Lint,
    /// Show every wording of a task with names filled in
    Preview(Preview),
}

#[derive(Debug, Args)]
struct Preview {
    /// A task: the name of its folder in queries/5_ask
    task: String,
    /// The pack
    #[arg(long, default_value = "plain")]
    pack: String,
    /// The relation that is asked about; one of each topic of the task where none is named
    #[arg(long)]
    relation: Option<String>,
    /// The first object's name
    #[arg(long, default_value = "red chair")]
    subject: String,
    /// The second object's name
    #[arg(long, default_value = "curtains")]
    object: String,
    /// What is counted or looked for
    #[arg(long, default_value = "cup")]
    category: String,
    /// natural, ref_caption, ref_region_box, ref_caption_box or mark
    #[arg(long, default_value = "natural")]
    text_format: String,
    /// original, boxes, masks or numbers
    #[arg(long, default_value = "boxes")]
    image_format: String,
}

impl Phrases {
    pub(super) fn run(self, global: &Global) -> Result<()> {
        let project = global.project()?;
        let texts = texts(&project)?;
        let topics = Topics::parse(texts.topics.iter().copied()).map_err(unusable)?;
        match self.verb {
            Verb::List => list(&topics, &texts),
            Verb::Lint => {
                let marks = MarkWords::parse(texts.references).map_err(unusable)?;
                let built_in = Project::in_memory();
                let mut n = 0;
                for pack in &texts.packs {
                    // Who writes a task need not write twenty wordings of everything.
                    let fewest = if built_in.tasks().contains(pack.task) { Fewest::Expected } else { Fewest::Any };
                    for finding in lint(&topics, &marks, pack, fewest).map_err(unusable)? {
                        out(&format!("{} {}: {finding}\n", pack.task, pack.name))?;
                        n += 1;
                    }
                }
                match n {
                    0 => out(&format!("{} packs without a defect\n", texts.packs.len())),
                    n => Err(Error::input(format!("{n} defects"))),
                }
            }
            Verb::Preview(preview) => preview.run(&topics, &texts),
        }
    }
}

fn unusable(e: spatialmill_columns::phrases::Error) -> Error {
    Error::usage("the phrases cannot be used").because(e)
}

fn list(topics: &Topics, texts: &Texts<'_>) -> Result<()> {
    let mut rows = Vec::new();
    for text in &texts.packs {
        let pack = Pack::parse(topics, text).map_err(unusable)?;
        let share = texts.shares.get(text.name).copied().unwrap_or(0.0);
        for wordings in pack.sections() {
            let least = |list: &[Wording]| {
                let of = |topic| list.iter().filter(|wording| wording.is_for(topic)).count();
                pack.topics().iter().map(of).min().unwrap_or(0).to_string()
            };
            let answers: Vec<String> =
                wordings.answers.iter().map(|(name, list)| format!("{} {name}", least(list))).collect();
            rows.push(vec![
                text.task.to_owned(),
                text.name.to_owned(),
                share.to_string(),
                wordings.section.name().to_owned(),
                least(&wordings.questions),
                answers.join(", "),
            ]);
        }
    }
    out(&columns(&["task", "pack", "share", "section", "questions", "answers"], &rows))
}

impl Preview {
    fn run(&self, topics: &Topics, texts: &Texts<'_>) -> Result<()> {
        let known = |kind: &str, name: &str| Error::usage(format!("`{name}` is no {kind} format"));
        let text_format = TextFormat::named(&self.text_format).ok_or_else(|| known("text", &self.text_format))?;
        let image_format = ImageFormat::named(&self.image_format).ok_or_else(|| known("image", &self.image_format))?;
        let text =
            texts.packs.iter().find(|pack| pack.task == self.task && pack.name == self.pack).ok_or_else(|| {
                Error::usage("there is no such pack")
                    .with("task", &self.task)
                    .with("pack", &self.pack)
                    .hint("`spatialmill phrases list` names them")
            })?;
        let pack = Pack::parse(topics, text).map_err(unusable)?;
        let compiled = Compiled::new(texts).map_err(unusable)?;
        let relations: Vec<&str> = match &self.relation {
            Some(relation) => vec![relation],
            // One relation of each topic.
            None => pack
                .topics()
                .iter()
                .filter_map(|topic| topics.relations_of(topic).next())
                .map(|id| topics.relation(id).name.as_str())
                .collect(),
        };
        let slots = self.slots(pack.slots());
        let objects: Vec<&str> =
            slots.iter().filter(|slot| slot.content.kind() == Kind::Object).map(|slot| slot.name).collect();
        let labels: Vec<String> = (1..=objects.len()).map(|n| n.to_string()).collect();
        let colours = ["red", "blue", "green", "yellow"].into_iter().cycle();
        let marks: Vec<Mark<'_>> = colours.zip(&labels).map(|(colour, label)| Mark { colour, label }).collect();
        for name in relations {
            let id = topics.find(name).ok_or_else(|| Error::usage("no such relation").with("relation", name))?;
            let topic = &topics.topic(id).name;
            if !pack.topics().contains(topic) {
                return Err(Error::usage(format!("`{}` asks nothing about `{name}`", self.task)));
            }
            let opposite = topics.opposite(id).map_or(name, |id| topics.relation(id).name.as_str());
            let by_count = |wordings| Wordings::option_counts(wordings).into_iter().map(move |count| (wordings, count));
            for (wordings, count) in pack.sections().iter().flat_map(by_count) {
                let section = wordings.section;
                let of_count = count.map_or(String::new(), |n| format!(" of {n}"));
                let mut heading = Some(format!("\n{name}, {}{of_count}\n", section.name()));
                let options: Vec<&str> = match section {
                    Section::ChoiceOfObject => objects.iter().copied().take(2).collect(),
                    Section::ChoiceOfRelation => vec![name, opposite],
                    Section::ChoiceOfNumber => vec!["1", "2", "3", "4"],
                    Section::ChoiceOfOption => wordings.first_options(count),
                    _ => Vec::new(),
                };
                for (list, _) in &wordings.answers {
                    let answer = match section {
                        Section::YesNo => *list,
                        Section::ChoiceOfObject | Section::ChoiceOfOption => options.first().copied().unwrap_or(""),
                        Section::ChoiceOfRelation | Section::Open => name,
                        Section::ChoiceOfNumber | Section::Number => "2",
                    };
                    let asked = Asked {
                        relation: name,
                        answer,
                        slots: &slots,
                        options: &options,
                        text_format,
                        image_format,
                        marks: &marks,
                        key: name,
                    };
                    for (id, pair) in pack.preview(section, count, topic, answer).into_iter().enumerate() {
                        let mut worded = Worded::default();
                        if compiled.word(pair, &asked, &mut NounCache::default(), &mut worded) {
                            if let Some(heading) = heading.take() {
                                out(&heading)?;
                            }
                            let one_line = |text: &str| text.replace('\n', " / ");
                            let (question, answer) = (one_line(&worded.question), one_line(&worded.answer));
                            out(&format!("{:>3}  {question}\n     {answer}\n", id + 1))?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// An example of each slot of a pack.
    fn slots<'a>(&'a self, slots: &'a [PackSlot]) -> Vec<SlotValue<'a>> {
        let mut objects = [self.subject.as_str(), &self.object].into_iter().chain(["lamp", "picture", "vase", "shelf"]);
        // A task about a category looks for it around its one object.
        if slots.iter().any(|slot| slot.kind == Kind::Category) {
            objects.next();
        }
        let mut images = 0..;
        let content = |slot: &'a PackSlot| match slot.kind {
            Kind::Object => Content::Object(objects.next().unwrap_or("object")),
            Kind::Category => Content::Category(&self.category),
            Kind::Value => Content::Value(Quantity { value: 2.0, unit: &slot.unit, decimals: slot.decimals }),
            Kind::Image => Content::Image(images.next().unwrap_or_default()),
            Kind::Direction => Content::Direction("straight ahead"),
            Kind::List => Content::List(&["lamp", "picture", "vase"]),
        };
        slots
            .iter()
            .map(|slot| slot.name.as_str())
            .zip(slots.iter().map(content))
            .map(|(name, content)| SlotValue { name, content })
            .collect()
    }
}
