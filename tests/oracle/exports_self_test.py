"""Small good and bad exports of every kind: each check of exports.py must catch its fault.

    python exports_self_test.py       in each of the environments that exports.py names

A good export of each kind, written here by hand: two rows, the second with two images where the kind has those. Then the same with one
fault each, and the check must name it.
"""

import base64
import csv
import functools
import io
import itertools
import json
import pathlib
import shutil
import struct
import sys
import tarfile
import tempfile

from exports import MAX_PIXELS, MIN_PIXELS, check, digest, installed, offline, smart_resize
from PIL import Image

QUESTION, ANSWER = "Which is closer, the chair or the lamp?", "The chair."


def picture(colour="red", size=(640, 480)):
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "JPEG")
    return buffer.getvalue()


def put(folder, name, data):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())


def put_lines(folder, name, rows):
    put(folder, name, "".join(json.dumps(row) + "\n" for row in rows))


def put_manifest(folder, kind, samples, **more):
    import hashlib

    has = installed("blake3")
    files = [
        {
            "path": str(path.relative_to(folder)),
            "bytes": path.stat().st_size,
            "blake3": digest(path, "blake3") if has else hashlib.sha256().hexdigest(),
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    ]
    put(folder, "manifest.json", json.dumps({"kind": kind, "samples": samples, "files": files, **more}))


def put_images(folder):
    put(folder, "images/a.jpg", picture())
    put(folder, "images/b.jpg", picture("blue", (100, 50)))


def talk(question, answer=ANSWER):
    return [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]


def make_internvl(folder, change):
    manifest = {}
    put_images(folder)
    boxed = "<image>\nIs <ref>region</ref><box>[[0, 10, 500, 1000]]</box> closer?"
    rows = [
        {"id": "1", "image": "images/a.jpg", "width": 640, "height": 480, "conversations": talk(boxed)},
        {
            "id": "2",
            "image": ["images/a.jpg", "images/b.jpg"],
            "width": [640, 100],
            "height": [480, 50],
            "conversations": talk(f"Image-1: <image>\nImage-2: <image>\n{QUESTION}"),
        },
    ]
    meta = {
        f"mill_{at}": {
            "root": ".",
            "annotation": f"train-{at:05d}-of-00002.jsonl",
            "data_augment": False,
            "repeat_time": 1,
            "length": 1,
        }
        for at in range(2)
    }
    change({"rows": rows, "meta": meta, "folder": folder, "manifest": manifest})
    put(folder, "meta.json", json.dumps(meta))
    for at, row in enumerate(rows):
        put_lines(folder, f"train-{at:05d}-of-00002.jsonl", [row])
    put_manifest(folder, "internvl", 2, **manifest)


def make_swift(folder, change):
    manifest = {}
    put_images(folder)
    rows = [
        {
            "messages": [
                {"role": "user", "content": "<image>Find <ref-object>."},
                {"role": "assistant", "content": "<ref-object><bbox>"},
            ],
            "images": ["images/a.jpg"],
            "objects": {"ref": ["the dog", "dog"], "bbox": [[64.0, 48.5, 320.0, 240.0]], "bbox_type": "real"},
        },
        {
            "messages": [
                {"role": "user", "content": f"<image><image>{QUESTION} <bbox>"},
                {"role": "assistant", "content": ANSWER},
            ],
            "images": ["images/a.jpg", "images/b.jpg"],
            "objects": {"ref": [], "bbox": [[10.0, 10.0, 50.0, 50.0]], "bbox_type": "real", "image_id": [1]},
        },
    ]
    more = []
    change({"rows": rows, "folder": folder, "more": more, "manifest": manifest})
    for at, row in enumerate(rows):
        put_lines(folder, f"train-{at:05d}-of-00002.jsonl", [row] + (more if at else []))
    put_manifest(folder, "swift", 2 + len(more), **manifest)


def make_qwen(dialect, folder, change):
    manifest = {}
    put_images(folder)
    # Of an image of 640x480 Qwen2.5 sees 644x476.
    box = [0, 10, 644, 476] if dialect == "2.5" else [0, 10, 500, 1000]
    rows = [
        {
            "id": "1",
            "image": "images/a.jpg",
            "conversations": talk("<image>\nFind the dog.", json.dumps([{"bbox_2d": box, "label": "dog"}])),
        },
        {"id": "2", "image": ["images/a.jpg", "images/b.jpg"], "conversations": talk(f"<image>\n<image>\n{QUESTION}")},
    ]
    registry = {"mill": {"annotation_path": "train-00000-of-00001.jsonl", "data_path": "."}}
    change({"rows": rows, "registry": registry, "folder": folder, "manifest": manifest})
    put(folder, "registry.json", json.dumps(registry))
    put_lines(folder, "train-00000-of-00001.jsonl", rows)
    put_manifest(folder, "qwen", 2, dialect=dialect, **manifest)


def make_llava(folder, change):
    manifest = {}
    put_images(folder)
    rows = [
        {"id": "1", "image": "images/a.jpg", "conversations": talk(f"<image>\n{QUESTION} [0.1, 0.2, 0.5, 1.0]")},
        {"id": "2", "image": "images/b.jpg", "conversations": talk(f"<image>\n{QUESTION}") + talk("And now?", "The lamp.")},
    ]
    change({"rows": rows, "folder": folder, "manifest": manifest})
    put(folder, "train-00000-of-00001.json", json.dumps(rows))
    put_manifest(folder, "llava", 2, dialect="relative", **manifest)


def make_sharegpt(folder, change):
    manifest = {}
    put_images(folder)
    rows = [
        {
            "messages": [{"role": "user", "content": f"<image>{QUESTION}"}, {"role": "assistant", "content": ANSWER}],
            "images": ["images/a.jpg"],
        },
        {
            "messages": [{"role": "user", "content": f"<image><image>{QUESTION}"}, {"role": "assistant", "content": ANSWER}],
            "images": ["images/a.jpg", "images/b.jpg"],
        },
    ]
    tags = {
        "role_tag": "role",
        "content_tag": "content",
        "user_tag": "user",
        "assistant_tag": "assistant",
        "system_tag": "system",
    }
    entry = {
        "file_name": "train-00000-of-00001.jsonl",
        "formatting": "sharegpt",
        "columns": {"messages": "messages", "images": "images"},
        "tags": tags,
    }
    more = []
    change({"rows": rows, "entry": entry, "folder": folder, "more": more, "manifest": manifest})
    put(folder, "dataset_info.json", json.dumps({"mill": entry}))
    put_lines(folder, "train-00000-of-00001.jsonl", rows + more)
    put_manifest(folder, "sharegpt", 2 + len(more), **manifest)


TEXT = {"dtype": "string", "_type": "Value"}
FEATURES = {
    "id": TEXT,
    "images": {"feature": {"_type": "Image"}, "_type": "List"},
    "conversations": {"feature": {"from": TEXT, "value": TEXT}, "_type": "List"},
    "task": TEXT,
    "margin": {"dtype": "float64", "_type": "Value"},
}
CARD = """---
license: cc-by-4.0
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*.parquet
---
# A test
"""


def describe(shards):
    """A small Croissant description: one set of files, one set of records."""
    names = (
        "citeAs column data dataType equivalentProperty examples extract field fileProperty fileObject fileSet format includes"
    )
    names += " isLiveDataset jsonPath key md5 parentField path recordSet references regex repeated replace samplingRate separator source subField transform"
    context = {
        "@language": "en",
        "@vocab": "https://schema.org/",
        "sc": "https://schema.org/",
        "dct": "http://purl.org/dc/terms/",
    }
    context |= {
        "cr": "http://mlcommons.org/croissant/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "conformsTo": "dct:conformsTo",
    }
    context |= {name: f"cr:{name}" for name in names.split()}
    context["data"] = {"@id": "cr:data", "@type": "@json"}
    context["examples"] = {"@id": "cr:examples", "@type": "@json"}
    context["dataType"] = {"@id": "cr:dataType", "@type": "@vocab"}

    def field(name, kind, **more):
        source = {"fileSet": {"@id": "shards"}, "extract": {"column": name}, **more.pop("source", {})}
        return {"@type": "cr:Field", "@id": f"samples/{name}", "name": name, "dataType": kind, "source": source, **more}

    return {
        "@context": context,
        "@type": "sc:Dataset",
        "name": "test",
        "description": "A test.",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "url": "https://example.org/test",
        "version": "1.0.0",
        "datePublished": "2026-01-01",
        "citeAs": "none",
        "distribution": [
            {
                "@type": "cr:FileSet",
                "@id": "shards",
                "name": "shards",
                "encodingFormat": "application/x-parquet",
                "includes": "data/train-*.parquet",
            },
            *(
                {
                    "@type": "cr:FileObject",
                    "@id": name,
                    "name": name,
                    "contentUrl": name,
                    "contentSize": f"{path.stat().st_size} B",
                    "encodingFormat": "application/x-parquet",
                    "sha256": digest(path, "sha256"),
                }
                for name, path in shards.items()
            ),
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "samples",
                "name": "samples",
                "field": [
                    field("id", "sc:Text"),
                    field("images", "sc:ImageObject", repeated=True, source={"transform": {"jsonPath": "bytes"}}),
                    field("task", "sc:Text"),
                    field("margin", "sc:Float"),
                ],
            }
        ],
    }


