"""What is asked of things lifted from rendered depth, against the exact shapes of the rooms: wrong answers by axis, and visibility.

    python tests/oracle/lift_answers.py spatialmill OUT [--rooms 60] [--frames 5] [--seed 0] [--set ask.key=value ...]

A project below OUT takes pictures of synthetic rooms twice: once lifted from masks and depth (`lifted`), as where nobody knows a box, and once
projected from the rooms' triangles (`exact`). It asks as much as it may. Each answer about the lifted things is held against the corners of the
things in the camera's view, by formulas of this file; each visibility against the share of its pixels that a thing shows.

Of an answer that is wrong the two things are printed with what was known of them.

Needs numpy. Exits with 1 where more than 0.1 % of the answers are wrong.
"""

import argparse
import collections
import json
import pathlib
import subprocess

import numpy as np

AXES = {
    "left": "lateral", "right": "lateral", "above": "vertical", "below": "vertical", "near": "depth", "far": "depth", "wider": "width",
    "thinner": "width", "taller": "height", "shorter": "height", "larger": "volume", "smaller": "volume",
}  # fmt: skip
# What the first of two opposites has less of than the other; of the others it has more.
LESSER = {"left", "below", "near", "thinner", "shorter", "smaller"}
MAX_WRONG = 0.001


class Project:
    def __init__(self, program, folder, rooms, frames, seed, more):
        folder.mkdir(parents=True, exist_ok=True)
        self.command = [program, "--project", folder]
        self.more = [part for item in more for part in ("--set", item)]
        source = '[[source]]\nname = "{}"\nkind = "synthetic"\nroot = "rooms"\nsplit = "train"\nrooms = {}\nframes_per_room = {}\nseed = {}\ngeometry = "{}"\n'
        sources = [source.format(name, rooms, frames, seed, how) for name, how in (("lifted", "depth"), ("exact", "scan"))]
        asked = ("position_facts", "size_facts", "existence_groups", "counting_groups")
        toml = "\n".join([*sources, "[ask]", *(f"{name}_per_frame = 100000.0" for name in asked)])
        (folder / "mill.toml").write_text(toml)

    def build(self):
        subprocess.run([*self.command, "build", "--quiet", "--until", "questions", *self.more], check=True, stdout=subprocess.DEVNULL)

    def rows(self, sql):
        command = [*self.command, "sql", "--quiet", "--format", "json", *self.more, "-c", sql]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        return [json.loads(line) for line in printed.splitlines() if line]


class Thing:
    """A thing in the view of a frame: x right, y ahead on the level, z up."""

    def __init__(self, pose, vertices, centre):
        pose = np.array(pose).reshape(4, 4)
        ahead = pose[:2, 2] / np.linalg.norm(pose[:2, 2])
        axes = np.array([[ahead[1], -ahead[0], 0], [ahead[0], ahead[1], 0], [0, 0, 1]])
        points = (np.array(vertices).reshape(-1, 3) - pose[:3, 3]) @ axes.T
        self.low, self.extent = points.min(0), np.ptp(points, axis=0)
        self.centre = axes @ (np.array([centre["x"], centre["y"], centre["z"]]) - pose[:3, 3])

    def amount(self, axis):
        return {
            "lateral": self.centre[0], "vertical": self.centre[2], "depth": self.low[1],
            "width": self.extent[0], "height": self.extent[2], "volume": self.extent.prod(),
        }[axis]  # fmt: skip

    def holds(self, relation, other):
        a, b = self.amount(AXES[relation]), other.amount(AXES[relation])
        return a < b if relation in LESSER else a > b


def truth(project):
    sql = (
        "SELECT f.frame_id, s.object_id, f.world_from_camera AS pose, m.vertices, s.obb['centre'] AS centre FROM scene_objects AS s"
        " JOIN surfaces AS m ON m.scene_id = s.scene_id AND m.object_id = s.object_id JOIN frames AS f ON f.scene_id = s.scene_id"
        " WHERE f.source = 'lifted'"
    )
    return {(row["frame_id"], row["object_id"]): Thing(row["pose"], row["vertices"], row["centre"]) for row in project.rows(sql)}


