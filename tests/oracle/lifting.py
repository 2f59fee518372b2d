"""How well the pipeline lifts things into space, from measured and from estimated depth, against annotated 3D boxes.

    python tests/oracle/lifting.py spatialmill models.toml OUT --depth fastdepth --segment sam2_tiny \\
        [--sunrgbd sunrgbd_trainval] [--scannet scannet]

The truth is SUN RGB-D's 3D boxes (as `coco` with `bbox3D_cam`; see sunrgbd_to_rgbd.py for its axes) and ScanNet's scan (as `scannet`).
The same photos are lifted again, each time without the truth, in several ways whose names say what is used:

    measured  the sensor's depth (SUN RGB-D: only frames with points), or the scan's mesh as the frame shows it (ScanNet)
    model     depth from the photo; the camera and gravity are known
    bare      depth from the photo; the camera and gravity are not known
    /masks    exact masks: pixels whose points lie in the 3D box, or that show the object's part of the mesh
    /sam      masks that the segmenter draws into the 2D boxes
    /boxes    2D boxes only

Projects below OUT hold them all, with a segmenter and without; a second run asks no model again. Then, for each way:

    places    how far the centre is off: metres, and relative to its distance; and what is left when each frame is scaled so that its
              median distance is right, which is all that qualitative relations need
    sizes     |ours / truth - 1| for width, height and depth, and the median of ours / truth; and the first two of the things whose size
              may be asked for: whole in the image, visible and trusted enough
    relations of pairs that pass the pipeline's margins in our version, the share that the truth orders the same way: all, those that would
              be asked (`pair_reason`, `skip_reason` and `object_reason` are null), and of these those that the truth calls clear, too
    quality   Spearman's rank correlation of lift_quality with the errors; and both for low and high lift_quality

A box that people drew goes round the whole thing, also where the photo does not show it: sizes and centres differ for that reason, too.

Needs numpy, scipy, opencv-python-headless, pillow and pycocotools. Exits with 1 where measured depth and exact masks are far off, and where
an estimate took the place of measured depth.
"""

import argparse
import collections
import json
import pathlib
import shutil
import subprocess

import cv2
import numpy as np
from PIL import Image
from scipy.stats import spearmanr

import sunrgbd_to_rgbd as sun
from annotation import Project, table

AXES = ("lateral", "vertical", "depth", "width", "height", "volume")
# Corners of a box in the order of Omni3D, as signs of its axes.
CORNERS = [(-1, -1, -1), (1, -1, -1), (1, 1, -1), (-1, 1, -1), (-1, -1, 1), (1, -1, 1), (1, 1, 1), (-1, 1, 1)]


class Photo:
    """A photo, its camera, and its things: id -> category, bbox (x y w h), mask (as COCO) or None, corners in camera axes or None."""

    def __init__(self, name, path, k, pose, things, millimetres):
        self.name, self.path, self.k, self.pose, self.things, self.millimetres = name, path, k, pose, things, millimetres
        self.width, self.height = Image.open(path).size

    def image(self, camera):
        record = {"id": self.name, "file_name": self.path.name, "width": self.width, "height": self.height}
        if camera:
            record |= {"K": self.k.tolist(), "gravity": (self.pose[:3, :3].T @ [0, 0, -1.0]).tolist()}
        return record

    def annotations(self, categories, what):
        for id, thing in self.things.items():
            row = {"id": id, "image_id": self.name, "category_id": categories.index(thing["category"]), "iscrowd": 0}
            if what in ("masks", "sam") and thing.get(what.replace("masks", "mask")):
                yield row | {"segmentation": thing[what.replace("masks", "mask")]}
            elif what == "boxes":
                yield row | {"bbox": thing["bbox"]}
            elif what == "truth":
                yield row | {"bbox": thing["bbox"], "bbox3D_cam": thing["corners"], "visibility": 1.0}


def document(photos, what, camera):
    categories = sorted({thing["category"] for photo in photos for thing in photo.things.values()})
    return {
        "images": [photo.image(camera) for photo in photos],
        "annotations": [a for photo in photos for a in photo.annotations(categories, what)],
        "categories": [{"id": i, "name": name} for i, name in enumerate(categories)],
    }


def encode(mask):
    from pycocotools import mask as runs

    found = runs.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": found["size"], "counts": found["counts"].decode()}


