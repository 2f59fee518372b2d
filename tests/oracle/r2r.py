"""Houses of Matterport3D and R2R's graphs, read again by hand: what is known of the files themselves, and what the program makes of them.

    python tests/oracle/r2r.py DATA                            the files alone
    python tests/oracle/r2r.py DATA spatialmill WORKDIR        and a project over them, with painted photos

DATA holds `v1/scans/<scan>/house_segmentations/<scan>.house`, `connectivity/<scan>_connectivity.json` and R2R's `R2R_val_seen.json` or other R2R_*.json, as their owners
publish them. Of the files: R2R's paths are shortest paths and as long as they say; the pose of a graph is that of the photo `_i1_2` of the `.house`, whose
matrices are world to camera with OpenGL's axes; the next yaw is 60 degrees to the right; links are symmetric.

WORKDIR gets photos and depth of each house that has boxes, of the level cameras and those that look down: its boxes, floors and walls, painted by ray casting with
the cameras of its `.house`, in its owner's layout, with a `.conf`. Of the project over them: rooms have the areas of their outlines, boxes twice the half lengths of the file, waypoints and links are
those of the graph; a box that fills a photo's middle is where its paint is; the plans of `graph_routes` are those of a Dijkstra of our own with complex numbers as turns; and of
each route_plan question the answer is told by its images' waypoints, which are shown, and each object that it names is painted on one of them.

Needs numpy and pillow. Exits with 1 where anything differs.
"""

import cmath
import collections
import glob
import heapq
import json
import math
import os
import sys

import numpy as np
from PIL import Image

from scene_tasks import rows

WIDTH, HEIGHT = 160, 128
# As the source's option and the keys `skip_categories` and `skip_landmarks` say it.
STRUCTURE = {"wall", "floor", "ceiling", "object", "remove", "delete", "unknown", "void", "unlabeled"}
NO_LANDMARK = {"light", "lighting", "curtain", "curtains", "picture", "column", "beam", "roof", "door frame", "doorframe", "window", "window frame"}
NO_LANDMARK |= {"stairs", "stair", "other", "misc", "objects", "item", "background", "structure"}
GL = np.diag([1.0, -1.0, -1.0, 1.0])
failures = []


def check(good, *what):
    if not good:
        failures.append(what)
        if len(failures) < 40:
            print("WRONG", *what)


class House:
    def __init__(self, path):
        self.regions, self.names, self.objects, self.panoramas, self.photos = {}, {}, [], {}, {}
        surfaces, corners = {}, collections.defaultdict(list)
        for line in open(path):
            kind, *f = line.split() or [""]
            if kind == "R":
                self.regions[int(f[0])] = {"kind": f[4], "low": np.array(f[8:11], float), "high": np.array(f[11:14], float)}
            elif kind == "S":
                surfaces[int(f[0])] = int(f[1]), float(f[6])
            elif kind == "V":
                corners[int(f[1])].append((float(f[3]), float(f[4])))
            elif kind == "C" and len(f) == 10:
                self.names[int(f[0])] = f[2].replace("#", " ").split("/")[0].strip().lower(), f[4]
            elif kind == "P":
                self.panoramas[f[0]] = int(f[2])
            elif kind == "O":
                numbers = np.array(f[3:15], float)
                self.objects.append((int(f[0]), int(f[1]), int(f[2]), Box(numbers)))
            elif kind == "I":
                numbers = np.array(f[5:30], float)
                camera = (numbers[:16].reshape(4, 4), numbers[16:].reshape(3, 3), int(f[30]), int(f[31]))
                self.photos[f[2], int(f[3]), int(f[4])] = camera
        for surface, (region, height) in surfaces.items():
            self.regions[region]["floor"] = corners[surface], height

    def name(self, category):
        return self.names.get(category, ("", ""))[0]

    def things(self):
        """What is an object: index, region, name, box."""
        for index, region, category, box in self.objects:
            name, mpcat40 = self.names.get(category, ("", ""))
            if name and name not in STRUCTURE and mpcat40 not in STRUCTURE:
                yield index, region, name, box