def right(question, things, categories):
    """Whether what a question takes for true holds of the exact shapes."""
    frame, relation, (first, *others) = question["frame_ids"][0], question["relation"], question["object_ids"]
    if question["task"].endswith("comparison"):
        return things[frame, first].holds(relation, things[frame, others[0]])
    # Only what the picture shows is counted, and that is what the source marked.
    around = [id for id, kind in categories[frame].items() if kind == question["slots"][0]["text"] and id != first]
    found = [id for id in around if things[frame, id].holds(relation, things[frame, first])]
    return len(found) == len(around) if question["task"] == "existence_estimation" else str(len(found)) == question["answer"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    for name, default in (("rooms", 60), ("frames", 5), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--set", action="append", default=[])
    arguments = parser.parse_args()
    program = arguments.program.resolve() if arguments.program.exists() else arguments.program
    project = Project(program, arguments.out.resolve(), arguments.rooms, arguments.frames, arguments.seed, arguments.set)
    project.build()

    things = truth(project)
    categories = collections.defaultdict(dict)
    for row in project.rows("SELECT frame_id, object_id, noun_phrase(category) AS category FROM detections WHERE starts_with(frame_id, 'lifted/')"):
        categories[row["frame_id"]][row["object_id"]] = row["category"]
    lifted = {
        (row["frame_id"], row["object_id"]): row
        for row in project.rows("SELECT * FROM objects WHERE starts_with(frame_id, 'lifted/')")
    }

    asked, wrong, blamed = collections.Counter(), collections.Counter(), collections.Counter()
    for question in project.rows("SELECT * FROM questions WHERE source = 'lifted'"):
        kind = (question["task"], AXES[question["relation"]])
        asked[kind] += 1
        if right(question, things, categories):
            continue
        wrong[kind] += 1
        frame = question["frame_ids"][0]
        pair = tuple(question["object_ids"]) if question["task"].endswith("comparison") else (question["object_ids"][0],)
        blamed[frame, pair, kind[1], question["relation"]] += 1
    for (frame, pair, axis, relation), times in sorted(blamed.items()):
        print(f"wrong: {frame} {axis} {relation}, {times} times")
        for id in pair:
            row, exact = lifted[frame, id], things[frame, id]
            off = row["nearest"] - exact.low[1]
            print(
                f"    {id:>3} {row['category']:<16} visibility {row['visibility']:.2f}, quality {row['lift_quality']:.2f}, points {row['points']},"
                f" {axis} {exact.amount(axis):.2f}, nearest off by {off:.2f} m, extent {[round(row['extent'][k], 2) for k in 'xyz']} of {exact.extent.round(2).tolist()}"
            )
    print("wrong answers: task, axis, wrong, asked, share")
    for kind in sorted(asked):
        print(f"    {kind[0]:<22} {kind[1]:<10} {wrong[kind]:>6} {asked[kind]:>8} {wrong[kind] / asked[kind]:>9.4%}")
    share = sum(wrong.values()) / max(sum(asked.values()), 1)
    print(f"    all                               {sum(wrong.values()):>6} {sum(asked.values()):>8} {share:>9.4%}")

    shown = {row["id"]: row["visibility"] for row in project.rows(
        "SELECT concat('lifted/', substr(frame_id, 7), ' ', object_id) AS id, visibility FROM objects WHERE starts_with(frame_id, 'exact/')")}  # fmt: skip
    pairs = np.array([(row["visibility"], shown[f"{frame} {id}"]) for (frame, id), row in lifted.items() if f"{frame} {id}" in shown])
    ours, exact = pairs.T
    hidden = exact < 0.5
    print(f"visibility: {len(pairs)} things, correlation {np.corrcoef(ours, exact)[0, 1]:.3f}; of {hidden.sum()} less than half seen"
          f" {(ours[hidden] >= 0.5).sum()} pass, of {(~hidden).sum()} others {(ours[~hidden] < 0.5).sum()} do not")  # fmt: skip
    assert sum(asked.values()) > 0, "nothing is asked"
    raise SystemExit(share > MAX_WRONG)


if __name__ == "__main__":
    main()
