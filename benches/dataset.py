"""B4: COCO-sized annotations with 3D boxes, end to end to the rows of a dataset, against bare Arrow writers of those rows.

    cargo build --release --workspace --bin spatialmill --bench writers
    python benches/dataset.py <spatialmill> <writers> FOLDER [images]

Makes FOLDER/data/annotations/instances_train.json, 118,287 images with 860,001 objects as COCO's train2017 has them (generated:
boxes in 3D as Omni3D writes them, no photos), imports it and builds the dataset, and prints wall time, CPU time and peak
memory of both. Then <writers>, target/release/deps/writers-*, writes the same rows again from memory:
what remains when nothing is asked, worded or balanced. The ratio of the two is the price of everything else.
"""

import json
import os
import pathlib
import resource
import subprocess
import sys
import time

import numpy as np

IMAGES, OBJECTS = 118_287, 860_001
WIDTH, HEIGHT, FOCAL = 640, 480, 520.0
THINGS = """person bicycle car motorcycle bus train truck boat bench bird cat dog horse sheep cow elephant bear zebra giraffe
backpack umbrella handbag suitcase kite skateboard surfboard bottle cup fork knife spoon bowl banana apple sandwich orange
carrot pizza donut cake chair couch bed table toilet television laptop mouse remote keyboard phone microwave oven toaster sink
refrigerator book clock vase lamp desk stool shelf pillow blanket curtain mirror basket printer heater fan""".split()
LOOKS = """red blue green yellow white black grey brown pink purple orange wooden metal plastic striped dotted shiny dull old new
round square tall short dark bright clean dusty painted plain""".split()

# Some six questions of an image, in some seventeen formats each, are 12 million samples of 118,287 images.
PROJECT = """
[[source]]
name = "coco"
kind = "coco"
root = "data"
split = "train"
missing_images = "keep"
exhaustive = true

[ask]
position_facts_per_frame = 8.6
size_facts_per_frame = 12.9
existence_groups_per_frame = 0.43
counting_groups_per_frame = 0.43
min_margin_lateral = 0.25
min_margin_vertical = 0.25
max_overlap_lateral = 1.0
max_overlap_vertical = 1.0
max_overlap_depth = 1.0
max_overlap_image = 1.0
min_margin_size = 0.1
min_visibility = 0.3
min_margin_volume = 0.2

[balance]
targets = {}
"""


def main():
    spatialmill, writers, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    images = int(sys.argv[4]) if len(sys.argv) > 4 else IMAGES
    document = folder / "data/annotations/instances_train.json"
    if not document.exists():
        make_annotations(document, images)
    (folder / "mill.toml").write_text(PROJECT)
    print(f"{images} images, {document.stat().st_size / 1e6:.0f} MB of JSON, load {os.getloadavg()[0]:.1f}", flush=True)
    subprocess.run(["rm", "-rf", str(folder / "warehouse")], check=True)
    mill = [spatialmill, "--project", str(folder), "--set", "memory=\"1 GiB\""]
    total = 0.0
    for verb in ["import"], *(["build", "--no-import", "--until", table] for table in ["objects", "questions", "keep_rates", "dataset"]):
        total += measured(mill + ["--quiet"] + verb, verb[-1])
    rows = subprocess.run(mill + ["sql", "--format", "csv", "-c", "SELECT count(*) FROM dataset"], capture_output=True, text=True, check=True)
    rows = int(rows.stdout.split()[-1])
    print(f"rows {rows:,}, {rows / total / 1e3:.0f} k rows/s from JSON to the dataset")
    wrote = json.loads(subprocess.run([writers, str(folder / "warehouse/dataset")], capture_output=True, text=True, check=True).stdout)
    assert wrote["rows"] == rows, wrote
    print(f"bare writers: {wrote['seconds']:.1f} s, {wrote['bytes'] / 1e9:.2f} GB; ratio {total / wrote['seconds']:.2f}")


