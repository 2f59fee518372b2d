"""Answers about scenes (distances, sizes, nearest objects, directions, floors, counts, orders), worked out again from tables of input.

    python tests/oracle/scene_tasks.py spatialmill PROJECT [VECTORS]

Of every question of a built project: the distance of two boxes by alternating projections (Dykstra) between them, the longest side, which of four
boxes is nearest, the direction by atan2 of the centres, and the floor's area by the shoelace formula where the source is synthetic; how many objects
have a category, and that the question's images show each; who comes first, by the first frame that shows enough of it; and how an object was turned, by
where its front points before and after, as the two cameras see it. VECTORS is a JSON
file of known numbers of scene0000_00 of ScanNet (lists `distances` and `directions`), for a project that has that scene.

Needs numpy. Exits with 1 where an answer differs: a length by more than 1 mm, a direction at all; and where a task has no question.
"""

import json
import pathlib
import subprocess
import sys
import tomllib

import numpy as np

TASKS = ["absolute_distance", "object_size", "relative_distance", "relative_direction", "room_size", "scene_counting"]
# Of scans that have a clock, and of places that were scanned twice.
OF_WALKS = ["appearance_order", "rotation_estimation"]


def rows(program, project, sql):
    command = [program, "--quiet", "--project", project, "sql", "--format", "json", "--max-rows", "10000000", "-c", sql]
    return [json.loads(line) for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()]


class Box:
    def __init__(self, obb):
        vector = lambda of: np.array([of["x"], of["y"], of["z"]])
        self.centre, self.axes, self.half = vector(obb["centre"]), np.array(obb["axes"]).reshape(3, 3), vector(obb["lengths"]) / 2

    def nearest(self, point):
        return self.centre + np.clip(self.axes @ (point - self.centre), -self.half, self.half) @ self.axes

    def distance_to(self, point):
        return np.linalg.norm(self.nearest(point) - point)

    def distance(self, other):
        """Between convex sets, projecting in turn goes to a nearest pair; many starts and steps, because it may be slow."""
        best = np.inf
        for start in (self.centre, other.centre):
            point = start
            for _ in range(20_000):
                mine = self.nearest(point)
                theirs = other.nearest(mine)
                if np.abs(theirs - point).max() < 1e-9:
                    break
                point = theirs
            best = min(best, np.linalg.norm(mine - theirs))
        return best