def make_hf(folder, change):
    import pyarrow
    import pyarrow.parquet

    text = pyarrow.string()
    fields = {
        "id": text,
        "images": pyarrow.list_(pyarrow.field("element", pyarrow.struct([("bytes", pyarrow.binary()), ("path", text)]))),
        "conversations": pyarrow.list_(pyarrow.field("element", pyarrow.struct([("from", text), ("value", text)]))),
        "task": text,
        "margin": pyarrow.float64(),
    }
    image = {"a": {"bytes": picture(), "path": "a.jpg"}, "b": {"bytes": picture("blue", (100, 50)), "path": None}}
    rows = [
        {
            "id": "1",
            "images": [image["a"]],
            "conversations": talk(f"<image>\n{QUESTION} <ref>dog</ref><box>[[0, 1, 2, 1000]]</box>"),
            "task": None,
            "margin": 0.5,
        },
        {
            "id": "2",
            "images": [image["a"], image["b"]],
            "conversations": talk(f"<image>\n<image>\n{QUESTION}"),
            "task": "distance",
            "margin": 1.0,
        },
    ]
    state = {
        "rows": rows,
        "fields": [dict(fields), dict(fields)],
        "features": dict(FEATURES),
        "card": CARD,
        "folder": folder,
        "manifest": {},
        "croissant": {},
    }
    change(state)
    shards = {}
    for at, row in enumerate(rows):
        schema = pyarrow.schema(list(state["fields"][at].items()))
        if state["features"] is not None:
            schema = schema.with_metadata({"huggingface": json.dumps({"info": {"features": state["features"]}})})
        name = f"data/train-{at:05d}-of-00002.parquet"
        (folder / "data").mkdir(exist_ok=True)
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row], schema=schema), folder / name)
        shards[name] = folder / name
    put(folder, "README.md", state["card"])
    described = describe(shards)
    for key, value in state["croissant"].items():
        if value is None:
            described.pop(key)
        else:
            described[key] = value
    put(folder, "croissant.json", json.dumps(described))
    put_manifest(folder, "hf", 2, **state["manifest"])


