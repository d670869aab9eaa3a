"""Which file goes where, below /usr or /usr/local."""

import dataclasses
import pathlib

from release import ROOT
from release.facts import Facts
from release.files import File, Files, compressed
from release.image import Image

UNIT, SETTINGS = ROOT / "deploy/systemd/postrider.service", ROOT / "deploy/systemd/postrider.conf"
DOCUMENTS = "share/doc/postrider"


@dataclasses.dataclass(frozen=True)
class Prefix:
    path: str
    # Where zsh looks for completions differs.
    zsh: str


USR = Prefix("/usr", "share/zsh/vendor-completions")
USR_LOCAL = Prefix("/usr/local", "share/zsh/site-functions")


def tree(prefix: Prefix, image: Image) -> Files:
    """What the tarball and the .deb have in common."""
    completions = ROOT / ".build/completions"
    files = {
        "bin/postrider": File(image.files["usr/bin/postrider"].content, 0o755),
        "lib/systemd/system/postrider.service": File(unit(prefix)),
        "share/bash-completion/completions/postrider": File(_sourced(completions / "postrider")),
        f"{prefix.zsh}/_postrider": File((completions / "_postrider").read_bytes()),
        "share/fish/vendor_completions.d/postrider.fish": File((completions / "postrider.fish").read_bytes()),
    }
    for page in (ROOT / ".build/man").glob("*.1"):
        files[f"share/man/man1/{page.name}.gz"] = File(compressed(page.read_bytes()))
    for migration in (ROOT / "migrations").glob("*.sql"):
        files[f"share/postrider/migrations/{migration.name}"] = File(migration.read_bytes())
    return files


def _sourced(script: pathlib.Path) -> bytes:
    """Without its first line, which says how to run it: a shell reads it instead."""
    return script.read_bytes().removeprefix(b"#!/bin/bash\n")


def unit(prefix: Prefix) -> bytes:
    return UNIT.read_text().replace("/usr/local/", f"{prefix.path}/").encode()


def tarball(image: Image, facts: Facts, about: Files) -> Files:
    """All of it in one folder. `tar --strip-components=1 -C /usr/local` puts it where the system looks for it."""
    files = tree(USR_LOCAL, image) | {
        "share/postrider/postrider.conf": File(SETTINGS.read_bytes()),
        f"{DOCUMENTS}/LICENSE": File((ROOT / "LICENSE").read_bytes()),
        f"{DOCUMENTS}/CHANGELOG.md": File((ROOT / "CHANGELOG.md").read_bytes()),
    } | {f"{DOCUMENTS}/{name}": file for name, file in about.items()}
    return {f"postrider-{facts.version}/{path}": file for path, file in files.items()}
