"""B1: facts about pairs of objects (relation, value, margin, overlap, agreement) on six axes, against Polars and DuckDB. One core each.

    cargo bench --bench relations --no-run        # prints the path of the executable
    python benches/relations.py <executable> [frames] [runs]

Frames with a long-tailed number of objects, as COCO's images have. All engines start with the pairs in memory and stop with the facts in
memory; runs are interleaved; answers that differ from ours are reported and their times not.
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

SMALLEST = 1e-6
COLUMNS = ["cx", "cy", "cz", "ex", "ey", "ez", "lx", "ly", "lz"]
# name, key, order in the image, begin and length of the interval, scale of the margin, the lesser relation, the greater
AXES = [
    ("lateral", "cx", "bearing", "lx", "ex", "mean", "left", "right"),
    ("vertical", "cz", "slope", "lz", "ez", "mean", "below", "above"),
    ("depth", "ly", "distance", "ly", "ey", "nearer", "near", "far"),
    ("width", "ex", "ex", None, None, "larger", "thinner", "wider"),
    ("height", "ez", "ez", None, None, "larger", "shorter", "taller"),
    ("volume", "volume", "volume", None, None, "larger", "smaller", "larger"),
]


def make_pairs(frames):
    """Each object of a frame with all after it, as flat columns `cx` and `cx_b`."""
    draw = np.random.default_rng(7)
    counts = np.minimum(1 + draw.exponential(6.3, frames).astype(int), 90)
    n = counts.sum()
    centre, extent = draw.uniform([-4, 1, -2], [4, 12, 2], (n, 3)), draw.uniform(0.05, 2, (n, 3))
    low = centre - extent / 2
    columns = {"frame": np.repeat(np.arange(frames), counts), "i": np.concatenate([np.arange(c) for c in counts])}
    for name, values in (("c", centre), ("e", extent), ("l", low)):
        columns |= {name + axis: values[:, k] for k, axis in enumerate("xyz")}
    objects = pl.DataFrame(columns)
    pairs = objects.join(objects, on="frame", suffix="_b").filter(pl.col("i") < pl.col("i_b"))
    return pairs.select(COLUMNS + [f"{name}_b" for name in COLUMNS])


def nested(pairs):
    """The same as `relate` takes it: (centre, extent, low, nearest)."""

    def view_box(suffix):
        vector = lambda of: pl.struct([pl.col(of + k + suffix).alias(k) for k in "xyz"])
        parts = [vector("c").alias("centre"), vector("e").alias("extent"), vector("l").alias("low")]
        return pl.struct([*parts, pl.col("ly" + suffix).alias("nearest")])

    return pairs.select(subject=view_box(""), object=view_box("_b"))


def polars_facts(pairs):
    c = pl.col
    orders = {}
    for suffix in ("", "_b"):
        x, y, z = (c("c" + k + suffix) for k in "xyz")
        orders |= {
            "bearing" + suffix: pl.arctan2(x, y),
            "slope" + suffix: z / (x * x + y * y).sqrt(),
            "distance" + suffix: (x * x + y * y + z * z).sqrt(),
            "volume" + suffix: c("ex" + suffix) * c("ey" + suffix) * c("ez" + suffix),
        }
    facts = []
    for name, key, image, low, length, scale, lesser, greater in AXES:
        a, b, s, t = c(key), c(key + "_b"), c(image), c(image + "_b")
        scale = {
            "mean": lambda: 0.5 * (c(length) + c(length + "_b")),
            "nearer": lambda: pl.when(a < b).then(s).otherwise(t),
            "larger": lambda: pl.max_horizontal(a, b),
        }[scale]()
        overlap = pl.lit(0.0)
        if low:
            end = pl.min_horizontal(c(low) + c(length), c(low + "_b") + c(length + "_b"))
            shorter = pl.min_horizontal(c(length), c(length + "_b"))
            shared = end - pl.max_horizontal(c(low), c(low + "_b"))
            overlap = pl.max_horizontal(pl.min_horizontal(shared, shorter) / shorter, 0.0)
        fact = pl.struct(
            relation=pl.when(a < b).then(pl.lit(lesser)).when(a > b).then(pl.lit(greater)),
            value=(b - a).abs(),
            unit=pl.lit("m3" if name == "volume" else "m"),
            margin=(b - a).abs() / pl.max_horizontal(scale, SMALLEST),
            overlap=overlap,
            agrees=((a < b) & (s < t)) | ((a > b) & (s > t)),
        )
        facts.append(fact.alias(name))
    return pairs.lazy().with_columns(**orders).select(facts).collect(engine="streaming")


def duckdb_facts(connection):
    orders = []
    for suffix in ("", "_b"):
        x, y, z = ("c" + k + suffix for k in "xyz")
        orders += [
            f"atan2({x}, {y}) AS bearing{suffix}",
            f"{z} / sqrt({x} * {x} + {y} * {y}) AS slope{suffix}",
            f"sqrt({x} * {x} + {y} * {y} + {z} * {z}) AS distance{suffix}",
            f"ex{suffix} * ey{suffix} * ez{suffix} AS volume{suffix}",
        ]
    facts = []
    for name, key, image, low, length, scale, lesser, greater in AXES:
        a, b, s, t = key, key + "_b", image, image + "_b"
        scale = {
            "mean": f"0.5 * ({length} + {length}_b)",
            "nearer": f"CASE WHEN {a} < {b} THEN {s} ELSE {t} END",
            "larger": f"greatest({a}, {b})",
        }[scale]
        overlap = "0.0::DOUBLE"
        if low:
            shorter = f"least({length}, {length}_b)"
            shared = f"least({low} + {length}, {low}_b + {length}_b) - greatest({low}, {low}_b)"
            overlap = f"greatest(least({shared}, {shorter}) / {shorter}, 0.0)"
        facts.append(f"""struct_pack(
            relation := CASE WHEN {a} < {b} THEN '{lesser}' WHEN {a} > {b} THEN '{greater}' END,
            value := abs({b} - {a}), unit := '{"m3" if name == "volume" else "m"}',
            margin := abs({b} - {a}) / greatest({scale}, {SMALLEST}), overlap := {overlap},
            agrees := ({a} < {b} AND {s} < {t}) OR ({a} > {b} AND {s} > {t})) AS {name}""")
    query = f"WITH ordered AS (SELECT *, {', '.join(orders)} FROM pairs) SELECT {', '.join(facts)} FROM ordered"
    found = connection.sql(query).arrow()
    # A table in some versions, a reader of batches in others.
    return pl.from_arrow(found.read_all() if hasattr(found, "read_all") else found)


def sums(found):
    """As `relations.rs` sums the facts of each axis up."""
    answer = []
    for name, *_, lesser, _ in AXES:
        fact = found[name].struct
        counts = [float((fact.field("relation") == lesser).sum()), float(fact.field("agrees").sum())]
        answer.append(counts + [fact.field(of).sum() for of in ("value", "margin", "overlap")])
    return np.array(answer)


def main():
    executable = sys.argv[1]
    frames, runs = (int(v) for v in (sys.argv[2:] + ["20000", "7"][len(sys.argv) - 2:])[:2])
    pairs = make_pairs(frames)
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "pairs.parquet")
        nested(pairs).write_parquet(file)
        connection = duckdb.connect()
        connection.sql("SET threads = 1")
        connection.sql("CREATE TABLE pairs AS FROM pairs")

        def ours():
            answer = json.loads(subprocess.run([executable, file], capture_output=True, text=True, check=True).stdout)
            assert answer["pairs"] == len(pairs)
            return answer["seconds"], np.array(answer["sums"])

        def timed(facts):
            start = time.perf_counter()
            found = facts()
            seconds = time.perf_counter() - start
            assert len(found) == len(pairs)
            return seconds, sums(found)

        engines = {
            "spatialmill": ours,
            "polars": lambda: timed(lambda: polars_facts(pairs)),
            "duckdb": lambda: timed(lambda: duckdb_facts(connection)),
        }
        times, answers = {name: [] for name in engines}, {}
        for _ in range(runs):
            for name, run in engines.items():
                seconds, answers[name] = run()
                times[name].append(seconds)
    print(f"{frames} frames, {len(pairs)} pairs on six axes, {runs} interleaved runs, one core each")
    for name, seconds in times.items():
        if not np.allclose(answers[name], answers["spatialmill"], rtol=1e-9):
            print(f"{name:12} gives another answer:\n{answers[name]}\ninstead of\n{answers['spatialmill']}")
            continue
        low, middle, high = min(seconds), float(np.median(seconds)), max(seconds)
        print(f"{name:12} {low:.3f} {middle:.3f} {high:.3f} s (min, median, max)  {len(pairs) / middle / 1e6:.2f} M pairs/s")


if __name__ == "__main__":
    main()