def make_webdataset(folder, change):
    samples = [
        ("s000000000", [("jpg", picture()), ("json", {"id": "1", "conversations": talk(f"<image>\n{QUESTION}")})]),
        (
            "s000000001",
            [
                ("0.jpg", picture()),
                ("1.jpg", picture("blue", (100, 50))),
                ("json", {"id": "2", "conversations": talk(f"<image>\n<image>\n{QUESTION}")}),
            ],
        ),
    ]
    state = {
        "samples": samples,
        "counts": [1, 1],
        "shift": 0,
        "split": ["shards/train-{000000..000001}.tar"],
        "folder": folder,
        "manifest": {},
    }
    change(state)
    names = [f"shards/train-{at:06d}.tar" for at in range(2)]
    (folder / "shards").mkdir()
    for name, (key, parts) in zip(names, samples):
        with tarfile.open(folder / name, "w", format=tarfile.USTAR_FORMAT) as tar:
            for part, data in parts:
                data = data if isinstance(data, bytes) else json.dumps(data).encode()
                member = tarfile.TarInfo(f"{key}.{part}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
        with tarfile.open(folder / name) as tar:
            tar.getmembers()
            put(folder, name + ".idx", struct.pack("<2Q", state["shift"], tar.offset))
    put(
        folder, ".nv-meta/.info.json", json.dumps({"energon_version": "7.4.1", "shard_counts": dict(zip(names, state["counts"]))})
    )
    put(folder, ".nv-meta/dataset.yaml", "__module__: megatron.energon\n__class__: CrudeWebdataset\n")
    split = "".join(f"  - {pattern}\n" for pattern in state["split"])
    put(folder, ".nv-meta/split.yaml", f"split_parts:\n  train:\n{split}  val: []\n  test: []\nexclude: []\n")
    put_manifest(folder, "webdataset", 2, **state["manifest"])


def make_vlmeval(folder, change):
    manifest = {}
    a, b = (base64.b64encode(picture(*which)).decode() for which in (("red",), ("blue", (100, 50))))
    rows = [
        {
            "index": "0",
            "image": a,
            "image_path": "",
            "question": QUESTION,
            "A": "chair",
            "B": "lamp",
            "answer": "A",
            "category": "distance",
        },
        {
            "index": "1",
            "image": repr([a, b]),
            "image_path": repr(["1_0.jpg", "1_1.jpg"]),
            "question": "How many\tchairs?",
            "A": "",
            "B": "",
            "answer": "3",
            "category": "count",
        },
        {
            "index": "2",
            "image": "0",
            "image_path": "",
            "question": QUESTION,
            "A": "lamp",
            "B": "chair",
            "answer": "B",
            "category": "distance",
        },
    ]
    change({"rows": rows, "folder": folder, "manifest": manifest})
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]), delimiter="\t", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    put(folder, "mill.tsv", buffer.getvalue())
    put_manifest(folder, "vlmeval", len(rows), **manifest)


