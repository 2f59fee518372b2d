"""B5: the queries that people ask of a dataset, against DuckDB and Polars on the same files.

    pip install deltalake duckdb polars
    cargo build --release --workspace --bin spatialmill --bench slicing
    python benches/slicing.py <slicing executable> PROJECT [runs]

PROJECT is a project with a dataset, such as the folder that benches/dataset.py makes. Every engine opens the parts that the log names
once, outside the clock, and runs each query of slicing.sql several times in one process, all cores; engines take turns. An answer that differs
from ours is reported and its time not.
"""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import deltalake
import duckdb
import polars as pl

HERE = pathlib.Path(__file__).parent


def main():
    executable, project = sys.argv[1], pathlib.Path(sys.argv[2])
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    files = deltalake.DeltaTable(str(project / "warehouse/dataset")).file_uris()
    connection = duckdb.connect()
    connection.execute(f"CREATE VIEW dataset AS SELECT * FROM read_parquet({files!r})")
    rows = connection.execute("SELECT count(*) FROM dataset").fetchone()[0]
    sample, frame = connection.execute("SELECT sample_id, frame_ids[1] FROM dataset ORDER BY sample_id LIMIT 1").fetchone()
    text = (HERE / "slicing.sql").read_text().replace("$id", sample).replace("$frame", frame)
    queries = dict(block.strip()[3:].split("\n", 1) for block in text.split("\n\n")[1:])
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(text)
        file.flush()
        context = pl.SQLContext(dataset=pl.scan_parquet(files))
        times = {name: {"spatialmill": [], "DuckDB": [], "Polars": []} for name in queries}
        wrong = set()
        for _ in range(runs):
            ours = json.loads(subprocess.run([executable, str(project), file.name, "2"], capture_output=True, text=True, check=True).stdout)
            for name, query in queries.items():
                # The first of two runs opens files.
                times[name]["spatialmill"].append(ours[name]["ms"][-1])
                expected = [list(json.loads(line).values()) for line in ours[name]["rows"].splitlines()]
                engines = {
                    "DuckDB": lambda query=query: connection.execute(query).fetchall(),
                    "Polars": lambda query=query: context.execute(polars_sql(query), eager=True).rows(),
                }
                for engine, run in engines.items():
                    try:
                        run()
                        start = time.perf_counter()
                        found = run()
                        times[name][engine].append((time.perf_counter() - start) * 1e3)
                    except pl.exceptions.PolarsError as error:
                        wrong.add((name, engine, str(error).splitlines()[0]))
                        continue
                    same = len(found) == len(expected) if "LIMIT" in query else [list(row) for row in found] == expected
                    if not same:
                        wrong.add((name, engine, f"{found[:2]} and not {expected[:2]}"))
    for name, engine, why in sorted(wrong):
        print(f"{engine} answers `{name}` otherwise: {why}", file=sys.stderr)
    print(f"{rows:,} rows in {len(files)} files, medians of {runs} runs, ms")
    print(f"{'':32}{'ours':>9}{'DuckDB':>9}{'Polars':>9}{'ours/DuckDB':>13}")
    for name, of in times.items():
        bad = {engine for which, engine, _ in wrong if which == name}
        median = {engine: statistics.median(found) for engine, found in of.items() if found and engine not in bad}
        cells = "".join(f"{median[engine]:9.0f}" if engine in median else f"{'-':>9}" for engine in of)
        ratio = f"{median['spatialmill'] / median['DuckDB']:13.2f}" if "DuckDB" in median else f"{'-':>13}"
        print(f"{name:32}{cells}{ratio}")


def polars_sql(query):
    """Polars counts list elements from 1 by another name, and lengths in bytes unless asked for letters."""
    query = query.replace("frame_ids[1]", "ARRAY_GET(frame_ids, 1)").replace("length(", "char_length(").rstrip().rstrip(";")
    return query.replace("ORDER BY 1, 2, 3", "ORDER BY task, text_format, image_format").replace("ORDER BY 1", "ORDER BY relation")


if __name__ == "__main__":
    main()
