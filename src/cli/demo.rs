//! `demo`: the whole pipeline on rooms that it makes itself.

use std::path::PathBuf;

use clap::Args;

use super::output::{Format, to_stdout};
use super::{Global, build, init, out};
use crate::error::{Context, Result};
use crate::project::Project;
use crate::run::Mill;

/// Make synthetic rooms, build a dataset from them, write a report and print a few samples
///
/// Everything lands in one folder, which is a project like any other: look around in it with `spatialmill --project DIR sql`.
#[derive(Debug, Args)]
pub struct Demo {
    /// The folder
    #[arg(default_value = "spatialmill-demo")]
    dir: PathBuf,
}

impl Demo {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        std::fs::create_dir_all(&self.dir).or_input(|| format!("cannot create `{}`", self.dir.display()))?;
        let file = self.dir.join("mill.toml");
        if !file.exists() {
            std::fs::write(&file, init::template()).or_input(|| format!("cannot write `{}`", file.display()))?;
        }
        let mill = Mill::open(Project::load(&self.dir, &global.set)?, global.progress()).await?;
        mill.import(&[]).await?;
        let built = mill.build(None).await?;
        out(&build::summary(&built))?;
        let report = self.dir.join("report.html");
        mill.report(&report).await?;
        let context = mill.session(&Default::default()).await?;
        out("\na few samples\n")?;
        let rows = context
            .sql("SELECT task, question, answer FROM dataset ORDER BY sample_id LIMIT 8")
            .await?
            .execute_stream()
            .await?;
        to_stdout(rows, Format::Table).await?;
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
