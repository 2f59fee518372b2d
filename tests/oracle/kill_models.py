"""Kills builds that ask models at random moments, and counts what is asked twice.

    python tests/oracle/kill_models.py <spatialmill executable> [kills of each kind]

Photos of one colour each, made here, are asked about by a contract network (udfs/models/tests/networks, in the ONNX Runtime that
`spatialmill setup` gets) and by an endpoint that this script serves on loopback. Each project is built and killed with SIGKILL after a
random time, again and again, until a build gets through; then the next project is begun, until there were enough kills. Held against:

  - what an undisturbed build of the same project wrote: the rows, and the bytes of each depth image
  - what was kept: a build that gets through says how many answers it asked for, which is the photos less the answers that were there
  - what the endpoint was asked: beyond one request a photo, no more than `in_flight` requests a kill

Needs nothing but Python.
"""

import hashlib
import http.server
import json
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib

PHOTOS = 80
BATCH = 4
IN_FLIGHT = 8
NETWORK = pathlib.Path(__file__).resolve().parents[2] / "udfs/models/tests/networks/work_50.onnx"

SOURCE = """
[[source]]
name = "wild"
kind = "images"
root = "photos"
split = "train"
licence = "CC0-1.0"
shards = 3

[models]
"""

DEPTH = f"""
[[model]]
name = "asked"
task = "depth"
family = "metric_depth"
uri = "{NETWORK}"
sha256 = "{hashlib.sha256(NETWORK.read_bytes()).hexdigest()}"
batch = {BATCH}
"""

DETECT = """
[[model]]
name = "asked"
task = "detect"
family = "chat"
[model.endpoint]
url = "URL"
model = "scripted"
in_flight = IN_FLIGHT
"""


def main():
    program, kills = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 20
    server = Server()
    endpoint = DETECT.replace("URL", server.url).replace("IN_FLIGHT", str(IN_FLIGHT))
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        check(program, folder / "network", kills, "depth_model", DEPTH, "depths", None)
        check(program, folder / "endpoint", kills, "detect_model", endpoint, "detected", server)


def check(program, folder, kills, key, models, table, server):
    """Kills builds of one kind of model."""
    dice = random.Random(0)
    plain = folder / "plain"
    make(plain, key, models)
    run(program, plain, "import")
    new = lambda number: shutil.copytree(plain, folder / f"copy-{number}")
    copy = new(0)
    began = time.monotonic()
    assert said(build(program, plain, table).communicate()[1])[0] == PHOTOS
    takes = time.monotonic() - began
    wanted = rows(program, plain, table)
    shutil.rmtree(plain / "warehouse")
    run(program, plain, "import")

    copies, done, amid, through, in_row, asked_before, repeated, left = 0, 0, 0, 0, 0, server and server.asked, [], 0
    while done < kills or in_row:
        kept, began = answers(copy), time.monotonic()
        process = build(program, copy, table)
        try:
            # Later ones would rarely come in time.
            _, stderr = process.communicate(timeout=dice.uniform(0.05, takes) if done < kills else None)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            done, in_row = done + 1, in_row + 1
            amid += kept < answers(copy) < PHOTOS
            assert answers(copy) >= kept, "an answer was lost"
            continue
        assert process.returncode == 0, stderr
        asked, calls = said(stderr)
        assert asked == PHOTOS - kept, f"{asked} asked for, though {kept} of {PHOTOS} were kept"
        if server is None:
            assert calls >= asked / BATCH
        else:
            repeated.append(server.asked - asked_before - PHOTOS)
            asked_before = server.asked
            assert 0 <= repeated[-1] <= in_row * IN_FLIGHT, f"{repeated[-1]} asked again after {in_row} kills"
        if kept == 0:
            takes = min(takes, time.monotonic() - began)
        assert answers(copy) == PHOTOS
        assert rows(program, copy, table) == wanted, "other rows after kills"
        run(program, copy, "verify")
        left += sum(1 for path in (copy / "warehouse/_answers").rglob("*") if path.is_file() and path.suffix not in (".json", ".png"))
        through, in_row, copies = through + 1, 0, copies + 1
        shutil.rmtree(copy)
        copy = new(copies)
    again = f"; {sum(repeated)} requests sent twice, {sum(repeated) / done:.1f} a kill (allowed {IN_FLIGHT})" if server else ""
    print(
        f"ok, {folder.name}: {done} kills ({amid} of them while answers came in), {through} builds got through with the undisturbed rows, no kept answer was asked for again{again}; "
        f"{left} half-written files left; undisturbed {takes:.1f} s"
    )


def make(project, key, models):
    (project / "photos").mkdir(parents=True)
    for number in range(PHOTOS):
        (project / f"photos/{number:03}.png").write_bytes(png(64, 48, (number, 255 - number, 90)))
    (project / "mill.toml").write_text(f'{SOURCE}{key} = "asked"\n')
    (project / "models.toml").write_text(models)


def png(width, height, colour):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    lines = (b"\0" + bytes(colour) * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def build(program, project, table):
    command = [program, "--project", project, "build", "--no-import", "--until", table]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def said(stderr):
    """Answers and calls, as a build's account says; none where it asked for nothing."""
    found = re.search(r"asked: (\d+) answers in (\d+) (?:calls|requests)", stderr)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def answers(project):
    return sum(1 for _ in (project / "warehouse/_answers").rglob("*.json"))


def rows(program, project, table):
    """The rows but for where the project is, and the depth images by their names."""
    lines = run(program, project, "sql", "--format", "json", "-c", f"SELECT * FROM {table}").decode().splitlines()
    lines = [re.sub(r'file://[^"]*/_answers/', "", line) for line in lines]
    images = (project / "warehouse/_answers").rglob("*.png")
    return sorted(lines), sorted((path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in images)


def run(program, project, *arguments):
    return subprocess.run([program, "--project", project, "--quiet", *arguments], check=True, stdout=subprocess.PIPE).stdout


class Server:
    """Says the same of each image, after as long as a small model takes, and counts who asks."""

    def __init__(self):
        self.asked = 0
        lock = threading.Lock()
        things = {"objects": [{"label": "chair", "description": "red chair", "box": [100, 100, 500, 500]}]}
        message = {"role": "assistant", "content": json.dumps(things)}
        reply = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": {"prompt_tokens": 9, "completion_tokens": 9}}
        body = json.dumps(reply).encode()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                length = int(self.headers["content-length"])
                if len(self.rfile.read(length)) < length:
                    return
                with lock:
                    outer.asked += 1
                time.sleep(0.1)
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def handle(self):
                try:
                    super().handle()
                except (BrokenPipeError, ConnectionResetError):
                    pass

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_port}/v1"


if __name__ == "__main__":
    main()