def set_in(*path):
    """A change that sets the value at the path's end: set_in("rows", 0, "id", "2")."""
    *way, last, value = path

    def change(state):
        for step in way:
            state = state[step]
        state[last] = value

    return change


def drop(*path):
    *way, last = path

    def change(state):
        for step in way:
            state = state[step]
        del state[last]

    return change


def lose(name):
    return lambda state: (state["folder"] / name).unlink()


def spoil(name):
    return lambda state: (state["folder"] / name).write_bytes(picture()[:300])


def said(row, turn, text, key="conversations", value="value"):
    return set_in("rows", row, key, turn, value, text)


def messages(row, turn, text):
    return said(row, turn, text, "messages", "content")


def long_then(extra):
    """Rows up to 11 MiB that have no `extra` column, and one that has."""

    def change(state):
        plain = {key: value for key, value in state["rows"][1].items() if key != "objects"}
        plain["messages"] = [
            {"role": "user", "content": "<image><image>" + "x" * 100_000},
            {"role": "assistant", "content": ANSWER},
        ]
        state["rows"][1].clear()
        state["rows"][1].update(plain)
        state["more"].extend([plain] * 110)
        state["more"].append(dict(plain, **extra))

    return change


def nothing(state):
    pass


def grounded(box):
    return json.dumps([{"bbox_2d": box}])


def without_images(state):
    state["manifest"]["images"] = "withheld"
    shutil.rmtree(state["folder"] / "images")


def without_bytes(state):
    state["manifest"]["images"] = "withheld"
    for row in state["rows"]:
        for image in row["images"]:
            image.update(bytes=None, path="images/a.jpg")


def without_pictures(state):
    state["manifest"]["images"] = "withheld"
    for at, (key, parts) in enumerate(state["samples"]):
        line = dict(parts[-1][1], image=[f"images/{name}" for name, _ in parts[:-1]])
        state["samples"][at] = (key, [("json", line)])


def both_shards(images):
    def change(state):
        for fields in state["fields"]:
            fields["images"] = images

    return change


def drop_box(state):
    state["rows"][0]["objects"]["bbox"].clear()


def one_more(state):
    """A third row, whose box lacks a number, behind a good one."""
    row = json.loads(json.dumps(state["rows"][0]))
    row["objects"]["bbox"] = [[1.0, 2.0, 3.0]]
    state["more"].append(row)


def reorder_tar(state):
    state["samples"][1] = ("s000000000", state["samples"][1][1])


# What the trainers' own packages do about a fault, where they are installed.
THEY_SAY = {
    ("swift", "missing-image"): "loader-error",
    ("swift", "box-order"): "loader-changed",
    ("swift", "ref-count"): "loader-changed",
    ("swift", one_more): "loader-dropped",
    ("swift", "late-type"): "loader-error",
    ("sharegpt", "placeholder-count"): "loader-error",
    ("sharegpt", "roles"): "loader-changed",
    ("sharegpt", "late-type"): "loader-error",
    ("webdataset", "broken-image"): "loader-error",
}


