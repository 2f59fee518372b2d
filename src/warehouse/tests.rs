//! The warehouse's contract, the same on every kind of store.
//!
//! Each case runs on `memory://` and on `file://` (in a folder with a space and a `%` in its name); where `SPATIALMILL_TEST_S3` names a
//! bucket URL (`tests/oracle/s3.py` starts a server and sets it), it runs there too.

mod staging;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::{
    Commit, Discrepancy, Part, Retention, StagedShard, Staging, StagingError, StagingRecord, Table, Warehouse,
    WriteOptions, open_object, write_parts,
};
use crate::error::Kind;
use arrow::array::{
    ArrayRef, AsArray, Float64Array, Int32Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray,
};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema, SchemaRef};
use arrow::util::pretty::pretty_format_batches;
use datafusion::datasource::MemTable;
use datafusion::physical_plan::{ExecutionPlanProperties, displayable};
use datafusion::prelude::{SessionConfig, SessionContext};
use object_store::{ObjectStoreExt, PutPayload};
use serde_json::{Map, Value};

const NOW: Retention = Retention { versions: 1, grace: Duration::ZERO };

/// Runs `case` in an empty warehouse of every kind, which no other test uses.
fn everywhere<F: AsyncFn(Warehouse)>(case: F) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let unique = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let folder = tempfile::tempdir().unwrap();
    let on_disk = folder.path().join("ware %20house").display().to_string();
    let mut urls = vec![format!("memory://contract-{unique}"), on_disk];
    urls.extend(std::env::var("SPATIALMILL_TEST_S3").ok().map(|bucket| format!("{bucket}/{unique}")));
    for url in urls {
        eprintln!("in {url}");
        runtime.block_on(case(Warehouse::open(&url, Path::new("/")).unwrap()));
    }
}

fn schema() -> SchemaRef {
    let xy = DataType::Struct(
        vec![Field::new("x", DataType::Float64, true), Field::new("y", DataType::Float64, true)].into(),
    );
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("task", DataType::Utf8, false),
        Field::new("text", DataType::Utf8, true),
        Field::new("numbers", DataType::List(Arc::new(Field::new_list_field(DataType::Float64, true))), true),
        Field::new("centre", xy, true),
        Field::new("small", DataType::Int32, true),
    ]))
}

/// `count` rows with ids from `first`, every second one of another task.
fn rows(first: i64, count: i64) -> RecordBatch {
    let ids: Vec<i64> = (first..first + count).collect();
    let numbers = ids.iter().map(|&i| Some(vec![Some(i as f64), None]));
    let x: ArrayRef = Arc::new(Float64Array::from_iter_values(ids.iter().map(|&i| i as f64 / 2.0)));
    let DataType::Struct(fields) = schema().field(4).data_type().clone() else { unreachable!() };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(ids.clone())),
        Arc::new(StringArray::from_iter_values(ids.iter().map(|i| if i % 2 == 0 { "even" } else { "odd" }))),
        Arc::new(StringArray::from_iter(ids.iter().map(|i| (i % 3 > 0).then(|| format!("row {i}"))))),
        Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(numbers)),
        Arc::new(StructArray::new(fields, vec![Arc::clone(&x), x], None)),
        Arc::new(Int32Array::from_iter(ids.iter().map(|&i| i32::try_from(i).ok()))),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

/// Writes batches, one partition each, and gives the parts.
async fn write(options: WriteOptions, partitions: Vec<Vec<RecordBatch>>) -> Vec<Part> {
    let ctx = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(partitions.len()));
    let input = MemTable::try_new(schema(), partitions).unwrap();
    let input = ctx.read_table(Arc::new(input)).unwrap().create_physical_plan().await.unwrap();
    let plan = write_parts(input, options, usize::MAX);
    let written = datafusion::physical_plan::collect(plan, ctx.task_ctx()).await.unwrap();
    let mut parts: Vec<_> = written.iter().flat_map(|batch| Part::from_batch(batch).unwrap()).collect();
    parts.sort_by(|a, b| a.path.cmp(&b.path));
    parts
}

