"""Geometry of questions about several views, by the SQL functions, against independent NumPy.

    python tests/oracle/multiview.py spatialmill [DATA]

Made data first: distances, footprints and corners of random boxes (by a quadratic program, and by points on a grid), relative directions, motions of
cameras, apparent rotations, floor areas of rooms whose area is known, routes. Then, where DATA or $SPATIALMILL_DATA names a folder of genuine
samples, those of it that are there:

    scannet/                       posed_images and scans of a scene: sightings against rays through random pixels, the floor area against the
                                   Delaunay triangulation of SciPy (where it is installed), distances of surfaces against all pairs of vertices
    r2r_matterport/                connectivity and R2R_val_seen.json: legs and turns of all paths, and the distances that the file gives
    object_multiview/gso_elephant  cameras: azimuths and elevations
    3rscan/3RScan.json             motions of objects: yaw and tilt

A folder that is not there is named and left out. Exits with 1 where an answer differs.
"""

import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

DRAW = np.random.default_rng(13)
WRONG = []


def check(name, wrong, of, note=""):
    print(f"{'FAILED' if wrong else 'ok    '} {name}: {of - wrong} of {of}{'; ' + note if note else ''}")
    if wrong:
        WRONG.append(name)


class Mill:
    """A project whose functions are asked."""

    def __init__(self, program, folder, source=""):
        self.command = [program, "--quiet", "--project", str(folder)]
        (folder / "mill.toml").write_text(source)

    def run(self, *arguments):
        subprocess.run([*self.command, *arguments], check=True, stdout=subprocess.DEVNULL)

    def sql(self, sql):
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
            file.write(sql)
            file.flush()
            answer = subprocess.run([*self.command, "sql", "--format", "json", "-f", file.name], capture_output=True, text=True)
        if answer.returncode:
            sys.exit(f"{answer.stderr}\nof the query {sql[:300]} ...")
        return [json.loads(line) for line in answer.stdout.splitlines()]

    def ask(self, expression, rows, columns):
        """The value of an expression over columns, for each row."""
        values = ",\n".join(f"({number}, {', '.join(row)})" for number, row in enumerate(rows))
        found = self.sql(f"SELECT n, {expression} AS value FROM (VALUES {values}) AS t(n, {', '.join(columns)}) ORDER BY n")
        return [row.get("value") for row in found]


def vec3(v):
    return "{" + ", ".join(f"{axis}: {float(at)!r}" for axis, at in zip("xyz", v)) + "}"


def numbers(values):
    return "[" + ", ".join(repr(float(value)) for value in np.ravel(values)) + "]"


def obb(box):
    centre, axes, lengths = box
    return f"{{centre: {vec3(centre)}, axes: {numbers(axes)}, lengths: {vec3(lengths)}}}"


