"""What `synthetic_home` says of its homes, by other routes: rays through triangles, shoelaces, separating axes and random points.

    python tests/oracle/homes.py spatialmill OUT [--homes 2] [--frames 4] [--seed 0]

A project below OUT makes homes, two scans of each, a few small frames a scan. Then, of every scan:

- a ray through each pixel, cut with each triangle of `surfaces` (Möller and Trumbore), shows the depth and the objects that the images have, and
  as many pixels of each object, with all others and alone, as `truth.json` counts;
- areas of rooms are those of their polygons, and the free floor is what random points find between the boxes;
- no two boxes meet, but for pillows on what they lie on;
- waypoints are one graph, whose links keep clear of boxes and lead through rooms and doorways alone; their lengths are distances;
- what moved from the first scan to the second has moved by its motion, and all else has stayed.

Needs numpy and pillow. Exits with 1 where something differs.
"""

import argparse
import json
import pathlib
import subprocess
import sys

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 160, 120
# A pixel on an edge may belong to either side.
EDGE_SHARE, EDGE_PIXELS = 0.03, 4
SHOULDERS_M = 0.18
faults = []


def check(holds, *said):
    if not holds:
        faults.append(" ".join(map(str, said)))


class Project:
    def __init__(self, program, folder, homes, frames, seed):
        folder.mkdir(parents=True, exist_ok=True)
        options = f"homes = {homes}\nmax_frames = {frames}\nwidth = {WIDTH}\nheight = {HEIGHT}\nseed = {seed}\n"
        (folder / "mill.toml").write_text(f'[[source]]\nname = "homes"\nkind = "synthetic_home"\nroot = "homes"\n{options}')
        self.command = [program, "--project", folder]
        subprocess.run([*self.command, "import", "--quiet"], check=True, stdout=subprocess.DEVNULL)

    def rows(self, sql):
        printed = subprocess.run([*self.command, "sql", "--quiet", "--format", "json", "-c", sql], check=True, stdout=subprocess.PIPE, text=True).stdout
        return [json.loads(line) for line in printed.splitlines() if line]


class Rays:
    """Rays through the pixels of a camera."""

    def __init__(self, frame):
        pose = np.array(frame["world_from_camera"]).reshape(4, 4)
        self.eye, self.axes = pose[:3, 3], pose[:3, :3]
        self.camera = [frame[name] for name in ("fx", "fy", "cx", "cy")]

    def cast(self, triangles):
        """The depth along z at which each pixel's ray meets the nearest triangle, and which one; infinite and -1 where there is none."""
        fx, fy, cx, cy = self.camera
        corners = (triangles - self.eye) @ self.axes
        depth = np.full((HEIGHT, WIDTH), np.inf)
        nearest = np.full((HEIGHT, WIDTH), -1)
        front = corners[..., 2] > 0.01
        with np.errstate(divide="ignore", invalid="ignore"):
            u = corners[..., 0] / corners[..., 2] * fx + cx
            v = corners[..., 1] / corners[..., 2] * fy + cy
        for n in np.flatnonzero(front.any(1)):
            if front[n].all():
                x0, x1 = int(np.ceil(max(u[n].min(), 0))), int(np.floor(min(u[n].max(), WIDTH - 1)))
                y0, y1 = int(np.ceil(max(v[n].min(), 0))), int(np.floor(min(v[n].max(), HEIGHT - 1)))
            else:
                x0, x1, y0, y1 = 0, WIDTH - 1, 0, HEIGHT - 1
            if x0 > x1 or y0 > y1:
                continue
            columns, rows = np.meshgrid(np.arange(x0, x1 + 1), np.arange(y0, y1 + 1))
            ray = np.stack([(columns - cx) / fx, (rows - cy) / fy, np.ones(columns.shape)], -1)
            a, ab, ac = corners[n, 0], corners[n, 1] - corners[n, 0], corners[n, 2] - corners[n, 0]
            p = np.cross(ray, ac)
            determinant = p @ ab
            with np.errstate(divide="ignore", invalid="ignore"):
                b = p @ -a / determinant
                q = np.cross(-a, ab)
                c = ray @ q / determinant
                t = ac @ q / determinant
            hit = (b >= 0) & (c >= 0) & (b + c <= 1) & (t > 0.01)
            here = np.where(hit, t, np.inf)
            part = (slice(y0, y1 + 1), slice(x0, x1 + 1))
            closer = here < depth[part]
            depth[part] = np.where(closer, here, depth[part])
            nearest[part] = np.where(closer, n, nearest[part])
        return depth, nearest


def agrees(counted, said):
    return abs(counted - said) <= max(EDGE_PIXELS, EDGE_SHARE * said)


