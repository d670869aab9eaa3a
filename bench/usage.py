"""What /proc says that a process has used."""

import contextlib
import os

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of one process."""
    return sum(_times(pid)[1][:2])


def tree_cpu_seconds(root: int) -> float:
    """User and system time of a process, its descendants, and the children they have reaped."""
    children: dict[int, list[int]] = {}
    spent: dict[int, float] = {}
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        with contextlib.suppress(OSError, IndexError):
            parent, times = _times(pid)
            children.setdefault(parent, []).append(pid)
            spent[pid] = sum(times)
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


def _times(pid: int) -> tuple[int, list[float]]:
    """The parent; and user, system, and both of reaped children, in seconds."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return int(fields[1]), [int(ticks) / _TICKS for ticks in fields[11:15]]
