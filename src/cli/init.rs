//! `init`: a new project.

use std::path::Path;

use clap::Args;

use super::Global;
use crate::blocking::blocking;
use crate::error::{Context, Error, Result};
use crate::progress::tell_line;
use crate::project::keys::KEYS;
use crate::source::recognized::{Recognized, found, recognized};
use crate::source::root::Root;
use crate::source::{SourceKind, kind};

/// Write a mill.toml with every key, its default and what it means
#[derive(Debug, Args)]
pub struct Init {
    /// What kind the first source is of: coco, images, ...; `import --kind all` lists them [default: what lies at --root, else synthetic]
    #[arg(long, value_name = "NAME")]
    kind: Option<String>,
    /// Where the data is, a folder or an s3:// URL: it is looked at, and the mill.toml says what lies there
    #[arg(long, value_name = "PATH")]
    root: Option<String>,
}

impl Init {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        let asked = self.kind.as_deref().map(kind).transpose()?;
        let file = global.project.join("mill.toml");
        if file.exists() {
            return Err(Error::usage("there is a project here already").with("file", file.display()));
        }
        let (kind, root) = match &self.root {
            None => (asked.map_or_else(|| kind("synthetic"), Ok)?, None),
            Some(root) => {
                let root = seen_from(&global.project, root)?;
                let kind = look(asked, &root, &global.project).await?;
                (kind, Some(root))
            }
        };
        std::fs::create_dir_all(&global.project)
            .or_input(|| format!("cannot create `{}`", global.project.display()))?;
        std::fs::write(&file, template(kind, root.as_deref()))
            .or_input(|| format!("cannot write `{}`", file.display()))?;
        let here = global.project.display();
        let edit = if kind.makes_root || root.is_some() {
            ""
        } else {
            "let `root` of its [[source]] be where your data is, then "
        };
        tell_line(format_args!("wrote {}; next: {edit}`spatialmill --project {here} build`", file.display()));
        Ok(())
    }
}

/// A root as the user's shell means it, as a mill.toml in the project's folder says it.
fn seen_from(project: &Path, root: &str) -> Result<String> {
    if root.contains("://") || project == Path::new(".") {
        return Ok(root.to_owned());
    }
    let absolute = std::path::absolute(root).or_input(|| format!("`{root}` is no path"))?;
    Ok(absolute.to_string_lossy().into_owned())
}

/// The kind of what lies at a root, which is told.
async fn look(asked: Option<&'static SourceKind>, root: &str, project: &Path) -> Result<&'static SourceKind> {
    let (text, project) = (root.to_owned(), project.to_owned());
    let runtime = tokio::runtime::Handle::current();
    let kinds = blocking(move || {
        let root = Root::at(&text, &project, false, runtime)?;
        match asked {
            Some(kind) => Ok(vec![found(kind, &root)?]),
            None => Ok(recognized(&root)),
        }
    });
    let kinds = kinds.await?;
    let [Recognized { kind, shards, unsaid }, others @ ..] = &kinds[..] else {
        return Err(Error::input("no kind of source finds anything to read there").with("root", root).hint(
            "`spatialmill import --kind all` lists the kinds and `--kind NAME` how each lies on disk; with `init --kind NAME --root ..` it says what it misses",
        ));
    };
    tell_line(format_args!(
        "{root}: {} ({}), {shards} shard{}",
        kind.name,
        kind.doc,
        if *shards == 1 { "" } else { "s" }
    ));
    unsaid.iter().for_each(|sentence| tell_line(format_args!("  {sentence}")));
    if !others.is_empty() {
        let names: Vec<&str> = others.iter().map(|other| other.kind.name).collect();
        tell_line(format_args!("  --kind takes another reading of it: {}", names.join(", ")));
    }
    Ok(kind)
}

/// The text of a new mill.toml: a source of a kind, at a root, with its options as comments, and every other key as a comment.
pub(super) fn template(kind: &SourceKind, root: Option<&str>) -> String {
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
    let root = root.map_or_else(|| format!("data/{}", source_name(kind)), str::to_owned);
    text += &format!("root = {}     # a path from here, file:// or s3:// URL\n", toml::Value::from(root));
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
            let text = template(kind, None);
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
            assert!(
                options(kind).lines().count() > 2 && template(kind, None).contains(&options(kind)),
                "{}",
                kind.name
            );
        }
        assert!(
            template(super::kind("coco").unwrap(), None).contains("# missing_images  quarantine"),
            "{}",
            template(super::kind("coco").unwrap(), None)
        );
    }
}
