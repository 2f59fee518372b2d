//! The one error that leaves this library.
//!
//! An [`Error`] says what went wrong, where (file, row, key: the context pairs) and, where we know it, what to do next (the
//! hint). Bad rows are not errors: they go to the `quarantine` table. Messages are lower case, without a final stop.

use std::fmt;

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
    /// More rows than allowed went to quarantine, so nothing was published (exit code 3).
    Quarantined,
    /// A broken invariant of ours; please report it (exit code 1).
    Internal,
}

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

    /// [`Kind::Internal`].
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message)
    }

    /// Adds where it happened: `file`, `table`, `row`, `key`, `column`, ...
    pub fn with(mut self, what: &'static str, value: impl fmt::Display) -> Self {
        self.context.push((what, value.to_string()));
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

    /// The process's exit code: 1 failed, 2 wrong usage, 3 stopped because too much was quarantined.
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Usage => 2,
            Kind::Quarantined => 3,
            Kind::Input | Kind::Conflict | Kind::Internal => 1,
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
        f.write_str(&self.message)?;
        for (what, value) in &self.context {
            write!(f, ", {what} `{value}`")?;
        }
        let mut cause = self.source.as_deref().map(|e| e as &dyn std::error::Error);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
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

impl From<datafusion::error::DataFusionError> for Error {
    fn from(error: datafusion::error::DataFusionError) -> Self {
        // An error of ours that travelled through a plan comes out as it went in.
        match error {
            datafusion::error::DataFusionError::External(inner) => match inner.downcast::<Error>() {
                Ok(ours) => *ours,
                Err(inner) => Error::input("the query failed").because(inner),
            },
            datafusion::error::DataFusionError::Context(_, inner) => Error::from(*inner),
            other => Error::input("the query failed").because(other),
        }
    }
}

impl From<Error> for datafusion::error::DataFusionError {
    fn from(error: Error) -> Self {
        Self::External(Box::new(error))
    }
}
