"""What is in the image, and how it is started."""

import json
import os
import pathlib
import subprocess

from checks.harness.tally import Tally

MOST_MB = 150
STARTED = {"User": "65532:65532", "Entrypoint": ["/usr/bin/postrider"], "Cmd": ["worker"], "StopSignal": "SIGTERM"}


def check(image: str, root: pathlib.Path, tally: Tally) -> None:
    megabytes = _size(root) / 1e6
    executable = (root / "usr/bin/postrider").stat().st_size / 1e6
    print(f"size: {megabytes:.0f} MB, of which the executable {executable:.0f} MB")
    tally.check(f"it has less than {MOST_MB} MB", None if megabytes < MOST_MB else f"{megabytes:.0f} MB")
    shells = [path for path in ("bin/sh", "usr/bin/sh") if os.path.lexists(root / path)]
    tally.check("there is no shell in it", ", ".join(shells))
    described = subprocess.run(["buildah", "inspect", "--type", "image", image], check=True, stdout=subprocess.PIPE).stdout
    config = json.loads(described)["OCIv1"]["config"]
    started = {key: config.get(key) for key in STARTED}
    tally.check("it starts a worker as user 65532 and is stopped by SIGTERM", None if started == STARTED else str(started))


def _size(root: pathlib.Path) -> int:
    """Bytes of all files; a file that has several names counts once."""
    files = {(status.st_dev, status.st_ino): status.st_size for status in (path.lstat() for path in root.rglob("*"))}
    return sum(files.values())
