#!/usr/bin/env python3
"""Many shards: what a build costs that has little to do in each of them.

The case: a shard costs what its rows cost, however many other shards there are, and a build that changes nothing costs next to nothing.
Scenes of the kind `rgbd` are written (a photo, its depth and its instances, a few kilobytes each), and every step is timed: the first import
and build, a build that changes nothing, a build after one scene changed, and one more that changes nothing. Wall-clock and CPU seconds and the
peak of resident memory of each step; with --bucket, how many requests of each kind a server on loopback gets.

    pip install numpy pillow            # and for --bucket: boto3 moto[server]
    python benches/scale.py <spatialmill executable> <empty folder> --scenes 5000 --frames 1
    python benches/scale.py <spatialmill executable> <empty folder> --scenes 20000 --frames 5
    python benches/scale.py <spatialmill executable> <empty folder> --scenes 20 --frames 2 --bucket

The folder keeps the scenes (a second run with another executable uses them) and takes the warehouse, which is made anew.
"""

import argparse
import collections
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time

import numpy as np
from PIL import Image

CATEGORIES = ["chair", "table", "lamp", "sofa", "bed", "desk", "shelf", "cabinet", "stool", "bin", "plant", "box"]
WIDTH, HEIGHT = 160, 120


def png(array):
    out = io.BytesIO()
    Image.fromarray(array).save(out, "PNG")
    return out.getvalue()


def write_frame(scene, name, dice):
    """A wall and up to eight upright rectangles before it, side by side, each at a distance of its own."""
    depth = np.full((HEIGHT, WIDTH), 4000, np.uint16)
    instance = np.zeros((HEIGHT, WIDTH), np.uint8)
    colour = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
    names = {}
    for place, category in enumerate(dice.choice(CATEGORIES, 6, replace=False), start=1):
        left, top = 4 + (place - 1) * 26, int(dice.integers(10, 60))
        box = (slice(top, top + int(dice.integers(20, 50))), slice(left, left + int(dice.integers(10, 22))))
        depth[box] = dice.integers(1000, 3500)
        instance[box] = place
        colour[box] = dice.integers(0, 255, 3)
        names[str(place)] = str(category)
    for folder, data in [("color", png(colour)), ("depth", png(depth)), ("instance", png(instance))]:
        (scene / folder).mkdir(exist_ok=True)
        (scene / folder / f"{name}.png").write_bytes(data)
    (scene / "instance" / f"{name}.json").write_text(json.dumps(names))


def write_scene(root, number, frames, seed):
    scene = root / f"s{number:06}"
    scene.mkdir(parents=True, exist_ok=True)
    dice = np.random.default_rng([seed, number])
    (scene / "intrinsics.txt").write_text("140 140 79.5 59.5\n")
    (scene / "gravity.txt").write_text("0 1 0\n")
    for frame in range(frames):
        write_frame(scene, f"{frame:04}", dice)


def project(folder, warehouse):
    (folder / "mill.toml").write_text(
        f'[warehouse]\nurl = "{warehouse}"\n\n[[source]]\nname = "scenes"\nkind = "rgbd"\nroot = "scenes"\nexhaustive = true\n'
    )


def timed(command, **options):
    """Wall-clock and CPU seconds and peak memory (MB) of a command that must succeed."""
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)
    messages = []
    reader = threading.Thread(target=lambda: messages.append(process.stderr.read()))
    reader.start()
    _, status, usage = os.wait4(process.pid, 0)
    reader.join()
    if status != 0:
        sys.exit(f"{command}: {messages[0].decode()[-2000:]}")
    return time.monotonic() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


class Bucket:
    """An S3 server on loopback that counts requests by kind."""

    def __init__(self):
        import logging

        import boto3
        from moto.server import ThreadedMotoServer

        self.requests = collections.Counter()
        bucket = self

        class Count(logging.Handler):
            def emit(self, record):
                found = re.search(r'"(GET|PUT|POST|DELETE|HEAD) (\S+)', record.getMessage())
                if found:
                    method, path = found.groups()
                    listing = method == "GET" and "list-type" in path
                    bucket.requests["LIST" if listing else method] += 1

        log = logging.getLogger("werkzeug")
        log.handlers, log.propagate = [Count()], False
        log.setLevel(logging.INFO)
        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=True)
        self.server.start()
        host, port = self.server.get_host_and_port()
        self.environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ENDPOINT": f"http://{host}:{port}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_REGION": "us-east-1",
        }
        boto3.client(
            "s3",
            endpoint_url=f"http://{host}:{port}",
            aws_access_key_id="x",
            aws_secret_access_key="x",
            region_name="us-east-1",
        ).create_bucket(Bucket="mill")
        self.requests.clear()

    def taken(self):
        requests = dict(self.requests)
        self.requests.clear()
        return requests


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("executable", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--scenes", type=int, default=5000)
    parser.add_argument("--frames", type=int, default=1)
    parser.add_argument("--bucket", action="store_true", help="the warehouse is a bucket on loopback; requests are counted")
    parser.add_argument("--commits", type=int, default=0, help="builds with one changed scene each, before the last step")
    arguments = parser.parse_args()
    folder, executable = arguments.folder.resolve(), arguments.executable.resolve()
    scenes = folder / "scenes"
    begun = time.monotonic()
    for number in range(arguments.scenes):
        if not (scenes / f"s{number:06}" / "gravity.txt").exists() or number == 0:
            write_scene(scenes, number, arguments.frames, seed=0)
    print(f"# {arguments.scenes} scenes of {arguments.frames} frames, written in {time.monotonic() - begun:.0f} s", file=sys.stderr)
    shutil.rmtree(folder / "warehouse", ignore_errors=True)
    bucket = Bucket() if arguments.bucket else None
    project(folder, "s3://mill/warehouse" if bucket else "warehouse")
    options = {"cwd": folder, "env": bucket.environment} if bucket else {"cwd": folder}

    print("| step | wall, s | CPU, s | peak memory, MB |" + (" requests |" if bucket else ""))
    print("|---|---|---|---|" + ("---|" if bucket else ""))

    def step(name, *verb):
        wall, cpu, memory = timed([executable, *verb], **options)
        row = f"| {name} | {wall:.1f} | {cpu:.1f} | {memory:.0f} |"
        if bucket:
            requests = bucket.taken()
            row += f" {sum(requests.values())}: " + ", ".join(f"{n} {kind}" for kind, n in sorted(requests.items())) + " |"
        print(row, flush=True)

    step("import", "import")
    step("build", "build")
    step("nothing changed", "build")
    for seed in range(arguments.commits):
        write_scene(scenes, 0, arguments.frames, seed=seed + 2)
        timed([executable, "build"], **options)
    if bucket:
        bucket.taken()
    write_scene(scenes, 0, arguments.frames, seed=1)
    step("one scene changed", "build")
    step("nothing changed" + (f", {arguments.commits} builds later" if arguments.commits else ""), "build")


if __name__ == "__main__":
    main()