class Box:
    def __init__(self, numbers):
        a0, a1 = numbers[3:6], numbers[6:9]
        self.centre, self.axes, self.half = numbers[:3], np.array([a0, a1, np.cross(a0, a1)]), numbers[9:12]

    def enter(self, origin, rays):
        """How far along each ray the box begins; inf where it is missed, or the eye is inside."""
        start, along = self.axes @ (origin - self.centre), rays @ self.axes.T
        with np.errstate(divide="ignore", invalid="ignore"):
            one, two = (-self.half - start) / along, (self.half - start) / along
        near, far = np.minimum(one, two).max(-1), np.maximum(one, two).min(-1)
        return np.where((near > 0) & (near <= far), near, np.inf)

    def gap(self, point):
        """On the ground plan, by the closest point of the box at any height: of an upright box that is of its outline."""
        upright = np.argmax(abs(self.axes[:, 2]))
        local = self.axes @ (np.array([*point, self.centre[2]]) - self.centre)
        beyond = np.maximum(abs(local) - self.half, 0)
        beyond[upright] = 0
        return float(np.hypot.reduce(beyond))


class Graph:
    def __init__(self, path):
        self.listed = json.load(open(path))
        self.places = {n: np.array(one["pose"]).reshape(4, 4) for n, one in enumerate(self.listed) if one["included"]}
        self.ids = {n: self.listed[n]["image_id"] for n in self.places}
        self.links = collections.defaultdict(dict)
        for a in self.places:
            for b in self.places:
                if self.listed[a]["unobstructed"][b]:
                    length = float(np.linalg.norm(self.places[a][:3, 3] - self.places[b][:3, 3]))
                    if length > 0:
                        self.links[a][b] = length

    def at(self, n):
        return complex(*self.places[n][:2, 3])

    def floor(self, n):
        return self.places[n][2, 3] - self.listed[n]["height"]

    def shortest(self, start):
        known, before, queue = {start: 0.0}, {}, [(0.0, start)]
        while queue:
            length, at = heapq.heappop(queue)
            if length > known[at]:
                continue
            for after, more in self.links[at].items():
                if length + more < known.get(after, math.inf):
                    known[after], before[after] = length + more, at
                    heapq.heappush(queue, (length + more, after))
        return known, before


def degrees(turn):
    return -math.degrees(cmath.phase(turn))


def merged(graph, path):
    """Ends of legs, and turns, right > 0."""
    ends = [path[0]] + [b for a, b in zip(path, path[1:]) if abs(graph.at(b) - graph.at(a)) > 1e-3]
    while True:
        legs = [graph.at(b) - graph.at(a) for a, b in zip(ends, ends[1:])]
        turns = [degrees(after / before) for before, after in zip(legs, legs[1:])]
        if not turns or min(map(abs, turns)) > 20:
            return ends, turns
        del ends[1 + min(range(len(turns)), key=lambda k: abs(turns[k]))]


def plans(house, graph, by_floor=True, seen=None):
    """(from, to): fault, or stops, turns and landmarks; of those that are seen from their stops alone, where it is known."""
    region = {n: house.panoramas[graph.ids[n]] for n in graph.places}
    things, found = list(house.things()), {}
    for start in graph.places:
        known, before = graph.shortest(start)
        for goal in known:
            if goal == start:
                continue
            path = [goal]
            while path[-1] != start:
                path.append(before[path[-1]])
            path = path[::-1]
            ends, turns = merged(graph, path)
            found[start, goal] = fault_or_plan(graph, region, things, path, ends, turns, by_floor, seen)
    return found