def random_rotation():
    q, r = np.linalg.qr(DRAW.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q if np.linalg.det(q) > 0 else q[:, [1, 0, 2]]


def about_z(radians):
    sin, cos = math.sin(radians), math.cos(radians)
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


def random_box(upright=False):
    axes = about_z(DRAW.uniform(-4, 4)).T if upright else random_rotation().T
    lengths = DRAW.uniform(0.05, 3, 3)
    if DRAW.random() < 0.2:
        lengths[DRAW.integers(3)] = 0
    return DRAW.uniform(-4, 4, 3), axes, lengths


def corners(box):
    centre, axes, lengths = box
    signs = np.array([[1 if corner >> k & 1 else -1 for k in range(3)] for corner in range(8)])
    return centre + (signs * lengths / 2) @ axes


def quadratic_program(a, b):
    """The distance of two boxes: |ca + Aa x - cb - Ab y| over |x|, |y| <= half the lengths, by accelerated projected gradients."""
    m = np.vstack([a[1], -b[1]])
    limit = np.concatenate([a[2], b[2]]) / 2
    offset = a[0] - b[0]
    x = momentum = np.zeros(6)
    t = 1.0
    for _ in range(4000):
        step = np.clip(momentum - (m @ (offset + momentum @ m)) / 2.0, -limit, limit)
        t_next = (1 + math.sqrt(1 + 4 * t * t)) / 2
        momentum = step + (t - 1) / t_next * (step - x)
        x, t = step, t_next
    return np.linalg.norm(offset + x @ m)


def wrap(degrees):
    return 180 - (180 - degrees) % 360


def boxes(mill, pairs=300):
    made = [(random_box(), random_box()) for _ in range(pairs)]
    rows = [(obb(a), obb(b)) for a, b in made]
    found = np.array(mill.ask("box_distance(a, b)", rows, ["a", "b"]))
    expected = np.array([quadratic_program(a, b) for a, b in made])
    off = np.abs(found - expected)
    check("box_distance", int((off > 1e-4).sum()), pairs, f"largest difference {off.max():.1e} m, {int((found == 0).sum())} touch")

    points = DRAW.uniform(-5, 5, (pairs, 3))
    found = mill.ask("distance_to_box(p, a)", [(vec3(p), obb(a)) for p, (a, _) in zip(points, made)], ["p", "a"])
    local = [np.abs((p - a[0]) @ a[1].T) - a[2] / 2 for p, (a, _) in zip(points, made)]
    check("distance_to_box", sum(abs(f - np.linalg.norm(np.maximum(l, 0))) > 1e-9 for f, l in zip(found, local)), pairs)

    found = mill.ask("box_corners(a)", [(row[0],) for row in rows], ["a"])
    wrong = sum(np.abs(np.array([[c[k] for k in "xyz"] for c in f]) - corners(a)).max() > 1e-9 for f, (a, _) in zip(found, made))
    check("box_corners", wrong, pairs)

    made = [(random_box(True), random_box(True)) for _ in range(pairs)]
    for a, b in made:
        b[0][:2] = a[0][:2] + DRAW.uniform(-1.5, 1.5, 2)
        a[2][:2], b[2][:2] = np.maximum(a[2][:2], 0.2), np.maximum(b[2][:2], 0.2)
    found = mill.ask("footprint_overlap(a, b)", [(obb(a), obb(b)) for a, b in made], ["a", "b"])
    wrong = 0
    for (a, b), share in zip(made, found):
        small, large = sorted((a, b), key=lambda box: box[2][0] * box[2][1])
        u = (np.stack(np.meshgrid(np.arange(150), np.arange(150)), -1).reshape(-1, 2) + 0.5) / 150 - 0.5
        at = small[0][:2] + (u * small[2][:2]) @ small[1][:2, :2]
        inside = (np.abs((at - large[0][:2]) @ large[1][:2, :2].T) <= large[2][:2] / 2).all(axis=1)
        wrong += abs(inside.mean() - share) > 0.02
    check("footprint_overlap", wrong, pairs)


def directions(mill, questions=300):
    made = [[random_box(True) for _ in range(3)] for _ in range(questions)]
    found = mill.ask("relative_direction(a, b, c)", [tuple(map(obb, boxes)) for boxes in made], ["a", "b", "c"])
    wrong = 0
    starts = {"easy": [0, 180], "medium": [0, 135, 225], "hard": [0, 90, 180, 270]}
    names = {"easy": ["left", "right"], "medium": ["left", "back", "right"], "hard": ["front-left", "back-left", "back-right", "front-right"]}
    for (a, b, c), answer in zip(made, found):
        # As complex numbers: a quotient's argument is the angle from one to the other.
        plan = lambda p: complex(p[0], p[1])
        angle_to = lambda p: math.degrees(np.angle((plan(p) - plan(a[0])) / (plan(b[0]) - plan(a[0])))) % 360
        angle = angle_to(c[0])
        wrong += abs(wrap(angle - answer["angle"])) > 1e-6
        for level, from_ in starts.items():
            own = np.searchsorted(from_, angle, "right") - 1
            ends = [*from_, 360]
            elsewhere = sum(np.searchsorted(from_, angle_to(corner), "right") - 1 != own for corner in corners(c))
            near = min(angle - ends[own], ends[own + 1] - angle)
            sector = answer[level]
            wrong += sector["sector"] != names[level][own] or abs(sector["boundary"] - near) > 1e-6 or sector["corners_elsewhere"] != elsewhere
    check("relative_direction", wrong, questions)


def pose(rotation, position):
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation, position
    return matrix


def looking(forward, roll=0.0):
    """A camera's axes in the world: x right, y down, z forward."""
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, [0, 0, 1])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    turned = math.cos(roll) * right + math.sin(roll) * down
    return np.stack([turned, np.cross(forward, turned), forward], axis=1)


