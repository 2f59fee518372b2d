//! Staging records and garbage collection: which parts a build may still commit, and which nothing needs any more.

use super::*;

/// A record of these parts, as a run writes it.
fn record(shard: &str, parts: &[Part], run: &str) -> StagingRecord {
    let info = Map::from_iter([("rows_in".to_owned(), Value::from(3))]);
    StagingRecord { shard: shard.into(), fingerprint: "f".into(), parts: parts.to_vec(), info, run_id: run.into() }
}

async fn find(staging: &Staging, shard: &str, fingerprint: &str) -> Option<StagingRecord> {
    let found = staging.find_all(&[(shard.to_owned(), fingerprint.to_owned())]).await.unwrap().remove(shard);
    found.map(|found| match found {
        StagedShard::Built(record) => record,
        StagedShard::Failed(error) => panic!("{error:?}"),
    })
}

fn named(shard: &str) -> (String, String) {
    (shard.to_owned(), "f".to_owned())
}

#[test]
fn a_build_resumes_from_a_record_only_when_its_parts_are_whole() {
    everywhere(async |warehouse| {
        let table = warehouse.create("t", schema()).await.unwrap();
        let staging = table.staging();
        let parts = write(table.write_options("dead", "a/1", "f"), vec![vec![rows(0, 3)]]).await;
        let staged = record("a/1", &parts, "dead");
        assert_eq!(staging.publish(&staged).await.unwrap(), staged);
        assert_eq!(find(&staging, "a/1", "f").await, Some(staged.clone()));
        assert_eq!(find(&staging, "a/1", "f2").await, None);

        let commit = Commit { run_id: "next".into(), add: parts.clone(), ..Commit::default() };
        assert_eq!(table.commit(&commit).await.unwrap().rows(), 3);
        for _ in 0..2 {
            staging.remove_all(&[named("a/1"), named("never")]).await.unwrap();
        }
        assert_eq!(find(&staging, "a/1", "f").await, None);

        staging.publish(&record("b", &parts, "dead")).await.unwrap();
        let path = table.location().path(&parts[0].path);
        table.location().store().put(&path, PutPayload::from_static(b"short")).await.unwrap();
        assert_eq!(find(&staging, "b", "f").await, None, "a part of another size");
        table.location().store().delete(&path).await.unwrap();
        assert_eq!(find(&staging, "b", "f").await, None, "a part that is gone");
    });
}

/// Attempts of one shard, of one run and of others: they share no file, all use the parts of the first record, and one that is broken is
/// replaced.
#[test]
fn of_many_attempts_the_first_record_counts() {
    everywhere(async |warehouse| {
        let table = warehouse.create("t", schema()).await.unwrap();
        let attempts = (0..16).map(|n| {
            let table = table.clone();
            tokio::spawn(async move {
                let run = if n % 2 == 0 { "r" } else { "other" };
                let parts = write(table.write_options(run, "a", "f"), vec![vec![rows(n, 1)]]).await;
                let first = table.staging().publish(&record("a", &parts, run)).await.unwrap();
                (parts[0].path.clone(), first)
            })
        });
        let attempts: Vec<_> = futures::future::join_all(attempts).await.into_iter().map(Result::unwrap).collect();
        let paths: BTreeSet<&String> = attempts.iter().map(|(path, _)| path).collect();
        assert_eq!(paths.len(), 16, "no two attempts share a path");
        let first = &attempts[0].1;
        assert!(paths.contains(&first.parts[0].path) && attempts.iter().all(|(_, used)| used == first));

        let path = table.location().path("_staging/a-f.json");
        let store = table.location().store();
        let parts = write(table.write_options("late", "a", "f"), vec![vec![rows(50, 1)]]).await;
        let late = record("a", &parts, "late");
        assert_eq!(table.staging().publish(&late).await.unwrap(), *first);
        store.put(&path, PutPayload::from_static(b"{\"shard\":\"a")).await.unwrap();
        assert_eq!(find(&table.staging(), "a", "f").await, None);
        assert_eq!(table.staging().publish(&late).await.unwrap(), late, "a torn record is replaced");
        store.delete(&table.location().path(&parts[0].path)).await.unwrap();
        assert_eq!(table.staging().publish(first).await.unwrap(), *first, "and one without its parts");
        assert_eq!(find(&table.staging(), "a", "f").await, Some(first.clone()));
    });
}

