"""The container image: built without a registry and without a Docker engine, and its promises proved on a worker in it."""

import contextlib
import os
import pathlib
import subprocess
import tempfile
from collections.abc import Iterator

from checks.harness.options import Options
from checks.harness.processes import Failure
from checks.harness.tally import Tally
from checks.image import container, contents

IMAGE = "localhost/postrider:image-test"
# buildah needs neither a daemon nor overlay mounts with these.
BUILDAH = {"BUILDAH_ISOLATION": "chroot", "STORAGE_DRIVER": "vfs"}


def check(tally: Tally, _: Options) -> None:
    if os.geteuid() != 0:
        raise Failure("the image is built and mounted by root; run it with sudo")
    os.environ.update(BUILDAH)
    if subprocess.run([pathlib.Path(__file__).parent / "build", IMAGE]).returncode != 0:
        raise Failure("the image could not be built; what was said is above")
    with _mounted(IMAGE) as root:
        contents.check(IMAGE, root, tally)
        container.check(root, tally)


@contextlib.contextmanager
def _mounted(image: str) -> Iterator[pathlib.Path]:
    """The root file system of the image, read-only."""
    made = _said("buildah", "from", image)
    try:
        with tempfile.TemporaryDirectory(prefix="postrider-image-") as directory:
            subprocess.run(["mount", "--bind", _said("buildah", "mount", made), directory], check=True)
            try:
                subprocess.run(["mount", "-o", "remount,bind,ro", directory], check=True)
                yield pathlib.Path(directory)
            finally:
                subprocess.run(["umount", directory], check=True)
    finally:
        subprocess.run(["buildah", "rm", made], check=True, stdout=subprocess.DEVNULL)


def _said(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