/// Replaces one shard with these rows.
async fn put(table: &Table, run: &str, shard: &str, batch: RecordBatch) -> crate::error::Result<Table> {
    let add = write(table.write_options(run, shard, &format!("made by {run}")), vec![vec![batch]]).await;
    table.commit(&Commit { run_id: run.to_owned(), add, ..Commit::default() }).await
}

async fn query(table: &Table, sql: &str) -> Vec<RecordBatch> {
    let ctx = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
    ctx.register_table("t", table.provider()).unwrap();
    ctx.sql(sql).await.unwrap().collect().await.unwrap()
}

async fn ids(table: &Table) -> Vec<i64> {
    let batches = query(table, "SELECT id FROM t ORDER BY id").await;
    batches.iter().flat_map(|b| b.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
}

#[test]
fn what_is_written_is_read() {
    everywhere(async |warehouse| {
        assert!(warehouse.table("t").await.unwrap().is_none());
        let table = warehouse.create("t", schema()).await.unwrap();
        assert_eq!((table.version(), table.rows()), (0, 0));
        assert_eq!(ids(&table).await, Vec::<i64>::new());
        assert_eq!(table.schema(), &schema());

        let options = table.write_options("run1", "a/b c", "f1");
        let parts = write(options, vec![vec![rows(0, 10), rows(10, 5)], vec![], vec![rows(15, 5)]]).await;
        assert_eq!(parts.len(), 2, "a partition without rows writes nothing, but for the first");
        assert!(ids(&table.latest().await.unwrap()).await.is_empty(), "invisible until it is committed");
        let info: Map<String, Value> = [("seed".to_owned(), Value::from(7))].into_iter().collect();
        let commit = Commit { run_id: "run1".into(), add: parts.clone(), info, ..Commit::default() };
        let table = table.commit(&commit).await.unwrap();

        assert_eq!((table.version(), table.rows()), (1, 20));
        assert_eq!(table.parts_with_stats(), parts, "the log keeps everything that a part knows");
        assert_eq!(table.shards().into_iter().collect::<Vec<_>>(), [("a/b c", "f1")]);
        let reopened = warehouse.table("t").await.unwrap().unwrap();
        assert_eq!(reopened.parts_with_stats(), parts);
        assert_eq!(ids(&reopened).await, (0..20).collect::<Vec<_>>());
        let all = query(&reopened, "SELECT * FROM t ORDER BY id").await;
        let expected = arrow::compute::concat_batches(&schema(), &[rows(0, 20)]).unwrap();
        let read = arrow::compute::concat_batches(&schema(), &all).unwrap();
        assert_eq!(read, expected);
        assert_eq!(reopened.verify().await.unwrap(), []);
        assert_eq!(warehouse.table_names().await.unwrap(), ["t"]);

        let history = reopened.history(10).await.unwrap();
        assert_eq!(history.iter().map(|e| e.version).collect::<Vec<_>>(), [1, 0]);
        assert_eq!((&history[0].info["run_id"], &history[0].info["seed"]), (&"run1".into(), &7.into()));
        assert!(history[0].at > 1_600_000_000_000);

        let again = reopened.commit(&commit).await.unwrap();
        assert_eq!(again.version(), 1, "committing what is already there changes nothing");
    });
}

#[test]
fn a_commit_replaces_whole_shards_and_old_versions_stay() {
    everywhere(async |warehouse| {
        let empty = warehouse.create("t", schema()).await.unwrap();
        let table = put(&empty, "r1", "a", rows(0, 4)).await.unwrap();
        let table = put(&table, "r2", "b", rows(10, 2)).await.unwrap();
        let table = put(&table, "r3", "a", rows(20, 1)).await.unwrap();
        assert_eq!(ids(&table).await, [10, 11, 20]);
        let removal = Commit { run_id: "r4".into(), remove_shards: vec!["b".into()], ..Commit::default() };
        let table = table.commit(&removal).await.unwrap();
        assert_eq!(ids(&table).await, [20]);
        assert_eq!(table.version(), 4);

        let then = warehouse.table_at("t", 2).await.unwrap().unwrap();
        assert_eq!(ids(&then).await, [0, 1, 2, 3, 10, 11]);
        assert_eq!(ids(&warehouse.table_at("t", 0).await.unwrap().unwrap()).await, Vec::<i64>::new());
        let error = warehouse.table_at("t", 99).await.unwrap_err();
        assert!(error.to_string().contains("no such version"), "{error}");

        let only_b = then.provider_of(&BTreeSet::from(["b".to_owned(), "never".to_owned()]));
        let count = SessionContext::new().read_table(only_b).unwrap().count().await.unwrap();
        assert_eq!(count, 2);
    });
}

/// The inputs of a UNION are partitions of their own: one writer reads them one after the other.
#[test]
fn one_writer_writes_one_part_in_the_order_of_its_inputs() {
    everywhere(async |warehouse| {
        let table = warehouse.create("t", schema()).await.unwrap();
        let ctx = SessionContext::new();
        let inputs = (0..6).map(|n| vec![rows(n * 10, 2)]).collect();
        let input = ctx.read_table(Arc::new(MemTable::try_new(schema(), inputs).unwrap())).unwrap();
        let input = input.create_physical_plan().await.unwrap();
        for (writers, expected) in [(1, vec![12]), (2, vec![6, 6]), (9, vec![2; 6])] {
            let plan = write_parts(Arc::clone(&input), table.write_options("r", "a", "f"), writers);
            let written = datafusion::physical_plan::collect(plan, ctx.task_ctx()).await.unwrap();
            let parts: Vec<Part> = written.iter().flat_map(|batch| Part::from_batch(batch).unwrap()).collect();
            assert_eq!(parts.iter().map(|part| part.rows).collect::<Vec<_>>(), expected);
            if writers == 1 {
                let commit = Commit { run_id: "r".into(), add: parts, ..Commit::default() };
                let table = table.commit(&commit).await.unwrap();
                let batches = query(&table, "SELECT id FROM t").await;
                let ids: Vec<i64> =
                    batches.iter().flat_map(|b| b.column(0).as_primitive::<Int64Type>().values().to_vec()).collect();
                assert_eq!(ids, [0, 1, 10, 11, 20, 21, 30, 31, 40, 41, 50, 51]);
            }
        }
    });
}

#[test]
fn a_shard_without_rows_keeps_its_fingerprint() {
    everywhere(async |warehouse| {
        let table = warehouse.create("t", schema()).await.unwrap();
        let table = put(&table, "r1", "nothing", rows(0, 0)).await.unwrap();
        assert_eq!(table.shards()["nothing"], "made by r1");
        assert_eq!((table.rows(), table.parts().len()), (0, 1));
        assert!(ids(&table).await.is_empty());
        assert_eq!(table.verify().await.unwrap(), []);
    });
}

#[test]
fn sixteen_writers_of_different_shards_all_land() {
    everywhere(async |warehouse| {
        let table = warehouse.create("t", schema()).await.unwrap();
        let writers = (0..16).map(|n| {
            let table = table.clone();
            tokio::spawn(async move { put(&table, &format!("r{n}"), &format!("s{n}"), rows(n * 10, 3)).await })
        });
        for written in futures::future::join_all(writers).await {
            written.unwrap().unwrap();
        }
        let table = table.latest().await.unwrap();
        assert_eq!((table.version(), table.parts().len(), table.rows()), (16, 16, 48));
        assert_eq!(ids(&table).await.len(), 48);
    });
}

#[test]
fn of_sixteen_writers_of_one_shard_one_wins() {
    everywhere(async |warehouse| {
        let creators = (0..16).map(|_| {
            let warehouse = warehouse.clone();
            tokio::spawn(async move { warehouse.create("t", schema()).await })
        });
        let tables = futures::future::join_all(creators).await;
        let writers = tables.into_iter().zip(0..).map(|(table, n)| {
            let table = table.unwrap().unwrap();
            tokio::spawn(async move { put(&table, &format!("r{n}"), "same", rows(n * 10, 3)).await })
        });
        let written: Vec<_> = futures::future::join_all(writers).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(written.iter().filter(|result| result.is_ok()).count(), 1);
        for error in written.iter().filter_map(|result| result.as_ref().err()) {
            assert_eq!(error.kind(), Kind::Conflict, "{error}");
            assert!(error.advice().unwrap().contains("run again"));
        }
        let table = warehouse.table("t").await.unwrap().unwrap();
        assert_eq!((table.version(), table.rows()), (1, 3));
        assert_eq!(put(&table, "again", "same", rows(0, 1)).await.unwrap().rows(), 1, "the losers may try again");
    });
}

#[test]
fn many_versions_keep_their_tags_through_checkpoints() {
    everywhere(async |warehouse| {
        let mut table = warehouse.create("t", schema()).await.unwrap();
        let parts = write(table.write_options("r", "first", "f"), vec![vec![rows(0, 2)]]).await;
        table = table.commit(&Commit { run_id: "r".into(), add: parts.clone(), ..Commit::default() }).await.unwrap();
        let whole = table.location().store().get(&table.location().path(&parts[0].path)).await.unwrap();
        let whole = whole.bytes().await.unwrap();
        // Commits are what is counted here, so they name copies of one part, which say that they have other rows.
        for n in 0..110 {
            let (path, shard) = (format!("parts/x/{n}.parquet"), format!("s{}", n % 5));
            let part = Part { path, shard, content_hash: format!("{n:032x}"), ..parts[0].clone() };
            table.location().store().put(&table.location().path(&part.path), whole.clone().into()).await.unwrap();
            let commit = Commit { run_id: format!("x{n}"), add: vec![part], ..Commit::default() };
            table = table.commit(&commit).await.unwrap();
        }
        let log = table.location().path("_delta_log/_last_checkpoint");
        table.location().store().head(&log).await.expect("a checkpoint was written");
        let table = warehouse.table("t").await.unwrap().unwrap();
        assert_eq!((table.version(), table.parts().len()), (111, 6));
        assert_eq!(table.parts_with_stats()[0], parts[0], "read back from the checkpoint");
        assert_eq!(warehouse.table_at("t", 1).await.unwrap().unwrap().parts_with_stats(), parts);
        assert_eq!(table.verify().await.unwrap().into_iter().filter(Discrepancy::is_damage).count(), 0);

        // A checkpoint that cannot be read is done without.
        let checkpoint = table.location().path("_delta_log/00000000000000000110.checkpoint.parquet");
        let store = table.location().store();
        let whole = store.get(&checkpoint).await.unwrap().bytes().await.unwrap();
        for damaged in [whole.slice(..whole.len() / 2), whole.slice(1..), bytes::Bytes::new()] {
            store.put(&checkpoint, damaged.into()).await.unwrap();
            assert_eq!(warehouse.table("t").await.unwrap().unwrap().parts(), table.parts());
        }
        // One that says something else is told.
        let other = table.location().path("_delta_log/00000000000000000108.checkpoint.parquet");
        let other = store.get(&other).await.unwrap().bytes().await.unwrap();
        store.put(&checkpoint, other.into()).await.unwrap();
        let found = warehouse.table("t").await.unwrap().unwrap().verify().await.unwrap();
        assert!(found.iter().any(|one| one.is_damage() && one.to_string().contains("checkpoint")), "{found:?}");
    });
}

#[test]
fn new_columns_that_may_be_null_are_added_and_others_refused() {
    everywhere(async |warehouse| {
        let old = Arc::new(schema().project(&[0, 1]).unwrap());
        let table = warehouse.create("t", Arc::clone(&old)).await.unwrap();
        let table = put(&table, "r1", "a", rows(0, 2)).await.unwrap();
        assert_eq!(table.schema(), &old);
        let table = warehouse.create("t", schema()).await.unwrap();
        assert_eq!(table.schema(), &schema());
        let table = put(&table, "r2", "b", rows(2, 2)).await.unwrap();
        let shown = query(&table, "SELECT id, text, numbers[1] AS n, centre['x'] AS x FROM t ORDER BY id").await;
        let shown = pretty_format_batches(&shown).unwrap().to_string();
        assert!(shown.contains("| 1  |       |     |     |"), "{shown}");
        assert!(shown.contains("| 2  | row 2 | 2.0 | 1.0 |"), "{shown}");
        assert_eq!(table.verify().await.unwrap(), []);
        let error = warehouse.create("t", old).await.unwrap_err();
        assert!(error.to_string().contains("no longer in the schema") && error.advice().is_some(), "{error}");
    });
}

#[test]
fn a_table_that_lacks_new_columns_is_read_as_if_they_were_null() {
    everywhere(async |warehouse| {
        let old = Arc::new(schema().project(&[1, 0]).unwrap());
        let table = warehouse.create("t", old).await.unwrap();
        let table = put(&table, "r1", "a", rows(0, 2)).await.unwrap();
        let context = SessionContext::new();
        context.register_table("t", table.provider_with(&schema())).unwrap();
        let sql = "SELECT id, text, numbers[1] AS n, centre['x'] AS x FROM t WHERE small IS NULL ORDER BY id DESC";
        let shown = context.sql(sql).await.unwrap().collect().await.unwrap();
        let shown = pretty_format_batches(&shown).unwrap().to_string();
        assert!(shown.contains("| 1  |      |   |   |") && shown.contains("| 0  |"), "{shown}");
        let columns = context.table("t").await.unwrap().schema().fields().len();
        assert_eq!(columns, schema().fields().len());
    });
}

#[test]
fn rows_that_share_values_lie_together_and_are_found_by_them() {
    everywhere(async |warehouse| {
        let table = warehouse.create("t", schema()).await.unwrap();
        let mut options = table.write_options("r", "a", "f");
        options.cluster_by = vec!["task".into()];
        options.ids = vec!["id".into()];
        options.long_text = vec!["text".into()];
        options.cluster_bytes = 1 << 20;
        let batches = (0..50).map(|n| rows(n * 1000, 1000)).collect();
        let parts = write(options, vec![batches]).await;
        let table = table.commit(&Commit { run_id: "r".into(), add: parts, ..Commit::default() }).await.unwrap();
        assert_eq!(ids(&table).await, (0..50_000).collect::<Vec<_>>());
        let stats: Value = serde_json::from_str(&table.parts_with_stats()[0].stats).unwrap();
        assert_eq!((&stats["minValues"]["task"], &stats["maxValues"]["id"]), (&"even".into(), &49_999.into()));
        assert_eq!(stats["minValues"]["text"], Value::Null);

        let plan = query(&table, "EXPLAIN ANALYZE SELECT count(*) FROM t WHERE task = 'odd' AND small >= 0").await;
        let plan = pretty_format_batches(&plan).unwrap().to_string();
        let pruned = plan.split("row_groups_pruned_statistics=").nth(1).unwrap_or_else(|| panic!("{plan}"));
        let (total, matched) = pruned.split_once(" total → ").unwrap();
        let matched = matched.split(' ').next().unwrap();
        let (total, matched): (u32, u32) = (total.parse().unwrap(), matched.parse().unwrap());
        assert!(total > 2 && matched <= total / 2 + 1, "{matched} of {total}");
        let odd = query(&table, "SELECT count(*) FROM t WHERE task = 'odd'").await;
        assert_eq!(odd[0].column(0).as_primitive::<Int64Type>().value(0), 25_000);
    });
}

#[test]
fn counting_reads_nothing_and_filters_are_exact() {
    everywhere(async |warehouse| {
        let table = warehouse.create("t", schema()).await.unwrap();
        let table = put(&table, "r1", "a", rows(0, 100)).await.unwrap();
        let table = put(&table, "r2", "b", rows(100, 100)).await.unwrap();
        let ctx = SessionContext::new();
        ctx.register_table("t", table.provider()).unwrap();
        let plan = ctx.sql("SELECT count(*) FROM t").await.unwrap().create_physical_plan().await.unwrap();
        let shown = displayable(plan.as_ref()).indent(false).to_string();
        assert!(shown.contains("PlaceholderRowExec") && !shown.contains("parquet"), "{shown}");
        for (filter, count) in
            [("id = 150", 1), ("id < 10 OR id > 195", 14), ("text IS NULL", 67), ("task = 'odd' AND id < 50", 25)]
        {
            let found = query(&table, &format!("SELECT id FROM t WHERE {filter}")).await;
            assert_eq!(found.iter().map(RecordBatch::num_rows).sum::<usize>(), count, "{filter}");
        }
        let limited = query(&table, "SELECT * FROM t LIMIT 5").await;
        assert_eq!(limited.iter().map(RecordBatch::num_rows).sum::<usize>(), 5);
        let plan = ctx.sql("SELECT * FROM t").await.unwrap().create_physical_plan().await.unwrap();
        assert!(plan.output_partitioning().partition_count() >= 1);
    });
}

#[test]
fn a_flipped_bit_is_an_error_and_never_other_rows() {
    everywhere(async |warehouse| {
        let table = warehouse.create("t", schema()).await.unwrap();
        let mut options = table.write_options("r", "a", "f");
        options.ids = vec!["id".into()];
        let batches = (0..40).map(|n| rows(n * 1000, 1000)).collect();
        let parts = write(options, vec![batches]).await;
        let table =
            table.commit(&Commit { run_id: "r".into(), add: parts.clone(), ..Commit::default() }).await.unwrap();
        let path = table.location().path(&parts[0].path);
        let store = table.location().store();
        let whole = store.get(&path).await.unwrap().bytes().await.unwrap();
        assert!(whole.len() > 300 << 10, "more than one block: {}", whole.len());
        for flip in 0..60 {
            let mut damaged = whole.to_vec();
            // The footer has its share.
            let at = if flip % 3 == 0 { whole.len() - 1 - flip * 37 } else { flip * whole.len() / 60 };
            damaged[at] ^= 1 << (flip % 8);
            store.put(&path, PutPayload::from(damaged)).await.unwrap();
            let ctx = SessionContext::new();
            ctx.register_table("t", table.provider()).unwrap();
            let read = ctx.sql("SELECT * FROM t").await.unwrap().collect().await.unwrap_err();
            assert_eq!(crate::error::Error::from(read).kind(), Kind::Damaged, "byte {at}");
            let found = ctx.sql("SELECT id FROM t WHERE id = 39999").await.unwrap().collect().await;
            let right = |batches: Vec<RecordBatch>| batches.iter().map(RecordBatch::num_rows).sum::<usize>() == 1;
            assert!(found.is_err() || found.is_ok_and(right), "byte {at}");
        }
        store.put(&path, PutPayload::from(whole)).await.unwrap();
        assert_eq!(ids(&table).await.len(), 40_000);

        // As it was written before there were sums: it is read as it is.
        let plain = Part { checksums: String::new(), shard: "b".into(), ..parts[0].clone() };
        let old =
            Commit { run_id: "old".into(), add: vec![plain], remove_shards: vec!["a".into()], ..Commit::default() };
        let table = table.commit(&old).await.unwrap();
        assert_eq!(ids(&table).await.len(), 40_000);
    });
}

#[test]
fn verify_finds_every_kind_of_damage() {
    everywhere(async |warehouse| {
        let table = warehouse.create("t", schema()).await.unwrap();
        let mut parts = Vec::new();
        for shard in ["flipped", "gone", "shorter"] {
            parts.extend(write(table.write_options("r", shard, "f"), vec![vec![rows(0, 50)]]).await);
        }
        let commit = Commit { run_id: "r".into(), add: parts.clone(), ..Commit::default() };
        let table = table.commit(&commit).await.unwrap();
        let orphan = write(table.write_options("killed", "c", "f"), vec![vec![rows(0, 1)]]).await;
        let store = table.location().store();
        let path = |n: usize| table.location().path(&parts[n].path);
        let whole = store.get(&path(0)).await.unwrap().bytes().await.unwrap();

        store.delete(&path(1)).await.unwrap();
        store.put(&path(2), PutPayload::from(whole.slice(..100))).await.unwrap();
        for offset in (0..whole.len()).step_by(whole.len() / 20) {
            let mut damaged = whole.to_vec();
            damaged[offset] ^= 1 << (offset % 8);
            store.put(&path(0), PutPayload::from(damaged)).await.unwrap();
            let findings = table.verify().await.unwrap();
            let [first, second, third, last] = findings.as_slice() else { panic!("{findings:?}") };
            assert_eq!(first, &Discrepancy::Content { path: parts[0].path.clone() });
            assert_eq!(second, &Discrepancy::Missing { path: parts[1].path.clone() });
            assert!(matches!(third, Discrepancy::Size { found: 100, .. }) && third.is_damage());
            assert!(
                matches!(last, Discrepancy::Orphan { bytes, .. } if *bytes == orphan[0].bytes) && !last.is_damage()
            );
        }
    });
}

#[test]
fn writing_conforms_or_fails_with_the_column() {
    everywhere(async |warehouse| {
        let table = warehouse.create("t", schema()).await.unwrap();
        let ctx = SessionContext::new();
        let try_write = async |sql: &str| {
            let plan = ctx.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
            let plan = write_parts(plan, table.write_options("r", "a", "f"), 2);
            datafusion::physical_plan::collect(plan, ctx.task_ctx()).await
        };
        let sql = "SELECT 'x' AS task, 1 AS id, 2 AS small, NULL AS text, [1.5] AS numbers, NULL AS centre, 9 AS extra";
        let batches = try_write(sql).await.unwrap();
        assert_eq!(Part::from_batch(&batches[0]).unwrap()[0].rows, 1);
        for (sql, message) in [
            (sql.replace("1 AS id", "CAST(NULL AS BIGINT) AS id"), "may not be null"),
            (sql.replace("2 AS small", "5000000000 AS small"), "`small`"),
            (sql.replace("'x' AS task, ", ""), "`task`"),
        ] {
            let error = crate::error::Error::from(try_write(&sql).await.unwrap_err());
            assert!(error.to_string().contains(message), "{error}");
        }
    });
}

#[test]
fn a_dropped_writer_leaves_the_table_alone() {
    everywhere(async |warehouse| {
        let table = warehouse.create("t", schema()).await.unwrap();
        let table = put(&table, "r1", "a", rows(0, 4)).await.unwrap();
        let ctx = SessionContext::new();
        let endless = "SELECT value AS id, 'x' AS task, repeat('y', 500) || value AS text, NULL AS numbers, NULL AS centre, \
                       NULL AS small FROM generate_series(1, 1000000000)";
        let plan = ctx.sql(endless).await.unwrap().create_physical_plan().await.unwrap();
        let mut options = table.write_options("r2", "a", "f");
        options.row_group_bytes = 100_000;
        let plan = write_parts(plan, options, 2);
        let writing = datafusion::physical_plan::collect(plan, ctx.task_ctx());
        assert!(tokio::time::timeout(Duration::from_millis(700), writing).await.is_err(), "it would go on for hours");
        let table = table.latest().await.unwrap();
        assert_eq!((table.version(), table.rows()), (1, 4));
        assert!(table.verify().await.unwrap().iter().all(|finding| !finding.is_damage()));
    });
}

#[test]
fn large_parts_go_up_in_pieces_and_roll_over() {
    everywhere(async |warehouse| {
        let table = warehouse.create("t", schema()).await.unwrap();
        let ctx = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
        // Text that does not compress, so that two parts of more than one piece each come out.
        let sql = "SELECT value AS id, 'x' AS task, concat(uuid(), uuid(), uuid(), uuid()) AS text, NULL AS numbers, \
                   NULL AS centre, NULL AS small FROM generate_series(1, 300000)";
        let plan = ctx.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
        let mut options = table.write_options("r", "a", "f");
        options.long_text = vec!["text".into()];
        options.row_group_bytes = 4 << 20;
        options.part_bytes = 10 << 20;
        let written = datafusion::physical_plan::collect(write_parts(plan, options, 2), ctx.task_ctx()).await.unwrap();
        let parts = Part::from_batch(&written[0]).unwrap();
        assert!(parts.len() > 1 && parts[0].bytes > 10 << 20, "{parts:?}");
        let table = table.commit(&Commit { run_id: "r".into(), add: parts, ..Commit::default() }).await.unwrap();
        assert_eq!(table.rows(), 300_000);
        assert_eq!(table.verify().await.unwrap(), []);
        assert_eq!(query(&table, "SELECT text FROM t WHERE id = 299999").await[0].num_rows(), 1);
    });
}

#[test]
fn an_object_is_opened_by_its_uri() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a ~b#1.txt");
    std::fs::write(&path, "seen").unwrap();
    let uri = url::Url::from_file_path(&path).unwrap();
    for name in [uri.as_str(), path.to_str().unwrap()] {
        let (store, path) = open_object(name).unwrap();
        let bytes = runtime.block_on(async { store.get(&path).await.unwrap().bytes().await.unwrap() });
        assert_eq!(&bytes[..], b"seen");
    }
}

