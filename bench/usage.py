"""What /proc says that a process has used."""

import contextlib
import os
import time

_TICKS = os.sysconf("SC_CLK_TCK")


class Meter:
    """CPU that processes use, with their descendants, from its making on. Each has a name and the process at its top."""

    def __init__(self, **roots: int) -> None:
        self._roots = roots
        self._began = {name: tree_cpu_seconds(root) for name, root in roots.items()}
        self._since = time.monotonic()

    def seconds(self) -> dict[str, float]:
        return {name: tree_cpu_seconds(root) - self._began[name] for name, root in self._roots.items()}

    def percent_of_a_core(self) -> dict[str, float]:
        passed = time.monotonic() - self._since
        return {name: spent / passed * 100 for name, spent in self.seconds().items()}


def tree_cpu_seconds(root: int) -> float:
    """User and system time of a process, its descendants, and the children they have reaped."""
    children: dict[int, list[int]] = {}
    spent: dict[int, float] = {}
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        with contextlib.suppress(OSError, IndexError):
            parent, seconds = _times(pid)
            children.setdefault(parent, []).append(pid)
            spent[pid] = seconds
    total, left = 0.0, [root]
    while left:
        pid = left.pop()
        total += spent.get(pid, 0.0)
        left += children.get(pid, [])
    return total


def peak_memory_mib(pid: int) -> float:
    """The most memory it ever held (VmHWM)."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024


def _times(pid: int) -> tuple[int, float]:
    """The parent; and user and system time, its own and of children it has reaped, in seconds."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return int(fields[1]), sum(int(ticks) for ticks in fields[11:15]) / _TICKS
