//! `build --part i/n`: one build by n processes, on any machines, that share the project's files and the warehouse and nothing else.
//!
//! ```text
//! every process:  Snapshot ─► for the import and each stage: stale shards ─► orders of its own shards: xxh3(shard) mod n = i ─► records
//! part 0:         reads all records ─► commits ─► says in its heartbeat that the step is done       makes what no part has recorded for long
//! other parts:    wait for that commit ─► the table's new version in the snapshot ─► next stage      end when part 0 failed or is gone
//! ```
//!
//! Nothing depends on the division: an order that two processes make has the record of the first. A process that was killed is started
//! again with the same command, and resumes from its records. Clocks of machines are not compared: each process measures for how long it
//! has itself not seen the heartbeat change.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use xxhash_rust::xxh3::xxh3_64;

use super::Mill;
use super::order::ALL;
use crate::error::{Context, Error, Result};
use crate::progress::tell_line;
use crate::warehouse::Location;

/// The folder of heartbeats, beside the tables.
const FOLDER: &str = "_parallel";

/// How often part 0 rewrites its heartbeat; more often where little patience is asked for.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Pauses between two looks at the warehouse grow from the first to the second.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Which of how many processes of one build this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuildPart {
    index: u32,
    count: u32,
}

impl BuildPart {
    /// True for the process that commits.
    pub fn is_driver(self) -> bool {
        self.index == 0
    }

    /// True where this process makes a shard. What is built once, from all shards, is the driver's.
    pub fn makes(self, shard: &str) -> bool {
        match shard {
            ALL => self.is_driver(),
            shard => xxh3_64(shard.as_bytes()) % u64::from(self.count) == u64::from(self.index),
        }
    }
}

impl FromStr for BuildPart {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse::<u32>().ok();
        let parsed = text.split_once('/').and_then(|(index, count)| Some((number(index)?, number(count)?)));
        match parsed {
            Some((index, count)) if index < count => Ok(Self { index, count }),
            _ => Err("a part is i/n, such as 0/64: i from 0 to n - 1".to_owned()),
        }
    }
}

impl fmt::Display for BuildPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// What part 0 says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Heartbeat {
    run_id: String,
    /// Counts the heartbeats, so that each differs from the one before.
    beat: u64,
    version: String,
    project: String,
    /// The steps that are committed: `import`, and tables.
    done: Vec<String>,
    /// Why it ended, where it failed.
    failed: Option<String>,
}

/// This process's part in a build of several.
#[derive(Debug)]
pub(super) struct Parallel {
    pub part: BuildPart,
    /// After so long without a sign of life others are taken for gone.
    pub patience: Duration,
    location: Location,
    path: Path,
    /// What part 0 says; of another part: what it says were it part 0.
    own: Arc<Mutex<Heartbeat>>,
    changed: Arc<Notify>,
    seen: Mutex<Seen>,
}

/// What another part has seen of the heartbeat.
#[derive(Debug)]
struct Seen {
    last: Option<Heartbeat>,
    /// Whether it changed since this process began: what lay there before may be of a build that is long over.
    is_alive: bool,
    at: Instant,
}

/// The heartbeats of part 0, until they are ended.
pub(super) struct Beating {
    task: JoinHandle<()>,
}

impl Drop for Beating {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Parallel {
    pub async fn of(mill: &Mill, part: BuildPart, run_id: &str) -> Result<Self> {
        let location = mill.warehouse.location().clone();
        let path = location.path(&format!("{FOLDER}/build-of-{}.json", part.count));
        let own = Heartbeat {
            run_id: run_id.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            project: mill.digest.clone(),
            ..Heartbeat::default()
        };
        let seconds = mill.project.number("part_timeout");
        let patience = Duration::try_from_secs_f64(seconds)
            .map_err(|e| Error::usage("`part_timeout` under [build] is no number of seconds").because(e))?;
        let parallel = Self {
            part,
            patience,
            location,
            path,
            own: Arc::new(Mutex::new(own)),
            changed: Arc::default(),
            seen: Mutex::new(Seen { last: None, is_alive: false, at: Instant::now() }),
        };
        parallel.seen().last = parallel.read().await?;
        Ok(parallel)
    }

