"""B1: pairs of objects compared on six axes with margins, to a bit set a pair, against Polars and DuckDB. One core each.

    cargo bench --bench relations --no-run        # prints the path of the executable
    python benches/relations.py <executable> [frames] [runs]

118,287 frames with a long-tailed number of objects, as COCO's images have. Everybody starts with the objects in memory and
stops with the bit sets in memory; runs are interleaved; answers that differ from ours are reported and their times not.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

os.environ["POLARS_MAX_THREADS"] = "1"

import duckdb
import numpy as np
import polars as pl

ABSOLUTE, RELATIVE, OVERLAP, FLOOR = 0.1, 0.2, 0.3, 1e-6
# key, what the image shows, where the interval begins, how long it is, scale
AXES = [
    ("cx", "bearing", "lx", "ex", "mean"),
    ("cz", "slope", "lz", "ez", "mean"),
    ("ly", "distance", "ly", "ey", "nearer"),
    ("ex", "ex", None, None, "larger"),
    ("ez", "ez", None, None, "larger"),
    ("volume", "volume", None, None, "larger"),
]


def make_objects(frames):
    draw = np.random.default_rng(7)
    counts = np.minimum(1 + draw.exponential(6.3, frames).astype(int), 90)
    n = counts.sum()
    centre, extent = draw.uniform([-4, 1, -2], [4, 12, 2], (n, 3)), draw.uniform(0.05, 2, (n, 3))
    low = centre - extent / 2
    columns = {"frame": np.repeat(np.arange(frames), counts), "i": np.concatenate([np.arange(c) for c in counts])}
    for name, values in (("c", centre), ("e", extent), ("l", low)):
        columns |= {name + axis: values[:, k] for k, axis in enumerate("xyz")}
    return pl.DataFrame(columns)


def polars_masks(objects):
    c = pl.col
    with_seen = objects.lazy().with_columns(
        bearing=pl.arctan2(c("cx"), c("cy")),
        slope=c("cz") / (c("cx") ** 2 + c("cy") ** 2).sqrt(),
        distance=(c("cx") ** 2 + c("cy") ** 2 + c("cz") ** 2).sqrt(),
        volume=c("ex") * c("ey") * c("ez"),
    )
    pairs = with_seen.join(with_seen, on="frame", suffix="_b").filter(c("i") < c("i_b"))
    mask = pl.lit(0, pl.Int32)
    for number, (key, seen, low, length, scale) in enumerate(AXES):
        a, b, s, t = c(key), c(key + "_b"), c(seen), c(seen + "_b")
        value = (b - a).abs()
        by = {
            "mean": lambda: 0.5 * (c(length) + c(length + "_b")),
            "nearer": lambda: pl.when(a < b).then(s).otherwise(t),
            "larger": lambda: pl.max_horizontal(a, b),
        }[scale]()
        clear = (value > ABSOLUTE) & (value > RELATIVE * by)
        if low:
            end = pl.min_horizontal(c(low) + c(length), c(low + "_b") + c(length + "_b"))
            shared = end - pl.max_horizontal(c(low), c(low + "_b"))
            clear &= shared <= OVERLAP * pl.min_horizontal(c(length), c(length + "_b"))
        lesser = (clear & (a < b) & (s < t)).cast(pl.Int32)
        greater = (clear & (a > b) & (s > t)).cast(pl.Int32)
        mask = mask + lesser * (1 << 2 * number) + greater * (2 << 2 * number)
    return pairs.select("i", "i_b", mask=mask).collect(engine="streaming")


def duckdb_masks(connection):
    terms = []
    for number, (key, seen, low, length, scale) in enumerate(AXES):
        by = {
            "mean": f"0.5 * (a.{length} + b.{length})",
            "nearer": f"CASE WHEN a.{key} < b.{key} THEN a.{seen} ELSE b.{seen} END",
            "larger": f"greatest(a.{key}, b.{key})",
        }[scale]
        clear = f"abs(b.{key} - a.{key}) > {ABSOLUTE} AND abs(b.{key} - a.{key}) > {RELATIVE} * ({by})"
        if low:
            clear += (
                f" AND least(a.{low} + a.{length}, b.{low} + b.{length}) - greatest(a.{low}, b.{low})"
                f" <= {OVERLAP} * least(a.{length}, b.{length})"
            )
        for sign, bit in (("<", 1), (">", 2)):
            holds = f"{clear} AND a.{key} {sign} b.{key} AND a.{seen} {sign} b.{seen}"
            terms.append(f"({holds})::INT * {bit << 2 * number}")
    found = connection.sql(f"""
        WITH seen AS (
            SELECT *, atan2(cx, cy) AS bearing, cz / sqrt(cx * cx + cy * cy) AS slope,
                sqrt(cx * cx + cy * cy + cz * cz) AS distance, ex * ey * ez AS volume
            FROM objects)
        SELECT a.i, b.i AS i_b, {" + ".join(terms)} AS mask FROM seen a JOIN seen b ON a.frame = b.frame AND a.i < b.i
    """).arrow()
    # A table in some versions, a reader of batches in others.
    return found.read_all() if hasattr(found, "read_all") else found


def checksum(found):
    a, b, mask = (np.asarray(found[name]).astype(np.uint64) for name in ("i", "i_b", "mask"))
    return len(mask), int((mask * ((31 * a + 17 * b) % 1009 + 1)).sum())


def main():
    executable = sys.argv[1]
    frames, runs = (int(v) for v in (sys.argv[2:] + ["118287", "7"][len(sys.argv) - 2:])[:2])
    objects = make_objects(frames)
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "objects.parquet")
        objects.write_parquet(file)
        connection = duckdb.connect()
        connection.sql("SET threads = 1")
        connection.sql(f"CREATE TABLE objects AS FROM '{file}'")

        def ours():
            answer = json.loads(subprocess.run([executable, file], capture_output=True, text=True, check=True).stdout)
            return answer["seconds"], (answer["pairs"], answer["checksum"])

        def timed(masks):
            start = time.perf_counter()
            found = masks()
            seconds = time.perf_counter() - start
            return seconds, checksum(found)

        engines = {
            "spatialmill": ours,
            "polars": lambda: timed(lambda: polars_masks(objects)),
            "duckdb": lambda: timed(lambda: duckdb_masks(connection)),
        }
        times, answers = {name: [] for name in engines}, {}
        for _ in range(runs):
            for name, run in engines.items():
                seconds, answers[name] = run()
                times[name].append(seconds)
    pairs = answers["spatialmill"][0]
    print(f"{frames} frames, {len(objects)} objects, {pairs} pairs, {runs} interleaved runs, one core each")
    for name, seconds in times.items():
        if answers[name] != answers["spatialmill"]:
            print(f"{name:12} gives another answer: {answers[name]} instead of {answers['spatialmill']}")
            continue
        low, middle, high = min(seconds), float(np.median(seconds)), max(seconds)
        print(f"{name:12} {low:.3f} {middle:.3f} {high:.3f} s (min, median, max)  {pairs / middle / 1e6:.1f} M pairs/s")


if __name__ == "__main__":
    main()
