"""What models annotate in COCO's photos, through the whole pipeline, against what people annotated there.

    python tests/oracle/annotation.py spatialmill models.toml instances_val2017.json val2017 OUT \\
        --detect yolox_nano --segment sam2_tiny --depth fastdepth [--photos 20]

Makes two projects below OUT (what is there already is built on, so that a second run asks no model again):

    detector/   every photo as `images`, with the detector only
    annotated/  the first --photos photos three times: `bare` as `images`; `boxes` as `coco` whose annotations lost their
                segmentations; `whole` as `coco` with everything

and compares: detections of `bare` with COCO's boxes (found at an IoU of 0.5, under the same name); masks of `boxes`, which the
segmenter drew into COCO's own boxes, with COCO's masks; and `whole`, where no model may be asked for boxes or masks. COCO's rules for
crowds hold: what a detector finds in one is neither right nor wrong. People leave things out, too: some of what counts as wrong here is
in the photo.

Needs numpy and pycocotools. Exits with 1 where a table has what it must not have, or figures are below those of a broken pipeline.
"""

import argparse
import collections
import json
import pathlib
import shutil
import subprocess

import numpy as np
from pycocotools import mask as runs
from pycocotools.coco import COCO

SMALL, MEDIUM = 32**2, 96**2


class Project:
    def __init__(self, program, folder, sources, models, registry):
        folder.mkdir(parents=True, exist_ok=True)
        self.program, self.folder = program, folder
        toml = []
        for name, keys in sources.items():
            toml.append("\n".join(["[[source]]", f'name = "{name}"', *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]))
        toml.append("\n".join(["[models]", *(f'{key} = "{name}"' for key, name in models.items())]))
        (folder / "mill.toml").write_text("\n\n".join(toml) + "\n")
        shutil.copy(registry, folder / "models.toml")

    def build(self, *arguments):
        subprocess.run([self.program, "--project", self.folder, "build", "--quiet", *arguments], check=True, stdout=subprocess.DEVNULL)

    def rows(self, sql):
        command = [self.program, "--project", self.folder, "sql", "--quiet", "--format", "json", "-c", sql]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        return [json.loads(line) for line in printed.splitlines() if line]


def corners(box):
    return np.array([box[side] for side in ("x0", "y0", "x1", "y1")])


def bbox_corners(bbox):
    x, y, w, h = bbox
    return np.array([x, y, x + w, y + h])


def area(box):
    return max(box[2] - box[0], 0) * max(box[3] - box[1], 0)


def shared(a, b):
    return area(np.concatenate([np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])]))


def iou(a, b):
    both = shared(a, b)
    return both / (area(a) + area(b) - both)


def mask_iou(ours, theirs):
    ours = {"size": [ours["height"], ours["width"]], "counts": ours["counts"].encode()}
    return float(runs.iou([ours], [theirs], [0])[0, 0])


def match(found, people):
    """What becomes of each detection, and which annotation it found. The surest chooses first."""
    taken, fate = {}, {}
    for row in sorted(found, key=lambda row: -row["score"]):
        box, kind = corners(row["box"]), row["category"]
        real = [p for p in people if not p["iscrowd"]]
        overlaps = {p["id"]: iou(box, p["corners"]) for p in real}
        same = {p["id"]: overlaps[p["id"]] for p in real if p["name"] == kind}
        free = {id: o for id, o in same.items() if id not in taken and o >= 0.5}
        if free:
            best = max(free, key=free.get)
            taken[best] = row
            fate[row["object_id"]] = "right"
        elif any(p["iscrowd"] and p["name"] == kind and shared(box, p["corners"]) >= 0.5 * area(box) for p in people):
            fate[row["object_id"]] = "crowd"
        elif any(o >= 0.5 for o in same.values()):
            fate[row["object_id"]] = "found twice"
        elif any(o >= 0.5 for o in overlaps.values()):
            fate[row["object_id"]] = "another name"
        elif any(o >= 0.1 for o in same.values()):
            fate[row["object_id"]] = "badly placed"
        else:
            fate[row["object_id"]] = "nobody's"
    return fate, taken


def table(head, rows):
    print(head)
    for row in rows:
        print("   ", *(f"{cell:>12}" if number else f"{cell:<16}" for number, cell in enumerate(row)))


def share(part, whole):
    return f"{part / whole:.2f}" if whole else "-"


def by_photo(rows):
    photos = collections.defaultdict(list)
    for row in rows:
        photos[int(row["frame_id"].split("/")[-1])].append(row)
    return photos


