//! Values of mill.toml that name something else: the kind and split of a source, the dimensions and values of `balance.targets`, the tasks,
//! sources and formats of `formats.allow`. A name that nothing has would be passed over in silence and switch off what it was to ask for.

use std::collections::BTreeSet;

use spatialmill_columns::balance::DIMENSIONS;
use spatialmill_columns::format::{ImageFormat, TextFormat};
use spatialmill_geometry::relate::RELATIONS;

use super::Project;
use crate::error::{Error, Result};
use crate::source::{self, SPLITS};
use crate::suggestion::known;

/// How an answer is given.
pub const ANSWER_FORMS: &[&str] = &["yes_no", "choice", "open", "number"];

impl Project {
    /// That every name in a value is the name of something.
    pub(super) fn check_named_values(&self) -> Result<()> {
        for source in &self.sources {
            let of_source = |e: Error| e.with("source", &source.options.name);
            source::kind(&source.kind).map_err(of_source)?;
            if let Some(split) = &source.options.split {
                known("split", split, SPLITS).map_err(of_source)?;
            }
        }
        self.check_targets().map_err(|e| e.with("key", "balance.targets"))?;
        self.check_allowed().map_err(|e| e.with("key", "formats.allow"))
    }

    /// The tasks: each a folder `5_ask/<task>` of the queries.
    pub fn tasks(&self) -> BTreeSet<&str> {
        let task = |path: &'_ String| Some(path.strip_prefix("5_ask/")?.strip_suffix("/ask.sql")?.len());
        self.queries.keys().filter_map(|path| task(path).map(|length| &path["5_ask/".len()..][..length])).collect()
    }

    fn source_names(&self) -> Vec<&str> {
        self.sources.iter().map(|source| source.options.name.as_str()).collect()
    }

    fn check_targets(&self) -> Result<()> {
        let Some(targets) = self.value("targets").and_then(toml::Value::as_table) else { return Ok(()) };
        for (dimension, wanted) in targets {
            known("dimension", dimension, DIMENSIONS)?;
            let shares = match wanted {
                toml::Value::Table(shares) => shares,
                toml::Value::String(word) => {
                    known("mix", word, &["uniform"]).map_err(|e| e.with("dimension", dimension))?;
                    continue;
                }
                _ => continue,
            };
            if let Some((noun, names)) = self.values_of(dimension) {
                for value in shares.keys() {
                    known(noun, value, &names)?;
                }
            }
        }
        Ok(())
    }

    /// The values that a dimension can have, where they are known before anything is built.
    fn values_of(&self, dimension: &str) -> Option<(&'static str, Vec<String>)> {
        let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
        let text = || TextFormat::ALL.map(TextFormat::name).to_vec();
        let image = || ImageFormat::ALL.map(ImageFormat::name).to_vec();
        // Tasks of the project's own may ask about relations of their own.
        let own_tasks = self.tasks().len() > Project::in_memory().tasks().len();
        Some(match dimension {
            "task" => ("task", owned(self.tasks().into_iter().collect())),
            "source" => ("source", owned(self.source_names())),
            "relation" if !own_tasks => ("relation", owned(RELATIONS.iter().map(|r| r.name).collect())),
            "axis" if !own_tasks => {
                ("axis", owned(RELATIONS.iter().map(|r| r.axis).collect::<BTreeSet<_>>().into_iter().collect()))
            }
            "answer_form" => ("answer form", owned(ANSWER_FORMS.to_vec())),
            "shortcut" => ("shortcut", owned(vec!["box", "noun", "none"])),
            "text_format" => ("text format", owned(text())),
            "image_format" => ("image format", owned(image())),
            "format" => {
                let pairs = text().into_iter().flat_map(|t| image().into_iter().map(move |i| format!("{t}/{i}")));
                ("format", pairs.filter(|pair| pair != "mark/original").collect())
            }
            _ => return None,
        })
    }

