//! The one error that leaves this library.
//!
//! An [`Error`] says what went wrong, where (file, row, key: the context pairs) and, where we know it, what to do next (the
//! hint). Bad rows are not errors: they go to the `quarantine` table. Messages are lower case, without a final stop.

use std::fmt;
use std::sync::Arc;

use arrow::error::ArrowError;
use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;

use crate::edit_distance::edit_distance;
use crate::redact::redacted;
use crate::terminal;

/// Result with this library's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What family a failure belongs to; it decides the process's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The command or the project file asks for something that cannot be (exit code 2).
    Usage,
    /// A file, table or object is missing, unreadable or not what it should be (exit code 1).
    Input,
    /// Another build committed first; running again is safe (exit code 1).
    Conflict,
    /// A part vanished before its commit had landed; running again makes it anew (exit code 1).
    Lost,
    /// A stored part is not as it was written; building makes it anew (exit code 1).
    Damaged,
    /// More rows than allowed went to quarantine, so nothing was published (exit code 3).
    Quarantined,
    /// A broken invariant of ours; please report it (exit code 1).
    Internal,
}

impl Kind {
    /// As a record of an error names it.
    pub fn code(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("internal", |(_, code)| code)
    }

    /// The kind that a record names; one of another version is a failure like any other.
    pub fn of_code(code: &str) -> Self {
        KINDS.iter().find(|(_, known)| *known == code).map_or(Self::Input, |(kind, _)| *kind)
    }
}

const KINDS: &[(Kind, &str)] = &[
    (Kind::Usage, "usage"),
    (Kind::Input, "input"),
    (Kind::Conflict, "conflict"),
    (Kind::Lost, "lost"),
    (Kind::Damaged, "damaged"),
    (Kind::Quarantined, "quarantined"),
    (Kind::Internal, "internal"),
];

/// What went wrong, where, and what to do about it.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    context: Vec<(&'static str, String)>,
    hint: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of one kind with its message.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), context: Vec::new(), hint: None, source: None }
    }

    /// [`Kind::Usage`].
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// [`Kind::Input`].
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(Kind::Input, message)
    }

    /// [`Kind::Lost`].
    pub fn lost(message: impl Into<String>) -> Self {
        Self::new(Kind::Lost, message)
    }

    /// [`Kind::Internal`].
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message)
    }

    /// Adds where it happened: `file`, `table`, `row`, `key`, `column`, ...
    pub fn with(mut self, what: &'static str, value: impl fmt::Display) -> Self {
        let said = (what, value.to_string());
        // Whoever passes an error on may not know what it says already.
        if !self.context.contains(&said) {
            self.context.push(said);
        }
        self
    }

    /// Adds what the reader can do next.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the error that caused this one.
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The family.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What the reader can do next, where we know it.
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// True where the same may succeed when it is tried again: a request that was reset, refused for the moment or not answered in time.
    pub fn is_retryable(&self) -> bool {
        let mut cause = self.source.as_deref().map(|e| e as &(dyn std::error::Error + 'static));
        // The innermost cause that is known decides: the store wraps what its file system or connection said.
        let mut is_retryable = false;
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<std::io::Error>() {
                use std::io::ErrorKind::{
                    ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted, NetworkDown,
                    NetworkUnreachable, TimedOut, UnexpectedEof,
                };
                let passing = [
                    ConnectionAborted,
                    ConnectionRefused,
                    ConnectionReset,
                    Interrupted,
                    NetworkDown,
                    NetworkUnreachable,
                    TimedOut,
                    UnexpectedEof,
                ];
                is_retryable = passing.contains(&error.kind());
            } else if let Some(error) = error.downcast_ref::<object_store::Error>() {
                is_retryable = matches!(error, object_store::Error::Generic { store: "S3", .. });
            }
            cause = error.source();
        }
        is_retryable
    }

    /// The process's exit code: 1 failed, 2 wrong usage, 3 stopped because too much was quarantined.
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Usage => 2,
            Kind::Quarantined => 3,
            Kind::Input | Kind::Conflict | Kind::Lost | Kind::Damaged | Kind::Internal => 1,
        }
    }
}

