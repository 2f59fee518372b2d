"""Turns SUN RGB-D, as VoteNet's MATLAB scripts extract it, into the `rgbd` layout.

    python tests/oracle/sunrgbd_to_rgbd.py sunrgbd_trainval OUT [--labels label_v1] [--masks] [--look]

Needs numpy, scipy, pillow and (with --masks) pycocotools. OUT then imports with

    [[source]]
    name = "sunrgbd"
    kind = "rgbd"
    root = "OUT"

Each image is a scene of its own. Its world is the "upright depth" frame of SUN RGB-D: x right, y forward, z up, origin at
the camera. Facts that this rests on, each seen on the files:

* `calib/<n>.txt` holds Rtilt and K, both column by column. Points and boxes are in the upright frame; Rtilt takes the
  tilted frame (camera axes in the order x right, y forward, z up) into it.
* Points were made from a depth image whose top left pixel is (1, 1): the projected points lie on whole pixels, and their
  colours equal the image's at (u - 1, v - 1). So the principal point is K's less one, and so are the 2D boxes' corners.
* A label line is: category, 2D box x y w h, centre x y z, half width, half length, half height, and the direction (x, y)
  of the box's length in the ground plane.

--masks leaves the 3D boxes out and instead marks the pixels whose points lie inside them, so that lifting from depth can be
compared with the annotated boxes. --look also draws boxes and masks into OUT/<n>/look.png.
"""

import argparse
import json
import pathlib

import numpy as np
from PIL import Image, ImageDraw

# Camera axes (x right, y down, z forward) of the tilted frame (x right, y forward, z up).
CAMERA_FROM_TILTED = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], float)


def calibration(path):
    """world_from_camera (rotation) and K for pixels that count from zero."""
    rtilt, k = path.read_text().split("\n")[:2]
    rtilt = np.array(rtilt.split(), float).reshape(3, 3, order="F")
    k = np.array(k.split(), float).reshape(3, 3, order="F")
    k[:2, 2] -= 1
    return rtilt @ CAMERA_FROM_TILTED.T, k


def labels(path):
    for line in path.read_text().splitlines():
        category, *numbers = line.split()
        x, y, w, h, cx, cy, cz, half_width, half_length, half_height, ox, oy = map(float, numbers)
        along = np.array([ox, oy, 0.0]) / np.hypot(ox, oy)
        across = np.array([-along[1], along[0], 0.0])
        yield {
            "category": category,
            "bbox": [x - 1, y - 1, w, h],
            "centre": np.array([cx, cy, cz]),
            "axes": np.array([along, across, [0.0, 0.0, 1.0]]),
            "lengths": 2 * np.array([half_length, half_width, half_height]),
        }


def project(points, rotation, k):
    camera = points @ rotation
    pixels = camera @ k.T
    return pixels[:, :2] / pixels[:, 2:], camera[:, 2]


def depth_image(points, rotation, k, width, height):
    """Millimetres, and for each pixel the number of its point, or -1."""
    pixels, z = project(points, rotation, k)
    u, v = np.rint(pixels).astype(int).T
    off = np.abs(pixels - np.stack([u, v], 1)).max()
    assert off < 0.05, f"points do not lie on pixels: {off} away"
    inside = (0 <= u) & (u < width) & (0 <= v) & (v < height) & (z > 0)
    # The nearest point of a pixel is written last.
    order = np.argsort(-z[inside], kind="stable")
    index = np.flatnonzero(inside)[order]
    millimetres = np.zeros((height, width), np.uint16)
    owner = np.full((height, width), -1)
    millimetres[v[index], u[index]] = np.clip(np.rint(1000 * z[index]), 0, 65535)
    owner[v[index], u[index]] = index
    return millimetres, owner


def inside_box(points, label):
    local = (points - label["centre"]) @ label["axes"].T
    return (np.abs(local) <= label["lengths"] / 2).all(1)