def detector(rows, people, images):
    found = by_photo(rows)
    wanted, hit = collections.Counter(), collections.Counter()
    fates, named = [], collections.defaultdict(collections.Counter)
    for image in images:
        fate, taken = match(found[image], people[image])
        for p in people[image]:
            if not p["iscrowd"]:
                size = "small" if p["area"] <= SMALL else "medium" if p["area"] <= MEDIUM else "large"
                for key in (size, *([("over 32x32"), (p["name"],)] if size != "small" else [])):
                    wanted[key] += 1
                    hit[key] += p["id"] in taken
        small = {row["object_id"] for id, row in taken.items() if next(p for p in people[image] if p["id"] == id)["area"] <= SMALL}
        for row in found[image]:
            # A small thing that was found is neither right nor wrong among the larger ones.
            if area(corners(row["box"])) > SMALL and row["object_id"] not in small and fate[row["object_id"]] != "crowd":
                fates.append((row["score"], fate[row["object_id"]]))
                named[row["category"]][fate[row["object_id"]]] += 1
    table(
        "recall at IoU 0.5 (size by the area of the mask)        people    found   recall",
        [(key, wanted[key], hit[key], share(hit[key], wanted[key])) for key in ("small", "medium", "large", "over 32x32")],
    )
    kinds = ["right", "badly placed", "another name", "found twice", "nobody's"]
    rows = []
    for floor in (0.0, 0.4, 0.5, 0.6, 0.7, 0.8):
        held = collections.Counter(fate for score, fate in fates if score >= floor)
        total = sum(held.values())
        rows.append((f"score >= {floor}", total, *(held[kind] for kind in kinds), share(held["right"], total)))
    table("precision of boxes over 32x32: total, " + ", ".join(kinds) + ", precision", rows)
    rows = []
    for (name,), n in sorted((item for item in wanted.items() if isinstance(item[0], tuple)), key=lambda item: -item[1]):
        total = sum(named[name].values())
        if n >= 5:
            rows.append((name, n, share(hit[(name,)], n), total, share(named[name]["right"], total)))
    table("by category over 32x32, 5 and more: people, recall, boxes, precision", rows)
    right = sum(fate == "right" for _, fate in fates)
    return hit["over 32x32"] / wanted["over 32x32"], right / max(len(fates), 1)


