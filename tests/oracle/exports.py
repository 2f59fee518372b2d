"""Loads a whole export as its trainer would, and checks every row of it.

    python exports.py FOLDER          one export: a folder with a manifest.json
    python exports.py --rule FOLDER   the same by the published rules only, without any trainer's package
    python exports.py --render 100 FOLDER   of kind swift, only so many rows through the models' templates (5 ms each), not all

Where the trainer's own package can be imported, the rows go through it (A to C below; they need different versions of `datasets`,
so each has an environment of its own). Where it can't, and for the trainers that are no packages (InternVL, Qwen-VL's fine-tuning,
LLaVA, VLMEvalKit), their published rule is followed here.

    all kinds        pip install pillow pyyaml blake3 pandas
    A: hf            and "datasets==5.2.0" "mlcroissant==1.1.1"
       webdataset    and "webdataset==1.0.2" "megatron-energon==7.4.1"    (Energon brings torch, and may be left out)
    B: swift         and "ms-swift==4.6.0" torchvision qwen-vl-utils
    C: sharegpt      and "llamafactory==0.9.5" "torch==2.11.0" "torchaudio==2.11.0" torchvision

manifest.json: {"kind", "samples", "files": [{"path", "bytes", "blake3", "rows"?}], and where they apply "turns" (how many samples a
record holds at most, in the turns of one conversation: rows are fewer than samples), "images": "withheld" (only annotations are there), "dialect" (how a text writes boxes, one of BOXES below),
"min_pixels" and "max_pixels" (of Qwen2.5's resizing)}.

Of each row: as many images as `<image>`, and those only in the questions; each image is there, is whole and has the size that the row
gives; boxes are in range and ordered; nothing that a trainer would take for a control word; the roles alternate; and what the loader
hands on is what the file says. Standard output has one line of JSON with the counts, standard error the first ten failures; the exit
status is 0 only without any. No network is used.
"""

import argparse
import ast
import base64
import collections
import contextlib
import csv
import dataclasses
import functools
import importlib.metadata
import importlib.util
import io
import itertools
import json
import math
import os
import pathlib
import re
import shutil
import sqlite3
import struct
import sys
import tarfile
import tempfile
import types

from PIL import Image

SHOWN = 10
# `datasets` reads a JSON file in pieces of this size and takes the types of the columns from the first.
PIECE = 10 << 20
# What Qwen2.5-VL's image processor is shipped with.
FACTOR, MIN_PIXELS, MAX_PIXELS = 28, 4 * 28 * 28, 16384 * 28 * 28


# ---------------------------------------------------------------------------------------------------------- what is found


class Report:
    """Counts, and failures by the name of their fault."""

    def __init__(self):
        self.counts = collections.Counter(rows=0, images=0, boxes=0)
        self.faults = collections.Counter()
        self.first = []
        self.loaders = []
        self.loaded = collections.Counter()
        self.skipped = []

    def fail(self, fault, where, detail):
        self.faults[fault] += 1
        if len(self.first) < SHOWN:
            self.first.append(f"{where}: {fault}: {str(detail)[:300]}")

    def skip(self, what):
        if what not in self.skipped:
            self.skipped.append(what)

    def line(self, kind):
        return json.dumps(
            {
                "kind": kind,
                "ok": not self.faults,
                "loader": self.loaders or ["rule"],
                "loaded": dict(self.loaded),
                **self.counts,
                "failures": sum(self.faults.values()),
                "faults": dict(self.faults),
                "skipped": self.skipped,
            }
        )


@dataclasses.dataclass
class Row:
    where: str
    id: object
    turns: list  # (role, text); a role is human, gpt or system
    images: list  # paths below the export's folder
    sizes: list = None  # (width, height) of each image, where the row says it or the images are already open


class Export:
    """The folder, its manifest and its images, each opened once."""

    def __init__(self, folder, manifest, kind):
        self.folder, self.manifest, self.kind = folder, manifest, kind
        self.withheld = manifest.get("images") == "withheld"
        self.use_loaders, self.render = True, None

    def has(self, module):
        return self.use_loaders and installed(module)

    def path(self, name):
        return pathlib.Path(name) if os.path.isabs(name) else self.folder / name

    def below(self, path):
        return os.path.relpath(path, self.folder)

    @functools.lru_cache(maxsize=200_000)
    def image_size(self, name):
        """Of an image that decodes to its last pixel; otherwise the exception is the answer."""
        try:
            with Image.open(self.path(name)) as image:
                image.load()
                return image.size
        except Exception as error:
            return error


def installed(module):
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # not even the package that it is in
        return False


def distribution(name):
    return f"{name} {importlib.metadata.version(name)}"


# ------------------------------------------------------------------------------------------------------ what all rows obey

# Anything of the shape of a tag or control token is one, known or not: trainers add new ones.
CONTROL = re.compile(r"<\|[^<>|]{1,64}\|>|</?[A-Za-z][\w-]*(?: \d+)?>|<</?SYS>>|\[/?INST\]")
REF = re.compile(r"<ref>([^<>]+)</ref>")
BOX = re.compile(r"<box>([^<>]*)</box>")
BRACKET = re.compile(r"\[([^\[\]]*)\]")
NUMBER = re.compile(r"\s*-?\d+(?:\.\d+)?\s*")

# How a text writes its boxes: within tags or as bare brackets, whole numbers or not, and up to which bound.
BOXES = {
    "internvl": ("tags", True, 1000),  # <ref>red chair</ref><box>[[x1, y1, x2, y2]]</box>
    "qwen3": ("brackets", True, 1000),  # "bbox_2d": [x1, y1, x2, y2]
    "qwen2.5": ("brackets", True, "resized"),
    "relative": ("brackets", False, 1),
    "pixels": ("brackets", False, "pixels"),
    "swift": ("nothing", False, None),
}


def smart_resize(width, height, factor=FACTOR, min_pixels=MIN_PIXELS, max_pixels=MAX_PIXELS):
    """The size that Qwen2.5-VL sees: sides that are multiples of `factor`, an area within the bounds, the shape kept."""
    if max(width, height) > 200 * min(width, height):
        raise ValueError(f"{width}x{height} is longer than 200:1")
    sides = [max(factor, round(side / factor) * factor) for side in (width, height)]
    area = sides[0] * sides[1]
    if area > max_pixels:
        shrink = math.sqrt(width * height / max_pixels)
        sides = [max(factor, math.floor(side / shrink / factor) * factor) for side in (width, height)]
    elif area < min_pixels:
        grow = math.sqrt(min_pixels / (width * height))
        sides = [math.ceil(side * grow / factor) * factor for side in (width, height)]
    return tuple(sides)


def written_boxes(text, form):
    """The boxes of a text, what is left of it, and what could not be read."""
    boxes, broken = [], []
    if form == "tags":
        for inner in BOX.findall(text):
            try:
                found = json.loads(inner)
                assert found and all(len(box) == 4 for box in found)
                boxes.extend(found)
            except (ValueError, TypeError, AssertionError):
                broken.append(inner)
        return boxes, REF.sub(r"\1", BOX.sub("", text)), broken
    if form == "brackets":
        for match in BRACKET.finditer(text):
            parts = match.group(1).split(",")
            numeric = all(NUMBER.fullmatch(part) for part in parts)
            if numeric and len(parts) == 4:
                boxes.append([json.loads(part) for part in parts])
            elif re.search(r'"bbox_2d"\s*:\s*\[?$', text[: match.start()]):
                broken.append(match.group(0))
        if text.count('"bbox_2d"') > len(boxes) + len(broken):
            broken.append("a bbox_2d without its numbers")
    return boxes, text, broken


