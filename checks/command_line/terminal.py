"""A program on a terminal: what it shows, and keys for it."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class Terminal:
    def __init__(self, ours: int, theirs: int, process: "subprocess.Popen[bytes]") -> None:
        self._ours, self._theirs, self.process, self.screen = ours, theirs, process, ""

    def type(self, keys: str) -> None:
        """What was shown before counts no more."""
        self.screen = ""
        os.write(self._ours, keys.encode())

    def shows(self, *words: str, within_s: float = 10) -> bool:
        end = time.monotonic() + within_s
        while not all(word in self.screen for word in words) and time.monotonic() < end:
            if select.select([self._ours], [], [], 0.1)[0]:
                self.screen += os.read(self._ours, 65536).decode(errors="replace")
        return all(word in self.screen for word in words)

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.killpg(self.process.pid, signal.SIGWINCH)

    def echoes(self) -> bool:
        """Whether keys are echoed, and lines are edited: as a shell leaves its terminal to a program."""
        flags = termios.tcgetattr(self._theirs)[3]
        return bool(flags & termios.ECHO) and bool(flags & termios.ICANON)


@contextmanager
def terminal(words: Sequence[object], environment: dict[str, str], rows: int = 24, columns: int = 80) -> Iterator[Terminal]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(
        [str(word) for word in words], stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True,
        # fish waits until the terminal is its own.
        preexec_fn=lambda: fcntl.ioctl(theirs, termios.TIOCSCTTY, 0))
    try:
        yield Terminal(ours, theirs, process)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)