impl From<spatialmill_models::RegistryError> for Error {
    fn from(error: spatialmill_models::RegistryError) -> Self {
        let mut said = Self::usage(error.message);
        if let Some(model) = error.model {
            said = said.with("model", model);
        }
        match error.hint {
            Some(hint) => said.hint(hint),
            None => said,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.message.clone();
        for (what, value) in &self.context {
            // A value is of one line: what looks like an error or a hint of ours is one.
            text += &format!(", {what} `{}`", terminal::line(value));
        }
        let mut cause = self.source.as_deref().map(|e| e as &dyn std::error::Error);
        while let Some(error) = cause {
            // Many errors repeat in their own words what caused them.
            let why = error.to_string();
            let why = without_debug(&why);
            if !text.contains(why) {
                text += &format!(": {}", terminal::cut(why, MAX_CAUSE));
            }
            cause = error.source();
        }
        // Here and nowhere else: a URL with a password may come from any library below.
        f.write_str(&redacted(&text))
    }
}

/// Characters of a cause in somebody else's words, which may have the whole of what was read in them.
const MAX_CAUSE: usize = 600;

/// What DataFusion adds to a fault of its own: it is not for who met it here.
const BUG_REPORT: &str = "\nThis issue was likely caused by a bug in DataFusion";

/// Some print where they were made, where `RUST_BACKTRACE` is set.
const BACKTRACE: &str = "\n   0: ";

/// The words before a value of Rust's as its own debuggers print it, `Name { field: ..`: they mean nothing to who reads them.
pub fn without_debug(why: &str) -> &str {
    let is_struct = |at: usize| {
        let name = why[..at].rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        let field = why[at + " { ".len()..].split(':').next().unwrap_or_default();
        name.starts_with(|c: char| c.is_ascii_uppercase())
            && !field.is_empty()
            && field.chars().all(|c| c.is_ascii_lowercase() || c == '_')
    };
    let end = why.match_indices(" { ").map(|(at, _)| at).find(|at| is_struct(*at));
    let is_name = |c: char| c.is_alphanumeric();
    let words = end.map_or(why, |end| {
        // `Outer(Inner { ..`
        let mut words = why[..end].trim_end_matches(is_name);
        while let Some(outer) = words.strip_suffix('(') {
            words = outer.trim_end_matches(is_name);
        }
        words
    });
    let words = [BUG_REPORT, BACKTRACE].iter().fold(words, |words, end| words.split(end).next().unwrap_or(words));
    words.trim().trim_end_matches([':', '.'])
}

// `source` is printed by `Display`, so it is not offered again: error reporters would print it twice.
impl std::error::Error for Error {}

/// Turns a foreign error into ours, with a message that says what was being done.
pub trait Context<T> {
    /// The message for [`Kind::Input`] failures: something outside is missing or wrong.
    fn or_input(self, message: impl FnOnce() -> String) -> Result<T>;
    /// The message for [`Kind::Internal`] failures: an invariant of ours is broken.
    fn or_internal(self, message: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<Box<dyn std::error::Error + Send + Sync>>> Context<T> for std::result::Result<T, E> {
    fn or_input(self, message: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|e| Error::input(message()).because(e))
    }

    fn or_internal(self, message: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|e| Error::internal(message()).because(e))
    }
}

/// Found while a stored part was read: it is not as the log says. It travels through a plan as the cause of other errors.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{DAMAGED}: {why}, part `{part}`")]
pub struct Damage {
    /// The URL of the part.
    pub part: String,
    /// What is wrong with it.
    pub why: String,
}

impl Damage {
    /// As it was found, however deep.
    fn within<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Self> {
        error.downcast_ref().or_else(|| Self::within(error.source()?))
    }
}

const DAMAGED: &str = "a stored part is damaged";

const DAMAGED_HINT: &str =
    "`spatialmill verify` finds everything that is damaged, and the next `spatialmill build` makes it again";

impl From<Damage> for Error {
    fn from(Damage { part, why }: Damage) -> Self {
        Self::new(Kind::Damaged, format!("{DAMAGED}: {why}")).with("part", part).hint(DAMAGED_HINT)
    }
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        if let Some(damage) = Damage::within(&error) {
            return damage.clone().into();
        }
        // Where a footer cannot be read the causes come as text alone.
        if let Some((_, said)) = error.to_string().split_once(DAMAGED) {
            return Self::new(Kind::Damaged, format!("{DAMAGED}{said}")).hint(DAMAGED_HINT);
        }
        // An error of ours that travelled through a plan comes out as it went in.
        match error {
            DataFusionError::External(inner) => match inner.downcast::<Error>() {
                Ok(ours) => *ours,
                Err(inner) => Error::input("the query failed").because(inner),
            },
            DataFusionError::ArrowError(inner, _) => match *inner {
                ArrowError::ExternalError(inner) => DataFusionError::External(inner).into(),
                other => Error::input("the query failed").because(other),
            },
            DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => Error::from(*inner),
            DataFusionError::Shared(inner) => match Arc::try_unwrap(inner) {
                Ok(inner) => Error::from(inner),
                Err(inner) => copy_of(&inner),
            },
            DataFusionError::SchemaError(inner, _) => match *inner {
                SchemaError::FieldNotFound { field, valid_fields } => no_column(&field, &valid_fields),
                other => Error::usage("the query cannot be run").because(other),
            },
            DataFusionError::Plan(why) => {
                match why.strip_prefix("table 'datafusion.public.").and_then(|it| it.strip_suffix("' not found")) {
                    Some(table) => Error::usage(format!("there is no table `{table}`")),
                    None if why.starts_with("Invalid function") => Error::usage(format!(
                        "the query cannot be run: {why}"
                    ))
                    .hint("`spatialmill doctor --functions` lists ours, `spatialmill sql -c 'SHOW FUNCTIONS'` all"),
                    None => Error::usage(format!("the query cannot be run: {why}")),
                }
            }
            DataFusionError::ResourcesExhausted(why) => {
                // Behind it, whole tables of who holds how much.
                let first = why.split(" with top memory consumers").next().unwrap_or_default();
                Error::input(format!("the query needs more memory than it may have: {first}"))
                    .hint("`memory` under [build] says what there is: --set memory=\"4 GiB\"")
            }
            DataFusionError::Execution(why) => Error::input(format!("the query failed: {why}")),
            DataFusionError::NotImplemented(why) => Error::usage(format!("the query cannot be run: {why}")),
            other => Error::input("the query failed").because(other),
        }
    }
}

