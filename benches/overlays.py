"""B3: marks drawn on photos, JPEG bytes to JPEG bytes, against OpenCV with libjpeg-turbo and against Pillow. One core each.

    pip install numpy opencv-python-headless pillow simplejpeg
    cargo build --release -p spatialmill-drawing --example overlays
    python benches/overlays.py target/release/examples/overlays <folder of photos> <instances.json> [photos] [runs]

Photos and instances are COCO's. Each photo is scaled to 640 and to 1920 pixels, saved with quality 90 and 4:2:0, and
its two largest things get marks: a box with casing, a tint with an edge, or a number in a badge. `1` is a photo
decoded, marked with one kind and encoded (quality 90, 4:2:0), the mean over the three kinds; `3` is a photo decoded
once and three pictures made of it. Everybody starts with bytes in memory and ends with bytes in memory; runs are
interleaved, medians are shown.

What is isolated is the codec and the drawing. The others are spared what would make them slower than they have to be:
masks come to them as polygons and only their bounding boxes are blended, lines are not anti-aliased by OpenCV, and
nobody decodes a picture again for its second mark unless it says so. Pictures of which more differs from ours than the
edges of marks are reported.
"""

import io
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import cv2
import numpy as np
import simplejpeg
from PIL import Image, ImageDraw, ImageFont

cv2.setNumThreads(1)
KINDS = ["box", "mask", "number"]
COLOURS = {"red": (205, 13, 15), "cyan": (46, 255, 252)}
CONTRAST = {"red": (255, 255, 255), "cyan": (0, 0, 0)}


def main(executable, photos, instances, count="12", runs="7"):
    with tempfile.TemporaryDirectory() as folder:
        print(f"{'ms a photo':26}{'ours':>9}{'turbo':>9}{'cv2':>9}{'Pillow':>9}   turbo / ours, Pillow / ours")
        for width in (640, 1920):
            prepared = prepare(pathlib.Path(folder) / str(width), photos, instances, width, int(count))
            measure(executable, prepared, width, int(runs))


def prepare(folder, photos, instances, width, count):
    """Scaled photos with their marks beside them, and what Python needs of both."""
    folder.mkdir()
    annotations = json.loads(pathlib.Path(instances).read_text())
    things = {}
    for thing in annotations["annotations"]:
        if not thing["iscrowd"]:
            things.setdefault(thing["image_id"], []).append(thing)
    prepared = []
    for image in sorted(annotations["images"], key=lambda image: image["id"]):
        path = pathlib.Path(photos) / image["file_name"]
        largest = sorted(things.get(image["id"], []), key=lambda thing: -thing["area"])[:2]
        if len(largest) < 2 or not path.exists() or len(prepared) == count:
            continue
        photo = Image.open(path).convert("RGB")
        scale = width / photo.width
        photo = photo.resize((width, round(photo.height * scale)), Image.LANCZOS)
        name = folder / path.stem
        photo.save(name.with_suffix(".jpg"), quality=90, subsampling="4:2:0")
        marks, lines = [], []
        for number, (colour, thing) in enumerate(zip(COLOURS, largest), 1):
            polygons = [[v * scale for v in polygon] for polygon in thing["segmentation"]]
            x, y, w, h = (v * scale for v in thing["bbox"])
            mark = dict(colour=colour, box=(x, y, x + w, y + h), number=number, room=min(w, h) / 3)
            mark["polygons"] = [np.array(polygon).reshape(-1, 2) for polygon in polygons]
            marks.append(mark)
            lines.append(f"box {colour} {x} {y} {x + w} {y + h}")
            lines.append(f"mask {colour} " + " ".join(",".join(map(str, polygon)) for polygon in polygons))
            lines.append(f"number {colour} {number} {x + w / 2} {y + h / 2} {mark['room']}")
        name.with_suffix(".marks").write_text("\n".join(lines) + "\n")
        prepared.append((name, name.with_suffix(".jpg").read_bytes(), marks))
    return folder, prepared


