//! The project: a folder with a `mill.toml`, and the values of its keys.
//!
//! In: the file, `--set key=value` and the defaults of [`keys::KEYS`]. Out: a [`Project`] in which every key has a value of the
//! right type. An unknown or misspelt key is refused, with the nearest known one as a hint.

pub mod keys;
mod machine_memory;
mod named;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use spatialmill_models::{Registry, Task};

use crate::error::{Context, Error, Result};
use crate::source::SourceOptions;
use crate::suggestion::nearest;
use crate::text;
use keys::{ConfigKey, KEYS};

/// A project folder and its configuration.
#[derive(Debug, Clone)]
pub struct Project {
    /// The folder that holds `mill.toml`; relative paths start here.
    pub folder: PathBuf,
    /// The sources, in the order of the file.
    pub sources: Vec<SourceTable>,
    values: BTreeMap<&'static str, toml::Value>,
    queries: BTreeMap<String, String>,
    models: Registry,
}

/// One `[[source]]` of `mill.toml`.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
pub struct SourceTable {
    /// One of [`SOURCES`](crate::source::SOURCES) by name.
    pub kind: String,
    /// A path (relative to the project's folder), `file://` or `s3://` URL.
    pub root: String,
    /// Everything else.
    #[serde(flatten)]
    pub options: SourceOptions,
}

static QUERIES: include_dir::Dir<'_> = include_dir::include_dir!("$CARGO_MANIFEST_DIR/queries");

impl Project {
    /// Reads `mill.toml` in a folder and puts `--set` values (`seed=7`, `build.seed=7`) over it.
    pub fn load(folder: &Path, set: &[String]) -> Result<Self> {
        let file = folder.join("mill.toml");
        // A link that leads nowhere is there, and cannot be read.
        if file.symlink_metadata().is_err_and(|e| e.kind() == ErrorKind::NotFound) {
            return Err(Error::usage("no project here")
                .with("file", file.display())
                .hint("`spatialmill init` writes a mill.toml; `--project DIR` points at another folder"));
        }
        let mut project = Self::parse(&text::read(&file)?, folder).map_err(|e| e.with("file", file.display()))?;
        for item in set {
            project.set(item)?;
        }
        let registry = folder.join("models.toml");
        if registry.symlink_metadata().is_ok() {
            project.models = Registry::parse(&text::read(&registry)?)
                .map_err(|e| Error::from(e).with("file", registry.display()))?;
        }
        let own = folder.join("queries");
        if own.is_dir() {
            read_queries(&own, &own, &mut project.queries)?;
        }
        project.check_named_values().map_err(|e| e.with("file", file.display()))?;
        Ok(project)
    }

    /// A project from the text of a `mill.toml`, without its own queries.
    pub fn parse(text: &str, folder: &Path) -> Result<Self> {
        let mut table: toml::Table = text.parse().map_err(|e| Error::usage("mill.toml is not TOML").because(e))?;
        let sources = match table.remove("source") {
            None => Vec::new(),
            Some(list) => list.try_into::<Vec<SourceTable>>().map_err(|e| {
                Error::usage("a [[source]] is wrong").because(e).hint("each needs `name`, `kind` and `root`")
            })?,
        };
        let mut project = Self {
            folder: folder.to_owned(),
            sources,
            values: defaults()?,
            queries: embedded(),
            models: Registry::default(),
        };
        project.check_sources()?;
        for (section, content) in table {
            if !KEYS.iter().any(|key| key.section == section) {
                return Err(unknown(&format!("[{section}]"), KEYS.iter().map(|key| format!("[{}]", key.section))));
            }
            let toml::Value::Table(content) = content else {
                return Err(Error::usage(format!("`{section}` must be a table: [{section}]")));
            };
            for (name, value) in content {
                project.assign(&section, &name, value)?;
            }
        }
        Ok(project)
    }

    /// Defaults only: for tests and for `--help`.
    pub fn in_memory() -> Self {
        Self::parse("", Path::new(".")).expect("the defaults are valid, as a test shows")
    }

    /// The value of a key, by its name alone.
    pub fn value(&self, name: &str) -> Option<&toml::Value> {
        self.values.get(name)
    }

    /// The value of a text key.
    pub fn text(&self, name: &str) -> &str {
        self.value(name).and_then(toml::Value::as_str).unwrap_or_default()
    }

    /// The value of a whole-number key.
    pub fn integer(&self, name: &str) -> i64 {
        self.value(name).and_then(toml::Value::as_integer).unwrap_or_default()
    }

    /// The value of a number key.
    pub fn number(&self, name: &str) -> f64 {
        self.value(name).and_then(toml::Value::as_float).unwrap_or_default()
    }