def cases():
    """(kind, maker, fault or None, change)."""
    box = "<image>\nIs <ref>region</ref><box>{}</box> closer?".format
    for fault, change in [
        (None, nothing),
        (None, without_images),
        ("missing-image", lose("images/b.jpg")),
        ("broken-image", spoil("images/b.jpg")),
        ("image-size", set_in("rows", 0, "width", 641)),
        ("image-size", set_in("rows", 1, "width", [640])),
        ("image-path", set_in("rows", 0, "image", "../a.jpg")),
        ("placeholder-count", said(0, 0, f"<image>\n<image>\n{QUESTION}")),
        ("placeholder-count", said(1, 0, f"<image>\n{QUESTION}")),
        ("loader-changed", said(0, 0, QUESTION)),
        ("placeholder-place", said(0, 1, "An <image>.")),
        ("reserved-token", said(0, 1, "A <|im_end|> chair.")),
        ("reserved-token", said(0, 1, "A <IMG_CONTEXT> chair.")),
        ("reserved-token", said(0, 1, "A <ref> chair.")),
        ("box-range", said(0, 0, box("[[0, 0, 500, 1001]]"))),
        ("box-order", said(0, 0, box("[[500, 0, 500, 1000]]"))),
        ("box-syntax", said(0, 0, box("[0, 0, 500, 1000]"))),
        ("box-syntax", said(0, 0, box("[[0.1, 0.1, 0.5, 0.9]]"))),
        ("roles", set_in("rows", 0, "conversations", 1, "from", "human")),
        ("roles", drop("rows", 0, "conversations", 1)),
        ("empty-text", said(0, 1, " ")),
        ("duplicate-id", set_in("rows", 1, "id", "1")),
        ("manifest-rows", set_in("meta", "mill_0", "length", 2)),
        ("loader-dropped", set_in("meta", "mill_0", "repeat_time", 0.5)),
        ("layout", set_in("meta", "mill_0", "annotation", "train-00000.json")),
        ("samples", drop("meta", "mill_1")),
    ]:
        yield "internvl", make_internvl, fault, change
    for fault, change in [
        (None, nothing),
        (None, without_images),
        ("missing-image", lose("images/b.jpg")),
        ("broken-image", spoil("images/a.jpg")),
        ("placeholder-count", messages(1, 0, f"<image>{QUESTION}")),
        ("placeholder-count", messages(1, 0, f"<image><image><image>{QUESTION}")),
        ("box-count", messages(0, 1, "<ref-object><bbox><bbox>")),
        ("box-count", drop_box),
        ("box-count", drop("rows", 0, "objects", "bbox")),
        ("box-count", set_in("rows", 1, "objects", "image_id", [2])),
        ("ref-count", set_in("rows", 0, "objects", "ref", ["dog"])),
        ("box-range", set_in("rows", 0, "objects", "bbox", [[0.0, 0.0, 641.0, 10.0]])),
        ("box-range", set_in("rows", 1, "objects", "bbox", [[10.0, 10.0, 50.0, 51.0]])),
        ("box-order", set_in("rows", 0, "objects", "bbox", [[320.0, 48.0, 64.0, 240.0]])),
        ("box-syntax", set_in("rows", 0, "objects", "bbox", [[320.0, 48.0, 64.0]])),
        ("box-syntax", one_more),
        ("reserved-token", set_in("rows", 0, "objects", "ref", ["the dog", "a <image>"])),
        ("reserved-token", messages(1, 1, "<cot-process>")),
        ("roles", set_in("rows", 1, "messages", 1, "role", "user")),
        ("late-type", long_then({"objects": {"ref": [], "bbox": []}})),
    ]:
        yield "swift", make_swift, fault, change
    for dialect in ("2.5", "3"):
        maker = functools.partial(make_qwen, dialect)
        for fault, change in [
            (None, nothing),
            (None, without_images),
            ("missing-image", lose("images/b.jpg")),
            ("placeholder-count", said(1, 0, f"<image>\n{QUESTION}")),
            ("placeholder-place", said(1, 1, "<image>")),
            ("box-range", said(0, 1, grounded([0, 0, 645, 477] if dialect == "2.5" else [0, 0, 10, 1001]))),
            ("box-order", said(0, 1, grounded([10, 0, 5, 100]))),
            ("box-syntax", said(0, 1, grounded([10, 0, 5]))),
            ("box-syntax", said(0, 1, grounded([10, 0.5, 50, 100]))),
            ("reserved-token", said(0, 1, "<|box_start|>(1,2),(3,4)<|box_end|>")),
            ("roles", set_in("rows", 0, "conversations", 0, "from", "system")),
            ("layout", set_in("rows", 1, "images", ["images/a.jpg"])),
            ("layout", set_in("registry", "a,b", {"annotation_path": "none.jsonl", "data_path": ""})),
        ]:
            yield f"qwen{dialect}", maker, fault, change
    for fault, change in [
        (None, nothing),
        (None, without_images),
        ("missing-image", lose("images/b.jpg")),
        ("placeholder-count", said(0, 0, f"<image>\n<image>\n{QUESTION}")),
        ("placeholder-count", said(1, 2, "<image>\nAnd now?")),
        ("placeholder-place", said(0, 0, f"{QUESTION}\n<image>")),
        ("box-range", said(0, 0, "<image>\nIs it [0.1, 0.1, 1.5, 0.9]?")),
        ("box-order", said(0, 0, "<image>\nIs it [0.5, 0.1, 0.5, 0.9]?")),
        ("reserved-token", said(0, 1, "A </s> chair.")),
        ("roles", set_in("rows", 1, "conversations", 2, "from", "gpt")),
        # Three questions in two records.
        ("turns", set_in("manifest", "turns", 1)),
        ("samples", set_in("manifest", "turns", 2)),
    ]:
        yield "llava", make_llava, fault, change
    for fault, change in [
        (None, nothing),
        (None, without_images),
        ("missing-image", lose("images/b.jpg")),
        ("placeholder-count", messages(0, 0, f"<image><image>{QUESTION}")),
        ("placeholder-count", messages(0, 0, QUESTION)),
        ("reserved-token", messages(0, 1, "A <video> chair.")),
        ("roles", set_in("rows", 0, "messages", 1, "role", "user")),
        ("roles", drop("rows", 0, "messages", 1)),
        ("layout", set_in("entry", "tags", {"role_tag": "role", "content_tag": "content"})),
        ("layout", set_in("entry", "file_name", "none.jsonl")),
        ("late-type", long_then({"extra": "x"})),
    ]:
        yield "sharegpt", make_sharegpt, fault, change
    if installed("pyarrow"):
        yield from hf_cases()
    for fault, change in [
        (None, nothing),
        (None, without_pictures),
        (
            "placeholder-count",
            set_in("samples", 0, 1, 1, ("json", {"id": "1", "conversations": talk(f"<image>\n<image>\n{QUESTION}")})),
        ),
        ("broken-image", set_in("samples", 0, 1, 0, ("jpg", picture()[:300]))),
        ("layout", set_in("samples", 1, 1, 1, ("2.jpg", picture()))),
        ("layout", set_in("samples", 0, 1, 1, ("txt", b"hello"))),
        ("duplicate-id", reorder_tar),
        ("energon", set_in("counts", 0, 2)),
        ("energon", set_in("shift", 512)),
        *([("energon", set_in("split", ["shards/train-000000.tar"]))] if installed("yaml") else []),
    ]:
        yield "webdataset", make_webdataset, fault, change
    for fault, change in [
        (None, nothing),
        ("missing-image", set_in("rows", 2, "image", "7")),
        ("missing-image", set_in("rows", 2, "image", "")),
        ("broken-image", set_in("rows", 0, "image", "A" * 100)),
        ("duplicate-id", set_in("rows", 2, "index", "1")),
        ("layout", set_in("rows", 0, "answer", "C")),
        ("layout", set_in("rows", 1, "image_path", "")),
        ("reserved-token", set_in("rows", 0, "question", "What is <image 1>?")),
        ("loader-dropped" if installed("pandas") else None, set_in("rows", 0, "B", "None")),
    ]:
        yield "vlmeval", make_vlmeval, fault, change


