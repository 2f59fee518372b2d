//! Runners that lose, double, delay and reorder orders give the rows of the plain one; errors of single shards.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::json::LineDelimitedWriter;
use futures::StreamExt;
use xxhash_rust::xxh3::xxh3_64;

use super::*;
use crate::progress::Progress;
use crate::project::Project;
use crate::run::Mill;
use crate::warehouse::StagingError;

/// What happens to an order is drawn from the seed, its shard and its attempt.
struct UnreliableRunner {
    seed: u64,
}

impl UnreliableRunner {
    fn draw(&self, purpose: &str, order: &Order) -> u64 {
        let Order { work, shard, attempt, .. } = order;
        xxh3_64(format!("{} {purpose} {work:?} {shard} {attempt}", self.seed).as_bytes())
    }
}

#[async_trait(?Send)]
impl Runner for UnreliableRunner {
    async fn run(&self, worker: &Worker<'_>, orders: Vec<Order>) -> Result<()> {
        let mut queue = Vec::new();
        for order in orders {
            let times = match self.draw("times", &order) % 4 {
                // Lost: its worker never heard of it. It does not happen for ever.
                0 if order.attempt < 3 => 0,
                1 => 2,
                2 => 3,
                _ => 1,
            };
            let late = self.draw("late", &order) % 50;
            queue.extend((0..times).map(|n| (self.draw(&format!("order {n}"), &order), late * n, order.clone())));
        }
        queue.sort_by_key(|(position, ..)| *position);
        let made = futures::stream::iter(queue).map(|(_, late, order)| async move {
            for _ in 0..late {
                tokio::task::yield_now().await;
            }
            // As an order that was sent to another process.
            let order = serde_json::from_slice(&serde_json::to_vec(&order).expect("JSON")).expect("an order");
            worker.make(&order).await
        });
        let made: Vec<Result<Outcome>> = made.buffer_unordered(4).collect().await;
        assert!(made.into_iter().all(|outcome| outcome.unwrap() == Outcome::Built));
        Ok(())
    }
}

/// The first attempt at shards of `a` meets an error.
struct FailingRunner {
    is_retryable: bool,
}

#[async_trait(?Send)]
impl Runner for FailingRunner {
    async fn run(&self, worker: &Worker<'_>, orders: Vec<Order>) -> Result<()> {
        let (failing, others): (Vec<_>, Vec<_>) =
            orders.into_iter().partition(|order| order.shard.starts_with("a/") && order.attempt == 1);
        for Order { shard, fingerprint, run_id, .. } in failing {
            let (code, message) = ("input".to_owned(), format!("no answer about {shard}"));
            let hint = Some("ask again".to_owned());
            let error = StagingError { shard, fingerprint, run_id, code, message, hint, retryable: self.is_retryable };
            worker.tables()[0].staging().publish_error(&error).await?;
        }
        LocalRunner.run(worker, others).await
    }
}

async fn mill(folder: &Path, url: &str, runner: Arc<dyn Runner>) -> Mill {
    let project = Project::load(folder, &[format!("url=memory://{url}"), "partitions=2".to_owned()]).unwrap();
    let mut mill = Mill::open(project, Progress::silent()).await.unwrap();
    mill.runner = runner;
    mill
}