    fn check_allowed(&self) -> Result<()> {
        let Some(allow) = self.value("allow").and_then(toml::Value::as_table) else { return Ok(()) };
        let of_what: Vec<&str> = self.tasks().into_iter().chain(self.source_names()).chain(["*"]).collect();
        let with_any = |mut names: Vec<&'static str>| {
            names.push("*");
            names
        };
        let text = with_any(TextFormat::ALL.map(TextFormat::name).to_vec());
        let image = with_any(ImageFormat::ALL.map(ImageFormat::name).to_vec());
        for (name, patterns) in allow {
            known("task or source", name, &of_what)?;
            let patterns = patterns.as_array().ok_or_else(|| wrong_pattern(patterns))?;
            for pattern in patterns {
                let pair = pattern.as_str().and_then(|pattern| pattern.split_once('/'));
                let (text_format, image_format) = pair.ok_or_else(|| wrong_pattern(pattern))?;
                known("text format", text_format, &text)?;
                known("image format", image_format, &image)?;
            }
        }
        Ok(())
    }
}

fn wrong_pattern(given: &toml::Value) -> Error {
    Error::usage(format!("`{given}` is no list of formats")).hint("for example [\"natural/*\", \"mark/boxes\"]")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn check(text: &str, message: &str, hint: &str) {
        let project = Project::parse(text, Path::new(".")).expect("it is a project");
        let error = project.check_named_values().expect_err(text);
        assert!(error.to_string().starts_with(message), "{error}");
        assert_eq!(error.advice(), Some(hint));
    }

    #[test]
    fn names_that_nothing_has_are_refused() {
        let source = "[[source]]\nname = 'rooms'\nkind = 'synthetic'\nroot = 'r'\n";
        check("[balance]\ntargets = {taks = 'uniform'}", "there is no dimension `taks`", "did you mean `task`?");
        check("[balance]\ntargets = {task = 'unifrom'}", "there is no mix `unifrom`", "did you mean `uniform`?");
        check(
            "[balance]\ntargets = {task = {positon_comparison = 1}}",
            "there is no task `positon_comparison`",
            "did you mean `position_comparison`?",
        );
        check(
            "[balance]\ntargets = {format = {'mark/box' = 1}}",
            "there is no format `mark/box`",
            "did you mean `mark/boxes`?",
        );
        check("[balance]\ntargets = {axis = {laterl = 1}}", "there is no axis `laterl`", "did you mean `lateral`?");
        check(
            &format!("{source}[balance]\ntargets = {{source = {{room = 1}}}}"),
            "there is no source `room`",
            "did you mean `rooms`?",
        );
        check(
            "[formats]\nallow = {objct_counting = ['*/*']}",
            "there is no task or source",
            "did you mean `object_counting`?",
        );
        check("[formats]\nallow = {'*' = ['mark/mask']}", "there is no image format `mask`", "did you mean `masks`?");
        check(
            "[formats]\nallow = {'*' = ['mark']}",
            "`\"mark\"` is no list of formats",
            "for example [\"natural/*\", \"mark/boxes\"]",
        );
        check(
            &source.replace("root", "split = 'validation'\nroot"),
            "there is no split `validation`, source `rooms`",
            "there are: train, val, test",
        );
        check(&source.replace("synthetic", "scanet"), "there is no kind of source `scanet`", "did you mean `scannet`?");
    }

    #[test]
    fn names_that_are_known_are_taken() {
        let text = "[[source]]\nname = 'rooms'\nkind = 'synthetic'\nroot = 'r'\nsplit = 'val'\n\
            [formats]\nallow = {'*' = ['*/*'], rooms = ['natural/*', '*/boxes'], size_comparison = ['mark/numbers']}\n\
            [balance]\ntargets = {source = {rooms = 1}, relation = {left = 1, far = 0}, answer = {yes = 1, A = 2}}";
        Project::parse(text, Path::new("."))
            .expect("it is a project")
            .check_named_values()
            .expect("all names are known");
    }
}