def fault_or_plan(graph, region, things, path, ends, turns, by_floor, seen):
    if not turns:
        return "straight_route"
    if len(turns) > 4:
        return "too_many_turns"
    if any(not 35 <= abs(turn) <= 145 for turn in turns):
        return "unclear_turn"
    place = lambda n: graph.places[n][:3, 3]
    along = [path[path.index(a) : path.index(b) + 1] for a, b in zip(ends, ends[1:])]
    if any(sum(np.linalg.norm(place(b) - place(a)) for a, b in zip(leg, leg[1:])) < 1 for leg in along):
        return "short_leg"
    height = graph.floor if by_floor else lambda n: place(n)[2]
    if any(abs(height(n) - height(leg[0])) > 0.5 for leg in along for n in (leg if by_floor else leg[-1:])):
        return "stairs"
    crossed = {region[n] for n in path}
    names = [name for _, own, name, _ in things if own in crossed or own < 0]
    fits = lambda name: sum(other == name or other.endswith(" " + name) for other in names)
    landmarks = []
    for n in ends:
        near = [(box.gap(place(n)[:2]), str(index), name) for index, own, name, box in things if own == region[n] and (seen is None or (graph.ids[n], str(index)) in seen)]
        near = [one for one in near if one[0] <= 1.5 and one[2] not in NO_LANDMARK and fits(one[2]) == 1 and one[1:] not in landmarks]
        if not near:
            return "no_corner_landmark"
        landmarks.append(min(near)[1:])
    return ends, turns, [index for index, _ in landmarks]


def of_files(data):
    graphs = {os.path.basename(path).split("_")[0]: path for path in glob.glob(f"{data}/connectivity/*_connectivity.json")}
    one_way = zero = 0
    for path in graphs.values():
        listed = json.load(open(path))
        flags = np.array([one["unobstructed"] for one in listed])
        included = np.array([one["included"] for one in listed])
        one_way += int((flags & ~flags.T)[included][:, included].sum())
    print(f"{len(graphs)} graphs, {one_way} links that lead one way only")
    check(one_way == 0, "links lead one way only")
    paths = [one for file in sorted(glob.glob(f"{data}/R2R_*.json")) for one in json.load(open(file)) if len(one.get("path", [])) > 1 and one["scan"] in graphs]
    read, shortest, off = {}, 0, []
    for one in paths:
        graph = read.setdefault(one["scan"], None) or Graph(graphs[one["scan"]])
        read[one["scan"]] = graph
        index = {id: n for n, id in graph.ids.items()}
        nodes = [index[id] for id in one["path"]]
        length = sum(graph.links[a].get(b, np.linalg.norm(graph.places[a][:3, 3] - graph.places[b][:3, 3])) for a, b in zip(nodes, nodes[1:]))
        shortest += abs(graph.shortest(nodes[0])[0][nodes[-1]] - length) < 1e-6
        off.append(abs(length - one["distance"]))
    print(f"{len(paths)} paths of R2R, {shortest} of them shortest paths; |length - distance| median {np.median(off):.4f} m, most {max(off):.2f} m")
    check(shortest == len(paths) and np.median(off) < 0.005, "R2R's paths")
    houses = {}
    for path in sorted(glob.glob(f"{data}/v1/scans/*/house_segmentations/*.house")):
        scan = os.path.basename(path)[: -len(".house")]
        house, graph = House(path), Graph(graphs[scan])
        houses[scan] = house, graph
        for n, pose in graph.places.items():
            matrix, *_ = house.photos[graph.ids[n], 1, 2]
            check(abs(np.linalg.inv(matrix) @ GL - pose).max() < 1e-3, scan, "pose of", graph.ids[n])
            for yaw in range(6):
                ahead = (np.linalg.inv(house.photos[graph.ids[n], 1, yaw][0]) @ GL)[:2, 2]
                turn = degrees(complex(*ahead) / complex(*pose[:2, 2]) / cmath.exp(-1j * math.radians(60 * (yaw - 2))))
                check(abs(turn) < 0.5, scan, "yaw", yaw, turn)
        areas = [round(float(shoelace(region["floor"][0])), 3) for region in house.regions.values()]
        made = [plan for plan in plans(house, graph).values() if not isinstance(plan, str)]
        plain = [plan for plan in plans(house, graph, by_floor=False).values() if not isinstance(plan, str)]
        left = sum(turn < 0 for plan in made for turn in plan[1])
        right = sum(turn > 0 for plan in made for turn in plan[1])
        print(f"{scan}: rooms of {areas} m², {len(made)} plans with {left} turns to the left, {right} to the right; {len(plain)} where a low camera counts as stairs")
    return houses


