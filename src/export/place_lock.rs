//! One export at a time writes to a place: whoever comes second is told so, and whoever was killed is taken over from.
//!
//! ```text
//! _claims/0000001.json      put only where it is absent, so that one of two wins; renewed while its export lives
//! _claims/0000002.json      whoever takes over from a dead one puts the next number, and again one wins
//! ```
//!
//! On this machine the process itself says whether it lives. Elsewhere, one that does not renew its lock while it is watched is dead: no two clocks are
//! compared.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::place::ExportFolder;
use crate::error::{Error, Kind, Result};

const CLAIMS: &str = "_claims";

/// Between two renewals: a request each, which nobody notices.
const RENEWED: Duration = Duration::from_secs(10);

/// A lock that was not renewed for so long is a dead one's: three renewals, because one may be late.
const WATCHED: Duration = Duration::from_secs(31);

/// The right to write to a place, until it is released.
pub struct PlaceLock {
    place: ExportFolder,
    holder: Holder,
    number: u64,
    lost: Arc<AtomicBool>,
    stop: Arc<Notify>,
    renewing: Option<JoinHandle<()>>,
}

/// Who claims a place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Holder {
    /// For people.
    host: String,
    process: u32,
    /// Where process numbers count: a machine since it was started, and a container on it. Empty where that cannot be known.
    machine: String,
    /// When the process began, as the machine counts, because numbers are given again.
    began: String,
    /// Tells exports of one process apart.
    key: String,
    renewals: u64,
}

/// The keys of the exports that are under way in this process.
static UNDER_WAY: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);

impl PlaceLock {
    /// Claims a place; an error where somebody else is writing there.
    pub async fn take(place: &ExportFolder) -> Result<Self> {
        let holder = Holder::this();
        // So that nobody takes the lock for a dead one's as soon as it is there.
        UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner).insert(holder.key.clone());
        let mut lock = Self {
            place: place.clone(),
            holder,
            number: 1,
            lost: Arc::default(),
            stop: Arc::default(),
            renewing: None,
        };
        loop {
            let before = claims(place).await?.last().copied();
            if let Some(number) = before
                && let Some(other) = holder_of(place, number).await?
                && is_alive(place, number, &other).await?
            {
                return Err(taken(place, &other));
            }
            lock.number = before.unwrap_or(0) + 1;
            if place.create(&path(lock.number), super::to_json(&lock.holder)?.into()).await? {
                break;
            }
        }
        for number in claims(place).await?.into_iter().filter(|number| *number < lock.number) {
            place.delete(&path(number)).await?;
        }
        lock.renewing = Some(tokio::spawn(renew(
            place.clone(),
            lock.holder.clone(),
            lock.number,
            Arc::clone(&lock.lost),
            Arc::clone(&lock.stop),
        )));
        Ok(lock)
    }

    /// An error where another export took this one for dead, and writes there now.
    pub async fn holds(&self) -> Result<()> {
        let latest = claims(&self.place).await?.last().copied();
        if self.lost.load(Ordering::Relaxed) || latest != Some(self.number) {
            let message = "another export took over, because this one did not answer for half a minute";
            return Err(Error::new(Kind::Conflict, message).with("out", self.place.root()));
        }
        Ok(())
    }

    /// Leaves the place to others.
    pub async fn release(mut self) -> Result<()> {
        self.stop.notify_one();
        if let Some(renewing) = self.renewing.take() {
            // A renewal that is under way would put the lock again. One that died puts nothing.
            let _ = renewing.await;
        }
        self.place.delete(&path(self.number)).await
    }
}

impl Drop for PlaceLock {
    fn drop(&mut self) {
        UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.holder.key);
        if let Some(renewing) = &self.renewing {
            renewing.abort();
        }
    }
}

impl Holder {
    fn this() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        let link = |path: &str| std::fs::read_link(path).map(|path| path.display().to_string()).unwrap_or_default();
        let process = std::process::id();
        let (boot, space) = (read("/proc/sys/kernel/random/boot_id"), link("/proc/self/ns/pid"));
        let machine = if boot.is_empty() || space.is_empty() { String::new() } else { format!("{boot} {space}") };
        static EXPORTS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            host: read("/proc/sys/kernel/hostname"),
            process,
            machine,
            began: began(process).unwrap_or_default(),
            key: format!("{process}-{}-{}", now.as_nanos(), EXPORTS.fetch_add(1, Ordering::Relaxed)),
            renewals: 0,
        }
    }
}

