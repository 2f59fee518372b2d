"""Masks against pycocotools: strings, areas, boxes and, bit for bit, polygons.

    cargo build -p spatialmill-geometry --example masks
    python tests/oracle/mask.py target/debug/examples/masks [instances.json ...]

Draws random polygons (small, large, spilling over the border, with doubled corners and integer corners) and random
masks from a fixed seed, adds every annotation of the COCO files named, asks the example, and prints the differences.
"""

import json
import random
import subprocess
import sys

import numpy as np
from pycocotools import mask as coco


def expected(rles):
    merged = rles[0] if len(rles) == 1 else coco.merge(rles)
    bits = coco.decode(merged)
    # Encoded anew, because merge and frPyObjects may leave empty runs.
    canonical = coco.encode(np.asfortranarray(bits))
    x, y, w, h = coco.toBbox(canonical)
    return [canonical["counts"].decode(), int(coco.area(canonical)), x, y, x + w, y + h]


def random_polygon(draw, height, width):
    kind = draw.randrange(6)
    corners = draw.randrange(3, 40)
    points = [(draw.uniform(0, width), draw.uniform(0, height)) for _ in range(corners)]
    if kind == 1:
        points = [(draw.uniform(-width, 2 * width), draw.uniform(-height, 2 * height)) for _ in range(corners)]
    elif kind == 2:
        points = [(round(x), round(y)) for x, y in points]
    elif kind == 3:
        points = [p for p in points for _ in range(2)]
    elif kind == 4:
        points = [(round(x * 2) / 2, round(y * 10) / 10) for x, y in points]
    elif kind == 5:
        cx, cy, size = draw.uniform(-3, width + 3), draw.uniform(-3, height + 3), draw.uniform(0, 6)
        points = [(cx + draw.uniform(-size, size), cy + draw.uniform(-size, size)) for _ in range(corners)]
    return [number for point in points for number in point]


def questions(paths):
    draw = random.Random(20)
    for _ in range(20_000):
        height, width = draw.randrange(1, 80), draw.randrange(1, 80)
        polygons = [random_polygon(draw, height, width) for _ in range(draw.choice([1, 1, 2, 3]))]
        yield "polygons", height, width, polygons
    for _ in range(5_000):
        height, width = draw.randrange(1, 90), draw.randrange(1, 90)
        noise = np.random.default_rng(draw.randrange(1 << 30)).random((height, width)) < draw.random()
        yield "counts", height, width, coco.encode(np.asfortranarray(noise.astype(np.uint8)))
    for path in paths:
        with open(path) as file:
            instances = json.load(file)
        sizes = {image["id"]: (image["height"], image["width"]) for image in instances["images"]}
        for annotation in instances["annotations"]:
            height, width = sizes[annotation["image_id"]]
            if isinstance(annotation["segmentation"], list):
                yield "polygons", height, width, annotation["segmentation"]
            else:
                yield "counts", height, width, coco.frPyObjects(annotation["segmentation"], height, width)


def main():
    program, *paths = sys.argv[1:]
    lines, answers = [], []
    for question, height, width, what in questions(paths):
        if question == "polygons":
            words = " ".join(",".join(repr(float(number)) for number in polygon) for polygon in what)
            answers.append(expected(coco.frPyObjects(what, height, width)))
        else:
            words = what["counts"].decode()
            answers.append(expected([what]))
        lines.append(f"{question} {height} {width} {words}")
    reply = subprocess.run([program], input="\n".join(lines), capture_output=True, text=True, check=True)
    replies = reply.stdout.splitlines()
    assert len(replies) == len(lines), (len(replies), len(lines))
    wrong = 0
    for line, reply, answer in zip(lines, replies, answers):
        counts, *numbers = reply.rsplit(" ", 5)
        if [counts, *map(float, numbers)] != answer:
            wrong += 1
            if wrong <= 5:
                print(f"asked    {line[:300]}\nexpected {answer}\ngot      {reply[:300]}\n")
    print(f"{len(lines)} masks, {wrong} differ")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
