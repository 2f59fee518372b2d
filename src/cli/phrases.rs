//! `phrases`: how questions and answers are worded.

use clap::{Args, Subcommand};
use spatialmill_columns::phrases::lexicon::Lexicon;
use spatialmill_columns::phrases::lint::lint;
use spatialmill_columns::phrases::reference::MarkWords;

use super::Global;
use crate::error::{Error, Result};
use crate::functions::phrases::texts;

/// List, lint and preview the wordings of questions and answers
#[derive(Debug, Args)]
pub struct Phrases {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Word every fact in every wording, read the texts back and name each defect; exit code 1 where there is one
    Lint,
}

impl Phrases {
    pub(super) fn run(self, global: &Global) -> Result<()> {
        let project = global.project()?;
        match self.verb {
            Verb::Lint => {
                let unusable = |e| Error::usage("the phrases cannot be used").because(e);
                let texts = texts(&project)?;
                let lexicon = Lexicon::parse(texts.relations).map_err(unusable)?;
                let marks = MarkWords::parse(texts.references).map_err(unusable)?;
                let mut n = 0;
                for pack in &texts.packs {
                    for finding in lint(&lexicon, &marks, pack).map_err(unusable)? {
                        super::out(&format!("{} {}: {finding}\n", pack.task, pack.name))?;
                        n += 1;
                    }
                }
                if n > 0 { Err(Error::input(format!("{n} defects"))) } else { Ok(()) }
            }
        }
    }
}
