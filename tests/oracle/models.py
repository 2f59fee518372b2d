"""Model families against the conventions of the repositories that they come from, in NumPy, OpenCV and Pillow.

    cargo build --release -p spatialmill-models --example families
    python tests/oracle/models.py target/release/examples/families udfs/models/tests/networks photos \\
        [--yolox yolox_nano.onnx] [--fastdepth fastdepth.onnx] [--tcmonodepth tcmonodepth.onnx] \\
        [--sam2 encoder.ort decoder.onnx] [--coco instances_val2017.json] [--limit 10] [--encoder-limit 10]

For each photo, each family's inputs are made here and there and compared, the network is run on ours, and its outputs are decoded here
and there and compared. Families without weights run on the contract networks (see contract_networks.py), and the report says so:
that checks what goes in and what is made of what comes out, not whether a network of that name likes it. Resizing is compared on
its own, on random pictures and sizes. With COCO's annotations it also reports how good the answers are.

Needs numpy, opencv-python-headless, pillow, onnxruntime, and pycocotools for `--coco`. Exits with 1 when something is too far apart:
inputs by more than 1e-4 of their range, boxes by 1e-4 of the picture, scores and metres by 1e-4, masks below an IoU of 0.999.
"""

import argparse
import collections
import json
import pathlib
import subprocess
import sys
import tempfile

import cv2
import numpy as np
import onnxruntime
from PIL import Image

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


# --- the two sides -----------------------------------------------------------------------------------------------------------------


class Ours:
    """The example, asked one line at a time."""

    def __init__(self, program, folder):
        self.folder = folder
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request | {"out": str(self.folder)}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise SystemExit(f"{request['family']}: {answer['error']}")
        return answer

    def save(self, outputs):
        paths = {}
        for role, tensor in outputs.items():
            paths[role] = str(self.folder / f"out_{role}.npy")
            np.save(paths[role], np.ascontiguousarray(tensor, np.float32))
        return paths


class Network:
    """A session, its inputs and outputs by the roles of a family where their names differ."""

    def __init__(self, path, roles=None):
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if str(path).endswith(".ort"):
            options.add_session_config_entry("session.load_model_format", "ORT")
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.role = {name: role for role, name in (roles or {}).items()}
        shapes = lambda nodes: {
            self.role.get(node.name, node.name): [side if isinstance(side, int) else None for side in node.shape]
            for node in nodes
        }
        self.signature = {"inputs": shapes(self.session.get_inputs()), "outputs": shapes(self.session.get_outputs())}

    def run(self, inputs):
        feed = {}
        for node in self.session.get_inputs():
            kind = np.int64 if "int64" in node.type else np.float32
            feed[node.name] = inputs[self.role.get(node.name, node.name)].astype(kind)
        answers = self.session.run(None, feed)
        names = [self.role.get(node.name, node.name) for node in self.session.get_outputs()]
        return dict(zip(names, answers))


class Report:
    """The largest difference of each kind for each family."""

    def __init__(self):
        self.worst, self.limits, self.counts = {}, {}, collections.Counter()
        self.notes = collections.defaultdict(list)

    def see(self, family, what, difference, limit):
        key = (family, what)
        self.worst[key] = max(self.worst.get(key, 0.0), float(difference) if np.isfinite(difference) else np.inf)
        self.limits[key] = limit
        self.counts[key] += 1

    def finish(self):
        failed = False
        for (family, what), worst in self.worst.items():
            bad = worst > self.limits[family, what]
            failed |= bad
            print(f"{'FAILED' if bad else 'ok    '} {family:28} {what:28} {worst:9.3g} of {self.limits[family, what]:g}"
                  f" in {self.counts[family, what]}")
        for family, notes in self.notes.items():
            for note in notes:
                print(f"       {family:28} {note}")
        return failed


# --- inputs, as upstream makes them ------------------------------------------------------------------------------------------------


def planes(image):
    return np.ascontiguousarray(image.transpose(2, 0, 1)[None].astype(np.float32))