#[test]
fn records_errors_and_tries_of_a_table_are_found_and_removed_together() {
    everywhere(async |warehouse| {
        let table = warehouse.create("t", schema()).await.unwrap();
        let staging = table.staging();
        let staged = async |shard: &str| {
            let parts = write(table.write_options("r", shard, "f"), vec![vec![rows(0, 3)]]).await;
            staging.publish(&record(shard, &parts, "r")).await.unwrap()
        };
        let (built, gone) = (staged("built").await, staged("gone").await);
        table.location().store().delete(&table.location().path(&gone.parts[0].path)).await.unwrap();
        let error = |message: &str| StagingError {
            shard: "failed".into(),
            fingerprint: "f".into(),
            run_id: "r".into(),
            code: "input".into(),
            message: message.into(),
            hint: None,
            retryable: false,
        };
        assert_eq!(staging.begin_try("failed", "f").await.unwrap(), 1);
        assert_eq!(staging.begin_try("failed", "f").await.unwrap(), 2);
        staging.publish_error(&error("first")).await.unwrap();
        staging.publish_error(&error("second")).await.unwrap();
        let shards = ["built", "gone", "failed", "never"].map(named);
        let found = staging.find_all(&shards).await.unwrap();
        let expected = [
            ("built".to_owned(), StagedShard::Built(built)),
            ("failed".to_owned(), StagedShard::Failed(error("first"))),
        ];
        assert_eq!(found, expected.into());
        staging.remove_all(&shards).await.unwrap();
        assert_eq!(staging.find_all(&shards).await.unwrap(), [].into());
        assert_eq!(staging.begin_try("failed", "f").await.unwrap(), 1);
    });
}

#[test]
fn garbage_is_what_no_retained_version_names_and_old_enough() {
    everywhere(async |warehouse| {
        let table = warehouse.create("t", schema()).await.unwrap();
        let table = put(&table, "r1", "a", rows(0, 4)).await.unwrap();
        let table = put(&table, "r2", "b", rows(10, 2)).await.unwrap();
        let table = put(&table, "r3", "a", rows(20, 1)).await.unwrap();
        let orphan = write(table.write_options("killed", "c", "f"), vec![vec![rows(30, 3)]]).await;
        // Files that are as old as the clock's last tick are not older than no grace at all.
        tokio::time::sleep(Duration::from_millis(1100)).await;

        let day = warehouse
            .preview_garbage(&table, Retention { versions: 10, grace: Duration::from_hours(24) })
            .await
            .unwrap();
        assert_eq!((day.files, day.oldest_version), (0, 0), "a day of grace keeps everything");
        let versions = Retention { versions: 2, ..NOW };
        let preview = warehouse.preview_garbage(&table, versions).await.unwrap();
        assert_eq!((preview.files, preview.bytes, preview.oldest_version), (1, orphan[0].bytes, 2));
        assert_eq!(warehouse.collect_garbage(&table, versions).await.unwrap(), preview);
        assert_eq!(ids(&warehouse.table_at("t", 2).await.unwrap().unwrap()).await, [0, 1, 2, 3, 10, 11]);

        assert_eq!(warehouse.collect_garbage(&table, NOW).await.unwrap().files, 1);
        assert_eq!(ids(&table.latest().await.unwrap()).await, [10, 11, 20]);
        assert_eq!(table.verify().await.unwrap(), []);
        assert_eq!(warehouse.collect_garbage(&table, NOW).await.unwrap().files, 0);
    });
}

#[test]
fn garbage_collection_spares_what_a_record_names() {
    everywhere(async |warehouse| {
        let table = warehouse.create("t", schema()).await.unwrap();
        let parts = write(table.write_options("dead", "a", "f"), vec![vec![rows(0, 3)]]).await;
        tokio::time::sleep(Duration::from_millis(2500)).await;
        table.staging().publish(&record("a", &parts, "dead")).await.unwrap();
        let grace = Retention { versions: 1, grace: Duration::from_secs(2) };
        assert_eq!(warehouse.collect_garbage(&table, grace).await.unwrap().files, 0);
        assert!(find(&table.staging(), "a", "f").await.is_some());
        tokio::time::sleep(Duration::from_millis(2500)).await;
        let collected = warehouse.collect_garbage(&table, grace).await.unwrap();
        assert_eq!((collected.files, collected.staging_files), (1, 1), "then both are old");
    });
}