def cameras(mill, pairs=300):
    def random_pose():
        return pose(looking(DRAW.normal(size=3) * [1, 1, 0.4], DRAW.uniform(-0.3, 0.3)), DRAW.uniform(-3, 3, 3))

    made = [(random_pose(), random_pose()) for _ in range(pairs)]
    found = mill.ask("camera_motion(a, b)", [(numbers(a), numbers(b)) for a, b in made], ["a", "b"])
    wrong = 0
    for (a, b), motion in zip(made, found):
        way = b[:3, 3] - a[:3, 3]
        ahead = a[:2, 2] / np.linalg.norm(a[:2, 2])
        expected = [way[0] * ahead[1] - way[1] * ahead[0], way[:2] @ ahead, way[2]]
        bearing = [math.degrees(math.atan2(m[0, 2], m[1, 2])) for m in (a, b)]
        tilt = [math.degrees(math.asin(m[2, 2])) for m in (a, b)]
        rotation = math.degrees(math.acos(np.clip((np.trace(a[:3, :3].T @ b[:3, :3]) - 1) / 2, -1, 1)))
        wrong += (
            np.abs(np.array([motion[k] for k in ("right", "forward", "up")]) - expected).max() > 1e-6
            or abs(wrap(motion["turn"] - (bearing[1] - bearing[0]))) > 1e-5
            or abs(motion["tilt"] - (tilt[1] - tilt[0])) > 1e-5
            or abs(motion["rotation"] - rotation) > 1e-4
            or abs(motion["distance"] - np.linalg.norm(way)) > 1e-9
        )
    check("camera_motion", wrong, pairs)

    # The object in its own frame: whoever turns it looks at it from another azimuth.
    centres, turned = DRAW.uniform(-1, 1, (pairs, 3)), DRAW.uniform(-170, 170, pairs)
    rows = [(numbers(a), numbers(b), vec3(o), repr(float(t))) for (a, b), o, t in zip(made, centres, turned)]
    found = mill.ask("apparent_rotation(orbit_position(a, o), orbit_position(b, o), t)", rows, ["a", "b", "o", "t"])
    wrong = 0
    for (a, b), o, t, answer in zip(made, centres, turned, found):
        seen_from = [about_z(-angle).dot(m[:3, 3] - o) for m, angle in ((a, 0.0), (b, math.radians(t)))]
        azimuths = [math.degrees(math.atan2(v[1], v[0])) for v in seen_from]
        wrong += abs(wrap(answer["rotation"] - (azimuths[0] - azimuths[1]))) > 1e-6
    check("apparent_rotation", wrong, pairs)


def room(corners_of_rooms, apart=0.1):
    points = []
    for x0, y0, x1, y1 in corners_of_rooms:
        xs, ys = np.arange(x0, x1 + 1e-9, apart), np.arange(y0, y1 + 1e-9, apart)
        points.append(np.stack(np.meshgrid(xs, ys), -1).reshape(-1, 2))
    flat = np.vstack(points)
    return np.column_stack([flat, DRAW.uniform(0, 2.5, len(flat))])


def floors(mill):
    rooms = {
        "6 m x 4 m": ([(0, 0, 6, 4)], 24.0),
        "an L": ([(0, 0, 6, 2), (0, 0, 2, 5)], 18.0),
        "two rooms": ([(0, 0, 3, 3), (8, 0, 10, 3)], 15.0),
        "a ring, filled": ([(0, 0, 6, 1), (0, 5, 6, 6), (0, 0, 1, 6), (5, 0, 6, 6)], 36.0),
    }
    wrong = 0
    for name, (parts, area) in rooms.items():
        [found] = mill.ask("floor_area(p, 5, 0.05)", [(numbers(room(parts)),)], ["p"])
        wrong += abs(found["area"] - area) > 0.05
    check("floor_area of known rooms", wrong, len(rooms))