def pil(picture, width, height):
    """Along rows first, as all of Pillow before 13, which goes down columns first where that saves work (python-pillow#9549)."""
    image = Image.fromarray(picture)
    return np.asarray(image.resize((width, image.height), Image.BILINEAR).resize((width, height), Image.BILINEAR))


def yolox_inputs(picture, height, width):
    bgr = picture[:, :, ::-1]
    ratio = min(height / bgr.shape[0], width / bgr.shape[1])
    size = (int(bgr.shape[1] * ratio), int(bgr.shape[0] * ratio))
    canvas = np.full((height, width, 3), 114, np.uint8)
    canvas[: size[1], : size[0]] = cv2.resize(np.ascontiguousarray(bgr), size, interpolation=cv2.INTER_LINEAR)
    return {"image": planes(canvas)}


def torchvision_inputs(picture, height, width):
    """ToTensor, Resize (bilinear with antialias, in floats), Normalize. Pillow does the same in floats, one channel at a time."""
    channels = [Image.fromarray((picture[:, :, c] / 255).astype(np.float32), mode="F") for c in range(3)]
    resized = np.stack([np.asarray(channel.resize((width, height), Image.BILINEAR)) for channel in channels], 2)
    return planes((resized - MEAN) / STD)


def sam_inputs(picture, side):
    scale = side / max(picture.shape[:2])
    height, width = (int(length * scale + 0.5) for length in picture.shape[:2])
    image = (pil(picture, width, height) - np.array([123.675, 116.28, 103.53])) / np.array([58.395, 57.12, 57.375])
    return {"image": planes(np.pad(image, ((0, side - height), (0, side - width), (0, 0))))}


def depth_anything_inputs(picture, size=518):
    height, width = picture.shape[:2]
    scale = max(size / height, size / width)

    def multiple(length):
        rounded = int(np.round(length / 14) * 14)
        return int(np.ceil(length / 14) * 14) if rounded < size else rounded

    to = multiple(scale * width), multiple(scale * height)
    resized = cv2.resize(picture / 255.0, to, interpolation=cv2.INTER_CUBIC)
    return {"image": planes((resized - MEAN) / STD)}


def metric3d_fit(picture, height, width):
    scale = min(height / picture.shape[0], width / picture.shape[1])
    size = int(picture.shape[1] * scale), int(picture.shape[0] * scale)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    return scale, size, top, left


def metric3d_inputs(picture, height, width):
    _, size, top, left = metric3d_fit(picture, height, width)
    resized = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
    padded = cv2.copyMakeBorder(resized, top, height - size[1] - top, left, width - size[0] - left, cv2.BORDER_CONSTANT,
                                value=[123.675, 116.28, 103.53])
    return {"image": planes((padded - np.array([123.675, 116.28, 103.53])) / np.array([58.395, 57.12, 57.375]))}


def pixels_of(network, role="image"):
    return network.signature["inputs"][role][2:]


# --- answers, as upstream makes them -----------------------------------------------------------------------------------------------


def iou(a, b):
    left, top = np.maximum(a[:2], b[:2])
    right, bottom = np.minimum(a[2:], b[2:])
    shared = max(0, right - left) * max(0, bottom - top)
    area = lambda box: (box[2] - box[0]) * (box[3] - box[1])
    return shared / (area(a) + area(b) - shared) if shared else 0.0


def clipped(boxes, picture):
    height, width = picture.shape[:2]
    return np.clip(boxes, 0, [width, height, width, height])


