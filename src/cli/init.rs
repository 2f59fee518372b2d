//! `init`: a new project.

use clap::Args;

use super::Global;
use crate::error::{Context, Error, Result};
use crate::progress::tell_line;
use crate::project::keys::KEYS;

/// Write a mill.toml with every key, its default and what it means
#[derive(Debug, Args)]
pub struct Init {}

impl Init {
    pub(super) fn run(self, global: &Global) -> Result<()> {
        let file = global.project.join("mill.toml");
        if file.exists() {
            return Err(Error::usage("there is a project here already").with("file", file.display()));
        }
        std::fs::create_dir_all(&global.project)
            .or_input(|| format!("cannot create `{}`", global.project.display()))?;
        std::fs::write(&file, template()).or_input(|| format!("cannot write `{}`", file.display()))?;
        let here = global.project.display();
        tell_line(format_args!(
            "wrote {}; next: edit its [[source]], then `spatialmill --project {here} build`",
            file.display()
        ));
        Ok(())
    }
}

/// The text of a new mill.toml: synthetic rooms as a source, every other key as a comment.
pub(super) fn template() -> String {
    let mut text = String::from(
        "# A spatialmill project. Keys that are commented out have the value shown.\n\n\
         [[source]]\n\
         name = \"rooms\"\n\
         kind = \"synthetic\"        # `spatialmill import --kind all` lists the kinds, `--kind NAME` explains one\n\
         root = \"data/rooms\"       # a path, file:// or s3:// URL\n\
         split = \"train\"\n\
         licence = \"CC0-1.0\"\n",
    );
    let mut section = "";
    for key in KEYS {
        if key.section != section {
            section = key.section;
            text += &format!("\n[{section}]\n");
        }
        text += &format!("# {}\n# {} = {}\n", key.doc, key.name, key.default);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::project::Project;

    #[test]
    fn a_new_project_is_valid_with_and_without_its_comments() {
        Project::parse(&template(), Path::new(".")).unwrap();
        let bare: String = template()
            .lines()
            .map(|line| {
                line.strip_prefix("# ")
                    .filter(|l| KEYS.iter().any(|k| l.starts_with(&format!("{} = ", k.name))))
                    .unwrap_or(line)
            })
            .map(|line| format!("{line}\n"))
            .collect();
        Project::parse(&bare, Path::new(".")).unwrap();
    }
}