def check_box(report, where, box, whole, right, bottom):
    if any(isinstance(side, bool) or not isinstance(side, (int, float)) or not math.isfinite(side) for side in box):
        return report.fail("box-syntax", where, box)
    x1, y1, x2, y2 = box
    if whole and any(not isinstance(side, int) for side in box):
        report.fail("box-syntax", where, f"{box} has fractions")
    if not (0 <= min(box) and max(x1, x2) <= right and max(y1, y2) <= bottom):
        report.fail("box-range", where, f"{box} is not within {right} x {bottom}")
    if not (x1 < x2 and y1 < y2):
        report.fail("box-order", where, box)


def box_bounds(export, limit, sizes):
    """The right and lower bound that a box of this row may reach; None where the images are not there to say it."""
    if limit in ("pixels", "resized"):
        if not sizes:
            return None
        if limit == "resized":
            bounds = {key: export.manifest[key] for key in ("min_pixels", "max_pixels") if key in export.manifest}
            sizes = [smart_resize(*size, **bounds) for size in sizes]
        # A text does not say which image its box is of, so with several it must fit one of them.
        return max(width for width, _ in sizes), max(height for _, height in sizes)
    return limit, limit


def check_images(export, report, row):
    """Returns the sizes, or None where an image is missing or withheld."""
    if export.withheld:
        return row.sizes
    sizes = []
    for at, name in enumerate(row.images):
        if not isinstance(name, str) or os.path.isabs(name) or ".." in pathlib.PurePosixPath(name).parts:
            report.fail("image-path", row.where, name)
            continue
        size = export.image_size(name)
        if isinstance(size, FileNotFoundError):
            report.fail("missing-image", row.where, name)
        elif isinstance(size, Exception):
            report.fail("broken-image", row.where, f"{name}: {size}")
        else:
            sizes.append(size)
            if row.sizes and at < len(row.sizes) and tuple(row.sizes[at]) != size:
                report.fail("image-size", row.where, f"{name} is {size}, the row says {row.sizes[at]}")
    if row.sizes and len(row.sizes) != len(row.images):
        report.fail("image-size", row.where, f"{len(row.sizes)} sizes of {len(row.images)} images")
    return sizes if len(sizes) == len(row.images) else None