def yolox_answer(outputs, picture, height, width, score=0.3, nms=0.45, most=100):
    """demo_postprocess of yolox/utils/demo_utils.py, then argmax and per-class suppression as yolox/utils/boxes.py."""
    output = outputs["output"][0].astype(np.float64)
    grids, strides = [], []
    for stride in (8, 16, 32):
        xs, ys = np.meshgrid(np.arange(width // stride), np.arange(height // stride))
        grids.append(np.stack((xs, ys), 2).reshape(-1, 2))
        strides.append(np.full((len(grids[-1]), 1), stride))
    grids, strides = np.concatenate(grids), np.concatenate(strides)
    centres, sides = (output[:, :2] + grids) * strides, np.exp(output[:, 2:4]) * strides
    ratio = min(height / picture.shape[0], width / picture.shape[1])
    boxes = np.concatenate([centres - sides / 2, centres + sides / 2], 1) / ratio
    classes = output[:, 5:].argmax(1)
    scores = output[:, 4] * output[:, 5:].max(1)
    kept = []
    for at in np.argsort(-scores, kind="stable"):
        if scores[at] >= score and not any(classes[k] == classes[at] and iou(boxes[k], boxes[at]) > nms for k in kept):
            kept.append(at)
    kept = kept[:most]
    return classes[kept], scores[kept], clipped(boxes[kept], picture)


def detr_answer(outputs, picture, score):
    """post_process_object_detection of transformers' DetrImageProcessor."""
    logits, boxes = outputs["logits"][0].astype(np.float64), outputs["boxes"][0].astype(np.float64)
    parts = np.exp(logits - logits.max(1, keepdims=True))
    parts = (parts / parts.sum(1, keepdims=True))[:, :-1]
    height, width = picture.shape[:2]
    corners = np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], 1)
    corners *= [width, height, width, height]
    order = [at for at in np.argsort(-parts.max(1), kind="stable") if parts[at].max() >= score]
    return parts.argmax(1)[order], parts.max(1)[order], clipped(corners[order], picture)


def rtdetr_answer(outputs, picture, score):
    scores = outputs["scores"][0]
    order = [at for at in np.argsort(-scores, kind="stable") if scores[at] >= score]
    return outputs["labels"][0][order], scores[order], clipped(outputs["boxes"][0][order], picture)


def mask_answer(outputs, picture, box, margin):
    """The best mask, grown as torch's interpolate(align_corners=False), which OpenCV's INTER_LINEAR is in floats."""
    best = outputs["iou_predictions"][0].argmax()
    logits = outputs["masks"][0, best]
    height, width = picture.shape[:2]
    mask = cv2.resize(logits, (width, height), interpolation=cv2.INTER_LINEAR) > 0
    x0, y0, x1, y1 = box
    across, down = margin * (x1 - x0), margin * (y1 - y0)
    xs, ys = np.arange(width) + 0.5, np.arange(height) + 0.5
    near = np.outer((ys >= y0 - down) & (ys < y1 + down), (xs >= x0 - across) & (xs < x1 + across))
    return mask & near, outputs["iou_predictions"][0, best]


def mask_of_runs(runs, picture):
    ones = np.arange(len(runs)) % 2 == 1
    height, width = picture.shape[:2]
    return np.repeat(ones, runs).reshape(width, height).T


def mask_iou(a, b):
    covered = (a | b).sum()
    return (a & b).sum() / covered if covered else 1.0


def ranged(metres, near, far):
    return np.where((metres >= near) & (metres <= far), metres, 0)


def metric3d_answer(outputs, picture, camera):
    depth = outputs["depth"].squeeze()
    scale, size, top, left = metric3d_fit(picture, *depth.shape)
    depth = depth[top : top + size[1], left : left + size[0]] * (camera[0] * scale / 1000)
    return ranged(np.clip(depth, 0, 300), 0.1, 300)


def relative_answer(outputs, near, far):
    inverse = outputs["inverse_depth"].squeeze().astype(np.float64)
    low, high = (np.percentile(inverse, part, method="lower") for part in (1, 99))
    part = np.clip((inverse - low) / (high - low), 0, 1)
    return 1 / (1 / far + part * (1 / near - 1 / far))