    /// What the process may use, in bytes.
    pub fn memory(&self) -> Result<u64> {
        match self.text("memory") {
            "auto" => Ok(machine_memory::share()),
            size => parse_bytes(size),
        }
    }

    /// The hash of all that decides what rows are made of: sources, queries and the values of keys, but for those of the machine.
    pub fn digest(&self) -> Result<String> {
        let mut hasher = blake3::Hasher::new();
        let mut field = |text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        };
        for (name, value) in self.values.iter().filter(|(name, _)| !OF_THE_MACHINE.contains(name)) {
            field(name);
            field(&value.to_string());
        }
        for (path, text) in &self.queries {
            field(path);
            field(text);
        }
        for source in &self.sources {
            field(&source.kind);
            field(&toml::to_string(&source.options).or_internal(|| "the source's options have no text form".into())?);
        }
        Ok(hasher.finalize().to_hex()[..16].to_owned())
    }

    /// Every query and phrase file, by its path below `queries/`: what is compiled in, the project's own over it.
    pub fn queries(&self) -> &BTreeMap<String, String> {
        &self.queries
    }

    /// A command line that works on this project from where this process stands.
    pub fn command(&self, verb: &str) -> String {
        let folder = self.folder.display().to_string();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        match folder.as_str() {
            "." | "" => format!("spatialmill {verb}"),
            folder if folder.chars().all(plain) => format!("spatialmill --project {folder} {verb}"),
            folder => format!("spatialmill --project '{}' {verb}", folder.replace('\'', "'\\''")),
        }
    }

    /// The models that `models.toml` names.
    pub fn models(&self) -> &Registry {
        &self.models
    }

    /// Those that `[models]` uses: the key, the model's name and its task.
    pub fn used_models(&self) -> Vec<(&'static str, &str, Task)> {
        let used = |key: &ConfigKey| Some((key.name, self.text(key.name), Task::of_key(key.name)?));
        KEYS.iter().filter_map(used).filter(|(_, name, _)| !name.is_empty()).collect()
    }

    /// Puts one `key=value` or `section.key=value` over what the file says.
    pub fn set(&mut self, item: &str) -> Result<()> {
        let (name, text) = item.split_once('=').ok_or_else(|| {
            Error::usage("`--set` needs key=value").with("given", item).hint("for example --set seed=7")
        })?;
        let name = name.trim();
        let key = KEYS
            .iter()
            .find(|key| key.name == name || name.split_once('.') == Some((key.section, key.name)))
            .ok_or_else(|| unknown(name, KEYS.iter().map(|key| key.name.to_owned())))?;
        let text = text.trim();
        // A bare word is text: `--set url=out` need not be quoted twice.
        let value = toml::from_str::<toml::Table>(&format!("v = {text}"))
            .ok()
            .and_then(|mut table| table.remove("v"))
            .unwrap_or_else(|| toml::Value::String(text.to_owned()));
        self.assign(key.section, key.name, value)
    }

    fn assign(&mut self, section: &str, name: &str, value: toml::Value) -> Result<()> {
        let key = KEYS.iter().find(|key| key.section == section && key.name == name).ok_or_else(|| {
            let known = KEYS.iter().filter(|key| key.section == section).map(|key| key.name.to_owned());
            unknown(name, known).with("table", format!("[{section}]"))
        })?;
        let default = default_of(key)?;
        let value = match (&default, value) {
            (toml::Value::Float(_), toml::Value::Integer(whole)) => toml::Value::Float(whole as f64),
            (_, value) => value,
        };
        if !default.same_type(&value) {
            let message = format!("`{section}.{name}` must be {}, not {}", default.type_str(), value.type_str());
            return Err(Error::usage(message).hint(format!("the default is {}", key.default)));
        }
        if key.share && !value.as_float().is_some_and(|value| (0.0..=1.0).contains(&value)) {
            return Err(Error::usage(format!("`{section}.{name}` is a share and must be 0 to 1, not {value}"))
                .hint(format!("the default is {}", key.default)));
        }
        self.values.insert(key.name, value);
        Ok(())
    }

    fn check_sources(&self) -> Result<()> {
        for (i, source) in self.sources.iter().enumerate() {
            let name = &source.options.name;
            if name.is_empty()
                || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
                || name.starts_with('.')
            {
                let message = "a source's name is made of letters, digits, `-`, `_` and `.`";
                return Err(Error::usage(message).with("name", name));
            }
            if self.sources[..i].iter().any(|other| other.options.name == *name) {
                return Err(Error::usage("two sources have one name").with("name", name));
            }
        }
        Ok(())
    }
}

/// Keys that may differ between the machines of one build.
const OF_THE_MACHINE: &[&str] =
    &["url", "memory", "partitions", "batch_size", "in_flight", "onnxruntime", "provider", "device", "part_timeout"];