def check_roles(report, where, turns):
    roles = [role for role, _ in turns]
    if roles[:1] == ["system"]:
        roles = roles[1:]
    if not roles or len(roles) % 2 or roles != ["human", "gpt"] * (len(roles) // 2):
        report.fail("roles", where, roles)
    for role, text in turns:
        if not isinstance(text, str) or not text.strip():
            report.fail("empty-text", where, f"{role}: {text!r}")


def check_row(export, report, row, seen, boxes, placeholders=("<image>",), opened=False):
    """What holds for a row of any kind. `seen` collects the ids; `boxes` is a key of BOXES."""
    report.counts["rows"] += 1
    report.counts["images"] += len(row.images)
    if row.id is None or row.id in seen:
        report.fail("duplicate-id", row.where, row.id)
    seen.add(row.id)
    check_roles(report, row.where, row.turns)
    sizes = row.sizes if opened else check_images(export, report, row)

    pairs = sum(role == "human" for role, _ in row.turns)
    report.counts["asked"] += pairs
    if pairs > export.manifest.get("turns", pairs):
        report.fail("turns", row.where, f"{pairs} questions, the manifest says {export.manifest['turns']}")
    for role, text in row.turns[2:]:
        if isinstance(text, str) and "<image>" in text:
            report.fail("placeholder-place", row.where, "<image> behind the first turn")
    asked = sum(text.count("<image>") for role, text in row.turns if isinstance(text, str))
    if asked != len(row.images):
        report.fail("placeholder-count", row.where, f"{asked} <image> for {len(row.images)} images")
    form, whole, limit = BOXES[boxes]
    for role, text in row.turns:
        if not isinstance(text, str):
            continue
        if role != "human" and "<image>" in text:
            report.fail("placeholder-place", row.where, f"<image> in the turn of {role}")
        found, rest, broken = written_boxes(text, form)
        for what in broken:
            report.fail("box-syntax", row.where, what)
        report.counts["boxes"] += len(found)
        bounds = box_bounds(export, limit, sizes) if found else None
        if found and bounds is None:
            report.skip("ranges of boxes in pixels, without images")
        else:
            for box in found:
                check_box(report, row.where, box, whole, *bounds)
        for token in CONTROL.findall(rest):
            if token not in placeholders:
                report.fail("reserved-token", row.where, token)


def conversation(turns):
    return [(turn.get("from"), turn.get("value")) for turn in turns]


def as_list(value):
    return [] if value is None or value == "" else [value] if not isinstance(value, list) else value


def json_lines(export, report, path):
    """(where, row) of a JSON Lines file; a line that is no object is a failure."""
    name = export.below(path)
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                row = json.loads(line)
                assert isinstance(row, dict), "not an object"
            except (ValueError, AssertionError) as error:
                report.fail("layout", f"{name}:{number}", error)
                continue
            yield f"{name}:{number}", row


def types_of(value, path=""):
    """(place, type) of everything in a row whose Arrow type its value decides."""
    if isinstance(value, dict):
        yield path, "struct"
        for key, inner in value.items():
            yield from types_of(inner, f"{path}.{key}")
    elif isinstance(value, list):
        yield path, "list"
        for inner in value:
            yield from types_of(inner, f"{path}[]")
    elif value is not None:
        yield path, type(value).__name__


def check_types(export, report, path):
    """Every column and type must occur in the first piece of a JSON Lines file: those that come later stop the loader."""
    known, at = set(), 0
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            inside = at < PIECE
            at += len(line)
            try:
                found = set(types_of(json.loads(line)))
            except ValueError:
                continue
            if inside:
                known |= found
                continue
            late = {(place, kind) for place, kind in found - known if not (kind == "int" and (place, "float") in known)}
            if late:
                return report.fail("late-type", f"{export.below(path)}:{number}", f"first seen behind 10 MiB: {sorted(late)}")


def compare(report, name, expected, loaded, wheres):
    """What a loader handed on against what the file says, both as plain values."""
    report.loaded[name] += len(loaded)
    if len(expected) == len(loaded):
        for where, want, got in zip(wheres, expected, loaded):
            if want != got:
                report.fail("loader-changed", where, f"{name} made {got} of {want}")
        return
    at = 0
    for where, want in zip(wheres, expected):
        if at < len(loaded) and loaded[at] == want:
            at += 1
        else:
            report.fail("loader-dropped", where, f"{name} left out {want}")
    if len(loaded) > len(expected):
        report.fail("loader-changed", name, f"{len(loaded)} rows of {len(expected)}")


# ---------------------------------------------------------------------------------------------------------------- internvl


def internvl(export, report):
    """The meta file names JSON Lines files, which the trainer reads whole.

    Its rule: a row with `image` as text is one image, as a list several; a first turn without `<image>` gets them put in front; only
    `<image>` in human turns are replaced, in order, up to the number of images; too few raise an error, and a row that raises one is
    replaced by another row at random, silently. Too many stay in the text, silently. A `repeat_time` below 1 keeps the first part only.
    """
    meta = json.loads((export.folder / "meta.json").read_text())
    seen, named = set(), set()
    for name, entry in meta.items():
        where = f"meta.json {name}"
        annotation = str(entry.get("annotation"))
        if not annotation.endswith("jsonl") or not export.path(annotation).is_file():
            report.fail("layout", where, f"annotation {annotation}")
            continue
        if annotation in named:
            report.fail("layout", where, f"{annotation} is read twice")
        named.add(annotation)
        repeat = entry.get("repeat_time")
        if isinstance(repeat, bool) or not isinstance(repeat, (int, float)) or repeat < 1 or repeat != int(repeat):
            report.fail("loader-dropped", where, f"repeat_time {repeat}")
        if not isinstance(entry.get("data_augment", False), bool):
            report.fail("layout", where, f"data_augment {entry['data_augment']!r}")
        if not isinstance(entry.get("root"), str):
            report.fail("layout", where, f"root {entry.get('root')!r}")
            continue
        root = export.below(export.path(entry["root"]))
        lines = 0
        for where, line in json_lines(export, report, export.path(annotation)):
            lines += 1
            images = [image if root == "." else os.path.join(root, image) for image in as_list(line.get("image"))]
            sizes = None
            if "width" in line and "height" in line:
                try:
                    sizes = [(int(w), int(h)) for w, h in zip(as_list(line["width"]), as_list(line["height"]), strict=True)]
                except ValueError as error:
                    report.fail("image-size", where, error)
            if isinstance(line.get("image"), list) and len(images) == 1:
                report.counts["single_as_list"] += 1
            row = Row(where, line.get("id"), conversation(line.get("conversations") or []), images, sizes)
            check_row(export, report, row, seen, "internvl")
            # Of whatever role it is: in front of a system turn it stays there as text.
            if images and row.turns and "<image>" not in str(row.turns[0][1]):
                report.fail("loader-changed", where, "the trainer would put <image> in front of the first turn")
        if entry.get("length") != lines:
            report.fail("manifest-rows", f"meta.json {name}", f"length {entry.get('length')} of {lines} lines")


# ------------------------------------------------------------------------------------------------------------------- swift

SWIFT_PLACEHOLDERS = ("<image>", "<ref-object>", "<bbox>")


def swift_row(export, report, where, line, seen):
    roles = {"user": "human", "assistant": "gpt", "system": "system"}
    turns = [(roles.get(turn.get("role"), turn.get("role")), turn.get("content")) for turn in line.get("messages") or []]
    images = as_list(line.get("images"))
    row = Row(where, line.get("id", where), turns, images)
    check_row(export, report, row, seen, "swift", SWIFT_PLACEHOLDERS)

    text = "\n".join(text for _, text in turns if isinstance(text, str))
    objects = line.get("objects")
    if objects is not None and "bbox" not in objects:
        report.fail("box-count", where, "objects without bbox: the row is dropped")
    objects = objects or {}
    unknown = set(objects) - {"ref", "bbox", "bbox_type", "image_id"}
    if unknown:
        report.fail("layout", where, f"objects has {sorted(unknown)}")
    boxes, refs = objects.get("bbox") or [], objects.get("ref") or []
    if text.count("<bbox>") != len(boxes):
        report.fail("box-count", where, f"{text.count('<bbox>')} <bbox> for {len(boxes)}")
    if text.count("<ref-object>") != len(refs):
        report.fail("ref-count", where, f"{text.count('<ref-object>')} <ref-object> for {len(refs)}")
    for ref in refs:
        if not isinstance(ref, str) or not ref.strip():
            report.fail("empty-text", where, f"ref {ref!r}")
        elif CONTROL.search(ref):
            report.fail("reserved-token", where, f"ref {ref!r}")
    # Without an image_id the loader takes each box to be of the first image.
    of = objects.get("image_id") or [0] * len(boxes)
    if len(of) != len(boxes) or any(not isinstance(at, int) or not 0 <= at < len(images) for at in of):
        return report.fail("box-count", where, f"image_id {of} for {len(boxes)} boxes of {len(images)} images")
    kind = objects.get("bbox_type", "real")
    if kind not in ("real", "norm1"):
        report.fail("layout", where, f"bbox_type {kind}")
    for box, at in zip(boxes, of):
        report.counts["boxes"] += 1
        if len(box) != 4:
            report.fail("box-syntax", where, box)
            continue
        size = (1, 1) if kind == "norm1" else (math.inf, math.inf) if export.withheld else export.image_size(images[at])
        if isinstance(size, tuple):
            check_box(report, where, box, False, *size)


def swift(export, report):
    shards = sorted(export.folder.glob("train-*.jsonl"))
    if not shards:
        report.fail("layout", "train-*.jsonl", "no shard")
    seen, kept = set(), {}
    for path in shards:
        check_types(export, report, path)
        kept[path] = list(json_lines(export, report, path))
        for where, line in kept[path]:
            swift_row(export, report, where, line, seen)
    if export.has("swift"):
        # The package resolves relative images by this folder, or else by the current one.
        os.environ["ROOT_IMAGE_DIR"] = str(export.folder)
        report.loaders.append(distribution("ms-swift"))
        for path in shards:
            swift_load(report, path, kept[path])
        if export.withheld:
            report.skip("ms-swift's templates: they open the images")
        else:
            swift_render(report, itertools.islice(itertools.chain.from_iterable(kept.values()), export.render))


def swift_load(report, path, lines):
    """ms-swift's own preprocessing of one file. Left to itself it drops a row that it can't read, and goes on."""
    from swift.dataset import load_dataset

    try:
        rows, _ = load_dataset([str(path)], strict=False, shuffle=False, load_from_cache_file=False, num_proc=1)
    except Exception as error:
        return report.fail("loader-error", path.name, f"ms-swift: {error}: {error.__cause__}")

    def plain(messages, images, objects):
        return {
            "messages": [(turn["role"], turn["content"]) for turn in messages],
            "images": images,
            "objects": {key: value for key, value in (objects or {}).items() if value is not None},
        }

    expected = [plain(row["messages"], as_list(row.get("images")), row.get("objects")) for _, row in lines]
    loaded = [plain(row["messages"], [image["path"] for image in row.get("images") or []], row.get("objects")) for row in rows]
    compare(report, "ms-swift", expected, loaded, [where for where, _ in lines])


def swift_render(report, lines):
    """Writes each row in three models' dialects, by ms-swift's templates without a model, and looks at what they made of it."""
    from swift.template import TEMPLATE_MAPPING
    from swift.template.template_inputs import StdTemplateInputs

    templates = {}
    for name, patch in {"internvl2_5": 14, "qwen2_5_vl": 14, "qwen3_vl": 16}.items():
        if name.startswith("qwen") and not installed("qwen_vl_utils"):
            report.skip(f"{name}: needs qwen-vl-utils")
            continue
        template = TEMPLATE_MAPPING[name].template_cls(None, TEMPLATE_MAPPING[name])
        template.model_meta = types.SimpleNamespace(is_multimodal=True)
        template.processor = types.SimpleNamespace(image_processor=types.SimpleNamespace(patch_size=patch))
        template.init_env_args()
        templates[name] = template
    written = re.compile(r"<box>\[\[(.*?)\]\]</box>|<\|box_start\|>(.*?)<\|box_end\|>")
    for where, line in lines:
        for name, template in templates.items():
            try:
                inputs = StdTemplateInputs.from_dict(
                    {key: line[key] for key in ("messages", "images", "objects") if line.get(key)}
                )
                template._preprocess_inputs(inputs)
                template._add_default_tags(inputs)
                texts = [turn["content"] for turn in inputs.messages]
                parts, scales = template._split_special_tokens(texts, [1.0] * len(texts))
                parts, _ = template._pre_tokenize(parts, scales, inputs)
            except Exception as error:
                report.fail("loader-error", where, f"ms-swift's {name}: {error!r}")
                continue
            text = "".join(part for part in parts if isinstance(part, str))
            objects = line.get("objects") or {}
            used = (inputs.image_idx, inputs.ref_idx, inputs.bbox_idx)
            given = tuple(len(as_list(value)) for value in (line.get("images"), objects.get("ref"), objects.get("bbox")))
            if used != given or any(token in text for token in SWIFT_PLACEHOLDERS):
                report.fail("loader-changed", where, f"ms-swift's {name} used {used} of {given} images, refs, boxes: {text}")
            bounds = (1000, 1000)
            if name == "qwen2_5_vl" and inputs.images:
                bounds = tuple(max(image.size[axis] for image in inputs.images) for axis in (0, 1))
            for match in written.finditer(text):
                box = [int(number) for number in re.findall(r"-?\d+", match.group(0).split("box_start")[-1])]
                check_box(report, f"{where} ({name})", box, True, *bounds)
            report.counts["rendered"] += 1


# -------------------------------------------------------------------------------------------------------------------- qwen


def qwen(export, report):
    """A registry names files of annotations and the folder of their images.

    Qwen's rule: JSON Lines if the name ends in jsonl, else one JSON list; of a row only `image` is read (not `images`), as text or as a
    list; human turns are split at `<image>` and `<video>`, each taking the next image, and every other role counts as the assistant; too
    many and too few raise, and then the trainer takes the next row instead. Names may not contain a comma or end in a percentage.
    """
    registry = json.loads((export.folder / "registry.json").read_text())
    boxes = qwen_dialect(export.manifest)
    if boxes is None:
        return report.fail("layout", "manifest.json", "dialect is neither 2.5 nor 3")
    seen = set()
    for name, entry in registry.items():
        if "," in name or "%" in name:
            report.fail("layout", f"registry.json {name}", "a name that the trainer would split")
        path = export.path(entry["annotation_path"])
        if not path.is_file():
            report.fail("layout", f"registry.json {name}", entry["annotation_path"])
            continue
        if path.suffix == ".jsonl":
            lines = list(json_lines(export, report, path))
        else:
            lines = [(f"{export.below(path)}[{at}]", row) for at, row in enumerate(json.loads(path.read_text()))]
        root = export.below(export.path(entry.get("data_path") or "."))
        for where, line in lines:
            if "images" in line:
                report.fail("layout", where, "the trainer reads `image`, not `images`")
            images = [image if root == "." else os.path.join(root, image) for image in as_list(line.get("image"))]
            turns = [
                (role if role in ("human", "gpt") else f"{role} (read as gpt)", text)
                for role, text in conversation(line["conversations"])
            ]
            check_row(export, report, Row(where, line.get("id"), turns, images), seen, boxes)


def qwen_dialect(manifest):
    name = re.sub(r"[^0-9]", "", str(manifest.get("dialect") or manifest["kind"]))
    return {"25": "qwen2.5", "3": "qwen3"}.get(name)


# ------------------------------------------------------------------------------------------------------------------- llava


def llava(export, report):
    """Each file is one JSON list. LLaVA 1.5's rule: `image` is the path of one image; from a turn with `<image>` all of them are taken
    out and one is put in front with a line break. Several images, as a list, are LLaVA-NeXT's."""
    shards = sorted(export.folder.glob("train-*.json"))
    if not shards:
        report.fail("layout", "train-*.json", "no shard")
    seen = set()
    for path in shards:
        try:
            lines = json.loads(path.read_text())
            assert isinstance(lines, list), "not a list"
        except (ValueError, AssertionError) as error:
            report.fail("layout", path.name, error)
            continue
        for at, line in enumerate(lines):
            where = f"{path.name}[{at}]"
            images = as_list(line.get("image"))
            row = Row(where, line.get("id"), conversation(line.get("conversations") or []), images)
            check_row(export, report, row, seen, export.manifest.get("dialect", "internvl"))
            first = str(row.turns[0][1]) if row.turns else ""
            if images and not first.startswith("<image>\n" * len(images)):
                report.fail("placeholder-place", where, "the first turn does not begin with <image> and a line break")
            if isinstance(line.get("image"), list):
                report.counts["llava_next_only"] += 1


# ---------------------------------------------------------------------------------------------------------------- sharegpt


def sharegpt(export, report):
    """LLaMA-Factory: dataset_info.json says which column and which word means what. Once `tags` or `columns` is given, what it leaves
    out is unset, not the default. A row whose roles don't alternate becomes empty, with a warning; a wrong number of `<image>` stops the run."""
    information = json.loads((export.folder / "dataset_info.json").read_text())
    seen = set()
    for name, entry in information.items():
        where = f"dataset_info.json {name}"
        if entry.get("formatting") != "sharegpt":
            report.fail("layout", where, f"formatting {entry.get('formatting')}")
        columns = entry.get("columns", {"messages": "conversations"})
        tags = entry.get(
            "tags",
            {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt", "system_tag": "system"},
        )
        missing = {"messages", "images"} - set(columns) | {"role_tag", "content_tag", "user_tag", "assistant_tag"} - set(tags)
        if missing:
            report.fail("layout", where, f"without {sorted(missing)}")
            continue
        path = export.path(entry.get("file_name", ""))
        paths = sorted(path.iterdir()) if path.is_dir() and entry.get("file_name") else [path]
        if not all(path.is_file() and path.suffix == ".jsonl" for path in paths):
            report.fail("layout", where, f"file_name {entry.get('file_name')}")
            continue
        roles = {tags["user_tag"]: "human", tags["assistant_tag"]: "gpt", tags.get("system_tag"): "system"}
        lines = []
        for path in paths:
            check_types(export, report, path)
            lines.extend(json_lines(export, report, path))
        for where, line in lines:
            turns = [
                (roles.get(turn.get(tags["role_tag"])), turn.get(tags["content_tag"]))
                for turn in line.get(columns["messages"]) or []
            ]
            row = Row(where, line.get("id", where), turns, as_list(line.get(columns["images"])))
            check_row(export, report, row, seen, export.manifest.get("dialect", "internvl"))
        if export.has("llamafactory"):
            llamafactory_load(export, report, name, lines, columns, tags)


def llamafactory_load(export, report, name, lines, columns, tags):
    os.environ["DISABLE_VERSION_CHECK"] = "1"
    from llamafactory.data.loader import _get_merged_dataset
    from llamafactory.data.mm_plugin import get_mm_plugin
    from llamafactory.hparams import DataArguments, ModelArguments
    from transformers import Seq2SeqTrainingArguments

    package = distribution("llamafactory")
    if package not in report.loaders:
        report.loaders.append(package)
    folder = str(export.folder)
    with tempfile.TemporaryDirectory() as scratch:
        arguments = DataArguments(dataset=name, dataset_dir=folder, media_dir=folder, template="qwen2_vl", overwrite_cache=True)
        training = Seq2SeqTrainingArguments(output_dir=scratch, report_to=[])
        model = ModelArguments(model_name_or_path="none", cache_dir=scratch)
        try:
            rows = list(_get_merged_dataset([name], model, arguments, training, "sft"))
        except Exception as error:
            return report.fail("loader-error", name, f"LLaMA-Factory: {error}: {error.__cause__}")
    known = {tags["user_tag"]: "user", tags["assistant_tag"]: "assistant"}
    expected, wheres = [], []
    for where, line in lines:
        turns = [turn for turn in line[columns["messages"]] if turn.get(tags["role_tag"]) != tags.get("system_tag", object())]
        images = as_list(line.get(columns["images"]))
        if not export.withheld:
            images = [os.path.join(folder, image) for image in images]
        expected.append(([(known.get(turn[tags["role_tag"]]), turn[tags["content_tag"]]) for turn in turns], images))
        wheres.append(where)
    loaded = [
        ([(turn["role"], turn["content"]) for turn in row["_prompt"] + row["_response"]], row["_images"] or []) for row in rows
    ]
    compare(report, "LLaMA-Factory", expected, loaded, wheres)
    plugin = get_mm_plugin("qwen2_vl", image_token="<|image_pad|>", video_token="<|video_pad|>")
    for where, row in zip(wheres, rows):
        images = row["_images"] or []
        try:
            plugin._validate_messages(row["_prompt"] + row["_response"], images, [], [])
            if not export.withheld:
                opened = plugin._regularize_images(images, image_max_pixels=768 * 768, image_min_pixels=32 * 32)["images"]
                assert len(opened) == len(images)
        except Exception as error:
            report.fail("loader-error", where, f"LLaMA-Factory: {error}")


# ---------------------------------------------------------------------------------------------------------------------- hf


def hf(export, report):
    """Parquet shards with embedded images, a dataset card and a Croissant description."""
    shards = sorted((export.folder / "data").glob("*.parquet"))
    if not shards:
        report.fail("layout", "data/*.parquet", "no shard")
        return
    for at, path in enumerate(shards):
        wanted = rf"[a-z_]+-{at:05d}-of-{len(shards):05d}\.parquet"
        if len({shard.name.split("-")[0] for shard in shards}) == 1 and not re.fullmatch(wanted, path.name):
            report.fail("layout", path.name, f"expected {wanted}")
    configs, carded = hf_card(export, report, shards)
    hf_schema(export, report, shards, carded)
    croissant(export, report, shards)
    if export.has("datasets"):
        hf_load(export, report, configs)
    elif installed("pyarrow"):
        hf_read(export, report, shards)
    else:
        report.skip("rows: need pyarrow")


def hf_card(export, report, shards):
    """The configurations that the card's front matter declares; each must match shards, and together all of them."""
    try:
        import yaml

        card = (export.folder / "README.md").read_text()
        front = yaml.safe_load(re.match(r"---\n(.*?)\n---\n", card, re.S).group(1))
        configs, matched = [], set()
        for config in front["configs"]:
            configs.append(config["config_name"])
            splits = config["data_files"]
            for split in [{"path": splits}] if isinstance(splits, str) else splits:
                found = {path for pattern in as_list(split["path"]) for path in export.folder.glob(pattern)}
                if not found:
                    report.fail("layout", "README.md", f"{config['config_name']}: nothing matches {split['path']}")
                matched |= found
        if set(shards) - matched:
            report.fail(
                "loader-dropped", "README.md", f"no configuration has {sorted(path.name for path in set(shards) - matched)[:3]}"
            )
        if not front.get("license"):
            report.fail("layout", "README.md", "no license")
        return configs, "features" in str(front.get("dataset_info"))
    except Exception as error:
        report.fail("layout", "README.md", repr(error))
        return [], False


def plain_images(schema):
    """Whether `datasets` takes the column for images by the metadata alone: exactly these types, and nulls allowed at every level."""
    import pyarrow

    try:
        field = schema.field("images")
        item = field.type.value_field
        inner = [item.type.field(at) for at in range(item.type.num_fields)]
        kinds = [(part.name, part.type) for part in inner]
        wanted = [("bytes", pyarrow.binary()), ("path", pyarrow.string())]
        return pyarrow.types.is_list(field.type) and kinds == wanted and all(part.nullable for part in (field, item, *inner))
    except (AttributeError, KeyError):
        return False


def hf_schema(export, report, shards, carded):
    """`carded`: the card lists the features itself, and then the types matter less."""
    if not installed("pyarrow"):
        return report.skip("schema: needs pyarrow")
    import pyarrow.parquet

    first = None
    for path in shards:
        try:
            file = pyarrow.parquet.ParquetFile(path)
        except Exception as error:
            report.fail("schema", path.name, error)
            continue
        schema = file.schema_arrow
        if first is None:
            first = schema
            metadata = (schema.metadata or {}).get(b"huggingface")
            if metadata is None:
                report.fail("schema", path.name, "no `huggingface` in the Arrow schema's metadata: images would load as bytes")
            else:
                described = set(json.loads(metadata)["info"]["features"])
                if not carded and not export.withheld and not plain_images(schema):
                    report.fail("schema", path.name, f"{schema.field('images')}: not nullable throughout, or other types")
                if described != set(schema.names):
                    report.fail(
                        "schema", path.name, f"`huggingface` and the columns differ in {sorted(described ^ set(schema.names))}"
                    )
        elif not schema.equals(first, check_metadata=True):
            report.fail("schema", path.name, "not the first shard's schema")
        for group in range(file.num_row_groups):
            size = file.metadata.row_group(group).total_byte_size
            report.counts["largest_row_group"] = max(report.counts["largest_row_group"], size)


def hf_row(export, report, where, row, seen):
    turns = conversation(row.get("conversations") or [])
    images = row.get("images") or []
    sizes = []
    for at, image in enumerate(images):
        if export.withheld:
            if isinstance(image, dict) and image.get("bytes") is not None:
                report.fail("schema", where, "an image of an export that withholds them")
            continue
        try:
            if isinstance(image, dict):  # not opened by the loader
                if not image.get("bytes"):
                    report.fail("missing-image", where, f"image {at} has no bytes")
                    continue
                image = Image.open(io.BytesIO(image["bytes"]))
            image.load()
            sizes.append(image.size)
        except Exception as error:
            report.fail("broken-image", where, error)
    sizes = sizes if len(sizes) == len(images) and sizes else None
    check_row(
        export,
        report,
        Row(where, row.get("id"), turns, images, sizes),
        seen,
        export.manifest.get("dialect", "internvl"),
        opened=True,
    )


def hf_load(export, report, configs):
    import datasets

    report.loaders.append(distribution("datasets"))
    datasets.disable_progress_bars()
    text = datasets.Value("string")
    rows = {}
    for config in configs:
        try:
            splits = datasets.load_dataset(str(export.folder), config)
        except Exception as error:
            report.fail("loader-error", config, f"datasets: {error}: {error.__cause__}")
            continue
        seen = set()
        for split, loaded in splits.items():
            wanted = {
                "id": text,
                "images": datasets.List(datasets.Image()),
                "conversations": datasets.List({"from": text, "value": text}),
            }
            if export.withheld and loaded.features.get("images") == datasets.List(text):
                wanted["images"] = datasets.List(text)
            wrong = [column for column, feature in wanted.items() if loaded.features.get(column) != feature]
            for column in wrong:
                report.fail("schema", f"{config}/{split}", f"{column} is {loaded.features.get(column)}")
            if wrong:
                continue
            closed = loaded
            if wanted["images"] != datasets.List(text):
                closed = loaded.cast_column("images", datasets.List(datasets.Image(decode=False)))
            if export.withheld:
                loaded = closed
            else:
                # An image without bytes would be looked for in the current folder.
                for at, row in enumerate(closed):
                    for image in row["images"] or []:
                        if not image["bytes"]:
                            report.fail("missing-image", f"{config}/{split}[{at}]", "an image without bytes")
            for at in range(len(loaded)):
                where = f"{config}/{split}[{at}]"
                try:
                    row = loaded[at]
                except Exception as error:
                    report.fail("broken-image", where, error)
                    continue
                hf_row(export, report, where, row, seen)
            rows[config] = rows.get(config, 0) + len(loaded)
    # Configurations may be slices of one another, so the largest or the sum is the number of samples.
    report.loaded["datasets"] = report.counts["rows"]
    if rows and export.manifest.get("samples") in (max(rows.values()), sum(rows.values())):
        report.counts["rows"] = export.manifest["samples"]


def hf_read(export, report, shards):
    import pyarrow.parquet

    seen = set()
    for path in shards:
        number = 0
        for batch in pyarrow.parquet.ParquetFile(path).iter_batches(256):
            for row in batch.to_pylist():
                hf_row(export, report, f"{path.name}[{number}]", row, seen)
                number += 1


def croissant(export, report, shards):
    path = export.folder / "croissant.json"
    try:
        described = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        return report.fail("croissant", "croissant.json", error)
    names = {export.below(shard) for shard in shards}
    covered = set()
    for item in described.get("distribution", []):
        kind = str(item.get("@type")).removeprefix("cr:")
        if kind == "FileSet":
            for pattern in as_list(item.get("includes")):
                covered |= {name for name in names if pathlib.PurePath(name).match(pattern)}
        elif kind == "FileObject":
            covered.add(item.get("contentUrl"))
            target = export.folder / str(item.get("contentUrl"))
            if not target.is_file():
                report.fail("croissant", "croissant.json", f"no file {item.get('contentUrl')}")
            elif item.get("sha256") not in (None, digest(target, "sha256")):
                report.fail("croissant", "croissant.json", f"sha256 of {item.get('contentUrl')}")
    if names - covered:
        report.fail("croissant", "croissant.json", f"nothing describes {sorted(names - covered)[:3]}")
    if installed("pyarrow"):
        import pyarrow.parquet

        columns = set(pyarrow.parquet.read_schema(shards[0]).names)
        for column in columns_named(described):
            if column not in columns:
                report.fail("croissant", "croissant.json", f"no column {column}")
    if export.has("mlcroissant"):
        import mlcroissant

        report.loaders.append(distribution("mlcroissant"))
        try:
            dataset = mlcroissant.Dataset(jsonld=str(path))
            for records in dataset.metadata.record_sets:
                read = sum(1 for _ in itertools.islice(dataset.records(records.uuid), 3))
                if not read:
                    report.fail("croissant", "croissant.json", f"no record in {records.uuid}")
        except Exception as error:
            report.fail("croissant", "croissant.json", f"{error}: {error.__cause__}")


def columns_named(value):
    if isinstance(value, dict):
        if isinstance(value.get("column"), str) and set(value) <= {"column"}:
            yield value["column"]
        for key, inner in value.items():
            if key != "@context":
                yield from columns_named(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from columns_named(inner)


# -------------------------------------------------------------------------------------------------------------- webdataset

# What webdataset and Energon agree on: the key ends at the first dot of the file's name, the rest is the part.
MEMBER = re.compile(r"((?:.*/)?[^./]+)\.([^/]+)")
PICTURE = re.compile(r"(?:(\d+)\.)?(?:jpg|jpeg|png)")


def webdataset(export, report):
    """Tar shards; files with one key, next to each other, are one sample: `key.jpg` or `key.0.jpg`, `key.1.jpg`, and `key.json`."""
    shards = sorted((export.folder / "shards").glob("*.tar"))
    if not shards:
        report.fail("layout", "shards/*.tar", "no shard")
        return
    seen, samples, offsets = set(), [], {}
    for where, key, parts in tar_samples(export, report, shards, offsets):
        wds_row(export, report, where, key, parts, seen)
        samples.append((where, key, sorted(parts)))
    energon_files(export, report, shards, samples, offsets)
    if export.has("webdataset"):
        wds_load(report, shards, samples)
    if export.has("megatron.energon"):
        energon_load(export, report, samples)
        if (export.folder / "cooker.py").is_file():
            energon_cooker(export, report, samples)


def tar_samples(export, report, shards, offsets):
    """(where, key, {part: bytes}) in order. Fills `offsets`: of each shard, where its samples begin and where the last one ends."""
    keys = set()
    for path in shards:
        starts = offsets[export.below(path)] = []
        key, parts = None, {}
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                match = MEMBER.fullmatch(member.name) if member.isreg() else None
                if match is None:
                    report.fail("layout", path.name, f"member {member.name} is of no sample")
                    continue
                if match.group(1) != key:
                    if parts:
                        yield f"{path.name} {key}", key, parts
                    key, parts = match.group(1), {}
                    starts.append(member.offset)
                    if key in keys:
                        report.fail("duplicate-id", path.name, f"the files of {key} are in several places")
                    keys.add(key)
                parts[match.group(2)] = tar.extractfile(member).read()
            starts.append(tar.offset)
        if parts:
            yield f"{path.name} {key}", key, parts


def wds_row(export, report, where, key, parts, seen):
    try:
        line = json.loads(parts["json"])
    except (KeyError, ValueError) as error:
        return report.fail("layout", where, f"json: {error!r}")
    pictures = sorted((int(match.group(1) or 0), part) for part in parts if (match := PICTURE.fullmatch(part)))
    others = set(parts) - {"json"} - {part for _, part in pictures}
    if others or [number for number, _ in pictures] != list(range(len(pictures))):
        report.fail("layout", where, f"parts {sorted(parts)}")
    images, sizes = [], []
    for _, part in pictures:
        images.append(part)
        try:
            image = Image.open(io.BytesIO(parts[part]))
            image.load()
            sizes.append(image.size)
        except Exception as error:
            report.fail("broken-image", where, f"{part}: {error}")
    if export.withheld:
        images = as_list(line.get("image", line.get("images")))
    sizes = sizes if sizes and len(sizes) == len(images) else None
    row = Row(where, line.get("id", key), conversation(line.get("conversations") or []), images, sizes)
    check_row(export, report, row, seen, export.manifest.get("dialect", "internvl"), opened=True)


def energon_files(export, report, shards, samples, offsets):
    """What Energon needs: counts, splits, a dataset definition, and beside each tar an index of where its samples begin."""
    folder = export.folder / ".nv-meta"
    names = [export.below(path) for path in shards]
    try:
        counts = json.loads((folder / ".info.json").read_text())["shard_counts"]
        wanted = {name: len(offsets[name]) - 1 for name in names}
        if counts != wanted:
            report.fail("energon", ".nv-meta/.info.json", f"{counts} of {wanted}")
    except (OSError, ValueError, KeyError) as error:
        report.fail("energon", ".nv-meta/.info.json", repr(error))
    for name in names:
        index = export.folder / (name + ".idx")
        try:
            data = index.read_bytes()
            found = list(struct.unpack(f"<{len(data) // 8}Q", data))
            if found != offsets[name]:
                report.fail("energon", export.below(index), "offsets are not the tar's")
        except (OSError, struct.error) as error:
            report.fail("energon", export.below(index), repr(error))
    try:
        import yaml

        parts = yaml.safe_load((folder / "split.yaml").read_text())["split_parts"]
        listed = [name for part in parts.values() for pattern in part for name in braces(pattern)]
        if sorted(listed) != names:
            report.fail("energon", ".nv-meta/split.yaml", f"{listed} of {names}")
        definition = yaml.safe_load((folder / "dataset.yaml").read_text())
        if not {"__class__", "sample_type"} & set(definition):
            report.fail("energon", ".nv-meta/dataset.yaml", definition)
    except ImportError:
        report.skip("split.yaml: needs pyyaml")
    except Exception as error:
        report.fail("energon", ".nv-meta", repr(error))
    if (folder / "index.sqlite").is_file():
        with contextlib.closing(sqlite3.connect(f"file:{folder / 'index.sqlite'}?mode=ro", uri=True)) as database:
            found = database.execute(
                "SELECT tar_file_id, sample_index, sample_key, byte_offset, byte_size FROM samples ORDER BY 1, 2"
            )
            ordered = iter(samples)
            wanted = [
                (shard, at, next(ordered)[1], start, end - start)
                for shard, name in enumerate(names)
                for at, (start, end) in enumerate(itertools.pairwise(offsets[name]))
            ]
            if found.fetchall() != wanted:
                report.fail("energon", ".nv-meta/index.sqlite", "samples are not the tars'")


def braces(pattern):
    """shards/train-{000000..000002}.tar as three names."""
    match = re.search(r"\{(\d+)\.\.(\d+)\}", pattern)
    if match is None:
        return [pattern]
    first, last = match.groups()
    return [
        pattern[: match.start()] + str(number).zfill(len(first)) + pattern[match.end() :]
        for number in range(int(first), int(last) + 1)
    ]


def wds_load(report, shards, samples):
    import webdataset as wds

    report.loaders.append(distribution("webdataset"))
    wheres = [where for where, _, _ in samples]
    expected = [(key, parts) for _, key, parts in samples]
    try:
        loaded = [
            (sample["__key__"], sorted(part for part in sample if not part.startswith("__")))
            for sample in wds.WebDataset([str(path) for path in shards], shardshuffle=False, empty_check=False).decode("pil")
        ]
    except Exception as error:
        return report.fail("loader-error", "shards", f"webdataset: {error!r}")
    compare(report, "webdataset", expected, loaded, wheres)


def energon_load(export, report, samples):
    """Through Energon's loader. Left to itself it prints an error and skips the sample, up to a hundred in a row."""
    from megatron.energon import (
        Cooker,
        DefaultTaskEncoder,
        Sample,
        SampleDecoder,
        WorkerConfig,
        basic_sample_keys,
        edataclass,
        get_loader,
        get_val_dataset,
        stateless,
    )

    report.loaders.append(distribution("megatron-energon"))

    @edataclass
    class Cooked(Sample):
        parts: list

    @stateless
    def cook(crude):
        return Cooked(**basic_sample_keys(crude), parts=sorted(part for part in crude.keys() if not part.startswith("__")))

    class Encoder(DefaultTaskEncoder):
        decoder = SampleDecoder(image_decode="pilrgb")
        cookers = [Cooker(cook)]

        def batch(self, samples):
            return samples

    def failed(error, sample, sources=None):
        report.fail("loader-dropped", "energon", repr(error))

    workers = WorkerConfig(rank=0, world_size=1, num_workers=0, global_error_handler=failed)
    try:
        dataset = get_val_dataset(
            str(export.folder), split_part="train", worker_config=workers, batch_size=1, task_encoder=Encoder()
        )
        loaded = [
            (sample.__key__, sample.parts if isinstance(sample, Cooked) else None)
            for batch in get_loader(dataset)
            for sample in batch
        ]
    except Exception as error:
        return report.fail("loader-error", ".nv-meta", f"energon: {error!r}")
    whole = all(parts is not None for _, parts in loaded)
    expected = [(key, parts if whole else None) for _, key, parts in samples]
    compare(report, "energon", sorted(expected), sorted(loaded), [where for where, _, _ in samples])


def energon_cooker(export, report, samples):
    """Through the cooker and task encoder that lie in the export."""
    from megatron.energon import WorkerConfig, get_loader, get_val_dataset

    specification = importlib.util.spec_from_file_location("cooker", export.folder / "cooker.py")
    cooker = importlib.util.module_from_spec(specification)
    sys.modules["cooker"] = cooker
    specification.loader.exec_module(cooker)

    def failed(error, sample, sources=None):
        report.fail("loader-dropped", "cooker.py", repr(error))

    workers = WorkerConfig(rank=0, world_size=1, num_workers=0, global_error_handler=failed)
    dataset = get_val_dataset(
        str(export.folder), split_part="train", worker_config=workers, batch_size=1, task_encoder=cooker.Encoder()
    )
    cooked = []
    for batch in get_loader(dataset):
        for sample in batch:
            turns = [turn["from"] for turn in sample.conversations]
            if turns != ["human", "gpt"] or sample.columns["id"] != sample.__key__.split("/")[-1]:
                report.fail("loader-changed", "cooker.py", f"{sample.__key__}: {turns}")
            if any(image.ndim != 3 or image.shape[0] != 3 for image in sample.images):
                report.fail("loader-changed", "cooker.py", f"{sample.__key__}: {[image.shape for image in sample.images]}")
            cooked.append((sample.__key__.split("/")[-1], len(sample.images)))
    expected = [(key, sum(part != "json" for part in parts)) for _, key, parts in samples]
    compare(report, "cooker.py", sorted(expected), sorted(cooked), [where for where, _, _ in samples])


# ----------------------------------------------------------------------------------------------------------------- vlmeval


def vlmeval(export, report):
    """One table per benchmark, read by pandas with its defaults.

    VLMEvalKit's rule: a row without `image` is left out; an `image` of up to 64 characters is the index of the row whose image it shares;
    one in brackets is a Python list of several, and then `image_path` must be a list of as many file names; options are the columns A to Z
    that are not empty to pandas, which also takes NA, None, null and others for empty.
    """
    tables = sorted(export.folder.glob("*.tsv"))
    if not tables:
        report.fail("layout", "*.tsv", "no table")
    csv.field_size_limit(1 << 31)
    for path in tables:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        missing = {"index", "image", "question", "answer"} - set(rows[0] if rows else [])
        if missing and not (export.withheld and missing == {"image"}):
            report.fail("layout", path.name, f"no column {sorted(missing)}")
            continue
        images = {row["index"]: row.get("image") for row in rows}
        seen = set()
        for number, row in enumerate(rows, 1):
            vlmeval_row(export, report, f"{path.name}:{number}", row, images, seen)
        if export.has("pandas"):
            vlmeval_load(report, path, rows)


def vlmeval_row(export, report, where, row, images, seen):
    report.counts["rows"] += 1
    if not re.fullmatch(r"\d+", row["index"] or "") or row["index"] in seen:
        report.fail("duplicate-id", where, f"index {row['index']!r}")
    seen.add(row["index"])
    encoded = row.get("image") or ""
    if 0 < len(encoded) <= 64:
        if len(images.get(encoded) or "") <= 64:
            report.fail("missing-image", where, f"image refers to {encoded!r}")
        encoded = images.get(encoded) or ""
    if not encoded and not export.withheld:
        report.fail("missing-image", where, "no image: the row is left out")
    pictures = [encoded] if encoded else []
    if encoded.startswith("[") and encoded.endswith("]"):
        try:
            pictures = [str(item) for item in ast.literal_eval(encoded)]
            names = ast.literal_eval(row.get("image_path") or "None")
            assert isinstance(names, list) and len(names) == len(pictures), "image_path is not a list of as many names"
        except (ValueError, SyntaxError, AssertionError) as error:
            report.fail("layout", where, error)
    for picture in pictures:
        report.counts["images"] += 1
        try:
            Image.open(io.BytesIO(base64.b64decode(picture, validate=True))).load()
        except Exception as error:
            report.fail("broken-image", where, error)
    options = [letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if row.get(letter)]
    if options != list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: len(options)]) or len(options) == 1:
        report.fail("layout", where, f"options {options}")
    if options and row["answer"] not in options:
        report.fail("layout", where, f"the answer {row['answer']!r} is not in {options}")
    for column, text in row.items():
        if column in ("index", "image", "image_path") or not text:
            continue
        form, whole, limit = BOXES[export.manifest.get("dialect", "internvl")]
        found, rest, broken = written_boxes(text, form)
        for what in broken:
            report.fail("box-syntax", where, f"{column}: {what}")
        for box in found if isinstance(limit, int) else []:
            report.counts["boxes"] += 1
            check_box(report, where, box, whole, limit, limit)
        for token in CONTROL.findall(rest):
            report.fail("reserved-token", where, f"{column}: {token}")
    for column in ("question", "answer"):
        if not (row[column] or "").strip():
            report.fail("empty-text", where, column)


def vlmeval_load(report, path, rows):
    import pandas

    report.loaders.append(distribution("pandas"))
    table = pandas.read_csv(path, sep="\t")
    if len(table) != len(rows):
        return report.fail("loader-dropped", path.name, f"pandas read {len(table)} rows of {len(rows)}")
    report.loaded["pandas"] += len(table)
    for column in table.columns:
        for number, (value, row) in enumerate(zip(table[column], rows), 1):
            text = row[column]
            if text and pandas.isna(value):
                report.fail("loader-dropped", f"{path.name}:{number}", f"{column} {text!r} is empty to pandas")
            elif text and isinstance(value, str) and value != text:
                report.fail("loader-changed", f"{path.name}:{number}", f"{column} {text!r} became {value!r}")


# ---------------------------------------------------------------------------------------------------------------- the whole

KINDS = {
    "internvl": internvl,
    "swift": swift,
    "qwen": qwen,
    "llava": llava,
    "sharegpt": sharegpt,
    "hf": hf,
    "webdataset": webdataset,
    "vlmeval": vlmeval,
}
ALIASES = {"llamafactory": "sharegpt", "parquet": "hf", "huggingface": "hf", "wds": "webdataset", "energon": "webdataset"}


def digest(path, name):
    import hashlib

    if name == "blake3":
        import blake3

        hasher = blake3.blake3()
    else:
        hasher = hashlib.new(name)
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            hasher.update(block)
    return hasher.hexdigest()


def check_manifest(export, report):
    """The files are those that were written."""
    hashes = installed("blake3")
    if not hashes:
        report.skip("hashes: need blake3")
    listed = set()
    for entry in export.manifest.get("files", []):
        name, path = entry["path"], export.folder / entry["path"]
        if os.path.isabs(name) or ".." in pathlib.PurePosixPath(name).parts:
            report.fail("manifest-file", name, "not below the export")
            continue
        listed.add(os.path.normpath(name))
        if not path.is_file():
            report.fail("manifest-file", name, "missing")
        elif path.stat().st_size != entry["bytes"]:
            report.fail("manifest-bytes", name, f"{path.stat().st_size} of {entry['bytes']}")
        elif hashes and digest(path, "blake3") != entry["blake3"]:
            report.fail("manifest-hash", name, entry["blake3"])
        elif "rows" in entry and path.suffix == ".jsonl":
            with open(path, "rb") as file:
                lines = sum(1 for _ in file)
            if lines != entry["rows"]:
                report.fail("manifest-rows", name, f"{lines} of {entry['rows']}")
    for path in export.folder.rglob("*"):
        name = export.below(path)
        if path.suffix in (".jsonl", ".parquet", ".tar", ".tsv") and name not in listed:
            report.fail("manifest-file", name, "not listed")
    rows = [entry["rows"] for entry in export.manifest.get("files", []) if "rows" in entry]
    if rows and "turns" not in export.manifest and sum(rows) != export.manifest.get("samples"):
        report.fail("manifest-rows", "manifest.json", f"{sum(rows)} rows in files, {export.manifest.get('samples')} samples")


@contextlib.contextmanager
def offline():
    """No network, caches that are thrown away, and whatever the packages print on standard output sent to standard error."""
    scratch = tempfile.mkdtemp()
    settings = {
        "HF_DATASETS_OFFLINE": "1",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
        "HF_HOME": scratch,
        "HF_DATASETS_CACHE": os.path.join(scratch, "datasets"),
        "MODELSCOPE_CACHE": scratch,
        "CUDA_VISIBLE_DEVICES": "",
    }
    os.environ.update(settings)
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
        shutil.rmtree(scratch, ignore_errors=True)


def check(folder, use_loaders=True, render=None):
    """Returns the kind and the report of one export."""
    report = Report()
    folder = pathlib.Path(folder).resolve()
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
        kind = re.sub(r"[^a-z]", "", str(manifest["kind"]).lower())
        kind = "qwen" if kind.startswith("qwen") else ALIASES.get(kind, kind)
        function = KINDS[kind]
    except (OSError, ValueError, KeyError) as error:
        report.fail("layout", "manifest.json", repr(error))
        return None, report
    export = Export(folder, manifest, kind)
    export.use_loaders, export.render = use_loaders, render
    check_manifest(export, report)
    try:
        function(export, report)
    except Exception as error:
        report.fail("layout", kind, repr(error))
    held = "asked" if "turns" in manifest else "rows"
    if report.counts[held] != manifest.get("samples"):
        report.fail("samples", "manifest.json", f"{report.counts[held]} {held}, {manifest.get('samples')} samples")
    return kind, report


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--rule", action="store_true")
    parser.add_argument("--render", type=int)
    arguments = parser.parse_args()
    with offline():
        kind, report = check(arguments.folder, not arguments.rule, arguments.render)
    for failure in report.first:
        print(failure, file=sys.stderr)
    print(report.line(kind))
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
