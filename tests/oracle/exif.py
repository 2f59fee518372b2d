"""Compares what spatialmill makes of turned photos with Pillow: photos in all eight EXIF orientations, JPEG and PNG, in colour,
grey, CMYK, 16 bit, palette and with alpha, as files, in a tar and in Parquet files with and without a page index. For each, the
size of the frame, its SHA-256, its focal length and the mean colours of a grid of boxes on its upright pixels.

    python tests/oracle/exif.py SPATIALMILL

Needs Pillow, NumPy and PyArrow; makes its files in a temporary folder.
"""

import hashlib
import io
import json
import math
import pathlib
import subprocess
import sys
import tarfile
import tempfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageOps
from PIL.TiffImagePlugin import IFDRational

ORIENTATION, CAMERA = 0x0112, 0x8769
FILM, FOCAL, WIDTH, HEIGHT, X_RESOLUTION, Y_RESOLUTION, UNIT = 0xA405, 0x920A, 0xA002, 0xA003, 0xA20E, 0xA20F, 0xA210
GRID = 4


def picture(draw, mode):
    width, height = 160, 96
    smooth = Image.fromarray(draw.integers(0, 256, (4, 6, 3), dtype=np.uint8)).resize((width, height), Image.BICUBIC)
    if mode == "I;16":
        return Image.fromarray(np.asarray(smooth.convert("L"), np.uint16) * 257)
    if mode == "RGBA":
        smooth.putalpha(smooth.convert("L").transpose(Image.FLIP_LEFT_RIGHT))
    return smooth.convert(mode)


def cameras(size):
    """Notes on the focal length, and what they mean in pixels of the upright picture."""
    width, height = size
    diagonal = math.hypot(width, height)
    yield {}, None
    yield {FILM: 26}, 26 / math.hypot(36, 24) * diagonal
    yield {FILM: 0}, None
    yield {FILM: 3}, None
    sensor = {FOCAL: IFDRational(42, 10), WIDTH: 4 * width, HEIGHT: 4 * height, X_RESOLUTION: IFDRational(4000, 1), UNIT: 2}
    yield sensor, 4.2 * 4000 / 25.4 / 4
    yield {**sensor, Y_RESOLUTION: IFDRational(4000, 1), UNIT: 3, X_RESOLUTION: IFDRational(1500, 1)}, (4.2 * 150 / 4, 4.2 * 400 / 4)
    yield {**sensor, WIDTH: 4 * height}, None
    yield {**sensor, FOCAL: IFDRational(1, 1000)}, None


def photos(draw):
    """Names, bytes and the expected focal length."""
    for mode, ending in [("RGB", "jpg"), ("L", "jpg"), ("CMYK", "jpg"), ("RGB", "png"), ("L", "png"), ("P", "png"), ("RGBA", "png"), ("I;16", "png")]:
        for orientation in range(1, 9):
            image = picture(draw, mode)
            notes = list(cameras(image.size))
            for k, (note, focal) in enumerate(notes if mode == "RGB" else notes[:2]):
                exif = Image.Exif()
                exif[ORIENTATION] = orientation
                exif.get_ifd(CAMERA).update(note)
                file = io.BytesIO()
                options = {"quality": 95, "subsampling": [0, 2][k % 2]} if ending == "jpg" and mode == "RGB" else {}
                image.save(file, {"jpg": "JPEG", "png": "PNG"}[ending], exif=exif, **options)
                pair = focal if isinstance(focal, tuple) else (focal, focal)
                yield f"{mode.replace(';', '')}-{ending}-{orientation}-{k}.{ending}", file.getvalue(), pair[::-1] if orientation >= 5 else pair


def means(bytes_):
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(bytes_)))
    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image) / 257).round().astype(np.uint8))
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    pixels = np.asarray(image.convert("RGB"), float)
    w, h = image.width // GRID, image.height // GRID
    return image.size, [pixels[y * h : (y + 1) * h, x * w : (x + 1) * w].mean(axis=(0, 1)) for y in range(GRID) for x in range(GRID)]


