"""What each actor saw, as JSON lines in a file of its own: the witnesses that the checker asks."""

import json
import os
import pathlib
import time
from collections.abc import Iterator
from typing import Any


class Journal:
    """Each line is one `write`, so that a kill cuts no line of another process. `t` is CLOCK_MONOTONIC, the same for all."""

    def __init__(self, path: pathlib.Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def note(self, what: str, **fields: Any) -> None:
        line = json.dumps({"t": time.monotonic(), "what": what, **fields}, separators=(",", ":"))
        os.write(self._descriptor, line.encode() + b"\n")


def read(path: pathlib.Path) -> Iterator[dict[str, Any]]:
    """The lines that are whole."""
    if not path.exists():
        return
    with open(path, "rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):
                yield json.loads(line)
