"""What spatialmill's renderer sees against what Blender saw: outlines and depth of a toy chicken from eight sides.

    cargo build --release -p spatialmill-render --example views
    python tests/oracle/renderer.py VIEWS CHICKEN [--out FOLDER]

VIEWS is the example program that was just built. CHICKEN is a folder with the chicken of SyncDreamer's evaluation set (a mesh of Google
Scanned Objects, CC-BY 4.0), which Blender rendered:

    cameras.json                      K, and world_to_camera_opencv: 16 poses, 3 x 4
    chicken-gt/NNN.png                256 x 256, opacity is the outline
    chicken-gt/NNN-depth.png          16 bits: value / 65535 * 1.8 + 0.6 along the optical axis, rounded down; 65535 is nothing
    chicken-mesh/meshes/model.obj     z up; Blender's scene has it scaled to a longest side of 1, centred and turned by +90 degrees about z

Blender counts pixels from the image's corner and spatialmill from the first pixel's centre, so that its principal point is half a pixel less
here. For each view there are then

    pixels    in one outline alone; an outline is where opacity is above 127 of 255
    IoU       pixels in both outlines over pixels in one of them: 0.9995 at least
    depth     errors of pixels in both outlines, where the longest side is a metre: 99 % are below 0.1 mm; a step of the file is 0.027 mm
    colour    nothing, as the texture is not in the set. The pictures in FOLDER have Blender's on their left, to look at

Needs numpy and pillow. Exits with 1 where a bar is missed.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

SIZE = 256
QUARTER_TURN = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


def cameras(chicken):
    """Lines for the program, by name of the view."""
    told = json.loads((chicken / "cameras.json").read_text())
    k = told["K"]
    lines = {}
    for picture in sorted((chicken / "chicken-gt").glob("[0-9][0-9][0-9].png")):
        pose = np.array(told["world_to_camera_opencv"][int(picture.stem)])
        pose[:, :3] = pose[:, :3] @ QUARTER_TURN
        numbers = [k[0][0], k[1][1], k[0][2] - 0.5, k[1][2] - 0.5, *pose.flatten()]
        lines[picture.stem] = " ".join([picture.stem, str(SIZE), str(SIZE), *map(repr, map(float, numbers))])
    return lines


def compare(chicken, out, name):
    """IoU, pixels that differ, and errors of depth, metres."""
    blender = np.asarray(Image.open(chicken / "chicken-gt" / f"{name}.png"))[:, :, 3] > 127
    ours = np.asarray(Image.open(out / f"{name}.mask.png")) > 127
    either, both = (blender | ours).sum(), blender & ours
    value = np.asarray(Image.open(chicken / "chicken-gt" / f"{name}-depth.png")).astype(float)
    # Half a step is what rounding down takes away on average.
    truth = (value + 0.5) / 65535 * 1.8 + 0.6
    depth = np.fromfile(out / f"{name}.depth", "<f4").reshape(SIZE, SIZE)
    assert np.isfinite(depth[ours]).all() and np.isinf(depth[~ours]).all(), "depth is where the outline is"
    return both.sum() / either, either - both.sum(), np.abs(depth - truth)[both & (value < 65535)]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("views", type=pathlib.Path)
    arguments.add_argument("chicken", type=pathlib.Path)
    arguments.add_argument("--out", type=pathlib.Path)
    arguments = arguments.parse_args()
    chicken = arguments.chicken
    with tempfile.TemporaryDirectory() as folder:
        out = arguments.out or pathlib.Path(folder)
        lines = cameras(chicken)
        mesh = chicken / "chicken-mesh" / "meshes" / "model.obj"
        subprocess.run([arguments.views, mesh, out], input="\n".join(lines.values()), text=True, check=True)
        missed = not lines
        everything = []
        for name in lines:
            iou, pixels, errors = compare(chicken, out, name)
            everything.append(errors)
            median, high = np.percentile(errors, [50, 99]) * 1000
            print(f"{name}  pixels {pixels:3}  IoU {iou:.5f}  depth: median {median:.4f} mm, 99 % {high:.4f} mm, all {errors.max() * 1000:.3f} mm")
            missed |= iou < 0.9995 or high > 0.1
            if arguments.out:
                pair = Image.new("RGB", (2 * SIZE, SIZE), "white")
                theirs = Image.open(chicken / "chicken-gt" / f"{name}.png")
                pair.paste(theirs, (0, 0), theirs)
                pair.paste(Image.open(out / f"{name}.png"), (SIZE, 0))
                pair.save(out / f"{name}.pair.png")
        if everything:
            errors = np.concatenate(everything) * 1000
            print(f"all {len(lines)}: depth: median {np.median(errors):.4f} mm, 99 % {np.percentile(errors, 99):.4f} mm, of {errors.size} pixels")
    print("MISSED" if missed else "OK")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