def look(folder, scan, frames, surfaces, truth):
    """Pixels, by rays."""
    triangles, owners = [], []
    for surface in surfaces:
        vertices = np.array(surface["vertices"]).reshape(-1, 3)
        triangles.append(vertices[np.array(surface["triangles"]).reshape(-1, 3)])
        owners.append(np.full(len(triangles[-1]), int(surface.get("object_id") or 0)))
    triangles, owners = np.concatenate(triangles), np.concatenate(owners)
    for frame, known in zip(frames, truth["frames"], strict=True):
        name = frame["frame_id"].rsplit("/", 1)[1]
        where = f"{scan} {name}"
        rays = Rays(frame)
        depth, nearest = rays.cast(triangles)
        shown = np.where(nearest >= 0, owners[nearest], 0)
        stored = np.array(Image.open(folder / scan / "depth" / f"{name}.png")) / 1000
        instance = np.array(Image.open(folder / scan / "instance" / f"{name}.png"))
        check(np.mean(np.abs(stored - depth) > 0.002) < 0.005, where, "depth differs on", np.mean(np.abs(stored - depth) > 0.002))
        check(np.mean(shown != instance) < 0.005, where, "objects differ on", np.mean(shown != instance))
        sightings = {int(s["object_id"]): s for s in known["sightings"]}
        for owner in np.unique(shown[shown > 0]):
            counted = int((shown == owner).sum())
            check(owner in sightings or counted <= EDGE_PIXELS, where, "object", owner, "is missing, with", counted, "pixels")
        for owner, said in sightings.items():
            check(agrees((shown == owner).sum(), said["visible_px"]), where, owner, "visible", (shown == owner).sum(), said)
            alone = np.isfinite(rays.cast(triangles[owners == owner])[0]).sum()
            check(agrees(alone, said["in_image_px"]), where, owner, "alone", alone, said)
            check(said["visible_px"] <= said["in_image_px"] <= said["whole_px"], where, owner, said)


def shoelace(polygon):
    x, y = np.array(polygon).T
    return 0.5 * float(x @ np.roll(y, -1) - y @ np.roll(x, -1))


def inside(polygon, points):
    """Whether points are inside, by crossings."""
    odd = np.zeros(len(points), bool)
    for (x0, y0), (x1, y1) in zip(polygon, polygon[1:] + polygon[:1]):
        if y0 != y1:
            crosses = (y0 > points[:, 1]) != (y1 > points[:, 1])
            odd ^= crosses & (points[:, 0] < x0 + (points[:, 1] - y0) * (x1 - x0) / (y1 - y0))
    return odd


class Footprint:
    """An upright box seen from above."""

    def __init__(self, row):
        box = row["obb"]
        centre, lengths = ([box[part][axis] for axis in "xyz"] for part in ("centre", "lengths"))
        self.row, self.centre, self.half = row, np.array(centre[:2]), np.array(lengths[:2]) / 2
        self.axes = np.array(box["axes"]).reshape(3, 3)[:2, :2]
        self.low, self.high = centre[2] - lengths[2] / 2, centre[2] + lengths[2] / 2

    def away(self, points):
        beyond = np.abs((points - self.centre) @ self.axes.T) - self.half
        return np.linalg.norm(np.maximum(beyond, 0), axis=1)

    def meets(self, other):
        if self.high <= other.low + 1e-6 or other.high <= self.low + 1e-6:
            return False
        apart = other.centre - self.centre
        reach = lambda box, axis: np.abs(box.axes @ axis) @ box.half
        return all(abs(apart @ axis) < reach(self, axis) + reach(other, axis) - 1e-6 for axis in (*self.axes, *other.axes))


