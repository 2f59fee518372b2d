"""Reads every table of a warehouse with other engines and compares what they see.

    pip install deltalake duckdb polars pyarrow
    SPATIALMILL_TEST_KEEP=/tmp/warehouse cargo test --workspace --lib a_table_for_other_engines
    python3 tests/oracle/delta_interop.py /tmp/warehouse

`deltalake` reads the log and gives the files; then pyarrow (through deltalake), Polars and DuckDB read the rows. All must agree
on a hash of all values in any order, and on the number of rows with deltalake's SQL and the statistics in the log. Where there is a table `interop`, as
the test above writes it, its values are also compared with the formula that they were made by.
"""

import datetime
import hashlib
import json
import math
import pathlib
import sys
import urllib.parse

import duckdb
import polars as pl
from deltalake import DeltaTable, QueryBuilder

FAILED = []


def plain(value):
    """A value in a form that is the same whichever engine it came from."""
    if isinstance(value, dict):
        return {key: plain(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return "nan" if math.isnan(value) else repr(value)
    if isinstance(value, datetime.datetime):
        # Engines differ in the zone in which they show an instant.
        return value.astimezone(datetime.timezone.utc).isoformat()
    return value


def fingerprint(rows):
    lines = sorted(json.dumps(plain(row), sort_keys=True) for row in rows)
    return len(lines), hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def from_duckdb(table, columns):
    if not table.file_uris():
        return []
    # delta_scan() is an extension that DuckDB downloads, so the log's list of files is handed over instead.
    query = duckdb.sql("SELECT * FROM read_parquet(?, union_by_name := true)", params=[table.file_uris()])
    return [{name: row.get(name) for name in columns} for row in query.to_arrow_table().to_pylist()]


def rows_by_sql(table):
    batches = QueryBuilder().register("t", table).execute("SELECT count(*) AS n FROM t")
    return pl.DataFrame(batches)["n"].sum()


def check(name, folder):
    table = DeltaTable(str(folder))
    arrow = table.to_pyarrow_table()
    columns = arrow.column_names
    seen = {
        "deltalake + pyarrow": fingerprint(arrow.to_pylist()),
        "polars": fingerprint(pl.read_delta(str(folder)).to_dicts()),
        "duckdb": fingerprint(from_duckdb(table, columns)),
    }
    logged = sum(json.loads(stats)["numRecords"] for stats in stats_of(folder, table))
    counted = rows_by_sql(table)
    agree = len(set(seen.values())) == 1 and logged == counted == arrow.num_rows
    rows, digest = seen["deltalake + pyarrow"]
    print(f"{'ok  ' if agree else 'FAIL'} {name}: version {table.version()}, {rows} rows, {digest}")
    if not agree:
        FAILED.append(name)
        for engine, found in seen.items():
            print(f"     {engine}: {found}")
        print(f"     rows in the log's statistics: {logged}, counted by deltalake's SQL: {counted}")
    return arrow


def stats_of(folder, table):
    """The statistics of the active files, out of the log's JSON."""
    active = {str(pathlib.Path(uri).relative_to(folder)) for uri in table.file_uris()}
    for entry in sorted(pathlib.Path(folder, "_delta_log").glob("*.json")):
        for line in entry.read_text().splitlines():
            add = json.loads(line).get("add")
            if add and urllib.parse.unquote(add["path"]) in active:
                yield add["stats"]


def check_known(arrow, folder):
    """The table `interop`: thirty rows, the first ten written before the last columns were added."""
    for row in arrow.sort_by("id").to_pylist():
        i = row["id"]
        late = i >= 10
        expected = {
            "id": i,
            "task": "odd" if i % 2 else "even",
            "text": f"row {i}" if i % 3 else None,
            "numbers": [float(i), None] if late else None,
            "centre": {"x": i / 2, "y": i / 2} if late else None,
            "small": i if late else None,
        }
        if row != expected:
            FAILED.append("interop")
            print(f"FAIL {row}\n  != {expected}")
    if sorted(arrow["id"].to_pylist()) != list(range(30)):
        FAILED.append("interop")
        print("FAIL ids", arrow["id"].to_pylist())
    then = DeltaTable(str(folder), version=2)
    if then.to_pyarrow_table().num_rows != 110:
        FAILED.append("time travel")
    history = DeltaTable(str(folder)).history()
    print("     history:", [(entry["version"], entry.get("spatialmill", {}).get("run_id")) for entry in history])
    # Bounds in the log must hold, or an engine that skips files by them loses rows.
    found = pl.scan_delta(str(folder)).filter(pl.col("id") == 25).collect()
    late = pl.scan_delta(str(folder)).filter((pl.col("task") == "odd") & (pl.col("id") > 20)).collect()
    if found.height != 1 or late.height != 5:
        FAILED.append("skipping by bounds")


def main():
    warehouse = pathlib.Path(sys.argv[1])
    tables = sorted(folder.parent for folder in warehouse.glob("*/_delta_log"))
    if not tables:
        sys.exit(f"no tables in {warehouse}")
    for folder in tables:
        arrow = check(folder.name, folder)
        if folder.name == "interop":
            check_known(arrow, folder)
    sys.exit(f"failed: {', '.join(FAILED)}" if FAILED else 0)


if __name__ == "__main__":
    main()