def legs_of(points, straight=20.0):
    """Merged legs (from, to, bearing), by the definition: the least turn first, while it is at most `straight`."""
    ends = [0]
    for i in range(1, len(points)):
        if np.linalg.norm(points[i][:2] - points[ends[-1]][:2]) > 1e-3:
            ends.append(i)
    while True:
        way = [points[b] - points[a] for a, b in zip(ends, ends[1:])]
        bearings = [math.degrees(math.atan2(w[0], w[1])) for w in way]
        turns = [wrap(b - a) for a, b in zip(bearings, bearings[1:])]
        if not turns or min(map(abs, turns)) > straight:
            return list(zip(ends, ends[1:], bearings)), turns
        del ends[int(np.argmin(np.abs(turns))) + 1]


def routes_agree(mill, routes):
    found = mill.ask("route_legs(p, 20)", [("[" + ", ".join(map(vec3, points)) + "]",) for points in routes], ["p"])
    wrong = 0
    for points, answer in zip(routes, found):
        legs, turns = legs_of(points)
        ours = [(leg["from_index"], leg["to_index"]) for leg in answer]
        our_turns = [leg["turn"] for leg in answer[1:]]
        wrong += ours != [leg[:2] for leg in legs] or any(abs(wrap(a - b)) > 1e-6 for a, b in zip(our_turns, turns))
    return wrong, found


def made_routes(mill, routes=200):
    made = [np.cumsum(DRAW.normal(size=(DRAW.integers(2, 9), 3)) * [1, 1, 0.1], axis=0) for _ in range(routes)]
    check("route_legs", routes_agree(mill, made)[0], routes)


def folder(data, *parts):
    path = data.joinpath(*parts)
    if path.exists():
        return path
    print(f"NOT RUN: there is no {path}")
    return None


def r2r(mill, data):
    graphs, paths = folder(data, "r2r_matterport", "connectivity"), folder(data, "r2r_matterport", "R2R_val_seen.json")
    if not graphs or not paths:
        return
    place = {}
    for file in graphs.glob("*_connectivity.json"):
        for node in json.loads(file.read_text()):
            place[node["image_id"]] = np.array(node["pose"])[[3, 7, 11]]
    entries = [entry for entry in json.loads(paths.read_text()) if all(node in place for node in entry["path"])]
    routes = [np.array([place[node] for node in entry["path"]]) for entry in entries]
    wrong, found = routes_agree(mill, routes)
    off = np.array([abs(sum(leg["length"] for leg in legs) - entry["distance"]) for legs, entry in zip(found, entries)])
    check("R2R's paths", wrong, len(routes), f"median |length - distance| {np.median(off):.4f} m")


def elephant(mill, data):
    views = folder(data, "object_multiview", "gso_elephant")
    if not views:
        return
    poses = []
    for file in sorted(views.glob("*.npy")):
        # World to camera, OpenCV or not: the place of a camera is the same.
        rt = np.load(file)[:3, :4]
        poses.append(-rt[:, :3].T @ rt[:, 3])
    rows = [(numbers(pose(looking(-p), p)),) for p in poses]
    found = mill.ask("orbit_position(a, {x: 0, y: 0, z: 0})", rows, ["a"])
    wrong = sum(
        abs(wrap(f["azimuth"] - math.degrees(math.atan2(p[1], p[0])))) > 1e-6
        or abs(f["elevation"] - math.degrees(math.asin(p[2] / np.linalg.norm(p)))) > 1e-6
        or abs(wrap(f["azimuth"] - f["axis_azimuth"])) > 1e-4
        for f, p in zip(found, poses)
    )
    check("views of an elephant", wrong, len(poses))


