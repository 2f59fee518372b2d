"""B7: sightings, floor area, distances and routes of a scanned scene, against Open3D, SciPy and alphashape. CPU seconds of one core each.

    cargo build --release -p spatialmill-geometry --example scene
    pip install numpy open3d alphashape scipy
    python benches/scenes.py target/release/examples/scene [--scannet <folder of a scan>] [--frames 40] [--runs 3]

The scene is one of ScanNet's scans (mesh, segments and aggregation of the owner's names), or else a room of our own with boxes in it, of some
80,000 vertices. Cameras stand in it and look around, at 1296 x 968. Everybody starts with the mesh in memory. Open3D casts a ray through every
pixel and counts those that hit an object first, which is what people take for "visible in the frame"; ours also counts what the object would
cover without others and without the border. VLM-3R's recipe projects an object's points into the frame and holds them against its depth
image: NumPy does so here. alphashape is given the points of a 5 cm grid that ours thins the vertices to. Answers that differ from ours are
printed, and their times not.
"""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TBB_NUM_THREADS"):
    os.environ[variable] = "1"
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import alphashape
import numpy as np
import open3d
from scipy.spatial import cKDTree

WIDTH, HEIGHT, FOCAL = 1296, 968, 1170.0


def face(mesh, owner, corner, a, b):
    """A rectangle in triangles with sides of about 5 cm."""
    columns, rows = (int(np.ceil(np.linalg.norm(side) / 0.053)) for side in (a, b))
    first = sum(len(v) for v, _, _ in mesh)
    v, u = np.mgrid[0 : rows + 1, 0 : columns + 1]
    vertices = corner + u.reshape(-1, 1) / columns * a + v.reshape(-1, 1) / rows * b
    here = (first + v[:-1, :-1] * (columns + 1) + u[:-1, :-1]).reshape(-1)
    above = here + columns + 1
    triangles = np.concatenate([np.stack([here, here + 1, above], 1), np.stack([above, here + 1, above + 1], 1)])
    mesh.append((vertices, triangles, np.full(len(triangles), owner)))


def room():
    """8 m x 6 m with 30 boxes."""
    x, y, z = np.eye(3)
    mesh = []
    walls = [(0 * x, x * 8, y * 6), (0 * x, x * 8, z * 2.6), (y * 6, x * 8, z * 2.6), (0 * x, y * 6, z * 2.6), (x * 8, y * 6, z * 2.6)]
    for corner, a, b in walls:
        face(mesh, -1, corner, a, b)
    for i in range(30):
        at = np.array([0.7 + i % 6 * 1.3, 0.6 + i // 6 * 1.2, 0.0])
        a, b, c = np.diag([0.4 + i % 4 * 0.15, 0.4 + i % 3 * 0.1, 0.3 + i % 5 * 0.3])
        for corner, one, other in [(at, a, b), (at + c, a, b), (at, a, c), (at + b, a, c), (at, b, c), (at + a, b, c)]:
            face(mesh, i, corner, one, other)
    vertices, triangles, owners = (np.concatenate(part) for part in zip(*mesh))
    return vertices, triangles, owners


def scan(folder):
    """A scan of ScanNet, floor at 0: a triangle is its object's of whose segments all three corners are."""
    folder = pathlib.Path(folder)
    (mesh,) = folder.glob("*_vh_clean_2.ply")
    read = open3d.io.read_triangle_mesh(str(mesh))
    vertices, triangles = np.asarray(read.vertices), np.asarray(read.triangles)
    segments = np.array(json.loads(next(folder.glob("*.segs.json")).read_text())["segIndices"])
    owner = np.full(len(vertices), -1)
    floor = np.zeros(len(vertices), bool)
    groups = json.loads(next(folder.glob("*.aggregation.json")).read_text())["segGroups"]
    for group in groups:
        own = np.isin(segments, group["segments"])
        if group["label"] in ("wall", "floor", "ceiling"):
            floor |= own & (group["label"] == "floor")
        else:
            owner[own] = group["id"]
    names = np.unique(owner[owner >= 0])
    owner = np.where(owner >= 0, np.searchsorted(names, owner), -1)
    corners = owner[triangles]
    owners = np.where((corners == corners[:, :1]).all(1), corners[:, 0], -1)
    kept = np.isin(np.arange(len(names)), owners)
    owners = np.where(owners >= 0, (np.cumsum(kept) - 1)[owners], -1)
    return vertices - [0, 0, np.median(vertices[floor, 2])], triangles, owners


def cameras(vertices, count):
    """At eye height around the middle, looking inward and a little down; poses are camera to world, x right, y down, z forward."""
    low, high = vertices.min(0), vertices.max(0)
    for angle in np.arange(count) * 2 * np.pi / count:
        forward = np.array([np.cos(angle), np.sin(angle), -0.3])
        forward /= np.linalg.norm(forward)
        right = np.array([np.sin(angle), -np.cos(angle), 0.0])
        pose = np.eye(4)
        pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], 1)
        pose[:3, 3] = (low + high) / 2 - (high - low) * 0.37 * [np.cos(angle), np.sin(angle), 0]
        pose[2, 3] = 1.6
        yield pose


