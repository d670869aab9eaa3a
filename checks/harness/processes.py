"""Starting programs that end with us, free ports, and waiting with a time limit."""

import contextlib
import ctypes
import pathlib
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_LIBC = ctypes.CDLL(None, use_errno=True)

Found = TypeVar("Found")


class Failure(Exception):
    """The check or the measurement cannot go on; the text says why."""


def end_with_parent(parting: signal.Signals) -> None:
    """This process is sent `parting` when the one that started it dies."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, parting)


@contextlib.contextmanager
def program(
    arguments: Sequence[str | pathlib.Path], parting: signal.Signals = signal.SIGTERM, patience_s: float = 30, **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a program for as long as the context lasts, and sends it `parting` at the end or when we die."""
    process = subprocess.Popen(
        arguments, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=lambda: end_with_parent(parting), **options)
    try:
        yield process
    finally:
        process.send_signal(parting)
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def adopt_orphans() -> None:
    """From now on a process whose parent ended becomes our child, so that we can wait for it: in a container, process 1 may not."""
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(what: str, condition: Callable[[], Found], timeout_s: float, step_s: float = 0.02) -> Found:
    """What `condition` gives as soon as that is true."""
    end = time.monotonic() + timeout_s
    while not (value := condition()):
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {timeout_s} s")
        time.sleep(step_s)
    return value


def ask(url: str) -> str | None:
    """The body of a 2xx answer; None when there is none yet."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return None


def listens(address: str) -> bool:
    """Whether a program takes connections at HOST:PORT."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=5):
            return True
    except OSError:
        return False