def rescans(mill, data):
    index = folder(data, "3rscan", "3RScan.json")
    if not index:
        return
    motions = []
    for reference in json.loads(index.read_text()):
        for scan in reference["scans"]:
            if "transform" not in scan:
                continue
            to_reference = np.array(scan["transform"]).reshape(4, 4, order="F")
            for moved in scan.get("rigid", []):
                if isinstance(moved, dict):
                    motions.append(to_reference @ np.array(moved["transform"]).reshape(4, 4, order="F"))
    found = mill.ask("yaw_and_tilt(m)", [(numbers(m),) for m in motions], ["m"])
    wrong, none = 0, 0
    for m, answer in zip(motions, found):
        if answer is None:
            none += 1
            continue
        x, up = m[:3, 0], m[:3, 2] / np.linalg.norm(m[:3, 2])
        wrong += abs(wrap(answer["yaw"] - math.degrees(math.atan2(x[1], x[0])))) > 0.05
        wrong += abs(answer["tilt"] - math.degrees(math.acos(np.clip(up[2], -1, 1)))) > 0.05
    still = sum(answer is not None and abs(answer["yaw"]) < 5 for answer in found)
    check("moved objects of 3RScan", wrong, len(motions), f"{none} no rigid motion, {still} turned by less than 5 degrees")


SCENES = """
FROM (SELECT scene_id, array_agg({frame_id: frame_id, width: width, height: height, fx: fx, fy: fy, cx: cx, cy: cy,
    world_from_camera: world_from_camera, gravity: gravity, depth_uri: depth_uri, depth_scale: depth_scale, exhaustive: exhaustive})
    AS shots FROM frames GROUP BY scene_id) AS f
JOIN (SELECT scene_id, array_agg({object_id: object_id, category: category, caption: caption, obb: obb}) AS placed
    FROM scene_objects GROUP BY scene_id) AS s ON s.scene_id = f.scene_id
JOIN (SELECT scene_id, array_agg({object_id: object_id, vertices: vertices, triangles: triangles}) AS meshes
    FROM surfaces GROUP BY scene_id) AS t ON t.scene_id = f.scene_id
"""


def covering(corners_, pixel, camera):
    """The triangles whose picture holds a pixel, and the depth there (Möller and Trumbore)."""
    fx, fy, cx, cy = camera
    ray = np.array([(pixel[0] - cx) / fx, (pixel[1] - cy) / fy, 1.0])
    a, ab, ac = corners_[:, 0], corners_[:, 1] - corners_[:, 0], corners_[:, 2] - corners_[:, 0]
    p = np.cross(ray, ac)
    with np.errstate(all="ignore"):
        inverse = 1 / (ab * p).sum(1)
        u = -(a * p).sum(1) * inverse
        q = np.cross(-a, ab)
        v = q @ ray * inverse
        depth = (ac * q).sum(1) * inverse
        hit = (u >= 0) & (v >= 0) & (u + v <= 1) & (depth > 0.01)
    return np.flatnonzero(hit), depth


