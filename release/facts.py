"""What is released: which version of which commit."""

import dataclasses
import datetime
import os
import re
import subprocess

from release import ROOT

_VERSION = ROOT / "Sources/CommandLineTool/PostriderCommand.swift"


@dataclasses.dataclass(frozen=True)
class Facts:
    version: str
    commit: str
    # Seconds since 1970: SOURCE_DATE_EPOCH where it is set, or else the time of the commit.
    epoch: int
    # Name and address of who made the commit: who answers for the package.
    maintainer: str

    @property
    def time(self) -> str:
        return datetime.datetime.fromtimestamp(self.epoch, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def of_this_tree() -> Facts:
    found = re.search(r'static let current = "([0-9.]+)"', _VERSION.read_text())
    if not found:
        raise SystemExit(f"release: {_VERSION} names no version")
    commit, committed, maintainer = _git("log", "-1", "--format=%H%n%ct%n%an <%ae>").splitlines()
    is_changed = _git("status", "--porcelain", "--untracked-files=no") != ""
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or committed)
    return Facts(found[1], commit + (" with changes" if is_changed else ""), epoch, maintainer)


def _git(*words: str) -> str:
    return subprocess.run(["git", "-C", ROOT, *words], check=True, capture_output=True, text=True).stdout