def camera_answer(outputs, picture, height, width):
    """K with the first pixel's centre at (0.5, 0.5), as WildCamera's rays are made, scaled to the picture, then moved by half a pixel."""
    if "intrinsics" in outputs:
        fx, fy, cx, cy = outputs["intrinsics"][0].astype(np.float64)
    else:
        x, y, z = outputs["incidence"][0].astype(np.float64)
        us, vs = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
        fit = lambda ratio, place: np.linalg.lstsq(
            np.stack([ratio.ravel(), np.ones(ratio.size)], 1), place.ravel(), rcond=None
        )[0]
        (fx, cx), (fy, cy) = fit(x / z, us), fit(y / z, vs)
    across, down = picture.shape[1] / width, picture.shape[0] / height
    return np.array([fx * across, fy * down, cx * across - 0.5, cy * down - 0.5])


def down_answer(outputs):
    roll, pitch = (np.radians(float(outputs[role].ravel()[0])) for role in ("roll", "pitch"))
    sin, cos = np.sin(roll), np.cos(roll)
    about_z = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    sin, cos = np.sin(pitch), np.cos(pitch)
    about_x = np.array([[1, 0, 0], [0, cos, sin], [0, -sin, cos]])
    return about_z @ about_x @ [0, 1, 0]


# --- comparing ---------------------------------------------------------------------------------------------------------------------


class Comparison:
    def __init__(self, ours, report, repeat):
        self.ours, self.report, self.repeat = ours, report, repeat
        self.ms = collections.defaultdict(list)

    def inputs(self, name, request, expected):
        """Our inputs, after they have been compared with those expected."""
        answer = self.ours.ask(do="prepare", repeat=self.repeat, **request)
        self.ms[name, "prepare"].append(answer.pop("ms"))
        given = {role: np.load(path) for role, path in answer.items()}
        for role, tensor in expected.items():
            if given[role].shape != tensor.shape:
                self.report.see(name, f"input {role}", np.inf, 1e-4)
                continue
            spread = max(np.ptp(tensor), 1e-9)
            self.report.see(name, f"input {role}", np.abs(given[role] - tensor).max() / spread, 1e-4)
        return given

    def decode(self, name, request, outputs):
        answer = self.ours.ask(do="decode", repeat=self.repeat, outputs=self.ours.save(outputs), **request)
        self.ms[name, "decode"].append(answer.get("ms", np.nan))
        if "invalid" in answer:
            self.report.notes[name].append(f"invalid {answer['invalid']}: {answer['message']}")
        return answer

    def found(self, name, answer, expected, picture, labels):
        classes, scores, boxes = expected
        found = answer.get("found", [])
        self.report.see(name, "number of boxes", abs(len(found) - len(classes)), 0)
        for own, label, score, box in zip(found, classes, scores, boxes):
            self.report.see(name, "labels", own["label"] != labels[int(label)], 0)
            self.report.see(name, "scores", abs(own["score"] - score), 1e-4)
            self.report.see(name, "boxes", np.abs(np.array(own["box"]) - box).max() / max(picture.shape[:2]), 1e-4)

    def metres(self, name, answer, expected):
        own = np.load(answer["metres"]) if "metres" in answer else np.zeros((0, 0))
        if own.shape != expected.shape:
            self.report.see(name, "metres", np.inf, 1e-4)
            return
        self.report.see(name, "metres, relative", (np.abs(own - expected) / np.maximum(expected, 1)).max(), 1e-4)


