//! Ends a command whose query takes more memory than any that runs as it should.
//!
//! Plans count what they hold against `build.memory`; what one call of a function makes nobody counts: `replace` can make terabytes of a
//! short text. The process's resident memory is looked at now and then, and far beyond what the project allows the command fails.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::process_memory;
use crate::run::Mill;

/// Between two looks: filling a gigabyte takes longer.
const OFTEN: Duration = Duration::from_millis(50);

/// What is not counted has as much again, and this: code, decoded pages and pictures, what is on its way out.
const HEADROOM: u64 = 1 << 30;

/// Watches until it is dropped.
pub struct Watch {
    _watched: Sender<()>,
}

impl Watch {
    /// Watches over what runs in a project.
    pub fn over(mill: &Mill) -> Result<Self> {
        let most = mill.project.memory()?.saturating_mul(2).saturating_add(HEADROOM);
        let (watched, is_over) = mpsc::channel();
        std::thread::spawn(move || {
            while is_over.recv_timeout(OFTEN) == Err(RecvTimeoutError::Timeout) {
                if process_memory::resident().is_some_and(|bytes| bytes > most) {
                    let error = Error::input("the query takes more memory than it may")
                        .with("memory", format_args!("{} MiB", most >> 20))
                        .hint("does a function in it make long texts or lists? twice `build.memory` and 1 GiB are allowed");
                    std::process::exit(super::told(Err(error)).into());
                }
            }
        });
        Ok(Self { _watched: watched })
    }
}