/// When a process of this machine began; none where there is no such process.
fn began(process: u32) -> Option<String> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The program's name is in brackets, and may hold anything.
    let (_, after) = text.rsplit_once(')')?;
    after.split_whitespace().nth(19).map(str::to_owned)
}

async fn is_alive(place: &ExportFolder, number: u64, other: &Holder) -> Result<bool> {
    let this = Holder::this();
    if !this.machine.is_empty() && this.machine == other.machine {
        if this.process == other.process && this.began == other.began {
            return Ok(UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner).contains(&other.key));
        }
        return Ok(began(other.process).is_some_and(|began| began == other.began));
    }
    tokio::time::sleep(WATCHED).await;
    Ok(holder_of(place, number).await?.is_some_and(|now| now != *other))
}

fn taken(place: &ExportFolder, other: &Holder) -> Error {
    let by = format!("process {} on {}", other.process, other.host);
    Error::new(Kind::Conflict, "another export is being written there now")
        .with("out", place.root())
        .with("by", by)
        .hint("wait until it is done, or choose another --out")
}

async fn renew(place: ExportFolder, mut holder: Holder, number: u64, lost: Arc<AtomicBool>, stop: Arc<Notify>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(RENEWED) => {}
            () = stop.notified() => return,
        }
        if claims(&place).await.is_ok_and(|claims| claims.last().is_some_and(|latest| *latest > number)) {
            lost.store(true, Ordering::Relaxed);
            return;
        }
        holder.renewals += 1;
        if let Ok(text) = super::to_json(&holder) {
            // One that fails is late, and the next one is in time.
            let _ = place.put(&path(number), text.into()).await;
        }
    }
}

fn path(number: u64) -> String {
    format!("{CLAIMS}/{number:07}.json")
}

/// The numbers of the claims that are there, in order.
async fn claims(place: &ExportFolder) -> Result<Vec<u64>> {
    let number = |path: &String| path.strip_prefix(CLAIMS)?.strip_prefix('/')?.strip_suffix(".json")?.parse().ok();
    Ok(place.list(CLAIMS).await?.iter().filter_map(number).collect())
}

/// None where the lock is gone, or is no lock.
async fn holder_of(place: &ExportFolder, number: u64) -> Result<Option<Holder>> {
    Ok(place.get(&path(number)).await?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_of_many_wins_and_a_dead_one_is_taken_over_from() {
        let place = ExportFolder::at("memory://claims/out").unwrap();
        let all = futures::future::join_all((0..8).map(|_| PlaceLock::take(&place))).await;
        let (won, lost): (Vec<_>, Vec<_>) = all.into_iter().partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (1, 7));
        for refused in lost {
            let refused = refused.err().unwrap();
            assert!(
                refused.exit_code() == 1 && refused.to_string().contains("another export is being written"),
                "{refused}"
            );
        }
        // As a kill leaves it.
        drop(won);
        assert_eq!(place.list(CLAIMS).await.unwrap().len(), 1);
        let second = PlaceLock::take(&place).await.unwrap();
        assert_eq!((second.number, second.holds().await.is_ok()), (2, true));
        // What was thought dead and wakes up writes nothing any more.
        place.put(&path(3), super::super::to_json(&Holder::this()).unwrap().into()).await.unwrap();
        assert!(second.holds().await.is_err());
        second.release().await.unwrap();
        let third = PlaceLock::take(&place).await.unwrap();
        assert_eq!(third.number, 4);
        third.release().await.unwrap();
        assert!(place.list(CLAIMS).await.unwrap().is_empty());
    }

    /// A process of this machine that is not there, and one that is, but began at another time.
    #[tokio::test]
    async fn a_process_that_is_gone_is_not_waited_for() {
        if Holder::this().machine.is_empty() {
            return;
        }
        let place = ExportFolder::at("memory://claims/gone").unwrap();
        for (process, began) in [(u32::MAX, "1"), (1, "never")] {
            let gone = Holder { process, began: began.into(), key: "gone".into(), ..Holder::this() };
            place.put(&path(1), super::super::to_json(&gone).unwrap().into()).await.unwrap();
            PlaceLock::take(&place).await.unwrap().release().await.unwrap();
        }
    }
}