def resizing(ours, report, draw, rounds):
    """OpenCV's and Pillow's bytes, exactly; OpenCV's cubic floats; through the family that does nothing else."""
    for at in range(rounds):
        from_width, from_height, width, height = (int(side) for side in draw.integers(1, 700 if at % 3 else 60, 4))
        picture = draw.integers(0, 256, (from_height, from_width, 3), dtype=np.uint8)
        path = ours.folder / "random.npy"
        np.save(path, picture)

        def given(resize):
            parameters = f'size = [{height}, {width}]\nscale = 255.0\nresize = "{resize}"'
            answer = ours.ask(do="prepare", family="metric_depth", parameters=parameters, picture=str(path),
                              networks=[{"inputs": {}, "outputs": {}}])
            return np.load(answer["image"])[0].transpose(1, 2, 0)

        linear = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
        report.see("resize linear", "bytes apart from OpenCV", np.abs(given("linear").round() - linear).max(), 0)
        antialiased = pil(picture, width, height)
        report.see("resize antialiased", "bytes apart from Pillow", np.abs(given("antialiased").round() - antialiased).max(), 0)
        cubic = cv2.resize(picture.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC).reshape(height, width, 3)
        report.see("resize cubic", "of the range", np.abs(given("cubic") - cubic).max() / 255, 1e-4)
        floats = [Image.fromarray(picture[:, :, c].astype(np.float32), mode="F") for c in range(3)]
        floats = np.stack([np.asarray(channel.resize((width, height), Image.BILINEAR)) for channel in floats], 2)
        report.see("resize antialiased_float", "of the range", np.abs(given("antialiased_float") - floats).max() / 255, 1e-4)


def detectors(compare, photos, networks, coco, arguments):
    scored = Detections(coco)
    for photo in photos:
        base = {"picture": photo.path}
        nets = [("yolox (contract)", Network(networks / "yolox.onnx"))]
        if arguments.yolox:
            nets.append(("yolox (nano)", Network(arguments.yolox, {"image": "images"})))
        for name, network in nets:
            size = pixels_of(network)
            request = base | {"family": "yolox", "networks": [network.signature]}
            inputs = compare.inputs(name, request, yolox_inputs(photo.pixels, *size))
            outputs = network.run(inputs)
            answer = compare.decode(name, request, outputs)
            compare.found(name, answer, yolox_answer(outputs, photo.pixels, *size), photo.pixels, COCO)
            if "nano" in name:
                scored.add(photo, answer.get("found", []))

        network, name = Network(networks / "detr.onnx"), "detr (contract)"
        parameters = 'labels = ["a", "b", "c"]\nscore = 0.28'
        request = base | {"family": "detr", "parameters": parameters, "networks": [network.signature]}
        expected = {"image": planes((pil(photo.pixels, 64, 64) / 255 - MEAN) / STD), "pixel_mask": np.ones((1, 64, 64))}
        outputs = network.run(compare.inputs(name, request, expected))
        answer = compare.decode(name, request, outputs)
        compare.found(name, answer, detr_answer(outputs, photo.pixels, 0.28), photo.pixels, "abc")

        network, name = Network(networks / "rtdetr.onnx"), "rtdetr (contract)"
        request = base | {"family": "rtdetr", "parameters": 'labels = ["a", "b", "c"]\nscore = 0.3', "networks": [network.signature]}
        size = np.array([photo.pixels.shape[1::-1]])
        expected = {"image": planes(pil(photo.pixels, 64, 64) / 255), "size": size}
        outputs = network.run(compare.inputs(name, request, expected))
        answer = compare.decode(name, request, outputs)
        compare.found(name, answer, rtdetr_answer(outputs, photo.pixels, 0.3), photo.pixels, "abc")
    if arguments.yolox and coco:
        scored.report(compare.report.notes["yolox (nano)"])


class Detections:
    """Greedy matching, best first, at an IoU of 0.5 within a category."""

    def __init__(self, coco):
        self.coco, self.found, self.right, self.objects, self.recalled = coco, 0, 0, 0, 0

    def add(self, photo, found):
        if not self.coco:
            return
        left = [dict(entry) for entry in self.coco.of(photo)]
        self.objects += sum(entry["area"] > 32 * 32 for entry in left)
        for own in found:
            self.found += 1
            own_box = np.array(own["box"])
            alike = [(iou(own_box, entry["xyxy"]), at) for at, entry in enumerate(left) if entry["name"] == own["label"]]
            overlap, at = max(alike, default=(0, None))
            if overlap >= 0.5:
                self.right += 1
                self.recalled += left.pop(at)["area"] > 32 * 32

    def report(self, notes):
        notes.append(f"COCO, IoU 0.5: {self.recalled} of {self.objects} objects over 32 x 32 pixels found"
                     f" ({self.recalled / max(self.objects, 1):.3f}); {self.right} of {self.found} boxes right"
                     f" ({self.right / max(self.found, 1):.3f})")