def masks(title, pairs):
    """pairs: (IoU, area as people have it)."""
    rows = []
    for name, low, high in (("small", 0, SMALL), ("medium", SMALL, MEDIUM), ("large", MEDIUM, np.inf), ("all", 0, np.inf)):
        held = np.array([iou for iou, size in pairs if low < size <= high])
        if len(held):
            rows.append((name, len(held), f"{held.mean():.3f}", f"{np.median(held):.3f}", f"{(held < 0.5).mean():.2f}"))
    table(f"{title}: masks, mean IoU, median, share below 0.5", rows)
    return np.mean([iou for iou, _ in pairs])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("program", "registry", "instances", "photos", "out"):
        parser.add_argument(name, type=pathlib.Path)
    for name in ("detect", "segment", "depth"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--photos", dest="count", type=int, default=20)
    arguments = parser.parse_args()
    program, out = arguments.program.resolve(), arguments.out.resolve()

    coco = COCO(arguments.instances)
    images = [image for image in sorted(coco.imgs) if (arguments.photos / coco.imgs[image]["file_name"]).exists()]
    people = {image: [] for image in images}
    for annotation in coco.anns.values():
        if annotation["image_id"] in people:
            name = coco.cats[annotation["category_id"]]["name"]
            people[annotation["image_id"]].append(annotation | {"name": name, "corners": bbox_corners(annotation["bbox"])})
    few = [image for image in images if people[image]][: arguments.count]

    photos = out / "photos"
    for folder, chosen in (("all", images), ("few", few)):
        (photos / folder).mkdir(parents=True, exist_ok=True)
        for image in chosen:
            shutil.copy(arguments.photos / coco.imgs[image]["file_name"], photos / folder)
    document = json.loads(arguments.instances.read_text())
    document["images"] = [image for image in document["images"] if image["id"] in few]
    document["annotations"] = [a for a in document["annotations"] if a["image_id"] in few]
    (photos / "few" / "whole.json").write_text(json.dumps(document))
    for annotation in document["annotations"]:
        # A crowd is no box to be prompted with, and has nothing but its mask.
        if not annotation["iscrowd"]:
            del annotation["segmentation"]
    (photos / "few" / "boxes.json").write_text(json.dumps(document))

    every = Project(
        program,
        out / "detector",
        {"bare": {"kind": "images", "root": str(photos / "all"), "split": "train"}},
        {"detect_model": arguments.detect},
        arguments.registry,
    )
    every.build("--until", "detected")
    print(f"{len(images)} photos, detected by {arguments.detect}")
    recall, precision = detector(every.rows("SELECT * FROM detected"), people, images)

    few_root = {"root": str(photos / "few"), "split": "train"}
    annotated = Project(
        program,
        out / "annotated",
        {
            "bare": {"kind": "images", "files": "*.jpg"} | few_root,
            "boxes": {"kind": "coco", "annotations": "boxes.json", "images": "."} | few_root,
            "whole": {"kind": "coco", "annotations": "whole.json", "images": "."} | few_root,
        },
        {"detect_model": arguments.detect, "segment_model": arguments.segment, "depth_model": arguments.depth},
        arguments.registry,
    )
    annotated.build()
    print(f"\n{len(few)} photos, masks by {arguments.segment}")

    truth = {(p["image_id"], str(p["id"])): p for image in few for p in people[image] if not p["iscrowd"]}
    prompted = annotated.rows("SELECT frame_id, object_id, mask, score FROM segmented WHERE starts_with(frame_id, 'boxes/')")
    drawn = {(int(row["frame_id"].split("/")[-1]), row["object_id"]): row["mask"] for row in prompted}
    scores = {(int(row["frame_id"].split("/")[-1]), row["object_id"]): row["score"] for row in prompted}
    pairs = [(mask_iou(mask, coco.annToRLE(truth[key])), truth[key]["area"]) for key, mask in drawn.items()]
    mean = masks("in COCO's own boxes", pairs)
    rows = []
    for low, high in ((0.0, 0.5), (0.5, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 1.01)):
        held = np.array([iou for key, (iou, _) in zip(drawn, pairs) if low <= scores[key] < high])
        if len(held):
            rows.append((f"{low} - {min(high, 1.0)}", len(held), f"{held.mean():.3f}", f"{(held < 0.5).mean():.2f}"))
    table("    by the segmenter's own score: masks, mean IoU, share below 0.5", rows)
    missing = truth.keys() - drawn.keys()
    print(f"    of {len(truth)} boxes, {len(missing)} got no mask")
    worst = sorted((mask_iou(mask, coco.annToRLE(truth[key])), key) for key, mask in drawn.items() if truth[key]["area"] > SMALL)
    print("    worst over 32x32:", *(f"{truth[key]['name']} {value:.2f} ({key[0]}/{key[1]})," for value, key in worst[:8]))

    found = by_photo(
        annotated.rows(
            "SELECT d.frame_id, d.object_id, d.category, d.box, d.score, s.mask FROM detected AS d"
            " JOIN segmented AS s ON s.frame_id = d.frame_id AND s.object_id = d.object_id WHERE starts_with(d.frame_id, 'bare/')"
        )
    )
    pairs, fates = [], {}
    for image in few:
        fate, taken = match(found[image], people[image])
        fates |= {(image, row["object_id"]): (row["score"], fate[row["object_id"]]) for row in found[image]}
        pairs += [(mask_iou(row["mask"], coco.annToRLE(coco.anns[id])), coco.anns[id]["area"]) for id, row in taken.items()]
    masks("in the detector's boxes that found something", pairs)

    rows = []
    asked = annotated.rows("SELECT frame_ids[1] AS frame_id, task, object_ids FROM questions WHERE source = 'bare'")
    of_things = [[fates[int(row["frame_id"].split("/")[-1]), id] for id in row["object_ids"]] for row in asked]
    for floor in (0.0, 0.4, 0.5, 0.6, 0.7):
        held = [[fate for _, fate in things] for things in of_things if min(score for score, _ in things) >= floor]
        right = sum(all(fate in ("right", "crowd") for fate in things) for things in held)
        placed = sum(all(fate in ("right", "crowd", "badly placed", "found twice") for fate in things) for things in held)
        rows.append((f"score >= {floor}", len(held), right, share(right, len(held)), placed, share(placed, len(held))))
    table("questions about what the detector found: n, each thing found right, share, each rightly named at least, share", rows)

    print()
    sources = annotated.rows(
        "SELECT source, count(*) AS frames, sum(CASE WHEN exhaustive THEN 1 ELSE 0 END) AS exhaustive FROM frames GROUP BY source"
    )
    tables = ("cameras", "detected", "segmented", "depths", "objects", "questions")
    counts = {
        name: {
            row["source"]: row["n"]
            for row in annotated.rows(
                f"SELECT split_part({'frame_id' if name != 'questions' else 'frame_ids[1]'}, '/', 1) AS source, count(*) AS n FROM {name} GROUP BY 1"
            )
        }
        for name in tables
    }
    table(
        "rows by source: frames, exhaustive, " + ", ".join(tables),
        [
            (s["source"], s["frames"], s["exhaustive"], *(counts[name].get(s["source"], 0) for name in tables))
            for s in sorted(sources, key=lambda s: s["source"])
        ],
    )
    lost = annotated.rows("SELECT source, code, count(*) AS n FROM quarantine GROUP BY 1, 2")
    print("    quarantined:", *(f"{row['source']} {row['code']} {row['n']}" for row in lost) if lost else ("nothing",))

    assert not counts["detected"].get("whole") and not counts["segmented"].get("whole"), "models drew over what people drew"
    assert not counts["detected"].get("boxes"), "models looked for things in photos that people annotated"
    assert all(counts[name]["whole"] == len(few) for name in ("cameras", "depths")), "photos without depth"
    assert not missing, f"boxes without a mask: {sorted(missing)[:5]}"
    assert recall > 0.3 and precision > 0.5, "hardly anything is found: are boxes misplaced, or categories shifted?"
    assert mean > 0.6, "masks are off: are boxes, points or masks misplaced?"


if __name__ == "__main__":
    main()