def measure(executable, prepared, width, runs):
    folder, photos = prepared
    child = subprocess.Popen([executable, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ours(task):
        child.stdin.write(task + "\n")
        child.stdin.flush()
        return float(child.stdout.readline())

    def theirs(engine, task):
        decode, draw, encode = engine
        start = time.perf_counter()
        for _, jpeg, marks in photos:
            picture = decode(jpeg)
            if task == "all":
                for kind in KINDS:
                    encode(draw[kind](picture.copy(), marks))
            elif task != "decode":
                encode(draw[task](picture, marks))
        return time.perf_counter() - start

    engines = {"turbo": TURBO, "cv2": OPENCV, "Pillow": PILLOW}
    ours("save")
    for engine, (decode, draw, encode) in engines.items():
        compare(engine, photos, decode, draw, encode)
    tasks = ["decode", *KINDS, "all"]
    times = {(engine, task): [] for engine in ["ours", *engines] for task in tasks}
    for _ in range(runs + 1):
        for task in tasks:
            times["ours", task].append(ours(task))
            for name, engine in engines.items():
                times[name, task].append(theirs(engine, task))
    # The first run warms up. Milliseconds a photo.
    ms = {key: statistics.median(value[1:]) * 1000 / len(photos) for key, value in times.items()}
    for engine in ["ours", *engines]:
        ms[engine, "1"] = statistics.mean(ms[engine, kind] for kind in KINDS)
        ms[engine, "3 x 1"] = 3 * ms[engine, "1"]
    for task in [*tasks[:-1], "1", "all", "3 x 1"]:
        own = ms["ours", "all" if task == "3 x 1" else task]
        row = [own, *(ms[engine, task] for engine in engines)]
        label = {"all": "3", "3 x 1": "3, they decode 3 x"}.get(task, task)
        print(f"{width:<6}{label:>20}" + "".join(f"{v:9.2f}" for v in row), f"  {row[1] / own:.2f} {row[3] / own:.2f}")
    child.stdin.close()
    child.wait()


def compare(engine, photos, decode, draw, encode):
    for name, jpeg, marks in photos:
        for kind in KINDS:
            path = name.with_suffix(f".{kind}.jpg")
            mine, other = Image.open(path), Image.open(io.BytesIO(encode(draw[kind](decode(jpeg), marks))))
            like = [(image.size, image.quantization, [layer[1:] for layer in image.layer]) for image in (mine, other)]
            assert like[0] == like[1], path
            away = np.abs(np.asarray(mine, np.int16) - np.asarray(other, np.int16)).max(axis=2)
            # Edges are drawn where each engine draws them; all else is the same.
            if (share := (away > 24).mean()) > 0.06:
                print(f"{engine}: {share:.0%} of {path.name} differ")


def sizes(picture_height, picture_width, room):
    unit = max((min(picture_height, picture_width) / 480) ** 0.75, 0.6)
    return max(round(4 * unit), 1), max(round(unit), 1), round(min(max(room * 0.6, 12 * unit), 18 * unit))


def around(box, width, height, outwards, inset):
    """Where a line around a box goes: outwards, but not out of the picture."""
    x0, y0, x1, y1 = box
    near = max(x0 - outwards, inset), max(y0 - outwards, inset)
    far = min(x1 + outwards, width - 1 - inset), min(y1 + outwards, height - 1 - inset)
    return [round(v) for v in (*near, *far)]


def cv2_box(image, marks):
    line, casing, _ = sizes(*image.shape[:2], 0)
    for mark in marks:
        x0, y0, x1, y1 = around(mark["box"], image.shape[1], image.shape[0], line / 2, line / 2 + casing)
        cv2.rectangle(image, (x0, y0), (x1, y1), CONTRAST[mark["colour"]], line + 2 * casing)
        cv2.rectangle(image, (x0, y0), (x1, y1), COLOURS[mark["colour"]][::-1], line)
    return image


def cv2_mask(image, marks):
    line, casing, _ = sizes(*image.shape[:2], 0)
    for mark in marks:
        polygons = [polygon.round().astype(np.int32) for polygon in mark["polygons"]]
        x, y, w, h = cv2.boundingRect(np.concatenate(polygons))
        part = image[y : y + h, x : x + w]
        tinted = part.copy()
        cv2.fillPoly(tinted, polygons, COLOURS[mark["colour"]][::-1], offset=(-x, -y))
        cv2.addWeighted(tinted, 0.45, part, 0.55, 0, dst=part)
        cv2.polylines(image, polygons, True, CONTRAST[mark["colour"]], line // 2 + 2 * casing)
        cv2.polylines(image, polygons, True, COLOURS[mark["colour"]][::-1], line // 2)
    return image


def cv2_number(image, marks):
    for mark in marks:
        _, casing, radius = sizes(*image.shape[:2], mark["room"])
        x0, y0, x1, y1 = mark["box"]
        centre, text = (round((x0 + x1) / 2), round((y0 + y1) / 2)), str(mark["number"])
        cv2.circle(image, centre, radius + casing, CONTRAST[mark["colour"]], -1, cv2.LINE_AA)
        cv2.circle(image, centre, radius, COLOURS[mark["colour"]][::-1], -1, cv2.LINE_AA)
        scale = radius / 18
        (w, h), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 2 * casing)
        place = (centre[0] - w // 2, centre[1] + h // 2)
        ink = CONTRAST[mark["colour"]]
        cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, ink, 2 * casing, cv2.LINE_AA)
    return image


def pillow_box(image, marks):
    line, casing, _ = sizes(image.height, image.width, 0)
    draw = ImageDraw.Draw(image)
    for mark in marks:
        x0, y0, x1, y1 = around(mark["box"], image.width, image.height, line, casing)
        wide = (x0 - casing, y0 - casing, x1 + casing, y1 + casing)
        draw.rectangle(wide, outline=CONTRAST[mark["colour"]], width=line + 2 * casing)
        draw.rectangle((x0, y0, x1, y1), outline=COLOURS[mark["colour"]], width=line)
    return image


def pillow_mask(image, marks):
    line, casing, _ = sizes(image.height, image.width, 0)
    draw = ImageDraw.Draw(image)
    for mark in marks:
        x0, y0, x1, y1 = (round(v) for v in mark["box"])
        tint = Image.new("L", (x1 - x0, y1 - y0))
        for polygon in mark["polygons"]:
            ImageDraw.Draw(tint).polygon([(x - x0, y - y0) for x, y in polygon], fill=115)
        image.paste(COLOURS[mark["colour"]], (x0, y0, x1, y1), tint)
        for polygon in mark["polygons"]:
            around = [tuple(point) for point in [*polygon, polygon[0]]]
            draw.line(around, fill=CONTRAST[mark["colour"]], width=line // 2 + 2 * casing)
            draw.line(around, fill=COLOURS[mark["colour"]], width=line // 2)
    return image


def pillow_number(image, marks):
    draw = ImageDraw.Draw(image)
    for mark in marks:
        _, casing, radius = sizes(image.height, image.width, mark["room"])
        x0, y0, x1, y1 = mark["box"]
        x, y = (x0 + x1) / 2, (y0 + y1) / 2
        for by, colour in ((radius + casing, CONTRAST), (radius, COLOURS)):
            draw.ellipse((x - by, y - by, x + by, y + by), fill=colour[mark["colour"]])
        if radius not in FONTS:
            FONTS[radius] = ImageFont.load_default(size=round(radius * 1.6))
        draw.text((x, y), str(mark["number"]), fill=CONTRAST[mark["colour"]], font=FONTS[radius], anchor="mm")
    return image


def pillow_decode(jpeg):
    image = Image.open(io.BytesIO(jpeg))
    image.load()
    return image


def pillow_encode(image):
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90, subsampling="4:2:0")
    return out.getvalue()


FONTS = {}
DRAW_CV2 = {"box": cv2_box, "mask": cv2_mask, "number": cv2_number}
OPTIONS = [cv2.IMWRITE_JPEG_QUALITY, 90, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420]
TURBO = (
    lambda jpeg: simplejpeg.decode_jpeg(jpeg, "BGR"),
    DRAW_CV2,
    lambda image: simplejpeg.encode_jpeg(image, quality=90, colorspace="BGR", colorsubsampling="420"),
)
OPENCV = (
    lambda jpeg: cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR),
    DRAW_CV2,
    lambda image: cv2.imencode(".jpg", image, OPTIONS)[1].tobytes(),
)
PILLOW = (pillow_decode, {"box": pillow_box, "mask": pillow_mask, "number": pillow_number}, pillow_encode)

if __name__ == "__main__":
    main(*sys.argv[1:])