    /// Begins the heartbeats of part 0.
    pub async fn begin(&self) -> Result<Option<Beating>> {
        if !self.part.is_driver() {
            return Ok(None);
        }
        beat(&self.location, &self.path, &self.own).await?;
        let (location, path, own, changed) =
            (self.location.clone(), self.path.clone(), Arc::clone(&self.own), Arc::clone(&self.changed));
        let every = HEARTBEAT.min(self.patience / 4);
        let task = tokio::spawn(async move {
            loop {
                // A step that is done is told at once.
                let _ = tokio::time::timeout(every, changed.notified()).await;
                // The next heartbeat may get through.
                let _ = beat(&location, &path, &own).await;
            }
        });
        Ok(Some(Beating { task }))
    }

    /// Ends the heartbeats of part 0, with the word of how it ended.
    pub async fn end<T>(&self, beating: Option<Beating>, outcome: &Result<T>) -> Result<()> {
        let Some(beating) = beating else { return Ok(()) };
        beating.task.abort();
        locked(&self.own).failed = outcome.as_ref().err().map(ToString::to_string);
        beat(&self.location, &self.path, &self.own).await
    }

    /// Part 0 has committed a step.
    pub fn done(&self, step: &str) {
        locked(&self.own).done.push(step.to_owned());
        self.changed.notify_one();
    }

    /// Waits until part 0 has committed a step, as its heartbeat says it or as `is_there` sees it. Fails when part 0 failed, or when its
    /// heartbeat did not change for as long as this process has patience.
    pub async fn wait_for(&self, step: &str, is_there: impl AsyncFn() -> Result<bool>) -> Result<()> {
        let mut pauses = Pauses::new(format!("part {} waits for part 0 to commit {step}", self.part));
        loop {
            let heartbeat = self.look().await?;
            if let Some(heartbeat) = heartbeat {
                if heartbeat.done.iter().any(|done| done == step) {
                    return Ok(());
                }
                if let Some(why) = heartbeat.failed {
                    return Err(Error::input(format!("part 0 of this build failed: {why}"))
                        .hint("start all parts again when that is mended"));
                }
            }
            if is_there().await? {
                return Ok(());
            }
            self.check_patience(step)?;
            pauses.pause().await;
        }
    }

    fn check_patience(&self, step: &str) -> Result<()> {
        let seen = self.seen();
        if seen.at.elapsed() <= self.patience {
            return Ok(());
        }
        let seconds = self.patience.as_secs_f64();
        let message = match (&seen.last, seen.is_alive) {
            (_, true) => format!("part 0 of this build is gone: its heartbeat did not change for {seconds} s"),
            (Some(Heartbeat { failed: Some(why), .. }), false) => {
                format!("part 0 of this build did not begin within {seconds} s, and failed when it last ran: {why}")
            }
            _ => format!("part 0 of this build did not begin within {seconds} s"),
        };
        Err(Error::input(message).with("waited for", step).with("part", self.part).hint(
            "start all parts of one build, 0 to n - 1, with the same flags; a part that is started again goes on where it was. `part_timeout` \
             under [build] says how long they wait for each other",
        ))
    }

    /// What part 0 says now, where it has said anything since this process began.
    async fn look(&self) -> Result<Option<Heartbeat>> {
        let now = self.read().await?;
        let mut seen = self.seen();
        if now.is_some() && now != seen.last {
            *seen = Seen { last: now, is_alive: true, at: Instant::now() };
        }
        let Some(heartbeat) = seen.last.clone().filter(|_| seen.is_alive) else { return Ok(None) };
        let own = locked(&self.own);
        if (&heartbeat.version, &heartbeat.project) != (&own.version, &own.project) {
            return Err(Error::usage(
                "part 0 of this build has another project or version of spatialmill than this part",
            )
            .with("part", self.part)
            .hint("every part of one build runs the same spatialmill on the same mill.toml, queries and models.toml"));
        }
        Ok(Some(heartbeat))
    }