def depths(compare, photos, networks, arguments):
    camera = [600.0, 590.0, 320.0, 240.0]
    for photo in photos:
        base = {"picture": photo.path, "camera": camera}
        nets = [("metric_depth (contract)", Network(networks / "metric_depth.onnx"), "")]
        if arguments.fastdepth:
            nets.append(("metric_depth (fastdepth)", Network(arguments.fastdepth, {"image": "0", "depth": "350"}), "min_readings = 0.0"))
        for name, network, parameters in nets:
            height, width = pixels_of(network)
            request = base | {"family": "metric_depth", "parameters": parameters, "networks": [network.signature]}
            expected = {"image": planes(cv2.resize(photo.pixels, (width, height), interpolation=cv2.INTER_LINEAR) / 255)}
            outputs = network.run(compare.inputs(name, request, expected))
            expected = ranged(outputs["depth"].squeeze(), 0.1, 100)
            compare.metres(name, compare.decode(name, request, outputs), expected)

        nets = [("relative_depth (contract)", Network(networks / "relative_depth.onnx"), 1.0)]
        if arguments.tcmonodepth:
            roles = {"image": "input", "inverse_depth": "output"}
            nets.append(("relative_depth (tcmonodepth)", Network(arguments.tcmonodepth, roles), 255.0))
        for name, network, scale in nets:
            height, width = pixels_of(network)
            parameters = f"near_m = 1.0\nfar_m = 8.0\nscale = {scale}"
            request = base | {"family": "relative_depth", "parameters": parameters, "networks": [network.signature]}
            resized = cv2.resize(photo.pixels, (width, height), interpolation=cv2.INTER_LINEAR)
            outputs = network.run(compare.inputs(name, request, {"image": planes(resized / 255 * scale)}))
            compare.metres(name, compare.decode(name, request, outputs), relative_answer(outputs, 1, 8))

        network, name = Network(networks / "depth_anything.onnx"), "depth_anything (contract)"
        request = base | {"family": "depth_anything", "networks": [network.signature]}
        outputs = network.run(compare.inputs(name, request, depth_anything_inputs(photo.pixels)))
        compare.metres(name, compare.decode(name, request, outputs), ranged(outputs["depth"].squeeze(), 0.1, 80))

        network, name = Network(networks / "metric3d.onnx"), "metric3d (contract)"
        request = base | {"family": "metric3d", "networks": [network.signature]}
        outputs = network.run(compare.inputs(name, request, metric3d_inputs(photo.pixels, *pixels_of(network))))
        compare.metres(name, compare.decode(name, request, outputs), metric3d_answer(outputs, photo.pixels, camera))


def cameras(compare, photos, networks):
    for photo in photos:
        for which in ("incidence", "intrinsics"):
            network, name = Network(networks / f"{which}.onnx"), f"incidence ({which}, contract)"
            height, width = pixels_of(network)
            request = {"picture": photo.path, "family": "incidence", "networks": [network.signature]}
            expected = {"image": planes((pil(photo.pixels, width, height) / 255 - MEAN) / STD)}
            outputs = network.run(compare.inputs(name, request, expected))
            answer = compare.decode(name, request, outputs).get("camera", np.inf)
            apart = np.abs(np.array(answer) - camera_answer(outputs, photo.pixels, height, width)).max()
            compare.report.see(name, "pixels", apart, 1e-3)

        network, name = Network(networks / "perspective.onnx"), "perspective (contract)"
        height, width = pixels_of(network)
        request = {"picture": photo.path, "family": "perspective", "networks": [network.signature]}
        bgr = pil(photo.pixels, width, height)[:, :, ::-1]
        outputs = network.run(compare.inputs(name, request, {"image": planes(bgr - np.array([103.53, 116.28, 123.675]))}))
        answer = compare.decode(name, request, outputs).get("down", np.inf)
        compare.report.see(name, "direction", np.abs(np.array(answer) - down_answer(outputs)).max(), 1e-6)