/// A number of bytes such as `2 GiB`, `512MB` or `1000000`.
pub fn parse_bytes(text: &str) -> Result<u64> {
    let digits = text.trim().find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.trim().len());
    let (number, unit) = text.trim().split_at(digits);
    let scale = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        _ => f64::NAN,
    };
    let bytes = number.parse::<f64>().unwrap_or(f64::NAN) * scale;
    if bytes.is_finite() {
        Ok(bytes as u64)
    } else {
        Err(Error::usage("not a size").with("given", text).hint("for example 2 GiB, 512 MiB or 1000000000"))
    }
}

fn default_of(key: &ConfigKey) -> Result<toml::Value> {
    let parsed: toml::Table =
        format!("v = {}", key.default).parse().or_internal(|| format!("the default of `{}` is not TOML", key.name))?;
    Ok(parsed["v"].clone())
}

fn defaults() -> Result<BTreeMap<&'static str, toml::Value>> {
    KEYS.iter().map(|key| Ok((key.name, default_of(key)?))).collect()
}

fn embedded() -> BTreeMap<String, String> {
    fn walk(folder: &include_dir::Dir<'_>, into: &mut BTreeMap<String, String>) {
        for file in folder.files() {
            if let (Some(path), Some(text)) = (file.path().to_str(), file.contents_utf8()) {
                into.insert(path.to_owned(), text.to_owned());
            }
        }
        folder.dirs().for_each(|inner| walk(inner, into));
    }
    let mut files = BTreeMap::new();
    walk(&QUERIES, &mut files);
    files
}

fn read_queries(root: &Path, folder: &Path, into: &mut BTreeMap<String, String>) -> Result<()> {
    for item in std::fs::read_dir(folder).or_input(|| format!("cannot list `{}`", folder.display()))? {
        let path = item.or_input(|| format!("cannot list `{}`", folder.display()))?.path();
        if path.is_dir() {
            read_queries(root, &path, into)?;
        } else if path.extension().is_some_and(|e| e == "sql" || e == "toml" || e == "md") {
            let text = text::read(&path)?;
            if let Some(name) = path.strip_prefix(root).ok().and_then(Path::to_str) {
                into.insert(name.replace('\\', "/"), text);
            }
        }
    }
    Ok(())
}

fn unknown(given: &str, known: impl Iterator<Item = String>) -> Error {
    let error = Error::usage(format!("unknown key `{given}`"));
    let known: Vec<String> = known.collect();
    match nearest(given, &known) {
        Some(name) => error.hint(format!("did you mean `{name}`?")),
        None => error.hint("`spatialmill doctor --keys` lists every key"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_unique_and_documented() {
        for (i, key) in KEYS.iter().enumerate() {
            assert!(KEYS[..i].iter().all(|other| other.name != key.name), "`{}` is listed twice", key.name);
            assert!(!key.doc.is_empty() && !key.doc.ends_with('.'), "`{}`: {}", key.name, key.doc);
            default_of(key).unwrap();
        }
    }

    #[test]
    fn a_misspelt_key_is_refused_with_the_nearest_one() {
        let error = Project::parse("[build]\nsead = 1", Path::new(".")).unwrap_err();
        assert_eq!(error.to_string(), "unknown key `sead`, table `[build]`");
        assert_eq!(error.advice(), Some("did you mean `seed`?"));
        let error = Project::parse("[build]\nseed = \"x\"", Path::new(".")).unwrap_err();
        assert_eq!(error.to_string(), "`build.seed` must be integer, not string");
    }

    #[test]
    fn set_takes_words_numbers_and_sections() {
        let mut project = Project::in_memory();
        project.set("build.seed=7").unwrap();
        project.set("url=s3://bucket/x").unwrap();
        project.set("max_quarantined=1").unwrap();
        assert_eq!(project.integer("seed"), 7);
        assert_eq!(project.text("url"), "s3://bucket/x");
        assert_eq!(project.number("max_quarantined"), 1.0);
        assert!(project.set("sed=1").is_err());
    }

    #[test]
    fn a_command_names_its_project() {
        let command = |folder: &str| Project { folder: folder.into(), ..Project::in_memory() }.command("build");
        assert_eq!(command("."), "spatialmill build");
        assert_eq!(command("my/rooms"), "spatialmill --project my/rooms build");
        assert_eq!(command("it's mine"), r"spatialmill --project 'it'\''s mine' build");
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(parse_bytes("2 GiB").unwrap(), 2 << 30);
        assert_eq!(parse_bytes("1.5kb").unwrap(), 1500);
        assert!(parse_bytes("lots").is_err());
    }
}
