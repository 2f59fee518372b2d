"""Relations against an independent NumPy implementation of their definitions (udfs/geometry/src/relate).

    cargo build --workspace --example relate_json
    python tests/oracle/relate.py target/debug/examples/relate_json [frames]

Draws random frames from a fixed seed (empty ones, lone objects, crowds, ties on a grid, flat and point-like objects, objects
behind the camera, numbers that are not finite), asks the example, and prints the differences.
"""

import json
import subprocess
import sys

import numpy as np

AXES = [
    ("lateral", "left", "right", "m"),
    ("vertical", "below", "above", "m"),
    ("depth", "near", "far", "m"),
    ("width", "thinner", "wider", "m"),
    ("height", "shorter", "taller", "m"),
    ("volume", "smaller", "larger", "m3"),
]
FLOOR = 1e-6


def random_frame(draw):
    n = int(draw.choice([0, 1, 2, 5, 9, 70], p=[0.05, 0.05, 0.2, 0.4, 0.28, 0.02]))
    centre = draw.uniform([-4, -1, -2], [4, 12, 2], (n, 3))
    extent = draw.uniform(0.01, 2, (n, 3))
    kind = draw.integers(5)
    if kind == 0:  # Ties.
        centre, extent = np.round(centre), np.round(extent * 2) / 2
    if kind == 1:  # Flat ones and points.
        extent[draw.random((n, 3)) < 0.3] = 0
    low = centre - extent / 2
    if kind == 2:  # Clouds, whose mean is not the middle of their box.
        low += draw.uniform(-0.4, 0.4, (n, 3)) * extent
    nearest = low[:, 1].copy()
    if kind == 3 and n:
        [centre, extent, low][draw.integers(3)][draw.integers(n), draw.integers(3)] = np.nan
    return centre, extent, low, nearest


def expected(centre, extent, low, nearest):
    """(subject, object, axis) -> (relation, unit, (value, margin, overlap), agrees)."""
    usable = np.isfinite(np.hstack([centre, extent, low, nearest[:, None]])).all(axis=1)
    facts = {}
    x, y, z = centre.T
    with np.errstate(all="ignore"):
        bearing, elevation = np.arctan2(x, y), np.arctan2(z, np.hypot(x, y))
        # What is right above, below or at the camera is in no compass direction; what is at the camera, in no direction at all.
        bearing[(x == 0) & (y == 0)] = np.nan
        elevation[(x == 0) & (y == 0) & (z == 0)] = np.nan
        distance = np.sqrt((centre**2).sum(axis=1))
        volume = extent[:, 0] * extent[:, 1] * extent[:, 2]
        keys = [x, z, nearest, extent[:, 0], extent[:, 2], volume]
        seen = [bearing, elevation, distance, extent[:, 0], extent[:, 2], volume]
        for number, (axis, lesser, greater, unit) in enumerate(AXES):
            key = keys[number]
            a, b = key[:, None], key[None, :]
            value = np.abs(a - b)
            if number < 2:
                length = extent[:, [0, 2][number]]
                scale = (length[:, None] + length[None, :]) / 2
            elif number == 2:
                scale = np.where(a < b, distance[:, None], distance[None, :])
            else:
                scale = np.maximum(a, b)
            margin = value / np.maximum(scale, FLOOR)
            overlap = np.zeros_like(value)
            if number < 3:
                along = [0, 2, 1][number]
                start, length = low[:, along], np.maximum(extent[:, along], FLOOR)
                end = start + length
                shared = np.minimum(end[:, None], end[None, :]) - np.maximum(start[:, None], start[None, :])
                overlap = np.clip(shared / np.minimum(length[:, None], length[None, :]), 0, 1)
            s, t = seen[number][:, None], seen[number][None, :]
            agrees = ((a < b) & (s < t)) | ((a > b) & (s > t))
            close = np.abs(s - t) < 1e-12  # Which of two equal bearings is the larger is for rounding to say.
            for i, j in np.argwhere((value > 0) & usable[:, None] & usable[None, :]):
                facts[i, j, axis] = (
                    lesser if key[i] < key[j] else greater, unit,
                    (float(value[i, j]), float(margin[i, j]), float(overlap[i, j])),
                    None if close[i, j] and number < 3 else bool(agrees[i, j]),
                )
    return facts


def main():
    example, frames = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    draw = np.random.default_rng(20240601)
    scenes = [random_frame(draw) for _ in range(frames)]
    vector = lambda v: dict(zip("xyz", (None if np.isnan(c) else c for c in v.tolist())))
    lines = []
    for number, (centre, extent, low, nearest) in enumerate(scenes):
        for i in range(len(nearest)):
            lines.append(json.dumps({
                "frame_id": str(number), "object_id": f"o{i}", "centre": vector(centre[i]), "extent": vector(extent[i]),
                "low": vector(low[i]), "nearest": None if np.isnan(nearest[i]) else nearest[i],
            }))
    answer = subprocess.run([example], input="\n".join(lines), capture_output=True, text=True, check=True).stdout
    found = [{} for _ in scenes]
    for line in answer.splitlines():
        fact = json.loads(line)
        key = int(fact["subject"][1:]), int(fact["object"][1:]), fact["axis"]
        frame = int(fact["frame_id"])
        assert key not in found[frame], f"twice: {fact}"
        found[frame][key] = fact
    total = differences = 0
    for number, scene in enumerate(scenes):
        wanted = expected(*scene)
        total += len(wanted)
        if wanted.keys() != found[number].keys():
            differences += 1
            print("frame", number, "other pairs:", list(wanted.keys() ^ found[number].keys())[:5])
        for key in wanted.keys() & found[number].keys():
            relation, unit, numbers, agrees = wanted[key]
            fact = found[number][key]
            same = (fact["relation"], fact["unit"]) == (relation, unit) and agrees in (None, fact["agrees"])
            pairs = zip((fact["value"], fact["margin"], fact["overlap"]), numbers)
            near = all(abs(a - b) <= 1e-9 * max(1.0, abs(b)) for a, b in pairs)
            if not (same and near):
                differences += 1
                print("frame", number, key, "expected", wanted[key], "found", fact)
    print(f"{frames} frames, {total} facts, {differences} differences")
    return differences != 0


if __name__ == "__main__":
    sys.exit(main())