def ours(program, folder, runs):
    """Times by name, and the answers of the last run."""
    out = subprocess.run([program, folder, str(runs + 1)], check=True, capture_output=True, text=True).stdout
    times = {re.sub(r"\d+ ", "", name): float(value) for name, value in re.findall(r"^# (.*): ([\d.]+)", out, re.M)}
    return times, [line.split() for line in out.splitlines() if not line.startswith("#")]


def cast(scene, poses):
    """Per frame: which triangle each pixel shows, and its depth along the optical axis."""
    for pose in poses:
        u, v = np.meshgrid(np.arange(WIDTH) + 0.0, np.arange(HEIGHT) + 0.0)
        rays = np.stack([(u - WIDTH / 2) / FOCAL, (v - HEIGHT / 2) / FOCAL, np.ones_like(u)], -1) @ pose[:3, :3].T
        rays = np.concatenate([np.broadcast_to(pose[:3, 3], rays.shape), rays], -1).astype(np.float32)
        hit = scene.cast_rays(open3d.core.Tensor(rays), nthreads=1)
        yield hit["primitive_ids"].numpy(), hit["t_hit"].numpy()


def seen_by_depth(points, pose, depth):
    """VLM-3R's recipe: an object's points that fall into the frame and are not behind its depth image."""
    inside = (points - pose[:3, 3]) @ pose[:3, :3]
    z = inside[:, 2]
    front = z > 0.05
    u, v = (np.round(inside[front, k] / z[front] * FOCAL + size / 2).astype(int) for k, size in ((0, WIDTH), (1, HEIGHT)))
    within = (u >= 0) & (u < WIDTH) & (v >= 0) & (v < HEIGHT)
    return int((z[front][within] <= depth[v[within], u[within]] + 0.1).sum())


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("program")
    arguments.add_argument("--scannet")
    arguments.add_argument("--frames", type=int, default=40)
    arguments.add_argument("--runs", type=int, default=3)
    options = arguments.parse_args()
    vertices, triangles, owners = scan(options.scannet) if options.scannet else room()
    poses = list(cameras(vertices, options.frames))
    print(f"# {len(vertices)} vertices, {len(triangles)} triangles, {owners.max() + 1} objects, {len(poses)} frames of {WIDTH} x {HEIGHT}")

    with tempfile.TemporaryDirectory() as folder:
        vertices.astype("<f4").tofile(f"{folder}/vertices.f32")
        triangles.astype("<i4").tofile(f"{folder}/triangles.i32")
        owners.astype("<i4").tofile(f"{folder}/owners.i32")
        np.array([[WIDTH, HEIGHT, FOCAL, FOCAL, WIDTH / 2, HEIGHT / 2, *pose.reshape(-1)] for pose in poses], "<f8").tofile(f"{folder}/frames.f64")

        scene = open3d.t.geometry.RaycastingScene(nthreads=1)
        scene.add_triangles(open3d.core.Tensor(vertices.astype(np.float32)), open3d.core.Tensor(triangles.astype(np.uint32)))
        points = [np.unique(vertices[triangles[owners == k]].reshape(-1, 3), axis=0) for k in range(owners.max() + 1)]
        used = vertices[np.unique(triangles)]
        taken = {name: [] for name in ("sightings by mesh", "sightings by depth", "surface distances", "floor area", "floor map and routes")}
        theirs = {name: [] for name in taken}
        for _ in range(options.runs):
            times, answers = ours(options.program, folder, 1)
            for name in taken:
                found = [value for key, value in times.items() if key.startswith(name)]
                taken[name].append(found[-1])

            start = time.process_time()
            visible, depths = [], []
            for primitive, depth in cast(scene, poses):
                hit = primitive[primitive != open3d.t.geometry.RaycastingScene.INVALID_ID]
                visible.append(np.bincount(owners[hit] + 1, minlength=len(points) + 1)[1:])
                depths.append(depth)
            theirs["sightings by mesh"].append(len(poses) / (time.process_time() - start))

            start = time.process_time()
            for pose, depth in zip(poses, depths):
                [seen_by_depth(of, pose, depth) for of in points]
            theirs["sightings by depth"].append(len(poses) / (time.process_time() - start))

            start = time.process_time()
            trees = [cKDTree(of) for of in points]
            apart = {(j, i): trees[j].query(points[i])[0].min() for i in range(len(points)) for j in range(i)}
            theirs["surface distances"].append((time.process_time() - start) * 1e3)

            start = time.process_time()
            cells, first = np.unique(np.floor(used[:, :2] / 0.05).astype(int), axis=0, return_index=True)
            area = alphashape.alphashape(used[np.sort(first), :2], 5.0)
            theirs["floor area"].append((time.process_time() - start) * 1e3)

    counted = {(int(a[1]), int(a[2])): int(a[3]) for a in answers if a[0] == "sighting"}
    both = [(counted.get((f, o), 0), int(px)) for f, row in enumerate(visible) for o, px in enumerate(row) if max(px, counted.get((f, o), 0)) >= 400]
    wrong = sum(abs(a - b) > max(0.01 * max(a, b), 40) for a, b in both)
    print(f"# visible pixels: {len(both)} objects in frames, {wrong} differ by more than 1 % (Open3D)")
    # The nearest vertices, and not surfaces, are what k-d trees give.
    gaps = [(float(a[3]), apart[int(a[1]), int(a[2])]) for a in answers if a[0] == "distance"]
    print(f"# surface distances: {len(gaps)}, {sum(abs(a - b) > 0.06 for a, b in gaps)} differ by more than a triangle's side (SciPy)")
    filled = sum(type(part)(part.exterior).area for part in getattr(area, "geoms", [area]))
    floor = [float(a[2]) for a in answers if a[0] == "floor"][-1]
    print(f"# floor area: {floor:.3f} m2, alphashape {filled:.3f}")

    print("| | spatialmill | Python | ours / Python | Python is |")
    print("|---|---|---|---|---|")
    kinds = {"sightings by mesh": "Open3D, visible pixels alone", "sightings by depth": "NumPy, VLM-3R's points", "surface distances": "SciPy, nearest vertices", "floor area": "alphashape"}
    for name, values in taken.items():
        mine, other = statistics.median(values), statistics.median(theirs[name]) if theirs[name] else None
        rate = name.startswith("sightings")
        unit = "frames/s" if rate else "ms"
        if other is None:
            print(f"| {name}, {unit} | {mine:.1f} | - | - | - |")
        else:
            print(f"| {name}, {unit} | {mine:.1f} | {other:.1f} | {(mine / other if rate else other / mine):.1f} | {kinds[name]} |")


if __name__ == "__main__":
    main()