def hf_cases():
    import pyarrow

    binary = pyarrow.list_(
        pyarrow.field("element", pyarrow.struct([("bytes", pyarrow.large_binary()), ("path", pyarrow.string())]))
    )
    never_null = pyarrow.list_(
        pyarrow.field("element", pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())]), False)
    )
    for fault, change in [
        (None, nothing),
        (None, without_bytes),
        ("placeholder-count", said(0, 0, f"<image>\n<image>\n{QUESTION}")),
        ("missing-image", set_in("rows", 0, "images", 0, "bytes", None)),
        ("broken-image", set_in("rows", 0, "images", 0, "bytes", picture()[:300])),
        ("box-range", said(0, 0, "<image>\nIs it <box>[[0, 0, 10, 1001]]</box>?")),
        ("reserved-token", said(0, 1, "A <|endoftext|> chair.")),
        ("roles", set_in("rows", 0, "conversations", 0, "from", "gpt")),
        ("duplicate-id", set_in("rows", 1, "id", "1")),
        ("schema", set_in("features", None)),
        ("schema", drop("features", "margin")),
        ("schema", set_in("fields", 1, "images", binary)),
        ("schema", both_shards(binary)),
        ("schema", both_shards(never_null)),
        ("layout", set_in("card", "# no front matter\n")),
        ("loader-dropped", set_in("card", CARD.replace("train-*", "train-00000-*"))),
        ("croissant", set_in("croissant", "distribution", [])),
        ("croissant", set_in("croissant", "recordSet", [{"column": "none"}])),
    ]:
        yield "hf", make_hf, fault, change


