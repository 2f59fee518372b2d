//! A runner that loses, doubles, delays and reorders orders gives the rows of the plain one.

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

async fn dataset(folder: &Path, url: &str, runner: Arc<dyn Runner>) -> Vec<String> {
    let project = Project::load(folder, &[format!("url=memory://{url}"), "partitions=2".to_owned()]).unwrap();
    let mut mill = Mill::open(project, Progress::silent()).await.unwrap();
    mill.runner = runner;
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

#[tokio::test(flavor = "multi_thread")]
async fn lost_doubled_late_and_reordered_orders_give_the_same_rows() {
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
    let wanted = dataset(folder.path(), "plain", Arc::new(LocalRunner)).await;
    assert!(wanted.len() > 10, "{} samples", wanted.len());
    for seed in 1..=3 {
        let found = dataset(folder.path(), &format!("unreliable-{seed}"), Arc::new(UnreliableRunner { seed })).await;
        assert!(found == wanted, "seed {seed}: {} samples, not {}", found.len(), wanted.len());
    }
}
