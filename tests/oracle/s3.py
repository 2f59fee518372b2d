"""Starts an S3-compatible server on loopback, makes a bucket, runs a command against it, stops the server.

    pip install ministack==1.5.33
    python3 tests/oracle/s3.py cargo test --workspace --lib warehouse::tests

The command finds the bucket in SPATIALMILL_TEST_S3 and how to reach it in AWS_*. The exit code is the command's.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

BUCKET = "spatialmill-test"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    log = tempfile.TemporaryFile()
    environment = os.environ | {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "S3_PERSIST": "0",
    }
    server = subprocess.Popen([sys.executable, "-m", "ministack"], env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                request = urllib.request.Request(f"{endpoint}/{BUCKET}", method="PUT")
                urllib.request.urlopen(request, timeout=5).close()
                break
            except OSError as error:
                if server.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    print(log.read().decode(errors="replace"), file=sys.stderr)
                    raise SystemExit(f"the server did not start: {error}") from error
                time.sleep(0.2)
        reach = {
            "SPATIALMILL_TEST_S3": f"s3://{BUCKET}",
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        return subprocess.run(sys.argv[1:], env=os.environ | reach, check=False).returncode
    finally:
        server.terminate()
        server.wait(timeout=20)


if __name__ == "__main__":
    sys.exit(main())