def shoelace(corners):
    x, y = np.array(corners).T
    return abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def paint(house, camera, region):
    """Colour and depth, optical axis, of a photo: boxes, and of its room the floor, a ceiling and walls."""
    matrix, intrinsics, width, height = camera
    pose = np.linalg.inv(matrix) @ GL
    u, v = np.meshgrid((np.arange(WIDTH) + 0.5) * width / WIDTH - 0.5, (np.arange(HEIGHT) + 0.5) * height / HEIGHT - 0.5)
    # The file counts rows from below.
    rays = np.stack([(u - intrinsics[0, 2]) / intrinsics[0, 0], (v - (height - 1 - intrinsics[1, 2])) / intrinsics[1, 1], np.ones_like(u)], -1) @ pose[:3, :3].T
    origin = pose[:3, 3]
    best, owner = np.full(u.shape, 60.0), np.full(u.shape, -1)
    corners, floor_z = region["floor"]
    for at in (floor_z, region["high"][2]):
        with np.errstate(divide="ignore"):
            far = (at - origin[2]) / rays[..., 2]
        best = np.where((far > 0.01) & (far < best), far, best)
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1]):
        normal = np.array([y1 - y0, x0 - x1])
        with np.errstate(divide="ignore", invalid="ignore"):
            far = (np.array([x0, y0]) - origin[:2]) @ normal / (rays[..., :2] @ normal)
            at = origin[:2] + far[..., None] * rays[..., :2]
            share = ((at - [x0, y0]) @ [x1 - x0, y1 - y0]) / ((x1 - x0) ** 2 + (y1 - y0) ** 2)
        hit = (far > 0.01) & (far < best) & (share >= 0) & (share <= 1)
        best = np.where(hit, far, best)
    middle, distances = pose[:3, 2], {}
    for index, _, _, box in house.things():
        # Behind the camera as a whole.
        if (box.centre - origin) @ middle < -np.linalg.norm(box.half):
            continue
        far = box.enter(origin, rays)
        owner = np.where(far < best, index, owner)
        best = np.minimum(best, far)
        distances[index] = far
    shade = np.clip(1.2 - best / 12, 0.3, 1)[..., None]
    colours = np.array([[210, 205, 195], *[[60 + index * 83 % 180, 60 + index * 47 % 180, 60 + index * 131 % 180] for index in range(owner.max() + 1)]])
    # Two boxes may be one thing that was annotated twice: whichever is painted, both are there.
    shows = {str(index): int((far <= best + 0.1).sum()) for index, far in distances.items()}
    return (colours[owner + 1] * shade).astype(np.uint8), best, {index: pixels for index, pixels in shows.items() if pixels}


