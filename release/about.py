"""What is said of a release: how it was built, and the licences of what is linked in."""

import hashlib
import json

from release.facts import Facts
from release.files import File, Files
from release.image import Image
from release.sbom import ABOUT


def about(image: Image, facts: Facts) -> Files:
    return {"BUILD": File(_build(image, facts).encode()), "third-party": File(_third_party(image).encode())}


def _build(image: Image, facts: Facts) -> str:
    executable = hashlib.sha256(image.files["usr/bin/postrider"].content).hexdigest()
    debian = next(line for line in image.text("etc/os-release").splitlines() if line.startswith("PRETTY_NAME="))
    packages = "".join(
        f"  {pin['location']} {pin['state']['version']} {pin['state']['revision']}\n"
        for pin in json.loads(image.text(f"{ABOUT}/Package.resolved"))["pins"])
    return f"""Postrider {facts.version}

Commit:      {facts.commit}
Date:        {facts.time} (SOURCE_DATE_EPOCH={facts.epoch})
Toolchain:   {image.text(f"{ABOUT}/toolchain").strip()}
Built on:    {debian.partition("=")[2].strip('"')}, by deploy/Dockerfile
Executable:  sha256 {executable}
Linked in:
{packages}
To build it again: check the commit out and run `make release` on Debian 12. The tarball, the .deb, the archive of the image and the
executable hold no time but the date above, and no path of the machine that built them.
"""


def _third_party(image: Image) -> str:
    """The licences and notices of what is linked in, whole, as they ask for it."""
    texts = sorted(image.below(f"{ABOUT}/third-party").items())
    return "".join(f"{'=' * 78}\n{path}\n{'=' * 78}\n\n{file.content.decode()}\n" for path, file in texts)
