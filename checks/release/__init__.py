"""What users install: dist/ is made as `make release` does it, and each thing in it is used as its user would.

The .deb and the tarball are installed in a Debian of their own, by three shells that know only what README.md says.
"""

import os
import pathlib
import subprocess
import tempfile

from checks import ROOT
from checks.harness.options import Options
from checks.harness.processes import Failure
from checks.harness.tally import Tally
from checks.image import BUILDAH
from checks.release import contents, debian

IMAGE = "localhost/postrider:release-test"
DIST = ROOT / "dist"


def check(tally: Tally, options: Options) -> None:
    if os.geteuid() != 0:
        raise Failure("packages are installed by root; run it with sudo")
    os.environ.update(BUILDAH)
    image = options.image or IMAGE
    if not options.image:
        _run("checks/image/build", image)
    _run("scripts/release", image)
    contents.check(DIST, tally)
    with tempfile.TemporaryDirectory(prefix="postrider-release-") as again:
        _run("scripts/release", image, again)
        tally.check("the same image gives the same bytes", contents.difference(DIST, pathlib.Path(again)))
    debian.check(DIST, tally)


def _run(program: str, *arguments: str) -> None:
    if subprocess.run([ROOT / program, *arguments]).returncode != 0:
        raise Failure(f"{program} failed; what was said is above")
