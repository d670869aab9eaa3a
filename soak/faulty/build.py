"""Builds the product with all faults in it, in a copy of the tree. The product's own sources know nothing of them."""

import os
import pathlib
import re
import subprocess

from checks import ROOT
from checks.harness.processes import Failure
from soak.faulty.edit import Edit, edited
from soak.faulty.mutants import MUTANTS
from soak.faulty.trials import TRIALS

COPY = ROOT / ".build/faulty"
# The lowest module that all edited ones import.
_SWITCH = "Sources/Outbox/FaultSwitch.swift"
_COPIED = ("Package.swift", "Package.resolved", "Sources", "Tests", "migrations")


def edits() -> list[Edit]:
    return [edit for changed in (*TRIALS, *MUTANTS) for edit in changed.edits]


def read(path: str) -> str:
    return (ROOT / path).read_text()


def texts_with_faults() -> dict[str, str]:
    """The text of each file that is edited. It imports the module of the switch, where it did not before."""
    return {path: text if _imports_switch(path, text) else f"import Outbox\n{text}" for path, text in edited(edits(), read).items()}


def _imports_switch(path: str, text: str) -> bool:
    return path.startswith("Sources/Outbox/") or re.search(r"^(\w+ )?import Outbox$", text, re.MULTILINE) is not None


def build() -> pathlib.Path:
    """The executable."""
    texts = texts_with_faults() | {_SWITCH: (pathlib.Path(__file__).parent / "FaultSwitch.swift").read_text()}
    _copy_sources(texts)
    if not (COPY / ".build").exists():
        _copy_build()
    _compile()
    return (COPY / ".build/debug/postrider").resolve()


def _copy_sources(texts: dict[str, str]) -> None:
    """Writes only what has changed since the last time, so that only that is compiled again."""
    wanted: dict[str, bytes] = {path: text.encode() for path, text in texts.items()}
    for name in _COPIED:
        for path in [ROOT / name, *(ROOT / name).rglob("*")]:
            if path.is_file() and not path.is_symlink():
                wanted.setdefault(str(path.relative_to(ROOT)), path.read_bytes())
    for name, content in wanted.items():
        copy = COPY / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if not copy.exists() or copy.read_bytes() != content:
            copy.write_bytes(content)
    for name in _COPIED:
        for path in (ROOT / name).rglob("*"):
            link = COPY / path.relative_to(ROOT)
            if path.is_symlink() and not link.is_symlink():
                link.symlink_to(os.readlink(path))
        for path in list((COPY / name).rglob("*")):
            if path.is_file() and not path.is_symlink() and str(path.relative_to(COPY)) not in wanted:
                path.unlink()


def _copy_build() -> None:
    """Begins with what is built here, so that no dependency is compiled again."""
    if not (ROOT / ".build").exists():
        return
    (COPY / ".build").mkdir()
    for path in (ROOT / ".build").iterdir():
        if path.name in ("checkouts", "repositories", "artifacts", "plugins", "debug", "x86_64-unknown-linux-gnu") or path.is_file():
            subprocess.run(["cp", "-a", path, COPY / ".build"], check=True)


def _compile() -> None:
    """With the copy mounted in the place of this tree where that may be done: what is built knows its path, and stays valid."""
    command = ["swift", "build", "--product", "postrider"]
    if os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0:
        command = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" "$1" && cd "$1" && shift && exec "$@"', str(COPY), str(ROOT), *command]
    done = subprocess.run(command, cwd=COPY, capture_output=True, text=True)
    if done.returncode != 0:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if "error" in line] or (done.stdout + done.stderr).splitlines()
        raise Failure("the test build fails:\n" + "\n".join(lines[-20:]))
