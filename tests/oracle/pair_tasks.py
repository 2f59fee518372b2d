"""Answers about two images of one scene, and lengths in one image, worked out again from poses, boxes, triangles and images alone.

    python tests/oracle/pair_tasks.py spatialmill PROJECT [VECTORS]

Of every question of a built project (`pair_tasks` and `metric_tasks` on): which way a camera moved and turned by rotating the way into its level axes, how
far it is from a box by clipping into the box, which camera is nearer, and which objects two images show by rays from the camera: through a grid of its
pixels against all triangles of the scene, which no z-buffer draws. VECTORS is a JSON file of known numbers of scene0000_00 of ScanNet (lists
`camera_motion` and `camera_object`), for a project that has that scene.

Needs numpy. Exits with 1 where an answer differs, or a task that is asked about has an answer that cannot be checked.
"""

import json
import sys

import numpy as np

from scene_tasks import Box, rows

PAIR_TASKS = [
    "camera_motion", "camera_turn", "camera_distance", "camera_object_distance", "object_nearer_in", "covisible", "same_object", "point_correspondence",
]
METRIC_TASKS = ["metric_distance", "metric_size"]


class Camera:
    def __init__(self, row):
        pose = np.array(row["world_from_camera"]).reshape(4, 4)
        self.rotation, self.eye = pose[:3, :3], pose[:3, 3]
        self.row = row

    def level(self, point):
        """Right, forward and up from here to a point, in level axes."""
        ahead = self.rotation[:, 2].copy()
        ahead[2] = 0.0
        ahead /= np.linalg.norm(ahead)
        right = np.cross(ahead, [0.0, 0.0, 1.0])
        way = point - self.eye
        return way @ right, way @ ahead, way[2]

    def bearing(self):
        looks = self.rotation[:, 2]
        return np.degrees(np.arctan2(looks[0], looks[1]))

    def pixel(self, point):
        """u, v and depth."""
        x, y, z = self.rotation.T @ (point - self.eye)
        return self.row["fx"] * x / z + self.row["cx"], self.row["fy"] * y / z + self.row["cy"], z

    def rays(self, us, vs):
        axes = np.stack([(us - self.row["cx"]) / self.row["fx"], (vs - self.row["cy"]) / self.row["fy"], np.ones_like(us)], axis=-1)
        return axes @ self.rotation.T


