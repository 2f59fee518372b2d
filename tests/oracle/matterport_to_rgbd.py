"""Turns one rendered view of Matterport scan 17DRP5sb8fy (habitat-sim's colour, depth and semantic sensors, saved as NumPy
arrays) into the `rgbd` layout.

    python tests/oracle/matterport_to_rgbd.py habitat_gt OUT

Needs numpy and pillow. OUT then imports with kind = "rgbd".

The arrays come without camera or names. What is known of the camera was measured on the depth: with the simulator's default
field of view of 90 degrees (fx = fy = width / 2) the walls stand at right angles to each other (79 and 169 degrees), with
longer or shorter focal lengths they do not; and the floor's normal is the camera's y axis within 0.1 degrees, so that the
camera is level. The names below were given by looking at the image; ids that could not be told apart by eye, that cover only
a part of their object, or that are walls, floors and ceilings, are no objects here.
"""

import argparse
import json
import pathlib

import numpy as np
from PIL import Image

SCAN = "17DRP5sb8fy"

NAMES = {
    96: "curtain",
    99: "chair",
    106: "chandelier",
    108: "chair",
    109: "television",
    110: "chair",
    112: "chair",
    146: "picture",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    arguments = parser.parse_args()
    colour, depth, ids = (
        np.load(arguments.source / f"{SCAN}-{sensor}_sensor.npy") for sensor in ("color", "depth", "semantic")
    )
    height, width = depth.shape
    scene = arguments.out / SCAN
    for folder in ("color", "depth", "instance"):
        (scene / folder).mkdir(parents=True, exist_ok=True)
    Image.fromarray(colour[:, :, :3]).save(scene / "color" / "0.png")
    np.save(scene / "depth" / "0.npy", depth.astype(np.float32))
    Image.fromarray(ids.astype(np.uint16)).save(scene / "instance" / "0.png")
    names = {str(id): NAMES.get(int(id)) for id in np.unique(ids) if id != 0}
    (scene / "instances.json").write_text(json.dumps(names))
    # The simulator's optical axis goes through the corner between the four middle pixels.
    focal = width / 2
    (scene / "intrinsics.txt").write_text(f"{focal} {focal} {(width - 1) / 2} {(height - 1) / 2}\n")
    (scene / "gravity.txt").write_text("0 1 0\n")


if __name__ == "__main__":
    main()
