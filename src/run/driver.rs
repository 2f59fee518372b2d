//! The driver's loop: orders for the shards of one stage or source, handed to a runner until each has a staging record.
//!
//! ```text
//! wanted ─► records of an interrupted run? ─► resumed
//!       └─► orders, largest first ─► Runner ─► records ─┬─ built
//!             ▲                                         ├─ no record, or an error that may pass ─► handed out again, after a pause
//!             └─────────────────────────────────────────┘
//!                                                       └─ an error that stays ─► told, when all other shards are done
//! ```

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::Mill;
use super::parallel::Pauses;
use super::staged::{BuiltTables, Staged, counts_of};
use super::worker::{KILLED, Wanted, Worker};
use crate::error::{Error, Kind, Result};
use crate::progress::tell_line;
use crate::warehouse::StagingError;

/// How often an order is handed out before its error stays.
const ATTEMPTS: u32 = 4;

/// The pause before the second attempt; each further one is four times as long. The store's own client has tried for minutes by then.
const PAUSE: Duration = Duration::from_secs(1);

/// Orders that a runner has at once: each names the parts of its inputs, which take memory.
const ORDERS_AT_ONCE: usize = 2_000;

/// Errors of single shards that are told besides the first.
const TOLD: usize = 5;

impl Mill {
    /// Has shards made, or takes them over from an interrupted run: what was built, by shard. Fails when all have been tried, with the
    /// error of the first shard that has one.
    pub(super) async fn drive(&self, worker: &Worker<'_>, wanted: &[Wanted]) -> Result<BTreeMap<String, BuiltTables>> {
        let own = self.drive_own(worker, wanted).await?;
        self.gather(worker, wanted, own).await
    }

    /// The first half of [`Self::drive`]: all shards, or of several processes those of this one.
    pub(super) async fn drive_own(
        &self,
        worker: &Worker<'_>,
        wanted: &[Wanted],
    ) -> Result<BTreeMap<String, BuiltTables>> {
        let is_own = |one: &&Wanted| worker.run.parallel.as_ref().is_none_or(|it| it.part.makes(&one.shard));
        let own: Vec<Wanted> = wanted.iter().filter(is_own).cloned().collect();
        let (built, failed) = self.drive_all(worker, &own).await?;
        if worker.run.leaves_commits().is_none() {
            let killed = |one: &&Wanted| failed.get(&one.shard).is_some_and(|error| error.code == KILLED);
            let killed: Vec<Wanted> = own.iter().filter(killed).cloned().collect();
            // The next build begins to count anew.
            worker.unstage(&killed).await?;
            return report(failed).map_or(Ok(built), Err);
        }
        // Part 0 tries them itself, and decides.
        for error in failed.into_values().take(TOLD) {
            tell_line(format_args!("left to part 0: shard {}: {}", error.shard, error.message));
        }
        Ok(built)
    }

    /// The second half: part 0 waits for what other parts make; it makes itself what failed there, and what no part has recorded for long.
    pub(super) async fn gather(
        &self,
        worker: &Worker<'_>,
        wanted: &[Wanted],
        mut built: BTreeMap<String, BuiltTables>,
    ) -> Result<BTreeMap<String, BuiltTables>> {
        let Some(parallel) = worker.run.parallel.as_ref().filter(|parallel| parallel.part.is_driver()) else {
            return Ok(built);
        };
        let mut open: Vec<Wanted> = wanted.iter().filter(|one| !built.contains_key(&one.shard)).cloned().collect();
        let waits_for =
            format!("part {} waits for shards of {} that other parts make", parallel.part, worker.stage_name());
        let (mut pauses, mut last_record) = (Pauses::new(waits_for), Instant::now());
        while !open.is_empty() {
            let Staged { built: recorded, failed } = worker.staged(&open).await?;
            if !recorded.is_empty() {
                last_record = Instant::now();
                pauses.shorten();
            }
            recorded.values().for_each(|tables| worker.bar.shard(&counts_of(tables)));
            built.extend(recorded);
            open.retain(|one| !built.contains_key(&one.shard));
            let (killing, failed): (BTreeMap<_, _>, BTreeMap<_, _>) =
                failed.into_iter().partition(|(_, error)| error.code == KILLED);
            if let Some(error) = report(killing) {
                // It would kill this process, too. The next build begins to count anew.
                worker.unstage(&open).await?;
                return Err(error);
            }
            let is_late = last_record.elapsed() > parallel.patience;
            let (own, others): (Vec<Wanted>, Vec<Wanted>) =
                open.into_iter().partition(|one| is_late || failed.contains_key(&one.shard));
            open = others;
            if own.is_empty() {
                pauses.pause().await;
                continue;
            }
            if is_late {
                let seconds = parallel.patience.as_secs_f64();
                tell_line(format_args!(
                    "no part recorded a shard for {seconds} s: part 0 makes the {} that are left",
                    own.len()
                ));
            }
            let (made, failed) = self.drive_all(worker, &own).await?;
            if let Some(error) = report(failed) {
                return Err(error);
            }
            built.extend(made);
            last_record = Instant::now();
        }
        Ok(built)
    }