def direction(stand, face, query, difficulty):
    (ax, ay), (bx, by) = (face.centre - stand.centre)[:2], (query.centre - stand.centre)[:2]
    angle = np.degrees(np.arctan2(by, bx) - np.arctan2(ay, ax)) % 360
    if difficulty == 2:
        return "left" if angle < 180 else "right"
    if difficulty == 3:
        return "left" if angle < 135 else "back" if angle <= 225 else "right"
    return ["front_left", "back_left", "back_right", "front_right"][int(angle // 90)]


def heading(vector):
    return np.degrees(np.arctan2(vector["y"], vector["x"]))


def wrapped(degrees):
    return (degrees + 180) % 360 - 180


class Scenes:
    """What the tables of input, and `sightings`, say."""

    def __init__(self, program, project):
        objects = rows(program, project, "SELECT scene_id, object_id, category, obb, front FROM scene_objects")
        self.objects = {(row["scene_id"], row["object_id"]): row for row in objects}
        frames = rows(program, project, "SELECT frame_id, scene_id, timestamp, width, height, world_from_camera FROM frames WHERE world_from_camera IS NOT NULL")
        self.frames = {row["frame_id"]: row for row in frames}
        moved = rows(program, project, "SELECT scene_id, object_id, other_scene_id, other_object_id FROM motions")
        self.moved = {(row["scene_id"], row["object_id"], row["other_scene_id"]): row["other_object_id"] for row in moved}
        settings = tomllib.loads((pathlib.Path(project) / "mill.toml").read_text())
        self.min_pixels = settings.get("ask", {}).get("min_sighting_pixels", 400)
        self.seen = {}
        for row in rows(program, project, "SELECT frame_id, scene_id, object_id, visible_px, in_image_px, whole_px FROM sightings"):
            self.seen.setdefault((row["scene_id"], row["object_id"]), []).append(row)

    def shows(self, scene, one, frame_ids):
        """Whether a fifth of a thousandth of one of the images is the object: less than any good sighting."""
        pixels = lambda row: self.frames[row["frame_id"]]["width"] * self.frames[row["frame_id"]]["height"]
        return any(row["frame_id"] in frame_ids and row["visible_px"] > 2e-4 * pixels(row) for row in self.seen.get((scene, one), []))

    def first(self, scene, one):
        """When the first frame shows it with 0.2 % of its pixels, a quarter of what could be seen and 30 % of the whole."""
        good = lambda row, frame: (
            row["visible_px"] >= max(self.min_pixels, 0.002 * frame["width"] * frame["height"])
            and 4 * row["visible_px"] >= row["in_image_px"]
            and row["in_image_px"] >= 0.3 * row["whole_px"]
        )
        pairs = [(row, self.frames[row["frame_id"]]) for row in self.seen[scene, one]]
        return min(frame["timestamp"] for row, frame in pairs if good(row, frame))

    def rotation(self, question):
        """By how much an object with a front seems to turn, counter-clockwise, degrees: its front, as seen along the line to the camera, in each image."""
        scene, one = question["scene_id"], question["object_ids"][0]
        seen = []
        for frame in (self.frames[frame_id] for frame_id in question["frame_ids"]):
            there = frame["scene_id"]
            thing = self.objects[there, one if there == scene else self.moved[scene, one, there]]
            if thing.get("front") is None or not self.shows(there, thing["object_id"], question["frame_ids"]):
                return None
            centre, pose = thing["obb"]["centre"], frame["world_from_camera"]
            seen.append(heading(thing["front"]) - heading({"x": pose[3] - centre["x"], "y": pose[7] - centre["y"]}))
        return wrapped(seen[1] - seen[0])


def says_turn(question, turn):
    """Whether the answer is the turn, to five degrees, and no other option is nearer to it than 25."""
    side = "counter-clockwise" if turn > 0 else "clockwise"
    if question["relation"].replace("_", "-") != side or not 20 <= abs(turn) <= 165:
        return False
    if question["shape"] == "choice of relation":
        return question["answer"] == question["relation"]
    if abs(question["answer_value"] - abs(turn)) > 0.1:
        return False
    if question["shape"] == "number":
        return abs(int(question["answer"]) - abs(turn)) <= 2.6
    said = {slot["name"]: slot["items"][0].split(" ") for slot in question["slots"] if slot["name"] in question["options"]}
    off = {name: abs(wrapped(int(words[0]) * (1 if words[2] == "counter-clockwise" else -1) - turn)) for name, words in said.items()}
    return off.pop(question["answer"]) <= 2.6 and len(off) == 3 and min(off.values()) > 25


def main():
    program, project = sys.argv[1:3]
    boxes = {(row["scene_id"], row["object_id"]): Box(row["obb"]) for row in rows(program, project, "SELECT scene_id, object_id, obb FROM scene_objects")}
    names = ", ".join(f"'{task}'" for task in TASKS + OF_WALKS)
    scenes = Scenes(program, project)
    questions = rows(program, project, f"SELECT * FROM questions WHERE task IN ({names})")
    areas = rows(program, project, "SELECT scene_id, within, category, floor_area FROM scenes")
    floors = {row["scene_id"]: row.get("floor_area") for row in areas}
    rooms = {}
    for row in areas:
        if row.get("within"):
            rooms.setdefault((row["within"], row.get("category")), []).append(row.get("floor_area"))
    frontless, wrong, asked = 0, [], dict.fromkeys(TASKS + OF_WALKS, 0)
    for question in questions:
        of = [boxes[question["scene_id"], one] for one in question["object_ids"]]
        task, answer, value = question["task"], question["answer"], question.get("answer_value")
        asked[task] += 1
        if task == "absolute_distance":
            right = abs(of[0].distance(of[1]) - value) < 1e-3 and f"{value:.1f}" == answer.split(" ")[0]
        elif task == "object_size":
            right = abs(200 * max(of[0].half) - value) < 0.1 and str(round(value)) == answer.split(" ")[0]
        elif task == "relative_distance":
            distances = [of[0].distance(other) for other in of[1:]]
            right = question["options"].index(answer) == int(np.argmin(distances))
        elif task == "relative_direction":
            right = answer == "direction_" + direction(*of, len(question["options"]))
        elif task == "scene_counting":
            scene, category = question["scene_id"], question["categories"][0]
            alike = [key for key, row in scenes.objects.items() if key[0] == scene and row["category"] == category]
            right = len(alike) == int(answer) and all(scenes.shows(*key, question["frame_ids"]) for key in alike)
        elif task == "appearance_order":
            slots = {slot["name"]: slot for slot in question["slots"]}
            thing = dict(zip(("one", "another", "a_third", "a_fourth"), question["object_ids"]))
            times = [scenes.first(question["scene_id"], thing[name]) for name in slots[answer]["items"]]
            right = times == sorted(times) and min(np.diff(times)) > 1
        elif task == "rotation_estimation":
            turn = scenes.rotation(question)
            frontless += turn is None
            right = turn is None or says_turn(question, turn)
        else:
            of_kind = rooms.get((question["scene_id"], question["categories"][0]), [])
            floor = floors[question["scene_id"]] if question["relation"] == "floor_area" else of_kind[0]
            right = (floor is None or abs(floor - value) < 1e-6) and (question["relation"] == "floor_area" or len(of_kind) == 1)
        if not right:
            wrong.append((task, question["scene_id"], question["object_ids"], answer, value))
    print(", ".join(f"{n} {task}" for task, n in asked.items()), f"questions; {len(wrong)} wrong;", f"{frontless} of turned objects without a front not checked")
    for case in wrong[:20]:
        print("wrong:", *case)
    if len(sys.argv) > 3:
        wrong += known(program, project, json.load(open(sys.argv[3])))
    sys.exit(1 if wrong or not all(asked[task] for task in TASKS) else 0)


def known(program, project, vectors):
    """Numbers that others measured on ScanNet's first scene; single-instance categories only."""
    sql = "SELECT category, obb FROM scene_objects WHERE scene_id LIKE '%scene0000_00' AND category IN (SELECT category FROM scene_objects "
    sql += "WHERE scene_id LIKE '%scene0000_00' GROUP BY category HAVING count(*) = 1)"
    boxes = {row["category"]: row["obb"] for row in rows(program, project, sql)}
    pairs = [pair for pair in vectors["distances"] if pair["a"] in boxes and pair["b"] in boxes]
    sides = {name: Box(obb) for name, obb in boxes.items()}
    differ = [(pair, sides[pair["a"]].distance(sides[pair["b"]])) for pair in pairs]
    far = [(pair["a"], pair["b"], pair["boxes_m"], round(found, 3)) for pair, found in differ if abs(found - pair["boxes_m"]) > 0.05]
    print(f"{len(pairs)} known distances, {len(far)} differ by more than 5 cm:", *far[:10])
    triples = [t for t in vectors["directions"] if {t["stand"], t["face"], t["query"]} <= sides.keys()]
    other = [t for t in triples if direction(sides[t["stand"]], sides[t["face"]], sides[t["query"]], 4) != t["quadrant"].replace("-", "_")]
    print(f"{len(triples)} known directions, {len(other)} differ:", *other[:10])
    return far + other


if __name__ == "__main__":
    main()
