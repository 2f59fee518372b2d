"""Compares imported COCO detections with what pycocotools reads from the same files: every mask run for run, every box,
category and crowd mark, and that rows and quarantine together are all annotations.

    spatialmill --project DIR sql --format json -c "SELECT * FROM detections WHERE frame_id LIKE 'NAME/%'" > detections.jsonl
    spatialmill --project DIR sql --format json -c "SELECT * FROM quarantine WHERE source = 'NAME'" > quarantine.jsonl
    python tests/oracle/coco_detections.py detections.jsonl quarantine.jsonl instances_val2017.json ...

Needs pycocotools.
"""

import json
import pathlib
import sys

from pycocotools.coco import COCO


def rows(path):
    text = pathlib.Path(path).read_text()
    return json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in text.splitlines() if line]


def main():
    detections, quarantine, *documents = sys.argv[1:]
    detections = {(row["frame_id"].split("/")[-1], row["object_id"]): row for row in rows(detections)}
    refused = {row["key"] for row in rows(quarantine)}
    same = 0
    for path in documents:
        coco = COCO(path)
        for annotation in coco.anns.values():
            image, object_id = str(annotation["image_id"]), str(annotation["id"])
            row = detections.pop((image, object_id), None)
            if row is None:
                assert f"{image}/{object_id}" in refused, f"{image}/{object_id} is neither a row nor quarantined"
                continue
            x, y, w, h = annotation["bbox"]
            corners = [row["box"][name] for name in ("x0", "y0", "x1", "y1")]
            assert max(abs(a - b) for a, b in zip(corners, (x, y, x + w, y + h))) <= 2, (annotation["bbox"], corners)
            assert row["category"] == coco.cats[annotation["category_id"]]["name"], row
            assert row["crowd"] == bool(annotation["iscrowd"]), row
            counts = coco.annToRLE(annotation)["counts"]
            assert row["mask"]["counts"] == counts.decode(), f"{image}/{object_id}: another mask"
            same += 1
    assert not detections, f"rows without an annotation: {sorted(detections)[:5]}"
    print(f"{same} detections are the same, {len(refused)} keys are quarantined")


if __name__ == "__main__":
    main()
