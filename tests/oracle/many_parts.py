"""Opens a table of 100,000 parts: from its log's entries, and from a checkpoint.

    pip install deltalake==1.6.6
    python3 tests/oracle/many_parts.py PROJECT [PARTS]

PROJECT is one that was built. Its warehouse is copied, and an entry with PARTS Adds of other names is put behind the log of `dataset`, as a build
of so many shards would write it; a query that reads no table opens all of them, and no file. What it takes more in the copy with them
than without is what opening takes. The program is $SPATIALMILL, else `spatialmill`.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from deltalake import DeltaTable

TABLE = "dataset"


def seconds(program: str, project: Path, warehouse: Path) -> float:
    command = [program, "--project", str(project), "sql", "--set", f"url={warehouse}", "SELECT 1"]
    best = float("inf")
    for _ in range(3):
        begun = time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        best = min(best, time.monotonic() - begun)
    return best


def with_parts(log: Path, parts: int) -> None:
    entries = sorted(log.glob("*.json"))
    lines = [json.loads(line) for entry in entries for line in entry.read_text().splitlines()]
    add = next(line["add"] for line in reversed(lines) if "add" in line)
    info = next(line["commitInfo"] for line in reversed(lines) if "commitInfo" in line)
    following = int(entries[-1].stem) + 1
    with open(log / f"{following:020}.json", "w") as out:
        out.write(json.dumps({"commitInfo": info}) + "\n")
        for n in range(parts):
            tags = add["tags"] | {"shard": f"many/{n:06}"}
            out.write(json.dumps({"add": add | {"path": f"parts/many/{n:06}-000-000.parquet", "tags": tags}}) + "\n")


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    project, parts = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    program = os.environ.get("SPATIALMILL", "spatialmill")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "warehouse"
        shutil.copytree(project / "warehouse", copy)
        before = seconds(program, project, copy)
        with_parts(copy / TABLE / "_delta_log", parts)
        from_entries = seconds(program, project, copy)
        DeltaTable(str(copy / TABLE)).create_checkpoint()
        from_checkpoint = seconds(program, project, copy)
    print(f"{parts} parts: {from_entries - before:.2f} s from entries, {from_checkpoint - before:.2f} s from a checkpoint")
    return 0


if __name__ == "__main__":
    sys.exit(main())