/// Records and parts that are older than the grace, of a dead run, of another process of the build and of the run itself: a lease keeps
/// them all, however long the build takes. Without one they go, and the commit fails.
#[test]
fn what_a_live_build_may_commit_is_not_collected() {
    everywhere(async |warehouse| {
        let table = warehouse.create("t", schema()).await.unwrap();
        let staged = async |shard: &str| {
            let parts = write(table.write_options("dead", shard, "f"), vec![vec![rows(0, 3)]]).await;
            table.staging().publish(&record(shard, &parts, "dead")).await.unwrap();
        };
        staged("a").await;
        staged("b").await;
        write(table.write_options("dead", "unnamed", "f"), vec![vec![rows(0, 1)]]).await;
        let own = write(table.write_options("next-2", "c", "f"), vec![vec![rows(9, 1)]]).await;
        let lease = warehouse.acquire_lease("next").await.unwrap();
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let collected = warehouse.collect_garbage(&table, NOW).await.unwrap();
        assert_eq!((collected.files, collected.staging_files), (1, 0), "only a part that no record names");
        let record = find(&table.staging(), "a", "f").await.unwrap();
        let add = [record.parts, own].concat();
        let table = table.commit(&Commit { run_id: "next".into(), add, ..Commit::default() }).await.unwrap();
        assert_eq!((table.rows(), ids(&table).await.len()), (4, 4));
        table.staging().remove_all(&[named("a")]).await.unwrap();
        lease.release().await;
        let collected = warehouse.collect_garbage(&table, NOW).await.unwrap();
        assert_eq!((collected.files, collected.staging_files), (1, 1), "b, now that no run is alive");

        staged("d").await;
        let record = find(&table.staging(), "d", "f").await.unwrap();
        tokio::time::sleep(Duration::from_millis(1100)).await;
        assert_eq!(warehouse.collect_garbage(&table, NOW).await.unwrap().files, 1);
        let commit = Commit { run_id: "silent".into(), add: record.parts, ..Commit::default() };
        assert_eq!(table.commit(&commit).await.unwrap_err().kind(), Kind::Lost);
        assert_eq!(table.latest().await.unwrap().version(), table.version());
        assert_eq!(table.verify().await.unwrap(), []);
    });
}

/// Builds and `gc` without any grace, all at once and without a word to each other: a commit that succeeds has its parts.
#[test]
fn a_commit_that_succeeds_has_its_parts() {
    everywhere(async |warehouse| {
        warehouse.create("t", schema()).await.unwrap();
        let collecting = {
            let warehouse = warehouse.clone();
            tokio::spawn(async move {
                loop {
                    let table = warehouse.table("t").await.unwrap().unwrap();
                    warehouse.collect_garbage(&table, NOW).await.unwrap();
                }
            })
        };
        let builds = (0..4).map(|shard| {
            let warehouse = warehouse.clone();
            tokio::spawn(async move {
                let mut landed = 0;
                for n in 0..12 {
                    let table = warehouse.table("t").await.unwrap().unwrap();
                    let run = format!("r{shard}-{n}");
                    match put(&table, &run, &format!("s{shard}"), rows(n, 2)).await {
                        Ok(_) => landed += 1,
                        Err(error) => assert!([Kind::Lost, Kind::Input].contains(&error.kind()), "{error}"),
                    }
                    // What a build that lost parts after it committed would make again.
                    let table = warehouse.table("t").await.unwrap().unwrap();
                    if table.broken_shards().await.unwrap().contains(&format!("s{shard}")) {
                        let remove =
                            Commit { run_id: run, remove_shards: vec![format!("s{shard}")], ..Commit::default() };
                        table.commit(&remove).await.unwrap();
                    }
                }
                landed
            })
        });
        let landed: i32 = futures::future::join_all(builds).await.into_iter().map(Result::unwrap).sum();
        collecting.abort();
        let table = warehouse.table("t").await.unwrap().unwrap();
        assert!(table.verify().await.unwrap().iter().all(|finding| !finding.is_damage()), "{landed} landed");
    });
}
