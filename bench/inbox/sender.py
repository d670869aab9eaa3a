"""The program that sends: compiled, so that it takes little of the cores that it shares with what is measured."""

import contextlib
import dataclasses
import functools
import json
import os
import pathlib
import signal
import subprocess
import tempfile
from collections.abc import Iterator

from checks.harness.processes import Failure, end_with_parent

_SOURCE = pathlib.Path(__file__).parent / "sender.c"
# Kept until the end of the run.
_FOLDER = tempfile.TemporaryDirectory(prefix="postrider-bench-sender-")


@dataclasses.dataclass(frozen=True)
class Sent:
    """What a sender has done."""

    seconds: float
    cpu_seconds: float
    # Connections that it opened, and those that the other side ended.
    opened: int
    ended: int
    bytes: int
    # How many answers of each status.
    statuses: dict[str, int]
    waits_ms: list[float]

    @property
    def answers_per_second(self) -> float:
        return sum(self.statuses.values()) / self.seconds

    @property
    def cpu_percent(self) -> float:
        return self.cpu_seconds / self.seconds * 100


class Running:
    """A sender that works in the background."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def result(self, patience_s: float) -> Sent:
        """Waits for its end."""
        try:
            said, complaint = self._process.communicate(timeout=patience_s)
        except subprocess.TimeoutExpired as late:
            raise Failure("the sender did not come to its end") from late
        if self._process.returncode != 0:
            raise Failure(f"the sender failed: {complaint.strip()[-300:]}")
        return Sent(**json.loads(said))

    def stop(self) -> Sent:
        self._process.send_signal(signal.SIGTERM)
        return self.result(30)


@functools.cache
def _program() -> pathlib.Path:
    made = pathlib.Path(_FOLDER.name) / "sender"
    done = subprocess.run(["cc", "-O2", "-o", made, _SOURCE], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"{_SOURCE.name} cannot be compiled: {done.stderr.strip()[-300:]}")
    return made


@contextlib.contextmanager
def sender(
    port: int, kind: str, file: pathlib.Path, connections: int, count: int = 0, rate: float = 0, seconds: float = 0, gives_way: bool = False
) -> Iterator[Running]:
    """Starts one. What `kind` and the others mean stands at the head of the program.

    Who gives way runs only while a core has nothing else to do. That is for those who mean ill: elsewhere they have machines of
    their own, and here they must not take the cores from what they attack.
    """

    def prepare() -> None:
        end_with_parent(signal.SIGKILL)
        if gives_way:
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))

    process = subprocess.Popen(
        [_program(), str(port), kind, file, str(connections), str(count), str(rate), str(seconds)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=prepare,
    )
    try:
        yield Running(process)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()