def boxes():
    w, h = f"(width / {GRID})", f"(height / {GRID})"
    box = "named_struct('object_id', '{i}', 'box', named_struct('x0', {x} * {w}, 'y0', {y} * {h}, 'x1', ({x} + 1) * {w}, 'y1', ({y} + 1) * {h}), 'mask', CAST(NULL AS STRUCT<height INT, width INT, counts VARCHAR>))"
    return ", ".join(box.format(i=y * GRID + x, x=x, y=y, w=w, h=h) for y in range(GRID) for x in range(GRID))


def main():
    mill = sys.argv[1]
    draw = np.random.default_rng(7)
    made = list(photos(draw))
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "set" / "files").mkdir(parents=True)
        for name, bytes_, _ in made:
            (root / "set" / "files" / name).write_bytes(bytes_)
        with tarfile.open(root / "set" / "t.tar", "w") as tar:
            for name, bytes_, _ in made:
                member = tarfile.TarInfo(name)
                member.size = len(bytes_)
                tar.addfile(member, io.BytesIO(bytes_))
        table = pa.table({
            "image": pa.array([{"bytes": bytes_, "path": name} for name, bytes_, _ in made], pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
            "id": [name.rsplit(".", 1)[0] for name, _, _ in made],
        })
        pq.write_table(table, root / "set" / "plain.parquet", row_group_size=100)
        pq.write_table(table, root / "set" / "index.parquet", row_group_size=50, write_page_index=True, data_page_size=4096, compression="zstd")
        (root / "mill.toml").write_text('[[source]]\nname = "o"\nkind = "images"\nroot = "set"\nkey = "id"\n')
        subprocess.run([mill, "--project", root, "import"], check=True, capture_output=True)
        # Boxes of whole pixels, from the corner of the upright picture.
        sql = f"SELECT frame_id, width, height, sha256, fx, fy, cx, cy, camera_from, looks FROM (SELECT *, appearance(uri, [{boxes()}]) AS looks FROM frames)"
        found = subprocess.run([mill, "--project", root, "sql", "--format", "json", "-c", sql], check=True, capture_output=True, text=True).stdout
        found = json.loads(found) if found.lstrip().startswith("[") else [json.loads(line) for line in found.splitlines()]
    frames = {row["frame_id"]: row for row in found}
    assert len(frames) == 4 * len(made), (len(frames), len(made))
    worst = {}
    for name, bytes_, focal in made:
        size, expected = means(bytes_)
        for place in ("plain", "index", "files", "t"):
            frame_id = f"o/{place}/{name.rsplit('.', 1)[0]}"
            row = frames[frame_id]
            assert (row["width"], row["height"]) == size, (frame_id, row, size)
            assert row["sha256"] == hashlib.sha256(bytes_).hexdigest(), frame_id
            if focal[0] is None:
                assert row.get("fx") is None and row.get("camera_from") is None, (frame_id, row["fx"])
            else:
                assert math.isclose(row["fx"], focal[0], rel_tol=1e-9) and math.isclose(row["fy"], focal[1], rel_tol=1e-9), (frame_id, row["fx"], focal)
                assert (row["cx"], row["cy"]) == ((size[0] - 1) / 2, (size[1] - 1) / 2) and row["camera_from"] == "exif"
            for look, colour in zip(row["looks"], expected):
                assert look.get("quarantined") is None, (frame_id, look)
                far = max(abs(look["colour"][c] - value) for c, value in zip("rgb", colour))
                kind = name.rsplit("-", 2)[0]
                worst[kind] = max(worst.get(kind, 0), far)
    print(f"{len(found)} frames of {len(made)} photos; mean colours differ by at most", {kind: float(round(far, 2)) for kind, far in worst.items()})
    # Rounding, once for JPEG and once for the mean, and colours that are spread over pixels in two ways.
    assert all(far < 2 for far in worst.values())


if __name__ == "__main__":
    main()
