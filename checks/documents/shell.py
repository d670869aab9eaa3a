"""The shell of a page: commands run one after the other and keep their variables, others go on in the background."""

import contextlib
import os
import pathlib
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Any

_PRELUDE = r"""
set -a -eo pipefail
wait_for() {
    local tries
    for ((tries = 0; tries < 600; tries++)); do
        [[ $(psql -XAtqc "$1" 2>/dev/null) != t ]] || return 0
        sleep 0.05
    done
    echo "not within 30 s: $1" >&2
    return 1
}
[[ ! -e $PAGE_STATE ]] || { . "$PAGE_STATE"; cd "$OLDPWD_OF_PAGE"; }
"""
_EPILOGUE = """
trap 'OLDPWD_OF_PAGE=$PWD; export -p | grep -vE "^declare -x (SHLVL|PWD|OLDPWD|_)=" >"$PAGE_STATE"' EXIT
"""

# How long a block may take, and how long what it started may take to end when it is asked to.
DEADLINE_S, PATIENCE_S = 60, 15


class Program:
    """A program with all that it starts, in a group of its own, until it is ended."""

    def __init__(self, arguments: Sequence[str | pathlib.Path], log: pathlib.Path, **options: Any) -> None:
        self._log = log
        with open(log, "w") as sink:
            self._process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True, **options)

    def output(self) -> str:
        return self._log.read_text(errors="replace")

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def status(self, patience_s: float) -> int | None:
        """The exit code; None when it still runs after that time."""
        try:
            return self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            return None

    def end(self) -> None:
        """Asks it to end, as Ctrl-C and a supervisor would, and insists after a while."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            end = time.monotonic() + PATIENCE_S
            while not (ended := self._has_group_ended()) and time.monotonic() < end:
                time.sleep(0.01)
            if ended:
                return

    def _has_group_ended(self) -> bool:
        if not self.has_ended():
            return False
        # Children that outlived it are ours now (see adopt_orphans), and one that is not waited for counts as running.
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-self._process.pid, os.WNOHANG)[0]:
                pass
        try:
            os.killpg(self._process.pid, 0)
            return False
        except ProcessLookupError:
            return True


class Shell:
    """What it runs sees the variables that earlier blocks set, in the directory where they left it, unless each has its own."""

    def __init__(self, directory: str, environment: dict[str, str]) -> None:
        self.directory = pathlib.Path(directory)
        self.environment = environment | {"PAGE_STATE": str(self.directory / ".state")}
        self._keeps_variables = True
        self._count = 0
        self._background: list[Program] = []

    def give_each_block_its_own(self, unset: Sequence[str]) -> None:
        """From now on a block sees nothing that another one set, as in a new terminal, and not the variables `unset` either."""
        self._keeps_variables = False
        pathlib.Path(self.environment["PAGE_STATE"]).unlink(missing_ok=True)
        for name in unset:
            self.environment.pop(name, None)

    def run(self, text: str) -> tuple[int | None, str]:
        """The exit code, and what was written to standard output and standard error together. What it started ends with it."""
        program = self._program(text, _EPILOGUE if self._keeps_variables else "")
        try:
            status = program.status(DEADLINE_S)
        finally:
            program.end()
        return status, program.output() + ("" if status is not None else f"\nnot finished within {DEADLINE_S} s")

    def start(self, text: str, until: str) -> str | None:
        """Starts it and waits until its output holds `until`. What went wrong, or None."""
        program = self._program(text, "")
        self._background.append(program)
        self.await_output(lambda: until in program.output() or program.has_ended())
        return None if until in program.output() else f"its output never held {until!r}:\n{program.output()}"

    def stop(self) -> None:
        """Ends what was started last, with all that it started."""
        if self._background:
            self._background.pop().end()

    def stop_all(self) -> None:
        while self._background:
            self.stop()

    def output(self) -> str:
        """What the programs in the background have written so far, the last one first."""
        return "\n".join(program.output() for program in reversed(self._background))

    def await_output(self, condition: Callable[[], bool]) -> bool:
        end = time.monotonic() + DEADLINE_S
        while not (holds := condition()) and time.monotonic() < end:
            time.sleep(0.05)
        return holds

    def _program(self, text: str, epilogue: str) -> Program:
        self._count += 1
        script = self.directory / f".block-{self._count}.sh"
        script.write_text(_PRELUDE + epilogue + text)
        return Program(["bash", script], script.with_suffix(".log"), cwd=self.directory, env=self.environment)
