"""VSI-Bench's meta information as a source: room sizes, counts, sizes and boxes of the tables against the JSON, worked out in NumPy.

    python tests/oracle/vsi_meta.py spatialmill META...

META are files such as scannet_meta_info_val.json. A project that reads them is imported into a temporary folder, and what comes out is compared
with what the files say:

    room sizes      floor_area of `scenes` within 2 % of room_size
    counts          objects of a category in `scene_objects` as in object_counts; where the file itself has more or fewer boxes than it counts, as many
                    as it has boxes, and told in quarantine
    longest sides   in whole centimetres, as VSI-Bench asks for them
    bounds          of the eight corners, against min and max of the file and of `scene_objects`
    distances       box_distance of up to 40 pairs of objects of a scene, against alternating projections between the boxes

Says how many of how many agree. Needs numpy. Exits with 1 where anything differs, or a box is missing without a word in quarantine.
"""

import itertools
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy as np


class Box:
    def __init__(self, record):
        self.centre = np.array(record["centroid"])
        self.axes = np.array(record["normalizedAxes"]).reshape(3, 3)
        self.half = np.array(record["axesLengths"]) / 2

    def corners(self):
        return np.array([self.centre + (np.array(signs) * self.half) @ self.axes for signs in itertools.product([-1, 1], repeat=3)])

    def nearest(self, point):
        return self.centre + np.clip(self.axes @ (point - self.centre), -self.half, self.half) @ self.axes

    def distance_to_box(self, other):
        at = other.centre
        for _ in range(20000):
            mine = self.nearest(at)
            before, at = at, other.nearest(mine)
            if np.linalg.norm(at - before) < 1e-9:
                break
        return np.linalg.norm(at - self.nearest(at))


def rows(program, project, sql):
    command = [program, "--quiet", "--project", project, "sql", "--format", "json", "--max-rows", "10000000", "-c", sql]
    return [json.loads(line) for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()]


class Tally:
    """How many of how many agree, and the first that do not."""

    def __init__(self):
        self.counts, self.failed = {}, False

    def check(self, what, agrees, said):
        good, of = self.counts.get(what, (0, 0))
        self.counts[what] = (good + bool(agrees), of + 1)
        if not agrees:
            self.failed = True
            if of - good < 5:
                print(f"differs: {what}: {said}")

    def tell(self):
        for what, (good, of) in self.counts.items():
            print(f"{what:<50} {good} of {of}")


def main():
    program, *files = sys.argv[1:]
    scenes = {}
    for file in files:
        for name, scene in json.loads(pathlib.Path(file).read_text()).items():
            scenes.setdefault(name, scene)
    tally = Tally()
    with tempfile.TemporaryDirectory() as project:
        folder = pathlib.Path(project, "meta_info")
        folder.mkdir()
        for at, file in enumerate(files):
            (folder / f"{at}_{pathlib.Path(file).name}").write_bytes(pathlib.Path(file).read_bytes())
        names = ", ".join(f'"meta_info/{path.name}"' for path in sorted(folder.iterdir()))
        source = f'[[source]]\nname = "vsi"\nkind = "vsi_meta"\nroot = "."\nmeta = [{names}]\n'
        pathlib.Path(project, "mill.toml").write_text(source + "[build]\nbenchmarks_must_match = false\n")
        subprocess.run([program, "--quiet", "--project", project, "import"], check=True)
        floors = {row["scene_id"]: row for row in rows(program, project, "SELECT scene_id, floor_area, floor_area_from, place_id, exhaustive FROM scenes")}
        lengths = "greatest(obb.lengths.x, obb.lengths.y, obb.lengths.z)"
        objects = {}
        for row in rows(program, project, f"SELECT scene_id, object_id, category, {lengths} AS longest, min, max FROM scene_objects"):
            objects.setdefault((row["scene_id"], row["category"]), []).append(row)
        told = {row["key"] for row in rows(program, project, "SELECT key FROM quarantine WHERE code = 'missing_object'")}
        distances = rows(
            program, project,
            "SELECT a.scene_id, a.object_id AS a, b.object_id AS b, box_distance(a.obb, b.obb) AS metres FROM scene_objects AS a "
            "JOIN scene_objects AS b ON a.scene_id = b.scene_id AND a.object_id < b.object_id",
        )

    tally.check("nothing but these scenes", floors.keys() <= {f"vsi/{name}" for name in scenes}, floors.keys())
    boxes = {}
    for name, scene in sorted(scenes.items()):
        row = floors.get(f"vsi/{name}")
        tally.check("scenes", row is not None, name)
        if row is None:
            continue
        size = scene["room_size"]
        tally.check("room sizes within 2 %", row["floor_area"] and abs(row["floor_area"] / size - 1) <= 0.02, f"{name}: {row['floor_area']}, not {size}")
        for category in scene["object_counts"].keys() | scene["object_bbox"].keys():
            counted, listed = scene["object_counts"].get(category, 0), scene["object_bbox"].get(category, [])
            found = objects.get((f"vsi/{name}", category), [])
            if counted == len(listed):
                tally.check("counts as published", len(found) == counted, f"{name} {category}: {len(found)}, not {counted}")
            else:
                said = f"{name}/object_counts/{category}" in told and len(found) == len(listed) and not row["exhaustive"]
                tally.check("counts that contradict boxes, as boxes, and told", said, f"{name} {category}: {counted} counted, {len(listed)} boxes, {len(found)} found")
            found.sort(key=lambda row: int(row["object_id"].rsplit("-", 1)[1]))
            for ours, record in zip(found, listed):
                box = Box(record)
                boxes[f"vsi/{name}", ours["object_id"]] = box
                theirs = round(100 * 2 * box.half.max())
                tally.check("longest sides in whole centimetres", round(100 * ours["longest"]) == theirs, f"{name} {ours['object_id']}: {ours['longest']}, not {theirs} cm")
                corners = box.corners()
                said = [ours[end][axis] for end in ("min", "max") for axis in "xyz"]
                expected = np.concatenate([corners.min(0), corners.max(0)])
                published = np.concatenate([record["min"], record["max"]])
                tally.check("bounds to 0.1 mm", np.abs(expected - said).max() < 1e-4 and np.abs(published - said).max() < 1e-4, f"{name} {ours['object_id']}")
    random.Random(1).shuffle(distances)
    asked = {}
    for row in distances:
        if asked.setdefault(row["scene_id"], 0) < 40:
            asked[row["scene_id"]] += 1
            exact = boxes[row["scene_id"], row["a"]].distance_to_box(boxes[row["scene_id"], row["b"]])
            tally.check("distances to 1 mm", abs(exact - row["metres"]) < 1e-3, f"{row}: {exact:.4f}")
    tally.tell()
    sys.exit(tally.failed)


main()
