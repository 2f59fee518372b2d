//! `demo`: the whole pipeline on rooms that it makes itself.

use std::path::PathBuf;

use arrow::array::AsArray;
use clap::Args;

use super::{Global, build, init, out};
use crate::error::{Context, Error, Result};
use crate::project::Project;
use crate::run::Mill;
use crate::source::kind;

/// Make synthetic rooms, build a dataset from them, write a report and print a few samples
///
/// Everything lands in one folder, which is a project like any other: look around in it with `spatialmill --project DIR sql`.
#[derive(Debug, Args)]
pub struct Demo {
    /// The folder
    #[arg(default_value = "spatialmill-demo")]
    dir: PathBuf,
    /// Another number gives other rooms and other questions
    #[arg(long, value_name = "N")]
    seed: Option<u32>,
}

/// The kind of source that makes its own data.
const DEMO: &str = "synthetic";

impl Demo {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        std::fs::create_dir_all(&self.dir).or_input(|| format!("cannot create `{}`", self.dir.display()))?;
        let file = self.dir.join("mill.toml");
        if !file.exists() {
            let text = with_seed(&init::template(kind(DEMO)?, None), self.seed.unwrap_or(0));
            std::fs::write(&file, text).or_input(|| format!("cannot write `{}`", file.display()))?;
        }
        let project = Project::load(&self.dir, &global.set)?;
        if let Some(source) = project.sources.iter().find(|source| source.kind != DEMO) {
            return Err(Error::usage("there is another project in this folder, and the demo is of rooms alone")
                .with("file", file.display())
                .with("source", &source.options.name)
                .hint("name another folder: `spatialmill demo demo-rooms`"));
        }
        if let Some(seed) = self.seed.filter(|seed| i64::from(*seed) != project.integer("seed")) {
            return Err(Error::usage("the demo in this folder has another seed")
                .with("file", file.display())
                .with("seed", project.integer("seed"))
                .hint(format!("name another folder: `spatialmill demo demo-{seed} --seed {seed}`")));
        }
        let mill = Mill::open(project, global.progress()).await?;
        mill.import(&[]).await?;
        let built = mill.build(None).await?;
        out(&build::summary(&built))?;
        let report = self.dir.join("report.html");
        mill.report(&report).await?;
        let context = mill.session(&Default::default()).await?;
        out("\na few samples\n")?;
        for batch in context.sql(SAMPLES).await?.collect().await? {
            let texts = ["task", "question", "answer", "uri"].map(|name| batch.column_by_name(name));
            let [Some(task), Some(question), Some(answer), Some(uri)] =
                texts.map(|column| column.map(|c| c.as_string::<i32>()))
            else {
                return Err(Error::internal("the samples of the demo have these columns"));
            };
            for row in 0..batch.num_rows() {
                out(&sample(task.value(row), uri.value(row), question.value(row), answer.value(row)))?;
            }
        }
        let dir = self.dir.display();
        out(&format!(
            "\nthe dataset   spatialmill --project {dir} sql -c 'SELECT * FROM dataset LIMIT 3'\n\
             a slice       spatialmill --project {dir} slice --task object_counting --limit 5\n\
             an export     spatialmill --project {dir} export --to internvl --out {dir}/internvl\n\
             a sheet       spatialmill --project {dir} sheet --out {dir}/sheet.jpg\n\
             the report    {}\n",
            report.display()
        ))
    }
}

/// Two of each task, of different forms of answer: in plain words about a picture as it is, as long as there are such.
const SAMPLES: &str = "
    SELECT task, question, answer, uri
    FROM (
        SELECT task, question, answer, frame_ids[1] AS frame_id,
            row_number() OVER (PARTITION BY task ORDER BY nth, is_natural DESC, is_original DESC, sample_id) AS of_task
        FROM (
            SELECT *, row_number() OVER (PARTITION BY task, answer_form ORDER BY is_natural DESC, is_original DESC, sample_id) AS nth
            FROM (SELECT *, text_format = 'natural' AS is_natural, image_format = 'original' AS is_original FROM dataset) AS all_samples
        ) AS ordered
    ) AS chosen
    JOIN frames USING (frame_id)
    WHERE of_task <= 2
    ORDER BY task, of_task";

/// The text of a new project with a seed for its rooms, and the same for its questions.
fn with_seed(template: &str, seed: u32) -> String {
    let rooms = template.replacen("licence = \"CC0-1.0\"\n", &format!("licence = \"CC0-1.0\"\nseed = {seed}\n"), 1);
    rooms.replacen("# seed = 0\n", &format!("seed = {seed}\n"), 1)
}

/// A sample as somebody reads it who looks at its picture.
fn sample(task: &str, uri: &str, question: &str, answer: &str) -> String {
    let path = url::Url::parse(uri).ok().and_then(|url| url.to_file_path().ok());
    let picture = path.map_or(uri.to_owned(), |path| path.display().to_string());
    let indented = question.replace('\n', "\n      ");
    format!("\n  {}, {picture}\n    Q {indented}\n    A {answer}\n", task.replace('_', " "))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_seed_is_of_the_rooms_and_of_the_questions() {
        let text = with_seed(&init::template(kind("synthetic").unwrap(), None), 7);
        let project = Project::parse(&text, Path::new(".")).unwrap();
        assert_eq!(project.integer("seed"), 7);
        assert_eq!(project.sources[0].options.extra["seed"].as_integer(), Some(7));
    }

    #[test]
    fn a_sample_is_read_at_once() {
        let text = sample("object_counting", "file:///rooms/my%20room/1.png", "How many?\nA. one\nB. two", "B. two");
        assert_eq!(
            text,
            "\n  object counting, /rooms/my room/1.png\n    Q How many?\n      A. one\n      B. two\n    A B. two\n"
        );
    }
}
