"""Starting programs that end with us, and what /proc says about them."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time

_TICKS = os.sysconf("SC_CLK_TCK")
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """The measurement cannot go on; the text says why."""


@contextlib.contextmanager
def program(arguments, parting=signal.SIGTERM, patience_s=30, **options):
    """Runs a program for as long as the context lasts, and sends it `parting` at the end or when we die."""

    def end_with_parent():
        _LIBC.prctl(_PR_SET_PDEATHSIG, parting)

    process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=end_with_parent, **options)
    try:
        yield process
    finally:
        process.send_signal(parting)
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(what, condition, timeout_s, step_s=0.02):
    end = time.monotonic() + timeout_s
    while not (value := condition()):
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {timeout_s} s")
        time.sleep(step_s)
    return value


def cpu_seconds(pid):
    """User and system time of one process."""
    return sum(_times(pid)[1][:2])


def tree_cpu_seconds(root):
    """User and system time of a process, its descendants, and the children they have reaped."""
    children, spent = {}, {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, IndexError):
            parent, times = _times(name)
            children.setdefault(parent, []).append(int(name))
            spent[int(name)] = sum(times)
    total, left = 0.0, [root]
    while left:
        pid = left.pop()
        total += spent.get(pid, 0.0)
        left += children.get(pid, [])
    return total


def peak_memory_mib(pid):
    """The most memory it ever held (VmHWM)."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024


def _times(pid):
    """The parent; and user, system, and both of reaped children, in seconds."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return int(fields[1]), [int(ticks) / _TICKS for ticks in fields[11:15]]