/// Of an error that several parts of a plan hold, what it would be for one.
fn copy_of(error: &DataFusionError) -> Error {
    let root = error.find_root();
    if let DataFusionError::External(inner) = root
        && let Some(ours) = inner.downcast_ref::<Error>()
    {
        let copy = Error::new(ours.kind, ours.to_string());
        return match &ours.hint {
            Some(hint) => copy.hint(hint),
            None => copy,
        };
    }
    match root {
        DataFusionError::ResourcesExhausted(why) => DataFusionError::ResourcesExhausted(why.clone()).into(),
        other => Error::input("the query failed").because(other.to_string()),
    }
}

/// Its nearest names, not all that there are.
fn no_column(field: &Column, there: &[Column]) -> Error {
    let distance = |name: &str| edit_distance(&field.name.to_lowercase(), &name.to_lowercase());
    let mut names: Vec<&str> = there.iter().map(|column| column.name.as_str()).collect();
    names.sort_by_key(|name| (distance(name), *name));
    names.dedup();
    let near: Vec<String> = names.iter().take(3).map(|name| format!("`{name}`")).collect();
    let error = Error::usage(format!("there is no column `{}`", field.flat_name()));
    match near.as_slice() {
        [] => error,
        near => error.hint(format!("of the {} columns here, the nearest: {}", names.len(), near.join(", "))),
    }
}

impl From<Error> for DataFusionError {
    fn from(error: Error) -> Self {
        Self::External(Box::new(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_as_a_debugger_prints_it_is_no_word_of_a_cause() {
        let said = "Expected contiguous files, but found gap: ParsedLogPath { location: FileMeta { size: 3 } }";
        assert_eq!(without_debug(said), "Expected contiguous files, but found gap");
        for said in ["expected { at line 3", "SQL: a { b }", "Set { x }: y", "plain"] {
            assert_eq!(without_debug(said), said);
        }
        let window = "Physical plan does not support logical expression WindowFunction(WindowFunction { fun: x })";
        assert_eq!(without_debug(window), "Physical plan does not support logical expression");
        assert_eq!(without_debug("no such field\n   0: kernel::from\n   1: main"), "no such field");
        let deep = Error::input("a log cannot be read").because("[".repeat(100_000));
        assert!(deep.to_string().len() < 1000);
    }

    #[test]
    fn a_cause_is_told_once_and_values_stay_on_the_line() {
        let inner = std::io::Error::other("no space left");
        let error = Error::input("cannot write: no space left").with("file", "a\nhint: b").because(inner);
        assert_eq!(error.to_string(), "cannot write: no space left, file `a\\nhint: b`");
    }

    #[test]
    fn what_may_pass_is_told_from_what_stays() {
        let of = |store: &'static str, kind: std::io::ErrorKind| {
            let source = Box::new(std::io::Error::from(kind));
            Error::input("cannot write x").because(object_store::Error::Generic { store, source })
        };
        assert!(of("S3", std::io::ErrorKind::ConnectionReset).is_retryable());
        assert!(!of("LocalFileSystem", std::io::ErrorKind::StorageFull).is_retryable());
        let missing = object_store::Error::NotFound { path: "x".into(), source: "gone".into() };
        assert!(!Error::input("cannot read x").because(missing).is_retryable());
        let slow = object_store::Error::Generic { store: "S3", source: "503 Slow Down".into() };
        let planned = Error::from(DataFusionError::External(Box::new(Error::input("cannot read x").because(slow))));
        assert!(planned.is_retryable());
        assert!(!Error::usage("no such key").is_retryable());
    }

    #[test]
    fn kinds_are_known_by_their_codes() {
        for (kind, code) in KINDS {
            assert_eq!((Kind::of_code(code), kind.code()), (*kind, *code));
        }
    }

    #[test]
    fn a_misspelt_column_is_told_with_its_nearest() {
        let columns = ["margin", "marks", "task", "source", "answer"].map(|name| Column::new(Some("dataset"), name));
        let error = no_column(&Column::new_unqualified("margn"), &columns);
        assert_eq!(error.to_string(), "there is no column `margn`");
        assert_eq!(error.advice(), Some("of the 5 columns here, the nearest: `margin`, `marks`, `task`"));
    }
}