/// Writes a small table for `tests/oracle/delta_interop.py` to read with other engines, where it says; elsewhere it only checks
/// that the table can be made.
#[test]
fn a_table_for_other_engines() {
    let folder = tempfile::tempdir().unwrap();
    let url = std::env::var("SPATIALMILL_TEST_KEEP").unwrap_or_else(|_| folder.path().display().to_string());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let warehouse = Warehouse::open(&url, Path::new("/")).unwrap();
        let old = Arc::new(schema().project(&[0, 1, 2]).unwrap());
        let table = warehouse.create("interop", old).await.unwrap();
        let table = put(&table, "r1", "old columns", rows(0, 10)).await.unwrap();
        put(&table, "r2", "replaced", rows(500, 100)).await.unwrap();
        let table = warehouse.create("interop", schema()).await.unwrap();
        let table = put(&table, "r3", "replaced", rows(10, 20)).await.unwrap();
        let table = put(&table, "r4", "empty", rows(0, 0)).await.unwrap();
        assert_eq!(table.rows(), 30);
    });
}

/// One process writes generation after generation, three shards at a time; it is killed at moments that it cannot choose.
#[test]
fn a_kill_leaves_the_last_version_whole() {
    const SHARDS: [&str; 3] = ["a", "b", "c"];
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    if let Ok(url) = std::env::var("SPATIALMILL_TEST_KILLED") {
        return runtime.block_on(async {
            let warehouse = Warehouse::open(&url, Path::new("/")).unwrap();
            loop {
                let table = warehouse.create("t", schema()).await.unwrap();
                let generation = i64::try_from(table.version()).unwrap() + 1;
                let run = format!("r{generation}-{}", std::process::id());
                let mut add = Vec::new();
                for shard in SHARDS {
                    add.extend(write(table.write_options(&run, shard, "f"), vec![vec![rows(generation, 1)]]).await);
                }
                table.commit(&Commit { run_id: run, add, ..Commit::default() }).await.unwrap();
            }
        });
    }
    let folder = tempfile::tempdir().unwrap();
    let url = folder.path().display().to_string();
    let warehouse = Warehouse::open(&url, Path::new("/")).unwrap();
    let mut last = 0;
    for kill in 0..30 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "warehouse::tests::a_kill_leaves_the_last_version_whole"])
            .env("SPATIALMILL_TEST_KILLED", &url)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // The moments cover starting up, writing, committing and the next generation.
        std::thread::sleep(Duration::from_millis(40 + (kill * 37) % 300));
        child.kill().unwrap();
        child.wait().unwrap();
        runtime.block_on(async {
            let Some(table) = warehouse.table("t").await.unwrap() else { return };
            assert!(table.version() >= last, "a version was lost");
            last = table.version();
            let damage: Vec<_> = table.verify().await.unwrap().into_iter().filter(Discrepancy::is_damage).collect();
            assert_eq!(damage, []);
            let generations = ids(&table).await;
            let whole = vec![i64::try_from(last).unwrap(); if last == 0 { 0 } else { SHARDS.len() }];
            assert_eq!(generations, whole, "all shards are of one generation");
        });
    }
    assert!(last > 5, "the process was killed too early to commit anything: {last}");
    runtime.block_on(async {
        let table = warehouse.table("t").await.unwrap().unwrap();
        std::thread::sleep(Duration::from_millis(1100));
        warehouse.collect_garbage(&table, NOW).await.unwrap();
        assert_eq!(table.verify().await.unwrap(), [], "what the killed left behind can be removed");
    });
}