def self_test():
    passed, failed, lines = 0, 0, []

    def expect(name, holds, detail=""):
        nonlocal passed, failed
        passed, failed = passed + bool(holds), failed + (not holds)
        if not holds:
            lines.append(f"FAILED {name}: {detail}")

    for size, seen in [
        ((640, 480), (644, 476)),
        ((100, 50), (112, 56)),
        ((10, 10), (56, 56)),
        ((28, 28), (56, 56)),
        ((8000, 6000), (4116, 3080)),
    ]:
        expect(f"smart_resize {size}", smart_resize(*size) == seen, smart_resize(*size))
    if installed("qwen_vl_utils"):
        from qwen_vl_utils.vision_process import smart_resize as theirs

        for width, height in itertools.product(range(59, 9000, 613), repeat=2):
            want = theirs(height, width, 28, min_pixels=MIN_PIXELS, max_pixels=MAX_PIXELS)[::-1]
            expect(f"smart_resize {width}x{height}", smart_resize(width, height) == want, want)
    used = set()
    for number, (kind, make, fault, change) in enumerate(cases()):
        for loaders in (True, False):
            with tempfile.TemporaryDirectory() as folder:
                folder = pathlib.Path(folder)
                make(folder, change)
                samples = json.loads((folder / "manifest.json").read_text())["samples"]
                _, report = check(folder, loaders)
            used |= set(report.loaders)
            if fault is None:
                expect(f"{kind} good, loaders {loaders}", not report.faults and report.counts["rows"] == samples, report.first)
            elif fault == "loader-dropped" and kind == "vlmeval" and not loaders:
                continue  # only pandas itself knows what it takes for empty
            else:
                expect(f"{kind} {number} {fault}, loaders {loaders}", fault in report.faults, report.first)
                says = THEY_SAY.get((kind, change)) or THEY_SAY.get((kind, fault))
                if says and report.loaders:
                    expect(f"{kind} {number}: {report.loaders}", says in report.faults, report.first)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        make_internvl(folder, nothing)
        listed = (folder / "images/b.jpg").read_bytes()
        for fault, name, data in [
            ("manifest-bytes", "images/b.jpg", listed + b"x"),
            ("manifest-hash" if installed("blake3") else None, "images/b.jpg", listed[:-1] + b"x"),
            ("manifest-file", "train-00009-of-00002.jsonl", b""),
        ]:
            put(folder, name, data)
            faults = check(folder, False)[1].faults
            expect(f"manifest: {fault}", fault is None or fault in faults, faults)
        (folder / "images/b.jpg").unlink()
        expect("manifest: missing file", "manifest-file" in check(folder, False)[1].faults)
    lines.append(f"loaders: {', '.join(sorted(used)) or 'none, only the rules'}")
    return passed, failed, lines


if __name__ == "__main__":
    with offline():
        passed, failed, lines = self_test()
    print(*lines, f"{passed} passed, {failed} failed", sep="\n")
    sys.exit(1 if failed else 0)