def measured(command, name):
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        try:
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            peak = max([peak] + [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")])
        except (FileNotFoundError, ProcessLookupError):
            pass
        time.sleep(0.05)
    wall = time.monotonic() - start
    if process.returncode:
        sys.exit(f"{name} failed")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{name:10} wall {wall:6.1f} s, CPU {cpu:6.1f} s, peak {peak / 1024:5.0f} MB", flush=True)
    return wall


def make_annotations(document, images):
    draw = np.random.default_rng(4)
    counts = np.minimum(1 + draw.exponential(6.3, images).astype(int), 90)
    # Exactly as many as COCO has, image by image one more or one less.
    wanted = round(OBJECTS * images / IMAGES)
    while counts.sum() != wanted:
        off = wanted - counts.sum()
        chosen = draw.choice(np.flatnonzero((counts > 1) & (counts < 90)), min(abs(off), images // 4), replace=False)
        counts[chosen] += np.sign(off)
    n = counts.sum()
    image = np.repeat(np.arange(images), counts)
    depth = draw.uniform(1.5, 12, n)
    lengths = draw.uniform(0.15, 1.8, (n, 3))
    centre = np.stack([draw.uniform(-0.45, 0.45, n) * depth, draw.uniform(-0.3, 0.3, n) * depth, depth + 1], axis=1)
    signs = np.array([[-1, -1, -1], [1, -1, -1], [1, 1, -1], [-1, 1, -1], [-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]])
    yaw = draw.uniform(-np.pi, np.pi, n)
    local = signs[None] * lengths[:, None] / 2
    cos, sin = np.cos(yaw)[:, None], np.sin(yaw)[:, None]
    turned = np.stack([cos * local[..., 0] + sin * local[..., 2], local[..., 1], cos * local[..., 2] - sin * local[..., 0]], axis=2)
    corners = np.round(centre[:, None] + turned, 4)
    pixels = FOCAL * corners[..., :2] / np.maximum(corners[..., 2:], 0.1) + [WIDTH / 2, HEIGHT / 2]
    low = np.clip(pixels.min(axis=1), 0, [WIDTH - 2, HEIGHT - 2])
    high = np.clip(pixels.max(axis=1), low + 1, [WIDTH, HEIGHT])
    box = np.round(np.concatenate([low, high], axis=1), 1)
    # A mask of eight corners inside the box.
    inset, (x0, y0), (x1, y1) = 0.3 * (high - low), low.T, high.T
    dx, dy = inset.T
    outline = np.stack([x0 + dx, y0, x1 - dx, y0, x1, y0 + dy, x1, y1 - dy, x1 - dx, y1, x0 + dx, y1, x0, y1 - dy, x0, y0 + dy], axis=1)
    outline = np.round(outline, 1)
    category, look = draw.integers(len(THINGS), size=n), draw.integers(len(LOOKS), size=n)
    visibility = np.round(draw.uniform(0.2, 1.0, n), 2)
    document.parent.mkdir(parents=True, exist_ok=True)
    with open(document, "w") as out:
        out.write('{"categories": ' + json.dumps([{"id": i, "name": name} for i, name in enumerate(THINGS)]))
        camera = [[FOCAL, 0, WIDTH / 2], [0, FOCAL, HEIGHT / 2], [0, 0, 1]]
        out.write(', "images": [')
        for i in range(images):
            record = {"id": i, "file_name": f"{i:012}.jpg", "width": WIDTH, "height": HEIGHT, "K": camera, "gravity": [0, 1, 0]}
            out.write((",\n" if i else "") + json.dumps(record))
        out.write('], "annotations": [')
        for i in range(n):
            record = {
                "id": i, "image_id": int(image[i]), "category_id": int(category[i]),
                "caption": f"{LOOKS[look[i]]} {THINGS[category[i]]}", "bbox2D_tight": box[i].tolist(),
                "segmentation": [outline[i].tolist()], "bbox3D_cam": corners[i].tolist(), "valid3D": True, "visibility": visibility[i], "truncation": 0.0,
            }
            out.write((",\n" if i else "") + json.dumps(record))
        out.write("]}")


if __name__ == "__main__":
    main()
