"""Draws some of a project's questions on their photos, to be judged by eye: would a person agree with thing, name and answer?

    python tests/oracle/questions_look.py spatialmill PROJECT OUT [--count 24]

Which ones is drawn by the hash of their ids, so that it is the same ones every time. Prints each with what is known of its things, and
writes sheets of six to OUT/<n>.png: the subject is red, the object green, what is counted blue. Photos must be local files.

Needs numpy, pillow and pycocotools.
"""

import argparse
import hashlib
import io
import json
import pathlib
import subprocess
import urllib.parse

import numpy as np
from PIL import Image, ImageDraw
from pycocotools import mask as runs

COLOURS = [(255, 0, 0), (0, 200, 0)] + [(0, 140, 255)] * 100
SIDE = 480

QUESTIONS = """
    SELECT q.question_id, q.frame_ids[1] AS frame_id, q.task, q.relation, q.answer_form, q.object_ids, q.answer, q.options, q.margin, f.uri
    FROM questions AS q JOIN frames AS f ON f.frame_id = q.frame_ids[1]
"""
THINGS = """
    SELECT o.frame_id, o.object_id, o.category, o.centre, o.extent, o.nearest, o.box, o.visibility, o.lift_quality, d.mask, d.score
    FROM objects AS o JOIN objects_2d AS d ON d.frame_id = o.frame_id AND d.object_id = o.object_id
"""


def photo(uri):
    parts = urllib.parse.urlsplit(uri)
    options = dict(urllib.parse.parse_qsl(parts.fragment))
    if parts.scheme not in ("", "file") or "column" in options:
        raise SystemExit(f"{uri} is not a local file")
    data = pathlib.Path(urllib.parse.unquote(parts.path)).read_bytes()
    if "bytes" in options:
        start, end = (int(number) for number in options["bytes"].split("-"))
        data = data[start : end + 1]
    turns = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
    image = Image.open(io.BytesIO(data)).convert("RGB")
    turned = int(options.get("turned", 1))
    return image.transpose(turns[turned]) if turned in turns else image


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("program", "project", "out"):
        parser.add_argument(name, type=pathlib.Path)
    parser.add_argument("--count", type=int, default=24)
    arguments = parser.parse_args()

    def rows(sql):
        command = [arguments.program, "--project", arguments.project, "sql", "--quiet", "--format", "json", "-c", sql]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        return [json.loads(line) for line in printed.splitlines() if line]

    things = {(row["frame_id"], row["object_id"]): row for row in rows(THINGS)}
    questions = sorted(rows(QUESTIONS), key=lambda row: hashlib.sha256(row["question_id"].encode()).digest())[: arguments.count]
    questions.sort(key=lambda row: row["frame_id"])
    assert questions, "the project has no questions"
    tiles = []
    for number, question in enumerate(questions):
        image = photo(question["uri"])
        said = [question[name] for name in ("task", "relation", "answer_form")]
        print(number, question["frame_id"], *said, "->", question["answer"], question.get("options") or "", f"margin {question['margin']:.2f}")
        for id, colour in zip(question["object_ids"], COLOURS):
            thing = things[question["frame_id"], id]
            if thing.get("mask"):
                mask = runs.decode({"size": [thing["mask"]["height"], thing["mask"]["width"]], "counts": thing["mask"]["counts"].encode()})
                image.paste(Image.new("RGB", image.size, colour), mask=Image.fromarray((mask * 70).astype(np.uint8)))
            box = [thing["box"][side] for side in ("x0", "y0", "x1", "y1")]
            pen = ImageDraw.Draw(image)
            pen.rectangle(box, outline=colour, width=3)
            pen.text((box[0] + 4, box[1] + 4), thing["category"], fill=colour)
            places = [", ".join(f"{thing[name][axis]:.2f}" for axis in "xyz") for name in ("centre", "extent")]
            print(f"      {id} {thing['category']}, score {thing.get('score') or 1:.2f}, at {places[0]}, measures {places[1]},"
                  f" visibility {thing['visibility']:.2f}, quality {thing['lift_quality']:.2f}")  # fmt: skip
        image.thumbnail((SIDE, SIDE)) if max(image.size) > SIDE else None
        tile = Image.new("RGB", (SIDE + 10, SIDE + 20), "white")
        tile.paste(image)
        ImageDraw.Draw(tile).text((4, SIDE + 4), f"{number} {question['frame_id']} {' '.join(said)} -> {question['answer']}", fill="black")
        tiles.append(tile)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for first in range(0, len(tiles), 6):
        sheet = Image.new("RGB", (3 * (SIDE + 10), 2 * (SIDE + 20)), "white")
        for at, tile in enumerate(tiles[first : first + 6]):
            sheet.paste(tile, (at % 3 * tile.width, at // 3 * tile.height))
        sheet.save(arguments.out / f"{first // 6}.png")


if __name__ == "__main__":
    main()