def photographed(houses, place):
    """Writes photos in the owner's layout; returns what each of them shows."""
    shown = {}
    for scan, (house, _) in houses.items():
        folder = f"{place}/v1/scans/{scan}"
        for name in ("undistorted_color_images", "undistorted_depth_images", "undistorted_camera_parameters"):
            os.makedirs(f"{folder}/{name}", exist_ok=True)
        wanted = {key: recorded for key, recorded in house.photos.items() if house.objects and key[1] > 0}
        lines = [f"dataset matterport\nn_images {len(wanted)}\ndepth_directory undistorted_depth_images\ncolor_directory undistorted_color_images\n"]
        for (pano, camera, yaw), recorded in wanted.items():
            colour, depth, shows = paint(house, recorded, house.regions[house.panoramas[pano]])
            Image.fromarray(colour).save(f"{folder}/undistorted_color_images/{pano}_i{camera}_{yaw}.jpg", quality=90)
            Image.fromarray(np.clip(depth * 4000, 0, 65535).astype(np.uint16)).save(f"{folder}/undistorted_depth_images/{pano}_d{camera}_{yaw}.png")
            lines.append("intrinsics_matrix " + " ".join(map(str, recorded[1].ravel())))
            lines.append(f"scan {pano}_d{camera}_{yaw}.png {pano}_i{camera}_{yaw}.jpg " + " ".join(map(repr, np.linalg.inv(recorded[0]).ravel().tolist())))
            shown[f"houses/{scan}/{pano}_i{camera}_{yaw}"] = shows
        with open(f"{folder}/undistorted_camera_parameters/{scan}.conf", "w") as file:
            file.write("\n".join(lines) + "\n")
    return shown


def of_tables(houses, program, project):
    of = lambda sql: rows(program, project, sql)
    scenes = {row["scene_id"]: row for row in of("SELECT * FROM scenes WHERE source = 'houses'")}
    objects = collections.defaultdict(dict)
    for row in of("SELECT * FROM scene_objects"):
        objects[row["scene_id"]][row["object_id"]] = row
    waypoints, links = collections.Counter(), collections.defaultdict(dict)
    for row in of("SELECT * FROM waypoints"):
        waypoints[row["scene_id"]] += 1
    for row in of("SELECT * FROM links"):
        links[row["scene_id"]][row["from_waypoint"], row["to_waypoint"]] = row["length"]
    routes = {(row["scene_id"], row["from_waypoint"], row["to_waypoint"]): row for row in of("SELECT * FROM graph_routes")}
    seen = {(row["waypoint_id"], row["object_id"]) for row in of("SELECT * FROM landmark_views")}
    for scan, (house, graph) in houses.items():
        scene = f"houses/{scan}"
        for index, region in house.regions.items():
            row = scenes[f"{scene}/region{index}"]
            check(abs(row["floor_area"] - shoelace(region["floor"][0])) < 1e-6 and row["within"] == scene, scan, "area of region", index)
        things = {str(index): box for index, _, _, box in house.things()}
        check(set(things) == set(objects[scene]), scan, "objects", set(things) ^ set(objects[scene]))
        for index, box in things.items():
            lengths = objects[scene][index]["obb"]["lengths"]
            check(np.allclose([lengths["x"], lengths["y"], lengths["z"]], 2 * box.half), scan, "box", index)
        check(waypoints[scene] == len(graph.places) and len(links[scene]) == sum(map(len, graph.links.values())), scan, "waypoints and links")
        for a, others in graph.links.items():
            check(all(abs(links[scene].get((graph.ids[a], graph.ids[b]), 0) - length) < 1e-6 for b, length in others.items()), scan, "lengths from", graph.ids[a])
        expected = plans(house, graph, seen=seen)
        mine = {(graph.ids[a], graph.ids[b]): plan for (a, b), plan in expected.items()}
        theirs = {key[1:]: row for key, row in routes.items() if key[0] == scene}
        if things:
            check(set(mine) == set(theirs), scan, "pairs of waypoints")
        agreed = 0
        for key in set(mine) & set(theirs):
            plan, row = mine[key], theirs[key]
            if isinstance(plan, str):
                good = row.get("fault") == plan
            else:
                ends, turns, landmarks = plan
                good = row.get("fault") is None and row["stops"] == [graph.ids[n] for n in ends] and np.allclose(row["turns"], turns, atol=1e-6) and row["landmarks"] == landmarks
            agreed += good
            check(good, scan, key, plan, row)
        print(f"{scan}: {len(theirs)} ways, {agreed} as here")