def sunrgbd(source):
    import scipy.io

    for path in sorted((source / "image").glob("*.jpg")):
        rotation, k = sun.calibration(source / "calib" / f"{path.stem}.txt")
        width, height = Image.open(path).size
        labels = list(sun.labels(source / "label" / f"{path.stem}.txt"))
        points, millimetres, owner = source / "depth" / f"{path.stem}.mat", None, None
        if points.exists():
            points = scipy.io.loadmat(points)["instance"][:, :3].astype(float)
            millimetres, owner = sun.depth_image(points, rotation, k, width, height)
        things = {}
        for number, label in enumerate(labels):
            x, y, w, h = label["bbox"]
            x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + w, width), min(y + h, height)
            # To the right, down, away: any turn of a box is the same box.
            axes = np.array([label["axes"][0], -label["axes"][2], np.cross(label["axes"][0], -label["axes"][2])])
            lengths = label["lengths"][[0, 2, 1]]
            corners = label["centre"] + (np.array(CORNERS) * lengths / 2) @ axes
            mask = None
            if owner is not None:
                inside = (owner >= 0) & sun.inside_box(points, label)[owner]
                mask = encode(inside) if inside.any() else None
            things[f"{path.stem}-{number}"] = {
                "category": label["category"].replace("_", " "),
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                "mask": mask,
                "corners": (corners @ rotation).tolist(),
            }
        pose = np.eye(4)
        pose[:3, :3] = rotation
        yield Photo(path.stem, path, k, pose, things, millimetres)


def rendered(surfaces, world_from_camera, k, width, height):
    """What the mesh looks like from a camera: millimetres. Triangles are drawn from far to near, each at its mean depth."""
    image = np.zeros((height, width), np.uint16)
    camera_from_world = np.linalg.inv(world_from_camera)
    triangles, depths = [], []
    for row in surfaces:
        points = np.array(row["vertices"]).reshape(-1, 3) @ camera_from_world[:3, :3].T + camera_from_world[:3, 3]
        corners = points[np.array(row["triangles"]).reshape(-1, 3)]
        corners = corners[(corners[:, :, 2] > 0.1).all(1)]
        pixels = corners @ k.T
        triangles.append(pixels[:, :, :2] / pixels[:, :, 2:])
        depths.append(corners[:, :, 2].mean(1))
    triangles, depths = np.concatenate(triangles), np.concatenate(depths)
    seen = (triangles.max(1) > 0).all(1) & (triangles[:, :, 0].min(1) < width) & (triangles[:, :, 1].min(1) < height)
    triangles, depths = triangles[seen], depths[seen]
    fixed = np.rint(triangles * 16).astype(np.int32)
    for i in np.argsort(-depths):
        cv2.fillConvexPoly(image, fixed[i], int(min(1000 * depths[i], 65535)), shift=4)
    return image


def scannet(project, source):
    frames = project.rows("SELECT * FROM frames WHERE source = 'scan' ORDER BY frame_id")
    surfaces = project.rows("SELECT vertices, triangles FROM surfaces WHERE starts_with(scene_id, 'scan')")
    objects = project.rows("SELECT * FROM objects WHERE starts_with(frame_id, 'scan/')")
    for frame in frames:
        k = np.array([[frame["fx"], 0, frame["cx"]], [0, frame["fy"], frame["cy"]], [0, 0, 1]])
        pose = np.array(frame["world_from_camera"]).reshape(4, 4)
        things = {}
        for row in objects:
            # What is hardly seen can be lifted from nothing.
            if row["frame_id"] == frame["frame_id"] and row["visibility"] >= 0.5 and row["mask"]:
                mask = {"size": [row["mask"]["height"], row["mask"]["width"]], "counts": row["mask"]["counts"]}
                x0, y0, x1, y1 = (row["box"][side] for side in ("x0", "y0", "x1", "y1"))
                things[row["object_id"]] = {"category": row["category"], "bbox": [x0, y0, x1 - x0, y1 - y0], "mask": mask}
        path = next(source.rglob(frame["uri"].split("#")[0].rsplit("/", 1)[1]))
        millimetres = rendered(surfaces, pose, k, frame["width"], frame["height"])
        yield Photo(path.stem, path, k, pose, things, millimetres)


