//! `init`: a new project.

use clap::Args;

use super::Global;
use crate::error::{Context, Error, Result};
use crate::progress::tell_line;
use crate::project::keys::KEYS;
use crate::source::{SourceKind, kind};

/// Write a mill.toml with every key, its default and what it means
#[derive(Debug, Args)]
pub struct Init {
    /// What kind the first source is of: coco, images, ...; `import --kind all` lists them
    #[arg(long, value_name = "NAME", default_value = "synthetic")]
    kind: String,
}

impl Init {
    pub(super) fn run(self, global: &Global) -> Result<()> {
        let kind = kind(&self.kind)?;
        let file = global.project.join("mill.toml");
        if file.exists() {
            return Err(Error::usage("there is a project here already").with("file", file.display()));
        }
        std::fs::create_dir_all(&global.project)
            .or_input(|| format!("cannot create `{}`", global.project.display()))?;
        std::fs::write(&file, template(kind)).or_input(|| format!("cannot write `{}`", file.display()))?;
        let here = global.project.display();
        let edit = if kind.makes_root { "" } else { "let `root` of its [[source]] be where your data is, then " };
        tell_line(format_args!("wrote {}; next: {edit}`spatialmill --project {here} build`", file.display()));
        Ok(())
    }
}

/// The text of a new mill.toml: a source of a kind with its options as comments, and every other key as a comment.
pub(super) fn template(kind: &SourceKind) -> String {
    let SourceKind { name, doc, .. } = kind;
    let mut text = format!(
        "# A spatialmill project. Keys that are commented out have the value shown.\n\n\
         # {name}: {doc}\n\
         # `spatialmill import --kind {name}` says how it lies on disk; `--kind all` lists the other kinds.\n\
         [[source]]\n\
         name = \"{}\"{}# its frames are called so: {0}/...\n\
         kind = \"{name}\"\n",
        source_name(kind),
        " ".repeat(20_usize.saturating_sub(source_name(kind).len())),
    );
    text += &format!("root = \"data/{}\"     # a path from here, file:// or s3:// URL\n", source_name(kind));
    text += "split = \"train\"            # train, val or test; where the dataset says it, the dataset wins\n";
    text += match kind.makes_root {
        true => "licence = \"CC0-1.0\"\n",
        false => "# licence = \"\"             # of what does not say its own; it travels to every sample\n",
    };
    let options = options(kind);
    if !options.is_empty() {
        text += &format!("# Options of `{name}` alone:\n{options}");
    }
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

/// Rooms are what the generator makes; any other source is called as its kind.
fn source_name(kind: &SourceKind) -> &'static str {
    if kind.makes_root { "rooms" } else { kind.name }
}

/// What a kind's document says of its options, as comments.
fn options(kind: &SourceKind) -> String {
    let after = kind.long_doc.split_once("\nOptions:\n\n").map_or("", |(_, after)| after);
    let lines = after.lines().take_while(|line| line.starts_with("  "));
    lines.map(|line| format!("#{}\n", line.strip_prefix(' ').unwrap_or(line))).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::project::Project;
    use crate::source::SOURCES;

    #[test]
    fn a_new_project_is_valid_with_and_without_its_comments() {
        for kind in SOURCES {
            let text = template(kind);
            let project = Project::parse(&text, Path::new(".")).unwrap();
            assert_eq!((project.sources.len(), project.sources[0].kind.as_str()), (1, kind.name));
            let bare: String = text
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

    #[test]
    fn every_kind_explains_its_options() {
        for kind in SOURCES {
            assert!(options(kind).lines().count() > 2 && template(kind).contains(&options(kind)), "{}", kind.name);
        }
        assert!(
            template(super::kind("coco").unwrap()).contains("# missing_images  quarantine"),
            "{}",
            template(super::kind("coco").unwrap())
        );
    }
}