    async fn read(&self) -> Result<Option<Heartbeat>> {
        let found = match self.location.store().get(&self.path).await {
            Ok(found) => found.bytes().await,
            Err(error) => Err(error),
        };
        match found {
            // One that was not written whole is written again.
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error).or_input(|| format!("cannot read {}", self.path)),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Pauses of a process that looks for what others do, which grow. It says what it waits for when they are long.
pub(super) struct Pauses {
    next: Duration,
    waits_for: Option<String>,
}

impl Pauses {
    pub fn new(waits_for: String) -> Self {
        Self { next: FIRST_PAUSE, waits_for: Some(waits_for) }
    }

    /// There was something to see: the next look is soon.
    pub fn shorten(&mut self) {
        self.next = FIRST_PAUSE;
    }

    pub async fn pause(&mut self) {
        if self.next == LONGEST_PAUSE
            && let Some(waits_for) = self.waits_for.take()
        {
            tell_line(format_args!("{waits_for}"));
        }
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(LONGEST_PAUSE);
    }
}

async fn beat(location: &Location, path: &Path, own: &Mutex<Heartbeat>) -> Result<()> {
    let bytes = {
        let mut own = locked(own);
        own.beat += 1;
        serde_json::to_vec(&*own).or_internal(|| "a heartbeat has no JSON form".into())?
    };
    location.store().put(path, PutPayload::from(bytes)).await.or_input(|| format!("cannot write {path}")).map(drop)
}

fn locked(own: &Mutex<Heartbeat>) -> MutexGuard<'_, Heartbeat> {
    own.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Progress;
    use crate::project::Project;

    #[test]
    fn each_shard_is_of_one_part() {
        let parts: Vec<BuildPart> = (0..5).map(|i| format!("{i}/5").parse().unwrap()).collect();
        for shard in (0..200).map(|i| format!("coco/bucket-{i:03}")).chain([ALL.to_owned()]) {
            assert_eq!(parts.iter().filter(|part| part.makes(&shard)).count(), 1, "{shard}");
        }
        assert!(
            parts[0].makes(ALL)
                && parts.iter().all(|part| (0..200).any(|i| part.makes(&format!("coco/bucket-{i:03}"))))
        );
        for wrong in ["5/5", "1", "a/b", "-1/2", "0/0"] {
            assert!(wrong.parse::<BuildPart>().is_err(), "{wrong}");
        }
    }

    async fn mill(url: &str, set: &[&str]) -> Mill {
        let mut project = Project::in_memory();
        project.set(&format!("url=memory://{url}")).unwrap();
        set.iter().for_each(|item| project.set(item).unwrap());
        Mill::open(project, Progress::silent()).await.unwrap()
    }

    /// What a part hears while it waits for a commit.
    #[tokio::test]
    async fn a_part_waits_for_part_0_and_not_for_ever() {
        let mill = mill("parts", &["part_timeout=0.3"]).await;
        let (driver, other) = ("0/2".parse().unwrap(), "1/2".parse().unwrap());
        let of = async |part, run: &str| Parallel::of(&mill, part, run).await.unwrap();
        let never = async || Ok(false);
        let error = of(other, "b").await.wait_for("import", never).await.unwrap_err();
        assert!(error.to_string().contains("did not begin within 0.3 s"), "{error}");

        let (zero, one) = (of(driver, "a").await, of(other, "b").await);
        let beating = zero.begin().await.unwrap();
        zero.done("import");
        one.wait_for("import", never).await.unwrap();
        one.wait_for("objects", async || Ok(true)).await.unwrap();
        let waiting = one.wait_for("objects", never);
        let failed: Result<()> = Err(Error::input("the disk is full"));
        let (error, ended) = tokio::join!(waiting, zero.end(beating, &failed));
        ended.unwrap();
        assert!(error.unwrap_err().to_string().contains("part 0 of this build failed: the disk is full"));

        // What it left behind is of a build that is over.
        let late = of(other, "c").await;
        let error = late.wait_for("import", never).await.unwrap_err();
        assert!(error.to_string().contains("failed when it last ran: the disk is full"), "{error}");
        let zero = of(driver, "d").await;
        let (late, beating) = (of(other, "e").await, zero.begin().await.unwrap());
        late.look().await.unwrap();
        drop(beating);
        let error = late.wait_for("import", never).await.unwrap_err();
        assert!(error.to_string().contains("its heartbeat did not change"), "{error}");
    }

    #[tokio::test]
    async fn parts_of_two_projects_do_not_build_together() {
        let (a, b) = (mill("two-projects", &[]).await, mill("two-projects", &["seed=7"]).await);
        let one = Parallel::of(&b, "1/2".parse().unwrap(), "b").await.unwrap();
        let zero = Parallel::of(&a, "0/2".parse().unwrap(), "a").await.unwrap();
        let _beating = zero.begin().await.unwrap();
        let error = one.wait_for("import", async || Ok(false)).await.unwrap_err();
        assert!(error.to_string().contains("another project"), "{error}");
    }
}