def scan(program, data, pixels=1500):
    root = folder(data, "scannet")
    if not root or not folder(root, "scans") or not folder(root, "posed_images"):
        return
    with tempfile.TemporaryDirectory() as temporary:
        source = f'[[source]]\nname = "scan"\nkind = "scannet"\nroot = {json.dumps(str(root))}\n'
        mill = Mill(program, pathlib.Path(temporary), source)
        mill.run("import")
        seen = [row["s"] for row in mill.sql(f"SELECT unnest(sightings(f.shots, s.placed, t.meshes)) AS s {SCENES}")]
        frames = mill.sql("SELECT * FROM frames")
        surfaces = mill.sql("SELECT object_id, vertices, triangles FROM surfaces ORDER BY object_id")
        owners = np.concatenate([[s.get("object_id") or ""] * (len(s["triangles"]) // 3) for s in surfaces])
        world = np.concatenate([np.array(s["vertices"]).reshape(-1, 3)[np.array(s["triangles"]).reshape(-1, 3)] for s in surfaces])
        wrong, of = 0, 0
        for frame in frames:
            camera_from_world = np.linalg.inv(np.array(frame["world_from_camera"]).reshape(4, 4))
            triangles = world @ camera_from_world[:3, :3].T + camera_from_world[:3, 3]
            near = triangles[..., 2].max(1) > 0.01
            triangles, names = triangles[near], owners[near]
            width, height = frame["width"], frame["height"]
            places = np.column_stack([DRAW.integers(width, size=pixels), DRAW.integers(height, size=pixels)])
            visible, alone = {}, {}
            for pixel in places:
                hits, depth = covering(triangles, pixel, [frame[k] for k in ("fx", "fy", "cx", "cy")])
                for name in set(names[hits]):
                    alone[name] = alone.get(name, 0) + 1
                if len(hits):
                    name = names[hits[np.argmin(depth[hits])]]
                    visible[name] = visible.get(name, 0) + 1
            for row in (row for row in seen if row["frame_id"] == frame["frame_id"]):
                for counted, key in ((visible, "visible_px"), (alone, "in_image_px")):
                    share = row[key] / (width * height)
                    error = math.sqrt(share * (1 - share) / pixels)
                    of += 1
                    wrong += abs(counted.get(row["object_id"], 0) / pixels - share) > 4.5 * error + 1.5 / pixels
        check("sightings against rays", wrong, of, f"{len(seen)} sightings in {len(frames)} frames")

        named = [s for s in surfaces if s.get("object_id")]
        found = mill.sql(
            "SELECT unnest(surface_distances(m)) AS d FROM (SELECT array_agg({object_id: object_id, vertices: vertices}) AS m FROM surfaces)"
        )
        distance = {(row["d"]["object_id"], row["d"]["other_id"]): row["d"]["distance"] for row in found}
        clouds = {s["object_id"]: np.array(s["vertices"]).reshape(-1, 3) for s in named}
        few = sorted(clouds, key=lambda name: len(clouds[name]))[:12]
        pairs = [(a, b) for a in few for b in few if a < b]
        wrong = sum(
            abs(np.sqrt(((clouds[a][:, None] - clouds[b][None]) ** 2).sum(-1)).min() - distance[a, b]) > 1e-5 for a, b in pairs
        )
        check("surface_distances", wrong, len(pairs), f"of {len(found)}")

        [area] = mill.sql("SELECT floor_area(flatten(array_agg(vertices ORDER BY object_id)), 5, 0) AS a FROM surfaces")
        try:
            from scipy.spatial import Delaunay
        except ImportError:
            print("NOT RUN: scipy is not installed; the floor area was not compared")
            return
        points = np.unique(np.concatenate([np.array(s["vertices"]).reshape(-1, 3)[:, :2] for s in surfaces]), axis=0)
        shape = Delaunay(points)
        a, b, c = (points[shape.simplices[:, k]] for k in range(3))
        sides = [np.hypot(*(p - q).T) for p, q in ((a, b), (b, c), (c, a))]
        areas = np.abs((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2
        with np.errstate(all="ignore"):
            kept = np.prod(sides, axis=0) / (4 * areas) < 0.2
        outside = (shape.neighbors < 0).any(1) & ~kept
        to_visit = list(np.flatnonzero(outside))
        while to_visit:
            for next_ in shape.neighbors[to_visit.pop()]:
                if next_ >= 0 and not kept[next_] and not outside[next_]:
                    outside[next_] = True
                    to_visit.append(next_)
        expected, found = areas[~outside].sum(), area["a"]["area"]
        check("floor_area of a scan", int(abs(expected - found) > 0.002), 1, f"{found:.3f} m², SciPy {expected:.3f}")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    program = sys.argv[1]
    data = sys.argv[2] if len(sys.argv) > 2 else os.environ.get("SPATIALMILL_DATA")
    with tempfile.TemporaryDirectory() as temporary:
        mill = Mill(program, pathlib.Path(temporary))
        for part in (boxes, directions, cameras, floors, made_routes):
            part(mill)
        if data is None:
            print("NOT RUN: no genuine data; give their folder as the second argument or in $SPATIALMILL_DATA")
        else:
            for part in (r2r, elephant, rescans):
                part(mill, pathlib.Path(data))
            scan(program, pathlib.Path(data))
    sys.exit(1 if WRONG else 0)


if __name__ == "__main__":
    main()