def plan(scan, truth, scenes, boxes, waypoints, links, rng):
    """Areas, free floor, boxes and ways."""
    house = scenes[f"homes/{scan}"]
    for room in truth["rooms"]:
        region = scenes[f"homes/{scan}/{room['region']}"]
        check(abs(shoelace(room["polygon"]) - region["floor_area"]) < 1e-6, scan, room["region"], "area")
        check(region["within"] == f"homes/{scan}" and region["category"] == room["kind"], scan, room["region"], region)
    check(abs(sum(room["area"] for room in truth["rooms"]) - house["floor_area"]) < 1e-6, scan, "area of the house")

    low, high = np.array([house["min"]["x"], house["min"]["y"]]), np.array([house["max"]["x"], house["max"]["y"]])
    points = rng.uniform(low - 0.2, high + 0.2, (60_000, 2))
    floor = np.zeros(len(points), bool)
    for room in truth["rooms"]:
        floor |= inside(room["polygon"], points)
    for door in truth["doorways"]:
        half = np.array([door["width"], 0.12] if door["wall_along_x"] else [0.12, door["width"]]) / 2
        floor |= (np.abs(points - door["centre"]) <= half).all(1)
    free = floor.copy()
    for box in boxes:
        if box.low < 1.6 and box.high > 0.15:
            free &= box.away(points) > 0
    share = np.prod(high - low + 0.4)
    check(abs(free.mean() * share - truth["free_floor_area"]) < 0.04 * truth["free_floor_area"], scan, "free floor", free.mean() * share, truth["free_floor_area"])
    outlined = sum(inside(outline, points).astype(int) * (1 if shoelace(outline) > 0 else -1) for outline in truth["free_floor"])
    check(np.mean(outlined != free) < 0.03, scan, "outlines of the free floor differ on", np.mean(outlined != free))

    for n, a in enumerate(boxes):
        for b in boxes[:n]:
            lies = "pillow" in (a.row["category"], b.row["category"])
            check(lies or not a.meets(b), scan, a.row["category"], "meets", b.row["category"])

    at = {point["waypoint_id"]: np.array([point["position"]["x"], point["position"]["y"]]) for point in waypoints}
    joined, fresh = set(), {next(iter(at))}
    while fresh:
        joined |= fresh
        fresh = {link["to_waypoint"] for link in links if link["from_waypoint"] in joined} - joined
    check(joined == set(at), scan, "waypoints are apart:", set(at) - joined)
    for link in links:
        a, b = at[link["from_waypoint"]], at[link["to_waypoint"]]
        check(abs(np.linalg.norm(a - b) - link["length"]) < 1e-9 and link["length"] > 0, scan, link)
        on = a + (b - a) * np.linspace(0, 1, 40)[:, None]
        near = [box.row["category"] for box in boxes if box.low < 1.85 and box.away(on).min() < SHOULDERS_M]
        check(not near, scan, "a link passes through", near)
        is_floor = np.zeros(len(on), bool)
        for room in truth["rooms"]:
            is_floor |= inside(room["polygon"], on)
        for door in truth["doorways"]:
            half = np.array([door["width"], 0.16] if door["wall_along_x"] else [0.16, door["width"]]) / 2
            is_floor |= (np.abs(on - door["centre"]) <= half).all(1)
        check(is_floor.all(), scan, "a link leads through a wall", link)


def motion(before, after, motions):
    moved = {row["object_id"]: np.array(row["moved"]).reshape(4, 4) for row in motions}
    for row in before.values():
        still = np.eye(4)
        matrix = moved.get(row["object_id"], still)
        centre = lambda row: np.array([row["obb"]["centre"][axis] for axis in "xyz"] + [1])
        other = after[row["object_id"]]
        check(np.abs(matrix @ centre(row) - centre(other)).max() < 1e-9, row["object_id"], "went elsewhere")
        axes = np.array(row["obb"]["axes"]).reshape(3, 3) @ matrix[:3, :3].T
        check(np.abs(axes - np.array(other["obb"]["axes"]).reshape(3, 3)).max() < 1e-9, row["object_id"], "turned otherwise")
    check(len(moved) >= 2, "only", len(moved), "things moved")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--homes", type=int, default=2)
    parser.add_argument("--frames", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    project = Project(given.program, given.out, given.homes, given.frames, given.seed)
    rng = np.random.default_rng(given.seed)
    scenes = {row["scene_id"]: row for row in project.rows("SELECT * FROM scenes")}
    scans = sorted(scene.split("/", 1)[1] for scene, row in scenes.items() if row["kind"] == "house")
    objects = {}
    for scan in scans:
        of = lambda table, order: project.rows(f"SELECT * FROM {table} WHERE scene_id = 'homes/{scan}' ORDER BY {order}")
        truth = json.loads((given.out / "homes" / scan / "truth.json").read_text())
        objects[scan] = {row["object_id"]: row for row in of("scene_objects", "object_id")}
        boxes = [Footprint(row) for row in objects[scan].values()]
        plan(scan, truth, scenes, boxes, of("waypoints", "waypoint_id"), of("links", "from_waypoint, to_waypoint"), rng)
        look(given.out / "homes", scan, of("frames", "frame_id"), of("surfaces", "object_id"), truth)
        if not scan.endswith("_00"):
            first = scan[:-3] + "_00"
            motion(objects[first], objects[scan], project.rows(f"SELECT * FROM motions WHERE other_scene_id = 'homes/{scan}'"))
    print(f"{len(scans)} scans of {given.homes} homes, {given.frames} frames each, {sum(map(len, objects.values()))} objects: {len(faults)} faults")
    for fault in faults[:40]:
        print(" ", fault)
    sys.exit(1 if faults or not scans else 0)


if __name__ == "__main__":
    main()