async fn dataset(folder: &Path, url: &str, runner: Arc<dyn Runner>) -> Vec<String> {
    let mill = mill(folder, url, runner).await;
    mill.import(&[]).await.unwrap();
    mill.build(None).await.unwrap();
    let found = mill.verify(&[]).await.unwrap();
    assert!(found.iter().all(|finding| !finding.is_damage), "{found:?}");
    let rows = mill.session(&BTreeMap::new()).await.unwrap().table("dataset").await.unwrap().collect().await.unwrap();
    let mut writer = LineDelimitedWriter::new(Vec::new());
    rows.iter().for_each(|batch| writer.write(batch).unwrap());
    let mut lines: Vec<String> = String::from_utf8(writer.into_inner()).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// A project of four shards.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let source = |name: &str| {
        format!(
            "[[source]]\nname = '{name}'\nkind = 'synthetic'\nroot = 'rooms/{name}'\nsplit = 'train'\nrooms = 1\nframes_per_room = 1\n\
             width = 160\nheight = 120\nseed = {}\n",
            name.len()
        )
    };
    let sources: String = ["a", "bb", "ccc", "dddd"].map(source).concat();
    let ask = "[ask]\nposition_facts_per_frame = 60.0\n";
    std::fs::write(folder.path().join("mill.toml"), sources + ask).unwrap();
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_may_pass_is_tried_again_and_another_stops_no_other_shard() {
    let folder = project();
    let passing = mill(folder.path(), "passing", Arc::new(FailingRunner { is_retryable: true })).await;
    let read = passing.import(&[]).await.unwrap();
    assert_eq!(read.iter().map(|source| source.read).sum::<usize>(), 4);

    // Of one source with all shards, because sources are read one after the other.
    let mut staying = mill(folder.path(), "staying", Arc::new(LocalRunner)).await;
    staying.import(&[]).await.unwrap();
    staying.runner = Arc::new(FailingRunner { is_retryable: false });
    let error = staying.build(Some("objects")).await.unwrap_err();
    assert_eq!((error.to_string().as_str(), error.advice()), ("no answer about a/rooms-0000", Some("ask again")));
    let objects = staying.warehouse.table("objects").await.unwrap().unwrap();
    assert_eq!(objects.rows(), 0, "nothing is published");
    // What the others made is resumed: one order is left, and it is not the first attempt at anything else.
    staying.runner = Arc::new(OneOrder);
    let built = staying.build(Some("objects")).await.unwrap();
    assert_eq!((built[0].made, built[0].fresh), (4, 0));
}

/// A process of several that is killed at one shard again and again is started again, and gives up.
#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_kills_its_process_is_given_up() {
    let folder = project();
    let mill = mill(folder.path(), "killed", Arc::new(LocalRunner)).await;
    mill.import(&[]).await.unwrap();
    let part = "0/1".parse().unwrap();
    let snapshot = mill.snapshot().await;
    let objects = mill.open_or_create(&snapshot, "objects").await.unwrap();
    let stale = mill.staleness(&snapshot, mill.pipeline.stage("objects").unwrap()).await.unwrap().stale;
    for _ in 0..3 {
        objects.staging().begin_try(&stale[1].shard, &stale[1].fingerprint.to_string()).await.unwrap();
    }
    let error = mill.build_part(&snapshot, part, false, Some("objects")).await.unwrap_err();
    assert_eq!(error.to_string(), "shard `bb/rooms-0000` of `objects` killed its process 3 times");
    assert!(error.advice().is_some_and(|hint| hint.contains("memory")), "{error:?}");
    let (_, built) = mill.build_part(&snapshot, part, false, Some("objects")).await.unwrap();
    assert_eq!(built[0].made, 4, "another build counts anew");
}

/// Expects one order at a time.
struct OneOrder;

#[async_trait(?Send)]
impl Runner for OneOrder {
    async fn run(&self, worker: &Worker<'_>, orders: Vec<Order>) -> Result<()> {
        assert_eq!(orders.iter().map(|order| order.shard.as_str()).collect::<Vec<_>>(), ["a/rooms-0000"]);
        LocalRunner.run(worker, orders).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_doubled_late_and_reordered_orders_give_the_same_rows() {
    let folder = project();
    let wanted = dataset(folder.path(), "plain", Arc::new(LocalRunner)).await;
    assert!(wanted.len() > 10, "{} samples", wanted.len());
    for seed in 1..=3 {
        let found = dataset(folder.path(), &format!("unreliable-{seed}"), Arc::new(UnreliableRunner { seed })).await;
        assert!(found == wanted, "seed {seed}: {} samples, not {}", found.len(), wanted.len());
    }
}
