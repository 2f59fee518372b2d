"""Kills a build at random moments and compares what is left in the end with a build that nobody disturbed.

    python tests/oracle/kills.py <spatialmill executable> [kills]

A project of small synthetic rooms is imported once and copied. In each round one copy is built and killed with SIGKILL after a random
time, again and again, until the wanted number of kills is reached; whenever a build gets through, its rows are compared by a sorted
hash with the undisturbed build's, `verify` must find nothing, and a new copy is begun.
"""

import hashlib
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

MILL = """
[[source]]
name = "rooms"
kind = "synthetic"
root = "ROOMS"
rooms = 12
frames_per_room = 3
width = 160
height = 120
"""


def main():
    program, kills = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 40
    dice = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        plain = folder / "plain"
        plain.mkdir()
        # Copies of the project read the same rooms: what frames name is absolute.
        (plain / "mill.toml").write_text(MILL.replace("ROOMS", str(folder / "rooms")))
        run(program, plain, "import")
        copies = 0
        shutil.copytree(plain, folder / "copy-0")
        began = time.monotonic()
        run(program, plain, "build", "--no-import")
        takes = time.monotonic() - began
        wanted = rows(program, plain)
        done = through = 0
        while done < kills:
            copy = folder / f"copy-{copies}"
            build = subprocess.Popen(
                [program, "--project", copy, "--quiet", "build", "--no-import"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            try:
                build.wait(dice.uniform(0.05, takes))
            except subprocess.TimeoutExpired:
                build.kill()
                build.wait()
                done += 1
                continue
            assert build.returncode == 0, "a build after a kill failed"
            through += 1
            assert rows(program, copy) == wanted, "other rows after kills"
            run(program, copy, "verify")
            shutil.rmtree(copy)
            copies += 1
            shutil.copytree(plain, folder / f"copy-{copies}", ignore=built)
        copy = folder / f"copy-{copies}"
        run(program, copy, "build", "--no-import")
        assert rows(program, copy) == wanted, "other rows after kills"
        run(program, copy, "verify")
        print(f"ok: {done} kills, {through + 1} builds got through, all with the rows {wanted[:16]}; undisturbed {takes:.1f} s")


def built(folder, names):
    """What a build makes; a copy without it is as after the import."""
    made = {"objects", "appearances", "questions", "name_priors", "keep_rates", "dataset", "runs", "quarantine"}
    return made & set(names) if pathlib.Path(folder).name == "warehouse" else set()


def rows(program, project):
    out = run(program, project, "sql", "--format", "json", "-c", "SELECT * FROM dataset")
    return hashlib.sha256(b"\n".join(sorted(out.splitlines()))).hexdigest()


def run(program, project, *arguments):
    return subprocess.run([program, "--project", project, "--quiet", *arguments], check=True, stdout=subprocess.PIPE).stdout


if __name__ == "__main__":
    main()