def look(image, found, masks, rotation, k, path):
    drawn = image.convert("RGB")
    for (number, label), colour in zip(enumerate(found), ["red", "lime", "cyan", "yellow", "magenta", "orange", "white"] * 9):
        if masks:
            tint = Image.new("RGB", drawn.size, colour)
            drawn.paste(tint, mask=Image.fromarray((masks[number] * 110).astype(np.uint8)))
        pen = ImageDraw.Draw(drawn)
        signs = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)])
        corners = label["centre"] + (signs * label["lengths"] / 2) @ label["axes"]
        pixels, z = project(corners, rotation, k)
        for i in range(8):
            for j in range(i):
                if np.abs(signs[i] - signs[j]).sum() == 2 and min(z[i], z[j]) > 0.1:
                    pen.line([tuple(pixels[i]), tuple(pixels[j])], fill=colour, width=2)
        # The side towards which the length points.
        front = label["centre"] + label["axes"][0] * label["lengths"][0] / 2
        ends, _ = project(np.stack([label["centre"], front]), rotation, k)
        pen.line([tuple(ends[0]), tuple(ends[1])], fill=colour, width=4)
        x, y, w, h = label["bbox"]
        pen.rectangle([x, y, x + w, y + h], outline=colour)
        pen.text(tuple(ends[0]), label["category"], fill=colour)
    drawn.save(path)


def convert(source, name, out, arguments):
    image = Image.open(source / "image" / f"{name}.jpg")
    width, height = image.size
    rotation, k = calibration(source / "calib" / f"{name}.txt")
    found = list(labels(source / arguments.labels / f"{name}.txt"))

    (out / "color").mkdir(parents=True, exist_ok=True)
    (out / "color" / f"{name}.jpg").write_bytes((source / "image" / f"{name}.jpg").read_bytes())
    np.savetxt(out / "intrinsics.txt", k, fmt="%.6g")
    (out / "pose").mkdir(exist_ok=True)
    pose = np.eye(4)
    pose[:3, :3] = rotation
    np.savetxt(out / "pose" / f"{name}.txt", pose, fmt="%.9g")

    masks = []
    points = source / "depth" / f"{name}.mat"
    if points.exists():
        import scipy.io

        points = scipy.io.loadmat(points)["instance"][:, :3].astype(float)
        millimetres, owner = depth_image(points, rotation, k, width, height)
        (out / "depth").mkdir(exist_ok=True)
        Image.fromarray(millimetres).save(out / "depth" / f"{name}.png")
        if arguments.masks:
            masks = [(owner >= 0) & inside_box(points, label)[owner] for label in found]

    categories = sorted({label["category"] for label in found})
    annotations = []
    for number, label in enumerate(found):
        x, y, w, h = label["bbox"]
        x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + w, width), min(y + h, height)
        annotation = {"id": number, "image_id": 1, "category_id": categories.index(label["category"]), "iscrowd": 0}
        if not masks:
            annotation["bbox"] = [x0, y0, x1 - x0, y1 - y0]
        elif masks[number].any():
            from pycocotools import mask

            runs = mask.encode(np.asfortranarray(masks[number].astype(np.uint8)))
            annotation["segmentation"] = {"size": runs["size"], "counts": runs["counts"].decode()}
        annotations.append(annotation)
    document = {
        "images": [{"id": 1, "file_name": f"{name}.jpg", "width": width, "height": height}],
        "annotations": annotations,
        "categories": [{"id": i, "name": category} for i, category in enumerate(categories)],
    }
    (out / "annotations.json").write_text(json.dumps(document))
    if not arguments.masks:
        boxes = [
            {
                "id": number,
                "category": label["category"],
                "centroid": label["centre"].tolist(),
                "axesLengths": label["lengths"].tolist(),
                "normalizedAxes": label["axes"].ravel().tolist(),
            }
            for number, label in enumerate(found)
        ]
        (out / "boxes.json").write_text(json.dumps({"frame": "world", "boxes": boxes}))
    if arguments.look:
        look(image, found, masks, rotation, k, out / "look.png")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--labels", default="label", help="label (default; version 2) or label_v1")
    parser.add_argument("--masks", action="store_true")
    parser.add_argument("--look", action="store_true")
    arguments = parser.parse_args()
    for image in sorted((arguments.source / "image").glob("*.jpg")):
        convert(arguments.source, image.stem, arguments.out / image.stem, arguments)


if __name__ == "__main__":
    main()
