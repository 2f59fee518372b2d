//! Panics: faults of ours, told at the border of the process as any other error. A last resort; what can be foreseen is an error where it happens.
//!
//! A panic is noted where it happens and told where the work that it ended is given up: a library may catch one and go on.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::sync::{Mutex, PoisonError};

use crate::error::Error;
use crate::progress::tell_line;

/// What the last panic said, and where.
static LAST: Mutex<Option<String>> = Mutex::new(None);

/// From here on, panics are noted instead of printed; with `RUST_BACKTRACE` it is printed how they came about.
pub fn note() {
    std::panic::set_hook(Box::new(|panic| {
        let what = panic.payload_as_str().unwrap_or("it says nothing");
        let place = panic.location().map(|place| format!(", {}:{}", in_crate(place.file()), place.line()));
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("{what}{}", place.unwrap_or_default()));
        let trace = Backtrace::capture();
        if trace.status() == BacktraceStatus::Captured {
            tell_line(format_args!("{trace}"));
        }
    }));
}

/// The error that a panic is, given what it ended with.
pub fn of(payload: &(dyn Any + Send)) -> Error {
    let text = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref::<&str>().copied());
    error(last().as_deref().or(text).unwrap_or("it says nothing"))
}

/// An error that says that some task panicked, as what happened there; any other as it is.
pub fn behind(error: Error) -> Error {
    // Tokio's words for a task that did.
    if !error.to_string().contains(" panicked") {
        return error;
    }
    match last() {
        Some(what) => self::error(&what),
        None => error,
    }
}

fn last() -> Option<String> {
    LAST.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn error(what: &str) -> Error {
    // How Arrow says that the lengths of a column's texts or lists no longer fit into 32 bits.
    if what.contains("offset overflow") || what.contains("offset + length overflow") {
        return Error::input("a text or list grew beyond 2 GiB, which is more than one column of a batch holds")
            .hint("select less of it, or put fewer rows into one group");
    }
    Error::internal(format!("this is a fault of spatialmill: {what}")).hint(
        "please report it with the command; what was committed before is whole, and the same command may be run again",
    )
}

/// Below the folder of a crate's version: the rest is of the machine that compiled it.
fn in_crate(path: &str) -> &str {
    path.split_once("/registry/src/").and_then(|(_, rest)| rest.split_once('/')).map_or(path, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_reads_as_an_error() {
        let error = of(&"index out of bounds".to_owned());
        assert_eq!(error.to_string(), "this is a fault of spatialmill: index out of bounds");
        assert!(error.exit_code() == 1 && error.advice().is_some_and(|hint| hint.contains("report")));
        assert!(of(&"offset overflow").to_string().contains("2 GiB"));
        assert_eq!(in_crate("/x/registry/src/index-1/arrow-1.0/src/a.rs"), "arrow-1.0/src/a.rs");
    }
}
