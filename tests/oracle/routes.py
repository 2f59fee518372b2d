"""Route plans, walked again over the triangles of their scans.

    python tests/oracle/routes.py spatialmill PROJECT

Of every route_plan question of a built project: a grid of the floor is made from points on the scene's triangles; a person of 30 cm can walk the legs of the
route in `scene_routes`; its length is that of the shortest way by Dijkstra's algorithm; the turns at its corners, and the first one from the landmark that
is faced, are those of the answer, by complex numbers; it starts, turns and ends beside the landmarks that the plan names, with no wall between; and no
other option is the answer, too.

Needs numpy. Exits with 1 where a route differs, and where there is none.
"""

import cmath
import heapq
import math
import sys

import numpy as np

from scene_tasks import Box, rows

CELL = 0.04


class Floor:
    """What stands where in a scene, in cells of the ground plan."""

    def __init__(self, surfaces, floor_z):
        points = np.concatenate([spread(np.array(one["vertices"]).reshape(-1, 3), np.array(one["triangles"]).reshape(-1, 3)) for one in surfaces])
        self.low = points[:, :2].min(0) - 1.0
        shape = np.ceil((points[:, :2].max(0) - self.low + 1.0) / CELL).astype(int)
        height = points[:, 2] - floor_z
        self.floor, self.obstacle, self.tall = (np.zeros(shape, bool) for _ in range(3))
        for grid, within in ((self.floor, abs(height) < 0.08), (self.obstacle, (height > 0.15) & (height < 1.6)), (self.tall, (height > 1.2) & (height < 2.0))):
            grid[tuple(self.cell(points[within]).T)] = True
        self.walkable = ~grown(self.obstacle, 0.19) & grown(self.floor, 0.09)

    def cell(self, points):
        return ((np.asarray(points)[..., :2] - self.low) / CELL).astype(int)

    def along(self, start, end):
        steps = max(2, int(np.hypot(*np.subtract(end, start)) / (CELL / 2)))
        return np.linspace(start, end, steps)

    def shortest(self, start, end):
        """Metres, over sides and corners of cells."""
        start, end = tuple(self.cell(start)), tuple(self.cell(end))
        known, queue = {start: 0.0}, [(0.0, start)]
        while queue:
            length, at = heapq.heappop(queue)
            if max(abs(at[0] - end[0]), abs(at[1] - end[1])) <= 2:
                return length * CELL
            if length > known[at]:
                continue
            for x, y in ((x, y) for x in (-1, 0, 1) for y in (-1, 0, 1) if x or y):
                after, longer = (at[0] + x, at[1] + y), length + math.hypot(x, y)
                # Where the cells of the start itself are too narrow for this grid, they count.
                if (self.walkable[after] or length < 6) and longer < known.get(after, math.inf):
                    known[after] = longer
                    heapq.heappush(queue, (longer, after))
        return math.inf


def spread(vertices, triangles):
    """Points on triangles, at most half a cell apart."""
    corners = vertices[triangles]
    sides = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(1)
    found = [vertices]
    for steps in np.unique(np.ceil(sides / (CELL / 2)).astype(int)):
        some = corners[np.ceil(sides / (CELL / 2)).astype(int) == steps]
        a, b = (grid.ravel() / max(steps, 1) for grid in np.mgrid[0 : steps + 1, 0 : steps + 1])
        inside = a + b <= 1 + 1e-9
        weights = np.stack([1 - a - b, a, b], axis=1)[inside]
        found.append((weights @ some).reshape(-1, 3))
    return np.concatenate(found)


def grown(cells, by):
    reach = int(by / CELL)
    result = np.zeros_like(cells)
    for x in range(-reach, reach + 1):
        for y in range(-reach, reach + 1):
            if math.hypot(x, y) * CELL <= by:
                result |= np.roll(cells, (x, y), (0, 1))
    return result


def footprint_distance(box, point):
    """From the ground plan's point to an upright box, by clamping in its axes."""
    local = np.clip(box.axes[:, :2] @ (point - box.centre[:2]), -box.half, box.half)
    flat = box.centre[:2] + local @ box.axes[:, :2]
    return np.hypot(*(flat - point)), flat