class Mesh:
    """Triangles of a scene, each with the object that it belongs to."""

    def __init__(self, surfaces):
        corners, owners = [], []
        for surface in surfaces:
            vertices = np.array(surface["vertices"], dtype=np.float64).reshape(-1, 3)
            triangles = np.array(surface["triangles"], dtype=np.int64).reshape(-1, 3)
            corners.append(vertices[triangles])
            owners += [surface.get("object_id")] * len(triangles)
        self.corners = np.concatenate(corners) if corners else np.zeros((0, 3, 3))
        self.owners = np.array(owners, dtype=object)

    def first_hits(self, camera, us, vs):
        """Which object each pixel's ray hits first, and at which depth along the optical axis (Moeller and Trumbore, 1997). Triangles are looked at
        where their pixels are, in tiles of the image, so that all rays are not held against all triangles."""
        directions = camera.rays(us, vs)
        depths, owners = np.full(len(us), np.inf), np.full(len(us), None, dtype=object)
        local = (self.corners - camera.eye) @ camera.rotation
        ahead = (local[..., 2] > 0.01).all(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            u = camera.row["fx"] * local[..., 0] / local[..., 2] + camera.row["cx"]
            v = camera.row["fy"] * local[..., 1] / local[..., 2] + camera.row["cy"]
        low = np.where(ahead[:, None], np.stack([u.min(axis=1), v.min(axis=1)], axis=-1), -np.inf)
        high = np.where(ahead[:, None], np.stack([u.max(axis=1), v.max(axis=1)], axis=-1), np.inf)
        behind = (local[..., 2] <= 0.01).all(axis=1)
        tile = 64.0
        for tu in np.unique(us // tile):
            for tv in np.unique(vs // tile):
                own = np.flatnonzero((us // tile == tu) & (vs // tile == tv))
                touched = ~behind & (low[:, 0] <= (tu + 1) * tile) & (high[:, 0] >= tu * tile) & (low[:, 1] <= (tv + 1) * tile) & (high[:, 1] >= tv * tile)
                near = np.flatnonzero(touched)
                if not len(own) or not len(near):
                    continue
                a, b, c = (self.corners[near][:, k] for k in range(3))
                ab, ac, from_a = b - a, c - a, camera.eye - a
                for at in own:
                    p = np.cross(directions[at], ac)
                    determinant = (ab * p).sum(axis=1)
                    with np.errstate(divide="ignore", invalid="ignore"):
                        s = (from_a * p).sum(axis=1) / determinant
                        q = np.cross(from_a, ab)
                        t = (q @ directions[at]) / determinant
                        depth = (ac * q).sum(axis=1) / determinant
                    hits = (s >= 0) & (t >= 0) & (s + t <= 1) & (depth > 0.01) & np.isfinite(depth)
                    if hits.any():
                        best = np.flatnonzero(hits)[np.argmin(depth[hits])]
                        depths[at], owners[at] = depth[best], self.owners[near[best]]
        return owners, depths


class Scene:
    """What an image shows is worked out once."""

    def __init__(self, program, project, scene_id):
        self.mesh = Mesh(rows(program, project, f"SELECT object_id, vertices, triangles FROM surfaces WHERE scene_id = '{scene_id}'"))
        self.seen = {}

    def counts(self, camera):
        """Object: rays of a grid of 12 pixels or less that hit it first."""
        frame = camera.row["frame_id"]
        if frame not in self.seen:
            width, height = camera.row["width"], camera.row["height"]
            step = max(width // 80, 1)
            us, vs = (grid.ravel() for grid in np.meshgrid(np.arange(step // 2, width, step, dtype=float), np.arange(step // 2, height, step, dtype=float)))
            owners, _ = self.mesh.first_hits(camera, us, vs)
            hit, count = np.unique(np.array([owner or "" for owner in owners]), return_counts=True)
            self.seen[frame] = dict(zip(hit, count))
        return self.seen[frame]

    def is_seen(self, camera, point):
        u, v, z = camera.pixel(point)
        if z <= 0.01 or not (0 <= u < camera.row["width"] and 0 <= v < camera.row["height"]):
            return False
        _, depths = self.mesh.first_hits(camera, np.array([u]), np.array([v]))
        return abs(depths[0] - z) <= max(0.025, 0.025 * z)


def words_of_motion(right, forward, up, options):
    if set(options) == {"moved_up", "moved_down"}:
        return "moved_up" if up > 0 else "moved_down"
    angle = np.degrees(np.arctan2(forward, right)) % 360.0
    if "moved_left" in options:
        return ["moved_right", "moved_forward", "moved_left", "moved_back"][int(((angle + 45.0) % 360.0) // 90.0)]
    return ["moved_forward_right", "moved_forward_left", "moved_back_left", "moved_back_right"][int(angle // 90.0)]


def check(question, cameras, boxes, scenes):
    """Whether the answer is the one that is worked out here, and a number where there is one."""
    task, answer, value = question["task"], question["answer"], question.get("answer_value")
    views = [cameras[frame] for frame in question["frame_ids"]]
    box = lambda one: boxes[question["scene_id"], one]
    if task == "camera_motion":
        return answer == words_of_motion(*views[0].level(views[1].eye), question["options"])
    if task == "camera_turn":
        turn = (views[1].bearing() - views[0].bearing() + 180.0) % 360.0 - 180.0
        return answer == ("turned_right" if turn > 0 else "turned_left") and 15.0 <= abs(turn) <= 150.0
    if task == "camera_distance":
        far = np.linalg.norm(views[0].eye - views[1].eye)
        return abs(far - value) < 1e-6 and abs(float(answer.split(" ")[0]) - far) <= 0.05 + 1e-9
    if task == "camera_object_distance":
        view = views[question["marks"][0]["image"]]
        far = box(question["object_ids"][0]).distance_to(view.eye)
        seen = scenes(question["scene_id"]).counts(view).get(question["object_ids"][0], 0)
        return abs(far - value) < 1e-6 and abs(float(answer.split(" ")[0]) - far) <= 0.05 + 1e-9 and seen > 0
    if task == "object_nearer_in":
        one, other = (box(question["object_ids"][0]).distance_to(view.eye) for view in views)
        nearer = "view_one" if one < other else "view_two"
        return (answer == nearer) == (question["relation"] == "taken_from_nearer") and abs(one - other) >= 0.3
    if task == "covisible":
        scene = scenes(question["scene_id"])
        seen = [scene.counts(view).get(question["object_ids"][0], 0) for view in views]
        return (min(seen) > 0) == (answer == "yes") and max(seen) > 0
    if task == "same_object":
        right = ["candidate_w", "candidate_x", "candidate_y", "candidate_z"].index(answer) + 1
        ids = question["object_ids"]
        scene = scenes(question["scene_id"])
        in_other = scene.counts(views[1])
        return ids[right] == ids[0] and ids[1:].count(ids[0]) == 1 and ids[0] in scene.counts(views[0]) and all(one in in_other for one in ids[1:])
    if task == "point_correspondence":
        return check_points(question, views, scenes(question["scene_id"]))
    raise KeyError(task)


def check_points(question, views, scene):
    """The right mark shows the place that the mark of image 1 shows, by rays: within 1 % of the image's width; no other one is nearer than 4 %."""
    marks = question["marks"]
    first, rest = marks[0], marks[1:]
    u, v = first["place"]["x"], first["place"]["y"]
    _, depths = scene.mesh.first_hits(views[0], np.array([u]), np.array([v]))
    if not np.isfinite(depths[0]):
        return False
    place = views[0].eye + views[0].rays(np.array([u]), np.array([v]))[0] * depths[0]
    if not scene.is_seen(views[1], place):
        return False
    su, sv, _ = views[1].pixel(place)
    width = views[1].row["width"]
    off = {mark["label"]: np.hypot(mark["place"]["x"] - su, mark["place"]["y"] - sv) / width for mark in rest}
    right = question["answer"].split(" ")[-1]
    return off[right] < 0.01 and all(far > 0.04 for label, far in off.items() if label != right)


def metric_answers(program, project):
    """Questions about one image: the distance of two boxes in view space by projecting in turn, sides from the box itself."""
    names = ", ".join(f"'{task}'" for task in METRIC_TASKS)
    sql = f"SELECT q.task, q.relation, q.answer, q.answer_value, q.object_ids, q.frame_ids FROM questions q WHERE q.task IN ({names})"
    questions = rows(program, project, sql)
    found = rows(program, project, "SELECT frame_id, object_id, obb FROM objects")
    boxes = {(row["frame_id"], row["object_id"]): Box(row["obb"]) for row in found if row.get("obb")}
    wrong = []
    for question in questions:
        of = [boxes[question["frame_ids"][0], one] for one in question["object_ids"]]
        value = question["answer_value"]
        if question["task"] == "metric_distance":
            right = abs(of[0].distance(of[1]) - value) < 1e-3 and abs(float(question["answer"].split(" ")[0]) - value) <= 0.05 + 1e-9
        else:
            upright = int(np.argmax(np.abs(of[0].axes[:, 2])))
            sides = 200.0 * of[0].half
            level = [sides[k] for k in range(3) if k != upright]
            expected = sides[upright] if question["relation"] == "height_of" else max(level)
            right = abs(expected - value) < 0.05 * expected and abs(float(question["answer"].split(" ")[0]) - value) <= 0.5 + 1e-9
        if not right:
            wrong.append((question["task"], question["frame_ids"], question["object_ids"], question["answer"], value))
    counts = {task: sum(question["task"] == task for question in questions) for task in METRIC_TASKS}
    return counts, wrong


def main():
    program, project = sys.argv[1:3]
    names = ", ".join(f"'{task}'" for task in PAIR_TASKS)
    questions = rows(program, project, f"SELECT * FROM questions WHERE task IN ({names}) ORDER BY scene_id, question_id")
    frames = rows(program, project, "SELECT frame_id, width, height, fx, fy, cx, cy, world_from_camera FROM frames WHERE world_from_camera IS NOT NULL")
    cameras = {row["frame_id"]: Camera(row) for row in frames}
    found = rows(program, project, "SELECT scene_id, object_id, obb FROM scene_objects")
    boxes = {(row["scene_id"], row["object_id"]): Box(row["obb"]) for row in found}
    last = {}

    def scenes(scene_id):
        if scene_id not in last:
            last.clear()
            last[scene_id] = Scene(program, project, scene_id)
        return last[scene_id]

    counts, wrong = dict.fromkeys(PAIR_TASKS, 0), []
    for question in questions:
        counts[question["task"]] += 1
        if not check(question, cameras, boxes, scenes):
            wrong.append((question["task"], question["frame_ids"], question["object_ids"], question["answer"], question.get("answer_value")))
    metric_counts, metric_wrong = metric_answers(program, project)
    counts |= metric_counts
    wrong += metric_wrong
    print(", ".join(f"{n} {task}" for task, n in counts.items()), f"questions; {len(wrong)} wrong")
    for case in wrong[:20]:
        print("wrong:", *case)
    if len(sys.argv) > 3:
        wrong += known(cameras, boxes, found, program, project, json.load(open(sys.argv[3])))
    sys.exit(1 if wrong or not any(counts.values()) else 0)


def known(cameras, boxes, found, program, project, vectors):
    """Numbers that others measured on ScanNet's first scene."""
    scene = next(row["scene_id"] for row in found if row["scene_id"].endswith("scene0000_00"))
    camera = lambda name: cameras[f"{scene}/{name}"]
    sql = "SELECT camera_motion(a.world_from_camera, b.world_from_camera) AS m FROM frames a, frames b WHERE a.frame_id = '{}' AND b.frame_id = '{}'"
    off = []
    for known in vectors["camera_motion"]:
        ids = [f"{scene}/{known[end]}" for end in ("first", "second")]
        motion = rows(program, project, sql.format(*ids))[0]["m"]
        own = camera(known["first"]).level(camera(known["second"]).eye)
        for name, way, theirs in zip(["right", "forward", "up"], own, known["moved_right_forward_up"]):
            if abs(motion[name] - theirs) > 1e-3 or abs(way - theirs) > 1e-3:
                off.append((known["first"], known["second"], name, motion[name], way, theirs))
        if abs(motion["turn"] - known["turn_deg"]) > 0.02:
            off.append((known["first"], known["second"], "turn", motion["turn"], known["turn_deg"]))
    sql = f"SELECT category, object_id FROM scene_objects WHERE scene_id = '{scene}'"
    ids = {row["category"]: row["object_id"] for row in rows(program, project, sql)}
    for known in vectors["camera_object"]:
        far = boxes[scene, ids[known["object"]]].distance_to(camera(known["frame"]).eye)
        if abs(far - known["box_m"]) > 1e-3:
            off.append((known["frame"], known["object"], far, known["box_m"]))
    print(f"{len(vectors['camera_motion'])} known motions and {len(vectors['camera_object'])} known distances, {len(off)} differ:", *off[:10])
    return off


if __name__ == "__main__":
    main()