def write_rgbd(root, photos, what):
    for photo in photos:
        scene = root / photo.name
        for folder in ("color", "depth", "pose"):
            (scene / folder).mkdir(parents=True, exist_ok=True)
        shutil.copy(photo.path, scene / "color")
        Image.fromarray(photo.millimetres).save(scene / "depth" / f"{photo.name}.png")
        np.savetxt(scene / "intrinsics.txt", photo.k, fmt="%.9g")
        np.savetxt(scene / "pose" / f"{photo.name}.txt", photo.pose, fmt="%.9g")
        (scene / "annotations.json").write_text(json.dumps(document([photo], what, False)))


def write_coco(root, photos, what, camera):
    root.mkdir(parents=True, exist_ok=True)
    for photo in photos:
        shutil.copy(photo.path, root)
    (root / "all.json").write_text(json.dumps(document(photos, what, camera)))


def stem(row):
    return row["uri"].split("#")[0].rsplit("/", 1)[1].rsplit(".", 1)[0]


def vector(point):
    return np.array([point["x"], point["y"], point["z"]])


class Lifted:
    """Objects and facts of one source: by photo and object, or pair and axis."""

    def __init__(self, project, source):
        frames = {row["frame_id"]: stem(row) for row in project.rows(f"SELECT frame_id, uri FROM frames WHERE source = '{source}'")}
        self.objects = {
            (frames[row["frame_id"]], row["object_id"]): row
            for row in project.rows(
                "SELECT o.frame_id, o.object_id, o.category, o.centre, o.extent, o.lift_quality, o.lifted_from,"
                " NOT r.truncated AND o.visibility >= 0.6 AND o.lift_quality >= 0.65 AS sized FROM objects AS o"
                " JOIN references AS r ON r.frame_id = o.frame_id AND r.object_id = o.object_id"
                f" WHERE split_part(o.frame_id, '/', 1) = '{source}'"
            )
        }
        self.facts = {
            (frames[row["frame_id"]], row["subject"], row["object"], row["axis"]): row
            for row in project.rows(
                "SELECT frame_id, subject, object, axis, relation, value, margin, pair_reason,"
                " pair_reason IS NULL AND subject_skip_reason IS NULL AND object_skip_reason IS NULL AND subject_reason IS NULL AND object_reason IS NULL AS asked"
                f" FROM pair_facts WHERE subject < object AND split_part(frame_id, '/', 1) = '{source}'"
            )
        }
        self.clear = self.clear_facts(project, source, frames)

    @staticmethod
    def clear_facts(project, source, frames):
        """Those that pass every margin, however little their things are trusted."""
        rows = project.rows(
            f"SELECT frame_id, subject, object, axis FROM pair_facts WHERE subject < object AND split_part(frame_id, '/', 1) = '{source}'"
            " AND pair_reason IS NULL",
            "--set", "ask.min_lift_quality_size=0.0", "--set", "ask.min_visibility_size=0.0",
        )  # fmt: skip
        return {(frames[row["frame_id"]], row["subject"], row["object"], row["axis"]) for row in rows}


class Asked(Project):
    """A project that can be asked under other settings."""

    def rows(self, sql, *more):
        command = [self.program, "--project", self.folder, "sql", "--quiet", "--format", "json", *more, "-c", sql]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        return [json.loads(line) for line in printed.splitlines() if line]


def errors(truth, ours):
    """For each object of both: how far off it is."""
    rows = []
    for key in sorted(truth.objects.keys() & ours.objects.keys()):
        a, b = truth.objects[key], ours.objects[key]
        there, here = vector(a["centre"]), vector(b["centre"])
        rows.append({
            "photo": key[0], "category": a["category"], "there": there, "here": here,
            "distance": np.linalg.norm(there), "off": np.linalg.norm(here - there),
            "sizes": vector(b["extent"]) / vector(a["extent"]), "quality": b["lift_quality"], "sized": b["sized"],
        })  # fmt: skip
    for photo in {row["photo"] for row in rows}:
        of_photo = [row for row in rows if row["photo"] == photo]
        scale = np.median([np.linalg.norm(row["there"]) / np.linalg.norm(row["here"]) for row in of_photo])
        for row in of_photo:
            row["off_scaled"] = np.linalg.norm(row["here"] * scale - row["there"])
            row["scale"] = scale
    return rows


def median(values):
    values = list(values)
    return f"{np.median(values):.2f}" if values else "-"