    /// Has these shards made by this process: what was built, and what failed for good.
    async fn drive_all(
        &self,
        worker: &Worker<'_>,
        wanted: &[Wanted],
    ) -> Result<(BTreeMap<String, BuiltTables>, BTreeMap<String, StagingError>)> {
        let (forced, resumable): (Vec<Wanted>, Vec<Wanted>) = wanted.iter().cloned().partition(|one| one.is_forced);
        worker.unstage(&forced).await?;
        let Staged { mut built, failed } = worker.staged(&resumable).await?;
        for made in built.values() {
            worker.bar.shard(&counts_of(made));
        }
        // What failed before is tried again, unless it killed this process, which was started again.
        let is_restarted = worker.run.parallel.is_some();
        let (killing, failed): (BTreeMap<_, _>, BTreeMap<_, _>) =
            failed.into_iter().partition(|(_, error)| is_restarted && error.code == KILLED);
        let before: Vec<Wanted> = resumable.into_iter().filter(|one| failed.contains_key(&one.shard)).collect();
        worker.unstage(&before).await?;
        let is_open = |one: &&Wanted| !built.contains_key(&one.shard) && !killing.contains_key(&one.shard);
        let mut open: Vec<Wanted> = wanted.iter().filter(is_open).cloned().collect();
        open.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.shard.cmp(&b.shard)));
        let (mut failed, mut pause) = (killing, None);
        for attempt in 1..=ATTEMPTS {
            if open.is_empty() {
                break;
            }
            if let Some(pause) = pause {
                tokio::time::sleep(pause).await;
            }
            for some in open.chunks(ORDERS_AT_ONCE) {
                let orders = some.iter().map(|one| worker.order(one, attempt)).collect();
                self.runner.run(worker, orders).await?;
            }
            let staged = worker.staged(&open).await?;
            built.extend(staged.built);
            let (again, stays): (BTreeMap<_, _>, BTreeMap<_, _>) =
                staged.failed.into_iter().partition(|(_, error)| error.retryable && attempt < ATTEMPTS);
            failed.extend(stays);
            open.retain(|one| !built.contains_key(&one.shard) && !failed.contains_key(&one.shard));
            // A runner that gave orders up after an error says nothing of them: the error is what there is to say.
            if !failed.is_empty() && again.is_empty() {
                open.clear();
            }
            // An order without a record can be handed out again at once.
            pause = (!again.is_empty()).then(|| PAUSE * 4u32.pow(attempt - 1));
            let again: Vec<Wanted> = open.iter().filter(|one| again.contains_key(&one.shard)).cloned().collect();
            worker.unstage(&again).await?;
        }
        if let Some(one) = open.first() {
            let message = format!("{} orders were handed out {ATTEMPTS} times and left no record", open.len());
            return Err(Error::input(message).with("stage", worker.stage_name()).with("shard", &one.shard));
        }
        Ok((built, failed))
    }
}

/// The error of the first shard that failed; the others are told.
fn report(failed: BTreeMap<String, StagingError>) -> Option<Error> {
    let all = failed.len();
    let mut failed = failed.into_values();
    let first = failed.next()?;
    for other in failed.take(TOLD) {
        tell_line(format_args!("shard {} failed, too: {}", other.shard, other.message));
    }
    let error = Error::new(Kind::of_code(&first.code), first.message);
    let error = if all > 1 { error.with("failed shards", all) } else { error };
    Some(first.hint.into_iter().fold(error, Error::hint))
}