def segmenters(compare, photos, networks, coco, arguments):
    draw = np.random.default_rng(1)
    nets = [
        ("sam2 (contract)", "sam2", Network(networks / "sam2_encoder.onnx"), Network(networks / "sam2_decoder.onnx")),
        ("sam (contract)", "sam", Network(networks / "sam_encoder.onnx"), Network(networks / "sam_decoder.onnx")),
    ]
    if arguments.sam2:
        nets.append(("sam2 (hiera tiny)", "sam2", *(Network(path) for path in arguments.sam2)))
    for name, family, encoder, decoder in nets:
        masks = Masks()
        for photo in photos[: arguments.encoder_limit if "hiera" in name else None]:
            height, width = photo.pixels.shape[:2]
            side = pixels_of(encoder)[0]
            request = {"family": family, "picture": photo.path, "networks": [encoder.signature, decoder.signature]}
            expected = sam_inputs(photo.pixels, side) if family == "sam" else {"image": torchvision_inputs(photo.pixels, side, side)}
            embedding = encoder.run(compare.inputs(name, request, expected))
            saved = compare.ours.save(embedding)
            if "hiera" in name and coco:
                entries = coco.of(photo)
            else:
                corners = np.sort(draw.uniform(0, 1, (3, 2, 2)), 1) * [width, height]
                entries = [{"xyxy": corner.ravel()} for corner in corners if (corner[1] - corner[0] > 12).all()]
            for entry in entries:
                box = entry["xyxy"]
                prompt = compare.ours.ask(do="prompt", outputs=saved, box=list(box), **request)
                prompt.pop("ms")
                prompt = {role: np.load(path) for role, path in prompt.items()}
                scale = np.array([side / width, side / height] * 2) if family == "sam2" else side / max(width, height)
                if family == "sam":
                    # Sides are rounded, and corners go to the rounded picture (apply_coords of utils/transforms.py).
                    scale = np.array([int(length * scale + 0.5) / length for length in (width, height)] * 2)
                apart = np.abs(prompt["point_coords"].ravel() - box * scale).max() / side
                compare.report.see(name, "input point_coords", apart, 1e-4)
                outputs = decoder.run(prompt)
                expected, score = mask_answer(outputs, photo.pixels, box, 0.1)
                answer = compare.decode(name, request | {"box": list(box)}, outputs)
                if "runs" not in answer:
                    compare.report.see(name, "1 - IoU of masks", expected.any() and answer["invalid"] != "full_mask", 1e-3)
                    continue
                own = mask_of_runs(answer["runs"], photo.pixels)
                compare.report.see(name, "1 - IoU of masks", 1 - mask_iou(own, expected), 1e-3)
                compare.report.see(name, "score", abs(answer["score"] - min(score, 1)), 1e-4)
                if "area" in entry:
                    whole = mask_answer(outputs, photo.pixels, box, np.inf)[0]
                    masks.add(entry, coco.mask(entry), own, whole)
        masks.report(compare.report.notes[name])


class Masks:
    """IoU with COCO's masks, by COCO's sizes."""

    def __init__(self):
        self.ious = collections.defaultdict(list)

    def add(self, entry, truth, own, whole):
        size = "small" if entry["area"] < 32**2 else "medium" if entry["area"] < 96**2 else "large"
        self.ious[size].append((mask_iou(own, truth), mask_iou(whole, truth)))

    def report(self, notes):
        everything = [pair for size in ("small", "medium", "large") for pair in self.ious[size]]
        for size, pairs in [*((size, self.ious[size]) for size in ("small", "medium", "large")), ("all", everything)]:
            if pairs:
                own, whole = np.mean(pairs, 0)
                notes.append(f"COCO, {size}: mean IoU {own:.4f} with a margin of 0.1, {whole:.4f} without, of {len(pairs)}")