def beside(floor, box, point, reach):
    distance, nearest = footprint_distance(box, np.array(point))
    if distance > reach + CELL:
        return False
    way = [at for at in floor.along(point, nearest) if footprint_distance(box, at)[0] > 2 * CELL]
    return not way or not floor.tall[tuple(floor.cell(way).T)].all() and floor.tall[tuple(floor.cell(way).T)].mean() < 0.2


def action(turn):
    """Of a rotation as a complex number: left where its angle is positive."""
    degrees = math.degrees(cmath.phase(turn))
    if abs(degrees) <= 20:
        return None
    if abs(degrees) >= 155:
        return "turn back"
    return "turn left" if degrees > 0 else "turn right"


def turns(points):
    """Of a path, those to one side that are less than a metre apart as one."""
    legs = [complex(*np.subtract(b, a)) for a, b in zip(points, points[1:])]
    found = []
    for at, (before, after) in zip(points[1:], zip(legs, legs[1:])):
        turn = after / before
        if found and (found[-1][1].imag > 0) == (turn.imag > 0) and math.dist(found[-1][2], at) < 1:
            found[-1] = (found[-1][0] + [at], found[-1][1] * turn, at)
        else:
            found.append(([at], turn, at))
    return [(np.mean(places, axis=0), turn) for places, turn, _ in found]


def fault(question, route, floor, boxes):
    start, face, goal, *corners = (boxes[one] for one in question["object_ids"])
    points = [tuple(route["path"][i : i + 2]) for i in range(0, len(route["path"]), 2)]
    legs = [floor.cell(floor.along(a, b)) for a, b in zip(points, points[1:])]
    blocked = [np.mean(floor.obstacle[tuple(leg.T)]) for leg in legs]
    if max(blocked) > 0.02:
        return f"a leg is blocked ({max(blocked):.2f})"
    shortest = floor.shortest(points[0], points[-1])
    # The stand points' own cells may be too narrow for this grid.
    if abs(route["length"] - shortest) > max(0.4, 0.07 * shortest):
        return f"{route['length']:.2f} m long, and the shortest way {shortest:.2f} m"
    found = turns(points)
    if len(found) != len(corners):
        return f"{len(found)} turns, and {len(corners)} corners"
    if not beside(floor, start, points[0], 0.8) or not beside(floor, goal, points[-1], 0.8):
        return "starts or ends elsewhere"
    for (at, _), corner in zip(found, corners):
        if not beside(floor, corner, at, 1.2):
            return "turns elsewhere"
    to_face = complex(*(face.centre[:2] - points[0]))
    first = complex(*np.subtract(points[1], points[0])) / to_face
    said = [said for said in [action(first), *(action(turn) for _, turn in found)] if said]
    options = question["options"]
    if question["answer"] != ", ".join(said):
        return f"turns are {', '.join(said)}"
    if len(set(options)) != len(options) or question["answer"] not in options:
        return "options are not different"
    return None


def main():
    program, project = sys.argv[1:3]
    questions = rows(program, project, "SELECT * FROM questions WHERE task = 'route_plan'")
    boxes = {}
    for row in rows(program, project, "SELECT scene_id, object_id, obb FROM scene_objects"):
        boxes.setdefault(row["scene_id"], {})[row["object_id"]] = Box(row["obb"])
    routes = {(row["scene_id"], row["from_id"], row["to_id"]): row for row in rows(program, project, "SELECT * FROM scene_routes")}
    floors = {row["scene_id"]: row.get("floor_z") for row in rows(program, project, "SELECT scene_id, floor_z FROM scenes")}
    wrong = 0
    for scene in sorted({question["scene_id"] for question in questions}):
        floor = Floor(rows(program, project, f"SELECT vertices, triangles FROM surfaces WHERE scene_id = '{scene}'"), floors[scene])
        for question in (question for question in questions if question["scene_id"] == scene):
            start, _, goal, *corners = question["object_ids"]
            route = routes[scene, start, goal]
            problem = fault(question, route, floor, boxes[scene]) if route["corners"] == corners else "other corners"
            if problem:
                wrong += 1
                print("wrong:", scene, question["object_ids"], question["answer"], "-", problem)
    print(f"{len(questions)} route plans; {wrong} wrong")
    sys.exit(1 if wrong or not questions else 0)


if __name__ == "__main__":
    main()
