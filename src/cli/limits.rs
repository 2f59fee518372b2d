//! Limits on a command that runs a query: how long it may take and how many rows it may give.

use std::pin::Pin;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::task::{Context as Waker, Poll};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use clap::Args;
use datafusion::error::Result as PlanResult;
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream};
use futures::Stream;

use crate::error::{Error, Result};

/// Beyond either, the command fails; memory is bounded by `build.memory`.
#[derive(Debug, Clone, Copy, Args)]
pub struct Limits {
    #[command(flatten)]
    timeout: Timeout,
    /// Fail when there are more rows than these, whose first N are written
    #[arg(long, value_name = "N")]
    max_rows: Option<u64>,
}

impl Limits {
    /// The work, unless it takes too long.
    pub async fn within<T>(self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.timeout.within(work).await
    }

    /// The rows, with an error behind the last that are allowed.
    pub fn rows(self, rows: SendableRecordBatchStream) -> SendableRecordBatchStream {
        match self.max_rows {
            None => rows,
            Some(most) => Box::pin(AtMost { rows, most, left: most, is_over: false }),
        }
    }
}

/// Where rows go to files, their number is no limit and time is.
#[derive(Debug, Clone, Copy, Args)]
pub struct Timeout {
    /// Give up after this time: 30s, 5m, 2h
    #[arg(long, value_name = "TIME", value_parser = time)]
    timeout: Option<Duration>,
}

impl Timeout {
    /// The work, unless it takes too long.
    pub async fn within<T>(self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let Some(timeout) = self.timeout else { return work.await };
        let late = move || Error::input("it took longer than it may").with("timeout", format_args!("{timeout:?}"));
        // Planning gives way to nobody, and a query may be made to take long to plan. What is cut off in the middle is as if it was killed.
        let (done, is_done) = mpsc::channel::<()>();
        std::thread::spawn(move || {
            if is_done.recv_timeout(timeout + GRACE) == Err(RecvTimeoutError::Timeout) {
                std::process::exit(super::told(Err(late())).into());
            }
        });
        let outcome = tokio::time::timeout(timeout, work).await;
        drop(done);
        outcome.unwrap_or_else(|_| Err(late()))
    }
}

/// What looks at the time between batches has so long to do so.
const GRACE: Duration = Duration::from_secs(3);

struct AtMost {
    rows: SendableRecordBatchStream,
    most: u64,
    left: u64,
    is_over: bool,
}

impl Stream for AtMost {
    type Item = PlanResult<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, waker: &mut Waker<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            let error = Error::input("there are more rows than may be").with("max_rows", self.most);
            return Poll::Ready(Some(Err(error.hint("LIMIT takes the first of them").into())));
        }
        let batch = match self.rows.as_mut().poll_next(waker) {
            Poll::Ready(Some(Ok(batch))) => batch,
            other => return other,
        };
        if batch.num_rows() as u64 <= self.left {
            self.left -= batch.num_rows() as u64;
            return Poll::Ready(Some(Ok(batch)));
        }
        self.is_over = true;
        Poll::Ready(Some(Ok(batch.slice(0, self.left as usize))))
    }
}

impl RecordBatchStream for AtMost {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }
}

/// A duration that something can be done in.
fn time(text: &str) -> Result<Duration, Error> {
    match duration(text)? {
        Duration::ZERO => Err(Error::usage("nothing is done in no time").hint("leave --timeout out for no limit")),
        time => Ok(time),
    }
}

/// `90m`, `24h`, `7d`; seconds without a unit.
pub fn duration(text: &str) -> Result<Duration, Error> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let seconds = match &text[digits..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => 0,
    };
    match text[..digits].parse::<u64>().ok().and_then(|n| n.checked_mul(seconds)) {
        Some(total) if seconds > 0 => Ok(Duration::from_secs(total)),
        _ => Err(Error::usage("not a time").with("given", text).hint("for example 30s, 90m, 24h or 7d")),
    }
}