class Coco:
    def __init__(self, path):
        data = json.loads(pathlib.Path(path).read_text())
        names = {category["id"]: category["name"] for category in data["categories"]}
        self.sizes = {image["id"]: (image["height"], image["width"]) for image in data["images"]}
        self.ids = {pathlib.Path(image["file_name"]).stem: image["id"] for image in data["images"]}
        self.entries = collections.defaultdict(list)
        for entry in data["annotations"]:
            x, y, width, height = entry["bbox"]
            if not entry["iscrowd"] and width >= 1 and height >= 1:
                entry |= {"xyxy": np.array([x, y, x + width, y + height]), "name": names[entry["category_id"]]}
                self.entries[entry["image_id"]].append(entry)

    def of(self, photo):
        return self.entries[self.ids.get(photo.stem)]

    def mask(self, entry):
        from pycocotools import mask

        height, width = self.sizes[entry["image_id"]]
        return mask.decode(mask.merge(mask.frPyObjects(entry["segmentation"], height, width))).astype(bool)


COCO = (
    "person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,stop sign,parking meter,bench,bird,cat,dog,"
    "horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,handbag,tie,suitcase,frisbee,skis,snowboard,sports ball,kite,"
    "baseball bat,baseball glove,skateboard,surfboard,tennis racket,bottle,wine glass,cup,fork,knife,spoon,bowl,banana,apple,sandwich,"
    "orange,broccoli,carrot,hot dog,pizza,donut,cake,chair,couch,potted plant,bed,dining table,toilet,tv,laptop,mouse,remote,keyboard,"
    "cell phone,microwave,oven,toaster,sink,refrigerator,book,clock,vase,scissors,teddy bear,hair drier,toothbrush"
).split(",")

Photo = collections.namedtuple("Photo", "stem path pixels")


def photos_of(folder, into, limit):
    """The photos of a folder as bytes that both sides read, so that no two decoders of JPEG matter."""
    for file in sorted(file for file in folder.iterdir() if file.suffix in (".jpg", ".png"))[:limit]:
        pixels = np.asarray(Image.open(file).convert("RGB"))
        path = into / f"{file.stem}.npy"
        np.save(path, pixels)
        yield Photo(file.stem, str(path), pixels)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("families", help="the built example")
    parser.add_argument("networks", type=pathlib.Path, help="the folder of contract networks")
    parser.add_argument("photos", type=pathlib.Path, help="a folder of .jpg and .png")
    parser.add_argument("--yolox"), parser.add_argument("--fastdepth"), parser.add_argument("--tcmonodepth")
    parser.add_argument("--sam2", nargs=2, metavar=("ENCODER", "DECODER"))
    parser.add_argument("--coco", help="COCO's instances of the photos")
    parser.add_argument("--limit", type=int, help="photos")
    parser.add_argument("--encoder-limit", type=int, help="photos for the real SAM2, which takes seconds each")
    parser.add_argument("--resizes", type=int, default=200, help="random sizes")
    parser.add_argument("--repeat", type=int, default=1, help="runs, of which the shortest is reported")
    arguments = parser.parse_args()
    coco = Coco(arguments.coco) if arguments.coco else None
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(arguments.families, pathlib.Path(folder))
        compare = Comparison(ours, report, arguments.repeat)
        photos = list(photos_of(arguments.photos, pathlib.Path(folder), arguments.limit))
        resizing(ours, report, np.random.default_rng(0), arguments.resizes)
        detectors(compare, photos, arguments.networks, coco, arguments)
        depths(compare, photos, arguments.networks, arguments)
        cameras(compare, photos, arguments.networks)
        segmenters(compare, photos, arguments.networks, coco, arguments)
    for (name, what), ms in compare.ms.items():
        report.notes[name].append(f"{what} {np.nanmedian(ms):.2f} ms, the median of {len(ms)}")
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