def share(hits):
    hits = list(hits)
    return f"{sum(hits)}/{len(hits)}" + (f" {sum(hits) / len(hits):.2f}" if hits else "")


def correlation(rows, error):
    if len(rows) < 5:
        return "-"
    found = spearmanr([row["quality"] for row in rows], [error(row) for row in rows])
    return f"{found.statistic:+.2f} p={found.pvalue:.2f}"


def report(title, truth, ways):
    print(f"\n{title}: {len(truth.objects)} things")
    off = {name: errors(truth, ours) for name, ours in ways.items()}
    rows = []
    for name, found in off.items():
        relative = [row["off"] / row["distance"] for row in found]
        scaled = [row["off_scaled"] / row["distance"] for row in found]
        scales = {row["photo"]: row["scale"] for row in found}
        rows.append((name, len(found), median(row["off"] for row in found), median(relative), f"{max(relative, default=np.nan):.2f}",
                     median(scaled), " ".join(f"{s:.2f}" for s in scales.values())))  # fmt: skip
    table("places: lifted, off m, off / distance, worst, with each frame scaled, truth / ours of each frame", rows)
    rows = []
    for name, found in off.items():
        sizes = np.array([row["sizes"] for row in found]).reshape(-1, 3)
        wrong = np.abs(sizes - 1)
        sized = np.array([row["sized"] for row in found], bool)
        rows.append((name, *(median(wrong[:, i]) for i in (0, 2, 1)), *(median(sizes[:, i]) for i in (0, 2, 1)),
                     sized.sum(), *(median(wrong[sized, i]) for i in (0, 2))))  # fmt: skip
    table("sizes: |ours / truth - 1| of width, height, depth; ours / truth of the same (medians); n, width, height of those that may be asked", rows)
    rows, by_axis = [], []
    for name, ours in ways.items():
        same = {key: ours.facts[key]["relation"] == truth.facts[key]["relation"] for key in ours.facts if key in truth.facts}
        asked = [key for key in same if ours.facts[key]["asked"]]
        rows.append((name, share(same[key] for key in ours.clear & same.keys()), share(same[key] for key in asked),
                     share(same[key] for key in asked if key in truth.clear)))  # fmt: skip
        by_axis.append((name, *(share(same[key] for key in ours.clear & same.keys() if key[3] == axis) for axis in AXES)))
    table("relations that agree: of those with margins, of those asked, of those asked that are clear in truth", rows)
    table("by axis, of those with margins: " + ", ".join(AXES), by_axis)
    for name, ours in ways.items():
        wrong = [k for k, fact in ours.facts.items() if fact["asked"] and k in truth.clear and fact["relation"] != truth.facts[k]["relation"]]
        for key in wrong[:6]:
            one, other = (truth.objects[key[0], id]["category"] for id in key[1:3])
            print(f"    wrong in {name}: {key[0]} {one} {ours.facts[key]['relation']} {other}, margin {ours.facts[key]['margin']:.2f}; truth {truth.facts[key]['margin']:.2f}")
    return off