def of_questions(houses, shown, program, project):
    questions = rows(program, project, "SELECT * FROM questions WHERE task = 'route_plan'")
    routes = {}
    for row in rows(program, project, "SELECT * FROM graph_plans WHERE reason IS NULL"):
        routes[row["scene_id"], row["landmarks"][0], row["landmarks"][-1]] = row
    least = collections.Counter()
    for question in questions:
        scan = question["scene_id"].split("/")[1]
        house, graph = houses[scan]
        start, face, goal, *corners = question["object_ids"]
        route = routes[question["scene_id"], start, goal]
        index = {id: n for n, id in graph.ids.items()}
        stops = [index[id] for id in route["stops"]]
        boxes = {str(n): box for n, _, _, box in house.things()}
        ways = [graph.at(b) - graph.at(a) for a, b in zip(stops, stops[1:])]
        said = [complex(*boxes[face].centre[:2]) - graph.at(stops[0]), *ways]
        turns = [degrees(after / before) for before, after in zip(said, said[1:])]
        check(min(abs(turns[0] - to) % 360 for to in (0, 90, 180, -90, -180)) <= 15 + 1e-6, "faces", turns[0])
        words = ["turn back" if abs(turn) >= 155 else "turn right" if turn > 0 else "turn left" for turn in turns if abs(turn) > 20]
        check(question["answer"] == ", ".join(words), scan, question["answer"], words)
        check(route["landmarks"] == [start, *corners, goal], scan, "landmarks of", question["object_ids"])
        frames = question["frame_ids"]
        panos = {frame.split("/")[-1].rsplit("_i")[0] for frame in frames}
        check(panos == set(route["stops"]), scan, "images are of", panos)
        for name in question["object_ids"]:
            best = max(shown[frame].get(name, 0) for frame in frames)
            least[name] = best
            check(best >= 20, scan, "shows", best, "pixels of", name)
        for n, way in zip(stops, ways):
            looks = [frame for frame in frames if graph.ids[n] in frame and "_i1_" in frame]
            ahead = [(np.linalg.inv(house.photos[graph.ids[n], 1, int(frame[-1])][0]) @ GL)[:2, 2] for frame in looks]
            check(any(abs(degrees(complex(*one) / way)) <= 31 for one in ahead), scan, "nothing looks along the leg from", graph.ids[n])
    first = collections.Counter(question["answer"].split(", ")[0] for question in questions)
    print(f"{len(questions)} route plans; first blanks {dict(first)}; the object that is seen least has {min(least.values(), default=0)} pixels")
    check(len(questions) > 0, "no question")


def main():
    data = os.path.abspath(sys.argv[1])
    houses = of_files(data)
    if len(sys.argv) > 3:
        program, work = os.path.abspath(sys.argv[2]), os.path.abspath(sys.argv[3])
        place = f"{work}/houses"
        os.makedirs(f"{place}/v1/scans", exist_ok=True)
        shown = photographed(houses, place)
        for scan in houses:
            folder = f"{place}/v1/scans/{scan}/house_segmentations"
            os.makedirs(folder, exist_ok=True)
            with open(f"{data}/v1/scans/{scan}/house_segmentations/{scan}.house", "rb") as source, open(f"{folder}/{scan}.house", "wb") as copy:
                copy.write(source.read())
        os.makedirs(f"{place}/connectivity", exist_ok=True)
        for path in (f"{data}/connectivity/{scan}_connectivity.json" for scan in houses):
            with open(path, "rb") as source, open(f"{place}/connectivity/{os.path.basename(path)}", "wb") as copy:
                copy.write(source.read())
        with open(f"{work}/mill.toml", "w") as file:
            file.write('[[source]]\nname = "houses"\nkind = "matterport"\nroot = "houses"\n[ask]\nscene_tasks = true\nmin_sighting_pixels = 20\n')
        if os.system(f"'{program}' --quiet --project '{work}' build"):
            sys.exit("the project is not built")
        of_tables(houses, program, work)
        of_questions(houses, shown, program, work)
    print(f"{len(failures)} differences")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
