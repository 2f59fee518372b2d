//! Ctrl-C and SIGTERM: the program says what is kept and how to go on, and ends with the shell's exit code for the signal.
//!
//! Ending at once is safe at any time: nothing is visible before its table's commit, and what is durable by then is taken up by the next run.

use crate::error::Result;
use crate::progress::tell_line;

/// What an interrupted verb leaves behind, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Shards that are finished.
    Shards,
    /// Files that are written.
    Files,
    /// It only reads, or what it does is done at once.
    Nothing,
}

/// Waits for a verb's work, or ends the process at a signal. The signal is waited for by a task of its own, because work may keep its
/// thread for long: a large query is planned without a pause.
pub async fn or_interrupted(kept: Kept, work: impl Future<Output = Result<()>>) -> Result<()> {
    let watch = tokio::spawn(async move {
        let code = signal().await;
        tell_line(format_args!("\ninterrupted{}", what_is_kept(kept)));
        // Threads that read or compute are not waited for.
        std::process::exit(code)
    });
    // A file that grows beyond what the shell allows would end the process without a word; with a handler, writing fails and says why.
    #[cfg(unix)]
    let _file_limit = tokio::signal::unix::signal(FILE_TOO_LARGE);
    let outcome = work.await;
    watch.abort();
    outcome
}

/// SIGXFSZ, by its number on Linux, macOS and the BSDs.
#[cfg(unix)]
const FILE_TOO_LARGE: tokio::signal::unix::SignalKind = tokio::signal::unix::SignalKind::from_raw(25);

fn what_is_kept(kept: Kept) -> &'static str {
    match kept {
        Kept::Shards => {
            ": every table is as it was at its last commit, and shards that were finished are kept; the same command goes on from there"
        }
        Kept::Files => ": files that were finished are kept; the same command goes on from there",
        Kept::Nothing => "",
    }
}

/// The exit code of the signal that came: 128 and its number, as shells have it.
async fn signal() -> i32 {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let wait = async |kind: SignalKind| match signal(kind) {
            Ok(mut signals) => {
                signals.recv().await;
                128 + kind.as_raw_value()
            }
            // Without a handler the signal ends the process by itself.
            Err(_) => std::future::pending().await,
        };
        tokio::select! {
            code = wait(SignalKind::interrupt()) => code,
            code = wait(SignalKind::terminate()) => code,
        }
    }
    #[cfg(not(unix))]
    {
        match tokio::signal::ctrl_c().await {
            Ok(()) => 130,
            Err(_) => std::future::pending().await,
        }
    }
}