def quality(off):
    rows = []
    for name, found in off.items():
        size = lambda row: np.abs(np.log(row["sizes"][[0, 2]])).mean()  # noqa: E731
        # Boxes are halved alike, so that ranks within a way stay.
        high = np.median([row["quality"] for row in found]) if found else 0
        parts = [[row for row in found if (row["quality"] > high) == upper] for upper in (False, True)]
        rows.append((name, len(found), correlation(found, lambda row: row["off_scaled"] / row["distance"]), correlation(found, size), f"{high:.2f}",
                     *(median(np.expm1(size(row)) for row in part) for part in parts)))  # fmt: skip
    table(
        "\nquality: things, rank correlation with error of place, of size, median quality; size error below and above it",
        rows,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("program", "registry", "out"):
        parser.add_argument(name, type=pathlib.Path)
    for name in ("depth", "segment"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("sunrgbd", "scannet"):
        parser.add_argument(f"--{name}", type=pathlib.Path)
    arguments = parser.parse_args()
    program, out = arguments.program.resolve(), arguments.out.resolve()

    truths, photos = {}, []
    scan = {"kind": "scannet", "split": "train"}
    if arguments.sunrgbd:
        photos += list(sunrgbd(arguments.sunrgbd.resolve()))
        write_coco(out / "truth", photos, "truth", True)
        truths["boxes"] = {"kind": "coco", "root": str(out / "truth"), "annotations": "all.json", "images": ".", "exhaustive": True, "split": "train"}
    if arguments.scannet:
        truths["scan"] = scan | {"root": str(arguments.scannet.resolve())}
    true = Asked(program, out / "of_truth", truths, {}, arguments.registry)
    true.build()
    titles = {}
    if arguments.sunrgbd:
        titles["SUN RGB-D"] = ("boxes", {photo.name for photo in photos})
    if arguments.scannet:
        of_scan = list(scannet(true, arguments.scannet.resolve()))
        titles["ScanNet"] = ("scan", {photo.name for photo in of_scan})
        photos += of_scan

    with_depth = [photo for photo in photos if photo.millimetres is not None]
    with_masks = [photo for photo in photos if any(thing["mask"] for thing in photo.things.values())]
    for what in ("masks", "boxes"):
        write_rgbd(out / f"measured_{what}", with_depth, what)
    write_coco(out / "model_masks", with_masks, "masks", True)
    write_coco(out / "model_boxes", photos, "boxes", True)
    write_coco(out / "bare_masks", with_masks, "masks", False)
    write_coco(out / "bare_boxes", photos, "boxes", False)

    def source(name):
        # `sam` is what becomes of boxes where there is a segmenter. A frame with measured depth gets the same masks as its own.
        of, what = name.split("/")
        keys = {"root": str(out / f"{of}_{what if of == 'measured' else what.replace('sam', 'boxes')}"), "split": "train"}
        return keys | ({"kind": "rgbd"} if of == "measured" else {"kind": "coco", "annotations": "all.json", "images": ".", "exhaustive": True})

    ways, estimated = {}, []

    def built(folder, names, models):
        project = Asked(program, out / folder, {name.replace("/", "_"): source(name) for name in names}, models, arguments.registry)
        project.build()
        for name in names:
            lifted = Lifted(project, name.replace("/", "_"))
            if name.startswith("measured") and any(row["lifted_from"] != "depth" for row in lifted.objects.values()):
                estimated.append(name)
                print(f"{name}: the measured depth was not used, so that this way is left out")
            else:
                ways[name] = lifted
        lost = project.rows("SELECT source, code, count(*) AS n FROM quarantine GROUP BY 1, 2")
        print(folder, "quarantined:", *(f"{row['source']} {row['code']} {row['n']}" for row in lost) if lost else ("nothing",))
        return project

    registered = {"depth_model": arguments.depth}
    segmented = built("segmented", ("model/sam", "bare/sam"), registered | {"segment_model": arguments.segment})
    drawn = {
        (row["frame_id"].split("/")[-1], row["object_id"]): row["mask"]
        for row in segmented.rows("SELECT frame_id, object_id, mask FROM segmented WHERE starts_with(frame_id, 'model_sam/')")
    }
    for photo in photos:
        for id, thing in photo.things.items():
            mask = drawn.get((photo.name, id))
            thing["sam"] = mask and {"size": [mask["height"], mask["width"]], "counts": mask["counts"]}
    write_rgbd(out / "measured_sam", with_depth, "sam")
    built("plain", ("measured/masks", "measured/sam", "measured/boxes", "model/masks", "model/boxes", "bare/masks"), registered)

    order = ("measured/masks", "measured/sam", "measured/boxes", "model/masks", "model/sam", "model/boxes", "bare/masks", "bare/sam")
    together = collections.defaultdict(list)
    for title, (name, stems) in titles.items():
        truth = Lifted(true, name)
        seen = {(photo.name, id) for photo in photos if photo.name in stems for id in photo.things}
        truth.objects = {key: row for key, row in truth.objects.items() if key in seen}
        found = report(title, truth, {way: ways[way] for way in order if way in ways})
        for way, rows in found.items():
            together[way] += rows
    quality(together)

    exact = together["measured/masks"]
    assert exact, "nothing was lifted from measured depth"
    assert np.median([row["off"] / row["distance"] for row in exact]) < 0.15, "measured depth puts things in wrong places"
    sized = [np.abs(row["sizes"][[0, 2]] - 1).mean() for row in exact if row["sized"]]
    assert not sized or np.median(sized) < 0.25, "measured depth gives wrong sizes"
    assert not estimated, f"depth was measured, and estimated all the same: {', '.join(estimated)}"


if __name__ == "__main__":
    main()
